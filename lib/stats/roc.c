/* SPDX-License-Identifier: Apache-2.0 */
/* roc.c - error rates of a matcher from scores of genuine and impostor pairs. */
#include "stats/roc.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "stats/proportion.h"

static int compare_rising(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static int compare_falling(const void *a, const void *b)
{
    return compare_rising(b, a);
}

/* The largest number of n impostor pairs that may be accepted at a rate of at most fmr. */
static uint64_t allowed_errors(double fmr, uint64_t n)
{
    uint64_t k = (uint64_t)(fmr * (double)n);
    while (k > 0 && (double)k / (double)n > fmr)
        k--;
    while (k < n && (double)(k + 1) / (double)n <= fmr) /* the product may have been rounded down */
        k++;
    return k;
}

lk_status lk_roc_open(struct lk_roc *roc, const float *genuine, size_t n, uint64_t n_impostor, double max_fmr,
                      lk_error *err)
{
    LK_NEED(n > 0, err, LK_EINVAL, "no genuine pairs, expected at least one");
    LK_NEED(n_impostor > 0 && n_impostor <= SIZE_MAX / 16, err, LK_EINVAL,
            "no impostor pairs, expected at least one");
    for (size_t i = 0; i < n; i++)
        LK_NEED(isfinite(genuine[i]), err, LK_EINVAL, "the score of genuine pair %zu is not finite", i);
    struct lk_roc r = {.n_genuine = n, .cut = -INFINITY};
    r.tail_keep = (size_t)allowed_errors(max_fmr, n_impostor) + 1;
    r.values = lk_calloc(n, sizeof *r.values, err);
    r.genuine_below = lk_calloc(n + 1, sizeof *r.genuine_below, err);
    r.impostors = lk_calloc(2 * n + 1, sizeof *r.impostors, err);
    r.tail = lk_calloc(2 * r.tail_keep, sizeof *r.tail, err);
    if (r.values == NULL || r.genuine_below == NULL || r.impostors == NULL || r.tail == NULL) {
        lk_roc_close(&r);
        return LK_ENOMEM;
    }
    memcpy(r.values, genuine, n * sizeof *genuine);
    qsort(r.values, n, sizeof *r.values, compare_rising);
    for (size_t i = 0; i < n; i++) {
        if (r.n_values > 0 && r.values[r.n_values - 1] == r.values[i])
            continue;
        r.genuine_below[r.n_values] = i;
        r.values[r.n_values++] = r.values[i];
    }
    r.genuine_below[r.n_values] = n;
    *roc = r;
    return LK_OK;
}

void lk_roc_close(struct lk_roc *roc)
{
    free(roc->values);
    free(roc->genuine_below);
    free(roc->impostors);
    free(roc->tail);
    *roc = (struct lk_roc){0};
}

size_t lk_roc_slot(const struct lk_roc *roc, float score)
{
    size_t low = 0, high = roc->n_values; /* the first value that is not below score lies in low .. high */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (roc->values[middle] < score)
            low = middle + 1;
        else
            high = middle;
    }
    return 2 * low + (low < roc->n_values && roc->values[low] == score);
}

void lk_roc_count(struct lk_roc *roc, const uint32_t *counters)
{
    for (size_t i = 0; i < 2 * roc->n_values + 1; i++) {
        roc->impostors[i] += counters[i];
        roc->n_impostor += counters[i];
    }
}

void lk_roc_tail(struct lk_roc *roc, const float *scores, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (scores[i] <= roc->cut)
            continue;
        roc->tail[roc->n_tail++] = scores[i];
        if (roc->n_tail == 2 * roc->tail_keep) {
            qsort(roc->tail, roc->n_tail, sizeof *roc->tail, compare_falling);
            roc->n_tail = roc->tail_keep;
            roc->cut = roc->tail[roc->n_tail - 1];
        }
    }
}

void lk_roc_add(struct lk_roc *roc, const float *scores, size_t n)
{
    for (size_t i = 0; i < n; i++)
        roc->impostors[lk_roc_slot(roc, scores[i])]++;
    roc->n_impostor += n;
    lk_roc_tail(roc, scores, n);
}

/* Both rates are stairs over the threshold. Going up through the scores, the first step after which FNMR is
 * not below FMR holds the crossing: the rates that both stairs pass on that step. */
double lk_roc_eer(const struct lk_roc *roc)
{
    double genuine = (double)roc->n_genuine, impostor = (double)roc->n_impostor;
    uint64_t passed = 0; /* impostor scores below the current place */
    for (size_t slot = 0; slot < 2 * roc->n_values + 1; slot++) {
        size_t i = slot / 2;
        double fnmr_before = (double)roc->genuine_below[i] / genuine;
        double fnmr_after = (double)roc->genuine_below[i + slot % 2] / genuine;
        double fmr_before = (double)(roc->n_impostor - passed) / impostor;
        passed += roc->impostors[slot];
        double fmr_after = (double)(roc->n_impostor - passed) / impostor;
        if (fnmr_after >= fmr_after)
            return (fmax(fnmr_before, fmr_after) + fmin(fnmr_after, fmr_before)) / 2;
    }
    return 1; /* not reached: behind the last score FMR is 0 */
}

