/* SPDX-License-Identifier: Apache-2.0 */
/* t_groups.c - the columns of groups in images.csv: written, read back, and no trouble without them. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "formats/faces.h"
#include "temp.h"

static const char *make(const char *name, const char *const *groups, size_t n, char *values[2][2])
{
    const char *dir = temp_dir(name);
    char file[4200];
    snprintf(file, sizeof file, "%s/embeddings.npy", dir);
    FILE *f = fopen(file, "wb");
    lk_npy_write_header(f, 2, 1, NULL);
    fwrite((float[]){1, 1}, sizeof(float), 2, f);
    fclose(f);
    snprintf(file, sizeof file, "%s/images.csv", dir);
    f = fopen(file, "wb");
    lk_faces_csv_write_header(f, groups, n);
    for (int row = 0; row < 2; row++) {
        struct lk_face_image image = {.row = row, .path = (char *)(uintptr_t) "p.png", .norm = NAN,
                                      .groups = values[row], .n_groups = n};
        lk_faces_csv_write(f, &image);
    }
    fclose(f);
    snprintf(file, sizeof file, "%s/meta.json", name);
    temp_text(file, "{\"kind\": \"faces\", \"format\": 1, \"working_directory\": \"/\"}");
    return dir;
}

static void test_groups(void **state)
{
    (void)state;
    char thirty[] = "30", odd[] = "x, \"y\"\nz";
    char *values[2][2] = {{thirty, odd}, {NULL, thirty}};
    const char *const names[] = {"age", "sex, as noted"};
    lk_error err;
    struct lk_faces faces;
    if (lk_faces_open(&faces, NULL, make("with", names, 2, values), &err) != LK_OK)
        fail_msg("%s", err.text);
    assert_int_equal(faces.n_groups, 2);
    assert_string_equal(faces.group_names[0], "age");
    assert_string_equal(faces.group_names[1], "sex, as noted");
    const struct lk_face_image *first = lk_faces_image(&faces, 0), *second = lk_faces_image(&faces, 1);
    assert_int_equal(first->n_groups, 2);
    assert_string_equal(first->groups[0], thirty);
    assert_string_equal(first->groups[1], odd);
    assert_null(second->groups[0]);
    assert_string_equal(second->groups[1], thirty);
    lk_faces_close(&faces);

    assert_int_equal(lk_faces_open(&faces, NULL, make("without", NULL, 0, values), &err), LK_OK);
    assert_int_equal(faces.n_groups, 0);
    assert_int_equal(lk_faces_image(&faces, 0)->n_groups, 0);
    lk_faces_close(&faces);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_groups)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
