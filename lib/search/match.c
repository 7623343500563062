/* SPDX-License-Identifier: Apache-2.0 */
/* match.c - lk_match: two or three sets of embeddings in, a MATCH directory out. */
#include "search/match.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hash.h"
#include "formats/json.h"
#include "search/scan.h"

void lk_match_options_init(lk_match_options *options)
{
    *options = (lk_match_options){.k = 1500, .r = 10, .min_score = NAN};
}

static lk_status check_options(const lk_match_options *o, lk_error *err)
{
    LK_NEED(o->probes != NULL && o->references != NULL && o->output != NULL, err, LK_EINVAL,
            "match needs probes, references and an output folder");
    LK_NEED(o->k >= 1 && o->k <= LK_SEARCH_MAX_K, err, LK_EINVAL, "k: %llu, expected 1 to %u",
            (unsigned long long)o->k, LK_SEARCH_MAX_K);
    LK_NEED(o->r >= 1 && o->r <= LK_SEARCH_MAX_R, err, LK_EINVAL, "r: %llu, expected 1 to %u",
            (unsigned long long)o->r, LK_SEARCH_MAX_R);
    LK_NEED(isnan(o->min_score) || (o->min_score >= -2 && o->min_score <= 2), err, LK_EINVAL,
            "min-score: %g, expected a cosine from -1 to 1", o->min_score);
    LK_NEED(o->n_shards == 0 ||
                (o->shard >= 1 && o->shard <= o->n_shards && o->n_shards <= LK_MATCH_MAX_SHARDS),
            err, LK_EINVAL, "shard: %llu/%llu, expected one from 1 to their number, at most 1,000,000",
            (unsigned long long)o->shard, (unsigned long long)o->n_shards);
    LK_NEED(o->n_shards == 0 || !o->cache, err, LK_EINVAL,
            "shard: codes are kept for whole sets only; expected no cache with shards");
    LK_TRY(lk_search_check_device(o->device, err));
    return lk_scan_check(o->cpu, err);
}

lk_status lk_match_check_device(const char *device, lk_error *err)
{
    return lk_search_try_device(device, err);
}

static lk_status begin_sets(struct lk_match *m, lk_error *err)
{
    const lk_match_options *o = m->options;
    m->galleries[LK_GALLERY_HOLDOUT].role = "holdout";
    LK_TRY(lk_match_set_begin(&m->probes, m->ctx, "probes", o->probes, err));
    LK_TRY(lk_match_set_begin(&m->galleries[LK_GALLERY_TRAIN], m->ctx, "references", o->references, err));
    LK_TRY(lk_match_sets_agree(&m->probes, &m->galleries[LK_GALLERY_TRAIN], err));
    if (o->holdout == NULL)
        return LK_OK;
    LK_TRY(lk_match_set_begin(&m->galleries[LK_GALLERY_HOLDOUT], m->ctx, "holdout", o->holdout, err));
    return lk_match_sets_agree(&m->probes, &m->galleries[LK_GALLERY_HOLDOUT], err);
}

static lk_status look_at_sets(struct lk_match *m, lk_error *err)
{
    const struct lk_match_share *share = m->share;
    for (uint64_t i = 0; i < LK_MATCH_SETS; i++) {
        struct lk_match_set *set = lk_match_set_of(m, i);
        if (set != NULL && (share == NULL || lk_match_set_owner(i, share->processes) == share->process))
            LK_TRY(lk_match_set_look(set, m->ctx, err));
    }
    return LK_OK;
}

lk_status lk_match_open_sets(struct lk_match *m, lk_error *err)
{
    static const struct lk_filters none = {.n = 0};
    lk_status status = begin_sets(m, err);
    if (status == LK_OK)
        status = look_at_sets(m, err);
    if (m->share != NULL)
        status = m->share->join(m->share->user, m, status, err);
    for (uint64_t i = 0; status == LK_OK && i < LK_MATCH_SETS; i++) {
        struct lk_match_set *set = lk_match_set_of(m, i);
        if (set != NULL && (m->share == NULL || m->share->process == 0))
            lk_faces_say(&set->faces, m->ctx);
        if (set != NULL)
            status = lk_match_set_finish(set, m->ctx, &none, err);
    }
    return status;
}

