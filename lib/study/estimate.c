/* SPDX-License-Identifier: Apache-2.0 */
/* estimate.c - lk_study_plan: the steps of a study with time, memory and room on disk, as text. */
#include "study/estimate.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"

/* Bytes of a line in the tables, as seen in finished runs. */
enum {
    IMAGE_LINE = 250,
    NEAREST_LINE = 180, /* and its identity's line */
    REFERENCE_LINE = 60,
    PAIR_LINE = 200,
    UNIT_LINE = 300,
    PERSON_LINE = 130,
    REPORT = 4 << 20
};

struct cost {
    double seconds, memory, disk;
};

struct estimate {
    struct lk_study_job *job;
    struct lk_study_size *sizes; /* of each matcher and set */
    struct lk_study_rate embed[LK_MAX_MATCHERS], match[LK_MAX_MATCHERS];
};

static const struct lk_study_size *size_of(const struct estimate *e, size_t matcher, size_t set)
{
    return &e->sizes[matcher * e->job->study->n_sets + set];
}

static double rows(const struct estimate *e, size_t matcher, size_t set)
{
    return (double)size_of(e, matcher, set)->rows;
}

/* Rows of all hold-outs of a training set. */
static double holdout_rows(const struct estimate *e, size_t matcher, size_t train)
{
    const struct lk_study *s = e->job->study;
    const struct lk_study_list *names = &s->sets[train].holdouts;
    double sum = 0;
    for (size_t i = 0; i < names->n; i++)
        sum += rows(e, matcher, lk_study_find_set(s, names->items[i].text));
    return sum;
}

static double control_rows(const struct estimate *e, size_t matcher, size_t train)
{
    const struct lk_study *s = e->job->study;
    const struct lk_study_list *names = &s->sets[train].controls;
    double sum = 0;
    for (size_t i = 0; i < names->n; i++)
        sum += rows(e, matcher, lk_study_find_set(s, names->items[i].text));
    return sum;
}

static struct cost cost_of(const struct estimate *e, const struct lk_study_step *step)
{
    const struct lk_study *s = e->job->study;
    size_t m = step->matcher;
    double dim = (double)e->match[m].dim, n = rows(e, m, step->set), threads = lk_ctx_threads(e->job->ctx);
    double t = rows(e, m, step->train), probes = rows(e, m, step->synthetic),
           h = holdout_rows(e, m, step->train);
    double r = lk_study_value(s->r, 10);
    switch (step->kind) {
    case LK_STUDY_DUPLICATES:
        return (struct cost){n / (1000 * threads), 2e8 + 1100 * n, 100 * n};
    case LK_STUDY_EMBED:
        return (struct cost){n / e->embed[m].each_second + 1, 2e8 + 8e7 * threads,
                             (4 * dim + IMAGE_LINE) * n};
    case LK_STUDY_CALIBRATE:
        return (struct cost){n * n / 2 * dim / 2e9 / threads + 0.1, 4 * dim * n + 1e8, 1e5};
    case LK_STUDY_MATCH:
        return (struct cost){probes * (t + h) / e->match[m].each_second + 0.1,
                             4 * dim * (probes + t + h) + dim * (t + h) + 400 * r * probes + 1e8,
                             2 * dim * (t + h) + 2 * NEAREST_LINE * r * probes + REFERENCE_LINE * (t + h) +
                                 2 * PAIR_LINE * lk_study_value(s->k, 1500)};
    case LK_STUDY_MEASURE: {
        struct cost sum = {0, 0, 0};
        for (size_t i = 0; i < s->n_matchers; i++) {
            double real = rows(e, i, step->train) + holdout_rows(e, i, step->train);
            double seen = real + rows(e, i, step->synthetic) + control_rows(e, i, step->train);
            double memory = 8 * (double)e->match[i].dim * (real + seen) + 1e8;
            sum.seconds += seen * real / e->match[i].each_second + 1;
            sum.memory = memory > sum.memory ? memory : sum.memory;
            sum.disk += UNIT_LINE * rows(e, i, step->synthetic) + PERSON_LINE * real + 5e5;
        }
        return sum;
    }
    case LK_STUDY_REPORT:
        return (struct cost){0.5, 2e8 + 500 * probes, REPORT};
    case LK_STUDY_COMPARE:
        break;
    }
    return (struct cost){0.5, 1e8, 2e5};
}

/* ---- text ---------------------------------------------------------------------------------------------- */

static const char *duration(char out[32], double seconds)
{
    uint64_t s = (uint64_t)(seconds + 0.5);
    if (seconds < 9.95)
        snprintf(out, 32, "%.1f s", seconds);
    else if (s < 100)
        snprintf(out, 32, "%" PRIu64 " s", s);
    else if (s < 6000)
        snprintf(out, 32, "%" PRIu64 " min", (s + 30) / 60);
    else
        snprintf(out, 32, "%.1f h", seconds / 3600);
    return out;
}

static const char *bytes(char out[32], double n)
{
    static const char *const units[] = {"kB", "MB", "GB", "TB"};
    size_t u = 0;
    for (n /= 1000; n >= 1000 && u < 3; u++)
        n /= 1000;
    snprintf(out, 32, n < 10 ? "%.1f %s" : "%.0f %s", n, units[u]);
    return out;
}

