/* SPDX-License-Identifier: Apache-2.0 */
/* t_duplicates_job.c - the duplicates job over made pictures: what it finds, threads, going on, refusals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>

#include <cmocka.h>

#include "base/fs.h"
#include "base/rng.h"
#include "temp.h"
#include "vision/distort.h"

enum { N_PEOPLE = 12, SIDE = 112 };

static lk_error err;
static const char *input;

/* 16 coloured fields, blurred: different for each seed. */
static struct lk_image picture(uint64_t seed)
{
    struct lk_rng rng = lk_rng_seed(seed);
    struct lk_image fields = {0}, soft = {0};
    assert_int_equal(lk_image_new(&fields, SIDE, SIDE, &err), LK_OK);
    uint8_t colours[64][3];
    for (int i = 0; i < 64; i++)
        for (int c = 0; c < 3; c++)
            colours[i][c] = (uint8_t)(20 + lk_rng_below(&rng, 215));
    for (int i = 0; i < SIDE * SIDE; i++)
        memcpy(fields.rgb + 3 * i, colours[i / SIDE / 14 * 8 + i % SIDE / 14], 3);
    assert_int_equal(lk_distort_blur(&fields, 2, &soft, &err), LK_OK);
    lk_image_free(&fields);
    return soft;
}

static void save(const char *name, const struct lk_image *image, int quality)
{
    uint8_t *bytes;
    size_t len;
    assert_int_equal(lk_image_encode_jpeg(image, quality, &bytes, &len, &err), LK_OK);
    temp_file(name, bytes, len);
    free(bytes);
}

/* set/pNN/: a.jpg, and by the number of the person: b.jpg = the same bytes, encoded again, scaled, mirrored,
 * or another picture. */
static void make_set(void)
{
    input = temp_dir("set");
    for (int i = 0; i < N_PEOPLE; i++) {
        char dir[40], a[60], b[60];
        snprintf(dir, sizeof dir, "set/p%02d", i);
        snprintf(a, sizeof a, "%s/a.jpg", dir);
        snprintf(b, sizeof b, "%s/b.jpg", dir);
        temp_dir(dir);
        struct lk_image image = picture((uint64_t)i), other = {0};
        save(a, &image, 95);
        const struct lk_rect whole = {0, 0, SIDE, SIDE};
        switch (i % 5) {
        case 0:
            save(b, &image, 95);
            break;
        case 1:
            save(b, &image, 40);
            break;
        case 2:
            assert_int_equal(lk_distort_crop(&image, &whole, 70, 70, &other, &err), LK_OK);
            break;
        case 3:
            assert_int_equal(lk_distort_flip(&image, &other, &err), LK_OK);
            break;
        case 4:
            other = picture((uint64_t)i + 1000);
            break;
        }
        if (other.rgb != NULL)
            save(b, &other, 90);
        lk_image_free(&image);
        lk_image_free(&other);
    }
    temp_text("set/p00/broken.jpg", "no picture");
}

struct watch {
    lk_ctx *ctx;
    uint64_t cancel_at; /* images; 0 = never */
    char said[2000];
};

static void on_progress(void *user, const lk_progress *progress)
{
    struct watch *watch = user;
    if (watch->cancel_at > 0 && progress->done >= watch->cancel_at)
        lk_ctx_cancel(watch->ctx);
}

static void on_message(void *user, lk_level level, const char *text)
{
    (void)level;
    struct watch *watch = user;
    size_t len = strlen(watch->said);
    snprintf(watch->said + len, sizeof watch->said - len, "%s\n", text);
}

static lk_status run(int threads, const char *output, struct watch *watch, lk_duplicates_summary *sum)
{
    lk_ctx_options ctx_options;
    lk_ctx_options_init(&ctx_options);
    ctx_options.threads = threads;
    ctx_options.progress = on_progress;
    ctx_options.message = on_message;
    ctx_options.user = watch;
    assert_int_equal(lk_ctx_new(&watch->ctx, &ctx_options, &err), LK_OK);
    lk_duplicates_options options;
    lk_duplicates_options_init(&options);
    options.inputs = &input;
    options.n_inputs = 1;
    options.output = output;
    lk_status status = lk_duplicates(watch->ctx, &options, sum, &err);
    lk_ctx_free(watch->ctx);
    return status;
}

static char *text_of(const char *path)
{
    uint8_t *bytes;
    size_t len;
    assert_int_equal(lk_file_read(path, 1 << 20, &bytes, &len, &err), LK_OK);
    return (char *)bytes;
}

