/* SPDX-License-Identifier: Apache-2.0 */
/* serve_http.h - a small HTTP server on this machine's own address, for one thread, over libmicrohttpd.
 *
 * It reads requests within limits, hands each to one function, and sends what that gives with the headers
 * that keep a browser strict. It knows nothing of reviews. */
#ifndef LK_REVIEW_SERVE_HTTP_H
#define LK_REVIEW_SERVE_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ctx.h"

enum {
    LK_HTTP_MAX_BODY = 16 << 10, /* bytes of a request's body */
    LK_HTTP_MAX_URL = 512,       /* bytes of the path and what follows it */
};

/* A complete request. Strings are as they came, NULL where a header is missing; escapes in the path are left.
 */
struct lk_http_request {
    const char *method, *path, *host, *origin, *authorization, *content_type;
    const uint8_t *body;
    size_t body_len;
    bool url_too_long, body_too_large; /* it is refused, whatever else it says */
};

struct lk_http_reply {
    int status;
    const char *type;  /* a literal, as is the next */
    const char *allow; /* methods, with status 405; NULL = none */
    const void *bytes;
    size_t len;
    bool owned;  /* bytes are freed when they are sent; else they outlive the server */
    bool steady; /* sent no sooner than a fixed time after the request came */
};

/* Fills the reply, whose members are zero before. */
typedef void lk_http_answer_fn(void *arg, const struct lk_http_request *request, struct lk_http_reply *reply);

struct lk_http;

/* Listens on 127.0.0.1. port 0 = any free one; LK_EBUSY when another program has it. */
lk_status lk_http_open(struct lk_http **out, uint16_t port, lk_http_answer_fn *answer, void *arg,
                       lk_error *err);
uint16_t lk_http_port(const struct lk_http *http);
/* Serves until the context is cancelled, which is LK_OK. */
lk_status lk_http_run(struct lk_http *http, const lk_ctx *ctx, lk_error *err);
void lk_http_close(struct lk_http *http);

#endif
