/* SPDX-License-Identifier: Apache-2.0 */
/* ort.h - one ONNX model loaded into ONNX Runtime: its inputs and outputs, and running it. */
#ifndef LK_VISION_ORT_H
#define LK_VISION_ORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define LK_ORT_MAX_DIMS 6
#define LK_ORT_MAX_OUTPUTS 16

const char *lk_ort_version(void); /* of ONNX Runtime */

struct lk_ort; /* a session; running it from several threads at once is allowed */

struct lk_ort_port { /* an input or output as the model declares it */
    const char *name;
    bool is_float;                 /* a tensor of float32 */
    int64_t dims[LK_ORT_MAX_DIMS]; /* -1 = decided at run time */
    int n_dims;
};

/* What a network runs on: NULL or "cpu", or "cuda" where the runtime has a provider for it. LK_EINVAL for others. */
lk_status lk_ort_check_device(const char *device, lk_error *err);
/* Loads the bytes of an ONNX file; `where` is the path for messages. LK_EUNSUP when the device cannot be used. */
lk_status lk_ort_open(struct lk_ort **out, const uint8_t *bytes, size_t len, const char *where, const char *device,
                      lk_error *err);
struct lk_ort *lk_ort_share(struct lk_ort *ort); /* one more owner */
void lk_ort_free(struct lk_ort *ort);            /* one owner less */

size_t lk_ort_n_inputs(const struct lk_ort *ort);
size_t lk_ort_n_outputs(const struct lk_ort *ort);
const struct lk_ort_port *lk_ort_input(const struct lk_ort *ort, size_t index);
const struct lk_ort_port *lk_ort_output(const struct lk_ort *ort, size_t index);

struct lk_ort_tensor {
    const float *data;
    size_t count;
};
struct lk_ort_result {
    struct lk_ort_tensor outputs[LK_ORT_MAX_OUTPUTS];
    void *values[LK_ORT_MAX_OUTPUTS];
    size_t n;
    struct lk_ort *ort;
};

/* Runs the model on one float tensor for its first input and gives the outputs with the indices asked for
 * (those of lk_ort_output). They live until lk_ort_result_free. */
lk_status lk_ort_run(struct lk_ort *ort, const float *data, const int64_t *dims, int n_dims,
                     const size_t *outputs, size_t n_outputs, struct lk_ort_result *result, lk_error *err);
void lk_ort_result_free(struct lk_ort_result *result);

#endif
