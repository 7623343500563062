/* SPDX-License-Identifier: Apache-2.0 */
/* json.c - measures.json: every measure with its interval, what it takes for granted, and its seed. */
#include <stdlib.h>
#include <string.h>

#include "audit/audit.h"
#include "formats/json.h"

/* Sentences for people, and the words by which measures refer to them. */
static const struct {
    const char *word, *sentence;
} assumptions[] = {
    {"exchangeable",
     "Training set and hold-out are of the same source and went through the same processing, so that "
     "only the generator's training tells them apart."},
    {"matcher", "The recogniser was not trained on the training set without the hold-out."},
    {"no_overlap", "No person is in both training set and hold-out, apart from those found and left out."},
    {"no_repeats", "Synthetic identities do not repeat each other, apart from those found and left out."},
    {"alignment", "All sets were detected, aligned and embedded in the same way."},
    {"controls",
     "Controls, if any were given, are like the synthetic set in everything but the generator's training: "
     "same kind of "
     "images, as many of each identity."},
    {"sample",
     "Only the persons and images that were matched took part; leaks of others are not looked for."},
};
enum { N_ASSUMPTIONS = sizeof assumptions / sizeof assumptions[0] };

const char *lk_measure_assumption(int i)
{
    return i >= 0 && i < N_ASSUMPTIONS ? assumptions[i].sentence : NULL;
}

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

/* Value and 95 % interval. */
static json_t *estimate(double value, double low, double high)
{
    return json_pack("{s:o, s:o, s:o}", "value", number(value), "low", number(low), "high", number(high));
}

static json_t *assumes(const char *const *words)
{
    json_t *list = json_array();
    for (; *words != NULL; words++)
        json_array_append_new(list, json_string(*words));
    return list;
}
static const char *const on_holdout[] = {"exchangeable", "matcher", "no_overlap", "no_repeats",
                                         "alignment",    "sample",  NULL};
static const char *const on_controls[] = {"controls", "no_repeats", "alignment", "sample", NULL};
static const char *const on_matcher[] = {"alignment", "sample", NULL};

static json_t *describe_set(const struct lk_audit_set *s, bool *failed)
{
    json_t *o = json_object();
    set(o, "path", s->path != NULL ? lk_json_text(s->path) : json_null(), failed);
    set(o, "images", count(s->rows), failed);
    set(o, "excluded", count(s->file.faces.checks.n_excluded), failed);
    set(o, "identities", s->labelled ? count(s->n_persons) : json_null(), failed);
    set(o, "embeddings_sha256", s->path != NULL ? json_string(s->file.embeddings_sha256) : json_null(),
        failed);
    return o;
}

static json_t *describe_sets(const struct lk_audit *a, bool *failed)
{
    json_t *o = json_object(), *holdouts = json_array(), *controls = json_array();
    json_t *synthetic = describe_set(a->in->synthetic, failed);
    uint64_t n_removed = 0;
    for (uint32_t p = 0; p < a->in->synthetic->n_persons; p++)
        n_removed += lk_audit_removed(a, p);
    set(synthetic, "removed", count(n_removed), failed);
    for (size_t i = 0; i < a->in->n_holdouts; i++)
        json_array_append_new(holdouts, describe_set(a->in->holdouts[i], failed));
    for (size_t i = 0; i < a->in->n_controls; i++)
        json_array_append_new(controls, describe_set(a->in->controls[i], failed));
    set(o, "synthetic", synthetic, failed);
    set(o, "train", describe_set(a->in->train, failed), failed);
    set(o, "holdouts", holdouts, failed);
    set(o, "controls", controls, failed);
    return o;
}

