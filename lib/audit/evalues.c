/* SPDX-License-Identifier: Apache-2.0 */
/* evalues.c - L2: the E-value of every listed pair, from the scores of the same synthetic image against the
 * hold-outs. */
#include <stdlib.h>

#include "audit/audit.h"

/* The image's closest persons over all hold-outs, as many as lk_tail_levels takes. */
static lk_status copy_tails(struct lk_audit *a, lk_error *err)
{
    size_t n = (size_t)a->probes.rows, each = a->tail_scores + 1;
    a->tail_top = lk_calloc(n, each * sizeof *a->tail_top, err);
    if (a->tail_top == NULL)
        return LK_ENOMEM;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < each; k++)
            a->tail_top[i * each + k] = lk_tops_of(&a->image_held, i, 0)[k].score;
    return lk_tail_levels(a->tail_top, n, a->tail_scores, &a->tail, err);
}

static lk_status evaluate(const struct lk_audit *a, uint32_t probe, float score, struct lk_evalue *out,
                          lk_error *err)
{
    return lk_evalue(&a->tail, a->tail_top + probe * (a->tail_scores + 1), a->tail_strangers, a->n_each,
                     a->probes.rows, (double)score, out, err);
}

/* The best pair of every image: how many are flagged beside how many chance flags. */
static lk_status count_flagged(struct lk_audit *a, lk_error *err)
{
    for (uint32_t i = 0; i < a->probes.rows; i++) {
        struct lk_evalue e;
        LK_TRY(evaluate(a, i, a->image_best[i], &e, err));
        a->images_flagged += e.flagged != 0;
        a->images_flagged_audit += e.audit <= 0.05;
    }
    return LK_OK;
}

lk_status lk_audit_evalues(struct lk_audit *a, lk_error *err)
{
    uint64_t strangers = (a->n_galleries - 1) * a->n_each;
    if (strangers < 3) /* no tail without two scores above the third */
        return LK_OK;
    a->tail_strangers = strangers;
    a->tail_scores = strangers > LK_AUDIT_TAIL ? LK_AUDIT_TAIL : (size_t)strangers - 1;
    LK_TRY(copy_tails(a, err));
    a->pair_e = lk_calloc(a->n_pairs, sizeof *a->pair_e, err);
    if (a->pair_e == NULL)
        return LK_ENOMEM;
    for (size_t i = 0; i < a->n_pairs; i++) {
        LK_TRY(evaluate(a, a->pair_probe[i], a->pairs[i].score, &a->pair_e[i], err));
        a->pairs_flagged += a->pair_e[i].flagged != 0;
    }
    for (size_t u = 0; u < a->n_units; u++) {
        struct lk_evalue e;
        LK_TRY(evaluate(a, a->units[u].probe, a->units[u].t, &e, err));
        a->units[u].e = e.e;
    }
    return count_flagged(a, err);
}
