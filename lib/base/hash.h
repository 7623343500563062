/* SPDX-License-Identifier: Apache-2.0 */
/* hash.h - SHA-256 of bytes and files, as lower-case hex. */
#ifndef LK_BASE_HASH_H
#define LK_BASE_HASH_H

#include "base/error.h"

/* Streaming form. */
struct lk_hash;
lk_status lk_hash_new(struct lk_hash **out, lk_error *err);
lk_status lk_hash_add(struct lk_hash *hash, const void *bytes, size_t len, lk_error *err);
lk_status lk_hash_end(struct lk_hash *hash, char hex[65], lk_error *err); /* of all bytes added */
void lk_hash_free(struct lk_hash *hash);

lk_status lk_hash_bytes(const void *bytes, size_t len, char hex[65], lk_error *err);
lk_status lk_hash_file(const char *path, char hex[65], lk_error *err);

#endif
