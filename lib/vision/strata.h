/* SPDX-License-Identifier: Apache-2.0 */
/* strata.h - what is measured of every face beside its embedding, so that results can be broken down by it:
 * sharpness, yaw, and an estimate of the age. Nothing is left out because of them. */
#ifndef LK_VISION_STRATA_H
#define LK_VISION_STRATA_H

#include "vision/model.h"

/* Sharpness of an aligned crop: the variance of its Laplacian over the variance of its luma, both over the
 * middle three quarters of its width and height. The variance of the Laplacian is the focus measure of
 * Pech-Pacheco et al. 2000 (ICPR, doi 10.1109/ICPR.2000.903548); divided by the luma's variance it does not
 * change with brightness and contrast. Between 0 and 64; white noise gives 20. Luma is
 * (77 R + 150 G + 29 B) / 256 rounded down, the Laplacian the sum of the four neighbours less four times the
 * pixel; all sums are of whole numbers, so that every machine gives the same. NaN when the crop has one luma
 * throughout. */
float lk_sharpness(const struct lk_image *crop);

/* How far a head is turned, in degrees: 0 = towards the camera, positive = the nose points to the right of
 * the picture. A weak-perspective camera is fitted by least squares to the eyes, the nose and the corners of
 * the mouth of a mean face (POS of DeMenthon and Davis 1995, IJCV 15:123-141); yaw is the azimuth, in the
 * head's frame, of the axis on which it looks, so that tilting and nodding do not change it. NaN when not all
 * of these points are known (those that lk_face_five estimates count). */
float lk_yaw(const struct lk_face *face);

/* An age model, loaded: a network that gives a probability to each year. */
struct lk_age;
lk_status lk_age_new(struct lk_age **out, struct lk_model *model, struct lk_ort *ort, lk_error *err);
/* The expected age of the face on an aligned crop of any size, which is resampled to the model's; NaN when
 * the network gives no probabilities. */
lk_status lk_age_estimate(struct lk_age *age, const struct lk_image *crop, float *years, lk_error *err);
void lk_age_free(struct lk_age *age);

#endif
