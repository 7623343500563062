/* SPDX-License-Identifier: Apache-2.0 */
/* lmdb_file.c - walks the tree of pages of an LMDB file. */
#include "formats/lmdb_file.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define LMDB_MAGIC 0xbeefc0deu
#define NO_PAGE UINT64_MAX

enum {
    PAGE_HEADER = 16, /* u64 number, u16 pad, u16 flags, u16 lower and u16 upper, or u32 overflow pages */
    META_BYTES =
        136, /* u32 magic, u32 version, u64 address, u64 map size, 2 databases, u64 last page, u64 txn */
    META_FREE_DB = 24,
    META_MAIN_DB = 72,
    META_LAST_PAGE = 120,
    META_TXN = 128,
    DB_FLAGS = 4,
    DB_DEPTH = 6,
    DB_ENTRIES = 32,
    DB_ROOT = 40,    /* the first u32 of the first one: page size */
    NODE_HEADER = 8, /* u16 low, u16 high, u16 flags, u16 key length */
    PAGE_BRANCH = 0x01,
    PAGE_LEAF = 0x02,
    PAGE_OVERFLOW = 0x04,
    PAGE_META = 0x08,
    PAGE_KINDS = 0x6f, /* those, and 0x20 and 0x40 for databases with several values for a key */
    DB_DUPSORT = 0x04,
    NODE_BIG = 0x01,
    NODE_DATABASE = 0x02,
    NODE_SEVERAL = 0x04,
    MIN_PAGE = 512,
    MAX_PAGE = 32768,
    MAX_DEPTH = 32,
    VERSION = 1,
};

struct walk {
    const uint8_t *bytes;
    size_t page_size;
    uint64_t n_pages;
    uint8_t *seen; /* a bit for each page */
    unsigned depth;
    uint64_t n_records;
    lk_lmdb_visit_fn *visit;
    void *arg;
};

static uint32_t get(const uint8_t *p, int n)
{
    uint32_t value = 0;
    while (n-- > 0)
        value = value << 8 | p[n];
    return value;
}

static uint64_t get_u64(const uint8_t *p)
{
    return (uint64_t)get(p + 4, 4) << 32 | get(p, 4);
}

/* ---- meta pages -------------------------------------------------------------------------------- */

static bool magic_at(const uint8_t *bytes, size_t len, size_t at, bool swapped)
{
    if (len < at + 4)
        return false;
    uint32_t found = get(bytes + at, 4);
    return (swapped ? __builtin_bswap32(found) : found) == LMDB_MAGIC;
}

bool lk_lmdb_is(const uint8_t *bytes, size_t len)
{
    return magic_at(bytes, len, 16, false) || magic_at(bytes, len, 12, false) ||
           magic_at(bytes, len, 16, true) || magic_at(bytes, len, 12, true);
}

static lk_status check_meta(const uint8_t *page, uint64_t number, lk_error *err)
{
    bool right = get(page + 10, 2) & PAGE_META && get(page + PAGE_HEADER, 4) == LMDB_MAGIC;
    LK_NEED(right, err, LK_EFORMAT, "page %" PRIu64 " is no LMDB meta page", number);
    uint32_t version = get(page + PAGE_HEADER + 4, 4);
    LK_NEED(version == VERSION, err, LK_EFORMAT, "LMDB data version %" PRIu32 ", expected %d", version,
            VERSION);
    return LK_OK;
}

