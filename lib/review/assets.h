/* SPDX-License-Identifier: Apache-2.0 */
/* assets.h - the files of the review's pages, built into the library by scripts/embed_assets.py. */
#ifndef LK_REVIEW_ASSETS_H
#define LK_REVIEW_ASSETS_H

#include <stddef.h>

struct lk_review_asset {
    const char *path, *type; /* where a browser asks for it, and its content type */
    const char *text;
    size_t len;
};

extern const struct lk_review_asset lk_review_assets[];
extern const size_t lk_n_review_assets;

#endif
