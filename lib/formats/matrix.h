/* SPDX-License-Identifier: Apache-2.0 */
/* matrix.h - vectors as rows of float32, from floats of any size and order in mapped bytes. */
#ifndef LK_FORMATS_MATRIX_H
#define LK_FORMATS_MATRIX_H

#include "base/ctx.h"
#include "base/scratch.h"

enum { LK_MAX_DIM = 65536 }; /* numbers in a vector */

/* How the numbers of a two-dimensional array of IEEE floats lie in a file. */
struct lk_layout {
    int item_bytes; /* 2, 4 or 8 */
    bool big_endian;
    bool fortran;       /* columns lie one behind the other, not rows */
    uint64_t rows, dim; /* rows * dim * item_bytes fits in the bytes behind data_offset */
    size_t data_offset; /* of the first number */
};

/* A matrix of float32 rows. The bytes are the file itself when it holds them as they are wanted, else a
 * temporary file: a set may be larger than memory. */
struct lk_matrix {
    const float *data; /* rows x dim */
    uint64_t rows, dim;
    struct lk_map map;
};

/* Takes over a map, converting its numbers to float32 where they are anything else. The map is closed on
 * failure. */
lk_status lk_matrix_take(struct lk_matrix *out, struct lk_map *map, const struct lk_layout *layout,
                         lk_ctx *ctx, lk_error *err);
/* The same for a scratch file that holds nothing but float32 rows in the machine's order. */
lk_status lk_matrix_take_scratch(struct lk_matrix *out, struct lk_scratch *scratch, uint64_t rows,
                                 uint64_t dim, lk_error *err);
void lk_matrix_close(struct lk_matrix *matrix);

static inline const float *lk_matrix_row(const struct lk_matrix *m, uint64_t row)
{
    return m->data + row * m->dim;
}

/* Rounds; what float cannot hold becomes infinite, and is found with the other rows that are not finite. */
float lk_float_of(double value);

/* Shows how far reading has come, for inputs that take more than a moment. */
void lk_matrix_progress(lk_ctx *ctx, uint64_t done, uint64_t total);

#endif
