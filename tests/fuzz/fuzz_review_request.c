/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_review_request.c - any bytes as a request to the review's server: six lines of head, the rest is the
 * body. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "review/assets.h"
#include "review/serve_request.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* The next line of a text that is cut at its line ends; NULL when it is empty. */
static const char *next_line(char **text, char *end)
{
    char *line = *text, *stop = memchr(line, '\n', (size_t)(end - line));
    if (stop == NULL)
        stop = end;
    *stop = '\0';
    *text = stop < end ? stop + 1 : end;
    return *line != '\0' ? line : NULL;
}

static bool is_id(const char *text)
{
    return strlen(text) == LK_REVIEW_TOKEN_SIZE - 1 && strspn(text, "0123456789abcdef") == strlen(text);
}

static void parse_head(struct lk_http_request *http)
{
    struct lk_serve_request r;
    const char *allow = NULL;
    int status = lk_serve_parse(http, &r, &allow);
    if ((status == 405) != (allow != NULL) || (status != 0 && (status < 400 || status > 499)))
        abort();
    if (status != 0)
        return;
    if (r.call == LK_SERVE_ASSET ? r.asset >= lk_n_review_assets : !is_id(r.token))
        abort();
    if (r.call == LK_SERVE_PICTURE && !is_id(r.screen))
        abort();
    if (r.item < 0 || r.item > 999999999 || r.number > 999999999 || r.side < 0 || r.side > 1)
        abort();
}

static void parse_body(const uint8_t *body, size_t len)
{
    struct lk_serve_answer answer;
    struct lk_serve_decision decision;
    const char *screen;
    json_t *json = NULL;
    lk_error err;
    lk_serve_parse_close(body, len, &err);
    if (lk_serve_parse_answer(body, len, &answer, &json, &err) == LK_OK) {
        if (!is_id(answer.screen) || lk_review_answer_name(answer.answer) == NULL ||
            answer.milliseconds < 0 || (answer.note != NULL && strlen(answer.note) > LK_REVIEW_MAX_NOTE))
            abort();
        json_decref(json);
    }
    if (lk_serve_parse_undo(body, len, &screen, &json, &err) == LK_OK) {
        if (!is_id(screen))
            abort();
        json_decref(json);
    }
    if (lk_serve_parse_decision(body, len, &decision, &json, &err) == LK_OK) {
        if (lk_review_decision_name(decision.decision) == NULL)
            abort();
        json_decref(json);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    char *text = lk_calloc(len + 1, 1, NULL), *rest = text;
    if (text == NULL)
        return 0;
    memcpy(text, bytes, len);
    char *end = text + len;
    const char *method = next_line(&rest, end), *path = next_line(&rest, end);
    struct lk_http_request http = {.method = method != NULL ? method : "", .path = path != NULL ? path : ""};
    http.host = next_line(&rest, end);
    http.origin = next_line(&rest, end);
    http.authorization = next_line(&rest, end);
    http.content_type = next_line(&rest, end);
    parse_head(&http);
    size_t body_len = (size_t)(end - rest);
    uint8_t *body = malloc(body_len > 0 ? body_len : 1); /* exact, so that a byte behind it is noticed */
    if (body != NULL)
        parse_body(memcpy(body, rest, body_len), body_len);
    free(body);
    free(text);
    return 0;
}
