/* SPDX-License-Identifier: Apache-2.0 */
/* power.h - what "nothing found" means: the smallest planted share that a run would have found. */
#ifndef LK_STATS_POWER_H
#define LK_STATS_POWER_H

#include "base/ctx.h"
#include "stats/proportion.h"

/* Upper limit of a share of which none was seen in n: 1 - (1 - confidence)^(1/n), about 3/n at 95 % (the rule
 * of three, Hanley & Lippman-Hand 1983). n == 0 gives 1. */
double lk_none_seen_limit(uint64_t n, double confidence);

/* What the planting starts from. */
struct lk_power_run {
    /* Best scores of each unit of the run: n_units x (n_holdouts + 1), the training set's first, without the
     * units that were discoveries. */
    const float *scores;
    size_t n_units, n_holdouts;
    /* What a leaked unit scores against the person it shows: n_genuine draws, one of which is taken at
     * random. */
    const float *genuine;
    size_t n_genuine;
    double q;            /* false discovery rate of the competition */
    uint64_t replicates; /* planted sets for each share; 0 = 200 */
    uint64_t seed;
};

/* k of n units planted. */
struct lk_power_point {
    uint64_t planted, n; /* units */
    double detected;     /* share of planted sets with at least one discovery that was planted */
    struct lk_interval detected_interval; /* 95 % Clopper-Pearson, of the simulation alone */
    double found;                         /* mean share of planted units among the discoveries */
    double false_share; /* mean share of discoveries that were not planted; 0 where there are none */
};

/* Each set draws n_units units of the run with replacement, exchanges for each the scores of the galleries at
 * random (which changes nothing where nothing leaked, and makes another run of what leaked by chance), raises
 * the training score of the first `planted` to a genuine draw where that is higher, and runs the competition.
 * The draws of a set do not depend on `planted`, so more planted units are a superset. Same numbers for any
 * number of threads. */
lk_status lk_power(lk_ctx *ctx, const struct lk_power_run *run, uint64_t planted, struct lk_power_point *out,
                   lk_error *err);

/* The smallest number of planted units that is detected in at least `power` of the sets, by halving;
 * out->planted is 0 when even planting all units is not. */
lk_status lk_power_smallest(lk_ctx *ctx, const struct lk_power_run *run, double power,
                            struct lk_power_point *out, lk_error *err);

#endif
