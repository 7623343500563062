/* SPDX-License-Identifier: Apache-2.0 */
/* vectors_json.c - embeddings as JSON: one object for each, on lines of their own or in one array. */
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "formats/vectors.h"

enum { MAX_OBJECT = 4 << 20, BLOCK_BYTES = 1 << 20 };

struct reader {
    const uint8_t *bytes;
    size_t len, at;
    uint64_t line;       /* of bytes[at] */
    bool in_array;       /* the objects are elements of one array */
    struct lk_str clean; /* an object without NaN and Infinity */
    uint64_t rows, dim;
    float *block; /* rows that are not written yet */
    size_t held, at_once;
    struct lk_scratch scratch;
    struct lk_texts paths, identities;
    size_t paths_room, identities_room;
    bool has_paths, has_identities;
};

static lk_status bad(const struct reader *r, lk_error *err, const char *what)
{
    return lk_fail(err, LK_EFORMAT, "line %" PRIu64 ": %s", r->line, what);
}

static void move_on(struct reader *r, size_t n)
{
    for (size_t end = r->at + n; r->at < end; r->at++)
        r->line += r->bytes[r->at] == '\n';
}

/* The next byte after blanks, or 0 at the end; not taken. */
static uint8_t peek(struct reader *r)
{
    while (r->at < r->len && r->bytes[r->at] != 0 && strchr(" \t\r\n", r->bytes[r->at]) != NULL)
        move_on(r, 1);
    return r->at < r->len ? r->bytes[r->at] : 0;
}

/* ---- one object ----------------------------------------------------------------------------------- */

/* Length of the object that starts here; *bare: it has words that only Python writes. */
static lk_status measure_object(const struct reader *r, size_t *len, bool *bare, lk_error *err)
{
    size_t depth = 0, rest = r->len - r->at, most = rest < MAX_OBJECT ? rest : MAX_OBJECT;
    bool quoted = false;
    *bare = false;
    for (size_t i = 0; i < most; i++) {
        uint8_t c = r->bytes[r->at + i];
        if (quoted && c == '\\')
            i++;
        else if (c == '"')
            quoted = !quoted;
        else if (quoted)
            continue;
        else if (c == '{' || c == '[')
            depth++;
        else if (c == 'N' || c == 'I')
            *bare = true;
        else if ((c == '}' || c == ']') && --depth == 0) {
            *len = i + 1;
            return LK_OK;
        }
    }
    if (rest > MAX_OBJECT)
        return bad(r, err, "an object of more than 4 MiB (is a brace or a quote left open?)");
    return bad(r, err, "the object that starts here is not closed");
}

/* Python writes NaN, Infinity and -Infinity, which JSON does not have: null stands for them. */
static lk_status clean_object(struct reader *r, size_t len, lk_error *err)
{
    static const char *const words[] = {"NaN", "-Infinity", "Infinity"};
    const char *text = (const char *)r->bytes + r->at;
    bool quoted = false;
    r->clean.len = 0;
    for (size_t i = 0, n; i < len; i += n) {
        const char *put = text + i;
        size_t put_len = n = 1;
        for (size_t w = 0; !quoted && w < 3 && n == 1; w++)
            if (len - i >= strlen(words[w]) && memcmp(text + i, words[w], strlen(words[w])) == 0) {
                n = strlen(words[w]);
                put = "null";
                put_len = 4;
            }
        if (quoted && text[i] == '\\' && i + 1 < len)
            put_len = n = 2;
        else if (text[i] == '"')
            quoted = !quoted;
        LK_TRY(lk_str_add(&r->clean, put, put_len, err));
    }
    return LK_OK;
}

static lk_status parse_object(struct reader *r, json_t **out, size_t *len, lk_error *err)
{
    bool bare;
    LK_TRY(measure_object(r, len, &bare, err));
    const char *text = (const char *)r->bytes + r->at;
    size_t n = *len;
    if (bare) {
        LK_TRY(clean_object(r, n, err));
        text = r->clean.text;
        n = r->clean.len;
    }
    json_error_t why;
    json_t *object = json_loadb(text, n, JSON_REJECT_DUPLICATES, &why);
    LK_NEED(object != NULL, err, LK_EFORMAT, "line %" PRIu64 ": %s", r->line + (uint64_t)(why.line - 1),
            why.text);
    *out = object;
    return LK_OK;
}

