/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_npz.c - any bytes as an .npz archive. */
#include "vectors.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct lk_vectors vectors = {.array = NULL};
    lk_error err;
    if (lk_npz_read(bytes, len, "", "fuzzed", NULL, &vectors, &err) == LK_OK)
        use_vectors(&vectors);
    else
        lk_vectors_close(&vectors);
    return 0;
}
