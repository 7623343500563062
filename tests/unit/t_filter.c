/* SPDX-License-Identifier: Apache-2.0 */
/* t_filter.c - conditions on what images.csv says of an image. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "formats/filter.h"

static struct lk_filter parsed(const char *text)
{
    struct lk_filter f;
    lk_error err;
    if (lk_filter_parse(text, &f, &err) != LK_OK)
        fail_msg("%s", err.text);
    assert_string_equal(f.text, text);
    return f;
}

static enum lk_filter_answer ask(const char *text, const struct lk_face_image *image)
{
    struct lk_filter f = parsed(text);
    enum lk_filter_answer answer = lk_filter_ask(&f, image, 0);
    lk_filter_free(&f);
    return answer;
}

static void test_numbers(void **state)
{
    (void)state;
    struct lk_face_image image = LK_FACE_IMAGE_INIT;
    image.age = 18;
    image.yaw = -40;
    image.sharpness = 0.25f;
    image.face.score = 0.75f;
    assert_int_equal(ask("age>=18", &image), LK_FILTER_YES);
    assert_int_equal(ask("age > 18", &image), LK_FILTER_NO);
    assert_int_equal(ask("age<=18", &image), LK_FILTER_YES);
    assert_int_equal(ask(" age < 1.8e1 ", &image), LK_FILTER_NO);
    assert_int_equal(ask("yaw<=45", &image), LK_FILTER_YES); /* its size */
    assert_int_equal(ask("yaw<=39.5", &image), LK_FILTER_NO);
    assert_int_equal(ask("sharpness>=0.25", &image), LK_FILTER_YES);
    assert_int_equal(ask("detector_score<0.75", &image), LK_FILTER_NO);
    assert_int_equal(ask("feature_norm>0", &image), LK_FILTER_UNKNOWN);
    image.age = NAN;
    image.face.score = 0;
    assert_int_equal(ask("age>=18", &image), LK_FILTER_UNKNOWN);
    assert_int_equal(ask("age<18", &image), LK_FILTER_UNKNOWN);
    assert_int_equal(ask("detector_score>=0", &image), LK_FILTER_UNKNOWN);
}

static void test_groups(void **state)
{
    (void)state;
    char red[] = "red", twice[] = "a = b>=c";
    char *groups[] = {red};
    struct lk_face_image image = LK_FACE_IMAGE_INIT;
    image.groups = groups;
    image.n_groups = 1;
    struct lk_filter f = parsed("group:hair colour = red");
    assert_string_equal(f.group, "hair colour");
    assert_string_equal(f.value, "red");
    lk_filter_free(&f);
    assert_int_equal(ask("group:x=red", &image), LK_FILTER_YES);
    assert_int_equal(ask("group:x!=red", &image), LK_FILTER_NO);
    assert_int_equal(ask("group:x!=blue", &image), LK_FILTER_YES);
    groups[0] = twice; /* the first operator counts */
    assert_int_equal(ask("group:x=a = b>=c", &image), LK_FILTER_YES);
    groups[0] = NULL;
    assert_int_equal(ask("group:x=red", &image), LK_FILTER_UNKNOWN);
    assert_int_equal(ask("group:x!=red", &image), LK_FILTER_UNKNOWN);
    image.n_groups = 0;
    assert_int_equal(ask("group:x!=red", &image), LK_FILTER_UNKNOWN);
}

static void test_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",         "age",       "age>=",    "age>=x",   "age=18",     "age!=18",   "ages>1",    "age>=nan",
        "age>=inf", "age>=0x12", "age>=1 2", "age>==1",  "group:=",    "group:=a",  "group:x>1", "group:x",
        "group:x=", "group:x!a", ">=18",     "age>>=18", "age>=1e999", "group:x= ", "18<=age",   "age=>18"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct lk_filter f;
        lk_error err = {.text = ""};
        if (lk_filter_parse(bad[i], &f, &err) != LK_EINVAL)
            fail_msg("'%s' was taken", bad[i]);
        assert_non_null(strstr(err.text, "expected age, sharpness"));
    }
}

static void test_sets(void **state)
{
    (void)state;
    char path[] = "made.faces", colour[] = "colour";
    char *names[] = {colour};
    struct lk_face_image images[] = {LK_FACE_IMAGE_INIT, LK_FACE_IMAGE_INIT};
    struct lk_faces faces = {.path = path};
    size_t column;
    lk_error err;
    assert_int_equal(lk_face_field_find(&faces, LK_FIELD_AGE, NULL, &column, &err), LK_EINVAL);
    assert_non_null(strstr(err.text, "made.faces: a file of embeddings without images.csv"));
    faces.images = images;
    faces.n_images = 2;
    assert_int_equal(lk_face_field_find(&faces, LK_FIELD_AGE, NULL, &column, &err), LK_EINVAL);
    assert_non_null(strstr(err.text, "no image has a value of age"));
    assert_non_null(strstr(err.text, "likeness embed --age"));
    images[1].age = 20;
    assert_int_equal(lk_face_field_find(&faces, LK_FIELD_AGE, NULL, &column, &err), LK_OK);
    faces.group_names = names;
    faces.n_groups = 1;
    assert_int_equal(lk_face_field_find(&faces, LK_FIELD_GROUP, "colour", &column, &err), LK_OK);
    assert_int_equal(column, 0);
    assert_int_equal(lk_face_field_find(&faces, LK_FIELD_GROUP, "hair", &column, &err), LK_EINVAL);
    assert_non_null(strstr(err.text, "no column group:hair"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_sets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
