/* SPDX-License-Identifier: Apache-2.0 */
/* audit.h - everything that one measurement knows: the sets, the matched galleries, who came close to whom,
 * and the measures. The functions stand in the order in which a measurement calls them. */
#ifndef LK_AUDIT_AUDIT_H
#define LK_AUDIT_AUDIT_H

#include "base/names.h"
#include "search/match.h"
#include "stats/chance.h"
#include "stats/decoys.h"
#include "stats/doubles.h"
#include "stats/evalue.h"
#include "stats/power.h"
#include "stats/several.h"
#include "stats/pull.h"
#include "stats/reach.h"
#include "stats/thresholds.h"
#include "stats/verdict.h"
#include "vision/kind.h"

/* ---- a set: vectors and whose they are --------------------------------------------------------------- */

/* Persons (synthetic identities in a synthetic set) are numbered 0 .. n_persons - 1. Keys are random numbers
 * that depend on the seed and on names alone (on numbers where there are no names), so that what is drawn
 * does not depend on the order of rows. */
struct lk_audit_set {
    const char *role, *path; /* path NULL = made in memory */
    const float *data;       /* rows of unit length */
    uint64_t rows, dim;
    bool labelled;
    uint32_t n_persons;
    uint32_t *person;          /* of each row */
    uint32_t *start, *rows_of; /* rows of person p: rows_of[start[p] .. start[p + 1]], by key */
    uint64_t *person_key, *row_key;
    uint32_t *by_key;         /* persons in the order of their keys */
    struct lk_match_set file; /* where it came from; no rows when made in memory */
};

/* From a FACES directory or .npy: the rows that pass all filters. */
lk_status lk_audit_set_open(struct lk_audit_set *set, lk_ctx *ctx, const char *role, const char *path,
                            const struct lk_filters *filters, uint64_t seed, lk_error *err);
/* From memory (borrowed): person of each row, numbered without gaps; NULL = every row is its own. */
lk_status lk_audit_set_make(struct lk_audit_set *set, const char *role, const float *data, uint64_t rows,
                            uint64_t dim, const uint32_t *person, uint32_t n_persons, uint64_t seed,
                            lk_error *err);
void lk_audit_set_close(struct lk_audit_set *set);
/* What is in the input of a set and takes no part, by reason. */
struct lk_audit_left_out {
    uint64_t no_face, unreadable, excluded; /* images.csv lists them, without embeddings */
    uint64_t unusable;                      /* embeddings that are zero or not finite */
    uint64_t filtered, unknown;             /* by filters; of these, images without a value */
};
void lk_audit_count_left_out(const struct lk_audit_set *set, const struct lk_filters *filters,
                             struct lk_audit_left_out *out);
/* Name of a person, and row and path of a row in its file; NULL where there is none. */
const char *lk_audit_person_name(const struct lk_audit_set *set, uint32_t person);
const char *lk_audit_row_path(const struct lk_audit_set *set, uint32_t row);
uint32_t lk_audit_file_row(const struct lk_audit_set *set, uint32_t row);
/* What a synthetic identity is known by in the sets of all matchers: its name, else its path, else its row,
 * for which there is room. */
enum { LK_AUDIT_KEY = 32 };
const char *lk_audit_identity_key(const struct lk_audit_set *set, uint32_t identity, char room[LK_AUDIT_KEY]);

/* ---- real persons, in galleries ---------------------------------------------------------------------- */

/* Numbered over all galleries: after lk_audit_equalise those of gallery g are g * n_each .. */
struct lk_audit_person {
    uint32_t gallery; /* 0 = T, 1 .. K = hold-outs */
    const struct lk_audit_set *set;
    uint32_t person;    /* in the set */
    uint32_t n_rows;    /* of its rows that take part: the first so many by key */
    float best;         /* L7: score of the synthetic image closest to it */
    uint32_t best_row;  /* that image's row in the synthetic set */
    uint32_t in_degree; /* units whose nearest person of its gallery it is */
    double p, q;        /* of persons in T */
};

