/* SPDX-License-Identifier: Apache-2.0 */
/* records.c - a record file without the pictures that are removed, with its index and list.txt.
 *
 * Records are copied with their labels. Those of InsightFace's files, which count their pictures, are
 * numbered anew, with new records for the identities; in others every picture keeps its number, and so its
 * name. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "clean/keep.h"
#include "formats/source_record.h"

/* Numbers in the records are float32. */
#define MOST_RECORDS ((uint64_t)1 << 24)

struct writer {
    const struct lk_keep *k;
    struct lk_keep_input in;
    struct lk_source_part part;
    const struct lk_record_set *set;
    bool listed; /* list.txt is written, too */
    struct lk_out rec, idx, list;
    uint64_t at;
    uint64_t n_kept, n_runs, n_unreadable;
    uint64_t *runs; /* with a head: numbers of each identity's first picture, and behind its last */
};

static bool kept(const struct writer *w, size_t i)
{
    size_t row = w->in.first + i;
    return lk_keep_row(w->k, row) && !lk_keep_unreadable(w->k, row);
}

/* ---- the records of InsightFace's files -------------------------------------------------------------- */

/* Pictures that follow one another with one label are an identity. Without labels there are no identities. */
static lk_status find_runs(struct writer *w, lk_error *err)
{
    bool labelled = true;
    int32_t last = -1;
    for (size_t i = 0; i < w->in.n; i++) {
        if (!kept(w, i))
            continue;
        int32_t label = w->set->pictures[i].label;
        labelled = labelled && label >= 0;
        w->n_runs += w->n_kept++ == 0 || label != last;
        last = label;
    }
    if (!labelled)
        w->n_runs = 0;
    LK_NEED(w->n_kept + w->n_runs < MOST_RECORDS, err, LK_EUNSUP,
            "%" PRIu64 " records, expected fewer than 2^24: they are counted in float32",
            w->n_kept + w->n_runs);
    w->runs = lk_calloc((size_t)w->n_runs, 2 * sizeof *w->runs, err);
    return w->runs != NULL ? LK_OK : LK_ENOMEM;
}

static void note_run(struct writer *w, size_t picture, uint64_t key, size_t *run, int32_t *last)
{
    int32_t label = w->set->pictures[picture].label;
    if (w->n_runs == 0)
        return;
    if (key > 1 && label != *last)
        ++*run;
    if (key == 1 || label != *last)
        w->runs[2 * *run] = key;
    w->runs[2 * *run + 1] = key + 1;
    *last = label;
}

/* ---- records ------------------------------------------------------------------------------------------ */

static lk_status put(struct writer *w, uint64_t key, const uint8_t *payload, size_t len, lk_error *err)
{
    fprintf(w->idx.stream, "%" PRIu64 "\t%" PRIu64 "\n", key, w->at); /* commit finds out about errors */
    return lk_record_write(w->rec.stream, payload, len, &w->at, err);
}

static lk_status put_labels(struct writer *w, uint64_t key, uint64_t first, uint64_t second, lk_error *err)
{
    uint8_t payload[LK_RECORD_HEADER + 8];
    const float labels[2] = {(float)first, (float)second};
    lk_record_labels_put(payload, key, labels, 2);
    return put(w, key, payload, sizeof payload, err);
}

static lk_status put_picture(struct writer *w, size_t i, uint64_t key, lk_error *err)
{
    uint8_t *payload = NULL;
    size_t len = 0;
    struct lk_str name = LK_STR_INIT;
    LK_TRY(lk_source_record_payload(&w->part, i, &payload, &len, err));
    lk_status status = put(w, key, payload, len, err);
    free(payload);
    if (status == LK_OK && w->listed)
        status = w->part.backend->name_of(&w->part, i, &name, err);
    if (status == LK_OK && w->listed)
        fprintf(w->list.stream, "%" PRIu64 "\t%s\n", key, name.text);
    lk_str_free(&name);
    return status;
}

static lk_status put_all(struct writer *w, lk_error *err)
{
    uint64_t key = 0;
    size_t run = 0;
    int32_t last = -1;
    if (w->set->has_head)
        LK_TRY(put_labels(w, key++, w->n_kept + 1, w->n_kept + 1 + w->n_runs, err));
    for (size_t i = 0; i < w->in.n; i++) {
        if (!kept(w, i)) {
            w->n_unreadable += lk_keep_row(w->k, w->in.first + i);
            continue;
        }
        LK_TRY(lk_ctx_check(w->k->c->ctx, err));
        if (w->set->has_head)
            note_run(w, i, key, &run, &last);
        LK_TRY(put_picture(w, i, w->set->has_head ? key++ : w->set->pictures[i].key, err));
        lk_ctx_progress(w->k->c->ctx,
                        &(lk_progress){.stage = "rec", .unit = "records", .done = i + 1, .total = w->in.n});
    }
    for (size_t i = 0; w->set->has_head && i < w->n_runs; i++)
        LK_TRY(put_labels(w, key++, w->runs[2 * i], w->runs[2 * i + 1], err));
    return LK_OK;
}

