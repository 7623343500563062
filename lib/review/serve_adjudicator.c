/* SPDX-License-Identifier: Apache-2.0 */
/* serve_adjudicator.c - what the adjudicator's page is told: how far the reviewers are, then every candidate.
 */
#include <math.h>

#include "formats/json.h"
#include "review/serve.h"

static json_t *answers_json(const struct lk_review_case *c, size_t n_reviewers)
{
    json_t *list = json_array();
    for (size_t i = 0; i < n_reviewers; i++)
        json_array_append_new(list, json_pack("{s:s,s:o,s:I}", "answer",
                                              lk_review_answer_name(c->answers[i].answer), "note",
                                              lk_json_text_or_null(c->answers[i].note), "milliseconds",
                                              (json_int_t)c->answers[i].milliseconds));
    return list;
}

static json_t *case_json(const struct lk_review_case *c, size_t n_reviewers)
{
    return json_pack("{s:I,s:[oo],s:[oo],s:o,s:o,s:b,s:i,s:[II],s:o,s:o,s:o}", "item", (json_int_t)c->item,
                     "paths", lk_json_text_or_null(c->path[0]), lk_json_text_or_null(c->path[1]), "names",
                     lk_json_text_or_null(c->name[0]), lk_json_text_or_null(c->name[1]), "score",
                     lk_json_number(c->score), "e_value", lk_json_number(c->e_value), "discovery",
                     (int)c->discovery, "unanimous", c->unanimous, "others", (json_int_t)c->n_context[0],
                     (json_int_t)c->n_context[1], "answers", answers_json(c, n_reviewers), "decision",
                     lk_json_text_or_null(lk_review_decision_name(c->decision)), "note",
                     lk_json_text_or_null(c->decision_note));
}

static lk_status cases_json(struct lk_serve *serve, const struct lk_review_reviewer *who, json_t **out,
                            lk_error *err)
{
    struct lk_review_cases cases;
    LK_TRY(lk_review_store_cases(serve->store, who->number, &cases, err));
    json_t *list = json_array();
    for (size_t i = 0; i < cases.n; i++)
        json_array_append_new(list, case_json(&cases.cases[i], cases.n_reviewers));
    lk_review_cases_free(&cases);
    *out = list;
    return LK_OK;
}

static lk_status reply_cases(struct lk_serve *serve, const struct lk_review_reviewer *who,
                             struct lk_http_reply *reply, lk_error *err)
{
    struct lk_review_progress p;
    json_t *cases = json_null(), *reviewers = json_array();
    lk_status status = lk_review_store_progress(serve->store, &p, err);
    if (status == LK_OK && p.closed)
        status = cases_json(serve, who, &cases, err);
    if (status != LK_OK) {
        json_decref(reviewers);
        return status;
    }
    for (size_t i = 0; i < p.n_reviewers; i++)
        json_array_append_new(reviewers, json_pack("{s:o,s:I,s:I}", "name", lk_json_text(p.reviewers[i].name),
                                                   "done", (json_int_t)p.reviewers[i].done, "total",
                                                   (json_int_t)p.reviewers[i].total));
    return lk_serve_json(reply,
                         json_pack("{s:o,s:b,s:b,s:o,s:o}", "name", lk_json_text(who->name), "complete",
                                   (int)p.complete, "closed", (int)p.closed, "reviewers", reviewers, "cases",
                                   cases),
                         0, err);
}

static lk_status reply_picture(struct lk_serve *serve, const struct lk_review_reviewer *who,
                               const struct lk_serve_request *request, struct lk_http_reply *reply,
                               lk_error *err)
{
    uint8_t *bytes = NULL;
    size_t len = 0;
    if (request->call == LK_SERVE_CASE_PICTURE)
        LK_TRY(lk_review_store_case_picture(serve->store, who->number, request->item, request->side,
                                            request->what, &bytes, &len, err));
    else
        LK_TRY(lk_review_store_context_picture(serve->store, who->number, request->item, request->side,
                                               request->number, &bytes, &len, err));
    return lk_serve_jpeg(reply, bytes, len, len, err);
}

static lk_status decide(struct lk_serve *serve, const struct lk_review_reviewer *who, const uint8_t *body,
                        size_t body_len, struct lk_http_reply *reply, lk_error *err)
{
    struct lk_serve_decision d;
    json_t *json = NULL;
    LK_TRY(lk_serve_parse_decision(body, body_len, &d, &json, err));
    lk_status status = lk_review_store_decide(serve->store, who->number, d.item, d.decision, d.note, err);
    json_decref(json);
    LK_TRY(status);
    return lk_serve_json(reply, json_pack("{s:b}", "stored", 1), 0, err);
}

static lk_status close_review(struct lk_serve *serve, const struct lk_review_reviewer *who,
                              const uint8_t *body, size_t body_len, struct lk_http_reply *reply,
                              lk_error *err)
{
    struct lk_review_cases cases;
    LK_TRY(lk_serve_parse_close(body, body_len, err));
    LK_TRY(lk_review_store_cases(serve->store, who->number, &cases, err)); /* which closes it */
    lk_review_cases_free(&cases);
    return reply_cases(serve, who, reply, err);
}

lk_status lk_serve_adjudicator(struct lk_serve *serve, const struct lk_review_reviewer *who,
                               const struct lk_serve_request *request, const uint8_t *body, size_t body_len,
                               struct lk_http_reply *reply, lk_error *err)
{
    switch (request->call) {
    case LK_SERVE_CASES:
        return reply_cases(serve, who, reply, err);
    case LK_SERVE_CLOSE:
        return close_review(serve, who, body, body_len, reply, err);
    case LK_SERVE_DECIDE:
        return decide(serve, who, body, body_len, reply, err);
    default:
        return reply_picture(serve, who, request, reply, err);
    }
}
