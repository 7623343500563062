/* SPDX-License-Identifier: Apache-2.0 */
/* recordio.c - MXNet's RecordIO: parts, records, labels. */
#include "formats/recordio.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

enum { WHOLE = 0, FIRST = 1, MIDDLE = 2, LAST = 3, LENGTH_BITS = 29 };

static const uint8_t MAGIC[4] = {0x0a, 0x23, 0xd7, 0xce}; /* as it lies in the file */

static uint32_t get_u32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* Kind and payload length of the part at bytes[0], which has 8 bytes. */
static unsigned part_word(const uint8_t *bytes, size_t *length)
{
    uint32_t word = get_u32(bytes + 4);
    *length = word & ((1u << LENGTH_BITS) - 1);
    return word >> LENGTH_BITS;
}

static size_t padded(size_t length)
{
    return (length + 3) & ~(size_t)3;
}

static lk_status cut_off(size_t need, size_t len, uint64_t base, struct lk_record_trouble *trouble,
                         lk_error *err)
{
    trouble->need = need;
    return lk_fail(err, LK_EFORMAT,
                   "the record at byte %" PRIu64 " is cut off: it takes at least %zu bytes, found %zu", base,
                   need, len);
}

lk_status lk_record_find(const uint8_t *bytes, size_t len, uint64_t base, struct lk_record *out,
                         struct lk_record_trouble *trouble, lk_error *err)
{
    struct lk_record r = {0, 0, 0};
    struct lk_record_trouble own;
    if (trouble == NULL)
        trouble = &own;
    unsigned place;
    do {
        *trouble = (struct lk_record_trouble){0, r.extent};
        if (len - r.extent < LK_RECORD_PART)
            return cut_off(r.extent + LK_RECORD_PART, len, base, trouble, err);
        uint32_t magic = get_u32(bytes + r.extent);
        LK_NEED(magic == LK_RECORD_MAGIC, err, LK_EFORMAT,
                "no record at byte %" PRIu64 ": found %08" PRIx32 ", expected the magic number %08x",
                base + r.extent, magic, LK_RECORD_MAGIC);
        size_t length;
        place = part_word(bytes + r.extent, &length);
        bool fits = r.parts == 0 ? place == WHOLE || place == FIRST : place == MIDDLE || place == LAST;
        LK_NEED(fits, err, LK_EFORMAT, "the record part at byte %" PRIu64 " is of kind %u, expected %s",
                base + r.extent, place, r.parts == 0 ? "0 (whole) or 1 (first)" : "2 (middle) or 3 (last)");
        size_t end = r.extent + LK_RECORD_PART + length; /* no overflow: extent <= len, length < 2^29 */
        if (end > len)
            return cut_off(end, len, base, trouble, err);
        r.length += length + (r.parts > 0 ? sizeof MAGIC : 0);
        r.extent = padded(end) < len ? padded(end) : len; /* the file may end before the zeros do */
        r.parts++;
    } while (place == FIRST || place == MIDDLE);
    *out = r;
    return LK_OK;
}

size_t lk_record_join(const uint8_t *bytes, const struct lk_record *record, uint8_t *out, size_t n)
{
    size_t done = 0;
    for (size_t part = 0; part < record->parts; part++) {
        if (part > 0) {
            size_t take = n - done < sizeof MAGIC ? n - done : sizeof MAGIC;
            memcpy(out + done, MAGIC, take); /* in place: before the next part's header */
            done += take;
        }
        size_t length;
        part_word(bytes, &length);
        size_t take = n - done < length ? n - done : length;
        memmove(out + done, bytes + LK_RECORD_PART, take);
        done += take;
        if (done == n)
            break;
        bytes += LK_RECORD_PART + padded(length);
    }
    return done;
}

size_t lk_record_resume(const uint8_t *bytes, size_t len, size_t at)
{
    for (at = padded(at); at < len && len - at >= LK_RECORD_PART; at += 4) {
        size_t length;
        if (get_u32(bytes + at) == LK_RECORD_MAGIC && part_word(bytes + at, &length) <= FIRST)
            return at;
    }
    return len;
}

lk_status lk_record_head_parse(const uint8_t *bytes, size_t n, size_t length, struct lk_record_head *out,
                               lk_error *err)
{
    assert(n <= length && (n == length || n >= LK_RECORD_HEAD_BYTES));
    LK_NEED(n >= LK_RECORD_HEADER, err, LK_EFORMAT, "a record of %zu bytes, expected a header of %d", length,
            LK_RECORD_HEADER);
    struct lk_record_head head = {.flag = get_u32(bytes), .picture = LK_RECORD_HEADER};
    LK_NEED(head.flag <= (length - LK_RECORD_HEADER) / 4, err, LK_EFORMAT,
            "a record with %" PRIu32 " labels in %zu bytes", head.flag, length);
    head.picture += 4 * (size_t)head.flag;
    if (head.flag == 0)
        head.labels[0] = get_u32(bytes + 4);
    for (size_t i = 0; i < 2 && i < head.flag; i++)
        head.labels[i] = get_u32(bytes + LK_RECORD_HEADER + 4 * i);
    *out = head;
    return LK_OK;
}

int64_t lk_record_label(uint32_t bits, bool *integer)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    *integer = bits != 0 && bits < 1u << 23; /* subnormal as f32 */
    if (*integer)
        return (int64_t)bits;
    return value >= 0 && value < 0x1p31f && truncf(value) == value ? (int64_t)value : -1;
}
