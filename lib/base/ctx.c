/* SPDX-License-Identifier: Apache-2.0 */
/* ctx.c - the context behind every long call: threads, cancelling, messages, progress. */
#include "base/ctx.h"

#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fs.h"

struct lk_ctx {
    int threads;
    char *model_dir, *data_dir;
    lk_message_fn *message;
    lk_progress_fn *progress;
    void *user;
    atomic_bool cancelled;
    pthread_mutex_t callbacks; /* never two callbacks at a time; also guards next_report */
    double next_report;
    uint64_t step, n_steps;
    const char *step_name;
};

static int available_cores(void)
{
    cpu_set_t set;
    int n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    return n > 0 ? n : 1;
}

/* The first of: the option, the environment variable, $HOME-style default built by the caller. */
static char *choose_dir(const char *option, const char *variable, const char *fallback, lk_error *err)
{
    const char *from_env = getenv(variable);
    if (option == NULL && from_env != NULL && from_env[0] != '\0')
        option = from_env;
    return lk_strdup(option != NULL ? option : fallback, err);
}

static char *default_model_dir(lk_error *err)
{
    const char *cache = getenv("XDG_CACHE_HOME");
    if (cache != NULL && cache[0] == '/')
        return lk_path_join(cache, "likeness/models", err);
    const char *home = getenv("HOME");
    return lk_path_join(home != NULL && home[0] != '\0' ? home : "/tmp", ".cache/likeness/models", err);
}

void lk_ctx_options_init(lk_ctx_options *options)
{
    memset(options, 0, sizeof *options);
}

lk_status lk_ctx_new(lk_ctx **out, const lk_ctx_options *options, lk_error *err)
{
    LK_NEED(options->threads >= 0 && options->threads <= 4096, err, LK_EINVAL,
            "threads: %d, expected 0 to 4096", options->threads);
    lk_ctx *ctx = lk_calloc(1, sizeof *ctx, err);
    char *fallback = default_model_dir(err);
    if (ctx == NULL || fallback == NULL)
        goto no_memory;
    ctx->model_dir = choose_dir(options->model_dir, "LIKENESS_MODEL_DIR", fallback, err);
    ctx->data_dir = choose_dir(options->data_dir, "LIKENESS_DATA_DIR", LK_DATA_DIR, err);
    if (ctx->model_dir == NULL || ctx->data_dir == NULL)
        goto no_memory;
    free(fallback);
    ctx->threads = options->threads > 0 ? options->threads : available_cores();
    ctx->message = options->message;
    ctx->progress = options->progress;
    ctx->user = options->user;
    atomic_init(&ctx->cancelled, false);
    pthread_mutex_init(&ctx->callbacks, NULL);
    *out = ctx;
    return LK_OK;

no_memory:
    free(fallback);
    if (ctx != NULL) {
        free(ctx->model_dir);
        free(ctx->data_dir);
    }
    free(ctx);
    return LK_ENOMEM;
}

void lk_ctx_free(lk_ctx *ctx)
{
    if (ctx == NULL)
        return;
    pthread_mutex_destroy(&ctx->callbacks);
    free(ctx->model_dir);
    free(ctx->data_dir);
    free(ctx);
}

void lk_ctx_cancel(lk_ctx *ctx)
{
    atomic_store_explicit(&ctx->cancelled, true,
                          memory_order_relaxed); /* lock-free: fine in a signal handler */
}

bool lk_ctx_cancelled(const lk_ctx *ctx)
{
    return ctx != NULL && atomic_load_explicit(&ctx->cancelled, memory_order_relaxed);
}

lk_status lk_ctx_check(const lk_ctx *ctx, lk_error *err)
{
    LK_NEED(!lk_ctx_cancelled(ctx), err, LK_ECANCELED,
            "interrupted; what is finished is kept, run again to go on");
    return LK_OK;
}

int lk_ctx_threads(const lk_ctx *ctx)
{
    return ctx->threads;
}

const char *lk_ctx_model_dir(const lk_ctx *ctx)
{
    return ctx->model_dir;
}

const char *lk_ctx_data_dir(const lk_ctx *ctx)
{
    return ctx->data_dir;
}

void lk_ctx_message(lk_ctx *ctx, lk_level level, const char *format, ...)
{
    if (ctx == NULL || ctx->message == NULL)
        return;
    char text[1200];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    lk_text_clean(text);
    pthread_mutex_lock(&ctx->callbacks);
    ctx->message(ctx->user, level, text);
    pthread_mutex_unlock(&ctx->callbacks);
}

void lk_ctx_step(lk_ctx *ctx, uint64_t step, uint64_t n_steps, const char *name)
{
    ctx->step = step;
    ctx->n_steps = n_steps;
    ctx->step_name = name;
}

void lk_ctx_progress(lk_ctx *ctx, const lk_progress *progress)
{
    if (ctx == NULL || ctx->progress == NULL)
        return;
    pthread_mutex_lock(&ctx->callbacks);
    double now = lk_clock_seconds();
    if (now >= ctx->next_report || progress->done >= progress->total) {
        ctx->next_report = now + 0.1;
        lk_progress whole = *progress;
        whole.step = ctx->step;
        whole.n_steps = ctx->n_steps;
        whole.step_name = ctx->step_name;
        ctx->progress(ctx->user, &whole);
    }
    pthread_mutex_unlock(&ctx->callbacks);
}
