/* SPDX-License-Identifier: Apache-2.0 */
/* rounds.c - measure, remove what meets the criterion, measure what is left, until nothing does or the budget
 * is spent. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "clean/clean.h"

/* ---- the criterion ------------------------------------------------------------------------------------ */

bool lk_clean_meets(const struct lk_clean *c, double tau, const struct lk_clean_lead *lead)
{
    if (c->options->criterion == LK_CLEAN_EVALUE)
        return lead->e <= tau;
    return (c->by_controls ? (double)lead->t : lead->margin) >= tau; /* false when tau is NaN */
}

bool lk_clean_found(const struct lk_audit *a, size_t unit)
{
    const struct lk_audit_unit *u = &a->units[unit];
    return lk_audit_has_holdout(a) ? u->found : u->q_control <= a->in->q;
}

/* What this measurement makes of the criterion: the smallest margin of a discovery, or its smallest score
 * against the controls; NaN when there is none. */
static double tau_of(const struct lk_clean *c, const struct lk_audit *a)
{
    if (c->options->criterion != LK_CLEAN_DISCOVERIES)
        return c->options->limit;
    if (!c->by_controls)
        return a->competition.tau;
    double tau = NAN;
    for (size_t u = 0; u < a->n_units; u++)
        if (lk_clean_found(a, u) && !((double)a->units[u].t >= tau))
            tau = (double)a->units[u].t;
    return tau;
}

static lk_status check_sets(struct lk_clean *c, const struct lk_audit *a, lk_error *err)
{
    const lk_clean_options *o = c->options;
    bool held = lk_audit_has_holdout(a);
    c->by_controls = !held;
    LK_NEED(held || (o->criterion == LK_CLEAN_DISCOVERIES && a->control_units > 0), err, LK_EINVAL,
            "clean: found no hold-out%s; expected real people whom the generator never saw, or controls and "
            "discoveries as the criterion: how close a pair is says nothing without them",
            o->criterion == LK_CLEAN_DISCOVERIES ? " and no controls" : "");
    LK_NEED(!held || o->measure.force || a->verdict != LK_VERDICT_NOT_INTERPRETABLE, err, LK_EINVAL,
            "clean: the measurement cannot be interpreted, so what it finds need not be leaks (%s); mend "
            "that, or "
            "force it",
            a->sentence);
    LK_NEED(o->criterion != LK_CLEAN_EVALUE || a->tail_scores > 0, err, LK_EINVAL,
            "clean: E-values need a hold-out of at least three persons");
    return LK_OK;
}

/* ---- one round ---------------------------------------------------------------------------------------- */

struct marked {
    uint32_t identity;
    uint8_t copy;
    double strength;
    uint64_t key;
};

/* Copies first, then by falling strength; what is equal in the order of keys, which no order of rows changes.
 */
static int by_strength(const void *x, const void *y)
{
    const struct marked *a = x, *b = y;
    if (a->copy != b->copy)
        return a->copy ? -1 : 1;
    if (a->strength != b->strength)
        return a->strength > b->strength ? -1 : 1;
    if (a->key != b->key)
        return a->key < b->key ? -1 : 1;
    return (a->identity > b->identity) - (a->identity < b->identity);
}

static double strength_of(const struct lk_clean *c, const struct lk_clean_lead *lead)
{
    if (c->options->criterion == LK_CLEAN_EVALUE)
        return -lead->e;
    return c->by_controls ? (double)lead->t : lead->margin;
}

/* Identities that are there and meet the criterion or hold a picture of the training set. */
static lk_status mark(const struct lk_clean *c, const struct lk_audit *a, double tau, struct marked **out,
                      size_t *n, lk_error *err)
{
    const struct lk_audit_set *s = a->in->synthetic;
    struct marked *marked = lk_calloc(s->n_persons, sizeof *marked, err);
    if (marked == NULL)
        return LK_ENOMEM;
    *n = 0;
    for (uint32_t p = 0; p < s->n_persons; p++) {
        const struct lk_clean_lead *lead = &c->leads.of[p];
        if (!c->removed[p] && (a->copied[p] || lk_clean_meets(c, tau, lead)))
            marked[(*n)++] = (struct marked){p, a->copied[p], strength_of(c, lead), s->person_key[p]};
    }
    if (*n > 0)
        qsort(marked, *n, sizeof *marked, by_strength);
    *out = marked;
    return LK_OK;
}

static uint64_t budget_left(const struct lk_clean *c)
{
    return c->sum->budget - c->sum->n_removed;
}

