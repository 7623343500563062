/* SPDX-License-Identifier: Apache-2.0 */
/* closest.c - the exact search of the synthetic set and the controls in every gallery, joined over images. */
#include <stdlib.h>
#include <string.h>

#include "audit/audit.h"

lk_status lk_audit_search(const struct lk_audit *a, const struct lk_search_set *probes,
                          const struct lk_search_set *references, uint64_t k, uint64_t depth,
                          struct lk_search_result *out, lk_error *err)
{
    struct lk_search_options options = {
        .dim = a->in->synthetic->dim,
        .probes = *probes,
        .galleries = {[LK_GALLERY_TRAIN] = *references},
        .k = k,
        .r = depth,
        .min_score = NAN,
        .device = a->in->device,
        .exact_pairs = 1, /* no histogram is needed: pairs that cannot matter need not be scored */
    };
    return lk_search_run(a->ctx, &options, out, err);
}

static struct lk_search_set gallery_set(const struct lk_audit *a, size_t g)
{
    return (struct lk_search_set){a->galleries[g].data, a->galleries[g].rows, a->galleries[g].local,
                                  (uint32_t)a->n_each};
}

static void join(const struct lk_audit_gallery *gallery, const struct lk_search_gallery *found,
                 const uint32_t *unit, uint64_t rows, size_t g, const struct lk_tops *tops)
{
    for (uint64_t i = 0; i < rows; i++)
        for (uint64_t k = 0; k < found->n_identities; k++) {
            const struct lk_hit *hit = &found->identities[i * found->n_identities + k];
            lk_tops_add(tops, unit[i], g, hit->score, gallery->person[hit->row]);
        }
}

/* ---- the synthetic set ------------------------------------------------------------------------------ */

/* L7: of each person the closest synthetic image. */
static void keep_persons_best(struct lk_audit *a, size_t g, const struct lk_search_gallery *found)
{
    for (uint64_t i = 0; i < a->n_each; i++)
        a->persons[g * a->n_each + i].best = -INFINITY;
    for (uint64_t i = 0; i < a->galleries[g].rows; i++) {
        struct lk_audit_person *p = &a->persons[a->galleries[g].person[i]];
        if (found->best_probe[i].score > p->best) {
            p->best = found->best_probe[i].score;
            p->best_row = a->probe_row[found->best_probe[i].row];
        }
    }
}

static lk_status keep_pairs(struct lk_audit *a, const struct lk_search_gallery *found, lk_error *err)
{
    a->pairs = lk_calloc((size_t)found->n_pairs, sizeof *a->pairs, err);
    a->image_best = lk_calloc((size_t)a->probes.rows, sizeof *a->image_best, err);
    a->pair_probe = lk_calloc((size_t)found->n_pairs, sizeof *a->pair_probe, err);
    if (a->pairs == NULL || a->image_best == NULL || a->pair_probe == NULL)
        return LK_ENOMEM;
    a->n_pairs = (size_t)found->n_pairs;
    for (size_t i = 0; i < a->n_pairs; i++) {
        /* the reference stays a row of the gallery, which leads to its person */
        a->pairs[i] = (struct lk_pair){found->pairs[i].score, a->probe_row[found->pairs[i].probe],
                                       found->pairs[i].reference};
        a->pair_probe[i] = found->pairs[i].probe;
    }
    for (uint64_t i = 0; i < a->probes.rows; i++)
        a->image_best[i] = found->nearest[i * found->n_nearest].score;
    return LK_OK;
}

/* The pair of images behind each unit's best score in T. */
static void keep_closest_images(struct lk_audit *a, const struct lk_search_gallery *found)
{
    for (uint64_t i = 0; i < a->probes.rows; i++) {
        struct lk_audit_unit *u = &a->units[a->probe_unit[i]];
        const struct lk_hit *hit = &found->identities[i * found->n_identities];
        if (hit->score <= u->t)
            continue;
        u->t = hit->score;
        u->image = a->probe_row[i];
        u->probe = (uint32_t)i;
        u->reference = a->galleries[0].row[hit->row];
    }
}