/* Unlinks a file of the output folder, which need not be there. */
static lk_status remove_output(const struct lk_match *m, const char *name, lk_error *err)
{
    char *path = lk_path_join(m->options->output, name, err);
    if (path == NULL)
        return LK_ENOMEM;
    lk_status status =
        unlink(path) == 0 || errno == ENOENT ? LK_OK : lk_fail_sys(err, LK_EIO, "%s: cannot remove", path);
    free(path);
    return status;
}

/* What an earlier run left. meta.json goes first: without it the folder does not count as finished. */
static lk_status remove_outputs(const struct lk_match *m, lk_error *err)
{
    LK_TRY(remove_output(m, "meta.json", err));
    for (int i = 0; lk_match_table_names[i] != NULL; i++)
        LK_TRY(remove_output(m, lk_match_table_names[i], err));
    return LK_OK;
}

struct outputs {
    const struct lk_match *match;
    json_t *hashes;
};

static lk_status note_output(void *user, const char *name, lk_error *err)
{
    struct outputs *o = user;
    char hex[65], *path = lk_path_join(o->match->options->output, name, err);
    if (path == NULL)
        return LK_ENOMEM;
    lk_status status = lk_hash_file(path, hex, err);
    if (status == LK_OK && json_object_set_new(o->hashes, name, json_string(hex)) != 0)
        status = lk_fail(err, LK_ENOMEM, "%s: out of memory", path);
    free(path);
    return status;
}

lk_status lk_match_write(const struct lk_match *m, const struct lk_search_result *result, double start,
                         lk_error *err)
{
    struct outputs outputs = {m, json_object()};
    json_t *meta = NULL;
    char *path = lk_path_join(m->options->output, "meta.json", err);
    lk_status status = path != NULL ? remove_outputs(m, err) : LK_ENOMEM;
    if (status == LK_OK && m->options->n_shards == 0)
        status = lk_match_tables(m, result, note_output, &outputs, err);
    if (status == LK_OK)
        status = lk_match_meta_new(&meta, m, result, lk_clock_seconds() - start, outputs.hashes, err);
    if (status == LK_OK)
        status = lk_json_write(path, meta, err);
    if (status == LK_OK && m->options->n_shards == 0) /* else it is what is joined */
        lk_search_forget(m->options->output);
    json_decref(meta);
    json_decref(outputs.hashes);
    free(path);
    return status;
}

static lk_status name_input(const struct lk_match_set *s, struct lk_str *inputs, lk_error *err)
{
    return lk_str_addf(inputs, err, " / %s %s %s", s->embeddings_sha256, s->images_sha256,
                       s->faces.array != NULL ? s->faces.array : "");
}

lk_status lk_match_search_options(const struct lk_match *m, struct lk_str *inputs,
                                  struct lk_search_options *out, lk_error *err)
{
    *out = (struct lk_search_options){.dim = m->probes.faces.matrix.dim,
                                      .probes = m->probes.set,
                                      .k = m->options->k,
                                      .r = m->options->r,
                                      .min_score = m->options->min_score,
                                      .work_dir = m->options->output,
                                      .shard = {m->options->shard, m->options->n_shards},
                                      .cpu = m->options->cpu,
                                      .device = m->options->device};
    LK_TRY(name_input(&m->probes, inputs, err));
    for (int g = 0; g < LK_N_GALLERIES; g++) {
        LK_TRY(name_input(&m->galleries[g], inputs, err));
        out->galleries[g] = m->galleries[g].set;
        out->caches[g] = (struct lk_search_cache){m->galleries[g].codes_path, m->galleries[g].rows_sha256};
    }
    out->inputs = inputs->text;
    return LK_OK;
}

