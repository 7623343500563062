/* SPDX-License-Identifier: Apache-2.0 */
/* vectors_npz.c - .npz files: a zip archive of .npy arrays, one of vectors and perhaps some of labels. */
#include <archive.h>
#include <archive_entry.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "formats/npy.h"
#include "formats/vectors.h"

enum { MAX_ENTRIES = 10000, BLOCK = 1 << 20, MAX_LABEL_BYTES = 4096 };

/* An array of the archive, as far as its header says. */
struct member {
    char *name;    /* without ".npy" */
    int entry;     /* place in the archive */
    uint64_t size; /* of the .npy file */
    struct lk_npy_array array;
    struct lk_layout layout;
    lk_error why; /* why it is no matrix of vectors; code 0 = it is one */
};

struct npz {
    const uint8_t *bytes;
    size_t len;
    struct member *members;
    size_t n, capacity;
};

static void close_npz(struct npz *z)
{
    for (size_t i = 0; i < z->n; i++)
        free(z->members[i].name);
    free(z->members);
}

static lk_status fail_archive(struct archive *a, const char *what, lk_error *err)
{
    const char *why = archive_error_string(a);
    return lk_fail(err, LK_EFORMAT, "%s: %s", what, why != NULL ? why : "the zip archive is damaged");
}

static lk_status open_archive(struct archive **out, const struct npz *z, lk_error *err)
{
    struct archive *a = archive_read_new();
    LK_NEED(a != NULL, err, LK_ENOMEM, "out of memory");
    /* By its table at the end: without one, it was not written to its end. */
    if (archive_read_support_format_zip_seekable(a) != ARCHIVE_OK ||
        archive_read_open_memory(a, z->bytes, z->len) != ARCHIVE_OK) {
        lk_status status = fail_archive(a, "not a complete .npz (zip) archive", err);
        archive_read_free(a);
        return status;
    }
    *out = a;
    return LK_OK;
}

/* The next entry; *entry is NULL behind the last. */
static lk_status next_entry(struct archive *a, struct archive_entry **entry, lk_error *err)
{
    int r = archive_read_next_header(a, entry);
    if (r == ARCHIVE_EOF)
        *entry = NULL;
    else if (r != ARCHIVE_OK && r != ARCHIVE_WARN)
        return fail_archive(a, "the list of arrays cannot be read", err);
    return LK_OK;
}

/* ---- what is in it -------------------------------------------------------------------------------- */

static void describe_member(struct member *m, struct archive *a, uint8_t *head)
{
    size_t room = LK_NPY_MAX_HEADER + 12, have = 0;
    while (have < room) {
        la_ssize_t n = archive_read_data(a, head + have, room - have);
        if (n < 0) {
            fail_archive(a, "cannot be unpacked", &m->why);
            return;
        }
        if (n == 0)
            break;
        have += (size_t)n;
    }
    if (lk_npy_describe(head, have, &m->array, &m->why) == LK_OK &&
        lk_npy_layout(&m->array, m->size, &m->layout, &m->why) == LK_OK)
        m->why.code = LK_OK;
}

static lk_status add_member(struct npz *z, struct archive *a, struct archive_entry *entry, int place,
                            uint8_t *head, lk_error *err)
{
    const char *name = archive_entry_pathname(entry);
    size_t len = name != NULL ? strlen(name) : 0;
    if (len < 4 || strcmp(name + len - 4, ".npy") != 0 || !archive_entry_size_is_set(entry))
        return LK_OK;
    LK_TRY(lk_grow(&z->members, &z->capacity, z->n + 1, sizeof *z->members, err));
    struct member *m = &z->members[z->n];
    *m = (struct member){.entry = place, .size = (uint64_t)archive_entry_size(entry)};
    if ((m->name = lk_strdup(name, err)) == NULL)
        return LK_ENOMEM;
    m->name[len - 4] = '\0';
    z->n++;
    describe_member(m, a, head);
    return LK_OK;
}

static lk_status list_members(struct npz *z, lk_error *err)
{
    struct archive *a = NULL;
    struct archive_entry *entry;
    LK_TRY(open_archive(&a, z, err));
    uint8_t *head = lk_calloc(LK_NPY_MAX_HEADER + 12, 1, err);
    lk_status status = head != NULL ? LK_OK : LK_ENOMEM;
    for (int i = 0; status == LK_OK; i++) {
        status = next_entry(a, &entry, err);
        if (status != LK_OK || entry == NULL)
            break;
        if (i == MAX_ENTRIES)
            status = lk_fail(err, LK_EFORMAT, "the archive has more than %d entries", MAX_ENTRIES);
        else
            status = add_member(z, a, entry, i, head, err);
    }
    free(head);
    archive_read_free(a);
    return status;
}

