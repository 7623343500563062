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
    {"sample", "Only the persons and images that were matched, and that met the filters where there were "
               "any, took part; "
               "leaks of others are not looked for."},
};
enum { N_ASSUMPTIONS = sizeof assumptions / sizeof assumptions[0] };

const char *lk_measure_assumption(int i)
{
    return i >= 0 && i < N_ASSUMPTIONS ? assumptions[i].sentence : NULL;
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
    lk_json_set(o, "path", s->path != NULL ? lk_json_text(s->path) : json_null(), failed);
    lk_json_set(o, "images", lk_json_count(s->rows), failed);
    lk_json_set(o, "excluded", lk_json_count(s->file.faces.checks.n_excluded), failed);
    lk_json_set(o, "identities", s->labelled ? lk_json_count(s->n_persons) : json_null(), failed);
    lk_json_set(o, "array", s->file.faces.array != NULL ? lk_json_text(s->file.faces.array) : json_null(),
                failed);
    lk_json_set(o, "embeddings_sha256",
                s->path != NULL ? json_string(s->file.embeddings_sha256) : json_null(), failed);
    lk_json_set(o, "images_sha256",
                s->file.images_sha256[0] != '\0' ? json_string(s->file.images_sha256) : json_null(), failed);
    const json_t *meta = s->file.faces.meta;
    static const char *const facts[] = {"model", "detector", "alignment"};
    for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++) {
        json_t *fact = meta != NULL ? json_object_get(meta, facts[i]) : NULL;
        lk_json_set(o, facts[i], fact != NULL ? json_incref(fact) : json_null(), failed);
    }
    return o;
}

static json_t *describe_sets(const struct lk_audit *a, bool *failed)
{
    json_t *o = json_object(), *holdouts = json_array(), *controls = json_array();
    json_t *synthetic = describe_set(a->in->synthetic, failed);
    uint64_t n_removed = 0;
    for (uint32_t p = 0; p < a->in->synthetic->n_persons; p++)
        n_removed += lk_audit_removed(a, p);
    lk_json_set(synthetic, "removed", lk_json_count(n_removed), failed);
    for (size_t i = 0; i < a->in->n_holdouts; i++)
        json_array_append_new(holdouts, describe_set(a->in->holdouts[i], failed));
    for (size_t i = 0; i < a->in->n_controls; i++)
        json_array_append_new(controls, describe_set(a->in->controls[i], failed));
    lk_json_set(o, "synthetic", synthetic, failed);
    lk_json_set(o, "train", describe_set(a->in->train, failed), failed);
    lk_json_set(o, "holdouts", holdouts, failed);
    lk_json_set(o, "controls", controls, failed);
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
    lk_json_set(o, "role", json_string(s->role), failed);
    lk_json_set(o, "path", s->path != NULL ? lk_json_text(s->path) : json_null(), failed);
    lk_json_set(o, "no_face", lk_json_count(out.no_face), failed);
    lk_json_set(o, "unreadable", lk_json_count(out.unreadable), failed);
    lk_json_set(o, "excluded_by_list", lk_json_count(out.excluded), failed);
    lk_json_set(o, "unusable", lk_json_count(out.unusable), failed);
    lk_json_set(o, "left_out", each, failed);
    lk_json_set(o, "images", lk_json_count(s->rows), failed);
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
    lk_json_set(o, "conditions", conditions, failed);
    lk_json_set(o, "sets", sets, failed);
    return o;
}

