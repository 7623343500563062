/* SPDX-License-Identifier: Apache-2.0 */
/* cuda_runtime.h - the part of CUDA that the module uses, for the processor, in the place of NVIDIA's header of that name.
 *
 * So the module's kernels and its host side are tested where there is no device. The threads of a block take turns, blocks
 * and launches follow one another (emulated.cpp), and whatever is put into a stream is done at once. Races between threads,
 * the device's layouts of memory and its speed do not show here. */
#ifndef LK_EMULATED_CUDA_RUNTIME_H
#define LK_EMULATED_CUDA_RUNTIME_H

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>

using std::max;
using std::min;

#define __global__
#define __device__
#define __host__
#define __grid_constant__
#define __launch_bounds__(...)
#define __shared__ static /* one block runs at a time, and all its threads are of one thread of the process */

struct float4 {
    float x, y, z, w;
};
struct uint2 {
    unsigned x, y;
};
struct int2 {
    int x, y;
};
struct char4 {
    signed char x, y, z, w;
};
struct dim3 {
    unsigned x, y, z;
    dim3(unsigned nx = 1, unsigned ny = 1, unsigned nz = 1) : x(nx), y(ny), z(nz) {}
};
static inline float4 make_float4(float x, float y, float z, float w)
{
    return {x, y, z, w};
}
static inline uint2 make_uint2(unsigned x, unsigned y)
{
    return {x, y};
}
static inline char4 make_char4(signed char x, signed char y, signed char z, signed char w)
{
    return {x, y, z, w};
}

/* ---- who a thread is, and what it does with others ---------------------------------------------------------- */

extern dim3 threadIdx, blockIdx, blockDim, gridDim;

enum { EMULATED_WARP = 32 };

/* Of the thread that runs. */
void *emulated_shared(void); /* the block's memory, of the size asked for when it was launched */
void emulated_yield(void);   /* others run; for whoever waits */
void emulated_changed(void); /* to be called when something happened that others may wait for */
void emulated_group_sync(unsigned barrier, unsigned threads);
/* What each thread of the warp gave, all of which call this. */
const uint64_t *emulated_exchange(uint64_t mine);

static inline void __syncthreads(void)
{
    emulated_group_sync(0, blockDim.x);
}

static inline void __syncwarp(void)
{
    emulated_exchange(0);
}

/* mask: all threads. */
template <class T> T __shfl_sync(unsigned, T mine, unsigned from)
{
    uint64_t bits = 0;
    T out;
    memcpy(&bits, &mine, sizeof mine);
    bits = emulated_exchange(bits)[from % EMULATED_WARP];
    memcpy(&out, &bits, sizeof out);
    return out;
}

template <class T> T __shfl_xor_sync(unsigned mask, T mine, unsigned other)
{
    return __shfl_sync(mask, mine, threadIdx.x % EMULATED_WARP ^ other);
}

template <class T> T __shfl_up_sync(unsigned mask, T mine, unsigned n)
{
    unsigned lane = threadIdx.x % EMULATED_WARP;
    return __shfl_sync(mask, mine, lane >= n ? lane - n : lane);
}

static inline unsigned __ballot_sync(unsigned, bool mine)
{
    const uint64_t *all = emulated_exchange(mine);
    unsigned out = 0;
    for (int i = 0; i < EMULATED_WARP; i++)
        out |= (unsigned)all[i] << i;
    return out;
}

static inline unsigned __reduce_add_sync(unsigned, unsigned mine)
{
    const uint64_t *all = emulated_exchange(mine);
    unsigned out = 0;
    for (int i = 0; i < EMULATED_WARP; i++)
        out += (unsigned)all[i];
    return out;
}

template <class T> T atomicAdd(T *at, T n)
{
    T before = *at;
    *at += n;
    return before;
}

static inline unsigned atomicAdd(unsigned *at, int n)
{
    return atomicAdd(at, (unsigned)n);
}

static inline unsigned long long atomicAdd(unsigned long long *at, unsigned n)
{
    return atomicAdd(at, (unsigned long long)n);
}

static inline int atomicMax(int *at, int n)
{
    int before = *at;
    *at = max(before, n);
    return before;
}

/* ---- arithmetic ---------------------------------------------------------------------------------------------- */

