/* SPDX-License-Identifier: Apache-2.0 */
/* npy.h - NumPy's .npy files: matrices of vectors, one per row. */
#ifndef LK_FORMATS_NPY_H
#define LK_FORMATS_NPY_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/fs.h"

/* What the header of a .npy file says. */
struct lk_npy_header {
    char kind;          /* 'f' */
    int item_bytes;     /* 2, 4 or 8 */
    uint64_t rows, dim;
    size_t data_offset; /* of the first element */
};

/* Reads the header of a two-dimensional little-endian float array in C order, format version 1 to 3, and
 * checks that the data are there in full. Anything else is LK_EFORMAT with what was found and expected. */
lk_status lk_npy_parse(const uint8_t *bytes, size_t len, struct lk_npy_header *out, lk_error *err);

/* A matrix of float32 rows: mapped when the file holds f4, else converted into memory. */
struct lk_matrix {
    const float *data; /* rows x dim */
    uint64_t rows, dim;
    struct lk_map map;
    float *owned;
};
lk_status lk_matrix_open(struct lk_matrix *out, const char *path, lk_error *err);
void lk_matrix_close(struct lk_matrix *matrix);

static inline const float *lk_matrix_row(const struct lk_matrix *m, uint64_t row)
{
    return m->data + row * m->dim;
}

/* Writes the 128-byte header of a rows x dim float32 array (the length is the same for any shape, so that it
 * can be rewritten once the number of rows is known). */
#define LK_NPY_HEADER_BYTES 128
lk_status lk_npy_write_header(FILE *stream, uint64_t rows, uint64_t dim, lk_error *err);

#endif
