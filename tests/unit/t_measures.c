/* SPDX-License-Identifier: Apache-2.0 */
/* t_measures.c - several hold-outs, nearest persons, mixing, controls, the person side, doubles, matching. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "audit/audit.h"
#include "audit/simulate.h"
#include "stats/conformal.h"
#include "stats/resample.h"

static void assert_near(double got, double want, double relative)
{
    if (!(fabs(got - want) <= relative * fabs(want)))
        fail_msg("got %.17g, expected %.17g", got, want);
}

static lk_ctx *new_ctx(int threads)
{
    lk_ctx_options options;
    lk_ctx *ctx;
    lk_ctx_options_init(&options);
    options.threads = threads;
    assert_int_equal(lk_ctx_new(&ctx, &options, NULL), LK_OK);
    return ctx;
}

/* ---- the worked examples of docs/methods.md --------------------------------------------------------- */

static void test_many_holdouts(void **state)
{
    (void)state;
    const float scores[] = {0.9f, 0.3f, 0.4f, 0.8f, 0.2f, 0.3f, 0.5f, 0.4f, 0.45f, 0.3f, 0.5f, 0.4f};
    double q[4], margin[4];
    struct lk_competition c;
    lk_error err;
    assert_int_equal(lk_compete_many(scores, 4, 2, 0.25, q, margin, &c, &err), LK_OK);
    assert_true(c.wins == 3 && c.losses == 1 && c.discoveries == 2 && c.decoys == 0 && c.resolution == 2);
    assert_near(c.tau, 0.5, 1e-6);
    assert_near(q[0], 0.25, 1e-15);
    assert_near(q[2], 1.0 / 3, 1e-15);
    assert_true(q[3] == 1 && margin[3] < 0);
    assert_near(c.largest_decoy, 0.1, 1e-6);
    assert_int_equal(lk_compete_many(scores, 4, 2, 0.05, NULL, NULL, &c, &err), LK_OK);
    assert_true(c.discoveries == 0 && c.resolution == 10 && c.not_enough_power);
    /* So many hold-outs that one discovery is enough. */
    float one[22] = {0.5f};
    assert_int_equal(lk_compete_many(one, 1, 21, 0.05, q, NULL, &c, &err), LK_OK);
    assert_true(c.discoveries == 1 && c.resolution == 1);
    /* Two hold-outs at the same best score: neither a win nor a loss. */
    const float tied[] = {0.1f, 0.5f, 0.5f};
    assert_int_equal(lk_compete_many(tied, 1, 2, 0.5, q, margin, &c, &err), LK_OK);
    assert_true(c.wins == 0 && c.losses == 0 && q[0] == 1 && margin[0] == 0);
    assert_int_equal(lk_compete_many(tied, 1, 0, 0.5, q, margin, &c, &err), LK_EINVAL);
}

