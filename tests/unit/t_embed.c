/* SPDX-License-Identifier: Apache-2.0 */
/* t_embed.c - the embed job with a fake embedder: tables, messages, other settings, refusals. */
#include <sys/stat.h>

#include "fake_embedder.h"

static void test_tables(void **state)
{
    (void)state;
    struct scene s;
    scene_open(&s, N_IMAGES, "okonku");
    assert_int_equal(embed(&s, 1), LK_OK);
    assert_int_equal(s.summary.n_images, N_IMAGES);
    assert_int_equal(s.summary.n_embedded, N_IMAGES * 4 / 6);
    assert_int_equal(s.summary.n_no_face, N_IMAGES / 6);
    assert_int_equal(s.summary.n_unreadable, N_IMAGES / 6);
    assert_int_equal(s.summary.n_identities, 7);
    assert_int_equal(s.summary.dim, DIM);
    assert_false(s.summary.up_to_date);
    assert_int_equal(s.last.done, N_IMAGES);
    assert_string_equal(s.last.unit, "images");
    struct result one = result_of(&s);

    struct lk_faces faces;
    assert_int_equal(lk_faces_open(&faces, NULL, s.output, &s.err), LK_OK);
    assert_int_equal(faces.n_images, N_IMAGES);
    assert_int_equal(faces.matrix.rows, s.summary.n_embedded);
    assert_int_equal(faces.matrix.dim, DIM);
    int64_t row = 0;
    for (size_t i = 0; i < faces.n_images; i++) {
        uint8_t *bytes;
        size_t len;
        assert_int_equal(lk_file_read(faces.images[i].path, 100, &bytes, &len, NULL), LK_OK);
        assert_int_equal(faces.images[i].status == LK_FACE_EMBEDDED, bytes[0] == 'o' || bytes[0] == 'k');
        if (faces.images[i].status == LK_FACE_EMBEDDED)
            assert_int_equal(faces.images[i].row, row++);
        free(bytes);
    }
    assert_string_equal(json_string_value(json_object_get(faces.meta, "command")), "likeness embed");
    assert_true(json_is_null(json_object_get(faces.meta, "detector")));
    assert_string_equal(json_string_value(json_object_get(faces.meta, "bottleneck")), "detect");
    assert_string_equal(s.summary.bottleneck, "detect"); /* as the fake says: 5 of 8 seconds and a little */
    const json_t *share = json_object_get(faces.meta, "stage_share"),
                 *seconds = json_object_get(faces.meta, "stage_seconds");
    double shares = 0;
    for (void *it = json_object_iter((json_t *)share); it != NULL;
         it = json_object_iter_next((json_t *)share, it))
        shares += json_number_value(json_object_iter_value(it));
    assert_float_equal(shares, 1, 1e-9);
    assert_float_equal(json_number_value(json_object_get(share, "detect")), s.summary.bottleneck_share,
                       1e-12);
    assert_true(s.summary.bottleneck_share > 0.5 && s.summary.bottleneck_share <= 0.625);
    assert_true(json_number_value(json_object_get(seconds, "decode")) == 1);
    assert_true(json_number_value(json_object_get(seconds, "read")) > 0);
    assert_true(json_number_value(json_object_get(seconds, "write")) > 0);
    lk_faces_close(&faces);

    assert_int_equal(embed(&s, 2), LK_OK); /* nothing to do: same numbers, no work */
    assert_true(s.summary.up_to_date);
    assert_int_equal(atomic_load(&s.fake.calls), 0);
    assert_int_equal(s.summary.n_embedded, N_IMAGES * 4 / 6);
    assert_int_equal(s.summary.n_unreadable, N_IMAGES / 6);

    s.fake.delay_us = 300;
    for (int threads = 2; threads <= 7; threads += 5) {
        empty_output(&s);
        assert_int_equal(embed(&s, threads), LK_OK);
        struct result many = result_of(&s);
        same_result(&one, &many);
    }
    scene_close(&s);
}

/* In groups of any size, cut by pictures without a vector, by excluded ones and by the end: the same bytes.
 */
