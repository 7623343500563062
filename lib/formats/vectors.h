/* SPDX-License-Identifier: Apache-2.0 */
/* vectors.h - files of embeddings that other programs made: .npy, .npz, .fvecs, HDF5, JSON lines. */
#ifndef LK_FORMATS_VECTORS_H
#define LK_FORMATS_VECTORS_H

#include "formats/matrix.h"

/* One text for each row; NULL where a row has none. items is NULL when the file holds none at all. */
struct lk_texts {
    char **items;
    uint64_t n;
};

struct lk_vectors {
    struct lk_matrix matrix;
    char *array; /* name of the array in the file; NULL where a file holds just one */
    struct lk_texts paths, identities;
};

/* Takes "FILE" or "FILE:ARRAY" apart: *array is "" without one. A file whose name has a colon is found as it
 * is. New strings. */
lk_status lk_vectors_split(const char *path, char **file, char **array, lk_error *err);

/* Opens `file` by its content, .fvecs by its name. `array` says which array of an .npz or HDF5 file, "" = the
 * only two-dimensional one. What is left aside is said in a message.
 * Limits: 1 to 65,536 numbers in a vector. */
lk_status lk_vectors_open(struct lk_vectors *out, lk_ctx *ctx, const char *file, const char *array,
                          lk_error *err);
void lk_vectors_close(struct lk_vectors *vectors);

void lk_texts_free(struct lk_texts *texts);

/* ---- the formats; messages do not name the file --------------------------------------------------- */

/* Zip archive of .npy files, stored or deflated (vectors_npz.c). `where` names the file in notes. */
lk_status lk_npz_read(const uint8_t *bytes, size_t len, const char *array, const char *where, lk_ctx *ctx,
                      struct lk_vectors *out, lk_error *err);
/* Records of an int32 and so many float32, little-endian (vectors_fvecs.c). */
lk_status lk_fvecs_read(const uint8_t *bytes, size_t len, lk_ctx *ctx, struct lk_vectors *out, lk_error *err);
/* JSON objects with an "embedding", one behind the other or in one array (vectors_json.c). */
lk_status lk_json_vectors_read(const uint8_t *bytes, size_t len, lk_ctx *ctx, struct lk_vectors *out,
                               lk_error *err);
/* HDF5 (vectors_hdf5.c), read by a process of its own: the library is large, and a damaged file may
 * crash it. */
lk_status lk_hdf5_read(const char *path, const char *array, lk_ctx *ctx, struct lk_vectors *out,
                       lk_error *err);

/* ---- what they share ------------------------------------------------------------------------------ */

/* Names of the arrays, fields and columns that hold identities and paths: for people who did not
 * know ours. */
bool lk_is_identity_name(const char *name);
bool lk_is_path_name(const char *name);

/* Refuses data that are more than a hundred times as long as what they are unpacked from, from 1 GiB on:
 * embeddings hardly shrink, so this is made to fill the disk. */
lk_status lk_check_unpacked(uint64_t unpacked, uint64_t packed, lk_error *err);

#endif