static json_t *describe_stratum(const struct lk_audit *a, const struct lk_audit_stratum *s, bool *failed)
{
    json_t *o = json_object();
    char by[LK_AUDIT_VARIABLE_TEXT];
    lk_json_set(o, "variable", lk_json_text(lk_audit_variable_text(&a->in->variables[s->variable], by)),
                failed);
    lk_json_set(o, "stratum", lk_json_text(s->name), failed);
    lk_json_set(o, "low", lk_json_number(s->low), failed);
    lk_json_set(o, "high", lk_json_number(s->high), failed);
    lk_json_set(o, "units", lk_json_count(s->units), failed);
    lk_json_set(o, "images", lk_json_count(s->images), failed);
    lk_json_set(o, "wins", lk_json_count(s->wins), failed);
    lk_json_set(o, "losses", lk_json_count(s->losses), failed);
    lk_json_set(o, "discoveries", lk_json_count(s->found), failed);
    lk_json_set(o, "decoys", lk_json_count(s->decoys), failed);
    lk_json_set(o, "pi",
                s->measured ? lk_json_estimate(s->pull.pi, s->pull.pi_low, s->pull.pi_high) : json_null(),
                failed);
    lk_json_set(o, "p_value", s->measured ? lk_json_number(s->pull.p_more) : json_null(), failed);
    lk_json_set(o, "p_adjusted", s->measured ? lk_json_number(s->p) : json_null(), failed);
    lk_json_set(o, "pairs", lk_json_count(s->pairs), failed);
    lk_json_set(o, "pairs_share", lk_json_number((double)s->pairs / (double)a->n_pairs), failed);
    lk_json_set(o, "closest_20", lk_json_count(s->closest), failed);
    return o;
}

static json_t *describe_strata(const struct lk_audit *a, bool *failed)
{
    if (a->n_strata == 0)
        return json_null();
    json_t *o = json_object(), *rows = json_array();
    for (size_t i = 0; i < a->n_strata; i++)
        json_array_append_new(rows, describe_stratum(a, &a->strata[i], failed));
    lk_json_set(o, "comparisons", lk_json_count(a->n_measured), failed);
    lk_json_set(o, "confidence", lk_json_number(0.95), failed);
    lk_json_set(o, "fewest_units", lk_json_count(LK_AUDIT_STRATUM_MIN), failed);
    lk_json_set(o, "rows", rows, failed);
    lk_json_set(o, "assumes", assumes(lk_audit_has_holdout(a) ? on_holdout : on_matcher), failed);
    return o;
}

static json_t *describe_matching(const struct lk_audit *a, bool *failed)
{
    json_t *o = json_object(), *images = json_array();
    for (size_t g = 0; g < a->n_galleries; g++)
        json_array_append_new(images, lk_json_count(a->galleries[g].rows));
    lk_json_set(o, "galleries", lk_json_count(a->n_galleries), failed);
    lk_json_set(o, "persons_each", lk_json_count(a->n_each), failed);
    lk_json_set(o, "images_each", images, failed);
    lk_json_set(o, "train_persons_given", lk_json_count(a->in->train->n_persons), failed);
    lk_json_set(o, "images_left_out", lk_json_count(a->images_dropped), failed);
    return o;
}

static json_t *describe_doubles(const struct lk_audit_doubles *d, bool *failed)
{
    if (!d->looked && !d->looked_synthetic)
        return json_null();
    json_t *o = json_object();
    lk_json_set(o, "score", d->looked ? lk_json_number(d->score) : json_null(), failed);
    lk_json_set(o, "synthetic_score", d->looked_synthetic ? lk_json_number(d->synthetic_score) : json_null(),
                failed);
    lk_json_set(o, "fit",
                json_pack("{s:f, s:f, s:f, s:I, s:I, s:I}", "u", d->fit.u, "sigma", d->fit.sigma, "xi",
                          d->fit.xi, "n", (json_int_t)d->fit.n, "above", (json_int_t)d->fit.n_above,
                          "censored", (json_int_t)d->fit.n_censored),
                failed);
    lk_json_set(o, "pairs_train", lk_json_count(d->found[LK_IN_TRAIN]), failed);
    lk_json_set(o, "pairs_holdout", lk_json_count(d->found[LK_IN_HOLDOUT]), failed);
    lk_json_set(o, "pairs_across", lk_json_count(d->found[LK_ACROSS]), failed);
    lk_json_set(o, "pairs_synthetic", lk_json_count(d->found[LK_IN_SYNTHETIC]), failed);
    lk_json_set(o, "dropped_train", lk_json_count(d->dropped_train), failed);
    lk_json_set(o, "dropped_holdout", lk_json_count(d->dropped_holdout), failed);
    lk_json_set(o, "dropped_synthetic", lk_json_count(d->dropped_synthetic), failed);
    return o;
}

