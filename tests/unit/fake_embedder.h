/* SPDX-License-Identifier: Apache-2.0 */
/* fake_embedder.h - a fake embedder, and a folder of pictures on which the embed job runs with it. */
#ifndef LK_TESTS_FAKE_EMBEDDER_H
#define LK_TESTS_FAKE_EMBEDDER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/hash.h"
#include "base/rng.h"
#include "formats/json.h"
#include "temp.h"
#include "vision/embed.h"

enum { DIM = 12, N_IMAGES = 300 };

/* ---- a fake embedder -------------------------------------------------------------------------- */

/* The vector is a hash of the bytes; the first letter of a file decides what happens to it. */

struct fake {
    lk_ctx *ctx;
    atomic_int calls, cancel_at, fail_at;  /* 0 = never */
    int delay_us;                          /* at most */
    int group;                             /* pictures in one; 0 = 1 */
    atomic_int gathered, most_waiting;     /* calls of gather; vectors given by one call of finish, at most */
    const char *model_sha256, *age_sha256; /* the second NULL = no age model */
    atomic_int open_workers;
    json_t *thresholds;
};

/* Complete only after finish, as with a network that takes several faces at once. */
struct fake_waiting {
    float vector[DIM], *out;
    float norm, *norm_out;
};

struct fake_worker {
    struct fake *fake;
    struct lk_rng delays;
    struct fake_waiting waiting[LK_EMBED_BATCH];
    int n_waiting;
};

static inline lk_status fake_new(void **worker, struct fake *fake)
{
    struct fake_worker *w = lk_calloc(1, sizeof *w, NULL);
    w->fake = fake;
    w->delays = lk_rng_seed((uint64_t)atomic_fetch_add(&fake->open_workers, 1));
    *worker = w;
    return LK_OK;
}

static inline lk_status fake_open(void **worker, void *arg, lk_ctx *ctx, const lk_embed_options *options,
                                  lk_error *err)
{
    (void)options;
    (void)err;
    struct fake *fake = arg;
    fake->ctx = ctx;
    return fake_new(worker, fake);
}

static inline lk_status fake_open_like(void **worker, const void *first, lk_error *err)
{
    (void)err;
    return fake_new(worker, ((const struct fake_worker *)first)->fake);
}

static inline lk_status fake_gather(void *first, size_t *n, lk_error *err)
{
    (void)err;
    struct fake *fake = ((struct fake_worker *)first)->fake;
    atomic_fetch_add(&fake->gathered, 1);
    *n = fake->group > 0 ? (size_t)fake->group : 1;
    return LK_OK;
}

static inline lk_status fake_finish(void *worker, lk_error *err)
{
    (void)err;
    struct fake_worker *w = worker;
    int n = w->n_waiting, most = atomic_load(&w->fake->most_waiting);
    while (n > most && !atomic_compare_exchange_weak(&w->fake->most_waiting, &most, n)) {
    }
    for (int i = 0; i < n; i++) {
        memcpy(w->waiting[i].out, w->waiting[i].vector, sizeof w->waiting[i].vector);
        *w->waiting[i].norm_out = w->waiting[i].norm;
    }
    w->n_waiting = 0;
    return LK_OK;
}

static inline lk_status fake_take(void *worker, const uint8_t *bytes, size_t len, lk_face_choice choice,
                                  float *out, struct lk_face_image *info, lk_error *err)
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
    assert_true(w->n_waiting < LK_EMBED_BATCH);
    struct fake_waiting *last = &w->waiting[w->n_waiting++];
    *last = (struct fake_waiting){.out = out, .norm_out = &info->norm};
    float norm = 0;
    for (int i = 0; i < DIM; i++) {
        last->vector[i] = (float)lk_rng_unit(&rng) - 0.5f;
        norm += last->vector[i] * last->vector[i];
    }
    last->norm = __builtin_sqrtf(norm);
    for (int i = 0; i < DIM; i++)
        last->vector[i] /= last->norm;
    info->n_faces = 1;
    info->face = (struct lk_face){.box = {1.5f, 2, 30, 1.0f / 3}, .score = 0.9f};
    info->sharpness = (float)lk_rng_unit(&rng);
    info->yaw = -info->sharpness / 7;
    return LK_OK;
}

static inline void fake_about(const void *worker, struct lk_embedder_about *out)
{
    const struct fake *fake = ((const struct fake_worker *)worker)->fake;
    *out = (struct lk_embedder_about){
        .dim = DIM, .size = 112, .thresholds = fake->thresholds, .alignment = "aligned"};
    out->model.name = "fake";
    out->model.licence = "none";
    snprintf(out->model.sha256, sizeof out->model.sha256, "%s", fake->model_sha256);
    if (fake->age_sha256 != NULL) {
        out->age.name = "ages";
        snprintf(out->age.sha256, sizeof out->age.sha256, "%s", fake->age_sha256);
    }
}

