/* SPDX-License-Identifier: Apache-2.0 */
/* msgpack.c - looks through MessagePack values in place. */
#include "formats/msgpack.h"

#include <inttypes.h>

enum kind { OTHER, NUMBER, BYTES, LIST };

/* What stands at one place of a value. */
struct item {
    enum kind kind;
    uint8_t type;      /* its first byte */
    uint64_t number;   /* NUMBER: its value */
    size_t data, len;  /* bytes that belong to it: a string's text, a number's bytes */
    uint64_t children; /* elements that follow: of a list, or keys and values of a map */
    bool negative;
};

struct reader {
    const uint8_t *bytes;
    size_t len, at;
    lk_error *err;
};

static lk_status cut_off(const struct reader *r, size_t start)
{
    return lk_fail(r->err, LK_EFORMAT, "the MessagePack value is cut off: type 0x%02x at its byte %zu of %zu",
                   r->bytes[start], start, r->len);
}

/* A big-endian number of `n` bytes. */
static lk_status take_number(struct reader *r, size_t start, size_t n, uint64_t *out)
{
    if (r->len - r->at < n)
        return cut_off(r, start);
    uint64_t value = 0;
    for (size_t i = 0; i < n; i++)
        value = value << 8 | r->bytes[r->at++];
    *out = value;
    return LK_OK;
}

/* Types 0xc0 to 0xdf: what follows the type byte. */
struct layout {
    uint8_t width; /* of the number or length that follows */
    uint8_t extra; /* bytes beside that: 1 for the kind of an extension */
    enum { FIXED, LENGTH, ELEMENTS, PAIRS, UNSIGNED, SIGNED, BAD } use;
    bool bytes;
};
static const struct layout LAYOUTS[32] = {
    [0x00] = {0, 0, FIXED, false}, /* nil */
    [0x01] = {0, 0, BAD, false},      [0x02] = {0, 0, FIXED, false},
    [0x03] = {0, 0, FIXED, false}, /* false, true */
    [0x04] = {1, 0, LENGTH, true},    [0x05] = {2, 0, LENGTH, true},
    [0x06] = {4, 0, LENGTH, true}, /* bin */
    [0x07] = {1, 1, LENGTH, false},   [0x08] = {2, 1, LENGTH, false},
    [0x09] = {4, 1, LENGTH, false},                                  /* ext */
    [0x0a] = {0, 4, FIXED, false},    [0x0b] = {0, 8, FIXED, false}, /* float */
    [0x0c] = {1, 0, UNSIGNED, false}, [0x0d] = {2, 0, UNSIGNED, false},
    [0x0e] = {4, 0, UNSIGNED, false}, [0x0f] = {8, 0, UNSIGNED, false},
    [0x10] = {1, 0, SIGNED, false},   [0x11] = {2, 0, SIGNED, false},
    [0x12] = {4, 0, SIGNED, false},   [0x13] = {8, 0, SIGNED, false},
    [0x14] = {0, 2, FIXED, false},    [0x15] = {0, 3, FIXED, false},
    [0x16] = {0, 5, FIXED, false}, /* fixext */
    [0x17] = {0, 9, FIXED, false},    [0x18] = {0, 17, FIXED, false},
    [0x19] = {1, 0, LENGTH, true},    [0x1a] = {2, 0, LENGTH, true},
    [0x1b] = {4, 0, LENGTH, true}, /* text */
    [0x1c] = {2, 0, ELEMENTS, false}, [0x1d] = {4, 0, ELEMENTS, false},
    [0x1e] = {2, 0, PAIRS, false},    [0x1f] = {4, 0, PAIRS, false},
};

