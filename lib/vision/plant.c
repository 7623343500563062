/* SPDX-License-Identifier: Apache-2.0 */
/* plant.c - lk_plant: carries out the plan of a planted set: pictures, truth.csv, and what is left of the
 * training set. */
#include "vision/plant.h"

#include <ftw.h>
#include <inttypes.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/pool.h"
#include "formats/csv.h"
#include "formats/image.h"
#include "vision/distort.h"

static const char truth_header[] = "file,identity,planted,kind,train_identity,train_image,detail\n";

struct job {
    lk_ctx *ctx;
    const lk_plant_options *options;
    struct lk_source *train, *others;
    struct lk_plant_plan plan;
    char *truth, *truth_part; /* paths */
    char *text;               /* truth.csv as it will be */
    size_t text_len;
    int lock;
    atomic_size_t n_done;
};

/* ---- names ------------------------------------------------------------------------------------- */

enum { NAME_MAX_BYTES = 64 };

/* Neutral names with equally many digits: "s0001". */
static void identity_name(const struct job *job, size_t name, char out[NAME_MAX_BYTES])
{
    int digits = 4;
    for (size_t n = job->plan.n_names / 10000; n > 0; n /= 10)
        digits++;
    snprintf(out, NAME_MAX_BYTES, "s%0*zu", digits, name);
}

static char *image_path(const struct job *job, const char *file, lk_error *err)
{
    struct lk_str path = LK_STR_INIT;
    return lk_str_addf(&path, err, "%s/images/%s", job->options->output, file) == LK_OK ? path.text : NULL;
}

/* ---- truth.csv --------------------------------------------------------------------------------- */

static lk_status detail_text(const struct job *job, const struct lk_plant_item *item, struct lk_str *out,
                             lk_error *err)
{
    struct lk_str partner = LK_STR_INIT;
    lk_status status = LK_OK;
    switch (item->kind) {
    case LK_PLANT_CROP:
        return lk_str_addf(out, err, "keep=%.3f x=%.3f y=%.3f", item->keep, item->x, item->y);
    case LK_PLANT_JPEG:
        return lk_str_addf(out, err, "quality=%d", item->quality);
    case LK_PLANT_BLUR:
        return lk_str_addf(out, err, "sigma=%.3f", item->sigma);
    case LK_PLANT_COLOUR:
        return lk_str_addf(out, err, "gain=%.3f/%.3f/%.3f gamma=%.3f/%.3f/%.3f", item->gain[0], item->gain[1],
                           item->gain[2], item->gamma[0], item->gamma[1], item->gamma[2]);
    case LK_PLANT_OTHER:
        return lk_str_addz(out, "left out of train/", err);
    case LK_PLANT_BLEND:
        status = lk_source_name(job->others, item->partner, &partner, err);
        if (status == LK_OK)
            status = lk_str_addf(out, err, "alpha=%.17g with=%s", item->alpha, partner.text);
        lk_str_free(&partner);
        return status;
    default:
        return LK_OK;
    }
}

static lk_status put_truth_line(const struct job *job, const struct lk_plant_item *item, FILE *stream,
                                lk_error *err)
{
    char name[NAME_MAX_BYTES];
    struct lk_str text = LK_STR_INIT;
    identity_name(job, item->name, name);
    fprintf(stream, "%s/%zu.jpg,%s,%d,%s,", name, item->number, name, item->planted,
            lk_plant_kind_names[item->kind]);
    lk_status status = LK_OK;
    if (item->planted) {
        char *identity = lk_plant_identity(job->train, item->source, err);
        if (identity == NULL)
            return LK_ENOMEM;
        lk_csv_put(stream, identity);
        free(identity);
        status = lk_source_name(job->train, item->source, &text, err);
    }
    fputc(',', stream);
    if (item->planted && status == LK_OK)
        lk_csv_put(stream, text.text);
    fputc(',', stream);
    text.len = 0;
    if (status == LK_OK)
        status = detail_text(job, item, &text, err);
    if (text.len > 0)
        lk_csv_put(stream, text.text);
    fputc('\n', stream);
    lk_str_free(&text);
    return status;
}

