/* SPDX-License-Identifier: Apache-2.0 */
/* near.h - all pairs of perceptual hashes within a distance, without comparing every pair. */
#ifndef LK_VISION_NEAR_H
#define LK_VISION_NEAR_H

#include "base/ctx.h"
#include "vision/thumb.h"

/* Largest number of differing bits of a pair that is handed on. */
enum { LK_NEAR_BITS = 23 };

/* Takes a pair i < j; mirrored: the mirrored i lies near j. Called from all workers, in no fixed order, once
 * for each pair and value of mirrored. */
typedef lk_status lk_near_fn(void *arg, uint32_t i, uint32_t j, bool mirrored, int worker, lk_error *err);

/* Hands on exactly those pairs whose hashes differ in at most LK_NEAR_BITS bits, and with `mirrored` those
 * where mirrored[i] and hashes[j] do. Multi-index hashing (Norouzi, Punjani & Fleet 2012): of eight words of
 * 16 bits, one differs in at most two bits, so only such words are looked up. mirrored may be NULL. */
lk_status lk_near_pairs(lk_ctx *ctx, const struct lk_phash *hashes, const struct lk_phash *mirrored,
                        uint32_t n, lk_near_fn *take, void *arg, lk_error *err);

#endif
