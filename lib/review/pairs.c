/* SPDX-License-Identifier: Apache-2.0 */
/* pairs.c - which pairs a review may show: candidates and three kinds of controls, each as a list in the
 * order in which they are taken. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "formats/csv.h"
#include "review/new.h"

/* ---- tables -------------------------------------------------------------------------------------------- */

/* A table whose rows become pairs. Columns that are not there are SIZE_MAX. */
struct table {
    const struct lk_review_sets *sets;
    struct lk_map map;
    struct lk_csv csv;
    size_t image, reference, image_path, reference_path, score, e_value, gallery, discovery;
    struct lk_names *seen; /* identities and persons that have a pair; NULL = several are fine */
};

static lk_status add_pair(struct lk_review_pairs *list, const struct lk_review_pair *pair, lk_error *err)
{
    LK_TRY(lk_grow(&list->pairs, &list->capacity, list->n + 1, sizeof *list->pairs, err));
    list->pairs[list->n++] = *pair;
    return LK_OK;
}

static size_t find_column(const struct lk_csv *csv, const char *name, const char *other)
{
    for (size_t i = 0; i < csv->n_columns; i++)
        if (strcmp(csv->columns[i], name) == 0 || (other != NULL && strcmp(csv->columns[i], other) == 0))
            return i;
    return SIZE_MAX;
}

/* The face of a row of the table, which must be that of the same path. */
static lk_status take_face(const struct table *t, size_t set, size_t column, size_t path_column,
                           struct lk_review_face *out, lk_error *err)
{
    const struct lk_csv *csv = &t->csv;
    uint64_t row;
    LK_TRY(lk_csv_u64(csv, column, &row, err));
    LK_NEED(row < t->sets->sets[set].faces.matrix.rows, err, LK_EFORMAT,
            "line %" PRIu64 ": row %" PRIu64 ", expected one of the %" PRIu64 " of %s", csv->line, row,
            t->sets->sets[set].faces.matrix.rows, t->sets->sets[set].faces.path);
    struct lk_review_face face = {set, row};
    const struct lk_face_image *image = lk_review_face_image(t->sets, face);
    const char *path = path_column != SIZE_MAX ? lk_csv_field(csv, path_column) : "";
    LK_NEED(path[0] == '\0' || image == NULL || strcmp(path, image->path) == 0, err, LK_EFORMAT,
            "line %" PRIu64 ": row %" PRIu64 " is %s here and %s in %s: the table is of other sets",
            csv->line, row, path, image->path, t->sets->sets[set].faces.path);
    *out = face;
    return LK_OK;
}

static lk_status take_number(const struct table *t, size_t column, double *out, lk_error *err)
{
    *out = NAN;
    return column == SIZE_MAX || lk_csv_field(&t->csv, column)[0] == '\0'
               ? LK_OK
               : lk_csv_double(&t->csv, column, out, err);
}

/* Notes that an identity and a person have a pair; *added is false when they had one. */
static lk_status note_seen(const struct table *t, const struct lk_review_pair *pair, bool *added,
                           lk_error *err)
{
    struct lk_str key = LK_STR_INIT;
    lk_status status = LK_OK;
    for (int side = 0; side < 2 && status == LK_OK; side++) {
        uint32_t person = t->sets->sets[pair->side[side].set].person[pair->side[side].row];
        status = lk_str_addf(&key, err, "%c%" PRIu64 "/", person != LK_NO_NAME ? 'p' : 'r',
                             person != LK_NO_NAME ? (uint64_t)person : pair->side[side].row);
    }
    size_t before = t->seen->n;
    uint32_t number;
    if (status == LK_OK)
        status = lk_names_add(t->seen, key.text, key.len, &number, err);
    *added = t->seen->n > before;
    lk_str_free(&key);
    return status;
}

/* Which set a gallery "holdoutN" is of: the N-th that was given, or the one that was cut. */
static lk_status take_gallery(const struct table *t, size_t *set, lk_error *err)
{
    const char *name = lk_csv_field(&t->csv, t->gallery);
    size_t n = t->sets->n - LK_REVIEW_FIRST_HOLDOUT;
    char *end;
    unsigned long number = strncmp(name, "holdout", 7) == 0 ? strtoul(name + 7, &end, 10) : 0;
    LK_NEED(number > 0 && *end == '\0' && (n == 1 || number <= n), err, LK_EFORMAT,
            "line %" PRIu64 ": gallery '%s', expected holdout1 to holdout%zu", t->csv.line, name, n);
    *set = LK_REVIEW_FIRST_HOLDOUT + (n == 1 ? 0 : number - 1);
    return LK_OK;
}

