/* SPDX-License-Identifier: Apache-2.0 */
/* json.c - JSON objects: parsed, read, written, and their members taken with the type checked. */
#include "formats/json.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"

enum { MAX_FILE = 64 << 20 };

lk_status lk_json_parse(const uint8_t *bytes, size_t len, json_t **out, lk_error *err)
{
    LK_NEED(len > 0, err, LK_EFORMAT, "empty, expected a JSON object");
    json_error_t why;
    json_t *value = json_loadb((const char *)bytes, len, JSON_REJECT_DUPLICATES, &why);
    if (value == NULL && json_error_code(&why) == json_error_out_of_memory)
        return lk_fail(err, LK_ENOMEM, "out of memory while reading JSON");
    LK_NEED(value != NULL, err, LK_EFORMAT, "line %d, column %d: %s, expected a JSON object", why.line,
            why.column, why.text);
    if (!json_is_object(value)) {
        json_decref(value);
        return lk_fail(err, LK_EFORMAT, "a JSON list, expected a JSON object");
    }
    *out = value;
    return LK_OK;
}

lk_status lk_json_read(const char *path, json_t **out, lk_error *err)
{
    uint8_t *bytes;
    size_t len;
    LK_TRY(lk_file_read(path, MAX_FILE, &bytes, &len, err));
    lk_status status = lk_json_parse(bytes, len, out, err);
    if (status != LK_OK)
        lk_error_prefix(err, "%s", path);
    free(bytes);
    return status;
}

static int write_part(const char *bytes, size_t len, void *stream)
{
    return fwrite(bytes, 1, len, stream) == len ? 0 : -1;
}

lk_status lk_json_write(const char *path, const json_t *value, lk_error *err)
{
    struct lk_out out;
    LK_TRY(lk_out_open(&out, path, err));
    lk_status status = LK_OK;
    if (json_dump_callback(value, write_part, out.stream, JSON_INDENT(2)) != 0 && !ferror(out.stream))
        status = lk_fail(err, LK_EINTERNAL, "%s: the value cannot be written as JSON", path);
    if (status == LK_OK) {
        putc('\n', out.stream);
        status = lk_out_commit(&out, err); /* finds out about a failed write */
    }
    lk_out_abandon(&out);
    return status;
}

/* Length of the UTF-8 character that `text` starts with, or 0 when it is none (RFC 3629). */
static size_t utf8_length(const unsigned char *text)
{
    unsigned char c = text[0];
    size_t n = c < 0x80                ? 1
               : c >= 0xc2 && c < 0xe0 ? 2
               : c >= 0xe0 && c < 0xf0 ? 3
               : c >= 0xf0 && c < 0xf5 ? 4
                                       : 0;
    for (size_t i = 1; i < n; i++)
        if ((text[i] & 0xc0) != 0x80)
            return 0; /* the end of the text, too */
    if ((c == 0xe0 && text[1] < 0xa0) || (c == 0xf0 && text[1] < 0x90)) /* longer than need be */
        return 0;
    if ((c == 0xed && text[1] >= 0xa0) || (c == 0xf4 && text[1] >= 0x90)) /* surrogates; beyond U+10FFFF */
        return 0;
    return n;
}

json_t *lk_json_text(const char *text)
{
    struct lk_str clean = LK_STR_INIT;
    lk_status status = lk_str_add(&clean, "", 0, NULL);
    const unsigned char *p = (const unsigned char *)text;
    while (status == LK_OK && *p != '\0') {
        size_t n = utf8_length(p);
        status =
            n > 0 ? lk_str_add(&clean, (const char *)p, n, NULL) : lk_str_addz(&clean, "\xef\xbf\xbd", NULL);
        p += n > 0 ? n : 1;
    }
    json_t *value = status == LK_OK ? json_stringn(clean.text, clean.len) : NULL;
    lk_str_free(&clean);
    return value;
}

json_t *lk_json_text_or_null(const char *text)
{
    return text != NULL ? lk_json_text(text) : json_null();
}

json_t *lk_json_number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

json_t *lk_json_count(uint64_t value)
{
    return json_integer((json_int_t)value);
}

json_t *lk_json_estimate(double value, double low, double high)
{
    return json_pack("{s:o, s:o, s:o}", "value", lk_json_number(value), "low", lk_json_number(low), "high",
                     lk_json_number(high));
}

/* jansson takes the reference also when it fails, so one flag at the end is enough. */
void lk_json_set(json_t *object, const char *key, json_t *value, bool *failed)
{
    if (json_object_set_new(object, key, value) != 0)
        *failed = true;
}

static const char *type_name(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "a list";
    case JSON_STRING:
        return "a string";
    case JSON_INTEGER:
        return "a whole number";
    case JSON_REAL:
        return "a number with a fraction";
    case JSON_TRUE:
    case JSON_FALSE:
        return "true or false";
    case JSON_NULL:
        break;
    }
    return "null";
}

/* The member, or NULL with LK_OK when it is optional and missing or null. */
static lk_status member(const json_t *object, const char *key, int required, const char *expected,
                        const json_t **out, const char *where, lk_error *err)
{
    LK_NEED(json_is_object(object), err, LK_EFORMAT, "%s: expected an object that holds \"%s\"", where, key);
    const json_t *value = json_object_get(object, key);
    LK_NEED(value != NULL || !required, err, LK_EFORMAT, "%s: \"%s\" is missing, expected %s", where, key,
            expected);
    *out = json_is_null(value) && !required ? NULL : value;
    return LK_OK;
}

static lk_status wrong_type(const json_t *value, const char *key, const char *expected, const char *where,
                            lk_error *err)
{
    return lk_fail(err, LK_EFORMAT, "%s: \"%s\" is %s, expected %s", where, key, type_name(value), expected);
}

lk_status lk_json_string(const json_t *object, const char *key, int required, const char **out,
                         const char *where, lk_error *err)
{
    const json_t *value = NULL;
    LK_TRY(member(object, key, required, "a string", &value, where, err));
    if (value == NULL)
        return LK_OK;
    if (!json_is_string(value))
        return wrong_type(value, key, "a string", where, err);
    *out = json_string_value(value);
    return LK_OK;
}

lk_status lk_json_real(const json_t *object, const char *key, int required, double *out, const char *where,
                       lk_error *err)
{
    const json_t *value = NULL;
    LK_TRY(member(object, key, required, "a number", &value, where, err));
    if (value == NULL)
        return LK_OK;
    if (!json_is_number(value))
        return wrong_type(value, key, "a number", where, err);
    *out = json_number_value(value);
    return LK_OK;
}

lk_status lk_json_integer(const json_t *object, const char *key, int required, int64_t *out,
                          const char *where, lk_error *err)
{
    const json_t *value = NULL;
    LK_TRY(member(object, key, required, "a whole number", &value, where, err));
    if (value == NULL)
        return LK_OK;
    if (!json_is_integer(value))
        return wrong_type(value, key, "a whole number", where, err);
    *out = json_integer_value(value);
    return LK_OK;
}
