/* SPDX-License-Identifier: Apache-2.0 */
/* t_trust.c - the parts of the manifest: samples, places of files, what counts as ours, files of pictures.
 * (The commands: tests/cli/trust.sh.) */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "formats/image.h"
#include "temp.h"
#include "trust/trust.h"

static lk_error err;

static void test_sample(void **state)
{
    (void)state;
    size_t times[10] = {0}, *numbers, n;
    for (uint64_t seed = 0; seed < 3000; seed++) {
        n = 3;
        assert_int_equal(lk_trust_sample(seed, 10, &n, &numbers, &err), LK_OK);
        assert_int_equal(n, 3);
        assert_true(numbers[0] < numbers[1] && numbers[1] < numbers[2] && numbers[2] < 10);
        for (size_t i = 0; i < n; i++)
            times[numbers[i]]++;
        free(numbers);
    }
    for (size_t i = 0; i < 10; i++) /* 900 expected, standard deviation 25 */
        assert_in_range(times[i], 775, 1025);
    n = 20;
    assert_int_equal(lk_trust_sample(1, 4, &n, &numbers, &err), LK_OK);
    assert_int_equal(n, 4);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(numbers[i], i);
    free(numbers);
    n = 20;
    assert_int_equal(lk_trust_sample(1, 0, &n, &numbers, &err), LK_OK);
    assert_int_equal(n, 0);
    free(numbers);
}

static void expect_place(const char *folder, const char *path, const char *place)
{
    char *got = NULL;
    assert_int_equal(lk_trust_place(folder, path, &got, &err), LK_OK);
    if (place == NULL)
        assert_null(got);
    else
        assert_string_equal(got, place);
    free(got);
}

static void test_places(void **state)
{
    (void)state;
    const char *folder = temp_dir("place"), *inside = temp_text("place/a.npz", "x"),
               *outside = temp_text("b", "x");
    char text[9000];
    expect_place(folder, inside, "a.npz");
    snprintf(text, sizeof text, "%s:vectors", inside);
    expect_place(folder, text, "a.npz:vectors");
    expect_place(folder, outside, realpath(outside, text));
    expect_place(folder, temp_path("place/none"), NULL);
    temp_dir("placement"); /* starts with the folder's name, and is not below it */
    outside = temp_text("placement/c", "x");
    expect_place(folder, outside, realpath(outside, text));
}

static bool has(const struct lk_inventory *inventory, const char *path, bool faces)
{
    for (size_t i = 0; i < inventory->n; i++)
        if (strcmp(inventory->files[i].path, path) == 0) {
            assert_int_equal(inventory->files[i].faces, faces);
            return true;
        }
    return false;
}

static void test_inventory(void **state)
{
    (void)state;
    const char *folder = temp_dir("audit");
    struct lk_inventory inventory;
    temp_dir("audit/train");
    temp_dir("audit/mine");
    temp_dir("audit/half");
    temp_text("audit/train/meta.json", "{\"kind\": \"faces\"}");
    temp_text("audit/train/embeddings.npy", "x");
    temp_text("audit/train/codes-avx2.cache", "x");
    temp_text("audit/train/notes.txt", "x");
    temp_text("audit/train/.lock", "");
    temp_text("audit/mine/meta.json", "{\"kind\": \"something\"}");
    temp_text("audit/mine/embeddings.npy", "x");
    temp_text("audit/half/state.part.json", "{}");
    temp_text("audit/half/embeddings.part", "x");
    temp_text("audit/report.json", "{\"kind\": \"report\"}");
    temp_text("audit/report.html", "<p>no picture</p>");
    assert_int_equal(symlink("train", temp_path("audit/link")), 0);
    assert_int_equal(symlink("../train/embeddings.npy", temp_path("audit/train/images.csv")), 0);
    assert_int_equal(lk_inventory_take(&inventory, NULL, folder, NULL, &err), LK_OK);
    assert_int_equal(inventory.n, 7);
    assert_true(has(&inventory, "train/embeddings.npy", true));
    assert_true(has(&inventory, "train/codes-avx2.cache", true));
    assert_true(has(&inventory, "train/meta.json", false));
    assert_true(has(&inventory, "half/embeddings.part", true));
    assert_true(has(&inventory, "half/state.part.json", false));
    assert_true(has(&inventory, "report.html", false));
    assert_true(has(&inventory, "report.json", false));
    lk_inventory_free(&inventory);

    /* Files with names of the user's own: ours by what they hold, and only in folders that are ours. */
    uint8_t pixel[3] = {0}, *png = NULL;
    char database[200] = "SQLite format 3";
    size_t len = 0;
    struct lk_image image = {1, 1, pixel};
    memcpy(database + 68, "LKRV", 4);
    assert_int_equal(lk_image_encode_png(&image, &png, &len, &err), LK_OK);
    temp_file("audit/figure.png", png, len);
    temp_file("audit/mine/figure.png", png, len);
    free(png);
    temp_text("audit/other.png", "\x89PNG");
    temp_file("audit/who.db", database, sizeof database);
    temp_text("audit/who.db-wal", "");
    temp_text("audit/other.db-wal", "");
    assert_int_equal(lk_inventory_take(&inventory, NULL, folder, NULL, &err), LK_OK);
    assert_int_equal(inventory.n, 10);
    assert_true(has(&inventory, "figure.png", true));
    assert_true(has(&inventory, "who.db", true));
    assert_true(has(&inventory, "who.db-wal", true));
    lk_inventory_free(&inventory);
    unlink(temp_path("audit/figure.png"));
    unlink(temp_path("audit/who.db"));

    temp_text("audit/report.html", "<img src=\"data:image/jpeg;base64,x\">");
    json_t *manifest = json_pack("{s:[{s:s}, {s:s}], s:[]}", "outputs", "path", "mine/embeddings.npy", "path",
                                 "train/notes.txt", "purged");
    assert_int_equal(lk_inventory_take(&inventory, NULL, folder, manifest, &err), LK_OK);
    assert_int_equal(inventory.n, 8); /* the listed one, and not what has a name that we never give */
    assert_true(has(&inventory, "mine/embeddings.npy", true));
    assert_true(has(&inventory, "report.html", true));
    lk_inventory_free(&inventory);
    json_decref(manifest);
}

