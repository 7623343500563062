/* SPDX-License-Identifier: Apache-2.0 */
/* scan_avx512.c - the kernels with AVX-512 VNNI: 8 probes x 48 references in 24 accumulators.
 *
 * Registers: 24 accumulators, 3 of references, 1 broadcast probe group: 28 of 32. Per group 11 loads feed 24
 * vpdpbusd, so the two multiply ports and not the two load ports are the limit. The multiply-add is inline
 * assembly because gcc 12 copies and spills accumulators around the intrinsic: 1,070 against 440 Gop/s on one
 * Zen 5 core. */
#if defined(__x86_64__)

#include <immintrin.h>

#include "base/cpu.h"
#include "search/bound.h"
#include "search/target.h"

enum { MR = 8, NR = 48 };

LK_TARGET_BEGIN("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")

// clang-format off
#define START(i)    __m512i c##i##0 = _mm512_set1_epi32(t->start[i]), c##i##1 = c##i##0, c##i##2 = c##i##0;
#define MADD(c, y)  __asm__("vpdpbusd %2, %1, %0" : "+v"(c) : "v"(y), "v"(x));
#define PROBE(i)    x = _mm512_set1_epi32(probes[i]); MADD(c##i##0, y0) MADD(c##i##1, y1) MADD(c##i##2, y2)
#define REACHES(c, floor) (uint64_t)_mm512_cmpge_epi32_mask(c, _mm512_min_epi32(reach, floor))
#define COMPARE(i)  reach = _mm512_set1_epi32(t->probe_floor[i]); \
                    mask[i] = REACHES(c##i##0, f0) | REACHES(c##i##1, f1) << 16 | REACHES(c##i##2, f2) << 32; \
                    any |= mask[i];
// clang-format on

static uint64_t tile(const struct lk_tile *t, uint64_t *mask)
{
    START(0)
    START(1) START(2) START(3) START(4) START(5) START(6) START(7) const int32_t *probes =
        (const int32_t *)(const void *)t->probes; /* four codes at a time */
    const uint8_t *references = t->references;
    for (size_t g = 0; g < t->groups; g++) {
        __m512i y0 = _mm512_load_si512(references), y1 = _mm512_load_si512(references + 64),
                y2 = _mm512_load_si512(references + 128), x;
        PROBE(0) PROBE(1) PROBE(2) PROBE(3) PROBE(4) PROBE(5) PROBE(6) PROBE(7) references += 4 * NR;
        probes += MR;
    }
    __m512i f0 = _mm512_loadu_si512(t->reference_floor), f1 = _mm512_loadu_si512(t->reference_floor + 16),
            f2 = _mm512_loadu_si512(t->reference_floor + 32), reach;
    uint64_t any = 0;
    COMPARE(0) COMPARE(1) COMPARE(2) COMPARE(3) COMPARE(4) COMPARE(5) COMPARE(6) COMPARE(7) return any;
}

/* signed x signed as unsigned (b + 128) x signed a, corrected by 128 * sum(a) through a second multiply-add.
 */
static int32_t dot_codes(const int8_t *a, const int8_t *b, size_t n)
{
    const __m512i flip = _mm512_set1_epi8((char)0x80);
    __m512i sum = _mm512_setzero_si512(), excess = _mm512_setzero_si512();
    for (size_t k = 0; k < n; k += 64) {
        __m512i x = _mm512_load_si512(a + k);
        sum = _mm512_dpbusd_epi32(sum, _mm512_xor_si512(_mm512_load_si512(b + k), flip), x);
        excess = _mm512_dpbusd_epi32(excess, flip, x);
    }
    return _mm512_reduce_add_epi32(_mm512_sub_epi32(sum, excess));
}

/* lk_bound_needed, operation by operation. */
static void needed(struct lk_bound bound, const float *scores, int n, int32_t *out)
{
    const __m512 allowance = _mm512_set1_ps(bound.allowance), per_unit = _mm512_set1_ps(bound.per_unit);
    for (int i = 0; i < n; i += 16) {
        __mmask16 there = n - i < 16 ? (__mmask16)((1u << (n - i)) - 1) : 0xffff;
        __m512 score = _mm512_maskz_loadu_ps(there, scores + i);
        __m512 units =
            _mm512_sub_ps(_mm512_mul_ps(_mm512_sub_ps(score, allowance), per_unit), _mm512_set1_ps(4));
        units = _mm512_min_ps(_mm512_max_ps(units, _mm512_set1_ps(-2e9f)), _mm512_set1_ps(2e9f));
        _mm512_mask_storeu_epi32(out + i, there, _mm512_cvttps_epi32(units));
    }
}

#define LK_FLOATS 16
#define LK_MADD(a, b, c) __builtin_fmaf(a, b, c)
#define LK_OWN_NEEDED
#include "search/scan_float.h"

LK_TARGET_END

const struct lk_scan lk_scan_avx512 = {
    .name = "avx512",
    .features = LK_CPU_AVX512_VNNI,
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

#endif
