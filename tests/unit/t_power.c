/* SPDX-License-Identifier: Apache-2.0 */
/* t_power.c - what "nothing found" means, and several matchers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

#include "base/rng.h"
#include "stats/decoys.h"
#include "stats/power.h"
#include "stats/several.h"

static void assert_near(double got, double want, double relative)
{
    if (!(fabs(got - want) <= relative * fabs(want)))
        fail_msg("got %.17g, expected %.17g", got, want);
}

static int set_up(void **state)
{
    lk_ctx_options options;
    lk_ctx_options_init(&options);
    options.threads = 2;
    lk_ctx *ctx = NULL;
    int failed = lk_ctx_new(&ctx, &options, NULL) != LK_OK;
    *state = ctx;
    return failed;
}

static int tear_down(void **state)
{
    lk_ctx_free(*state);
    return 0;
}

/* docs/methods.md: 0 of 100 reviewed pairs. */
static void test_none_seen(void **state)
{
    (void)state;
    assert_near(lk_none_seen_limit(100, 0.95), 0.0295130, 1e-5);
    assert_near(lk_none_seen_limit(1, 0.95), 0.95, 1e-14);
    assert_near(lk_none_seen_limit(1000000000, 0.95), 2.995732e-9, 1e-6);
    assert_true(lk_none_seen_limit(0, 0.95) == 1);
}

/* The worked example of docs/methods.md, and uniformity where nothing leaked. */
static void test_margin_p(void **state)
{
    (void)state;
    const double margin[] = {0.5, 0.1, -0.2, -0.05, 0}, tied[] = {0.2, -0.2};
    double p[5];
    lk_error err;
    assert_int_equal(lk_margin_p(margin, 5, 1, p, &err), LK_OK);
    assert_near(p[0], 1.0 / 6, 1e-15);
    assert_near(p[1], 2.0 / 6, 1e-15);
    assert_true(p[2] == 1 && p[3] == 1 && p[4] == 1);
    assert_int_equal(lk_margin_p(tied, 2, 3, p, &err), LK_OK);
    assert_near(p[0], 1.0 / 4, 1e-15); /* equal margins count against it */
    assert_int_equal(lk_margin_p(tied, 2, 0, p, &err), LK_EINVAL);

    enum { N = 400, RUNS = 200 };
    int low = 0;
    struct lk_rng rng = lk_rng_seed(5);
    for (int run = 0; run < RUNS; run++) {
        double drawn[N], each[N];
        for (int i = 0; i < N; i++) /* two hold-outs: T wins one of three times */
            drawn[i] = (1 + (double)lk_rng_below(&rng, 1000000)) * (lk_rng_below(&rng, 3) == 0 ? 1 : -1);
        assert_int_equal(lk_margin_p(drawn, N, 2, each, &err), LK_OK);
        for (int i = 0; i < N; i++)
            low += each[i] <= 0.05;
    }
    assert_true(fabs(low / (double)(N * RUNS) - 0.05) < 0.005);
}

/* docs/methods.md: three matchers. */
static void test_partial_conjunction(void **state)
{
    (void)state;
    lk_error err;
    const double p[] = {0.2, 0.001, 0.01}, bad[] = {0.1, NAN};
    double out;
    assert_int_equal(lk_partial_conjunction(p, 3, 1, &out, &err), LK_OK);
    assert_near(out, 0.003, 1e-14);
    assert_int_equal(lk_partial_conjunction(p, 3, 2, &out, &err), LK_OK);
    assert_near(out, 0.02, 1e-14);
    assert_int_equal(lk_partial_conjunction(p, 3, 3, &out, &err), LK_OK);
    assert_near(out, 0.2, 1e-14);
    assert_int_equal(lk_partial_conjunction(p, 1, 1, &out, &err), LK_OK);
    assert_near(out, 0.2, 1e-14);
    const double large[] = {0.9, 0.9};
    assert_int_equal(lk_partial_conjunction(large, 2, 1, &out, &err), LK_OK);
    assert_true(out == 1);
    assert_int_equal(lk_partial_conjunction(p, 3, 0, &out, &err), LK_EINVAL);
    assert_int_equal(lk_partial_conjunction(p, 3, 4, &out, &err), LK_EINVAL);
    assert_int_equal(lk_partial_conjunction(bad, 2, 1, &out, &err), LK_EINVAL);
}

/* r of n: where r - 1 matchers always find something and the rest by chance, p is not smaller than it says.
 */
static void test_partial_conjunction_null(void **state)
{
    (void)state;
    lk_error err;
    struct lk_rng rng = lk_rng_seed(20261127);
    int small = 0;
    for (int run = 0; run < 20000; run++) {
        double p[3] = {0, lk_rng_unit(&rng), lk_rng_unit(&rng)}, out;
        assert_int_equal(lk_partial_conjunction(p, 3, 2, &out, &err), LK_OK);
        small += out <= 0.05;
    }
    assert_true(small <= 1100 && small >= 850); /* 1 - .975^2 = 4.9 % */
}

static void test_agreement(void **state)
{
    (void)state;
    const uint8_t a[] = {1, 1, 1, 0, 0, 0, 0, 0, 0, 0}, b[] = {1, 1, 0, 1, 0, 0, 0, 0, 0, 0}, none[10] = {0};
    struct lk_agreement r;
    lk_agreement(a, b, 10, &r);
    assert_true(r.n == 10 && r.first == 3 && r.second == 3 && r.both == 2);
    assert_near(r.jaccard, 0.5, 1e-14);
    assert_near(r.kappa, (0.8 - 0.58) / 0.42, 1e-12);
    lk_agreement(none, none, 10, &r);
    assert_true(isnan(r.jaccard) && isnan(r.kappa));
    lk_agreement(a, none, 10, &r);
    assert_true(r.jaccard == 0 && r.kappa == 0);
}

