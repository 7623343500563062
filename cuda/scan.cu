/* SPDX-License-Identifier: Apache-2.0 */
/* scan.cu - nominates pairs: codes are multiplied on the tensor cores, and the sums compared with floors in the
 * registers where they arise.
 *
 * A block of threads keeps the codes of 128 probes in shared memory and walks over panels of 128 references. One thread
 * fetches panels, 128 coordinates at a time, into a ring of stages; two groups of four warps multiply 64 probes each.
 * A group has room for the sums of two panels: while those of one are multiplied, those of the other are compared. Only
 * the few pairs whose sum reaches a floor are written. */
#include <climits>

#include "device.cuh"
#include "wgmma.cuh"

enum {
    GROUP = 128, /* threads that multiply together */
    GROUPS = SCAN_LISTS,
    THREADS = GROUP * (GROUPS + 1),
    GROUP_PROBES = SCAN_PROBES / GROUPS,
    WARPS = GROUPS * GROUP / 32,
    SUMS = GROUP_PROBES * SCAN_REFERENCES / GROUP, /* of a thread and a panel */
    PARTS = 4,                                     /* of these, that are tested at once */
    PROBE_CHUNK = SCAN_PROBES * SCAN_CHUNK,        /* bytes */
    STAGE = SCAN_REFERENCES * SCAN_CHUNK,
    MOST_STAGES = 10,
    SHARED_LIMIT = 227 << 10,
};
static_assert((int)GROUP == (int)SCAN_REFERENCES, "a thread looks after one reference of a panel");
static_assert((int)GROUP_PROBES == (int)LK_DEVICE_PROBE_SET && (int)SCAN_REFERENCES == (int)LK_DEVICE_REFERENCE_SET,
              "a group and a panel have one bound");

struct rest_of_shared {
    int reference_needs[GROUPS][2][SCAN_REFERENCES]; /* of two panels in turn; less than zero: to be added to a sum */
    uint64_t full[MOST_STAGES], empty[MOST_STAGES], probes;
    unsigned counts[GROUPS];
};

/* As many stages as fit: at least those of two panels, which are multiplied at a time. */
static size_t shared_bytes(unsigned chunks, unsigned *stages)
{
    size_t fixed = (size_t)chunks * PROBE_CHUNK + sizeof(struct rest_of_shared);
    size_t n = (SHARED_LIMIT - fixed) / STAGE, most = MOST_STAGES;
    *stages = (unsigned)(n < most ? n : most);
    return fixed + *stages * (size_t)STAGE;
}

/* The bound of bound.h for two sets of rows, in the same order of the same operations. */
struct bound {
    float allowance, per_unit;
};

static __device__ bound bound_of(float x_scale, float x_error, float x_rest, float y_scale, float y_error, float y_rest,
                                 float reach, float slack)
{
    float scale = __fmul_rn(x_scale, y_scale);
    float allowance = __fadd_rn(__fadd_rn(__fmul_rn(__fadd_rn(x_error, y_error), reach), __fmul_rn(x_error, y_error)),
                                __fmul_rn(x_rest, y_rest));
    return {__fadd_rn(__fmul_rn(allowance, 1 + 0x1p-18f), slack), scale > 0 ? __fdiv_rn(1.0f, scale) : 0};
}

