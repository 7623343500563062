/* SPDX-License-Identifier: Apache-2.0 */
/* nearest.c - what the tables of a run say of its matchers: how close synthetic identities come, whether
 * matchers find different shares of them, and what was found of a known truth. */
#include <stdlib.h>
#include <string.h>

#include "formats/csv.h"
#include "formats/json.h"
#include "stats/susceptible.h"
#include "study/compare.h"

json_t *lk_study_real(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

json_t *lk_study_described(float *scores, size_t n, struct lk_described *out)
{
    json_t *quantiles = json_array();
    lk_describe(scores, n, out);
    for (int i = 0; i < LK_N_QUANTILES; i++)
        json_array_append_new(quantiles, lk_study_real(out->quantile[i]));
    return json_pack("{s:I, s:o, s:o, s:o}", "n", (json_int_t)n, "mean", lk_study_real(out->mean), "sd",
                     lk_study_real(out->sd), "quantiles", quantiles);
}

/* ---- a table, row by row ------------------------------------------------------------------------------- */

struct table {
    struct lk_map map;
    struct lk_csv csv;
    char *path;
};

static void table_close(struct table *t)
{
    if (t->csv.bytes != NULL)
        lk_csv_close(&t->csv);
    lk_map_close(&t->map);
    free(t->path);
}

static lk_status table_open(struct table *t, const char *path, lk_error *err)
{
    *t = (struct table){.path = lk_strdup(path, err)};
    lk_status status = t->path != NULL ? lk_map_open(&t->map, path, err) : LK_ENOMEM;
    if (status == LK_OK)
        status = lk_csv_open(&t->csv, t->map.bytes, t->map.len, err);
    if (status != LK_OK) {
        t->csv.bytes = NULL;
        table_close(t);
    }
    return status;
}

/* ---- truth --------------------------------------------------------------------------------------------- */

struct truth {
    struct lk_names planted, all; /* identities */
    bool none;                    /* planted from this training set */
};

static lk_status truth_read(struct truth *t, const char *path, lk_error *err)
{
    struct table table;
    size_t identity, planted;
    int more = 1;
    LK_TRY(table_open(&table, path, err));
    lk_status status = lk_csv_column(&table.csv, "identity", &identity, err);
    if (status == LK_OK)
        status = lk_csv_column(&table.csv, "planted", &planted, err);
    while (status == LK_OK && (status = lk_csv_next(&table.csv, &more, err)) == LK_OK && more) {
        const char *name = lk_csv_field(&table.csv, identity);
        uint32_t number;
        uint64_t yes = 0;
        status = lk_csv_u64(&table.csv, planted, &yes, err);
        if (status == LK_OK)
            status = lk_names_add(&t->all, name, strlen(name), &number, err);
        if (status == LK_OK && yes > 0 && !t->none)
            status = lk_names_add(&t->planted, name, strlen(name), &number, err);
    }
    if (status != LK_OK)
        lk_error_prefix(err, "%s", path);
    table_close(&table);
    return status;
}

/* ---- identities.csv ------------------------------------------------------------------------------------ */

/* Scores with the hold-outs: those of one unit after the other, of each hold-out one. */
struct found {
    float *train, *holdout;
    size_t n, n_holdouts, room, room_holdout;
    uint64_t planted, planted_found, false_found;
};

enum { MOST_HOLDOUTS = 1000 };

struct columns {
    size_t identity, train, discovery;
    size_t *holdout; /* found.n_holdouts */
};

static lk_status read_unit(struct found *f, const struct lk_csv *csv, const struct columns *c,
                           const struct truth *truth, lk_error *err)
{
    double value;
    uint64_t discovery = 0;
    const char *name = lk_csv_field(csv, c->identity);
    LK_TRY(lk_grow(&f->train, &f->room, f->n + 1, sizeof *f->train, err));
    LK_TRY(lk_grow(&f->holdout, &f->room_holdout, (f->n + 1) * f->n_holdouts, sizeof *f->holdout, err));
    LK_TRY(lk_csv_double(csv, c->train, &value, err));
    f->train[f->n] = (float)value;
    for (size_t k = 0; k < f->n_holdouts; k++) {
        LK_TRY(lk_csv_double(csv, c->holdout[k], &value, err));
        f->holdout[f->n * f->n_holdouts + k] = (float)value;
    }
    f->n++;
    if (lk_csv_field(csv, c->discovery)[0] != '\0')
        LK_TRY(lk_csv_u64(csv, c->discovery, &discovery, err));
    if (truth->all.n == 0)
        return LK_OK;
    bool planted = lk_names_find(&truth->planted, name, strlen(name)) != LK_NO_NAME;
    f->planted += planted;
    f->planted_found += planted && discovery > 0;
    f->false_found += !planted && discovery > 0;
    return LK_OK;
}

/* With several hold-outs "holdout1", "holdout2", ...; "holdout" would be the best of them. */
static lk_status find_columns(const struct lk_csv *csv, struct columns *c, size_t *n_holdouts, lk_error *err)
{
    char name[32];
    size_t column, n = 0;
    LK_TRY(lk_csv_column(csv, "identity", &c->identity, err));
    LK_TRY(lk_csv_column(csv, "train", &c->train, err));
    LK_TRY(lk_csv_column(csv, "discovery", &c->discovery, err));
    do
        snprintf(name, sizeof name, "holdout%zu", ++n);
    while (n <= MOST_HOLDOUTS && lk_csv_column(csv, name, &column, NULL) == LK_OK);
    *n_holdouts = n > 1 ? n - 1 : 1;
    if ((c->holdout = lk_calloc(*n_holdouts, sizeof *c->holdout, err)) == NULL)
        return LK_ENOMEM;
    for (size_t k = 0; k < *n_holdouts; k++) {
        snprintf(name, sizeof name, n > 1 ? "holdout%zu" : "holdout", k + 1);
        LK_TRY(lk_csv_column(csv, name, &c->holdout[k], err));
    }
    return LK_OK;
}

static lk_status read_units(struct found *f, const char *folder, const struct truth *truth, lk_error *err)
{
    struct table table;
    struct columns columns = {.holdout = NULL};
    int more = 1;
    char *path = lk_path_join(folder, "identities.csv", err);
    lk_status status = path != NULL ? table_open(&table, path, err) : LK_ENOMEM;
    free(path);
    LK_TRY(status);
    status = find_columns(&table.csv, &columns, &f->n_holdouts, err);
    while (status == LK_OK && (status = lk_csv_next(&table.csv, &more, err)) == LK_OK && more) {
        if (f->n == 0 && lk_csv_field(&table.csv, columns.holdout[0])[0] == '\0')
            f->n_holdouts = 0; /* there was none */
        status = read_unit(f, &table.csv, &columns, truth, err);
    }
    if (status != LK_OK)
        lk_error_prefix(err, "%s", table.path);
    free(columns.holdout);
    table_close(&table);
    return status;
}

/* One hold-out, or all of them (which = SIZE_MAX), against the training set. */
static lk_status compare_with(const struct found *f, const struct lk_described *train, size_t which,
                              json_t **out, lk_error *err)
{
    size_t first = which == SIZE_MAX ? 0 : which, end = which == SIZE_MAX ? f->n_holdouts : which + 1, n = 0;
    float *scores = lk_calloc(f->n * (end - first), sizeof *scores, err);
    struct lk_described holdout;
    if (scores == NULL)
        return LK_ENOMEM;
    for (size_t u = 0; u < f->n; u++)
        for (size_t k = first; k < end; k++)
            scores[n++] = f->holdout[u * f->n_holdouts + k];
    json_t *described = lk_study_described(scores, n, &holdout);
    *out = json_pack("{s:o, s:o, s:o}", "holdout", described, "d_prime",
                     lk_study_real(lk_d_prime(train, &holdout)), "ks",
                     lk_study_real(lk_ks_distance(f->train, f->n, scores, n)));
    free(scores);
    return *out != NULL ? LK_OK : lk_fail(err, LK_ENOMEM, "out of memory");
}

/* All hold-outs' scores lie together: each is the best of as many persons as the training set's, so without a
 * leak both distributions are the same, whatever the number of hold-outs. */
static lk_status describe(struct found *f, json_t **out, lk_error *err)
{
    struct lk_described train;
    json_t *t = lk_study_described(f->train, f->n, &train), *each = json_array(), *spread = NULL;
    lk_status status = compare_with(f, &train, SIZE_MAX, &spread, err);
    for (size_t k = 0; status == LK_OK && f->n_holdouts > 1 && k < f->n_holdouts; k++) {
        json_t *one = NULL;
        status = compare_with(f, &train, k, &one, err);
        if (status == LK_OK && json_array_append_new(each, one) != 0)
            status = lk_fail(err, LK_ENOMEM, "out of memory");
    }
    json_t *list = f->n_holdouts > 1 ? json_incref(each) : json_null();
    json_decref(each);
    if (status == LK_OK &&
        (json_object_set(spread, "train", t) != 0 || json_object_set(spread, "holdouts", list) != 0))
        status = lk_fail(err, LK_ENOMEM, "out of memory");
    json_decref(t);
    json_decref(list);
    if (status == LK_OK)
        *out = spread;
    else
        json_decref(spread);
    return status;
}

lk_status lk_study_nearest(const char *folder, const char *truth_file, bool from_here, json_t **spread,
                           json_t **known, lk_error *err)
{
    struct truth truth = {.none = !from_here};
    struct found f = {0};
    json_t *nearest = NULL, *counts = NULL;
    lk_status status = truth_file != NULL ? truth_read(&truth, truth_file, err) : LK_OK;
    if (status == LK_OK)
        status = read_units(&f, folder, &truth, err);
    if (status == LK_OK)
        status = describe(&f, &nearest, err);
    if (status == LK_OK) {
        counts = truth.all.n > 0 ? json_pack("{s:I, s:I, s:I}", "planted", (json_int_t)f.planted, "found",
                                             (json_int_t)f.planted_found, "false", (json_int_t)f.false_found)
                                 : json_null();
        if (counts == NULL)
            status = lk_fail(err, LK_ENOMEM, "out of memory");
    }
    if (status == LK_OK) {
        *spread = nearest;
        *known = counts;
    } else {
        json_decref(nearest);
    }
    lk_names_free(&truth.planted);
    lk_names_free(&truth.all);
    free(f.train);
    free(f.holdout);
    return status;
}

/* ---- matchers.csv -------------------------------------------------------------------------------------- */

/* found[j * n + u], out of rows that hold one matcher behind the other. */
static lk_status cochran(const uint8_t *rows, size_t n, size_t k, json_t **out, lk_error *err)
{
    struct lk_cochran c;
    uint8_t *found = lk_calloc(n, k, err);
    if (found == NULL)
        return LK_ENOMEM;
    for (size_t u = 0; u < n; u++)
        for (size_t j = 0; j < k; j++)
            found[j * n + u] = rows[u * k + j];
    lk_status status = lk_cochran_q(found, k, n, &c, err);
    free(found);
    LK_TRY(status);
    *out = json_pack("{s:f, s:I, s:f}", "q", c.q, "df", (json_int_t)c.df, "p", c.p);
    return *out != NULL ? LK_OK : lk_fail(err, LK_ENOMEM, "out of memory");
}

lk_status lk_study_differ(const struct lk_study *study, const char *folder, json_t **out, lk_error *err)
{
    struct table table;
    size_t column[LK_MAX_MATCHERS], k = study->n_matchers, n = 0, room = 0;
    uint8_t *rows = NULL;
    int more = 1;
    *out = k < 2 ? json_null() : NULL;
    if (k < 2)
        return LK_OK;
    char *path = lk_path_join(folder, "matchers.csv", err);
    lk_status status = path != NULL ? table_open(&table, path, err) : LK_ENOMEM;
    free(path);
    LK_TRY(status);
    for (size_t j = 0; status == LK_OK && j < k; j++) {
        char name[80];
        snprintf(name, sizeof name, "discovery:%.60s", study->matchers[j].name.text);
        status = lk_csv_column(&table.csv, name, &column[j], err);
    }
    while (status == LK_OK && (status = lk_csv_next(&table.csv, &more, err)) == LK_OK && more) {
        status = lk_grow(&rows, &room, (n + 1) * k, 1, err);
        for (size_t j = 0; status == LK_OK && j < k; j++) {
            uint64_t yes = 0;
            status = lk_csv_u64(&table.csv, column[j], &yes, err);
            rows[n * k + j] = yes > 0;
        }
        n++;
    }
    if (status == LK_OK)
        status = cochran(rows, n, k, out, err);
    else
        lk_error_prefix(err, "%s", table.path);
    table_close(&table);
    free(rows);
    return status;
}
