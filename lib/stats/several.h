/* SPDX-License-Identifier: Apache-2.0 */
/* several.h - several matchers over the same units: how far they agree, and units that at least r of them
 * find. */
#ifndef LK_STATS_SEVERAL_H
#define LK_STATS_SEVERAL_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* p-value of "fewer than r of the n matchers have something to find here": (n - r + 1) times the r-th
 * smallest of their p-values, at most 1 (Benjamini & Heller 2008, with Bonferroni's rule). Holds however the
 * matchers depend on each other. 1 <= r <= n, p within 0 .. 1; else LK_EINVAL. */
lk_status lk_partial_conjunction(const double *p, size_t n, size_t r, double *out, lk_error *err);

/* Of each unit the p-value of "it has nothing to do with T", for joining matchers: with L units that prefer a
 * hold-out, (1 + #{of these, margin at least as large}) / ((K + 1) (L + 1)) where T is preferred (margin > 0,
 * as lk_compete_many gives it), 1 elsewhere. Uniform or larger when the margins of units that nothing leaked
 * into are exchangeable: T wins one of K + 1 times, and the margin then ranks like those of the hold-outs'
 * wins. n_holdouts = K >= 1, no NaN; else LK_EINVAL. */
lk_status lk_margin_p(const double *margin, size_t n, uint64_t n_holdouts, double *p, lk_error *err);

/* Two matchers over the same units. */
struct lk_agreement {
    uint64_t n, first, second, both; /* units; found by the first, by the second, by both */
    double jaccard;                  /* both / found by any; NaN where none is */
    double kappa; /* Cohen's (1960): agreement beyond chance; NaN where one matcher finds all or none and the
                     other too */
};

/* first and second: n entries each, not 0 = found. */
void lk_agreement(const uint8_t *first, const uint8_t *second, size_t n, struct lk_agreement *out);

#endif