/* Minus the least sum that a score of at least `score` needs. */
static __device__ int minus_needed(bound b, float score)
{
    float units = __fsub_rn(__fmul_rn(__fsub_rn(score, b.allowance), b.per_unit), 4.0f);
    units = units > -2e9f ? units : -2e9f;
    units = units < 2e9f ? units : 2e9f;
    return -(int)units;
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

static __device__ unsigned long long panel_of(const scan_args &a, unsigned long long n)
{
    return (a.first_panel + n) * a.step % a.panels;
}

static __device__ unsigned list_of(unsigned group)
{
    return (blockIdx.x * GROUPS + group) * gridDim.y + blockIdx.y;
}

/* ---- one thread fetches ---------------------------------------------------------------------------------- */

static __device__ void fetch(const CUtensorMap *x_map, const CUtensorMap *y_map, const scan_args &a, uint8_t *probes,
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

struct consumer {
    unsigned group, thread, warp, lane;
    unsigned row[2]; /* of the block of probes, of sums 0 and 2; where there is none, a huge number */
    float floor[2];
    float scale, error, rest; /* of the group's probes */
    unsigned list;            /* number of the group */
};

/* What a panel brings besides its codes, fetched a panel ahead. */
struct panel {
    unsigned long long first;
    float best; /* of this thread's reference */
    float scale, error, rest;
};

static __device__ panel panel_at(const scan_args &a, const consumer &me, unsigned long long n)
{
    panel p = {panel_of(a, n) * SCAN_REFERENCES, INFINITY, 0, 0, 0};
    unsigned long long set = p.first / LK_DEVICE_REFERENCE_SET;
    if (p.first + me.thread < a.references)
        p.best = score_of(a.best[p.first + me.thread]);
    p.scale = a.y.scale[set];
    p.error = a.y.error[set];
    p.rest = a.y.rest[set];
    return p;
}

/* Writes the pairs of a thread whose bit is set: bit 4 o + 2 h + c of the two words as sums have it. */
static __device__ void nominate(const scan_args &a, const consumer &me, rest_of_shared *rest, const unsigned (&passed)[2],
                                unsigned long long first)
{
    unsigned at = atomicAdd(&rest->counts[me.group], __popc(passed[0]) + __popc(passed[1]));
#pragma unroll
    for (int w = 0; w < 2; w++)
        for (unsigned left = passed[w]; left != 0; left &= left - 1) {
            unsigned bit = 32 * w + __ffs(left) - 1, row = me.row[bit / 2 % 2];
            unsigned long long reference = first + 8 * (bit / 4) + 2 * (me.lane % 4) + bit % 2;
            bool there = row < a.n_probes && reference < a.references;
            if (at < a.room)
                a.nominated[(size_t)me.list * a.room + at] =
                    there ? make_uint2(row, (unsigned)reference) : make_uint2(NOBODY, 0);
            at++;
        }
}

static __device__ void compare(const scan_args &a, const consumer &me, rest_of_shared *rest, const int (&sums)[SUMS],
                               const panel &p, unsigned turn)
{
    bound b = bound_of(me.scale, me.error, me.rest, p.scale, p.error, p.rest, a.reach, a.slack);
    int *all_needs = rest->reference_needs[me.group][turn];
    all_needs[me.thread] = minus_needed(b, p.best);
    /* Behind it nobody reads the needs of the last panel but one, whose place is written next. */
    group_sync(me.group, GROUP);
    const int *needs = all_needs + 2 * (me.lane % 4);
    int p0 = minus_needed(b, me.floor[0]), p1 = minus_needed(b, me.floor[1]);
    unsigned passed[2] = {0, 0};
#pragma unroll
    for (int part = 0; part < PARTS; part++) { /* most have no sum that reaches a floor */
        int most0 = INT_MIN, most1 = INT_MIN, most = INT_MIN;
#pragma unroll
        for (int o = SUMS / 4 / PARTS * part; o < SUMS / 4 / PARTS * (part + 1); o++) {
            int2 r = *(const int2 *)(needs + 8 * o);
            most0 = __vimax3_s32(sums[4 * o], sums[4 * o + 1], most0);
            most1 = __vimax3_s32(sums[4 * o + 2], sums[4 * o + 3], most1);
            most = __viaddmax_s32(max(sums[4 * o], sums[4 * o + 2]), r.x, most);
            most = __viaddmax_s32(max(sums[4 * o + 1], sums[4 * o + 3]), r.y, most);
        }
        if (max(max(most0 + p0, most1 + p1), most) < 0)
            continue;
#pragma unroll
        for (int o = SUMS / 4 / PARTS * part; o < SUMS / 4 / PARTS * (part + 1); o++) {
            int2 r = *(const int2 *)(needs + 8 * o);
            unsigned four = (unsigned)(sums[4 * o] + max(p0, r.x) >= 0) | (unsigned)(sums[4 * o + 1] + max(p0, r.y) >= 0) << 1 |
                            (unsigned)(sums[4 * o + 2] + max(p1, r.x) >= 0) << 2 |
                            (unsigned)(sums[4 * o + 3] + max(p1, r.y) >= 0) << 3;
            passed[o / 8] |= four << 4 * (o % 8);
        }
    }
    if ((passed[0] | passed[1]) != 0)
        nominate(a, me, rest, passed, p.first);
}

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
        compare(a, me, rest, even, p, 0);
        p = panel_at(a, me, n + 2 * step);
        multiply_panel<CHUNKS>(me, rest, probes, stages, next, even);
        products_wait<1>();
        give_back<CHUNKS>(me, rest, oldest);
        compare(a, me, rest, odd, q, 1);
    }
    if (n + step < a.n_panels) {
        q = panel_at(a, me, n + step);
        multiply_panel<CHUNKS>(me, rest, probes, stages, next, odd);
        products_wait<0>();
        compare(a, me, rest, even, p, 0);
        compare(a, me, rest, odd, q, 1);
    } else {
        products_wait<0>();
        compare(a, me, rest, even, p, 0);
    }
}

