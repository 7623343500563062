/* SPDX-License-Identifier: Apache-2.0 */
/* bench.h - what the benchmark of the search needs besides the search. */
#ifndef LK_SEARCH_BENCH_H
#define LK_SEARCH_BENCH_H

#include "base/ctx.h"
#include "search/scan.h"

/* 8-bit operations per second, a multiply and an add counted as two, that the kernel reaches on all threads
 * of ctx at once when its panels are in the first-level cache. */
lk_status lk_scan_peak(double *out, lk_ctx *ctx, const struct lk_scan *scan, lk_error *err);

/* rows * dim floats: unit vectors, evenly over all directions; the same for the same seed. */
lk_status lk_made_vectors(float **out, lk_ctx *ctx, uint64_t rows, uint64_t dim, uint64_t seed,
                          lk_error *err);

#endif
