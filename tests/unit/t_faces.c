/* SPDX-License-Identifier: Apache-2.0 */
/* t_faces.c - FACES directories: lines of images.csv, agreement of the three files, plain .npy, messages. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "formats/faces.h"
#include "temp.h"

static lk_error err;

static struct lk_face_image sample(int64_t row, const char *path, const char *identity)
{
    struct lk_face_image image = {.row = row,
                                  .path = (char *)(uintptr_t)path,
                                  .identity = (char *)(uintptr_t)identity,
                                  .status = row >= 0 ? LK_FACE_EMBEDDED : LK_FACE_NONE,
                                  .n_faces = row >= 0,
                                  .width = 250,
                                  .height = 251,
                                  .norm = row >= 0 ? 23.456789f : NAN,
                                  .sharpness = row >= 0 ? 1.0f / 7 : NAN,
                                  .yaw = row >= 0 ? -12.3456789f : NAN,
                                  .age = row == 0 ? 33.3f : NAN};
    if (row >= 0) {
        image.face = (struct lk_face){.box = {-1.5f, 2, 100.1f, 1.0f / 3}, .score = 0.99f, .has = 0x27};
        for (int i = 0; i < LK_N_POINTS; i++)
            for (int j = 0; j < 2 && (image.face.has >> i & 1); j++)
                image.face.points[i][j] = (float)(i + j) / 7;
    }
    return image;
}

static void test_line_round_trip(void **state)
{
    (void)state;
    struct lk_face_image in[] = {
        sample(0, "set/a,b/x \"1\".jpg", "a,b"),
        sample(1, "caf\xe9\nline\r\n.jpg", "\xc3\xa9"),
        sample(-1, " blank ", NULL),
        sample(2, "x.jpg", NULL),
    };
    in[2].status = LK_FACE_UNREADABLE;
    in[2].message = (char *)(uintptr_t) "cut off, after 5 bytes";
    in[3].face = (struct lk_face){.box = {0}, .has = 0}; /* an aligned input */
    in[3].norm = INFINITY;
    char *text;
    size_t len;
    FILE *stream = open_memstream(&text, &len);
    fprintf(stream, "%s\n", lk_faces_csv_header);
    for (size_t i = 0; i < 4; i++)
        lk_faces_csv_write(stream, &in[i]);
    fclose(stream);
    struct lk_csv csv;
    struct lk_faces_columns columns;
    assert_int_equal(lk_csv_open(&csv, (uint8_t *)text, len, &err), LK_OK);
    assert_int_equal(lk_faces_csv_columns(&csv, &columns, &err), LK_OK);
    for (size_t i = 0; i < 4; i++) {
        struct lk_face_image got;
        int more;
        assert_int_equal(lk_csv_next(&csv, &more, &err), LK_OK);
        if (lk_faces_csv_read(&csv, &columns, &got, &err) != LK_OK)
            fail_msg("%s", err.text);
        assert_int_equal(got.row, in[i].row);
        assert_string_equal(got.path, in[i].path);
        assert_true(in[i].identity == NULL ? got.identity == NULL
                                           : strcmp(got.identity, in[i].identity) == 0);
        assert_true(in[i].message == NULL ? got.message == NULL : strcmp(got.message, in[i].message) == 0);
        assert_int_equal(got.status, in[i].status);
        assert_int_equal(got.width, 250);
        assert_int_equal(got.height, 251);
        assert_int_equal(got.n_faces, in[i].n_faces);
        assert_memory_equal(&got.face, &in[i].face, sizeof got.face);
        assert_true(i < 2 ? got.norm == in[i].norm : isnan(got.norm));
        assert_true(i != 2 ? got.sharpness == in[i].sharpness : isnan(got.sharpness));
        assert_true(i != 2 ? got.yaw == in[i].yaw : isnan(got.yaw));
        assert_true(i == 0 ? got.age == in[i].age : isnan(got.age));
        lk_face_image_free(&got);
    }
    lk_csv_close(&csv);
    free(text);
}

