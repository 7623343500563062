/* SPDX-License-Identifier: Apache-2.0 */
/* instructions.cuh - the instructions of all devices since Ampere that C++ has no words for. */
#ifndef LK_CUDA_INSTRUCTIONS_CUH
#define LK_CUDA_INSTRUCTIONS_CUH

#include <cuda_runtime.h>
#include <stdint.h>

static __device__ inline uint32_t shared_address(const void *p)
{
    return (uint32_t)__cvta_generic_to_shared(p);
}

/* All threads of a group that multiplies together: 0, 1, ... */
static __device__ inline void group_sync(unsigned group, unsigned threads)
{
    asm volatile("bar.sync %0, %1;" ::"r"(1 + group), "r"(threads) : "memory");
}

/* ---- copies to shared memory ------------------------------------------------------------------------------- */

/* 16 bytes, on their way when it returns. */
static __device__ inline void copy_16(void *to, const void *from)
{
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(shared_address(to)), "l"(from) : "memory");
}

/* What was copied since the last time is one lot. */
static __device__ inline void copies_commit(void)
{
    asm volatile("cp.async.commit_group;" ::: "memory");
}

/* Until all of this thread's lots but the last LEFT are there. */
template <int LEFT> static __device__ inline void copies_wait(void)
{
    asm volatile("cp.async.wait_group %0;" ::"n"(LEFT) : "memory");
}

/* ---- matrix products of a warp ----------------------------------------------------------------------------- */

/* Four matrices of 8 rows of 16 bytes: thread t gives the address of row t % 8 of matrix t / 8, and gets of each matrix the
 * four bytes from 4 (t % 4) on of row t / 4. */
static __device__ inline void load_matrices(uint32_t (&out)[4], const void *row)
{
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(out[0]), "=r"(out[1]), "=r"(out[2]), "=r"(out[3])
                 : "r"(shared_address(row))
                 : "memory");
}

/* Adds the products of 16 rows and 8 columns over 32 numbers, as load_matrices has them: a: rows 0 to 7 and 8 to 15 of the first
 * 16 numbers, then of the others; b: the columns' first and other 16 numbers. */
static __device__ inline void multiply_8(int *sums, const uint32_t (&a)[4], uint32_t b0, uint32_t b1)
{
    asm volatile("mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
                 : "+r"(sums[0]), "+r"(sums[1]), "+r"(sums[2]), "+r"(sums[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

#endif
