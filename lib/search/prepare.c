/* SPDX-License-Identifier: Apache-2.0 */
/* prepare.c - what the nominating scan needs before the pass: codes of all sets, leads, first thresholds. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/pool.h"
#include "search/bound.h"
#include "search/cache.h"
#include "search/parts.h"
#include "search/pass.h"

enum { LEADS_MIN = 16, LEADS_MAX = 256, ROWS_PER_LEAD = 4096, HINT_PROBES = 64 };

static lk_status pack_leads(struct lk_fast *f, int g, const struct lk_search_set *set, size_t dim,
                            lk_error *err)
{
    size_t n = (size_t)f->n_leads[g];
    float *rows = lk_calloc(n * dim, sizeof *rows, err);
    f->lead_rows[g] = lk_alloc_aligned((n + LK_GROUP - 1) / LK_GROUP * LK_GROUP * dim, sizeof(double), err);
    if (rows == NULL || f->lead_rows[g] == NULL) {
        free(rows);
        return LK_ENOMEM;
    }
    for (size_t i = 0; i < n; i++)
        memcpy(rows + i * dim, set->data + f->leads[g][i] * dim, dim * sizeof *rows);
    lk_kernel_pack(f->lead_rows[g], rows, n, dim);
    free(rows);
    return LK_OK;
}

lk_status lk_pass_leads(uint32_t **out, uint64_t *n, const struct lk_search_set *set, uint64_t wanted, lk_error *err)
{
    wanted = wanted < set->rows ? wanted : set->rows;
    uint32_t *leads = lk_calloc((size_t)wanted, sizeof *leads, err);
    bool *used = lk_calloc(set->identities != NULL ? set->n_identities : 1, sizeof *used, err);
    if (leads == NULL || used == NULL) {
        free(leads);
        free(used);
        return LK_ENOMEM;
    }
    *n = 0;
    for (uint64_t i = 0; i < wanted; i++) {
        uint64_t row = i * set->rows / wanted;
        if (set->identities != NULL && used[set->identities[row]])
            continue;
        if (set->identities != NULL)
            used[set->identities[row]] = true;
        leads[(*n)++] = (uint32_t)row;
    }
    free(used);
    *out = leads;
    return LK_OK;
}

/* One reference in ROWS_PER_LEAD. */
static lk_status choose_leads(struct lk_pass *pass, int g, lk_error *err)
{
    struct lk_fast *f = pass->fast;
    const struct lk_search_set *set = pass->galleries[g].set;
    const struct lk_codes *codes = &f->references[g];
    uint64_t wanted = set->rows / ROWS_PER_LEAD;
    wanted = wanted < LEADS_MIN ? LEADS_MIN : wanted > LEADS_MAX ? LEADS_MAX : wanted;
    LK_TRY(lk_pass_leads(&f->leads[g], &f->n_leads[g], set, wanted, err));
    f->not_leads[g] = lk_calloc((size_t)codes->panels, sizeof *f->not_leads[g], err);
    if (f->not_leads[g] == NULL)
        return LK_ENOMEM;
    uint64_t per_panel = (uint64_t)codes->panel_rows;
    for (uint64_t p = 0; p < codes->panels; p++) {
        uint64_t rows = set->rows - p * per_panel < per_panel ? set->rows - p * per_panel : per_panel;
        f->not_leads[g][p] = rows == 64 ? UINT64_MAX : (UINT64_C(1) << rows) - 1;
    }
    for (uint64_t i = 0; i < f->n_leads[g]; i++)
        f->not_leads[g][f->leads[g][i] / per_panel] &= ~(UINT64_C(1) << f->leads[g][i] % per_panel);
    return pack_leads(f, g, set, (size_t)pass->options->dim, err);
}

