/* SPDX-License-Identifier: Apache-2.0 */
/* report.h - everything one report says: read from a MATCH directory, measured, then written as a page and as
 * JSON. */
#ifndef LK_REPORT_REPORT_H
#define LK_REPORT_REPORT_H

#include <stdbool.h>
#include <stdio.h>

#include "base/ctx.h"
#include "formats/faces.h"
#include "stats/decoys.h"

enum lk_report_role { LK_SYNTHETIC, LK_TRAINING, LK_HOLDOUT, LK_N_SETS };

/* One of the compared sets. The FACES directory behind it may be gone or a plain .npy: then there are no
 * pictures. */
struct lk_report_set {
    bool given;
    char *path;    /* as match was given it */
    uint64_t rows; /* that took part: without the excluded ones */
    uint64_t excluded;
    uint64_t identities; /* 0 = no labels */
    char *sha256;        /* of embeddings.npy; NULL = not recorded */
    bool open;           /* faces can be used */
    struct lk_faces faces;
    char *closed_because; /* why not; NULL when open */
    uint64_t n_no_face, n_unreadable, n_by_list; /* by_list: excluded when the set was embedded */
};

/* A synthetic image that took part, with its closest references. */
struct lk_report_probe {
    uint64_t row;
    char *path, *identity;   /* NULL = none */
    double score[LK_N_SETS]; /* best against training and hold-out; NaN = none */
    uint64_t reference;      /* the closest training image */
    char *person;            /* its identity; NULL = none */
    size_t unit;
};

/* What one decision is about: a synthetic identity, or an image where there are no labels. */
struct lk_report_unit {
    const char *identity; /* borrowed from a probe; NULL = an image */
    size_t best;          /* probe with the best score against the training set */
    uint64_t n_images;
    double score[LK_N_SETS]; /* maximum over its images */
    bool discovered;
    double q;  /* smallest false discovery rate at which it is a discovery; NaN without a hold-out */
    int truth; /* 1 planted, 0 not, -1 not known */
};

/* A threshold and what was seen at it. */
struct lk_report_level {
    double fmr, score;
    bool supported;          /* enough impostor pairs lay behind it */
    double tar;              /* NaN = not known */
    double expected;         /* chance matches per probe: N x FMR */
    double chance;           /* probability of at least one */
    double share[LK_N_SETS]; /* of probes at or above, by gallery; NaN = no such gallery */
    uint64_t count[LK_N_SETS];
    uint64_t planted, innocent; /* units at or above, where the truth is known */
};

struct lk_report_pair {
    uint64_t rank, probe, reference;
    double score;
    char *path[2], *identity[2]; /* probe, reference; NULL = none */
    char *picture[2];            /* base64 of a JPEG; NULL = none could be made */
    bool discovered;
};

/* Planted truth set against what was found. */
struct lk_report_truth {
    bool given;
    uint64_t n_planted, n_planted_found, n_false_found; /* units among those that took part */
    uint64_t n_planted_absent;                          /* planted identities without any embedded image */
    uint64_t n_unknown;                                 /* units that the truth does not name */
    uint64_t
        n_right_person; /* planted units whose closest training identity is the one they were made from */
    uint64_t n_person_known; /* planted units for which that can be told */
};

struct lk_report {
    lk_ctx *ctx;
    const lk_report_options *options;
    json_t *meta;          /* of the MATCH directory */
    json_t *thresholds;    /* list in use; owned */
    char *thresholds_from; /* in words */
    struct lk_report_set sets[LK_N_SETS];

    struct lk_report_probe *probes;
    size_t n_probes;
    struct lk_report_unit *units;
    size_t n_units;
    bool by_identity;               /* at least one unit is an identity */
    struct lk_report_level *levels; /* by falling FMR */
    size_t n_levels;
    struct lk_report_pair *pairs;
    size_t n_pairs, n_pairs_listed; /* shown; rows of pairs.csv */
    struct lk_report_truth truth;

    bool compared; /* with a hold-out; the two below are filled only then */
    struct lk_preference preference;
    struct lk_competition competition;
    lk_verdict verdict;
    char sentence[1000];
};

/* load.c: MATCH directory, FACES directories, thresholds. */
lk_status lk_report_load(struct lk_report *r, lk_error *err);
void lk_report_free(struct lk_report *r);
/* Facts out of the meta.json files, NULL where none says it. `of` is "model" or "detector". */
const char *lk_report_fact(const struct lk_report *r, const char *of, const char *key);
/* Path as match was given it, resolved against the folder match was run in. New string. */
char *lk_report_resolve(const struct lk_report *r, const char *path, lk_error *err);

/* tables.c: the CSV files of the MATCH directory. */
lk_status lk_report_read_nearest(struct lk_report *r, lk_error *err);
lk_status lk_report_read_pairs(struct lk_report *r, lk_error *err);

/* measure.c: units, levels, discoveries, verdict. */
lk_status lk_report_measure(struct lk_report *r, lk_error *err);

/* truth.c: planted truth, after the measuring. */
lk_status lk_report_judge(struct lk_report *r, lk_error *err);

/* pictures.c: crops of the shown pairs. */
lk_status lk_report_pictures(struct lk_report *r, lk_error *err);

/* figures.c: the numbers behind the charts; they hold no name and no path. New reference, or NULL. */
json_t *lk_report_figures(const struct lk_report *r);

/* Whether all sets that tell it were made with the same model, detector and alignment: 1, 0, or -1 when fewer
 * than two tell. */
int lk_report_same_making(const struct lk_report *r);

/* sections.c: parts of the page. */
void lk_report_attack_section(const struct lk_report *r, FILE *f);
void lk_report_margin_section(const struct lk_report *r, FILE *f);
void lk_report_pairs_section(const struct lk_report *r, FILE *f);
void lk_report_left_out_section(const struct lk_report *r, FILE *f);
void lk_report_limits_section(const struct lk_report *r, FILE *f);
void lk_report_repeat_section(const struct lk_report *r, FILE *f);

/* page.c and json.c: the two outputs. */
lk_status lk_report_write_page(const struct lk_report *r, const char *path, lk_error *err);
lk_status lk_report_write_json(const struct lk_report *r, const char *path, lk_error *err);

#endif
