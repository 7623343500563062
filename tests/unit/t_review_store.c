/* SPDX-License-Identifier: Apache-2.0 */
/* t_review_store.c - the file of a review: order, blindness, answers, undo, adjudication, damage. */
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "review.h"
#include "temp.h"

static lk_error err;

static void answer_all(struct lk_review_store *store, int64_t reviewer, int answer)
{
    struct lk_review_screen screen;
    for (;;) {
        assert_int_equal(lk_review_store_next(store, reviewer, &screen, &err), LK_OK);
        if (screen.id[0] == '\0')
            return;
        assert_int_equal(lk_review_store_answer(store, reviewer, screen.id, answer, NULL, 100, &err), LK_OK);
    }
}

static void test_words(void **state)
{
    (void)state;
    int n = 0;
    for (int i = -20; i <= 20; i++) {
        const char *name = lk_review_answer_name(i);
        int back;
        if (name == NULL)
            continue;
        n++;
        assert_true(lk_review_answer_parse(name, &back));
        assert_int_equal(back, i);
    }
    assert_int_equal(n, 10);
    int answer = 77;
    assert_false(lk_review_answer_parse("4", &answer));
    assert_false(lk_review_answer_parse("+1", &answer));
    assert_int_equal(answer, 77);
    enum lk_review_decision decision;
    assert_true(lk_review_decision_parse("different", &decision));
    assert_int_equal(decision, LK_REVIEW_DIFFERENT);
    assert_false(lk_review_decision_parse("", &decision));
}

/* Everyone sees every item once, in an order and on sides of their own, which the seed decides. */
static void test_order(void **state)
{
    (void)state;
    char tokens[2][REVIEW_REVIEWERS + 1][LK_REVIEW_TOKEN_SIZE];
    int order[2][REVIEW_REVIEWERS][REVIEW_ITEMS], swapped[2][REVIEW_REVIEWERS][REVIEW_ITEMS];
    for (int k = 0; k < 2; k++) {
        struct lk_review_store *store = review_make(temp_path(k == 0 ? "a.db" : "b.db"), 7, tokens[k]);
        for (int r = 0; r < REVIEW_REVIEWERS; r++) {
            struct lk_review_reviewer who;
            assert_int_equal(lk_review_store_login(store, tokens[k][r], &who, &err), LK_OK);
            assert_false(who.adjudicator);
            struct lk_review_screen screen;
            for (int i = 0; i < REVIEW_ITEMS; i++) {
                assert_int_equal(lk_review_store_next(store, who.number, &screen, &err), LK_OK);
                assert_int_equal(screen.done, i);
                assert_int_equal(screen.total, REVIEW_ITEMS);
                int side, item = review_item_of(store, who.number, screen.id, &side);
                order[k][r][i] = item;
                swapped[k][r][i] = side;
                assert_int_equal(lk_review_store_answer(store, who.number, screen.id, 1, "", 5, &err), LK_OK);
            }
            int count[REVIEW_ITEMS] = {0};
            for (int i = 0; i < REVIEW_ITEMS; i++)
                count[order[k][r][i]]++;
            assert_int_equal(count[0], 2); /* and its repeat */
            for (int i = 1; i < REVIEW_ITEMS - 1; i++)
                assert_int_equal(count[i], 1);
        }
        lk_review_store_free(store);
    }
    assert_memory_equal(order[0], order[1], sizeof order[0]);
    assert_memory_equal(swapped[0], swapped[1], sizeof swapped[0]);
    assert_memory_not_equal(order[0][0], order[0][1], sizeof order[0][0]);
    assert_memory_not_equal(swapped[0][0], swapped[0][1], sizeof swapped[0][0]);
    assert_string_not_equal(tokens[0][0], tokens[1][0]);
}