static lk_status make_truth(struct job *job, lk_error *err)
{
    FILE *stream = open_memstream(&job->text, &job->text_len);
    LK_NEED(stream != NULL, err, LK_ENOMEM, "truth.csv: out of memory");
    fputs(truth_header, stream);
    lk_status status = LK_OK;
    for (size_t i = 0; i < job->plan.n && status == LK_OK; i++)
        status = put_truth_line(job, &job->plan.items[i], stream, err);
    if (fclose(stream) != 0 && status == LK_OK)
        status = lk_fail(err, LK_ENOMEM, "truth.csv: out of memory");
    return status;
}

/* ---- what an earlier run left ------------------------------------------------------------------ */

static bool is_safe_name(const char *file)
{
    return file[0] != '\0' && file[0] != '/' && strstr(file, "..") == NULL;
}

static int remove_link(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)ftw;
    if (type == FTW_SL || type == FTW_SLN)
        return unlink(path);
    if (type == FTW_DP)
        rmdir(path); /* stays when it holds something that is not ours */
    return 0;
}

/* Removes the pictures that a truth table names, its links to the training set, and the table itself. */
static lk_status clear(const struct job *job, const char *table, const uint8_t *bytes, size_t len,
                       lk_error *err)
{
    struct lk_csv csv;
    size_t column = 0;
    int more = 0;
    LK_TRY(lk_csv_open(&csv, bytes, len, err));
    lk_status status = lk_csv_column(&csv, "file", &column, err);
    while (status == LK_OK && (status = lk_csv_next(&csv, &more, err)) == LK_OK && more) {
        const char *file = lk_csv_field(&csv, column);
        if (!is_safe_name(file))
            continue;
        char *path = image_path(job, file, err);
        if (path == NULL) {
            status = LK_ENOMEM;
            break;
        }
        unlink(path);
        *strrchr(path, '/') = '\0';
        rmdir(path); /* stays until its last picture is gone */
        free(path);
    }
    lk_csv_close(&csv);
    if (status != LK_OK) {
        lk_error_prefix(err, "%s", table);
        return status;
    }
    char *links = lk_path_join(job->options->output, "train", err);
    if (links == NULL)
        return LK_ENOMEM;
    if (lk_path_is_dir(links) && nftw(links, remove_link, 16, FTW_DEPTH | FTW_PHYS) != 0)
        status = lk_fail_sys(err, LK_EIO, "%s: cannot be cleared", links);
    free(links);
    if (status == LK_OK && unlink(table) != 0)
        status = lk_fail_sys(err, LK_EIO, "%s: cannot remove", table);
    return status;
}

/* Refuses or clears what is there; pictures of the same plan stay, and are not made again. */
static lk_status judge_output(const struct job *job, lk_error *err)
{
    const lk_plant_options *o = job->options;
    bool finished = lk_path_exists(job->truth);
    const char *table = finished ? job->truth : job->truth_part;
    if (!lk_path_exists(table)) {
        char *images = lk_path_join(o->output, "images", err);
        if (images == NULL)
            return LK_ENOMEM;
        bool foreign = lk_path_exists(images);
        free(images);
        LK_NEED(!foreign, err, LK_EINVAL,
                "%s: holds images/ but no truth.csv, so it is not a planted set; give another "
                "output",
                o->output);
        return LK_OK;
    }
    uint8_t *bytes;
    size_t len;
    LK_TRY(lk_file_read(table, (size_t)1 << 30, &bytes, &len, err));
    bool same = len == job->text_len && memcmp(bytes, job->text, len) == 0;
    lk_status status = LK_OK;
    if (finished && !same && !o->force)
        status = lk_fail(err, LK_EINVAL,
                         "%s: holds a planted set made with other settings or inputs; give another output, "
                         "or --force to replace it",
                         o->output);
    else if (!same || o->force)
        status = clear(job, table, bytes, len, err);
    free(bytes);
    return status;
}

/* ---- pictures ---------------------------------------------------------------------------------- */

