/* SPDX-License-Identifier: Apache-2.0 */
/* t_embed.c - the embed job with a fake embedder: order, resuming after any end, refusals, messages. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/hash.h"
#include "base/rng.h"
#include "formats/json.h"
#include "vision/embed.h"

enum { DIM = 12, N_IMAGES = 300 };

/* ---- a fake embedder -------------------------------------------------------------------------- */

/* The vector is a hash of the bytes; the first letter of a file decides what happens to it. */

struct fake {
    lk_ctx *ctx;
    atomic_int calls, cancel_at, fail_at; /* 0 = never */
    int delay_us;                         /* at most */
    const char *model_sha256;
    atomic_int open_workers;
    json_t *thresholds;
};

struct fake_worker {
    struct fake *fake;
    struct lk_rng delays;
};

static lk_status fake_new(void **worker, struct fake *fake)
{
    struct fake_worker *w = lk_calloc(1, sizeof *w, NULL);
    w->fake = fake;
    w->delays = lk_rng_seed((uint64_t)atomic_fetch_add(&fake->open_workers, 1));
    *worker = w;
    return LK_OK;
}

static lk_status fake_open(void **worker, void *arg, lk_ctx *ctx, const lk_embed_options *options,
                           lk_error *err)
{
    (void)options;
    (void)err;
    struct fake *fake = arg;
    fake->ctx = ctx;
    return fake_new(worker, fake);
}

static lk_status fake_open_like(void **worker, const void *first, lk_error *err)
{
    (void)err;
    return fake_new(worker, ((const struct fake_worker *)first)->fake);
}

static lk_status fake_embed(void *worker, const uint8_t *bytes, size_t len, lk_face_choice choice, float *out,
                            struct lk_face_image *info, lk_error *err)
{
    (void)choice;
    struct fake_worker *w = worker;
    struct fake *fake = w->fake;
    int call = atomic_fetch_add(&fake->calls, 1) + 1;
    if (call == atomic_load(&fake->cancel_at))
        lk_ctx_cancel(fake->ctx);
    if (call == atomic_load(&fake->fail_at))
        return lk_fail(err, LK_EBACKEND, "the fake runtime broke");
    if (fake->delay_us > 0)
        usleep((useconds_t)lk_rng_below(&w->delays, (uint64_t)fake->delay_us));
    if (len == 0 || bytes[0] == 'u') {
        info->status = LK_FACE_UNREADABLE;
        info->message = lk_strdup("found 'u', expected a picture", err);
        return LK_OK;
    }
    info->width = info->height = 112;
    info->status = bytes[0] == 'n' ? LK_FACE_NONE : LK_FACE_EMBEDDED;
    if (info->status == LK_FACE_NONE)
        return LK_OK;
    struct lk_rng rng = lk_rng_seed(len);
    for (size_t i = 0; i < len; i++)
        rng.state = rng.state * 31 + bytes[i];
    float norm = 0;
    for (int i = 0; i < DIM; i++) {
        out[i] = (float)lk_rng_unit(&rng) - 0.5f;
        norm += out[i] * out[i];
    }
    info->norm = __builtin_sqrtf(norm);
    for (int i = 0; i < DIM; i++)
        out[i] /= info->norm;
    info->n_faces = 1;
    info->face = (struct lk_face){.box = {1.5f, 2, 30, 1.0f / 3}, .score = 0.9f};
    return LK_OK;
}

static void fake_about(const void *worker, struct lk_embedder_about *out)
{
    const struct fake *fake = ((const struct fake_worker *)worker)->fake;
    *out = (struct lk_embedder_about){
        .dim = DIM, .size = 112, .thresholds = fake->thresholds, .alignment = "aligned"};
    out->model.name = "fake";
    out->model.licence = "none";
    snprintf(out->model.sha256, sizeof out->model.sha256, "%s", fake->model_sha256);
}

static void fake_close(void *worker)
{
    atomic_fetch_sub(&((struct fake_worker *)worker)->fake->open_workers, 1);
    free(worker);
}

/* ---- the scene: a folder of pictures, an output, what was said --------------------------------- */

struct scene {
    char dir[64], input[80], output[80];
    const char *inputs[1];
    lk_embed_options options;
    struct fake fake;
    struct lk_str said;
    lk_progress last;
    lk_embed_summary summary;
    lk_error err;
};

