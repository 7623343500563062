/* SPDX-License-Identifier: Apache-2.0 */
/* json.c - the report's numbers as JSON (docs/formats.md), beside the page. */
#include <math.h>
#include <stdlib.h>

#include "formats/json.h"
#include "report/html.h"
#include "report/report.h"

/* jansson's packing takes these over; a NULL anywhere makes the whole pack fail, which is the one place of
 * failure. */
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
    return lk_utf8_json(value);
}

/* A name or path: withheld with --no-faces. */
static json_t *name(const struct lk_report *r, const char *value)
{
    return text(r->options->no_faces ? NULL : value);
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

static json_t *set_to_json(const struct lk_report *r, int role)
{
    const struct lk_report_set *s = &r->sets[role];
    if (!s->given)
        return json_null();
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "path", name(r, s->path), "images",
                     s->open ? count(s->faces.n_images) : json_null(), "no_face",
                     s->open ? count(s->n_no_face) : json_null(), "unreadable",
                     s->open ? count(s->n_unreadable) : json_null(), "excluded_by_list",
                     s->open ? count(s->n_by_list) : json_null(), "excluded", count(s->excluded),
                     "compared", count(s->rows), "identities", count(s->identities), "embeddings_sha256",
                     text(s->sha256));
}

static json_t *levels_to_json(const struct lk_report *r)
{
    json_t *list = json_array();
    for (size_t i = 0; i < r->n_levels; i++) {
        const struct lk_report_level *l = &r->levels[i];
        list = append(list, json_pack("{s:o, s:o, s:b, s:o, s:o, s:o, s:o, s:o}", "fmr", number(l->fmr),
                                      "score", number(l->score), "supported", l->supported, "tar",
                                      number(l->tar), "share_training", number(l->share[LK_TRAINING]),
                                      "share_holdout", number(l->share[LK_HOLDOUT]), "expected_by_chance",
                                      number(l->expected), "share_by_chance", number(l->chance)));
    }
    return list;
}

static json_t *comparison_to_json(const struct lk_report *r)
{
    const struct lk_preference *p = &r->preference;
    const struct lk_competition *c = &r->competition;
    if (!r->compared)
        return json_null();
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "wins",
                     count(p->wins), "losses", count(p->losses), "ties", count(p->ties), "share",
                     number(p->pi), "share_low", number(p->pi_low), "share_high", number(p->pi_high),
                     "p_value", number(p->p_value), "seed", count(p->seed), "fdr", number(c->q), "threshold",
                     number(c->tau), "discoveries", count(c->discoveries), "decoys", count(c->decoys),
                     "resolution", count(c->resolution));
}

/* The discoveries, in the order of the units: by name, those without one first and by row. */
static json_t *discoveries_to_json(const struct lk_report *r)
{
    json_t *list = json_array();
    for (size_t i = 0; i < r->n_units; i++) {
        const struct lk_report_unit *u = &r->units[i];
        const struct lk_report_probe *best = &r->probes[u->best];
        if (!u->discovered)
            continue;
        list = append(list, json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "identity",
                                      name(r, u->identity), "probe", count(best->row), "reference",
                                      count(best->reference), "path", name(r, best->path),
                                      "reference_identity", name(r, best->person), "images",
                                      count(u->n_images), "training", number(u->score[LK_TRAINING]),
                                      "holdout", number(u->score[LK_HOLDOUT]), "q", number(u->q)));
    }
    return list;
}

static json_t *pairs_to_json(const struct lk_report *r)
{
    json_t *list = json_array();
    for (size_t i = 0; i < r->n_pairs; i++) {
        const struct lk_report_pair *p = &r->pairs[i];
        list = append(list,
                      json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b}", "rank", count(p->rank),
                                "score", number(p->score), "probe", count(p->probe), "reference",
                                count(p->reference), "probe_path", name(r, p->path[0]), "reference_path",
                                name(r, p->path[1]), "probe_identity", name(r, p->identity[0]),
                                "reference_identity", name(r, p->identity[1]), "discovery", p->discovered));
    }
    return list;
}

static json_t *truth_to_json(const struct lk_report *r)
{
    const struct lk_report_truth *t = &r->truth;
    if (!t->given)
        return json_null();
    json_t *levels = json_array();
    for (size_t i = 0; i < r->n_levels; i++)
        levels =
            append(levels, json_pack("{s:o, s:o, s:o}", "fmr", number(r->levels[i].fmr), "planted",
                                     count(r->levels[i].planted), "innocent", count(r->levels[i].innocent)));
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "planted", count(t->n_planted), "found",
                     count(t->n_planted_found), "false", count(t->n_false_found), "without_face",
                     count(t->n_planted_absent), "not_named", count(t->n_unknown), "right_person",
                     count(t->n_right_person), "person_known", count(t->n_person_known), "at_thresholds",
                     levels);
}

static json_t *making_to_json(const struct lk_report *r, const char *of)
{
    return json_pack("{s:o, s:o, s:o}", "name", text(lk_report_fact(r, of, "name")), "sha256",
                     text(lk_report_fact(r, of, "sha256")), "licence",
                     text(lk_report_fact(r, of, "licence")));
}

static json_t *report_to_json(const struct lk_report *r)
{
    int same = lk_report_same_making(r);
    return json_pack("{s:s, s:i, s:s, s:o, s:{s:s, s:s}, s:s, s:o, s:o, s:{s:o, s:o, s:o}, s:o, s:o, s:o, "
                     "s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
                     "kind", "report", "format", 1, "tool", lk_version(), "command",
                     name(r, r->options->command), "verdict", "name", lk_verdict_name(r->verdict), "sentence",
                     r->sentence, "unit", r->by_identity ? "identity" : "image", "units", count(r->n_units),
                     "probes", count(r->n_probes), "sets", "synthetic", set_to_json(r, LK_SYNTHETIC),
                     "training", set_to_json(r, LK_TRAINING), "holdout", set_to_json(r, LK_HOLDOUT), "model",
                     making_to_json(r, "model"), "detector", making_to_json(r, "detector"), "alignment",
                     text(lk_report_fact(r, NULL, "alignment")), "same_making",
                     same < 0 ? json_null() : json_boolean(same), "thresholds_from", text(r->thresholds_from),
                     "thresholds", levels_to_json(r), "comparison", comparison_to_json(r), "discoveries",
                     discoveries_to_json(r), "pairs", pairs_to_json(r), "truth", truth_to_json(r));
}

lk_status lk_report_write_json(const struct lk_report *r, const char *path, lk_error *err)
{
    json_t *value = report_to_json(r);
    LK_NEED(value != NULL, err, LK_ENOMEM, "%s: out of memory while collecting the numbers", path);
    lk_status status = lk_json_write(path, value, err);
    json_decref(value);
    return status;
}
