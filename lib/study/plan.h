/* SPDX-License-Identifier: Apache-2.0 */
/* plan.h - a study as a list of steps, what is known of each, and how they are done. */
#ifndef LK_STUDY_PLAN_H
#define LK_STUDY_PLAN_H

#include <jansson.h>

#include "study/study.h"

enum lk_study_kind {
    LK_STUDY_DUPLICATES, /* of a set */
    LK_STUDY_EMBED,      /* a set by a matcher */
    LK_STUDY_CALIBRATE,  /* a matcher */
    LK_STUDY_MATCH,      /* a run by a matcher; a run is a synthetic set with a training set */
    LK_STUDY_MEASURE,    /* a run by all matchers */
    LK_STUDY_REPORT,     /* of a run */
    LK_STUDY_COMPARE     /* everything: study.html */
};

struct lk_study_step {
    enum lk_study_kind kind;
    size_t set, matcher, train, synthetic;
    char *name; /* "embed sface casia" */
};

struct lk_study_plan {
    struct lk_study_step *steps;
    size_t n, capacity;
};

/* plan.c: all steps in the order in which they are done. */
lk_status lk_study_plan_make(struct lk_study_plan *out, const struct lk_study *study, lk_error *err);
void lk_study_plan_free(struct lk_study_plan *plan);

/* log.c: OUTPUT/steps.json, written whenever a step starts or ends. */
enum lk_study_state { LK_STUDY_WAITING, LK_STUDY_RUNNING, LK_STUDY_DONE, LK_STUDY_FAILED, LK_STUDY_N_STATES };
extern const char *const lk_study_state_names[LK_STUDY_N_STATES];
struct lk_study_log {
    char *path;
    json_t *root;
};
/* Takes over what an earlier run finished. */
lk_status lk_study_log_open(struct lk_study_log *log, const struct lk_study *study,
                            const struct lk_study_plan *plan, lk_error *err);
void lk_study_log_close(struct lk_study_log *log);
/* What a finished step was made from; "" = it is not finished. */
const char *lk_study_log_key(const struct lk_study_log *log, size_t step);
/* key: of a finished step; message: of a failed one; both may be NULL. */
lk_status lk_study_log_set(struct lk_study_log *log, size_t step, enum lk_study_state state, const char *key,
                           const char *message, double seconds, lk_error *err);

/* One run of the whole. */
struct lk_study_job {
    lk_ctx *ctx;
    const struct lk_study *study;
    const lk_study_options *options;
    char (*hashes)[65]; /* of embeddings and images.csv, of each matcher and set; "" = not known yet */
    bool some_unreadable;
};

/* What a step did, in words, for one line. */
struct lk_study_note {
    char text[400];
};

/* steps.c: does one step. key: what an earlier run made it from ("" = it is not finished); on success what it
 * is made from now. Steps that tell by themselves whether they are finished have the key "-". */
lk_status lk_study_do(struct lk_study_job *job, const struct lk_study_step *step, char key[65],
                      struct lk_study_note *note, lk_error *err);
/* SHA-256 over a set's embeddings and the list of its images. */
lk_status lk_study_faces_hash(struct lk_study_job *job, size_t matcher, size_t set, const char **out,
                              lk_error *err);
/* measure_step.c, report_step.c: the two with the most settings. */
lk_status lk_study_measure(struct lk_study_job *job, const struct lk_study_step *step, char key[65],
                           struct lk_study_note *note, lk_error *err);
lk_status lk_study_report(struct lk_study_job *job, const struct lk_study_step *step, char key[65],
                          struct lk_study_note *note, lk_error *err);
/* Whether a step is finished as an earlier run left it: text describes all that goes into it; key becomes its
 * SHA-256. The outputs are paths, NULL behind the last. */
lk_status lk_study_finished(const struct lk_str *text, const char *const *outputs, char key[65],
                            bool *finished, lk_error *err);

/* Options of embed for a set; inputs has room for all of its images. */
void lk_study_embed_options(const struct lk_study_job *job, size_t matcher, size_t set, const char **inputs,
                            lk_embed_options *out);
/* The embedder that a step with these options uses. */
lk_status lk_study_embedder_open(lk_embedder **out, const struct lk_study_job *job, const lk_embed_options *options,
                                 lk_error *err);

/* compare.c: from the runs' results to study.json, study.csv and the pages. */
lk_status lk_study_compare(struct lk_study_job *job, lk_error *err);

#endif
