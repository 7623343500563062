/* SPDX-License-Identifier: Apache-2.0 */
/* filter.c - conditions on what images.csv says of an image. */
#include "formats/filter.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static const char *const number_names[LK_N_FACE_NUMBERS] = {"age", "sharpness", "detector_score",
                                                            "feature_norm", "yaw"};

const char *lk_face_field_name(enum lk_face_field field)
{
    return number_names[field];
}

bool lk_face_field_parse(const char *text, size_t len, enum lk_face_field *field, const char **group,
                         size_t *group_len)
{
    size_t prefix = strlen(lk_faces_csv_group);
    *group = NULL;
    *group_len = 0;
    if (len > prefix && strncmp(text, lk_faces_csv_group, prefix) == 0) {
        *field = LK_FIELD_GROUP;
        *group = text + prefix;
        *group_len = len - prefix;
        return true;
    }
    for (int i = 0; i < LK_N_FACE_NUMBERS; i++)
        if (strlen(number_names[i]) == len && strncmp(text, number_names[i], len) == 0) {
            *field = (enum lk_face_field)i;
            return true;
        }
    return false;
}

double lk_face_number(const struct lk_face_image *image, enum lk_face_field field)
{
    switch (field) {
    case LK_FIELD_AGE:
        return (double)image->age;
    case LK_FIELD_SHARPNESS:
        return (double)image->sharpness;
    case LK_FIELD_DETECTOR_SCORE: /* 0: nothing was detected, as in aligned inputs */
        return image->face.score > 0 ? (double)image->face.score : NAN;
    case LK_FIELD_FEATURE_NORM:
        return (double)image->norm;
    case LK_FIELD_YAW:
        return fabs((double)image->yaw);
    default:
        return NAN;
    }
}

/* ---- what a set knows ------------------------------------------------------------------------------- */

static lk_status no_numbers(const struct lk_faces *faces, enum lk_face_field field, lk_error *err)
{
    static const char *const help[LK_N_FACE_NUMBERS] = {
        "`likeness embed --age` estimates it",
        "`likeness embed` measures it; versions before 0.1 did not",
        "aligned inputs have none, since nothing was detected",
        "`likeness embed` notes it",
        "it needs landmarks, which aligned inputs do not have",
    };
    return lk_fail(err, LK_EINVAL, "%s: no image has a value of %s, so it cannot be judged by it; %s",
                   faces->path, number_names[field], help[field]);
}

lk_status lk_face_field_find(const struct lk_faces *faces, enum lk_face_field field, const char *group,
                             size_t *column, lk_error *err)
{
    *column = SIZE_MAX;
    LK_NEED(faces->images != NULL, err, LK_EINVAL,
            "%s: a file of embeddings without images.csv, which says %s of each image; expected a folder "
            "that `likeness embed` made",
            faces->path, field == LK_FIELD_GROUP ? "the group" : number_names[field]);
    if (field == LK_FIELD_GROUP) {
        for (size_t i = 0; i < faces->n_groups; i++)
            if (strcmp(faces->group_names[i], group) == 0)
                *column = i;
        LK_NEED(*column != SIZE_MAX, err, LK_EINVAL,
                "%s: images.csv has no column group:%s; `likeness embed --labels` takes groups from a table",
                faces->path, group);
        return LK_OK;
    }
    for (size_t i = 0; i < faces->n_images; i++)
        if (!isnan(lk_face_number(&faces->images[i], field)))
            return LK_OK;
    return no_numbers(faces, field, err);
}

/* ---- one condition ---------------------------------------------------------------------------------- */

static lk_status malformed(const char *text, const char *what, lk_error *err)
{
    return lk_fail(err, LK_EINVAL,
                   "filter '%.200s': %s; expected age, sharpness, detector_score, feature_norm or yaw, then "
                   ">=, >, <= or < and a number, or group:NAME=VALUE",
                   text, what);
}

static const char *skip_blanks(const char *text)
{
    return text + strspn(text, " ");
}

static lk_status parse_number(const char *text, const char *at, struct lk_filter *f, lk_error *err)
{
    char *end;
    at = skip_blanks(at);
    size_t digits = strspn(at, "0123456789+-.eE");
    f->number = strtod(at, &end);
    if (digits == 0 || end != at + digits || *skip_blanks(end) != '\0' || !isfinite(f->number))
        return malformed(text, "no number stands behind the operator", err);
    return LK_OK;
}

