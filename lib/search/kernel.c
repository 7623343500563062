/* SPDX-License-Identifier: Apache-2.0 */
/* kernel.c - scores of a block of probes against a panel of references, by the definition.
 *
 * A product of two float32 has at most 48 significant bits and is exact in double, so a fused multiply-add
 * rounds just as a multiplication followed by an addition: every kernel here gives lk_score's bits. Each pair
 * keeps its own single chain of additions, in index order; vectors run across references. Adding +0 to the
 * rounded sum turns -0 into +0, as lk_score does. */
#include "search/kernel.h"
#include "search/target.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif
#include <stdbool.h>
#include <string.h>

void lk_kernel_pack(double *packed, const float *data, size_t rows, size_t dim)
{
    for (size_t first = 0; first < rows; first += LK_GROUP, packed += LK_GROUP * dim) {
        static const float zero[1];
        const float *row[LK_GROUP];
        size_t step[LK_GROUP];
        for (size_t g = 0; g < LK_GROUP; g++) {
            bool there = first + g < rows;
            row[g] = there ? data + (first + g) * dim : zero;
            step[g] = there ? 1 : 0;
        }
        for (size_t i = 0; i < dim; i++)
            for (size_t g = 0; g < LK_GROUP; g++)
                packed[i * LK_GROUP + g] = row[g][i * step[g]];
    }
}

typedef double lane8 __attribute__((vector_size(64), aligned(64)));

/* The bodies' accumulators are named one by one: in an array gcc 12 leaves them in memory. */
#define LOAD_8(p) (*(const lane8 *)(p))
#define ADD_1(n) sum##n += a[i * LK_GROUP + n] * b
#define PUT_1(n)                                                                                             \
    for (int j = 0; j < LK_GROUP; j++)                                                                       \
    scores[(size_t)n * stride + (size_t)j] = (float)sum##n[j] + 0.0f

/* Four probes and two registers of references, in 8 of 16 registers. Vectors wider than a register would go
 * through memory, 20 times as slow. */
#define DEFINE_SCORES(name, lanes)                                                                           \
    static inline __attribute__((always_inline)) void name(const double *a, const double *references,        \
                                                           size_t dim, float *scores, size_t stride)         \
    {                                                                                                        \
        enum { WIDTH = sizeof(lanes) / sizeof(double) };                                                     \
        lanes low0 = {0}, low1 = {0}, low2 = {0}, low3 = {0};                                                \
        lanes high0 = {0}, high1 = {0}, high2 = {0}, high3 = {0};                                            \
        for (size_t i = 0; i < dim; i++) {                                                                   \
            const lanes low = *(const lanes *)(references + i * LK_GROUP);                                   \
            const lanes high = *(const lanes *)(references + i * LK_GROUP + WIDTH);                          \
            ADD_2(0);                                                                                        \
            ADD_2(1);                                                                                        \
            ADD_2(2);                                                                                        \
            ADD_2(3);                                                                                        \
        }                                                                                                    \
        PUT_2(0);                                                                                            \
        PUT_2(1);                                                                                            \
        PUT_2(2);                                                                                            \
        PUT_2(3);                                                                                            \
    }
#define ADD_2(n)                                                                                             \
    low##n += a[i * LK_GROUP + n] * low;                                                                     \
    high##n += a[i * LK_GROUP + n] * high
#define PUT_2(n)                                                                                             \
    for (int j = 0; j < WIDTH; j++) {                                                                        \
        scores[(size_t)n * stride + (size_t)j] = (float)low##n[j] + 0.0f;                                    \
        scores[(size_t)n * stride + (size_t)(j + WIDTH)] = (float)high##n[j] + 0.0f;                         \
    }

typedef double lane2 __attribute__((vector_size(16)));
typedef double lane4 __attribute__((vector_size(32)));
DEFINE_SCORES(scores_4_by_4, lane2)

static inline __attribute__((always_inline)) void scores_of_8(const double *a, const double *references,
                                                              size_t dim, float *scores, size_t stride)
{
    lane8 sum0 = {0}, sum1 = {0}, sum2 = {0}, sum3 = {0}, sum4 = {0}, sum5 = {0}, sum6 = {0}, sum7 = {0};
    for (size_t i = 0; i < dim; i++) {
        const lane8 b = LOAD_8(references + i * LK_GROUP);
        ADD_1(0);
        ADD_1(1);
        ADD_1(2);
        ADD_1(3);
        ADD_1(4);
        ADD_1(5);
        ADD_1(6);
        ADD_1(7);
    }
    PUT_1(0);
    PUT_1(1);
    PUT_1(2);
    PUT_1(3);
    PUT_1(4);
    PUT_1(5);
    PUT_1(6);
    PUT_1(7);
}

static void kernel_portable(const double *probes, const double *references, size_t dim, float *scores,
                            size_t stride)
{
    for (size_t n = 0; n < LK_GROUP; n += 4)
        for (size_t m = 0; m < LK_GROUP; m += 4)
            scores_4_by_4(probes + n, references + m, dim, scores + n * stride + m, stride);
}

