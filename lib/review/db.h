/* SPDX-License-Identifier: Apache-2.0 */
/* db.h - what the parts of the store share: the SQLite file, opened as untrusted, and short forms of its
 * calls. */
#ifndef LK_REVIEW_DB_H
#define LK_REVIEW_DB_H

#include <sqlite3.h>

#include "base/fs.h"
#include "review/store.h"

struct lk_review_store {
    sqlite3 *db;
    char *path;
    struct lk_out making; /* PATH.tmp until the review is sealed */
    bool unsealed;
    uint64_t seed;        /* of an unsealed one */
    char plan_sha256[65]; /* what the answer log starts from */
};

/* Opens the file with the limits and settings of an untrusted one; `making` is for a new, empty file. */
lk_status lk_review_db_open(struct lk_review_store *store, const char *path, bool making, lk_error *err);
/* Makes the tables. */
lk_status lk_review_db_make(struct lk_review_store *store, lk_error *err);
/* Is this a review of this version, whole, and with nothing else in it? */
lk_status lk_review_db_check(struct lk_review_store *store, lk_error *err);

/* What a failed SQLite call means, with the file's name. */
lk_status lk_review_db_fail(struct lk_review_store *store, lk_error *err);
lk_status lk_review_db_exec(struct lk_review_store *store, const char *sql, lk_error *err);

/* Prepares a statement and binds its parameters in order, by letter: i int64_t, d double (NaN becomes NULL),
 * t const char * (NULL becomes NULL), b const struct lk_review_bytes * (the same for .bytes). Texts and bytes
 * must live until the statement is finalised. */
lk_status lk_review_db_prepare(struct lk_review_store *store, sqlite3_stmt **out, lk_error *err,
                               const char *sql, const char *types, ...);
/* *row is false when there are no more. */
lk_status lk_review_db_step(struct lk_review_store *store, sqlite3_stmt *stmt, bool *row, lk_error *err);
/* Runs a statement that gives no rows, or none that matter, and finalises it. */
lk_status lk_review_db_run(struct lk_review_store *store, sqlite3_stmt *stmt, lk_error *err);

/* Ends a transaction: commits when status is LK_OK, else rolls back. Gives the first failure. */
lk_status lk_review_db_end(struct lk_review_store *store, lk_status status, lk_error *err);

/* Copies of a column; NULL and NaN for NULL. lk_review_db_text's string is the caller's. */
lk_status lk_review_db_text(sqlite3_stmt *stmt, int column, char **out, lk_error *err);
double lk_review_db_real(sqlite3_stmt *stmt, int column);
/* Copies the blob of a statement's only row and finalises it; LK_EINVAL with the message `none` without one.
 */
lk_status lk_review_db_blob(struct lk_review_store *store, sqlite3_stmt *stmt, const char *none,
                            uint8_t **bytes, size_t *len, lk_error *err);

/* 128 bits of the system's randomness as hex. */
lk_status lk_review_secret(char out[LK_REVIEW_TOKEN_SIZE], lk_error *err);

/* SHA-256 over everything that was decided when the review was made: pictures, items, who sees what. */
lk_status lk_review_plan_hash(struct lk_review_store *store, char hex[65], lk_error *err);

/* ---- the answer log (log.c) ---- */

struct lk_review_row {
    int64_t seq, time, reviewer;
    const char *kind; /* "answer", "undo", "decision", "close" */
    const char *screen;
    int64_t item; /* 0 = NULL */
    const char *answer, *note;
    int64_t milliseconds; /* -1 = NULL */
};

/* SHA-256 of a row behind the one with the hash `previous`. */
lk_status lk_review_row_hash(const struct lk_review_row *row, const char *previous, char hex[65],
                             lk_error *err);

/* Adds a row; sets its seq and time. Inside a transaction that began as IMMEDIATE. */
lk_status lk_review_log_add(struct lk_review_store *store, struct lk_review_row *row, lk_error *err);

lk_status lk_review_check_note(const char *note, lk_error *err);

/* Where a reviewer stands. */
struct lk_review_state {
    uint64_t done, total;
    bool undone;                     /* the last thing they did was to take an answer back */
    char last[LK_REVIEW_TOKEN_SIZE]; /* screen of their last row; "" = none */
    int answer;                      /* given to it, if that was not taken back */
};
lk_status lk_review_state(struct lk_review_store *store, int64_t reviewer, struct lk_review_state *out,
                          lk_error *err);
/* Screen at a position from 1; "" behind the last. */
lk_status lk_review_screen_at(struct lk_review_store *store, int64_t reviewer, uint64_t position,
                              char out[LK_REVIEW_TOKEN_SIZE], lk_error *err);
lk_status lk_review_closed(struct lk_review_store *store, bool *closed, lk_error *err);

#endif
