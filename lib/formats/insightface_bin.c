/* SPDX-License-Identifier: Apache-2.0 */
/* insightface_bin.c - follows the opcodes of a pickle that holds pictures in pairs, and executes none.
 *
 * The opcodes are those of CPython's Lib/pickletools.py. A stack of values, a memo and two lists are all that
 * there is. */
#include "formats/insightface_bin.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { N_LISTS = 2 };

enum kind {
    MARK,
    LIST,    /* at = its number */
    PICTURE, /* a byte string */
    LATIN1,  /* a byte string that is written as text */
    TEXT,
    ENCODE,    /* the name of the function _codecs.encode, which is never called */
    ARGUMENTS, /* (text, "latin1"); at and len are the text's */
    TRUTH,     /* at = 0 or 1 */
    PAIR,      /* (pictures, booleans) */
};

struct value {
    enum kind kind;
    size_t at, len;
};

struct values {
    struct value *items;
    size_t n, capacity;
};

struct machine {
    const uint8_t *bytes;
    size_t len, at;
    size_t op_at; /* of the opcode at work */
    struct values stack, memo;
    struct values lists[N_LISTS];
    size_t n_lists;
    lk_error *err;
};

/* ---- bytes and values -------------------------------------------------------------------------- */

static lk_status refuse(const struct machine *m, const char *why)
{
    return lk_fail(m->err, LK_EFORMAT,
                   "opcode 0x%02x at byte %zu: %s; expected a pickle of a list of pictures and a list of "
                   "booleans",
                   m->bytes[m->op_at], m->op_at, why);
}

static lk_status push(struct machine *m, struct values *to, struct value value)
{
    LK_TRY(lk_grow(&to->items, &to->capacity, to->n + 1, sizeof *to->items, m->err));
    to->items[to->n++] = value;
    return LK_OK;
}

/* An unsigned little-endian number of `n` bytes. */
static lk_status take_number(struct machine *m, size_t n, uint64_t *out)
{
    if (m->len - m->at < n)
        return refuse(m, "the file ends inside it");
    uint64_t value = 0;
    for (size_t i = n; i-- > 0;)
        value = value << 8 | m->bytes[m->at + i];
    m->at += n;
    *out = value;
    return LK_OK;
}

/* A string with its length in front, `n` bytes wide. */
static lk_status take_string(struct machine *m, size_t n, enum kind kind)
{
    uint64_t length = 0;
    LK_TRY(take_number(m, n, &length));
    if (length > m->len - m->at)
        return refuse(m, "its string goes on behind the end of the file");
    struct value value = {kind, m->at, (size_t)length};
    m->at += (size_t)length;
    return push(m, &m->stack, value);
}

static bool is_text(const struct machine *m, const struct value *value, const char *text)
{
    return value->len == strlen(text) && memcmp(m->bytes + value->at, text, value->len) == 0;
}

/* The `n` values on top of the stack; NULL when there are fewer. */
static struct value *top(struct machine *m, size_t n)
{
    return m->stack.n >= n ? m->stack.items + m->stack.n - n : NULL;
}

/* ---- opcodes ----------------------------------------------------------------------------------- */

/* GLOBAL: two lines. Python 3 writes bytes in protocol 2 as _codecs.encode(text, "latin1"). */
static lk_status take_global(struct machine *m)
{
    static const char ENCODER[] = "_codecs\nencode\n";
    size_t n = sizeof ENCODER - 1;
    if (m->len - m->at < n || memcmp(m->bytes + m->at, ENCODER, n) != 0)
        return refuse(m, "it names a function, which is never called");
    m->at += n;
    return push(m, &m->stack, (struct value){ENCODE, 0, 0});
}

static lk_status call(struct machine *m)
{
    struct value *v = top(m, 2);
    if (v == NULL || v[0].kind != ENCODE || v[1].kind != ARGUMENTS)
        return refuse(m, "it calls a function, which is never done");
    v[0] = (struct value){LATIN1, v[1].at, v[1].len};
    m->stack.n--;
    return LK_OK;
}

static lk_status make_list(struct machine *m)
{
    if (m->n_lists == N_LISTS)
        return refuse(m, "a third list");
    return push(m, &m->stack, (struct value){LIST, m->n_lists++, 0});
}

