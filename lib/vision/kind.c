/* SPDX-License-Identifier: Apache-2.0 */
/* kind.c - what kind of leak a pair is, from two aligned crops. */
#include "vision/kind.h"

#include <math.h>

static int bits_apart(const struct lk_phash *a, const struct lk_phash *b)
{
    return __builtin_popcountll(a->word[0] ^ b->word[0]) + __builtin_popcountll(a->word[1] ^ b->word[1]);
}

static bool same(double similarity, int bits)
{
    return similarity >= LK_KIND_SIMILARITY && bits <= LK_KIND_BITS;
}

lk_status lk_kind_of(const struct lk_image *a, const struct lk_image *b, enum lk_kind *kind,
                     struct lk_kind_evidence *evidence, lk_error *err)
{
    uint8_t x[LK_THUMB_PIXELS], y[LK_THUMB_PIXELS], turned[LK_THUMB_PIXELS];
    LK_TRY(lk_thumb_make(a, x, err));
    LK_TRY(lk_thumb_make(b, y, err));
    struct lk_kind_evidence e = {
        .similarity = NAN, .mirrored = NAN, .bits = LK_PHASH_BITS, .bits_mirrored = LK_PHASH_BITS};
    enum lk_kind k = LK_KIND_UNKNOWN;
    if (!lk_thumb_flat(x) && !lk_thumb_flat(y)) {
        struct lk_phash_basis basis;
        struct lk_phash hash_x, turned_x, hash_y, turned_y;
        lk_phash_basis_init(&basis);
        lk_phash_make(&basis, x, &hash_x, &turned_x);
        lk_phash_make(&basis, y, &hash_y, &turned_y);
        lk_thumb_mirror(x, turned);
        e.similarity = lk_thumb_similarity(x, y);
        e.mirrored = lk_thumb_similarity(turned, y);
        e.bits = bits_apart(&hash_x, &hash_y);
        e.bits_mirrored = bits_apart(&turned_x, &hash_y);
        bool upright = same(e.similarity, e.bits), mirrored = same(e.mirrored, e.bits_mirrored);
        k = upright && (!mirrored || e.similarity >= e.mirrored) ? LK_KIND_SAME_PICTURE
            : mirrored                                           ? LK_KIND_SAME_MIRRORED
                                                                 : LK_KIND_OTHER_PICTURE;
    }
    *kind = k;
    *evidence = e;
    return LK_OK;
}

const char *lk_kind_name(enum lk_kind kind)
{
    static const char *const names[] = {"other picture", "same picture", "same picture, mirrored", "unknown"};
    return names[kind];
}
