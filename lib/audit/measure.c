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
static lk_status write_all(const struct lk_audit_request *request, const struct lk_audit *a,
                           struct lk_audit_matchers *m, lk_measure_summary *out, lk_error *err)
{
    bool first = request->of_first, several = m->n > 1 && first;
    const char *folder = request->folder;
    json_t *made = NULL;
    if (several) {
        LK_TRY(lk_audit_matchers_compare(m, err));
        LK_TRY(lk_audit_matchers_write(m, folder, err));
    }
    LK_TRY(lk_audit_write_tables(a, folder, err));
    LK_TRY(lk_audit_made(request, &made, err));
    lk_status status = lk_audit_write_json(a, several ? m : NULL, made, folder, request->options->command, err);
    json_decref(made);
    LK_TRY(status);
    if (first) {
        summarise(a, out);
        summarise_strata(a, out);
    }
    if (several)
        summarise_matchers(m, out);
    return LK_OK;
}

static lk_status measure(const struct lk_audit_job *j, const lk_measure_options *o, lk_ctx *ctx,
                         struct lk_audit_matchers *m, size_t index, const char *folder,
                         lk_measure_summary *out, lk_error *err)
{
    struct lk_audit audit;
    struct lk_audit_request request = {o, &j->of, index == 0, j->sets, folder};
    LK_TRY(lk_mkdirs(folder, err));
    LK_TRY(remove_old(folder, err));
    LK_TRY(lk_audit_run(&audit, ctx, &j->input, err));
    lk_audit_tell(ctx, &audit);
    lk_status status = LK_OK;
    if (m->n > 1)
        status = lk_audit_view_make(&m->views[index], j->of.name, index > 0 ? j->of.name : NULL, &audit, err);
    if (status == LK_OK)
        status = write_all(&request, &audit, m, out, err);
    lk_audit_free(&audit);
    return status;
}

static lk_status folder_of(const lk_measure_options *o, size_t index, char **folder, lk_error *err)
{
    *folder = index > 0 ? lk_path_join(o->output, o->others[index - 1].name, err) : lk_strdup(o->output, err);
    return *folder != NULL ? LK_OK : LK_ENOMEM;
}

static lk_status measure_matcher(lk_ctx *ctx, const lk_measure_options *o, struct lk_audit_matchers *m,
                                 size_t index, lk_measure_summary *out, lk_error *err)
{
    char *folder = NULL;
    struct lk_audit_job j;
    LK_TRY(folder_of(o, index, &folder, err));
    lk_status status = lk_audit_job_open(&j, ctx, o, index, err);
    if (status == LK_OK) {
        status = measure(&j, o, ctx, m, index, folder, out, err);
        lk_audit_job_close(&j);
    }
    free(folder);
    return status;
}

/* Whether one matcher's finished measures are those asked for. Refuses others, unless they may be replaced. */
static lk_status compare_matcher(const struct lk_audit_request *request, const char *path,
                                 enum lk_audit_state *state, lk_measure_summary *out, lk_error *err)
{
    json_t *measures = NULL;
    struct lk_str what = LK_STR_INIT;
    lk_status status = lk_json_read(path, &measures, err);
    if (status == LK_OK)
        status = lk_audit_again(request, measures, state, &what, err);
    if (status == LK_OK && *state == LK_AUDIT_SAME && request->of_first)
        status = lk_audit_summary(measures, path, out, err);
    if (status == LK_EFORMAT && request->options->force) { /* a damaged one is what --force may replace */
        *state = LK_AUDIT_OTHER;
        status = LK_OK;
    }
    if (status == LK_OK && *state == LK_AUDIT_OTHER && !request->options->force)
        status = lk_fail(err, LK_EINVAL,
                         "%s: holds finished measures that differ in: %s; give another output, or --force to "
                         "replace them",
                         request->folder, what.text);
    json_decref(measures);
    lk_str_free(&what);
    return status;
}

static lk_status look_at(lk_ctx *ctx, const lk_measure_options *o, size_t index, enum lk_audit_state *state,
                         lk_measure_summary *out, lk_error *err)
{
    char *folder = NULL;
    LK_TRY(folder_of(o, index, &folder, err));
    char *path = lk_path_join(folder, "measures.json", err);
    lk_status status = path != NULL ? LK_OK : LK_ENOMEM;
    struct lk_audit_job j;
    if (status == LK_OK && lk_path_exists(path) &&
        (status = lk_audit_job_open(&j, ctx, o, index, err)) == LK_OK) {
        struct lk_audit_request request = {o, &j.of, index == 0, j.sets, folder};
        status = compare_matcher(&request, path, state, out, err);
        lk_audit_job_close(&j);
    }
    free(folder);
    free(path);
    return status;
}

/* Whether everything asked for is there already, of all matchers. */
static lk_status find_finished(lk_ctx *ctx, const lk_measure_options *o, bool *all, lk_measure_summary *out,
                               lk_error *err)
{
    bool same = true;
    for (size_t i = 0; i <= o->n_others; i++) {
        enum lk_audit_state state = LK_AUDIT_NONE;
        LK_TRY(look_at(ctx, o, i, &state, out, err));
        same = same && state == LK_AUDIT_SAME;
    }
    *all = same;
    return LK_OK;
}

lk_status lk_measure(lk_ctx *ctx, const lk_measure_options *options, lk_measure_summary *out, lk_error *err)
{
    LK_NEED(options->synthetic != NULL && options->train != NULL && options->output != NULL, err, LK_EINVAL,
            "measure needs a synthetic set, a training set and an output folder");
    LK_TRY(lk_audit_check_matchers(options, err));
    LK_TRY(lk_search_check_device(options->device, err));
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
