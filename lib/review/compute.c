/* SPDX-License-Identifier: Apache-2.0 */
/* compute.c - the numbers of a review: skill of each reviewer, agreement, the share of true leaks. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "review/stats.h"
#include "stats/agreement.h"
#include "stats/resample.h"

enum { NONE = -100 }; /* no answer on the scale */

struct work {
    const struct lk_review_all *all;
    int *answers; /* of reviewer r to item i at [i * n_reviewers + r]: -3 .. 3 or NONE */
};

static bool on_scale(int answer)
{
    return answer >= -3 && answer <= 3;
}

static int answer_of(const struct work *w, size_t item, size_t reviewer)
{
    return w->answers[item * w->all->n_reviewers + reviewer];
}

/* ---- one reviewer -------------------------------------------------------------------------------------- */

static void count_controls(const struct work *w, size_t r, struct lk_review_numbers *n)
{
    lk_review_reviewer_summary *s = &n->summary->reviewers[r];
    struct lk_review_person *p = &n->persons[r];
    for (size_t i = 0; i < w->all->n_items; i++) {
        int answer = answer_of(w, i, r);
        if (answer == NONE)
            continue;
        enum lk_review_kind kind = w->all->items[i].kind;
        bool noise = kind == (n->noise_is_decoys ? LK_REVIEW_DECOY : LK_REVIEW_EASY);
        s->mated += kind == LK_REVIEW_MATED;
        s->hits += kind == LK_REVIEW_MATED && answer > 0;
        s->decoys += noise;
        s->false_alarms += noise && answer > 0;
        p->easy += kind == LK_REVIEW_EASY;
        p->easy_same += kind == LK_REVIEW_EASY && answer > 0;
    }
    struct lk_detection d = lk_detection_of(s->hits, s->mated, s->false_alarms, s->decoys);
    s->d_prime = d.d_prime;
    s->criterion = d.criterion;
}

/* Alike: both times above 0, both times below, or both times 0. */
static void count_repeats(const struct work *w, size_t r, lk_review_reviewer_summary *s)
{
    uint64_t alike = 0;
    for (size_t i = 0; i < w->all->n_items; i++) {
        if (w->all->items[i].kind != LK_REVIEW_REPEAT)
            continue;
        int a = answer_of(w, i, r), b = answer_of(w, w->all->items[i].repeats, r);
        if (a == NONE || b == NONE)
            continue;
        s->n_repeated++;
        alike += (a > 0) == (b > 0) && (a < 0) == (b < 0);
    }
    s->consistency = s->n_repeated > 0 ? (double)alike / (double)s->n_repeated : NAN;
}

static lk_status median_time(const struct work *w, size_t r, double *out, lk_error *err)
{
    double *times = lk_calloc(w->all->n_given, sizeof *times, err);
    if (times == NULL)
        return LK_ENOMEM;
    size_t n = 0;
    for (size_t i = 0; i < w->all->n_given; i++)
        if (w->all->given[i].reviewer == r)
            times[n++] = (double)w->all->given[i].milliseconds;
    qsort(times, n, sizeof *times, lk_double_order);
    *out = n > 0 ? lk_sorted_quantile(times, n, 0.5) : NAN;
    free(times);
    return LK_OK;
}

static lk_status one_reviewer(const struct work *w, size_t r, struct lk_review_numbers *n, lk_error *err)
{
    lk_review_reviewer_summary *s = &n->summary->reviewers[r];
    snprintf(s->name, sizeof s->name, "%s", w->all->progress.reviewers[r].name);
    s->total = w->all->progress.reviewers[r].total;
    for (size_t i = 0; i < w->all->n_given; i++) {
        if (w->all->given[i].reviewer != r)
            continue;
        s->answers++;
        s->no_face += w->all->given[i].answer == LK_REVIEW_NO_FACE;
        s->child += w->all->given[i].answer == LK_REVIEW_CHILD;
        s->cannot_say += w->all->given[i].answer == LK_REVIEW_CANNOT_SAY;
    }
    count_controls(w, r, n);
    count_repeats(w, r, s);
    return median_time(w, r, &n->persons[r].milliseconds, err);
}

/* ---- all reviewers ------------------------------------------------------------------------------------- */

/* Over items shown for the first time; `candidates` leaves out the controls, which are made to be clear. */
static lk_status agreement(const struct work *w, bool candidates, lk_review_estimate *out, size_t *n_items,
                           lk_error *err)
{
    size_t raters = w->all->n_reviewers, n = 0;
    int8_t *values = lk_calloc(w->all->n_items, raters, err);
    if (values == NULL)
        return LK_ENOMEM;
    for (size_t i = 0; i < w->all->n_items; i++) {
        enum lk_review_kind kind = w->all->items[i].kind;
        if (kind == LK_REVIEW_REPEAT || (candidates && kind != LK_REVIEW_CANDIDATE))
            continue;
        for (size_t r = 0; r < raters; r++) {
            int answer = answer_of(w, i, r);
            values[n * raters + r] = answer == NONE ? -1 : (int8_t)(answer + 3);
        }
        n++;
    }
    struct lk_ratings ratings = {values, n, raters, 7};
    struct lk_alpha alpha;
    lk_status status = lk_alpha_ordinal(&ratings, LK_REVIEW_SEED, &alpha, err);
    free(values);
    LK_TRY(status);
    *out = (lk_review_estimate){alpha.value, alpha.low, alpha.high};
    *n_items = alpha.n_items;
    return LK_OK;
}

