/* SPDX-License-Identifier: Apache-2.0 */
/* embed.c - lk_embed: every picture of the inputs through an embedder, in parallel, written in order. */
#include "vision/embed.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/pool.h"
#include "formats/json.h"

enum { SLOTS_PER_THREAD = 4, WARNINGS_PER_KIND = 10, FACES_FORMAT = 1 };

static const char *const choice_names[] = {[LK_FACE_LARGEST] = "largest", [LK_FACE_CENTRAL] = "central"};

struct worker {
    void *handle;                       /* opened by the thread that first needs it */
    double read_seconds, embed_seconds; /* spent by this worker */
    char apart[64];                     /* workers write often: no two on a cache line */
};

/* One picture in flight. The strings and floats are the slot's own. */
struct slot {
    struct lk_face_image image;
    float *vector;
};

struct run {
    lk_ctx *ctx;
    const lk_embed_options *options;
    const struct lk_embed_engine *engine;
    struct lk_source source;
    struct lk_embed_job job;
    struct lk_embedder_about about;
    json_t *settings;
    struct worker *workers;
    struct slot *slots;
    size_t n_slots;
    float *vectors;
    uint64_t resumed;
    uint64_t warned[LK_FACE_UNREADABLE + 1]; /* by enum lk_face_status */
    double started, listed;
};

/* ---- the pipeline: fill in parallel, sink in order --------------------------------------------- */

/* Messages of the reading functions start with the file's name, which has a column of its own. */
static const char *without_path(const char *text, const char *path)
{
    size_t len = strlen(path);
    return strncmp(text, path, len) == 0 && strncmp(text + len, ": ", 2) == 0 ? text + len + 2 : text;
}

static lk_status fill(void *arg, size_t index, int worker_index, void *slot_arg, lk_error *err)
{
    struct run *run = arg;
    struct slot *slot = slot_arg;
    struct worker *worker = &run->workers[worker_index];
    slot->image = (struct lk_face_image){.row = -1, .norm = NAN};
    if (worker->handle == NULL)
        LK_TRY(run->engine->open_like(&worker->handle, run->workers[0].handle, err));
    uint8_t *bytes = NULL;
    size_t len = 0;
    lk_error reason;
    double start = lk_clock_seconds();
    lk_status status = lk_source_read(&run->source, index, &bytes, &len, &reason);
    double read = lk_clock_seconds();
    worker->read_seconds += read - start;
    if (status == LK_EIO || status == LK_EFORMAT) { /* this picture's own trouble, not the run's */
        slot->image.status = LK_FACE_UNREADABLE;
        slot->image.message = lk_strdup(without_path(reason.text, run->source.items[index].path), err);
        return slot->image.message != NULL ? LK_OK : LK_ENOMEM;
    }
    if (status != LK_OK) {
        if (err != NULL)
            *err = reason;
        return status;
    }
    status =
        run->engine->embed(worker->handle, bytes, len, run->options->choice, slot->vector, &slot->image, err);
    worker->embed_seconds += lk_clock_seconds() - read;
    free(bytes);
    if (status != LK_OK)
        lk_error_prefix(err, "%s", run->source.items[index].path);
    return status;
}

static void warn(struct run *run, const struct lk_face_image *image)
{
    if (image->status == LK_FACE_EMBEDDED || ++run->warned[image->status] > WARNINGS_PER_KIND)
        return;
    if (image->status == LK_FACE_UNREADABLE)
        lk_ctx_message(run->ctx, LK_LEVEL_WARNING, "%s: unreadable: %s", image->path,
                       image->message != NULL ? image->message : "unknown reason");
    else
        lk_ctx_message(run->ctx, LK_LEVEL_WARNING, "%s: no face found; listed, not embedded", image->path);
}

