/* SPDX-License-Identifier: Apache-2.0 */
/* cache.c - writes the codes of a gallery into a file, and takes them from there when they fit. */
#include "search/cache.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

/* A change of what codes.c makes of a row is another format. */
enum { BYTE_ORDER_MARK = 0x01020304, FORMAT = 1, MAX_DIM = 4 * LK_SCAN_MAX_GROUPS };
#define SKEW_LIMIT 0.4999 /* beyond, the bound knows nothing */
#define LONGEST_AXIS 1.25 /* longer than any axis of such a skew */
#define LONGEST 0x1p32    /* longer than any row, error or rest */
static const char magic[16] = "likeness codes\n";
static_assert(sizeof(struct lk_cache_head) == 256, "the header is part of the format");
static_assert(sizeof(struct lk_cache_head) % LK_CACHE_ALIGNMENT == 0, "parts begin on boundaries");

/* ---- where the parts lie ------------------------------------------------------------------------------ */

/* A part of count * size * item bytes; the next begins on a boundary. False when sizes overflow. */
static bool place(struct lk_cache *c, enum lk_cache_part part, size_t count, size_t size, size_t item)
{
    size_t len, end;
    if (lk_mul_overflows(count, size, &len) || lk_mul_overflows(len, item, &len) ||
        __builtin_add_overflow(c->len, len, &end) ||
        __builtin_add_overflow(end, LK_CACHE_ALIGNMENT - 1, &end))
        return false;
    c->parts[part].at = c->len;
    c->parts[part].len = len;
    c->len = end / LK_CACHE_ALIGNMENT * LK_CACHE_ALIGNMENT;
    return true;
}

/* The header's numbers are within their limits. */
static bool lay_out(struct lk_cache *c)
{
    const struct lk_cache_head *h = &c->head;
    size_t rows = (size_t)h->rows, dim = (size_t)h->dim, depth = (size_t)h->depth;
    c->panels = (h->rows + h->panel_rows - 1) / h->panel_rows;
    size_t sets = (size_t)((c->panels + h->share - 1) / h->share);
    c->len = sizeof *h;
    if (!place(c, LK_CACHE_AXES, h->projected, dim * depth, sizeof(float)) ||
        !place(c, LK_CACHE_CODES, (size_t)c->panels * h->panel_rows, depth, 1) ||
        !place(c, LK_CACHE_SCALE, sets, 1, sizeof(float)) ||
        !place(c, LK_CACHE_ERROR, sets, 1, sizeof(float)) ||
        !place(c, LK_CACHE_REST, sets, 1, sizeof(float)) ||
        !place(c, LK_CACHE_FINE, h->fine, rows, depth * sizeof(float)))
        return false;
    return !__builtin_add_overflow(c->len, LK_CACHE_HASH, &c->len);
}

/* ---- reading ------------------------------------------------------------------------------------------ */

static bool within(double x, double most)
{
    return x >= 0 && x <= most; /* NaN is not */
}

/* Numbers that sizes are made of. As codes.c has them, float projections are there where they save much. */
static lk_status check_sizes(const struct lk_cache_head *h, lk_error *err)
{
    LK_NEED(h->rows > 0 && h->rows <= LK_SEARCH_MAX_ROWS && h->dim > 0 && h->dim <= MAX_DIM, err, LK_EFORMAT,
            "is damaged: %" PRIu64 " rows of %" PRIu64 " numbers", h->rows, h->dim);
    LK_NEED(h->used > 0 && h->used <= h->dim && h->depth == (h->used + 3) / 4 * 4 && h->projected <= 1 &&
                (h->projected == 1 || h->used == h->dim) && h->fine == (2 * h->depth <= h->dim),
            err, LK_EFORMAT, "is damaged: %" PRIu64 " axes in %" PRIu64 " of %" PRIu64 " numbers", h->used,
            h->depth, h->dim);
    LK_NEED(h->panel_rows > 0 && h->panel_rows <= LK_TILE_MAX_REFERENCES && h->share == 1, err, LK_EFORMAT,
            "is damaged: panels of %" PRIu32 " rows, %" PRIu32 " together", h->panel_rows, h->share);
    return LK_OK;
}

