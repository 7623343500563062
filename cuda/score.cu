/* SPDX-License-Identifier: Apache-2.0 */
/* score.cu - nominated pairs are scored by the definition.
 *
 * The lists of a scan are taken as one, and divided evenly over blocks of threads: rows of a dataset lie by person, so the
 * probes of one half of a tile may have many times the pairs of another. A block keeps the rows of the probes of its lists in
 * shared memory, and fetches those of the references. */
#include "device.cuh"

enum {
    THREADS = 512,
    WARPS = THREADS / 32,
    TOGETHER = 8, /* pairs that a warp has in hand */
    LEAST = 1024, /* pairs for a block of threads, about: fetching the rows of the probes should be worth while */
    KEEP_THREADS = 256,
    KEEP_BLOCKS = 128,
    OWN_SHARED = 1024, /* bytes, about: what the kernel has beside what it asks for */
};

static __global__ void floors(float *out, const float *list_floors, const float *known_floors, float floor, unsigned n)
{
    unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n)
        out[i] = fminf(fmaxf(list_floors[i], known_floors[i]), floor);
}

cudaError_t floors_launch(float *out, const float *list_floors, const float *known_floors, float floor, unsigned n,
                          cudaStream_t stream)
{
    floors<<<(n + 255) / 256, 256, 0, stream>>>(out, list_floors, known_floors, floor, n);
    return cudaGetLastError();
}

/* Places for what the threads of a warp have; only one of them asks. They are counted whether there is room or not. */
static __device__ unsigned place(unsigned *n, bool has)
{
    unsigned all = __ballot_sync(~0u, has), lane = threadIdx.x % 32, first = 0;
    if (all == 0)
        return 0;
    if (lane == 0)
        first = atomicAdd(n, __popc(all));
    return __shfl_sync(~0u, first, 0) + __popc(all & ((1u << lane) - 1));
}

/* ---- the lists as one ---------------------------------------------------------------------------------------- */

/* starts[i]: pairs of the lists before list i, for n lists and the end. Lists with more than they have room for count as
 * empty: the job will be cut, whatever is found. */
static __device__ void count_lists(unsigned *starts, const scan_args &scan, unsigned n, tally *t)
{
    __shared__ unsigned of_warp[WARPS];
    unsigned each = (n + THREADS - 1) / THREADS, first = threadIdx.x * each, lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    unsigned mine = 0, overflows = 0;
    for (unsigned i = first; i < first + each && i < n; i++) {
        unsigned count = scan.counts[i];
        overflows += count > scan.room;
        mine += count > scan.room ? 0 : count;
    }
    unsigned before = mine;
    for (unsigned step = 1; step < 32; step *= 2) {
        unsigned other = __shfl_up_sync(~0u, before, step);
        before += lane >= step ? other : 0;
    }
    if (lane == 31)
        of_warp[warp] = before;
    __syncthreads();
    before -= mine;
    for (unsigned w = 0; w < warp; w++)
        before += of_warp[w];
    for (unsigned i = first; i < first + each && i < n; i++) {
        starts[i] = before;
        before += scan.counts[i] > scan.room ? 0 : scan.counts[i];
    }
    if (threadIdx.x == THREADS - 1) {
        starts[n] = before;
        if (blockIdx.x == 0)
            atomicAdd(&t->nominated, before);
    }
    if (overflows > 0 && blockIdx.x == 0)
        atomicAdd(&t->overflows, overflows);
    __syncthreads();
}

/* The list that holds pair `at` of all. */
static __device__ unsigned list_at(const unsigned *starts, unsigned n, unsigned at)
{
    unsigned low = 0, high = n;
    while (high - low > 1) {
        unsigned middle = (low + high) / 2;
        (starts[middle] <= at ? low : high) = middle;
    }
    return low;
}

/* ---- rows ---------------------------------------------------------------------------------------------------- */

/* The rows of the probes of one half of a tile: row i is the block's probe number first + i. HELD: in shared memory; those
 * that are not the block's are zeros there. */
