/* SPDX-License-Identifier: Apache-2.0 */
/* plant.h - the plan of a planted set: which picture becomes which, and how, decided before a single one is
 * made. */
#ifndef LK_VISION_PLANT_H
#define LK_VISION_PLANT_H

#include <stdbool.h>

#include "formats/source.h"

enum lk_plant_kind {
    LK_PLANT_COPY,
    LK_PLANT_FLIP,
    LK_PLANT_CROP,
    LK_PLANT_JPEG,
    LK_PLANT_BLUR,
    LK_PLANT_COLOUR,
    LK_PLANT_OTHER, /* other photos of the person, which leave the training set */
    LK_PLANT_BLEND,
    LK_PLANT_N_KINDS
};
extern const char *const lk_plant_kind_names[LK_PLANT_N_KINDS];

/* One picture to make. */
struct lk_plant_item {
    size_t name;    /* number of its synthetic identity, from 1 */
    size_t number;  /* of the picture inside it, from 1 */
    bool planted;   /* source is in train, else in others */
    size_t source;  /* picture it is made from */
    size_t partner; /* in others: picture that a blend takes the rest from */
    enum lk_plant_kind kind;
    int quality;             /* of the JPEG */
    double keep, x, y;       /* crop: share of each side kept, offset as share of the side */
    double sigma;            /* blur */
    double gain[3], gamma[3]; /* colour */
    double alpha;            /* blend */
};

struct lk_plant_plan {
    struct lk_plant_item *items; /* by name, then number */
    size_t n, capacity;
    size_t n_names;     /* synthetic identities */
    size_t n_planted;   /* those made from train */
    bool *moved;        /* by picture of train: it leaves the training set */
    size_t n_moved;
};

/* The same sources, options and seed give the same plan. */
lk_status lk_plant_plan_make(struct lk_plant_plan *plan, const struct lk_source *train,
                             const struct lk_source *others, const lk_plant_options *options, lk_error *err);
void lk_plant_plan_free(struct lk_plant_plan *plan);

/* Identity of a picture: its folder, else its file name without the ending. New string. */
char *lk_plant_identity(const struct lk_source *source, size_t row, lk_error *err);

#endif
