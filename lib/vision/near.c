/* SPDX-License-Identifier: Apache-2.0 */
/* near.c - all pairs of hashes within a distance: buckets by each 16-bit word, and a join of near buckets. */
#include "vision/near.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/pool.h"

enum {
    WORDS = 8, /* of 16 bits */
    KEYS = 1 << 16,
    WORD_BITS = 2,          /* WORDS * (WORD_BITS + 1) > LK_NEAR_BITS: one word differs in at most these */
    N_FLIPS = 1 + 16 + 120, /* masks of at most WORD_BITS bits */
    KEYS_PER_ITEM = 16
};
_Static_assert(WORDS *(WORD_BITS + 1) > LK_NEAR_BITS, "no pair may be missed");

/* Hashes sorted by one word, and inside a bucket by their number. */
struct buckets {
    struct lk_phash *hashes;
    uint32_t *numbers;
    uint32_t *starts; /* KEYS + 1 */
};

struct join {
    lk_ctx *ctx;
    lk_near_fn *take;
    void *arg;
    struct buckets left, right; /* left is right unless mirrored */
    bool mirrored;
    int word;
    uint32_t flips[N_FLIPS];
    atomic_uint_least64_t *keys_done;
    uint64_t keys_total;
};

static inline uint32_t word_of(struct lk_phash hash, int word)
{
    return (uint32_t)(hash.word[word / 4] >> (word % 4 * 16)) & 0xffff;
}

static void buckets_free(struct buckets *b)
{
    free(b->hashes);
    free(b->numbers);
    free(b->starts);
    *b = (struct buckets){0};
}

static lk_status buckets_new(struct buckets *b, uint32_t n, lk_error *err)
{
    b->hashes = lk_calloc(n, sizeof *b->hashes, err);
    b->numbers = lk_calloc(n, sizeof *b->numbers, err);
    b->starts = lk_calloc(KEYS + 1, sizeof *b->starts, err);
    return b->hashes != NULL && b->numbers != NULL && b->starts != NULL ? LK_OK : LK_ENOMEM;
}

static void sort_into_buckets(struct buckets *b, const struct lk_phash *hashes, uint32_t n, int word)
{
    for (uint32_t key = 0; key <= KEYS; key++)
        b->starts[key] = 0;
    for (uint32_t i = 0; i < n; i++)
        b->starts[word_of(hashes[i], word) + 1]++;
    for (uint32_t key = 0; key < KEYS; key++)
        b->starts[key + 1] += b->starts[key];
    for (uint32_t i = 0; i < n; i++) { /* starts[key] runs to the end of its bucket, and is put back below */
        uint32_t at = b->starts[word_of(hashes[i], word)]++;
        b->hashes[at] = hashes[i];
        b->numbers[at] = i;
    }
    for (uint32_t key = KEYS; key > 0; key--)
        b->starts[key] = b->starts[key - 1];
    b->starts[0] = 0;
}

/* Whether an earlier word already brought the pair together. */
static bool seen_before(struct lk_phash a, struct lk_phash b, int word)
{
    for (int w = 0; w < word; w++)
        if (__builtin_popcount(word_of(a, w) ^ word_of(b, w)) <= WORD_BITS)
            return true;
    return false;
}

/* The first place in from .. to of a number above i: numbers rise inside a bucket. */
static uint32_t first_above(const uint32_t *numbers, uint32_t from, uint32_t to, uint32_t i)
{
    while (from < to) {
        uint32_t middle = from + (to - from) / 2;
        if (numbers[middle] > i)
            to = middle;
        else
            from = middle + 1;
    }
    return from;
}

static inline __attribute__((always_inline)) lk_status
join_range(const struct join *join, uint32_t left, uint32_t from, uint32_t to, int worker, lk_error *err)
{
    struct lk_phash a = join->left.hashes[left];
    uint32_t i = join->left.numbers[left];
    if (join->mirrored)
        from = first_above(join->right.numbers, from, to, i);
    for (uint32_t right = from; right < to; right++) {
        struct lk_phash b = join->right.hashes[right];
        /* Both words before the branch: after one, either way would be as likely. */
        int distance =
            __builtin_popcountll(a.word[0] ^ b.word[0]) + __builtin_popcountll(a.word[1] ^ b.word[1]);
        if (distance > LK_NEAR_BITS || seen_before(a, b, join->word))
            continue;
        uint32_t j = join->right.numbers[right];
        LK_TRY(join->take(join->arg, i < j ? i : j, i < j ? j : i, join->mirrored, worker, err));
    }
    return LK_OK;
}

