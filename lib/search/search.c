/* SPDX-License-Identifier: Apache-2.0 */
/* search.c - the pass: blocks of probes over the threads, their finds merged in order. */
#include "search/search.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/pool.h"
#include "search/parts.h"
#include "search/pass.h"

enum {
    PROBES_BYTES = 768 << 10, /* of a packed block: most of a second-level cache of 1 MiB */
    RANGE_BYTES = 256 << 20,  /* expected in all blocks in flight */
    SLOTS_PER_THREAD = 2,
};
#define SAVE_SECONDS 5.0

/* ---- what comes in ----------------------------------------------------------------------------------- */

static lk_status check_set(const struct lk_search_set *set, const char *name, uint64_t dim, lk_error *err)
{
    LK_NEED(set->rows <= LK_SEARCH_MAX_ROWS, err, LK_EUNSUP,
            "%s: %llu rows, at most %u can be searched at once", name, (unsigned long long)set->rows,
            LK_SEARCH_MAX_ROWS);
    LK_NEED(dim <= SIZE_MAX / sizeof(double) / LK_MAX_BLOCK, err, LK_EUNSUP,
            "%s: rows of %llu numbers are too long", name, (unsigned long long)dim);
    for (uint64_t i = 0; set->identities != NULL && i < set->rows; i++)
        LK_NEED(set->identities[i] < set->n_identities, err, LK_EINVAL, "%s: row %llu has identity %u of %u",
                name, (unsigned long long)i, set->identities[i], set->n_identities);
    return LK_OK;
}

static lk_status check_options(const struct lk_search_options *o, lk_error *err)
{
    LK_NEED(o->dim > 0, err, LK_EINVAL, "rows have no numbers");
    LK_NEED(o->probes.rows > 0, err, LK_EINVAL, "there are no probes to compare");
    LK_NEED(o->galleries[LK_GALLERY_TRAIN].rows > 0, err, LK_EINVAL,
            "there are no references to compare with");
    LK_NEED(o->k > 0 && o->k <= LK_SEARCH_MAX_K, err, LK_EINVAL, "k: %llu, expected 1 to %u",
            (unsigned long long)o->k, LK_SEARCH_MAX_K);
    LK_NEED(o->r > 0 && o->r <= LK_SEARCH_MAX_R, err, LK_EINVAL, "r: %llu, expected 1 to %u",
            (unsigned long long)o->r, LK_SEARCH_MAX_R);
    LK_NEED(isnan(o->min_score) || o->work_dir != NULL, err, LK_EINVAL, "a range needs a folder to work in");
    LK_NEED(o->shard.count == 0 || (o->shard.index >= 1 && o->shard.index <= o->shard.count &&
                                    o->shard.count <= LK_SEARCH_MAX_ROWS),
            err, LK_EINVAL, "shard %llu of %llu: expected one from 1 to their number",
            (unsigned long long)o->shard.index, (unsigned long long)o->shard.count);
    LK_TRY(check_set(&o->probes, "probes", o->dim, err));
    LK_TRY(check_set(&o->galleries[LK_GALLERY_TRAIN], "references", o->dim, err));
    return check_set(&o->galleries[LK_GALLERY_HOLDOUT], "hold-out", o->dim, err);
}

