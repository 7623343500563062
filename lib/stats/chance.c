/* SPDX-License-Identifier: Apache-2.0 */
/* chance.c - how many matches above a threshold chance alone gives. */
#include "stats/chance.h"

#include <math.h>

double lk_chance_expected(uint64_t n, double fmr)
{
    return (double)n * fmr;
}

double lk_chance_any(uint64_t n, double fmr)
{
    if (n == 0)
        return 0;
    return -expm1((double)n * log1p(-fmr)); /* 1 - fmr itself would lose the digits of a small rate */
}
