/* SPDX-License-Identifier: Apache-2.0 */
/* keys.c - the sections and keys of a study file, and how their values are read. */
#include <ctype.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "study/study.h"

enum { MOST_ITEMS = 1000 };

enum type {
    TEXT,  /* one value as it stands */
    LINES, /* one value a line, such as a path */
    NAMES, /* names, separated by blanks or commas */
    REALS, /* the same for numbers */
    FLAG,  /* yes or no */
    WHOLE, /* whole number from low to high */
    REAL,  /* number from low to high */
    CHOICE /* a word of `words` */
};

struct key {
    const char *section, *name;
    enum type type;
    size_t offset;
    double low, high;
    const char *words;
};

#define OF_STUDY(field) offsetof(struct lk_study, field)
#define OF_SET(field) offsetof(struct lk_study_set, field)
#define OF_MATCHER(field) offsetof(struct lk_study_matcher, field)
/* What every kind of set has. */
#define SET_KEYS(section)                                                                                    \
    {section, "images", LINES, OF_SET(images), 0, 0, NULL},                                                  \
        {section, "format", TEXT, OF_SET(format), 0, 0, NULL},                                               \
        {section, "identity", TEXT, OF_SET(identity), 0, 0, NULL},                                           \
        {section, "labels", TEXT, OF_SET(labels), 0, 0, NULL},                                               \
        {section, "preset", TEXT, OF_SET(preset), 0, 0, NULL},                                               \
        {section, "exclude", TEXT, OF_SET(exclude), 0, 0, NULL},                                             \
    {                                                                                                        \
        section, "duplicates", FLAG, OF_SET(duplicates), 0, 0, NULL                                          \
    }

static const struct key keys[] = {
    {"study", "name", TEXT, OF_STUDY(name), 0, 0, NULL},
    {"study", "output", TEXT, OF_STUDY(output), 0, 0, NULL},
    {"study", "seed", WHOLE, OF_STUDY(seed), 0, 9e15, NULL},
    {"matcher", "model", TEXT, OF_MATCHER(model), 0, 0, NULL},
    {"matcher", "detector", TEXT, OF_MATCHER(detector), 0, 0, NULL},
    {"matcher", "aligned", FLAG, OF_MATCHER(aligned), 0, 0, NULL},
    {"matcher", "choice", CHOICE, OF_MATCHER(choice), 0, 0, "largest central"},
    {"matcher", "age", TEXT, OF_MATCHER(age), 0, 0, NULL},
    {"matcher", "thresholds", TEXT, OF_MATCHER(thresholds), 0, 0, NULL},
    {"matcher", "calibration", TEXT, OF_MATCHER(calibration), 0, 0, NULL},
    SET_KEYS("train"),
    {"train", "holdout", NAMES, OF_SET(holdouts), 0, 0, NULL},
    {"train", "control", NAMES, OF_SET(controls), 0, 0, NULL},
    SET_KEYS("holdout"),
    SET_KEYS("control"),
    SET_KEYS("synthetic"),
    {"synthetic", "train", NAMES, OF_SET(train), 0, 0, NULL},
    {"synthetic", "truth", TEXT, OF_SET(truth), 0, 0, NULL},
    {"synthetic", "planted-from", NAMES, OF_SET(planted_from), 0, 0, NULL},
    SET_KEYS("calibration"),
    {"calibration", "pairs", TEXT, OF_SET(pairs), 0, 0, NULL},
    {"calibration", "bin", TEXT, OF_SET(bin), 0, 0, NULL},
    {"calibration", "from-identities", FLAG, OF_SET(from_identities), 0, 0, NULL},
    {"match", "pairs", WHOLE, OF_STUDY(k), 1, 1e8, NULL},
    {"match", "nearest", WHOLE, OF_STUDY(r), 1, 10000, NULL},
    {"match", "cpu", TEXT, OF_STUDY(cpu), 0, 0, NULL},
    {"match", "device", TEXT, OF_STUDY(device), 0, 0, NULL},
    {"measure", "fdr", REAL, OF_STUDY(fdr), 1e-6, 0.5, NULL},
    {"measure", "decoys", WHOLE, OF_STUDY(decoys), 1, 10000, NULL},
    {"measure", "same-person", REAL, OF_STUDY(same_person), -1, 2, NULL},
    {"measure", "pairs", WHOLE, OF_STUDY(pairs), 1, 1e8, NULL},
    {"measure", "strength", REALS, OF_STUDY(strengths), -1, 1, NULL},
    {"measure", "filter", LINES, OF_STUDY(filters), 0, 0, NULL},
    {"measure", "strata", LINES, OF_STUDY(strata), 0, 0, NULL},
    {"report", "no-faces", FLAG, OF_STUDY(no_faces), 0, 0, NULL},
    {"report", "pairs", WHOLE, OF_STUDY(shown_pairs), 0, 10000, NULL},
    {"limits", "discoveries", WHOLE, OF_STUDY(max_discoveries), 0, 9e15, NULL},
    {"limits", "share", REAL, OF_STUDY(max_share), 0, 100, NULL},
    {"limits", "copies", WHOLE, OF_STUDY(max_copies), 0, 9e15, NULL},
};
enum { N_KEYS = sizeof keys / sizeof keys[0] };

