/* SPDX-License-Identifier: Apache-2.0 */
/* device.c - the pass with a module that nominates and scores on an accelerator: finds it, hands it the codes, and
 * takes what it finds block by block. */
#include <dlfcn.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "search/bound.h"
#include "search/parts.h"
#include "search/pass.h"

enum { ROWS_PER_LEAD = 16, PROBE_LEADS = 1024 };
enum { GROWTH = 4, MOST_PANELS = 1 << 14 }; /* of a job: a fraction of a second, so that a stop is heeded soon */

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

lk_status lk_search_check_device(const char *name, lk_error *err)
{
    const struct lk_device_module *module;
    return lk_device_wanted(name) ? load(&module, name, err) : LK_OK;
}

/* Asks it for a comparison of two rows. */
lk_status lk_search_try_device(const char *name, lk_error *err)
{
    const struct lk_device_module *module;
    struct lk_device_plan least = {.dim = 1, .probes = {.rows = 1}, .galleries = {{.rows = 1}}, .lanes = 1};
    uint64_t parts;
    lk_error local;
    if (!lk_device_wanted(name))
        return LK_OK;
    LK_TRY(load(&module, name, err));
    return module->parts(&least, &parts, err != NULL ? err : &local);
}

/* What there is of a part, or of everything. */
static struct lk_device_plan plan_of(const struct lk_search_options *o, const struct lk_search_shard *part, int threads)
{
    struct lk_device_plan plan = {
        .dim = (size_t)o->dim, .probes = {o->probes.rows, o->probes.data}, .lanes = threads};
    for (int g = 0; g < LK_N_GALLERIES; g++) {
        uint64_t first, rows;
        lk_search_shard_rows(part, o->galleries[g].rows, &first, &rows);
        plan.galleries[g].rows = rows;
        plan.galleries[g].data = rows > 0 ? o->galleries[g].data + first * o->dim : NULL;
    }
    return plan;
}

/* ---- parts ---------------------------------------------------------------------------------------------- */

lk_status lk_device_parts(uint64_t *n, lk_ctx *ctx, const struct lk_search_options *o, lk_error *err)
{
    const struct lk_device_module *module;
    lk_error local;
    LK_TRY(load(&module, o->device, err));
    struct lk_device_plan plan = plan_of(o, &o->shard, lk_ctx_threads(ctx));
    LK_TRY(module->parts(&plan, n, err != NULL ? err : &local));
    LK_NEED(*n > 0, err, LK_EUNSUP, "device %s: it wants no part of the galleries", o->device);
    return LK_OK;
}

void lk_device_forget(struct lk_parts *parts)
{
    if (parts->next != NULL)
        parts->module->close(parts->next);
    parts->next = NULL;
}

/* While this part is searched, the rows of the next one are copied. */
static lk_status wake_next(struct lk_pass *pass, lk_error *err)
{
    const struct lk_search_options *o = pass->options;
    struct lk_parts *parts = o->parts;
    if (parts == NULL || o->shard.index == parts->last_index)
        return LK_OK;
    struct lk_search_shard next = {o->shard.index + 1, o->shard.count};
    struct lk_device_plan plan = plan_of(o, &next, lk_ctx_threads(pass->ctx));
    parts->module = pass->fast->module;
    parts->next_index = next.index;
    return parts->module->wake(&parts->next, &plan, err);
}

/* The device that was woken for this part, if any was. */
static struct lk_device *take_woken(const struct lk_search_options *o)
{
    struct lk_device *device = NULL;
    if (o->parts == NULL || o->parts->next == NULL)
        return NULL;
    if (o->parts->next_index == o->shard.index) {
        device = o->parts->next;
        o->parts->next = NULL;
    }
    lk_device_forget(o->parts); /* of a part that an earlier run finished */
    return device;
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
    if ((f->device = take_woken(o)) != NULL)
        return LK_OK;
    struct lk_device_plan plan = plan_of(o, &o->shard, lk_ctx_threads(pass->ctx));
    return f->module->wake(&f->device, &plan, err != NULL ? err : &local);
}

/* ---- what the module is given -------------------------------------------------------------------------- */

/* The class of each reference: that of its identity, or its own where it has none. */
static lk_status classify(struct lk_device_codes *out, const struct lk_search_set *set, lk_error *err)
{
    uint64_t n = set->identities != NULL ? set->n_identities : set->rows;
    uint8_t *of = lk_calloc((size_t)n, sizeof *of, err), *classes = lk_calloc((size_t)set->rows, sizeof *classes, err);
    if (of == NULL || classes == NULL) {
        free(of);
        free(classes);
        return LK_ENOMEM;
    }
    for (uint64_t i = 0; i < n; i++)
        of[i] = (uint8_t)(i % LK_DEVICE_CLASSES);
    for (uint32_t i = 0; i < out->n_leads; i++)
        of[set->identities != NULL ? set->identities[out->leads[i]] : out->leads[i]] = (uint8_t)(i % LK_DEVICE_CLASSES);
    for (uint64_t i = 0; i < set->rows; i++)
        classes[i] = of[set->identities != NULL ? set->identities[i] : i];
    free(of);
    out->classes = classes;
    return LK_OK;
}

