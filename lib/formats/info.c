/* SPDX-License-Identifier: Apache-2.0 */
/* info.c - lk_info: says what a path is, for people or as JSON. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/fs.h"
#include "formats/faces.h"
#include "formats/image.h"
#include "formats/json.h"
#include "formats/source_backend.h"

enum { SHOWN_INPUTS = 10 };

void lk_info_options_init(lk_info_options *options)
{
    *options = (lk_info_options){.n_pictures = 5};
}

/* ---- a set of images --------------------------------------------------------------------------- */

static int ascending(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Smallest, median and largest number of images of an identity. */
static lk_status add_identities(const struct lk_source *s, json_t *out, lk_error *err)
{
    size_t n = lk_source_count(s), n_identities = lk_source_identities(s), without = 0;
    struct lk_names names = {0};
    uint64_t *counts = lk_calloc(n_identities, sizeof *counts, err);
    lk_status status = counts != NULL ? LK_OK : LK_ENOMEM;
    for (size_t row = 0; row < n && status == LK_OK; row++) {
        const char *identity = lk_source_identity(s, row);
        uint32_t number;
        if (identity == NULL)
            without++;
        else if ((status = lk_names_add(&names, identity, strlen(identity), &number, err)) == LK_OK)
            counts[number]++;
    }
    if (status == LK_OK && n_identities > 0) {
        qsort(counts, n_identities, sizeof *counts, ascending);
        double median = ((double)counts[(n_identities - 1) / 2] + (double)counts[n_identities / 2]) / 2;
        json_object_set_new(out, "images_per_identity",
                            json_pack("{s:I, s:f, s:I}", "min", (json_int_t)counts[0], "median", median,
                                      "max", (json_int_t)counts[n_identities - 1]));
    }
    json_object_set_new(out, "identities", json_integer((json_int_t)n_identities));
    json_object_set_new(out, "images_without_identity", json_integer((json_int_t)without));
    free(counts);
    lk_names_free(&names);
    return status;
}

static lk_status add_picture(const struct lk_source *s, size_t row, json_t *pictures, lk_error *err)
{
    struct lk_str path = LK_STR_INIT;
    uint8_t *bytes = NULL;
    size_t len = 0;
    struct lk_image image = {0};
    lk_error why = {0};
    lk_status status = lk_source_path(s, row, &path, err);
    if (status == LK_OK && (status = lk_source_read(s, row, &bytes, &len, &why)) == LK_OK)
        status = lk_image_decode(bytes, len, &image, &why);
    if (status == LK_OK || status == LK_EFORMAT || status == LK_EIO || status == LK_EUNSUP) {
        const char *identity = lk_source_identity(s, row);
        json_t *picture = json_pack("{s:o, s:o}", "path", lk_json_text(path.text), "identity",
                                    identity != NULL ? lk_json_text(identity) : json_null());
        if (status == LK_OK) {
            json_object_set_new(picture, "width", json_integer(image.width));
            json_object_set_new(picture, "height", json_integer(image.height));
            json_object_set_new(picture, "bytes", json_integer((json_int_t)len));
        } else {
            json_object_set_new(picture, "problem", lk_json_text(why.text));
        }
        json_array_append_new(pictures, picture);
        status = LK_OK;
    } else if (err != NULL) {
        *err = why;
    }
    lk_image_free(&image);
    free(bytes);
    lk_str_free(&path);
    return status;
}

static json_t *input_list(const struct lk_source *s, size_t *n_inputs)
{
    json_t *list = json_array();
    const char *path, *format;
    size_t n_pictures;
    for (*n_inputs = 0; lk_source_input(s, *n_inputs, &path, &format, &n_pictures); ++*n_inputs)
        if (*n_inputs < SHOWN_INPUTS)
            json_array_append_new(list, json_pack("{s:o, s:s, s:I}", "path", lk_json_text(path), "format",
                                                  format, "images", (json_int_t)n_pictures));
    return list;
}

static lk_status describe_set(const struct lk_source *s, const lk_info_options *o, json_t *out, lk_error *err)
{
    size_t n = lk_source_count(s), n_inputs;
    json_object_set_new(out, "kind", json_string("images"));
    json_object_set_new(out, "images", json_integer((json_int_t)n));
    LK_TRY(add_identities(s, out, err));
    json_t *groups = json_array(), *pictures = json_array(), *problems = json_array();
    json_object_set_new(out, "groups", groups);
    json_object_set_new(out, "inputs", input_list(s, &n_inputs));
    json_object_set_new(out, "n_inputs", json_integer((json_int_t)n_inputs));
    json_object_set_new(out, "pictures", pictures);
    json_object_set_new(out, "problems", problems);
    for (size_t g = 0; g < lk_source_groups(s); g++)
        json_array_append_new(groups, lk_json_text(lk_source_group_name(s, g)));
    for (size_t i = 0; lk_source_problem(s, i) != NULL; i++)
        json_array_append_new(problems, lk_json_text(lk_source_problem(s, i)));
    for (size_t row = 0; row < n && row < o->n_pictures; row++)
        LK_TRY(add_picture(s, row, pictures, err));
    return LK_OK;
}

/* ---- results and embeddings -------------------------------------------------------------------- */

/* What kind of result a folder holds, by its meta.json; NULL = none. New reference in *meta. */
static const char *result_kind(const char *path, json_t **meta)
{
    *meta = NULL;
    if (!lk_path_is_dir(path))
        return NULL;
    char *file = lk_path_join(path, "meta.json", NULL);
    bool there = file != NULL && lk_path_exists(file) && lk_json_read(file, meta, NULL) == LK_OK;
    free(file);
    return there ? json_string_value(json_object_get(*meta, "kind")) : NULL;
}

static lk_status describe_embeddings(const char *path, json_t *out, lk_error *err)
{
    struct lk_faces faces;
    LK_TRY(lk_faces_open(&faces, NULL, path, err));
    bool folder = faces.meta != NULL;
    json_object_set_new(out, "kind", json_string(folder ? "faces" : "embeddings"));
    json_object_set_new(out, "embeddings", json_integer((json_int_t)faces.matrix.rows));
    json_object_set_new(out, "numbers_per_embedding", json_integer((json_int_t)faces.matrix.dim));
    if (folder) {
        json_object_set_new(out, "images", json_integer((json_int_t)faces.n_images));
        json_object_set_new(out, "identities", json_integer((json_int_t)faces.n_identities));
        static const char *const keys[] = {"model", "detector", "alignment", "counts", "inputs", "tool"};
        for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
            if (json_object_get(faces.meta, keys[i]) != NULL)
                json_object_set(out, keys[i], json_object_get(faces.meta, keys[i]));
    }
    lk_faces_close(&faces);
    return LK_OK;
}

static bool is_named_as_embeddings(const char *path)
{
    static const char *const ENDINGS[] = {".npy",  ".npz",  ".fvecs", ".h5",
                                          ".hdf5", ".json", ".jsonl", ".ndjson"};
    const char *base = strrchr(path, '/'), *colon = strrchr(base != NULL ? base : path, ':'); /* FILE:ARRAY */
    size_t len = colon != NULL ? (size_t)(colon - path) : strlen(path);
    for (size_t i = 0; i < sizeof ENDINGS / sizeof *ENDINGS; i++) {
        size_t n = strlen(ENDINGS[i]);
        if (len > n && strncasecmp(path + len - n, ENDINGS[i], n) == 0)
            return true;
    }
    return false;
}

/* A file with such a name (an .npz would pass for an archive of pictures), or one that no kind of set claims,
 * and that is no picture by its content either. */
static bool may_be_embeddings(const lk_info_options *o)
{
    const struct lk_source_backend *kind;
    if (o->n_inputs == 1 && o->format == NULL && is_named_as_embeddings(o->inputs[0]))
        return true;
    if (o->n_inputs != 1 || o->format != NULL || lk_source_recognise(o->inputs[0], &kind, NULL) != LK_OK ||
        kind != &lk_source_picture)
        return false;
    struct lk_image image = {0};
    uint8_t *bytes = NULL;
    size_t len;
    bool picture = lk_file_read(o->inputs[0], LK_IMAGE_MAX_BYTES, &bytes, &len, NULL) == LK_OK &&
                   lk_image_decode(bytes, len, &image, NULL) == LK_OK;
    lk_image_free(&image);
    free(bytes);
    return !picture && !lk_is_picture_name(o->inputs[0]);
}

/* ---- for people -------------------------------------------------------------------------------- */

static lk_status print_set(const json_t *o, struct lk_str *out, lk_error *err)
{
    int64_t identities = json_integer_value(json_object_get(o, "identities"));
    int64_t without = json_integer_value(json_object_get(o, "images_without_identity"));
    int64_t n_inputs = json_integer_value(json_object_get(o, "n_inputs"));
    LK_TRY(lk_str_addf(out, err, "a set of images\n%10" PRId64 " images\n",
                       (int64_t)json_integer_value(json_object_get(o, "images"))));
    LK_TRY(lk_str_addf(out, err, "%10" PRId64 " identities\n", identities));
    const json_t *per = json_object_get(o, "images_per_identity");
    if (per != NULL)
        LK_TRY(lk_str_addf(
            out, err, "%10s images of each identity: at least %" PRId64 ", median %g, at most %" PRId64 "\n",
            "", (int64_t)json_integer_value(json_object_get(per, "min")),
            json_real_value(json_object_get(per, "median")),
            (int64_t)json_integer_value(json_object_get(per, "max"))));
    if (without > 0 && identities > 0)
        LK_TRY(lk_str_addf(out, err, "%10" PRId64 " images without an identity\n", without));
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(o, "groups"), i, item)
        LK_TRY(lk_str_addf(out, err, "%s%s%s", i == 0 ? "groups: " : ", ", json_string_value(item),
                           i + 1 == json_array_size(json_object_get(o, "groups")) ? "\n" : ""));
    LK_TRY(lk_str_addz(out, "inputs:\n", err));
    json_array_foreach(json_object_get(o, "inputs"), i, item) LK_TRY(lk_str_addf(
        out, err, "  %s: %s, %" PRId64 " images\n", json_string_value(json_object_get(item, "path")),
        json_string_value(json_object_get(item, "format")),
        (int64_t)json_integer_value(json_object_get(item, "images"))));
    if (n_inputs > SHOWN_INPUTS)
        LK_TRY(lk_str_addf(out, err, "  and %" PRId64 " more\n", n_inputs - SHOWN_INPUTS));
    if (json_array_size(json_object_get(o, "pictures")) > 0)
        LK_TRY(lk_str_addz(out, "first images:\n", err));
    json_array_foreach(json_object_get(o, "pictures"), i, item)
    {
        const char *identity = json_string_value(json_object_get(item, "identity"));
        const char *problem = json_string_value(json_object_get(item, "problem"));
        LK_TRY(lk_str_addf(out, err, "  %s", json_string_value(json_object_get(item, "path"))));
        if (identity != NULL)
            LK_TRY(lk_str_addf(out, err, ", of %s", identity));
        if (problem != NULL)
            LK_TRY(lk_str_addf(out, err, ": unreadable: %s\n", problem));
        else
            LK_TRY(lk_str_addf(out, err, ": %" PRId64 " x %" PRId64 ", %" PRId64 " bytes\n",
                               (int64_t)json_integer_value(json_object_get(item, "width")),
                               (int64_t)json_integer_value(json_object_get(item, "height")),
                               (int64_t)json_integer_value(json_object_get(item, "bytes"))));
    }
    if (json_array_size(json_object_get(o, "problems")) > 0)
        LK_TRY(lk_str_addz(out, "problems:\n", err));
    json_array_foreach(json_object_get(o, "problems"), i, item)
        LK_TRY(lk_str_addf(out, err, "  %s\n", json_string_value(item)));
    return LK_OK;
}

