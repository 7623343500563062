/* SPDX-License-Identifier: Apache-2.0 */
/* run.c - lk_study: the steps of a study one after the other, what is finished being passed over. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fs.h"
#include "study/compare.h"
#include "study/plan.h"

void lk_study_options_init(lk_study_options *options)
{
    *options = (lk_study_options){.file = NULL};
}

/* Does a step between its two lines in the log. */
static lk_status run_step(struct lk_study_job *job, struct lk_study_log *log,
                          const struct lk_study_plan *plan, size_t i, lk_error *err)
{
    const struct lk_study_step *step = &plan->steps[i];
    struct lk_study_note note;
    char key[65];
    double start = lk_clock_seconds();
    LK_TRY(lk_ctx_check(job->ctx, err));
    snprintf(key, sizeof key, "%.64s", lk_study_log_key(log, i));
    LK_TRY(lk_study_log_set(log, i, LK_STUDY_RUNNING, key, NULL, 0, err));
    lk_status status = lk_study_do(job, step, key, &note, err);
    double seconds = lk_clock_seconds() - start;
    if (status == LK_OK) {
        lk_ctx_message(job->ctx, LK_LEVEL_NOTE, "[%zu/%zu] %s: %s", i + 1, plan->n, step->name, note.text);
        return lk_study_log_set(log, i, LK_STUDY_DONE, key, NULL, seconds, err);
    }
    lk_error_prefix(err, "step %zu of %zu, %s", i + 1, plan->n, step->name);
    bool canceled = status == LK_ECANCELED; /* a stop is no failure: the step waits for the next run */
    lk_study_log_set(log, i, canceled ? LK_STUDY_WAITING : LK_STUDY_FAILED, NULL, canceled ? NULL : err->text,
                     seconds, NULL);
    return status;
}

static void warn_of_presets(const struct lk_study *s, lk_ctx *ctx)
{
    lk_preset preset;
    for (size_t i = 0; i < s->n_sets; i++)
        for (int p = 0; s->sets[i].preset.text != NULL && lk_preset_at(p, &preset); p++)
            if (strcmp(preset.name, s->sets[i].preset.text) == 0 && preset.warning != NULL)
                lk_ctx_message(ctx, LK_LEVEL_WARNING, "%s, preset %s: %s", s->sets[i].name.text, preset.name,
                               preset.warning);
}

/* Whether a matcher has a set to embed that is not embedded yet; *set becomes the first. */
static lk_status embeds(const struct lk_study *s, size_t matcher, size_t *set, bool *out, lk_error *err)
{
    *out = false;
    for (*set = 0; *set < s->n_sets; ++*set) {
        if (!lk_study_wants(s, *set, matcher) || lk_study_given_faces(s, *set, matcher) != NULL)
            continue;
        char *faces = lk_study_faces_dir(s, matcher, *set, err);
        char *meta = faces != NULL ? lk_path_join(faces, "meta.json", err) : NULL;
        *out = meta != NULL && !lk_path_exists(meta);
        bool failed = meta == NULL;
        free(faces);
        free(meta);
        if (failed || *out)
            return failed ? LK_ENOMEM : LK_OK;
    }
    return LK_OK;
}

static lk_status try_device(const struct lk_study *s, lk_error *err)
{
    lk_status status = lk_match_check_device(s->device.text, err);
    if (status != LK_OK)
        lk_error_prefix(err, "%s: line %u: [match]", s->file, s->device.line);
    return status;
}

/* The models of every matcher are opened once before anything is done: one that is not there must not end the
 * study after hours of work by the others. */
static lk_status try_models(const struct lk_study_job *job, lk_error *err)
{
    const struct lk_study *s = job->study;
    for (size_t m = 0; m < s->n_matchers; m++) {
        size_t set = 0;
        bool needed = false;
        LK_TRY(embeds(s, m, &set, &needed, err));
        if (!needed)
            continue;
        const char **inputs = lk_calloc(s->sets[set].images.n, sizeof *inputs, err);
        if (inputs == NULL)
            return LK_ENOMEM;
        lk_embed_options o;
        lk_embedder *embedder = NULL;
        lk_study_embed_options(job, m, set, inputs, &o);
        lk_status status = lk_study_embedder_open(&embedder, job, &o, err);
        if (status == LK_OK)
            lk_embedder_free(embedder);
        else
            lk_error_prefix(err, "%s: line %u: [matcher %s]", s->file, s->matchers[m].name.line,
                            s->matchers[m].name.text);
        free(inputs);
        LK_TRY(status);
    }
    return LK_OK;
}

static lk_status run_all(struct lk_study_job *job, const struct lk_study_plan *plan, lk_error *err)
{
    struct lk_study_log log;
    LK_TRY(lk_study_log_open(&log, job->study, plan, err));
    warn_of_presets(job->study, job->ctx);
    lk_status status = LK_OK;
    for (size_t i = 0; status == LK_OK && i < plan->n; i++) {
        lk_ctx_step(job->ctx, i + 1, plan->n, plan->steps[i].name);
        status = run_step(job, &log, plan, i, err);
    }
    lk_ctx_step(job->ctx, 0, 0, NULL);
    lk_study_log_close(&log);
    return status;
}

static lk_status run_locked(struct lk_study_job *job, lk_study_summary *out, lk_error *err)
{
    const struct lk_study *s = job->study;
    struct lk_study_plan plan;
    lk_study_summary summary = {.n_steps = 0};
    LK_TRY(try_device(s, err));
    LK_TRY(try_models(job, err));
    LK_TRY(lk_study_plan_make(&plan, s, err));
    job->hashes = lk_calloc(s->n_matchers * s->n_sets, sizeof *job->hashes, err);
    lk_status status = job->hashes != NULL ? run_all(job, &plan, err) : LK_ENOMEM;
    summary.n_steps = plan.n;
    summary.some_unreadable = job->some_unreadable;
    snprintf(summary.output, sizeof summary.output, "%s", s->output.text);
    if (status == LK_OK)
        status = lk_study_summarise(s, &summary, err);
    if (status == LK_OK)
        *out = summary;
    free(job->hashes);
    lk_study_plan_free(&plan);
    return status;
}

lk_status lk_study(lk_ctx *ctx, const lk_study_options *options, lk_study_summary *out, lk_error *err)
{
    struct lk_study study;
    int lock = -1;
    LK_NEED(options->file != NULL, err, LK_EINVAL, "study: no study file was given");
    LK_TRY(lk_study_open(&study, options->file, err));
    struct lk_study_job job = {.ctx = ctx, .study = &study, .options = options};
    lk_status status = lk_mkdirs(study.output.text, err);
    if (status == LK_OK)
        status = lk_lock_take(&lock, study.output.text, err);
    if (status == LK_OK)
        status = run_locked(&job, out, err);
    lk_lock_release(lock);
    lk_study_close(&study);
    return status;
}
