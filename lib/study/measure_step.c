/* SPDX-License-Identifier: Apache-2.0 */
/* measure_step.c - the measures of one run, by all matchers in one call. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "study/plan.h"

/* What one matcher's sets are called; strings belong to it. */
struct view {
    char *synthetic, *train, *thresholds;
    char **holdouts, **controls;
};

static void free_all(char **paths, size_t n)
{
    for (size_t i = 0; paths != NULL && i < n; i++)
        free(paths[i]);
    free(paths);
}

static void view_free(struct view *v, const struct lk_study_set *train)
{
    free(v->synthetic);
    free(v->train);
    free(v->thresholds);
    free_all(v->holdouts, train->holdouts.n);
    free_all(v->controls, train->controls.n);
}

static lk_status find_all(const struct lk_study *s, size_t matcher, const struct lk_study_list *names,
                          char ***out, lk_error *err)
{
    *out = lk_calloc(names->n, sizeof **out, err);
    if (*out == NULL)
        return LK_ENOMEM;
    for (size_t i = 0; i < names->n; i++)
        if (((*out)[i] = lk_study_faces_dir(s, matcher, lk_study_find_set(s, names->items[i].text), err)) ==
            NULL)
            return LK_ENOMEM;
    return LK_OK;
}

static lk_status view_make(struct view *v, const struct lk_study *s, const struct lk_study_step *step,
                           size_t matcher, lk_error *err)
{
    const struct lk_study_set *train = &s->sets[step->train];
    v->synthetic = lk_study_faces_dir(s, matcher, step->synthetic, err);
    v->train = lk_study_faces_dir(s, matcher, step->train, err);
    v->thresholds = lk_study_thresholds_file(s, matcher, err);
    if (v->synthetic == NULL || v->train == NULL || v->thresholds == NULL)
        return LK_ENOMEM;
    LK_TRY(find_all(s, matcher, &train->holdouts, &v->holdouts, err));
    return find_all(s, matcher, &train->controls, &v->controls, err);
}

static lk_measure_matcher as_matcher(const struct view *v, const struct lk_study_set *train, const char *name)
{
    return (lk_measure_matcher){.name = name,
                                .synthetic = v->synthetic,
                                .train = v->train,
                                .holdouts = (const char *const *)v->holdouts,
                                .n_holdouts = train->holdouts.n,
                                .controls = (const char *const *)v->controls,
                                .n_controls = train->controls.n,
                                .thresholds = v->thresholds[0] != '\0' ? v->thresholds : NULL};
}

/* Everything that the measures depend on. */
static lk_status describe(struct lk_str *text, struct lk_study_job *job, const struct lk_study_step *step,
                          const lk_measure_options *o, lk_error *err)
{
    const struct lk_study *s = job->study;
    const struct lk_study_set *train = &s->sets[step->train];
    LK_TRY(lk_str_addf(text, err, "measure %s %.17g %" PRIu64 " %" PRIu64 " %.17g %" PRIu64 "\n",
                       lk_version(), o->fdr, o->seed, o->decoys, o->same_person, o->pairs));
    for (size_t i = 0; i < s->strengths.n; i++)
        LK_TRY(lk_str_addf(text, err, "strength %s\n", s->strengths.items[i].text));
    for (size_t i = 0; i < o->n_filters; i++)
        LK_TRY(lk_str_addf(text, err, "filter %s\n", o->filters[i]));
    for (size_t i = 0; i < o->n_strata; i++)
        LK_TRY(lk_str_addf(text, err, "strata %s\n", o->strata[i]));
    for (size_t m = 0; m < s->n_matchers; m++) {
        const char *hash;
        LK_TRY(lk_str_addf(text, err, "matcher %s\n", s->matchers[m].name.text));
        LK_TRY(lk_study_faces_hash(job, m, step->synthetic, &hash, err));
        LK_TRY(lk_str_addf(text, err, "synthetic %s\n", hash));
        LK_TRY(lk_study_faces_hash(job, m, step->train, &hash, err));
        LK_TRY(lk_str_addf(text, err, "train %s\n", hash));
        for (size_t i = 0; i < train->holdouts.n + train->controls.n; i++) {
            bool control = i >= train->holdouts.n;
            const char *name =
                control ? train->controls.items[i - train->holdouts.n].text : train->holdouts.items[i].text;
            LK_TRY(lk_study_faces_hash(job, m, lk_study_find_set(s, name), &hash, err));
            LK_TRY(lk_str_addf(text, err, "%s %s\n", control ? "control" : "holdout", hash));
        }
        char hex[65] = "";
        char *thresholds = lk_study_thresholds_file(s, m, err);
        lk_status status = thresholds != NULL ? LK_OK : LK_ENOMEM;
        if (status == LK_OK && thresholds[0] != '\0')
            status = lk_hash_file(thresholds, hex, err);
        free(thresholds);
        LK_TRY(status);
        LK_TRY(lk_str_addf(text, err, "thresholds %s\n", hex));
    }
    return LK_OK;
}

