/* SPDX-License-Identifier: Apache-2.0 */
/* fast.c - the pass with a nominating scan: 8-bit codes find the few pairs that can matter, and only those
 * are scored. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/pool.h"
#include "search/bound.h"
#include "search/pass.h"

struct scan {
    struct lk_pass *pass;
    struct lk_block *block;
    struct lk_worker *worker;
    int g;
    const struct lk_fast *fast;
    const struct lk_codes *references;
    float floors[LK_MAX_BLOCK];      /* lowest score that anything asks for from each probe */
    struct lk_candidate { uint32_t p; uint32_t reference; } waiting[256];
    int n_waiting;
};

/* ---- nominated pairs are scored, and taken ----------------------------------------------------------- */

/* Asks for memory ahead of its use: nominated rows lie anywhere in arrays that no cache holds. */
static inline void prefetch(const void *bytes, size_t len)
{
    for (size_t at = 0; at < len; at += 64)
        __builtin_prefetch((const char *)bytes + at);
}

/* Whether a pair may score what anything still asks for: by the projections before they were rounded to
 * codes, or by the rows where there are none. */
static inline bool near_enough(const struct scan *s, struct lk_candidate c)
{
    const struct lk_fast *f = s->fast;
    const struct lk_codes *px = &f->probes, *py = s->references;
    uint64_t probe = s->block->first + c.p;
    const struct lk_pass_gallery *gallery = &s->pass->galleries[s->g];
    float best =
        lk_best_unpack(atomic_load_explicit(&gallery->best[c.reference], memory_order_relaxed)).score;
    double needed = (double)fminf(s->floors[c.p], fmaxf(best, f->best_hint[s->g][c.reference]));
    if (py->fine != NULL) {
        float inside = f->scan->dot_float(px->fine + probe * px->depth,
                                          py->fine + (uint64_t)c.reference * py->depth, px->depth);
        float x_rest = px->rest[probe / (uint64_t)px->panel_rows],
              y_rest = py->rest[c.reference / (uint64_t)py->panel_rows];
        return lk_bound_fine(inside, x_rest, y_rest, f->fine_slack[s->g]) >= needed;
    }
    size_t dim = (size_t)s->pass->options->dim;
    return f->scan->dot(s->pass->options->probes.data + probe * dim, gallery->set->data + c.reference * dim,
                        dim) +
               f->slack >=
           needed;
}

/* Leaves only the pairs that are near enough waiting. */
static void sift(struct scan *s)
{
    size_t dim = (size_t)s->pass->options->dim;
    const float *gallery = s->pass->galleries[s->g].set->data;
    int kept = 0;
    for (int i = 0; i < s->n_waiting; i++)
        if (near_enough(s, s->waiting[i])) {
            prefetch(gallery + s->waiting[i].reference * dim, dim * sizeof *gallery);
            s->waiting[kept++] = s->waiting[i];
        }
    s->worker->nominated += (uint64_t)s->n_waiting;
    s->worker->scored += (uint64_t)kept;
    s->n_waiting = kept;
}

static lk_status flush(struct scan *s, lk_error *err)
{
    struct lk_pass *pass = s->pass;
    size_t dim = (size_t)pass->options->dim;
    const float *probes = pass->options->probes.data + s->block->first * dim;
    const float *gallery = pass->galleries[s->g].set->data;
    sift(s);
    for (int first = 0; first < s->n_waiting; first += LK_GROUP) {
        const float *a[LK_GROUP], *b[LK_GROUP];
        float scores[LK_GROUP];
        int n = s->n_waiting - first < LK_GROUP ? s->n_waiting - first : LK_GROUP;
        for (int j = 0; j < LK_GROUP; j++) {
            struct lk_candidate c = s->waiting[first + (j < n ? j : 0)];
            a[j] = probes + c.p * dim;
            b[j] = gallery + c.reference * dim;
        }
        pass->pairs(a, b, dim, scores);
        for (int j = 0; j < n; j++) {
            struct lk_candidate c = s->waiting[first + j];
            LK_TRY(lk_pass_take(pass, s->block, s->worker, s->g, c.p, c.reference, scores[j], &s->floors[c.p],
                                err));
        }
    }
    s->n_waiting = 0;
    return LK_OK;
}

