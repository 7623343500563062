/* SPDX-License-Identifier: Apache-2.0 */
/* npy.c - reads and writes NumPy's .npy files (the format is NumPy Enhancement Proposal 1). */
#include "formats/npy.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_HEADER = 64 << 10, MAX_DIM = 65536, MAX_DIMENSIONS = 32, MAX_WORD = 64 };

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

static lk_status check_type(const char *descr, struct lk_npy_header *out, lk_error *err)
{
    LK_NEED(strchr(descr, 'O') == NULL, err, LK_EFORMAT,
            "the array holds pickled Python objects (type '%s'), expected numbers: '<f4', '<f2' or '<f8'",
            descr);
    LK_NEED(descr[0] != '>', err, LK_EFORMAT,
            "the array is big-endian (type '%s'), expected '<f4', '<f2' or '<f8'", descr);
    bool order = descr[0] == '<' || descr[0] == '=' || descr[0] == '|';
    bool size =
        order && descr[1] == 'f' && strchr("248", descr[2]) != NULL && descr[2] != '\0' && descr[3] == '\0';
    LK_NEED(size, err, LK_EFORMAT, "the array has the type '%s', expected '<f4', '<f2' or '<f8'", descr);
    out->kind = 'f';
    out->item_bytes = descr[2] - '0';
    return LK_OK;
}

static lk_status parse_dict(struct parser *p, struct lk_npy_header *out)
{
    enum { DESCR = 1, FORTRAN = 2, SHAPE = 4, ALL = 7 };
    int seen = 0, n = 0;
    uint64_t shape[2] = {0, 0};
    bool fortran = false;
    LK_TRY(take(p, '{'));
    while (peek(p) != '}') {
        char key[MAX_WORD], descr[MAX_WORD];
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
        if (bit == DESCR) {
            LK_NEED(peek(p) != '[', p->err, LK_EFORMAT,
                    "the array holds records with several fields, expected '<f4', '<f2' or '<f8'");
            LK_TRY(take_string(p, descr));
            LK_TRY(check_type(descr, out, p->err));
        } else if (bit == FORTRAN) {
            LK_TRY(take_bool(p, &fortran));
        } else {
            LK_TRY(take_shape(p, shape, &n));
        }
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
    LK_NEED(n == 2, p->err, LK_EFORMAT, "the array has %d dimension%s, expected 2: one row for each vector",
            n, n == 1 ? "" : "s");
    /* With one row or one column both orders are the same; NumPy then writes C order. */
    LK_NEED(!fortran, p->err, LK_EFORMAT,
            "the array is in Fortran order, expected C order (save numpy.ascontiguousarray of it)");
    out->rows = shape[0];
    out->dim = shape[1];
    return LK_OK;
}

lk_status lk_npy_parse(const uint8_t *bytes, size_t len, struct lk_npy_header *out, lk_error *err)
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
    LK_NEED(header <= MAX_HEADER, err, LK_EFORMAT, "a .npy header of %zu bytes, expected at most %d", header,
            MAX_HEADER);
    LK_NEED(header <= len - start, err, LK_EFORMAT, "the .npy header is cut off: %zu bytes of %zu",
            len - start, header);

    struct parser p = {bytes + start, header, 0, err};
    struct lk_npy_header h = {.data_offset = start + header};
    LK_TRY(parse_dict(&p, &h));
    LK_NEED(h.dim >= 1 && h.dim <= MAX_DIM, err, LK_EFORMAT,
            "vectors of %" PRIu64 " numbers, expected 1 to %d", h.dim, MAX_DIM);
    uint64_t want, have = len - h.data_offset;
    bool too_many = __builtin_mul_overflow(h.rows, h.dim * (uint64_t)h.item_bytes, &want);
    LK_NEED(!too_many && want <= have, err, LK_EFORMAT,
            "the array is cut off: %" PRIu64 " x %" PRIu64 " numbers of %d bytes do not fit into the %" PRIu64
            " bytes behind the header",
            h.rows, h.dim, h.item_bytes, have);
    LK_NEED(want == have, err, LK_EFORMAT,
            "%" PRIu64 " bytes too many: the header says %" PRIu64 " x %" PRIu64 " numbers of %d bytes",
            have - want, h.rows, h.dim, h.item_bytes);
    *out = h;
    return LK_OK;
}

/* ---- the matrix ------------------------------------------------------------------------------------ */

static float from_half(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, exponent = h >> 10 & 31, fraction = h & 0x3ff;
    if (exponent == 0) { /* zero and subnormal: fraction * 2^-24, exact in float */
        float value = (float)fraction * 0x1p-24f;
        return sign != 0 ? -value : value;
    }
    uint32_t bits = sign | (exponent == 31 ? 255 : exponent + 112) << 23 | fraction << 13;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Rounds; what float cannot hold becomes infinite, and is found with the other rows that are not finite. */
static float from_double(double value)
{
    const double limit = 0x1.ffffffp127; /* halfway from FLT_MAX to the next power of two */
    if (value >= limit)
        return INFINITY;
    return value <= -limit ? -INFINITY : (float)value;
}

static void convert(const uint8_t *from, int item_bytes, float *to, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (item_bytes == 2) {
            uint16_t half;
            memcpy(&half, from + 2 * i, sizeof half);
            to[i] = from_half(half);
        } else if (item_bytes == 4) {
            memcpy(&to[i], from + 4 * i, sizeof to[i]);
        } else {
            double value;
            memcpy(&value, from + 8 * i, sizeof value);
            to[i] = from_double(value);
        }
    }
}

lk_status lk_matrix_open(struct lk_matrix *out, const char *path, lk_error *err)
{
    struct lk_matrix m = {0};
    struct lk_npy_header h;
    LK_TRY(lk_map_open(&m.map, path, err));
    lk_status status = lk_npy_parse(m.map.bytes, m.map.len, &h, err);
    if (status != LK_OK) {
        lk_error_prefix(err, "%s", path);
        lk_map_close(&m.map);
        return status;
    }
    m.rows = h.rows;
    m.dim = h.dim;
    const uint8_t *data = m.map.bytes + h.data_offset;
    if (h.item_bytes == 4 && (uintptr_t)data % _Alignof(float) == 0) {
        m.data = (const float *)(const void *)data;
    } else {
        size_t n = (size_t)(h.rows * h.dim); /* no overflow: the data are in the file */
        if ((m.owned = lk_alloc_aligned(n, sizeof *m.owned, err)) == NULL) {
            lk_error_prefix(err, "%s", path);
            lk_map_close(&m.map);
            return LK_ENOMEM;
        }
        convert(data, h.item_bytes, m.owned, n);
        m.data = m.owned;
        lk_map_close(&m.map);
    }
    *out = m;
    return LK_OK;
}

void lk_matrix_close(struct lk_matrix *matrix)
{
    lk_map_close(&matrix->map);
    free(matrix->owned);
    *matrix = (struct lk_matrix){0};
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
