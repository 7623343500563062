/* SPDX-License-Identifier: Apache-2.0 */
/* embed_state.c - a FACES directory while it is being made: lock, settings, resuming, finishing. */
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/hash.h"
#include "formats/json.h"
#include "vision/embed.h"

/* At most this much work is lost when the machine goes down. */
enum { FLUSH_IMAGES = 256 };
static const double flush_seconds = 2.0;

static const char vectors_part[] = "embeddings.part", lines_part[] = "images.part.csv",
                  state_part[] = "state.part.json", vectors_name[] = "embeddings.npy",
                  lines_name[] = "images.csv", meta_name[] = "meta.json";

/* ---- files by name inside the directory -------------------------------------------------------- */

static bool have(const struct lk_embed_job *job, const char *name)
{
    char *path = lk_path_join(job->dir, name, NULL);
    bool there = path != NULL && lk_path_exists(path);
    free(path);
    return there;
}

static lk_status remove_file(const struct lk_embed_job *job, const char *name, lk_error *err)
{
    char *path = lk_path_join(job->dir, name, err);
    if (path == NULL)
        return LK_ENOMEM;
    lk_status status = LK_OK;
    if (unlink(path) != 0 && errno != ENOENT)
        status = lk_fail_sys(err, LK_EIO, "%s: cannot remove", path);
    free(path);
    return status;
}

static lk_status rename_file(const struct lk_embed_job *job, const char *from, const char *to, lk_error *err)
{
    char *old = lk_path_join(job->dir, from, err), *new = lk_path_join(job->dir, to, err);
    lk_status status = old != NULL && new != NULL ? LK_OK : LK_ENOMEM;
    if (status == LK_OK && rename(old, new) != 0)
        status = lk_fail_sys(err, LK_EIO, "%s: cannot be put in place of %s", old, new);
    free(old);
    free(new);
    return status;
}

static lk_status open_file(const struct lk_embed_job *job, const char *name, int flags, FILE **out,
                           lk_error *err)
{
    char *path = lk_path_join(job->dir, name, err);
    if (path == NULL)
        return LK_ENOMEM;
    lk_status status = LK_OK;
    int fd = lk_open_work(path, O_RDWR | flags);
    if (fd < 0 || (*out = fdopen(fd, "r+b")) == NULL) {
        status = lk_fail_sys(err, LK_EIO, "%s: cannot write", path);
        if (fd >= 0)
            close(fd);
    }
    free(path);
    return status;
}

static lk_status read_json(const struct lk_embed_job *job, const char *name, json_t **out, lk_error *err)
{
    char *path = lk_path_join(job->dir, name, err);
    lk_status status = path != NULL ? lk_json_read(path, out, err) : LK_ENOMEM;
    free(path);
    return status;
}

static lk_status write_json(const struct lk_embed_job *job, const char *name, const json_t *value,
                            lk_error *err)
{
    char *path = lk_path_join(job->dir, name, err);
    lk_status status = path != NULL ? lk_json_write(path, value, err) : LK_ENOMEM;
    free(path);
    return status;
}

/* ---- going on where an earlier run stopped ----------------------------------------------------- */

static bool is_unit(const float *vector, size_t dim)
{
    double sum = 0;
    for (size_t i = 0; i < dim; i++)
        sum += (double)vector[i] * vector[i];
    return fabs(sum - 1) < 1e-3;
}

/* Whether the record that csv stands at is that of the next picture, with its vector there in full. */
static bool is_next(struct lk_embed_job *job, const struct lk_csv *csv,
                    const struct lk_faces_columns *columns, const struct lk_map *vectors,
                    enum lk_face_status *status)
{
    struct lk_face_image image;
    size_t at = job->part->first + job->done.images;
    if (at >= job->part->end || lk_faces_csv_read(csv, columns, &image, NULL) != LK_OK)
        return false;
    bool good = lk_source_path(job->part->source, at, &job->path, NULL) == LK_OK &&
                strcmp(image.path, job->path.text) == 0;
    *status = image.status;
    if (image.status == LK_FACE_EMBEDDED) {
        size_t bytes = job->dim * sizeof(float);
        uint64_t row = job->done.embedded;
        good = good && image.row == (int64_t)row && vectors->len >= LK_NPY_HEADER_BYTES &&
               row < (vectors->len - LK_NPY_HEADER_BYTES) / bytes &&
               is_unit((const float *)(const void *)(vectors->bytes + LK_NPY_HEADER_BYTES + row * bytes),
                       job->dim);
    }
    lk_face_image_free(&image);
    return good;
}

