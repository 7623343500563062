/* SPDX-License-Identifier: Apache-2.0 */
/* rates_files.c - the part of the rates that has to do with files, and the file that keeps the rates. */
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
#include "search/bench.h"
#include "search/match.h"

/* ---- measuring -------------------------------------------------------------------------------------- */

enum { FILE_BYTES = 32 << 20, TABLE_PROBES = 4096, TABLE_REFERENCES = 65536 };

struct trial {
    lk_ctx *ctx;
    lk_rates *rates;
    char *dir;
    struct lk_str file;
    double written; /* bytes of tables */
};

/* A .npy file of at least FILE_BYTES, its rows repeated. */
static lk_status write_vectors(struct trial *t, const float *data, uint64_t rows, lk_error *err)
{
    struct lk_out out;
    uint64_t bytes = rows * t->rates->dim * sizeof *data, copies = FILE_BYTES / bytes + 1;
    double start = lk_clock_seconds();
    LK_TRY(lk_out_open(&out, t->file.text, err));
    lk_status status = lk_npy_write_header(out.stream, copies * rows, t->rates->dim, err);
    for (uint64_t i = 0; status == LK_OK && i < copies; i++)
        if (fwrite(data, 1, (size_t)bytes, out.stream) != bytes)
            break; /* lk_out_commit finds the stream's error and names the file */
    if (status == LK_OK)
        status = lk_out_commit(&out, err);
    lk_out_abandon(&out);
    t->rates->write = (double)(copies * bytes) / (lk_clock_seconds() - start);
    return status;
}

static lk_status read_vectors(struct trial *t, uint64_t rows, lk_error *err)
{
    struct lk_faces faces;
    char hex[65];
    double start = lk_clock_seconds();
    LK_TRY(lk_hash_file(t->file.text, hex, err));
    double hashed = lk_clock_seconds();
    LK_TRY(lk_faces_open(&faces, t->ctx, t->file.text, err));
    double bytes = (double)faces.matrix.rows * (double)faces.matrix.dim * sizeof(float);
    faces.matrix.rows = rows; /* without the copies, of which there would be a note */
    lk_status status = lk_faces_ready(&faces, t->ctx, err);
    lk_faces_close(&faces);
    t->rates->hash = bytes / (hashed - start);
    t->rates->check = (lk_clock_seconds() - hashed) / (double)rows;
    return status;
}

static lk_status hash_table(void *user, const char *name, lk_error *err)
{
    struct trial *t = user;
    char hex[65], *path = lk_path_join(t->dir, name, err);
    struct stat st = {.st_size = 0};
    lk_status status = path != NULL ? lk_hash_file(path, hex, err) : LK_ENOMEM;
    if (status == LK_OK && stat(path, &st) == 0)
        t->written += (double)st.st_size;
    if (path != NULL)
        unlink(path);
    free(path);
    return status;
}

/* At most `most` rows of a given set, spread evenly, with their names; or made ones, without. */
static lk_status pick(struct lk_match_set *out, const struct lk_match_set *given, uint64_t most, lk_error *err)
{
    uint64_t n = given != NULL && given->set.rows < most ? given->set.rows : most;
    *out = given != NULL ? *given : (struct lk_match_set){.n_labels = 0};
    out->set.rows = n;
    if ((out->row_of = lk_calloc((size_t)n, sizeof *out->row_of, err)) == NULL)
        return LK_ENOMEM;
    for (uint64_t i = 0; i < n; i++)
        out->row_of[i] = given != NULL ? given->row_of[i * given->set.rows / n] : (uint32_t)i;
    return LK_OK;
}

