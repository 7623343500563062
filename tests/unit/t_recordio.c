/* SPDX-License-Identifier: Apache-2.0 */
/* t_recordio.c - records byte by byte: every refusal, joined parts, labels, and the lists beside them. (Files
 * as others write them: tests/oracle/records.py.) */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "formats/record_lists.h"
#include "formats/record_set.h"

static lk_error err;

#define MAGIC "\x0a\x23\xd7\xce"
#define BYTES(text) ((const uint8_t *)(text)), sizeof(text) - 1

static void find(const char *bytes, size_t len, size_t length, size_t extent, size_t parts)
{
    struct lk_record r;
    if (lk_record_find((const uint8_t *)bytes, len, 0, &r, NULL, &err) != LK_OK)
        fail_msg("%s", err.text);
    assert_int_equal(r.length, length);
    assert_int_equal(r.extent, extent);
    assert_int_equal(r.parts, parts);
}

static void refuse(const char *bytes, size_t len, size_t need, size_t reached, const char *why)
{
    struct lk_record r;
    struct lk_record_trouble trouble;
    assert_int_equal(lk_record_find((const uint8_t *)bytes, len, 1000, &r, &trouble, &err), LK_EFORMAT);
    if (strstr(err.text, why) == NULL)
        fail_msg("'%s' does not say '%s'", err.text, why);
    assert_int_equal(trouble.need, need);
    assert_int_equal(trouble.reached, reached);
}

static void test_records(void **state)
{
    (void)state;
    static const char whole[] = MAGIC "\5\0\0\0abcde\0\0\0" MAGIC;
    find(whole, 20, 5, 16, 1);
    find(whole, 16, 5, 16, 1);
    find(whole, 13, 5, 13, 1); /* the zeros behind the last record may be missing */
    refuse(whole, 12, 13, 0, "the record at byte 1000 is cut off: it takes at least 13 bytes, found 12");
    refuse(whole, 7, 8, 0, "takes at least 8 bytes, found 7");
    refuse(whole, 0, 8, 0, "found 0");
    find(MAGIC "\0\0\0\0", 8, 0, 8, 1);
    static const char parts[] = MAGIC "\4\0\0\x20"
                                      "abcd" MAGIC "\0\0\0\x40" MAGIC "\2\0\0\x60"
                                      "xy\0\0";
    find(parts, 32, 4 + 4 + 0 + 4 + 2, 32, 3);
    refuse(parts, 12, 20, 12, "takes at least 20 bytes");
    refuse(parts, 20, 28, 20, "takes at least 28 bytes");
    refuse(MAGIC "\0\0\0\x40", 8, 0, 0, "the record part at byte 1000 is of kind 2, expected 0 (whole) or 1");
    refuse(MAGIC "\0\0\0\xe0", 8, 0, 0, "is of kind 7");
    refuse(MAGIC "\0\0\0\x20" MAGIC "\0\0\0\0", 16, 0, 8,
           "at byte 1008 is of kind 0, expected 2 (middle) or 3");
    refuse(MAGIC "\0\0\0\x20"
                 "\1\2\3\4\0\0\0\0",
           16, 0, 8,
           "no record at byte 1008: found 04030201, expected the "
           "magic number ced7230a");
    refuse(MAGIC "\xff\xff\xff\x1f", 8, 8 + 0x1fffffff, 0, "takes at least 536870919 bytes");
    uint8_t out[14];
    struct lk_record r;
    assert_int_equal(lk_record_find(BYTES(parts), 0, &r, NULL, &err), LK_OK);
    for (size_t n = 0; n <= sizeof out; n++) {
        memset(out, '?', sizeof out);
        assert_int_equal(lk_record_join((const uint8_t *)parts, &r, out, n), n);
        assert_memory_equal(out, "abcd" MAGIC MAGIC "xy", n);
        assert_true(n == sizeof out || out[n] == '?');
    }
    assert_int_equal(lk_record_resume(BYTES("\1" MAGIC MAGIC "xxx" MAGIC "\0\0\0\x40" MAGIC "\0\0\0\0"), 1),
                     20);
    assert_int_equal(lk_record_resume(BYTES(MAGIC "\0\0\0"), 0), 7);
}

