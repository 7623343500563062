/* SPDX-License-Identifier: Apache-2.0 */
/* csv.h - comma-separated tables with a header line (RFC 4180), read from untrusted bytes and written. */
#ifndef LK_FORMATS_CSV_H
#define LK_FORMATS_CSV_H

#include <stdio.h>

#include "base/fs.h"

/* A reader over bytes in memory. A record's fields are NUL-terminated and live until the next record is read.
 */
struct lk_csv {
    const uint8_t *bytes;
    size_t len, at;
    uint64_t line;       /* of the record last read, from 1 */
    uint64_t next_line;  /* of the first byte not read yet: a quoted field may hold line ends */
    struct lk_str text;  /* the record's fields, unquoted */
    size_t *starts;      /* offsets of the fields in text */
    size_t n_fields, capacity;
    size_t n_columns;    /* fields of the header record */
    char **columns;      /* names in the header record */
};

/* Starts reading and takes the header line. Limits: 4096 columns, 1 MiB per record. */
lk_status lk_csv_open(struct lk_csv *csv, const uint8_t *bytes, size_t len, lk_error *err);
/* Reads the next record; *more is 0 at the end. A record with another number of fields than the header, an
 * open quote or a NUL byte is LK_EFORMAT naming the line. LF and CRLF both end a record; empty lines are
 * skipped. */
lk_status lk_csv_next(struct lk_csv *csv, int *more, lk_error *err);
const char *lk_csv_field(const struct lk_csv *csv, size_t column);
/* Index of a named column, or LK_EFORMAT saying which columns there are. */
lk_status lk_csv_column(const struct lk_csv *csv, const char *name, size_t *column, lk_error *err);
void lk_csv_close(struct lk_csv *csv);

/* Field to number, refusing anything but a whole field; the message names line and column. */
lk_status lk_csv_u64(const struct lk_csv *csv, size_t column, uint64_t *out, lk_error *err);
lk_status lk_csv_double(const struct lk_csv *csv, size_t column, double *out, lk_error *err);

/* Writes one field, quoted when it must be. NULL is the empty field. */
void lk_csv_put(FILE *stream, const char *text);

#endif
