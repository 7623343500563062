/* SPDX-License-Identifier: Apache-2.0 */
/* scan_portable.c - the kernels in plain C: always there, and what the others are tested against. */
#include "search/bound.h"

enum { MR = 4, NR = 16 };

static uint64_t tile(const struct lk_tile *t, uint64_t *mask)
{
    uint64_t any = 0;
    for (int i = 0; i < MR; i++) {
        int32_t sum[NR];
        for (int j = 0; j < NR; j++)
            sum[j] = t->start[i];
        for (size_t g = 0; g < t->groups; g++) {
            const int8_t *x = t->probes + 4 * (g * MR + (size_t)i);
            const uint8_t *y = t->references + 4 * g * NR;
            for (int j = 0; j < NR; j++)
                sum[j] += x[0] * y[4 * j] + x[1] * y[4 * j + 1] + x[2] * y[4 * j + 2] + x[3] * y[4 * j + 3];
        }
        mask[i] = 0;
        for (int j = 0; j < NR; j++) {
            int32_t reach =
                t->probe_floor[i] < t->reference_floor[j] ? t->probe_floor[i] : t->reference_floor[j];
            mask[i] |= (uint64_t)(sum[j] >= reach) << j;
        }
        any |= mask[i];
    }
    return any;
}

static int32_t dot_codes(const int8_t *a, const int8_t *b, size_t n)
{
    int32_t sum = 0;
    for (size_t k = 0; k < n; k++)
        sum += a[k] * b[k];
    return sum;
}

#define LK_FLOATS 4
#define LK_MADD(a, b, c) ((a) * (b) + (c))
#include "search/scan_float.h"

const struct lk_scan lk_scan_portable = {
    .name = "portable",
    .mr = MR,
    .nr = NR,
    .limit = 127,
    .offset = 128,
    .tile = tile,
    .dot_codes = dot_codes,
    .dot = dot,
    .dot_float = dot_float,
    .project = project,
    .round_row = round_row,
    .needed = needed,
};
