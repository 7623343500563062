/* SPDX-License-Identifier: Apache-2.0 */
/* merge.c - lk_merge: the FACES directories of all shards become the one that a single run would have made.
 *
 * Two passes: the first looks at every meta.json and refuses what does not belong together, the second
 * streams the tables. Vectors are copied as they are; a line of images.csv gets its row number and nothing
 * else changes. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "formats/json.h"
#include "vision/embed.h"

enum { CHECK_EVERY = 4096 }; /* lines between two looks at the context */

struct shard {
    const char *dir; /* borrowed */
    json_t *meta;
    uint64_t index; /* from 1 */
    struct lk_embed_counts counts;
};

struct merge {
    lk_ctx *ctx;
    const lk_merge_options *options;
    struct shard *shards; /* by index once they are checked */
    uint64_t n, dim;
    uint64_t images, identities; /* of the inputs */
    struct lk_embed_counts counts;
    json_t *settings;
    int lock;
    struct lk_out vectors, lines;
    struct lk_str header;  /* of images.csv */
    uint64_t rows, listed; /* written so far */
};

/* ---- what the shards are ------------------------------------------------------------------------- */

static lk_status get_count(const json_t *object, const char *key, uint64_t *out, const char *where,
                           lk_error *err)
{
    int64_t value = -1;
    LK_TRY(lk_json_integer(object, key, 1, &value, where, err));
    LK_NEED(value >= 0, err, LK_EFORMAT, "%s: '%s' is %" PRId64 ", expected 0 or more", where, key, value);
    *out = (uint64_t)value;
    return LK_OK;
}

static lk_status parse_shard(struct merge *m, struct shard *s, const char *where, lk_error *err)
{
    const char *kind = NULL;
    uint64_t count = 0, images = 0, identities = 0, dim = 0;
    LK_TRY(lk_json_string(s->meta, "kind", 1, &kind, where, err));
    LK_NEED(strcmp(kind, "faces") == 0, err, LK_EFORMAT, "%s: 'kind' is '%.60s', expected 'faces'", where,
            kind);
    const json_t *shard = json_object_get(s->meta, "shard"), *counts = json_object_get(s->meta, "counts");
    LK_NEED(json_is_object(shard), err, LK_EINVAL,
            "%s: holds all images of its inputs, not a shard of them; shards are made with "
            "`likeness embed --shard I/N`",
            s->dir);
    LK_TRY(get_count(shard, "index", &s->index, where, err));
    LK_TRY(get_count(shard, "count", &count, where, err));
    LK_TRY(get_count(shard, "images", &images, where, err));
    LK_TRY(get_count(shard, "identities", &identities, where, err));
    LK_TRY(get_count(json_object_get(s->meta, "model"), "dim", &dim, where, err));
    LK_TRY(get_count(counts, "images", &s->counts.images, where, err));
    LK_TRY(get_count(counts, "embedded", &s->counts.embedded, where, err));
    LK_TRY(get_count(counts, "no_face", &s->counts.no_face, where, err));
    LK_TRY(get_count(counts, "unreadable", &s->counts.unreadable, where, err));
    LK_TRY(get_count(counts, "excluded", &s->counts.excluded, where, err));
    LK_NEED(count >= 1 && count <= LK_MAX_SHARDS && s->index >= 1 && s->index <= count && dim > 0, err,
            LK_EFORMAT, "%s: shard %" PRIu64 " of %" PRIu64 " with vectors of length %" PRIu64, where,
            s->index, count, dim);
    if (m->n == 0) {
        m->n = count;
        m->images = images;
        m->identities = identities;
        m->dim = dim;
    }
    LK_NEED(m->n == count && m->images == images && m->dim == dim, err, LK_EINVAL,
            "%s: is shard %" PRIu64 " of %" PRIu64 " (of %" PRIu64 " images), %s is one of %" PRIu64
            " (of %" PRIu64 " images); give shards of one division",
            s->dir, s->index, count, images, m->options->shards[0], m->n, m->images);
    return LK_OK;
}

