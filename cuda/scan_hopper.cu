/* SPDX-License-Identifier: Apache-2.0 */
/* scan_hopper.cu - nominates pairs: codes are multiplied on the tensor cores, and the sums compared with floors in the
 * registers where they arise; by instructions that Hopper alone has.
 *
 * A block of threads keeps the codes of 128 probes in shared memory and walks over panels of 128 references. One thread
 * fetches panels, 128 coordinates at a time, into a ring of stages; two groups of four warps multiply 64 probes each.
 * A group has room for the sums of two panels: while those of one are multiplied, those of the other are compared. Only
 * the few pairs whose sum reaches a floor are written. */
#include "compare.cuh"
#include "wgmma.cuh"

enum {
    THREADS = GROUP * (GROUPS + 1),
    WARPS = GROUPS * GROUP / 32,
    PROBE_CHUNK = SCAN_PROBES * SCAN_CHUNK, /* bytes */
    STAGE = SCAN_REFERENCES * SCAN_CHUNK,
    MOST_STAGES = 10,
    SHARED_LIMIT = 227 << 10,
};

struct rest_of_shared {
    needs_of_block block;
    uint64_t full[MOST_STAGES], empty[MOST_STAGES], probes;
};

/* As many stages as fit: at least those of two panels, which are multiplied at a time. */
static size_t shared_bytes(unsigned chunks, unsigned *stages)
{
    size_t fixed = (size_t)chunks * PROBE_CHUNK + sizeof(struct rest_of_shared);
    size_t n = (SHARED_LIMIT - fixed) / STAGE, most = MOST_STAGES;
    *stages = (unsigned)(n < most ? n : most);
    return fixed + *stages * (size_t)STAGE;
}

struct ring {
    unsigned stages, at, turn;

    __device__ void next()
    {
        if (++at == stages) {
            at = 0;
            turn ^= 1;
        }
    }
};

/* ---- one thread fetches ---------------------------------------------------------------------------------- */

[[maybe_unused]] static __device__ void fetch(const CUtensorMap *x_map, const CUtensorMap *y_map, const scan_args &a, uint8_t *probes,
                                              uint8_t *stages, rest_of_shared *rest, unsigned first_row)
{
    barrier_expect(&rest->probes, a.chunks * PROBE_CHUNK);
    for (unsigned c = 0; c < a.chunks; c++)
        copy_box(probes + c * PROBE_CHUNK, x_map, c * SCAN_CHUNK, first_row, &rest->probes);
    ring r = {a.stages, 0, 0};
    for (unsigned long long n = blockIdx.y; n < a.n_panels; n += gridDim.y) {
        unsigned row = (unsigned)(panel_of(a, n) * SCAN_REFERENCES);
        for (unsigned c = 0; c < a.chunks; c++, r.next()) {
            barrier_wait(&rest->empty[r.at], r.turn ^ 1);
            barrier_expect(&rest->full[r.at], STAGE);
            copy_box(stages + r.at * STAGE, y_map, c * SCAN_CHUNK, row, &rest->full[r.at]);
        }
    }
}

/* ---- two groups multiply and compare ----------------------------------------------------------------------- */

/* Begins to multiply the next panel's codes. */
template <int CHUNKS>
static __device__ void multiply_panel(const consumer &me, rest_of_shared *rest, const uint8_t *probes,
                                      const uint8_t *stages, ring &next, int (&sums)[SUMS])
{
#pragma unroll
    for (int c = 0; c < CHUNKS; c++) {
        barrier_wait(&rest->full[next.at], next.turn);
        products_begin();
        uint64_t x = matrix_of(probes + c * PROBE_CHUNK + me.group * (GROUP_PROBES * SCAN_CHUNK));
        uint64_t y = matrix_of(stages + next.at * STAGE);
#pragma unroll
        for (int k = 0; k < SCAN_CHUNK / 32; k++)
            multiply(sums, x + 2 * k, y + 2 * k, c > 0 || k > 0);
        next.next();
    }
    products_commit();
}

/* Gives back the stages of the oldest panel, when its products are there. */
template <int CHUNKS> static __device__ void give_back(const consumer &me, rest_of_shared *rest, ring &oldest)
{
    for (int c = 0; c < CHUNKS; c++, oldest.next())
        if (me.lane == 0)
            barrier_arrive(&rest->empty[oldest.at]);
}

