/* SPDX-License-Identifier: Apache-2.0 */
/* t_insightface_bin.c - pickles of pairs opcode by opcode: what is followed, and that all else is refused.
 * (As Python writes them: tests/oracle/records.py.) */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "formats/insightface_bin.h"

static lk_error err;

#define BYTES(text) ((const uint8_t *)(text)), sizeof(text) - 1
#define HEAD "\x80\x03"
#define TWO "](C\1aC\2bce" /* a list of "a" and "bc" */
#define REFUSE(bytes, why) refuse(BYTES(bytes), why)

static void refuse(const uint8_t *bytes, size_t len, const char *why)
{
    struct lk_bin bin;
    assert_int_equal(lk_bin_parse(&bin, bytes, len, &err), LK_EFORMAT);
    if (strstr(err.text, why) == NULL)
        fail_msg("'%s' does not say '%s'", err.text, why);
}

static void test_follows(void **state)
{
    (void)state;
    static const char file[] = HEAD TWO "]\x88"
                                        "a\x86.";
    struct lk_bin bin;
    assert_int_equal(lk_bin_parse(&bin, BYTES(file), &err), LK_OK);
    assert_int_equal(bin.n_pairs, 1);
    assert_true(bin.same[0]);
    assert_int_equal(bin.pictures[0].offset, 6);
    assert_int_equal(bin.pictures[0].len, 1);
    assert_memory_equal(file + bin.pictures[1].offset, "bc", 2);
    assert_int_equal(bin.pictures[1].len, 2);
    assert_false(bin.pictures[1].latin1);
    lk_bin_free(&bin);
    for (size_t cut = 0; cut < sizeof file - 1; cut++) /* no prefix of a good file is a good file */
        assert_int_equal(lk_bin_parse(&bin, (const uint8_t *)file, cut, &err), LK_EFORMAT);
    /* every width of a length, the memo, and bytes as text */
    static const char all[] = "\x80\x04\x95\x10\0\0\0\0\0\0\0]\x94(T\1\0\0\0aB\1\0\0\0b\x8e\1\0\0\0\0\0\0\0c"
                              "c_codecs\nencode\nq\1X\3\0\0\0"
                              "a\xc3\xbf"
                              "\x8c\6latin1\x86Rr\2\0\0\0e]\x94(\x88\x89"
                              "e\x86.";
    assert_int_equal(lk_bin_parse(&bin, BYTES(all), &err), LK_OK);
    assert_int_equal(bin.n_pairs, 2);
    assert_true(bin.same[0] && !bin.same[1]);
    assert_true(bin.pictures[3].latin1);
    uint8_t text[3];
    size_t len = bin.pictures[3].len;
    assert_int_equal(len, sizeof text);
    memcpy(text, all + bin.pictures[3].offset, len);
    assert_int_equal(lk_bin_latin1(text, &len, 0, &err), LK_OK);
    assert_int_equal(len, 2);
    assert_memory_equal(text, "a\xff", 2);
    lk_bin_free(&bin);
    static const char *const no_bytes[] = {"a\xc4\x80", "\xc3", "\x80", "\xc3z", "\xff\xff"};
    for (size_t i = 0; i < sizeof no_bytes / sizeof *no_bytes; i++) {
        len = strlen(no_bytes[i]);
        memcpy(text, no_bytes[i], len);
        assert_int_equal(lk_bin_latin1(text, &len, 100, &err), LK_EFORMAT);
    }
}

/* Every opcode but those of the reader, at a place where it is the only thing wrong. */
static void test_opcodes(void **state)
{
    (void)state;
    static const char known[] = "(]aeUCTBXqrhjcR.\x8e\x8c\x88\x89\x94\x95\x86";
    for (int op = 0; op < 256; op++) {
        if (memchr(known, op, sizeof known - 1) != NULL)
            continue;
        uint8_t file[] = {0x80, 3, ']', (uint8_t)op, 0, 0, 0, 0, 0, 0, 0, 0, '.'};
        char want[80];
        snprintf(want, sizeof want, "opcode 0x%02x at byte 3: it is none of those that such a file needs",
                 op);
        refuse(file, sizeof file, want);
    }
}

