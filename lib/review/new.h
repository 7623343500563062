/* SPDX-License-Identifier: Apache-2.0 */
/* new.h - what the parts that make a new review share: the sets of faces, lists of pairs, pictures. */
#ifndef LK_REVIEW_NEW_H
#define LK_REVIEW_NEW_H

#include "base/names.h"
#include "base/rng.h"
#include "formats/faces.h"
#include "formats/pictures.h"
#include "review/store.h"

/* ---- sets (sets.c) ---- */

enum { LK_REVIEW_SYNTHETIC, LK_REVIEW_TRAIN, LK_REVIEW_FIRST_HOLDOUT };

struct lk_review_set {
    struct lk_faces faces;
    struct lk_names names; /* of identities */
    uint32_t *person;      /* of each row; LK_NO_NAME = none */
    size_t *start;         /* rows_of[start[p] .. start[p + 1]) are the rows of person p */
    uint64_t *rows_of;
    uint64_t *measured; /* rows that no filter of the measurement left out */
    size_t n_measured;
    bool *is_measured; /* of each row */
};

struct lk_review_sets {
    struct lk_review_set *sets; /* synthetic, train, hold-outs */
    size_t n;
};

/* Opens the FACES directories that MEASURE/measures.json names. */
lk_status lk_review_sets_open(struct lk_review_sets *out, lk_ctx *ctx, const char *measure, lk_error *err);
void lk_review_sets_free(struct lk_review_sets *sets);

/* A face: a row of a set. */
struct lk_review_face {
    size_t set;
    uint64_t row;
};
const struct lk_face_image *lk_review_face_image(const struct lk_review_sets *sets,
                                                 struct lk_review_face face);
/* Rows of the same person, its own included; 0 where it has no name. */
size_t lk_review_face_others(const struct lk_review_sets *sets, struct lk_review_face face,
                             const uint64_t **rows);

/* ---- pairs (pairs.c) ---- */

struct lk_review_pair {
    struct lk_review_face side[2];
    double score, e_value; /* NaN = not known */
    bool discovery;
};

struct lk_review_pairs {
    struct lk_review_pair *pairs;
    size_t n, capacity;
};

/* Discoveries, closest first, then the closest pairs; or the pairs of a table in its order. One pair of each
 * identity and person. */
lk_status lk_review_candidates(const struct lk_review_sets *sets, const char *measure, const char *table,
                               struct lk_review_pairs *out, lk_error *err);
/* Each identity's closest hold-out image, closest first; none without a hold-out. */
lk_status lk_review_decoys(const struct lk_review_sets *sets, const char *measure,
                           struct lk_review_pairs *out, lk_error *err);
void lk_review_pairs_shuffle(struct lk_review_pair *pairs, size_t n, struct lk_rng *rng);
/* Two photos of one person of the training set, one pair for each person, in random order. */
lk_status lk_review_mates(const struct lk_review_sets *sets, struct lk_rng *rng, struct lk_review_pairs *out,
                          lk_error *err);
/* So many random pairs of a synthetic image and one of the hold-out (of the training set without one). */
lk_status lk_review_strangers(const struct lk_review_sets *sets, size_t n, struct lk_rng *rng,
                              struct lk_review_pairs *out, lk_error *err);

/* ---- pictures (pictures.c) ---- */

/* Pictures that were read, each once however often it is shown. */
struct lk_review_shots;
lk_status lk_review_shots_new(struct lk_review_shots **out, lk_ctx *ctx, const struct lk_review_sets *sets,
                              lk_error *err);
void lk_review_shots_free(struct lk_review_shots *shots);
/* Asks for a face's picture; `original` when the whole picture is wanted, too. */
lk_status lk_review_shots_want(struct lk_review_shots *shots, struct lk_review_face face, bool original,
                               lk_error *err);
/* Reads what was asked for since the last time, over the threads. A picture that cannot be read is no
 * failure. */
lk_status lk_review_shots_read(struct lk_review_shots *shots, lk_error *err);
bool lk_review_shots_has(const struct lk_review_shots *shots, struct lk_review_face face);
/* Puts a picture into the review at its first use, and gives its number there. */
lk_status lk_review_shots_store(struct lk_review_shots *shots, struct lk_review_face face,
                                struct lk_review_store *store, int64_t *number, lk_error *err);
/* Are both the same photo, perhaps changed? Both were read. */
lk_status lk_review_shots_same(const struct lk_review_shots *shots, const struct lk_review_face face[2],
                               bool *same, lk_error *err);
/* How many could not be read, and why the first of them could not. */
size_t lk_review_shots_failed(const struct lk_review_shots *shots, const char **why);

#endif