static lk_status open_shard(struct merge *m, struct shard *s, lk_error *err)
{
    char *where = lk_path_join(s->dir, "meta.json", err);
    if (where == NULL)
        return LK_ENOMEM;
    lk_status status = LK_OK;
    if (!lk_path_exists(where))
        status = lk_fail(err, LK_EINVAL,
                         "%s: holds no finished FACES directory (no meta.json); is its run done?", s->dir);
    if (status == LK_OK)
        status = lk_json_read(where, &s->meta, err);
    if (status == LK_OK)
        status = parse_shard(m, s, where, err);
    free(where);
    return status;
}

/* Same inputs, settings and version as the first shard. */
static lk_status check_same(const struct shard *first, const struct shard *other, lk_error *err)
{
    char what[600];
    json_t *ours = json_deep_copy(first->meta);
    LK_NEED(ours != NULL, err, LK_ENOMEM, "out of memory");
    json_object_set(ours, "shard", json_object_get(other->meta, "shard"));
    bool differs = lk_embed_differs(other->meta, ours, "the other's", what, sizeof what);
    json_decref(ours);
    LK_NEED(!differs, err, LK_EINVAL, "%s: cannot be joined with %s: %s", other->dir, first->dir, what);
    const char *was = NULL, *is = NULL;
    LK_TRY(lk_json_string(other->meta, "tool", 1, &was, other->dir, err));
    LK_TRY(lk_json_string(first->meta, "tool", 1, &is, first->dir, err));
    LK_NEED(strcmp(was, is) == 0, err, LK_EINVAL,
            "%s: cannot be joined with %s: it was made by likeness %.40s, the other by %.40s", other->dir,
            first->dir, was, is);
    return LK_OK;
}

static int by_index(const void *a, const void *b)
{
    const struct shard *x = a, *y = b;
    return (x->index > y->index) - (x->index < y->index);
}

/* Each shard once. They lie in the order of their indices then. */
static lk_status check_complete(struct merge *m, lk_error *err)
{
    size_t n = m->options->n_shards;
    qsort(m->shards, n, sizeof *m->shards, by_index);
    for (size_t i = 0; i + 1 < n; i++)
        LK_NEED(m->shards[i].index != m->shards[i + 1].index, err, LK_EINVAL,
                "%s and %s: both are shard %" PRIu64 "/%" PRIu64 "; give each once", m->shards[i].dir,
                m->shards[i + 1].dir, m->shards[i].index, m->n);
    for (size_t i = 0; i < m->n; i++)
        LK_NEED(i < n && m->shards[i].index == i + 1, err, LK_EINVAL,
                "shard %zu/%" PRIu64 " is missing: %zu of %" PRIu64 " shards were given", i + 1, m->n, n,
                m->n);
    for (size_t i = 0; i < n; i++) {
        m->counts.images += m->shards[i].counts.images;
        m->counts.embedded += m->shards[i].counts.embedded;
        m->counts.no_face += m->shards[i].counts.no_face;
        m->counts.unreadable += m->shards[i].counts.unreadable;
        m->counts.excluded += m->shards[i].counts.excluded;
    }
    LK_NEED(m->counts.images == m->images, err, LK_EFORMAT,
            "the shards hold %" PRIu64 " images in all, their inputs %" PRIu64, m->counts.images, m->images);
    LK_NEED(m->counts.embedded > 0, err, LK_EFORMAT,
            "no face in any of %" PRIu64 " images (%" PRIu64
            " unreadable); if they are face crops on the model's "
            "template already, use --aligned",
            m->counts.images, m->counts.unreadable);
    return LK_OK;
}

static lk_status open_shards(struct merge *m, lk_error *err)
{
    size_t n = m->options->n_shards;
    m->shards = lk_calloc(n, sizeof *m->shards, err);
    if (m->shards == NULL)
        return LK_ENOMEM;
    for (size_t i = 0; i < n; i++) {
        m->shards[i].dir = m->options->shards[i];
        LK_TRY(open_shard(m, &m->shards[i], err));
        if (i > 0)
            LK_TRY(check_same(&m->shards[0], &m->shards[i], err));
    }
    LK_TRY(check_complete(m, err));
    m->settings = json_deep_copy(m->shards[0].meta);
    LK_NEED(m->settings != NULL, err, LK_ENOMEM, "out of memory");
    json_object_set_new(m->settings, "shard", json_null());
    return LK_OK;
}

