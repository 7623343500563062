/* SPDX-License-Identifier: Apache-2.0 */
/* serve_http.c - the server: libmicrohttpd run by the caller's thread, limits, headers, steady times.
 *
 * One thread does everything, one request after the other: a review has a few reviewers, a request takes a
 * few milliseconds, and the store is for one thread. libmicrohttpd gives up silent connections; a client that
 * sends a byte now and then is cut off here, by the age of its request. It waits with select: with epoll,
 * version 0.9.75 does not notice that a client has ended in the middle of a request. */
#include "review/serve_http.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

enum {
    MAX_CONNECTIONS = 128,
    CONNECTION_MEMORY = 24 << 10, /* bytes for the headers of a request, and for its reply's */
    SILENT_SECONDS = 15,          /* a connection that says nothing so long is closed */
    REQUEST_SECONDS = 60,         /* and one whose request or reply is not through by then */
    WAIT_MS = 200,                /* longest wait between looks at whether to stop */
};
#define STEADY_SECONDS 0.03 /* slower than the store on an idle machine, faster than anybody waits */

struct client {
    int fd;
    double since; /* when it came, or its last reply was through */
    struct client *next, *previous;
};

/* One request and its reply. */
struct exchange {
    struct MHD_Connection *connection;
    double came, due; /* due: when a suspended one goes on */
    bool begun, answered, url_too_long, body_too_large;
    struct lk_http_reply reply;
    struct exchange *next, *previous; /* among the suspended ones */
    size_t body_len;
    uint8_t body[LK_HTTP_MAX_BODY];
};

struct lk_http {
    struct MHD_Daemon *daemon;
    uint16_t port;
    lk_http_answer_fn *answer;
    void *arg;
    struct client *clients;
    struct exchange *suspended;
};

/* ---- replies ------------------------------------------------------------------------------------------- */

