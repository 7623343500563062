/* SPDX-License-Identifier: Apache-2.0 */
/* report.h - everything one report says: read from a MATCH directory, measured, then written as a page and as
 * JSON. */
#ifndef LK_REPORT_REPORT_H
#define LK_REPORT_REPORT_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/ctx.h"
#include "formats/faces.h"
#include "formats/image.h"
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

/* The face of one side of a pair, as images.csv has it; NaN = not known. */
struct lk_report_strata {
    double age, yaw, sharpness, detector_score;
};

struct lk_report_pair {
    uint64_t rank, probe, reference;
    double score;
    char *path[2], *identity[2]; /* probe, reference; NULL = none */
    size_t picture[2];           /* in lk_report.pictures; SIZE_MAX = none could be made */
    bool discovered;
    double margin, q;      /* of the synthetic identity; NaN = not known */
    double e_value;        /* of the pair; NaN = not known */
    char *kind, *reviewed; /* in words: same picture or not, what reviewers saw; NULL = not known */
    struct lk_report_strata strata[2];
};
/* A pair of which nothing is known yet. */
#define LK_REPORT_STRATA_INIT                                                                                \
    {                                                                                                        \
        .age = NAN, .yaw = NAN, .sharpness = NAN, .detector_score = NAN                                      \
    }
#define LK_REPORT_PAIR_INIT                                                                                  \
    {                                                                                                        \
        .picture = {SIZE_MAX, SIZE_MAX}, .margin = NAN, .q = NAN, .e_value = NAN, .strata = {                \
            LK_REPORT_STRATA_INIT,                                                                           \
            LK_REPORT_STRATA_INIT                                                                            \
        }                                                                                                    \
    }

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
    char **pictures;                /* base64 of a JPEG, each crop once */
    size_t n_pictures;
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
struct lk_report_crop {
    size_t pair;
    int side; /* 0 probe, 1 reference */
};
/* Crops these, size x size pixels, and hands each to `take`, from several threads at once. What cannot be
 * found or read is not handed over. */
typedef lk_status lk_report_take(void *arg, const struct lk_report_crop *of, const struct lk_image *crop,
                                 lk_error *err);
lk_status lk_report_crops(const struct lk_report *r, const struct lk_report_crop *wanted, size_t n, int size,
                          lk_report_take *take, void *arg, lk_error *err);

/* pair_facts.c: what the sets say of the shown pairs, as far as it is not known yet. */
void lk_report_pair_facts(struct lk_report *r);
void lk_report_pair_free(struct lk_report_pair *pair);

/* gallery.c: the pairs on the page. */
lk_status lk_report_gallery(const struct lk_report *r, FILE *f, lk_error *err);

/* contact_sheet.c: the pairs as one PNG. */
lk_status lk_report_contact_sheet(const struct lk_report *r, const char *path, lk_error *err);

/* figures.c: the numbers behind the charts; they hold no name and no path. New reference, or NULL. */
json_t *lk_report_figures(const struct lk_report *r);

/* Whether all sets that tell it were made with the same model, detector and alignment: 1, 0, or -1 when fewer
 * than two tell. */
int lk_report_same_making(const struct lk_report *r);

/* sections.c: parts of the page. */
void lk_report_attack_section(const struct lk_report *r, FILE *f);
void lk_report_margin_section(const struct lk_report *r, FILE *f);
void lk_report_left_out_section(const struct lk_report *r, FILE *f);
void lk_report_limits_section(const struct lk_report *r, FILE *f);
void lk_report_repeat_section(const struct lk_report *r, FILE *f);

/* page.c and json.c: the two outputs. */
lk_status lk_report_write_page(const struct lk_report *r, const char *path, lk_error *err);
lk_status lk_report_write_json(const struct lk_report *r, const char *path, lk_error *err);

#endif
