/* SPDX-License-Identifier: Apache-2.0 */
/* chain.c - the hashes that show when a review was changed: of its plan, and of each row of the answer log.
 */
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "review/db.h"

/* Fields are hashed as LENGTH:TEXT, one after the other, so that no two rows of fields give the same bytes.
 */
static lk_status add_field(struct lk_hash *hash, const char *text, size_t len, lk_error *err)
{
    char head[32];
    int n = snprintf(head, sizeof head, "%zu:", len);
    LK_TRY(lk_hash_add(hash, head, (size_t)n, err));
    LK_TRY(lk_hash_add(hash, text, len, err));
    return lk_hash_add(hash, ",", 1, err);
}

static lk_status add_column(struct lk_hash *hash, sqlite3_stmt *stmt, int column, lk_error *err)
{
    char text[65];
    int type = sqlite3_column_type(stmt, column);
    if (type == SQLITE_NULL)
        return lk_hash_add(hash, "-,", 2, err);
    if (type == SQLITE_BLOB) {
        const void *bytes = sqlite3_column_blob(stmt, column);
        LK_TRY(
            lk_hash_bytes(bytes != NULL ? bytes : "", (size_t)sqlite3_column_bytes(stmt, column), text, err));
        return add_field(hash, text, 64, err);
    }
    if (type == SQLITE_FLOAT) {
        int n = snprintf(text, sizeof text, "%.17g", sqlite3_column_double(stmt, column));
        return add_field(hash, text, (size_t)n, err);
    }
    const char *value = (const char *)sqlite3_column_text(stmt, column);
    LK_NEED(value != NULL, err, LK_ENOMEM, "out of memory");
    return add_field(hash, value, (size_t)sqlite3_column_bytes(stmt, column), err);
}

static lk_status add_rows(struct lk_review_store *store, struct lk_hash *hash, const char *sql, lk_error *err)
{
    sqlite3_stmt *stmt;
    LK_TRY(lk_review_db_prepare(store, &stmt, err, sql, ""));
    lk_status status = LK_OK;
    for (bool row = true; status == LK_OK;) {
        if ((status = lk_review_db_step(store, stmt, &row, err)) != LK_OK || !row)
            break;
        for (int i = 0; i < sqlite3_column_count(stmt) && status == LK_OK; i++)
            status = add_column(hash, stmt, i, err);
    }
    sqlite3_finalize(stmt);
    return status;
}

lk_status lk_review_plan_hash(struct lk_review_store *store, char hex[65], lk_error *err)
{
    static const char *const queries[] = {
        "SELECT key, value FROM review WHERE key <> 'plan_sha256' ORDER BY key",
        "SELECT reviewer, name, adjudicator, token_sha256 FROM reviewers ORDER BY reviewer",
        "SELECT picture, crop, original FROM pictures ORDER BY picture",
        "SELECT * FROM items ORDER BY item",
        "SELECT * FROM context ORDER BY item, side, number",
        "SELECT reviewer, position, screen, item, swapped FROM screens ORDER BY reviewer, position",
    };
    struct lk_hash *hash;
    LK_TRY(lk_hash_new(&hash, err));
    lk_status status = LK_OK;
    for (size_t i = 0; i < sizeof queries / sizeof queries[0] && status == LK_OK; i++)
        status = add_rows(store, hash, queries[i], err);
    if (status == LK_OK)
        status = lk_hash_end(hash, hex, err);
    lk_hash_free(hash);
    return status;
}

/* ---- the answer log's hash ----------------------------------------------------------------------------- */

static lk_status add_text(struct lk_hash *hash, const char *text, lk_error *err)
{
    return text != NULL ? add_field(hash, text, strlen(text), err) : lk_hash_add(hash, "-,", 2, err);
}

static lk_status add_integer(struct lk_hash *hash, int64_t value, lk_error *err)
{
    char text[32];
    snprintf(text, sizeof text, "%lld", (long long)value);
    return add_text(hash, text, err);
}

static lk_status hash_row(struct lk_hash *hash, const struct lk_review_row *row, const char *previous,
                          char hex[65], lk_error *err)
{
    LK_TRY(add_text(hash, previous, err));
    LK_TRY(add_integer(hash, row->seq, err));
    LK_TRY(add_integer(hash, row->time, err));
    LK_TRY(add_integer(hash, row->reviewer, err));
    LK_TRY(add_text(hash, row->kind, err));
    LK_TRY(add_text(hash, row->screen, err));
    LK_TRY(row->item > 0 ? add_integer(hash, row->item, err) : add_text(hash, NULL, err));
    LK_TRY(add_text(hash, row->answer, err));
    LK_TRY(add_text(hash, row->note, err));
    LK_TRY(row->milliseconds >= 0 ? add_integer(hash, row->milliseconds, err) : add_text(hash, NULL, err));
    return lk_hash_end(hash, hex, err);
}

lk_status lk_review_row_hash(const struct lk_review_row *row, const char *previous, char hex[65],
                             lk_error *err)
{
    struct lk_hash *hash;
    LK_TRY(lk_hash_new(&hash, err));
    lk_status status = hash_row(hash, row, previous, hex, err);
    lk_hash_free(hash);
    return status;
}
