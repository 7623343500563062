/* SPDX-License-Identifier: Apache-2.0 */
/* serve_request.c - paths, headers and bodies of requests become checked structures. */
#include "review/serve_request.h"

#include <stdlib.h>
#include <string.h>

#include "formats/json.h"
#include "review/assets.h"

enum { MAX_MILLISECONDS = 24 * 3600 * 1000 };

/* ---- headers ------------------------------------------------------------------------------------------- */

static bool is_port(const char *text)
{
    size_t n = strspn(text, "0123456789");
    return n >= 1 && n <= 5 && text[n] == '\0';
}

/* Any port: a tunnel (ssh -L) may have another one at its end. */
static bool host_is_ours(const char *host)
{
    static const char *const names[] = {"127.0.0.1", "localhost"};
    if (host == NULL)
        return false;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t n = strlen(names[i]);
        if (strncmp(host, names[i], n) == 0 && (host[n] == '\0' || (host[n] == ':' && is_port(host + n + 1))))
            return true;
    }
    return false;
}

static bool origin_is_ours(const char *origin, const char *host)
{
    return origin == NULL || (strncmp(origin, "http://", 7) == 0 && strcmp(origin + 7, host) == 0);
}

/* Copies `len` bytes of text that are a token or a screen. */
static bool take_id(const char *text, size_t len, char out[LK_REVIEW_TOKEN_SIZE])
{
    if (len != LK_REVIEW_TOKEN_SIZE - 1 || strspn(text, "0123456789abcdef") < len)
        return false;
    memcpy(out, text, len);
    out[len] = '\0';
    return true;
}

static bool take_token(const char *authorization, char out[LK_REVIEW_TOKEN_SIZE])
{
    return authorization != NULL && strncmp(authorization, "Bearer ", 7) == 0 &&
           take_id(authorization + 7, strlen(authorization + 7), out);
}

/* ---- paths --------------------------------------------------------------------------------------------- */

/* The next part of a path, up to a '/' or the end; false when there is none or it is empty. */
static bool next_part(const char **path, const char **part, size_t *len)
{
    if (**path != '/')
        return false;
    *part = *path + 1;
    *len = strcspn(*part, "/");
    *path = *part + *len;
    return *len > 0;
}

/* The next part when it is one of two words: *second says which. */
static bool take_word(const char **path, const char *first_word, const char *second_word, bool *second)
{
    const char *part;
    size_t len;
    if (!next_part(path, &part, &len))
        return false;
    *second = strlen(second_word) == len && memcmp(part, second_word, len) == 0;
    return *second || (strlen(first_word) == len && memcmp(part, first_word, len) == 0);
}

static bool take_number(const char **path, int64_t *out)
{
    const char *part;
    size_t len;
    if (!next_part(path, &part, &len) || len > 9 || strspn(part, "0123456789") < len)
        return false;
    *out = strtol(part, NULL, 10);
    return true;
}

/* /SCREEN/left|right/crop|original */
static bool parse_picture(const char *path, struct lk_serve_request *out)
{
    const char *part;
    size_t len;
    bool right, original;
    if (!next_part(&path, &part, &len) || !take_id(part, len, out->screen) ||
        !take_word(&path, "left", "right", &right) || !take_word(&path, "crop", "original", &original))
        return false;
    out->call = LK_SERVE_PICTURE;
    out->side = right ? LK_REVIEW_RIGHT : LK_REVIEW_LEFT;
    out->what = original ? LK_REVIEW_THE_ORIGINAL : LK_REVIEW_THE_CROP;
    return *path == '\0';
}

