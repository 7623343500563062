/* SPDX-License-Identifier: Apache-2.0 */
/* items.c - every image of the synthetic set, those without an embedding included: whose it is, whether it is
 * kept, and the hashes of the picture files that are not. */
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "clean/clean.h"
#include "formats/pictures.h"

static const struct lk_faces *faces_of(const struct lk_clean *c)
{
    return &c->job.input.synthetic->file.faces;
}

/* Images without an embedding go by the name of their identity. */
static lk_status by_name(struct lk_clean *c, lk_error *err)
{
    const struct lk_audit_set *s = c->job.input.synthetic;
    const struct lk_faces *f = faces_of(c);
    struct lk_names names = {0};
    uint32_t *person = lk_calloc(s->n_persons, sizeof *person, err), number;
    lk_status status = person != NULL ? LK_OK : LK_ENOMEM;
    for (uint32_t p = 0; status == LK_OK && p < s->n_persons; p++) {
        const char *name = lk_audit_person_name(s, p);
        if (name == NULL)
            continue;
        status = lk_names_add(&names, name, strlen(name), &number, err);
        if (status == LK_OK)
            person[number] = p;
    }
    for (size_t i = 0; status == LK_OK && i < c->n_items; i++) {
        const char *name = f->images[i].identity;
        if (c->identity_of[i] != LK_CLEAN_NOBODY || name == NULL)
            continue;
        number = lk_names_find(&names, name, strlen(name));
        if (number != LK_NO_NAME)
            c->identity_of[i] = person[number];
    }
    lk_names_free(&names);
    free(person);
    return status;
}

lk_status lk_clean_list_items(struct lk_clean *c, lk_error *err)
{
    const struct lk_audit_set *s = c->job.input.synthetic;
    const struct lk_faces *f = faces_of(c);
    c->n_items = f->images != NULL ? f->n_images : (size_t)f->matrix.rows;
    c->identity_of = lk_calloc(c->n_items, sizeof *c->identity_of, err);
    c->compared = lk_calloc(c->n_items, sizeof *c->compared, err);
    c->sha256 = lk_calloc(c->n_items, sizeof *c->sha256, err);
    if (c->identity_of == NULL || c->compared == NULL || c->sha256 == NULL)
        return LK_ENOMEM;
    for (size_t i = 0; i < c->n_items; i++)
        c->identity_of[i] = LK_CLEAN_NOBODY;
    for (uint32_t i = 0; i < s->rows; i++) {
        uint32_t row = lk_audit_file_row(s, i);
        size_t item = f->images != NULL ? f->image_of_row[row] : row;
        c->identity_of[item] = s->person[i];
        c->compared[item] = true;
    }
    if (f->images != NULL)
        LK_TRY(by_name(c, err));
    for (size_t i = 0; i < c->n_items; i++) {
        bool kept = lk_clean_keeps(c, i);
        *(kept ? &c->sum->n_images_kept : &c->sum->n_images_removed) += 1;
        c->sum->n_not_compared += kept && !c->compared[i];
    }
    return LK_OK;
}

bool lk_clean_keeps(const struct lk_clean *c, size_t item)
{
    const struct lk_faces *f = faces_of(c);
    if (f->images != NULL && f->images[item].status == LK_FACE_EXCLUDED)
        return false;
    return c->identity_of[item] == LK_CLEAN_NOBODY || !c->removed[c->identity_of[item]];
}

/* ---- hashes ------------------------------------------------------------------------------------------- */

struct placed {
    size_t item;
    char *path;
    struct lk_picture_place place;
};

static int by_place(const void *a, const void *b)
{
    return lk_picture_place_compare(&((const struct placed *)a)->place, &((const struct placed *)b)->place);
}

/* What cannot be found or read has no hash; only a lack of memory, or being stopped, ends the work. */
static bool fatal(lk_status status)
{
    return status == LK_ENOMEM || status == LK_ECANCELED;
}

static lk_status find_removed(const struct lk_clean *c, struct lk_pictures *pictures, struct placed **out,
                              size_t *n, lk_error *err)
{
    const struct lk_faces *f = faces_of(c);
    size_t capacity = 0;
    for (size_t i = 0; i < c->n_items; i++) {
        if (lk_clean_keeps(c, i) || f->images[i].path == NULL)
            continue;
        LK_TRY(lk_grow(out, &capacity, *n + 1, sizeof **out, err));
        struct placed *p = &(*out)[*n];
        lk_error why;
        *p = (struct placed){.item = i, .path = lk_faces_image_path(f, &f->images[i], &why)};
        lk_status status =
            p->path != NULL ? lk_pictures_find(pictures, p->path, lk_faces_inputs_format(f), &p->place, &why)
                            : why.code;
        if (status == LK_OK) {
            ++*n;
            continue;
        }
        free(p->path);
        LK_NEED(!fatal(status), err, status, "%s", why.text);
    }
    return LK_OK;
}

static lk_status hash_found(struct lk_clean *c, const struct lk_pictures *pictures,
                            const struct placed *placed, size_t n, lk_error *err)
{
    for (size_t i = 0; i < n; i++) {
        uint8_t *bytes = NULL;
        size_t len = 0;
        lk_error why;
        LK_TRY(lk_ctx_check(c->ctx, err));
        lk_status status = lk_pictures_read(pictures, placed[i].path, &placed[i].place, &bytes, &len, &why);
        if (status == LK_OK)
            status = lk_hash_bytes(bytes, len, c->sha256[placed[i].item], &why);
        free(bytes);
        LK_NEED(!fatal(status), err, status, "%s", why.text);
        lk_ctx_progress(c->ctx,
                        &(lk_progress){.stage = "hash", .unit = "pictures", .done = i + 1, .total = n});
    }
    return LK_OK;
}

lk_status lk_clean_hash_removed(struct lk_clean *c, lk_error *err)
{
    if (faces_of(c)->images == NULL)
        return LK_OK;
    struct lk_pictures *pictures = NULL;
    struct placed *placed = NULL;
    size_t n = 0;
    LK_TRY(lk_pictures_new(&pictures, c->ctx, err));
    lk_status status = find_removed(c, pictures, &placed, &n, err);
    if (status == LK_OK && n > 0)
        qsort(placed, n, sizeof *placed, by_place);
    if (status == LK_OK)
        status = hash_found(c, pictures, placed, n, err);
    for (size_t i = 0; i < n; i++)
        free(placed[i].path);
    free(placed);
    lk_pictures_free(pictures);
    return status;
}
