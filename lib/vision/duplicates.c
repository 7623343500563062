/* SPDX-License-Identifier: Apache-2.0 */
/* duplicates.c - lk_duplicates: small pictures of a set in parallel, near pairs, groups, the table. */
#include "vision/duplicates.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/pool.h"
#include "formats/csv.h"
#include "formats/source.h"
#include "vision/near.h"

enum { SLOTS_PER_THREAD = 4, WARNINGS = 10 };

/* Plain correlation below which no shift and stretch makes a duplicate of a pair; measured, with room to
 * spare, on crops of two pixels of 112 (docs/methods.md). Spares the fit for most pairs that hashes nominate.
 */
static const double HOPELESS = 0.6;

struct slot {
    struct lk_dup_record record;
    char *message; /* why it is unreadable */
};

/* Similar pairs that one worker found. */
struct finds {
    struct lk_dup_pair *pairs;
    size_t n, capacity;
    char apart[64]; /* workers write often: no two on a cache line */
};

struct run {
    lk_ctx *ctx;
    const lk_duplicates_options *options;
    struct lk_source *source;
    struct lk_str path;
    uint32_t n;
    struct lk_dup_part part;
    struct slot *slots;
    size_t n_slots;
    uint64_t resumed, n_unreadable;
    uint32_t *same_bytes, *same_luma;
    uint32_t *rows; /* of the pictures that are compared: readable, not flat, the first of equal ones */
    uint32_t n_rows;
    struct lk_phash *hashes, *mirrored;
    struct finds *finds;
    struct lk_dup_pair *pairs;
    size_t n_pairs;
    struct lk_dup_member *members;
};

/* ---- reading the pictures --------------------------------------------------------------------------- */

static lk_status make_record(const uint8_t *bytes, size_t len, struct lk_dup_record *record, lk_error *err)
{
    char hex[65];
    struct lk_image image = {0};
    LK_TRY(lk_hash_bytes(bytes, len, hex, err));
    memcpy(record->sha256, hex, sizeof record->sha256);
    LK_TRY(lk_image_decode(bytes, len, &image, err));
    lk_status status = lk_thumb_make(&image, record->luma, err);
    lk_image_free(&image);
    return status;
}

static lk_status fill(void *arg, size_t index, int worker, void *slot_arg, lk_error *err)
{
    (void)worker;
    struct run *run = arg;
    struct slot *slot = slot_arg;
    slot->record = (struct lk_dup_record){.state = LK_DUP_SEEN};
    uint8_t *bytes = NULL;
    size_t len = 0;
    lk_error reason;
    lk_status status = lk_source_read(run->source, index, &bytes, &len, &reason);
    if (status == LK_OK) {
        status = make_record(bytes, len, &slot->record, &reason);
        if (status != LK_OK)
            lk_source_error_prefix(run->source, index, &reason);
        free(bytes);
    }
    if (status == LK_EIO || status == LK_EFORMAT) { /* this picture's own trouble, not the run's */
        slot->record = (struct lk_dup_record){.state = LK_DUP_UNREADABLE};
        slot->message = lk_strdup(reason.text, err);
        return slot->message != NULL ? LK_OK : LK_ENOMEM;
    }
    if (status != LK_OK && err != NULL)
        *err = reason;
    return status;
}

static lk_status sink(void *arg, size_t index, void *slot_arg, lk_error *err)
{
    struct run *run = arg;
    struct slot *slot = slot_arg;
    lk_status status = lk_dup_part_add(&run->part, &slot->record, err);
    if (slot->message != NULL && ++run->n_unreadable <= WARNINGS)
        lk_ctx_message(run->ctx, LK_LEVEL_WARNING, "%s", slot->message);
    free(slot->message);
    slot->message = NULL;
    const lk_progress progress = {
        .stage = "read", .unit = "images", .done = index + 1, .total = run->n, .resumed = run->resumed};
    lk_ctx_progress(run->ctx, &progress);
    return status;
}

