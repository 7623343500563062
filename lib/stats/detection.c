/* SPDX-License-Identifier: Apache-2.0 */
/* detection.c - signal detection: d' and criterion; the share of true cases corrected by controls. */
#include "stats/detection.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "stats/proportion.h"
#include "stats/resample.h"

enum { PURPOSE_TRUE_SHARE = 0x7e7a };

/* z with P(Z <= z) = p for a standard normal Z, 0 < p < 1. */
static double normal_quantile(double p)
{
    double z = lk_normal_quantile(fabs(2 * p - 1));
    return p < 0.5 ? -z : z;
}

struct lk_detection lk_detection_of(uint64_t hits, uint64_t signals, uint64_t false_alarms, uint64_t noises)
{
    if (signals == 0 || noises == 0)
        return (struct lk_detection){NAN, NAN};
    double h = normal_quantile(((double)hits + 0.5) / ((double)signals + 1));
    double f = normal_quantile(((double)false_alarms + 0.5) / ((double)noises + 1));
    return (struct lk_detection){h - f, -(h + f) / 2};
}

struct lk_said lk_said_of(const uint32_t *yes, const uint32_t *asked, size_t n_items)
{
    struct lk_said out = {NAN, 0, 0};
    double sum = 0, squares = 0, answers = 0;
    for (size_t i = 0; i < n_items; i++) {
        if (asked[i] == 0)
            continue;
        double share = (double)yes[i] / asked[i];
        sum += share;
        squares += share * share;
        answers += asked[i];
        out.n_items++;
    }
    double n = (double)out.n_items;
    if (out.n_items == 0)
        return out;
    out.share = sum / n;
    /* answers to one item go together, so they count between one and all of them */
    double variance = n > 1 ? fmax(0, (squares - n * out.share * out.share) / (n - 1)) : 0;
    double binomial = out.share * (1 - out.share);
    double as_good = binomial > 0 && n > 1 ? (variance > 0 ? n * binomial / variance : answers) : n;
    out.n = fmin(fmax(as_good, n), answers);
    return out;
}

/* ---- random numbers ------------------------------------------------------------------------------------ */

static double draw_normal(struct lk_rng *rng)
{
    double u = 1 - lk_rng_unit(rng), v = lk_rng_unit(rng); /* Box & Muller 1958 */
    return sqrt(-2 * log(u)) * cos(2 * M_PI * v);
}

/* Gamma with shape a > 0 and scale 1 (Marsaglia & Tsang 2000). */
static double draw_gamma(struct lk_rng *rng, double a)
{
    double d = (a < 1 ? a + 1 : a) - 1.0 / 3, c = 1 / sqrt(9 * d);
    for (;;) {
        double x = draw_normal(rng), v = 1 + c * x;
        if (v <= 0)
            continue;
        v = v * v * v;
        double u = 1 - lk_rng_unit(rng);
        if (log(u) < x * x / 2 + d - d * v + d * log(v))
            return a < 1 ? d * v * pow(1 - lk_rng_unit(rng), 1 / a) : d * v;
    }
}

/* From the distribution of a share, given what was said: Beta, from Jeffreys' prior. */
static double draw_share(struct lk_rng *rng, const struct lk_said *said)
{
    double x = draw_gamma(rng, said->share * said->n + 0.5),
           y = draw_gamma(rng, (1 - said->share) * said->n + 0.5);
    return x / (x + y);
}

/* ---- the share of true cases --------------------------------------------------------------------------- */

static double clip(double share)
{
    return fmin(fmax(share, 0), 1);
}

lk_status lk_true_share_of(const struct lk_said *candidates, const struct lk_said *decoys,
                           const struct lk_said *mates, uint64_t seed, struct lk_true_share *out,
                           lk_error *err)
{
    *out = (struct lk_true_share){NAN, NAN, NAN};
    if (candidates->n_items == 0 || decoys->n_items == 0 || mates->n_items == 0 ||
        !(mates->share > decoys->share))
        return LK_OK;
    double *draws = lk_calloc(LK_TRUE_SHARE_DRAWS, sizeof *draws, err);
    if (draws == NULL)
        return LK_ENOMEM;
    size_t n = 0;
    struct lk_rng rng = lk_rng_stream(seed, PURPOSE_TRUE_SHARE, 0);
    for (int i = 0; i < LK_TRUE_SHARE_DRAWS; i++) {
        double c = draw_share(&rng, candidates), d = draw_share(&rng, decoys), m = draw_share(&rng, mates);
        if (m > d)
            draws[n++] = clip((c - d) / (m - d));
    }
    out->value = clip((candidates->share - decoys->share) / (mates->share - decoys->share));
    out->low = 0;
    out->high = 1; /* mates and decoys may be judged alike: anything is possible */
    if (n >= LK_TRUE_SHARE_DRAWS * 0.975) {
        qsort(draws, n, sizeof *draws, lk_double_order);
        out->low = fmin(lk_sorted_quantile(draws, n, 0.025), out->value);
        out->high = fmax(lk_sorted_quantile(draws, n, 0.975), out->value);
    }
    free(draws);
    return LK_OK;
}

double lk_rule_of_three(uint64_t n)
{
    return n > 3 ? 3 / (double)n : 1;
}
