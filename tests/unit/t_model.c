/* SPDX-License-Identifier: Apache-2.0 */
/* t_model.c - descriptors, model files that are not what their descriptor says, and the embedder on a tiny
 * network. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/hash.h"
#include "temp.h"
#include "vision/embedder.h"
#include "vision/model.h"
#include "skip.h"

static lk_ctx *ctx;
static bool have_onnx;

static const char *make_onnx(const char *name, int side, int dim, const char *input)
{
    char command[2000];
    const char *path = temp_path(name);
    snprintf(command, sizeof command, "/usr/bin/python3 '%s/tests/unit/make_onnx.py' '%.300s' %d %d %s",
             getenv("LIKENESS_SOURCE"), path, side, dim, input);
    assert_int_equal(system(command), 0);
    return path;
}

/* A descriptor in the temporary folder. */
static const char *descriptor(const char *name, const char *file, const char *sha256, int side, int dim)
{
    char text[2000];
    snprintf(text, sizeof text,
             "{\"name\": \"tiny\", \"title\": \"t\", \"task\": \"recognise\", \"licence\": \"none\", "
             "\"restricted\": false,"
             " \"source\": \"made by the test\", \"file\": \"%s\", \"sha256\": %s, \"npm\": null, \"clean\": "
             "false,"
             " \"input\": {\"name\": \"data\", \"width\": %d, \"height\": %d, \"layout\": \"nchw\", "
             "\"channels\": \"rgb\","
             " \"mean\": [0, 0, 0], \"scale\": [1, 1, 1]}, \"output\": \"fc\", \"dim\": %d, \"template\": "
             "\"arcface112\","
             " \"thresholds\": []}",
             file, sha256, side, side, dim);
    return temp_text(name, text);
}

static lk_status open_aligned(const char *path, lk_embedder **out, lk_error *err)
{
    lk_embedder_options options;
    lk_embedder_options_init(&options);
    options.model = path;
    options.aligned = 1;
    return lk_embedder_open(out, ctx, &options, err);
}

static void assert_refused(const char *path, const char *expected)
{
    lk_embedder *e = NULL;
    lk_error err;
    lk_status status = open_aligned(path, &e, &err);
    if (status == LK_OK || strstr(err.text, expected) == NULL)
        fail_msg("expected '%s', got %s: %s", expected, lk_status_name(status),
                 status == LK_OK ? "" : err.text);
}

static void test_descriptors(void **state)
{
    (void)state;
    assert_refused("nosuchmodel", "there is no model 'nosuchmodel'");
    assert_refused(temp_path("missing.json"), "missing.json");
    assert_refused(temp_text("list.json", "[]"), "list.json");
    assert_refused(temp_text("empty.json", "{}"), "name");
    assert_refused(descriptor("dim.json", "x.onnx", "null", 112, 0), "'dim': found 0");
    assert_refused(descriptor("side.json", "x.onnx", "null", 100000, 4), "'width': found 100000");
    assert_refused(descriptor("hash.json", "x.onnx", "\"12\"", 112, 4), "64 lower-case hexadecimal");
    assert_refused(descriptor("nofile.json", "x.onnx", "null", 112, 4),
                   "is not there; put it there: made by the test");
    assert_refused("blazeface", "is not a recogniser");
}

static void test_damaged_files(void **state)
{
    (void)state;
    temp_text("text.onnx", "this is not a network");
    assert_refused(descriptor("text.json", "text.onnx", "null", 112, 4), "text.onnx: ONNX Runtime says");
    temp_text("empty.onnx", "");
    assert_refused(descriptor("zero.json", "empty.onnx", "null", 112, 4), "empty.onnx: the file is empty");
    assert_refused(descriptor("other.json", "text.onnx",
                              "\"0123456789012345678901234567890123456789012345678901234567890123\"", 112, 4),
                   "this is not the file of model tiny: found sha256");
}

static void test_wrong_shapes(void **state)
{
    (void)state;
    if (!have_onnx)
        SKIP_TEST("python3-onnx is not installed");
    make_onnx("wide.onnx", 224, 6, "data");
    assert_refused(descriptor("wide.json", "wide.onnx", "null", 112, 6),
                   "model tiny: input 'data' is 1x3x224x224, the descriptor says 1x3x112x112");
    make_onnx("dim6.onnx", 112, 6, "data");
    assert_refused(descriptor("dim8.json", "dim6.onnx", "null", 112, 8),
                   "model tiny: output 'fc' is 1x6, the descriptor says 1x8");
    make_onnx("named.onnx", 112, 6, "picture");
    assert_refused(descriptor("named.json", "named.onnx", "null", 112, 6),
                   "model tiny: its input is 'picture', the descriptor says 'data'");
}

