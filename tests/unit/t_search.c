/* SPDX-License-Identifier: Apache-2.0 */
/* t_search.c - the exact search against a slow version of itself; order, ties, labels, ranges. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "search/kernel.h"
#include "slow_search.h"
#include "temp.h"

static lk_ctx *make_ctx(int threads)
{
    lk_ctx_options options;
    lk_ctx_options_init(&options);
    options.threads = threads;
    lk_ctx *ctx;
    assert_int_equal(lk_ctx_new(&ctx, &options, NULL), LK_OK);
    return ctx;
}

static void run_and_check(const struct lk_search_options *o, int threads)
{
    lk_error err;
    lk_ctx *ctx = make_ctx(threads);
    struct lk_search_result result;
    assert_int_equal(lk_search_run(ctx, o, &result, &err), LK_OK);
    check_result(o, &result);
    lk_search_free(&result);
    lk_ctx_free(ctx);
}

/* ---- tests ------------------------------------------------------------------------------------------ */

static void test_kernels(void **state)
{
    (void)state;
    static const uint64_t dims[] = {1, 3, 127, 128, 129, 512};
    for (size_t d = 0; d < sizeof dims / sizeof *dims; d++) {
        size_t dim = dims[d];
        float *a = make_rows(RANDOM, 8, dim, 1), *b = make_rows(RANDOM, 5, dim, 2), scores[8][8];
        double *pa = lk_alloc_aligned(8 * dim, sizeof *pa, NULL),
               *pb = lk_alloc_aligned(8 * dim, sizeof *pb, NULL);
        lk_kernel_pack(pa, a, 8, dim);
        lk_kernel_pack(pb, b, 5, dim);
        lk_kernel_fn *const *all = lk_kernel_all();
        for (; *all != NULL; all++) {
            memset(scores, 0x55, sizeof scores);
            (*all)(pa, pb, dim, scores[0], 8);
            for (size_t i = 0; i < 8; i++)
                for (size_t j = 0; j < 8; j++)
                    assert_true(scores[i][j] == (j < 5 ? lk_score(a + i * dim, b + j * dim, dim) : 0.0f));
        }
        free(a);
        free(b);
        free(pa);
        free(pb);
    }
    assert_ptr_equal(lk_kernel_choose(NULL), lk_kernel_all()[0]);
    lk_kernel_fn *const *last = lk_kernel_all();
    while (last[1] != NULL)
        last++;
    assert_ptr_equal(lk_kernel_choose("portable"), *last);
}

static void test_best_packing(void **state)
{
    (void)state;
    static const float rising[] = {-INFINITY, -1.0f, -0x1p-149f, 0.0f, 0x1p-149f, 0.5f, 1.0f, INFINITY};
    for (size_t i = 0; i < sizeof rising / sizeof *rising; i++) {
        struct lk_hit hit = lk_best_unpack(lk_best_pack(rising[i], 42));
        assert_true(hit.score == rising[i] && hit.row == 42);
        assert_true(lk_best_pack(rising[i], 0) > lk_best_pack(rising[i], 1));
        if (i > 0)
            assert_true(lk_best_pack(rising[i], 0xffffffef) > lk_best_pack(rising[i - 1], 0));
    }
}

static void test_bins(void **state)
{
    (void)state;
    assert_int_equal(lk_search_bin(-1.5f), 0);
    assert_int_equal(lk_search_bin(-1.0f), 0);
    assert_int_equal(lk_search_bin(0.0f), 200);
    assert_int_equal(lk_search_bin(1.0f), 399);
    assert_int_equal(lk_search_bin(1.25f), 399);
}

static void test_shapes(void **state)
{
    (void)state;
    static const uint64_t sizes[] = {1, 7, 8, 9, 127, 128, 129, 257};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (size_t j = 0; j < sizeof sizes / sizeof *sizes; j++) {
            struct made made = make(RANDOM, 5, sizes[i], sizes[j], j % 2 ? 33 : 0, i % 2 ? 6 : 0);
            run_and_check(&made.options, 1 + (int)(i + j) % 3);
            unmake(&made);
        }
}

