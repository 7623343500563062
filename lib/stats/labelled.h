/* SPDX-License-Identifier: Apache-2.0 */
/* labelled.h - genuine and impostor scores of a labelled FACES directory, by a pairs file or by its
 * identities. */
#ifndef LK_STATS_LABELLED_H
#define LK_STATS_LABELLED_H

#include "base/ctx.h"
#include "formats/faces.h"
#include "formats/pairs.h"
#include "stats/roc.h"

/* Limits of a set that is compared in full; a larger one is sampled. */
enum { LK_ALL_PAIRS_ROWS = 20000, LK_GENUINE_PAIRS = 1000 * 1000 };

struct lk_labelled {
    struct lk_roc roc;
    uint64_t n_missing; /* pairs with an image that has no usable embedding */
    int n_folds; /* 0 without a protocol of at least two folds */
    struct lk_accuracy accuracy; /* over the pairs that could be scored */
    struct lk_accuracy accuracy_all; /* missing pairs counted as judged wrongly */
    int sampled; /* genuine or impostor pairs are a random sample */
    uint64_t seed; /* of that */
};

/* The pairs that a file lists: NAME/NAME_%04d is the image of that identity with that file name, any
 * extension. */
lk_status lk_labelled_pairs(struct lk_labelled *out, lk_ctx *ctx, const struct lk_faces *faces,
                            const struct lk_pairs *pairs, double max_fmr, lk_error *err);

/* All pairs of images that have an identity. Above LK_ALL_PAIRS_ROWS images: one random impostor pair for
 * each pair of identities. Above LK_ALL_PAIRS_ROWS identities: so many random ones, for both kinds of pairs.
 * Above LK_GENUINE_PAIRS genuine pairs: so many random ones, the same number for each identity. */
lk_status lk_labelled_all(struct lk_labelled *out, lk_ctx *ctx, const struct lk_faces *faces, double max_fmr,
                          lk_error *err);

void lk_labelled_close(struct lk_labelled *labelled);

#endif
