/* SPDX-License-Identifier: Apache-2.0 */
/* match_sets.c - embeddings made ready for the search: bad rows left out, labels numbered. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "formats/json.h"
#include "search/match.h"

/* Whether a row passes all filters; the first that leaves it out counts it. */
static bool passes(struct lk_match_set *s, const struct lk_filters *filters, const size_t *columns,
                   uint64_t row)
{
    for (size_t i = 0; i < filters->n; i++) {
        const struct lk_face_image *image = lk_faces_image(&s->faces, row);
        enum lk_filter_answer answer = lk_filter_ask(&filters->items[i], image, columns[i]);
        s->filtered[i].no += answer == LK_FILTER_NO;
        s->filtered[i].unknown += answer == LK_FILTER_UNKNOWN;
        if (answer != LK_FILTER_YES)
            return false;
    }
    return true;
}

static lk_status choose_rows(struct lk_match_set *s, const struct lk_filters *filters, lk_error *err)
{
    const struct lk_matrix *m = &s->faces.matrix;
    size_t columns[LK_MAX_FILTERS];
    for (size_t i = 0; i < filters->n; i++)
        LK_TRY(lk_face_field_find(&s->faces, filters->items[i].field, filters->items[i].group, &columns[i],
                                  err));
    s->row_of = lk_calloc((size_t)m->rows, sizeof *s->row_of, err);
    if (s->row_of == NULL)
        return LK_ENOMEM;
    for (uint64_t row = 0, next = 0; row < m->rows; row++) {
        if (next < s->faces.checks.n_excluded && s->faces.checks.excluded[next] == row)
            next++;
        else if (passes(s, filters, columns, row))
            s->row_of[s->set.rows++] = (uint32_t)row;
    }
    LK_NEED(s->set.rows > 0, err, LK_EINVAL, "%s: no image passes the filters, nothing is left to compare",
            s->faces.path);
    return LK_OK;
}

/* The file's rows that take part, as they are when these are all of them. */
static lk_status gather_rows(struct lk_match_set *s, lk_ctx *ctx, lk_error *err)
{
    const struct lk_matrix *m = &s->faces.matrix;
    struct lk_scratch scratch = LK_SCRATCH_INIT;
    s->set.data = m->data;
    if (s->set.rows == m->rows)
        return LK_OK;
    lk_status status = lk_scratch_open(&scratch, err);
    for (uint64_t i = 0, n; status == LK_OK && i < s->set.rows;
         i += n) { /* runs of rows between excluded ones */
        for (n = 1; i + n < s->set.rows && s->row_of[i + n] == s->row_of[i] + n; n++)
            ;
        status = lk_scratch_write(&scratch, lk_matrix_row(m, s->row_of[i]),
                                  (size_t)(n * m->dim) * sizeof(float), err);
        if (status == LK_OK)
            status = lk_ctx_check(ctx, err);
    }
    if (status == LK_OK)
        status = lk_matrix_take_scratch(&s->gathered, &scratch, s->set.rows, m->dim, err);
    lk_scratch_close(&scratch);
    s->set.data = s->gathered.data;
    return status;
}

/* ---- identities ----------------------------------------------------------------------------------- */

struct named_row {
    const char *name;
    uint32_t row;
};

static int compare_names(const void *a, const void *b)
{
    const struct named_row *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    return order != 0 ? order : (x->row > y->row) - (x->row < y->row);
}