/* Columns count by their names: tables of older versions have no strata, others may have more or another
 * order. */
static void test_other_columns(void **state)
{
    (void)state;
    static const char old[] =
        "row,path,identity,status,faces,width,height,box_x,box_y,box_w,box_h,detector_score,left_eye_x,"
        "left_eye_y,right_eye_x,right_eye_y,nose_x,nose_y,mouth_left_x,mouth_left_y,mouth_right_x,"
        "mouth_right_y,mouth_x,mouth_y,feature_norm,message\n"
        "7,a.jpg,anna,ok,2,30,40,1,2,3,4,0.5,,,,,,,,,,,,,9.5,\n";
    static const char moved[] = "age,group:hair,message,feature_norm,path,row,identity,status,faces,width,"
                                "height,box_x,box_y,box_w,box_h,"
                                "detector_score,left_eye_x,left_eye_y,right_eye_x,right_eye_y,nose_x,nose_y,"
                                "mouth_left_x,mouth_left_y,"
                                "mouth_right_x,mouth_right_y,mouth_x,mouth_y,path\n"
                                "55.5,red,,9.5,a.jpg,7,anna,ok,2,30,40,1,2,3,4,0.5,,,,,,,,,,,,,b.jpg\n";
    const char *const texts[] = {old, moved};
    for (int i = 0; i < 2; i++) {
        struct lk_csv csv;
        struct lk_faces_columns columns;
        struct lk_face_image got;
        int more;
        assert_int_equal(lk_csv_open(&csv, (const uint8_t *)texts[i], strlen(texts[i]), &err), LK_OK);
        assert_int_equal(lk_faces_csv_columns(&csv, &columns, &err), LK_OK);
        assert_int_equal(lk_csv_next(&csv, &more, &err), LK_OK);
        assert_int_equal(lk_faces_csv_read(&csv, &columns, &got, &err), LK_OK);
        assert_int_equal(got.row, 7);
        assert_string_equal(got.path, "a.jpg");
        assert_string_equal(got.identity, "anna");
        assert_int_equal(got.height, 40);
        assert_true(got.face.score == 0.5f && got.norm == 9.5f);
        assert_true(isnan(got.sharpness) && isnan(got.yaw));
        assert_true(i == 0 ? isnan(got.age) : got.age == 55.5f);
        lk_face_image_free(&got);
        lk_csv_close(&csv);
    }
    static const char less[] = "row,identity,status\n0,x,ok\n";
    struct lk_csv csv;
    struct lk_faces_columns columns;
    assert_int_equal(lk_csv_open(&csv, (const uint8_t *)less, strlen(less), &err), LK_OK);
    assert_int_equal(lk_faces_csv_columns(&csv, &columns, &err), LK_EFORMAT);
    assert_non_null(strstr(err.text, "no column 'path'"));
    lk_csv_close(&csv);
}