static void test_refuses(void **state)
{
    (void)state;
    REFUSE("", "no pickle of protocol 2 or later: it starts with byte 0x00");
    REFUSE("(lp0\n.", "it starts with byte 0x28");
    REFUSE("\x80\1].", "a protocol other than 2 to 5");
    REFUSE("\x80\6].", "a protocol other than 2 to 5");
    REFUSE(HEAD "]]].", "opcode 0x5d at byte 4: a third list");
    REFUSE(HEAD ".", "opcode 0x2e at byte 2: the pickle ends without a pair of lists");
    REFUSE(HEAD "(.", "without a pair of lists");
    REFUSE(HEAD TWO "]\x88"
                    "a\x86(.",
           "without a pair of lists");
    REFUSE(HEAD TWO "]\x88"
                    "a\x86.x",
           "1 bytes behind the end of the pickle");
    REFUSE(HEAD TWO "]\x86.", "no pairs: 2 pictures and 0 booleans");
    REFUSE(HEAD "](\x88\x88"
                "e]\x88"
                "a\x86.",
           "expected first the list of pictures");
    REFUSE(HEAD TWO "](\x88\x88"
                    "e\x86.",
           "2 pictures and 2 booleans, expected two pictures for each");
    REFUSE(HEAD "](C\1a\x88"
                "e",
           "a list with both pictures and booleans");
    REFUSE(HEAD "](\x8c\1ae", "a list with other things than pictures");
    REFUSE(HEAD "](((C\1ae", "it appends to what is no list");
    REFUSE(HEAD "C\1aa", "it appends to what is no list");
    REFUSE(HEAD "a", "there is nothing to append");
    REFUSE(HEAD "e", "there is no mark before it");
    REFUSE(HEAD "(e", "it appends to what is no list");
    REFUSE(HEAD "]e", "there is no mark before it");
    REFUSE(HEAD "q\0", "there is nothing to remember");
    REFUSE(HEAD "(q\0", "there is nothing to remember");
    REFUSE(HEAD "]q\2", "its number is too high");
    REFUSE(HEAD "]r\xff\xff\xff\xff", "its number is too high");
    REFUSE(HEAD "]q\1h\0", "it recalls what was never remembered");
    REFUSE(HEAD "j\0\0\0\0", "it recalls what was never remembered");
    REFUSE(HEAD "C\5abcd", "opcode 0x43 at byte 2: its string goes on behind the end of the file");
    REFUSE(HEAD "T\xff\xff\xff\xff", "its string goes on");
    REFUSE(HEAD "\x8e\xff\xff\xff\xff\xff\xff\xff\xff", "its string goes on");
    REFUSE(HEAD "B\1\0", "the file ends inside it");
    REFUSE("\x80\4\x95\xff\0\0\0\0\0\0\0].", "its frame goes on behind the end of the file");
    REFUSE(HEAD "cos\nsystem\n", "opcode 0x63 at byte 2: it names a function, which is never called");
    REFUSE(HEAD "c_codecs\nencoder\n", "it names a function");
    REFUSE(HEAD "c_codecs\nencode\nR", "it calls a function");
    REFUSE(HEAD "c_codecs\nencode\n\x8c\1a\x8c\4utf8\x86R", "a tuple of other things than two lists");
    REFUSE(HEAD "](c_codecs\nencode\ne", "a list with other things");
    REFUSE(HEAD "]h\0", "it recalls what was never remembered");
    REFUSE(HEAD "]q\0h\0\x86.", "a tuple of other things than two lists");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_follows),
        cmocka_unit_test(test_opcodes),
        cmocka_unit_test(test_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
