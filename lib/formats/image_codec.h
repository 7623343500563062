/* SPDX-License-Identifier: Apache-2.0 */
/* image_codec.h - what the decoders of single formats share; included by lib/formats/image*.c alone. */
#ifndef LK_FORMATS_IMAGE_CODEC_H
#define LK_FORMATS_IMAGE_CODEC_H

#include "formats/image.h"

/* Each decodes a whole file of its format, EXIF orientation included. */
lk_status lk_image_decode_jpeg(const uint8_t *bytes, size_t len, struct lk_image *out, lk_error *err);
lk_status lk_image_decode_png(const uint8_t *bytes, size_t len, struct lk_image *out, lk_error *err);
lk_status lk_image_decode_webp(const uint8_t *bytes, size_t len, struct lk_image *out, lk_error *err);

/* Refuses sizes that are zero or beyond the limits, before any memory is taken. */
lk_status lk_image_check_size(uint64_t width, uint64_t height, lk_error *err);

/* Lays n RGBA pixels over white, into RGB. `rgb` may be where `rgba` is. */
void lk_image_flatten(const uint8_t *rgba, uint8_t *rgb, size_t n);

/* The orientation, 1 .. 8, of an EXIF block with or without its "Exif\0\0" mark; 1 when it has none. */
int lk_exif_orientation(const uint8_t *exif, size_t len);
/* Turns the picture upright. */
lk_status lk_image_orient(struct lk_image *image, int orientation, lk_error *err);

#endif