static json_t *describe_balance(const struct lk_audit *a, bool *failed)
{
    json_t *o = json_object(), *controls = json_array();
    lk_json_set(o, "refuted", a->unbalanced[0] != '\0' ? lk_json_text(a->unbalanced) : json_null(), failed);
    lk_json_set(o, "mixing",
                a->mixing_measured
                    ? json_pack("{s:I, s:I, s:f, s:f, s:I, s:I}", "persons", (json_int_t)a->mixing.n, "own",
                                (json_int_t)a->mixing.own, "expected", a->mixing.expected, "p", a->mixing.p,
                                "permutations", (json_int_t)a->mixing.permutations, "seed",
                                (json_int_t)a->mixing.seed)
                    : json_null(),
                failed);
    for (size_t c = 0; c < a->in->n_controls; c++) {
        const struct lk_pull *p = &a->controls[c].pull;
        json_array_append_new(controls, json_pack("{s:I, s:f, s:f, s:f}", "n", (json_int_t)p->n, "share",
                                                  p->p, "expected", p->lambda, "p", p->p_two_sided));
    }
    lk_json_set(o, "controls", controls, failed);
    return o;
}

/* ---- measures --------------------------------------------------------------------------------------- */

static json_t *exposure(const struct lk_audit *a, bool *failed)
{
    json_t *o = json_object(), *levels = json_array();
    for (int i = 0; i < a->in->thresholds.n; i++) {
        const struct lk_audit_level *l = &a->levels[i];
        const lk_threshold *t = &a->in->thresholds.items[i];
        json_array_append_new(
            levels, json_pack("{s:f, s:f, s:b, s:o, s:f, s:f, s:f}", "fmr", l->fmr, "score", l->score,
                              "supported", t->supported, "tar", lk_json_number(t->tar), "share", l->share,
                              "expected_by_chance", l->expected, "share_by_chance", l->chance));
    }
    lk_json_set(o, "references", lk_json_count(a->galleries[0].rows), failed);
    lk_json_set(o, "images", lk_json_count(a->probes.rows), failed);
    lk_json_set(o, "pairs", lk_json_count(a->n_pairs), failed);
    lk_json_set(o, "best", lk_json_number(a->n_pairs > 0 ? (double)a->pairs[0].score : NAN), failed);
    lk_json_set(o, "last", lk_json_number(a->n_pairs > 0 ? (double)a->pairs[a->n_pairs - 1].score : NAN),
                failed);
    lk_json_set(o, "thresholds", levels, failed);
    lk_json_set(o, "assumes", assumes(on_matcher), failed);
    return o;
}

static json_t *evalues(const struct lk_audit *a, bool *failed)
{
    const struct lk_tail_shape *shape = &a->tail.shape[0];
    json_t *o = json_object();
    lk_json_set(o, "images", lk_json_count(a->probes.rows), failed);
    lk_json_set(o, "strangers", lk_json_count(a->tail_strangers), failed);
    lk_json_set(o, "persons", lk_json_count(a->n_each), failed);
    lk_json_set(o, "scores_above", lk_json_count(a->tail_scores), failed);
    lk_json_set(o, "shape", lk_json_number(shape->shape), failed);
    lk_json_set(o, "shape_by_likelihood", lk_json_number(shape->likelihood), failed);
    lk_json_set(o, "pairs_flagged", lk_json_count(a->pairs_flagged), failed);
    lk_json_set(o, "images_flagged", lk_json_count(a->images_flagged), failed);
    lk_json_set(o, "images_flagged_by_chance", lk_json_number(0.01 * (double)a->probes.rows), failed);
    lk_json_set(o, "images_flagged_audit", lk_json_count(a->images_flagged_audit), failed);
    lk_json_set(o, "assumes", assumes(on_holdout), failed);
    return o;
}