lk_status lk_cache_parse(const uint8_t *bytes, size_t len, struct lk_cache *out, lk_error *err)
{
    struct lk_cache c = {.len = 0};
    LK_NEED(len >= sizeof c.head, err, LK_EFORMAT, "ends within its header, after %zu bytes", len);
    memcpy(&c.head, bytes, sizeof c.head);
    const struct lk_cache_head *h = &c.head;
    LK_NEED(memcmp(h->magic, magic, sizeof magic) == 0, err, LK_EFORMAT, "is no cache of codes");
    LK_NEED(h->order == BYTE_ORDER_MARK, err, LK_EFORMAT, "is from another kind of machine");
    LK_NEED(h->format == FORMAT, err, LK_EFORMAT, "has format %" PRIu32 ", expected %d", h->format, FORMAT);
    LK_NEED(h->version[sizeof h->version - 1] == '\0' && h->level[sizeof h->level - 1] == '\0', err,
            LK_EFORMAT, "is damaged: names without an end");
    LK_TRY(check_sizes(h, err));
    LK_NEED(within(h->skew, SKEW_LIMIT) && within(h->longest, LONGEST) && within((double)h->reach, LONGEST) &&
                within((double)h->fine_error, LONGEST),
            err, LK_EFORMAT, "is damaged: lengths out of range");
    LK_NEED(lay_out(&c) && c.len == h->len && c.len == len, err, LK_EFORMAT,
            "is damaged: %zu bytes long, expected %zu", len, c.len);
    *out = c;
    return LK_OK;
}

static bool floats_within(const uint8_t *bytes, const struct lk_cache *c, enum lk_cache_part part, bool sign,
                          double most)
{
    for (size_t at = 0; at < c->parts[part].len; at += sizeof(float)) {
        float x;
        memcpy(&x, bytes + c->parts[part].at + at, sizeof x);
        if (!within(sign ? fabs((double)x) : (double)x, most))
            return false;
    }
    return true;
}

lk_status lk_cache_check(const uint8_t *bytes, const struct lk_cache *c, lk_error *err)
{
    char hex[65];
    size_t content = c->len - LK_CACHE_HASH;
    LK_TRY(lk_hash_bytes(bytes, content, hex, err));
    LK_NEED(memcmp(hex, bytes + content, LK_CACHE_HASH) == 0, err, LK_EFORMAT,
            "is damaged: its hash is not right");
    LK_NEED(floats_within(bytes, c, LK_CACHE_AXES, true, LONGEST_AXIS) &&
                floats_within(bytes, c, LK_CACHE_SCALE, false, LONGEST) &&
                floats_within(bytes, c, LK_CACHE_ERROR, false, LONGEST) &&
                floats_within(bytes, c, LK_CACHE_REST, false, LONGEST),
            err, LK_EFORMAT, "is damaged: numbers out of range");
    return LK_OK;
}

/* Whether these are the codes that are wanted. */
static lk_status compare_key(const struct lk_cache *c, const struct lk_cache_key *key, lk_error *err)
{
    const struct lk_cache_head *h = &c->head;
    LK_NEED(strcmp(h->version, lk_version()) == 0, err, LK_EINVAL, "was made by likeness %s, this is %s",
            h->version, lk_version());
    LK_NEED(strcmp(h->level, key->kernel->name) == 0 && h->panel_rows == (uint32_t)key->kernel->nr, err,
            LK_EINVAL, "was made for %s, wanted for %s", h->level, key->kernel->name);
    LK_NEED(memcmp(h->rows_sha256, key->rows_sha256, sizeof h->rows_sha256) == 0 && h->rows == key->rows &&
                h->dim == key->dim,
            err, LK_EINVAL, "was made from other embeddings");
    LK_NEED(key->depth == 0 || key->depth == h->used, err, LK_EINVAL,
            "has %" PRIu64 " axes, wanted are %" PRIu64, h->used, key->depth);
    return LK_OK;
}

