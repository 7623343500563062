/* SPDX-License-Identifier: Apache-2.0 */
/* match_merge.c - lk_match_merge: the shards of one comparison become the MATCH directory of all of it. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "formats/json.h"
#include "search/match.h"

void lk_match_merge_options_init(lk_match_merge_options *options)
{
    *options = (lk_match_merge_options){.n_shards = 0};
}

struct merge {
    lk_ctx *ctx;
    const lk_match_merge_options *options;
    lk_match_options as; /* what all shards were asked for */
    char *probes, *references, *holdout;
    const char **dirs; /* of each shard, by its number; borrowed */
    struct lk_match match;
};

/* ---- what the shards are ------------------------------------------------------------------------- */

static lk_status read_meta(const char *dir, json_t **meta, char **where, lk_error *err)
{
    if ((*where = lk_path_join(dir, "meta.json", err)) == NULL)
        return LK_ENOMEM;
    LK_NEED(lk_path_exists(*where), err, LK_EINVAL,
            "%s: holds no finished shard (no meta.json); is its run done?", dir);
    LK_TRY(lk_json_read(*where, meta, err));
    const char *kind = NULL;
    LK_TRY(lk_json_string(*meta, "kind", 1, &kind, *where, err));
    LK_NEED(strcmp(kind, "match_shard") == 0, err, LK_EINVAL,
            "%s: is of kind \"%.40s\"; expected a folder that `likeness match --shard I/N` made", dir, kind);
    return LK_OK;
}

static lk_status place_shard(struct merge *m, const char *dir, const json_t *meta, const char *where,
                             lk_error *err)
{
    int64_t index = 0, count = 0;
    const json_t *shard = json_object_get(meta, "shard");
    LK_TRY(lk_json_integer(shard, "index", 1, &index, where, err));
    LK_TRY(lk_json_integer(shard, "count", 1, &count, where, err));
    LK_NEED(index >= 1 && index <= count && count <= LK_MATCH_MAX_SHARDS, err, LK_EFORMAT,
            "%s: shard %" PRId64 " of %" PRId64, where, index, count);
    if (m->dirs == NULL) {
        m->as.n_shards = (uint64_t)count;
        if ((m->dirs = lk_calloc((size_t)count, sizeof *m->dirs, err)) == NULL)
            return LK_ENOMEM;
    }
    LK_NEED((uint64_t)count == m->as.n_shards, err, LK_EINVAL,
            "%s: is shard %" PRId64 " of %" PRId64 ", %s is one of %" PRIu64 "; give shards of one division",
            dir, index, count, m->options->shards[0], m->as.n_shards);
    LK_NEED(m->dirs[index - 1] == NULL, err, LK_EINVAL,
            "%s and %s: both are shard %" PRId64 "/%" PRId64 "; give each once", m->dirs[index - 1], dir,
            index, count);
    m->dirs[index - 1] = dir;
    return LK_OK;
}

/* Path of a set as the shard was given it, from where the shard was made; NULL for a set that is not there. */
static lk_status get_path(const json_t *meta, const char *role, char **out, const char *where, lk_error *err)
{
    const json_t *set = json_object_get(meta, role);
    const char *path = NULL, *directory = NULL;
    if (set == NULL || json_is_null(set))
        return LK_OK;
    LK_TRY(lk_json_string(set, "path", 1, &path, where, err));
    LK_TRY(lk_json_string(meta, "working_directory", 1, &directory, where, err));
    char *here = getcwd(NULL, 0);
    bool as_it_is = path[0] == '/' || (here != NULL && strcmp(here, directory) == 0);
    free(here);
    *out = as_it_is ? lk_strdup(path, err) : lk_path_join(directory, path, err);
    return *out != NULL ? LK_OK : LK_ENOMEM;
}

static lk_status get_settings(struct merge *m, const json_t *meta, const char *where, lk_error *err)
{
    int64_t k = 0, r = 0;
    LK_TRY(get_path(meta, "probes", &m->probes, where, err));
    LK_TRY(get_path(meta, "references", &m->references, where, err));
    LK_TRY(get_path(meta, "holdout", &m->holdout, where, err));
    LK_TRY(lk_json_integer(meta, "k", 1, &k, where, err));
    LK_TRY(lk_json_integer(meta, "r", 1, &r, where, err));
    m->as.min_score = NAN;
    LK_TRY(lk_json_real(meta, "min_score", 0, &m->as.min_score, where, err));
    LK_NEED(k >= 1 && k <= LK_SEARCH_MAX_K && r >= 1 && r <= LK_SEARCH_MAX_R && m->probes != NULL &&
                m->references != NULL,
            err, LK_EFORMAT, "%s: does not say what was compared, and how", where);
    m->as.k = (uint64_t)k;
    m->as.r = (uint64_t)r;
    m->as.probes = m->probes;
    m->as.references = m->references;
    m->as.holdout = m->holdout;
    return LK_OK;
}

