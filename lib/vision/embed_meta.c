/* SPDX-License-Identifier: Apache-2.0 */
/* embed_meta.c - what meta.json of a FACES directory says: settings, counts, and where the time went. */
#include <string.h>
#include <unistd.h>

#include "formats/json.h"
#include "vision/embed.h"

enum { FACES_FORMAT = 1, N_STAGES = 7 };

static const char *const choice_names[] = {[LK_FACE_LARGEST] = "largest", [LK_FACE_CENTRAL] = "central"};

/* ---- stages -------------------------------------------------------------------------------------- */

static const char *const stage_names[N_STAGES] = {"read",  "decode", "detect", "align",
                                                  "embed", "strata", "write"};

/* Seconds of the stages in the order of their names. */
static void list_stages(const struct lk_embed_stages *s, double out[N_STAGES])
{
    const double seconds[N_STAGES] = {s->read,           s->embedder.decode, s->embedder.detect,
                                      s->embedder.align, s->embedder.embed,  s->embedder.strata,
                                      s->write};
    memcpy(out, seconds, sizeof seconds);
}

static const char *find_bottleneck(const double seconds[N_STAGES], double *sum, double *share)
{
    int most = 0;
    *sum = 0;
    for (int i = 0; i < N_STAGES; i++) {
        *sum += seconds[i];
        most = seconds[i] > seconds[most] ? i : most;
    }
    *share = *sum > 0 ? seconds[most] / *sum : 0;
    return *sum > 0 ? stage_names[most] : NULL;
}

const char *lk_embed_bottleneck(const struct lk_embed_stages *stages, double *share)
{
    double seconds[N_STAGES], sum;
    list_stages(stages, seconds);
    return find_bottleneck(seconds, &sum, share);
}

void lk_embed_put_shares(json_t *meta)
{
    double seconds[N_STAGES], sum, share;
    for (int i = 0; i < N_STAGES; i++)
        seconds[i] =
            json_number_value(json_object_get(json_object_get(meta, "stage_seconds"), stage_names[i]));
    const char *bottleneck = find_bottleneck(seconds, &sum, &share);
    json_t *shares = json_object();
    for (int i = 0; i < N_STAGES; i++)
        json_object_set_new(shares, stage_names[i], json_real(sum > 0 ? seconds[i] / sum : 0));
    json_object_set_new(meta, "stage_share", shares);
    json_object_set_new(meta, "bottleneck", bottleneck != NULL ? json_string(bottleneck) : json_null());
}

static json_t *stages_value(const struct lk_embed_facts *facts)
{
    double seconds[N_STAGES];
    list_stages(&facts->stages, seconds);
    json_t *value = json_object();
    json_object_set_new(value, "list", json_real(facts->list_seconds));
    for (int i = 0; i < N_STAGES; i++)
        json_object_set_new(value, stage_names[i], json_real(seconds[i]));
    return value;
}

/* ---- settings ------------------------------------------------------------------------------------ */

static json_t *part_value(const struct lk_embedder_part *part)
{
    if (part->name == NULL)
        return json_null();
    return json_pack("{s:s, s:s, s:o, s:o}", "name", part->name, "sha256", part->sha256, "licence",
                     part->licence != NULL ? json_string(part->licence) : json_null(), "descriptor",
                     part->descriptor != NULL ? lk_json_text(part->descriptor) : json_null());
}

static json_t *shard_value(const struct lk_embed_part *part)
{
    if (part->n_shards == 0)
        return json_null();
    return json_pack("{s:I, s:I, s:I, s:I, s:I}", "index", (json_int_t)part->shard, "count",
                     (json_int_t)part->n_shards, "first", (json_int_t)part->first, "images",
                     (json_int_t)lk_source_count(part->source), "identities",
                     (json_int_t)lk_source_identities(part->source));
}

json_t *lk_embed_settings(const struct lk_embedder_about *about, lk_face_choice choice,
                          const char *inputs_sha256, const struct lk_embed_part *part)
{
    return json_pack("{s:s, s:i, s:o, s:o, s:s, s:s, s:o, s:s, s:o, s:s*}", "kind", "faces", "format", FACES_FORMAT,
                     "model", part_value(&about->model), "detector", part_value(&about->detector),
                     "alignment", about->alignment, "face_choice", choice_names[choice], "age_model",
                     part_value(&about->age), "inputs_sha256", inputs_sha256, "shard", shard_value(part), "device",
                     about->device);
}

/* ---- meta.json ----------------------------------------------------------------------------------- */

json_t *lk_embed_counts_value(const struct lk_embed_counts *n, uint64_t identities)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "images", (json_int_t)n->images, "embedded",
                     (json_int_t)n->embedded, "no_face", (json_int_t)n->no_face, "unreadable",
                     (json_int_t)n->unreadable, "excluded", (json_int_t)n->excluded, "identities",
                     (json_int_t)identities);
}

json_t *lk_embed_meta(const struct lk_embed_facts *facts)
{
    static const char *const copied[] = {"detector",      "alignment",       "face_choice", "age_model",
                                         "inputs_sha256", "excluded_sha256", "shard", "device"};
    const lk_embed_options *o = facts->options;
    const struct lk_embedder_about *about = facts->about;
    char *here = getcwd(NULL, 0);
    json_t *inputs = json_array();
    for (size_t i = 0; i < o->n_inputs; i++)
        json_array_append_new(inputs, lk_json_text(o->inputs[i]));
    json_t *model = json_deep_copy(json_object_get(facts->settings, "model"));
    json_object_set_new(model, "dim", json_integer(about->dim));
    json_object_set_new(model, "thresholds",
                        about->thresholds != NULL ? json_deep_copy(about->thresholds) : json_array());
    json_t *meta = json_pack(
        "{s:s, s:i, s:s, s:o, s:o, s:o, s:o}", "kind", "faces", "format", FACES_FORMAT, "tool", lk_version(),
        "command", o->command != NULL ? lk_json_text(o->command) : json_null(), "working_directory",
        here != NULL ? lk_json_text(here) : json_null(), "inputs", inputs, "model", model);
    free(here);
    if (meta == NULL)
        return NULL;
    for (size_t i = 0; i < sizeof copied / sizeof *copied; i++)
        if (json_object_get(facts->settings, copied[i]) != NULL)
            json_object_set(meta, copied[i], json_object_get(facts->settings, copied[i]));
    json_object_set_new(meta, "inputs_format", lk_json_text_or_null(o->format));
    json_object_set_new(meta, "identity", json_string(o->identity != NULL ? o->identity : "auto"));
    json_object_set_new(meta, "labels", o->labels != NULL ? lk_json_text(o->labels) : json_null());
    json_object_set_new(meta, "counts", lk_embed_counts_value(&facts->counts, facts->identities));
    json_object_set_new(meta, "seconds", json_real(facts->seconds));
    json_object_set_new(meta, "stage_seconds", stages_value(facts));
    lk_embed_put_shares(meta);
    return meta;
}
