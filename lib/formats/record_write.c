/* SPDX-License-Identifier: Apache-2.0 */
/* record_write.c - writes records of MXNet's RecordIO. */
#include <string.h>

#include "formats/recordio.h"

enum { WHOLE = 0, FIRST = 1, MIDDLE = 2, LAST = 3, LENGTH_BITS = 29 };

static const uint8_t MAGIC[4] = {0x0a, 0x23, 0xd7, 0xce}; /* as it lies in the file */

static void put_u32(uint8_t *to, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        to[i] = (uint8_t)(value >> (8 * i));
}

/* Where the payload is cut next: at a magic, which the reader puts back, or at its end. */
static size_t part_end(const uint8_t *payload, size_t at, size_t len)
{
    for (size_t i = (at + 3) & ~(size_t)3; len - i >= sizeof MAGIC && i < len; i += 4)
        if (memcmp(payload + i, MAGIC, sizeof MAGIC) == 0)
            return i;
    return len;
}

static lk_status write_part(FILE *stream, unsigned place, const uint8_t *bytes, size_t len, uint64_t *at,
                            lk_error *err)
{
    static const uint8_t ZEROS[4] = {0};
    size_t pad = (4 - len % 4) % 4;
    uint8_t head[LK_RECORD_PART];
    memcpy(head, MAGIC, sizeof MAGIC);
    put_u32(head + 4, (uint32_t)place << LENGTH_BITS | (uint32_t)len);
    if (fwrite(head, 1, sizeof head, stream) != sizeof head || fwrite(bytes, 1, len, stream) != len ||
        fwrite(ZEROS, 1, pad, stream) != pad)
        return lk_fail_sys(err, LK_EIO, "cannot write a record");
    *at += sizeof head + len + pad;
    return LK_OK;
}

lk_status lk_record_write(FILE *stream, const uint8_t *payload, size_t len, uint64_t *at, lk_error *err)
{
    LK_NEED(len < (size_t)1 << LENGTH_BITS, err, LK_EUNSUP, "a record of %zu bytes, expected fewer than 2^29",
            len);
    size_t start = 0, end = part_end(payload, 0, len);
    bool first = true;
    while (end < len) {
        LK_TRY(write_part(stream, first ? FIRST : MIDDLE, payload + start, end - start, at, err));
        first = false;
        start = end + sizeof MAGIC;
        end = part_end(payload, start, len);
    }
    return write_part(stream, first ? WHOLE : LAST, payload + start, len - start, at, err);
}

void lk_record_labels_put(uint8_t *out, uint64_t id, const float *labels, uint32_t n)
{
    memset(out, 0, LK_RECORD_HEADER);
    put_u32(out, n);
    put_u32(out + 8, (uint32_t)id);
    put_u32(out + 12, (uint32_t)(id >> 32));
    for (uint32_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &labels[i], sizeof bits);
        put_u32(out + LK_RECORD_HEADER + 4 * i, bits);
    }
}
