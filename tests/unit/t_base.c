/* SPDX-License-Identifier: Apache-2.0 */
/* t_base.c - the base layer: errors, memory, files, hashes, random numbers, threads. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fs.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/pool.h"
#include "base/rng.h"
#include "skip.h"

static char *make_temp_dir(void)
{
    static char dir[] = "/tmp/likeness-test-XXXXXX";
    memcpy(dir + sizeof dir - 7, "XXXXXX", 6);
    assert_non_null(mkdtemp(dir));
    return dir;
}

static void test_error_text(void **state)
{
    (void)state;
    lk_error err;
    assert_int_equal(lk_fail(&err, LK_EFORMAT, "%s: bad\nname", "a\x01"), LK_EFORMAT);
    assert_string_equal(err.text, "a?: bad?name");
    errno = ENOSPC;
    assert_int_equal(lk_fail_sys(&err, LK_EIO, "out.csv"), LK_EIO);
    assert_string_equal(err.text, "out.csv: No space left on device");
    lk_error_prefix(&err, "row %d", 7);
    assert_string_equal(err.text, "row 7: out.csv: No space left on device");
    assert_string_equal(lk_status_name(LK_ECANCELED), "ECANCELED");
    assert_int_equal(lk_fail(NULL, LK_EIO, "nobody listens"), LK_EIO);
}

static void test_mem(void **state)
{
    (void)state;
    lk_error err;
    assert_null(lk_calloc(SIZE_MAX / 2, 3, &err));
    assert_int_equal(err.code, LK_ENOMEM);
    void *empty = lk_calloc(0, 8, &err);
    assert_non_null(empty);
    free(empty);
    void *aligned = lk_alloc_aligned(3, 5, &err);
    assert_int_equal((uintptr_t)aligned % 64, 0);
    free(aligned);
    struct lk_str s = LK_STR_INIT;
    for (int i = 0; i < 1000; i++)
        assert_int_equal(lk_str_addf(&s, &err, "%d,", i), LK_OK);
    assert_int_equal(s.len, 10 * 2 + 90 * 3 + 900 * 4);
    assert_int_equal(strlen(s.text), s.len);
    lk_str_free(&s);
}

static void test_files(void **state)
{
    (void)state;
    lk_error err;
    char *dir = make_temp_dir();
    char *deep = lk_path_join(dir, "a/b/c", &err), *file = lk_path_join(deep, "x", &err);
    assert_int_equal(lk_mkdirs(deep, &err), LK_OK);
    assert_int_equal(lk_mkdirs(deep, &err), LK_OK);
    assert_int_equal(lk_file_write(file, "hello", 5, &err), LK_OK);
    struct stat st;
    assert_int_equal(stat(file, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    uint8_t *bytes;
    size_t len;
    assert_int_equal(lk_file_read(file, 100, &bytes, &len, &err), LK_OK);
    assert_int_equal(len, 5);
    assert_string_equal((char *)bytes, "hello");
    free(bytes);
    assert_int_equal(lk_file_read(file, 4, &bytes, &len, &err), LK_EFORMAT);
    assert_int_equal(lk_file_read(deep, 4, &bytes, &len, &err), LK_EFORMAT);
    assert_non_null(strstr(err.text, "found a folder"));

    char *below = lk_path_join(file, "d", &err), *missing = lk_path_join(dir, "none/x", &err);
    assert_int_equal(lk_mkdirs(below, &err), LK_EIO);
    assert_non_null(strstr(err.text, "x: cannot make this folder: a file has its name"));

    struct lk_out out;
    assert_int_equal(lk_out_open(&out, deep, &err), LK_EIO);
    assert_non_null(strstr(err.text, "c: found a folder, expected the name of a file"));
    assert_int_equal(lk_out_open(&out, missing, &err), LK_EIO);
    assert_non_null(strstr(err.text, "none/x.tmp: cannot write: the folder for it does not exist"));
    free(below);
    free(missing);
    assert_int_equal(lk_out_open(&out, file, &err), LK_OK);
    fputs("half", out.stream);
    lk_out_abandon(&out);
    assert_int_equal(lk_file_read(file, 100, &bytes, &len, &err), LK_OK);
    assert_string_equal((char *)bytes, "hello"); /* an abandoned write changes nothing */
    free(bytes);

    struct lk_out second;
    assert_int_equal(lk_out_open(&out, file, &err), LK_OK);
    fputs("first", out.stream);
    assert_int_equal(lk_out_open(&second, file, &err), LK_EBUSY); /* two writers would spoil the file */
    assert_non_null(strstr(err.text, "another run"));
    lk_out_abandon(&second);
    assert_int_equal(lk_out_commit(&out, &err), LK_OK);
    assert_int_equal(lk_file_read(file, 100, &bytes, &len, &err), LK_OK);
    assert_string_equal((char *)bytes, "first");
    free(bytes);
    free(file);
    free(deep);
}

