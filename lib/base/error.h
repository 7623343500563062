/* SPDX-License-Identifier: Apache-2.0 */
/* error.h - fill in the caller's lk_error, and the two macros that keep error paths short. */
#ifndef LK_BASE_ERROR_H
#define LK_BASE_ERROR_H

#include <errno.h>

#include "likeness.h"

/* Sets err (may be NULL) and returns code, so that `return lk_fail(...)` works. */
lk_status lk_fail(lk_error *err, lk_status code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same for a failed system call: appends strerror(errno) and keeps errno. ENOMEM becomes LK_ENOMEM. */
lk_status lk_fail_sys(lk_error *err, lk_status code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts "text: " in front of what err says already; for callers that know which file it was. */
void lk_error_prefix(lk_error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Replaces control characters (file names may hold them) by '?', in place. */
void lk_text_clean(char *text);

/* Returns the status of a failed call; for functions that have nothing to clean up yet. */
#define LK_TRY(call)                        \
    do {                                    \
        lk_status lk_try_status = (call);   \
        if (lk_try_status != LK_OK)         \
            return lk_try_status;           \
    } while (0)

/* Returns with a message when a condition on input or arguments does not hold. */
#define LK_NEED(condition, err, code, ...)              \
    do {                                                \
        if (!(condition))                               \
            return lk_fail((err), (code), __VA_ARGS__); \
    } while (0)

#endif
