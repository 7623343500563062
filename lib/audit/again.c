/* SPDX-License-Identifier: Apache-2.0 */
/* again.c - what a measurement was made of, for measures.json; whether a finished one is the one asked for,
 * and what it found. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit/audit.h"
#include "base/hash.h"
#include "formats/json.h"

static const char *const table_names[] = {"identities.csv", "persons.csv",  "pairs.csv",  "curve.csv",
                                          "doubles.csv",    "matchers.csv", "strata.csv", NULL};

/* ---- writing ---------------------------------------------------------------------------------------- */

static json_t *settings(const struct lk_audit_request *r, lk_error *err)
{
    const lk_measure_options *o = r->options;
    char hex[65];
    if (r->of->thresholds != NULL && lk_hash_file(r->of->thresholds, hex, err) != LK_OK)
        return NULL;
    json_t *strengths = json_array(), *matchers = json_array(), *filters = json_array(), *strata = json_array();
    for (size_t i = 0; i < o->n_filters; i++)
        json_array_append_new(filters, lk_json_text(o->filters[i]));
    for (size_t i = 0; i < o->n_strata; i++)
        json_array_append_new(strata, lk_json_text(o->strata[i]));
    for (size_t i = 0; i < o->n_strengths; i++)
        json_array_append_new(strengths, json_real(o->strengths[i]));
    for (size_t i = 0; r->of_first && o->n_others > 0 && i <= o->n_others; i++)
        json_array_append_new(matchers, json_string(i > 0 ? o->others[i - 1].name : r->of->name));
    json_t *out = json_pack("{s:f, s:I, s:I, s:o, s:I, s:o, s:o, s:o, s:o, s:o}", "fdr", o->fdr, "seed",
                            (json_int_t)o->seed, "decoys", (json_int_t)o->decoys, "same_person",
                            isnan(o->same_person) ? json_null() : json_real(o->same_person), "pairs",
                            (json_int_t)o->pairs, "strengths", strengths, "filters", filters, "strata", strata, "thresholds_sha256",
                            r->of->thresholds != NULL ? json_string(hex) : json_null(), "matchers", matchers);
    if (out == NULL)
        lk_fail(err, LK_ENOMEM, "out of memory");
    return out;
}

static lk_status hash_outputs(const char *folder, bool several, bool strata, json_t *out, lk_error *err)
{
    for (size_t i = 0; table_names[i] != NULL; i++) {
        if ((!several && strcmp(table_names[i], "matchers.csv") == 0) ||
            (!strata && strcmp(table_names[i], "strata.csv") == 0))
            continue;
        char hex[65], *path = lk_path_join(folder, table_names[i], err);
        bool is_there = path != NULL && lk_path_exists(path);
        lk_status status = path == NULL ? LK_ENOMEM : LK_OK;
        if (is_there || strcmp(table_names[i], "strata.csv") != 0) /* there may be no strata */
            status = path != NULL ? lk_hash_file(path, hex, err) : LK_ENOMEM;
        free(path);
        LK_TRY(status);
        if (!is_there)
            continue;
        LK_NEED(json_object_set_new(out, table_names[i], json_string(hex)) == 0, err, LK_ENOMEM,
                "%s: out of memory", folder);
    }
    return LK_OK;
}

lk_status lk_audit_made(const struct lk_audit_request *r, json_t **out, lk_error *err)
{
    char *here = getcwd(NULL, 0);
    json_t *wanted = settings(r, err), *outputs = json_object();
    lk_status status = wanted != NULL && here != NULL && outputs != NULL ? LK_OK : LK_ENOMEM;
    if (status == LK_OK)
        status = hash_outputs(r->folder, r->of_first && r->options->n_others > 0, r->options->n_strata > 0, outputs, err);
    if (status == LK_OK) {
        *out = json_pack("{s:o, s:O, s:O}", "working_directory", lk_json_text(here), "settings", wanted,
                         "outputs", outputs);
        status = *out != NULL ? LK_OK : lk_fail(err, LK_ENOMEM, "%s: out of memory", r->folder);
    }
    json_decref(wanted);
    json_decref(outputs);
    free(here);
    return status;
}

/* ---- comparing -------------------------------------------------------------------------------------- */

struct comparison {
    const json_t *measures;
    struct lk_str *what;
    bool moved;
};

static lk_status differs(struct comparison *c, const char *thing, lk_error *err)
{
    return lk_str_addf(c->what, err, "%s%s", c->what->len > 0 ? ", " : "", thing);
}

static lk_status compare_settings(struct comparison *c, const struct lk_audit_request *r, lk_error *err)
{
    json_t *wanted = settings(r, err), *value;
    const json_t *made = json_object_get(c->measures, "settings");
    const char *key;
    lk_status status = wanted != NULL ? LK_OK : LK_ENOMEM;
    json_object_foreach(wanted, key, value)
    {
        if (status == LK_OK && !json_equal(value, json_object_get(made, key)))
            status = differs(c, strcmp(key, "thresholds_sha256") == 0 ? "thresholds" : key, err);
    }
    json_decref(wanted);
    return status;
}