static void count(struct lk_embed_counts *counts, enum lk_face_status status)
{
    counts->images++;
    counts->embedded += status == LK_FACE_EMBEDDED;
    counts->no_face += status == LK_FACE_NONE;
    counts->unreadable += status == LK_FACE_UNREADABLE;
    counts->excluded += status == LK_FACE_EXCLUDED;
}

/* Reads images.part.csv up to the last picture that both files hold in full; *end is where its line ends.
 * False when not even the header line is ours. */
static bool scan(struct lk_embed_job *job, const struct lk_map *lines, const struct lk_map *vectors,
                 size_t *end)
{
    if (lines->len < job->header_len || memcmp(lines->bytes, job->header, job->header_len) != 0 ||
        vectors->len < LK_NPY_HEADER_BYTES)
        return false;
    *end = job->header_len;
    struct lk_csv csv;
    if (lk_csv_open(&csv, lines->bytes, lines->len, NULL) != LK_OK)
        return false;
    int more = 0;
    enum lk_face_status status;
    struct lk_faces_columns columns;
    bool known = lk_faces_csv_columns(&csv, &columns, NULL) == LK_OK;
    while (known && lk_csv_next(&csv, &more, NULL) == LK_OK && more && lines->bytes[csv.at - 1] == '\n' &&
           is_next(job, &csv, &columns, vectors, &status)) {
        count(&job->done, status);
        *end = csv.at;
    }
    lk_csv_close(&csv);
    return true;
}

static lk_status cut_and_seek(FILE *stream, size_t length, const char *name, lk_error *err)
{
    if (ftruncate(fileno(stream), (off_t)length) != 0 || fseeko(stream, (off_t)length, SEEK_SET) != 0)
        return lk_fail_sys(err, LK_EIO, "%s: cannot be cut to %zu bytes", name, length);
    return LK_OK;
}

/* *resumed is false when the files of the earlier run are of no use. */
static lk_status resume(struct lk_embed_job *job, bool *resumed, lk_error *err)
{
    /* A run may have been ended while it was putting its files in place: meta.json is gone then. */
    if (!have(job, meta_name)) {
        if (!have(job, vectors_part) && have(job, vectors_name))
            LK_TRY(rename_file(job, vectors_name, vectors_part, err));
        if (!have(job, lines_part) && have(job, lines_name))
            LK_TRY(rename_file(job, lines_name, lines_part, err));
    }
    *resumed = false;
    if (!have(job, vectors_part) || !have(job, lines_part))
        return LK_OK;
    struct lk_map lines = {NULL, 0}, vectors = {NULL, 0};
    char *lines_path = lk_path_join(job->dir, lines_part, err);
    char *vectors_path = lk_path_join(job->dir, vectors_part, err);
    lk_status status = lines_path != NULL && vectors_path != NULL ? LK_OK : LK_ENOMEM;
    size_t end = 0;
    if (status == LK_OK)
        status = lk_map_open(&lines, lines_path, err);
    if (status == LK_OK)
        status = lk_map_open(&vectors, vectors_path, err);
    if (status == LK_OK)
        *resumed = scan(job, &lines, &vectors, &end);
    lk_map_close(&lines);
    lk_map_close(&vectors);
    free(lines_path);
    free(vectors_path);
    if (status != LK_OK || !*resumed)
        return status;
    LK_TRY(open_file(job, vectors_part, 0, &job->vectors, err));
    LK_TRY(open_file(job, lines_part, 0, &job->lines, err));
    size_t rows_end = LK_NPY_HEADER_BYTES + job->done.embedded * job->dim * sizeof(float);
    LK_TRY(cut_and_seek(job->vectors, rows_end, vectors_part, err));
    return cut_and_seek(job->lines, end, lines_part, err);
}

