/* SPDX-License-Identifier: Apache-2.0 */
/* host.cuh - errors, and memory that is freed with its owner, for the module's host side. */
#ifndef LK_CUDA_HOST_CUH
#define LK_CUDA_HOST_CUH

#include <cstdarg>
#include <cstdio>

#include <cuda_runtime.h>

#include "likeness.h"

static inline lk_status fail(lk_error *err, lk_status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    err->code = status;
    err->sys_errno = 0;
    vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    return status;
}

static inline lk_status fail_cuda(lk_error *err, cudaError_t error, const char *what)
{
    return fail(err, error == cudaErrorMemoryAllocation ? LK_ENOMEM : LK_EUNSUP, "cuda: %s: %s", what,
                cudaGetErrorString(error));
}

#define CUDA(call, what)                                                                                               \
    do {                                                                                                               \
        cudaError_t error_ = (call);                                                                                   \
        if (error_ != cudaSuccess)                                                                                     \
            return fail_cuda(err, error_, what);                                                                       \
    } while (0)

#define TRY(call)                                                                                                      \
    do {                                                                                                               \
        lk_status status_ = (call);                                                                                    \
        if (status_ != LK_OK)                                                                                          \
            return status_;                                                                                            \
    } while (0)

/* ---- memory of the device, freed with its owner ------------------------------------------------------------ */

template <class T> struct buffer {
    T *at = nullptr;
    buffer() = default;
    buffer(const buffer &) = delete;
    ~buffer()
    {
        cudaFree(at);
    }
    lk_status make(size_t n, lk_error *err)
    {
        CUDA(cudaMalloc((void **)&at, (n > 0 ? n : 1) * sizeof(T)), "no memory on the device");
        return LK_OK;
    }
};

template <class T> struct pinned {
    T *at = nullptr;
    pinned() = default;
    pinned(const pinned &) = delete;
    ~pinned()
    {
        cudaFreeHost(at);
    }
    lk_status make(size_t n, lk_error *err)
    {
        CUDA(cudaMallocHost((void **)&at, n * sizeof(T)), "no memory that the device can reach");
        return LK_OK;
    }
};

#endif
