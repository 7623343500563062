/* SPDX-License-Identifier: Apache-2.0 */
/* kinds.c - L8: whether the two pictures of a pair are one picture, for the closest pairs and for the pairs
 * behind discoveries. Pictures that cannot be read leave the kind unknown: no other measure depends on it. */
#include <stdlib.h>
#include <string.h>

#include "audit/audit.h"
#include "base/pool.h"
#include "formats/pictures.h"
#include "vision/align.h"
#include "vision/thumb.h"

enum { CLOSEST = 1500, CROP = 112 };

/* One picture to read. */
struct picture {
    const struct lk_audit_set *set;
    uint32_t row;
    char *path;
    struct lk_picture_place place;
    bool found, read;
    uint8_t thumb[LK_THUMB_PIXELS];
};

struct job {
    const struct lk_audit *a;
    struct lk_pictures *pictures;
    struct picture *items; /* by set and row, each once */
    size_t n;
    uint32_t *order; /* those that were found, by place */
    size_t n_found;
};

static int by_row(const void *a, const void *b)
{
    const struct picture *x = a, *y = b;
    if (x->set != y->set)
        return strcmp(x->set->role, y->set->role);
    return (x->row > y->row) - (x->row < y->row);
}

static size_t n_closest(const struct lk_audit *a)
{
    return a->n_pairs < CLOSEST ? a->n_pairs : CLOSEST;
}

static uint32_t pair_row(const struct lk_audit *a, size_t i)
{
    return a->galleries[0].row[a->pairs[i].reference];
}

static lk_status collect(struct job *j, lk_error *err)
{
    const struct lk_audit *a = j->a;
    const struct lk_audit_set *s = a->in->synthetic, *t = a->in->train;
    size_t n = 0;
    j->items = lk_calloc(n_closest(a) + (size_t)a->competition.discoveries, 2 * sizeof *j->items, err);
    if (j->items == NULL)
        return LK_ENOMEM;
    for (size_t i = 0; i < n_closest(a); i++) {
        j->items[n++] = (struct picture){.set = s, .row = a->pairs[i].probe};
        j->items[n++] = (struct picture){.set = t, .row = pair_row(a, i)};
    }
    for (size_t u = 0; u < a->n_units; u++) {
        if (!a->units[u].found)
            continue;
        j->items[n++] = (struct picture){.set = s, .row = a->units[u].image};
        j->items[n++] = (struct picture){.set = t, .row = a->units[u].reference};
    }
    qsort(j->items, n, sizeof *j->items, by_row);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || by_row(&j->items[i], &j->items[j->n - 1]) != 0)
            j->items[j->n++] = j->items[i];
    return LK_OK;
}

/* Only a lack of memory, or being stopped, ends the work. */
static bool fatal(lk_status status)
{
    return status == LK_ENOMEM || status == LK_ECANCELED;
}

static lk_status find_pictures(struct job *j, lk_error *err)
{
    j->order = lk_calloc(j->n, sizeof *j->order, err);
    if (j->order == NULL)
        return LK_ENOMEM;
    for (uint32_t i = 0; i < j->n; i++) {
        struct picture *p = &j->items[i];
        const struct lk_faces *faces = &p->set->file.faces;
        const struct lk_face_image *image = lk_faces_image(faces, lk_audit_file_row(p->set, p->row));
        lk_error reason;
        p->path = image->path != NULL ? lk_faces_image_path(faces, image, &reason) : NULL;
        if (p->path == NULL)
            continue;
        lk_status status =
            lk_pictures_find(j->pictures, p->path, lk_faces_inputs_format(faces), &p->place, &reason);
        if (fatal(status)) {
            if (err != NULL)
                *err = reason;
            return status;
        }
        p->found = status == LK_OK;
        if (p->found)
            j->order[j->n_found++] = i;
    }
    return LK_OK;
}

struct placed {
    struct lk_picture_place place;
    uint32_t item;
};

static int by_place(const void *a, const void *b)
{
    return lk_picture_place_compare(&((const struct placed *)a)->place, &((const struct placed *)b)->place);
}

static lk_status sort_by_place(struct job *j, lk_error *err)
{
    struct placed *placed = lk_calloc(j->n_found, sizeof *placed, err);
    if (placed == NULL)
        return LK_ENOMEM;
    for (size_t i = 0; i < j->n_found; i++)
        placed[i] = (struct placed){j->items[j->order[i]].place, j->order[i]};
    if (j->n_found > 0)
        qsort(placed, j->n_found, sizeof *placed, by_place);
    for (size_t i = 0; i < j->n_found; i++)
        j->order[i] = placed[i].item;
    free(placed);
    return LK_OK;
}

/* The aligned crop where the face's points are known; crops that were given as such are taken whole. */
static lk_status make_thumb(const uint8_t *bytes, size_t len, const struct lk_face *face, uint8_t *thumb)
{
    struct lk_image whole = {0, 0, NULL}, crop = {0, 0, NULL};
    lk_status status = lk_image_decode(bytes, len, &whole, NULL);
    bool points = __builtin_popcount(face->has) >= 2;
    if (status == LK_OK && points)
        status = lk_align(&whole, face, CROP, &crop, NULL);
    if (status == LK_OK)
        status = lk_thumb_make(points ? &crop : &whole, thumb, NULL);
    lk_image_free(&whole);
    lk_image_free(&crop);
    return status;
}

