/* SPDX-License-Identifier: Apache-2.0 */
/* tables.c - reads nearest.csv and pairs.csv of a MATCH directory. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/report.h"

/* A table of the MATCH directory, mapped; messages of the reader get its name in front. */
struct table {
    char *path;
    struct lk_map map;
    struct lk_csv csv;
};

static void table_close(struct table *t)
{
    lk_csv_close(&t->csv);
    lk_map_close(&t->map);
    free(t->path);
}

static lk_status table_open(struct table *t, const char *dir, const char *name, lk_error *err)
{
    memset(t, 0, sizeof *t);
    if ((t->path = lk_path_join(dir, name, err)) == NULL)
        return LK_ENOMEM;
    lk_status status = lk_map_open(&t->map, t->path, err);
    if (status == LK_OK && (status = lk_csv_open(&t->csv, t->map.bytes, t->map.len, err)) != LK_OK)
        lk_error_prefix(err, "%s", t->path);
    if (status != LK_OK) {
        lk_map_close(&t->map);
        free(t->path);
    }
    return status;
}

/* A field as a new string, NULL for the empty one. */
static lk_status take_text(const struct lk_csv *csv, size_t column, char **out, lk_error *err)
{
    const char *text = lk_csv_field(csv, column);
    *out = NULL;
    return text[0] == '\0' || (*out = lk_strdup(text, err)) != NULL ? LK_OK : LK_ENOMEM;
}

static lk_status take_row(const struct lk_csv *csv, size_t column, uint64_t limit, uint64_t *out,
                          lk_error *err)
{
    LK_TRY(lk_csv_u64(csv, column, out, err));
    LK_NEED(*out < limit, err, LK_EFORMAT, "line %llu: row %llu, expected less than %llu",
            (unsigned long long)csv->line, (unsigned long long)*out, (unsigned long long)limit);
    return LK_OK;
}

static lk_status take_score(const struct lk_csv *csv, size_t column, double *out, lk_error *err)
{
    LK_TRY(lk_csv_double(csv, column, out, err));
    LK_NEED(isfinite(*out) && fabs(*out) < 1.001, err, LK_EFORMAT, "line %llu: score %g, expected -1 to 1",
            (unsigned long long)csv->line, *out);
    return LK_OK;
}

static uint64_t all_rows(const struct lk_report_set *set)
{
    return set->rows + set->excluded;
}

/* ---- nearest.csv ------------------------------------------------------------------------------------ */

enum {
    N_PROBE,
    N_GALLERY,
    N_RANK,
    N_SCORE,
    N_REFERENCE,
    N_PROBE_PATH,
    N_PROBE_IDENTITY,
    N_REFERENCE_IDENTITY,
    N_COLUMNS
};
static const char *const nearest_columns[N_COLUMNS] = {
    "probe", "gallery", "rank", "score", "reference", "probe_path", "probe_identity", "reference_identity"};

static lk_status add_nearest(struct lk_report *r, const struct lk_csv *csv, const size_t *column,
                             size_t *capacity, lk_error *err)
{
    const char *gallery = lk_csv_field(csv, column[N_GALLERY]);
    int role = strcmp(gallery, "train") == 0     ? LK_TRAINING
               : strcmp(gallery, "holdout") == 0 ? LK_HOLDOUT
                                                 : -1;
    LK_NEED(role >= 0 && r->sets[role].given, err, LK_EFORMAT, "line %llu: gallery '%s', expected train%s",
            (unsigned long long)csv->line, gallery, r->sets[LK_HOLDOUT].given ? " or holdout" : "");
    uint64_t rank, row, reference;
    double score;
    LK_TRY(lk_csv_u64(csv, column[N_RANK], &rank, err));
    if (rank != 1)
        return LK_OK;
    LK_TRY(take_row(csv, column[N_PROBE], all_rows(&r->sets[LK_SYNTHETIC]), &row, err));
    LK_TRY(take_row(csv, column[N_REFERENCE], all_rows(&r->sets[role]), &reference, err));
    LK_TRY(take_score(csv, column[N_SCORE], &score, err));
    struct lk_report_probe *p = r->n_probes > 0 ? &r->probes[r->n_probes - 1] : NULL;
    LK_NEED(p == NULL || row >= p->row, err, LK_EFORMAT,
            "line %llu: probe %llu after %llu, expected rising order", (unsigned long long)csv->line,
            (unsigned long long)row, (unsigned long long)p->row);
    if (p == NULL || row != p->row) {
        LK_TRY(lk_grow(&r->probes, capacity, r->n_probes + 1, sizeof *r->probes, err));
        p = &r->probes[r->n_probes++];
        *p = (struct lk_report_probe){.row = row, .score = {NAN, NAN, NAN}};
        LK_TRY(take_text(csv, column[N_PROBE_PATH], &p->path, err));
        LK_TRY(take_text(csv, column[N_PROBE_IDENTITY], &p->identity, err));
    }
    LK_NEED(isnan(p->score[role]), err, LK_EFORMAT, "line %llu: a second rank 1 of probe %llu in %s",
            (unsigned long long)csv->line, (unsigned long long)row, gallery);
    p->score[role] = score;
    if (role != LK_TRAINING)
        return LK_OK;
    p->reference = reference;
    return take_text(csv, column[N_REFERENCE_IDENTITY], &p->person, err);
}

