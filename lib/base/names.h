/* SPDX-License-Identifier: Apache-2.0 */
/* names.h - many strings without many allocations: an arena, and a table that gives each distinct one a
 * number. */
#ifndef LK_BASE_NAMES_H
#define LK_BASE_NAMES_H

#include <stdint.h>

#include "base/mem.h"

/* Strings that are freed together. Start from {0}. They do not move. */
struct lk_arena {
    struct lk_arena_chunk *chunks;
};
/* A copy with a NUL behind it, which lives as long as the arena. */
char *lk_arena_text(struct lk_arena *arena, const char *bytes, size_t len, lk_error *err);
void lk_arena_free(struct lk_arena *arena); /* and back to {0} */

/* A hash for tables of strings (FNV-1a); not for anything that an attacker gains by. */
uint64_t lk_text_hash(const char *text, size_t len);

/* Distinct strings, numbered from 0 in the order in which they were added. Start from {0}. */
struct lk_names {
    struct lk_arena arena;
    const char **texts;
    size_t n, capacity;
    uint32_t *slots; /* open addressing: number + 1, 0 = free */
    size_t n_slots;  /* a power of two, at least twice n */
};
#define LK_NO_NAME UINT32_MAX

/* The number of a string, which is added when it is new. */
lk_status lk_names_add(struct lk_names *names, const char *text, size_t len, uint32_t *number, lk_error *err);
/* LK_NO_NAME when it is not there. */
uint32_t lk_names_find(const struct lk_names *names, const char *text, size_t len);
/* NULL for LK_NO_NAME. */
const char *lk_names_text(const struct lk_names *names, uint32_t number);
/* How many distinct numbers of names there are among n, LK_NO_NAME not counted. */
lk_status lk_names_distinct(const struct lk_names *names, const uint32_t *numbers, size_t n, size_t *count,
                            lk_error *err);
void lk_names_free(struct lk_names *names);

#endif
