/* SPDX-License-Identifier: Apache-2.0 */
/* detection.h - what people's answers are worth: sensitivity and criterion of one, the share of true cases
 * behind the answers of all. */
#ifndef LK_STATS_DETECTION_H
#define LK_STATS_DETECTION_H

#include "base/error.h"

struct lk_detection {
    double d_prime, criterion; /* NaN without signals, or without noise */
};

/* From "yes" to signals (hits) and to noise (false alarms), with the log-linear correction: half an answer is
 * added to each kind, so that rates of 0 and 1 have a finite value (Hautus 1995). */
struct lk_detection lk_detection_of(uint64_t hits, uint64_t signals, uint64_t false_alarms, uint64_t noises);

/* How often "yes" was said to items, each asked of several people. */
struct lk_said {
    double share;   /* mean over items of the share of their answers; NaN without any */
    double n;       /* independent answers that would know this share as well, from the spread over items */
    size_t n_items; /* with an answer */
};
struct lk_said lk_said_of(const uint32_t *yes, const uint32_t *asked, size_t n_items);

enum { LK_TRUE_SHARE_DRAWS = 10000 };

struct lk_true_share {
    double value, low, high; /* 0 .. 1; NaN where mates are not called the same more often than decoys */
};

/* Share of candidates that are true: (candidates - decoys) / (mates - decoys), with a 95 % interval by draws
 * from the three shares' Beta distributions (Jeffreys). */
lk_status lk_true_share_of(const struct lk_said *candidates, const struct lk_said *decoys,
                           const struct lk_said *mates, uint64_t seed, struct lk_true_share *out,
                           lk_error *err);

/* 95 % upper bound of a share of which n independent cases show none: 3 / n ("rule of three"), at most 1. */
double lk_rule_of_three(uint64_t n);

#endif
