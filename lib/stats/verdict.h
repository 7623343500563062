/* SPDX-License-Identifier: Apache-2.0 */
/* verdict.h - from the measures to one of five verdicts, and the sentence that says it. */
#ifndef LK_STATS_VERDICT_H
#define LK_STATS_VERDICT_H

#include "stats/decoys.h"

struct lk_gallery_size {
    uint64_t identities, images; /* without labels every image is its own identity */
};

struct lk_evidence {
    uint64_t n_units; /* synthetic identities that were compared */
    int units_are_images; /* the synthetic set has no labels: each image is a unit */
    int has_holdout;
    /* The rest counts with a hold-out only. */
    struct lk_gallery_size train, holdout;
    struct lk_preference preference;
    struct lk_competition competition;
    uint64_t hub_discoveries; /* most discoveries that have one and the same reference as their best match */
    /* Discoveries when only the unit with the largest margin counts of those that share their nearest person,
     * where that was looked at. */
    int has_persons_once;
    uint64_t persons_once;
    const char *unbalanced; /* in words: the check that refuted that the galleries are exchangeable; NULL = none */
};

/* Writes the sentence (cut to room bytes) and gives the verdict. Never says that there is no leak:
 * LK_VERDICT_COPIES_SHOWN needs a comparison of pictures, LK_VERDICT_NOTHING_FOUND a measured power, and
 * neither is part of the evidence. */
lk_verdict lk_judge(const struct lk_evidence *evidence, char *sentence, size_t room);

#endif
