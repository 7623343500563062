/* SPDX-License-Identifier: Apache-2.0 */
/* exposure.c - reads a MATCH directory: each synthetic image's best scores over the complete sets, and units. */
#include "report/exposure.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "formats/json.h"
#include "report/table.h"

/* ---- meta.json ---------------------------------------------------------------------------------------- */

static lk_status load_set(struct lk_exposure_set *set, const json_t *meta, const char *key, bool required,
                          const char *where, lk_error *err)
{
    const json_t *entry = json_object_get(meta, key);
    if (!required && (entry == NULL || json_is_null(entry)))
        return LK_OK;
    LK_NEED(json_is_object(entry), err, LK_EFORMAT, "%s: found no object '%s', expected one about that set",
            where, key);
    int64_t rows = 0, identities = 0;
    LK_TRY(lk_json_integer(entry, "rows", 1, &rows, where, err));
    const json_t *labels = json_object_get(entry, "identities"),
                 *excluded = json_object_get(entry, "excluded");
    if (json_is_integer(labels))
        identities = json_integer_value(labels);
    size_t n_excluded = json_is_array(excluded) ? json_array_size(excluded) : 0;
    LK_NEED(rows >= 0 && identities >= 0 && n_excluded <= (uint64_t)rows, err, LK_EFORMAT,
            "%s: '%s' counts %lld rows, %zu of them excluded, and %lld identities; expected numbers that fit",
            where, key, (long long)rows, n_excluded, (long long)identities);
    *set = (struct lk_exposure_set){true, (uint64_t)rows - n_excluded, n_excluded, (uint64_t)identities};
    return LK_OK;
}

static lk_status load_meta(struct lk_exposure *e, lk_error *err)
{
    char *path = lk_path_join(e->folder, "meta.json", err);
    if (path == NULL)
        return LK_ENOMEM;
    lk_status status = lk_path_exists(path)
                           ? lk_json_read(path, &e->meta, err)
                           : lk_fail(err, LK_EIO,
                                     "%s: no finished MATCH directory (no meta.json), expected one as "
                                     "`likeness match` writes",
                                     e->folder);
    const char *kind = json_string_value(json_object_get(e->meta, "kind"));
    if (status == LK_OK && (kind == NULL || strcmp(kind, "match") != 0))
        status = lk_fail(err, LK_EFORMAT, "%s: found kind '%s', expected 'match' as `likeness match` writes",
                         path, kind != NULL ? kind : "(none)");
    if (status == LK_OK)
        status = load_set(&e->probes_set, e->meta, "probes", true, path, err);
    if (status == LK_OK)
        status = load_set(&e->galleries[LK_EXPOSURE_TRAIN], e->meta, "references", true, path, err);
    if (status == LK_OK)
        status = load_set(&e->galleries[LK_EXPOSURE_HOLDOUT], e->meta, "holdout", false, path, err);
    free(path);
    return status;
}

const char *lk_exposure_fact(const struct lk_exposure *e, const char *of, const char *key)
{
    static const char *const sets[] = {"probes", "references", "holdout"};
    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++) {
        const json_t *set = json_object_get(e->meta, sets[i]);
        const char *text = json_string_value(json_object_get(json_object_get(set, of), key));
        if (text != NULL)
            return text;
    }
    return NULL;
}

/* ---- nearest.csv ------------------------------------------------------------------------------------ */

enum { N_PROBE, N_GALLERY, N_RANK, N_SCORE, N_REFERENCE, N_IDENTITY, N_COLUMNS };
static const char *const nearest_columns[N_COLUMNS] = {"probe", "gallery",   "rank",
                                                       "score", "reference", "probe_identity"};

struct reading {
    struct lk_exposure *e;
    size_t capacity;
};

