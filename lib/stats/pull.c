/* SPDX-License-Identifier: Apache-2.0 */
/* pull.c - how many units are drawn to the training set, with intervals and tests over nearest persons. */
#include "stats/pull.h"

#include <stdlib.h>
#include <string.h>

#include "base/pool.h"
#include "stats/resample.h"

enum { BOOTSTRAP = 1, PERMUTATION, CORRECTED_SYNTHETIC, CORRECTED_CONTROLS }; /* streams of random numbers */

/* ---- votes ------------------------------------------------------------------------------------------ */

struct vote {
    uint32_t person;
    uint32_t unit;
    bool in_train;
};

static int by_person(const void *a, const void *b)
{
    const struct vote *x = a, *y = b;
    return x->person != y->person ? (x->person > y->person) - (x->person < y->person)
                                  : (x->unit > y->unit) - (x->unit < y->unit);
}

static lk_status collect(struct lk_votes *v, const struct lk_tops *tops, struct vote *votes, lk_error *err)
{
    for (size_t u = 0; u < tops->n_units; u++) {
        size_t gallery;
        unsigned tied, tied_train;
        votes[u] =
            (struct vote){lk_tops_nearest(tops, u, &gallery, &tied, &tied_train), (uint32_t)u, gallery == 0};
        v->share[u] = tied > 0 ? (double)tied_train / (double)tied : v->lambda;
        v->wins += tied > 0 && tied_train == tied;
        v->losses += tied > 0 && tied_train == 0;
    }
    v->ties = v->n - v->wins - v->losses;
    qsort(votes, v->n, sizeof *votes, by_person);
    uint64_t run = 0;
    for (size_t i = 0; i < v->n; i++) {
        bool joins = i > 0 && votes[i].person != LK_NO_PERSON && votes[i].person == votes[i - 1].person;
        run = joins ? run + 1 : 1;
        v->n_groups += !joins;
        v->n_decided += !joins && votes[i].person != LK_NO_PERSON;
        v->group[votes[i].unit] = (uint32_t)v->n_groups - 1;
        v->largest = run > v->largest ? run : v->largest;
    }
    v->weight = lk_calloc(v->n_groups, sizeof *v->weight, err);
    v->train = lk_calloc(v->n_groups, sizeof *v->train, err);
    v->in_train = lk_calloc(v->n_groups, 1, err);
    if (v->weight == NULL || v->train == NULL || v->in_train == NULL)
        return LK_ENOMEM;
    for (size_t i = 0; i < v->n; i++) {
        uint32_t g = v->group[votes[i].unit];
        v->weight[g] += 1;
        v->train[g] += v->share[votes[i].unit];
        v->in_train[g] = votes[i].in_train;
    }
    return LK_OK;
}

lk_status lk_votes_new(struct lk_votes *out, const struct lk_tops *tops, const uint64_t *sizes, lk_error *err)
{
    struct lk_votes v = {.n = tops->n_units, .n_train = sizes[0]};
    LK_NEED(v.n > 0 && v.n < UINT32_MAX, err, LK_EINVAL, "preference: %zu units, expected at least one", v.n);
    for (size_t g = 0; g < tops->n_galleries; g++) {
        LK_NEED(sizes[g] > 0, err, LK_EINVAL, "preference: gallery %zu has no persons", g);
        v.n_persons += sizes[g];
    }
    LK_NEED(tops->n_galleries > 1, err, LK_EINVAL, "preference: no hold-out, expected at least one");
    v.lambda = (double)v.n_train / (double)v.n_persons;
    struct vote *votes = lk_calloc(v.n, sizeof *votes, err);
    v.share = lk_calloc(v.n, sizeof *v.share, err);
    v.group = lk_calloc(v.n, sizeof *v.group, err);
    lk_status status = votes != NULL && v.share != NULL && v.group != NULL ? LK_OK : LK_ENOMEM;
    if (status == LK_OK)
        status = collect(&v, tops, votes, err);
    free(votes);
    if (status == LK_OK)
        *out = v;
    else
        lk_votes_free(&v);
    return status;
}

void lk_votes_free(struct lk_votes *votes)
{
    free(votes->share);
    free(votes->group);
    free(votes->weight);
    free(votes->train);
    free(votes->in_train);
    *votes = (struct lk_votes){0};
}

static double mean_share(const struct lk_votes *v)
{
    double sum = 0;
    for (size_t u = 0; u < v->n; u++)
        sum += v->share[u];
    return sum / (double)v->n;
}

