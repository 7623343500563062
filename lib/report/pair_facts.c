/* SPDX-License-Identifier: Apache-2.0 */
/* pair_facts.c - what the sets and the measures say of the shown pairs: margin, q, strata of both faces. */
#include <stdlib.h>

#include "report/report.h"

static int by_row(const void *key, const void *element)
{
    uint64_t row = *(const uint64_t *)key, other = ((const struct lk_report_probe *)element)->row;
    return (row > other) - (row < other);
}

static void take_strata(const struct lk_report_set *set, uint64_t row, struct lk_report_strata *out)
{
    const struct lk_face_image *image = set->open ? lk_faces_image(&set->faces, row) : NULL;
    if (image == NULL)
        return;
    out->age = image->age;
    out->yaw = image->yaw;
    out->sharpness = image->sharpness;
    /* Nothing was detected in a picture that came aligned. */
    out->detector_score = image->face.score > 0 ? image->face.score : NAN;
}

void lk_report_pair_facts(struct lk_report *r)
{
    for (size_t i = 0; i < r->n_pairs; i++) {
        struct lk_report_pair *pair = &r->pairs[i];
        take_strata(&r->sets[LK_SYNTHETIC], pair->probe, &pair->strata[0]);
        take_strata(&r->sets[LK_TRAINING], pair->reference, &pair->strata[1]);
        const struct lk_report_probe *p =
            bsearch(&pair->probe, r->probes, r->n_probes, sizeof *r->probes, by_row);
        if (!r->compared || p == NULL || !isnan(pair->margin))
            continue;
        const struct lk_report_unit *unit = &r->units[p->unit];
        pair->margin = unit->score[LK_TRAINING] - unit->score[LK_HOLDOUT];
        pair->q = unit->q;
    }
}

void lk_report_pair_free(struct lk_report_pair *pair)
{
    for (int side = 0; side < 2; side++) {
        free(pair->path[side]);
        free(pair->identity[side]);
    }
    free(pair->kind);
    free(pair->reviewed);
}
