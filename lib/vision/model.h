/* SPDX-License-Identifier: Apache-2.0 */
/* model.h - a model's descriptor (docs/formats.md), where its file lies, and the file loaded and checked
 * against it. */
#ifndef LK_VISION_MODEL_H
#define LK_VISION_MODEL_H

#include <jansson.h>
#include <stdatomic.h>

#include "base/ctx.h"
#include "vision/ort.h"
#include "vision/tensor.h"

enum lk_decoder_kind { LK_DECODE_RETINAFACE, LK_DECODE_BLAZEFACE, LK_DECODE_SCRFD, LK_DECODE_YUNET };

struct lk_npm { /* where the file comes from; package == NULL when npm has it not */
    const char *package, *version, *integrity, *path;
    const char *licence_file; /* in the package; NULL = none */
    const char *weights;      /* file that a model in another format has beside `path`; NULL = none */
};

/* Immutable once loaded, so that workers share it. Strings live in json. */
struct lk_model {
    atomic_int owners;
    json_t *json;
    char *where;     /* the descriptor's path */
    char *descriptor; /* where, as an absolute path, when it was given by path; NULL = of the registry */
    char *path;      /* of the ONNX file (of the folder, for portraits) */
    const char *name, *title, *licence, *source, *file;
    const char *sha256; /* of the original; NULL = not known */
    bool tfjs;          /* the original is a TensorFlow.js graph model, converted after fetching */
    const char *weights_sha256; /* of its second file */
    lk_model_task task;
    bool restricted, clean;
    struct lk_npm npm;
    struct lk_input input;
    const char *input_name;
    /* recognisers and age models */
    const char *output;
    int dim;
    int first_year; /* age models: the age that the first of dim probabilities is for */
    /* recognisers */
    const json_t *thresholds;
    /* detectors */
    enum lk_decoder_kind decoder;
    float min_score;
};

/* By registry name, or by path when it has a '/' or ends in ".json". */
lk_status lk_model_load(struct lk_model **out, const lk_ctx *ctx, const char *name, lk_error *err);
struct lk_model *lk_model_share(struct lk_model *model);
void lk_model_free(struct lk_model *model); /* one owner less */
bool lk_model_present(const struct lk_model *model);

/* Beside a fetched file lies FILE.json, which says what was done to the original. */
struct lk_model_record {
    char original[65], in_use[65]; /* sha256 */
    double output_diff; /* largest relative difference of outputs after cleaning; NaN = not cleaned */
};
lk_status lk_model_record_read(const struct lk_model *model, struct lk_model_record *out, bool *found,
                               lk_error *err);
lk_status lk_model_record_write(const struct lk_model *model, const struct lk_model_record *record,
                                lk_error *err);

/* Maps and hashes the file, refuses one that is not the descriptor's, loads it for the device (ort.h), and compares
 * inputs and outputs with the descriptor. */
lk_status lk_model_open(const struct lk_model *model, const char *device, struct lk_ort **ort, char sha256[65],
                        lk_error *err);
/* The first two steps of it. */
lk_status lk_model_verify(const struct lk_model *model, char sha256[65], lk_error *err);
/* The last two steps, for a file that lies elsewhere. */
lk_status lk_model_open_bytes(const struct lk_model *model, const uint8_t *bytes, size_t len,
                              const char *where, const char *device, struct lk_ort **ort, lk_error *err);

/* Index of the output of a recogniser or an age model among those of the file. */
lk_status lk_model_output(const struct lk_model *model, const struct lk_ort *ort, size_t *index,
                          lk_error *err);
/* The dimensions of the input tensor, batch of one. */
void lk_model_dims(const struct lk_model *model, int64_t dims[4]);

/* ---- batch.c: several crops at once --------------------------------------------------------------- */

/* Runs a recogniser once on n tensors that lie one behind the other; on success result->outputs[0] holds
 * n x dim numbers. */
lk_status lk_model_run(const struct lk_model *model, struct lk_ort *ort, size_t output, const float *tensor,
                       size_t n, struct lk_ort_result *result, lk_error *err);
/* Whether the model takes batches of 2 .. n and gives for each picture, bit for bit, what it gives for that
 * picture alone, as tried on made pictures. Takes the time of about n (n + 3) / 2 pictures. */
lk_status lk_model_batches(const struct lk_model *model, struct lk_ort *ort, size_t output, size_t n,
                           bool *same, lk_error *err);
/* Whether the model takes batches of n and gives for each picture, bit for bit, the same in any place of a batch and with any
 * others in it, as tried on made pictures. Takes n + 1 batches. */
lk_status lk_model_fills(const struct lk_model *model, struct lk_ort *ort, size_t output, size_t n, bool *same,
                         lk_error *err);

#endif