static void *part_of(const struct lk_map *map, const struct lk_cache *c, enum lk_cache_part part)
{
    return c->parts[part].len > 0 ? (void *)(uintptr_t)(map->bytes + c->parts[part].at) : NULL;
}

/* Takes over the axes, or compares them with those in use. */
static lk_status settle_basis(struct lk_basis *basis, const struct lk_map *map, const struct lk_cache *c,
                              lk_error *err)
{
    const struct lk_cache_head *h = &c->head;
    size_t len = c->parts[LK_CACHE_AXES].len;
    const float *axes = part_of(map, c, LK_CACHE_AXES);
    if (basis->dim > 0) {
        LK_NEED((axes == NULL) == (basis->axes == NULL) && basis->used == h->used &&
                    (axes == NULL || memcmp(axes, basis->axes, len) == 0),
                err, LK_EINVAL, "was made on other axes");
        return LK_OK;
    }
    struct lk_basis taken = {
        .dim = (size_t)h->dim, .used = (size_t)h->used, .depth = (size_t)h->depth, .skew = h->skew};
    if (axes != NULL) {
        taken.axes = lk_alloc_aligned(len, 1, err);
        if (taken.axes == NULL)
            return LK_ENOMEM;
        memcpy(taken.axes, axes, len);
    }
    *basis = taken;
    return LK_OK;
}

static lk_status take_mapped(struct lk_codes *codes, struct lk_basis *basis, const struct lk_map *map,
                             const struct lk_cache_key *key, lk_error *err)
{
    struct lk_cache c;
    LK_TRY(lk_cache_parse(map->bytes, map->len, &c, err));
    LK_TRY(compare_key(&c, key, err));
    LK_TRY(lk_cache_check(map->bytes, &c, err));
    LK_TRY(settle_basis(basis, map, &c, err));
    *codes = (struct lk_codes){
        .rows = c.head.rows,
        .panels = c.panels,
        .panel_rows = (int)c.head.panel_rows,
        .share = c.head.share,
        .depth = (size_t)c.head.depth,
        .codes = part_of(map, &c, LK_CACHE_CODES),
        .scale = part_of(map, &c, LK_CACHE_SCALE),
        .error = part_of(map, &c, LK_CACHE_ERROR),
        .rest = part_of(map, &c, LK_CACHE_REST),
        .fine = part_of(map, &c, LK_CACHE_FINE),
        .reach = c.head.reach,
        .longest = c.head.longest,
        .fine_error = c.head.fine_error,
        .map = *map,
    };
    return LK_OK;
}

lk_status lk_cache_take(struct lk_codes *codes, struct lk_basis *basis, bool *taken, lk_ctx *ctx,
                        const struct lk_cache_key *key, lk_error *err)
{
    struct lk_map map = {NULL, 0};
    lk_error why;
    *taken = false;
    if (!lk_path_exists(key->path))
        return LK_OK;
    lk_status status = lk_map_open(&map, key->path, &why);
    if (status == LK_OK) {
        status = take_mapped(codes, basis, &map, key, &why);
        if (status != LK_OK) {
            lk_map_close(&map);
            lk_error_prefix(&why, "%s", key->path);
        }
    }
    if (status == LK_ENOMEM)
        return lk_fail(err, status, "%s", why.text);
    if (status == LK_OK)
        lk_ctx_message(ctx, LK_LEVEL_NOTE, "codes of the %s: from %s", key->name, key->path);
    else
        lk_ctx_message(ctx, LK_LEVEL_NOTE, "%s; the codes of the %s are made again", why.text, key->name);
    *taken = status == LK_OK;
    return LK_OK;
}

/* ---- writing ------------------------------------------------------------------------------------------ */

