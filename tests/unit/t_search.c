/* SPDX-License-Identifier: Apache-2.0 */
/* t_search.c - the exact search against a slow version of itself; order, ties, labels, ranges, restarts. */
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fs.h"
#include "base/rng.h"
#include "search/kernel.h"
#include "search/lists.h"
#include "temp.h"

/* ---- made data -------------------------------------------------------------------------------------- */

enum kind { RANDOM, TIED, CONSTANT, DUPLICATED };

static float *make_rows(enum kind kind, uint64_t rows, uint64_t dim, uint64_t seed)
{
    struct lk_rng rng = lk_rng_seed(seed);
    float *data = calloc(rows * dim + 1, sizeof *data);
    assert_non_null(data);
    for (uint64_t i = 0; i < rows * dim; i++) {
        double u = lk_rng_unit(&rng);
        data[i] = kind == RANDOM || kind == DUPLICATED ? (float)((2 * u - 1) / sqrt((double)dim))
                  : kind == TIED                       ? (float)((int)(3 * u) - 1) / (float)dim
                                                       : 0.0625f;
    }
    for (uint64_t i = 1; kind == DUPLICATED && i < rows; i++)
        if (i % 3 != 0)
            memcpy(data + i * dim, data + i / 3 * dim, dim * sizeof *data);
    return data;
}

static uint32_t *make_labels(uint64_t rows, uint32_t n, uint64_t seed)
{
    struct lk_rng rng = lk_rng_seed(seed);
    uint32_t *labels = calloc(rows + 1, sizeof *labels);
    assert_non_null(labels);
    for (uint64_t i = 0; i < rows; i++)
        labels[i] = (uint32_t)lk_rng_below(&rng, n);
    return labels;
}

struct made {
    struct lk_search_options options;
    float *data[3];
    uint32_t *labels[2];
};

static struct made make(enum kind kind, uint64_t dim, uint64_t m, uint64_t n, uint64_t holdout,
                        uint32_t n_labels)
{
    struct made made = {.options = {.dim = dim, .k = 20, .r = 3, .min_score = NAN}};
    uint64_t rows[3] = {m, n, holdout};
    for (int i = 0; i < 3; i++)
        made.data[i] = make_rows(kind, rows[i], dim, 7 * (uint64_t)i + dim);
    made.options.probes = (struct lk_search_set){.data = made.data[0], .rows = m};
    for (int g = 0; g < 2; g++) {
        made.labels[g] = n_labels > 0 ? make_labels(rows[g + 1], n_labels, (uint64_t)g + 99) : NULL;
        made.options.galleries[g] =
            (struct lk_search_set){made.data[g + 1], rows[g + 1], made.labels[g], n_labels};
    }
    return made;
}

static void unmake(struct made *made)
{
    for (int i = 0; i < 3; i++)
        free(made->data[i]);
    free(made->labels[0]);
    free(made->labels[1]);
}

static lk_ctx *make_ctx(int threads)
{
    lk_ctx_options options;
    lk_ctx_options_init(&options);
    options.threads = threads;
    lk_ctx *ctx;
    assert_int_equal(lk_ctx_new(&ctx, &options, NULL), LK_OK);
    return ctx;
}

/* ---- the slow version ------------------------------------------------------------------------------- */

static int closer(const void *a, const void *b)
{
    const struct lk_pair *x = a, *y = b;
    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    if (x->probe != y->probe)
        return x->probe < y->probe ? -1 : 1;
    return (x->reference > y->reference) - (x->reference < y->reference);
}

static void check_probe(const struct lk_search_gallery *got, const struct lk_search_set *set, uint64_t r,
                        uint64_t p, const struct lk_pair *row)
{
    assert_int_equal(got->n_nearest, r < set->rows ? r : set->rows);
    for (uint64_t i = 0; i < got->n_nearest; i++) {
        assert_int_equal(got->nearest[p * got->n_nearest + i].row, row[i].reference);
        assert_true(got->nearest[p * got->n_nearest + i].score == row[i].score);
    }
    uint64_t found = 0;
    for (uint64_t i = 0; i < set->rows && found < got->n_identities; i++) {
        bool seen = false;
        for (uint64_t j = 0; j < i && set->identities != NULL; j++)
            seen |= set->identities[row[j].reference] == set->identities[row[i].reference];
        if (seen)
            continue;
        assert_int_equal(got->identities[p * got->n_identities + found].row, row[i].reference);
        assert_true(got->identities[p * got->n_identities + found].score == row[i].score);
        found++;
    }
    assert_int_equal(found, got->n_identities);
}

