/* SPDX-License-Identifier: Apache-2.0 */
/* upload.cuh - rows on their way to the device. */
#ifndef LK_CUDA_UPLOAD_CUH
#define LK_CUDA_UPLOAD_CUH

#include <vector>

#include "host.cuh"

enum { CARRIERS = 8, CARRIED_BYTES = 1 << 20 };

/* Two pieces of memory that the device reaches, in turn. */
struct carrier {
    pinned<char> room[2];
    cudaStream_t stream = nullptr;
    cudaEvent_t sent[2] = {};
    ~carrier()
    {
        for (cudaEvent_t event : sent)
            if (event != nullptr)
                cudaEventDestroy(event);
        if (stream != nullptr)
            cudaStreamDestroy(stream);
    }
    lk_status make(lk_error *err)
    {
        CUDA(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "no stream");
        for (int i = 0; i < 2; i++) {
            TRY(room[i].make(CARRIED_BYTES, err));
            CUDA(cudaEventCreateWithFlags(&sent[i], cudaEventDisableTiming), "no event");
        }
        return LK_OK;
    }
};

/* `width` bytes of each row, filled up with zeros to `stride`, by a thread for each carrier: one alone is slower than the
 * way. Returns when all are there. */
lk_status upload_rows(std::vector<carrier> &carriers, void *to, const void *from, size_t rows, size_t width,
                      size_t stride, lk_error *err);

#endif
