/* SPDX-License-Identifier: Apache-2.0 */
/* html.h - what the pages of a study share. They hold no picture, no path of an image, and no name of a
 * person. */
#ifndef LK_STUDY_HTML_H
#define LK_STUDY_HTML_H

#include <stdio.h>

#include "report/html.h"
#include "study/compare.h"

/* The frame; up: what leads from the page to the study's folder ("" or "../"). */
void lk_study_page_head(FILE *f, const char *title);
void lk_study_page_tail(FILE *f);

/* "leak", "clear" or "open": the style of a verdict. */
const char *lk_study_tone(const char *verdict);
/* Value and interval as shares: "5.1 % (3.0 to 7.2)"; a dash where there is none. */
void lk_study_put_share(FILE *f, const json_t *estimate);
/* A cell with a number, its name for small screens. */
void lk_study_cell(FILE *f, const char *label, const char *text);
/* A count, or a dash where it is null. */
const char *lk_study_count_or_dash(struct lk_number *out, const json_t *from, const char *way);

/* The conditions by which images were chosen, in a sentence; nothing without any. */
void lk_study_put_filters(FILE *f, const json_t *root);

/* spread_chart: four distributions of each matcher of a run as bars (chart.c). */
void lk_study_put_spreads(FILE *f, const json_t *root, const json_t *run);
/* The table of matchers on a run, and whether they differ (matchers_section.c). */
void lk_study_put_matchers(FILE *f, const json_t *root, const json_t *run);
void lk_study_put_matchers_head(FILE *f);
/* Whether the matchers of a run differ, in a sentence. */
void lk_study_put_difference(FILE *f, const json_t *run);

#endif
