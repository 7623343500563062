/* SPDX-License-Identifier: Apache-2.0 */
/* source_shards.h - inputs that stand for several: patterns and lists of shards. */
#ifndef LK_FORMATS_SOURCE_SHARDS_H
#define LK_FORMATS_SOURCE_SHARDS_H

#include "base/mem.h"

struct lk_inputs {
    char **paths;
    size_t n, capacity;
};

/* Adds what an input stands for: itself when a file or folder has that name; "shard-{000000..000099}.tar" and
 * "part-{a,b}.zip" each of their shards, in that order; "@FILE" each line of a list, relative to the list's
 * folder, where empty lines and lines that start with '#' do not count. At most a million shards. */
lk_status lk_inputs_add(struct lk_inputs *inputs, const char *input, lk_error *err);
void lk_inputs_free(struct lk_inputs *inputs);

#endif
