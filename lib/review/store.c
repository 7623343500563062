/* SPDX-License-Identifier: Apache-2.0 */
/* store.c - an open review: who logs in, which screen is next, its pictures. */
#include "review/store.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "review/db.h"

/* ---- words --------------------------------------------------------------------------------------------- */

static const struct {
    int answer;
    const char *name;
} answers[] = {
    {-3, "-3"},
    {-2, "-2"},
    {-1, "-1"},
    {0, "0"},
    {1, "1"},
    {2, "2"},
    {3, "3"},
    {LK_REVIEW_NO_FACE, "no_face"},
    {LK_REVIEW_CHILD, "child"},
    {LK_REVIEW_CANNOT_SAY, "cannot_say"},
};
enum { N_ANSWERS = sizeof answers / sizeof answers[0] };

const char *lk_review_answer_name(int answer)
{
    for (int i = 0; i < N_ANSWERS; i++)
        if (answers[i].answer == answer)
            return answers[i].name;
    return NULL;
}

bool lk_review_answer_parse(const char *text, int *answer)
{
    for (int i = 0; i < N_ANSWERS; i++)
        if (strcmp(answers[i].name, text) == 0) {
            *answer = answers[i].answer;
            return true;
        }
    return false;
}

const char *lk_review_kind_name(enum lk_review_kind kind)
{
    static const char *const names[LK_REVIEW_N_KINDS] = {"candidate", "mated", "decoy", "easy", "repeat"};
    return names[kind];
}

const char *lk_review_decision_name(enum lk_review_decision decision)
{
    static const char *const names[] = {NULL, "same", "different", "uncertain"};
    return names[decision];
}

bool lk_review_decision_parse(const char *text, enum lk_review_decision *decision)
{
    for (int i = LK_REVIEW_SAME; i <= LK_REVIEW_UNCERTAIN; i++)
        if (strcmp(text, lk_review_decision_name((enum lk_review_decision)i)) == 0) {
            *decision = (enum lk_review_decision)i;
            return true;
        }
    return false;
}

/* ---- open, free, log in -------------------------------------------------------------------------------- */

static lk_status read_plan_hash(struct lk_review_store *store, lk_error *err)
{
    sqlite3_stmt *stmt;
    bool row = false;
    LK_TRY(lk_review_db_prepare(store, &stmt, err, "SELECT value FROM review WHERE key = 'plan_sha256'", ""));
    lk_status status = lk_review_db_step(store, stmt, &row, err);
    const char *value = status == LK_OK && row ? (const char *)sqlite3_column_text(stmt, 0) : NULL;
    if (status == LK_OK && (value == NULL || strlen(value) != 64))
        status = lk_fail(err, LK_EFORMAT, "%s: this review is damaged: it does not hold the hash of its plan",
                         store->path);
    if (status == LK_OK)
        memcpy(store->plan_sha256, value, 65);
    sqlite3_finalize(stmt);
    return status;
}

lk_status lk_review_store_open(struct lk_review_store **out, const char *path, lk_error *err)
{
    struct lk_review_store *store = lk_calloc(1, sizeof *store, err);
    if (store == NULL)
        return LK_ENOMEM;
    lk_status status = (store->path = lk_strdup(path, err)) != NULL ? LK_OK : LK_ENOMEM;
    if (status == LK_OK)
        status = lk_review_db_open(store, path, false, err);
    if (status == LK_OK)
        status = lk_review_db_check(store, err);
    if (status == LK_OK)
        status = read_plan_hash(store, err);
    if (status != LK_OK) {
        lk_review_store_free(store);
        return status;
    }
    *out = store;
    return LK_OK;
}

const char *lk_review_store_plan(const struct lk_review_store *store)
{
    return store->plan_sha256;
}

void lk_review_store_free(struct lk_review_store *store)
{
    if (store == NULL)
        return;
    sqlite3_close(store->db);
    lk_out_abandon(&store->making);
    free(store->path);
    free(store);
}

lk_status lk_review_store_login(struct lk_review_store *store, const char *token,
                                struct lk_review_reviewer *out, lk_error *err)
{
    char hash[65];
    LK_TRY(lk_hash_bytes(token, strlen(token), hash, err));
    sqlite3_stmt *stmt;
    bool row = false;
    LK_TRY(lk_review_db_prepare(store, &stmt, err,
                                "SELECT reviewer, adjudicator, name FROM reviewers WHERE token_sha256 = ?",
                                "t", hash));
    lk_status status = lk_review_db_step(store, stmt, &row, err);
    if (status == LK_OK && !row)
        status = lk_fail(err, LK_EINVAL, "this link belongs to no reviewer of this review");
    if (status == LK_OK) {
        const char *name = (const char *)sqlite3_column_text(stmt, 2);
        out->number = sqlite3_column_int64(stmt, 0);
        out->adjudicator = sqlite3_column_int(stmt, 1) != 0;
        snprintf(out->name, sizeof out->name, "%s", name != NULL ? name : "");
    }
    sqlite3_finalize(stmt);
    return status;
}

