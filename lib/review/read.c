/* SPDX-License-Identifier: Apache-2.0 */
/* read.c - everything in a review, for statistics and export: truth, the answers that stand, broken hashes.
 */
#include <stdlib.h>
#include <string.h>

#include "review/db.h"

/* What is being read: the answer of reviewer r to item i stands at [i * n_reviewers + r]. */
struct reading {
    struct lk_review_store *store;
    struct lk_review_all *all;
    struct lk_review_given *given;
    bool *stands;
    int64_t *numbers; /* of the reviewers */
};

static lk_status damaged(const struct reading *in, const char *what, lk_error *err)
{
    return lk_fail(err, LK_EFORMAT, "%s: this review is damaged: %s", in->store->path, what);
}

/* Calls `take` for every row of a query. */
static lk_status each_row(struct reading *in, const char *sql,
                          lk_status (*take)(struct reading *, sqlite3_stmt *, lk_error *), lk_error *err)
{
    sqlite3_stmt *stmt;
    LK_TRY(lk_review_db_prepare(in->store, &stmt, err, sql, ""));
    lk_status status = LK_OK;
    for (bool row = true; status == LK_OK;) {
        if ((status = lk_review_db_step(in->store, stmt, &row, err)) != LK_OK || !row)
            break;
        status = take(in, stmt, err);
    }
    sqlite3_finalize(stmt);
    return status;
}

/* ---- the plan ------------------------------------------------------------------------------------------ */

static lk_status take_value(struct reading *in, sqlite3_stmt *stmt, lk_error *err)
{
    const char *key = (const char *)sqlite3_column_text(stmt, 0);
    if (key != NULL && strcmp(key, "seed") == 0) {
        const char *value = (const char *)sqlite3_column_text(stmt, 1);
        in->all->seed = value != NULL ? strtoull(value, NULL, 10) : 0;
    } else if (key != NULL && strcmp(key, "command") == 0 && in->all->command == NULL) {
        return lk_review_db_text(stmt, 1, &in->all->command, err);
    }
    return LK_OK;
}

static lk_status take_reviewer(struct reading *in, sqlite3_stmt *stmt, lk_error *err)
{
    if (in->all->n_reviewers == LK_REVIEW_MAX_REVIEWERS)
        return damaged(in, "too many reviewers", err);
    in->numbers[in->all->n_reviewers++] = sqlite3_column_int64(stmt, 0);
    return LK_OK;
}

static bool parse_kind(const char *text, enum lk_review_kind *kind)
{
    for (int i = 0; i < LK_REVIEW_N_KINDS; i++)
        if (text != NULL && strcmp(text, lk_review_kind_name((enum lk_review_kind)i)) == 0) {
            *kind = (enum lk_review_kind)i;
            return true;
        }
    return false;
}

static lk_status take_item(struct reading *in, sqlite3_stmt *stmt, lk_error *err)
{
    struct lk_review_all *all = in->all;
    if (all->n_items == LK_REVIEW_MAX_ITEMS || sqlite3_column_int64(stmt, 0) != (int64_t)all->n_items + 1)
        return damaged(in, "its items are not numbered from 1, or too many", err);
    struct lk_review_all_item *item = &all->items[all->n_items++]; /* counted first: freed with the rest */
    if (!parse_kind((const char *)sqlite3_column_text(stmt, 1), &item->kind))
        return damaged(in, "an item is of no known kind", err);
    int64_t repeats = sqlite3_column_int64(stmt, 2);
    if ((item->kind == LK_REVIEW_REPEAT) != (repeats > 0 && repeats < (int64_t)all->n_items))
        return damaged(in, "a repeat does not say what it repeats", err);
    item->repeats = item->kind == LK_REVIEW_REPEAT ? (size_t)repeats - 1 : SIZE_MAX;
    for (int side = 0; side < 2; side++) {
        LK_TRY(lk_review_db_text(stmt, 3 + side, &item->path[side], err));
        LK_TRY(lk_review_db_text(stmt, 5 + side, &item->name[side], err));
    }
    item->score = lk_review_db_real(stmt, 7);
    item->e_value = lk_review_db_real(stmt, 8);
    item->discovery = sqlite3_column_int(stmt, 9) != 0;
    return LK_OK;
}