static void test_groups(void **state)
{
    (void)state;
    struct scene s;
    scene_open(&s, N_IMAGES - 1, "ookonoooouoooooonnnno");
    char *list = lk_path_join(s.dir, "list.csv", NULL);
    struct lk_str text = LK_STR_INIT;
    assert_int_equal(lk_str_addf(&text, NULL, "path\n"), LK_OK);
    for (int i = 0; i < N_IMAGES - 1; i += i % 50 == 4 ? 1 : 13) /* some of them in rows */
        if (i % 50 != 3)
            assert_int_equal(
                lk_str_addf(&text, NULL, "\"%s/person \"\"%d\"\"/%03d.jpg\"\n", s.input, i % 7, i), LK_OK);
    assert_int_equal(lk_file_write(list, text.text, text.len, NULL), LK_OK);
    lk_str_free(&text);
    for (int excluding = 0; excluding < 2; excluding++) {
        s.options.exclude = excluding ? list : NULL;
        s.fake.group = 1;
        s.options.force = 1;
        assert_int_equal(embed(&s, 1), LK_OK);
        assert_int_equal(s.summary.n_excluded > 0, excluding);
        assert_int_equal(atomic_load(&s.fake.most_waiting), 1);
        struct result singly = result_of(&s);
        s.fake.delay_us = 30;
        for (int threads = 1; threads <= 5; threads += 2) {
            for (s.fake.group = 2; s.fake.group <= LK_EMBED_BATCH; s.fake.group++) {
                empty_output(&s);
                assert_int_equal(embed(&s, threads), LK_OK);
                assert_int_equal(atomic_load(&s.fake.most_waiting), s.fake.group);
                assert_int_equal(s.last.done, N_IMAGES - 1);
                struct result grouped = result_of(&s);
                same_result(&singly, &grouped);
            }
        }
        s.fake.delay_us = 0;
    }
    free(list);
    scene_close(&s);
}

/* Finding out whether groups change nothing takes time: not for few pictures, not for a finished set. */
static void test_few_go_singly(void **state)
{
    (void)state;
    struct scene s;
    scene_open(&s, 99, "o");
    s.fake.group = LK_EMBED_BATCH;
    assert_int_equal(embed(&s, 2), LK_OK);
    assert_int_equal(atomic_load(&s.fake.gathered), 0);
    assert_int_equal(atomic_load(&s.fake.most_waiting), 1);
    s.options.force = 1;
    write_file(s.input, "new.jpg", "o new");
    assert_int_equal(embed(&s, 2), LK_OK);
    assert_int_equal(atomic_load(&s.fake.gathered), 1);
    assert_int_equal(atomic_load(&s.fake.most_waiting), LK_EMBED_BATCH);
    s.options.force = 0;
    assert_int_equal(embed(&s, 2), LK_OK);
    assert_true(s.summary.up_to_date);
    assert_int_equal(atomic_load(&s.fake.gathered), 0);
    scene_close(&s);
}

static void test_warnings_are_few(void **state)
{
    (void)state;
    struct scene s;
    scene_open(&s, 60, "onu");
    assert_int_equal(embed(&s, 2), LK_OK);
    said(&s, "and 10 more images without a face: see images.csv");
    said(&s, "and 10 more images unreadable: see images.csv");
    said(&s, "unreadable: found 'u', expected a picture");
    int lines = 0;
    for (const char *p = s.said.text; *p != '\0'; p++)
        lines += *p == '\n';
    assert_int_equal(lines, 10 + 10 + 2);
    scene_close(&s);
}

static void test_other_settings(void **state)
{
    (void)state;
    struct scene s;
    scene_open(&s, 40, "o");
    atomic_store(&s.fake.cancel_at, 20);
    assert_int_equal(embed(&s, 1), LK_ECANCELED);
    atomic_store(&s.fake.cancel_at, 0);
    s.fake.model_sha256 = "bbbb"; /* interrupted with another model: starts over, and says why */
    assert_int_equal(embed(&s, 1), LK_OK);
    said(&s, "starting over, the interrupted run there had other settings: its model is fake (sha256 aaaa), "
             "this run's is fake (sha256 bbbb)");
    assert_int_equal(s.summary.n_resumed, 0);
    assert_int_equal(atomic_load(&s.fake.calls), 40);
    struct result b = result_of(&s);

    s.fake.model_sha256 = "cccc"; /* finished with another model: refused */
    assert_int_equal(embed(&s, 1), LK_EINVAL);
    failed_with(&s, "made with other settings: its model is fake (sha256 bbbb)");
    s.fake.model_sha256 = "bbbb";
    s.options.choice = LK_FACE_LARGEST;
    assert_int_equal(embed(&s, 1), LK_EINVAL);
    failed_with(&s, "its choice among faces is 'central', this run's is 'largest'");
    s.options.choice = LK_FACE_CENTRAL;
    s.fake.age_sha256 = "dddd";
    assert_int_equal(embed(&s, 1), LK_EINVAL);
    failed_with(&s, "its age model is none (sha256 none), this run's is ages (sha256 dddd)");
    s.fake.age_sha256 = NULL;
    s.options.shard = 2;
    s.options.n_shards = 3;
    assert_int_equal(embed(&s, 1), LK_EINVAL);
    failed_with(&s, "it holds all images, this run's are shard 2/3");
    s.options.shard = 4;
    assert_int_equal(embed(&s, 1), LK_EINVAL);
    failed_with(&s, "shard 4 of 3");
    s.options.shard = s.options.n_shards = 0;
    write_file(s.input, "new.jpg", "o new");
    assert_int_equal(embed(&s, 1), LK_EINVAL);
    failed_with(&s, "its inputs are others");
    struct result kept = result_of(&s);
    same_result(&b, &kept);

    s.options.force = 1; /* replaced when asked to; interrupted meanwhile, the old result stays whole */
    atomic_store(&s.fake.cancel_at, 9);
    assert_int_equal(embed(&s, 1), LK_ECANCELED);
    assert_true(there(&s, "meta.json"));
    s.options.force = 0; /* and going on needs no second permission */
    atomic_store(&s.fake.cancel_at, 0);
    assert_int_equal(embed(&s, 1), LK_OK);
    assert_int_equal(s.summary.n_resumed, 9);
    assert_int_equal(s.summary.n_images, 41);
    result_of(&s);
    scene_close(&s);
}

