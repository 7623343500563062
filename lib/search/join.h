/* SPDX-License-Identifier: Apache-2.0 */
/* join.h - results of parts of the galleries, put together one after another (shards.c). */
#ifndef LK_SEARCH_JOIN_H
#define LK_SEARCH_JOIN_H

#include "search/search.h"

struct lk_join;

/* options: of the whole search, or of the shard that was cut into parts; they must stay. n: parts that will come. */
lk_status lk_join_new(struct lk_join **out, const struct lk_search_options *options, size_t n, lk_error *err);
/* Takes what was found in part i (from 0) out of `part`; `where` names it in messages. Parts come in their order. */
lk_status lk_join_add(struct lk_join *join, size_t i, struct lk_search_result *part, const char *where, lk_error *err);
/* What one search of everything would have found; `work` is left to the caller. */
lk_status lk_join_end(struct lk_join *join, lk_ctx *ctx, struct lk_search_result *out, lk_error *err);
void lk_join_free(struct lk_join *join); /* NULL is fine */

#endif
