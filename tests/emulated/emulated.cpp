/* SPDX-License-Identifier: Apache-2.0 */
/* emulated.cpp - runs kernels on the processor: the threads of a block are contexts that take turns, block after block. */
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <vector>

#include <sys/mman.h>

#include "cuda.h"
#include "cuda_runtime.h"

enum { STACK = 1 << 16, MOST_THREADS = 1024, SHARED = 227 << 10, BARRIERS = 16, PROCESSORS = 2 };

dim3 threadIdx, blockIdx, blockDim, gridDim;

namespace {

/* ---- contexts: threads take turns a hundred million times in a test; swapcontext takes ten times as long --------------- */

typedef void *place; /* the stack of who waits there, with the registers that functions keep */

extern "C" void emulated_switch(place *from, place to);
asm(".pushsection .text\n"
    ".hidden emulated_switch\n"
    ".globl emulated_switch\n"
    "emulated_switch:\n"
    "push %rbp\n push %rbx\n push %r12\n push %r13\n push %r14\n push %r15\n"
    "mov %rsp, (%rdi)\n"
    "mov %rsi, %rsp\n"
    "pop %r15\n pop %r14\n pop %r13\n pop %r12\n pop %rbx\n pop %rbp\n"
    "ret\n"
    ".popsection\n");

void go(place *from, place *to)
{
    emulated_switch(from, *to);
}

/* A place from which `entry` begins. */
void make_place(place *at, char *stack, size_t bytes, void (*entry)())
{
    void **top = (void **)(stack + bytes) - 1; /* as a call leaves the stack: 8 bytes off a multiple of 16 */
    *top-- = nullptr;
    *top = (void *)entry;
    *at = top - 6;
}

struct context {
    place at;
    bool done;
    const unsigned *watched; /* it waits until this is no longer `seen`; NULL = it looks for itself */
    unsigned seen;
};

struct meeting {
    unsigned arrived, times;
};

struct warp {
    meeting all;
    uint64_t given[2][EMULATED_WARP]; /* in turns: some threads still read when others give again */
};

std::mutex one_kernel; /* at a time: what follows is of the block that runs */
std::vector<context> contexts(MOST_THREADS);
std::vector<warp> warps(MOST_THREADS / EMULATED_WARP);
meeting barriers[BARRIERS];
char *stacks, *shared;
place scheduler;
unsigned running, left;
bool changed;
const std::function<void()> *work;

/* LIKENESS_TEST_DEVICE=small: one of compute capability 8.6, which has least shared memory; otherwise of Hopper. */
bool is_small()
{
    const char *kind = getenv("LIKENESS_TEST_DEVICE");
    return kind != nullptr && strcmp(kind, "small") == 0;
}

size_t shared_limit()
{
    return is_small() ? 99 << 10 : SHARED;
}

void *reserve(size_t bytes)
{
    void *at = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED)
        abort();
    return at;
}

/* Waits until n threads have come. */
void meet(meeting *m, unsigned n)
{
    unsigned times = m->times;
    emulated_changed();
    if (++m->arrived == n) {
        m->arrived = 0;
        m->times++;
    }
    if (m->times == times) {
        contexts[running].watched = &m->times;
        contexts[running].seen = times;
        emulated_yield();
    }
}

bool may_run(context *c)
{
    if (c->done || (c->watched != nullptr && *c->watched == c->seen))
        return false;
    c->watched = nullptr;
    return true;
}

void enter()
{
    (*work)();
    contexts[running].done = true;
    left--;
    emulated_changed();
    emulated_yield();
}

void resume(unsigned i)
{
    running = i;
    threadIdx.x = i;
    go(&scheduler, &contexts[i].at);
}

/* As far as it gets without others, so that its stacks stay in the caches. False = nowhere. */
bool run_warp(unsigned first)
{
    bool any = false;
    do {
        changed = false;
        for (unsigned i = first; i < first + EMULATED_WARP; i++)
            if (may_run(&contexts[i]))
                resume(i);
        any = any || changed;
    } while (changed);
    return any;
}

void run_block()
{
    unsigned n = left = blockDim.x;
    for (unsigned i = 0; i < n; i++) {
        contexts[i].done = false;
        contexts[i].watched = nullptr;
        /* Of different heights, or all would lie in the same few lines of the caches. */
        make_place(&contexts[i].at, stacks + (size_t)i * STACK, STACK - i % 64 * 448, enter);
    }
    for (warp &w : warps)
        w.all = {};
    for (meeting &b : barriers)
        b = {};
    memset(shared, 0xa5, SHARED);
    while (left > 0) {
        bool any = false;
        for (unsigned i = 0; i < n; i += EMULATED_WARP)
            any = run_warp(i) || any;
        if (!any) {
            fprintf(stderr, "emulated: %u threads of block %u, %u wait for what does not happen\n", left, blockIdx.x, blockIdx.y);
            abort();
        }
    }
}

} // namespace

