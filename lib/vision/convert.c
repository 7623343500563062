/* SPDX-License-Identifier: Apache-2.0 */
/* convert.c - converts a TensorFlow.js graph model to ONNX with helper programs, and checks the result. */
#include "vision/convert.h"

#include <stdlib.h>

#include "base/fs.h"
#include "base/mem.h"
#include "formats/npy.h"
#include "vision/child.h"
#include "vision/compare.h"

#define PYTHON "/usr/bin/python3" /* Debian's own, which sees python3-onnx */

/* Runs one of the helper programs of the data directory. */
static lk_status run_script(lk_ctx *ctx, const struct lk_model *model, const char *name,
                            const char *const arguments[4], lk_error *err)
{
    char output[600];
    int code = 0;
    char *script = lk_path_join(lk_ctx_data_dir(ctx), name, err);
    if (script == NULL)
        return LK_ENOMEM;
    const char *argv[] = {PYTHON, script, arguments[0], arguments[1], arguments[2], arguments[3], NULL};
    lk_status status = lk_child_run(ctx, argv, output, &code, err);
    if (status == LK_OK && code != 0)
        status = lk_fail(err, LK_EIO, "%s: cannot be converted to ONNX, which needs python3-onnx: %s",
                         model->name, output);
    free(script);
    return status;
}

static lk_status write_pictures(const char *path, const float *tensors, const struct lk_input *input,
                                lk_error *err)
{
    struct lk_out out = {0};
    size_t count = LK_MODEL_PICTURES * LK_INPUT_COUNT(input);
    LK_TRY(lk_out_open(&out, path, err));
    /* Rows of any length do; those of the pictures stay within what .npy readers of ours take. */
    size_t dim = (size_t)input->width * 3;
    lk_status status = lk_npy_write_header(out.stream, count / dim, dim, err);
    if (status == LK_OK)
        fwrite(tensors, sizeof *tensors, count, out.stream); /* commit finds out when this fails */
    if (status == LK_OK)
        status = lk_out_commit(&out, err);
    lk_out_abandon(&out);
    return status;
}

/* The converted file against the answers that numpy gave. */
static lk_status compare_answers(const struct lk_model *model, const char *converted, const float *tensors,
                                 const struct lk_matrix *answers, double *diff, lk_error *err)
{
    struct lk_map map;
    struct lk_ort *ort = NULL;
    size_t output = 0;
    int64_t dims[4];
    lk_model_dims(model, dims);
    LK_NEED(answers->rows == LK_MODEL_PICTURES, err, LK_EBACKEND, "%s: %llu answers for %d pictures",
            model->name, (unsigned long long)answers->rows, LK_MODEL_PICTURES);
    LK_TRY(lk_map_open(&map, converted, err));
    lk_status status = lk_model_open_bytes(model, map.bytes, map.len, converted, NULL, &ort, err);
    if (status == LK_OK)
        status = lk_model_output(model, ort, &output, err);
    *diff = 0;
    for (uint64_t i = 0; i < answers->rows && status == LK_OK; i++) {
        struct lk_ort_result result;
        status =
            lk_ort_run(ort, tensors + i * LK_INPUT_COUNT(&model->input), dims, 4, &output, 1, &result, err);
        if (status != LK_OK)
            break;
        const struct lk_ort_tensor expected = {lk_matrix_row(answers, i), (size_t)answers->dim};
        double d = lk_model_difference(&expected, &result.outputs[0]);
        *diff = d > *diff ? d : *diff;
        lk_ort_result_free(&result);
    }
    lk_ort_free(ort);
    lk_map_close(&map);
    return status;
}

static lk_status check_conversion(lk_ctx *ctx, const struct lk_model *model, const char *original,
                                  const char *converted, const char *pictures, const char *answered,
                                  double *diff, lk_error *err)
{
    const char *const arguments[] = {original, model->output, pictures, answered};
    struct lk_matrix answers;
    float *tensors = NULL;
    LK_TRY(lk_model_pictures(model, &tensors, err));
    lk_status status = write_pictures(pictures, tensors, &model->input, err);
    if (status == LK_OK)
        status = run_script(ctx, model, "tfjs_graph.py", arguments, err);
    if (status == LK_OK && (status = lk_matrix_open(&answers, NULL, answered, err)) == LK_OK) {
        status = compare_answers(model, converted, tensors, &answers, diff, err);
        lk_matrix_close(&answers);
    }
    free(tensors);
    return status;
}

lk_status lk_model_convert(lk_ctx *ctx, const struct lk_model *model, const char *stage, const char *original,
                           const char *converted, double *diff, lk_error *err)
{
    const char *const arguments[] = {original, model->output, converted, NULL};
    LK_TRY(run_script(ctx, model, "convert_tfjs.py", arguments, err));
    char *pictures = lk_path_join(stage, "pictures.npy", err),
         *answered = lk_path_join(stage, "answers.npy", err);
    lk_status status = pictures != NULL && answered != NULL ? LK_OK : LK_ENOMEM;
    if (status == LK_OK)
        status = check_conversion(ctx, model, original, converted, pictures, answered, diff, err);
    free(pictures);
    free(answered);
    LK_TRY(status);
    LK_NEED(*diff <= LK_MODEL_MAX_DIFF, err, LK_EFORMAT,
            "%s: the converted file's outputs differ by %.2g from the original's (at most %.0e is taken)",
            model->name, *diff, LK_MODEL_MAX_DIFF);
    return LK_OK;
}