static void warn_of_the_rest(struct run *run)
{
    static const char *const kinds[] = {
        [LK_FACE_NONE] = "without a face", [LK_FACE_UNREADABLE] = "unreadable"};
    for (int kind = LK_FACE_NONE; kind <= LK_FACE_UNREADABLE; kind++)
        if (run->warned[kind] > WARNINGS_PER_KIND)
            lk_ctx_message(run->ctx, LK_LEVEL_WARNING, "and %" PRIu64 " more images %s: see images.csv",
                           run->warned[kind] - WARNINGS_PER_KIND, kinds[kind]);
}

static lk_status sink(void *arg, size_t index, void *slot_arg, lk_error *err)
{
    struct run *run = arg;
    struct slot *slot = slot_arg;
    struct lk_face_image image = slot->image;
    image.path = run->source.items[index].path;
    image.identity = run->source.items[index].identity;
    lk_status status = lk_embed_job_add(&run->job, &image, slot->vector, err);
    if (status == LK_OK)
        warn(run, &image);
    free(slot->image.message);
    slot->image.message = NULL;
    const lk_progress progress = {
        .stage = "embed", .unit = "images", .done = index + 1, .total = run->source.n, .resumed = run->resumed};
    lk_ctx_progress(run->ctx, &progress);
    return status;
}

/* ---- settings and meta.json -------------------------------------------------------------------- */

static json_t *text_or_null(const char *text)
{
    return text != NULL ? json_string(text) : json_null();
}

static json_t *part_value(const struct lk_embedder_part *part)
{
    if (part->name == NULL)
        return json_null();
    return json_pack("{s:s, s:s, s:o}", "name", part->name, "sha256", part->sha256, "licence",
                     text_or_null(part->licence));
}

static lk_status make_settings(struct run *run, lk_error *err)
{
    char inputs[65];
    LK_TRY(lk_embed_inputs_hash(&run->source, inputs, err));
    run->settings = json_pack("{s:s, s:i, s:o, s:o, s:s, s:s, s:s}", "kind", "faces", "format", FACES_FORMAT,
                              "model", part_value(&run->about.model), "detector",
                              part_value(&run->about.detector), "alignment", run->about.alignment,
                              "face_choice", choice_names[run->options->choice], "inputs_sha256", inputs);
    LK_NEED(run->settings != NULL, err, LK_ENOMEM, "the settings cannot be written as JSON");
    return LK_OK;
}

static json_t *stage_seconds(const struct run *run)
{
    double read = 0, embed = 0;
    for (int i = 0; i < lk_ctx_threads(run->ctx); i++) {
        read += run->workers[i].read_seconds;
        embed += run->workers[i].embed_seconds;
    }
    return json_pack("{s:f, s:f, s:f}", "list", run->listed - run->started, "read", read, "embed", embed);
}

/* meta.json but for the hashes of the tables. */
static json_t *make_meta(const struct run *run)
{
    const lk_embed_options *o = run->options;
    const struct lk_embed_counts *n = &run->job.done;
    char *here = getcwd(NULL, 0);
    json_t *inputs = json_array();
    for (size_t i = 0; i < o->n_inputs; i++)
        json_array_append_new(inputs, lk_json_text(o->inputs[i]));
    json_t *model = json_deep_copy(json_object_get(run->settings, "model"));
    json_object_set_new(model, "dim", json_integer(run->about.dim));
    json_object_set_new(model, "thresholds",
                        run->about.thresholds != NULL ? json_deep_copy(run->about.thresholds) : json_array());
    json_t *counts = json_pack("{s:I, s:I, s:I, s:I, s:I}", "images", (json_int_t)n->images, "embedded",
                               (json_int_t)n->embedded, "no_face", (json_int_t)n->no_face, "unreadable",
                               (json_int_t)n->unreadable, "identities", (json_int_t)run->source.n_identities);
    json_t *meta = json_pack("{s:s, s:i, s:s, s:o, s:o, s:o, s:o, s:O, s:O, s:O, s:O, s:o, s:f, s:o}", "kind",
                             "faces", "format", FACES_FORMAT, "tool", lk_version(), "command",
                             o->command != NULL ? lk_json_text(o->command) : json_null(), "working_directory",
                             here != NULL ? lk_json_text(here) : json_null(), "inputs", inputs, "model",
                             model, "detector", json_object_get(run->settings, "detector"), "alignment",
                             json_object_get(run->settings, "alignment"), "face_choice",
                             json_object_get(run->settings, "face_choice"), "inputs_sha256",
                             json_object_get(run->settings, "inputs_sha256"), "counts", counts, "seconds",
                             lk_clock_seconds() - run->started, "stage_seconds", stage_seconds(run));
    free(here);
    return meta;
}

