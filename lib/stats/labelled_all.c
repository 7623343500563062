/* SPDX-License-Identifier: Apache-2.0 */
/* labelled_all.c - scores all pairs of a labelled set, or a random sample of a large one. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/pool.h"
#include "stats/labelled.h"
#include "stats/resample.h"

/* What the random numbers of a stream are for. */
enum { STREAM_IDENTITIES, STREAM_GENUINE, STREAM_IMPOSTOR };

void lk_labelled_close(struct lk_labelled *labelled)
{
    lk_roc_close(&labelled->roc);
}

/* ---- images by identity --------------------------------------------------------------------------- */

struct member {
    const char *identity;
    uint64_t row;
};

/* Images of one identity: members[first] .. members[first + n - 1]. */
struct group {
    size_t first, n;
};

struct groups {
    struct member *members;
    size_t n_members;
    struct group *items;
    size_t n;
    bool one_for_each; /* one random impostor pair for each pair of identities */
};

static int compare_members(const void *a, const void *b)
{
    const struct member *x = a, *y = b;
    int order = strcmp(x->identity, y->identity);
    return order != 0 ? order : (x->row > y->row) - (x->row < y->row);
}

static lk_status make_groups(struct groups *g, const struct lk_faces *faces, lk_error *err)
{
    size_t rows = (size_t)faces->matrix.rows;
    g->members = lk_calloc(rows, sizeof *g->members, err);
    g->items = lk_calloc(rows, sizeof *g->items, err);
    if (g->members == NULL || g->items == NULL)
        return LK_ENOMEM;
    for (uint64_t row = 0; row < rows; row++) {
        const char *identity = lk_faces_image(faces, row)->identity;
        if (identity != NULL && lk_faces_usable(faces, row))
            g->members[g->n_members++] = (struct member){identity, row};
    }
    if (g->n_members > 0)
        qsort(g->members, g->n_members, sizeof *g->members, compare_members);
    for (size_t i = 0; i < g->n_members; i++) {
        if (i == 0 || strcmp(g->members[i - 1].identity, g->members[i].identity) != 0)
            g->items[g->n++].first = i;
        g->items[g->n - 1].n++;
    }
    LK_NEED(g->n >= 2, err, LK_EFORMAT,
            "%s: %zu identities, expected at least two (one folder for each person)", faces->path, g->n);
    return LK_OK;
}

static float score_members(const struct lk_faces *faces, const struct groups *g, size_t a, size_t b)
{
    return lk_score(lk_matrix_row(&faces->matrix, g->members[a].row),
                    lk_matrix_row(&faces->matrix, g->members[b].row), (size_t)faces->matrix.dim);
}

/* ---- genuine pairs -------------------------------------------------------------------------------- */

static uint64_t pairs_of(uint64_t n)
{
    return n % 2 == 0 ? n / 2 * (n - 1) : (n - 1) / 2 * n;
}

/* All pairs of one identity, or `most` random ones (drawn with replacement). */
static size_t score_group(const struct lk_faces *faces, const struct groups *g, const struct group *group,
                          uint64_t most, struct lk_rng *rng, float *out)
{
    size_t n = 0, first = group->first;
    if (pairs_of(group->n) <= most) {
        for (size_t i = 0; i < group->n; i++)
            for (size_t j = i + 1; j < group->n; j++)
                out[n++] = score_members(faces, g, first + i, first + j);
        return n;
    }
    while (n < most) {
        size_t i = (size_t)lk_rng_below(rng, group->n), j = (size_t)lk_rng_below(rng, group->n - 1);
        out[n++] = score_members(faces, g, first + i, first + (j < i ? j : j + 1));
    }
    return n;
}

static lk_status score_genuine(struct lk_labelled *r, const struct lk_faces *faces, const struct groups *g,
                               float **out, size_t *n, lk_error *err)
{
    uint64_t total = 0, most = UINT64_MAX;
    for (size_t i = 0; i < g->n; i++)
        total += pairs_of(g->items[i].n);
    if (total > LK_GENUINE_PAIRS) {
        most = LK_GENUINE_PAIRS / g->n > 0 ? LK_GENUINE_PAIRS / g->n : 1;
        total = 0;
        for (size_t i = 0; i < g->n; i++)
            total += pairs_of(g->items[i].n) < most ? pairs_of(g->items[i].n) : most;
        r->sampled = 1;
    }
    LK_NEED(total > 0, err, LK_EFORMAT,
            "%s: no identity has two images with a face, so there are no genuine pairs", faces->path);
    float *scores = lk_calloc((size_t)total, sizeof *scores, err);
    if (scores == NULL)
        return LK_ENOMEM;
    struct lk_rng rng = lk_rng_stream(r->seed, STREAM_GENUINE, 0);
    size_t filled = 0;
    for (size_t i = 0; i < g->n; i++)
        filled += score_group(faces, g, &g->items[i], most, &rng, scores + filled);
    *out = scores;
    *n = filled;
    return LK_OK;
}

/* ---- impostor pairs ------------------------------------------------------------------------------- */

/* Every item is one image against all images of later identities, or, sampled, one identity against all later
 * ones. */
struct impostors {
    lk_ctx *ctx;
    const struct lk_faces *faces;
    const struct groups *g;
    struct lk_roc *roc;
    uint64_t seed;
    size_t *group_end;   /* of each member: the first member of the next identity */
    uint32_t **counters; /* of each worker */
    uint64_t done, total;
};

struct row_scores {
    size_t n;
    float scores[];
};

