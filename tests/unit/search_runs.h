/* SPDX-License-Identifier: Apache-2.0 */
/* search_runs.h - one search in a test: its made sets, and a run of it that can be stopped or killed on its
 * way. */
#ifndef LK_TESTS_SEARCH_RUNS_H
#define LK_TESTS_SEARCH_RUNS_H

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "search/lists.h"

struct made {
    struct lk_search_options options;
    float *data[3];
    uint32_t *labels[2];
};

static inline void unmake(struct made *made)
{
    for (int i = 0; i < 3; i++)
        free(made->data[i]);
    free(made->labels[0]);
    free(made->labels[1]);
}

struct stopper {
    lk_ctx *ctx;
    uint64_t at; /* pairs done; UINT64_MAX: never */
    bool kills;  /* the process, instead of cancelling the run: in a child alone */
    uint64_t resumed;
    int warnings;
    char said[4000]; /* all messages, one after the other */
};

/* Reports come ten times a second: waiting here gives one for every tile or block. */
static inline void stop_at(void *user, const lk_progress *progress)
{
    struct stopper *s = user;
    s->resumed = progress->resumed;
    if (s->at < UINT64_MAX)
        usleep(101000);
    if (progress->done < s->at)
        return;
    if (s->kills)
        kill(getpid(), SIGKILL);
    lk_ctx_cancel(s->ctx);
}

static inline void note_message(void *user, lk_level level, const char *text)
{
    struct stopper *s = user;
    size_t len = strlen(s->said);
    snprintf(s->said + len, sizeof s->said - len, "%s\n", text);
    s->warnings += level == LK_LEVEL_WARNING;
}

/* One run, which ends where `stopper` says. */
static inline lk_status run_search(const struct lk_search_options *o, int threads, struct stopper *stopper,
                                   struct lk_search_result *result)
{
    lk_error err;
    lk_ctx_options options;
    lk_ctx_options_init(&options);
    options.threads = threads;
    options.progress = stop_at;
    options.message = note_message;
    options.user = stopper;
    assert_int_equal(lk_ctx_new(&stopper->ctx, &options, NULL), LK_OK);
    lk_status status = lk_search_run(stopper->ctx, o, result, &err);
    lk_ctx_free(stopper->ctx);
    return status;
}

#endif
