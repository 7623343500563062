/* SPDX-License-Identifier: Apache-2.0 */
/* json.c - clean.json: what was removed and why, what that guarantees, and the measures before and after. */
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "clean/clean.h"
#include "formats/json.h"

static json_t *estimate(const double x[3])
{
    return lk_json_estimate(x[0], x[1], x[2]);
}

static json_t *criterion(const struct lk_clean *c, bool *failed)
{
    const lk_clean_options *o = c->options;
    bool by_rate = o->criterion == LK_CLEAN_DISCOVERIES;
    json_t *j = json_object();
    lk_json_set(j, "name",
                json_string(o->criterion == LK_CLEAN_MARGIN   ? "margin"
                            : o->criterion == LK_CLEAN_EVALUE ? "e_value"
                            : c->by_controls                  ? "control"
                                                              : "discovery"),
                failed);
    lk_json_set(j, "fdr", by_rate ? lk_json_number(o->measure.fdr) : json_null(), failed);
    lk_json_set(j, "limit", by_rate ? json_null() : lk_json_number(o->limit), failed);
    lk_json_set(j, "tau", lk_json_number(c->tau), failed);
    return j;
}

static json_t *removal(const struct lk_clean *c, bool *failed)
{
    const lk_clean_summary *s = c->sum;
    json_t *j = json_object();
    lk_json_set(j, "identities", lk_json_count(s->n_identities), failed);
    lk_json_set(j, "removed", lk_json_count(s->n_removed), failed);
    lk_json_set(j, "removed_for_copies", lk_json_count(s->n_copies), failed);
    lk_json_set(j, "images_removed", lk_json_count(s->n_images_removed), failed);
    lk_json_set(j, "images_kept", lk_json_count(s->n_images_kept), failed);
    lk_json_set(j, "images_not_compared", lk_json_count(s->n_not_compared), failed);
    lk_json_set(j, "rounds", lk_json_count(s->n_rounds), failed);
    lk_json_set(j, "budget", s->budget < UINT64_MAX ? lk_json_count(s->budget) : json_null(), failed);
    lk_json_set(j, "left", lk_json_count(s->n_left), failed);
    return j;
}

static json_t *guarantee(const struct lk_clean *c, bool *failed)
{
    const struct lk_audit_set *t = c->job.input.train;
    json_t *j = json_object();
    lk_json_set(j, "holds", json_boolean(!isnan(c->tau) && c->n_marked == 0), failed);
    lk_json_set(j, "sentence", lk_json_text_or_null(c->sum->guarantee), failed);
    lk_json_set(j, "closest_left", lk_json_number(c->sum->closest_left), failed);
    lk_json_set(j, "matcher", json_string(c->job.of.name), failed);
    lk_json_set(j, "references", lk_json_count(t->rows), failed);
    lk_json_set(j, "persons", lk_json_count(t->n_persons), failed);
    return j;
}

static json_t *missed(const lk_clean_residual *r, bool *failed)
{
    if (r->n == 0)
        return json_null();
    json_t *j = json_object();
    lk_json_set(j, "leaks", lk_json_count(r->n), failed);
    lk_json_set(j, "missed", lk_json_count(r->missed), failed);
    lk_json_set(j, "fnmr", estimate(r->fnmr), failed);
    lk_json_set(j, "share", estimate(r->share), failed);
    return j;
}

static json_t *residual(const struct lk_clean *c, bool *failed)
{
    json_t *j = json_object();
    lk_json_set(j, "sentence", lk_json_text_or_null(c->sum->residual), failed);
    lk_json_set(j, "pi", estimate(c->sum->views[0].share_before), failed);
    lk_json_set(j, "genuine", missed(&c->sum->genuine, failed), failed);
    lk_json_set(j, "other_matchers", missed(&c->sum->second, failed), failed);
    return j;
}

static json_t *side(lk_verdict verdict, uint64_t units, uint64_t found, const double share[3], bool *failed)
{
    json_t *j = json_object();
    lk_json_set(j, "verdict", json_string(lk_verdict_name(verdict)), failed);
    lk_json_set(j, "units", lk_json_count(units), failed);
    lk_json_set(j, "discoveries", lk_json_count(found), failed);
    lk_json_set(j, "pi", estimate(share), failed);
    return j;
}

static json_t *views(const struct lk_clean *c, bool *failed)
{
    json_t *list = json_array();
    for (size_t i = 0; i < c->sum->n_views; i++) {
        const lk_clean_view *v = &c->sum->views[i];
        json_t *j = json_object();
        lk_json_set(j, "name", json_string(v->name), failed);
        lk_json_set(j, "folder", i > 0 ? json_string(v->name) : json_null(), failed);
        lk_json_set(j, "before", side(v->before, v->n_before, v->found_before, v->share_before, failed),
                    failed);
        lk_json_set(j, "after", side(v->after, v->n_after, v->found_after, v->share_after, failed), failed);
        lk_json_set(j, "discoveries_kept", lk_json_count(v->found_kept), failed);
        json_array_append_new(list, j);
    }
    return list;
}

static json_t *sets(const struct lk_clean *c, bool *failed)
{
    const lk_clean_options *o = c->options;
    json_t *j = json_object();
    lk_json_set(j, "copy", lk_json_text_or_null(o->copy), failed);
    lk_json_set(j, "link", lk_json_text_or_null(o->link), failed);
    lk_json_set(j, "tar", lk_json_text_or_null(o->tar), failed);
    lk_json_set(j, "zip", lk_json_text_or_null(o->zip), failed);
    lk_json_set(j, "rec", lk_json_text_or_null(o->rec), failed);
    return j;
}

static json_t *filters(const struct lk_clean *c)
{
    json_t *list = json_array();
    for (size_t i = 0; i < c->options->measure.n_filters; i++)
        json_array_append_new(list, lk_json_text(c->options->measure.filters[i]));
    return list;
}

lk_status lk_clean_write_json(const struct lk_clean *c, lk_error *err)
{
    bool failed = false;
    const struct lk_audit_set *s = c->job.input.synthetic;
    json_t *o = json_object();
    lk_json_set(o, "kind", json_string("clean"), &failed);
    lk_json_set(o, "format", json_integer(1), &failed);
    lk_json_set(o, "tool", json_sprintf("likeness %s", lk_version()), &failed);
    lk_json_set(o, "command", lk_json_text_or_null(c->options->measure.command), &failed);
    lk_json_set(o, "synthetic", lk_json_text_or_null(s->path), &failed);
    lk_json_set(o, "embeddings_sha256", json_string(s->file.embeddings_sha256), &failed);
    lk_json_set(o, "unit", json_string(s->labelled ? "identity" : "image"), &failed);
    lk_json_set(o, "seed", lk_json_count(c->options->measure.seed), &failed);
    lk_json_set(o, "filters", filters(c), &failed);
    lk_json_set(o, "criterion", criterion(c, &failed), &failed);
    lk_json_set(o, "removal", removal(c, &failed), &failed);
    lk_json_set(o, "guarantee", guarantee(c, &failed), &failed);
    lk_json_set(o, "residual", residual(c, &failed), &failed);
    lk_json_set(o, "matchers", views(c, &failed), &failed);
    lk_json_set(o, "sets", sets(c, &failed), &failed);
    char *path = lk_path_join(c->options->measure.output, "clean.json", err);
    lk_status status = path != NULL ? LK_OK : LK_ENOMEM;
    if (status == LK_OK && failed)
        status = lk_fail(err, LK_ENOMEM, "%s: out of memory", path);
    if (status == LK_OK)
        status = lk_json_write(path, o, err);
    json_decref(o);
    free(path);
    return status;
}
