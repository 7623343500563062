/* SPDX-License-Identifier: Apache-2.0 */
/* kind.h - what kind of leak a pair is: the same picture, or the same person in another picture. */
#ifndef LK_VISION_KIND_H
#define LK_VISION_KIND_H

#include "vision/thumb.h"

enum lk_kind {
    LK_KIND_OTHER_PICTURE, /* if it is the same person, that person's other picture: an inference of the
                              matcher */
    LK_KIND_SAME_PICTURE,  /* a copy, perhaps cropped, blurred, recoloured or compressed: a proof for the eye
                            */
    LK_KIND_SAME_MIRRORED, /* the same with left and right exchanged */
    LK_KIND_UNKNOWN,       /* too little in one of the pictures to tell */
};

/* What the kind was judged by. */
struct lk_kind_evidence {
    double similarity, mirrored; /* correlation of the gradients, -1 .. 1 (thumb.h); NaN when unknown */
    int bits, bits_mirrored;     /* of the perceptual hashes that differ, of LK_PHASH_BITS */
};

/* A picture is the same from this similarity on when at most LK_KIND_BITS bits differ as well. How both were
 * chosen: docs/methods.md. */
#define LK_KIND_SIMILARITY 0.90
#define LK_KIND_BITS 32

/* a and b are crops that lie on the same template, of any size. The same for (a, b) and (b, a). */
lk_status lk_kind_of(const struct lk_image *a, const struct lk_image *b, enum lk_kind *kind,
                     struct lk_kind_evidence *evidence, lk_error *err);

/* The same from the small grey pictures of both (lk_thumb_make): LK_THUMB_PIXELS values each. */
void lk_kind_of_thumbs(const uint8_t *a, const uint8_t *b, enum lk_kind *kind,
                       struct lk_kind_evidence *evidence);

const char *lk_kind_name(enum lk_kind kind); /* "same picture" */

#endif
