/* SPDX-License-Identifier: Apache-2.0 */
/* clean.c - lk_clean: FACES directories in, a removal list and the set without what it lists out. */
#include <stdlib.h>
#include <unistd.h>

#include "base/fs.h"
#include "clean/clean.h"

void lk_clean_options_init(lk_clean_options *options)
{
    *options = (lk_clean_options){.limit = NAN, .budget = UINT64_MAX, .budget_share = 1};
    lk_measure_options_init(&options->measure);
}

static lk_status check_options(const lk_clean_options *o, lk_error *err)
{
    const lk_measure_options *m = &o->measure;
    LK_NEED(m->synthetic != NULL && m->train != NULL && m->output != NULL, err, LK_EINVAL,
            "clean needs a synthetic set, a training set and an output folder");
    LK_NEED(o->criterion != LK_CLEAN_MARGIN || (o->limit > 0 && o->limit <= 2), err, LK_EINVAL,
            "clean: a margin of %g, expected more than 0 and at most 2", o->limit);
    LK_NEED(o->criterion != LK_CLEAN_EVALUE || (o->limit > 0 && isfinite(o->limit)), err, LK_EINVAL,
            "clean: an E-value of %g, expected more than 0", o->limit);
    return lk_audit_check_matchers(m, err);
}

/* Its absence says that a run is not finished. */
static lk_status remove_finished(const lk_measure_options *o, lk_error *err)
{
    char *path = lk_path_join(o->output, "clean.json", err);
    if (path == NULL)
        return LK_ENOMEM;
    lk_status status = LK_OK;
    if (lk_path_exists(path) && !o->force)
        status =
            lk_fail(err, LK_EINVAL,
                    "%s: holds a cleaning already; give another output, or --force to replace it", o->output);
    else if (unlink(path) != 0 && errno != ENOENT)
        status = lk_fail_sys(err, LK_EIO, "%s: cannot remove", path);
    free(path);
    return status;
}

static lk_status clean(struct lk_clean *c, lk_error *err)
{
    struct lk_audit after;
    LK_TRY(lk_clean_rounds(c, &after, err));
    lk_clean_view_after(&c->sum->views[0], &after);
    lk_status status = isnan(c->tau) ? LK_OK : lk_clean_try_genuine(c, &after, err);
    if (status == LK_OK)
        status = lk_clean_write_measures(c, &after, "after", NULL, err);
    lk_audit_free(&after);
    LK_TRY(status);
    LK_TRY(lk_clean_views(c, err));
    LK_TRY(lk_clean_list_items(c, err));
    LK_TRY(lk_clean_hash_removed(c, err));
    lk_clean_say(c);
    LK_TRY(lk_clean_write_tables(c, err));
    LK_TRY(lk_clean_write_sets(c, err));
    return lk_clean_write_json(c, err);
}

/* Folders are made only when nothing speaks against it. */
static lk_status prepare(struct lk_clean *c, int *lock, lk_error *err)
{
    const lk_measure_options *o = &c->options->measure;
    LK_TRY(lk_clean_check_outputs(c, err));
    LK_TRY(lk_mkdirs(o->output, err));
    LK_TRY(lk_lock_take(lock, o->output, err));
    return remove_finished(o, err);
}

lk_status lk_clean(lk_ctx *ctx, const lk_clean_options *options, lk_clean_summary *out, lk_error *err)
{
    lk_clean_summary sum = {.n_views = 1 + options->measure.n_others};
    struct lk_clean c = {.ctx = ctx, .options = options, .sum = &sum};
    int lock = -1;
    LK_TRY(check_options(options, err));
    LK_TRY(lk_audit_job_open(&c.job, ctx, &options->measure, 0, err));
    snprintf(sum.views[0].name, sizeof sum.views[0].name, "%s", c.job.of.name);
    lk_status status = prepare(&c, &lock, err);
    if (status == LK_OK)
        status = clean(&c, err);
    lk_lock_release(lock);
    free(c.removed);
    free(c.marks);
    free(c.identity_of);
    free(c.compared);
    free(c.sha256);
    lk_clean_leads_free(&c.leads);
    lk_audit_job_close(&c.job);
    if (status == LK_OK)
        *out = sum;
    return status;
}
