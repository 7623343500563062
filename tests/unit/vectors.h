/* SPDX-License-Identifier: Apache-2.0 */
/* vectors.h - rows that are hard on a bound: huge dynamic range, denormals, near-ties, equal rows, one-hot
 * rows, few dimensions. */
#ifndef LK_TESTS_VECTORS_H
#define LK_TESTS_VECTORS_H

#include <math.h>
#include <stdlib.h>

#include "base/rng.h"

enum vectors {
    ISOTROPIC,
    SPIKE,    /* one coordinate holds nearly everything, the others span twelve orders of magnitude */
    DENORMAL, /* unit rows whose other coordinates are denormal, and rows that are denormal altogether */
    FAINT,    /* one-hot, with a denormal share of one other coordinate */
    NEAR_TIE, /* one row, its copies moved by one unit in the last place here and there */
    EQUAL,
    ONE_HOT,  /* of both signs */
    LOW_RANK, /* three dimensions */
    OPPOSED,  /* x and -x */
    UNEVEN,   /* lengths from 1/1000 to 1000 */
    MIXED,    /* all of the above side by side in every panel */
    N_VECTORS,
};

static const char *const vectors_name[] = {"isotropic", "spike",   "denormal", "faint",   "near tie", "equal",
                                           "one-hot",   "low rank", "opposed",  "uneven", "mixed"};

static inline double vectors_signed(struct lk_rng *rng)
{
    return 2 * lk_rng_unit(rng) - 1;
}

static inline void vectors_normalise(float *x, size_t dim, double length)
{
    double sum = 0;
    for (size_t k = 0; k < dim; k++)
        sum += (double)x[k] * (double)x[k];
    for (size_t k = 0; k < dim && sum > 0; k++)
        x[k] = (float)((double)x[k] / sqrt(sum) * length);
}

/* Row number i; `common` is one unit row that sets made with the same seed share. */
static inline void vectors_row(float *x, enum vectors kind, uint64_t i, size_t dim, const float *common,
                               struct lk_rng *rng)
{
    size_t here = (size_t)lk_rng_below(rng, dim), there = (size_t)lk_rng_below(rng, dim);
    for (size_t k = 0; k < dim; k++)
        x[k] = kind == EQUAL || kind == NEAR_TIE || kind == LOW_RANK ? common[k] : (float)vectors_signed(rng);
    switch (kind) {
    case SPIKE:
        for (size_t k = 0; k < dim; k++)
            x[k] *= (float)pow(10, -12 * lk_rng_unit(rng));
        x[here] = x[here] < 0 ? -1e3f : 1e3f;
        break;
    case DENORMAL:
        for (size_t k = 0; k < dim; k++)
            x[k] *= 1e-42f;
        if (i % 3 != 0)
            x[here] = i % 2 ? 1 : -1;
        return;
    case FAINT:
    case ONE_HOT:
        for (size_t k = 0; k < dim; k++)
            x[k] = 0;
        if (kind == FAINT)
            x[there] = (float)vectors_signed(rng) * 5e-43f;
        x[here] = i % 2 ? 1 : -1;
        return;
    case NEAR_TIE:
        if (i > 0)
            x[here] = nextafterf(x[here], i % 2 ? 2 : -2);
        return;
    case EQUAL:
        return;
    case LOW_RANK: /* the first three coordinates turned, the rest common */
        for (size_t k = 0; k < dim; k++)
            x[k] = k % 3 == here % 3 ? x[k] : (float)(vectors_signed(rng) > 0) * x[k];
        for (size_t k = 3; k < dim; k++)
            x[k] = x[k % 3] * common[k];
        break;
    case OPPOSED:
        for (size_t k = 0; k < dim; k++)
            x[k] = common[k] + 1e-3f * x[k] / (float)sqrt((double)dim);
        vectors_normalise(x, dim, i % 2 ? 1 : -1);
        return;
    case UNEVEN:
        vectors_normalise(x, dim, pow(10, 3 * vectors_signed(rng)));
        return;
    default:
        break;
    }
    vectors_normalise(x, dim, 1);
}

static inline float *vectors_make(enum vectors kind, uint64_t rows, size_t dim, uint64_t seed)
{
    struct lk_rng common_rng = lk_rng_seed(dim), rng = lk_rng_seed(seed);
    float *data = calloc(rows * dim + 1, sizeof *data), *common = calloc(dim, sizeof *common);
    if (data == NULL || common == NULL)
        abort();
    for (size_t k = 0; k < dim; k++)
        common[k] = (float)vectors_signed(&common_rng);
    vectors_normalise(common, dim, 1);
    for (uint64_t i = 0; i < rows; i++)
        vectors_row(data + i * dim, kind == MIXED ? (enum vectors)lk_rng_below(&rng, MIXED) : kind, i, dim,
                    common, &rng);
    free(common);
    return data;
}

#endif