#if defined(__x86_64__)
LK_TARGET_BEGIN("avx2")
DEFINE_SCORES(scores_4_by_8, lane4)

static void kernel_avx2(const double *probes, const double *references, size_t dim, float *scores,
                        size_t stride)
{
    for (size_t n = 0; n < LK_GROUP; n += 4)
        scores_4_by_8(probes + n, references, dim, scores + n * stride, stride);
}
LK_TARGET_END

__attribute__((target("avx512f"))) static void kernel_avx512(const double *probes, const double *references,
                                                             size_t dim, float *scores, size_t stride)
{
    scores_of_8(probes, references, dim, scores, stride);
}
#endif

/* Fastest first. */
lk_kernel_fn *const *lk_kernel_all(void)
{
    static lk_kernel_fn *const all[] = {
#if defined(__x86_64__)
        kernel_avx512,
        kernel_avx2,
#endif
        kernel_portable,
        NULL,
    };
#if defined(__x86_64__)
    return __builtin_cpu_supports("avx512f") ? all : __builtin_cpu_supports("avx2") ? all + 1 : all + 2;
#else
    return all;
#endif
}

lk_kernel_fn *lk_kernel_choose(const char *level)
{
    if (level != NULL && strcmp(level, "portable") == 0)
        return kernel_portable;
#if defined(__x86_64__)
    if (level != NULL && strcmp(level, "avx2") == 0 && __builtin_cpu_supports("avx2"))
        return kernel_avx2;
#endif
    return lk_kernel_all()[0];
}

static void pairs_portable(const float *const a[LK_GROUP], const float *const b[LK_GROUP], size_t dim,
                           float scores[LK_GROUP])
{
    double sum[LK_GROUP] = {0}; /* eight chains at once: one alone waits for each addition */
    for (size_t i = 0; i < dim; i++)
        for (int n = 0; n < LK_GROUP; n++)
            sum[n] += (double)a[n][i] * (double)b[n][i];
    for (int n = 0; n < LK_GROUP; n++)
        scores[n] = (float)sum[n] + 0.0f;
}

#if defined(__x86_64__)
/* Lane n of the result takes element `lane` of row n: what rows hold side by side comes to stand one below
 * the other. */
__attribute__((target("avx512f,avx512vl"))) static inline void transpose_8(__m512d r[8])
{
    __m512d t[8], u[8];
    for (int i = 0; i < 8; i += 2) {
        t[i] = _mm512_unpacklo_pd(r[i], r[i + 1]);
        t[i + 1] = _mm512_unpackhi_pd(r[i], r[i + 1]);
    }
    for (int i = 0; i < 8; i += 4)
        for (int j = 0; j < 2; j++) {
            u[i + j] = _mm512_shuffle_f64x2(t[i + j], t[i + j + 2], 0x88);
            u[i + j + 2] = _mm512_shuffle_f64x2(t[i + j], t[i + j + 2], 0xdd);
        }
    for (int j = 0; j < 4; j++) {
        r[j] = _mm512_shuffle_f64x2(u[j], u[j + 4], 0x88);
        r[j + 4] = _mm512_shuffle_f64x2(u[j], u[j + 4], 0xdd);
    }
}

/* The products are exact, so they may be made along the rows; turned round, each pair adds its own in index
 * order. */
__attribute__((target("avx512f,avx512vl"))) static void pairs_avx512(const float *const a[LK_GROUP],
                                                                     const float *const b[LK_GROUP],
                                                                     size_t dim, float scores[LK_GROUP])
{
    __m512d sum = _mm512_setzero_pd(), products[LK_GROUP];
    for (size_t i = 0; i < dim; i += 8) {
        __mmask8 there = dim - i >= 8 ? 0xff : (__mmask8)((1u << (dim - i)) - 1);
        for (int n = 0; n < LK_GROUP; n++)
            products[n] = _mm512_mul_pd(_mm512_cvtps_pd(_mm256_maskz_loadu_ps(there, a[n] + i)),
                                        _mm512_cvtps_pd(_mm256_maskz_loadu_ps(there, b[n] + i)));
        transpose_8(products);
        for (int k = 0; k < 8; k++) /* what is not there adds +0 */
            sum = _mm512_add_pd(sum, products[k]);
    }
    _mm256_storeu_ps(scores, _mm256_add_ps(_mm512_cvtpd_ps(sum), _mm256_setzero_ps()));
}
#endif

lk_pairs_fn *lk_pairs_choose(const char *level)
{
#if defined(__x86_64__)
    bool lower = level != NULL && (strcmp(level, "portable") == 0 || strcmp(level, "avx2") == 0);
    if (!lower && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl"))
        return pairs_avx512;
#else
    (void)level;
#endif
    return pairs_portable;
}
