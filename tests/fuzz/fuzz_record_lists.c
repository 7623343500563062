/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_record_lists.c - any bytes as each of the text files beside a record file. */
#include <stdlib.h>
#include <string.h>

#include "formats/record_lists.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void check(struct lk_record_table *t)
{
    if (t->n == 0)
        abort();
    for (size_t i = 0; i < t->n; i++)
        if ((i > 0 && t->entries[i].key <= t->entries[i - 1].key) ||
            lk_record_table_find(t, t->entries[i].key) != &t->entries[i])
            abort();
    lk_record_table_free(t);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct lk_record_table t;
    lk_error err;
    uint64_t n;
    if (lk_record_index_parse(&t, bytes, len, &err) == LK_OK)
        check(&t);
    if (lk_record_paths_parse(&t, bytes, len, &err) == LK_OK) {
        for (size_t i = 0; i < t.n; i++) {
            size_t at = (size_t)t.entries[i].value, size = lk_record_path_length(bytes, len, at);
            if (size == 0 || at + size > len || memchr(bytes + at, '\n', size) != NULL)
                abort();
        }
        check(&t);
    }
    if (lk_record_labels_parse(&t, bytes, len, &err) == LK_OK) {
        for (size_t i = 0; i < t.n; i++)
            if (t.entries[i].value != LK_RECORD_NO_LABEL && t.entries[i].value > INT32_MAX)
                abort();
        check(&t);
    }
    lk_record_property_parse(&n, bytes, len, &err);
    return 0;
}
