/* SPDX-License-Identifier: Apache-2.0 */
/* review.h - small reviews for unit tests: pictures that are no pictures, known items. */
#ifndef LK_TESTS_REVIEW_H
#define LK_TESTS_REVIEW_H

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "review/store.h"

enum { REVIEW_REVIEWERS = 3, REVIEW_CANDIDATES = 6, REVIEW_ITEMS = 12 };

/* Adds item `i`, counted from 0, whose pictures say so. */
static inline void review_add(struct lk_review_store *store, int i, enum lk_review_kind kind, int64_t repeats)
{
    lk_error err;
    struct lk_review_item item = {.kind = kind,
                                  .repeats = repeats,
                                  .path = {"made/image.jpg", "train/reference.jpg"},
                                  .name = {"identity", "person"},
                                  .score = 0.5 + 0.001 * i,
                                  .e_value = NAN,
                                  .discovery = i < 2};
    for (int side = 0; side < 2; side++) {
        char crop[40], original[40];
        snprintf(crop, sizeof crop, "crop %d %d", i, side);
        snprintf(original, sizeof original, "original %d %d", i, side);
        struct lk_review_bytes small = {(const uint8_t *)crop, strlen(crop)};
        struct lk_review_bytes large = {(const uint8_t *)original, strlen(original)};
        if (repeats > 0)
            item.picture[side] = 2 * (repeats - 1) + side + 1;
        else
            assert_int_equal(lk_review_store_add_picture(store, small, large, &item.picture[side], &err),
                             LK_OK);
    }
    int64_t number;
    assert_int_equal(lk_review_store_add_item(store, &item, &number, &err), LK_OK);
    assert_int_equal(number, i + 1);
    for (int k = 0; k < i % 3; k++)
        assert_int_equal(
            lk_review_store_add_context(store, number, k % 2, item.picture[0], "photo.jpg", &err), LK_OK);
}

/* 6 candidates, 2 mated pairs, 2 decoys, 1 easy pair, and a repeat of candidate 1. */
static inline void review_fill(struct lk_review_store *store)
{
    static const enum lk_review_kind kinds[REVIEW_ITEMS - 1] = {
        0, 0, 0, 0, 0, 0, LK_REVIEW_MATED, LK_REVIEW_MATED, LK_REVIEW_DECOY, LK_REVIEW_DECOY, LK_REVIEW_EASY};
    for (int i = 0; i < REVIEW_ITEMS - 1; i++)
        review_add(store, i, kinds[i], 0);
    review_add(store, REVIEW_ITEMS - 1, LK_REVIEW_REPEAT, 1);
}

static inline struct lk_review_store *review_make(const char *path, uint64_t seed,
                                                  char (*tokens)[LK_REVIEW_TOKEN_SIZE])
{
    struct lk_review_plan plan = {.command = "a test", .seed = seed};
    struct lk_review_store *store;
    lk_error err;
    assert_int_equal(lk_review_store_create(&store, path, &plan, &err), LK_OK);
    review_fill(store);
    assert_int_equal(lk_review_store_seal(store, REVIEW_REVIEWERS, tokens, &err), LK_OK);
    return store;
}

/* The item that a reviewer's screen shows, by its pictures; swapped tells on which side the image is. */
static inline int review_item_of(struct lk_review_store *store, int64_t reviewer, const char *screen,
                                 int *swapped)
{
    uint8_t *bytes;
    size_t len;
    int item, side;
    lk_error err;
    assert_int_equal(lk_review_store_picture(store, reviewer, screen, LK_REVIEW_LEFT, LK_REVIEW_THE_CROP,
                                             &bytes, &len, &err),
                     LK_OK);
    assert_int_equal(sscanf((const char *)bytes, "crop %d %d", &item, &side), 2);
    free(bytes);
    *swapped = side;
    return item;
}

#endif
