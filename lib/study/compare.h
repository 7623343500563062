/* SPDX-License-Identifier: Apache-2.0 */
/* compare.h - what all runs of a study found, side by side. study.json holds every number; the table and the
 * pages are written from it, so they cannot say anything else. */
#ifndef LK_STUDY_COMPARE_H
#define LK_STUDY_COMPARE_H

#include <math.h>

#include "base/fs.h"
#include "study/plan.h"

/* gather.c: study.json's content. New reference. */
lk_status lk_study_gather(struct lk_study_job *job, json_t **out, lk_error *err);

/* spread.c: scores of real pairs as a matcher sees a training set: {genuine, impostor, d_prime}. */
lk_status lk_study_real_pairs(struct lk_study_job *job, size_t matcher, size_t train, json_t **out,
                              lk_error *err);
/* nearest.c: best scores of a run by a matcher, out of its identities.csv: {train, holdout, d_prime, ks,
 * holdouts}; and how many of the planted identities are discoveries, null without a truth file. from_here =
 * false: what the file calls planted comes from another training set, so here nothing is. */
lk_status lk_study_nearest(const char *measure_dir, const char *truth, bool from_here, json_t **spread,
                           json_t **known, lk_error *err);
/* The same of several matchers: Cochran's Q of their discoveries, out of matchers.csv; null with one matcher.
 */
lk_status lk_study_differ(const struct lk_study *study, const char *measure_dir, json_t **out, lk_error *err);
/* A distribution in few numbers; sorts the scores. */
struct lk_described;
json_t *lk_study_described(float *scores, size_t n, struct lk_described *out);
/* A number, or null where it is not finite. */
json_t *lk_study_real(double value);

/* at.c: a value of study.json by its way: "matchers/0/pi/value". */
const json_t *lk_study_at(const json_t *from, const char *way);
double lk_study_number_at(const json_t *from, const char *way);    /* NaN where there is none */
uint64_t lk_study_count_at(const json_t *from, const char *way);   /* 0 where there is none */
const char *lk_study_text_at(const json_t *from, const char *way); /* "" where there is none */

/* table.c, page.c, set_page.c: the outputs. */
lk_status lk_study_write_table(const json_t *root, const char *path, lk_error *err);
lk_status lk_study_write_page(const json_t *root, const char *path, lk_error *err);
lk_status lk_study_write_set_page(const json_t *root, const char *set, const char *path, lk_error *err);

/* limits.c: which limits of the study file a run exceeds, in words; a new array of texts. */
lk_status lk_study_over_limits(const struct lk_study *study, const json_t *run, json_t **out, lk_error *err);
/* summary.c: what study.json says, for people. */
lk_status lk_study_summarise(const struct lk_study *study, lk_study_summary *out, lk_error *err);

#endif
