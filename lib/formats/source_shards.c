/* SPDX-License-Identifier: Apache-2.0 */
/* source_shards.c - turns patterns and lists of shards into the paths that they stand for. */
#include "formats/source_shards.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"

enum { MAX_SHARDS = 1000000, MAX_DIGITS = 18, MAX_BRACES = 8 };
#define MAX_LIST_BYTES ((size_t)256 << 20)

static lk_status add_path(struct lk_inputs *inputs, const char *path, lk_error *err)
{
    LK_NEED(inputs->n < MAX_SHARDS, err, LK_EINVAL, "%s: more than %d shards", path, MAX_SHARDS);
    LK_TRY(lk_grow(&inputs->paths, &inputs->capacity, inputs->n + 1, sizeof *inputs->paths, err));
    char *copy = lk_strdup(path, err);
    if (copy == NULL)
        return LK_ENOMEM;
    inputs->paths[inputs->n++] = copy;
    return LK_OK;
}

/* ---- patterns ---------------------------------------------------------------------------------- */

/* "000000..000099" into its ends; *width is the number of digits to write, 0 = as many as needed. */
static bool parse_range(const char *text, size_t len, uint64_t *from, uint64_t *to, int *width)
{
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > MAX_DIGITS || len < digits + 3 || strncmp(text + digits, "..", 2) != 0)
        return false;
    const char *second = text + digits + 2;
    size_t others = strspn(second, "0123456789");
    if (others == 0 || others > MAX_DIGITS || second + others != text + len)
        return false;
    *from = strtoull(text, NULL, 10);
    *to = strtoull(second, NULL, 10);
    *width = text[0] == '0' || second[0] == '0' ? (int)(digits > others ? digits : others) : 0;
    return *from <= *to;
}

static lk_status expand(struct lk_inputs *inputs, const char *pattern, int depth, lk_error *err);

static lk_status expand_one(struct lk_inputs *inputs, const char *pattern, const char *open,
                            const char *close, const char *text, size_t len, int depth, lk_error *err)
{
    struct lk_str path = LK_STR_INIT;
    lk_status status =
        lk_str_addf(&path, err, "%.*s%.*s%s", (int)(open - pattern), pattern, (int)len, text, close + 1);
    if (status == LK_OK)
        status = expand(inputs, path.text, depth + 1, err);
    lk_str_free(&path);
    return status;
}

/* Replaces the first braces by each of what they stand for, and goes on with the rest. */
static lk_status expand(struct lk_inputs *inputs, const char *pattern, int depth, lk_error *err)
{
    const char *open = strchr(pattern, '{'), *close = open != NULL ? strchr(open, '}') : NULL;
    if (close == NULL)
        return add_path(inputs, pattern, err);
    LK_NEED(depth < MAX_BRACES, err, LK_EINVAL, "%s: more than %d pairs of braces", pattern, MAX_BRACES);
    uint64_t from, to;
    int width;
    size_t len = (size_t)(close - open - 1);
    if (parse_range(open + 1, len, &from, &to, &width)) {
        LK_NEED(to - from < MAX_SHARDS, err, LK_EINVAL, "%s: more than %d shards", pattern, MAX_SHARDS);
        for (uint64_t i = from; i <= to; i++) {
            char number[32];
            int n = snprintf(number, sizeof number, "%0*" PRIu64, width, i);
            LK_TRY(expand_one(inputs, pattern, open, close, number, (size_t)n, depth, err));
        }
        return LK_OK;
    }
    LK_NEED(memchr(open, ',', len + 1) != NULL, err, LK_EINVAL,
            "%s: braces hold '%.*s', expected a rising range such as 000..099 or a list such as a,b", pattern,
            (int)(len < 60 ? len : 60), open + 1);
    for (const char *p = open + 1; p <= close; p++) {
        size_t n = strcspn(p, ",}");
        LK_TRY(expand_one(inputs, pattern, open, close, p, n, depth, err));
        p += n;
    }
    return LK_OK;
}

/* ---- lists ------------------------------------------------------------------------------------- */

static lk_status add_line(struct lk_inputs *inputs, const char *list, size_t number, const char *line,
                          lk_error *err)
{
    const char *slash = strrchr(list, '/');
    size_t before = inputs->n;
    struct lk_str path = LK_STR_INIT;
    lk_status status = LK_OK;
    if (line[0] != '/' && slash != NULL)
        status = lk_str_add(&path, list, (size_t)(slash - list) + 1, err);
    if (status == LK_OK)
        status = lk_str_addz(&path, line, err);
    if (status == LK_OK)
        status =
            lk_path_exists(path.text) ? add_path(inputs, path.text, err) : expand(inputs, path.text, 0, err);
    lk_str_free(&path);
    for (size_t i = before; status == LK_OK && i < inputs->n; i++)
        if (!lk_path_exists(inputs->paths[i]))
            status = lk_fail(err, LK_EIO, "%s: line %zu: nothing is at '%s', expected a path in each line",
                             list, number, inputs->paths[i]);
    return status;
}

static lk_status add_list(struct lk_inputs *inputs, const char *list, lk_error *err)
{
    uint8_t *bytes;
    size_t len, before = inputs->n;
    LK_TRY(lk_file_read(list, MAX_LIST_BYTES, &bytes, &len, err));
    lk_status status = memchr(bytes, '\0', len) == NULL
                           ? LK_OK
                           : lk_fail(err, LK_EFORMAT, "%s: zero bytes, expected a list of paths", list);
    size_t number = 0;
    for (char *line = (char *)bytes, *next; status == LK_OK && *line != '\0'; line = next) {
        number++;
        size_t n = strcspn(line, "\n");
        next = line + n + (line[n] == '\n');
        line[n] = '\0';
        if (n > 0 && line[n - 1] == '\r')
            line[n - 1] = '\0';
        if (*line != '\0' && *line != '#')
            status = add_line(inputs, list, number, line, err);
    }
    free(bytes);
    LK_TRY(status);
    LK_NEED(inputs->n > before, err, LK_EFORMAT, "%s: an empty list, expected one path a line", list);
    return LK_OK;
}

lk_status lk_inputs_add(struct lk_inputs *inputs, const char *input, lk_error *err)
{
    if (lk_path_exists(input))
        return add_path(inputs, input, err);
    if (input[0] == '@' && input[1] != '\0')
        return add_list(inputs, input + 1, err);
    return expand(inputs, input, 0, err);
}

void lk_inputs_free(struct lk_inputs *inputs)
{
    for (size_t i = 0; i < inputs->n; i++)
        free(inputs->paths[i]);
    free(inputs->paths);
    *inputs = (struct lk_inputs){0};
}
