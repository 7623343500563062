/* SPDX-License-Identifier: Apache-2.0 */
/* json.c - the report's numbers as JSON (docs/formats.md), beside the page. */
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "formats/json.h"
#include "report/html.h"
#include "report/report.h"

/* A name or path: withheld with --no-faces. */
static json_t *name(const struct lk_report *r, const char *value)
{
    return lk_json_text_or_null(r->options->no_faces ? NULL : value);
}

static json_t *append(json_t *list, json_t *entry)
{
    if (list != NULL && json_array_append_new(list, entry) != 0) {
        json_decref(list);
        return NULL;
    }
    if (list == NULL)
        json_decref(entry);
    return list;
}

/* An array of what `each` makes of 0 .. n - 1. */
static json_t *list_of(const struct lk_report *r, size_t n, json_t *(*each)(const struct lk_report *, size_t))
{
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        list = append(list, each(r, i));
    return list;
}

static json_t *set_to_json(const struct lk_report *r, size_t i)
{
    const struct lk_report_set *s = &r->sets[i];
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "path", name(r, s->path), "images",
                     s->open ? lk_json_count(s->faces.n_images) : json_null(), "no_face",
                     s->open ? lk_json_count(s->n_no_face) : json_null(), "unreadable",
                     s->open ? lk_json_count(s->n_unreadable) : json_null(), "excluded_by_list",
                     s->open ? lk_json_count(s->n_by_list) : json_null(), "excluded",
                     lk_json_count(s->excluded), "compared", lk_json_count(s->rows), "identities",
                     lk_json_count(s->identities), "embeddings_sha256", lk_json_text_or_null(s->sha256),
                     "images_sha256",
                     lk_json_text_or_null(json_string_value(json_object_get(s->entry, "images_sha256"))));
}

static json_t *holdout_to_json(const struct lk_report *r, size_t i)
{
    return set_to_json(r, LK_FIRST_HOLDOUT + i);
}

static json_t *control_to_json(const struct lk_report *r, size_t i)
{
    return set_to_json(r, LK_FIRST_HOLDOUT + r->n_holdouts + i);
}

static json_t *sets_to_json(const struct lk_report *r)
{
    return json_pack("{s:o, s:o, s:o, s:o}", "synthetic", set_to_json(r, LK_SYNTHETIC), "training",
                     set_to_json(r, LK_TRAINING), "holdouts", list_of(r, r->n_holdouts, holdout_to_json),
                     "controls", list_of(r, r->n_controls, control_to_json));
}

static json_t *level_to_json(const struct lk_report *r, size_t i)
{
    const struct lk_report_level *l = &r->levels[i];
    return json_pack("{s:o, s:o, s:b, s:o, s:o, s:o, s:o}", "fmr", lk_json_number(l->fmr), "score",
                     lk_json_number(l->score), "supported", l->supported, "tar", lk_json_number(l->tar),
                     "share_training", lk_json_number(l->all[LK_EXPOSURE_TRAIN]), "share_holdout",
                     lk_json_number(l->all[LK_EXPOSURE_HOLDOUT]), "share_by_chance",
                     lk_json_number(l->all_chance));
}

/* The published attack over the complete sets. */
static json_t *exposure_to_json(const struct lk_report *r)
{
    if (!r->exposed)
        return json_null();
    const struct lk_exposure *e = &r->exposure;
    const struct lk_exposure_set *held = &e->galleries[LK_EXPOSURE_HOLDOUT];
    return json_pack("{s:o, s:o, s:o, s:o}", "images", lk_json_count(e->n_probes), "references",
                     lk_json_count(e->galleries[LK_EXPOSURE_TRAIN].rows), "holdout_references",
                     held->given ? lk_json_count(held->rows) : json_null(), "thresholds",
                     list_of(r, r->n_levels, level_to_json));
}

