/* SPDX-License-Identifier: Apache-2.0 */
/* decoys.c - training set against hold-outs: competition with decoys (knockoff+). */
#include "stats/decoys.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "stats/proportion.h"
#include "stats/resample.h"

/* ---- competition ---------------------------------------------------------------------------------- */

struct margin {
    double size;
    int sign; /* 1 when the training set wins, -1 when a hold-out does, 0 for a tie */
    size_t unit;
};

static int compare_margins(const void *a, const void *b)
{
    double x = ((const struct margin *)a)->size, y = ((const struct margin *)b)->size;
    return (x > y) - (x < y);
}

/* The best of the scores against the second best. */
static struct margin unit_margin(const float *scores, size_t n_scores, size_t unit)
{
    size_t best = 0;
    float second = -INFINITY;
    for (size_t i = 1; i < n_scores; i++) {
        if (scores[i] > scores[best]) {
            second = scores[best];
            best = i;
        } else if (scores[i] > second) {
            second = scores[i];
        }
    }
    if (second == scores[best]) /* also tells two infinities apart from a difference */
        return (struct margin){0, 0, unit};
    return (struct margin){(double)scores[best] - (double)second, best == 0 ? 1 : -1, unit};
}

/* Smallest m with 1/(K m) <= q, whatever the rounding of 1/q does. */
static uint64_t smallest_list(double q, double holdouts)
{
    uint64_t m = (uint64_t)ceil(1 / (q * holdouts));
    while (m > 1 && 1 / holdouts / (double)(m - 1) <= q)
        m--;
    while (m < 1 || 1 / holdouts / (double)m > q)
        m++;
    return m;
}

/* Goes up through the distinct margins. `above` and `below` count the wins and losses with a margin of at
 * least the current one, so that (1 + below) / K / above estimates the share of false discoveries there; a
 * unit's q-value is the smallest such estimate at or below its own margin. Equal margins are one step. */
static void walk(const struct margin *m, size_t n, double *q_value, struct lk_competition *r)
{
    uint64_t above = r->wins, below = r->losses;
    double lowest = 1;
    for (size_t first = 0, end; first < n; first = end) {
        uint64_t wins = 0, losses = 0;
        for (end = first; end < n && m[end].size == m[first].size; end++) {
            wins += m[end].sign > 0;
            losses += m[end].sign < 0;
        }
        if (m[first].size > 0) {
            double estimate = (1 + (double)below) / (double)r->holdouts / (above > 0 ? (double)above : 1);
            if (estimate < lowest)
                lowest = estimate;
            if (estimate <= r->q && isnan(r->tau) && above > 0) {
                r->tau = m[first].size;
                r->discoveries = above;
                r->decoys = below;
            }
        }
        for (size_t i = first; q_value != NULL && i < end; i++)
            q_value[m[i].unit] = m[i].sign > 0 ? lowest : 1;
        above -= wins;
        below -= losses;
    }
}

lk_status lk_compete_many(const float *scores, size_t n, size_t n_holdouts, double q, double *q_value,
                          double *margin, struct lk_competition *out, lk_error *err)
{
    size_t each = n_holdouts + 1;
    LK_NEED(n > 0, err, LK_EINVAL, "decoys: no units, expected at least one");
    LK_NEED(n_holdouts > 0, err, LK_EINVAL, "decoys: no hold-out, expected at least one");
    LK_NEED(q >= 1e-9 && q < 1, err, LK_EINVAL, "false discovery rate is %g, expected from 1e-9 to below 1",
            q);
    for (size_t i = 0; i < n * each; i++)
        LK_NEED(!isnan(scores[i]), err, LK_EINVAL, "decoys: the score of unit %zu is not a number", i / each);
    struct margin *margins = lk_calloc(n, sizeof *margins, err);
    if (margins == NULL)
        return LK_ENOMEM;
    struct lk_competition r = {.n = n,
                               .holdouts = n_holdouts,
                               .q = q,
                               .tau = NAN,
                               .resolution = smallest_list(q, (double)n_holdouts)};
    for (size_t i = 0; i < n; i++) {
        margins[i] = unit_margin(scores + i * each, each, i);
        r.wins += margins[i].sign > 0;
        r.losses += margins[i].sign < 0;
        if (margins[i].sign < 0 && margins[i].size > r.largest_decoy)
            r.largest_decoy = margins[i].size;
        if (margin != NULL)
            margin[i] = margins[i].sign * margins[i].size;
    }
    qsort(margins, n, sizeof *margins, compare_margins);
    walk(margins, n, q_value, &r);
    free(margins);
    r.not_enough_power = r.discoveries == 0 && r.wins < r.resolution;
    *out = r;
    return LK_OK;
}

lk_status lk_compete(const float *t, const float *h, size_t n, double q, double *q_value,
                     struct lk_competition *out, lk_error *err)
{
    float *scores = lk_calloc(n, 2 * sizeof *scores, err);
    if (scores == NULL)
        return LK_ENOMEM;
    for (size_t i = 0; i < n; i++) {
        scores[2 * i] = t[i];
        scores[2 * i + 1] = h[i];
    }
    lk_status status = lk_compete_many(scores, n, 1, q, q_value, NULL, out, err);
    free(scores);
    return status;
}
