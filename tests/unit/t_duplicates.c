/* SPDX-License-Identifier: Apache-2.0 */
/* t_duplicates.c - hashes, their near pairs against brute force, similarity by its properties, groups. */
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "vision/duplicates.h"
#include "vision/near.h"

/* A smooth picture, as photographs are: a sum of waves, the slow ones strongest. */
static void waves(struct lk_rng *rng, uint8_t luma[LK_THUMB_PIXELS])
{
    double part[24][4];
    for (int k = 0; k < 24; k++) {
        part[k][0] = lk_rng_unit(rng) * 12 - 6;
        part[k][1] = lk_rng_unit(rng) * 12 - 6;
        part[k][2] = lk_rng_unit(rng) * 2 * M_PI;
        part[k][3] = 40 / (1 + hypot(part[k][0], part[k][1]));
    }
    for (int i = 0; i < LK_THUMB_PIXELS; i++) {
        double x = i % LK_THUMB_SIDE / 32.0, y = i / LK_THUMB_SIDE / 32.0, sum = 128;
        for (int k = 0; k < 24; k++)
            sum += part[k][3] * cos(2 * M_PI * (part[k][0] * x + part[k][1] * y) + part[k][2]);
        luma[i] = (uint8_t)(sum < 0 ? 0 : sum > 255 ? 255 : sum);
    }
}

static int distance(struct lk_phash a, struct lk_phash b)
{
    return __builtin_popcountll(a.word[0] ^ b.word[0]) + __builtin_popcountll(a.word[1] ^ b.word[1]);
}

static void test_hash(void **state)
{
    (void)state;
    struct lk_rng rng = lk_rng_seed(3);
    struct lk_phash_basis basis;
    lk_phash_basis_init(&basis);
    double ones = 0, between = 0;
    struct lk_phash previous = {{0, 0}};
    for (int i = 0; i < 200; i++) {
        uint8_t luma[LK_THUMB_PIXELS], turned[LK_THUMB_PIXELS];
        struct lk_phash hash, mirrored, of_turned, back, again;
        waves(&rng, luma);
        lk_thumb_mirror(luma, turned);
        lk_phash_make(&basis, luma, &hash, &mirrored);
        lk_phash_make(&basis, turned, &of_turned, &back);
        assert_true(distance(mirrored, of_turned) <=
                    1); /* sums in another order: next to zero a sign may go */
        assert_true(distance(back, hash) <= 1);
        for (int k = 0; k < LK_THUMB_PIXELS; k++) /* half the contrast, brighter, a little noise */
            luma[k] = (uint8_t)(100 + luma[k] / 2 + (int)lk_rng_below(&rng, 3) - 1);
        lk_phash_make(&basis, luma, &again, &back);
        assert_in_range(distance(hash, again), 0, LK_NEAR_BITS);
        ones += distance(hash, (struct lk_phash){{0, 0}});
        between += i > 0 ? distance(hash, previous) : 0;
        previous = hash;
    }
    assert_true(ones / 200 > 40 && ones / 200 < 88); /* the bits are in use */
    assert_true(between / 199 > 40);                 /* and tell pictures apart */
}

/* ---- near pairs ------------------------------------------------------------------------------------- */

enum { N_HASHES = 1500 };

struct found {
    pthread_mutex_t lock;
    uint8_t times[2][N_HASHES][N_HASHES];
};

static lk_status take(void *arg, uint32_t i, uint32_t j, bool mirrored, int worker, lk_error *err)
{
    (void)worker;
    (void)err;
    struct found *found = arg;
    pthread_mutex_lock(&found->lock);
    found->times[mirrored][i][j]++;
    pthread_mutex_unlock(&found->lock);
    return LK_OK;
}

static void check_against_brute_force(const struct lk_phash *hashes, const struct lk_phash *mirrored,
                                      int threads)
{
    struct found *found = calloc(1, sizeof *found);
    pthread_mutex_init(&found->lock, NULL);
    lk_ctx *ctx;
    lk_ctx_options options;
    lk_ctx_options_init(&options);
    options.threads = threads;
    assert_int_equal(lk_ctx_new(&ctx, &options, NULL), LK_OK);
    assert_int_equal(lk_near_pairs(ctx, hashes, mirrored, N_HASHES, take, found, NULL), LK_OK);
    int pairs[2] = {0, 0};
    for (int i = 0; i < N_HASHES; i++)
        for (int j = 0; j < N_HASHES; j++) {
            int want = i < j && distance(hashes[i], hashes[j]) <= LK_NEAR_BITS;
            int want_mirrored = i < j && mirrored != NULL && distance(mirrored[i], hashes[j]) <= LK_NEAR_BITS;
            if (found->times[0][i][j] != want || found->times[1][i][j] != want_mirrored)
                fail_msg("pair %d, %d: found %d and mirrored %d times, expected %d and %d", i, j,
                         found->times[0][i][j], found->times[1][i][j], want, want_mirrored);
            pairs[0] += want;
            pairs[1] += want_mirrored;
        }
    assert_true(pairs[0] > N_HASHES / 8 && (mirrored == NULL || pairs[1] > N_HASHES / 8));
    lk_ctx_free(ctx);
    pthread_mutex_destroy(&found->lock);
    free(found);
}

