/* SPDX-License-Identifier: Apache-2.0 */
/* align.c - fits the similarity from a face's points to the ArcFace template and cuts the crop. */
#include "vision/align.h"

#include <math.h>

#include "vision/tensor.h"

/* Reference points of ArcFace (Deng et al. 2019) for a crop of 112 x 112: the eyes, the nose, the corners of the mouth. */
static const double template112[LK_N_POINTS][2] = {
    [LK_EYE_LEFT] = {38.2946, 51.6963},
    [LK_EYE_RIGHT] = {73.5318, 51.5014},
    [LK_NOSE] = {56.0252, 71.7366},
    [LK_MOUTH_LEFT] = {41.5493, 92.3655},
    [LK_MOUTH_RIGHT] = {70.7299, 92.2041},
    [LK_MOUTH] = {(41.5493 + 70.7299) / 2, (92.3655 + 92.2041) / 2},
};

lk_status lk_similarity_fit(const double (*from)[2], const double (*to)[2], int n, struct lk_similarity *out,
                            lk_error *err)
{
    double fx = 0, fy = 0, tx = 0, ty = 0;
    for (int i = 0; i < n; i++) {
        fx += from[i][0] / n;
        fy += from[i][1] / n;
        tx += to[i][0] / n;
        ty += to[i][1] / n;
    }
    /* Without reflections the plane's least squares needs no SVD: with points as complex numbers around their means, the factor is
     * <to, from> / <from, from>. */
    double real = 0, imaginary = 0, square = 0;
    for (int i = 0; i < n; i++) {
        double x = from[i][0] - fx, y = from[i][1] - fy, u = to[i][0] - tx, v = to[i][1] - ty;
        real += x * u + y * v;
        imaginary += x * v - y * u;
        square += x * x + y * y;
    }
    double a = real / square, b = imaginary / square;
    LK_NEED(n >= 2 && isfinite(a) && isfinite(b) && hypot(a, b) > 0, err, LK_EFORMAT,
            "the face's points lie on one another; expected eyes, nose and mouth apart");
    *out = (struct lk_similarity){a, b, tx - (a * fx - b * fy), ty - (b * fx + a * fy)};
    return LK_OK;
}

lk_status lk_align(const struct lk_image *image, const struct lk_face *face, int size, struct lk_image *crop,
                   lk_error *err)
{
    double from[LK_N_POINTS][2], to[LK_N_POINTS][2];
    int n = 0;
    for (int i = 0; i < LK_N_POINTS; i++) {
        if ((face->has >> i & 1) == 0)
            continue;
        for (int k = 0; k < 2; k++) {
            from[n][k] = face->points[i][k];
            to[n][k] = template112[i][k] * size / 112.0;
        }
        n++;
    }
    struct lk_similarity map;
    LK_TRY(lk_similarity_fit((const double(*)[2])from, (const double(*)[2])to, n, &map, err));
    LK_TRY(lk_image_new(crop, size, size, err));
    lk_status status = lk_warp(image, &map, crop, err);
    if (status != LK_OK)
        lk_image_free(crop);
    return status;
}
