/* SPDX-License-Identifier: Apache-2.0 */
/* t_json.c - JSON objects: damaged ones, typed members, writing, texts that are not UTF-8. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "formats/json.h"
#include "temp.h"

static lk_error err;

static lk_status parse(const char *text, json_t **out)
{
    return lk_json_parse((const uint8_t *)text, strlen(text), out, &err);
}

static void test_damaged(void **state)
{
    (void)state;
    json_t *value = NULL;
    const char *bad[] = {"",
                         "{",
                         "[1]",
                         "{\"a\": 1, \"a\": 2}",
                         "{\"a\": 1} x",
                         "{'a': 1}",
                         "{a: 1}",
                         "{\"a\": NaN}",
                         "{\"a\": 1e999}",
                         "{\"a\": \"\xff\"}",
                         "{\"a\": 1,}",
                         "null",
                         "{\"a\": \"\\u0000\"}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(parse(bad[i], &value), LK_EFORMAT);
        assert_non_null(strstr(err.text, "expected a JSON object"));
        assert_null(value);
    }
    char deep[20001];
    memset(deep, '[', sizeof deep - 1);
    deep[sizeof deep - 1] = '\0';
    assert_int_equal(parse(deep, &value), LK_EFORMAT);
    const char *path = temp_text("bad.json", "{\n  \"a\": tru\n}");
    assert_int_equal(lk_json_read(path, &value, &err), LK_EFORMAT);
    assert_non_null(strstr(err.text, "/bad.json: line 2, column"));
    assert_int_equal(lk_json_read(temp_path("missing.json"), &value, &err), LK_EIO);
}

static void test_members(void **state)
{
    (void)state;
    json_t *value;
    assert_int_equal(parse("{\"s\": \"x\", \"i\": 7, \"r\": 0.5, \"n\": null, \"o\": {}}", &value), LK_OK);
    const char *s = "old";
    double r = -1;
    int64_t i = -1;
    assert_int_equal(lk_json_string(value, "s", 1, &s, "f", &err), LK_OK);
    assert_string_equal(s, "x");
    assert_int_equal(lk_json_real(value, "r", 1, &r, "f", &err), LK_OK);
    assert_true(r == 0.5);
    assert_int_equal(lk_json_real(value, "i", 1, &r, "f", &err), LK_OK);
    assert_true(r == 7);
    assert_int_equal(lk_json_integer(value, "i", 1, &i, "f", &err), LK_OK);
    assert_int_equal(i, 7);
    assert_int_equal(lk_json_integer(value, "none", 0, &i, "f", &err), LK_OK);
    assert_int_equal(lk_json_integer(value, "n", 0, &i, "f", &err), LK_OK);
    assert_int_equal(i, 7); /* left alone */
    assert_int_equal(lk_json_integer(value, "r", 0, &i, "f", &err), LK_EFORMAT);
    assert_string_equal(err.text, "f: \"r\" is a number with a fraction, expected a whole number");
    assert_int_equal(lk_json_string(value, "none", 1, &s, "f", &err), LK_EFORMAT);
    assert_string_equal(err.text, "f: \"none\" is missing, expected a string");
    assert_int_equal(lk_json_string(value, "n", 1, &s, "f", &err), LK_EFORMAT);
    assert_string_equal(err.text, "f: \"n\" is null, expected a string");
    assert_int_equal(lk_json_real(value, "o", 1, &r, "f", &err), LK_EFORMAT);
    assert_int_equal(lk_json_real(NULL, "o", 1, &r, "f", &err), LK_EFORMAT);
    json_decref(value);
}

static void test_write(void **state)
{
    (void)state;
    json_t *value = json_pack("{s:i,s:[f],s:s}", "z", 1, "a", 0.1, "m", "\xc3\xa9"), *again = NULL;
    const char *path = temp_path("out.json");
    assert_int_equal(lk_json_write(path, value, &err), LK_OK);
    assert_int_equal(lk_json_read(path, &again, &err), LK_OK);
    assert_true(json_equal(value, again));
    FILE *f = fopen(path, "rb");
    char text[200];
    size_t n = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    text[n] = '\0';
    assert_true(strncmp(text, "{\n  \"z\": 1,\n", 12) == 0);
    assert_int_equal(text[n - 1], '\n');
    json_decref(again);
    json_decref(value);
    value = json_object();
    assert_int_equal(lk_json_write(temp_path("none/out.json"), value, &err), LK_EIO);
    json_decref(value);
}

static void check_text(const char *in, const char *want)
{
    json_t *value = lk_json_text(in);
    assert_non_null(value);
    assert_string_equal(json_string_value(value), want);
    json_decref(value);
}

static void test_text(void **state)
{
    (void)state;
#define R "\xef\xbf\xbd"
    check_text("", "");
    check_text("caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80");
    check_text("caf\xe9", "caf" R); /* Latin-1 */
    check_text("\xc0\xaf", R R);    /* overlong */
    check_text("\xe0\x80\xaf", R R R);
    check_text("\xed\xa0\x80", R R R);       /* surrogate */
    check_text("\xf4\x90\x80\x80", R R R R); /* beyond Unicode */
    check_text("\xe2\x82", R R);             /* cut off */
    check_text("\xff\x80x", R R "x");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_members),
        cmocka_unit_test(test_write),
        cmocka_unit_test(test_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
