/* SPDX-License-Identifier: Apache-2.0 */
/* t_distort.c - distortions by their properties: what they keep, what they must not do. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "vision/distort.h"

static struct lk_image noise(int width, int height, uint64_t seed)
{
    struct lk_image image = {0};
    assert_int_equal(lk_image_new(&image, width, height, NULL), LK_OK);
    struct lk_rng rng = lk_rng_seed(seed);
    for (int i = 0; i < 3 * width * height; i++)
        image.rgb[i] = (uint8_t)lk_rng_below(&rng, 256);
    return image;
}

static bool equal(const struct lk_image *a, const struct lk_image *b)
{
    return a->width == b->width && a->height == b->height &&
           memcmp(a->rgb, b->rgb, (size_t)(3 * a->width * a->height)) == 0;
}

static double mean(const struct lk_image *image)
{
    double sum = 0;
    for (int i = 0; i < 3 * image->width * image->height; i++)
        sum += image->rgb[i];
    return sum / (3 * image->width * image->height);
}

/* Sum of squared differences between neighbours in a row. */
static double roughness(const struct lk_image *image)
{
    double sum = 0;
    for (int y = 0; y < image->height; y++)
        for (int i = 3; i < 3 * image->width; i++) {
            double d =
                (double)image->rgb[3 * y * image->width + i] - image->rgb[3 * y * image->width + i - 3];
            sum += d * d;
        }
    return sum;
}

static void test_flip(void **state)
{
    (void)state;
    for (int width = 1; width < 6; width++) {
        struct lk_image in = noise(width, 4, 1), once = {0}, twice = {0};
        assert_int_equal(lk_distort_flip(&in, &once, NULL), LK_OK);
        assert_memory_equal(once.rgb, in.rgb + 3 * (width - 1), 3);
        assert_int_equal(lk_distort_flip(&once, &twice, NULL), LK_OK);
        assert_true(equal(&in, &twice));
        lk_image_free(&in);
        lk_image_free(&once);
        lk_image_free(&twice);
    }
}

static void test_crop_whole_is_identity(void **state)
{
    (void)state;
    struct lk_image in = noise(31, 17, 2), out = {0};
    const struct lk_rect whole = {0, 0, 31, 17};
    assert_int_equal(lk_distort_crop(&in, &whole, 31, 17, &out, NULL), LK_OK);
    assert_true(equal(&in, &out));
    lk_image_free(&out);
    const struct lk_rect inner = {5, 3, 10, 8}; /* whole pixels at the same scale: cut out as they are */
    assert_int_equal(lk_distort_crop(&in, &inner, 10, 8, &out, NULL), LK_OK);
    for (int y = 0; y < 8; y++)
        assert_memory_equal(out.rgb + 30 * y, in.rgb + 3 * (31 * (y + 3) + 5), 30);
    lk_image_free(&out);
    lk_image_free(&in);
}

static void test_crop_scales(void **state)
{
    (void)state;
    struct lk_image in = noise(40, 40, 3), out = {0};
    const struct lk_rect whole = {0, 0, 40, 40};
    assert_int_equal(lk_distort_crop(&in, &whole, 10, 10, &out, NULL), LK_OK);
    assert_int_equal(out.width, 10);
    assert_true(fabs(mean(&in) - mean(&out)) < 2.5);            /* shrinking averages, */
    assert_true(roughness(&out) / 100 < roughness(&in) / 1600 / 4); /* so noise gets smoother */
    lk_image_free(&out);
    /* A flat picture stays flat at any scale and place. */
    memset(in.rgb, 77, 3 * 40 * 40);
    const struct lk_rect odd = {0.3, 1.7, 33.3, 35.1};
    assert_int_equal(lk_distort_crop(&in, &odd, 57, 23, &out, NULL), LK_OK);
    for (int i = 0; i < 3 * 57 * 23; i++)
        assert_int_equal(out.rgb[i], 77);
    lk_image_free(&out);
    lk_image_free(&in);
}

static void test_crop_bounds(void **state)
{
    (void)state;
    struct lk_image in = noise(20, 10, 4), out = {0};
    static const struct lk_rect bad[] = {{-1, 0, 5, 5},   {0, -0.5, 5, 5}, {16, 0, 5, 5}, {0, 6, 5, 5},
                                         {0, 0, 0.5, 5}, {0, 0, NAN, 5},  {0, 0, INFINITY, 5}};
    lk_error err;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(lk_distort_crop(&in, &bad[i], 20, 10, &out, &err), LK_EINVAL);
        assert_non_null(strstr(err.text, "inside 20 x 10"));
    }
    const struct lk_rect whole = {0, 0, 20, 10};
    assert_int_equal(lk_distort_crop(&in, &whole, 0, 10, &out, &err), LK_EINVAL);
    assert_null(out.rgb);
    lk_image_free(&in);
}

