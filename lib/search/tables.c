/* SPDX-License-Identifier: Apache-2.0 */
/* tables.c - the result of a search as the tables of a MATCH directory (docs/formats.md). */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "base/fs.h"
#include "formats/csv.h"
#include "search/match.h"

const char *const lk_match_table_names[] = {
    "pairs.csv",      "holdout_pairs.csv", "nearest.csv",   "nearest_identities.csv",
    "references.csv", "range.csv",         "histogram.csv", NULL};

static const char *const gallery_names[LK_N_GALLERIES] = {"train", "holdout"};

struct writer {
    const struct lk_match *match;
    const struct lk_search_result *result;
    FILE *f;
};

static void put_path(FILE *f, const struct lk_match_set *set, uint64_t i)
{
    const struct lk_face_image *image = lk_faces_image(&set->faces, set->row_of[i]);
    putc(',', f);
    lk_csv_put(f, image != NULL ? image->path : NULL);
}

static void put_identity(FILE *f, const struct lk_match_set *set, uint64_t i)
{
    const struct lk_face_image *image = lk_faces_image(&set->faces, set->row_of[i]);
    putc(',', f);
    lk_csv_put(f, image != NULL ? image->identity : NULL);
}

static void put_both_ends(const struct writer *w, int g, uint64_t probe, uint64_t reference)
{
    put_path(w->f, &w->match->probes, probe);
    put_path(w->f, &w->match->galleries[g], reference);
    put_identity(w->f, &w->match->probes, probe);
    put_identity(w->f, &w->match->galleries[g], reference);
    putc('\n', w->f);
}

static void write_pairs_of(const struct writer *w, int g)
{
    const struct lk_search_gallery *r = &w->result->galleries[g];
    fputs("rank,score,probe,reference,probe_path,reference_path,probe_identity,reference_identity\n", w->f);
    for (uint64_t i = 0; i < r->n_pairs; i++) {
        const struct lk_pair *pair = &r->pairs[i];
        fprintf(w->f, "%" PRIu64 ",%.9g,%" PRIu32 ",%" PRIu32, i + 1, pair->score,
                w->match->probes.row_of[pair->probe], w->match->galleries[g].row_of[pair->reference]);
        put_both_ends(w, g, pair->probe, pair->reference);
    }
}

static lk_status write_pairs(struct writer *w, lk_error *err)
{
    (void)err;
    write_pairs_of(w, LK_GALLERY_TRAIN);
    return LK_OK;
}

static lk_status write_holdout_pairs(struct writer *w, lk_error *err)
{
    (void)err;
    write_pairs_of(w, LK_GALLERY_HOLDOUT);
    return LK_OK;
}

static lk_status write_nearest(struct writer *w, lk_error *err)
{
    fputs("probe,gallery,rank,score,reference,probe_path,reference_path,probe_identity,reference_identity\n",
          w->f);
    for (uint64_t p = 0; p < w->match->probes.set.rows; p++) {
        if (p % 4096 == 0)
            LK_TRY(lk_ctx_check(w->match->ctx, err));
        for (int g = 0; g < LK_N_GALLERIES; g++) {
            const struct lk_search_gallery *r = &w->result->galleries[g];
            for (uint64_t i = 0; i < r->n_nearest; i++) {
                const struct lk_hit *hit = &r->nearest[p * r->n_nearest + i];
                fprintf(w->f, "%" PRIu32 ",%s,%" PRIu64 ",%.9g,%" PRIu32, w->match->probes.row_of[p],
                        gallery_names[g], i + 1, hit->score, w->match->galleries[g].row_of[hit->row]);
                put_both_ends(w, g, p, hit->row);
            }
        }
    }
    return LK_OK;
}

