/* SPDX-License-Identifier: Apache-2.0 */
/* match_meta.c - meta.json of a MATCH directory: written, and compared with what is asked for. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "formats/json.h"
#include "search/match.h"

/* ---- writing -------------------------------------------------------------------------------------- */

static json_t *text_or_null(const char *text)
{
    return text != NULL && text[0] != '\0' ? lk_json_text(text) : json_null();
}

static json_t *describe_set(const struct lk_match_set *s, bool *failed)
{
    json_t *object = json_object(), *excluded = json_array();
    const struct lk_row_checks *checks = &s->faces.checks;
    for (uint64_t i = 0; i < checks->n_excluded; i++)
        if (json_array_append_new(excluded, json_integer(checks->excluded[i])) != 0)
            *failed = true;
    json_t *model = s->faces.meta != NULL ? json_object_get(s->faces.meta, "model") : NULL;
    lk_json_set(object, "path", lk_json_text(s->faces.path), failed);
    lk_json_set(object, "rows", json_integer((json_int_t)s->faces.matrix.rows), failed);
    lk_json_set(object, "array", text_or_null(s->faces.array), failed);
    lk_json_set(object, "excluded", excluded, failed);
    lk_json_set(object, "checks", lk_row_checks_json(checks), failed);
    lk_json_set(object, "dim", json_integer((json_int_t)s->faces.matrix.dim), failed);
    lk_json_set(object, "identities", json_integer((json_int_t)s->n_labels), failed);
    lk_json_set(object, "embeddings_sha256", json_string(s->embeddings_sha256), failed);
    lk_json_set(object, "images_sha256", text_or_null(s->images_sha256), failed);
    lk_json_set(object, "model", model != NULL ? json_incref(model) : json_null(), failed);
    return object;
}

static json_t *describe_sample(const struct lk_search_result *result, bool *failed)
{
    json_t *sample = json_object();
    lk_json_set(sample, "seed", json_integer((json_int_t)result->galleries[LK_GALLERY_TRAIN].sample_seed),
                failed);
    lk_json_set(sample, "size", json_integer((json_int_t)result->galleries[LK_GALLERY_TRAIN].sample_size),
                failed);
    lk_json_set(sample, "holdout_seed",
                json_integer((json_int_t)result->galleries[LK_GALLERY_HOLDOUT].sample_seed), failed);
    lk_json_set(sample, "holdout_size",
                json_integer((json_int_t)result->galleries[LK_GALLERY_HOLDOUT].sample_size), failed);
    return sample;
}

lk_status lk_match_meta_new(json_t **out, const struct lk_match *match, const struct lk_search_result *result,
                            double seconds, json_t *outputs, lk_error *err)
{
    const lk_match_options *o = match->options;
    const struct lk_search_gallery *train = &result->galleries[LK_GALLERY_TRAIN];
    char *here = getcwd(NULL, 0);
    json_t *meta = json_object();
    bool failed = here == NULL;
    lk_json_set(meta, "kind", json_string(o->n_shards > 0 ? "match_shard" : "match"), &failed);
    lk_json_set(meta, "format", json_integer(1), &failed);
    lk_json_set(meta, "tool", json_sprintf("likeness %s", lk_version()), &failed);
    lk_json_set(meta, "command", text_or_null(o->command), &failed);
    lk_json_set(meta, "working_directory", text_or_null(here), &failed);
    lk_json_set(meta, "probes", describe_set(&match->probes, &failed), &failed);
    lk_json_set(meta, "references", describe_set(&match->galleries[LK_GALLERY_TRAIN], &failed), &failed);
    lk_json_set(meta, "holdout",
                lk_match_has(match, LK_GALLERY_HOLDOUT)
                    ? describe_set(&match->galleries[LK_GALLERY_HOLDOUT], &failed)
                    : json_null(),
                &failed);
    if (o->n_shards > 0)
        lk_json_set(meta, "shard",
                    json_pack("{s:I, s:I}", "index", (json_int_t)o->shard, "count", (json_int_t)o->n_shards),
                    &failed);
    lk_json_set(meta, "k", json_integer((json_int_t)o->k), &failed);
    lk_json_set(meta, "r", json_integer((json_int_t)o->r), &failed);
    lk_json_set(meta, "min_score", isnan(o->min_score) ? json_null() : json_real(o->min_score), &failed);
    lk_json_set(meta, "pairs", json_integer((json_int_t)result->n_pairs), &failed);
    lk_json_set(meta, "best", json_real(train->pairs[0].score), &failed);
    lk_json_set(meta, "kth", json_real(train->pairs[train->n_pairs - 1].score), &failed);
    lk_json_set(meta, "sample", describe_sample(result, &failed), &failed);
    lk_json_set(meta, "exact_from", json_real((result->exact_bin - 200) / 200.0), &failed);
    lk_json_set(meta, "seconds", json_real(seconds), &failed);
    lk_json_set(meta, "outputs", json_incref(outputs), &failed);
    free(here);
    if (failed) {
        json_decref(meta);
        return lk_fail(err, LK_ENOMEM, "%s/meta.json: out of memory", o->output);
    }
    *out = meta;
    return LK_OK;
}

