/* SPDX-License-Identifier: Apache-2.0 */
/* pictures.c - the pictures of a review, read again and made alike: crops of one size on the ArcFace
 * template, and whole pictures fitted into a square of one size, so that no size tells a set. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/pool.h"
#include "review/new.h"
#include "vision/kind.h"
#include "vision/tensor.h"

enum { QUALITY = 92 };

struct shot {
    struct lk_review_face face;
    bool original;
    char *path;
    struct lk_picture_place place;
    uint8_t *crop, *whole; /* JPEG; NULL = could not be read */
    size_t crop_len, whole_len;
    int64_t number; /* in the review; 0 = not stored */
    char *why;      /* it could not be read */
};

struct lk_review_shots {
    lk_ctx *ctx;
    const struct lk_review_sets *sets;
    struct lk_pictures *pictures;
    struct lk_names keys; /* "SET:ROW", numbered as shots are */
    struct shot *shots;
    size_t n, capacity, n_read;
};

lk_status lk_review_shots_new(struct lk_review_shots **out, lk_ctx *ctx, const struct lk_review_sets *sets,
                              lk_error *err)
{
    struct lk_review_shots *s = lk_calloc(1, sizeof *s, err);
    if (s == NULL)
        return LK_ENOMEM;
    s->ctx = ctx;
    s->sets = sets;
    lk_status status = lk_pictures_new(&s->pictures, ctx, err);
    if (status != LK_OK) {
        free(s);
        return status;
    }
    *out = s;
    return LK_OK;
}

static void free_bytes(struct shot *shot)
{
    free(shot->crop);
    free(shot->whole);
    shot->crop = shot->whole = NULL;
}

void lk_review_shots_free(struct lk_review_shots *shots)
{
    if (shots == NULL)
        return;
    for (size_t i = 0; i < shots->n; i++) {
        free_bytes(&shots->shots[i]);
        free(shots->shots[i].path);
        free(shots->shots[i].why);
    }
    free(shots->shots);
    lk_names_free(&shots->keys);
    lk_pictures_free(shots->pictures);
    free(shots);
}

/* ---- which --------------------------------------------------------------------------------------------- */

static int key_of(char key[48], struct lk_review_face face)
{
    return snprintf(key, 48, "%zu:%" PRIu64, face.set, face.row);
}

static struct shot *find(const struct lk_review_shots *s, struct lk_review_face face)
{
    char key[48];
    uint32_t number = lk_names_find(&s->keys, key, (size_t)key_of(key, face));
    return number != LK_NO_NAME ? &s->shots[number] : NULL;
}

lk_status lk_review_shots_want(struct lk_review_shots *s, struct lk_review_face face, bool original,
                               lk_error *err)
{
    char key[48];
    uint32_t number;
    if (find(s, face) != NULL)
        return LK_OK;
    LK_TRY(lk_grow(&s->shots, &s->capacity, s->n + 1, sizeof *s->shots, err));
    LK_TRY(lk_names_add(&s->keys, key, (size_t)key_of(key, face), &number, err));
    s->shots[s->n++] = (struct shot){.face = face, .original = original};
    return LK_OK;
}

bool lk_review_shots_has(const struct lk_review_shots *shots, struct lk_review_face face)
{
    const struct shot *shot = find(shots, face);
    return shot != NULL && shot->crop != NULL;
}

size_t lk_review_shots_failed(const struct lk_review_shots *shots, const char **why)
{
    size_t n = 0;
    for (size_t i = shots->n; i-- > 0;)
        if (shots->shots[i].why != NULL) {
            *why = shots->shots[i].why;
            n++;
        }
    return n;
}

/* ---- making -------------------------------------------------------------------------------------------- */

/* The whole picture in the middle of a square, black beside it. */
static lk_status fit(const struct lk_image *picture, int size, struct lk_image *out, lk_error *err)
{
    struct lk_input square = {.width = size, .height = size};
    struct lk_similarity map = lk_letterbox(&square, picture->width, picture->height, 1);
    LK_TRY(lk_image_new(out, size, size, err));
    return lk_warp(picture, &map, out, err);
}

static lk_status make_crop(const struct lk_image *picture, const struct lk_face *face, struct lk_image *out,
                           lk_error *err)
{
    if ((face->has & (face->has - 1)) == 0) /* fewer than two points: the picture is a crop already */
        return fit(picture, LK_REVIEW_CROP, out, err);
    return lk_align(picture, face, LK_REVIEW_CROP, out, err);
}

static lk_status encode(struct lk_image *image, uint8_t **bytes, size_t *len, lk_error *err)
{
    lk_status status = lk_image_encode_jpeg(image, QUALITY, bytes, len, err);
    lk_image_free(image);
    return status;
}

static lk_status make(struct shot *shot, const struct lk_image *picture, const struct lk_face *face,
                      lk_error *err)
{
    struct lk_image image = {0, 0, NULL};
    lk_status status = make_crop(picture, face, &image, err);
    if (status == LK_OK)
        status = encode(&image, &shot->crop, &shot->crop_len, err);
    if (status == LK_OK && shot->original) {
        status = fit(picture, LK_REVIEW_ORIGINAL, &image, err);
        if (status == LK_OK)
            status = encode(&image, &shot->whole, &shot->whole_len, err);
    }
    lk_image_free(&image);
    if (status != LK_OK)
        free_bytes(shot);
    return status;
}

