/* SPDX-License-Identifier: Apache-2.0 */
/* t_msgpack.c - MessagePack values byte by byte: every type, where the picture and the label are, what is
 * refused. (As python3-msgpack writes them, in LMDB files of python3-lmdb: tests/oracle/records.py.) */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "formats/msgpack.h"

static lk_error err;

#define BYTES(text) ((const uint8_t *)(text)), sizeof(text) - 1

/* label -1 = none. No prefix of a value is one: the label is the last thing that is read. */
static void face(const uint8_t *bytes, size_t len, size_t picture, size_t picture_len, int64_t label)
{
    struct lk_msgpack_face f;
    if (lk_msgpack_face_parse(bytes, len, &f, &err) != LK_OK)
        fail_msg("%s", err.text);
    assert_int_equal(f.picture, picture);
    assert_int_equal(f.picture_len, picture_len);
    assert_int_equal(f.has_label, label >= 0);
    assert_int_equal(f.label, label >= 0 ? (uint64_t)label : 0);
    for (size_t cut = 0; cut < len; cut++)
        assert_int_equal(lk_msgpack_face_parse(bytes, cut, &f, &err), LK_EFORMAT);
}
#define FACE(text, ...) face(BYTES(text), __VA_ARGS__)

static void refuse(const uint8_t *bytes, size_t len, const char *why)
{
    struct lk_msgpack_face f;
    assert_int_equal(lk_msgpack_face_parse(bytes, len, &f, &err), LK_EFORMAT);
    if (strstr(err.text, why) == NULL)
        fail_msg("'%s' does not say '%s'", err.text, why);
}
#define REFUSE(text, why) refuse(BYTES(text), why)

static void test_faces(void **state)
{
    (void)state;
    FACE("\x92\xc4\3abc\5", 3, 3, 5);
    FACE("\x92\xc5\0\3abc\xcc\xff", 4, 3, 255);
    FACE("\x92\xc6\0\0\0\3abc\xcd\1\0", 6, 3, 256);
    FACE("\x92\xa3"
         "abc\xce\0\1\0\0",
         2, 3, 65536); /* text, as writers put bytes before bin was there */
    FACE("\x92\xd9\3abc\xcf\0\0\0\1\0\0\0\0", 3, 3, (int64_t)1 << 32);
    FACE("\x92\xda\0\3abc\xd0\x7f", 4, 3, 127);
    FACE("\x92\xdb\0\0\0\3abc\xd1\1\0", 6, 3, 256);
    FACE("\xdc\0\2\xa1x\xd2\0\0\1\0", 4, 1, 256);
    FACE("\xdd\0\0\0\2\xa1x\xd3\0\0\0\0\0\0\0\7", 6, 1, 7);
    FACE("\x91\xc4\0", 3, 0, -1);
    FACE("\x92\xa1x\xff", 2, 1, -1); /* negative numbers are no labels */
    FACE("\x92\xa1x\xd0\x80", 2, 1, -1);
    FACE("\x92\xa1x\xcb\0\0\0\0\0\0\0\0", 2, 1, -1); /* nor is a float */
    FACE("\x93\xa1x\xc4\2ff\4", 2, 1, 4);            /* a feature before the label */
    FACE("\x93\xa1x\x93\1\2\x82\1\2\3\4\x09", 2, 1, 9);
    FACE("\x9a\xa1x\xc0\xc2\xc3\xca\1\2\3\4\xd4\1\2\xd8\1"
         "0123456789abcdef\xc7\2\1xy\x80\3",
         2, 1, 3);
    struct lk_msgpack_face f; /* what stands behind the label is not looked at */
    assert_int_equal(lk_msgpack_face_parse(BYTES("\x93\xa1x\3\xc1"), &f, &err), LK_OK);
}

static void test_refuses(void **state)
{
    (void)state;
    REFUSE("", "cut off after 0 bytes");
    REFUSE("\xff\xd8\xff", "MessagePack type 0xff, expected a list [picture, ..., label]");
    REFUSE("\x90", "MessagePack type 0x90, expected a list");
    REFUSE("\x81\xa1x\1", "MessagePack type 0x81, expected a list");
    REFUSE("\x92\5\xa1x", "MessagePack type 0x05 as the first element, expected a picture's bytes");
    REFUSE("\x92\x91\xa1x\5", "MessagePack type 0x91 as the first element");
    REFUSE("\x92\xa1x\xc1", "0xc1 at byte 3 is no MessagePack type");
    REFUSE("\x92\xc4\5abc", "cut off: type 0xc4 at its byte 1 of 6");
    REFUSE("\x92\xc6\xff\xff\xff\xff", "cut off: type 0xc6");
    REFUSE("\xdd\xff\xff\xff\xff\xa1x", "cut off: 4294967295 elements at its byte 0 of 7");
    REFUSE("\x92\xa1x\xdf\xff\xff\xff\xff", "cut off: 8589934590 elements");
    REFUSE("\x92\xa1x\x91\x91\x91\x91", "cut off");
}

static void test_counts(void **state)
{
    (void)state;
    uint64_t n;
    assert_int_equal(lk_msgpack_number(BYTES("\xcd\1\0"), &n, &err), LK_OK);
    assert_int_equal(n, 256);
    assert_int_equal(lk_msgpack_number(BYTES("\1\1"), &n, &err), LK_EFORMAT);
    assert_int_equal(lk_msgpack_number(BYTES("\xff"), &n, &err), LK_EFORMAT);
    assert_int_equal(lk_msgpack_count(BYTES("\x92\xa1x\xa1y"), &n, &err), LK_OK);
    assert_int_equal(n, 2);
    assert_int_equal(lk_msgpack_count(BYTES("\7"), &n, &err), LK_EFORMAT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_faces),
        cmocka_unit_test(test_refuses),
        cmocka_unit_test(test_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