static lk_status read_plan(struct reading *in, lk_error *err)
{
    struct lk_review_all *all = in->all;
    in->numbers = lk_calloc(LK_REVIEW_MAX_REVIEWERS, sizeof *in->numbers, err);
    all->items = lk_calloc(LK_REVIEW_MAX_ITEMS, sizeof *all->items, err);
    if (in->numbers == NULL || all->items == NULL)
        return LK_ENOMEM;
    LK_TRY(each_row(in, "SELECT key, value FROM review", take_value, err));
    LK_TRY(each_row(in, "SELECT reviewer FROM reviewers WHERE adjudicator = 0 ORDER BY reviewer",
                    take_reviewer, err));
    LK_TRY(
        each_row(in,
                 "SELECT item, kind, repeats, image, reference, identity, person, score, e_value, discovery "
                 "FROM items ORDER BY item",
                 take_item, err));
    in->given = lk_calloc(all->n_items * all->n_reviewers, sizeof *in->given, err);
    in->stands = lk_calloc(all->n_items * all->n_reviewers, sizeof *in->stands, err);
    return in->given != NULL && in->stands != NULL ? LK_OK : LK_ENOMEM;
}

/* ---- the log ------------------------------------------------------------------------------------------- */

static lk_status take_decision(struct reading *in, sqlite3_stmt *stmt, lk_error *err)
{
    int64_t item = sqlite3_column_int64(stmt, 5);
    const char *text = (const char *)sqlite3_column_text(stmt, 6);
    if (item < 1 || item > (int64_t)in->all->n_items || text == NULL ||
        !lk_review_decision_parse(text, &in->all->items[item - 1].decision))
        return damaged(in, "a decision is none of the possible ones", err);
    free(in->all->items[item - 1].decision_note);
    in->all->items[item - 1].decision_note = NULL;
    return lk_review_db_text(stmt, 7, &in->all->items[item - 1].decision_note, err);
}

/* Answer and undo; columns 10 to 12 are the screen's position, item and sides. */
static lk_status take_answer(struct reading *in, sqlite3_stmt *stmt, bool undo, lk_error *err)
{
    struct lk_review_all *all = in->all;
    int64_t reviewer = sqlite3_column_int64(stmt, 2), item = sqlite3_column_int64(stmt, 11);
    size_t r = 0;
    while (r < all->n_reviewers && in->numbers[r] != reviewer)
        r++;
    if (r == all->n_reviewers || item < 1 || item > (int64_t)all->n_items)
        return damaged(in, "an answer belongs to no screen of its reviewer", err);
    size_t at = (size_t)(item - 1) * all->n_reviewers + r;
    if (in->stands[at] != undo)
        return damaged(in, "an answer is there twice, or one that was not given is taken back", err);
    struct lk_review_given *g = &in->given[at];
    free(g->note);
    *g = (struct lk_review_given){.reviewer = r, .item = (size_t)item - 1};
    in->stands[at] = !undo;
    if (undo) {
        all->undone++;
        return LK_OK;
    }
    const char *answer = (const char *)sqlite3_column_text(stmt, 6);
    if (answer == NULL || !lk_review_answer_parse(answer, &g->answer))
        return damaged(in, "an answer is none of the possible ones", err);
    g->position = (uint64_t)sqlite3_column_int64(stmt, 10);
    g->swapped = sqlite3_column_int(stmt, 12) != 0;
    g->milliseconds = sqlite3_column_int64(stmt, 8);
    g->time = sqlite3_column_int64(stmt, 1);
    return lk_review_db_text(stmt, 7, &g->note, err);
}

static lk_status check_row(struct reading *in, sqlite3_stmt *stmt, const char *kind, lk_error *err)
{
    struct lk_review_all *all = in->all;
    struct lk_review_row row = {
        .seq = sqlite3_column_int64(stmt, 0),
        .time = sqlite3_column_int64(stmt, 1),
        .reviewer = sqlite3_column_int64(stmt, 2),
        .kind = kind,
        .screen = (const char *)sqlite3_column_text(stmt, 4),
        .item = sqlite3_column_int64(stmt, 5),
        .answer = (const char *)sqlite3_column_text(stmt, 6),
        .note = (const char *)sqlite3_column_text(stmt, 7),
        .milliseconds = sqlite3_column_type(stmt, 8) == SQLITE_NULL ? -1 : sqlite3_column_int64(stmt, 8)};
    char hash[65];
    LK_TRY(lk_review_row_hash(&row, all->log_sha256, hash, err));
    const char *stored = (const char *)sqlite3_column_text(stmt, 9);
    bool fits = row.seq == (int64_t)all->log_rows && stored != NULL && strcmp(stored, hash) == 0;
    if (!fits && all->broken[0] == '\0')
        snprintf(
            all->broken, sizeof all->broken,
            "row %llu of the answer log does not fit its hash: it, or one before it, was changed or removed",
            (unsigned long long)all->log_rows);
    snprintf(all->log_sha256, sizeof all->log_sha256, "%s", stored != NULL ? stored : "");
    return LK_OK;
}

