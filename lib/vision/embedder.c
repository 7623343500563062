/* SPDX-License-Identifier: Apache-2.0 */
/* embedder.c - decode, detect and align one picture at a time; embed one face or several at once. */
#include "vision/embedder.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"
#include "vision/detect.h"
#include "vision/strata.h"

/* A face that is found and aligned and waits for the recogniser; out and info are the caller's. */
struct waiting {
    struct lk_image crop;
    float *out;
    struct lk_face_image *info;
};

struct lk_embedder {
    struct lk_model *model, *detector_model, *age_model; /* the last two may be NULL */
    struct lk_ort *ort, *detector_ort, *age_ort;
    char sha256[65], detector_sha256[65], age_sha256[65];
    const char *device; /* "cuda"; NULL = the processor */
    struct lk_detector *detector;
    struct lk_age *age;
    size_t output;
    size_t batch;    /* faces that wait for one another */
    size_t run_size; /* of every run of the recogniser, zeros behind the faces; 0 = as many as there are */
    float *tensor;   /* room for a run */
    struct waiting waiting[LK_EMBED_DEVICE_BATCH];
    size_t n_waiting;
    struct lk_embedder_times times;
};

void lk_embedder_options_init(lk_embedder_options *options)
{
    memset(options, 0, sizeof *options);
}

/* ---- opening ---------------------------------------------------------------------------------------- */

static lk_status make_room(struct lk_embedder *e, size_t faces, lk_error *err)
{
    float *tensor = lk_alloc_aligned(faces * LK_INPUT_COUNT(&e->model->input), sizeof *tensor, err);
    if (tensor == NULL)
        return LK_ENOMEM;
    free(e->tensor);
    e->tensor = tensor;
    return LK_OK;
}

/* Makes what every embedder has of its own: buffers and the detector's. */
static lk_status open_rest(struct lk_embedder *e, lk_error *err)
{
    LK_TRY(lk_model_output(e->model, e->ort, &e->output, err));
    LK_TRY(make_room(e, e->run_size > e->batch ? e->run_size : e->batch, err));
    if (e->age_model != NULL)
        LK_TRY(lk_age_new(&e->age, e->age_model, e->age_ort, err));
    return e->detector_model != NULL ? lk_detector_new(&e->detector, e->detector_model, e->detector_ort, err)
                                     : LK_OK;
}

static lk_status open_models(struct lk_embedder *e, lk_ctx *ctx, const lk_embedder_options *options,
                             lk_error *err)
{
    LK_TRY(lk_ort_check_device(options->device, err));
    e->device = options->device != NULL && strcmp(options->device, "cuda") == 0 ? "cuda" : NULL;
    LK_TRY(lk_model_load(&e->model, ctx, options->model != NULL ? options->model : LK_DEFAULT_MODEL, err));
    LK_NEED(e->model->task == LK_TASK_RECOGNISE, err, LK_EINVAL,
            "%s is not a recogniser; `likeness models list` says what each model does", e->model->name);
    if (!options->aligned) {
        const char *name = options->detector != NULL ? options->detector : LK_DEFAULT_DETECTOR;
        LK_TRY(lk_model_load(&e->detector_model, ctx, name, err));
        LK_NEED(e->detector_model->task == LK_TASK_DETECT, err, LK_EINVAL,
                "%s is not a detector; `likeness models list` says what each model does",
                e->detector_model->name);
        /* A device would take pictures one by one, no faster than a processor, and find other numbers than that. */
        LK_TRY(lk_model_open(e->detector_model, NULL, &e->detector_ort, e->detector_sha256, err));
    }
    if (options->age_model != NULL) {
        LK_TRY(lk_model_load(&e->age_model, ctx, options->age_model, err));
        LK_NEED(e->age_model->task == LK_TASK_AGE, err, LK_EINVAL,
                "%s is not an age model; `likeness models list` says what each model does",
                e->age_model->name);
        LK_TRY(lk_model_open(e->age_model, e->device, &e->age_ort, e->age_sha256, err));
    }
    return lk_model_open(e->model, e->device, &e->ort, e->sha256, err);
}

lk_status lk_embedder_fill_runs(lk_embedder *e, lk_error *err)
{
    bool same;
    LK_TRY(lk_model_fills(e->model, e->ort, e->output, LK_EMBED_DEVICE_BATCH, &same, err));
    size_t n = same ? LK_EMBED_DEVICE_BATCH : 1;
    LK_TRY(make_room(e, n, err));
    e->run_size = n;
    return LK_OK;
}

