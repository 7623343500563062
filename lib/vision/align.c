/* SPDX-License-Identifier: Apache-2.0 */
/* align.c - fits the similarity from a face's points to the ArcFace template and cuts the crop. */
#include "vision/align.h"

#include <math.h>

#include "vision/tensor.h"

/* Reference points of ArcFace (Deng et al. 2019) for a crop of 112 x 112: the eyes, the nose, the corners of
 * the mouth. */
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
    /* Without reflections the plane's least squares needs no SVD: with points as complex numbers around their
     * means, the factor is <to, from> / <from, from>. */
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

/* The five points of the template from the four of a detector that gives the mouth's centre. It lies
 * elsewhere than half way between the corners (a smile lifts them, a turned head moves it), and such a
 * detector's eyes and nose differ too. Each coordinate is linear in those of nose and mouth in the frame of
 * the eyes (their middle at 0, 1 = their distance): nose x, nose y, mouth x, mouth y, constant. Least squares
 * on BlazeFace's points against YuNet's on 900 generated faces and their mirror images (bench/fit_points.py).
 */
static const double five_from_four[5][2][5] = {
    {{0.0858, 0.0163, 0.0541, -0.1734, -0.3035}, {0.0089, 0.2253, 0.0223, -0.2366, 0.1161}},
    {{0.0858, -0.0163, 0.0541, 0.1734, 0.3035}, {-0.0089, 0.2253, -0.0223, -0.2366, 0.1161}},
    {{0.5255, 0.0000, 0.2667, 0.0000, 0.0000}, {0.0000, 0.2542, 0.0000, 0.1866, 0.2270}},
    {{0.0825, -0.0297, 0.0950, -0.0974, -0.3053}, {0.0002, -0.2909, 0.0219, 1.1315, -0.0594}},
    {{0.0825, 0.0297, 0.0950, 0.0974, 0.3053}, {-0.0002, -0.2909, -0.0219, 1.1315, -0.0594}},
};

static void complete_points(const struct lk_face *face, double points[5][2])
{
    const float(*p)[2] = face->points;
    double ex = p[LK_EYE_RIGHT][0] - (double)p[LK_EYE_LEFT][0],
           ey = p[LK_EYE_RIGHT][1] - (double)p[LK_EYE_LEFT][1];
    double mx = (p[LK_EYE_LEFT][0] + (double)p[LK_EYE_RIGHT][0]) / 2,
           my = (p[LK_EYE_LEFT][1] + (double)p[LK_EYE_RIGHT][1]) / 2;
    double square = ex * ex + ey * ey, in[5] = {0, 0, 0, 0, 1};
    for (int i = 0; i < 2 && square > 0; i++) {
        const float *q = p[i == 0 ? LK_NOSE : LK_MOUTH];
        in[2 * i] = ((q[0] - mx) * ex + (q[1] - my) * ey) / square;
        in[2 * i + 1] = ((q[1] - my) * ex - (q[0] - mx) * ey) / square;
    }
    for (int k = 0; k < 5; k++) {
        double x = 0, y = 0;
        for (int i = 0; i < 5; i++) {
            x += five_from_four[k][0][i] * in[i];
            y += five_from_four[k][1][i] * in[i];
        }
        points[k][0] = mx + x * ex - y * ey;
        points[k][1] = my + y * ex + x * ey;
    }
}

bool lk_face_five(const struct lk_face *face, double points[5][2])
{
    static const unsigned four = 1u << LK_EYE_LEFT | 1u << LK_EYE_RIGHT | 1u << LK_NOSE | 1u << LK_MOUTH;
    static const unsigned five = (1u << LK_MOUTH) - 1; /* the points before it */
    if (face->has == four) {
        complete_points(face, points);
        return true;
    }
    for (int i = 0; i < 5; i++)
        for (int k = 0; k < 2; k++)
            points[i][k] = face->points[i][k];
    return (face->has & five) == five;
}

lk_status lk_align(const struct lk_image *image, const struct lk_face *face, int size, struct lk_image *crop,
                   lk_error *err)
{
    double points[LK_N_POINTS][2], from[LK_N_POINTS][2], to[LK_N_POINTS][2];
    unsigned has = face->has;
    for (int i = 0; i < LK_N_POINTS; i++)
        for (int k = 0; k < 2; k++)
            points[i][k] = face->points[i][k];
    if (lk_face_five(face, points))
        has |= (1u << LK_MOUTH) - 1; /* the five before it */
    if (has != face->has)
        has &= ~(1u << LK_MOUTH); /* they were estimated from it */
    int n = 0;
    for (int i = 0; i < LK_N_POINTS; i++) {
        if ((has >> i & 1) == 0)
            continue;
        for (int k = 0; k < 2; k++) {
            from[n][k] = points[i][k];
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