static lk_status add_nearest(void *user, const struct lk_csv *csv, const size_t *column, lk_error *err)
{
    struct reading *reading = user;
    struct lk_exposure *e = reading->e;
    const char *gallery = lk_csv_field(csv, column[N_GALLERY]);
    int g = strcmp(gallery, "train") == 0     ? LK_EXPOSURE_TRAIN
            : strcmp(gallery, "holdout") == 0 ? LK_EXPOSURE_HOLDOUT
                                              : -1;
    LK_NEED(g >= 0 && e->galleries[g].given, err, LK_EFORMAT, "line %llu: gallery '%s', expected train%s",
            (unsigned long long)csv->line, gallery,
            e->galleries[LK_EXPOSURE_HOLDOUT].given ? " or holdout" : "");
    uint64_t rank, row, reference;
    double score;
    LK_TRY(lk_csv_u64(csv, column[N_RANK], &rank, err));
    if (rank != 1)
        return LK_OK;
    LK_TRY(lk_table_row(csv, column[N_PROBE], e->probes_set.rows + e->probes_set.excluded, &row, err));
    LK_TRY(lk_table_row(csv, column[N_REFERENCE], e->galleries[g].rows + e->galleries[g].excluded, &reference,
                        err));
    LK_TRY(lk_table_score(csv, column[N_SCORE], &score, err));
    struct lk_exposure_probe *p = e->n_probes > 0 ? &e->probes[e->n_probes - 1] : NULL;
    LK_NEED(p == NULL || row >= p->row, err, LK_EFORMAT,
            "line %llu: probe %llu after %llu, expected rising order", (unsigned long long)csv->line,
            (unsigned long long)row, (unsigned long long)p->row);
    if (p == NULL || row != p->row) {
        LK_TRY(lk_grow(&e->probes, &reading->capacity, e->n_probes + 1, sizeof *e->probes, err));
        p = &e->probes[e->n_probes++];
        *p = (struct lk_exposure_probe){.row = row, .score = {NAN, NAN}};
        LK_TRY(lk_table_text(csv, column[N_IDENTITY], &p->identity, err));
    }
    LK_NEED(isnan(p->score[g]), err, LK_EFORMAT, "line %llu: a second rank 1 of probe %llu in %s",
            (unsigned long long)csv->line, (unsigned long long)row, gallery);
    p->score[g] = score;
    return LK_OK;
}

static lk_status check_probes(const struct lk_exposure *e, lk_error *err)
{
    for (size_t i = 0; i < e->n_probes; i++)
        for (int g = 0; g < LK_N_EXPOSURE; g++)
            LK_NEED(!e->galleries[g].given || !isnan(e->probes[i].score[g]), err, LK_EFORMAT,
                    "%s/nearest.csv: probe %llu has no rank 1 in %s", e->folder,
                    (unsigned long long)e->probes[i].row, g == LK_EXPOSURE_TRAIN ? "train" : "holdout");
    LK_NEED(e->n_probes > 0, err, LK_EFORMAT, "%s/nearest.csv: no probes, expected at least one", e->folder);
    return LK_OK;
}

static lk_status read_nearest(struct lk_exposure *e, lk_error *err)
{
    struct lk_table t;
    struct reading reading = {e, 0};
    LK_TRY(lk_table_open(&t, e->folder, "nearest.csv", json_object_get(e->meta, "outputs"), err));
    lk_status status = lk_table_read(&t, nearest_columns, N_COLUMNS, N_COLUMNS, add_nearest, &reading, err);
    lk_table_close(&t);
    return status == LK_OK ? check_probes(e, err) : status;
}

/* ---- histogram.csv ---------------------------------------------------------------------------------- */

enum { H_GALLERY, H_LOW, H_SAMPLE, H_COLUMNS };
static const char *const histogram_columns[H_COLUMNS] = {"gallery", "low", "sample"};

