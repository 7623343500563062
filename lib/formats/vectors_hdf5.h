/* SPDX-License-Identifier: Apache-2.0 */
/* vectors_hdf5.h - what the process that reads an HDF5 file hands to the one that wants it. */
#ifndef LK_FORMATS_VECTORS_HDF5_H
#define LK_FORMATS_VECTORS_HDF5_H

#include <stdatomic.h>

#include "formats/vectors.h"

enum { LK_HDF5_NAME = 1024 };

/* Lies in memory that both processes see. */
struct lk_hdf5_result {
    lk_status status;
    bool finished; /* status and err are set */
    lk_error err;
    struct lk_layout layout;  /* of the numbers in `data` */
    char array[LK_HDF5_NAME]; /* path of the dataset in the file, without a '/' in front */
    bool has_paths, has_identities;
    char left_aside[LK_HDF5_NAME]; /* a dataset with the name of labels, but not their form; "" = none */
    atomic_uint_fast64_t done;     /* bytes of data */
    uint64_t total;
};

/* The numbers of the dataset as they are in the file, and one text ended by a zero byte for each row. */
struct lk_hdf5_scratches {
    struct lk_scratch data, paths, identities;
};

/* Reads in this very process; a damaged file may crash the library. Sets `finished` in any case. */
void lk_hdf5_read_here(const char *path, const char *array, struct lk_hdf5_scratches *scratches,
                       struct lk_hdf5_result *result);
/* Makes vectors of what was read. The scratch files are used up. */
lk_status lk_hdf5_take(struct lk_hdf5_scratches *scratches, const struct lk_hdf5_result *result,
                       const char *where, lk_ctx *ctx, struct lk_vectors *out, lk_error *err);

#endif
