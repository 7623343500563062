/* SPDX-License-Identifier: Apache-2.0 */
/* matrix.c - floats of any size and order become float32 rows, in a temporary file where they are not yet. */
#include "formats/matrix.h"

#include <byteswap.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 1 << 18 }; /* numbers converted between two writes */

/* ---- one number ----------------------------------------------------------------------------------- */

static float from_half(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, exponent = h >> 10 & 31, fraction = h & 0x3ff;
    if (exponent == 0) { /* zero and subnormal: fraction * 2^-24, exact in float */
        float value = (float)fraction * 0x1p-24f;
        return sign != 0 ? -value : value;
    }
    uint32_t bits = sign | (exponent == 31 ? 255 : exponent + 112) << 23 | fraction << 13;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

float lk_float_of(double value)
{
    const double limit = 0x1.ffffffp127; /* halfway from FLT_MAX to the next power of two */
    if (value >= limit)
        return INFINITY;
    return value <= -limit ? -INFINITY : (float)value;
}

static float read_half(const uint8_t *from, bool swap)
{
    uint16_t bits;
    memcpy(&bits, from, sizeof bits);
    return from_half(swap ? bswap_16(bits) : bits);
}

static float read_float(const uint8_t *from, bool swap)
{
    uint32_t bits;
    float value;
    memcpy(&bits, from, sizeof bits);
    bits = swap ? bswap_32(bits) : bits;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static float read_double(const uint8_t *from, bool swap)
{
    uint64_t bits;
    double value;
    memcpy(&bits, from, sizeof bits);
    bits = swap ? bswap_64(bits) : bits;
    memcpy(&value, &bits, sizeof value);
    return lk_float_of(value);
}

/* Reads n numbers that lie one behind the other; to[0], to[step], ... */
static void convert(const uint8_t *from, const struct lk_layout *l, float *to, size_t step, size_t n)
{
    if (l->item_bytes == 2)
        for (size_t i = 0; i < n; i++)
            to[i * step] = read_half(from + 2 * i, l->big_endian);
    else if (l->item_bytes == 4)
        for (size_t i = 0; i < n; i++)
            to[i * step] = read_float(from + 4 * i, l->big_endian);
    else
        for (size_t i = 0; i < n; i++)
            to[i * step] = read_double(from + 8 * i, l->big_endian);
}

/* ---- a matrix ------------------------------------------------------------------------------------- */

void lk_matrix_progress(lk_ctx *ctx, uint64_t done, uint64_t total)
{
    if (total >= (uint64_t)1 << 27)
        lk_ctx_progress(ctx, &(lk_progress){.stage = "read", .unit = "bytes", .done = done, .total = total});
}

/* Some whole rows at a time: of a Fortran array, the same rows of each column. */
static lk_status convert_all(const uint8_t *data, const struct lk_layout *l, struct lk_scratch *scratch,
                             lk_ctx *ctx, lk_error *err)
{
    uint64_t at_once = l->dim < BLOCK ? BLOCK / l->dim : 1;
    size_t size = (size_t)l->item_bytes;
    float *block = lk_alloc_aligned((size_t)(at_once * l->dim), sizeof *block, err);
    if (block == NULL)
        return LK_ENOMEM;
    lk_status status = LK_OK;
    for (uint64_t row = 0; status == LK_OK && row < l->rows; row += at_once) {
        uint64_t n = l->rows - row < at_once ? l->rows - row : at_once;
        for (uint64_t i = 0; l->fortran && i < l->dim; i++)
            convert(data + (i * l->rows + row) * size, l, block + i, (size_t)l->dim, (size_t)n);
        if (!l->fortran)
            convert(data + row * l->dim * size, l, block, 1, (size_t)(n * l->dim));
        status = lk_scratch_write(scratch, block, (size_t)(n * l->dim) * sizeof *block, err);
        lk_matrix_progress(ctx, (row + n) * l->dim * size, l->rows * l->dim * size);
        if (status == LK_OK)
            status = lk_ctx_check(ctx, err);
    }
    free(block);
    return status;
}

lk_status lk_matrix_take(struct lk_matrix *out, struct lk_map *map, const struct lk_layout *layout,
                         lk_ctx *ctx, lk_error *err)
{
    const uint8_t *data = map->bytes + layout->data_offset;
    if (layout->item_bytes == 4 && !layout->big_endian && !layout->fortran &&
        (uintptr_t)data % _Alignof(float) == 0) {
        *out = (struct lk_matrix){(const float *)(const void *)data, layout->rows, layout->dim, *map};
        *map = (struct lk_map){NULL, 0};
        return LK_OK;
    }
    struct lk_scratch scratch = LK_SCRATCH_INIT;
    lk_status status = lk_scratch_open(&scratch, err);
    if (status == LK_OK)
        status = convert_all(data, layout, &scratch, ctx, err);
    lk_map_close(map);
    if (status == LK_OK)
        status = lk_matrix_take_scratch(out, &scratch, layout->rows, layout->dim, err);
    lk_scratch_close(&scratch);
    return status;
}

lk_status lk_matrix_take_scratch(struct lk_matrix *out, struct lk_scratch *scratch, uint64_t rows,
                                 uint64_t dim, lk_error *err)
{
    struct lk_map map;
    LK_TRY(lk_scratch_map(scratch, &map, err));
    *out = (struct lk_matrix){(const float *)(const void *)map.bytes, rows, dim, map};
    return LK_OK;
}

void lk_matrix_close(struct lk_matrix *matrix)
{
    lk_map_close(&matrix->map);
    *matrix = (struct lk_matrix){0};
}