/* ---- comparing ------------------------------------------------------------------------------------ */

struct comparison {
    const char *where; /* the file, for messages */
    struct lk_str *what;
    bool other, moved;
};

static lk_status differs(struct comparison *c, lk_error *err, const char *thing)
{
    c->other = true;
    return lk_str_addf(c->what, err, "%s%s", c->what->len > 0 ? ", " : "", thing);
}

static lk_status compare_set(struct comparison *c, const json_t *meta, const struct lk_match_set *s,
                             lk_error *err)
{
    const json_t *object = json_object_get(meta, s->role);
    bool had = object != NULL && !json_is_null(object), has = s->set.rows > 0;
    char thing[80];
    if (had != has)
        return differs(c, err,
                       had ? "a hold-out (there, not asked for)" : "a hold-out (asked for, not there)");
    if (!has)
        return LK_OK;
    const char *embeddings = "", *images = "", *path = "", *directory = "", *array = "";
    LK_TRY(lk_json_string(object, "embeddings_sha256", 1, &embeddings, c->where, err));
    LK_TRY(lk_json_string(object, "images_sha256", 0, &images, c->where, err));
    LK_TRY(lk_json_string(object, "path", 1, &path, c->where, err));
    LK_TRY(lk_json_string(object, "array", 0, &array, c->where, err));
    LK_TRY(lk_json_string(meta, "working_directory", 1, &directory, c->where, err));
    if (strcmp(embeddings, s->embeddings_sha256) != 0 ||
        strcmp(array, s->faces.array != NULL ? s->faces.array : "") != 0)
        snprintf(thing, sizeof thing, "embeddings of %s", s->role);
    else if (strcmp(images, s->images_sha256) != 0)
        snprintf(thing, sizeof thing, "list of images of %s", s->role);
    else
        thing[0] = '\0';
    if (thing[0] != '\0')
        LK_TRY(differs(c, err, thing));
    char *here = getcwd(NULL, 0);
    if (strcmp(path, s->faces.path) != 0 ||
        (path[0] != '/' && (here == NULL || strcmp(here, directory) != 0)))
        c->moved = true;
    free(here);
    return LK_OK;
}

static lk_status compare_number(struct comparison *c, const json_t *meta, const char *key, uint64_t asked,
                                lk_error *err)
{
    int64_t found = -1;
    char text[80];
    LK_TRY(lk_json_integer(meta, key, 1, &found, c->where, err));
    if ((uint64_t)found == asked)
        return LK_OK;
    snprintf(text, sizeof text, "%s (%" PRId64 " there, %" PRIu64 " asked for)", key, found, asked);
    return differs(c, err, text);
}