static lk_status write_nearest_identities(struct writer *w, lk_error *err)
{
    fputs("probe,gallery,rank,score,identity,reference\n", w->f);
    for (uint64_t p = 0; p < w->match->probes.set.rows; p++) {
        if (p % 4096 == 0)
            LK_TRY(lk_ctx_check(w->match->ctx, err));
        for (int g = 0; g < LK_N_GALLERIES; g++) {
            const struct lk_search_gallery *r = &w->result->galleries[g];
            for (uint64_t i = 0; i < r->n_identities; i++) {
                const struct lk_hit *hit = &r->identities[p * r->n_identities + i];
                fprintf(w->f, "%" PRIu32 ",%s,%" PRIu64 ",%.9g", w->match->probes.row_of[p], gallery_names[g],
                        i + 1, hit->score);
                put_identity(w->f, &w->match->galleries[g], hit->row);
                fprintf(w->f, ",%" PRIu32 "\n", w->match->galleries[g].row_of[hit->row]);
            }
        }
    }
    return LK_OK;
}

static lk_status write_references(struct writer *w, lk_error *err)
{
    (void)err;
    fputs("reference,gallery,score,probe,reference_identity,probe_identity\n", w->f);
    for (int g = 0; g < LK_N_GALLERIES; g++)
        for (uint64_t i = 0; i < w->match->galleries[g].set.rows; i++) {
            const struct lk_hit *hit = &w->result->galleries[g].best_probe[i];
            fprintf(w->f, "%" PRIu32 ",%s,%.9g,%" PRIu32, w->match->galleries[g].row_of[i], gallery_names[g],
                    hit->score, w->match->probes.row_of[hit->row]);
            put_identity(w->f, &w->match->galleries[g], i);
            put_identity(w->f, &w->match->probes, hit->row);
            putc('\n', w->f);
        }
    return LK_OK;
}

static lk_status write_range_pair(void *user, const struct lk_range_pair *pair, lk_error *err)
{
    const struct writer *w = user;
    (void)err;
    fprintf(w->f, "%" PRIu32 ",%s,%" PRIu32 ",%.9g\n", w->match->probes.row_of[pair->probe],
            gallery_names[pair->gallery], w->match->galleries[pair->gallery].row_of[pair->reference],
            pair->score);
    return LK_OK;
}

static lk_status write_range(struct writer *w, lk_error *err)
{
    fputs("probe,gallery,reference,score\n", w->f);
    return lk_search_range(w->result, write_range_pair, w, err);
}

static lk_status write_histogram(struct writer *w, lk_error *err)
{
    (void)err;
    fputs("gallery,low,high,sample,exact\n", w->f);
    for (int g = 0; g < LK_N_GALLERIES; g++)
        for (int b = 0; lk_match_has(w->match, g) && b < LK_SEARCH_BINS; b++) {
            const struct lk_search_gallery *r = &w->result->galleries[g];
            fprintf(w->f, "%s,%.3f,%.3f,%" PRIu64 ",", gallery_names[g], (b - 200) / 200.0, (b - 199) / 200.0,
                    r->sample[b]);
            if (b >= w->result->exact_bin)
                fprintf(w->f, "%" PRIu64, r->exact[b]);
            putc('\n', w->f);
        }
    return LK_OK;
}

static lk_status write_table(struct writer *w, const char *name,
                             lk_status (*write)(struct writer *, lk_error *), lk_error *err)
{
    char *path = lk_path_join(w->match->options->output, name, err);
    if (path == NULL)
        return LK_ENOMEM;
    struct lk_out out;
    lk_status status = lk_out_open(&out, path, err);
    if (status == LK_OK) {
        w->f = out.stream;
        status = write(w, err);
        if (status == LK_OK)
            status = lk_out_commit(&out, err); /* finds every failed write */
        lk_out_abandon(&out);
    }
    free(path);
    return status;
}

lk_status lk_match_tables(const struct lk_match *match, const struct lk_search_result *result,
                          lk_written_fn *written, void *user, lk_error *err)
{
    static lk_status (*const writers[])(struct writer *, lk_error *) = {
        write_pairs,      write_holdout_pairs, write_nearest,  write_nearest_identities,
        write_references, write_range,         write_histogram};
    struct writer w = {match, result, NULL};
    for (int i = 0; lk_match_table_names[i] != NULL; i++) {
        if ((writers[i] == write_holdout_pairs && !lk_match_has(match, LK_GALLERY_HOLDOUT)) ||
            (writers[i] == write_range && isnan(match->options->min_score)))
            continue;
        LK_TRY(write_table(&w, lk_match_table_names[i], writers[i], err));
        LK_TRY(written(user, lk_match_table_names[i], err));
    }
    return LK_OK;
}
