/* SPDX-License-Identifier: Apache-2.0 */
/* t_stats.c - proportions, chance, excess preference, competition with decoys, error rates, verdicts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

#include "base/rng.h"
#include "stats/chance.h"
#include "stats/decoys.h"
#include "stats/proportion.h"
#include "stats/roc.h"
#include "stats/verdict.h"

static void assert_near(double got, double want, double relative)
{
    if (!(fabs(got - want) <= relative * fabs(want)))
        fail_msg("got %.17g, expected %.17g", got, want);
}

/* ---- proportions and chance ------------------------------------------------------------------------ */

/* Values from textbooks and closed forms; tests/oracle/stats.py compares the whole range with scipy. */
static void test_proportion(void **state)
{
    (void)state;
    struct lk_interval i = lk_clopper_pearson(0, 10, 0.95);
    assert_true(i.low == 0);
    assert_near(i.high, 1 - pow(0.025, 0.1), 1e-13);
    i = lk_clopper_pearson(10, 10, 0.95);
    assert_near(i.low, pow(0.025, 0.1), 1e-13);
    assert_true(i.high == 1);
    i = lk_clopper_pearson(3, 300, 0.95);
    assert_near(i.low, 0.002067007, 1e-6); /* docs/methods.md */
    assert_near(i.high, 0.02894451, 1e-6);
    i = lk_clopper_pearson(0, 0, 0.95);
    assert_true(i.low == 0 && i.high == 1);
    i = lk_wilson(8, 10, 0.95);
    assert_near(i.low, 0.490162, 1e-5);
    assert_near(i.high, 0.943318, 1e-5);
    i = lk_wilson(0, 10, 0.95);
    assert_true(i.low == 0 && i.high > 0.27 && i.high < 0.28);
    assert_near(lk_binomial_tail(8, 10, 0.5), 56.0 / 1024, 1e-14);
    assert_true(lk_binomial_tail(0, 10, 0.5) == 1 && lk_binomial_tail(11, 10, 0.5) == 0);
    assert_near(lk_binomial_tail(1, 1000, 1e-15), 1e-12, 1e-9);
}

/* The worked example of docs/methods.md. */
static void test_chance(void **state)
{
    (void)state;
    assert_near(lk_chance_expected(490623, 1e-4), 49.0623, 1e-12);
    assert_near(lk_chance_any(490623, 1e-4), 1.0, 1e-12);
    assert_near(lk_chance_any(70000, 1e-4), 0.99908844, 1e-7);
    assert_near(lk_chance_any(1000, 1e-18), 1e-15, 1e-12);
    assert_true(lk_chance_any(0, 1) == 0 && lk_chance_any(1, 1) == 1 && lk_chance_any(5, 0) == 0);
}

/* ---- preference and competition -------------------------------------------------------------------- */

/* The worked example of docs/methods.md: ten units. */
static const float ten_t[] = {0.90f, 0.85f, 0.80f, 0.75f, 0.50f, 0.40f, 0.40f, 0.30f, 0.30f, 0.35f};
static const float ten_h[] = {0.30f, 0.35f, 0.40f, 0.45f, 0.30f, 0.45f, 0.40f, 0.45f, 0.29f, 0.40f};

/* Each unit's nearest persons are its own: person i of T, person 10 + i of H. */
static void test_preference(void **state)
{
    (void)state;
    lk_error err;
    struct lk_tops tops;
    struct lk_votes votes;
    const uint64_t sizes[] = {10, 10};
    assert_int_equal(lk_tops_new(&tops, 10, 2, 1, &err), LK_OK);
    for (uint32_t i = 0; i < 10; i++) {
        lk_tops_add(&tops, i, 0, ten_t[i], i);
        lk_tops_add(&tops, i, 1, ten_h[i], 10 + i);
    }
    assert_int_equal(lk_votes_new(&votes, &tops, sizes, &err), LK_OK);
    assert_int_equal(votes.wins, 6);
    assert_int_equal(votes.losses, 3);
    assert_int_equal(votes.ties, 1);
    lk_ctx_options options;
    lk_ctx_options_init(&options);
    lk_ctx *ctx;
    struct lk_pull r;
    assert_int_equal(lk_ctx_new(&ctx, &options, &err), LK_OK);
    assert_int_equal(lk_pull(ctx, &votes, 1, &r, &err), LK_OK);
    assert_near(r.p, 0.65, 1e-15);
    assert_near(r.pi, 0.3, 1e-14);
    assert_true(r.pi_low < r.pi && r.pi < r.pi_high && r.pi_low >= -1 && r.pi_high <= 1);
    lk_ctx_free(ctx);
    lk_votes_free(&votes);
    lk_tops_free(&tops);
}