/* Draws as many persons as a side has, with replacement: each brings the units that it decides, most none.
 * side: numbers of the groups whose person is of this side. */
static void draw_side(const struct lk_votes *v, const uint32_t *side, size_t n_side, uint64_t persons,
                      struct lk_rng *rng, double *units, double *train)
{
    for (uint64_t i = 0; i < persons; i++) {
        uint64_t at = lk_rng_below(rng, persons);
        if (at >= n_side)
            continue;
        *units += v->weight[side[at]];
        *train += v->train[side[at]];
    }
}

/* The groups of both sides: those of T first, then those of the hold-outs. */
struct sides {
    uint32_t *groups;
    size_t n_train, n_holdout;
    double units, train; /* of units without any score, which are no person's */
};

static lk_status sort_sides(struct sides *s, const struct lk_votes *v, lk_error *err)
{
    *s = (struct sides){lk_calloc(v->n_groups, sizeof *s->groups, err), 0, 0, 0, 0};
    if (s->groups == NULL)
        return LK_ENOMEM;
    for (uint32_t g = 0; g < v->n_decided; g++)
        if (v->in_train[g])
            s->groups[s->n_train++] = g;
    for (uint32_t g = 0; g < v->n_decided; g++)
        if (!v->in_train[g])
            s->groups[s->n_train + s->n_holdout++] = g;
    for (size_t g = v->n_decided; g < v->n_groups; g++) {
        s->units += v->weight[g];
        s->train += v->train[g];
    }
    return LK_OK;
}

/* One bootstrap replicate of the share. */
static double draw_share(const struct lk_votes *v, const struct sides *s, struct lk_rng *rng)
{
    double units = s->units, train = s->train;
    draw_side(v, s->groups, s->n_train, v->n_train, rng, &units, &train);
    draw_side(v, s->groups + s->n_train, s->n_holdout, v->n_persons - v->n_train, rng, &units, &train);
    return units > 0 ? train / units : v->lambda;
}

/* ---- interval and test ------------------------------------------------------------------------------ */

struct job {
    const struct lk_votes *votes;
    const struct sides *sides;
    uint64_t seed;
    double *values; /* of each replicate */
};

static lk_status bootstrap_one(void *arg, size_t index, int worker, lk_error *err)
{
    (void)worker, (void)err;
    struct job *j = arg;
    struct lk_rng rng = lk_rng_stream(j->seed, BOOTSTRAP, index);
    j->values[index] = draw_share(j->votes, j->sides, &rng);
    return LK_OK;
}

/* The labels are dealt out to all persons, of whom only the nearest ones matter: each gets T with the
 * probability of what is left in the pack. */
static lk_status permute_one(void *arg, size_t index, int worker, lk_error *err)
{
    (void)worker, (void)err;
    struct job *j = arg;
    const struct lk_votes *v = j->votes;
    struct lk_rng rng = lk_rng_stream(j->seed, PERMUTATION, index);
    uint64_t left = v->n_persons, train = v->n_train;
    double sum = 0;
    for (size_t g = 0; g < v->n_groups; g++) {
        if (g >= v->n_decided) {
            sum += v->lambda * v->weight[g];
            continue;
        }
        bool in_train = lk_rng_below(&rng, left) < train;
        sum += in_train ? v->weight[g] : 0;
        train -= in_train;
        left--;
    }
    j->values[index] = sum / (double)v->n;
    return LK_OK;
}

static lk_status interval(lk_ctx *ctx, struct job *job, double tail, struct lk_pull *r, lk_error *err)
{
    LK_TRY(lk_pool_for(ctx, LK_PULL_REPLICATES, bootstrap_one, job, err));
    qsort(job->values, LK_PULL_REPLICATES, sizeof *job->values, lk_double_order);
    r->pi_low = (lk_sorted_quantile(job->values, LK_PULL_REPLICATES, tail) - r->lambda) / (1 - r->lambda);
    r->pi_high = (lk_sorted_quantile(job->values, LK_PULL_REPLICATES, 1 - tail) - r->lambda) / (1 - r->lambda);
    return LK_OK;
}

static lk_status test(lk_ctx *ctx, struct job *job, struct lk_pull *r, lk_error *err)
{
    static const double rounding = 1e-12; /* sums of parts of ties */
    uint64_t more = 0, less = 0;
    LK_TRY(lk_pool_for(ctx, LK_PULL_PERMUTATIONS, permute_one, job, err));
    for (size_t b = 0; b < LK_PULL_PERMUTATIONS; b++) {
        more += job->values[b] >= r->p - rounding;
        less += job->values[b] <= r->p + rounding;
    }
    r->p_more = (1 + (double)more) / (LK_PULL_PERMUTATIONS + 1);
    r->p_less = (1 + (double)less) / (LK_PULL_PERMUTATIONS + 1);
    r->p_two_sided = fmin(1, 2 * fmin(r->p_more, r->p_less));
    return LK_OK;
}