/* The array that was asked for, or the only one of vectors. */
static lk_status choose(const struct npz *z, const char *name, const struct member **out, lk_error *err)
{
    const struct member *found = NULL;
    size_t n = 0;
    struct lk_str all = LK_STR_INIT;
    lk_status status = LK_OK;
    for (size_t i = 0; status == LK_OK && i < z->n; i++) {
        const struct member *m = &z->members[i];
        bool is = name[0] != '\0' ? strcmp(m->name, name) == 0 : m->why.code == LK_OK;
        found = is ? m : found;
        n += is;
        if (all.len < 300)
            status = lk_str_addf(&all, err, "%s%.60s", i > 0 ? ", " : "", m->name);
    }
    if (status != LK_OK)
        ; /* out of memory */
    else if (z->n == 0)
        status = lk_fail(err, LK_EFORMAT, "the archive holds no .npy arrays");
    else if (n == 0 && name[0] != '\0')
        status = lk_fail(err, LK_EFORMAT, "no array '%.100s'; there are: %s", name, all.text);
    else if (n == 0 && z->n == 1)
        status = lk_fail(err, LK_EFORMAT, "array '%.60s': %s", z->members[0].name, z->members[0].why.text);
    else if (n == 0)
        status = lk_fail(err, LK_EFORMAT,
                         "none of the arrays is two-dimensional and of floats; there are: %s", all.text);
    else if (n > 1)
        status =
            lk_fail(err, LK_EFORMAT, "%zu arrays could be meant; say which as FILE.npz:ARRAY; there are: %s",
                    n, all.text);
    else if (found->why.code != LK_OK)
        status = lk_fail(err, found->why.code, "array '%.60s': %s", found->name, found->why.text);
    lk_str_free(&all);
    if (status == LK_OK)
        *out = found;
    return status;
}

/* ---- the data ------------------------------------------------------------------------------------- */

static lk_status copy_data(struct archive *a, const struct member *m, struct lk_scratch *scratch,
                           uint8_t *block, lk_ctx *ctx, lk_error *err)
{
    uint64_t done = 0, skip = m->array.data_offset;
    for (;;) {
        la_ssize_t n = archive_read_data(a, block, BLOCK);
        if (n < 0)
            return fail_archive(a, m->name, err);
        if (n == 0)
            break;
        uint64_t from = skip < (uint64_t)n ? skip : (uint64_t)n;
        skip -= from;
        done += (uint64_t)n;
        LK_NEED(done <= m->size, err, LK_EFORMAT, "array '%.60s' is longer than the archive's table says",
                m->name);
        LK_TRY(lk_scratch_write(scratch, block + from, (size_t)n - (size_t)from, err));
        lk_matrix_progress(ctx, done, m->size);
        LK_TRY(lk_ctx_check(ctx, err));
    }
    LK_NEED(done == m->size, err, LK_EFORMAT, "array '%.60s' is cut off: %" PRIu64 " of %" PRIu64 " bytes",
            m->name, done, m->size);
    return LK_OK;
}

/* Unpacks what lies behind the header of an array. */
static lk_status unpack(const struct npz *z, const struct member *m, struct lk_map *out, lk_ctx *ctx,
                        lk_error *err)
{
    struct archive *a = NULL;
    struct archive_entry *entry = NULL;
    struct lk_scratch scratch = LK_SCRATCH_INIT;
    LK_TRY(lk_check_unpacked(m->size, z->len, err));
    LK_TRY(open_archive(&a, z, err));
    uint8_t *block = lk_calloc(BLOCK, 1, err);
    lk_status status = block != NULL ? lk_scratch_open(&scratch, err) : LK_ENOMEM;
    for (int i = 0; status == LK_OK && i <= m->entry; i++)
        status = next_entry(a, &entry, err);
    if (status == LK_OK && entry == NULL)
        status = lk_fail(err, LK_EFORMAT, "the archive changed while it was read");
    if (status == LK_OK)
        status = copy_data(a, m, &scratch, block, ctx, err);
    if (status == LK_OK)
        status = lk_scratch_map(&scratch, out, err);
    lk_scratch_close(&scratch);
    free(block);
    archive_read_free(a);
    return status;
}

/* ---- labels --------------------------------------------------------------------------------------- */

static size_t put_utf8(uint32_t c, char *to)
{
    if (c >= 0x110000 || (c >= 0xd800 && c < 0xe000))
        c = 0xfffd;
    if (c < 0x80) {
        to[0] = (char)c;
        return 1;
    }
    size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--, c >>= 6)
        to[i] = (char)(0x80 | (c & 0x3f));
    to[0] = (char)((n == 2 ? 0xc0 : n == 3 ? 0xe0 : 0xf0) | c);
    return n;
}

/* An integer of any size as text. */
static void put_integer(const uint8_t *item, const struct lk_npy_array *array, char *text, size_t room)
{
    uint64_t value = 0;
    size_t size = (size_t)array->item_bytes;
    for (size_t i = 0; i < size; i++)
        value |= (uint64_t)item[array->big_endian ? size - 1 - i : i] << (8 * i);
    if (array->kind == 'u' || size == 0 || (item[array->big_endian ? 0 : size - 1] & 0x80) == 0)
        snprintf(text, room, "%" PRIu64, value);
    else
        snprintf(text, room, "%" PRId64, (int64_t)(size < 8 ? value | UINT64_MAX << (8 * size) : value));
}

