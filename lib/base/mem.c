/* SPDX-License-Identifier: Apache-2.0 */
/* mem.c - allocation with checked sizes, and a growable string. */
#include "base/mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *out_of_memory(size_t bytes, lk_error *err)
{
    lk_fail(err, LK_ENOMEM, "out of memory: %zu bytes were wanted", bytes);
    return NULL;
}

void *lk_calloc(size_t count, size_t size, lk_error *err)
{
    size_t bytes;
    if (lk_mul_overflows(count, size, &bytes))
        return out_of_memory(SIZE_MAX, err);
    void *p = calloc(1, bytes == 0 ? 1 : bytes);
    return p != NULL ? p : out_of_memory(bytes, err);
}

void *lk_alloc_aligned(size_t count, size_t size, lk_error *err)
{
    size_t bytes;
    if (lk_mul_overflows(count, size, &bytes) || bytes > SIZE_MAX - 64)
        return out_of_memory(SIZE_MAX, err);
    void *p = aligned_alloc(64, (bytes + 64) / 64 * 64);
    return p != NULL ? p : out_of_memory(bytes, err);
}

lk_status lk_grow(void *array_of_any, size_t *capacity, size_t need, size_t size, lk_error *err)
{
    if (need <= *capacity)
        return LK_OK;
    size_t wanted = *capacity + *capacity / 2 + 16, bytes;
    if (wanted < need)
        wanted = need;
    void *old;
    memcpy(&old, array_of_any, sizeof old);
    void *p = lk_mul_overflows(wanted, size, &bytes) ? NULL : realloc(old, bytes);
    if (p == NULL) {
        out_of_memory(need, err);
        return LK_ENOMEM;
    }
    memcpy(array_of_any, &p, sizeof p);
    *capacity = wanted;
    return LK_OK;
}

char *lk_strdup(const char *text, lk_error *err)
{
    size_t len = strlen(text) + 1;
    char *copy = malloc(len);
    return copy != NULL ? memcpy(copy, text, len) : out_of_memory(len, err);
}

lk_status lk_str_add(struct lk_str *s, const char *bytes, size_t len, lk_error *err)
{
    if (len > SIZE_MAX - s->len - 1)
        return lk_fail(err, LK_ENOMEM, "a text grew past the address space");
    LK_TRY(lk_grow(&s->text, &s->capacity, s->len + len + 1, 1, err));
    if (len > 0)
        memcpy(s->text + s->len, bytes, len);
    s->len += len;
    s->text[s->len] = '\0';
    return LK_OK;
}

lk_status lk_str_addz(struct lk_str *s, const char *text, lk_error *err)
{
    return lk_str_add(s, text, strlen(text), err);
}

lk_status lk_str_addf(struct lk_str *s, lk_error *err, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    lk_status st = len < 0 ? lk_fail(err, LK_EINTERNAL, "a text could not be formatted")
                           : lk_grow(&s->text, &s->capacity, s->len + (size_t)len + 1, 1, err);
    if (st == LK_OK) {
        vsnprintf(s->text + s->len, (size_t)len + 1, format, again);
        s->len += (size_t)len;
    }
    va_end(again);
    return st;
}

void lk_str_free(struct lk_str *s)
{
    free(s->text);
    *s = LK_STR_INIT;
}
