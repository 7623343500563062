/* SPDX-License-Identifier: Apache-2.0 */
/* t_plant.c - planted sets: the truth is true, the same seed gives the same bytes, nothing tells who was
 * planted. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fs.h"
#include "base/hash.h"
#include "base/rng.h"
#include "formats/csv.h"
#include "vision/distort.h"
#include "vision/plant.h"

enum { TRAIN_PEOPLE = 12, OTHER_PEOPLE = 18, SIZE = 32 };

struct scene {
    char dir[64], train[80], others[80], output[80];
    lk_plant_options options;
    lk_plant_summary summary;
    lk_error err;
};

/* A smooth picture that is nobody else's. */
static void write_picture(const char *dir, const char *name, uint64_t seed)
{
    struct lk_rng rng = lk_rng_seed(seed);
    double wave[3][3];
    for (int c = 0; c < 3; c++)
        for (int k = 0; k < 3; k++)
            wave[c][k] = lk_rng_unit(&rng) * 0.4;
    struct lk_image image = {0};
    assert_int_equal(lk_image_new(&image, SIZE, SIZE + 4, NULL), LK_OK);
    for (int y = 0; y < image.height; y++)
        for (int x = 0; x < SIZE; x++)
            for (int c = 0; c < 3; c++)
                image.rgb[3 * (y * SIZE + x) + c] =
                    (uint8_t)(128 + 100 * sin(wave[c][0] * x + wave[c][1] * y + 9 * wave[c][2]));
    uint8_t *bytes;
    size_t len;
    assert_int_equal(lk_image_encode_jpeg(&image, 95, &bytes, &len, NULL), LK_OK);
    assert_int_equal(lk_mkdirs(dir, NULL), LK_OK);
    char *path = lk_path_join(dir, name, NULL);
    assert_int_equal(lk_file_write(path, bytes, len, NULL), LK_OK);
    free(path);
    free(bytes);
    lk_image_free(&image);
}

/* Each person of train has 4 pictures but the last, who has one; the others have 2 each. */
static void scene_open(struct scene *s)
{
    *s = (struct scene){0};
    strcpy(s->dir, "/tmp/likeness-plant-XXXXXX");
    assert_non_null(mkdtemp(s->dir));
    snprintf(s->train, sizeof s->train, "%s/train", s->dir);
    snprintf(s->others, sizeof s->others, "%s/others", s->dir);
    snprintf(s->output, sizeof s->output, "%s/out", s->dir);
    for (int i = 0; i < TRAIN_PEOPLE + OTHER_PEOPLE; i++) {
        bool train = i < TRAIN_PEOPLE;
        char dir[120], name[20];
        snprintf(dir, sizeof dir, "%s/%s_%02d", train ? s->train : s->others, train ? "T" : "G", i);
        for (int k = 0; k < (i == TRAIN_PEOPLE - 1 ? 1 : train ? 4 : 2); k++) {
            snprintf(name, sizeof name, "%d.jpg", k);
            write_picture(dir, name, (uint64_t)(100 * i + k));
        }
    }
    lk_plant_options_init(&s->options);
    s->options.train = s->train;
    s->options.others = s->others;
    s->options.output = s->output;
    s->options.kinds = "copy,flip,crop,jpeg,blur,colour,other,blend";
    s->options.n_planted = 8;
}

static void run_in(const char *dir, const char *what)
{
    char command[200];
    snprintf(command, sizeof command, "cd %s && %s", dir, what);
    assert_int_equal(system(command), 0);
}

static void scene_close(struct scene *s)
{
    run_in(s->dir, "rm -rf \"$PWD\"");
}

struct cancel {
    lk_ctx *ctx;
    uint64_t at;
};

static void on_progress(void *user, const lk_progress *progress)
{
    struct cancel *cancel = user;
    if (cancel->at > 0 && progress->done >= cancel->at)
        lk_ctx_cancel(cancel->ctx);
}

static lk_status plant(struct scene *s, int threads, uint64_t cancel_at)
{
    struct cancel cancel = {NULL, cancel_at};
    lk_ctx_options options;
    lk_ctx_options_init(&options);
    options.threads = threads;
    options.progress = on_progress;
    options.user = &cancel;
    lk_ctx *ctx;
    assert_int_equal(lk_ctx_new(&ctx, &options, NULL), LK_OK);
    cancel.ctx = ctx;
    lk_status status = lk_plant(ctx, &s->options, &s->summary, &s->err);
    lk_ctx_free(ctx);
    return status;
}

