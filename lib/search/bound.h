/* SPDX-License-Identifier: Apache-2.0 */
/* bound.h - which sum of code products a score needs, as the scan compares it (docs/search.md has the proof).
 */
#ifndef LK_SEARCH_BOUND_H
#define LK_SEARCH_BOUND_H

#include "search/codes.h"

/* More than any rounding of a score of two rows of at most these lengths. */
static inline double lk_bound_slack(double longest_probe, double longest_reference)
{
    return 0x1p-20 * longest_probe * longest_reference;
}

/* slack: as above. The factor covers the float arithmetic here: seven roundings of terms that are all
 * positive. */
static inline struct lk_bound lk_bound_of(const struct lk_codes *x, uint64_t x_panel,
                                          const struct lk_codes *y, uint64_t y_panel, float reach,
                                          double slack)
{
    uint64_t p = x_panel / x->share, q = y_panel / y->share;
    float scale = x->scale[p] * y->scale[q];
    float ex = x->error[p], ey = y->error[q];
    float allowance = (ex + ey) * reach + ex * ey + x->rest[p] * y->rest[q];
    return (struct lk_bound){allowance * (1 + 0x1p-18f) + (float)slack, scale > 0 ? 1.0f / scale : 0};
}

/* The least sum that a score of at least `score` needs, rounded down, and 4 lower than that: sums stay below
 * 2^24 in all but very long rows, where the factor above and the slack have room for the rest. */
static inline int32_t lk_bound_needed(struct lk_bound bound, float score)
{
    float units = (score - bound.allowance) * bound.per_unit - 4.0f;
    units = units > -2e9f ? units : -2e9f;
    units = units < 2e9f ? units : 2e9f;
    return (int32_t)units;
}

/* What a score may differ by from the dot_float of two rows, or of their projections (`fine`), and the
 * product of what the projections leave out. A projection is at most sqrt(1 + skew) times as long as its row,
 * and skew is below 0.5 or fine_error without limit. */
static inline double lk_bound_fine_slack(const struct lk_codes *x, const struct lk_codes *y, size_t dim,
                                         double longest_probe, double longest_reference)
{
    /* The score is rounded to float, and so are the bounds. */
    double slack = 2 * lk_bound_slack(longest_probe, longest_reference);
    if (y->fine == NULL)
        return slack + LK_DOT_FLOAT_ERROR(dim) * longest_probe * longest_reference;
    double lx = 1.25 * longest_probe, ly = 1.25 * longest_reference, ex = (double)x->fine_error,
           ey = (double)y->fine_error;
    return slack + LK_DOT_FLOAT_ERROR(x->depth) * lx * ly + ex * ly + ey * lx + ex * ey;
}

/* The least and the most that a pair can score whose rows' dot_float is `inside`; rest: the product of what
 * the projections leave out. The last term is for scores so small that floats lie far apart. */
struct lk_bounds {
    float least, most;
};
static inline struct lk_bounds lk_bounds_fine(float inside, double rest, double fine_slack)
{
    double width = rest + fine_slack + 0x1p-147;
    return (struct lk_bounds){(float)((double)inside - width), (float)((double)inside + width)};
}

#endif
