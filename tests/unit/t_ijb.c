/* SPDX-License-Identifier: Apache-2.0 */
/* t_ijb.c - the tables of IJB-B and IJB-C. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "formats/ijb.h"

static lk_error err;

static void expect_words(const char *words)
{
    if (strstr(err.text, words) == NULL)
        fail_msg("expected '%s' in: %s", words, err.text);
}

static void test_images(void **state)
{
    (void)state;
    const char *text = "1.jpg 1 69544\r\n\n  frames/a b.c.png\t4294967295  0 \nx 2 3";
    struct lk_ijb_images images;
    assert_int_equal(lk_ijb_images_parse(&images, (const uint8_t *)text, strlen(text), &err), LK_OK);
    assert_int_equal(images.n, 3);
    assert_true(images.items[0].template_id == 1 && images.items[0].media == 69544);
    assert_true(images.items[0].name_len == 5 && memcmp(images.items[0].name, "1.jpg", 5) == 0);
    assert_true(images.items[1].template_id == UINT32_MAX && images.items[1].media == 0);
    assert_true(images.items[1].name_len == 16 && memcmp(images.items[1].name, "frames/a b.c.png", 16) == 0);
    assert_true(images.items[2].template_id == 2 && images.items[2].media == 3);
    lk_ijb_images_free(&images);
}

static void test_bad_images(void **state)
{
    (void)state;
    static const struct {
        const char *text, *words;
    } bad[] = {
        {"", "empty"},
        {" \r\n\t\n", "empty"},
        {"1 2\n", "line 1: found '1 2'"},
        {"a 1 2\nb 1\n", "line 2: found 'b 1'"},
        {"a 1 x\n", "line 1"},
        {"a -1 2\n", "line 1"},
        {"a 1 4294967296\n", "line 1"},
        {"a 99999999999999999999 1\n", "line 1"},
        {"a,1,2\n", "expected \"name template media\""},
    };
    struct lk_ijb_images images;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const uint8_t *bytes = (const uint8_t *)bad[i].text;
        assert_int_equal(lk_ijb_images_parse(&images, bytes, strlen(bad[i].text), &err), LK_EFORMAT);
        expect_words(bad[i].words);
    }
    assert_int_equal(lk_ijb_images_parse(&images, (const uint8_t *)"a\0b 1 2", 7, &err), LK_EFORMAT);
    assert_int_equal(lk_ijb_images_parse(&images, NULL, 0, &err), LK_EFORMAT);
    char name[4200];
    memset(name, 'A', sizeof name);
    memcpy(name + 4097, " 1 2", 4);
    assert_int_equal(lk_ijb_images_parse(&images, (const uint8_t *)name, 4101, &err), LK_EFORMAT);
    assert_int_equal(lk_ijb_images_parse(&images, (const uint8_t *)name + 1, 4100, &err), LK_OK);
    lk_ijb_images_free(&images);
}

/* Whatever the size of the pieces, the lines are the same. */
static void test_pairs(void **state)
{
    (void)state;
    const char *text = "1 11065 1\n\n1\t11066 0\r\n  4294967295 0 1";
    for (size_t room = 1; room <= 4; room++) {
        struct lk_ijb_pairs reader = {.bytes = (const uint8_t *)text, .len = strlen(text)};
        struct lk_ijb_pair found[8];
        size_t total = 0, n;
        do {
            assert_int_equal(lk_ijb_pairs_next(&reader, found + total, room, &n, &err), LK_OK);
            assert_true(n <= room);
            total += n;
        } while (n > 0);
        assert_int_equal(total, 3);
        assert_true(found[0].template_id[0] == 1 && found[0].template_id[1] == 11065 && found[0].genuine);
        assert_true(found[1].template_id[1] == 11066 && !found[1].genuine && found[1].line == 3);
        assert_true(found[2].template_id[0] == UINT32_MAX && found[2].line == 4);
    }
}

static void test_bad_pairs(void **state)
{
    (void)state;
    static const char *const bad[] = {"1 2\n",    "1 2 2\n",   "1 2 3 1\n",        "a 2 1\n",
                                      "1 2 -1\n", "1 2 1.0\n", "4294967296 1 1\n", "1,2,1\n"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char text[100] = "5 6 0\n";
        strcat(text, bad[i]);
        struct lk_ijb_pairs reader = {.bytes = (const uint8_t *)text, .len = strlen(text)};
        struct lk_ijb_pair found[4];
        size_t n;
        assert_int_equal(lk_ijb_pairs_next(&reader, found, 4, &n, &err), LK_EFORMAT);
        expect_words("line 2: found '");
        expect_words("expected \"template template label\"");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_images),
        cmocka_unit_test(test_bad_images),
        cmocka_unit_test(test_pairs),
        cmocka_unit_test(test_bad_pairs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