/* ---- its parts ------------------------------------------------------------------------------------ */

static bool is_vector_name(const char *key)
{
    static const char *const names[] = {"embedding", "vector", "feature", "features", "embeddings"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(key, names[i]) == 0)
            return true;
    return false;
}

struct parts {
    const json_t *vector, *path, *identity;
    bool whole_path; /* not just the name of a file */
};

static lk_status find_parts(const struct reader *r, json_t *object, struct parts *out, lk_error *err)
{
    const char *key;
    json_t *value;
    struct parts p = {.vector = NULL};
    json_object_foreach(object, key, value)
    {
        bool path = lk_is_path_name(key), whole = strcmp(key, "path") == 0 || strcmp(key, "image_path") == 0;
        if (is_vector_name(key)) {
            if (p.vector != NULL)
                return bad(r, err, "two fields could be the vector, expected one named \"embedding\"");
            p.vector = value;
        } else if (path && (p.path == NULL || whole)) {
            p.path = value;
            p.whole_path = whole;
        } else if (lk_is_identity_name(key) && (p.identity == NULL || strcmp(key, "identity") == 0)) {
            p.identity = value;
        }
    }
    if (!json_is_array(p.vector))
        return bad(r, err, "no array \"embedding\", expected one of numbers");
    *out = p;
    return LK_OK;
}

static lk_status add_vector(struct reader *r, const json_t *vector, lk_error *err)
{
    size_t n = json_array_size(vector);
    if (r->rows == 0) {
        LK_NEED(n >= 1 && n <= LK_MAX_DIM, err, LK_EFORMAT,
                "line %" PRIu64 ": a vector of %zu numbers, expected 1 to %d", r->line, n, LK_MAX_DIM);
        r->dim = n;
        r->at_once = BLOCK_BYTES / (n * sizeof *r->block) + 1;
        if ((r->block = lk_alloc_aligned(r->at_once * n, sizeof *r->block, err)) == NULL)
            return LK_ENOMEM;
    }
    LK_NEED(n == r->dim, err, LK_EFORMAT,
            "line %" PRIu64 ": a vector of %zu numbers, expected %" PRIu64 " as in the first", r->line, n,
            r->dim);
    float *row = r->block + r->held * r->dim;
    for (size_t i = 0; i < n; i++) {
        const json_t *value = json_array_get(vector, i);
        LK_NEED(json_is_number(value) || json_is_null(value), err, LK_EFORMAT,
                "line %" PRIu64 ": element %zu of the vector is not a number", r->line, i);
        row[i] = json_is_number(value) ? lk_float_of(json_number_value(value)) : NAN;
    }
    r->held++;
    r->rows++;
    return LK_OK;
}

static lk_status flush(struct reader *r, lk_ctx *ctx, lk_error *err)
{
    LK_TRY(lk_scratch_write(&r->scratch, r->block, r->held * (size_t)r->dim * sizeof *r->block, err));
    r->held = 0;
    lk_matrix_progress(ctx, r->at, r->len);
    return lk_ctx_check(ctx, err);
}

/* A text or a whole number as text; NULL for null, nothing and "". */
static lk_status take_text(const struct reader *r, const json_t *value, const char *what, char **out,
                           lk_error *err)
{
    struct lk_str s = LK_STR_INIT;
    *out = NULL;
    if (value == NULL || json_is_null(value))
        return LK_OK;
    if (json_is_integer(value)) {
        LK_TRY(lk_str_addf(&s, err, "%" JSON_INTEGER_FORMAT, json_integer_value(value)));
    } else {
        LK_NEED(json_is_string(value), err, LK_EFORMAT,
                "line %" PRIu64 ": the %s is neither text nor a whole number", r->line, what);
        if (json_string_length(value) > 0)
            LK_TRY(lk_str_addz(&s, json_string_value(value), err));
    }
    *out = s.text;
    return LK_OK;
}

