/* SPDX-License-Identifier: Apache-2.0 */
/* log.c - steps.json: how far a study is, and what each finished step was made from. */
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "formats/json.h"
#include "study/plan.h"

const char *const lk_study_state_names[LK_STUDY_N_STATES] = {"waiting", "running", "done", "failed"};

/* What an earlier run knew of a step, or NULL. */
static const json_t *find(const json_t *steps, const char *name)
{
    size_t i;
    json_t *step;
    json_array_foreach(steps, i, step)
    {
        const char *found = json_string_value(json_object_get(step, "name"));
        if (found != NULL && strcmp(found, name) == 0)
            return step;
    }
    return NULL;
}

static json_t *fresh(const struct lk_study_step *step, const json_t *before)
{
    const char *state = json_string_value(json_object_get(before, "state"));
    const char *key = json_string_value(json_object_get(before, "key"));
    bool done = state != NULL && key != NULL && strcmp(state, "done") == 0;
    /* A step that was stopped while it was being looked at is still finished, if its outputs are there. */
    return json_pack("{s:s, s:s, s:s, s:f}", "name", step->name, "state", done ? "done" : "waiting", "key",
                     key != NULL ? key : "", "seconds",
                     json_number_value(json_object_get(before, "seconds")));
}

lk_status lk_study_log_open(struct lk_study_log *log, const struct lk_study *study,
                            const struct lk_study_plan *plan, lk_error *err)
{
    json_t *old = NULL, *steps = json_array();
    *log = (struct lk_study_log){0};
    lk_status status = LK_OK;
    log->path = lk_path_join(study->output.text, "steps.json", err);
    if (log->path == NULL)
        status = LK_ENOMEM;
    else if (lk_path_exists(log->path))
        status = lk_json_read(log->path, &old, err);
    if (status == LK_EFORMAT) /* nothing but the knowledge of what is finished is lost */
        status = LK_OK;
    for (size_t i = 0; status == LK_OK && i < plan->n; i++)
        if (json_array_append_new(
                steps, fresh(&plan->steps[i], find(json_object_get(old, "steps"), plan->steps[i].name))) != 0)
            status = lk_fail(err, LK_ENOMEM, "%s: out of memory", log->path);
    json_decref(old);
    log->root = json_pack("{s:s, s:i, s:s, s:o, s:o}", "kind", "steps", "format", 1, "tool", lk_version(),
                          "study", lk_json_text(study->file), "steps", steps);
    if (status == LK_OK && log->root == NULL)
        status = lk_fail(err, LK_ENOMEM, "%s: out of memory", log->path);
    if (status != LK_OK)
        lk_study_log_close(log);
    return status;
}

void lk_study_log_close(struct lk_study_log *log)
{
    json_decref(log->root);
    free(log->path);
    *log = (struct lk_study_log){0};
}

static json_t *step_of(const struct lk_study_log *log, size_t step)
{
    return json_array_get(json_object_get(log->root, "steps"), step);
}

const char *lk_study_log_key(const struct lk_study_log *log, size_t step)
{
    return json_string_value(json_object_get(step_of(log, step), "key"));
}

lk_status lk_study_log_set(struct lk_study_log *log, size_t step, enum lk_study_state state, const char *key,
                           const char *message, double seconds, lk_error *err)
{
    json_t *of = step_of(log, step);
    bool failed = json_object_set_new(of, "state", json_string(lk_study_state_names[state])) != 0;
    failed |= json_object_set_new(of, "key", json_string(key != NULL ? key : "")) != 0;
    failed |= json_object_set_new(of, "seconds", json_real(seconds)) != 0;
    if (message != NULL)
        failed |= json_object_set_new(of, "message", lk_json_text(message)) != 0;
    else
        json_object_del(of, "message");
    LK_NEED(!failed, err, LK_ENOMEM, "%s: out of memory", log->path);
    return lk_json_write(log->path, log->root, err);
}
