/* SPDX-License-Identifier: Apache-2.0 */
/* purge.c - the job behind lk_purge: removes biometric data below a folder, and notes that in its manifest.
 *
 * The manifest is written before the first file goes and again behind the last: wherever a purge is
 * interrupted, lk_verify says so and the next purge goes on. Files are reached folder by folder from an open
 * one, without following links, so nothing outside can be hit, whatever is renamed meanwhile. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/hash.h"
#include "trust/trust.h"

struct purge {
    lk_ctx *ctx;
    const lk_purge_options *options;
    lk_purge_fn *each;
    void *user;
    json_t *manifest;
    struct lk_inventory inventory;
    const json_t **made; /* how each file of the inventory is made again without faces; NULL = not at all */
    int root;            /* the folder, open; -1 = not yet */
    int *locks;
    size_t n_locks;
    lk_purge_summary summary;
};

void lk_purge_options_init(lk_purge_options *options)
{
    *options = (lk_purge_options){.folder = NULL};
}

static lk_status no_memory(lk_error *err)
{
    return lk_fail(err, LK_ENOMEM, "out of memory while purging");
}

/* ---- the plan ------------------------------------------------------------------------------------------ */

/* A path that the manifest says of a page; *out stays NULL when it says none. */
static lk_status path_of(const struct purge *p, const json_t *made, const char *key, char **out,
                         lk_error *err)
{
    const char *place = json_string_value(json_object_get(made, key));
    if (place == NULL)
        return LK_OK;
    *out = lk_trust_resolve(p->options->folder, place, err);
    return *out != NULL ? LK_OK : LK_ENOMEM;
}

/* A page with faces is made again when what it shows is still there. */
static lk_status plan_pages(struct purge *p, lk_error *err)
{
    size_t k;
    json_t *made;
    if ((p->made = lk_calloc(p->inventory.n, sizeof *p->made, err)) == NULL)
        return LK_ENOMEM;
    json_array_foreach(json_object_get(p->manifest, "reports"), k, made)
    {
        const char *page = json_string_value(json_object_get(made, "page"));
        size_t i = 0;
        while (page != NULL && i < p->inventory.n && strcmp(p->inventory.files[i].path, page) != 0)
            i++;
        const char *ending = page != NULL ? strrchr(page, '.') : NULL;
        if (ending == NULL || strcmp(ending, ".html") != 0 || i == p->inventory.n ||
            !p->inventory.files[i].faces)
            continue;
        char *measures = NULL;
        LK_TRY(path_of(p, made, "measures", &measures, err));
        if (measures != NULL && lk_path_is_dir(measures))
            p->made[i] = made;
        free(measures);
    }
    return LK_OK;
}

static void say_plan(struct purge *p)
{
    size_t i;
    json_t *set;
    for (i = 0; i < p->inventory.n; i++) {
        const struct lk_trust_file *f = &p->inventory.files[i];
        bool replaced = p->made[i] != NULL;
        if (f->faces)
            p->each(p->user, replaced ? LK_PURGE_REPLACE : LK_PURGE_REMOVE, f->path, f->bytes);
        p->summary.n_replaced += replaced;
        p->summary.n_removed += f->faces && !replaced;
        p->summary.n_kept += !f->faces;
        p->summary.bytes += f->faces ? f->bytes : 0;
    }
    json_array_foreach(json_object_get(p->manifest, "sets"), i, set)
    {
        const char *path = json_string_value(json_object_get(set, "path"));
        if (path == NULL || path[0] != '/')
            continue;
        p->each(p->user, LK_PURGE_LEAVE, path, 0);
        p->summary.n_left++;
    }
}

/* ---- the manifest -------------------------------------------------------------------------------------- */

static size_t index_of(const json_t *list, const char *path)
{
    size_t i;
    json_t *entry;
    json_array_foreach(list, i, entry)
    {
        const char *value = json_string_value(json_object_get(entry, "path"));
        if (value != NULL && strcmp(value, path) == 0)
            return i;
    }
    return SIZE_MAX;
}

/* Moves a file from the outputs to what was purged. */
static lk_status note(struct purge *p, const struct lk_trust_file *file, bool replaced, lk_error *err)
{
    json_t *outputs = json_object_get(p->manifest, "outputs"),
           *purged = json_object_get(p->manifest, "purged");
    size_t at = index_of(outputs, file->path), before = index_of(purged, file->path);
    json_t *sha256 = json_object_get(json_array_get(outputs, at), "sha256");
    json_t *entry = json_pack("{s:o, s:I, s:O?, s:o, s:b}", "path", lk_json_text(file->path), "bytes",
                              (json_int_t)file->bytes, "sha256", sha256, "at",
                              lk_trust_time((int64_t)time(NULL)), "replaced", replaced);
    if (before != SIZE_MAX)
        json_array_remove(purged, before);
    if (json_array_append_new(purged, entry) != 0)
        return no_memory(err);
    if (at != SIZE_MAX)
        json_array_remove(outputs, at);
    return LK_OK;
}