/* An image's name counts below its identity: 12/3.jpg and 13/3.jpg are two. */
static lk_status join_identity(char **path, const char *identity, lk_error *err)
{
    char *joined = lk_path_join(identity, *path, err);
    if (joined == NULL)
        return LK_ENOMEM;
    free(*path);
    *path = joined;
    return LK_OK;
}

static lk_status add_texts(struct reader *r, const struct parts *p, lk_error *err)
{
    size_t row = (size_t)r->rows - 1;
    LK_TRY(lk_grow(&r->paths.items, &r->paths_room, row + 1, sizeof *r->paths.items, err));
    LK_TRY(lk_grow(&r->identities.items, &r->identities_room, row + 1, sizeof *r->identities.items, err));
    char **path = &r->paths.items[row], **identity = &r->identities.items[row];
    *path = *identity = NULL;
    r->paths.n = r->identities.n = r->rows;
    LK_TRY(take_text(r, p->identity, "identity", identity, err));
    LK_TRY(take_text(r, p->path, "name of the image", path, err));
    if (*path != NULL && *identity != NULL && !p->whole_path)
        LK_TRY(join_identity(path, *identity, err));
    r->has_paths |= *path != NULL;
    r->has_identities |= *identity != NULL;
    return LK_OK;
}

/* ---- all of them ---------------------------------------------------------------------------------- */

static lk_status read_one(struct reader *r, lk_error *err)
{
    json_t *object = NULL;
    struct parts parts = {.vector = NULL};
    size_t len = 0;
    LK_TRY(parse_object(r, &object, &len, err));
    lk_status status = find_parts(r, object, &parts, err);
    if (status == LK_OK)
        status = add_vector(r, parts.vector, err);
    if (status == LK_OK)
        status = add_texts(r, &parts, err);
    json_decref(object);
    if (status == LK_OK)
        move_on(r, len);
    return status;
}

static lk_status read_all(struct reader *r, lk_ctx *ctx, lk_error *err)
{
    if (r->len >= 3 && memcmp(r->bytes, "\xef\xbb\xbf", 3) == 0)
        r->at = 3;
    if (peek(r) == '[') {
        r->in_array = true;
        move_on(r, 1);
    }
    bool closed = false;
    for (uint8_t c = peek(r); r->at < r->len; c = peek(r)) {
        if (r->in_array && !closed && c == ']') {
            closed = true;
            move_on(r, 1);
            continue;
        }
        if (r->in_array && !closed && c == ',' && r->rows > 0) {
            move_on(r, 1);
            c = peek(r);
        }
        LK_NEED(c == '{' && !closed, err, LK_EFORMAT,
                "line %" PRIu64
                ": found '%c', expected an object {\"identity\", \"image_name\", \"embedding\"}",
                r->line, c >= 0x20 && c < 0x7f ? c : '?');
        LK_TRY(read_one(r, err));
        if (r->held == r->at_once)
            LK_TRY(flush(r, ctx, err));
    }
    LK_NEED(closed || !r->in_array, err, LK_EFORMAT, "line %" PRIu64 ": the array of objects is not closed",
            r->line);
    LK_NEED(r->rows > 0, err, LK_EFORMAT, "there are no objects, expected one for each vector");
    return flush(r, ctx, err);
}

lk_status lk_json_vectors_read(const uint8_t *bytes, size_t len, lk_ctx *ctx, struct lk_vectors *out,
                               lk_error *err)
{
    struct reader r = {.bytes = bytes, .len = len, .line = 1, .scratch = LK_SCRATCH_INIT};
    lk_status status = lk_scratch_open(&r.scratch, err);
    if (status == LK_OK)
        status = read_all(&r, ctx, err);
    if (status == LK_OK)
        status = lk_matrix_take_scratch(&out->matrix, &r.scratch, r.rows, r.dim, err);
    if (status == LK_OK && r.has_paths) {
        out->paths = r.paths;
        r.paths = (struct lk_texts){NULL, 0};
    }
    if (status == LK_OK && r.has_identities) {
        out->identities = r.identities;
        r.identities = (struct lk_texts){NULL, 0};
    }
    lk_texts_free(&r.paths);
    lk_texts_free(&r.identities);
    lk_scratch_close(&r.scratch);
    lk_str_free(&r.clean);
    free(r.block);
    return status;
}
