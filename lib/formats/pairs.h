/* SPDX-License-Identifier: Apache-2.0 */
/* pairs.h - LFW's pairs.txt: pairs of pictures, named by person and number, in folds. */
#ifndef LK_FORMATS_PAIRS_H
#define LK_FORMATS_PAIRS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct lk_pair {
    const char *name[2]; /* of the persons; the same for a genuine pair */
    uint32_t number[2]; /* of the pictures: NAME/NAME_%04d.jpg */
    uint32_t fold; /* from 0 */
    bool genuine;
};

struct lk_pairs {
    struct lk_pair *items; /* in the order of the file */
    size_t n;
    uint32_t folds;
    char *text; /* the names */
};

/* First line: folds and pairs of each kind, or the latter alone (one fold). Then for each fold so many lines
 * "name i j" and so many "name1 i name2 j", separated by tabs (or by blanks where a line has no tab).
 * Anything else is LK_EFORMAT naming the line. Limits: 1000 folds, 10 million pairs, names of 255 bytes. */
lk_status lk_pairs_parse(struct lk_pairs *out, const uint8_t *bytes, size_t len, lk_error *err);
lk_status lk_pairs_read(struct lk_pairs *out, const char *path, lk_error *err); /* at most 1 GiB */
void lk_pairs_free(struct lk_pairs *pairs);

#endif