/* Joins one bucket of the left with the near ones of the right; unless mirrored, each pair of buckets once.
 */
static inline __attribute__((always_inline)) lk_status join_bucket(const struct join *join, uint32_t key,
                                                                   int worker, lk_error *err)
{
    const uint32_t *starts = join->right.starts;
    uint32_t first = join->left.starts[key], end = join->left.starts[key + 1];
    for (int f = 0; f < N_FLIPS && first < end; f++) {
        uint32_t other = key ^ join->flips[f];
        if (other < key && !join->mirrored)
            continue;
        bool own = other == key && !join->mirrored;
        for (uint32_t left = first; left < end; left++)
            LK_TRY(join_range(join, left, own ? left + 1 : starts[other], starts[other + 1], worker, err));
    }
    return LK_OK;
}

#if defined(__x86_64__)
/* Counting bits is one instruction on every x86-64 processor since 2008, but not part of the base set. */
__attribute__((target("popcnt"))) static lk_status join_bucket_popcnt(const struct join *join, uint32_t key,
                                                                      int worker, lk_error *err)
{
    return join_bucket(join, key, worker, err);
}
#endif

static lk_status work(void *arg, size_t item, int worker, lk_error *err)
{
    const struct join *join = arg;
    for (uint32_t key = (uint32_t)item * KEYS_PER_ITEM; key < (item + 1) * KEYS_PER_ITEM; key++) {
#if defined(__x86_64__)
        if (__builtin_cpu_supports("popcnt"))
            LK_TRY(join_bucket_popcnt(join, key, worker, err));
        else
#endif
            LK_TRY(join_bucket(join, key, worker, err));
    }
    uint64_t done = atomic_fetch_add(join->keys_done, KEYS_PER_ITEM) + KEYS_PER_ITEM;
    const lk_progress progress = {
        .stage = "near duplicates", .unit = "buckets", .done = done, .total = join->keys_total};
    lk_ctx_progress(join->ctx, &progress);
    return LK_OK;
}

static void make_flips(uint32_t flips[N_FLIPS])
{
    int n = 0;
    flips[n++] = 0;
    for (int a = 0; a < 16; a++) {
        flips[n++] = 1u << a;
        for (int b = 0; b < a; b++)
            flips[n++] = 1u << a | 1u << b;
    }
}

static lk_status join_words(struct join *join, const struct lk_phash *hashes, const struct lk_phash *mirrored,
                            uint32_t n, lk_error *err)
{
    struct buckets plain = {0}, turned = {0};
    lk_status status = buckets_new(&plain, n, err);
    if (status == LK_OK && mirrored != NULL)
        status = buckets_new(&turned, n, err);
    for (int word = 0; word < WORDS && status == LK_OK; word++) {
        join->word = word;
        sort_into_buckets(&plain, hashes, n, word);
        join->left = join->right = plain;
        join->mirrored = false;
        status = lk_pool_for(join->ctx, KEYS / KEYS_PER_ITEM, work, join, err);
        if (status != LK_OK || mirrored == NULL)
            continue;
        sort_into_buckets(&turned, mirrored, n, word);
        join->left = turned;
        join->mirrored = true;
        status = lk_pool_for(join->ctx, KEYS / KEYS_PER_ITEM, work, join, err);
    }
    buckets_free(&plain);
    buckets_free(&turned);
    return status;
}

lk_status lk_near_pairs(lk_ctx *ctx, const struct lk_phash *hashes, const struct lk_phash *mirrored,
                        uint32_t n, lk_near_fn *take, void *arg, lk_error *err)
{
    atomic_uint_least64_t keys_done;
    atomic_init(&keys_done, 0);
    struct join join = {.ctx = ctx,
                        .take = take,
                        .arg = arg,
                        .keys_done = &keys_done,
                        .keys_total = (uint64_t)KEYS * WORDS * (mirrored != NULL ? 2 : 1)};
    make_flips(join.flips);
    return join_words(&join, hashes, mirrored, n, err);
}
