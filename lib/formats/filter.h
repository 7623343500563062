/* SPDX-License-Identifier: Apache-2.0 */
/* filter.h - what images.csv says of an image as a number or a group, and conditions on it by which images
 * take part in an audit or stay out. */
#ifndef LK_FORMATS_FILTER_H
#define LK_FORMATS_FILTER_H

#include "formats/faces.h"
#include "likeness.h"

/* ---- values ----------------------------------------------------------------------------------------- */

enum lk_face_field {
    LK_FIELD_AGE,
    LK_FIELD_SHARPNESS,
    LK_FIELD_DETECTOR_SCORE,
    LK_FIELD_FEATURE_NORM,
    LK_FIELD_YAW, /* its size: left and right are alike */
    LK_N_FACE_NUMBERS,
    LK_FIELD_GROUP = LK_N_FACE_NUMBERS /* of a labels file; has a name */
};

/* "age", "yaw", "group:NAME", the first len bytes of text. *group: the name within text, *group_len its
 * length; NULL and 0 for numbers. False for other words. */
bool lk_face_field_parse(const char *text, size_t len, enum lk_face_field *field, const char **group,
                         size_t *group_len);
const char *lk_face_field_name(enum lk_face_field field); /* of a number */
/* NaN = not known. */
double lk_face_number(const struct lk_face_image *image, enum lk_face_field field);

/* Whether a set knows the field at all: LK_EINVAL says how it comes to know it. *column: of a group. */
lk_status lk_face_field_find(const struct lk_faces *faces, enum lk_face_field field, const char *group,
                             size_t *column, lk_error *err);

/* ---- conditions ------------------------------------------------------------------------------------- */

struct lk_filter {
    char *text; /* as it was given */
    enum lk_face_field field;
    char *group, *value; /* of a group */
    char test;           /* '<', '>', '=' or '!' */
    bool or_equal;       /* with '<' and '>' */
    double number;
};

/* FIELD>=NUMBER with >=, >, <= or <, or group:NAME=VALUE with = or != (a value ends the text and may hold
 * anything). Blanks around the operator do not count. */
lk_status lk_filter_parse(const char *text, struct lk_filter *out, lk_error *err);
void lk_filter_free(struct lk_filter *filter);

enum lk_filter_answer { LK_FILTER_YES, LK_FILTER_NO, LK_FILTER_UNKNOWN };
/* column: of lk_face_field_find. */
enum lk_filter_answer lk_filter_ask(const struct lk_filter *filter, const struct lk_face_image *image,
                                    size_t column);

/* Several conditions, all of which must hold, and what one of them did to a set. */
struct lk_filters {
    struct lk_filter items[LK_MAX_FILTERS];
    size_t n;
};
/* Conditions as measures.json lists them ("conditions" of "filters"); NULL = none. */
lk_status lk_filters_read(const json_t *conditions, struct lk_filters *out, lk_error *err);
void lk_filters_free(struct lk_filters *filters);
/* Of each condition the column that lk_filter_ask needs: see lk_face_field_find. */
lk_status lk_filters_find(const struct lk_filters *filters, const struct lk_faces *faces,
                          size_t columns[LK_MAX_FILTERS], lk_error *err);
bool lk_filters_pass(const struct lk_filters *filters, const struct lk_face_image *image,
                     const size_t columns[LK_MAX_FILTERS]);

struct lk_filter_count {
    uint64_t no, unknown; /* images that no earlier condition left out, but this one does */
};

#endif