static void failed_with(const struct scene *s, const char *what)
{
    if (strstr(s->err.text, what) == NULL)
        fail_msg("expected '%s' in the error: %s", what, s->err.text);
}

/* Hash over names and bytes of all pictures and the truth. */
static void fingerprint(const struct scene *s, char hex[65])
{
    const char *inputs[] = {s->output};
    struct lk_source *source;
    struct lk_hash *hash;
    lk_error err;
    assert_int_equal(lk_source_open(&source, inputs, 1, NULL, &err), LK_OK);
    assert_int_equal(lk_hash_new(&hash, &err), LK_OK);
    char *truth = lk_path_join(s->output, "truth.csv", &err);
    uint8_t *bytes;
    size_t len;
    assert_int_equal(lk_file_read(truth, 1 << 20, &bytes, &len, &err), LK_OK);
    lk_hash_add(hash, bytes, len, &err);
    free(bytes);
    free(truth);
    struct lk_str path = LK_STR_INIT;
    for (size_t i = 0; i < lk_source_count(source); i++) {
        assert_int_equal(lk_source_path(source, i, &path, &err), LK_OK);
        lk_hash_add(hash, path.text, path.len, &err);
        assert_int_equal(lk_source_read(source, i, &bytes, &len, &err), LK_OK);
        lk_hash_add(hash, bytes, len, &err);
        free(bytes);
    }
    assert_int_equal(lk_hash_end(hash, hex, &err), LK_OK);
    lk_hash_free(hash);
    lk_str_free(&path);
    lk_source_close(source);
}

static void read_picture(const char *dir, const char *name, struct lk_image *out)
{
    char *path = lk_path_join(dir, name, NULL);
    uint8_t *bytes;
    size_t len;
    lk_error err;
    if (lk_file_read(path, 1 << 20, &bytes, &len, &err) != LK_OK ||
        lk_image_decode(bytes, len, out, &err) != LK_OK)
        fail_msg("%s: %s", path, err.text);
    free(bytes);
    free(path);
}

/* Correlation of two pictures of one size. */
static double correlation(const struct lk_image *a, const struct lk_image *b)
{
    assert_int_equal(a->width, b->width);
    assert_int_equal(a->height, b->height);
    int n = 3 * a->width * a->height;
    double sa = 0, sb = 0, saa = 0, sbb = 0, sab = 0;
    for (int i = 0; i < n; i++) {
        sa += a->rgb[i];
        sb += b->rgb[i];
        saa += a->rgb[i] * a->rgb[i];
        sbb += b->rgb[i] * b->rgb[i];
        sab += a->rgb[i] * b->rgb[i];
    }
    return (sab - sa * sb / n) / sqrt((saa - sa * sa / n) * (sbb - sb * sb / n));
}

/* ---- the tests --------------------------------------------------------------------------------- */

