/* SPDX-License-Identifier: Apache-2.0 */
/* gather.c - study.json: the numbers of all runs, taken from their measures, with what they say of the
 * matchers. */
#include <stdlib.h>
#include <string.h>

#include "formats/json.h"
#include "study/compare.h"

static lk_status put(json_t *object, const char *key, json_t *value, lk_error *err)
{
    LK_NEED(json_object_set_new(object, key, value) == 0, err, LK_ENOMEM, "study.json: out of memory");
    return LK_OK;
}

static lk_status append(json_t *array, json_t *value, lk_error *err)
{
    LK_NEED(json_array_append_new(array, value) == 0, err, LK_ENOMEM, "study.json: out of memory");
    return LK_OK;
}

/* A value of measures.json under another name; null where there is none. */
static lk_status take(json_t *to, const char *key, const json_t *from, const char *way, lk_error *err)
{
    const json_t *value = lk_study_at(from, way);
    return put(to, key, value != NULL ? json_deep_copy(value) : json_null(), err);
}

/* The threshold of the published attack: a false match rate of 1 in 10 000, or the nearest above that there
 * is. */
static const json_t *published_level(const json_t *measures)
{
    size_t i;
    json_t *level;
    const json_t *best = NULL;
    json_array_foreach(lk_study_at(measures, "measures/L0_exposure/thresholds"), i, level)
    {
        double fmr = lk_study_number_at(level, "fmr"), least = lk_study_number_at(best, "fmr");
        if (best == NULL || (fmr >= 0.99e-4 && (fmr < least || least < 0.99e-4)))
            best = level;
    }
    return best;
}

/* The measured power of leaks as alike as two photos of one person, else of the first strength asked for. */
static const json_t *main_power(const json_t *measures)
{
    size_t i;
    json_t *row;
    const json_t *rows = lk_study_at(measures, "measures/L10_power/rows");
    json_array_foreach(rows, i, row) if (json_is_true(json_object_get(row, "genuine"))) return row;
    return json_array_get(rows, 0);
}

static lk_status take_measures(json_t *to, const json_t *from, lk_error *err)
{
    static const char *const ways[][2] = {
        {"verdict", "verdict/name"},
        {"sentence", "verdict/sentence"},
        {"unit", "unit"},
        {"units", "units"},
        {"images", "measures/L0_exposure/images"},
        {"references", "measures/L0_exposure/references"},
        {"persons_each", "matching/persons_each"},
        {"train_persons_given", "matching/train_persons_given"},
        {"holdouts", "measures/L4_discoveries/holdouts"},
        {"thresholds", "measures/L0_exposure/thresholds"},
        {"closest", "measures/L0_exposure/best"},
        {"pi", "measures/L3_preference/pi"},
        {"p_value", "measures/L3_preference/p_value"},
        {"nearest_persons", "measures/L3_preference/nearest_persons"},
        {"largest_group", "measures/L3_preference/largest_group"},
        {"q", "measures/L4_discoveries/q"},
        {"discoveries", "measures/L4_discoveries/discoveries"},
        {"resolution", "measures/L4_discoveries/resolution"},
        {"largest_hub", "measures/L4_discoveries/largest_hub"},
        {"controls", "measures/L4b_controls/discoveries"},
        {"persons_exposed", "measures/L7_persons/discoveries"},
        {"auc", "measures/L7_persons/auc"},
        {"with_copies", "measures/L8_kinds/identities_with_copies"},
        {"dropped_train", "doubles/dropped_train"},
        {"dropped_holdout", "doubles/dropped_holdout"},
        {"dropped_synthetic", "doubles/dropped_synthetic"},
        {"unbalanced", "balance/refuted"},
    };
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        LK_TRY(take(to, ways[i][0], from, ways[i][1], err));
    const json_t *level = published_level(from), *power = main_power(from);
    LK_TRY(put(to, "exposure", level != NULL ? json_deep_copy(level) : json_null(), err));
    return put(to, "power", power != NULL ? json_deep_copy(power) : json_null(), err);
}

