/* SPDX-License-Identifier: Apache-2.0 */
/* mem.h - allocation with checked sizes, and a growable string. */
#ifndef LK_BASE_MEM_H
#define LK_BASE_MEM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/* count * size bytes, zeroed; a zero product still gives a valid pointer. NULL with a message in err when
 * the product overflows or memory is out. Freed with free(). */
void *lk_calloc(size_t count, size_t size, lk_error *err);

/* The same on a 64-byte boundary, not zeroed. Freed with free(). */
void *lk_alloc_aligned(size_t count, size_t size, lk_error *err);

/* Makes *array hold at least `need` elements, growing by half; *capacity counts elements. */
lk_status lk_grow(void *array_of_any, size_t *capacity, size_t need, size_t size, lk_error *err);

char *lk_strdup(const char *text, lk_error *err);

static inline bool lk_mul_overflows(size_t a, size_t b, size_t *product)
{
    return __builtin_mul_overflow(a, b, product);
}

/* A growable byte string: text is NULL or NUL-terminated at text[len]. Start from LK_STR_INIT. */
struct lk_str {
    char *text;
    size_t len, capacity;
};
#define LK_STR_INIT ((struct lk_str){NULL, 0, 0})

lk_status lk_str_add(struct lk_str *s, const char *bytes, size_t len, lk_error *err);
lk_status lk_str_addz(struct lk_str *s, const char *text, lk_error *err);
lk_status lk_str_addf(struct lk_str *s, lk_error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void lk_str_free(struct lk_str *s); /* and back to LK_STR_INIT */

#endif
