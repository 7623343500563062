/* SPDX-License-Identifier: Apache-2.0 */
/* block.c - all pairs of one block of probes: scores tile by tile, and what the tiles hold.
 *
 * The block's packed probes stay in the second-level cache, one panel of 8 references at a time in the first.
 * Of a tile of scores two things are read off in vectors: whether a probe's row holds anything above the
 * lowest of the thresholds in force, and the highest score of each reference. Only where that says so are
 * pairs looked at one by one. */
#include <stdlib.h>

#include "base/mem.h"
#include "search/pass.h"

enum { STRIP = 32 }; /* scores of a row that are tested at once */

struct tile {
    struct lk_pass *pass;
    struct lk_block *block;
    struct lk_worker *worker;
    int g;
    uint64_t first, count; /* references */
};

/* Scores of the block's probes against the tile's references. */
static void fill_tile(const struct tile *t)
{
    size_t dim = (size_t)t->pass->options->dim;
    struct lk_worker *w = t->worker;
    const float *data = t->pass->galleries[t->g].set->data;
    for (uint64_t r = 0; r < t->count; r += LK_GROUP) {
        uint64_t n = t->count - r < LK_GROUP ? t->count - r : LK_GROUP;
        lk_kernel_pack(w->references, data + (t->first + r) * dim, (size_t)n, dim);
        for (uint64_t p = 0; p < t->block->count; p += LK_GROUP)
            t->pass->kernel(w->probes + p * dim, w->references, dim, w->scores + p * LK_TILE + r, LK_TILE);
    }
}

/* fminf and fmaxf, which care for NaN, are calls. */
static inline float smaller(float a, float b)
{
    return a < b ? a : b;
}

static inline float larger(float a, float b)
{
    return a > b ? a : b;
}

float lk_pass_block_floor(const struct lk_pass *pass, int g, const struct lk_closest *closest)
{
    float lowest = lk_closest_threshold(closest);
    float known = atomic_load_explicit(&pass->galleries[g].threshold, memory_order_relaxed);
    lowest = smaller(larger(lowest, known), pass->range_score);
    return pass->out->exact_bin > 0 ? smaller(lowest, pass->exact_score) : lowest;
}

float lk_pass_floor(const struct lk_pass *pass, int g, const struct lk_closest *closest,
                    const struct lk_list *nearest, const struct lk_list *identities)
{
    float lowest = smaller(lk_pass_block_floor(pass, g, closest), lk_list_threshold(nearest));
    return pass->galleries[g].set->identities != NULL ? smaller(lowest, lk_list_threshold(identities)) : lowest;
}

/* A scored pair for the products of the probes; those of the references are raised by the callers. */
static lk_status take(struct lk_pass *pass, struct lk_block *block, struct lk_worker *worker, int g,
                      uint64_t p, uint32_t reference, float score, lk_error *err)
{
    const uint32_t *identities = pass->galleries[g].set->identities;
    struct lk_pair pair = {score, (uint32_t)(block->first + p), reference};
    struct lk_hit hit = {score, reference};
    if (score >= lk_list_threshold(&worker->nearest[p]))
        lk_list_add(&worker->nearest[p], hit);
    if (identities != NULL && score >= lk_list_threshold(&worker->identities[p]))
        lk_list_add_identity(&worker->identities[p], hit, identities);
    if (score >= atomic_load_explicit(&pass->galleries[g].threshold, memory_order_relaxed))
        LK_TRY(lk_closest_add(&block->closest[g], &pair, 1, err));
    if (pass->out->exact_bin > 0 && score >= pass->exact_score)
        block->exact[g][lk_search_bin(score)]++;
    if (pass->has_range && score >= pass->range_score) {
        LK_TRY(lk_grow(&block->range, &block->range_capacity, block->n_range + 1, sizeof *block->range, err));
        block->range[block->n_range++] =
            (struct lk_range_pair){pair.probe, (uint32_t)g,
                                   (uint32_t)pass->galleries[g].first + pair.reference, score};
    }
    return LK_OK;
}

lk_status lk_pass_take(struct lk_pass *pass, struct lk_block *block, struct lk_worker *worker, int g,
                       uint64_t p, uint32_t reference, float score, lk_error *err)
{
    lk_best_raise(&pass->galleries[g].best[reference], lk_best_pack(score, (uint32_t)(block->first + p)));
    return take(pass, block, worker, g, p, reference, score, err);
}

void lk_pass_report(struct lk_pass *pass, uint64_t pairs)
{
    uint64_t before = pass->first * (pass->pairs_total / pass->options->probes.rows);
    uint64_t done = pairs + atomic_fetch_add_explicit(&pass->pairs_done, pairs, memory_order_relaxed);
    /* Of the blocks that are merged: the last score that makes the list of the closest pairs so far. */
    float kth = atomic_load_explicit(&pass->galleries[LK_GALLERY_TRAIN].threshold, memory_order_relaxed);
    lk_ctx_progress(pass->ctx, &(lk_progress){.stage = "match",
                                              .unit = "pairs",
                                              .done = done,
                                              .total = pass->pairs_total,
                                              .resumed = before,
                                              .figure_name = kth > -INFINITY ? "k-th score" : NULL,
                                              .figure = (double)kth});
}

