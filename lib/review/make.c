/* SPDX-License-Identifier: Apache-2.0 */
/* make.c - a new review: pictures and items are filled in, then order, sides and secrets are drawn. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "review/db.h"
#include "stats/resample.h"

enum { PURPOSE_ORDER = 0x0bde, MOST_TRIES = 200 };

static lk_status put_value(struct lk_review_store *store, const char *key, const char *value, lk_error *err)
{
    sqlite3_stmt *stmt;
    LK_TRY(lk_review_db_prepare(store, &stmt, err, "INSERT INTO review(key, value) VALUES(?, ?)", "tt", key,
                                value));
    return lk_review_db_run(store, stmt, err);
}

static lk_status start(struct lk_review_store *store, const struct lk_review_plan *plan, lk_error *err)
{
    char seed[32];
    snprintf(seed, sizeof seed, "%" PRIu64, plan->seed);
    LK_TRY(lk_review_db_open(store, store->making.tmp, true, err));
    LK_TRY(lk_review_db_make(store, err));
    LK_TRY(lk_review_db_exec(store, "BEGIN IMMEDIATE", err));
    LK_TRY(put_value(store, "tool", "likeness " LK_VERSION, err));
    LK_TRY(put_value(store, "seed", seed, err));
    return plan->command != NULL ? put_value(store, "command", plan->command, err) : LK_OK;
}

lk_status lk_review_store_create(struct lk_review_store **out, const char *path,
                                 const struct lk_review_plan *plan, lk_error *err)
{
    LK_NEED(!lk_path_exists(path), err, LK_EINVAL,
            "%s: is there already, and may hold answers; give another name, or remove it yourself", path);
    struct lk_review_store *store = lk_calloc(1, sizeof *store, err);
    if (store == NULL)
        return LK_ENOMEM;
    store->unsealed = true;
    store->seed = plan->seed;
    lk_status status = lk_out_open(&store->making, path, err);
    if (status == LK_OK && (store->path = lk_strdup(path, err)) == NULL)
        status = LK_ENOMEM;
    if (status == LK_OK)
        status = start(store, plan, err);
    if (status != LK_OK) {
        lk_review_store_free(store);
        return status;
    }
    *out = store;
    return LK_OK;
}

lk_status lk_review_store_add_picture(struct lk_review_store *store, struct lk_review_bytes crop,
                                      struct lk_review_bytes original, int64_t *number, lk_error *err)
{
    sqlite3_stmt *stmt;
    LK_TRY(lk_review_db_prepare(store, &stmt, err, "INSERT INTO pictures(crop, original) VALUES(?, ?)", "bb",
                                &crop, &original));
    LK_TRY(lk_review_db_run(store, stmt, err));
    *number = sqlite3_last_insert_rowid(store->db);
    return LK_OK;
}

lk_status lk_review_store_add_item(struct lk_review_store *store, const struct lk_review_item *item,
                                   int64_t *number, lk_error *err)
{
    sqlite3_stmt *stmt;
    LK_TRY(
        lk_review_db_prepare(store, &stmt, err,
                             "INSERT INTO items(kind, repeats, image_picture, reference_picture, image, "
                             "reference, identity, person, "
                             "score, e_value, discovery) VALUES(?, nullif(?, 0), ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                             "tiiittttddi", lk_review_kind_name(item->kind), item->repeats, item->picture[0],
                             item->picture[1], item->path[0], item->path[1], item->name[0], item->name[1],
                             item->score, item->e_value, (int64_t)item->discovery));
    LK_TRY(lk_review_db_run(store, stmt, err));
    *number = sqlite3_last_insert_rowid(store->db);
    LK_NEED(*number <= LK_REVIEW_MAX_ITEMS, err, LK_EINVAL, "a review has at most %d items",
            LK_REVIEW_MAX_ITEMS);
    return LK_OK;
}

lk_status lk_review_store_add_context(struct lk_review_store *store, int64_t item, int side, int64_t picture,
                                      const char *path, lk_error *err)
{
    sqlite3_stmt *stmt;
    LK_TRY(lk_review_db_prepare(
        store, &stmt, err,
        "INSERT INTO context(item, side, number, picture, path) SELECT ?1, ?2, count(*), "
        "?3, ?4 FROM context WHERE item = ?1 AND side = ?2",
        "iiit", item, (int64_t)side, picture, path));
    return lk_review_db_run(store, stmt, err);
}

/* ---- order --------------------------------------------------------------------------------------------- */

/* Items in the order of their numbers, which count from 1 without gaps. */
struct order {
    size_t n;
    int64_t *repeats; /* of item i + 1; 0 = none */
    size_t *items;    /* i-th item shown, from 0 */
    size_t *position; /* of item i: the inverse */
};

static lk_status read_items(struct lk_review_store *store, struct order *o, lk_error *err)
{
    sqlite3_stmt *stmt;
    size_t capacity = 0;
    LK_TRY(lk_review_db_prepare(store, &stmt, err, "SELECT repeats FROM items ORDER BY item", ""));
    lk_status status = LK_OK;
    for (bool row = true; status == LK_OK;) {
        if ((status = lk_review_db_step(store, stmt, &row, err)) != LK_OK || !row)
            break;
        if ((status = lk_grow(&o->repeats, &capacity, o->n + 1, sizeof *o->repeats, err)) == LK_OK)
            o->repeats[o->n++] = sqlite3_column_int64(stmt, 0);
    }
    sqlite3_finalize(stmt);
    if (status != LK_OK)
        return status;
    LK_NEED(o->n > 0, err, LK_EINVAL, "%s: a review needs at least one item", store->path);
    o->items = lk_calloc(o->n, sizeof *o->items, err);
    o->position = lk_calloc(o->n, sizeof *o->position, err);
    return o->items != NULL && o->position != NULL ? LK_OK : LK_ENOMEM;
}