/* The words for an imbalance may name the path of a control. */
static lk_status hide_paths(json_t *matcher, lk_error *err)
{
    if (!json_is_string(json_object_get(matcher, "unbalanced")))
        return LK_OK;
    LK_TRY(put(matcher, "unbalanced", json_string("training set and hold-out are not exchangeable"), err));
    return put(matcher, "sentence", json_null(), err);
}

/* ---- one run ------------------------------------------------------------------------------------------- */

static lk_status add_matcher(struct lk_study_job *job, size_t train, size_t synthetic, size_t matcher,
                             const char *folder, json_t *matchers, json_t *run, lk_error *err)
{
    const struct lk_study *s = job->study;
    json_t *measures = NULL, *to = json_object(), *nearest = NULL, *known = NULL;
    char *path = lk_path_join(folder, "measures.json", err);
    lk_status status = path != NULL ? lk_json_read(path, &measures, err) : LK_ENOMEM;
    if (status == LK_OK)
        status = put(to, "name", json_string(s->matchers[matcher].name.text), err);
    if (status == LK_OK)
        status = take_measures(to, measures, err);
    if (status == LK_OK && s->no_faces.value != 0)
        status = hide_paths(to, err);
    if (status == LK_OK)
        status = lk_study_nearest(folder, s->sets[synthetic].truth.text,
                                  lk_study_planted_from(s, train, synthetic), &nearest, &known, err);
    if (status == LK_OK) {
        status = put(to, "nearest", nearest, err);
        if (status == LK_OK)
            status = put(to, "truth", known, err);
    }
    if (status == LK_OK && matcher == 0)
        status = take(run, "several", measures, "measures/L9_matchers", err);
    if (status == LK_OK)
        status = append(matchers, json_incref(to), err);
    json_decref(to);
    json_decref(measures);
    free(path);
    return status;
}

static lk_status add_run(struct lk_study_job *job, size_t train, size_t synthetic, json_t *runs,
                         lk_error *err)
{
    const struct lk_study *s = job->study;
    json_t *run = json_object(), *matchers = json_array(), *differ = NULL, *over = NULL;
    char *folder = lk_study_run_path(s, train, synthetic, "measure", err);
    lk_status status = folder != NULL ? LK_OK : LK_ENOMEM;
    if (status == LK_OK)
        status = put(run, "train", json_string(s->sets[train].name.text), err);
    if (status == LK_OK)
        status = put(run, "synthetic", json_string(s->sets[synthetic].name.text), err);
    if (status == LK_OK)
        status = put(
            run, "page",
            json_sprintf("runs/%s/%s/report.html", s->sets[train].name.text, s->sets[synthetic].name.text),
            err);
    for (size_t m = 0; status == LK_OK && m < s->n_matchers; m++) {
        char *own = m == 0 ? lk_strdup(folder, err) : lk_path_join(folder, s->matchers[m].name.text, err);
        status = own != NULL ? add_matcher(job, train, synthetic, m, own, matchers, run, err) : LK_ENOMEM;
        free(own);
    }
    if (status == LK_OK)
        status = put(run, "matchers", json_incref(matchers), err);
    if (status == LK_OK)
        status = lk_study_differ(s, folder, &differ, err);
    if (status == LK_OK)
        status = put(run, "cochran", differ, err);
    if (status == LK_OK)
        status = lk_study_over_limits(s, run, &over, err);
    if (status == LK_OK)
        status = put(run, "over_limits", over, err);
    if (status == LK_OK)
        status = append(runs, json_incref(run), err);
    json_decref(matchers);
    json_decref(run);
    free(folder);
    return status;
}

/* ---- sets and matchers --------------------------------------------------------------------------------- */

