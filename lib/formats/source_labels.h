/* SPDX-License-Identifier: Apache-2.0 */
/* source_labels.h - a labels file: a table that says for each picture who it shows, and which groups it is
 * in. */
#ifndef LK_FORMATS_SOURCE_LABELS_H
#define LK_FORMATS_SOURCE_LABELS_H

#include <stdint.h>

#include "base/names.h"
#include "formats/source.h"

struct lk_labels {
    struct lk_names paths; /* lines are numbered by their path */
    struct lk_names texts; /* identities and values of groups */
    bool has_identities;   /* there is a column `identity` */
    uint32_t *identities;  /* by line, numbers in texts or LK_NO_NAME */
    size_t n_groups;
    char *group_names[LK_MAX_GROUPS];
    uint32_t *groups; /* line * n_groups + group: numbers in texts or LK_NO_NAME */
};

/* Parses a CSV table with the column `path`, and `identity` or other columns, which are groups. A path that
 * is there twice is LK_EFORMAT. */
lk_status lk_labels_parse(const uint8_t *bytes, size_t len, struct lk_labels *out, lk_error *err);
void lk_labels_free(struct lk_labels *labels);

/* The line of a picture: by its whole path, by its name below the input, or by the container's file name and
 * its name ("shard-00.tar/a/b.jpg"). LK_NO_NAME = none. */
uint32_t lk_labels_line(const struct lk_labels *labels, const char *container, const char *path,
                        const char *name);

#endif
