/* SPDX-License-Identifier: Apache-2.0 */
/* slow_search.h - made rows and labels, and a slow version of the exact search that checks every product of a
 * fast one. */
#ifndef LK_TESTS_SLOW_SEARCH_H
#define LK_TESTS_SLOW_SEARCH_H

#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "search_runs.h"

/* ---- made data -------------------------------------------------------------------------------------- */

enum kind { RANDOM, TIED, CONSTANT, DUPLICATED };

static inline float *make_rows(enum kind kind, uint64_t rows, uint64_t dim, uint64_t seed)
{
    struct lk_rng rng = lk_rng_seed(seed);
    float *data = calloc(rows * dim + 1, sizeof *data);
    assert_non_null(data);
    for (uint64_t i = 0; i < rows * dim; i++) {
        double u = lk_rng_unit(&rng);
        data[i] = kind == RANDOM || kind == DUPLICATED ? (float)((2 * u - 1) / sqrt((double)dim))
                  : kind == TIED                       ? (float)((int)(3 * u) - 1) / (float)dim
                                                       : 0.0625f;
    }
    for (uint64_t i = 1; kind == DUPLICATED && i < rows; i++)
        if (i % 3 != 0)
            memcpy(data + i * dim, data + i / 3 * dim, dim * sizeof *data);
    return data;
}

static inline uint32_t *make_labels(uint64_t rows, uint32_t n, uint64_t seed)
{
    struct lk_rng rng = lk_rng_seed(seed);
    uint32_t *labels = calloc(rows + 1, sizeof *labels);
    assert_non_null(labels);
    for (uint64_t i = 0; i < rows; i++)
        labels[i] = (uint32_t)lk_rng_below(&rng, n);
    return labels;
}

static inline struct made make(enum kind kind, uint64_t dim, uint64_t m, uint64_t n, uint64_t holdout,
                               uint32_t n_labels)
{
    struct made made = {.options = {.dim = dim, .k = 20, .r = 3, .min_score = NAN}};
    uint64_t rows[3] = {m, n, holdout};
    for (int i = 0; i < 3; i++)
        made.data[i] = make_rows(kind, rows[i], dim, 7 * (uint64_t)i + dim);
    made.options.probes = (struct lk_search_set){.data = made.data[0], .rows = m};
    for (int g = 0; g < 2; g++) {
        made.labels[g] = n_labels > 0 ? make_labels(rows[g + 1], n_labels, (uint64_t)g + 99) : NULL;
        made.options.galleries[g] =
            (struct lk_search_set){made.data[g + 1], rows[g + 1], made.labels[g], n_labels};
    }
    return made;
}

/* ---- the slow version ------------------------------------------------------------------------------- */

static inline int closer(const void *a, const void *b)
{
    const struct lk_pair *x = a, *y = b;
    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    if (x->probe != y->probe)
        return x->probe < y->probe ? -1 : 1;
    return (x->reference > y->reference) - (x->reference < y->reference);
}

static inline void check_probe(const struct lk_search_gallery *got, const struct lk_search_set *set,
                               uint64_t r, uint64_t p, const struct lk_pair *row)
{
    assert_int_equal(got->n_nearest, r < set->rows ? r : set->rows);
    for (uint64_t i = 0; i < got->n_nearest; i++) {
        assert_int_equal(got->nearest[p * got->n_nearest + i].row, row[i].reference);
        assert_true(got->nearest[p * got->n_nearest + i].score == row[i].score);
    }
    uint64_t found = 0;
    for (uint64_t i = 0; i < set->rows && found < got->n_identities; i++) {
        bool seen = false;
        for (uint64_t j = 0; j < i && set->identities != NULL; j++)
            seen |= set->identities[row[j].reference] == set->identities[row[i].reference];
        if (seen)
            continue;
        assert_int_equal(got->identities[p * got->n_identities + found].row, row[i].reference);
        assert_true(got->identities[p * got->n_identities + found].score == row[i].score);
        found++;
    }
    assert_int_equal(found, got->n_identities);
}

