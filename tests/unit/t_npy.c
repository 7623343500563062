/* SPDX-License-Identifier: Apache-2.0 */
/* t_npy.c - .npy files: every refusal, every type, alignment, writing. (NumPy itself: tests/oracle/npy.py.)
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "formats/npy.h"
#include "temp.h"

static lk_error err;
static uint8_t file[1 << 17];

/* Builds a file with the given dictionary and n zero bytes of data behind it. */
static size_t build(unsigned version, const char *dict, size_t n)
{
    size_t len = strlen(dict), at = version == 1 ? 10 : 12;
    memset(file, 0, sizeof file);
    memcpy(file, "\x93NUMPY", 6);
    file[6] = (uint8_t)version;
    file[8] = (uint8_t)len;
    file[9] = (uint8_t)(len >> 8);
    memcpy(file + at, dict, len);
    return at + len + n;
}

static void refuse(const char *dict, size_t n, const char *why)
{
    struct lk_layout h;
    assert_int_equal(lk_npy_parse(file, build(1, dict, n), &h, &err), LK_EFORMAT);
    if (strstr(err.text, why) == NULL)
        fail_msg("%s: '%s' does not say '%s'", dict, err.text, why);
}

static void accept(unsigned version, const char *dict, size_t n, uint64_t rows, uint64_t dim, int item_bytes)
{
    struct lk_layout h;
    size_t len = build(version, dict, n);
    if (lk_npy_parse(file, len, &h, &err) != LK_OK)
        fail_msg("%s: %s", dict, err.text);
    assert_int_equal(h.rows, rows);
    assert_int_equal(h.dim, dim);
    assert_int_equal(h.item_bytes, item_bytes);
    assert_int_equal(h.data_offset, len - n);
}

#define DICT(descr, shape) "{'descr': " descr ", 'fortran_order': False, 'shape': " shape ", }\n"

static void test_accepts(void **state)
{
    (void)state;
    for (unsigned version = 1; version <= 3; version++)
        accept(version, DICT("'<f4'", "(2, 3)"), 24, 2, 3, 4);
    accept(1, DICT("'<f2'", "(2, 3)"), 12, 2, 3, 2);
    accept(1, DICT("'<f8'", "(2, 3)"), 48, 2, 3, 8);
    accept(1, DICT("'=f4'", "(1, 1)"), 4, 1, 1, 4);
    accept(1, DICT("\"<f4\"", "(1,1,)"), 4, 1, 1, 4);
    accept(1, DICT("'<f4'", "(0, 512)"), 0, 0, 512, 4);
    accept(1, DICT("'>f8'", "(2, 3)"), 48, 2, 3, 8);
    accept(1, "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }", 24, 2, 3, 4);
    accept(1, "{ \"shape\":(3,1),'fortran_order':False ,'descr':'<f4'}   \n", 12, 3, 1, 4);
}

static void test_refuses(void **state)
{
    (void)state;
    refuse(DICT("'<i4'", "(2, 3)"), 24, "type '<i4', expected '<f4', '<f2' or '<f8'");
    refuse(DICT("'|O'", "(2, 3)"), 48, "pickled Python objects");
    refuse(DICT("'<f16'", "(2, 3)"), 96, "type '<f16'");
    refuse(DICT("'<c8'", "(2, 3)"), 48, "type '<c8'");
    refuse(DICT("'<f'", "(2, 3)"), 48, "type '<f'");
    refuse(DICT("''", "(2, 3)"), 48, "type ''");
    refuse(DICT("[('a', '<f4')]", "(2, 3)"), 24, "records with several fields");
    refuse(DICT("'<f4'", "(6,)"), 24, "1 dimension, expected 2");
    refuse(DICT("'<f4'", "()"), 4, "0 dimensions, expected 2");
    refuse(DICT("'<f4'", "(1, 2, 3)"), 24, "3 dimensions, expected 2");
    refuse(DICT("'<f4'", "(2, 0)"), 0, "vectors of 0 numbers, expected 1 to 65536");
    refuse(DICT("'<f4'", "(1, 65537)"), 0, "vectors of 65537 numbers");
    refuse(DICT("'<f4'", "(2, -3)"), 24, "expected a number");
    refuse(DICT("'<f4'", "(2 3)"), 24, "expected ','");
    refuse(DICT("'<f4'", "2, 3"), 24, "expected '('");
    refuse(DICT("'<f4'", "(99999999999999999999, 3)"), 24, "beyond 2^64");
    refuse(DICT("'<f4'", "(18446744073709551615, 65536)"), 24, "cut off");
    refuse(DICT("'<f4'", "(4611686018427387905, 4)"), 64, "cut off"); /* rows * dim * 4 wraps to 16 */
    refuse(DICT("'<f4'", "(2, 3)"), 23, "cut off: 2 x 3 numbers of 4 bytes do not fit into the 23 bytes");
    refuse(DICT("'<f4'", "(2, 3)"), 25, "1 bytes too many");
    refuse("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)}", 24, "'descr' twice");
    refuse("{'descr': '<f4', 'fortran_order': False}", 24, "lacks 'shape'");
    refuse("{'descr': '<f4', 'shape': (2, 3)}", 24, "lacks 'fortran_order'");
    refuse("{'fortran_order': False, 'shape': (2, 3), 'x': 1}", 24, "key 'x'");
    refuse("{'fortran_order': 0, 'shape': (2, 3)}", 24, "expected True or False");
    refuse("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)} + 1", 24, "goes on after");
    refuse("", 24, "expected '{'");
    refuse("__import__('os')", 24, "expected '{'");
    refuse("{'descr': '<f4", 24, "damaged");
    refuse("{'descr\\x': '<f4'}", 24, "expected a short word");

    struct lk_layout h;
    size_t len = build(1, DICT("'<f4'", "(2, 3)"), 24);
    for (size_t cut = 0; cut < len; cut++) { /* no prefix of a good file is a good file */
        assert_int_equal(lk_npy_parse(file, cut, &h, &err), LK_EFORMAT);
        assert_true(err.text[0] != '\0');
    }
    file[6] = 4;
    assert_int_equal(lk_npy_parse(file, len, &h, &err), LK_EFORMAT);
    assert_string_equal(err.text, ".npy format version 4.0, expected 1.0, 2.0 or 3.0");
    len = build(2, DICT("'<f4'", "(2, 3)"), 24);
    file[11] = 0xff;
    assert_int_equal(lk_npy_parse(file, len, &h, &err), LK_EFORMAT);
    assert_non_null(strstr(err.text, "expected at most 65536"));
    assert_int_equal(lk_npy_parse((const uint8_t *)"PK\3\4............", 16, &h, &err), LK_EFORMAT);
    assert_non_null(strstr(err.text, ".npz"));
}

