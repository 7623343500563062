/* SPDX-License-Identifier: Apache-2.0 */
/* judge.c - from closest persons to the measures L0, L1, L3, L4, L4b and L7. */
#include <stdlib.h>
#include <string.h>

#include "audit/audit.h"
#include "stats/conformal.h"
#include "stats/resample.h"

/* ---- the published attack ---------------------------------------------------------------------------- */

static void measure_levels(struct lk_audit *a)
{
    uint64_t references = a->galleries[0].rows;
    for (int i = 0; i < a->in->thresholds.n; i++) {
        const lk_threshold *t = &a->in->thresholds.items[i];
        uint64_t reach = 0;
        for (uint64_t p = 0; p < a->probes.rows; p++)
            reach += (double)a->image_best[p] >= t->score;
        a->levels[i] = (struct lk_audit_level){t->fmr, t->score, lk_chance_expected(references, t->fmr),
                                               lk_chance_any(references, t->fmr),
                                               (double)reach / (double)a->probes.rows};
    }
}

/* ---- units ------------------------------------------------------------------------------------------ */

static void describe_units(struct lk_audit *a)
{
    size_t each = a->n_galleries;
    for (size_t u = 0; u < a->n_units; u++) {
        struct lk_audit_unit *unit = &a->units[u];
        unit->nearest = lk_tops_of(&a->tops, u, 0)->person;
        unit->margin = unit->q = unit->p_control = unit->q_control = unit->e = NAN;
        for (size_t g = 0; g < each; g++) {
            const struct lk_top *best = lk_tops_of(&a->tops, u, g);
            a->scores[u * each + g] = best->score;
            if (best->person != LK_NO_PERSON)
                a->persons[best->person].in_degree++;
        }
    }
    for (size_t u = 0; u < a->n_units; u++)
        if (a->units[u].nearest != LK_NO_PERSON)
            a->units[u].in_degree = a->persons[a->units[u].nearest].in_degree;
}

/* ---- chance curves ---------------------------------------------------------------------------------- */

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* Gives persons the numbers of their places among those that occur: below n. */
static lk_status number_groups(uint32_t *persons, size_t n, lk_error *err)
{
    uint32_t *sorted = lk_calloc(n, sizeof *sorted, err);
    if (sorted == NULL)
        return LK_ENOMEM;
    memcpy(sorted, persons, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, by_number);
    size_t distinct = 0;
    for (size_t i = 0; i < n; i++)
        if (i == 0 || sorted[i] != sorted[distinct - 1])
            sorted[distinct++] = sorted[i];
    for (size_t i = 0; i < n; i++) {
        const uint32_t *at = bsearch(&persons[i], sorted, distinct, sizeof *sorted, by_number);
        persons[i] = (uint32_t)(at - sorted);
    }
    free(sorted);
    return LK_OK;
}

static void control_curve(struct lk_audit *a)
{
    for (size_t i = 0; i < a->n_curve; i++) {
        uint64_t n = 0, reach = 0;
        for (size_t c = 0; c < a->in->n_controls; c++)
            for (size_t u = 0; u < a->controls[c].tops.n_units; u++, n++)
                reach += lk_tops_best(&a->controls[c].tops, u, 0) >= a->curve[i].score;
        a->curve_controls[i] = n > 0 ? (float)((double)reach / (double)n) : NAN;
    }
}

/* Steps of 0.01 over all best scores. */
static lk_status choose_scores(struct lk_audit *a, float **out, lk_error *err)
{
    int low = 200, high = -200;
    for (size_t i = 0; i < a->n_units * a->n_galleries; i++) {
        if (!isfinite(a->scores[i]))
            continue;
        int at = (int)floor(100 * (double)a->scores[i]);
        low = at < low ? at : low;
        high = at + 1 > high ? at + 1 : high;
    }
    a->n_curve = high >= low ? (size_t)(high - low + 1) : 0;
    float *at = lk_calloc(a->n_curve, sizeof *at, err);
    if (at == NULL)
        return LK_ENOMEM;
    for (size_t i = 0; i < a->n_curve; i++)
        at[i] = (float)(low + (int)i) / 100;
    *out = at;
    return LK_OK;
}

