/* SPDX-License-Identifier: Apache-2.0 */
/* t_embed_resume.c - the embed job going on after any end: interruption, failure, torn files, a full disk. */
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "fake_embedder.h"

/* What may happen to a part file: cut anywhere, the line end lost, more or other bytes at the end. */
static void tear(const struct scene *s, const char *name, struct lk_rng *rng)
{
    char *path = out_path(s, name);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    off_t cut = (off_t)lk_rng_below(rng, (uint64_t)st.st_size + 1);
    switch (lk_rng_below(rng, 6)) {
    case 0:
        assert_int_equal(truncate(path, cut), 0);
        break;
    case 1:
        assert_int_equal(truncate(path, st.st_size - 1), 0);
        break;
    case 2:
        assert_int_equal(truncate(path, st.st_size + cut), 0); /* zeros behind the end, */
        break;
    case 3: /* or in place of what was never written, as after a power cut */
        assert_int_equal(truncate(path, cut), 0);
        assert_int_equal(truncate(path, st.st_size), 0);
        break;
    case 4: {
        FILE *f = fopen(path, "ab");
        assert_non_null(f);
        fputs("17,\"half a li", f);
        fclose(f);
        break;
    }
    default:
        break;
    }
    free(path);
}

static void test_resume_anywhere(void **state)
{
    (void)state;
    struct scene s;
    scene_open(&s, N_IMAGES, "ookonuo");
    assert_int_equal(embed(&s, 3), LK_OK);
    struct result whole = result_of(&s);
    struct lk_rng rng = lk_rng_seed(2026);
    s.fake.delay_us = 40;
    for (int round = 0; round < 12; round++) {
        empty_output(&s);
        lk_status status;
        int runs = 0;
        do {
            atomic_store(&s.fake.cancel_at, 1 + (int)lk_rng_below(&rng, 120));
            s.fake.group = 1 + (int)lk_rng_below(&rng, LK_EMBED_BATCH);
            status = embed(&s, 1 + (int)lk_rng_below(&rng, 5));
            if (status == LK_ECANCELED) {
                failed_with(&s, "run the same command again to go on");
                if (round % 2 == 1) {
                    tear(&s, "images.part.csv", &rng);
                    tear(&s, "embeddings.part", &rng);
                }
            } else {
                assert_int_equal(status, LK_OK);
            }
            assert_in_range(++runs, 1, 400);
        } while (status != LK_OK);
        struct result parts = result_of(&s);
        same_result(&whole, &parts);
    }
    scene_close(&s);
}

static void test_resume_counts(void **state)
{
    (void)state;
    struct scene s;
    scene_open(&s, 100, "o");
    atomic_store(&s.fake.cancel_at, 60);
    assert_int_equal(embed(&s, 1), LK_ECANCELED);
    failed_with(&s, "after 60 of 100 images");
    atomic_store(&s.fake.cancel_at, 0);
    assert_int_equal(embed(&s, 1), LK_OK);
    said(&s, "going on after 60 of 100 images");
    assert_int_equal(atomic_load(&s.fake.calls), 40);
    assert_int_equal(s.summary.n_resumed, 60);
    assert_int_equal(s.summary.n_images, 100);
    assert_int_equal(s.last.resumed, 60);
    scene_close(&s);
}

static void test_backend_failure_keeps_work(void **state)
{
    (void)state;
    struct scene s;
    scene_open(&s, 100, "o");
    atomic_store(&s.fake.fail_at, 41);
    assert_int_equal(embed(&s, 1), LK_EBACKEND);
    failed_with(&s, "after 40 of 100 images, which are kept: ");
    failed_with(&s, "the fake runtime broke");
    atomic_store(&s.fake.fail_at, 0);
    assert_int_equal(embed(&s, 1), LK_OK);
    assert_int_equal(s.summary.n_resumed, 40);
    scene_close(&s);
}