static void test_pull(void **state)
{
    (void)state;
    static const uint32_t nearest[] = {0, 0, 0, 1, 2, 3};
    const uint64_t sizes[] = {2, 2};
    lk_ctx *ctx = new_ctx(2), *alone = new_ctx(1);
    struct lk_tops tops;
    struct lk_votes votes;
    struct lk_pull r, again;
    lk_error err;
    assert_int_equal(lk_tops_new(&tops, 6, 2, 3, &err), LK_OK);
    for (uint32_t u = 0; u < 6; u++) {
        lk_tops_add(&tops, u, nearest[u] / 2, 0.5f, nearest[u]);
        lk_tops_add(&tops, u, 1 - nearest[u] / 2, 0.2f, 3 - nearest[u]);
    }
    assert_int_equal(lk_votes_new(&votes, &tops, sizes, &err), LK_OK);
    assert_int_equal(lk_pull(ctx, &votes, 1, &r, &err), LK_OK);
    assert_true(r.wins == 4 && r.losses == 2 && r.persons == 4 && r.largest == 3 && r.lambda == 0.5);
    assert_near(r.pi, 1.0 / 3, 1e-14);
    assert_near(r.design_effect, 1.0 / 6, 1e-13);
    assert_true(fabs(r.p_more - 0.5) < 0.03); /* six standard errors of 9,999 permutations */
    assert_int_equal(lk_pull(alone, &votes, 1, &again, &err), LK_OK);
    assert_memory_equal(&r, &again, sizeof r); /* whatever the number of threads */
    lk_votes_free(&votes);

    /* Equally near to one person of each: half. Without any score: lambda. */
    lk_tops_free(&tops);
    assert_int_equal(lk_tops_new(&tops, 2, 2, 3, &err), LK_OK);
    lk_tops_add(&tops, 0, 0, 0.5f, 0);
    lk_tops_add(&tops, 0, 1, 0.5f, 2);
    assert_int_equal(lk_votes_new(&votes, &tops, sizes, &err), LK_OK);
    assert_true(votes.share[0] == 0.5 && votes.share[1] == 0.5 && votes.ties == 2 && votes.n_decided == 1);
    assert_int_equal(lk_pull(ctx, &votes, 1, &r, &err), LK_OK);
    assert_true(r.pi == 0 && r.p_more > 0.4);
    lk_votes_free(&votes);
    lk_tops_free(&tops);
    lk_ctx_free(ctx);
    lk_ctx_free(alone);
}

/* Units with a person each: the interval is that of a normal deviate, 1.96 or, of three strata together, 2.39
 * standard errors on each side. */
static void test_pull_of_strata(void **state)
{
    (void)state;
    enum { N = 2000 };
    const uint64_t sizes[] = {N, N};
    lk_ctx *ctx = new_ctx(2);
    struct lk_tops tops;
    struct lk_votes votes;
    struct lk_pull r;
    lk_error err;
    assert_int_equal(lk_tops_new(&tops, N, 2, 1, &err), LK_OK);
    for (uint32_t u = 0; u < N; u++)
        lk_tops_add(&tops, u, u % 2, 0.5f, u + (u % 2 ? N : 0));
    assert_int_equal(lk_votes_new(&votes, &tops, sizes, &err), LK_OK);
    assert_int_equal(lk_pull_within(ctx, &votes, 0.025, 1, &r, &err), LK_OK);
    double error = 2 * sqrt(r.design_effect * 0.25 / N);
    assert_near((r.pi_high - r.pi_low) / (2 * error), 1.96, 0.15);
    assert_int_equal(lk_pull_within(ctx, &votes, 0.025 / 3, 1, &r, &err), LK_OK);
    assert_near((r.pi_high - r.pi_low) / (2 * error), 2.39, 0.25);
    assert_int_equal(lk_pull_within(ctx, &votes, 0, 1, &r, &err), LK_OK); /* all replicates */
    assert_true(r.pi_low < -2.9 * error && r.pi_high > 2.9 * error);
    lk_votes_free(&votes);
    lk_tops_free(&tops);
    lk_ctx_free(ctx);
}

/* Lists of images joined by the maximum, whatever the order, cut to their depth. */
static void test_tops(void **state)
{
    (void)state;
    struct lk_tops tops;
    lk_error err;
    assert_int_equal(lk_tops_new(&tops, 1, 1, 2, &err), LK_OK);
    lk_tops_add(&tops, 0, 0, 0.3f, 7);
    lk_tops_add(&tops, 0, 0, 0.4f, 8);
    lk_tops_add(&tops, 0, 0, 0.2f, 8);  /* lower than what the person has */
    lk_tops_add(&tops, 0, 0, 0.35f, 9); /* pushes 7 out */
    const struct lk_top *list = lk_tops_of(&tops, 0, 0);
    assert_true(list[0].person == 8 && list[0].score == 0.4f && list[1].person == 9);
    lk_tops_add(&tops, 0, 0, 0.5f, 9); /* up, with itself passed over */
    assert_true(list[0].person == 9 && list[1].person == 8);
    lk_tops_add(&tops, 0, 0, 0.4f, 3); /* equal: the lower number first */
    assert_true(list[1].person == 3);
    lk_tops_free(&tops);
}

