/* SPDX-License-Identifier: Apache-2.0 */
/* power.c - the job behind lk_measure_power: from a MATCH directory to the smallest planted share that its
 * run would have found. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "formats/json.h"
#include "formats/faces.h"
#include "report/exposure.h"
#include "stats/decoys.h"
#include "stats/labelled.h"
#include "stats/power.h"

void lk_power_options_init(lk_power_options *options)
{
    *options = (lk_power_options){.fdr = 0.05, .power = 0.8, .replicates = 200, .seed = 1};
}

/* The run that is planted into: its units against one hold-out. */
struct run {
    lk_ctx *ctx;
    struct lk_exposure exposure;
    struct lk_competition competition;
    bool *found; /* of each unit */
};

static lk_status compete(struct run *r, double fdr, lk_error *err)
{
    size_t n = r->exposure.n_units;
    float *t = lk_calloc(n, sizeof *t, err), *h = lk_calloc(n, sizeof *h, err);
    r->found = lk_calloc(n, sizeof *r->found, err);
    lk_status status = t != NULL && h != NULL && r->found != NULL ? LK_OK : LK_ENOMEM;
    for (size_t i = 0; status == LK_OK && i < n; i++) {
        t[i] = (float)r->exposure.units[i].score[LK_EXPOSURE_TRAIN];
        h[i] = (float)r->exposure.units[i].score[LK_EXPOSURE_HOLDOUT];
    }
    if (status == LK_OK)
        status = lk_compete(t, h, n, fdr, NULL, &r->competition, err);
    for (size_t i = 0; status == LK_OK && i < n; i++) /* false when tau is NaN */
        r->found[i] = (double)t[i] - (double)h[i] >= r->competition.tau;
    free(t);
    free(h);
    return status;
}

/* Best scores of the units that are no discoveries: training set, hold-out. */
static lk_status null_scores(const struct run *r, float **out, size_t *n, lk_error *err)
{
    float *scores = lk_calloc(r->exposure.n_units, 2 * sizeof *scores, err);
    if (scores == NULL)
        return LK_ENOMEM;
    size_t kept = 0;
    for (size_t i = 0; i < r->exposure.n_units; i++) {
        if (r->found[i])
            continue;
        scores[2 * kept] = (float)r->exposure.units[i].score[LK_EXPOSURE_TRAIN];
        scores[2 * kept + 1] = (float)r->exposure.units[i].score[LK_EXPOSURE_HOLDOUT];
        kept++;
    }
    *out = scores;
    *n = kept;
    return LK_OK;
}

/* Scores mean nothing between models. */
static lk_status check_model(const struct run *r, const struct lk_faces *faces, lk_error *err)
{
    const char *made = json_string_value(json_object_get(json_object_get(faces->meta, "model"), "sha256"));
    const char *run = lk_exposure_fact(&r->exposure, "model", "sha256");
    LK_NEED(made == NULL || run == NULL || strcmp(made, run) == 0, err, LK_EINVAL,
            "%s was embedded with another model (%.12s...) than %s (%.12s...); expected the same",
            faces->path, made, r->exposure.folder, run);
    return LK_OK;
}

/* All genuine scores of a labelled set. */
static lk_status genuine_scores(const struct run *r, const char *path, float **out, size_t *n,
                                lk_error *err)
{
    struct lk_faces faces;
    struct lk_labelled labelled = {.n_folds = 0};
    LK_TRY(lk_faces_open(&faces, r->ctx, path, err));
    lk_status status = check_model(r, &faces, err);
    if (status == LK_OK && (faces.n_images == 0 || faces.n_identities == 0))
        status =
            lk_fail(err, LK_EFORMAT, "%s: no identities, expected several images of one person each", path);
    if (status == LK_OK)
        status = lk_faces_ready(&faces, r->ctx, err);
    if (status == LK_OK)
        status = lk_labelled_all(&labelled, r->ctx, &faces, false, 1, 0.01, err);
    float *scores = NULL;
    if (status == LK_OK && (scores = lk_calloc(labelled.roc.n_genuine, sizeof *scores, err)) == NULL)
        status = LK_ENOMEM;
    if (status == LK_OK) {
        size_t at = 0;
        for (size_t i = 0; i < labelled.roc.n_values; i++)
            while (at < labelled.roc.genuine_below[i + 1])
                scores[at++] = labelled.roc.values[i];
        *out = scores;
        *n = at;
    }
    lk_labelled_close(&labelled);
    lk_faces_close(&faces);
    return status;
}

static lk_status measure_row(lk_ctx *ctx, struct lk_power_run *run, double power, double strength,
                             lk_power_row *out, lk_error *err)
{
    struct lk_power_point p;
    LK_TRY(lk_power_smallest(ctx, run, power, &p, err));
    *out = (lk_power_row){.strength = strength,
                          .planted = p.planted,
                          .share = p.planted > 0 ? (double)p.planted / (double)p.n : NAN,
                          .detected = p.detected,
                          .detected_low = p.detected_interval.low,
                          .detected_high = p.detected_interval.high,
                          .found = p.found,
                          .false_share = p.false_share};
    return LK_OK;
}

