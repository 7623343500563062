/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_review.c - a small review with bytes of its file changed: opened, answered, counted. The input is a
 * list of changes, three bytes each: where (two bytes, the lower one first; behind the end it is a new
 * length) and the new value; so a few bytes of input reach every page of a file that is larger than an input
 * may be. */
#include <math.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "review/stats.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static char path[200];
static uint8_t *whole;
static size_t whole_len;

static void must(int ok)
{
    if (!ok)
        abort();
}

/* With what SQLite may have left beside it. */
static void remove_file(void)
{
    static const char *const ends[] = {"", "-journal", "-wal", "-shm"};
    for (int i = 0; i < 4; i++) {
        char name[220];
        snprintf(name, sizeof name, "%s%s", path, ends[i]);
        unlink(name);
    }
}

static void fill(struct lk_review_store *store)
{
    struct lk_review_bytes picture = {(const uint8_t *)"picture", 7};
    int64_t number;
    for (int i = 0; i < LK_REVIEW_N_KINDS; i++) {
        struct lk_review_item item = {.kind = (enum lk_review_kind)i,
                                      .repeats = i == LK_REVIEW_REPEAT,
                                      .path = {"a", "b"},
                                      .name = {"c", NULL},
                                      .score = 0.5,
                                      .e_value = NAN};
        for (int side = 0; side < 2; side++)
            must(lk_review_store_add_picture(store, picture, picture, &item.picture[side], NULL) == LK_OK);
        must(lk_review_store_add_item(store, &item, &number, NULL) == LK_OK);
        must(lk_review_store_add_context(store, number, 1, item.picture[0], "d", NULL) == LK_OK);
    }
}

/* What is drawn at random is replaced, so that the same input always gives the same file. */
static void make_whole(void)
{
    struct lk_review_plan plan = {.command = "fuzz", .seed = 1};
    struct lk_review_store *store;
    struct lk_review_screen screen;
    char tokens[3][LK_REVIEW_TOKEN_SIZE];
    sqlite3 *db;
    const char *folder =
        lk_path_is_dir("/dev/shm") ? "/dev/shm" : "/tmp"; /* writing waits for the disk elsewhere */
    snprintf(path, sizeof path, "%s/likeness-fuzz-%ld", folder, (long)getpid());
    atexit(remove_file);
    must(lk_review_store_create(&store, path, &plan, NULL) == LK_OK);
    fill(store);
    must(lk_review_store_seal(store, 2, tokens, NULL) == LK_OK);
    for (int i = 0; i < 4; i++) {
        must(lk_review_store_next(store, 1, &screen, NULL) == LK_OK);
        must(lk_review_store_answer(store, 1, screen.id, i - 1, "note", 5, NULL) == LK_OK);
    }
    lk_review_store_free(store);
    must(sqlite3_open(path, &db) == SQLITE_OK);
    must(
        sqlite3_exec(
            db,
            "UPDATE log SET time = seq, sha256 = printf('%064d', seq), screen = printf('%032d', position) "
            "FROM "
            "screens WHERE screens.screen = log.screen; UPDATE screens SET screen = printf('%032d', 100 * "
            "reviewer + position - 100); UPDATE reviewers SET token_sha256 = printf('%064d', reviewer); "
            "UPDATE "
            "review SET value = printf('%064d', 0) WHERE key = 'plan_sha256'; PRAGMA page_size = 512; VACUUM",
            NULL, NULL, NULL) == SQLITE_OK);
    sqlite3_close(db);
    must(lk_file_read(path, 1 << 20, &whole, &whole_len, NULL) == LK_OK);
}

static void write_changed(const uint8_t *bytes, size_t len)
{
    uint8_t *copy = malloc(whole_len);
    size_t n = whole_len;
    must(copy != NULL);
    memcpy(copy, whole, whole_len);
    for (size_t i = 0; i + 3 <= len; i += 3) {
        size_t at = bytes[i] | (size_t)bytes[i + 1] << 8;
        if (at < whole_len)
            copy[at] = bytes[i + 2];
        else
            n = at % (whole_len + 1);
    }
    remove_file();
    FILE *f = fopen(path, "wb");
    must(f != NULL && fwrite(copy, 1, n, f) == n && fclose(f) == 0);
    free(copy);
}

static void use_as_reviewer(struct lk_review_store *store)
{
    struct lk_review_screen screen;
    struct lk_review_reviewer who;
    uint8_t *picture;
    size_t len;
    (void)lk_review_store_login(store, "nobody", &who, NULL);
    for (int64_t r = 1; r <= 3; r++) {
        if (lk_review_store_next(store, r, &screen, NULL) != LK_OK)
            continue;
        if (lk_review_store_picture(store, r, screen.id, LK_REVIEW_RIGHT, LK_REVIEW_THE_ORIGINAL, &picture,
                                    &len, NULL) == LK_OK)
            free(picture);
        (void)lk_review_store_answer(store, r, screen.id, 2, NULL, 1, NULL);
        (void)lk_review_store_undo(store, r, screen.previous, NULL);
    }
}

static void use_as_owner(struct lk_review_store *store)
{
    struct lk_review_all all;
    struct lk_review_numbers numbers;
    lk_review_stats_summary summary;
    struct lk_review_cases cases;
    json_t *json;
    if (lk_review_store_read(store, &all, NULL) == LK_OK) {
        must(lk_review_compute(&all, &numbers, &summary, NULL) == LK_OK);
        must(lk_review_json(&numbers, NULL, &json, NULL) == LK_OK);
        json_decref(json);
        lk_review_all_free(&all);
    }
    if (lk_review_store_cases(store, 3, &cases, NULL) == LK_OK)
        lk_review_cases_free(&cases);
    (void)lk_review_store_decide(store, 3, 1, LK_REVIEW_SAME, NULL, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct lk_review_store *store;
    if (whole == NULL)
        make_whole();
    write_changed(bytes, len);
    if (lk_review_store_open(&store, path, NULL) == LK_OK) {
        use_as_reviewer(store);
        use_as_owner(store);
        lk_review_store_free(store);
    } else {
        must(len > 0); /* the unchanged file opens */
    }
    return 0;
}
