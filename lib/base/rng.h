/* SPDX-License-Identifier: Apache-2.0 */
/* rng.h - a small seeded generator whose stream is part of the results: same seed, same bytes, everywhere.
 *
 * SplitMix64 (Steele, Lea & Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014). */
#ifndef LK_BASE_RNG_H
#define LK_BASE_RNG_H

#include <stdint.h>

struct lk_rng {
    uint64_t state;
};

static inline struct lk_rng lk_rng_seed(uint64_t seed)
{
    return (struct lk_rng){seed};
}

static inline uint64_t lk_rng_next(struct lk_rng *rng)
{
    uint64_t z = (rng->state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* Uniform in 0 .. n-1 without modulo bias (Lemire 2019); n > 0. */
static inline uint64_t lk_rng_below(struct lk_rng *rng, uint64_t n)
{
    for (;;) {
        __uint128_t m = (__uint128_t)lk_rng_next(rng) * n;
        if ((uint64_t)m >= (-n) % n)
            return (uint64_t)(m >> 64);
    }
}

/* Uniform in [0, 1) with 53 random bits. */
static inline double lk_rng_unit(struct lk_rng *rng)
{
    return (double)(lk_rng_next(rng) >> 11) * 0x1p-53;
}

#endif
