/* SPDX-License-Identifier: Apache-2.0 */
/* proportion.h - intervals and tail probabilities of a binomial share. */
#ifndef LK_STATS_PROPORTION_H
#define LK_STATS_PROPORTION_H

#include <stdint.h>

struct lk_interval {
    double low, high;
};

/* Regularised incomplete beta function I_x(a, b), a and b > 0; y = 1 - x is given beside x so that neither
 * loses digits. */
double lk_beta_cdf(double a, double b, double x, double y);

/* P(X >= k) for X binomial with n trials of probability p. */
double lk_binomial_tail(uint64_t k, uint64_t n, double p);

/* Intervals for k of n at a confidence such as 0.95. n == 0 gives 0 .. 1. */
struct lk_interval lk_clopper_pearson(uint64_t k, uint64_t n, double confidence);
struct lk_interval lk_wilson(uint64_t k, uint64_t n, double confidence);
/* Wilson's for a share that is known as precisely as that of n independent units, n > 0 not being whole. */
struct lk_interval lk_wilson_share(double share, double n, double confidence);
/* z with P(-z <= Z <= z) = confidence for a standard normal Z. */
double lk_normal_quantile(double confidence);

#endif
