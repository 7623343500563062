/* SPDX-License-Identifier: Apache-2.0 */
/* chance.c - how many matches above a threshold chance alone gives: by the false match rate, and by the
 * hold-out. */
#include "stats/chance.h"

#include <math.h>

double lk_chance_expected(uint64_t n, double fmr)
{
    return (double)n * fmr;
}

double lk_chance_any(uint64_t n, double fmr)
{
    if (n == 0)
        return 0;
    return -expm1((double)n * log1p(-fmr)); /* 1 - fmr itself would lose the digits of a small rate */
}

static struct lk_curve_point curve_point(const float *t, const float *h, size_t n, float score)
{
    static const struct lk_interval unknown = {NAN, NAN};
    uint64_t in_train = 0, in_holdout = 0, plus = 0, minus = 0;
    for (size_t i = 0; i < n; i++) {
        in_train += t[i] >= score;
        if (h == NULL)
            continue;
        in_holdout += h[i] >= score;
        plus += t[i] >= score && h[i] < score;
        minus += t[i] < score && h[i] >= score;
    }
    struct lk_curve_point p = {.score = score,
                               .train = (double)in_train / (double)n,
                               .holdout = NAN,
                               .excess = NAN,
                               .train_interval = lk_wilson(in_train, n, 0.95),
                               .holdout_interval = unknown,
                               .excess_interval = unknown};
    if (h != NULL) {
        p.holdout = (double)in_holdout / (double)n;
        p.excess = ((double)plus - (double)minus) / (double)n;
        p.holdout_interval = lk_wilson(in_holdout, n, 0.95);
        p.excess_interval = lk_paired_difference(plus, minus, n, 0.95);
    }
    return p;
}

void lk_chance_curves(const float *t, const float *h, size_t n, const float *scores, size_t n_points,
                      struct lk_curve_point *out)
{
    for (size_t i = 0; i < n_points; i++)
        out[i] = curve_point(t, h, n, scores[i]);
}