static void check_gallery(const struct lk_search_options *o, int g, const struct lk_search_gallery *got,
                          int exact_bin)
{
    const struct lk_search_set *set = &o->galleries[g];
    uint64_t m = o->probes.rows, n = set->rows, exact[LK_SEARCH_BINS] = {0}, sampled = 0;
    struct lk_pair *pairs = calloc(m * n + 1, sizeof *pairs);
    assert_non_null(pairs);
    for (uint64_t p = 0; p < m; p++) {
        for (uint64_t r = 0; r < n; r++) {
            float s = lk_score(o->probes.data + p * o->dim, set->data + r * o->dim, o->dim);
            pairs[p * n + r] = (struct lk_pair){s, (uint32_t)p, (uint32_t)r};
            if (lk_search_bin(s) >= exact_bin)
                exact[lk_search_bin(s)]++;
        }
        struct lk_pair *row = malloc((n + 1) * sizeof *row);
        assert_non_null(row);
        memcpy(row, pairs + p * n, n * sizeof *row);
        qsort(row, n, sizeof *row, closer);
        check_probe(got, set, o->r, p, row);
        free(row);
    }
    for (uint64_t r = 0; r < n; r++) {
        struct lk_pair best = pairs[r];
        for (uint64_t p = 1; p < m; p++)
            if (pairs[p * n + r].score > best.score)
                best = pairs[p * n + r];
        assert_int_equal(got->best_probe[r].row, best.probe);
        assert_true(got->best_probe[r].score == best.score);
    }
    qsort(pairs, m * n, sizeof *pairs, closer);
    assert_int_equal(got->n_pairs, o->k < m * n ? o->k : m * n);
    assert_memory_equal(got->pairs, pairs, got->n_pairs * sizeof *pairs);
    free(pairs);
    assert_memory_equal(got->exact, exact, sizeof exact);
    for (int b = 0; b < LK_SEARCH_BINS; b++)
        sampled += got->sample[b];
    assert_int_equal(sampled, got->sample_size);
    assert_int_equal(sampled, (m * n + 255) / 256);
}

struct range_check {
    const struct lk_search_options *o;
    uint64_t place, n; /* in the order of probe, gallery, reference */
};

/* Moves on to the next pair that belongs into the range, and expects it to be this one. */
static lk_status expect_pair(void *user, const struct lk_range_pair *pair, lk_error *err)
{
    struct range_check *c = user;
    (void)err;
    uint64_t n0 = c->o->galleries[0].rows, all = n0 + c->o->galleries[1].rows;
    for (;; c->place++) {
        assert_true(c->place < all * c->o->probes.rows);
        uint64_t p = c->place / all, r = c->place % all;
        int g = r >= n0;
        r -= g ? n0 : 0;
        float s =
            lk_score(c->o->probes.data + p * c->o->dim, c->o->galleries[g].data + r * c->o->dim, c->o->dim);
        if ((double)s < c->o->min_score)
            continue;
        assert_int_equal(pair->probe, p);
        assert_int_equal(pair->gallery, g);
        assert_int_equal(pair->reference, r);
        assert_true(pair->score == s);
        c->place++;
        c->n++;
        return LK_OK;
    }
}

static void check_result(const struct lk_search_options *o, const struct lk_search_result *result)
{
    for (int g = 0; g < LK_N_GALLERIES; g++)
        check_gallery(o, g, &result->galleries[g], result->exact_bin);
    if (isnan(o->min_score)) {
        assert_int_equal(result->n_range, 0);
        return;
    }
    uint64_t expected = 0;
    for (int g = 0; g < LK_N_GALLERIES; g++)
        for (uint64_t i = 0; i < o->probes.rows * o->galleries[g].rows; i++)
            expected += (double)lk_score(o->probes.data + i / o->galleries[g].rows * o->dim,
                                         o->galleries[g].data + i % o->galleries[g].rows * o->dim,
                                         o->dim) >= o->min_score;
    struct range_check check = {.o = o};
    assert_int_equal(lk_search_range(result, expect_pair, &check, NULL), LK_OK);
    assert_int_equal(check.n, expected);
    assert_int_equal(result->n_range, expected);
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

/* ---- restarts --------------------------------------------------------------------------------------- */

struct stopper {
    lk_ctx *ctx;
    uint64_t at, resumed;
    int warnings;
};

static uint64_t kill_at = UINT64_MAX; /* in a child alone */

/* Reports come ten times a second: waiting here gives one for every tile. */
static void stop_at(void *user, const lk_progress *progress)
{
    struct stopper *s = user;
    s->resumed = progress->resumed;
    if (s->at < UINT64_MAX || kill_at < UINT64_MAX)
        usleep(101000);
    if (progress->done >= kill_at)
        kill(getpid(), SIGKILL);
    if (progress->done >= s->at)
        lk_ctx_cancel(s->ctx);
}

static void count_warning(void *user, lk_level level, const char *text)
{
    struct stopper *s = user;
    (void)text;
    s->warnings += level == LK_LEVEL_WARNING;
}

/* One run that is stopped after `at` pairs; gives its status. */
static lk_status run_until(const struct lk_search_options *o, int threads, uint64_t at,
                           struct stopper *stopper, struct lk_search_result *result)
{
    lk_error err;
    *stopper = (struct stopper){.at = at};
    lk_ctx_options options;
    lk_ctx_options_init(&options);
    options.threads = threads;
    options.progress = stop_at;
    options.message = count_warning;
    options.user = stopper;
    assert_int_equal(lk_ctx_new(&stopper->ctx, &options, NULL), LK_OK);
    lk_status status = lk_search_run(stopper->ctx, o, result, &err);
    lk_ctx_free(stopper->ctx);
    return status;
}

/* The same in a child process that kills itself instead. */
static void kill_after(const struct lk_search_options *o, int threads, uint64_t at)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct stopper stopper;
        struct lk_search_result result;
        kill_at = at;
        run_until(o, threads, UINT64_MAX, &stopper, &result);
        _exit(1);
    }
    int how;
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFSIGNALED(how) && WTERMSIG(how) == SIGKILL);
}