template <bool HELD> struct half_tile {
    float4 *held;
    const float4 *probes;
    unsigned width;
    int first;

    __device__ void take(const scan_args &scan, const row_args &rows, unsigned half)
    {
        first = (int)(half * LK_DEVICE_PROBE_SET) - (int)(scan.first_probe % SCAN_PROBES);
        probes = (const float4 *)rows.probes;
        width = (unsigned)(rows.stride / 4);
        for (unsigned i = threadIdx.x; HELD && i < LK_DEVICE_PROBE_SET * width; i += THREADS) {
            int probe = first + (int)(i / width);
            held[i] = probe >= 0 && probe < (int)scan.n_probes ? probes[(size_t)probe * width + i % width]
                                                               : make_float4(0, 0, 0, 0);
        }
    }
    /* Without a probe any row will do. */
    __device__ unsigned row(unsigned probe, bool there) const
    {
        return !there ? 0 : HELD ? probe - first : probe;
    }
    __device__ const float4 *at(unsigned row) const
    {
        return (HELD ? held : probes) + (size_t)row * width;
    }
};

/* ---- all threads of a warp add up the products of a few pairs at a time --------------------------------------- */

/* Behind a row's numbers are zeros. Sums in any order: score_pair. */
static __device__ void add_products(double (&sums)[TOGETHER], const float4 *const (&x)[TOGETHER],
                                    const float4 *const (&y)[TOGETHER], unsigned width)
{
#pragma unroll
    for (int i = 0; i < TOGETHER; i++)
        sums[i] = 0;
#pragma unroll 2
    for (unsigned k = threadIdx.x % 32; k < width; k += 32) {
        float4 a[TOGETHER], b[TOGETHER];
#pragma unroll
        for (int i = 0; i < TOGETHER; i++) {
            b[i] = __ldg(y[i] + k);
            a[i] = x[i][k];
        }
#pragma unroll
        for (int i = 0; i < TOGETHER; i++)
            sums[i] = fma((double)a[i].x, (double)b[i].x,
                          fma((double)a[i].y, (double)b[i].y,
                              fma((double)a[i].z, (double)b[i].z, fma((double)a[i].w, (double)b[i].w, sums[i]))));
    }
    for (int step = 16; step > 0; step /= 2)
#pragma unroll
        for (int i = 0; i < TOGETHER; i++)
            sums[i] += __shfl_xor_sync(~0u, sums[i], step);
}

/* The sum of this thread's pair; n of the warp's threads have one. */
template <bool HELD>
static __device__ double add_pair(const half_tile<HELD> &probes, const row_args &rows, unsigned row, unsigned reference, unsigned n)
{
    double sum = 0;
    for (unsigned i = 0; i < n; i += TOGETHER) {
        const float4 *x[TOGETHER], *y[TOGETHER];
        double sums[TOGETHER];
#pragma unroll
        for (int j = 0; j < TOGETHER; j++) {
            x[j] = probes.at(__shfl_sync(~0u, row, i + j));
            y[j] = (const float4 *)rows.references + (size_t)__shfl_sync(~0u, reference, i + j) * probes.width;
        }
        add_products(sums, x, y, probes.width);
#pragma unroll
        for (int j = 0; j < TOGETHER; j++)
            if (threadIdx.x % 32 == i + j)
                sum = sums[j];
    }
    return sum;
}

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

static __device__ float needed(const float *floors, const int *best, unsigned probe, unsigned reference)
{
    return fminf(floors[probe], score_of(best[reference]));
}

/* A pair for each thread of a warp that has one: of n, all of one half of a tile. */
template <bool HELD>
static __device__ void score_pairs(const scan_args &scan, const row_args &rows, const known &known, const half_tile<HELD> &probes,
                                   nominee pair, unsigned n, lk_device_pair *found, tally *t)
{
    bool there = threadIdx.x % 32 < n && pair.x != NOBODY;
    double sum = add_pair<HELD>(probes, rows, probes.row(pair.x, there), there ? pair.y : 0, n);
    float score = there ? score_pair(rows, pair, sum) : 0;
    bool has = there && score >= needed(scan.floors, known.best, pair.x, pair.y);
    __syncwarp();
    unsigned at = place(&t->found, has);
    if (!has)
        return;
    atomicMax(&known.best[pair.y], key_of(score));
    atomicMax(&known.seen[pair.x * LK_DEVICE_CLASSES + known.classes[pair.y]], key_of(score));
    if (at < FOUND_ROOM)
        found[at] = {pair.x, pair.y, score};
}

