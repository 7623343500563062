/* SPDX-License-Identifier: Apache-2.0 */
/* batch.c - a recogniser on several crops at once, and whether that gives what it gives one by one.
 *
 * Nothing in ONNX promises it. A runtime may choose another kernel for another shape, or sum in another
 * order, and a network may mix the pictures of a batch. Embeddings must not depend on which pictures happened
 * to lie beside one another, so it is tried before batches are used. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "vision/model.h"

lk_status lk_model_run(const struct lk_model *model, struct lk_ort *ort, size_t output, const float *tensor,
                       size_t n, struct lk_ort_result *result, lk_error *err)
{
    int64_t dims[4];
    lk_model_dims(model, dims);
    dims[0] = (int64_t)n;
    LK_TRY(lk_ort_run(ort, tensor, dims, 4, &output, 1, result, err));
    size_t count = result->outputs[0].count;
    if (count == n * (size_t)model->dim)
        return LK_OK;
    lk_ort_result_free(result);
    return lk_fail(err, LK_EBACKEND,
                   "model %s: output '%s' gave %zu numbers for %zu pictures, the descriptor says %d for each",
                   model->name, model->output, count, n, model->dim);
}

/* Crops of noise, all different, so that every weight of the network takes part. */
static lk_status make_noise(const struct lk_input *input, size_t n, float *tensor, lk_error *err)
{
    struct lk_image noise;
    struct lk_rng rng = lk_rng_seed(1);
    LK_TRY(lk_image_new(&noise, input->width, input->height, err));
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < LK_INPUT_COUNT(input); k++)
            noise.rgb[k] = (uint8_t)lk_rng_below(&rng, 256);
        lk_tensor_fill(input, &noise, tensor + i * LK_INPUT_COUNT(input));
    }
    lk_image_free(&noise);
    return LK_OK;
}

/* Tries the first 1 .. n crops of the tensor at once; alone[n x dim] receives what each of them gives alone.
 * That the runtime fails is an answer too: a real failure shows again with the first picture. */
static bool same_in_batches(const struct lk_model *model, struct lk_ort *ort, size_t output,
                            const float *tensor, size_t n, float *alone)
{
    size_t dim = (size_t)model->dim;
    bool same = true;
    for (size_t i = 0; same && i < n; i++) {
        struct lk_ort_result result;
        if (lk_model_run(model, ort, output, tensor + i * LK_INPUT_COUNT(&model->input), 1, &result, NULL) !=
            LK_OK)
            return false;
        memcpy(alone + i * dim, result.outputs[0].data, dim * sizeof *alone);
        lk_ort_result_free(&result);
        if (i == 0)
            continue;
        if (lk_model_run(model, ort, output, tensor, i + 1, &result, NULL) != LK_OK)
            return false;
        same = memcmp(alone, result.outputs[0].data, (i + 1) * dim * sizeof *alone) == 0;
        lk_ort_result_free(&result);
    }
    return same;
}

lk_status lk_model_batches(const struct lk_model *model, struct lk_ort *ort, size_t output, size_t n,
                           bool *same, lk_error *err)
{
    *same = false;
    if (lk_ort_input(ort, 0)->dims[0] != -1)
        return LK_OK;
    float *alone = lk_calloc(n * (size_t)model->dim, sizeof *alone, err);
    float *tensor = lk_alloc_aligned(n * LK_INPUT_COUNT(&model->input), sizeof *tensor, err);
    lk_status status = alone != NULL && tensor != NULL ? LK_OK : LK_ENOMEM;
    if (status == LK_OK)
        status = make_noise(&model->input, n, tensor, err);
    if (status == LK_OK)
        *same = same_in_batches(model, ort, output, tensor, n, alone);
    free(alone);
    free(tensor);
    return status;
}

/* among[n x dim] receives what the crops give among each other; each is then tried in another place, with zeros around it. */
static bool same_anywhere(const struct lk_model *model, struct lk_ort *ort, size_t output, const float *tensor, size_t n,
                          float *around, float *among)
{
    size_t dim = (size_t)model->dim, count = LK_INPUT_COUNT(&model->input);
    struct lk_ort_result result;
    if (lk_model_run(model, ort, output, tensor, n, &result, NULL) != LK_OK)
        return false;
    memcpy(among, result.outputs[0].data, n * dim * sizeof *among);
    lk_ort_result_free(&result);
    bool same = true;
    for (size_t i = 0; same && i < n; i++) {
        size_t place = (5 * i + 3) % n;
        memset(around, 0, n * count * sizeof *around);
        memcpy(around + place * count, tensor + i * count, count * sizeof *around);
        if (lk_model_run(model, ort, output, around, n, &result, NULL) != LK_OK)
            return false;
        same = memcmp(among + i * dim, result.outputs[0].data + place * dim, dim * sizeof *among) == 0;
        lk_ort_result_free(&result);
    }
    return same;
}

lk_status lk_model_fills(const struct lk_model *model, struct lk_ort *ort, size_t output, size_t n, bool *same,
                         lk_error *err)
{
    size_t count = LK_INPUT_COUNT(&model->input);
    *same = false;
    if (lk_ort_input(ort, 0)->dims[0] != -1)
        return LK_OK;
    float *among = lk_calloc(n * (size_t)model->dim, sizeof *among, err);
    float *tensor = lk_alloc_aligned(n * count, sizeof *tensor, err), *around = lk_alloc_aligned(n * count, sizeof *around, err);
    lk_status status = among != NULL && tensor != NULL && around != NULL ? LK_OK : LK_ENOMEM;
    if (status == LK_OK)
        status = make_noise(&model->input, n, tensor, err);
    if (status == LK_OK)
        *same = same_anywhere(model, ort, output, tensor, n, around, among);
    free(among);
    free(tensor);
    free(around);
    return status;
}