/* ---- one panel of references against the block ------------------------------------------------------- */

static lk_status scan_panel(struct scan *s, uint64_t panel, lk_error *err)
{
    const struct lk_fast *f = s->fast;
    const struct lk_codes *x = &f->probes, *y = s->references;
    int mr = x->panel_rows, nr = y->panel_rows;
    uint64_t first = panel * (uint64_t)nr,
             rows = y->rows - first < (uint64_t)nr ? y->rows - first : (uint64_t)nr;
    float best[LK_TILE_MAX_REFERENCES];
    for (uint64_t j = 0; j < (uint64_t)nr; j++) {
        best[j] = INFINITY;
        if (j < rows) {
            uint64_t packed =
                atomic_load_explicit(&s->pass->galleries[s->g].best[first + j], memory_order_relaxed);
            best[j] = packed == 0 ? f->best_hint[s->g][first + j]
                                  : fmaxf(lk_best_unpack(packed).score, f->best_hint[s->g][first + j]);
        }
    }
    uint64_t wanted = f->not_leads[s->g][panel];
    float reach = fmaxf(x->reach, y->reach);
    uint64_t block_first = s->block->first, block_end = block_first + s->block->count;
    for (uint64_t probe_panel = block_first / (uint64_t)mr; probe_panel * (uint64_t)mr < block_end;
         probe_panel++) {
        /* A block may begin and end within a panel. */
        uint64_t panel_first = probe_panel * (uint64_t)mr;
        int from = panel_first < block_first ? (int)(block_first - panel_first) : 0;
        int to = block_end - panel_first < (uint64_t)mr ? (int)(block_end - panel_first) : mr;
        struct lk_bound bound = lk_bound_of(x, probe_panel, y, panel, reach, f->slack);
        int32_t probe_floor[LK_TILE_MAX_PROBES], reference_floor[LK_TILE_MAX_REFERENCES];
        for (int i = 0; i < mr; i++)
            probe_floor[i] = lk_bound_needed(
                bound, i >= from && i < to ? s->floors[panel_first + (uint64_t)i - block_first] : INFINITY);
        f->scan->needed(bound, best, nr, reference_floor);
        struct lk_tile tile = {
            .probes = x->codes + probe_panel * (uint64_t)mr * x->depth,
            .references = (const uint8_t *)y->codes + first * y->depth,
            .groups = x->depth / 4,
            .start = x->start + probe_panel * (uint64_t)mr,
            .probe_floor = probe_floor,
            .reference_floor = reference_floor,
        };
        uint64_t mask[LK_TILE_MAX_PROBES];
        if (f->scan->tile(&tile, mask) == 0)
            continue;
        for (int i = from; i < to; i++)
            for (uint64_t m = mask[i] & wanted; m != 0; m &= m - 1) {
                if (s->n_waiting == (int)(sizeof s->waiting / sizeof *s->waiting))
                    LK_TRY(flush(s, err));
                uint64_t reference = first + (uint64_t)__builtin_ctzll(m);
                if (y->fine != NULL)
                    prefetch(y->fine + reference * y->depth, y->depth * sizeof *y->fine);
                s->waiting[s->n_waiting++] = (struct lk_candidate){
                    (uint32_t)(panel_first + (uint64_t)i - block_first), (uint32_t)reference};
            }
    }
    s->worker->scanned += rows * s->block->count;
    return flush(s, err);
}

/* ---- leads: a few references, scored first so that the thresholds stand high from the start ------------ */

