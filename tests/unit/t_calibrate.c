/* SPDX-License-Identifier: Apache-2.0 */
/* t_calibrate.c - pairs files, lists of thresholds, and lk_calibrate on a small set with known scores. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "formats/faces.h"
#include "formats/json.h"
#include "formats/pairs.h"
#include "stats/templates.h"
#include "stats/thresholds.h"
#include "temp.h"

static lk_error err;

/* ---- pairs files ----------------------------------------------------------------------------------- */

static lk_status parse(struct lk_pairs *pairs, const char *text)
{
    return lk_pairs_parse(pairs, (const uint8_t *)text, strlen(text), &err);
}

static void test_pairs(void **state)
{
    (void)state;
    struct lk_pairs p;
    assert_int_equal(parse(&p, "2\t1\r\nA_B\t1\t12\r\nA_B\t3\tC\t4\n\nx\t1\t2\nx\t1\ty z\t0002"), LK_OK);
    assert_int_equal(p.n, 4);
    assert_int_equal(p.folds, 2);
    assert_string_equal(p.items[0].name[0], "A_B");
    assert_string_equal(p.items[0].name[1], "A_B");
    assert_true(p.items[0].genuine && p.items[0].number[0] == 1 && p.items[0].number[1] == 12);
    assert_true(!p.items[1].genuine && p.items[1].number[1] == 4 && p.items[1].fold == 0);
    assert_string_equal(p.items[3].name[1], "y z");
    assert_true(p.items[3].number[1] == 2 && p.items[3].fold == 1);
    lk_pairs_free(&p);
    assert_int_equal(parse(&p, "1\nA 1 2\nA 1 B 2\n"), LK_OK); /* one number: one fold; blanks for tabs */
    assert_true(p.folds == 1 && p.n == 2);
    lk_pairs_free(&p);
}

