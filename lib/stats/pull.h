/* SPDX-License-Identifier: Apache-2.0 */
/* pull.h - how many units are drawn to the training set (excess preference), and whether the galleries are
 * fit to tell: both allow for units that share their nearest person.
 *
 * Whether a unit prefers T is decided by the one real person that is nearest to it, of all galleries. Units
 * that share this person share the outcome, so persons, not units, are what is drawn: the interval draws
 * persons of T and of the hold-outs, each with all the units it decides (many decide none), the permutation
 * test deals the labels T and H out to persons anew. */
#ifndef LK_STATS_PULL_H
#define LK_STATS_PULL_H

#include "base/ctx.h"
#include "stats/proportion.h"
#include "stats/tops.h"

#define LK_PULL_REPLICATES 2000
#define LK_PULL_PERMUTATIONS 9999

/* Units reduced to what decides. */
struct lk_votes {
    size_t n;
    double *share;   /* of each unit's nearest persons, those in T: 1, 0, or between when several are equally
                        near */
    uint32_t *group; /* number of its nearest person among all nearest persons */
    size_t n_groups, n_decided; /* the last n_groups - n_decided are single units without any score */
    double *weight;             /* of each group: its units */
    double *train;              /* of each group: the sum of its units' shares */
    uint8_t *in_train;          /* of each group: its person is in T */
    uint64_t wins, losses, ties;
    uint64_t largest;            /* units of the largest group */
    double lambda;               /* n_train / n_persons */
    uint64_t n_train, n_persons; /* persons in T, and in all galleries */
};

/* A unit without any score counts as a tie of all galleries (share lambda, a group of its own). One that is
 * equally near to several persons goes with the first of them in the interval and the test. sizes: number of
 * persons of each gallery, all > 0. */
lk_status lk_votes_new(struct lk_votes *out, const struct lk_tops *tops, const uint64_t *sizes,
                       lk_error *err);
void lk_votes_free(struct lk_votes *votes);

struct lk_pull {
    uint64_t n, wins, losses, ties;
    double lambda, p, pi; /* pi = (p - lambda) / (1 - lambda); below 0 when hold-outs are preferred */
    double pi_low,
        pi_high; /* 95 % percentile bootstrap over persons of T and of hold-outs, not clipped at 0 */
    double p_more, p_less;     /* permutation p-values: at least, at most so much preference by chance */
    double p_two_sided;        /* twice the smaller, at most 1 */
    uint64_t persons, largest; /* distinct nearest persons; units that the commonest of them decides */
    double design_effect;      /* variance of p over that of independent units */
    uint64_t seed;
};

/* Same numbers for any number of threads. */
lk_status lk_pull(lk_ctx *ctx, const struct lk_votes *votes, uint64_t seed, struct lk_pull *out,
                  lk_error *err);
/* With an interval that leaves `tail` out on each side, in place of 0.025. */
lk_status lk_pull_within(lk_ctx *ctx, const struct lk_votes *votes, double tail, uint64_t seed,
                         struct lk_pull *out, lk_error *err);

/* pi of the synthetic set with what control probes show by themselves taken off: (p_S - p_C) / (1 - p_C),
 * with a bootstrap interval that draws both sets. NaN when every control prefers T. */
struct lk_corrected {
    double pi, low, high;
};
lk_status lk_pull_corrected(const struct lk_votes *synthetic, const struct lk_votes *controls, uint64_t seed,
                            struct lk_corrected *out, lk_error *err);

/* ---- are the galleries exchangeable? ---------------------------------------------------------------- */

/* Schilling's test (1986): the share of real persons whose nearest other person is in their own set (T, or
 * any hold-out), against labels dealt out anew. */
struct lk_mixing {
    uint64_t n, own; /* persons; those whose nearest other is in their own set */
    double expected; /* of own, when the sets are exchangeable */
    double p;        /* P(at least so many) */
    uint64_t permutations, seed;
};

/* nearest[i]: number of the nearest other person, or LK_NO_PERSON (left out); in_train[i]: 1 or 0. */
lk_status lk_mixing(lk_ctx *ctx, const uint32_t *nearest, const uint8_t *in_train, size_t n, uint64_t seed,
                    struct lk_mixing *out, lk_error *err);

#endif
