/* SPDX-License-Identifier: Apache-2.0 */
/* verify.c - the job behind lk_verify: a folder against its manifest; here the hashes of files. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/hash.h"
#include "base/pool.h"
#include "trust/trust.h"

void lk_verify_options_init(lk_verify_options *options)
{
    *options = (lk_verify_options){.sample = 50, .seed = 1};
}

void lk_verify_say(struct lk_verify *v, lk_finding_kind kind, const char *what, const char *format, ...)
{
    char text[1200], name[1200];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    snprintf(name, sizeof name, "%s", what);
    lk_text_clean(text);
    lk_text_clean(name);
    v->summary.n_different += kind == LK_FOUND_CHANGED || kind == LK_FOUND_MISSING || kind == LK_FOUND_EXTRA;
    v->summary.n_unchecked += kind == LK_FOUND_UNCHECKED || kind == LK_FOUND_PURGED;
    const lk_finding finding = {kind, name, text};
    v->each(v->user, &finding);
}

/* ---- hashes of files ----------------------------------------------------------------------------------- */

/* A file of the manifest and what became of it. */
struct checked {
    const char *place, *recorded;
    char *path;
    bool there;
    char found[65];
    lk_error why; /* found is "" for this reason */
};

static lk_status hash_item(void *arg, size_t index, int worker, lk_error *err)
{
    (void)worker;
    struct checked *c = (struct checked *)arg + index;
    c->there = lk_path_exists(c->path);
    lk_status status = c->there ? lk_hash_file(c->path, c->found, &c->why) : LK_OK;
    if (status != LK_OK)
        c->found[0] = '\0';
    return status == LK_ENOMEM ? lk_fail(err, status, "%s", c->why.text) : LK_OK;
}

static void judge_output(struct lk_verify *v, const struct checked *c)
{
    if (!c->there)
        lk_verify_say(v, LK_FOUND_MISSING, c->place, "is not there any more");
    else if (c->found[0] == '\0') /* a FIFO or a folder in its place is not the file that was recorded */
        lk_verify_say(v, c->why.code == LK_EFORMAT ? LK_FOUND_CHANGED : LK_FOUND_UNCHECKED, c->place, "%s",
                      c->why.text);
    else if (strcmp(c->found, c->recorded) != 0)
        lk_verify_say(v, LK_FOUND_CHANGED, c->place, "sha256 is %.12s..., recorded is %.12s...", c->found,
                      c->recorded);
    else
        v->summary.n_files++;
}

/* An input may have been moved, with nothing wrong: then it cannot be checked. */
static void judge_input(struct lk_verify *v, const struct checked *c)
{
    if (!c->there)
        lk_verify_say(v, LK_FOUND_UNCHECKED, c->place, "this input is not there any more");
    else
        judge_output(v, c);
}

static lk_status check_files(struct lk_verify *v, const char *list,
                             void (*judge)(struct lk_verify *v, const struct checked *c), lk_error *err)
{
    const json_t *files = json_object_get(v->manifest, list);
    size_t n = json_array_size(files);
    struct checked *checked = lk_calloc(n, sizeof *checked, err);
    lk_status status = checked != NULL ? LK_OK : LK_ENOMEM;
    for (size_t i = 0; i < n && status == LK_OK; i++) {
        const json_t *entry = json_array_get(files, i);
        status = lk_json_string(entry, "path", 1, &checked[i].place, LK_MANIFEST, err);
        if (status == LK_OK)
            status = lk_json_string(entry, "sha256", 1, &checked[i].recorded, LK_MANIFEST, err);
        if (status == LK_OK &&
            (checked[i].path = lk_trust_resolve(v->options->folder, checked[i].place, err)) == NULL)
            status = LK_ENOMEM;
    }
    if (status == LK_OK)
        status = lk_pool_for(v->ctx, n, hash_item, checked, err);
    for (size_t i = 0; i < n && status == LK_OK; i++)
        judge(v, &checked[i]);
    for (size_t i = 0; i < n && checked != NULL; i++)
        free(checked[i].path);
    free(checked);
    return status;
}

/* ---- what is too much, and what was purged ------------------------------------------------------------- */

static json_t *entry_of(const json_t *list, const char *path)
{
    size_t i;
    json_t *entry;
    json_array_foreach(list, i, entry)
    {
        const char *value = json_string_value(json_object_get(entry, "path"));
        if (value != NULL && strcmp(value, path) == 0)
            return entry;
    }
    return NULL;
}

bool lk_verify_purged(const struct lk_verify *v, const char *set)
{
    lk_error ignored;
    char *path = lk_path_join(set, "embeddings.npy", &ignored);
    bool purged = path != NULL && entry_of(json_object_get(v->manifest, "purged"), path) != NULL;
    free(path);
    return purged;
}

