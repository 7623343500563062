/* SPDX-License-Identifier: Apache-2.0 */
/* job.c - the sets and settings of one matcher's measurement, opened from the options of lk_measure. */
#include <stdlib.h>
#include <string.h>

#include "audit/audit.h"

enum { DEPTH = 10 }; /* persons listed for each unit and gallery */

lk_measure_matcher lk_audit_matcher(const lk_measure_options *o, size_t index)
{
    if (index > 0)
        return o->others[index - 1];
    return (lk_measure_matcher){o->name != NULL ? o->name : "first",
                                o->synthetic,
                                o->train,
                                o->holdouts,
                                o->n_holdouts,
                                o->controls,
                                o->n_controls,
                                o->thresholds};
}

lk_status lk_measure_check_filter(const char *condition, lk_error *err)
{
    struct lk_filter filter;
    LK_TRY(lk_filter_parse(condition, &filter, err));
    lk_filter_free(&filter);
    return LK_OK;
}

lk_status lk_measure_check_strata(const char *column, lk_error *err)
{
    struct lk_audit_variable variable;
    return lk_audit_variable_parse(column, &variable, err);
}

static lk_status read_conditions(struct lk_audit_job *j, const lk_measure_options *o, lk_error *err)
{
    LK_NEED(o->n_filters <= LK_MAX_FILTERS, err, LK_EINVAL, "filters: found %zu, expected at most %d",
            o->n_filters, LK_MAX_FILTERS);
    LK_NEED(o->n_strata <= LK_MAX_STRATA, err, LK_EINVAL, "strata: found %zu, expected at most %d", o->n_strata,
            LK_MAX_STRATA);
    for (size_t i = 0; i < o->n_filters; i++, j->input.filters.n++)
        LK_TRY(lk_filter_parse(o->filters[i], &j->input.filters.items[i], err));
    for (size_t i = 0; i < o->n_strata; i++)
        LK_TRY(lk_audit_variable_parse(o->strata[i], &j->variables[i], err));
    return LK_OK;
}

/* A hold-out that is the training set, or another hold-out, shows nothing, and looks like a result. */
static lk_status check_different(const struct lk_audit_job *j, size_t set, lk_error *err)
{
    const struct lk_match_set *x = &j->sets[set].file;
    for (size_t i = 1; i < set; i++) {
        const struct lk_match_set *y = &j->sets[i].file;
        bool same_array = x->faces.array == NULL || y->faces.array == NULL
                              ? x->faces.array == y->faces.array
                              : strcmp(x->faces.array, y->faces.array) == 0;
        LK_NEED(!same_array || strcmp(x->embeddings_sha256, y->embeddings_sha256) != 0, err, LK_EINVAL,
                "holdout %s: has the embeddings of %s, %s; expected people whom the generator never saw%s",
                j->sets[set].path, i == 1 ? "the training set" : "another hold-out", j->sets[i].path,
                i == 1 ? "" : ", and each only once");
    }
    return LK_OK;
}

static lk_status open_sets(struct lk_audit_job *j, lk_ctx *ctx, uint64_t seed, lk_error *err)
{
    const lk_measure_matcher *o = &j->of;
    size_t n = 2 + o->n_holdouts + o->n_controls;
    j->sets = lk_calloc(n, sizeof *j->sets, err);
    j->others = lk_calloc(n, sizeof *j->others, err);
    if (j->sets == NULL || j->others == NULL)
        return LK_ENOMEM;
    for (size_t i = 0; i < n; i++) {
        const char *role = i == 0                  ? "synthetic"
                           : i == 1                ? "train"
                           : i < 2 + o->n_holdouts ? "holdout"
                                                   : "control";
        const char *path = i == 0                  ? o->synthetic
                           : i == 1                ? o->train
                           : i < 2 + o->n_holdouts ? o->holdouts[i - 2]
                                                   : o->controls[i - 2 - o->n_holdouts];
        LK_TRY(lk_audit_set_open(&j->sets[i], ctx, role, path, &j->input.filters, seed, err));
        j->n_sets++;
        if (i > 0)
            LK_TRY(lk_match_sets_agree(&j->sets[0].file, &j->sets[i].file, err));
        if (i > 1 && i < 2 + o->n_holdouts)
            LK_TRY(check_different(j, i, err));
        if (i > 1)
            j->others[i - 2] = &j->sets[i];
    }
    return LK_OK;
}

/* Those given, else those that came with the model. */
static lk_status find_thresholds(struct lk_audit_job *j, lk_error *err)
{
    struct lk_threshold_list *list = &j->input.thresholds;
    if (j->of.thresholds != NULL)
        return lk_thresholds_read(list, j->of.thresholds, err);
    const struct lk_faces *faces = &j->sets[0].file.faces;
    const json_t *model = faces->meta != NULL ? json_object_get(faces->meta, "model") : NULL;
    if (model == NULL || json_is_null(model))
        return LK_OK;
    return lk_thresholds_from_json(list, model, 0, faces->path, err);
}

static lk_status open_job(struct lk_audit_job *j, lk_ctx *ctx, const lk_measure_options *o, lk_error *err)
{
    j->input = (struct lk_audit_input){.n_holdouts = j->of.n_holdouts,
                                       .n_controls = j->of.n_controls,
                                       .q = o->fdr,
                                       .same_person = o->same_person,
                                       .seed = o->seed,
                                       .decoys = o->decoys,
                                       .depth = DEPTH,
                                       .pairs = o->pairs,
                                       .strengths = o->strengths,
                                       .n_strengths = o->n_strengths,
                                       .device = o->device,
                                       .force = o->force != 0,
                                       .variables = j->variables,
                                       .n_variables = o->n_strata};
    LK_TRY(read_conditions(j, o, err));
    LK_TRY(open_sets(j, ctx, o->seed, err));
    j->input.synthetic = &j->sets[0];
    j->input.train = &j->sets[1];
    j->input.holdouts = j->others;
    j->input.controls = j->others + j->of.n_holdouts;
    return find_thresholds(j, err);
}