static void test_conformal(void **state)
{
    (void)state;
    const float controls[] = {0.2f, 0.3f, 0.4f, 0.5f}, x[] = {0.6f, 0.45f, 0.1f};
    double p[3], q[3];
    uint64_t found;
    lk_error err;
    assert_int_equal(lk_conformal(x, 3, controls, 4, p, &err), LK_OK);
    assert_true(p[0] == 0.2 && p[1] == 0.4 && p[2] == 1);
    assert_int_equal(lk_benjamini_hochberg(p, 3, 0.6, q, &found, &err), LK_OK);
    assert_near(q[0], 0.6, 1e-15);
    assert_near(q[1], 0.6, 1e-15);
    assert_true(q[2] == 1);
    const float same[] = {0.5f}; /* a control that is equal counts */
    assert_int_equal(lk_conformal(same, 1, controls, 4, p, &err), LK_OK);
    assert_true(p[0] == 0.4);
    assert_int_equal(lk_conformal(x, 3, controls, 0, p, &err), LK_EINVAL);
}

static void test_reach(void **state)
{
    (void)state;
    const float train[] = {0.9f, 0.8f, 0.3f}, holdout[] = {0.5f, 0.4f, 0.3f};
    lk_ctx *ctx = new_ctx(1);
    struct lk_reach r;
    struct lk_reach_point roc[8];
    size_t n;
    double p[3], q[3];
    lk_error err;
    assert_int_equal(lk_reach(ctx, train, 3, holdout, 3, 0.05, 1, p, q, &r, &err), LK_OK);
    assert_near(r.auc, 6.5 / 9, 1e-14);
    assert_true(p[0] == 0.25 && p[1] == 0.25 && p[2] == 1 && r.found == 0 && r.resolution == 15);
    assert_true(r.auc_low > 0 && r.auc_low < r.auc && r.auc < r.auc_high && r.auc_high < 1);
    assert_near(r.rates[0].tpr, 2.0 / 3, 1e-14); /* nobody of H may be above */
    assert_true(!r.rates[0].supported && r.rates[0].fpr_seen == 0);
    assert_int_equal(lk_reach_roc(train, 3, holdout, 3, roc, 8, &n, &err), LK_OK);
    bool seen = false;
    for (size_t i = 0; i < n; i++)
        if (fabs(roc[i].fpr - 1.0 / 3) < 1e-12) {
            assert_near(roc[i].tpr, 2.0 / 3, 1e-14);
            assert_true(roc[i].score == 0.4f);
            seen = true;
        }
    assert_true(seen);
    const float above[] = {0.9f, 0.8f}, below[] = {0.1f, 0.2f};
    assert_int_equal(lk_reach(ctx, above, 2, below, 2, 0.05, 1, p, q, &r, &err), LK_OK);
    assert_true(r.auc == 1 && r.auc_low < 0.5 && r.auc_high == 1); /* two persons prove little */
    lk_ctx_free(ctx);
}

/* ---- doubles ---------------------------------------------------------------------------------------- */