static lk_status take_row(struct reading *in, sqlite3_stmt *stmt, lk_error *err)
{
    const char *text = (const char *)sqlite3_column_text(stmt, 3);
    char kind[16];
    snprintf(kind, sizeof kind, "%s", text != NULL ? text : "");
    in->all->log_rows++;
    LK_TRY(check_row(in, stmt, kind, err));
    if (strcmp(kind, "answer") == 0 || strcmp(kind, "undo") == 0)
        return take_answer(in, stmt, kind[0] == 'u', err);
    if (strcmp(kind, "decision") == 0)
        return take_decision(in, stmt, err);
    return strcmp(kind, "close") == 0 ? LK_OK
                                      : damaged(in, "a row of the answer log is of no known kind", err);
}

/* Answers that stand, moved together; and which candidates all reviewers agree on. */
static void keep_standing(struct reading *in)
{
    struct lk_review_all *all = in->all;
    all->given = in->given;
    in->given = NULL;
    for (size_t i = 0; i < all->n_items; i++) {
        size_t same = 0, different = 0;
        for (size_t r = 0; r < all->n_reviewers; r++) {
            size_t at = i * all->n_reviewers + r;
            if (!in->stands[at])
                continue;
            int answer = all->given[at].answer;
            same += answer > 0 && answer <= 3;
            different += answer < 0;
            all->given[all->n_given++] = all->given[at];
        }
        all->items[i].unanimous = same == all->n_reviewers ? 1 : different == all->n_reviewers ? -1 : 0;
    }
}

static lk_status read_all(struct reading *in, lk_error *err)
{
    struct lk_review_all *all = in->all;
    LK_TRY(read_plan(in, err));
    LK_TRY(lk_review_plan_hash(in->store, all->plan_sha256, err));
    if (strcmp(all->plan_sha256, in->store->plan_sha256) != 0)
        snprintf(all->broken, sizeof all->broken,
                 "the pictures, items or screens do not fit their hash: they were changed after the review "
                 "was made");
    memcpy(all->log_sha256, in->store->plan_sha256, sizeof all->log_sha256);
    LK_TRY(each_row(
        in,
        "SELECT seq, time, log.reviewer, kind, log.screen, log.item, answer, note, milliseconds, sha256, "
        "position, screens.item, swapped FROM log LEFT JOIN screens ON log.screen = screens.screen AND "
        "log.reviewer = screens.reviewer ORDER BY seq",
        take_row, err));
    keep_standing(in);
    return LK_OK;
}

lk_status lk_review_store_read(struct lk_review_store *store, struct lk_review_all *out, lk_error *err)
{
    struct lk_review_all all = {0};
    struct reading in = {.store = store, .all = &all};
    LK_TRY(lk_review_store_progress(store, &all.progress, err));
    LK_TRY(lk_review_db_exec(store, "BEGIN", err));
    lk_status status = lk_review_db_end(store, read_all(&in, err), err);
    for (size_t i = 0; in.given != NULL && i < all.n_items * all.n_reviewers; i++)
        free(in.given[i].note);
    free(in.given);
    free(in.stands);
    free(in.numbers);
    if (status != LK_OK) {
        lk_review_all_free(&all);
        return status;
    }
    *out = all;
    return LK_OK;
}

void lk_review_all_free(struct lk_review_all *all)
{
    for (size_t i = 0; i < all->n_given; i++)
        free(all->given[i].note);
    for (size_t i = 0; i < all->n_items; i++) {
        for (int side = 0; side < 2; side++) {
            free(all->items[i].path[side]);
            free(all->items[i].name[side]);
        }
        free(all->items[i].decision_note);
    }
    free(all->given);
    free(all->items);
    free(all->command);
    *all = (struct lk_review_all){0};
}
