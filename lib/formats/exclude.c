/* SPDX-License-Identifier: Apache-2.0 */
/* exclude.c - reads a table of pictures to leave out. */
#include "formats/exclude.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "formats/csv.h"

static const char NO_REASON[] = "listed without a reason";

/* Index of a column, or -1 when there is none. */
static ptrdiff_t find_column(const struct lk_csv *csv, const char *name)
{
    for (size_t i = 0; i < csv->n_columns; i++)
        if (strcmp(csv->columns[i], name) == 0)
            return (ptrdiff_t)i;
    return -1;
}

static lk_status add_row(struct lk_exclude *e, const struct lk_csv *csv, size_t path, ptrdiff_t keep,
                         ptrdiff_t reason, lk_error *err)
{
    if (keep >= 0) {
        const char *text = lk_csv_field(csv, (size_t)keep);
        if (strcmp(text, "yes") == 0)
            return LK_OK;
        LK_NEED(strcmp(text, "no") == 0, err, LK_EFORMAT,
                "line %" PRIu64 ", column 'keep': '%.60s', expected yes or no", csv->line, text);
    }
    const char *name = lk_csv_field(csv, path), *why = reason >= 0 ? lk_csv_field(csv, (size_t)reason) : "";
    LK_NEED(*name != '\0', err, LK_EFORMAT, "line %" PRIu64 ", column 'path': empty, expected a file name",
            csv->line);
    uint32_t number;
    size_t before = e->paths.n;
    LK_TRY(lk_names_add(&e->paths, name, strlen(name), &number, err));
    if (e->paths.n == before)
        return LK_OK;
    LK_TRY(lk_grow(&e->reasons, &e->capacity, e->paths.n, sizeof *e->reasons, err));
    why = *why != '\0' ? why : NO_REASON;
    e->reasons[number] = lk_arena_text(&e->texts, why, strlen(why), err);
    return e->reasons[number] != NULL ? LK_OK : LK_ENOMEM;
}

lk_status lk_exclude_parse(const uint8_t *bytes, size_t len, struct lk_exclude *out, lk_error *err)
{
    struct lk_csv csv;
    struct lk_exclude e = {0};
    size_t path = 0;
    int more = 0;
    LK_TRY(lk_csv_open(&csv, bytes, len, err));
    lk_status status = lk_csv_column(&csv, "path", &path, err);
    ptrdiff_t keep = find_column(&csv, "keep"), reason = find_column(&csv, "reason");
    while (status == LK_OK && (status = lk_csv_next(&csv, &more, err)) == LK_OK && more)
        status = add_row(&e, &csv, path, keep, reason, err);
    lk_csv_close(&csv);
    if (status != LK_OK) {
        lk_exclude_free(&e);
        return status;
    }
    *out = e;
    return LK_OK;
}

lk_status lk_exclude_read(const char *path, struct lk_exclude *out, lk_error *err)
{
    struct lk_map map;
    LK_TRY(lk_map_open(&map, path, err));
    lk_status status = lk_exclude_parse(map.bytes, map.len, out, err);
    lk_map_close(&map);
    if (status != LK_OK)
        lk_error_prefix(err, "%s", path);
    return status;
}

void lk_exclude_free(struct lk_exclude *exclude)
{
    lk_names_free(&exclude->paths);
    lk_arena_free(&exclude->texts);
    free(exclude->reasons);
    *exclude = (struct lk_exclude){0};
}

const char *lk_exclude_reason(const struct lk_exclude *exclude, const char *path)
{
    uint32_t number = lk_names_find(&exclude->paths, path, strlen(path));
    return number != LK_NO_NAME ? exclude->reasons[number] : NULL;
}

lk_status lk_exclude_hash(const struct lk_exclude *exclude, char hex[65], lk_error *err)
{
    struct lk_hash *hash;
    LK_TRY(lk_hash_new(&hash, err));
    lk_status status = LK_OK;
    for (uint32_t i = 0; i < exclude->paths.n && status == LK_OK; i++) {
        const char *path = lk_names_text(&exclude->paths, i), *reason = exclude->reasons[i];
        status = lk_hash_add(hash, path, strlen(path) + 1, err);
        if (status == LK_OK)
            status = lk_hash_add(hash, reason, strlen(reason) + 1, err);
    }
    if (status == LK_OK)
        status = lk_hash_end(hash, hex, err);
    lk_hash_free(hash);
    return status;
}
