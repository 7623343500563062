/* SPDX-License-Identifier: Apache-2.0 */
/* resample.h - what bootstraps and permutations share: streams of random numbers, and quantiles. */
#ifndef LK_STATS_RESAMPLE_H
#define LK_STATS_RESAMPLE_H

#include <stddef.h>
#include <stdlib.h>

#include "base/rng.h"

/* An own stream for each purpose and replicate under one printed seed. */
static inline struct lk_rng lk_rng_stream(uint64_t seed, uint64_t purpose, uint64_t replicate)
{
    struct lk_rng first = lk_rng_seed(seed ^ purpose * 0x9e3779b97f4a7c15u);
    struct lk_rng second = lk_rng_seed(lk_rng_next(&first) ^ replicate * 0xd1342543de82ef95u);
    return lk_rng_seed(lk_rng_next(&second));
}

/* For qsort: rising. No NaN. */
static inline int lk_double_order(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static inline int lk_float_order(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* Quantile of n > 0 rising values, linear between neighbours (type 7 of Hyndman & Fan 1996). */
static inline double lk_sorted_quantile(const double *values, size_t n, double share)
{
    double at = share * (double)(n - 1);
    size_t i = (size_t)at;
    return i + 1 < n ? values[i] + (at - (double)i) * (values[i + 1] - values[i]) : values[n - 1];
}

#endif
