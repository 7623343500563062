/* SPDX-License-Identifier: Apache-2.0 */
/* strata.c - sharpness of a crop, and yaw from a face's points. */
#include "vision/strata.h"

#include <math.h>

/* ---- sharpness ----------------------------------------------------------------------------------- */

static int64_t luma(const struct lk_image *image, int x, int y)
{
    const uint8_t *p = image->rgb + 3 * ((size_t)y * (size_t)image->width + (size_t)x);
    return (77 * p[0] + 150 * p[1] + 29 * p[2]) >> 8;
}

/* The variance of n whole numbers, times n squared; exactly 0 when they are all the same. */
static double spread(int64_t n, int64_t sum, int64_t squares)
{
    return (double)n * (double)squares - (double)sum * (double)sum;
}

float lk_sharpness(const struct lk_image *crop)
{
    /* The margin of a crop is background, or black where the picture ended. */
    int left = crop->width / 8, top = crop->height / 8, right = crop->width - left,
        bottom = crop->height - top;
    int64_t n = 0, sum = 0, squares = 0, edges = 0, edge_squares = 0;
    for (int y = top > 0 ? top : 1; y < bottom && y + 1 < crop->height; y++) {
        for (int x = left > 0 ? left : 1; x < right && x + 1 < crop->width; x++) {
            int64_t v = luma(crop, x, y);
            int64_t edge = luma(crop, x - 1, y) + luma(crop, x + 1, y) + luma(crop, x, y - 1) +
                           luma(crop, x, y + 1) - 4 * v;
            n++;
            sum += v;
            squares += v * v;
            edges += edge;
            edge_squares += edge * edge;
        }
    }
    double contrast = spread(n, sum, squares);
    return contrast > 0 ? (float)(spread(n, edges, edge_squares) / contrast) : NAN;
}

/* ---- yaw ----------------------------------------------------------------------------------------- */

/* MediaPipe's canonical face model (Apache-2.0) in centimetres: the middles between the corners of each eye
 * (vertices 33 and 133, 362 and 263), the nose's tip (1), the corners of the mouth (61, 291). x to the right
 * of the picture, y down, z away from the camera. */
static const double model_face[5][3] = {
    {-3.1511455, -2.624618, -3.465663}, {3.1511455, -2.624618, -3.465663}, {0, 1.126865, -7.475604},
    {-2.456206, 4.342621, -4.283884},   {2.456206, 4.342621, -4.283884},
};

/* The row of the camera that gives one coordinate of the picture: least squares of `at` on the model's
 * points, both around their means. The face is symmetric, so x stands apart from y and z. */
static void fit_row(const double at[5], double row[3])
{
    double mean_y = 0, mean_z = 0, mean = 0;
    for (int i = 0; i < 5; i++) {
        mean_y += model_face[i][1] / 5;
        mean_z += model_face[i][2] / 5;
        mean += at[i] / 5;
    }
    double xx = 0, yy = 0, yz = 0, zz = 0, x = 0, y = 0, z = 0;
    for (int i = 0; i < 5; i++) {
        double u = model_face[i][0], v = model_face[i][1] - mean_y, w = model_face[i][2] - mean_z;
        xx += u * u;
        yy += v * v;
        yz += v * w;
        zz += w * w;
        x += u * (at[i] - mean);
        y += v * (at[i] - mean);
        z += w * (at[i] - mean);
    }
    double det = yy * zz - yz * yz;
    row[0] = x / xx;
    row[1] = (y * zz - z * yz) / det;
    row[2] = (z * yy - y * yz) / det;
}

float lk_yaw(const struct lk_face *face)
{
    double points[5][2], x[5], y[5], across[3], down[3];
    if (!lk_face_five(face, points))
        return NAN;
    for (int i = 0; i < 5; i++) {
        x[i] = points[i][0];
        y[i] = points[i][1];
    }
    fit_row(x, across);
    fit_row(y, down);
    /* The axis on which the camera looks, in the head's frame, is at right angles to both rows. */
    double side = across[1] * down[2] - across[2] * down[1];
    double ahead = across[0] * down[1] - across[1] * down[0];
    double yaw = atan2(side, ahead) * (180 / M_PI);
    return side != 0 || ahead != 0 ? (float)yaw : NAN;
}
