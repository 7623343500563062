/* SPDX-License-Identifier: Apache-2.0 */
/* residual.c - which share of leaks the criterion misses, and what that leaves in the set.
 *
 * A leak is made of two images of one person who takes part: one stands for the synthetic image, the others
 * are the training set's. It is compared with the hold-outs as every synthetic image was. */
#include <stdlib.h>
#include <string.h>

#include "clean/clean.h"
#include "stats/proportion.h"

enum { MOST_LEAKS = 2000, LEAST_LEAKS = 30 };

struct leaks {
    size_t n;
    float *data; /* one image of each person */
    float *t;    /* its best score with the person's other images */
    struct lk_tops held;
};

/* The first image of every person with several, by key: the same for any order of rows. */
static lk_status gather(struct leaks *l, const struct lk_audit *a, lk_error *err)
{
    uint64_t dim = a->in->synthetic->dim;
    size_t most = a->n_each < MOST_LEAKS ? (size_t)a->n_each : MOST_LEAKS;
    l->data = lk_alloc_aligned(most * (size_t)dim, sizeof *l->data, err);
    l->t = lk_calloc(most, sizeof *l->t, err);
    if (l->data == NULL || l->t == NULL)
        return LK_ENOMEM;
    for (uint64_t i = 0; i < a->n_each && l->n < most; i++) {
        const struct lk_audit_person *p = &a->persons[i];
        const struct lk_audit_set *s = p->set;
        uint32_t first = s->start[p->person], end = s->start[p->person + 1];
        if (end - first < 2)
            continue;
        const float *probe = s->data + s->rows_of[first] * dim;
        memcpy(l->data + l->n * dim, probe, dim * sizeof *probe);
        l->t[l->n] = -INFINITY;
        for (uint32_t k = first + 1; k < end; k++) {
            float score = lk_score(probe, s->data + s->rows_of[k] * dim, (size_t)dim);
            l->t[l->n] = score > l->t[l->n] ? score : l->t[l->n];
        }
        l->n++;
    }
    return LK_OK;
}

static lk_status search(struct leaks *l, const struct lk_audit *a, lk_error *err)
{
    struct lk_search_set probes = {l->data, l->n, NULL, 0};
    LK_TRY(lk_tops_new(&l->held, l->n, 1, LK_AUDIT_TAIL + 1, err));
    for (size_t g = 1; g < a->n_galleries; g++) {
        const struct lk_audit_gallery *gallery = &a->galleries[g];
        struct lk_search_set references = {gallery->data, gallery->rows, gallery->local, (uint32_t)a->n_each};
        struct lk_search_result result;
        LK_TRY(lk_audit_search(a, &probes, &references, 1, LK_AUDIT_TAIL + 1, &result, err));
        const struct lk_search_gallery *found = &result.galleries[LK_GALLERY_TRAIN];
        for (size_t i = 0; i < l->n; i++)
            for (uint64_t k = 0; k < found->n_identities; k++) {
                const struct lk_hit *hit = &found->identities[i * found->n_identities + k];
                lk_tops_add(&l->held, i, 0, hit->score, gallery->person[hit->row]);
            }
        lk_search_free(&result);
    }
    return LK_OK;
}

static lk_status lead_of(const struct lk_clean *c, const struct leaks *l, const struct lk_audit *a, size_t i,
                         struct lk_clean_lead *out, lk_error *err)
{
    *out = (struct lk_clean_lead){.t = l->t[i], .h = NAN, .margin = NAN, .e = NAN};
    if (!lk_audit_has_holdout(a))
        return LK_OK;
    out->h = lk_tops_best(&l->held, i, 0);
    out->margin = (double)out->t - (double)out->h;
    if (c->leads.tail_scores == 0)
        return LK_OK;
    float top[LK_AUDIT_TAIL + 1];
    for (size_t k = 0; k <= c->leads.tail_scores; k++)
        top[k] = lk_tops_of(&l->held, i, 0)[k].score;
    struct lk_evalue e;
    LK_TRY(lk_evalue(&c->leads.tail, top, c->leads.strangers, a->in->train->n_persons, a->in->synthetic->rows,
                     (double)out->t, &e, err));
    out->e = e.e;
    return LK_OK;
}

static lk_status count_missed(struct lk_clean *c, const struct leaks *l, const struct lk_audit *a,
                              lk_error *err)
{
    const lk_clean_view *view = &c->sum->views[0];
    uint64_t missed = 0;
    for (size_t i = 0; i < l->n; i++) {
        struct lk_clean_lead lead;
        LK_TRY(lead_of(c, l, a, i, &lead, err));
        missed += !lk_clean_meets(c, c->tau, &lead);
    }
    lk_clean_residual_of(view->share_before, missed, l->n >= LEAST_LEAKS ? l->n : 0, &c->sum->genuine);
    return LK_OK;
}

lk_status lk_clean_try_genuine(struct lk_clean *c, const struct lk_audit *a, lk_error *err)
{
    struct leaks l = {0};
    lk_status status = gather(&l, a, err);
    if (status == LK_OK && l.n > 0 && lk_audit_has_holdout(a))
        status = search(&l, a, err);
    if (status == LK_OK)
        status = count_missed(c, &l, a, err);
    free(l.data);
    free(l.t);
    lk_tops_free(&l.held);
    return status;
}

/* Bounds come from bounds: what they hold together they hold more often than 95 times in 100. */
void lk_clean_residual_of(const double pi[3], uint64_t missed, uint64_t n, lk_clean_residual *out)
{
    *out = (lk_clean_residual){.fnmr = {NAN, NAN, NAN}, .share = {NAN, NAN, NAN}};
    if (n == 0)
        return;
    struct lk_interval i = lk_clopper_pearson(missed, n, 0.95);
    out->n = n;
    out->missed = missed;
    out->fnmr[0] = (double)missed / (double)n;
    out->fnmr[1] = i.low;
    out->fnmr[2] = i.high;
    for (int k = 0; k < 3; k++)
        out->share[k] = pi[k] > 0 ? pi[k] * out->fnmr[k] : isnan(pi[k]) ? NAN : 0;
}
