/* SPDX-License-Identifier: Apache-2.0 */
/* table.h - a CSV table of a result's folder, mapped and checked, and its fields. */
#ifndef LK_REPORT_TABLE_H
#define LK_REPORT_TABLE_H

#include <jansson.h>

#include "formats/csv.h"

struct lk_table {
    char *path;
    struct lk_map map;
    struct lk_csv csv;
};

/* outputs: names and SHA-256 of the folder's files, as its JSON file has them; a table that is not the one that was
 * written is LK_EFORMAT. NULL, or without this table: not checked. */
lk_status lk_table_open(struct lk_table *t, const char *dir, const char *name, const json_t *outputs,
                        lk_error *err);
void lk_table_close(struct lk_table *t);

/* Reads all records, `each` being called with the places of the named columns (SIZE_MAX = not there, for those
 * behind the first n_required). Messages get the table's name in front. */
typedef lk_status lk_table_row_fn(void *user, const struct lk_csv *csv, const size_t *column, lk_error *err);
lk_status lk_table_read(struct lk_table *t, const char *const *names, size_t n_names, size_t n_required,
                        lk_table_row_fn *each, void *user, lk_error *err);

/* Fields. An empty text is NULL, an empty number NaN; so is a column that is not there. */
lk_status lk_table_text(const struct lk_csv *csv, size_t column, char **out, lk_error *err);
lk_status lk_table_number(const struct lk_csv *csv, size_t column, double *out, lk_error *err);
lk_status lk_table_score(const struct lk_csv *csv, size_t column, double *out, lk_error *err); /* -1 .. 1 */
lk_status lk_table_row(const struct lk_csv *csv, size_t column, uint64_t limit, uint64_t *out, lk_error *err);

#endif
