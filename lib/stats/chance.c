/* SPDX-License-Identifier: Apache-2.0 */
/* chance.c - how many matches above a threshold chance alone gives: by the false match rate, and by the
 * hold-out. */
#include "stats/chance.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

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

/* ---- curves ----------------------------------------------------------------------------------------- */

/* What units add up to, and how much their mean varies. */
struct spread {
    double mean, squares; /* of the values; sum of their squares */
    double variance; /* of the mean, values of a group varying together */
    double design; /* variance over that of independent values; at least 1 */
};

static struct spread measure(const double *x, size_t n, const uint32_t *group, double *sums)
{
    struct spread s = {.design = 1};
    for (size_t i = 0; i < n; i++)
        s.mean += x[i];
    s.mean /= (double)n; /* after adding up, so that all ones make one */
    double single = 0, grouped = 0;
    memset(sums, 0, n * sizeof *sums);
    for (size_t i = 0; i < n; i++) {
        double off = x[i] - s.mean;
        s.squares += x[i] * x[i];
        single += off * off;
        sums[group != NULL ? group[i] : i] += off;
    }
    for (size_t g = 0; g < n; g++)
        grouped += sums[g] * sums[g];
    if (single > 0 && grouped > single)
        s.design = grouped / single;
    s.variance = single * s.design / ((double)n * (double)n);
    return s;
}

/* Wilson's interval with as many independent units as would vary like that. */
static struct lk_interval share_interval(const struct spread *s, size_t n)
{
    double units = s->variance > 0 ? s->mean * (1 - s->mean) / s->variance : (double)n;
    return lk_wilson_share(s->mean, units, 0.95);
}

/* Agresti and Min's half a unit in each of the four outcomes, written for values between -1 and 1. */
static struct lk_interval excess_interval(const struct spread *s, size_t n)
{
    double sum = s->mean * (double)n, total = (double)n + 2;
    double half = lk_normal_quantile(0.95) * sqrt((s->squares + 1 - sum * sum / total) * s->design) / total;
    return (struct lk_interval){fmax(sum / total - half, -1), fmin(sum / total + half, 1)};
}

struct columns {
    double *train, *holdout, *excess, *sums;
};

static void fill(const struct columns *c, const float *scores, size_t n, size_t n_holdouts, float score)
{
    for (size_t i = 0; i < n; i++) {
        const float *unit = scores + i * (n_holdouts + 1);
        uint64_t reach = 0;
        for (size_t k = 1; k <= n_holdouts; k++)
            reach += unit[k] >= score;
        c->train[i] = unit[0] >= score;
        c->holdout[i] = n_holdouts > 0 ? (double)reach / (double)n_holdouts : NAN;
        c->excess[i] = c->train[i] - c->holdout[i];
    }
}

static struct lk_curve_point curve_point(const struct columns *c, size_t n, size_t n_holdouts,
                                         const struct lk_curve_groups *groups, float score)
{
    static const struct lk_interval unknown = {NAN, NAN};
    struct spread train = measure(c->train, n, groups != NULL ? groups->train : NULL, c->sums);
    struct lk_curve_point p = {score,   train.mean, NAN, NAN, share_interval(&train, n),
                               unknown, unknown};
    if (n_holdouts > 0) {
        struct spread holdout = measure(c->holdout, n, groups != NULL ? groups->holdout : NULL, c->sums);
        struct spread excess = measure(c->excess, n, groups != NULL ? groups->all : NULL, c->sums);
        p.holdout = holdout.mean;
        p.excess = excess.mean;
        p.holdout_interval = share_interval(&holdout, n);
        p.excess_interval = excess_interval(&excess, n);
    }
    return p;
}

lk_status lk_chance_curves(const float *scores, size_t n, size_t n_holdouts,
                           const struct lk_curve_groups *groups, const float *at, size_t n_points,
                           struct lk_curve_point *out, lk_error *err)
{
    LK_NEED(n > 0, err, LK_EINVAL, "chance curves: no units, expected at least one");
    double *memory = lk_calloc(n, 4 * sizeof *memory, err);
    if (memory == NULL)
        return LK_ENOMEM;
    struct columns c = {memory, memory + n, memory + 2 * n, memory + 3 * n};
    for (size_t i = 0; i < n_points; i++) {
        fill(&c, scores, n, n_holdouts, at[i]);
        out[i] = curve_point(&c, n, n_holdouts, groups, at[i]);
    }
    free(memory);
    return LK_OK;
}