struct lk_audit_gallery {
    float *data;      /* rows of its persons, one after the other */
    uint32_t *person; /* number of the person over all galleries, of each row */
    uint32_t *local;  /* the same, from 0 in each gallery */
    uint32_t *row;    /* in the set */
    uint64_t rows;
    uint64_t persons_given; /* before matching; 0 in the parts of a hold-out that was cut */
};

enum lk_audit_place { LK_IN_TRAIN, LK_IN_HOLDOUT, LK_ACROSS, LK_IN_SYNTHETIC, LK_N_PLACES };

/* Two names, one person. */
struct lk_audit_double {
    enum lk_audit_place place;
    const struct lk_audit_set *set[2];
    uint32_t person[2]; /* in their sets */
    bool dropped[2];
    float score;
};

struct lk_audit_doubles {
    bool looked, looked_synthetic;
    struct lk_doubles_fit fit;
    double score;                  /* from here on two real names are one person */
    double synthetic_score;        /* the same for two synthetic identities */
    struct lk_audit_double *pairs; /* highest score first, synthetic ones last */
    size_t n, capacity;
    uint64_t found[LK_N_PLACES];
    uint64_t dropped_train, dropped_holdout, dropped_synthetic; /* persons, synthetic identities */
};

/* ---- units, and what was found ----------------------------------------------------------------------- */

struct lk_audit_unit {
    uint32_t identity; /* in the synthetic set */
    uint32_t n_images;
    uint32_t nearest;          /* person of T; LK_NO_PERSON = none */
    uint32_t image, reference; /* rows in S and T of the closest pair */
    uint32_t probe;            /* that image among the probes */
    /* The same for the hold-outs; gallery 0 = there is none. The reference is a row of the gallery's set. */
    uint32_t held_gallery, held_image, held_reference;
    float t, h;                /* best score in T and in any hold-out; h is NaN without one */
    double margin, q;          /* NaN without a hold-out */
    bool found;
    uint32_t in_degree;          /* units that have the same nearest person of T */
    double p_control, q_control; /* against all controls together; NaN without any */
    double e;                    /* of the closest pair; NaN without a hold-out */
    int8_t kind;                 /* of a discovery's closest pair */
};

/* L8: an lk_kind, or this. */
enum { LK_AUDIT_NOT_READ = -1 };

struct lk_audit_kinds {
    uint64_t not_read, pairs[LK_KIND_UNKNOWN + 1]; /* of the closest pairs, by kind */
    /* Over these and the pairs behind discoveries: synthetic identities that hold a picture of T, pictures of
     * T that are held, discoveries that no picture proves. */
    uint64_t identities, references, inferred;
};

/* L2: scores above the threshold of the tail; bench/RESULTS.md says how good 9 and 20 are. */
enum { LK_AUDIT_TAIL = 10 };

/* L10: one strength. */
#define LK_AUDIT_POWER 0.8
struct lk_audit_power {
    bool genuine;    /* drawn from the pairs of images of one person of T */
    double strength; /* of genuine ones the median */
    struct lk_power_point point;
};

/* The published attack at one threshold. */
struct lk_audit_level {
    double fmr, score;
    double expected, chance; /* chance matches per image, and probability of at least one */
    double share;            /* of synthetic images at or above */
};

struct lk_audit_control {
    const struct lk_audit_set *set;
    struct lk_tops tops;
    double images_each;  /* per identity */
    bool comparable;     /* as many images per identity as the synthetic set, within a fifth */
    struct lk_pull pull; /* with a hold-out */
    struct lk_corrected corrected;
    uint64_t found;    /* discoveries with this control alone */
    double smallest_p; /* that it can give: 1 / (n + 1) */
};