static lk_status write_manifest(const struct purge *p, lk_error *err)
{
    char *path = lk_path_join(p->options->folder, LK_MANIFEST, err);
    lk_status status = path != NULL ? lk_json_write(path, p->manifest, err) : LK_ENOMEM;
    free(path);
    return status;
}

/* The numbers beside a page, which are written again with it. */
static const struct lk_trust_file *numbers_of(const struct purge *p, size_t page)
{
    const char *path = p->inventory.files[page].path, *end = strrchr(path, '.');
    for (size_t i = 0; i < p->inventory.n; i++) {
        const char *other = p->inventory.files[i].path;
        if (strncmp(other, path, (size_t)(end - path)) == 0 && strcmp(other + (end - path), ".json") == 0)
            return &p->inventory.files[i];
    }
    return NULL;
}

static lk_status note_all(struct purge *p, lk_error *err)
{
    for (size_t i = 0; i < p->inventory.n; i++) {
        const struct lk_trust_file *f = &p->inventory.files[i];
        const struct lk_trust_file *numbers = p->made[i] != NULL ? numbers_of(p, i) : NULL;
        if (f->faces)
            LK_TRY(note(p, f, p->made[i] != NULL, err));
        if (numbers != NULL)
            LK_TRY(note(p, numbers, true, err));
    }
    lk_status status = write_manifest(p, err);
    if (status != LK_OK)
        lk_error_prefix(err, "nothing was removed");
    return status;
}

/* A replaced file is an output again, with its new hash. Of one that is gone, and of one that could not be
 * replaced and is what it was, the note is put right. */
static lk_status note_replaced_one(json_t *outputs, json_t *purged, size_t at,
                                   const struct lk_trust_file *now, lk_error *err)
{
    json_t *entry = json_array_get(purged, at);
    const char *before = json_string_value(json_object_get(entry, "sha256"));
    if (now == NULL) {
        json_object_set_new(entry, "replaced", json_false());
        return LK_OK;
    }
    if (json_array_append_new(outputs, lk_trust_file_json(now)) != 0)
        return no_memory(err);
    if (before != NULL && strcmp(before, now->sha256) == 0)
        json_array_remove(purged, at);
    return LK_OK;
}

static lk_status note_replaced(struct purge *p, lk_error *err)
{
    struct lk_inventory now;
    json_t *outputs = json_object_get(p->manifest, "outputs"),
           *purged = json_object_get(p->manifest, "purged");
    LK_TRY(lk_inventory_take(&now, p->ctx, p->options->folder, p->manifest, err));
    lk_status status = lk_inventory_hash(&now, p->ctx, p->options->folder, err);
    for (size_t i = json_array_size(purged); i-- > 0 && status == LK_OK;) {
        const json_t *entry = json_array_get(purged, i);
        const char *path = json_string_value(json_object_get(entry, "path"));
        if (path == NULL || !json_is_true(json_object_get(entry, "replaced")) ||
            index_of(outputs, path) != SIZE_MAX)
            continue;
        size_t k = 0;
        while (k < now.n && strcmp(now.files[k].path, path) != 0)
            k++;
        status = note_replaced_one(outputs, purged, i, k < now.n ? &now.files[k] : NULL, err);
    }
    lk_inventory_free(&now);
    return status == LK_OK ? write_manifest(p, err) : status;
}

/* ---- the files ----------------------------------------------------------------------------------------- */

