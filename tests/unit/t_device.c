/* SPDX-License-Identifier: Apache-2.0 */
/* t_device.c - the search with a module that scans in the processor's place: the same results as without. The fake
 * module is always there; that for CUDA is tested where a device is. */
#include <stdio.h>
#include <string.h>

#include "search_compare.h"
#include "search_runs.h"
#include "skip.h"
#include "temp.h"
#include "vectors.h"

enum { PROBES = 151, REFERENCES = 1409, HOLDOUT = 300, PEOPLE = 61 };

/* Where a module of that name lies, or NULL. */
static const char *dir_of(const char *name)
{
    return getenv(strcmp(name, "fake") == 0 ? "LIKENESS_FAKE_DIR" : "LIKENESS_CUDA_DIR");
}

static struct made make(enum vectors kind, size_t dim, bool labelled)
{
    static const uint64_t rows[3] = {PROBES, REFERENCES, HOLDOUT};
    struct made made = {
        .options = {.dim = dim, .k = 50, .r = 4, .min_score = NAN, .work_dir = temp_path("work")}};
    struct lk_rng rng = lk_rng_seed(dim);
    for (uint64_t i = 0; i < 3; i++)
        made.data[i] = vectors_make(kind, rows[i], dim, i + 1);
    for (uint64_t i = 0; i < PROBES; i += 9)
        memcpy(made.data[0] + i * dim, made.data[1] + i * 5 * dim, dim * sizeof(float));
    made.options.probes = (struct lk_search_set){.data = made.data[0], .rows = PROBES};
    for (int g = 0; g < 2; g++) {
        made.labels[g] = calloc(rows[g + 1], sizeof *made.labels[g]);
        assert_non_null(made.labels[g]);
        for (uint64_t i = 0; i < rows[g + 1]; i++)
            made.labels[g][i] = (uint32_t)(i % 4 ? lk_rng_below(&rng, PEOPLE) : i / 4 % PEOPLE);
        made.options.galleries[g] =
            (struct lk_search_set){made.data[g + 1], rows[g + 1], labelled ? made.labels[g] : NULL, PEOPLE};
    }
    return made;
}

static void use(struct made *made, const char *name)
{
    made->options.device = name;
    made->options.exact_pairs = 1;
    setenv("LIKENESS_MODULE_DIR", dir_of(name), 1);
}

/* Why a module cannot be used here; NULL when it can. */
static const char *refusal(const char *name)
{
    static lk_error err;
    if (dir_of(name) == NULL)
        return "it was not built";
    struct made made = make(ISOTROPIC, 8, false);
    use(&made, name);
    lk_ctx_options options;
    lk_ctx_options_init(&options);
    lk_ctx *ctx;
    struct lk_search_result result;
    assert_int_equal(lk_ctx_new(&ctx, &options, NULL), LK_OK);
    lk_status status = lk_search_run(ctx, &made.options, &result, &err);
    if (status == LK_OK)
        lk_search_free(&result);
    lk_ctx_free(ctx);
    lk_search_forget(made.options.work_dir);
    unmake(&made);
    return status == LK_OK ? NULL : err.text;
}

static void check(struct made *made, int threads, const struct expected *want, const char *kind)
{
    struct lk_search_options *o = &made->options;
    struct lk_search_result got;
    struct stopper never = {.at = UINT64_MAX};
    assert_int_equal(run_search(o, threads, &never, &got), LK_OK);
    assert_true(got.exact_bin > 0);
    assert_int_equal(got.work.scanned, (uint64_t)PROBES * (o->galleries[0].rows + o->galleries[1].rows));
    const char *what = difference(o, want, &got);
    if (what != NULL)
        fail_msg("%s: %s rows, dim %d, depth %d, %d threads, blocks of %d: the %s differ", o->device, kind, (int)o->dim,
                 (int)o->depth, threads, (int)o->block, what);
    lk_search_free(&got);
    lk_search_forget(o->work_dir);
}

static void check_kinds(const char *name, size_t dim, enum vectors first, enum vectors step)
{
    static const double min_scores[] = {NAN, 0.3, 0, 0.999};
    static const uint64_t blocks[] = {0, 8, 40, 1, 13, 2048}, rooms[] = {4, 1, 20, 1500};
    unsigned turn = 0;
    for (enum vectors kind = first; kind < N_VECTORS; kind += step) {
        struct made made = make(kind, dim, (kind + dim) % 2);
        struct lk_search_options *o = &made.options;
        o->min_score = min_scores[(kind + dim / 2) % 4];
        o->r = rooms[(kind + dim) % 4];
        struct expected want = plain(o);
        use(&made, name);
        const uint64_t depths[] = {0, dim > 4 ? dim / 4 : 2};
        for (int d = 0; d < 2; d++, turn++) {
            o->depth = depths[d];
            o->block = blocks[turn % 6];
            o->plain_work = turn % 3 == 0;
            o->step = turn % 2 ? 0 : 5;
            check(&made, 1 + (int)turn % 3, &want, vectors_name[kind]);
        }
        free_expected(&want);
        unmake(&made);
    }
}

static void check_module(const char *name)
{
    for (size_t dim = 1; dim <= 5; dim += 2)
        check_kinds(name, dim, dim % 2, 2);
    check_kinds(name, 40, 0, 1);
    check_kinds(name, 129, MIXED, 2);
    check_kinds(name, 300, OPPOSED, 2);
    check_kinds(name, 1100, ISOTROPIC, N_VECTORS); /* more than codes can have */
}

static void test_fake(void **state)
{
    (void)state;
    check_module("fake");
}

static void test_cuda(void **state)
{
    (void)state;
    const char *why = refusal("cuda");
    if (why != NULL)
        SKIP_TEST("the module for CUDA: %s", why);
    check_module("cuda");
}

static void expect_refusal(const char *name, const char *dir, const char *text)
{
    lk_error err;
    struct made made = make(ISOTROPIC, 3, false);
    made.options.device = name;
    made.options.exact_pairs = 1;
    setenv("LIKENESS_MODULE_DIR", dir, 1);
    lk_ctx_options options;
    lk_ctx_options_init(&options);
    lk_ctx *ctx;
    struct lk_search_result result;
    assert_int_equal(lk_ctx_new(&ctx, &options, NULL), LK_OK);
    assert_int_not_equal(lk_search_run(ctx, &made.options, &result, &err), LK_OK);
    if (strstr(err.text, text) == NULL)
        fail_msg("found '%s', expected '%s'", err.text, text);
    lk_ctx_free(ctx);
    unmake(&made);
}

static void test_refusals(void **state)
{
    (void)state;
    expect_refusal("abacus", "/nonexistent", "abacus: its module is not installed");
    expect_refusal("../evil", "/nonexistent", "expected cpu, or the name of a module");
    setenv("LIKENESS_TEST_NO_DEVICE", "1", 1);
    expect_refusal("fake", dir_of("fake"), "no device");
    unsetenv("LIKENESS_TEST_NO_DEVICE");
}

static int make_work_dir(void **state)
{
    (void)state;
    temp_dir("work");
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_fake), cmocka_unit_test(test_cuda),
                                       cmocka_unit_test(test_refusals)};
    return cmocka_run_group_tests(tests, make_work_dir, NULL);
}
