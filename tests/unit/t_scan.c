/* SPDX-License-Identifier: Apache-2.0 */
/* t_scan.c - every kernel set of this processor against sums in plain 64-bit integers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cpu.h"
#include "base/rng.h"
#include "search/scan.h"

enum fill { RANDOM, ALL_HIGH, ALL_LOW, OPPOSITE };

static int code(struct lk_rng *rng, int limit, enum fill fill, bool probe)
{
    switch (fill) {
    case ALL_HIGH:
        return limit;
    case ALL_LOW:
        return -limit;
    case OPPOSITE:
        return probe ? limit : -limit;
    default:
        return (int)lk_rng_below(rng, (uint64_t)(2 * limit + 1)) - limit;
    }
}

/* Floors at, one above and one below the true sums, so that every comparison is tried at its edge. */
static void check_tile(const struct lk_scan *k, size_t groups, enum fill fill, struct lk_rng *rng)
{
    size_t mr = (size_t)k->mr, nr = (size_t)k->nr, depth = 4 * groups;
    int8_t *probes = aligned_alloc(64, (mr * depth + 63) / 64 * 64);
    uint8_t *references = aligned_alloc(64, (nr * depth + 63) / 64 * 64);
    int codes_x[LK_TILE_MAX_PROBES * 520], codes_y[LK_TILE_MAX_REFERENCES * 520];
    int32_t start[LK_TILE_MAX_PROBES] = {0};
    for (size_t i = 0; i < mr; i++)
        for (size_t c = 0; c < depth; c++) {
            int x = codes_x[i * depth + c] = code(rng, k->limit, fill, true);
            probes[lk_scan_place(depth, mr, (size_t)k->run, i, c)] = (int8_t)x;
            start[i] -= k->offset * x;
        }
    for (size_t j = 0; j < nr; j++)
        for (size_t c = 0; c < depth; c++) {
            int y = codes_y[j * depth + c] = code(rng, k->limit, fill, false);
            references[lk_scan_place(depth, nr, 1, j, c)] = (uint8_t)(y + k->offset);
        }
    int64_t sums[LK_TILE_MAX_PROBES][LK_TILE_MAX_REFERENCES] = {0};
    for (size_t i = 0; i < mr; i++)
        for (size_t j = 0; j < nr; j++)
            for (size_t c = 0; c < depth; c++)
                sums[i][j] += codes_x[i * depth + c] * codes_y[j * depth + c];

    int32_t probe_floor[LK_TILE_MAX_PROBES], reference_floor[LK_TILE_MAX_REFERENCES];
    for (int round = 0; round < 30; round++) {
        for (size_t i = 0; i < mr; i++)
            probe_floor[i] =
                round == 0 ? INT32_MAX
                           : (int32_t)sums[i][lk_rng_below(rng, nr)] + (int32_t)lk_rng_below(rng, 3) - 1;
        for (size_t j = 0; j < nr; j++)
            reference_floor[j] =
                round < 2 ? INT32_MAX
                          : (int32_t)sums[lk_rng_below(rng, mr)][j] + (int32_t)lk_rng_below(rng, 3) - 1;
        struct lk_tile t = {probes, references, groups, start, probe_floor, reference_floor};
        uint64_t mask[LK_TILE_MAX_PROBES + 1];
        memset(mask, 0x55, sizeof mask);
        uint64_t any = k->tile(&t, mask), want_any = 0;
        for (size_t i = 0; i < mr; i++) {
            uint64_t want = 0;
            for (size_t j = 0; j < nr; j++)
                if (sums[i][j] >= probe_floor[i] || sums[i][j] >= reference_floor[j])
                    want |= UINT64_C(1) << j;
            assert_true(mask[i] == want);
            want_any |= want;
        }
        assert_true((any != 0) == (want_any != 0));
        assert_true(mask[mr] == UINT64_C(0x5555555555555555)); /* nothing written behind the last probe */
    }
    free(probes);
    free(references);
}

static void check_dot(const struct lk_scan *k, size_t n, enum fill fill, struct lk_rng *rng)
{
    int8_t *a = aligned_alloc(64, n), *b = aligned_alloc(64, n);
    int64_t want = 0;
    for (size_t c = 0; c < n; c++) {
        a[c] = (int8_t)code(rng, k->limit, fill, true);
        b[c] = (int8_t)code(rng, k->limit, fill, false);
        want += a[c] * b[c];
    }
    assert_true(k->dot_codes(a, b, n) == want);
    free(a);
    free(b);
}

static void test_scans(void **state)
{
    (void)state;
    unsigned features = lk_cpu_features();
    struct lk_rng rng = lk_rng_seed(1);
    for (int i = 0; lk_scan_built(i) != NULL; i++) {
        const struct lk_scan *k = lk_scan_built(i);
        if (k->features & ~features) {
            print_message("# SKIP kernel %s: this processor lacks it\n", k->name);
            continue;
        }
        assert_in_range(k->mr, 1, LK_TILE_MAX_PROBES);
        assert_in_range(k->nr, 1, LK_TILE_MAX_REFERENCES);
        static const size_t depths[] = {1, 2, 3, 16, 17, 24, 32, 33, 128};
        for (size_t d = 0; d < sizeof depths / sizeof *depths; d++)
            for (enum fill fill = RANDOM; fill <= OPPOSITE; fill++)
                check_tile(k, depths[d], fill, &rng);
        for (size_t n = 64; n <= 1024; n += 64)
            for (enum fill fill = RANDOM; fill <= OPPOSITE; fill++)
                check_dot(k, n, fill, &rng);
    }
}

static void test_choice(void **state)
{
    (void)state;
    assert_non_null(lk_scan_choose(NULL));
    assert_ptr_equal(lk_scan_choose("portable"), &lk_scan_portable);
    assert_ptr_equal(lk_scan_choose("auto"), lk_scan_choose(NULL));
    assert_null(lk_scan_choose("abacus"));
    lk_error err;
    assert_int_equal(lk_scan_check("abacus", &err), LK_EINVAL);
    assert_string_equal(strstr(err.text, ", portable"), ", portable");
    assert_int_equal(lk_scan_check(NULL, &err), LK_OK);
}

/* The public list: the best tested level alone is chosen, and what is usable can be asked for. */
static void test_levels(void **state)
{
    (void)state;
    lk_cpu_level level;
    int n = 0, chosen = 0;
    for (; lk_cpu_level_at(n, &level); n++) {
        const struct lk_scan *k = lk_scan_choose(level.name);
        assert_int_equal(level.usable, k != NULL);
        assert_true(level.built || !level.usable);
        if (level.chosen) {
            assert_ptr_equal(k, lk_scan_choose("auto"));
            assert_true(level.tested);
        }
        chosen += level.chosen;
        if (k != NULL)
            assert_string_equal(k->name, level.name);
    }
    assert_int_equal(n, 5);
    assert_int_equal(chosen, 1);
    assert_int_equal(lk_cpu_level_at(-1, &level), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_scans), cmocka_unit_test(test_choice),
                                       cmocka_unit_test(test_levels)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