/* docs/methods.md: five of ten units reach 0.45 in T, three in H, one of them in both. */
static void test_curves(void **state)
{
    (void)state;
    const float at[] = {0.45f, 2};
    struct lk_curve_point p[2];
    float both[20];
    lk_error err;
    for (int i = 0; i < 10; i++) {
        both[2 * i] = ten_t[i];
        both[2 * i + 1] = ten_h[i];
    }
    assert_int_equal(lk_chance_curves(both, 10, 1, NULL, at, 2, p, &err), LK_OK);
    assert_near(p[0].train, 0.5, 1e-15);
    assert_near(p[0].holdout, 0.3, 1e-15);
    assert_near(p[0].excess, 0.2, 1e-15);
    assert_near(p[0].excess_interval.low, -0.2550504, 1e-6);
    assert_near(p[0].excess_interval.high, 0.5883842, 1e-6);
    assert_true(p[1].train == 0 && p[1].excess == 0 && p[1].train_interval.low == 0);
    assert_int_equal(lk_chance_curves(ten_t, 10, 0, NULL, at, 1, p, &err), LK_OK);
    assert_true(p[0].train == 0.5 && isnan(p[0].holdout) && isnan(p[0].excess) &&
                isnan(p[0].excess_interval.low));
}

static void test_compete(void **state)
{
    (void)state;
    lk_error err;
    struct lk_competition r;
    double q[10];
    assert_int_equal(lk_compete(ten_t, ten_h, 10, 0.25, q, &r, &err), LK_OK);
    assert_int_equal(r.resolution, 4);
    assert_int_equal(r.discoveries, 5);
    assert_int_equal(r.decoys, 0);
    assert_near(r.tau, 0.2, 1e-6);
    assert_near(r.largest_decoy, 0.15, 1e-6);
    for (int i = 0; i < 5; i++)
        assert_near(q[i], 0.2, 1e-15); /* (1 + 0) / 5 at margin 0.2 is the least that each can reach */
    assert_near(q[8], 4.0 / 6, 1e-15);
    assert_true(q[5] == 1 && q[6] == 1 && q[7] == 1 && q[9] == 1);

    assert_int_equal(lk_compete(ten_t, ten_h, 10, 0.05, NULL, &r, &err), LK_OK);
    assert_int_equal(r.resolution, 20);
    assert_true(r.discoveries == 0 && isnan(r.tau) && r.not_enough_power);
    assert_int_equal(lk_compete(ten_t, ten_h, 10, 0.19, NULL, &r, &err), LK_OK);
    assert_true(r.discoveries == 0 && !r.not_enough_power); /* six wins could have been enough */
    assert_int_equal(lk_compete(ten_t, ten_h, 10, 0, NULL, &r, &err), LK_EINVAL);
    assert_int_equal(lk_compete(ten_t, ten_h, 10, 1, NULL, &r, &err), LK_EINVAL);
}

/* Equal margins are one step: a tie between a target and a decoy must count the decoy. */
static void test_compete_ties(void **state)
{
    (void)state;
    lk_error err;
    struct lk_competition r;
    float t[21], h[21] = {0};
    for (int i = 0; i < 21; i++)
        t[i] = 0.5f;
    assert_int_equal(lk_compete(t, h, 20, 0.05, NULL, &r, &err), LK_OK);
    assert_true(r.discoveries == 20 && r.tau == 0.5);
    assert_int_equal(lk_compete(t, h, 19, 0.05, NULL, &r, &err), LK_OK);
    assert_int_equal(r.discoveries, 0);
    t[20] = 0;
    h[20] = 0.5f;
    assert_int_equal(lk_compete(t, h, 21, 0.05, NULL, &r, &err), LK_OK);
    assert_int_equal(r.discoveries, 0);
    t[20] = -INFINITY; /* a decoy without any score in T beats every finite margin */
    assert_int_equal(lk_compete(t, h, 21, 0.05, NULL, &r, &err), LK_OK);
    assert_true(r.discoveries == 0 && isinf(r.largest_decoy));
}

