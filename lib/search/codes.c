/* SPDX-License-Identifier: Apache-2.0 */
/* codes.c - projects rows onto a basis and rounds them to 8-bit codes, panel by panel. */
#include "search/codes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/pool.h"

enum { SETS_PER_TASK = 32 };
#define SMALLEST_SCALE 0x1p-60f

struct encoding {
    struct lk_codes *codes;
    const struct lk_basis *basis;
    const struct lk_search_set *set;
    const struct lk_scan *kernel;
    bool as_references;
    struct worker *workers;
};

struct worker {
    double *projections; /* rows of a set, rounded up to LK_PROJECT_ROWS, x depth */
    float *rows;         /* LK_PROJECT_ROWS x dim: the last ones of a set */
    int8_t *codes;       /* depth */
    float reach, fine_error;
    double longest;
};

/* Length of the rounding error of a projection of a row of length `norm`. */
static double projection_slack(const struct lk_basis *b, double norm)
{
    if (b->axes == NULL)
        return 0;
    return sqrt((double)b->used) * (LK_PROJECT_CHUNK + 2) * 0x1p-24 * norm * (1 + b->skew);
}

/* What the code of one row leaves; the bound takes the largest of a panel. */
struct remainder {
    double error, rest, reach, fine_error;
};

/* Codes of one row, the i-th of its set, into its place in its panel. */
static struct remainder encode_row(const struct encoding *e, struct worker *w, double norm2, double scale,
                                   uint64_t row, size_t i)
{
    struct lk_codes *c = e->codes;
    size_t panel_rows = (size_t)c->panel_rows, run = e->as_references ? 1 : (size_t)e->kernel->run;
    uint64_t panel = row / panel_rows;
    int8_t *codes = c->codes + panel * panel_rows * c->depth;
    const double *projection = w->projections + i * c->depth;
    struct lk_rounded r;
    e->kernel->round_row(projection, c->depth, scale, w->codes, &r);
    int offset = e->as_references ? e->kernel->offset : 0;
    if (e->kernel->by_rows)
        memcpy(codes + row % panel_rows * c->depth, w->codes, c->depth);
    for (size_t a = 0; !e->kernel->by_rows && a < c->depth; a++)
        codes[lk_scan_place(c->depth, panel_rows, run, (size_t)(row % panel_rows), a)] = (int8_t)(uint8_t)(w->codes[a] + offset);
    if (c->start != NULL)
        c->start[row] = -e->kernel->offset * r.sum;
    double slack = projection_slack(e->basis, sqrt(norm2));
    double inside = fmax(sqrt(r.length) - slack, 0);
    inside = inside * inside /
             (1 + e->basis->skew); /* at least this much of the row lies in the span of the axes */
    /* The inverse of (axes axes') is the identity but for this much; nothing is known of axes that are hardly
     * independent. */
    double skew = e->basis->skew < 0.5 ? e->basis->skew / (1 - e->basis->skew) : INFINITY;
    double to_float = 0x1p-23 * sqrt(r.length); /* of the fine projections */
    return (struct remainder){
        .error = skew < 1 ? (sqrt(r.wrong) + slack) * (1 + skew) + skew * sqrt(r.reach) : INFINITY,
        .rest = sqrt(fmax(norm2 * (1 + (double)e->basis->dim * 0x1p-50) - inside, 0)) + 0x1p-20,
        .reach = sqrt(r.reach),
        .fine_error =
            skew < 1 ? (to_float + slack) * (1 + skew) + skew * (sqrt(r.length) + to_float) : INFINITY,
    };
}

/* The projections of n rows, in doubles. */
static void project_rows(const struct encoding *e, struct worker *w, const float *x, size_t n)
{
    size_t dim = e->basis->dim, depth = e->codes->depth;
    if (e->basis->axes == NULL) {
        for (size_t i = 0; i < n; i++)
            for (size_t k = 0; k < dim; k++)
                w->projections[i * depth + k] = (double)x[i * dim + k];
        return;
    }
    for (size_t i = 0; i < n; i += LK_PROJECT_ROWS) {
        const float *rows = x + i * dim;
        if (n - i < LK_PROJECT_ROWS) { /* behind the last row may be the end of a mapped file */
            memset(w->rows, 0, LK_PROJECT_ROWS * dim * sizeof *w->rows);
            rows = memcpy(w->rows, rows, (n - i) * dim * sizeof *rows);
        }
        e->kernel->project(e->basis->axes, dim, depth, rows, w->projections + i * depth);
    }
}

/* The panels of one set. */
static void encode_set(const struct encoding *e, uint64_t set, struct worker *w)
{
    struct lk_codes *c = e->codes;
    size_t dim = e->basis->dim, depth = c->depth, panel_rows = (size_t)c->panel_rows;
    size_t rows = (size_t)c->share * panel_rows;
    uint64_t first = set * rows, end = c->panels * panel_rows - first;
    size_t n = c->rows - first < rows ? (size_t)(c->rows - first) : rows;
    double largest = 0;
    memset(w->projections, 0, rows * depth * sizeof *w->projections);
    project_rows(e, w, e->set->data + first * dim, n);
    for (size_t i = 0; i < n * depth; i++)
        largest = fabs(w->projections[i]) > largest ? fabs(w->projections[i]) : largest;
    for (size_t i = 0; c->fine != NULL && i < n * depth; i++)
        c->fine[first * depth + i] = (float)w->projections[i];
    /* A scale that is a float, and never so small that a code would pass the limit. Panels that the axes
     * hardly see have none, their codes are zero: so the product of two scales, and its inverse, are normal
     * floats. */
    float scale = (float)(largest / e->kernel->limit * (1 + 0x1p-20));
    scale = scale < SMALLEST_SCALE ? 0 : scale;
    struct remainder most = {0};
    for (size_t i = 0; i < rows && i < end; i++) {
        const float *x = e->set->data + (first + i) * dim;
        double norm2 = i < n ? e->kernel->dot(x, x, dim) : 0;
        struct remainder r = encode_row(e, w, norm2, (double)scale, first + i, i);
        most = (struct remainder){fmax(most.error, r.error), fmax(most.rest, r.rest),
                                  fmax(most.reach, r.reach), fmax(most.fine_error, r.fine_error)};
        w->longest = fmax(w->longest, sqrt(norm2));
    }
    c->scale[set] = scale;
    c->error[set] = nextafterf((float)most.error, INFINITY);
    c->rest[set] = nextafterf((float)most.rest, INFINITY);
    w->reach = fmaxf(w->reach, nextafterf((float)most.reach, INFINITY));
    w->fine_error = fmaxf(w->fine_error, nextafterf((float)most.fine_error, INFINITY));
}