static void test_near_pairs(void **state)
{
    (void)state;
    static struct lk_phash hashes[N_HASHES], mirrored[N_HASHES];
    for (int uneven = 0; uneven < 2; uneven++) {
        struct lk_rng rng = lk_rng_seed(11);
        for (int i = 0; i < N_HASHES; i++)
            for (int w = 0; w < 2; w++) { /* uneven: most bits are 0, so that buckets are full */
                uint64_t other = uneven ? lk_rng_next(&rng) & lk_rng_next(&rng) : UINT64_MAX;
                hashes[i].word[w] = lk_rng_next(&rng) & other;
                mirrored[i].word[w] = lk_rng_next(&rng) & other;
            }
        for (int i = 2; i < N_HASHES; i += 3) { /* near ones at every distance around the limit, both ways */
            int of = (int)lk_rng_below(&rng, (uint64_t)i), bits = i / 2 % (LK_NEAR_BITS + 3);
            hashes[i] = i % 2 == 0 ? mirrored[of] : hashes[of];
            for (int k = 0, first = (int)lk_rng_below(&rng, 128); k < bits; k++) {
                int bit = (first + 5 * k) % 128; /* distinct, and spread over all words */
                hashes[i].word[bit / 64] ^= (uint64_t)1 << (bit % 64);
            }
        }
        check_against_brute_force(hashes, mirrored, 1);
        check_against_brute_force(hashes, mirrored, 3);
        check_against_brute_force(hashes, NULL, 2);
    }
}

/* ---- similarity ------------------------------------------------------------------------------------- */

/* The picture shifted and stretched by whole functions of its waves would need them; a bilinear shift does.
 */
static void shifted(const uint8_t luma[LK_THUMB_PIXELS], double dx, uint8_t out[LK_THUMB_PIXELS])
{
    for (int y = 0; y < LK_THUMB_SIDE; y++)
        for (int x = 0; x < LK_THUMB_SIDE; x++) {
            double at = fmin(fmax(x + dx, 0), LK_THUMB_SIDE - 1);
            int left = (int)at, right = left < LK_THUMB_SIDE - 1 ? left + 1 : left;
            double f = at - left;
            out[y * LK_THUMB_SIDE + x] = (uint8_t)lround((1 - f) * luma[y * LK_THUMB_SIDE + left] +
                                                         f * luma[y * LK_THUMB_SIDE + right]);
        }
}

static void test_similarity(void **state)
{
    (void)state;
    struct lk_rng rng = lk_rng_seed(5);
    for (int i = 0; i < 100; i++) {
        uint8_t a[LK_THUMB_PIXELS], b[LK_THUMB_PIXELS], c[LK_THUMB_PIXELS];
        waves(&rng, a);
        waves(&rng, b);
        assert_false(lk_thumb_flat(a));
        assert_true(lk_thumb_similarity(a, a) > 1 - 1e-6);
        assert_true(lk_thumb_similarity(a, b) < 0.8);
        assert_true(lk_thumb_similarity(a, b) == lk_thumb_similarity(b, a));
        assert_true(lk_thumb_correlation(a, b) <= lk_thumb_similarity(a, b));
        for (int k = 0; k < LK_THUMB_PIXELS; k++)
            c[k] = (uint8_t)(20 + a[k] * 4 / 5);
        assert_true(lk_thumb_similarity(a, c) > 0.99); /* brighter, less contrast */
        shifted(a, 0.7, c);
        assert_true(lk_thumb_similarity(a, c) > 0.97);
        assert_true(lk_thumb_similarity(a, c) > lk_thumb_correlation(a, c));
        shifted(a, 5, c); /* another part of the scene */
        assert_true(lk_thumb_similarity(a, c) < 0.95);
        for (int k = 0; k < LK_THUMB_PIXELS; k++)
            c[k] = (uint8_t)(255 - a[k]);
        assert_true(lk_thumb_similarity(a, c) < 0); /* a negative is no copy */
    }
    uint8_t grey[LK_THUMB_PIXELS];
    memset(grey, 77, sizeof grey);
    assert_true(lk_thumb_flat(grey));
    assert_true(lk_thumb_similarity(grey, grey) == 0);
}

