/* SPDX-License-Identifier: Apache-2.0 */
/* calibrate.c - the calibrate job: what a score of a labelled set is worth, and thresholds.json. */
#include <math.h>

#include "formats/json.h"
#include "stats/labelled.h"
#include "stats/thresholds.h"

static const double rates[] = {1e-2, 1e-3, 1e-4, 1e-5, 1e-6}; /* false match rates, falling */

void lk_calibrate_options_init(lk_calibrate_options *options)
{
    *options = (lk_calibrate_options){.seed = 1};
}

/* ---- scores --------------------------------------------------------------------------------------- */

static lk_status score_pairs(struct lk_labelled *out, lk_ctx *ctx, const struct lk_faces *faces,
                             const char *path, lk_error *err)
{
    struct lk_pairs pairs;
    LK_TRY(lk_pairs_read(&pairs, path, err));
    lk_status status = lk_labelled_pairs(out, ctx, faces, &pairs, rates[0], err);
    lk_pairs_free(&pairs);
    return status;
}

static lk_status score_bin(struct lk_labelled *out, lk_ctx *ctx, const struct lk_faces *faces,
                           const char *path, lk_error *err)
{
    struct lk_map map;
    struct lk_bin bin = {0};
    LK_TRY(lk_map_open(&map, path, err));
    lk_status status = lk_bin_parse(&bin, map.bytes, map.len, err);
    if (status != LK_OK)
        lk_error_prefix(err, "%s", path);
    lk_map_close(&map); /* the pictures themselves are not needed */
    if (status != LK_OK)
        return status;
    status = lk_labelled_bin(out, ctx, faces, &bin, path, rates[0], err);
    lk_bin_free(&bin);
    return status;
}

static lk_status score_templates(struct lk_labelled *out, lk_ctx *ctx, const struct lk_faces *faces,
                                 const char *images_path, const char *pairs_path, lk_error *err)
{
    struct lk_map table, pairs;
    struct lk_ijb_images images;
    LK_TRY(lk_map_open(&table, images_path, err));
    lk_status status = lk_ijb_images_parse(&images, table.bytes, table.len, err);
    if (status != LK_OK) {
        lk_error_prefix(err, "%s", images_path);
        lk_map_close(&table);
        return status;
    }
    status = lk_map_open(&pairs, pairs_path, err);
    if (status == LK_OK) {
        status =
            lk_labelled_templates(out, ctx, faces, &images, images_path, &pairs, pairs_path, rates[0], err);
        lk_map_close(&pairs);
    }
    lk_ijb_images_free(&images);
    lk_map_close(&table);
    return status;
}

static lk_status score(struct lk_labelled *out, lk_ctx *ctx, const struct lk_faces *faces,
                       const lk_calibrate_options *o, lk_error *err)
{
    if (o->pairs != NULL)
        return score_pairs(out, ctx, faces, o->pairs, err);
    if (o->bin != NULL)
        return score_bin(out, ctx, faces, o->bin, err);
    if (o->templates != NULL)
        return score_templates(out, ctx, faces, o->templates, o->template_pairs, err);
    return lk_labelled_all(out, ctx, faces, o->from_identities, o->seed, rates[0], err);
}

/* ---- results -------------------------------------------------------------------------------------- */

