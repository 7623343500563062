/* SPDX-License-Identifier: Apache-2.0 */
/* bench.h - what the benchmark of the search and its rates need besides the search. */
#ifndef LK_SEARCH_BENCH_H
#define LK_SEARCH_BENCH_H

#include "base/ctx.h"
#include "search/codes.h"

/* 8-bit operations per second, a multiply and an add counted as two, that the kernel reaches on all threads
 * of ctx at once when its panels are in the first-level cache. */
lk_status lk_scan_peak(double *out, lk_ctx *ctx, const struct lk_scan *scan, lk_error *err);

/* Pairs per second that the scan passes over on all threads of ctx at once when none of them matters. */
lk_status lk_scan_sweep(double *out, lk_ctx *ctx, const struct lk_scan *scan, const struct lk_codes *probes,
                        const struct lk_codes *references, lk_error *err);

/* rows * dim floats: unit vectors, evenly over all directions; the same for the same seed. */
lk_status lk_made_vectors(float **out, lk_ctx *ctx, uint64_t rows, uint64_t dim, uint64_t seed,
                          lk_error *err);

/* rates_files.c: the rates of reading, checking and writing, of files in a temporary folder: `rows` vectors, and tables of
 * the two given sets (NULL = of made ones, without names). */
struct lk_match_set;
lk_status lk_rates_files(lk_rates *rates, lk_ctx *ctx, const float *data, uint64_t rows,
                         const struct lk_match_set *given, lk_error *err);

#endif