/* "The same" (above 0) among the answers on the scale to items of a kind. */
static lk_status said(const struct work *w, enum lk_review_kind kind, struct lk_said *out, lk_error *err)
{
    uint32_t *yes = lk_calloc(w->all->n_items, sizeof *yes, err),
             *asked = lk_calloc(w->all->n_items, sizeof *asked, err);
    lk_status status = yes != NULL && asked != NULL ? LK_OK : LK_ENOMEM;
    size_t n = 0;
    for (size_t i = 0; i < w->all->n_items && status == LK_OK; i++) {
        if (w->all->items[i].kind != kind)
            continue;
        for (size_t r = 0; r < w->all->n_reviewers; r++) {
            int answer = answer_of(w, i, r);
            asked[n] += answer != NONE;
            yes[n] += answer != NONE && answer > 0;
        }
        n++;
    }
    if (status == LK_OK)
        *out = lk_said_of(yes, asked, n);
    free(yes);
    free(asked);
    return status;
}

static lk_status true_share(const struct work *w, struct lk_review_numbers *n, lk_error *err)
{
    lk_review_stats_summary *s = n->summary;
    struct lk_true_share theta = {NAN, NAN, NAN};
    LK_TRY(said(w, LK_REVIEW_CANDIDATE, &n->candidates, err));
    LK_TRY(said(w, LK_REVIEW_DECOY, &n->noise, err));
    LK_TRY(said(w, LK_REVIEW_MATED, &n->mated, err));
    LK_TRY(lk_true_share_of(&n->candidates, &n->noise, &n->mated, LK_REVIEW_SEED, &theta, err));
    s->theta = (lk_review_estimate){theta.value, theta.low, theta.high};
    s->said_same = n->candidates.share;
    s->decoys_same = n->noise.share;
    s->mated_same = n->mated.share;
    return LK_OK;
}

static void count_cases(const struct lk_review_all *all, lk_review_stats_summary *s)
{
    for (size_t i = 0; i < all->n_items; i++) {
        const struct lk_review_all_item *item = &all->items[i];
        if (item->kind != LK_REVIEW_CANDIDATE)
            continue;
        s->n_candidates++;
        s->n_same += item->unanimous > 0;
        s->n_different += item->unanimous < 0;
        s->n_decided += item->decision != LK_REVIEW_UNDECIDED;
        s->n_decided_same += item->decision == LK_REVIEW_SAME;
    }
    s->theta_most = all->progress.complete && s->n_same == 0 && s->n_decided_same == 0
                        ? lk_rule_of_three(s->n_candidates)
                        : NAN;
}

static bool has_decoys(const struct lk_review_all *all)
{
    for (size_t i = 0; i < all->n_items; i++)
        if (all->items[i].kind == LK_REVIEW_DECOY)
            return true;
    return false;
}

static lk_status compute(const struct work *w, struct lk_review_numbers *n, lk_error *err)
{
    for (size_t r = 0; r < w->all->n_reviewers; r++)
        LK_TRY(one_reviewer(w, r, n, err));
    LK_TRY(agreement(w, false, &n->summary->alpha, &n->n_alpha, err));
    LK_TRY(agreement(w, true, &n->summary->alpha_candidates, &n->n_alpha_candidates, err));
    LK_TRY(true_share(w, n, err));
    count_cases(w->all, n->summary);
    return LK_OK;
}

lk_status lk_review_compute(const struct lk_review_all *all, struct lk_review_numbers *numbers,
                            lk_review_stats_summary *summary, lk_error *err)
{
    *numbers = (struct lk_review_numbers){.all = all, .summary = summary, .noise_is_decoys = has_decoys(all)};
    *summary = (lk_review_stats_summary){.complete = all->progress.complete,
                                         .closed = all->progress.closed,
                                         .n_reviewers = all->n_reviewers,
                                         .log_rows = all->log_rows,
                                         .undone = all->undone};
    memcpy(summary->log_sha256, all->log_sha256, sizeof summary->log_sha256);
    memcpy(summary->broken, all->broken, sizeof summary->broken);
    size_t n = all->n_items * all->n_reviewers;
    struct work w = {all, lk_calloc(n, sizeof *w.answers, err)};
    if (w.answers == NULL)
        return LK_ENOMEM;
    for (size_t i = 0; i < n; i++)
        w.answers[i] = NONE;
    for (size_t i = 0; i < all->n_given; i++)
        if (on_scale(all->given[i].answer))
            w.answers[all->given[i].item * all->n_reviewers + all->given[i].reviewer] = all->given[i].answer;
    lk_status status = compute(&w, numbers, err);
    free(w.answers);
    return status;
}
