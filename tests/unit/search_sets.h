/* SPDX-License-Identifier: Apache-2.0 */
/* search_sets.h - sets of awkward rows for searches in tests, some probes copied from references, with labels or without. */
#ifndef LK_TESTS_SEARCH_SETS_H
#define LK_TESTS_SEARCH_SETS_H

#include <string.h>

#include "base/rng.h"
#include "search_runs.h"
#include "temp.h"
#include "vectors.h"

/* rows: of probes, training set and hold-out. */
static inline struct made make_sets(enum vectors kind, size_t dim, const uint64_t rows[3], uint32_t people, bool labelled)
{
    struct made made = {
        .options = {.dim = dim, .k = 50, .r = 4, .min_score = NAN, .work_dir = temp_path("work")}};
    struct lk_rng rng = lk_rng_seed(5);
    for (uint64_t i = 0; i < 3; i++)
        made.data[i] = vectors_make(kind, rows[i], dim, i + 1);
    for (uint64_t i = 0; i < rows[0]; i += 9)
        memcpy(made.data[0] + i * dim, made.data[1] + i * 5 * dim, dim * sizeof(float));
    made.options.probes = (struct lk_search_set){.data = made.data[0], .rows = rows[0]};
    for (int g = 0; g < 2; g++) {
        made.labels[g] = calloc(rows[g + 1], sizeof *made.labels[g]);
        assert_non_null(made.labels[g]);
        for (uint64_t i = 0; i < rows[g + 1]; i++)
            made.labels[g][i] = (uint32_t)(i % 4 ? lk_rng_below(&rng, people) : i / 4 % people);
        made.options.galleries[g] =
            (struct lk_search_set){made.data[g + 1], rows[g + 1], labelled ? made.labels[g] : NULL, people};
    }
    return made;
}

#endif