/* ---- power --------------------------------------------------------------------------------------------- */

enum { N = 400 };

/* Scores of a run where nothing leaked: the best of fifty chance scores, at most 0.6. */
static void chance(float *scores, size_t n_holdouts, uint64_t seed)
{
    struct lk_rng rng = lk_rng_seed(seed);
    for (size_t i = 0; i < N * (n_holdouts + 1); i++)
        scores[i] = (float)(0.6 * pow(lk_rng_unit(&rng), 1.0 / 50));
}

static void test_power(void **state)
{
    lk_ctx *ctx = *state;
    lk_error err;
    static float scores[4 * N];
    chance(scores, 1, 20261128);
    const float strong = 0.95f, weak = 0.3f;
    struct lk_power_run run = {.scores = scores,
                               .n_units = N,
                               .n_holdouts = 1,
                               .genuine = &strong,
                               .n_genuine = 1,
                               .q = 0.05,
                               .seed = 7};
    struct lk_power_point p, again;
    assert_int_equal(lk_power(ctx, &run, 0, &p, &err), LK_OK);
    assert_true(p.detected == 0 && p.found == 0 && p.false_share <= 0.05 + 3 * sqrt(0.05 * 0.95 / 200));
    assert_int_equal(lk_power(ctx, &run, 19, &p, &err),
                     LK_OK); /* below the resolution of 20, less a lucky win */
    assert_true(p.detected < 0.5);
    assert_int_equal(lk_power(ctx, &run, 40, &p, &err), LK_OK);
    assert_true(p.detected > 0.95 && p.found > 0.9 && p.false_share < 0.08);
    assert_int_equal(lk_power(ctx, &run, 40, &again, &err), LK_OK);
    assert_memory_equal(&p, &again, sizeof p);
    assert_int_equal(lk_power_smallest(ctx, &run, 0.8, &p, &err), LK_OK);
    assert_true(p.planted >= 15 && p.planted <= 25 && p.detected >= 0.8 &&
                p.detected_interval.low < p.detected);
    assert_int_equal(lk_power(ctx, &run, p.planted - 1, &again, &err), LK_OK);
    assert_true(again.detected < 0.8);
    /* Three hold-outs need 7 discoveries. */
    struct lk_power_run three = run;
    chance(scores, 3, 20261129);
    three.n_holdouts = 3;
    assert_int_equal(lk_power_smallest(ctx, &three, 0.8, &again, &err), LK_OK);
    assert_true(again.planted >= 5 && again.planted <= 11 && again.planted < p.planted);
    /* What scores lower than strangers do is never found. */
    run.genuine = &weak;
    assert_int_equal(lk_power_smallest(ctx, &run, 0.8, &p, &err), LK_OK);
    assert_true(p.planted == 0 && p.detected < 0.1);
}

/* docs/methods.md: strangers are 0.1 apart, a leak is above them all. */
static void test_power_example(void **state)
{
    lk_ctx *ctx = *state;
    lk_error err;
    float scores[40 * 4];
    const float strength = 0.9f;
    for (size_t i = 0; i < sizeof scores / sizeof scores[0]; i++)
        scores[i] = i % 2 ? 0.3f : 0.2f;
    struct lk_power_run run = {.scores = scores,
                               .n_units = 40,
                               .n_holdouts = 1,
                               .genuine = &strength,
                               .n_genuine = 1,
                               .q = 0.05,
                               .seed = 1};
    struct lk_power_point p;
    assert_int_equal(lk_power_smallest(ctx, &run, 0.8, &p, &err), LK_OK);
    assert_true(p.planted == 20 && p.n == 40 && p.detected == 1);
    assert_int_equal(lk_power(ctx, &run, 19, &p, &err), LK_OK);
    assert_true(p.detected == 0);
    for (size_t u = 0; u < 40; u++)
        scores[4 * u] = scores[4 * u + 1] = scores[4 * u + 2] = 0.2f, scores[4 * u + 3] = 0.3f;
    run.n_holdouts = 3;
    assert_int_equal(lk_power_smallest(ctx, &run, 0.8, &p, &err), LK_OK);
    assert_true(p.planted == 7 && p.detected == 1);
}

static void test_power_input(void **state)
{
    lk_ctx *ctx = *state;
    lk_error err;
    const float scores[] = {0.5f, 0.4f}, genuine[] = {0.7f, NAN};
    struct lk_power_run run = {
        .scores = scores, .n_units = 1, .n_holdouts = 1, .genuine = genuine, .n_genuine = 1, .q = 0.05};
    struct lk_power_point p;
    assert_int_equal(lk_power(ctx, &run, 1, &p, &err), LK_OK);
    assert_true(p.n == 1 && p.detected == 0);
    assert_int_equal(lk_power(ctx, &run, 2, &p, &err), LK_EINVAL);
    run.n_genuine = 2;
    assert_int_equal(lk_power(ctx, &run, 1, &p, &err), LK_EINVAL);
    run.n_genuine = 0;
    assert_int_equal(lk_power(ctx, &run, 1, &p, &err), LK_EINVAL);
    run.n_genuine = 1;
    assert_int_equal(lk_power_smallest(ctx, &run, 1, &p, &err), LK_EINVAL);
    run.n_units = 0;
    assert_int_equal(lk_power(ctx, &run, 0, &p, &err), LK_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_none_seen),
        cmocka_unit_test(test_margin_p),
        cmocka_unit_test(test_partial_conjunction),
        cmocka_unit_test(test_partial_conjunction_null),
        cmocka_unit_test(test_agreement),
        cmocka_unit_test_setup_teardown(test_power, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_power_example, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_power_input, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
