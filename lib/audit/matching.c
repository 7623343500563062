/* SPDX-License-Identifier: Apache-2.0 */
/* matching.c - training set and hold-outs made galleries of equal size: as many persons, with as many images.
 *
 * A larger gallery wins more often by chance, whatever the generator did. Persons and images are chosen by
 * their keys: at random, but the same for any order of the inputs. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "audit/audit.h"

/* ---- which persons ---------------------------------------------------------------------------------- */

/* Persons of a part: number first .. first + n of a set in the order of keys. */
struct part {
    const struct lk_audit_set *set;
    uint32_t first, n;
};

static lk_status count_parts(const struct lk_audit_input *in, size_t *parts, lk_error *err)
{
    *parts = in->n_holdouts;
    if (in->n_holdouts != 1) {
        LK_NEED(in->decoys <= 1, err, LK_EINVAL,
                "decoys: %" PRIu64 " parts of %zu hold-outs were asked for; expected one hold-out to cut",
                in->decoys, in->n_holdouts);
        return LK_OK;
    }
    uint64_t held = in->holdouts[0]->n_persons, train = in->train->n_persons;
    *parts = in->decoys > 0 ? (size_t)in->decoys : held > train ? (size_t)(held / train) : 1;
    LK_NEED(*parts <= held, err, LK_EINVAL, "decoys: %zu parts of a hold-out of %" PRIu64 " persons", *parts,
            held);
    return LK_OK;
}

static lk_status check_labels(const struct lk_audit_input *in, lk_error *err)
{
    for (size_t i = 0; i < in->n_holdouts && !in->force; i++)
        LK_NEED(in->holdouts[i]->labelled == in->train->labelled, err, LK_EINVAL,
                "%s has identities and %s has not, so they cannot be matched person by person; name the "
                "persons by folders in both, or force it",
                in->train->labelled ? "the training set" : "the hold-out",
                in->train->labelled ? "the hold-out" : "the training set");
    return LK_OK;
}

static uint32_t least_n(const struct part *parts, size_t n)
{
    uint32_t least = parts[0].n;
    for (size_t i = 1; i < n; i++)
        least = parts[i].n < least ? parts[i].n : least;
    return least;
}

static void cut_parts(const struct lk_audit_input *in, struct part *parts, size_t n)
{
    parts[0] = (struct part){in->train, 0, in->train->n_persons};
    for (size_t k = 1; k < n; k++) {
        const struct lk_audit_set *set = in->holdouts[in->n_holdouts == 1 ? 0 : k - 1];
        uint32_t each = in->n_holdouts == 1 ? set->n_persons / (uint32_t)(n - 1) : set->n_persons;
        parts[k] = (struct part){set, in->n_holdouts == 1 ? (uint32_t)(k - 1) * each : 0, each};
    }
}

lk_status lk_audit_choose(struct lk_audit *a, lk_error *err)
{
    size_t holdouts;
    LK_TRY(check_labels(a->in, err));
    LK_TRY(count_parts(a->in, &holdouts, err));
    a->n_galleries = 1 + holdouts;
    a->galleries = lk_calloc(a->n_galleries, sizeof *a->galleries, err);
    struct part *parts = lk_calloc(a->n_galleries, sizeof *parts, err);
    lk_status status = a->galleries != NULL && parts != NULL ? LK_OK : LK_ENOMEM;
    if (status == LK_OK) {
        cut_parts(a->in, parts, a->n_galleries);
        a->n_each = least_n(parts, a->n_galleries);
        a->n_persons = (size_t)a->n_each * a->n_galleries;
        a->persons = lk_calloc(a->n_persons, sizeof *a->persons, err);
        status = a->persons != NULL ? LK_OK : LK_ENOMEM;
    }
    for (size_t g = 0; status == LK_OK && g < a->n_galleries; g++) {
        a->galleries[g].persons_given = parts[g].first == 0 ? parts[g].set->n_persons : 0;
        for (uint32_t i = 0; i < a->n_each; i++) {
            uint32_t person = parts[g].set->by_key[parts[g].first + i];
            a->persons[g * a->n_each + i] = (struct lk_audit_person){
                .gallery = (uint32_t)g,
                .set = parts[g].set,
                .person = person,
                .n_rows = parts[g].set->start[person + 1] - parts[g].set->start[person]};
        }
    }
    free(parts);
    return status;
}

