/* SPDX-License-Identifier: Apache-2.0 */
/* reach.h - the person side: how well the closest synthetic image tells the generator's persons from others.
 *
 * Persons of the training set are the positives, persons of all hold-outs the negatives; the score of each is
 * that of the synthetic image closest to it. */
#ifndef LK_STATS_REACH_H
#define LK_STATS_REACH_H

#include "base/ctx.h"
#include "stats/proportion.h"

#define LK_REACH_REPLICATES 2000

/* True positive rate where at most the share fpr of the hold-out persons reaches the score. */
struct lk_reach_rate {
    double fpr;   /* asked for */
    double score; /* persons above it count: the highest score that too many hold-out persons reach; -INFINITY
                     = all */
    double fpr_seen;               /* share of hold-out persons above it */
    double tpr, tpr_low, tpr_high; /* 95 % percentile bootstrap over persons of both sides */
    int supported; /* at least ten hold-out persons are expected above: n_holdout * fpr >= 10 */
};

struct lk_reach {
    uint64_t n_train, n_holdout;
    double auc, auc_low, auc_high; /* a tie is half; DeLong's variance (1988) on the logit scale */
    struct lk_reach_rate rates[2]; /* at 1 % and 0.1 % */
    uint64_t found;      /* training persons found by Benjamini-Hochberg on their conformal p-values */
    uint64_t resolution; /* fewest persons that can be found at q: ceil(n_train / (q (n_holdout + 1))) */
    double q;
    uint64_t seed;
};

/* p and adjusted (n_train entries each): conformal p-value of each training person and its adjusted one. All
 * n > 0, no NaN; else LK_EINVAL. */
lk_status lk_reach(lk_ctx *ctx, const float *train, size_t n_train, const float *holdout, size_t n_holdout,
                   double q, uint64_t seed, double *p, double *adjusted, struct lk_reach *out, lk_error *err);

/* One step of the ROC: shares of both sides at or above a score. */
struct lk_reach_point {
    double fpr, tpr;
    float score;
};
/* The corners of the ROC by falling score, at most `room` of them, spread evenly over the logarithm of the
 * FPR. Gives how many. */
lk_status lk_reach_roc(const float *train, size_t n_train, const float *holdout, size_t n_holdout,
                       struct lk_reach_point *out, size_t room, size_t *n, lk_error *err);

#endif
