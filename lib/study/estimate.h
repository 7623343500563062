/* SPDX-License-Identifier: Apache-2.0 */
/* estimate.h - what a study will take: sizes of its sets, and how fast this machine is. */
#ifndef LK_STUDY_ESTIMATE_H
#define LK_STUDY_ESTIMATE_H

#include "study/plan.h"

struct lk_study_size {
    uint64_t rows; /* embeddings, or images where there are none yet */
    uint64_t dim;  /* 0 = not known */
};

struct lk_study_rate {
    double each_second; /* images, or pairs */
    uint64_t dim;
    const char *how; /* it is known, in words */
};

/* rates.c */
lk_status lk_study_measure_size(struct lk_study_size *size, const struct lk_study_job *job, size_t matcher,
                                size_t set, lk_error *err);
lk_status lk_study_embed_rate(struct lk_study_rate *rate, const struct lk_study_job *job, size_t matcher,
                              lk_error *err);
lk_status lk_study_match_rate(struct lk_study_rate *rate, const struct lk_study_job *job, uint64_t dim,
                              lk_error *err);

#endif
