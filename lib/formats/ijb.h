/* SPDX-License-Identifier: Apache-2.0 */
/* ijb.h - the tables of IJB-B and IJB-C: which images make a template, and which templates are compared. */
#ifndef LK_FORMATS_IJB_H
#define LK_FORMATS_IJB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct lk_ijb_image {
    const uint8_t *name; /* of the picture, in the caller's bytes; not terminated */
    size_t name_len;     /* 1 .. 4096 */
    uint32_t template_id, media;
};

struct lk_ijb_images {
    struct lk_ijb_image *items; /* in the order of the file */
    size_t n;
};

/* Lines "name template media" (ijbb_face_tid_mid.txt, ijbc_face_tid_mid.txt), separated by blanks or tabs;
 * the last two are whole numbers below 2^32, so names may hold blanks. Empty lines are skipped. Anything
 * else, and a file without lines, is LK_EFORMAT naming the line. `bytes` must outlive the result. Limit: 100
 * million lines. */
lk_status lk_ijb_images_parse(struct lk_ijb_images *out, const uint8_t *bytes, size_t len, lk_error *err);
void lk_ijb_images_free(struct lk_ijb_images *images);

struct lk_ijb_pair {
    uint32_t template_id[2];
    bool genuine;
    uint64_t line; /* from 1 */
};

/* A walk over a table of pairs, which may be longer than memory is large. Start from {bytes, len}. */
struct lk_ijb_pairs {
    const uint8_t *bytes;
    size_t len, at;
    uint64_t line; /* last read */
};

/* Reads up to `room` lines "template template label" (ijbb_template_pair_label.txt,
 * ijbc_template_pair_label.txt) with label 1 for the same person and 0 for another; *n is 0 at the end.
 * Separators, numbers and errors as above. */
lk_status lk_ijb_pairs_next(struct lk_ijb_pairs *pairs, struct lk_ijb_pair *out, size_t room, size_t *n,
                            lk_error *err);

#endif
