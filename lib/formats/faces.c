/* SPDX-License-Identifier: Apache-2.0 */
/* faces.c - opens a FACES directory and checks that its three files belong together. */
#include "formats/faces.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "formats/json.h"

#define EXPECTED                                                                                             \
    "expected a FACES directory (embeddings.npy, images.csv, meta.json, as `likeness embed` writes) or "     \
    "a file of embeddings (.npy, .npz, .fvecs, HDF5, JSON lines)"

/* ---- images.csv ----------------------------------------------------------------------------------- */

/* Pictures of one person stand one after another: they share one string. */
void lk_face_image_share(struct lk_face_image *image, const struct lk_face_image *previous)
{
    if (image->identity != NULL && previous->identity != NULL &&
        strcmp(image->identity, previous->identity) == 0) {
        free(image->identity);
        image->identity = previous->identity;
    }
}

static lk_status read_group_names(struct lk_faces *faces, const struct lk_csv *csv, lk_error *err)
{
    if ((faces->group_names = lk_calloc(csv->n_columns, sizeof *faces->group_names, err)) == NULL)
        return LK_ENOMEM;
    for (size_t i = 0; i < csv->n_columns; i++) {
        if (!lk_faces_csv_is_group(csv->columns[i]))
            continue;
        char *name = lk_strdup(csv->columns[i] + strlen(lk_faces_csv_group), err);
        if (name == NULL)
            return LK_ENOMEM;
        faces->group_names[faces->n_groups++] = name;
    }
    return LK_OK;
}

static lk_status read_images(struct lk_faces *faces, struct lk_csv *csv, lk_error *err)
{
    size_t capacity = 0, rows = 0;
    struct lk_faces_columns columns;
    LK_TRY(lk_faces_csv_columns(csv, &columns, err));
    LK_TRY(read_group_names(faces, csv, err));
    if ((faces->image_of_row = lk_calloc((size_t)faces->matrix.rows, sizeof *faces->image_of_row, err)) ==
        NULL)
        return LK_ENOMEM;
    for (;;) {
        int more;
        LK_TRY(lk_csv_next(csv, &more, err));
        if (!more)
            break;
        LK_TRY(lk_grow(&faces->images, &capacity, faces->n_images + 1, sizeof *faces->images, err));
        struct lk_face_image *image = &faces->images[faces->n_images];
        LK_TRY(lk_faces_csv_read(csv, &columns, image, err));
        if (faces->n_images > 0)
            lk_face_image_share(image, image - 1);
        faces->n_images++;
        if (image->row < 0)
            continue;
        LK_NEED((uint64_t)image->row == rows, err, LK_EFORMAT,
                "line %" PRIu64 ": row %" PRId64 ", expected row %zu: rows count up from 0 without gaps",
                csv->line, image->row, rows);
        LK_NEED(rows < faces->matrix.rows, err, LK_EFORMAT,
                "line %" PRIu64 ": row %zu, but embeddings.npy has only %" PRIu64 " rows", csv->line, rows,
                faces->matrix.rows);
        faces->image_of_row[rows++] = faces->n_images - 1;
    }
    LK_NEED(rows == faces->matrix.rows, err, LK_EFORMAT,
            "%zu images with a row, but embeddings.npy has %" PRIu64 " rows; expected the same number", rows,
            faces->matrix.rows);
    return LK_OK;
}

static lk_status open_images(struct lk_faces *faces, const char *path, lk_error *err)
{
    struct lk_map map = {0};
    struct lk_csv csv = {0};
    LK_TRY(lk_map_open(&map, path, err));
    lk_status status = lk_csv_open(&csv, map.bytes, map.len, err);
    if (status == LK_OK)
        status = read_images(faces, &csv, err);
    if (status != LK_OK)
        lk_error_prefix(err, "%s", path);
    lk_csv_close(&csv);
    lk_map_close(&map);
    return status;
}

static int compare_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static lk_status count_identities(struct lk_faces *faces, lk_error *err)
{
    char **names = NULL;
    size_t n = 0, capacity = 0;
    for (uint64_t row = 0; row < faces->matrix.rows; row++) {
        char *name = faces->images[faces->image_of_row[row]].identity;
        if (name == NULL || (n > 0 && names[n - 1] == name))
            continue;
        lk_status status = lk_grow(&names, &capacity, n + 1, sizeof *names, err);
        if (status != LK_OK) {
            free(names);
            return status;
        }
        names[n++] = name;
    }
    if (n > 0)
        qsort(names, n, sizeof *names, compare_text);
    for (size_t i = 0; i < n; i++)
        faces->n_identities += i == 0 || strcmp(names[i - 1], names[i]) != 0;
    free(names);
    return LK_OK;
}

/* ---- meta.json ------------------------------------------------------------------------------------ */

static lk_status check_number(const json_t *object, const char *key, uint64_t found, const char *what,
                              const char *where, lk_error *err)
{
    int64_t said = -1;
    if (object == NULL || json_is_null(object))
        return LK_OK;
    LK_TRY(lk_json_integer(object, key, 0, &said, where, err));
    LK_NEED(said == -1 || (said >= 0 && (uint64_t)said == found), err, LK_EFORMAT,
            "%s: \"%s\" is %" PRId64 ", but %s %" PRIu64 "; the files do not belong together", where, key,
            said, what, found);
    return LK_OK;
}

