/* SPDX-License-Identifier: Apache-2.0 */
/* table.c - a CSV table of a result's folder, mapped and checked, and its fields. */
#include "report/table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

static lk_status check_hash(const struct lk_table *t, const json_t *hash, lk_error *err)
{
    char hex[65];
    if (!json_is_string(hash))
        return LK_OK;
    LK_TRY(lk_hash_bytes(t->map.bytes, t->map.len, hex, err));
    LK_NEED(strcmp(hex, json_string_value(hash)) == 0, err, LK_EFORMAT,
            "has changed since it was written (SHA-256 %.12s..., expected %.12s...); make it anew", hex,
            json_string_value(hash));
    return LK_OK;
}

lk_status lk_table_open(struct lk_table *t, const char *dir, const char *name, const json_t *outputs,
                        lk_error *err)
{
    memset(t, 0, sizeof *t);
    if ((t->path = lk_path_join(dir, name, err)) == NULL)
        return LK_ENOMEM;
    lk_status status = lk_map_open(&t->map, t->path, err);
    if (status == LK_OK) {
        if ((status = check_hash(t, json_object_get(outputs, name), err)) == LK_OK)
            status = lk_csv_open(&t->csv, t->map.bytes, t->map.len, err);
        if (status != LK_OK)
            lk_error_prefix(err, "%s", t->path);
    }
    if (status != LK_OK) {
        lk_map_close(&t->map);
        free(t->path);
    }
    return status;
}

void lk_table_close(struct lk_table *t)
{
    lk_csv_close(&t->csv);
    lk_map_close(&t->map);
    free(t->path);
}

enum { MAX_COLUMNS = 64 };

static lk_status read_rows(struct lk_table *t, const char *const *names, size_t n_names, size_t n_required,
                           lk_table_row_fn *each, void *user, lk_error *err)
{
    size_t column[MAX_COLUMNS];
    LK_NEED(n_names <= MAX_COLUMNS, err, LK_EINTERNAL, "%zu columns", n_names);
    for (size_t i = 0; i < n_names; i++)
        if (lk_csv_column(&t->csv, names[i], &column[i], i < n_required ? err : NULL) != LK_OK) {
            if (i < n_required)
                return LK_EFORMAT;
            column[i] = SIZE_MAX;
        }
    for (;;) {
        int more = 1;
        LK_TRY(lk_csv_next(&t->csv, &more, err));
        if (!more)
            return LK_OK;
        LK_TRY(each(user, &t->csv, column, err));
    }
}

lk_status lk_table_read(struct lk_table *t, const char *const *names, size_t n_names, size_t n_required,
                        lk_table_row_fn *each, void *user, lk_error *err)
{
    lk_status status = read_rows(t, names, n_names, n_required, each, user, err);
    if (status != LK_OK)
        lk_error_prefix(err, "%s", t->path);
    return status;
}

/* ---- fields ----------------------------------------------------------------------------------------- */

lk_status lk_table_text(const struct lk_csv *csv, size_t column, char **out, lk_error *err)
{
    const char *text = column != SIZE_MAX ? lk_csv_field(csv, column) : "";
    *out = NULL;
    return text[0] == '\0' || (*out = lk_strdup(text, err)) != NULL ? LK_OK : LK_ENOMEM;
}

lk_status lk_table_number(const struct lk_csv *csv, size_t column, double *out, lk_error *err)
{
    *out = NAN;
    return column == SIZE_MAX || lk_csv_field(csv, column)[0] == '\0' ? LK_OK
                                                                      : lk_csv_double(csv, column, out, err);
}

lk_status lk_table_score(const struct lk_csv *csv, size_t column, double *out, lk_error *err)
{
    LK_TRY(lk_csv_double(csv, column, out, err));
    LK_NEED(isfinite(*out) && fabs(*out) < 1.001, err, LK_EFORMAT, "line %llu: score %g, expected -1 to 1",
            (unsigned long long)csv->line, *out);
    return LK_OK;
}

lk_status lk_table_row(const struct lk_csv *csv, size_t column, uint64_t limit, uint64_t *out, lk_error *err)
{
    LK_TRY(lk_csv_u64(csv, column, out, err));
    LK_NEED(*out < limit, err, LK_EFORMAT, "line %llu: row %llu, expected less than %llu",
            (unsigned long long)csv->line, (unsigned long long)*out, (unsigned long long)limit);
    return LK_OK;
}
