/* SPDX-License-Identifier: Apache-2.0 */
/* sets.c - the sets of faces behind a measurement, and which rows are of one person. */
#include <stdlib.h>
#include <string.h>

#include "formats/filter.h"
#include "formats/json.h"
#include "review/new.h"

/* Numbers the persons of a set and sorts its rows by them. */
static lk_status index_persons(struct lk_review_set *s, lk_error *err)
{
    size_t rows = (size_t)s->faces.matrix.rows;
    if ((s->person = lk_calloc(rows, sizeof *s->person, err)) == NULL)
        return LK_ENOMEM;
    for (size_t row = 0; row < rows; row++) {
        const struct lk_face_image *image = lk_faces_image(&s->faces, row);
        s->person[row] = LK_NO_NAME;
        if (image != NULL && image->identity != NULL)
            LK_TRY(lk_names_add(&s->names, image->identity, strlen(image->identity), &s->person[row], err));
    }
    s->start = lk_calloc(s->names.n + 1, sizeof *s->start, err);
    s->rows_of = lk_calloc(rows, sizeof *s->rows_of, err);
    size_t *at = lk_calloc(s->names.n + 1, sizeof *at, err);
    if (s->start == NULL || s->rows_of == NULL || at == NULL) {
        free(at);
        return LK_ENOMEM;
    }
    for (size_t row = 0; row < rows; row++)
        if (s->person[row] != LK_NO_NAME)
            s->start[s->person[row] + 1]++;
    for (size_t p = 0; p < s->names.n; p++)
        at[p + 1] = s->start[p + 1] += s->start[p];
    for (size_t row = 0; row < rows; row++)
        if (s->person[row] != LK_NO_NAME)
            s->rows_of[at[s->person[row]]++] = row;
    free(at);
    return LK_OK;
}

/* Controls are drawn from the rows that the measurement looked at. */
static lk_status choose_measured(struct lk_review_set *s, const struct lk_filters *filters, lk_error *err)
{
    size_t rows = (size_t)s->faces.matrix.rows, columns[LK_MAX_FILTERS];
    s->measured = lk_calloc(rows, sizeof *s->measured, err);
    s->is_measured = lk_calloc(rows, sizeof *s->is_measured, err);
    if (s->measured == NULL || s->is_measured == NULL)
        return LK_ENOMEM;
    LK_TRY(lk_filters_find(filters, &s->faces, columns, err));
    for (size_t row = 0; row < rows; row++) {
        s->is_measured[row] = lk_filters_pass(filters, lk_faces_image(&s->faces, row), columns);
        if (s->is_measured[row])
            s->measured[s->n_measured++] = row;
    }
    LK_NEED(s->n_measured > 0, err, LK_EFORMAT, "%s: no image passes the filters of the measurement", s->faces.path);
    return LK_OK;
}

/* Opens one set and makes sure that its rows are still those that were measured. */
static lk_status open_set(struct lk_review_sets *sets, lk_ctx *ctx, const json_t *entry, const struct lk_filters *filters,
                          const char *where, lk_error *err)
{
    const char *path = NULL, *measured = NULL;
    LK_NEED(json_is_object(entry), err, LK_EFORMAT, "%s: a set is missing, or no object", where);
    LK_TRY(lk_json_string(entry, "path", 1, &path, where, err));
    LK_TRY(lk_json_string(entry, "embeddings_sha256", 0, &measured, where, err));
    struct lk_review_set *s = &sets->sets[sets->n];
    lk_status status = lk_faces_open(&s->faces, ctx, path, err);
    if (status != LK_OK) {
        lk_error_prefix(err, "a set that %s names", where);
        return status;
    }
    sets->n++;
    const char *now = json_string_value(json_object_get(s->faces.meta, "embeddings_sha256"));
    LK_NEED(measured == NULL || now == NULL || strcmp(measured, now) == 0, err, LK_EFORMAT,
            "%s: was embedded again since %s was made; measure again", path, where);
    LK_NEED(s->faces.n_images > 0, err, LK_EFORMAT,
            "%s: says nothing of its images; a review needs to know where the pictures lie", path);
    LK_TRY(choose_measured(s, filters, err));
    return index_persons(s, err);
}

static lk_status open_all(struct lk_review_sets *sets, lk_ctx *ctx, const json_t *whole, const struct lk_filters *filters,
                          const char *where, lk_error *err)
{
    const json_t *named = json_object_get(whole, "sets"), *holdouts = json_object_get(named, "holdouts");
    const char *kind = json_string_value(json_object_get(whole, "kind"));
    LK_NEED(kind != NULL && strcmp(kind, "measures") == 0, err, LK_EFORMAT,
            "%s: found kind '%s', expected 'measures' as `likeness measure` writes", where,
            kind != NULL ? kind : "(none)");
    size_t n = json_array_size(holdouts);
    LK_NEED(n <= 1000, err, LK_EFORMAT, "%s: %zu hold-outs, expected at most 1000", where, n);
    if ((sets->sets = lk_calloc(LK_REVIEW_FIRST_HOLDOUT + n, sizeof *sets->sets, err)) == NULL)
        return LK_ENOMEM;
    LK_TRY(open_set(sets, ctx, json_object_get(named, "synthetic"), filters, where, err));
    LK_TRY(open_set(sets, ctx, json_object_get(named, "train"), filters, where, err));
    for (size_t i = 0; i < n; i++)
        LK_TRY(open_set(sets, ctx, json_array_get(holdouts, i), filters, where, err));
    return LK_OK;
}

lk_status lk_review_sets_open(struct lk_review_sets *out, lk_ctx *ctx, const char *measure, lk_error *err)
{
    struct lk_review_sets sets = {NULL, 0};
    json_t *whole = NULL;
    char *path = lk_path_join(measure, "measures.json", err);
    if (path == NULL)
        return LK_ENOMEM;
    lk_status status = lk_path_exists(path)
                           ? lk_json_read(path, &whole, err)
                           : lk_fail(err, LK_EIO,
                                     "%s: no finished measurement (no measures.json), expected a folder that "
                                     "`likeness measure` made",
                                     measure);
    struct lk_filters filters = {.n = 0};
    if (status == LK_OK)
        status = lk_filters_read(json_object_get(json_object_get(whole, "filters"), "conditions"), &filters, err);
    if (status == LK_OK)
        status = open_all(&sets, ctx, whole, &filters, path, err);
    lk_filters_free(&filters);
    json_decref(whole);
    free(path);
    if (status != LK_OK) {
        lk_review_sets_free(&sets);
        return status;
    }
    *out = sets;
    return LK_OK;
}

void lk_review_sets_free(struct lk_review_sets *sets)
{
    for (size_t i = 0; i < sets->n; i++) {
        struct lk_review_set *s = &sets->sets[i];
        lk_faces_close(&s->faces);
        lk_names_free(&s->names);
        free(s->person);
        free(s->start);
        free(s->rows_of);
        free(s->measured);
        free(s->is_measured);
    }
    free(sets->sets);
    *sets = (struct lk_review_sets){NULL, 0};
}

const struct lk_face_image *lk_review_face_image(const struct lk_review_sets *sets,
                                                 struct lk_review_face face)
{
    return lk_faces_image(&sets->sets[face.set].faces, face.row);
}

size_t lk_review_face_others(const struct lk_review_sets *sets, struct lk_review_face face,
                             const uint64_t **rows)
{
    const struct lk_review_set *s = &sets->sets[face.set];
    uint32_t p = s->person[face.row];
    if (p == LK_NO_NAME)
        return 0;
    *rows = s->rows_of + s->start[p];
    return s->start[p + 1] - s->start[p];
}
