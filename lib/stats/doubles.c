/* SPDX-License-Identifier: Apache-2.0 */
/* doubles.c - one person under two names: a censored generalised Pareto tail over best scores of strangers.
 */
#include "stats/doubles.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "stats/resample.h"

static const double tail_from[2] = {0.5, 0.8}, censored_from = 0.97;
static const double xi_lowest = -0.5, xi_highest = 0; /* cosines are bounded, so their tail is not heavy */

/* Excesses over u: `seen` of them, and `censored` more that are at least `cut`. */
struct sample {
    const double *x; /* scores */
    size_t seen, censored;
    double u, cut;
};

/* With theta = xi / sigma the best xi is A / seen, where A adds up log(1 + theta x) over all, the censored
 * ones at the cut (Grimshaw 1993, with censoring); what is left is a function of theta alone. */
static double best_xi(const struct sample *s, double theta, double *seen_sum)
{
    double sum = 0;
    for (size_t i = 0; i < s->seen; i++)
        sum += log1p(theta * (s->x[i] - s->u));
    *seen_sum = sum;
    return (sum + (double)s->censored * log1p(theta * s->cut)) / (double)s->seen;
}

static double likelihood(const struct sample *s, double theta)
{
    double sum, xi = best_xi(s, theta, &sum);
    if (fabs(theta * s->cut) < 1e-6) { /* exponential: log1p(x) = x */
        double total = (double)s->censored * s->cut;
        for (size_t i = 0; i < s->seen; i++)
            total += s->x[i] - s->u;
        return -(double)s->seen * (log(total / (double)s->seen) + 1);
    }
    if (xi < xi_lowest || xi > xi_highest)
        return -INFINITY;
    return -(double)s->seen * (log(xi / theta) + 1) - sum;
}

/* The best theta: a grid, then golden sections around its best point. */
static double best_theta(const struct sample *s)
{
    enum { STEPS = 400 };
    double low = -0.9999 / s->cut, high = 20 / s->cut, step = (high - low) / STEPS;
    double best = 0, most = likelihood(s, 0);
    for (int i = 0; i <= STEPS; i++) {
        double at = low + step * i, here = likelihood(s, at);
        if (here > most) {
            most = here;
            best = at;
        }
    }
    static const double golden = 0.6180339887498949;
    double a = fmax(low, best - step), b = best + step;
    double c = b - golden * (b - a), d = a + golden * (b - a);
    for (int i = 0; i < 80; i++) {
        if (likelihood(s, c) >= likelihood(s, d))
            b = d;
        else
            a = c;
        c = b - golden * (b - a);
        d = a + golden * (b - a);
    }
    double middle = (a + b) / 2;
    return likelihood(s, middle) >= most ? middle : best;
}

static void fit_tail(struct lk_doubles_fit *fit, const struct sample *s)
{
    double total = (double)s->censored * s->cut, sum;
    for (size_t i = 0; i < s->seen; i++)
        total += s->x[i] - s->u;
    fit->sigma = total / (double)s->seen;
    if (fit->n_above < LK_DOUBLES_MIN)
        return;
    double theta = best_theta(s);
    double xi = best_xi(s, theta, &sum);
    if (fabs(theta * s->cut) < 1e-6)
        return;
    fit->xi = xi;
    fit->sigma = xi / theta;
}

/* From rising scores. */
static struct lk_doubles_fit fit_from(const double *sorted, size_t n, double share)
{
    struct lk_doubles_fit fit = {.u = lk_sorted_quantile(sorted, n, share), .n = n};
    double cut = lk_sorted_quantile(sorted, n, censored_from);
    size_t first = 0, last;
    while (first < n && sorted[first] <= fit.u)
        first++;
    for (last = first; last < n && sorted[last] < cut; last++)
        ;
    fit.n_above = n - first;
    fit.n_censored = n - last;
    struct sample s = {sorted + first, last - first, n - last, fit.u, cut - fit.u};
    if (s.seen > 0 && s.cut > 0)
        fit_tail(&fit, &s);
    return fit;
}

lk_status lk_doubles_fit(const float *best, size_t n, struct lk_doubles_fit *out, lk_error *err)
{
    LK_NEED(n > 1, err, LK_EINVAL, "doubles: %zu persons, expected at least two", n);
    for (size_t i = 0; i < n; i++)
        LK_NEED(isfinite(best[i]), err, LK_EINVAL, "doubles: the best score of person %zu is not finite", i);
    double *x = lk_calloc(n, sizeof *x, err);
    if (x == NULL)
        return LK_ENOMEM;
    for (size_t i = 0; i < n; i++)
        x[i] = (double)best[i];
    qsort(x, n, sizeof *x, lk_double_order);
    struct lk_doubles_fit fits[2];
    for (int i = 0; i < 2; i++)
        fits[i] = fit_from(x, n, tail_from[i]);
    free(x);
    double from_half = lk_doubles_score(&fits[0], (double)n, 0.01);
    *out = from_half <= lk_doubles_score(&fits[1], (double)n, 0.01) ? fits[0] : fits[1];
    return LK_OK;
}

double lk_doubles_score(const struct lk_doubles_fit *fit, double n_persons, double expected)
{
    if (!(fit->sigma > 0))
        return 2;
    double chances = (double)fit->n_above * (n_persons / (double)fit->n) * (n_persons / (double)fit->n);
    double log_tail = log(expected / chances);
    if (log_tail >= 0)
        return fit->u;
    return fit->u +
           (fit->xi != 0 ? fit->sigma / fit->xi * expm1(-fit->xi * log_tail) : -fit->sigma * log_tail);
}

double lk_doubles_expected(const struct lk_doubles_fit *fit, double n_persons, double score)
{
    double chances = (double)fit->n_above * (n_persons / (double)fit->n) * (n_persons / (double)fit->n);
    if (!(fit->sigma > 0))
        return score > fit->u ? 0 : chances;
    double z = (score - fit->u) / fit->sigma;
    if (z <= 0)
        return chances;
    if (fit->xi == 0)
        return chances * exp(-z);
    return 1 + fit->xi * z <= 0 ? 0 : chances * exp(-log1p(fit->xi * z) / fit->xi);
}