static lk_status measure_curve(struct lk_audit *a, const struct lk_votes *votes, lk_error *err)
{
    float *at = NULL;
    LK_TRY(choose_scores(a, &at, err));
    a->curve = lk_calloc(a->n_curve, sizeof *a->curve, err);
    a->curve_controls = lk_calloc(a->n_curve, sizeof *a->curve_controls, err);
    uint32_t *groups = lk_calloc(a->n_units, 2 * sizeof *groups, err);
    lk_status status = a->curve != NULL && a->curve_controls != NULL && groups != NULL ? LK_OK : LK_ENOMEM;
    for (size_t u = 0; status == LK_OK && u < a->n_units; u++) {
        struct lk_top best = {-INFINITY, LK_NO_PERSON};
        for (size_t g = 1; g < a->n_galleries; g++)
            if (lk_tops_best(&a->tops, u, g) > best.score)
                best = *lk_tops_of(&a->tops, u, g);
        groups[u] = a->units[u].nearest;
        groups[a->n_units + u] = best.person;
    }
    if (status == LK_OK)
        status = number_groups(groups, a->n_units, err);
    if (status == LK_OK)
        status = number_groups(groups + a->n_units, a->n_units, err);
    struct lk_curve_groups g = {groups, groups + a->n_units, votes->group};
    if (status == LK_OK)
        status =
            lk_chance_curves(a->scores, a->n_units, a->n_galleries - 1, &g, at, a->n_curve, a->curve, err);
    if (status == LK_OK)
        control_curve(a);
    free(groups);
    free(at);
    return status;
}

/* ---- discoveries ------------------------------------------------------------------------------------ */

/* Takes a unit out of a competition: equal scores are a tie. */
static void tie(float *scores, size_t n)
{
    for (size_t g = 0; g < n; g++)
        scores[g] = 0;
}

/* The same competition with one unit for each nearest person, that with the largest margin. */
static lk_status compete_once(struct lk_audit *a, const struct lk_votes *votes, float *scores, lk_error *err)
{
    size_t each = a->n_galleries;
    uint32_t *best = lk_calloc(votes->n_groups, sizeof *best, err);
    if (best == NULL)
        return LK_ENOMEM;
    memset(best, 0xff, votes->n_groups * sizeof *best);
    for (uint32_t u = 0; u < a->n_units; u++) {
        uint32_t *b = &best[votes->group[u]];
        if (*b == UINT32_MAX || fabs(a->units[u].margin) > fabs(a->units[*b].margin))
            *b = u;
    }
    memcpy(scores, a->scores, a->n_units * each * sizeof *scores);
    for (uint32_t u = 0; u < a->n_units; u++)
        if (best[votes->group[u]] != u)
            tie(scores + u * each, each);
    free(best);
    return lk_compete_many(scores, a->n_units, each - 1, a->in->q, NULL, NULL, &a->persons_once, err);
}

/* What ranking by the score instead of the margin gives: shown as a warning, never used. */
static lk_status compete_by_score(struct lk_audit *a, float *scores, lk_error *err)
{
    size_t each = a->n_galleries;
    for (size_t u = 0; u < a->n_units; u++) {
        float *to = scores + u * each;
        const struct lk_audit_unit *unit = &a->units[u];
        tie(to, each);
        if (unit->margin > 0)
            to[0] = unit->t + 2;
        else if (unit->margin < 0)
            to[1] = unit->h + 2;
    }
    return lk_compete_many(scores, a->n_units, each - 1, a->in->q, NULL, NULL, &a->by_score, err);
}

static lk_status find_hub(struct lk_audit *a, lk_error *err)
{
    uint32_t *found = lk_calloc(a->n_persons, sizeof *found, err);
    if (found == NULL)
        return LK_ENOMEM;
    for (size_t u = 0; u < a->n_units; u++)
        if (a->units[u].found && ++found[a->units[u].nearest] > a->hub_discoveries)
            a->hub_discoveries = found[a->units[u].nearest];
    free(found);
    return LK_OK;
}