/* Files that are there although no one recorded them, or although they were purged. */
static lk_status find_extra(struct lk_verify *v, lk_error *err)
{
    struct lk_inventory inventory;
    const json_t *outputs = json_object_get(v->manifest, "outputs"),
                 *purged = json_object_get(v->manifest, "purged");
    LK_TRY(lk_inventory_take(&inventory, v->ctx, v->options->folder, v->manifest, err));
    for (size_t i = 0; i < inventory.n; i++) {
        const char *path = inventory.files[i].path;
        if (entry_of(outputs, path) != NULL)
            continue;
        if (entry_of(purged, path) != NULL)
            lk_verify_say(v, LK_FOUND_EXTRA, path,
                          "was purged and is there again, or the purge was interrupted");
        else
            lk_verify_say(v, LK_FOUND_EXTRA, path, "is not in the manifest");
    }
    lk_inventory_free(&inventory);
    return LK_OK;
}

static void say_purged(struct lk_verify *v)
{
    size_t i;
    json_t *entry;
    json_array_foreach(json_object_get(v->manifest, "purged"), i, entry)
    {
        const char *path = json_string_value(json_object_get(entry, "path"));
        const char *at = json_string_value(json_object_get(entry, "at"));
        if (path != NULL)
            lk_verify_say(v, LK_FOUND_PURGED, path, "%s%s%s",
                          json_is_true(json_object_get(entry, "replaced")) ? "replaced by one without faces"
                                                                           : "removed",
                          at != NULL ? ", " : "", at != NULL ? at : "");
    }
}

/* ---- the chain ----------------------------------------------------------------------------------------- */

/* A result names the embeddings that it was made from by their hash: they must be those of the set. */
static void check_uses(struct lk_verify *v)
{
    size_t i;
    json_t *use;
    json_array_foreach(json_object_get(v->manifest, "uses"), i, use)
    {
        const char *set = json_string_value(json_object_get(use, "set"));
        const char *used = json_string_value(json_object_get(use, "embeddings_sha256"));
        const char *file = json_string_value(json_object_get(use, "file"));
        if (set == NULL || used == NULL || file == NULL)
            continue;
        lk_error ignored;
        char *path = lk_path_join(set, "embeddings.npy", &ignored);
        const char *outputs[] = {"outputs", "inputs", "purged"};
        const json_t *entry = NULL;
        for (size_t k = 0; k < 3 && entry == NULL; k++) {
            const json_t *list = json_object_get(v->manifest, outputs[k]);
            entry = path != NULL ? entry_of(list, path) : NULL;
            entry = entry != NULL ? entry : entry_of(list, set);
        }
        const char *has = json_string_value(json_object_get(entry, "sha256"));
        if (has != NULL && strcmp(has, used) != 0)
            lk_verify_say(v, LK_FOUND_CHANGED, file, "was made from other embeddings than those of %s", set);
        free(path);
    }
}

/* ---- the job ------------------------------------------------------------------------------------------- */

static void say_same(struct lk_verify *v, uint64_t n, const char *what, const char *text)
{
    if (n > 0)
        lk_verify_say(v, LK_FOUND_SAME, what, "%llu %s", (unsigned long long)n, text);
}

static lk_status verify(struct lk_verify *v, lk_error *err)
{
    LK_TRY(lk_manifest_read(v->options->folder, &v->manifest, err));
    say_purged(v);
    LK_TRY(check_files(v, "outputs", judge_output, err));
    LK_TRY(check_files(v, "inputs", judge_input, err));
    say_same(v, v->summary.n_files, "files", "files have the recorded hash");
    check_uses(v);
    LK_TRY(find_extra(v, err));
    LK_TRY(lk_verify_models(v, err));
    LK_TRY(lk_verify_pictures(v, err));
    say_same(v, v->summary.n_pictures, "pictures", "sampled pictures have the recorded hash");
    if (v->options->sample == 0)
        return LK_OK;
    LK_TRY(lk_verify_vectors(v, err));
    return lk_verify_scores(v, err);
}

lk_status lk_verify(lk_ctx *ctx, const lk_verify_options *options, lk_finding_fn *each, void *user,
                    lk_verify_summary *out, lk_error *err)
{
    LK_NEED(options->folder != NULL, err, LK_EINVAL, "verify: expected a folder");
    struct lk_verify v = {.ctx = ctx, .options = options, .each = each, .user = user};
    lk_status status = verify(&v, err);
    json_decref(v.manifest);
    if (status == LK_OK)
        *out = v.summary;
    return status;
}
