/* SPDX-License-Identifier: Apache-2.0 */
/* keep.h - the pictures behind the synthetic set, and which of them are kept; between the files that write a
 * set without what is removed. */
#ifndef LK_CLEAN_KEEP_H
#define LK_CLEAN_KEEP_H

#include "clean/clean.h"
#include "formats/source_backend.h"

struct lk_keep {
    const struct lk_clean *c;
    struct lk_source *source; /* its rows are the lines of images.csv */
};

/* One input of the source. */
struct lk_keep_input {
    const char *path, *format;
    size_t index, first, n; /* rows */
};
bool lk_keep_input(const struct lk_keep *k, size_t index, struct lk_keep_input *out);
size_t lk_keep_n_inputs(const struct lk_keep *k);

static inline bool lk_keep_row(const struct lk_keep *k, size_t row)
{
    return lk_clean_keeps(k->c, row);
}
/* Its bytes could not be read when it was embedded, so they need not be readable now. */
bool lk_keep_unreadable(const struct lk_keep *k, size_t row);

/* Where one of several inputs goes: TO itself, or TO/NAME of the input where there are several. New string.
 */
char *lk_keep_place(const struct lk_keep *k, const char *to, const struct lk_keep_input *input,
                    lk_error *err);

/* protect.c: LK_EINVAL when writing `path` would change anything that a cleaning reads. */
lk_status lk_keep_protect(const struct lk_clean *c, const char *path, lk_error *err);
lk_status lk_keep_protect_input(const char *path, const char *input, lk_error *err);

/* tree.c, archives.c, records.c. A file that is there is replaced when the options force it, a folder never.
 */
lk_status lk_keep_tree_check(const char *to, lk_error *err);
lk_status lk_keep_tree(const struct lk_keep *k, const char *to, bool link, lk_error *err);
lk_status lk_keep_archives(const struct lk_keep *k, const char *to, bool zip, lk_error *err);
lk_status lk_keep_records(const struct lk_keep *k, const char *to, lk_error *err);

#endif
