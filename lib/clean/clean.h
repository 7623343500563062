/* SPDX-License-Identifier: Apache-2.0 */
/* clean.h - everything that one cleaning knows: how close each synthetic identity comes to anybody of the
 * training set, who is removed and why, and what is left. The functions stand in the order in which a
 * cleaning calls them. */
#ifndef LK_CLEAN_CLEAN_H
#define LK_CLEAN_CLEAN_H

#include "audit/audit.h"

/* ---- leads: every identity against everybody ---------------------------------------------------------- */

/* A measurement compares matched galleries, and only identities that do not repeat another. Cleaning must
 * answer for all that is left, so its leads are about every synthetic identity and every image of the
 * training set; the hold-outs are those of the measurement. */
struct lk_clean_lead {
    float t, h;                /* best score in the whole training set; in any hold-out, NaN without one */
    uint32_t image, reference; /* rows of the pair behind t */
    double margin;             /* t - h; NaN without a hold-out */
    double e;                  /* smallest E-value of its images; NaN without a tail */
    uint32_t e_image, e_reference;
};

struct lk_clean_leads {
    struct lk_clean_lead *of; /* each synthetic identity */
    float *t;                 /* of each image: best score in the training set */
    uint32_t *reference;
    struct lk_tops held; /* of each image: closest persons over all hold-outs */
    uint64_t strangers;  /* persons of all hold-outs; below 3 there are no E-values */
    size_t tail_scores;
    struct lk_tail_levels tail; /* of the images that are left */
    float *tail_top;            /* tail_scores + 1 of each image */
};

/* leads.c: searches, once, against the galleries of a measurement; then, after every round, the E-values. */
lk_status lk_clean_leads_find(struct lk_clean_leads *leads, const struct lk_audit *a, lk_error *err);
lk_status lk_clean_leads_evaluate(struct lk_clean_leads *leads, const struct lk_audit *a, lk_error *err);
void lk_clean_leads_free(struct lk_clean_leads *leads);

/* ---- who is removed ----------------------------------------------------------------------------------- */

enum lk_clean_cause { LK_CLEAN_KEPT, LK_CLEAN_COPY, LK_CLEAN_MET };

struct lk_clean_mark {
    enum lk_clean_cause cause; /* LK_CLEAN_KEPT: not removed, and the rest says nothing */
    uint32_t round;            /* from 1 */
    double tau;                /* what was reached in that round */
    double q;                  /* NaN where it was no unit of the measurement */
    struct lk_clean_lead lead;
};

struct lk_clean {
    lk_ctx *ctx;
    const lk_clean_options *options;
    struct lk_audit_job job; /* the first matcher's sets */
    bool *removed;           /* each synthetic identity */
    struct lk_clean_mark *marks;
    struct lk_clean_leads leads;
    bool by_controls;  /* discoveries are those against the controls */
    double tau;        /* in force: the smallest of all rounds (E-values: the limit); NaN = never one */
    uint64_t n_marked; /* identities that meet the criterion now and are kept */
    /* Lines of images.csv, or rows of a plain file of embeddings, and whose they are; LK_CLEAN_NOBODY = no
     * identity that was compared. */
    size_t n_items;
    uint32_t *identity_of;
    bool *compared;     /* it has an embedding and meets the filters */
    char (*sha256)[65]; /* of the picture file of each item that is removed; "" = could not be read */
    lk_clean_summary *sum;
    /* Discoveries of the other matchers before, all together, and those of them that are kept. */
    uint64_t second_n, second_missed;
};

/* Whether a lead reaches tau by the criterion. */
bool lk_clean_meets(const struct lk_clean *c, double tau, const struct lk_clean_lead *lead);

/* rounds.c: measure, remove, measure what is left, until nothing more is found or the budget is spent. Leaves
 * the last measurement in *after. */
lk_status lk_clean_rounds(struct lk_clean *c, struct lk_audit *after, lk_error *err);

/* residual.c: which share of leaks the criterion misses: of made ones (every person of T with two images),
 * and of those that another matcher discovered. */
lk_status lk_clean_try_genuine(struct lk_clean *c, const struct lk_audit *a, lk_error *err);
void lk_clean_residual_of(const double pi[3], uint64_t missed, uint64_t n, lk_clean_residual *out);

/* views.c: the other matchers before and after. */
lk_status lk_clean_views(struct lk_clean *c, lk_error *err);
/* Writes one measurement into OUTPUT/`when` (and /NAME for other matchers than the first). */
lk_status lk_clean_write_measures(const struct lk_clean *c, const struct lk_audit *a, const char *when,
                                  const char *name, lk_error *err);
/* Fills one half of a view. */
void lk_clean_view_before(lk_clean_view *view, const struct lk_audit *a);
void lk_clean_view_after(lk_clean_view *view, const struct lk_audit *a);
/* Whether the measurement finds the unit: by the competition, without a hold-out against the controls. */
bool lk_clean_found(const struct lk_audit *a, size_t unit);

/* ---- what is written ----------------------------------------------------------------------------------- */

/* items.c: whose every image is, and the hashes of those that are removed. */
#define LK_CLEAN_NOBODY UINT32_MAX
lk_status lk_clean_list_items(struct lk_clean *c, lk_error *err);
lk_status lk_clean_hash_removed(struct lk_clean *c, lk_error *err);
/* An image goes with its identity, and where a list had left it out before. */
bool lk_clean_keeps(const struct lk_clean *c, size_t item);

/* tables.c: removal.csv and kept.csv. */
lk_status lk_clean_write_tables(const struct lk_clean *c, lk_error *err);

/* keep.c: what was asked for of the set without what is removed. Checked before anything is measured. */
lk_status lk_clean_check_outputs(const struct lk_clean *c, lk_error *err);
lk_status lk_clean_write_sets(const struct lk_clean *c, lk_error *err);

/* words.c, json.c */
void lk_clean_say(struct lk_clean *c);
lk_status lk_clean_write_json(const struct lk_clean *c, lk_error *err);

#endif