lk_status lk_report_read_nearest(struct lk_report *r, lk_error *err)
{
    struct table t;
    LK_TRY(table_open(&t, r->options->match, "nearest.csv", err));
    size_t column[N_COLUMNS], capacity = 0;
    lk_status status = LK_OK;
    for (size_t i = 0; status == LK_OK && i < N_COLUMNS; i++)
        status = lk_csv_column(&t.csv, nearest_columns[i], &column[i], err);
    int more = 1;
    while (status == LK_OK) {
        if ((status = lk_csv_next(&t.csv, &more, err)) != LK_OK || !more)
            break;
        status = add_nearest(r, &t.csv, column, &capacity, err);
    }
    for (size_t i = 0; status == LK_OK && i < r->n_probes; i++)
        for (int role = LK_TRAINING; role < LK_N_SETS; role++)
            if (r->sets[role].given && isnan(r->probes[i].score[role])) {
                status =
                    lk_fail(err, LK_EFORMAT, "probe %llu has no rank 1 in %s",
                            (unsigned long long)r->probes[i].row, role == LK_TRAINING ? "train" : "holdout");
                break;
            }
    if (status == LK_OK && r->n_probes == 0)
        status = lk_fail(err, LK_EFORMAT, "no probes, expected at least one");
    if (status != LK_OK)
        lk_error_prefix(err, "%s", t.path);
    table_close(&t);
    return status;
}

/* ---- pairs.csv -------------------------------------------------------------------------------------- */

enum {
    P_RANK,
    P_SCORE,
    P_PROBE,
    P_REFERENCE,
    P_PROBE_PATH,
    P_REFERENCE_PATH,
    P_PROBE_IDENTITY,
    P_REFERENCE_IDENTITY,
    P_COLUMNS
};
static const char *const pair_columns[P_COLUMNS] = {
    "rank",       "score",          "probe",          "reference",
    "probe_path", "reference_path", "probe_identity", "reference_identity"};

static lk_status add_pair(struct lk_report *r, const struct lk_csv *csv, const size_t *column,
                          size_t *capacity, lk_error *err)
{
    r->n_pairs_listed++;
    if (r->n_pairs_listed > r->options->max_pairs)
        return LK_OK;
    LK_TRY(lk_grow(&r->pairs, capacity, r->n_pairs + 1, sizeof *r->pairs, err));
    struct lk_report_pair *p = &r->pairs[r->n_pairs++];
    *p = (struct lk_report_pair)LK_REPORT_PAIR_INIT;
    LK_TRY(lk_csv_u64(csv, column[P_RANK], &p->rank, err));
    LK_TRY(take_score(csv, column[P_SCORE], &p->score, err));
    LK_TRY(take_row(csv, column[P_PROBE], all_rows(&r->sets[LK_SYNTHETIC]), &p->probe, err));
    LK_TRY(take_row(csv, column[P_REFERENCE], all_rows(&r->sets[LK_TRAINING]), &p->reference, err));
    LK_TRY(take_text(csv, column[P_PROBE_PATH], &p->path[0], err));
    LK_TRY(take_text(csv, column[P_REFERENCE_PATH], &p->path[1], err));
    LK_TRY(take_text(csv, column[P_PROBE_IDENTITY], &p->identity[0], err));
    return take_text(csv, column[P_REFERENCE_IDENTITY], &p->identity[1], err);
}

lk_status lk_report_read_pairs(struct lk_report *r, lk_error *err)
{
    struct table t;
    LK_TRY(table_open(&t, r->options->match, "pairs.csv", err));
    size_t column[P_COLUMNS], capacity = 0;
    lk_status status = LK_OK;
    for (size_t i = 0; status == LK_OK && i < P_COLUMNS; i++)
        status = lk_csv_column(&t.csv, pair_columns[i], &column[i], err);
    int more = 1;
    while (status == LK_OK) {
        if ((status = lk_csv_next(&t.csv, &more, err)) != LK_OK || !more)
            break;
        status = add_pair(r, &t.csv, column, &capacity, err);
    }
    if (status != LK_OK)
        lk_error_prefix(err, "%s", t.path);
    table_close(&t);
    return status;
}
