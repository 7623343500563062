/* SPDX-License-Identifier: Apache-2.0 */
/* embedder.h - what the embed job needs beyond likeness.h: encoded pictures in, one line of images.csv and a
 * vector out, singly or in small groups.
 *
 * One embedder serves one thread at a time. Workers open the first with lk_embedder_open (likeness.h) and the
 * rest with lk_embedder_open_like, which reads, hashes and checks no file again. */
#ifndef LK_VISION_EMBEDDER_H
#define LK_VISION_EMBEDDER_H

#include <jansson.h>

#include "formats/faces.h"
#include "formats/image.h"

/* The default pair is free for commercial use. */
#define LK_DEFAULT_MODEL "sface"
#define LK_DEFAULT_DETECTOR "blazeface"

/* A second embedder with the same model, detector and options; may be opened and freed from any thread, also
 * after `other` is gone, but not while `other` is being freed. */
lk_status lk_embedder_open_like(lk_embedder **out, const lk_embedder *other, lk_error *err);

/* Decodes, finds the face, aligns, measures and embeds into out[lk_embedder_dim]. Sets in info: status,
 * n_faces, width, height, face, norm, sharpness, yaw, age and message; path, identity and row are the
 * caller's. A picture that cannot be read is LK_OK with LK_FACE_UNREADABLE and an allocated message, one
 * without a face LK_OK with LK_FACE_NONE; out is then untouched. A failure means the runtime or memory
 * failed, and the run with it. */
lk_status lk_embedder_bytes(lk_embedder *embedder, const uint8_t *bytes, size_t len, lk_face_choice choice,
                            float *out, struct lk_face_image *info, lk_error *err);

/* ---- in groups ----
 * Some networks take less time for several faces at once than one by one. lk_embedder_take does all that
 * lk_embedder_bytes does up to the recogniser, and lk_embedder_finish the rest for all that wait. */

/* Faces for one run. EdgeFace-XS on two threads takes 13 to 16 % less processor time in batches of 2 to 8, no
 * less in larger ones; the memory and the trial of lk_embedder_gather grow with the batch. */
enum { LK_EMBED_BATCH = 4 };
/* The same on a device, where every run has so many, faces or zeros: numbers depend on a run's size there, but not on what
 * else is in it, which is tried. So one by one, in groups of any size and after an interruption they are the same. */
enum { LK_EMBED_DEVICE_BATCH = 16 };

/* From now on this embedder, and those opened like it, run the recogniser on LK_EMBED_DEVICE_BATCH faces every time, or on
 * one where lk_model_fills says that numbers depend on more. lk_embedder_open does so for a device. No face may wait. */
lk_status lk_embedder_fill_runs(lk_embedder *embedder, lk_error *err);

/* From now on this embedder, and those opened like it, run the recogniser on up to *batch faces at once: on
 * LK_EMBED_BATCH where lk_model_batches says that this changes nothing, else on one; on a device on as many as every run has
 * there. No face may wait. */
lk_status lk_embedder_gather(lk_embedder *embedder, size_t *batch, lk_error *err);

/* As lk_embedder_bytes, but out and info of a picture with a face are complete only after *batch such
 * pictures, or lk_embedder_finish; until then they must stay where they are. After a failure, free the
 * embedder. */
lk_status lk_embedder_take(lk_embedder *embedder, const uint8_t *bytes, size_t len, lk_face_choice choice,
                           float *out, struct lk_face_image *info, lk_error *err);
lk_status lk_embedder_finish(lk_embedder *embedder, lk_error *err);

/* ---- singly ---- */

/* lk_embedder_bytes from a decoded picture. */
lk_status lk_embedder_image(lk_embedder *embedder, const struct lk_image *image, lk_face_choice choice,
                            float *out, struct lk_face_image *info, lk_error *err);

/* The first half of it: finds and aligns the face; info as above, norm, sharpness and age aside. crop is the
 * caller's to free, and empty unless the status is LK_FACE_EMBEDDED. */
lk_status lk_embedder_find(lk_embedder *embedder, const struct lk_image *image, lk_face_choice choice,
                           struct lk_image *crop, struct lk_face_image *info, lk_error *err);

/* Embeds a crop that lies on the model's template and has its size: LK_EFORMAT when it has not. norm may be
 * NULL. */
lk_status lk_embedder_crop(lk_embedder *embedder, const struct lk_image *crop, float *out, float *norm,
                           lk_error *err);

/* The same with another conversion to numbers than the descriptor's, of the same size: lk_models_check tries
 * what would be wrong. */
struct lk_input;
lk_status lk_embedder_crop_as(lk_embedder *embedder, const struct lk_input *input,
                              const struct lk_image *crop, float *out, float *norm, lk_error *err);

/* What meta.json records. Strings and json live as long as the embedder. */
struct lk_embedder_part {
    const char *name, *licence;
    const char *descriptor; /* its path, when it was given by path; NULL = of the registry */
    char sha256[65];        /* of the file in use */
};
struct lk_embedder_about {
    struct lk_embedder_part model;
    struct lk_embedder_part detector; /* name == NULL for aligned inputs */
    struct lk_embedder_part age;      /* name == NULL when ages are not estimated */
    const char *device;           /* that recogniser and age model run on; NULL = the processor */
    int dim;
    int size;                     /* side of the crop, 112 */
    const json_t *thresholds;     /* the descriptor's list; an empty list when it has none */
    const char *alignment;        /* "arcface112" or "aligned" */
    const struct lk_input *input; /* size, channel order, mean, scale */
};
/* Seconds that this embedder has spent in each stage. */
struct lk_embedder_times {
    double decode, detect, align, embed, strata;
};
void lk_embedder_times(const lk_embedder *embedder, struct lk_embedder_times *out);

void lk_embedder_about(const lk_embedder *embedder, struct lk_embedder_about *out);

#endif
