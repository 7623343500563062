/* SPDX-License-Identifier: Apache-2.0 */
/* agreement.h - how far several raters agree on an ordered scale: Krippendorff's alpha. */
#ifndef LK_STATS_AGREEMENT_H
#define LK_STATS_AGREEMENT_H

#include "base/error.h"

enum { LK_MAX_LEVELS = 16, LK_ALPHA_REPLICATES = 2000 };

struct lk_ratings {
    const int8_t *values; /* of item i by rater r at [i * n_raters + r]: 0 .. n_levels - 1, or -1 = none */
    size_t n_items, n_raters;
    int n_levels; /* at most LK_MAX_LEVELS */
};

struct lk_alpha {
    double value, low, high; /* 95 % bootstrap interval over items; NaN where every rating is the same */
    size_t n_items;          /* with two ratings or more; others say nothing of agreement */
};

lk_status lk_alpha_ordinal(const struct lk_ratings *ratings, uint64_t seed, struct lk_alpha *out,
                           lk_error *err);

#endif