static bool add_headers(struct MHD_Response *response, const struct lk_http_reply *reply)
{
    static const char *const strict[][2] = {
        {"Cache-Control", "no-store"},
        {"Content-Security-Policy",
         "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
         "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
        {"Cross-Origin-Opener-Policy", "same-origin"},
        {"Cross-Origin-Resource-Policy", "same-origin"},
        {"Permissions-Policy", "camera=(), geolocation=(), microphone=()"},
        {"Referrer-Policy", "no-referrer"},
        {"X-Content-Type-Options", "nosniff"},
        {"X-Frame-Options", "DENY"},
    };
    for (size_t i = 0; i < sizeof strict / sizeof *strict; i++)
        if (MHD_add_response_header(response, strict[i][0], strict[i][1]) != MHD_YES)
            return false;
    if (reply->type != NULL && MHD_add_response_header(response, "Content-Type", reply->type) != MHD_YES)
        return false;
    return reply->allow == NULL || MHD_add_response_header(response, "Allow", reply->allow) == MHD_YES;
}

/* Takes over the reply's bytes. */
static enum MHD_Result send_reply(struct MHD_Connection *connection, struct lk_http_reply *reply)
{
    static char empty[1];
    void *bytes = reply->len > 0 ? (void *)(uintptr_t)reply->bytes : empty;
    bool owned = reply->owned && reply->len > 0;
    struct MHD_Response *response = MHD_create_response_from_buffer(
        reply->len, bytes, owned ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT);
    if (response == NULL)
        return MHD_NO; /* the bytes are still the exchange's */
    reply->owned = false;
    enum MHD_Result result = MHD_NO;
    if (add_headers(response, reply))
        result = MHD_queue_response(connection, (unsigned)reply->status, response);
    MHD_destroy_response(response);
    return result;
}

/* ---- requests ------------------------------------------------------------------------------------------ */

static const char *header(struct MHD_Connection *connection, const char *name)
{
    return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

static void unlink_exchange(struct lk_http *http, struct exchange *x)
{
    if (x->previous != NULL)
        x->previous->next = x->next;
    else
        http->suspended = x->next;
    if (x->next != NULL)
        x->next->previous = x->previous;
    x->next = x->previous = NULL;
}

/* Puts a reply off until it is due, so that it does not tell how long it took to make. */
static void suspend(struct lk_http *http, struct exchange *x)
{
    double late = lk_clock_seconds() - x->came;
    x->due = x->came + STEADY_SECONDS * (1 + (int)(late / STEADY_SECONDS));
    x->next = http->suspended;
    if (x->next != NULL)
        x->next->previous = x;
    http->suspended = x;
    MHD_suspend_connection(x->connection);
}

static void ask(struct lk_http *http, struct exchange *x, const char *path, const char *method)
{
    struct lk_http_request request = {
        .method = method,
        .path = path,
        .host = header(x->connection, "Host"),
        .origin = header(x->connection, "Origin"),
        .authorization = header(x->connection, "Authorization"),
        .content_type = header(x->connection, "Content-Type"),
        .body = x->body,
        .body_len = x->body_len,
        .url_too_long = x->url_too_long,
        .body_too_large = x->body_too_large,
    };
    http->answer(http->arg, &request, &x->reply);
    x->answered = true;
}

/* The request line has been read. What this gives is the `state` of the calls below. */
static void *on_url(void *arg, const char *url, struct MHD_Connection *connection)
{
    (void)arg;
    struct exchange *x = calloc(1, sizeof *x);
    if (x == NULL)
        return NULL;
    x->connection = connection;
    x->came = lk_clock_seconds();
    x->url_too_long = strlen(url) > LK_HTTP_MAX_URL;
    return x;
}

/* Called after the headers, for each part of the body, and when all is read or the connection goes on. */
static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *data, size_t *len,
                                  void **state)
{
    (void)version;
    struct lk_http *http = arg;
    struct exchange *x = *state;
    if (x == NULL)
        return MHD_NO; /* memory was out */
    if (!x->begun) {
        x->begun = true;
        const char *length = header(connection, "Content-Length");
        if (length == NULL || strtoull(length, NULL, 10) <= LK_HTTP_MAX_BODY)
            return MHD_YES;
        x->body_too_large = true; /* answered at once: libmicrohttpd closes the connection behind it */
    } else if (*len > 0) {
        x->body_too_large = x->body_too_large || *len > LK_HTTP_MAX_BODY - x->body_len;
        if (!x->body_too_large) {
            memcpy(x->body + x->body_len, data, *len);
            x->body_len += *len;
        }
        *len = 0;
        return MHD_YES;
    }
    if (!x->answered) {
        ask(http, x, url, method);
        if (x->reply.steady) {
            suspend(http, x);
            return MHD_YES;
        }
    }
    return send_reply(connection, &x->reply);
}

static void on_completed(void *arg, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode why)
{
    (void)arg, (void)why;
    struct exchange *x = *state;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct client *client = info != NULL ? info->socket_context : NULL;
    if (client != NULL)
        client->since = lk_clock_seconds();
    if (x != NULL && x->reply.owned)
        free((void *)(uintptr_t)x->reply.bytes);
    free(x);
    *state = NULL;
}

/* Paths are compared as they came: no escape makes one that another check did not see. */
static size_t leave_escapes(void *arg, struct MHD_Connection *connection, char *text)
{
    (void)arg, (void)connection;
    return strlen(text);
}

/* ---- connections --------------------------------------------------------------------------------------- */

static void on_connection(void *arg, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode what)
{
    struct lk_http *http = arg;
    struct client *client = *context;
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        client = info != NULL ? calloc(1, sizeof *client) : NULL;
        if (client == NULL)
            return; /* memory is out: only the silent time limits it */
        client->fd = info->connect_fd;
        client->since = lk_clock_seconds();
        client->next = http->clients;
        if (client->next != NULL)
            client->next->previous = client;
        http->clients = client;
        *context = client;
    } else if (client != NULL) {
        if (client->previous != NULL)
            client->previous->next = client->next;
        else
            http->clients = client->next;
        if (client->next != NULL)
            client->next->previous = client->previous;
        free(client);
        *context = NULL;
    }
}

