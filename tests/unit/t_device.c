/* SPDX-License-Identifier: Apache-2.0 */
/* t_device.c - the search with a module that scans in the processor's place: the same results as without. The fake
 * module is always there; that for CUDA is tested where a device is. */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "search/device.h"
#include "search_compare.h"
#include "search_runs.h"
#include "search_sets.h"
#include "skip.h"

enum { PROBES = 151, REFERENCES = 1409, HOLDOUT = 300, PEOPLE = 61 };

/* Where a module of that name lies, or NULL. */
static const char *dir_of(const char *name)
{
    return getenv(strcmp(name, "fake") == 0       ? "LIKENESS_FAKE_DIR"
                  : strcmp(name, "emulated") == 0 ? "LIKENESS_EMULATED_DIR"
                                                  : "LIKENESS_CUDA_DIR");
}

static struct made make(enum vectors kind, size_t dim, bool labelled)
{
    return make_sets(kind, dim, (const uint64_t[3]){PROBES, REFERENCES, HOLDOUT}, PEOPLE, labelled);
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
    uint64_t first, rows[2];
    for (int g = 0; g < 2; g++)
        lk_search_shard_rows(&o->shard, o->galleries[g].rows, &first, &rows[g]);
    assert_int_equal(got.work.scanned, (uint64_t)PROBES * (rows[0] + rows[1]));
    const char *what = difference(o, want, &got);
    if (what != NULL)
        fail_msg("%s: %s rows, dim %d, depth %d, %d threads, blocks of %d: the %s differ", o->device, kind, (int)o->dim,
                 (int)o->depth, threads, (int)o->block, what);
    lk_search_free(&got);
    if (o->work_dir != NULL)
        lk_search_forget(o->work_dir);
}

/* least: probes of a block. */
static void check_kinds(const char *name, size_t dim, enum vectors first, enum vectors step, uint64_t least)
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
            o->block = blocks[turn % 6] > 0 && blocks[turn % 6] < least ? least : blocks[turn % 6];
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
        check_kinds(name, dim, dim % 2, 2, 1);
    check_kinds(name, 40, 0, 1, 1);
    check_kinds(name, 129, MIXED, 2, 1);
    check_kinds(name, 300, OPPOSED, 2, 1);
    check_kinds(name, 1100, ISOTROPIC, N_VECTORS, 1); /* more than codes can have */
}

static void test_fake(void **state)
{
    (void)state;
    check_module("fake");
}

/* A device that cannot hold the training set: part after part of it, some without references of the hold-out. */
static void check_parts(const char *name, uint64_t parts)
{
    for (enum vectors kind = 0; kind < N_VECTORS; kind += 2) {
        struct made made = make(kind, 24, kind % 4 == 0);
        struct lk_search_options *o = &made.options;
        o->min_score = kind % 3 == 0 ? 0.2 : NAN;
        o->r = kind % 2 ? 3 : 400;
        o->galleries[LK_GALLERY_HOLDOUT].rows = kind % 4 == 1 ? 3 : HOLDOUT;
        struct expected want = plain(o);
        use(&made, name);
        o->asked_from = 1;
        o->device_parts = parts;
        if (kind == DENORMAL) /* measures keep no unfinished work */
            o->work_dir = NULL;
        check(&made, 2, &want, vectors_name[kind]);
        free_expected(&want);
        unmake(&made);
    }
}

static void test_parts(void **state)
{
    (void)state;
    setenv("LIKENESS_TEST_PART_ROWS", "250", 1);
    check_parts("fake", 0);
    unsetenv("LIKENESS_TEST_PART_ROWS");
    check_parts("fake", 2);
}

/* Nobody else knows of anything; the highest that was told of the training set is kept. */
static float tell_nobody(void *user, int gallery, float kth)
{
    float *told = user;
    if (gallery == LK_GALLERY_TRAIN)
        *told = fmaxf(*told, kth);
    return kth;
}

/* The shard of a process that joins its results with others: its device may hold a part of it only. */
static void test_parts_of_shard(void **state)
{
    (void)state;
    for (uint64_t shard = 1; shard <= 3; shard++) {
        struct made made = make(ISOTROPIC, 24, shard != 2);
        struct lk_search_options *o = &made.options;
        float told = -INFINITY;
        o->shard = (struct lk_search_shard){shard, 3};
        o->min_score = shard == 1 ? 0.3 : NAN;
        o->k = 50;
        o->r = 5;
        struct expected want = plain(o);
        use(&made, "fake");
        o->exchange = tell_nobody;
        o->exchange_user = &told;
        o->device_parts = 2;
        check(&made, 2, &want, "isotropic");
        assert_true(told > -INFINITY && told <= want.result.galleries[LK_GALLERY_TRAIN].pairs[o->k - 1].score);
        o->exchange = NULL; /* whoever joins this later wants one file */
        struct lk_search_result got;
        struct stopper never = {.at = UINT64_MAX};
        assert_int_equal(run_search(o, 2, &never, &got), LK_OK);
        char path[4096];
        snprintf(path, sizeof path, "%s/part-1", o->work_dir);
        assert_int_equal(access(path, F_OK), -1);
        lk_search_free(&got);
        lk_search_forget(o->work_dir);
        free_expected(&want);
        unmake(&made);
    }
}

