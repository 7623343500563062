/* SPDX-License-Identifier: Apache-2.0 */
/* npy.c - reads and writes NumPy's .npy files (the format is NumPy Enhancement Proposal 1). */
#include "formats/npy.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_DIMENSIONS = 32, MAX_WORD = 64 };

static const uint8_t MAGIC[6] = {0x93, 'N', 'U', 'M', 'P', 'Y'};

/* ---- the header: a Python dictionary literal with three known keys -------------------------------- */

struct parser {
    const uint8_t *text;
    size_t len, at;
    lk_error *err;
};

/* The next byte after blanks, or 0 at the end; not taken. */
static uint8_t peek(struct parser *p)
{
    while (p->at < p->len && (p->text[p->at] == ' ' || p->text[p->at] == '\n'))
        p->at++;
    return p->at < p->len ? p->text[p->at] : 0;
}

static lk_status take(struct parser *p, char wanted)
{
    LK_NEED(peek(p) == (uint8_t)wanted, p->err, LK_EFORMAT,
            "the .npy header is damaged at its byte %zu: expected '%c'", p->at, wanted);
    p->at++;
    return LK_OK;
}

/* A quoted string without escapes. */
static lk_status take_string(struct parser *p, char word[MAX_WORD])
{
    uint8_t quote = peek(p);
    LK_NEED(quote == '\'' || quote == '"', p->err, LK_EFORMAT,
            "the .npy header is damaged at its byte %zu: expected a quoted word", p->at);
    p->at++;
    size_t n = 0;
    while (p->at < p->len && p->text[p->at] != quote) {
        uint8_t c = p->text[p->at++];
        LK_NEED(n < MAX_WORD - 1 && c >= 0x20 && c < 0x7f && c != '\\', p->err, LK_EFORMAT,
                "the .npy header is damaged at its byte %zu: expected a short word", p->at);
        word[n++] = (char)c;
    }
    word[n] = '\0';
    return take(p, (char)quote);
}

static lk_status take_bool(struct parser *p, bool *out)
{
    peek(p);
    size_t left = p->len - p->at;
    *out = left >= 4 && memcmp(p->text + p->at, "True", 4) == 0;
    bool no = left >= 5 && memcmp(p->text + p->at, "False", 5) == 0;
    LK_NEED(*out || no, p->err, LK_EFORMAT,
            "the .npy header is damaged at its byte %zu: expected True or False", p->at);
    p->at += *out ? 4 : 5;
    return LK_OK;
}

static lk_status take_number(struct parser *p, uint64_t *out)
{
    uint8_t c = peek(p);
    LK_NEED(c >= '0' && c <= '9', p->err, LK_EFORMAT,
            "the .npy header is damaged at its byte %zu: expected a number", p->at);
    uint64_t value = 0;
    for (; p->at < p->len && (c = p->text[p->at]) >= '0' && c <= '9'; p->at++)
        if (__builtin_mul_overflow(value, (uint64_t)10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(c - '0'), &value))
            return lk_fail(p->err, LK_EFORMAT, "the .npy header gives a size beyond 2^64");
    *out = value;
    return LK_OK;
}

static lk_status take_shape(struct parser *p, uint64_t shape[2], int *n)
{
    LK_TRY(take(p, '('));
    *n = 0;
    while (peek(p) != ')') {
        uint64_t size = 0;
        LK_NEED(*n < MAX_DIMENSIONS, p->err, LK_EFORMAT, "the .npy header gives more than %d dimensions",
                MAX_DIMENSIONS);
        LK_TRY(take_number(p, &size));
        if (*n < 2)
            shape[*n] = size;
        (*n)++;
        if (peek(p) != ')')
            LK_TRY(take(p, ','));
    }
    return take(p, ')');
}

