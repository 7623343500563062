/* SPDX-License-Identifier: Apache-2.0 */
/* exposure.h - what a MATCH directory says over the complete sets: each synthetic image's best scores, joined
 * over identities. */
#ifndef LK_REPORT_EXPOSURE_H
#define LK_REPORT_EXPOSURE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

enum { LK_EXPOSURE_TRAIN, LK_EXPOSURE_HOLDOUT, LK_N_EXPOSURE };

enum { LK_EXPOSURE_BINS = 400 }; /* of width 0.005 over -1 .. 1 */

struct lk_exposure_set {
    bool given;
    uint64_t rows, excluded; /* rows: that took part */
    uint64_t identities;     /* 0 = no labels */
};

/* A synthetic image that took part. */
struct lk_exposure_probe {
    uint64_t row;
    char *identity;              /* NULL = none */
    double score[LK_N_EXPOSURE]; /* best in each gallery; NaN = no such gallery */
};

/* A synthetic identity, or an image without one. */
struct lk_exposure_unit {
    double score[LK_N_EXPOSURE]; /* maximum over its images */
};

struct lk_exposure {
    const char *folder; /* borrowed */
    json_t *meta;
    struct lk_exposure_set probes_set, galleries[LK_N_EXPOSURE];
    struct lk_exposure_probe *probes;
    size_t n_probes;
    struct lk_exposure_unit *units; /* by name, those without one first and by row */
    size_t n_units;
    bool has_strangers;
    double strangers[LK_EXPOSURE_BINS]; /* share of all pairs of a synthetic and a hold-out image, by score */
};

lk_status lk_exposure_open(struct lk_exposure *out, const char *folder, lk_error *err);
void lk_exposure_close(struct lk_exposure *e);
/* A fact that match copied from one of the sets' meta.json, or NULL. `of` is "model". */
const char *lk_exposure_fact(const struct lk_exposure *e, const char *of, const char *key);

#endif