static void test_damaged_lines(void **state)
{
    (void)state;
    static const char *const bad[][2] = {
        {"0,x,,maybe,1,1,1,,,,,,,,,,,,,,,,,,,,,,", "'maybe', expected ok, no_face, unreadable or excluded"},
        {",x,,ok,1,1,1,,,,,,,,,,,,,,,,,,,,,,", "status 'ok' without a row number"},
        {"0,x,,no_face,1,1,1,,,,,,,,,,,,,,,,,,,,,,", "status 'no_face' with a row number"},
        {"0,,,ok,1,1,1,,,,,,,,,,,,,,,,,,,,,,", "column 'path': empty"},
        {"0,x,,ok,1,99999999999,1,,,,,,,,,,,,,,,,,,,,,,", "column 'width': 99999999999 is too large"},
        {"0,x,,ok,1,1,1,1,2,,3,,,,,,,,,,,,,,,,,,", "column 'box_w': '', expected a number"},
        {"0,x,,ok,1,1,1,,,,,,1,,,,,,,,,,,,,,,,", "column 'left_eye_y'"},
        {"0,x,,ok,1,1,1,,,,,1e40,,,,,,,,,,,,,,,,,", "column 'detector_score': 1e+40 is too large"},
        {"0,x,,ok,1,1,1,,,,,,,,,,,,,,,,,,,sharp,,,", "column 'sharpness': 'sharp', expected a number"},
        {"0,x,,ok,1,1,1,,,,,,,,,,,,,,,,,,,,,1e99,", "column 'age': 1e+99 is too large"},
        {"-3,x,,ok,1,1,1,,,,,,,,,,,,,,,,,,,,,,", "column 'row': '-3'"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct lk_csv csv;
        struct lk_faces_columns columns;
        struct lk_face_image got;
        int more;
        struct lk_str s = LK_STR_INIT;
        lk_str_addf(&s, NULL, "%s\n%s\n", lk_faces_csv_header, bad[i][0]);
        assert_int_equal(lk_csv_open(&csv, (uint8_t *)s.text, s.len, &err), LK_OK);
        assert_int_equal(lk_faces_csv_columns(&csv, &columns, &err), LK_OK);
        assert_int_equal(lk_csv_next(&csv, &more, &err), LK_OK);
        assert_int_equal(lk_faces_csv_read(&csv, &columns, &got, &err), LK_EFORMAT);
        if (strstr(err.text, bad[i][1]) == NULL)
            fail_msg("'%s' does not say '%s'", err.text, bad[i][1]);
        lk_csv_close(&csv);
        lk_str_free(&s);
    }
}

/* Writes a FACES directory with the given rows in its matrix and images in its table. */
static const char *make(const char *name, uint64_t rows, const struct lk_face_image *images, size_t n,
                        const char *meta)
{
    const char *dir = temp_dir(name);
    char file[4200];
    snprintf(file, sizeof file, "%s/embeddings.npy", dir);
    FILE *f = fopen(file, "wb");
    lk_npy_write_header(f, rows, 2, NULL);
    for (uint64_t i = 0; i < 2 * rows; i++)
        fwrite(&(float){(float)i}, sizeof(float), 1, f);
    fclose(f);
    snprintf(file, sizeof file, "%s/images.csv", dir);
    f = fopen(file, "wb");
    fprintf(f, "%s\n", lk_faces_csv_header);
    for (size_t i = 0; i < n; i++)
        lk_faces_csv_write(f, &images[i]);
    fclose(f);
    snprintf(file, sizeof file, "%s/meta.json", name);
    temp_text(file, meta);
    return dir;
}

#define META                                                                                                 \
    "{\"kind\": \"faces\", \"format\": 1, \"working_directory\": \"/w\", \"counts\": {\"images\": 5, "       \
    "\"embedded\": 4}}"

static void test_open(void **state)
{
    (void)state;
    const struct lk_face_image images[] = {sample(0, "b/1.jpg", "b"), sample(-1, "b/2.jpg", "b"),
                                           sample(1, "b/3.jpg", "b"), sample(2, "/abs/4.jpg", "a"),
                                           sample(3, "b/5.jpg", "b")};
    const char *dir = make("good", 4, images, 5, META);
    struct lk_faces faces;
    if (lk_faces_open(&faces, NULL, dir, &err) != LK_OK)
        fail_msg("%s", err.text);
    assert_string_equal(faces.path, dir);
    assert_int_equal(faces.matrix.rows, 4);
    assert_int_equal(faces.n_images, 5);
    assert_int_equal(faces.n_identities, 2);
    assert_string_equal(lk_faces_image(&faces, 1)->path, "b/3.jpg");
    assert_ptr_equal(faces.images[0].identity, faces.images[1].identity); /* one string for the whole run */
    char *path = lk_faces_image_path(&faces, lk_faces_image(&faces, 0), &err);
    assert_string_equal(path, "/w/b/1.jpg");
    free(path);
    path = lk_faces_image_path(&faces, lk_faces_image(&faces, 2), &err);
    assert_string_equal(path, "/abs/4.jpg");
    free(path);
    lk_faces_close(&faces);

    struct lk_str npy = LK_STR_INIT;
    lk_str_addf(&npy, NULL, "%s/embeddings.npy", dir);
    assert_int_equal(lk_faces_open(&faces, NULL, npy.text, &err), LK_OK);
    assert_int_equal(faces.matrix.rows, 4);
    assert_int_equal(faces.n_images, 0);
    assert_null(faces.meta);
    assert_null(lk_faces_image(&faces, 0));
    lk_faces_close(&faces);
    lk_str_free(&npy);
}

static void refuse(const char *path, lk_status code, const char *why)
{
    struct lk_faces faces;
    assert_int_equal(lk_faces_open(&faces, NULL, path, &err), code);
    if (strstr(err.text, why) == NULL)
        fail_msg("'%s' does not say '%s'", err.text, why);
}

static void test_refuses(void **state)
{
    (void)state;
    struct lk_face_image images[] = {sample(0, "1.jpg", NULL), sample(1, "2.jpg", NULL)};
    const char *meta = "{\"kind\": \"faces\", \"format\": 1}";
    refuse(make("few", 1, images, 2, meta), LK_EFORMAT,
           "images.csv: line 3: row 1, but embeddings.npy has only 1 rows");
    refuse(make("many", 3, images, 2, meta), LK_EFORMAT,
           "2 images with a row, but embeddings.npy has 3 rows");
    images[1].row = 2;
    refuse(make("gap", 3, images, 2, meta), LK_EFORMAT, "line 3: row 2, expected row 1");
    images[1].row = 1;
    refuse(make("kind", 2, images, 2, "{\"kind\": \"match\", \"format\": 1}"), LK_EFORMAT,
           "\"kind\" is \"match\", expected \"faces\"");
    refuse(make("format", 2, images, 2, "{\"kind\": \"faces\", \"format\": 2}"), LK_EFORMAT,
           "\"format\" is 2");
    refuse(make("counts", 2, images, 2, "{\"kind\":\"faces\",\"format\":1,\"counts\":{\"images\":3}}"),
           LK_EFORMAT, "\"images\" is 3, but images.csv lists 2");
    refuse(make("dim", 2, images, 2, "{\"kind\":\"faces\",\"format\":1,\"model\":{\"dim\":512}}"), LK_EFORMAT,
           "\"dim\" is 512, but embeddings.npy has vectors of length 2");
    const char *dir = make("part", 2, images, 2, meta);
    char file[4200];
    snprintf(file, sizeof file, "%s/meta.json", dir);
    unlink(file);
    refuse(dir, LK_EFORMAT, "this folder has no meta.json; expected a FACES directory");
    snprintf(file, sizeof file, "%s/embeddings.npy", dir);
    unlink(file);
    refuse(dir, LK_EFORMAT, "has no embeddings.npy");
    refuse(temp_text("text.txt", "hello"), LK_EFORMAT, "text.txt: not a file of embeddings that is known");
    refuse(temp_text("empty", ""), LK_EFORMAT, "the file is empty, expected embeddings");
    refuse(temp_path("nowhere"), LK_EIO, "expected a FACES directory");
    refuse("/dev/null", LK_EFORMAT, "expected a regular file");
    struct lk_faces none;
    dir = make("none", 0, images, 0, meta);
    assert_int_equal(lk_faces_open(&none, NULL, dir, &err), LK_OK);
    assert_int_equal(none.matrix.rows, 0);
    assert_int_equal(none.n_identities, 0);
    lk_faces_close(&none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_line_round_trip), cmocka_unit_test(test_other_columns),
        cmocka_unit_test(test_damaged_lines),   cmocka_unit_test(test_open),
        cmocka_unit_test(test_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
