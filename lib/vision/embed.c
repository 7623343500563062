/* SPDX-License-Identifier: Apache-2.0 */
/* embed.c - the embed job: every picture of the inputs through an engine, in parallel, written in order. */
#include "vision/embed.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/pool.h"
#include "formats/exclude.h"
#include "formats/json.h"

/* Asking an engine for groups costs as much as about 14 pictures and saves a seventh of each. */
enum { GROUPS_PER_THREAD = 4, GATHER_FROM = 100, WARNINGS_PER_KIND = 10 };

struct worker {
    void *handle;        /* opened by the thread that first needs it */
    double read_seconds; /* spent by this worker */
    char apart[64];      /* workers write often: no two on a cache line */
};

/* One picture in flight. The message and the floats are its own. */
struct picture {
    struct lk_face_image image;
    float *vector;
};

struct run {
    lk_ctx *ctx;
    const lk_embed_options *options;
    const struct lk_embed_engine *engine;
    struct lk_source *source;
    struct lk_embed_part part;   /* of the source */
    uint64_t identities;         /* in it */
    struct lk_str path;          /* of the row that sink is at */
    char *groups[LK_MAX_GROUPS]; /* of it */
    struct lk_exclude exclude;
    const char **excluded; /* by row: why it is left out, or NULL; NULL without a list */
    struct lk_embed_job job;
    struct lk_embedder_about about;
    json_t *settings;
    struct worker *workers;
    size_t group; /* pictures in one: they lie behind one another in the set, and in a slot of the pipeline */
    size_t n_slots;
    struct picture *pictures; /* n_slots groups */
    float *vectors;
    uint64_t resumed;
    uint64_t warned[LK_N_FACE_STATUS]; /* by enum lk_face_status */
    double started, listed, write_seconds;
    struct lk_embed_stages stages;
};

/* ---- the pipeline: fill in parallel, sink in order --------------------------------------------- */

/* Messages of the reading functions start with the file's name, which has a column of its own. */
static const char *without_path(const char *text, const char *path)
{
    size_t len = strlen(path);
    if (text == NULL)
        return NULL;
    return strncmp(text, path, len) == 0 && strncmp(text + len, ": ", 2) == 0 ? text + len + 2 : text;
}

static lk_status take(struct run *run, size_t index, struct worker *worker, struct picture *picture,
                      lk_error *err)
{
    struct lk_face_image *image = &picture->image;
    *image = (struct lk_face_image)LK_FACE_IMAGE_INIT;
    if (run->excluded != NULL && run->excluded[index] != NULL) {
        image->status = LK_FACE_EXCLUDED;
        image->message = lk_strdup(run->excluded[index], err);
        return image->message != NULL ? LK_OK : LK_ENOMEM;
    }
    if (worker->handle == NULL)
        LK_TRY(run->engine->open_like(&worker->handle, run->workers[0].handle, err));
    uint8_t *bytes = NULL;
    size_t len = 0;
    lk_error reason;
    double start = lk_clock_seconds();
    lk_status status = lk_source_read(run->source, index, &bytes, &len, &reason);
    double read = lk_clock_seconds();
    worker->read_seconds += read - start;
    if (status == LK_EIO || status == LK_EFORMAT) { /* this picture's own trouble, not the run's */
        image->status = LK_FACE_UNREADABLE;
        image->message = lk_strdup(reason.text, err); /* without_path takes the path off */
        return image->message != NULL ? LK_OK : LK_ENOMEM;
    }
    if (status != LK_OK) {
        if (err != NULL)
            *err = reason;
        return status;
    }
    status = run->engine->take(worker->handle, bytes, len, run->options->choice, picture->vector, image, err);
    free(bytes);
    if (status != LK_OK)
        lk_source_error_prefix(run->source, index, err);
    return status;
}

/* Group `index` of those that are still missing holds the pictures *first .. end - 1; returns end. */
static size_t group_of(const struct run *run, size_t index, size_t *first)
{
    *first = run->part.first + run->resumed + index * run->group;
    return run->part.end - *first < run->group ? run->part.end : *first + run->group;
}