static void test_doubles(void **state)
{
    (void)state;
    struct lk_doubles_fit example = {.u = 0.4, .sigma = 0.03, .n = 500, .n_above = 100};
    assert_near(lk_doubles_score(&example, 500, 0.01), 0.4 + 0.03 * log(10000), 1e-14);
    assert_near(lk_doubles_expected(&example, 500, lk_doubles_score(&example, 500, 0.01)), 0.01, 1e-10);
    example.xi = -0.2;
    assert_near(lk_doubles_expected(&example, 700, lk_doubles_score(&example, 700, 0.01)), 0.01, 1e-10);
    assert_true(lk_doubles_expected(&example, 500, 0.56) == 0); /* beyond the end of the tail */

    /* A tail of known shape, with and without 2 % of doubles. */
    enum { N = 20000 };
    float *best = malloc(N * sizeof *best);
    assert_non_null(best);
    struct lk_rng rng = lk_rng_seed(7);
    struct lk_doubles_fit fit, dirty;
    lk_error err;
    for (int i = 0; i < N; i++)
        best[i] = (float)(0.3 + 0.04 / -0.2 * (pow(1 - lk_rng_unit(&rng), 0.2) - 1));
    assert_int_equal(lk_doubles_fit(best, N, &fit, &err), LK_OK);
    assert_true(fabs(fit.xi + 0.2) < 0.08); /* about four standard errors of 3,400 uncensored scores */
    for (int i = 0; i < N / 50; i++)
        best[i * 50] = 0.8f;
    assert_int_equal(lk_doubles_fit(best, N, &dirty, &err), LK_OK);
    double score = lk_doubles_score(&dirty, N, 0.01);
    assert_true(score < 0.8 && score > 0.42);
    for (int i = 0; i < N; i++)
        best[i] = 0.5f;
    assert_int_equal(lk_doubles_fit(best, N, &fit, &err), LK_OK);
    assert_true(lk_doubles_score(&fit, N, 0.01) == 2); /* nothing to learn from: nobody is a double */
    free(best);
}

/* Sets that are mixed pass, sets that are apart do not. */
static void test_mixing(void **state)
{
    (void)state;
    enum { N = 200 };
    uint32_t nearest[N];
    uint8_t in_train[N];
    lk_ctx *ctx = new_ctx(2);
    struct lk_rng rng = lk_rng_seed(3);
    struct lk_mixing r;
    lk_error err;
    for (uint32_t i = 0; i < N; i++) {
        in_train[i] = i < N / 2;
        nearest[i] = (uint32_t)((i + 1 + lk_rng_below(&rng, N - 1)) % N);
    }
    assert_int_equal(lk_mixing(ctx, nearest, in_train, N, 1, &r, &err), LK_OK);
    assert_true(r.p > 0.001 && r.n == N);
    assert_near(r.expected, N * 99.0 / 199, 1e-12);
    for (uint32_t i = 0; i < N; i++)
        nearest[i] = i < N / 2 ? (i + 1) % (N / 2) : N / 2 + (i + 1) % (N / 2);
    assert_int_equal(lk_mixing(ctx, nearest, in_train, N, 1, &r, &err), LK_OK);
    assert_true(r.own == N && r.p == 1.0 / 2000);
    nearest[0] = N;
    assert_int_equal(lk_mixing(ctx, nearest, in_train, N, 1, &r, &err), LK_EINVAL);
    lk_ctx_free(ctx);
}

/* ---- a whole measurement ---------------------------------------------------------------------------- */

struct world {
    struct lk_sim sim;
    struct lk_audit_set sets[LK_N_SIM_ROLES];
    const struct lk_audit_set *holdouts[1];
    struct lk_audit_input in;
};

static void make_world(struct world *w, const lk_simulate_options *o)
{
    static const char *const roles[] = {"synthetic", "train", "holdout", "control"};
    lk_error err;
    assert_int_equal(lk_sim_make(&w->sim, o, &err), LK_OK);
    for (int i = 0; i < LK_N_SIM_ROLES; i++) {
        const struct lk_sim_set *s = &w->sim.sets[i];
        if (s->rows > 0)
            assert_int_equal(lk_audit_set_make(&w->sets[i], roles[i], s->data, s->rows, w->sim.dim, s->person,
                                               s->n_persons, 1, &err),
                             LK_OK);
    }
    w->holdouts[0] = &w->sets[LK_SIM_HOLDOUT];
    w->in = (struct lk_audit_input){.synthetic = &w->sets[LK_SIM_SYNTHETIC],
                                    .train = &w->sets[LK_SIM_TRAIN],
                                    .holdouts = w->holdouts,
                                    .n_holdouts = 1,
                                    .q = 0.05,
                                    .same_person = NAN,
                                    .seed = 1,
                                    .depth = 5,
                                    .pairs = 10};
}

