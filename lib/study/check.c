/* SPDX-License-Identifier: Apache-2.0 */
/* check.c - do the parts of a study file fit together, and are the files there that it names? */
#include <string.h>

#include "base/fs.h"
#include "study/study.h"

size_t lk_study_find_set(const struct lk_study *s, const char *name)
{
    for (size_t i = 0; i < s->n_sets; i++)
        if (strcmp(s->sets[i].name.text, name) == 0)
            return i;
    return SIZE_MAX;
}

size_t lk_study_find_matcher(const struct lk_study *s, const char *name)
{
    for (size_t i = 0; i < s->n_matchers; i++)
        if (strcmp(s->matchers[i].name.text, name) == 0)
            return i;
    return SIZE_MAX;
}

const char *lk_study_given_faces(const struct lk_study *s, size_t set, size_t matcher)
{
    const struct lk_study_list *faces = &s->sets[set].faces;
    for (size_t i = 0; i + 1 < faces->n; i += 2)
        if (strcmp(faces->items[i].text, s->matchers[matcher].name.text) == 0)
            return faces->items[i + 1].text;
    return NULL;
}

size_t lk_study_calibration_of(const struct lk_study *s, size_t matcher)
{
    const struct lk_study_matcher *m = &s->matchers[matcher];
    if (m->thresholds.text != NULL)
        return SIZE_MAX;
    if (m->calibration.text != NULL)
        return lk_study_find_set(s, m->calibration.text);
    for (size_t i = 0; i < s->n_sets; i++)
        if (s->sets[i].role == LK_STUDY_CALIBRATION)
            return i;
    return SIZE_MAX;
}

bool lk_study_wants(const struct lk_study *s, size_t set, size_t matcher)
{
    return s->sets[set].role != LK_STUDY_CALIBRATION || lk_study_calibration_of(s, matcher) == set;
}

static bool is_named(const struct lk_study_list *names, const char *name)
{
    for (size_t i = 0; i < names->n; i++)
        if (strcmp(names->items[i].text, name) == 0)
            return true;
    return false;
}

bool lk_study_pairs_up(const struct lk_study *s, size_t train, size_t synthetic)
{
    const struct lk_study_list *asked = &s->sets[synthetic].train;
    return asked->n == 0 || is_named(asked, s->sets[train].name.text);
}

bool lk_study_planted_from(const struct lk_study *s, size_t train, size_t synthetic)
{
    const struct lk_study_list *from = &s->sets[synthetic].planted_from;
    return s->sets[synthetic].truth.text != NULL &&
           (from->n == 0 || is_named(from, s->sets[train].name.text));
}

double lk_study_fdr(const struct lk_study *s)
{
    return lk_study_value(s->fdr, 0.05);
}

/* ---- references ---------------------------------------------------------------------------------------- */

/* Every name is that of a set in one of the roles (a bit each). */
static lk_status check_names(const struct lk_study *s, const struct lk_study_set *of, const char *key,
                             const struct lk_study_list *names, unsigned roles, lk_error *err)
{
    for (size_t i = 0; i < names->n; i++) {
        size_t set = lk_study_find_set(s, names->items[i].text);
        LK_NEED(set != SIZE_MAX && (roles >> s->sets[set].role & 1), err, LK_EINVAL,
                "line %u: [%s %s]: %s: there is no section [%s %s]", names->items[i].line,
                lk_study_role_names[of->role], of->name.text, key,
                strcmp(key, "planted-from") == 0 ? "train" : key, names->items[i].text);
    }
    return LK_OK;
}

/* A list may go on in further lines, so only at the end is it known to be empty. */
static lk_status check_filled(const struct lk_study_list *list, const char *section, const char *name,
                              const char *key, lk_error *err)
{
    LK_NEED(list->line == 0 || list->n > 0, err, LK_EINVAL,
            "line %u: [%s%s%s]: %s: found nothing behind it, expected a value", list->line, section,
            name[0] != '\0' ? " " : "", name, key);
    return LK_OK;
}

