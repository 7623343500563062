/* SPDX-License-Identifier: Apache-2.0 */
/* check.c - tries a model that is there: its file against the descriptor, and recognisers on portraits.
 *
 * The self-test compares portraits with distorted copies of themselves (genuine) and with one another
 * (impostor). A file that is not the descriptor's is refused before; what the self-test finds is a descriptor
 * that prepares the picture wrongly. */
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "vision/detect.h"
#include "vision/embedder.h"

#define MAX_PORTRAITS 200
#define N_COPIES 3 /* distorted copies of each portrait */

/* Measured on the 72 portraits: the three recognisers of npm separate at 10.5 to 11.6 as they should be used,
 * at 4.9 to 8.4 on crops that are a third too large or too small or an eighth too low, and at 0.7 to 2.5 with
 * pixels of the wrong range. */
#define MIN_SEPARATION 9.0

/* With red and blue exchanged the same three lose 2 to 8 %; less than half of that says nothing. */
#define SWAP_MARGIN 1.01

struct self_test {
    lk_ctx *ctx;
    lk_embedder *embedder;
    int dim;
    struct lk_image crops[MAX_PORTRAITS][1 + N_COPIES]; /* [0] is the portrait as it is */
    size_t n;
    size_t n_files;
};

struct scores {
    double genuine_min, impostor_max, separation;
};

/* ---- distorted copies --------------------------------------------------------------------------------- */

/* Mirrored and moved by a thirtieth of its size, as a detector's points may be. */
static lk_status copy_mirrored(const struct lk_image *image, struct lk_image *out, lk_error *err)
{
    LK_TRY(lk_image_new(out, image->width, image->height, err));
    int shift = image->width / 30;
    for (int y = shift; y < out->height; y++)
        for (int x = shift; x < out->width; x++)
            memcpy(out->rgb + 3 * ((size_t)y * (size_t)out->width + (size_t)x),
                   image->rgb + 3 * ((size_t)(y - shift) * (size_t)image->width +
                                     (size_t)(image->width - 1 - x + shift)),
                   3);
    return LK_OK;
}

/* Half the size and back: the sharpness is lost. */
static lk_status copy_blurred(const struct lk_image *image, struct lk_image *out, lk_error *err)
{
    struct lk_image small = {0, 0, NULL};
    LK_TRY(lk_image_new(&small, (image->width + 1) / 2, (image->height + 1) / 2, err));
    const struct lk_similarity half = {0.5, 0, -0.25, -0.25}, twice = {2, 0, 0.5, 0.5};
    lk_status status = lk_warp(image, &half, &small, err);
    if (status == LK_OK)
        status = lk_image_new(out, image->width, image->height, err);
    if (status == LK_OK)
        status = lk_warp(&small, &twice, out, err);
    lk_image_free(&small);
    return status;
}

/* Darker, in warm light, and through JPEG at low quality. */
static lk_status copy_jpeg(const struct lk_image *image, struct lk_image *out, lk_error *err)
{
    static const int percent[3] = {85, 70, 50};
    struct lk_image warm = {0, 0, NULL};
    uint8_t *bytes = NULL;
    size_t len = 0, n = (size_t)image->width * (size_t)image->height;
    LK_TRY(lk_image_new(&warm, image->width, image->height, err));
    for (size_t i = 0; i < 3 * n; i++)
        warm.rgb[i] = (uint8_t)(image->rgb[i] * percent[i % 3] / 100);
    lk_status status = lk_image_encode_jpeg(&warm, 40, &bytes, &len, err);
    if (status == LK_OK)
        status = lk_image_decode(bytes, len, out, err);
    free(bytes);
    lk_image_free(&warm);
    return status;
}

static lk_status (*const copies[N_COPIES])(const struct lk_image *, struct lk_image *, lk_error *) = {
    copy_mirrored, copy_blurred, copy_jpeg};

/* ---- reading the portraits --------------------------------------------------------------------------- */

/* The aligned crop of one portrait and its distorted copies. The crop is distorted and not the picture, so
 * that the recogniser is tested and not the detector. A portrait in which no face is found is left out. */
static lk_status add_portrait(struct self_test *test, const struct lk_image *image, lk_error *err)
{
    struct lk_image *crops = test->crops[test->n];
    struct lk_face_image info = {0};
    lk_status status = lk_embedder_find(test->embedder, image, LK_FACE_CENTRAL, &crops[0], &info, err);
    free(info.message);
    if (status != LK_OK || info.status != LK_FACE_EMBEDDED)
        return status;
    for (int k = 0; k < N_COPIES && status == LK_OK; k++)
        status = copies[k](&crops[0], &crops[1 + k], err);
    test->n++; /* also with copies missing: self_test_free then frees those that are there */
    return status;
}