/* What synthetic identities are grouped by: of several images the median, or the group that all are in. */
struct lk_audit_variable {
    enum lk_face_field field;
    char group[LK_MAX_GROUP_NAME]; /* its name */
};

/* Synthetic identities that are alike in a variable. */
struct lk_audit_stratum {
    size_t variable;
    char name[64];
    double low, high; /* low <= value < high; NaN = open, or no number */
    uint64_t units, images, wins, losses;
    uint64_t found, decoys; /* of the whole run's discoveries, and of the decoys that count against them */
    uint64_t pairs, closest; /* of the listed pairs, and of the first LK_AUDIT_CLOSEST */
    bool measured;           /* has enough units for pull */
    struct lk_pull pull;     /* its interval holds together with those of all other strata */
    double p;                /* p_more times their number, at most 1 */
};
enum { LK_AUDIT_STRATUM_MIN = 30, LK_AUDIT_CLOSEST = 20 };

struct lk_audit_input {
    const struct lk_audit_set *synthetic, *train;
    const struct lk_audit_set *const *holdouts;
    size_t n_holdouts;
    const struct lk_audit_set *const *controls;
    size_t n_controls;
    struct lk_threshold_list thresholds;
    double q, same_person;               /* same_person: NaN = from the data, above 1 = do not look */
    const double *strengths;             /* L10, beside genuine pairs */
    size_t n_strengths;
    uint64_t seed, decoys, depth, pairs; /* decoys: parts of the hold-out; 0 = as many as fit */
    bool force;
    struct lk_filters filters;
    const struct lk_audit_variable *variables; /* by which to break down */
    size_t n_variables;
    const char *device;  /* that compares; NULL = the processor */
    const bool *removed; /* synthetic identities that are not there any more; NULL = all are */
};

struct lk_audit {
    lk_ctx *ctx;
    const struct lk_audit_input *in;
    size_t n_galleries; /* 1 + K */
    struct lk_audit_gallery *galleries;
    struct lk_audit_person *persons;
    size_t n_persons;
    uint64_t n_each;         /* persons of every gallery */
    uint64_t images_dropped; /* of the persons that take part, to give all galleries as many */
    struct lk_audit_doubles doubles;
    bool mixing_measured;
    struct lk_mixing mixing;

    struct lk_search_set probes; /* the synthetic rows that take part */
    float *probes_owned;
    uint32_t *probe_row, *probe_unit; /* row in the set, and unit, of each */
    struct lk_audit_unit *units;
    size_t n_units;
    struct lk_tops tops;
    struct lk_pair *pairs; /* L0: the closest; rows in S and T */
    size_t n_pairs;
    uint32_t *pair_probe; /* of each pair its image among the probes */
    float *image_best;    /* best score in T of each probe */
    struct lk_tops image_held; /* of each probe its closest persons over all hold-outs */
    struct lk_audit_control *controls;

    float *scores; /* n_units x n_galleries */
    struct lk_audit_level levels[8];
    struct lk_curve_point *curve;
    float *curve_controls; /* share of all controls' units at the same scores */
    size_t n_curve;
    struct lk_pull pull;
    struct lk_competition competition;
    struct lk_competition persons_once; /* one unit for each nearest person */
    uint64_t hub_discoveries;           /* most discoveries with one nearest person */
    struct lk_competition by_score;     /* what ranking by the score would give: never used, shown */
    uint64_t control_units, control_found, control_least, control_most; /* L4b: all together; over controls */
    struct lk_reach reach;
    struct lk_reach_point roc[64];
    size_t n_roc;
    size_t tail_scores; /* L2: 0 = no E-values */
    uint64_t tail_strangers;
    float *tail_top; /* tail_scores + 1 of each probe */
    struct lk_tail_levels tail;
    struct lk_evalue *pair_e;                             /* of each pair; NULL without a hold-out */
    uint64_t pairs_flagged;                               /* listed pairs with E <= 0.01 */
    uint64_t images_flagged, images_flagged_audit;        /* by their closest pair; E x m <= 0.05 */
    int8_t *pair_kind;                                    /* L8, of each pair */
    uint8_t *copied;                                      /* each synthetic identity: holds a picture of T */
    struct lk_audit_kinds kinds;
    struct lk_audit_power *powers; /* L10: genuine first, then as asked for */
    size_t n_powers, n_genuine;
    struct lk_audit_stratum *strata; /* by variable, then rising */
    size_t n_strata, n_measured;
    char unbalanced[300]; /* in words; "" = not refuted */
    lk_verdict verdict;
    char sentence[1000];
};

