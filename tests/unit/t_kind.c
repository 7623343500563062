/* SPDX-License-Identifier: Apache-2.0 */
/* t_kind.c - same picture, or another one: what copies undergo leaves the kind as it is. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/rng.h"
#include "vision/distort.h"
#include "vision/kind.h"

enum { SIDE = 112 };

/* A smooth picture, as photographs are: a sum of waves, the slow ones strongest. */
static struct lk_image waves(uint64_t seed)
{
    struct lk_image image = {0};
    struct lk_rng rng = lk_rng_seed(seed);
    double part[24][4];
    for (int k = 0; k < 24; k++) {
        part[k][0] = lk_rng_unit(&rng) * 12 - 6;
        part[k][1] = lk_rng_unit(&rng) * 12 - 6;
        part[k][2] = lk_rng_unit(&rng) * 2 * M_PI;
        part[k][3] = 40 / (1 + hypot(part[k][0], part[k][1]));
    }
    assert_int_equal(lk_image_new(&image, SIDE, SIDE, NULL), LK_OK);
    for (int i = 0; i < SIDE * SIDE; i++) {
        double x = i % SIDE / (double)SIDE, y = i / SIDE / (double)SIDE, sum = 128;
        for (int k = 0; k < 24; k++)
            sum += part[k][3] * cos(2 * M_PI * (part[k][0] * x + part[k][1] * y) + part[k][2]);
        for (int c = 0; c < 3; c++)
            image.rgb[3 * i + c] = (uint8_t)fmax(0, fmin(sum + 10 * c, 255));
    }
    return image;
}

static enum lk_kind kind_of(const struct lk_image *a, const struct lk_image *b, struct lk_kind_evidence *e)
{
    enum lk_kind kind, back;
    struct lk_kind_evidence turned;
    lk_error err;
    assert_int_equal(lk_kind_of(a, b, &kind, e, &err), LK_OK);
    assert_int_equal(lk_kind_of(b, a, &back, &turned, &err), LK_OK);
    assert_int_equal(kind, back);
    assert_true(turned.bits == e->bits && (turned.similarity == e->similarity || isnan(e->similarity)));
    return kind;
}

static void test_copies(void **state)
{
    (void)state;
    const struct lk_rect inner = {2, 3, SIDE - 4, SIDE - 5};
    const double gain[3] = {1.1, 0.9, 1}, gamma[3] = {0.9, 1.1, 1.2};
    struct lk_kind_evidence e;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct lk_image a = waves(seed), b = {0};
        assert_int_equal(kind_of(&a, &a, &e), LK_KIND_SAME_PICTURE);
        assert_true(e.similarity > 1 - 1e-9 && e.bits == 0);
        assert_int_equal(lk_distort_crop(&a, &inner, SIDE, SIDE, &b, NULL), LK_OK);
        assert_int_equal(kind_of(&a, &b, &e), LK_KIND_SAME_PICTURE);
        lk_image_free(&b);
        assert_int_equal(lk_distort_blur(&a, 1.5, &b, NULL), LK_OK);
        assert_int_equal(kind_of(&a, &b, &e), LK_KIND_SAME_PICTURE);
        lk_image_free(&b);
        assert_int_equal(lk_distort_colour(&a, gain, gamma, &b, NULL), LK_OK);
        assert_int_equal(kind_of(&a, &b, &e), LK_KIND_SAME_PICTURE);
        lk_image_free(&b);
        assert_int_equal(lk_distort_flip(&a, &b, NULL), LK_OK);
        assert_int_equal(kind_of(&a, &b, &e), LK_KIND_SAME_MIRRORED);
        assert_true(e.mirrored > 0.99 && e.similarity < LK_KIND_SIMILARITY);
        lk_image_free(&b);
        lk_image_free(&a);
    }
}

static void test_others(void **state)
{
    (void)state;
    struct lk_kind_evidence e;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct lk_image a = waves(seed), b = waves(seed + 1000);
        assert_int_equal(kind_of(&a, &b, &e), LK_KIND_OTHER_PICTURE);
        lk_image_free(&a);
        lk_image_free(&b);
    }
    struct lk_image a = waves(1), flat = {0};
    assert_int_equal(lk_image_new(&flat, SIDE, SIDE, NULL), LK_OK);
    assert_int_equal(kind_of(&a, &flat, &e), LK_KIND_UNKNOWN);
    assert_true(isnan(e.similarity));
    assert_string_equal(lk_kind_name(LK_KIND_SAME_MIRRORED), "same picture, mirrored");
    lk_image_free(&a);
    lk_image_free(&flat);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_copies),
        cmocka_unit_test(test_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
