/* SPDX-License-Identifier: Apache-2.0 */
/* conformal.c - p-values against controls, and Benjamini-Hochberg on them. */
#include "stats/conformal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "stats/resample.h"

/* How many of the rising values are below x. */
static size_t count_below(const float *sorted, size_t n, float x)
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (sorted[middle] < x)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

lk_status lk_conformal(const float *x, size_t n, const float *controls, size_t n_controls, double *p,
                       lk_error *err)
{
    LK_NEED(n > 0 && n_controls > 0, err, LK_EINVAL, "conformal: %zu units and %zu controls, expected some",
            n, n_controls);
    for (size_t i = 0; i < n; i++)
        LK_NEED(!isnan(x[i]), err, LK_EINVAL, "conformal: the score of unit %zu is not a number", i);
    for (size_t i = 0; i < n_controls; i++)
        LK_NEED(!isnan(controls[i]), err, LK_EINVAL, "conformal: the score of control %zu is not a number",
                i);
    float *sorted = lk_calloc(n_controls, sizeof *sorted, err);
    if (sorted == NULL)
        return LK_ENOMEM;
    memcpy(sorted, controls, n_controls * sizeof *sorted);
    qsort(sorted, n_controls, sizeof *sorted, lk_float_order);
    for (size_t i = 0; i < n; i++) {
        size_t reach = n_controls - count_below(sorted, n_controls, x[i]);
        p[i] = (1 + (double)reach) / ((double)n_controls + 1);
    }
    free(sorted);
    return LK_OK;
}

struct ranked {
    double p;
    size_t place;
};

static int by_p(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    return x->p != y->p ? (x->p > y->p) - (x->p < y->p) : (x->place > y->place) - (x->place < y->place);
}

lk_status lk_benjamini_hochberg(const double *p, size_t n, double q, double *adjusted, uint64_t *found,
                                lk_error *err)
{
    LK_NEED(n > 0, err, LK_EINVAL, "Benjamini-Hochberg: no p-values, expected at least one");
    LK_NEED(q > 0 && q < 1, err, LK_EINVAL, "false discovery rate is %g, expected between 0 and 1", q);
    for (size_t i = 0; i < n; i++)
        LK_NEED(p[i] > 0 && p[i] <= 1, err, LK_EINVAL, "p-value %zu is %g, expected above 0 and at most 1", i,
                p[i]);
    struct ranked *ranked = lk_calloc(n, sizeof *ranked, err);
    if (ranked == NULL)
        return LK_ENOMEM;
    for (size_t i = 0; i < n; i++)
        ranked[i] = (struct ranked){p[i], i};
    qsort(ranked, n, sizeof *ranked, by_p);
    double least = 1;
    uint64_t count = 0;
    for (size_t i = n; i-- > 0;) { /* equal ones get the value of their last, which is met first */
        least = fmin(least, ranked[i].p * (double)n / (double)(i + 1));
        adjusted[ranked[i].place] = least;
        count += least <= q;
    }
    free(ranked);
    if (found != NULL)
        *found = count;
    return LK_OK;
}