static void test_heads(void **state)
{
    (void)state;
    static const uint8_t one[LK_RECORD_HEAD_BYTES] = {0, 0, 0, 0, 1, 2, 3, 4};
    static const uint8_t two[LK_RECORD_HEAD_BYTES] = {2, [24] = 5, 0, 0, 6, 7};
    struct lk_record_head head;
    assert_int_equal(lk_record_head_parse(one, 32, 999, &head, &err), LK_OK);
    assert_int_equal(head.labels[0], 0x04030201);
    assert_int_equal(head.picture, 24);
    assert_int_equal(lk_record_head_parse(one, 24, 24, &head, &err), LK_OK);
    assert_int_equal(lk_record_head_parse(two, 32, 32, &head, &err), LK_OK);
    assert_int_equal(head.labels[0], 0x06000005);
    assert_int_equal(head.labels[1], 7);
    assert_int_equal(head.picture, 32);
    assert_int_equal(lk_record_head_parse(two, 31, 31, &head, &err), LK_EFORMAT);
    assert_string_equal(err.text, "a record with 2 labels in 31 bytes");
    assert_int_equal(lk_record_head_parse(one, 23, 23, &head, &err), LK_EFORMAT);
    assert_string_equal(err.text, "a record of 23 bytes, expected a header of 24");
}

static void check_label(float value, int64_t want)
{
    uint32_t bits;
    bool integer;
    memcpy(&bits, &value, sizeof bits);
    assert_int_equal(lk_record_label(bits, &integer), want);
    assert_false(integer);
}

static void test_labels(void **state)
{
    (void)state;
    check_label(0.0f, 0);
    check_label(-0.0f, 0);
    check_label(10571.0f, 10571);
    check_label(0x1p31f - 128, 2147483520);
    check_label(0x1p31f, -1);
    check_label(3.5f, -1);
    check_label(-1.0f, -1);
    check_label(NAN, -1);
    check_label(INFINITY, -1);
    bool integer;
    for (uint32_t bits = 1; bits < 1 << 23; bits = 3 * bits + 1) { /* subnormal as float32 */
        assert_int_equal(lk_record_label(bits, &integer), bits);
        assert_true(integer);
    }
    assert_int_equal(lk_record_label(0xffffffff, &integer), -1); /* -1 as int32 is a NaN */
}

typedef lk_status parse_fn(struct lk_record_table *out, const uint8_t *bytes, size_t len, lk_error *err);

/* The table as "key=value;" */
static void table(parse_fn *parse, const char *text, const char *want)
{
    struct lk_record_table t;
    char got[500] = "";
    if (parse(&t, (const uint8_t *)text, strlen(text), &err) != LK_OK)
        fail_msg("'%s': %s", text, err.text);
    for (size_t i = 0; i < t.n; i++)
        sprintf(got + strlen(got), "%lld=%lld;", (long long)t.entries[i].key, (long long)t.entries[i].value);
    assert_string_equal(got, want);
    assert_null(lk_record_table_find(&t, 999));
    assert_ptr_equal(lk_record_table_find(&t, t.entries[t.n - 1].key), &t.entries[t.n - 1]);
    lk_record_table_free(&t);
}

static void bad_table(parse_fn *parse, const char *text, const char *why)
{
    struct lk_record_table t;
    assert_int_equal(parse(&t, (const uint8_t *)text, strlen(text), &err), LK_EFORMAT);
    if (strstr(err.text, why) == NULL)
        fail_msg("'%s': '%s' does not say '%s'", text, err.text, why);
}

static void test_lists(void **state)
{
    (void)state;
    table(lk_record_index_parse, "0\t0\n1\t112", "0=0;1=112;");
    table(lk_record_index_parse, "\r\n3\t7\r\n\n1\t9\r\n3\t5\r\n", "1=9;3=5;");
    bad_table(lk_record_index_parse, "", "the list is empty");
    bad_table(lk_record_index_parse, "\n\n1\t", "line 3: expected an offset behind the tab");
    bad_table(lk_record_index_parse, "1\t2\t3\n", "line 1: expected an offset behind the tab");
    bad_table(lk_record_index_parse, "1 2\n", "line 1: expected a number of a record, a tab");
    bad_table(lk_record_index_parse, "18446744073709551616\t0\n", "line 1");
    table(lk_record_paths_parse, "0\ta b.jpg\n1\tc\td\r\n", "0=2;1=12;");
    assert_int_equal(lk_record_path_length(BYTES("0\ta b.jpg\n1\tc\td\r\n"), 2), 7);
    assert_int_equal(lk_record_path_length(BYTES("0\ta b.jpg\n1\tc\td\r\n"), 12), 1);
    bad_table(lk_record_paths_parse, "0\t\tx\n", "line 1: expected a path behind the tab");
    struct lk_record_table t;
    assert_int_equal(lk_record_paths_parse(&t, BYTES("0\ta\0b\n"), &err), LK_EFORMAT);
    table(lk_record_labels_parse,
          "5\t1.000\t0/a.jpg\n4\t2\t9\t0/b.jpg\n3\t-1\tc\n2\t1.5\td\n1\t2147483648\te\n",
          "1=-1;2=-1;3=-1;4=2;5=1;");
    table(lk_record_labels_parse, "1\t/x/1.jpg\t7\n\n1\t/x/2.jpg\t8\t0\t0\n", "1=7;3=8;");
    bad_table(lk_record_labels_parse, "1\t2\n", "line 1: expected three fields");
    bad_table(lk_record_labels_parse, "x\t2\ty\n",
              "line 1: expected a number of a record, a tab and a label");
    uint64_t n;
    assert_int_equal(lk_record_property_parse(&n, BYTES("10572,112,112\n"), &err), LK_OK);
    assert_int_equal(n, 10572);
    assert_int_equal(lk_record_property_parse(&n, BYTES("10572"), &err), LK_EFORMAT);
    assert_int_equal(lk_record_property_parse(&n, BYTES(""), &err), LK_EFORMAT);
}