static lk_status check_meta(const struct lk_faces *faces, const char *where, lk_error *err)
{
    const char *kind = "";
    int64_t format = 0;
    LK_TRY(lk_json_string(faces->meta, "kind", 1, &kind, where, err));
    LK_NEED(strcmp(kind, "faces") == 0, err, LK_EFORMAT, "%s: \"kind\" is \"%.60s\", expected \"faces\"",
            where, kind);
    LK_TRY(lk_json_integer(faces->meta, "format", 1, &format, where, err));
    LK_NEED(format == 1, err, LK_EFORMAT,
            "%s: \"format\" is %" PRId64 ", expected 1 (made by a newer version?)", where, format);
    const json_t *counts = json_object_get(faces->meta, "counts"),
                 *model = json_object_get(faces->meta, "model");
    LK_TRY(check_number(counts, "images", faces->n_images, "images.csv lists", where, err));
    LK_TRY(check_number(counts, "embedded", faces->matrix.rows, "embeddings.npy has rows:", where, err));
    return check_number(model, "dim", faces->matrix.dim, "embeddings.npy has vectors of length", where, err);
}

/* ---- the directory -------------------------------------------------------------------------------- */

static lk_status open_part(struct lk_faces *faces, lk_ctx *ctx, const char *dir, const char *name,
                           lk_error *err)
{
    char *path = lk_path_join(dir, name, err);
    if (path == NULL)
        return LK_ENOMEM;
    lk_status status;
    if (!lk_path_exists(path) && errno == ENOENT)
        status = lk_fail(err, LK_EFORMAT, "%s: this folder has no %s; " EXPECTED, dir, name);
    else if (strcmp(name, "embeddings.npy") == 0)
        status = lk_matrix_open(&faces->matrix, ctx, path, err);
    else if (strcmp(name, "images.csv") == 0)
        status = open_images(faces, path, err);
    else if ((status = lk_json_read(path, &faces->meta, err)) == LK_OK)
        status = check_meta(faces, path, err);
    free(path);
    return status;
}

static lk_status open_directory(struct lk_faces *faces, lk_ctx *ctx, const char *path, lk_error *err)
{
    LK_TRY(open_part(faces, ctx, path, "embeddings.npy", err));
    LK_TRY(open_part(faces, ctx, path, "images.csv", err));
    return open_part(faces, ctx, path, "meta.json", err);
}

static lk_status open_any(struct lk_faces *faces, lk_ctx *ctx, const char *path, lk_error *err)
{
    char *array = NULL;
    if ((faces->path = lk_strdup(path, err)) == NULL)
        return LK_ENOMEM;
    LK_TRY(lk_vectors_split(path, &faces->file, &array, err));
    lk_status status = LK_OK;
    if (!lk_path_exists(faces->file))
        status = lk_fail_sys(err, LK_EIO, "%s: cannot open; " EXPECTED, path);
    else if (lk_path_is_dir(faces->file))
        status = open_directory(faces, ctx, path, err);
    else
        status = lk_faces_open_vectors(faces, ctx, array, err);
    if (status == LK_OK && faces->image_of_row != NULL)
        status = count_identities(faces, err);
    free(array);
    return status;
}

lk_status lk_faces_open(struct lk_faces *out, lk_ctx *ctx, const char *path, lk_error *err)
{
    struct lk_faces faces = {0};
    lk_status status = open_any(&faces, ctx, path, err);
    if (status != LK_OK) {
        lk_faces_close(&faces);
        return status;
    }
    *out = faces;
    return LK_OK;
}

void lk_faces_close(struct lk_faces *faces)
{
    for (size_t i = faces->n_images; i-- > 0;) {
        struct lk_face_image *image = &faces->images[i];
        if (i > 0 && image->identity == image[-1].identity)
            image->identity = NULL; /* shared: the first of the run frees it */
        lk_face_image_free(image);
    }
    for (size_t i = 0; i < faces->n_groups; i++)
        free(faces->group_names[i]);
    free(faces->group_names);
    free(faces->images);
    free(faces->image_of_row);
    free(faces->path);
    free(faces->file);
    free(faces->array);
    free(faces->labels);
    free(faces->checks.excluded);
    lk_matrix_close(&faces->matrix);
    json_decref(faces->meta);
    *faces = (struct lk_faces){0};
}

const struct lk_face_image *lk_faces_image(const struct lk_faces *faces, uint64_t row)
{
    return faces->image_of_row != NULL ? &faces->images[faces->image_of_row[row]] : NULL;
}

char *lk_faces_image_path(const struct lk_faces *faces, const struct lk_face_image *image, lk_error *err)
{
    const char *dir = "";
    if (image->path[0] != '/' &&
        lk_json_string(faces->meta, "working_directory", 1, &dir, faces->path, err) != LK_OK)
        return NULL;
    return image->path[0] == '/' ? lk_strdup(image->path, err) : lk_path_join(dir, image->path, err);
}

const char *lk_faces_inputs_format(const struct lk_faces *faces)
{
    return json_string_value(json_object_get(faces->meta, "inputs_format"));
}
