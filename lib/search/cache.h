/* SPDX-License-Identifier: Apache-2.0 */
/* cache.h - the codes of a gallery, kept in a file beside its embeddings for the next run.
 *
 * A cache holds the axes and everything that the scan needs of the references, and says for which rows, which
 * kernel set and which version of the program. Results do not depend on it: the bound holds for any axes
 * (docs/search.md). It is in the machine's own byte order, ends with the SHA-256 of all that is before it,
 * and is trusted as unfinished work is: a damaged one is found out, one that somebody forged with the right
 * hash can hide pairs, but cannot make the program read or write where it should not. */
#ifndef LK_SEARCH_CACHE_H
#define LK_SEARCH_CACHE_H

#include "search/codes.h"

/* The first bytes of the file. */
struct lk_cache_head {
    char magic[16];
    uint32_t order;   /* 0x01020304: of the bytes of a number */
    uint32_t format;  /* of the file, and of what codes.c makes of a row */
    char version[32]; /* of the program; NULs behind it */
    char level[16];   /* the kernel set's name; NULs behind it */
    char rows_sha256[64];
    uint64_t dim, rows;
    uint64_t used, depth; /* of the basis */
    uint32_t panel_rows, share;
    uint32_t projected; /* 1: axes are there; 0: the coordinates themselves */
    uint32_t fine;      /* 1: float projections are there */
    double skew, longest;
    float reach, fine_error;
    uint64_t len; /* of the whole file */
    uint8_t zeros[40];
};

/* What lies behind the header, in this order, each on a 64-byte boundary; the hash, in hex, is the end. */
enum lk_cache_part {
    LK_CACHE_AXES,
    LK_CACHE_CODES,
    LK_CACHE_SCALE,
    LK_CACHE_ERROR,
    LK_CACHE_REST,
    LK_CACHE_FINE,
    LK_CACHE_PARTS
};
enum { LK_CACHE_HASH = 64, LK_CACHE_ALIGNMENT = 64 };

struct lk_cache {
    struct lk_cache_head head;
    struct {
        size_t at, len; /* bytes of the file; len 0 = not there */
    } parts[LK_CACHE_PARTS];
    uint64_t panels;
    size_t len; /* of the whole file, as the header's numbers make it */
};

/* Reads and checks the header, and where everything lies: all parts are within len bytes. LK_EFORMAT with a
 * message that wants the file's name in front. Bytes need no alignment. */
lk_status lk_cache_parse(const uint8_t *bytes, size_t len, struct lk_cache *out, lk_error *err);
/* Checks the hash, and that axes, scales, errors and rests are finite and within their bounds. Codes and
 * float projections may be anything: they are only compared with floors. */
lk_status lk_cache_check(const uint8_t *bytes, const struct lk_cache *cache, lk_error *err);

/* Which codes are wanted. */
struct lk_cache_key {
    const char *path;        /* of the file */
    const char *rows_sha256; /* hex, of the rows that are encoded */
    const char *name;        /* of the gallery, for messages: "training set" */
    uint64_t rows, dim;
    uint64_t depth; /* axes asked for; 0 = any number */
    const struct lk_scan *kernel;
};

/* Maps the file when it holds the wanted codes. A basis without axes chosen yet (dim 0) is taken from it, any
 * other must be equal to the file's. Says in a note what was done; fails only for want of memory. */
lk_status lk_cache_take(struct lk_codes *codes, struct lk_basis *basis, bool *taken, lk_ctx *ctx,
                        const struct lk_cache_key *key, lk_error *err);
/* Writes the file, atomically; that it cannot be written is a warning. */
void lk_cache_keep(const struct lk_codes *codes, const struct lk_basis *basis, lk_ctx *ctx,
                   const struct lk_cache_key *key);

#endif
