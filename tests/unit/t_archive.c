/* SPDX-License-Identifier: Apache-2.0 */
/* t_archive.c - reading an archive in sequence for many: any order, narrow windows, many threads, being
 * stopped; and pictures found again by their path. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/pool.h"
#include "formats/pictures.h"
#include "formats/source_archive.h"
#include "temp.h"

enum { N = 200 };

static lk_error err;

static size_t content(size_t i, char out[64])
{
    return (size_t)snprintf(out, 64, "picture %zu %zu", i, i * i * i);
}

/* N members p/000.png ..., packed by tar. */
static const char *make_archive(void)
{
    static char path[300];
    if (path[0] != '\0')
        return path;
    temp_dir("p");
    for (size_t i = 0; i < N; i++) {
        char name[40], text[64];
        snprintf(name, sizeof name, "p/%03zu.png", i);
        content(i, text);
        temp_text(name, text);
    }
    char command[1000];
    snprintf(path, sizeof path, "%s", temp_path("set.tar.gz"));
    snprintf(command, sizeof command, "tar --sort=name -C '%s' -czf '%s' p", temp_path(""), path);
    assert_int_equal(system(command), 0);
    return path;
}

static void check(struct lk_archive_stream *stream, size_t i)
{
    uint8_t *bytes;
    size_t len;
    char want[64];
    if (lk_archive_stream_read(stream, i, &bytes, &len, &err) != LK_OK)
        fail_msg("%zu: %s", i, err.text);
    assert_int_equal(len, content(i, want));
    assert_memory_equal(bytes, want, len);
    free(bytes);
}

static void open_stream(struct lk_archive_index *index, struct lk_archive_stream **stream, size_t window,
                        const lk_ctx *ctx)
{
    const struct lk_identity_rule rule = {.from = LK_IDENTITY_AUTO};
    const struct lk_archive_input input = {.path = make_archive()};
    struct lk_names names = {0};
    if (lk_archive_list(index, &input, &rule, &names, NULL, &err) != LK_OK)
        fail_msg("%s", err.text);
    assert_int_equal(index->n, N);
    assert_false(index->direct);
    assert_int_equal(lk_archive_stream_new(stream, index, &input, window, ctx, &err), LK_OK);
    lk_names_free(&names);
}

static void test_orders(void **state)
{
    (void)state;
    static const size_t order[] = {5, 3, 4, 4, 0, N - 1, N - 1, 8, 7, 6, 1, 100, 97, 98, 99, 2, N - 1, 0};
    for (size_t window = 1; window <= 4; window++) {
        struct lk_archive_index index;
        struct lk_archive_stream *stream;
        open_stream(&index, &stream, window, NULL);
        for (size_t i = 0; i < sizeof order / sizeof *order; i++)
            check(stream, order[i]);
        lk_archive_stream_free(stream);
        lk_archive_index_free(&index);
    }
}

static lk_status read_item(void *arg, size_t i, int worker, lk_error *error)
{
    (void)worker, (void)error;
    check(arg, i * 7 % N);
    check(arg, i);
    return LK_OK;
}

static void test_threads(void **state)
{
    (void)state;
    lk_ctx_options options;
    lk_ctx_options_init(&options);
    options.threads = 8;
    lk_ctx *ctx;
    assert_int_equal(lk_ctx_new(&ctx, &options, &err), LK_OK);
    struct lk_archive_index index;
    struct lk_archive_stream *stream;
    open_stream(&index, &stream, 16, ctx);
    assert_int_equal(lk_pool_for(ctx, N, read_item, stream, &err), LK_OK);
    lk_archive_stream_free(stream);
    lk_archive_index_free(&index);
    lk_ctx_free(ctx);
}

/* Whoever is stopped on the way to a picture leaves a stream that works for the next. */
static void test_stopped(void **state)
{
    (void)state;
    lk_ctx_options options;
    lk_ctx_options_init(&options);
    lk_ctx *ctx;
    assert_int_equal(lk_ctx_new(&ctx, &options, &err), LK_OK);
    struct lk_archive_index index;
    struct lk_archive_stream *stream;
    open_stream(&index, &stream, 4, ctx);
    check(stream, 3);
    lk_ctx_cancel(ctx);
    uint8_t *bytes;
    size_t len;
    assert_int_equal(lk_archive_stream_read(stream, 100, &bytes, &len, &err), LK_ECANCELED);
    assert_int_equal(lk_archive_stream_read(stream, 100, &bytes, &len, &err), LK_ECANCELED);
    lk_archive_stream_free(stream);
    lk_archive_index_free(&index);
    const struct lk_identity_rule rule = {.from = LK_IDENTITY_AUTO};
    const struct lk_archive_input input = {.path = make_archive()};
    struct lk_names names = {0};
    assert_int_equal(lk_archive_list(&index, &input, &rule, &names, ctx, &err), LK_ECANCELED);
    lk_names_free(&names);
    lk_ctx_free(ctx);
}

static void find(struct lk_pictures *pictures, const char *name, lk_status status, const char *what)
{
    struct lk_picture_place place;
    uint8_t *bytes;
    size_t len;
    const char *path = temp_path(name);
    lk_status got = lk_pictures_find(pictures, path, NULL, &place, &err);
    if (got == LK_OK)
        got = lk_pictures_read(pictures, path, &place, &bytes, &len, &err);
    if (got != status)
        fail_msg("%s: %s", name, got != LK_OK ? err.text : "found");
    if (status != LK_OK) {
        if (strstr(err.text, what) == NULL)
            fail_msg("'%s' does not say '%s'", err.text, what);
        return;
    }
    assert_int_equal(len, strlen(what));
    assert_memory_equal(bytes, what, len);
    free(bytes);
}

static void test_pictures(void **state)
{
    (void)state;
    char seven[64];
    content(7, seven);
    make_archive();
    struct lk_pictures *pictures;
    assert_int_equal(lk_pictures_new(&pictures, NULL, &err), LK_OK);
    find(pictures, "p/007.png", LK_OK, seven);
    find(pictures, "set.tar.gz!/p/007.png", LK_OK, seven);
    find(pictures, "set.tar.gz!/p/777.png", LK_EFORMAT, "p/777.png: not in this zip or tar archive");
    find(pictures, "gone.tar!/p/007.png", LK_EIO, "gone.tar!/p/007.png: no such file");
    find(pictures, "p/777.png", LK_EIO, "p/777.png: no such file");
    temp_text("bad.tar", "no archive");
    find(pictures, "bad.tar!/x.png", LK_EFORMAT, "bad.tar");
    find(pictures, "bad.tar!/y.png", LK_EFORMAT, "bad.tar");
    /* names that hold the joint themselves: a real file comes first, then the longest way to a container */
    temp_dir("set.tar.gz!");
    temp_dir("set.tar.gz!/p");
    temp_text("set.tar.gz!/p/007.png", "a file of this name");
    find(pictures, "set.tar.gz!/p/007.png", LK_OK, "a file of this name");
    char command[1000];
    snprintf(command, sizeof command, "cp '%s' '%s'", make_archive(), temp_path("set.tar.gz!/in.tgz"));
    assert_int_equal(system(command), 0);
    find(pictures, "set.tar.gz!/in.tgz!/p/007.png", LK_OK, seven);
    lk_pictures_free(pictures);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_orders),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_stopped),
        cmocka_unit_test(test_pictures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
