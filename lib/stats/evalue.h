/* SPDX-License-Identifier: Apache-2.0 */
/* evalue.h - the E-value of a pair: how many strangers of the training set one would expect at least as close
 * to this probe. docs/methods.md explains the choices and how they were measured. */
#ifndef LK_STATS_EVALUE_H
#define LK_STATS_EVALUE_H

#include <stddef.h>
#include <stdint.h>

#include "stats/gpd.h"

/* Excesses below which a shape is not estimated but taken as 0, which is cautious for cosines. */
#define LK_TAIL_MIN_EXCESSES 200

/* What all probes of one audit share: the shape of the upper tail of their scores. */
struct lk_tail_shape {
    uint64_t n_probes; /* that took part: lists that are not all equal */
    uint64_t n_excesses;
    double shape;   /* used: by moments, between -0.49 and 0.49, 0 with too few excesses */
    double moments; /* by probability-weighted moments; NaN with too few excesses */
    /* For comparison: by maximum likelihood from the excesses over their probe's mean, which comes out low
     * with short lists; NaN as above. */
    double likelihood;
};

/* top: for each of n_probes probes its k + 1 highest scores against the hold-out, falling, one after the
 * other; the last of each list is that probe's threshold u. k >= 2. */
lk_status lk_tail_shape(const float *top, size_t n_probes, size_t k, struct lk_tail_shape *out,
                        lk_error *err);

/* The upper tail of one probe's scores. */
struct lk_tail {
    double threshold;  /* u */
    struct lk_gpd gpd; /* of the excesses over u; scale 0 when all are equal to u */
    size_t k;          /* scores above u */
    uint64_t n;        /* scores in all */
};

/* From the probe's k + 1 highest scores (falling) of n against the hold-out and the common shape; k >= 2,
 * n > k. */
lk_status lk_tail_fit(const float *top, size_t k, uint64_t n, double shape, struct lk_tail *out,
                      lk_error *err);

/* The probability that a stranger reaches the score with this probe. At or below u the true value is larger
 * than what is given, (k + 1) / (n + 1). */
double lk_tail_probability(const struct lk_tail *tail, double score);

struct lk_evalue {
    double e; /* expected number of strangers among n_references at least as close */
    double low,
        high; /* the same with fewer scores above u: smallest and largest over k, k/2, k/4, ... >= 5 */
    int extrapolated; /* the probability is below 1 / (10 n): no data reach so far, the tail's form alone says
                         it */
    int flagged;      /* e <= 0.01 */
    double audit;     /* e x n_probes (Bonferroni): expected number of such pairs in the whole audit */
};

/* The shapes for k, k/2, k/4, ... that lk_evalue compares. */
#define LK_TAIL_LEVELS 6
struct lk_tail_levels {
    size_t n, k[LK_TAIL_LEVELS];
    struct lk_tail_shape shape[LK_TAIL_LEVELS];
};
/* top, n_probes, k as for lk_tail_shape. */
lk_status lk_tail_levels(const float *top, size_t n_probes, size_t k, struct lk_tail_levels *out,
                         lk_error *err);

/* E-value of a score of the probe whose highest scores against n_holdout strangers are top (levels->k[0] + 1
 * of them), against n_references references. Count people where the scores are the best of each person. */
lk_status lk_evalue(const struct lk_tail_levels *levels, const float *top, uint64_t n_holdout,
                    uint64_t n_references, uint64_t n_probes, double score, struct lk_evalue *out,
                    lk_error *err);

#endif