static lk_status read_pictures(struct run *run, lk_error *err)
{
    char inputs[65];
    LK_TRY(lk_source_hash(run->source, inputs, err));
    LK_TRY(lk_dup_part_open(&run->part, run->options->output, inputs, run->n, err));
    run->resumed = run->part.n;
    if (run->resumed > 0)
        lk_ctx_message(run->ctx, LK_LEVEL_NOTE, "%s: going on after %" PRIu64 " of %" PRIu32 " images",
                       run->part.path, run->resumed, run->n);
    run->n_slots = (size_t)lk_ctx_threads(run->ctx) * SLOTS_PER_THREAD;
    run->slots = lk_calloc(run->n_slots, sizeof *run->slots, err);
    if (run->slots == NULL)
        return LK_ENOMEM;
    lk_status status = lk_pool_ordered(run->ctx, run->resumed, run->n, run->slots, sizeof *run->slots,
                                       run->n_slots, fill, sink, run, err);
    if (run->n_unreadable > WARNINGS)
        lk_ctx_message(run->ctx, LK_LEVEL_WARNING, "and %" PRIu64 " more images that cannot be read",
                       run->n_unreadable - WARNINGS);
    if (status == LK_ECANCELED)
        return lk_fail(err, LK_ECANCELED,
                       "after %" PRIu64 " of %" PRIu32 " images, which are kept in %s; run the same command "
                       "again to go on",
                       run->part.n, run->n, run->part.path);
    LK_TRY(status);
    return lk_dup_part_finish(&run->part, err);
}

/* ---- comparing them --------------------------------------------------------------------------------- */

static lk_status choose_rows(struct run *run, lk_error *err)
{
    run->same_bytes = lk_calloc(run->n, sizeof *run->same_bytes, err);
    run->same_luma = lk_calloc(run->n, sizeof *run->same_luma, err);
    run->rows = lk_calloc(run->n, sizeof *run->rows, err);
    if (run->same_bytes == NULL || run->same_luma == NULL || run->rows == NULL)
        return LK_ENOMEM;
    LK_TRY(lk_dup_first_equal(run->part.records, run->n, true, run->same_bytes, err));
    LK_TRY(lk_dup_first_equal(run->part.records, run->n, false, run->same_luma, err));
    for (uint32_t i = 0; i < run->n; i++)
        if (run->same_luma[i] == i)
            run->rows[run->n_rows++] = i;
    return LK_OK;
}

static lk_status hash_rows(struct run *run, lk_error *err)
{
    struct lk_phash_basis basis;
    lk_phash_basis_init(&basis);
    run->hashes = lk_calloc(run->n_rows, sizeof *run->hashes, err);
    run->mirrored = lk_calloc(run->n_rows, sizeof *run->mirrored, err);
    if (run->hashes == NULL || run->mirrored == NULL)
        return LK_ENOMEM;
    for (uint32_t k = 0; k < run->n_rows; k++)
        lk_phash_make(&basis, run->part.records[run->rows[k]].luma, &run->hashes[k], &run->mirrored[k]);
    return LK_OK;
}

/* Decides about a pair that the hashes nominated. */
static lk_status verify(void *arg, uint32_t i, uint32_t j, bool mirrored, int worker, lk_error *err)
{
    struct run *run = arg;
    uint8_t turned[LK_THUMB_PIXELS];
    const uint8_t *a = run->part.records[run->rows[i]].luma, *b = run->part.records[run->rows[j]].luma;
    if (mirrored) {
        lk_thumb_mirror(a, turned);
        a = turned;
    }
    if (lk_thumb_correlation(a, b) < HOPELESS)
        return LK_OK;
    double similarity = lk_thumb_similarity(a, b);
    if (similarity < run->options->min_similarity)
        return LK_OK;
    struct finds *finds = &run->finds[worker];
    LK_TRY(lk_grow(&finds->pairs, &finds->capacity, finds->n + 1, sizeof *finds->pairs, err));
    finds->pairs[finds->n++] = (struct lk_dup_pair){run->rows[i], run->rows[j], (float)similarity, mirrored};
    return LK_OK;
}