void lk_match_summarise(const struct lk_search_result *result, lk_match_summary *summary)
{
    const struct lk_search_gallery *train = &result->galleries[LK_GALLERY_TRAIN];
    summary->n_pairs = result->n_pairs;
    summary->best = train->pairs[0].score;
    summary->kth = train->pairs[train->n_pairs - 1].score;
}

static lk_status search(const struct lk_match *m, lk_match_summary *summary, double start, lk_error *err)
{
    struct lk_str inputs = LK_STR_INIT;
    struct lk_search_result result = {.exact_bin = 0};
    struct lk_search_options options;
    lk_status status = lk_match_search_options(m, &inputs, &options, err);
    if (status == LK_OK)
        status = lk_search_run(m->ctx, &options, &result, err);
    if (status == LK_OK)
        status = lk_match_write(m, &result, start, err);
    if (status == LK_OK)
        lk_match_summarise(&result, summary);
    lk_search_free(&result);
    lk_str_free(&inputs);
    return status;
}

/* With the output folder locked: nothing to do, refused, or done. */
static lk_status run_locked(const struct lk_match *m, lk_match_summary *summary, double start, lk_error *err)
{
    enum lk_match_state state = LK_MATCH_NONE;
    struct lk_str what = LK_STR_INIT;
    lk_status status = lk_match_meta_compare(m, m->options->output, &state, &what, summary, err);
    if (status == LK_EFORMAT && m->options->force) {
        state = LK_MATCH_OTHER; /* a damaged meta.json is what --force may replace */
        status = LK_OK;
    }
    if (status == LK_OK && state == LK_MATCH_OTHER && !m->options->force)
        status = lk_fail(
            err, LK_EINVAL,
            "%s: holds a finished match that differs in: %s; give another output, or --force to replace it",
            m->options->output, what.text);
    if (status == LK_OK && state == LK_MATCH_SAME)
        summary->up_to_date = 1;
    else if (status == LK_OK)
        status = search(m, summary, start, err);
    lk_str_free(&what);
    return status;
}

void lk_match_count(const struct lk_match *m, lk_match_summary *summary)
{
    const lk_match_options *o = m->options;
    struct lk_search_shard shard = {o->shard, o->n_shards};
    uint64_t rows[LK_N_GALLERIES], first;
    summary->n_probes = m->probes.set.rows;
    summary->n_excluded = m->probes.faces.checks.n_excluded;
    for (int g = 0; g < LK_N_GALLERIES; g++) {
        lk_search_shard_rows(&shard, m->galleries[g].set.rows, &first, &rows[g]);
        summary->n_excluded += m->galleries[g].faces.checks.n_excluded;
    }
    summary->n_references = rows[LK_GALLERY_TRAIN];
    summary->n_holdout = rows[LK_GALLERY_HOLDOUT];
    uint64_t pairs = summary->n_probes * summary->n_references;
    summary->n_closest = o->k < pairs ? o->k : pairs;
    summary->is_shard = o->n_shards > 0;
}

lk_status lk_match(lk_ctx *ctx, const lk_match_options *options, lk_match_summary *out, lk_error *err)
{
    double start = lk_clock_seconds();
    struct lk_match m = {.ctx = ctx, .options = options};
    lk_match_summary summary = {.n_probes = 0};
    int lock = -1;
    LK_TRY(check_options(options, err));
    lk_status status = lk_match_open_sets(&m, err);
    for (int g = 0; g < LK_N_GALLERIES && status == LK_OK && options->cache; g++)
        if (lk_match_has(&m, g))
            status = lk_match_set_keep(&m.galleries[g], lk_scan_choose(options->cpu)->name, err);
    if (status == LK_OK)
        status = lk_mkdirs(options->output, err);
    if (status == LK_OK)
        status = lk_lock_take(&lock, options->output, err);
    if (status == LK_OK)
        status = run_locked(&m, &summary, start, err);
    lk_lock_release(lock);
    lk_match_count(&m, &summary);
    lk_match_set_close(&m.probes);
    for (int g = 0; g < LK_N_GALLERIES; g++)
        lk_match_set_close(&m.galleries[g]);
    if (status == LK_OK)
        *out = summary;
    return status;
}
