/* SPDX-License-Identifier: Apache-2.0 */
/* json.c - clean.json: what was removed and why, what that guarantees, and the measures before and after. */
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "clean/clean.h"
#include "formats/json.h"

static void set(json_t *object, const char *key, json_t *value, bool *failed)
{
    if (json_object_set_new(object, key, value) != 0)
        *failed = true;
}

static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *count(uint64_t value)
{
    return json_integer((json_int_t)value);
}

static json_t *text(const char *value)
{
    return value != NULL ? lk_json_text(value) : json_null();
}

static json_t *estimate(const double x[3])
{
    return json_pack("{s:o, s:o, s:o}", "value", number(x[0]), "low", number(x[1]), "high", number(x[2]));
}

static json_t *criterion(const struct lk_clean *c, bool *failed)
{
    const lk_clean_options *o = c->options;
    bool by_rate = o->criterion == LK_CLEAN_DISCOVERIES;
    json_t *j = json_object();
    set(j, "name",
        json_string(o->criterion == LK_CLEAN_MARGIN   ? "margin"
                    : o->criterion == LK_CLEAN_EVALUE ? "e_value"
                    : c->by_controls                  ? "control"
                                                      : "discovery"),
        failed);
    set(j, "fdr", by_rate ? number(o->measure.fdr) : json_null(), failed);
    set(j, "limit", by_rate ? json_null() : number(o->limit), failed);
    set(j, "tau", number(c->tau), failed);
    return j;
}

static json_t *removal(const struct lk_clean *c, bool *failed)
{
    const lk_clean_summary *s = c->sum;
    json_t *j = json_object();
    set(j, "identities", count(s->n_identities), failed);
    set(j, "removed", count(s->n_removed), failed);
    set(j, "removed_for_copies", count(s->n_copies), failed);
    set(j, "images_removed", count(s->n_images_removed), failed);
    set(j, "images_kept", count(s->n_images_kept), failed);
    set(j, "images_not_compared", count(s->n_not_compared), failed);
    set(j, "rounds", count(s->n_rounds), failed);
    set(j, "budget", s->budget < UINT64_MAX ? count(s->budget) : json_null(), failed);
    set(j, "left", count(s->n_left), failed);
    return j;
}

static json_t *guarantee(const struct lk_clean *c, bool *failed)
{
    const struct lk_audit_set *t = c->job.input.train;
    json_t *j = json_object();
    set(j, "holds", json_boolean(!isnan(c->tau) && c->n_marked == 0), failed);
    set(j, "sentence", text(c->sum->guarantee), failed);
    set(j, "closest_left", number(c->sum->closest_left), failed);
    set(j, "matcher", json_string(c->job.of.name), failed);
    set(j, "references", count(t->rows), failed);
    set(j, "persons", count(t->n_persons), failed);
    return j;
}

static json_t *missed(const lk_clean_residual *r, bool *failed)
{
    if (r->n == 0)
        return json_null();
    json_t *j = json_object();
    set(j, "leaks", count(r->n), failed);
    set(j, "missed", count(r->missed), failed);
    set(j, "fnmr", estimate(r->fnmr), failed);
    set(j, "share", estimate(r->share), failed);
    return j;
}

static json_t *residual(const struct lk_clean *c, bool *failed)
{
    json_t *j = json_object();
    set(j, "sentence", text(c->sum->residual), failed);
    set(j, "pi", estimate(c->sum->views[0].share_before), failed);
    set(j, "genuine", missed(&c->sum->genuine, failed), failed);
    set(j, "other_matchers", missed(&c->sum->second, failed), failed);
    return j;
}

static json_t *side(lk_verdict verdict, uint64_t units, uint64_t found, const double share[3], bool *failed)
{
    json_t *j = json_object();
    set(j, "verdict", json_string(lk_verdict_name(verdict)), failed);
    set(j, "units", count(units), failed);
    set(j, "discoveries", count(found), failed);
    set(j, "pi", estimate(share), failed);
    return j;
}

static json_t *views(const struct lk_clean *c, bool *failed)
{
    json_t *list = json_array();
    for (size_t i = 0; i < c->sum->n_views; i++) {
        const lk_clean_view *v = &c->sum->views[i];
        json_t *j = json_object();
        set(j, "name", json_string(v->name), failed);
        set(j, "folder", i > 0 ? json_string(v->name) : json_null(), failed);
        set(j, "before", side(v->before, v->n_before, v->found_before, v->share_before, failed), failed);
        set(j, "after", side(v->after, v->n_after, v->found_after, v->share_after, failed), failed);
        set(j, "discoveries_kept", count(v->found_kept), failed);
        json_array_append_new(list, j);
    }
    return list;
}

static json_t *sets(const struct lk_clean *c, bool *failed)
{
    const lk_clean_options *o = c->options;
    json_t *j = json_object();
    set(j, "copy", text(o->copy), failed);
    set(j, "link", text(o->link), failed);
    set(j, "tar", text(o->tar), failed);
    set(j, "zip", text(o->zip), failed);
    set(j, "rec", text(o->rec), failed);
    return j;
}

lk_status lk_clean_write_json(const struct lk_clean *c, lk_error *err)
{
    bool failed = false;
    const struct lk_audit_set *s = c->job.input.synthetic;
    json_t *o = json_object();
    set(o, "kind", json_string("clean"), &failed);
    set(o, "format", json_integer(1), &failed);
    set(o, "tool", json_sprintf("likeness %s", lk_version()), &failed);
    set(o, "command", text(c->options->measure.command), &failed);
    set(o, "synthetic", text(s->path), &failed);
    set(o, "embeddings_sha256", json_string(s->file.embeddings_sha256), &failed);
    set(o, "unit", json_string(s->labelled ? "identity" : "image"), &failed);
    set(o, "seed", count(c->options->measure.seed), &failed);
    set(o, "criterion", criterion(c, &failed), &failed);
    set(o, "removal", removal(c, &failed), &failed);
    set(o, "guarantee", guarantee(c, &failed), &failed);
    set(o, "residual", residual(c, &failed), &failed);
    set(o, "matchers", views(c, &failed), &failed);
    set(o, "sets", sets(c, &failed), &failed);
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
