/* SPDX-License-Identifier: Apache-2.0 */
/* search_compare.h - all products of two searches of a test, compared. */
#ifndef LK_TESTS_SEARCH_COMPARE_H
#define LK_TESTS_SEARCH_COMPARE_H

#include <string.h>

#include "search_runs.h"

/* The range as one array; *room grows as needed. */
struct range {
    struct lk_range_pair *pairs;
    size_t n;
};

static inline lk_status collect(void *user, const struct lk_range_pair *pair, lk_error *err)
{
    struct range *r = user;
    (void)err;
    r->pairs[r->n++] = *pair;
    return LK_OK;
}

static inline struct range range_of(const struct lk_search_result *result)
{
    struct range r = {calloc(result->n_range + 1, sizeof *r.pairs), 0};
    assert_non_null(r.pairs);
    assert_int_equal(lk_search_range(result, collect, &r, NULL), LK_OK);
    assert_int_equal(r.n, result->n_range);
    return r;
}

struct expected {
    struct lk_search_result result;
    struct range range;
};

static inline bool same_hits(const struct lk_hit *a, const struct lk_hit *b, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++)
        if (a[i].row != b[i].row || a[i].score != b[i].score)
            return false;
    return true;
}

/* The name of the first product that differs, or NULL. */
static inline const char *difference(const struct lk_search_options *o, const struct expected *want,
                                     const struct lk_search_result *got)
{
    for (int g = 0; g < LK_N_GALLERIES; g++) {
        const struct lk_search_gallery *a = &want->result.galleries[g], *b = &got->galleries[g];
        if (a->n_pairs != b->n_pairs ||
            (a->n_pairs > 0 && memcmp(a->pairs, b->pairs, a->n_pairs * sizeof *a->pairs) != 0))
            return "closest pairs";
        if (a->n_nearest != b->n_nearest || !same_hits(a->nearest, b->nearest, o->probes.rows * a->n_nearest))
            return "nearest";
        if (a->n_identities != b->n_identities ||
            !same_hits(a->identities, b->identities, o->probes.rows * a->n_identities))
            return "nearest identities";
        uint64_t first, rows;
        lk_search_shard_rows(&o->shard, o->galleries[g].rows, &first, &rows);
        if (!same_hits(a->best_probe, b->best_probe, rows))
            return "best probes";
        if (a->sample_size != b->sample_size || memcmp(a->sample, b->sample, sizeof a->sample) != 0)
            return "sample";
        for (int bin = 0; bin < LK_SEARCH_BINS; bin++)
            if (b->exact[bin] != (bin >= got->exact_bin ? a->exact[bin] : 0))
                return "histogram";
    }
    struct range r = range_of(got);
    bool same = r.n == want->range.n && memcmp(r.pairs, want->range.pairs, r.n * sizeof *r.pairs) == 0;
    free(r.pairs);
    return same ? NULL : "range";
}

/* What scoring every pair gives. */
static inline struct expected plain(const struct lk_search_options *o)
{
    struct expected e;
    struct stopper never = {.at = UINT64_MAX};
    assert_int_equal(run_search(o, 2, &never, &e.result), LK_OK);
    assert_int_equal(e.result.exact_bin, 0);
    e.range = range_of(&e.result);
    lk_search_forget(o->work_dir);
    return e;
}

static inline void free_expected(struct expected *e)
{
    lk_search_free(&e->result);
    free(e->range.pairs);
}

#endif
