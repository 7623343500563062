/* SPDX-License-Identifier: Apache-2.0 */
/* tops.h - the data that every measure works on: how close each unit comes to the persons of each gallery.
 *
 * A unit is one synthetic identity (an image where there are no labels). Gallery 0 is the training set T, the
 * others are hold-outs H_1 .. H_K matched to it. Persons are numbered over all galleries together. */
#ifndef LK_STATS_TOPS_H
#define LK_STATS_TOPS_H

#include "base/mem.h"

#include <math.h>
#include <stdint.h>

struct lk_top {
    float score;
    uint32_t person;
};

#define LK_NO_PERSON UINT32_MAX

/* Of each unit u and gallery g, from top[(u * n_galleries + g) * depth] on: its closest persons, closest
 * first, of equal ones the lowest number first; what is not filled is {-INFINITY, LK_NO_PERSON}. */
struct lk_tops {
    size_t n_units, n_galleries, depth;
    struct lk_top *top;
};

lk_status lk_tops_new(struct lk_tops *out, size_t n_units, size_t n_galleries, size_t depth, lk_error *err);
void lk_tops_free(struct lk_tops *tops);

static inline struct lk_top *lk_tops_of(const struct lk_tops *tops, size_t unit, size_t gallery)
{
    return tops->top + (unit * tops->n_galleries + gallery) * tops->depth;
}

static inline float lk_tops_best(const struct lk_tops *tops, size_t unit, size_t gallery)
{
    return lk_tops_of(tops, unit, gallery)->score;
}

/* Joins one image's score for a person into the list of a unit, by the maximum over its images. The lists of
 * single images may be as short as the joined one: a person among the first `depth` of a unit is among the
 * first `depth` of the image that gives its score. */
void lk_tops_add(const struct lk_tops *tops, size_t unit, size_t gallery, float score, uint32_t person);

/* The nearest person of a unit over all galleries, and the gallery it is in. Of persons at the same score:
 * the first in gallery order; *n_tied counts them, *n_tied_train those in T. Gives LK_NO_PERSON when the unit
 * has no score at all (then both counts are 0). */
uint32_t lk_tops_nearest(const struct lk_tops *tops, size_t unit, size_t *gallery, unsigned *n_tied,
                         unsigned *n_tied_train);

#endif