static lk_status score_leads(struct scan *s, lk_error *err)
{
    struct lk_pass *pass = s->pass;
    size_t dim = (size_t)pass->options->dim;
    const float *gallery = pass->galleries[s->g].set->data;
    const uint32_t *leads = s->fast->leads[s->g];
    for (uint64_t l = 0; l < s->fast->n_leads[s->g]; l += LK_GROUP) {
        uint64_t n = s->fast->n_leads[s->g] - l < LK_GROUP ? s->fast->n_leads[s->g] - l : LK_GROUP;
        for (uint64_t j = 0; j < n; j++)
            memcpy(s->worker->rows + j * dim, gallery + leads[l + j] * dim, dim * sizeof(float));
        lk_kernel_pack(s->worker->references, s->worker->rows, (size_t)n, dim);
        for (uint64_t p = 0; p < s->block->count; p += LK_GROUP) {
            float scores[LK_GROUP * LK_GROUP];
            pass->kernel(s->worker->probes + p * dim, s->worker->references, dim, scores, LK_GROUP);
            for (uint64_t i = p; i < p + LK_GROUP && i < s->block->count; i++)
                for (uint64_t j = 0; j < n; j++)
                    LK_TRY(lk_pass_take(pass, s->block, s->worker, s->g, i, leads[l + j],
                                        scores[(i - p) * LK_GROUP + j], &s->floors[i], err));
        }
    }
    s->worker->scored += s->fast->n_leads[s->g] * s->block->count;
    return LK_OK;
}

lk_status lk_fast_gallery(struct lk_pass *pass, struct lk_block *block, struct lk_worker *worker, int g,
                          lk_error *err)
{
    struct scan s = {.pass = pass, .block = block, .worker = worker, .g = g, .fast = pass->fast,
                     .references = &pass->fast->references[g]};
    if (s.references->rows == 0)
        return LK_OK; /* nothing, and lists without room have no threshold */
    for (uint64_t p = 0; p < block->count; p++)
        s.floors[p] = lk_pass_floor(pass, block, worker, g, p);
    LK_TRY(score_leads(&s, err));
    uint64_t panels = s.references->panels, step = pass->fast->panel_step[g], panel = 0, reported = 0;
    for (uint64_t n = 0; n < panels; n++) {
        LK_TRY(scan_panel(&s, panel, err));
        panel = (panel + step) % panels;
        if ((n + 1) % 64 == 0 || n + 1 == panels) {
            LK_TRY(lk_ctx_check(pass->ctx, err));
            /* The global threshold rises with the work of others. */
            for (uint64_t p = 0; p < block->count; p++)
                s.floors[p] = lk_pass_floor(pass, block, worker, g, p);
            uint64_t rows = (n + 1) * (uint64_t)s.references->panel_rows;
            rows = rows < s.references->rows ? rows : s.references->rows;
            lk_pass_report(pass, block->count * (rows - reported));
            reported = rows;
        }
    }
    return LK_OK;
}

/* ---- before the pass --------------------------------------------------------------------------------- */

enum { LEADS_MIN = 16, LEADS_MAX = 256, ROWS_PER_LEAD = 1024, HINT_PROBES = 64 };

