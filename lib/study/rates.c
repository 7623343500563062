/* SPDX-License-Identifier: Apache-2.0 */
/* rates.c - how fast this machine embeds and compares: from finished steps, else tried for some seconds. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fs.h"
#include "formats/faces.h"
#include "formats/json.h"
#include "formats/source.h"
#include "study/estimate.h"

/* A trial ends after so many pictures or seconds, whatever comes first. */
enum { TRIAL_PICTURES = 48, GUESS_EACH = 100, GUESS_DIM = 512 };
#define TRIAL_SECONDS 3.0

/* ---- what is there ------------------------------------------------------------------------------------- */

static lk_status count_faces(struct lk_study_size *size, lk_ctx *ctx, const char *path, lk_error *err)
{
    struct lk_faces faces;
    LK_TRY(lk_faces_open(&faces, ctx, path, err));
    size->rows = faces.matrix.rows;
    size->dim = faces.matrix.dim;
    lk_faces_close(&faces);
    return LK_OK;
}

static lk_status count_images(struct lk_study_size *size, const struct lk_study_job *job, size_t matcher,
                              size_t set, lk_error *err)
{
    struct lk_source *source = NULL;
    lk_embed_options o;
    const char **inputs = lk_calloc(job->study->sets[set].images.n, sizeof *inputs, err);
    if (inputs == NULL)
        return LK_ENOMEM;
    lk_study_embed_options(job, matcher, set, inputs, &o);
    struct lk_source_options options = {
        .ctx = job->ctx, .quiet = true, .format = o.format, .labels = o.labels};
    lk_status status =
        lk_identity_rule_parse(o.identity != NULL ? o.identity : "auto", &options.identity, err);
    if (status == LK_OK)
        status = lk_source_open(&source, o.inputs, o.n_inputs, &options, err);
    if (status == LK_OK)
        size->rows = lk_source_count(source);
    lk_source_close(source);
    free(inputs);
    return status;
}

lk_status lk_study_measure_size(struct lk_study_size *size, const struct lk_study_job *job, size_t matcher,
                                size_t set, lk_error *err)
{
    const char *given = lk_study_given_faces(job->study, set, matcher);
    *size = (struct lk_study_size){0};
    return given != NULL ? count_faces(size, job->ctx, given, err)
                         : count_images(size, job, matcher, set, err);
}

/* ---- embedding ----------------------------------------------------------------------------------------- */

/* Images each second of the largest set that the matcher has embedded into this study. */
static lk_status known_rate(struct lk_study_rate *rate, const struct lk_study *s, size_t matcher,
                            lk_error *err)
{
    double most = 0;
    for (size_t i = 0; i < s->n_sets; i++) {
        json_t *meta = NULL;
        char *faces = lk_study_faces_dir(s, matcher, i, err);
        char *path = faces != NULL ? lk_path_join(faces, "meta.json", err) : NULL;
        lk_status status = path != NULL ? LK_OK : LK_ENOMEM;
        if (status == LK_OK && lk_study_given_faces(s, i, matcher) == NULL && lk_path_exists(path))
            status = lk_json_read(path, &meta, err);
        const json_t *counts = json_object_get(meta, "counts"), *model = json_object_get(meta, "model");
        double images = json_number_value(json_object_get(counts, "images"));
        double seconds = json_number_value(json_object_get(meta, "seconds"));
        if (images > most && seconds > 0) {
            most = images;
            rate->each_second = images / seconds;
            rate->dim = (uint64_t)json_integer_value(json_object_get(model, "dim"));
            rate->how = "measured when sets of this study were embedded";
        }
        json_decref(meta);
        free(path);
        free(faces);
        LK_TRY(status);
    }
    return LK_OK;
}

