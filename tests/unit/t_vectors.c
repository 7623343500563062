/* SPDX-License-Identifier: Apache-2.0 */
/* t_vectors.c - files of embeddings: names with an array behind them, cancelling, a crash of the HDF5
 * library, temporary files. (The formats themselves, against NumPy and h5py: tests/oracle/vectors.py.) */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "formats/vectors.h"
#include "temp.h"

static lk_error err;

/* A file of the fuzz targets' corpus: NumPy and h5py wrote it. */
static const char *corpus(const char *name)
{
    static char path[4096];
    snprintf(path, sizeof path, "%s/tests/fuzz/corpus/%s", getenv("LIKENESS_SOURCE"), name);
    return path;
}

static void expect_split(const char *path, const char *file, const char *array)
{
    char *got_file, *got_array;
    assert_int_equal(lk_vectors_split(path, &got_file, &got_array, &err), LK_OK);
    assert_string_equal(got_file, file);
    assert_string_equal(got_array, array);
    free(got_file);
    free(got_array);
}

static void test_split(void **state)
{
    (void)state;
    char file[4096], path[4200];
    snprintf(file, sizeof file, "%s", temp_text("a:b.npz", "x"));
    expect_split(file, file, "");
    snprintf(path, sizeof path, "%s:c", file);
    expect_split(path, file, "c");
    snprintf(path, sizeof path, "%s:c:/d", file);
    expect_split(path, file, "c:/d");
    snprintf(path, sizeof path, "%s:", file);
    expect_split(path, file, "");
    expect_split("/nowhere/x.npz:y", "/nowhere/x.npz:y", "");
    snprintf(path, sizeof path, "%s:y", temp_dir("folder"));
    expect_split(path, path, "");
}

static lk_ctx *make_ctx(void)
{
    lk_ctx *ctx;
    lk_ctx_options options;
    lk_ctx_options_init(&options);
    assert_int_equal(lk_ctx_new(&ctx, &options, &err), LK_OK);
    return ctx;
}

static const char *make_fvecs(void)
{
    return temp_file("two.fvecs", "\2\0\0\0\0\0\200?\0\0\0\0\2\0\0\0\0\0\0\0\0\0\200?", 24);
}

static void test_cancelled(void **state)
{
    (void)state;
    const char *const files[] = {"npz/deflated", "npz/fortran", "npy/f8-1", "hdf5/packed",
                                 "json_vectors/lines"};
    lk_ctx *ctx = make_ctx();
    struct lk_vectors v;
    assert_int_equal(lk_vectors_open(&v, ctx, make_fvecs(), "", &err), LK_OK);
    assert_int_equal(v.matrix.rows, 2);
    assert_true(v.matrix.data[0] == 1 && v.matrix.data[1] == 0 && v.matrix.data[2] == 0 &&
                v.matrix.data[3] == 1);
    lk_vectors_close(&v);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        if (lk_vectors_open(&v, ctx, corpus(files[i]), "", &err) != LK_OK)
            fail_msg("%s", err.text);
        lk_vectors_close(&v);
    }
    lk_ctx_cancel(ctx);
    assert_int_equal(lk_vectors_open(&v, ctx, make_fvecs(), "", &err), LK_ECANCELED);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        assert_int_equal(lk_vectors_open(&v, ctx, corpus(files[i]), "", &err), LK_ECANCELED);
    lk_ctx_free(ctx);
}

/* The child follows a wild pointer, as the HDF5 library may on a damaged file. */
static void test_crash(void **state)
{
    (void)state;
    lk_ctx *ctx = make_ctx();
    struct lk_vectors v = {.array = NULL};
    assert_int_equal(lk_hdf5_read(corpus("hdf5/plain"), (const char *)(uintptr_t)1, ctx, &v, &err),
                     LK_EFORMAT);
    assert_non_null(strstr(err.text, "the HDF5 library crashed on it"));
    assert_int_equal(lk_hdf5_read(corpus("hdf5/plain"), "x", ctx, &v, &err), LK_OK);
    assert_string_equal(v.array, "x");
    lk_vectors_close(&v);
    lk_ctx_free(ctx);
}

static int count_files(const char *dir)
{
    int n = 0;
    DIR *d = opendir(dir);
    assert_non_null(d);
    while (readdir(d) != NULL)
        n++;
    closedir(d);
    return n;
}

static void test_scratch(void **state)
{
    (void)state;
    char *before = getenv("TMPDIR") != NULL ? strdup(getenv("TMPDIR")) : NULL;
    const char *dir = temp_dir("scratch");
    struct lk_vectors v;
    setenv("TMPDIR", dir, 1);
    int empty = count_files(dir);
    assert_int_equal(lk_vectors_open(&v, NULL, corpus("npy/f8-1"), "", &err), LK_OK);
    assert_int_equal(count_files(dir), empty); /* in use, and without a name */
    lk_vectors_close(&v);
    setenv("TMPDIR", "/nowhere", 1);
    assert_int_equal(lk_vectors_open(&v, NULL, corpus("npy/f8-1"), "", &err), LK_EIO);
    assert_non_null(strstr(err.text, "/nowhere: cannot make a temporary file there (set TMPDIR"));
    if (before != NULL)
        setenv("TMPDIR", before, 1);
    else
        unsetenv("TMPDIR");
    free(before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_split),
        cmocka_unit_test(test_cancelled),
        cmocka_unit_test(test_crash),
        cmocka_unit_test(test_scratch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
