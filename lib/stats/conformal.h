/* SPDX-License-Identifier: Apache-2.0 */
/* conformal.h - p-values against controls, and Benjamini-Hochberg on them. */
#ifndef LK_STATS_CONFORMAL_H
#define LK_STATS_CONFORMAL_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* p[i] = (1 + #{controls >= x[i]}) / (n_controls + 1): uniform or larger when x[i] and the controls are
 * exchangeable (Vovk, Gammerman & Shafer 2005; Bates et al. 2023 for several tested on the same controls).
 * n, n_controls > 0, no NaN; else LK_EINVAL. */
lk_status lk_conformal(const float *x, size_t n, const float *controls, size_t n_controls, double *p,
                       lk_error *err);

/* Adjusted p-values of Benjamini & Hochberg (1995): adjusted[i] = min over p[j] >= p[i] of n p[j] / #{p <=
 * p[j]}, at most 1; i is found at rate q when adjusted[i] <= q. Gives the number found in *found (may be
 * NULL). p within (0, 1]. */
lk_status lk_benjamini_hochberg(const double *p, size_t n, double q, double *adjusted, uint64_t *found,
                                lk_error *err);

#endif