static lk_status print_embeddings(const json_t *o, struct lk_str *out, lk_error *err)
{
    bool folder = strcmp(json_string_value(json_object_get(o, "kind")), "faces") == 0;
    LK_TRY(lk_str_addz(out, folder ? "a FACES directory\n" : "embeddings without images\n", err));
    LK_TRY(lk_str_addf(out, err, "%10" PRId64 " embeddings of %" PRId64 " numbers\n",
                       (int64_t)json_integer_value(json_object_get(o, "embeddings")),
                       (int64_t)json_integer_value(json_object_get(o, "numbers_per_embedding"))));
    if (!folder)
        return LK_OK;
    const char *model = json_string_value(json_object_get(json_object_get(o, "model"), "name"));
    return lk_str_addf(out, err, "%10" PRId64 " images\n%10" PRId64 " identities\nmodel: %s\n",
                       (int64_t)json_integer_value(json_object_get(o, "images")),
                       (int64_t)json_integer_value(json_object_get(o, "identities")),
                       model != NULL ? model : "none");
}

static lk_status print(const json_t *o, struct lk_str *out, lk_error *err)
{
    const char *kind = json_string_value(json_object_get(o, "kind"));
    if (strcmp(kind, "images") == 0)
        return print_set(o, out, err);
    if (strcmp(kind, "faces") == 0 || strcmp(kind, "embeddings") == 0)
        return print_embeddings(o, out, err);
    return lk_str_addf(out, err,
                       "a result of likeness of the kind '%s'; its meta.json says how it was made\n", kind);
}

