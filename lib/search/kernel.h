/* SPDX-License-Identifier: Apache-2.0 */
/* kernel.h - scores of a block of probes against a panel of references, by the definition. */
#ifndef LK_SEARCH_KERNEL_H
#define LK_SEARCH_KERNEL_H

#include <stddef.h>

/* Rows are packed in groups of 8, interleaved by element and widened: packed[(group * dim + i) * 8 + row]. */
enum { LK_GROUP = 8 };

/* Packs `rows` rows (the last group filled up with zeros) into groups. */
void lk_kernel_pack(double *packed, const float *data, size_t rows, size_t dim);

/* scores[p * stride + r] of 8 packed probes and 8 packed references. */
typedef void lk_kernel_fn(const double *probes, const double *references, size_t dim, float *scores,
                          size_t stride);

/* The kernels that this processor runs, fastest first, ended by NULL. All give the same bits. */
lk_kernel_fn *const *lk_kernel_all(void);
/* The fastest that needs no more than the level of scan.h by that name; NULL and "auto" = the fastest. */
lk_kernel_fn *lk_kernel_choose(const char *level);

/* The scores of 8 pairs of rows that lie anywhere. */
typedef void lk_pairs_fn(const float *const a[LK_GROUP], const float *const b[LK_GROUP], size_t dim,
                         float scores[LK_GROUP]);
/* As lk_kernel_choose. */
lk_pairs_fn *lk_pairs_choose(const char *level);

#endif