static lk_status load(const struct lk_source *source, size_t index, struct lk_image *out, lk_error *err)
{
    uint8_t *bytes;
    size_t len;
    LK_TRY(lk_source_read(source, index, &bytes, &len, err));
    lk_status status = lk_image_decode(bytes, len, out, err);
    free(bytes);
    if (status != LK_OK)
        lk_source_error_prefix(source, index, err);
    return status;
}

/* in -> out by the item's kind; *changed is false when there is nothing to do but encode. */
static lk_status distort(const struct job *job, const struct lk_plant_item *item, const struct lk_image *in,
                         struct lk_image *out, bool *changed, lk_error *err)
{
    *changed = true;
    switch (item->kind) {
    case LK_PLANT_FLIP:
        return lk_distort_flip(in, out, err);
    case LK_PLANT_CROP: {
        const struct lk_rect rect = {item->x * in->width, item->y * in->height, item->keep * in->width,
                                     item->keep * in->height};
        return lk_distort_crop(in, &rect, in->width, in->height, out, err);
    }
    case LK_PLANT_BLUR:
        return lk_distort_blur(in, item->sigma, out, err);
    case LK_PLANT_COLOUR:
        return lk_distort_colour(in, item->gain, item->gamma, out, err);
    case LK_PLANT_BLEND: {
        struct lk_image partner = {0};
        LK_TRY(load(job->others, item->partner, &partner, err));
        lk_status status = lk_distort_blend(in, &partner, item->alpha, out, err);
        lk_image_free(&partner);
        return status;
    }
    default:
        *changed = false;
        return LK_OK;
    }
}

static lk_status write_picture(const struct job *job, const struct lk_plant_item *item,
                               const struct lk_image *image, const char *path, lk_error *err)
{
    uint8_t *bytes;
    size_t len;
    LK_TRY(lk_image_encode_jpeg(image, item->quality, &bytes, &len, err));
    char name[NAME_MAX_BYTES];
    identity_name(job, item->name, name);
    char *dir = image_path(job, name, err);
    lk_status status = dir != NULL ? lk_mkdirs(dir, err) : LK_ENOMEM;
    if (status == LK_OK)
        status = lk_file_write(path, bytes, len, err);
    free(dir);
    free(bytes);
    return status;
}

static lk_status make_picture(void *arg, size_t index, int worker, lk_error *err)
{
    (void)worker;
    struct job *job = arg;
    const struct lk_plant_item *item = &job->plan.items[index];
    char name[NAME_MAX_BYTES], file[2 * NAME_MAX_BYTES];
    identity_name(job, item->name, name);
    snprintf(file, sizeof file, "%s/%zu.jpg", name, item->number);
    char *path = image_path(job, file, err);
    if (path == NULL)
        return LK_ENOMEM;
    lk_status status = LK_OK;
    if (!lk_path_exists(path)) {
        struct lk_image in = {0}, out = {0};
        bool changed = false;
        status = load(item->planted ? job->train : job->others, item->source, &in, err);
        if (status == LK_OK)
            status = distort(job, item, &in, &out, &changed, err);
        if (status == LK_OK)
            status = write_picture(job, item, changed ? &out : &in, path, err);
        lk_image_free(&in);
        lk_image_free(&out);
    }
    free(path);
    const lk_progress progress = {.stage = "plant",
                                  .unit = "images",
                                  .done = atomic_fetch_add(&job->n_done, 1) + 1,
                                  .total = job->plan.n};
    if (status == LK_OK)
        lk_ctx_progress(job->ctx, &progress);
    return status;
}

static lk_status link_picture(const char *picture, const char *link, lk_error *err)
{
    char *target = realpath(picture, NULL);
    lk_status status = LK_OK;
    if (target == NULL)
        status = lk_fail_sys(err, LK_EIO, "%s: cannot find", picture);
    else if (symlink(target, link) != 0 && errno != EEXIST)
        status = lk_fail_sys(err, LK_EIO, "%s: cannot make this link", link);
    free(target);
    return status;
}

