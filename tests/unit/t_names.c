/* SPDX-License-Identifier: Apache-2.0 */
/* t_names.c - the arena of strings and the numbering of distinct ones, small and large. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/names.h"

static void test_arena(void **state)
{
    (void)state;
    struct lk_arena arena = {0};
    char *big = calloc(1, 1 << 20), *texts[3000];
    memset(big, 'b', 1 << 20);
    for (int i = 0; i < 3000; i++) { /* one larger than a chunk among small ones */
        texts[i] = lk_arena_text(&arena, big, i == 1500 ? 1 << 20 : (size_t)i, NULL);
        assert_non_null(texts[i]);
    }
    for (int i = 0; i < 3000; i++) {
        size_t len = i == 1500 ? 1 << 20 : (size_t)i;
        assert_int_equal(strlen(texts[i]), len);
        assert_memory_equal(texts[i], big, len);
    }
    lk_error err;
    assert_null(lk_arena_text(&arena, big, SIZE_MAX - 1, &err));
    assert_int_equal(err.code, LK_ENOMEM);
    lk_arena_free(&arena);
    assert_null(arena.chunks);
    free(big);
}

static void test_names(void **state)
{
    (void)state;
    enum { N = 100000 };
    struct lk_names names = {0};
    assert_int_equal(lk_names_find(&names, "a", 1), LK_NO_NAME);
    for (int round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < N; i++) {
            char text[40];
            uint32_t number;
            int len = snprintf(text, sizeof text, "person %u and more", i);
            /* what lies behind the given length is not part of the name */
            assert_int_equal(lk_names_add(&names, text, (size_t)len - 9, &number, NULL), LK_OK);
            assert_int_equal(number, i);
        }
        assert_int_equal(names.n, N);
    }
    assert_string_equal(lk_names_text(&names, 4711), "person 4711");
    assert_int_equal(lk_names_find(&names, "person 99999", 12), 99999);
    assert_int_equal(lk_names_find(&names, "person 9999", 11), 9999);
    assert_int_equal(lk_names_find(&names, "person 100000", 13), LK_NO_NAME);
    assert_int_equal(lk_names_find(&names, "", 0), LK_NO_NAME);
    assert_null(lk_names_text(&names, LK_NO_NAME));
    assert_null(lk_names_text(&names, N));
    lk_names_free(&names);
    assert_int_equal(names.n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_arena), cmocka_unit_test(test_names)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