static lk_status make_tuple(struct machine *m)
{
    struct value *v = top(m, 2);
    if (v != NULL && v[0].kind == TEXT && v[1].kind == TEXT && is_text(m, &v[1], "latin1"))
        v[0].kind = ARGUMENTS;
    else if (v != NULL && v[0].kind == LIST && v[1].kind == LIST && v[0].at == 0 && v[1].at == 1)
        v[0].kind = PAIR;
    else
        return refuse(m, "a tuple of other things than two lists");
    m->stack.n--;
    return LK_OK;
}

/* Moves the `n` values on top of the stack into the list below them (and below the mark). */
static lk_status append(struct machine *m, size_t n, size_t below)
{
    size_t first = m->stack.n - n;
    if (first < below || m->stack.items[first - below].kind != LIST)
        return refuse(m, "it appends to what is no list");
    struct values *list = &m->lists[m->stack.items[first - below].at];
    for (size_t i = 0; i < n; i++) {
        struct value value = m->stack.items[first + i];
        bool picture = value.kind == PICTURE || value.kind == LATIN1;
        if (!picture && value.kind != TRUTH)
            return refuse(m, "a list with other things than pictures or booleans");
        if (list->n > 0 && picture == (list->items[0].kind == TRUTH))
            return refuse(m, "a list with both pictures and booleans");
        LK_TRY(push(m, list, value));
    }
    m->stack.n = first - below + 1;
    return LK_OK;
}

static lk_status append_many(struct machine *m)
{
    size_t n = 0;
    while (n < m->stack.n && m->stack.items[m->stack.n - 1 - n].kind != MARK)
        n++;
    if (n == m->stack.n)
        return refuse(m, "there is no mark before it");
    return append(m, n, 2);
}

/* Python numbers the entries from 0 or from 1, one after the other. */
static lk_status put(struct machine *m, uint64_t number)
{
    struct value *v = top(m, 1);
    if (v == NULL || v->kind == MARK)
        return refuse(m, "there is nothing to remember");
    if (number > m->memo.n + 1)
        return refuse(m, "its number is too high");
    while (number >= m->memo.n)
        LK_TRY(push(m, &m->memo, (struct value){MARK, 0, 0}));
    m->memo.items[number] = *top(m, 1);
    return LK_OK;
}

static lk_status get(struct machine *m, uint64_t number)
{
    if (number >= m->memo.n || m->memo.items[number].kind == MARK)
        return refuse(m, "it recalls what was never remembered");
    return push(m, &m->stack, m->memo.items[number]);
}

static lk_status take_protocol(struct machine *m)
{
    uint64_t protocol = 0;
    LK_TRY(take_number(m, 1, &protocol));
    return protocol >= 2 && protocol <= 5 ? LK_OK : refuse(m, "a protocol other than 2 to 5");
}

static lk_status take_frame(struct machine *m)
{
    uint64_t length = 0;
    LK_TRY(take_number(m, 8, &length));
    return length <= m->len - m->at ? LK_OK : refuse(m, "its frame goes on behind the end of the file");
}

/* One opcode behind PROTO, STOP excepted. */
static lk_status step(struct machine *m)
{
    uint64_t number = 0;
    switch (m->bytes[m->op_at]) {
    case 0x95: /* FRAME */
        return take_frame(m);
    case '(': /* MARK */
        return push(m, &m->stack, (struct value){MARK, 0, 0});
    case ']': /* EMPTY_LIST */
        return make_list(m);
    case 'a': /* APPEND */
        return m->stack.n > 0 ? append(m, 1, 1) : refuse(m, "there is nothing to append");
    case 'e': /* APPENDS */
        return append_many(m);
    case 'U': /* SHORT_BINSTRING */
    case 'C': /* SHORT_BINBYTES */
        return take_string(m, 1, PICTURE);
    case 'T': /* BINSTRING: its length is signed, and a negative one is too long */
    case 'B': /* BINBYTES */
        return take_string(m, 4, PICTURE);
    case 0x8e: /* BINBYTES8 */
        return take_string(m, 8, PICTURE);
    case 0x8c: /* SHORT_BINUNICODE */
        return take_string(m, 1, TEXT);
    case 'X': /* BINUNICODE */
        return take_string(m, 4, TEXT);
    case 0x88: /* NEWTRUE */
    case 0x89: /* NEWFALSE */
        return push(m, &m->stack, (struct value){TRUTH, m->bytes[m->op_at] == 0x88, 0});
    case 'q': /* BINPUT */
        LK_TRY(take_number(m, 1, &number));
        return put(m, number);
    case 'r': /* LONG_BINPUT */
        LK_TRY(take_number(m, 4, &number));
        return put(m, number);
    case 0x94: /* MEMOIZE */
        return put(m, m->memo.n);
    case 'h': /* BINGET */
        LK_TRY(take_number(m, 1, &number));
        return get(m, number);
    case 'j': /* LONG_BINGET */
        LK_TRY(take_number(m, 4, &number));
        return get(m, number);
    case 'c': /* GLOBAL */
        return take_global(m);
    case 'R': /* REDUCE */
        return call(m);
    case 0x86: /* TUPLE2 */
        return make_tuple(m);
    default:
        return refuse(m, "it is none of those that such a file needs");
    }
}

