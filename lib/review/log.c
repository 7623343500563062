/* SPDX-License-Identifier: Apache-2.0 */
/* log.c - the answer log: rows are added and never changed; where a reviewer stands follows from them. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "review/db.h"

enum { MOST_MILLISECONDS = 24 * 3600 * 1000 };

/* ---- what the log says --------------------------------------------------------------------------------- */

lk_status lk_review_closed(struct lk_review_store *store, bool *closed, lk_error *err)
{
    sqlite3_stmt *stmt;
    LK_TRY(lk_review_db_prepare(store, &stmt, err, "SELECT 1 FROM log WHERE kind = 'close' LIMIT 1", ""));
    lk_status status = lk_review_db_step(store, stmt, closed, err);
    sqlite3_finalize(stmt);
    return status;
}

lk_status lk_review_screen_at(struct lk_review_store *store, int64_t reviewer, uint64_t position,
                              char out[LK_REVIEW_TOKEN_SIZE], lk_error *err)
{
    sqlite3_stmt *stmt;
    bool row = false;
    LK_TRY(lk_review_db_prepare(store, &stmt, err,
                                "SELECT screen FROM screens WHERE reviewer = ? AND position = ?", "ii",
                                reviewer, (int64_t)position));
    lk_status status = lk_review_db_step(store, stmt, &row, err);
    const char *screen = status == LK_OK && row ? (const char *)sqlite3_column_text(stmt, 0) : "";
    if (status == LK_OK)
        snprintf(out, LK_REVIEW_TOKEN_SIZE, "%s", screen != NULL ? screen : "");
    sqlite3_finalize(stmt);
    return status;
}

/* Screens are answered in their order, so a reviewer has done as many as they gave answers and kept them. */
static lk_status count_done(struct lk_review_store *store, int64_t reviewer, struct lk_review_state *out,
                            lk_error *err)
{
    sqlite3_stmt *stmt;
    bool row = false;
    LK_TRY(lk_review_db_prepare(
        store, &stmt, err,
        "SELECT (SELECT count(*) FROM screens WHERE reviewer = ?1), (SELECT count(*) FILTER (WHERE kind = "
        "'answer') - count(*) FILTER (WHERE kind = 'undo') FROM log WHERE reviewer = ?1)",
        "i", reviewer));
    lk_status status = lk_review_db_step(store, stmt, &row, err);
    int64_t total = row ? sqlite3_column_int64(stmt, 0) : 0, done = row ? sqlite3_column_int64(stmt, 1) : 0;
    sqlite3_finalize(stmt);
    LK_TRY(status);
    LK_NEED(done >= 0 && done <= total, err, LK_EFORMAT,
            "%s: this review is damaged: found %lld answers for %lld screens", store->path, (long long)done,
            (long long)total);
    out->done = (uint64_t)done;
    out->total = (uint64_t)total;
    return LK_OK;
}

lk_status lk_review_state(struct lk_review_store *store, int64_t reviewer, struct lk_review_state *out,
                          lk_error *err)
{
    struct lk_review_state state = {0};
    LK_TRY(count_done(store, reviewer, &state, err));
    sqlite3_stmt *stmt;
    bool row = false;
    LK_TRY(
        lk_review_db_prepare(store, &stmt, err,
                             "SELECT kind, screen, answer FROM log WHERE reviewer = ? AND kind IN ('answer', "
                             "'undo') ORDER BY seq DESC LIMIT 1",
                             "i", reviewer));
    lk_status status = lk_review_db_step(store, stmt, &row, err);
    if (status == LK_OK && row) {
        const char *kind = (const char *)sqlite3_column_text(stmt, 0);
        const char *screen = (const char *)sqlite3_column_text(stmt, 1);
        const char *answer = (const char *)sqlite3_column_text(stmt, 2);
        state.undone = kind != NULL && strcmp(kind, "undo") == 0;
        snprintf(state.last, sizeof state.last, "%s", screen != NULL ? screen : "");
        if (!state.undone && (answer == NULL || !lk_review_answer_parse(answer, &state.answer)))
            status =
                lk_fail(err, LK_EFORMAT, "%s: this review is damaged: an answer is none of the possible ones",
                        store->path);
    }
    sqlite3_finalize(stmt);
    LK_TRY(status);
    *out = state;
    return LK_OK;
}

/* ---- adding rows --------------------------------------------------------------------------------------- */

static int64_t now_milliseconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