lk_status lk_embedder_open(lk_embedder **out, lk_ctx *ctx, const lk_embedder_options *options, lk_error *err)
{
    struct lk_embedder *e = lk_calloc(1, sizeof *e, err);
    if (e == NULL)
        return LK_ENOMEM;
    e->batch = 1;
    lk_status status = open_models(e, ctx, options, err);
    if (status == LK_OK)
        status = open_rest(e, err);
    if (status == LK_OK && e->device != NULL)
        status = lk_embedder_fill_runs(e, err);
    if (status != LK_OK) {
        lk_embedder_free(e);
        return status;
    }
    *out = e;
    return LK_OK;
}

lk_status lk_embedder_open_like(lk_embedder **out, const lk_embedder *other, lk_error *err)
{
    struct lk_embedder *e = lk_calloc(1, sizeof *e, err);
    if (e == NULL)
        return LK_ENOMEM;
    e->model = lk_model_share(other->model);
    e->ort = lk_ort_share(other->ort);
    e->batch = other->batch;
    e->run_size = other->run_size;
    e->device = other->device;
    memcpy(e->sha256, other->sha256, sizeof e->sha256);
    if (other->detector_model != NULL) {
        e->detector_model = lk_model_share(other->detector_model);
        e->detector_ort = lk_ort_share(other->detector_ort);
        memcpy(e->detector_sha256, other->detector_sha256, sizeof e->detector_sha256);
    }
    if (other->age_model != NULL) {
        e->age_model = lk_model_share(other->age_model);
        e->age_ort = lk_ort_share(other->age_ort);
        memcpy(e->age_sha256, other->age_sha256, sizeof e->age_sha256);
    }
    lk_status status = open_rest(e, err);
    if (status != LK_OK) {
        lk_embedder_free(e);
        return status;
    }
    *out = e;
    return LK_OK;
}

static void drop_waiting(struct lk_embedder *e)
{
    for (size_t i = 0; i < e->n_waiting; i++)
        lk_image_free(&e->waiting[i].crop);
    e->n_waiting = 0;
}

void lk_embedder_free(lk_embedder *e)
{
    if (e == NULL)
        return;
    drop_waiting(e);
    lk_age_free(e->age);
    lk_model_free(e->age_model);
    lk_ort_free(e->age_ort);
    lk_detector_free(e->detector);
    lk_model_free(e->model);
    lk_model_free(e->detector_model);
    lk_ort_free(e->ort);
    lk_ort_free(e->detector_ort);
    free(e->tensor);
    free(e);
}

lk_status lk_embedder_gather(lk_embedder *e, size_t *batch, lk_error *err)
{
    bool same;
    if (e->run_size > 0) {
        *batch = e->batch = e->run_size;
        return LK_OK;
    }
    LK_TRY(lk_model_batches(e->model, e->ort, e->output, LK_EMBED_BATCH, &same, err));
    size_t n = same ? LK_EMBED_BATCH : 1;
    LK_TRY(make_room(e, n, err));
    *batch = e->batch = n;
    return LK_OK;
}

int lk_embedder_dim(const lk_embedder *e)
{
    return e->model->dim;
}

static struct lk_embedder_part about_part(const struct lk_model *model, const char *sha256)
{
    struct lk_embedder_part part = {model->name, model->licence, model->descriptor, ""};
    memcpy(part.sha256, sha256, sizeof part.sha256);
    return part;
}

void lk_embedder_about(const lk_embedder *e, struct lk_embedder_about *out)
{
    memset(out, 0, sizeof *out);
    out->model = about_part(e->model, e->sha256);
    if (e->detector_model != NULL)
        out->detector = about_part(e->detector_model, e->detector_sha256);
    if (e->age_model != NULL)
        out->age = about_part(e->age_model, e->age_sha256);
    out->device = e->device;
    out->dim = e->model->dim;
    out->size = e->model->input.width;
    out->thresholds = e->model->thresholds;
    out->alignment = e->detector_model != NULL ? "arcface112" : "aligned";
    out->input = &e->model->input;
}

void lk_embedder_times(const lk_embedder *e, struct lk_embedder_times *out)
{
    *out = e->times;
}

/* Adds the time since *at to a stage, and starts the next one. */
static void stage_done(double *stage, double *at)
{
    double now = lk_clock_seconds();
    *stage += now - *at;
    *at = now;
}

/* ---- embedding ---------------------------------------------------------------------------------------- */

/* Scales to unit length; the length before goes to *norm. */
static lk_status normalise(const struct lk_embedder *e, const float *raw, float *out, float *norm,
                           lk_error *err)
{
    double square = 0;
    for (int i = 0; i < e->model->dim; i++)
        square += (double)raw[i] * raw[i];
    double length = sqrt(square);
    LK_NEED(isfinite(length) && length > 0, err, LK_EFORMAT,
            "model %s gave an embedding of length %g, which has no direction", e->model->name, length);
    for (int i = 0; i < e->model->dim; i++)
        out[i] = (float)(raw[i] / length);
    if (norm != NULL)
        *norm = (float)length;
    return LK_OK;
}

