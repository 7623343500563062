/* SPDX-License-Identifier: Apache-2.0 */
/* skip.h - ends a test that cannot run here, and says why. */
#ifndef LK_TESTS_SKIP_H
#define LK_TESTS_SKIP_H

/* Not cmocka's skip(): the version of Debian 12 reports a skipped test as failed in TAP. */
#define SKIP_TEST(...)                                   \
    do {                                                 \
        print_message("# SKIP " __VA_ARGS__);            \
        print_message("\n");                             \
        return;                                          \
    } while (0)

#endif