static void on_message(void *user, lk_level level, const char *text)
{
    struct scene *s = user;
    assert_int_equal(
        lk_str_addf(&s->said, NULL, "%s%s\n", level == LK_LEVEL_WARNING ? "warning: " : "", text), LK_OK);
}

static void on_progress(void *user, const lk_progress *progress)
{
    ((struct scene *)user)->last = *progress;
}

static void write_file(const char *dir, const char *name, const char *text)
{
    char *path = lk_path_join(dir, name, NULL);
    assert_int_equal(lk_file_write(path, text, strlen(text), NULL), LK_OK);
    free(path);
}

/* Pictures with the given first letters in turn, over seven identities. */
static void scene_open(struct scene *s, int n, const char *letters)
{
    *s = (struct scene){.said = LK_STR_INIT, .fake = {.model_sha256 = "aaaa", .thresholds = json_array()}};
    strcpy(s->dir, "/tmp/likeness-embed-XXXXXX");
    assert_non_null(mkdtemp(s->dir));
    snprintf(s->input, sizeof s->input, "%s/in", s->dir);
    snprintf(s->output, sizeof s->output, "%s/out", s->dir);
    size_t n_letters = strlen(letters);
    for (int i = 0; i < n; i++) {
        char dir[100], name[40], text[40];
        snprintf(dir, sizeof dir, "%s/person \"%d\"", s->input, i % 7); /* quotes: a hard name for CSV */
        assert_int_equal(lk_mkdirs(dir, NULL), LK_OK);
        snprintf(name, sizeof name, i % 50 == 3 ? "%03d,\n.jpg" : "%03d.jpg", i);
        snprintf(text, sizeof text, "%c%d", letters[(size_t)i % n_letters], i);
        write_file(dir, name, text);
    }
    s->inputs[0] = s->input;
    lk_embed_options_init(&s->options);
    s->options.inputs = s->inputs;
    s->options.n_inputs = 1;
    s->options.output = s->output;
    s->options.command = "likeness embed";
}

static void scene_close(struct scene *s)
{
    char command[100];
    snprintf(command, sizeof command, "rm -rf %s", s->dir);
    assert_int_equal(system(command), 0);
    json_decref(s->fake.thresholds);
    lk_str_free(&s->said);
}

static lk_status embed(struct scene *s, int threads)
{
    const struct lk_embed_engine engine = {&s->fake,   fake_open,  fake_open_like,
                                           fake_embed, fake_about, fake_close};
    lk_ctx_options options;
    lk_ctx_options_init(&options);
    options.threads = threads;
    options.message = on_message;
    options.progress = on_progress;
    options.user = s;
    lk_ctx *ctx;
    assert_int_equal(lk_ctx_new(&ctx, &options, NULL), LK_OK);
    s->said.len = 0;
    assert_int_equal(lk_str_addz(&s->said, "", NULL), LK_OK);
    s->err.text[0] = '\0';
    atomic_store(&s->fake.calls, 0);
    lk_status status = lk_embed_with(ctx, &s->options, &engine, &s->summary, &s->err);
    assert_int_equal(atomic_load(&s->fake.open_workers), 0);
    lk_ctx_free(ctx);
    return status;
}

static void said(const struct scene *s, const char *what)
{
    if (strstr(s->said.text, what) == NULL)
        fail_msg("expected '%s' among the messages:\n%s", what, s->said.text);
}

static void failed_with(const struct scene *s, const char *what)
{
    if (strstr(s->err.text, what) == NULL)
        fail_msg("expected '%s' in the error: %s", what, s->err.text);
}

static char *out_path(const struct scene *s, const char *name)
{
    return lk_path_join(s->output, name, NULL);
}

static bool there(const struct scene *s, const char *name)
{
    char *path = out_path(s, name);
    bool yes = lk_path_exists(path);
    free(path);
    return yes;
}

/* Hash of both tables, and that meta.json says the same. */
struct result {
    char images[65], embeddings[65];
};

static struct result result_of(const struct scene *s)
{
    struct result r;
    char *images = out_path(s, "images.csv"), *embeddings = out_path(s, "embeddings.npy"),
         *meta = out_path(s, "meta.json");
    json_t *m;
    assert_int_equal(lk_hash_file(images, r.images, NULL), LK_OK);
    assert_int_equal(lk_hash_file(embeddings, r.embeddings, NULL), LK_OK);
    assert_int_equal(lk_json_read(meta, &m, NULL), LK_OK);
    assert_string_equal(json_string_value(json_object_get(m, "images_sha256")), r.images);
    assert_string_equal(json_string_value(json_object_get(m, "embeddings_sha256")), r.embeddings);
    json_decref(m);
    free(images);
    free(embeddings);
    free(meta);
    assert_false(there(s, "state.part.json"));
    assert_false(there(s, "embeddings.part"));
    assert_false(there(s, "images.part.csv"));
    return r;
}

