/* SPDX-License-Identifier: Apache-2.0 */
/* db.c - the SQLite file of a review: its tables, opening it as an untrusted one, short forms of the calls.
 */
#include "review/db.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum {
    APPLICATION_ID = 0x4c4b5256, /* "LKRV" */
    FORMAT = 1,
    BUSY_MS = 10000,      /* another process's answer takes milliseconds */
    MAX_VALUE = 64 << 20, /* bytes of one text or picture */
    MAX_SQL = 4096,
};

/* Exactly what sqlite_schema of a review holds, in its order. */
static const char *const tables[] = {
    "CREATE TABLE review(key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT",
    "CREATE TABLE reviewers(reviewer INTEGER PRIMARY KEY, name TEXT NOT NULL, adjudicator INTEGER NOT NULL, "
    "token_sha256 TEXT NOT NULL UNIQUE) STRICT",
    "CREATE TABLE pictures(picture INTEGER PRIMARY KEY, crop BLOB NOT NULL, original BLOB) STRICT",
    "CREATE TABLE items(item INTEGER PRIMARY KEY, kind TEXT NOT NULL, repeats INTEGER, image_picture INTEGER "
    "NOT NULL, reference_picture INTEGER NOT NULL, image TEXT, reference TEXT, identity TEXT, person TEXT, "
    "score REAL, e_value REAL, discovery INTEGER NOT NULL) STRICT",
    "CREATE TABLE context(item INTEGER NOT NULL, side INTEGER NOT NULL, number INTEGER NOT NULL, picture "
    "INTEGER NOT NULL, path TEXT, PRIMARY KEY(item, side, number)) STRICT",
    "CREATE TABLE screens(screen TEXT PRIMARY KEY, reviewer INTEGER NOT NULL, position INTEGER NOT NULL, "
    "item "
    "INTEGER NOT NULL, swapped INTEGER NOT NULL, UNIQUE(reviewer, position)) STRICT",
    "CREATE TABLE log(seq INTEGER PRIMARY KEY, time INTEGER NOT NULL, reviewer INTEGER NOT NULL, kind TEXT "
    "NOT "
    "NULL, screen TEXT, item INTEGER, answer TEXT, note TEXT, milliseconds INTEGER, sha256 TEXT NOT NULL) "
    "STRICT",
    "CREATE INDEX log_of ON log(reviewer)",
};
enum { N_TABLES = sizeof tables / sizeof tables[0] };

/* ---- short forms ------------------------------------------------------------------------------------- */

lk_status lk_review_db_fail(struct lk_review_store *store, lk_error *err)
{
    const char *text = sqlite3_errmsg(store->db);
    switch (sqlite3_errcode(store->db) & 0xff) {
    case SQLITE_NOMEM:
        return lk_fail(err, LK_ENOMEM, "%s: out of memory", store->path);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return lk_fail(err, LK_EBUSY, "%s: another process has had this review locked for %d s", store->path,
                       BUSY_MS / 1000);
    case SQLITE_NOTADB:
        return lk_fail(err, LK_EFORMAT,
                       "%s: found no SQLite file, expected a review that `likeness review new` made",
                       store->path);
    case SQLITE_CORRUPT:
    case SQLITE_ERROR: /* our own statements are right where the tables are */
    case SQLITE_TOOBIG:
    case SQLITE_MISMATCH:
    case SQLITE_CONSTRAINT:
        return lk_fail(err, LK_EFORMAT, "%s: this review is damaged: %s", store->path, text);
    case SQLITE_READONLY:
    case SQLITE_PERM:
        return lk_fail(err, LK_EIO, "%s: this review cannot be written: %s", store->path, text);
    default:
        return lk_fail(err, LK_EIO, "%s: %s", store->path, text);
    }
}

lk_status lk_review_db_exec(struct lk_review_store *store, const char *sql, lk_error *err)
{
    return sqlite3_exec(store->db, sql, NULL, NULL, NULL) == SQLITE_OK ? LK_OK
                                                                       : lk_review_db_fail(store, err);
}

static int bind(sqlite3_stmt *stmt, const char *types, va_list args)
{
    int rc = SQLITE_OK;
    for (int i = 1; types[i - 1] != '\0' && rc == SQLITE_OK; i++) {
        const struct lk_review_bytes *b;
        double d;
        switch (types[i - 1]) {
        case 'i':
            rc = sqlite3_bind_int64(stmt, i, va_arg(args, int64_t));
            break;
        case 'd':
            d = va_arg(args, double);
            rc = isnan(d) ? sqlite3_bind_null(stmt, i) : sqlite3_bind_double(stmt, i, d);
            break;
        case 't':
            rc = sqlite3_bind_text(stmt, i, va_arg(args, const char *), -1, SQLITE_STATIC);
            break;
        case 'b':
            b = va_arg(args, const struct lk_review_bytes *);
            rc = sqlite3_bind_blob64(stmt, i, b->bytes, b->len, SQLITE_STATIC);
            break;
        default:
            rc = SQLITE_MISUSE;
        }
    }
    return rc;
}

