/* SPDX-License-Identifier: Apache-2.0 */
/* vectors_fvecs.c - .fvecs files: each vector an int32 with its length and so many float32
 * (corpus-texmex.irisa.fr). */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "formats/vectors.h"

static uint32_t read_u32(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/* Leaves out the lengths, some vectors at a time. */
static lk_status copy_rows(const uint8_t *bytes, uint64_t rows, uint32_t dim, struct lk_scratch *scratch,
                           lk_ctx *ctx, lk_error *err)
{
    size_t row_bytes = 4 * (size_t)dim, at_once = ((size_t)1 << 20) / row_bytes + 1, held = 0;
    uint8_t *block = lk_alloc_aligned(at_once, row_bytes, err);
    lk_status status = block != NULL ? LK_OK : LK_ENOMEM;
    for (uint64_t row = 0; status == LK_OK && row < rows; row++) {
        const uint8_t *record = bytes + row * (row_bytes + 4);
        if (read_u32(record) != dim) {
            status = lk_fail(err, LK_EFORMAT,
                             "vector %" PRIu64 " (byte %" PRIu64 ") has the length %" PRIu32
                             ", expected %" PRIu32 " as of the first",
                             row, row * (row_bytes + 4), read_u32(record), dim);
            break;
        }
        memcpy(block + held++ * row_bytes, record + 4, row_bytes);
        if (held < at_once && row + 1 < rows)
            continue;
        status = lk_scratch_write(scratch, block, held * row_bytes, err);
        held = 0;
        lk_matrix_progress(ctx, (row + 1) * row_bytes, rows * row_bytes);
        if (status == LK_OK)
            status = lk_ctx_check(ctx, err);
    }
    free(block);
    return status;
}

lk_status lk_fvecs_read(const uint8_t *bytes, size_t len, lk_ctx *ctx, struct lk_vectors *out, lk_error *err)
{
    LK_NEED(len >= 4, err, LK_EFORMAT, "the file ends within the first length");
    uint32_t dim = read_u32(bytes);
    LK_NEED(dim >= 1 && dim <= LK_MAX_DIM, err, LK_EFORMAT,
            "the first vector has the length %" PRIu32 ", expected 1 to %d", dim, LK_MAX_DIM);
    size_t record = 4 + 4 * (size_t)dim;
    LK_NEED(len % record == 0, err, LK_EFORMAT,
            "%zu bytes are no whole number of vectors: expected records of %zu bytes (a length and %" PRIu32
            " float32)",
            len, record, dim);
    struct lk_scratch scratch = LK_SCRATCH_INIT;
    LK_TRY(lk_scratch_open(&scratch, err));
    lk_status status = copy_rows(bytes, len / record, dim, &scratch, ctx, err);
    if (status == LK_OK)
        status = lk_matrix_take_scratch(&out->matrix, &scratch, len / record, dim, err);
    lk_scratch_close(&scratch);
    return status;
}