/* What is no regular file is refused before it is opened: with a FIFO, that would wait for a writer. */
static void test_special_files(void **state)
{
    (void)state;
    lk_error err;
    char *dir = make_temp_dir(), hex[65];
    char *fifo = lk_path_join(dir, "pipe", &err), *near = lk_path_join(dir, "link", &err);
    char *tmp = lk_path_join(dir, "out.tmp", &err), *out_path = lk_path_join(dir, "out", &err);
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    snprintf(name.sun_path, sizeof name.sun_path, "%s/socket", dir);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    assert_int_equal(symlink("pipe", near), 0);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&name, sizeof name), 0);
    const struct {
        const char *path, *found;
    } cases[] = {{fifo, "found a FIFO"},
                 {near, "found a FIFO"},
                 {name.sun_path, "found a socket"},
                 {"/dev/null", "found a device"},
                 {dir, "found a folder"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t *bytes;
        size_t len;
        struct lk_map map;
        struct lk_pieces pieces;
        FILE *stream;
        assert_int_equal(lk_file_read(cases[i].path, 9, &bytes, &len, &err), LK_EFORMAT);
        assert_non_null(strstr(err.text, cases[i].found));
        assert_int_equal(lk_map_open(&map, cases[i].path, &err), LK_EFORMAT);
        assert_int_equal(lk_pieces_open(&pieces, cases[i].path, &err), LK_EFORMAT);
        assert_int_equal(lk_stream_open(&stream, cases[i].path, &err), LK_EFORMAT);
        assert_int_equal(lk_hash_file(cases[i].path, hex, &err), LK_EFORMAT);
        assert_non_null(strstr(err.text, cases[i].found));
    }
    struct lk_out out;
    assert_int_equal(mkfifo(tmp, 0600), 0); /* nobody reads it */
    assert_int_equal(lk_out_open(&out, out_path, &err), LK_EIO);
    assert_non_null(strstr(err.text, "out.tmp: cannot write"));
    close(fd);
    free(fifo);
    free(near);
    free(tmp);
    free(out_path);
}

static void test_full_disk(void **state)
{
    (void)state;
    if (!lk_path_exists("/dev/full"))
        SKIP_TEST("there is no /dev/full");
    lk_error err;
    char *dir = make_temp_dir();
    char *path = lk_path_join(dir, "full", &err), *tmp = lk_path_join(dir, "full.tmp", &err);
    assert_int_equal(symlink("/dev/full", tmp), 0);
    assert_int_equal(lk_file_write(path, "x", 1, &err), LK_EIO);
    assert_non_null(strstr(err.text, "No space left"));
    assert_false(lk_path_exists(path));
    free(path);
    free(tmp);
}

static void test_lock(void **state)
{
    (void)state;
    lk_error err;
    char *dir = make_temp_dir();
    int first = -1, second = -1;
    assert_int_equal(lk_lock_take(&first, dir, &err), LK_OK);
    assert_int_equal(lk_lock_take(&second, dir, &err), LK_EBUSY);
    lk_lock_release(first);
    assert_int_equal(lk_lock_take(&second, dir, &err), LK_OK);
    lk_lock_release(second);
}