static void flip_byte(const char *dir, const char *name, long at)
{
    char *path = lk_path_join(dir, name, NULL);
    FILE *f = fopen(path, "r+b");
    assert_non_null(f);
    fseek(f, at, SEEK_SET);
    int c = fgetc(f);
    fseek(f, at, SEEK_SET);
    fputc(c ^ 1, f);
    fclose(f);
    free(path);
}

static void test_restart(void **state)
{
    (void)state;
    const char *dir = temp_dir("restart");
    struct made made = make(RANDOM, 64, 48, 200, 100, 40);
    made.options.work_dir = dir;
    made.options.inputs = "one";
    made.options.min_score = 0.1;
    made.options.save_seconds = 1e-9;
    made.options.block = 16;
    uint64_t all = 48 * 300;
    struct stopper stopper;
    struct lk_search_result result;
    /* Stopped again and again, each time with other threads and blocks, until it comes to its end. */
    uint64_t resumed = 0;
    int runs = 0;
    for (lk_status status = LK_ECANCELED; status == LK_ECANCELED; runs++) {
        made.options.block = 8 + (uint64_t)runs % 3 * 8;
        status = run_until(&made.options, 1 + runs % 3, runs > 20 ? UINT64_MAX : resumed + all / 3, &stopper,
                           &result);
        assert_int_equal(stopper.warnings, 0);
        assert_true(stopper.resumed >= resumed);
        resumed = stopper.resumed;
        if (status == LK_OK) {
            check_result(&made.options, &result);
            lk_search_free(&result);
        } else
            assert_int_equal(status, LK_ECANCELED);
    }
    assert_true(runs > 2);
    assert_true(resumed > 0);
    lk_search_forget(dir);

    /* Unfinished work of others, or damaged work, is not taken up, and that is said. */
    static const char *const damages[] = {"none", "inputs", "search.part", "range.part"};
    for (size_t i = 0; i < 4; i++) {
        made.options.inputs = "one";
        assert_int_equal(run_until(&made.options, 1, all / 2, &stopper, &result), LK_ECANCELED);
        if (i == 1)
            made.options.inputs = "two";
        else if (i > 1)
            flip_byte(dir, damages[i], 99);
        assert_int_equal(run_until(&made.options, 2, UINT64_MAX, &stopper, &result), LK_OK);
        assert_int_equal(stopper.warnings, i > 0);
        assert_int_equal(stopper.resumed > 0, i == 0);
        check_result(&made.options, &result);
        lk_search_free(&result);
        lk_search_forget(dir);
    }
    unmake(&made);
}

static void test_kill(void **state)
{
    (void)state;
    const char *dir = temp_dir("kill");
    struct made made = make(TIED, 8, 48, 200, 100, 40);
    made.options.work_dir = dir;
    made.options.min_score = 0.125;
    made.options.save_seconds = 1e-9;
    made.options.block = 8;
    struct stopper stopper;
    struct lk_search_result result;
    kill_after(&made.options, 2, 48 * 300 / 3);
    kill_after(&made.options, 1, 48 * 300 / 3 * 2);
    assert_int_equal(run_until(&made.options, 2, UINT64_MAX, &stopper, &result), LK_OK);
    assert_int_equal(stopper.warnings, 0);
    assert_true(stopper.resumed >= 8 * 300);
    check_result(&made.options, &result);
    lk_search_free(&result);
    lk_search_forget(dir);
    assert_int_equal(rmdir(dir), 0); /* nothing was left lying about */
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
                x[n][i] = cancels ? -x[n][i - 1] : ldexpf((float)lk_rng_unit(&rng) - 0.5f, (int)lk_rng_below(&rng, 50) - 25);
                y[n][i] = cancels ? y[n][i - 1] : ldexpf((float)lk_rng_unit(&rng) - 0.5f, (int)lk_rng_below(&rng, 50) - 25);
            }
        }
        for (int level = 0; level < 2; level++) {
            lk_pairs_choose(level == 0 ? "portable" : NULL)(a, b, dim, scores);
            for (int n = 0; n < LK_GROUP; n++)
                assert_true(scores[n] == lk_score(a[n], b[n], dim));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pairs_in_index_order),
        cmocka_unit_test(test_kernels),     cmocka_unit_test(test_best_packing),
        cmocka_unit_test(test_bins),        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_kinds),       cmocka_unit_test(test_sampled_bulk),
        cmocka_unit_test(test_permutation), cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_restart),     cmocka_unit_test(test_kill),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