static lk_status compare_shard(struct comparison *c, const json_t *meta, const lk_match_options *o,
                               lk_error *err)
{
    int64_t index = 0, count = 0;
    char text[120], there[60] = "everything", asked[60] = "everything";
    const json_t *shard = json_object_get(meta, "shard");
    if (shard != NULL) {
        LK_TRY(lk_json_integer(shard, "index", 1, &index, c->where, err));
        LK_TRY(lk_json_integer(shard, "count", 1, &count, c->where, err));
        snprintf(there, sizeof there, "shard %" PRId64 "/%" PRId64, index, count);
    }
    if ((uint64_t)count == o->n_shards && (count == 0 || (uint64_t)index == o->shard))
        return LK_OK;
    if (o->n_shards > 0)
        snprintf(asked, sizeof asked, "shard %" PRIu64 "/%" PRIu64, o->shard, o->n_shards);
    snprintf(text, sizeof text, "part (%s there, %s asked for)", there, asked);
    return differs(c, err, text);
}

static lk_status compare_outputs(struct comparison *c, const json_t *meta, const char *dir, lk_error *err)
{
    const char *name;
    json_t *hash;
    json_object_foreach(json_object_get(meta, "outputs"), name, hash)
    {
        char *path = lk_path_join(dir, name, err);
        if (path == NULL)
            return LK_ENOMEM;
        c->moved |= !lk_path_exists(path);
        free(path);
    }
    return LK_OK;
}

static lk_status compare_all(struct comparison *c, const json_t *meta, const struct lk_match *match,
                             const char *dir, lk_error *err)
{
    const lk_match_options *o = match->options;
    LK_TRY(compare_set(c, meta, &match->probes, err));
    LK_TRY(compare_set(c, meta, &match->galleries[LK_GALLERY_TRAIN], err));
    LK_TRY(compare_set(c, meta, &match->galleries[LK_GALLERY_HOLDOUT], err));
    LK_TRY(compare_number(c, meta, "k", o->k, err));
    LK_TRY(compare_number(c, meta, "r", o->r, err));
    LK_TRY(compare_shard(c, meta, o, err));
    double min_score = NAN;
    LK_TRY(lk_json_real(meta, "min_score", 0, &min_score, c->where, err));
    if (!(min_score == o->min_score || (isnan(min_score) && isnan(o->min_score))))
        LK_TRY(differs(c, err, "min-score"));
    return compare_outputs(c, meta, dir, err);
}

static lk_status read_summary(const json_t *meta, const char *where, lk_match_summary *summary, lk_error *err)
{
    int64_t pairs = 0;
    double best = NAN, kth = NAN;
    LK_TRY(lk_json_integer(meta, "pairs", 1, &pairs, where, err));
    LK_TRY(lk_json_real(meta, "best", 1, &best, where, err));
    LK_TRY(lk_json_real(meta, "kth", 1, &kth, where, err));
    summary->n_pairs = (uint64_t)pairs;
    summary->best = (float)best;
    summary->kth = (float)kth;
    return LK_OK;
}

static lk_status compare(const struct lk_match *match, const char *dir, const char *path,
                         enum lk_match_state *state, struct lk_str *what, lk_match_summary *summary,
                         lk_error *err)
{
    json_t *meta = NULL;
    const char *kind = "";
    struct comparison c = {.where = path, .what = what};
    LK_TRY(lk_json_read(path, &meta, err));
    lk_status status = lk_json_string(meta, "kind", 1, &kind, path, err);
    if (status == LK_OK && strcmp(kind, "match") != 0 && strcmp(kind, "match_shard") != 0)
        status = lk_fail(
            err, LK_EINVAL,
            "%s: belongs to something of kind \"%.40s\"; expected a new folder or one that match made", path,
            kind);
    if (status == LK_OK)
        status = compare_all(&c, meta, match, dir, err);
    if (status == LK_OK && !c.other)
        status = read_summary(meta, path, summary, err);
    if (status == LK_OK)
        *state = c.other ? LK_MATCH_OTHER : c.moved ? LK_MATCH_MOVED : LK_MATCH_SAME;
    json_decref(meta);
    return status;
}

lk_status lk_match_meta_compare(const struct lk_match *match, const char *dir, enum lk_match_state *state,
                                struct lk_str *what, lk_match_summary *summary, lk_error *err)
{
    *state = LK_MATCH_NONE;
    char *path = lk_path_join(dir, "meta.json", err);
    if (path == NULL)
        return LK_ENOMEM;
    lk_status status = lk_path_exists(path) ? compare(match, dir, path, state, what, summary, err) : LK_OK;
    free(path);
    return status;
}
