/* SPDX-License-Identifier: Apache-2.0 */
/* leads.c - how close every synthetic identity comes to anybody of the training set and of the hold-outs.
 *
 * The galleries of a measurement do not depend on the synthetic set, so one search serves all rounds. */
#include <stdlib.h>
#include <string.h>

#include "clean/clean.h"

static struct lk_search_set rows_of(const struct lk_audit_set *s)
{
    return (struct lk_search_set){s->data, s->rows, s->person, s->n_persons};
}

/* The best reference of each image, and the best image of each identity. */
static lk_status find_closest(struct lk_clean_leads *l, const struct lk_audit *a, lk_error *err)
{
    const struct lk_audit_set *s = a->in->synthetic;
    struct lk_search_set probes = rows_of(s), references = rows_of(a->in->train);
    struct lk_search_result result;
    LK_TRY(lk_audit_search(a, &probes, &references, 1, 1, &result, err));
    for (uint32_t i = 0; i < s->rows; i++) {
        const struct lk_hit *hit = &result.galleries[LK_GALLERY_TRAIN].nearest[i];
        struct lk_clean_lead *lead = &l->of[s->person[i]];
        l->t[i] = hit->score;
        l->reference[i] = hit->row;
        if (hit->score > lead->t) {
            lead->t = hit->score;
            lead->image = i;
            lead->reference = hit->row;
        }
    }
    lk_search_free(&result);
    return LK_OK;
}

/* Of each image the closest persons of all hold-outs together. */
static lk_status find_held(struct lk_clean_leads *l, const struct lk_audit *a, lk_error *err)
{
    const struct lk_audit_set *s = a->in->synthetic;
    struct lk_search_set probes = rows_of(s);
    for (size_t g = 1; g < a->n_galleries; g++) {
        const struct lk_audit_gallery *gallery = &a->galleries[g];
        struct lk_search_set references = {gallery->data, gallery->rows, gallery->local, (uint32_t)a->n_each};
        struct lk_search_result result;
        LK_TRY(lk_audit_search(a, &probes, &references, 1, LK_AUDIT_TAIL + 1, &result, err));
        const struct lk_search_gallery *found = &result.galleries[LK_GALLERY_TRAIN];
        for (uint64_t i = 0; i < s->rows; i++)
            for (uint64_t k = 0; k < found->n_identities; k++) {
                const struct lk_hit *hit = &found->identities[i * found->n_identities + k];
                lk_tops_add(&l->held, i, 0, hit->score, gallery->person[hit->row]);
            }
        lk_search_free(&result);
    }
    return LK_OK;
}

/* The upper ends of the images' scores against strangers, as the E-values take them. */
static lk_status copy_tails(struct lk_clean_leads *l, size_t rows, lk_error *err)
{
    size_t each = l->tail_scores + 1;
    l->tail_top = lk_calloc(rows, each * sizeof *l->tail_top, err);
    if (l->tail_top == NULL)
        return LK_ENOMEM;
    for (size_t i = 0; i < rows; i++)
        for (size_t k = 0; k < each; k++)
            l->tail_top[i * each + k] = lk_tops_of(&l->held, i, 0)[k].score;
    return LK_OK;
}

static lk_status find(struct lk_clean_leads *l, const struct lk_audit *a, lk_error *err)
{
    const struct lk_audit_set *s = a->in->synthetic;
    l->of = lk_calloc(s->n_persons, sizeof *l->of, err);
    l->t = lk_calloc((size_t)s->rows, sizeof *l->t, err);
    l->reference = lk_calloc((size_t)s->rows, sizeof *l->reference, err);
    if (l->of == NULL || l->t == NULL || l->reference == NULL)
        return LK_ENOMEM;
    for (uint32_t p = 0; p < s->n_persons; p++)
        l->of[p] = (struct lk_clean_lead){.t = -INFINITY, .h = NAN, .margin = NAN, .e = NAN};
    LK_TRY(find_closest(l, a, err));
    if (!lk_audit_has_holdout(a))
        return LK_OK;
    LK_TRY(lk_tops_new(&l->held, (size_t)s->rows, 1, LK_AUDIT_TAIL + 1, err));
    LK_TRY(find_held(l, a, err));
    for (uint32_t i = 0; i < s->rows; i++) {
        struct lk_clean_lead *lead = &l->of[s->person[i]];
        float h = lk_tops_best(&l->held, i, 0);
        if (isnan(lead->h) || h > lead->h)
            lead->h = h;
    }
    for (uint32_t p = 0; p < s->n_persons; p++)
        l->of[p].margin = (double)l->of[p].t - (double)l->of[p].h;
    l->strangers = (a->n_galleries - 1) * a->n_each;
    if (l->strangers < 3) /* no tail without two scores above the third */
        return LK_OK;
    l->tail_scores = l->strangers > LK_AUDIT_TAIL ? LK_AUDIT_TAIL : (size_t)l->strangers - 1;
    return copy_tails(l, (size_t)s->rows, err);
}

lk_status lk_clean_leads_find(struct lk_clean_leads *leads, const struct lk_audit *a, lk_error *err)
{
    *leads = (struct lk_clean_leads){0};
    lk_status status = find(leads, a, err);
    if (status != LK_OK)
        lk_clean_leads_free(leads);
    return status;
}

/* The tail's shape is that of the images which are left. */
static lk_status shape_tail(struct lk_clean_leads *l, const struct lk_audit *a, lk_error *err)
{
    const struct lk_audit_set *s = a->in->synthetic;
    size_t each = l->tail_scores + 1, n = 0;
    float *top = lk_calloc((size_t)s->rows, each * sizeof *top, err);
    if (top == NULL)
        return LK_ENOMEM;
    for (uint32_t i = 0; i < s->rows; i++)
        if (!lk_audit_removed(a, s->person[i]))
            memcpy(top + each * n++, l->tail_top + each * i, each * sizeof *top);
    lk_status status = lk_tail_levels(top, n, l->tail_scores, &l->tail, err);
    free(top);
    return status;
}

lk_status lk_clean_leads_evaluate(struct lk_clean_leads *l, const struct lk_audit *a, lk_error *err)
{
    const struct lk_audit_set *s = a->in->synthetic;
    if (l->tail_scores == 0)
        return LK_OK;
    LK_TRY(shape_tail(l, a, err));
    for (uint32_t p = 0; p < s->n_persons; p++)
        l->of[p].e = NAN;
    for (uint32_t i = 0; i < s->rows; i++) {
        struct lk_clean_lead *lead = &l->of[s->person[i]];
        struct lk_evalue e;
        LK_TRY(lk_evalue(&l->tail, l->tail_top + i * (l->tail_scores + 1), l->strangers,
                         a->in->train->n_persons, s->rows, (double)l->t[i], &e, err));
        if (isnan(lead->e) || e.e < lead->e) {
            lead->e = e.e;
            lead->e_image = i;
            lead->e_reference = l->reference[i];
        }
    }
    return LK_OK;
}

void lk_clean_leads_free(struct lk_clean_leads *leads)
{
    free(leads->of);
    free(leads->t);
    free(leads->reference);
    lk_tops_free(&leads->held);
    free(leads->tail_top);
    *leads = (struct lk_clean_leads){0};
}
