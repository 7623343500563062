/* SPDX-License-Identifier: Apache-2.0 */
/* t_lists.c - measures of a list of pairs: hold-out deficit and structure. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include <math.h>

#include "base/rng.h"
#include "stats/deficit.h"
#include "stats/structure.h"

static void assert_near(double got, double want, double relative)
{
    if (!(fabs(got - want) <= relative * fabs(want)))
        fail_msg("got %.17g, expected %.17g", got, want);
}

/* The worked example of docs/methods.md; tests/oracle/lists.py compares with scipy. */
static void test_deficit(void **state)
{
    (void)state;
    lk_error err;
    struct lk_deficit d;
    assert_int_equal(lk_deficit(100, 10, 0.25, 0.95, &d, &err), LK_OK);
    assert_near(d.h, 0.1, 1e-15);
    assert_near(d.h_interval.low, 0.0490, 1e-3);
    assert_near(d.h_interval.high, 0.1762, 1e-3);
    assert_near(d.pi, 0.6, 1e-14);
    assert_near(d.pi_low, 0.295, 2e-3);
    assert_near(d.pi_high, 0.804, 1e-3);
    assert_near(d.p_value, 1.37e-4, 5e-3);
    assert_int_equal(lk_deficit(0, 0, 0.5, 0.95, &d, &err), LK_OK);
    assert_true(isnan(d.h) && isnan(d.pi) && d.pi_low == -1 && d.pi_high == 1 && d.p_value == 1);
    assert_int_equal(lk_deficit(2, 2, 0.5, 0.95, &d, &err), LK_OK);
    assert_true(d.pi == -1 && d.p_value == 1); /* not cut at 0: the hold-out is preferred */
    assert_int_equal(lk_deficit(2, 3, 0.5, 0.95, &d, &err), LK_EINVAL);
    assert_int_equal(lk_deficit(2, 1, 0, 0.95, &d, &err), LK_EINVAL);
    assert_int_equal(lk_deficit(2, 1, 1, 0.95, &d, &err), LK_EINVAL);
    assert_int_equal(lk_deficit(2, 1, 0.5, 1, &d, &err), LK_EINVAL);
}

/* Where nothing leaked the interval holds 0, and p-values are not smaller than they say. */
static void test_deficit_null(void **state)
{
    (void)state;
    struct lk_rng rng = lk_rng_seed(20261126);
    lk_error err;
    int covered = 0, small = 0;
    for (int run = 0; run < 2000; run++) {
        uint64_t k = 0;
        for (int i = 0; i < 200; i++)
            k += lk_rng_unit(&rng) < 0.3;
        struct lk_deficit d;
        assert_int_equal(lk_deficit(200, k, 0.3, 0.95, &d, &err), LK_OK);
        covered += d.pi_low <= 0 && d.pi_high >= 0;
        small += d.p_value <= 0.05;
    }
    assert_true(covered >= 1880); /* 95 % less two standard errors; Clopper-Pearson is cautious */
    assert_true(small <= 120);
}

enum { A, B, C, D };
enum { P, Q, R };

/* The worked example of docs/methods.md. */
static void test_structure(void **state)
{
    (void)state;
    const struct lk_list_pair pairs[] = {
        {1, A, 10, P, 0.60f}, {2, A, 11, P, 0.55f}, {3, A, 20, Q, 0.40f}, {4, B, 20, Q, 0.50f},
        {5, B, 21, Q, 0.45f}, {6, C, 20, Q, 0.35f}, {7, D, 30, R, 0.30f},
    };
    lk_error err;
    struct lk_structure s;
    assert_int_equal(lk_structure(pairs, 7, &s, &err), LK_OK);
    assert_true(s.n_probes == 7 && s.n_probe_identities == 4 && s.n_identity_pairs == 5);
    assert_true(s.identities.n == 3 && s.identities.largest == 3 && s.identities.largest_of == Q);
    assert_near(s.identities.effective, 25.0 / 11, 1e-14);
    assert_near(s.identities.largest_share, 0.6, 1e-14);
    assert_true(s.images.n == 5 && s.images.links == 7 && s.images.largest == 3 && s.images.largest_of == 20);
    assert_true(s.n_classes == 2 && s.n_reciprocal == 3 && !s.hub_artefact && s.identities.hubs == 0);
    assert_near(s.modal_share, 5.0 / 6, 1e-14);
    assert_near(s.pair_agreement, 0.5, 1e-14);
    assert_near(s.pair_chance, 5.0 / 17, 1e-14);
    uint64_t degree[3];
    assert_int_equal(lk_in_degrees(pairs, 7, 3, degree, &err), LK_OK);
    assert_true(degree[P] == 1 && degree[Q] == 3 && degree[R] == 1);
    assert_int_equal(lk_in_degrees(pairs, 7, 2, degree, &err), LK_EINVAL);
}

static void test_structure_edges(void **state)
{
    (void)state;
    lk_error err;
    struct lk_structure s;
    assert_int_equal(lk_structure(NULL, 0, &s, &err), LK_OK);
    assert_true(s.n_pairs == 0 && s.identities.n == 0 && isnan(s.pair_agreement) && isnan(s.modal_share));
    struct lk_list_pair pairs[12] = {{.score = NAN}};
    assert_int_equal(lk_structure(pairs, 1, &s, &err), LK_EINVAL);
    for (uint32_t i = 0; i < 12;
         i++) /* twelve pictures of one identity that all show one person are no hub */
        pairs[i] = (struct lk_list_pair){i, 0, 5, 5, 0.9f};
    assert_int_equal(lk_structure(pairs, 12, &s, &err), LK_OK);
    assert_true(!s.hub_artefact && s.identities.links == 1 && s.modal_share == 1 && isnan(s.pair_chance));
    for (uint32_t i = 0; i < 12; i++) /* twelve identities with one and the same person are one */
        pairs[i].probe_identity = i;
    assert_int_equal(lk_structure(pairs, 12, &s, &err), LK_OK);
    assert_true(s.hub_artefact && s.identities.largest == 12 && s.identities.effective == 1 &&
                s.n_reciprocal == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_deficit),
        cmocka_unit_test(test_deficit_null),
        cmocka_unit_test(test_structure),
        cmocka_unit_test(test_structure_edges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