static lk_status read_picture(void *arg, size_t index, int worker, lk_error *err)
{
    (void)worker;
    const struct job *j = arg;
    struct picture *p = &j->items[j->order[index]];
    uint8_t *bytes = NULL;
    size_t len = 0;
    lk_status status = lk_pictures_read(j->pictures, p->path, &p->place, &bytes, &len, NULL);
    if (status == LK_OK)
        status = make_thumb(
            bytes, len, &lk_faces_image(&p->set->file.faces, lk_audit_file_row(p->set, p->row))->face,
            p->thumb);
    free(bytes);
    p->read = status == LK_OK;
    return fatal(status) ? lk_fail(err, status, "stopped while the pictures of pairs were read") : LK_OK;
}

/* ---- kinds ------------------------------------------------------------------------------------------ */

static const struct picture *picture_of(const struct job *j, const struct lk_audit_set *set, uint32_t row)
{
    struct picture key = {.set = set, .row = row};
    return bsearch(&key, j->items, j->n, sizeof *j->items, by_row);
}

static int8_t judge(const struct job *j, uint32_t image, uint32_t reference)
{
    const struct picture *x = picture_of(j, j->a->in->synthetic, image),
                         *y = picture_of(j, j->a->in->train, reference);
    if (!x->read || !y->read)
        return LK_AUDIT_NOT_READ;
    enum lk_kind kind;
    struct lk_kind_evidence evidence;
    lk_kind_of_thumbs(x->thumb, y->thumb, &kind, &evidence);
    return (int8_t)kind;
}

static bool is_copy(int8_t kind)
{
    return kind == LK_KIND_SAME_PICTURE || kind == LK_KIND_SAME_MIRRORED;
}

static void count(struct lk_audit_kinds *k, int8_t kind)
{
    if (kind == LK_AUDIT_NOT_READ)
        k->not_read++;
    else
        k->pairs[kind]++;
}

/* Synthetic identities with a copy, and pictures of T that were copied. */
static lk_status count_copies(struct lk_audit *a, lk_error *err)
{
    struct lk_audit_kinds *k = &a->kinds;
    uint8_t *identity = a->copied = lk_calloc(a->in->synthetic->n_persons, 1, err);
    uint8_t *reference = lk_calloc((size_t)a->in->train->rows, 1, err);
    lk_status status = identity != NULL && reference != NULL ? LK_OK : LK_ENOMEM;
    k->not_read = a->n_pairs - n_closest(a);
    for (size_t i = 0; status == LK_OK && i < n_closest(a); i++) {
        count(k, a->pair_kind[i]);
        if (is_copy(a->pair_kind[i]))
            identity[a->in->synthetic->person[a->pairs[i].probe]] = reference[pair_row(a, i)] = 1;
    }
    for (size_t u = 0; status == LK_OK && u < a->n_units; u++)
        if (a->units[u].found && is_copy(a->units[u].kind))
            identity[a->units[u].identity] = reference[a->units[u].reference] = 1;
    for (size_t u = 0; status == LK_OK && u < a->n_units; u++)
        k->inferred += a->units[u].found && !identity[a->units[u].identity];
    for (uint32_t p = 0; status == LK_OK && p < a->in->synthetic->n_persons; p++)
        k->identities += identity[p];
    for (uint64_t i = 0; status == LK_OK && i < a->in->train->rows; i++)
        k->references += reference[i];
    free(reference);
    return status;
}

static lk_status measure(struct job *j, struct lk_audit *a, lk_error *err)
{
    LK_TRY(lk_pictures_new(&j->pictures, a->ctx, err));
    LK_TRY(collect(j, err));
    LK_TRY(find_pictures(j, err));
    LK_TRY(sort_by_place(j, err));
    LK_TRY(lk_pool_for(a->ctx, j->n_found, read_picture, j, err));
    for (size_t i = 0; i < n_closest(a); i++)
        a->pair_kind[i] = judge(j, a->pairs[i].probe, pair_row(a, i));
    for (size_t u = 0; u < a->n_units; u++)
        if (a->units[u].found)
            a->units[u].kind = judge(j, a->units[u].image, a->units[u].reference);
    return LK_OK;
}

lk_status lk_audit_kinds(struct lk_audit *a, lk_error *err)
{
    a->pair_kind = lk_calloc(a->n_pairs, sizeof *a->pair_kind, err);
    if (a->pair_kind == NULL)
        return LK_ENOMEM;
    memset(a->pair_kind, LK_AUDIT_NOT_READ, a->n_pairs * sizeof *a->pair_kind);
    for (size_t u = 0; u < a->n_units; u++)
        a->units[u].kind = LK_AUDIT_NOT_READ;
    struct job j = {.a = a};
    lk_status status = LK_OK;
    if (a->in->synthetic->file.faces.images != NULL && a->in->train->file.faces.images != NULL)
        status = measure(&j, a, err);
    if (status == LK_OK)
        status = count_copies(a, err);
    for (size_t i = 0; i < j.n; i++)
        free(j.items[i].path);
    free(j.items);
    free(j.order);
    lk_pictures_free(j.pictures);
    return status;
}
