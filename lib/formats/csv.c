/* SPDX-License-Identifier: Apache-2.0 */
/* csv.c - reads and writes comma-separated tables. */
#include "formats/csv.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_COLUMNS = 4096, MAX_RECORD = 1 << 20 };

static lk_status add_start(struct lk_csv *csv, lk_error *err)
{
    LK_NEED(csv->n_fields < MAX_COLUMNS, err, LK_EFORMAT, "line %" PRIu64 ": more than %d fields", csv->line,
            MAX_COLUMNS);
    LK_TRY(lk_grow(&csv->starts, &csv->capacity, csv->n_fields + 1, sizeof *csv->starts, err));
    csv->starts[csv->n_fields++] = csv->text.len;
    return LK_OK;
}

/* Appends bytes of the current field. */
static lk_status add_text(struct lk_csv *csv, const uint8_t *bytes, size_t len, lk_error *err)
{
    LK_NEED(len <= MAX_RECORD && csv->text.len <= MAX_RECORD - len, err, LK_EFORMAT,
            "line %" PRIu64 ": a record of more than %d bytes (is a quote left open?)", csv->line,
            MAX_RECORD);
    LK_NEED(len == 0 || memchr(bytes, '\0', len) == NULL, err, LK_EFORMAT,
            "line %" PRIu64 ": a zero byte, expected text", csv->line);
    return lk_str_add(&csv->text, (const char *)bytes, len, err);
}

/* Number of bytes of the line end at `at`: 1 for LF, 2 for CRLF, 0 when there is none. */
static size_t line_end(const struct lk_csv *csv, size_t at)
{
    if (csv->bytes[at] == '\n')
        return 1;
    if (csv->bytes[at] == '\r' && at + 1 < csv->len && csv->bytes[at + 1] == '\n')
        return 2;
    return 0;
}

/* Reads a quoted field; csv->at stands behind the opening quote and ends behind the closing one. */
static lk_status read_quoted(struct lk_csv *csv, lk_error *err)
{
    for (;;) {
        const uint8_t *from = csv->bytes + csv->at;
        const uint8_t *quote = csv->at < csv->len ? memchr(from, '"', csv->len - csv->at) : NULL;
        LK_NEED(quote != NULL, err, LK_EFORMAT, "line %" PRIu64 ": a quoted field is not closed", csv->line);
        size_t len = (size_t)(quote - from);
        LK_TRY(add_text(csv, from, len, err));
        for (size_t i = 0; i < len; i++)
            csv->next_line += from[i] == '\n';
        csv->at += len + 1;
        if (csv->at >= csv->len || csv->bytes[csv->at] != '"')
            return LK_OK;
        LK_TRY(add_text(csv, (const uint8_t *)"\"", 1, err)); /* a doubled quote stands for one */
        csv->at++;
    }
}

static lk_status read_plain(struct lk_csv *csv, lk_error *err)
{
    size_t end = csv->at;
    while (end < csv->len && csv->bytes[end] != ',' && line_end(csv, end) == 0)
        end++;
    size_t len = end - csv->at;
    lk_status status = add_text(csv, csv->bytes + csv->at, len, err);
    csv->at = end;
    return status;
}

/* Reads the fields of one record; csv->at stands at its first byte and ends behind its line end. */
static lk_status read_record(struct lk_csv *csv, lk_error *err)
{
    csv->text.len = csv->n_fields = 0;
    csv->line = csv->next_line;
    for (;;) {
        LK_TRY(add_start(csv, err));
        if (csv->at < csv->len && csv->bytes[csv->at] == '"') {
            csv->at++;
            LK_TRY(read_quoted(csv, err));
        } else {
            LK_TRY(read_plain(csv, err));
        }
        LK_TRY(lk_str_add(&csv->text, "", 1, err)); /* ends the field's string */
        if (csv->at >= csv->len)
            return LK_OK;
        size_t end = line_end(csv, csv->at);
        LK_NEED(end > 0 || csv->bytes[csv->at] == ',', err, LK_EFORMAT,
                "line %" PRIu64 ": field %zu goes on after its closing quote", csv->line, csv->n_fields);
        csv->at += end > 0 ? end : 1;
        if (end > 0) {
            csv->next_line++;
            return LK_OK;
        }
    }
}

static void skip_empty_lines(struct lk_csv *csv)
{
    size_t end;
    while (csv->at < csv->len && (end = line_end(csv, csv->at)) > 0) {
        csv->at += end;
        csv->next_line++;
    }
}

