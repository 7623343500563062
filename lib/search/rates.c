/* SPDX-License-Identifier: Apache-2.0 */
/* rates.c - lk_rates_measure: what each part of a comparison costs on this machine, from a few small ones. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "search/bench.h"
#include "search/match.h"

enum {
    PROBES = 16384,
    REFERENCES = 65536,
    ROUNDS = 3, /* the middle one counts: what disturbs one does not disturb all */
    MIN_ROWS = 512,
    FILE_ROWS = 4096,
};

struct vectors {
    float *probes, *references;
    uint64_t n_probes, n_references, dim;
    struct lk_match_set given[2]; /* probes and references; open where they were not made here */
};

/* The shapes of the comparisons: many references for few probes, a small square and a large one. How many pairs the
 * scan lets through for a probe and for a reference follows from how that differs between them. */
enum { WIDE, SMALL, LARGE, N_SHAPES };

struct shape {
    uint64_t probes, references, sampled, nominated;
    double prepare[ROUNDS], pass[ROUNDS];
};

struct measuring {
    lk_ctx *ctx;
    const lk_bench_options *options;
    const struct lk_scan *scan;
    struct vectors v;
    struct shape shapes[N_SHAPES];
    double sweep[ROUNDS], encode[ROUNDS], basis[ROUNDS];
    lk_rates *out;
};

/* ---- vectors ---------------------------------------------------------------------------------------- */

static lk_status take_rows(float **out, const struct lk_match_set *set, uint64_t most, uint64_t *n, lk_error *err)
{
    uint64_t dim = set->faces.matrix.dim, rows = set->set.rows;
    *n = rows < most ? rows : most;
    LK_NEED(*n >= MIN_ROWS, err, LK_EINVAL, "%s: %llu rows, expected at least %d to measure with", set->faces.path,
            (unsigned long long)rows, MIN_ROWS);
    if ((*out = lk_alloc_aligned((size_t)(*n * dim), sizeof **out, err)) == NULL)
        return LK_ENOMEM;
    for (uint64_t i = 0; i < *n; i++)
        memcpy(*out + i * dim, set->set.data + i * rows / *n * dim, (size_t)dim * sizeof **out);
    return LK_OK;
}

static lk_status take_given(struct vectors *v, lk_ctx *ctx, const lk_bench_options *o, lk_error *err)
{
    struct lk_match_set *x = &v->given[0], *y = &v->given[1];
    LK_TRY(lk_match_set_open(x, ctx, "probes", o->probes, err));
    LK_TRY(lk_match_set_open(y, ctx, "references", o->references, err));
    v->dim = x->faces.matrix.dim;
    LK_TRY(lk_match_sets_agree(x, y, err));
    LK_TRY(take_rows(&v->probes, x, PROBES, &v->n_probes, err));
    return take_rows(&v->references, y, REFERENCES, &v->n_references, err);
}

/* Of the larger set: to read its list of images, which matrices without one hardly have. */
static lk_status measure_names(lk_rates *out, lk_ctx *ctx, const lk_bench_options *o, lk_error *err)
{
    struct lk_faces faces;
    double most = 0;
    const char *const paths[] = {o->probes, o->references};
    for (int i = 0; i < 2; i++) {
        double start = lk_clock_seconds();
        LK_TRY(lk_faces_open(&faces, ctx, paths[i], err));
        double rows = (double)faces.matrix.rows;
        lk_faces_close(&faces);
        if (rows > most)
            out->name = (lk_clock_seconds() - start) / rows;
        most = fmax(most, rows);
    }
    return LK_OK;
}

static lk_status make_all(struct vectors *v, lk_ctx *ctx, const lk_bench_options *o, lk_error *err)
{
    *v = (struct vectors){.n_probes = PROBES, .n_references = REFERENCES, .dim = o->dim};
    LK_TRY(lk_made_vectors(&v->probes, ctx, PROBES, o->dim, o->seed, err));
    return lk_made_vectors(&v->references, ctx, REFERENCES, o->dim, ~o->seed, err);
}

/* ---- measuring -------------------------------------------------------------------------------------- */