/* ---- the job ----------------------------------------------------------------------------------- */

static lk_status make_slots(struct run *run, lk_error *err)
{
    size_t dim = (size_t)run->about.dim;
    run->n_slots = (size_t)lk_ctx_threads(run->ctx) * SLOTS_PER_THREAD;
    run->slots = lk_calloc(run->n_slots, sizeof *run->slots, err);
    run->vectors = lk_calloc(run->n_slots, dim * sizeof *run->vectors, err);
    if (run->slots == NULL || run->vectors == NULL)
        return LK_ENOMEM;
    for (size_t i = 0; i < run->n_slots; i++)
        run->slots[i].vector = run->vectors + i * dim;
    return LK_OK;
}

/* Embeds what is still missing. */
static lk_status embed_rest(struct run *run, lk_error *err)
{
    size_t n = run->source.n;
    run->resumed = run->job.done.images;
    LK_TRY(make_slots(run, err));
    if (run->resumed == n)
        return LK_OK;
    lk_status status = lk_pool_ordered(run->ctx, run->resumed, n, run->slots, sizeof *run->slots,
                                       run->n_slots, fill, sink, run, err);
    uint64_t done = run->job.done.images;
    if (status == LK_ECANCELED)
        return lk_fail(err, LK_ECANCELED,
                       "after %" PRIu64 " of %zu images, which are kept in %s; run the same command "
                       "again to go on",
                       done, n, run->options->output);
    if (status != LK_OK)
        lk_error_prefix(err, "after %" PRIu64 " of %zu images, which are kept", done, n);
    return status;
}

/* A result without a single vector helps nobody, and mostly means that an option is wrong. */
static lk_status check_any(const struct run *run, lk_error *err)
{
    const struct lk_embed_counts *n = &run->job.done;
    if (n->embedded > 0)
        return LK_OK;
    const char *first = run->options->inputs[0];
    const char *more = run->options->n_inputs > 1 ? " and the other inputs" : "";
    LK_NEED(n->no_face > 0, err, LK_EFORMAT,
            "%s%s: none of %" PRIu64 " images could be read; the first reasons are "
            "above, all in %s/images.part.csv",
            first, more, n->images, run->options->output);
    return lk_fail(err, LK_EFORMAT,
                   "%s%s: no face in any of %" PRIu64 " images (%" PRIu64 " unreadable); if they are "
                   "face crops on the model's template already, use --aligned",
                   first, more, n->images, n->unreadable);
}

static void summarise(const struct run *run, bool up_to_date, lk_embed_summary *out)
{
    const struct lk_embed_counts *n = &run->job.done;
    *out = (lk_embed_summary){.n_images = n->images, .n_embedded = n->embedded, .n_no_face = n->no_face,
                              .n_unreadable = n->unreadable, .n_identities = run->source.n_identities,
                              .n_resumed = up_to_date ? n->images : run->resumed, .dim = run->about.dim,
                              .up_to_date = up_to_date};
}

