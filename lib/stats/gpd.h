/* SPDX-License-Identifier: Apache-2.0 */
/* gpd.h - the generalised Pareto distribution: its tail, and two ways to fit it to excesses over a threshold.
 *
 * P(X > x) = (1 + shape x / scale)^(-1 / shape) for x >= 0, exp(-x / scale) at shape 0. A negative shape has
 * an end point at -scale / shape. docs/methods.md explains why the upper tail of scores has this form. */
#ifndef LK_STATS_GPD_H
#define LK_STATS_GPD_H

#include <stddef.h>

#include "base/error.h"

struct lk_gpd {
    double shape, scale;
};

/* P(X > x); 1 for x <= 0. */
double lk_gpd_tail(struct lk_gpd g, double x);

/* P(X > x) of a further excess when the shape is known and the scale was estimated as `scale` from k
 * excesses: the mean of lk_gpd_tail over what the true scale may be. scale/true scale is taken as Gamma
 * distributed with mean 1 and shape k / (1 + 2 shape), which is exact at shape 0 and has the right variance
 * elsewhere. Larger than lk_gpd_tail far out, where a scale that was estimated too low would promise too
 * much. -0.5 < shape <= 1, k > 0. */
double lk_gpd_predict(struct lk_gpd g, double k, double x);

/* Probability-weighted moments (Hosking & Wallis 1987), for shapes below 1/2. At least 2 excesses, all >= 0,
 * not all equal and of positive mean; else LK_EINVAL. */
lk_status lk_gpd_fit_moments(const double *excess, size_t n, struct lk_gpd *out, lk_error *err);

/* Maximum likelihood by the profile of shape / scale (Grimshaw 1993), the shape sought from -0.5 to 1: below
 * -0.5 the method is not regular (Smith 1985). The same conditions, and fewer than half of the excesses 0, as
 * the likelihood has no maximum otherwise. */
lk_status lk_gpd_fit_likelihood(const double *excess, size_t n, struct lk_gpd *out, lk_error *err);

/* The ratio a1 / a0 of the two moments behind lk_gpd_fit_moments, a0 the mean and a1 the mean weighted with
 * the share of larger values; and the shape that belongs to such a ratio. Ratios of samples with one shape
 * and different scales may be averaged. `sorted` rises, n >= 2, its mean is positive. */
double lk_gpd_moment_ratio(const double *sorted, size_t n);
double lk_gpd_shape_of_ratio(double ratio);

#endif