/* What the settings point into. */
struct values {
    double strengths[LK_STUDY_STRENGTHS];
    const char *filters[LK_MAX_FILTERS], *strata[LK_MAX_STRATA];
};

static void settings(const struct lk_study *s, lk_measure_options *o, struct values *v)
{
    lk_measure_options_init(o);
    o->device = s->device.text;
    o->fdr = lk_study_fdr(s);
    o->seed = (uint64_t)lk_study_value(s->seed, (double)o->seed);
    o->decoys = (uint64_t)lk_study_value(s->decoys, 0);
    o->same_person = lk_study_value(s->same_person, NAN);
    o->pairs = (uint64_t)lk_study_value(s->pairs, (double)o->pairs);
    o->n_strengths = s->strengths.n;
    for (size_t i = 0; i < s->strengths.n; i++)
        v->strengths[i] = strtod(s->strengths.items[i].text, NULL);
    o->strengths = v->strengths;
    o->n_filters = s->filters.n;
    for (size_t i = 0; i < s->filters.n; i++)
        v->filters[i] = s->filters.items[i].text;
    o->filters = v->filters;
    o->n_strata = s->strata.n;
    for (size_t i = 0; i < s->strata.n; i++)
        v->strata[i] = s->strata.items[i].text;
    o->strata = v->strata;
}

static void tell(const lk_measure_summary *done, struct lk_study_note *note)
{
    int len = snprintf(note->text, sizeof note->text, "%s; %" PRIu64 " of %" PRIu64 " units found",
                       lk_verdict_name(done->verdict), done->n_discoveries, done->n_units);
    if (!isnan(done->share))
        snprintf(note->text + len, sizeof note->text - (size_t)len,
                 "; share drawn to the training set %.2f %% (%.2f to %.2f)", 100 * done->share,
                 100 * done->share_low, 100 * done->share_high);
}

static lk_status measure(struct lk_study_job *job, const struct lk_study_step *step, const struct view *views,
                         lk_measure_options *o, struct lk_study_note *note, lk_error *err)
{
    const struct lk_study *s = job->study;
    const struct lk_study_set *train = &s->sets[step->train];
    lk_measure_matcher others[LK_MAX_MATCHERS];
    lk_measure_matcher first = as_matcher(&views[0], train, s->matchers[0].name.text);
    lk_measure_summary done;
    o->name = first.name;
    o->synthetic = first.synthetic;
    o->train = first.train;
    o->holdouts = first.holdouts;
    o->n_holdouts = first.n_holdouts;
    o->controls = first.controls;
    o->n_controls = first.n_controls;
    o->thresholds = first.thresholds;
    for (size_t m = 1; m < s->n_matchers; m++)
        others[m - 1] = as_matcher(&views[m], train, s->matchers[m].name.text);
    o->others = others;
    o->n_others = s->n_matchers - 1;
    o->command = job->options->command;
    LK_TRY(lk_measure(job->ctx, o, &done, err));
    tell(&done, note);
    return LK_OK;
}

/* measures.json of every matcher: the first's in the folder itself. */
static lk_status name_outputs(const struct lk_study *s, const char *folder, char **outputs, lk_error *err)
{
    for (size_t m = 0; m < s->n_matchers; m++) {
        struct lk_str path = LK_STR_INIT;
        lk_status status =
            m == 0 ? lk_str_addf(&path, err, "%s/measures.json", folder)
                   : lk_str_addf(&path, err, "%s/%s/measures.json", folder, s->matchers[m].name.text);
        outputs[m] = path.text;
        LK_TRY(status);
    }
    return LK_OK;
}

lk_status lk_study_measure(struct lk_study_job *job, const struct lk_study_step *step, char key[65],
                           struct lk_study_note *note, lk_error *err)
{
    const struct lk_study *s = job->study;
    struct view views[LK_MAX_MATCHERS] = {{0}};
    char *outputs[LK_MAX_MATCHERS + 1] = {NULL};
    struct values values;
    struct lk_str text = LK_STR_INIT;
    lk_measure_options options;
    bool finished = false;
    settings(s, &options, &values);
    char *folder = lk_study_run_path(s, step->train, step->synthetic, "measure", err);
    lk_status status = folder != NULL ? describe(&text, job, step, &options, err) : LK_ENOMEM;
    if (status == LK_OK)
        status = name_outputs(s, folder, outputs, err);
    if (status == LK_OK)
        status = lk_study_finished(&text, (const char *const *)outputs, key, &finished, err);
    for (size_t m = 0; status == LK_OK && !finished && m < s->n_matchers; m++) {
        unlink(outputs[m]); /* of other inputs or settings: made again, not refused */
        status = view_make(&views[m], s, step, m, err);
    }
    options.output = folder;
    if (status == LK_OK && !finished)
        status = measure(job, step, views, &options, note, err);
    for (size_t m = 0; m < s->n_matchers; m++) {
        view_free(&views[m], &s->sets[step->train]);
        free(outputs[m]);
    }
    free(folder);
    lk_str_free(&text);
    return status;
}
