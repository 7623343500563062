/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_row_labels.c - any bytes as a table of labels for five rows. */
#include "formats/faces.h"
#include "vectors.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct lk_texts paths, identities;
    lk_error err;
    if (lk_row_labels_parse(bytes, len, 5, &paths, &identities, &err) != LK_OK)
        return 0;
    check_texts(&paths, 5);
    check_texts(&identities, 5);
    lk_texts_free(&paths);
    lk_texts_free(&identities);
    return 0;
}
