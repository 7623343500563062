/* SPDX-License-Identifier: Apache-2.0 */
/* t_codes.c - the scan's bound against exact products: no pair that reaches a floor may be passed over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/cpu.h"
#include "base/mem.h"
#include "likeness.h"
#include "search/bound.h"
#include "vectors.h"

enum { PROBES = 29, REFERENCES = 101 }; /* both leave a panel that is not full */

struct sets {
    struct lk_search_set probes, references;
    float *x, *y;
    double longest_x, longest_y, slack;
};

static double longest(const float *rows, uint64_t n, size_t dim)
{
    double most = 0;
    for (uint64_t i = 0; i < n; i++) {
        double sum = 0;
        for (size_t k = 0; k < dim; k++)
            sum += (double)rows[i * dim + k] * (double)rows[i * dim + k];
        most = fmax(most, sqrt(sum));
    }
    return most;
}

static struct sets make_sets(enum vectors kind, size_t dim)
{
    struct sets s = {.x = vectors_make(kind, PROBES, dim, 1), .y = vectors_make(kind, REFERENCES, dim, 2)};
    s.probes = (struct lk_search_set){.data = s.x, .rows = PROBES};
    s.references = (struct lk_search_set){.data = s.y, .rows = REFERENCES};
    s.longest_x = longest(s.x, PROBES, dim);
    s.longest_y = longest(s.y, REFERENCES, dim);
    s.slack = lk_bound_slack(s.longest_x, s.longest_y);
    return s;
}

static void free_sets(struct sets *s)
{
    free(s->x);
    free(s->y);
}

static double exact(const float *x, const float *y, size_t dim)
{
    long double sum = 0;
    for (size_t k = 0; k < dim; k++)
        sum += (long double)x[k] * (long double)y[k];
    return (double)sum;
}

static int64_t code_of(const struct lk_codes *c, uint64_t row, size_t a, size_t run)
{
    size_t panel_rows = (size_t)c->panel_rows;
    return c->codes[row / panel_rows * panel_rows * c->depth +
                    lk_scan_place(c->depth, panel_rows, run, row % panel_rows, a)];
}

static int64_t probe_code(const struct lk_codes *c, uint64_t row, size_t a, const struct lk_scan *k)
{
    return code_of(c, row, a, (size_t)k->run);
}

static int64_t reference_code(const struct lk_codes *c, uint64_t row, size_t a, const struct lk_scan *k)
{
    int64_t code = code_of(c, row, a, 1);
    return k->offset > 0 ? (int64_t)(uint8_t)code - k->offset : code;
}

static int64_t sum_of(const struct lk_codes *x, uint64_t i, const struct lk_codes *y, uint64_t j,
                      const struct lk_scan *k)
{
    int64_t sum = 0;
    for (size_t a = 0; a < x->depth; a++)
        sum += probe_code(x, i, a, k) * reference_code(y, j, a, k);
    return sum;
}

/* Every pair with its own score as the floor must be nominated, by the tile itself and by the sum of its
 * codes. */
static void check_pairs(const struct sets *s, size_t dim, const struct lk_codes *x, const struct lk_codes *y,
                        const struct lk_scan *k, const char *what)
{
    float reach = fmaxf(x->reach, y->reach);
    size_t mr = (size_t)k->mr, nr = (size_t)k->nr;
    for (uint64_t i = 0; i < PROBES; i++)
        for (uint64_t q = 0; q < y->panels; q++) {
            struct lk_bound b = lk_bound_of(x, i / mr, y, q, reach, s->slack);
            int32_t probe_floor[LK_TILE_MAX_PROBES], reference_floor[LK_TILE_MAX_REFERENCES];
            for (size_t n = 0; n < mr; n++)
                probe_floor[n] = INT32_MAX;
            for (size_t n = 0; n < nr; n++)
                reference_floor[n] = INT32_MAX;
            uint64_t want = 0;
            for (size_t n = 0; n < nr && q * nr + n < REFERENCES; n++) {
                uint64_t j = q * nr + n;
                const float *xi = s->x + i * dim, *yj = s->y + j * dim;
                double sum = (double)sum_of(x, i, y, j, k);
                double bound = sum * (double)lk_codes_scale(x, i) * (double)y->scale[q] + (double)b.allowance;
                reference_floor[n] = lk_bound_needed(b, lk_score(xi, yj, dim));
                want |= UINT64_C(1) << n;
                if (bound < exact(xi, yj, dim) || sum < (double)reference_floor[n])
                    fail_msg("%s: pair %d %d: product %.17g, bound %.17g = %g %g %g + %g, floor %d", what,
                             (int)i, (int)j, exact(xi, yj, dim), bound, sum, (double)lk_codes_scale(x, i),
                             (double)y->scale[q], (double)b.allowance, (int)reference_floor[n]);
            }
            struct lk_tile tile = {
                .probes = x->codes + i / mr * mr * x->depth,
                .references = (const uint8_t *)y->codes + q * nr * y->depth,
                .groups = x->depth / 4,
                .start = x->start + i / mr * mr,
                .probe_floor = probe_floor,
                .reference_floor = reference_floor,
            };
            uint64_t mask[LK_TILE_MAX_PROBES];
            k->tile(&tile, mask);
            if ((mask[i % mr] & want) != want)
                fail_msg("%s: the tile passed over a pair of probe %d and panel %d", what, (int)i, (int)q);
        }
}