/* ---- streaming ------------------------------------------------------------------------------------- */

/* The file must be the one that meta.json was written for. */
static lk_status check_hash(const struct shard *s, const char *path, const char *key, lk_error *err)
{
    char found[65];
    const char *said = NULL;
    LK_TRY(lk_json_string(s->meta, key, 1, &said, s->dir, err));
    LK_TRY(lk_hash_file(path, found, err));
    LK_NEED(strcmp(found, said) == 0, err, LK_EFORMAT,
            "%s: changed since it was written: its sha256 is %.12s..., meta.json says %.12s...", path, found,
            said);
    return LK_OK;
}

static lk_status add_vectors(struct merge *m, const struct shard *s, const char *path, lk_error *err)
{
    struct lk_matrix matrix;
    LK_TRY(check_hash(s, path, "embeddings_sha256", err));
    LK_TRY(lk_matrix_open(&matrix, NULL, path, err));
    lk_status status = LK_OK;
    if (matrix.rows != s->counts.embedded || matrix.dim != m->dim)
        status = lk_fail(err, LK_EFORMAT,
                         "%s: %" PRIu64 " rows of %" PRIu64 ", meta.json says %" PRIu64 " of %" PRIu64, path,
                         matrix.rows, matrix.dim, s->counts.embedded, m->dim);
    size_t count = (size_t)(matrix.rows * matrix.dim);
    if (status == LK_OK && fwrite(matrix.data, sizeof *matrix.data, count, m->vectors.stream) != count)
        status = lk_fail_sys(err, LK_EIO, "%s: cannot write", m->vectors.tmp);
    lk_matrix_close(&matrix);
    return status;
}

/* Copies the record that ends where csv stands and starts at `from`, with its row counted on. */
static lk_status add_line(struct merge *m, const struct lk_csv *csv, size_t from,
                          const struct lk_faces_columns *columns, uint64_t *embedded, lk_error *err)
{
    struct lk_face_image image;
    LK_TRY(lk_faces_csv_read(csv, columns, &image, err));
    lk_face_image_free(&image);
    const uint8_t *start = csv->bytes + from, *comma = memchr(start, ',', csv->at - from);
    LK_NEED(comma != NULL && csv->bytes[csv->at - 1] == '\n', err, LK_EFORMAT,
            "line %" PRIu64 ": not written by likeness", csv->line);
    if (image.row >= 0) {
        LK_NEED((uint64_t)image.row == *embedded, err, LK_EFORMAT,
                "line %" PRIu64 ": row %" PRId64 ", expected %" PRIu64 ": rows count up from 0 without gaps",
                csv->line, image.row, *embedded);
        (*embedded)++;
        fprintf(m->lines.stream, "%" PRIu64, m->rows++);
    }
    fwrite(comma, 1, (size_t)(csv->bytes + csv->at - comma), m->lines.stream);
    m->listed++;
    if (m->listed % CHECK_EVERY == 0) {
        const lk_progress progress = {
            .stage = "merge", .unit = "images", .done = m->listed, .total = m->images};
        lk_ctx_progress(m->ctx, &progress);
        LK_TRY(lk_ctx_check(m->ctx, err));
    }
    return LK_OK;
}

/* The header line of the first shard; the others must have the same. */
static lk_status put_header(struct merge *m, const uint8_t *line, size_t len, lk_error *err)
{
    if (m->header.text == NULL) {
        LK_TRY(lk_str_add(&m->header, (const char *)line, len, err));
        fwrite(line, 1, len, m->lines.stream);
    }
    LK_NEED(m->header.len == len && memcmp(m->header.text, line, len) == 0, err, LK_EINVAL,
            "its columns are not those of %s", m->shards[0].dir);
    return LK_OK;
}