static void test_truncated_file(void **state)
{
    (void)state;
    if (!have_onnx)
        SKIP_TEST("python3-onnx is not installed");
    uint8_t bytes[4096];
    FILE *f = fopen(make_onnx("whole.onnx", 112, 6, "data"), "rb");
    assert_non_null(f);
    size_t len = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    assert_true(len > 100);
    temp_file("half.onnx", bytes, len / 2);
    assert_refused(descriptor("half.json", "half.onnx", "null", 112, 6), "half.onnx: ONNX Runtime says");
}

/* Does a network of tests/cli/make_tiny_model.py give the same in any place of a batch, whatever else is in it? */
static bool fills(const char *kind)
{
    char command[2000], path[400];
    lk_error err;
    struct lk_model *model;
    struct lk_ort *ort;
    size_t output;
    bool same;
    snprintf(command, sizeof command, "/usr/bin/python3 '%s/tests/cli/make_tiny_model.py' '%.300s' %s",
             getenv("LIKENESS_SOURCE"), temp_path(kind), kind);
    assert_int_equal(system(command), 0);
    snprintf(path, sizeof path, "%.300s/tiny.json", temp_path(kind));
    assert_int_equal(lk_model_load(&model, ctx, path, &err), LK_OK);
    char sha256[65];
    assert_int_equal(lk_model_open(model, NULL, &ort, sha256, &err), LK_OK);
    assert_int_equal(lk_model_output(model, ort, &output, &err), LK_OK);
    assert_int_equal(lk_model_fills(model, ort, output, 16, &same, &err), LK_OK);
    lk_ort_free(ort);
    lk_model_free(model);
    return same;
}

static void test_fills(void **state)
{
    (void)state;
    if (!have_onnx)
        SKIP_TEST("python3-onnx is not installed");
    assert_true(fills("free"));
    assert_false(fills("mixes"));
    assert_false(fills("one")); /* takes no batches */
}

/* The tiny network gives k * mean of a channel: what comes out is known. */
static void test_embeds(void **state)
{
    (void)state;
    if (!have_onnx)
        SKIP_TEST("python3-onnx is not installed");
    char sha256[65], quoted[70];
    lk_error err;
    assert_int_equal(lk_hash_file(make_onnx("good.onnx", 112, 6, "data"), sha256, &err), LK_OK);
    snprintf(quoted, sizeof quoted, "\"%s\"", sha256);
    lk_embedder *e = NULL, *like = NULL;
    assert_int_equal(open_aligned(descriptor("good.json", "good.onnx", quoted, 112, 6), &e, &err), LK_OK);
    assert_int_equal(lk_embedder_open_like(&like, e, &err), LK_OK);
    struct lk_embedder_about about;
    lk_embedder_about(like, &about);
    assert_string_equal(about.model.sha256, sha256);
    assert_string_equal(about.alignment, "aligned");
    assert_null(about.detector.name);
    lk_embedder_free(e); /* the second one lives on */

    struct lk_image crop;
    assert_int_equal(lk_image_new(&crop, 112, 112, &err), LK_OK);
    for (int i = 0; i < 112 * 112; i++)
        memcpy(crop.rgb + 3 * i, (const uint8_t[3]){3, 0, 4}, 3);
    float out[6], norm;
    assert_int_equal(lk_embedder_crop(like, &crop, out, &norm, &err), LK_OK);
    double length = sqrt(5.0) * 5; /* (3, 0, 4, 6, 0, 8) */
    const double raw[6] = {3, 0, 4, 6, 0, 8};
    assert_float_equal(norm, length, 1e-4);
    for (int i = 0; i < 6; i++)
        assert_float_equal(out[i], raw[i] / length, 1e-6);

    memset(crop.rgb, 0, 3 * 112 * 112);
    assert_int_equal(lk_embedder_crop(like, &crop, out, &norm, &err), LK_EFORMAT); /* no direction */
    crop.width = 111;
    assert_int_equal(lk_embedder_crop(like, &crop, out, &norm, &err), LK_EFORMAT);
    struct lk_face_image info = {0};
    assert_int_equal(lk_embedder_image(like, &crop, LK_FACE_LARGEST, out, &info, &err), LK_OK);
    assert_int_equal(info.status, LK_FACE_UNREADABLE);
    assert_non_null(strstr(info.message, "111 x 112, expected an aligned crop of 112 x 112"));
    free(info.message);
    assert_int_equal(
        lk_embedder_bytes(like, (const uint8_t *)"no picture", 10, LK_FACE_LARGEST, out, &info, &err), LK_OK);
    assert_int_equal(info.status, LK_FACE_UNREADABLE);
    assert_non_null(info.message);
    free(info.message);
    lk_image_free(&crop);
    lk_embedder_free(like);
}