static lk_status check_lists(const struct lk_study_set *x, lk_error *err)
{
    const struct {
        const char *key;
        const struct lk_study_list *list;
    } lists[] = {{"images", &x->images},
                 {"holdout", &x->holdouts},
                 {"control", &x->controls},
                 {"train", &x->train},
                 {"planted-from", &x->planted_from}};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        LK_TRY(check_filled(lists[i].list, lk_study_role_names[x->role], x->name.text, lists[i].key, err));
    return LK_OK;
}

/* A set that nothing uses is a mistake in the file. */
static bool is_used(const struct lk_study *s, size_t set)
{
    const struct lk_study_set *x = &s->sets[set];
    if (x->role == LK_STUDY_SYNTHETIC)
        return true;
    for (size_t m = 0; x->role == LK_STUDY_CALIBRATION && m < s->n_matchers; m++)
        if (lk_study_calibration_of(s, m) == set)
            return true;
    for (size_t i = 0; i < s->n_sets; i++) {
        const struct lk_study_set *other = &s->sets[i];
        if (x->role == LK_STUDY_TRAIN && other->role == LK_STUDY_SYNTHETIC && lk_study_pairs_up(s, set, i))
            return true;
        if (other->role == LK_STUDY_TRAIN &&
            (is_named(&other->holdouts, x->name.text) || is_named(&other->controls, x->name.text)))
            return true;
    }
    return false;
}

static lk_status check_sources(const struct lk_study *s, size_t set, lk_error *err)
{
    const struct lk_study_set *x = &s->sets[set];
    for (size_t i = 0; i < x->faces.n; i += 2)
        LK_NEED(lk_study_find_matcher(s, x->faces.items[i].text) != SIZE_MAX, err, LK_EINVAL,
                "line %u: [%s %s]: faces.%s: there is no section [matcher %s]", x->faces.items[i].line,
                lk_study_role_names[x->role], x->name.text, x->faces.items[i].text, x->faces.items[i].text);
    for (size_t m = 0; m < s->n_matchers; m++) {
        if (!lk_study_wants(s, set, m) || lk_study_given_faces(s, set, m) != NULL)
            continue;
        const struct lk_study_matcher *matcher = &s->matchers[m];
        LK_NEED(x->images.n > 0, err, LK_EINVAL,
                "line %u: [%s %s]: expected images, or faces.%s with embeddings of them", x->name.line,
                lk_study_role_names[x->role], x->name.text, matcher->name.text);
        LK_NEED(matcher->model.text != NULL, err, LK_EINVAL,
                "line %u: [matcher %s]: expected model, since it has to embed %s", matcher->name.line,
                matcher->name.text, x->name.text);
    }
    LK_NEED(x->duplicates.value == 0 || (x->images.n > 0 && x->exclude.text == NULL), err, LK_EINVAL,
            "line %u: [%s %s]: duplicates = yes needs images, and no other list to exclude",
            x->duplicates.line, lk_study_role_names[x->role], x->name.text);
    return LK_OK;
}

static lk_status check_preset(const struct lk_study_set *x, lk_error *err)
{
    lk_preset preset;
    bool known = x->preset.text == NULL;
    for (int i = 0; !known && lk_preset_at(i, &preset); i++)
        known = strcmp(x->preset.text, preset.name) == 0;
    LK_NEED(known, err, LK_EINVAL, "line %u: [%s %s]: preset: there is none with the name '%s'",
            x->preset.line, lk_study_role_names[x->role], x->name.text, x->preset.text);
    return LK_OK;
}

/* Whether two sets are the same pictures or embeddings, as the file says it. */
static bool are_same(const struct lk_study *s, size_t a, size_t b)
{
    const struct lk_study_list *x = &s->sets[a].images, *y = &s->sets[b].images;
    bool same = x->n == y->n && x->n > 0;
    for (size_t i = 0; same && i < x->n; i++)
        same = strcmp(x->items[i].text, y->items[i].text) == 0;
    for (size_t m = 0; !same && m < s->n_matchers; m++) {
        const char *first = lk_study_given_faces(s, a, m), *second = lk_study_given_faces(s, b, m);
        same = first != NULL && second != NULL && strcmp(first, second) == 0;
    }
    return same;
}