/* Finds the meta data that count. */
static lk_status open_meta(const uint8_t *bytes, size_t len, size_t *page_size, const uint8_t **meta,
                           lk_error *err)
{
    LK_NEED(lk_lmdb_is(bytes, len), err, LK_EFORMAT, "no LMDB file: its magic number is missing");
    LK_NEED(magic_at(bytes, len, 16, false), err, LK_EUNSUP,
            "an LMDB file of a 32-bit or big-endian machine, expected one of a 64-bit little-endian machine");
    LK_NEED(len >= PAGE_HEADER + META_BYTES, err, LK_EFORMAT, "the LMDB file is cut off after %zu bytes",
            len);
    LK_TRY(check_meta(bytes, 0, err));
    size_t size = get(bytes + PAGE_HEADER + META_FREE_DB, 4);
    LK_NEED(size >= MIN_PAGE && size <= MAX_PAGE && (size & (size - 1)) == 0, err, LK_EFORMAT,
            "LMDB pages of %zu bytes, expected a power of 2 from %d to %d", size, MIN_PAGE, MAX_PAGE);
    LK_NEED(len >= 2 * size, err, LK_EFORMAT,
            "the LMDB file is cut off: %zu bytes, expected two pages of %zu", len, size);
    LK_TRY(check_meta(bytes + size, 1, err));
    const uint8_t *first = bytes + PAGE_HEADER, *second = bytes + size + PAGE_HEADER;
    *page_size = size;
    *meta = get_u64(second + META_TXN) > get_u64(first + META_TXN) ? second : first;
    return LK_OK;
}

/* ---- pages and nodes --------------------------------------------------------------------------- */

/* Marks pages as used; each may be so once, which also bounds the work. */
static lk_status use_pages(struct walk *w, uint64_t number, uint64_t n, lk_error *err)
{
    LK_NEED(number >= 2 && number < w->n_pages && n <= w->n_pages - number, err, LK_EFORMAT,
            "damaged LMDB file: %" PRIu64 " page(s) from %" PRIu64 " are used, expected pages 2 to %" PRIu64,
            n, number, w->n_pages - 1);
    for (uint64_t i = number; i < number + n; i++) {
        LK_NEED((w->seen[i / 8] >> i % 8 & 1) == 0, err, LK_EFORMAT,
                "damaged LMDB file: page %" PRIu64 " is used twice", i);
        w->seen[i / 8] |= (uint8_t)(1u << i % 8);
    }
    return LK_OK;
}

/* The page with this number, which must be of this kind. */
static lk_status open_page(struct walk *w, uint64_t number, unsigned kind, const uint8_t **page,
                           lk_error *err)
{
    LK_TRY(use_pages(w, number, 1, err));
    const uint8_t *p = w->bytes + number * w->page_size;
    LK_NEED(get_u64(p) == number && (get(p + 10, 2) & PAGE_KINDS) == kind, err, LK_EFORMAT,
            "damaged LMDB file: page %" PRIu64 " says that it is page %" PRIu64
            " of kind 0x%02x, expected kind "
            "0x%02x",
            number, get_u64(p), get(p + 10, 2) & PAGE_KINDS, kind);
    *page = p;
    return LK_OK;
}

/* Value in overflow pages of its own. */
static lk_status big_value(struct walk *w, uint64_t number, size_t len, size_t *value, lk_error *err)
{
    const uint8_t *page;
    LK_TRY(open_page(w, number, PAGE_OVERFLOW, &page, err));
    uint64_t pages = (len + PAGE_HEADER + w->page_size - 1) / w->page_size, there = get(page + 12, 4);
    LK_NEED(pages <= there, err, LK_EFORMAT,
            "damaged LMDB file: a value of %zu bytes in %" PRIu64 " page(s) from %" PRIu64, len, there,
            number);
    if (pages > 1)
        LK_TRY(use_pages(w, number + 1, pages - 1, err));
    *value = number * w->page_size + PAGE_HEADER;
    return LK_OK;
}

/* The record whose node is at page[at], at least NODE_HEADER bytes before the end of the page. `left` bytes
 * of the page are not taken by nodes yet. */
