/* SPDX-License-Identifier: Apache-2.0 */
/* t_mpi_devices.c - the ranks of a machine take its devices in turn, of those that CUDA_VISIBLE_DEVICES or the driver names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "mpi/devices.h"
#include "temp.h"

static void expect(const char *visible, int rank, int ranks, const char *driver, const char *used)
{
    if (visible != NULL)
        setenv("CUDA_VISIBLE_DEVICES", visible, 1);
    else
        unsetenv("CUDA_VISIBLE_DEVICES");
    devices_share(rank, ranks, driver);
    const char *got = getenv("CUDA_VISIBLE_DEVICES");
    if (used == NULL)
        assert_null(got);
    else
        assert_string_equal(got, used);
}

static void test_of_environment(void **state)
{
    (void)state;
    expect("3,5,GPU-7f", 0, 3, "/nonexistent", "3");
    expect("3,5,GPU-7f", 1, 3, "/nonexistent", "5");
    expect("3,5,GPU-7f", 2, 3, "/nonexistent", "GPU-7f");
    expect("3,5,GPU-7f", 4, 5, "/nonexistent", "5"); /* more ranks than devices: they share */
    expect("3,5", 0, 1, "/nonexistent", "3,5");      /* the only rank */
    expect("6", 1, 2, "/nonexistent", "6");          /* the launcher's choice */
    expect("", 1, 2, "/nonexistent", "");            /* no device is to be used */
}

static void test_of_driver(void **state)
{
    (void)state;
    const char *folder = temp_dir("gpus");
    for (int i = 0; i < 2; i++) {
        expect(NULL, 3, 4, folder, NULL); /* of one device or none there is no choice */
        temp_dir(i == 0 ? "gpus/0000:1b:00.0" : "gpus/0000:2c:00.0");
    }
    expect(NULL, 2, 4, folder, "0");
    expect(NULL, 3, 4, folder, "1");
    expect(NULL, 1, 1, folder, NULL);
    expect(NULL, 1, 2, "/nonexistent", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_of_environment), cmocka_unit_test(test_of_driver)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
