/* SPDX-License-Identifier: Apache-2.0 */
/* tops.c - how close each unit comes to the persons of each gallery: short lists, joined over images. */
#include "stats/tops.h"

#include <stdlib.h>

lk_status lk_tops_new(struct lk_tops *out, size_t n_units, size_t n_galleries, size_t depth, lk_error *err)
{
    size_t lists, cells;
    LK_NEED(n_galleries > 0 && depth > 0, err, LK_EINVAL, "tops: no galleries or lists of length 0");
    LK_NEED(!lk_mul_overflows(n_units, n_galleries, &lists) && !lk_mul_overflows(lists, depth, &cells), err,
            LK_ENOMEM, "tops: so many units do not fit into memory");
    struct lk_top *top = lk_calloc(cells, sizeof *top, err);
    if (top == NULL)
        return LK_ENOMEM;
    for (size_t i = 0; i < cells; i++)
        top[i] = (struct lk_top){-INFINITY, LK_NO_PERSON};
    *out = (struct lk_tops){n_units, n_galleries, depth, top};
    return LK_OK;
}

void lk_tops_free(struct lk_tops *tops)
{
    free(tops->top);
    *tops = (struct lk_tops){0};
}

static bool before(const struct lk_top *a, const struct lk_top *b)
{
    return a->score != b->score ? a->score > b->score : a->person < b->person;
}

void lk_tops_add(const struct lk_tops *tops, size_t unit, size_t gallery, float score, uint32_t person)
{
    struct lk_top *list = lk_tops_of(tops, unit, gallery), add = {score, person};
    size_t place = 0;
    while (place < tops->depth && list[place].person != person)
        place++;
    if (place == tops->depth)
        place--; /* a new person takes the last place, or none */
    if (!before(&add, &list[place]))
        return;
    for (; place > 0 && before(&add, &list[place - 1]); place--)
        list[place] = list[place - 1];
    list[place] = add;
}

uint32_t lk_tops_nearest(const struct lk_tops *tops, size_t unit, size_t *gallery, unsigned *n_tied,
                         unsigned *n_tied_train)
{
    uint32_t person = LK_NO_PERSON;
    float best = -INFINITY;
    *gallery = 0;
    *n_tied = *n_tied_train = 0;
    for (size_t g = 0; g < tops->n_galleries; g++)
        if (lk_tops_best(tops, unit, g) > best)
            best = lk_tops_best(tops, unit, g);
    for (size_t g = 0; g < tops->n_galleries && best > -INFINITY; g++) {
        const struct lk_top *list = lk_tops_of(tops, unit, g);
        for (size_t k = 0; k < tops->depth && list[k].score == best; k++) {
            if (person == LK_NO_PERSON) {
                person = list[k].person;
                *gallery = g;
            }
            ++*n_tied;
            *n_tied_train += g == 0;
        }
    }
    return person;
}
