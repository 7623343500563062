/* SPDX-License-Identifier: Apache-2.0 */
/* leads.cu - floors from scores that are known: the r-th best float sum with a few rows of the other side, and the r-th best
 * class of references, less what the sums may be off by. */
#include "device.cuh"

enum {
    TILE = 64,
    STEP = 16,
    THREADS = 256,
    EACH = 4,
    LEADS_OF_LANE = LK_DEVICE_MAX_LEADS / 32,
    CLASSES_OF_LANE = LK_DEVICE_CLASSES / 32,
};

/* matrix[i * n_leads + j]: products of rows and leads, 64 x 64 by a block of threads, 4 x 4 by a thread. Each sum is of
 * one lane, in order of the coordinates. */
static __global__ void __launch_bounds__(THREADS)
    products(float *matrix, const float *rows, unsigned n, const float *leads, unsigned n_leads, size_t stride)
{
    __shared__ float x[STEP][TILE + 4], y[STEP][TILE + 4];
    unsigned row = blockIdx.x * TILE, lead = blockIdx.y * TILE, i = threadIdx.x % 16, j = threadIdx.x / 16;
    float sums[EACH][EACH] = {};
    unsigned from = threadIdx.x / 4, part = threadIdx.x % 4 * 4; /* what this thread fetches */
    for (size_t k = 0; k < stride; k += STEP) {
        float4 zero = {}, a = zero, b = zero;
        if (row + from < n && k + part < stride)
            a = *(const float4 *)(rows + (size_t)(row + from) * stride + k + part);
        if (lead + from < n_leads && k + part < stride)
            b = *(const float4 *)(leads + (size_t)(lead + from) * stride + k + part);
        __syncthreads();
        x[part][from] = a.x, x[part + 1][from] = a.y, x[part + 2][from] = a.z, x[part + 3][from] = a.w;
        y[part][from] = b.x, y[part + 1][from] = b.y, y[part + 2][from] = b.z, y[part + 3][from] = b.w;
        __syncthreads();
#pragma unroll
        for (int s = 0; s < STEP; s++) {
            float4 p = *(const float4 *)&x[s][EACH * i], q = *(const float4 *)&y[s][EACH * j];
            const float px[EACH] = {p.x, p.y, p.z, p.w}, qy[EACH] = {q.x, q.y, q.z, q.w};
#pragma unroll
            for (int a2 = 0; a2 < EACH; a2++)
#pragma unroll
                for (int b2 = 0; b2 < EACH; b2++)
                    sums[a2][b2] = fmaf(px[a2], qy[b2], sums[a2][b2]);
        }
    }
    for (int a2 = 0; a2 < EACH; a2++)
        for (int b2 = 0; b2 < EACH; b2++)
            if (row + EACH * i + a2 < n && lead + EACH * j + b2 < n_leads)
                matrix[(size_t)(row + EACH * i + a2) * n_leads + lead + EACH * j + b2] = sums[a2][b2];
}

static __device__ unsigned row_of_warp()
{
    return (blockIdx.x * blockDim.x + threadIdx.x) / 32;
}

/* The r-th largest of the numbers that a warp holds, bit by bit: the largest number that r values reach. Keys without their
 * sign, in the order of unsigned numbers; 0 = none. */
template <int N> static __device__ unsigned rth_of(const unsigned (&values)[N], unsigned r)
{
    unsigned reached = 0;
    for (int bit = 31; bit >= 0; bit--) {
        unsigned wanted = reached | 1u << bit, count = 0;
#pragma unroll
        for (int i = 0; i < N; i++)
            count += values[i] >= wanted;
        if (__reduce_add_sync(~0u, count) >= r)
            reached = wanted;
    }
    return reached;
}

static __device__ unsigned unsign(int key)
{
    return (unsigned)key ^ 0x80000000u;
}

static __device__ float surely(unsigned reached, float slack)
{
    return reached > 0 ? __fsub_rd(score_of((int)(reached ^ 0x80000000u)), slack) : -INFINITY;
}

/* A row of the matrix; the best of each class goes to `seen`. */
static __global__ void select_lead(float *out, int *seen, const float *matrix, unsigned n, unsigned n_leads, unsigned r,
                                   float slack)
{
    unsigned row = row_of_warp(), lane = threadIdx.x % 32;
    if (row >= n)
        return;
    unsigned values[LEADS_OF_LANE], classes[CLASSES_OF_LANE] = {};
#pragma unroll
    for (int i = 0; i < LEADS_OF_LANE; i++) {
        unsigned j = 32 * i + lane;
        values[i] = j < n_leads ? unsign(key_of(matrix[(size_t)row * n_leads + j])) : 0;
        classes[i % CLASSES_OF_LANE] = max(classes[i % CLASSES_OF_LANE], values[i]);
    }
    for (int i = 0; seen != nullptr && i < CLASSES_OF_LANE; i++)
        seen[(size_t)row * LK_DEVICE_CLASSES + 32 * i + lane] = (int)(classes[i] ^ 0x80000000u);
    unsigned reached = rth_of(values, r);
    if (lane == 0)
        out[row] = surely(reached, slack);
}

static __global__ void select_class(float *out, const int *seen, unsigned n, unsigned r, float slack)
{
    unsigned row = row_of_warp(), lane = threadIdx.x % 32;
    if (row >= n)
        return;
    unsigned values[CLASSES_OF_LANE];
#pragma unroll
    for (int i = 0; i < CLASSES_OF_LANE; i++)
        values[i] = unsign(seen[(size_t)row * LK_DEVICE_CLASSES + 32 * i + lane]);
    unsigned reached = rth_of(values, r);
    if (lane == 0)
        out[row] = fmaxf(out[row], surely(reached, slack));
}

cudaError_t raise_launch(float *out, const int *seen, unsigned n, unsigned r, float slack, cudaStream_t stream)
{
    if (r <= LK_DEVICE_CLASSES)
        select_class<<<(n + 7) / 8, 256, 0, stream>>>(out, seen, n, r, slack);
    return cudaGetLastError();
}

cudaError_t leads_launch(float *out, float *matrix, int *seen, const float *rows, unsigned n, const float *leads,
                         unsigned n_leads, size_t stride, unsigned r, float slack, cudaStream_t stream)
{
    dim3 grid((n + TILE - 1) / TILE, (n_leads + TILE - 1) / TILE);
    products<<<grid, THREADS, 0, stream>>>(matrix, rows, n, leads, n_leads, stride);
    select_lead<<<(n + 7) / 8, 256, 0, stream>>>(out, seen, matrix, n, n_leads, r, slack);
    return cudaGetLastError();
}

static __global__ void to_keys(int *keys, const float *scores, unsigned n)
{
    unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n)
        keys[i] = key_of(scores[i]);
}

cudaError_t keys_launch(int *keys, const float *scores, unsigned n, cudaStream_t stream)
{
    to_keys<<<(n + 255) / 256, 256, 0, stream>>>(keys, scores, n);
    return cudaGetLastError();
}
