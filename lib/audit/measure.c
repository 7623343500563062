/* SPDX-License-Identifier: Apache-2.0 */
/* measure.c - lk_measure: FACES directories in, measures.json and tables out. */
#include <stdlib.h>
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
    struct lk_audit_set *sets;          /* synthetic, train, hold-outs, controls */
    const struct lk_audit_set **others; /* hold-outs, controls */
    size_t n_sets;
    struct lk_audit_input input;
};

static lk_status open_sets(struct job *j, lk_ctx *ctx, lk_error *err)
{
    const lk_measure_options *o = j->options;
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
        LK_TRY(lk_audit_set_open(&j->sets[i], ctx, role, path, o->seed, err));
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
    if (j->options->thresholds != NULL)
        return lk_thresholds_read(list, j->options->thresholds, err);
    const struct lk_faces *faces = &j->sets[0].file.faces;
    const json_t *model = faces->meta != NULL ? json_object_get(faces->meta, "model") : NULL;
    if (model == NULL || json_is_null(model))
        return LK_OK;
    return lk_thresholds_from_json(list, model, 0, faces->path, err);
}

static lk_status check_output(const lk_measure_options *o, lk_error *err)
{
    char *path = lk_path_join(o->output, "measures.json", err);
    if (path == NULL)
        return LK_ENOMEM;
    lk_status status = LK_OK;
    if (lk_path_exists(path) && !o->force)
        status =
            lk_fail(err, LK_EINVAL,
                    "%s: holds measures already; give another output, or --force to replace them", o->output);
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

static lk_status measure(struct job *j, lk_ctx *ctx, lk_measure_summary *out, lk_error *err)
{
    struct lk_audit audit;
    LK_TRY(find_thresholds(j, err));
    LK_TRY(lk_audit_run(&audit, ctx, &j->input, err));
    tell(ctx, &audit);
    lk_status status = lk_audit_write_tables(&audit, j->options->output, err);
    if (status == LK_OK)
        status = lk_audit_write_json(&audit, j->options->output, j->options->command, err);
    if (status == LK_OK)
        summarise(&audit, out);
    lk_audit_free(&audit);
    return status;
}

lk_status lk_measure(lk_ctx *ctx, const lk_measure_options *options, lk_measure_summary *out, lk_error *err)
{
    LK_NEED(options->synthetic != NULL && options->train != NULL && options->output != NULL, err, LK_EINVAL,
            "measure needs a synthetic set, a training set and an output folder");
    struct job j = {.options = options};
    int lock = -1;
    lk_status status = open_sets(&j, ctx, err);
    if (status == LK_OK)
        status = lk_mkdirs(options->output, err);
    if (status == LK_OK)
        status = lk_lock_take(&lock, options->output, err);
    if (status == LK_OK)
        status = check_output(options, err);
    if (status == LK_OK) {
        j.input = (struct lk_audit_input){.synthetic = &j.sets[0],
                                          .train = &j.sets[1],
                                          .holdouts = j.others,
                                          .n_holdouts = options->n_holdouts,
                                          .controls = j.others + options->n_holdouts,
                                          .n_controls = options->n_controls,
                                          .q = options->fdr,
                                          .same_person = options->same_person,
                                          .seed = options->seed,
                                          .decoys = options->decoys,
                                          .depth = DEPTH,
                                          .pairs = options->pairs,
                                          .strengths = options->strengths,
                                          .n_strengths = options->n_strengths,
                                          .force = options->force != 0};
        status = measure(&j, ctx, out, err);
    }
    lk_lock_release(lock);
    for (size_t i = 0; i < j.n_sets; i++)
        lk_audit_set_close(&j.sets[i]);
    free(j.sets);
    free(j.others);
    return status;
}