/* ---- screens ------------------------------------------------------------------------------------------- */

static lk_status next(struct lk_review_store *store, int64_t reviewer, struct lk_review_screen *out,
                      lk_error *err)
{
    struct lk_review_state state;
    bool closed;
    LK_TRY(lk_review_state(store, reviewer, &state, err));
    LK_TRY(lk_review_closed(store, &closed, err));
    *out = (struct lk_review_screen){.done = state.done, .total = state.total};
    LK_TRY(lk_review_screen_at(store, reviewer, state.done + 1, out->id, err));
    LK_TRY(lk_review_screen_at(store, reviewer, state.done + 2, out->upcoming, err));
    if (!closed && !state.undone)
        memcpy(out->previous, state.last, sizeof out->previous);
    out->rest_due = state.done > 0 && state.done < state.total && state.done % LK_REVIEW_REST_EVERY == 0;
    return LK_OK;
}

lk_status lk_review_store_next(struct lk_review_store *store, int64_t reviewer, struct lk_review_screen *out,
                               lk_error *err)
{
    struct lk_review_screen screen;
    LK_TRY(lk_review_db_exec(store, "BEGIN", err));
    lk_status status = next(store, reviewer, &screen, err);
    LK_TRY(lk_review_db_end(store, status, err));
    *out = screen;
    return LK_OK;
}

lk_status lk_review_store_picture(struct lk_review_store *store, int64_t reviewer, const char *screen,
                                  enum lk_review_side side, enum lk_review_what what, uint8_t **bytes,
                                  size_t *len, lk_error *err)
{
    struct lk_review_state state;
    sqlite3_stmt *stmt;
    LK_TRY(lk_review_state(store, reviewer, &state, err));
    LK_TRY(lk_review_db_prepare(
        store, &stmt, err,
        "SELECT iif(?1, original, crop) FROM screens JOIN items USING(item) JOIN pictures ON picture = "
        "iif(swapped "
        "= ?2, image_picture, reference_picture) WHERE screen = ?3 AND reviewer = ?4 AND position <= ?5",
        "iitii", (int64_t)(what == LK_REVIEW_THE_ORIGINAL), (int64_t)(side == LK_REVIEW_RIGHT), screen,
        reviewer, (int64_t)state.done + 2));
    return lk_review_db_blob(store, stmt, "this reviewer has no such picture to look at now", bytes, len,
                             err);
}

/* ---- progress ------------------------------------------------------------------------------------------ */

static lk_status progress(struct lk_review_store *store, struct lk_review_progress *out, lk_error *err)
{
    sqlite3_stmt *stmt;
    *out = (struct lk_review_progress){.complete = true};
    LK_TRY(lk_review_db_prepare(
        store, &stmt, err, "SELECT reviewer, name FROM reviewers WHERE adjudicator = 0 ORDER BY reviewer",
        ""));
    lk_status status = LK_OK;
    for (bool row = true; status == LK_OK;) {
        if ((status = lk_review_db_step(store, stmt, &row, err)) != LK_OK || !row)
            break;
        struct lk_review_state state;
        const char *name = (const char *)sqlite3_column_text(stmt, 1);
        if (out->n_reviewers == LK_REVIEW_MAX_REVIEWERS)
            status = lk_fail(err, LK_EFORMAT, "%s: this review is damaged: more than %d reviewers",
                             store->path, LK_REVIEW_MAX_REVIEWERS);
        else
            status = lk_review_state(store, sqlite3_column_int64(stmt, 0), &state, err);
        if (status != LK_OK)
            break;
        size_t i = out->n_reviewers++;
        snprintf(out->reviewers[i].name, sizeof out->reviewers[i].name, "%s", name != NULL ? name : "");
        out->reviewers[i].done = state.done;
        out->reviewers[i].total = state.total;
        out->complete &= state.done == state.total;
    }
    sqlite3_finalize(stmt);
    return status == LK_OK ? lk_review_closed(store, &out->closed, err) : status;
}

lk_status lk_review_store_progress(struct lk_review_store *store, struct lk_review_progress *out,
                                   lk_error *err)
{
    struct lk_review_progress now;
    LK_TRY(lk_review_db_exec(store, "BEGIN", err));
    lk_status status = progress(store, &now, err);
    LK_TRY(lk_review_db_end(store, status, err));
    *out = now;
    return LK_OK;
}