static lk_status take_typed(struct reader *r, size_t start, struct item *out)
{
    const struct layout *layout = &LAYOUTS[r->bytes[start] - 0xc0];
    uint64_t number = 0;
    LK_NEED(layout->use != BAD, r->err, LK_EFORMAT, "0x%02x at byte %zu is no MessagePack type",
            r->bytes[start], start);
    LK_TRY(take_number(r, start, layout->width, &number));
    uint64_t len = layout->extra;
    switch (layout->use) {
    case LENGTH:
        len += number;
        out->kind = layout->bytes ? BYTES : OTHER;
        break;
    case ELEMENTS:
        out->kind = LIST;
        out->children = number;
        break;
    case PAIRS:
        out->children = 2 * number;
        break;
    case SIGNED:
        out->negative = number >> (8 * layout->width - 1) != 0;
        out->kind = NUMBER;
        out->number = number;
        break;
    case UNSIGNED:
        out->kind = NUMBER;
        out->number = number;
        break;
    default:
        break;
    }
    if (len > r->len - r->at)
        return cut_off(r, start);
    out->data = r->at;
    out->len = (size_t)len;
    r->at += out->len;
    return LK_OK;
}

/* Takes what stands at the reader's place, without the elements of a list or map. */
static lk_status take_item(struct reader *r, struct item *out)
{
    *out = (struct item){0};
    LK_NEED(r->at < r->len, r->err, LK_EFORMAT, "the MessagePack value is cut off after %zu bytes", r->len);
    size_t start = r->at++;
    uint8_t type = out->type = r->bytes[start];
    if (type <= 0x7f || type >= 0xe0) {
        out->kind = NUMBER;
        out->number = type;
        out->negative = type >= 0xe0;
    } else if (type <= 0x8f) {
        out->children = 2 * (uint64_t)(type & 0x0f);
    } else if (type <= 0x9f) {
        out->kind = LIST;
        out->children = type & 0x0f;
    } else if (type <= 0xbf) {
        out->kind = BYTES;
        out->data = r->at;
        out->len = type & 0x1f;
        if (out->len > r->len - r->at)
            return cut_off(r, start);
        r->at += out->len;
    } else {
        LK_TRY(take_typed(r, start, out));
    }
    LK_NEED(out->children <= r->len - r->at, r->err, LK_EFORMAT, /* each takes a byte at least */
            "the MessagePack value is cut off: %" PRIu64 " elements at its byte %zu of %zu", out->children,
            start, r->len);
    return LK_OK;
}

/* Passes over an element with all that it holds. */
static lk_status pass_over(struct reader *r, uint64_t waiting)
{
    struct item item;
    for (; waiting > 0; waiting += item.children - 1)
        LK_TRY(take_item(r, &item));
    return LK_OK;
}

lk_status lk_msgpack_face_parse(const uint8_t *bytes, size_t len, struct lk_msgpack_face *out, lk_error *err)
{
    struct reader r = {bytes, len, 0, err};
    struct item list, item;
    struct lk_msgpack_face face = {0};
    LK_TRY(take_item(&r, &list));
    LK_NEED(list.kind == LIST && list.children > 0, err, LK_EFORMAT,
            "MessagePack type 0x%02x, expected a list [picture, ..., label]", list.type);
    LK_TRY(take_item(&r, &item));
    LK_NEED(item.kind == BYTES, err, LK_EFORMAT,
            "MessagePack type 0x%02x as the first element, expected a picture's bytes", item.type);
    face.picture = item.data;
    face.picture_len = item.len;
    for (uint64_t i = 1; i < list.children && !face.has_label; i++) {
        LK_TRY(take_item(&r, &item));
        LK_TRY(pass_over(&r, item.children));
        if (item.kind == NUMBER && !item.negative) {
            face.has_label = true;
            face.label = item.number;
        }
    }
    *out = face;
    return LK_OK;
}

lk_status lk_msgpack_number(const uint8_t *bytes, size_t len, uint64_t *out, lk_error *err)
{
    struct reader r = {bytes, len, 0, err};
    struct item item;
    LK_TRY(take_item(&r, &item));
    LK_NEED(item.kind == NUMBER && !item.negative && r.at == len, err, LK_EFORMAT,
            "MessagePack type 0x%02x, expected a whole number", item.type);
    *out = item.number;
    return LK_OK;
}

lk_status lk_msgpack_count(const uint8_t *bytes, size_t len, uint64_t *out, lk_error *err)
{
    struct reader r = {bytes, len, 0, err};
    struct item item;
    LK_TRY(take_item(&r, &item));
    LK_NEED(item.kind == LIST, err, LK_EFORMAT, "MessagePack type 0x%02x, expected a list", item.type);
    *out = item.children;
    return LK_OK;
}