/* Whether a synthetic identity was taken out of the set before. */
static inline bool lk_audit_removed(const struct lk_audit *a, uint32_t identity)
{
    return a->in->removed != NULL && a->in->removed[identity];
}

static inline bool lk_audit_has_holdout(const struct lk_audit *a)
{
    return a->n_galleries > 1;
}

/* All of it. The input must outlive the result. */
lk_status lk_audit_run(struct lk_audit *out, lk_ctx *ctx, const struct lk_audit_input *in, lk_error *err);
void lk_audit_free(struct lk_audit *a);

/* matching.c: galleries of equal size, before and after doubles are dropped. */
lk_status lk_audit_choose(struct lk_audit *a, lk_error *err);
lk_status lk_audit_equalise(struct lk_audit *a, const bool *dropped, lk_error *err);

/* same_person.c: doubles among the chosen persons (dropped: n_persons entries) and whether the others are
 * mixed as chance would mix them; then the units, without those that repeat another. */
lk_status lk_audit_find_doubles(struct lk_audit *a, bool *dropped, lk_error *err);
lk_status lk_audit_make_units(struct lk_audit *a, lk_error *err);

/* closest.c: the exact search, joined over images. */
lk_status lk_audit_closest(struct lk_audit *a, lk_error *err);
/* One exact pass in memory without a histogram; the caller frees the result. */
lk_status lk_audit_search(const struct lk_audit *a, const struct lk_search_set *probes,
                          const struct lk_search_set *references, uint64_t k, uint64_t depth,
                          struct lk_search_result *out, lk_error *err);

/* judge.c: from closest persons to the measures. */
lk_status lk_audit_judge(struct lk_audit *a, lk_error *err);
/* evalues.c, kinds.c, power.c: L2, L8, L10; they need discoveries. */
lk_status lk_audit_evalues(struct lk_audit *a, lk_error *err);
lk_status lk_audit_kinds(struct lk_audit *a, lk_error *err);
lk_status lk_audit_measure_power(struct lk_audit *a, lk_error *err);
/* strata.c: the units and what was found of them, by variables. */
lk_status lk_audit_variable_parse(const char *text, struct lk_audit_variable *out, lk_error *err);
enum { LK_AUDIT_VARIABLE_TEXT = LK_MAX_GROUP_NAME + sizeof lk_faces_csv_group };
const char *lk_audit_variable_text(const struct lk_audit_variable *variable,
                                   char text[LK_AUDIT_VARIABLE_TEXT]);
lk_status lk_audit_break_down(struct lk_audit *a, lk_error *err);
/* verdict.c */
void lk_audit_give_verdict(struct lk_audit *a);

/* ---- from the options of a measurement ------------------------------------------------------------- */

/* One matcher's sets and settings. */
struct lk_audit_job {
    lk_measure_matcher of;              /* whose measurement this is */
    struct lk_audit_set *sets;          /* synthetic, train, hold-outs, controls */
    const struct lk_audit_set **others; /* hold-outs, controls */
    size_t n_sets;
    struct lk_audit_variable variables[LK_MAX_STRATA];
    struct lk_audit_input input; /* points to the sets and variables */
};

