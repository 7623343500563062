/* SPDX-License-Identifier: Apache-2.0 */
/* nms.c - lists of found faces: overlap, non-maximum suppression, and the choice of one face. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "vision/detect.h"

/* Only so many of the best candidates are compared with one another; a picture that gives more is noise. */
#define MAX_CANDIDATES 2000

lk_status lk_face_list_add(struct lk_face_list *list, const struct lk_face *face, lk_error *err)
{
    /* A damaged network gives anything; a box without size or with infinite parts is no face. */
    bool good = face->box[2] > 0 && face->box[3] > 0;
    for (int i = 0; i < 4; i++)
        good = good && isfinite(face->box[i]);
    for (int i = 0; i < LK_N_POINTS; i++)
        good = good && isfinite(face->points[i][0]) && isfinite(face->points[i][1]);
    if (!good)
        return LK_OK;
    LK_TRY(lk_grow(&list->faces, &list->capacity, list->n + 1, sizeof *list->faces, err));
    list->faces[list->n++] = *face;
    return LK_OK;
}

void lk_face_list_free(struct lk_face_list *list)
{
    free(list->faces);
    *list = (struct lk_face_list){NULL, 0, 0};
}

float lk_box_overlap(const float a[4], const float b[4])
{
    float w = fminf(a[0] + a[2], b[0] + b[2]) - fmaxf(a[0], b[0]);
    float h = fminf(a[1] + a[3], b[1] + b[3]) - fmaxf(a[1], b[1]);
    if (!(w > 0 && h > 0))
        return 0;
    float both = w * h;
    return both / (a[2] * a[3] + b[2] * b[3] - both);
}

/* Best score first; equal scores by place, so that the order does not depend on the sort. */
static int by_score(const void *a, const void *b)
{
    const struct lk_face *f = a, *g = b;
    if (f->score != g->score)
        return f->score < g->score ? 1 : -1;
    if (f->box[1] != g->box[1])
        return f->box[1] < g->box[1] ? -1 : 1;
    if (f->box[0] != g->box[0])
        return f->box[0] < g->box[0] ? -1 : 1;
    return f->box[2] < g->box[2] ? -1 : f->box[2] > g->box[2];
}

static void add_weighted(struct lk_face *sum, const struct lk_face *face, float weight)
{
    for (int i = 0; i < 4; i++)
        sum->box[i] += weight * face->box[i];
    for (int i = 0; i < LK_N_POINTS; i++)
        for (int k = 0; k < 2; k++)
            sum->points[i][k] += weight * face->points[i][k];
}

void lk_nms(struct lk_face_list *list, float overlap, bool blend)
{
    if (list->n == 0)
        return;
    struct lk_face *faces = list->faces;
    qsort(faces, list->n, sizeof *faces, by_score);
    size_t n = list->n < MAX_CANDIDATES ? list->n : MAX_CANDIDATES, kept = 0;
    /* Faces 0 .. kept-1 are done; those behind still wait, in order of score. */
    while (kept < n) {
        const struct lk_face best = faces[kept];
        struct lk_face sum = {.score = best.score, .has = best.has};
        float weights = 0;
        size_t left = kept + 1;
        for (size_t i = kept; i < n; i++) {
            if (i == kept || lk_box_overlap(best.box, faces[i].box) > overlap) {
                add_weighted(&sum, &faces[i], faces[i].score);
                weights += faces[i].score;
            } else {
                faces[left++] = faces[i];
            }
        }
        if (blend) {
            struct lk_face mean = {.score = best.score, .has = best.has};
            add_weighted(&mean, &sum, 1 / weights);
            faces[kept] = mean;
        }
        kept++;
        n = left;
    }
    list->n = kept;
}

size_t lk_face_choose(const struct lk_face_list *list, int width, int height, lk_face_choice choice)
{
    size_t best = 0;
    double best_value = -INFINITY;
    for (size_t i = 0; i < list->n; i++) {
        const float *box = list->faces[i].box;
        double x = box[0] + box[2] / 2.0 - width / 2.0, y = box[1] + box[3] / 2.0 - height / 2.0;
        double value = choice == LK_FACE_CENTRAL ? -(x * x + y * y) : (double)box[2] * box[3];
        if (value > best_value) { /* a tie goes to the better score, which comes first */
            best = i;
            best_value = value;
        }
    }
    return best;
}
