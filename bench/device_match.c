/* SPDX-License-Identifier: Apache-2.0 */
/* device_match.c - the search with a module for an accelerator, beside the same search by the processor: every product
 * compared, and the time of both. Vectors are made. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/pool.h"
#include "base/rng.h"
#include "search/search.h"

enum { DIM = 512, PER_PERSON = 50, CHUNK = 1000 };

static void fail(const char *what)
{
    fprintf(stderr, "device_match: %s\n", what);
    exit(1);
}

/* ---- made faces ---------------------------------------------------------------------------------------- */

/* Persons are centres with residuals around them; both have a spectrum that falls by half every `half` axes, as those
 * of face recognition networks do, turned by random signs and a Walsh-Hadamard transform. half 0: all directions alike,
 * and every row for itself. */
struct making {
    float *data;
    uint64_t rows, seed;
    double half;
};

static void transform(double x[DIM])
{
    for (size_t step = 1; step < DIM; step *= 2)
        for (size_t i = 0; i < DIM; i += 2 * step)
            for (size_t j = i; j < i + step; j++) {
                double a = x[j], b = x[j + step];
                x[j] = a + b;
                x[j + step] = a - b;
            }
}

static void draw(double x[DIM], struct lk_rng *rng, double half)
{
    for (size_t i = 0; i < DIM; i += 2) {
        double size = sqrt(-2 * log(1 - lk_rng_unit(rng))), angle = 6.283185307179586 * lk_rng_unit(rng);
        double share = half > 0 ? exp2(-(double)i / (2 * half)) : 1;
        x[i] = share * size * cos(angle);
        x[i + 1] = share * size * sin(angle);
    }
}

static lk_status make_chunk(void *arg, size_t index, int worker, lk_error *err)
{
    const struct making *m = arg;
    (void)worker;
    (void)err;
    double centre[DIM], x[DIM], signs[DIM];
    struct lk_rng turn = lk_rng_seed(4711); /* one for all sets */
    for (size_t i = 0; i < DIM; i++)
        signs[i] = lk_rng_unit(&turn) < 0.5 ? -1 : 1;
    struct lk_rng rng = lk_rng_seed(m->seed * 1000003 + index);
    for (uint64_t row = index * CHUNK; row < (index + 1) * CHUNK && row < m->rows; row++) {
        if (row % PER_PERSON == 0)
            draw(centre, &rng, m->half);
        draw(x, &rng, m->half);
        double norm2 = 0;
        for (size_t i = 0; i < DIM; i++) {
            x[i] = m->half > 0 ? signs[i] * (centre[i] + 0.8 * x[i]) : x[i];
            norm2 += x[i] * x[i];
        }
        double length = sqrt(norm2 * (m->half > 0 ? DIM : 1));
        if (m->half > 0)
            transform(x);
        for (size_t i = 0; i < DIM; i++)
            m->data[row * DIM + i] = (float)(x[i] / length);
    }
    return LK_OK;
}

static struct lk_search_set make(lk_ctx *ctx, uint64_t rows, uint64_t seed, double half)
{
    struct making m = {malloc(rows * DIM * sizeof(float)), rows, seed, half};
    uint32_t *people = half > 0 ? malloc(rows * sizeof *people) : NULL;
    if (m.data == NULL || (half > 0 && people == NULL) ||
        lk_pool_for(ctx, (size_t)(rows / CHUNK + 1), make_chunk, &m, NULL) != LK_OK)
        fail("cannot make vectors");
    for (uint64_t i = 0; people != NULL && i < rows; i++)
        people[i] = (uint32_t)(i / PER_PERSON);
    return (struct lk_search_set){m.data, rows, people, (uint32_t)(rows / PER_PERSON + 1)};
}

/* ---- two searches compared --------------------------------------------------------------------------------- */

static bool same_hits(const struct lk_hit *a, const struct lk_hit *b, uint64_t n)
{
    return memcmp(a, b, n * sizeof *a) == 0;
}

