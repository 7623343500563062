/* SPDX-License-Identifier: Apache-2.0 */
/* serve_request.h - what a request to the review's server asks for: checked as a whole, before anything is
 * done. */
#ifndef LK_REVIEW_SERVE_REQUEST_H
#define LK_REVIEW_SERVE_REQUEST_H

#include <jansson.h>

#include "review/serve_http.h"
#include "review/store.h"

enum lk_serve_call {
    LK_SERVE_ASSET,   /* a file of the page */
    LK_SERVE_SCREEN,  /* GET  /api/screen: what a reviewer is to answer now */
    LK_SERVE_PICTURE, /* GET  /api/picture/SCREEN/left|right/crop|original */
    LK_SERVE_ANSWER,  /* POST /api/answer */
    LK_SERVE_UNDO,    /* POST /api/undo */
    LK_SERVE_CASES,   /* GET  /api/cases: how far the reviewers are; all candidates once they are closed */
    LK_SERVE_CLOSE,   /* POST /api/close: from now on nothing can be taken back; the same as above */
    LK_SERVE_CASE_PICTURE,    /* GET  /api/case/ITEM/image|reference/crop|original */
    LK_SERVE_CONTEXT_PICTURE, /* GET  /api/case/ITEM/image|reference/other/NUMBER */
    LK_SERVE_DECIDE,          /* POST /api/decide */
};

struct lk_serve_request {
    enum lk_serve_call call;
    size_t asset;                      /* of lk_review_assets */
    char token[LK_REVIEW_TOKEN_SIZE];  /* "" for assets, which anybody may see */
    char screen[LK_REVIEW_TOKEN_SIZE]; /* of a reviewer's picture */
    int64_t item;                      /* of an adjudicator's */
    int side;                          /* enum lk_review_side, or image 0 and reference 1 */
    enum lk_review_what what;
    size_t number; /* of another photo */
};

/* Gives 0, or the HTTP status to refuse the request with; *allow is set with 405. The request has come from
 * this machine's own page: its Host is a name of this machine, which an attacker's name that is made to point
 * here is not, and its Origin, if any, is that host. */
int lk_serve_parse(const struct lk_http_request *http, struct lk_serve_request *out, const char **allow);

/* The bodies of the POST calls. Strings point into *json, which the caller releases with json_decref; it is
 * set on success only. Members that are not known are refused. */
struct lk_serve_answer {
    const char *screen, *note; /* note NULL = none */
    int answer;
    int64_t milliseconds;
};
struct lk_serve_decision {
    int64_t item;
    enum lk_review_decision decision;
    const char *note;
};

lk_status lk_serve_parse_answer(const uint8_t *bytes, size_t len, struct lk_serve_answer *out, json_t **json,
                                lk_error *err);
lk_status lk_serve_parse_close(const uint8_t *bytes, size_t len, lk_error *err); /* has no members */
lk_status lk_serve_parse_undo(const uint8_t *bytes, size_t len, const char **screen, json_t **json,
                              lk_error *err);
lk_status lk_serve_parse_decision(const uint8_t *bytes, size_t len, struct lk_serve_decision *out,
                                  json_t **json, lk_error *err);

#endif
