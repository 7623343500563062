/* SPDX-License-Identifier: Apache-2.0 */
/* serve_sizes.c - the length that all pictures of a kind are sent with. */
#include "review/db.h"
#include "review/serve.h"

lk_status lk_serve_sizes(struct lk_serve *serve, lk_error *err)
{
    sqlite3_stmt *stmt;
    bool row;
    LK_TRY(lk_review_db_prepare(serve->store, &stmt, err,
                                "SELECT max(length(crop)), max(length(original)) FROM pictures", ""));
    lk_status status = lk_review_db_step(serve->store, stmt, &row, err);
    if (status == LK_OK) {
        serve->crop_len = (size_t)sqlite3_column_int64(stmt, 0);
        serve->original_len = (size_t)sqlite3_column_int64(stmt, 1);
    }
    sqlite3_finalize(stmt);
    return status;
}
