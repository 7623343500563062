/* SPDX-License-Identifier: Apache-2.0 */
/* scan_avx2.c - the kernels with AVX2: 4 probes x 16 references in 8 accumulators.
 *
 * vpmaddubsw adds two products in 16 bits and saturates. With 7-bit codes (references 1 .. 127, probes -63 ..
 * 63) two such sums stay below 2 * 2 * 127 * 63 = 32,004 < 32,767, so that two groups share one widening. */
#if defined(__x86_64__)

#include <immintrin.h>

#include "base/cpu.h"
#include "search/bound.h"
#include "search/target.h"

enum { MR = 4, NR = 16 };

LK_TARGET_BEGIN("avx2,fma")

// clang-format off
#define LOAD(p)      _mm256_load_si256((const __m256i *)(const void *)(p))
#define WIDEN(c, s)  c = _mm256_add_epi32(c, _mm256_madd_epi16(s, ones));
#define PAIR(i)      x0 = _mm256_set1_epi32(probes[i]); x1 = _mm256_set1_epi32(probes[MR + i]); \
                     WIDEN(c##i##0, _mm256_add_epi16(_mm256_maddubs_epi16(y00, x0), _mm256_maddubs_epi16(y10, x1))) \
                     WIDEN(c##i##1, _mm256_add_epi16(_mm256_maddubs_epi16(y01, x0), _mm256_maddubs_epi16(y11, x1)))
#define SINGLE(i)    x0 = _mm256_set1_epi32(probes[i]); \
                     WIDEN(c##i##0, _mm256_maddubs_epi16(y00, x0)) WIDEN(c##i##1, _mm256_maddubs_epi16(y01, x0))
#define START(i)     __m256i c##i##0 = _mm256_set1_epi32(t->start[i]), c##i##1 = c##i##0;
/* c >= floor as not floor > c: AVX2 has only the strict comparison. */
#define BELOW(c, f)  (unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(_mm256_cmpgt_epi32(_mm256_min_epi32(reach, f), c)))
#define COMPARE(i)   reach = _mm256_set1_epi32(t->probe_floor[i]); \
                     mask[i] = (BELOW(c##i##0, f0) | BELOW(c##i##1, f1) << 8) ^ 0xffffu; \
                     any |= mask[i];
// clang-format on

static uint64_t tile(const struct lk_tile *t, uint64_t *mask)
{
    START(0) START(1) START(2) START(3)
    const __m256i ones = _mm256_set1_epi16(1);
    const int32_t *probes = (const int32_t *)(const void *)t->probes; /* four codes at a time */
    const uint8_t *references = t->references;
    size_t g = 0;
    for (; g + 2 <= t->groups; g += 2) {
        __m256i y00 = LOAD(references), y01 = LOAD(references + 32), y10 = LOAD(references + 64),
                y11 = LOAD(references + 96), x0, x1;
        PAIR(0) PAIR(1) PAIR(2) PAIR(3)
        references += 2 * 4 * NR;
        probes += 2 * MR;
    }
    if (g < t->groups) {
        __m256i y00 = LOAD(references), y01 = LOAD(references + 32), x0;
        SINGLE(0) SINGLE(1) SINGLE(2) SINGLE(3)
    }
    __m256i f0 = _mm256_loadu_si256((const __m256i *)(const void *)t->reference_floor),
            f1 = _mm256_loadu_si256((const __m256i *)(const void *)(t->reference_floor + 8)), reach;
    uint64_t any = 0;
    COMPARE(0) COMPARE(1) COMPARE(2) COMPARE(3)
    return any;
}

static int32_t dot_codes(const int8_t *a, const int8_t *b, size_t n)
{
    __m256i sum = _mm256_setzero_si256();
    for (size_t k = 0; k < n; k += 32) {
        __m256i x = LOAD(a + k), y = LOAD(b + k);
        /* |x| * (y with the sign of x): codes never are -128, so that no product changes. */
        __m256i pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(x), _mm256_sign_epi8(y, x));
        sum = _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
    }
    __m128i s = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
    s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4e));
    return _mm_cvtsi128_si32(_mm_add_epi32(s, _mm_shuffle_epi32(s, 0xb1)));
}

#define LK_FLOATS 8
#define LK_MADD(a, b, c) __builtin_fmaf(a, b, c)
#include "search/scan_float.h"

LK_TARGET_END

const struct lk_scan lk_scan_avx2 = {
    .name = "avx2", .features = LK_CPU_AVX2, .mr = MR, .nr = NR, .limit = 63, .offset = 64,
    .tile = tile, .dot_codes = dot_codes, .dot = dot, .dot_float = dot_float,
    .project = project, .round_row = round_row, .needed = needed,
};

#endif
