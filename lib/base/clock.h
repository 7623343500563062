/* SPDX-License-Identifier: Apache-2.0 */
/* clock.h - time that only goes forward, for rates and delays. */
#ifndef LK_BASE_CLOCK_H
#define LK_BASE_CLOCK_H

#include <time.h>

static inline double lk_clock_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

#endif
