/* SPDX-License-Identifier: Apache-2.0 */
/* measure.c - lk_measure: FACES directories in, measures.json and tables out. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit/audit.h"
#include "formats/json.h"

void lk_measure_options_init(lk_measure_options *options)
{
    *options = (lk_measure_options){.fdr = 0.05, .seed = 1, .same_person = NAN, .pairs = 1500};
}

enum { DEPTH = 10 }; /* persons listed for each unit and gallery */

struct job {
    const lk_measure_options *options;
    lk_measure_matcher of;              /* whose measurement this is */
    struct lk_audit_set *sets;          /* synthetic, train, hold-outs, controls */
    const struct lk_audit_set **others; /* hold-outs, controls */
    size_t n_sets;
    struct lk_audit_variable variables[LK_MAX_STRATA];
    struct lk_audit_input input;
};

static lk_status read_conditions(struct job *j, lk_error *err)
{
    const lk_measure_options *o = j->options;
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

static lk_status open_sets(struct job *j, lk_ctx *ctx, lk_error *err)
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
        LK_TRY(lk_audit_set_open(&j->sets[i], ctx, role, path, &j->input.filters, j->options->seed, err));
        j->n_sets++;
        if (i > 0)
            LK_TRY(lk_match_sets_agree(&j->sets[0].file, &j->sets[i].file, err));
        if (i > 1)
            j->others[i - 2] = &j->sets[i];
    }
    return LK_OK;
}

/* Those given, else those that came with the model. */
static lk_status find_thresholds(struct job *j, lk_error *err)
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

static lk_status check_output(const lk_measure_options *o, const char *folder, lk_error *err)
{
    char *path = lk_path_join(folder, "measures.json", err);
    if (path == NULL)
        return LK_ENOMEM;
    lk_status status = LK_OK;
    if (lk_path_exists(path) && !o->force)
        status =
            lk_fail(err, LK_EINVAL,
                    "%s: holds measures already; give another output, or --force to replace them", folder);
    else if (unlink(path) != 0 && errno != ENOENT &&
             errno != ENOTDIR) /* its absence says that a run is not finished */
        status = lk_fail_sys(err, LK_EIO, "%s: cannot remove", path);
    free(path);
    return status;
}