static json_t *preference(const struct lk_audit *a, bool *failed)
{
    const struct lk_pull *p = &a->pull;
    json_t *o = json_object(), *corrected = json_array();
    for (size_t c = 0; c < a->in->n_controls; c++) {
        const struct lk_corrected *x = &a->controls[c].corrected;
        json_array_append_new(corrected, lk_json_estimate(x->pi, x->low, x->high));
    }
    lk_json_set(o, "units", lk_json_count(p->n), failed);
    lk_json_set(o, "wins", lk_json_count(p->wins), failed);
    lk_json_set(o, "losses", lk_json_count(p->losses), failed);
    lk_json_set(o, "ties", lk_json_count(p->ties), failed);
    lk_json_set(o, "lambda", lk_json_number(p->lambda), failed);
    lk_json_set(o, "p", lk_json_number(p->p), failed);
    lk_json_set(o, "pi", lk_json_estimate(p->pi, p->pi_low, p->pi_high), failed);
    lk_json_set(o, "pi_corrected", corrected, failed);
    lk_json_set(o, "p_value", lk_json_number(p->p_more), failed);
    lk_json_set(o, "nearest_persons", lk_json_count(p->persons), failed);
    lk_json_set(o, "largest_group", lk_json_count(p->largest), failed);
    lk_json_set(o, "design_effect", lk_json_number(p->design_effect), failed);
    lk_json_set(o, "replicates", lk_json_count(LK_PULL_REPLICATES), failed);
    lk_json_set(o, "permutations", lk_json_count(LK_PULL_PERMUTATIONS), failed);
    lk_json_set(o, "seed", lk_json_count(p->seed), failed);
    lk_json_set(o, "assumes", assumes(on_holdout), failed);
    return o;
}

static json_t *discoveries(const struct lk_audit *a, bool *failed)
{
    const struct lk_competition *c = &a->competition;
    json_t *o = json_object();
    lk_json_set(o, "q", lk_json_number(c->q), failed);
    lk_json_set(o, "holdouts", lk_json_count(c->holdouts), failed);
    lk_json_set(o, "resolution", lk_json_count(c->resolution), failed);
    lk_json_set(o, "wins", lk_json_count(c->wins), failed);
    lk_json_set(o, "losses", lk_json_count(c->losses), failed);
    lk_json_set(o, "tau", lk_json_number(c->tau), failed);
    lk_json_set(o, "discoveries", lk_json_count(c->discoveries), failed);
    lk_json_set(o, "decoys", lk_json_count(c->decoys), failed);
    lk_json_set(o, "largest_decoy", lk_json_number(c->largest_decoy), failed);
    lk_json_set(o, "persons_once", lk_json_count(a->persons_once.discoveries), failed);
    lk_json_set(o, "largest_hub", lk_json_count(a->hub_discoveries), failed);
    lk_json_set(o, "by_score_instead", lk_json_count(a->by_score.discoveries), failed);
    lk_json_set(o, "assumes", assumes(on_holdout), failed);
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
    lk_json_set(o, "q", lk_json_number(a->in->q), failed);
    lk_json_set(o, "units", lk_json_count(a->control_units), failed);
    lk_json_set(o, "discoveries", lk_json_count(a->control_found), failed);
    lk_json_set(o, "least", lk_json_count(a->control_least), failed);
    lk_json_set(o, "most", lk_json_count(a->control_most), failed);
    lk_json_set(o, "controls", each, failed);
    lk_json_set(o, "assumes", assumes(on_controls), failed);
    return o;
}

