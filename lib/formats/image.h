/* SPDX-License-Identifier: Apache-2.0 */
/* image.h - pictures: JPEG, PNG and WebP to 8-bit RGB, and RGB to JPEG and PNG. */
#ifndef LK_FORMATS_IMAGE_H
#define LK_FORMATS_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* 8-bit RGB, rows top to bottom without padding: pixel (x, y) at rgb[3 * (y * width + x)]. */
struct lk_image {
    int width, height;
    uint8_t *rgb; /* owned; NULL when empty */
};

/* Largest picture that is decoded, in pixels; a larger one is refused before memory is taken. */
#define LK_IMAGE_MAX_PIXELS ((uint64_t)100 * 1000 * 1000)
/* Largest encoded file that is read, in bytes. */
#define LK_IMAGE_MAX_BYTES ((size_t)256 * 1024 * 1024)

/* Makes a black picture. */
lk_status lk_image_new(struct lk_image *out, int width, int height, lk_error *err);
void lk_image_free(struct lk_image *image); /* and back to empty */

/* Decodes by content, not by name. EXIF orientation is applied, grey, CMYK and palettes become RGB, 16 bits
 * become 8, alpha is laid over white. LK_EFORMAT with what was found and expected (the caller puts the file
 * name in front); a truncated picture is refused, never padded. */
lk_status lk_image_decode(const uint8_t *bytes, size_t len, struct lk_image *out, lk_error *err);

/* Encodes at quality 1 .. 100, 4:4:4. *bytes is freed by the caller. The same input gives the same bytes. */
lk_status lk_image_encode_jpeg(const struct lk_image *image, int quality, uint8_t **bytes, size_t *len,
                               lk_error *err);
/* Encodes as PNG, 8-bit RGB, likewise. */
lk_status lk_image_encode_png(const struct lk_image *image, uint8_t **bytes, size_t *len, lk_error *err);

#endif
