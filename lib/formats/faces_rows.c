/* SPDX-License-Identifier: Apache-2.0 */
/* faces_rows.c - finds rows that cannot be compared or look wrong, and makes the others unit vectors. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/pool.h"
#include "formats/faces.h"

/* A float32 row that was made a unit vector is within 1e-6 of it, whoever did it. */
#define UNIT_TOLERANCE 1e-5
enum { BLOCK_ROWS = 1024, ROWS_SAID = 5 };

struct fact {
    uint64_t hash; /* of the row's bytes */
    double length; /* NaN or infinite when a number of the row is: no finite row overflows a double */
    uint32_t row;
    bool constant;
};

struct job {
    const struct lk_matrix *m;
    struct fact *facts;
};

/* ---- one row -------------------------------------------------------------------------------------- */

static double length_of(const float *row, uint64_t dim)
{
    double sum = 0;
    for (uint64_t i = 0; i < dim; i++)
        sum += (double)row[i] * (double)row[i];
    return sqrt(sum);
}

static bool is_unit(double length)
{
    return fabs(length - 1.0) <= UNIT_TOLERANCE;
}

static bool is_usable(const struct fact *fact)
{
    return isfinite(fact->length) && fact->length > 0;
}

/* Equal rows have equal hashes; those with equal hashes are compared byte by byte. */
static uint64_t hash_row(const float *row, uint64_t dim)
{
    uint64_t hash = dim;
    for (uint64_t i = 0; i < dim; i++) {
        uint32_t bits;
        memcpy(&bits, row + i, sizeof bits);
        hash = (hash ^ bits) * 0x9e3779b97f4a7c15u; /* 2^64 over the golden ratio */
        hash ^= hash >> 29;
    }
    return hash;
}

static bool is_constant(const float *row, uint64_t dim)
{
    return dim > 1 && memcmp(row, row + 1, (size_t)(dim - 1) * sizeof *row) == 0;
}

static lk_status look_at_block(void *arg, size_t index, int worker, lk_error *err)
{
    (void)worker;
    (void)err;
    const struct job *job = arg;
    uint64_t end = ((uint64_t)index + 1) * BLOCK_ROWS;
    for (uint64_t row = (uint64_t)index * BLOCK_ROWS; row < end && row < job->m->rows; row++) {
        const float *x = lk_matrix_row(job->m, row);
        job->facts[row] = (struct fact){hash_row(x, job->m->dim), length_of(x, job->m->dim), (uint32_t)row,
                                        is_constant(x, job->m->dim)};
    }
    return LK_OK;
}

/* ---- rows that are the same ----------------------------------------------------------------------- */

static int by_hash(const void *a, const void *b)
{
    const struct fact *x = a, *y = b;
    int order = (x->hash > y->hash) - (x->hash < y->hash);
    return order != 0 ? order : (x->row > y->row) - (x->row < y->row);
}

static int compare_bytes(const struct lk_matrix *m, const struct fact *x, const struct fact *y)
{
    return memcmp(lk_matrix_row(m, x->row), lk_matrix_row(m, y->row), (size_t)m->dim * sizeof(float));
}

static int by_bytes(const void *a, const void *b, void *matrix)
{
    const struct fact *x = a, *y = b;
    int order = compare_bytes(matrix, x, y);
    return order != 0 ? order : (x->row > y->row) - (x->row < y->row);
}

/* Rows of one hash, by rising row. They are the same rows, unless someone made them to look so. */
static void compare_run(const struct lk_matrix *m, struct fact *run, size_t n, uint32_t *same_as)
{
    bool same = true;
    for (size_t i = 1; i < n && same; i++)
        same = compare_bytes(m, &run[0], &run[i]) == 0;
    if (!same)
        qsort_r(run, n, sizeof *run, by_bytes, (void *)(uintptr_t)m);
    size_t first = 0;
    for (size_t i = 1; i < n; i++) {
        if (same || compare_bytes(m, &run[first], &run[i]) == 0)
            same_as[run[i].row] = run[first].row;
        else
            first = i;
    }
}

/* same_as[row] becomes the first row with the same bytes, where there is an earlier one. Reorders facts. */
static void find_duplicates(const struct lk_matrix *m, struct fact *facts, uint32_t *same_as)
{
    size_t rows = (size_t)m->rows, n = 0;
    for (size_t i = 0; i < rows; i++) {
        same_as[i] = UINT32_MAX;
        if (is_usable(&facts[i]))
            facts[n++] = facts[i];
    }
    if (n > 0)
        qsort(facts, n, sizeof *facts, by_hash);
    for (size_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && facts[end].hash == facts[i].hash; end++)
            ;
        if (end - i > 1)
            compare_run(m, facts + i, end - i, same_as);
    }
}

