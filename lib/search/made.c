/* SPDX-License-Identifier: Apache-2.0 */
/* made.c - random unit vectors to measure with where there are no embeddings. */
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/pool.h"
#include "base/rng.h"
#include "search/bench.h"

enum { ROWS_AT_A_TIME = 256 };

struct making {
    float *data;
    uint64_t rows, dim, seed;
};

/* Independent normal numbers (Box and Muller 1958), scaled to length 1. */
static void make_row(float *row, uint64_t dim, struct lk_rng *rng)
{
    double sum = 0;
    for (uint64_t k = 0; k < dim; k += 2) {
        double radius = sqrt(-2 * log(1 - lk_rng_unit(rng))), angle = 2 * M_PI * lk_rng_unit(rng);
        double pair[2] = {radius * cos(angle), radius * sin(angle)};
        for (uint64_t i = 0; i < 2 && k + i < dim; i++) {
            row[k + i] = (float)pair[i];
            sum += pair[i] * pair[i];
        }
    }
    double scale = 1 / sqrt(sum);
    for (uint64_t k = 0; k < dim; k++)
        row[k] = (float)((double)row[k] * scale);
}

static lk_status make_rows(void *arg, size_t index, int worker, lk_error *err)
{
    struct making *m = arg;
    (void)worker;
    (void)err;
    uint64_t first = (uint64_t)index * ROWS_AT_A_TIME;
    /* A stream for each group of rows, so that the threads do not matter. */
    struct lk_rng seeds = lk_rng_seed(m->seed);
    struct lk_rng rng = lk_rng_seed(lk_rng_next(&seeds) ^ (first + 1) * 0xd1342543de82ef95u);
    for (uint64_t i = first; i < first + ROWS_AT_A_TIME && i < m->rows; i++)
        make_row(m->data + i * m->dim, m->dim, &rng);
    return LK_OK;
}

lk_status lk_made_vectors(float **out, lk_ctx *ctx, uint64_t rows, uint64_t dim, uint64_t seed, lk_error *err)
{
    size_t cells;
    LK_NEED(!lk_mul_overflows((size_t)rows, (size_t)dim, &cells), err, LK_ENOMEM,
            "so many vectors do not fit into memory");
    struct making m = {lk_alloc_aligned(cells, sizeof *m.data, err), rows, dim, seed};
    if (m.data == NULL)
        return LK_ENOMEM;
    lk_status status =
        lk_pool_for(ctx, (size_t)((rows + ROWS_AT_A_TIME - 1) / ROWS_AT_A_TIME), make_rows, &m, err);
    if (status == LK_OK)
        *out = m.data;
    else
        free(m.data);
    return status;
}
