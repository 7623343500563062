/* SPDX-License-Identifier: Apache-2.0 */
/* labelled_list.c - error rates and accuracy from a list of scored pairs in folds. */
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "stats/labelled.h"

bool lk_labelled_any(const struct lk_scored_pair *scored, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isnan(scored[i].score))
            return true;
    return false;
}

/* Moves the pairs with a score to the front, counting the others by fold. */
static size_t drop_missing(struct lk_scored_pair *scored, size_t n, uint64_t *missing)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (isnan(scored[i].score))
            missing[scored[i].fold]++;
        else
            scored[kept++] = scored[i];
    }
    return kept;
}

static lk_status fill_roc(struct lk_roc *roc, const struct lk_scored_pair *scored, size_t n, double max_fmr,
                          lk_error *err)
{
    float *scores = lk_calloc(n, sizeof *scores, err); /* genuine from the front, impostor from the back */
    if (scores == NULL)
        return LK_ENOMEM;
    size_t n_genuine = 0, n_impostor = 0;
    for (size_t i = 0; i < n; i++) {
        if (scored[i].genuine)
            scores[n_genuine++] = scored[i].score;
        else
            scores[n - ++n_impostor] = scored[i].score;
    }
    lk_status status = lk_roc_open(roc, scores, n_genuine, n_impostor, max_fmr, err);
    if (status == LK_OK)
        lk_roc_add(roc, scores + n_genuine, n_impostor);
    free(scores);
    return status;
}

static lk_status measure(struct lk_labelled *out, struct lk_scored_pair *scored, size_t n, int n_folds,
                         uint64_t *missing, double max_fmr, lk_error *err)
{
    size_t kept = drop_missing(scored, n, missing);
    out->n_missing = n - kept;
    if (n_folds >= 2) {
        out->n_folds = n_folds;
        LK_TRY(lk_fold_accuracy(scored, kept, n_folds, NULL, &out->accuracy, err));
        LK_TRY(lk_fold_accuracy(scored, kept, n_folds, missing, &out->accuracy_all, err));
    }
    return fill_roc(&out->roc, scored, kept, max_fmr, err);
}

lk_status lk_labelled_list(struct lk_labelled *out, struct lk_scored_pair *scored, size_t n, int n_folds,
                           double max_fmr, lk_error *err)
{
    struct lk_labelled r = {.n_folds = 0};
    uint64_t *missing = lk_calloc((size_t)n_folds, sizeof *missing, err);
    if (missing == NULL)
        return LK_ENOMEM;
    lk_status status = measure(&r, scored, n, n_folds, missing, max_fmr, err);
    free(missing);
    if (status == LK_OK)
        *out = r;
    else
        lk_labelled_close(&r);
    return status;
}
