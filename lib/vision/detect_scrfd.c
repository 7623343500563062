/* SPDX-License-Identifier: Apache-2.0 */
/* detect_scrfd.c - outputs of SCRFD with key points (Guo et al. 2022; InsightFace det_*, scrfd_*_bnkps).
 *
 * Exports name their outputs differently and agree on the order: scores of strides 8, 16, 32, then boxes,
 * then points. Two anchors per cell; boxes are distances from the cell's origin to the four sides, in
 * strides. */
#include "vision/detect.h"

static const int strides[3] = {8, 16, 32};

static size_t columns_of(const struct lk_input *input, int stride)
{
    return (size_t)((input->width + stride - 1) / stride);
}

static size_t anchors(const struct lk_input *input, int stride)
{
    return 2 * columns_of(input, stride) * (size_t)((input->height + stride - 1) / stride);
}

static size_t count(const struct lk_input *input, size_t index)
{
    static const size_t values[3] = {1, 4, 10};
    return values[index / 3] * anchors(input, strides[index % 3]);
}

static lk_status decode(const struct lk_ort_tensor *outputs, const struct lk_input *input, float min_score,
                        struct lk_face_list *list, lk_error *err)
{
    for (size_t l = 0; l < 3; l++) {
        float stride = (float)strides[l];
        size_t n = anchors(input, strides[l]), columns = columns_of(input, strides[l]);
        const float *scores = outputs[l].data;
        for (size_t i = 0; i < n; i++) {
            if (!(scores[i] >= min_score))
                continue;
            const float *box = outputs[3 + l].data + 4 * i, *points = outputs[6 + l].data + 10 * i;
            float cx = (float)(i / 2 % columns) * stride, cy = (float)(i / 2 / columns) * stride;
            struct lk_face face = {.box = {cx - stride * box[0], cy - stride * box[1],
                                           stride * (box[0] + box[2]), stride * (box[1] + box[3])},
                                   .score = scores[i],
                                   .has = 1u << LK_EYE_LEFT | 1u << LK_EYE_RIGHT | 1u << LK_NOSE |
                                          1u << LK_MOUTH_LEFT | 1u << LK_MOUTH_RIGHT};
            for (size_t k = 0; k < 5; k++) {
                face.points[k][0] = cx + stride * points[2 * k];
                face.points[k][1] = cy + stride * points[2 * k + 1];
            }
            LK_TRY(lk_face_list_add(list, &face, err));
        }
    }
    return LK_OK;
}

const struct lk_decoder lk_decoder_scrfd = {NULL, 9, count, decode, 0.4f, false, 0};