/* A thousandth of the references, of distinct identities, spread evenly over the gallery. */
static lk_status choose_leads(struct lk_pass *pass, int g, lk_error *err)
{
    struct lk_fast *f = pass->fast;
    const struct lk_search_set *set = pass->galleries[g].set;
    const struct lk_codes *codes = &f->references[g];
    f->leads[g] = lk_calloc(LEADS_MAX, sizeof *f->leads[g], err);
    f->not_leads[g] = lk_calloc((size_t)codes->panels, sizeof *f->not_leads[g], err);
    bool *used = lk_calloc(set->identities != NULL ? set->n_identities : 1, sizeof *used, err);
    if (f->leads[g] == NULL || f->not_leads[g] == NULL || used == NULL) {
        free(used);
        return LK_ENOMEM;
    }
    uint64_t per_panel = (uint64_t)codes->panel_rows;
    for (uint64_t p = 0; p < codes->panels; p++) {
        uint64_t rows = set->rows - p * per_panel < per_panel ? set->rows - p * per_panel : per_panel;
        f->not_leads[g][p] = rows == 64 ? UINT64_MAX : (UINT64_C(1) << rows) - 1;
    }
    uint64_t wanted = set->rows / ROWS_PER_LEAD;
    wanted = wanted < LEADS_MIN ? LEADS_MIN : wanted > LEADS_MAX ? LEADS_MAX : wanted;
    wanted = wanted < set->rows ? wanted : set->rows;
    for (uint64_t i = 0; i < wanted; i++) {
        uint64_t row = i * set->rows / wanted;
        if (set->identities != NULL && used[set->identities[row]])
            continue;
        if (set->identities != NULL)
            used[set->identities[row]] = true;
        f->leads[g][f->n_leads[g]++] = (uint32_t)row;
        f->not_leads[g][row / per_panel] &= ~(UINT64_C(1) << row % per_panel);
    }
    free(used);
    return LK_OK;
}

struct hinting {
    struct lk_pass *pass;
    int g;
    double *probes;      /* packed */
    uint64_t n_probes;
    double **references; /* each worker's panel */
};

static lk_status hint_references(void *arg, size_t index, int worker, lk_error *err)
{
    struct hinting *h = arg;
    (void)err;
    struct lk_fast *f = h->pass->fast;
    const struct lk_search_set *set = h->pass->galleries[h->g].set;
    size_t dim = (size_t)h->pass->options->dim;
    enum { ROWS = 1024 };
    for (uint64_t first = index * ROWS; first < (index + 1) * ROWS && first < set->rows; first += LK_GROUP) {
        uint64_t n = set->rows - first < LK_GROUP ? set->rows - first : LK_GROUP;
        lk_kernel_pack(h->references[worker], set->data + first * dim, (size_t)n, dim);
        for (uint64_t p = 0; p < h->n_probes; p += LK_GROUP) {
            float scores[LK_GROUP * LK_GROUP];
            h->pass->kernel(h->probes + p * dim, h->references[worker], dim, scores, LK_GROUP);
            for (uint64_t i = 0; i < LK_GROUP && p + i < h->n_probes; i++)
                for (uint64_t j = 0; j < n; j++)
                    f->best_hint[h->g][first + j] =
                        fmaxf(f->best_hint[h->g][first + j], scores[i * LK_GROUP + j]);
        }
    }
    return LK_OK;
}

/* Scores a few probes, spread evenly, with every reference: the best probe of each is at least as close as
 * the best of those. */
static lk_status hint_gallery(struct lk_pass *pass, int g, lk_error *err)
{
    const struct lk_search_set *set = pass->galleries[g].set, *probes = &pass->options->probes;
    size_t dim = (size_t)pass->options->dim;
    int threads = lk_ctx_threads(pass->ctx);
    struct hinting h = {
        .pass = pass, .g = g, .n_probes = probes->rows < HINT_PROBES ? probes->rows : HINT_PROBES};
    float *rows = lk_calloc((size_t)h.n_probes * dim, sizeof *rows, err);
    h.probes = lk_alloc_aligned(HINT_PROBES * dim, sizeof *h.probes, err);
    h.references = lk_calloc((size_t)threads, sizeof *h.references, err);
    pass->fast->best_hint[g] = lk_calloc((size_t)set->rows, sizeof(float), err);
    lk_status status =
        rows != NULL && h.probes != NULL && h.references != NULL && pass->fast->best_hint[g] != NULL
            ? LK_OK
            : LK_ENOMEM;
    for (int i = 0; status == LK_OK && i < threads; i++)
        if ((h.references[i] = lk_alloc_aligned(LK_GROUP * dim, sizeof(double), err)) == NULL)
            status = LK_ENOMEM;
    if (status == LK_OK) {
        for (uint64_t i = 0; i < set->rows; i++)
            pass->fast->best_hint[g][i] = -INFINITY;
        for (uint64_t i = 0; i < h.n_probes; i++)
            memcpy(rows + i * dim, probes->data + i * probes->rows / h.n_probes * dim, dim * sizeof *rows);
        lk_kernel_pack(h.probes, rows, (size_t)h.n_probes, dim);
        status = lk_pool_for(pass->ctx, (size_t)((set->rows + 1023) / 1024), hint_references, &h, err);
    }
    for (int i = 0; h.references != NULL && i < threads; i++)
        free(h.references[i]);
    free(h.references);
    free(h.probes);
    free(rows);
    return status;
}

