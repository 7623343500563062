/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_insightface_bin.c - any bytes as a pickle of pairs; what is accepted lies inside the file. */
#include <stdlib.h>
#include <string.h>

#include "formats/insightface_bin.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct lk_bin bin;
    lk_error err;
    if (lk_bin_parse(&bin, bytes, len, &err) != LK_OK)
        return 0;
    if (bin.n_pairs == 0)
        abort();
    for (size_t i = 0; i < 2 * bin.n_pairs; i++) {
        size_t n = bin.pictures[i].len;
        if (bin.pictures[i].offset > len || n > len - bin.pictures[i].offset)
            abort();
        uint8_t *copy = malloc(n + 1);
        if (copy == NULL)
            abort();
        memcpy(copy, bytes + bin.pictures[i].offset, n);
        if (bin.pictures[i].latin1 && lk_bin_latin1(copy, &n, 0, &err) == LK_OK && n > bin.pictures[i].len)
            abort();
        free(copy);
    }
    lk_bin_free(&bin);
    return 0;
}