static lk_status describe(struct lk_cache *out, const struct lk_codes *codes, const struct lk_basis *basis,
                          const struct lk_cache_key *key, lk_error *err)
{
    struct lk_cache c = {.head = {
                             .order = BYTE_ORDER_MARK,
                             .format = FORMAT,
                             .dim = basis->dim,
                             .rows = codes->rows,
                             .used = basis->used,
                             .depth = basis->depth,
                             .panel_rows = (uint32_t)codes->panel_rows,
                             .share = (uint32_t)codes->share,
                             .projected = basis->axes != NULL,
                             .fine = codes->fine != NULL,
                             .skew = basis->skew,
                             .longest = codes->longest,
                             .reach = codes->reach,
                             .fine_error = codes->fine_error,
                         }};
    struct lk_cache_head *h = &c.head;
    memcpy(h->magic, magic, sizeof magic);
    snprintf(h->version, sizeof h->version, "%s", lk_version());
    snprintf(h->level, sizeof h->level, "%s", key->kernel->name);
    memcpy(h->rows_sha256, key->rows_sha256, sizeof h->rows_sha256);
    LK_NEED(lay_out(&c), err, LK_ENOMEM, "%s: too many rows", key->path);
    h->len = c.len;
    *out = c;
    return LK_OK;
}

struct writing {
    FILE *stream;
    struct lk_hash *hash;
    size_t at;
};

static lk_status put(struct writing *w, const void *bytes, size_t len, lk_error *err)
{
    fwrite(bytes, 1, len, w->stream); /* committing finds the stream's error and names the file */
    w->at += len;
    return len > 0 ? lk_hash_add(w->hash, bytes, len, err) : LK_OK;
}

static lk_status put_all(struct writing *w, const struct lk_cache *c, const struct lk_codes *codes,
                         const struct lk_basis *basis, lk_error *err)
{
    static const char zeros[LK_CACHE_ALIGNMENT];
    const void *parts[LK_CACHE_PARTS] = {
        [LK_CACHE_AXES] = basis->axes,   [LK_CACHE_CODES] = codes->codes, [LK_CACHE_SCALE] = codes->scale,
        [LK_CACHE_ERROR] = codes->error, [LK_CACHE_REST] = codes->rest,   [LK_CACHE_FINE] = codes->fine,
    };
    char hex[LK_CACHE_HASH + 1];
    LK_TRY(put(w, &c->head, sizeof c->head, err));
    for (int i = 0; i < LK_CACHE_PARTS; i++) {
        if (c->parts[i].len > 0)
            LK_TRY(put(w, parts[i], c->parts[i].len, err));
        size_t over = w->at % LK_CACHE_ALIGNMENT;
        LK_TRY(put(w, zeros, over > 0 ? LK_CACHE_ALIGNMENT - over : 0, err));
    }
    LK_TRY(lk_hash_end(w->hash, hex, err));
    fwrite(hex, 1, LK_CACHE_HASH, w->stream);
    return LK_OK;
}

static lk_status write_file(const struct lk_codes *codes, const struct lk_basis *basis,
                            const struct lk_cache_key *key, lk_error *err)
{
    struct lk_cache c;
    struct lk_out out;
    struct writing w = {.at = 0};
    LK_TRY(describe(&c, codes, basis, key, err));
    LK_TRY(lk_out_open(&out, key->path, err));
    w.stream = out.stream;
    lk_status status = lk_hash_new(&w.hash, err);
    if (status == LK_OK)
        status = put_all(&w, &c, codes, basis, err);
    if (status == LK_OK)
        status = lk_out_commit_soon(&out, err);
    lk_out_abandon(&out);
    lk_hash_free(w.hash);
    return status;
}

void lk_cache_keep(const struct lk_codes *codes, const struct lk_basis *basis, lk_ctx *ctx,
                   const struct lk_cache_key *key)
{
    lk_error why;
    if (write_file(codes, basis, key, &why) == LK_OK)
        lk_ctx_message(ctx, LK_LEVEL_NOTE, "codes of the %s: written to %s", key->name, key->path);
    else
        lk_ctx_message(ctx, LK_LEVEL_WARNING, "%s; the codes of the %s are not kept", why.text, key->name);
}