lk_status lk_audit_job_open(struct lk_audit_job *job, lk_ctx *ctx, const lk_measure_options *o, size_t index,
                            lk_error *err)
{
    *job = (struct lk_audit_job){.of = lk_audit_matcher(o, index)};
    lk_status status = open_job(job, ctx, o, err);
    if (status != LK_OK)
        lk_audit_job_close(job);
    return status;
}

void lk_audit_job_close(struct lk_audit_job *job)
{
    for (size_t i = 0; i < job->n_sets; i++)
        lk_audit_set_close(&job->sets[i]);
    free(job->sets);
    free(job->others);
    lk_filters_free(&job->input.filters);
    *job = (struct lk_audit_job){.n_sets = 0};
}

/* Nothing stays out silently. */
static void tell_left_out(lk_ctx *ctx, const struct lk_audit *a, const struct lk_audit_set *s)
{
    struct lk_audit_left_out out;
    lk_audit_count_left_out(s, &a->in->filters, &out);
    if (out.no_face + out.unreadable + out.excluded > 0)
        lk_ctx_message(ctx, LK_LEVEL_NOTE,
                       "%s: %llu images without a face, %llu unreadable and %llu excluded by a list are not in "
                       "it",
                       s->path, (unsigned long long)out.no_face, (unsigned long long)out.unreadable,
                       (unsigned long long)out.excluded);
    for (size_t i = 0; i < a->in->filters.n; i++)
        lk_ctx_message(ctx, LK_LEVEL_NOTE, "%s: %s leaves out %llu images, and %llu that have no value",
                       s->path, a->in->filters.items[i].text, (unsigned long long)s->file.filtered[i].no,
                       (unsigned long long)s->file.filtered[i].unknown);
}

void lk_audit_tell(lk_ctx *ctx, const struct lk_audit *a)
{
    const struct lk_audit_set *t = a->in->train;
    tell_left_out(ctx, a, a->in->synthetic);
    tell_left_out(ctx, a, t);
    for (size_t i = 0; i < a->in->n_holdouts; i++)
        tell_left_out(ctx, a, a->in->holdouts[i]);
    for (size_t i = 0; i < a->in->n_controls; i++)
        tell_left_out(ctx, a, a->in->controls[i]);
    if (lk_audit_has_holdout(a) && a->n_each + a->doubles.dropped_train < t->n_persons)
        lk_ctx_message(
            ctx, LK_LEVEL_NOTE,
            "train: %llu of %u persons take part, as many as the hold-out has; leaks of the others are not "
            "looked for",
            (unsigned long long)a->n_each, t->n_persons);
    for (size_t c = 0; c < a->in->n_controls; c++)
        if (!a->controls[c].comparable)
            lk_ctx_message(
                ctx, LK_LEVEL_WARNING,
                "%s: %.2f images of each identity, the synthetic set has %.2f: the best of more images "
                "scores higher, so the p-values against this control mean little",
                a->controls[c].set->path, a->controls[c].images_each,
                (double)a->in->synthetic->rows / (double)a->in->synthetic->n_persons);
}

static bool fit_for_a_name(const char *name)
{
    size_t len = strlen(name);
    const char *ending = strrchr(name, '.'); /* not that of a table: it becomes the name of a folder */
    return len > 0 && len < 64 && name[0] != '.' &&
           (ending == NULL || (strcmp(ending, ".csv") != 0 && strcmp(ending, ".json") != 0)) &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == len;
}

lk_status lk_audit_check_matchers(const lk_measure_options *o, lk_error *err)
{
    const char *first = o->name != NULL ? o->name : "first";
    LK_NEED(o->n_others < LK_MAX_MATCHERS, err, LK_EINVAL, "matchers: found %zu, expected at most %d",
            o->n_others + 1, LK_MAX_MATCHERS);
    LK_NEED(fit_for_a_name(first), err, LK_EINVAL,
            "matcher '%s': expected a name of letters, digits, '.', '_' and '-' that does not end in .csv or "
            ".json",
            first);
    for (size_t i = 0; i < o->n_others; i++) {
        const lk_measure_matcher *m = &o->others[i];
        LK_NEED(m->name != NULL && fit_for_a_name(m->name), err, LK_EINVAL,
                "matcher '%s': expected a name of letters, digits, '.', '_' and '-' that does not end in "
                ".csv or .json",
                m->name != NULL ? m->name : "");
        bool again = strcmp(m->name, first) == 0;
        for (size_t k = 0; k < i; k++)
            again = again || strcmp(m->name, o->others[k].name) == 0;
        LK_NEED(!again, err, LK_EINVAL, "matcher %s: given twice", m->name);
        LK_NEED(m->synthetic != NULL && m->train != NULL, err, LK_EINVAL,
                "matcher %s: expected its synthetic and training set", m->name);
        LK_NEED((m->n_holdouts > 0) == (o->n_holdouts > 0), err, LK_EINVAL,
                "matcher %s has %s hold-out, matcher %s has %s; expected the same sets for all", m->name,
                m->n_holdouts > 0 ? "a" : "no", first, o->n_holdouts > 0 ? "one" : "none");
    }
    return LK_OK;
}
