/* SPDX-License-Identifier: Apache-2.0 */
/* t_clean.c - the criterion, rounds and budget of a cleaning, its residual, and what it must not write to. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/fs.h"
#include "clean/keep.h"
#include "temp.h"

static lk_error err;

static void assert_near(double got, double want, double absolute)
{
    if (!(fabs(got - want) <= absolute))
        fail_msg("got %.17g, expected %.17g", got, want);
}

/* The worked example of docs/methods.md. */
static void test_residual(void **state)
{
    (void)state;
    const double pi[3] = {0.05, 0.03, 0.07}, below[3] = {-0.01, -0.03, 0.02};
    lk_clean_residual r;
    lk_clean_residual_of(pi, 8, 160, &r);
    assert_near(r.fnmr[0], 0.05, 1e-15);
    assert_near(r.fnmr[1], 0.0218, 5e-5);
    assert_near(r.fnmr[2], 0.0961, 5e-5);
    assert_near(r.share[0], 0.0025, 1e-15);
    assert_near(r.share[1], 0.0007, 5e-5);
    assert_near(r.share[2], 0.0067, 5e-5);
    lk_clean_residual_of(below, 8, 160, &r);
    assert_near(r.share[0], 0, 0);
    assert_near(r.share[1], 0, 0);
    assert_near(r.share[2], 0.02 * r.fnmr[2], 1e-15);
    lk_clean_residual_of(pi, 0, 0, &r);
    assert_int_equal(r.n, 0);
    assert_true(isnan(r.fnmr[0]) && isnan(r.share[2]));
}

static void test_criterion(void **state)
{
    (void)state;
    lk_clean_options o;
    lk_clean_options_init(&o);
    struct lk_clean c = {.options = &o};
    struct lk_clean_lead lead = {.t = 0.7f, .margin = 0.25, .e = 0.01};
    assert_true(lk_clean_meets(&c, 0.25, &lead));
    assert_false(lk_clean_meets(&c, 0.2500001, &lead));
    assert_false(lk_clean_meets(&c, NAN, &lead)); /* nothing was found */
    o.criterion = LK_CLEAN_EVALUE;
    assert_true(lk_clean_meets(&c, 0.01, &lead));
    assert_false(lk_clean_meets(&c, 0.0099, &lead));
    lead.e = NAN;
    assert_false(lk_clean_meets(&c, 1e6, &lead));
    o.criterion = LK_CLEAN_DISCOVERIES;
    c.by_controls = true;
    assert_true(lk_clean_meets(&c, 0.69, &lead));
    assert_false(lk_clean_meets(&c, 0.71, &lead));
}

/* ---- whole cleanings ---------------------------------------------------------------------------------- */

struct world {
    lk_ctx *ctx;
    char *synthetic, *train, *holdout;
    const char *holdouts[1];
    lk_clean_options options;
};

static char *below(const char *dir, const char *name)
{
    char *path = lk_path_join(dir, name, &err);
    assert_non_null(path);
    return path;
}

static void make_world(struct world *w, const char *name, double share, uint64_t seed)
{
    lk_ctx_options ctx;
    lk_simulate_options sim;
    lk_simulate_summary made;
    lk_ctx_options_init(&ctx);
    ctx.threads = 2;
    assert_int_equal(lk_ctx_new(&w->ctx, &ctx, &err), LK_OK);
    lk_simulate_options_init(&sim);
    sim.output = temp_path(name);
    sim.units = 240;
    sim.persons = 120; /* so that two identities may show one person */
    sim.controls = 0;
    sim.dim = 160;
    sim.share = share;
    sim.seed = seed;
    if (lk_simulate(w->ctx, &sim, &made, &err) != LK_OK)
        fail_msg("%s", err.text);
    w->synthetic = below(sim.output, "synthetic");
    w->train = below(sim.output, "train");
    w->holdout = below(sim.output, "holdout");
    w->holdouts[0] = w->holdout;
    lk_clean_options_init(&w->options);
    w->options.measure.synthetic = w->synthetic;
    w->options.measure.train = w->train;
    w->options.measure.holdouts = w->holdouts;
    w->options.measure.n_holdouts = 1;
    w->options.measure.seed = seed;
}

static void free_world(struct world *w)
{
    lk_ctx_free(w->ctx);
    free(w->synthetic);
    free(w->train);
    free(w->holdout);
}

static lk_clean_summary clean(struct world *w, const char *output)
{
    lk_clean_summary s;
    w->options.measure.output = temp_path(output);
    if (lk_clean(w->ctx, &w->options, &s, &err) != LK_OK)
        fail_msg("%s", err.text);
    return s;
}