/* Numbers the identities; rows without one get numbers of their own behind them. */
static lk_status number_identities(struct lk_match_set *s, lk_error *err)
{
    if (s->faces.n_identities == 0)
        return LK_OK;
    size_t n = 0;
    struct named_row *named = lk_calloc((size_t)s->set.rows, sizeof *named, err);
    s->identities = lk_calloc((size_t)s->set.rows, sizeof *s->identities, err);
    if (named == NULL || s->identities == NULL) {
        free(named);
        return LK_ENOMEM;
    }
    for (uint32_t i = 0; i < s->set.rows; i++) {
        const char *name = lk_faces_image(&s->faces, s->row_of[i])->identity;
        if (name != NULL)
            named[n++] = (struct named_row){name, i};
        else
            s->identities[i] = UINT32_MAX;
    }
    if (n > 0)
        qsort(named, n, sizeof *named, compare_names);
    for (size_t i = 0; i < n; i++) {
        s->n_labels += i == 0 || strcmp(named[i - 1].name, named[i].name) != 0;
        s->identities[named[i].row] = (uint32_t)s->n_labels - 1;
    }
    free(named);
    s->set.n_identities = (uint32_t)s->n_labels;
    for (uint64_t i = 0; i < s->set.rows; i++)
        if (s->identities[i] == UINT32_MAX)
            s->identities[i] = s->set.n_identities++;
    s->set.identities = s->n_labels > 0 ? s->identities : NULL;
    return LK_OK;
}

/* ---- a set ---------------------------------------------------------------------------------------- */

lk_status lk_match_set_file(const struct lk_match_set *s, int i, char **out, lk_error *err)
{
    static const char *const names[] = {"embeddings.npy", "images.csv"};
    const char *plain = i == 0 ? s->faces.file : s->faces.labels;
    *out = NULL;
    if (s->faces.meta == NULL && plain == NULL)
        return LK_OK;
    *out = s->faces.meta != NULL ? lk_path_join(s->faces.path, names[i], err) : lk_strdup(plain, err);
    return *out != NULL ? LK_OK : LK_ENOMEM;
}

static lk_status hash_files(struct lk_match_set *s, lk_error *err)
{
    char *const to[LK_MATCH_SET_FILES] = {s->embeddings_sha256, s->images_sha256};
    for (int i = 0; i < LK_MATCH_SET_FILES; i++) {
        char *path;
        LK_TRY(lk_match_set_file(s, i, &path, err));
        lk_status status = path != NULL ? lk_hash_file(path, to[i], err) : LK_OK;
        free(path);
        LK_TRY(status);
    }
    return LK_OK;
}

static lk_status begin(struct lk_match_set *s, lk_ctx *ctx, const char *path, lk_error *err)
{
    LK_TRY(lk_faces_open(&s->faces, ctx, path, err));
    uint64_t rows = s->faces.matrix.rows;
    LK_NEED(rows > 0, err, LK_EFORMAT, "%s: holds no embeddings, expected at least one row", path);
    LK_NEED(rows <= LK_SEARCH_MAX_ROWS, err, LK_EUNSUP,
            "%s: %" PRIu64 " rows, at most %u can be searched at once", path, rows, LK_SEARCH_MAX_ROWS);
    return LK_OK;
}

lk_status lk_match_set_begin(struct lk_match_set *set, lk_ctx *ctx, const char *role, const char *path, lk_error *err)
{
    *set = (struct lk_match_set){.role = role};
    lk_status status = begin(set, ctx, path, err);
    if (status != LK_OK)
        lk_match_set_close(set);
    return status;
}

lk_status lk_match_set_look(struct lk_match_set *set, lk_ctx *ctx, lk_error *err)
{
    LK_TRY(hash_files(set, err));
    LK_TRY(lk_ctx_check(ctx, err));
    return lk_faces_look(&set->faces, ctx, err);
}

lk_status lk_match_set_finish(struct lk_match_set *s, lk_ctx *ctx, const struct lk_filters *filters, lk_error *err)
{
    uint64_t rows = s->faces.matrix.rows;
    LK_TRY(lk_faces_scale(&s->faces, ctx, err));
    LK_NEED(s->faces.checks.n_excluded < rows, err, LK_EFORMAT,
            "%s: all %" PRIu64 " rows are zero or not finite, nothing is left to compare", s->faces.path, rows);
    LK_TRY(choose_rows(s, filters, err));
    LK_TRY(gather_rows(s, ctx, err));
    return number_identities(s, err);
}