static void same_result(const struct result *a, const struct result *b)
{
    assert_string_equal(a->images, b->images);
    assert_string_equal(a->embeddings, b->embeddings);
}

static void empty_output(struct scene *s)
{
    char command[120];
    snprintf(command, sizeof command, "rm -rf %s", s->output);
    assert_int_equal(system(command), 0);
}

/* ---- the tests --------------------------------------------------------------------------------- */

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
    assert_int_equal(lk_faces_open(&faces, s.output, &s.err), LK_OK);
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

/* What may happen to a part file: cut anywhere, the line end lost, more or other bytes at the end. */
static void tear(const struct scene *s, const char *name, struct lk_rng *rng)
{
    char *path = out_path(s, name);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    off_t cut = (off_t)lk_rng_below(rng, (uint64_t)st.st_size + 1);
    switch (lk_rng_below(rng, 6)) {
    case 0:
        assert_int_equal(truncate(path, cut), 0);
        break;
    case 1:
        assert_int_equal(truncate(path, st.st_size - 1), 0);
        break;
    case 2:
        assert_int_equal(truncate(path, st.st_size + cut), 0); /* zeros behind the end, */
        break;
    case 3: /* or in place of what was never written, as after a power cut */
        assert_int_equal(truncate(path, cut), 0);
        assert_int_equal(truncate(path, st.st_size), 0);
        break;
    case 4: {
        FILE *f = fopen(path, "ab");
        assert_non_null(f);
        fputs("17,\"half a li", f);
        fclose(f);
        break;
    }
    default:
        break;
    }
    free(path);
}

static void test_resume_anywhere(void **state)
{
    (void)state;
    struct scene s;
    scene_open(&s, N_IMAGES, "ookonuo");
    assert_int_equal(embed(&s, 3), LK_OK);
    struct result whole = result_of(&s);
    struct lk_rng rng = lk_rng_seed(2026);
    s.fake.delay_us = 40;
    for (int round = 0; round < 12; round++) {
        empty_output(&s);
        lk_status status;
        int runs = 0;
        do {
            atomic_store(&s.fake.cancel_at, 1 + (int)lk_rng_below(&rng, 120));
            status = embed(&s, 1 + (int)lk_rng_below(&rng, 5));
            if (status == LK_ECANCELED) {
                failed_with(&s, "run the same command again to go on");
                if (round % 2 == 1) {
                    tear(&s, "images.part.csv", &rng);
                    tear(&s, "embeddings.part", &rng);
                }
            } else {
                assert_int_equal(status, LK_OK);
            }
            assert_in_range(++runs, 1, 400);
        } while (status != LK_OK);
        struct result parts = result_of(&s);
        same_result(&whole, &parts);
    }
    scene_close(&s);
}

static void test_resume_counts(void **state)
{
    (void)state;
    struct scene s;
    scene_open(&s, 100, "o");
    atomic_store(&s.fake.cancel_at, 60);
    assert_int_equal(embed(&s, 1), LK_ECANCELED);
    failed_with(&s, "after 60 of 100 images");
    atomic_store(&s.fake.cancel_at, 0);
    assert_int_equal(embed(&s, 1), LK_OK);
    said(&s, "going on after 60 of 100 images");
    assert_int_equal(atomic_load(&s.fake.calls), 40);
    assert_int_equal(s.summary.n_resumed, 60);
    assert_int_equal(s.summary.n_images, 100);
    assert_int_equal(s.last.resumed, 60);
    scene_close(&s);
}

static void test_backend_failure_keeps_work(void **state)
{
    (void)state;
    struct scene s;
    scene_open(&s, 100, "o");
    atomic_store(&s.fake.fail_at, 41);
    assert_int_equal(embed(&s, 1), LK_EBACKEND);
    failed_with(&s, "after 40 of 100 images, which are kept: ");
    failed_with(&s, "the fake runtime broke");
    atomic_store(&s.fake.fail_at, 0);
    assert_int_equal(embed(&s, 1), LK_OK);
    assert_int_equal(s.summary.n_resumed, 40);
    scene_close(&s);
}