static void test_blind(void **state)
{
    (void)state;
    char tokens[REVIEW_REVIEWERS + 1][LK_REVIEW_TOKEN_SIZE];
    struct lk_review_store *store = review_make(temp_path("blind.db"), 1, tokens);
    struct lk_review_reviewer one, two, chief;
    assert_int_equal(lk_review_store_login(store, tokens[0], &one, &err), LK_OK);
    assert_int_equal(lk_review_store_login(store, tokens[1], &two, &err), LK_OK);
    assert_int_equal(lk_review_store_login(store, tokens[3], &chief, &err), LK_OK);
    assert_true(chief.adjudicator);
    assert_int_equal(lk_review_store_login(store, "00000000000000000000000000000000", &one, &err), LK_EINVAL);
    assert_int_equal(lk_review_store_login(store, "", &one, &err), LK_EINVAL);

    struct lk_review_screen screen, other;
    uint8_t *bytes;
    size_t len;
    assert_int_equal(lk_review_store_next(store, one.number, &screen, &err), LK_OK);
    assert_int_equal(lk_review_store_next(store, two.number, &other, &err), LK_OK);
    assert_string_not_equal(screen.id, other.id);
    assert_string_equal(screen.previous, "");
    /* one's own pictures up to the next screen; nobody else's, and none of an adjudicator's */
    assert_int_equal(lk_review_store_picture(store, one.number, screen.upcoming, LK_REVIEW_RIGHT,
                                             LK_REVIEW_THE_ORIGINAL, &bytes, &len, &err),
                     LK_OK);
    assert_memory_equal(bytes, "original", 8);
    free(bytes);
    assert_int_equal(lk_review_store_picture(store, two.number, screen.id, LK_REVIEW_LEFT, LK_REVIEW_THE_CROP,
                                             &bytes, &len, &err),
                     LK_EINVAL);
    assert_int_equal(lk_review_store_picture(store, one.number, "1", LK_REVIEW_LEFT, LK_REVIEW_THE_CROP,
                                             &bytes, &len, &err),
                     LK_EINVAL);
    assert_int_equal(
        lk_review_store_case_picture(store, one.number, 1, 0, LK_REVIEW_THE_CROP, &bytes, &len, &err),
        LK_EINVAL);
    struct lk_review_cases cases;
    assert_int_equal(lk_review_store_cases(store, one.number, &cases, &err), LK_EINVAL);
    assert_int_equal(lk_review_store_cases(store, chief.number, &cases, &err),
                     LK_EINVAL); /* answers are missing */
    assert_non_null(strstr(err.text, "missing"));
    /* a screen that comes later is refused until it is near */
    assert_int_equal(lk_review_store_answer(store, one.number, screen.upcoming, 1, NULL, 1, &err), LK_EINVAL);
    struct stat st;
    assert_int_equal(stat(temp_path("blind.db"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    lk_review_store_free(store);
    assert_int_equal(lk_review_store_create(&store, temp_path("blind.db"), &(struct lk_review_plan){0}, &err),
                     LK_EINVAL);
}

static void test_answers(void **state)
{
    (void)state;
    char tokens[REVIEW_REVIEWERS + 1][LK_REVIEW_TOKEN_SIZE];
    struct lk_review_store *store = review_make(temp_path("answers.db"), 1, tokens);
    struct lk_review_screen a, b;
    int64_t r = 1;
    assert_int_equal(lk_review_store_next(store, r, &a, &err), LK_OK);
    assert_int_equal(lk_review_store_undo(store, r, a.id, &err), LK_EINVAL); /* nothing is given yet */
    assert_int_equal(lk_review_store_answer(store, r, a.id, 4, NULL, 1, &err), LK_EINVAL);
    assert_int_equal(lk_review_store_answer(store, r, a.id, 1, NULL, -1, &err), LK_EINVAL);
    char note[LK_REVIEW_MAX_NOTE + 2];
    memset(note, 'n', sizeof note - 1);
    note[sizeof note - 1] = '\0';
    assert_int_equal(lk_review_store_answer(store, r, a.id, 1, note, 1, &err), LK_EINVAL);
    note[sizeof note - 2] = '\0';
    assert_int_equal(lk_review_store_answer(store, r, a.id, -2, note, 1, &err), LK_OK);
    assert_int_equal(lk_review_store_answer(store, r, a.id, -2, note, 1, &err), LK_OK); /* sent again */
    assert_int_equal(lk_review_store_answer(store, r, a.id, 2, NULL, 1, &err), LK_EINVAL);
    assert_int_equal(lk_review_store_next(store, r, &b, &err), LK_OK);
    assert_string_equal(b.id, a.upcoming);
    assert_string_equal(b.previous, a.id);
    assert_int_equal(b.done, 1);

    assert_int_equal(lk_review_store_undo(store, r, b.id, &err), LK_EINVAL);
    assert_int_equal(lk_review_store_undo(store, r, a.id, &err), LK_OK);
    assert_int_equal(lk_review_store_undo(store, r, a.id, &err), LK_OK); /* sent again */
    assert_int_equal(lk_review_store_next(store, r, &b, &err), LK_OK);
    assert_string_equal(b.id, a.id);
    assert_string_equal(b.previous, "");
    assert_int_equal(b.done, 0);
    assert_int_equal(lk_review_store_answer(store, r, a.id, LK_REVIEW_CHILD, NULL, 1, &err), LK_OK);

    struct lk_review_all all;
    assert_int_equal(lk_review_store_read(store, &all, &err), LK_OK);
    assert_string_equal(all.broken, "");
    assert_int_equal(all.n_given, 1);
    assert_int_equal(all.given[0].answer, LK_REVIEW_CHILD);
    assert_int_equal(all.log_rows, 3);
    assert_int_equal(all.undone, 1);
    assert_int_equal(all.n_items, REVIEW_ITEMS);
    assert_string_equal(all.command, "a test");
    lk_review_all_free(&all);
    lk_review_store_free(store);
}

static void test_rest(void **state)
{
    (void)state;
    char token[2][LK_REVIEW_TOKEN_SIZE];
    struct lk_review_store *store;
    struct lk_review_plan plan = {.seed = 1};
    assert_int_equal(lk_review_store_create(&store, temp_path("rest.db"), &plan, &err), LK_OK);
    for (int i = 0; i < LK_REVIEW_REST_EVERY + 2; i++)
        review_add(store, i, LK_REVIEW_CANDIDATE, 0);
    assert_int_equal(lk_review_store_seal(store, 1, token, &err), LK_OK);
    struct lk_review_screen screen;
    for (int i = 0; i < LK_REVIEW_REST_EVERY + 2; i++) {
        assert_int_equal(lk_review_store_next(store, 1, &screen, &err), LK_OK);
        assert_int_equal(screen.rest_due, i > 0 && i % LK_REVIEW_REST_EVERY == 0);
        assert_int_equal(lk_review_store_answer(store, 1, screen.id, 0, NULL, 1, &err), LK_OK);
    }
    assert_int_equal(lk_review_store_next(store, 1, &screen, &err), LK_OK);
    assert_string_equal(screen.id, "");
    assert_false(screen.rest_due);
    lk_review_store_free(store);
}

static void test_adjudication(void **state)
{
    (void)state;
    char tokens[REVIEW_REVIEWERS + 1][LK_REVIEW_TOKEN_SIZE];
    struct lk_review_store *store = review_make(temp_path("cases.db"), 1, tokens);
    for (int64_t r = 1; r <= REVIEW_REVIEWERS; r++)
        answer_all(store, r, r == 3 ? 3 : 1);
    struct lk_review_progress progress;
    assert_int_equal(lk_review_store_progress(store, &progress, &err), LK_OK);
    assert_true(progress.complete);
    assert_false(progress.closed);
    struct lk_review_screen screen;
    assert_int_equal(lk_review_store_next(store, 3, &screen, &err), LK_OK);
    assert_string_not_equal(screen.previous, "");
    struct lk_review_cases cases;
    int64_t chief = REVIEW_REVIEWERS + 1;
    assert_int_equal(lk_review_store_cases(store, chief, &cases, &err), LK_OK);
    assert_int_equal(cases.n, REVIEW_CANDIDATES);
    assert_int_equal(cases.cases[2].unanimous, 1);
    assert_int_equal(cases.cases[2].answers[2].answer, 3);
    assert_int_equal(cases.cases[2].n_context[0], 1);
    assert_int_equal(cases.cases[2].n_context[1], 1);
    assert_string_equal(cases.cases[2].path[1], "train/reference.jpg");
    assert_true(isnan(cases.cases[2].e_value));
    lk_review_cases_free(&cases);
    /* closed: nothing is taken back any more */
    assert_int_equal(lk_review_store_undo(store, 3, screen.previous, &err), LK_EINVAL);
    assert_int_equal(lk_review_store_next(store, 3, &screen, &err), LK_OK);
    assert_string_equal(screen.previous, "");
    uint8_t *bytes;
    size_t len;
    assert_int_equal(lk_review_store_case_picture(store, chief, 2, 1, LK_REVIEW_THE_CROP, &bytes, &len, &err),
                     LK_OK);
    assert_string_equal((const char *)bytes, "crop 1 1");
    free(bytes);
    assert_int_equal(lk_review_store_context_picture(store, chief, 3, 1, 0, &bytes, &len, &err), LK_OK);
    free(bytes);
    assert_int_equal(lk_review_store_context_picture(store, chief, 3, 1, 9, &bytes, &len, &err), LK_EINVAL);
    assert_int_equal(lk_review_store_case_picture(store, chief, 7, 1, LK_REVIEW_THE_CROP, &bytes, &len, &err),
                     LK_EINVAL); /* a control is no case */
    assert_int_equal(lk_review_store_decide(store, 1, 2, LK_REVIEW_SAME, NULL, &err), LK_EINVAL);
    assert_int_equal(lk_review_store_decide(store, chief, 7, LK_REVIEW_SAME, NULL, &err), LK_EINVAL);
    assert_int_equal(lk_review_store_decide(store, chief, 2, LK_REVIEW_SAME, "twins?", &err), LK_OK);
    assert_int_equal(lk_review_store_decide(store, chief, 2, LK_REVIEW_UNCERTAIN, NULL, &err), LK_OK);
    assert_int_equal(lk_review_store_cases(store, chief, &cases, &err), LK_OK);
    assert_int_equal(cases.cases[1].decision, LK_REVIEW_UNCERTAIN);
    assert_null(cases.cases[1].decision_note);
    assert_int_equal(cases.cases[0].decision, LK_REVIEW_UNDECIDED);
    lk_review_cases_free(&cases);
    lk_review_store_free(store);
}

/* ---- damage -------------------------------------------------------------------------------------------- */

static void change(const char *path, const char *sql)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static uint8_t answered_bytes[1 << 20];
static size_t answered_len;

/* A review with the answers of two reviewers; made once, since every answer waits for the disk. */
static const char *answered(const char *name)
{
    if (answered_len == 0) {
        char tokens[REVIEW_REVIEWERS + 1][LK_REVIEW_TOKEN_SIZE];
        struct lk_review_store *store = review_make(temp_path("answered.db"), 1, tokens);
        answer_all(store, 1, -1);
        answer_all(store, 2, 2);
        lk_review_store_free(store);
        FILE *f = fopen(temp_path("answered.db"), "rb");
        answered_len = fread(answered_bytes, 1, sizeof answered_bytes, f);
        fclose(f);
        assert_in_range(answered_len, 4096, sizeof answered_bytes - 1);
    }
    return temp_file(name, answered_bytes, answered_len);
}

static void expect_broken(const char *sql, const char *name, const char *word)
{
    const char *path = answered(name);
    change(path, sql);
    struct lk_review_store *store;
    struct lk_review_all all;
    assert_int_equal(lk_review_store_open(&store, path, &err), LK_OK);
    assert_int_equal(lk_review_store_read(store, &all, &err), LK_OK);
    if (strstr(all.broken, word) == NULL)
        fail_msg("%s: found '%s', expected '%s' in it", name, all.broken, word);
    lk_review_all_free(&all);
    lk_review_store_free(store);
}

static void test_changed(void **state)
{
    (void)state;
    expect_broken("SELECT 1", "whole.db", "");
    expect_broken("UPDATE log SET answer = '3' WHERE seq = 5", "answer.db", "row 5");
    expect_broken("UPDATE log SET note = 'x' WHERE seq = 24", "note.db", "row 24");
    expect_broken("DELETE FROM log WHERE seq = 12", "gone.db", "row 12");
    expect_broken("UPDATE log SET time = time + 1 WHERE seq = 1", "time.db", "row 1 ");
    expect_broken("UPDATE items SET score = 0.9 WHERE item = 2", "item.db", "items");
    expect_broken("UPDATE pictures SET crop = x'00' WHERE picture = 3", "picture.db", "pictures");
    expect_broken("UPDATE screens SET swapped = 1 - swapped WHERE position = 2", "screen.db", "screens");
}

static void expect_refused(const char *sql, const char *name, const char *word)
{
    const char *path = answered(name);
    change(path, sql);
    struct lk_review_store *store;
    struct lk_review_all all;
    lk_status status = lk_review_store_open(&store, path, &err);
    if (status == LK_OK) {
        status = lk_review_store_read(store, &all, &err);
        lk_review_store_free(store);
    }
    assert_int_equal(status, LK_EFORMAT);
    if (strstr(err.text, word) == NULL || strstr(err.text, name) == NULL)
        fail_msg("found '%s', expected '%s' and '%s' in it", err.text, name, word);
}

static void test_refused(void **state)
{
    (void)state;
    expect_refused("PRAGMA application_id = 7", "foreign.db", "another program");
    expect_refused("PRAGMA user_version = 2", "newer.db", "format 2");
    expect_refused("CREATE TABLE more(x)", "more.db", "does not have");
    expect_refused("CREATE TRIGGER t AFTER INSERT ON log BEGIN DELETE FROM log; END", "trigger.db",
                   "does not have");
    expect_refused("DROP TABLE log; CREATE VIEW log AS SELECT 1 AS kind", "view.db", "does not have");
    expect_refused("DROP INDEX log_of", "index.db", "of the");
    expect_refused("DELETE FROM review WHERE key = 'plan_sha256'", "plan.db", "plan");
    expect_refused("UPDATE items SET kind = 'x' WHERE item = 3", "kind.db", "known kind");
    expect_refused("UPDATE items SET repeats = 12 WHERE item = 12", "loop.db", "repeats");
    expect_refused("UPDATE items SET item = 90 WHERE item = 3", "number.db", "numbered");
    expect_refused("UPDATE log SET answer = '9' WHERE seq = 24", "nine.db", "possible");
    expect_refused("UPDATE log SET kind = 'undo' WHERE seq = 3", "undo.db", "taken back");
    expect_refused("UPDATE log SET screen = 'x' WHERE seq = 3", "lost.db", "no screen");
    expect_refused("UPDATE log SET kind = 'undo'", "less.db", "-12 answers");
    struct lk_review_store *store;
    assert_int_equal(
        lk_review_store_open(&store, temp_text("text.db", "this is a text, and long enough"), &err),
        LK_EFORMAT);
    assert_non_null(strstr(err.text, "no SQLite file"));
    assert_int_equal(lk_review_store_open(&store, temp_text("empty.db", ""), &err), LK_EFORMAT);
    assert_int_equal(lk_review_store_open(&store, temp_path("none.db"), &err), LK_EIO);
    assert_int_equal(lk_review_store_open(&store, temp_dir("folder.db"), &err), LK_EFORMAT);
    assert_non_null(strstr(err.text, "found a folder"));
}

/* Cut at any length the file is refused. */
static void test_cut(void **state)
{
    (void)state;
    answered("cut.db");
    for (size_t n = 0; n < answered_len; n += 1531) {
        struct lk_review_store *store;
        const char *path = temp_file("shorter.db", answered_bytes, n);
        assert_int_equal(lk_review_store_open(&store, path, &err), LK_EFORMAT);
    }
}

/* ---- many at once, and killed -------------------------------------------------------------------------- */

static void test_several_processes(void **state)
{
    (void)state;
    char tokens[REVIEW_REVIEWERS + 1][LK_REVIEW_TOKEN_SIZE];
    const char *path = temp_path("several.db");
    lk_review_store_free(review_make(path, 1, tokens));
    for (int64_t r = 1; r <= REVIEW_REVIEWERS; r++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            struct lk_review_store *store;
            struct lk_review_screen screen;
            bool ok = lk_review_store_open(&store, path, NULL) == LK_OK;
            while (ok && (ok = lk_review_store_next(store, r, &screen, NULL) == LK_OK) &&
                   screen.id[0] != '\0')
                ok = lk_review_store_answer(store, r, screen.id, (int)r, "note", 3, NULL) == LK_OK;
            _exit(ok ? 0 : 1);
        }
    }
    for (int r = 0; r < REVIEW_REVIEWERS; r++) {
        int status;
        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
    }
    struct lk_review_store *store;
    struct lk_review_all all;
    assert_int_equal(lk_review_store_open(&store, path, &err), LK_OK);
    assert_int_equal(lk_review_store_read(store, &all, &err), LK_OK);
    assert_string_equal(all.broken, "");
    assert_int_equal(all.n_given, REVIEW_REVIEWERS * REVIEW_ITEMS);
    assert_int_equal(all.log_rows, REVIEW_REVIEWERS * REVIEW_ITEMS);
    for (size_t i = 0; i < all.n_given; i++)
        assert_int_equal(all.given[i].answer, all.given[i].reviewer + 1);
    lk_review_all_free(&all);
    lk_review_store_free(store);
}

/* Answers until everything is answered, and says each answer through the pipe once the call has returned. */
static _Noreturn void answer_until_killed(const char *path, int64_t reviewer, int pipe_end)
{
    struct lk_review_store *store;
    struct lk_review_screen screen;
    bool ok = lk_review_store_open(&store, path, NULL) == LK_OK;
    while (ok && (ok = lk_review_store_next(store, reviewer, &screen, NULL) == LK_OK) &&
           screen.id[0] != '\0') {
        int answer = (int)(screen.done % 7) - 3;
        ok = lk_review_store_answer(store, reviewer, screen.id, answer, NULL, 1, NULL) == LK_OK &&
             write(pipe_end, &answer, sizeof answer) == (ssize_t)sizeof answer;
    }
    _exit(ok ? 0 : 1);
}

/* Killed in the middle again and again: what was said to be stored is stored, once, and the rest can be
 * answered. */
static void test_killed(void **state)
{
    (void)state;
    char tokens[REVIEW_REVIEWERS + 1][LK_REVIEW_TOKEN_SIZE];
    const char *path = temp_path("killed.db");
    lk_review_store_free(review_make(path, 1, tokens));
    int ends[2], said, n_said = 0, kills = 0;
    long most = 100000; /* nanoseconds to wait before a kill: follows what an answer takes on this machine */
    assert_int_equal(pipe(ends), 0);
    for (int64_t r = 1; r <= REVIEW_REVIEWERS;) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0)
            answer_until_killed(path, r, ends[1]);
        int before = n_said, status;
        struct timespec moment = {0, most * (kills * 7919 % 40) / 40};
        while (n_said < before + 1 + kills % 2 && waitpid(child, &status, WNOHANG) == 0) {
            struct pollfd ready = {ends[0], POLLIN, 0};
            if (poll(&ready, 1, 20) == 1) {
                assert_int_equal(read(ends[0], &said, sizeof said), sizeof said);
                n_said++;
            }
        }
        nanosleep(&moment, NULL); /* somewhere in the next answer */
        int told = n_said;
        bool killed = kill(child, SIGKILL) == 0;
        waitpid(child, &status, 0);
        kills += killed;

        struct lk_review_store *store;
        struct lk_review_screen screen;
        assert_int_equal(lk_review_store_open(&store, path, &err), LK_OK);
        assert_int_equal(lk_review_store_next(store, r, &screen, &err), LK_OK);
        lk_review_store_free(store);
        struct pollfd rest = {ends[0], POLLIN, 0};
        while (poll(&rest, 1, 0) == 1) {
            assert_int_equal(read(ends[0], &said, sizeof said), sizeof said);
            n_said++;
        }
        /* all that was said, and at most the one that was being stored */
        int stored = (int)screen.done + (int)(r - 1) * REVIEW_ITEMS;
        assert_in_range(stored, n_said, n_said + 1);
        most = stored > told + 1 ? most / 2 : stored == told && most < 50000000 ? most * 2 : most;
        n_said = stored;
        r += screen.id[0] == '\0';
    }
    assert_in_range(kills, 5, 1000);
    struct lk_review_store *store;
    struct lk_review_all all;
    assert_int_equal(lk_review_store_open(&store, path, &err), LK_OK);
    assert_int_equal(lk_review_store_read(store, &all, &err), LK_OK);
    assert_string_equal(all.broken, "");
    assert_int_equal(all.log_rows, REVIEW_REVIEWERS * REVIEW_ITEMS);
    assert_int_equal(all.n_given, REVIEW_REVIEWERS * REVIEW_ITEMS);
    for (size_t i = 0; i < all.n_given; i++)
        assert_int_equal(all.given[i].answer, (int)((all.given[i].position - 1) % 7) - 3);
    lk_review_all_free(&all);
    lk_review_store_free(store);
    close(ends[0]);
    close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),   cmocka_unit_test(test_order),
        cmocka_unit_test(test_blind),   cmocka_unit_test(test_answers),
        cmocka_unit_test(test_rest),    cmocka_unit_test(test_adjudication),
        cmocka_unit_test(test_changed), cmocka_unit_test(test_refused),
        cmocka_unit_test(test_cut),     cmocka_unit_test(test_several_processes),
        cmocka_unit_test(test_killed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