static void test_kinds(void **state)
{
    (void)state;
    const char *dir = temp_dir("kinds");
    for (enum kind kind = RANDOM; kind <= DUPLICATED; kind++)
        for (int threads = 1; threads <= 7; threads += 3) {
            struct made made = make(kind, 4, 150, 260, 140, 11);
            made.options.work_dir = dir;
            made.options.min_score = kind == CONSTANT ? -1 : 0.25;
            run_and_check(&made.options, threads);
            made.options.block = (uint64_t)threads;
            made.options.k = 100000;
            made.options.r = 300;
            run_and_check(&made.options, threads);
            unmake(&made);
        }
}

static void test_sampled_bulk(void **state)
{
    (void)state;
    lk_error err;
    struct made made = make(RANDOM, 2, 8200, 8200, 100, 0);
    struct lk_search_result results[2];
    for (int t = 0; t < 2; t++) {
        lk_ctx *ctx = make_ctx(1 + 2 * t);
        assert_int_equal(lk_search_run(ctx, &made.options, &results[t], &err), LK_OK);
        lk_ctx_free(ctx);
    }
    assert_int_equal(results[0].exact_bin, results[1].exact_bin);
    for (int g = 0; g < 2; g++) {
        const struct lk_search_gallery *a = &results[0].galleries[g], *b = &results[1].galleries[g];
        assert_memory_equal(a->sample, b->sample, sizeof a->sample);
        assert_memory_equal(a->exact, b->exact, sizeof a->exact);
        assert_memory_equal(a->pairs, b->pairs, a->n_pairs * sizeof *a->pairs);
        uint64_t above = 0, above_one_more = 0;
        for (int bin = results[0].exact_bin - 1; bin < LK_SEARCH_BINS; bin++) {
            above += bin >= results[0].exact_bin ? a->sample[bin] : 0;
            above_one_more += a->sample[bin];
        }
        assert_true(above * 10000 <= a->sample_size);
        if (g == 0)
            assert_true(above_one_more * 10000 > a->sample_size);
    }
    lk_search_free(&results[0]);
    lk_search_free(&results[1]);
    unmake(&made);
}

/* Permuting the references permutes their numbers and changes nothing else, as long as no scores are equal.
 */
static void test_permutation(void **state)
{
    (void)state;
    lk_error err;
    struct made made = make(RANDOM, 16, 60, 301, 0, 0);
    uint64_t n = 301, step = 100; /* coprime */
    float *moved = calloc(n * 16, sizeof *moved);
    for (uint64_t i = 0; i < n; i++)
        memcpy(moved + i * step % n * 16, made.data[1] + i * 16, 16 * sizeof *moved);
    struct lk_search_result a, b;
    lk_ctx *ctx = make_ctx(2);
    assert_int_equal(lk_search_run(ctx, &made.options, &a, &err), LK_OK);
    made.options.galleries[0].data = moved;
    assert_int_equal(lk_search_run(ctx, &made.options, &b, &err), LK_OK);
    for (uint64_t i = 0; i < a.galleries[0].n_pairs; i++) {
        const struct lk_pair *x = &a.galleries[0].pairs[i], *y = &b.galleries[0].pairs[i];
        assert_true(x->score == y->score && x->probe == y->probe && x->reference * step % n == y->reference);
    }
    for (uint64_t i = 0; i < 60 * a.galleries[0].n_nearest; i++)
        assert_int_equal(a.galleries[0].nearest[i].row * step % n, b.galleries[0].nearest[i].row);
    for (uint64_t i = 0; i < n; i++)
        assert_int_equal(a.galleries[0].best_probe[i].row, b.galleries[0].best_probe[i * step % n].row);
    lk_search_free(&a);
    lk_search_free(&b);
    lk_ctx_free(ctx);
    free(moved);
    unmake(&made);
}

