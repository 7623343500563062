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

struct found {
    float *train, *holdout; /* best scores */
    size_t n, n_holdout, room, room_holdout;
    uint64_t planted, planted_found, false_found;
};

static lk_status read_unit(struct found *f, const struct lk_csv *csv, const size_t column[4],
                           const struct truth *truth, lk_error *err)
{
    double value;
    uint64_t discovery = 0;
    const char *name = lk_csv_field(csv, column[0]);
    LK_TRY(lk_grow(&f->train, &f->room, f->n + 1, sizeof *f->train, err));
    LK_TRY(lk_grow(&f->holdout, &f->room_holdout, f->n + 1, sizeof *f->holdout, err));
    LK_TRY(lk_csv_double(csv, column[1], &value, err));
    f->train[f->n++] = (float)value;
    if (lk_csv_field(csv, column[2])[0] != '\0') {
        LK_TRY(lk_csv_double(csv, column[2], &value, err));
        f->holdout[f->n_holdout++] = (float)value;
    }
    if (lk_csv_field(csv, column[3])[0] != '\0')
        LK_TRY(lk_csv_u64(csv, column[3], &discovery, err));
    if (truth->all.n == 0)
        return LK_OK;
    bool planted = lk_names_find(&truth->planted, name, strlen(name)) != LK_NO_NAME;
    f->planted += planted;
    f->planted_found += planted && discovery > 0;
    f->false_found += !planted && discovery > 0;
    return LK_OK;
}

static lk_status read_units(struct found *f, const char *folder, const struct truth *truth, lk_error *err)
{
    static const char *const columns[] = {"identity", "train", "holdout", "discovery"};
    struct table table;
    size_t column[4];
    int more = 1;
    char *path = lk_path_join(folder, "identities.csv", err);
    lk_status status = path != NULL ? table_open(&table, path, err) : LK_ENOMEM;
    free(path);
    LK_TRY(status);
    for (size_t i = 0; status == LK_OK && i < 4; i++)
        status = lk_csv_column(&table.csv, columns[i], &column[i], err);
    while (status == LK_OK && (status = lk_csv_next(&table.csv, &more, err)) == LK_OK && more)
        status = read_unit(f, &table.csv, column, truth, err);
    if (status != LK_OK)
        lk_error_prefix(err, "%s", table.path);
    table_close(&table);
    return status;
}

lk_status lk_study_nearest(const char *folder, const char *truth_file, bool from_here, json_t **spread,
                           json_t **known, lk_error *err)
{
    struct truth truth = {.none = !from_here};
    struct found f = {0};
    struct lk_described train, holdout;
    lk_status status = truth_file != NULL ? truth_read(&truth, truth_file, err) : LK_OK;
    if (status == LK_OK)
        status = read_units(&f, folder, &truth, err);
    if (status == LK_OK) {
        json_t *t = lk_study_described(f.train, f.n, &train),
               *h = lk_study_described(f.holdout, f.n_holdout, &holdout);
        *spread = json_pack("{s:o, s:o, s:o, s:o}", "train", t, "holdout", h, "d_prime",
                            lk_study_real(lk_d_prime(&train, &holdout)), "ks",
                            lk_study_real(lk_ks_distance(f.train, f.n, f.holdout, f.n_holdout)));
        *known = truth.all.n > 0 ? json_pack("{s:I, s:I, s:I}", "planted", (json_int_t)f.planted, "found",
                                             (json_int_t)f.planted_found, "false", (json_int_t)f.false_found)
                                 : json_null();
        if (*spread == NULL || *known == NULL)
            status = lk_fail(err, LK_ENOMEM, "out of memory");
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
