/* SPDX-License-Identifier: Apache-2.0 */
/* sets.c - the compared sets as measures.json names them, and the FACES directories behind them. */
#include <stdlib.h>
#include <string.h>

#include "formats/json.h"
#include "report/report.h"

/* Path as measure was given it, resolved against the folder it was run in. */
static char *resolve(const struct lk_report *r, const char *path, lk_error *err)
{
    const char *base = json_string_value(json_object_get(r->measures, "working_directory"));
    if (path[0] == '/' || base == NULL)
        return lk_strdup(path, err);
    return lk_path_join(base, path, err);
}

static void count_images(struct lk_report_set *set)
{
    for (size_t i = 0; i < set->faces.n_images; i++) {
        set->n_no_face += set->faces.images[i].status == LK_FACE_NONE;
        set->n_unreadable += set->faces.images[i].status == LK_FACE_UNREADABLE;
        set->n_by_list += set->faces.images[i].status == LK_FACE_EXCLUDED;
    }
}

/* Rows and pictures belong together only in the very files that were measured. */
static bool made_anew(const struct lk_report_set *set)
{
    static const char *const keys[] = {"embeddings_sha256", "images_sha256"};
    for (int i = 0; i < 2; i++) {
        const char *then = json_string_value(json_object_get(set->entry, keys[i]));
        const char *now = json_string_value(json_object_get(set->faces.meta, keys[i]));
        if (then != NULL && now != NULL && strcmp(then, now) != 0)
            return true;
    }
    return false;
}

/* That the FACES directory of a set is gone or has changed costs the pictures, not the report. */
static lk_status open_faces(struct lk_report *r, struct lk_report_set *set, lk_error *err)
{
    lk_error why = {0};
    char *path = resolve(r, set->path, err), *file = NULL, *array = NULL;
    lk_status status = path != NULL ? lk_vectors_split(path, &file, &array, err) : LK_ENOMEM;
    if (status != LK_OK) {
        free(path);
        return status;
    }
    const char *reason = NULL;
    if (!lk_path_is_dir(path)) {
        reason = lk_path_exists(file) ? "plain vectors without pictures were compared"
                                      : "the FACES directory is no longer where it was";
    } else if (lk_faces_open(&set->faces, r->ctx, path, &why) != LK_OK) {
        reason = why.text;
    } else if (made_anew(set)) {
        lk_faces_close(&set->faces);
        reason = "the FACES directory was made anew after it was measured";
    } else {
        set->open = true;
        count_images(set);
    }
    if (reason != NULL && (set->closed_because = lk_strdup(reason, err)) == NULL)
        status = LK_ENOMEM;
    free(path);
    free(file);
    free(array);
    return status;
}

/* The filters' own list holds the sets in the same order. */
static void count_filtered(const struct lk_report *r, struct lk_report_set *set)
{
    const json_t *sets = json_object_get(json_object_get(r->measures, "filters"), "sets");
    const json_t *left_out = json_object_get(json_array_get(sets, r->n_sets), "left_out");
    for (size_t i = 0; i < json_array_size(left_out); i++) {
        json_int_t no = json_integer_value(json_object_get(json_array_get(left_out, i), "no")),
                   unknown = json_integer_value(json_object_get(json_array_get(left_out, i), "unknown"));
        set->n_unvalued += unknown > 0 ? (uint64_t)unknown : 0;
        set->n_filtered += (no > 0 ? (uint64_t)no : 0) + (unknown > 0 ? (uint64_t)unknown : 0);
    }
}

static lk_status load_set(struct lk_report *r, const json_t *entry, const char *where, lk_error *err)
{
    struct lk_report_set *set = &r->sets[r->n_sets];
    LK_NEED(json_is_object(entry), err, LK_EFORMAT, "%s: set %zu is not an object", where, r->n_sets);
    int64_t rows = 0, excluded = 0, identities = 0;
    set->entry = entry;
    LK_TRY(lk_json_string(entry, "path", 1, &set->path, where, err));
    LK_TRY(lk_json_integer(entry, "images", 1, &rows, where, err));
    LK_TRY(lk_json_integer(entry, "excluded", 0, &excluded, where, err));
    LK_TRY(lk_json_integer(entry, "identities", 0, &identities, where, err));
    LK_NEED(rows > 0 && excluded >= 0 && identities >= 0, err, LK_EFORMAT,
            "%s: a set of %lld images, %lld excluded, with %lld identities; expected numbers that fit", where,
            (long long)rows, (long long)excluded, (long long)identities);
    set->rows = (uint64_t)rows;
    set->excluded = (uint64_t)excluded;
    set->identities = (uint64_t)identities;
    set->sha256 = json_string_value(json_object_get(entry, "embeddings_sha256"));
    count_filtered(r, set);
    r->n_sets++;
    return open_faces(r, set, err);
}