/* Sum of squares of a side's persons around their mean. */
static double around_mean(const struct lk_votes *v, uint8_t in_train, double persons)
{
    double sum = 0, squares = 0;
    for (size_t g = 0; g < v->n_decided; g++)
        if (v->in_train[g] == in_train) {
            sum += v->weight[g];
            squares += v->weight[g] * v->weight[g];
        }
    return squares - sum * sum / persons;
}

/* p = A / (A + B) varies by ((1 - p) dA - p dB) / n, A and B being what persons of T and of hold-outs add up
 * to. */
static double design_effect(const struct lk_votes *v, double p)
{
    if (!(p > 0 && p < 1))
        return 1;
    double train = around_mean(v, 1, (double)v->n_train);
    double holdout = around_mean(v, 0, (double)(v->n_persons - v->n_train));
    return ((1 - p) * (1 - p) * train + p * p * holdout) / ((double)v->n * p * (1 - p));
}

lk_status lk_pull_within(lk_ctx *ctx, const struct lk_votes *votes, double tail, uint64_t seed,
                         struct lk_pull *out, lk_error *err)
{
    struct lk_pull r = {.n = votes->n,
                        .wins = votes->wins,
                        .losses = votes->losses,
                        .ties = votes->ties,
                        .lambda = votes->lambda,
                        .p = mean_share(votes),
                        .persons = votes->n_groups,
                        .largest = votes->largest,
                        .seed = seed};
    r.pi = (r.p - r.lambda) / (1 - r.lambda);
    struct sides sides;
    LK_TRY(sort_sides(&sides, votes, err));
    double *values = lk_calloc(LK_PULL_PERMUTATIONS, sizeof *values, err);
    struct job job = {votes, &sides, seed, values};
    lk_status status = values != NULL ? LK_OK : LK_ENOMEM;
    if (status == LK_OK)
        status = interval(ctx, &job, tail, &r, err);
    if (status == LK_OK)
        status = test(ctx, &job, &r, err);
    if (status == LK_OK)
        r.design_effect = design_effect(votes, r.p);
    free(sides.groups);
    free(values);
    if (status == LK_OK)
        *out = r;
    return status;
}

lk_status lk_pull(lk_ctx *ctx, const struct lk_votes *votes, uint64_t seed, struct lk_pull *out,
                  lk_error *err)
{
    return lk_pull_within(ctx, votes, 0.025, seed, out, err);
}

/* ---- corrected by controls -------------------------------------------------------------------------- */

static double corrected(double synthetic, double controls)
{
    return controls < 1 ? (synthetic - controls) / (1 - controls) : NAN;
}

lk_status lk_pull_corrected(const struct lk_votes *synthetic, const struct lk_votes *controls, uint64_t seed,
                            struct lk_corrected *out, lk_error *err)
{
    struct sides sides_s, sides_c = {0};
    LK_TRY(sort_sides(&sides_s, synthetic, err));
    lk_status status = sort_sides(&sides_c, controls, err);
    double *values = lk_calloc(LK_PULL_REPLICATES, sizeof *values, err);
    if (values == NULL)
        status = LK_ENOMEM;
    struct lk_corrected r = {corrected(mean_share(synthetic), mean_share(controls)), NAN, NAN};
    size_t n = 0;
    for (uint64_t b = 0; status == LK_OK && b < LK_PULL_REPLICATES; b++) {
        struct lk_rng rng_s = lk_rng_stream(seed, CORRECTED_SYNTHETIC, b);
        struct lk_rng rng_c = lk_rng_stream(seed, CORRECTED_CONTROLS, b);
        double value =
            corrected(draw_share(synthetic, &sides_s, &rng_s), draw_share(controls, &sides_c, &rng_c));
        if (!isnan(value))
            values[n++] = value;
    }
    if (status == LK_OK && n == LK_PULL_REPLICATES) {
        qsort(values, n, sizeof *values, lk_double_order);
        r.low = lk_sorted_quantile(values, n, 0.025);
        r.high = lk_sorted_quantile(values, n, 0.975);
    }
    free(sides_s.groups);
    free(sides_c.groups);
    free(values);
    if (status == LK_OK)
        *out = r;
    return status;
}