static lk_status summarise(lk_calibration *out, struct lk_labelled *l, int force_fmr, lk_error *err)
{
    lk_calibration r = {.n_genuine = l->roc.n_genuine,
                        .n_impostor = l->roc.n_impostor,
                        .n_missing = l->n_missing,
                        .n_templates = l->n_templates,
                        .n_images_missing = l->n_images_missing,
                        .sampled = l->sampled,
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

/* Which pairs were judged. */
static const char *protocol(const lk_calibrate_options *o)
{
    if (o->pairs != NULL)
        return "pairs";
    if (o->bin != NULL)
        return "bin";
    if (o->templates != NULL)
        return "templates";
    return o->from_identities ? "identities" : "all";
}

/* The file that lists the pairs; NULL without one. */
static const char *list_of_pairs(const lk_calibrate_options *o)
{
    if (o->pairs != NULL)
        return o->pairs;
    return o->bin != NULL ? o->bin : o->template_pairs;
}

static json_t *templates_json(const lk_calibrate_options *o, const lk_calibration *c)
{
    return o->templates != NULL
               ? json_pack("{s:o,s:I,s:I}", "file", lk_json_text(o->templates), "templates",
                           (json_int_t)c->n_templates, "images_missing", (json_int_t)c->n_images_missing)
               : json_null();
}

static lk_status write_thresholds(const lk_calibrate_options *options, const struct lk_faces *faces,
                                  const struct lk_labelled *l, const lk_calibration *c, lk_error *err)
{
    json_t *sample = l->sampled ? json_pack("{s:I}", "seed", (json_int_t)l->seed) : json_null();
    json_t *value = json_pack(
        "{s:s,s:i,s:s,s:o,s:o,s:o,s:s,s:o,s:o,s:I,s:I,s:I,s:o,s:f,s:f,s:o,s:o}", "kind", "thresholds",
        "format", 1, "tool", lk_version(), "command", lk_json_text_or_null(options->command), "faces",
        lk_json_text(options->faces), "model", model_json(faces), "protocol", protocol(options), "pairs",
        lk_json_text_or_null(list_of_pairs(options)), "templates", templates_json(options, c), "genuine",
        (json_int_t)c->n_genuine, "impostor", (json_int_t)c->n_impostor, "missing", (json_int_t)c->n_missing,
        "sample", sample, "eer", c->eer, "auc", c->auc, "accuracy", accuracy_json(c), "thresholds",
        lk_thresholds_to_json(c->thresholds, c->n_thresholds));
    LK_NEED(value != NULL, err, LK_ENOMEM, "out of memory while writing %s", options->output);
    lk_status status = lk_json_write(options->output, value, err);
    json_decref(value);
    return status;
}

static lk_status check_options(const lk_calibrate_options *o, lk_error *err)
{
    LK_NEED(o->faces != NULL, err, LK_EINVAL, "calibrate: no FACES directory given");
    int given = (o->pairs != NULL) + (o->bin != NULL) + (o->templates != NULL) + (o->from_identities != 0);
    LK_NEED(
        given <= 1, err, LK_EINVAL,
        "calibrate: expected one of a list of pairs, a .bin, templates, and pairs by identities, found %d",
        given);
    LK_NEED((o->templates != NULL) == (o->template_pairs != NULL), err, LK_EINVAL,
            "calibrate: expected templates and their pairs together");
    return LK_OK;
}

/* Identities are needed unless a list names the images alone. */
static lk_status check_faces(const struct lk_faces *faces, const lk_calibrate_options *o, lk_error *err)
{
    bool by_image = o->bin != NULL || o->templates != NULL;
    LK_NEED(!by_image || faces->n_images > 0, err, LK_EFORMAT,
            "%s: the images have no names, expected a FACES directory, or a file of embeddings with paths in "
            "it or "
            "beside it",
            faces->path);
    LK_NEED(by_image || (faces->n_images > 0 && faces->n_identities > 0), err, LK_EFORMAT,
            "%s: no identities, expected a FACES directory made from one folder per person, or a file of "
            "embeddings with identities in it or beside it",
            faces->path);
    return LK_OK;
}

lk_status lk_calibrate(lk_ctx *ctx, const lk_calibrate_options *options, lk_calibration *out, lk_error *err)
{
    LK_TRY(check_options(options, err));
    struct lk_faces faces;
    struct lk_labelled labelled = {.n_folds = 0};
    lk_calibration r;
    LK_TRY(lk_faces_open(&faces, ctx, options->faces, err));
    lk_status status = check_faces(&faces, options, err);
    if (status == LK_OK)
        status = lk_faces_ready(&faces, ctx, err);
    if (status == LK_OK)
        status = score(&labelled, ctx, &faces, options, err);
    if (status == LK_OK)
        status = summarise(&r, &labelled, options->force_fmr, err);
    if (status == LK_OK && options->roc != NULL)
        status = lk_roc_write(&labelled.roc, options->roc, err);
    if (status == LK_OK && options->output != NULL)
        status = write_thresholds(options, &faces, &labelled, &r, err);
    lk_labelled_close(&labelled);
    lk_faces_close(&faces);
    if (status == LK_OK)
        *out = r;
    return status;
}
