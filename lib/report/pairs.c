/* SPDX-License-Identifier: Apache-2.0 */
/* pairs.c - the closest pairs: over the complete sets where a MATCH directory was given, with what the measures say
 * of them. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/report.h"
#include "report/table.h"

/* ---- what is known of units and pairs --------------------------------------------------------------- */

/* A pair that was measured. */
struct measured {
    uint64_t probe, reference;
    double e_value;
    char *kind;
};

struct reading {
    struct lk_report *r;
    size_t capacity, capacity_measured, n_measured;
    struct measured *measured;
    bool keep; /* rows are the pairs to show, not only to be known */
};

static int by_rows(const void *a, const void *b)
{
    const struct measured *x = a, *y = b;
    if (x->probe != y->probe)
        return x->probe < y->probe ? -1 : 1;
    return (x->reference > y->reference) - (x->reference < y->reference);
}

static lk_status take_pair(struct lk_report *r, const struct lk_csv *csv, const size_t *column, size_t *capacity,
                           lk_error *err)
{
    r->n_pairs_listed++;
    if (r->n_pairs_listed > r->options->max_pairs)
        return LK_OK;
    LK_TRY(lk_grow(&r->pairs, capacity, r->n_pairs + 1, sizeof *r->pairs, err));
    struct lk_report_pair *p = &r->pairs[r->n_pairs++];
    *p = (struct lk_report_pair)LK_REPORT_PAIR_INIT;
    const struct lk_report_set *s = &r->sets[LK_SYNTHETIC], *t = &r->sets[LK_TRAINING];
    LK_TRY(lk_csv_u64(csv, column[0], &p->rank, err));
    LK_TRY(lk_table_score(csv, column[1], &p->score, err));
    LK_TRY(lk_table_row(csv, column[2], lk_report_all_rows(s), &p->probe, err));
    LK_TRY(lk_table_row(csv, column[3], lk_report_all_rows(t), &p->reference, err));
    LK_TRY(lk_table_text(csv, column[4], &p->path[0], err));
    LK_TRY(lk_table_text(csv, column[5], &p->path[1], err));
    LK_TRY(lk_table_text(csv, column[6], &p->identity[0], err));
    return lk_table_text(csv, column[7], &p->identity[1], err);
}

/* ---- the two tables --------------------------------------------------------------------------------- */

enum { M_E_VALUE = 8, M_KIND, M_COLUMNS };
static const char *const measured_columns[M_COLUMNS] = {
    "rank",           "score",    "image",  "reference", "image_path",
    "reference_path", "identity", "person", "e_value",   "kind"};
static const char *const matched_columns[8] = {"rank",       "score",          "probe",          "reference",
                                               "probe_path", "reference_path", "probe_identity", "reference_identity"};

static lk_status add_measured(void *user, const struct lk_csv *csv, const size_t *column, lk_error *err)
{
    struct reading *reading = user;
    if (reading->keep)
        LK_TRY(take_pair(reading->r, csv, column, &reading->capacity, err));
    LK_TRY(lk_grow(&reading->measured, &reading->capacity_measured, reading->n_measured + 1,
                   sizeof *reading->measured, err));
    struct measured *m = &reading->measured[reading->n_measured++];
    *m = (struct measured){.kind = NULL};
    LK_TRY(lk_csv_u64(csv, column[2], &m->probe, err));
    LK_TRY(lk_csv_u64(csv, column[3], &m->reference, err));
    LK_TRY(lk_table_number(csv, column[M_E_VALUE], &m->e_value, err));
    return lk_table_text(csv, column[M_KIND], &m->kind, err);
}

static lk_status add_matched(void *user, const struct lk_csv *csv, const size_t *column, lk_error *err)
{
    struct reading *reading = user;
    return take_pair(reading->r, csv, column, &reading->capacity, err);
}