static json_t *person_side(const struct lk_audit *a, bool *failed)
{
    const struct lk_reach *r = &a->reach;
    json_t *o = json_object(), *rates = json_array(), *roc = json_array();
    for (int i = 0; i < 2; i++) {
        const struct lk_reach_rate *x = &r->rates[i];
        json_array_append_new(rates, json_pack("{s:f, s:f, s:o, s:o, s:b}", "fpr", x->fpr, "fpr_seen",
                                               x->fpr_seen, "score", lk_json_number(x->score), "tpr",
                                               lk_json_estimate(x->tpr, x->tpr_low, x->tpr_high), "supported",
                                               x->supported));
    }
    for (size_t i = 0; i < a->n_roc; i++)
        json_array_append_new(roc, json_pack("{s:f, s:f, s:o}", "fpr", a->roc[i].fpr, "tpr", a->roc[i].tpr,
                                             "score", lk_json_number((double)a->roc[i].score)));
    lk_json_set(o, "persons_train", lk_json_count(r->n_train), failed);
    lk_json_set(o, "persons_holdout", lk_json_count(r->n_holdout), failed);
    lk_json_set(o, "auc", lk_json_estimate(r->auc, r->auc_low, r->auc_high), failed);
    lk_json_set(o, "rates", rates, failed);
    lk_json_set(o, "roc", roc, failed);
    lk_json_set(o, "q", lk_json_number(r->q), failed);
    lk_json_set(o, "discoveries", lk_json_count(r->found), failed);
    lk_json_set(o, "resolution", lk_json_count(r->resolution), failed);
    lk_json_set(o, "seed", lk_json_count(r->seed), failed);
    lk_json_set(o, "assumes", assumes(on_holdout), failed);
    return o;
}

static json_t *kinds(const struct lk_audit *a, bool *failed)
{
    const struct lk_audit_kinds *k = &a->kinds;
    json_t *o = json_object(), *pairs = json_object();
    for (int i = 0; i <= LK_KIND_UNKNOWN; i++)
        lk_json_set(pairs, lk_kind_name((enum lk_kind)i), lk_json_count(k->pairs[i]), failed);
    lk_json_set(pairs, "not read", lk_json_count(k->not_read), failed);
    lk_json_set(o, "closest_pairs", pairs, failed);
    lk_json_set(o, "identities_with_copies", lk_json_count(k->identities), failed);
    lk_json_set(o, "images_copied", lk_json_count(k->references), failed);
    lk_json_set(o, "discoveries_without_copy", lk_json_count(k->inferred), failed);
    lk_json_set(o, "assumes", assumes(on_matcher), failed);
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
                            (json_int_t)p->point.n, "share", lk_json_number(share), "detected",
                            lk_json_estimate(p->point.detected, p->point.detected_interval.low,
                                             p->point.detected_interval.high),
                            "found", p->point.found, "false_share", p->point.false_share));
    }
    lk_json_set(o, "power", lk_json_number(LK_AUDIT_POWER), failed);
    lk_json_set(o, "genuine_pairs", lk_json_count(a->n_genuine), failed);
    lk_json_set(o, "rows", rows, failed);
    lk_json_set(o, "assumes", assumes(on_holdout), failed);
    return o;
}

static json_t *all_assumptions(bool *failed)
{
    json_t *o = json_object();
    for (int i = 0; i < N_ASSUMPTIONS; i++)
        lk_json_set(o, assumptions[i].word, json_string(assumptions[i].sentence), failed);
    return o;
}

static json_t *measures(const struct lk_audit *a, json_t *matchers, bool *failed)
{
    bool compared = lk_audit_has_holdout(a);
    json_t *o = json_object();
    lk_json_set(o, "L0_exposure", exposure(a, failed), failed);
    lk_json_set(o, "L2_evalues", a->tail_scores > 0 ? evalues(a, failed) : json_null(), failed);
    lk_json_set(o, "L3_preference", compared ? preference(a, failed) : json_null(), failed);
    lk_json_set(o, "L4_discoveries", compared ? discoveries(a, failed) : json_null(), failed);
    lk_json_set(o, "L4b_controls", a->control_units > 0 ? against_controls(a, failed) : json_null(), failed);
    lk_json_set(o, "L7_persons", compared ? person_side(a, failed) : json_null(), failed);
    lk_json_set(o, "L8_kinds", kinds(a, failed), failed);
    lk_json_set(o, "L9_matchers", matchers, failed);
    lk_json_set(o, "L10_power", a->n_powers > 0 ? power(a, failed) : json_null(), failed);
    return o;
}

