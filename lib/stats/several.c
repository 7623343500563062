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

/* Losses sorted by size; those at least as large as a win are found by halving. */
lk_status lk_margin_p(const double *margin, size_t n, uint64_t n_holdouts, double *p, lk_error *err)
{
    LK_NEED(n_holdouts >= 1, err, LK_EINVAL, "several matchers: no hold-out, expected at least one");
    for (size_t i = 0; i < n; i++)
        LK_NEED(!isnan(margin[i]), err, LK_EINVAL, "several matchers: margin %zu is not a number", i);
    double *lost = lk_calloc(n, sizeof *lost, err);
    if (lost == NULL)
        return LK_ENOMEM;
    size_t n_lost = 0;
    for (size_t i = 0; i < n; i++)
        if (margin[i] < 0)
            lost[n_lost++] = -margin[i];
    qsort(lost, n_lost, sizeof *lost, compare_doubles);
    for (size_t i = 0; i < n; i++) {
        size_t low = 0, high = n_lost; /* lost[low - 1] < margin <= lost[high] */
        while (low < high) {
            size_t middle = low + (high - low) / 2;
            if (lost[middle] < margin[i])
                low = middle + 1;
            else
                high = middle;
        }
        double rank = (1 + (double)(n_lost - low)) / ((double)n_lost + 1);
        p[i] = margin[i] > 0 ? rank / ((double)n_holdouts + 1) : 1;
    }
    free(lost);
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