/* Counts of a FACES directory by matcher; null for embeddings made elsewhere. */
static lk_status add_set(const struct lk_study *s, size_t set, json_t *sets, lk_error *err)
{
    json_t *o = json_object(), *by_matcher = json_object();
    lk_status status = LK_OK;
    for (size_t m = 0; status == LK_OK && m < s->n_matchers; m++) {
        json_t *meta = NULL;
        char *faces = lk_study_faces_dir(s, m, set, err);
        char *path = faces != NULL ? lk_path_join(faces, "meta.json", err) : NULL;
        status = path != NULL ? LK_OK : LK_ENOMEM;
        if (status == LK_OK && lk_study_wants(s, set, m) && lk_path_exists(path))
            status = lk_json_read(path, &meta, err);
        if (status == LK_OK && lk_study_wants(s, set, m))
            status = take(by_matcher, s->matchers[m].name.text, meta, "counts", err);
        json_decref(meta);
        free(path);
        free(faces);
    }
    if (status == LK_OK)
        status = put(o, "name", json_string(s->sets[set].name.text), err);
    if (status == LK_OK)
        status = put(o, "role", json_string(lk_study_role_names[s->sets[set].role]), err);
    if (status == LK_OK)
        status = put(o, "counts", json_incref(by_matcher), err);
    if (status == LK_OK)
        status = append(sets, json_incref(o), err);
    json_decref(by_matcher);
    json_decref(o);
    return status;
}

/* Names of a training set's hold-outs and controls. */
static lk_status name_partners(const struct lk_study *s, size_t train, json_t *of, lk_error *err)
{
    const struct lk_study_list *const lists[] = {&s->sets[train].holdouts, &s->sets[train].controls};
    static const char *const keys[] = {"holdouts", "controls"};
    for (size_t l = 0; l < 2; l++) {
        json_t *names = json_array();
        for (size_t i = 0; i < lists[l]->n; i++)
            json_array_append_new(names, json_string(lists[l]->items[i].text));
        LK_TRY(put(of, keys[l], names, err));
    }
    return LK_OK;
}

/* What the matcher's calibration says; nulls without one. */
static lk_status add_calibration(const struct lk_study *s, size_t matcher, json_t *to, lk_error *err)
{
    json_t *thresholds = NULL;
    char *path = lk_study_thresholds_file(s, matcher, err);
    lk_status status = path != NULL ? LK_OK : LK_ENOMEM;
    if (status == LK_OK && path[0] != '\0')
        status = lk_json_read(path, &thresholds, err);
    static const char *const keys[] = {"eer", "auc", "genuine", "impostor"};
    for (size_t i = 0; status == LK_OK && i < sizeof keys / sizeof *keys; i++)
        status = take(to, keys[i], thresholds, keys[i], err);
    json_decref(thresholds);
    free(path);
    return status;
}

/* The model behind a matcher, as the embeddings of the first set that it embedded say. */
static lk_status add_model(const struct lk_study *s, size_t matcher, json_t *to, lk_error *err)
{
    json_t *meta = NULL;
    char *faces = lk_study_faces_dir(s, matcher, 0, err);
    char *path = faces != NULL ? lk_path_join(faces, "meta.json", err) : NULL;
    lk_status status = path != NULL ? LK_OK : LK_ENOMEM;
    if (status == LK_OK && lk_path_exists(path))
        status = lk_json_read(path, &meta, err);
    static const char *const ways[][2] = {{"model", "model/name"},
                                          {"sha256", "model/sha256"},
                                          {"dim", "model/dim"},
                                          {"detector", "detector/name"}};
    for (size_t i = 0; status == LK_OK && i < sizeof ways / sizeof *ways; i++)
        status = take(to, ways[i][0], meta, ways[i][1], err);
    json_decref(meta);
    free(path);
    free(faces);
    return status;
}