static lk_status add_bin(void *user, const struct lk_csv *csv, const size_t *column, lk_error *err)
{
    struct lk_exposure *e = user;
    double low;
    uint64_t n;
    if (strcmp(lk_csv_field(csv, column[H_GALLERY]), "holdout") != 0)
        return LK_OK;
    LK_TRY(lk_csv_double(csv, column[H_LOW], &low, err));
    LK_TRY(lk_csv_u64(csv, column[H_SAMPLE], &n, err));
    double bin = round((low + 1) * LK_EXPOSURE_BINS / 2);
    LK_NEED(bin >= 0 && bin < LK_EXPOSURE_BINS, err, LK_EFORMAT, "line %llu: a bin from %g, expected -1 to 0.995",
            (unsigned long long)csv->line, low);
    e->strangers[(size_t)bin] = (double)n;
    return LK_OK;
}

/* Pairs with the hold-out are pairs of strangers, whatever leaked. */
static lk_status read_histogram(struct lk_exposure *e, lk_error *err)
{
    struct lk_table t;
    const json_t *outputs = json_object_get(e->meta, "outputs");
    if (json_object_get(outputs, "histogram.csv") == NULL)
        return LK_OK;
    LK_TRY(lk_table_open(&t, e->folder, "histogram.csv", outputs, err));
    lk_status status = lk_table_read(&t, histogram_columns, H_COLUMNS, H_COLUMNS, add_bin, e, err);
    lk_table_close(&t);
    double all = 0;
    for (size_t i = 0; i < LK_EXPOSURE_BINS; i++)
        all += e->strangers[i];
    for (size_t i = 0; i < LK_EXPOSURE_BINS && all > 0; i++)
        e->strangers[i] /= all;
    e->has_strangers = all > 0;
    return status;
}

/* ---- units ------------------------------------------------------------------------------------------ */

struct member {
    const char *identity; /* NULL = its own unit */
    size_t probe;
};

static int by_identity(const void *a, const void *b)
{
    const struct member *x = a, *y = b;
    if (x->identity != NULL && y->identity != NULL) {
        int order = strcmp(x->identity, y->identity);
        if (order != 0)
            return order;
    } else if (x->identity != y->identity) {
        return x->identity == NULL ? -1 : 1;
    }
    return (x->probe > y->probe) - (x->probe < y->probe);
}

static lk_status make_units(struct lk_exposure *e, lk_error *err)
{
    struct member *members = lk_calloc(e->n_probes, sizeof *members, err);
    e->units = lk_calloc(e->n_probes, sizeof *e->units, err);
    if (members == NULL || e->units == NULL) {
        free(members);
        return LK_ENOMEM;
    }
    for (size_t i = 0; i < e->n_probes; i++)
        members[i] = (struct member){e->probes[i].identity, i};
    qsort(members, e->n_probes, sizeof *members, by_identity);
    for (size_t i = 0; i < e->n_probes; i++) {
        const char *identity = members[i].identity;
        const double *score = e->probes[members[i].probe].score;
        bool same = i > 0 && identity != NULL && members[i - 1].identity != NULL &&
                    strcmp(identity, members[i - 1].identity) == 0;
        if (!same)
            e->units[e->n_units++] = (struct lk_exposure_unit){{score[0], score[1]}};
        double *best = e->units[e->n_units - 1].score;
        for (int g = 0; g < LK_N_EXPOSURE; g++)
            best[g] = score[g] > best[g] ? score[g] : best[g];
    }
    free(members);
    return LK_OK;
}

lk_status lk_exposure_open(struct lk_exposure *out, const char *folder, lk_error *err)
{
    *out = (struct lk_exposure){.folder = folder};
    lk_status status = load_meta(out, err);
    if (status == LK_OK)
        status = read_nearest(out, err);
    if (status == LK_OK)
        status = read_histogram(out, err);
    if (status == LK_OK)
        status = make_units(out, err);
    if (status != LK_OK)
        lk_exposure_close(out);
    return status;
}

void lk_exposure_close(struct lk_exposure *e)
{
    for (size_t i = 0; i < e->n_probes; i++)
        free(e->probes[i].identity);
    free(e->probes);
    free(e->units);
    json_decref(e->meta);
    *e = (struct lk_exposure){.folder = NULL};
}
