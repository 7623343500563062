/* SPDX-License-Identifier: Apache-2.0 */
/* report.h - everything one report says: read from a MEASURE directory and what lies behind it, then written as a
 * page and as JSON. Nothing is measured here. */
#ifndef LK_REPORT_REPORT_H
#define LK_REPORT_REPORT_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/ctx.h"
#include "formats/faces.h"
#include "formats/image.h"
#include "report/exposure.h"
#include "stats/decoys.h"

/* The first two sets; hold-outs and then controls follow. */
enum lk_report_role { LK_SYNTHETIC, LK_TRAINING, LK_FIRST_HOLDOUT };

/* One of the compared sets. The FACES directory behind it may be gone or a plain file of embeddings: then there are no
 * pictures. */
struct lk_report_set {
    const json_t *entry; /* of measures.json */
    char label[40];      /* "synthetic", "training set", "hold-out 2", "control 1" */
    const char *path;    /* as measure was given it */
    uint64_t rows;       /* that could be compared: without the excluded ones */
    uint64_t excluded;
    uint64_t identities; /* 0 = no labels */
    const char *sha256;  /* of embeddings.npy; NULL = not recorded */
    bool open;           /* faces can be used */
    struct lk_faces faces;
    char *closed_because; /* why not; NULL when open */
    uint64_t n_filtered, n_unvalued;             /* left out by filters; of these, for lack of a value */
    uint64_t n_no_face, n_unreadable, n_by_list; /* by_list: excluded when the set was embedded */
};

/* What one decision is about: a synthetic identity, or an image where there are no labels (identities.csv). */
struct lk_report_unit {
    char *identity; /* NULL = an image */
    char *person;   /* nearest of the training set; NULL = not named */
    uint64_t n_images;
    double train, holdout; /* best scores; NaN = no such gallery */
    double margin, q, p_control, q_control, e_value;
    bool discovered;
    uint64_t image, reference; /* rows of the pair behind `train` */
    char *image_path;          /* NULL = none */
    char *kind;                /* of that pair, in words; NULL = not looked at */
    int truth;                 /* 1 planted, 0 not, -1 not known */
};

/* A real person (persons.csv). */
struct lk_report_person {
    bool in_train;
    char *name; /* of those found; NULL = none */
    double score, q;
    uint64_t in_degree;
};

/* A line of curve.csv. */
enum {
    LK_AT,
    LK_TRAIN_SHARE,
    LK_TRAIN_LOW,
    LK_TRAIN_HIGH,
    LK_HOLDOUT_SHARE,
    LK_HOLDOUT_LOW,
    LK_HOLDOUT_HIGH,
    LK_EXCESS,
    LK_EXCESS_LOW,
    LK_EXCESS_HIGH,
    LK_CONTROL_SHARE,
    LK_N_CURVE
};
struct lk_report_curve {
    double at[LK_N_CURVE];
};

/* A threshold and what was seen at it. */
struct lk_report_level {
    double fmr, score;
    bool supported;   /* enough impostor pairs lay behind it */
    double tar;       /* NaN = not known */
    double share;     /* of synthetic images at or above, among the persons that took part */
    double expected;  /* chance matches per image: N x FMR */
    double chance;    /* probability of at least one */
    double all[LK_N_EXPOSURE]; /* share over the complete sets, and the chance there; NaN = not known */
    double all_chance;
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

/* One matcher of matchers.csv; entry i is that of common unit i. */
struct lk_report_matcher {
    const char *name;
    double *margin, *p;
    bool *discovered;
};

/* Genuine and impostor scores of a calibration set, as shares at or above a score. */
struct lk_report_calibration {
    bool given, is_curve; /* not a curve: a few thresholds only */
    size_t n;
    double *score, *genuine, *impostor; /* by rising score */
    char sha256[65];
};

/* Planted truth set against what was found. */
struct lk_report_truth {
    bool given;
    uint64_t n_planted, n_planted_found, n_false_found; /* units among those that took part */
    uint64_t n_planted_absent;                          /* planted identities that took no part */
    uint64_t n_unknown;                                 /* units that the truth does not name */
    uint64_t
        n_right_person; /* planted units whose closest training identity is the one they were made from */
    uint64_t n_person_known; /* planted units for which that can be told */
    char sha256[65];         /* of the file */
};

struct lk_estimate {
    double value, low, high; /* with its 95 % interval; NaN = not measured */
};

/* The smallest leak that would have been found. */
struct lk_report_power {
    bool measured, genuine; /* genuine: leaks as alike as two images of one person */
    double strength, power; /* cosine (of genuine ones the median); probability asked for */
    uint64_t planted, n;    /* units; planted 0 = not even when all leak */
};

struct lk_report {
    lk_ctx *ctx;
    const lk_report_options *options;
    json_t *measures; /* measures.json */
    struct lk_report_set *sets;
    size_t n_sets, n_holdouts, n_controls;
    json_t *review; /* review.json, or NULL */
    char review_sha256[65];

    bool exposed; /* a MATCH directory was given */
    struct lk_exposure exposure;
    struct lk_report_calibration calibration;

    struct lk_report_unit *units;
    size_t n_units;
    bool by_identity; /* units are identities */
    struct lk_report_person *persons;
    size_t n_persons;
    struct lk_report_curve *curve;
    size_t n_curve;
    struct lk_report_level *levels; /* by falling FMR */
    size_t n_levels;
    struct lk_report_pair *pairs;
    size_t n_pairs, n_pairs_listed; /* shown; rows of pairs.csv */
    char **pictures;                /* base64 of a JPEG, each crop once */
    size_t n_pictures;
    struct lk_report_matcher matchers[LK_MAX_MATCHERS];
    size_t n_matchers, n_common; /* 0 with one matcher */
    struct lk_report_truth truth;

