/* SPDX-License-Identifier: Apache-2.0 */
/* exclude.h - a table of pictures to leave out of a set, with reasons. */
#ifndef LK_FORMATS_EXCLUDE_H
#define LK_FORMATS_EXCLUDE_H

#include "base/names.h"

struct lk_exclude {
    struct lk_names paths; /* as the set gives them */
    struct lk_arena texts;
    const char **reasons; /* by number of the path */
    size_t capacity;
};

/* Reads a CSV table with the column `path`, and perhaps `keep` (yes or no; a row with yes is passed over),
 * `reason` (text for people). A path that stands there twice has the first reason. */
lk_status lk_exclude_parse(const uint8_t *bytes, size_t len, struct lk_exclude *out, lk_error *err);
lk_status lk_exclude_read(const char *path, struct lk_exclude *out, lk_error *err);
void lk_exclude_free(struct lk_exclude *exclude);

/* Why a picture is left out, or NULL when it is not. */
const char *lk_exclude_reason(const struct lk_exclude *exclude, const char *path);
/* SHA-256 over paths and reasons; the same for tables that say the same in the same order. */
lk_status lk_exclude_hash(const struct lk_exclude *exclude, char hex[65], lk_error *err);

#endif