int lk_study_section_named(const char *section)
{
    bool known = false;
    for (size_t i = 0; i < N_KEYS; i++)
        known = known || strcmp(keys[i].section, section) == 0;
    if (!known)
        return -1;
    for (int role = 0; role < LK_STUDY_N_ROLES; role++)
        if (strcmp(section, lk_study_role_names[role]) == 0)
            return 1;
    return strcmp(section, "matcher") == 0;
}

/* "images, format, ..." for a message. */
static void name_keys(const char *section, char *out, size_t room)
{
    size_t len = 0;
    for (size_t i = 0; i < N_KEYS && len < room; i++)
        if (strcmp(keys[i].section, section) == 0)
            len += (size_t)snprintf(out + len, room - len, "%s%s", len > 0 ? ", " : "", keys[i].name);
}

static bool parse_real(const char *text, double *out)
{
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end != '\0' || !isfinite(value))
        return false;
    *out = value;
    return true;
}

static lk_status add_item(struct lk_study_list *list, struct lk_study *study, const char *text, size_t len,
                          unsigned line, lk_error *err)
{
    LK_NEED(list->n < MOST_ITEMS, err, LK_EINVAL, "more than %d values", MOST_ITEMS);
    LK_TRY(lk_grow(&list->items, &list->capacity, list->n + 1, sizeof *list->items, err));
    char *copy = lk_arena_text(&study->texts, text, len, err);
    if (copy == NULL)
        return LK_ENOMEM;
    list->items[list->n++] = (struct lk_study_text){copy, line};
    return LK_OK;
}

static lk_status read_list(const struct lk_study_place *p, const struct key *key, struct lk_study_list *list,
                           const char *value, lk_error *err)
{
    LK_NEED(p->more || list->line == 0, err, LK_EINVAL, "given twice, first in line %u", list->line);
    list->line = p->more ? list->line : p->line;
    if (key->type == LINES)
        return value[0] != '\0' ? add_item(list, p->study, value, strlen(value), p->line, err) : LK_OK;
    for (const char *at = value; *(at += strspn(at, " \t,")) != '\0';) {
        size_t len = strcspn(at, " \t,");
        size_t before = list->n;
        LK_NEED(key->type != REALS || before < LK_STUDY_STRENGTHS, err, LK_EINVAL, "more than %d numbers",
                LK_STUDY_STRENGTHS);
        LK_TRY(add_item(list, p->study, at, len, p->line, err));
        double number;
        const char *text = list->items[before].text;
        LK_NEED(key->type != REALS ||
                    (parse_real(text, &number) && number >= key->low && number <= key->high),
                err, LK_EINVAL, "found '%.40s', expected numbers from %g to %g", text, key->low, key->high);
        for (size_t i = 0; i < before; i++)
            LK_NEED(strcmp(list->items[i].text, text) != 0, err, LK_EINVAL, "'%.40s' is there twice", text);
        at += len;
    }
    return LK_OK;
}

