/* SPDX-License-Identifier: Apache-2.0 */
/* cases.c - adjudication: the candidates with everything that is known of them, after the last answer. */
#include <stdlib.h>
#include <string.h>

#include "review/db.h"

static lk_status need_adjudicator(struct lk_review_store *store, int64_t reviewer, lk_error *err)
{
    sqlite3_stmt *stmt;
    bool row = false;
    LK_TRY(lk_review_db_prepare(
        store, &stmt, err, "SELECT 1 FROM reviewers WHERE reviewer = ? AND adjudicator = 1", "i", reviewer));
    lk_status status = lk_review_db_step(store, stmt, &row, err);
    sqlite3_finalize(stmt);
    LK_TRY(status);
    LK_NEED(row, err, LK_EINVAL, "the cases are for the adjudicator alone");
    return LK_OK;
}

/* The adjudicator may look only at what can no longer change: the first look closes the review. */
static lk_status close_review(struct lk_review_store *store, int64_t reviewer, lk_error *err)
{
    bool closed, row = false;
    LK_TRY(need_adjudicator(store, reviewer, err));
    LK_TRY(lk_review_closed(store, &closed, err));
    if (closed)
        return LK_OK;
    sqlite3_stmt *stmt;
    LK_TRY(
        lk_review_db_prepare(store, &stmt, err, "SELECT reviewer FROM reviewers WHERE adjudicator = 0", ""));
    lk_status status = LK_OK;
    for (;;) {
        struct lk_review_state state;
        if ((status = lk_review_db_step(store, stmt, &row, err)) != LK_OK || !row)
            break;
        if ((status = lk_review_state(store, sqlite3_column_int64(stmt, 0), &state, err)) != LK_OK)
            break;
        if (state.done < state.total) {
            status = lk_fail(err, LK_EINVAL, "answers are missing; the cases can be seen after the last one");
            break;
        }
    }
    sqlite3_finalize(stmt);
    struct lk_review_row entry = {.reviewer = reviewer, .kind = "close", .milliseconds = -1};
    return status == LK_OK ? lk_review_log_add(store, &entry, err) : status;
}

static lk_status ensure_closed(struct lk_review_store *store, int64_t reviewer, lk_error *err)
{
    LK_TRY(lk_review_db_exec(store, "BEGIN IMMEDIATE", err));
    return lk_review_db_end(store, close_review(store, reviewer, err), err);
}

/* ---- the list ------------------------------------------------------------------------------------------ */

static lk_status count_context(struct lk_review_store *store, struct lk_review_case *c, lk_error *err)
{
    sqlite3_stmt *stmt;
    LK_TRY(lk_review_db_prepare(
        store, &stmt, err,
        "SELECT side, count(*) FROM context WHERE item = ? AND side IN (0, 1) GROUP BY side", "i", c->item));
    lk_status status = LK_OK;
    for (bool row = true; status == LK_OK;) {
        if ((status = lk_review_db_step(store, stmt, &row, err)) != LK_OK || !row)
            break;
        c->n_context[sqlite3_column_int(stmt, 0)] = (size_t)sqlite3_column_int64(stmt, 1);
    }
    sqlite3_finalize(stmt);
    return status;
}

/* Moves what was read of one item into a case. */
static lk_status take_case(struct lk_review_store *store, struct lk_review_all *all, size_t i,
                           struct lk_review_case *c, lk_error *err)
{
    c->item = (int64_t)i + 1;
    for (int side = 0; side < 2; side++) {
        c->path[side] = all->items[i].path[side];
        c->name[side] = all->items[i].name[side];
        all->items[i].path[side] = all->items[i].name[side] = NULL;
    }
    c->score = all->items[i].score;
    c->e_value = all->items[i].e_value;
    c->discovery = all->items[i].discovery;
    c->unanimous = all->items[i].unanimous;
    c->decision = all->items[i].decision;
    c->decision_note = all->items[i].decision_note;
    all->items[i].decision_note = NULL;
    return count_context(store, c, err);
}

static lk_status list_cases(struct lk_review_store *store, struct lk_review_all *all,
                            struct lk_review_cases *out, lk_error *err)
{
    size_t *case_of = lk_calloc(all->n_items, sizeof *case_of, err);
    out->n_reviewers = all->n_reviewers;
    out->cases = lk_calloc(all->n_items, sizeof *out->cases, err);
    lk_status status = case_of != NULL && out->cases != NULL ? LK_OK : LK_ENOMEM;
    for (size_t i = 0; i < all->n_items && status == LK_OK; i++)
        if (all->items[i].kind == LK_REVIEW_CANDIDATE) {
            status = take_case(store, all, i, &out->cases[out->n++], err);
            case_of[i] = out->n;
        }
    for (size_t i = 0; i < all->n_given && status == LK_OK; i++) {
        struct lk_review_given *g = &all->given[i];
        if (case_of[g->item] == 0)
            continue;
        struct lk_review_case_answer *a = &out->cases[case_of[g->item] - 1].answers[g->reviewer];
        *a = (struct lk_review_case_answer){g->answer, g->note, g->milliseconds};
        g->note = NULL;
    }
    free(case_of);
    return status;
}

