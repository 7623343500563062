/* SPDX-License-Identifier: Apache-2.0 */
/* tensor.h - pictures into the numbers that a network wants: resampling, channel order, mean and scale,
 * layout. */
#ifndef LK_VISION_TENSOR_H
#define LK_VISION_TENSOR_H

#include <stdbool.h>

#include "vision/align.h"

struct lk_input { /* what a network expects: value = (pixel - mean) * scale */
    int width, height;
    bool nhwc;                /* channels last */
    bool bgr;                 /* channel order */
    float mean[3], scale[3];  /* of red, green, blue, whatever the order */
};

#define LK_INPUT_COUNT(input) ((size_t)3 * (size_t)(input)->width * (size_t)(input)->height)

/* Converts a picture of exactly the input's size. */
void lk_tensor_fill(const struct lk_input *input, const struct lk_image *image, float *out);

/* Resamples a picture: pixel p of it lands at map(p) of out, which has its size set and memory given.
 * Bilinear, black outside, like OpenCV's warpAffine; strong reductions are averaged first, so that they do
 * not alias. */
lk_status lk_warp(const struct lk_image *image, const struct lk_similarity *map, struct lk_image *out,
                  lk_error *err);

/* The map that puts a whole picture of w x h in the middle of an input; `fill` < 1 leaves a black border
 * around. */
struct lk_similarity lk_letterbox(const struct lk_input *input, int w, int h, double fill);

/* Where map came from: the point p with map(p) = q. */
void lk_similarity_back(const struct lk_similarity *map, const double q[2], double p[2]);

#endif
