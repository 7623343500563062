/* SPDX-License-Identifier: Apache-2.0 */
/* probe.h - what the probes share: numbers from stdin, and an end with a message when something is wrong. */
#ifndef LK_TESTS_PROBE_H
#define LK_TESTS_PROBE_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"

static _Noreturn inline void die(const char *why)
{
    fprintf(stderr, "%s: %s\n", program_invocation_short_name, why);
    exit(1);
}

static inline double real(void)
{
    double value;
    if (scanf("%lf", &value) != 1)
        die("expected a number");
    return value;
}

/* n numbers, freed by the caller. */
static inline float *reals(size_t n)
{
    float *values = malloc((n + 1) * sizeof *values);
    if (values == NULL)
        die("out of memory");
    for (size_t i = 0; i < n; i++)
        values[i] = (float)real();
    return values;
}

static inline void need(lk_status status, const lk_error *err)
{
    if (status != LK_OK)
        die(err->text);
}

#endif