static void test_blur(void **state)
{
    (void)state;
    static const double sigmas[] = {0.5, 1, 2, 9};
    double rough = INFINITY;
    struct lk_image in = noise(24, 19, 5);
    for (size_t i = 0; i < 4; i++) {
        struct lk_image out = {0};
        assert_int_equal(lk_distort_blur(&in, sigmas[i], &out, NULL), LK_OK);
        assert_true(fabs(mean(&in) - mean(&out)) < 0.1); /* rounding alone */
        assert_true(roughness(&out) < rough);
        rough = roughness(&out);
        lk_image_free(&out);
    }
    lk_image_free(&in);
    /* One bright pixel becomes a symmetric bump whose width is sigma. */
    struct lk_image dot = {0}, out = {0};
    assert_int_equal(lk_image_new(&dot, 41, 41, NULL), LK_OK);
    memset(dot.rgb + 3 * (20 * 41 + 20), 255, 3);
    assert_int_equal(lk_distort_blur(&dot, 1.0, &out, NULL), LK_OK);
    assert_in_range(out.rgb[3 * (20 * 41 + 20)], 40, 41); /* 255 / (2 pi) = 40.6 */
    assert_int_equal(out.rgb[3 * (20 * 41 + 18)], out.rgb[3 * (20 * 41 + 22)]);
    assert_int_equal(out.rgb[3 * (18 * 41 + 20)], out.rgb[3 * (20 * 41 + 22)]);
    lk_image_free(&dot);
    lk_image_free(&out);
    lk_error err;
    struct lk_image small = noise(1, 1, 6);
    assert_int_equal(lk_distort_blur(&small, 50, &out, &err), LK_OK); /* mirrored far beyond its size */
    assert_true(equal(&small, &out));
    lk_image_free(&out);
    assert_int_equal(lk_distort_blur(&small, NAN, &out, &err), LK_EINVAL);
    assert_int_equal(lk_distort_blur(&small, 0, &out, &err), LK_EINVAL);
    lk_image_free(&small);
}

static void test_colour(void **state)
{
    (void)state;
    struct lk_image in = noise(16, 16, 7), out = {0};
    const double one[3] = {1, 1, 1}, bright[3] = {2, 1, 1}, none[3] = {0, 1, 1};
    assert_int_equal(lk_distort_colour(&in, one, one, &out, NULL), LK_OK);
    assert_true(equal(&in, &out));
    lk_image_free(&out);
    assert_int_equal(lk_distort_colour(&in, bright, one, &out, NULL), LK_OK);
    for (int i = 0; i < 3 * 256; i++) {
        int doubled = 2 * in.rgb[i] > 255 ? 255 : 2 * in.rgb[i];
        assert_int_equal(out.rgb[i], i % 3 == 0 ? doubled : in.rgb[i]);
    }
    lk_image_free(&out);
    assert_int_equal(lk_distort_colour(&in, none, one, &out, NULL), LK_EINVAL);
    lk_image_free(&in);
}

static void test_blend(void **state)
{
    (void)state;
    struct lk_image a = noise(16, 12, 8), b = noise(9, 30, 9), out = {0}, scaled = {0};
    assert_int_equal(lk_distort_blend(&a, &b, 1, &out, NULL), LK_OK);
    assert_true(equal(&a, &out));
    lk_image_free(&out);
    const struct lk_rect whole = {0, 0, 9, 30};
    assert_int_equal(lk_distort_crop(&b, &whole, 16, 12, &scaled, NULL), LK_OK);
    assert_int_equal(lk_distort_blend(&a, &b, 0, &out, NULL), LK_OK);
    assert_true(equal(&scaled, &out));
    lk_image_free(&out);
    assert_int_equal(lk_distort_blend(&a, &b, 0.5, &out, NULL), LK_OK);
    for (int i = 0; i < 3 * 16 * 12; i++)
        assert_in_range(2 * out.rgb[i], a.rgb[i] + scaled.rgb[i], a.rgb[i] + scaled.rgb[i] + 1);
    lk_image_free(&out);
    assert_int_equal(lk_distort_blend(&a, &b, 1.5, &out, NULL), LK_EINVAL);
    lk_image_free(&scaled);
    lk_image_free(&a);
    lk_image_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_flip),        cmocka_unit_test(test_crop_whole_is_identity),
        cmocka_unit_test(test_crop_scales), cmocka_unit_test(test_crop_bounds),
        cmocka_unit_test(test_blur),        cmocka_unit_test(test_colour),
        cmocka_unit_test(test_blend),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