/* The pair behind its best score in any hold-out: of equal ones the first. */
static void keep_closest_held(struct lk_audit *a, size_t g, const struct lk_search_gallery *found)
{
    for (uint64_t i = 0; i < a->probes.rows; i++) {
        struct lk_audit_unit *u = &a->units[a->probe_unit[i]];
        const struct lk_hit *hit = &found->identities[i * found->n_identities];
        if (hit->score <= u->h)
            continue;
        u->h = hit->score;
        u->held_gallery = (uint32_t)g;
        u->held_image = a->probe_row[i];
        u->held_reference = a->galleries[g].row[hit->row];
    }
}

/* L2: single images, all hold-outs together. */
static void keep_strangers(struct lk_audit *a, const struct lk_audit_gallery *gallery,
                           const struct lk_search_gallery *found)
{
    for (uint64_t i = 0; i < a->probes.rows; i++)
        for (uint64_t k = 0; k < found->n_identities; k++) {
            const struct lk_hit *hit = &found->identities[i * found->n_identities + k];
            lk_tops_add(&a->image_held, i, 0, hit->score, gallery->person[hit->row]);
        }
}

static lk_status search_synthetic(struct lk_audit *a, lk_error *err)
{
    uint64_t deep = a->in->depth > LK_AUDIT_TAIL ? a->in->depth : LK_AUDIT_TAIL + 1;
    LK_TRY(lk_tops_new(&a->tops, a->n_units, a->n_galleries, (size_t)a->in->depth, err));
    if (lk_audit_has_holdout(a))
        LK_TRY(lk_tops_new(&a->image_held, (size_t)a->probes.rows, 1, LK_AUDIT_TAIL + 1, err));
    for (size_t u = 0; u < a->n_units; u++) {
        a->units[u].t = -INFINITY;
        a->units[u].h = lk_audit_has_holdout(a) ? -INFINITY : NAN;
    }
    for (size_t g = 0; g < a->n_galleries; g++) {
        struct lk_search_result result;
        struct lk_search_set references = gallery_set(a, g);
        LK_TRY(lk_audit_search(a, &a->probes, &references, g == 0 ? a->in->pairs : 1, g == 0 ? a->in->depth : deep,
                               &result, err));
        const struct lk_search_gallery *found = &result.galleries[LK_GALLERY_TRAIN];
        join(&a->galleries[g], found, a->probe_unit, a->probes.rows, g, &a->tops);
        keep_persons_best(a, g, found);
        lk_status status = LK_OK;
        if (g > 0) {
            keep_closest_held(a, g, found);
            keep_strangers(a, &a->galleries[g], found);
        }
        if (g == 0) {
            status = keep_pairs(a, found, err);
            keep_closest_images(a, found);
        }
        lk_search_free(&result);
        LK_TRY(status);
    }
    return LK_OK;
}

/* ---- controls --------------------------------------------------------------------------------------- */

static lk_status search_control(struct lk_audit *a, struct lk_audit_control *c, lk_error *err)
{
    const struct lk_audit_set *s = c->set;
    struct lk_search_set probes = {s->data, s->rows, NULL, 0};
    LK_TRY(lk_tops_new(&c->tops, s->n_persons, a->n_galleries, (size_t)a->in->depth, err));
    for (size_t g = 0; g < a->n_galleries; g++) {
        struct lk_search_result result;
        struct lk_search_set references = gallery_set(a, g);
        LK_TRY(lk_audit_search(a, &probes, &references, 1, a->in->depth, &result, err));
        join(&a->galleries[g], &result.galleries[LK_GALLERY_TRAIN], s->person, s->rows, g, &c->tops);
        lk_search_free(&result);
    }
    return LK_OK;
}

lk_status lk_audit_closest(struct lk_audit *a, lk_error *err)
{
    LK_TRY(search_synthetic(a, err));
    a->controls = lk_calloc(a->in->n_controls, sizeof *a->controls, err);
    if (a->controls == NULL)
        return LK_ENOMEM;
    for (size_t c = 0; c < a->in->n_controls; c++) {
        a->controls[c].set = a->in->controls[c];
        LK_TRY(search_control(a, &a->controls[c], err));
    }
    return LK_OK;
}