static lk_status read_both(struct reading *reading, lk_error *err)
{
    struct lk_report *r = reading->r;
    struct lk_table t;
    reading->keep = !r->exposed;
    LK_TRY(lk_table_open(&t, r->options->measures, "pairs.csv", json_object_get(r->measures, "outputs"), err));
    lk_status status = lk_table_read(&t, measured_columns, M_COLUMNS, M_COLUMNS, add_measured, reading, err);
    lk_table_close(&t);
    if (status != LK_OK || !r->exposed)
        return status;
    LK_TRY(lk_table_open(&t, r->options->match, "pairs.csv", json_object_get(r->exposure.meta, "outputs"), err));
    status = lk_table_read(&t, matched_columns, 8, 8, add_matched, reading, err);
    lk_table_close(&t);
    return status;
}

/* ---- joined ----------------------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
    const struct lk_report_unit *x = *(const struct lk_report_unit *const *)a,
                                *y = *(const struct lk_report_unit *const *)b;
    const char *p = x->identity != NULL ? x->identity : "", *q = y->identity != NULL ? y->identity : "";
    int order = strcmp(p, q);
    return order != 0 ? order : (x->image > y->image) - (x->image < y->image);
}

/* The unit of a pair: by name, or by its image where there are none. */
static const struct lk_report_unit *unit_of(const struct lk_report *r, const struct lk_report_unit *const *sorted,
                                            const struct lk_report_pair *pair)
{
    struct lk_report_unit wanted = {.identity = pair->identity[0], .image = pair->probe};
    size_t low = 0, high = r->n_units;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct lk_report_unit *key = &wanted;
        int order = pair->identity[0] != NULL && sorted[middle]->identity != NULL
                        ? strcmp(sorted[middle]->identity, pair->identity[0])
                        : by_name(&sorted[middle], &key);
        if (order == 0)
            return sorted[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* A pair belongs to a discovery when it is of a discovered unit and of the person who is closest to that unit. */
static void join_unit(struct lk_report_pair *pair, const struct lk_report_unit *unit)
{
    pair->margin = unit->margin;
    pair->q = unit->q;
    if (unit->discovered)
        pair->discovered = unit->person != NULL && pair->identity[1] != NULL
                               ? strcmp(unit->person, pair->identity[1]) == 0
                               : unit->reference == pair->reference;
}

static lk_status join(struct reading *reading, lk_error *err)
{
    struct lk_report *r = reading->r;
    const struct lk_report_unit **sorted = lk_calloc(r->n_units, sizeof *sorted, err);
    if (sorted == NULL)
        return LK_ENOMEM;
    for (size_t i = 0; i < r->n_units; i++)
        sorted[i] = &r->units[i];
    qsort(sorted, r->n_units, sizeof *sorted, by_name);
    if (reading->n_measured > 0)
        qsort(reading->measured, reading->n_measured, sizeof *reading->measured, by_rows);
    for (size_t i = 0; i < r->n_pairs; i++) {
        struct lk_report_pair *pair = &r->pairs[i];
        struct measured wanted = {.probe = pair->probe, .reference = pair->reference};
        struct measured *m = reading->n_measured > 0 ? bsearch(&wanted, reading->measured, reading->n_measured,
                                                               sizeof *reading->measured, by_rows)
                                                     : NULL;
        const struct lk_report_unit *unit = unit_of(r, sorted, pair);
        if (unit != NULL)
            join_unit(pair, unit);
        if (m != NULL) {
            pair->e_value = m->e_value;
            pair->kind = m->kind;
            m->kind = NULL; /* a pair is listed once */
        }
    }
    free(sorted);
    return LK_OK;
}

lk_status lk_report_read_pairs(struct lk_report *r, lk_error *err)
{
    struct reading reading = {.r = r};
    lk_status status = read_both(&reading, err);
    if (status == LK_OK)
        status = join(&reading, err);
    for (size_t i = 0; i < reading.n_measured; i++)
        free(reading.measured[i].kind);
    free(reading.measured);
    return status;
}

void lk_report_free_pairs(struct lk_report *r)
{
    for (size_t i = 0; i < r->n_pairs; i++)
        lk_report_pair_free(&r->pairs[i]);
    for (size_t i = 0; i < r->n_pictures; i++)
        free(r->pictures[i]);
    free(r->pictures);
    free(r->pairs);
}