template <bool HELD>
static __global__ void __launch_bounds__(THREADS, 1)
    score(const __grid_constant__ scan_args scan, unsigned slices, unsigned lists, const __grid_constant__ row_args rows,
          const __grid_constant__ known known, lk_device_pair *found, tally *t)
{
    extern __shared__ float4 held[];
    unsigned *starts = (unsigned *)(held + (HELD ? LK_DEVICE_PROBE_SET * rows.stride / 4 : 0));
    unsigned lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    half_tile<HELD> probes;
    probes.held = held;
    count_lists(starts, scan, lists, t);
    unsigned long long all = starts[lists];
    unsigned blocks = min(gridDim.x, (unsigned)(all / LEAST + 1));
    if (blockIdx.x >= blocks)
        return;
    unsigned from = (unsigned)(all * blockIdx.x / blocks), to = (unsigned)(all * (blockIdx.x + 1) / blocks), end;
    for (; from < to; from = end) { /* a half of a tile, or what falls to this block of it */
        unsigned half = list_at(starts, lists, from) / slices;
        end = starts[(half + 1) * slices] < to ? starts[(half + 1) * slices] : to;
        probes.take(scan, rows, half);
        __syncthreads();
        unsigned share = (end - from + WARPS - 1) / WARPS, first = from + warp * share;
        unsigned last = first + share < end ? first + share : end;
        for (; first < last; first += 32) {
            unsigned n = last - first < 32 ? last - first : 32, mine = first + (lane < n ? lane : 0);
            unsigned list = list_at(starts, lists, mine);
            nominee pair = scan.nominated[(size_t)list * scan.room + mine - starts[list]];
            score_pairs<HELD>(scan, rows, known, probes, pair, n, found, t);
        }
        __syncthreads();
    }
}

cudaError_t score_setup(size_t limit)
{
    int most = (int)limit - OWN_SHARED;
    cudaError_t error = cudaFuncSetAttribute(score<true>, cudaFuncAttributeMaxDynamicSharedMemorySize, most);
    return error == cudaSuccess ? cudaFuncSetAttribute(score<false>, cudaFuncAttributeMaxDynamicSharedMemorySize, most) : error;
}

cudaError_t score_launch(const struct scan_args *scan, dim3 grid, const struct row_args *rows, const struct abilities *device,
                         const struct known *known, struct lk_device_pair *found, struct tally *t, cudaStream_t stream)
{
    unsigned lists = grid.x * SCAN_LISTS * grid.y;
    size_t starts = (lists + 1) * sizeof(unsigned), held = LK_DEVICE_PROBE_SET * rows->stride * sizeof(float);
    if (held + starts <= device->shared_limit - OWN_SHARED)
        score<true><<<device->processors, THREADS, held + starts, stream>>>(*scan, grid.y, lists, *rows, *known, found, t);
    else
        score<false><<<device->processors, THREADS, starts, stream>>>(*scan, grid.y, lists, *rows, *known, found, t);
    return cudaGetLastError();
}

/* ---- the end of a job ------------------------------------------------------------------------------------------ */

static __global__ void keep(lk_device_pair *kept, const lk_device_pair *found, const float *floors, const int *best, tally *t)
{
    unsigned n = t->found < FOUND_ROOM ? t->found : FOUND_ROOM, lane = threadIdx.x % 32;
    for (unsigned first = blockIdx.x * KEEP_THREADS + threadIdx.x / 32 * 32; first < n; first += gridDim.x * KEEP_THREADS) {
        lk_device_pair pair = found[first + lane < n ? first + lane : first];
        bool keeps = first + lane < n && pair.score >= needed(floors, best, pair.probe, pair.reference);
        unsigned at = place(&t->kept, keeps);
        if (keeps && at < KEPT_ROOM)
            kept[at] = pair;
    }
}

cudaError_t keep_launch(struct lk_device_pair *kept, const struct lk_device_pair *found, const float *floors, const int *best,
                        struct tally *t, cudaStream_t stream)
{
    keep<<<KEEP_BLOCKS, KEEP_THREADS, 0, stream>>>(kept, found, floors, best, t);
    return cudaGetLastError();
}
