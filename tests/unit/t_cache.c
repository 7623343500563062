/* SPDX-License-Identifier: Apache-2.0 */
/* t_cache.c - codes kept between runs: the same results with and without, and nothing that a damaged or
 * forged file can do to them or to the program. */
#include "search/cache.h"

#include <stddef.h>
#include <sys/stat.h>

#include "base/cpu.h"
#include "base/hash.h"
#include "search_compare.h"
#include "temp.h"
#include "vectors.h"

enum { PROBES = 45, REFERENCES = 203, HOLDOUT = 70 };

static const char rows_a[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
static const char rows_b[] = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

/* Sets whose scores are all wanted exactly, then by a run that scans. */
static struct made make(enum vectors kind, size_t dim, uint64_t seed, struct expected *want)
{
    static const uint64_t rows[3] = {PROBES, REFERENCES, HOLDOUT};
    struct made made = {
        .options = {.dim = dim, .k = 40, .r = 3, .min_score = 0.4, .work_dir = temp_path("work")}};
    for (uint64_t i = 0; i < 3; i++)
        made.data[i] = vectors_make(kind, rows[i], dim, 3 * seed + i);
    for (uint64_t i = 0; i < PROBES; i += 7)
        memcpy(made.data[0] + i * dim, made.data[1] + i * 4 * dim, dim * sizeof(float));
    made.options.probes = (struct lk_search_set){.data = made.data[0], .rows = PROBES};
    for (int g = 0; g < 2; g++)
        made.options.galleries[g] = (struct lk_search_set){.data = made.data[g + 1], .rows = rows[g + 1]};
    *want = plain(&made.options);
    made.options.exact_pairs = 1;
    made.options.caches[0] = (struct lk_search_cache){temp_path("train.cache"), rows_a};
    made.options.caches[1] = (struct lk_search_cache){temp_path("holdout.cache"), rows_b};
    unlink(made.options.caches[0].path);
    unlink(made.options.caches[1].path);
    return made;
}

static void end(struct made *made, struct expected *want)
{
    free_expected(want);
    unmake(made);
}

/* One run, whose results must be the wanted ones, and whose messages say each of `says` (NULL: one may miss).
 */
static void check(const struct lk_search_options *o, int threads, const struct expected *want,
                  const char *first, const char *second)
{
    struct lk_search_result got;
    struct stopper stopper = {.at = UINT64_MAX};
    assert_int_equal(run_search(o, threads, &stopper, &got), LK_OK);
    assert_true(got.exact_bin > 0);
    const char *what = difference(o, want, &got);
    if (what != NULL)
        fail_msg("the %s differ; said was: %s", what, stopper.said);
    if ((first != NULL && strstr(stopper.said, first) == NULL) ||
        (second != NULL && strstr(stopper.said, second) == NULL))
        fail_msg("neither \"%s\" nor \"%s\" may miss in: %s", first, second, stopper.said);
    lk_search_free(&got);
    lk_search_forget(o->work_dir);
}

/* ---- files in memory ----------------------------------------------------------------------------------- */

struct bytes {
    uint8_t *bytes;
    size_t len;
};

static struct bytes load(const char *path)
{
    struct bytes b;
    assert_int_equal(lk_file_read(path, 1 << 24, &b.bytes, &b.len, NULL), LK_OK);
    return b;
}

/* Not made durable, which lk_file_write would wait for. */
static void store(const char *path, const uint8_t *bytes, size_t len)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
}

static void correct_hash(uint8_t *bytes, size_t len)
{
    char hex[65];
    assert_int_equal(lk_hash_bytes(bytes, len - LK_CACHE_HASH, hex, NULL), LK_OK);
    memcpy(bytes + len - LK_CACHE_HASH, hex, LK_CACHE_HASH);
}

/* Whether the pure parser takes the bytes, which lie in memory of their size exactly. */
static bool accepted(const uint8_t *bytes, size_t len)
{
    lk_error err;
    struct lk_cache c;
    uint8_t *copy = malloc(len + 1);
    assert_non_null(copy);
    memcpy(copy + 1, bytes, len); /* on an odd address */
    lk_status status = lk_cache_parse(copy + 1, len, &c, &err);
    if (status == LK_OK)
        status = lk_cache_check(copy + 1, &c, &err);
    free(copy);
    assert_true(status == LK_OK || status == LK_EFORMAT);
    return status == LK_OK;
}

/* ---- tests ------------------------------------------------------------------------------------------- */

