/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_fvecs.c - any bytes as a .fvecs file. */
#include "vectors.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct lk_vectors vectors = {.array = NULL};
    lk_error err;
    if (lk_fvecs_read(bytes, len, NULL, &vectors, &err) == LK_OK)
        use_vectors(&vectors);
    else
        lk_vectors_close(&vectors);
    return 0;
}