/* A failure loses no more than the group that it falls into; the next run starts at the next picture. */
static void test_failure_in_a_group(void **state)
{
    (void)state;
    struct scene s;
    scene_open(&s, 150, "o");
    assert_int_equal(embed(&s, 1), LK_OK);
    struct result whole = result_of(&s);
    empty_output(&s);
    s.fake.group = 4;
    atomic_store(&s.fake.fail_at, 43);
    assert_int_equal(embed(&s, 1), LK_EBACKEND);
    failed_with(&s, "after 40 of 150 images, which are kept: ");
    failed_with(&s, "141.jpg: the fake runtime broke"); /* the 43rd in the order of names */
    atomic_store(&s.fake.fail_at, 0);
    s.fake.group = 3;
    assert_int_equal(embed(&s, 1), LK_OK);
    assert_int_equal(s.summary.n_resumed, 40);
    assert_int_equal(atomic_load(&s.fake.calls), 110);
    struct result again = result_of(&s);
    same_result(&whole, &again);
    scene_close(&s);
}

static void move(const char *from_dir, const char *from, const char *to_dir, const char *to)
{
    char *source = lk_path_join(from_dir, from, NULL), *target = lk_path_join(to_dir, to, NULL);
    assert_int_equal(rename(source, target), 0);
    free(source);
    free(target);
}

static void delete(const char *dir, const char *name)
{
    char *path = lk_path_join(dir, name, NULL);
    assert_int_equal(remove(path), 0);
    free(path);
}

/* A run ended between two of the steps that put the tables in place. */
static void test_resume_while_finishing(void **state)
{
    (void)state;
    struct scene s;
    scene_open(&s, 50, "on");
    assert_int_equal(embed(&s, 2), LK_OK);
    struct result whole = result_of(&s);
    for (int step = 0; step < 3; step++) {
        /* The state as it was: take it from an interrupted run into another folder. */
        s.options.output = s.dir;
        atomic_store(&s.fake.cancel_at, 1);
        assert_int_equal(embed(&s, 1), LK_ECANCELED);
        atomic_store(&s.fake.cancel_at, 0);
        s.options.output = s.output;
        move(s.dir, "state.part.json", s.output, "state.part.json");
        delete(s.dir, "images.part.csv");
        delete(s.dir, "embeddings.part");
        delete(s.output, "meta.json");
        if (step < 2)
            move(s.output, "images.csv", s.output, "images.part.csv");
        if (step < 1)
            move(s.output, "embeddings.npy", s.output, "embeddings.part");
        assert_int_equal(embed(&s, 2), LK_OK);
        assert_int_equal(atomic_load(&s.fake.calls), 0);
        assert_int_equal(s.summary.n_resumed, 50);
        struct result again = result_of(&s);
        same_result(&whole, &again);
    }
    scene_close(&s);
}

static void test_damaged_result(void **state)
{
    (void)state;
    struct scene s;
    scene_open(&s, 20, "o");
    assert_int_equal(embed(&s, 1), LK_OK);
    struct result whole = result_of(&s);
    char *path = out_path(&s, "embeddings.npy");
    assert_int_equal(truncate(path, 500), 0);
    assert_int_equal(embed(&s, 1), LK_OK);
    said(&s, "missing or cut short; making them again");
    struct result again = result_of(&s);
    same_result(&whole, &again);
    free(path);
    write_file(s.output, "meta.json", "{\"kind\": ");
    assert_int_equal(embed(&s, 1), LK_EFORMAT);
    failed_with(&s, "meta.json");
    s.options.force = 1;
    assert_int_equal(embed(&s, 1), LK_OK);
    again = result_of(&s);
    same_result(&whole, &again);
    scene_close(&s);
}

static void test_full_disk(void **state)
{
    (void)state;
    struct scene s;
    scene_open(&s, N_IMAGES, "o");
    assert_int_equal(embed(&s, 2), LK_OK);
    struct result whole = result_of(&s);
    empty_output(&s);
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit old, small;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = (struct rlimit){9000, old.rlim_max}; /* enough for the state and about 180 vectors */
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    lk_status status = embed(&s, 2);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(status, LK_EIO);
    failed_with(&s, "which are kept");
    failed_with(&s, "cannot write: File too large");
    assert_int_equal(embed(&s, 2), LK_OK);
    assert_in_range(s.summary.n_resumed, 1, N_IMAGES - 1);
    struct result again = result_of(&s);
    same_result(&whole, &again);
    scene_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resume_anywhere),
        cmocka_unit_test(test_resume_counts),
        cmocka_unit_test(test_backend_failure_keeps_work),
        cmocka_unit_test(test_failure_in_a_group),
        cmocka_unit_test(test_resume_while_finishing),
        cmocka_unit_test(test_damaged_result),
        cmocka_unit_test(test_full_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
