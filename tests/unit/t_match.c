/* SPDX-License-Identifier: Apache-2.0 */
/* t_match.c - lk_match: what is refused and how it is said, up to date, forced, stopped and run again. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/fs.h"
#include "base/hash.h"
#include "base/rng.h"
#include "formats/npy.h"
#include "temp.h"

static lk_error err;

/* ---- made files ----------------------------------------------------------------------------------- */

static const char *make_npy(const char *name, uint64_t rows, uint64_t dim, uint64_t seed)
{
    const char *path = temp_path(name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(lk_npy_write_header(f, rows, dim, &err), LK_OK);
    struct lk_rng rng = lk_rng_seed(seed);
    for (uint64_t i = 0; i < rows * dim; i++) {
        float x = (float)(lk_rng_unit(&rng) - 0.5);
        fwrite(&x, sizeof x, 1, f);
    }
    assert_int_equal(fclose(f), 0);
    return path;
}

static void set_number(const char *path, uint64_t index, float value)
{
    FILE *f = fopen(path, "r+b");
    assert_non_null(f);
    fseek(f, (long)(LK_NPY_HEADER_BYTES + index * sizeof value), SEEK_SET);
    fwrite(&value, sizeof value, 1, f);
    assert_int_equal(fclose(f), 0);
}

/* A FACES folder of 4 rows, 2 persons and one row without, made by a model of the given hash. */
static const char *make_faces(const char *name, const char *model_sha256)
{
    const char *dir = temp_dir(name);
    char part[300], text[2000];
    snprintf(part, sizeof part, "%s/embeddings.npy", name);
    make_npy(part, 4, 8, 5);
    snprintf(part, sizeof part, "%s/images.csv", name);
    snprintf(text, sizeof text,
             "row,path,identity,status,faces,width,height,box_x,box_y,box_w,box_h,detector_score,left_eye_x,"
             "left_eye_y,right_eye_x,right_eye_y,nose_x,nose_y,mouth_left_x,mouth_left_y,mouth_right_x,mouth_"
             "right_y,mouth_x,"
             "mouth_y,feature_norm,message\n"
             "0,b/1.jpg,b,ok,1,9,9,0,0,9,9,,,,,,,,,,,,,,1,\n,x/1.jpg,x,no_face,0,9,9,,,,,,,,,,,,,,,,,,,\n"
             "1,a/1.jpg,a,ok,1,9,9,0,0,9,9,,,,,,,,,,,,,,1,\n2,free.jpg,,ok,1,9,9,0,0,9,9,,,,,,,,,,,,,,1,\n"
             "3,b/2.jpg,b,ok,1,9,9,0,0,9,9,,,,,,,,,,,,,,1,\n");
    temp_text(part, text);
    snprintf(part, sizeof part, "%s/meta.json", name);
    snprintf(text, sizeof text,
             "{\"kind\": \"faces\", \"format\": 1, \"working_directory\": \"/\", \"model\": {\"name\": "
             "\"net-%.3s\", "
             "\"sha256\": \"%s\", \"dim\": 8}}",
             model_sha256, model_sha256);
    temp_text(part, text);
    return dir;
}

struct told {
    char text[4000];
    lk_ctx *ctx;
    bool stop;
};

static void tell(void *user, lk_level level, const char *text)
{
    struct told *told = user;
    (void)level;
    strncat(told->text, text, sizeof told->text - strlen(told->text) - 2);
}

static void stop(void *user, const lk_progress *progress)
{
    struct told *told = user;
    (void)progress;
    if (told->stop)
        lk_ctx_cancel(told->ctx);
}

static lk_status match(const lk_match_options *options, struct told *told, lk_match_summary *summary)
{
    lk_ctx_options o;
    lk_ctx_options_init(&o);
    o.threads = 2;
    o.message = tell;
    o.progress = stop;
    o.user = told;
    told->text[0] = '\0';
    assert_int_equal(lk_ctx_new(&told->ctx, &o, &err), LK_OK);
    lk_status status = lk_match(told->ctx, options, summary, &err);
    lk_ctx_free(told->ctx);
    return status;
}

static lk_match_options ask(const char *probes, const char *references, const char *output)
{
    lk_match_options o;
    lk_match_options_init(&o);
    o.probes = probes;
    o.references = references;
    o.output = output;
    return o;
}

static void expect_refused(const lk_match_options *o, lk_status status, const char *first, const char *second)
{
    struct told told = {.stop = false};
    lk_match_summary summary;
    assert_int_equal(match(o, &told, &summary), status);
    if (strstr(err.text, first) == NULL || strstr(err.text, second) == NULL)
        fail_msg("'%s' lacks '%s' or '%s'", err.text, first, second);
}

static void hash_of(const char *dir, const char *name, char hex[65])
{
    char *path = lk_path_join(dir, name, &err);
    assert_int_equal(lk_hash_file(path, hex, &err), LK_OK);
    free(path);
}

static bool exists(const char *dir, const char *name)
{
    char *path = lk_path_join(dir, name, &err);
    bool there = lk_path_exists(path);
    free(path);
    return there;
}

/* ---- tests ---------------------------------------------------------------------------------------- */

static void test_refused_inputs(void **state)
{
    (void)state;
    const char *out = temp_path("refused"), *a = make_npy("a8.npy", 3, 8, 1),
               *b = make_npy("b9.npy", 3, 9, 1);
    const char *none = make_npy("none.npy", 0, 8, 1), *zero = make_npy("zero.npy", 1, 1, 1);
    set_number(zero, 0, 0);
    lk_match_options o = ask(a, b, out);
    expect_refused(&o, LK_EINVAL, "a8.npy has vectors of 8", "b9.npy of 9");
    o = ask(none, a, out);
    expect_refused(&o, LK_EFORMAT, "none.npy", "no embeddings");
    o = ask(a, none, out);
    expect_refused(&o, LK_EFORMAT, "none.npy", "no embeddings");
    o = ask(a, a, out);
    o.holdout = none;
    expect_refused(&o, LK_EFORMAT, "none.npy", "no embeddings");
    o = ask(zero, zero, out);
    expect_refused(&o, LK_EFORMAT, "zero.npy", "all 1 rows are zero or not finite");
    o = ask(a, temp_path("missing"), out);
    expect_refused(&o, LK_EIO, "missing", "expected a FACES directory");
    o = ask(a, a, NULL);
    expect_refused(&o, LK_EINVAL, "output", "");
    o = ask(a, a, out);
    o.k = 0;
    expect_refused(&o, LK_EINVAL, "k: 0", "expected 1 to");
    assert_false(lk_path_exists(out)); /* nothing of it left a folder */
    const char *first = make_faces("f1", "aaa1"), *second = make_faces("f2", "bbb2");
    o = ask(first, second, out);
    expect_refused(&o, LK_EINVAL, "f1 was embedded with net-aaa (aaa1", "f2 with net-bbb (bbb2");
    o = ask(a, a, first);
    expect_refused(&o, LK_EINVAL, "f1/meta.json", "of kind \"faces\"");
    o.force = 1;
    expect_refused(&o, LK_EINVAL, "f1/meta.json", "of kind \"faces\"");
    assert_true(exists(first, "embeddings.npy"));
}

static void test_bad_rows(void **state)
{
    (void)state;
    const char *a = make_npy("bad.npy", 20, 8, 3), *b = make_npy("good.npy", 30, 8, 4),
               *out = temp_path("bad");
    for (uint64_t row = 2; row < 16; row += 2)
        set_number(a, row * 8 + 3, row % 4 ? NAN : -INFINITY);
    struct told told = {.stop = false};
    lk_match_summary summary;
    lk_match_options o = ask(a, b, out);
    assert_int_equal(match(&o, &told, &summary), LK_OK);
    assert_int_equal(summary.n_excluded, 7);
    assert_int_equal(summary.n_probes, 13);
    assert_int_equal(summary.n_pairs, 13 * 30);
    assert_non_null(
        strstr(told.text, "bad.npy: 7 of 20 rows are left out, being not finite: 2, 4, 6, 8, 10, ..."));
    assert_non_null(strstr(told.text, "good.npy: 30 of 30 rows were not of length 1"));
}

static void test_labels(void **state)
{
    (void)state;
    const char *faces = make_faces("labelled", "aaa1"), *out = temp_path("labels");
    struct told told = {.stop = false};
    lk_match_summary summary;
    lk_match_options o = ask(faces, faces, out);
    assert_int_equal(match(&o, &told, &summary), LK_OK);
    assert_true(summary.best > 0.999999f);
    char *path = lk_path_join(out, "nearest_identities.csv", &err);
    uint8_t *bytes;
    size_t len;
    assert_int_equal(lk_file_read(path, 10000, &bytes, &len, &err), LK_OK);
    int lines = 0, unnamed = 0;
    for (char *line = strtok((char *)bytes, "\n"); line != NULL; line = strtok(NULL, "\n"), lines++)
        unnamed += strstr(line, ",,2") != NULL;
    assert_int_equal(lines, 1 + 4 * 3); /* a, b and the one without a name, for each of 4 probes */
    assert_int_equal(unnamed, 4);
    free(bytes);
    free(path);
}

static void test_again(void **state)
{
    (void)state;
    const char *a = make_npy("again-a.npy", 50, 8, 3), *b = make_npy("again-b.npy", 60, 8, 4),
               *out = temp_path("again");
    struct told told = {.stop = false};
    lk_match_summary first, again;
    lk_match_options o = ask(a, b, out);
    o.holdout = b;
    o.min_score = 0.5;
    assert_int_equal(match(&o, &told, &first), LK_OK);
    assert_false(first.up_to_date);
    assert_false(exists(out, "search.part") || exists(out, "range.part"));
    char before[65], after[65];
    hash_of(out, "meta.json", before);
    assert_int_equal(match(&o, &told, &again), LK_OK);
    assert_true(again.up_to_date);
    assert_true(again.best == first.best && again.kth == first.kth && again.n_pairs == first.n_pairs);
    hash_of(out, "meta.json", after);
    assert_string_equal(before, after);

    /* A lost table is made again. */
    hash_of(out, "pairs.csv", before);
    char *pairs = lk_path_join(out, "pairs.csv", &err);
    unlink(pairs);
    free(pairs);
    assert_int_equal(match(&o, &told, &again), LK_OK);
    assert_false(again.up_to_date);
    hash_of(out, "pairs.csv", after);
    assert_string_equal(before, after);

    lk_match_options other = o;
    other.k = 7;
    expect_refused(&other, LK_EINVAL, "k (1500 there, 7 asked for)", "--force");
    other = o;
    other.holdout = NULL;
    other.min_score = NAN;
    expect_refused(&other, LK_EINVAL, "hold-out", "min-score");
    set_number(a, 0, 0.25f);
    expect_refused(&o, LK_EINVAL, "probes", "embeddings");
    assert_true(exists(out, "range.csv") && exists(out, "holdout_pairs.csv"));
    other.force = 1;
    assert_int_equal(match(&other, &told, &again), LK_OK);
    assert_false(again.up_to_date);
    assert_false(exists(out, "range.csv") || exists(out, "holdout_pairs.csv"));

    /* A damaged meta.json stops a run, unless it may be replaced. */
    char *meta = lk_path_join(out, "meta.json", &err);
    assert_int_equal(lk_file_write(meta, "{", 1, &err), LK_OK);
    free(meta);
    other.force = 0;
    expect_refused(&other, LK_EFORMAT, "meta.json", "");
    other.force = 1;
    assert_int_equal(match(&other, &told, &again), LK_OK);

    int lock;
    assert_int_equal(lk_lock_take(&lock, out, &err), LK_OK);
    expect_refused(&other, LK_EBUSY, "again", "another run");
    lk_lock_release(lock);
}

static void test_stopped(void **state)
{
    (void)state;
    const char *a = make_npy("stop-a.npy", 700, 8, 3), *b = make_npy("stop-b.npy", 600, 8, 4);
    const char *out = temp_path("stopped"), *whole = temp_path("whole");
    struct told told = {.stop = true};
    lk_match_summary summary;
    lk_match_options o = ask(a, b, out);
    o.min_score = 0.8;
    assert_int_equal(match(&o, &told, &summary), LK_ECANCELED);
    assert_true(exists(out, "search.part"));
    assert_false(exists(out, "meta.json"));
    told.stop = false;
    assert_int_equal(match(&o, &told, &summary), LK_OK);
    assert_false(exists(out, "search.part"));
    o.output = whole;
    assert_int_equal(match(&o, &told, &summary), LK_OK);
    static const char *const names[] = {"pairs.csv",      "nearest.csv", "nearest_identities.csv",
                                        "references.csv", "range.csv",   "histogram.csv"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char x[65], y[65];
        hash_of(out, names[i], x);
        hash_of(whole, names[i], y);
        assert_string_equal(x, y);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused_inputs), cmocka_unit_test(test_bad_rows), cmocka_unit_test(test_labels),
        cmocka_unit_test(test_again),          cmocka_unit_test(test_stopped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