struct pauses {
    int n, stop_at;
};

static lk_status pause_pass(void *arg, lk_error *e)
{
    struct pauses *p = arg;
    return ++p->n == p->stop_at ? lk_fail(e, LK_ECANCELED, "stopped") : LK_OK;
}

/* A long file is gone through with pauses, in which the caller may stop it. */
static void test_pauses(void **state)
{
    (void)state;
    enum { N = 5000, EACH = 36 };
    static const uint8_t record[EACH] = MAGIC "\x19"; /* 24 + 1 bytes */
    uint8_t *bytes = malloc((size_t)N * EACH);
    for (size_t i = 0; i < N; i++)
        memcpy(bytes + i * EACH, record, EACH);
    struct pauses p = {0, 0};
    struct lk_record_set set;
    assert_int_equal(lk_record_set_make(&set, bytes, N * EACH, NULL, true, pause_pass, &p, &err), LK_OK);
    assert_int_equal(set.n, N);
    assert_int_equal(set.n_notes, 0);
    assert_true(p.n >= 4);
    lk_record_set_free(&set);
    p = (struct pauses){0, 3};
    assert_int_equal(lk_record_set_make(&set, bytes, N * EACH, NULL, true, pause_pass, &p, &err),
                     LK_ECANCELED);
    free(bytes);
}

/* What is written is found again, wherever the magic stands in it. */
static void test_writing(void **state)
{
    (void)state;
    uint32_t seed = 1;
    for (int round = 0; round < 300; round++) {
        uint8_t payload[64], got[64];
        size_t len = (size_t)round % sizeof payload;
        for (size_t i = 0; i < len; i++) {
            seed = seed * 1664525 + 1013904223;
            payload[i] = (uint8_t)MAGIC[(seed >> 24) % 4];
        }
        for (size_t i = 0; len >= 4 && i + 4 <= len; i += 4 + 4 * (size_t)(round % 3))
            memcpy(payload + i, MAGIC, 4); /* at a multiple of 4, also one behind the other */
        char *file = NULL;
        size_t size = 0;
        uint64_t at = 0;
        FILE *f = open_memstream(&file, &size);
        assert_int_equal(lk_record_write(f, payload, len, &at, &err), LK_OK);
        assert_int_equal(lk_record_write(f, payload, len, &at, &err), LK_OK);
        fclose(f);
        assert_int_equal(at, size);
        struct lk_record r;
        assert_int_equal(lk_record_find((const uint8_t *)file, size, 0, &r, NULL, &err), LK_OK);
        assert_int_equal(r.length, len);
        assert_int_equal(2 * r.extent, size);
        assert_int_equal(lk_record_join((const uint8_t *)file + r.extent, &r, got, sizeof got), len);
        assert_memory_equal(got, payload, len);
        free(file);
    }
    uint8_t labels[LK_RECORD_HEADER + 8];
    lk_record_labels_put(labels, 7, (const float[]){3, 5}, 2);
    struct lk_record_head head;
    assert_int_equal(lk_record_head_parse(labels, sizeof labels, sizeof labels, &head, &err), LK_OK);
    bool integer;
    assert_int_equal(head.flag, 2);
    assert_int_equal(lk_record_label(head.labels[0], &integer), 3);
    assert_int_equal(lk_record_label(head.labels[1], &integer), 5);
    assert_int_equal(head.picture, sizeof labels);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records), cmocka_unit_test(test_heads),  cmocka_unit_test(test_labels),
        cmocka_unit_test(test_lists),   cmocka_unit_test(test_pauses), cmocka_unit_test(test_writing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