/* Over seeds most leaks go and few of the innocent, and the criterion holds for what is left. */
static void test_discoveries(void **state)
{
    (void)state;
    uint64_t removed = 0, planted = 0, left = 0;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct world w;
        char name[32], out[32];
        snprintf(name, sizeof name, "world%d", (int)seed);
        snprintf(out, sizeof out, "out%d", (int)seed);
        make_world(&w, name, 0.2, seed);
        lk_clean_summary s = clean(&w, out);
        removed += s.n_removed;
        planted += 48;
        left += s.views[0].found_after;
        assert_int_equal(s.n_left, 0);
        assert_true(s.closest_left < s.tau);
        assert_int_equal(s.n_images_removed + s.n_images_kept, 480);
        assert_true(s.views[0].share_after[0] < s.views[0].share_before[0]);
        assert_true(s.genuine.n >= 30 && s.genuine.fnmr[0] < 0.35);
        free_world(&w);
    }
    assert_true(removed > planted * 7 / 10 && removed < planted * 115 / 100);
    assert_int_equal(left, 0);
}

/* A lower margin removes all that a higher one does; a budget takes the surest of them. */
static void test_margins_and_budget(void **state)
{
    (void)state;
    struct world w;
    make_world(&w, "margins", 0.2, 5);
    w.options.criterion = LK_CLEAN_MARGIN;
    w.options.limit = 0.3;
    lk_clean_summary high = clean(&w, "high");
    w.options.limit = 0.15;
    lk_clean_summary low = clean(&w, "low");
    assert_true(high.n_removed > 0 && low.n_removed > high.n_removed);
    assert_true(low.closest_left < 0.15 && high.closest_left < 0.3 && high.closest_left >= 0.15);
    assert_true(low.genuine.missed <= high.genuine.missed);
    w.options.budget = high.n_removed;
    lk_clean_summary some = clean(&w, "some");
    assert_int_equal(some.n_removed, high.n_removed);
    assert_int_equal(some.n_left, low.n_removed - high.n_removed);
    assert_near(some.closest_left, high.closest_left, 0); /* the same went */
    w.options.budget = UINT64_MAX;
    w.options.limit = 1e-9;
    w.options.budget_share = 0;
    lk_clean_summary none = clean(&w, "none");
    assert_int_equal(none.n_removed, 0);
    assert_true(none.n_left > low.n_removed);
    free_world(&w);
}

static void test_refusals(void **state)
{
    (void)state;
    struct world w;
    lk_clean_summary s;
    make_world(&w, "refusals", 0.2, 7);
    w.options.measure.output = temp_path("refused");
    w.options.criterion = LK_CLEAN_MARGIN;
    assert_int_equal(lk_clean(w.ctx, &w.options, &s, &err), LK_EINVAL); /* no limit */
    w.options.limit = -1;
    assert_int_equal(lk_clean(w.ctx, &w.options, &s, &err), LK_EINVAL);
    w.options.criterion = LK_CLEAN_EVALUE;
    w.options.limit = INFINITY;
    assert_int_equal(lk_clean(w.ctx, &w.options, &s, &err), LK_EINVAL);
    w.options.limit = 1e9; /* everybody */
    assert_int_equal(lk_clean(w.ctx, &w.options, &s, &err), LK_EINVAL);
    assert_non_null(strstr(err.text, "nothing would be left"));
    w.options.limit = 0.01;
    w.options.budget_share = 1.5;
    assert_int_equal(lk_clean(w.ctx, &w.options, &s, &err), LK_EINVAL);
    w.options.budget_share = 1;
    w.options.copy = temp_path("copied"); /* of pictures that do not exist */
    assert_true(lk_clean(w.ctx, &w.options, &s, &err) != LK_OK);
    assert_false(lk_path_exists(temp_path("copied")) || lk_path_exists(temp_path("refused/removal.csv")));
    free_world(&w);
}

static void test_protection(void **state)
{
    (void)state;
    const char *input = temp_dir("input");
    const char *file = temp_text("input/a.jpg", "picture");
    char *link_path = below(temp_path(""), "link");
    assert_int_equal(symlink(input, link_path), 0);
    const char *bad[] = {temp_path("input"),
                         temp_path("input/"),
                         temp_path("input/new/er"),
                         temp_path("./input/new"),
                         temp_path("link/new"),
                         temp_path("input/../input/x"),
                         temp_path("nothing/../input/x")};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(lk_keep_protect_input(bad[i], input, &err), LK_EINVAL);
    const char *good[] = {temp_path("input2"), temp_path("inputs/x"), temp_path("other/new/est"),
                          temp_path("")};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (lk_keep_protect_input(good[i], input, &err) != LK_OK)
            fail_msg("%s", err.text);
    char *alias = below(temp_path(""), "alias.jpg");
    assert_int_equal(link(file, alias), 0);
    assert_int_equal(lk_keep_protect_input(alias, file, &err), LK_EINVAL);
    assert_int_equal(lk_keep_protect_input(file, file, &err), LK_EINVAL);
    assert_int_equal(lk_keep_protect_input(alias, temp_path("not/there"), &err), LK_OK);
    free(alias);
    free(link_path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_residual),    cmocka_unit_test(test_criterion),
        cmocka_unit_test(test_discoveries), cmocka_unit_test(test_margins_and_budget),
        cmocka_unit_test(test_refusals),    cmocka_unit_test(test_protection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
