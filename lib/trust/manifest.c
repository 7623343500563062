/* SPDX-License-Identifier: Apache-2.0 */
/* manifest.c - the job behind lk_manifest: collects what a folder holds and was made from, and writes it
 * down. */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/fs.h"
#include "trust/trust.h"

enum { FORMAT = 1 };

void lk_manifest_options_init(lk_manifest_options *options)
{
    *options = (lk_manifest_options){.sample = 100, .seed = 1};
}

json_t *lk_trust_time(int64_t seconds)
{
    char text[40];
    struct tm parts;
    time_t t = (time_t)seconds;
    if (seconds <= 0 || gmtime_r(&t, &parts) == NULL)
        return json_null();
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
    return json_string(text);
}

static lk_status no_memory(lk_error *err)
{
    return lk_fail(err, LK_ENOMEM, "out of memory while making " LK_MANIFEST);
}

json_t *lk_trust_file_json(const struct lk_trust_file *file)
{
    return json_pack("{s:o, s:I, s:s, s:s}", "path", lk_json_text(file->path), "bytes",
                     (json_int_t)file->bytes, "sha256", file->sha256, "holds",
                     file->faces ? "faces" : "numbers");
}

static lk_status add_outputs(json_t *manifest, const struct lk_inventory *inventory, lk_error *err)
{
    json_t *outputs = json_object_get(manifest, "outputs");
    for (size_t i = 0; i < inventory->n; i++)
        if (json_array_append_new(outputs, lk_trust_file_json(&inventory->files[i])) != 0)
            return no_memory(err);
    return LK_OK;
}

static lk_status make(json_t **out, lk_ctx *ctx, const lk_manifest_options *o, lk_error *err)
{
    struct lk_inventory inventory = {0};
    char *here = getcwd(NULL, 0);
    *out = json_pack("{s:s, s:i, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:[], s:{}, s:{}, s:[], s:[], s:[], "
                     "s:[], s:[], s:[], s:[]}",
                     "kind", "manifest", "format", FORMAT, "tool", lk_version(), "command",
                     o->command != NULL ? lk_json_text(o->command) : json_null(), "working_directory",
                     here != NULL ? lk_json_text(here) : json_null(), "started", lk_trust_time(o->started),
                     "finished", lk_trust_time((int64_t)time(NULL)), "versions", lk_trust_versions(),
                     "machine", lk_trust_machine(o->cpu), "commands", "seeds", "filters", "models", "sets",
                     "uses", "inputs", "reports", "outputs", "purged");
    free(here);
    if (*out == NULL)
        return no_memory(err);
    lk_status status = lk_inventory_take(&inventory, ctx, o->folder, NULL, err);
    if (status == LK_OK && inventory.n == 0)
        status =
            lk_fail(err, LK_EINVAL,
                    "%s: holds no finished results, expected a folder that likeness audit made", o->folder);
    if (status == LK_OK)
        status = lk_inventory_hash(&inventory, ctx, o->folder, err);
    if (status == LK_OK)
        status = lk_trust_collect(*out, ctx, o, &inventory, err);
    for (size_t i = 0; i < o->n_inputs && status == LK_OK; i++)
        if (o->inputs[i] != NULL)
            status = lk_trust_add_input(*out, o->folder, o->inputs[i], "option", err);
    if (status == LK_OK)
        status = add_outputs(*out, &inventory, err);
    lk_inventory_free(&inventory);
    return status;
}

/* Whether the manifest that is there says the same of everything but time: then it stays, with the time at
 * which the results were made. One that cannot be read is replaced. */
static bool is_same(const char *path, json_t *manifest)
{
    lk_error ignored;
    json_t *there = NULL;
    if (!lk_path_exists(path) || lk_json_read(path, &there, &ignored) != LK_OK)
        return false;
    json_t *now = json_copy(manifest);
    static const char *const times[] = {"started", "finished"};
    for (size_t i = 0; i < 2; i++) {
        json_object_del(there, times[i]);
        json_object_del(now, times[i]);
    }
    bool same = now != NULL && json_equal(there, now);
    json_decref(there);
    json_decref(now);
    return same;
}

lk_status lk_manifest(lk_ctx *ctx, const lk_manifest_options *options, lk_manifest_summary *out,
                      lk_error *err)
{
    json_t *manifest = NULL;
    lk_status status = make(&manifest, ctx, options, err);
    char *path = status == LK_OK ? lk_path_join(options->folder, LK_MANIFEST, err) : NULL;
    if (status == LK_OK && path == NULL)
        status = LK_ENOMEM;
    bool same = status == LK_OK && is_same(path, manifest);
    if (status == LK_OK && !same)
        status = lk_json_write(path, manifest, err);
    if (status == LK_OK)
        *out = (lk_manifest_summary){json_array_size(json_object_get(manifest, "outputs")),
                                     json_array_size(json_object_get(manifest, "inputs")),
                                     json_array_size(json_object_get(manifest, "sets")),
                                     json_array_size(json_object_get(manifest, "models")), same};
    free(path);
    json_decref(manifest);
    return status;
}

lk_status lk_manifest_read(const char *folder, json_t **out, lk_error *err)
{
    const char *kind = "";
    int64_t format = 0;
    char *path = lk_path_join(folder, LK_MANIFEST, err);
    if (path == NULL)
        return LK_ENOMEM;
    json_t *json = NULL;
    lk_status status = LK_OK;
    if (!lk_path_exists(path))
        status =
            lk_fail(err, LK_EIO,
                    "%s: not there; expected a folder that likeness audit finished (run the same audit again "
                    "to write it)",
                    path);
    if (status == LK_OK)
        status = lk_json_read(path, &json, err);
    if (status == LK_OK)
        status = lk_json_string(json, "kind", 1, &kind, path, err);
    if (status == LK_OK)
        status = lk_json_integer(json, "format", 1, &format, path, err);
    if (status == LK_OK && (strcmp(kind, "manifest") != 0 || format != FORMAT))
        status = lk_fail(err, LK_EFORMAT, "%s: found kind '%.40s' and format %lld, expected manifest and %d",
                         path, kind, (long long)format, FORMAT);
    static const char *const lists[] = {"models", "sets", "uses", "inputs", "reports", "outputs", "purged"};
    for (size_t i = 0; i < sizeof lists / sizeof *lists && status == LK_OK; i++)
        if (!json_is_array(json_object_get(json, lists[i])))
            status = lk_fail(err, LK_EFORMAT, "%s: '%s' is missing or no list", path, lists[i]);
    free(path);
    if (status != LK_OK) {
        json_decref(json);
        return status;
    }
    *out = json;
    return LK_OK;
}
