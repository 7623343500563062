/* SPDX-License-Identifier: Apache-2.0 */
/* fast.c - the pass with a nominating scan: 8-bit codes find the few pairs that can matter, and only those
 * are scored. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/pool.h"
#include "search/bound.h"
#include "search/pass.h"

enum { MOST_NOMINATED = 256, MOST_NEAR = 1 << 17, PANELS_PER_UPDATE = 64 };

/* A pair that may score at most this. */
struct candidate {
    uint32_t p; /* of the block */
    uint32_t reference;
    float most;
};

/* What a worker knows of the block's pairs. The lists are those of the result, but hold the least that each
 * pair scores. Where projections leave out little these are nearly as good as the scores, and pairs wait for
 * their scoring until the thresholds stand high; else pairs are scored soon, and the lists hold their scores.
 */
struct lk_scan_lists {
    struct lk_closest closest;
    struct lk_list *nearest, *identities; /* of each probe */
    struct lk_hit *hits;                  /* of all lists */
    struct candidate *near;               /* room + MOST_NOMINATED */
    size_t room;
};

struct scan {
    struct lk_pass *pass;
    struct lk_block *block;
    struct lk_worker *worker;
    struct lk_scan_lists *lists;
    int g;
    bool waits;
    const struct lk_fast *fast;
    const struct lk_codes *references;
    uint64_t first_panel, end_panel; /* of probes: those that hold the block */
    /* Lowest score that anything asks for from each probe. Rows of the panels that are not the block's have
     * the highest. */
    float padded[LK_MAX_SCAN_BLOCK + 2 * LK_SHARED_PROBES], *floors; /* floors[p] is the block's p-th */
    struct candidate nominated[MOST_NOMINATED];
    size_t n_nominated, n_near;
};

lk_status lk_scan_lists_new(struct lk_scan_lists **out, const struct lk_pass *pass, lk_error *err)
{
    struct lk_scan_lists *lists = lk_calloc(1, sizeof *lists, err);
    if (lists == NULL)
        return LK_ENOMEM;
    size_t block = (size_t)pass->block, r = 0;
    for (int g = 0; g < LK_N_GALLERIES; g++)
        r = pass->out->galleries[g].n_nearest > r ? (size_t)pass->out->galleries[g].n_nearest : r;
    lists->nearest = lk_calloc(block, sizeof *lists->nearest, err);
    lists->identities = lk_calloc(block, sizeof *lists->identities, err);
    lists->hits = lk_calloc(block * r, 2 * sizeof *lists->hits, err);
    lists->room = pass->options->waiting > 0 ? (size_t)pass->options->waiting : MOST_NEAR;
    lists->near = lk_calloc(lists->room + MOST_NOMINATED, sizeof *lists->near, err);
    *out = lists;
    return lists->nearest != NULL && lists->identities != NULL && lists->hits != NULL && lists->near != NULL
               ? LK_OK
               : LK_ENOMEM;
}

void lk_scan_lists_free(struct lk_scan_lists *lists)
{
    if (lists == NULL)
        return;
    free(lists->closest.pairs);
    free(lists->nearest);
    free(lists->identities);
    free(lists->hits);
    free(lists->near);
    free(lists);
}

static void begin_lists(struct scan *s)
{
    const struct lk_search_gallery *out = &s->pass->out->galleries[s->g];
    struct lk_hit *hits = s->lists->hits;
    s->lists->closest.k = s->pass->galleries[s->g].closest.k;
    s->lists->closest.n = 0;
    s->lists->closest.full = false;
    for (uint64_t p = 0; p < s->block->count; p++) {
        s->lists->nearest[p] = (struct lk_list){hits, 0, out->n_nearest};
        hits += out->n_nearest;
        s->lists->identities[p] = (struct lk_list){hits, 0, out->n_identities};
        hits += out->n_identities;
    }
}

static void update_floor(struct scan *s, uint64_t p)
{
    s->floors[p] =
        lk_pass_floor(s->pass, s->g, &s->lists->closest, &s->lists->nearest[p], &s->lists->identities[p]);
}