static lk_status find_pairs(struct run *run, lk_error *err)
{
    int threads = lk_ctx_threads(run->ctx);
    run->finds = lk_calloc((size_t)threads, sizeof *run->finds, err);
    if (run->finds == NULL)
        return LK_ENOMEM;
    LK_TRY(lk_near_pairs(run->ctx, run->hashes, run->options->no_mirrored ? NULL : run->mirrored, run->n_rows,
                         verify, run, err));
    size_t n = 0;
    for (int t = 0; t < threads; t++)
        n += run->finds[t].n;
    if ((run->pairs = lk_calloc(n, sizeof *run->pairs, err)) == NULL)
        return LK_ENOMEM;
    for (int t = 0; t < threads; t++) {
        if (run->finds[t].n > 0)
            memcpy(run->pairs + run->n_pairs, run->finds[t].pairs, run->finds[t].n * sizeof *run->pairs);
        run->n_pairs += run->finds[t].n;
        free(run->finds[t].pairs);
        run->finds[t].pairs = NULL;
    }
    return LK_OK;
}

/* ---- the table -------------------------------------------------------------------------------------- */

static const char *const KIND_NAMES[] = {
    [LK_DUP_NONE] = "", [LK_DUP_EXACT] = "exact", [LK_DUP_NEAR] = "near", [LK_DUP_MIRRORED] = "mirrored"};

/* Rows by keeper, the keeper first, then in the set's order. */
static int compare_rows(const void *a, const void *b, void *arg)
{
    const struct lk_dup_member *members = arg;
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    uint32_t kx = members[x].keeper, ky = members[y].keeper;
    return kx != ky ? (kx < ky ? -1 : 1) : (x > y) - (x < y);
}

static lk_status put_row(struct run *run, FILE *stream, uint64_t group, uint32_t row, lk_error *err)
{
    const struct lk_dup_member *member = &run->members[row];
    bool keep = member->kind == LK_DUP_NONE;
    fprintf(stream, "%" PRIu64 ",%s,", group, KIND_NAMES[member->kind]);
    LK_TRY(lk_source_path(run->source, row, &run->path, err));
    lk_csv_put(stream, run->path.text);
    putc(',', stream);
    lk_csv_put(stream, lk_source_identity(run->source, row));
    fprintf(stream, ",%s,%.4f,", keep ? "yes" : "no", (double)member->similarity);
    if (!keep) {
        struct lk_str reason = LK_STR_INIT;
        LK_TRY(lk_source_path(run->source, member->keeper, &run->path, err));
        LK_TRY(lk_str_addf(&reason, err, "%s duplicate of %s", KIND_NAMES[member->kind], run->path.text));
        lk_csv_put(stream, reason.text);
        lk_str_free(&reason);
    }
    putc('\n', stream);
    return LK_OK;
}

/* The pictures of all groups, in the order of the table. */
static lk_status list_groups(struct run *run, uint32_t **rows, uint32_t *n_rows, lk_error *err)
{
    bool *in_group = lk_calloc(run->n, sizeof *in_group, err);
    uint32_t *list = lk_calloc(run->n, sizeof *list, err), n = 0;
    if (in_group == NULL || list == NULL) {
        free(in_group);
        free(list);
        return LK_ENOMEM;
    }
    for (uint32_t i = 0; i < run->n; i++)
        if (run->members[i].kind != LK_DUP_NONE)
            in_group[i] = in_group[run->members[i].keeper] = true;
    for (uint32_t i = 0; i < run->n; i++)
        if (in_group[i])
            list[n++] = i;
    free(in_group);
    qsort_r(list, n, sizeof *list, compare_rows, run->members);
    *rows = list;
    *n_rows = n;
    return LK_OK;
}

static bool same_identity(const struct run *run, uint32_t a, uint32_t b)
{
    const char *x = lk_source_identity(run->source, a), *y = lk_source_identity(run->source, b);
    return x == y || (x != NULL && y != NULL && strcmp(x, y) == 0);
}