/* ---- opening ----------------------------------------------------------------------------------- */

static lk_status flush(struct lk_embed_job *job, lk_error *err)
{
    /* Vectors first: a line whose vector is missing is dropped when resuming. */
    if (fflush(job->vectors) != 0 || fdatasync(fileno(job->vectors)) != 0)
        return lk_fail_sys(err, LK_EIO, "%s/%s: cannot write", job->dir, vectors_part);
    if (fflush(job->lines) != 0)
        return lk_fail_sys(err, LK_EIO, "%s/%s: cannot write", job->dir, lines_part);
    job->unflushed = 0;
    job->flushed_at = lk_clock_seconds();
    return LK_OK;
}

/* The state comes last, so that a state always has files that belong to it. */
static lk_status start_fresh(struct lk_embed_job *job, lk_error *err)
{
    job->done = (struct lk_embed_counts){0};
    LK_TRY(remove_file(job, state_part, err));
    LK_TRY(open_file(job, vectors_part, O_TRUNC, &job->vectors, err));
    LK_TRY(open_file(job, lines_part, O_TRUNC, &job->lines, err));
    LK_TRY(lk_npy_write_header(job->vectors, 0, job->dim, err));
    fwrite(job->header, 1, job->header_len, job->lines);
    LK_TRY(flush(job, err));
    return write_json(job, state_part, job->settings, err);
}

/* Whether an interrupted run with our settings is there; a note when one with others is. */
static bool find_interrupted(struct lk_embed_job *job, lk_ctx *ctx)
{
    json_t *state = NULL;
    if (!have(job, state_part))
        return false;
    char what[400];
    bool ours = false;
    if (read_json(job, state_part, &state, NULL) != LK_OK)
        lk_ctx_message(ctx, LK_LEVEL_NOTE, "%s: %s is damaged; starting over", job->dir, state_part);
    else if (lk_embed_differs(state, job->settings, "this run's", what, sizeof what))
        lk_ctx_message(ctx, LK_LEVEL_NOTE,
                       "%s: starting over, the interrupted run there had other settings: %s", job->dir, what);
    else
        ours = true;
    json_decref(state);
    return ours;
}

static lk_status make_header(struct lk_embed_job *job, lk_error *err)
{
    const char *names[LK_MAX_GROUPS];
    size_t n = lk_source_groups(job->part->source);
    for (size_t i = 0; i < n; i++)
        names[i] = lk_source_group_name(job->part->source, i);
    FILE *stream = open_memstream(&job->header, &job->header_len);
    LK_NEED(stream != NULL, err, LK_ENOMEM, "out of memory");
    lk_faces_csv_write_header(stream, names, n);
    LK_NEED(fclose(stream) == 0, err, LK_ENOMEM, "out of memory");
    return LK_OK;
}

lk_status lk_embed_job_open(struct lk_embed_job *job, lk_ctx *ctx, const char *dir, bool force,
                            const json_t *settings, const struct lk_embed_part *part, size_t dim,
                            bool *up_to_date, lk_error *err)
{
    *job = (struct lk_embed_job){.lock = -1, .settings = settings, .part = part, .dim = dim};
    job->flushed_at = lk_clock_seconds();
    job->dir = lk_strdup(dir, err);
    if (job->dir == NULL)
        return LK_ENOMEM;
    LK_TRY(make_header(job, err));
    LK_TRY(lk_mkdirs(dir, err));
    LK_TRY(lk_lock_take(&job->lock, dir, err));
    bool finished = have(job, meta_name), continues = find_interrupted(job, ctx);
    *up_to_date = false;
    if (finished) {
        LK_TRY(lk_embed_judge(ctx, dir, settings, dim, force || continues, up_to_date, &job->done, err));
        if (*up_to_date)
            return LK_OK;
    }
    bool foreign = !finished && !have(job, state_part) && (have(job, vectors_name) || have(job, lines_name));
    LK_NEED(!foreign || force, err, LK_EINVAL,
            "%s: holds %s or %s but no meta.json, so it is not a result of likeness; give another output, "
            "or --force to replace them",
            dir, vectors_name, lines_name);
    bool resumed = false;
    if (continues)
        LK_TRY(resume(job, &resumed, err));
    if (job->done.images > 0)
        lk_ctx_message(ctx, LK_LEVEL_NOTE, "%s: going on after %" PRIu64 " of %zu images", dir,
                       job->done.images, part->end - part->first);
    return resumed ? LK_OK : start_fresh(job, err);
}

