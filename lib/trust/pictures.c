/* SPDX-License-Identifier: Apache-2.0 */
/* pictures.c - the pictures behind a FACES directory: what their files look like from outside, and some of
 * them read again. */
#include "formats/pictures.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/hash.h"
#include "base/rng.h"
#include "trust/trust.h"

/* ---- a sample ------------------------------------------------------------------------------------------ */

static int by_number(const void *a, const void *b)
{
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return (x > y) - (x < y);
}

/* Floyd's algorithm: each set of n numbers with the same probability. n is small. */
lk_status lk_trust_sample(uint64_t seed, size_t of, size_t *n, size_t **out, lk_error *err)
{
    size_t count = *n < of ? *n : of;
    size_t *numbers = lk_calloc(count, sizeof *numbers, err);
    if (numbers == NULL)
        return LK_ENOMEM;
    struct lk_rng rng = lk_rng_seed(seed);
    for (size_t i = 0; i < count; i++) {
        size_t last = of - count + i, chosen = (size_t)lk_rng_below(&rng, last + 1);
        for (size_t k = 0; k < i; k++)
            if (numbers[k] == chosen) {
                chosen = last;
                break;
            }
        numbers[i] = chosen;
    }
    qsort(numbers, count, sizeof *numbers, by_number);
    *n = count;
    *out = numbers;
    return LK_OK;
}

/* ---- files from outside -------------------------------------------------------------------------------- */

struct looking {
    struct lk_hash *sizes, *times;
    struct lk_str last; /* path of the file that was looked at last */
    bool last_there;
    struct lk_picture_facts facts;
};

static lk_status add_number(struct lk_hash *hash, uint64_t value, lk_error *err)
{
    uint8_t bytes[8];
    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(value >> 8 * i);
    return lk_hash_add(hash, bytes, sizeof bytes, err);
}

static bool is_file(const char *path, struct stat *st)
{
    return stat(path, st) == 0 && S_ISREG(st->st_mode);
}

/* The file that a picture lies in: itself, or what stands before "!/" or "#" in its path; then path is cut
 * there. A container that is a folder is looked into through its name in the path ("set/data.mdb#12"). */
static bool find_file(char *path, struct stat *st)
{
    if (is_file(path, st))
        return true;
    for (char *at = path; *at != '\0'; at++) {
        char was = *at;
        if (at == path || !(was == '#' || (was == '!' && at[1] == '/')))
            continue;
        *at = '\0';
        if (is_file(path, st))
            return true;
        *at = was;
    }
    return false;
}

static lk_status look_at(struct looking *l, const struct lk_faces *faces, const struct lk_face_image *image,
                         lk_error *err)
{
    struct stat st;
    size_t len = l->last.len;
    char *path = lk_faces_image_path(faces, image, err);
    if (path == NULL)
        return LK_ENOMEM;
    lk_status status = LK_OK;
    /* Containers hold many pictures, one behind the other. */
    if (len > 0 && strncmp(path, l->last.text, len) == 0 && (path[len] == '#' || path[len] == '!')) {
        l->facts.missing += !l->last_there;
    } else {
        l->last_there = find_file(path, &st);
        l->facts.missing += !l->last_there;
        l->facts.files += l->last_there;
        l->last.len = 0;
        status = lk_str_addz(&l->last, path, err);
        uint64_t facts[3] = {0, 0, 0};
        if (l->last_there) {
            facts[0] = (uint64_t)st.st_size;
            facts[1] = (uint64_t)st.st_mtim.tv_sec;
            facts[2] = (uint64_t)st.st_mtim.tv_nsec;
        }
        if (status == LK_OK)
            status = lk_hash_add(l->sizes, image->path, strlen(image->path) + 1, err);
        if (status == LK_OK)
            status = add_number(l->sizes, l->last_there ? facts[0] : UINT64_MAX, err);
        for (int i = 1; i < 3 && status == LK_OK; i++)
            status = add_number(l->times, facts[i], err);
    }
    free(path);
    return status;
}

