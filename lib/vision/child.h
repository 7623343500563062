/* SPDX-License-Identifier: Apache-2.0 */
/* child.h - runs a helper program and waits for it. */
#ifndef LK_VISION_CHILD_H
#define LK_VISION_CHILD_H

#include "base/ctx.h"

/* Runs argv[0] without a shell and without input. What it prints is not shown; the end of it goes into output
 * as one line. *code is its exit status, 127 when it could not be started. Cancelling the context ends it. */
lk_status lk_child_run(lk_ctx *ctx, const char *const *argv, char output[600], int *code, lk_error *err);

#endif