/* Every line of truth.csv against the pictures it speaks of. */
static void test_truth(void **state)
{
    (void)state;
    struct scene s;
    scene_open(&s);
    assert_int_equal(plant(&s, 2, 0), LK_OK);
    assert_int_equal(s.summary.n_planted, 8);
    assert_int_equal(s.summary.n_others, OTHER_PEOPLE);
    char *truth = lk_path_join(s.output, "truth.csv", NULL), *images = lk_path_join(s.output, "images", NULL);
    char *left = lk_path_join(s.output, "train", NULL);
    struct lk_map map;
    assert_int_equal(lk_map_open(&map, truth, NULL), LK_OK);
    struct lk_csv csv;
    assert_int_equal(lk_csv_open(&csv, map.bytes, map.len, NULL), LK_OK);
    int more, planted = 0, others = 0, last_planted_name = 0, first_other_name = 0,
              by_kind[2][LK_PLANT_N_KINDS] = {{0}};
    int moved = 0;
    while (lk_csv_next(&csv, &more, &s.err) == LK_OK && more) {
        const char *file = lk_csv_field(&csv, 0), *kind = lk_csv_field(&csv, 3),
                   *source = lk_csv_field(&csv, 5);
        struct lk_image made = {0}, from = {0}, expected = {0};
        read_picture(images, file, &made);
        assert_int_equal(made.width, SIZE);
        int name = atoi(lk_csv_field(&csv, 1) + 1), k = 0;
        assert_true(name >= 1 && name <= 26 && strncmp(file, lk_csv_field(&csv, 1), 5) == 0);
        while (strcmp(lk_plant_kind_names[k], kind) != 0)
            k++;
        bool is_planted = lk_csv_field(&csv, 2)[0] == '1';
        by_kind[is_planted][k] += strstr(file, "/1.jpg") != NULL;
        if (is_planted) {
            planted++;
            last_planted_name = name > last_planted_name ? name : last_planted_name;
            assert_int_equal(strncmp(source, lk_csv_field(&csv, 4), 4), 0);
            read_picture(s.train, source, &from);
            if (k == LK_PLANT_FLIP) {
                assert_int_equal(lk_distort_flip(&from, &expected, NULL), LK_OK);
                assert_true(correlation(&expected, &made) > 0.99);
                lk_image_free(&expected);
            } else {
                double least = k == LK_PLANT_BLEND ? 0.2 : k == LK_PLANT_CROP ? 0.4 : 0.95;
                if (correlation(&from, &made) < least)
                    fail_msg("%s: %s, correlation %g with %s", file, kind, correlation(&from, &made), source);
            }
            char *link = lk_path_join(left, source, NULL);
            assert_int_equal(lk_path_exists(link), k != LK_PLANT_OTHER);
            moved += k == LK_PLANT_OTHER;
            free(link);
            lk_image_free(&from);
        } else {
            others++;
            first_other_name = first_other_name == 0 ? name : first_other_name;
            assert_string_equal(source, "");
            assert_string_equal(lk_csv_field(&csv, 4), "");
        }
        lk_image_free(&made);
    }
    assert_int_equal(others, 2 * OTHER_PEOPLE);
    assert_in_range(planted, 8 * 4 - 2 - 3, 8 * 4 - 2);
    assert_true(first_other_name < last_planted_name); /* the order does not give the planted away */
    for (int k = 0; k < LK_PLANT_N_KINDS; k++) {
        assert_int_equal(by_kind[1][k], 1);
        if (k == LK_PLANT_OTHER) /* the innocent have no training picture, so theirs are copies */
            assert_int_equal(by_kind[0][k], 0);
        else
            assert_in_range(by_kind[0][k], 2, k == LK_PLANT_COPY ? 5 : 3);
    }
    assert_int_equal(moved, 2);
    const char *inputs[] = {left};
    struct lk_source *rest;
    assert_int_equal(lk_source_open(&rest, inputs, 1, NULL, NULL), LK_OK);
    assert_int_equal(lk_source_count(rest), 11 * 4 + 1 - moved);
    lk_source_close(rest);
    lk_csv_close(&csv);
    lk_map_close(&map);
    free(truth);
    free(images);
    free(left);
    scene_close(&s);
}

static void test_same_seed_same_bytes(void **state)
{
    (void)state;
    struct scene s;
    scene_open(&s);
    char first[65], again[65];
    assert_int_equal(plant(&s, 1, 0), LK_OK);
    fingerprint(&s, first);
    assert_int_equal(plant(&s, 1, 0), LK_OK); /* nothing to do */
    run_in(s.dir, "rm -rf out");
    assert_int_equal(plant(&s, 3, 0), LK_OK);
    fingerprint(&s, again);
    assert_string_equal(first, again);
    run_in(s.dir, "rm -rf out");
    for (uint64_t at = 1; plant(&s, 2, at) != LK_OK; at += 20) /* interrupted a few times */
        failed_with(&s, "interrupted");
    fingerprint(&s, again);
    assert_string_equal(first, again);
    s.options.seed = 2;
    assert_int_equal(plant(&s, 2, 0), LK_EINVAL);
    failed_with(&s, "made with other settings");
    s.options.force = 1;
    assert_int_equal(plant(&s, 2, 0), LK_OK);
    fingerprint(&s, again);
    assert_string_not_equal(first, again);
    s.options.seed = 1; /* replacing leaves nothing of the set before */
    assert_int_equal(plant(&s, 2, 0), LK_OK);
    fingerprint(&s, again);
    assert_string_equal(first, again);
    scene_close(&s);
}