static lk_status read_rows(const struct tile *t, lk_error *err)
{
    for (uint64_t p = 0; p < t->block->count; p++) {
        const float *scores = t->worker->scores + p * LK_TILE;
        if (t->pass->out->exact_bin == 0)
            for (uint64_t r = 0; r < t->count; r++)
                t->block->exact[t->g][lk_search_bin(scores[r])]++;
        const struct lk_list *nearest = &t->worker->nearest[p], *identities = &t->worker->identities[p];
        float lowest = lk_pass_floor(t->pass, t->g, &t->block->closest[t->g], nearest, identities);
        for (uint64_t r = 0; r < t->count; r += STRIP) {
            /* Behind the gallery's last reference lie scores of an earlier tile: `end` keeps them out. */
            uint64_t end = t->count - r < STRIP ? t->count : r + STRIP;
            int any = 0;
            for (uint64_t i = r; i < r + STRIP; i++)
                any |= scores[i] >= lowest;
            if (!any)
                continue;
            for (uint64_t i = r; i < end; i++)
                if (scores[i] >= lowest)
                    LK_TRY(take(t->pass, t->block, t->worker, t->g, p, (uint32_t)(t->first + i), scores[i],
                                err));
            lowest = lk_pass_floor(t->pass, t->g, &t->block->closest[t->g], nearest, identities);
        }
    }
    return LK_OK;
}

/* The block's best probe of each reference. */
static void read_columns(const struct tile *t)
{
    const float *scores = t->worker->scores;
    float most[LK_TILE];
    memcpy(most, scores, sizeof most);
    for (uint64_t p = 1; p < t->block->count; p++)
        for (uint64_t r = 0; r < LK_TILE; r++)
            most[r] = scores[p * LK_TILE + r] > most[r] ? scores[p * LK_TILE + r] : most[r];
    for (uint64_t r = 0; r < t->count; r++) {
        _Atomic uint64_t *best = &t->pass->galleries[t->g].best[t->first + r];
        if (lk_best_pack(most[r], (uint32_t)t->block->first) <=
            atomic_load_explicit(best, memory_order_relaxed))
            continue;
        uint64_t p = 0;
        while (scores[p * LK_TILE + r] != most[r])
            p++;
        lk_best_raise(best, lk_best_pack(most[r], (uint32_t)(t->block->first + p)));
    }
}

static void begin_gallery(const struct tile *t)
{
    struct lk_search_gallery *out = &t->pass->out->galleries[t->g];
    for (uint64_t p = 0; p < t->block->count; p++) {
        uint64_t probe = t->block->first + p;
        t->worker->nearest[p] = (struct lk_list){out->nearest + probe * out->n_nearest, 0, out->n_nearest};
        t->worker->identities[p] =
            (struct lk_list){out->identities + probe * out->n_identities, 0, out->n_identities};
    }
}

static lk_status scan_gallery(struct tile *t, lk_error *err)
{
    struct lk_pass *pass = t->pass;
    begin_gallery(t);
    if (pass->fast != NULL)
        return lk_fast_gallery(pass, t->block, t->worker, t->g, err);
    for (t->first = 0; t->first < pass->galleries[t->g].set->rows; t->first += LK_TILE) {
        LK_TRY(lk_ctx_check(pass->ctx, err));
        uint64_t left = pass->galleries[t->g].set->rows - t->first;
        t->count = left < LK_TILE ? left : LK_TILE;
        fill_tile(t);
        LK_TRY(read_rows(t, err));
        read_columns(t);
        t->worker->scored += t->block->count * t->count;
        lk_pass_report(pass, t->block->count * t->count);
    }
    return LK_OK;
}

static int compare_range(const void *a, const void *b)
{
    const struct lk_range_pair *x = a, *y = b;
    if (x->probe != y->probe)
        return x->probe < y->probe ? -1 : 1;
    if (x->gallery != y->gallery)
        return x->gallery < y->gallery ? -1 : 1;
    return (x->reference > y->reference) - (x->reference < y->reference);
}

lk_status lk_pass_block(struct lk_pass *pass, struct lk_block *block, struct lk_worker *worker, lk_error *err)
{
    size_t dim = (size_t)pass->options->dim;
    block->n_range = 0;
    memset(block->exact, 0, sizeof block->exact);
    if (pass->fast == NULL)
        lk_kernel_pack(worker->probes, pass->options->probes.data + block->first * dim, (size_t)block->count,
                       dim);
    for (int g = 0; g < LK_N_GALLERIES; g++) {
        block->closest[g].n = 0;
        block->closest[g].full = false;
        struct tile tile = {.pass = pass, .block = block, .worker = worker, .g = g};
        LK_TRY(scan_gallery(&tile, err));
    }
    if (block->n_range > 0)
        qsort(block->range, block->n_range, sizeof *block->range, compare_range);
    return LK_OK;
}