static inline void fake_times(const void *worker, struct lk_embedder_times *out)
{
    (void)worker;
    *out = (struct lk_embedder_times){.decode = 1, .detect = 5, .embed = 2};
}

static inline void fake_close(void *worker)
{
    atomic_fetch_sub(&((struct fake_worker *)worker)->fake->open_workers, 1);
    free(worker);
}

/* ---- the scene: a folder of pictures, an output, what was said --------------------------------- */

struct scene {
    char *dir, *input, *output;
    const char *inputs[1];
    lk_embed_options options;
    struct fake fake;
    struct lk_str said;
    lk_progress last;
    lk_embed_summary summary;
    lk_error err;
};

static inline void on_message(void *user, lk_level level, const char *text)
{
    struct scene *s = user;
    assert_int_equal(
        lk_str_addf(&s->said, NULL, "%s%s\n", level == LK_LEVEL_WARNING ? "warning: " : "", text), LK_OK);
}

static inline void on_progress(void *user, const lk_progress *progress)
{
    ((struct scene *)user)->last = *progress;
}

static inline void write_file(const char *dir, const char *name, const char *text)
{
    char *path = lk_path_join(dir, name, NULL);
    assert_int_equal(lk_file_write(path, text, strlen(text), NULL), LK_OK);
    free(path);
}

/* Pictures with the given first letters in turn, over seven identities. */
static inline void scene_open(struct scene *s, int n, const char *letters)
{
    *s = (struct scene){.said = LK_STR_INIT, .fake = {.model_sha256 = "aaaa", .thresholds = json_array()}};
    static int n_scenes;
    char scene[20];
    snprintf(scene, sizeof scene, "%d", n_scenes++);
    s->dir = lk_strdup(temp_dir(scene), NULL);
    s->input = lk_path_join(s->dir, "in", NULL);
    s->output = lk_path_join(s->dir, "out", NULL);
    size_t n_letters = strlen(letters);
    for (int i = 0; i < n; i++) {
        char person[30], name[40], text[40];
        snprintf(person, sizeof person, "person \"%d\"", i % 7); /* quotes: a hard name for CSV */
        char *dir = lk_path_join(s->input, person, NULL);
        assert_int_equal(lk_mkdirs(dir, NULL), LK_OK);
        snprintf(name, sizeof name, i % 50 == 3 ? "%03d,\n.jpg" : "%03d.jpg", i);
        snprintf(text, sizeof text, "%c%d", letters[(size_t)i % n_letters], i);
        write_file(dir, name, text);
        free(dir);
    }
    s->inputs[0] = s->input;
    lk_embed_options_init(&s->options);
    s->options.inputs = s->inputs;
    s->options.n_inputs = 1;
    s->options.output = s->output;
    s->options.command = "likeness embed";
}

static inline void scene_close(struct scene *s)
{
    free(s->dir);
    free(s->input);
    free(s->output);
    json_decref(s->fake.thresholds);
    lk_str_free(&s->said);
}

static inline lk_status embed(struct scene *s, int threads)
{
    const struct lk_embed_engine engine = {.arg = &s->fake,
                                           .open = fake_open,
                                           .gather = fake_gather,
                                           .open_like = fake_open_like,
                                           .take = fake_take,
                                           .finish = fake_finish,
                                           .about = fake_about,
                                           .times = fake_times,
                                           .close = fake_close};
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
    atomic_store(&s->fake.gathered, 0);
    atomic_store(&s->fake.most_waiting, 0);
    lk_status status = lk_embed_with(ctx, &s->options, &engine, &s->summary, &s->err);
    assert_int_equal(atomic_load(&s->fake.open_workers), 0);
    lk_ctx_free(ctx);
    return status;
}

static inline void said(const struct scene *s, const char *what)
{
    if (strstr(s->said.text, what) == NULL)
        fail_msg("expected '%s' among the messages:\n%s", what, s->said.text);
}

static inline void failed_with(const struct scene *s, const char *what)
{
    if (strstr(s->err.text, what) == NULL)
        fail_msg("expected '%s' in the error: %s", what, s->err.text);
}

static inline char *out_path(const struct scene *s, const char *name)
{
    return lk_path_join(s->output, name, NULL);
}

static inline bool there(const struct scene *s, const char *name)
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

static inline struct result result_of(const struct scene *s)
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

static inline void same_result(const struct result *a, const struct result *b)
{
    assert_string_equal(a->images, b->images);
    assert_string_equal(a->embeddings, b->embeddings);
}

static inline void empty_output(struct scene *s)
{
    assert_int_equal(nftw(s->output, temp_remove_entry, 16, FTW_DEPTH | FTW_PHYS), 0);
}

#endif
