/* SPDX-License-Identifier: Apache-2.0 */
/* sweep.c - the scan alone over codes in memory, with floors that no pair reaches: what every pair costs at least. */
#include <math.h>

#include "base/clock.h"
#include "base/pool.h"
#include "search/bench.h"
#include "search/bound.h"
#include "search/pass.h"

enum { BLOCKS_PER_THREAD = 2 };

struct sweep {
    const struct lk_scan *scan;
    const struct lk_codes *probes, *references;
};

/* One panel of references against the probes of one set of panels, as the pass does it. */
static uint64_t sweep_set(const struct sweep *s, uint64_t set, uint64_t panel)
{
    const struct lk_codes *x = s->probes, *y = s->references;
    size_t mr = (size_t)x->panel_rows, nr = (size_t)y->panel_rows;
    float never[LK_SHARED_PROBES > LK_TILE_MAX_REFERENCES ? LK_SHARED_PROBES : LK_TILE_MAX_REFERENCES];
    for (size_t i = 0; i < sizeof never / sizeof *never; i++)
        never[i] = INFINITY;
    int32_t probe_floor[LK_SHARED_PROBES], reference_floor[LK_TILE_MAX_REFERENCES];
    struct lk_bound bound = lk_bound_of(x, set * x->share, y, panel, fmaxf(x->reach, y->reach), 0);
    s->scan->needed(bound, never, LK_SHARED_PROBES, probe_floor);
    s->scan->needed(bound, never, (int)nr, reference_floor);
    uint64_t any = 0;
    for (uint64_t i = 0; i < x->share && set * x->share + i < x->panels; i++) {
        uint64_t probe_panel = set * x->share + i, mask[LK_TILE_MAX_PROBES];
        struct lk_tile tile = {x->codes + probe_panel * mr * x->depth,
                               (const uint8_t *)y->codes + panel * nr * y->depth,
                               x->depth / 4,
                               x->start + probe_panel * mr,
                               probe_floor + i * mr,
                               reference_floor};
        any |= s->scan->tile(&tile, mask);
    }
    return any;
}

static lk_status sweep_block(void *arg, size_t index, int worker, lk_error *err)
{
    const struct sweep *s = arg;
    (void)worker;
    uint64_t sets = (s->probes->panels + s->probes->share - 1) / s->probes->share;
    uint64_t of_block = LK_MAX_SCAN_BLOCK / LK_SHARED_PROBES, first = index * of_block, any = 0;
    for (uint64_t panel = 0; panel < s->references->panels; panel++)
        for (uint64_t i = 0; i < of_block; i++)
            any |= sweep_set(s, (first + i) % sets, panel);
    LK_NEED(any == 0, err, LK_EINTERNAL, "the kernel '%s' nominates pairs that do not reach the threshold",
            s->scan->name);
    return LK_OK;
}

lk_status lk_scan_sweep(double *out, lk_ctx *ctx, const struct lk_scan *scan, const struct lk_codes *probes,
                        const struct lk_codes *references, lk_error *err)
{
    struct sweep s = {scan, probes, references};
    size_t blocks = (size_t)lk_ctx_threads(ctx) * BLOCKS_PER_THREAD;
    double start = lk_clock_seconds();
    LK_TRY(lk_pool_for(ctx, blocks, sweep_block, &s, err));
    *out = (double)blocks * LK_MAX_SCAN_BLOCK * (double)references->rows / (lk_clock_seconds() - start);
    return LK_OK;
}