/* A pair scores at least this. Each pair comes here once. */
static lk_status note_least(struct scan *s, uint64_t p, uint32_t reference, float least, lk_error *err)
{
    _Atomic float *best = &s->fast->best[s->g][reference];
    float seen = atomic_load_explicit(best, memory_order_relaxed);
    while (least > seen && !atomic_compare_exchange_weak_explicit(best, &seen, least, memory_order_relaxed,
                                                                  memory_order_relaxed))
        ;
    if (least < s->floors[p])
        return LK_OK;
    const struct lk_pass_gallery *gallery = &s->pass->galleries[s->g];
    const uint32_t *identities = gallery->set->identities;
    struct lk_list *nearest = &s->lists->nearest[p], *distinct = &s->lists->identities[p];
    if (least >= lk_list_threshold(nearest))
        lk_list_add(nearest, (struct lk_hit){least, reference});
    if (identities != NULL && least >= lk_list_threshold(distinct))
        lk_list_add_identity(distinct, (struct lk_hit){least, reference}, identities);
    if (least >= atomic_load_explicit(&gallery->threshold, memory_order_relaxed))
        LK_TRY(lk_closest_add(&s->lists->closest,
                              &(struct lk_pair){least, (uint32_t)(s->block->first + p), reference}, 1, err));
    update_floor(s, p);
    return LK_OK;
}

/* ---- nominated pairs are sifted; what is left of them is scored, and taken ---------------------------- */

/* Asks for memory ahead of its use: nominated rows lie anywhere in arrays that no cache holds. */
static inline void prefetch(const void *bytes, size_t len)
{
    for (size_t at = 0; at < len; at += 64)
        __builtin_prefetch((const char *)bytes + at);
}

/* The score that anything asks for from a pair. */
static inline float needed_of(const struct scan *s, uint64_t p, uint64_t reference)
{
    float best = atomic_load_explicit(&s->fast->best[s->g][reference], memory_order_relaxed);
    return s->floors[p] < best ? s->floors[p] : best;
}

/* What nominated pairs are sifted by: the projections before they were rounded to codes, or the rows where
 * there are none. */
static inline const float *fine_row(const struct lk_codes *codes, const struct lk_search_set *set, size_t dim,
                                    uint64_t row)
{
    return codes->fine != NULL ? codes->fine + row * codes->depth : set->data + row * dim;
}

static inline size_t fine_length(const struct scan *s)
{
    return s->references->fine != NULL ? s->references->depth : (size_t)s->pass->options->dim;
}

/* Scores the pairs that may still matter. */
static lk_status score_near(struct scan *s, lk_error *err)
{
    struct lk_pass *pass = s->pass;
    size_t dim = (size_t)pass->options->dim, n = 0, bytes = dim * sizeof(float);
    const float *probes = pass->options->probes.data + s->block->first * dim;
    const float *gallery = pass->galleries[s->g].set->data;
    struct candidate *near = s->lists->near;
    for (size_t i = 0; i < s->n_near; i++)
        if (near[i].most >= needed_of(s, near[i].p, near[i].reference))
            near[n++] = near[i];
    for (size_t first = 0; first < n; first += LK_GROUP) {
        const float *a[LK_GROUP], *b[LK_GROUP];
        float scores[LK_GROUP];
        size_t count = n - first < LK_GROUP ? n - first : LK_GROUP;
        for (size_t j = 0; j < LK_GROUP; j++) {
            struct candidate c = near[first + (j < count ? j : 0)];
            a[j] = probes + c.p * dim;
            b[j] = gallery + c.reference * dim;
            if (first + j + LK_GROUP < n)
                prefetch(gallery + near[first + j + LK_GROUP].reference * dim, bytes);
        }
        pass->pairs(a, b, dim, scores);
        for (size_t j = 0; j < count; j++) {
            struct candidate c = near[first + j];
            if (!s->waits)
                LK_TRY(note_least(s, c.p, c.reference, scores[j], err));
            LK_TRY(lk_pass_take(pass, s->block, s->worker, s->g, c.p, c.reference, scores[j], err));
        }
    }
    s->worker->scored += n;
    s->n_near = 0;
    return LK_OK;
}

