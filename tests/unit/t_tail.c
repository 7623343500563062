/* SPDX-License-Identifier: Apache-2.0 */
/* t_tail.c - the upper tail of scores: the generalised Pareto distribution, E-values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include <math.h>

#include "base/rng.h"
#include "stats/evalue.h"
#include "stats/gpd.h"

/* tests/oracle/tail.py compares the functions with scipy over their range. */
static void assert_near(double got, double want, double relative)
{
    if (!(fabs(got - want) <= relative * fabs(want)))
        fail_msg("got %.17g, expected %.17g", got, want);
}

static void test_tail(void **state)
{
    (void)state;
    struct lk_gpd g = {0, 2}, h = {-0.5, 1}, heavy = {0.5, 1};
    assert_near(lk_gpd_tail(g, 2), exp(-1), 1e-15);
    assert_near(lk_gpd_tail(h, 1), 0.25, 1e-14); /* (1 - x/2)^2 */
    assert_true(lk_gpd_tail(h, 2) == 0 && lk_gpd_tail(h, 3) == 0 && lk_gpd_tail(g, -1) == 1);
    assert_near(lk_gpd_tail(heavy, 2), 0.25, 1e-14); /* (1 + x/2)^-2 */
    assert_near(lk_gpd_predict(g, 5, 20), pow(3, -5), 1e-13);
    struct lk_gpd nearly = {-1e-7, 2};
    assert_near(lk_gpd_predict(nearly, 5, 20), pow(3, -5), 1e-5);
    assert_true(lk_gpd_predict(g, 5, 0) == 1);
    struct lk_gpd end = {-0.25, 1};
    assert_true(lk_gpd_tail(end, 5) == 0 &&
                lk_gpd_predict(end, 9, 5) > 0); /* the end point is uncertain, too */
    assert_true(lk_gpd_predict(end, 9, 1e6) >= 0 && lk_gpd_predict(end, 9, 1e6) < 1e-20);
}

static void test_fit(void **state)
{
    (void)state;
    lk_error err;
    struct lk_gpd g;
    enum { N = 20000 };
    static double x[N];
    struct lk_rng rng = lk_rng_seed(20261124);
    for (int i = 0; i < N; i++) /* shape -0.2, scale 0.05 */
        x[i] = 0.25 * (1 - pow(1 - lk_rng_unit(&rng), 0.2));
    assert_int_equal(lk_gpd_fit_moments(x, N, &g, &err), LK_OK);
    assert_true(fabs(g.shape + 0.2) < 0.03 && fabs(g.scale - 0.05) < 0.002);
    assert_int_equal(lk_gpd_fit_likelihood(x, N, &g, &err), LK_OK);
    assert_true(fabs(g.shape + 0.2) < 0.02 && fabs(g.scale - 0.05) < 0.002);
    /* Hosking & Wallis by hand: mean 2, a1 = (1*2 + 2*1 + 3*0)/2/3 = 2/3, so 2 - 2/(2 - 4/3) = -1, scale 4.
     */
    const double three[] = {3, 1, 2}, equal[] = {1, 1}, bad[] = {-1, 2}, zeros[] = {0, 0, 1};
    assert_int_equal(lk_gpd_fit_moments(three, 3, &g, &err), LK_OK);
    assert_near(g.shape, -1, 1e-12);
    assert_near(g.scale, 4, 1e-12);
    assert_int_equal(lk_gpd_fit_moments(equal, 2, &g, &err), LK_EINVAL);
    assert_int_equal(lk_gpd_fit_moments(three, 1, &g, &err), LK_EINVAL);
    assert_int_equal(lk_gpd_fit_likelihood(bad, 2, &g, &err), LK_EINVAL);
    assert_int_equal(lk_gpd_fit_likelihood(zeros, 3, &g, &err), LK_EINVAL);
}

/* The worked example of docs/methods.md. */
static void test_evalue_example(void **state)
{
    (void)state;
    lk_error err;
    const float top[] = {0.50f, 0.44f, 0.40f, 0.37f, 0.35f, 0.33f};
    struct lk_tail_levels levels;
    struct lk_evalue e;
    assert_int_equal(lk_tail_levels(top, 1, 5, &levels, &err), LK_OK);
    assert_true(levels.n == 1 && levels.shape[0].shape == 0 && isnan(levels.shape[0].moments));
    assert_int_equal(lk_evalue(&levels, top, 1000, 1000, 200, 0.60, &e, &err), LK_OK);
    assert_near(e.e, 0.4776, 1e-3);
    assert_true(!e.flagged && !e.extrapolated && e.low == e.e && e.high == e.e);
    assert_near(e.audit, 200 * e.e, 1e-14);
    assert_int_equal(lk_evalue(&levels, top, 1000, 1000, 200, 0.90, &e, &err), LK_OK);
    assert_near(e.e, 0.07683, 1e-3);
    assert_true(e.extrapolated); /* 7.7e-5 < 1 / (10 x 1000) */
    assert_int_equal(lk_evalue(&levels, top, 1000, 1000, 200, 0.20, &e, &err), LK_OK);
    assert_near(e.e, 1000 * 6.0 / 1001, 1e-12);
}