static bool same_text(const json_t *object, const char *key, const char *asked)
{
    const char *found = json_string_value(json_object_get(object, key));
    return strcmp(found != NULL ? found : "", asked != NULL ? asked : "") == 0;
}

static lk_status compare_set(struct comparison *c, const json_t *made, const struct lk_audit_set *set,
                             const char *thing, lk_error *err)
{
    if (!same_text(made, "embeddings_sha256", set->file.embeddings_sha256) ||
        !same_text(made, "images_sha256", set->file.images_sha256) ||
        !same_text(made, "array", set->file.faces.array))
        return differs(c, thing, err);
    c->moved = c->moved || !same_text(made, "path", set->path);
    return LK_OK;
}

static lk_status compare_sets(struct comparison *c, const struct lk_audit_request *r, lk_error *err)
{
    const json_t *sets = json_object_get(c->measures, "sets");
    const json_t *holdouts = json_object_get(sets, "holdouts"), *controls = json_object_get(sets, "controls");
    size_t n_holdouts = r->of->n_holdouts, n_controls = r->of->n_controls;
    LK_TRY(compare_set(c, json_object_get(sets, "synthetic"), &r->sets[0], "the synthetic set", err));
    if (json_integer_value(json_object_get(json_object_get(sets, "synthetic"), "removed")) > 0)
        LK_TRY(differs(c, "the synthetic identities that were removed", err));
    LK_TRY(compare_set(c, json_object_get(sets, "train"), &r->sets[1], "the training set", err));
    if (json_array_size(holdouts) != n_holdouts)
        LK_TRY(differs(c, "the number of hold-outs", err));
    for (size_t i = 0; i < n_holdouts && i < json_array_size(holdouts); i++)
        LK_TRY(compare_set(c, json_array_get(holdouts, i), &r->sets[2 + i], "a hold-out", err));
    if (json_array_size(controls) != n_controls)
        LK_TRY(differs(c, "the number of controls", err));
    for (size_t i = 0; i < n_controls && i < json_array_size(controls); i++)
        LK_TRY(compare_set(c, json_array_get(controls, i), &r->sets[2 + n_holdouts + i], "a control", err));
    return LK_OK;
}

/* A table that is gone or was changed is made again, and so are all when they name files from another folder. */
static lk_status look_around(struct comparison *c, const struct lk_audit_request *r, lk_error *err)
{
    const char *name;
    json_t *hash, *outputs = json_object_get(c->measures, "outputs");
    char *here = getcwd(NULL, 0);
    c->moved = c->moved || !same_text(c->measures, "working_directory", here) || json_object_size(outputs) == 0;
    free(here);
    json_object_foreach(outputs, name, hash)
    {
        char hex[65], *path = lk_path_join(r->folder, name, err);
        if (path == NULL)
            return LK_ENOMEM;
        c->moved = c->moved || lk_hash_file(path, hex, NULL) != LK_OK || json_string_value(hash) == NULL ||
                   strcmp(hex, json_string_value(hash)) != 0;
        free(path);
    }
    return LK_OK;
}

lk_status lk_audit_again(const struct lk_audit_request *r, const json_t *measures, enum lk_audit_state *state,
                         struct lk_str *what, lk_error *err)
{
    const char *kind = json_string_value(json_object_get(measures, "kind"));
    LK_NEED(kind != NULL && strcmp(kind, "measures") == 0, err, LK_EINVAL,
            "%s/measures.json: is of the kind '%.40s'; expected a new folder or one that measure made",
            r->folder, kind != NULL ? kind : "");
    struct comparison c = {.measures = measures, .what = what};
    LK_TRY(compare_sets(&c, r, err));
    LK_TRY(compare_settings(&c, r, err));
    LK_TRY(look_around(&c, r, err));
    c.moved = c.moved || r->options->n_filters > 0 || r->options->n_strata > 0; /* what these say is not read back */
    *state = what->len > 0 ? LK_AUDIT_OTHER : c.moved ? LK_AUDIT_MOVED : LK_AUDIT_SAME;
    return LK_OK;
}

/* ---- reading what was found ------------------------------------------------------------------------- */

static const json_t *member(const json_t *object, const char *first, const char *second)
{
    const json_t *o = json_object_get(object, first);
    return second != NULL ? json_object_get(o, second) : o;
}

static uint64_t whole(const json_t *object, const char *first, const char *second)
{
    const json_t *value = member(object, first, second);
    return json_is_integer(value) && json_integer_value(value) > 0 ? (uint64_t)json_integer_value(value) : 0;
}

