/* SPDX-License-Identifier: Apache-2.0 */
/* shards.c - the finished work of all parts of the galleries, joined to what one search of everything finds.
 *
 * Every product is a choice by the order of scores and rows, so the best of the parts' choices is the choice from
 * everything: what is among the best k or r of all is among the best k or r of its own part. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/mem.h"
#include "search/join.h"
#include "search/lists.h"

/* The join so far of one gallery. */
struct joined {
    uint64_t first; /* row of the gallery; more than 0 in a shard */
    struct lk_closest closest;
    struct lk_search_gallery out;
    uint64_t *nearest_n, *identities_n; /* filled places of each probe's lists */
};

struct lk_join {
    const struct lk_search_options *options;
    struct joined galleries[LK_N_GALLERIES];
    struct lk_search_result out;
    char **ranges; /* of each part */
    size_t n;
};

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static lk_status begin(struct lk_join *j, int g, lk_error *err)
{
    const struct lk_search_options *o = j->options;
    struct joined *to = &j->galleries[g];
    struct lk_search_set set = o->galleries[g];
    lk_search_shard_rows(&o->shard, o->galleries[g].rows, &to->first, &set.rows);
    if (set.rows > 0 && set.identities != NULL)
        set.identities += to->first;
    uint64_t distinct = set.rows;
    to->closest.k = least(o->k, o->probes.rows * set.rows);
    if (set.identities != NULL)
        LK_TRY(lk_search_distinct(&set, &distinct, err));
    to->out.n_nearest = least(o->r, set.rows);
    to->out.n_identities = least(o->r, distinct);
    size_t probes = (size_t)o->probes.rows;
    to->out.nearest = to->out.identities =
        lk_calloc(probes * (size_t)to->out.n_nearest, sizeof *to->out.nearest, err);
    to->out.best_probe = lk_calloc((size_t)set.rows, sizeof *to->out.best_probe, err);
    to->nearest_n = lk_calloc(probes, sizeof *to->nearest_n, err);
    to->identities_n = lk_calloc(probes, sizeof *to->identities_n, err);
    if (to->out.nearest == NULL || to->out.best_probe == NULL || to->nearest_n == NULL ||
        to->identities_n == NULL)
        return LK_ENOMEM;
    if (set.identities == NULL)
        return LK_OK;
    to->out.identities = lk_calloc(probes * (size_t)to->out.n_identities, sizeof *to->out.identities, err);
    return to->out.identities != NULL ? LK_OK : LK_ENOMEM;
}

static void add_lists(struct lk_join *j, int g, const struct lk_search_gallery *from)
{
    struct joined *to = &j->galleries[g];
    const uint32_t *identities = j->options->galleries[g].identities;
    for (uint64_t p = 0; p < j->options->probes.rows; p++) {
        struct lk_list list = {to->out.nearest + p * to->out.n_nearest, to->nearest_n[p], to->out.n_nearest};
        for (uint64_t i = 0; i < from->n_nearest; i++)
            lk_list_add(&list, from->nearest[p * from->n_nearest + i]);
        to->nearest_n[p] = list.n;
        if (identities == NULL)
            continue;
        list = (struct lk_list){to->out.identities + p * to->out.n_identities, to->identities_n[p],
                                to->out.n_identities};
        for (uint64_t i = 0; i < from->n_identities; i++)
            lk_list_add_identity(&list, from->identities[p * from->n_identities + i], identities);
        to->identities_n[p] = list.n;
    }
}