static lk_status compete(struct lk_audit *a, const struct lk_votes *votes, lk_error *err)
{
    size_t n = a->n_units;
    double *q = lk_calloc(n, sizeof *q, err), *margin = lk_calloc(n, sizeof *margin, err);
    float *scores = lk_calloc(n * a->n_galleries, sizeof *scores, err);
    lk_status status = q != NULL && margin != NULL && scores != NULL ? LK_OK : LK_ENOMEM;
    if (status == LK_OK)
        status = lk_compete_many(a->scores, n, a->n_galleries - 1, a->in->q, q, margin, &a->competition, err);
    for (size_t u = 0; status == LK_OK && u < n; u++) {
        a->units[u].margin = margin[u];
        a->units[u].q = q[u];
        a->units[u].found = margin[u] >= a->competition.tau; /* false when tau is NaN */
    }
    if (status == LK_OK)
        status = compete_once(a, votes, scores, err);
    if (status == LK_OK)
        status = compete_by_score(a, scores, err);
    if (status == LK_OK)
        status = find_hub(a, err);
    free(q);
    free(margin);
    free(scores);
    return status;
}

/* ---- controls --------------------------------------------------------------------------------------- */

static double images_each(const struct lk_audit_set *set)
{
    return (double)set->rows / (double)set->n_persons;
}

static lk_status pull_of_control(struct lk_audit *a, struct lk_audit_control *c, const struct lk_votes *votes,
                                 const uint64_t *sizes, lk_error *err)
{
    struct lk_votes own;
    LK_TRY(lk_votes_new(&own, &c->tops, sizes, err));
    lk_status status = lk_pull(a->ctx, &own, a->in->seed, &c->pull, err);
    if (status == LK_OK)
        status = lk_pull_corrected(votes, &own, a->in->seed, &c->corrected, err);
    lk_votes_free(&own);
    return status;
}

struct conformal {
    float *t, *controls;
    double *p, *q;
};

static lk_status count_against(struct lk_audit *a, struct conformal *m, size_t n_controls, uint64_t *found,
                               lk_error *err)
{
    LK_TRY(lk_conformal(m->t, a->n_units, m->controls, n_controls, m->p, err));
    return lk_benjamini_hochberg(m->p, a->n_units, a->in->q, m->q, found, err);
}

static lk_status measure_conformal(struct lk_audit *a, struct conformal *m, lk_error *err)
{
    size_t all = 0;
    for (size_t u = 0; u < a->n_units; u++)
        m->t[u] = a->units[u].t;
    for (size_t c = 0; c < a->in->n_controls; c++) {
        struct lk_audit_control *control = &a->controls[c];
        size_t n = control->tops.n_units;
        for (size_t u = 0; u < n; u++)
            m->controls[u] = lk_tops_best(&control->tops, u, 0);
        LK_TRY(count_against(a, m, n, &control->found, err));
        control->images_each = images_each(control->set);
        double off = control->images_each / images_each(a->in->synthetic);
        control->comparable = off > 0.8 && off < 1.25;
        control->smallest_p = 1 / ((double)n + 1);
        a->control_least = c == 0 || control->found < a->control_least ? control->found : a->control_least;
        a->control_most = control->found > a->control_most ? control->found : a->control_most;
    }
    for (size_t c = 0; c < a->in->n_controls; c++)
        for (size_t u = 0; u < a->controls[c].tops.n_units; u++)
            m->controls[all++] = lk_tops_best(&a->controls[c].tops, u, 0);
    a->control_units = all;
    LK_TRY(count_against(a, m, all, &a->control_found, err));
    for (size_t u = 0; u < a->n_units; u++) {
        a->units[u].p_control = m->p[u];
        a->units[u].q_control = m->q[u];
    }
    return LK_OK;
}

