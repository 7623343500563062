/* SPDX-License-Identifier: Apache-2.0 */
/* pool.h - the only place that makes threads: a parallel loop, and an ordered pipeline. */
#ifndef LK_BASE_POOL_H
#define LK_BASE_POOL_H

#include "base/ctx.h"

/* Work on item `index`; `worker` is 0 .. threads-1 and picks scratch space. A failure stops the loop. */
typedef lk_status lk_work_fn(void *arg, size_t index, int worker, lk_error *err);

/* Runs work on items 0 .. n-1 over the threads of ctx, items handed out in rising order.
 * Returns the failure with the lowest index among those that happened, or LK_ECANCELED. */
lk_status lk_pool_for(lk_ctx *ctx, size_t n, lk_work_fn *work, void *arg, lk_error *err);

/* Takes the result of item `index`, in rising order of index, never two at a time. */
typedef lk_status lk_sink_fn(void *arg, size_t index, void *slot, lk_error *err);
/* As lk_work_fn, filling `slot`. */
typedef lk_status lk_fill_fn(void *arg, size_t index, int worker, void *slot, lk_error *err);

/* Items first .. n-1: fill in parallel, sink in order. At most n_slots items are in flight, so memory is
 * bounded; slot i of the caller's array (slot_size bytes each) serves items i, i + n_slots, ...
 * When the context is cancelled, items already filled are still sunk in order, then LK_ECANCELED. */
lk_status lk_pool_ordered(lk_ctx *ctx, size_t first, size_t n, void *slots, size_t slot_size, size_t n_slots,
                          lk_fill_fn *fill, lk_sink_fn *sink, void *arg, lk_error *err);

#endif
