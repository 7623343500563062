/* SPDX-License-Identifier: Apache-2.0 */
/* faces_vectors.c - a plain file of embeddings as a set of faces, with the labels that are in it or beside
 * it. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "formats/faces.h"
#include "formats/vectors.h"

#define LABELS_ENDING ".labels.csv"

/* ---- FILE.labels.csv ------------------------------------------------------------------------------ */

struct columns {
    size_t row, path, identity; /* SIZE_MAX = not there */
};

static lk_status take_column(size_t *column, size_t found, const char *what, lk_error *err)
{
    LK_NEED(*column == SIZE_MAX, err, LK_EFORMAT, "line 1: two columns hold the %s, expected one", what);
    *column = found;
    return LK_OK;
}

static lk_status find_columns(const struct lk_csv *csv, struct columns *out, lk_error *err)
{
    struct columns c = {SIZE_MAX, SIZE_MAX, SIZE_MAX};
    for (size_t i = 0; i < csv->n_columns; i++) {
        const char *name = csv->columns[i];
        if (strcmp(name, "row") == 0)
            LK_TRY(take_column(&c.row, i, "row", err));
        else if (lk_is_identity_name(name))
            LK_TRY(take_column(&c.identity, i, "identity", err));
        else if (lk_is_path_name(name))
            LK_TRY(take_column(&c.path, i, "path", err));
    }
    LK_NEED(c.path != SIZE_MAX || c.identity != SIZE_MAX, err, LK_EFORMAT,
            "line 1: no column 'identity' or 'path', expected at least one of them and perhaps 'row'");
    *out = c;
    return LK_OK;
}

static lk_status take_field(const struct lk_csv *csv, size_t column, struct lk_texts *texts, uint64_t row,
                            lk_error *err)
{
    if (column == SIZE_MAX || lk_csv_field(csv, column)[0] == '\0')
        return LK_OK;
    texts->items[row] = lk_strdup(lk_csv_field(csv, column), err);
    return texts->items[row] != NULL ? LK_OK : LK_ENOMEM;
}

static lk_status read_lines(struct lk_csv *csv, const struct columns *c, bool *seen, struct lk_texts *paths,
                            struct lk_texts *identities, lk_error *err)
{
    uint64_t n = 0, rows = paths->n;
    for (;; n++) {
        int more;
        uint64_t row = n;
        LK_TRY(lk_csv_next(csv, &more, err));
        if (!more)
            break;
        if (c->row != SIZE_MAX)
            LK_TRY(lk_csv_u64(csv, c->row, &row, err));
        LK_NEED(row < rows, err, LK_EFORMAT,
                "line %" PRIu64 ": row %" PRIu64 ", but there are %" PRIu64 " rows", csv->line, row, rows);
        LK_NEED(!seen[row], err, LK_EFORMAT, "line %" PRIu64 ": row %" PRIu64 " a second time", csv->line,
                row);
        seen[row] = true;
        LK_TRY(take_field(csv, c->path, paths, row, err));
        LK_TRY(take_field(csv, c->identity, identities, row, err));
    }
    LK_NEED(c->row != SIZE_MAX || n == rows, err, LK_EFORMAT,
            "%" PRIu64 " lines of labels for %" PRIu64 " rows, expected as many (or a column 'row')", n,
            rows);
    return LK_OK;
}