static lk_status compare(struct measuring *m, uint64_t probes, uint64_t references, struct lk_search_result *out,
                         lk_error *err)
{
    struct lk_search_options o = {.dim = m->v.dim,
                                  .probes = {.data = m->v.probes, .rows = probes},
                                  .galleries = {{.data = m->v.references, .rows = references}},
                                  .k = m->options->k,
                                  .r = m->options->r,
                                  .min_score = NAN,
                                  .cpu = m->options->cpu,
                                  .plain_work = 1, /* axes are looked for, as in large searches */
                                  .exact_pairs = 1};
    return lk_search_run(m->ctx, &o, out, err);
}

static lk_status measure_shape(struct measuring *m, struct shape *s, int round, lk_error *err)
{
    struct lk_search_result result;
    LK_TRY(compare(m, s->probes, s->references, &result, err));
    s->prepare[round] = result.work.prepare_seconds;
    s->pass[round] = result.work.seconds - result.work.prepare_seconds;
    s->nominated = result.work.nominated;
    s->sampled = result.galleries[LK_GALLERY_TRAIN].sample_size;
    m->out->axes = result.work.axes;
    lk_search_free(&result);
    return LK_OK;
}

/* On the axes that the largest comparison chose. */
static lk_status measure_codes(struct measuring *m, int round, lk_error *err)
{
    struct lk_search_set x = {.data = m->v.probes, .rows = m->v.n_probes},
                         y = {.data = m->v.references, .rows = m->v.n_references};
    struct lk_basis basis = {.dim = (size_t)m->v.dim};
    struct lk_codes probes = {.rows = 0}, references = {.rows = 0};
    size_t axes = (size_t)m->out->axes;
    lk_status status = lk_basis_choose(&basis, &x, &y, basis.dim, err);
    if (status == LK_OK && axes < basis.dim)
        status = lk_basis_shorten(&basis, axes, err);
    else if (status == LK_OK)
        lk_basis_forget(&basis);
    double start = lk_clock_seconds();
    if (status == LK_OK)
        status = lk_codes_make(&probes, m->ctx, &basis, &x, m->scan, false, err);
    m->encode[round] = (lk_clock_seconds() - start) / (double)x.rows;
    if (status == LK_OK)
        status = lk_codes_make(&references, m->ctx, &basis, &y, m->scan, true, err);
    if (status == LK_OK)
        status = lk_scan_sweep(&m->sweep[round], m->ctx, m->scan, &probes, &references, err);
    lk_codes_free(&probes);
    lk_codes_free(&references);
    lk_basis_free(&basis);
    return status;
}

static lk_status measure_round(struct measuring *m, int round, lk_error *err)
{
    struct lk_search_result result;
    LK_TRY(compare(m, MIN_ROWS, MIN_ROWS, &result, err)); /* next to nothing but choosing axes */
    m->basis[round] = result.work.prepare_seconds;
    lk_search_free(&result);
    for (int i = 0; i < N_SHAPES; i++)
        LK_TRY(measure_shape(m, &m->shapes[i], round, err));
    return measure_codes(m, round, err);
}

static lk_status measure_all(struct measuring *m, lk_error *err)
{
    uint64_t x = m->v.n_probes, y = m->v.n_references, side = x < y ? x : y;
    m->shapes[WIDE] = (struct shape){.probes = x / 8, .references = y};
    m->shapes[SMALL] = (struct shape){.probes = side / 2, .references = side / 2};
    m->shapes[LARGE] = (struct shape){.probes = side, .references = side};
    for (int round = 0; round < ROUNDS; round++)
        LK_TRY(measure_round(m, round, err));
    float *rows = NULL; /* made ones: a note of what is wrong with given ones has been printed */
    LK_TRY(lk_made_vectors(&rows, m->ctx, FILE_ROWS, m->v.dim, m->options->seed, err));
    bool given = m->options->probes != NULL;
    lk_status status = lk_rates_files(m->out, m->ctx, rows, FILE_ROWS, given ? m->v.given : NULL, err);
    free(rows);
    if (status == LK_OK && given)
        status = measure_names(m->out, m->ctx, m->options, err);
    return status;
}

/* ---- what follows from it --------------------------------------------------------------------------- */