/* ---- what was found ------------------------------------------------------------------------------- */

static void add(struct lk_row_list *list, uint64_t row)
{
    if (list->n < LK_ROWS_NAMED)
        list->first[list->n] = (uint32_t)row;
    list->n++;
}

static lk_status sum_up(struct lk_row_checks *c, const struct job *job, lk_error *err)
{
    size_t capacity = 0;
    c->shortest = INFINITY;
    for (uint64_t row = 0; row < job->m->rows; row++) {
        const struct fact *fact = &job->facts[row];
        if (!is_usable(fact)) {
            add(fact->length == 0 ? &c->zero : &c->not_finite, row);
            LK_TRY(lk_grow(&c->excluded, &capacity, (size_t)c->n_excluded + 1, sizeof *c->excluded, err));
            c->excluded[c->n_excluded++] = (uint32_t)row;
            continue;
        }
        if (fact->constant)
            add(&c->constant, row);
        if (!is_unit(fact->length)) {
            c->n_scaled++;
            c->shortest = fmin(c->shortest, fact->length);
            c->longest = fmax(c->longest, fact->length);
        }
    }
    return LK_OK;
}

static lk_status look(struct lk_row_checks *c, lk_ctx *ctx, const struct lk_matrix *m, lk_error *err)
{
    struct job job = {m, lk_calloc((size_t)m->rows, sizeof *job.facts, err)};
    uint32_t *same_as = lk_calloc((size_t)m->rows, sizeof *same_as, err);
    lk_status status = job.facts != NULL && same_as != NULL ? LK_OK : LK_ENOMEM;
    if (status == LK_OK)
        status =
            lk_pool_for(ctx, (size_t)((m->rows + BLOCK_ROWS - 1) / BLOCK_ROWS), look_at_block, &job, err);
    if (status == LK_OK)
        status = sum_up(c, &job, err);
    if (status == LK_OK)
        find_duplicates(m, job.facts, same_as);
    for (uint64_t row = 0; status == LK_OK && row < m->rows; row++) {
        if (same_as[row] == UINT32_MAX)
            continue;
        if (c->duplicate.n < LK_ROWS_NAMED)
            c->same_as[c->duplicate.n] = same_as[row];
        add(&c->duplicate, row);
    }
    free(job.facts);
    free(same_as);
    return status;
}

/* "3, 17 (= 4), ..." */
static void name_rows(char *text, size_t room, const struct lk_row_list *list, const uint32_t *same_as)
{
    size_t len = 0;
    for (size_t i = 0; i < list->n && i < ROWS_SAID; i++) {
        len += (size_t)snprintf(text + len, room - len, "%s%" PRIu32, i > 0 ? ", " : "", list->first[i]);
        if (same_as != NULL)
            len += (size_t)snprintf(text + len, room - len, " (= %" PRIu32 ")", same_as[i]);
    }
    snprintf(text + len, room - len, "%s", list->n > ROWS_SAID ? ", ..." : "");
}

static void say(const struct lk_faces *faces, lk_ctx *ctx, lk_level level, const struct lk_row_list *list,
                const uint32_t *same_as, const char *what)
{
    char rows[ROWS_SAID * 40];
    if (list->n == 0)
        return;
    name_rows(rows, sizeof rows, list, same_as);
    lk_ctx_message(ctx, level, "%s: %" PRIu64 " of %" PRIu64 " rows %s: %s", faces->path, list->n,
                   faces->matrix.rows, what, rows);
}

void lk_faces_say(const struct lk_faces *faces, lk_ctx *ctx)
{
    const struct lk_row_checks *c = &faces->checks;
    say(faces, ctx, LK_LEVEL_WARNING, &c->not_finite, NULL, "are left out, being not finite");
    say(faces, ctx, LK_LEVEL_WARNING, &c->zero, NULL, "are left out, being zero");
    say(faces, ctx, LK_LEVEL_WARNING, &c->constant, NULL,
        "hold the same number throughout, which no recogniser gives");
    say(faces, ctx, LK_LEVEL_NOTE, &c->duplicate, c->same_as, "repeat an earlier row exactly");
    if (c->n_scaled > 0)
        lk_ctx_message(ctx, LK_LEVEL_NOTE,
                       "%s: %" PRIu64 " of %" PRIu64
                       " rows were not of length 1 and are scaled to it (lengths %.6g to %.6g)",
                       faces->path, c->n_scaled, faces->matrix.rows, c->shortest, c->longest);
}

