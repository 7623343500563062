/* SPDX-License-Identifier: Apache-2.0 */
/* study.h - a study as its file says it: sets, matchers, settings; and where everything of it lies. */
#ifndef LK_STUDY_STUDY_H
#define LK_STUDY_STUDY_H

#include <stdbool.h>

#include "base/ctx.h"
#include "base/names.h"

/* A value and the line it stands in; text NULL = not given. */
struct lk_study_text {
    const char *text;
    unsigned line;
};

struct lk_study_list {
    struct lk_study_text *items;
    size_t n, capacity;
    unsigned line; /* of its key; 0 = not given */
};

enum lk_study_role {
    LK_STUDY_TRAIN,
    LK_STUDY_HOLDOUT,
    LK_STUDY_CONTROL,
    LK_STUDY_SYNTHETIC,
    LK_STUDY_CALIBRATION,
    LK_STUDY_N_ROLES
};
extern const char *const lk_study_role_names[LK_STUDY_N_ROLES];

struct lk_study_number {
    double value;
    unsigned line; /* 0 = not given */
};

/* A set of images, or embeddings of it. */
struct lk_study_set {
    enum lk_study_role role;
    struct lk_study_text name;
    struct lk_study_list images; /* inputs of embed */
    struct lk_study_list faces;  /* matcher, FACES made elsewhere, matcher, ... */
    struct lk_study_text format, identity, labels, preset, exclude;
    struct lk_study_number duplicates;       /* 1 = found and left out */
    struct lk_study_list holdouts, controls; /* of a training set: names */
    struct lk_study_list train;              /* of a synthetic set: names; none = all */
    struct lk_study_text truth;              /* of a synthetic set */
    struct lk_study_list planted_from; /* names of the training sets that the truth is about; none = all */
    struct lk_study_text pairs, bin;   /* of a calibration */
    struct lk_study_number from_identities;
};

struct lk_study_matcher {
    struct lk_study_text name, model, detector, age, choice, thresholds, calibration;
    struct lk_study_number aligned;
};

enum { LK_STUDY_STRENGTHS = 16, LK_STUDY_SETS = 1000 };

struct lk_study {
    struct lk_arena texts;
    char *file, *folder; /* of the study file, absolute */
    struct lk_study_text name, output, cpu, device;
    struct lk_study_number seed;
    struct lk_study_matcher *matchers;
    size_t n_matchers, matchers_room;
    struct lk_study_set *sets; /* in the order of the file */
    size_t n_sets, sets_room;
    struct lk_study_number k, r;                            /* [match] */
    struct lk_study_number fdr, decoys, same_person, pairs; /* [measure] */
    struct lk_study_list strengths, filters, strata;
    struct lk_study_number no_faces, shown_pairs;                  /* [report] */
    struct lk_study_number max_discoveries, max_share, max_copies; /* [limits]; share in per cent */
};

/* file.c: what the bytes say, checked in itself: no file is looked at. Messages lack the file's name. */
lk_status lk_study_parse(const uint8_t *bytes, size_t len, struct lk_study *out, lk_error *err);
/* Reads the file, makes its paths absolute, and checks that what it names is there. */
lk_status lk_study_open(struct lk_study *out, const char *path, lk_error *err);
void lk_study_close(struct lk_study *study);

/* keys.c: one "key = value" of a section; more = the value is a further line of the key before. */
struct lk_study_place {
    struct lk_study *study;
    const char *section; /* "train" of [train casia] */
    void *of;            /* the set, the matcher, or the study itself */
    unsigned line;
    bool more;
};
lk_status lk_study_key(const struct lk_study_place *place, const char *key, const char *value, lk_error *err);
/* Whether sections of this kind have names; -1 = there are no such sections. */
int lk_study_section_named(const char *section);

/* check.c: that the parts fit together; that the files are there. */
lk_status lk_study_check(const struct lk_study *study, lk_error *err);
lk_status lk_study_check_files(const struct lk_study *study, lk_error *err);

/* Index of a set or matcher by its name; SIZE_MAX = none. */
size_t lk_study_find_set(const struct lk_study *study, const char *name);
size_t lk_study_find_matcher(const struct lk_study *study, const char *name);
/* FACES that the file gives for a set as a matcher sees it, or NULL. */
const char *lk_study_given_faces(const struct lk_study *study, size_t set, size_t matcher);
/* Whether a matcher embeds or is calibrated on a set. */
bool lk_study_wants(const struct lk_study *study, size_t set, size_t matcher);

/* ---- the matrix -------------------------------------------------------------------------------------- */

/* Whether a synthetic set is compared with a training set. */
bool lk_study_pairs_up(const struct lk_study *study, size_t train, size_t synthetic);
/* Whether a truth file says what leaked into a synthetic set from this training set. */
bool lk_study_planted_from(const struct lk_study *study, size_t train, size_t synthetic);
static inline double lk_study_value(struct lk_study_number number, double otherwise)
{
    return number.line > 0 ? number.value : otherwise;
}
double lk_study_fdr(const struct lk_study *study);
/* The set that a matcher is calibrated on, or SIZE_MAX. */
size_t lk_study_calibration_of(const struct lk_study *study, size_t matcher);

/* ---- where everything lies: new strings ---------------------------------------------------------------- */

char *lk_study_faces_dir(const struct lk_study *study, size_t matcher, size_t set, lk_error *err);
char *lk_study_list_file(const struct lk_study *study, size_t set, lk_error *err); /* duplicates */
char *lk_study_calibration_file(const struct lk_study *study, size_t matcher, const char *name,
                                lk_error *err);
char *lk_study_thresholds_file(const struct lk_study *study, size_t matcher, lk_error *err); /* "" = none */
char *lk_study_run_path(const struct lk_study *study, size_t train, size_t synthetic, const char *below,
                        lk_error *err);
char *lk_study_match_dir(const struct lk_study *study, size_t train, size_t synthetic, size_t matcher,
                         lk_error *err);

#endif