/* ---- batches: see make_onnx.py for the networks ------------------------------------------------------- */

/* fills: every run has as many faces, as on a device. */
static lk_embedder *open_batch(const char *kind, bool fills_runs, size_t *batch)
{
    char onnx[40], json[40], input[40];
    lk_error err;
    lk_embedder *e;
    snprintf(onnx, sizeof onnx, "%s.onnx", kind);
    snprintf(json, sizeof json, "%s.json", kind);
    snprintf(input, sizeof input, "data %s", kind);
    make_onnx(onnx, 112, 6, input);
    assert_int_equal(open_aligned(descriptor(json, onnx, "null", 112, 6), &e, &err), LK_OK);
    if (fills_runs)
        assert_int_equal(lk_embedder_fill_runs(e, &err), LK_OK);
    assert_int_equal(lk_embedder_gather(e, batch, &err), LK_OK);
    return e;
}

static void test_which_models_batch(void **state)
{
    (void)state;
    if (!have_onnx)
        SKIP_TEST("python3-onnx is not installed");
    const char *const kinds[] = {"one", "free", "mixes", "fails", "counts"};
    const size_t expected[][2] = {{1, 1}, {LK_EMBED_BATCH, LK_EMBED_DEVICE_BATCH}, {1, 1}, {1, 1}, {1, LK_EMBED_DEVICE_BATCH}};
    for (int i = 0; i < 5; i++)
        for (int fills = 0; fills < 2; fills++) {
            size_t batch = 0;
            lk_embedder_free(open_batch(kinds[i], fills, &batch));
            assert_int_equal(batch, expected[i][fills]);
        }
}

/* Picture number i of the test below: 3 is no picture, 5 black, so that it has no direction. */
static void encoded_picture(int i, uint8_t **bytes, size_t *len)
{
    struct lk_image picture = {0, 0, NULL};
    assert_int_equal(lk_image_new(&picture, 112, 112, NULL), LK_OK);
    for (int k = 0; k < 3 * 112 * 112; k++)
        picture.rgb[k] = i == 5 ? 0 : (uint8_t)(k % 3 * 60 + 9 * i + k / 3 % 5);
    assert_int_equal(lk_image_encode_jpeg(&picture, 90, bytes, len, NULL), LK_OK);
    lk_image_free(&picture);
    if (i == 3)
        *len = 20;
}

/* Pictures that e takes in groups, the last of them not full, and that `single` takes one by one. */
static void compare_groups(lk_embedder *e, lk_embedder *single, int group)
{
    enum { N = 37 };
    lk_error err;
    float out[N][6] = {{0}};
    struct lk_face_image info[N] = {{0}};
    for (int i = 0; i < N; i++) {
        uint8_t *bytes;
        size_t len;
        encoded_picture(i, &bytes, &len);
        assert_int_equal(lk_embedder_take(e, bytes, len, LK_FACE_LARGEST, out[i], &info[i], &err), LK_OK);
        free(bytes);
        if (i == 0)
            assert_true(isnan(info[i].norm)); /* it waits */
        if (i == group + 1)
            assert_false(isnan(info[0].norm)); /* enough came after it */
    }
    assert_int_equal(lk_embedder_finish(e, &err), LK_OK);
    assert_int_equal(lk_embedder_finish(e, &err), LK_OK); /* nothing waits: nothing happens */
    for (int i = 0; i < N; i++) {
        uint8_t *bytes;
        size_t len;
        float alone[6] = {0};
        struct lk_face_image about = {0};
        encoded_picture(i, &bytes, &len);
        assert_int_equal(lk_embedder_bytes(single, bytes, len, LK_FACE_LARGEST, alone, &about, &err), LK_OK);
        assert_int_equal(about.status, i == 3 || i == 5 ? LK_FACE_UNREADABLE : LK_FACE_EMBEDDED);
        assert_int_equal(info[i].status, about.status);
        assert_memory_equal(out[i], alone, sizeof alone);
        assert_memory_equal(&info[i].norm, &about.norm, sizeof about.norm);
        assert_memory_equal(&info[i].sharpness, &about.sharpness, sizeof about.sharpness);
        if (about.message != NULL)
            assert_string_equal(info[i].message, about.message);
        free(info[i].message);
        free(about.message);
        free(bytes);
    }
}