lk_status lk_search_distinct(const struct lk_search_set *set, uint64_t *distinct, lk_error *err)
{
    bool *seen = lk_calloc(set->n_identities, sizeof *seen, err);
    if (seen == NULL)
        return LK_ENOMEM;
    *distinct = 0;
    for (uint64_t i = 0; i < set->rows; i++) {
        *distinct += !seen[set->identities[i]];
        seen[set->identities[i]] = true;
    }
    free(seen);
    return LK_OK;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

struct lk_search_shard lk_search_shard_part(const struct lk_search_shard *shard, uint64_t i, uint64_t n)
{
    if (shard->count == 0)
        return (struct lk_search_shard){i + 1, n};
    return (struct lk_search_shard){(shard->index - 1) * n + i + 1, shard->count * n};
}

void lk_search_shard_rows(const struct lk_search_shard *shard, uint64_t all, uint64_t *first, uint64_t *rows)
{
    uint64_t n = shard->count > 0 ? shard->count : 1, i = shard->count > 0 ? shard->index : 1;
    *first = all * (i - 1) / n; /* both below 2^32 */
    *rows = all * i / n - *first;
}

static lk_status cut_part(struct lk_pass *pass, int g, lk_error *err)
{
    const struct lk_search_options *o = pass->options;
    const struct lk_search_set *whole = &o->galleries[g];
    struct lk_pass_gallery *gallery = &pass->galleries[g];
    uint64_t rows;
    lk_search_shard_rows(&o->shard, whole->rows, &gallery->first, &rows);
    LK_NEED(rows > 0 || g != LK_GALLERY_TRAIN, err, LK_EINVAL,
            "shard %llu/%llu: %llu references cannot be divided so finely", (unsigned long long)o->shard.index,
            (unsigned long long)o->shard.count, (unsigned long long)whole->rows);
    gallery->part = *whole;
    gallery->part.rows = rows;
    if (rows > 0)
        gallery->part.data += gallery->first * o->dim;
    if (rows > 0 && whole->identities != NULL)
        gallery->part.identities += gallery->first;
    gallery->set = &gallery->part;
    return LK_OK;
}

static lk_status prepare_gallery(struct lk_pass *pass, int g, lk_error *err)
{
    const struct lk_search_options *o = pass->options;
    struct lk_pass_gallery *gallery = &pass->galleries[g];
    struct lk_search_gallery *out = &pass->out->galleries[g];
    LK_TRY(cut_part(pass, g, err));
    uint64_t rows = gallery->set->rows, pairs = rows * o->probes.rows;
    gallery->closest.k = least(o->k, pairs);
    atomic_init(&gallery->threshold, -INFINITY);
    pass->pairs_total += pairs;
    out->n_nearest = out->n_identities = least(o->r, rows);
    size_t cells;
    LK_NEED(!lk_mul_overflows((size_t)o->probes.rows, (size_t)out->n_nearest, &cells), err, LK_ENOMEM,
            "the lists of closest references are too long");
    out->nearest = out->identities = lk_calloc(cells, sizeof *out->nearest, err);
    gallery->best = lk_calloc((size_t)rows, sizeof *gallery->best, err);
    out->best_probe = lk_calloc((size_t)rows, sizeof *out->best_probe, err);
    if (out->nearest == NULL || gallery->best == NULL || out->best_probe == NULL)
        return LK_ENOMEM;
    if (gallery->set->identities == NULL || rows == 0)
        return LK_OK;
    LK_TRY(lk_search_distinct(gallery->set, &out->n_identities, err));
    out->n_identities = least(o->r, out->n_identities);
    out->identities = lk_calloc((size_t)(o->probes.rows * out->n_identities), sizeof *out->identities, err);
    return out->identities != NULL ? LK_OK : LK_ENOMEM;
}

/* What must be equal for unfinished work to be taken up. */
static lk_status identify(struct lk_pass *pass, lk_error *err)
{
    const struct lk_search_options *o = pass->options;
    struct lk_str s = LK_STR_INIT;
    lk_status status =
        lk_str_addf(&s, err, "%s dim %llu k %llu r %llu min_score %a probes %llu",
                    o->inputs != NULL ? o->inputs : "", (unsigned long long)o->dim, (unsigned long long)o->k,
                    (unsigned long long)o->r, o->min_score, (unsigned long long)o->probes.rows);
    for (int g = 0; status == LK_OK && g < LK_N_GALLERIES; g++)
        status = lk_str_addf(&s, err, " gallery %llu identities %d %llu",
                             (unsigned long long)o->galleries[g].rows, o->galleries[g].identities != NULL,
                             (unsigned long long)pass->out->galleries[g].n_identities);
    if (status == LK_OK && o->shard.count > 0)
        status = lk_str_addf(&s, err, " shard %llu of %llu", (unsigned long long)o->shard.index,
                             (unsigned long long)o->shard.count);
    if (status == LK_OK)
        status = lk_hash_bytes(s.text, s.len, pass->identity, err);
    lk_str_free(&s);
    return status;
}

/* Where the exact part of the histogram is all of it, every pair is scored anyway. */
static bool is_scanned(const struct lk_pass *pass)
{
    return pass->out->exact_bin > 0;
}

static lk_status prepare_workers(struct lk_pass *pass, lk_error *err)
{
    int threads = lk_ctx_threads(pass->ctx);
    size_t dim = (size_t)pass->options->dim;
    pass->workers = lk_calloc((size_t)threads, sizeof *pass->workers, err);
    if (pass->workers == NULL)
        return LK_ENOMEM;
    size_t rows = is_scanned(pass) ? LK_GROUP : (size_t)(pass->block + LK_GROUP - 1) / LK_GROUP * LK_GROUP;
    for (int i = 0; i < threads; i++) {
        struct lk_worker *w = &pass->workers[i];
        w->probes = lk_alloc_aligned(rows * dim, sizeof *w->probes, err);
        w->references = lk_alloc_aligned(LK_GROUP * dim, sizeof *w->references, err);
        w->scores = lk_alloc_aligned((size_t)LK_MAX_BLOCK * LK_TILE, sizeof *w->scores, err);
        w->nearest = lk_calloc((size_t)pass->block, sizeof *w->nearest, err);
        w->identities = lk_calloc((size_t)pass->block, sizeof *w->identities, err);
        if (w->probes == NULL || w->references == NULL || w->scores == NULL || w->nearest == NULL ||
            w->identities == NULL)
            return LK_ENOMEM;
        if (is_scanned(pass) && !lk_device_wanted(pass->options->device))
            LK_TRY(lk_scan_lists_new(&w->lists, pass, err));
        memset(w->scores, 0, (size_t)LK_MAX_BLOCK * LK_TILE * sizeof *w->scores);
    }
    return LK_OK;
}

static void free_workers(struct lk_pass *pass)
{
    for (int i = 0; pass->workers != NULL && i < lk_ctx_threads(pass->ctx); i++) {
        free(pass->workers[i].probes);
        free(pass->workers[i].references);
        free(pass->workers[i].scores);
        free(pass->workers[i].nearest);
        free(pass->workers[i].identities);
        lk_scan_lists_free(pass->workers[i].lists);
    }
    free(pass->workers);
}

/* Large enough that packing the references is a small part, small enough for the cache, for all threads to
 * have some, and for the range that the sample leads to expect. */
static uint64_t choose_block(const struct lk_pass *pass)
{
    const struct lk_search_options *o = pass->options;
    uint64_t threads = (uint64_t)lk_ctx_threads(pass->ctx);
    uint64_t most = LK_MAX_BLOCK;
    if (is_scanned(pass))
        most = lk_device_wanted(o->device) ? LK_DEVICE_BLOCK : LK_MAX_SCAN_BLOCK;
    if (o->block > 0)
        return least(o->block, most);
    if (!is_scanned(pass))
        most = least(PROBES_BYTES / sizeof(double) / o->dim, most);
    uint64_t block = most;
    block = least(block, (o->probes.rows + 4 * threads - 1) / (4 * threads) + LK_GROUP - 1);
    double expected = 0; /* range pairs of one probe */
    for (int g = 0; pass->has_range && g < LK_N_GALLERIES; g++) {
        const struct lk_search_gallery *out = &pass->out->galleries[g];
        uint64_t above = 0;
        for (int b = lk_search_bin(pass->range_score); b < LK_SEARCH_BINS; b++)
            above += out->sample[b];
        if (out->sample_size > 0)
            expected += (double)above / (double)out->sample_size * (double)pass->galleries[g].set->rows;
    }
    double room = RANGE_BYTES / ((double)sizeof(struct lk_range_pair) * (double)(SLOTS_PER_THREAD * threads));
    if (expected * (double)block > room)
        block = (uint64_t)(room / expected);
    block -= block % LK_GROUP;
    return block > LK_GROUP ? block : LK_GROUP;
}

static float smallest_float_from(double limit)
{
    float f = (float)limit;
    return (double)f < limit ? nextafterf(f, INFINITY) : f;
}

/* ---- the pass ----------------------------------------------------------------------------------------- */

static lk_status fill_block(void *arg, size_t index, int worker, void *slot, lk_error *err)
{
    struct lk_pass *pass = arg;
    struct lk_block *block = slot;
    block->first = pass->first + index * pass->block;
    block->count = least(pass->block, pass->options->probes.rows - block->first);
    return lk_pass_block(pass, block, &pass->workers[worker], err);
}

static lk_status sink_block(void *arg, size_t index, void *slot, lk_error *err)
{
    struct lk_pass *pass = arg;
    struct lk_block *block = slot;
    (void)index;
    for (int g = 0; g < LK_N_GALLERIES; g++) {
        struct lk_closest *closest = &pass->galleries[g].closest;
        LK_TRY(lk_closest_add(closest, block->closest[g].pairs, block->closest[g].n, err));
        if (!closest->full && closest->n >= closest->k)
            lk_closest_settle(closest);
        float threshold = lk_closest_threshold(closest);
        if (pass->options->exchange != NULL)
            threshold = fmaxf(threshold, pass->options->exchange(pass->options->exchange_user, g, threshold));
        atomic_store_explicit(&pass->galleries[g].threshold, threshold, memory_order_relaxed);
        for (int b = 0; b < LK_SEARCH_BINS; b++)
            pass->out->galleries[g].exact[b] += block->exact[g][b];
    }
    if (pass->has_range)
        LK_TRY(lk_spool_add(&pass->spool, block->range, block->n_range, err));
    pass->probes_done = block->first + block->count;
    if (pass->options->work_dir != NULL && lk_clock_seconds() >= pass->next_save)
        return lk_pass_save(pass, err);
    return LK_OK;
}

static lk_status run_blocks(struct lk_pass *pass, lk_error *err)
{
    size_t n_slots = (size_t)lk_ctx_threads(pass->ctx) * SLOTS_PER_THREAD;
    struct lk_block *slots = lk_calloc(n_slots, sizeof *slots, err);
    if (slots == NULL)
        return LK_ENOMEM;
    for (size_t i = 0; i < n_slots; i++)
        for (int g = 0; g < LK_N_GALLERIES; g++)
            slots[i].closest[g].k = pass->galleries[g].closest.k;
    size_t blocks = (size_t)((pass->options->probes.rows - pass->first + pass->block - 1) / pass->block);
    lk_status status = lk_pool_ordered(pass->ctx, 0, blocks, slots, sizeof *slots, n_slots, fill_block,
                                       sink_block, pass, err);
    for (size_t i = 0; i < n_slots; i++) {
        for (int g = 0; g < LK_N_GALLERIES; g++)
            free(slots[i].closest[g].pairs);
        free(slots[i].range);
    }
    free(slots);
    return status;
}

/* A failure to save must not hide why the run stopped; the snapshot before it stands. */
static lk_status stop(struct lk_pass *pass, lk_status status)
{
    if (status == LK_ECANCELED && pass->options->work_dir != NULL)
        (void)lk_pass_save(pass, NULL);
    return status;
}

/* Rows of a part get their numbers in the whole gallery. */
static void count_from(struct lk_search_gallery *out, uint64_t first, uint64_t probes)
{
    for (uint64_t i = 0; i < out->n_pairs; i++)
        out->pairs[i].reference += (uint32_t)first;
    for (uint64_t i = 0; i < probes * out->n_nearest; i++)
        out->nearest[i].row += (uint32_t)first;
    for (uint64_t i = 0; out->identities != out->nearest && i < probes * out->n_identities; i++)
        out->identities[i].row += (uint32_t)first;
}

static void hand_over(struct lk_pass *pass)
{
    for (int g = 0; g < LK_N_GALLERIES; g++) {
        struct lk_search_gallery *out = &pass->out->galleries[g];
        struct lk_pass_gallery *gallery = &pass->galleries[g];
        lk_closest_settle(&gallery->closest);
        out->pairs = gallery->closest.pairs;
        out->n_pairs = gallery->closest.n;
        gallery->closest.pairs = NULL;
        if (gallery->first > 0)
            count_from(out, gallery->first, pass->options->probes.rows);
        for (uint64_t i = 0; i < gallery->set->rows; i++)
            out->best_probe[i] =
                lk_best_unpack(atomic_load_explicit(&gallery->best[i], memory_order_relaxed));
    }
    pass->out->n_pairs = pass->pairs_total;
    pass->out->n_range = pass->spool.n;
    pass->out->range_path = pass->spool.path;
    pass->spool.path = NULL;
}

static void note_work(struct lk_pass *pass, double start)
{
    struct lk_search_work *work = &pass->out->work;
    *work = (struct lk_search_work){.prepare_seconds = pass->started - start,
                                    .seconds = lk_clock_seconds() - start};
    if (pass->fast != NULL)
        work->axes = pass->fast->basis.depth;
    for (int i = 0; pass->workers != NULL && i < lk_ctx_threads(pass->ctx); i++) {
        work->scanned += pass->workers[i].scanned;
        work->nominated += pass->workers[i].nominated;
        work->scored += pass->workers[i].scored;
    }
}

static lk_status search_rest(struct lk_pass *pass, lk_error *err)
{
    pass->exact_score = lk_pass_bin_score(pass->out->exact_bin);
    pass->block = choose_block(pass);
    atomic_init(&pass->pairs_done, pass->first * (pass->pairs_total / pass->options->probes.rows));
    LK_TRY(prepare_workers(pass, err));
    if (is_scanned(pass))
        LK_TRY(lk_fast_prepare(pass, err));
    double start = pass->started = lk_clock_seconds();
    pass->next_save = start + pass->save_seconds;
    lk_status status = run_blocks(pass, err);
    if (status != LK_OK)
        return stop(pass, status);
    bool keeps = pass->options->shard.count > 0 || /* others join it */
                 lk_clock_seconds() > start + pass->save_seconds; /* writing the tables may be interrupted, too */
    if (pass->options->work_dir != NULL && keeps)
        LK_TRY(lk_pass_save(pass, err));
    else if (pass->has_range && fflush(pass->spool.stream) != 0)
        return lk_fail_sys(err, LK_EIO, "%s: cannot write", pass->spool.path);
    return LK_OK;
}

static lk_status run(struct lk_pass *pass, lk_error *err)
{
    bool loaded;
    for (int g = 0; g < LK_N_GALLERIES; g++)
        LK_TRY(prepare_gallery(pass, g, err));
    LK_TRY(identify(pass, err));
    LK_TRY(lk_pass_load(pass, &loaded, err));
    LK_NEED(!pass->options->only_finished || (loaded && pass->first == pass->options->probes.rows), err,
            LK_EFORMAT, "%s/search.part: %s, expected that of a finished search", pass->options->work_dir,
            loaded ? "holds unfinished work" : "is not there");
    lk_pass_plan_sample(pass);
    bool ends = pass->first == pass->options->probes.rows, scans = loaded ? is_scanned(pass) : lk_pass_is_large(pass);
    if (lk_device_wanted(pass->options->device) && !ends && scans)
        LK_TRY(lk_fast_begin(pass, err)); /* a device takes its time to wake: the sample is drawn meanwhile */
    if (!loaded)
        LK_TRY(lk_pass_sample(pass, err));
    if (!is_scanned(pass)) { /* the sample left nothing to scan: what woke is not needed */
        lk_fast_free(pass->fast);
        pass->fast = NULL;
    }
    if (!ends)
        LK_TRY(search_rest(pass, err));
    hand_over(pass);
    return LK_OK;
}

lk_status lk_search_run(lk_ctx *ctx, const struct lk_search_options *options, struct lk_search_result *out,
                        lk_error *err)
{
    uint64_t parts;
    LK_TRY(check_options(options, err));
    LK_TRY(lk_parts_needed(ctx, options, &parts, err));
    if (parts > 1)
        return lk_parts_run(ctx, options, parts, out, err);
    struct lk_search_result result = {.exact_bin = 0};
    bool has_range = !isnan(options->min_score);
    struct lk_pass pass = {.ctx = ctx,
                           .options = options,
                           .out = &result,
                           .kernel = lk_kernel_choose(options->cpu),
                           .pairs = lk_pairs_choose(options->cpu),
                           .has_range = has_range,
                           .range_score = has_range ? smallest_float_from(options->min_score) : INFINITY,
                           .save_seconds = options->save_seconds > 0 ? options->save_seconds : SAVE_SECONDS};
    double start = pass.started = lk_clock_seconds();
    lk_status status = run(&pass, err);
    if (status == LK_OK)
        note_work(&pass, start);
    free_workers(&pass);
    lk_fast_free(pass.fast);
    lk_spool_close(&pass.spool);
    for (int g = 0; g < LK_N_GALLERIES; g++) {
        free(pass.galleries[g].closest.pairs);
        free((void *)pass.galleries[g].best);
    }
    if (status == LK_OK)
        *out = result;
    else
        lk_search_free(&result);
    return status;
}

void lk_search_free(struct lk_search_result *result)
{
    for (int g = 0; g < LK_N_GALLERIES; g++) {
        struct lk_search_gallery *gallery = &result->galleries[g];
        if (gallery->identities != gallery->nearest)
            free(gallery->identities);
        free(gallery->nearest);
        free(gallery->pairs);
        free(gallery->best_probe);
    }
    free(result->range_path);
    memset(result, 0, sizeof *result);
}

lk_status lk_search_range(const struct lk_search_result *result, lk_range_fn *each, void *user, lk_error *err)
{
    if (result->n_range == 0)
        return LK_OK;
    FILE *stream;
    LK_TRY(lk_stream_open(&stream, result->range_path, err));
    lk_status status = LK_OK;
    for (uint64_t i = 0; status == LK_OK && i < result->n_range; i++) {
        struct lk_range_pair pair;
        if (fread(&pair, sizeof pair, 1, stream) != 1)
            status = lk_fail(err, LK_EIO, "%s: ends at pair %llu of %llu", result->range_path,
                             (unsigned long long)i, (unsigned long long)result->n_range);
        else
            status = each(user, &pair, err);
    }
    fclose(stream);
    return status;
}
