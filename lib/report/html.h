/* SPDX-License-Identifier: Apache-2.0 */
/* html.h - text that comes from data, made safe for a page: escaping, eliding, numbers for people. */
#ifndef LK_REPORT_HTML_H
#define LK_REPORT_HTML_H

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"

/* Writes text for element content and quoted attributes. Bytes that are not UTF-8 and control characters
 * become U+FFFD. */
void lk_html_text(FILE *f, const char *text);
/* Writes a name or path isolated from the text around it, the middle elided past about `room` characters,
 * whole in its title. */
void lk_html_name(FILE *f, const char *text, size_t room);
/* Writes JSON for a <script type="application/json"> block: nothing in it can end the block. LK_ENOMEM on
 * failure. */
lk_status lk_html_json(FILE *f, const json_t *value, lk_error *err);
/* A copy in which every byte sequence that is not UTF-8 became U+FFFD; for JSON. NULL with err when memory is
 * out. */
char *lk_utf8_copy(const char *bytes, lk_error *err);

/* Numbers. They return `out`, so that they can stand in an argument list. */
struct lk_number {
    char text[48];
};
const char *lk_count(struct lk_number *out, uint64_t value);       /* 490623 -> "490 623" (narrow spaces) */
const char *lk_percent(struct lk_number *out, double share);       /* 0.0512 -> "5.1 %"; NaN -> a dash */
const char *lk_percent_asked(struct lk_number *out, double share); /* of a chosen value: 0.05 -> "5 %" */
const char *lk_rate(struct lk_number *out, double rate);           /* 1e-4 -> "1 in 10 000" */
const char *lk_decimal(struct lk_number *out, double value,
                       int places); /* NaN -> a dash; a true minus sign */
const char *lk_about(struct lk_number *out,
                     double value); /* 49.06 -> "49", 0.0213 -> "0.021"; for text, below 0.001 "< 0.001" */

#endif
