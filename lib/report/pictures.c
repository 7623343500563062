/* SPDX-License-Identifier: Apache-2.0 */
/* pictures.c - the small pictures of the shown pairs: the aligned crop where the face's points are known, as
 * base64 JPEG. */
#include <stdlib.h>
#include <string.h>

#include "base/pool.h"
#include "formats/image.h"
#include "formats/pictures.h"
#include "report/report.h"
#include "vision/align.h"

enum { CROP = 112, LARGEST = 224, QUALITY = 85 };

/* Shrinks to at most LARGEST pixels a side by averaging the source pixels that fall into each one. */
static lk_status shrink(const struct lk_image *in, struct lk_image *out, lk_error *err)
{
    int side = in->width > in->height ? in->width : in->height;
    int64_t to = side > LARGEST ? LARGEST : side;
    int width = (int)(in->width * to / side), height = (int)(in->height * to / side);
    LK_TRY(lk_image_new(out, width > 0 ? width : 1, height > 0 ? height : 1, err));
    for (int y = 0; y < out->height; y++) {
        int64_t y0 = (int64_t)y * in->height / out->height, y1 = (int64_t)(y + 1) * in->height / out->height;
        for (int x = 0; x < out->width; x++) {
            int64_t x0 = (int64_t)x * in->width / out->width, x1 = (int64_t)(x + 1) * in->width / out->width;
            uint64_t sum[3] = {0, 0, 0}, n = (uint64_t)((x1 - x0) * (y1 - y0));
            for (int64_t v = y0; v < y1; v++)
                for (int64_t u = x0; u < x1; u++)
                    for (int c = 0; c < 3; c++)
                        sum[c] += in->rgb[3 * (v * in->width + u) + c];
            for (int c = 0; c < 3; c++)
                out->rgb[3 * ((size_t)y * (size_t)out->width + (size_t)x) + (size_t)c] =
                    (uint8_t)((sum[c] + n / 2) / n);
        }
    }
    return LK_OK;
}

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

static unsigned known_points(const struct lk_face *face)
{
    unsigned n = 0;
    for (int i = 0; i < LK_N_POINTS; i++)
        n += face->has >> i & 1;
    return n;
}

/* Turns an encoded picture into the small one. */
static lk_status make_picture(const uint8_t *bytes, size_t len, const struct lk_face *face, char **out,
                              lk_error *err)
{
    struct lk_image whole = {0, 0, NULL}, small = {0, 0, NULL};
    uint8_t *jpeg = NULL;
    lk_status status = lk_image_decode(bytes, len, &whole, err);
    if (status == LK_OK)
        status =
            known_points(face) >= 2 ? lk_align(&whole, face, CROP, &small, err) : shrink(&whole, &small, err);
    if (status == LK_OK)
        status = lk_image_encode_jpeg(&small, QUALITY, &jpeg, &len, err);
    if (status == LK_OK)
        status = to_base64(jpeg, len, out, err);
    free(jpeg);
    lk_image_free(&whole);
    lk_image_free(&small);
    return status;
}

/* One picture to make, and where it lies. */
struct wanted {
    char *path;
    struct lk_picture_place place;
    const struct lk_face *face;
    char **out;
};

struct job {
    struct lk_pictures *pictures;
    struct wanted *wanted;
    size_t n;
};

/* Adds one side of a pair. A picture that cannot be found stays NULL: the page shows a neutral tile, for the
 * finding does not depend on it. Only a lack of memory, or being stopped, ends the work. */
static lk_status add_wanted(struct job *job, struct lk_report *r, size_t pair, int side, lk_error *err)
{
    const struct lk_report_set *set = &r->sets[side == 0 ? LK_SYNTHETIC : LK_TRAINING];
    struct lk_report_pair *p = &r->pairs[pair];
    const struct lk_face_image *image =
        set->open ? lk_faces_image(&set->faces, side == 0 ? p->probe : p->reference) : NULL;
    if (image == NULL)
        return LK_OK;
    struct wanted w = {.face = &image->face, .out = &p->picture[side]};
    if ((w.path = lk_faces_image_path(&set->faces, image, err)) == NULL)
        return LK_ENOMEM;
    lk_status status = lk_pictures_find(job->pictures, w.path, &w.place, err);
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

static lk_status picture_item(void *arg, size_t index, int worker, lk_error *err)
{
    (void)worker;
    const struct job *job = arg;
    const struct wanted *w = &job->wanted[index];
    uint8_t *bytes = NULL;
    size_t len = 0;
    lk_status status = lk_pictures_read(job->pictures, w->path, &w->place, &bytes, &len, NULL);
    if (status == LK_OK)
        status = make_picture(bytes, len, w->face, w->out, NULL);
    free(bytes);
    return status == LK_ENOMEM ? lk_fail(err, LK_ENOMEM, "out of memory while making the report's pictures")
                               : LK_OK;
}

lk_status lk_report_pictures(struct lk_report *r, lk_error *err)
{
    if (r->options->no_faces)
        return LK_OK;
    struct job job = {.wanted = lk_calloc(r->n_pairs, 2 * sizeof *job.wanted, err)};
    lk_status status = job.wanted != NULL ? lk_pictures_new(&job.pictures, r->ctx, err) : LK_ENOMEM;
    for (size_t i = 0; i < 2 * r->n_pairs && status == LK_OK; i++)
        status = add_wanted(&job, r, i / 2, (int)(i % 2), err);
    if (status == LK_OK) {
        qsort(job.wanted, job.n, sizeof *job.wanted, by_place);
        status = lk_pool_for(r->ctx, job.n, picture_item, &job, err);
    }
    for (size_t i = 0; i < job.n; i++)
        free(job.wanted[i].path);
    free(job.wanted);
    lk_pictures_free(job.pictures);
    return status;
}