static const char *difference(const struct lk_search_options *o, const struct lk_search_result *a,
                              const struct lk_search_result *b)
{
    const struct lk_search_gallery *x = &a->galleries[0], *y = &b->galleries[0];
    if (x->n_pairs != y->n_pairs || memcmp(x->pairs, y->pairs, x->n_pairs * sizeof *x->pairs) != 0)
        return "closest pairs";
    if (!same_hits(x->nearest, y->nearest, o->probes.rows * x->n_nearest))
        return "nearest";
    if (!same_hits(x->identities, y->identities, o->probes.rows * x->n_identities))
        return "nearest identities";
    if (!same_hits(x->best_probe, y->best_probe, o->galleries[0].rows))
        return "best probes";
    if (a->exact_bin != b->exact_bin || memcmp(x->exact, y->exact, sizeof x->exact) != 0 ||
        memcmp(x->sample, y->sample, sizeof x->sample) != 0)
        return "histogram";
    return NULL;
}

static struct lk_search_result run(lk_ctx *ctx, const struct lk_search_options *o, const char *name)
{
    struct lk_search_result result;
    lk_error err;
    if (lk_search_run(ctx, o, &result, &err) != LK_OK)
        fail(err.text);
    const struct lk_search_work *w = &result.work;
    double pairs = (double)result.n_pairs;
    printf("%s: %.3f s in all, %.3f s preparing, %.3f s the pass; %llu axes, nominated %.4f %%, scored %.4f %%; "
           "%.4g pairs/s in all\n",
           name, w->seconds, w->prepare_seconds, w->seconds - w->prepare_seconds, (unsigned long long)w->axes,
           100 * (double)w->nominated / pairs, 100 * (double)w->scored / pairs, pairs / w->seconds);
    fflush(stdout);
    return result;
}

int main(int argc, char **argv)
{
    if (argc < 8)
        fail("usage: device_match DEVICE PROBES REFERENCES HALF DEPTH THREADS ROUNDS [PARTS [compare]]");
    uint64_t m = strtoull(argv[2], NULL, 10), n = strtoull(argv[3], NULL, 10);
    double half = strtod(argv[4], NULL);
    lk_ctx_options options;
    lk_ctx_options_init(&options);
    options.threads = atoi(argv[6]);
    lk_ctx *ctx;
    if (lk_ctx_new(&ctx, &options, NULL) != LK_OK)
        fail("no context");
    struct lk_search_options o = {
        .dim = DIM, .k = 1500, .r = 10, .min_score = NAN, .device = argv[1], .depth = strtoull(argv[5], NULL, 10)};
    o.device_parts = argc > 8 ? strtoull(argv[8], NULL, 10) : 0;
    double start = lk_clock_seconds();
    o.probes = make(ctx, m, 1, half);
    o.galleries[0] = make(ctx, n, 2, half);
    printf("%llu x %llu x %d, half %g: made in %.1f s, %d threads\n", (unsigned long long)m, (unsigned long long)n, DIM,
           half, lk_clock_seconds() - start, lk_ctx_threads(ctx));
    struct lk_search_result got = {0};
    for (int round = 0; round < atoi(argv[7]); round++) {
        lk_search_free(&got);
        got = run(ctx, &o, o.device);
    }
    if (argc > 9) {
        o.device = NULL;
        o.depth = 0;
        struct lk_search_result want = run(ctx, &o, "processor");
        const char *what = difference(&o, &want, &got);
        printf("%s%s\n", what == NULL ? "all products are equal" : "DIFFERENT: ", what == NULL ? "" : what);
        lk_search_free(&want);
        if (what != NULL)
            return 1;
    }
    lk_search_free(&got);
    lk_ctx_free(ctx);
    free((void *)o.probes.data);
    free((void *)o.galleries[0].data);
    free((void *)o.probes.identities);
    free((void *)o.galleries[0].identities);
    return 0;
}