static json_t *describe_left_out(const struct lk_audit *a, const struct lk_audit_set *s, bool *failed)
{
    struct lk_audit_left_out out;
    lk_audit_count_left_out(s, &a->in->filters, &out);
    json_t *o = json_object(), *each = json_array();
    for (size_t i = 0; i < a->in->filters.n; i++)
        json_array_append_new(each, json_pack("{s:o, s:I, s:I}", "filter",
                                              lk_json_text(a->in->filters.items[i].text), "no",
                                              (json_int_t)s->file.filtered[i].no, "unknown",
                                              (json_int_t)s->file.filtered[i].unknown));
    set(o, "role", json_string(s->role), failed);
    set(o, "path", s->path != NULL ? lk_json_text(s->path) : json_null(), failed);
    set(o, "no_face", count(out.no_face), failed);
    set(o, "unreadable", count(out.unreadable), failed);
    set(o, "excluded_by_list", count(out.excluded), failed);
    set(o, "unusable", count(out.unusable), failed);
    set(o, "left_out", each, failed);
    set(o, "images", count(s->rows), failed);
    return o;
}

static json_t *describe_filters(const struct lk_audit *a, bool *failed)
{
    json_t *o = json_object(), *conditions = json_array(), *sets = json_array();
    for (size_t i = 0; i < a->in->filters.n; i++)
        json_array_append_new(conditions, lk_json_text(a->in->filters.items[i].text));
    json_array_append_new(sets, describe_left_out(a, a->in->synthetic, failed));
    json_array_append_new(sets, describe_left_out(a, a->in->train, failed));
    for (size_t i = 0; i < a->in->n_holdouts; i++)
        json_array_append_new(sets, describe_left_out(a, a->in->holdouts[i], failed));
    for (size_t i = 0; i < a->in->n_controls; i++)
        json_array_append_new(sets, describe_left_out(a, a->in->controls[i], failed));
    set(o, "conditions", conditions, failed);
    set(o, "sets", sets, failed);
    return o;
}

static json_t *describe_stratum(const struct lk_audit *a, const struct lk_audit_stratum *s, bool *failed)
{
    json_t *o = json_object();
    char by[LK_AUDIT_VARIABLE_TEXT];
    set(o, "variable", lk_json_text(lk_audit_variable_text(&a->in->variables[s->variable], by)), failed);
    set(o, "stratum", lk_json_text(s->name), failed);
    set(o, "low", number(s->low), failed);
    set(o, "high", number(s->high), failed);
    set(o, "units", count(s->units), failed);
    set(o, "images", count(s->images), failed);
    set(o, "wins", count(s->wins), failed);
    set(o, "losses", count(s->losses), failed);
    set(o, "discoveries", count(s->found), failed);
    set(o, "decoys", count(s->decoys), failed);
    set(o, "pi", s->measured ? estimate(s->pull.pi, s->pull.pi_low, s->pull.pi_high) : json_null(), failed);
    set(o, "p_value", s->measured ? number(s->pull.p_more) : json_null(), failed);
    set(o, "p_adjusted", s->measured ? number(s->p) : json_null(), failed);
    set(o, "pairs", count(s->pairs), failed);
    set(o, "pairs_share", number((double)s->pairs / (double)a->n_pairs), failed);
    set(o, "closest_20", count(s->closest), failed);
    return o;
}

static json_t *describe_strata(const struct lk_audit *a, bool *failed)
{
    if (a->n_strata == 0)
        return json_null();
    json_t *o = json_object(), *rows = json_array();
    for (size_t i = 0; i < a->n_strata; i++)
        json_array_append_new(rows, describe_stratum(a, &a->strata[i], failed));
    set(o, "comparisons", count(a->n_measured), failed);
    set(o, "confidence", number(0.95), failed);
    set(o, "fewest_units", count(LK_AUDIT_STRATUM_MIN), failed);
    set(o, "rows", rows, failed);
    set(o, "assumes", assumes(lk_audit_has_holdout(a) ? on_holdout : on_matcher), failed);
    return o;
}

static json_t *describe_matching(const struct lk_audit *a, bool *failed)
{
    json_t *o = json_object(), *images = json_array();
    for (size_t g = 0; g < a->n_galleries; g++)
        json_array_append_new(images, count(a->galleries[g].rows));
    set(o, "galleries", count(a->n_galleries), failed);
    set(o, "persons_each", count(a->n_each), failed);
    set(o, "images_each", images, failed);
    set(o, "train_persons_given", count(a->in->train->n_persons), failed);
    set(o, "images_left_out", count(a->images_dropped), failed);
    return o;
}