static void test_foreign_output(void **state)
{
    (void)state;
    struct scene s;
    scene_open(&s, 5, "o");
    assert_int_equal(lk_mkdirs(s.output, NULL), LK_OK);
    write_file(s.output, "images.csv", "my own table\n");
    assert_int_equal(embed(&s, 1), LK_EINVAL);
    failed_with(&s, "not a result of likeness");
    write_file(s.output, "meta.json", "{\"kind\": \"match\"}\n");
    assert_int_equal(embed(&s, 1), LK_EINVAL);
    failed_with(&s, "kind 'match', expected 'faces'");
    empty_output(&s);
    write_file(s.dir, "out", "a file");
    assert_int_equal(embed(&s, 1), LK_EIO);
    failed_with(&s, "out: cannot make this folder");
    scene_close(&s);
}

static void test_nothing_embedded(void **state)
{
    (void)state;
    struct scene s;
    scene_open(&s, 12, "nnu");
    for (int run = 0; run < 2; run++) {
        assert_int_equal(embed(&s, 2), LK_EFORMAT);
        failed_with(&s, "no face in any of 12 images (4 unreadable)");
        failed_with(&s, "--aligned");
        assert_true(there(&s, "images.part.csv"));
        assert_int_equal(atomic_load(&s.fake.calls), run == 0 ? 12 : 0); /* what was found out is kept */
    }
    scene_close(&s);
    scene_open(&s, 12, "u");
    assert_int_equal(embed(&s, 2), LK_EFORMAT);
    failed_with(&s, "none of 12 images could be read");
    scene_close(&s);
}

static void test_unreadable_file(void **state)
{
    (void)state;
    struct scene s;
    scene_open(&s, 5, "o");
    char *pipe = lk_path_join(s.input, "fifo.jpg", NULL);
    struct lk_source *source;
    assert_int_equal(mkfifo(pipe, 0600), 0);
    /* What the list makes of a pipe is its own affair; reading one must not hang or end the run. */
    assert_int_equal(lk_source_open(&source, s.inputs, 1, NULL, &s.err), LK_OK);
    size_t listed = lk_source_count(source);
    lk_source_close(source);
    assert_int_equal(unlink(pipe), 0);
    free(pipe);
    assert_in_range(listed, 5, 6);
    write_file(s.input, "empty.jpg", "");
    assert_int_equal(embed(&s, 2), LK_OK);
    assert_int_equal(s.summary.n_unreadable, 1);
    said(&s, "empty.jpg: unreadable: ");
    scene_close(&s);
}

static void test_two_runs(void **state)
{
    (void)state;
    struct scene s;
    scene_open(&s, 5, "o");
    assert_int_equal(lk_mkdirs(s.output, NULL), LK_OK);
    int lock;
    assert_int_equal(lk_lock_take(&lock, s.output, NULL), LK_OK);
    assert_int_equal(embed(&s, 1), LK_EBUSY);
    failed_with(&s, "another run is writing into this folder");
    lk_lock_release(lock);
    assert_int_equal(embed(&s, 1), LK_OK);
    scene_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tables),           cmocka_unit_test(test_groups),
        cmocka_unit_test(test_few_go_singly),    cmocka_unit_test(test_warnings_are_few),
        cmocka_unit_test(test_other_settings),   cmocka_unit_test(test_foreign_output),
        cmocka_unit_test(test_nothing_embedded), cmocka_unit_test(test_unreadable_file),
        cmocka_unit_test(test_two_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
