/* SPDX-License-Identifier: Apache-2.0 */
/* detect.h - finds faces and their points; the networks' outputs are decoded by one lk_decoder each. */
#ifndef LK_VISION_DETECT_H
#define LK_VISION_DETECT_H

#include "vision/model.h"

/* ---- finding the face of a picture ---- */

struct lk_detector; /* one thread at a time */

/* Takes one share of model and of ort each, on success only. */
lk_status lk_detector_new(struct lk_detector **out, struct lk_model *model, struct lk_ort *ort,
                          lk_error *err);
/* Opens it and looks at a black picture once, so that wrong outputs are found before the first real one. */
lk_status lk_detector_try(struct lk_model *model, struct lk_ort *ort, lk_error *err);
void lk_detector_free(struct lk_detector *detector);

/* Finds all faces, and gives the chosen one in pixels of the picture; *n_faces == 0 when there is none. */
lk_status lk_detect(struct lk_detector *detector, const struct lk_image *image, lk_face_choice choice,
                    struct lk_face *face, int *n_faces, lk_error *err);

/* ---- decoders ---- */

struct lk_face_list {
    struct lk_face *faces;
    size_t n, capacity;
};
lk_status lk_face_list_add(struct lk_face_list *list, const struct lk_face *face, lk_error *err);
void lk_face_list_free(struct lk_face_list *list);

struct lk_decoder {
    const char *const
        *outputs; /* names, in the order that count and decode use; NULL = the file's own order */
    size_t n_outputs;
    /* How many numbers output `index` must hold. */
    size_t (*count)(const struct lk_input *input, size_t index);
    /* Adds what scores at least min_score, in pixels of the input. The outputs' counts have been checked. */
    lk_status (*decode)(const struct lk_ort_tensor *outputs, const struct lk_input *input, float min_score,
                        struct lk_face_list *list, lk_error *err);
    float overlap;  /* two boxes that share more than this part of their union are one face */
    bool blend;     /* a face is the mean of its boxes, weighted by score; else the best of them */
    double close_up; /* > 0: look again, with the face's box this part of the input, for better points */
};
extern const struct lk_decoder lk_decoder_retinaface, lk_decoder_blazeface, lk_decoder_scrfd,
    lk_decoder_yunet;

/* Non-maximum suppression: keeps one face per group of overlapping boxes, best score first. */
void lk_nms(struct lk_face_list *list, float overlap, bool blend);
/* Intersection over union of two boxes. */
float lk_box_overlap(const float a[4], const float b[4]);

/* Index of the chosen face in a list that is not empty. */
size_t lk_face_choose(const struct lk_face_list *list, int width, int height, lk_face_choice choice);

#endif