lk_status lk_review_db_prepare(struct lk_review_store *store, sqlite3_stmt **out, lk_error *err,
                               const char *sql, const char *types, ...)
{
    sqlite3_stmt *stmt = NULL;
    va_list args;
    va_start(args, types);
    int rc = sqlite3_prepare_v2(store->db, sql, -1, &stmt, NULL);
    if (rc == SQLITE_OK)
        rc = bind(stmt, types, args);
    va_end(args);
    if (rc != SQLITE_OK) {
        lk_status status = lk_review_db_fail(store, err);
        sqlite3_finalize(stmt);
        return status;
    }
    *out = stmt;
    return LK_OK;
}

lk_status lk_review_db_step(struct lk_review_store *store, sqlite3_stmt *stmt, bool *row, lk_error *err)
{
    int rc = sqlite3_step(stmt);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        return lk_review_db_fail(store, err);
    *row = rc == SQLITE_ROW;
    return LK_OK;
}

lk_status lk_review_db_run(struct lk_review_store *store, sqlite3_stmt *stmt, lk_error *err)
{
    bool row = false;
    lk_status status = lk_review_db_step(store, stmt, &row, err);
    sqlite3_finalize(stmt);
    return status;
}

lk_status lk_review_db_end(struct lk_review_store *store, lk_status status, lk_error *err)
{
    if (status == LK_OK)
        status = lk_review_db_exec(store, "COMMIT", err);
    if (status != LK_OK)
        sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL); /* the first failure is what is reported */
    return status;
}

lk_status lk_review_db_text(sqlite3_stmt *stmt, int column, char **out, lk_error *err)
{
    const char *text = (const char *)sqlite3_column_text(stmt, column);
    char *copy = NULL;
    if (text != NULL && (copy = lk_strdup(text, err)) == NULL)
        return LK_ENOMEM;
    *out = copy;
    return LK_OK;
}

double lk_review_db_real(sqlite3_stmt *stmt, int column)
{
    return sqlite3_column_type(stmt, column) == SQLITE_NULL ? NAN : sqlite3_column_double(stmt, column);
}

lk_status lk_review_db_blob(struct lk_review_store *store, sqlite3_stmt *stmt, const char *none,
                            uint8_t **bytes, size_t *len, lk_error *err)
{
    bool row = false;
    lk_status status = lk_review_db_step(store, stmt, &row, err);
    if (status == LK_OK && (!row || sqlite3_column_type(stmt, 0) != SQLITE_BLOB))
        status = lk_fail(err, LK_EINVAL, "%s", none);
    if (status == LK_OK) {
        const void *blob = sqlite3_column_blob(stmt, 0);
        size_t n = (size_t)sqlite3_column_bytes(stmt, 0);
        uint8_t *copy = lk_calloc(n + 1, 1, err);
        if (copy == NULL)
            status = LK_ENOMEM;
        else {
            if (n > 0 && blob != NULL)
                memcpy(copy, blob, n);
            *bytes = copy;
            *len = n;
        }
    }
    sqlite3_finalize(stmt);
    return status;
}

lk_status lk_review_secret(char out[LK_REVIEW_TOKEN_SIZE], lk_error *err)
{
    uint8_t bytes[(LK_REVIEW_TOKEN_SIZE - 1) / 2];
    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
        return lk_fail_sys(err, LK_EIO, "the system gives no random numbers");
    for (size_t i = 0; i < sizeof bytes; i++) {
        out[2 * i] = "0123456789abcdef"[bytes[i] >> 4];
        out[2 * i + 1] = "0123456789abcdef"[bytes[i] & 15];
    }
    out[2 * sizeof bytes] = '\0';
    return LK_OK;
}

/* ---- opening ------------------------------------------------------------------------------------------- */

