/* SPDX-License-Identifier: Apache-2.0 */
/* decoys.h - training set against hold-outs: discoveries with a controlled false discovery rate.
 *
 * A unit (synthetic identity) i has t[i], its best score against the training set, and h[i], its best score
 * against the hold-out; -INFINITY where it has none. docs/methods.md explains it. */
#ifndef LK_STATS_DECOYS_H
#define LK_STATS_DECOYS_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct lk_competition {
    uint64_t n, wins, losses; /* units whose best score is in the training set alone, and in a hold-out alone */
    uint64_t holdouts; /* K */
    double q; /* false discovery rate asked for */
    double tau; /* smallest margin of a discovery; NaN when there is none */
    uint64_t discoveries; /* wins with a margin of at least tau */
    uint64_t decoys; /* losses with a margin of at least tau; K times what chance gives beside the discoveries */
    uint64_t resolution; /* smallest number of discoveries possible at q: ceil(1/(K q)) */
    double largest_decoy; /* largest margin of a loss; 0 without one */
    int not_enough_power; /* nothing found, and fewer wins than the resolution: nothing could be found */
};

/* Knockoff+ competition of the training set with K hold-outs of its size, at rate q in (0, 1). scores holds
 * n x (K + 1) best scores, the training set's first. A unit's margin is its best score less its second best:
 * a win when the best is the training set's, a loss when it is a hold-out's, neither when two are equal. For
 * K = 1 that is |t - h|. q_value (n entries, or NULL) gets each unit's smallest q at which it is a discovery,
 * at most 1; margin (or NULL) its margin, below 0 for a loss. */
lk_status lk_compete_many(const float *scores, size_t n, size_t n_holdouts, double q, double *q_value,
                          double *margin, struct lk_competition *out, lk_error *err);
/* The same with one hold-out. */
lk_status lk_compete(const float *t, const float *h, size_t n, double q, double *q_value,
                     struct lk_competition *out, lk_error *err);

#endif
