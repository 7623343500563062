/* SPDX-License-Identifier: Apache-2.0 */
/* t_detect.c - boxes, suppression, the choice of a face, the decoders on made-up outputs, and on real faces
 * where there are some. */
#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "skip.h"
#include "base/fs.h"
#include "temp.h"
#include "vision/detect.h"

static void add(struct lk_face_list *list, float x, float y, float side, float score)
{
    const struct lk_face face = {.box = {x, y, side, side}, .score = score};
    assert_int_equal(lk_face_list_add(list, &face, NULL), LK_OK);
}

static void test_overlap(void **state)
{
    (void)state;
    const float a[4] = {0, 0, 10, 10}, b[4] = {5, 0, 10, 10}, c[4] = {10, 0, 5, 5};
    assert_float_equal(lk_box_overlap(a, a), 1, 1e-6);
    assert_float_equal(lk_box_overlap(a, b), 50.0 / 150, 1e-6);
    assert_float_equal(lk_box_overlap(a, c), 0, 0);
}

static void test_suppression(void **state)
{
    (void)state;
    struct lk_face_list list = {NULL, 0, 0};
    add(&list, 0, 0, 10, 0.5f);
    add(&list, 100, 0, 10, 0.9f);
    add(&list, 1, 0, 10, 0.75f);
    add(&list, NAN, 0, 10, 0.99f);
    add(&list, 0, 0, 0, 0.99f);
    assert_int_equal(list.n, 3); /* what is no box was not taken */
    lk_nms(&list, 0.3f, false);
    assert_int_equal(list.n, 2);
    assert_float_equal(list.faces[0].box[0], 100, 0);
    assert_float_equal(list.faces[1].box[0], 1, 0);
    list.n = 0;
    add(&list, 0, 0, 10, 0.5f);
    add(&list, 2, 0, 10, 0.75f);
    lk_nms(&list, 0.3f, true);
    assert_int_equal(list.n, 1);
    assert_float_equal(list.faces[0].box[0], 2 * 0.75 / 1.25, 1e-5);
    assert_float_equal(list.faces[0].score, 0.75, 0);
    lk_face_list_free(&list);
}

static void test_choice(void **state)
{
    (void)state;
    struct lk_face_list list = {NULL, 0, 0};
    add(&list, 0, 0, 50, 0.9f);
    add(&list, 90, 90, 20, 0.8f);
    assert_int_equal(lk_face_choose(&list, 200, 200, LK_FACE_LARGEST), 0);
    assert_int_equal(lk_face_choose(&list, 200, 200, LK_FACE_CENTRAL), 1);
    lk_face_list_free(&list);
}

/* Gives a decoder outputs that are zero but for what `fill` sets, and checks the one face that must come out.
 */
static void decode_one(const struct lk_decoder *decoder, const struct lk_input *input, const size_t (*set)[2],
                       const float *values, size_t n_set, float background, const float box[4])
{
    struct lk_ort_tensor outputs[LK_ORT_MAX_OUTPUTS];
    float *data[LK_ORT_MAX_OUTPUTS];
    for (size_t i = 0; i < decoder->n_outputs; i++) {
        size_t count = decoder->count(input, i);
        data[i] = calloc(count, sizeof *data[i]);
        assert_non_null(data[i]);
        for (size_t k = 0; k < count && background != 0; k++)
            data[i][k] = background;
        outputs[i] = (struct lk_ort_tensor){data[i], count};
    }
    for (size_t i = 0; i < n_set; i++) {
        assert_true(set[i][1] < outputs[set[i][0]].count);
        data[set[i][0]][set[i][1]] = values[i];
    }
    struct lk_face_list list = {NULL, 0, 0};
    assert_int_equal(decoder->decode(outputs, input, 0.6f, &list, NULL), LK_OK);
    assert_int_equal(list.n, 1);
    for (int i = 0; i < 4; i++)
        assert_float_equal(list.faces[0].box[i], box[i], 1e-3);
    lk_face_list_free(&list);
    for (size_t i = 0; i < decoder->n_outputs; i++)
        free(data[i]);
}

static void test_decoders(void **state)
{
    (void)state;
    const struct lk_input square = {.width = 640, .height = 640}, small = {.width = 256, .height = 256};
    /* Stride 16, cell (row 2, column 3): index 2 * 40 + 3. */
    const size_t retina[][2] = {{3, 2 * 1600 + 83}};
    decode_one(&lk_decoder_retinaface, &square, retina, (const float[]){0.9f}, 1, 0,
               (const float[]){55.5f - 64, 39.5f - 64, 128, 128});
    const size_t scrfd[][2] = {{1, 166}, {4, 166 * 4}, {4, 166 * 4 + 1}, {4, 166 * 4 + 2}, {4, 166 * 4 + 3}};
    decode_one(&lk_decoder_scrfd, &square, scrfd, (const float[]){0.9f, 1, 2, 3, 4}, 5, 0,
               (const float[]){48 - 16, 32 - 32, 64, 96});
    const size_t yunet[][2] = {{1, 83}, {4, 83}, {7, 83 * 4}};
    decode_one(&lk_decoder_yunet, &square, yunet, (const float[]){1, 0.64f, 0.5f}, 3, 0,
               (const float[]){16 * 3.5f - 8, 16 * 2 - 8, 16, 16});
    /* Score logits of 0 are a half, below the 0.6 asked for. */
    const size_t blaze[][2] = {{0, 2 * (2 * 16 + 3)}, {2, 16 * 70 + 2}, {2, 16 * 70 + 3}};
    decode_one(&lk_decoder_blazeface, &small, blaze, (const float[]){3, 20, 10}, 3, 0,
               (const float[]){55.5f - 10, 39.5f - 5, 20, 10});
}