static void free_world(struct world *w)
{
    for (int i = 0; i < LK_N_SIM_ROLES; i++)
        lk_audit_set_close(&w->sets[i]);
    lk_sim_free(&w->sim);
}

static lk_simulate_options small_world(void)
{
    lk_simulate_options o;
    lk_simulate_options_init(&o);
    o.units = 200;
    o.persons = 200;
    o.controls = 0;
    return o;
}

/* Planted leaks are found, persons in both sets are found and left out, galleries end up equal. */
static void test_planted(void **state)
{
    (void)state;
    lk_simulate_options o = small_world();
    o.share = 0.25;
    o.doubles = 5;
    o.holdouts = 3;
    struct world w = {0};
    struct lk_audit a;
    lk_error err;
    lk_ctx *ctx = new_ctx(1);
    make_world(&w, &o);
    assert_int_equal(lk_audit_run(&a, ctx, &w.in, &err), LK_OK);
    assert_int_equal(a.n_galleries, 4);
    assert_true(a.doubles.found[LK_ACROSS] >= 1 && a.doubles.dropped_train >= 1 && a.n_each < 200);
    for (size_t g = 1; g < 4; g++)
        assert_int_equal(a.galleries[g].rows, a.galleries[0].rows);
    assert_int_equal(a.verdict, LK_VERDICT_LEAK_SHOWN);
    size_t hits = 0, planted = 0;
    for (size_t u = 0; u < a.n_units; u++) {
        bool is_planted = w.sim.planted[a.units[u].identity] != UINT32_MAX;
        planted += is_planted;
        hits += is_planted && a.units[u].found;
    }
    assert_true(hits > planted * 3 / 4 && a.competition.discoveries < hits + 10);
    assert_true(a.pull.pi_low <= 0.25 && 0.25 <= a.pull.pi_high);
    lk_audit_free(&a);

    /* T twice as large as H: cut down to it. */
    w.in.train = &w.sets[LK_SIM_HOLDOUT];
    w.holdouts[0] = &w.sets[LK_SIM_TRAIN];
    w.in.same_person = 2;
    assert_int_equal(lk_audit_run(&a, ctx, &w.in, &err), LK_OK);
    assert_true(a.n_galleries == 2 && a.n_each == 200);
    lk_audit_free(&a);
    w.in.decoys = 4;
    assert_int_equal(lk_audit_run(&a, ctx, &w.in, &err), LK_OK);
    assert_true(a.n_galleries == 5 && a.n_each == 50);
    lk_audit_free(&a);

    /* Without a hold-out there is no verdict. */
    w.in.n_holdouts = 0;
    w.in.decoys = 0;
    assert_int_equal(lk_audit_run(&a, ctx, &w.in, &err), LK_OK);
    assert_int_equal(a.verdict, LK_VERDICT_NOT_INTERPRETABLE);
    lk_audit_free(&a);
    free_world(&w);
    lk_ctx_free(ctx);
}

/* A hold-out from elsewhere is refused, not taken for a leak. */
static void test_shifted(void **state)
{
    (void)state;
    lk_simulate_options o = small_world();
    o.share = 0;
    o.shift = 0.3;
    struct world w = {0};
    struct lk_audit a;
    lk_error err;
    lk_ctx *ctx = new_ctx(1);
    make_world(&w, &o);
    assert_int_equal(lk_audit_run(&a, ctx, &w.in, &err), LK_OK);
    assert_int_equal(a.verdict, LK_VERDICT_NOT_INTERPRETABLE);
    assert_non_null(strstr(a.sentence, "not exchangeable"));
    lk_audit_free(&a);
    free_world(&w);
    lk_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many_holdouts),  cmocka_unit_test(test_pull),
        cmocka_unit_test(test_pull_of_strata), cmocka_unit_test(test_tops),
        cmocka_unit_test(test_conformal),      cmocka_unit_test(test_reach),
        cmocka_unit_test(test_doubles),        cmocka_unit_test(test_mixing),
        cmocka_unit_test(test_planted),        cmocka_unit_test(test_shifted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
