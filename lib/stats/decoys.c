/* SPDX-License-Identifier: Apache-2.0 */
/* decoys.c - training set against hold-out: excess preference, and competition with decoys (knockoff+). */
#include "stats/decoys.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/rng.h"
#include "stats/proportion.h"

static lk_status check_scores(const float *t, const float *h, size_t n, lk_error *err)
{
    LK_NEED(n > 0, err, LK_EINVAL, "decoys: no units, expected at least one");
    for (size_t i = 0; i < n; i++)
        LK_NEED(!isnan(t[i]) && !isnan(h[i]), err, LK_EINVAL, "decoys: the score of unit %zu is not a number",
                i);
    return LK_OK;
}

/* ---- excess preference ---------------------------------------------------------------------------- */

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Quantile of sorted values, linear between neighbours (type 7 of Hyndman & Fan 1996). */
static double sorted_quantile(const double *values, size_t n, double share)
{
    double at = share * (double)(n - 1);
    size_t i = (size_t)at;
    return i + 1 < n ? values[i] + (at - (double)i) * (values[i + 1] - values[i]) : values[n - 1];
}

static double excess(double p, double lambda)
{
    return (p - lambda) / (1 - lambda);
}

/* Units are drawn with replacement. Only a unit's outcome matters, so they may be thought of as sorted: wins
 * first, then ties, then losses; the drawn index alone says which it is. */
static lk_status bootstrap(struct lk_preference *r, lk_error *err)
{
    double *values = lk_calloc(LK_BOOTSTRAP_REPLICATES, sizeof *values, err);
    if (values == NULL)
        return LK_ENOMEM;
    struct lk_rng rng = lk_rng_seed(r->seed);
    for (size_t b = 0; b < LK_BOOTSTRAP_REPLICATES; b++) {
        uint64_t twice = 0; /* twice the wins, so that ties stay whole */
        for (uint64_t i = 0; i < r->n; i++) {
            uint64_t unit = lk_rng_below(&rng, r->n);
            twice += unit < r->wins ? 2 : unit < r->wins + r->ties ? 1 : 0;
        }
        values[b] = excess((double)twice / (2 * (double)r->n), r->lambda);
    }
    qsort(values, LK_BOOTSTRAP_REPLICATES, sizeof *values, compare_doubles);
    r->pi_low = sorted_quantile(values, LK_BOOTSTRAP_REPLICATES, 0.025);
    r->pi_high = sorted_quantile(values, LK_BOOTSTRAP_REPLICATES, 0.975);
    free(values);
    return LK_OK;
}

lk_status lk_preference(const float *t, const float *h, size_t n, double lambda, uint64_t seed,
                        struct lk_preference *out, lk_error *err)
{
    LK_TRY(check_scores(t, h, n, err));
    LK_NEED(lambda > 0 && lambda < 1, err, LK_EINVAL, "preference: lambda is %g, expected between 0 and 1",
            lambda);
    struct lk_preference r = {.n = n, .lambda = lambda, .seed = seed};
    for (size_t i = 0; i < n; i++) {
        r.wins += t[i] > h[i];
        r.losses += t[i] < h[i];
    }
    r.ties = r.n - r.wins - r.losses;
    r.p = (double)(2 * r.wins + r.ties) / (2 * (double)n);
    r.pi = excess(r.p, lambda);
    r.p_value = lk_binomial_tail(r.wins, r.wins + r.losses, lambda);
    LK_TRY(bootstrap(&r, err));
    *out = r;
    return LK_OK;
}

/* ---- competition ---------------------------------------------------------------------------------- */

struct margin {
    double size; /* |t - h| */
    int sign; /* 1 when the training set wins, -1 when the hold-out does, 0 for a tie */
    size_t unit;
};

static int compare_margins(const void *a, const void *b)
{
    double x = ((const struct margin *)a)->size, y = ((const struct margin *)b)->size;
    return (x > y) - (x < y);
}

static struct margin unit_margin(float t, float h, size_t unit)
{
    int sign = (t > h) - (t < h); /* also tells two infinities of the same sign apart from a difference */
    return (struct margin){sign == 0 ? 0 : fabs((double)t - (double)h), sign, unit};
}

/* Smallest m with 1/m <= q, whatever the rounding of 1/q does. */
static uint64_t smallest_list(double q)
{
    uint64_t m = (uint64_t)ceil(1 / q);
    while (m > 1 && 1.0 / (double)(m - 1) <= q)
        m--;
    while (1.0 / (double)m > q)
        m++;
    return m;
}

/* Goes up through the distinct margins. `above` and `below` count the wins and losses with a margin of at
 * least the current one, so that (1 + below) / above estimates the share of false discoveries there; a unit's
 * q-value is the smallest such estimate at or below its own margin. Equal margins are one step. */
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
            double estimate = (1 + (double)below) / (above > 0 ? (double)above : 1);
            if (estimate < lowest)
                lowest = estimate;
            if (estimate <= r->q && isnan(r->tau)) {
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

lk_status lk_compete(const float *t, const float *h, size_t n, double q, double *q_value,
                     struct lk_competition *out, lk_error *err)
{
    LK_TRY(check_scores(t, h, n, err));
    LK_NEED(q >= 1e-9 && q < 1, err, LK_EINVAL, "false discovery rate is %g, expected from 1e-9 to below 1",
            q);
    struct margin *margins = lk_calloc(n, sizeof *margins, err);
    if (margins == NULL)
        return LK_ENOMEM;
    struct lk_competition r = {.n = n, .q = q, .tau = NAN, .resolution = smallest_list(q)};
    for (size_t i = 0; i < n; i++) {
        margins[i] = unit_margin(t[i], h[i], i);
        r.wins += margins[i].sign > 0;
        r.losses += margins[i].sign < 0;
        if (margins[i].sign < 0 && margins[i].size > r.largest_decoy)
            r.largest_decoy = margins[i].size;
    }
    qsort(margins, n, sizeof *margins, compare_margins);
    walk(margins, n, q_value, &r);
    free(margins);
    r.not_enough_power = r.discoveries == 0 && r.wins < r.resolution;
    *out = r;
    return LK_OK;
}
