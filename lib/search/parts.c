/* SPDX-License-Identifier: Apache-2.0 */
/* parts.c - a search by a device that cannot hold the galleries: part after part of them, the rows of the next one on
 * their way while one is searched. */
#include "search/parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"
#include "search/join.h"

/* Asking a device takes a good part of a second, and every one holds as much as this. */
#define ASKED_FROM ((uint64_t)1 << 33)

lk_status lk_parts_needed(lk_ctx *ctx, const struct lk_search_options *o, uint64_t *n, lk_error *err)
{
    uint64_t first, references, others, least = o->asked_from > 0 ? o->asked_from : ASKED_FROM;
    *n = 1;
    /* Of a shard that others join from its work_dir there must be one search.part. */
    if (!lk_device_wanted(o->device) || o->parts != NULL || (o->shard.count > 0 && o->exchange == NULL))
        return LK_OK;
    lk_search_shard_rows(&o->shard, o->galleries[LK_GALLERY_TRAIN].rows, &first, &references);
    lk_search_shard_rows(&o->shard, o->galleries[LK_GALLERY_HOLDOUT].rows, &first, &others);
    if (o->device_parts > 0)
        *n = o->device_parts;
    else if (o->probes.rows + references + others >= least / (o->dim * sizeof(float)))
        LK_TRY(lk_device_parts(n, ctx, o, err));
    LK_NEED(*n <= references, err, LK_ENOMEM,
            "device %s: it cannot hold the probes and some references", o->device);
    return LK_OK;
}

/* ---- one part after another ---------------------------------------------------------------------------- */

struct runner {
    lk_ctx *ctx;
    const struct lk_search_options *options; /* of the whole */
    uint64_t n;                              /* parts */
    struct lk_parts parts;
    float kth[LK_N_GALLERIES]; /* the highest k-th score of a part that is done */
    struct lk_search_work work;
    double start;
};

/* What is not among the k closest of the parts before is not among those of all. The search of a shard tells others, too. */
static float tell_kth(void *user, int gallery, float kth)
{
    struct runner *r = user;
    r->kth[gallery] = fmaxf(r->kth[gallery], kth);
    if (r->options->exchange != NULL)
        r->kth[gallery] = fmaxf(r->kth[gallery], r->options->exchange(r->options->exchange_user, gallery, r->kth[gallery]));
    return r->kth[gallery];
}

static char *folder_of(const char *work_dir, uint64_t index, lk_error *err)
{
    char name[32];
    snprintf(name, sizeof name, "part-%llu", (unsigned long long)index);
    return lk_path_join(work_dir, name, err);
}

static void add_work(struct runner *r, const struct lk_search_work *of)
{
    r->work.axes = of->axes > r->work.axes ? of->axes : r->work.axes;
    r->work.scanned += of->scanned;
    r->work.nominated += of->nominated;
    r->work.scored += of->scored;
    r->work.prepare_seconds += of->prepare_seconds;
}

static lk_status run_part(struct runner *r, struct lk_join *join, uint64_t i, lk_error *err)
{
    struct lk_search_options o = *r->options;
    struct lk_search_result part;
    char *folder = NULL;
    o.shard = lk_search_shard_part(&o.shard, i, r->n);
    o.parts = &r->parts;
    o.exchange = tell_kth;
    o.exchange_user = r;
    if (o.work_dir != NULL) {
        o.work_dir = folder = folder_of(o.work_dir, i + 1, err);
        if (folder == NULL)
            return LK_ENOMEM;
        LK_TRY(lk_mkdirs(folder, err));
    }
    lk_status status = lk_search_run(r->ctx, &o, &part, err);
    if (status == LK_OK) {
        r->parts.pairs_before += part.n_pairs;
        r->parts.pairs_resumed += part.n_pairs - part.work.scanned;
        for (int g = 0; g < LK_N_GALLERIES; g++)
            if (part.galleries[g].n_pairs == o.k)
                tell_kth(r, g, part.galleries[g].pairs[o.k - 1].score);
        add_work(r, &part.work);
        status = lk_join_add(join, i, &part, folder != NULL ? folder : "a part", err);
        lk_search_free(&part);
    }
    free(folder);
    return status;
}

lk_status lk_parts_run(lk_ctx *ctx, const struct lk_search_options *options, uint64_t n, struct lk_search_result *out,
                       lk_error *err)
{
    struct runner r = {.ctx = ctx,
                       .options = options,
                       .n = n,
                       .parts = {.last_index = lk_search_shard_part(&options->shard, n - 1, n).index},
                       .start = lk_clock_seconds()};
    struct lk_join *join;
    for (int g = 0; g < LK_N_GALLERIES; g++) {
        uint64_t first, rows;
        lk_search_shard_rows(&options->shard, options->galleries[g].rows, &first, &rows);
        r.kth[g] = -INFINITY;
        r.parts.pairs_all += options->probes.rows * rows;
    }
    lk_ctx_message(ctx, LK_LEVEL_NOTE, "the device holds the references in %llu parts", (unsigned long long)n);
    lk_status status = lk_join_new(&join, options, (size_t)n, err);
    for (uint64_t i = 0; status == LK_OK && i < n; i++)
        status = run_part(&r, join, i, err);
    if (status == LK_OK)
        status = lk_join_end(join, ctx, out, err);
    if (status == LK_OK) {
        out->work = r.work;
        out->work.seconds = lk_clock_seconds() - r.start;
    }
    lk_device_forget(&r.parts);
    lk_join_free(join);
    return status;
}

void lk_parts_forget(const char *work_dir)
{
    for (uint64_t i = 1;; i++) {
        char *folder = folder_of(work_dir, i, NULL);
        bool is_there = folder != NULL && lk_path_is_dir(folder);
        if (is_there) {
            lk_search_forget(folder);
            is_there = rmdir(folder) == 0;
        }
        free(folder);
        if (!is_there)
            return;
    }
}
