/* SPDX-License-Identifier: Apache-2.0 */
/* simulate.h - vectors of made people with a known number of leaks: what the measures are proved on. */
#ifndef LK_AUDIT_SIMULATE_H
#define LK_AUDIT_SIMULATE_H

#include "base/ctx.h"

enum lk_sim_role { LK_SIM_SYNTHETIC, LK_SIM_TRAIN, LK_SIM_HOLDOUT, LK_SIM_CONTROL, LK_N_SIM_ROLES };

struct lk_sim_set {
    float *data;      /* rows x dim, unit length */
    uint32_t *person; /* of each row */
    uint64_t rows;
    uint32_t n_persons;
};

struct lk_sim {
    uint64_t dim;
    struct lk_sim_set sets[LK_N_SIM_ROLES];
    uint32_t *planted; /* of each synthetic identity the person of T it leaks, or UINT32_MAX */
};

/* The options' output, force and command are not looked at. Same bytes on every machine: nothing but +, *, /
 * and sqrt is computed. */
lk_status lk_sim_make(struct lk_sim *out, const lk_simulate_options *options, lk_error *err);
void lk_sim_free(struct lk_sim *sim);

#endif
