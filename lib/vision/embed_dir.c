/* SPDX-License-Identifier: Apache-2.0 */
/* embed_dir.c - is what a FACES directory holds what a run would make? */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "formats/json.h"
#include "vision/embed.h"

/* ---- settings ---------------------------------------------------------------------------------- */

static const char *text_or_none(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "none";
}

static bool model_differs(const json_t *other, const json_t *ours, const char *whose, char *text, size_t room)
{
    static const char *const parts[][2] = {
        {"model", "model"}, {"detector", "detector"}, {"age_model", "age model"}};
    for (size_t i = 0; i < 3; i++) {
        const json_t *was = json_object_get(other, parts[i][0]), *is = json_object_get(ours, parts[i][0]);
        if (strcmp(text_or_none(was, "sha256"), text_or_none(is, "sha256")) == 0)
            continue;
        snprintf(text, room, "its %s is %s (sha256 %.12s), %s is %s (sha256 %.12s)", parts[i][1],
                 text_or_none(was, "name"), text_or_none(was, "sha256"), whose, text_or_none(is, "name"),
                 text_or_none(is, "sha256"));
        return true;
    }
    return false;
}

static void shard_name(const json_t *settings, char out[80])
{
    const json_t *shard = json_object_get(settings, "shard");
    if (json_is_object(shard))
        snprintf(out, 80, "shard %" JSON_INTEGER_FORMAT "/%" JSON_INTEGER_FORMAT,
                 json_integer_value(json_object_get(shard, "index")),
                 json_integer_value(json_object_get(shard, "count")));
    else
        snprintf(out, 80, "all images");
}

bool lk_embed_differs(const json_t *other, const json_t *ours, const char *whose, char *text, size_t room)
{
    static const char *const options[][2] = {{"alignment", "alignment"},
                                             {"face_choice", "choice among faces"},
                                             {"device", "device"}};
    if (model_differs(other, ours, whose, text, room))
        return true;
    for (size_t i = 0; i < 3; i++) {
        const char *was = text_or_none(other, options[i][0]), *is = text_or_none(ours, options[i][0]);
        if (strcmp(was, is) != 0) {
            snprintf(text, room, "its %s is '%s', %s is '%s'", options[i][1], was, whose, is);
            return true;
        }
    }
    if (strcmp(text_or_none(other, "inputs_sha256"), text_or_none(ours, "inputs_sha256")) != 0) {
        snprintf(
            text, room,
            "its inputs are others: pictures were added, removed, renamed, changed or labelled otherwise "
            "since");
        return true;
    }
    if (strcmp(text_or_none(other, "excluded_sha256"), text_or_none(ours, "excluded_sha256")) != 0) {
        snprintf(text, room, "its list of excluded images is another");
        return true;
    }
    if (!json_equal(json_object_get(other, "format"), json_object_get(ours, "format"))) {
        snprintf(text, room, "it was made by a version of likeness with another file format");
        return true;
    }
    char was[80], is[80];
    shard_name(other, was);
    shard_name(ours, is);
    if (strcmp(was, is) != 0)
        snprintf(text, room, "it holds %s, %s are %s", was, whose, is);
    return strcmp(was, is) != 0;
}

/* ---- a finished result --------------------------------------------------------------------------- */

static uint64_t count_of(const json_t *meta, const char *key)
{
    return (uint64_t)json_integer_value(json_object_get(json_object_get(meta, "counts"), key));
}

/* Whether the tables that a finished run's meta.json speaks of are there in full. */
static bool is_complete(const char *dir, const json_t *meta, size_t dim, struct lk_embed_counts *counts)
{
    struct stat st;
    char *vectors = lk_path_join(dir, "embeddings.npy", NULL), *lines = lk_path_join(dir, "images.csv", NULL);
    uint64_t rows = count_of(meta, "embedded");
    bool good = vectors != NULL && lines != NULL && stat(vectors, &st) == 0 && lk_path_exists(lines) &&
                (uint64_t)st.st_size == LK_NPY_HEADER_BYTES + rows * dim * sizeof(float);
    free(vectors);
    free(lines);
    if (good)
        *counts = (struct lk_embed_counts){count_of(meta, "images"), rows, count_of(meta, "no_face"),
                                           count_of(meta, "unreadable"), count_of(meta, "excluded")};
    return good;
}

static lk_status judge(lk_ctx *ctx, const char *dir, const json_t *meta, const json_t *settings, size_t dim,
                       bool replace, bool *up_to_date, struct lk_embed_counts *counts, lk_error *err)
{
    char what[400];
    const char *kind = text_or_none(meta, "kind");
    LK_NEED(strcmp(kind, "faces") == 0, err, LK_EINVAL,
            "%s: holds results of another kind (meta.json: kind '%s', expected 'faces'); give another output",
            dir, kind);
    if (!lk_embed_differs(meta, settings, "this run's", what, sizeof what)) {
        *up_to_date = is_complete(dir, meta, dim, counts);
        if (!*up_to_date)
            lk_ctx_message(ctx, LK_LEVEL_NOTE,
                           "%s: embeddings.npy or images.csv is missing or cut short; making them again",
                           dir);
        return LK_OK;
    }
    LK_NEED(replace, err, LK_EINVAL,
            "%s: holds a finished result made with other settings: %s. Give another output, or --force to "
            "replace it",
            dir, what);
    return LK_OK;
}

lk_status lk_embed_judge(lk_ctx *ctx, const char *dir, const json_t *settings, size_t dim, bool replace,
                         bool *up_to_date, struct lk_embed_counts *counts, lk_error *err)
{
    json_t *meta = NULL;
    *up_to_date = false;
    char *path = lk_path_join(dir, "meta.json", err);
    if (path == NULL)
        return LK_ENOMEM;
    lk_status status = lk_path_exists(path) ? lk_json_read(path, &meta, err) : LK_OK;
    if (status == LK_EFORMAT && replace)
        status = LK_OK; /* damaged: nothing to keep */
    if (status == LK_OK && meta != NULL)
        status = judge(ctx, dir, meta, settings, dim, replace, up_to_date, counts, err);
    json_decref(meta);
    free(path);
    return status;
}
