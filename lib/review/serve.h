/* SPDX-License-Identifier: Apache-2.0 */
/* serve.h - what the parts of the review's server share: one request of somebody known, and its reply. */
#ifndef LK_REVIEW_SERVE_H
#define LK_REVIEW_SERVE_H

#include "formats/json.h"
#include "review/serve_request.h"

struct lk_serve {
    lk_ctx *ctx;
    struct lk_review_store *store;
    size_t crop_len, original_len; /* every picture is sent with so many bytes */
};

/* Fills the lengths: those of the largest pictures of the review. */
lk_status lk_serve_sizes(struct lk_serve *serve, lk_error *err);

/* A value as the reply, in at least `least` bytes; takes the reference. */
lk_status lk_serve_json(struct lk_http_reply *reply, json_t *value, size_t least, lk_error *err);
/* A JPEG as the reply, made `len` bytes long by zeros behind its end, which no decoder reads; takes the
 * bytes. */
lk_status lk_serve_jpeg(struct lk_http_reply *reply, uint8_t *bytes, size_t n, size_t len, lk_error *err);

/* What a reviewer asks for, and what the adjudicator asks for. */
lk_status lk_serve_reviewer(struct lk_serve *serve, const struct lk_review_reviewer *who,
                            const struct lk_serve_request *request, const uint8_t *body, size_t body_len,
                            struct lk_http_reply *reply, lk_error *err);
lk_status lk_serve_adjudicator(struct lk_serve *serve, const struct lk_review_reviewer *who,
                               const struct lk_serve_request *request, const uint8_t *body, size_t body_len,
                               struct lk_http_reply *reply, lk_error *err);

#endif