lk_status lk_review_log_add(struct lk_review_store *store, struct lk_review_row *row, lk_error *err)
{
    sqlite3_stmt *stmt;
    bool any;
    char previous[65], hash[65];
    memcpy(previous, store->plan_sha256, sizeof previous);
    LK_TRY(
        lk_review_db_prepare(store, &stmt, err, "SELECT seq, sha256 FROM log ORDER BY seq DESC LIMIT 1", ""));
    lk_status status = lk_review_db_step(store, stmt, &any, err);
    const char *text = status == LK_OK && any ? (const char *)sqlite3_column_text(stmt, 1) : NULL;
    row->seq = text != NULL ? sqlite3_column_int64(stmt, 0) + 1 : 1;
    if (text != NULL)
        snprintf(previous, sizeof previous, "%s", text);
    sqlite3_finalize(stmt);
    LK_TRY(status);
    if (row->note != NULL && row->note[0] == '\0')
        row->note = NULL;
    row->time = now_milliseconds();
    LK_TRY(lk_review_row_hash(row, previous, hash, err));
    LK_TRY(lk_review_db_prepare(store, &stmt, err,
                                "INSERT INTO log(seq, time, reviewer, kind, screen, item, answer, note, "
                                "milliseconds, sha256) VALUES(?, ?, "
                                "?, ?, ?, nullif(?, 0), ?, ?, nullif(?, -1), ?)",
                                "iiittittit", row->seq, row->time, row->reviewer, row->kind, row->screen,
                                row->item, row->answer, row->note, row->milliseconds, hash));
    return lk_review_db_run(store, stmt, err);
}

lk_status lk_review_check_note(const char *note, lk_error *err)
{
    LK_NEED(note == NULL || strlen(note) <= LK_REVIEW_MAX_NOTE, err, LK_EINVAL,
            "the note has %zu bytes, expected at most %d", strlen(note), LK_REVIEW_MAX_NOTE);
    return LK_OK;
}

static lk_status answer(struct lk_review_store *store, struct lk_review_row *row, int value, lk_error *err)
{
    struct lk_review_state state;
    char current[LK_REVIEW_TOKEN_SIZE];
    LK_TRY(lk_review_state(store, row->reviewer, &state, err));
    if (!state.undone && state.last[0] != '\0' && strcmp(state.last, row->screen) == 0) {
        LK_NEED(state.answer == value, err, LK_EINVAL,
                "this pair is answered already, and otherwise; take that answer back first");
        return LK_OK;
    }
    LK_TRY(lk_review_screen_at(store, row->reviewer, state.done + 1, current, err));
    LK_NEED(current[0] != '\0' && strcmp(current, row->screen) == 0, err, LK_EINVAL,
            "this is not the pair that is to be answered now");
    return lk_review_log_add(store, row, err);
}

lk_status lk_review_store_answer(struct lk_review_store *store, int64_t reviewer, const char *screen,
                                 int value, const char *note, int64_t milliseconds, lk_error *err)
{
    const char *name = lk_review_answer_name(value);
    LK_NEED(name != NULL, err, LK_EINVAL,
            "found the answer %d, expected -3 to 3, no_face, child or cannot_say", value);
    LK_NEED(milliseconds >= 0 && milliseconds <= MOST_MILLISECONDS, err, LK_EINVAL,
            "found %lld milliseconds, expected 0 to %d", (long long)milliseconds, MOST_MILLISECONDS);
    LK_TRY(lk_review_check_note(note, err));
    struct lk_review_row row = {.reviewer = reviewer,
                                .kind = "answer",
                                .screen = screen,
                                .answer = name,
                                .note = note,
                                .milliseconds = milliseconds};
    LK_TRY(lk_review_db_exec(store, "BEGIN IMMEDIATE", err));
    return lk_review_db_end(store, answer(store, &row, value, err), err);
}

static lk_status undo(struct lk_review_store *store, int64_t reviewer, const char *screen, lk_error *err)
{
    struct lk_review_state state;
    bool closed;
    LK_TRY(lk_review_state(store, reviewer, &state, err));
    LK_NEED(state.last[0] != '\0' && strcmp(state.last, screen) == 0, err, LK_EINVAL,
            "only the last answer can be taken back");
    if (state.undone)
        return LK_OK;
    LK_TRY(lk_review_closed(store, &closed, err));
    LK_NEED(!closed, err, LK_EINVAL, "the review is closed: answers stay as they are");
    struct lk_review_row row = {.reviewer = reviewer, .kind = "undo", .screen = screen, .milliseconds = -1};
    return lk_review_log_add(store, &row, err);
}

lk_status lk_review_store_undo(struct lk_review_store *store, int64_t reviewer, const char *screen,
                               lk_error *err)
{
    LK_TRY(lk_review_db_exec(store, "BEGIN IMMEDIATE", err));
    return lk_review_db_end(store, undo(store, reviewer, screen, err), err);
}