static void take_one(lk_embedder *e, float out[6])
{
    uint8_t *bytes;
    size_t len;
    lk_error err;
    static struct lk_face_image info;
    encoded_picture(0, &bytes, &len);
    assert_int_equal(lk_embedder_take(e, bytes, len, LK_FACE_LARGEST, out, &info, &err), LK_OK);
    free(bytes);
}

static void test_batch_gives_the_same(void **state)
{
    (void)state;
    if (!have_onnx)
        SKIP_TEST("python3-onnx is not installed");
    lk_error err;
    size_t batch;
    float out[6];
    lk_embedder *first = open_batch("free", false, &batch), *e, *single;
    assert_int_equal(lk_embedder_open_like(&e, first, &err), LK_OK);
    assert_int_equal(open_aligned(temp_path("free.json"), &single, &err), LK_OK);
    compare_groups(e, single, LK_EMBED_BATCH);
    take_one(e, out);
    lk_embedder_free(e); /* while a face waits */
    lk_embedder_free(first);
    lk_embedder_free(single);
}

/* What a network gives depends on how many it runs on: always on as many, in groups of any size. */
static void test_filled_runs_give_the_same(void **state)
{
    (void)state;
    if (!have_onnx)
        SKIP_TEST("python3-onnx is not installed");
    lk_error err;
    size_t batch;
    lk_embedder *single = open_batch("counts", true, &batch), *e, *plain;
    assert_int_equal(lk_embedder_open_like(&e, single, &err), LK_OK);
    compare_groups(e, single, LK_EMBED_DEVICE_BATCH);
    float filled[6], alone[6], few[6];
    take_one(e, filled);
    take_one(e, few);
    assert_int_equal(lk_embedder_finish(e, &err), LK_OK);
    assert_memory_equal(filled, few, sizeof few);
    assert_int_equal(open_aligned(temp_path("counts.json"), &plain, &err), LK_OK);
    take_one(plain, alone);
    assert_int_equal(lk_embedder_finish(plain, &err), LK_OK);
    assert_true(fabsf(filled[0] / filled[1] - LK_EMBED_DEVICE_BATCH * alone[0] / alone[1]) < 1e-3f);
    lk_embedder_free(e);
    lk_embedder_free(single);
    lk_embedder_free(plain);
}

static void count_entry(void *user, const lk_model_info *info)
{
    int *seen = user;
    assert_non_null(info->source);
    assert_true((info->task == LK_TASK_RECOGNISE) == (info->dim > 0));
    if (strcmp(info->name, "sface") == 0 || strcmp(info->name, "blazeface") == 0)
        assert_true(!info->restricted && info->fetchable);
    seen[info->task]++;
}

static lk_status open_with_age(const char *model, const char *age, lk_embedder **out, lk_error *err)
{
    lk_embedder_options options;
    lk_embedder_options_init(&options);
    options.model = model;
    options.aligned = 1;
    options.age_model = age;
    return lk_embedder_open(out, ctx, &options, err);
}

/* An age model whose probabilities are the means of red, green and blue. */
static const char *age_descriptor(const char *name, int dim, int first_year)
{
    char text[1000];
    snprintf(
        text, sizeof text,
        "{\"name\": \"ages\", \"title\": \"t\", \"task\": \"age\", \"licence\": \"none\", \"source\": \"-\","
        " \"file\": \"age.onnx\", \"sha256\": null, \"npm\": null, \"clean\": false, \"input\": {\"name\": "
        "\"data\","
        " \"width\": 20, \"height\": 20, \"layout\": \"nchw\", \"channels\": \"rgb\", \"mean\": [0, 0, 0],"
        " \"scale\": [1, 1, 1]}, \"output\": \"fc\", \"dim\": %d, \"first_year\": %d}",
        dim, first_year);
    return temp_text(name, text);
}