/* The best of many chance scores, drawn by inversion: a gallery of `others` people with uniform scores. */
static float best_by_chance(struct lk_rng *rng, double others)
{
    return (float)(0.6 * pow(lk_rng_unit(rng), 1 / others));
}

/* 500 runs in which nothing leaked: the share of runs with any discovery is the false discovery rate. */
static void test_nothing_planted(void **state)
{
    (void)state;
    enum { RUNS = 500, N = 800 };
    static float t[N], h[N];
    lk_error err;
    struct lk_rng rng = lk_rng_seed(20241101);
    int with_discovery = 0;
    for (int run = 0; run < RUNS; run++) {
        for (int i = 0; i < N; i++) {
            t[i] = best_by_chance(&rng, 50);
            h[i] = best_by_chance(&rng, 50);
        }
        struct lk_competition c;
        assert_int_equal(lk_compete(t, h, N, 0.05, NULL, &c, &err), LK_OK);
        with_discovery += c.discoveries > 0;
    }
    assert_true(with_discovery <= RUNS * (0.05 + 3 * sqrt(0.05 * 0.95 / RUNS)));
}

/* 5 % of 800 units planted: nearly all leaks are found, few others are. */
static void test_planted(void **state)
{
    (void)state;
    enum { RUNS = 100, N = 800, PLANTED = 40 };
    static float t[N], h[N];
    static double q[N];
    lk_error err;
    struct lk_rng rng = lk_rng_seed(20241102);
    double power = 0, fdp = 0, fdp_squares = 0;
    for (int run = 0; run < RUNS; run++) {
        for (int i = 0; i < N; i++) {
            t[i] = best_by_chance(&rng, 50);
            h[i] = best_by_chance(&rng, 50);
            if (i < PLANTED)
                t[i] = 0.75f + 0.2f * (float)lk_rng_unit(&rng);
        }
        struct lk_competition c;
        assert_int_equal(lk_compete(t, h, N, 0.05, q, &c, &err), LK_OK);
        int found = 0, wrong = 0;
        for (int i = 0; i < N; i++) {
            found += i < PLANTED && q[i] <= 0.05;
            wrong += i >= PLANTED && q[i] <= 0.05;
        }
        assert_int_equal(found + wrong, c.discoveries);
        double share = c.discoveries > 0 ? (double)wrong / (double)c.discoveries : 0;
        power += (double)found / PLANTED / RUNS;
        fdp += share / RUNS;
        fdp_squares += share * share / RUNS;
    }
    assert_true(power > 0.9);
    assert_true(fdp <= 0.05 + 3 * sqrt((fdp_squares - fdp * fdp) / RUNS));
}

/* ---- error rates ----------------------------------------------------------------------------------- */

static void test_roc(void **state)
{
    (void)state;
    lk_error err;
    struct lk_roc roc;
    lk_threshold at;
    /* The worked example of docs/methods.md. */
    const float genuine[] = {0.9f, 0.8f, 0.7f, 0.4f}, impostor[] = {0.5f, 0.4f, 0.3f, 0.2f, 0.1f};
    assert_int_equal(lk_roc_open(&roc, genuine, 4, 5, 0.5, &err), LK_OK);
    lk_roc_add(&roc, impostor, 5);
    assert_near(lk_roc_auc(&roc), 18.5 / 20, 1e-15);
    assert_near(lk_roc_eer(&roc), 0.225, 1e-15);
    assert_int_equal(lk_roc_threshold(&roc, 0.2, &at, &err), LK_OK);
    assert_true(at.score == (double)nextafterf(0.4f, 1) && at.tar == 0.75 && !at.supported);
    assert_int_equal(lk_roc_threshold(&roc, 0.1, &at, &err), LK_OK);
    assert_true(at.score == (double)nextafterf(0.5f, 1) && at.fmr_low == 0);
    assert_int_equal(lk_roc_threshold(&roc, 0.6, &at, &err), LK_EINVAL);
    lk_roc_close(&roc);
    assert_int_equal(lk_roc_open(&roc, genuine, 0, 5, 0.5, &err), LK_EINVAL);

    /* Same scores on both sides: nothing can be told apart. */
    const float same[] = {0.5f, 0.5f, 0.5f};
    assert_int_equal(lk_roc_open(&roc, same, 3, 3, 0.4, &err), LK_OK);
    lk_roc_add(&roc, same, 3);
    assert_true(lk_roc_auc(&roc) == 0.5 && lk_roc_eer(&roc) == 0.5);
    assert_int_equal(lk_roc_threshold(&roc, 0.4, &at, &err), LK_OK);
    assert_true(at.score > 0.5 && at.tar == 0);
    lk_roc_close(&roc);

    /* Wholly apart. */
    assert_int_equal(lk_roc_open(&roc, genuine, 3, 1, 0.01, &err), LK_OK);
    lk_roc_add(&roc, impostor, 1);
    assert_true(lk_roc_auc(&roc) == 1 && lk_roc_eer(&roc) == 0);
    lk_roc_close(&roc);
}