static json_t *describe_matcher(const struct lk_audit_view *v, bool *failed)
{
    json_t *o = json_object();
    lk_json_set(o, "name", json_string(v->name), failed);
    lk_json_set(o, "folder", v->folder != NULL ? json_string(v->folder) : json_null(), failed);
    lk_json_set(o, "verdict", json_string(lk_verdict_name(v->verdict)), failed);
    lk_json_set(o, "units", lk_json_count(v->n), failed);
    lk_json_set(o, "discoveries", lk_json_count(v->n_found), failed);
    lk_json_set(o, "pi",
                v->holdouts > 0 ? lk_json_estimate(v->pull.pi, v->pull.pi_low, v->pull.pi_high) : json_null(),
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
                                            (json_int_t)x->both, "jaccard", lk_json_number(x->jaccard),
                                            "kappa", lk_json_number(x->kappa)));
        }
        if (m->tested)
            json_array_append_new(joint, json_pack("{s:I, s:I, s:I}", "at_least", (json_int_t)(i + 1),
                                                   "discoveries", (json_int_t)m->joint[i], "resolution",
                                                   (json_int_t)m->joint_least[i]));
    }
    lk_json_set(o, "matchers", each, failed);
    lk_json_set(o, "units", lk_json_count(m->n_common), failed);
    lk_json_set(o, "agreement", agreement, failed);
    lk_json_set(o, "q", lk_json_number(m->fdr), failed);
    lk_json_set(o, "joint", joint, failed);
    lk_json_set(o, "assumes", assumes(m->views[0].holdouts > 0 ? on_holdout : on_controls), failed);
    return o;
}

lk_status lk_audit_write_json(const struct lk_audit *a, const struct lk_audit_matchers *matchers,
                              const json_t *made, const char *folder, const char *command, lk_error *err)
{
    bool failed = false;
    json_t *o = json_object();
    lk_json_set(o, "kind", json_string("measures"), &failed);
    lk_json_set(o, "format", json_integer(1), &failed);
    lk_json_set(o, "tool", json_sprintf("likeness %s", lk_version()), &failed);
    lk_json_set(o, "command", command != NULL ? lk_json_text(command) : json_null(), &failed);
    lk_json_set(
        o, "verdict",
        json_pack("{s:s, s:o}", "name", lk_verdict_name(a->verdict), "sentence", lk_json_text(a->sentence)),
        &failed);
    lk_json_set(o, "unit", json_string(a->in->synthetic->labelled ? "identity" : "image"), &failed);
    lk_json_set(o, "person", json_string(a->in->train->labelled ? "identity" : "image"), &failed);
    lk_json_set(o, "units", lk_json_count(a->n_units), &failed);
    lk_json_set(o, "seed", lk_json_count(a->in->seed), &failed);
    failed = failed || json_object_update(o, (json_t *)(uintptr_t)made) != 0; /* jansson only reads it */
    lk_json_set(o, "sets", describe_sets(a, &failed), &failed);
    lk_json_set(o, "filters", describe_filters(a, &failed), &failed);
    lk_json_set(o, "matching", describe_matching(a, &failed), &failed);
    lk_json_set(o, "doubles", describe_doubles(&a->doubles, &failed), &failed);
    lk_json_set(o, "balance", lk_audit_has_holdout(a) ? describe_balance(a, &failed) : json_null(), &failed);
    json_t *l9 = matchers != NULL ? several(matchers, &failed) : json_null();
    lk_json_set(o, "measures", measures(a, l9, &failed), &failed);
    lk_json_set(o, "strata", describe_strata(a, &failed), &failed);
    lk_json_set(o, "assumptions", all_assumptions(&failed), &failed);
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