static void test_hash(void **state)
{
    (void)state;
    lk_error err;
    char hex[65];
    assert_int_equal(lk_hash_bytes("abc", 3, hex, &err), LK_OK);
    assert_string_equal(hex,
                        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"); /* FIPS 180-4 */
}

static void test_rng(void **state)
{
    (void)state;
    struct lk_rng rng = lk_rng_seed(1234567);
    assert_true(lk_rng_next(&rng) == 6457827717110365317u); /* published test vector of SplitMix64 */
    assert_true(lk_rng_next(&rng) == 3203168211198807973u);
    uint64_t seen[7] = {0};
    for (int i = 0; i < 70000; i++)
        seen[lk_rng_below(&rng, 7)]++;
    for (int i = 0; i < 7; i++)
        assert_in_range(seen[i], 9500, 10500);
}

/* ---- threads -------------------------------------------------------------------------------------- */

struct counting {
    lk_ctx *ctx;
    size_t next, fail_at, cancel_at;
    int touched[1000];
};

static lk_status touch(void *arg, size_t index, int worker, lk_error *err)
{
    struct counting *c = arg;
    (void)worker;
    c->touched[index]++;
    LK_NEED(index < c->fail_at, err, LK_EFORMAT, "item %zu", index);
    return LK_OK;
}

static lk_status fill(void *arg, size_t index, int worker, void *slot, lk_error *err)
{
    struct counting *c = arg;
    (void)worker;
    if (index % 7 == 0)
        usleep(200); /* let others overtake */
    LK_NEED(index != c->fail_at, err, LK_EFORMAT, "item %zu", index);
    *(size_t *)slot = index * 3;
    return LK_OK;
}

static lk_status sink(void *arg, size_t index, void *slot, lk_error *err)
{
    struct counting *c = arg;
    (void)err;
    assert_int_equal(index, c->next);
    assert_int_equal(*(size_t *)slot, index * 3);
    c->next++;
    if (index == c->cancel_at)
        lk_ctx_cancel(c->ctx);
    return LK_OK;
}

static void test_pool(void **state)
{
    (void)state;
    lk_error err;
    for (int threads = 1; threads <= 7; threads += 3) {
        lk_ctx_options options;
        lk_ctx_options_init(&options);
        options.threads = threads;
        lk_ctx *ctx;
        assert_int_equal(lk_ctx_new(&ctx, &options, &err), LK_OK);
        size_t slots[5];

        struct counting c = {.ctx = ctx, .fail_at = 2000, .cancel_at = 2000};
        assert_int_equal(lk_pool_for(ctx, 1000, touch, &c, &err), LK_OK);
        for (int i = 0; i < 1000; i++)
            assert_int_equal(c.touched[i], 1);
        assert_int_equal(lk_pool_for(ctx, 0, touch, &c, &err), LK_OK);

        assert_int_equal(lk_pool_ordered(ctx, 0, 1000, slots, sizeof *slots, 5, fill, sink, &c, &err), LK_OK);
        assert_int_equal(c.next, 1000);

        c = (struct counting){.ctx = ctx, .next = 10, .fail_at = 500, .cancel_at = 2000};
        assert_int_equal(lk_pool_ordered(ctx, 10, 1000, slots, sizeof *slots, 5, fill, sink, &c, &err),
                         LK_EFORMAT);
        assert_string_equal(err.text, "item 500");
        assert_int_equal(c.next, 500); /* everything before the failure was kept */
        assert_int_equal(lk_pool_for(ctx, 1000, touch, &c, &err), LK_EFORMAT);
        assert_string_equal(err.text, "item 500");

        c = (struct counting){.ctx = ctx, .fail_at = 2000, .cancel_at = 600};
        assert_int_equal(lk_pool_ordered(ctx, 0, 1000, slots, sizeof *slots, 5, fill, sink, &c, &err),
                         LK_ECANCELED);
        assert_in_range(c.next, 601, 607);
        lk_ctx_free(ctx);
    }
}

static void test_score(void **state)
{
    (void)state;
    /* In float32 the small products would vanish beside the large one; in double they are kept. */
    const float a[] = {1.0f, 0x1p-13f, 0x1p-13f, -1.0f};
    const float b[] = {1.0f, 0x1p-13f, 0x1p-13f, 1.0f};
    assert_true(lk_score(a, b, 4) == 0x1p-25f);
    /* The products themselves are not rounded to float32: (1 + 2^-23)^2 = 1 + 2^-22 + 2^-46. */
    const float c[] = {1.0f + 0x1p-23f, -(1.0f + 0x1p-22f)};
    const float d[] = {1.0f + 0x1p-23f, 1.0f};
    assert_true(lk_score(c, d, 2) == 0x1p-46f);
    assert_true(lk_score(a, b, 0) == 0.0f);
    /* A negative sum too small for float32 is +0, so that equal scores look equal. */
    const float tiny = 0x1p-100f, minus_tiny = -0x1p-100f;
    assert_false(signbit(lk_score(&tiny, &minus_tiny, 1)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_error_text),    cmocka_unit_test(test_mem),
        cmocka_unit_test(test_score),         cmocka_unit_test(test_files),
        cmocka_unit_test(test_special_files), cmocka_unit_test(test_full_disk),
        cmocka_unit_test(test_lock),          cmocka_unit_test(test_hash),
        cmocka_unit_test(test_rng),           cmocka_unit_test(test_pool),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
