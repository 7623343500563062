/* SPDX-License-Identifier: Apache-2.0 */
/* figures.c - the tables behind the charts, and what is drawn beside them. They hold no name and no path. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/html.h"
#include "report/report.h"

/* ",VALUE"; what is no number is an empty field. */
static void put(FILE *f, double value)
{
    putc(',', f);
    if (isfinite(value))
        fprintf(f, "%.6g", value);
}

/* Steps of curve.csv in a bin: the fewer values, the wider the bins, or the chart would be a row of single
 * strokes. */
static size_t steps_for(size_t n)
{
    return n < 100 ? 4 : n < 1000 ? 2 : 1;
}

/* ---- nearest scores --------------------------------------------------------------------------------- */

/* Share of units between two lines of the curve; the first and the last bin take what lies outside. */
static double between(const struct lk_report *r, size_t from, size_t to, int column)
{
    double above = from == 0 && isfinite(r->curve[0].at[column]) ? 1 : r->curve[from].at[column];
    double below = to >= r->n_curve - 1 && isfinite(r->curve[0].at[column]) ? 0 : r->curve[to].at[column];
    return above - below;
}

/* Share of all pairs with the hold-out from a score on, to another. */
static double strangers_between(const struct lk_report *r, double from, double to)
{
    double share = 0;
    if (!r->exposed || !r->exposure.has_strangers)
        return NAN;
    for (long b = lround((from + 1) * LK_EXPOSURE_BINS / 2), end = lround((to + 1) * LK_EXPOSURE_BINS / 2); b < end; b++)
        if (b >= 0 && b < LK_EXPOSURE_BINS)
            share += r->exposure.strangers[b];
    return share;
}

/* The lowest score that one in a thousand pairs of strangers does not reach. */
static double lowest_strangers(const struct lk_report *r)
{
    double below = 0;
    long b = 0;
    while (b < LK_EXPOSURE_BINS - 1 && (below += r->exposure.strangers[b]) < 0.001)
        b++;
    return (double)b * 2 / LK_EXPOSURE_BINS - 1;
}

/* The calibration set's genuine and impostor scores, and those of all pairs with the hold-out, go on to both sides: bins
 * as wide, over all they cover. */
lk_status lk_figure_nearest(const struct lk_report *r, FILE *f, lk_error *err)
{
    (void)err;
    const struct lk_report_calibration *c = &r->calibration;
    size_t step = steps_for(r->n_units);
    double width = 0.01 * (double)step;
    bool curves = c->given && c->is_curve;
    fputs("score,end,train,holdout,control,genuine,impostor,holdout_pairs\n", f);
    if (r->n_curve < 2)
        return LK_OK;
    double first = r->curve[0].at[LK_AT];
    long low = 0, high = (long)((r->n_curve - 2) / step);
    if (curves) {
        long from = (long)floor((fmax(c->score[0], -1) - first) / width),
             to = (long)ceil((fmin(c->score[c->n - 1], 1) - first) / width);
        low = from < low ? from : low;
        high = to > high ? to : high;
    }
    if (r->exposed && r->exposure.has_strangers) {
        long from = (long)floor((lowest_strangers(r) - first) / width);
        low = from < low ? from : low;
    }
    for (long b = low; b <= high; b++) {
        double score = first + (double)b * width;
        bool inside = b >= 0 && (size_t)b * step < r->n_curve - 1;
        size_t from = inside ? (size_t)b * step : 0, to = from + step < r->n_curve ? from + step : r->n_curve - 1;
        fprintf(f, "%.2f,%.2f", score, score + width);
        put(f, inside ? between(r, from, to, LK_TRAIN_SHARE) : NAN);
        put(f, inside ? between(r, from, to, LK_HOLDOUT_SHARE) : NAN);
        put(f, inside ? between(r, from, to, LK_CONTROL_SHARE) : NAN);
        double end = score + width;
        put(f, curves ? lk_report_calibrated(c, c->genuine, score) - lk_report_calibrated(c, c->genuine, end) : NAN);
        put(f, curves ? lk_report_calibrated(c, c->impostor, score) - lk_report_calibrated(c, c->impostor, end)
                      : NAN);
        put(f, strangers_between(r, score, end));
        putc('\n', f);
    }
    return LK_OK;
}

lk_status lk_figure_curves(const struct lk_report *r, FILE *f, lk_error *err)
{
    (void)err;
    fputs("score,train,train_low,train_high,holdout,holdout_low,holdout_high,excess,excess_low,excess_high,"
          "control\n",
          f);
    for (size_t i = 0; i < r->n_curve; i++) {
        fprintf(f, "%.2f", r->curve[i].at[LK_AT]);
        for (int k = LK_TRAIN_SHARE; k < LK_N_CURVE; k++)
            put(f, r->curve[i].at[k]);
        putc('\n', f);
    }
    return LK_OK;
}

/* ---- margins ---------------------------------------------------------------------------------------- */