/* A run ended between two of the steps that put the tables in place. */
static void test_resume_while_finishing(void **state)
{
    (void)state;
    struct scene s;
    scene_open(&s, 50, "on");
    assert_int_equal(embed(&s, 2), LK_OK);
    struct result whole = result_of(&s);
    for (int step = 0; step < 3; step++) {
        /* The state as it was: take it from an interrupted run into another folder. */
        s.options.output = s.dir;
        atomic_store(&s.fake.cancel_at, 1);
        assert_int_equal(embed(&s, 1), LK_ECANCELED);
        atomic_store(&s.fake.cancel_at, 0);
        s.options.output = s.output;
        char command[400];
        snprintf(command, sizeof command, "mv %s/state.part.json %s/; rm -f %s/*.part* %s/meta.json", s.dir,
                 s.output, s.dir, s.output);
        assert_int_equal(system(command), 0);
        if (step < 2) {
            snprintf(command, sizeof command, "mv %s/images.csv %s/images.part.csv", s.output, s.output);
            assert_int_equal(system(command), 0);
        }
        if (step < 1) {
            snprintf(command, sizeof command, "mv %s/embeddings.npy %s/embeddings.part", s.output, s.output);
            assert_int_equal(system(command), 0);
        }
        assert_int_equal(embed(&s, 2), LK_OK);
        assert_int_equal(atomic_load(&s.fake.calls), 0);
        assert_int_equal(s.summary.n_resumed, 50);
        struct result again = result_of(&s);
        same_result(&whole, &again);
    }
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

static void test_damaged_result(void **state)
{
    (void)state;
    struct scene s;
    scene_open(&s, 20, "o");
    assert_int_equal(embed(&s, 1), LK_OK);
    struct result whole = result_of(&s);
    char *path = out_path(&s, "embeddings.npy");
    assert_int_equal(truncate(path, 500), 0);
    assert_int_equal(embed(&s, 1), LK_OK);
    said(&s, "missing or cut short; embedding again");
    struct result again = result_of(&s);
    same_result(&whole, &again);
    free(path);
    write_file(s.output, "meta.json", "{\"kind\": ");
    assert_int_equal(embed(&s, 1), LK_EFORMAT);
    failed_with(&s, "meta.json");
    s.options.force = 1;
    assert_int_equal(embed(&s, 1), LK_OK);
    again = result_of(&s);
    same_result(&whole, &again);
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
    char link[120];
    snprintf(link, sizeof link, "%s/fifo.jpg", s.input);
    struct lk_source source = {0};
    assert_int_equal(mkfifo(link, 0600), 0);
    /* What the list makes of a pipe is its own affair; reading one must not hang or end the run. */
    assert_int_equal(lk_source_list(&source, s.inputs, 1, &s.err), LK_OK);
    size_t listed = source.n;
    lk_source_free(&source);
    assert_int_equal(unlink(link), 0);
    assert_in_range(listed, 5, 6);
    snprintf(link, sizeof link, "%s/empty.jpg", s.input);
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

static void test_full_disk(void **state)
{
    (void)state;
    struct scene s;
    scene_open(&s, N_IMAGES, "o");
    assert_int_equal(embed(&s, 2), LK_OK);
    struct result whole = result_of(&s);
    empty_output(&s);
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit old, small;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = (struct rlimit){9000, old.rlim_max}; /* enough for the state and about 180 vectors */
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    lk_status status = embed(&s, 2);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(status, LK_EIO);
    failed_with(&s, "which are kept");
    failed_with(&s, "cannot write: File too large");
    assert_int_equal(embed(&s, 2), LK_OK);
    assert_in_range(s.summary.n_resumed, 1, N_IMAGES - 1);
    struct result again = result_of(&s);
    same_result(&whole, &again);
    scene_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tables),
        cmocka_unit_test(test_warnings_are_few),
        cmocka_unit_test(test_resume_anywhere),
        cmocka_unit_test(test_resume_counts),
        cmocka_unit_test(test_backend_failure_keeps_work),
        cmocka_unit_test(test_resume_while_finishing),
        cmocka_unit_test(test_other_settings),
        cmocka_unit_test(test_foreign_output),
        cmocka_unit_test(test_damaged_result),
        cmocka_unit_test(test_nothing_embedded),
        cmocka_unit_test(test_unreadable_file),
        cmocka_unit_test(test_two_runs),
        cmocka_unit_test(test_full_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