/* Embeds the first pictures of a set that lie as files, one thread being timed for all. */
static lk_status try_embedding(struct lk_study_rate *rate, lk_embedder *embedder,
                               const struct lk_source *source, lk_ctx *ctx, lk_error *err)
{
    struct lk_str path = LK_STR_INIT;
    float *vector = lk_calloc((size_t)lk_embedder_dim(embedder), sizeof *vector, err);
    lk_status status = vector != NULL ? LK_OK : LK_ENOMEM;
    size_t done = 0, tried = 0, n = lk_source_count(source);
    double start = 0;
    for (; status == LK_OK && tried < n && tried <= TRIAL_PICTURES; tried++) {
        status = lk_source_path(source, tried, &path, err);
        if (status != LK_OK || !lk_path_exists(path.text))
            break;
        lk_embedder_file(embedder, path.text, vector, NULL); /* without a face, too, time is spent */
        done += tried > 0;
        if (tried == 0) /* the first one pays for what is set up late */
            start = lk_clock_seconds();
        if (tried > 4 && lk_clock_seconds() - start > TRIAL_SECONDS)
            break;
        status = lk_ctx_check(ctx, err);
    }
    double seconds = lk_clock_seconds() - start;
    if (status == LK_OK && done > 3 && seconds > 0) {
        rate->each_second = (double)done / seconds * lk_ctx_threads(ctx);
        rate->how = "tried on the first pictures";
    }
    lk_str_free(&path);
    free(vector);
    return status;
}

static lk_status trial(struct lk_study_rate *rate, const struct lk_study_job *job, size_t matcher, size_t set,
                       lk_error *err)
{
    lk_embedder *embedder = NULL;
    struct lk_source *source = NULL;
    lk_embed_options o;
    const char **inputs = lk_calloc(job->study->sets[set].images.n, sizeof *inputs, err);
    if (inputs == NULL)
        return LK_ENOMEM;
    lk_study_embed_options(job, matcher, set, inputs, &o);
    lk_status status = lk_study_embedder_open(&embedder, job, &o, err);
    if (status == LK_OK) {
        rate->dim = (uint64_t)lk_embedder_dim(embedder);
        struct lk_source_options options = {.ctx = job->ctx, .quiet = true, .format = o.format};
        status = lk_source_open(&source, o.inputs, o.n_inputs, &options, err);
    }
    if (status == LK_OK)
        status = try_embedding(rate, embedder, source, job->ctx, err);
    lk_source_close(source);
    lk_embedder_free(embedder);
    free(inputs);
    return status;
}

lk_status lk_study_embed_rate(struct lk_study_rate *rate, const struct lk_study_job *job, size_t matcher,
                              lk_error *err)
{
    const struct lk_study *s = job->study;
    *rate = (struct lk_study_rate){.each_second = (double)GUESS_EACH * lk_ctx_threads(job->ctx), .how = NULL};
    LK_TRY(known_rate(rate, s, matcher, err));
    for (size_t i = 0; rate->how == NULL && i < s->n_sets; i++)
        if (lk_study_wants(s, i, matcher) && lk_study_given_faces(s, i, matcher) == NULL)
            LK_TRY(trial(rate, job, matcher, i, err));
    if (rate->how == NULL)
        rate->how = "a guess: no picture lies as a file to try it on";
    if (rate->dim == 0)
        rate->dim = GUESS_DIM;
    return LK_OK;
}

/* ---- comparing ----------------------------------------------------------------------------------------- */

lk_status lk_study_match_rate(struct lk_study_rate *rate, const struct lk_study_job *job, uint64_t dim,
                              lk_error *err)
{
    lk_bench_options options;
    lk_bench_result result;
    lk_bench_options_init(&options);
    options.n_probes = 4000;
    options.n_references = 20000;
    options.dim = dim;
    options.cpu = job->study->cpu.text;
    options.device = job->study->device.text;
    LK_TRY(lk_bench_match(job->ctx, &options, &result, err));
    *rate = (struct lk_study_rate){.each_second =
                                       result.seconds > 0 ? (double)result.n_pairs / result.seconds : 1e8,
                                   .dim = dim,
                                   .how = "tried on made vectors"};
    return LK_OK;
}
