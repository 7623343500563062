/* SPDX-License-Identifier: Apache-2.0 */
/* convert.h - a fetched model in another format than ONNX, converted and checked. */
#ifndef LK_VISION_CONVERT_H
#define LK_VISION_CONVERT_H

#include "vision/model.h"

/* Converts the TensorFlow.js graph model at `original` into the ONNX file `converted` (convert_tfjs.py), and
 * compares what ONNX Runtime computes from it on seeded random pictures with what numpy computes from the
 * original (tfjs_graph.py, which shares no code for the operators with the conversion). *diff is the largest
 * difference relative to the largest number of an output. Files of the comparison are left in `stage`.
 * LK_EFORMAT when they differ by more than LK_MODEL_MAX_DIFF. */
lk_status lk_model_convert(lk_ctx *ctx, const struct lk_model *model, const char *stage, const char *original,
                           const char *converted, double *diff, lk_error *err);

#endif
