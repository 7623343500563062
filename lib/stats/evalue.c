/* SPDX-License-Identifier: Apache-2.0 */
/* evalue.c - the E-value of a pair, from the upper tail of its probe's scores against the hold-out.
 *
 * A tail fitted to one probe's few highest scores promises far too much: strangers reached E <= 0.01 thirty
 * times too often on real faces. So all probes share one shape, and the probability is a prediction that
 * takes the error of the estimated scale in. */
#include "stats/evalue.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* Excesses of one list over its last score, rising; false when they are all 0 and so have no scale. Returns
 * an error for lists that are no falling numbers. */
static lk_status excesses(const float *top, size_t k, double *out, int *any, lk_error *err)
{
    for (size_t i = 0; i < k; i++) {
        LK_NEED(isfinite(top[i]) && isfinite(top[i + 1]) && top[i] >= top[i + 1], err, LK_EINVAL,
                "tail: scores %zu and %zu are %g and %g, expected falling numbers", i, i + 1, (double)top[i],
                (double)top[i + 1]);
        out[k - 1 - i] = (double)top[i] - (double)top[k];
    }
    *any = out[k - 1] > 0;
    return LK_OK;
}

static double mean_of(const double *x, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += x[i];
    return sum / (double)n;
}

lk_status lk_tail_shape(const float *top, size_t n_probes, size_t k, struct lk_tail_shape *out, lk_error *err)
{
    LK_NEED(k >= 2, err, LK_EINVAL, "tail: found %zu scores above the threshold, expected at least 2", k);
    struct lk_tail_shape r = {.moments = NAN, .likelihood = NAN};
    double *all = lk_calloc(n_probes, k * sizeof *all, err), ratios = 0;
    if (all == NULL)
        return LK_ENOMEM;
    lk_status status = LK_OK;
    for (size_t p = 0; p < n_probes && status == LK_OK; p++) {
        double *x = all + r.n_excesses;
        int any;
        status = excesses(top + p * (k + 1), k, x, &any, err);
        if (status != LK_OK || !any)
            continue;
        ratios += lk_gpd_moment_ratio(x, k);
        double mean = mean_of(x, k);
        for (size_t i = 0; i < k; i++)
            x[i] /= mean; /* scales differ between probes */
        r.n_probes++;
        r.n_excesses += k;
    }
    if (status == LK_OK && r.n_excesses >= LK_TAIL_MIN_EXCESSES) {
        struct lk_gpd g;
        r.moments = lk_gpd_shape_of_ratio(ratios / (double)r.n_probes);
        r.shape = fmax(-0.49, fmin(r.moments, 0.49));
        status = lk_gpd_fit_likelihood(all, r.n_excesses, &g, err);
        if (status == LK_OK)
            r.likelihood = g.shape;
        else if (status == LK_EINVAL) /* too many ties; it is shown beside the other only */
            status = LK_OK;
    }
    free(all);
    if (status == LK_OK)
        *out = r;
    return status;
}

lk_status lk_tail_fit(const float *top, size_t k, uint64_t n, double shape, struct lk_tail *out,
                      lk_error *err)
{
    LK_NEED(k >= 2 && n > k, err, LK_EINVAL,
            "tail: found %zu scores above the threshold of %llu, expected at least 2 and fewer than all", k,
            (unsigned long long)n);
    LK_NEED(shape > -0.5 && shape < 1, err, LK_EINVAL, "tail: shape is %g, expected between -0.5 and 1",
            shape);
    double *x = lk_calloc(k, sizeof *x, err);
    if (x == NULL)
        return LK_ENOMEM;
    int any;
    lk_status status = excesses(top, k, x, &any, err);
    if (status == LK_OK) /* the mean of the distribution is scale / (1 - shape) */
        *out = (struct lk_tail){(double)top[k], {shape, mean_of(x, k) * (1 - shape)}, k, n};
    free(x);
    return status;
}

double lk_tail_probability(const struct lk_tail *tail, double score)
{
    /* The chance of a further score above the (k + 1)-th highest of n, whatever the distribution. */
    double above = ((double)tail->k + 1) / ((double)tail->n + 1);
    if (!(score > tail->threshold))
        return above;
    if (!(tail->gpd.scale > 0))
        return 1 / ((double)tail->n + 1); /* above all scores, which were equal: only their number speaks */
    return above * lk_gpd_predict(tail->gpd, (double)tail->k, score - tail->threshold);
}

lk_status lk_tail_levels(const float *top, size_t n_probes, size_t k, struct lk_tail_levels *out,
                         lk_error *err)
{
    struct lk_tail_levels r = {.n = 0};
    float *part = lk_calloc(n_probes, (k + 1) * sizeof *part, err);
    if (part == NULL)
        return LK_ENOMEM;
    lk_status status = LK_OK;
    for (size_t level = k; status == LK_OK && r.n < LK_TAIL_LEVELS && (r.n == 0 || level >= 5); level /= 2) {
        for (size_t p = 0; p < n_probes; p++)
            memcpy(part + p * (level + 1), top + p * (k + 1), (level + 1) * sizeof *part);
        r.k[r.n] = level;
        status = lk_tail_shape(part, n_probes, level, &r.shape[r.n], err);
        r.n++;
    }
    free(part);
    if (status == LK_OK)
        *out = r;
    return status;
}

lk_status lk_evalue(const struct lk_tail_levels *levels, const float *top, uint64_t n_holdout,
                    uint64_t n_references, uint64_t n_probes, double score, struct lk_evalue *out,
                    lk_error *err)
{
    LK_NEED(!isnan(score), err, LK_EINVAL, "tail: the score of the pair is not a number");
    struct lk_evalue r = {.low = INFINITY};
    for (size_t i = 0; i < levels->n; i++) {
        struct lk_tail tail = {0};
        LK_TRY(lk_tail_fit(top, levels->k[i], n_holdout, levels->shape[i].shape, &tail, err));
        double p = lk_tail_probability(&tail, score), e = p * (double)n_references;
        if (i == 0) {
            r.e = e;
            r.extrapolated = p < 1 / (10 * (double)n_holdout);
        }
        r.low = fmin(r.low, e);
        r.high = fmax(r.high, e);
    }
    r.flagged = r.e <= 0.01;
    r.audit = r.e * (double)n_probes;
    *out = r;
    return LK_OK;
}