static lk_status fill_scores(void *arg, size_t index, int worker, void *slot, lk_error *err)
{
    struct impostors *im = arg;
    struct row_scores *row = slot;
    (void)err;
    row->n = 0;
    if (im->g->one_for_each) {
        const struct group *mine = &im->g->items[index];
        /* its own stream: the same for any number of threads */
        struct lk_rng rng = lk_rng_stream(im->seed, STREAM_IMPOSTOR, index);
        for (size_t other = index + 1; other < im->g->n; other++) {
            const struct group *theirs = &im->g->items[other];
            size_t a = mine->first + (size_t)lk_rng_below(&rng, mine->n);
            size_t b = theirs->first + (size_t)lk_rng_below(&rng, theirs->n);
            row->scores[row->n++] = score_members(im->faces, im->g, a, b);
        }
    } else {
        for (size_t b = im->group_end[index]; b < im->g->n_members; b++)
            row->scores[row->n++] = score_members(im->faces, im->g, index, b);
    }
    for (size_t i = 0; i < row->n; i++)
        im->counters[worker][lk_roc_slot(im->roc, row->scores[i])]++;
    return LK_OK;
}

static lk_status sink_scores(void *arg, size_t index, void *slot, lk_error *err)
{
    struct impostors *im = arg;
    const struct row_scores *row = slot;
    (void)index, (void)err;
    lk_roc_tail(im->roc, row->scores, row->n);
    im->done += row->n;
    lk_ctx_progress(
        im->ctx, &(lk_progress){.stage = "calibrate", .unit = "pairs", .done = im->done, .total = im->total});
    return LK_OK;
}

static lk_status run_impostors(struct impostors *im, int threads, lk_error *err)
{
    size_t n = im->g->one_for_each ? im->g->n : im->g->n_members, n_slots = 4 * (size_t)threads;
    size_t slot_size = (sizeof(struct row_scores) + n * sizeof(float) + 63) / 64 * 64;
    for (int w = 0; w < threads; w++)
        if ((im->counters[w] = lk_calloc(2 * im->roc->n_values + 1, sizeof **im->counters, err)) == NULL)
            return LK_ENOMEM;
    void *slots = lk_alloc_aligned(n_slots, slot_size, err);
    if (slots == NULL)
        return LK_ENOMEM;
    lk_status status =
        lk_pool_ordered(im->ctx, 0, n, slots, slot_size, n_slots, fill_scores, sink_scores, im, err);
    free(slots);
    for (int w = 0; status == LK_OK && w < threads; w++)
        lk_roc_count(im->roc, im->counters[w]);
    return status;
}

/* Opens the roc with the genuine scores and adds the impostor scores. */
static lk_status score_impostors(struct lk_labelled *r, lk_ctx *ctx, const struct lk_faces *faces,
                                 const struct groups *g, const float *genuine, size_t n_genuine,
                                 double max_fmr, lk_error *err)
{
    int threads = lk_ctx_threads(ctx);
    struct impostors im = {.ctx = ctx, .faces = faces, .g = g, .roc = &r->roc, .seed = r->seed};
    r->sampled |= g->one_for_each;
    im.group_end = lk_calloc(g->n_members, sizeof *im.group_end, err);
    im.counters = lk_calloc((size_t)threads, sizeof *im.counters, err);
    lk_status status = im.group_end != NULL && im.counters != NULL ? LK_OK : LK_ENOMEM;
    if (status == LK_OK) {
        im.total = pairs_of(g->one_for_each ? g->n : g->n_members);
        for (size_t i = 0; i < g->n; i++) {
            if (!g->one_for_each)
                im.total -= pairs_of(g->items[i].n);
            for (size_t j = 0; j < g->items[i].n; j++)
                im.group_end[g->items[i].first + j] = g->items[i].first + g->items[i].n;
        }
        status = lk_roc_open(&r->roc, genuine, n_genuine, im.total, max_fmr, err);
    }
    if (status == LK_OK)
        status = run_impostors(&im, threads, err);
    for (int w = 0; im.counters != NULL && w < threads; w++)
        free(im.counters[w]);
    free(im.counters);
    free(im.group_end);
    return status;
}

/* Keeps LK_ALL_PAIRS_ROWS random identities (the start of a shuffle), so that their pairs stay countable. */
static void sample_groups(struct groups *g, uint64_t seed)
{
    struct lk_rng rng = lk_rng_stream(seed, STREAM_IDENTITIES, 0);
    for (size_t i = 0; i < LK_ALL_PAIRS_ROWS; i++) {
        size_t j = i + (size_t)lk_rng_below(&rng, g->n - i);
        struct group chosen = g->items[j];
        g->items[j] = g->items[i];
        g->items[i] = chosen;
    }
    g->n = LK_ALL_PAIRS_ROWS;
}

lk_status lk_labelled_all(struct lk_labelled *out, lk_ctx *ctx, const struct lk_faces *faces,
                          bool one_for_each, uint64_t seed, double max_fmr, lk_error *err)
{
    struct lk_labelled r = {.seed = seed};
    struct groups g = {0};
    float *genuine = NULL;
    size_t n_genuine = 0;
    lk_status status = make_groups(&g, faces, err);
    g.one_for_each = one_for_each || g.n_members > LK_ALL_PAIRS_ROWS;
    if (status == LK_OK && g.n > LK_ALL_PAIRS_ROWS)
        sample_groups(&g, seed);
    if (status == LK_OK)
        status = score_genuine(&r, faces, &g, &genuine, &n_genuine, err);
    if (status == LK_OK)
        status = score_impostors(&r, ctx, faces, &g, genuine, n_genuine, max_fmr, err);
    free(genuine);
    free(g.members);
    free(g.items);
    if (status == LK_OK)
        *out = r;
    else
        lk_labelled_close(&r);
    return status;
}
