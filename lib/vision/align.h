/* SPDX-License-Identifier: Apache-2.0 */
/* align.h - the ArcFace crop: a similarity transform from a face's points to the template. */
#ifndef LK_VISION_ALIGN_H
#define LK_VISION_ALIGN_H

#include <stdbool.h>

#include "formats/faces.h"
#include "formats/image.h"

/* x' = a x - b y + tx, y' = b x + a y + ty */
struct lk_similarity {
    double a, b, tx, ty;
};

/* Least-squares similarity without reflection that maps n >= 2 points onto n others (Umeyama 1991).
 * LK_EFORMAT when the points coincide. */
lk_status lk_similarity_fit(const double (*from)[2], const double (*to)[2], int n, struct lk_similarity *out,
                            lk_error *err);

/* Eyes, nose and corners of the mouth of a face, in the order of the template. Estimated where the detector
 * gave eyes, nose and the mouth's centre; false when it gave other points. */
bool lk_face_five(const struct lk_face *face, double points[5][2]);

/* Crops a face onto the ArcFace 112 x 112 template scaled to size x size, bilinear, black outside the
 * picture. Uses every point the face has; from eyes, nose and mouth centre alone, the template's five points
 * are estimated first. */
lk_status lk_align(const struct lk_image *image, const struct lk_face *face, int size, struct lk_image *crop,
                   lk_error *err);

#endif