/* ---- as many of each, with as many images ----------------------------------------------------------- */

static uint64_t person_key(const struct lk_audit_person *p)
{
    return p->set->person_key[p->person];
}

/* By falling number of images; of equal ones by key. */
static int by_images(const void *x, const void *y)
{
    const struct lk_audit_person *a = x, *b = y;
    if (a->n_rows != b->n_rows)
        return a->n_rows > b->n_rows ? -1 : 1;
    if (person_key(a) != person_key(b))
        return person_key(a) < person_key(b) ? -1 : 1;
    return (a->person > b->person) - (a->person < b->person);
}

/* Leaves the dropped persons out, then the last by key of every gallery that has more than the smallest. */
static void keep_persons(struct lk_audit *a, const bool *dropped)
{
    uint64_t least = a->n_each, n = 0;
    for (size_t g = 0; g < a->n_galleries; g++) {
        uint64_t kept = 0;
        for (uint64_t i = 0; i < a->n_each; i++)
            kept += !dropped[g * a->n_each + i];
        least = kept < least ? kept : least;
    }
    for (size_t g = 0; g < a->n_galleries; g++) {
        uint64_t kept = 0;
        for (uint64_t i = 0; i < a->n_each && kept < least; i++)
            if (!dropped[g * a->n_each + i]) {
                a->persons[n++] = a->persons[g * a->n_each + i]; /* moves down only */
                kept++;
            }
    }
    a->n_each = least;
    a->n_persons = (size_t)n;
}

/* The k-th person by number of images gets as many images in every gallery: the fewest that any k-th has. */
static void level_images(struct lk_audit *a)
{
    for (size_t g = 0; g < a->n_galleries; g++)
        qsort(a->persons + g * a->n_each, (size_t)a->n_each, sizeof *a->persons, by_images);
    for (uint64_t i = 0; i < a->n_each; i++) {
        uint32_t least = UINT32_MAX;
        for (size_t g = 0; g < a->n_galleries; g++)
            if (a->persons[g * a->n_each + i].n_rows < least)
                least = a->persons[g * a->n_each + i].n_rows;
        for (size_t g = 0; g < a->n_galleries; g++) {
            a->images_dropped += a->persons[g * a->n_each + i].n_rows - least;
            a->persons[g * a->n_each + i].n_rows = least;
        }
    }
}

static lk_status gather(struct lk_audit *a, size_t g, lk_error *err)
{
    struct lk_audit_gallery *gallery = &a->galleries[g];
    uint64_t dim = a->in->synthetic->dim, first = g * a->n_each;
    for (uint64_t i = first; i < first + a->n_each; i++)
        gallery->rows += a->persons[i].n_rows;
    size_t cells;
    LK_NEED(!lk_mul_overflows((size_t)gallery->rows, (size_t)dim, &cells), err, LK_ENOMEM,
            "gallery: so many rows do not fit into memory");
    gallery->data = lk_alloc_aligned(cells, sizeof *gallery->data, err);
    gallery->person = lk_calloc((size_t)gallery->rows, sizeof *gallery->person, err);
    gallery->local = lk_calloc((size_t)gallery->rows, sizeof *gallery->local, err);
    gallery->row = lk_calloc((size_t)gallery->rows, sizeof *gallery->row, err);
    if (gallery->data == NULL || gallery->person == NULL || gallery->local == NULL || gallery->row == NULL)
        return LK_ENOMEM;
    uint64_t at = 0;
    for (uint64_t i = first; i < first + a->n_each; i++) {
        const struct lk_audit_person *p = &a->persons[i];
        for (uint32_t k = 0; k < p->n_rows; k++, at++) {
            gallery->row[at] = p->set->rows_of[p->set->start[p->person] + k];
            gallery->person[at] = (uint32_t)i;
            gallery->local[at] = (uint32_t)(i - first);
            memcpy(gallery->data + at * dim, p->set->data + gallery->row[at] * dim, dim * sizeof(float));
        }
    }
    return LK_OK;
}

lk_status lk_audit_equalise(struct lk_audit *a, const bool *dropped, lk_error *err)
{
    keep_persons(a, dropped);
    LK_NEED(a->n_each > 0, err, LK_EINVAL,
            "matching: no person is left in a gallery after doubles were dropped");
    level_images(a);
    for (size_t g = 0; g < a->n_galleries; g++)
        LK_TRY(gather(a, g, err));
    return LK_OK;
}