static void test_same_results(void **state)
{
    (void)state;
    static const enum vectors kinds[] = {ISOTROPIC, NEAR_TIE, MIXED, UNEVEN, LOW_RANK};
    static const size_t dims[] = {3, 24, 67};
    int turn = 0;
    for (size_t k = 0; k < 5; k++)
        for (int n = 0; lk_scan_built(n) != NULL; n++) {
            if ((lk_scan_built(n)->features & ~lk_cpu_features()) != 0)
                continue;
            struct expected want;
            size_t dim = dims[((size_t)turn + k) % 3];
            struct made made = make(kinds[k], dim, 1, &want);
            const uint64_t depths[] = {0, dim / 3, dim};
            made.options.cpu = lk_scan_built(n)->name;
            made.options.depth = depths[turn++ / 3 % 3];
            check(&made.options, 2, &want, "training set: written to", "hold-out: written to");
            made.options.depth = 0; /* that of the cache */
            check(&made.options, 1, &want, "training set: from", "hold-out: from");
            check(&made.options, 3, &want, "training set: from", "hold-out: from");
            end(&made, &want);
        }
}

static void test_file_mode(void **state)
{
    (void)state;
    struct expected want;
    struct made made = make(ISOTROPIC, 9, 1, &want);
    struct stat st;
    check(&made.options, 1, &want, NULL, NULL);
    assert_int_equal(stat(made.options.caches[0].path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    end(&made, &want);
}

/* Results are those of the embeddings at hand, whatever the cache is of. */
static void test_other_inputs(void **state)
{
    (void)state;
    struct expected want, other_want;
    struct made made = make(ISOTROPIC, 24, 1, &want);
    struct made other = make(LOW_RANK, 24, 2, &other_want);
    check(&made.options, 1, &want, "training set: written to", "hold-out: written to");
    other.options.caches[0].rows_sha256 = rows_b;
    other.options.caches[1].rows_sha256 = rows_a;
    check(&other.options, 1, &other_want,
          "train.cache: was made from other embeddings; the codes of the training set",
          "holdout.cache: was made from other embeddings");
    /* Other training set, the same hold-out: made on other axes. */
    made.options.depth = 8;
    check(&made.options, 1, &want, NULL, NULL);
    made.options.caches[0].path = temp_path("second.cache");
    made.options.depth = 12;
    check(&made.options, 1, &want, "holdout.cache: has 8 axes, wanted are 12", NULL);
    made.options.depth = 0;
    check(&made.options, 1, &want, "training set: from", "hold-out: from");
    made.options.caches[0].path = temp_path("train.cache");
    check(&made.options, 1, &want, "training set: from", "holdout.cache: was made on other axes");
    check(&made.options, 1, &want, "training set: from", "hold-out: from");
    made.options.cpu = "portable";
    if (strcmp(lk_scan_choose(NULL)->name, "portable") != 0)
        check(&made.options, 1, &want, "train.cache: was made for ", "wanted for portable");
    end(&made, &want);
    end(&other, &other_want);
}

static void test_cannot_be_written(void **state)
{
    (void)state;
    struct expected want;
    struct made made = make(ISOTROPIC, 24, 1, &want);
    made.options.caches[0].path = temp_path("missing/train.cache");
    made.options.caches[1].path = temp_path("folder.cache");
    temp_dir("folder.cache");
    check(&made.options, 2, &want, "the codes of the training set are not kept",
          "folder.cache: expected a regular file, found a folder");
    end(&made, &want);
}

static void test_damage(void **state)
{
    (void)state;
    struct expected want;
    struct made made = make(MIXED, 24, 1, &want);
    struct lk_search_options *o = &made.options;
    o->depth = 12; /* with axes and float projections */
    check(o, 1, &want, NULL, NULL);
    const char *path = o->caches[0].path;
    struct bytes b = load(path);
    assert_true(accepted(b.bytes, b.len));
    for (size_t len = 0; len < b.len; len += len < 400 ? 1 : 61)
        assert_false(accepted(b.bytes, len));
    for (size_t at = 0; at < b.len; at += at < 400 ? 1 : 37) {
        b.bytes[at] ^= (uint8_t)(1u << at % 8);
        assert_false(accepted(b.bytes, b.len));
        if (at % 64 == 0 && at < 1000) {
            store(path, b.bytes, b.len);
            check(o, 1, &want, "train.cache: ", "the codes of the training set are made again");
        }
        b.bytes[at] ^= (uint8_t)(1u << at % 8);
    }
    for (size_t len = 0; len < b.len; len += b.len / 9) {
        store(path, b.bytes, len);
        check(o, 1, &want, "train.cache: ", "the codes of the training set are made again");
    }
    free(b.bytes);
    end(&made, &want);
}

/* Sizes of every field of the header, with a hash that is right. */
static void test_wrong_sizes(void **state)
{
    (void)state;
    static const struct {
        size_t at, len;
    } fields[] = {
#define FIELD(name) {offsetof(struct lk_cache_head, name), sizeof(((struct lk_cache_head *)NULL)->name)}
        FIELD(order), FIELD(format), FIELD(dim),       FIELD(rows), FIELD(used),       FIELD(depth),
        FIELD(share), FIELD(fine),   FIELD(projected), FIELD(len),  FIELD(panel_rows),
#undef FIELD
    };
    struct expected want;
    struct made made = make(ISOTROPIC, 24, 1, &want);
    struct lk_search_options *o = &made.options;
    o->depth = 12;
    check(o, 1, &want, NULL, NULL);
    o->depth = 0;
    struct bytes b = load(o->caches[0].path);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        uint64_t right = 0;
        memcpy(&right, b.bytes + fields[i].at, fields[i].len);
        const uint64_t values[] = {0,         1,          2,          3,          right + 1,
                                   right - 1, right + 4,  right * 2,  right / 2,  1u << 16,
                                   1u << 31,  UINT32_MAX, 1ull << 62, 1ull << 63, UINT64_MAX};
        for (size_t v = 0; v < sizeof values / sizeof *values; v++) {
            uint64_t value = values[v];
            if (value == right || (fields[i].len == 4 && (uint32_t)value == (uint32_t)right))
                continue;
            if (fields[i].at == offsetof(struct lk_cache_head, used) && value > 8 && value < 12)
                continue; /* as many axes in memory */
            memcpy(b.bytes + fields[i].at, &value, fields[i].len);
            correct_hash(b.bytes, b.len);
            /* One row more or less may need the same memory; then it is not the wanted number. */
            if (fields[i].at != offsetof(struct lk_cache_head, rows) &&
                fields[i].at != offsetof(struct lk_cache_head, panel_rows))
                assert_false(accepted(b.bytes, b.len));
            if (v % 8 == 0 || accepted(b.bytes, b.len)) {
                store(o->caches[0].path, b.bytes, b.len);
                check(o, 1, &want, "train.cache: ", "the codes of the training set are made again");
            }
        }
        memcpy(b.bytes + fields[i].at, &right, fields[i].len);
    }
    free(b.bytes);
    end(&made, &want);
}

/* Any content under a right hash: a run comes to its end, or does not take it. */
static void test_forged(void **state)
{
    (void)state;
    struct expected want;
    struct made made = make(ISOTROPIC, 24, 1, &want);
    struct lk_search_options *o = &made.options;
    struct lk_rng rng = lk_rng_seed(1);
    int taken = 0;
    o->depth = 12;
    for (int n = 0; lk_scan_built(n) != NULL; n++) {
        if ((lk_scan_built(n)->features & ~lk_cpu_features()) != 0)
            continue;
        o->cpu = lk_scan_built(n)->name;
        check(o, 1, &want, NULL, NULL);
        struct bytes b = load(o->caches[0].path);
        struct lk_cache c;
        assert_int_equal(lk_cache_parse(b.bytes, b.len, &c, NULL), LK_OK);
        for (int part = 0; part < LK_CACHE_PARTS; part++)
            for (int way = 0; way < 4; way++) {
                struct bytes f = load(o->caches[0].path);
                memcpy(f.bytes, b.bytes, b.len);
                for (size_t i = 0; i < c.parts[part].len; i++)
                    f.bytes[c.parts[part].at + i] = way == 0     ? (uint8_t)lk_rng_below(&rng, 256)
                                                    : way == 1   ? 0xff
                                                    : way == 2   ? 0
                                                    : i % 4 == 3 ? 0x3e + (uint8_t)lk_rng_below(&rng, 2)
                                                                 : (uint8_t)lk_rng_below(&rng, 256);
                correct_hash(f.bytes, f.len);
                store(o->caches[0].path, f.bytes, f.len);
                struct lk_search_result got;
                struct stopper stopper = {.at = UINT64_MAX};
                assert_int_equal(run_search(o, 1, &stopper, &got), LK_OK);
                taken += strstr(stopper.said, "training set: from") != NULL;
                lk_search_free(&got);
                lk_search_forget(o->work_dir);
                store(o->caches[0].path, b.bytes, b.len);
                free(f.bytes);
            }
        free(b.bytes);
    }
    assert_true(taken > 8); /* or nothing was tried */
    end(&made, &want);
}

static int make_work_dir(void **state)
{
    (void)state;
    temp_dir("work");
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_results), cmocka_unit_test(test_file_mode),
        cmocka_unit_test(test_other_inputs), cmocka_unit_test(test_cannot_be_written),
        cmocka_unit_test(test_damage),       cmocka_unit_test(test_wrong_sizes),
        cmocka_unit_test(test_forged)};
    return cmocka_run_group_tests(tests, make_work_dir, NULL);
}
