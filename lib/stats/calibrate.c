/* SPDX-License-Identifier: Apache-2.0 */
/* calibrate.c - the calibrate job: what a score of a labelled set is worth, and thresholds.json. */
#include <math.h>

#include "formats/json.h"
#include "stats/labelled.h"
#include "stats/thresholds.h"

static const double rates[] = {1e-2, 1e-3, 1e-4, 1e-5, 1e-6}; /* false match rates, falling */

void lk_calibrate_options_init(lk_calibrate_options *options)
{
    *options = (lk_calibrate_options){.faces = NULL};
}

static lk_status score(struct lk_labelled *out, lk_ctx *ctx, const struct lk_faces *faces,
                       const char *pairs_path, lk_error *err)
{
    if (pairs_path == NULL)
        return lk_labelled_all(out, ctx, faces, rates[0], err);
    struct lk_pairs pairs;
    LK_TRY(lk_pairs_read(&pairs, pairs_path, err));
    lk_status status = lk_labelled_pairs(out, ctx, faces, &pairs, rates[0], err);
    lk_pairs_free(&pairs);
    return status;
}

static lk_status summarise(lk_calibration *out, struct lk_labelled *l, int force_fmr, lk_error *err)
{
    lk_calibration r = {.n_genuine = l->roc.n_genuine,
                        .n_impostor = l->roc.n_impostor,
                        .n_missing = l->n_missing,
                        .eer = lk_roc_eer(&l->roc),
                        .auc = lk_roc_auc(&l->roc),
                        .n_folds = l->n_folds};
    r.accuracy = l->n_folds > 0 ? l->accuracy.mean : NAN;
    r.accuracy_sd = l->n_folds > 0 ? l->accuracy.sd : NAN;
    r.accuracy_all = l->n_folds > 0 ? l->accuracy_all.mean : NAN;
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        lk_threshold t;
        LK_TRY(lk_roc_threshold(&l->roc, rates[i], &t, err));
        if (t.supported || force_fmr)
            r.thresholds[r.n_thresholds++] = t;
    }
    *out = r;
    return LK_OK;
}

static json_t *text_or_null(const char *text)
{
    return text != NULL ? lk_json_text(text) : json_null();
}

/* What a threshold is good for: the model that made the vectors. */
static json_t *model_json(const struct lk_faces *faces)
{
    const json_t *model = json_object_get(faces->meta, "model");
    json_t *copy = json_object();
    static const char *const keys[] = {"name", "sha256"};
    for (size_t i = 0; i < 2 && json_is_object(model); i++)
        if (json_object_get(model, keys[i]) != NULL)
            json_object_set(copy, keys[i], json_object_get(model, keys[i]));
    return copy;
}

static json_t *accuracy_json(const lk_calibration *c)
{
    return c->n_folds > 0 ? json_pack("{s:i,s:f,s:f,s:f}", "folds", c->n_folds, "mean", c->accuracy, "sd",
                                      c->accuracy_sd, "mean_all", c->accuracy_all)
                          : json_null();
}

static lk_status write_thresholds(const lk_calibrate_options *options, const struct lk_faces *faces,
                                  const struct lk_labelled *l, const lk_calibration *c, lk_error *err)
{
    json_t *sample = l->sampled ? json_pack("{s:I}", "seed", (json_int_t)l->seed) : json_null();
    json_t *value = json_pack(
        "{s:s,s:i,s:s,s:o,s:o,s:o,s:o,s:I,s:I,s:I,s:o,s:f,s:f,s:o,s:o}", "kind", "thresholds", "format", 1,
        "tool", lk_version(), "command", text_or_null(options->command), "faces",
        lk_json_text(options->faces), "model", model_json(faces), "pairs", text_or_null(options->pairs),
        "genuine", (json_int_t)c->n_genuine, "impostor", (json_int_t)c->n_impostor, "missing",
        (json_int_t)c->n_missing, "sample", sample, "eer", c->eer, "auc", c->auc, "accuracy",
        accuracy_json(c), "thresholds", lk_thresholds_to_json(c->thresholds, c->n_thresholds));
    LK_NEED(value != NULL, err, LK_ENOMEM, "out of memory while writing %s", options->output);
    lk_status status = lk_json_write(options->output, value, err);
    json_decref(value);
    return status;
}

lk_status lk_calibrate(lk_ctx *ctx, const lk_calibrate_options *options, lk_calibration *out, lk_error *err)
{
    LK_NEED(options->faces != NULL, err, LK_EINVAL, "calibrate: no FACES directory given");
    struct lk_faces faces;
    struct lk_labelled labelled = {.n_folds = 0};
    lk_calibration r;
    LK_TRY(lk_faces_open(&faces, ctx, options->faces, err));
    lk_status status = LK_OK;
    if (faces.n_images == 0 || faces.n_identities == 0)
        status = lk_fail(
            err, LK_EFORMAT,
            "%s: no identities, expected a FACES directory made from one folder per person, or a file of "
            "embeddings with identities in it or beside it",
            options->faces);
    if (status == LK_OK)
        status = lk_faces_ready(&faces, ctx, err);
    if (status == LK_OK)
        status = score(&labelled, ctx, &faces, options->pairs, err);
    if (status == LK_OK)
        status = summarise(&r, &labelled, options->force_fmr, err);
    if (status == LK_OK && options->output != NULL)
        status = write_thresholds(options, &faces, &labelled, &r, err);
    lk_labelled_close(&labelled);
    lk_faces_close(&faces);
    if (status == LK_OK)
        *out = r;
    return status;
}
