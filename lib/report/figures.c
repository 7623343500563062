/* SPDX-License-Identifier: Apache-2.0 */
/* figures.c - the numbers behind the charts: counts by score and margin. They hold no name and no path. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/html.h"
#include "report/report.h"

/* Scores lie in -1 .. 1, margins in -2 .. 2; the bins cover what occurs. */
struct range {
    long low, high; /* bins low .. high-1, bin b covers [b, b + 1) * width */
    double width;
};

/* The fewer values, the wider the bins, or the chart would be a row of single strokes. */
static double width_for(size_t n)
{
    return n < 100 ? 0.04 : n < 1000 ? 0.02 : 0.01;
}

static long bin_of(const struct range *range, double value)
{
    return (long)floor(value / range->width + 1e-9);
}

static void widen(struct range *range, double value)
{
    long b = bin_of(range, value);
    if (range->low == range->high) {
        range->low = b;
        range->high = b + 1;
    }
    range->low = b < range->low ? b : range->low;
    range->high = b >= range->high ? b + 1 : range->high;
}

static json_t *counts_to_json(const uint64_t *counts, size_t n)
{
    json_t *list = json_array();
    for (size_t i = 0; list != NULL && i < n; i++)
        if (json_array_append_new(list, json_integer((json_int_t)counts[i])) != 0) {
            json_decref(list);
            return NULL;
        }
    return list;
}

/* Counts of the images' best scores in one gallery. */
static json_t *count_scores(const struct lk_report *r, int role, struct range range)
{
    size_t n = (size_t)(range.high - range.low);
    if (!r->sets[role].given)
        return json_null();
    uint64_t *counts = lk_calloc(n, sizeof *counts, NULL);
    if (counts == NULL)
        return NULL;
    for (size_t i = 0; i < r->n_probes; i++)
        counts[bin_of(&range, r->probes[i].score[role]) - range.low]++;
    json_t *list = counts_to_json(counts, n);
    free(counts);
    return list;
}

static json_t *nearest(const struct lk_report *r)
{
    struct range range = {0, 0, width_for(r->n_probes)};
    for (size_t i = 0; i < r->n_probes; i++) {
        widen(&range, r->probes[i].score[LK_TRAINING]);
        if (r->sets[LK_HOLDOUT].given)
            widen(&range, r->probes[i].score[LK_HOLDOUT]);
    }
    return json_pack("{s:f, s:f, s:I, s:o, s:o}", "low", (double)range.low * range.width, "width",
                     range.width, "probes", (json_int_t)r->n_probes, "train",
                     count_scores(r, LK_TRAINING, range), "holdout", count_scores(r, LK_HOLDOUT, range));
}

/* Units by the size of their margin, those closer to the training set apart from those closer to the
 * hold-out. */
static json_t *margins(const struct lk_report *r)
{
    if (!r->compared)
        return json_null();
    struct range range = {0, 1, width_for(r->n_units)};
    for (size_t i = 0; i < r->n_units; i++)
        widen(&range, fabs(r->units[i].score[LK_TRAINING] - r->units[i].score[LK_HOLDOUT]));
    size_t n = (size_t)range.high;
    uint64_t *wins = lk_calloc(n, sizeof *wins, NULL), *losses = lk_calloc(n, sizeof *losses, NULL);
    json_t *out = NULL;
    if (wins != NULL && losses != NULL) {
        for (size_t i = 0; i < r->n_units; i++) {
            double margin = r->units[i].score[LK_TRAINING] - r->units[i].score[LK_HOLDOUT];
            if (margin != 0)
                (margin > 0 ? wins : losses)[bin_of(&range, fabs(margin))]++;
        }
        json_t *tau = isnan(r->competition.tau) ? json_null() : json_real(r->competition.tau);
        out = json_pack("{s:f, s:s, s:o, s:o, s:o}", "width", range.width, "unit",
                        r->by_identity ? "identities" : "images", "wins", counts_to_json(wins, n), "losses",
                        counts_to_json(losses, n), "tau", tau);
    }
    free(wins);
    free(losses);
    return out;
}

static json_t *thresholds(const struct lk_report *r)
{
    json_t *list = json_array();
    for (size_t i = 0; list != NULL && i < r->n_levels; i++) {
        const struct lk_report_level *level = &r->levels[i];
        struct lk_number rate;
        json_t *holdout = isnan(level->share[LK_HOLDOUT]) ? json_null() : json_real(level->share[LK_HOLDOUT]);
        json_t *entry = json_pack("{s:f, s:s, s:f, s:f, s:f, s:o}", "fmr", level->fmr, "label",
                                  lk_rate(&rate, level->fmr), "score", level->score, "chance", level->chance,
                                  "train", level->share[LK_TRAINING], "holdout", holdout);
        if (json_array_append_new(list, entry) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

json_t *lk_report_figures(const struct lk_report *r)
{
    return json_pack("{s:o, s:o, s:o}", "nearest", nearest(r), "thresholds", thresholds(r), "margins",
                     margins(r));
}