static lk_status add_matchers(struct lk_study_job *job, json_t *matchers, lk_error *err)
{
    const struct lk_study *s = job->study;
    lk_status status = LK_OK;
    for (size_t m = 0; status == LK_OK && m < s->n_matchers; m++) {
        json_t *o = json_object(), *real = json_object();
        status = put(o, "name", json_string(s->matchers[m].name.text), err);
        if (status == LK_OK)
            status = add_model(s, m, o, err);
        if (status == LK_OK)
            status = add_calibration(s, m, o, err);
        for (size_t i = 0; status == LK_OK && i < s->n_sets; i++) {
            json_t *pairs = NULL;
            if (s->sets[i].role != LK_STUDY_TRAIN)
                continue;
            status = lk_study_real_pairs(job, m, i, &pairs, err);
            if (status == LK_OK)
                status = put(real, s->sets[i].name.text, pairs, err);
        }
        if (status == LK_OK)
            status = put(o, "real_pairs", json_incref(real), err);
        if (status == LK_OK)
            status = append(matchers, json_incref(o), err);
        json_decref(real);
        json_decref(o);
    }
    return status;
}

/* The conditions that images of all sets had to meet. */
static lk_status name_filters(const struct lk_study *s, json_t *root, lk_error *err)
{
    json_t *filters = json_array();
    lk_status status = LK_OK;
    for (size_t i = 0; status == LK_OK && i < s->filters.n; i++)
        status = append(filters, lk_json_text(s->filters.items[i].text), err);
    if (status == LK_OK)
        status = put(root, "filters", json_incref(filters), err);
    json_decref(filters);
    return status;
}

static lk_status gather(struct lk_study_job *job, json_t *root, lk_error *err)
{
    const struct lk_study *s = job->study;
    json_t *matchers = json_array(), *sets = json_array(), *runs = json_array();
    lk_status status = put(root, "kind", json_string("study"), err);
    if (status == LK_OK)
        status = put(root, "format", json_integer(1), err);
    if (status == LK_OK)
        status = put(root, "tool", json_sprintf("likeness %s", lk_version()), err);
    if (status == LK_OK)
        status = put(root, "name", s->name.text != NULL ? lk_json_text(s->name.text) : json_null(), err);
    if (status == LK_OK)
        status = put(root, "seed", json_integer((json_int_t)lk_study_value(s->seed, 1)), err);
    if (status == LK_OK)
        status = put(root, "fdr", json_real(lk_study_fdr(s)), err);
    if (status == LK_OK)
        status = name_filters(s, root, err);
    if (status == LK_OK)
        status = add_matchers(job, matchers, err);
    for (size_t i = 0; status == LK_OK && i < s->n_sets; i++) {
        status = add_set(s, i, sets, err);
        if (status == LK_OK && s->sets[i].role == LK_STUDY_TRAIN)
            status = name_partners(s, i, json_array_get(sets, i), err);
    }
    for (size_t t = 0; t < s->n_sets; t++)
        for (size_t i = 0; status == LK_OK && s->sets[t].role == LK_STUDY_TRAIN && i < s->n_sets; i++)
            if (s->sets[i].role == LK_STUDY_SYNTHETIC && lk_study_pairs_up(s, t, i))
                status = add_run(job, t, i, runs, err);
    if (status == LK_OK)
        status = put(root, "matchers", json_incref(matchers), err);
    if (status == LK_OK)
        status = put(root, "sets", json_incref(sets), err);
    if (status == LK_OK)
        status = put(root, "runs", json_incref(runs), err);
    json_decref(matchers);
    json_decref(sets);
    json_decref(runs);
    return status;
}

lk_status lk_study_gather(struct lk_study_job *job, json_t **out, lk_error *err)
{
    json_t *root = json_object();
    lk_status status =
        root != NULL ? gather(job, root, err) : lk_fail(err, LK_ENOMEM, "study.json: out of memory");
    if (status == LK_OK)
        *out = root;
    else
        json_decref(root);
    return status;
}
