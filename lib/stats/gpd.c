/* SPDX-License-Identifier: Apache-2.0 */
/* gpd.c - the generalised Pareto distribution: its tail, and two ways to fit it to excesses over a threshold.
 */
#include "stats/gpd.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

double lk_gpd_tail(struct lk_gpd g, double x)
{
    double z = x / g.scale;
    if (!(z > 0))
        return isnan(z) ? z : 1;
    if (g.shape == 0)
        return exp(-z);
    if (g.shape * z <= -1)
        return 0;
    return exp(-log1p(g.shape * z) / g.shape);
}

/* ---- prediction ------------------------------------------------------------------------------------- */

/* The integral behind lk_gpd_predict, over w: tau = estimated scale / true scale = exp(w) for a positive
 * shape, and tau = end / (1 + exp(-w)) for a negative one, where beyond tau = end nothing is left of the
 * tail. */
struct integral {
    double k; /* of the Gamma distribution */
    double shape, z;
    double end; /* 1 / (-shape z); unused for a positive shape */
};

/* ln of tau's density times the tail times d tau / d w, without the constant of the Gamma distribution. */
static double log_integrand(const struct integral *in, double w)
{
    if (in->shape > 0) {
        double tau = exp(w);
        return in->k * (w - tau) - log1p(in->shape * in->z * tau) / in->shape;
    }
    /* With v = tau / end: v^k (1 - v)^(1 - 1/shape) e^(-k end v) end^k; logs of v and 1 - v without loss. */
    double log_v = w > 0 ? -log1p(exp(-w)) : w - log1p(exp(w)), log_rest = log_v - w;
    return in->k * (log(in->end) + log_v - in->end * exp(log_v)) + (1 - 1 / in->shape) * log_rest;
}

/* Where log_integrand is largest: the root of a quadratic in tau or v; and the width of the peak there. */
static double peak(const struct integral *in, double *width)
{
    if (in->shape > 0) {
        double c = in->shape * in->z, a = in->k * c, b = in->k * c - in->k - in->z;
        double root = sqrt(b * b + 4 * a * in->k);
        double tau = b > 0 ? (b + root) / (2 * a) : 2 * in->k / (root - b);
        double s = 1 + c * tau;
        *width = 1 / sqrt(in->k * tau + in->z * tau / (s * s));
        return log(tau);
    }
    double c = 1 - 1 / in->shape, K = in->k * in->end, b = in->k + c + K;
    double v = 2 * in->k / (b + sqrt(b * b - 4 * K * in->k)),
           rest = v < 0.5 ? 1 - v : c * v / (in->k - K * v);
    *width = 1 / sqrt(v * rest * fmax(in->k + c + K * (1 - 2 * v), in->k));
    return log(v / rest);
}

/* The trapezoidal rule, which converges exponentially for such integrands (Trefethen & Weideman 2014). */
static double integrate(const struct integral *in)
{
    double width, middle = peak(in, &width), top = log_integrand(in, middle), sum = 1, step = width / 8;
    for (int side = -1; side <= 1; side += 2)
        for (int i = 1; i < 100000; i++) {
            double term = exp(log_integrand(in, middle + side * i * step) - top);
            sum += term;
            if (term < 1e-18)
                break;
        }
    double log_gamma_constant = in->k * log(in->k) - lgamma(in->k);
    return exp(top + log_gamma_constant) * sum * step;
}

double lk_gpd_predict(struct lk_gpd g, double k, double x)
{
    double z = x / g.scale;
    if (!(z > 0))
        return isnan(z) ? z : 1;
    if (fabs(g.shape) < 1e-9)
        return exp(-k * log1p(z / k));
    struct integral in = {.k = k / (1 + 2 * g.shape), .shape = g.shape, .z = z, .end = -1 / (g.shape * z)};
    return fmin(integrate(&in), 1);
}

/* ---- fitting ---------------------------------------------------------------------------------------- */

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double mean_of(const double *x, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += x[i];
    return sum / (double)n;
}

static lk_status check_excesses(const double *x, size_t n, lk_error *err)
{
    LK_NEED(n >= 2, err, LK_EINVAL, "tail: found %zu excesses, expected at least 2", n);
    double low = x[0], high = x[0];
    for (size_t i = 0; i < n; i++) {
        LK_NEED(x[i] >= 0 && x[i] < DBL_MAX, err, LK_EINVAL, "tail: excess %zu is %g, expected 0 or more", i,
                x[i]);
        low = fmin(low, x[i]);
        high = fmax(high, x[i]);
    }
    LK_NEED(low < high, err, LK_EINVAL, "tail: all %zu excesses are equal, so the tail has no shape", n);
    return LK_OK;
}

double lk_gpd_moment_ratio(const double *sorted, size_t n)
{
    double a0 = 0, a1 = 0;
    for (size_t i = 0; i < n; i++) {
        a0 += sorted[i];
        a1 += sorted[i] * (double)(n - 1 - i) / (double)(n - 1);
    }
    return a1 / a0;
}

double lk_gpd_shape_of_ratio(double ratio)
{
    return 2 - 1 / (1 - 2 * ratio);
}

lk_status lk_gpd_fit_moments(const double *excess, size_t n, struct lk_gpd *out, lk_error *err)
{
    LK_TRY(check_excesses(excess, n, err));
    double *sorted = lk_calloc(n, sizeof *sorted, err);
    if (sorted == NULL)
        return LK_ENOMEM;
    memcpy(sorted, excess, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, compare_doubles);
    double ratio = lk_gpd_moment_ratio(sorted, n);
    out->shape = lk_gpd_shape_of_ratio(ratio);
    out->scale = 2 * mean_of(sorted, n) * ratio / (1 - 2 * ratio);
    free(sorted);
    return LK_OK;
}

