/* SPDX-License-Identifier: Apache-2.0 */
/* detect_blazeface.c - outputs of BlazeFace as MediaPipe ships it (Bazarevsky et al. 2019), front (128) and
 * back (256).
 *
 * 16 x 16 cells with two anchors each and 8 x 8 with six. Anchors have no size: a box is a shift of the
 * cell's centre and a size, in pixels, and so are the six points (eyes, nose, mouth centre, and the ears,
 * which the template does not use). */
#include <math.h>

#include "vision/detect.h"

static const struct {
    size_t side, anchors;
} levels[2] = {{16, 2}, {8, 6}};

static const char *const names[4] = {"Identity:0", "Identity_1:0", "Identity_2:0", "Identity_3:0"};

/* Box and points: x, y, w, h, then six pairs. */
#define VALUES 16

static size_t anchors_of(size_t level)
{
    return levels[level].side * levels[level].side * levels[level].anchors;
}

static size_t count(const struct lk_input *input, size_t index)
{
    (void)input;
    return anchors_of(index % 2) * (index < 2 ? 1 : VALUES);
}

static lk_status decode(const struct lk_ort_tensor *outputs, const struct lk_input *input, float min_score,
                        struct lk_face_list *list, lk_error *err)
{
    /* The first point is the person's right eye, which the viewer sees on the left. */
    static const enum lk_point order[4] = {LK_EYE_LEFT, LK_EYE_RIGHT, LK_NOSE, LK_MOUTH};
    for (size_t l = 0; l < 2; l++) {
        size_t side = levels[l].side, n = anchors_of(l);
        float cell_w = (float)input->width / (float)side, cell_h = (float)input->height / (float)side;
        for (size_t i = 0; i < n; i++) {
            float score = 1 / (1 + expf(-outputs[l].data[i]));
            if (!(score >= min_score))
                continue;
            const float *v = outputs[2 + l].data + VALUES * i;
            size_t cell = i / levels[l].anchors;
            /* Cell borders lie at whole numbers there, pixel centres here. */
            float cx = ((float)(cell % side) + 0.5f) * cell_w - 0.5f,
                  cy = ((float)(cell / side) + 0.5f) * cell_h - 0.5f;
            struct lk_face face = {.box = {cx + v[0] - v[2] / 2, cy + v[1] - v[3] / 2, v[2], v[3]},
                                   .score = score};
            for (size_t k = 0; k < 4; k++) {
                face.points[order[k]][0] = cx + v[4 + 2 * k];
                face.points[order[k]][1] = cy + v[5 + 2 * k];
                face.has |= 1u << order[k];
            }
            LK_TRY(lk_face_list_add(list, &face, err));
        }
    }
    return LK_OK;
}

const struct lk_decoder lk_decoder_blazeface = {names, 4, count, decode, 0.3f, true, 0.35};
