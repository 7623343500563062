/* SPDX-License-Identifier: Apache-2.0 */
/* reach.c - the person side: AUC, true positive rates at low false positive rates, conformal p-values. */
#include "stats/reach.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/pool.h"
#include "stats/conformal.h"
#include "stats/resample.h"

enum { STREAM = 21 };
static const double asked_fpr[2] = {0.01, 0.001};

/* Both sides, falling. */
struct sides {
    float *train, *holdout;
    size_t n_train, n_holdout;
};

static int falling(const void *a, const void *b)
{
    return lk_float_order(b, a);
}

static lk_status check(const float *x, size_t n, const char *what, lk_error *err)
{
    LK_NEED(n > 0, err, LK_EINVAL, "person side: no persons in the %s", what);
    for (size_t i = 0; i < n; i++)
        LK_NEED(!isnan(x[i]), err, LK_EINVAL, "person side: score of person %zu of the %s is not a number", i,
                what);
    return LK_OK;
}

static lk_status sort_sides(struct sides *s, const float *train, size_t n_train, const float *holdout,
                            size_t n_holdout, lk_error *err)
{
    LK_TRY(check(train, n_train, "training set", err));
    LK_TRY(check(holdout, n_holdout, "hold-out", err));
    *s = (struct sides){lk_calloc(n_train, sizeof *train, err), lk_calloc(n_holdout, sizeof *holdout, err),
                        n_train, n_holdout};
    if (s->train == NULL || s->holdout == NULL) {
        free(s->train);
        free(s->holdout);
        return LK_ENOMEM;
    }
    memcpy(s->train, train, n_train * sizeof *train);
    memcpy(s->holdout, holdout, n_holdout * sizeof *holdout);
    qsort(s->train, n_train, sizeof *train, falling);
    qsort(s->holdout, n_holdout, sizeof *holdout, falling);
    return LK_OK;
}

static void free_sides(struct sides *s)
{
    free(s->train);
    free(s->holdout);
}

/* ---- AUC -------------------------------------------------------------------------------------------- */

/* Sum and sum of squares, over the values of `own`, of the share of `other` that is below (ties half), both
 * falling. */
static void placements(const float *own, size_t n_own, const float *other, size_t n_other, double *sum,
                       double *squares)
{
    size_t above = 0, upto = 0; /* of other: greater than, at least the present value */
    *sum = *squares = 0;
    for (size_t i = 0; i < n_own; i++) {
        while (above < n_other && other[above] > own[i])
            above++;
        upto = upto > above ? upto : above;
        while (upto < n_other && other[upto] >= own[i])
            upto++;
        double below = ((double)(n_other - upto) + 0.5 * (double)(upto - above)) / (double)n_other;
        *sum += below;
        *squares += below * below;
    }
}

static double sample_variance(double sum, double squares, size_t n)
{
    return n > 1 ? fmax(0, (squares - sum * sum / (double)n) / ((double)n - 1)) : 0;
}

static void measure_auc(const struct sides *s, struct lk_reach *r)
{
    double sum_t, squares_t, sum_h, squares_h;
    placements(s->train, s->n_train, s->holdout, s->n_holdout, &sum_t, &squares_t);
    placements(s->holdout, s->n_holdout, s->train, s->n_train, &sum_h, &squares_h);
    double auc = sum_t / (double)s->n_train;
    double variance = sample_variance(sum_t, squares_t, s->n_train) / (double)s->n_train +
                      sample_variance(sum_h, squares_h, s->n_holdout) / (double)s->n_holdout;
    r->auc = auc;
    if (variance > 0 && auc > 0 && auc < 1) {
        double middle = log(auc / (1 - auc));
        double half = lk_normal_quantile(0.95) * sqrt(variance) / (auc * (1 - auc));
        r->auc_low = 1 / (1 + exp(half - middle));
        r->auc_high = 1 / (1 + exp(-half - middle));
        return;
    }
    /* All in order, or too few to vary: what as many pairs as the smaller side has persons would say. */
    uint64_t fewer = s->n_train < s->n_holdout ? s->n_train : s->n_holdout;
    struct lk_interval i = lk_clopper_pearson((uint64_t)llround(auc * (double)fewer), fewer, 0.95);
    r->auc_low = i.low;
    r->auc_high = i.high;
}

/* ---- true positive rates ---------------------------------------------------------------------------- */

/* How many of n may be above the score at a rate, whatever rounding does. */
static size_t allowed(size_t n, double rate)
{
    return (size_t)((double)n * rate * (1 + 1e-12));
}

/* Of n falling scores, how many are above `score`. */
static size_t count_above(const float *falling_scores, size_t n, float score)
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (falling_scores[middle] > score)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct job {
    const struct sides *sides;
    double fpr;
    uint64_t seed, purpose;
    uint32_t *draws; /* n_holdout for each worker */
    double *tpr;     /* of each replicate */
};

/* Draws the hold-out, goes down it until too many are above, and draws as many training persons as there
 * are: only whether each is above matters. */
