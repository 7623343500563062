/* SPDX-License-Identifier: Apache-2.0 */
/* load.c - reads what a report is about: the MATCH directory, the FACES directories behind it, the
 * thresholds. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "formats/json.h"
#include "report/report.h"
#include "stats/thresholds.h"

static const char *const set_keys[LK_N_SETS] = {"probes", "references", "holdout"};

char *lk_report_resolve(const struct lk_report *r, const char *path, lk_error *err)
{
    const char *base = json_string_value(json_object_get(r->meta, "working_directory"));
    if (path[0] == '/' || base == NULL)
        return lk_strdup(path, err);
    return lk_path_join(base, path, err);
}

/* Opens the FACES directory of a set. That it is gone or has changed costs the pictures, not the report. */
static lk_status open_faces(struct lk_report *r, struct lk_report_set *set, const json_t *entry,
                            lk_error *err)
{
    lk_error why = {0};
    char *path = lk_report_resolve(r, set->path, err), *file = NULL, *array = NULL;
    lk_status status = path != NULL ? lk_vectors_split(path, &file, &array, err) : LK_ENOMEM;
    if (status != LK_OK) {
        free(path);
        return status;
    }
    if (!lk_path_is_dir(path)) {
        set->closed_because =
            lk_strdup(lk_path_exists(file) ? "plain vectors without pictures were compared"
                                           : "the FACES directory is no longer where it was",
                      err);
    } else if (lk_faces_open(&set->faces, r->ctx, path, &why) != LK_OK) {
        set->closed_because = lk_strdup(why.text, err);
    } else {
        set->open = true;
        /* Rows and pictures belong together only in the very files that were matched. */
        static const char *const keys[] = {"embeddings_sha256", "images_sha256"};
        for (int i = 0; i < 2 && set->open; i++) {
            const char *then = json_string_value(json_object_get(entry, keys[i]));
            const char *now = json_string_value(json_object_get(set->faces.meta, keys[i]));
            if (then == NULL || now == NULL || strcmp(then, now) == 0)
                continue;
            lk_faces_close(&set->faces);
            set->open = false;
            set->closed_because = lk_strdup("the FACES directory was made anew after it was matched", err);
        }
    }
    if (!set->open && set->closed_because == NULL)
        status = LK_ENOMEM;
    for (size_t i = 0; set->open && i < set->faces.n_images; i++) {
        set->n_no_face += set->faces.images[i].status == LK_FACE_NONE;
        set->n_unreadable += set->faces.images[i].status == LK_FACE_UNREADABLE;
        set->n_by_list += set->faces.images[i].status == LK_FACE_EXCLUDED;
    }
    free(path);
    free(file);
    free(array);
    return status;
}

static lk_status load_set(struct lk_report *r, int role, const char *where, lk_error *err)
{
    struct lk_report_set *set = &r->sets[role];
    const json_t *entry = json_object_get(r->meta, set_keys[role]);
    if (role == LK_HOLDOUT && (entry == NULL || json_is_null(entry)))
        return LK_OK;
    LK_NEED(json_is_object(entry), err, LK_EFORMAT, "%s: found no object '%s', expected one about that set",
            where, set_keys[role]);
    const char *path = NULL, *sha256 = NULL;
    int64_t rows = 0, identities = 0;
    LK_TRY(lk_json_string(entry, "path", 1, &path, where, err));
    LK_TRY(lk_json_integer(entry, "rows", 1, &rows, where, err));
    const json_t *labels = json_object_get(entry, "identities"),
                 *excluded = json_object_get(entry, "excluded");
    if (json_is_integer(labels))
        identities = json_integer_value(labels);
    size_t n_excluded = json_is_array(excluded) ? json_array_size(excluded) : 0;
    LK_NEED(rows >= 0 && identities >= 0 && n_excluded <= (uint64_t)rows, err, LK_EFORMAT,
            "%s: '%s' counts %lld rows, %zu of them excluded, and %lld identities; expected numbers that fit",
            where, set_keys[role], (long long)rows, n_excluded, (long long)identities);
    sha256 = json_string_value(json_object_get(entry, "embeddings_sha256"));
    set->given = true;
    set->rows = (uint64_t)rows - n_excluded;
    set->excluded = n_excluded;
    set->identities = (uint64_t)identities;
    if ((set->path = lk_strdup(path, err)) == NULL)
        return LK_ENOMEM;
    if (sha256 != NULL && (set->sha256 = lk_strdup(sha256, err)) == NULL)
        return LK_ENOMEM;
    return open_faces(r, set, entry, err);
}

/* What is known about a set: its FACES meta.json, or what match copied of it. */
static const json_t *known_of(const struct lk_report *r, int role)
{
    return r->sets[role].open ? r->sets[role].faces.meta : json_object_get(r->meta, set_keys[role]);
}

const char *lk_report_fact(const struct lk_report *r, const char *of, const char *key)
{
    for (int i = 0; i < LK_N_SETS; i++) {
        const json_t *known = known_of(r, i);
        const char *text =
            json_string_value(json_object_get(of == NULL ? known : json_object_get(known, of), key));
        if (text != NULL)
            return text;
    }
    return NULL;
}

/* ---- thresholds ----------------------------------------------------------------------------------- */

