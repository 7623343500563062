/* SPDX-License-Identifier: Apache-2.0 */
/* device.c - the pass with a module that nominates and scores on an accelerator: finds it, hands it the codes, and
 * takes what it finds block by block. */
#include <dlfcn.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "search/bound.h"
#include "search/pass.h"

enum { ROWS_PER_LEAD = 16 };
/* The first jobs of a block are small, so that the floors stand high for the large ones. */
enum { FIRST_SHARE = 128, GROWTH = 4 };

bool lk_device_wanted(const char *name)
{
    return name != NULL && strcmp(name, "cpu") != 0;
}

/* ---- the module ---------------------------------------------------------------------------------------- */

static bool is_name(const char *name)
{
    size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789");
    return len > 0 && len < 32 && name[len] == '\0';
}

/* Modules stay loaded: their run-time libraries do not bear to be taken away. */
static lk_status load(const struct lk_device_module **out, const char *name, lk_error *err)
{
    LK_NEED(is_name(name), err, LK_EINVAL, "device: found '%s', expected cpu, or the name of a module such as cuda", name);
    const char *dir = getenv("LIKENESS_MODULE_DIR");
    struct lk_str path = LK_STR_INIT;
    LK_TRY(lk_str_addf(&path, err, "%s/likeness-%s.so", dir != NULL && *dir != '\0' ? dir : LK_MODULE_DIR, name));
    lk_status status = LK_OK;
    void *library = dlopen(path.text, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    const struct lk_device_module *module = library != NULL ? dlsym(library, LK_DEVICE_SYMBOL) : NULL;
    if (library == NULL)
        status = lk_fail(err, LK_EUNSUP, "device %s: its module is not installed (%s)", name, dlerror());
    else if (module == NULL || module->version != LK_DEVICE_VERSION)
        status = lk_fail(err, LK_EUNSUP, "%s: no module of this version of likeness", path.text);
    if (library != NULL)
        dlclose(library);
    lk_str_free(&path);
    if (status == LK_OK)
        *out = module;
    return status;
}

lk_status lk_device_choose(struct lk_pass *pass, lk_error *err)
{
    struct lk_fast *f = pass->fast;
    const struct lk_search_options *o = pass->options;
    lk_error local;
    LK_TRY(load(&f->module, o->device, err));
    f->rows_scan = *f->scan;
    f->rows_scan.mr = LK_DEVICE_PROBE_SET;
    f->rows_scan.nr = LK_DEVICE_REFERENCE_SET;
    f->rows_scan.limit = 127;
    f->rows_scan.offset = 0;
    f->rows_scan.by_rows = true;
    f->scan = &f->rows_scan;
    struct lk_device_plan plan = {
        .dim = (size_t)o->dim, .probes = {o->probes.rows, o->probes.data}, .lanes = lk_ctx_threads(pass->ctx)};
    for (int g = 0; g < LK_N_GALLERIES; g++)
        plan.galleries[g] = (struct lk_device_rows){pass->galleries[g].set->rows, pass->galleries[g].set->data};
    return f->module->wake(&f->device, &plan, err != NULL ? err : &local);
}

/* ---- what the module is given -------------------------------------------------------------------------- */

/* Up to LK_DEVICE_MAX_LEADS rows, spread evenly, of a gallery with labels of distinct identities. */
static lk_status choose_leads(uint32_t **out, uint32_t *n, const struct lk_search_set *set, lk_error *err)
{
    uint64_t wanted = set->rows / ROWS_PER_LEAD + 1;
    wanted = wanted < LK_DEVICE_MAX_LEADS ? wanted : LK_DEVICE_MAX_LEADS;
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

static lk_status describe(struct lk_device_codes *out, const struct lk_search_set *set, const struct lk_codes *codes,
                          bool with_identities, lk_error *err)
{
    struct lk_search_set plain = {.rows = set->rows};
    *out = (struct lk_device_codes){
        .codes = codes->codes, .scale = codes->scale, .error = codes->error, .rest = codes->rest};
    uint32_t *leads;
    if (set->rows == 0)
        return LK_OK;
    LK_TRY(choose_leads(&leads, &out->n_leads, with_identities ? set : &plain, err));
    out->leads = leads;
    return LK_OK;
}

static lk_status set_up(struct lk_device_setup *s, struct lk_pass *pass, lk_error *err)
{
    struct lk_fast *f = pass->fast;
    size_t dim = (size_t)pass->options->dim;
    *s = (struct lk_device_setup){.depth = f->basis.depth, .slack = (float)f->slack};
    LK_TRY(describe(&s->probes, &pass->options->probes, &f->probes, false, err));
    double lengths = 0;
    for (int g = 0; g < LK_N_GALLERIES; g++) {
        const struct lk_search_gallery *out = &pass->out->galleries[g];
        LK_TRY(describe(&s->galleries[g], pass->galleries[g].set, &f->references[g], true, err));
        uint64_t rows = pass->galleries[g].set->rows, panels = (rows + LK_DEVICE_PANEL - 1) / LK_DEVICE_PANEL;
        if (rows == 0)
            continue;
        s->step[g] = lk_pass_step(pass, panels);
        s->reach[g] = fmaxf(f->probes.reach, f->references[g].reach);
        s->list_room[g] = out->n_nearest > out->n_identities ? out->n_nearest : out->n_identities;
        s->float_slack = fmax(s->float_slack, f->fine_slack[g]);
        lengths = fmax(lengths, f->probes.longest * f->references[g].longest);
    }
    s->sum_slack = (double)(dim + 8) * 0x1p-52 * lengths * (1 + 0x1p-10) + 0x1p-1000;
    /* dim additions and a product in a row, and what the score itself is rounded by; the module keeps it as a float. */
    s->lead_slack = ((double)(dim + 2) * 0x1p-24 * lengths + 2 * f->slack) * (1 + 0x1p-10) + 0x1p-140;
    return LK_OK;
}

lk_status lk_device_open(struct lk_pass *pass, lk_error *err)
{
    struct lk_device_setup s = {0};
    lk_error local;
    lk_status status = set_up(&s, pass, err);
    if (status == LK_OK)
        status = pass->fast->module->open(pass->fast->device, &s, err != NULL ? err : &local);
    free((void *)s.probes.leads);
    free((void *)s.galleries[0].leads);
    free((void *)s.galleries[1].leads);
    return status;
}

void lk_device_close(struct lk_fast *f)
{
    if (f->device != NULL)
        f->module->close(f->device);
    f->device = NULL;
}

/* ---- one block of probes ------------------------------------------------------------------------------- */

/* What the lists of a probe ask for, and everything else, which is one score for the whole block. */
static float list_floor(const struct lk_pass *pass, const struct lk_worker *worker, int g, uint64_t p)
{
    float nearest = lk_list_threshold(&worker->nearest[p]), distinct = lk_list_threshold(&worker->identities[p]);
    return pass->galleries[g].set->identities != NULL && distinct < nearest ? distinct : nearest;
}

static lk_status take_found(struct lk_pass *pass, struct lk_block *block, struct lk_worker *worker, int g,
                            const struct lk_device_found *found, lk_error *err)
{
    enum { AHEAD = 24 };
    const struct lk_pass_gallery *gallery = &pass->galleries[g];
    for (uint64_t i = 0; i < found->n; i++) {
        struct lk_device_pair pair = found->pairs[i];
        if (i + AHEAD < found->n) { /* what references have is spread over more memory than caches hold */
            struct lk_device_pair later = found->pairs[i + AHEAD];
            __builtin_prefetch((const void *)&gallery->best[later.reference]);
            if (gallery->set->identities != NULL)
                __builtin_prefetch(&gallery->set->identities[later.reference]);
            __builtin_prefetch(worker->nearest[later.probe].hits);
            __builtin_prefetch(worker->identities[later.probe].hits);
        }
        LK_NEED(pair.probe < block->count && pair.reference < pass->galleries[g].set->rows, err, LK_EUNSUP,
                "device %s: it found pair %u, %u, which there is not", pass->fast->module->name, pair.probe,
                pair.reference);
        LK_TRY(lk_pass_take(pass, block, worker, g, pair.probe, pair.reference, pair.score, err));
    }
    worker->nominated += found->nominated;
    worker->scored += found->n;
    return LK_OK;
}

static lk_status run_job(struct lk_pass *pass, struct lk_block *block, struct lk_worker *worker,
                         struct lk_device_job *job, struct lk_device_found *found, lk_error *err)
{
    int g = job->gallery;
    lk_error local;
    float floors[LK_DEVICE_BLOCK];
    for (uint32_t p = 0; p < job->n_probes; p++)
        floors[p] = list_floor(pass, worker, g, p);
    job->list_floors = floors;
    job->floor = lk_pass_block_floor(pass, g, &block->closest[g]);
    return pass->fast->module->scan(pass->fast->device, job, found, err != NULL ? err : &local);
}

lk_status lk_device_gallery(struct lk_pass *pass, struct lk_block *block, struct lk_worker *worker, int g,
                            lk_error *err)
{
    const struct lk_device_module *module = pass->fast->module;
    uint64_t rows = pass->galleries[g].set->rows, panels = (rows + LK_DEVICE_PANEL - 1) / LK_DEVICE_PANEL;
    /* Before there are k pairs, everything is found. */
    bool knows_closest = lk_pass_block_floor(pass, g, &block->closest[g]) > -INFINITY;
    uint64_t size = knows_closest ? panels / FIRST_SHARE + 1 : 1, reported = 0;
    lk_error local;
    struct lk_device_job job = {.lane = (int)(worker - pass->workers),
                                .gallery = g,
                                .first_probe = block->first,
                                .n_probes = (uint32_t)block->count};
    if (rows == 0)
        return LK_OK;
    LK_TRY(module->begin(pass->fast->device, &job, err != NULL ? err : &local));
    while (job.first_panel < panels) {
        struct lk_device_found found;
        job.n_panels = size < panels - job.first_panel ? size : panels - job.first_panel;
        LK_TRY(run_job(pass, block, worker, &job, &found, err));
        LK_TRY(lk_ctx_check(pass->ctx, err));
        if (found.full) {
            LK_NEED(job.n_panels > 1, err, LK_EUNSUP, "device %s: one panel is too much for it", module->name);
            size = job.n_panels / 2;
            continue;
        }
        LK_TRY(take_found(pass, block, worker, g, &found, err));
        job.first_panel += job.n_panels;
        size = job.n_panels * GROWTH;
        uint64_t done = job.first_panel * LK_DEVICE_PANEL < rows ? job.first_panel * LK_DEVICE_PANEL : rows;
        lk_pass_report(pass, block->count * (done - reported));
        worker->scanned += block->count * (done - reported);
        reported = done;
    }
    return LK_OK;
}
