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
    struct lk_audit_input input;
};

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
        LK_TRY(lk_audit_set_open(&j->sets[i], ctx, role, path, j->options->seed, err));
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

/* The absence of measures.json says that a run is not finished. */
static lk_status remove_old(const char *folder, lk_error *err)
{
    char *path = lk_path_join(folder, "measures.json", err);
    if (path == NULL)
        return LK_ENOMEM;
    lk_status status = LK_OK;
    if (unlink(path) != 0 && errno != ENOENT && errno != ENOTDIR)
        status = lk_fail_sys(err, LK_EIO, "%s: cannot remove", path);
    free(path);
    return status;
}

static struct lk_audit_request request_of(const struct job *j, bool first, const char *folder)
{
    return (struct lk_audit_request){j->options, &j->of, first, j->sets, folder};
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

static void tell(lk_ctx *ctx, const struct lk_audit *a)
{
    const struct lk_audit_set *t = a->in->train;
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
static lk_status write_all(const struct job *j, const struct lk_audit *a, struct lk_audit_matchers *m,
                           const char *folder, bool first, lk_measure_summary *out, lk_error *err)
{
    bool several = m->n > 1 && first;
    struct lk_audit_request request = request_of(j, first, folder);
    json_t *made = NULL;
    if (several) {
        LK_TRY(lk_audit_matchers_compare(m, err));
        LK_TRY(lk_audit_matchers_write(m, folder, err));
    }
    LK_TRY(lk_audit_write_tables(a, folder, err));
    LK_TRY(lk_audit_made(&request, &made, err));
    lk_status status = lk_audit_write_json(a, several ? m : NULL, made, folder, j->options->command, err);
    json_decref(made);
    LK_TRY(status);
    if (first)
        summarise(a, out);
    if (several)
        summarise_matchers(m, out);
    return LK_OK;
}

static lk_status measure(struct job *j, lk_ctx *ctx, struct lk_audit_matchers *m, size_t index,
                         const char *folder, lk_measure_summary *out, lk_error *err)
{
    const lk_measure_options *o = j->options;
    j->input = (struct lk_audit_input){.synthetic = &j->sets[0],
                                       .train = &j->sets[1],
                                       .holdouts = j->others,
                                       .n_holdouts = j->of.n_holdouts,
                                       .controls = j->others + j->of.n_holdouts,
                                       .n_controls = j->of.n_controls,
                                       .q = o->fdr,
                                       .same_person = o->same_person,
                                       .seed = o->seed,
                                       .decoys = o->decoys,
                                       .depth = DEPTH,
                                       .pairs = o->pairs,
                                       .strengths = o->strengths,
                                       .n_strengths = o->n_strengths,
                                       .force = o->force != 0};
    struct lk_audit audit;
    LK_TRY(find_thresholds(j, err));
    LK_TRY(lk_mkdirs(folder, err));
    LK_TRY(remove_old(folder, err));
    LK_TRY(lk_audit_run(&audit, ctx, &j->input, err));
    tell(ctx, &audit);
    lk_status status = LK_OK;
    if (m->n > 1)
        status = lk_audit_view_make(&m->views[index], j->of.name, index > 0 ? j->of.name : NULL, &audit, err);
    if (status == LK_OK)
        status = write_all(j, &audit, m, folder, index == 0, out, err);
    lk_audit_free(&audit);
    return status;
}

/* One matcher's part of the job: its sets and its folder. */
static lk_status open_job(struct job *j, lk_ctx *ctx, const lk_measure_options *o, size_t index, char **folder,
                          lk_error *err)
{
    *j = (struct job){.options = o};
    j->of = index > 0 ? o->others[index - 1]
                      : (lk_measure_matcher){o->name != NULL ? o->name : "first",
                                             o->synthetic,
                                             o->train,
                                             o->holdouts,
                                             o->n_holdouts,
                                             o->controls,
                                             o->n_controls,
                                             o->thresholds};
    *folder = index > 0 ? lk_path_join(o->output, j->of.name, err) : lk_strdup(o->output, err);
    return *folder != NULL ? open_sets(j, ctx, err) : LK_ENOMEM;
}

static void close_job(struct job *j, char *folder)
{
    free(folder);
    for (size_t i = 0; i < j->n_sets; i++)
        lk_audit_set_close(&j->sets[i]);
    free(j->sets);
    free(j->others);
}

static lk_status measure_matcher(lk_ctx *ctx, const lk_measure_options *o, struct lk_audit_matchers *m,
                                 size_t index, lk_measure_summary *out, lk_error *err)
{
    struct job j;
    char *folder = NULL;
    lk_status status = open_job(&j, ctx, o, index, &folder, err);
    if (status == LK_OK)
        status = measure(&j, ctx, m, index, folder, out, err);
    close_job(&j, folder);
    return status;
}

/* Whether one matcher's finished measures are those asked for. Refuses others, unless they may be replaced. */
static lk_status compare_matcher(lk_ctx *ctx, const lk_measure_options *o, size_t index, const char *path,
                                 enum lk_audit_state *state, lk_measure_summary *out, lk_error *err)
{
    struct job j;
    char *folder = NULL;
    json_t *measures = NULL;
    struct lk_str what = LK_STR_INIT;
    lk_status status = open_job(&j, ctx, o, index, &folder, err);
    struct lk_audit_request request = request_of(&j, index == 0, folder);
    if (status == LK_OK)
        status = lk_json_read(path, &measures, err);
    if (status == LK_OK)
        status = lk_audit_again(&request, measures, state, &what, err);
    if (status == LK_OK && *state == LK_AUDIT_SAME && index == 0)
        status = lk_audit_summary(measures, path, out, err);
    if (status == LK_EFORMAT && o->force) { /* a damaged one is what --force may replace */
        *state = LK_AUDIT_OTHER;
        status = LK_OK;
    }
    if (status == LK_OK && *state == LK_AUDIT_OTHER && !o->force)
        status = lk_fail(err, LK_EINVAL,
                         "%s: holds finished measures that differ in: %s; give another output, or --force to "
                         "replace them",
                         folder, what.text);
    json_decref(measures);
    lk_str_free(&what);
    close_job(&j, folder);
    return status;
}

/* Whether everything asked for is there already, of all matchers. */
static lk_status find_finished(lk_ctx *ctx, const lk_measure_options *o, bool *all, lk_measure_summary *out,
                               lk_error *err)
{
    bool same = true;
    for (size_t i = 0; i <= o->n_others; i++) {
        char *folder = i > 0 ? lk_path_join(o->output, o->others[i - 1].name, err) : lk_strdup(o->output, err);
        char *path = folder != NULL ? lk_path_join(folder, "measures.json", err) : NULL;
        enum lk_audit_state state = LK_AUDIT_NONE;
        lk_status status = path != NULL ? LK_OK : LK_ENOMEM;
        if (status == LK_OK && lk_path_exists(path))
            status = compare_matcher(ctx, o, i, path, &state, out, err);
        free(folder);
        free(path);
        LK_TRY(status);
        same = same && state == LK_AUDIT_SAME;
    }
    *all = same;
    return LK_OK;
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
    lk_measure_summary found;
    bool finished = false;
    if (status == LK_OK)
        status = find_finished(ctx, options, &finished, &found, err);
    for (size_t i = finished ? 0 : matchers.n; status == LK_OK && i-- > 0;)
        status = measure_matcher(ctx, options, &matchers, i, out, err);
    if (status == LK_OK && finished) {
        *out = found;
        out->up_to_date = 1;
    }
    lk_lock_release(lock);
    lk_audit_matchers_free(&matchers);
    return status;
}