static lk_status parse(const char *text, struct lk_filter *f, lk_error *err)
{
    const char *start = skip_blanks(text), *at = start + strcspn(start, "<>=!"), *group;
    size_t len = (size_t)(at - start), group_len;
    while (len > 0 && start[len - 1] == ' ')
        len--;
    if (!lk_face_field_parse(start, len, &f->field, &group, &group_len))
        return malformed(text, "does not begin with a known word", err);
    f->test = *at;
    bool of_group = f->field == LK_FIELD_GROUP;
    if (f->test == '\0' || (f->test == '!' && at[1] != '=') || (of_group != (strchr("=!", f->test) != NULL)))
        return malformed(text, "the operator does not fit", err);
    f->or_equal = !of_group && at[1] == '=';
    at += f->or_equal || f->test == '!' ? 2 : 1;
    if (!of_group)
        return parse_number(text, at, f, err);
    if (*skip_blanks(at) == '\0')
        return malformed(text, "no value stands behind the operator", err);
    f->group = lk_calloc(group_len + 1, 1, err);
    f->value = lk_strdup(skip_blanks(at), err);
    if (f->group == NULL || f->value == NULL)
        return LK_ENOMEM;
    memcpy(f->group, group, group_len);
    return LK_OK;
}

lk_status lk_filter_parse(const char *text, struct lk_filter *out, lk_error *err)
{
    struct lk_filter f = {.text = lk_strdup(text, err)};
    lk_status status = f.text != NULL ? parse(text, &f, err) : LK_ENOMEM;
    if (status == LK_OK)
        *out = f;
    else
        lk_filter_free(&f);
    return status;
}

void lk_filter_free(struct lk_filter *filter)
{
    free(filter->text);
    free(filter->group);
    free(filter->value);
    *filter = (struct lk_filter){0};
}

enum lk_filter_answer lk_filter_ask(const struct lk_filter *filter, const struct lk_face_image *image,
                                    size_t column)
{
    if (filter->field == LK_FIELD_GROUP) {
        const char *value = column < image->n_groups ? image->groups[column] : NULL;
        if (value == NULL)
            return LK_FILTER_UNKNOWN;
        return (strcmp(value, filter->value) == 0) == (filter->test == '=') ? LK_FILTER_YES : LK_FILTER_NO;
    }
    double value = lk_face_number(image, filter->field);
    if (isnan(value))
        return LK_FILTER_UNKNOWN;
    if (filter->or_equal && value == filter->number)
        return LK_FILTER_YES;
    return (filter->test == '<' ? value < filter->number : value > filter->number) ? LK_FILTER_YES
                                                                                   : LK_FILTER_NO;
}

/* ---- several ----------------------------------------------------------------------------------------- */

lk_status lk_filters_read(const json_t *conditions, struct lk_filters *out, lk_error *err)
{
    *out = (struct lk_filters){.n = 0};
    for (size_t i = 0; i < json_array_size(conditions); i++) {
        const char *text = json_string_value(json_array_get(conditions, i));
        lk_status status = text != NULL && i < LK_MAX_FILTERS
                               ? lk_filter_parse(text, &out->items[i], err)
                               : lk_fail(err, LK_EFORMAT, "filters: expected at most %d texts", LK_MAX_FILTERS);
        if (status != LK_OK) {
            lk_filters_free(out);
            return status;
        }
        out->n++;
    }
    return LK_OK;
}

void lk_filters_free(struct lk_filters *filters)
{
    for (size_t i = 0; i < filters->n; i++)
        lk_filter_free(&filters->items[i]);
    filters->n = 0;
}

lk_status lk_filters_find(const struct lk_filters *filters, const struct lk_faces *faces,
                          size_t columns[LK_MAX_FILTERS], lk_error *err)
{
    for (size_t i = 0; i < filters->n; i++)
        LK_TRY(lk_face_field_find(faces, filters->items[i].field, filters->items[i].group, &columns[i], err));
    return LK_OK;
}

bool lk_filters_pass(const struct lk_filters *filters, const struct lk_face_image *image,
                     const size_t columns[LK_MAX_FILTERS])
{
    for (size_t i = 0; i < filters->n; i++)
        if (lk_filter_ask(&filters->items[i], image, columns[i]) != LK_FILTER_YES)
            return false;
    return true;
}