static lk_status check_size(const struct lk_input *input, const struct lk_image *crop, lk_error *err)
{
    LK_NEED(crop->width == input->width && crop->height == input->height, err, LK_EFORMAT,
            "the picture is %d x %d, expected an aligned crop of %d x %d; a resize is not an alignment, so "
            "drop --aligned",
            crop->width, crop->height, input->width, input->height);
    return LK_OK;
}

/* The recogniser on the first n crops of the tensor. */
static lk_status run_faces(struct lk_embedder *e, size_t n, struct lk_ort_result *result, lk_error *err)
{
    size_t count = LK_INPUT_COUNT(&e->model->input), all = e->run_size > n ? e->run_size : n;
    memset(e->tensor + n * count, 0, (all - n) * count * sizeof *e->tensor);
    return lk_model_run(e->model, e->ort, e->output, e->tensor, all, result, err);
}

lk_status lk_embedder_crop_as(lk_embedder *e, const struct lk_input *input, const struct lk_image *crop,
                              float *out, float *norm, lk_error *err)
{
    LK_TRY(check_size(input, crop, err));
    lk_tensor_fill(input, crop, e->tensor);
    struct lk_ort_result result;
    LK_TRY(run_faces(e, 1, &result, err));
    lk_status status = normalise(e, result.outputs[0].data, out, norm, err);
    lk_ort_result_free(&result);
    return status;
}

lk_status lk_embedder_crop(lk_embedder *e, const struct lk_image *crop, float *out, float *norm,
                           lk_error *err)
{
    return lk_embedder_crop_as(e, &e->model->input, crop, out, norm, err);
}

static void know_nothing(struct lk_face_image *info)
{
    memset(&info->face, 0, sizeof info->face);
    info->n_faces = 0;
    info->norm = info->sharpness = info->yaw = info->age = NAN;
}

/* Records a picture that cannot be used; this is a result and not a failure of the call. */
static lk_status unusable(struct lk_face_image *info, enum lk_face_status status, const char *why,
                          lk_error *err)
{
    info->status = status;
    info->message = lk_strdup(why, err);
    return info->message != NULL ? LK_OK : LK_ENOMEM;
}

/* The picture itself as the crop, when it has the right size. */
static lk_status take_aligned(const lk_embedder *e, const struct lk_image *image, struct lk_image *crop,
                              struct lk_face_image *info, lk_error *err)
{
    const struct lk_input *input = &e->model->input;
    if (image->width != input->width || image->height != input->height) {
        char why[200];
        snprintf(
            why, sizeof why,
            "the picture is %d x %d, expected an aligned crop of %d x %d (a resize is not an alignment: drop "
            "--aligned)",
            image->width, image->height, input->width, input->height);
        return unusable(info, LK_FACE_UNREADABLE, why, err);
    }
    LK_TRY(lk_image_new(crop, image->width, image->height, err));
    memcpy(crop->rgb, image->rgb, LK_INPUT_COUNT(input));
    info->n_faces = 1;
    info->status = LK_FACE_EMBEDDED;
    return LK_OK;
}

lk_status lk_embedder_find(lk_embedder *e, const struct lk_image *image, lk_face_choice choice,
                           struct lk_image *crop, struct lk_face_image *info, lk_error *err)
{
    *crop = (struct lk_image){0, 0, NULL};
    know_nothing(info);
    info->status = LK_FACE_NONE;
    info->width = image->width;
    info->height = image->height;
    info->message = NULL;
    if (e->detector == NULL)
        return take_aligned(e, image, crop, info, err);
    struct lk_face face;
    double at = lk_clock_seconds();
    lk_status status = lk_detect(e->detector, image, choice, &face, &info->n_faces, err);
    stage_done(&e->times.detect, &at);
    if (status != LK_OK || info->n_faces == 0)
        return status;
    lk_error why;
    status = lk_align(image, &face, e->model->input.width, crop, &why);
    stage_done(&e->times.align, &at);
    if (status == LK_EFORMAT) /* points on one another: what was found is no face */
        return unusable(info, LK_FACE_NONE, why.text, err);
    if (status != LK_OK) {
        if (err != NULL)
            *err = why;
        return status;
    }
    info->status = LK_FACE_EMBEDDED;
    info->face = face;
    info->yaw = lk_yaw(&face);
    return LK_OK;
}