static void test_refusals(void **state)
{
    (void)state;
    lk_error err;
    lk_ctx *ctx = make_ctx(1);
    struct lk_search_result result;
    struct made made = make(RANDOM, 4, 3, 3, 0, 2);
    struct lk_search_options o = made.options;
    o.probes.rows = 0;
    assert_int_equal(lk_search_run(ctx, &o, &result, &err), LK_EINVAL);
    assert_non_null(strstr(err.text, "no probes"));
    o = made.options;
    o.galleries[0].rows = 0;
    assert_int_equal(lk_search_run(ctx, &o, &result, &err), LK_EINVAL);
    o = made.options;
    o.k = 0;
    assert_int_equal(lk_search_run(ctx, &o, &result, &err), LK_EINVAL);
    o = made.options;
    o.r = LK_SEARCH_MAX_R + 1;
    assert_int_equal(lk_search_run(ctx, &o, &result, &err), LK_EINVAL);
    o = made.options;
    o.galleries[0].n_identities = 1;
    made.labels[0][2] = 1;
    assert_int_equal(lk_search_run(ctx, &o, &result, &err), LK_EINVAL);
    o = made.options;
    o.min_score = 0;
    assert_int_equal(lk_search_run(ctx, &o, &result, &err), LK_EINVAL);
    lk_ctx_free(ctx);
    unmake(&made);
}

/* Magnitudes far apart and terms that cancel, so that any other order of additions shows. */
static void test_pairs_in_index_order(void **state)
{
    (void)state;
    struct lk_rng rng = lk_rng_seed(11);
    static float x[LK_GROUP][64], y[LK_GROUP][64];
    const float *a[LK_GROUP], *b[LK_GROUP];
    for (int round = 0; round < 2000; round++) {
        size_t dim = 1 + lk_rng_below(&rng, 64);
        float scores[LK_GROUP];
        for (int n = 0; n < LK_GROUP; n++) {
            a[n] = x[n];
            b[n] = y[n];
            for (size_t i = 0; i < dim; i++) {
                bool cancels = i > 0 && lk_rng_below(&rng, 3) == 0;
                x[n][i] = cancels ? -x[n][i - 1]
                                  : ldexpf((float)lk_rng_unit(&rng) - 0.5f, (int)lk_rng_below(&rng, 50) - 25);
                y[n][i] = cancels ? y[n][i - 1]
                                  : ldexpf((float)lk_rng_unit(&rng) - 0.5f, (int)lk_rng_below(&rng, 50) - 25);
            }
        }
        for (int level = 0; level < 2; level++) {
            lk_pairs_choose(level == 0 ? "portable" : NULL)(a, b, dim, scores);
            for (int n = 0; n < LK_GROUP; n++)
                assert_true(scores[n] == lk_score(a[n], b[n], dim));
        }
    }
}

/* The k-th score that progress shows is never above that of the result. */
struct figures {
    double last;
    int shown;
};

static void watch_figure(void *user, const lk_progress *progress)
{
    struct figures *f = user;
    if (progress->figure_name == NULL)
        return;
    assert_string_equal(progress->figure_name, "k-th score");
    f->shown++;
    f->last = progress->figure;
}

static void test_progress(void **state)
{
    (void)state;
    struct figures f = {0};
    lk_ctx_options options;
    lk_ctx_options_init(&options);
    options.threads = 2;
    options.progress = watch_figure;
    options.user = &f;
    lk_ctx *ctx;
    assert_int_equal(lk_ctx_new(&ctx, &options, NULL), LK_OK);
    float *x = make_rows(RANDOM, 600, 96, 1), *y = make_rows(RANDOM, 3000, 96, 2);
    struct lk_search_options o = {.dim = 96,
                                  .probes = {.data = x, .rows = 600},
                                  .galleries = {{.data = y, .rows = 3000}},
                                  .k = 20,
                                  .r = 2,
                                  .min_score = NAN,
                                  .block = 8};
    struct lk_search_result result;
    assert_int_equal(lk_search_run(ctx, &o, &result, NULL), LK_OK);
    assert_true(f.shown > 0);
    assert_true(f.last <= (double)result.galleries[0].pairs[19].score);
    lk_search_free(&result);
    lk_ctx_free(ctx);
    free(x);
    free(y);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pairs_in_index_order),
        cmocka_unit_test(test_kernels),
        cmocka_unit_test(test_best_packing),
        cmocka_unit_test(test_bins),
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_sampled_bulk),
        cmocka_unit_test(test_permutation),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_progress),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
