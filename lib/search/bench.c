/* SPDX-License-Identifier: Apache-2.0 */
/* bench.c - lk_bench_match: one pass of the search over made or given vectors, and what it took. Writes
 * nothing. */
#include "search/bench.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "search/match.h"

void lk_bench_options_init(lk_bench_options *options)
{
    *options = (lk_bench_options){
        .n_probes = 50000, .n_references = 50000, .dim = 512, .seed = 1, .k = 1500, .r = 10};
}

static lk_status check_options(const lk_bench_options *o, lk_error *err)
{
    LK_NEED((o->probes == NULL) == (o->references == NULL), err, LK_EINVAL,
            "bench needs both sets, or none to make them");
    LK_NEED(o->n_probes > 0 && o->n_references > 0 && o->dim > 0, err, LK_EINVAL,
            "bench needs at least one probe, reference and axis");
    return lk_scan_check(o->cpu, err);
}

static lk_status search(lk_ctx *ctx, const lk_bench_options *o, const struct lk_search_set *probes,
                        const struct lk_search_set *references, uint64_t dim, lk_bench_result *out,
                        lk_error *err)
{
    const struct lk_scan *scan = lk_scan_choose(o->cpu);
    struct lk_search_options options = {.dim = dim,
                                        .probes = *probes,
                                        .galleries = {*references},
                                        .k = o->k,
                                        .r = o->r,
                                        .min_score = NAN,
                                        .cpu = o->cpu,
                                        .device = o->device};
    struct lk_search_result result;
    LK_TRY(lk_scan_peak(&out->peak_ops, ctx, scan, err));
    LK_TRY(lk_search_run(ctx, &options, &result, err));
    out->cpu = scan->name;
    out->threads = lk_ctx_threads(ctx);
    out->n_probes = probes->rows;
    out->n_references = references->rows;
    out->dim = dim;
    out->n_pairs = result.n_pairs;
    out->axes = result.work.axes;
    out->n_scanned = result.work.scanned;
    out->n_nominated = result.work.nominated;
    out->n_scored = result.work.scored;
    out->prepare_seconds = result.work.prepare_seconds;
    out->seconds = result.work.seconds;
    lk_search_free(&result);
    return LK_OK;
}

static lk_status search_made(lk_ctx *ctx, const lk_bench_options *o, lk_bench_result *out, lk_error *err)
{
    float *probes = NULL, *references = NULL;
    lk_status status = lk_made_vectors(&probes, ctx, o->n_probes, o->dim, o->seed, err);
    if (status == LK_OK)
        status = lk_made_vectors(&references, ctx, o->n_references, o->dim, ~o->seed, err);
    if (status == LK_OK) {
        struct lk_search_set x = {.data = probes, .rows = o->n_probes},
                             y = {.data = references, .rows = o->n_references};
        status = search(ctx, o, &x, &y, o->dim, out, err);
    }
    free(probes);
    free(references);
    return status;
}

static lk_status search_given(lk_ctx *ctx, const lk_bench_options *o, lk_bench_result *out, lk_error *err)
{
    struct lk_match_set x, y;
    LK_TRY(lk_match_set_open(&x, ctx, "probes", o->probes, err));
    lk_status status = lk_match_set_open(&y, ctx, "references", o->references, err);
    if (status == LK_OK) {
        status = lk_match_sets_agree(&x, &y, err);
        if (status == LK_OK)
            status = search(ctx, o, &x.set, &y.set, x.faces.matrix.dim, out, err);
        lk_match_set_close(&y);
    }
    lk_match_set_close(&x);
    return status;
}

lk_status lk_bench_match(lk_ctx *ctx, const lk_bench_options *options, lk_bench_result *out, lk_error *err)
{
    lk_bench_result result = {.cpu = NULL};
    LK_TRY(check_options(options, err));
    LK_TRY(options->probes != NULL ? search_given(ctx, options, &result, err)
                                   : search_made(ctx, options, &result, err));
    *out = result;
    return LK_OK;
}