static lk_status copy_lines(struct merge *m, const struct shard *s, struct lk_csv *csv,
                            const struct lk_map *map, lk_error *err)
{
    uint64_t embedded = 0, images = 0;
    struct lk_faces_columns columns;
    LK_TRY(lk_faces_csv_columns(csv, &columns, err));
    LK_NEED(columns.at[0] == 0, err, LK_EFORMAT, "its first column is '%.60s', expected 'row'",
            csv->columns[0]);
    LK_TRY(put_header(m, map->bytes, csv->at, err));
    for (;; images++) {
        int more;
        size_t from = csv->at;
        LK_TRY(lk_csv_next(csv, &more, err));
        if (!more)
            break;
        LK_TRY(add_line(m, csv, from, &columns, &embedded, err));
    }
    LK_NEED(images == s->counts.images && embedded == s->counts.embedded, err, LK_EFORMAT,
            "%" PRIu64 " images, %" PRIu64 " of them embedded; meta.json says %" PRIu64 " and %" PRIu64,
            images, embedded, s->counts.images, s->counts.embedded);
    return LK_OK;
}

static lk_status add_lines(struct merge *m, const struct shard *s, const char *path, lk_error *err)
{
    struct lk_map map = {NULL, 0};
    struct lk_csv csv = {0};
    LK_TRY(check_hash(s, path, "images_sha256", err));
    LK_TRY(lk_map_open(&map, path, err));
    lk_status status = lk_csv_open(&csv, map.bytes, map.len, err);
    if (status == LK_OK)
        status = copy_lines(m, s, &csv, &map, err);
    if (status != LK_OK && status != LK_ECANCELED)
        lk_error_prefix(err, "%s", path);
    lk_csv_close(&csv);
    lk_map_close(&map);
    return status;
}

static lk_status add_shard(struct merge *m, const struct shard *s, lk_error *err)
{
    char *vectors = lk_path_join(s->dir, "embeddings.npy", err),
         *lines = lk_path_join(s->dir, "images.csv", err);
    lk_status status = vectors != NULL && lines != NULL ? lk_ctx_check(m->ctx, err) : LK_ENOMEM;
    if (status == LK_OK)
        status = add_vectors(m, s, vectors, err);
    if (status == LK_OK)
        status = add_lines(m, s, lines, err);
    free(vectors);
    free(lines);
    return status;
}

/* ---- meta.json --------------------------------------------------------------------------------------- */

/* Adds the numbers of one object to those of another with the same names. */
static void add_numbers(json_t *sum, const json_t *more)
{
    const char *key;
    json_t *value;
    json_object_foreach(sum, key, value) json_object_set_new(
        sum, key, json_real(json_number_value(value) + json_number_value(json_object_get(more, key))));
}

/* That of the first shard, with the numbers of all. */
static json_t *make_meta(const struct merge *m)
{
    json_t *meta = json_deep_copy(m->settings);
    json_t *seconds = json_object_get(meta, "stage_seconds");
    double total = json_number_value(json_object_get(meta, "seconds"));
    for (size_t i = 1; i < m->options->n_shards; i++) {
        add_numbers(seconds, json_object_get(m->shards[i].meta, "stage_seconds"));
        total += json_number_value(json_object_get(m->shards[i].meta, "seconds"));
    }
    lk_embed_put_shares(meta);
    json_object_set_new(meta, "command",
                        m->options->command != NULL ? lk_json_text(m->options->command) : json_null());
    json_object_set_new(meta, "seconds", json_real(total));
    json_object_set_new(meta, "counts", lk_embed_counts_value(&m->counts, m->identities));
    json_object_set_new(meta, "merged", json_integer((json_int_t)m->n));
    return meta;
}

static lk_status set_hash(const struct lk_out *out, json_t *meta, const char *key, lk_error *err)
{
    char hex[65];
    LK_NEED(fflush(out->stream) == 0, err, LK_EIO, "%s: cannot write", out->tmp);
    LK_TRY(lk_hash_file(out->tmp, hex, err));
    LK_NEED(json_object_set_new(meta, key, json_string(hex)) == 0, err, LK_ENOMEM, "out of memory");
    return LK_OK;
}

