/* SPDX-License-Identifier: Apache-2.0 */
/* chance.h - how many matches above a threshold chance alone gives: by the false match rate, and by the
 * hold-out. */
#ifndef LK_STATS_CHANCE_H
#define LK_STATS_CHANCE_H

#include <stddef.h>
#include <stdint.h>

#include "stats/proportion.h"

/* False matches that one probe is expected to have among n references at a false match rate of fmr. */
double lk_chance_expected(uint64_t n, double fmr);
/* The chance that it has at least one: 1 - (1 - fmr)^n. */
double lk_chance_any(uint64_t n, double fmr);

/* One place on the chance curves: shares of units whose best score is at least `score`, with 95 % intervals.
 */
struct lk_curve_point {
    float score;
    double train, holdout; /* against the training set and the hold-out; NaN without a hold-out */
    double excess; /* train - holdout: what chance does not explain */
    struct lk_interval train_interval, holdout_interval; /* Wilson */
    struct lk_interval excess_interval; /* of the paired difference */
};

/* For n units with best scores t and h (h may be NULL), at each of n_points scores. */
void lk_chance_curves(const float *t, const float *h, size_t n, const float *scores, size_t n_points,
                      struct lk_curve_point *out);

#endif
