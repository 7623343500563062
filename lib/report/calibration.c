/* SPDX-License-Identifier: Apache-2.0 */
/* calibration.c - genuine and impostor scores of a calibration set, from the table of `likeness calibrate --roc` or
 * from its thresholds.json. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "formats/json.h"
#include "report/report.h"
#include "report/table.h"

struct reading {
    struct lk_report_calibration *c;
    size_t capacity[3];
};

static lk_status add(struct reading *reading, double score, double genuine, double impostor, lk_error *err)
{
    struct lk_report_calibration *c = reading->c;
    LK_NEED(score >= -1.001 && score <= 1.001 && genuine >= 0 && genuine <= 1 && impostor >= 0 && impostor <= 1,
            err, LK_EFORMAT, "at score %g shares %g and %g, expected a score from -1 to 1 and shares from 0 to 1",
            score, genuine, impostor);
    LK_NEED(c->n == 0 || score >= c->score[c->n - 1], err, LK_EFORMAT, "score %g after %g, expected rising ones",
            score, c->score[c->n - 1]);
    LK_TRY(lk_grow(&c->score, &reading->capacity[0], c->n + 1, sizeof *c->score, err));
    LK_TRY(lk_grow(&c->genuine, &reading->capacity[1], c->n + 1, sizeof *c->genuine, err));
    LK_TRY(lk_grow(&c->impostor, &reading->capacity[2], c->n + 1, sizeof *c->impostor, err));
    c->score[c->n] = score;
    c->genuine[c->n] = genuine;
    c->impostor[c->n++] = impostor;
    return LK_OK;
}

static const char *const roc_columns[] = {"threshold", "fmr", "fnmr"};

static lk_status add_rates(void *user, const struct lk_csv *csv, const size_t *column, lk_error *err)
{
    double score, fmr, fnmr;
    LK_TRY(lk_csv_double(csv, column[0], &score, err));
    LK_TRY(lk_csv_double(csv, column[1], &fmr, err));
    LK_TRY(lk_csv_double(csv, column[2], &fnmr, err));
    return add(user, score, 1 - fnmr, fmr, err);
}

static lk_status read_table(struct reading *reading, const char *path, lk_error *err)
{
    const char *slash = strrchr(path, '/');
    char *dir = lk_strdup(slash != NULL ? path : ".", err);
    if (dir == NULL)
        return LK_ENOMEM;
    if (slash != NULL)
        dir[slash - path + (slash == path)] = '\0';
    struct lk_table t;
    lk_status status = lk_table_open(&t, dir, slash != NULL ? slash + 1 : path, NULL, err);
    free(dir);
    LK_TRY(status);
    status = lk_table_read(&t, roc_columns, 3, 3, add_rates, reading, err);
    lk_table_close(&t);
    reading->c->is_curve = true;
    return status;
}

static int by_score(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (x[0] > y[0]) - (x[0] < y[0]);
}

enum { MAX_THRESHOLDS = 64 };

static lk_status read_thresholds(struct reading *reading, const char *path, lk_error *err)
{
    json_t *whole = NULL;
    double rows[MAX_THRESHOLDS][3];
    LK_TRY(lk_json_read(path, &whole, err));
    const json_t *list = json_object_get(whole, "thresholds");
    size_t n = json_array_size(list);
    lk_status status = LK_OK;
    if (!json_is_array(list) || n > MAX_THRESHOLDS)
        status = lk_fail(err, LK_EFORMAT,
                         "%s: found no list of at most %d 'thresholds', expected what `likeness calibrate` writes",
                         path, MAX_THRESHOLDS);
    for (size_t i = 0; status == LK_OK && i < n; i++) {
        const json_t *entry = json_array_get(list, i);
        rows[i][1] = rows[i][2] = NAN;
        status = lk_json_real(entry, "score", 1, &rows[i][0], path, err);
        if (status == LK_OK)
            status = lk_json_real(entry, "tar", 1, &rows[i][1], path, err);
        if (status == LK_OK)
            status = lk_json_real(entry, "fmr", 1, &rows[i][2], path, err);
    }
    if (status == LK_OK) {
        qsort(rows, n, sizeof rows[0], by_score);
        for (size_t i = 0; status == LK_OK && i < n; i++)
            status = add(reading, rows[i][0], rows[i][1], rows[i][2], err);
        if (status != LK_OK)
            lk_error_prefix(err, "%s", path);
    }
    json_decref(whole);
    return status;
}

lk_status lk_report_read_calibration(struct lk_report *r, lk_error *err)
{
    const char *path = r->options->calibration;
    struct lk_report_calibration *c = &r->calibration;
    if (path == NULL)
        return LK_OK;
    struct lk_map map;
    LK_TRY(lk_map_open(&map, path, err));
    size_t at = 0;
    while (at < map.len && (map.bytes[at] == ' ' || map.bytes[at] == '\n' || map.bytes[at] == '\t'))
        at++;
    bool is_json = at < map.len && map.bytes[at] == '{';
    lk_status status = lk_hash_bytes(map.bytes, map.len, c->sha256, err);
    lk_map_close(&map);
    LK_TRY(status);
    struct reading reading = {.c = c};
    LK_TRY(is_json ? read_thresholds(&reading, path, err) : read_table(&reading, path, err));
    LK_NEED(c->n >= 2, err, LK_EFORMAT, "%s: %zu scores, expected at least two", path, c->n);
    c->given = true;
    return LK_OK;
}

/* Thresholds further apart say nothing about what lies between them. */
static const double widest_gap = 0.05;

double lk_report_calibrated(const struct lk_report_calibration *c, const double *share, double score)
{
    if (c->n == 0 || score < c->score[0] || score > c->score[c->n - 1])
        return NAN;
    size_t low = 0, high = c->n - 1; /* the score lies between these two */
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (c->score[middle] <= score)
            low = middle;
        else
            high = middle;
    }
    double width = c->score[high] - c->score[low];
    if (width > widest_gap)
        return NAN;
    double part = width > 0 ? (score - c->score[low]) / width : 0;
    return share[low] + part * (share[high] - share[low]);
}