lk_status lk_review_store_cases(struct lk_review_store *store, int64_t reviewer, struct lk_review_cases *out,
                                lk_error *err)
{
    struct lk_review_all all;
    struct lk_review_cases cases = {0};
    LK_TRY(ensure_closed(store, reviewer, err));
    LK_TRY(lk_review_store_read(store, &all, err));
    lk_status status = list_cases(store, &all, &cases, err);
    lk_review_all_free(&all);
    if (status != LK_OK) {
        lk_review_cases_free(&cases);
        return status;
    }
    *out = cases;
    return LK_OK;
}

void lk_review_cases_free(struct lk_review_cases *cases)
{
    for (size_t i = 0; i < cases->n; i++) {
        struct lk_review_case *c = &cases->cases[i];
        for (int side = 0; side < 2; side++) {
            free(c->path[side]);
            free(c->name[side]);
        }
        for (size_t r = 0; r < cases->n_reviewers; r++)
            free(c->answers[r].note);
        free(c->decision_note);
    }
    free(cases->cases);
    *cases = (struct lk_review_cases){0};
}

/* ---- pictures and decisions ---------------------------------------------------------------------------- */

lk_status lk_review_store_case_picture(struct lk_review_store *store, int64_t reviewer, int64_t item,
                                       int side, enum lk_review_what what, uint8_t **bytes, size_t *len,
                                       lk_error *err)
{
    sqlite3_stmt *stmt;
    LK_TRY(ensure_closed(store, reviewer, err));
    LK_TRY(
        lk_review_db_prepare(store, &stmt, err,
                             "SELECT iif(?1, original, crop) FROM items JOIN pictures ON picture = iif(?2, "
                             "reference_picture, image_picture) WHERE item = ?3 AND kind = 'candidate'",
                             "iii", (int64_t)(what == LK_REVIEW_THE_ORIGINAL), (int64_t)(side != 0), item));
    return lk_review_db_blob(store, stmt, "there is no case with this picture", bytes, len, err);
}

lk_status lk_review_store_context_picture(struct lk_review_store *store, int64_t reviewer, int64_t item,
                                          int side, size_t number, uint8_t **bytes, size_t *len,
                                          lk_error *err)
{
    sqlite3_stmt *stmt;
    LK_TRY(ensure_closed(store, reviewer, err));
    LK_TRY(lk_review_db_prepare(
        store, &stmt, err,
        "SELECT crop FROM context JOIN pictures USING(picture) WHERE item = ? AND side = ? "
        "AND number = ?",
        "iii", item, (int64_t)side, (int64_t)number));
    return lk_review_db_blob(store, stmt, "there is no case with this photo", bytes, len, err);
}

static lk_status decide(struct lk_review_store *store, struct lk_review_row *row, lk_error *err)
{
    sqlite3_stmt *stmt;
    bool found;
    LK_TRY(close_review(store, row->reviewer, err));
    LK_TRY(lk_review_db_prepare(store, &stmt, err,
                                "SELECT 1 FROM items WHERE item = ? AND kind = 'candidate'", "i", row->item));
    lk_status status = lk_review_db_step(store, stmt, &found, err);
    sqlite3_finalize(stmt);
    LK_TRY(status);
    LK_NEED(found, err, LK_EINVAL, "there is no case with the number %lld", (long long)row->item);
    return lk_review_log_add(store, row, err);
}

lk_status lk_review_store_decide(struct lk_review_store *store, int64_t reviewer, int64_t item,
                                 enum lk_review_decision decision, const char *note, lk_error *err)
{
    LK_NEED(decision > LK_REVIEW_UNDECIDED && decision <= LK_REVIEW_UNCERTAIN, err, LK_EINVAL,
            "found the decision %d, expected same, different or uncertain", (int)decision);
    LK_TRY(lk_review_check_note(note, err));
    struct lk_review_row row = {.reviewer = reviewer,
                                .kind = "decision",
                                .item = item,
                                .milliseconds = -1,
                                .answer = lk_review_decision_name(decision),
                                .note = note};
    LK_TRY(lk_review_db_exec(store, "BEGIN IMMEDIATE", err));
    return lk_review_db_end(store, decide(store, &row, err), err);
}