static lk_status read_shard(struct merge *m, size_t i, lk_error *err)
{
    const char *dir = m->options->shards[i];
    json_t *meta = NULL;
    char *where = NULL;
    lk_status status = read_meta(dir, &meta, &where, err);
    if (status == LK_OK)
        status = place_shard(m, dir, meta, where, err);
    if (status == LK_OK && i == 0)
        status = get_settings(m, meta, where, err);
    json_decref(meta);
    free(where);
    return status;
}

static lk_status read_shards(struct merge *m, lk_error *err)
{
    for (size_t i = 0; i < m->options->n_shards; i++)
        LK_TRY(read_shard(m, i, err));
    for (uint64_t i = 0; i < m->as.n_shards; i++)
        LK_NEED(m->dirs[i] != NULL, err, LK_EINVAL,
                "shard %" PRIu64 "/%" PRIu64 " is missing: %zu of %" PRIu64 " shards were given", i + 1,
                m->as.n_shards, m->options->n_shards, m->as.n_shards);
    return LK_OK;
}

/* Every shard compared the sets that lie there now, as the first did. */
static lk_status check_shards(struct merge *m, lk_error *err)
{
    lk_match_summary ignored;
    lk_match_options as = m->as;
    struct lk_match match = m->match;
    match.options = &as;
    for (uint64_t i = 0; i < m->as.n_shards; i++) {
        enum lk_match_state state = LK_MATCH_NONE;
        struct lk_str what = LK_STR_INIT;
        as.shard = i + 1;
        lk_status status = lk_match_meta_compare(&match, m->dirs[i], &state, &what, &ignored, err);
        if (status == LK_OK && state == LK_MATCH_OTHER)
            status = lk_fail(err, LK_EINVAL,
                             "%s: does not belong to what %s compared, as it lies there now; it differs in: %s",
                             m->dirs[i], m->options->shards[0], what.text);
        lk_str_free(&what);
        LK_TRY(status);
    }
    return LK_OK;
}

/* ---- all ------------------------------------------------------------------------------------------ */

static lk_status join(struct merge *m, lk_match_summary *summary, double start, lk_error *err)
{
    struct lk_str inputs = LK_STR_INIT;
    struct lk_search_result result = {.exact_bin = 0};
    struct lk_search_options options;
    lk_status status = lk_match_search_options(&m->match, &inputs, &options, err);
    if (status == LK_OK)
        status = lk_search_join(m->ctx, &options, m->dirs, (size_t)m->as.n_shards, &result, err);
    if (status == LK_OK)
        status = lk_match_write(&m->match, &result, start, err);
    if (status == LK_OK)
        lk_match_summarise(&result, summary);
    lk_search_free(&result);
    lk_str_free(&inputs);
    return status;
}

static lk_status run_locked(struct merge *m, lk_match_summary *summary, double start, lk_error *err)
{
    enum lk_match_state state = LK_MATCH_NONE;
    struct lk_str what = LK_STR_INIT;
    lk_match_options whole = m->as;
    whole.n_shards = 0;
    whole.output = m->options->output;
    whole.command = m->options->command;
    m->match.options = &whole;
    lk_status status = lk_match_meta_compare(&m->match, whole.output, &state, &what, summary, err);
    if (status == LK_OK && state == LK_MATCH_OTHER && !m->options->force)
        status = lk_fail(err, LK_EINVAL,
                         "%s: holds a finished match that differs in: %s; give another output, or --force to "
                         "replace it",
                         whole.output, what.text);
    if (status == LK_OK && state == LK_MATCH_SAME)
        summary->up_to_date = 1;
    else if (status == LK_OK)
        status = join(m, summary, start, err);
    lk_match_count(&m->match, summary);
    lk_str_free(&what);
    m->match.options = &m->as;
    return status;
}

static lk_status merge(struct merge *m, lk_match_summary *summary, lk_error *err)
{
    double start = lk_clock_seconds();
    int lock = -1;
    LK_TRY(read_shards(m, err));
    LK_TRY(lk_match_open_sets(&m->match, err));
    LK_TRY(check_shards(m, err));
    LK_TRY(lk_mkdirs(m->options->output, err));
    LK_TRY(lk_lock_take(&lock, m->options->output, err));
    lk_status status = run_locked(m, summary, start, err);
    lk_lock_release(lock);
    return status;
}

lk_status lk_match_merge(lk_ctx *ctx, const lk_match_merge_options *options, lk_match_summary *out,
                         lk_error *err)
{
    LK_NEED(options->n_shards > 0 && options->output != NULL, err, LK_EINVAL,
            "merge needs the folders of all shards and an output folder");
    struct merge m = {.ctx = ctx, .options = options};
    lk_match_summary summary = {.n_probes = 0};
    lk_match_options_init(&m.as);
    m.match = (struct lk_match){.ctx = ctx, .options = &m.as};
    lk_status status = merge(&m, &summary, err);
    lk_match_set_close(&m.match.probes);
    for (int g = 0; g < LK_N_GALLERIES; g++)
        lk_match_set_close(&m.match.galleries[g]);
    free(m.probes);
    free(m.references);
    free(m.holdout);
    free(m.dirs);
    if (status == LK_OK)
        *out = summary;
    return status;
}