/* most: leads. */
static lk_status describe(struct lk_device_codes *out, const struct lk_search_set *set, const struct lk_codes *codes,
                          uint64_t most, lk_error *err)
{
    uint64_t n, wanted = set->rows / ROWS_PER_LEAD + 1;
    *out = (struct lk_device_codes){
        .codes = codes->codes, .scale = codes->scale, .error = codes->error, .rest = codes->rest};
    uint32_t *leads;
    if (set->rows == 0)
        return LK_OK;
    LK_TRY(lk_pass_leads(&leads, &n, set, wanted < most ? wanted : most, err));
    out->leads = leads;
    out->n_leads = (uint32_t)n;
    return LK_OK;
}

/* Codes of the rows as they are; they stay on the device. */
lk_status lk_device_encode(struct lk_pass *pass, lk_error *err)
{
    struct lk_fast *f = pass->fast;
    struct lk_device_lengths lengths;
    lk_error local;
    LK_TRY(f->module->encode(f->device, &lengths, err != NULL ? err : &local));
    f->probes = (struct lk_codes){.rows = pass->options->probes.rows,
                                  .depth = f->basis.depth,
                                  .longest = lengths.longest[0],
                                  .reach = lengths.reach[0]};
    for (int g = 0; g < LK_N_GALLERIES; g++)
        f->references[g] = (struct lk_codes){.rows = pass->galleries[g].set->rows,
                                             .depth = f->basis.depth,
                                             .longest = lengths.longest[1 + g],
                                             .reach = lengths.reach[1 + g]};
    return LK_OK;
}

static lk_status set_up(struct lk_device_setup *s, struct lk_pass *pass, lk_error *err)
{
    struct lk_fast *f = pass->fast;
    size_t dim = (size_t)pass->options->dim;
    *s = (struct lk_device_setup){.depth = f->basis.depth, .slack = (float)f->slack};
    struct lk_search_set probes = {.rows = pass->options->probes.rows}; /* whoever they are */
    LK_TRY(describe(&s->probes, &probes, &f->probes, PROBE_LEADS, err));
    double lengths = 0;
    for (int g = 0; g < LK_N_GALLERIES; g++) {
        const struct lk_search_gallery *out = &pass->out->galleries[g];
        LK_TRY(describe(&s->galleries[g], pass->galleries[g].set, &f->references[g], LK_DEVICE_MAX_LEADS, err));
        uint64_t rows = pass->galleries[g].set->rows, panels = (rows + LK_DEVICE_PANEL - 1) / LK_DEVICE_PANEL;
        if (rows == 0)
            continue;
        LK_TRY(classify(&s->galleries[g], pass->galleries[g].set, err));
        s->step[g] = lk_pass_step(pass, panels);
        s->reach[g] = fmaxf(f->probes.reach, f->references[g].reach);
        s->list_room[g] = out->n_nearest > out->n_identities ? out->n_nearest : out->n_identities;
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
    for (int g = 0; g < LK_N_GALLERIES; g++) {
        free((void *)s.galleries[g].leads);
        free((void *)s.galleries[g].classes);
    }
    return status == LK_OK ? wake_next(pass, err != NULL ? err : &local) : status;
}

void lk_device_close(struct lk_fast *f)
{
    if (f->device != NULL)
        f->module->close(f->device);
    f->device = NULL;
}

/* ---- one block of probes ------------------------------------------------------------------------------- */

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
        floors[p] = lk_pass_list_floor(pass, g, &worker->nearest[p], &worker->identities[p]);
    job->list_floors = floors;
    job->floor = lk_pass_block_floor(pass, g, &block->closest[g]);
    return pass->fast->module->scan(pass->fast->device, job, found, err != NULL ? err : &local);
}

lk_status lk_device_gallery(struct lk_pass *pass, struct lk_block *block, struct lk_worker *worker, int g,
                            lk_error *err)
{
    const struct lk_device_module *module = pass->fast->module;
    uint64_t rows = pass->galleries[g].set->rows, panels = (rows + LK_DEVICE_PANEL - 1) / LK_DEVICE_PANEL;
    uint64_t reported = 0, few = 1, *most = &worker->most_panels;
    lk_error local;
    *most = *most > 0 ? *most : MOST_PANELS;
    struct lk_device_job job = {.lane = (int)(worker - pass->workers),
                                .gallery = g,
                                .first_probe = block->first,
                                .n_probes = (uint32_t)block->count};
    if (rows == 0)
        return LK_OK;
    LK_TRY(module->begin(pass->fast->device, &job, err != NULL ? err : &local));
    while (job.first_panel < panels) {
        struct lk_device_found found;
        /* Before there are k pairs, everything is found. */
        bool knows_closest = lk_pass_block_floor(pass, g, &block->closest[g]) > -INFINITY;
        uint64_t left = panels - job.first_panel, size = knows_closest || *most < few ? *most : few;
        job.n_panels = size < left ? size : left;
        LK_TRY(run_job(pass, block, worker, &job, &found, err));
        LK_TRY(lk_ctx_check(pass->ctx, err));
        if (found.full) {
            LK_NEED(job.n_panels > 1, err, LK_EUNSUP, "device %s: one panel is too much for it", module->name);
            *most = job.n_panels / 2;
            continue;
        }
        LK_TRY(take_found(pass, block, worker, g, &found, err));
        job.first_panel += job.n_panels;
        few *= GROWTH;
        if (*most < MOST_PANELS && job.n_panels == *most)
            *most += *most / 8 + 1;
        uint64_t done = job.first_panel * LK_DEVICE_PANEL < rows ? job.first_panel * LK_DEVICE_PANEL : rows;
        lk_pass_report(pass, block->count * (done - reported));
        worker->scanned += block->count * (done - reported);
        reported = done;
    }
    return LK_OK;
}
