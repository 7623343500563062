/* SPDX-License-Identifier: Apache-2.0 */
/* t_strata.c - sharpness of crops whose value is known, and yaw of heads turned by known angles. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "vision/strata.h"

enum { SIDE = 112 };

/* ---- sharpness ------------------------------------------------------------------------------------- */

static struct lk_image grey(uint8_t (*value)(int x, int y))
{
    struct lk_image image = {0, 0, NULL};
    assert_int_equal(lk_image_new(&image, SIDE, SIDE, NULL), LK_OK);
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++)
            memset(image.rgb + 3 * (y * SIDE + x), value(x, y), 3);
    return image;
}

static struct lk_rng rng;
static uint8_t flat(int x, int y)
{
    return (void)x, (void)y, 77;
}
static uint8_t board(int x, int y)
{
    return (x + y) % 2 ? 200 : 100;
}
static uint8_t stripes(int x, int y)
{
    return (void)y, x % 4 < 2 ? 10 : 250;
}
static uint8_t slope(int x, int y)
{
    return (void)y, (uint8_t)(2 * x);
}
static uint8_t noise(int x, int y)
{
    return (void)x, (void)y, (uint8_t)lk_rng_below(&rng, 256);
}
static uint8_t dim_noise(int x, int y)
{
    return (uint8_t)(100 + noise(x, y) / 4);
}

static float sharpness_of(uint8_t (*value)(int x, int y))
{
    struct lk_image image = grey(value);
    float sharpness = lk_sharpness(&image);
    lk_image_free(&image);
    return sharpness;
}

static void test_sharpness(void **state)
{
    (void)state;
    assert_true(isnan(sharpness_of(flat)));
    /* On a chess board each neighbour differs: the Laplacian is 8 times the deviation. */
    assert_float_equal(sharpness_of(board), 64, 1e-4);
    /* Of two pixels in a stripe each has one neighbour in the other stripe: 2 times the deviation. */
    assert_float_equal(sharpness_of(stripes), 4, 1e-4);
    assert_float_equal(sharpness_of(slope), 0, 0);
    rng = lk_rng_seed(3);
    assert_float_equal(sharpness_of(noise), 20, 1); /* 4 x 1 + 16 times the variance */
    rng = lk_rng_seed(3);
    assert_float_equal(sharpness_of(dim_noise), 20, 1); /* a quarter of the contrast */

    struct lk_image image = grey(stripes);
    for (int y = 0; y < SIDE; y++) /* a margin of something else does not count */
        for (int x = 0; x < SIDE; x++)
            if (x < 13 || y < 13 || x >= SIDE - 13 || y >= SIDE - 13)
                memset(image.rgb + 3 * (y * SIDE + x), noise(x, y), 3);
    assert_float_equal(lk_sharpness(&image), 4, 1e-4);
    lk_image_free(&image);
    struct lk_image dot = {0, 0, NULL};
    assert_int_equal(lk_image_new(&dot, 1, 1, NULL), LK_OK);
    assert_true(isnan(lk_sharpness(&dot)));
    lk_image_free(&dot);
}

/* ---- yaw ------------------------------------------------------------------------------------------- */

/* A face in space, in centimetres: x to the right, y up, z towards the camera; eyes, nose, corners of the
 * mouth of the model that docs/methods.md names, written down here again. */
static const double head[5][3] = {{-3.1511455, 2.624618, 3.465663},
                                  {3.1511455, 2.624618, 3.465663},
                                  {0, -1.126865, 7.475604},
                                  {-2.456206, -4.342621, 4.283884},
                                  {2.456206, -4.342621, 4.283884}};

/* The head turned about its own vertical axis, then nodding, then tilting (degrees); seen from `distance`
 * centimetres, or from far away (0). */
static struct lk_face look(double yaw, double pitch, double roll, double distance)
{
    struct lk_face face = {.has = 31};
    double a = yaw * M_PI / 180, b = pitch * M_PI / 180, c = roll * M_PI / 180;
    for (int i = 0; i < 5; i++) {
        double x = head[i][0] * cos(a) + head[i][2] * sin(a), z = head[i][2] * cos(a) - head[i][0] * sin(a);
        double y = head[i][1] * cos(b) - z * sin(b);
        z = head[i][1] * sin(b) + z * cos(b);
        double u = x * cos(c) - y * sin(c), v = x * sin(c) + y * cos(c);
        double scale = distance > 0 ? 10 * distance / (distance - z) : 10;
        face.points[i][0] = (float)(300 + scale * u);
        face.points[i][1] = (float)(200 - scale * v);
    }
    return face;
}

static void test_yaw(void **state)
{
    (void)state;
    for (int yaw = -80; yaw <= 80; yaw += 10) {
        for (int pitch = -30; pitch <= 30; pitch += 15) {
            for (int roll = -60; roll <= 60; roll += 30) {
                struct lk_face face = look(yaw, pitch, roll, 0);
                assert_float_equal(lk_yaw(&face), yaw, 1e-3);
            }
        }
        /* From a metre away the perspective changes the answer by a few degrees only. */
        struct lk_face near = look(yaw, 0, 0, 100);
        if (abs(yaw) <= 60)
            assert_float_equal(lk_yaw(&near), yaw, 3);
    }
    struct lk_face face = look(25, 10, 5, 0), mirrored = face;
    for (int i = 0; i < 5; i++) { /* left and right change places */
        int other = i == LK_NOSE ? LK_NOSE : i ^ (i < LK_NOSE ? 1 : 7);
        mirrored.points[i][0] = 600 - face.points[other][0];
        mirrored.points[i][1] = face.points[other][1];
    }
    assert_float_equal(lk_yaw(&mirrored), -lk_yaw(&face), 1e-3);
    assert_true(lk_yaw(&face) > 0 && face.points[LK_NOSE][0] > 300); /* positive: the nose points right */
}

static void test_yaw_without_points(void **state)
{
    (void)state;
    struct lk_face face = look(20, 0, 0, 0);
    face.has = 7; /* eyes and nose alone */
    assert_true(isnan(lk_yaw(&face)));
    face.has = 0;
    assert_true(isnan(lk_yaw(&face)));
    face = (struct lk_face){.has = 31}; /* all on one spot */
    assert_true(isnan(lk_yaw(&face)));
    /* BlazeFace's four points: the five are estimated, and turn with the head. */
    float before = -90;
    for (int yaw = -40; yaw <= 40; yaw += 20) {
        face = look(yaw, 0, 0, 0);
        for (int k = 0; k < 2; k++)
            face.points[LK_MOUTH][k] = (face.points[LK_MOUTH_LEFT][k] + face.points[LK_MOUTH_RIGHT][k]) / 2;
        face.has = 1 << LK_EYE_LEFT | 1 << LK_EYE_RIGHT | 1 << LK_NOSE | 1 << LK_MOUTH;
        float found = lk_yaw(&face);
        assert_true(found > before + 10);
        before = found;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sharpness),
        cmocka_unit_test(test_yaw),
        cmocka_unit_test(test_yaw_without_points),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
