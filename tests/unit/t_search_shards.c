/* SPDX-License-Identifier: Apache-2.0 */
/* t_search_shards.c - parts of the galleries searched apart and joined give every product of one search; what is not
 * finished, damaged or of others is refused. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fs.h"
#include "search_compare.h"
#include "slow_search.h"
#include "temp.h"

enum { MOST = 9 };

struct parts {
    char *dirs[MOST];
    size_t n;
};

static struct parts part_dirs(const char *root, size_t n)
{
    struct parts parts = {.n = n};
    for (size_t i = 0; i < n; i++) {
        char name[40];
        snprintf(name, sizeof name, "part%zu", i);
        parts.dirs[i] = lk_path_join(root, name, NULL);
        assert_int_equal(lk_mkdirs(parts.dirs[i], NULL), LK_OK);
    }
    return parts;
}

static void remove_parts(struct parts *parts)
{
    for (size_t i = 0; i < parts->n; i++) {
        lk_search_forget(parts->dirs[i]);
        assert_int_equal(rmdir(parts->dirs[i]), 0); /* nothing else was left there */
        free(parts->dirs[i]);
    }
}

static void search_part(const struct lk_search_options *whole, const struct parts *parts, size_t i, int threads)
{
    struct lk_search_options o = *whole;
    struct stopper never = {.at = UINT64_MAX};
    struct lk_search_result result;
    o.shard = (struct lk_search_shard){i + 1, parts->n};
    o.work_dir = parts->dirs[i];
    assert_int_equal(run_search(&o, threads, &never, &result), LK_OK);
    assert_int_equal(never.warnings, 0);
    lk_search_free(&result);
}

static lk_status join(const struct lk_search_options *o, const struct parts *parts,
                      struct lk_search_result *result, lk_error *err)
{
    lk_ctx *ctx;
    lk_ctx_options options;
    lk_ctx_options_init(&options);
    assert_int_equal(lk_ctx_new(&ctx, &options, NULL), LK_OK);
    lk_status status = lk_search_join(ctx, o, (const char *const *)parts->dirs, parts->n, result, err);
    lk_ctx_free(ctx);
    return status;
}

static void check_divisions(enum kind kind, uint32_t labels, uint64_t holdout, uint64_t exact_pairs)
{
    const char *dir = temp_path("shards");
    struct made made = make(kind, 24, 70, 64, holdout, labels);
    struct lk_search_options *o = &made.options;
    struct lk_search_result result;
    lk_error err;
    assert_int_equal(lk_mkdirs(dir, NULL), LK_OK);
    o->work_dir = dir;
    o->inputs = "sets";
    o->min_score = kind == RANDOM ? 0.05 : 0.0;
    struct expected want = plain(o);
    o->exact_pairs = exact_pairs;
    for (size_t n = 1; n <= MOST; n += n < 3 ? 1 : 3) {
        struct parts parts = part_dirs(dir, n);
        for (size_t i = n; i-- > 0;)
            search_part(o, &parts, i, 1 + (int)(i % 3));
        assert_int_equal(join(o, &parts, &result, &err), LK_OK);
        const char *what = difference(o, &want, &result);
        if (what != NULL)
            fail_msg("%s differs when %zu parts are joined", what, n);
        assert_int_equal(result.n_pairs, want.result.n_pairs);
        lk_search_free(&result);
        lk_search_forget(dir);
        remove_parts(&parts);
    }
    free_expected(&want);
    unmake(&made);
}

static void test_divisions(void **state)
{
    (void)state;
    for (int labels = 0; labels <= 20; labels += 20)
        for (uint64_t holdout = 0; holdout <= 5; holdout += 5) { /* in nine parts some of it are empty */
            check_divisions(RANDOM, (uint32_t)labels, holdout, 0);
            check_divisions(TIED, (uint32_t)labels, holdout, 0);
            check_divisions(DUPLICATED, (uint32_t)labels, holdout, 1); /* scanned, not all scored */
            check_divisions(RANDOM, (uint32_t)labels, holdout, 1);
        }
}

static void flip_byte(const char *dir, long at)
{
    char *path = lk_path_join(dir, "search.part", NULL);
    FILE *f = fopen(path, "r+b");
    assert_non_null(f);
    fseek(f, at, SEEK_SET);
    int c = fgetc(f);
    fseek(f, at, SEEK_SET);
    fputc(c ^ 1, f);
    fclose(f);
    free(path);
}

static void test_refusals(void **state)
{
    (void)state;
    const char *dir = temp_dir("refused");
    struct made made = make(RANDOM, 8, 48, 60, 30, 10);
    struct lk_search_options *o = &made.options;
    struct lk_search_result result;
    lk_error err;
    struct parts parts = part_dirs(dir, 2);
    o->inputs = "sets";
    search_part(o, &parts, 0, 2);
    assert_int_equal(join(o, &parts, &result, &err), LK_EFORMAT); /* the second is not there */
    assert_non_null(strstr(err.text, "part1/search.part: is not there"));
    struct stopper half = {.at = 48 * 45 / 2};
    struct lk_search_options second = *o;
    second.shard = (struct lk_search_shard){2, 2};
    second.work_dir = parts.dirs[1];
    second.block = 8;
    second.save_seconds = 1e-9;
    assert_int_equal(run_search(&second, 1, &half, &result), LK_ECANCELED);
    assert_int_equal(join(o, &parts, &result, &err), LK_EFORMAT);
    assert_non_null(strstr(err.text, "holds unfinished work"));
    search_part(o, &parts, 1, 2);
    assert_int_equal(join(o, &parts, &result, &err), LK_OK);
    lk_search_free(&result);
    flip_byte(parts.dirs[1], 300);
    assert_int_equal(join(o, &parts, &result, &err), LK_EFORMAT);
    assert_non_null(strstr(err.text, "part1/search.part: is damaged"));
    o->inputs = "others";
    assert_int_equal(join(o, &parts, &result, &err), LK_EFORMAT);
    assert_non_null(strstr(err.text, "part0/search.part: belongs to other inputs or settings"));
    remove_parts(&parts);

    struct stopper never = {.at = UINT64_MAX};
    o->shard = (struct lk_search_shard){61, 61}; /* one part would have no reference */
    assert_int_equal(run_search(o, 1, &never, &result), LK_OK);
    lk_search_free(&result);
    o->shard = (struct lk_search_shard){1, 61};
    assert_int_equal(run_search(o, 1, &never, &result), LK_EINVAL);
    o->shard = (struct lk_search_shard){3, 2};
    assert_int_equal(run_search(o, 1, &never, &result), LK_EINVAL);
    unmake(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_divisions), cmocka_unit_test(test_refusals)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