struct hinting {
    struct lk_pass *pass;
    int g;
    double *probes; /* packed */
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
        float best[LK_GROUP];
        for (uint64_t j = 0; j < n; j++)
            best[j] = -INFINITY;
        lk_kernel_pack(h->references[worker], set->data + first * dim, (size_t)n, dim);
        for (uint64_t p = 0; p < h->n_probes; p += LK_GROUP) {
            float scores[LK_GROUP * LK_GROUP];
            h->pass->kernel(h->probes + p * dim, h->references[worker], dim, scores, LK_GROUP);
            for (uint64_t i = 0; i < LK_GROUP && p + i < h->n_probes; i++)
                for (uint64_t j = 0; j < n; j++)
                    best[j] = scores[i * LK_GROUP + j] > best[j] ? scores[i * LK_GROUP + j] : best[j];
        }
        for (uint64_t j = 0; j < n; j++)
            atomic_init(&f->best[h->g][first + j], best[j]);
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
    pass->fast->best[g] = lk_calloc((size_t)set->rows, sizeof *pass->fast->best[g], err);
    lk_status status = rows != NULL && h.probes != NULL && h.references != NULL && pass->fast->best[g] != NULL
                           ? LK_OK
                           : LK_ENOMEM;
    for (int i = 0; status == LK_OK && i < threads; i++)
        if ((h.references[i] = lk_alloc_aligned(LK_GROUP * dim, sizeof(double), err)) == NULL)
            status = LK_ENOMEM;
    if (status == LK_OK) {
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

/* The next step from `wanted` on that visits every panel once. */
static uint64_t full_step(uint64_t panels, uint64_t wanted)
{
    for (uint64_t step = wanted;; step++) {
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

uint64_t lk_pass_step(const struct lk_pass *pass, uint64_t panels)
{
    uint64_t far = (uint64_t)((double)panels * 0.6180339887) | 1;
    return full_step(panels, pass->options->step > 0 ? pass->options->step : far);
}

static struct lk_cache_key cache_key(const struct lk_pass *pass, int g)
{
    static const char *const names[LK_N_GALLERIES] = {"training set", "hold-out"};
    const struct lk_search_options *o = pass->options;
    return (struct lk_cache_key){.path = o->caches[g].path,
                                 .rows_sha256 = o->caches[g].rows_sha256,
                                 .name = names[g],
                                 .rows = pass->galleries[g].set->rows,
                                 .dim = o->dim,
                                 .depth = o->depth < o->dim ? o->depth : o->dim,
                                 .kernel = pass->fast->scan};
}

/* Those of a module are for the module alone. */
static bool keeps_codes(const struct lk_pass *pass, int g)
{
    return pass->options->caches[g].path != NULL && pass->fast->module == NULL;
}

/* Codes from an earlier run, if there are any that fit. */
static lk_status take_codes(struct lk_pass *pass, int g, lk_error *err)
{
    struct lk_fast *f = pass->fast;
    if (!keeps_codes(pass, g))
        return LK_OK;
    struct lk_cache_key key = cache_key(pass, g);
    return lk_cache_take(&f->references[g], &f->basis, &f->cached[g], pass->ctx, &key, err);
}

/* Finding axes and their number takes a good part of a second; scanning so many coordinates takes no longer. */
#define PLAIN_WORK ((uint64_t)1 << 37)

static lk_status choose_basis(struct lk_pass *pass, lk_error *err)
{
    struct lk_fast *f = pass->fast;
    size_t dim = (size_t)pass->options->dim;
    uint64_t plain = pass->options->plain_work > 0 ? pass->options->plain_work : PLAIN_WORK;
    size_t most = f->module != NULL && dim > LK_DEVICE_MAX_DEPTH ? LK_DEVICE_MAX_DEPTH : dim;
    /* A module is so fast that no axes are worth looking for. */
    bool as_they_are = f->module != NULL ? most == dim : pass->pairs_total < plain / dim;
    if (pass->options->depth == 0 && as_they_are) {
        f->basis.dim = dim;
        lk_basis_forget(&f->basis);
        return LK_OK;
    }
    LK_TRY(lk_basis_choose(&f->basis, &pass->options->probes, pass->galleries[0].set, dim, err));
    size_t depth = pass->options->depth < dim ? (size_t)pass->options->depth : dim;
    if (depth == 0 && f->module == NULL)
        LK_TRY(lk_fast_depth(pass, &depth, err));
    if (f->module != NULL)
        depth = depth > 0 && depth < most ? depth : most;
    if (depth < dim)
        return lk_basis_shorten(&f->basis, depth, err);
    lk_basis_forget(&f->basis);
    return LK_OK;
}

/* The training set's cache decides on the axes; the hold-out's is of use only on the same. */
static lk_status encode(struct lk_pass *pass, lk_error *err)
{
    struct lk_fast *f = pass->fast;
    LK_TRY(take_codes(pass, LK_GALLERY_TRAIN, err));
    if (!f->cached[LK_GALLERY_TRAIN])
        LK_TRY(choose_basis(pass, err));
    if (f->module != NULL && f->basis.axes == NULL)
        return lk_device_encode(pass, err);
    if (pass->galleries[LK_GALLERY_HOLDOUT].set->rows > 0)
        LK_TRY(take_codes(pass, LK_GALLERY_HOLDOUT, err));
    LK_TRY(lk_codes_make(&f->probes, pass->ctx, &f->basis, &pass->options->probes, f->scan, false, err));
    for (int g = 0; g < LK_N_GALLERIES; g++) {
        const struct lk_search_set *set = pass->galleries[g].set;
        if (set->rows == 0 || f->cached[g])
            continue;
        LK_TRY(lk_codes_make(&f->references[g], pass->ctx, &f->basis, set, f->scan, true, err));
        if (!keeps_codes(pass, g))
            continue;
        struct lk_cache_key key = cache_key(pass, g);
        lk_cache_keep(&f->references[g], &f->basis, pass->ctx, &key);
    }
    return LK_OK;
}

/* Floors made of what pairs score at least are lower by twice the product of what the projections leave out.
 */
#define REST_WORTH_WAITING 0.04

static double mean_rest(const struct lk_codes *codes)
{
    uint64_t sets = (codes->panels + codes->share - 1) / codes->share;
    double sum = 0;
    for (uint64_t i = 0; i < sets; i++)
        sum += (double)codes->rest[i];
    return sum / (double)sets;
}

lk_status lk_fast_begin(struct lk_pass *pass, lk_error *err)
{
    struct lk_fast *f = pass->fast = lk_calloc(1, sizeof *f, err);
    if (f == NULL)
        return LK_ENOMEM;
    LK_TRY(lk_scan_check(pass->options->cpu, err));
    f->scan = lk_scan_choose(pass->options->cpu);
    return lk_device_wanted(pass->options->device) ? lk_device_choose(pass, err) : LK_OK;
}

lk_status lk_fast_prepare(struct lk_pass *pass, lk_error *err)
{
    size_t dim = (size_t)pass->options->dim;
    if (pass->fast == NULL)
        LK_TRY(lk_fast_begin(pass, err));
    struct lk_fast *f = pass->fast;
    LK_TRY(encode(pass, err));
    double longest = f->probes.longest, longest_reference = 0;
    for (int g = 0; g < LK_N_GALLERIES; g++) {
        const struct lk_search_set *set = pass->galleries[g].set;
        if (set->rows == 0)
            continue;
        if (f->module == NULL) {
            LK_TRY(choose_leads(pass, g, err));
            LK_TRY(hint_gallery(pass, g, err));
            f->panel_step[g] = lk_pass_step(pass, f->references[g].panels);
        }
        longest_reference = fmax(longest_reference, f->references[g].longest);
    }
    f->slack = lk_bound_slack(longest, longest_reference);
    for (int g = 0; g < LK_N_GALLERIES; g++) {
        if (f->references[g].rows == 0 || f->module != NULL)
            continue;
        f->waits[g] = f->references[g].fine == NULL ||
                      mean_rest(&f->probes) * mean_rest(&f->references[g]) < REST_WORTH_WAITING;
        f->fine_slack[g] =
            lk_bound_fine_slack(&f->probes, &f->references[g], dim, longest, longest_reference);
    }
    return f->module != NULL ? lk_device_open(pass, err) : LK_OK;
}

void lk_fast_free(struct lk_fast *f)
{
    if (f == NULL)
        return;
    lk_device_close(f);
    lk_basis_free(&f->basis);
    lk_codes_free(&f->probes);
    for (int g = 0; g < LK_N_GALLERIES; g++) {
        lk_codes_free(&f->references[g]);
        free((void *)f->best[g]);
        free(f->leads[g]);
        free(f->lead_rows[g]);
        free(f->not_leads[g]);
    }
    free(f);
}