static json_t *describe_doubles(const struct lk_audit_doubles *d, bool *failed)
{
    if (!d->looked && !d->looked_synthetic)
        return json_null();
    json_t *o = json_object();
    set(o, "score", d->looked ? number(d->score) : json_null(), failed);
    set(o, "synthetic_score", d->looked_synthetic ? number(d->synthetic_score) : json_null(), failed);
    set(o, "fit",
        json_pack("{s:f, s:f, s:f, s:I, s:I, s:I}", "u", d->fit.u, "sigma", d->fit.sigma, "xi", d->fit.xi,
                  "n", (json_int_t)d->fit.n, "above", (json_int_t)d->fit.n_above, "censored",
                  (json_int_t)d->fit.n_censored),
        failed);
    set(o, "pairs_train", count(d->found[LK_IN_TRAIN]), failed);
    set(o, "pairs_holdout", count(d->found[LK_IN_HOLDOUT]), failed);
    set(o, "pairs_across", count(d->found[LK_ACROSS]), failed);
    set(o, "pairs_synthetic", count(d->found[LK_IN_SYNTHETIC]), failed);
    set(o, "dropped_train", count(d->dropped_train), failed);
    set(o, "dropped_holdout", count(d->dropped_holdout), failed);
    set(o, "dropped_synthetic", count(d->dropped_synthetic), failed);
    return o;
}

static json_t *describe_balance(const struct lk_audit *a, bool *failed)
{
    json_t *o = json_object(), *controls = json_array();
    set(o, "refuted", a->unbalanced[0] != '\0' ? lk_json_text(a->unbalanced) : json_null(), failed);
    set(o, "mixing",
        a->mixing_measured ? json_pack("{s:I, s:I, s:f, s:f, s:I, s:I}", "persons", (json_int_t)a->mixing.n,
                                       "own", (json_int_t)a->mixing.own, "expected", a->mixing.expected, "p",
                                       a->mixing.p, "permutations", (json_int_t)a->mixing.permutations,
                                       "seed", (json_int_t)a->mixing.seed)
                           : json_null(),
        failed);
    for (size_t c = 0; c < a->in->n_controls; c++) {
        const struct lk_pull *p = &a->controls[c].pull;
        json_array_append_new(controls, json_pack("{s:I, s:f, s:f, s:f}", "n", (json_int_t)p->n, "share",
                                                  p->p, "expected", p->lambda, "p", p->p_two_sided));
    }
    set(o, "controls", controls, failed);
    return o;
}

/* ---- measures --------------------------------------------------------------------------------------- */

static json_t *exposure(const struct lk_audit *a, bool *failed)
{
    json_t *o = json_object(), *levels = json_array();
    for (int i = 0; i < a->in->thresholds.n; i++) {
        const struct lk_audit_level *l = &a->levels[i];
        json_array_append_new(levels, json_pack("{s:f, s:f, s:f, s:f, s:f}", "fmr", l->fmr, "score", l->score,
                                                "share", l->share, "expected_by_chance", l->expected,
                                                "share_by_chance", l->chance));
    }
    set(o, "references", count(a->galleries[0].rows), failed);
    set(o, "images", count(a->probes.rows), failed);
    set(o, "pairs", count(a->n_pairs), failed);
    set(o, "best", number(a->n_pairs > 0 ? (double)a->pairs[0].score : NAN), failed);
    set(o, "last", number(a->n_pairs > 0 ? (double)a->pairs[a->n_pairs - 1].score : NAN), failed);
    set(o, "thresholds", levels, failed);
    set(o, "assumes", assumes(on_matcher), failed);
    return o;
}

static json_t *evalues(const struct lk_audit *a, bool *failed)
{
    const struct lk_tail_shape *shape = &a->tail.shape[0];
    json_t *o = json_object();
    set(o, "images", count(a->probes.rows), failed);
    set(o, "strangers", count(a->tail_strangers), failed);
    set(o, "persons", count(a->n_each), failed);
    set(o, "scores_above", count(a->tail_scores), failed);
    set(o, "shape", number(shape->shape), failed);
    set(o, "shape_by_likelihood", number(shape->likelihood), failed);
    set(o, "pairs_flagged", count(a->pairs_flagged), failed);
    set(o, "images_flagged", count(a->images_flagged), failed);
    set(o, "images_flagged_by_chance", number(0.01 * (double)a->probes.rows), failed);
    set(o, "images_flagged_audit", count(a->images_flagged_audit), failed);
    set(o, "assumes", assumes(on_holdout), failed);
    return o;
}