/* ---- unit vectors --------------------------------------------------------------------------------- */

static void scale_row(const float *from, uint64_t dim, float *to)
{
    double length = length_of(from, dim);
    bool as_it_is = !(isfinite(length) && length > 0) || is_unit(length);
    for (uint64_t i = 0; i < dim; i++)
        to[i] = as_it_is ? from[i] : (float)((double)from[i] / length);
}

static lk_status scale(struct lk_matrix *m, lk_ctx *ctx, lk_error *err)
{
    struct lk_scratch scratch = LK_SCRATCH_INIT;
    struct lk_matrix scaled = {.data = NULL};
    float *block = lk_alloc_aligned(BLOCK_ROWS * (size_t)m->dim, sizeof *block, err);
    lk_status status = block != NULL ? lk_scratch_open(&scratch, err) : LK_ENOMEM;
    for (uint64_t row = 0; status == LK_OK && row < m->rows; row += BLOCK_ROWS) {
        uint64_t n = m->rows - row < BLOCK_ROWS ? m->rows - row : BLOCK_ROWS;
        for (uint64_t i = 0; i < n; i++)
            scale_row(lk_matrix_row(m, row + i), m->dim, block + i * m->dim);
        status = lk_scratch_write(&scratch, block, (size_t)(n * m->dim) * sizeof *block, err);
        if (status == LK_OK)
            status = lk_ctx_check(ctx, err);
    }
    if (status == LK_OK)
        status = lk_matrix_take_scratch(&scaled, &scratch, m->rows, m->dim, err);
    if (status == LK_OK) {
        lk_matrix_close(m);
        *m = scaled;
    }
    lk_scratch_close(&scratch);
    free(block);
    return status;
}

lk_status lk_faces_look(struct lk_faces *faces, lk_ctx *ctx, lk_error *err)
{
    LK_NEED(faces->matrix.rows < UINT32_MAX, err, LK_EUNSUP,
            "%s: %" PRIu64 " rows, expected fewer than 2^32 - 1", faces->path, faces->matrix.rows);
    return look(&faces->checks, ctx, &faces->matrix, err);
}

lk_status lk_faces_scale(struct lk_faces *faces, lk_ctx *ctx, lk_error *err)
{
    return faces->checks.n_scaled > 0 ? scale(&faces->matrix, ctx, err) : LK_OK;
}

lk_status lk_faces_ready(struct lk_faces *faces, lk_ctx *ctx, lk_error *err)
{
    LK_TRY(lk_faces_look(faces, ctx, err));
    lk_faces_say(faces, ctx);
    return lk_faces_scale(faces, ctx, err);
}

static int compare_rows(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

bool lk_faces_usable(const struct lk_faces *faces, uint64_t row)
{
    const struct lk_row_checks *c = &faces->checks;
    uint32_t key = (uint32_t)row;
    return c->n_excluded == 0 ||
           bsearch(&key, c->excluded, (size_t)c->n_excluded, sizeof key, compare_rows) == NULL;
}

/* ---- meta.json ------------------------------------------------------------------------------------ */

/* jansson takes the reference also when it fails: a NULL comes out of json_pack in the end. */
static json_t *list_json(const struct lk_row_list *list, const uint32_t *same_as)
{
    json_t *first = json_array(), *others = json_array();
    for (size_t i = 0; i < list->n && i < LK_ROWS_NAMED; i++) {
        json_array_append_new(first, json_integer(list->first[i]));
        if (same_as != NULL)
            json_array_append_new(others, json_integer(same_as[i]));
    }
    json_t *object = json_pack("{s:I,s:o}", "rows", (json_int_t)list->n, "first", first);
    if (same_as != NULL)
        json_object_set_new(object, "same_as", others);
    else
        json_decref(others);
    return object;
}

json_t *lk_row_checks_json(const struct lk_row_checks *c)
{
    json_t *scaled = c->n_scaled > 0 ? json_pack("{s:I,s:f,s:f}", "rows", (json_int_t)c->n_scaled, "shortest",
                                                 c->shortest, "longest", c->longest)
                                     : json_pack("{s:i,s:n,s:n}", "rows", 0, "shortest", "longest");
    return json_pack("{s:o,s:o,s:o,s:o,s:o}", "not_finite", list_json(&c->not_finite, NULL), "zero",
                     list_json(&c->zero, NULL), "constant", list_json(&c->constant, NULL), "duplicate",
                     list_json(&c->duplicate, c->same_as), "scaled", scaled);
}
