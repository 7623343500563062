/* SPDX-License-Identifier: Apache-2.0 */
/* thresholds.h - lists of thresholds in thresholds.json and in model descriptors: read and written. */
#ifndef LK_STATS_THRESHOLDS_H
#define LK_STATS_THRESHOLDS_H

#include <jansson.h>

#include "base/error.h"

struct lk_threshold_list {
    lk_threshold items[8]; /* members that the file does not give are NaN */
    int n;
};

/* From the "thresholds" list of a file's object; `where` names the file. At most 8, rates within 0 .. 1 and
 * falling, scores within -1 .. 1 and not falling. A missing list is an empty one when not required. */
lk_status lk_thresholds_from_json(struct lk_threshold_list *out, const json_t *object, int required,
                                  const char *where, lk_error *err);
/* LK_EFORMAT when the object of a thresholds.json was made from templates: an audit compares single images.
 */
lk_status lk_thresholds_for_images(const json_t *object, const char *where, lk_error *err);
/* From a thresholds.json file for single images. */
lk_status lk_thresholds_read(struct lk_threshold_list *out, const char *path, lk_error *err);
/* New list, or NULL when memory is out. */
json_t *lk_thresholds_to_json(const lk_threshold *items, int n);

#endif
