/* SPDX-License-Identifier: Apache-2.0 */
/* roc.h - error rates of a matcher from scores of genuine and impostor pairs.
 *
 * A pair is accepted at threshold t when its score is at least t. FMR(t) is the share of accepted impostor
 * pairs, FNMR(t) that of refused genuine pairs, TAR = 1 - FNMR.
 *
 * Impostor scores may be too many to keep. The genuine scores are known first, so an impostor score is only
 * counted into the interval between two of them that it falls into, which is all that EER and AUC need, and
 * the highest ones are kept as they are for the thresholds. Nothing is rounded or binned. */
#ifndef LK_STATS_ROC_H
#define LK_STATS_ROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct lk_roc {
    float *values;           /* the distinct genuine scores, rising */
    uint64_t *genuine_below; /* genuine scores below values[i]; n_values + 1 entries, the last the total */
    size_t n_values;
    uint64_t n_genuine, n_impostor;
    uint64_t *impostors; /* counts: [2i] between values[i-1] and values[i], [2i + 1] equal to values[i] */
    float *tail;         /* the highest impostor scores seen */
    size_t tail_keep;    /* how many of them are needed; the buffer holds twice as many */
    size_t n_tail;
    float cut; /* scores at or below it can no longer be among the tail_keep highest */
};

/* Starts from all genuine scores (n > 0, finite; copied). The impostor scores will be n_impostor at most;
 * thresholds can be asked for rates up to max_fmr. */
lk_status lk_roc_open(struct lk_roc *roc, const float *genuine, size_t n, uint64_t n_impostor, double max_fmr,
                      lk_error *err);
void lk_roc_close(struct lk_roc *roc);

/* Which counter of `impostors` a score belongs to; 2 * n_values + 1 counters. */
size_t lk_roc_slot(const struct lk_roc *roc, float score);
/* Adds impostor scores. Parallel callers count for themselves with lk_roc_slot, hand the counters to
 * lk_roc_count and the scores above roc->cut to lk_roc_tail. */
void lk_roc_add(struct lk_roc *roc, const float *scores, size_t n);
void lk_roc_tail(struct lk_roc *roc, const float *scores, size_t n);
void lk_roc_count(struct lk_roc *roc, const uint32_t *counters);

/* Equal error rate: where FMR, falling, and FNMR, rising, cross; the middle where they share more than a
 * point. */
double lk_roc_eer(const struct lk_roc *roc);
/* The chance that a genuine score is above an impostor one, a tie being half. */
double lk_roc_auc(const struct lk_roc *roc);
/* The smallest float32 score whose FMR is at most fmr, with 95 % Clopper-Pearson intervals. Sorts the tail.
 * LK_EINVAL when fmr is above the max_fmr that the tail was kept for, or no impostor score was added. */
lk_status lk_roc_threshold(struct lk_roc *roc, double fmr, lk_threshold *out, lk_error *err);

/* Writes a table of both rates by threshold, with 95 % Clopper-Pearson intervals: the columns are in
 * docs/formats.md. Thresholds are genuine scores, which is where the ROC has its corners; where there are
 * many, a line follows the one before when FNMR has grown by 0.001 or FMR has fallen by a factor of
 * 10^(1/50). */
lk_status lk_roc_write(const struct lk_roc *roc, const char *path, lk_error *err);

/* ---- accuracy by folds ---------------------------------------------------------------------------- */

struct lk_scored_pair {
    float score;
    bool genuine;
    int fold; /* 0 .. n_folds-1 */
};

struct lk_accuracy {
    double mean, sd; /* over folds; the sample standard deviation (divisor n_folds - 1) */
};

/* LFW's protocol: each fold is judged with the threshold that is best on all others (the lowest of several).
 * `missing` (n_folds entries, or NULL) gives pairs of each fold that count as judged wrongly. At least two
 * folds, each with a pair. */
lk_status lk_fold_accuracy(const struct lk_scored_pair *pairs, size_t n, int n_folds, const uint64_t *missing,
                           struct lk_accuracy *out, lk_error *err);

#endif