lk_status lk_csv_open(struct lk_csv *csv, const uint8_t *bytes, size_t len, lk_error *err)
{
    *csv = (struct lk_csv){.bytes = bytes, .len = len, .next_line = 1};
    if (len >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0)
        csv->at = 3; /* the byte order mark that spreadsheets put in front */
    skip_empty_lines(csv);
    LK_NEED(csv->at < csv->len, err, LK_EFORMAT, "the table is empty, expected a header line");
    lk_status status = read_record(csv, err);
    if (status == LK_OK && (csv->columns = lk_calloc(csv->n_fields, sizeof *csv->columns, err)) == NULL)
        status = LK_ENOMEM;
    for (size_t i = 0; status == LK_OK && i < csv->n_fields; i++) {
        csv->columns[i] = lk_strdup(lk_csv_field(csv, i), err);
        csv->n_columns = i + 1;
        if (csv->columns[i] == NULL)
            status = LK_ENOMEM;
    }
    if (status != LK_OK)
        lk_csv_close(csv);
    return status;
}

lk_status lk_csv_next(struct lk_csv *csv, int *more, lk_error *err)
{
    skip_empty_lines(csv);
    if (csv->at >= csv->len) {
        *more = 0;
        return LK_OK;
    }
    LK_TRY(read_record(csv, err));
    LK_NEED(csv->n_fields == csv->n_columns, err, LK_EFORMAT,
            "line %" PRIu64 ": %zu fields, expected %zu as in the header line", csv->line, csv->n_fields,
            csv->n_columns);
    *more = 1;
    return LK_OK;
}

const char *lk_csv_field(const struct lk_csv *csv, size_t column)
{
    return csv->text.text + csv->starts[column];
}

lk_status lk_csv_column(const struct lk_csv *csv, const char *name, size_t *column, lk_error *err)
{
    size_t found = csv->n_columns;
    for (size_t i = 0; i < csv->n_columns; i++) {
        if (strcmp(csv->columns[i], name) != 0)
            continue;
        LK_NEED(found == csv->n_columns, err, LK_EFORMAT, "the header line has the column '%s' twice", name);
        found = i;
    }
    if (found < csv->n_columns) {
        *column = found;
        return LK_OK;
    }
    struct lk_str there = LK_STR_INIT;
    for (size_t i = 0; i < csv->n_columns && there.len < 300; i++)
        LK_TRY(lk_str_addf(&there, err, "%s%.60s", i == 0 ? "" : ", ", csv->columns[i]));
    lk_fail(err, LK_EFORMAT, "no column '%s'; there are: %s", name, there.text);
    lk_str_free(&there);
    return LK_EFORMAT;
}

void lk_csv_close(struct lk_csv *csv)
{
    for (size_t i = 0; i < csv->n_columns; i++)
        free(csv->columns[i]);
    free(csv->columns);
    free(csv->starts);
    lk_str_free(&csv->text);
    *csv = (struct lk_csv){0};
}

static lk_status bad_field(const struct lk_csv *csv, size_t column, const char *expected, lk_error *err)
{
    return lk_fail(err, LK_EFORMAT, "line %" PRIu64 ", column '%s': '%.60s', expected %s", csv->line,
                   csv->columns[column], lk_csv_field(csv, column), expected);
}

lk_status lk_csv_u64(const struct lk_csv *csv, size_t column, uint64_t *out, lk_error *err)
{
    const char *text = lk_csv_field(csv, column);
    uint64_t value = 0;
    if (*text == '\0')
        return bad_field(csv, column, "a whole number", err);
    for (const char *p = text; *p != '\0'; p++) {
        if (*p < '0' || *p > '9')
            return bad_field(csv, column, "a whole number", err);
        if (__builtin_mul_overflow(value, (uint64_t)10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(*p - '0'), &value))
            return bad_field(csv, column, "a number below 2^64", err);
    }
    *out = value;
    return LK_OK;
}

lk_status lk_csv_double(const struct lk_csv *csv, size_t column, double *out, lk_error *err)
{
    const char *text = lk_csv_field(csv, column);
    char *end;
    double value = strtod(text, &end);
    /* strtod also takes spaces, hexadecimal, "nan" and "inf", which are no numbers of a table. */
    if (*text == '\0' || *end != '\0' || strspn(text, "0123456789+-.eE") != strlen(text) || !isfinite(value))
        return bad_field(csv, column, "a number", err);
    *out = value;
    return LK_OK;
}

void lk_csv_put(FILE *stream, const char *text)
{
    if (text == NULL)
        return;
    /* A field with outer blanks is quoted too, since some readers trim it. */
    size_t len = strlen(text);
    if (strpbrk(text, ",\"\r\n") == NULL && (len == 0 || (text[0] != ' ' && text[len - 1] != ' '))) {
        fputs(text, stream);
        return;
    }
    putc('"', stream);
    for (const char *p = text; *p != '\0'; p++) {
        if (*p == '"')
            putc('"', stream);
        putc(*p, stream);
    }
    putc('"', stream);
}