static lk_status write_rows(struct run *run, FILE *stream, lk_duplicates_summary *sum, lk_error *err)
{
    uint32_t *rows = NULL, n = 0;
    LK_TRY(list_groups(run, &rows, &n, err));
    lk_status status = LK_OK;
    fputs("group,kind,path,identity,keep,similarity,reason\n", stream);
    for (uint32_t k = 0; k < n && status == LK_OK; k++) {
        const struct lk_dup_member *member = &run->members[rows[k]];
        sum->n_groups += member->kind == LK_DUP_NONE;
        sum->n_exact += member->kind == LK_DUP_EXACT;
        sum->n_near += member->kind == LK_DUP_NEAR;
        sum->n_mirrored += member->kind == LK_DUP_MIRRORED;
        sum->n_across += !same_identity(run, rows[k], member->keeper);
        status = put_row(run, stream, sum->n_groups, rows[k], err);
    }
    free(rows);
    return status;
}

static lk_status write_table(struct run *run, lk_duplicates_summary *sum, lk_error *err)
{
    struct lk_out out;
    LK_TRY(lk_out_open(&out, run->options->output, err));
    lk_status status = write_rows(run, out.stream, sum, err);
    if (status == LK_OK)
        status = lk_out_commit(&out, err);
    if (status != LK_OK)
        lk_out_abandon(&out);
    return status;
}

/* ---- the job ---------------------------------------------------------------------------------------- */

static lk_status do_run(struct run *run, lk_duplicates_summary *out, lk_error *err)
{
    const lk_duplicates_options *o = run->options;
    struct lk_source_options source = {.ctx = run->ctx,
                                       .format = o->format,
                                       .labels = o->labels,
                                       .window = (size_t)lk_ctx_threads(run->ctx) * SLOTS_PER_THREAD};
    if (o->identity != NULL)
        LK_TRY(lk_identity_rule_parse(o->identity, &source.identity, err));
    LK_TRY(lk_source_open(&run->source, o->inputs, o->n_inputs, &source, err));
    size_t n = lk_source_count(run->source);
    LK_NEED(n < UINT32_MAX, err, LK_EUNSUP, "%zu images, expected fewer than 2^32", n);
    run->n = (uint32_t)n;
    LK_TRY(read_pictures(run, err));
    LK_TRY(choose_rows(run, err));
    LK_TRY(hash_rows(run, err));
    LK_TRY(find_pairs(run, err));
    run->members = lk_calloc(run->n, sizeof *run->members, err);
    if (run->members == NULL)
        return LK_ENOMEM;
    lk_dup_groups(run->same_bytes, run->same_luma, run->n, run->pairs, run->n_pairs, run->members);
    lk_duplicates_summary sum = {
        .n_images = n, .n_identities = lk_source_identities(run->source), .n_resumed = run->resumed};
    for (uint32_t i = 0; i < run->n; i++) {
        sum.n_unreadable += run->same_bytes[i] == UINT32_MAX;
        sum.n_flat += run->same_bytes[i] != UINT32_MAX && run->same_luma[i] == UINT32_MAX;
    }
    LK_TRY(write_table(run, &sum, err));
    *out = sum;
    return LK_OK;
}

void lk_duplicates_options_init(lk_duplicates_options *options)
{
    memset(options, 0, sizeof *options);
    options->min_similarity = 0.95;
}

lk_status lk_duplicates(lk_ctx *ctx, const lk_duplicates_options *options, lk_duplicates_summary *out,
                        lk_error *err)
{
    LK_NEED(options->n_inputs > 0 && options->output != NULL && options->output[0] != '\0', err, LK_EINVAL,
            "duplicates: expected at least one input and an output file");
    LK_NEED(options->min_similarity >= 0.8 && options->min_similarity <= 1, err, LK_EINVAL,
            "duplicates: least similarity %g, expected 0.8 to 1", options->min_similarity);
    struct run run = {.ctx = ctx, .options = options};
    lk_status status = do_run(&run, out, err);
    lk_dup_part_close(&run.part, status == LK_OK);
    for (size_t i = 0; run.slots != NULL && i < run.n_slots; i++)
        free(run.slots[i].message);
    for (int t = 0; run.finds != NULL && t < lk_ctx_threads(ctx); t++)
        free(run.finds[t].pairs);
    free(run.slots);
    free(run.finds);
    free(run.pairs);
    free(run.members);
    free(run.same_bytes);
    free(run.same_luma);
    free(run.rows);
    free(run.hashes);
    free(run.mirrored);
    lk_str_free(&run.path);
    lk_source_close(run.source);
    return status;
}