template <class T> T __ldg(const T *at)
{
    return *at;
}
static inline int __popc(unsigned x)
{
    return __builtin_popcount(x);
}
static inline int __ffs(unsigned x)
{
    return __builtin_ffs((int)x);
}
static inline int __float_as_int(float x)
{
    int bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}
static inline float __fadd_rn(float a, float b)
{
    return a + b;
}
static inline float __fsub_rn(float a, float b)
{
    return a - b;
}
static inline float __fmul_rn(float a, float b)
{
    return a * b;
}
static inline float __fdiv_rn(float a, float b)
{
    return a / b;
}
static inline float __double2float_ru(double x)
{
    float near = (float)x;
    return (double)near < x ? nextafterf(near, INFINITY) : near;
}
static inline float __fsub_rd(float a, float b)
{
    double exactly = (double)a - (double)b; /* or a double beside it */
    float near = (float)exactly;
    return (double)near > exactly ? nextafterf(near, -INFINITY) : near;
}
static inline int __vimax3_s32(int a, int b, int c)
{
    return max(max(a, b), c);
}
static inline int __viaddmax_s32(int a, int b, int c)
{
    return max((int)((unsigned)a + (unsigned)b), c);
}

/* ---- the host's side ------------------------------------------------------------------------------------------- */

enum cudaError_t { cudaSuccess, cudaErrorMemoryAllocation };
enum cudaMemcpyKind { cudaMemcpyHostToDevice, cudaMemcpyDeviceToHost, cudaMemcpyDeviceToDevice };
enum cudaFuncAttribute { cudaFuncAttributeMaxDynamicSharedMemorySize };
enum cudaDriverEntryPointQueryResult { cudaDriverEntryPointSuccess };
enum { cudaEnableDefault, cudaStreamNonBlocking, cudaEventDisableTiming };
typedef struct emulated_stream *cudaStream_t;
typedef struct emulated_event *cudaEvent_t;
struct cudaDeviceProp {
    char name[32];
    int major, minor, multiProcessorCount;
    size_t sharedMemPerBlockOptin;
};

const char *cudaGetErrorString(cudaError_t error);
cudaError_t cudaGetLastError(void);
cudaError_t cudaGetDeviceCount(int *n);
cudaError_t cudaGetDeviceProperties(cudaDeviceProp *out, int device);
cudaError_t cudaGetDriverEntryPointByVersion(const char *name, void **entry, unsigned version, int flags,
                                             cudaDriverEntryPointQueryResult *found);
cudaError_t cudaMemGetInfo(size_t *available, size_t *all);
cudaError_t cudaMalloc(void **out, size_t bytes);
cudaError_t cudaMallocHost(void **out, size_t bytes);
cudaError_t cudaFree(void *at);
cudaError_t cudaFreeHost(void *at);
cudaError_t cudaMemset(void *at, int value, size_t bytes);
cudaError_t cudaMemsetAsync(void *at, int value, size_t bytes, cudaStream_t stream);
cudaError_t cudaMemcpy(void *to, const void *from, size_t bytes, cudaMemcpyKind kind);
cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, cudaMemcpyKind kind, cudaStream_t stream = nullptr);
cudaError_t cudaStreamCreateWithFlags(cudaStream_t *out, int flags);
cudaError_t cudaStreamDestroy(cudaStream_t stream);
cudaError_t cudaStreamSynchronize(cudaStream_t stream);
cudaError_t cudaEventCreateWithFlags(cudaEvent_t *out, int flags);
cudaError_t cudaEventDestroy(cudaEvent_t event);
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream);
cudaError_t cudaEventSynchronize(cudaEvent_t event);
cudaError_t cudaDeviceSynchronize(void);

template <class F> cudaError_t cudaFuncSetAttribute(F *, cudaFuncAttribute, int)
{
    return cudaSuccess;
}

/* `thread`: what each thread of each block does. */
void emulated_launch(const std::function<void()> &thread, dim3 grid, dim3 block, size_t shared);

/* kernel<<<grid, block, shared, stream>>>(arguments) is EMULATED(kernel, grid, block, shared, stream)(arguments) here. */
#define EMULATED(kernel, grid, block, shared, stream)                                                                  \
    [&, k_ = (kernel), g_ = dim3(grid), b_ = dim3(block), s_ = (size_t)(shared)](auto... arguments) {                  \
        (void)(stream);                                                                                                \
        emulated_launch([=] { k_(arguments...); }, g_, b_, s_);                                                        \
    }

#endif