static void test_evalue_edges(void **state)
{
    (void)state;
    lk_error err;
    struct lk_tail_levels levels;
    struct lk_evalue e;
    const float rising[] = {0.1f, 0.2f, 0.3f}, nan[] = {0.3f, NAN, 0.1f}, equal[] = {0.2f, 0.2f, 0.2f};
    assert_int_equal(lk_tail_levels(rising, 1, 2, &levels, &err), LK_EINVAL);
    assert_int_equal(lk_tail_levels(nan, 1, 2, &levels, &err), LK_EINVAL);
    assert_int_equal(lk_tail_levels(equal, 1, 1, &levels, &err), LK_EINVAL);
    assert_int_equal(lk_tail_levels(equal, 1, 2, &levels, &err), LK_OK);
    assert_int_equal(levels.shape[0].n_probes, 0);
    assert_int_equal(lk_evalue(&levels, equal, 99, 100, 1, 0.9, &e, &err), LK_OK);
    assert_near(e.e, 1, 1e-12); /* 100 / (99 + 1): no more than its rank */
    assert_int_equal(lk_evalue(&levels, equal, 2, 100, 1, 0.9, &e, &err), LK_EINVAL);
    assert_int_equal(lk_evalue(&levels, equal, 99, 100, 1, NAN, &e, &err), LK_EINVAL);
}

static double normal(struct lk_rng *rng)
{
    return sqrt(-2 * log(1 - lk_rng_unit(rng))) * cos(2 * M_PI * lk_rng_unit(rng));
}

static int falling(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x < y) - (x > y);
}

/* Calibration: strangers of a second hold-out reach E <= e as often as E says, e for each probe. Probes
 * differ in the middle and the width of their scores. A tail fitted to each probe alone lets 39 times as many
 * reach 0.01. */
static void test_evalue_calibrated(void **state)
{
    (void)state;
    enum { PROBES = 400, N = 1000, K = 9 };
    static float top[PROBES * (K + 1)], all[N];
    static double middle[PROBES], width[PROBES];
    lk_error err;
    struct lk_rng rng = lk_rng_seed(20261125);
    for (int p = 0; p < PROBES; p++) {
        middle[p] = 0.05 * normal(&rng);
        width[p] = 0.05 + 0.05 * lk_rng_unit(&rng);
        for (int i = 0; i < N; i++)
            all[i] = (float)(middle[p] + width[p] * normal(&rng));
        qsort(all, N, sizeof *all, falling);
        for (int i = 0; i <= K; i++)
            top[p * (K + 1) + i] = all[i];
    }
    struct lk_tail_levels levels;
    assert_int_equal(lk_tail_levels(top, PROBES, K, &levels, &err), LK_OK);
    assert_true(levels.n == 1 && fabs(levels.shape[0].shape - levels.shape[0].likelihood) < 0.15);
    int hits[3] = {0};
    const double at[3] = {1, 0.1, 0.01};
    for (int p = 0; p < PROBES; p++)
        for (int i = 0; i < 20 * N; i++) { /* twenty hold-outs, each of which would have N strangers */
            double score = middle[p] + width[p] * normal(&rng);
            if (score <= top[p * (K + 1) + K])
                continue;
            struct lk_evalue e;
            assert_int_equal(lk_evalue(&levels, top + p * (K + 1), N, N, PROBES, score, &e, &err), LK_OK);
            for (int j = 0; j < 3; j++)
                hits[j] += e.e <= at[j];
        }
    for (int j = 0; j < 3; j++) {
        double ratio = hits[j] / (20.0 * PROBES * at[j]);
        if (!(ratio > (j == 2 ? 0.4 : 0.8) && ratio < (j == 2 ? 2 : 1.25)))
            fail_msg("E <= %g: %d hits, %.2f times what E says", at[j], hits[j], ratio);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tail),
        cmocka_unit_test(test_fit),
        cmocka_unit_test(test_evalue_example),
        cmocka_unit_test(test_evalue_edges),
        cmocka_unit_test(test_evalue_calibrated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