/* While one panel is compared, the next is multiplied. */
template <int CHUNKS>
static __device__ void consume(const scan_args &a, const consumer &me, const uint8_t *probes, const uint8_t *stages,
                               rest_of_shared *rest)
{
    ring next = {a.stages, 0, 0}, oldest = next;
    int even[SUMS], odd[SUMS];
    unsigned long long n = blockIdx.y, step = gridDim.y; /* there are as many panels as slices, or more */
    barrier_wait(&rest->probes, 0);
    panel p = panel_at(a, me, n), q;
    multiply_panel<CHUNKS>(me, rest, probes, stages, next, even);
    for (; n + 2 * step < a.n_panels; n += 2 * step) {
        q = panel_at(a, me, n + step);
        multiply_panel<CHUNKS>(me, rest, probes, stages, next, odd);
        products_wait<1>();
        give_back<CHUNKS>(me, rest, oldest);
        compare(a, me, &rest->block, even, p, 0);
        p = panel_at(a, me, n + 2 * step);
        multiply_panel<CHUNKS>(me, rest, probes, stages, next, even);
        products_wait<1>();
        give_back<CHUNKS>(me, rest, oldest);
        compare(a, me, &rest->block, odd, q, 1);
    }
    if (n + step < a.n_panels) {
        q = panel_at(a, me, n + step);
        multiply_panel<CHUNKS>(me, rest, probes, stages, next, odd);
        products_wait<0>();
        compare(a, me, &rest->block, even, p, 0);
        compare(a, me, &rest->block, odd, q, 1);
    } else {
        products_wait<0>();
        compare(a, me, &rest->block, even, p, 0);
    }
}

template <int CHUNKS>
static __global__ void __launch_bounds__(THREADS, 1)
    scan(const __grid_constant__ CUtensorMap x_map, const __grid_constant__ CUtensorMap y_map,
         const __grid_constant__ scan_args a)
{
#if !defined(__CUDA_ARCH__) || defined(__CUDA_ARCH_FEAT_SM90_ALL) /* other devices are given scan_ampere.cu */
    extern __shared__ __align__(1024) uint8_t probes[];
    uint8_t *stages = probes + CHUNKS * PROBE_CHUNK;
    rest_of_shared *rest = (rest_of_shared *)(stages + a.stages * STAGE);
    if (threadIdx.x < GROUPS)
        rest->block.counts[threadIdx.x] = 0;
    if (threadIdx.x == 0) {
        for (unsigned s = 0; s < a.stages; s++) {
            barrier_init(&rest->full[s], 1);
            barrier_init(&rest->empty[s], WARPS);
        }
        barrier_init(&rest->probes, 1);
        barriers_made();
    }
    __syncthreads();
    unsigned long long first_row = first_row_of_tile(a);
    if (threadIdx.x < GROUP) {
        registers_fewer<40>();
        if (threadIdx.x == 0)
            fetch(&x_map, &y_map, a, probes, stages, rest, (unsigned)first_row);
    } else {
        registers_more<232>();
        consume<CHUNKS>(a, consumer_of(a, threadIdx.x - GROUP, first_row), probes, stages, rest);
    }
    __syncthreads();
    if (threadIdx.x < GROUPS)
        a.counts[list_of(threadIdx.x)] = rest->block.counts[threadIdx.x];
#endif
}

typedef void scan_kernel(const CUtensorMap, const CUtensorMap, const scan_args);

/* Of 1 to LK_DEVICE_MAX_DEPTH / SCAN_CHUNK chunks. */
static scan_kernel *const kernels[] = {scan<1>, scan<2>, scan<3>, scan<4>};
static_assert(sizeof kernels / sizeof *kernels == LK_DEVICE_MAX_DEPTH / SCAN_CHUNK, "a kernel for every depth");

cudaError_t scan_hopper_setup(void)
{
    for (scan_kernel *kernel : kernels) {
        cudaError_t error = cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, SHARED_LIMIT);
        if (error != cudaSuccess)
            return error;
    }
    return cudaSuccess;
}

cudaError_t scan_hopper_launch(const CUtensorMap *probes, const CUtensorMap *references, const struct scan_args *args,
                               dim3 grid, cudaStream_t stream)
{
    scan_args a = *args;
    size_t bytes = shared_bytes(args->chunks, &a.stages);
    kernels[a.chunks - 1]<<<grid, THREADS, bytes, stream>>>(*probes, *references, a);
    return cudaGetLastError();
}
