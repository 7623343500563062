/* SPDX-License-Identifier: Apache-2.0 */
/* several.c - several matchers over the same units: agreement of two, partial conjunction of all. */
#include "stats/several.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

lk_status lk_partial_conjunction(const double *p, size_t n, size_t r, double *out, lk_error *err)
{
    LK_NEED(r >= 1 && r <= n, err, LK_EINVAL, "several matchers: %zu of %zu, expected from 1 to all", r, n);
    for (size_t i = 0; i < n; i++)
        LK_NEED(p[i] >= 0 && p[i] <= 1, err, LK_EINVAL,
                "several matchers: p-value %zu is %g, expected 0 to 1", i, p[i]);
    double *sorted = lk_calloc(n, sizeof *sorted, err);
    if (sorted == NULL)
        return LK_ENOMEM;
    memcpy(sorted, p, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, compare_doubles);
    *out = fmin(1, (double)(n - r + 1) * sorted[r - 1]);
    free(sorted);
    return LK_OK;
}

void lk_agreement(const uint8_t *first, const uint8_t *second, size_t n, struct lk_agreement *out)
{
    struct lk_agreement a = {.n = n, .jaccard = NAN, .kappa = NAN};
    for (size_t i = 0; i < n; i++) {
        a.first += first[i] != 0;
        a.second += second[i] != 0;
        a.both += first[i] != 0 && second[i] != 0;
    }
    uint64_t any = a.first + a.second - a.both;
    if (any > 0)
        a.jaccard = (double)a.both / (double)any;
    double total = (double)n, x = (double)a.first / total, y = (double)a.second / total;
    double same = (total - (double)any + (double)a.both) / total, chance = x * y + (1 - x) * (1 - y);
    if (n > 0 && chance < 1)
        a.kappa = (same - chance) / (1 - chance);
    *out = a;
}