static void summarise(const struct lk_audit *a, lk_measure_summary *out)
{
    bool compared = lk_audit_has_holdout(a);
    *out = (lk_measure_summary){
        .verdict = a->verdict,
        .n_units = a->n_units,
        .n_persons = a->n_each,
        .n_holdouts = a->n_galleries - 1,
        .n_dropped = a->doubles.dropped_train + a->doubles.dropped_holdout + a->doubles.dropped_synthetic,
        .n_discoveries = a->competition.discoveries,
        .resolution = a->competition.resolution,
        .share = compared ? a->pull.pi : NAN,
        .share_low = compared ? a->pull.pi_low : NAN,
        .share_high = compared ? a->pull.pi_high : NAN,
        .auc = compared ? a->reach.auc : NAN,
        .auc_low = compared ? a->reach.auc_low : NAN,
        .auc_high = compared ? a->reach.auc_high : NAN,
        .n_persons_found = a->reach.found,
        .n_controlled = a->control_found,
        .n_images = a->probes.rows,
        .n_flagged = a->images_flagged,
        .n_flagged_audit = a->images_flagged_audit,
        .n_judged = a->n_pairs - a->kinds.not_read,
        .n_with_copies = a->kinds.identities,
        .n_without_copy = a->kinds.inferred,
    };
    snprintf(out->sentence, sizeof out->sentence, "%s", a->sentence);
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

static void tell(lk_ctx *ctx, const struct lk_audit *a)
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

static void add_images(const struct lk_audit *a, const struct lk_audit_set *s, lk_measure_summary *out)
{
    struct lk_audit_left_out left;
    lk_audit_count_left_out(s, &a->in->filters, &left);
    out->n_filtered += left.filtered;
    out->n_unknown += left.unknown;
    out->n_read += s->rows + left.filtered;
}

static void summarise_strata(const struct lk_audit *a, lk_measure_summary *out)
{
    add_images(a, a->in->synthetic, out);
    add_images(a, a->in->train, out);
    for (size_t i = 0; i < a->in->n_holdouts; i++)
        add_images(a, a->in->holdouts[i], out);
    for (size_t i = 0; i < a->in->n_controls; i++)
        add_images(a, a->in->controls[i], out);
    out->closest_of = a->n_pairs < LK_AUDIT_CLOSEST ? a->n_pairs : LK_AUDIT_CLOSEST;
    out->n_strata = a->n_strata;
    for (size_t i = 0; i < a->n_strata; i++) {
        const struct lk_audit_stratum *s = &a->strata[i];
        lk_stratum_summary *to = &out->strata[i];
        *to = (lk_stratum_summary){.n_units = s->units,
                                   .n_discoveries = s->found,
                                   .n_closest = s->closest,
                                   .share = s->measured ? s->pull.pi : NAN,
                                   .share_low = s->measured ? s->pull.pi_low : NAN,
                                   .share_high = s->measured ? s->pull.pi_high : NAN};
        char by[LK_AUDIT_VARIABLE_TEXT];
        snprintf(to->by, sizeof to->by, "%.63s",
                 lk_audit_variable_text(&a->in->variables[s->variable], by));
        snprintf(to->name, sizeof to->name, "%s", s->name);
    }
}

static void summarise_matchers(const struct lk_audit_matchers *m, lk_measure_summary *out)
{
    out->n_matchers = m->n;
    out->n_common = m->n_common;
    out->joined = m->tested;
    for (size_t i = 0; i < m->n; i++) {
        const struct lk_audit_view *v = &m->views[i];
        lk_matcher_summary *to = &out->matchers[i];
        bool compared = v->holdouts > 0;
        *to = (lk_matcher_summary){.verdict = v->verdict,
                                   .n_units = v->n,
                                   .n_discoveries = v->n_found,
                                   .share = compared ? v->pull.pi : NAN,
                                   .share_low = compared ? v->pull.pi_low : NAN,
                                   .share_high = compared ? v->pull.pi_high : NAN,
                                   .found = m->agreement[i][i].both,
                                   .at_least = m->joint[i],
                                   .resolution = m->joint_least[i]};
        snprintf(to->name, sizeof to->name, "%s", v->name);
        for (size_t k = 0; k < m->n; k++) {
            to->both[k] = m->agreement[i][k].both;
            to->kappa[k] = m->agreement[i][k].kappa;
        }
    }
}

/* The first matcher comes last, when all others are known. */
static lk_status write_all(const struct lk_audit *a, struct lk_audit_matchers *m, const char *folder, bool first,
                       const lk_measure_options *o, lk_measure_summary *out, lk_error *err)
{
    bool several = m->n > 1 && first;
    if (several) {
        LK_TRY(lk_audit_matchers_compare(m, err));
        LK_TRY(lk_audit_matchers_write(m, folder, err));
    }
    LK_TRY(lk_audit_write_tables(a, folder, err));
    LK_TRY(lk_audit_write_json(a, several ? m : NULL, folder, o->command, err));
    if (first) {
        summarise(a, out);
        summarise_strata(a, out);
    }
    if (several)
        summarise_matchers(m, out);
    return LK_OK;
}

static lk_status measure(struct job *j, lk_ctx *ctx, struct lk_audit_matchers *m, size_t index,
                         const char *folder, lk_measure_summary *out, lk_error *err)
{
    const lk_measure_options *o = j->options;
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
                                       .force = o->force != 0,
                                       .variables = j->variables,
                                       .n_variables = o->n_strata};
    LK_TRY(read_conditions(j, err));
    LK_TRY(open_sets(j, ctx, err));
    j->input.synthetic = &j->sets[0];
    j->input.train = &j->sets[1];
    j->input.holdouts = j->others;
    j->input.controls = j->others + j->of.n_holdouts;
    struct lk_audit audit;
    LK_TRY(find_thresholds(j, err));
    LK_TRY(lk_mkdirs(folder, err));
    LK_TRY(lk_audit_run(&audit, ctx, &j->input, err));
    tell(ctx, &audit);
    lk_status status = LK_OK;
    if (m->n > 1)
        status = lk_audit_view_make(&m->views[index], j->of.name, index > 0 ? j->of.name : NULL, &audit, err);
    if (status == LK_OK)
        status = write_all(&audit, m, folder, index == 0, o, out, err);
    lk_audit_free(&audit);
    return status;
}