    bool compared; /* with a hold-out; the next are filled only then */
    struct lk_competition competition;
    struct lk_estimate share, auc;
    double share_p; /* of the preference */
    struct lk_report_power power;
    uint64_t n_with_copies, n_judged; /* identities that hold a training picture; pairs that were looked at */
    lk_verdict verdict;
    const char *sentence; /* of measures.json */
    char plain[1000];     /* the same for people who know no statistics */
};

/* load.c: the MEASURE directory, and what lies behind it. */
lk_status lk_report_load(struct lk_report *r, lk_error *err);
void lk_report_free(struct lk_report *r);
/* A member of one measure, such as ("L7_persons", "roc"); NULL when it is not there. */
const json_t *lk_report_measure(const struct lk_report *r, const char *measure, const char *key);

/* sets.c: the compared sets, their FACES directories, and facts out of them, NULL where none says it. `of` is
 * "model" or "detector", or NULL. */
lk_status lk_report_load_sets(struct lk_report *r, lk_error *err);
void lk_report_close_sets(struct lk_report *r);
const char *lk_report_fact(const struct lk_report *r, const char *of, const char *key);
/* Whether all sets that tell it were made with the same model, detector and alignment: 1, 0, or -1 when fewer
 * than two tell. */
int lk_report_same_making(const struct lk_report *r);

/* tables.c and pairs.c: the CSV files of the MEASURE directory, and the closest pairs over the complete sets. */
lk_status lk_report_read_tables(struct lk_report *r, lk_error *err);
/* Rows of a set that the tables may name: all of its file. */
uint64_t lk_report_all_rows(const struct lk_report_set *set);
void lk_report_free_tables(struct lk_report *r);
lk_status lk_report_read_pairs(struct lk_report *r, lk_error *err);
void lk_report_free_pairs(struct lk_report *r);

/* calibration.c, review.c: files given beside the measures. */
lk_status lk_report_read_calibration(struct lk_report *r, lk_error *err);
lk_status lk_report_read_review(struct lk_report *r, lk_error *err);
/* The curves at a score, by straight lines between points that are known and close to each other; NaN elsewhere. */
double lk_report_calibrated(const struct lk_report_calibration *c, const double *share, double score);

/* truth.c: planted truth, after the tables. */
lk_status lk_report_judge(struct lk_report *r, lk_error *err);

/* words.c: the verdict for people who know no statistics; needs everything above. */
void lk_report_put_plainly(struct lk_report *r);

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

/* pair_facts.c: what the sets and the reviewers say of the shown pairs. */
lk_status lk_report_pair_facts(struct lk_report *r, lk_error *err);
void lk_report_pair_free(struct lk_report_pair *pair);

/* gallery.c: the pairs on the page. */
lk_status lk_report_gallery(const struct lk_report *r, FILE *f, lk_error *err);

/* contact_sheet.c: the pairs as one PNG. */
lk_status lk_report_contact_sheet(const struct lk_report *r, const char *path, lk_error *err);

/* ---- the page ---------------------------------------------------------------------------------------- */

/* figures.c and strata.c: the tables behind the charts, as CSV text; they hold no name and no path. */
typedef lk_status lk_figure_fn(const struct lk_report *r, FILE *f, lk_error *err);
lk_figure_fn lk_figure_nearest, lk_figure_curves, lk_figure_margins, lk_figure_roc, lk_figure_in_degree;
/* Margins by two matchers. */
lk_status lk_figure_matchers(const struct lk_report *r, size_t first, size_t second, FILE *f, lk_error *err);
/* What faces are told apart by: sharpness, yaw, age, and the groups of a labels file. Calls `each` for every one
 * that at least two strata of which are known. */
typedef lk_status lk_strata_fn(void *user, const char *name, const char *title, const char *csv, lk_error *err);
lk_status lk_report_strata(const struct lk_report *r, lk_strata_fn *each, void *user, lk_error *err);
/* What the charts need beside their tables. New reference, or NULL. */
json_t *lk_report_marks(const struct lk_report *r);

/* charts.c: a chart with its caption and its files. `label` is read in its place; `caption` is HTML. */
lk_status lk_report_chart(FILE *f, const char *kind, const char *name, const char *label, const char *caption,
                          const char *csv, lk_error *err);

/* first.c, attack.c, compare.c, review.c, sections.c, limits.c: parts of the page. */
void lk_report_first_screen(const struct lk_report *r, FILE *f);
void lk_report_truth_section(const struct lk_report *r, FILE *f);
lk_status lk_report_attack_section(const struct lk_report *r, FILE *f, lk_error *err);
lk_status lk_report_margin_section(const struct lk_report *r, FILE *f, lk_error *err);
lk_status lk_report_person_section(const struct lk_report *r, FILE *f, lk_error *err);
lk_status lk_report_strata_section(const struct lk_report *r, FILE *f, lk_error *err);
lk_status lk_report_matcher_section(const struct lk_report *r, FILE *f, lk_error *err);
void lk_report_review_section(const struct lk_report *r, FILE *f);
void lk_report_compared_section(const struct lk_report *r, FILE *f);
void lk_report_left_out_section(const struct lk_report *r, FILE *f);
void lk_report_limits_section(const struct lk_report *r, FILE *f);
void lk_report_repeat_section(const struct lk_report *r, FILE *f);

/* page.c and json.c: the two outputs. */
lk_status lk_report_write_page(const struct lk_report *r, const char *path, lk_error *err);
lk_status lk_report_write_json(const struct lk_report *r, const char *path, lk_error *err);

#endif