static json_t *preference(const struct lk_audit *a, bool *failed)
{
    const struct lk_pull *p = &a->pull;
    json_t *o = json_object(), *corrected = json_array();
    for (size_t c = 0; c < a->in->n_controls; c++) {
        const struct lk_corrected *x = &a->controls[c].corrected;
        json_array_append_new(corrected, estimate(x->pi, x->low, x->high));
    }
    set(o, "units", count(p->n), failed);
    set(o, "wins", count(p->wins), failed);
    set(o, "losses", count(p->losses), failed);
    set(o, "ties", count(p->ties), failed);
    set(o, "lambda", number(p->lambda), failed);
    set(o, "p", number(p->p), failed);
    set(o, "pi", estimate(p->pi, p->pi_low, p->pi_high), failed);
    set(o, "pi_corrected", corrected, failed);
    set(o, "p_value", number(p->p_more), failed);
    set(o, "nearest_persons", count(p->persons), failed);
    set(o, "largest_group", count(p->largest), failed);
    set(o, "design_effect", number(p->design_effect), failed);
    set(o, "replicates", count(LK_PULL_REPLICATES), failed);
    set(o, "permutations", count(LK_PULL_PERMUTATIONS), failed);
    set(o, "seed", count(p->seed), failed);
    set(o, "assumes", assumes(on_holdout), failed);
    return o;
}

static json_t *discoveries(const struct lk_audit *a, bool *failed)
{
    const struct lk_competition *c = &a->competition;
    json_t *o = json_object();
    set(o, "q", number(c->q), failed);
    set(o, "holdouts", count(c->holdouts), failed);
    set(o, "resolution", count(c->resolution), failed);
    set(o, "wins", count(c->wins), failed);
    set(o, "losses", count(c->losses), failed);
    set(o, "tau", number(c->tau), failed);
    set(o, "discoveries", count(c->discoveries), failed);
    set(o, "decoys", count(c->decoys), failed);
    set(o, "largest_decoy", number(c->largest_decoy), failed);
    set(o, "persons_once", count(a->persons_once.discoveries), failed);
    set(o, "largest_hub", count(a->hub_discoveries), failed);
    set(o, "by_score_instead", count(a->by_score.discoveries), failed);
    set(o, "assumes", assumes(on_holdout), failed);
    return o;
}

static json_t *against_controls(const struct lk_audit *a, bool *failed)
{
    json_t *o = json_object(), *each = json_array();
    for (size_t i = 0; i < a->in->n_controls; i++) {
        const struct lk_audit_control *c = &a->controls[i];
        json_array_append_new(each,
                              json_pack("{s:I, s:f, s:b, s:f, s:I}", "units", (json_int_t)c->tops.n_units,
                                        "images_each", c->images_each, "comparable", c->comparable,
                                        "smallest_p", c->smallest_p, "discoveries", (json_int_t)c->found));
    }
    set(o, "q", number(a->in->q), failed);
    set(o, "units", count(a->control_units), failed);
    set(o, "discoveries", count(a->control_found), failed);
    set(o, "least", count(a->control_least), failed);
    set(o, "most", count(a->control_most), failed);
    set(o, "controls", each, failed);
    set(o, "assumes", assumes(on_controls), failed);
    return o;
}