static json_t *discoveries_to_json(const struct lk_report *r)
{
    json_t *list = json_array();
    for (size_t i = 0; i < r->n_units; i++) {
        const struct lk_report_unit *u = &r->units[i];
        if (!u->discovered)
            continue;
        list = append(
            list, json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "identity",
                            name(r, u->identity), "probe", lk_json_count(u->image), "reference",
                            lk_json_count(u->reference), "path", name(r, u->image_path), "reference_identity",
                            name(r, u->person), "images", lk_json_count(u->n_images), "training",
                            lk_json_number(u->train), "holdout", lk_json_number(u->holdout), "margin",
                            lk_json_number(u->margin), "q", lk_json_number(u->q), "e_value",
                            lk_json_number(u->e_value), "kind", lk_json_text_or_null(u->kind)));
    }
    return list;
}

/* Persons of the training set that were found; by name, so none with --no-faces. */
static json_t *persons_to_json(const struct lk_report *r)
{
    const json_t *rate = lk_report_measure(r, "L7_persons", "q");
    double q = json_is_number(rate) ? json_number_value(rate) : NAN;
    json_t *list = json_array();
    for (size_t i = 0; i < r->n_persons && !r->options->no_faces; i++) {
        const struct lk_report_person *p = &r->persons[i];
        if (p->in_train && p->q <= q)
            list = append(list, json_pack("{s:o, s:o, s:o}", "person", name(r, p->name), "score",
                                          lk_json_number(p->score), "q", lk_json_number(p->q)));
    }
    return list;
}

static json_t *pair_to_json(const struct lk_report *r, size_t i)
{
    const struct lk_report_pair *p = &r->pairs[i];
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:o, s:o, s:o, s:o}", "rank",
                     lk_json_count(p->rank), "score", lk_json_number(p->score), "probe",
                     lk_json_count(p->probe), "reference", lk_json_count(p->reference), "probe_path",
                     name(r, p->path[0]), "reference_path", name(r, p->path[1]), "probe_identity",
                     name(r, p->identity[0]), "reference_identity", name(r, p->identity[1]), "discovery",
                     p->discovered, "margin", lk_json_number(p->margin), "q", lk_json_number(p->q), "e_value",
                     lk_json_number(p->e_value), "kind", lk_json_text_or_null(p->kind));
}

static json_t *truth_level_to_json(const struct lk_report *r, size_t i)
{
    return json_pack("{s:o, s:o, s:o}", "fmr", lk_json_number(r->levels[i].fmr), "planted",
                     lk_json_count(r->levels[i].planted), "innocent", lk_json_count(r->levels[i].innocent));
}

static json_t *truth_to_json(const struct lk_report *r)
{
    const struct lk_report_truth *t = &r->truth;
    if (!t->given)
        return json_null();
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "planted", lk_json_count(t->n_planted),
                     "found", lk_json_count(t->n_planted_found), "false", lk_json_count(t->n_false_found),
                     "absent", lk_json_count(t->n_planted_absent), "not_named", lk_json_count(t->n_unknown),
                     "right_person", lk_json_count(t->n_right_person), "person_known",
                     lk_json_count(t->n_person_known), "sha256", lk_json_text_or_null(t->sha256),
                     "at_thresholds", list_of(r, r->n_levels, truth_level_to_json));
}

static json_t *making_to_json(const struct lk_report *r, const char *of)
{
    return json_pack("{s:o, s:o, s:o}", "name", lk_json_text_or_null(lk_report_fact(r, of, "name")), "sha256",
                     lk_json_text_or_null(lk_report_fact(r, of, "sha256")), "licence",
                     lk_json_text_or_null(lk_report_fact(r, of, "licence")));
}

