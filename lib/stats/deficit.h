/* SPDX-License-Identifier: Apache-2.0 */
/* deficit.h - hold-out deficit of a list of pairs: how many of them chance would have put into the hold-out,
 * and how many lie there. */
#ifndef LK_STATS_DEFICIT_H
#define LK_STATS_DEFICIT_H

#include <stdint.h>

#include "base/error.h"
#include "stats/proportion.h"

struct lk_deficit {
    uint64_t n, in_holdout;        /* entries of the list, and those whose real person is in the hold-out */
    double lambda;                 /* share that chance puts there: |H| / (|T| + |H|) */
    double h;                      /* in_holdout / n; NaN for an empty list */
    struct lk_interval h_interval; /* Clopper-Pearson */
    double pi, pi_low, pi_high;    /* 1 - h / lambda: share of entries that are there because of training */
    double p_value; /* P(at most so many in the hold-out | lambda), entries taken as independent */
};

/* 0 < lambda < 1, in_holdout <= n, 0 < confidence < 1; else LK_EINVAL. */
lk_status lk_deficit(uint64_t n, uint64_t in_holdout, double lambda, double confidence,
                     struct lk_deficit *out, lk_error *err);

#endif