/* /ITEM/image|reference/crop|original, or /ITEM/image|reference/other/NUMBER */
static bool parse_case_picture(const char *path, struct lk_serve_request *out)
{
    bool reference, second;
    int64_t number;
    if (!take_number(&path, &out->item) || !take_word(&path, "image", "reference", &reference))
        return false;
    out->side = reference;
    const char *rest = path;
    if (take_word(&path, "crop", "original", &second)) {
        out->call = LK_SERVE_CASE_PICTURE;
        out->what = second ? LK_REVIEW_THE_ORIGINAL : LK_REVIEW_THE_CROP;
        return *path == '\0';
    }
    path = rest;
    if (!take_word(&path, "other", "other", &second) || !take_number(&path, &number))
        return false;
    out->call = LK_SERVE_CONTEXT_PICTURE;
    out->number = (size_t)number;
    return *path == '\0';
}

static bool parse_path(const char *path, struct lk_serve_request *out)
{
    static const struct {
        const char *path;
        enum lk_serve_call call;
    } calls[] = {
        {"/api/screen", LK_SERVE_SCREEN}, {"/api/answer", LK_SERVE_ANSWER}, {"/api/undo", LK_SERVE_UNDO},
        {"/api/cases", LK_SERVE_CASES},   {"/api/close", LK_SERVE_CLOSE},   {"/api/decide", LK_SERVE_DECIDE},
    };
    static const char picture[] = "/api/picture", case_picture[] = "/api/case";
    for (size_t i = 0; i < lk_n_review_assets; i++)
        if (strcmp(path, lk_review_assets[i].path) == 0) {
            out->call = LK_SERVE_ASSET;
            out->asset = i;
            return true;
        }
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        if (strcmp(path, calls[i].path) == 0) {
            out->call = calls[i].call;
            return true;
        }
    if (strncmp(path, picture, sizeof picture - 1) == 0)
        return parse_picture(path + sizeof picture - 1, out);
    if (strncmp(path, case_picture, sizeof case_picture - 1) == 0)
        return parse_case_picture(path + sizeof case_picture - 1, out);
    return false;
}

static bool is_post(enum lk_serve_call call)
{
    return call == LK_SERVE_ANSWER || call == LK_SERVE_UNDO || call == LK_SERVE_CLOSE ||
           call == LK_SERVE_DECIDE;
}

int lk_serve_parse(const struct lk_http_request *http, struct lk_serve_request *out, const char **allow)
{
    struct lk_serve_request r = {.call = LK_SERVE_ASSET};
    if (http->url_too_long)
        return 414;
    if (http->body_too_large)
        return 413;
    if (!host_is_ours(http->host) || !origin_is_ours(http->origin, http->host))
        return 403;
    if (!parse_path(http->path, &r))
        return 404;
    const char *method = is_post(r.call) ? "POST" : "GET";
    if (strcmp(http->method, method) != 0) {
        *allow = method;
        return 405;
    }
    if (r.call != LK_SERVE_ASSET && !take_token(http->authorization, r.token))
        return 401;
    if (is_post(r.call) &&
        (http->content_type == NULL || strcmp(http->content_type, "application/json") != 0))
        return 415;
    *out = r;
    return 0;
}

/* ---- bodies -------------------------------------------------------------------------------------------- */

/* An object with no other members than those named; the list ends with NULL. */
static lk_status parse_object(const uint8_t *bytes, size_t len, const char *const *known, json_t **out,
                              lk_error *err)
{
    const char *key;
    json_t *value = NULL, *member;
    LK_TRY(lk_json_parse(bytes, len, &value, err));
    json_object_foreach(value, key, member)
    {
        const char *const *k = known;
        while (*k != NULL && strcmp(*k, key) != 0)
            k++;
        if (*k == NULL) {
            lk_status status = lk_fail(err, LK_EFORMAT, "request: unexpected member \"%.40s\"", key);
            json_decref(value);
            return status;
        }
    }
    *out = value;
    return LK_OK;
}

static lk_status take_screen(const json_t *object, const char **out, lk_error *err)
{
    char id[LK_REVIEW_TOKEN_SIZE];
    const char *text = NULL;
    LK_TRY(lk_json_string(object, "screen", 1, &text, "request", err));
    LK_NEED(take_id(text, strlen(text), id), err, LK_EFORMAT,
            "request: \"screen\" is no screen, expected %d hexadecimal digits", LK_REVIEW_TOKEN_SIZE - 1);
    *out = text;
    return LK_OK;
}