static double real(const json_t *object, const char *first, const char *second)
{
    const json_t *value = member(object, first, second);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

static lk_status read_verdict(const json_t *name, lk_verdict *out, const char *where, lk_error *err)
{
    for (int v = LK_VERDICT_LEAK_SHOWN; v <= LK_VERDICT_NOT_INTERPRETABLE; v++)
        if (json_is_string(name) && strcmp(json_string_value(name), lk_verdict_name((lk_verdict)v)) == 0) {
            *out = (lk_verdict)v;
            return LK_OK;
        }
    return lk_fail(err, LK_EFORMAT, "%s: found verdict '%.40s', expected one of the five", where,
                   json_is_string(name) ? json_string_value(name) : "(none)");
}

static lk_status read_matchers(const json_t *l9, lk_measure_summary *out, const char *where, lk_error *err)
{
    const json_t *each = json_object_get(l9, "matchers"), *agreement = json_object_get(l9, "agreement"),
                 *joint = json_object_get(l9, "joint");
    size_t n = json_array_size(each), at = 0;
    LK_NEED(n <= LK_MAX_MATCHERS, err, LK_EFORMAT, "%s: %zu matchers, expected at most %d", where, n,
            LK_MAX_MATCHERS);
    out->n_matchers = n;
    out->n_common = whole(l9, "units", NULL);
    out->joined = json_array_size(joint) > 0;
    for (size_t i = 0; i < n; i++) {
        const json_t *m = json_array_get(each, i);
        lk_matcher_summary *to = &out->matchers[i];
        const char *name = json_string_value(json_object_get(m, "name"));
        LK_TRY(read_verdict(json_object_get(m, "verdict"), &to->verdict, where, err));
        snprintf(to->name, sizeof to->name, "%s", name != NULL ? name : "");
        to->n_units = whole(m, "units", NULL);
        to->n_discoveries = whole(m, "discoveries", NULL);
        to->share = real(m, "pi", "value");
        to->share_low = real(m, "pi", "low");
        to->share_high = real(m, "pi", "high");
        to->at_least = whole(json_array_get(joint, i), "discoveries", NULL);
        to->resolution = whole(json_array_get(joint, i), "resolution", NULL);
        to->kappa[i] = NAN;
        for (size_t k = i + 1; k < n; k++, at++) {
            const json_t *a = json_array_get(agreement, at);
            to->found = whole(a, "found_first", NULL);
            out->matchers[k].found = whole(a, "found_second", NULL);
            to->both[k] = out->matchers[k].both[i] = whole(a, "found_both", NULL);
            to->kappa[k] = out->matchers[k].kappa[i] = real(a, "kappa", NULL);
        }
    }
    for (size_t i = 0; i < n; i++)
        out->matchers[i].both[i] = out->matchers[i].found;
    return LK_OK;
}

lk_status lk_audit_summary(const json_t *o, const char *where, lk_measure_summary *out, lk_error *err)
{
    const json_t *m = json_object_get(o, "measures"), *l0 = json_object_get(m, "L0_exposure");
    const json_t *kinds = json_object_get(m, "L8_kinds"), *l9 = json_object_get(m, "L9_matchers");
    uint64_t galleries = whole(o, "matching", "galleries");
    lk_measure_summary s = {
        .n_units = whole(o, "units", NULL),
        .n_persons = whole(o, "matching", "persons_each"),
        .n_holdouts = galleries > 0 ? galleries - 1 : 0,
        .n_dropped = whole(o, "doubles", "dropped_train") + whole(o, "doubles", "dropped_holdout") +
                     whole(o, "doubles", "dropped_synthetic"),
        .n_discoveries = whole(m, "L4_discoveries", "discoveries"),
        .resolution = whole(m, "L4_discoveries", "resolution"),
        .share = real(json_object_get(m, "L3_preference"), "pi", "value"),
        .share_low = real(json_object_get(m, "L3_preference"), "pi", "low"),
        .share_high = real(json_object_get(m, "L3_preference"), "pi", "high"),
        .auc = real(json_object_get(m, "L7_persons"), "auc", "value"),
        .auc_low = real(json_object_get(m, "L7_persons"), "auc", "low"),
        .auc_high = real(json_object_get(m, "L7_persons"), "auc", "high"),
        .n_persons_found = whole(m, "L7_persons", "discoveries"),
        .n_controlled = whole(m, "L4b_controls", "discoveries"),
        .n_images = whole(l0, "images", NULL),
        .n_flagged = whole(m, "L2_evalues", "images_flagged"),
        .n_flagged_audit = whole(m, "L2_evalues", "images_flagged_audit"),
        .n_judged = whole(l0, "pairs", NULL) - whole(kinds, "closest_pairs", "not read"),
        .n_with_copies = whole(kinds, "identities_with_copies", NULL),
        .n_without_copy = whole(kinds, "discoveries_without_copy", NULL),
    };
    const char *sentence = json_string_value(member(o, "verdict", "sentence"));
    LK_NEED(sentence != NULL, err, LK_EFORMAT, "%s: found no verdict in words, expected one", where);
    LK_TRY(read_verdict(member(o, "verdict", "name"), &s.verdict, where, err));
    snprintf(s.sentence, sizeof s.sentence, "%s", sentence);
    LK_TRY(read_matchers(l9, &s, where, err));
    *out = s;
    return LK_OK;
}
