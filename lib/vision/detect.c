/* SPDX-License-Identifier: Apache-2.0 */
/* detect.c - runs a detector on a picture and gives the chosen face. */
#include "vision/detect.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct lk_detector {
    struct lk_model *model;
    struct lk_ort *ort;
    const struct lk_decoder *decoder;
    size_t outputs[LK_ORT_MAX_OUTPUTS];
    struct lk_image view; /* the resampled picture */
    float *tensor;
};

static const struct lk_decoder *decoder_of(const struct lk_model *model)
{
    switch (model->decoder) {
    case LK_DECODE_RETINAFACE:
        return &lk_decoder_retinaface;
    case LK_DECODE_BLAZEFACE:
        return &lk_decoder_blazeface;
    case LK_DECODE_SCRFD:
        return &lk_decoder_scrfd;
    case LK_DECODE_YUNET:
        return &lk_decoder_yunet;
    }
    return NULL;
}

/* ---- opening ----------------------------------------------------------------------------------------- */

/* Numbers in an output as the file states it; 0 when it leaves that open. */
static uint64_t stated_count(const struct lk_ort_port *port)
{
    uint64_t n = 1;
    for (int i = 0; i < port->n_dims; i++)
        if (port->dims[i] <= 0 || __builtin_mul_overflow(n, (uint64_t)port->dims[i], &n))
            return 0;
    return n;
}

/* Finds the decoder's outputs in the file and compares the sizes that the file states. */
static lk_status bind_outputs(struct lk_detector *d, lk_error *err)
{
    const char *name = d->model->name;
    size_t n = lk_ort_n_outputs(d->ort);
    LK_NEED(n >= d->decoder->n_outputs, err, LK_EFORMAT,
            "model %s: it has %zu outputs, its decoder expects %zu", name, n, d->decoder->n_outputs);
    for (size_t i = 0; i < d->decoder->n_outputs; i++) {
        size_t at = i;
        if (d->decoder->outputs != NULL) {
            const char *wanted = d->decoder->outputs[i];
            for (at = 0; at < n && strcmp(lk_ort_output(d->ort, at)->name, wanted) != 0; at++)
                ;
            LK_NEED(at < n, err, LK_EFORMAT, "model %s: it has no output '%s', which its decoder expects",
                    name, wanted);
        }
        const struct lk_ort_port *port = lk_ort_output(d->ort, at);
        LK_NEED(port->is_float, err, LK_EFORMAT, "model %s: output '%s' is not a tensor of 32-bit floats",
                name, port->name);
        uint64_t found = stated_count(port), expected = d->decoder->count(&d->model->input, i);
        LK_NEED(found == 0 || found == expected, err, LK_EFORMAT,
                "model %s: output '%s' holds %llu numbers, its decoder expects %llu", name, port->name,
                (unsigned long long)found, (unsigned long long)expected);
        d->outputs[i] = at;
    }
    return LK_OK;
}

lk_status lk_detector_new(struct lk_detector **out, struct lk_model *model, struct lk_ort *ort, lk_error *err)
{
    LK_NEED(model->task == LK_TASK_DETECT, err, LK_EINVAL, "%s is not a detector", model->name);
    struct lk_detector *d = lk_calloc(1, sizeof *d, err);
    if (d == NULL)
        return LK_ENOMEM;
    d->model = lk_model_share(model);
    d->ort = lk_ort_share(ort);
    d->decoder = decoder_of(model);
    lk_status status = bind_outputs(d, err);
    if (status == LK_OK)
        status = lk_image_new(&d->view, model->input.width, model->input.height, err);
    if (status == LK_OK) {
        d->tensor = lk_alloc_aligned(LK_INPUT_COUNT(&model->input), sizeof *d->tensor, err);
        status = d->tensor != NULL ? LK_OK : LK_ENOMEM;
    }
    if (status != LK_OK) {
        lk_detector_free(d);
        return status;
    }
    *out = d;
    return LK_OK;
}

void lk_detector_free(struct lk_detector *d)
{
    if (d == NULL)
        return;
    lk_model_free(d->model);
    lk_ort_free(d->ort);
    lk_image_free(&d->view);
    free(d->tensor);
    free(d);
}

/* ---- one look at the picture ------------------------------------------------------------------------- */

/* Faces of one view of the picture, in pixels of the view. */
static lk_status look(struct lk_detector *d, const struct lk_image *image, const struct lk_similarity *map,
                      struct lk_face_list *list, lk_error *err)
{
    list->n = 0;
    LK_TRY(lk_warp(image, map, &d->view, err));
    lk_tensor_fill(&d->model->input, &d->view, d->tensor);
    int64_t dims[4];
    lk_model_dims(d->model, dims);
    struct lk_ort_result result;
    LK_TRY(lk_ort_run(d->ort, d->tensor, dims, 4, d->outputs, d->decoder->n_outputs, &result, err));
    lk_status status = LK_OK;
    for (size_t i = 0; i < result.n && status == LK_OK; i++) {
        size_t expected = d->decoder->count(&d->model->input, i);
        if (result.outputs[i].count != expected)
            status =
                lk_fail(err, LK_EFORMAT, "model %s: output '%s' gave %zu numbers, its decoder expects %zu",
                        d->model->name, lk_ort_output(d->ort, d->outputs[i])->name, result.outputs[i].count,
                        expected);
    }
    if (status == LK_OK)
        status = d->decoder->decode(result.outputs, &d->model->input, d->model->min_score, list, err);
    lk_ort_result_free(&result);
    if (status == LK_OK)
        lk_nms(list, d->decoder->overlap, d->decoder->blend);
    return status;
}

