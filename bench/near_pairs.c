/* SPDX-License-Identifier: Apache-2.0 */
/* near_pairs.c - how long all near pairs of made hashes take: near_pairs N uniform|face-like [THREADS].
 *
 * One in a hundred hashes is another one with 1 to 23 bits turned over, half of them of the mirrored one.
 * Every such pair must be found. Bits of face-like hashes are 1 with probability 1/3 or 2/3, so that two
 * hashes differ in 57 bits on average, as those of aligned faces do, and the buckets are as uneven. */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/rng.h"
#include "vision/near.h"

struct count {
    atomic_uint_least64_t found, planted;
    const uint32_t *of; /* of[j]: j was made from it; UINT32_MAX = from none */
};

static lk_status take(void *arg, uint32_t i, uint32_t j, bool mirrored, int worker, lk_error *err)
{
    (void)worker;
    (void)err;
    struct count *count = arg;
    atomic_fetch_add(&count->found, 1);
    if (count->of[j] == i && mirrored == (j / 100 % 2 == 1))
        atomic_fetch_add(&count->planted, 1);
    return LK_OK;
}

static struct lk_phash made(struct lk_rng *rng, bool face_like)
{
    struct lk_phash hash = {{0, 0}};
    for (int bit = 0; bit < LK_PHASH_BITS; bit++) {
        uint64_t third = lk_rng_below(rng, 6);
        bool one = !face_like ? third < 3 : third < (bit % 3 == 0 ? 2u : 4u);
        hash.word[bit / 64] |= (uint64_t)one << (bit % 64);
    }
    return hash;
}

static struct lk_phash turned_over(struct lk_phash hash, int bits, struct lk_rng *rng)
{
    for (int i = 0; i < bits; i++) {
        uint64_t bit = lk_rng_below(rng, LK_PHASH_BITS); /* may hit one twice: fewer bits then */
        hash.word[bit / 64] ^= (uint64_t)1 << (bit % 64);
    }
    return hash;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: near_pairs N uniform|face-like [THREADS]\n");
        return 2;
    }
    uint32_t n = (uint32_t)strtoul(argv[1], NULL, 10), n_planted = 0;
    bool face_like = strcmp(argv[2], "face-like") == 0;
    lk_error err;
    lk_ctx *ctx;
    lk_ctx_options options;
    lk_ctx_options_init(&options);
    options.threads = argc > 3 ? atoi(argv[3]) : 0;
    struct lk_phash *hashes = calloc(n, sizeof *hashes), *mirrored = calloc(n, sizeof *mirrored);
    uint32_t *of = calloc(n, sizeof *of);
    if (hashes == NULL || mirrored == NULL || of == NULL || lk_ctx_new(&ctx, &options, &err) != LK_OK)
        return 1;
    struct lk_rng rng = lk_rng_seed(1);
    for (uint32_t i = 0; i < n; i++) {
        of[i] = UINT32_MAX;
        hashes[i] = made(&rng, face_like);
        mirrored[i] = made(&rng, face_like);
        if (i % 100 != 99)
            continue;
        of[i] = (uint32_t)lk_rng_below(&rng, i);
        hashes[i] =
            turned_over(i / 100 % 2 == 1 ? mirrored[of[i]] : hashes[of[i]], 1 + (int)(i / 100 % 23), &rng);
        n_planted++;
    }
    struct count count = {.of = of};
    double start = lk_clock_seconds();
    if (lk_near_pairs(ctx, hashes, mirrored, n, take, &count, &err) != LK_OK) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    printf(
        "%u %s hashes, mirrored too: %.1f s on %d threads; %llu pairs within %d bits, %llu of %u planted\n",
        n, argv[2], lk_clock_seconds() - start, lk_ctx_threads(ctx), (unsigned long long)count.found,
        LK_NEAR_BITS, (unsigned long long)count.planted, n_planted);
    lk_ctx_free(ctx);
    free(hashes);
    free(mirrored);
    free(of);
    return 0;
}