static void test_flat_folders(void **state)
{
    (void)state;
    struct scene s;
    scene_open(&s);
    run_in(s.train, "for f in T_*/*; do mv $f $(echo $f | tr / -); done && rmdir T_??");
    run_in(s.others, "for f in G_*/*; do mv $f $(echo $f | tr / -); done && rmdir G_??");
    s.options.kinds = "copy,jpeg";
    s.options.n_planted = 3;
    s.options.n_others = 5;
    assert_int_equal(plant(&s, 2, 0), LK_OK);
    struct lk_map map;
    char *truth = lk_path_join(s.output, "truth.csv", NULL);
    assert_int_equal(lk_map_open(&map, truth, NULL), LK_OK);
    struct lk_csv csv;
    assert_int_equal(lk_csv_open(&csv, map.bytes, map.len, NULL), LK_OK);
    int more, n = 0;
    while (lk_csv_next(&csv, &more, &s.err) == LK_OK && more) {
        n++; /* each picture is its own identity, named by its file */
        assert_non_null(strstr(lk_csv_field(&csv, 0), "/1.jpg"));
        if (lk_csv_field(&csv, 2)[0] == '1')
            assert_int_equal(strncmp(lk_csv_field(&csv, 4), lk_csv_field(&csv, 5), 6), 0);
    }
    assert_int_equal(n, 8);
    lk_csv_close(&csv);
    lk_map_close(&map);
    free(truth);
    scene_close(&s);
}

static void test_refusals(void **state)
{
    (void)state;
    struct scene s;
    scene_open(&s);
    s.options.kinds = "copy,smile";
    assert_int_equal(plant(&s, 1, 0), LK_EINVAL);
    failed_with(&s, "found 'smile', expected a comma list of copy, flip");
    s.options.kinds = "copy,";
    assert_int_equal(plant(&s, 1, 0), LK_EINVAL);
    failed_with(&s, "found ''");
    s.options.kinds = "blur,blur";
    assert_int_equal(plant(&s, 1, 0), LK_EINVAL);
    failed_with(&s, "'blur' is there twice");
    s.options.kinds = "other";
    s.options.n_planted = TRAIN_PEOPLE; /* one of them has a single picture */
    assert_int_equal(plant(&s, 1, 0), LK_EINVAL);
    failed_with(&s, "no identity with two pictures is left for kind 'other'");
    s.options.n_planted = TRAIN_PEOPLE + 1;
    assert_int_equal(plant(&s, 1, 0), LK_EINVAL);
    failed_with(&s, "has 12 identities, expected at least the 13");
    s.options.n_planted = 2;
    s.options.n_others = 19;
    assert_int_equal(plant(&s, 1, 0), LK_EINVAL);
    failed_with(&s, "has 18 identities, expected at least the 19");
    s.options.n_others = 0;
    s.options.alpha = NAN;
    assert_int_equal(plant(&s, 1, 0), LK_EINVAL);
    s.options.alpha = 0.5;
    assert_false(lk_path_exists(s.output));
    char *images = lk_path_join(s.output, "images", NULL);
    assert_int_equal(lk_mkdirs(images, NULL), LK_OK);
    s.options.force = 1;
    assert_int_equal(plant(&s, 1, 0), LK_EINVAL); /* pictures of somebody else are not cleared away */
    failed_with(&s, "holds images/ but no truth.csv");
    free(images);
    scene_close(&s);
}

static void test_damaged_picture(void **state)
{
    (void)state;
    struct scene s;
    scene_open(&s);
    char *path = lk_path_join(s.others, "G_12/0.jpg", NULL);
    assert_int_equal(truncate(path, 200), 0);
    assert_int_equal(plant(&s, 2, 0), LK_EFORMAT);
    failed_with(&s, "G_12/0.jpg: ");
    free(path);
    scene_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_truth),           cmocka_unit_test(test_same_seed_same_bytes),
        cmocka_unit_test(test_flat_folders),    cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_damaged_picture),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