static void test_finds(void **state)
{
    (void)state;
    struct watch watch = {0};
    lk_duplicates_summary sum;
    const char *output = temp_path("one.csv");
    assert_int_equal(run(1, output, &watch, &sum), LK_OK);
    assert_int_equal(sum.n_images, 2 * N_PEOPLE + 1);
    assert_int_equal(sum.n_identities, N_PEOPLE);
    assert_int_equal(sum.n_unreadable, 1);
    assert_int_equal(sum.n_exact, 3);    /* 0 5 10 */
    assert_int_equal(sum.n_near, 3 + 2); /* 1 6 11, 2 7 */
    assert_int_equal(sum.n_mirrored, 2); /* 3 8 */
    assert_int_equal(sum.n_groups, 10);
    assert_int_equal(sum.n_across, 0);
    assert_non_null(strstr(watch.said, "broken.jpg: "));
    assert_false(lk_path_exists(temp_path("one.csv.part")));
    char *text = text_of(output), want[9000];
    snprintf(want, sizeof want,
             "group,kind,path,identity,keep,similarity,reason\n"
             "1,,%s/p00/a.jpg,p00,yes,1.0000,\n"
             "1,exact,%s/p00/b.jpg,p00,no,1.0000,exact duplicate of %s/p00/a.jpg\n"
             "2,,%s/p01/a.jpg,p01,yes,1.0000,\n"
             "2,near,%s/p01/b.jpg,p01,no,0.",
             input, input, input, input, input);
    if (strncmp(text, want, strlen(want)) != 0)
        fail_msg("starts with '%.600s', expected '%s'", text, want);
    assert_non_null(strstr(text, "\n4,mirrored,"));
    free(text);
}

static void test_threads_and_going_on(void **state)
{
    (void)state;
    lk_duplicates_summary sum;
    char *one = text_of(temp_path("one.csv"));
    for (int threads = 2; threads <= 7; threads += 5) {
        struct watch watch = {0};
        const char *output = temp_path("many.csv");
        assert_int_equal(run(threads, output, &watch, &sum), LK_OK);
        char *many = text_of(output);
        assert_string_equal(many, one);
        free(many);
    }
    struct watch watch = {.cancel_at = 1};
    const char *output = temp_path("stopped.csv");
    assert_int_equal(run(1, output, &watch, &sum), LK_ECANCELED);
    assert_non_null(strstr(err.text, "run the same command again"));
    assert_false(lk_path_exists(output));
    assert_true(lk_path_exists(temp_path("stopped.csv.part")));
    FILE *part = fopen(temp_path("stopped.csv.part"), "ab"); /* ended in the middle of a record */
    fputs("half a record", part);
    fclose(part);
    watch.cancel_at = 0;
    assert_int_equal(run(2, output, &watch, &sum), LK_OK);
    assert_true(sum.n_resumed > 0);
    assert_int_equal(sum.n_unreadable, 1);
    char *resumed = text_of(output);
    assert_string_equal(resumed, one);
    free(resumed);
    free(one);
}

static void test_other_pictures_start_over(void **state)
{
    (void)state;
    struct watch watch = {.cancel_at = 1};
    lk_duplicates_summary sum;
    const char *output = temp_path("changed.csv");
    assert_int_equal(run(1, output, &watch, &sum), LK_ECANCELED);
    struct lk_image image = picture(4);
    save("set/p11/c.jpg", &image, 95); /* the bytes of p04/a.jpg */
    lk_image_free(&image);
    watch.cancel_at = 0;
    assert_int_equal(run(1, output, &watch, &sum), LK_OK);
    assert_int_equal(sum.n_resumed, 0);
    assert_int_equal(sum.n_exact, 4);
    assert_int_equal(sum.n_across, 1);
    remove(temp_path("set/p11/c.jpg"));
}

static void test_refusals(void **state)
{
    (void)state;
    struct watch watch = {0};
    lk_duplicates_summary sum;
    assert_int_equal(run(1, temp_path("nowhere/x.csv"), &watch, &sum), LK_EIO);
    assert_non_null(strstr(err.text, "nowhere/x.csv.part"));
    FILE *part = fopen(temp_path("busy.csv.part"), "wb");
    assert_int_equal(flock(fileno(part), LOCK_EX), 0);
    assert_int_equal(run(1, temp_path("busy.csv"), &watch, &sum), LK_EBUSY);
    fclose(part);
    assert_int_equal(run(1, temp_path("busy.csv"), &watch, &sum), LK_OK);
}

int main(void)
{
    make_set();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_finds),
        cmocka_unit_test(test_threads_and_going_on),
        cmocka_unit_test(test_other_pictures_start_over),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