static json_t *person_side(const struct lk_audit *a, bool *failed)
{
    const struct lk_reach *r = &a->reach;
    json_t *o = json_object(), *rates = json_array(), *roc = json_array();
    for (int i = 0; i < 2; i++) {
        const struct lk_reach_rate *x = &r->rates[i];
        json_array_append_new(rates, json_pack("{s:f, s:f, s:o, s:o, s:b}", "fpr", x->fpr, "fpr_seen",
                                               x->fpr_seen, "score", number(x->score), "tpr",
                                               estimate(x->tpr, x->tpr_low, x->tpr_high), "supported",
                                               x->supported));
    }
    for (size_t i = 0; i < a->n_roc; i++)
        json_array_append_new(roc, json_pack("{s:f, s:f, s:o}", "fpr", a->roc[i].fpr, "tpr", a->roc[i].tpr,
                                             "score", number((double)a->roc[i].score)));
    set(o, "persons_train", count(r->n_train), failed);
    set(o, "persons_holdout", count(r->n_holdout), failed);
    set(o, "auc", estimate(r->auc, r->auc_low, r->auc_high), failed);
    set(o, "rates", rates, failed);
    set(o, "roc", roc, failed);
    set(o, "q", number(r->q), failed);
    set(o, "discoveries", count(r->found), failed);
    set(o, "resolution", count(r->resolution), failed);
    set(o, "seed", count(r->seed), failed);
    set(o, "assumes", assumes(on_holdout), failed);
    return o;
}

static json_t *kinds(const struct lk_audit *a, bool *failed)
{
    const struct lk_audit_kinds *k = &a->kinds;
    json_t *o = json_object(), *pairs = json_object();
    for (int i = 0; i <= LK_KIND_UNKNOWN; i++)
        set(pairs, lk_kind_name((enum lk_kind)i), count(k->pairs[i]), failed);
    set(pairs, "not read", count(k->not_read), failed);
    set(o, "closest_pairs", pairs, failed);
    set(o, "identities_with_copies", count(k->identities), failed);
    set(o, "images_copied", count(k->references), failed);
    set(o, "discoveries_without_copy", count(k->inferred), failed);
    return o;
}

static json_t *power(const struct lk_audit *a, bool *failed)
{
    json_t *o = json_object(), *rows = json_array();
    for (size_t i = 0; i < a->n_powers; i++) {
        const struct lk_audit_power *p = &a->powers[i];
        double share = p->point.planted > 0 ? (double)p->point.planted / (double)p->point.n : NAN;
        json_array_append_new(
            rows, json_pack("{s:b, s:f, s:I, s:I, s:o, s:o, s:f, s:f}", "genuine", p->genuine, "strength",
                            p->strength, "planted", (json_int_t)p->point.planted, "units",
                            (json_int_t)p->point.n, "share", number(share), "detected",
                            estimate(p->point.detected, p->point.detected_interval.low,
                                     p->point.detected_interval.high),
                            "found", p->point.found, "false_share", p->point.false_share));
    }
    set(o, "power", number(LK_AUDIT_POWER), failed);
    set(o, "genuine_pairs", count(a->n_genuine), failed);
    set(o, "rows", rows, failed);
    set(o, "assumes", assumes(on_holdout), failed);
    return o;
}

static json_t *all_assumptions(bool *failed)
{
    json_t *o = json_object();
    for (int i = 0; i < N_ASSUMPTIONS; i++)
        set(o, assumptions[i].word, json_string(assumptions[i].sentence), failed);
    return o;
}

static json_t *measures(const struct lk_audit *a, json_t *matchers, bool *failed)
{
    bool compared = lk_audit_has_holdout(a);
    json_t *o = json_object();
    set(o, "L0_exposure", exposure(a, failed), failed);
    set(o, "L2_evalues", a->tail_scores > 0 ? evalues(a, failed) : json_null(), failed);
    set(o, "L3_preference", compared ? preference(a, failed) : json_null(), failed);
    set(o, "L4_discoveries", compared ? discoveries(a, failed) : json_null(), failed);
    set(o, "L4b_controls", a->control_units > 0 ? against_controls(a, failed) : json_null(), failed);
    set(o, "L7_persons", compared ? person_side(a, failed) : json_null(), failed);
    set(o, "L8_kinds", kinds(a, failed), failed);
    set(o, "L9_matchers", matchers, failed);
    set(o, "L10_power", a->n_powers > 0 ? power(a, failed) : json_null(), failed);
    return o;
}