static lk_status encode_task(void *arg, size_t index, int worker, lk_error *err)
{
    const struct encoding *e = arg;
    uint64_t sets = (e->codes->panels + e->codes->share - 1) / e->codes->share;
    (void)err;
    for (uint64_t n = index * SETS_PER_TASK; n < (index + 1) * SETS_PER_TASK && n < sets; n++)
        encode_set(e, n, &e->workers[worker]);
    return LK_OK;
}

static lk_status encode_all(lk_ctx *ctx, struct encoding *e, lk_error *err)
{
    int threads = lk_ctx_threads(ctx);
    size_t set_rows = (size_t)e->codes->panel_rows * (size_t)e->codes->share;
    e->workers = lk_calloc((size_t)threads, sizeof *e->workers, err);
    lk_status status = e->workers != NULL ? LK_OK : LK_ENOMEM;
    for (int i = 0; status == LK_OK && i < threads; i++) {
        size_t rows = (set_rows + LK_PROJECT_ROWS - 1) / LK_PROJECT_ROWS * LK_PROJECT_ROWS;
        e->workers[i].projections = lk_calloc(rows * e->codes->depth, sizeof(double), err);
        e->workers[i].rows = lk_calloc(LK_PROJECT_ROWS * e->basis->dim, sizeof(float), err);
        e->workers[i].codes = lk_calloc(e->codes->depth, 1, err);
        if (e->workers[i].projections == NULL || e->workers[i].rows == NULL || e->workers[i].codes == NULL)
            status = LK_ENOMEM;
    }
    if (status == LK_OK)
        status = lk_pool_for(ctx, (size_t)(e->codes->panels / (e->codes->share * SETS_PER_TASK) + 1), encode_task,
                             e, err);
    for (int i = 0; e->workers != NULL && i < threads; i++) {
        e->codes->longest = fmax(e->codes->longest, e->workers[i].longest);
        e->codes->reach = fmaxf(e->codes->reach, e->workers[i].reach);
        e->codes->fine_error = fmaxf(e->codes->fine_error, e->workers[i].fine_error);
        free(e->workers[i].projections);
        free(e->workers[i].rows);
        free(e->workers[i].codes);
    }
    free(e->workers);
    return status;
}

lk_status lk_codes_make(struct lk_codes *out, lk_ctx *ctx, const struct lk_basis *basis,
                        const struct lk_search_set *set, const struct lk_scan *kernel, bool as_references,
                        lk_error *err)
{
    size_t panel_rows = (size_t)(as_references ? kernel->nr : kernel->mr);
    struct lk_codes codes = {.rows = set->rows,
                             .panels = (set->rows + panel_rows - 1) / panel_rows,
                             .panel_rows = (int)panel_rows,
                             .share = as_references || panel_rows > LK_SHARED_PROBES ? 1 : LK_SHARED_PROBES / panel_rows,
                             .depth = basis->depth};
    size_t sets = (size_t)((codes.panels + codes.share - 1) / codes.share);
    codes.codes = lk_alloc_aligned((size_t)codes.panels * panel_rows, codes.depth, err);
    codes.scale = lk_calloc(sets, sizeof *codes.scale, err);
    codes.error = lk_calloc(sets, sizeof *codes.error, err);
    codes.rest = lk_calloc(sets, sizeof *codes.rest, err);
    if (!as_references)
        codes.start = lk_calloc((size_t)codes.panels * panel_rows, sizeof *codes.start, err);
    bool fine = 2 * basis->depth <= basis->dim && !kernel->by_rows;
    if (fine)
        codes.fine = lk_alloc_aligned((size_t)codes.rows * codes.depth, sizeof *codes.fine, err);
    lk_status status = LK_ENOMEM;
    if ((codes.fine != NULL || !fine) && codes.codes != NULL && codes.scale != NULL && codes.error != NULL &&
        codes.rest != NULL && (as_references || codes.start != NULL)) {
        struct encoding e = {
            .codes = &codes, .basis = basis, .set = set, .kernel = kernel, .as_references = as_references};
        status = encode_all(ctx, &e, err);
    }
    if (status == LK_OK)
        *out = codes;
    else
        lk_codes_free(&codes);
    return status;
}

void lk_codes_free(struct lk_codes *codes)
{
    if (codes->map.bytes != NULL) {
        lk_map_close(&codes->map);
    } else {
        free(codes->codes);
        free(codes->start);
        free(codes->scale);
        free(codes->error);
        free(codes->rest);
        free(codes->fine);
    }
    memset(codes, 0, sizeof *codes);
}