/* Interrupted in any part, it goes on there; parts that are done are not searched again. */
static void test_parts_resumed(void **state)
{
    (void)state;
    setenv("LIKENESS_TEST_PART_ROWS", "500", 1); /* three parts */
    struct made made = make(ISOTROPIC, 24, true);
    struct lk_search_options *o = &made.options;
    o->min_score = 0.4;
    o->block = 40;
    struct expected want = plain(o);
    use(&made, "fake");
    o->asked_from = 1;
    uint64_t all = (uint64_t)PROBES * (REFERENCES + HOLDOUT);
    for (uint64_t share = 2; share < 10; share += 3) {
        struct stopper stopper = {.at = all * share / 10};
        struct lk_search_result got;
        assert_int_equal(run_search(o, 1, &stopper, &got), LK_ECANCELED);
        struct stopper never = {.at = UINT64_MAX};
        assert_int_equal(run_search(o, 2, &never, &got), LK_OK);
        assert_int_equal(never.warnings, 0);
        assert_true(share < 4 || never.resumed >= all / 3);
        assert_true(share < 4 || got.work.scanned <= all - all / 3 + PROBES);
        const char *what = difference(o, &want, &got);
        if (what != NULL)
            fail_msg("stopped at %d of 10: the %s differ", (int)share, what);
        lk_search_free(&got);
        lk_search_forget(o->work_dir);
        char path[4096];
        snprintf(path, sizeof path, "%s/part-1", o->work_dir);
        assert_int_equal(access(path, F_OK), -1);
    }
    free_expected(&want);
    unmake(&made);
    unsetenv("LIKENESS_TEST_PART_ROWS");
}

static void test_cuda(void **state)
{
    (void)state;
    const char *why = refusal("cuda");
    if (why != NULL)
        SKIP_TEST("the module for CUDA: %s", why);
    check_module("cuda");
    check_parts("cuda", 6);
}

/* Whether it was built; then it must not refuse. */
static bool has_emulated(void)
{
    const char *why = dir_of("emulated") != NULL ? refusal("emulated") : NULL;
    if (why != NULL)
        fail_msg("%s", why);
    return dir_of("emulated") != NULL;
}

/* The module's own sources, run by the processor: slowly, so less of it. */
static void test_emulated(void **state)
{
    (void)state;
    if (!has_emulated())
        SKIP_TEST("the emulated module was not built");
    check_kinds("emulated", 40, NEAR_TIE, N_VECTORS, 160);
    check_kinds("emulated", 43, OPPOSED, N_VECTORS, 160);
    check_kinds("emulated", 300, MIXED, N_VECTORS, 80);
}

/* A device before Hopper, with less shared memory. */
static void test_emulated_small(void **state)
{
    (void)state;
    setenv("LIKENESS_TEST_DEVICE", "small", 1);
    if (!has_emulated())
        SKIP_TEST("the emulated module was not built");
    check_kinds("emulated", 43, OPPOSED, N_VECTORS, 160);
    check_kinds("emulated", 512, MIXED, N_VECTORS, 80);
    unsetenv("LIKENESS_TEST_DEVICE");
}

/* What the module says of a device of so many bytes: parts of 10 million rows of 512 numbers, or 0 and the message. */
static uint64_t parts_of(const struct lk_device_module *module, const char *bytes, lk_error *err)
{
    struct lk_device_plan plan = {.dim = 512, .probes = {1000, NULL}, .galleries = {{10000000, NULL}}, .lanes = 1};
    uint64_t n = 0;
    setenv("LIKENESS_TEST_DEVICE_BYTES", bytes, 1);
    lk_status status = module->parts(&plan, &n, err);
    unsetenv("LIKENESS_TEST_DEVICE_BYTES");
    return status == LK_OK ? n : 0;
}

/* 26.9 GB of rows and codes; two parts must fit into 15 of 16 bytes. */
static void test_emulated_parts(void **state)
{
    (void)state;
    if (!has_emulated())
        SKIP_TEST("the emulated module was not built");
    char path[4096];
    lk_error err;
    snprintf(path, sizeof path, "%s/likeness-emulated.so", dir_of("emulated"));
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    assert_non_null(library);
    const struct lk_device_module *module = dlsym(library, LK_DEVICE_SYMBOL);
    assert_non_null(module);
    assert_int_equal(parts_of(module, "30000000000", &err), 1);
    assert_int_equal(parts_of(module, "28000000000", &err), 3); /* not one, so half of them at a time: 13.1 GB */
    assert_int_equal(parts_of(module, "20000000000", &err), 3);
    assert_int_equal(parts_of(module, "5000000000", &err), 13);
    assert_int_equal(parts_of(module, "200000000", &err), 0);
    assert_int_equal(err.code, LK_ENOMEM);
    assert_non_null(strstr(err.text, "need 0.1 GB twice, the device has 0.2 free"));
    dlclose(library);
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
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_fake), cmocka_unit_test(test_parts), cmocka_unit_test(test_parts_of_shard),
                                       cmocka_unit_test(test_parts_resumed), cmocka_unit_test(test_cuda), cmocka_unit_test(test_emulated), cmocka_unit_test(test_emulated_small), cmocka_unit_test(test_emulated_parts),
                                       cmocka_unit_test(test_refusals)};
    return cmocka_run_group_tests(tests, make_work_dir, NULL);
}
