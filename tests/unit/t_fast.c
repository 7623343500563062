/* SPDX-License-Identifier: Apache-2.0 */
/* t_fast.c - the nominating engine against the one that scores every pair: the same results, whatever the
 * rows, kernels, axes, threads, blocks and restarts. */
#include <stdio.h>
#include <string.h>

#include "base/cpu.h"
#include "search/scan.h"
#include "search_compare.h"
#include "search_runs.h"
#include "search_sets.h"

enum { PROBES = 83, REFERENCES = 421, HOLDOUT = 150, PEOPLE = 37 };

static struct made make(enum vectors kind, size_t dim, bool labelled)
{
    return make_sets(kind, dim, (const uint64_t[3]){PROBES, REFERENCES, HOLDOUT}, PEOPLE, labelled);
}

/* ---- runs -------------------------------------------------------------------------------------------- */

static void describe(char text[200], const struct lk_search_options *o, int threads, const char *kind)
{
    snprintf(text, 200, "%s rows, dim %d, %s, depth %d, %d threads, blocks of %d", kind, (int)o->dim, o->cpu,
             (int)o->depth, threads, (int)o->block);
}

static void check(const struct lk_search_options *o, int threads, const struct expected *want,
                  const char *kind)
{
    struct lk_search_result got;
    struct stopper never = {.at = UINT64_MAX};
    char text[200];
    describe(text, o, threads, kind);
    assert_int_equal(run_search(o, threads, &never, &got), LK_OK);
    assert_true(got.exact_bin > 0);
    const char *what = difference(o, want, &got);
    if (what != NULL)
        fail_msg("%s: the %s differ", text, what);
    lk_search_free(&got);
    lk_search_forget(o->work_dir);
}

static bool usable(const struct lk_scan *k)
{
    return (k->features & ~lk_cpu_features()) == 0;
}

/* Each kernel set with each depth; threads, blocks, the order of the references and how long pairs wait take
 * turns. */
static void check_all(struct made *made, const struct expected *want, const char *kind, unsigned *turn)
{
    static const int threads[] = {1, 2, 3, 8};
    static const uint64_t blocks[] = {0, 8, 40, 1, 13, 1024}, waiting[] = {0, 1, 300}, steps[] = {0, 1, 5, 2};
    struct lk_search_options *o = &made->options;
    const uint64_t depths[] = {1, o->dim > 4 ? o->dim / 4 : 2, o->dim, 0};
    o->exact_pairs = 1;
    for (int n = 0; lk_scan_built(n) != NULL; n++)
        for (size_t d = 0; d < 4; d++, ++*turn) {
            if (!usable(lk_scan_built(n)))
                continue;
            o->cpu = lk_scan_built(n)->name;
            o->depth = depths[d];
            o->block = blocks[*turn % 6];
            o->waiting = waiting[*turn / 6 % 3];
            o->step = steps[*turn / 3 % 4];
            o->plain_work = *turn / 4 % 2;
            check(o, threads[*turn / 2 % 4], want, kind);
        }
    o->exact_pairs = o->waiting = o->step = o->plain_work = 0;
}

static void check_kinds(size_t dim, enum vectors first, enum vectors step)
{
    static const double min_scores[] = {NAN, 0.3, 0, 0.999};
    unsigned turn = 0;
    for (enum vectors kind = first; kind < N_VECTORS; kind += step) {
        struct made made = make(kind, dim, (kind + dim) % 2);
        made.options.min_score = min_scores[(kind + dim / 2) % 4];
        struct expected want = plain(&made.options);
        check_all(&made, &want, vectors_name[kind], &turn);
        free_expected(&want);
        unmake(&made);
    }
}

/* ---- tests ------------------------------------------------------------------------------------------- */

static void test_few_dimensions(void **state)
{
    (void)state;
    for (size_t dim = 1; dim <= 5; dim++)
        check_kinds(dim, dim % 2, 2);
}

static void test_more_dimensions(void **state)
{
    (void)state;
    check_kinds(40, 0, 1);
    check_kinds(41, 0, 1);
    check_kinds(129, MIXED, 1);
}

static void test_wide_rows(void **state)
{
    (void)state;
    check_kinds(300, OPPOSED, 2);
}

/* One row that stands for all, and more lists asked for than there are rows. */
static void test_small_sets(void **state)
{
    (void)state;
    unsigned turn = 0;
    struct made made = make(ISOTROPIC, 7, true);
    made.options.galleries[1].rows = 0;
    made.options.k = 1000000;
    made.options.r = 1000;
    struct expected want = plain(&made.options);
    struct lk_search_result *w = &want.result;
    assert_int_equal(w->galleries[1].n_pairs, 0);
    check_all(&made, &want, "isotropic, all asked for,", &turn);
    free_expected(&want);
    unmake(&made);
}

/* Stopped again and again, each time with other threads, blocks, kernels and axes, until it comes to its end.
 */
static void test_restart(void **state)
{
    (void)state;
    static const enum vectors kinds[] = {NEAR_TIE, ISOTROPIC, MIXED};
    for (size_t n = 0; n < 3; n++) {
        struct made made = make(kinds[n], 24, n % 2);
        struct lk_search_options *o = &made.options;
        o->min_score = 0.25;
        struct expected want = plain(o);
        o->exact_pairs = 1;
        o->save_seconds = 1e-9;
        uint64_t all = (uint64_t)PROBES * (REFERENCES + HOLDOUT), resumed = 0;
        struct lk_search_result got;
        lk_status status = LK_ECANCELED;
        int runs = 0;
        for (; status == LK_ECANCELED; runs++) {
            static const uint64_t blocks[] = {16, 8, 24, 5, 7};
            static const char *const levels[] = {"portable", NULL};
            o->block = blocks[runs % 5];
            o->cpu = levels[runs % 2];
            o->depth = (uint64_t)runs % 3 * 12;
            struct stopper stopper = {.at = runs > 12 ? UINT64_MAX : resumed + all / 4};
            status = run_search(o, 1 + runs % 3, &stopper, &got);
            assert_true(stopper.resumed >= resumed);
            resumed = stopper.resumed;
        }
        assert_int_equal(status, LK_OK);
        assert_true(runs > 2 && resumed > 0);
        const char *what = difference(o, &want, &got);
        if (what != NULL)
            fail_msg("%s rows: the %s differ after restarts", vectors_name[kinds[n]], what);
        lk_search_free(&got);
        lk_search_forget(o->work_dir);
        free_expected(&want);
        unmake(&made);
    }
}

static void test_unknown_level(void **state)
{
    (void)state;
    lk_error err;
    struct made made = make(EQUAL, 3, false);
    made.options.exact_pairs = 1;
    made.options.cpu = "abacus";
    lk_ctx_options options;
    lk_ctx_options_init(&options);
    lk_ctx *ctx;
    struct lk_search_result result;
    assert_int_equal(lk_ctx_new(&ctx, &options, NULL), LK_OK);
    assert_int_equal(lk_search_run(ctx, &made.options, &result, &err), LK_EINVAL);
    assert_non_null(strstr(err.text, "abacus"));
    lk_ctx_free(ctx);
    unmake(&made);
}

static int make_work_dir(void **state)
{
    (void)state;
    temp_dir("work");
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_few_dimensions), cmocka_unit_test(test_more_dimensions),
        cmocka_unit_test(test_wide_rows),      cmocka_unit_test(test_small_sets),
        cmocka_unit_test(test_restart),        cmocka_unit_test(test_unknown_level)};
    return cmocka_run_group_tests(tests, make_work_dir, NULL);
}
