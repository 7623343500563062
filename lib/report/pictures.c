/* SPDX-License-Identifier: Apache-2.0 */
/* pictures.c - the small pictures of the shown pairs: the aligned crop where the face's points are known, as
 * base64 JPEG. */
#include <stdlib.h>
#include <string.h>

#include "base/pool.h"
#include "formats/pictures.h"
#include "report/report.h"
#include "vision/tensor.h"

/* Small enough that a page of 1,500 pairs can be sent by mail: 3 kB each. */
enum { CROP = 112, QUALITY = 75 };

/* ---- crops ------------------------------------------------------------------------------------------ */

static unsigned known_points(const struct lk_face *face)
{
    unsigned n = 0;
    for (int i = 0; i < LK_N_POINTS; i++)
        n += face->has >> i & 1;
    return n;
}

/* The largest square in the middle of a picture, size x size. */
static lk_status middle(const struct lk_image *whole, int size, struct lk_image *out, lk_error *err)
{
    int side = whole->width < whole->height ? whole->width : whole->height;
    double s = (double)size / side;
    /* Pixel centres lie at whole numbers. */
    const struct lk_similarity map = {.a = s,
                                      .tx = (size - s * whole->width) / 2 + s / 2 - 0.5,
                                      .ty = (size - s * whole->height) / 2 + s / 2 - 0.5};
    LK_TRY(lk_image_new(out, size, size, err));
    lk_status status = lk_warp(whole, &map, out, err);
    if (status != LK_OK)
        lk_image_free(out);
    return status;
}

static lk_status make_crop(const uint8_t *bytes, size_t len, const struct lk_face *face, int size,
                           struct lk_image *crop, lk_error *err)
{
    struct lk_image whole = {0, 0, NULL};
    LK_TRY(lk_image_decode(bytes, len, &whole, err));
    lk_status status =
        known_points(face) >= 2 ? lk_align(&whole, face, size, crop, err) : middle(&whole, size, crop, err);
    lk_image_free(&whole);
    return status;
}

/* One picture to read. */
struct wanted {
    struct lk_report_crop of;
    char *path;
    struct lk_picture_place place;
    const struct lk_face *face;
};

struct job {
    struct lk_pictures *pictures;
    struct wanted *wanted;
    size_t n;
    int size;
    lk_report_take *take;
    void *arg;
};

/* A picture that cannot be found is passed over: the page shows a neutral tile, for the finding does not
 * depend on it. Only a lack of memory, or being stopped, ends the work. */
static lk_status add_wanted(struct job *job, const struct lk_report *r, struct lk_report_crop of,
                            lk_error *err)
{
    const struct lk_report_set *set = &r->sets[of.side == 0 ? LK_SYNTHETIC : LK_TRAINING];
    const struct lk_report_pair *p = &r->pairs[of.pair];
    const struct lk_face_image *image =
        set->open ? lk_faces_image(&set->faces, of.side == 0 ? p->probe : p->reference) : NULL;
    if (image == NULL)
        return LK_OK;
    struct wanted w = {.of = of, .face = &image->face};
    if ((w.path = lk_faces_image_path(&set->faces, image, err)) == NULL)
        return LK_ENOMEM;
    lk_status status =
        lk_pictures_find(job->pictures, w.path, lk_faces_inputs_format(&set->faces), &w.place, err);
    if (status != LK_OK) {
        free(w.path);
        return status == LK_ENOMEM || status == LK_ECANCELED ? status : LK_OK;
    }
    job->wanted[job->n++] = w;
    return LK_OK;
}

static int by_place(const void *a, const void *b)
{
    const struct wanted *x = a, *y = b;
    return lk_picture_place_compare(&x->place, &y->place);
}

static lk_status crop_item(void *arg, size_t index, int worker, lk_error *err)
{
    (void)worker;
    const struct job *job = arg;
    const struct wanted *w = &job->wanted[index];
    struct lk_image crop = {0, 0, NULL};
    uint8_t *bytes = NULL;
    size_t len = 0;
    lk_status status = lk_pictures_read(job->pictures, w->path, &w->place, &bytes, &len, NULL);
    if (status == LK_OK)
        status = make_crop(bytes, len, w->face, job->size, &crop, NULL);
    free(bytes);
    if (status == LK_OK)
        status = job->take(job->arg, &w->of, &crop, NULL);
    lk_image_free(&crop);
    return status == LK_ENOMEM ? lk_fail(err, LK_ENOMEM, "out of memory while making the report's pictures")
                               : LK_OK;
}

lk_status lk_report_crops(const struct lk_report *r, const struct lk_report_crop *wanted, size_t n, int size,
                          lk_report_take *take, void *arg, lk_error *err)
{
    struct job job = {
        .wanted = lk_calloc(n, sizeof *job.wanted, err), .size = size, .take = take, .arg = arg};
    lk_status status = job.wanted != NULL ? lk_pictures_new(&job.pictures, r->ctx, err) : LK_ENOMEM;
    for (size_t i = 0; i < n && status == LK_OK; i++)
        status = add_wanted(&job, r, wanted[i], err);
    if (status == LK_OK) {
        qsort(job.wanted, job.n, sizeof *job.wanted, by_place);
        status = lk_pool_for(r->ctx, job.n, crop_item, &job, err);
    }
    for (size_t i = 0; i < job.n; i++)
        free(job.wanted[i].path);
    free(job.wanted);
    lk_pictures_free(job.pictures);
    return status;
}

