/* SPDX-License-Identifier: Apache-2.0 */
/* templates.h - one vector for each template of IJB-B and IJB-C, made of the images that FACES has of it. */
#ifndef LK_STATS_TEMPLATES_H
#define LK_STATS_TEMPLATES_H

#include "formats/faces.h"
#include "formats/ijb.h"

struct lk_templates {
    uint32_t *ids;  /* rising */
    bool *usable;   /* it has an image with an embedding, and its vector is not zero */
    float *vectors; /* n x dim, of length 1 where usable, else zero */
    size_t n, dim;
    uint64_t n_usable;
    uint64_t n_images_missing; /* lines of the table whose image has no usable embedding */
};

/* A template is the mean of the images of each media, then the sum over media, made a unit vector (Whitelam
 * et al. 2017; Maze et al. 2018), from unit vectors, in double. An image is found by the end of its path,
 * with folders as far as the table names them and with any extension. LK_EFORMAT when no image is found, or a
 * name means two. `path` names the table in messages. */
lk_status lk_templates_make(struct lk_templates *out, const struct lk_faces *faces,
                            const struct lk_ijb_images *images, const char *path, lk_error *err);
void lk_templates_free(struct lk_templates *templates);

/* Index of a template, or SIZE_MAX. */
size_t lk_templates_find(const struct lk_templates *templates, uint32_t id);

#endif
