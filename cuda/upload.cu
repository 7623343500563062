/* SPDX-License-Identifier: Apache-2.0 */
/* upload.cu - rows go to the device in pieces, through memory that it reaches. */
#include "upload.cuh"

#include <atomic>
#include <cstring>
#include <thread>

struct rows_to_carry {
    char *to;
    const char *from;
    size_t rows, width, stride;
};

static lk_status carry(carrier &c, const rows_to_carry *r, std::atomic<size_t> *next, lk_error *err)
{
    size_t each = CARRIED_BYTES / r->stride;
    for (unsigned turn = 0;; turn ^= 1) {
        size_t first = each * (*next)++;
        if (first >= r->rows)
            break;
        size_t n = r->rows - first < each ? r->rows - first : each;
        char *room = c.room[turn].at;
        CUDA(cudaEventSynchronize(c.sent[turn]), "cannot copy to the device");
        if (r->width == r->stride)
            memcpy(room, r->from + first * r->width, n * r->width);
        for (size_t i = 0; r->width != r->stride && i < n; i++) {
            memcpy(room + i * r->stride, r->from + (first + i) * r->width, r->width);
            memset(room + i * r->stride + r->width, 0, r->stride - r->width);
        }
        CUDA(cudaMemcpyAsync(r->to + first * r->stride, room, n * r->stride, cudaMemcpyHostToDevice, c.stream),
             "cannot copy to the device");
        CUDA(cudaEventRecord(c.sent[turn], c.stream), "cannot copy to the device");
    }
    CUDA(cudaStreamSynchronize(c.stream), "copying to the device");
    return LK_OK;
}

lk_status upload_rows(std::vector<carrier> &carriers, void *to, const void *from, size_t rows, size_t width,
                      size_t stride, lk_error *err)
{
    if (stride > CARRIED_BYTES)
        return fail(err, LK_EUNSUP, "cuda: rows of %zu bytes are too long", width);
    rows_to_carry r = {(char *)to, (const char *)from, rows, width, stride};
    std::atomic<size_t> next(0);
    size_t pieces = rows / (CARRIED_BYTES / stride) + 1, n = pieces < carriers.size() ? pieces : carriers.size();
    std::vector<lk_error> errors(n);
    std::vector<lk_status> status(n, LK_OK);
    std::vector<std::thread> threads;
    for (size_t i = 1; i < n; i++)
        threads.emplace_back([&, i] { status[i] = carry(carriers[i], &r, &next, &errors[i]); });
    status[0] = carry(carriers[0], &r, &next, &errors[0]);
    for (std::thread &t : threads)
        t.join();
    for (size_t i = 0; i < n; i++)
        if (status[i] != LK_OK) {
            *err = errors[i];
            return status[i];
        }
    return LK_OK;
}