/* NULL where it is missing or empty. */
static lk_status take_note(const json_t *object, const char **out, lk_error *err)
{
    const char *text = NULL;
    LK_TRY(lk_json_string(object, "note", 0, &text, "request", err));
    LK_NEED(text == NULL || strlen(text) <= LK_REVIEW_MAX_NOTE, err, LK_EFORMAT,
            "request: the note has %zu bytes, expected at most %d", strlen(text), LK_REVIEW_MAX_NOTE);
    *out = text != NULL && text[0] != '\0' ? text : NULL;
    return LK_OK;
}

static lk_status take_answer(const json_t *object, struct lk_serve_answer *out, lk_error *err)
{
    const char *answer = NULL;
    struct lk_serve_answer a = {.screen = NULL};
    LK_TRY(take_screen(object, &a.screen, err));
    LK_TRY(take_note(object, &a.note, err));
    LK_TRY(lk_json_string(object, "answer", 1, &answer, "request", err));
    LK_NEED(lk_review_answer_parse(answer, &a.answer), err, LK_EFORMAT,
            "request: \"answer\" is '%.20s', expected -3 to 3, no_face, child or cannot_say", answer);
    LK_TRY(lk_json_integer(object, "milliseconds", 1, &a.milliseconds, "request", err));
    LK_NEED(a.milliseconds >= 0, err, LK_EFORMAT, "request: \"milliseconds\" is negative");
    if (a.milliseconds > MAX_MILLISECONDS) /* the page was left open over night */
        a.milliseconds = MAX_MILLISECONDS;
    *out = a;
    return LK_OK;
}

lk_status lk_serve_parse_answer(const uint8_t *bytes, size_t len, struct lk_serve_answer *out, json_t **json,
                                lk_error *err)
{
    static const char *const known[] = {"screen", "answer", "note", "milliseconds", NULL};
    json_t *object = NULL;
    LK_TRY(parse_object(bytes, len, known, &object, err));
    lk_status status = take_answer(object, out, err);
    if (status == LK_OK)
        *json = object;
    else
        json_decref(object);
    return status;
}

lk_status lk_serve_parse_close(const uint8_t *bytes, size_t len, lk_error *err)
{
    static const char *const known[] = {NULL};
    json_t *object = NULL;
    LK_TRY(parse_object(bytes, len, known, &object, err));
    json_decref(object);
    return LK_OK;
}

lk_status lk_serve_parse_undo(const uint8_t *bytes, size_t len, const char **screen, json_t **json,
                              lk_error *err)
{
    static const char *const known[] = {"screen", NULL};
    json_t *object = NULL;
    LK_TRY(parse_object(bytes, len, known, &object, err));
    lk_status status = take_screen(object, screen, err);
    if (status == LK_OK)
        *json = object;
    else
        json_decref(object);
    return status;
}

static lk_status take_decision(const json_t *object, struct lk_serve_decision *out, lk_error *err)
{
    const char *decision = NULL;
    struct lk_serve_decision d = {.note = NULL};
    LK_TRY(lk_json_integer(object, "item", 1, &d.item, "request", err));
    LK_TRY(take_note(object, &d.note, err));
    LK_TRY(lk_json_string(object, "decision", 1, &decision, "request", err));
    LK_NEED(lk_review_decision_parse(decision, &d.decision), err, LK_EFORMAT,
            "request: \"decision\" is '%.20s', expected same, different or uncertain", decision);
    *out = d;
    return LK_OK;
}

lk_status lk_serve_parse_decision(const uint8_t *bytes, size_t len, struct lk_serve_decision *out,
                                  json_t **json, lk_error *err)
{
    static const char *const known[] = {"item", "decision", "note", NULL};
    json_t *object = NULL;
    LK_TRY(parse_object(bytes, len, known, &object, err));
    lk_status status = take_decision(object, out, err);
    if (status == LK_OK)
        *json = object;
    else
        json_decref(object);
    return status;
}
