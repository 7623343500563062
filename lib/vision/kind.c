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

void lk_kind_of_thumbs(const uint8_t *a, const uint8_t *b, enum lk_kind *kind,
                       struct lk_kind_evidence *evidence)
{
    struct lk_kind_evidence e = {
        .similarity = NAN, .mirrored = NAN, .bits = LK_PHASH_BITS, .bits_mirrored = LK_PHASH_BITS};
    enum lk_kind k = LK_KIND_UNKNOWN;
    if (!lk_thumb_flat(a) && !lk_thumb_flat(b)) {
        uint8_t turned[LK_THUMB_PIXELS];
        struct lk_phash_basis basis;
        struct lk_phash hash_a, turned_a, hash_b, turned_b;
        lk_phash_basis_init(&basis);
        lk_phash_make(&basis, a, &hash_a, &turned_a);
        lk_phash_make(&basis, b, &hash_b, &turned_b);
        lk_thumb_mirror(a, turned);
        e.similarity = lk_thumb_similarity(a, b);
        e.mirrored = lk_thumb_similarity(turned, b);
        e.bits = bits_apart(&hash_a, &hash_b);
        e.bits_mirrored = bits_apart(&turned_a, &hash_b);
        bool upright = same(e.similarity, e.bits), mirrored = same(e.mirrored, e.bits_mirrored);
        k = upright && (!mirrored || e.similarity >= e.mirrored) ? LK_KIND_SAME_PICTURE
            : mirrored                                           ? LK_KIND_SAME_MIRRORED
                                                                 : LK_KIND_OTHER_PICTURE;
    }
    *kind = k;
    *evidence = e;
}

lk_status lk_kind_of(const struct lk_image *a, const struct lk_image *b, enum lk_kind *kind,
                     struct lk_kind_evidence *evidence, lk_error *err)
{
    uint8_t x[LK_THUMB_PIXELS], y[LK_THUMB_PIXELS];
    LK_TRY(lk_thumb_make(a, x, err));
    LK_TRY(lk_thumb_make(b, y, err));
    lk_kind_of_thumbs(x, y, kind, evidence);
    return LK_OK;
}

const char *lk_kind_name(enum lk_kind kind)
{
    static const char *const names[] = {"other picture", "same picture", "same picture, mirrored", "unknown"};
    return names[kind];
}