static lk_status fill(void *arg, size_t index, int worker_index, void *slot, lk_error *err)
{
    struct run *run = arg;
    struct picture *pictures = slot;
    struct worker *worker = &run->workers[worker_index];
    size_t first, end = group_of(run, index, &first);
    for (size_t i = first; i < end; i++)
        LK_TRY(take(run, i, worker, &pictures[i - first], err));
    if (worker->handle == NULL) /* every picture so far was excluded */
        return LK_OK;
    lk_status status = run->engine->finish(worker->handle, err);
    if (status != LK_OK)
        lk_source_error_prefix(run->source, first, err);
    return status;
}

static void warn(struct run *run, const struct lk_face_image *image)
{
    if (image->status == LK_FACE_EMBEDDED || image->status == LK_FACE_EXCLUDED)
        return; /* nothing is wrong with these */
    if (++run->warned[image->status] > WARNINGS_PER_KIND)
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

static lk_status write_picture(struct run *run, size_t index, struct picture *picture, lk_error *err)
{
    struct lk_face_image image = picture->image;
    double start = lk_clock_seconds();
    LK_TRY(lk_source_path(run->source, index, &run->path, err));
    image.path = run->path.text;
    image.identity = (char *)lk_source_identity(run->source, index);
    image.message = (char *)without_path(image.message, image.path);
    image.n_groups = lk_source_groups(run->source);
    image.groups = run->groups;
    for (size_t g = 0; g < image.n_groups; g++)
        image.groups[g] = (char *)lk_source_group(run->source, index, g);
    lk_status status = lk_embed_job_add(&run->job, &image, picture->vector, err);
    run->write_seconds += lk_clock_seconds() - start;
    if (status == LK_OK)
        warn(run, &image);
    free(picture->image.message);
    picture->image.message = NULL;
    const lk_progress progress = {.stage = "embed",
                                  .unit = "images",
                                  .done = index + 1 - run->part.first,
                                  .total = run->part.end - run->part.first,
                                  .resumed = run->resumed};
    lk_ctx_progress(run->ctx, &progress);
    return status;
}

static lk_status sink(void *arg, size_t index, void *slot, lk_error *err)
{
    struct run *run = arg;
    struct picture *pictures = slot;
    size_t first, end = group_of(run, index, &first);
    for (size_t i = first; i < end; i++)
        LK_TRY(write_picture(run, i, &pictures[i - first], err));
    return LK_OK;
}

/* ---- settings and meta.json -------------------------------------------------------------------- */

static lk_status make_settings(struct run *run, lk_error *err)
{
    char inputs[65];
    LK_TRY(lk_source_hash(run->source, inputs, err));
    run->settings = lk_embed_settings(&run->about, run->options->choice, inputs, &run->part);
    char excluded[65];
    if (run->settings != NULL && run->options->exclude != NULL) {
        LK_TRY(lk_exclude_hash(&run->exclude, excluded, err));
        json_object_set_new(run->settings, "excluded_sha256", json_string(excluded));
    }
    LK_NEED(run->settings != NULL, err, LK_ENOMEM, "the settings cannot be written as JSON");
    return LK_OK;
}

/* Seconds in each stage, summed over the threads. */
static void sum_stages(const struct run *run, struct lk_embed_stages *out)
{
    *out = (struct lk_embed_stages){.write = run->write_seconds};
    for (int i = 0; i < lk_ctx_threads(run->ctx); i++) {
        struct lk_embedder_times t = {0};
        if (run->workers[i].handle != NULL)
            run->engine->times(run->workers[i].handle, &t);
        out->read += run->workers[i].read_seconds;
        out->embedder.decode += t.decode;
        out->embedder.detect += t.detect;
        out->embedder.align += t.align;
        out->embedder.embed += t.embed;
        out->embedder.strata += t.strata;
    }
}

static json_t *make_meta(const struct run *run)
{
    const struct lk_embed_facts facts = {.options = run->options,
                                         .settings = run->settings,
                                         .about = &run->about,
                                         .counts = run->job.done,
                                         .identities = run->identities,
                                         .list_seconds = run->listed - run->started,
                                         .seconds = lk_clock_seconds() - run->started,
                                         .stages = run->stages};
    return lk_embed_meta(&facts);
}

static size_t largest_group(const lk_embed_options *o)
{
    return o->device != NULL && strcmp(o->device, "cpu") != 0 ? LK_EMBED_DEVICE_BATCH : LK_EMBED_BATCH;
}

/* ---- the job ----------------------------------------------------------------------------------- */

static lk_status make_slots(struct run *run, lk_error *err)
{
    size_t dim = (size_t)run->about.dim;
    run->n_slots = (size_t)lk_ctx_threads(run->ctx) * GROUPS_PER_THREAD;
    size_t n = run->n_slots * run->group;
    run->pictures = lk_calloc(n, sizeof *run->pictures, err);
    run->vectors = lk_calloc(n, dim * sizeof *run->vectors, err);
    if (run->pictures == NULL || run->vectors == NULL)
        return LK_ENOMEM;
    for (size_t i = 0; i < n; i++)
        run->pictures[i].vector = run->vectors + i * dim;
    return LK_OK;
}

/* Embeds what is still missing. */
static lk_status embed_rest(struct run *run, lk_error *err)
{
    size_t n = run->part.end - run->part.first;
    run->resumed = run->job.done.images;
    size_t left = n - run->resumed;
    if (left == 0)
        return LK_OK;
    if (left >= GATHER_FROM)
        LK_TRY(run->engine->gather(run->workers[0].handle, &run->group, err));
    assert(run->group >= 1 && run->group <= largest_group(run->options)); /* the source's window is made for that */
    LK_TRY(make_slots(run, err));
    size_t n_groups = left / run->group + (left % run->group != 0);
    lk_status status =
        lk_pool_ordered(run->ctx, 0, n_groups, run->pictures, run->group * sizeof *run->pictures,
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
    if (n->embedded > 0 || run->options->n_shards > 0) /* lk_merge looks at the shards together */
        return LK_OK;
    const char *first = run->options->inputs[0];
    const char *more = run->options->n_inputs > 1 ? " and the other inputs" : "";
    LK_NEED(n->excluded < n->images, err, LK_EINVAL, "%s%s: all %" PRIu64 " images are excluded by %s", first,
            more, n->images, run->options->exclude);
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
    *out = (lk_embed_summary){.n_images = n->images,
                              .n_embedded = n->embedded,
                              .n_no_face = n->no_face,
                              .n_unreadable = n->unreadable,
                              .n_excluded = n->excluded,
                              .n_identities = run->identities,
                              .n_resumed = up_to_date ? n->images : run->resumed,
                              .dim = run->about.dim,
                              .up_to_date = up_to_date,
                              .seconds = lk_clock_seconds() - run->started};
    out->bottleneck = lk_embed_bottleneck(&run->stages, &out->bottleneck_share);
}

static int compare_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Distinct identities among the pictures of the part. */
static lk_status count_identities(struct run *run, lk_error *err)
{
    const char **names = NULL;
    size_t n = 0, capacity = 0;
    if (run->options->n_shards == 0) {
        run->identities = lk_source_identities(run->source);
        return LK_OK;
    }
    for (size_t i = run->part.first; i < run->part.end; i++) {
        const char *name = lk_source_identity(run->source, i);
        if (name == NULL || (n > 0 && strcmp(names[n - 1], name) == 0))
            continue;
        lk_status status = lk_grow(&names, &capacity, n + 1, sizeof *names, err);
        if (status != LK_OK) {
            free(names);
            return status;
        }
        names[n++] = name;
    }
    if (n > 0)
        qsort(names, n, sizeof *names, compare_text);
    for (size_t i = 0; i < n; i++)
        run->identities += i == 0 || strcmp(names[i - 1], names[i]) != 0;
    free(names);
    return LK_OK;
}

/* Shard i of n holds the images from (i - 1) N / n up to i N / n, rounded down. */
static lk_status find_part(struct run *run, lk_error *err)
{
    uint64_t n = lk_source_count(run->source); /* times LK_MAX_SHARDS it stays far below 2^64 */
    run->part = (struct lk_embed_part){.source = run->source, .end = (size_t)n};
    if (run->options->n_shards > 0) {
        run->part.shard = run->options->shard;
        run->part.n_shards = run->options->n_shards;
        run->part.first = (size_t)(n * (run->part.shard - 1) / run->part.n_shards);
        run->part.end = (size_t)(n * run->part.shard / run->part.n_shards);
    }
    return count_identities(run, err);
}

/* A list whose paths are others than the set's would leave nothing out: better said than done. */
static lk_status find_excluded(struct run *run, lk_error *err)
{
    const char *list = run->options->exclude;
    size_t n = lk_source_count(run->source), found = 0;
    LK_TRY(lk_exclude_read(list, &run->exclude, err));
    run->excluded = lk_calloc(n, sizeof *run->excluded, err);
    if (run->excluded == NULL)
        return LK_ENOMEM;
    for (size_t i = 0; i < n; i++) {
        LK_TRY(lk_source_path(run->source, i, &run->path, err));
        run->excluded[i] = lk_exclude_reason(&run->exclude, run->path.text);
        found += run->excluded[i] != NULL;
    }
    size_t listed = run->exclude.paths.n;
    LK_NEED(found > 0 || listed == 0, err, LK_EINVAL,
            "%s: none of its %zu paths is among the %zu images of the inputs ('%.200s'); give the inputs as "
            "they were given when the list was made",
            list, listed, n, lk_names_text(&run->exclude.paths, 0));
    if (found < listed)
        lk_ctx_message(run->ctx, LK_LEVEL_NOTE, "%s: %zu of its %zu paths are not among the inputs", list,
                       listed - found, listed);
    return LK_OK;
}

static lk_status do_run(struct run *run, lk_embed_summary *out, lk_error *err)
{
    const lk_embed_options *o = run->options;
    run->started = lk_clock_seconds();
    struct lk_source_options source = {.ctx = run->ctx,
                                       .format = o->format,
                                       .labels = o->labels,
                                       .window = (size_t)lk_ctx_threads(run->ctx) * GROUPS_PER_THREAD *
                                                 largest_group(o)};
    if (o->identity != NULL)
        LK_TRY(lk_identity_rule_parse(o->identity, &source.identity, err));
    LK_TRY(lk_source_open(&run->source, o->inputs, o->n_inputs, &source, err));
    LK_TRY(find_part(run, err));
    if (o->exclude != NULL)
        LK_TRY(find_excluded(run, err));
    run->listed = lk_clock_seconds();
    run->workers = lk_calloc((size_t)lk_ctx_threads(run->ctx), sizeof *run->workers, err);
    if (run->workers == NULL)
        return LK_ENOMEM;
    LK_TRY(run->engine->open(&run->workers[0].handle, run->engine->arg, run->ctx, o, err));
    run->engine->about(run->workers[0].handle, &run->about);
    LK_TRY(make_settings(run, err));
    bool up_to_date;
    LK_TRY(lk_embed_job_open(&run->job, run->ctx, o->output, o->force, run->settings, &run->part,
                             (size_t)run->about.dim, &up_to_date, err));
    if (!up_to_date) {
        lk_status status = embed_rest(run, err);
        warn_of_the_rest(run);
        LK_TRY(status);
        LK_TRY(check_any(run, err));
        sum_stages(run, &run->stages);
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
    LK_NEED(options->n_shards == 0 ? options->shard == 0
                                   : options->shard >= 1 && options->shard <= options->n_shards &&
                                         options->n_shards <= LK_MAX_SHARDS,
            err, LK_EINVAL, "embed: shard %" PRIu64 " of %" PRIu64 ", expected 1 to N of at most %d",
            options->shard, options->n_shards, LK_MAX_SHARDS);
    struct run run = {.ctx = ctx, .options = options, .engine = engine, .group = 1, .job = {.lock = -1}};
    lk_status status = do_run(&run, out, err);
    lk_embed_job_close(&run.job);
    for (size_t i = 0; run.pictures != NULL && i < run.n_slots * run.group; i++)
        free(run.pictures[i].image.message);
    for (int i = 0; run.workers != NULL && i < lk_ctx_threads(ctx); i++)
        if (run.workers[i].handle != NULL)
            engine->close(run.workers[i].handle);
    free(run.workers);
    free(run.pictures);
    free(run.vectors);
    json_decref(run.settings);
    lk_source_close(run.source);
    lk_str_free(&run.path);
    lk_exclude_free(&run.exclude);
    free(run.excluded);
    return status;
}
