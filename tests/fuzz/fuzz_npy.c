/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_npy.c - any bytes as a .npy file: the header in memory, and the whole as a matrix. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "formats/npy.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct lk_layout header;
    lk_error err;
    if (lk_npy_parse(bytes, len, &header, &err) != LK_OK)
        return 0;
    if (header.data_offset > len ||
        header.rows * header.dim * (uint64_t)header.item_bytes != len - header.data_offset)
        abort();
    int fd = memfd_create("npy", MFD_CLOEXEC);
    if (fd < 0 || write(fd, bytes, len) != (ssize_t)len)
        abort();
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    struct lk_matrix matrix;
    if (lk_matrix_open(&matrix, NULL, path, &err) != LK_OK || matrix.rows != header.rows ||
        matrix.dim != header.dim)
        abort();
    float sum = 0;
    for (uint64_t i = 0; i < matrix.rows * matrix.dim; i++)
        sum += matrix.data[i];
    lk_matrix_close(&matrix);
    close(fd);
    volatile float seen = sum; /* so that the reading is not left out */
    (void)seen;
    return 0;
}
