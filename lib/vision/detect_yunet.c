/* SPDX-License-Identifier: Apache-2.0 */
/* detect_yunet.c - outputs of YuNet (Wu, Peng & Yu 2023; OpenCV Zoo face_detection_yunet from 2023 on).
 *
 * Anchor-free: one candidate per cell of strides 8, 16 and 32. The score is the geometric mean of class and
 * objectness; centre and points are in strides from the cell's origin, the size is exp of the output, in
 * strides. */
#include <math.h>

#include "vision/detect.h"

static const int strides[3] = {8, 16, 32};

static const char *const names[12] = {"cls_8",  "cls_16",  "cls_32",  "obj_8", "obj_16", "obj_32",
                                      "bbox_8", "bbox_16", "bbox_32", "kps_8", "kps_16", "kps_32"};

static size_t columns_of(const struct lk_input *input, int stride)
{
    return (size_t)(input->width / stride);
}

static size_t cells(const struct lk_input *input, int stride)
{
    return columns_of(input, stride) * (size_t)(input->height / stride);
}

static size_t count(const struct lk_input *input, size_t index)
{
    static const size_t values[4] = {1, 1, 4, 10};
    return values[index / 3] * cells(input, strides[index % 3]);
}

static float unit(float x)
{
    return fminf(fmaxf(x, 0), 1);
}

static lk_status decode(const struct lk_ort_tensor *outputs, const struct lk_input *input, float min_score,
                        struct lk_face_list *list, lk_error *err)
{
    for (size_t l = 0; l < 3; l++) {
        float stride = (float)strides[l];
        size_t n = cells(input, strides[l]), columns = columns_of(input, strides[l]);
        for (size_t i = 0; i < n; i++) {
            float score = sqrtf(unit(outputs[l].data[i]) * unit(outputs[3 + l].data[i]));
            if (!(score >= min_score))
                continue;
            const float *box = outputs[6 + l].data + 4 * i, *points = outputs[9 + l].data + 10 * i;
            float x = (float)(i % columns), y = (float)(i / columns);
            float w = stride * expf(box[2]), h = stride * expf(box[3]);
            struct lk_face face = {
                .box = {stride * (x + box[0]) - w / 2, stride * (y + box[1]) - h / 2, w, h},
                .score = score,
                .has = 1u << LK_EYE_LEFT | 1u << LK_EYE_RIGHT | 1u << LK_NOSE | 1u << LK_MOUTH_LEFT |
                       1u << LK_MOUTH_RIGHT};
            for (size_t k = 0; k < 5; k++) {
                face.points[k][0] = stride * (x + points[2 * k]);
                face.points[k][1] = stride * (y + points[2 * k + 1]);
            }
            LK_TRY(lk_face_list_add(list, &face, err));
        }
    }
    return LK_OK;
}

const struct lk_decoder lk_decoder_yunet = {names, 12, count, decode, 0.3f, false, 0};