/* Adds the pair of the record that the table stands at, if it has one. */
static lk_status take_pair(const struct table *t, struct lk_review_pairs *out, lk_error *err)
{
    struct lk_review_pair pair = {.e_value = NAN};
    size_t set = LK_REVIEW_TRAIN;
    bool added = true;
    if (t->discovery != SIZE_MAX && strcmp(lk_csv_field(&t->csv, t->discovery), "1") != 0)
        return LK_OK;
    if (lk_csv_field(&t->csv, t->image)[0] == '\0')
        return LK_OK; /* an identity that was not compared with a hold-out */
    if (t->gallery != SIZE_MAX)
        LK_TRY(take_gallery(t, &set, err));
    LK_TRY(take_face(t, LK_REVIEW_SYNTHETIC, t->image, t->image_path, &pair.side[0], err));
    LK_TRY(take_face(t, set, t->reference, t->reference_path, &pair.side[1], err));
    LK_TRY(take_number(t, t->score, &pair.score, err));
    LK_TRY(take_number(t, t->e_value, &pair.e_value, err));
    pair.discovery = t->discovery != SIZE_MAX;
    if (t->seen != NULL)
        LK_TRY(note_seen(t, &pair, &added, err));
    return added ? add_pair(out, &pair, err) : LK_OK;
}

static lk_status read_rows(struct table *t, struct lk_review_pairs *out, lk_error *err)
{
    for (;;) {
        int more;
        LK_TRY(lk_csv_next(&t->csv, &more, err));
        if (!more)
            return LK_OK;
        LK_TRY(take_pair(t, out, err));
    }
}

enum table_kind { DISCOVERIES, CLOSEST, DECOYS };

static lk_status find_columns(struct table *t, enum table_kind kind, lk_error *err)
{
    const struct lk_csv *csv = &t->csv;
    t->image = find_column(csv, kind == DECOYS ? "holdout_image" : "image", kind == CLOSEST ? "probe" : NULL);
    t->reference = find_column(csv, kind == DECOYS ? "holdout_reference" : "reference", NULL);
    t->image_path = find_column(csv, kind == DECOYS ? "holdout_image_path" : "image_path",
                                kind == CLOSEST ? "probe_path" : NULL);
    t->reference_path = find_column(csv, kind == DECOYS ? "holdout_reference_path" : "reference_path", NULL);
    t->score = find_column(csv, kind == DECOYS ? "holdout" : kind == DISCOVERIES ? "train" : "score", NULL);
    t->e_value = kind != DECOYS ? find_column(csv, "e_value", NULL) : SIZE_MAX;
    t->gallery = kind == DECOYS ? find_column(csv, "holdout_gallery", NULL) : SIZE_MAX;
    t->discovery = kind == DISCOVERIES ? find_column(csv, "discovery", NULL) : SIZE_MAX;
    LK_NEED(t->image != SIZE_MAX && t->reference != SIZE_MAX, err, LK_EFORMAT,
            kind == DECOYS
                ? "no columns holdout_image and holdout_reference: an older version made this measurement"
                : "expected the columns image (or probe) and reference, with rows of the sets");
    LK_NEED(kind != DECOYS || t->gallery != SIZE_MAX, err, LK_EFORMAT, "no column holdout_gallery");
    LK_NEED(kind != DISCOVERIES || t->discovery != SIZE_MAX, err, LK_EFORMAT, "no column discovery");
    return LK_OK;
}

static lk_status read_table(const struct lk_review_sets *sets, const char *path, enum table_kind kind,
                            struct lk_names *seen, struct lk_review_pairs *out, lk_error *err)
{
    struct table t = {.sets = sets, .seen = seen};
    LK_TRY(lk_map_open(&t.map, path, err));
    lk_status status = lk_csv_open(&t.csv, t.map.bytes, t.map.len, err);
    if (status == LK_OK) {
        status = find_columns(&t, kind, err);
        if (status == LK_OK)
            status = read_rows(&t, out, err);
        lk_csv_close(&t.csv);
    }
    if (status != LK_OK)
        lk_error_prefix(err, "%s", path);
    lk_map_close(&t.map);
    return status;
}

static lk_status read_measured(const struct lk_review_sets *sets, const char *measure, const char *name,
                               enum table_kind kind, struct lk_names *seen, struct lk_review_pairs *out,
                               lk_error *err)
{
    char *path = lk_path_join(measure, name, err);
    if (path == NULL)
        return LK_ENOMEM;
    lk_status status = read_table(sets, path, kind, seen, out, err);
    free(path);
    return status;
}

/* Closest first; then by rows, so that the order is one. */
static int by_falling_score(const void *a, const void *b)
{
    const struct lk_review_pair *x = a, *y = b;
    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return (x->side[0].row > y->side[0].row) - (x->side[0].row < y->side[0].row);
}

