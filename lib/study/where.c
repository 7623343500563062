/* SPDX-License-Identifier: Apache-2.0 */
/* where.c - lk_study_where: how far the study is that writes into a folder. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "formats/json.h"
#include "study/plan.h"

/* Whether a running process holds the folder. The lock is let go of at once; a study that starts in this very moment
 * would find it taken and say so. */
static lk_status is_held(const char *folder, int *held, lk_error *err)
{
    char *path = lk_path_join(folder, ".lock", err);
    if (path == NULL)
        return LK_ENOMEM;
    bool there = lk_path_exists(path);
    free(path);
    *held = 0;
    if (!there)
        return LK_OK;
    int lock = -1;
    lk_status status = lk_lock_take(&lock, folder, err);
    lk_lock_release(lock);
    *held = status == LK_EBUSY;
    return *held ? LK_OK : status;
}

static lk_status add_step(struct lk_str *text, const json_t *step, const char *where, lk_study_progress *p,
                          lk_error *err)
{
    const char *name = "", *state = "", *message = "";
    double seconds = 0;
    LK_NEED(json_is_object(step), err, LK_EFORMAT, "%s: expected a list of steps", where);
    LK_TRY(lk_json_string(step, "name", 1, &name, where, err));
    LK_TRY(lk_json_string(step, "state", 1, &state, where, err));
    LK_TRY(lk_json_string(step, "message", 0, &message, where, err));
    LK_TRY(lk_json_real(step, "seconds", 0, &seconds, where, err));
    p->n_steps++;
    bool done = strcmp(state, "done") == 0, running = strcmp(state, "running") == 0;
    p->n_done += done;
    p->n_failed += strcmp(state, "failed") == 0;
    if (running && !p->held)
        state = "stopped";
    LK_TRY(lk_str_addf(text, err, "%-8s %s", state, name));
    if (done)
        LK_TRY(lk_str_addf(text, err, " (%.1f s)", seconds));
    if (message[0] != '\0')
        LK_TRY(lk_str_addf(text, err, ": %s", message));
    return lk_str_addz(text, "\n", err);
}

static lk_status describe(const json_t *root, const char *where, lk_study_progress *p, struct lk_str *text,
                          lk_error *err)
{
    const char *kind = "", *study = "";
    size_t i;
    json_t *step;
    struct lk_str steps = LK_STR_INIT;
    LK_TRY(lk_json_string(root, "kind", 1, &kind, where, err));
    LK_NEED(strcmp(kind, "steps") == 0, err, LK_EFORMAT, "%s: kind is \"%.40s\", expected \"steps\"", where,
            kind);
    LK_TRY(lk_json_string(root, "study", 1, &study, where, err));
    lk_status status = LK_OK;
    json_array_foreach(json_object_get(root, "steps"), i, step) if (status == LK_OK) status =
        add_step(&steps, step, where, p, err);
    p->stopped = !p->held && p->n_done < p->n_steps;
    if (status == LK_OK)
        status = lk_str_addf(text, err, "study %s: %" PRIu64 " of %" PRIu64 " steps done; %s\n", study,
                             p->n_done, p->n_steps,
                             p->held           ? "running"
                             : p->n_failed > 0 ? "failed, nothing runs"
                             : p->stopped      ? "stopped, nothing runs; the same command goes on"
                                               : "finished");
    if (status == LK_OK)
        status = lk_str_addz(text, steps.text != NULL ? steps.text : "", err);
    lk_str_free(&steps);
    return status;
}

lk_status lk_study_where(const char *folder, lk_study_progress *out, lk_error *err)
{
    lk_study_progress progress = {.n_steps = 0};
    struct lk_str text = LK_STR_INIT;
    json_t *root = NULL;
    char *path = lk_path_join(folder, "steps.json", err);
    if (path == NULL)
        return LK_ENOMEM;
    lk_status status = LK_OK;
    if (!lk_path_exists(path))
        status = lk_fail(err, LK_EINVAL, "%s: holds no study: expected steps.json in it", folder);
    if (status == LK_OK)
        status = is_held(folder, &progress.held, err);
    if (status == LK_OK)
        status = lk_json_read(path, &root, err);
    if (status == LK_OK)
        status = describe(root, path, &progress, &text, err);
    json_decref(root);
    free(path);
    if (status == LK_OK) {
        progress.text = text.text;
        *out = progress;
    } else {
        lk_str_free(&text);
    }
    return status;
}
