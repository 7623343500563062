/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_hdf5.c - any bytes as an HDF5 file, read in this process: a crash in the HDF5 library is a finding
 * here, which the program itself survives, since it reads such files in a process of their own. */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "formats/vectors_hdf5.h"
#include "vectors.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct lk_hdf5_scratches scratches = {LK_SCRATCH_INIT, LK_SCRATCH_INIT, LK_SCRATCH_INIT};
    struct lk_hdf5_result result = {.finished = false};
    struct lk_vectors vectors = {.array = NULL};
    lk_error err;
    char path[64];
    int fd = memfd_create("hdf5", MFD_CLOEXEC);
    if (fd < 0 || write(fd, bytes, len) != (ssize_t)len || lk_scratch_open(&scratches.data, &err) != LK_OK ||
        lk_scratch_open(&scratches.paths, &err) != LK_OK ||
        lk_scratch_open(&scratches.identities, &err) != LK_OK)
        abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    lk_hdf5_read_here(path, "", &scratches, &result);
    if (!result.finished)
        abort();
    if (result.status == LK_OK) {
        if (lk_hdf5_take(&scratches, &result, "fuzzed", NULL, &vectors, &err) != LK_OK)
            abort();
        use_vectors(&vectors);
    }
    lk_scratch_close(&scratches.data);
    lk_scratch_close(&scratches.paths);
    lk_scratch_close(&scratches.identities);
    close(fd);
    return 0;
}