static void test_bad_pairs(void **state)
{
    (void)state;
    static const struct {
        const char *text, *words;
    } bad[] = {
        {"", "empty"},
        {"\n\n", "empty"},
        {"ten\t300\n", "line 1: expected the number of folds"},
        {"0\t300\n", "line 1"},
        {"2\t0\n", "line 1"},
        {"1001\t1\n", "line 1"},
        {"-1\t1\n", "line 1"},
        {"99999999999999999999\t1\n", "line 1"},
        {"1000\t10000000\n", "at most 10000000 pairs"},
        {"1\t1\t1\n", "line 1"},
        {"1\t1\n", "ends after line 1"},
        {"1\t1\nA\t1\t2\n", "ends after line 2"},
        {"1\t1\nA\t1\tB\t2\n", "line 2: 4 fields, expected \"name i j\""},
        {"1\t1\nA\t1\t2\nA\t1\t2\n", "line 3: 3 fields, expected \"name1 i name2 j\""},
        {"1\t1\nA\t1\t2\t3\t4\t5\n", "line 2: more than 4 fields"},
        {"1\t1\nA\t1\tx\n", "line 2"},
        {"1\t1\nA\t1\t4294967296\n", "line 2"},
        {"1\t1\nA\t1\t2\nA\t1\tB\t2\nA\t1\t2\n", "line 4: more lines than the 2 pairs"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct lk_pairs p;
        assert_int_equal(parse(&p, bad[i].text), LK_EFORMAT);
        if (strstr(err.text, bad[i].words) == NULL)
            fail_msg("expected '%s' in: %s", bad[i].words, err.text);
    }
    struct lk_pairs p;
    assert_int_equal(lk_pairs_parse(&p, (const uint8_t *)"1\t1\n\0", 5, &err), LK_EFORMAT);
    assert_int_equal(lk_pairs_parse(&p, NULL, 0, &err), LK_EFORMAT);
    char name[300] = "1\t1\n";
    memset(name + 4, 'A', 256);
    memcpy(name + 260, "\t1\t2\n", 6);
    assert_int_equal(parse(&p, name), LK_EFORMAT);
    assert_non_null(strstr(err.text, "a name of 256 bytes"));
    assert_int_equal(lk_pairs_read(&p, temp_path("nowhere.txt"), &err), LK_EIO);
    assert_non_null(strstr(err.text, "nowhere.txt"));
}

/* ---- lists of thresholds --------------------------------------------------------------------------- */

static void test_thresholds(void **state)
{
    (void)state;
    const lk_threshold items[] = {{.fmr = 1e-2,
                                   .score = 0.25,
                                   .fmr_low = 0.009,
                                   .fmr_high = 0.011,
                                   .tar = 0.99,
                                   .tar_low = 0.98,
                                   .tar_high = 0.995,
                                   .supported = 1},
                                  {.fmr = 1e-3,
                                   .score = 0.5,
                                   .fmr_low = NAN,
                                   .fmr_high = NAN,
                                   .tar = NAN,
                                   .tar_low = NAN,
                                   .tar_high = NAN,
                                   .supported = 0}};
    json_t *object =
        json_pack("{s:s,s:o}", "kind", "thresholds", "thresholds", lk_thresholds_to_json(items, 2));
    const char *path = temp_path("t.json");
    assert_int_equal(lk_json_write(path, object, &err), LK_OK);
    json_decref(object);
    struct lk_threshold_list list;
    assert_int_equal(lk_thresholds_read(&list, path, &err), LK_OK);
    assert_int_equal(list.n, 2);
    assert_true(list.items[0].score == 0.25 && list.items[0].tar_high == 0.995 && list.items[0].supported);
    assert_true(list.items[1].fmr == 1e-3 && isnan(list.items[1].tar) && !list.items[1].supported);

    static const struct {
        const char *text, *words;
    } bad[] = {
        {"{\"kind\": \"match\"}", "expected \"thresholds\""},
        {"{\"kind\": \"thresholds\"}", "expected a list"},
        {"{\"kind\": \"thresholds\", \"thresholds\": [1]}", "not an object"},
        {"{\"kind\": \"thresholds\", \"thresholds\": [{\"fmr\": 0.1}]}", "score"},
        {"{\"kind\": \"thresholds\", \"thresholds\": [{\"fmr\": 2, \"score\": 0.5}]}", "\"fmr\" is 2"},
        {"{\"kind\": \"thresholds\", \"thresholds\": [{\"fmr\": 0.1, \"score\": 5}]}", "expected a cosine"},
        {"{\"kind\": \"thresholds\", \"thresholds\": [{\"fmr\": 0.1, \"score\": 0.5, \"tar\": -1}]}",
         "\"tar\" is -1"},
        {"{\"kind\": \"thresholds\", \"thresholds\": [{\"fmr\": 0.1, \"score\": 0.5, \"supported\": 1}]}",
         "supported"},
        {"{\"kind\": \"thresholds\", \"thresholds\": [{\"fmr\": 0.1, \"score\": 0.5}, {\"fmr\": 0.1, "
         "\"score\": 0.6}]}",
         "falling rates"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(lk_thresholds_read(&list, temp_text("bad.json", bad[i].text), &err), LK_EFORMAT);
        if (strstr(err.text, bad[i].words) == NULL || strstr(err.text, "bad.json") == NULL)
            fail_msg("expected '%s' in: %s", bad[i].words, err.text);
    }
    json_t *empty = json_object();
    assert_int_equal(lk_thresholds_from_json(&list, empty, 0, "descriptor", &err), LK_OK);
    assert_int_equal(list.n, 0);
    json_decref(empty);
}

/* ---- the job --------------------------------------------------------------------------------------- */

/* A FACES directory of unit vectors in the plane, given by their angles in degrees; NAN = no face. */
static const char *make_faces(const char *name, const char *const *paths, const char *const *identities,
                              const double *degrees, size_t n)
{
    const char *dir = temp_dir(name);
    char file[100];
    snprintf(file, sizeof file, "%s/images.csv", name);
    FILE *csv = fopen(temp_path(file), "wb");
    snprintf(file, sizeof file, "%s/embeddings.npy", name);
    FILE *npy = fopen(temp_path(file), "wb");
    assert_true(csv != NULL && npy != NULL);
    fprintf(csv, "%s\n", lk_faces_csv_header);
    uint64_t rows = 0;
    for (size_t i = 0; i < n; i++)
        rows += !isnan(degrees[i]);
    assert_int_equal(lk_npy_write_header(npy, rows, 2, &err), LK_OK);
    rows = 0;
    for (size_t i = 0; i < n; i++) {
        bool face = !isnan(degrees[i]);
        lk_faces_csv_write(csv, &(struct lk_face_image){.row = face ? (int64_t)rows : -1,
                                                        .path = (char *)(uintptr_t)paths[i],
                                                        .identity = (char *)(uintptr_t)identities[i],
                                                        .status = face ? LK_FACE_EMBEDDED : LK_FACE_NONE,
                                                        .n_faces = face,
                                                        .width = 9,
                                                        .height = 9,
                                                        .norm = NAN,
                                                        .sharpness = NAN,
                                                        .yaw = NAN,
                                                        .age = NAN});
        const float v[2] = {(float)cos(degrees[i] * M_PI / 180), (float)sin(degrees[i] * M_PI / 180)};
        if (face)
            assert_int_equal(fwrite(v, sizeof v, 1, npy), 1);
        rows += face;
    }
    assert_true(fclose(csv) == 0 && fclose(npy) == 0);
    snprintf(file, sizeof file, "%s/meta.json", name);
    temp_text(file, "{\"kind\": \"faces\", \"format\": 1, \"model\": {\"name\": \"plane\", \"dim\": 2}}");
    return dir;
}

static lk_ctx *new_ctx(void)
{
    lk_ctx_options options;
    lk_ctx_options_init(&options);
    options.threads = 2;
    lk_ctx *ctx;
    assert_int_equal(lk_ctx_new(&ctx, &options, &err), LK_OK);
    return ctx;
}

static const char *const paths[] = {"in/A/A_0001.jpg", "in/A/A_0002.PNG", "in/B/B_0001.jpg",
                                    "in/B/B_0002.jpg", "in/B/B_0003.jpg", "in/C/C_0001.webp"};
static const char *const identities[] = {"A", "A", "B", "B", "B", "C"};
static const double degrees[] = {0, 20, 90, 120, NAN, 180};

static void test_all_pairs(void **state)
{
    (void)state;
    lk_ctx *ctx = new_ctx();
    lk_calibrate_options options;
    lk_calibrate_options_init(&options);
    options.faces = make_faces("all", paths, identities, degrees, 6);
    options.output = temp_path("all.json");
    lk_calibration c;
    assert_int_equal(lk_calibrate(ctx, &options, &c, &err), LK_OK);
    /* Genuine: A 20 degrees, B 30; impostor: 90, 120, 180 - 0; 70, 100, 160; 90, 60. */
    assert_true(c.n_genuine == 2 && c.n_impostor == 8 && c.n_missing == 0 && c.n_folds == 0);
    assert_true(c.eer == 0 && c.auc == 1 && isnan(c.accuracy) && c.n_thresholds == 0);
    options.force_fmr = 1;
    assert_int_equal(lk_calibrate(ctx, &options, &c, &err), LK_OK);
    assert_true(c.n_thresholds == 5 && !c.thresholds[0].supported && c.thresholds[4].tar == 1);
    assert_true(fabs(c.thresholds[0].score - 0.5) < 1e-6); /* just above the cosine of 60 degrees */
    struct lk_threshold_list list;
    assert_int_equal(lk_thresholds_read(&list, options.output, &err), LK_OK);
    assert_int_equal(list.n, 5);
    assert_true(list.items[0].score == c.thresholds[0].score);

    static const char *const alone[] = {"A", "B", "C", "D", "E", "F"};
    options.faces = make_faces("alone", paths, alone, degrees, 6);
    assert_int_equal(lk_calibrate(ctx, &options, &c, &err), LK_EFORMAT);
    assert_non_null(strstr(err.text, "no identity has two images"));
    static const char *const same[] = {"A", "A", "A", "A", "A", "A"};
    options.faces = make_faces("same", paths, same, degrees, 6);
    assert_int_equal(lk_calibrate(ctx, &options, &c, &err), LK_EFORMAT);
    assert_non_null(strstr(err.text, "expected at least two"));
    static const char *const none[6] = {NULL};
    options.faces = make_faces("none", paths, none, degrees, 6);
    assert_int_equal(lk_calibrate(ctx, &options, &c, &err), LK_EFORMAT);
    assert_non_null(strstr(err.text, "one folder per person"));
    lk_ctx_free(ctx);
}

static void test_listed_pairs(void **state)
{
    (void)state;
    lk_ctx *ctx = new_ctx();
    lk_calibrate_options options;
    lk_calibrate_options_init(&options);
    options.faces = make_faces("listed", paths, identities, degrees, 6);
    /* Fold 1 misses B 3 (no face), fold 2 misses C 7 (not there). */
    options.pairs = temp_text("pairs.txt", "2\t2\n"
                                           "A\t1\t2\nB\t2\t3\nA\t1\tB\t1\nA\t2\tC\t1\n"
                                           "B\t1\t2\nA\t2\t1\nA\t1\tC\t7\nB\t1\tC\t1\n");
    lk_calibration c;
    assert_int_equal(lk_calibrate(ctx, &options, &c, &err), LK_OK);
    assert_true(c.n_genuine == 3 && c.n_impostor == 3 && c.n_missing == 2 && c.n_folds == 2);
    assert_true(c.accuracy == 1 && c.accuracy_sd == 0 && c.accuracy_all == 0.75);

    options.pairs = temp_text("others.txt", "2\t1\nX\t1\t2\nX\t1\tY\t2\nX\t1\t2\nX\t1\tY\t2\n");
    assert_int_equal(lk_calibrate(ctx, &options, &c, &err), LK_EFORMAT);
    assert_non_null(strstr(err.text, "X_0001.jpg"));
    static const char *const twice[] = {"in/A/A_0001.jpg", "in/A/A_0001.png", "in/B/B_0001.jpg",
                                        "in/B/B_0002.jpg", "in/B/B_0003.jpg", "in/C/C_0001.webp"};
    options.faces = make_faces("twice", twice, identities, degrees, 6);
    options.pairs = temp_path("pairs.txt");
    assert_int_equal(lk_calibrate(ctx, &options, &c, &err), LK_EFORMAT);
    assert_non_null(strstr(err.text, "are image 1 of 'A', expected one"));
    lk_ctx_cancel(ctx);
    assert_int_equal(lk_calibrate(ctx, &options, &c, &err), LK_ECANCELED);
    lk_ctx_free(ctx);
}

/* The example of docs/methods.md: two images of one media, and one of another. */
static void test_templates(void **state)
{
    (void)state;
    lk_ctx *ctx = new_ctx();
    static const char *const names[] = {"in/v/a.png", "in/v/b.png", "in/c.d.jpg", "in/e/b.jpg", "in/.jpg"};
    static const char *const none[5] = {NULL};
    static const double angles[] = {0, 90, 0, 45, NAN};
    const char *dir = make_faces("templates", names, none, angles, 5);
    struct lk_faces faces;
    assert_int_equal(lk_faces_open(&faces, ctx, dir, &err), LK_OK);
    assert_int_equal(lk_faces_ready(&faces, ctx, &err), LK_OK);
    const char *table = "a.jpg 7 2\nc.d.jpg 7 1\nv/b.png 7 2\n.jpg 9 1\nabsent.jpg 7 5\n";
    struct lk_ijb_images images;
    assert_int_equal(lk_ijb_images_parse(&images, (const uint8_t *)table, strlen(table), &err), LK_OK);
    struct lk_templates t;
    assert_int_equal(lk_templates_make(&t, &faces, &images, "t.txt", &err), LK_OK);
    assert_true(t.n == 2 && t.n_usable == 1 && t.n_images_missing == 2 && t.usable[0] && !t.usable[1]);
    assert_true(fabs(t.vectors[0] - 0.949) < 5e-4 && fabs(t.vectors[1] - 0.316) < 5e-4);
    assert_true(lk_templates_find(&t, 7) == 0 && lk_templates_find(&t, 9) == 1);
    assert_true(lk_templates_find(&t, 8) == SIZE_MAX && lk_templates_find(&t, 10) == SIZE_MAX);
    lk_templates_free(&t);
    lk_ijb_images_free(&images);
    static const char *const bad[] = {"b.png 1 1\n", "in/v/a 1 1\nxin/c.d.jpg 1 1\nb.png 1 1\n"};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(lk_ijb_images_parse(&images, (const uint8_t *)bad[i], strlen(bad[i]), &err), LK_OK);
        assert_int_equal(lk_templates_make(&t, &faces, &images, "t.txt", &err), LK_EFORMAT);
        assert_non_null(strstr(err.text, "are image 'b.png', expected one"));
        lk_ijb_images_free(&images);
    }
    lk_faces_close(&faces);
    lk_ctx_free(ctx);
}

/* Just one way to choose the pairs. */
static void test_protocols(void **state)
{
    (void)state;
    lk_ctx *ctx = new_ctx();
    lk_calibrate_options options;
    lk_calibrate_options_init(&options);
    lk_calibration c;
    options.faces = "nowhere";
    options.from_identities = 1;
    options.bin = "x.bin";
    assert_int_equal(lk_calibrate(ctx, &options, &c, &err), LK_EINVAL);
    options.bin = NULL;
    options.from_identities = 0;
    options.template_pairs = "x.txt";
    assert_int_equal(lk_calibrate(ctx, &options, &c, &err), LK_EINVAL);
    lk_ctx_free(ctx);
    struct lk_threshold_list list;
    const char *text = "{\"kind\": \"thresholds\", \"protocol\": \"templates\", \"thresholds\": []}";
    assert_int_equal(lk_thresholds_read(&list, temp_text("of_templates.json", text), &err), LK_EFORMAT);
    assert_non_null(strstr(err.text, "templates of several images"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pairs),        cmocka_unit_test(test_bad_pairs),
        cmocka_unit_test(test_thresholds),   cmocka_unit_test(test_all_pairs),
        cmocka_unit_test(test_listed_pairs), cmocka_unit_test(test_templates),
        cmocka_unit_test(test_protocols),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