static lk_status measure(const struct run *r, const lk_power_options *o, lk_power_row *rows, lk_error *err)
{
    float *scores = NULL, *genuine = NULL;
    struct lk_power_run run = {.n_holdouts = 1, .q = o->fdr, .replicates = o->replicates, .seed = o->seed};
    lk_status status = null_scores(r, &scores, &run.n_units, err);
    run.scores = scores;
    size_t done = 0;
    for (; status == LK_OK && done < o->n_strengths; done++) {
        float strength = (float)o->strengths[done];
        run.genuine = &strength;
        run.n_genuine = 1;
        status = measure_row(r->ctx, &run, o->power, o->strengths[done], &rows[done], err);
    }
    if (status == LK_OK && o->genuine != NULL) {
        status = genuine_scores(r, o->genuine, &genuine, &run.n_genuine, err);
        run.genuine = genuine;
        if (status == LK_OK)
            status = measure_row(r->ctx, &run, o->power, NAN, &rows[done], err);
    }
    free(scores);
    free(genuine);
    return status;
}

static json_t *real_or_null(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static lk_status write_json(const lk_power_options *o, const lk_power_summary *s, const lk_power_row *rows,
                            lk_error *err)
{
    json_t *list = json_array();
    for (uint64_t i = 0; i < s->n_rows; i++)
        json_array_append_new(
            list,
            json_pack("{s:o,s:I,s:o,s:f,s:f,s:f,s:f,s:f}", "strength", real_or_null(rows[i].strength),
                      "planted", (json_int_t)rows[i].planted, "share", real_or_null(rows[i].share),
                      "detected", rows[i].detected, "detected_low", rows[i].detected_low, "detected_high",
                      rows[i].detected_high, "found", rows[i].found, "false_share", rows[i].false_share));
    json_t *value = json_pack(
        "{s:s,s:i,s:s,s:o,s:o,s:o,s:I,s:I,s:I,s:f,s:f,s:I,s:I,s:o}", "kind", "power", "format", 1, "tool",
        lk_version(), "command", o->command != NULL ? lk_json_text(o->command) : json_null(), "match",
        lk_json_text(o->match), "genuine", o->genuine != NULL ? lk_json_text(o->genuine) : json_null(),
        "units", (json_int_t)s->n_units, "discoveries", (json_int_t)s->n_discoveries, "resolution",
        (json_int_t)s->resolution, "fdr", o->fdr, "power", o->power, "replicates", (json_int_t)o->replicates,
        "seed", (json_int_t)o->seed, "rows", list);
    LK_NEED(value != NULL, err, LK_ENOMEM, "out of memory while writing %s", o->output);
    lk_status status = lk_json_write(o->output, value, err);
    json_decref(value);
    return status;
}

lk_status lk_measure_power(lk_ctx *ctx, const lk_power_options *options, lk_power_row *rows,
                           lk_power_summary *out, lk_error *err)
{
    LK_NEED(options->match != NULL, err, LK_EINVAL, "power: no MATCH directory was given");
    LK_NEED(options->n_strengths > 0 || options->genuine != NULL, err, LK_EINVAL,
            "power: neither strengths nor a labelled set were given");
    LK_NEED(options->fdr > 0 && options->fdr < 1 && options->power > 0 && options->power < 1 &&
                options->replicates > 0,
            err, LK_EINVAL,
            "power: false discovery rate %g, power %g, %llu sets; expected rates between 0 and 1",
            options->fdr, options->power, (unsigned long long)options->replicates);
    struct run r = {.ctx = ctx};
    lk_power_summary s = {.n_units = 0};
    LK_TRY(lk_exposure_open(&r.exposure, options->match, err));
    lk_status status = LK_OK;
    if (!r.exposure.galleries[LK_EXPOSURE_HOLDOUT].given)
        status =
            lk_fail(err, LK_EINVAL, "%s was made without a hold-out; expected one, as discoveries need it",
                    options->match);
    if (status == LK_OK)
        status = compete(&r, options->fdr, err);
    if (status == LK_OK) {
        s = (lk_power_summary){.n_units = r.exposure.n_units,
                               .n_discoveries = r.competition.discoveries,
                               .resolution = r.competition.resolution,
                               .n_rows = options->n_strengths + (options->genuine != NULL)};
        if (s.n_units == s.n_discoveries)
            status =
                lk_fail(err, LK_EINVAL, "%s: all %llu units are discoveries, nothing is left to plant into",
                        options->match, (unsigned long long)s.n_units);
    }
    if (status == LK_OK)
        status = measure(&r, options, rows, err);
    if (status == LK_OK && options->output != NULL)
        status = write_json(options, &s, rows, err);
    free(r.found);
    lk_exposure_close(&r.exposure);
    if (status == LK_OK)
        *out = s;
    return status;
}
