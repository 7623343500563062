/* SPDX-License-Identifier: Apache-2.0 */
/* t_search_restart.c - the exact search cancelled, killed or left damaged work: it takes up what is whole and
 * says what is not. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fs.h"
#include "slow_search.h"
#include "temp.h"

/* One run that is stopped after `at` pairs; gives its status. */
static lk_status run_until(const struct lk_search_options *o, int threads, uint64_t at,
                           struct stopper *stopper, struct lk_search_result *result)
{
    *stopper = (struct stopper){.at = at};
    return run_search(o, threads, stopper, result);
}

/* The same in a child process that kills itself instead. */
static void kill_after(const struct lk_search_options *o, int threads, uint64_t at)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct stopper stopper = {.at = at, .kills = true};
        struct lk_search_result result;
        run_search(o, threads, &stopper, &result);
        _exit(1);
    }
    int how;
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFSIGNALED(how) && WTERMSIG(how) == SIGKILL);
}

static void flip_byte(const char *dir, const char *name, long at)
{
    char *path = lk_path_join(dir, name, NULL);
    FILE *f = fopen(path, "r+b");
    assert_non_null(f);
    fseek(f, at, SEEK_SET);
    int c = fgetc(f);
    fseek(f, at, SEEK_SET);
    fputc(c ^ 1, f);
    fclose(f);
    free(path);
}

static void test_restart(void **state)
{
    (void)state;
    const char *dir = temp_dir("restart");
    struct made made = make(RANDOM, 64, 48, 200, 100, 40);
    made.options.work_dir = dir;
    made.options.inputs = "one";
    made.options.min_score = 0.1;
    made.options.save_seconds = 1e-9;
    made.options.block = 16;
    uint64_t all = 48 * 300;
    struct stopper stopper;
    struct lk_search_result result;
    /* Stopped again and again, each time with other threads and blocks, until it comes to its end. */
    uint64_t resumed = 0;
    int runs = 0;
    for (lk_status status = LK_ECANCELED; status == LK_ECANCELED; runs++) {
        made.options.block = 8 + (uint64_t)runs % 3 * 8;
        status = run_until(&made.options, 1 + runs % 3, runs > 20 ? UINT64_MAX : resumed + all / 3, &stopper,
                           &result);
        assert_int_equal(stopper.warnings, 0);
        assert_true(stopper.resumed >= resumed);
        resumed = stopper.resumed;
        if (status == LK_OK) {
            check_result(&made.options, &result);
            lk_search_free(&result);
        } else
            assert_int_equal(status, LK_ECANCELED);
    }
    assert_true(runs > 2);
    assert_true(resumed > 0);
    lk_search_forget(dir);

    /* Unfinished work of others, or damaged work, is not taken up, and that is said. */
    static const char *const damages[] = {"none", "inputs", "search.part", "range.part"};
    for (size_t i = 0; i < 4; i++) {
        made.options.inputs = "one";
        assert_int_equal(run_until(&made.options, 1, all / 2, &stopper, &result), LK_ECANCELED);
        if (i == 1)
            made.options.inputs = "two";
        else if (i > 1)
            flip_byte(dir, damages[i], 99);
        assert_int_equal(run_until(&made.options, 2, UINT64_MAX, &stopper, &result), LK_OK);
        assert_int_equal(stopper.warnings, i > 0);
        assert_int_equal(stopper.resumed > 0, i == 0);
        check_result(&made.options, &result);
        lk_search_free(&result);
        lk_search_forget(dir);
    }
    unmake(&made);
}

static void test_kill(void **state)
{
    (void)state;
    const char *dir = temp_dir("kill");
    struct made made = make(TIED, 8, 48, 200, 100, 40);
    made.options.work_dir = dir;
    made.options.min_score = 0.125;
    made.options.save_seconds = 1e-9;
    made.options.block = 8;
    struct stopper stopper;
    struct lk_search_result result;
    kill_after(&made.options, 2, 48 * 300 / 3);
    kill_after(&made.options, 1, 48 * 300 / 3 * 2);
    assert_int_equal(run_until(&made.options, 2, UINT64_MAX, &stopper, &result), LK_OK);
    assert_int_equal(stopper.warnings, 0);
    assert_true(stopper.resumed >= 8 * 300);
    check_result(&made.options, &result);
    lk_search_free(&result);
    lk_search_forget(dir);
    assert_int_equal(rmdir(dir), 0); /* nothing was left lying about */
    unmake(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_restart), cmocka_unit_test(test_kill)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
