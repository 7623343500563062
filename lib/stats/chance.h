/* SPDX-License-Identifier: Apache-2.0 */
/* chance.h - how many matches above a threshold chance alone gives. */
#ifndef LK_STATS_CHANCE_H
#define LK_STATS_CHANCE_H

#include <stdint.h>

/* False matches that one probe is expected to have among n references at a false match rate of fmr. */
double lk_chance_expected(uint64_t n, double fmr);
/* The chance that it has at least one: 1 - (1 - fmr)^n. */
double lk_chance_any(uint64_t n, double fmr);

#endif
