/* SPDX-License-Identifier: Apache-2.0 */
/* leads.cu - floors from a few rows of the other side: the r-th best of their float sums, less what these may be off
 * by. */
#include "device.cuh"

enum { TILE = 64, STEP = 16, THREADS = 256, EACH = 4, LEADS_OF_LANE = LK_DEVICE_MAX_LEADS / 32 };

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

/* A warp finds the r-th largest of a row of the matrix, bit by bit: the largest number that r values reach. */
static __global__ void select_rth(float *out, const float *matrix, unsigned n, unsigned n_leads, unsigned r,
                                  float slack)
{
    unsigned row = (blockIdx.x * blockDim.x + threadIdx.x) / 32, lane = threadIdx.x % 32;
    if (row >= n)
        return;
    unsigned values[LEADS_OF_LANE], reached = 0;
#pragma unroll
    for (int i = 0; i < LEADS_OF_LANE; i++) {
        unsigned j = 32 * i + lane;
        values[i] = j < n_leads ? (unsigned)key_of(matrix[(size_t)row * n_leads + j]) ^ 0x80000000u : 0;
    }
    for (int bit = 31; bit >= 0; bit--) {
        unsigned wanted = reached | 1u << bit, count = 0;
#pragma unroll
        for (int i = 0; i < LEADS_OF_LANE; i++)
            count += values[i] >= wanted;
        if (__reduce_add_sync(~0u, count) >= r)
            reached = wanted;
    }
    if (lane == 0)
        out[row] = __fsub_rd(score_of((int)(reached ^ 0x80000000u)), slack);
}

static __global__ void fill(float *out, float value, unsigned n)
{
    unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n)
        out[i] = value;
}

cudaError_t leads_launch(float *out, float *matrix, const float *rows, unsigned n, const float *leads,
                         unsigned n_leads, size_t stride, unsigned r, float slack, cudaStream_t stream)
{
    if (r > n_leads) {
        fill<<<(n + 255) / 256, 256, 0, stream>>>(out, -INFINITY, n);
        return cudaGetLastError();
    }
    dim3 grid((n + TILE - 1) / TILE, (n_leads + TILE - 1) / TILE);
    products<<<grid, THREADS, 0, stream>>>(matrix, rows, n, leads, n_leads, stride);
    select_rth<<<(n + 7) / 8, 256, 0, stream>>>(out, matrix, n, n_leads, r, slack);
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
