/* SPDX-License-Identifier: Apache-2.0 */
/* scan_ampere.cu - nominates pairs as scan_hopper.cu does, by instructions that all devices since Ampere have.
 *
 * A block of threads keeps the codes of 128 probes in shared memory and walks over panels of 128 references, which come in
 * pieces of 64 coordinates: while one is multiplied, the next two are on their way. Each of eight warps multiplies 16 probes
 * with all references of a panel, so that its threads hold their sums as compare.cuh wants them. */
#include "compare.cuh"

enum {
    THREADS = GROUP * GROUPS,
    STAGES = 3,
    PIECE = 64,       /* coordinates */
    STEP = 32,        /* that are multiplied at a time */
    ROW = PIECE + 16, /* bytes of a reference's piece: rows that are read together lie in different banks */
    STAGE = SCAN_REFERENCES * ROW,
    PER_COPY = 16, /* bytes */
};

/* Of a probe. */
static __host__ __device__ unsigned row_bytes(unsigned chunks)
{
    return chunks * SCAN_CHUNK + 16;
}

static size_t shared_bytes(unsigned chunks)
{
    return (size_t)SCAN_PROBES * row_bytes(chunks) + STAGES * STAGE + sizeof(needs_of_block);
}

/* `width` bytes of each of 128 rows from `first` on, which lie `stride` apart; behind the last row that one again, whose sums
 * nobody asks for. */
static __device__ void fetch(int8_t *to, unsigned to_stride, const int8_t *codes, unsigned long long first,
                             unsigned long long rows, size_t stride, unsigned width)
{
    unsigned each = width / PER_COPY;
    for (unsigned i = threadIdx.x; i < SCAN_REFERENCES * each; i += THREADS) {
        unsigned long long row = first + i / each < rows ? first + i / each : rows - 1;
        copy_16(to + i / each * to_stride + i % each * PER_COPY, codes + row * stride + i % each * PER_COPY);
    }
}
static_assert((int)SCAN_PROBES == (int)SCAN_REFERENCES, "both are fetched as 128 rows");

/* Pieces of references in the order in which they are multiplied; `n` counts them. */
struct pieces {
    const scan_args &a;
    int8_t *stages;
    unsigned each, n_all; /* of a panel; of all panels of this block */

    __device__ void fetch_piece(unsigned n) const
    {
        if (n < n_all) {
            unsigned long long panel = panel_of(a, blockIdx.y + (unsigned long long)(n / each) * gridDim.y);
            fetch(stages + n % STAGES * STAGE, ROW, a.y_codes + n % each * PIECE, panel * SCAN_REFERENCES, a.references,
                  (size_t)a.chunks * SCAN_CHUNK, PIECE);
        }
        copies_commit(); /* behind the last piece come empty lots, so that their number tells what is there */
    }
    __device__ const int8_t *at(unsigned n) const
    {
        return stages + n % STAGES * STAGE;
    }
};

/* Adds the products of a warp's 16 probes, from coordinate `from` on, and a piece. */
static __device__ void multiply_piece(int (&sums)[SUMS], const int8_t *probes, unsigned probe_row, unsigned from,
                                      const int8_t *references, unsigned lane)
{
#pragma unroll
    for (unsigned k = 0; k < PIECE; k += STEP) {
        uint32_t x[4], y[4];
        load_matrices(x, probes + lane % 16 * probe_row + from + k + lane / 16 * 16);
#pragma unroll
        for (unsigned c = 0; c < SCAN_REFERENCES; c += 16) {
            load_matrices(y, references + (c + lane % 8 + lane / 16 * 8) * ROW + k + lane / 8 % 2 * 16);
            multiply_8(sums + c / 8 * 4, x, y[0], y[1]);
            multiply_8(sums + c / 8 * 4 + 4, x, y[2], y[3]);
        }
    }
}

static __global__ void __launch_bounds__(THREADS, 1) scan(const __grid_constant__ scan_args a)
{
    extern __shared__ __align__(1024) int8_t probes[];
    unsigned probe_row = row_bytes(a.chunks), lane = threadIdx.x % 32;
    unsigned n_panels = (unsigned)((a.n_panels - blockIdx.y + gridDim.y - 1) / gridDim.y);
    unsigned long long first_row = first_row_of_tile(a);
    pieces y = {a, probes + SCAN_PROBES * probe_row, a.chunks * (SCAN_CHUNK / PIECE), 0};
    needs_of_block *block = (needs_of_block *)(y.stages + STAGES * STAGE);
    consumer me = consumer_of(a, threadIdx.x, first_row);
    int sums[SUMS];
    y.n_all = n_panels * y.each;
    if (threadIdx.x < GROUPS)
        block->counts[threadIdx.x] = 0;
    fetch(probes, probe_row, a.x_codes, first_row, a.probes, (size_t)a.chunks * SCAN_CHUNK, a.chunks * SCAN_CHUNK);
    for (unsigned n = 0; n + 1 < STAGES; n++) /* the first lot has the probes, too */
        y.fetch_piece(n);
    for (unsigned i = 0, n = 0; i < n_panels; i++) {
        panel p = panel_at(a, me, blockIdx.y + (unsigned long long)i * gridDim.y);
#pragma unroll
        for (int s = 0; s < SUMS; s++)
            sums[s] = 0;
        for (unsigned c = 0; c < y.each; c++, n++) {
            copies_wait<STAGES - 2>();
            __syncthreads(); /* this piece is there, and nobody reads the one before it any more */
            y.fetch_piece(n + STAGES - 1);
            multiply_piece(sums, probes + threadIdx.x / 32 * 16 * probe_row, probe_row, c * PIECE, y.at(n), lane);
        }
        compare(a, me, block, sums, p, i % 2);
    }
    __syncthreads();
    if (threadIdx.x < GROUPS)
        a.counts[list_of(threadIdx.x)] = block->counts[threadIdx.x];
}

/* limit: bytes of shared memory that a block of threads may have. */
cudaError_t scan_ampere_setup(size_t limit)
{
    return cudaFuncSetAttribute(scan, cudaFuncAttributeMaxDynamicSharedMemorySize, (int)limit);
}

size_t scan_ampere_needs(void)
{
    return shared_bytes(LK_DEVICE_MAX_DEPTH / SCAN_CHUNK);
}

cudaError_t scan_ampere_launch(const struct scan_args *args, dim3 grid, cudaStream_t stream)
{
    scan<<<grid, THREADS, shared_bytes(args->chunks), stream>>>(*args);
    return cudaGetLastError();
}