/* job.c. Matcher 0 is the options' own. */
lk_status lk_audit_check_matchers(const lk_measure_options *options, lk_error *err);
lk_measure_matcher lk_audit_matcher(const lk_measure_options *options, size_t index);
lk_status lk_audit_job_open(struct lk_audit_job *job, lk_ctx *ctx, const lk_measure_options *options,
                            size_t index, lk_error *err);
void lk_audit_job_close(struct lk_audit_job *job);
/* Says which images and persons do not take part, and which controls are not comparable. */
void lk_audit_tell(lk_ctx *ctx, const struct lk_audit *a);

/* ---- several matchers -------------------------------------------------------------------------------- */

/* What is kept of one matcher's measurement; one entry for each of its units. */
struct lk_audit_view {
    const char *name, *folder; /* folder NULL = the output folder itself */
    lk_verdict verdict;
    size_t n, n_found;
    uint64_t holdouts;
    struct lk_pull pull;
    bool tested;       /* has p-values */
    double smallest_p; /* that there can be */
    struct lk_names keys;
    uint8_t *found;
    double *margin, *q, *p;
};

struct lk_audit_matchers {
    size_t n;
    struct lk_audit_view views[LK_MAX_MATCHERS];
    double fdr;
    size_t n_common; /* units that all matchers have */
    uint32_t *unit;  /* of each of them its place in each view */
    struct lk_agreement agreement[LK_MAX_MATCHERS][LK_MAX_MATCHERS];
    bool tested;
    double *joint_p, *joint_q;       /* [r - 1][common unit]: found by at least r */
    uint64_t joint[LK_MAX_MATCHERS]; /* discoveries at rate fdr */
    uint64_t joint_least[LK_MAX_MATCHERS]; /* fewest that there can be */
};

/* matchers.c. Names and folders are borrowed. A view is the caller's to free with the rest, also after a
 * failure. */
lk_status lk_audit_view_make(struct lk_audit_view *view, const char *name, const char *folder,
                             const struct lk_audit *a, lk_error *err);
lk_status lk_audit_matchers_compare(struct lk_audit_matchers *m, lk_error *err);
lk_status lk_audit_matchers_write(const struct lk_audit_matchers *m, const char *folder, lk_error *err);
void lk_audit_matchers_free(struct lk_audit_matchers *m);

/* tables.c and json.c: the output folder. matchers: NULL = there is one only. */
lk_status lk_audit_write_tables(const struct lk_audit *a, const char *folder, lk_error *err);
/* made: members to add, from lk_audit_made. */
lk_status lk_audit_write_json(const struct lk_audit *a, const struct lk_audit_matchers *matchers,
                              const json_t *made, const char *folder, const char *command, lk_error *err);

/* ---- a finished measurement, known again ------------------------------------------------------------- */

/* What is asked for, of one matcher. */
struct lk_audit_request {
    const lk_measure_options *options;
    const lk_measure_matcher *of;
    bool of_first;                   /* the matcher whose files name the others */
    const struct lk_audit_set *sets; /* synthetic, train, hold-outs, controls; open */
    const char *folder;
};

enum lk_audit_state {
    LK_AUDIT_NONE, /* nothing finished is there */
    LK_AUDIT_SAME,
    LK_AUDIT_MOVED, /* the same, but from another place, or a table is missing or changed: made again */
    LK_AUDIT_OTHER, /* other inputs or settings: `what` says which */
};

/* again.c. What measures.json says of the making: settings, working directory, hashes of the tables, which must be
 * there. */
lk_status lk_audit_made(const struct lk_audit_request *request, json_t **out, lk_error *err);
/* Compares a finished measures.json with what is asked for; it is never LK_AUDIT_NONE. */
lk_status lk_audit_again(const struct lk_audit_request *request, const json_t *measures,
                         enum lk_audit_state *state, struct lk_str *what, lk_error *err);
/* What a finished one found. */
lk_status lk_audit_summary(const json_t *measures, const char *where, lk_measure_summary *out, lk_error *err);

#endif
