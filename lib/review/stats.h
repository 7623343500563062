/* SPDX-License-Identifier: Apache-2.0 */
/* stats.h - the numbers of a review, between those who compute and those who write them. */
#ifndef LK_REVIEW_STATS_H
#define LK_REVIEW_STATS_H

#include <jansson.h>

#include "review/store.h"
#include "stats/detection.h"

struct lk_review_numbers {
    const struct lk_review_all *all;
    lk_review_stats_summary *summary;
    size_t n_alpha, n_alpha_candidates; /* items behind the two alphas */
    struct lk_said candidates, noise, mated;
    bool noise_is_decoys; /* else easy pairs: the measurement had no hold-out */
    struct lk_review_person {
        uint64_t easy, easy_same;
        double milliseconds; /* median of the answers; NaN without any */
    } persons[LK_REVIEW_MAX_REVIEWERS];
};

/* For every number that is drawn or resampled. */
enum { LK_REVIEW_SEED = 1 };

lk_status lk_review_compute(const struct lk_review_all *all, struct lk_review_numbers *numbers,
                            lk_review_stats_summary *summary, lk_error *err);
/* New reference. */
lk_status lk_review_json(const struct lk_review_numbers *numbers, const char *command, json_t **out,
                         lk_error *err);

#endif
