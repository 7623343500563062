/* SPDX-License-Identifier: Apache-2.0 */
/* npy.h - NumPy's .npy files: matrices of vectors, one per row, and arrays of labels. */
#ifndef LK_FORMATS_NPY_H
#define LK_FORMATS_NPY_H

#include "formats/matrix.h"

/* What the header of a .npy file says, of an array of any shape and type. */
struct lk_npy_array {
    char descr[64]; /* "<f4"; "" for records */
    char kind;      /* of descr: 'f', 'i', 'u', 'U', 'S', ...; 0 = not understood */
    uint64_t item_bytes;
    bool big_endian, fortran;
    int n_dims;
    uint64_t shape[2];  /* the first two */
    size_t data_offset; /* of the first element */
};

/* Reads the header, format version 1 to 3; `len` bytes of the file may be fewer than all. */
lk_status lk_npy_describe(const uint8_t *bytes, size_t len, struct lk_npy_array *out, lk_error *err);
/* Says how to read a two-dimensional array of floats. `len` is the length of the whole file, in which the
 * data must be in full. Anything else is LK_EFORMAT with what was found and expected. */
lk_status lk_npy_layout(const struct lk_npy_array *array, uint64_t len, struct lk_layout *out, lk_error *err);
/* Both. */
lk_status lk_npy_parse(const uint8_t *bytes, size_t len, struct lk_layout *out, lk_error *err);

lk_status lk_matrix_open(struct lk_matrix *out, lk_ctx *ctx, const char *path, lk_error *err);

/* Writes the 128-byte header of a rows x dim float32 array (the length is the same for any shape, so that it
 * can be rewritten once the number of rows is known). */
#define LK_NPY_HEADER_BYTES 128
enum { LK_NPY_MAX_HEADER = 64 << 10 }; /* that is read */
lk_status lk_npy_write_header(FILE *stream, uint64_t rows, uint64_t dim, lk_error *err);

#endif
