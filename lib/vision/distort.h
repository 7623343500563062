/* SPDX-License-Identifier: Apache-2.0 */
/* distort.h - mild changes of a picture, as leaked training pictures undergo them: flip, crop, blur, colour,
 * blend.
 *
 * Each makes a new picture in `out`; the same input gives the same bytes. */
#ifndef LK_VISION_DISTORT_H
#define LK_VISION_DISTORT_H

#include "formats/image.h"

/* A rectangle of a picture in pixels; fractions of pixels are meant. */
struct lk_rect {
    double x, y, width, height;
};

/* Mirrors left and right. */
lk_status lk_distort_flip(const struct lk_image *in, struct lk_image *out, lk_error *err);

/* Scales a rectangle inside the picture to width x height: triangle filter, widened when shrinking, so that
 * nothing aliases. */
lk_status lk_distort_crop(const struct lk_image *in, const struct lk_rect *rect, int width, int height,
                          struct lk_image *out, lk_error *err);

/* Gaussian of standard deviation sigma, 0.1 to 50 pixels; the picture is mirrored at its borders, so the mean
 * stays. */
lk_status lk_distort_blur(const struct lk_image *in, double sigma, struct lk_image *out, lk_error *err);

/* Per channel: v -> gain * v ^ gamma with v in 0 .. 1, clipped. */
lk_status lk_distort_colour(const struct lk_image *in, const double gain[3], const double gamma[3],
                            struct lk_image *out, lk_error *err);

/* alpha * a + (1 - alpha) * b; b is scaled to the size of a. */
lk_status lk_distort_blend(const struct lk_image *a, const struct lk_image *b, double alpha,
                           struct lk_image *out, lk_error *err);

#endif
