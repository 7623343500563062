/* SPDX-License-Identifier: Apache-2.0 */
/* sample.c - the sampled bulk of the histogram, and where its exact tail begins.
 *
 * Sample number t of a gallery is drawn in chunk t / 65536 by a generator of its own, seeded with sample_seed
 * + chunk: first the probe, then the reference. So the sample depends neither on threads nor on scores. */
#include <stdlib.h>

#include "base/mem.h"
#include "base/pool.h"
#include "base/rng.h"
#include "search/pass.h"

#define SAMPLE_SEED UINT64_C(0x6c696b656e657373)
enum { CHUNK = 1 << 16, MOST = 1 << 20, PAIRS_PER_SAMPLE = 256 };

/* Up to so many pairs all bins are exact; beyond, those whose sampled share from there up is 1 in 10,000. */
#define ALL_EXACT_PAIRS ((uint64_t)1 << 22)
#define EXACT_SHARE 10000

struct sampling {
    const struct lk_search_options *options;
    const struct lk_search_set *gallery;
    lk_pairs_fn *pairs;
    uint64_t seed, size;
    uint64_t (*counts)[LK_SEARCH_BINS]; /* of each chunk */
};

/* Pairs that are scored at once: n of them, then the first one again. */
struct group {
    const float *a[LK_GROUP], *b[LK_GROUP];
    uint64_t n;
};

static const float *draw_row(const struct lk_search_set *set, uint64_t dim, struct lk_rng *rng)
{
    const float *row = set->data + lk_rng_below(rng, set->rows) * dim;
    for (uint64_t at = 0; at < dim; at += 16) /* rows lie anywhere in arrays that no cache holds */
        __builtin_prefetch(row + at);
    return row;
}

static struct group draw(const struct sampling *s, struct lk_rng *rng, uint64_t left)
{
    struct group group = {.n = left < LK_GROUP ? left : LK_GROUP};
    for (uint64_t i = 0; group.n > 0 && i < LK_GROUP; i++) {
        group.a[i] = i < group.n ? draw_row(&s->options->probes, s->options->dim, rng) : group.a[0];
        group.b[i] = i < group.n ? draw_row(s->gallery, s->options->dim, rng) : group.b[0];
    }
    return group;
}

static lk_status sample_chunk(void *arg, size_t index, int worker, lk_error *err)
{
    struct sampling *s = arg;
    (void)worker;
    (void)err;
    uint64_t dim = s->options->dim, left = s->size - (uint64_t)index * CHUNK;
    if (left > CHUNK)
        left = CHUNK;
    struct lk_rng rng = lk_rng_seed(s->seed + index);
    struct group group = draw(s, &rng, left), next;
    for (; left > 0; left -= group.n, group = next) {
        float scores[LK_GROUP];
        next = draw(s, &rng, left - group.n); /* fetched while the one in hand is scored */
        s->pairs(group.a, group.b, dim, scores);
        for (uint64_t i = 0; i < group.n; i++)
            s->counts[index][lk_search_bin(scores[i])]++;
    }
    return LK_OK;
}

void lk_pass_plan_sample(struct lk_pass *pass)
{
    for (int g = 0; g < LK_N_GALLERIES; g++) {
        uint64_t pairs = pass->options->probes.rows * pass->options->galleries[g].rows;
        uint64_t size = pairs / PAIRS_PER_SAMPLE + (pairs % PAIRS_PER_SAMPLE != 0);
        pass->out->galleries[g].sample_seed = SAMPLE_SEED + ((uint64_t)g << 32);
        pass->out->galleries[g].sample_size = size < MOST ? size : MOST;
    }
}

static lk_status sample_gallery(struct lk_pass *pass, int g, lk_error *err)
{
    struct lk_search_gallery *out = &pass->out->galleries[g];
    struct sampling s = {.options = pass->options,
                         .pairs = pass->pairs,
                         .gallery = &pass->options->galleries[g],
                         .seed = out->sample_seed,
                         .size = out->sample_size};
    size_t chunks = (size_t)((s.size + CHUNK - 1) / CHUNK);
    s.counts = lk_calloc(chunks, sizeof *s.counts, err);
    if (s.counts == NULL)
        return LK_ENOMEM;
    lk_status status = lk_pool_for(pass->ctx, chunks, sample_chunk, &s, err);
    for (size_t c = 0; status == LK_OK && c < chunks; c++)
        for (int b = 0; b < LK_SEARCH_BINS; b++)
            out->sample[b] += s.counts[c][b];
    free(s.counts);
    return status;
}

bool lk_pass_is_large(const struct lk_pass *pass)
{
    const struct lk_search_options *o = pass->options;
    uint64_t pairs = 0;
    for (int g = 0; g < LK_N_GALLERIES; g++)
        pairs += o->probes.rows * o->galleries[g].rows;
    return pairs > (o->exact_pairs > 0 ? o->exact_pairs : ALL_EXACT_PAIRS);
}

lk_status lk_pass_sample(struct lk_pass *pass, lk_error *err)
{
    const struct lk_search_options *o = pass->options;
    pass->out->exact_bin = 0;
    for (int g = 0; g < LK_N_GALLERIES; g++) {
        if (o->galleries[g].rows == 0)
            continue;
        LK_TRY(sample_gallery(pass, g, err));
        if (!lk_pass_is_large(pass))
            continue;
        const struct lk_search_gallery *out = &pass->out->galleries[g];
        int bin = LK_SEARCH_BINS;
        for (uint64_t above = 0; bin > 0; bin--) {
            above += out->sample[bin - 1];
            if (above * EXACT_SHARE > out->sample_size)
                break;
        }
        if (bin > pass->out->exact_bin)
            pass->out->exact_bin = bin;
    }
    return LK_OK;
}

/* By halving between the floats, which in the order of lk_best_pack are whole numbers: near 0 they lie too close
 * for steps from one to the next. */
float lk_pass_bin_score(int bin)
{
    if (bin == 0)
        return -INFINITY;
    if (bin >= LK_SEARCH_BINS)
        return INFINITY;
    uint64_t below = lk_best_pack(-1.5f, 0) >> 32, from = lk_best_pack(1.5f, 0) >> 32;
    while (from - below > 1) {
        uint64_t middle = (below + from) / 2;
        if (lk_search_bin(lk_best_unpack(middle << 32).score) >= bin)
            from = middle;
        else
            below = middle;
    }
    return lk_best_unpack(from << 32).score;
}