/* i: of the join's parts, from 0; shard: of everything. */
static lk_status add_gallery(struct lk_join *j, int g, size_t i, const struct lk_search_shard *shard,
                             const struct lk_search_gallery *from, const char *dir, lk_error *err)
{
    struct joined *to = &j->galleries[g];
    uint64_t first, rows;
    lk_search_shard_rows(shard, j->options->galleries[g].rows, &first, &rows);
    LK_TRY(lk_closest_add(&to->closest, from->pairs, (size_t)from->n_pairs, err));
    add_lists(j, g, from);
    if (rows > 0)
        memcpy(to->out.best_probe + (first - to->first), from->best_probe, (size_t)rows * sizeof *from->best_probe);
    for (int b = 0; b < LK_SEARCH_BINS; b++)
        to->out.exact[b] += from->exact[b];
    if (i == 0) {
        memcpy(to->out.sample, from->sample, sizeof to->out.sample);
        to->out.sample_seed = from->sample_seed;
        to->out.sample_size = from->sample_size;
    }
    LK_NEED(memcmp(to->out.sample, from->sample, sizeof to->out.sample) == 0, err, LK_EFORMAT,
            "%s: its sample of scores is not that of the first shard", dir);
    return LK_OK;
}

lk_status lk_join_add(struct lk_join *j, size_t i, struct lk_search_result *part, const char *where, lk_error *err)
{
    struct lk_search_shard shard = lk_search_shard_part(&j->options->shard, i, j->n);
    LK_NEED(i == 0 || part->exact_bin == j->out.exact_bin, err, LK_EFORMAT,
            "%s: its histogram is not that of the first shard", where);
    for (int g = 0; g < LK_N_GALLERIES; g++)
        LK_TRY(add_gallery(j, g, i, &shard, &part->galleries[g], where, err));
    j->out.exact_bin = part->exact_bin;
    j->out.n_pairs += part->n_pairs;
    j->out.n_range += part->n_range;
    j->ranges[i] = part->range_path;
    part->range_path = NULL;
    return LK_OK;
}

/* ---- the range: the parts' pairs come in the order of probe, gallery, reference --------------------- */

struct stream {
    FILE *file;
    const char *path;
    struct lk_range_pair next;
    bool ended;
};

static bool comes_before(const struct lk_range_pair *a, const struct lk_range_pair *b)
{
    if (a->probe != b->probe)
        return a->probe < b->probe;
    return a->gallery != b->gallery ? a->gallery < b->gallery : a->reference < b->reference;
}

static lk_status advance(struct stream *s, lk_error *err)
{
    s->ended = fread(&s->next, sizeof s->next, 1, s->file) != 1;
    return s->ended && ferror(s->file) ? lk_fail_sys(err, LK_EIO, "%s: cannot read", s->path) : LK_OK;
}

static lk_status merge_streams(lk_ctx *ctx, struct stream *streams, size_t n, FILE *to, uint64_t *written,
                               lk_error *err)
{
    for (*written = 0;; ++*written) {
        if (*written % 65536 == 0)
            LK_TRY(lk_ctx_check(ctx, err));
        struct stream *first = NULL;
        for (size_t i = 0; i < n; i++)
            if (!streams[i].ended && (first == NULL || comes_before(&streams[i].next, &first->next)))
                first = &streams[i];
        if (first == NULL)
            return LK_OK;
        fwrite(&first->next, sizeof first->next, 1, to); /* lk_out_commit finds the stream's error */
        LK_TRY(advance(first, err));
    }
}

static lk_status open_streams(struct stream *streams, const char *const *paths, size_t n, lk_error *err)
{
    for (size_t i = 0; i < n; i++) {
        streams[i].path = paths[i];
        LK_TRY(lk_stream_open(&streams[i].file, paths[i], err));
        LK_TRY(advance(&streams[i], err));
    }
    return LK_OK;
}

lk_status lk_search_join_ranges(lk_ctx *ctx, const char *const *paths, size_t n, const char *to, uint64_t *n_pairs,
                                lk_error *err)
{
    struct stream *streams = lk_calloc(n, sizeof *streams, err);
    struct lk_out out = {NULL, NULL, NULL};
    lk_status status = streams != NULL ? open_streams(streams, paths, n, err) : LK_ENOMEM;
    if (status == LK_OK)
        status = lk_out_open(&out, to, err);
    if (status == LK_OK)
        status = merge_streams(ctx, streams, n, out.stream, n_pairs, err);
    if (status == LK_OK)
        status = lk_out_commit(&out, err);
    lk_out_abandon(&out);
    for (size_t i = 0; streams != NULL && i < n; i++)
        if (streams[i].file != NULL)
            fclose(streams[i].file);
    free(streams);
    return status;
}