/* train/: links to the training pictures that stay, when some were moved out. */
static lk_status link_train(const struct job *job, lk_error *err)
{
    struct lk_str link = LK_STR_INIT, name = LK_STR_INIT, picture = LK_STR_INIT;
    lk_status status = LK_OK;
    size_t n = job->plan.n_moved > 0 ? lk_source_count(job->train) : 0;
    for (size_t i = 0; i < n && status == LK_OK; i++) {
        if (job->plan.moved[i])
            continue;
        link.len = 0;
        if ((status = lk_source_name(job->train, i, &name, err)) != LK_OK ||
            (status = lk_source_path(job->train, i, &picture, err)) != LK_OK ||
            (status = lk_str_addf(&link, err, "%s/train/%s", job->options->output, name.text)) != LK_OK)
            break;
        char *slash = strrchr(link.text, '/');
        *slash = '\0';
        status = lk_mkdirs(link.text, err);
        *slash = '/';
        if (status == LK_OK)
            status = link_picture(picture.text, link.text, err);
    }
    lk_str_free(&link);
    lk_str_free(&name);
    lk_str_free(&picture);
    return status;
}

/* ---- the job ----------------------------------------------------------------------------------- */

static lk_status do_job(struct job *job, lk_plant_summary *out, lk_error *err)
{
    const lk_plant_options *o = job->options;
    const struct lk_source_options folders = {.ctx = job->ctx, .format = "folder"};
    LK_TRY(lk_source_open(&job->train, &o->train, 1, &folders, err));
    LK_TRY(lk_source_open(&job->others, &o->others, 1, &folders, err));
    LK_TRY(lk_plant_plan_make(&job->plan, job->train, job->others, o, err));
    LK_TRY(make_truth(job, err));
    job->truth = lk_path_join(o->output, "truth.csv", err);
    job->truth_part = lk_path_join(o->output, "truth.part.csv", err);
    if (job->truth == NULL || job->truth_part == NULL)
        return LK_ENOMEM;
    LK_TRY(lk_mkdirs(o->output, err));
    LK_TRY(lk_lock_take(&job->lock, o->output, err));
    LK_TRY(judge_output(job, err));
    /* The table goes first, under another name: an interrupted run can be told from a finished one and gone
     * on with. */
    if (!lk_path_exists(job->truth))
        LK_TRY(lk_file_write(job->truth_part, job->text, job->text_len, err));
    LK_TRY(lk_pool_for(job->ctx, job->plan.n, make_picture, job, err));
    LK_TRY(link_train(job, err));
    if (!lk_path_exists(job->truth) && rename(job->truth_part, job->truth) != 0)
        return lk_fail_sys(err, LK_EIO, "%s: cannot be put in place", job->truth);
    *out = (lk_plant_summary){.n_planted = job->plan.n_planted,
                              .n_others = job->plan.n_names - job->plan.n_planted};
    return LK_OK;
}

void lk_plant_options_init(lk_plant_options *options)
{
    memset(options, 0, sizeof *options);
    options->n_planted = 10;
    options->kinds = "copy,flip,crop,jpeg,blur,colour";
    options->alpha = 0.5;
    options->seed = 1;
}

lk_status lk_plant(lk_ctx *ctx, const lk_plant_options *options, lk_plant_summary *out, lk_error *err)
{
    LK_NEED(options->train != NULL && options->others != NULL && options->output != NULL, err, LK_EINVAL,
            "plant: expected a training folder, a folder of others and an output");
    LK_NEED(options->kinds != NULL, err, LK_EINVAL, "plant: expected a list of kinds");
    LK_NEED(options->alpha >= 0 && options->alpha <= 1, err, LK_EINVAL, "alpha: %g, expected 0 to 1",
            options->alpha);
    struct job job = {.ctx = ctx, .options = options, .lock = -1};
    atomic_init(&job.n_done, 0);
    lk_status status = do_job(&job, out, err);
    lk_lock_release(job.lock);
    lk_plant_plan_free(&job.plan);
    lk_source_close(job.train);
    lk_source_close(job.others);
    free(job.truth);
    free(job.truth_part);
    free(job.text);
    return status;
}
