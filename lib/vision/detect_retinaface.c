/* SPDX-License-Identifier: Apache-2.0 */
/* detect_retinaface.c - outputs of RetinaFace with the MobileNet 0.25 backbone (Deng et al. 2020; InsightFace
 * mnet.25).
 *
 * Per stride two anchors per cell, channels first: face probability, box as centre shift and log size, five
 * points. */
#include <math.h>

#include "vision/detect.h"

/* Anchors are squares of 16 x scale pixels around cell origin + 7.5. */
static const struct {
    int stride;
    float sides[2];
} levels[3] = {{32, {512, 256}}, {16, {128, 64}}, {8, {32, 16}}};

static const char *const names[9] = {
    "face_rpn_cls_prob_reshape_stride32", "face_rpn_bbox_pred_stride32", "face_rpn_landmark_pred_stride32",
    "face_rpn_cls_prob_reshape_stride16", "face_rpn_bbox_pred_stride16", "face_rpn_landmark_pred_stride16",
    "face_rpn_cls_prob_reshape_stride8",  "face_rpn_bbox_pred_stride8",  "face_rpn_landmark_pred_stride8",
};

/* Point offsets were divided by this part of the anchor's side in training. */
static const float point_scale = 0.2f;

static size_t cells(const struct lk_input *input, int stride)
{
    return (size_t)((input->width + stride - 1) / stride) * (size_t)((input->height + stride - 1) / stride);
}

static size_t count(const struct lk_input *input, size_t index)
{
    static const size_t channels[3] = {4, 8, 20};
    return channels[index % 3] * cells(input, levels[index / 3].stride);
}

static lk_status decode(const struct lk_ort_tensor *outputs, const struct lk_input *input, float min_score,
                        struct lk_face_list *list, lk_error *err)
{
    for (size_t l = 0; l < 3; l++) {
        int stride = levels[l].stride;
        size_t n = cells(input, stride), columns = (size_t)((input->width + stride - 1) / stride);
        for (size_t a = 0; a < 2; a++) {
            const float *score = outputs[3 * l].data + (2 + a) * n;
            const float *box = outputs[3 * l + 1].data + 4 * a * n;
            const float *point = outputs[3 * l + 2].data + 10 * a * n;
            float side = levels[l].sides[a];
            for (size_t i = 0; i < n; i++) {
                if (!(score[i] >= min_score))
                    continue;
                float cx = (float)(i % columns * (size_t)stride) + 7.5f,
                      cy = (float)(i / columns * (size_t)stride) + 7.5f;
                float w = side * expf(box[2 * n + i]), h = side * expf(box[3 * n + i]);
                struct lk_face face = {
                    .box = {cx + side * box[i] - w / 2, cy + side * box[n + i] - h / 2, w, h},
                    .score = score[i],
                    .has = 1u << LK_EYE_LEFT | 1u << LK_EYE_RIGHT | 1u << LK_NOSE | 1u << LK_MOUTH_LEFT |
                           1u << LK_MOUTH_RIGHT};
                for (size_t k = 0; k < 5; k++) {
                    face.points[k][0] = cx + side * point_scale * point[2 * k * n + i];
                    face.points[k][1] = cy + side * point_scale * point[(2 * k + 1) * n + i];
                }
                LK_TRY(lk_face_list_add(list, &face, err));
            }
        }
    }
    return LK_OK;
}

const struct lk_decoder lk_decoder_retinaface = {names, 9, count, decode, 0.4f, false, 0};