/* ---- real faces ---------------------------------------------------------------------------------------- */

static const char *data_root(void)
{
    static char path[4000];
    const char *given = getenv("LIKENESS_DATA");
    if (given != NULL)
        return given;
    snprintf(path, sizeof path, "%s/../shared/data", getenv("LIKENESS_SOURCE"));
    return path;
}

struct points_case {
    struct lk_detector *detector;
    struct lk_model *model;
    struct lk_ort *ort;
};

/* A detector from a registry entry whose file lies elsewhere. */
static void open_detector(struct points_case *c, const lk_ctx *ctx, const char *name, const char *path)
{
    lk_error err;
    struct lk_map map;
    assert_int_equal(lk_model_load(&c->model, ctx, name, &err), LK_OK);
    assert_int_equal(lk_map_open(&map, path, &err), LK_OK);
    lk_status status = lk_model_open_bytes(c->model, map.bytes, map.len, path, NULL, &c->ort, &err);
    lk_map_close(&map);
    if (status != LK_OK)
        fail_msg("%s", err.text);
    assert_int_equal(lk_detector_new(&c->detector, c->model, c->ort, &err), LK_OK);
}

/* Mean distance of five points from the reference's, in parts of its eye distance; 9 without a face. */
static double points_off(struct points_case *c, const json_t *line, const char *root)
{
    lk_error err;
    uint8_t *bytes;
    size_t len;
    struct lk_image image;
    struct lk_face face;
    int n;
    char *path = lk_path_join(root, json_string_value(json_object_get(line, "file")), &err);
    assert_non_null(path);
    assert_int_equal(lk_file_read(path, LK_IMAGE_MAX_BYTES, &bytes, &len, &err), LK_OK);
    assert_int_equal(lk_image_decode(bytes, len, &image, &err), LK_OK);
    assert_int_equal(lk_detect(c->detector, &image, LK_FACE_CENTRAL, &face, &n, &err), LK_OK);
    free(path);
    free(bytes);
    lk_image_free(&image);
    if (n == 0)
        return 9;
    double p[10], sum = 0;
    for (size_t i = 0; i < 10; i++)
        p[i] = json_number_value(json_array_get(json_object_get(line, "kps5"), i));
    for (int i = 0; i < 5; i++)
        sum += hypot(face.points[i][0] - p[2 * i], face.points[i][1] - p[2 * i + 1]) / 5;
    return sum / hypot(p[2] - p[0], p[3] - p[1]);
}

static void check_real(const char *name, const char *file, double limit)
{
    lk_error err;
    lk_ctx *ctx = NULL;
    lk_ctx_options options;
    lk_ctx_options_init(&options);
    options.model_dir = temp_path("");
    char model[4100], marks[4100], line[4000];
    snprintf(model, sizeof model, "%s/models/%s", data_root(), file);
    snprintf(marks, sizeof marks, "%s/lfw/landmarks.jsonl", data_root());
    FILE *f = fopen(marks, "r");
    if (f == NULL || !lk_path_exists(model)) {
        if (f != NULL)
            fclose(f);
        SKIP_TEST("%s: no real faces at %s (LIKENESS_DATA names another place)", name, data_root());
    }
    assert_int_equal(lk_ctx_new(&ctx, &options, &err), LK_OK);
    struct points_case c;
    open_detector(&c, ctx, name, model);
    int seen = 0, close = 0;
    for (int i = 0; fgets(line, sizeof line, f) != NULL && seen < 25; i++) {
        if (i % 200 != 0)
            continue;
        json_t *json = json_loads(line, 0, NULL);
        assert_non_null(json);
        close += points_off(&c, json, data_root()) < limit;
        seen++;
        json_decref(json);
    }
    fclose(f);
    printf("# %s: the points of %d of %d faces lie within %.2f of the eye distance\n", name, close, seen,
           limit);
    assert_true(seen >= 20 && close >= seen - 1);
    lk_detector_free(c.detector);
    lk_ort_free(c.ort);
    lk_model_free(c.model);
    lk_ctx_free(ctx);
}

static void test_real_scrfd(void **state)
{
    (void)state;
    check_real("det_10g", "scrfd_500m_bnkps.onnx", 0.12);
}

static void test_real_yunet(void **state)
{
    (void)state;
    check_real("yunet", "face_detection_yunet_2026may.onnx", 0.2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_overlap),    cmocka_unit_test(test_suppression),
        cmocka_unit_test(test_choice),     cmocka_unit_test(test_decoders),
        cmocka_unit_test(test_real_scrfd), cmocka_unit_test(test_real_yunet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
