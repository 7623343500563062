/* SPDX-License-Identifier: Apache-2.0 */
/* onnx_run.c - runs an ONNX model with one input and one output on what a .npy file holds, for tests in
 * Python.
 *
 * usage: onnx_run MODEL.onnx IN.npy OUT.npy     (IN.npy: inputs one after the other, in rows of any length)
 */
#include <stdio.h>
#include <stdlib.h>

#include "formats/npy.h"
#include "vision/ort.h"

static int die(const lk_error *err)
{
    fprintf(stderr, "onnx_run: %s\n", err->text);
    return 1;
}

static lk_status run(struct lk_ort *ort, const struct lk_matrix *in, FILE *out, lk_error *err)
{
    const struct lk_ort_port *port = lk_ort_input(ort, 0);
    uint64_t size = 1;
    for (int i = 0; i < port->n_dims; i++)
        size *= (uint64_t)port->dims[i];
    uint64_t n = in->rows * in->dim / size;
    for (uint64_t i = 0; i < n; i++) {
        struct lk_ort_result result;
        LK_TRY(lk_ort_run(ort, in->data + i * size, port->dims, port->n_dims, (const size_t[]){0}, 1, &result,
                          err));
        if (i == 0)
            LK_TRY(lk_npy_write_header(out, n, result.outputs[0].count, err));
        fwrite(result.outputs[0].data, sizeof(float), result.outputs[0].count, out);
        lk_ort_result_free(&result);
    }
    return LK_OK;
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: onnx_run MODEL.onnx IN.npy OUT.npy\n");
        return 2;
    }
    struct lk_map model;
    struct lk_ort *ort = NULL;
    struct lk_matrix in;
    lk_error err;
    if (lk_map_open(&model, argv[1], &err) != LK_OK ||
        lk_ort_open(&ort, model.bytes, model.len, argv[1], NULL, &err) != LK_OK ||
        lk_matrix_open(&in, NULL, argv[2], &err) != LK_OK)
        return die(&err);
    FILE *out = fopen(argv[3], "wb");
    if (out == NULL || run(ort, &in, out, &err) != LK_OK)
        return die(&err);
    lk_ort_free(ort);
    lk_matrix_close(&in);
    lk_map_close(&model);
    return fclose(out) == 0 ? 0 : 1;
}