lk_status lk_picture_facts(struct lk_picture_facts *out, lk_ctx *ctx, const struct lk_faces *faces,
                           lk_error *err)
{
    struct looking l = {.facts = {.images = faces->n_images}};
    lk_status status = lk_hash_new(&l.sizes, err);
    if (status == LK_OK)
        status = lk_hash_new(&l.times, err);
    for (size_t i = 0; i < faces->n_images && status == LK_OK; i++) {
        status = lk_ctx_check(ctx, err);
        if (status == LK_OK)
            status = look_at(&l, faces, &faces->images[i], err);
    }
    if (status == LK_OK)
        status = lk_hash_end(l.sizes, l.facts.sizes_sha256, err);
    if (status == LK_OK)
        status = lk_hash_end(l.times, l.facts.times_sha256, err);
    lk_hash_free(l.sizes);
    lk_hash_free(l.times);
    lk_str_free(&l.last);
    if (status == LK_OK)
        *out = l.facts;
    return status;
}

/* ---- read again ---------------------------------------------------------------------------------------- */

struct wanted {
    size_t image;
    char *path;
    struct lk_picture_place place;
    bool found;
};

static int by_place(const void *a, const void *b)
{
    const struct wanted *x = a, *y = b;
    int order = lk_picture_place_compare(&x->place, &y->place);
    return order != 0 ? order : (x->image > y->image) - (x->image < y->image);
}

static bool ends_work(lk_status status)
{
    return status == LK_ENOMEM || status == LK_ECANCELED;
}

static lk_status find_wanted(struct lk_pictures *pictures, const struct lk_faces *faces, struct wanted *w,
                             lk_error *why, lk_error *err)
{
    lk_error reason;
    if ((w->path = lk_faces_image_path(faces, &faces->images[w->image], err)) == NULL)
        return LK_ENOMEM;
    lk_status status = lk_pictures_find(pictures, w->path, lk_faces_inputs_format(faces), &w->place, &reason);
    w->found = status == LK_OK;
    if (w->found)
        return LK_OK;
    w->place = (struct lk_picture_place){SIZE_MAX, SIZE_MAX};
    if (why != NULL && why->text[0] == '\0')
        *why = reason;
    return ends_work(status) ? lk_fail(err, status, "%s", reason.text) : LK_OK;
}

static lk_status read_wanted(struct lk_pictures *pictures, const struct wanted *w, lk_picture_fn *each,
                             void *user, lk_error *why, lk_error *err)
{
    lk_error reason;
    struct lk_picture_again picture = {.image = w->image};
    lk_status status = LK_OK;
    if (w->found)
        status = lk_pictures_read(pictures, w->path, &w->place, &picture.bytes, &picture.len, &reason);
    if (ends_work(status))
        return lk_fail(err, status, "%s", reason.text);
    if (status != LK_OK && why != NULL && why->text[0] == '\0')
        *why = reason;
    status = each(user, &picture, err);
    free(picture.bytes);
    return status;
}

lk_status lk_pictures_again(lk_ctx *ctx, const struct lk_faces *faces, const size_t *images, size_t n,
                            lk_picture_fn *each, void *user, lk_error *why, lk_error *err)
{
    struct lk_pictures *pictures = NULL;
    if (why != NULL)
        why->text[0] = '\0';
    struct wanted *wanted = lk_calloc(n, sizeof *wanted, err);
    lk_status status = wanted != NULL ? lk_pictures_new(&pictures, ctx, err) : LK_ENOMEM;
    for (size_t i = 0; i < n && status == LK_OK; i++) {
        wanted[i].image = images[i];
        status = find_wanted(pictures, faces, &wanted[i], why, err);
    }
    if (status == LK_OK && n > 0)
        qsort(wanted, n, sizeof *wanted, by_place);
    for (size_t i = 0; i < n && status == LK_OK; i++) {
        status = lk_ctx_check(ctx, err);
        if (status == LK_OK)
            status = read_wanted(pictures, &wanted[i], each, user, why, err);
    }
    for (size_t i = 0; i < n && wanted != NULL; i++)
        free(wanted[i].path);
    free(wanted);
    lk_pictures_free(pictures);
    return status;
}