static lk_status measure_controls(struct lk_audit *a, lk_error *err)
{
    size_t all = 0;
    for (size_t c = 0; c < a->in->n_controls; c++)
        all += a->controls[c].tops.n_units;
    if (all == 0)
        return LK_OK;
    struct conformal m = {lk_calloc(a->n_units, sizeof *m.t, err), lk_calloc(all, sizeof *m.controls, err),
                          lk_calloc(a->n_units, sizeof *m.p, err), lk_calloc(a->n_units, sizeof *m.q, err)};
    lk_status status = m.t != NULL && m.controls != NULL && m.p != NULL && m.q != NULL
                           ? measure_conformal(a, &m, err)
                           : LK_ENOMEM;
    free(m.t);
    free(m.controls);
    free(m.p);
    free(m.q);
    return status;
}

/* ---- the person side -------------------------------------------------------------------------------- */

static lk_status measure_persons(struct lk_audit *a, lk_error *err)
{
    size_t n = (size_t)a->n_each, held = a->n_persons - n;
    float *best = lk_calloc(a->n_persons, sizeof *best, err);
    double *p = lk_calloc(n, sizeof *p, err), *q = lk_calloc(n, sizeof *q, err);
    lk_status status = best != NULL && p != NULL && q != NULL ? LK_OK : LK_ENOMEM;
    for (size_t i = 0; status == LK_OK && i < a->n_persons; i++)
        best[i] = a->persons[i].best;
    if (status == LK_OK)
        status = lk_reach(a->ctx, best, n, best + n, held, a->in->q, a->in->seed, p, q, &a->reach, err);
    if (status == LK_OK)
        status =
            lk_reach_roc(best, n, best + n, held, a->roc, sizeof a->roc / sizeof a->roc[0], &a->n_roc, err);
    for (size_t i = 0; status == LK_OK && i < n; i++) {
        a->persons[i].p = p[i];
        a->persons[i].q = q[i];
    }
    free(best);
    free(p);
    free(q);
    return status;
}

/* ---- all -------------------------------------------------------------------------------------------- */

static lk_status compare(struct lk_audit *a, lk_error *err)
{
    uint64_t *sizes = lk_calloc(a->n_galleries, sizeof *sizes, err);
    struct lk_votes votes = {0};
    if (sizes == NULL)
        return LK_ENOMEM;
    for (size_t g = 0; g < a->n_galleries; g++)
        sizes[g] = a->n_each;
    lk_status status = lk_votes_new(&votes, &a->tops, sizes, err);
    if (status == LK_OK)
        status = measure_curve(a, &votes, err);
    if (status == LK_OK)
        status = lk_pull(a->ctx, &votes, a->in->seed, &a->pull, err);
    if (status == LK_OK)
        status = compete(a, &votes, err);
    for (size_t c = 0; status == LK_OK && c < a->in->n_controls; c++)
        status = pull_of_control(a, &a->controls[c], &votes, sizes, err);
    if (status == LK_OK)
        status = measure_persons(a, err);
    lk_votes_free(&votes);
    free(sizes);
    return status;
}

/* Without a hold-out: the curve of T alone. */
static lk_status measure_alone(struct lk_audit *a, lk_error *err)
{
    float *at = NULL;
    LK_TRY(choose_scores(a, &at, err));
    a->curve = lk_calloc(a->n_curve, sizeof *a->curve, err);
    a->curve_controls = lk_calloc(a->n_curve, sizeof *a->curve_controls, err);
    lk_status status = a->curve != NULL && a->curve_controls != NULL ? LK_OK : LK_ENOMEM;
    if (status == LK_OK)
        status = lk_chance_curves(a->scores, a->n_units, 0, NULL, at, a->n_curve, a->curve, err);
    if (status == LK_OK)
        control_curve(a);
    free(at);
    return status;
}

lk_status lk_audit_judge(struct lk_audit *a, lk_error *err)
{
    a->scores = lk_calloc(a->n_units * a->n_galleries, sizeof *a->scores, err);
    if (a->scores == NULL)
        return LK_ENOMEM;
    measure_levels(a);
    describe_units(a);
    LK_TRY(lk_audit_has_holdout(a) ? compare(a, err) : measure_alone(a, err));
    return measure_controls(a, err);
}
