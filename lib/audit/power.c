/* SPDX-License-Identifier: Apache-2.0 */
/* power.c - L10: the smallest leak that this measurement would have found, for leaks as alike as two images
 * of one person of T, or as alike as was asked for. */
#include <stdlib.h>

#include "audit/audit.h"
#include "stats/power.h"

/* Pairs of each person, so that nobody with many images stands for all; and fewest pairs that say something.
 */
enum { PAIRS_EACH = 10, LEAST_GENUINE = 30 };

/* Scores of images of one person, of those persons of T that take part. */
static lk_status genuine_scores(const struct lk_audit *a, float **out, size_t *n, lk_error *err)
{
    float *scores = lk_calloc((size_t)a->n_each, PAIRS_EACH * sizeof *scores, err);
    if (scores == NULL)
        return LK_ENOMEM;
    *n = 0;
    for (uint64_t i = 0; i < a->n_each; i++) {
        const struct lk_audit_person *p = &a->persons[i];
        const struct lk_audit_set *s = p->set;
        const uint32_t *rows = s->rows_of + s->start[p->person];
        uint32_t n_rows = s->start[p->person + 1] - s->start[p->person];
        int done = 0;
        for (uint32_t x = 1; x < n_rows && done < PAIRS_EACH; x++)
            for (uint32_t y = 0; y < x && done < PAIRS_EACH; y++, done++)
                scores[(*n)++] = lk_score(s->data + rows[x] * s->dim, s->data + rows[y] * s->dim, s->dim);
    }
    *out = scores;
    return LK_OK;
}

static int by_score(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* Best scores of the units that are no discoveries. */
static lk_status null_scores(const struct lk_audit *a, float **out, size_t *n, lk_error *err)
{
    size_t each = a->n_galleries;
    float *scores = lk_calloc(a->n_units, each * sizeof *scores, err);
    if (scores == NULL)
        return LK_ENOMEM;
    *n = 0;
    for (size_t u = 0; u < a->n_units; u++) {
        if (a->units[u].found)
            continue;
        for (size_t g = 0; g < each; g++)
            scores[*n * each + g] = a->scores[u * each + g];
        (*n)++;
    }
    *out = scores;
    return LK_OK;
}

static lk_status add_row(struct lk_audit *a, struct lk_power_run *run, bool genuine, lk_error *err)
{
    struct lk_audit_power *row = &a->powers[a->n_powers];
    *row = (struct lk_audit_power){.genuine = genuine, .strength = (double)run->genuine[run->n_genuine / 2]};
    LK_TRY(lk_power_smallest(a->ctx, run, LK_AUDIT_POWER, &row->point, err));
    a->n_powers++;
    return LK_OK;
}

static lk_status measure(struct lk_audit *a, struct lk_power_run *run, lk_error *err)
{
    float *genuine = NULL;
    LK_TRY(genuine_scores(a, &genuine, &a->n_genuine, err));
    lk_status status = LK_OK;
    if (a->n_genuine >= LEAST_GENUINE) {
        qsort(genuine, a->n_genuine, sizeof *genuine, by_score);
        run->genuine = genuine;
        run->n_genuine = a->n_genuine;
        status = add_row(a, run, true, err);
    }
    for (size_t i = 0; status == LK_OK && i < a->in->n_strengths; i++) {
        float strength = (float)a->in->strengths[i];
        run->genuine = &strength;
        run->n_genuine = 1;
        status = add_row(a, run, false, err);
    }
    free(genuine);
    return status;
}

lk_status lk_audit_measure_power(struct lk_audit *a, lk_error *err)
{
    bool wanted = a->competition.discoveries == 0 || a->in->n_strengths > 0;
    if (!lk_audit_has_holdout(a) || !wanted || a->competition.discoveries == a->n_units)
        return LK_OK;
    a->powers = lk_calloc(a->in->n_strengths + 1, sizeof *a->powers, err);
    float *scores = NULL;
    struct lk_power_run run = {.n_holdouts = a->n_galleries - 1, .q = a->in->q, .seed = a->in->seed};
    lk_status status = a->powers != NULL ? null_scores(a, &scores, &run.n_units, err) : LK_ENOMEM;
    run.scores = scores;
    if (status == LK_OK)
        status = measure(a, &run, err);
    free(scores);
    return status;
}