/* What reviewers saw, without what names anybody. */
static json_t *review_to_json(const struct lk_report *r)
{
    if (r->review == NULL)
        return json_null();
    json_t *copy = json_deep_copy(r->review), *entry;
    size_t i;
    if (copy == NULL || !r->options->no_faces)
        return copy;
    static const char *const keep[] = {"answers", "d_prime", "criterion", "consistency"};
    json_t *reviewers = json_array();
    json_array_foreach(json_object_get(copy, "reviewers"), i, entry)
    {
        json_t *bare = json_object();
        for (size_t k = 0; k < sizeof keep / sizeof keep[0]; k++)
            json_object_set(bare, keep[k], json_object_get(entry, keep[k]));
        json_array_append_new(reviewers, bare);
    }
    json_t *bare = json_pack("{s:s, s:o, s:O?, s:O?, s:o}", "kind", "review", "reviewers", reviewers, "alpha",
                             json_object_get(copy, "alpha"), "theta", json_object_get(copy, "theta"),
                             "reviewed", lk_json_count(json_array_size(json_object_get(copy, "cases"))));
    json_decref(copy);
    return bare;
}

/* Members of measures.json as they are; they name no person and no path. */
static json_t *measured(const struct lk_report *r, const char *key)
{
    json_t *value = json_object_get(r->measures, key);
    return value != NULL ? json_incref(value) : json_null();
}

static json_t *verdict_to_json(const struct lk_report *r)
{
    return json_pack("{s:s, s:s, s:s}", "name", lk_verdict_name(r->verdict), "sentence", r->sentence, "plain",
                     r->plain);
}

static json_t *numbers_to_json(const struct lk_report *r)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "settings",
                     measured(r, "settings"), "seed", measured(r, "seed"), "matching",
                     measured(r, "matching"), "doubles", measured(r, "doubles"), "balance",
                     measured(r, "balance"), "measures", measured(r, "measures"), "strata",
                     measured(r, "strata"), "assumptions", measured(r, "assumptions"), "outputs",
                     measured(r, "outputs"), "tool", measured(r, "tool"));
}

/* What lk_purge needs to make the page again without faces. */
static json_t *made_from(const struct lk_report *r)
{
    const lk_report_options *o = r->options;
    if (o->no_faces)
        return json_null();
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "measures", lk_json_text_or_null(o->measures), "match",
                     lk_json_text_or_null(o->match), "review", lk_json_text_or_null(o->review), "calibration",
                     lk_json_text_or_null(o->calibration), "truth", lk_json_text_or_null(o->truth),
                     "max_pairs", lk_json_count(o->max_pairs));
}

static json_t *report_to_json(const struct lk_report *r)
{
    int same = lk_report_same_making(r);
    char *here = getcwd(NULL, 0);
    json_t *folder = name(r, here);
    free(here);
    return json_pack(
        "{s:s, s:i, s:s, s:o, s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, "
        "s:o, "
        "s:o, s:o}",
        "kind", "report", "format", 1, "tool", lk_version(), "command", name(r, r->options->command),
        "working_directory", folder, "made_from", made_from(r), "verdict", verdict_to_json(r), "unit",
        r->by_identity ? "identity" : "image", "units", lk_json_count(r->n_units), "sets", sets_to_json(r),
        "model", making_to_json(r, "model"), "detector", making_to_json(r, "detector"), "alignment",
        lk_json_text_or_null(lk_report_fact(r, NULL, "alignment")), "same_making",
        same < 0 ? json_null() : json_boolean(same), "measured", numbers_to_json(r), "exposure",
        exposure_to_json(r), "calibration_sha256",
        r->calibration.given ? lk_json_text_or_null(r->calibration.sha256) : json_null(), "discoveries",
        discoveries_to_json(r), "persons", persons_to_json(r), "pairs", list_of(r, r->n_pairs, pair_to_json),
        "review", review_to_json(r), "truth", truth_to_json(r));
}

lk_status lk_report_write_json(const struct lk_report *r, const char *path, lk_error *err)
{
    json_t *value = report_to_json(r);
    LK_NEED(value != NULL, err, LK_ENOMEM, "%s: out of memory while collecting the numbers", path);
    lk_status status = lk_json_write(path, value, err);
    json_decref(value);
    return status;
}
