/* SPDX-License-Identifier: Apache-2.0 */
/* scan_amx.c - the kernels with AMX-INT8: 16 probes x 64 references in 4 tile registers. Untested: no machine
 * of ours has it.
 *
 * One tdpbssd multiplies 16 rows of 64 codes with 64 codes of 16 rows. Its left side wants the 64 codes of a
 * row side by side, hence runs of 16 groups; its right side wants groups of 4 codes row beside row, which is
 * how references lie anyhow. Signed times signed: references carry no offset, and start is zero by the
 * contract. A depth that is no multiple of 64 ends with narrower tiles, 6 and 7. */
#if defined(__x86_64__)

#include <immintrin.h>

#include "base/cpu.h"
#include "search/bound.h"
#include "search/target.h"

enum { MR = 16, NR = 64, RUN = 16 };

/* As ldtilecfg reads it: palette 1, bytes of a row and rows of each tile. */
struct tile_shapes {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
};

LK_TARGET_BEGIN("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,amx-tile,amx-int8")

/* Sums of the whole tile, 0 .. 3 holding 16 references each. Tiles keep their values between intrinsics as
 * long as no other code uses tiles. */
static void multiply(const struct lk_tile *t, int32_t *sums)
{
    size_t full = t->groups / RUN, tail = t->groups % RUN;
    struct tile_shapes shapes = {.palette = 1};
    for (int i = 0; i < 6; i++) {
        shapes.row_bytes[i] = 64;
        shapes.rows[i] = 16;
    }
    if (tail > 0) {
        shapes.row_bytes[6] = (uint16_t)(4 * tail);
        shapes.rows[6] = MR;
        shapes.row_bytes[7] = 64;
        shapes.rows[7] = (uint8_t)tail;
    }
    __asm__ volatile(""
                     :
                     : "r"(&shapes)
                     : "memory"); /* gcc 12 takes only the first 8 bytes as read by the intrinsic */
    _tile_loadconfig(&shapes);
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    const int8_t *x = t->probes;
    const uint8_t *y = t->references;
    for (size_t b = 0; b < full; b++) {
        _tile_loadd(4, x, 4 * RUN);
        _tile_loadd(5, y, 4 * NR);
        _tile_dpbssd(0, 4, 5);
        _tile_loadd(5, y + 64, 4 * NR);
        _tile_dpbssd(1, 4, 5);
        _tile_loadd(5, y + 128, 4 * NR);
        _tile_dpbssd(2, 4, 5);
        _tile_loadd(5, y + 192, 4 * NR);
        _tile_dpbssd(3, 4, 5);
        x += 4 * RUN * MR;
        y += 4 * RUN * NR;
    }
    if (tail > 0) {
        _tile_loadd(6, x, 4 * tail);
        _tile_loadd(7, y, 4 * NR);
        _tile_dpbssd(0, 6, 7);
        _tile_loadd(7, y + 64, 4 * NR);
        _tile_dpbssd(1, 6, 7);
        _tile_loadd(7, y + 128, 4 * NR);
        _tile_dpbssd(2, 6, 7);
        _tile_loadd(7, y + 192, 4 * NR);
        _tile_dpbssd(3, 6, 7);
    }
    _tile_stored(0, sums, 4 * NR);
    _tile_stored(1, sums + 16, 4 * NR);
    _tile_stored(2, sums + 32, 4 * NR);
    _tile_stored(3, sums + 48, 4 * NR);
    _tile_release();
}

static uint64_t tile(const struct lk_tile *t, uint64_t *mask)
{
    _Alignas(64) int32_t sums[MR * NR];
    multiply(t, sums);
    uint64_t any = 0;
    for (int i = 0; i < MR; i++) {
        const __m512i reach = _mm512_set1_epi32(t->probe_floor[i]);
        mask[i] = 0;
        for (int j = 0; j < NR; j += 16) {
            __m512i floor = _mm512_min_epi32(reach, _mm512_loadu_si512(t->reference_floor + j));
            mask[i] |= (uint64_t)_mm512_cmpge_epi32_mask(_mm512_load_si512(sums + i * NR + j), floor) << j;
        }
        any |= mask[i];
    }
    return any;
}

#define LK_FLOATS 16
#define LK_MADD(a, b, c) __builtin_fmaf(a, b, c)
#include "search/scan_float.h"

LK_TARGET_END

static int32_t dot_codes(const int8_t *a, const int8_t *b, size_t n)
{
    return lk_scan_avx512.dot_codes(a, b, n);
}

const struct lk_scan lk_scan_amx = {
    .name = "amx",
    .features = LK_CPU_AMX_INT8,
    .mr = MR,
    .nr = NR,
    .limit = 127,
    .offset = 0,
    .run = RUN,
    .untested = true,
    .tile = tile,
    .dot_codes = dot_codes,
    .dot = dot,
    .dot_float = dot_float,
    .project = project,
    .round_row = round_row,
    .needed = needed,
};

#else
typedef int lk_scan_amx_is_for_x86_64; /* a translation unit must declare something */
#endif