static lk_status measure_matcher(lk_ctx *ctx, const lk_measure_options *o, struct lk_audit_matchers *m,
                                 size_t index, lk_measure_summary *out, lk_error *err)
{
    struct job j = {.options = o};
    j.of = index > 0 ? o->others[index - 1]
                     : (lk_measure_matcher){o->name != NULL ? o->name : "first",
                                            o->synthetic,
                                            o->train,
                                            o->holdouts,
                                            o->n_holdouts,
                                            o->controls,
                                            o->n_controls,
                                            o->thresholds};
    char *folder = index > 0 ? lk_path_join(o->output, j.of.name, err) : lk_strdup(o->output, err);
    lk_status status = folder != NULL ? check_output(o, folder, err) : LK_ENOMEM;
    if (status == LK_OK)
        status = measure(&j, ctx, m, index, folder, out, err);
    free(folder);
    for (size_t i = 0; i < j.n_sets; i++)
        lk_audit_set_close(&j.sets[i]);
    free(j.sets);
    free(j.others);
    for (size_t i = 0; i < j.input.filters.n; i++)
        lk_filter_free(&j.input.filters.items[i]);
    return status;
}

static bool fit_for_a_name(const char *name)
{
    size_t len = strlen(name);
    return len > 0 && len < 64 && name[0] != '.' &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == len;
}

static lk_status check_matchers(const lk_measure_options *o, lk_error *err)
{
    const char *first = o->name != NULL ? o->name : "first";
    LK_NEED(o->n_others < LK_MAX_MATCHERS, err, LK_EINVAL, "matchers: found %zu, expected at most %d",
            o->n_others + 1, LK_MAX_MATCHERS);
    LK_NEED(fit_for_a_name(first), err, LK_EINVAL,
            "matcher '%s': expected a name of letters, digits, '.', '_' and '-'", first);
    for (size_t i = 0; i < o->n_others; i++) {
        const lk_measure_matcher *m = &o->others[i];
        LK_NEED(m->name != NULL && fit_for_a_name(m->name), err, LK_EINVAL,
                "matcher '%s': expected a name of letters, digits, '.', '_' and '-'",
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

lk_status lk_measure(lk_ctx *ctx, const lk_measure_options *options, lk_measure_summary *out, lk_error *err)
{
    LK_NEED(options->synthetic != NULL && options->train != NULL && options->output != NULL, err, LK_EINVAL,
            "measure needs a synthetic set, a training set and an output folder");
    LK_TRY(check_matchers(options, err));
    struct lk_audit_matchers matchers = {.n = 1 + options->n_others, .fdr = options->fdr};
    int lock = -1;
    lk_status status = lk_mkdirs(options->output, err);
    if (status == LK_OK)
        status = lk_lock_take(&lock, options->output, err);
    if (status == LK_OK) /* before work is spent on the others */
        status = check_output(options, options->output, err);
    for (size_t i = matchers.n; status == LK_OK && i-- > 0;)
        status = measure_matcher(ctx, options, &matchers, i, out, err);
    lk_lock_release(lock);
    lk_audit_matchers_free(&matchers);
    return status;
}
