/* SPDX-License-Identifier: Apache-2.0 */
/* run.c - one measurement in memory, step by step. */
#include <stdlib.h>

#include "audit/audit.h"

static lk_status check_sets(const struct lk_audit_input *in, lk_error *err)
{
    LK_NEED(in->q >= 1e-9 && in->q < 1, err, LK_EINVAL,
            "false discovery rate is %g, expected from 1e-9 to below 1", in->q);
    LK_NEED(in->depth >= 1 && in->depth < 1000, err, LK_EINVAL, "depth of lists is %llu, expected 1 to 999",
            (unsigned long long)in->depth);
    LK_NEED(in->pairs >= 1, err, LK_EINVAL, "pairs: expected at least one");
    uint64_t dim = in->synthetic->dim;
    bool same = in->train->dim == dim;
    for (size_t i = 0; i < in->n_holdouts; i++)
        same = same && in->holdouts[i]->dim == dim;
    for (size_t i = 0; i < in->n_controls; i++)
        same = same && in->controls[i]->dim == dim;
    LK_NEED(same, err, LK_EINVAL, "the sets have vectors of different lengths; expected one model for all");
    return LK_OK;
}

static lk_status run(struct lk_audit *a, lk_error *err)
{
    LK_TRY(check_sets(a->in, err));
    LK_TRY(lk_audit_choose(a, err));
    bool *dropped = lk_calloc(a->n_persons, sizeof *dropped, err);
    if (dropped == NULL)
        return LK_ENOMEM;
    lk_status status = lk_audit_find_doubles(a, dropped, err);
    if (status == LK_OK)
        status = lk_audit_equalise(a, dropped, err);
    free(dropped);
    LK_TRY(status);
    LK_TRY(lk_audit_make_units(a, err));
    LK_TRY(lk_audit_closest(a, err));
    LK_TRY(lk_audit_judge(a, err));
    LK_TRY(lk_audit_evalues(a, err));
    LK_TRY(lk_audit_kinds(a, err));
    LK_TRY(lk_audit_measure_power(a, err));
    LK_TRY(lk_audit_break_down(a, err));
    lk_audit_give_verdict(a);
    return LK_OK;
}

lk_status lk_audit_run(struct lk_audit *out, lk_ctx *ctx, const struct lk_audit_input *in, lk_error *err)
{
    *out = (struct lk_audit){.ctx = ctx, .in = in};
    lk_status status = run(out, err);
    if (status != LK_OK)
        lk_audit_free(out);
    return status;
}

void lk_audit_free(struct lk_audit *a)
{
    for (size_t g = 0; a->galleries != NULL && g < a->n_galleries; g++) {
        free(a->galleries[g].data);
        free(a->galleries[g].person);
        free(a->galleries[g].local);
        free(a->galleries[g].row);
    }
    for (size_t c = 0; a->controls != NULL && c < a->in->n_controls; c++)
        lk_tops_free(&a->controls[c].tops);
    free(a->galleries);
    free(a->persons);
    free(a->doubles.pairs);
    free(a->probes_owned);
    free(a->probe_row);
    free(a->probe_unit);
    free(a->units);
    lk_tops_free(&a->tops);
    free(a->pairs);
    free(a->pair_probe);
    free(a->image_best);
    lk_tops_free(&a->image_held);
    free(a->tail_top);
    free(a->pair_e);
    free(a->pair_kind);
    free(a->copied);
    free(a->powers);
    free(a->strata);
    free(a->controls);
    free(a->scores);
    free(a->curve);
    free(a->curve_controls);
    *a = (struct lk_audit){0};
}