static lk_status add_file(struct self_test *test, const char *path, lk_error *err)
{
    uint8_t *bytes = NULL;
    size_t len = 0;
    struct lk_image image = {0, 0, NULL};
    LK_TRY(lk_ctx_check(test->ctx, err));
    LK_TRY(lk_file_read(path, LK_IMAGE_MAX_BYTES, &bytes, &len, err));
    lk_status status = lk_image_decode(bytes, len, &image, err);
    free(bytes);
    if (status == LK_OK && image.width >= 32 && image.height >= 32)
        status = add_portrait(test, &image, err);
    lk_image_free(&image);
    if (status != LK_OK)
        lk_error_prefix(err, "%s", path);
    return status;
}

static int is_jpeg(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);
    return entry->d_name[0] != '.' && len > 4 && strcmp(entry->d_name + len - 4, ".jpg") == 0;
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static lk_status add_folder(struct self_test *test, const char *root, const char *name, lk_error *err)
{
    struct dirent **entries = NULL;
    char *folder = lk_path_join(root, name, err);
    if (folder == NULL)
        return LK_ENOMEM;
    int n = scandir(folder, &entries, is_jpeg, by_bytes);
    lk_status status = n >= 0 ? LK_OK : lk_fail_sys(err, LK_EIO, "%s: cannot list the portraits", folder);
    for (int i = 0; i < n && status == LK_OK && test->n < MAX_PORTRAITS; i++) {
        char *path = lk_path_join(folder, entries[i]->d_name, err);
        status = path != NULL ? add_file(test, path, err) : LK_ENOMEM;
        test->n_files++;
        free(path);
    }
    for (int i = 0; i < n; i++)
        free(entries[i]);
    free(entries);
    free(folder);
    return status;
}

/* ---- scores ------------------------------------------------------------------------------------------ */

struct moments {
    double n, sum, squares, min, max;
};

static void moments_add(struct moments *m, double x)
{
    m->min = m->n > 0 ? fmin(m->min, x) : x;
    m->max = m->n > 0 ? fmax(m->max, x) : x;
    m->n++;
    m->sum += x;
    m->squares += x * x;
}

static void score_all(const struct self_test *test, const float *vectors, struct scores *out)
{
    struct moments genuine = {0}, impostor = {0};
    size_t dim = (size_t)test->dim, per = 1 + N_COPIES;
    for (size_t i = 0; i < test->n; i++) {
        const float *a = vectors + i * per * dim;
        for (size_t k = 1; k < per; k++)
            moments_add(&genuine, (double)lk_score(a, a + k * dim, dim));
        for (size_t j = 0; j < i; j++)
            moments_add(&impostor, (double)lk_score(a, vectors + j * per * dim, dim));
    }
    double g = genuine.sum / genuine.n, i = impostor.sum / impostor.n;
    double spread = (genuine.squares / genuine.n - g * g + impostor.squares / impostor.n - i * i) / 2;
    *out = (struct scores){genuine.min, impostor.max, (g - i) / sqrt(fmax(spread, 1e-12))};
}

static lk_status score_input(struct self_test *test, const struct lk_input *input, struct scores *out,
                             lk_error *err)
{
    size_t per = 1 + N_COPIES, dim = (size_t)test->dim;
    float *vectors = lk_calloc(test->n * per, dim * sizeof *vectors, err);
    lk_status status = vectors != NULL ? LK_OK : LK_ENOMEM;
    for (size_t i = 0; i < test->n * per && status == LK_OK; i++) {
        status = lk_ctx_check(test->ctx, err);
        if (status == LK_OK)
            status = lk_embedder_crop_as(test->embedder, input, &test->crops[i / per][i % per],
                                         vectors + i * dim, NULL, err);
    }
    if (status == LK_OK)
        score_all(test, vectors, out);
    free(vectors);
    return status;
}