static void test_matrix(void **state)
{
    (void)state;
    const float values[6] = {0.0f, -1.5f, 0x1p-24f, 65504.0f, INFINITY, 1.0f / 3};
    struct lk_matrix m;
    /* f4 at an aligned and at an unaligned place */
    for (int pad = 0; pad < 4; pad++) {
        char dict[200];
        snprintf(dict, sizeof dict, "%s%*s", "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)}", pad,
                 "");
        size_t len = build(1, dict, sizeof values);
        memcpy(file + len - sizeof values, values, sizeof values);
        assert_int_equal(lk_matrix_open(&m, NULL, temp_file("f4.npy", file, len), &err), LK_OK);
        assert_int_equal((uintptr_t)m.data % sizeof(float), 0);
        assert_memory_equal(m.data, values, sizeof values);
        assert_ptr_equal(lk_matrix_row(&m, 1), m.data + 3);
        lk_matrix_close(&m);
    }
    const uint16_t halves[6] = {0x0000, 0xbe00, 0x0001, 0x7bff, 0x7c00, 0x3555};
    size_t len = build(1, DICT("'<f2'", "(2, 3)"), sizeof halves);
    memcpy(file + len - sizeof halves, halves, sizeof halves);
    assert_int_equal(lk_matrix_open(&m, NULL, temp_file("f2.npy", file, len), &err), LK_OK);
    for (int i = 0; i < 5; i++)
        assert_true(m.data[i] == values[i]);
    assert_true(m.data[5] == 0x1.554p-2f);
    lk_matrix_close(&m);
    const double doubles[6] = {0.1, -1e300, 1e300, 3.4028235677973366e38, 3.4028235e38, 1e-300};
    len = build(1, DICT("'<f8'", "(3, 2)"), sizeof doubles);
    memcpy(file + len - sizeof doubles, doubles, sizeof doubles);
    assert_int_equal(lk_matrix_open(&m, NULL, temp_file("f8.npy", file, len), &err), LK_OK);
    const float floats[6] = {0.1f, -INFINITY, INFINITY, INFINITY, 3.4028235e38f, 0.0f};
    assert_memory_equal(m.data, floats, sizeof floats);
    lk_matrix_close(&m);
    assert_int_equal(lk_matrix_open(&m, NULL, temp_file("empty.npy", "", 0), &err), LK_EFORMAT);
    assert_non_null(strstr(err.text, "/empty.npy: the file is empty"));
    assert_int_equal(lk_matrix_open(&m, NULL, temp_path("missing.npy"), &err), LK_EIO);
    assert_int_equal(lk_matrix_open(&m, NULL, temp_path(""), &err), LK_EFORMAT);
}

static void test_write(void **state)
{
    (void)state;
    const uint64_t sizes[][2] = {{0, 512}, {3, 1}, {UINT64_MAX, 65536}};
    for (size_t i = 0; i < 3; i++) {
        FILE *f = fmemopen(file, sizeof file, "wb");
        assert_int_equal(lk_npy_write_header(f, sizes[i][0], sizes[i][1], &err), LK_OK);
        assert_int_equal(ftell(f), LK_NPY_HEADER_BYTES);
        fclose(f);
        assert_int_equal(file[LK_NPY_HEADER_BYTES - 1], '\n');
        struct lk_layout h;
        lk_status status =
            lk_npy_parse(file, i < 2 ? LK_NPY_HEADER_BYTES + 12 * i : LK_NPY_HEADER_BYTES, &h, &err);
        assert_int_equal(status, i < 2 ? LK_OK : LK_EFORMAT);
        if (i == 2)
            assert_non_null(strstr(err.text, "18446744073709551615 x 65536"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepts),
        cmocka_unit_test(test_refuses),
        cmocka_unit_test(test_matrix),
        cmocka_unit_test(test_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