lk_status lk_row_labels_parse(const uint8_t *bytes, size_t len, uint64_t rows, struct lk_texts *paths,
                          struct lk_texts *identities, lk_error *err)
{
    struct lk_csv csv = {0};
    struct columns c = {SIZE_MAX, SIZE_MAX, SIZE_MAX};
    struct lk_texts p = {lk_calloc((size_t)rows, sizeof *p.items, err), rows},
                    i = {lk_calloc((size_t)rows, sizeof *i.items, err), rows};
    bool *seen = lk_calloc((size_t)rows, sizeof *seen, err);
    lk_status status = p.items != NULL && i.items != NULL && seen != NULL ? LK_OK : LK_ENOMEM;
    if (status == LK_OK)
        status = lk_csv_open(&csv, bytes, len, err);
    if (status == LK_OK)
        status = find_columns(&csv, &c, err);
    if (status == LK_OK)
        status = read_lines(&csv, &c, seen, &p, &i, err);
    lk_csv_close(&csv);
    free(seen);
    if (status != LK_OK) {
        lk_texts_free(&p);
        lk_texts_free(&i);
        return status;
    }
    *paths = p;
    *identities = i;
    return LK_OK;
}

static lk_status read_labels(struct lk_faces *faces, struct lk_vectors *v, lk_ctx *ctx, lk_error *err)
{
    struct lk_map map = {NULL, 0};
    struct lk_texts paths, identities;
    LK_TRY(lk_map_open(&map, faces->labels, err));
    lk_status status = lk_row_labels_parse(map.bytes, map.len, v->matrix.rows, &paths, &identities, err);
    lk_map_close(&map);
    if (status != LK_OK) {
        lk_error_prefix(err, "%s", faces->labels);
        return status;
    }
    lk_texts_free(&v->paths);
    lk_texts_free(&v->identities);
    v->paths = paths;
    v->identities = identities;
    lk_ctx_message(ctx, LK_LEVEL_NOTE, "%s: labels of the rows are taken from %s", faces->path,
                   faces->labels);
    return LK_OK;
}

/* ---- a set ---------------------------------------------------------------------------------------- */

static char *take_text(struct lk_texts *texts, uint64_t row)
{
    char *text = texts->items != NULL ? texts->items[row] : NULL;
    if (text != NULL)
        texts->items[row] = NULL;
    return text;
}

static lk_status make_images(struct lk_faces *faces, struct lk_vectors *v, lk_error *err)
{
    size_t rows = (size_t)v->matrix.rows;
    faces->images = lk_calloc(rows, sizeof *faces->images, err);
    faces->image_of_row = lk_calloc(rows, sizeof *faces->image_of_row, err);
    if (faces->images == NULL || faces->image_of_row == NULL)
        return LK_ENOMEM;
    for (size_t row = 0; row < rows; row++) {
        struct lk_face_image *image = &faces->images[row];
        *image = (struct lk_face_image)LK_FACE_IMAGE_INIT;
        image->row = (int64_t)row;
        image->status = LK_FACE_EMBEDDED;
        faces->n_images = row + 1;
        image->path = take_text(&v->paths, row);
        image->identity = take_text(&v->identities, row);
        if (image->path == NULL && (image->path = lk_strdup("", err)) == NULL)
            return LK_ENOMEM;
        if (row > 0)
            lk_face_image_share(image, image - 1);
        faces->image_of_row[row] = row;
    }
    return LK_OK;
}

lk_status lk_faces_open_vectors(struct lk_faces *faces, lk_ctx *ctx, const char *array, lk_error *err)
{
    struct lk_vectors v = {.array = NULL};
    struct lk_str labels = LK_STR_INIT;
    LK_TRY(lk_vectors_open(&v, ctx, faces->file, array, err));
    lk_status status = lk_str_addf(&labels, err, "%s" LABELS_ENDING, faces->file);
    if (status == LK_OK && lk_path_exists(labels.text)) {
        faces->labels = labels.text;
        labels = LK_STR_INIT;
        status = read_labels(faces, &v, ctx, err);
    }
    if (status == LK_OK && (v.paths.items != NULL || v.identities.items != NULL))
        status = make_images(faces, &v, err);
    if (status == LK_OK) {
        faces->matrix = v.matrix;
        faces->array = v.array;
        v.matrix = (struct lk_matrix){0};
        v.array = NULL;
    }
    lk_str_free(&labels);
    lk_vectors_close(&v);
    return status;
}
