/* SPDX-License-Identifier: Apache-2.0 */
/* duplicates.h - the parts of the duplicates job: what is kept of each picture, and how groups come about. */
#ifndef LK_VISION_DUPLICATES_H
#define LK_VISION_DUPLICATES_H

#include <stdbool.h>
#include <stdio.h>

#include "base/fs.h"
#include "vision/thumb.h"

/* ---- duplicates_part.c: what an unfinished run knows of each picture, in order ---------------------- */

enum lk_dup_state { LK_DUP_SEEN = 1, LK_DUP_UNREADABLE = 2 };

struct lk_dup_record {
    char sha256[64]; /* of the encoded picture, hex without an end; of no use when unreadable */
    uint8_t state;   /* enum lk_dup_state; anything else is no record */
    uint8_t unused[7];
    uint8_t luma[LK_THUMB_PIXELS];
};

/* OUTPUT.part: a header that says for which pictures it is, and the records. Not exchanged between machines.
 */
struct lk_dup_part {
    char *path;
    FILE *stream;
    uint64_t n; /* records in it */
    double flushed_at;
    struct lk_map map; /* after lk_dup_part_finish */
    const struct lk_dup_record *records;
};

/* Opens or makes the file and keeps others out (LK_EBUSY). It goes on after the records of an earlier run
 * over the same pictures (inputs_sha256), at most n_images; part->n says how many. After a failure too, close
 * it. */
lk_status lk_dup_part_open(struct lk_dup_part *part, const char *output, const char inputs_sha256[65],
                           uint64_t n_images, lk_error *err);
lk_status lk_dup_part_add(struct lk_dup_part *part, const struct lk_dup_record *record, lk_error *err);
/* No more will come: sets records. */
lk_status lk_dup_part_finish(struct lk_dup_part *part, lk_error *err);
/* remove: the result is in its place. */
void lk_dup_part_close(struct lk_dup_part *part, bool remove);

/* ---- duplicates_group.c: which picture is a duplicate of which -------------------------------------- */

struct lk_dup_pair {
    uint32_t i, j; /* i < j, or mirrored i */
    float similarity;
    bool mirrored;
};

struct lk_dup_member {
    uint32_t keeper;  /* the picture that it is a duplicate of; its own number when it is kept */
    lk_dup_kind kind; /* LK_DUP_NONE for kept ones */
    float similarity; /* to the keeper; 1 for kept ones */
};

/* For each of n records the first one with the same bytes (by_bytes) or the same luma: itself when there is
 * none before it, UINT32_MAX when unreadable, and for luma when flat. */
lk_status lk_dup_first_equal(const struct lk_dup_record *records, uint32_t n, bool by_bytes, uint32_t *out,
                             lk_error *err);

/* Goes through the pictures in order: one that is no duplicate of a kept one is kept. A duplicate joins the
 * kept picture that it is most alike, of two equally alike the first; being alike to another duplicate counts
 * for nothing, so no chain grows. pairs are between pictures that are their own first; they get sorted. */
void lk_dup_groups(const uint32_t *same_bytes, const uint32_t *same_luma, uint32_t n,
                   struct lk_dup_pair *pairs, size_t n_pairs, struct lk_dup_member *out);

#endif