/* Keeps of the nominated pairs those that may matter. */
static lk_status sift(struct scan *s, lk_error *err)
{
    const struct lk_fast *f = s->fast;
    const struct lk_codes *px = &f->probes, *py = s->references;
    size_t dim = (size_t)s->pass->options->dim, length = fine_length(s);
    for (size_t i = 0; i < s->n_nominated; i++) {
        struct candidate c = s->nominated[i];
        uint64_t probe = s->block->first + c.p;
        float inside =
            f->scan->dot_float(fine_row(px, &s->pass->options->probes, dim, probe),
                               fine_row(py, s->pass->galleries[s->g].set, dim, c.reference), length);
        double rest =
            py->fine != NULL ? (double)lk_codes_rest(px, probe) * (double)lk_codes_rest(py, c.reference) : 0;
        struct lk_bounds b = lk_bounds_fine(inside, rest, f->fine_slack[s->g]);
        if (b.most < needed_of(s, c.p, c.reference))
            continue;
        c.most = b.most;
        s->lists->near[s->n_near++] = c;
        if (s->waits)
            LK_TRY(note_least(s, c.p, c.reference, b.least, err));
    }
    s->worker->nominated += s->n_nominated;
    s->n_nominated = 0;
    return s->n_near >= s->lists->room || !s->waits ? score_near(s, err) : LK_OK;
}

/* ---- one panel of references against the block ------------------------------------------------------- */

/* The pairs of a tile that its mask tells. A block may begin and end within a panel. */
static lk_status nominate(struct scan *s, uint64_t probe_panel, uint64_t first_reference, uint64_t wanted,
                          const uint64_t *mask, lk_error *err)
{
    const struct lk_codes *y = s->references;
    uint64_t mr = (uint64_t)s->fast->scan->mr, first = s->block->first, end = first + s->block->count;
    size_t bytes = fine_length(s) * sizeof(float);
    for (uint64_t probe = probe_panel * mr, i = 0; i < mr; i++, probe++) {
        if (probe < first || probe >= end)
            continue;
        for (uint64_t m = mask[i] & wanted; m != 0; m &= m - 1) {
            if (s->n_nominated == MOST_NOMINATED)
                LK_TRY(sift(s, err));
            uint64_t reference = first_reference + (uint64_t)__builtin_ctzll(m);
            prefetch(fine_row(y, s->pass->galleries[s->g].set, (size_t)s->pass->options->dim, reference),
                     bytes);
            s->nominated[s->n_nominated++] =
                (struct candidate){.p = (uint32_t)(probe - first), .reference = (uint32_t)reference};
        }
    }
    return LK_OK;
}

static lk_status scan_panel(struct scan *s, uint64_t panel, lk_error *err)
{
    const struct lk_fast *f = s->fast;
    const struct lk_codes *x = &f->probes, *y = s->references;
    size_t mr = (size_t)x->panel_rows, nr = (size_t)y->panel_rows;
    uint64_t first = panel * nr, rows = y->rows - first < nr ? y->rows - first : nr;
    float best[LK_TILE_MAX_REFERENCES];
    for (uint64_t j = 0; j < nr; j++)
        best[j] = j < rows ? atomic_load_explicit(&f->best[s->g][first + j], memory_order_relaxed) : INFINITY;
    uint64_t wanted = f->not_leads[s->g][panel];
    float reach = fmaxf(x->reach, y->reach);
    const float *floors = s->padded;
    for (uint64_t set = s->first_panel / x->share; set * x->share < s->end_panel;
         set++, floors += LK_SHARED_PROBES) {
        struct lk_bound bound = lk_bound_of(x, set * x->share, y, panel, reach, f->slack);
        int32_t probe_floor[LK_SHARED_PROBES], reference_floor[LK_TILE_MAX_REFERENCES];
        f->scan->needed(bound, floors, LK_SHARED_PROBES, probe_floor);
        f->scan->needed(bound, best, (int)nr, reference_floor);
        for (uint64_t i = 0; i < x->share; i++) {
            uint64_t probe_panel = set * x->share + i;
            if (probe_panel < s->first_panel || probe_panel >= s->end_panel)
                continue;
            struct lk_tile tile = {
                .probes = x->codes + probe_panel * mr * x->depth,
                .references = (const uint8_t *)y->codes + first * y->depth,
                .groups = x->depth / 4,
                .start = x->start + probe_panel * mr,
                .probe_floor = probe_floor + i * mr,
                .reference_floor = reference_floor,
            };
            uint64_t mask[LK_TILE_MAX_PROBES];
            if (f->scan->tile(&tile, mask) != 0)
                LK_TRY(nominate(s, probe_panel, first, wanted, mask, err));
        }
    }
    s->worker->scanned += rows * s->block->count;
    return LK_OK;
}