/* The filter between scan and score: the least and the most by float projections, or by the rows. */
static void check_fine(const struct sets *s, size_t dim, const struct lk_codes *x, const struct lk_codes *y,
                       const struct lk_scan *k, const char *what)
{
    double fine_slack = lk_bound_fine_slack(x, y, dim, s->longest_x, s->longest_y);
    for (uint64_t i = 0; i < PROBES; i++)
        for (uint64_t j = 0; j < REFERENCES; j++) {
            const float *xi = s->x + i * dim, *yj = s->y + j * dim;
            float inside = x->fine != NULL
                               ? k->dot_float(x->fine + i * x->depth, y->fine + j * y->depth, x->depth)
                               : k->dot_float(xi, yj, dim);
            double rest = x->fine != NULL
                              ? (double)lk_codes_rest(x, i) * (double)lk_codes_rest(y, j)
                              : 0;
            struct lk_bounds b = lk_bounds_fine(inside, rest, fine_slack);
            if (!(b.most >= lk_score(xi, yj, dim) && b.least <= lk_score(xi, yj, dim)))
                fail_msg("%s: pair %d %d: score %.9g, bounds %.9g and %.9g", what, (int)i, (int)j,
                         (double)lk_score(xi, yj, dim), (double)b.least, (double)b.most);
        }
}

/* Packing as AMX wants it, where there is none: the same tile in plain C, blocks of 16 groups with a narrower
 * last one. */
static uint64_t tile_in_runs(const struct lk_tile *t, uint64_t *mask)
{
    enum { MR = 16, NR = 64, RUN = 16 };
    uint64_t any = 0;
    for (size_t i = 0; i < MR; i++) {
        int64_t sum[NR] = {0};
        const int8_t *x = t->probes;
        const int8_t *y = (const int8_t *)t->references;
        for (size_t left = t->groups, width; left > 0; left -= width) {
            width = left < RUN ? left : RUN;
            for (size_t c = 0; c < 4 * width; c++)
                for (size_t j = 0; j < NR; j++)
                    sum[j] += x[4 * width * i + c] * y[4 * (c / 4 * NR + j) + c % 4];
            x += 4 * width * MR;
            y += 4 * width * NR;
        }
        mask[i] = 0;
        for (size_t j = 0; j < NR; j++)
            mask[i] |= (uint64_t)(sum[j] >= t->probe_floor[i] || sum[j] >= t->reference_floor[j]) << j;
        any |= mask[i];
    }
    return any;
}

static struct lk_scan in_runs(void)
{
    struct lk_scan k = lk_scan_portable;
    k.name = "runs of 16";
    k.mr = 16;
    k.nr = 64;
    k.offset = 0;
    k.run = 16;
    k.tile = tile_in_runs;
    return k;
}

static void check_sets(lk_ctx *ctx, const struct sets *s, const struct lk_basis *basis, const char *name)
{
    const struct lk_scan runs = in_runs();
    for (int n = -1; n < 0 || lk_scan_built(n) != NULL; n++) {
        const struct lk_scan *k = n < 0 ? &runs : lk_scan_built(n);
        if (k->features & ~lk_cpu_features())
            continue;
        char what[100];
        snprintf(what, sizeof what, "%s, %zu axes of %zu, %s", name, basis->used, basis->dim, k->name);
        struct lk_codes x, y;
        assert_int_equal(lk_codes_make(&x, ctx, basis, &s->probes, k, false, NULL), LK_OK);
        assert_int_equal(lk_codes_make(&y, ctx, basis, &s->references, k, true, NULL), LK_OK);
        for (uint64_t i = 0; i < PROBES; i++)
            for (size_t a = 0; a < x.depth; a++)
                assert_in_range(probe_code(&x, i, a, k) + k->limit, 0, 2 * k->limit);
        for (uint64_t j = 0; j < REFERENCES; j++)
            for (size_t a = 0; a < y.depth; a++)
                assert_in_range(reference_code(&y, j, a, k) + k->limit, 0, 2 * k->limit);
        check_pairs(s, basis->dim, &x, &y, k, what);
        check_fine(s, basis->dim, &x, &y, k, what);
        lk_codes_free(&x);
        lk_codes_free(&y);
    }
}

