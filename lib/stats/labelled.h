/* SPDX-License-Identifier: Apache-2.0 */
/* labelled.h - genuine and impostor scores of a labelled FACES directory, by a list of pairs, by templates or
 * by its identities. */
#ifndef LK_STATS_LABELLED_H
#define LK_STATS_LABELLED_H

#include "base/ctx.h"
#include "formats/faces.h"
#include "formats/ijb.h"
#include "formats/insightface_bin.h"
#include "formats/pairs.h"
#include "stats/roc.h"

/* Limits of a set that is compared in full; a larger one is sampled. */
enum { LK_ALL_PAIRS_ROWS = 20000, LK_GENUINE_PAIRS = 1000 * 1000 };

struct lk_labelled {
    struct lk_roc roc;
    uint64_t n_missing;              /* pairs with an image that has no usable embedding */
    uint64_t n_templates;            /* with a usable image; 0 where images are compared */
    uint64_t n_images_missing;       /* of templates: without a usable embedding */
    int n_folds;                     /* 0 without a protocol of at least two folds */
    struct lk_accuracy accuracy;     /* over the pairs that could be scored */
    struct lk_accuracy accuracy_all; /* missing pairs counted as judged wrongly */
    int sampled;                     /* genuine or impostor pairs are a random sample */
    uint64_t seed;                   /* of that */
};

/* The pairs that a file lists: NAME/NAME_%04d is the image of that identity with that file name, any
 * extension. */
lk_status lk_labelled_pairs(struct lk_labelled *out, lk_ctx *ctx, const struct lk_faces *faces,
                            const struct lk_pairs *pairs, double max_fmr, lk_error *err);

/* The pairs that a .bin says, in ten folds of neighbouring pairs (the first n % 10 hold one more; none with
 * fewer than ten pairs), as InsightFace's verification cuts them. Image "NAME#i" is its picture i, where NAME
 * ends with the name of the file `path`. */
lk_status lk_labelled_bin(struct lk_labelled *out, lk_ctx *ctx, const struct lk_faces *faces,
                          const struct lk_bin *bin, const char *path, double max_fmr, lk_error *err);

/* Pairs of templates, as IJB-B and IJB-C list them. `pairs` is read twice, from its start, in small pieces:
 * memory depends on the number of templates and of genuine pairs. `images_path` and `pairs_path` are for
 * messages. */
lk_status lk_labelled_templates(struct lk_labelled *out, lk_ctx *ctx, const struct lk_faces *faces,
                                const struct lk_ijb_images *images, const char *images_path,
                                const struct lk_map *pairs, const char *pairs_path, double max_fmr,
                                lk_error *err);

/* All pairs of images that have an identity. With one_for_each, and always above LK_ALL_PAIRS_ROWS images:
 * one random impostor pair for each pair of identities. Above LK_ALL_PAIRS_ROWS identities: so many random
 * ones, for both kinds of pairs. Above LK_GENUINE_PAIRS genuine pairs: so many random ones, the same number
 * for each identity. */
lk_status lk_labelled_all(struct lk_labelled *out, lk_ctx *ctx, const struct lk_faces *faces,
                          bool one_for_each, uint64_t seed, double max_fmr, lk_error *err);

/* Rates from n scored pairs in n_folds folds (1 or more); a score that is NaN is missing. Sorts them. At
 * least one score is there. */
lk_status lk_labelled_list(struct lk_labelled *out, struct lk_scored_pair *scored, size_t n, int n_folds,
                           double max_fmr, lk_error *err);
/* Whether there is one. */
bool lk_labelled_any(const struct lk_scored_pair *scored, size_t n);

void lk_labelled_close(struct lk_labelled *labelled);

#endif