static lk_status do_run(struct run *run, lk_embed_summary *out, lk_error *err)
{
    const lk_embed_options *o = run->options;
    run->started = lk_clock_seconds();
    LK_TRY(lk_source_list(&run->source, o->inputs, o->n_inputs, err));
    run->listed = lk_clock_seconds();
    run->workers = lk_calloc((size_t)lk_ctx_threads(run->ctx), sizeof *run->workers, err);
    if (run->workers == NULL)
        return LK_ENOMEM;
    LK_TRY(run->engine->open(&run->workers[0].handle, run->engine->arg, run->ctx, o, err));
    run->engine->about(run->workers[0].handle, &run->about);
    LK_TRY(make_settings(run, err));
    bool up_to_date;
    LK_TRY(lk_embed_job_open(&run->job, run->ctx, o->output, o->force, run->settings, &run->source,
                             (size_t)run->about.dim, &up_to_date, err));
    if (!up_to_date) {
        lk_status status = embed_rest(run, err);
        warn_of_the_rest(run);
        LK_TRY(status);
        LK_TRY(check_any(run, err));
        json_t *meta = make_meta(run);
        LK_NEED(meta != NULL, err, LK_ENOMEM, "%s: meta.json cannot be made", o->output);
        status = lk_embed_job_finish(&run->job, meta, err);
        json_decref(meta);
        LK_TRY(status);
    }
    summarise(run, up_to_date, out);
    return LK_OK;
}

lk_status lk_embed_with(lk_ctx *ctx, const lk_embed_options *options, const struct lk_embed_engine *engine,
                        lk_embed_summary *out, lk_error *err)
{
    LK_NEED(options->n_inputs > 0 && options->output != NULL && options->output[0] != '\0', err, LK_EINVAL,
            "embed: expected at least one input and an output folder");
    LK_NEED(options->choice == LK_FACE_LARGEST || options->choice == LK_FACE_CENTRAL, err, LK_EINVAL,
            "embed: choice %d, expected largest or central", (int)options->choice);
    struct run run = {.ctx = ctx, .options = options, .engine = engine, .job = {.lock = -1}};
    lk_status status = do_run(&run, out, err);
    lk_embed_job_close(&run.job);
    for (size_t i = 0; run.slots != NULL && i < run.n_slots; i++)
        free(run.slots[i].image.message);
    for (int i = 0; run.workers != NULL && i < lk_ctx_threads(ctx); i++)
        if (run.workers[i].handle != NULL)
            engine->close(run.workers[i].handle);
    free(run.workers);
    free(run.slots);
    free(run.vectors);
    json_decref(run.settings);
    lk_source_free(&run.source);
    return status;
}

/* ---- the real engine --------------------------------------------------------------------------- */

static lk_status open_embedder(void **worker, void *arg, lk_ctx *ctx, const lk_embed_options *options,
                               lk_error *err)
{
    (void)arg;
    lk_embedder_options o;
    lk_embedder_options_init(&o);
    o.model = options->model;
    o.detector = options->detector;
    o.aligned = options->aligned;
    lk_embedder *embedder;
    LK_TRY(lk_embedder_open(&embedder, ctx, &o, err));
    *worker = embedder;
    return LK_OK;
}

static lk_status open_embedder_like(void **worker, const void *first, lk_error *err)
{
    lk_embedder *embedder;
    LK_TRY(lk_embedder_open_like(&embedder, first, err));
    *worker = embedder;
    return LK_OK;
}

static lk_status embed_bytes(void *worker, const uint8_t *bytes, size_t len, lk_face_choice choice,
                             float *out, struct lk_face_image *info, lk_error *err)
{
    return lk_embedder_bytes(worker, bytes, len, choice, out, info, err);
}

static void about_embedder(const void *worker, struct lk_embedder_about *out)
{
    lk_embedder_about(worker, out);
}

static void close_embedder(void *worker)
{
    lk_embedder_free(worker);
}

void lk_embed_options_init(lk_embed_options *options)
{
    memset(options, 0, sizeof *options);
    options->choice =
        LK_FACE_CENTRAL; /* datasets put their person in the middle; bystanders stand larger at the edge */
}

lk_status lk_embed(lk_ctx *ctx, const lk_embed_options *options, lk_embed_summary *out, lk_error *err)
{
    static const struct lk_embed_engine engine = {.open = open_embedder, .open_like = open_embedder_like,
                                                  .embed = embed_bytes, .about = about_embedder,
                                                  .close = close_embedder};
    return lk_embed_with(ctx, options, &engine, out, err);
}
