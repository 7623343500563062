/* SPDX-License-Identifier: Apache-2.0 */
/* scan_dotprod.c - the kernels with ARM's SDOT: 8 probes x 8 references in 16 accumulators. Tested under qemu's
 * emulation only: no machine of ours has it. */
#include "search/scan.h"

#if defined(LK_SCAN_HAS_DOTPROD)

#include <arm_neon.h>

#include "base/cpu.h"
#include "search/bound.h"

#pragma GCC push_options
#pragma GCC target("arch=armv8.2-a+dotprod")

enum { MR = 8, NR = 8 };

/* References carry no offset here (signed times signed), so start is zero by the contract. */
static uint64_t tile(const struct lk_tile *t, uint64_t *mask)
{
    int32x4_t c[MR][2];
    for (int i = 0; i < MR; i++)
        c[i][0] = c[i][1] = vdupq_n_s32(t->start[i]);
    const int8_t *x = t->probes, *y = (const int8_t *)t->references;
    for (size_t g = 0; g < t->groups; g++, x += 4 * MR, y += 4 * NR) {
        int8x16_t x0 = vld1q_s8(x), x1 = vld1q_s8(x + 16), y0 = vld1q_s8(y), y1 = vld1q_s8(y + 16);
#define PROBE(i, from, lane)                              \
    c[i][0] = vdotq_laneq_s32(c[i][0], y0, from, lane);   \
    c[i][1] = vdotq_laneq_s32(c[i][1], y1, from, lane);
        PROBE(0, x0, 0) PROBE(1, x0, 1) PROBE(2, x0, 2) PROBE(3, x0, 3)
        PROBE(4, x1, 0) PROBE(5, x1, 1) PROBE(6, x1, 2) PROBE(7, x1, 3)
#undef PROBE
    }
    uint64_t any = 0;
    for (int i = 0; i < MR; i++) {
        mask[i] = 0;
        for (int j = 0; j < NR; j++) {
            int32_t sums[4];
            vst1q_s32(sums, c[i][j / 4]);
            int32_t reach =
                t->probe_floor[i] < t->reference_floor[j] ? t->probe_floor[i] : t->reference_floor[j];
            mask[i] |= (uint64_t)(sums[j % 4] >= reach) << j;
        }
        any |= mask[i];
    }
    return any;
}

static int32_t dot_codes(const int8_t *a, const int8_t *b, size_t n)
{
    int32x4_t sum = vdupq_n_s32(0);
    for (size_t k = 0; k < n; k += 16)
        sum = vdotq_s32(sum, vld1q_s8(a + k), vld1q_s8(b + k));
    return vaddvq_s32(sum);
}

#define LK_FLOATS 4
#define LK_MADD(a, b, c) __builtin_fmaf(a, b, c)
#include "search/scan_float.h"

#pragma GCC pop_options

const struct lk_scan lk_scan_dotprod = {
    .name = "dotprod",
    .features = LK_CPU_DOTPROD,
    .mr = MR,
    .nr = NR,
    .limit = 127,
    .offset = 0,
    .tile = tile,
    .dot_codes = dot_codes,
    .dot = dot,
    .dot_float = dot_float,
    .project = project,
    .round_row = round_row,
    .needed = needed,
};

#else
typedef int lk_scan_dotprod_is_for_aarch64; /* a translation unit must declare something */
#endif