static void test_age(void **state)
{
    (void)state;
    if (!have_onnx)
        SKIP_TEST("python3-onnx is not installed");
    lk_error err;
    lk_embedder *e, *like;
    make_onnx("age.onnx", 20, 3, "data");
    make_onnx("face.onnx", 112, 6, "data");
    const char *model = descriptor("face.json", "face.onnx", "null", 112, 6);
    assert_int_equal(open_with_age(model, age_descriptor("age.json", 3, 30), &e, &err), LK_OK);
    assert_int_equal(lk_embedder_open_like(&like, e, &err), LK_OK);
    struct lk_embedder_about about;
    lk_embedder_about(like, &about);
    assert_string_equal(about.age.name, "ages");
    lk_embedder_free(e);

    struct lk_image image = {0, 0, NULL};
    assert_int_equal(lk_image_new(&image, 112, 112, &err), LK_OK);
    for (int i = 0; i < 112 * 112; i++)
        memcpy(image.rgb + 3 * i, (const uint8_t[]){20, 40, 140}, 3);
    struct lk_face_image info = {0};
    float vector[6];
    assert_int_equal(lk_embedder_image(like, &image, LK_FACE_CENTRAL, vector, &info, &err), LK_OK);
    assert_float_equal(info.age, 0.1 * 30 + 0.2 * 31 + 0.7 * 32, 1e-4);
    assert_true(isnan(info.sharpness) && isnan(info.yaw)); /* one colour, nothing detected */
    memset(image.rgb, 0, 3 * 112 * 112); /* no probabilities: no age, and the network's vector is zero */
    assert_int_equal(lk_embedder_image(like, &image, LK_FACE_CENTRAL, vector, &info, &err), LK_OK);
    assert_int_equal(info.status, LK_FACE_UNREADABLE);
    assert_true(isnan(info.age));
    free(info.message);
    struct lk_embedder_times times;
    lk_embedder_times(like, &times);
    assert_true(times.embed > 0 && times.strata > 0 && times.detect == 0);
    lk_image_free(&image);
    lk_embedder_free(like);

    assert_int_equal(open_with_age(model, age_descriptor("wide.json", 4, 30), &e, &err), LK_EFORMAT);
    assert_non_null(strstr(err.text, "output 'fc' is 1x3, the descriptor says 1x4"));
    assert_int_equal(open_with_age(model, age_descriptor("late.json", 3, 300), &e, &err), LK_EFORMAT);
    assert_non_null(strstr(err.text, "'first_year': found 300"));
    assert_int_equal(open_with_age(model, model, &e, &err), LK_EINVAL);
    assert_non_null(strstr(err.text, "is not an age model"));
}

/* Every descriptor of the registry can be read. */
static void test_registry(void **state)
{
    (void)state;
    lk_error err;
    int seen[4] = {0};
    lk_status status = lk_models_list(ctx, count_entry, seen, &err);
    if (status != LK_OK)
        fail_msg("%s", err.text);
    assert_true(seen[LK_TASK_RECOGNISE] >= 5 && seen[LK_TASK_DETECT] >= 4 && seen[LK_TASK_PORTRAITS] == 1 &&
                seen[LK_TASK_AGE] == 1);
    assert_int_equal(lk_models_fetch(ctx, "w600k_r50", &err), LK_EUNSUP);
    assert_non_null(strstr(err.text, "get it yourself"));
}

int main(void)
{
    lk_ctx_options options;
    lk_error err;
    lk_ctx_options_init(&options);
    options.model_dir = temp_path("");
    if (getenv("LIKENESS_SOURCE") == NULL || lk_ctx_new(&ctx, &options, &err) != LK_OK)
        return 1;
    have_onnx = system("/usr/bin/python3 -c 'import onnx' 2>/dev/null") == 0;
    if (!have_onnx)
        printf("# python3-onnx is not installed: tests that make networks are skipped\n");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_age),
        cmocka_unit_test(test_descriptors),
        cmocka_unit_test(test_damaged_files),
        cmocka_unit_test(test_wrong_shapes),
        cmocka_unit_test(test_truncated_file),
        cmocka_unit_test(test_fills), cmocka_unit_test(test_embeds),
        cmocka_unit_test(test_which_models_batch),
        cmocka_unit_test(test_batch_gives_the_same), cmocka_unit_test(test_filled_runs_give_the_same),
        cmocka_unit_test(test_registry),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    lk_ctx_free(ctx);
    return failed;
}