/* ---- the file ---------------------------------------------------------------------------------- */

static lk_status run(struct machine *m)
{
    LK_NEED(m->len >= 2 && m->bytes[0] == 0x80, m->err, LK_EFORMAT,
            "no pickle of protocol 2 or later: it starts with byte 0x%02x, expected 0x80",
            m->len > 0 ? m->bytes[0] : 0u);
    m->at = 1;
    LK_TRY(take_protocol(m));
    for (;;) {
        LK_NEED(m->at < m->len, m->err, LK_EFORMAT, "the pickle is cut off: it has no end after %zu bytes",
                m->len);
        m->op_at = m->at++;
        if (m->bytes[m->op_at] == '.') /* STOP */
            break;
        LK_TRY(step(m));
    }
    if (m->stack.n != 1 || m->stack.items[0].kind != PAIR)
        return refuse(m, "the pickle ends without a pair of lists");
    LK_NEED(m->at == m->len, m->err, LK_EFORMAT, "%zu bytes behind the end of the pickle at byte %zu",
            m->len - m->at, m->at);
    return LK_OK;
}

/* Takes the two lists over into *out. */
static lk_status take_lists(struct machine *m, struct lk_bin *out)
{
    const struct values *pictures = &m->lists[0], *truths = &m->lists[1];
    LK_NEED(truths->n > 0 && pictures->n > 0, m->err, LK_EFORMAT,
            "no pairs: %zu pictures and %zu booleans, expected some", pictures->n, truths->n);
    LK_NEED(pictures->items[0].kind != TRUTH && truths->items[0].kind == TRUTH, m->err, LK_EFORMAT,
            "expected first the list of pictures, then the list of booleans");
    LK_NEED(pictures->n / 2 == truths->n && pictures->n % 2 == 0, m->err, LK_EFORMAT,
            "%zu pictures and %zu booleans, expected two pictures for each boolean", pictures->n, truths->n);
    struct lk_bin bin = {.pictures = lk_calloc(pictures->n, sizeof *bin.pictures, m->err),
                         .same = lk_calloc(truths->n, sizeof *bin.same, m->err),
                         .n_pairs = truths->n};
    if (bin.pictures == NULL || bin.same == NULL) {
        lk_bin_free(&bin);
        return LK_ENOMEM;
    }
    for (size_t i = 0; i < pictures->n; i++) {
        const struct value *v = &pictures->items[i];
        bin.pictures[i] = (struct lk_bin_picture){v->at, v->len, v->kind == LATIN1};
    }
    for (size_t i = 0; i < truths->n; i++)
        bin.same[i] = truths->items[i].at != 0;
    *out = bin;
    return LK_OK;
}

lk_status lk_bin_parse(struct lk_bin *out, const uint8_t *bytes, size_t len, lk_error *err)
{
    struct machine m = {.bytes = bytes, .len = len, .err = err};
    lk_status status = run(&m);
    if (status == LK_OK)
        status = take_lists(&m, out);
    free(m.stack.items);
    free(m.memo.items);
    for (size_t i = 0; i < N_LISTS; i++)
        free(m.lists[i].items);
    return status;
}

void lk_bin_free(struct lk_bin *bin)
{
    free(bin->pictures);
    free(bin->same);
    *bin = (struct lk_bin){0};
}

lk_status lk_bin_latin1(uint8_t *bytes, size_t *len, uint64_t base, lk_error *err)
{
    size_t n = 0;
    for (size_t i = 0; i < *len; i++) {
        uint8_t byte = bytes[i];
        if (byte > 0x7f) {
            bool two = (byte & 0xfe) == 0xc2 && i + 1 < *len && (bytes[i + 1] & 0xc0) == 0x80;
            LK_NEED(two, err, LK_EFORMAT, "the text at byte %" PRIu64 " is no bytes: found 0x%02x", base + i,
                    byte);
            byte = (uint8_t)(byte << 6 | (bytes[++i] & 0x3f));
        }
        bytes[n++] = byte;
    }
    *len = n;
    return LK_OK;
}