/* Takes a type such as "<f4" apart. What is not of this form keeps kind 0. */
static void understand_type(struct lk_npy_array *out)
{
    const char *descr = out->descr;
    if (descr[0] == '\0' || strchr("<>=|", descr[0]) == NULL || descr[1] < 'A' || descr[2] < '0' ||
        descr[2] > '9')
        return;
    char *end;
    unsigned long count = strtoul(descr + 2, &end, 10);
    if (*end != '\0' || count > UINT32_MAX)
        return;
    out->kind = descr[1];
    out->big_endian = descr[0] == '>';
    out->item_bytes = out->kind == 'U' ? 4 * (uint64_t)count : count; /* text counts characters */
}

static lk_status take_type(struct parser *p, struct lk_npy_array *out)
{
    LK_NEED(peek(p) != '[', p->err, LK_EFORMAT,
            "the array holds records with several fields, expected '<f4', '<f2' or '<f8'");
    LK_TRY(take_string(p, out->descr));
    understand_type(out);
    return LK_OK;
}

static lk_status parse_dict(struct parser *p, struct lk_npy_array *out)
{
    enum { DESCR = 1, FORTRAN = 2, SHAPE = 4, ALL = 7 };
    int seen = 0;
    LK_TRY(take(p, '{'));
    while (peek(p) != '}') {
        char key[MAX_WORD];
        LK_TRY(take_string(p, key));
        LK_TRY(take(p, ':'));
        int bit = strcmp(key, "descr") == 0           ? DESCR
                  : strcmp(key, "fortran_order") == 0 ? FORTRAN
                  : strcmp(key, "shape") == 0         ? SHAPE
                                                      : 0;
        LK_NEED(bit != 0 && (seen & bit) == 0, p->err, LK_EFORMAT,
                "the .npy header has the key '%s' %s, expected descr, fortran_order and shape once each", key,
                bit == 0 ? "" : "twice");
        seen |= bit;
        if (bit == DESCR)
            LK_TRY(take_type(p, out));
        else if (bit == FORTRAN)
            LK_TRY(take_bool(p, &out->fortran));
        else
            LK_TRY(take_shape(p, out->shape, &out->n_dims));
        if (peek(p) != '}')
            LK_TRY(take(p, ','));
    }
    LK_TRY(take(p, '}'));
    LK_NEED(peek(p) == 0 && p->at == p->len, p->err, LK_EFORMAT,
            "the .npy header goes on after its closing brace");
    LK_NEED(seen == ALL, p->err, LK_EFORMAT, "the .npy header lacks %s",
            !(seen & DESCR)   ? "'descr'"
            : !(seen & SHAPE) ? "'shape'"
                              : "'fortran_order'");
    return LK_OK;
}

lk_status lk_npy_describe(const uint8_t *bytes, size_t len, struct lk_npy_array *out, lk_error *err)
{
    LK_NEED(len > 0, err, LK_EFORMAT, "the file is empty, expected a .npy array");
    LK_NEED(len >= sizeof MAGIC && memcmp(bytes, MAGIC, sizeof MAGIC) == 0, err, LK_EFORMAT,
            len >= 2 && memcmp(bytes, "PK", 2) == 0
                ? "a zip or .npz archive, expected a .npy array"
                : "not a .npy array (its first bytes are not \\x93NUMPY)");
    LK_NEED(len >= 10, err, LK_EFORMAT, "the .npy header is cut off after %zu bytes", len);
    unsigned version = bytes[6];
    LK_NEED(version >= 1 && version <= 3 && bytes[7] == 0, err, LK_EFORMAT,
            ".npy format version %u.%u, expected 1.0, 2.0 or 3.0", version, bytes[7]);
    size_t start = version == 1 ? 10 : 12;
    LK_NEED(len >= start, err, LK_EFORMAT, "the .npy header is cut off after %zu bytes", len);
    size_t header = bytes[8] | (size_t)bytes[9] << 8;
    if (version > 1)
        header |= (size_t)bytes[10] << 16 | (size_t)bytes[11] << 24;
    LK_NEED(header <= LK_NPY_MAX_HEADER, err, LK_EFORMAT, "a .npy header of %zu bytes, expected at most %d",
            header, LK_NPY_MAX_HEADER);
    LK_NEED(header <= len - start, err, LK_EFORMAT, "the .npy header is cut off: %zu bytes of %zu",
            len - start, header);

    struct parser p = {bytes + start, header, 0, err};
    struct lk_npy_array array = {.data_offset = start + header};
    LK_TRY(parse_dict(&p, &array));
    *out = array;
    return LK_OK;
}