static json_t *describe_matcher(const struct lk_audit_view *v, bool *failed)
{
    json_t *o = json_object();
    set(o, "name", json_string(v->name), failed);
    set(o, "folder", v->folder != NULL ? json_string(v->folder) : json_null(), failed);
    set(o, "verdict", json_string(lk_verdict_name(v->verdict)), failed);
    set(o, "units", count(v->n), failed);
    set(o, "discoveries", count(v->n_found), failed);
    set(o, "pi", v->holdouts > 0 ? estimate(v->pull.pi, v->pull.pi_low, v->pull.pi_high) : json_null(),
        failed);
    return o;
}

static json_t *several(const struct lk_audit_matchers *m, bool *failed)
{
    json_t *o = json_object(), *each = json_array(), *agreement = json_array(), *joint = json_array();
    for (size_t i = 0; i < m->n; i++) {
        json_array_append_new(each, describe_matcher(&m->views[i], failed));
        for (size_t k = i + 1; k < m->n; k++) {
            const struct lk_agreement *x = &m->agreement[i][k];
            json_array_append_new(agreement,
                                  json_pack("{s:s, s:s, s:I, s:I, s:I, s:o, s:o}", "first", m->views[i].name,
                                            "second", m->views[k].name, "found_first", (json_int_t)x->first,
                                            "found_second", (json_int_t)x->second, "found_both",
                                            (json_int_t)x->both, "jaccard", number(x->jaccard), "kappa",
                                            number(x->kappa)));
        }
        if (m->tested)
            json_array_append_new(joint, json_pack("{s:I, s:I, s:I}", "at_least", (json_int_t)(i + 1),
                                                   "discoveries", (json_int_t)m->joint[i], "resolution",
                                                   (json_int_t)m->joint_least[i]));
    }
    set(o, "matchers", each, failed);
    set(o, "units", count(m->n_common), failed);
    set(o, "agreement", agreement, failed);
    set(o, "q", number(m->fdr), failed);
    set(o, "joint", joint, failed);
    set(o, "assumes", assumes(m->views[0].holdouts > 0 ? on_holdout : on_controls), failed);
    return o;
}

lk_status lk_audit_write_json(const struct lk_audit *a, const struct lk_audit_matchers *matchers,
                              const char *folder, const char *command, lk_error *err)
{
    bool failed = false;
    json_t *o = json_object();
    set(o, "kind", json_string("measures"), &failed);
    set(o, "format", json_integer(1), &failed);
    set(o, "tool", json_sprintf("likeness %s", lk_version()), &failed);
    set(o, "command", command != NULL ? lk_json_text(command) : json_null(), &failed);
    set(o, "verdict",
        json_pack("{s:s, s:o}", "name", lk_verdict_name(a->verdict), "sentence", lk_json_text(a->sentence)),
        &failed);
    set(o, "unit", json_string(a->in->synthetic->labelled ? "identity" : "image"), &failed);
    set(o, "person", json_string(a->in->train->labelled ? "identity" : "image"), &failed);
    set(o, "units", count(a->n_units), &failed);
    set(o, "seed", count(a->in->seed), &failed);
    set(o, "sets", describe_sets(a, &failed), &failed);
    set(o, "filters", describe_filters(a, &failed), &failed);
    set(o, "matching", describe_matching(a, &failed), &failed);
    set(o, "doubles", describe_doubles(&a->doubles, &failed), &failed);
    set(o, "balance", lk_audit_has_holdout(a) ? describe_balance(a, &failed) : json_null(), &failed);
    json_t *l9 = matchers != NULL ? several(matchers, &failed) : json_null();
    set(o, "measures", measures(a, l9, &failed), &failed);
    set(o, "strata", describe_strata(a, &failed), &failed);
    set(o, "assumptions", all_assumptions(&failed), &failed);
    char *path = lk_path_join(folder, "measures.json", err);
    lk_status status = path != NULL ? LK_OK : LK_ENOMEM;
    if (status == LK_OK && failed)
        status = lk_fail(err, LK_ENOMEM, "%s: out of memory", path);
    if (status == LK_OK)
        status = lk_json_write(path, o, err);
    json_decref(o);
    free(path);
    return status;
}
