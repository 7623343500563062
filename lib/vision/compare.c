/* SPDX-License-Identifier: Apache-2.0 */
/* compare.c - compares two files of one model on random pictures. */
#include "vision/compare.h"

#include <math.h>
#include <stdlib.h>

#include "base/fs.h"
#include "base/rng.h"

static lk_status open_file(const struct lk_model *model, const char *path, struct lk_ort **ort, lk_error *err)
{
    struct lk_map map;
    LK_TRY(lk_map_open(&map, path, err));
    lk_status status = lk_model_open_bytes(model, map.bytes, map.len, path, NULL, ort, err);
    lk_map_close(&map);
    return status;
}

double lk_model_difference(const struct lk_ort_tensor *a, const struct lk_ort_tensor *b)
{
    if (a->count != b->count)
        return INFINITY;
    double most = 0, size = 0;
    for (size_t i = 0; i < a->count; i++) {
        double d = fabs((double)a->data[i] - b->data[i]);
        if (!isfinite(d))
            return INFINITY;
        most = fmax(most, d);
        size = fmax(size, fabs(a->data[i]));
    }
    return size > 0 ? most / size : most;
}

/* Runs both sessions on one tensor and raises *diff to their largest difference. */
static lk_status compare_once(const struct lk_model *model, struct lk_ort *a, struct lk_ort *b,
                              const float *tensor, double *diff, lk_error *err)
{
    size_t outputs[LK_ORT_MAX_OUTPUTS], n = lk_ort_n_outputs(a);
    n = n < LK_ORT_MAX_OUTPUTS ? n : LK_ORT_MAX_OUTPUTS;
    for (size_t i = 0; i < n; i++)
        outputs[i] = i;
    int64_t dims[4];
    lk_model_dims(model, dims);
    struct lk_ort_result x, y;
    LK_TRY(lk_ort_run(a, tensor, dims, 4, outputs, n, &x, err));
    lk_status status = lk_ort_run(b, tensor, dims, 4, outputs, n, &y, err);
    if (status == LK_OK) {
        for (size_t i = 0; i < n; i++)
            *diff = fmax(*diff, lk_model_difference(&x.outputs[i], &y.outputs[i]));
        lk_ort_result_free(&y);
    }
    lk_ort_result_free(&x);
    return status;
}

lk_status lk_model_pictures(const struct lk_model *model, float **tensors, lk_error *err)
{
    const struct lk_input *input = &model->input;
    size_t count = LK_INPUT_COUNT(input);
    struct lk_image noise = {0, 0, NULL};
    LK_TRY(lk_image_new(&noise, input->width, input->height, err));
    float *out = lk_alloc_aligned(LK_MODEL_PICTURES * count, sizeof *out, err);
    struct lk_rng rng = lk_rng_seed(1);
    for (size_t k = 0; k < LK_MODEL_PICTURES && out != NULL; k++) {
        for (size_t i = 0; i < count; i++)
            noise.rgb[i] = (uint8_t)lk_rng_below(&rng, 256);
        lk_tensor_fill(input, &noise, out + k * count);
    }
    lk_image_free(&noise);
    *tensors = out;
    return out != NULL ? LK_OK : LK_ENOMEM;
}

static lk_status compare_open(const struct lk_model *model, struct lk_ort *a, struct lk_ort *b, double *diff,
                              lk_error *err)
{
    LK_NEED(lk_ort_n_outputs(a) == lk_ort_n_outputs(b), err, LK_EFORMAT,
            "model %s: %zu outputs and %zu after cleaning", model->name, lk_ort_n_outputs(a),
            lk_ort_n_outputs(b));
    float *tensors = NULL;
    double most = 0;
    lk_status status = lk_model_pictures(model, &tensors, err);
    for (size_t k = 0; k < LK_MODEL_PICTURES && status == LK_OK; k++)
        status = compare_once(model, a, b, tensors + k * LK_INPUT_COUNT(&model->input), &most, err);
    free(tensors);
    if (status == LK_OK)
        *diff = most;
    return status;
}

lk_status lk_model_compare(const struct lk_model *model, const char *original, const char *other,
                           double *diff, lk_error *err)
{
    struct lk_ort *a = NULL, *b = NULL;
    lk_status status = open_file(model, original, &a, err);
    if (status == LK_OK)
        status = open_file(model, other, &b, err);
    if (status == LK_OK)
        status = compare_open(model, a, b, diff, err);
    lk_ort_free(a);
    lk_ort_free(b);
    return status;
}