static void note_q(struct lk_clean *c, const struct lk_audit *a)
{
    for (size_t u = 0; u < a->n_units; u++)
        if (!c->removed[a->units[u].identity])
            c->marks[a->units[u].identity].q = c->by_controls ? a->units[u].q_control : a->units[u].q;
}

static void remove_marked(struct lk_clean *c, const struct marked *marked, size_t n, double tau)
{
    if (n > 0)
        c->sum->n_rounds++;
    for (size_t i = 0; i < n; i++) {
        struct lk_clean_mark *m = &c->marks[marked[i].identity];
        *m = (struct lk_clean_mark){.cause = marked[i].copy ? LK_CLEAN_COPY : LK_CLEAN_MET,
                                    .round = (uint32_t)c->sum->n_rounds,
                                    .tau = tau,
                                    .q = m->q,
                                    .lead = c->leads.of[marked[i].identity]};
        c->removed[marked[i].identity] = true;
        c->sum->n_copies += marked[i].copy;
    }
    c->sum->n_removed += n;
}

/* *again: something was removed, so what is left must be measured. */
static lk_status run_round(struct lk_clean *c, const struct lk_audit *a, bool *again, lk_error *err)
{
    struct marked *marked = NULL;
    size_t n = 0;
    double tau = tau_of(c, a);
    LK_TRY(lk_clean_leads_evaluate(&c->leads, a, err));
    if (!isnan(tau) && !(tau >= c->tau)) /* E-values have one limit only */
        c->tau = tau;
    LK_TRY(mark(c, a, c->tau, &marked, &n, err));
    size_t take = n < budget_left(c) ? n : (size_t)budget_left(c);
    lk_status status = LK_OK;
    if (c->sum->n_removed + take == a->in->synthetic->n_persons)
        status = lk_fail(err, LK_EINVAL,
                         "clean: every synthetic identity meets the criterion; nothing would be left");
    if (status == LK_OK) {
        note_q(c, a);
        remove_marked(c, marked, take, c->tau);
        c->n_marked = n - take;
    }
    *again = take > 0;
    free(marked);
    return status;
}

static void tell_round(const struct lk_clean *c, const struct lk_audit *a)
{
    lk_ctx_message(c->ctx, LK_LEVEL_NOTE,
                   "round %" PRIu64 ": %zu identities measured, %" PRIu64 " removed so far", c->sum->n_rounds,
                   a->n_units, c->sum->n_removed);
}

/* The first measurement: is it one to clean by, and what is the state before? */
static lk_status begin(struct lk_clean *c, const struct lk_audit *a, lk_error *err)
{
    LK_TRY(check_sets(c, a, err));
    lk_audit_tell(c->ctx, a);
    lk_clean_view_before(&c->sum->views[0], a);
    LK_TRY(lk_clean_write_measures(c, a, "before", NULL, err));
    return lk_clean_leads_find(&c->leads, a, err);
}

static lk_status set_budget(struct lk_clean *c, lk_error *err)
{
    const lk_clean_options *o = c->options;
    LK_NEED(o->budget_share >= 0 && o->budget_share <= 1, err, LK_EINVAL,
            "clean: a budget of %g of all identities, expected 0 to 1", o->budget_share);
    uint64_t n = c->sum->n_identities, part = (uint64_t)(o->budget_share * (double)n);
    c->sum->budget =
        o->budget < UINT64_MAX || o->budget_share < 1 ? (part < o->budget ? part : o->budget) : UINT64_MAX;
    return LK_OK;
}

lk_status lk_clean_rounds(struct lk_clean *c, struct lk_audit *after, lk_error *err)
{
    const struct lk_audit_set *s = c->job.input.synthetic;
    c->removed = lk_calloc(s->n_persons, sizeof *c->removed, err);
    c->marks = lk_calloc(s->n_persons, sizeof *c->marks, err);
    if (c->removed == NULL || c->marks == NULL)
        return LK_ENOMEM;
    for (uint32_t p = 0; p < s->n_persons; p++)
        c->marks[p].q = NAN;
    c->sum->n_identities = s->n_persons;
    c->tau = NAN;
    LK_TRY(set_budget(c, err));
    c->job.input.removed = c->removed;
    for (bool first = true, again = true; again; first = false) {
        struct lk_audit a;
        LK_TRY(lk_audit_run(&a, c->ctx, &c->job.input, err));
        lk_status status = first ? begin(c, &a, err) : LK_OK;
        if (status == LK_OK)
            status = run_round(c, &a, &again, err);
        if (status == LK_OK && !again) {
            *after = a;
            return LK_OK;
        }
        if (status == LK_OK)
            tell_round(c, &a);
        lk_audit_free(&a);
        LK_TRY(status);
    }
    return LK_OK;
}