/* A tail that is cut many times gives the threshold that all scores together give. */
static void test_roc_tail(void **state)
{
    (void)state;
    enum { N = 100000 };
    float *scores = malloc(N * sizeof *scores);
    assert_non_null(scores);
    lk_error err;
    struct lk_rng rng = lk_rng_seed(5);
    for (int i = 0; i < N; i++)
        scores[i] = (float)lk_rng_below(&rng, 5000) / 5000; /* many ties */
    struct lk_roc roc;
    assert_int_equal(lk_roc_open(&roc, scores, 1000, N, 0.01, &err), LK_OK);
    lk_roc_add(&roc, scores, N);
    static const double rates[] = {1e-5, 1e-4, 1e-3, 1e-2};
    for (int r = 0; r < 4; r++) {
        lk_threshold at;
        assert_int_equal(lk_roc_threshold(&roc, rates[r], &at, &err), LK_OK);
        int errors = 0, looser = 0;
        for (int i = 0; i < N; i++) {
            errors += scores[i] >= at.score;
            looser += (double)scores[i] >= (double)nextafterf((float)at.score, -1);
        }
        assert_true(errors <= rates[r] * N && looser > rates[r] * N);
        assert_int_equal(at.supported, rates[r] * N >= 30);
        assert_true(at.fmr_low <= (double)errors / N && (double)errors / N <= at.fmr_high);
    }
    lk_roc_close(&roc);
    free(scores);
}

static void test_folds(void **state)
{
    (void)state;
    lk_error err;
    struct lk_accuracy a;
    /* The worked example of docs/methods.md. */
    const struct lk_scored_pair pairs[] = {{0.8f, true, 0},   {0.2f, false, 0}, {0.7f, true, 1},
                                           {0.25f, false, 1}, {0.4f, true, 2},  {0.1f, false, 2}};
    assert_int_equal(lk_fold_accuracy(pairs, 6, 3, NULL, &a, &err), LK_OK);
    assert_near(a.mean, 5.0 / 6, 1e-15);
    assert_near(a.sd, sqrt(1.0 / 12), 1e-14);
    const uint64_t missing[] = {0, 0, 2};
    assert_int_equal(lk_fold_accuracy(pairs, 6, 3, missing, &a, &err), LK_OK);
    assert_near(a.mean, 2.25 / 3, 1e-15);
    assert_int_equal(lk_fold_accuracy(pairs, 6, 4, NULL, &a, &err), LK_EFORMAT);
    assert_int_equal(lk_fold_accuracy(pairs, 6, 2, NULL, &a, &err), LK_EINVAL);
    assert_int_equal(lk_fold_accuracy(pairs, 2, 1, NULL, &a, &err), LK_EINVAL);
}

/* ---- verdicts -------------------------------------------------------------------------------------- */

static struct lk_evidence plain_evidence(void)
{
    return (struct lk_evidence){
        .n_units = 800,
        .has_holdout = 1,
        .pull = {.pi = 0.051, .pi_low = -0.02, .pi_high = 0.12},
        .competition = {.n = 800, .wins = 420, .q = 0.05, .resolution = 20, .largest_decoy = 0.125}};
}

static void expect(const struct lk_evidence *e, lk_verdict verdict, const char *words)
{
    char sentence[1000];
    assert_int_equal(lk_judge(e, sentence, sizeof sentence), verdict);
    if (strstr(sentence, words) == NULL)
        fail_msg("expected '%s' in: %s", words, sentence);
    assert_null(strstr(sentence, "no leak")); /* never said, whatever the verdict */
}