/* What the recogniser said of one face, and what is measured besides. */
static lk_status measure(struct lk_embedder *e, const struct waiting *face, const float *raw, lk_error *err)
{
    struct lk_face_image *info = face->info;
    lk_error why = {.code = LK_OK};
    double at = lk_clock_seconds();
    lk_status status = normalise(e, raw, face->out, &info->norm, &why);
    stage_done(&e->times.embed, &at);
    if (status == LK_OK) {
        info->sharpness = lk_sharpness(&face->crop);
        status = e->age != NULL ? lk_age_estimate(e->age, &face->crop, &info->age, &why) : LK_OK;
        stage_done(&e->times.strata, &at);
    }
    if (status == LK_EFORMAT) /* one picture without a usable embedding must not end a run over millions */
        return unusable(info, LK_FACE_UNREADABLE, why.text, err);
    if (status != LK_OK && err != NULL)
        *err = why;
    return status;
}

lk_status lk_embedder_finish(lk_embedder *e, lk_error *err)
{
    size_t n = e->n_waiting;
    if (n == 0)
        return LK_OK;
    struct lk_ort_result result;
    double at = lk_clock_seconds();
    for (size_t i = 0; i < n; i++)
        lk_tensor_fill(&e->model->input, &e->waiting[i].crop,
                       e->tensor + i * LK_INPUT_COUNT(&e->model->input));
    lk_status status = run_faces(e, n, &result, err);
    stage_done(&e->times.embed, &at);
    if (status == LK_OK) {
        for (size_t i = 0; status == LK_OK && i < n; i++)
            status = measure(e, &e->waiting[i], result.outputs[0].data + i * (size_t)e->model->dim, err);
        lk_ort_result_free(&result);
    }
    drop_waiting(e);
    return status;
}

static lk_status take_image(lk_embedder *e, const struct lk_image *image, lk_face_choice choice, float *out,
                            struct lk_face_image *info, lk_error *err)
{
    struct lk_image crop;
    lk_error why;
    LK_TRY(lk_embedder_find(e, image, choice, &crop, info, err));
    if (info->status != LK_FACE_EMBEDDED)
        return LK_OK;
    if (check_size(&e->model->input, &crop, &why) != LK_OK) {
        lk_image_free(&crop);
        return unusable(info, LK_FACE_UNREADABLE, why.text, err);
    }
    e->waiting[e->n_waiting++] = (struct waiting){crop, out, info};
    return e->n_waiting < e->batch ? LK_OK : lk_embedder_finish(e, err);
}

lk_status lk_embedder_image(lk_embedder *e, const struct lk_image *image, lk_face_choice choice, float *out,
                            struct lk_face_image *info, lk_error *err)
{
    LK_TRY(take_image(e, image, choice, out, info, err));
    return lk_embedder_finish(e, err);
}

lk_status lk_embedder_take(lk_embedder *e, const uint8_t *bytes, size_t len, lk_face_choice choice,
                           float *out, struct lk_face_image *info, lk_error *err)
{
    struct lk_image image = {0, 0, NULL};
    lk_error why;
    double at = lk_clock_seconds();
    lk_status status = lk_image_decode(bytes, len, &image, &why);
    stage_done(&e->times.decode, &at);
    if (status == LK_ENOMEM) {
        if (err != NULL)
            *err = why;
        return status;
    }
    if (status != LK_OK) {
        know_nothing(info);
        info->width = info->height = 0;
        return unusable(info, LK_FACE_UNREADABLE, why.text, err);
    }
    status = take_image(e, &image, choice, out, info, err);
    lk_image_free(&image);
    return status;
}

lk_status lk_embedder_bytes(lk_embedder *e, const uint8_t *bytes, size_t len, lk_face_choice choice,
                            float *out, struct lk_face_image *info, lk_error *err)
{
    LK_TRY(lk_embedder_take(e, bytes, len, choice, out, info, err));
    return lk_embedder_finish(e, err);
}

lk_status lk_embedder_file(lk_embedder *e, const char *path, float *out, lk_error *err)
{
    uint8_t *bytes = NULL;
    size_t len = 0;
    LK_TRY(lk_file_read(path, LK_IMAGE_MAX_BYTES, &bytes, &len, err));
    struct lk_face_image info = {0};
    lk_status status = lk_embedder_bytes(e, bytes, len, LK_FACE_LARGEST, out, &info, err);
    free(bytes);
    if (status == LK_OK && info.status == LK_FACE_UNREADABLE)
        status = lk_fail(err, LK_EFORMAT, "%s: %s", path, info.message);
    else if (status == LK_OK && info.status == LK_FACE_NONE)
        status = lk_fail(err, LK_EUNSUP, "%s: no face found by %s", path, e->detector_model->name);
    else if (status != LK_OK)
        lk_error_prefix(err, "%s", path);
    free(info.message);
    return status;
}