/* The tables of a comparison of some thousand probes. */
static lk_status write_tables(struct trial *t, const struct lk_match_set *given, lk_error *err)
{
    lk_match_options o = {.output = t->dir, .min_score = NAN};
    struct lk_match match = {.ctx = t->ctx, .options = &o};
    struct lk_match_set *x = &match.probes, *y = &match.galleries[LK_GALLERY_TRAIN];
    struct lk_search_result result = {.exact_bin = 0};
    lk_status status = pick(x, given, TABLE_PROBES, err);
    if (status == LK_OK)
        status = pick(y, given != NULL ? given + 1 : NULL, TABLE_REFERENCES, err);
    uint64_t r = t->rates->r < 16 ? t->rates->r : 16, m = x->set.rows, n = y->set.rows;
    struct lk_hit *nearest = lk_calloc((size_t)(m * r), sizeof *nearest, err);
    struct lk_hit *best = lk_calloc((size_t)n, sizeof *best, err);
    if (status == LK_OK && (nearest == NULL || best == NULL))
        status = LK_ENOMEM;
    for (uint64_t i = 0; status == LK_OK && i < m * r; i++)
        nearest[i] = (struct lk_hit){0.3f / (1.0f + (float)(i % 977)), (uint32_t)(i * 7919 % n)};
    for (uint64_t i = 0; status == LK_OK && i < n; i++)
        best[i] = (struct lk_hit){0.3f / (1.0f + (float)(i % 977)), (uint32_t)(i * 7919 % m)};
    result.galleries[LK_GALLERY_TRAIN] = (struct lk_search_gallery){
        .nearest = nearest, .n_nearest = r, .identities = nearest, .n_identities = r, .best_probe = best};
    double start = lk_clock_seconds(), lines = (double)(2 * m * r + n);
    if (status == LK_OK)
        status = lk_match_tables(&match, &result, hash_table, t, err);
    t->rates->line = (lk_clock_seconds() - start) / lines;
    t->rates->line_bytes = t->written / lines;
    free(x->row_of);
    free(y->row_of);
    free(nearest);
    free(best);
    return status;
}

lk_status lk_rates_files(lk_rates *rates, lk_ctx *ctx, const float *data, uint64_t rows,
                         const struct lk_match_set *given, lk_error *err)
{
    const char *below = getenv("TMPDIR");
    struct lk_str dir = LK_STR_INIT;
    struct trial t = {.ctx = ctx, .rates = rates, .file = LK_STR_INIT};
    lk_status status =
        lk_str_addf(&dir, err, "%s/likeness-XXXXXX", below != NULL && below[0] != '\0' ? below : "/var/tmp");
    if (status == LK_OK && (t.dir = mkdtemp(dir.text)) == NULL)
        status = lk_fail_sys(err, LK_EIO, "%s: cannot make a temporary folder (set TMPDIR to another place)",
                             dir.text);
    if (status == LK_OK)
        status = lk_str_addf(&t.file, err, "%s/vectors.npy", t.dir);
    if (status == LK_OK)
        status = write_vectors(&t, data, rows, err);
    if (status == LK_OK)
        status = read_vectors(&t, rows, err);
    if (status == LK_OK)
        status = write_tables(&t, given, err);
    if (t.file.text != NULL)
        unlink(t.file.text);
    if (t.dir != NULL)
        rmdir(t.dir);
    lk_str_free(&t.file);
    lk_str_free(&dir);
    return status;
}

/* ---- the file --------------------------------------------------------------------------------------- */

/* A member for each number that is not a count; all are at least 0. */
struct member {
    const char *key;
    size_t offset;
    bool positive;
};

static const struct member members[] = {
    {"scan_pairs_per_second", offsetof(lk_rates, scan), true},
    {"nominated_seconds", offsetof(lk_rates, nominated), false},
    {"nominated_per_probe", offsetof(lk_rates, per_probe), false},
    {"nominated_per_reference", offsetof(lk_rates, per_reference), false},
    {"nominated_growth", offsetof(lk_rates, growth), false},
    {"basis_seconds", offsetof(lk_rates, basis), false},
    {"probe_seconds", offsetof(lk_rates, probe), false},
    {"reference_seconds", offsetof(lk_rates, reference), false},
    {"sample_seconds", offsetof(lk_rates, sample), false},
    {"hash_bytes_per_second", offsetof(lk_rates, hash), true},
    {"write_bytes_per_second", offsetof(lk_rates, write), true},
    {"check_seconds", offsetof(lk_rates, check), false},
    {"name_seconds", offsetof(lk_rates, name), false},
    {"line_seconds", offsetof(lk_rates, line), false},
    {"line_bytes", offsetof(lk_rates, line_bytes), false},
};
enum { N_MEMBERS = sizeof members / sizeof *members };

