/* SPDX-License-Identifier: Apache-2.0 */
/* peak.c - how fast a scan could be at most on this machine: its kernel on data in the first-level cache. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/pool.h"
#include "search/bench.h"

/* 128 coordinates: the panels take 8 KiB and leave the first-level cache to them alone on every processor. */
enum { GROUPS = 32, CALLS = 2000, ROUNDS = 40 };

struct measure {
    const struct lk_scan *scan;
    double *rates; /* of each item */
};

/* The best of short rounds: what disturbs one does not disturb all. */
static lk_status measure_one(void *arg, size_t index, int worker, lk_error *err)
{
    struct measure *m = arg;
    const struct lk_scan *scan = m->scan;
    size_t mr = (size_t)scan->mr, nr = (size_t)scan->nr;
    int8_t *probes = lk_alloc_aligned(mr * GROUPS * 4, 1, err);
    uint8_t *references = lk_alloc_aligned(nr * GROUPS * 4, 1, err);
    (void)worker;
    if (probes == NULL || references == NULL) {
        free(probes);
        free(references);
        return LK_ENOMEM;
    }
    memset(probes, 1, mr * GROUPS * 4);
    memset(references, scan->offset + 1, nr * GROUPS * 4);
    int32_t start[LK_TILE_MAX_PROBES], probe_floor[LK_TILE_MAX_PROBES],
        reference_floor[LK_TILE_MAX_REFERENCES];
    for (size_t i = 0; i < mr; i++) {
        start[i] = -scan->offset * GROUPS * 4;
        probe_floor[i] = INT32_MAX;
    }
    for (size_t j = 0; j < nr; j++)
        reference_floor[j] = INT32_MAX;
    struct lk_tile tile = {probes, references, GROUPS, start, probe_floor, reference_floor};
    uint64_t mask[LK_TILE_MAX_PROBES], any = 0;
    double least = 1e9;
    for (int round = 0; round < ROUNDS; round++) {
        double begin = lk_clock_seconds();
        for (int call = 0; call < CALLS; call++)
            any |= scan->tile(&tile, mask);
        double took = lk_clock_seconds() - begin;
        least = took < least ? took : least;
    }
    free(probes);
    free(references);
    LK_NEED(any == 0, err, LK_EINTERNAL, "the kernel '%s' nominates pairs that do not reach the threshold",
            scan->name);
    m->rates[index] = 2.0 * GROUPS * 4 * (double)(mr * nr) * CALLS / least;
    return LK_OK;
}

lk_status lk_scan_peak(double *out, lk_ctx *ctx, const struct lk_scan *scan, lk_error *err)
{
    size_t threads = (size_t)lk_ctx_threads(ctx);
    struct measure m = {scan, lk_calloc(threads, sizeof *m.rates, err)};
    if (m.rates == NULL)
        return LK_ENOMEM;
    lk_status status = lk_pool_for(ctx, threads, measure_one, &m, err);
    *out = 0;
    for (size_t i = 0; i < threads; i++)
        *out += m.rates[i];
    free(m.rates);
    return status;
}