static __device__ consumer consumer_of(const scan_args &a, unsigned long long first_row)
{
    consumer me;
    me.group = threadIdx.x / GROUP - 1;
    me.thread = threadIdx.x % GROUP;
    me.warp = me.thread / 32;
    me.lane = me.thread % 32;
    me.list = list_of(me.group);
    first_row += me.group * GROUP_PROBES;
    for (int h = 0; h < 2; h++) {
        me.row[h] = (unsigned)(first_row + 16 * me.warp + me.lane / 4 + 8 * h - a.first_probe);
        me.floor[h] = me.row[h] < a.n_probes ? a.floors[me.row[h]] : INFINITY;
    }
    unsigned long long set = first_row / LK_DEVICE_PROBE_SET, last = (a.first_probe + a.n_probes - 1) / LK_DEVICE_PROBE_SET;
    set = set < last ? set : last; /* behind the block of probes there need not be any */
    me.scale = a.x.scale[set];
    me.error = a.x.error[set];
    me.rest = a.x.rest[set];
    return me;
}

template <int CHUNKS>
static __global__ void __launch_bounds__(THREADS, 1)
    scan(const __grid_constant__ CUtensorMap x_map, const __grid_constant__ CUtensorMap y_map,
         const __grid_constant__ scan_args a)
{
    extern __shared__ __align__(1024) uint8_t probes[];
    uint8_t *stages = probes + CHUNKS * PROBE_CHUNK;
    rest_of_shared *rest = (rest_of_shared *)(stages + a.stages * STAGE);
    if (threadIdx.x < GROUPS)
        rest->counts[threadIdx.x] = 0;
    if (threadIdx.x == 0) {
        for (unsigned s = 0; s < a.stages; s++) {
            barrier_init(&rest->full[s], 1);
            barrier_init(&rest->empty[s], WARPS);
        }
        barrier_init(&rest->probes, 1);
        barriers_made();
    }
    __syncthreads();
    unsigned long long first_row = a.first_probe / SCAN_PROBES * SCAN_PROBES + (unsigned long long)blockIdx.x * SCAN_PROBES;
    if (threadIdx.x < GROUP) {
        registers_fewer<40>();
        if (threadIdx.x == 0)
            fetch(&x_map, &y_map, a, probes, stages, rest, (unsigned)first_row);
    } else {
        registers_more<232>();
        consume<CHUNKS>(a, consumer_of(a, first_row), probes, stages, rest);
    }
    __syncthreads();
    if (threadIdx.x < GROUPS)
        a.counts[list_of(threadIdx.x)] = rest->counts[threadIdx.x];
}

typedef void scan_kernel(const CUtensorMap, const CUtensorMap, const scan_args);

/* Of 1 to LK_DEVICE_MAX_DEPTH / SCAN_CHUNK chunks. */
static scan_kernel *const kernels[] = {scan<1>, scan<2>, scan<3>, scan<4>};
static_assert(sizeof kernels / sizeof *kernels == LK_DEVICE_MAX_DEPTH / SCAN_CHUNK, "a kernel for every depth");

cudaError_t scan_setup(void)
{
    for (scan_kernel *kernel : kernels) {
        cudaError_t error = cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, SHARED_LIMIT);
        if (error != cudaSuccess)
            return error;
    }
    return cudaSuccess;
}

cudaError_t scan_launch(const CUtensorMap *probes, const CUtensorMap *references, const struct scan_args *args,
                        dim3 grid, cudaStream_t stream)
{
    scan_args a = *args;
    size_t bytes = shared_bytes(args->chunks, &a.stages);
    kernels[a.chunks - 1]<<<grid, THREADS, bytes, stream>>>(*probes, *references, a);
    return cudaGetLastError();
}
