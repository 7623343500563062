/* SPDX-License-Identifier: Apache-2.0 */
/* proportion.c - intervals and tail probabilities of a binomial share, from the incomplete beta function.
 *
 * Written here because Debian has no small library under a permissive licence that offers it: GSL is GPL,
 * cephes is not packaged for C, boost is C++. The leading factor follows C. Loader, "Fast and accurate
 * computation of binomial probabilities" (2000), because with 2e8 pairs the usual difference of lgamma values
 * keeps only seven digits. */
#include "stats/proportion.h"

#include <float.h>
#include <math.h>

/* ln(n!) minus Stirling's formula for it, n > 0. */
static double stirling_rest(double n)
{
    if (n <= 16)
        return lgamma(n + 1) - (n + 0.5) * log(n) + n - 0.5 * log(2 * M_PI);
    double r = 1 / (n * n);
    return (1.0 / 12 - (1.0 / 360 - (1.0 / 1260 - (1.0 / 1680 - r / 1188) * r) * r) * r) / n;
}

/* x ln(x / m) + m - x, by a series where the terms nearly cancel. */
static double deviance(double x, double m)
{
    if (fabs(x - m) >= 0.1 * (x + m))
        return x * log(x / m) + m - x;
    double v = (x - m) / (x + m), sum = (x - m) * v, term = 2 * x * v;
    for (int j = 1; j < 100; j++) {
        term *= v * v;
        double next = sum + term / (2 * j + 1);
        if (next == sum)
            break;
        sum = next;
    }
    return sum;
}

/* x^a y^b / B(a, b). */
static double leading_factor(double a, double b, double x, double y)
{
    double n = a + b;
    double exponent =
        stirling_rest(n) - stirling_rest(a) - stirling_rest(b) - deviance(a, n * x) - deviance(b, n * y);
    return exp(exponent) * sqrt(a * b / (2 * M_PI * n));
}

/* a y - b x, from the smaller of x and y because the larger one is rounded. */
static double drift(double a, double b, double x, double y)
{
    return x < y ? a - (a + b) * x : (a + b) * y - b;
}

/* The continued fraction of DiDonato & Morris, "Algorithm 708: significant digit computation of the
 * incomplete beta function ratios" (1992), for x <= a / (a + b), by Lentz's method; about sqrt(a + b) steps.
 * Unlike the one in DLMF it takes y too, and loses no digits where x or y is tiny. */
static double beta_fraction(double a, double b, double x, double y)
{
    static const double tiny = 1e-300;
    double first = drift(a, b, x, y) + 1;
    double f = fmax(a * first / (a + 1), tiny), c = f, d = 0;
    for (int m = 1; m <= 1000000; m++) {
        double e = a + 2 * m - 1;
        double top = (a + m - 1) * (a + b + m - 1) * m * (b - m) * x * x / (e * e);
        double bottom = m + m * (b - m) * x / e + (a + m) * (first + m * (2 - x)) / (e + 2);
        d = bottom + top * d;
        d = 1 / (fabs(d) < tiny ? tiny : d);
        c = bottom + top / c;
        if (fabs(c) < tiny)
            c = tiny;
        f *= c * d;
        if (fabs(c * d - 1) <= DBL_EPSILON)
            break;
    }
    return f;
}

double lk_beta_cdf(double a, double b, double x, double y)
{
    if (!(x > 0))
        return 0;
    if (!(y > 0))
        return 1;
    double factor = leading_factor(a, b, x, y);
    return drift(a, b, x, y) >= 0 ? factor / beta_fraction(a, b, x, y)
                                  : 1 - factor / beta_fraction(b, a, y, x);
}

double lk_binomial_tail(uint64_t k, uint64_t n, double p)
{
    if (k == 0)
        return 1;
    if (k > n)
        return 0;
    return lk_beta_cdf((double)k, (double)(n - k) + 1, p, 1 - p);
}

/* x with I_x(a, b) = p: Newton's steps, halving the bracket whenever one leaves it. */
static double beta_quantile(double a, double b, double p)
{
    double low = 0, high = 1, x = a / (a + b);
    for (int i = 0; i < 300; i++) {
        double off = lk_beta_cdf(a, b, x, 1 - x) - p;
        if (off == 0)
            return x;
        if (off < 0)
            low = x;
        else
            high = x;
        double density = leading_factor(a, b, x, 1 - x) / (x * (1 - x));
        double next = x - off / density;
        if (!(next > low && next < high))
            next = low + (high - low) / 2;
        if (fabs(next - x) <= 2 * DBL_EPSILON * x)
            return next;
        x = next;
    }
    return x;
}

/* The lower Clopper-Pearson limit of k of n, and the upper one through the share of the other outcome: for
 * shares above one half that keeps the digits of 1 - x. */
static double clopper_low(uint64_t k, uint64_t n, double tail)
{
    if (k == 0)
        return 0;
    if (k > n / 2) /* 1 - quantile of the mirrored distribution, which is the small number here */
        return 1 - beta_quantile((double)(n - k) + 1, (double)k, 1 - tail);
    return beta_quantile((double)k, (double)(n - k) + 1, tail);
}

static double clopper_high(uint64_t k, uint64_t n, double tail)
{
    if (k == n)
        return 1;
    if (k > n / 2)
        return 1 - beta_quantile((double)(n - k), (double)k + 1, tail);
    return beta_quantile((double)k + 1, (double)(n - k), 1 - tail);
}

struct lk_interval lk_clopper_pearson(uint64_t k, uint64_t n, double confidence)
{
    if (n == 0)
        return (struct lk_interval){0, 1};
    double tail = (1 - confidence) / 2;
    return (struct lk_interval){clopper_low(k, n, tail), clopper_high(k, n, tail)};
}

/* By Newton's method on erfc, which is convex. */
double lk_normal_quantile(double confidence)
{
    double outside = 1 - confidence, x = 0;
    for (int i = 0; i < 100; i++) {
        double step = (erfc(x) - outside) / (2 / sqrt(M_PI) * exp(-x * x));
        x += step;
        if (fabs(step) <= 2 * DBL_EPSILON * x)
            break;
    }
    return x * M_SQRT2;
}

struct lk_interval lk_wilson_share(double share, double n, double confidence)
{
    double z = lk_normal_quantile(confidence), zz = z * z, hits = share * n;
    double half = z * sqrt(hits * (n - hits) / n + zz / 4);
    double low = (hits + zz / 2 - half) / (n + zz), high = (hits + zz / 2 + half) / (n + zz);
    return (struct lk_interval){share <= 0 ? 0 : low, share >= 1 ? 1 : high};
}

struct lk_interval lk_wilson(uint64_t k, uint64_t n, double confidence)
{
    if (n == 0)
        return (struct lk_interval){0, 1};
    struct lk_interval i = lk_wilson_share((double)k / (double)n, (double)n, confidence);
    return (struct lk_interval){k == 0 ? 0 : i.low, k == n ? 1 : i.high};
}