/* Opens the folder that a file lies in, step by step from the root; *name is the file's own. */
static lk_status open_folder(const struct purge *p, const char *path, int *folder, const char **name,
                             lk_error *err)
{
    int at = dup(p->root);
    for (const char *slash; at >= 0 && (slash = strchr(path, '/')) != NULL; path = slash + 1) {
        char *step = strndup(path, (size_t)(slash - path));
        int next = step != NULL ? openat(at, step, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
        int reason = errno;
        free(step);
        close(at);
        errno = reason;
        at = next;
    }
    if (at < 0)
        return lk_fail_sys(err, LK_EIO, "%s: cannot open its folder", path);
    *folder = at;
    *name = path;
    return LK_OK;
}

static lk_status remove_file(const struct purge *p, const char *path, lk_error *err)
{
    int folder = -1;
    const char *name = NULL;
    struct stat st;
    LK_TRY(open_folder(p, path, &folder, &name, err));
    lk_status status = LK_OK;
    if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        status = errno == ENOENT ? LK_OK : lk_fail_sys(err, LK_EIO, "%s: cannot examine", path);
    else if (!S_ISREG(st.st_mode))
        status = lk_fail(err, LK_EIO, "%s: has become something else than a file; left as it is", path);
    else if (unlinkat(folder, name, 0) != 0)
        status = lk_fail_sys(err, LK_EIO, "%s: cannot remove", path);
    close(folder);
    return status;
}

static lk_status make_page(struct purge *p, const char *page, const json_t *made, lk_error *err)
{
    static const char *const keys[] = {"measures", "match", "review", "calibration", "truth"};
    char *paths[5] = {NULL}, *output = lk_path_join(p->options->folder, page, err);
    lk_status status = output != NULL ? LK_OK : LK_ENOMEM;
    for (size_t i = 0; i < 5 && status == LK_OK; i++)
        status = path_of(p, made, keys[i], &paths[i], err);
    lk_report_options o;
    lk_report_summary summary;
    lk_report_options_init(&o);
    o.measures = paths[0];
    o.match = paths[1];
    o.review = paths[2];
    o.calibration = paths[3];
    o.truth = paths[4];
    o.output = output;
    o.no_faces = 1;
    if (json_is_integer(json_object_get(made, "max_pairs")))
        o.max_pairs = (uint64_t)json_integer_value(json_object_get(made, "max_pairs"));
    if (status == LK_OK)
        status = lk_report(p->ctx, &o, &summary, err);
    for (size_t i = 0; i < 5; i++)
        free(paths[i]);
    free(output);
    return status;
}

/* Makes a page again without pictures, paths and names. That this cannot be done costs the page: its pictures
 * must go. */
static lk_status replace_page(struct purge *p, const char *page, const json_t *made, lk_error *err)
{
    lk_error why;
    lk_status status = make_page(p, page, made, &why);
    if (status == LK_OK)
        return LK_OK;
    if (status == LK_ENOMEM || status == LK_ECANCELED)
        return lk_fail(err, status, "%s", why.text);
    lk_ctx_message(p->ctx, LK_LEVEL_WARNING, "%s: cannot be made without pictures, so it is removed: %s",
                   page, why.text);
    p->summary.n_replaced--;
    p->summary.n_removed++;
    return remove_file(p, page, err);
}

/* Keeps other runs out of the folders that files are taken from, and a study out of the whole. */
static lk_status lock_folders(struct purge *p, lk_error *err)
{
    p->locks = lk_calloc(p->inventory.n + 1, sizeof *p->locks, err);
    char *last = lk_strdup("", err);
    lk_status status = p->locks != NULL && last != NULL ? LK_OK : LK_ENOMEM;
    if (status == LK_OK)
        status = lk_lock_take(&p->locks[0], p->options->folder, err);
    p->n_locks = status == LK_OK;
    for (size_t i = 0; i < p->inventory.n && status == LK_OK; i++) {
        const char *path = p->inventory.files[i].path, *slash = strrchr(path, '/');
        size_t len = slash != NULL ? (size_t)(slash - path) : 0;
        if (!p->inventory.files[i].faces || len == 0 || (strlen(last) == len && memcmp(last, path, len) == 0))
            continue; /* files of one folder follow one another */
        free(last);
        last = strndup(path, len);
        char *folder = last != NULL ? lk_path_join(p->options->folder, last, err) : NULL;
        status = folder != NULL ? lk_lock_take(&p->locks[p->n_locks], folder, err) : LK_ENOMEM;
        p->n_locks += status == LK_OK;
        free(folder);
    }
    free(last);
    return status;
}

static lk_status act(struct purge *p, lk_error *err)
{
    LK_TRY(lock_folders(p, err));
    p->root = open(p->options->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (p->root < 0)
        return lk_fail_sys(err, LK_EIO, "%s: cannot open", p->options->folder);
    LK_TRY(note_all(p, err));
    for (size_t i = 0; i < p->inventory.n; i++) {
        const struct lk_trust_file *f = &p->inventory.files[i];
        if (!f->faces)
            continue;
        LK_TRY(lk_ctx_check(p->ctx, err));
        LK_TRY(p->made[i] != NULL ? replace_page(p, f->path, p->made[i], err) : remove_file(p, f->path, err));
    }
    return note_replaced(p, err);
}

/* ---- the job ------------------------------------------------------------------------------------------- */

static lk_status purge(struct purge *p, lk_error *err)
{
    LK_TRY(lk_manifest_read(p->options->folder, &p->manifest, err));
    LK_TRY(lk_inventory_take(&p->inventory, p->ctx, p->options->folder, p->manifest, err));
    LK_TRY(plan_pages(p, err));
    say_plan(p);
    return p->options->dry_run ? LK_OK : act(p, err);
}

lk_status lk_purge(lk_ctx *ctx, const lk_purge_options *options, lk_purge_fn *each, void *user,
                   lk_purge_summary *out, lk_error *err)
{
    LK_NEED(options->folder != NULL, err, LK_EINVAL, "purge: expected a folder");
    struct purge p = {.ctx = ctx, .options = options, .each = each, .user = user, .root = -1};
    lk_status status = purge(&p, err);
    for (size_t i = 0; i < p.n_locks; i++)
        lk_lock_release(p.locks[i]);
    if (p.root >= 0)
        close(p.root);
    free(p.locks);
    free(p.made);
    lk_inventory_free(&p.inventory);
    json_decref(p.manifest);
    if (status == LK_OK)
        *out = p.summary;
    return status;
}