static lk_status add_rates(const struct estimate *e, struct lk_str *text, lk_error *err)
{
    const struct lk_study *s = e->job->study;
    for (size_t m = 0; m < s->n_matchers; m++) {
        if (e->embed[m].how != NULL)
            LK_TRY(lk_str_addf(text, err, "%s: %.0f images/s, %s\n", s->matchers[m].name.text,
                               e->embed[m].each_second, e->embed[m].how));
        LK_TRY(lk_str_addf(text, err, "%s: %.0f million pairs/s of %" PRIu64 " numbers, %s\n",
                           s->matchers[m].name.text, e->match[m].each_second / 1e6, e->match[m].dim,
                           e->match[m].how));
    }
    return LK_OK;
}

static lk_status add_steps(const struct estimate *e, const struct lk_study_plan *plan,
                           const struct lk_study_log *log, struct lk_str *text, lk_error *err)
{
    char a[32], b[32], c[32];
    struct cost sum = {0, 0, 0};
    size_t left = 0;
    for (size_t i = 0; i < plan->n; i++) {
        const json_t *known = json_array_get(json_object_get(log->root, "steps"), i);
        bool done = strcmp(json_string_value(json_object_get(known, "state")), "done") == 0;
        struct cost cost = cost_of(e, &plan->steps[i]);
        left += !done;
        LK_TRY(lk_str_addf(text, err, "%4zu  %-44s ", i + 1, plan->steps[i].name));
        if (done) {
            LK_TRY(lk_str_addz(text, "done\n", err));
            continue;
        }
        LK_TRY(lk_str_addf(text, err, "%8s %9s %9s\n", duration(a, cost.seconds), bytes(b, cost.memory),
                           bytes(c, cost.disk)));
        sum.seconds += cost.seconds;
        sum.disk += cost.disk;
        sum.memory = cost.memory > sum.memory ? cost.memory : sum.memory;
    }
    return lk_str_addf(text, err,
                       "%zu of %zu steps to do: about %s, at most about %s of memory, about %s on disk\n",
                       left, plan->n, duration(a, sum.seconds), bytes(b, sum.memory), bytes(c, sum.disk));
}

/* ---- the job ------------------------------------------------------------------------------------------- */

static lk_status find_sizes(struct estimate *e, lk_error *err)
{
    const struct lk_study *s = e->job->study;
    e->sizes = lk_calloc(s->n_matchers * s->n_sets, sizeof *e->sizes, err);
    if (e->sizes == NULL)
        return LK_ENOMEM;
    for (size_t i = 0; i < s->n_sets; i++) {
        struct lk_study_size images = {0}; /* as many for each matcher that has to embed them */
        for (size_t m = 0; m < s->n_matchers; m++) {
            struct lk_study_size *size = &e->sizes[m * s->n_sets + i];
            if (!lk_study_wants(s, i, m))
                continue;
            bool given = lk_study_given_faces(s, i, m) != NULL;
            if (given || images.rows == 0)
                LK_TRY(lk_study_measure_size(size, e->job, m, i, err));
            else
                *size = images;
            if (!given)
                images = *size;
        }
    }
    return LK_OK;
}

static lk_status find_rates(struct estimate *e, lk_error *err)
{
    const struct lk_study *s = e->job->study;
    for (size_t m = 0; m < s->n_matchers; m++) {
        uint64_t dim = 0;
        bool embeds = false;
        for (size_t i = 0; i < s->n_sets; i++) {
            dim = size_of(e, m, i)->dim > 0 ? size_of(e, m, i)->dim : dim;
            embeds = embeds || (lk_study_wants(s, i, m) && lk_study_given_faces(s, i, m) == NULL);
        }
        if (embeds) {
            LK_TRY(lk_study_embed_rate(&e->embed[m], e->job, m, err));
            dim = e->embed[m].dim;
        }
        for (size_t k = 0; k < m && e->match[m].how == NULL; k++) /* the same length, the same speed */
            if (e->match[k].dim == dim)
                e->match[m] = e->match[k];
        if (e->match[m].how == NULL)
            LK_TRY(lk_study_match_rate(&e->match[m], e->job, dim, err));
    }
    return LK_OK;
}

static lk_status describe(struct lk_study_job *job, const struct lk_study_plan *plan,
                          const struct lk_study_log *log, struct lk_str *text, lk_error *err)
{
    struct estimate e = {.job = job};
    lk_status status = find_sizes(&e, err);
    if (status == LK_OK)
        status = find_rates(&e, err);
    if (status == LK_OK)
        status = lk_str_addf(text, err, "study %s into %s\n", job->study->file, job->study->output.text);
    if (status == LK_OK)
        status = add_rates(&e, text, err);
    if (status == LK_OK)
        status = lk_str_addf(text, err, "%4s  %-44s %8s %9s %9s\n", "step", "", "time", "memory", "disk");
    if (status == LK_OK)
        status = add_steps(&e, plan, log, text, err);
    free(e.sizes);
    return status;
}

lk_status lk_study_plan(lk_ctx *ctx, const lk_study_options *options, char **out, lk_error *err)
{
    struct lk_study study;
    struct lk_study_plan plan = {0};
    struct lk_study_log log = {0};
    struct lk_str text = LK_STR_INIT;
    LK_NEED(options->file != NULL, err, LK_EINVAL, "study: no study file was given");
    LK_TRY(lk_study_open(&study, options->file, err));
    struct lk_study_job job = {.ctx = ctx, .study = &study, .options = options};
    lk_status status = lk_study_plan_make(&plan, &study, err);
    if (status == LK_OK)
        status = lk_study_log_open(&log, &study, &plan, err);
    if (status == LK_OK)
        status = describe(&job, &plan, &log, &text, err);
    lk_study_log_close(&log);
    lk_study_plan_free(&plan);
    lk_study_close(&study);
    if (status == LK_OK)
        *out = text.text;
    else
        lk_str_free(&text);
    return status;
}