static lk_ctx *make_ctx(void)
{
    lk_ctx_options options;
    lk_ctx_options_init(&options);
    options.threads = 2;
    lk_ctx *ctx;
    assert_int_equal(lk_ctx_new(&ctx, &options, NULL), LK_OK);
    return ctx;
}

/* The axes that the search itself would take, from all down to one. */
static void test_chosen_axes(void **state)
{
    (void)state;
    lk_ctx *ctx = make_ctx();
    static const size_t dims[] = {1, 2, 3, 4, 5, 127, 128, 129};
    for (size_t d = 0; d < sizeof dims / sizeof *dims; d++)
        for (enum vectors kind = 0; kind < N_VECTORS; kind++) {
            struct sets s = make_sets(kind, dims[d]);
            struct lk_basis basis;
            assert_int_equal(lk_basis_choose(&basis, &s.probes, &s.references, dims[d], NULL), LK_OK);
            for (size_t used = dims[d];; used = used > 8 ? used / 3 : used - 1) {
                assert_int_equal(lk_basis_shorten(&basis, used, NULL), LK_OK);
                assert_true(basis.skew < 1e-4);
                check_sets(ctx, &s, &basis, vectors_name[kind]);
                if (used == 1)
                    break;
            }
            lk_basis_free(&basis);
            free_sets(&s);
        }
    lk_ctx_free(ctx);
}

/* Axes = the unit axes mirrored at a random plane, so orthonormal, and then each moved by up to `skew` and
 * made `length` long. */
static struct lk_basis make_axes(size_t dim, double skew, double length)
{
    struct lk_rng rng = lk_rng_seed(dim);
    struct lk_basis b = {.dim = dim, .used = dim, .depth = dim};
    b.axes = lk_alloc_aligned(dim * dim, sizeof *b.axes, NULL);
    float *v = calloc(dim, sizeof *v);
    assert_true(b.axes != NULL && v != NULL);
    for (size_t k = 0; k < dim; k++)
        v[k] = (float)vectors_signed(&rng);
    vectors_normalise(v, dim, 1);
    for (size_t k = 0; k < dim; k++)
        for (size_t a = 0; a < dim; a++)
            b.axes[k * dim + a] = (float)(length * ((k == a) - 2 * (double)v[k] * (double)v[a] +
                                                    skew * vectors_signed(&rng) / sqrt((double)dim)));
    free(v);
    return b;
}

static void check_axes(size_t dim, double skew, double length, const size_t *used, size_t n)
{
    lk_ctx *ctx = make_ctx();
    struct lk_basis basis = make_axes(dim, skew, length);
    for (size_t u = 0; u < n; u++) {
        assert_int_equal(lk_basis_shorten(&basis, used[u], NULL), LK_OK);
        for (enum vectors kind = 0; kind < N_VECTORS; kind++) {
            struct sets s = make_sets(kind, dim);
            char what[60];
            snprintf(what, sizeof what, "%s, skew %.2g", vectors_name[kind], basis.skew);
            check_sets(ctx, &s, &basis, what);
            free_sets(&s);
        }
    }
    lk_basis_free(&basis);
    lk_ctx_free(ctx);
}

static void test_wide_rows(void **state)
{
    (void)state;
    check_axes(512, 0, 1, (const size_t[]){512, 96, 1}, 3);
    check_axes(1024, 0, 1, (const size_t[]){1024, 130}, 2);
}

/* Axes that are far from orthonormal make the bound loose, never wrong. */
static void test_skewed_axes(void **state)
{
    (void)state;
    static const double skews[] = {1e-5, 1e-3, 0.03, 0.3, 3};
    for (size_t i = 0; i < sizeof skews / sizeof *skews; i++) {
        check_axes(3, skews[i], 1, (const size_t[]){3, 2, 1}, 3);
        check_axes(40, skews[i], 1, (const size_t[]){40, 12, 1}, 3);
        check_axes(129, skews[i], 1, (const size_t[]){129, 33}, 2);
    }
    static const double lengths[] = {0.3, 0.8, 0.99, 1.01, 1.2, 3};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
        for (size_t dim = 1; dim <= 4; dim++)
            check_axes(dim, 0, lengths[i], &dim, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_chosen_axes), cmocka_unit_test(test_wide_rows),
                                       cmocka_unit_test(test_skewed_axes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