lk_status lk_match_set_open_filtered(struct lk_match_set *set, lk_ctx *ctx, const char *role, const char *path,
                                     const struct lk_filters *filters, lk_error *err)
{
    LK_TRY(lk_match_set_begin(set, ctx, role, path, err));
    lk_status status = lk_match_set_look(set, ctx, err);
    if (status == LK_OK) {
        lk_faces_say(&set->faces, ctx);
        status = lk_match_set_finish(set, ctx, filters, err);
    }
    if (status != LK_OK)
        lk_match_set_close(set);
    return status;
}

lk_status lk_match_set_open(struct lk_match_set *set, lk_ctx *ctx, const char *role, const char *path,
                            lk_error *err)
{
    return lk_match_set_open_filtered(set, ctx, role, path, &(struct lk_filters){.n = 0}, err);
}

/* Whether the rows that take part are those of a .npy file as they are: its hash is theirs, then. */
static bool is_in_place(const struct lk_match_set *s)
{
    size_t len = strlen(s->faces.file);
    bool npy = s->faces.meta != NULL || (len > 4 && strcmp(s->faces.file + len - 4, ".npy") == 0);
    return npy && s->faces.checks.n_scaled == 0 && s->set.rows == s->faces.matrix.rows;
}

lk_status lk_match_set_keep(struct lk_match_set *set, const char *level, lk_error *err)
{
    memcpy(set->rows_sha256, set->embeddings_sha256, sizeof set->rows_sha256);
    if (!is_in_place(set))
        LK_TRY(lk_hash_bytes(set->set.data, (size_t)(set->set.rows * set->faces.matrix.dim) * sizeof(float),
                             set->rows_sha256, err));
    struct lk_str path = LK_STR_INIT;
    const char *of = set->faces.file, *between = of[strlen(of) - 1] == '/' ? "" : "/";
    if (set->faces.meta == NULL)
        between = ".";
    LK_TRY(lk_str_addf(&path, err, "%s%scodes-%s.cache", of, between, level));
    set->codes_path = path.text;
    return LK_OK;
}

void lk_match_set_close(struct lk_match_set *set)
{
    free(set->codes_path);
    lk_faces_close(&set->faces);
    lk_matrix_close(&set->gathered);
    free(set->row_of);
    free(set->identities);
    *set = (struct lk_match_set){.role = set->role};
}

static lk_status model_of(const struct lk_match_set *s, const char **name, const char **sha256, lk_error *err)
{
    const json_t *model = s->faces.meta != NULL ? json_object_get(s->faces.meta, "model") : NULL;
    *name = "a model without a name";
    *sha256 = NULL;
    if (model == NULL || json_is_null(model))
        return LK_OK;
    LK_TRY(lk_json_string(model, "name", 0, name, s->faces.path, err));
    return lk_json_string(model, "sha256", 0, sha256, s->faces.path, err);
}

lk_status lk_match_sets_agree(const struct lk_match_set *a, const struct lk_match_set *b, lk_error *err)
{
    LK_NEED(a->faces.matrix.dim == b->faces.matrix.dim, err, LK_EINVAL,
            "%s has vectors of %" PRIu64 " numbers and %s of %" PRIu64
            "; expected the same length, from the same model",
            a->faces.path, a->faces.matrix.dim, b->faces.path, b->faces.matrix.dim);
    const char *name_a, *name_b, *sha_a, *sha_b;
    LK_TRY(model_of(a, &name_a, &sha_a, err));
    LK_TRY(model_of(b, &name_b, &sha_b, err));
    LK_NEED(sha_a == NULL || sha_b == NULL || strcmp(sha_a, sha_b) == 0, err, LK_EINVAL,
            "%s was embedded with %s (%.12s...) and %s with %s (%.12s...); expected one model, their scores "
            "mean nothing",
            a->faces.path, name_a, sha_a, b->faces.path, name_b, sha_b);
    return LK_OK;
}
