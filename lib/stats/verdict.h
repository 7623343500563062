/* SPDX-License-Identifier: Apache-2.0 */
/* verdict.h - from the measures to one of five verdicts, and the sentence that says it. */
#ifndef LK_STATS_VERDICT_H
#define LK_STATS_VERDICT_H

#include "stats/decoys.h"
#include "stats/pull.h"

/* The smallest leak that the run would have found. */
struct lk_evidence_power {
    int measured;
    int genuine;       /* leaks as alike as two images of one person; else all of this strength */
    double strength;   /* cosine; of genuine pairs the median */
    double power;      /* probability asked for */
    uint64_t planted;  /* units; 0 = not even when all leak */
    uint64_t n;        /* units that were planted into */
};

/* Synthetic identities that hold a picture of T, and pictures that are held. */
struct lk_evidence_copies {
    uint64_t identities, references;
};

struct lk_evidence {
    uint64_t n_units; /* synthetic identities that were compared */
    int units_are_images; /* the synthetic set has no labels: each image is a unit */
    int has_holdout;
    /* The rest counts with a hold-out only. */
    struct lk_pull pull;
    struct lk_competition competition;
    uint64_t hub_discoveries; /* most discoveries that have one and the same reference as their best match */
    /* Discoveries when only the unit with the largest margin counts of those that share their nearest person. */
    uint64_t persons_once;
    const char *unbalanced; /* in words: the check that refuted that the galleries are exchangeable; NULL = none */
    struct lk_evidence_power power;
    struct lk_evidence_copies copies; /* counts without a hold-out, too */
};

/* Writes the sentence (cut to room bytes) and gives the verdict. Never says that there is no leak. Copies are
 * proof whatever the scores say; what these say follows in the sentence. Nothing found is said only with a
 * measured power, and when leaks of at most half of the units would have been found. */
lk_verdict lk_judge(const struct lk_evidence *evidence, char *sentence, size_t room);

#endif
