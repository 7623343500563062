/* SPDX-License-Identifier: Apache-2.0 */
/* thumb.h - a picture as 32 x 32 grey values: its perceptual hash, and how alike two are (docs/methods.md).
 */
#ifndef LK_VISION_THUMB_H
#define LK_VISION_THUMB_H

#include <stdbool.h>

#include "formats/image.h"

enum { LK_THUMB_SIDE = 32, LK_THUMB_PIXELS = LK_THUMB_SIDE * LK_THUMB_SIDE, LK_PHASH_BITS = 128 };

/* The whole picture scaled to 32 x 32, whatever its proportions, as luma (ITU-R BT.601), rows top to bottom.
 */
lk_status lk_thumb_make(const struct lk_image *image, uint8_t luma[LK_THUMB_PIXELS], lk_error *err);

/* Left and right exchanged. */
void lk_thumb_mirror(const uint8_t luma[LK_THUMB_PIXELS], uint8_t out[LK_THUMB_PIXELS]);

/* Whether there is too little in the picture to compare it: a standard deviation below two grey values. */
bool lk_thumb_flat(const uint8_t luma[LK_THUMB_PIXELS]);

/* 128 bits, in order of importance 0, 8, 16, ... of each 16-bit word: near.h compares words. */
struct lk_phash {
    uint64_t word[2];
};

struct lk_phash_basis { /* cosines; filled once, read by all threads */
    float at[16][LK_THUMB_SIDE];
};
void lk_phash_basis_init(struct lk_phash_basis *basis);

/* Signs of the 128 lowest frequencies of the discrete cosine transform (Zauner, "Implementation and
 * benchmarking of perceptual image hash functions", 2010, with more bits and zero in place of the median),
 * the mean left out; one that is nearly zero counts as negative. Also of the mirrored picture. */
void lk_phash_make(const struct lk_phash_basis *basis, const uint8_t luma[LK_THUMB_PIXELS],
                   struct lk_phash *hash, struct lk_phash *mirrored);

/* Correlation of the gradients of two thumbs, -1 .. 1, after the best small shift and stretch of one of them
 * (at most 1.5 of 32 pixels): the same for (a, b) and (b, a), and 1 for equal ones that are not flat. */
double lk_thumb_similarity(const uint8_t a[LK_THUMB_PIXELS], const uint8_t b[LK_THUMB_PIXELS]);

/* The same without shift and stretch: never above it. */
double lk_thumb_correlation(const uint8_t a[LK_THUMB_PIXELS], const uint8_t b[LK_THUMB_PIXELS]);

#endif
