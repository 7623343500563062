/* SPDX-License-Identifier: Apache-2.0 */
/* score.cu - nominated pairs are sifted by a float sum; what is left of them is scored by the definition. */
#include "device.cuh"

enum { SIFT_THREADS = 256, SCORE_THREADS = 256, SCORE_BLOCKS = 1056, TOGETHER = 4 };

static __global__ void floors(float *out, const float *list_floors, const float *lead_floors, float floor, unsigned n)
{
    unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n)
        out[i] = fminf(fmaxf(list_floors[i], lead_floors[i]), floor);
}

cudaError_t floors_launch(float *out, const float *list_floors, const float *lead_floors, float floor, unsigned n,
                          cudaStream_t stream)
{
    floors<<<(n + 255) / 256, 256, 0, stream>>>(out, list_floors, lead_floors, floor, n);
    return cudaGetLastError();
}

static __device__ float needed(const float *floors, const int *best, nominee pair)
{
    return fminf(floors[pair.x], score_of(best[pair.y]));
}

/* Places for what the threads of a warp have, in an array of `room`: only one of them asks. Behind the array is no
 * place, but they are counted. */
static __device__ unsigned place(unsigned *n, bool has)
{
    unsigned warp = __activemask(), all = __ballot_sync(warp, has), lane = threadIdx.x % 32, first = 0;
    if (all == 0)
        return 0;
    if (lane == __ffs(warp) - 1)
        first = atomicAdd(n, __popc(all));
    first = __shfl_sync(warp, first, __ffs(warp) - 1);
    return first + __popc(all & ((1u << lane) - 1));
}

/* ---- a warp takes 32 pairs, and all its threads add up the products of a few of them at a time -------------- */

/* T float: sums in 32 lanes, as LK_DOT_FLOAT_ERROR has them. Behind a row's numbers are zeros. */
template <class T>
static __device__ void add_products(T (&sums)[TOGETHER], const row_args &rows, const nominee (&pairs)[TOGETHER])
{
    unsigned lane = threadIdx.x % 32;
#pragma unroll
    for (int i = 0; i < TOGETHER; i++)
        sums[i] = 0;
    for (size_t k = 4 * lane; k < rows.stride; k += 128)
#pragma unroll
        for (int i = 0; i < TOGETHER; i++) {
            float4 x = *(const float4 *)(rows.probes + pairs[i].x * rows.stride + k);
            float4 y = *(const float4 *)(rows.references + pairs[i].y * rows.stride + k);
            sums[i] = fma((T)x.x, (T)y.x, fma((T)x.y, (T)y.y, fma((T)x.z, (T)y.z, fma((T)x.w, (T)y.w, sums[i]))));
        }
    for (int step = 16; step > 0; step /= 2)
#pragma unroll
        for (int i = 0; i < TOGETHER; i++)
            sums[i] += __shfl_xor_sync(~0u, sums[i], step);
}

/* The sum of this thread's pair; n of the warp's threads have one. */
template <class T> static __device__ T add_pair(const row_args &rows, nominee mine, unsigned n)
{
    T sum = 0;
    for (unsigned i = 0; i < n; i += TOGETHER) {
        nominee pairs[TOGETHER];
        T sums[TOGETHER];
#pragma unroll
        for (int j = 0; j < TOGETHER; j++)
            pairs[j] = {__shfl_sync(~0u, mine.x, i + j), __shfl_sync(~0u, mine.y, i + j)};
        add_products(sums, rows, pairs);
#pragma unroll
        for (int j = 0; j < TOGETHER; j++)
            if (threadIdx.x % 32 == i + j)
                sum = sums[j];
    }
    return sum;
}

static __global__ void __launch_bounds__(SIFT_THREADS) sift(scan_args scan, row_args rows, nominee *kept, tally *t)
{
    unsigned count = scan.counts[blockIdx.x], lane = threadIdx.x % 32;
    const nominee *nominated = scan.nominated + (size_t)blockIdx.x * scan.room;
    if (threadIdx.x == 0)
        atomicAdd(&t->nominated, count);
    if (count > scan.room) { /* the job will be cut, whatever is found */
        if (threadIdx.x == 0)
            atomicAdd(&t->overflows, 1);
        return;
    }
    for (unsigned first = threadIdx.x / 32 * 32; first < count; first += SIFT_THREADS) {
        unsigned n = count - first < 32 ? count - first : 32;
        nominee mine = nominated[lane < n ? first + lane : first];
        bool there = lane < n && mine.x != NOBODY;
        mine = there ? mine : make_uint2(0, 0);
        float sum = add_pair<float>(rows, mine, n);
        bool keeps = there && (double)sum + rows.float_slack >= (double)needed(scan.floors, scan.best, mine);
        unsigned at = place(&t->kept, keeps);
        if (keeps && at < KEPT_ROOM)
            kept[at] = mine;
    }
}

cudaError_t sift_launch(const struct scan_args *scan, unsigned slices, const struct row_args *rows, nominee *kept,
                        struct tally *t, cudaStream_t stream)
{
    sift<<<slices, SIFT_THREADS, 0, stream>>>(*scan, *rows, kept, t);
    return cudaGetLastError();
}

/* ---- scoring ----------------------------------------------------------------------------------------------- */

/* lk_score: products of floats are exact in double, so fused additions give the same bits. */
static __device__ float score_in_order(const float *x, const float *y, size_t dim)
{
    double sum = 0;
    for (size_t k = 0; k < dim; k++)
        sum = fma((double)x[k], (double)y[k], sum);
    return (float)sum + 0.0f;
}

/* A sum in any order is so near to that in order that nearly always both are rounded to the same float. */
static __device__ float score_pair(const row_args &rows, nominee pair, double sum)
{
    float least = (float)(sum - rows.sum_slack), most = (float)(sum + rows.sum_slack);
    if (least == most)
        return least + 0.0f;
    return score_in_order(rows.probes + pair.x * rows.stride, rows.references + pair.y * rows.stride, rows.dim);
}

static __global__ void __launch_bounds__(SCORE_THREADS)
    score(const nominee *kept, row_args rows, const float *floors, int *best, lk_device_pair *found, tally *t)
{
    unsigned all = t->kept < KEPT_ROOM ? t->kept : KEPT_ROOM, lane = threadIdx.x % 32;
    for (unsigned first = blockIdx.x * SCORE_THREADS + threadIdx.x / 32 * 32; first < all; first += gridDim.x * SCORE_THREADS) {
        unsigned n = all - first < 32 ? all - first : 32;
        nominee pair = kept[lane < n ? first + lane : first];
        double sum = add_pair<double>(rows, pair, n);
        float s = score_pair(rows, pair, sum);
        bool has = lane < n && s >= needed(floors, best, pair);
        unsigned at = place(&t->found, has);
        if (!has)
            continue;
        atomicMax(&best[pair.y], key_of(s));
        if (at < FOUND_ROOM)
            found[at] = {pair.x, pair.y, s};
    }
}

cudaError_t score_launch(const nominee *kept, const struct row_args *rows, const float *floors, int *best,
                         struct lk_device_pair *found, struct tally *t, cudaStream_t stream)
{
    score<<<SCORE_BLOCKS, SCORE_THREADS, 0, stream>>>(kept, *rows, floors, best, found, t);
    return cudaGetLastError();
}