static void cut_off_slow_ones(struct lk_http *http, double now)
{
    for (struct client *c = http->clients; c != NULL; c = c->next)
        if (now - c->since > REQUEST_SECONDS)
            shutdown(c->fd, SHUT_RDWR); /* libmicrohttpd finds it closed */
}

/* Lets those go on that are due before `now`; gives the milliseconds to the next, at most WAIT_MS. */
static int32_t resume_due(struct lk_http *http, double now)
{
    double wait = 1e-3 * WAIT_MS;
    struct exchange *next;
    for (struct exchange *x = http->suspended; x != NULL; x = next) {
        next = x->next;
        if (x->due <= now) {
            unlink_exchange(http, x);
            MHD_resume_connection(x->connection);
            wait = 0;
        } else if (x->due - now < wait) {
            wait = x->due - now;
        }
    }
    return (int32_t)(1e3 * wait + 0.999);
}

/* ---- the server ---------------------------------------------------------------------------------------- */

static lk_status listen_on(uint16_t port, int *out, uint16_t *bound, lk_error *err)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), yes = 1;
    if (fd < 0)
        return lk_fail_sys(err, LK_EIO, "cannot make a socket");
    lk_status status = LK_OK;
    /* So that a server may start again where one was just killed; it lets no second one listen. */
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(fd, (struct sockaddr *)&address, size) != 0 || listen(fd, SOMAXCONN) != 0)
        status = lk_fail_sys(err, errno == EADDRINUSE ? LK_EBUSY : LK_EIO,
                             "cannot listen on 127.0.0.1 port %u", (unsigned)port);
    else if (getsockname(fd, (struct sockaddr *)&address, &size) != 0)
        status = lk_fail_sys(err, LK_EIO, "cannot find out the port of a socket");
    if (status != LK_OK) {
        close(fd);
        return status;
    }
    *out = fd;
    *bound = ntohs(address.sin_port);
    return LK_OK;
}

lk_status lk_http_open(struct lk_http **out, uint16_t port, lk_http_answer_fn *answer, void *arg,
                       lk_error *err)
{
    int fd = -1;
    struct lk_http *http = lk_calloc(1, sizeof *http, err);
    if (http == NULL)
        return LK_ENOMEM;
    http->answer = answer;
    http->arg = arg;
    lk_status status = listen_on(port, &fd, &http->port, err);
    if (status != LK_OK) {
        free(http);
        return status;
    }
    http->daemon = MHD_start_daemon(
        MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_request, http, MHD_OPTION_LISTEN_SOCKET, fd,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)MAX_CONNECTIONS, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)CONNECTION_MEMORY, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)SILENT_SECONDS,
        MHD_OPTION_URI_LOG_CALLBACK, on_url, http, MHD_OPTION_UNESCAPE_CALLBACK, leave_escapes, NULL,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, http, MHD_OPTION_NOTIFY_CONNECTION, on_connection, http,
        MHD_OPTION_END);
    if (http->daemon == NULL) {
        close(fd);
        free(http);
        return lk_fail(err, LK_EIO, "the web server on port %u did not start", (unsigned)port);
    }
    *out = http;
    return LK_OK;
}

uint16_t lk_http_port(const struct lk_http *http)
{
    return http->port;
}

lk_status lk_http_run(struct lk_http *http, const lk_ctx *ctx, lk_error *err)
{
    double swept = lk_clock_seconds();
    while (!lk_ctx_cancelled(ctx)) {
        double now = lk_clock_seconds();
        if (now - swept > 1) {
            cut_off_slow_ones(http, now);
            swept = now;
        }
        if (MHD_run_wait(http->daemon, resume_due(http, now)) != MHD_YES) /* a signal ends the wait only */
            return lk_fail(err, LK_EIO, "the web server on port %u failed", (unsigned)http->port);
    }
    return LK_OK;
}

void lk_http_close(struct lk_http *http)
{
    if (http == NULL)
        return;
    while (http->suspended != NULL) {
        struct exchange *x = http->suspended;
        unlink_exchange(http, x);
        MHD_resume_connection(x->connection);
    }
    MHD_stop_daemon(http->daemon);
    free(http);
}
