/* SPDX-License-Identifier: Apache-2.0 */
/* susceptible.h - do matchers differ in what they see? Distributions of scores in few numbers, how far two of
 * them are apart, and whether matchers find different shares of the same units. */
#ifndef LK_STATS_SUSCEPTIBLE_H
#define LK_STATS_SUSCEPTIBLE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum { LK_N_QUANTILES = 5 };
extern const double lk_quantile_shares[LK_N_QUANTILES]; /* 0.05, 0.25, 0.5, 0.75, 0.95 */

struct lk_described {
    size_t n;
    double mean, sd;                 /* divisor n - 1; NaN below two values */
    double quantile[LK_N_QUANTILES]; /* between two values in proportion (type 7 of Hyndman & Fan 1996) */
};

/* Sorts the values, which are finite. n = 0 gives NaN everywhere. */
void lk_describe(float *values, size_t n, struct lk_described *out);

/* Distance of two means in units of their joint spread: (m1 - m2) / sqrt((s1^2 + s2^2) / 2), the d' of signal
 * detection (Green & Swets 1966). NaN where a spread is not known or both are 0. */
double lk_d_prime(const struct lk_described *first, const struct lk_described *second);

/* The largest difference of the two empirical distribution functions (Kolmogorov & Smirnov). Both sorted. NaN
 * when one is empty. */
double lk_ks_distance(const float *first, size_t n, const float *second, size_t m);

struct lk_cochran {
    double q;
    size_t df;
    double p; /* upper tail of chi-squared with df degrees of freedom; 1 where no unit tells them apart */
};

/* Cochran's Q (1950): do k matchers find the same share of units? found[j * n + u]: matcher j finds unit u.
 * With two matchers it is McNemar's test. 2 <= k <= LK_MAX_MATCHERS; else LK_EINVAL. */
lk_status lk_cochran_q(const uint8_t *found, size_t k, size_t n, struct lk_cochran *out, lk_error *err);

#endif