/* ---- the whole --------------------------------------------------------------------------------- */

static lk_status describe(lk_ctx *ctx, const lk_info_options *o, json_t *out, lk_error *err)
{
    json_t *meta = NULL;
    const char *kind = o->n_inputs == 1 && o->format == NULL ? result_kind(o->inputs[0], &meta) : NULL;
    bool faces = kind != NULL && strcmp(kind, "faces") == 0;
    if (kind != NULL && !faces) {
        json_object_set_new(out, "kind", lk_json_text(kind));
        json_object_set(out, "meta", meta);
    }
    json_decref(meta);
    if (kind != NULL && !faces)
        return LK_OK;
    if (faces)
        return describe_embeddings(o->inputs[0], out, err);
    if (may_be_embeddings(o)) {
        lk_error why;
        lk_status status = describe_embeddings(o->inputs[0], out, &why);
        if (status == LK_EFORMAT)
            return lk_fail(err, LK_EFORMAT,
                           "%s: neither a picture, nor a set of them, nor embeddings (%.500s)", o->inputs[0],
                           why.text);
        if (status != LK_OK && err != NULL)
            *err = why;
        return status;
    }
    struct lk_source_options options = {.ctx = ctx, .quiet = true, .format = o->format, .labels = o->labels};
    if (o->identity != NULL)
        LK_TRY(lk_identity_rule_parse(o->identity, &options.identity, err));
    struct lk_source *source;
    LK_TRY(lk_source_open(&source, o->inputs, o->n_inputs, &options, err));
    lk_status status = describe_set(source, o, out, err);
    lk_source_close(source);
    return status == LK_OK ? lk_ctx_check(ctx, err) : status;
}

lk_status lk_info(lk_ctx *ctx, const lk_info_options *options, char **text, lk_error *err)
{
    LK_NEED(options->n_inputs > 0, err, LK_EINVAL, "info: expected at least one path");
    json_t *object = json_object();
    struct lk_str out = LK_STR_INIT;
    lk_status status =
        object != NULL ? describe(ctx, options, object, err) : lk_fail(err, LK_ENOMEM, "out of memory");
    if (status == LK_OK && options->json) {
        char *dump = json_dumps(object, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
        status =
            dump != NULL ? lk_str_addf(&out, err, "%s\n", dump) : lk_fail(err, LK_ENOMEM, "out of memory");
        free(dump);
    } else if (status == LK_OK) {
        status = print(object, &out, err);
    }
    json_decref(object);
    if (status != LK_OK) {
        lk_str_free(&out);
        return status;
    }
    *text = out.text;
    return LK_OK;
}
