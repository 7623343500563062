/* SPDX-License-Identifier: Apache-2.0 */
/* serve.c - the server of a review: who asks, what is refused and with which status, and which port. */
#include "review/serve.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "review/assets.h"

enum {
    FIRST_PORT = 20000, /* below those that systems give out by themselves */
    N_PORTS = 10000,
};

/* ---- replies ------------------------------------------------------------------------------------------- */

lk_status lk_serve_json(struct lk_http_reply *reply, json_t *value, size_t least, lk_error *err)
{
    char *text = value != NULL ? json_dumps(value, JSON_COMPACT) : NULL;
    json_decref(value);
    size_t len = text != NULL ? strlen(text) : 0;
    if (text != NULL && len < least) {
        char *longer = realloc(text, least);
        if (longer == NULL)
            free(text);
        else
            memset(longer + len, ' ', least - len);
        text = longer;
        len = least;
    }
    LK_NEED(text != NULL, err, LK_ENOMEM, "out of memory for a reply");
    reply->status = 200;
    reply->type = "application/json";
    reply->bytes = text;
    reply->len = len;
    reply->owned = true;
    return LK_OK;
}

lk_status lk_serve_jpeg(struct lk_http_reply *reply, uint8_t *bytes, size_t n, size_t len, lk_error *err)
{
    uint8_t *padded = n <= len ? realloc(bytes, len) : NULL;
    if (padded == NULL) {
        free(bytes);
        return n > len ? lk_fail(err, LK_EINTERNAL, "a picture has %zu bytes, expected at most %zu", n, len)
                       : lk_fail(err, LK_ENOMEM, "out of memory for a picture of %zu bytes", len);
    }
    memset(padded + n, 0, len - n);
    reply->status = 200;
    reply->type = "image/jpeg";
    reply->bytes = padded;
    reply->len = len;
    reply->owned = true;
    return LK_OK;
}

static void refuse(struct lk_http_reply *reply, int status, const char *why)
{
    if (lk_serve_json(reply, json_pack("{s:o}", "error", lk_json_text(why)), 0, NULL) != LK_OK)
        reply->type = NULL; /* memory is out: the status must do */
    reply->status = status;
}

/* ---- requests ------------------------------------------------------------------------------------------ */

static const char *refusal(int status)
{
    switch (status) {
    case 401:
        return "The link has no valid secret. It ends with # and 32 letters and digits.";
    case 403:
        return "This page may only be used from the address that the server gave out.";
    case 404:
        return "There is nothing here.";
    case 405:
        return "This cannot be done here.";
    case 413:
        return "The request is too large.";
    case 414:
        return "The address is too long.";
    default:
        return "The request has the wrong type.";
    }
}

/* The reply to a call that failed. Only what a request did wrong is said to its sender. */
static void fail(struct lk_serve *serve, const struct lk_serve_request *request, lk_status status,
                 const lk_error *err, struct lk_http_reply *reply)
{
    bool picture = request->call == LK_SERVE_PICTURE || request->call == LK_SERVE_CASE_PICTURE ||
                   request->call == LK_SERVE_CONTEXT_PICTURE;
    if (status == LK_EFORMAT) {
        refuse(reply, 400, err->text);
    } else if (status == LK_EINVAL) {
        refuse(reply, picture ? 404 : 409, err->text);
    } else {
        lk_ctx_message(serve->ctx, LK_LEVEL_WARNING, "a request failed: %s", err->text);
        refuse(reply, 500, "The server could not do this; its terminal says why.");
    }
}

static void answer_known(struct lk_serve *serve, const struct lk_http_request *http,
                         const struct lk_serve_request *request, struct lk_http_reply *reply)
{
    lk_error err;
    struct lk_review_reviewer who;
    lk_status status = lk_review_store_login(serve->store, request->token, &who, &err);
    if (status == LK_EINVAL) {
        refuse(reply, 401, refusal(401));
        return;
    }
    reply->steady = true;
    bool for_adjudicator = request->call >= LK_SERVE_CASES;
    if (status == LK_OK && who.adjudicator != for_adjudicator) {
        refuse(reply, 403,
               who.adjudicator ? "This is the adjudicator's link: its page is /adjudicate."
                               : "This page is for the adjudicator.");
        return;
    }
    if (status == LK_OK)
        status = (for_adjudicator ? lk_serve_adjudicator : lk_serve_reviewer)(
            serve, &who, request, http->body, http->body_len, reply, &err);
    if (status != LK_OK)
        fail(serve, request, status, &err, reply);
}

static void answer(void *arg, const struct lk_http_request *http, struct lk_http_reply *reply)
{
    struct lk_serve_request request;
    int status = lk_serve_parse(http, &request, &reply->allow);
    if (status != 0) {
        refuse(reply, status, refusal(status));
    } else if (request.call == LK_SERVE_ASSET) {
        const struct lk_review_asset *asset = &lk_review_assets[request.asset];
        reply->status = 200;
        reply->type = asset->type;
        reply->bytes = asset->text;
        reply->len = asset->len;
    } else {
        answer_known(arg, http, &request, reply);
    }
}

/* ---- the job ------------------------------------------------------------------------------------------- */

/* A port that belongs to this review, so that links still work after a restart. */
static uint16_t own_port(const struct lk_review_store *store)
{
    char start[9];
    snprintf(start, sizeof start, "%s", lk_review_store_plan(store));
    return (uint16_t)(FIRST_PORT + strtoul(start, NULL, 16) % N_PORTS);
}

static lk_status listen_somewhere(struct lk_serve *serve, const lk_review_serve_options *options,
                                  struct lk_http **http, lk_error *err)
{
    if (options->port != 0)
        return lk_http_open(http, (uint16_t)options->port, answer, serve, err);
    lk_status status = lk_http_open(http, own_port(serve->store), answer, serve, err);
    return status == LK_EBUSY ? lk_http_open(http, 0, answer, serve, err) : status;
}

void lk_review_serve_options_init(lk_review_serve_options *options)
{
    memset(options, 0, sizeof *options);
}

lk_status lk_review_serve(lk_ctx *ctx, const lk_review_serve_options *options, lk_review_ready_fn *ready,
                          void *user, lk_error *err)
{
    LK_NEED(options->store != NULL, err, LK_EINVAL, "review serve: expected the file of a review");
    LK_NEED(options->port >= 0 && options->port <= UINT16_MAX, err, LK_EINVAL,
            "review serve: port %d, expected 0 to 65535", options->port);
    struct lk_serve serve = {.ctx = ctx};
    struct lk_http *http = NULL;
    LK_TRY(lk_review_store_open(&serve.store, options->store, err));
    lk_status status = lk_serve_sizes(&serve, err);
    if (status == LK_OK)
        status = listen_somewhere(&serve, options, &http, err);
    if (status == LK_OK) {
        if (ready != NULL)
            ready(user, lk_http_port(http));
        status = lk_http_run(http, ctx, err);
    }
    lk_http_close(http);
    lk_review_store_free(serve.store);
    return status;
}