static void swap(struct order *o, size_t a, size_t b)
{
    size_t item = o->items[a];
    o->items[a] = o->items[b];
    o->items[b] = item;
    o->position[o->items[a]] = a;
    o->position[o->items[b]] = b;
}

static size_t distance(const struct order *o, size_t repeat)
{
    size_t a = o->position[repeat], b = o->position[o->repeats[repeat] - 1];
    return a > b ? a - b : b - a;
}

/* A repeat next to its first showing would measure memory, not judgement: it is moved away. */
static void spread(struct order *o, struct lk_rng *rng)
{
    size_t gap = o->n / 5 < 20 ? o->n / 5 : 20;
    for (int try = 0; try < MOST_TRIES; try++) {
        bool moved = false;
        for (size_t i = 0; i < o->n; i++) {
            if (o->repeats[i] == 0 || distance(o, i) > gap)
                continue;
            swap(o, o->position[i], (size_t)lk_rng_below(rng, o->n));
            moved = true;
        }
        if (!moved)
            return;
    }
}

static void shuffle(struct order *o, struct lk_rng *rng)
{
    for (size_t i = 0; i < o->n; i++)
        o->items[i] = o->position[i] = i;
    for (size_t i = o->n; i > 1; i--)
        swap(o, i - 1, (size_t)lk_rng_below(rng, i));
    spread(o, rng);
}

static lk_status add_screens(struct lk_review_store *store, struct order *o, int64_t reviewer, lk_error *err)
{
    struct lk_rng rng = lk_rng_stream(store->seed, PURPOSE_ORDER, (uint64_t)reviewer);
    shuffle(o, &rng);
    for (size_t i = 0; i < o->n; i++) {
        char name[LK_REVIEW_TOKEN_SIZE];
        sqlite3_stmt *stmt;
        int64_t swapped = (int64_t)lk_rng_below(&rng, 2);
        LK_TRY(lk_review_secret(name, err));
        LK_TRY(lk_review_db_prepare(store, &stmt, err,
                                    "INSERT INTO screens(screen, reviewer, position, item, swapped) "
                                    "VALUES(?, ?, ?, ?, ?)",
                                    "tiiii", name, reviewer, (int64_t)i + 1, (int64_t)o->items[i] + 1,
                                    swapped));
        LK_TRY(lk_review_db_run(store, stmt, err));
    }
    return LK_OK;
}

static lk_status add_reviewer(struct lk_review_store *store, const char *name, int64_t adjudicator,
                              char token[LK_REVIEW_TOKEN_SIZE], int64_t *number, lk_error *err)
{
    char hash[65];
    sqlite3_stmt *stmt;
    LK_TRY(lk_review_secret(token, err));
    LK_TRY(lk_hash_bytes(token, LK_REVIEW_TOKEN_SIZE - 1, hash, err));
    LK_TRY(lk_review_db_prepare(store, &stmt, err,
                                "INSERT INTO reviewers(name, adjudicator, token_sha256) VALUES(?, ?, ?)",
                                "tit", name, adjudicator, hash));
    LK_TRY(lk_review_db_run(store, stmt, err));
    *number = sqlite3_last_insert_rowid(store->db);
    return LK_OK;
}

static lk_status add_everyone(struct lk_review_store *store, struct order *o, size_t n_reviewers,
                              char (*tokens)[LK_REVIEW_TOKEN_SIZE], lk_error *err)
{
    int64_t number;
    for (size_t i = 0; i < n_reviewers; i++) {
        char name[64];
        snprintf(name, sizeof name, "reviewer %zu", i + 1);
        LK_TRY(add_reviewer(store, name, 0, tokens[i], &number, err));
        LK_TRY(add_screens(store, o, number, err));
    }
    return add_reviewer(store, "adjudicator", 1, tokens[n_reviewers], &number, err);
}

/* Closes the file before it is put in place: SQLite's locks go when any descriptor of the file is closed. */
static lk_status put_in_place(struct lk_review_store *store, lk_error *err)
{
    char hash[65];
    LK_TRY(lk_review_plan_hash(store, hash, err));
    LK_TRY(put_value(store, "plan_sha256", hash, err));
    LK_TRY(lk_review_db_exec(store, "COMMIT", err));
    sqlite3_close(store->db);
    store->db = NULL;
    LK_TRY(lk_out_commit(&store->making, err));
    store->unsealed = false;
    memcpy(store->plan_sha256, hash, sizeof hash);
    return lk_review_db_open(store, store->path, false, err);
}

lk_status lk_review_store_seal(struct lk_review_store *store, size_t n_reviewers,
                               char (*tokens)[LK_REVIEW_TOKEN_SIZE], lk_error *err)
{
    LK_NEED(n_reviewers >= 1 && n_reviewers <= LK_REVIEW_MAX_REVIEWERS, err, LK_EINVAL,
            "found %zu reviewers, expected 1 to %d", n_reviewers, LK_REVIEW_MAX_REVIEWERS);
    struct order o = {0};
    lk_status status = read_items(store, &o, err);
    if (status == LK_OK)
        status = add_everyone(store, &o, n_reviewers, tokens, err);
    free(o.repeats);
    free(o.items);
    free(o.position);
    return status == LK_OK ? put_in_place(store, err) : status;
}