/* A hold-out is people whom the generator never saw, and each hold-out other people. */
static lk_status check_holdouts(const struct lk_study *s, size_t train, lk_error *err)
{
    const struct lk_study_list *names = &s->sets[train].holdouts;
    for (size_t i = 0; i < names->n; i++) {
        size_t holdout = lk_study_find_set(s, names->items[i].text);
        LK_NEED(
            !are_same(s, train, holdout), err, LK_EINVAL,
            "line %u: [train %s]: holdout: %s is the training set itself, expected people whom the generator "
            "never saw",
            names->items[i].line, s->sets[train].name.text, names->items[i].text);
        for (size_t k = 0; k < i; k++)
            LK_NEED(!are_same(s, lk_study_find_set(s, names->items[k].text), holdout), err, LK_EINVAL,
                    "line %u: [train %s]: holdout: %s and %s are the same set, expected different people",
                    names->items[i].line, s->sets[train].name.text, names->items[k].text,
                    names->items[i].text);
    }
    return LK_OK;
}

static lk_status check_set(const struct lk_study *s, size_t set, lk_error *err)
{
    const struct lk_study_set *x = &s->sets[set];
    LK_TRY(check_names(s, x, "holdout", &x->holdouts, 1u << LK_STUDY_HOLDOUT, err));
    LK_TRY(
        check_names(s, x, "control", &x->controls, 1u << LK_STUDY_CONTROL | 1u << LK_STUDY_SYNTHETIC, err));
    LK_TRY(check_holdouts(s, set, err));
    LK_TRY(check_names(s, x, "train", &x->train, 1u << LK_STUDY_TRAIN, err));
    LK_TRY(check_names(s, x, "planted-from", &x->planted_from, 1u << LK_STUDY_TRAIN, err));
    LK_NEED(x->planted_from.n == 0 || x->truth.text != NULL, err, LK_EINVAL,
            "line %u: [synthetic %s]: planted-from needs truth", x->planted_from.items[0].line, x->name.text);
    LK_TRY(check_sources(s, set, err));
    LK_TRY(check_preset(x, err));
    LK_NEED((x->pairs.text != NULL) + (x->bin.text != NULL) + (x->from_identities.value != 0) <= 1, err,
            LK_EINVAL, "line %u: [calibration %s]: expected one of pairs, bin and from-identities",
            x->name.line, x->name.text);
    LK_NEED(is_used(s, set), err, LK_EINVAL, "line %u: nothing uses [%s %s]", x->name.line,
            lk_study_role_names[x->role], x->name.text);
    return LK_OK;
}

/* Measures of the second and further matchers lie in folders of their names, beside tables. */
static bool is_table_name(const char *name)
{
    const char *ending = strrchr(name, '.');
    return ending != NULL && (strcmp(ending, ".csv") == 0 || strcmp(ending, ".json") == 0);
}

static lk_status check_matcher(const struct lk_study *s, size_t m, lk_error *err)
{
    const struct lk_study_matcher *x = &s->matchers[m];
    LK_NEED(!is_table_name(x->name.text), err, LK_EINVAL,
            "line %u: [matcher %s]: expected a name that does not end in .csv or .json, as files do",
            x->name.line, x->name.text);
    size_t n_calibrations = 0, calibration = lk_study_calibration_of(s, m);
    for (size_t i = 0; i < s->n_sets; i++)
        n_calibrations += s->sets[i].role == LK_STUDY_CALIBRATION;
    LK_NEED(x->thresholds.text == NULL || x->calibration.text == NULL, err, LK_EINVAL,
            "line %u: [matcher %s]: expected thresholds or calibration, found both", x->name.line,
            x->name.text);
    LK_NEED(x->calibration.text == NULL ||
                (calibration != SIZE_MAX && s->sets[calibration].role == LK_STUDY_CALIBRATION),
            err, LK_EINVAL, "line %u: [matcher %s]: calibration: there is no section [calibration %s]",
            x->calibration.line, x->name.text, x->calibration.text);
    LK_NEED(x->calibration.text != NULL || x->thresholds.text != NULL || n_calibrations < 2, err, LK_EINVAL,
            "line %u: [matcher %s]: there are %zu calibrations, expected calibration = NAME", x->name.line,
            x->name.text, n_calibrations);
    LK_NEED(x->aligned.value == 0 || x->detector.text == NULL, err, LK_EINVAL,
            "line %u: [matcher %s]: aligned images need no detector", x->aligned.line, x->name.text);
    return LK_OK;
}