static lk_status judge(struct self_test *test, const char *name, lk_model_check *out, lk_error *err)
{
    struct lk_embedder_about about;
    struct scores given, swapped;
    lk_embedder_about(test->embedder, &about);
    struct lk_input other = *about.input;
    other.bgr = !other.bgr;
    LK_TRY(score_input(test, about.input, &given, err));
    LK_TRY(score_input(test, &other, &swapped, err));
    out->separation = given.separation;
    out->genuine_min = given.genuine_min;
    out->impostor_max = given.impostor_max;
    out->separation_swapped = swapped.separation;
    LK_NEED(fmax(given.separation, swapped.separation) >= MIN_SEPARATION, err, LK_EFORMAT,
            "model %s: it does not tell %zu portraits apart: separation %.2f, expected %.1f or more; mean, "
            "scale or template of the "
            "descriptor may be wrong, or the model is weak",
            name, test->n, given.separation, MIN_SEPARATION);
    LK_NEED(swapped.separation <= SWAP_MARGIN * given.separation, err, LK_EFORMAT,
            "model %s: it tells %zu portraits apart better with red and blue exchanged (separation %.2f "
            "against %.2f); 'channels' of "
            "the descriptor should be \"%s\"",
            name, test->n, swapped.separation, given.separation, other.bgr ? "bgr" : "rgb");
    return LK_OK;
}

static lk_status run_self_test(struct self_test *test, const char *portraits, const char *name,
                               lk_model_check *out, lk_error *err)
{
    test->dim = lk_embedder_dim(test->embedder);
    lk_status status = add_folder(test, portraits, "female", err);
    if (status == LK_OK)
        status = add_folder(test, portraits, "male", err);
    if (status == LK_OK && test->n < 10)
        status = lk_fail(err, LK_EFORMAT, "%s: faces were found in %zu of %zu portraits, expected 10 or more",
                         portraits, test->n, test->n_files);
    return status == LK_OK ? judge(test, name, out, err) : status;
}

static void self_test_free(struct self_test *test)
{
    for (size_t i = 0; i < test->n; i++)
        for (int k = 0; k <= N_COPIES; k++)
            lk_image_free(&test->crops[i][k]);
    lk_embedder_free(test->embedder);
    free(test);
}

/* ---- the whole check --------------------------------------------------------------------------------- */

static lk_status check_recogniser(lk_ctx *ctx, const char *name, lk_model_check *out, lk_error *err)
{
    lk_embedder_options options;
    lk_embedder_options_init(&options);
    options.model = name;
    struct lk_model *portraits = NULL, *detector = NULL;
    LK_TRY(lk_model_load(&portraits, ctx, "portraits", err));
    lk_status status = lk_model_load(&detector, ctx, LK_DEFAULT_DETECTOR, err);
    struct self_test *test = NULL;
    if (status == LK_OK && (!lk_model_present(portraits) || !lk_model_present(detector)))
        lk_ctx_message(ctx, LK_LEVEL_NOTE,
                       "%s: the self-test on portraits was left out; `likeness models fetch portraits %s` "
                       "gets what it needs",
                       name, LK_DEFAULT_DETECTOR);
    else if (status == LK_OK && (test = lk_calloc(1, sizeof *test, err)) == NULL)
        status = LK_ENOMEM;
    if (status == LK_OK && test != NULL) {
        test->ctx = ctx;
        status = lk_embedder_open(&test->embedder, ctx, &options, err);
        if (status == LK_OK)
            status = run_self_test(test, portraits->path, name, out, err);
        self_test_free(test);
    }
    lk_model_free(portraits);
    lk_model_free(detector);
    return status;
}

static lk_status check_model(lk_ctx *ctx, const char *name, struct lk_model *model, lk_model_check *out,
                             lk_error *err)
{
    struct lk_model_record record;
    bool found;
    struct lk_ort *ort = NULL;
    lk_model_check check = {.output_diff = NAN, .separation = NAN, .genuine_min = NAN, .impostor_max = NAN,
                            .separation_swapped = NAN};
    LK_TRY(lk_model_open(model, NULL, &ort, check.sha256, err));
    lk_status status = LK_OK;
    if (model->task == LK_TASK_DETECT)
        status = lk_detector_try(model, ort, err);
    lk_ort_free(ort);
    if (status == LK_OK)
        status = lk_model_record_read(model, &record, &found, err);
    if (status == LK_OK && found)
        check.output_diff = record.output_diff;
    if (status == LK_OK && model->task == LK_TASK_RECOGNISE)
        status = check_recogniser(ctx, name, &check, err);
    if (status == LK_OK)
        *out = check;
    return status;
}

lk_status lk_models_check(lk_ctx *ctx, const char *name, lk_model_check *out, lk_error *err)
{
    struct lk_model *model = NULL;
    LK_TRY(lk_model_load(&model, ctx, name, err));
    lk_status status = check_model(ctx, name, model, out, err);
    lk_model_free(model);
    return status;
}
