/* SPDX-License-Identifier: Apache-2.0 */
/* t_csv.c - comma-separated tables: quoting, line ends, limits, numbers, writing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "formats/csv.h"
#include "formats/exclude.h"

static lk_error err;

static lk_status open_text(struct lk_csv *csv, const char *text)
{
    return lk_csv_open(csv, (const uint8_t *)text, strlen(text), &err);
}

/* Reads everything and gives the fields as "a|b;c|d;", or the message. Caller frees. */
static char *flat(const void *bytes, size_t len)
{
    struct lk_csv csv;
    struct lk_str s = LK_STR_INIT;
    int more = 1;
    lk_str_addz(&s, "", NULL);
    lk_status status = lk_csv_open(&csv, bytes, len, &err);
    while (status == LK_OK && (status = lk_csv_next(&csv, &more, &err)) == LK_OK && more) {
        for (size_t i = 0; i < csv.n_columns; i++)
            lk_str_addf(&s, NULL, "%s%s", i > 0 ? "|" : "", lk_csv_field(&csv, i));
        lk_str_addz(&s, ";", NULL);
    }
    if (status != LK_OK) {
        assert_int_equal(status, LK_EFORMAT);
        s.len = 0;
        lk_str_addz(&s, err.text, NULL);
    }
    if (status == LK_OK || csv.bytes != NULL)
        lk_csv_close(&csv);
    return s.text;
}

static void check(const char *text, const char *want)
{
    char *got = flat(text, strlen(text));
    assert_string_equal(got, want);
    free(got);
}

static void test_records(void **state)
{
    (void)state;
    check("a,b\n1,2\n3,4\n", "1|2;3|4;");
    check("a,b\r\n1,2\r\n3,4", "1|2;3|4;");
    check("\xef\xbb\xbf" "a,b\n1,2\n", "1|2;");
    check("\n\na,b\n\n1,2\n\r\n\n", "1|2;");
    check("a,b\n,\n", "|;");
    check("a\n\"\"\n", ";");
    check("a,b\n\"x,y\",\"say \"\"hi\"\"\"\n", "x,y|say \"hi\";");
    check("a,b\n\"two\r\nlines\",z\n", "two\r\nlines|z;");
    check("a,b\nit\"s,5\"\n", "it\"s|5\";"); /* a quote inside an unquoted field is text */
    check("a,b\nx\ry,2\n", "x\ry|2;");
    check("a,b\n", "");
    check("a", "");
}

static void test_damaged(void **state)
{
    (void)state;
    check("", "the table is empty, expected a header line");
    check("\n\n", "the table is empty, expected a header line");
    check("a,b\n1\n", "line 2: 1 fields, expected 2 as in the header line");
    check("a,b\n\"x\n\n\",1\n1,2,3\n", "line 5: 3 fields, expected 2 as in the header line");
    check("a,b\n\n1,\"open\n", "line 3: a quoted field is not closed");
    check("a,b\n\"x\"y,1\n", "line 2: field 1 goes on after its closing quote");
    char *got = flat("a,b\n1,\0\n", 8);
    assert_string_equal(got, "line 2: a zero byte, expected text");
    free(got);

    struct lk_str big = LK_STR_INIT;
    for (int i = 0; i < 5000; i++)
        lk_str_addz(&big, "x,", NULL);
    got = flat(big.text, big.len);
    assert_string_equal(got, "line 1: more than 4096 fields");
    free(got);
    big.len = 0;
    lk_str_addz(&big, "a\n\"", NULL);
    for (int i = 0; i < 1100000; i++)
        lk_str_addz(&big, "x", NULL);
    got = flat(big.text, big.len);
    assert_string_equal(got, "line 2: a quoted field is not closed");
    free(got);
    lk_str_addz(&big, "\"\n", NULL);
    got = flat(big.text, big.len);
    assert_non_null(strstr(got, "line 2: a record of more than 1048576 bytes"));
    free(got);
    lk_str_free(&big);
}

/* Random tables come back as they were written, whatever their fields hold. */
static void test_round_trip(void **state)
{
    (void)state;
    const char alphabet[] = "ab,\"\n\r \xff\xc3\xa9;'";
    unsigned seed = 1;
    for (int round = 0; round < 200; round++) {
        char fields[8][4][12];
        char *text = NULL;
        size_t len = 0;
        FILE *stream = open_memstream(&text, &len);
        fputs("a,b,c,d\n", stream);
        for (int r = 0; r < 8; r++)
            for (int c = 0; c < 4; c++) {
                int n = rand_r(&seed) % 11;
                for (int i = 0; i < n; i++)
                    fields[r][c][i] = alphabet[(size_t)rand_r(&seed) % (sizeof alphabet - 1)];
                fields[r][c][n] = '\0';
                lk_csv_put(stream, fields[r][c]);
                putc(c < 3 ? ',' : '\n', stream);
            }
        fclose(stream);
        struct lk_csv csv;
        int more;
        assert_int_equal(open_text(&csv, text), LK_OK);
        for (int r = 0; r < 8; r++) {
            assert_int_equal(lk_csv_next(&csv, &more, &err), LK_OK);
            assert_true(more);
            for (int c = 0; c < 4; c++)
                assert_string_equal(lk_csv_field(&csv, (size_t)c), fields[r][c]);
        }
        assert_int_equal(lk_csv_next(&csv, &more, &err), LK_OK);
        assert_false(more);
        lk_csv_close(&csv);
        free(text);
    }
}

