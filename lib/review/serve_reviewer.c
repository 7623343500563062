/* SPDX-License-Identifier: Apache-2.0 */
/* serve_reviewer.c - what a reviewer's page is told: the screen, its pictures, and that an answer is stored.
 *
 * All screens' replies have one length, all crops' and all originals' each one, and serve_http.c sends them
 * at steady times: neither tells one kind of pair from another. */
#include <stdlib.h>

#include "review/serve.h"

enum { SCREEN_LEN = 512 }; /* names have at most 63 bytes, which JSON may write as six each */

static lk_status reply_screen(struct lk_serve *serve, const struct lk_review_reviewer *who,
                              struct lk_http_reply *reply, lk_error *err)
{
    struct lk_review_screen s;
    LK_TRY(lk_review_store_next(serve->store, who->number, &s, err));
    return lk_serve_json(reply,
                         json_pack("{s:o,s:s,s:s,s:s,s:I,s:I,s:b}", "name", lk_json_text(who->name), "screen",
                                   s.id, "upcoming", s.upcoming, "previous", s.previous, "done",
                                   (json_int_t)s.done, "total", (json_int_t)s.total, "rest", (int)s.rest_due),
                         SCREEN_LEN, err);
}

static lk_status reply_picture(struct lk_serve *serve, const struct lk_review_reviewer *who,
                               const struct lk_serve_request *request, struct lk_http_reply *reply,
                               lk_error *err)
{
    uint8_t *bytes = NULL;
    size_t len = 0;
    LK_TRY(lk_review_store_picture(serve->store, who->number, request->screen,
                                   (enum lk_review_side)request->side, request->what, &bytes, &len, err));
    return lk_serve_jpeg(reply, bytes, len,
                         request->what == LK_REVIEW_THE_ORIGINAL ? serve->original_len : serve->crop_len,
                         err);
}

static lk_status take_answer(struct lk_serve *serve, const struct lk_review_reviewer *who,
                             const uint8_t *body, size_t body_len, lk_error *err)
{
    struct lk_serve_answer a;
    json_t *json = NULL;
    LK_TRY(lk_serve_parse_answer(body, body_len, &a, &json, err));
    lk_status status =
        lk_review_store_answer(serve->store, who->number, a.screen, a.answer, a.note, a.milliseconds, err);
    json_decref(json);
    return status;
}

static lk_status take_back(struct lk_serve *serve, const struct lk_review_reviewer *who, const uint8_t *body,
                           size_t body_len, lk_error *err)
{
    const char *screen;
    json_t *json = NULL;
    LK_TRY(lk_serve_parse_undo(body, body_len, &screen, &json, err));
    lk_status status = lk_review_store_undo(serve->store, who->number, screen, err);
    json_decref(json);
    return status;
}

lk_status lk_serve_reviewer(struct lk_serve *serve, const struct lk_review_reviewer *who,
                            const struct lk_serve_request *request, const uint8_t *body, size_t body_len,
                            struct lk_http_reply *reply, lk_error *err)
{
    if (request->call == LK_SERVE_PICTURE)
        return reply_picture(serve, who, request, reply, err);
    if (request->call == LK_SERVE_ANSWER)
        LK_TRY(take_answer(serve, who, body, body_len, err));
    else if (request->call == LK_SERVE_UNDO)
        LK_TRY(take_back(serve, who, body, body_len, err));
    return reply_screen(serve, who, reply, err); /* what comes next, now that the disk has the answer */
}