static inline void check_gallery(const struct lk_search_options *o, int g,
                                 const struct lk_search_gallery *got, int exact_bin)
{
    const struct lk_search_set *set = &o->galleries[g];
    uint64_t m = o->probes.rows, n = set->rows, exact[LK_SEARCH_BINS] = {0}, sampled = 0;
    struct lk_pair *pairs = calloc(m * n + 1, sizeof *pairs);
    assert_non_null(pairs);
    for (uint64_t p = 0; p < m; p++) {
        for (uint64_t r = 0; r < n; r++) {
            float s = lk_score(o->probes.data + p * o->dim, set->data + r * o->dim, o->dim);
            pairs[p * n + r] = (struct lk_pair){s, (uint32_t)p, (uint32_t)r};
            if (lk_search_bin(s) >= exact_bin)
                exact[lk_search_bin(s)]++;
        }
        struct lk_pair *row = malloc((n + 1) * sizeof *row);
        assert_non_null(row);
        memcpy(row, pairs + p * n, n * sizeof *row);
        qsort(row, n, sizeof *row, closer);
        check_probe(got, set, o->r, p, row);
        free(row);
    }
    for (uint64_t r = 0; r < n; r++) {
        struct lk_pair best = pairs[r];
        for (uint64_t p = 1; p < m; p++)
            if (pairs[p * n + r].score > best.score)
                best = pairs[p * n + r];
        assert_int_equal(got->best_probe[r].row, best.probe);
        assert_true(got->best_probe[r].score == best.score);
    }
    qsort(pairs, m * n, sizeof *pairs, closer);
    assert_int_equal(got->n_pairs, o->k < m * n ? o->k : m * n);
    assert_memory_equal(got->pairs, pairs, got->n_pairs * sizeof *pairs);
    free(pairs);
    assert_memory_equal(got->exact, exact, sizeof exact);
    for (int b = 0; b < LK_SEARCH_BINS; b++)
        sampled += got->sample[b];
    assert_int_equal(sampled, got->sample_size);
    assert_int_equal(sampled, (m * n + 255) / 256);
}

struct range_check {
    const struct lk_search_options *o;
    uint64_t place, n; /* in the order of probe, gallery, reference */
};

/* Moves on to the next pair that belongs into the range, and expects it to be this one. */
static inline lk_status expect_pair(void *user, const struct lk_range_pair *pair, lk_error *err)
{
    struct range_check *c = user;
    (void)err;
    uint64_t n0 = c->o->galleries[0].rows, all = n0 + c->o->galleries[1].rows;
    for (;; c->place++) {
        assert_true(c->place < all * c->o->probes.rows);
        uint64_t p = c->place / all, r = c->place % all;
        int g = r >= n0;
        r -= g ? n0 : 0;
        float s =
            lk_score(c->o->probes.data + p * c->o->dim, c->o->galleries[g].data + r * c->o->dim, c->o->dim);
        if ((double)s < c->o->min_score)
            continue;
        assert_int_equal(pair->probe, p);
        assert_int_equal(pair->gallery, g);
        assert_int_equal(pair->reference, r);
        assert_true(pair->score == s);
        c->place++;
        c->n++;
        return LK_OK;
    }
}

static inline void check_result(const struct lk_search_options *o, const struct lk_search_result *result)
{
    for (int g = 0; g < LK_N_GALLERIES; g++)
        check_gallery(o, g, &result->galleries[g], result->exact_bin);
    if (isnan(o->min_score)) {
        assert_int_equal(result->n_range, 0);
        return;
    }
    uint64_t expected = 0;
    for (int g = 0; g < LK_N_GALLERIES; g++)
        for (uint64_t i = 0; i < o->probes.rows * o->galleries[g].rows; i++)
            expected += (double)lk_score(o->probes.data + i / o->galleries[g].rows * o->dim,
                                         o->galleries[g].data + i % o->galleries[g].rows * o->dim,
                                         o->dim) >= o->min_score;
    struct range_check check = {.o = o};
    assert_int_equal(lk_search_range(result, expect_pair, &check, NULL), LK_OK);
    assert_int_equal(check.n, expected);
    assert_int_equal(result->n_range, expected);
}

#endif
