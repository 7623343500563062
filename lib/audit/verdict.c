/* SPDX-License-Identifier: Apache-2.0 */
/* verdict.c - whether the galleries are balanced, and the verdict. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "audit/audit.h"

/* Together, the checks of balance refute a sound audit once in a hundred times at most. */
static const double balance_level = 0.01;

static void check_balance(struct lk_audit *a)
{
    double tests = (double)a->mixing_measured + (double)a->in->n_controls;
    if (a->mixing_measured && a->mixing.p * tests <= balance_level) {
        snprintf(a->unbalanced, sizeof a->unbalanced,
                 "%" PRIu64 " of %" PRIu64 " real persons have their nearest other person in their own set, "
                 "where %.0f are expected (p = %.2g)",
                 a->mixing.own, a->mixing.n, a->mixing.expected, a->mixing.p);
        return;
    }
    for (size_t c = 0; c < a->in->n_controls; c++) {
        const struct lk_pull *pull = &a->controls[c].pull;
        if (pull->p_two_sided * tests > balance_level)
            continue;
        /* By its number: the sentence goes into pages that name no path. */
        snprintf(a->unbalanced, sizeof a->unbalanced,
                 "of the %" PRIu64 " identities of control %zu, %.1f %% prefer the training set, where %.1f %% "
                 "are expected (p = %.2g)",
                 pull->n, c + 1, 100 * pull->p, 100 * pull->lambda, pull->p_two_sided);
        return;
    }
}

static void say_controls(struct lk_audit *a)
{
    size_t len = strlen(a->sentence);
    if (lk_audit_has_holdout(a) || a->control_units == 0 || len >= sizeof a->sentence)
        return;
    snprintf(a->sentence + len, sizeof a->sentence - len,
             " Against the controls, %" PRIu64 " stand out at a false discovery rate of %g %% (%" PRIu64
             " to %" PRIu64 " with single controls): as good as the choice of controls, and no verdict.",
             a->control_found, 100 * a->in->q, a->control_least, a->control_most);
}

/* What the verdict states: leaks as alike as two images of one person where T has such images, else the
 * weakest leak asked for that the run would have found, else the strongest. */
static struct lk_evidence_power stated_power(const struct lk_audit *a)
{
    const struct lk_audit_power *best = NULL;
    for (size_t i = 0; i < a->n_powers; i++) {
        const struct lk_audit_power *p = &a->powers[i];
        bool found = p->point.planted > 0, best_found = best != NULL && best->point.planted > 0;
        if (best == NULL || (!best->genuine && (found != best_found ? found
                                                : found ? p->strength < best->strength
                                                        : p->strength > best->strength)))
            best = p;
    }
    if (best == NULL)
        return (struct lk_evidence_power){.measured = 0};
    return (struct lk_evidence_power){.measured = 1,
                                      .genuine = best->genuine,
                                      .strength = best->strength,
                                      .power = LK_AUDIT_POWER,
                                      .planted = best->point.planted,
                                      .n = best->point.n};
}

void lk_audit_give_verdict(struct lk_audit *a)
{
    struct lk_evidence e = {.n_units = a->n_units, .units_are_images = !a->in->synthetic->labelled};
    if (lk_audit_has_holdout(a)) {
        check_balance(a);
        e.has_holdout = 1;
        e.pull = a->pull;
        e.competition = a->competition;
        e.hub_discoveries = a->hub_discoveries;
        e.persons_once = a->persons_once.discoveries;
        e.unbalanced = a->unbalanced[0] != '\0' ? a->unbalanced : NULL;
        e.power = stated_power(a);
    }
    e.copies = (struct lk_evidence_copies){.identities = a->kinds.identities,
                                           .references = a->kinds.references};
    a->verdict = lk_judge(&e, a->sentence, sizeof a->sentence);
    say_controls(a);
}