/* ---- writing ----------------------------------------------------------------------------------- */

lk_status lk_embed_job_add(struct lk_embed_job *job, struct lk_face_image *image, const float *vector,
                           lk_error *err)
{
    image->row = image->status == LK_FACE_EMBEDDED ? (int64_t)job->done.embedded : -1;
    if (image->status == LK_FACE_EMBEDDED &&
        fwrite(vector, sizeof *vector, job->dim, job->vectors) != job->dim)
        return lk_fail_sys(err, LK_EIO, "%s/%s: cannot write", job->dir, vectors_part);
    lk_faces_csv_write(job->lines, image);
    if (ferror(job->lines))
        return lk_fail_sys(err, LK_EIO, "%s/%s: cannot write", job->dir, lines_part);
    count(&job->done, image->status);
    if (++job->unflushed >= FLUSH_IMAGES || lk_clock_seconds() - job->flushed_at >= flush_seconds)
        return flush(job, err);
    return LK_OK;
}

static lk_status close_part(const struct lk_embed_job *job, FILE **stream, const char *name, lk_error *err)
{
    FILE *f = *stream;
    *stream = NULL;
    bool good = fflush(f) == 0 && fsync(fileno(f)) == 0;
    lk_status status = good ? LK_OK : lk_fail_sys(err, LK_EIO, "%s/%s: cannot write", job->dir, name);
    if (fclose(f) != 0 && status == LK_OK)
        status = lk_fail_sys(err, LK_EIO, "%s/%s: cannot finish writing", job->dir, name);
    return status;
}

static lk_status set_hash(const struct lk_embed_job *job, const char *name, json_t *meta, const char *key,
                          lk_error *err)
{
    char hex[65];
    char *path = lk_path_join(job->dir, name, err);
    lk_status status = path != NULL ? lk_hash_file(path, hex, err) : LK_ENOMEM;
    free(path);
    if (status == LK_OK && json_object_set_new(meta, key, json_string(hex)) != 0)
        status = lk_fail(err, LK_ENOMEM, "out of memory");
    return status;
}

lk_status lk_embed_job_finish(struct lk_embed_job *job, json_t *meta, lk_error *err)
{
    if (fseeko(job->vectors, 0, SEEK_SET) != 0)
        return lk_fail_sys(err, LK_EIO, "%s/%s: cannot go to its start", job->dir, vectors_part);
    LK_TRY(lk_npy_write_header(job->vectors, job->done.embedded, job->dim, err));
    LK_TRY(close_part(job, &job->vectors, vectors_part, err));
    LK_TRY(close_part(job, &job->lines, lines_part, err));
    LK_TRY(set_hash(job, lines_part, meta, "images_sha256", err));
    LK_TRY(set_hash(job, vectors_part, meta, "embeddings_sha256", err));
    /* No meta.json while the tables change: whoever reads the directory sees an unfinished one. */
    LK_TRY(remove_file(job, meta_name, err));
    LK_TRY(rename_file(job, vectors_part, vectors_name, err));
    LK_TRY(rename_file(job, lines_part, lines_name, err));
    LK_TRY(write_json(job, meta_name, meta, err));
    return remove_file(job, state_part, err);
}

void lk_embed_job_close(struct lk_embed_job *job)
{
    /* The failure that matters was reported already; what reaches the disk here is a bonus. */
    if (job->vectors != NULL)
        fclose(job->vectors);
    if (job->lines != NULL)
        fclose(job->lines);
    job->vectors = job->lines = NULL;
    lk_lock_release(job->lock);
    job->lock = -1;
    free(job->dir);
    job->dir = NULL;
    lk_str_free(&job->path);
    free(job->header);
    job->header = NULL;
}
