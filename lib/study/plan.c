/* SPDX-License-Identifier: Apache-2.0 */
/* plan.c - the steps of a study, each thing that several runs need once. */
#include <stdio.h>
#include <stdlib.h>

#include "study/plan.h"

static const char *name_of(const struct lk_study *s, size_t set)
{
    return s->sets[set].name.text;
}

static lk_status add(struct lk_study_plan *plan, const struct lk_study *s, struct lk_study_step step,
                     lk_error *err)
{
    static const char *const words[] = {"duplicates", "embed",  "calibrate", "match",
                                        "measure",    "report", "compare"};
    struct lk_str name = LK_STR_INIT;
    LK_TRY(lk_grow(&plan->steps, &plan->capacity, plan->n + 1, sizeof *plan->steps, err));
    lk_status status = lk_str_addz(&name, words[step.kind], err);
    bool by_matcher =
        step.kind == LK_STUDY_EMBED || step.kind == LK_STUDY_CALIBRATE || step.kind == LK_STUDY_MATCH;
    if (status == LK_OK && by_matcher)
        status = lk_str_addf(&name, err, " %s", s->matchers[step.matcher].name.text);
    if (status == LK_OK && (step.kind == LK_STUDY_DUPLICATES || step.kind == LK_STUDY_EMBED))
        status = lk_str_addf(&name, err, " %s", name_of(s, step.set));
    if (status == LK_OK && step.kind >= LK_STUDY_MATCH && step.kind <= LK_STUDY_REPORT)
        status = lk_str_addf(&name, err, " %s %s", name_of(s, step.train), name_of(s, step.synthetic));
    step.name = name.text;
    if (status == LK_OK)
        plan->steps[plan->n++] = step;
    else
        lk_str_free(&name);
    return status;
}

static lk_status add_run(struct lk_study_plan *plan, const struct lk_study *s, size_t train, size_t synthetic,
                         lk_error *err)
{
    struct lk_study_step step = {.kind = LK_STUDY_MATCH, .train = train, .synthetic = synthetic};
    for (step.matcher = 0; step.matcher < s->n_matchers; step.matcher++)
        LK_TRY(add(plan, s, step, err));
    step.matcher = 0; /* the rest is of all matchers at once */
    step.kind = LK_STUDY_MEASURE;
    LK_TRY(add(plan, s, step, err));
    step.kind = LK_STUDY_REPORT;
    return add(plan, s, step, err);
}

static lk_status add_all(struct lk_study_plan *plan, const struct lk_study *s, lk_error *err)
{
    struct lk_study_step step = {.kind = LK_STUDY_DUPLICATES};
    for (step.set = 0; step.set < s->n_sets; step.set++)
        if (s->sets[step.set].duplicates.value != 0)
            LK_TRY(add(plan, s, step, err));
    for (step.matcher = 0; step.matcher < s->n_matchers; step.matcher++) {
        step.kind = LK_STUDY_EMBED;
        for (step.set = 0; step.set < s->n_sets; step.set++)
            if (lk_study_wants(s, step.set, step.matcher) &&
                lk_study_given_faces(s, step.set, step.matcher) == NULL)
                LK_TRY(add(plan, s, step, err));
        step.kind = LK_STUDY_CALIBRATE;
        step.set = lk_study_calibration_of(s, step.matcher);
        if (step.set != SIZE_MAX)
            LK_TRY(add(plan, s, step, err));
    }
    for (size_t t = 0; t < s->n_sets; t++)
        for (size_t i = 0; s->sets[t].role == LK_STUDY_TRAIN && i < s->n_sets; i++)
            if (s->sets[i].role == LK_STUDY_SYNTHETIC && lk_study_pairs_up(s, t, i))
                LK_TRY(add_run(plan, s, t, i, err));
    return add(plan, s, (struct lk_study_step){.kind = LK_STUDY_COMPARE}, err);
}

lk_status lk_study_plan_make(struct lk_study_plan *out, const struct lk_study *study, lk_error *err)
{
    *out = (struct lk_study_plan){0};
    lk_status status = add_all(out, study, err);
    if (status != LK_OK)
        lk_study_plan_free(out);
    return status;
}

void lk_study_plan_free(struct lk_study_plan *plan)
{
    for (size_t i = 0; i < plan->n; i++)
        free(plan->steps[i].name);
    free(plan->steps);
    *plan = (struct lk_study_plan){0};
}
