/* SPDX-License-Identifier: Apache-2.0 */
/* power.c - plants leaks into the scores of a run and counts how often the competition finds them. */
#include "stats/power.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/pool.h"
#include "base/rng.h"
#include "stats/decoys.h"

double lk_none_seen_limit(uint64_t n, double confidence)
{
    return n == 0 ? 1 : -expm1(log1p(-confidence) / (double)n);
}

/* ---- planted sets -------------------------------------------------------------------------------------- */

struct outcome {
    double detected, found, false_share;
};

struct planting {
    const struct lk_power_run *run;
    uint64_t planted;
    float **scores;           /* scratch of each worker */
    double **margin;          /* the same */
    struct outcome *outcomes; /* of each set */
};

/* Fisher and Yates: every order of the galleries is equally likely. */
static void exchange(float *scores, size_t n, struct lk_rng *rng)
{
    for (size_t i = n - 1; i > 0; i--) {
        size_t j = lk_rng_below(rng, i + 1);
        float other = scores[j];
        scores[j] = scores[i];
        scores[i] = other;
    }
}

static lk_status one_set(void *arg, size_t index, int worker, lk_error *err)
{
    struct planting *p = arg;
    const struct lk_power_run *run = p->run;
    size_t galleries = run->n_holdouts + 1;
    float *scores = p->scores[worker];
    double *margin = p->margin[worker];
    struct lk_rng spread = lk_rng_seed(run->seed + index), rng = lk_rng_seed(lk_rng_next(&spread));
    for (size_t i = 0; i < run->n_units; i++) {
        float *mine = scores + i * galleries;
        const float *drawn = run->scores + lk_rng_below(&rng, run->n_units) * galleries;
        for (size_t g = 0; g < galleries; g++)
            mine[g] = drawn[g];
        exchange(mine, galleries, &rng);
        float genuine = run->genuine[lk_rng_below(&rng, run->n_genuine)];
        if (i < p->planted && genuine > mine[0])
            mine[0] = genuine;
    }
    struct lk_competition c;
    LK_TRY(lk_compete_many(scores, run->n_units, run->n_holdouts, run->q, NULL, margin, &c, err));
    uint64_t right = 0, wrong = 0;
    for (size_t i = 0; i < run->n_units && c.discoveries > 0; i++) {
        right += i < p->planted && margin[i] >= c.tau;
        wrong += i >= p->planted && margin[i] >= c.tau;
    }
    p->outcomes[index] =
        (struct outcome){.detected = right > 0,
                         .found = p->planted > 0 ? (double)right / (double)p->planted : 0,
                         .false_share = c.discoveries > 0 ? (double)wrong / (double)c.discoveries : 0};
    return LK_OK;
}

static lk_status check_run(const struct lk_power_run *run, uint64_t planted, lk_error *err)
{
    LK_NEED(run->n_units > 0 && run->n_holdouts > 0, err, LK_EINVAL,
            "power: %zu units and %zu hold-outs, expected at least one of each", run->n_units,
            run->n_holdouts);
    LK_NEED(run->n_genuine > 0, err, LK_EINVAL, "power: no genuine scores, expected at least one");
    LK_NEED(planted <= run->n_units, err, LK_EINVAL, "power: %llu planted units of %zu",
            (unsigned long long)planted, run->n_units);
    for (size_t i = 0; i < run->n_genuine; i++)
        LK_NEED(isfinite(run->genuine[i]), err, LK_EINVAL,
                "power: genuine score %zu is %g, expected a number", i, (double)run->genuine[i]);
    return LK_OK;
}

static uint64_t replicates(const struct lk_power_run *run)
{
    return run->replicates > 0 ? run->replicates : 200;
}

static void summarise(const struct planting *p, struct lk_power_point *out)
{
    uint64_t n = replicates(p->run), detected = 0;
    struct lk_power_point r = {.planted = p->planted, .n = p->run->n_units};
    for (uint64_t i = 0; i < n; i++) {
        detected += p->outcomes[i].detected > 0;
        r.found += p->outcomes[i].found / (double)n;
        r.false_share += p->outcomes[i].false_share / (double)n;
    }
    r.detected = (double)detected / (double)n;
    r.detected_interval = lk_clopper_pearson(detected, n, 0.95);
    *out = r;
}

lk_status lk_power(lk_ctx *ctx, const struct lk_power_run *run, uint64_t planted, struct lk_power_point *out,
                   lk_error *err)
{
    LK_TRY(check_run(run, planted, err));
    size_t workers = (size_t)lk_ctx_threads(ctx);
    struct planting p = {.run = run, .planted = planted};
    lk_status status = LK_ENOMEM;
    p.outcomes = lk_calloc(replicates(run), sizeof *p.outcomes, err);
    p.scores = lk_calloc(workers, sizeof *p.scores, err);
    p.margin = lk_calloc(workers, sizeof *p.margin, err);
    if (p.outcomes == NULL || p.scores == NULL || p.margin == NULL)
        goto done;
    for (size_t w = 0; w < workers; w++) {
        p.scores[w] = lk_calloc(run->n_units, (run->n_holdouts + 1) * sizeof **p.scores, err);
        p.margin[w] = lk_calloc(run->n_units, sizeof **p.margin, err);
        if (p.scores[w] == NULL || p.margin[w] == NULL)
            goto done;
    }
    status = lk_pool_for(ctx, replicates(run), one_set, &p, err);
    if (status == LK_OK)
        summarise(&p, out);
done:
    for (size_t w = 0; w < workers; w++) {
        free(p.scores != NULL ? p.scores[w] : NULL);
        free(p.margin != NULL ? p.margin[w] : NULL);
    }
    free(p.scores);
    free(p.margin);
    free(p.outcomes);
    return status;
}

lk_status lk_power_smallest(lk_ctx *ctx, const struct lk_power_run *run, double power,
                            struct lk_power_point *out, lk_error *err)
{
    LK_NEED(power > 0 && power < 1, err, LK_EINVAL, "power is %g, expected between 0 and 1", power);
    struct lk_power_point enough, here;
    LK_TRY(lk_power(ctx, run, run->n_units, &enough, err));
    if (enough.detected < power) {
        enough.planted = 0;
        *out = enough;
        return LK_OK;
    }
    for (uint64_t low = 0; enough.planted - low > 1;) { /* low is not enough */
        LK_TRY(lk_power(ctx, run, low + (enough.planted - low) / 2, &here, err));
        if (here.detected >= power)
            enough = here;
        else
            low = here.planted;
    }
    *out = enough;
    return LK_OK;
}