lk_status lk_review_candidates(const struct lk_review_sets *sets, const char *measure, const char *table,
                               struct lk_review_pairs *out, lk_error *err)
{
    struct lk_names seen = {0};
    lk_status status;
    if (table != NULL) {
        status = read_table(sets, table, CLOSEST, &seen, out, err);
    } else {
        status = read_measured(sets, measure, "identities.csv", DISCOVERIES, &seen, out, err);
        if (status == LK_OK && out->n > 0)
            qsort(out->pairs, out->n, sizeof *out->pairs, by_falling_score);
        if (status == LK_OK)
            status = read_measured(sets, measure, "pairs.csv", CLOSEST, &seen, out, err);
    }
    lk_names_free(&seen);
    return status;
}

lk_status lk_review_decoys(const struct lk_review_sets *sets, const char *measure,
                           struct lk_review_pairs *out, lk_error *err)
{
    if (sets->n == LK_REVIEW_FIRST_HOLDOUT)
        return LK_OK;
    LK_TRY(read_measured(sets, measure, "identities.csv", DECOYS, NULL, out, err));
    if (out->n > 0)
        qsort(out->pairs, out->n, sizeof *out->pairs, by_falling_score);
    return LK_OK;
}

/* ---- drawn at random ----------------------------------------------------------------------------------- */

/* NaN where the sets were not made with one model. */
static double score_of(const struct lk_review_sets *sets, const struct lk_review_face side[2])
{
    const struct lk_matrix *a = &sets->sets[side[0].set].faces.matrix,
                           *b = &sets->sets[side[1].set].faces.matrix;
    return a->dim == b->dim ? (double)lk_score(lk_matrix_row(a, side[0].row), lk_matrix_row(b, side[1].row),
                                               (size_t)a->dim)
                            : NAN;
}

void lk_review_pairs_shuffle(struct lk_review_pair *pairs, size_t n, struct lk_rng *rng)
{
    for (size_t i = n; i > 1; i--) {
        size_t k = (size_t)lk_rng_below(rng, i);
        struct lk_review_pair pair = pairs[i - 1];
        pairs[i - 1] = pairs[k];
        pairs[k] = pair;
    }
}

/* Of the measured ones among some rows: how many there are, and which is the number-th. */
static size_t count_measured(const struct lk_review_set *s, const uint64_t *rows, size_t n, size_t number,
                             uint64_t *row)
{
    size_t found = 0;
    for (size_t i = 0; i < n; i++)
        if (s->is_measured[rows[i]] && found++ == number)
            *row = rows[i];
    return found;
}

lk_status lk_review_mates(const struct lk_review_sets *sets, struct lk_rng *rng, struct lk_review_pairs *out,
                          lk_error *err)
{
    const struct lk_review_set *s = &sets->sets[LK_REVIEW_TRAIN];
    for (size_t p = 0; p < s->names.n; p++) {
        const uint64_t *rows = s->rows_of + s->start[p];
        uint64_t row[2] = {0, 0};
        size_t all = s->start[p + 1] - s->start[p], n = count_measured(s, rows, all, 0, &row[0]);
        if (n < 2)
            continue;
        size_t a = (size_t)lk_rng_below(rng, n), b = (size_t)lk_rng_below(rng, n - 1);
        count_measured(s, rows, all, a, &row[0]);
        count_measured(s, rows, all, b + (b >= a), &row[1]);
        struct lk_review_pair pair = {.side = {{LK_REVIEW_TRAIN, row[0]}, {LK_REVIEW_TRAIN, row[1]}},
                                      .e_value = NAN};
        pair.score = score_of(sets, pair.side);
        LK_TRY(add_pair(out, &pair, err));
    }
    lk_review_pairs_shuffle(out->pairs, out->n, rng);
    return LK_OK;
}

lk_status lk_review_strangers(const struct lk_review_sets *sets, size_t n, struct lk_rng *rng,
                              struct lk_review_pairs *out, lk_error *err)
{
    bool holdout = sets->n > LK_REVIEW_FIRST_HOLDOUT;
    for (size_t i = 0; i < n; i++) {
        struct lk_review_pair pair = {.e_value = NAN};
        pair.side[0].set = LK_REVIEW_SYNTHETIC;
        pair.side[1].set =
            holdout ? LK_REVIEW_FIRST_HOLDOUT + (size_t)lk_rng_below(rng, sets->n - 2) : LK_REVIEW_TRAIN;
        for (int side = 0; side < 2; side++) {
            const struct lk_review_set *s = &sets->sets[pair.side[side].set];
            pair.side[side].row = s->measured[lk_rng_below(rng, s->n_measured)];
        }
        pair.score = score_of(sets, pair.side);
        LK_TRY(add_pair(out, &pair, err));
    }
    return LK_OK;
}