void emulated_launch(const std::function<void()> &thread, dim3 grid, dim3 block, size_t shared_bytes)
{
    std::lock_guard<std::mutex> lock(one_kernel);
    if (block.x > MOST_THREADS || block.x % EMULATED_WARP != 0 || shared_bytes > shared_limit() || grid.x == 0 || grid.y == 0) {
        fprintf(stderr, "emulated: cannot launch %u x %u blocks of %u threads with %zu bytes\n", grid.x, grid.y, block.x, shared_bytes);
        abort();
    }
    if (stacks == nullptr) {
        stacks = (char *)reserve((size_t)MOST_THREADS * STACK);
        shared = (char *)reserve(SHARED);
    }
    work = &thread;
    gridDim = grid;
    blockDim = block;
    for (unsigned y = 0; y < grid.y; y++)
        for (unsigned x = 0; x < grid.x; x++) {
            blockIdx = dim3(x, y, 0);
            run_block();
        }
}

void *emulated_shared(void)
{
    return shared;
}

void emulated_changed(void)
{
    changed = true;
}

void emulated_yield(void)
{
    go(&contexts[running].at, &scheduler);
}

void emulated_group_sync(unsigned barrier, unsigned threads)
{
    meet(&barriers[barrier], threads);
}

const uint64_t *emulated_exchange(uint64_t mine)
{
    warp *w = &warps[threadIdx.x / EMULATED_WARP];
    uint64_t *given = w->given[w->all.times % 2];
    given[threadIdx.x % EMULATED_WARP] = mine;
    meet(&w->all, EMULATED_WARP);
    return given;
}

/* ---- the host's side --------------------------------------------------------------------------------------------- */

const char *cudaGetErrorString(cudaError_t error)
{
    return error == cudaSuccess ? "no error" : "out of memory";
}

cudaError_t cudaGetLastError(void)
{
    return cudaSuccess;
}

cudaError_t cudaGetDeviceCount(int *n)
{
    *n = 1;
    return cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp *out, int)
{
    *out = {"emulated", is_small() ? 8 : 9, is_small() ? 6 : 0, PROCESSORS, shared_limit()};
    return cudaSuccess;
}

static CUresult encode_tiled(CUtensorMap *out, CUtensorMapDataType, cuuint32_t rank, void *at, const cuuint64_t *sizes,
                             const cuuint64_t *strides, const cuuint32_t *box, const cuuint32_t *steps, CUtensorMapInterleave,
                             CUtensorMapSwizzle, CUtensorMapL2promotion, CUtensorMapFloatOOBfill)
{
    if (rank != 2 || (uintptr_t)at % 16 != 0 || strides[0] % 16 != 0 || box[0] > 256 || box[1] > 256 || steps[0] != 1 ||
        steps[1] != 1 || sizes[0] == 0 || sizes[1] == 0)
        return CUDA_ERROR_INVALID_VALUE;
    *out = {(const uint8_t *)at, sizes[0], sizes[1], strides[0], box[0], box[1]};
    return CUDA_SUCCESS;
}

cudaError_t cudaGetDriverEntryPointByVersion(const char *, void **entry, unsigned, int, cudaDriverEntryPointQueryResult *found)
{
    *entry = (void *)encode_tiled;
    *found = cudaDriverEntryPointSuccess;
    return cudaSuccess;
}

/* LIKENESS_TEST_DEVICE_BYTES: for tests of devices that are too small. */
cudaError_t cudaMemGetInfo(size_t *available, size_t *all)
{
    const char *bytes = getenv("LIKENESS_TEST_DEVICE_BYTES");
    *available = *all = bytes != nullptr ? strtoull(bytes, nullptr, 10) : (size_t)1 << 37;
    return cudaSuccess;
}

/* Untouched memory costs nothing: lanes ask for far more than they use here. */
cudaError_t cudaMalloc(void **out, size_t bytes)
{
    return posix_memalign(out, 256, bytes) == 0 ? cudaSuccess : cudaErrorMemoryAllocation;
}

cudaError_t cudaMallocHost(void **out, size_t bytes)
{
    return cudaMalloc(out, bytes);
}

cudaError_t cudaFree(void *at)
{
    free(at);
    return cudaSuccess;
}

cudaError_t cudaFreeHost(void *at)
{
    return cudaFree(at);
}

cudaError_t cudaMemset(void *at, int value, size_t bytes)
{
    memset(at, value, bytes);
    return cudaSuccess;
}

cudaError_t cudaMemsetAsync(void *at, int value, size_t bytes, cudaStream_t)
{
    return cudaMemset(at, value, bytes);
}

cudaError_t cudaMemcpy(void *to, const void *from, size_t bytes, cudaMemcpyKind)
{
    memcpy(to, from, bytes);
    return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, cudaMemcpyKind kind, cudaStream_t)
{
    return cudaMemcpy(to, from, bytes, kind);
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *out, int)
{
    *out = nullptr;
    return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t)
{
    return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t)
{
    return cudaSuccess;
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *out, int)
{
    *out = nullptr;
    return cudaSuccess;
}

cudaError_t cudaEventDestroy(cudaEvent_t)
{
    return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t, cudaStream_t)
{
    return cudaSuccess;
}

cudaError_t cudaEventSynchronize(cudaEvent_t)
{
    return cudaSuccess;
}

cudaError_t cudaDeviceSynchronize(void)
{
    return cudaSuccess;
}