static void label_sets(struct lk_report *r)
{
    for (size_t i = 0; i < r->n_sets; i++) {
        char *label = r->sets[i].label;
        size_t room = sizeof r->sets[i].label;
        if (i < LK_FIRST_HOLDOUT)
            snprintf(label, room, "%s", i == LK_SYNTHETIC ? "synthetic" : "training set");
        else if (i < LK_FIRST_HOLDOUT + r->n_holdouts)
            snprintf(label, room, r->n_holdouts > 1 ? "hold-out %zu" : "hold-out", i - 1);
        else
            snprintf(label, room, r->n_controls > 1 ? "control %zu" : "control", i - 1 - r->n_holdouts);
    }
}

lk_status lk_report_load_sets(struct lk_report *r, lk_error *err)
{
    const char *where = "measures.json";
    const json_t *sets = json_object_get(r->measures, "sets");
    const json_t *holdouts = json_object_get(sets, "holdouts"), *controls = json_object_get(sets, "controls");
    LK_NEED(json_is_array(holdouts) && json_is_array(controls), err, LK_EFORMAT,
            "%s: found no lists 'holdouts' and 'controls' among the sets", where);
    r->n_holdouts = json_array_size(holdouts);
    r->n_controls = json_array_size(controls);
    r->sets = lk_calloc(LK_FIRST_HOLDOUT + r->n_holdouts + r->n_controls, sizeof *r->sets, err);
    if (r->sets == NULL)
        return LK_ENOMEM;
    LK_TRY(load_set(r, json_object_get(sets, "synthetic"), where, err));
    LK_TRY(load_set(r, json_object_get(sets, "train"), where, err));
    for (size_t i = 0; i < r->n_holdouts; i++)
        LK_TRY(load_set(r, json_array_get(holdouts, i), where, err));
    for (size_t i = 0; i < r->n_controls; i++)
        LK_TRY(load_set(r, json_array_get(controls, i), where, err));
    label_sets(r);
    return LK_OK;
}

void lk_report_close_sets(struct lk_report *r)
{
    for (size_t i = 0; r->sets != NULL && i < r->n_sets; i++) {
        free(r->sets[i].closed_because);
        if (r->sets[i].open)
            lk_faces_close(&r->sets[i].faces);
    }
    free(r->sets);
}

/* ---- facts ------------------------------------------------------------------------------------------ */

static const char *made_with(const struct lk_report_set *set, const char *of, const char *key)
{
    const json_t *entry = set->entry;
    return json_string_value(json_object_get(of == NULL ? entry : json_object_get(entry, of), key));
}

const char *lk_report_fact(const struct lk_report *r, const char *of, const char *key)
{
    for (size_t i = 0; i < r->n_sets; i++) {
        const char *text = made_with(&r->sets[i], of, key);
        if (text != NULL)
            return text;
    }
    return NULL;
}

static bool differ(const char *a, const char *b)
{
    return a != NULL && b != NULL && strcmp(a, b) != 0;
}

int lk_report_same_making(const struct lk_report *r)
{
    const struct lk_report_set *first = NULL;
    int told = -1;
    for (size_t i = 0; i < r->n_sets; i++) {
        const struct lk_report_set *set = &r->sets[i];
        if (made_with(set, NULL, "alignment") == NULL)
            continue;
        if (first == NULL) {
            first = set;
            continue;
        }
        told = told != 0;
        if (differ(made_with(first, "model", "sha256"), made_with(set, "model", "sha256")) ||
            differ(made_with(first, "detector", "sha256"), made_with(set, "detector", "sha256")) ||
            differ(made_with(first, NULL, "alignment"), made_with(set, NULL, "alignment")))
            told = 0;
    }
    return told;
}