/* Text ends at the first zero: NumPy pads with them. */
static void put_item(const uint8_t *item, const struct lk_npy_array *array, char *text, size_t room)
{
    if (array->kind == 'i' || array->kind == 'u') {
        put_integer(item, array, text, room);
        return;
    }
    size_t len = 0, size = (size_t)array->item_bytes;
    for (size_t i = 0; array->kind == 'U' && i + 4 <= size && len + 5 < room; i += 4) {
        const uint8_t *p = item + i;
        uint32_t c = array->big_endian
                         ? (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]
                         : (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
        if (c == 0)
            break;
        len += put_utf8(c, text + len);
    }
    for (; array->kind == 'S' && len < size && len + 1 < room && item[len] != 0; len++)
        text[len] = (char)item[len];
    text[len] = '\0';
}

static bool is_label_array(const struct member *m, uint64_t rows)
{
    uint64_t size = m->array.item_bytes, bytes;
    bool text = (m->array.kind == 'U' || m->array.kind == 'S') && size >= 1 && size <= MAX_LABEL_BYTES;
    bool integer = (m->array.kind == 'i' || m->array.kind == 'u') && size >= 1 && size <= 8;
    return (text || integer) && m->array.n_dims == 1 && m->array.shape[0] == rows &&
           !__builtin_mul_overflow(rows, size, &bytes) && m->size - m->array.data_offset == bytes;
}

static lk_status read_texts(const struct npz *z, const struct member *m, uint64_t rows, struct lk_texts *out,
                            lk_ctx *ctx, lk_error *err)
{
    struct lk_map map = {NULL, 0};
    struct lk_texts texts = {NULL, rows};
    char text[MAX_LABEL_BYTES + 8];
    LK_TRY(unpack(z, m, &map, ctx, err));
    lk_status status =
        (texts.items = lk_calloc((size_t)rows, sizeof *texts.items, err)) != NULL ? LK_OK : LK_ENOMEM;
    for (uint64_t i = 0; status == LK_OK && i < rows; i++) {
        put_item(map.bytes + i * m->array.item_bytes, &m->array, text, sizeof text);
        if (text[0] != '\0' && (texts.items[i] = lk_strdup(text, err)) == NULL)
            status = LK_ENOMEM;
    }
    lk_map_close(&map);
    if (status == LK_OK)
        *out = texts;
    else
        lk_texts_free(&texts);
    return status;
}

static lk_status read_labels(const struct npz *z, const char *where, lk_ctx *ctx, struct lk_vectors *out,
                             lk_error *err)
{
    for (size_t i = 0; i < z->n; i++) {
        const struct member *m = &z->members[i];
        struct lk_texts *texts = lk_is_identity_name(m->name) ? &out->identities
                                 : lk_is_path_name(m->name)   ? &out->paths
                                                              : NULL;
        if (texts == NULL || m->why.code == LK_OK)
            continue;
        if (texts->items == NULL && is_label_array(m, out->matrix.rows))
            LK_TRY(read_texts(z, m, out->matrix.rows, texts, ctx, err));
        else
            lk_ctx_message(ctx, LK_LEVEL_NOTE,
                           "%s: array '%s' is left aside: expected %" PRIu64
                           " texts or whole numbers, one for each row, and one such array",
                           where, m->name, out->matrix.rows);
    }
    return LK_OK;
}

/* ---- all of it ------------------------------------------------------------------------------------ */

static lk_status read_matrix(const struct npz *z, const struct member *m, lk_ctx *ctx, struct lk_vectors *out,
                             lk_error *err)
{
    struct lk_map map = {NULL, 0};
    struct lk_layout layout = m->layout;
    layout.data_offset = 0; /* only what lies behind the header was unpacked */
    LK_TRY(unpack(z, m, &map, ctx, err));
    LK_TRY(lk_matrix_take(&out->matrix, &map, &layout, ctx, err));
    out->array = lk_strdup(m->name, err);
    return out->array != NULL ? LK_OK : LK_ENOMEM;
}

lk_status lk_npz_read(const uint8_t *bytes, size_t len, const char *array, const char *where, lk_ctx *ctx,
                      struct lk_vectors *out, lk_error *err)
{
    struct npz z = {.bytes = bytes, .len = len};
    const struct member *chosen = NULL;
    lk_status status = list_members(&z, err);
    if (status == LK_OK)
        status = choose(&z, array, &chosen, err);
    if (status == LK_OK)
        status = read_matrix(&z, chosen, ctx, out, err);
    if (status == LK_OK)
        status = read_labels(&z, where, ctx, out, err);
    close_npz(&z);
    return status;
}
