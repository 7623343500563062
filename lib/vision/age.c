/* SPDX-License-Identifier: Apache-2.0 */
/* age.c - estimates the age of the face on an aligned crop. */
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "vision/strata.h"

struct lk_age {
    struct lk_model *model;
    struct lk_ort *ort;
    size_t output;
    struct lk_image view; /* the resampled crop */
    float *tensor;
};

lk_status lk_age_new(struct lk_age **out, struct lk_model *model, struct lk_ort *ort, lk_error *err)
{
    LK_NEED(model->task == LK_TASK_AGE, err, LK_EINVAL, "%s is not an age model", model->name);
    struct lk_age *age = lk_calloc(1, sizeof *age, err);
    if (age == NULL)
        return LK_ENOMEM;
    age->model = lk_model_share(model);
    age->ort = lk_ort_share(ort);
    lk_status status = lk_model_output(model, ort, &age->output, err);
    if (status == LK_OK)
        status = lk_image_new(&age->view, model->input.width, model->input.height, err);
    if (status == LK_OK) {
        age->tensor = lk_alloc_aligned(LK_INPUT_COUNT(&model->input), sizeof *age->tensor, err);
        status = age->tensor != NULL ? LK_OK : LK_ENOMEM;
    }
    if (status != LK_OK) {
        lk_age_free(age);
        return status;
    }
    *out = age;
    return LK_OK;
}

void lk_age_free(struct lk_age *age)
{
    if (age == NULL)
        return;
    lk_model_free(age->model);
    lk_ort_free(age->ort);
    lk_image_free(&age->view);
    free(age->tensor);
    free(age);
}

/* The mean of the years under their probabilities: on pictures whose ages another network estimated it was
 * closer to those than the most probable year, or the two most probable ones weighed (docs/models.md). */
static float expected_year(const struct lk_model *model, const float *probabilities)
{
    double total = 0, sum = 0;
    for (int i = 0; i < model->dim; i++) {
        if (!(probabilities[i] >= 0))
            return NAN;
        total += probabilities[i];
        sum += (double)probabilities[i] * (model->first_year + i);
    }
    return total > 0 && isfinite(total) ? (float)(sum / total) : NAN;
}

lk_status lk_age_estimate(struct lk_age *age, const struct lk_image *crop, float *years, lk_error *err)
{
    const struct lk_model *model = age->model;
    struct lk_similarity map = lk_letterbox(&model->input, crop->width, crop->height, 1);
    LK_TRY(lk_warp(crop, &map, &age->view, err));
    lk_tensor_fill(&model->input, &age->view, age->tensor);
    int64_t dims[4];
    lk_model_dims(model, dims);
    struct lk_ort_result result;
    LK_TRY(lk_ort_run(age->ort, age->tensor, dims, 4, &age->output, 1, &result, err));
    lk_status status = LK_OK;
    if (result.outputs[0].count != (size_t)model->dim)
        status = lk_fail(err, LK_EBACKEND, "model %s: output '%s' gave %zu numbers, the descriptor says %d",
                         model->name, model->output, result.outputs[0].count, model->dim);
    else
        *years = expected_year(model, result.outputs[0].data);
    lk_ort_result_free(&result);
    return status;
}
