/* SPDX-License-Identifier: Apache-2.0 */
/* basis.c - the axes that hold most of the energy of both sets: eigenvectors of a sample's second moments. */
#include <lapacke.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "search/codes.h"

enum { SAMPLE_ROWS = 2048, SAMPLE_SEED = 20241031 };

/* moments += x x' for sampled rows of a set; the upper triangle only. Several rows at a time: the matrix is
 * larger than a cache. */
static void add_moments(double *moments, const struct lk_search_set *set, size_t dim, struct lk_rng *rng)
{
    if (set->rows == 0)
        return;
    for (int n = 0; n < SAMPLE_ROWS; n += 4) {
        const float *x[4];
        for (int r = 0; r < 4; r++)
            x[r] = set->data + lk_rng_below(rng, set->rows) * dim;
        for (size_t i = 0; i < dim; i++) {
            double x0 = (double)x[0][i] / SAMPLE_ROWS, x1 = (double)x[1][i] / SAMPLE_ROWS,
                   x2 = (double)x[2][i] / SAMPLE_ROWS, x3 = (double)x[3][i] / SAMPLE_ROWS;
            double *row = moments + i * dim;
            for (size_t j = i; j < dim; j++)
                row[j] += (x0 * (double)x[0][j] + x1 * (double)x[1][j]) +
                          (x2 * (double)x[2][j] + x3 * (double)x[3][j]);
        }
    }
}

/* How far the first `used` stored axes are from orthonormal: the Frobenius norm bounds the spectral one. The
 * products of floats are exact in double, and each sum of `dim` of them is off by less than dim * 2^-52. */
static double measure_skew(const struct lk_basis *b)
{
    double sum = 0;
    for (size_t p = 0; p < b->used; p++)
        for (size_t q = 0; q <= p; q++) {
            double dot = 0;
            for (size_t k = 0; k < b->dim; k++)
                dot += (double)b->axes[k * b->depth + p] * (double)b->axes[k * b->depth + q];
            double off = fabs(dot - (p == q)) + (double)b->dim * 0x1p-52;
            sum += (p == q ? 1 : 2) * off * off;
        }
    return sqrt(sum);
}

lk_status lk_basis_choose(struct lk_basis *out, const struct lk_search_set *a, const struct lk_search_set *b,
                          size_t dim, lk_error *err)
{
    struct lk_basis basis = {.dim = dim, .depth = dim, .used = dim};
    double *moments = lk_calloc(dim * dim, sizeof *moments, err);
    double *values = lk_calloc(dim, sizeof *values, err);
    basis.axes = lk_alloc_aligned(dim * dim, sizeof *basis.axes, err);
    lk_status status = LK_ENOMEM;
    if (moments == NULL || values == NULL || basis.axes == NULL)
        goto done;
    struct lk_rng rng = lk_rng_seed(SAMPLE_SEED);
    add_moments(moments, a, dim, &rng);
    add_moments(moments, b, dim, &rng);
    /* Row-major upper is column-major lower; eigenvalues come in rising order, eigenvectors in columns. */
    if (LAPACKE_dsyevd(LAPACK_ROW_MAJOR, 'V', 'U', (lapack_int)dim, moments, (lapack_int)dim, values) != 0) {
        status =
            lk_fail(err, LK_EINTERNAL, "the eigenvectors of a %zu x %zu matrix were not found", dim, dim);
        goto done;
    }
    for (size_t p = 0; p < dim; p++)
        for (size_t k = 0; k < dim; k++)
            basis.axes[k * dim + p] = (float)moments[k * dim + (dim - 1 - p)];
    *out = basis;
    status = LK_OK;
done:
    free(moments);
    free(values);
    if (status != LK_OK)
        lk_basis_free(&basis);
    return status;
}

lk_status lk_basis_shorten(struct lk_basis *basis, size_t used, lk_error *err)
{
    size_t depth = (used + 3) / 4 * 4;
    float *axes = lk_alloc_aligned(basis->dim * depth, sizeof *axes, err);
    if (axes == NULL)
        return LK_ENOMEM;
    memset(axes, 0, basis->dim * depth * sizeof *axes);
    for (size_t k = 0; k < basis->dim; k++)
        memcpy(axes + k * depth, basis->axes + k * basis->depth, used * sizeof *axes);
    free(basis->axes);
    basis->axes = axes;
    basis->depth = depth;
    basis->used = used;
    basis->skew = measure_skew(basis);
    return LK_OK;
}

void lk_basis_forget(struct lk_basis *basis)
{
    free(basis->axes);
    basis->axes = NULL;
    basis->used = basis->dim;
    basis->depth = (basis->dim + 3) / 4 * 4;
    basis->skew = 0;
}

void lk_basis_free(struct lk_basis *basis)
{
    free(basis->axes);
    memset(basis, 0, sizeof *basis);
}
