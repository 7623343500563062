/* SPDX-License-Identifier: Apache-2.0 */
/* scan.h - the contract of the innermost loops: pure functions on packed 8-bit codes, one set per instruction
 * set.
 *
 * A kernel only nominates pairs. It never decides a result: the bound that makes it safe is the caller's
 * (docs/search.md).
 *
 * Packed panels. Codes are grouped by 4 coordinates. A reference panel holds nr rows, group g of row j at
 * byte 4 * (g * nr + j); a probe panel holds mr rows the same way, or with `run` groups of a row side by side
 * (lk_scan_place). The codes of a set begin on a 64-byte boundary, and panels follow each other without gaps.
 * Probe codes are signed, -limit .. limit. Reference codes are stored unsigned as code + offset, because the
 * instructions multiply unsigned by signed bytes; the caller's start values -offset * (sum of the probe's
 * codes) put that right. */
#ifndef LK_SEARCH_SCAN_H
#define LK_SEARCH_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "likeness.h"

/* Clang knows the instructions of ARM's dot product only when all of the code may use them. */
#if defined(__aarch64__) && (!defined(__clang__) || defined(__ARM_FEATURE_DOTPROD))
#define LK_SCAN_HAS_DOTPROD
#endif

#define LK_TILE_MAX_PROBES 16
#define LK_TILE_MAX_REFERENCES 64

struct lk_tile {
    const int8_t *probes;           /* panel: mr rows */
    const uint8_t *references;      /* panel: nr rows */
    size_t groups;                  /* coordinates / 4; at most LK_SCAN_MAX_GROUPS */
    const int32_t *start;           /* mr values: -offset * sum of the probe's codes */
    const int32_t *probe_floor;     /* mr values */
    const int32_t *reference_floor; /* nr values */
};

/* sum(i, j) = sum of probe code * true reference code, exact in int32. Sets bit j of mask[i] when
 * sum(i, j) >= min(probe_floor[i], reference_floor[j]), clears it otherwise; all mr masks are written.
 * Returns 0 when no bit is set. */
typedef uint64_t lk_tile_fn(const struct lk_tile *tile, uint64_t *mask);

/* Sum of a[i] * b[i] over n signed codes; n is a multiple of 64, both rows 64-byte aligned. */
typedef int32_t lk_dot_codes_fn(const int8_t *a, const int8_t *b, size_t n);

/* ---- the float side (scan_float.h) ---- */

/* Dot product of two float rows of n numbers, summed in double in any order. */
typedef double lk_dot_fn(const float *a, const float *b, size_t n);
/* The same in float, in at most 32 lanes: off by at most LK_DOT_FLOAT_ERROR(n) |a| |b|. The last 31 numbers
 * may be summed one after the other, and the lanes after them. */
#define LK_DOT_FLOAT_ERROR(n) (((double)(n) / 32 + 44) * 0x1p-24)
typedef float lk_dot_float_fn(const float *a, const float *b, size_t n);

/* out = axes' x for LK_PROJECT_ROWS rows: x holds them one after the other, out gets depth numbers of each.
 * axes is dim x depth. Float sums of LK_PROJECT_CHUNK products go into doubles, so that each number is off by
 * less than (LK_PROJECT_CHUNK + 2) 2^-24 |x| |axis|. */
#define LK_PROJECT_CHUNK 32
#define LK_PROJECT_ROWS 4
typedef void lk_project_fn(const float *axes, size_t dim, size_t depth, const float *x, double *out);

/* Codes of a projection at a scale (0: all codes are 0), and squared lengths: of projection - decoded, of
 * decoded, of projection. */
struct lk_rounded {
    double wrong, reach, length;
    int32_t sum; /* of the codes */
};
typedef void lk_round_fn(const double *projection, size_t depth, double scale, int8_t *codes,
                         struct lk_rounded *out);

/* Between one panel of probes and one of references: score <= sum / per_unit + allowance. */
struct lk_bound {
    float allowance, per_unit;
};
/* lk_bound_needed (bound.h) of n scores. */
typedef void lk_needed_fn(struct lk_bound bound, const float *scores, int n, int32_t *out);

/* 127 * 127 * 4 * groups must stay below 2^31. */
#define LK_SCAN_MAX_GROUPS 16384

struct lk_scan {
    const char *name;  /* as --cpu takes it */
    unsigned features; /* LK_CPU_ bits that it needs */
    int mr, nr;
    int limit;     /* codes are -limit .. limit: 127, or 63 where products are added in 16 bits */
    int offset;    /* added to reference codes: 128, 64 or 0 */
    int run;       /* groups of a probe that lie side by side; 0 = 1 */
    bool by_rows;  /* all codes of a row lie side by side, of references, too, and nothing else is made: for modules */
    bool untested; /* no machine of ours could run it: taken only when asked for by name */
    lk_tile_fn *tile;
    lk_dot_codes_fn *dot_codes;
    lk_dot_fn *dot;
    lk_dot_float_fn *dot_float;
    lk_project_fn *project;
    lk_round_fn *round_row;
    lk_needed_fn *needed;
};

/* Where coordinate `a` of a panel's row lies. */
static inline size_t lk_scan_place(size_t depth, size_t panel_rows, size_t run, size_t row, size_t a)
{
    if (run <= 1)
        return 4 * (a / 4 * panel_rows + row) + a % 4;
    size_t first = a / 4 / run * run, left = depth / 4 - first, width = left < run ? left : run;
    return 4 * (first * panel_rows + row * width + a / 4 - first) + a % 4;
}

extern const struct lk_scan lk_scan_portable;
#if defined(__x86_64__)
extern const struct lk_scan lk_scan_avx2, lk_scan_avx512, lk_scan_amx;
#endif
#if defined(LK_SCAN_HAS_DOTPROD)
extern const struct lk_scan lk_scan_dotprod;
#endif

/* The kernel called `name`, or the best one that was tested for NULL or "auto". NULL when there is no such
 * kernel here. */
const struct lk_scan *lk_scan_choose(const char *name);
/* The i-th kernel that was built in, best first; NULL at the end. It may need features this processor lacks.
 */
const struct lk_scan *lk_scan_built(int i);
/* Refuses a name that lk_scan_choose would not find, and says which there are. */
lk_status lk_scan_check(const char *name, lk_error *err);

#endif
