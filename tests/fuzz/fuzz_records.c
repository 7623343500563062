/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_records.c - any bytes as an index (its length in the first two bytes) and a record file; what is
 * listed keeps the promises of formats/record_set.h and formats/recordio.h. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "formats/record_set.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* Joins the record of a picture, which may be damaged. */
static void read_picture(const uint8_t *bytes, size_t len, const struct lk_record_picture *picture)
{
    struct lk_record record;
    struct lk_record_trouble trouble;
    struct lk_record_head head;
    lk_error err;
    if (picture->label < -1)
        abort();
    if (picture->offset >= len)
        return;
    const uint8_t *at = bytes + picture->offset;
    size_t room = len - (size_t)picture->offset;
    if (lk_record_find(at, room, picture->offset, &record, &trouble, &err) != LK_OK) {
        if (trouble.reached > room || (trouble.need > 0 && trouble.need <= room))
            abort();
        return;
    }
    if (record.extent > room || record.length + LK_RECORD_PART > record.extent)
        abort();
    uint8_t *payload = malloc(record.length + 1), *copy = malloc(record.extent);
    if (payload == NULL || copy == NULL ||
        lk_record_join(at, &record, payload, record.length) != record.length)
        abort();
    memcpy(copy, at, record.extent); /* in place must give the same */
    if (lk_record_join(copy, &record, copy, record.length) != record.length ||
        memcmp(copy, payload, record.length) != 0)
        abort();
    size_t n = record.length < LK_RECORD_HEAD_BYTES ? record.length : LK_RECORD_HEAD_BYTES;
    if (lk_record_head_parse(payload, n, record.length, &head, &err) == LK_OK && head.picture > record.length)
        abort();
    free(payload);
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    if (len < 2)
        return 0;
    size_t n_index = (size_t)(bytes[0] | bytes[1] << 8);
    if (n_index > len - 2)
        return 0;
    struct lk_record_table index = {0};
    struct lk_record_set set;
    lk_error err;
    bool indexed = n_index > 0 && lk_record_index_parse(&index, bytes + 2, n_index, &err) == LK_OK;
    bytes += 2 + n_index;
    len -= 2 + n_index;
    if (lk_record_set_make(&set, bytes, len, indexed ? &index : NULL, (len & 1) == 0, NULL, NULL, &err) ==
        LK_OK) {
        if (set.n == 0)
            abort();
        for (size_t i = 0; i < set.n; i++) {
            size_t found;
            if ((i > 0 && set.pictures[i].key <= set.pictures[i - 1].key) ||
                !lk_record_set_find(&set, set.pictures[i].key, &found) || found != i)
                abort();
            read_picture(bytes, len, &set.pictures[i]);
        }
        lk_record_set_free(&set);
    }
    lk_record_table_free(&index);
    return 0;
}