lk_status lk_npy_layout(const struct lk_npy_array *array, uint64_t len, struct lk_layout *out, lk_error *err)
{
    LK_NEED(strchr(array->descr, 'O') == NULL, err, LK_EFORMAT,
            "the array holds pickled Python objects (type '%s'), expected numbers: '<f4', '<f2' or '<f8'",
            array->descr);
    uint64_t size = array->item_bytes;
    LK_NEED(array->kind == 'f' && (size == 2 || size == 4 || size == 8), err, LK_EFORMAT,
            "the array has the type '%s', expected '<f4', '<f2' or '<f8'", array->descr);
    LK_NEED(array->n_dims == 2, err, LK_EFORMAT,
            "the array has %d dimension%s, expected 2: one row for each vector", array->n_dims,
            array->n_dims == 1 ? "" : "s");
    uint64_t rows = array->shape[0], dim = array->shape[1];
    LK_NEED(dim >= 1 && dim <= LK_MAX_DIM, err, LK_EFORMAT,
            "vectors of %" PRIu64 " numbers, expected 1 to %d", dim, LK_MAX_DIM);
    uint64_t want, have = len - array->data_offset;
    bool too_many = __builtin_mul_overflow(rows, dim * size, &want);
    LK_NEED(!too_many && want <= have, err, LK_EFORMAT,
            "the array is cut off: %" PRIu64 " x %" PRIu64 " numbers of %" PRIu64
            " bytes do not fit into the %" PRIu64 " bytes behind the header",
            rows, dim, size, have);
    LK_NEED(want == have, err, LK_EFORMAT,
            "%" PRIu64 " bytes too many: the header says %" PRIu64 " x %" PRIu64 " numbers of %" PRIu64
            " bytes",
            have - want, rows, dim, size);
    *out = (struct lk_layout){(int)size, array->big_endian, array->fortran, rows, dim, array->data_offset};
    return LK_OK;
}

lk_status lk_npy_parse(const uint8_t *bytes, size_t len, struct lk_layout *out, lk_error *err)
{
    struct lk_npy_array array;
    LK_TRY(lk_npy_describe(bytes, len, &array, err));
    return lk_npy_layout(&array, len, out, err);
}

lk_status lk_matrix_open(struct lk_matrix *out, lk_ctx *ctx, const char *path, lk_error *err)
{
    struct lk_map map;
    struct lk_layout layout;
    LK_TRY(lk_map_open(&map, path, err));
    lk_status status = lk_npy_parse(map.bytes, map.len, &layout, err);
    if (status == LK_OK)
        status = lk_matrix_take(out, &map, &layout, ctx, err);
    if (status != LK_OK)
        lk_error_prefix(err, "%s", path);
    lk_map_close(&map);
    return status;
}

lk_status lk_npy_write_header(FILE *stream, uint64_t rows, uint64_t dim, lk_error *err)
{
    char header[LK_NPY_HEADER_BYTES], dict[LK_NPY_HEADER_BYTES];
    int len = snprintf(dict, sizeof dict,
                       "{'descr': '<f4', 'fortran_order': False, 'shape': (%" PRIu64 ", %" PRIu64 "), }",
                       rows, dim); /* at most 98: two numbers of 20 digits fit */
    memset(header, ' ', sizeof header);
    memcpy(header, MAGIC, sizeof MAGIC);
    memcpy(header + 6, (const uint8_t[4]){1, 0, LK_NPY_HEADER_BYTES - 10, 0}, 4);
    memcpy(header + 10, dict, (size_t)len);
    header[LK_NPY_HEADER_BYTES - 1] = '\n';
    if (fwrite(header, 1, LK_NPY_HEADER_BYTES, stream) != LK_NPY_HEADER_BYTES)
        return lk_fail_sys(err, LK_EIO, "the .npy header cannot be written");
    return LK_OK;
}