lk_status lk_figure_margins(const struct lk_report *r, FILE *f, lk_error *err)
{
    double width = 0.01 * (double)steps_for(r->n_units), largest = 0;
    for (size_t i = 0; i < r->n_units; i++)
        if (isfinite(r->units[i].margin))
            largest = fmax(largest, fabs(r->units[i].margin));
    size_t n = (size_t)floor(largest / width + 1e-9) + 1;
    LK_NEED(n <= 1000, err, LK_EFORMAT, "identities.csv: a margin of %g, expected at most 2", largest);
    uint64_t *counts[2] = {lk_calloc(n, sizeof **counts, err), lk_calloc(n, sizeof **counts, err)};
    lk_status status = counts[0] != NULL && counts[1] != NULL ? LK_OK : LK_ENOMEM;
    for (size_t i = 0; status == LK_OK && i < r->n_units; i++) {
        double margin = r->units[i].margin;
        if (isfinite(margin) && margin != 0)
            counts[margin < 0][(size_t)floor(fabs(margin) / width + 1e-9)]++;
    }
    fputs("margin,end,closer_to_training,closer_to_holdout\n", f);
    for (size_t i = 0; status == LK_OK && i < n; i++)
        fprintf(f, "%.2f,%.2f,%llu,%llu\n", (double)i * width, (double)(i + 1) * width,
                (unsigned long long)counts[0][i], (unsigned long long)counts[1][i]);
    free(counts[0]);
    free(counts[1]);
    return status;
}

/* ---- the person side -------------------------------------------------------------------------------- */

lk_status lk_figure_roc(const struct lk_report *r, FILE *f, lk_error *err)
{
    (void)err;
    const json_t *roc = lk_report_measure(r, "L7_persons", "roc");
    fputs("fpr,tpr,score\n", f);
    for (size_t i = 0; i < json_array_size(roc); i++) {
        const json_t *point = json_array_get(roc, i), *score = json_object_get(point, "score");
        fprintf(f, "%.6g,%.6g", json_number_value(json_object_get(point, "fpr")),
                json_number_value(json_object_get(point, "tpr")));
        put(f, json_is_number(score) ? json_number_value(score) : NAN);
        putc('\n', f);
    }
    return LK_OK;
}

/* How many persons are nearest to so many units: bins that double. */
lk_status lk_figure_in_degree(const struct lk_report *r, FILE *f, lk_error *err)
{
    enum { BINS = 34 };
    (void)err;
    uint64_t counts[2][BINS] = {{0}}, persons[2] = {0, 0};
    size_t last = 2;
    for (size_t i = 0; i < r->n_persons; i++) {
        const struct lk_report_person *p = &r->persons[i];
        size_t bin = 0;
        for (uint64_t left = p->in_degree; left > 0 && bin < BINS - 1; left /= 2)
            bin++;
        counts[p->in_train ? 0 : 1][bin]++;
        persons[p->in_train ? 0 : 1]++;
        last = bin > last ? bin : last;
    }
    fputs("nearest_to,up_to,training_persons,holdout_persons,training_share,holdout_share\n", f);
    for (size_t b = 0; b <= last; b++) {
        uint64_t from = b == 0 ? 0 : UINT64_C(1) << (b - 1), to = b == 0 ? 0 : (UINT64_C(1) << b) - 1;
        fprintf(f, "%llu,%llu,%llu,%llu", (unsigned long long)from, (unsigned long long)to,
                (unsigned long long)counts[0][b], (unsigned long long)counts[1][b]);
        for (int g = 0; g < 2; g++)
            put(f, persons[g] > 0 ? (double)counts[g][b] / (double)persons[g] : NAN);
        putc('\n', f);
    }
    return LK_OK;
}

/* ---- matchers --------------------------------------------------------------------------------------- */

/* Points beyond these would only cover each other: then every n-th of those that nobody finds. */
enum { MAX_POINTS = 4000 };

lk_status lk_figure_matchers(const struct lk_report *r, size_t first, size_t second, FILE *f, lk_error *err)
{
    (void)err;
    const struct lk_report_matcher *a = &r->matchers[first], *b = &r->matchers[second];
    size_t every = r->n_common / MAX_POINTS + 1;
    fputs("first_margin,second_margin,found_by\n", f);
    for (size_t i = 0; i < r->n_common; i++) {
        static const char *const found[] = {"neither", "first", "second", "both"};
        int by = a->discovered[i] + 2 * b->discovered[i];
        if (by == 0 && i % every != 0)
            continue;
        fprintf(f, "%.6g,%.6g,%s\n", a->margin[i], b->margin[i], found[by]);
    }
    return LK_OK;
}

/* ---- beside the tables ------------------------------------------------------------------------------ */

json_t *lk_report_marks(const struct lk_report *r)
{
    json_t *list = json_array();
    for (size_t i = 0; list != NULL && i < r->n_levels; i++) {
        const struct lk_report_level *level = &r->levels[i];
        struct lk_number rate;
        json_t *entry =
            json_pack("{s:f, s:s, s:f}", "fmr", level->fmr, "label", lk_rate(&rate, level->fmr), "score", level->score);
        if (json_array_append_new(list, entry) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    json_t *tau = isnan(r->competition.tau) || !r->compared ? json_null() : json_real(r->competition.tau);
    return json_pack("{s:o, s:o, s:s}", "thresholds", list, "tau", tau, "unit",
                     r->by_identity ? "identities" : "images");
}