lk_status lk_review_db_open(struct lk_review_store *store, const char *path, bool making, lk_error *err)
{
    /* A path that starts with "file:" must not become a URI, nor ":memory:" a database without a file. */
    struct lk_str name = LK_STR_INIT;
    LK_TRY(lk_regular(path, err));
    LK_TRY(lk_str_addf(&name, err, "%s%s", path[0] == '/' ? "" : "./", path));
    int rc = sqlite3_open_v2(name.text, &store->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    lk_str_free(&name);
    if (store->db == NULL)
        return lk_fail(err, LK_ENOMEM, "%s: out of memory", path);
    if (rc != SQLITE_OK)
        return lk_fail(err, LK_EIO, "%s: cannot open: %s", path, sqlite3_errmsg(store->db));
    sqlite3_busy_timeout(store->db, BUSY_MS);
    sqlite3_limit(store->db, SQLITE_LIMIT_LENGTH, MAX_VALUE);
    sqlite3_limit(store->db, SQLITE_LIMIT_SQL_LENGTH, MAX_SQL);
    sqlite3_limit(store->db, SQLITE_LIMIT_ATTACHED, 0);
    sqlite3_limit(store->db, SQLITE_LIMIT_TRIGGER_DEPTH, 0);
    sqlite3_db_config(store->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(store->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(store->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    sqlite3_db_config(store->db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
    LK_TRY(lk_review_db_exec(store, "PRAGMA mmap_size = 0; PRAGMA cell_size_check = ON", err));
    /* EXTRA is FULL, and makes the end of the journal durable, too: an answer survives a power cut that
     * follows at once. While the file is made nobody else sees it, and it is made durable as a whole. */
    return lk_review_db_exec(
        store, making ? "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF" : "PRAGMA synchronous = EXTRA",
        err);
}

lk_status lk_review_db_make(struct lk_review_store *store, lk_error *err)
{
    char sql[100];
    snprintf(sql, sizeof sql, "PRAGMA application_id = %d; PRAGMA user_version = %d", APPLICATION_ID, FORMAT);
    LK_TRY(lk_review_db_exec(store, sql, err));
    for (int i = 0; i < N_TABLES; i++)
        LK_TRY(lk_review_db_exec(store, tables[i], err));
    return LK_OK;
}

static lk_status pragma(struct lk_review_store *store, const char *sql, int64_t *out, lk_error *err)
{
    sqlite3_stmt *stmt;
    bool row = false;
    LK_TRY(lk_review_db_prepare(store, &stmt, err, sql, ""));
    lk_status status = lk_review_db_step(store, stmt, &row, err);
    if (status == LK_OK)
        *out = row ? sqlite3_column_int64(stmt, 0) : 0;
    sqlite3_finalize(stmt);
    return status;
}

/* Our tables and nothing else: no view, trigger or virtual table of a stranger. */
static lk_status check_tables(struct lk_review_store *store, lk_error *err)
{
    sqlite3_stmt *stmt;
    LK_TRY(lk_review_db_prepare(store, &stmt, err,
                                "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid", ""));
    lk_status status = LK_OK;
    int n = 0;
    for (bool row = true; status == LK_OK;) {
        if ((status = lk_review_db_step(store, stmt, &row, err)) != LK_OK || !row)
            break;
        const char *sql = (const char *)sqlite3_column_text(stmt, 0);
        if (n == N_TABLES || sql == NULL || strcmp(sql, tables[n]) != 0)
            status =
                lk_fail(err, LK_EFORMAT, "%s: found a table, or something else, that a review does not have",
                        store->path);
        n++;
    }
    sqlite3_finalize(stmt);
    if (status == LK_OK && n != N_TABLES)
        status =
            lk_fail(err, LK_EFORMAT, "%s: found %d of the %d tables of a review", store->path, n, N_TABLES);
    return status;
}

static lk_status quick_check(struct lk_review_store *store, lk_error *err)
{
    sqlite3_stmt *stmt;
    bool row = false;
    LK_TRY(lk_review_db_prepare(store, &stmt, err, "PRAGMA quick_check(1)", ""));
    lk_status status = lk_review_db_step(store, stmt, &row, err);
    const char *text = status == LK_OK && row ? (const char *)sqlite3_column_text(stmt, 0) : NULL;
    if (status == LK_OK && (text == NULL || strcmp(text, "ok") != 0))
        status = lk_fail(err, LK_EFORMAT, "%s: this review is damaged: %s", store->path,
                         text != NULL ? text : "it cannot be checked");
    sqlite3_finalize(stmt);
    return status;
}

lk_status lk_review_db_check(struct lk_review_store *store, lk_error *err)
{
    int64_t id, format;
    LK_TRY(pragma(store, "PRAGMA application_id", &id, err));
    LK_TRY(pragma(store, "PRAGMA user_version", &format, err));
    LK_NEED(id == APPLICATION_ID, err, LK_EFORMAT,
            "%s: found a SQLite file of another program, expected a review that `likeness review new` made",
            store->path);
    LK_NEED(format == FORMAT, err, LK_EFORMAT,
            "%s: found format %lld of a review, expected %d: another version made it", store->path,
            (long long)format, FORMAT);
    LK_TRY(quick_check(store, err));
    return check_tables(store, err);
}
