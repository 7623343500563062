/* SPDX-License-Identifier: Apache-2.0 */
/* views.c - what each matcher measures before and after; the other matchers only look on. */
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "clean/clean.h"

static void share_of(const struct lk_audit *a, double share[3])
{
    bool held = lk_audit_has_holdout(a);
    share[0] = held ? a->pull.pi : NAN;
    share[1] = held ? a->pull.pi_low : NAN;
    share[2] = held ? a->pull.pi_high : NAN;
}

void lk_clean_view_before(lk_clean_view *view, const struct lk_audit *a)
{
    view->before = a->verdict;
    view->n_before = a->n_units;
    for (size_t u = 0; u < a->n_units; u++)
        view->found_before += lk_clean_found(a, u);
    share_of(a, view->share_before);
}

void lk_clean_view_after(lk_clean_view *view, const struct lk_audit *a)
{
    view->after = a->verdict;
    view->n_after = a->n_units;
    for (size_t u = 0; u < a->n_units; u++)
        view->found_after += lk_clean_found(a, u);
    share_of(a, view->share_after);
}

lk_status lk_clean_write_measures(const struct lk_clean *c, const struct lk_audit *a, const char *when,
                                  const char *name, lk_error *err)
{
    char *folder = lk_path_join(c->options->measure.output, when, err);
    char *below = folder != NULL && name != NULL ? lk_path_join(folder, name, err) : NULL;
    const char *to = name != NULL ? below : folder;
    lk_status status = to != NULL ? lk_mkdirs(to, err) : LK_ENOMEM;
    if (status == LK_OK)
        status = lk_audit_write_tables(a, to, err);
    if (status == LK_OK)
        status = lk_audit_write_json(a, NULL, to, c->options->measure.command, err);
    free(folder);
    free(below);
    return status;
}

/* ---- another matcher ---------------------------------------------------------------------------------- */

/* The first matcher's identities by key. */
static lk_status name_first(const struct lk_clean *c, struct lk_names *names, lk_error *err)
{
    const struct lk_audit_set *s = c->job.input.synthetic;
    for (uint32_t p = 0; p < s->n_persons; p++) {
        char room[LK_AUDIT_KEY];
        const char *key = lk_audit_identity_key(s, p, room);
        uint32_t number;
        LK_TRY(lk_names_add(names, key, strlen(key), &number, err));
        LK_NEED(number == p, err, LK_EFORMAT,
                "synthetic: two images without an identity have the path %s; expected different ones", key);
    }
    return LK_OK;
}

/* Which of the other matcher's identities are removed; one that the first did not see stays. */
static lk_status translate(const struct lk_clean *c, const struct lk_names *first,
                           const struct lk_audit_set *s, bool *removed, lk_error *err)
{
    uint32_t n_common = 0;
    for (uint32_t p = 0; p < s->n_persons; p++) {
        char room[LK_AUDIT_KEY];
        const char *key = lk_audit_identity_key(s, p, room);
        uint32_t at = lk_names_find(first, key, strlen(key));
        removed[p] = at != LK_NO_NAME && c->removed[at];
        n_common += at != LK_NO_NAME;
    }
    LK_NEED(n_common > 0, err, LK_EINVAL,
            "the matchers have no synthetic identity in common; expected embeddings of the same pictures");
    return LK_OK;
}

static void count_second(struct lk_clean *c, lk_clean_view *view, const struct lk_audit *a,
                         const bool *removed)
{
    for (size_t u = 0; u < a->n_units; u++)
        if (lk_clean_found(a, u)) {
            bool kept = !removed[a->units[u].identity];
            view->found_kept += kept;
            c->second_missed += kept;
            c->second_n++;
        }
}

static lk_status measure_twice(struct lk_clean *c, struct lk_audit_job *job, const bool *removed,
                               lk_clean_view *view, lk_error *err)
{
    for (int after = 0; after < 2; after++) {
        struct lk_audit a;
        job->input.removed = after ? removed : NULL;
        LK_TRY(lk_audit_run(&a, c->ctx, &job->input, err));
        if (after) {
            lk_clean_view_after(view, &a);
        } else {
            lk_clean_view_before(view, &a);
            count_second(c, view, &a, removed);
        }
        lk_status status = lk_clean_write_measures(c, &a, after ? "after" : "before", view->name, err);
        lk_audit_free(&a);
        LK_TRY(status);
    }
    return LK_OK;
}

static lk_status add_view(struct lk_clean *c, const struct lk_names *first, size_t index, lk_error *err)
{
    struct lk_audit_job job;
    lk_clean_view *view = &c->sum->views[index];
    LK_TRY(lk_audit_job_open(&job, c->ctx, &c->options->measure, index, err));
    snprintf(view->name, sizeof view->name, "%s", job.of.name);
    bool *removed = lk_calloc(job.input.synthetic->n_persons, sizeof *removed, err);
    lk_status status = removed != NULL ? translate(c, first, job.input.synthetic, removed, err) : LK_ENOMEM;
    if (status == LK_OK)
        status = measure_twice(c, &job, removed, view, err);
    free(removed);
    lk_audit_job_close(&job);
    return status;
}

lk_status lk_clean_views(struct lk_clean *c, lk_error *err)
{
    struct lk_names first = {0};
    lk_status status = name_first(c, &first, err);
    for (size_t i = 1; status == LK_OK && i < c->sum->n_views; i++)
        status = add_view(c, &first, i, err);
    lk_names_free(&first);
    if (status == LK_OK)
        lk_clean_residual_of(c->sum->views[0].share_before, c->second_missed, c->second_n, &c->sum->second);
    return status;
}
