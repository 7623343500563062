/* SPDX-License-Identifier: Apache-2.0 */
/* names.c - an arena of strings, and the numbering of distinct ones. */
#include "base/names.h"

#include <stdlib.h>
#include <string.h>

/* ---- arena ------------------------------------------------------------------------------------- */

enum { CHUNK = 1 << 18 };

struct lk_arena_chunk {
    struct lk_arena_chunk *next;
    size_t used, size;
    char text[];
};

static struct lk_arena_chunk *new_chunk(struct lk_arena *arena, size_t need, lk_error *err)
{
    size_t size = need > CHUNK ? need : CHUNK;
    struct lk_arena_chunk *chunk = malloc(sizeof *chunk + size);
    if (chunk == NULL) {
        lk_fail(err, LK_ENOMEM, "out of memory (%zu bytes for names)", size);
        return NULL;
    }
    *chunk = (struct lk_arena_chunk){.next = arena->chunks, .size = size};
    arena->chunks = chunk;
    return chunk;
}

char *lk_arena_text(struct lk_arena *arena, const char *bytes, size_t len, lk_error *err)
{
    if (len > SIZE_MAX / 2) {
        lk_fail(err, LK_ENOMEM, "out of memory (a name of %zu bytes)", len);
        return NULL;
    }
    struct lk_arena_chunk *chunk = arena->chunks;
    if ((chunk == NULL || chunk->size - chunk->used <= len) &&
        (chunk = new_chunk(arena, len + 1, err)) == NULL)
        return NULL;
    char *text = chunk->text + chunk->used;
    memcpy(text, bytes, len);
    text[len] = '\0';
    chunk->used += len + 1;
    return text;
}

void lk_arena_free(struct lk_arena *arena)
{
    while (arena->chunks != NULL) {
        struct lk_arena_chunk *next = arena->chunks->next;
        free(arena->chunks);
        arena->chunks = next;
    }
}

/* ---- names ------------------------------------------------------------------------------------- */

/* FNV-1a, with its high bits folded into those that choose the slot. */
uint64_t lk_text_hash(const char *text, size_t len)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ (uint8_t)text[i]) * 0x100000001b3u;
    return hash ^ hash >> 32;
}

/* The slot that holds the text, or the free one where it belongs. */
static size_t find_slot(const struct lk_names *names, const char *text, size_t len)
{
    size_t slot = (size_t)lk_text_hash(text, len) & (names->n_slots - 1);
    for (; names->slots[slot] != 0; slot = (slot + 1) & (names->n_slots - 1)) {
        const char *other = names->texts[names->slots[slot] - 1];
        if (strncmp(other, text, len) == 0 && other[len] == '\0')
            break;
    }
    return slot;
}

static lk_status grow_slots(struct lk_names *names, lk_error *err)
{
    size_t n_slots = names->n_slots > 0 ? 2 * names->n_slots : 64;
    uint32_t *slots = lk_calloc(n_slots, sizeof *slots, err);
    if (slots == NULL)
        return LK_ENOMEM;
    free(names->slots);
    names->slots = slots;
    names->n_slots = n_slots;
    for (size_t i = 0; i < names->n; i++)
        slots[find_slot(names, names->texts[i], strlen(names->texts[i]))] = (uint32_t)i + 1;
    return LK_OK;
}

lk_status lk_names_add(struct lk_names *names, const char *text, size_t len, uint32_t *number, lk_error *err)
{
    if (2 * (names->n + 1) > names->n_slots)
        LK_TRY(grow_slots(names, err));
    size_t slot = find_slot(names, text, len);
    if (names->slots[slot] == 0) {
        LK_NEED(names->n < LK_NO_NAME - 1, err, LK_EUNSUP, "more than %u distinct names", LK_NO_NAME - 1);
        LK_TRY(lk_grow(&names->texts, &names->capacity, names->n + 1, sizeof *names->texts, err));
        char *copy = lk_arena_text(&names->arena, text, len, err);
        if (copy == NULL)
            return LK_ENOMEM;
        names->texts[names->n] = copy;
        names->slots[slot] = (uint32_t)++names->n;
    }
    *number = names->slots[slot] - 1;
    return LK_OK;
}

uint32_t lk_names_find(const struct lk_names *names, const char *text, size_t len)
{
    if (names->n_slots == 0)
        return LK_NO_NAME;
    uint32_t found = names->slots[find_slot(names, text, len)];
    return found > 0 ? found - 1 : LK_NO_NAME;
}

const char *lk_names_text(const struct lk_names *names, uint32_t number)
{
    return number < names->n ? names->texts[number] : NULL;
}

lk_status lk_names_distinct(const struct lk_names *names, const uint32_t *numbers, size_t n, size_t *count,
                            lk_error *err)
{
    uint8_t *seen = lk_calloc(names->n, sizeof *seen, err);
    if (seen == NULL)
        return LK_ENOMEM;
    size_t found = 0;
    for (size_t i = 0; i < n; i++)
        if (numbers[i] != LK_NO_NAME && !seen[numbers[i]])
            found += seen[numbers[i]] = 1;
    free(seen);
    *count = found;
    return LK_OK;
}

void lk_names_free(struct lk_names *names)
{
    lk_arena_free(&names->arena);
    free(names->texts);
    free(names->slots);
    *names = (struct lk_names){0};
}