static int compare_numbers(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double middle(const double values[ROUNDS])
{
    double sorted[ROUNDS];
    memcpy(sorted, values, sizeof sorted);
    qsort(sorted, ROUNDS, sizeof *sorted, compare_numbers);
    return sorted[ROUNDS / 2];
}

/* Of squares of two sizes the growth, and both numbers together; of the wide shape how they divide. */
static void count_nominated(lk_rates *out, const struct shape *shapes)
{
    const struct shape *small = &shapes[SMALL], *large = &shapes[LARGE], *wide = &shapes[WIDE];
    double side = (double)large->probes, more = side / (double)small->probes;
    double of_small = (double)small->nominated / (double)small->probes, of_large = (double)large->nominated / side;
    double growth = of_small > 0 && more > 1 ? log(of_large / of_small) / log(more) : 0;
    out->growth = growth > 0 && growth < 1 ? growth : 0;
    double both = of_large / pow(side, out->growth), m = (double)wide->probes, n = (double)wide->references;
    double of_probes = m * pow(n, out->growth), of_references = n * pow(m, out->growth);
    double share = ((double)wide->nominated - both * of_references) / (of_probes - of_references);
    out->per_probe = share < 0 || !isfinite(share) ? 0 : share > both ? both : share;
    out->per_reference = both - out->per_probe;
}

/* The least squares of two non-negative unknowns: y = a p + b q. */
static void solve(const double *p, const double *q, const double *y, int n, double *a, double *b)
{
    double pp = 0, pq = 0, qq = 0, py = 0, qy = 0;
    for (int i = 0; i < n; i++) {
        pp += p[i] * p[i];
        pq += p[i] * q[i];
        qq += q[i] * q[i];
        py += p[i] * y[i];
        qy += q[i] * y[i];
    }
    double d = pp * qq - pq * pq;
    *a = fmax((py * qq - qy * pq) / d, 0);
    *b = fmax((qy - *a * pq) / qq, 0);
    *a = fmax((py - *b * pq) / pp, 0);
}

static void conclude(struct measuring *m)
{
    lk_rates *out = m->out;
    double rest[N_SHAPES], sampled[N_SHAPES], references[N_SHAPES], time = 0, squares = 0;
    out->scan = middle(m->sweep);
    out->basis = middle(m->basis);
    out->probe = middle(m->encode);
    count_nominated(out, m->shapes);
    for (int i = 0; i < N_SHAPES; i++) {
        const struct shape *s = &m->shapes[i];
        double nominated = (double)s->nominated;
        time += nominated * fmax(middle(s->pass) - (double)s->probes * (double)s->references / out->scan, 0);
        squares += nominated * nominated;
        sampled[i] = (double)s->sampled;
        references[i] = (double)s->references;
        rest[i] = middle(s->prepare) - out->basis - out->probe * (double)s->probes;
    }
    out->nominated = squares > 0 ? time / squares : 0;
    solve(sampled, references, rest, N_SHAPES, &out->sample, &out->reference);
    out->reference = fmax(out->reference, out->probe);
}

lk_status lk_rates_measure(lk_ctx *ctx, const lk_bench_options *options, lk_rates *out, lk_error *err)
{
    LK_NEED((options->probes == NULL) == (options->references == NULL), err, LK_EINVAL,
            "rates need both sets, or none to make them");
    LK_NEED(options->dim > 0, err, LK_EINVAL, "rates need vectors of at least one number");
    LK_NEED(options->device == NULL, err, LK_EINVAL, "rates are those of the processor: expected no device");
    LK_TRY(lk_scan_check(options->cpu, err));
    lk_rates rates = {.threads = lk_ctx_threads(ctx), .k = options->k, .r = options->r};
    struct measuring m = {.ctx = ctx, .options = options, .scan = lk_scan_choose(options->cpu), .out = &rates};
    lk_status status = options->probes != NULL ? take_given(&m.v, ctx, options, err)
                                               : make_all(&m.v, ctx, options, err);
    rates.dim = m.v.dim;
    strncpy(rates.cpu, m.scan->name, sizeof rates.cpu - 1);
    if (status == LK_OK)
        status = measure_all(&m, err);
    free(m.v.probes);
    free(m.v.references);
    for (int i = 0; i < 2; i++)
        lk_match_set_close(&m.v.given[i]);
    if (status != LK_OK)
        return status;
    conclude(&m);
    *out = rates;
    return LK_OK;
}
