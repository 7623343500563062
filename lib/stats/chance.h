/* SPDX-License-Identifier: Apache-2.0 */
/* chance.h - how many matches above a threshold chance alone gives: by the false match rate, and by the
 * hold-out. */
#ifndef LK_STATS_CHANCE_H
#define LK_STATS_CHANCE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "stats/proportion.h"

/* False matches that one probe is expected to have among n references at a false match rate of fmr. */
double lk_chance_expected(uint64_t n, double fmr);
/* The chance that it has at least one: 1 - (1 - fmr)^n. */
double lk_chance_any(uint64_t n, double fmr);

/* One place on the chance curves: shares of units whose best score is at least `score`, with 95 % intervals.
 */
struct lk_curve_point {
    float score;
    double train, holdout; /* against the training set; against a hold-out, mean over them. NaN without one */
    double excess; /* train - holdout: what chance does not explain */
    struct lk_interval train_interval, holdout_interval, excess_interval;
};

/* What each unit has in common with others: the number (below n) of its nearest person in T, in the
 * hold-outs, and in all galleries. Units with the same number vary together. */
struct lk_curve_groups {
    const uint32_t *train, *holdout, *all;
};

/* For n units; scores holds n x (K + 1) best scores, the training set's first; K may be 0. Intervals: Wilson's
 * with the effective number of units for the shares; for the excess that of paired shares (Agresti & Min
 * 2005), widened by the root of the design effect. Both from the variance clustered by person. groups may be
 * NULL: units are independent. */
lk_status lk_chance_curves(const float *scores, size_t n, size_t n_holdouts,
                           const struct lk_curve_groups *groups, const float *at, size_t n_points,
                           struct lk_curve_point *out, lk_error *err);

#endif
