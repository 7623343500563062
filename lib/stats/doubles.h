/* SPDX-License-Identifier: Apache-2.0 */
/* doubles.h - one person under two names: from which score on two names cannot be two persons by chance.
 *
 * Each person has the best score of any of its images with any image of another name. Most of these are
 * chance, so their distribution gives the scale; the few that are one person under two names lie above it. A
 * generalised Pareto tail is fitted to the higher half and to the highest fifth, the scores above the 97th
 * percentile being known only to be so high (censored), so that up to 3 % of doubles do not move it. Of the two
 * fits that which calls more names doubles is taken: the half tells more, the fifth is not misled by a part of
 * the persons who are more alike than the others. */
#ifndef LK_STATS_DOUBLES_H
#define LK_STATS_DOUBLES_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Expected number of persons at or above a score in a set like the one fitted:
 * n_above * (1 + xi (score - u) / sigma)^(-1/xi). */
struct lk_doubles_fit {
    double u, sigma,
        xi; /* xi = 0: exponential tail, taken when fewer than LK_DOUBLES_MIN scores are above u */
    uint64_t n, n_above, n_censored;
};

#define LK_DOUBLES_MIN 50

/* best: n > 1 scores, finite. LK_EINVAL else. When they do not vary sigma is 0. */
lk_status lk_doubles_fit(const float *best, size_t n, struct lk_doubles_fit *out, lk_error *err);

/* The score that `expected` of n_persons reach by chance; the best of another set has n_persons / fit->n
 * times as many chances. 2 (which nothing reaches) when sigma is 0. */
double lk_doubles_score(const struct lk_doubles_fit *fit, double n_persons, double expected);
/* The other way round: how many reach the score by chance. */
double lk_doubles_expected(const struct lk_doubles_fit *fit, double n_persons, double score);

#endif