/* ---- groups ----------------------------------------------------------------------------------------- */

static void check_member(const struct lk_dup_member *member, uint32_t keeper, lk_dup_kind kind,
                         double similarity)
{
    assert_int_equal(member->keeper, keeper);
    assert_int_equal(member->kind, kind);
    assert_true(fabs((double)member->similarity - similarity) < 1e-6);
}

static void test_first_equal(void **state)
{
    (void)state;
    enum { N = 8 };
    struct lk_dup_record *records = calloc(N, sizeof *records);
    struct lk_rng rng = lk_rng_seed(9);
    static const char bytes[N] = "abacdaex";
    static const int luma[N] = {0, 1, 0, 1, 2, 0, 3, 4}; /* 3: encoded again without a loss from 1 */
    uint8_t looks[4][LK_THUMB_PIXELS];
    for (int k = 0; k < 3; k++)
        waves(&rng, looks[k]);
    memset(looks[3], 9, sizeof looks[3]);
    for (int i = 0; i < N; i++) {
        memset(records[i].sha256, bytes[i], sizeof records[i].sha256);
        records[i].state = luma[i] == 4 ? LK_DUP_UNREADABLE : LK_DUP_SEEN;
        if (luma[i] < 4)
            memcpy(records[i].luma, looks[luma[i]], LK_THUMB_PIXELS);
    }
    uint32_t same_bytes[N], same_luma[N];
    assert_int_equal(lk_dup_first_equal(records, N, true, same_bytes, NULL), LK_OK);
    assert_int_equal(lk_dup_first_equal(records, N, false, same_luma, NULL), LK_OK);
    static const uint32_t want_bytes[N] = {0, 1, 0, 3, 4, 0, 6, UINT32_MAX},
                          want_luma[N] = {0, 1, 0, 1, 4, 0, UINT32_MAX, UINT32_MAX};
    assert_memory_equal(same_bytes, want_bytes, sizeof want_bytes);
    assert_memory_equal(same_luma, want_luma, sizeof want_luma);
    free(records);
}

static void test_groups(void **state)
{
    (void)state;
    enum { N = 10 };
    /* 1 is like 0, 2 like 1 but not like 0: a chain. 3 has the bytes of 2, 4 those of 1. 5 mirrors 2 and,
     * more closely, 0. 6 has the luma of 0 in other bytes, 7 the bytes of 6. 8 is as close to 0 as to 2. 9 is
     * flat. */
    static const uint32_t bytes[N] = {0, 1, 2, 2, 1, 5, 6, 6, 8, 9},
                          luma[N] = {0, 1, 2, 2, 1, 5, 0, 0, 8, UINT32_MAX};
    struct lk_dup_pair pairs[] = {{2, 8, 0.96f, false}, {2, 5, 0.96f, true},  {1, 2, 0.99f, false},
                                  {0, 5, 0.97f, true},  {0, 8, 0.96f, false}, {0, 1, 0.98f, false},
                                  {5, 8, 0.99f, false}};
    struct lk_dup_member members[N];
    lk_dup_groups(bytes, luma, N, pairs, sizeof pairs / sizeof *pairs, members);
    check_member(&members[0], 0, LK_DUP_NONE, 1);
    check_member(&members[1], 0, LK_DUP_NEAR, 0.98);
    check_member(&members[2], 2, LK_DUP_NONE, 1);
    check_member(&members[3], 2, LK_DUP_EXACT, 1);
    check_member(&members[4], 0, LK_DUP_NEAR, 0.98);
    check_member(&members[5], 0, LK_DUP_MIRRORED, 0.97);
    check_member(&members[6], 0, LK_DUP_NEAR, 1);
    check_member(&members[7], 0, LK_DUP_NEAR, 1);
    check_member(&members[8], 0, LK_DUP_NEAR, 0.96);
    check_member(&members[9], 9, LK_DUP_NONE, 1);
    lk_dup_groups(bytes, luma, 0, NULL, 0, members);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hash),       cmocka_unit_test(test_near_pairs),
        cmocka_unit_test(test_similarity), cmocka_unit_test(test_first_equal),
        cmocka_unit_test(test_groups),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