static void points_back(const struct lk_similarity *map, struct lk_face *face)
{
    for (int i = 0; i < LK_N_POINTS; i++) {
        if ((face->has >> i & 1) == 0)
            continue;
        double p[2];
        lk_similarity_back(map, (const double[2]){face->points[i][0], face->points[i][1]}, p);
        face->points[i][0] = (float)p[0];
        face->points[i][1] = (float)p[1];
    }
}

/* From pixels of an upright view to pixels of the picture. */
static void face_back(const struct lk_similarity *map, struct lk_face *face)
{
    face->box[0] = (float)((face->box[0] - map->tx) / map->a);
    face->box[1] = (float)((face->box[1] - map->ty) / map->a);
    face->box[2] = (float)(face->box[2] / map->a);
    face->box[3] = (float)(face->box[3] / map->a);
    points_back(map, face);
}

/* The view in which the face stands upright in the middle, its box `part` of the input's side. */
static struct lk_similarity close_up(const struct lk_input *input, const struct lk_face *face, double part)
{
    double dx = face->points[LK_EYE_RIGHT][0] - face->points[LK_EYE_LEFT][0];
    double dy = face->points[LK_EYE_RIGHT][1] - face->points[LK_EYE_LEFT][1];
    double eyes = hypot(dx, dy);
    double scale = part * fmin(input->width, input->height) / fmax(face->box[2], face->box[3]);
    double a = eyes > 0 ? scale * dx / eyes : scale, b = eyes > 0 ? -scale * dy / eyes : 0;
    double x = face->box[0] + face->box[2] / 2, y = face->box[1] + face->box[3] / 2;
    return (struct lk_similarity){a, b, (input->width - 1) / 2.0 - (a * x - b * y),
                                  (input->height - 1) / 2.0 - (b * x + a * y)};
}

/* A small network places points well only on faces of the size and angle it mostly saw; so the chosen face is
 * shown to it again, upright and large, and its points are taken from there. Nothing found there: the first
 * points stay. */
static lk_status sharpen(struct lk_detector *d, const struct lk_image *image, struct lk_face_list *list,
                         struct lk_face *face, lk_error *err)
{
    const struct lk_input *input = &d->model->input;
    struct lk_similarity map = close_up(input, face, d->decoder->close_up);
    LK_TRY(look(d, image, &map, list, err));
    if (list->n == 0)
        return LK_OK;
    struct lk_face again = list->faces[lk_face_choose(list, input->width, input->height, LK_FACE_CENTRAL)];
    points_back(&map, &again);
    memcpy(again.box, face->box, sizeof again.box);
    again.score = face->score;
    *face = again;
    return LK_OK;
}

lk_status lk_detect(struct lk_detector *d, const struct lk_image *image, lk_face_choice choice,
                    struct lk_face *face, int *n_faces, lk_error *err)
{
    struct lk_face_list list = {NULL, 0, 0};
    const struct lk_input *input = &d->model->input;
    struct lk_similarity map = lk_letterbox(input, image->width, image->height, 1);
    lk_status status = look(d, image, &map, &list, err);
    if (status == LK_OK && list.n == 0) {
        /* Detectors learned on faces with something around them and miss those that fill the frame, as in
         * tight crops; half a picture of black on each side brings them back. */
        map = lk_letterbox(input, image->width, image->height, 0.5);
        status = look(d, image, &map, &list, err);
    }
    if (status == LK_OK && list.n > 0) {
        for (size_t i = 0; i < list.n; i++)
            face_back(&map, &list.faces[i]);
        *n_faces = (int)list.n;
        *face = list.faces[lk_face_choose(&list, image->width, image->height, choice)];
        if (d->decoder->close_up > 0)
            status = sharpen(d, image, &list, face, err);
    } else if (status == LK_OK) {
        *n_faces = 0;
    }
    lk_face_list_free(&list);
    return status;
}

lk_status lk_detector_try(struct lk_model *model, struct lk_ort *ort, lk_error *err)
{
    struct lk_detector *d = NULL;
    struct lk_image black = {0, 0, NULL};
    struct lk_face face;
    int n;
    lk_status status = lk_detector_new(&d, model, ort, err);
    if (status == LK_OK)
        status = lk_image_new(&black, model->input.width, model->input.height, err);
    if (status == LK_OK)
        status = lk_detect(d, &black, LK_FACE_LARGEST, &face, &n, err);
    lk_image_free(&black);
    lk_detector_free(d);
    return status;
}
