/* SPDX-License-Identifier: Apache-2.0 */
/* agreement.c - Krippendorff's alpha for ordered ratings, by coincidences, with a bootstrap over items. */
#include "stats/agreement.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "stats/resample.h"

enum { PURPOSE_ALPHA = 0xa1fa };

/* How many ratings of each level an item has. */
struct counts {
    uint16_t of[LK_MAX_LEVELS];
    uint32_t total;
};

struct sums {
    double pairs[LK_MAX_LEVELS][LK_MAX_LEVELS]; /* coincidences of two levels */
    double level[LK_MAX_LEVELS];                /* ratings of a level that can be paired */
};

static void add_item(struct sums *s, const struct counts *c, int n_levels)
{
    for (int a = 0; a < n_levels; a++) {
        s->level[a] += c->of[a];
        for (int b = 0; b < n_levels && c->of[a] > 0; b++)
            s->pairs[a][b] += c->of[a] * (double)(c->of[b] - (a == b)) / (c->total - 1);
    }
}

/* The ordinal distance of two levels: ratings between them, with half of their own, squared. */
static double distance(const struct sums *s, int a, int b)
{
    double between = 0;
    for (int g = a; g <= b; g++)
        between += s->level[g];
    between -= (s->level[a] + s->level[b]) / 2;
    return between * between;
}

static double alpha_of(const struct sums *s, int n_levels)
{
    double n = 0, seen = 0, expected = 0;
    for (int a = 0; a < n_levels; a++)
        n += s->level[a];
    for (int a = 0; a < n_levels; a++)
        for (int b = a + 1; b < n_levels; b++) {
            double d = distance(s, a, b);
            seen += s->pairs[a][b] * d;
            expected += s->level[a] * s->level[b] * d;
        }
    return expected > 0 ? 1 - (n - 1) * seen / expected : NAN;
}

static lk_status count_items(const struct lk_ratings *r, struct counts **out, size_t *n, lk_error *err)
{
    struct counts *counts = lk_calloc(r->n_items, sizeof *counts, err);
    if (counts == NULL)
        return LK_ENOMEM;
    size_t kept = 0;
    for (size_t i = 0; i < r->n_items; i++) {
        struct counts c = {.total = 0};
        for (size_t k = 0; k < r->n_raters; k++) {
            int value = r->values[i * r->n_raters + k];
            if (value < 0)
                continue;
            c.of[value]++;
            c.total++;
        }
        if (c.total > 1)
            counts[kept++] = c;
    }
    *out = counts;
    *n = kept;
    return LK_OK;
}

static lk_status bootstrap(const struct counts *counts, size_t n, int n_levels, uint64_t seed,
                           struct lk_alpha *out, lk_error *err)
{
    double *values = lk_calloc(LK_ALPHA_REPLICATES, sizeof *values, err);
    if (values == NULL)
        return LK_ENOMEM;
    size_t defined = 0;
    for (uint64_t k = 0; k < LK_ALPHA_REPLICATES; k++) {
        struct lk_rng rng = lk_rng_stream(seed, PURPOSE_ALPHA, k);
        struct sums s = {0};
        for (size_t i = 0; i < n; i++)
            add_item(&s, &counts[lk_rng_below(&rng, n)], n_levels);
        double value = alpha_of(&s, n_levels);
        if (!isnan(value))
            values[defined++] = value;
    }
    if (defined > 0) {
        qsort(values, defined, sizeof *values, lk_double_order);
        out->low = lk_sorted_quantile(values, defined, 0.025);
        out->high = lk_sorted_quantile(values, defined, 0.975);
    }
    free(values);
    return LK_OK;
}

lk_status lk_alpha_ordinal(const struct lk_ratings *ratings, uint64_t seed, struct lk_alpha *out,
                           lk_error *err)
{
    struct counts *counts;
    struct lk_alpha alpha = {NAN, NAN, NAN, 0};
    struct sums all = {0};
    LK_NEED(ratings->n_levels > 1 && ratings->n_levels <= LK_MAX_LEVELS && ratings->n_raters <= UINT16_MAX,
            err, LK_EINVAL, "found %d levels and %zu raters, expected 2 to %d levels", ratings->n_levels,
            ratings->n_raters, LK_MAX_LEVELS);
    LK_TRY(count_items(ratings, &counts, &alpha.n_items, err));
    for (size_t i = 0; i < alpha.n_items; i++)
        add_item(&all, &counts[i], ratings->n_levels);
    alpha.value = alpha_of(&all, ratings->n_levels);
    lk_status status = LK_OK;
    if (!isnan(alpha.value))
        status = bootstrap(counts, alpha.n_items, ratings->n_levels, seed, &alpha, err);
    free(counts);
    LK_TRY(status);
    *out = alpha;
    return LK_OK;
}