struct reading {
    struct lk_review_shots *s;
    struct shot **todo; /* in the order of their places */
    size_t n;
};

/* Keeps the reason, for a picture that cannot be read is no failure. Only a lack of memory, or being stopped,
 * is. */
static lk_status note_failure(struct shot *shot, lk_status status, const lk_error *why, lk_error *err)
{
    if (status == LK_ENOMEM || status == LK_ECANCELED)
        return lk_fail(err, status, "%s", why->text);
    return (shot->why = lk_strdup(why->text, err)) != NULL ? LK_OK : LK_ENOMEM;
}

static lk_status read_one(void *arg, size_t index, int worker, lk_error *err)
{
    (void)worker;
    const struct reading *in = arg;
    struct shot *shot = in->todo[index];
    struct lk_image picture = {0, 0, NULL};
    uint8_t *bytes = NULL;
    size_t len = 0;
    lk_error why;
    lk_status status = lk_pictures_read(in->s->pictures, shot->path, &shot->place, &bytes, &len, &why);
    if (status == LK_OK && (status = lk_image_decode(bytes, len, &picture, &why)) != LK_OK)
        lk_error_prefix(&why, "%s", shot->path);
    if (status == LK_OK)
        status = make(shot, &picture, &lk_review_face_image(in->s->sets, shot->face)->face, &why);
    lk_image_free(&picture);
    free(bytes);
    return status == LK_OK ? LK_OK : note_failure(shot, status, &why, err);
}

static int by_place(const void *a, const void *b)
{
    const struct shot *const *x = a, *const *y = b;
    int order = lk_picture_place_compare(&(*x)->place, &(*y)->place);
    return order != 0 ? order : (*x > *y) - (*x < *y);
}

static lk_status locate(struct reading *in, struct shot *shot, lk_error *err)
{
    const struct lk_face_image *image = lk_review_face_image(in->s->sets, shot->face);
    const struct lk_faces *faces = &in->s->sets->sets[shot->face.set].faces;
    lk_error why = {0};
    lk_status status = LK_EUNSUP;
    if (image == NULL)
        snprintf(why.text, sizeof why.text, "a row without an image");
    else if ((shot->path = lk_faces_image_path(faces, image, &why)) == NULL)
        status = why.code;
    else
        status =
            lk_pictures_find(in->s->pictures, shot->path, lk_faces_inputs_format(faces), &shot->place, &why);
    if (status != LK_OK)
        return note_failure(shot, status, &why, err);
    in->todo[in->n++] = shot;
    return LK_OK;
}

lk_status lk_review_shots_read(struct lk_review_shots *s, lk_error *err)
{
    struct reading in = {.s = s, .todo = lk_calloc(s->n - s->n_read, sizeof *in.todo, err)};
    lk_status status = in.todo != NULL ? LK_OK : LK_ENOMEM;
    for (; s->n_read < s->n && status == LK_OK; s->n_read++)
        status = locate(&in, &s->shots[s->n_read], err);
    if (status == LK_OK && in.n > 0) {
        qsort(in.todo, in.n, sizeof *in.todo, by_place);
        status = lk_pool_for(s->ctx, in.n, read_one, &in, err);
    }
    free(in.todo);
    return status;
}

/* ---- use ----------------------------------------------------------------------------------------------- */

lk_status lk_review_shots_store(struct lk_review_shots *shots, struct lk_review_face face,
                                struct lk_review_store *store, int64_t *number, lk_error *err)
{
    struct shot *shot = find(shots, face);
    if (shot->number == 0) {
        struct lk_review_bytes crop = {shot->crop, shot->crop_len}, whole = {shot->whole, shot->whole_len};
        LK_TRY(lk_review_store_add_picture(store, crop, whole, &shot->number, err));
        free(shot->whole); /* the crop may still be compared */
        shot->whole = NULL;
    }
    *number = shot->number;
    return LK_OK;
}

lk_status lk_review_shots_same(const struct lk_review_shots *shots, const struct lk_review_face face[2],
                               bool *same, lk_error *err)
{
    struct lk_image crop[2] = {{0, 0, NULL}, {0, 0, NULL}};
    enum lk_kind kind = LK_KIND_UNKNOWN;
    lk_status status = LK_OK;
    for (int side = 0; side < 2 && status == LK_OK; side++) {
        const struct shot *shot = find(shots, face[side]);
        status = lk_image_decode(shot->crop, shot->crop_len, &crop[side], err);
    }
    struct lk_kind_evidence evidence;
    if (status == LK_OK)
        status = lk_kind_of(&crop[0], &crop[1], &kind, &evidence, err);
    lk_image_free(&crop[0]);
    lk_image_free(&crop[1]);
    if (status == LK_OK)
        *same = kind == LK_KIND_SAME_PICTURE || kind == LK_KIND_SAME_MIRRORED;
    return status;
}
