/* SPDX-License-Identifier: Apache-2.0 */
/* wgmma.cuh - the instructions of cuda/wgmma.cuh on the processor: copies and products are done at once, and matrices lie row
 * after row, unswizzled. */
#ifndef LK_EMULATED_WGMMA_CUH
#define LK_EMULATED_WGMMA_CUH

#include <cassert>

#include <cuda.h>

#include "instructions.cuh"

/* ---- barriers ---------------------------------------------------------------------------------------------- */

/* In the eight bytes that a device has for it. */
struct emulated_barrier {
    uint64_t arrivals : 12, missing : 12, phase : 1;
    int64_t bytes : 39; /* expected, less those that were copied */
};
static_assert(sizeof(emulated_barrier) == sizeof(uint64_t), "a barrier is one word");

static inline emulated_barrier *emulated(uint64_t *barrier)
{
    return (emulated_barrier *)barrier;
}

static inline void emulated_settle(emulated_barrier *b)
{
    emulated_changed();
    if (b->missing > 0 || b->bytes != 0)
        return;
    b->phase ^= 1;
    b->missing = b->arrivals;
}

static inline void barrier_init(uint64_t *barrier, unsigned arrivals)
{
    *emulated(barrier) = {arrivals, arrivals, 0, 0};
}

static inline void barriers_made(void) {}

static inline void barrier_expect(uint64_t *barrier, unsigned bytes)
{
    emulated_barrier *b = emulated(barrier);
    assert(b->missing > 0);
    b->missing--;
    b->bytes += bytes;
    emulated_settle(b);
}

static inline void barrier_arrive(uint64_t *barrier)
{
    barrier_expect(barrier, 0);
}

/* Until the phase of that parity has ended. */
static inline void barrier_wait(uint64_t *barrier, unsigned parity)
{
    while (emulated(barrier)->phase == parity)
        emulated_yield();
}

/* ---- tensor copies ------------------------------------------------------------------------------------------- */

/* What lies outside the tensor is zero. */
static inline void copy_box(void *to, const CUtensorMap *map, unsigned x, unsigned y, uint64_t *barrier)
{
    for (unsigned row = 0; row < map->box_rows; row++)
        for (unsigned i = 0; i < map->box_width; i++)
            ((uint8_t *)to)[row * map->box_width + i] =
                y + row < map->rows && x + i < map->width ? map->at[(y + row) * map->stride + x + i] : 0;
    emulated(barrier)->bytes -= (int64_t)map->box_rows * map->box_width;
    emulated_settle(emulated(barrier));
}

/* ---- matrix products --------------------------------------------------------------------------------------- */

/* As a device counts: in 16 bytes. */
static inline uint64_t matrix_of(const void *rows)
{
    assert((uintptr_t)rows % 1024 == 0);
    return (uintptr_t)rows / 16;
}

static inline void products_begin(void) {}
static inline void products_commit(void) {}
template <int LEFT> void products_wait(void) {}
template <int COUNT> void registers_fewer(void) {}
template <int COUNT> void registers_more(void) {}

/* 64 x 128 sums over 32 numbers: thread t of 128 has those of rows 16 (t / 32) + t % 32 / 4 and 8 behind it, columns
 * 8 o + 2 (t % 4) and the next one. */
static inline void multiply(int (&sums)[64], uint64_t a, uint64_t b, int add)
{
    const int8_t *x = (const int8_t *)(a * 16), *y = (const int8_t *)(b * 16);
    unsigned lane = threadIdx.x % 32, first = threadIdx.x % 128 / 32 * 16 + lane / 4;
    for (unsigned i = 0; i < 64; i++) {
        const int8_t *row = x + (first + i / 2 % 2 * 8) * 128, *column = y + (i / 4 * 8 + lane % 4 * 2 + i % 2) * 128;
        int sum = add ? sums[i] : 0;
        for (int k = 0; k < 32; k++)
            sum += row[k] * column[k];
        sums[i] = sum;
    }
}

#endif