static lk_status check_limits(const struct lk_study *s, lk_error *err)
{
    const struct lk_study_number *limit = s->max_discoveries.line > 0 ? &s->max_discoveries : &s->max_share;
    for (size_t i = 0; limit->line > 0 && i < s->n_sets; i++)
        LK_NEED(s->sets[i].role != LK_STUDY_TRAIN || s->sets[i].holdouts.n > 0, err, LK_EINVAL,
                "line %u: [limits]: a limit needs a hold-out, and [train %s] has none", limit->line,
                s->sets[i].name.text);
    return LK_OK;
}

lk_status lk_study_check(const struct lk_study *s, lk_error *err)
{
    size_t n[LK_STUDY_N_ROLES] = {0};
    for (size_t i = 0; i < s->n_sets; i++)
        n[s->sets[i].role]++;
    LK_NEED(s->output.text != NULL, err, LK_EINVAL, "expected output = DIR in [study]");
    LK_TRY(check_filled(&s->strengths, "measure", "", "strength", err));
    for (size_t i = 0; i < s->n_sets; i++)
        LK_TRY(check_lists(&s->sets[i], err));
    LK_NEED(s->n_matchers > 0, err, LK_EINVAL, "expected at least one section [matcher NAME]");
    LK_NEED(n[LK_STUDY_TRAIN] > 0, err, LK_EINVAL, "expected at least one section [train NAME]");
    LK_NEED(n[LK_STUDY_SYNTHETIC] > 0, err, LK_EINVAL, "expected at least one section [synthetic NAME]");
    for (size_t m = 0; m < s->n_matchers; m++) {
        LK_TRY(check_matcher(s, m, err));
        for (size_t i = 0; i < m; i++)
            LK_NEED(strcmp(s->matchers[i].name.text, s->matchers[m].name.text) != 0, err, LK_EINVAL,
                    "line %u: [matcher %s] is there twice", s->matchers[m].name.line,
                    s->matchers[m].name.text);
    }
    for (size_t i = 0; i < s->n_sets; i++)
        LK_TRY(check_set(s, i, err));
    return check_limits(s, err);
}

/* ---- files --------------------------------------------------------------------------------------------- */

static lk_status need_file(const struct lk_study_text *path, const char *section, const char *name,
                           const char *key, lk_error *err)
{
    LK_NEED(path->text == NULL || lk_path_exists(path->text), err, LK_EIO,
            "line %u: [%s %s]: %s: %s is not there", path->line, section, name, key, path->text);
    return LK_OK;
}

static lk_status check_set_files(const struct lk_study_set *x, lk_error *err)
{
    const char *section = lk_study_role_names[x->role], *name = x->name.text;
    for (size_t i = 0; i < x->images.n; i++) {
        struct lk_study_text path = x->images.items[i];
        path.text += path.text[0] == '@';
        if (strchr(path.text, '{') == NULL) /* a pattern of shards is embed's to read */
            LK_TRY(need_file(&path, section, name, "images", err));
    }
    for (size_t i = 1; i < x->faces.n; i += 2)
        if (strchr(x->faces.items[i].text, ':') == NULL) /* FILE:ARRAY */
            LK_TRY(need_file(&x->faces.items[i], section, name, "faces", err));
    LK_TRY(need_file(&x->labels, section, name, "labels", err));
    LK_TRY(need_file(&x->exclude, section, name, "exclude", err));
    LK_TRY(need_file(&x->truth, section, name, "truth", err));
    LK_TRY(need_file(&x->pairs, section, name, "pairs", err));
    return need_file(&x->bin, section, name, "bin", err);
}

lk_status lk_study_check_files(const struct lk_study *s, lk_error *err)
{
    for (size_t i = 0; i < s->n_sets; i++)
        LK_TRY(check_set_files(&s->sets[i], err));
    for (size_t m = 0; m < s->n_matchers; m++)
        LK_TRY(need_file(&s->matchers[m].thresholds, "matcher", s->matchers[m].name.text, "thresholds", err));
    return LK_OK;
}