/* meta.json goes away before the tables change and comes back last, as when embedding. */
static lk_status put_in_place(struct merge *m, json_t *meta, const char *path, lk_error *err)
{
    LK_TRY(set_hash(&m->vectors, meta, "embeddings_sha256", err));
    LK_TRY(set_hash(&m->lines, meta, "images_sha256", err));
    LK_NEED(remove(path) == 0 || errno == ENOENT, err, LK_EIO, "%s: cannot remove", path);
    LK_TRY(lk_out_commit(&m->vectors, err));
    LK_TRY(lk_out_commit(&m->lines, err));
    return lk_json_write(path, meta, err);
}

/* ---- the job ----------------------------------------------------------------------------------------- */

static lk_status write_all(struct merge *m, char *const paths[3], lk_error *err)
{
    LK_TRY(lk_out_open(&m->vectors, paths[0], err));
    LK_TRY(lk_out_open(&m->lines, paths[1], err));
    LK_TRY(lk_npy_write_header(m->vectors.stream, m->counts.embedded, m->dim, err));
    for (size_t i = 0; i < m->options->n_shards; i++)
        LK_TRY(add_shard(m, &m->shards[i], err));
    json_t *meta = make_meta(m);
    LK_NEED(meta != NULL, err, LK_ENOMEM, "%s: meta.json cannot be made", m->options->output);
    lk_status status = put_in_place(m, meta, paths[2], err);
    json_decref(meta);
    return status;
}

static lk_status write_output(struct merge *m, bool *up_to_date, lk_error *err)
{
    static const char *const names[] = {"embeddings.npy", "images.csv", "meta.json", "state.part.json"};
    const char *dir = m->options->output;
    char *paths[4] = {NULL};
    lk_status status = lk_mkdirs(dir, err);
    if (status == LK_OK)
        status = lk_lock_take(&m->lock, dir, err);
    for (int i = 0; i < 4 && status == LK_OK; i++)
        status = (paths[i] = lk_path_join(dir, names[i], err)) != NULL ? LK_OK : LK_ENOMEM;
    struct lk_embed_counts there;
    if (status == LK_OK)
        status = lk_embed_judge(m->ctx, dir, m->settings, (size_t)m->dim, m->options->force != 0, up_to_date,
                                &there, err);
    if (status == LK_OK && !*up_to_date && !m->options->force) {
        bool started = lk_path_exists(paths[3]);
        if (started || (!lk_path_exists(paths[2]) && (lk_path_exists(paths[0]) || lk_path_exists(paths[1]))))
            status = lk_fail(err, LK_EINVAL, "%s: holds %s; give another output, or --force to replace it",
                             dir, started ? "an unfinished run of embed" : "tables but no meta.json");
    }
    if (status == LK_OK && !*up_to_date)
        status = write_all(m, paths, err);
    lk_out_abandon(&m->vectors);
    lk_out_abandon(&m->lines);
    lk_lock_release(m->lock);
    for (int i = 0; i < 4; i++)
        free(paths[i]);
    return status;
}

void lk_merge_options_init(lk_merge_options *options)
{
    *options = (lk_merge_options){0};
}

lk_status lk_merge(lk_ctx *ctx, const lk_merge_options *options, lk_embed_summary *out, lk_error *err)
{
    LK_NEED(options->n_shards > 0 && options->output != NULL && options->output[0] != '\0', err, LK_EINVAL,
            "merge: expected at least one shard and an output folder");
    struct merge m = {.ctx = ctx, .options = options, .lock = -1};
    bool up_to_date = false;
    lk_status status = open_shards(&m, err);
    if (status == LK_OK)
        status = write_output(&m, &up_to_date, err);
    if (status == LK_OK)
        *out = (lk_embed_summary){.n_images = m.counts.images,
                                  .n_embedded = m.counts.embedded,
                                  .n_no_face = m.counts.no_face,
                                  .n_unreadable = m.counts.unreadable,
                                  .n_excluded = m.counts.excluded,
                                  .n_identities = m.identities,
                                  .dim = (int)m.dim,
                                  .up_to_date = up_to_date};
    for (size_t i = 0; m.shards != NULL && i < options->n_shards; i++)
        json_decref(m.shards[i].meta);
    free(m.shards);
    json_decref(m.settings);
    lk_str_free(&m.header);
    return status;
}
