/* SPDX-License-Identifier: Apache-2.0 */
/* pool.c - the only place that makes threads: a parallel loop, and an ordered pipeline.
 *
 * pthreads rather than OpenMP: gcc's thread sanitizer reports false races in correct OpenMP loops. */
#include "base/pool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/mem.h"

/* ---- threads that all run one function ---------------------------------------------------------- */

typedef void worker_fn(void *run, int worker);

struct worker {
    pthread_t thread;
    worker_fn *fn;
    void *run;
    int index;
};

static void *worker_start(void *arg)
{
    struct worker *w = arg;
    w->fn(w->run, w->index);
    return NULL;
}

/* Runs fn on `threads` threads, the caller's being the first. With fewer threads than wanted the work
 * still gets done, only slower, so a failed pthread_create is not an error. */
static lk_status run_workers(int threads, worker_fn *fn, void *run, lk_error *err)
{
    struct worker *workers = lk_calloc((size_t)threads, sizeof *workers, err);
    if (workers == NULL)
        return LK_ENOMEM;
    int started = 1;
    while (started < threads) {
        workers[started] = (struct worker){.fn = fn, .run = run, .index = started};
        if (pthread_create(&workers[started].thread, NULL, worker_start, &workers[started]) != 0)
            break;
        started++;
    }
    fn(run, 0);
    for (int i = 1; i < started; i++)
        pthread_join(workers[i].thread, NULL);
    free(workers);
    return LK_OK;
}

/* The failure with the lowest item index, so that the message does not depend on the threads' timing
 * more than it must. */
struct failure {
    lk_status status;
    size_t index;
    lk_error error;
};

static void note_failure(struct failure *f, lk_status status, size_t index, const lk_error *error)
{
    if (f->status == LK_OK || index < f->index)
        *f = (struct failure){status, index, *error};
}

static lk_status give_failure(const struct failure *f, const lk_ctx *ctx, lk_error *err)
{
    if (f->status == LK_OK)
        return lk_ctx_check(ctx, err);
    if (err != NULL)
        *err = f->error;
    return f->status;
}

/* ---- parallel loop -------------------------------------------------------------------------------- */

struct loop {
    lk_ctx *ctx;
    size_t n;
    lk_work_fn *work;
    void *arg;
    atomic_size_t next;
    atomic_bool stop;
    pthread_mutex_t lock; /* guards failure */
    struct failure failure;
};

static void loop_worker(void *run, int worker)
{
    struct loop *loop = run;
    while (!lk_ctx_cancelled(loop->ctx) && !atomic_load_explicit(&loop->stop, memory_order_relaxed)) {
        size_t i = atomic_fetch_add_explicit(&loop->next, 1, memory_order_relaxed);
        if (i >= loop->n)
            return;
        lk_error error = {0};
        lk_status status = loop->work(loop->arg, i, worker, &error);
        if (status != LK_OK) {
            pthread_mutex_lock(&loop->lock);
            note_failure(&loop->failure, status, i, &error);
            pthread_mutex_unlock(&loop->lock);
            atomic_store_explicit(&loop->stop, true, memory_order_relaxed);
        }
    }
}

lk_status lk_pool_for(lk_ctx *ctx, size_t n, lk_work_fn *work, void *arg, lk_error *err)
{
    struct loop loop = {.ctx = ctx, .n = n, .work = work, .arg = arg};
    atomic_init(&loop.next, 0);
    atomic_init(&loop.stop, false);
    pthread_mutex_init(&loop.lock, NULL);
    int threads = lk_ctx_threads(ctx);
    if ((size_t)threads > n)
        threads = n > 0 ? (int)n : 1;
    lk_status status = run_workers(threads, loop_worker, &loop, err);
    pthread_mutex_destroy(&loop.lock);
    return status != LK_OK ? status : give_failure(&loop.failure, ctx, err);
}

/* ---- ordered pipeline ----------------------------------------------------------------------------- */

enum slot_state { SLOT_FREE, SLOT_FILLED };

struct pipeline {
    lk_ctx *ctx;
    size_t n;
    char *slots;
    size_t slot_size, n_slots;
    lk_fill_fn *fill;
    lk_sink_fn *sink;
    void *arg;

    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t moved; /* next_sink went on, or the run is stopping */
    size_t next_fill, next_sink;
    enum slot_state *states;
    bool sinking, stop;
    struct failure failure;
};

/* Called with the lock held: sinks every item that is ready and next in order. One thread at a time does
 * this; another that finds `sinking` set leaves its item to that one. */
static void drain(struct pipeline *p)
{
    if (p->sinking)
        return;
    p->sinking = true;
    while (p->next_sink < p->n && p->states[p->next_sink % p->n_slots] == SLOT_FILLED && !p->stop) {
        size_t i = p->next_sink;
        pthread_mutex_unlock(&p->lock);
        lk_error error = {0};
        lk_status status = p->sink(p->arg, i, p->slots + i % p->n_slots * p->slot_size, &error);
        pthread_mutex_lock(&p->lock);
        p->states[i % p->n_slots] = SLOT_FREE;
        p->next_sink++;
        if (status != LK_OK) {
            note_failure(&p->failure, status, i, &error);
            p->stop = true;
        }
        pthread_cond_broadcast(&p->moved);
    }
    p->sinking = false;
}

static void pipeline_worker(void *run, int worker)
{
    struct pipeline *p = run;
    pthread_mutex_lock(&p->lock);
    for (;;) {
        while (!p->stop && p->next_fill < p->n && p->next_fill - p->next_sink >= p->n_slots)
            pthread_cond_wait(&p->moved, &p->lock);
        if (p->stop || p->next_fill >= p->n || lk_ctx_cancelled(p->ctx))
            break;
        size_t i = p->next_fill++;
        pthread_mutex_unlock(&p->lock);
        lk_error error = {0};
        lk_status status = p->fill(p->arg, i, worker, p->slots + i % p->n_slots * p->slot_size, &error);
        pthread_mutex_lock(&p->lock);
        if (status != LK_OK) {
            /* Items before this one are still sunk by their own workers; nothing after it is started. */
            note_failure(&p->failure, status, i, &error);
            p->n = p->n < i ? p->n : i;
            pthread_cond_broadcast(&p->moved);
            break;
        }
        p->states[i % p->n_slots] = SLOT_FILLED;
        drain(p);
    }
    pthread_cond_broadcast(&p->moved); /* others may wait for room that no longer matters */
    pthread_mutex_unlock(&p->lock);
}

lk_status lk_pool_ordered(lk_ctx *ctx, size_t first, size_t n, void *slots, size_t slot_size, size_t n_slots,
                          lk_fill_fn *fill, lk_sink_fn *sink, void *arg, lk_error *err)
{
    struct pipeline p = {.ctx = ctx, .n = n, .slots = slots, .slot_size = slot_size, .n_slots = n_slots,
                         .fill = fill, .sink = sink, .arg = arg, .next_fill = first, .next_sink = first};
    p.states = lk_calloc(n_slots, sizeof *p.states, err);
    if (p.states == NULL)
        return LK_ENOMEM;
    pthread_mutex_init(&p.lock, NULL);
    pthread_cond_init(&p.moved, NULL);
    lk_status status = run_workers(lk_ctx_threads(ctx), pipeline_worker, &p, err);
    bool complete = p.next_sink >= n;
    pthread_cond_destroy(&p.moved);
    pthread_mutex_destroy(&p.lock);
    free(p.states);
    if (status != LK_OK)
        return status;
    return complete && p.failure.status == LK_OK ? LK_OK : give_failure(&p.failure, ctx, err);
}