static lk_status replicate(void *arg, size_t index, int worker, lk_error *err)
{
    (void)err;
    struct job *j = arg;
    const struct sides *s = j->sides;
    uint32_t *draws = j->draws + (size_t)worker * s->n_holdout;
    struct lk_rng rng = lk_rng_stream(j->seed, j->purpose, index);
    memset(draws, 0, s->n_holdout * sizeof *draws);
    for (size_t i = 0; i < s->n_holdout; i++)
        draws[lk_rng_below(&rng, s->n_holdout)]++;
    size_t room = allowed(s->n_holdout, j->fpr), at = 0, seen = 0;
    while (at < s->n_holdout && seen + draws[at] <= room)
        seen += draws[at++];
    size_t above = at < s->n_holdout ? count_above(s->train, s->n_train, s->holdout[at]) : s->n_train;
    size_t hits = 0;
    for (size_t i = 0; i < s->n_train; i++)
        hits += lk_rng_below(&rng, s->n_train) < above;
    j->tpr[index] = (double)hits / (double)s->n_train;
    return LK_OK;
}

static lk_status measure_rate(lk_ctx *ctx, struct job *job, struct lk_reach_rate *r, lk_error *err)
{
    const struct sides *s = job->sides;
    size_t room = allowed(s->n_holdout, r->fpr);
    float score = room < s->n_holdout ? s->holdout[room] : -INFINITY;
    r->score = score;
    r->fpr_seen = (double)count_above(s->holdout, s->n_holdout, score) / (double)s->n_holdout;
    r->tpr = (double)count_above(s->train, s->n_train, score) / (double)s->n_train;
    r->supported = (double)s->n_holdout * r->fpr >= 10;
    job->fpr = r->fpr;
    LK_TRY(lk_pool_for(ctx, LK_REACH_REPLICATES, replicate, job, err));
    qsort(job->tpr, LK_REACH_REPLICATES, sizeof *job->tpr, lk_double_order);
    r->tpr_low = lk_sorted_quantile(job->tpr, LK_REACH_REPLICATES, 0.025);
    r->tpr_high = lk_sorted_quantile(job->tpr, LK_REACH_REPLICATES, 0.975);
    return LK_OK;
}

static lk_status measure_rates(lk_ctx *ctx, const struct sides *s, struct lk_reach *r, lk_error *err)
{
    struct job job = {.sides = s, .seed = r->seed};
    size_t cells;
    LK_NEED(!lk_mul_overflows(s->n_holdout, (size_t)lk_ctx_threads(ctx), &cells), err, LK_ENOMEM,
            "person side: so many persons do not fit into memory");
    job.draws = lk_calloc(cells, sizeof *job.draws, err);
    job.tpr = lk_calloc(LK_REACH_REPLICATES, sizeof *job.tpr, err);
    lk_status status = job.draws != NULL && job.tpr != NULL ? LK_OK : LK_ENOMEM;
    for (int i = 0; status == LK_OK && i < 2; i++) {
        r->rates[i].fpr = asked_fpr[i];
        job.purpose = STREAM + (uint64_t)i;
        status = measure_rate(ctx, &job, &r->rates[i], err);
    }
    free(job.draws);
    free(job.tpr);
    return status;
}

lk_status lk_reach(lk_ctx *ctx, const float *train, size_t n_train, const float *holdout, size_t n_holdout,
                   double q, uint64_t seed, double *p, double *adjusted, struct lk_reach *out, lk_error *err)
{
    struct lk_reach r = {.n_train = n_train, .n_holdout = n_holdout, .q = q, .seed = seed};
    struct sides s;
    LK_TRY(sort_sides(&s, train, n_train, holdout, n_holdout, err));
    measure_auc(&s, &r);
    lk_status status = measure_rates(ctx, &s, &r, err);
    free_sides(&s);
    LK_TRY(status);
    LK_TRY(lk_conformal(train, n_train, holdout, n_holdout, p, err));
    LK_TRY(lk_benjamini_hochberg(p, n_train, q, adjusted, &r.found, err));
    r.resolution = (uint64_t)ceil((double)n_train / (q * ((double)n_holdout + 1)) * (1 - 1e-12));
    *out = r;
    return LK_OK;
}

/* ---- ROC -------------------------------------------------------------------------------------------- */

lk_status lk_reach_roc(const float *train, size_t n_train, const float *holdout, size_t n_holdout,
                       struct lk_reach_point *out, size_t room, size_t *n, lk_error *err)
{
    struct sides s;
    LK_TRY(sort_sides(&s, train, n_train, holdout, n_holdout, err));
    size_t last = SIZE_MAX;
    *n = 0;
    for (size_t i = 0; i < room;
         i++) { /* i hold-out persons above, from none to all, evenly in the logarithm */
        double share = room > 1 ? (double)i / (double)(room - 1) : 1;
        size_t above = i == 0 ? 0 : (size_t)llround(pow((double)n_holdout, share));
        if (above == last)
            continue;
        last = above;
        float score = above < n_holdout ? s.holdout[above] : -INFINITY;
        out[(*n)++] =
            (struct lk_reach_point){(double)count_above(s.holdout, n_holdout, score) / (double)n_holdout,
                                    (double)count_above(s.train, n_train, score) / (double)n_train, score};
    }
    free_sides(&s);
    return LK_OK;
}