double lk_roc_auc(const struct lk_roc *roc)
{
    __uint128_t twice = 0; /* twice the number of pairs of pairs in the right order */
    for (size_t slot = 0; slot < 2 * roc->n_values + 1; slot++) {
        size_t i = slot / 2;
        uint64_t above = roc->n_genuine - roc->genuine_below[i + slot % 2];
        uint64_t equal = roc->genuine_below[i + slot % 2] - roc->genuine_below[i];
        twice += (__uint128_t)roc->impostors[slot] * (2 * above + equal);
    }
    return (double)twice / (2 * (double)roc->n_genuine * (double)roc->n_impostor);
}

lk_status lk_roc_threshold(struct lk_roc *roc, double fmr, lk_threshold *out, lk_error *err)
{
    LK_NEED(roc->n_impostor > 0, err, LK_EINVAL, "no impostor pairs, expected at least one");
    uint64_t allowed = allowed_errors(fmr, roc->n_impostor);
    LK_NEED(fmr > 0 && fmr < 1 && allowed < roc->n_tail && allowed < roc->tail_keep, err, LK_EINVAL,
            "a threshold for a false match rate of %g needs more of the highest scores than were kept", fmr);
    qsort(roc->tail, roc->n_tail, sizeof *roc->tail, compare_falling);
    float score = nextafterf(roc->tail[allowed], INFINITY);
    uint64_t errors = 0;
    while (errors < allowed && roc->tail[errors] >= score)
        errors++;
    uint64_t accepted = roc->n_genuine - roc->genuine_below[lk_roc_slot(roc, score) / 2];
    struct lk_interval of_fmr = lk_clopper_pearson(errors, roc->n_impostor, 0.95);
    struct lk_interval of_tar = lk_clopper_pearson(accepted, roc->n_genuine, 0.95);
    *out = (lk_threshold){.fmr = fmr,
                          .score = score,
                          .fmr_low = of_fmr.low,
                          .fmr_high = of_fmr.high,
                          .tar = (double)accepted / (double)roc->n_genuine,
                          .tar_low = of_tar.low,
                          .tar_high = of_tar.high,
                          .supported = allowed >= 30};
    return LK_OK;
}

/* ---- accuracy by folds ---------------------------------------------------------------------------- */

static int compare_pairs(const void *a, const void *b)
{
    return compare_rising(&((const struct lk_scored_pair *)a)->score,
                          &((const struct lk_scored_pair *)b)->score);
}

/* The threshold that judges most pairs outside `fold` rightly; pairs are sorted. Candidates lie in the middle
 * between neighbouring scores, since nothing is known of the space between. */
static double best_threshold(const struct lk_scored_pair *pairs, size_t n, int fold)
{
    int64_t right = 0, most = 0; /* compared with accepting all, which is where the walk starts */
    double best = -INFINITY, last = 0;
    bool passed = false; /* a score was passed, and a threshold above it has not been tried yet */
    for (size_t i = 0; i < n; i++) {
        if (pairs[i].fold == fold)
            continue;
        if (passed && (double)pairs[i].score > last && right > most) {
            most = right;
            best = (last + (double)pairs[i].score) / 2;
        }
        right += pairs[i].genuine ? -1 : 1;
        last = pairs[i].score;
        passed = true;
    }
    return right > most ? INFINITY : best;
}

static lk_status judge_folds(const struct lk_scored_pair *pairs, size_t n, int n_folds,
                             const uint64_t *missing, struct lk_accuracy *out, lk_error *err)
{
    double sum = 0, squares = 0; /* of deviations from the running mean (Welford) */
    for (int fold = 0; fold < n_folds; fold++) {
        double threshold = best_threshold(pairs, n, fold);
        uint64_t right = 0, total = missing != NULL ? missing[fold] : 0;
        for (size_t i = 0; i < n; i++) {
            total += pairs[i].fold == fold;
            right += pairs[i].fold == fold && ((double)pairs[i].score >= threshold) == pairs[i].genuine;
        }
        LK_NEED(total > 0, err, LK_EFORMAT, "fold %d has no pair that could be scored", fold + 1);
        double accuracy = (double)right / (double)total, before = fold > 0 ? sum / fold : 0;
        sum += accuracy;
        squares += (accuracy - before) * (accuracy - sum / (fold + 1));
    }
    *out = (struct lk_accuracy){sum / n_folds, sqrt(squares / (n_folds - 1))};
    return LK_OK;
}

lk_status lk_fold_accuracy(const struct lk_scored_pair *pairs, size_t n, int n_folds, const uint64_t *missing,
                           struct lk_accuracy *out, lk_error *err)
{
    LK_NEED(n_folds >= 2, err, LK_EINVAL, "accuracy by folds needs at least two folds, found %d", n_folds);
    for (size_t i = 0; i < n; i++)
        LK_NEED(isfinite(pairs[i].score) && pairs[i].fold >= 0 && pairs[i].fold < n_folds, err, LK_EINVAL,
                "pair %zu: its score is not finite, or it is in no fold", i);
    struct lk_scored_pair *sorted = lk_calloc(n, sizeof *sorted, err);
    if (sorted == NULL)
        return LK_ENOMEM;
    if (n > 0)
        memcpy(sorted, pairs, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, compare_pairs);
    lk_status status = judge_folds(sorted, n, n_folds, missing, out, err);
    free(sorted);
    return status;
}
