/* SPDX-License-Identifier: Apache-2.0 */
/* parts.h - a search in parts, for devices that cannot hold everything. */
#ifndef LK_SEARCH_PARTS_H
#define LK_SEARCH_PARTS_H

#include "search/device.h"
#include "search/search.h"

/* What the search of one part knows of the others. */
struct lk_parts {
    uint64_t last_index; /* of the last one, as a shard */
    uint64_t pairs_before, pairs_resumed, pairs_all; /* of parts that are done; of these, by earlier runs; of all */
    /* The part after the one in hand, woken; NULL = none. */
    const struct lk_device_module *module;
    struct lk_device *next;
    uint64_t next_index;
};

/* parts.c: how many parts a search takes; 1 = none. */
lk_status lk_parts_needed(lk_ctx *ctx, const struct lk_search_options *options, uint64_t *n, lk_error *err);
/* Unfinished work of part I lies in work_dir/part-I. */
lk_status lk_parts_run(lk_ctx *ctx, const struct lk_search_options *options, uint64_t n, struct lk_search_result *out,
                       lk_error *err);
void lk_parts_forget(const char *work_dir);

/* device.c: whether a device is wanted; what it says; a woken device that nobody took. */
bool lk_device_wanted(const char *name);
lk_status lk_device_parts(uint64_t *n, lk_ctx *ctx, const struct lk_search_options *options, lk_error *err);
void lk_device_forget(struct lk_parts *parts);

#endif
