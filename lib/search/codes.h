/* SPDX-License-Identifier: Apache-2.0 */
/* codes.h - 8-bit codes of unit vectors in a rotated, shortened basis, with everything a proven bound needs.
 *
 * The bound (docs/search.md has the proof): for rows x, y with codes s q and t r,
 *     <x, y> <= s t <q, r> + error(x) reach + reach error(y) + error(x) error(y) + rest(x) rest(y) + slack
 * error = length of (projection - decoded code), rest = length of what the basis leaves out, reach = largest
 * length of a decoded code. Scales, errors and rests are kept as the largest of a few panels. */
#ifndef LK_SEARCH_CODES_H
#define LK_SEARCH_CODES_H

#include "base/fs.h"
#include "search/scan.h"
#include "search/search.h"

/* Orthonormal axes of the rows' space, those that hold most of the sampled rows' energy first. */
struct lk_basis {
    size_t dim, used;
    size_t depth;          /* used, rounded up to a multiple of 4; the axes added are zero */
    float *axes; /* dim x depth: axes[k * depth + a] is coordinate k of axis a; NULL = the coordinates
                    themselves */
    double skew;           /* bound of the spectral norm of (axes axes' - identity), rounding included */
};

/* All axes, from the second moments of a seeded sample of both sets' rows. To be shortened before use. */
lk_status lk_basis_choose(struct lk_basis *out, const struct lk_search_set *a, const struct lk_search_set *b,
                          size_t dim, lk_error *err);
/* Keeps the first `used` axes and bounds their skew. */
lk_status lk_basis_shorten(struct lk_basis *basis, size_t used, lk_error *err);
/* Where all axes would be used, the coordinates as they are leave out as little and need no projecting. */
void lk_basis_forget(struct lk_basis *basis);
void lk_basis_free(struct lk_basis *basis);

struct lk_codes {
    uint64_t rows, panels;
    int panel_rows;        /* mr or nr of the kernel set */
    uint64_t share;        /* neighbouring panels that share scale, error and rest: a set */
    size_t depth;
    int8_t *codes;         /* panels, as scan.h packs them; uint8_t for references */
    int32_t *start;        /* of each row: -offset * sum of its codes; NULL for references */
    float *scale, *error, *rest; /* of each set of panels: the largest of its rows */
    float reach;           /* largest length of a decoded code of any row */
    double longest;        /* largest length of a row */
    float *fine; /* rows x depth: the projections themselves; NULL where they would save little (depth > dim /
                    2) */
    float fine_error;      /* as error, of `fine`; the largest of any row */
    struct lk_map map;     /* of the cache that holds all arrays, read-only; none = they are ours */
};

/* Rows of a set of probe panels: floors are made for so many at a time. */
enum { LK_SHARED_PROBES = 32 };

static inline float lk_codes_scale(const struct lk_codes *codes, uint64_t row)
{
    return codes->scale[row / (codes->share * (uint64_t)codes->panel_rows)];
}

static inline float lk_codes_rest(const struct lk_codes *codes, uint64_t row)
{
    return codes->rest[row / (codes->share * (uint64_t)codes->panel_rows)];
}

/* Encodes all rows over the threads of ctx. as_references: unsigned codes with the kernel's offset. */
lk_status lk_codes_make(struct lk_codes *out, lk_ctx *ctx, const struct lk_basis *basis,
                        const struct lk_search_set *set, const struct lk_scan *kernel, bool as_references,
                        lk_error *err);
void lk_codes_free(struct lk_codes *codes);

#endif