/* Folders of a study that have no file of their own, and pages of any name. */
static void test_study_inventory(void **state)
{
    (void)state;
    static const char page[] = "<meta name=\"generator\" content=\"likeness 0\">";
    char pictures[200];
    snprintf(pictures, sizeof pictures, "%s<img src=\"data:image/png;base64,x\">", page);
    const char *folder = temp_dir("study");
    struct lk_inventory inventory;
    static const char *const folders[] = {"study/sets", "study/duplicates", "study/calibration", "study/mine",
                                          "study/mine/sets"};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        temp_dir(folders[i]);
    temp_text("study/study.json", "{\"kind\": \"study\"}");
    temp_text("study/sets/a.html", "x");
    temp_text("study/sets/a.csv", "x");
    temp_text("study/mine/sets/a.html", "x");
    temp_text("study/mine/a.html", pictures);
    temp_text("study/duplicates/a.csv", "x");
    temp_text("study/duplicates/a.csv.part", "x");
    temp_text("study/calibration/thresholds.json", "{\"kind\": \"thresholds\"}");
    temp_text("study/calibration/roc.csv", "x");
    temp_text("study/other.html", pictures);
    temp_text("study/bare.html", page);
    temp_text("study/theirs.html", "<img src=\"data:image/png;base64,x\">");
    assert_int_equal(lk_inventory_take(&inventory, NULL, folder, NULL, &err), LK_OK);
    assert_int_equal(inventory.n, 7);
    assert_true(has(&inventory, "study.json", false));
    assert_true(has(&inventory, "sets/a.html", false));
    assert_true(has(&inventory, "duplicates/a.csv", false));
    assert_true(has(&inventory, "duplicates/a.csv.part", true));
    assert_true(has(&inventory, "calibration/thresholds.json", false));
    assert_true(has(&inventory, "calibration/roc.csv", false));
    assert_true(has(&inventory, "other.html", true));
    lk_inventory_free(&inventory);
}

/* Facts of the pictures that images.csv would list under these paths. */
static struct lk_picture_facts facts_of(char **paths, size_t n)
{
    struct lk_face_image images[4] = {{0}};
    struct lk_faces faces = {.images = images, .n_images = n};
    struct lk_picture_facts facts;
    for (size_t i = 0; i < n; i++)
        images[i].path = paths[i];
    assert_int_equal(lk_picture_facts(&facts, NULL, &faces, &err), LK_OK);
    return facts;
}

static void test_picture_facts(void **state)
{
    (void)state;
    char tar[2][9000], plain[9000], none[9000];
    snprintf(plain, sizeof plain, "%s", temp_text("p#1.jpg", "picture"));
    snprintf(tar[0], sizeof tar[0], "%s!/a.jpg", temp_text("set.tar", "archive"));
    snprintf(tar[1], sizeof tar[1], "%s!/b.jpg", temp_path("set.tar"));
    snprintf(none, sizeof none, "%s", temp_path("none.jpg"));
    char *paths[] = {plain, tar[0], tar[1], none};
    struct lk_picture_facts before = facts_of(paths, 4), after;
    assert_int_equal(before.images, 4);
    assert_int_equal(before.files, 2);
    assert_int_equal(before.missing, 1);
    temp_text("set.tar", "ARCHIVE"); /* as long as before */
    after = facts_of(paths, 4);
    assert_string_equal(after.sizes_sha256, before.sizes_sha256);
    assert_string_not_equal(after.times_sha256, before.times_sha256);
    temp_text("set.tar", "longer archive");
    after = facts_of(paths, 4);
    assert_string_not_equal(after.sizes_sha256, before.sizes_sha256);
    unlink(temp_path("set.tar"));
    after = facts_of(paths, 4);
    assert_int_equal(after.missing, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sample),        cmocka_unit_test(test_places),
        cmocka_unit_test(test_inventory),     cmocka_unit_test(test_study_inventory),
        cmocka_unit_test(test_picture_facts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