static lk_status take_record(struct walk *w, uint64_t number, const uint8_t *page, size_t at, size_t *left,
                             lk_error *err)
{
    const uint8_t *node = page + at;
    size_t len = get(node, 4), key_len = get(node + 6, 2), room = w->page_size - at - NODE_HEADER;
    unsigned flags = get(node + 4, 2);
    bool big = flags & NODE_BIG;
    LK_NEED(key_len <= room && (big ? sizeof(uint64_t) : len) <= room - key_len, err, LK_EFORMAT,
            "damaged LMDB file: a record goes on behind the end of page %" PRIu64, number);
    LK_NEED((flags & NODE_SEVERAL) == 0, err, LK_EUNSUP, "an LMDB database with several values for a key");
    size_t taken = NODE_HEADER + key_len + (big ? sizeof(uint64_t) : len);
    LK_NEED(taken <= *left, err, LK_EFORMAT, "damaged LMDB file: records of page %" PRIu64 " overlap",
            number);
    *left -= taken;
    w->n_records++;
    if (flags & NODE_DATABASE)
        return LK_OK;
    const uint8_t *key = node + NODE_HEADER;
    size_t value = (size_t)(key + key_len - w->bytes);
    if (big)
        LK_TRY(big_value(w, get_u64(key + key_len), len, &value, err));
    return w->visit(w->arg, key, key_len, value, len, err);
}

/* The page at `level`, counted from 1 at the root, and all below it; no deeper than MAX_DEPTH. */
static lk_status walk_page(struct walk *w, uint64_t number, unsigned level, lk_error *err)
{
    bool leaf = level == w->depth;
    const uint8_t *page;
    LK_TRY(open_page(w, number, leaf ? PAGE_LEAF : PAGE_BRANCH, &page, err));
    size_t lower = get(page + 12, 2), upper = get(page + 14, 2);
    LK_NEED(lower >= PAGE_HEADER && lower <= upper && upper <= w->page_size, err, LK_EFORMAT,
            "damaged LMDB file: page %" PRIu64 " has its free space from %zu to %zu of %zu", number, lower,
            upper, w->page_size);
    size_t left = w->page_size - upper;
    for (size_t at = PAGE_HEADER; at + 2 <= lower; at += 2) {
        size_t node = get(page + at, 2);
        LK_NEED(node >= upper && node + NODE_HEADER <= w->page_size, err, LK_EFORMAT,
                "damaged LMDB file: a node at byte %zu of page %" PRIu64, node, number);
        if (leaf)
            LK_TRY(take_record(w, number, page, node, &left, err));
        else
            LK_TRY(
                walk_page(w, (uint64_t)get(page + node + 4, 2) << 32 | get(page + node, 4), level + 1, err));
    }
    return LK_OK;
}

/* ---- the file ---------------------------------------------------------------------------------- */

lk_status lk_lmdb_walk(const uint8_t *bytes, size_t len, lk_lmdb_visit_fn *visit, void *arg, lk_error *err)
{
    struct walk w = {.bytes = bytes, .visit = visit, .arg = arg};
    const uint8_t *meta = NULL;
    LK_TRY(open_meta(bytes, len, &w.page_size, &meta, err));
    uint64_t last = get_u64(meta + META_LAST_PAGE), there = len / w.page_size;
    LK_NEED(last < there, err, LK_EFORMAT,
            "the LMDB file is cut off: %" PRIu64 " pages of %zu bytes, expected %" PRIu64, there, w.page_size,
            last + 1);
    w.n_pages = last + 1;
    const uint8_t *db = meta + META_MAIN_DB;
    uint64_t root = get_u64(db + DB_ROOT), entries = get_u64(db + DB_ENTRIES);
    w.depth = get(db + DB_DEPTH, 2);
    LK_NEED((get(db + DB_FLAGS, 2) & DB_DUPSORT) == 0, err, LK_EUNSUP,
            "an LMDB database with several values for a key");
    if (root != NO_PAGE) {
        LK_NEED(w.depth >= 1 && w.depth <= MAX_DEPTH, err, LK_EFORMAT,
                "damaged LMDB file: a tree %u pages deep, expected 1 to %d", w.depth, MAX_DEPTH);
        if ((w.seen = lk_calloc((size_t)(w.n_pages / 8 + 1), 1, err)) == NULL)
            return LK_ENOMEM;
        lk_status status = walk_page(&w, root, 1, err);
        free(w.seen);
        LK_TRY(status);
    }
    LK_NEED(w.n_records == entries, err, LK_EFORMAT,
            "damaged LMDB file: %" PRIu64 " records, its header says %" PRIu64, w.n_records, entries);
    return LK_OK;
}