static lk_status join_ranges(struct lk_join *j, lk_ctx *ctx, lk_error *err)
{
    uint64_t found = 0;
    char *path = lk_path_join(j->options->work_dir, "range.part", err);
    if (path == NULL)
        return LK_ENOMEM;
    lk_status status = lk_search_join_ranges(ctx, (const char *const *)j->ranges, j->n, path, &found, err);
    if (status == LK_OK && found != j->out.n_range)
        status = lk_fail(err, LK_EIO, "%s: the shards hold %llu pairs of the range, expected %llu", path,
                         (unsigned long long)found, (unsigned long long)j->out.n_range);
    if (status == LK_OK)
        j->out.range_path = path;
    else
        free(path);
    return status;
}

/* ---- all ------------------------------------------------------------------------------------------ */

lk_status lk_join_new(struct lk_join **out, const struct lk_search_options *options, size_t n, lk_error *err)
{
    struct lk_join *j = *out = lk_calloc(1, sizeof *j, err);
    if (j == NULL)
        return LK_ENOMEM;
    j->options = options;
    j->n = n;
    j->ranges = lk_calloc(n, sizeof *j->ranges, err);
    lk_status status = j->ranges != NULL ? LK_OK : LK_ENOMEM;
    for (int g = 0; status == LK_OK && g < LK_N_GALLERIES; g++)
        status = begin(j, g, err);
    return status;
}

lk_status lk_join_end(struct lk_join *j, lk_ctx *ctx, struct lk_search_result *out, lk_error *err)
{
    if (!isnan(j->options->min_score))
        LK_TRY(join_ranges(j, ctx, err));
    for (int g = 0; g < LK_N_GALLERIES; g++) {
        struct joined *from = &j->galleries[g];
        lk_closest_settle(&from->closest);
        j->out.galleries[g] = from->out;
        j->out.galleries[g].pairs = from->closest.pairs;
        j->out.galleries[g].n_pairs = from->closest.n;
        from->closest.pairs = NULL;
        from->out = (struct lk_search_gallery){.pairs = NULL};
    }
    *out = j->out;
    j->out = (struct lk_search_result){.exact_bin = 0};
    return LK_OK;
}

void lk_join_free(struct lk_join *j)
{
    if (j == NULL)
        return;
    for (int g = 0; g < LK_N_GALLERIES; g++) {
        struct joined *of = &j->galleries[g];
        free(of->closest.pairs);
        free(of->nearest_n);
        free(of->identities_n);
        j->out.galleries[g] = of->out;
    }
    lk_search_free(&j->out);
    for (size_t i = 0; j->ranges != NULL && i < j->n; i++)
        free(j->ranges[i]);
    free(j->ranges);
    free(j);
}

static lk_status add_finished(struct lk_join *j, lk_ctx *ctx, size_t i, const char *dir, lk_error *err)
{
    struct lk_search_options o = *j->options;
    struct lk_search_result part;
    o.shard = (struct lk_search_shard){i + 1, j->n};
    o.only_finished = true;
    o.work_dir = dir;
    LK_TRY(lk_ctx_check(ctx, err));
    LK_TRY(lk_search_run(ctx, &o, &part, err));
    lk_status status = lk_join_add(j, i, &part, dir, err);
    lk_search_free(&part);
    return status;
}

lk_status lk_search_join(lk_ctx *ctx, const struct lk_search_options *options, const char *const *work_dirs,
                         size_t n, struct lk_search_result *out, lk_error *err)
{
    struct lk_join *j;
    lk_status status = lk_join_new(&j, options, n, err);
    for (size_t i = 0; status == LK_OK && i < n; i++)
        status = add_finished(j, ctx, i, work_dirs[i], err);
    if (status == LK_OK)
        status = lk_join_end(j, ctx, out, err);
    lk_join_free(j);
    return status;
}
