/* SPDX-License-Identifier: Apache-2.0 */
/* instructions.cuh - the instructions of cuda/instructions.cuh on the processor: copies are done at once. */
#ifndef LK_EMULATED_INSTRUCTIONS_CUH
#define LK_EMULATED_INSTRUCTIONS_CUH

#include <cassert>

#include <cuda_runtime.h>

static inline void group_sync(unsigned group, unsigned threads)
{
    emulated_group_sync(1 + group, threads);
}

/* ---- copies to shared memory ------------------------------------------------------------------------------- */

static inline void copy_16(void *to, const void *from)
{
    assert((uintptr_t)to % 16 == 0 && (uintptr_t)from % 16 == 0);
    memcpy(to, from, 16);
}

static inline void copies_commit(void) {}
template <int LEFT> void copies_wait(void) {}

/* ---- matrix products of a warp, which exchanges what its threads hold ----------------------------------------- */

static inline void load_matrices(uint32_t (&out)[4], const void *row)
{
    unsigned lane = threadIdx.x % EMULATED_WARP;
    assert((uintptr_t)row % 16 == 0);
    const uint64_t *rows = emulated_exchange((uintptr_t)row);
    for (unsigned m = 0; m < 4; m++)
        memcpy(&out[m], (const char *)(uintptr_t)rows[8 * m + lane / 4] + lane % 4 * 4, sizeof out[m]);
}

static inline int emulated_products(uint64_t a, uint64_t b)
{
    int sum = 0;
    for (int i = 0; i < 64; i += 8)
        sum += (int8_t)(a >> i) * (int8_t)(b >> i);
    return sum;
}

/* Four bytes of the first 16 numbers, and four of the others, of a row: what a thread gives. */
static inline void multiply_8(int *sums, const uint32_t (&a)[4], uint32_t b0, uint32_t b1)
{
    unsigned lane = threadIdx.x % EMULATED_WARP;
    uint64_t first[EMULATED_WARP], second[EMULATED_WARP], columns[EMULATED_WARP];
    memcpy(first, emulated_exchange((uint64_t)a[2] << 32 | a[0]), sizeof first);
    memcpy(second, emulated_exchange((uint64_t)a[3] << 32 | a[1]), sizeof second);
    memcpy(columns, emulated_exchange((uint64_t)b1 << 32 | b0), sizeof columns);
    for (unsigned part = 0; part < 4; part++)
        for (unsigned c = 0; c < 2; c++) {
            uint64_t column = columns[4 * (2 * (lane % 4) + c) + part];
            sums[c] += emulated_products(first[4 * (lane / 4) + part], column);
            sums[2 + c] += emulated_products(second[4 * (lane / 4) + part], column);
        }
}

#endif
