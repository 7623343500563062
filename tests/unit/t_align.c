/* SPDX-License-Identifier: Apache-2.0 */
/* t_align.c - the similarity fit, resampling, and the ArcFace crop. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "vision/tensor.h"

static const double points112[5][2] = {
    {38.2946, 51.6963}, {73.5318, 51.5014}, {56.0252, 71.7366}, {41.5493, 92.3655}, {70.7299, 92.2041}};

static void map_point(const struct lk_similarity *m, const double p[2], double q[2])
{
    q[0] = m->a * p[0] - m->b * p[1] + m->tx;
    q[1] = m->b * p[0] + m->a * p[1] + m->ty;
}

static void test_fit_recovers(void **state)
{
    (void)state;
    lk_error err;
    const struct lk_similarity truth = {0.7 * cos(0.5), 0.7 * sin(0.5), 12, -30};
    double to[5][2];
    for (int i = 0; i < 5; i++)
        map_point(&truth, points112[i], to[i]);
    struct lk_similarity found;
    for (int n = 2; n <= 5; n++) {
        assert_int_equal(lk_similarity_fit(points112, (const double(*)[2])to, n, &found, &err), LK_OK);
        assert_float_equal(found.a, truth.a, 1e-12);
        assert_float_equal(found.b, truth.b, 1e-12);
        assert_float_equal(found.tx, truth.tx, 1e-9);
        assert_float_equal(found.ty, truth.ty, 1e-9);
    }
    double back[2];
    lk_similarity_back(&truth, to[3], back);
    assert_float_equal(back[0], points112[3][0], 1e-9);
    assert_float_equal(back[1], points112[3][1], 1e-9);
}

/* With noise the fit must be the least squares: no small change of a parameter makes the residual smaller. */
static void test_fit_is_least_squares(void **state)
{
    (void)state;
    lk_error err;
    struct lk_rng rng = lk_rng_seed(5);
    double to[5][2];
    for (int i = 0; i < 5; i++)
        for (int k = 0; k < 2; k++)
            to[i][k] = points112[i][k] * 1.7 + 20 * lk_rng_unit(&rng);
    struct lk_similarity best;
    assert_int_equal(lk_similarity_fit(points112, (const double(*)[2])to, 5, &best, &err), LK_OK);
    double lowest = 0;
    for (int change = 0; change <= 8; change++) {
        struct lk_similarity m = best;
        double step = change % 2 ? 1e-4 : -1e-4;
        *(change <= 2 ? &m.a : change <= 4 ? &m.b : change <= 6 ? &m.tx : &m.ty) += change > 0 ? step : 0;
        double residual = 0, q[2];
        for (int i = 0; i < 5; i++) {
            map_point(&m, points112[i], q);
            residual += pow(q[0] - to[i][0], 2) + pow(q[1] - to[i][1], 2);
        }
        if (change == 0)
            lowest = residual;
        else
            assert_true(residual > lowest);
    }
}

static void test_fit_refuses_one_point(void **state)
{
    (void)state;
    lk_error err;
    const double same[3][2] = {{5, 5}, {5, 5}, {5, 5}};
    struct lk_similarity m;
    assert_int_equal(lk_similarity_fit(same, points112, 3, &m, &err), LK_EFORMAT);
    assert_int_equal(lk_similarity_fit(points112, same, 3, &m, &err), LK_EFORMAT);
}

/* A picture whose colour is linear in x and y, which bilinear sampling reproduces exactly. */
static void make_ramp(struct lk_image *image, int w, int h)
{
    assert_int_equal(lk_image_new(image, w, h, NULL), LK_OK);
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            uint8_t *p = image->rgb + 3 * (y * w + x);
            p[0] = (uint8_t)x, p[1] = (uint8_t)y, p[2] = 7;
        }
}

static void test_align_puts_points_on_the_template(void **state)
{
    (void)state;
    lk_error err;
    struct lk_image image, crop;
    make_ramp(&image, 250, 250);
    const struct lk_similarity truth = {1.2 * cos(0.3), 1.2 * sin(0.3), 60, 20}; /* template -> picture */
    struct lk_face face = {.has = 31};
    for (int i = 0; i < 5; i++) {
        double q[2];
        map_point(&truth, points112[i], q);
        face.points[i][0] = (float)q[0], face.points[i][1] = (float)q[1];
    }
    assert_int_equal(lk_align(&image, &face, 112, &crop, &err), LK_OK);
    assert_int_equal(crop.width, 112);
    for (int y = 10; y < 100; y += 9)
        for (int x = 10; x < 100; x += 9) {
            double q[2];
            map_point(&truth, (const double[2]){x, y}, q);
            const uint8_t *p = crop.rgb + 3 * (y * 112 + x);
            assert_true(fabs(p[0] - q[0]) <= 0.51 && fabs(p[1] - q[1]) <= 0.51);
            assert_int_equal(p[2], 7);
        }
    lk_image_free(&crop);
    lk_image_free(&image);
}