/* ---- the pictures of the page ----------------------------------------------------------------------- */

static lk_status to_base64(const uint8_t *bytes, size_t len, char **out, lk_error *err)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *text = lk_calloc(len / 3 + 2, 4, err), *p = text;
    if (text == NULL)
        return LK_ENOMEM;
    for (size_t i = 0; i < len; i += 3) {
        size_t n = len - i < 3 ? len - i : 3;
        uint32_t v =
            (uint32_t)bytes[i] << 16 | (n > 1 ? (uint32_t)bytes[i + 1] << 8 : 0) | (n > 2 ? bytes[i + 2] : 0);
        *p++ = digits[v >> 18];
        *p++ = digits[v >> 12 & 63];
        *p++ = n > 1 ? digits[v >> 6 & 63] : '=';
        *p++ = n > 2 ? digits[v & 63] : '=';
    }
    *p = '\0';
    *out = text;
    return LK_OK;
}

static lk_status keep_picture(void *arg, const struct lk_report_crop *of, const struct lk_image *crop,
                              lk_error *err)
{
    const struct lk_report *r = arg;
    uint8_t *jpeg = NULL;
    size_t len = 0;
    LK_TRY(lk_image_encode_jpeg(crop, QUALITY, &jpeg, &len, err));
    lk_status status = to_base64(jpeg, len, &r->pictures[r->pairs[of->pair].picture[of->side]], err);
    free(jpeg);
    return status;
}

/* Where an image is shown. */
struct use {
    uint64_t row;
    struct lk_report_crop at;
};

static int by_image(const void *a, const void *b)
{
    const struct use *x = a, *y = b;
    if (x->at.side != y->at.side)
        return x->at.side - y->at.side;
    if (x->row != y->row)
        return x->row < y->row ? -1 : 1;
    return (x->at.pair > y->at.pair) - (x->at.pair < y->at.pair);
}

static int by_pair(const void *a, const void *b)
{
    const struct lk_report_crop *x = a, *y = b;
    if (x->pair != y->pair)
        return x->pair < y->pair ? -1 : 1;
    return x->side - y->side;
}

/* Lists each image once, at the first pair that shows it, in the order of the pairs; all pairs get the
 * numbers of their pictures in that list. */
static size_t number_pictures(struct lk_report *r, struct use *uses, struct lk_report_crop *once)
{
    size_t n = 2 * r->n_pairs, n_once = 0;
    for (size_t i = 0; i < n; i++) {
        const struct lk_report_pair *p = &r->pairs[i / 2];
        uses[i] = (struct use){i % 2 == 0 ? p->probe : p->reference, {i / 2, (int)(i % 2)}};
    }
    qsort(uses, n, sizeof *uses, by_image);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || uses[i].at.side != uses[i - 1].at.side || uses[i].row != uses[i - 1].row)
            once[n_once++] = uses[i].at;
    qsort(once, n_once, sizeof *once, by_pair);
    for (size_t i = 0; i < n_once; i++)
        r->pairs[once[i].pair].picture[once[i].side] = i;
    for (size_t i = 1; i < n; i++) {
        const struct lk_report_crop *a = &uses[i - 1].at, *b = &uses[i].at;
        if (a->side == b->side && uses[i - 1].row == uses[i].row)
            r->pairs[b->pair].picture[b->side] = r->pairs[a->pair].picture[a->side];
    }
    return n_once;
}

lk_status lk_report_pictures(struct lk_report *r, lk_error *err)
{
    if (r->options->no_faces)
        return LK_OK;
    struct use *uses = lk_calloc(r->n_pairs, 2 * sizeof *uses, err);
    struct lk_report_crop *once = lk_calloc(r->n_pairs, 2 * sizeof *once, err);
    lk_status status = uses != NULL && once != NULL ? LK_OK : LK_ENOMEM;
    if (status == LK_OK) {
        size_t n = number_pictures(r, uses, once);
        r->pictures = lk_calloc(n, sizeof *r->pictures, err);
        r->n_pictures = r->pictures != NULL ? n : 0;
        status = r->pictures != NULL ? lk_report_crops(r, once, n, CROP, keep_picture, r, err) : LK_ENOMEM;
    }
    for (size_t i = 0; i < 2 * r->n_pairs; i++) {
        size_t *number = &r->pairs[i / 2].picture[i % 2];
        if (*number != SIZE_MAX && (r->pictures == NULL || r->pictures[*number] == NULL))
            *number = SIZE_MAX;
    }
    free(uses);
    free(once);
    return status;
}