/* ---- files -------------------------------------------------------------------------------------------- */

/* `place` with another ending, or a name in the same folder. */
static char *beside(const char *place, const char *ending, const char *name, lk_error *err)
{
    struct lk_str s = LK_STR_INIT;
    const char *slash = strrchr(place, '/');
    size_t len = strlen(place);
    if (name != NULL)
        len = slash != NULL ? (size_t)(slash + 1 - place) : 0;
    else if (len > 4 && strcmp(place + len - 4, ".rec") == 0)
        len -= 4;
    lk_status status = lk_str_add(&s, place, len, err);
    if (status == LK_OK)
        status = lk_str_addz(&s, name != NULL ? name : ending, err);
    return status == LK_OK ? s.text : NULL;
}

/* The lists beside an input are inputs, too. */
static lk_status open_list(struct writer *w, const char *place, const char *ending, const char *name,
                           struct lk_out *out, lk_error *err)
{
    char *to = beside(place, ending, name, err), *from = beside(w->in.path, ending, name, err);
    lk_status status = to != NULL && from != NULL ? lk_keep_protect_input(to, from, err) : LK_ENOMEM;
    if (status == LK_OK && lk_path_exists(to) && !w->k->c->options->measure.force)
        status = lk_fail(err, LK_EINVAL,
                         "%s: is there already; give another output, or --force to replace it", to);
    if (status == LK_OK)
        status = lk_out_open(out, to, err);
    free(to);
    free(from);
    return status;
}

/* The record file last: without it the lists are nothing. */
static lk_status write_files(struct writer *w, const char *place, lk_error *err)
{
    LK_TRY(lk_out_open(&w->rec, place, err));
    LK_TRY(open_list(w, place, ".idx", NULL, &w->idx, err));
    if (w->listed)
        LK_TRY(open_list(w, place, NULL, "list.txt", &w->list, err));
    if (w->set->has_head)
        LK_TRY(find_runs(w, err));
    lk_status status = put_all(w, err);
    if (status != LK_OK && status != LK_ECANCELED)
        lk_error_prefix(err, "%s", place);
    LK_TRY(status);
    if (w->listed)
        LK_TRY(lk_out_commit(&w->list, err));
    LK_TRY(lk_out_commit(&w->idx, err));
    return lk_out_commit(&w->rec, err);
}

static lk_status write_one(const struct lk_keep *k, const struct lk_keep_input *in, const char *place,
                           lk_error *err)
{
    struct writer w = {.k = k, .in = *in};
    struct lk_names names = {0};
    const struct lk_source_options options = {.quiet = true, .format = in->format};
    LK_TRY(lk_source_part_open(&w.part, in->path, &options, &names, err));
    w.set = lk_source_record_set(&w.part);
    w.listed = lk_source_record_listed(&w.part);
    lk_status status = w.part.n == in->n
                           ? write_files(&w, place, err)
                           : lk_fail(err, LK_EFORMAT, "%s: changed while it was read", in->path);
    if (status == LK_OK && w.n_unreadable > 0)
        lk_ctx_message(k->c->ctx, LK_LEVEL_WARNING,
                       "%s: %" PRIu64 " records that cannot be read are not there", place, w.n_unreadable);
    lk_out_abandon(&w.rec);
    lk_out_abandon(&w.idx);
    lk_out_abandon(&w.list);
    free(w.runs);
    lk_source_part_close(&w.part);
    lk_names_free(&names);
    return status;
}

lk_status lk_keep_records(const struct lk_keep *k, const char *to, lk_error *err)
{
    struct lk_keep_input in;
    if (lk_keep_n_inputs(k) > 1)
        LK_TRY(lk_mkdirs(to, err));
    for (size_t i = 0; lk_keep_input(k, i, &in); i++) {
        char *place = lk_keep_place(k, to, &in, err);
        lk_status status = place != NULL ? write_one(k, &in, place, err) : LK_ENOMEM;
        free(place);
        LK_TRY(status);
    }
    return LK_OK;
}