/* A step that visits every panel once and jumps far each time, so that neighbours (one person) are not met in
 * a row. */
static uint64_t spread_step(uint64_t panels)
{
    uint64_t step = (uint64_t)((double)panels * 0.6180339887) | 1;
    for (;; step++) {
        uint64_t a = panels, b = step;
        while (b != 0) {
            uint64_t c = a % b;
            a = b;
            b = c;
        }
        if (a == 1)
            return panels == 1 ? 0 : step;
    }
}

static double longest_row(const struct lk_search_set *set, size_t dim)
{
    double most = 0;
    for (uint64_t i = 0; i < set->rows; i++) {
        double sum = 0;
        for (size_t k = 0; k < dim; k++)
            sum += (double)set->data[i * dim + k] * (double)set->data[i * dim + k];
        most = sum > most ? sum : most;
    }
    return sqrt(most);
}

lk_status lk_fast_prepare(struct lk_pass *pass, lk_error *err)
{
    size_t dim = (size_t)pass->options->dim;
    struct lk_fast *f = pass->fast = lk_calloc(1, sizeof *f, err);
    if (f == NULL)
        return LK_ENOMEM;
    LK_TRY(lk_scan_check(pass->options->cpu, err));
    f->scan = lk_scan_choose(pass->options->cpu);
    const struct lk_search_set *probes = &pass->options->probes;
    LK_TRY(lk_basis_choose(&f->basis, probes, pass->galleries[0].set, dim, err));
    size_t depth = pass->options->depth < dim ? (size_t)pass->options->depth : dim;
    if (depth == 0)
        LK_TRY(lk_fast_depth(pass, &depth, err));
    if (depth < dim)
        LK_TRY(lk_basis_shorten(&f->basis, depth, err));
    else
        lk_basis_forget(&f->basis);
    LK_TRY(lk_codes_make(&f->probes, pass->ctx, &f->basis, probes, f->scan, false, err));
    double longest = longest_row(probes, dim), longest_reference = 0;
    for (int g = 0; g < LK_N_GALLERIES; g++) {
        const struct lk_search_set *set = pass->galleries[g].set;
        if (set->rows == 0)
            continue;
        LK_TRY(lk_codes_make(&f->references[g], pass->ctx, &f->basis, set, f->scan, true, err));
        LK_TRY(choose_leads(pass, g, err));
        LK_TRY(hint_gallery(pass, g, err));
        f->panel_step[g] = spread_step(f->references[g].panels);
        longest_reference = fmax(longest_reference, longest_row(set, dim));
    }
    f->slack = lk_bound_slack(longest, longest_reference);
    for (int g = 0; g < LK_N_GALLERIES; g++)
        f->fine_slack[g] = lk_bound_fine_slack(&f->probes, &f->references[g], longest, longest_reference);
    return LK_OK;
}

void lk_fast_free(struct lk_fast *f)
{
    if (f == NULL)
        return;
    lk_basis_free(&f->basis);
    lk_codes_free(&f->probes);
    for (int g = 0; g < LK_N_GALLERIES; g++) {
        lk_codes_free(&f->references[g]);
        free(f->best_hint[g]);
        free(f->leads[g]);
        free(f->not_leads[g]);
    }
    free(f);
}