static lk_status read_number(const struct lk_study_place *p, const struct key *key,
                             struct lk_study_number *to, const char *value, lk_error *err)
{
    double number = 0;
    LK_NEED(to->line == 0, err, LK_EINVAL, "given twice, first in line %u", to->line);
    if (key->type == FLAG) {
        bool yes = strcmp(value, "yes") == 0;
        LK_NEED(yes || strcmp(value, "no") == 0, err, LK_EINVAL, "found '%.40s', expected yes or no", value);
        number = yes;
    } else {
        bool good = parse_real(value, &number) && number >= key->low && number <= key->high;
        if (key->type == WHOLE)
            good = good && isdigit((unsigned char)value[0]) && number == floor(number) &&
                   strspn(value, "0123456789") == strlen(value);
        LK_NEED(good, err, LK_EINVAL, "found '%.40s', expected a %s from %.15g to %.15g", value,
                key->type == WHOLE ? "whole number" : "number", key->low, key->high);
    }
    *to = (struct lk_study_number){number, p->line};
    return LK_OK;
}

static lk_status read_text(const struct lk_study_place *p, const struct key *key, struct lk_study_text *to,
                           const char *value, lk_error *err)
{
    LK_NEED(to->text == NULL, err, LK_EINVAL, "given twice, first in line %u", to->line);
    LK_NEED(value[0] != '\0', err, LK_EINVAL, "found nothing behind it, expected a value");
    if (key->type == CHOICE) {
        const char *at = strstr(key->words, value);
        size_t len = strlen(value);
        bool good = at != NULL && (at == key->words || at[-1] == ' ') &&
                    (at[len] == ' ' || at[len] == '\0') && strchr(value, ' ') == NULL;
        LK_NEED(good, err, LK_EINVAL, "found '%.40s', expected one of: %s", value, key->words);
    }
    to->text = lk_arena_text(&p->study->texts, value, strlen(value), err);
    to->line = p->line;
    return to->text != NULL ? LK_OK : LK_ENOMEM;
}

static lk_status read_value(const struct lk_study_place *p, const struct key *key, const char *value,
                            lk_error *err)
{
    void *to = (char *)p->of + key->offset;
    if (key->type == LINES || key->type == NAMES || key->type == REALS)
        return read_list(p, key, to, value, err);
    LK_NEED(!p->more, err, LK_EINVAL, "takes one value, found another line");
    return key->type == TEXT || key->type == CHOICE ? read_text(p, key, to, value, err)
                                                    : read_number(p, key, to, value, err);
}

/* "faces.MATCHER": kept as two items, sorted out when all matchers are known. */
static lk_status read_faces(const struct lk_study_place *p, const char *matcher, const char *value,
                            lk_error *err)
{
    struct lk_study_list *list = &((struct lk_study_set *)p->of)->faces;
    LK_NEED(!p->more, err, LK_EINVAL, "takes one value, found another line");
    LK_NEED(value[0] != '\0' && matcher[0] != '\0', err, LK_EINVAL,
            "expected faces.MATCHER = FACES directory or file of embeddings");
    for (size_t i = 0; i < list->n; i += 2)
        LK_NEED(strcmp(list->items[i].text, matcher) != 0, err, LK_EINVAL, "given twice, first in line %u",
                list->items[i].line);
    LK_TRY(add_item(list, p->study, matcher, strlen(matcher), p->line, err));
    return add_item(list, p->study, value, strlen(value), p->line, err);
}

lk_status lk_study_key(const struct lk_study_place *p, const char *name, const char *value, lk_error *err)
{
    bool is_set = false;
    for (int role = 0; role < LK_STUDY_N_ROLES; role++)
        is_set = is_set || strcmp(p->section, lk_study_role_names[role]) == 0;
    lk_status status = LK_OK;
    const struct key *key = NULL;
    for (size_t i = 0; i < N_KEYS && key == NULL; i++)
        if (strcmp(keys[i].section, p->section) == 0 && strcmp(keys[i].name, name) == 0)
            key = &keys[i];
    if (key != NULL) {
        status = read_value(p, key, value, err);
    } else if (is_set && strncmp(name, "faces.", 6) == 0) {
        status = read_faces(p, name + 6, value, err);
    } else {
        char known[600] = "";
        name_keys(p->section, known, sizeof known);
        return lk_fail(err, LK_EINVAL, "unknown key '%.60s', expected one of: %s%s", name, known,
                       is_set ? ", faces.MATCHER" : "");
    }
    if (status != LK_OK)
        lk_error_prefix(err, "%.60s", name);
    return status;
}