static void test_columns(void **state)
{
    (void)state;
    struct lk_csv csv;
    size_t column = 99;
    assert_int_equal(open_text(&csv, "path,score,score\n"), LK_OK);
    assert_int_equal(lk_csv_column(&csv, "path", &column, &err), LK_OK);
    assert_int_equal(column, 0);
    assert_int_equal(lk_csv_column(&csv, "score", &column, &err), LK_EFORMAT);
    assert_string_equal(err.text, "the header line has the column 'score' twice");
    assert_int_equal(lk_csv_column(&csv, "rank", &column, &err), LK_EFORMAT);
    assert_string_equal(err.text, "no column 'rank'; there are: path, score, score");
    lk_csv_close(&csv);
}

static void test_numbers(void **state)
{
    (void)state;
    struct lk_csv csv;
    int more;
    uint64_t u;
    double d;
    assert_int_equal(open_text(&csv, "n\n18446744073709551615\n18446744073709551616\n-1\n 1\n1x\n"), LK_OK);
    lk_csv_next(&csv, &more, &err);
    assert_int_equal(lk_csv_u64(&csv, 0, &u, &err), LK_OK);
    assert_true(u == UINT64_MAX);
    while (lk_csv_next(&csv, &more, &err) == LK_OK && more)
        assert_int_equal(lk_csv_u64(&csv, 0, &u, &err), LK_EFORMAT);
    assert_string_equal(err.text, "line 6, column 'n': '1x', expected a whole number");
    lk_csv_close(&csv);
    assert_int_equal(open_text(&csv, "n,m\n-1.5e-3,\n"), LK_OK);
    lk_csv_next(&csv, &more, &err);
    assert_int_equal(lk_csv_double(&csv, 0, &d, &err), LK_OK);
    assert_true(d == -1.5e-3);
    assert_int_equal(lk_csv_double(&csv, 1, &d, &err), LK_EFORMAT);
    assert_int_equal(lk_csv_u64(&csv, 1, &u, &err), LK_EFORMAT);
    lk_csv_close(&csv);
    assert_int_equal(open_text(&csv, "n\nnan\ninf\n0x10\n 1\n1 \n1e999\n1e\n--1\n.\n"), LK_OK);
    int n = 0;
    for (; lk_csv_next(&csv, &more, &err) == LK_OK && more; n++)
        assert_int_equal(lk_csv_double(&csv, 0, &d, &err), LK_EFORMAT);
    assert_int_equal(n, 9);
    lk_csv_close(&csv);
}

static lk_status exclude_of(struct lk_exclude *e, const char *text)
{
    return lk_exclude_parse((const uint8_t *)text, strlen(text), e, &err);
}

static void test_exclude(void **state)
{
    (void)state;
    struct lk_exclude e;
    assert_int_equal(exclude_of(&e, "reason,path,keep\n,a.jpg,no\nfirst,\"b,1.jpg\",no\nkept,c.jpg,yes\n"
                                    "second,\"b,1.jpg\",no\n"),
                     LK_OK);
    assert_int_equal(e.paths.n, 2);
    assert_string_equal(lk_exclude_reason(&e, "a.jpg"), "listed without a reason");
    assert_string_equal(lk_exclude_reason(&e, "b,1.jpg"), "first");
    assert_null(lk_exclude_reason(&e, "c.jpg"));
    assert_null(lk_exclude_reason(&e, ""));
    char one[65], other[65];
    assert_int_equal(lk_exclude_hash(&e, one, &err), LK_OK);
    lk_exclude_free(&e);
    assert_int_equal(exclude_of(&e, "path,reason\na.jpg,\n\"b,1.jpg\",third\n"), LK_OK);
    assert_int_equal(lk_exclude_hash(&e, other, &err), LK_OK);
    assert_string_not_equal(one, other);
    lk_exclude_free(&e);
    assert_int_equal(exclude_of(&e, "path\n"), LK_OK);
    assert_null(lk_exclude_reason(&e, "a.jpg"));
    lk_exclude_free(&e);
    assert_int_equal(exclude_of(&e, "file,keep\na,no\n"), LK_EFORMAT);
    assert_string_equal(err.text, "no column 'path'; there are: file, keep");
    assert_int_equal(exclude_of(&e, "path,keep\na,maybe\n"), LK_EFORMAT);
    assert_string_equal(err.text, "line 2, column 'keep': 'maybe', expected yes or no");
    assert_int_equal(exclude_of(&e, "path,keep\n,no\n"), LK_EFORMAT);
    assert_string_equal(err.text, "line 2, column 'path': empty, expected a file name");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records), cmocka_unit_test(test_damaged), cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_columns), cmocka_unit_test(test_numbers), cmocka_unit_test(test_exclude),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
