/* SPDX-License-Identifier: Apache-2.0 */
/* depth.c - how many axes the nominating scan should use: what scanning costs against what a looser bound
 * lets through.
 *
 * A wrong guess costs time, never a result. Costs are in nanoseconds of one core, measured on a Zen 5 at
 * 1,070 Gop/s; only their ratio matters, and it is much the same elsewhere because both sides grow with the
 * width of the vectors. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "search/pass.h"

enum { SAMPLE = 384, SEED = 7 };
/* The bound takes the largest rest of a panel. */
#define REST_OF_PANEL 1.25
#define SCAN_NS_PER_AXIS 0.0019
#define SCORE_NS_PER_COORDINATE 0.2

/* Sampled rows in all axes, and for each prefix the length of what is left out. */
struct projected {
    float *rows;   /* SAMPLE x dim */
    double *norm2; /* SAMPLE */
};

static lk_status project_sample(struct projected *out, const struct lk_basis *basis,
                                const struct lk_search_set *set, struct lk_rng *rng, lk_error *err)
{
    size_t dim = basis->dim;
    out->rows = lk_calloc(SAMPLE * dim, sizeof *out->rows, err);
    out->norm2 = lk_calloc(SAMPLE, sizeof *out->norm2, err);
    if (out->rows == NULL || out->norm2 == NULL)
        return LK_ENOMEM;
    for (size_t i = 0; i < SAMPLE; i++) {
        const float *x = set->data + lk_rng_below(rng, set->rows) * dim;
        float *row = out->rows + i * dim;
        for (size_t k = 0; k < dim; k++) {
            out->norm2[i] += (double)x[k] * (double)x[k];
            for (size_t a = 0; a < dim; a++)
                row[a] += x[k] * basis->axes[k * dim + a];
        }
    }
    return LK_OK;
}

/* Extends the sampled products and the kept energies from `from` to `to` axes. */
static void extend(float *products, double *kept, const struct projected *x, const struct projected *y,
                   size_t dim, size_t from, size_t to)
{
    for (size_t i = 0; i < SAMPLE; i++) {
        for (size_t a = from; a < to; a++) {
            kept[i] += (double)x->rows[i * dim + a] * (double)x->rows[i * dim + a];
            kept[SAMPLE + i] += (double)y->rows[i * dim + a] * (double)y->rows[i * dim + a];
        }
        for (size_t j = 0; j < SAMPLE; j++)
            for (size_t a = from; a < to; a++)
                products[i * SAMPLE + j] += x->rows[i * dim + a] * y->rows[j * dim + a];
    }
}

/* Share of the sampled pairs that the bound would let through. */
static double share_nominated(const float *products, const double *kept, const struct projected *x,
                              const struct projected *y, double rounding, double threshold)
{
    size_t passed = 0;
    for (size_t i = 0; i < SAMPLE; i++)
        for (size_t j = 0; j < SAMPLE; j++) {
            double rest = sqrt(fmax(x->norm2[i] - kept[i], 0) * fmax(y->norm2[j] - kept[SAMPLE + j], 0));
            passed += (double)products[i * SAMPLE + j] + REST_OF_PANEL * rest + rounding >= threshold;
        }
    return (double)passed / ((double)SAMPLE * SAMPLE);
}

/* About the score that the lists of a probe ask for, on average over a run: of n references in any order
 * r (1 + ln(n / r)) enter a list of r. */
static float list_score(const struct lk_pass *pass)
{
    const struct lk_search_gallery *out = &pass->out->galleries[LK_GALLERY_TRAIN];
    double n = (double)pass->galleries[LK_GALLERY_TRAIN].set->rows, r = (double)out->n_nearest;
    double share = r * (1 + log(n / r)) / n;
    uint64_t above = 0;
    int bin = LK_SEARCH_BINS;
    while (bin > 0 && (double)above <= share * (double)out->sample_size)
        above += out->sample[--bin];
    return lk_pass_bin_score(bin);
}

static size_t cheapest(const struct lk_pass *pass, const struct projected *x, const struct projected *y,
                       float *products, double *kept)
{
    size_t dim = (size_t)pass->options->dim, best = dim, from = 0;
    double least = INFINITY;
    double threshold = (double)fminf(fminf(pass->exact_score, pass->range_score), list_score(pass));
    for (size_t to = dim < 32 ? dim : 32; from < dim; to = to + 16 < dim ? to + 16 : dim) {
        extend(products, kept, x, y, dim, from, to);
        from = to;
        /* Two roundings of rows whose largest coordinate is about four times the typical one. */
        double rounding = 2 * 4 / sqrt((double)to) / pass->fast->scan->limit * sqrt((double)to / 12);
        double cost =
            (double)to * SCAN_NS_PER_AXIS + share_nominated(products, kept, x, y, rounding, threshold) *
                                                (double)dim * SCORE_NS_PER_COORDINATE;
        if (cost < least) {
            least = cost;
            best = to;
        }
    }
    return best;
}

lk_status lk_fast_depth(struct lk_pass *pass, size_t *depth, lk_error *err)
{
    struct lk_rng rng = lk_rng_seed(SEED);
    struct projected x = {0}, y = {0};
    float *products = lk_calloc((size_t)SAMPLE * SAMPLE, sizeof *products, err);
    double *kept = lk_calloc((size_t)2 * SAMPLE, sizeof *kept, err);
    lk_status status = products != NULL && kept != NULL ? LK_OK : LK_ENOMEM;
    if (status == LK_OK)
        status = project_sample(&x, &pass->fast->basis, &pass->options->probes, &rng, err);
    if (status == LK_OK)
        status = project_sample(&y, &pass->fast->basis, pass->galleries[LK_GALLERY_TRAIN].set, &rng, err);
    if (status == LK_OK)
        *depth = cheapest(pass, &x, &y, products, kept);
    free(x.rows);
    free(x.norm2);
    free(y.rows);
    free(y.norm2);
    free(products);
    free(kept);
    return status;
}