/* ---- leads: a few references, scored first so that the thresholds stand high from the start ------------ */

static lk_status score_leads(struct scan *s, lk_error *err)
{
    struct lk_pass *pass = s->pass;
    size_t dim = (size_t)pass->options->dim;
    const uint32_t *leads = s->fast->leads[s->g];
    uint64_t n_leads = s->fast->n_leads[s->g];
    for (uint64_t p = 0; p < s->block->count; p += LK_GROUP) {
        uint64_t end = s->block->count - p < LK_GROUP ? s->block->count : p + LK_GROUP;
        lk_kernel_pack(s->worker->probes, pass->options->probes.data + (s->block->first + p) * dim,
                       (size_t)(end - p), dim);
        for (uint64_t l = 0; l < n_leads; l += LK_GROUP) {
            float scores[LK_GROUP * LK_GROUP];
            pass->kernel(s->worker->probes, s->fast->lead_rows[s->g] + l * dim, dim, scores, LK_GROUP);
            for (uint64_t i = p; i < end; i++)
                for (uint64_t j = 0; j < LK_GROUP && l + j < n_leads; j++) {
                    float score = scores[(i - p) * LK_GROUP + j];
                    LK_TRY(note_least(s, i, leads[l + j], score, err));
                    LK_TRY(lk_pass_take(pass, s->block, s->worker, s->g, i, leads[l + j], score, err));
                }
        }
    }
    s->worker->scored += n_leads * s->block->count;
    return LK_OK;
}

static void update_floors(struct scan *s)
{
    for (uint64_t p = 0; p < s->block->count; p++)
        update_floor(s, p);
}

static lk_status scan_block(struct scan *s, lk_error *err)
{
    struct lk_pass *pass = s->pass;
    struct lk_block *block = s->block;
    uint64_t panels = s->references->panels, step = pass->fast->panel_step[s->g], panel = 0, reported = 0;
    uint64_t mr = (uint64_t)pass->fast->scan->mr;
    s->first_panel = block->first / mr;
    s->end_panel = (block->first + block->count + mr - 1) / mr;
    for (size_t i = 0; i < sizeof s->padded / sizeof *s->padded; i++)
        s->padded[i] = INFINITY;
    s->floors = s->padded + block->first % LK_SHARED_PROBES;
    begin_lists(s);
    update_floors(s);
    LK_TRY(score_leads(s, err));
    for (uint64_t n = 0; n < panels; n++) {
        LK_TRY(scan_panel(s, panel, err));
        panel = (panel + step) % panels;
        if ((n + 1) % PANELS_PER_UPDATE == 0 || n + 1 == panels) {
            LK_TRY(sift(s, err));
            LK_TRY(lk_ctx_check(pass->ctx, err));
            update_floors(s); /* the global threshold rises with the work of others */
            uint64_t rows = (n + 1) * (uint64_t)s->references->panel_rows;
            rows = rows < s->references->rows ? rows : s->references->rows;
            lk_pass_report(pass, block->count * (rows - reported));
            reported = rows;
        }
    }
    return score_near(s, err);
}

lk_status lk_fast_gallery(struct lk_pass *pass, struct lk_block *block, struct lk_worker *worker, int g,
                          lk_error *err)
{
    if (pass->fast->references[g].rows == 0)
        return LK_OK; /* nothing, and lists without room have no threshold */
    if (pass->fast->module != NULL)
        return lk_device_gallery(pass, block, worker, g, err);
    struct scan s = {.pass = pass,
                     .block = block,
                     .worker = worker,
                     .lists = worker->lists,
                     .g = g,
                     .waits = pass->fast->waits[g],
                     .fast = pass->fast,
                     .references = &pass->fast->references[g]};
    return scan_block(&s, err);
}