static void test_verdict(void **state)
{
    (void)state;
    struct lk_evidence e = plain_evidence();
    expect(&e, LK_VERDICT_NOT_ENOUGH_POWER, "20 or more (2.5 %) that win by more than 0.125");
    e.competition.not_enough_power = 1;
    e.competition.wins = 12;
    expect(&e, LK_VERDICT_NOT_ENOUGH_POWER, "only 12 of 800 synthetic identities");

    e = plain_evidence();
    e.competition.discoveries = 38;
    e.persons_once = 21;
    e.hub_discoveries = 19;
    expect(&e, LK_VERDICT_LEAK_SHOWN, "38 of 800 synthetic identities");
    expect(&e, LK_VERDICT_LEAK_SHOWN, "estimated at 5.1 % (95 % interval 0.0 to 12.0 %)");
    e.hub_discoveries = 20;
    expect(&e, LK_VERDICT_NOT_INTERPRETABLE, "20 of the 38 discoveries");
    e.hub_discoveries = 19;
    e.persons_once = 0;
    expect(&e, LK_VERDICT_NOT_INTERPRETABLE, "with each person counted once none is left");

    e = plain_evidence();
    e.has_holdout = 0;
    e.units_are_images = 1;
    expect(&e, LK_VERDICT_NOT_INTERPRETABLE, "gives leads only");
    expect(&e, LK_VERDICT_NOT_INTERPRETABLE, "800 synthetic images");
    e.n_units = 0;
    expect(&e, LK_VERDICT_NOT_INTERPRETABLE, "no face");

    /* A measured power: said when half of the units or fewer are enough. */
    e = plain_evidence();
    e.power = (struct lk_evidence_power){
        .measured = 1, .genuine = 1, .strength = 0.55, .power = 0.8, .planted = 25, .n = 800};
    expect(&e, LK_VERDICT_NOTHING_FOUND, "at least 3.1 % leaked ones (25) as alike as two images of one person");
    e.power.genuine = 0;
    expect(&e, LK_VERDICT_NOTHING_FOUND, "at a cosine of 0.55 would have been found with a probability of 80 %");
    e.power.planted = 400;
    expect(&e, LK_VERDICT_NOTHING_FOUND, "at least 50 %");
    e.power.planted = 401;
    expect(&e, LK_VERDICT_NOT_ENOUGH_POWER, "only if 50 % of the synthetic identities had leaked");
    e.power.planted = 0;
    expect(&e, LK_VERDICT_NOT_ENOUGH_POWER, "not even if all synthetic identities had leaked");
    e.power.planted = 25;
    e.competition.not_enough_power = 1;
    expect(&e, LK_VERDICT_NOT_ENOUGH_POWER, "at least 20 discoveries are needed");
    e.unbalanced = "shifted";
    expect(&e, LK_VERDICT_NOT_INTERPRETABLE, "shifted");

    /* Copies are a proof whatever the scores say. */
    e.copies = (struct lk_evidence_copies){3, 2};
    expect(&e, LK_VERDICT_COPIES_SHOWN, "3 of 800 synthetic identities hold a picture of the training set (2 ");
    expect(&e, LK_VERDICT_COPIES_SHOWN, "By the scores alone: Not interpretable: training set and hold-out are not");
    e.has_holdout = 0;
    expect(&e, LK_VERDICT_COPIES_SHOWN, "By the scores alone: Not interpretable: without a hold-out");
    e = plain_evidence();
    e.copies = (struct lk_evidence_copies){3, 2};
    e.competition.discoveries = e.persons_once = 38;
    expect(&e, LK_VERDICT_COPIES_SHOWN, "By the scores alone: Leak shown: 38 of 800");

    char little[20];
    lk_judge(&e, little, sizeof little);
    assert_int_equal(strlen(little), sizeof little - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_proportion),   cmocka_unit_test(test_chance),
        cmocka_unit_test(test_preference),   cmocka_unit_test(test_compete),
        cmocka_unit_test(test_compete_ties), cmocka_unit_test(test_nothing_planted),
        cmocka_unit_test(test_planted),      cmocka_unit_test(test_roc),
        cmocka_unit_test(test_roc_tail),     cmocka_unit_test(test_folds),
        cmocka_unit_test(test_verdict),      cmocka_unit_test(test_curves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
