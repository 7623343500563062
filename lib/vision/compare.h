/* SPDX-License-Identifier: Apache-2.0 */
/* compare.h - do two files of one model compute the same? */
#ifndef LK_VISION_COMPARE_H
#define LK_VISION_COMPARE_H

#include "vision/model.h"

/* Largest relative difference at which a cleaned file may stand in for its original. */
#define LK_MODEL_MAX_DIFF 1e-4

/* Seeded random pictures as tensors for a model, one after the other; freed by the caller. */
#define LK_MODEL_PICTURES 3
lk_status lk_model_pictures(const struct lk_model *model, float **tensors, lk_error *err);

/* The largest difference of two outputs' numbers, relative to the largest number of the first; infinite when
 * they cannot be compared. */
double lk_model_difference(const struct lk_ort_tensor *a, const struct lk_ort_tensor *b);

/* Runs both on the same seeded random pictures; *diff is the largest difference of any output's number,
 * relative to the largest number of that output. */
lk_status lk_model_compare(const struct lk_model *model, const char *original, const char *other,
                           double *diff, lk_error *err);

#endif
