/* SPDX-License-Identifier: Apache-2.0 */
/* mixing.c - are training set and hold-out mixed as chance would mix them: Schilling's nearest neighbour
 * test. */
#include <stdlib.h>
#include <string.h>

#include "base/pool.h"
#include "stats/pull.h"
#include "stats/resample.h"

enum { STREAM = 11, PERMUTATIONS = 1999 };

struct job {
    const uint32_t *nearest;
    const uint8_t *in_train;
    size_t n;
    uint64_t seed;
    uint8_t *labels; /* n for each worker */
    uint64_t *own;   /* of each replicate */
};

static uint64_t count_own(const uint32_t *nearest, const uint8_t *labels, size_t n)
{
    uint64_t own = 0;
    for (size_t i = 0; i < n; i++)
        own += nearest[i] != LK_NO_PERSON && labels[i] == labels[nearest[i]];
    return own;
}

static lk_status permute_one(void *arg, size_t index, int worker, lk_error *err)
{
    (void)err;
    struct job *j = arg;
    uint8_t *labels = j->labels + (size_t)worker * j->n;
    struct lk_rng rng = lk_rng_stream(j->seed, STREAM, index);
    memcpy(labels, j->in_train, j->n);
    for (size_t i = j->n; i > 1; i--) { /* Fisher and Yates */
        size_t k = (size_t)lk_rng_below(&rng, i);
        uint8_t label = labels[i - 1];
        labels[i - 1] = labels[k];
        labels[k] = label;
    }
    j->own[index] = count_own(j->nearest, labels, j->n);
    return LK_OK;
}

lk_status lk_mixing(lk_ctx *ctx, const uint32_t *nearest, const uint8_t *in_train, size_t n, uint64_t seed,
                    struct lk_mixing *out, lk_error *err)
{
    LK_NEED(n > 1, err, LK_EINVAL, "mixing: %zu persons, expected at least two", n);
    struct lk_mixing r = {.permutations = PERMUTATIONS, .seed = seed};
    for (size_t i = 0; i < n; i++) {
        LK_NEED(nearest[i] == LK_NO_PERSON || nearest[i] < n, err, LK_EINVAL,
                "mixing: person %zu is nearest to person %u of %zu", i, nearest[i], n);
        r.n += nearest[i] != LK_NO_PERSON;
    }
    r.own = count_own(nearest, in_train, n);
    double train = 0, all = (double)n;
    for (size_t i = 0; i < n; i++)
        train += in_train[i];
    r.expected = (double)r.n * (train * (train - 1) + (all - train) * (all - train - 1)) / (all * (all - 1));
    struct job job = {nearest, in_train, n, seed, NULL, NULL};
    job.labels = lk_calloc(n, (size_t)lk_ctx_threads(ctx), err);
    job.own = lk_calloc(PERMUTATIONS, sizeof *job.own, err);
    lk_status status = job.labels != NULL && job.own != NULL ? LK_OK : LK_ENOMEM;
    if (status == LK_OK)
        status = lk_pool_for(ctx, PERMUTATIONS, permute_one, &job, err);
    uint64_t reach = 0;
    for (size_t b = 0; status == LK_OK && b < PERMUTATIONS; b++)
        reach += job.own[b] >= r.own;
    r.p = (1 + (double)reach) / (PERMUTATIONS + 1);
    free(job.labels);
    free(job.own);
    if (status == LK_OK)
        *out = r;
    return status;
}