/* At theta = shape / scale the likelihood is largest for shape = mean ln(1 + theta x). */
static double shape_at(const double *x, size_t n, double theta)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += log1p(theta * x[i]);
    return sum / (double)n;
}

/* Derivative by theta of the profile likelihood for one value, -ln(shape / theta) - shape - 1. */
static double profile_slope(const double *x, size_t n, double theta, double largest)
{
    double count = (double)n, d = 0; /* d: of the shape by theta */
    for (size_t i = 0; i < n; i++)
        d += x[i] / (1 + theta * x[i]);
    d /= count;
    if (fabs(theta) * largest > 1e-5) {
        double shape = shape_at(x, n, theta);
        return 1 / theta - d / shape - d;
    }
    double m1 = 0, m2 = 0, m3 = 0; /* near 0 the first two terms cancel: their series */
    for (size_t i = 0; i < n; i++) {
        m1 += x[i];
        m2 += x[i] * x[i];
        m3 += x[i] * x[i] * x[i];
    }
    return (m2 / 2 - 2 * theta * m3 / 3) / (m1 - theta * m2 / 2 + theta * theta * m3 / 3) - d;
}

/* Mean log likelihood. */
static double likelihood(const double *x, size_t n, struct lk_gpd g)
{
    if (g.shape == 0)
        return -log(g.scale) - mean_of(x, n) / g.scale;
    return -log(g.scale) - (1 + 1 / g.shape) * shape_at(x, n, g.shape / g.scale);
}

static struct lk_gpd at_theta(const double *x, size_t n, double theta, double largest)
{
    if (fabs(theta) * largest < 1e-12)
        return (struct lk_gpd){0, mean_of(x, n)};
    double shape = shape_at(x, n, theta);
    return (struct lk_gpd){shape, shape / theta};
}

/* The likeliest scale for a given shape above -1: where the mean of (1 + shape) x / (scale + shape x) is 1.
 */
static struct lk_gpd at_shape(const double *x, size_t n, double shape, double largest)
{
    double low = fmax(0, -shape * largest), high = fmax(largest, 2 * low);
    for (int i = 0; i < 200; i++) {
        double scale = low + (high - low) / 2, sum = 0;
        if (scale <= low || scale >= high)
            break;
        for (size_t j = 0; j < n; j++)
            sum += (1 + shape) * x[j] / (scale + shape * x[j]);
        if (sum > (double)n)
            low = scale;
        else
            high = scale;
    }
    return (struct lk_gpd){shape, high};
}

/* theta with a given shape; the shape rises with theta from minus infinity at -1 / largest. */
static double theta_of_shape(const double *x, size_t n, double shape, double largest, double mean)
{
    double low = shape < 0 ? -1 / largest : 0, high = shape < 0 ? 0 : 1 / mean;
    while (shape > 0 && shape_at(x, n, high) < shape)
        high *= 2;
    for (int i = 0; i < 200 && low < high; i++) {
        double middle = low + (high - low) / 2;
        if (middle == low || middle == high)
            break;
        if (shape_at(x, n, middle) < shape)
            low = middle;
        else
            high = middle;
    }
    return high;
}

/* The root of the slope between two places where it has the signs + and -. */
static double climb(const double *x, size_t n, double low, double high, double largest)
{
    for (int i = 0; i < 200; i++) {
        double middle = low + (high - low) / 2;
        if (middle <= low || middle >= high)
            break;
        if (profile_slope(x, n, middle, largest) > 0)
            low = middle;
        else
            high = middle;
    }
    return low + (high - low) / 2;
}

static void keep_better(const double *x, size_t n, struct lk_gpd g, double *best, struct lk_gpd *out)
{
    double value = likelihood(x, n, g);
    if (value > *best) {
        *best = value;
        *out = g;
    }
}

lk_status lk_gpd_fit_likelihood(const double *x, size_t n, struct lk_gpd *out, lk_error *err)
{
    enum { CELLS = 80 };
    static const double lowest = -0.5, highest = 1;
    LK_TRY(check_excesses(x, n, err));
    double mean = mean_of(x, n), largest = 0, best = -INFINITY;
    size_t zeros = 0;
    for (size_t i = 0; i < n; i++) {
        largest = fmax(largest, x[i]);
        zeros += x[i] == 0;
    }
    LK_NEED(2 * zeros < n, err, LK_EINVAL, "tail: %zu of %zu excesses are 0, expected fewer than half", zeros,
            n);
    keep_better(x, n, at_shape(x, n, lowest, largest), &best, out);
    keep_better(x, n, at_shape(x, n, highest, largest), &best, out);
    /* The profile may have several maxima: every cell of a grid is looked at, the best one is kept. */
    double before = theta_of_shape(x, n, lowest, largest, mean),
           end = theta_of_shape(x, n, highest, largest, mean);
    double first = log1p(before * largest), last = log1p(end * largest);
    double slope_before = profile_slope(x, n, before, largest);
    for (int i = 1; i <= CELLS; i++) {
        double here = expm1(first + (last - first) * i / CELLS) / largest;
        double slope = profile_slope(x, n, here, largest);
        if (slope_before > 0 && slope <= 0)
            keep_better(x, n, at_theta(x, n, climb(x, n, before, here, largest), largest), &best, out);
        before = here;
        slope_before = slope;
    }
    return LK_OK;
}
