/* SPDX-License-Identifier: Apache-2.0 */
/* ctx.h - the context behind every long call: threads, cancelling, messages, progress. Cancelling, messages
 * and progress take a NULL context: nobody listens, nothing stops. */
#ifndef LK_BASE_CTX_H
#define LK_BASE_CTX_H

#include <stdbool.h>

#include "base/error.h"

int lk_ctx_threads(const lk_ctx *ctx);
const char *lk_ctx_data_dir(const lk_ctx *ctx);
bool lk_ctx_cancelled(const lk_ctx *ctx);

/* LK_ECANCELED with a message when the run was asked to stop, else LK_OK. */
lk_status lk_ctx_check(const lk_ctx *ctx, lk_error *err);

/* One line for people through the callback; serialised with progress. */
void lk_ctx_message(lk_ctx *ctx, lk_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Says which step of a longer work all progress is about from now on; n_steps 0 = of none. The name is the caller's
 * and must live until the next call. Not while threads work. */
void lk_ctx_step(lk_ctx *ctx, uint64_t step, uint64_t n_steps, const char *name);

/* Cheap enough for every item: passes on at most ten reports a second, and always the last (done == total).
 */
void lk_ctx_progress(lk_ctx *ctx, const lk_progress *progress);

#endif