static int by_falling_fmr(const void *a, const void *b)
{
    double x = ((const struct lk_report_level *)a)->fmr, y = ((const struct lk_report_level *)b)->fmr;
    return (x < y) - (x > y);
}

static lk_status read_levels(struct lk_report *r, const char *where, lk_error *err)
{
    size_t n = json_array_size(r->thresholds);
    LK_NEED(n <= 64, err, LK_EFORMAT, "%s: %zu thresholds, expected at most 64", where, n);
    if ((r->levels = lk_calloc(n, sizeof *r->levels, err)) == NULL)
        return LK_ENOMEM;
    for (size_t i = 0; i < n; i++) {
        const json_t *entry = json_array_get(r->thresholds, i);
        struct lk_report_level *level = &r->levels[i];
        LK_NEED(json_is_object(entry), err, LK_EFORMAT, "%s: threshold %zu is not an object", where, i);
        LK_TRY(lk_json_real(entry, "fmr", 1, &level->fmr, where, err));
        LK_TRY(lk_json_real(entry, "score", 1, &level->score, where, err));
        LK_NEED(
            level->fmr > 0 && level->fmr < 1 && level->score >= -1 && level->score <= 1, err, LK_EFORMAT,
            "%s: threshold %zu has fmr %g and score %g, expected fmr between 0 and 1 and score from -1 to 1",
            where, i, level->fmr, level->score);
        const json_t *tar = json_object_get(entry, "tar"), *supported = json_object_get(entry, "supported");
        level->tar = json_is_number(tar) ? json_number_value(tar) : NAN;
        level->supported = supported == NULL || json_is_true(supported);
    }
    r->n_levels = n;
    qsort(r->levels, n, sizeof *r->levels, by_falling_fmr);
    return LK_OK;
}

/* The user's file, else what embed and match recorded of the model, else none. */
static lk_status load_thresholds(struct lk_report *r, lk_error *err)
{
    const char *file = r->options->thresholds;
    if (file != NULL) {
        json_t *whole = NULL;
        LK_TRY(lk_json_read(file, &whole, err));
        r->thresholds = json_incref(json_object_get(whole, "thresholds"));
        lk_status status = lk_thresholds_for_images(whole, file, err);
        json_decref(whole);
        LK_TRY(status);
        LK_NEED(json_is_array(r->thresholds), err, LK_EFORMAT,
                "%s: found no list 'thresholds', expected the file that `likeness calibrate` writes", file);
        r->thresholds_from = lk_strdup("calibrated for this report", err);
        LK_NEED(r->thresholds_from != NULL, err, LK_ENOMEM, "out of memory");
        return read_levels(r, file, err);
    }
    for (int i = 0; i < LK_N_SETS; i++) {
        json_t *list = json_object_get(json_object_get(known_of(r, i), "model"), "thresholds");
        if (json_array_size(list) == 0)
            continue;
        r->thresholds = json_incref(list);
        const char *source = json_string_value(json_object_get(json_array_get(list, 0), "source"));
        r->thresholds_from = lk_strdup(source != NULL ? source : "the model's descriptor", err);
        LK_NEED(r->thresholds_from != NULL, err, LK_ENOMEM, "out of memory");
        return read_levels(r, "meta.json, thresholds of the model", err);
    }
    return LK_OK;
}

lk_status lk_report_load(struct lk_report *r, lk_error *err)
{
    char *path = lk_path_join(r->options->match, "meta.json", err);
    if (path == NULL)
        return LK_ENOMEM;
    lk_status status = lk_path_exists(path)
                           ? lk_json_read(path, &r->meta, err)
                           : lk_fail(err, LK_EIO,
                                     "%s: no finished MATCH directory (no meta.json), expected one as "
                                     "`likeness match` writes",
                                     r->options->match);
    const char *kind = json_string_value(json_object_get(r->meta, "kind"));
    if (status == LK_OK && (kind == NULL || strcmp(kind, "match") != 0))
        status = lk_fail(err, LK_EFORMAT, "%s: found kind '%s', expected 'match' as `likeness match` writes",
                         path, kind != NULL ? kind : "(none)");
    for (int role = 0; status == LK_OK && role < LK_N_SETS; role++)
        status = load_set(r, role, path, err);
    free(path);
    LK_TRY(status);
    LK_TRY(load_thresholds(r, err));
    LK_TRY(lk_report_read_nearest(r, err));
    return lk_report_read_pairs(r, err);
}

void lk_report_free(struct lk_report *r)
{
    for (int i = 0; i < LK_N_SETS; i++) {
        free(r->sets[i].path);
        free(r->sets[i].sha256);
        free(r->sets[i].closed_because);
        if (r->sets[i].open)
            lk_faces_close(&r->sets[i].faces);
    }
    for (size_t i = 0; i < r->n_probes; i++) {
        free(r->probes[i].path);
        free(r->probes[i].identity);
        free(r->probes[i].person);
    }
    for (size_t i = 0; i < r->n_pairs; i++)
        lk_report_pair_free(&r->pairs[i]);
    for (size_t i = 0; i < r->n_pictures; i++)
        free(r->pictures[i]);
    free(r->pictures);
    free(r->probes);
    free(r->units);
    free(r->levels);
    free(r->pairs);
    free(r->thresholds_from);
    json_decref(r->thresholds);
    json_decref(r->meta);
}
