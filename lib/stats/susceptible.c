/* SPDX-License-Identifier: Apache-2.0 */
/* susceptible.c - distributions of scores in few numbers, their distances, and Cochran's Q. */
#include "stats/susceptible.h"

#include <math.h>
#include <stdlib.h>

const double lk_quantile_shares[LK_N_QUANTILES] = {0.05, 0.25, 0.5, 0.75, 0.95};

static int compare_floats(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

void lk_describe(float *values, size_t n, struct lk_described *out)
{
    *out = (struct lk_described){.n = n, .mean = NAN, .sd = NAN};
    for (int i = 0; i < LK_N_QUANTILES; i++)
        out->quantile[i] = NAN;
    if (n == 0)
        return;
    qsort(values, n, sizeof *values, compare_floats);
    double sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)values[i];
    out->mean = sum / (double)n;
    for (size_t i = 0; i < n; i++)
        squares += ((double)values[i] - out->mean) * ((double)values[i] - out->mean);
    if (n > 1)
        out->sd = sqrt(squares / (double)(n - 1));
    for (int i = 0; i < LK_N_QUANTILES; i++) {
        double place = lk_quantile_shares[i] * (double)(n - 1);
        size_t below = (size_t)place, above = below + 1 < n ? below + 1 : below;
        double part = place - (double)below;
        out->quantile[i] = (double)values[below] + part * ((double)values[above] - (double)values[below]);
    }
}

double lk_d_prime(const struct lk_described *first, const struct lk_described *second)
{
    double spread = sqrt((first->sd * first->sd + second->sd * second->sd) / 2);
    return spread > 0 ? (first->mean - second->mean) / spread : NAN;
}

double lk_ks_distance(const float *first, size_t n, const float *second, size_t m)
{
    double largest = 0;
    if (n == 0 || m == 0)
        return NAN;
    for (size_t i = 0, k = 0; i < n && k < m;) {
        float at = first[i] < second[k] ? first[i] : second[k];
        while (i < n && first[i] <= at)
            i++;
        while (k < m && second[k] <= at)
            k++;
        double gap = fabs((double)i / (double)n - (double)k / (double)m);
        largest = gap > largest ? gap : largest;
    }
    return largest;
}

/* Upper tail of chi-squared for a whole number of degrees of freedom: from 1 or 2 up in steps of two, each
 * adding a term of the incomplete gamma function. */
static double chi_squared_tail(double x, size_t df)
{
    double half = x / 2;
    size_t k = df % 2 != 0 ? 1 : 2;
    double tail = k == 1 ? erfc(sqrt(half)) : exp(-half);
    for (; k < df; k += 2) /* now k degrees of freedom */
        tail += half > 0 ? exp((double)k / 2 * log(half) - half - lgamma((double)k / 2 + 1)) : 0;
    return fmin(tail, 1);
}

lk_status lk_cochran_q(const uint8_t *found, size_t k, size_t n, struct lk_cochran *out, lk_error *err)
{
    LK_NEED(k >= 2 && k <= LK_MAX_MATCHERS, err, LK_EINVAL, "Cochran's Q: %zu matchers, expected 2 to %d", k,
            LK_MAX_MATCHERS);
    double squares = 0, total = 0, rows = 0;
    for (size_t j = 0; j < k; j++) {
        uint64_t finds = 0;
        for (size_t u = 0; u < n; u++)
            finds += found[j * n + u] != 0;
        squares += (double)finds * (double)finds;
        total += (double)finds;
    }
    for (size_t u = 0; u < n; u++) {
        uint64_t finders = 0;
        for (size_t j = 0; j < k; j++)
            finders += found[j * n + u] != 0;
        rows += (double)finders * (double)(k - finders);
    }
    double many = (double)k;
    *out = (struct lk_cochran){.df = k - 1, .p = 1};
    if (rows > 0) {
        out->q = (many - 1) * (many * squares - total * total) / rows;
        out->p = chi_squared_tail(out->q, out->df);
    }
    return LK_OK;
}
