/* SPDX-License-Identifier: Apache-2.0 */
/* encode.cu - rounds rows to 8-bit codes, as they are: a block of threads for each set of rows that shares a scale. */
#include "device.cuh"

enum { THREADS = 512, WARPS = THREADS / 32 };
#define SMALLEST_SCALE 0x1p-60f

/* Numbers of one row, and of all that a warp or a block has seen: each is never negative. */
struct left_out {
    double wrong, reach, norm2; /* squared lengths: of what the code leaves, of the decoded code, of the row */
};

static __device__ left_out larger(left_out a, left_out b)
{
    return {fmax(a.wrong, b.wrong), fmax(a.reach, b.reach), fmax(a.norm2, b.norm2)};
}

static __device__ double above(double x)
{
    return (double)nextafterf(__double2float_ru(x), INFINITY);
}

/* The largest of what the threads of the block have. */
template <class T, class F> static __device__ T over_block(T mine, F larger_of)
{
    __shared__ T of_warp[WARPS];
    __syncthreads();
    if (threadIdx.x % 32 == 0)
        of_warp[threadIdx.x / 32] = mine;
    __syncthreads();
    T most = of_warp[0];
    for (int w = 1; w < WARPS; w++)
        most = larger_of(most, of_warp[w]);
    return most;
}

/* A warp makes the code of a row; what lies behind its coordinates is zero. */
static __device__ left_out encode_row(int8_t *codes, const float *row, const encoding &e, double scale)
{
    double inverse = scale > 0 ? 1 / scale : 0;
    left_out sums = {0, 0, 0};
    for (unsigned k = threadIdx.x % 32 * 4; k < e.depth; k += 128) {
        float4 x = k < e.stride ? *(const float4 *)(row + k) : make_float4(0, 0, 0, 0);
        const float values[4] = {x.x, x.y, x.z, x.w};
        signed char q[4];
#pragma unroll
        for (int i = 0; i < 4; i++) {
            double value = values[i], whole = rint(value * inverse), decoded = whole * scale, wrong = value - decoded;
            sums.wrong += wrong * wrong;
            sums.reach += decoded * decoded;
            sums.norm2 += value * value;
            q[i] = (signed char)(int)whole;
        }
        *(char4 *)(codes + k) = make_char4(q[0], q[1], q[2], q[3]);
    }
    for (int step = 16; step > 0; step /= 2) {
        sums.wrong += __shfl_xor_sync(~0u, sums.wrong, step);
        sums.reach += __shfl_xor_sync(~0u, sums.reach, step);
        sums.norm2 += __shfl_xor_sync(~0u, sums.norm2, step);
    }
    return sums;
}

/* Bounds are rounded up to floats, and one float more: that is far more than the sums of doubles may be off by. The axes are
 * the coordinates, so nothing lies outside their span; the rest that codes.c leaves for that is kept. */
static __global__ void __launch_bounds__(THREADS) encode(const __grid_constant__ encoding e)
{
    unsigned long long first = (unsigned long long)blockIdx.x * e.set_rows;
    unsigned n = (unsigned)(e.rows - first < e.set_rows ? e.rows - first : e.set_rows), warp = threadIdx.x / 32;
    const float4 *all = (const float4 *)(e.data + first * e.stride);
    float largest = 0;
    for (size_t i = threadIdx.x; i < n * e.stride / 4; i += THREADS) {
        float4 x = all[i];
        largest = fmaxf(fmaxf(largest, fmaxf(fabsf(x.x), fabsf(x.y))), fmaxf(fabsf(x.z), fabsf(x.w)));
    }
    for (int step = 16; step > 0; step /= 2)
        largest = fmaxf(largest, __shfl_xor_sync(~0u, largest, step));
    largest = over_block(largest, [](float a, float b) { return fmaxf(a, b); });
    float scale = (float)((double)largest / 127 * (1 + 0x1p-20));
    scale = scale < SMALLEST_SCALE ? 0 : scale;
    left_out most = {0, 0, 0};
    for (unsigned i = warp; i < n; i += WARPS)
        most = larger(most, encode_row(e.codes + (first + i) * e.depth, e.data + (first + i) * e.stride, e, (double)scale));
    most = over_block(most, larger);
    if (threadIdx.x > 0)
        return;
    e.scale[blockIdx.x] = scale;
    e.error[blockIdx.x] = (float)above(sqrt(most.wrong));
    e.rest[blockIdx.x] = (float)above(sqrt(most.norm2 * (double)e.stride * 0x1p-50) + 0x1p-20);
    /* Positive floats are in the order of their bits. */
    atomicMax(&e.most->reach, __float_as_int((float)above(sqrt(most.reach))));
    atomicMax(&e.most->longest, __float_as_int((float)above(sqrt(most.norm2))));
}

cudaError_t encode_launch(const struct encoding *e, cudaStream_t stream)
{
    encode<<<(unsigned)((e->rows + e->set_rows - 1) / e->set_rows), THREADS, 0, stream>>>(*e);
    return cudaGetLastError();
}
