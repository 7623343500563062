/* SPDX-License-Identifier: Apache-2.0 */
/* source.h - where images come from: a stable list of pictures with path and identity, readable by row. */
#ifndef LK_FORMATS_SOURCE_H
#define LK_FORMATS_SOURCE_H

#include "base/ctx.h"

struct lk_source_item {
    char *path;     /* the input as given, joined with the path below it; opens the file */
    char *identity; /* first folder below the input, or NULL when the picture lies in the input itself */
};

struct lk_source {
    struct lk_source_item *items;
    size_t n, capacity;
    size_t n_identities; /* distinct */
};

/* Lists the pictures (.jpg .jpeg .png .webp, any case) of folders, recursively, and single files as given.
 * Order: inputs as given, inside each by bytes of the path, so that it is the same on every machine. Hidden
 * names are passed over; links to files are followed, links to folders are not (no loops). An input without
 * any picture is LK_EFORMAT. */
lk_status lk_source_list(struct lk_source *out, const char *const *inputs, size_t n_inputs, lk_error *err);
void lk_source_free(struct lk_source *source);

/* Reads the encoded picture of one item; *bytes is freed by the caller. */
lk_status lk_source_read(const struct lk_source *source, size_t index, uint8_t **bytes, size_t *len,
                         lk_error *err);

#endif
