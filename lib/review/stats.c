/* SPDX-License-Identifier: Apache-2.0 */
/* stats.c - the jobs behind `review stats` and `review export`. */
#include "review/stats.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <time.h>

#include "base/ctx.h"
#include "base/fs.h"
#include "formats/csv.h"
#include "formats/json.h"

static lk_status read_review(const char *path, struct lk_review_all *out, lk_error *err)
{
    struct lk_review_store *store;
    LK_TRY(lk_review_store_open(&store, path, err));
    lk_status status = lk_review_store_read(store, out, err);
    lk_review_store_free(store);
    return status;
}

/* ---- stats --------------------------------------------------------------------------------------------- */

static lk_status give(const struct lk_review_numbers *numbers, const char *output, const char *command,
                      char **json, lk_error *err)
{
    json_t *whole;
    char *dumped = NULL;
    LK_TRY(lk_review_json(numbers, command, &whole, err));
    lk_status status = output != NULL ? lk_json_write(output, whole, err) : LK_OK;
    if (status == LK_OK && json != NULL && (dumped = json_dumps(whole, JSON_INDENT(2))) == NULL)
        status = lk_fail(err, LK_ENOMEM, "out of memory");
    json_decref(whole);
    if (status == LK_OK && json != NULL)
        *json = dumped;
    return status;
}

lk_status lk_review_stats(lk_ctx *ctx, const char *review, const char *output, const char *command,
                          lk_review_stats_summary *out, char **json, lk_error *err)
{
    struct lk_review_all all;
    struct lk_review_numbers numbers;
    lk_review_stats_summary summary;
    LK_TRY(read_review(review, &all, err));
    lk_status status = lk_review_compute(&all, &numbers, &summary, err);
    if (status == LK_OK)
        status = lk_ctx_check(ctx, err);
    if (status == LK_OK && (output != NULL || json != NULL))
        status = give(&numbers, output, command, json, err);
    lk_review_all_free(&all);
    LK_TRY(status);
    *out = summary;
    return LK_OK;
}

/* ---- export -------------------------------------------------------------------------------------------- */

static void put_text(FILE *f, const char *text)
{
    putc(',', f);
    lk_csv_put(f, text);
}

static void put_number(FILE *f, double value)
{
    putc(',', f);
    if (isfinite(value))
        fprintf(f, "%.9g", value);
}

static void put_time(FILE *f, int64_t milliseconds)
{
    time_t seconds = (time_t)(milliseconds / 1000);
    struct tm parts;
    char text[40] = "";
    if (gmtime_r(&seconds, &parts) != NULL)
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    fprintf(f, ",%s.%03dZ", text, (int)(milliseconds % 1000));
}

static void put_answer(FILE *f, const struct lk_review_all *all, const struct lk_review_given *g)
{
    const struct lk_review_all_item *item = &all->items[g->item];
    lk_csv_put(f, all->progress.reviewers[g->reviewer].name);
    fprintf(f, ",%" PRIu64 ",%zu,%s,", g->position, g->item + 1, lk_review_kind_name(item->kind));
    if (item->repeats != SIZE_MAX)
        fprintf(f, "%zu", item->repeats + 1);
    put_text(f, g->swapped ? "right" : "left");
    put_text(f, lk_review_answer_name(g->answer));
    put_text(f, g->note);
    fprintf(f, ",%" PRId64, g->milliseconds);
    put_time(f, g->time);
    for (int side = 0; side < 2; side++)
        put_text(f, item->path[side]);
    for (int side = 0; side < 2; side++)
        put_text(f, item->name[side]);
    put_number(f, item->score);
    put_number(f, item->e_value);
    fprintf(f, ",%d", item->discovery);
    put_text(f, item->unanimous > 0 ? "same" : item->unanimous < 0 ? "different" : NULL);
    put_text(f, lk_review_decision_name(item->decision));
    put_text(f, item->decision_note);
    putc('\n', f);
}

static lk_status write_answers(const struct lk_review_all *all, const char *path, lk_error *err)
{
    struct lk_out out;
    LK_TRY(lk_out_open(&out, path, err));
    fputs("reviewer,position,pair,kind,repeats,image_side,answer,note,milliseconds,time,image,reference,"
          "identity,"
          "person,score,e_value,discovery,unanimous,adjudicated,adjudicator_note\n",
          out.stream);
    for (size_t i = 0; i < all->n_given; i++)
        put_answer(out.stream, all, &all->given[i]);
    lk_status status = lk_out_commit(&out, err);
    lk_out_abandon(&out);
    return status;
}

lk_status lk_review_export(lk_ctx *ctx, const char *review, const char *output, uint64_t *n_answers,
                           lk_error *err)
{
    struct lk_review_all all;
    LK_TRY(read_review(review, &all, err));
    if (all.broken[0] != '\0')
        lk_ctx_message(ctx, LK_LEVEL_WARNING, "%s: %s", review, all.broken);
    if (!all.progress.complete)
        lk_ctx_message(ctx, LK_LEVEL_WARNING, "%s: the review is not finished: answers are missing", review);
    lk_status status = write_answers(&all, output, err);
    *n_answers = all.n_given;
    lk_review_all_free(&all);
    return status;
}