lk_status lk_rates_write(const lk_rates *rates, const char *path, lk_error *err)
{
    bool failed = false;
    json_t *o = json_object();
    lk_json_set(o, "kind", json_string("rates"), &failed);
    lk_json_set(o, "format", json_integer(1), &failed);
    lk_json_set(o, "tool", json_string(lk_version()), &failed);
    lk_json_set(o, "cpu", json_string(rates->cpu), &failed);
    lk_json_set(o, "threads", json_integer(rates->threads), &failed);
    lk_json_set(o, "dim", lk_json_count(rates->dim), &failed);
    lk_json_set(o, "axes", lk_json_count(rates->axes), &failed);
    lk_json_set(o, "k", lk_json_count(rates->k), &failed);
    lk_json_set(o, "r", lk_json_count(rates->r), &failed);
    for (size_t i = 0; i < N_MEMBERS; i++) {
        double value;
        memcpy(&value, (const char *)rates + members[i].offset, sizeof value);
        lk_json_set(o, members[i].key, json_real(value), &failed);
    }
    lk_status status = failed ? lk_fail(err, LK_ENOMEM, "%s: out of memory", path) : lk_json_write(path, o, err);
    json_decref(o);
    return status;
}

static lk_status count(const json_t *o, const char *key, uint64_t most, uint64_t *out, const char *where,
                       lk_error *err)
{
    int64_t value = 0;
    LK_TRY(lk_json_integer(o, key, 1, &value, where, err));
    LK_NEED(value >= 1 && (uint64_t)value <= most, err, LK_EFORMAT,
            "%s: \"%s\" is %" PRId64 ", expected 1 to %" PRIu64, where, key, value, most);
    *out = (uint64_t)value;
    return LK_OK;
}

static lk_status from_json(lk_rates *out, const json_t *o, const char *where, lk_error *err)
{
    const char *kind = "", *cpu = "";
    uint64_t format = 0, threads = 0;
    LK_TRY(lk_json_string(o, "kind", 1, &kind, where, err));
    LK_NEED(strcmp(kind, "rates") == 0, err, LK_EFORMAT,
            "%s: \"kind\" is \"%.60s\", expected \"rates\", as `likeness bench rates -o` writes", where, kind);
    LK_TRY(count(o, "format", 1, &format, where, err));
    LK_TRY(lk_json_string(o, "cpu", 1, &cpu, where, err));
    LK_NEED(strlen(cpu) < sizeof out->cpu, err, LK_EFORMAT, "%s: \"cpu\" is longer than %zu bytes", where,
            sizeof out->cpu - 1);
    memcpy(out->cpu, cpu, strlen(cpu) + 1);
    LK_TRY(count(o, "threads", 1 << 20, &threads, where, err));
    out->threads = (int)threads;
    LK_TRY(count(o, "dim", LK_MAX_DIM, &out->dim, where, err));
    LK_TRY(count(o, "axes", LK_MAX_DIM + 3, &out->axes, where, err)); /* rounded up to whole groups of 4 */
    LK_TRY(count(o, "k", LK_SEARCH_MAX_K, &out->k, where, err));
    LK_TRY(count(o, "r", LK_SEARCH_MAX_R, &out->r, where, err));
    for (size_t i = 0; i < N_MEMBERS; i++) {
        double value = -1;
        LK_TRY(lk_json_real(o, members[i].key, 1, &value, where, err));
        LK_NEED(isfinite(value) && (members[i].positive ? value > 0 : value >= 0), err, LK_EFORMAT,
                "%s: \"%s\" is %g, expected a number %s", where, members[i].key, value,
                members[i].positive ? "above 0" : "of at least 0");
        memcpy((char *)out + members[i].offset, &value, sizeof value);
    }
    return LK_OK;
}

lk_status lk_rates_read(const char *path, lk_rates *out, lk_error *err)
{
    json_t *object = NULL;
    lk_rates rates = {.threads = 0};
    LK_TRY(lk_json_read(path, &object, err));
    lk_status status = from_json(&rates, object, path, err);
    json_decref(object);
    if (status == LK_OK)
        *out = rates;
    return status;
}
