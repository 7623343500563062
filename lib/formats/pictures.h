/* SPDX-License-Identifier: Apache-2.0 */
/* pictures.h - reads pictures again by the path that images.csv gives them, in folders and containers. */
#ifndef LK_FORMATS_PICTURES_H
#define LK_FORMATS_PICTURES_H

#include "formats/source.h"

/* Keeps containers open from one picture to the next. */
struct lk_pictures;
lk_status lk_pictures_new(struct lk_pictures **out, lk_ctx *ctx, lk_error *err);
void lk_pictures_free(struct lk_pictures *pictures);

/* Where a picture is. Sort by it (container, then row) before reading many: compressed archives are then read
 * once, from start to end. */
struct lk_picture_place {
    size_t container; /* SIZE_MAX = a file of its own */
    size_t row;
};
int lk_picture_place_compare(const struct lk_picture_place *a, const struct lk_picture_place *b);

/* Finds the place of a path as lk_source_path gave it: "a/b.jpg", "shard.tar!/a/b.jpg", "train.rec#12". A
 * file or folder that really has that name comes first. format: of the container, as lk_source_options has
 * it; NULL = recognise it. LK_EIO when there is no such file or container, LK_EFORMAT when the container has
 * no such picture. Opens containers; one thread at a time. */
lk_status lk_pictures_find(struct lk_pictures *pictures, const char *path, const char *format,
                           struct lk_picture_place *place, lk_error *err);
/* Reads it, from any thread while no find is running. *bytes is freed by the caller. */
lk_status lk_pictures_read(const struct lk_pictures *pictures, const char *path,
                           const struct lk_picture_place *place, uint8_t **bytes, size_t *len, lk_error *err);

#endif
