/* SPDX-License-Identifier: Apache-2.0 */
/* lists.h - what the pass collects: short lists of each probe, the closest pairs, the best probe of a
 * reference. */
#ifndef LK_SEARCH_LISTS_H
#define LK_SEARCH_LISTS_H

#include <math.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include "search/search.h"

static inline bool lk_pair_before(const struct lk_pair *a, const struct lk_pair *b)
{
    if (a->score != b->score)
        return a->score > b->score;
    return a->probe != b->probe ? a->probe < b->probe : a->reference < b->reference;
}

/* ---- the closest references, or identities, of one probe ------------------------------------------- */

struct lk_list {
    struct lk_hit *hits; /* closest first */
    uint64_t n, room;
};

/* What a score must reach to matter; equal scores may, by their reference's place. */
static inline float lk_list_threshold(const struct lk_list *list)
{
    return list->n < list->room ? -INFINITY : list->hits[list->n - 1].score;
}

/* Both take hits in any order of rows. */
void lk_list_add(struct lk_list *list, struct lk_hit hit);
/* As above, with one hit for each identity. */
void lk_list_add_identity(struct lk_list *list, struct lk_hit hit, const uint32_t *identities);

/* ---- the closest k pairs --------------------------------------------------------------------------- */

struct lk_closest {
    struct lk_pair *pairs; /* unordered, at most 2 k */
    size_t n, capacity;
    uint64_t k;
    bool full; /* k pairs were seen, of which `last` is the last that counts */
    struct lk_pair last;
};

static inline float lk_closest_threshold(const struct lk_closest *closest)
{
    return closest->full ? closest->last.score : -INFINITY;
}

lk_status lk_closest_add(struct lk_closest *closest, const struct lk_pair *pairs, size_t n, lk_error *err);
/* Sorts, and drops what is beyond k. */
void lk_closest_settle(struct lk_closest *closest);

/* ---- the best probe of a reference, shared by all threads ------------------------------------------ */

/* A (score, probe) as a number that is larger when the pair is closer, so that threads can share the best by
 * an atomic maximum. Scores are never -0. */
static inline uint64_t lk_best_pack(float score, uint32_t probe)
{
    uint32_t bits;
    memcpy(&bits, &score, sizeof bits);
    bits = bits >> 31 ? ~bits : bits | 0x80000000u;
    return (uint64_t)bits << 32 | (uint32_t)~probe;
}

static inline struct lk_hit lk_best_unpack(uint64_t packed)
{
    uint32_t bits = (uint32_t)(packed >> 32);
    struct lk_hit hit = {0, ~(uint32_t)packed};
    bits = bits >> 31 ? bits & 0x7fffffffu : ~bits;
    memcpy(&hit.score, &bits, sizeof bits);
    return hit;
}

/* Raising twice by the same pair does no harm, so blocks that are done again after a restart need no care. */
static inline void lk_best_raise(_Atomic uint64_t *best, uint64_t packed)
{
    uint64_t seen = atomic_load_explicit(best, memory_order_relaxed);
    while (packed > seen && !atomic_compare_exchange_weak_explicit(best, &seen, packed, memory_order_relaxed,
                                                                   memory_order_relaxed))
        ;
}

#endif