/* Four points: the crop of a frontal face must come close to that of five, and turn with the face. */
static void test_align_from_four_points(void **state)
{
    (void)state;
    lk_error err;
    struct lk_image image, crop, turned;
    make_ramp(&image, 250, 250);
    struct lk_face face = {.has = 1u << LK_EYE_LEFT | 1u << LK_EYE_RIGHT | 1u << LK_NOSE | 1u << LK_MOUTH};
    const float frontal[4][2] = {{100, 100}, {140, 100}, {120, 124}, {120, 146}};
    const enum lk_point order[4] = {LK_EYE_LEFT, LK_EYE_RIGHT, LK_NOSE, LK_MOUTH};
    for (int i = 0; i < 4; i++)
        memcpy(face.points[order[i]], frontal[i], sizeof frontal[i]);
    assert_int_equal(lk_align(&image, &face, 112, &crop, &err), LK_OK);
    const uint8_t *eye = crop.rgb + 3 * (52 * 112 + 38); /* the template's left eye shows the picture's */
    assert_true(abs(eye[0] - 100) <= 5 && abs(eye[1] - 100) <= 5);
    for (int i = 0; i < 4; i++) { /* a quarter turn around (120, 120): right goes down */
        face.points[order[i]][0] = 120 - (frontal[i][1] - 120);
        face.points[order[i]][1] = 120 + (frontal[i][0] - 120);
    }
    assert_int_equal(lk_align(&image, &face, 112, &turned, &err), LK_OK);
    for (int i = 0; i < 112 * 112; i += 997) {
        double x = 120 - (crop.rgb[3 * i + 1] - 120.0), y = 120 + (crop.rgb[3 * i] - 120.0);
        if (x > 1 && y > 1)
            assert_true(fabs(turned.rgb[3 * i] - x) <= 2 && fabs(turned.rgb[3 * i + 1] - y) <= 2);
    }
    lk_image_free(&crop);
    lk_image_free(&turned);
    lk_image_free(&image);
}

static void test_align_refuses_coinciding_points(void **state)
{
    (void)state;
    lk_error err;
    struct lk_image image, crop;
    make_ramp(&image, 50, 50);
    struct lk_face face = {.has = 31};
    assert_int_equal(lk_align(&image, &face, 112, &crop, &err), LK_EFORMAT);
    face.has = 1u << LK_EYE_LEFT | 1u << LK_EYE_RIGHT | 1u << LK_NOSE | 1u << LK_MOUTH;
    assert_int_equal(lk_align(&image, &face, 112, &crop, &err), LK_EFORMAT);
    lk_image_free(&image);
}

/* A chequerboard of single pixels, strongly reduced, is grey and not a moire. */
static void test_warp_averages(void **state)
{
    (void)state;
    lk_error err;
    struct lk_image image, out;
    assert_int_equal(lk_image_new(&image, 400, 400, &err), LK_OK);
    for (int i = 0; i < 400 * 400; i++)
        memset(image.rgb + 3 * i, (i % 400 + i / 400) % 2 ? 255 : 0, 3);
    assert_int_equal(lk_image_new(&out, 100, 100, &err), LK_OK);
    const struct lk_similarity map = {0.25, 0, -0.375, -0.375};
    assert_int_equal(lk_warp(&image, &map, &out, &err), LK_OK);
    for (int i = 0; i < 3 * 100 * 100; i++)
        assert_in_range(out.rgb[i], 127, 128);
    const struct lk_similarity away = {1, 0, 5000, 0};
    assert_int_equal(lk_warp(&image, &away, &out, &err), LK_OK);
    assert_int_equal(out.rgb[0], 0);
    lk_image_free(&image);
    lk_image_free(&out);
}

static void test_tensor_layouts(void **state)
{
    (void)state;
    uint8_t rgb[6] = {10, 20, 30, 40, 50, 60};
    const struct lk_image image = {2, 1, rgb};
    struct lk_input input = {.width = 2, .height = 1, .mean = {10, 0, 0}, .scale = {1, 2, 3}};
    float out[6];
    lk_tensor_fill(&input, &image, out);
    const float planes[6] = {0, 30, 40, 100, 90, 180};
    assert_memory_equal(out, planes, sizeof out);
    input.bgr = true;
    lk_tensor_fill(&input, &image, out);
    const float planes_bgr[6] = {90, 180, 40, 100, 0, 30};
    assert_memory_equal(out, planes_bgr, sizeof out);
    input.nhwc = true;
    lk_tensor_fill(&input, &image, out);
    const float pixels_bgr[6] = {90, 40, 0, 180, 100, 30};
    assert_memory_equal(out, pixels_bgr, sizeof out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fit_recovers),
        cmocka_unit_test(test_fit_is_least_squares),
        cmocka_unit_test(test_fit_refuses_one_point),
        cmocka_unit_test(test_align_puts_points_on_the_template),
        cmocka_unit_test(test_align_from_four_points),
        cmocka_unit_test(test_align_refuses_coinciding_points),
        cmocka_unit_test(test_warp_averages),
        cmocka_unit_test(test_tensor_layouts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
