/* SPDX-License-Identifier: Apache-2.0 */
/* best_matches_columns.c - recognises the columns of a list of matches by the words in their names. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "formats/best_matches.h"

enum { MAX_WORD = 32, MAX_NAME = 128 };

enum kind {
    SIDE_PROBE = 1 << 0,
    SIDE_REFERENCE = 1 << 1,
    PATH = 1 << 2,
    NAME = 1 << 3,
    ID = 1 << 4,
    INDEX = 1 << 5,
    IDENTITY = 1 << 6,
    SCORE = 1 << 7,
    DISTANCE = 1 << 8,
    GALLERY = 1 << 9,
    RANK = 1 << 10,
};

/* clang-format off */
static const struct {
    const char *word;
    unsigned kinds;
} words[] = {
    {"probe", SIDE_PROBE},         {"query", SIDE_PROBE},         {"sample", SIDE_PROBE},
    {"synthetic", SIDE_PROBE},     {"synth", SIDE_PROBE},         {"syn", SIDE_PROBE},
    {"generated", SIDE_PROBE},     {"gen", SIDE_PROBE},           {"fake", SIDE_PROBE},
    {"reference", SIDE_REFERENCE}, {"ref", SIDE_REFERENCE},       {"real", SIDE_REFERENCE},
    {"best", SIDE_REFERENCE},      {"match", SIDE_REFERENCE},     {"matched", SIDE_REFERENCE},
    {"train", SIDE_REFERENCE},     {"training", SIDE_REFERENCE},  {"target", SIDE_REFERENCE},
    {"nearest", SIDE_REFERENCE},   {"neighbor", SIDE_REFERENCE},  {"neighbour", SIDE_REFERENCE},
    {"closest", SIDE_REFERENCE},   {"nn", SIDE_REFERENCE},        {"gallery", SIDE_REFERENCE | GALLERY},
    {"path", PATH},                {"file", PATH},                {"filename", PATH},
    {"filepath", PATH},            {"name", NAME},                {"image", NAME},
    {"img", NAME},                 {"id", ID},                    {"index", INDEX},
    {"idx", INDEX},                {"row", INDEX},                {"identity", IDENTITY},
    {"label", IDENTITY},           {"person", IDENTITY},          {"subject", IDENTITY},
    {"class", IDENTITY},           {"score", SCORE},              {"similarity", SCORE},
    {"sim", SCORE},                {"cosine", SCORE},             {"cos", SCORE},
    {"distance", DISTANCE},        {"dist", DISTANCE},            {"split", GALLERY},
    {"set", GALLERY},              {"rank", RANK},
};
/* clang-format on */

/* What the words of a name say, and the words that say nothing: "casia" of "casia_path". */
struct meaning {
    unsigned kinds;
    int n_words;
    char rest[MAX_NAME];
};

static void add_word(struct meaning *m, const char *word)
{
    m->n_words++;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(word, words[i].word) == 0) {
            m->kinds |= words[i].kinds;
            return;
        }
    if (strlen(m->rest) + strlen(word) + 2 < sizeof m->rest) {
        strcat(m->rest, word);
        strcat(m->rest, " ");
    }
}

/* Words end at anything but letters, and where a capital follows a small letter. */
static struct meaning understand(const char *name)
{
    struct meaning m = {.kinds = 0};
    char word[MAX_WORD];
    size_t len = 0;
    for (const char *p = name;; p++) {
        bool letter = isalpha((unsigned char)*p) != 0;
        bool camel = p > name && isupper((unsigned char)*p) && islower((unsigned char)p[-1]);
        if ((!letter || camel) && len > 0) {
            word[len] = '\0';
            add_word(&m, word);
            len = 0;
        }
        if (letter && len + 1 < sizeof word)
            word[len++] = (char)tolower((unsigned char)*p);
        if (*p == '\0')
            return m;
    }
}

/* The field that a name speaks of, or LK_N_FIELDS; "probe" alone is a name. */
static enum lk_list_field field_of(const struct meaning *m)
{
    if (m->kinds & IDENTITY)
        return LK_FIELD_IDENTITY;
    if (m->kinds & PATH)
        return LK_FIELD_PATH;
    if (m->kinds & INDEX)
        return LK_FIELD_INDEX;
    if (m->kinds & ID)
        return LK_FIELD_ID;
    if (m->kinds & NAME || (m->kinds & (SIDE_PROBE | SIDE_REFERENCE) && m->rest[0] == '\0'))
        return LK_FIELD_NAME;
    return LK_N_FIELDS;
}

bool lk_list_names_score(const char *name)
{
    return (understand(name).kinds & SCORE) != 0;
}

bool lk_list_names_probe(const char *name)
{
    struct meaning m = understand(name);
    enum lk_list_field field = field_of(&m);
    return field != LK_N_FIELDS && field != LK_FIELD_IDENTITY && !(m.kinds & SIDE_REFERENCE) &&
           (m.kinds & SIDE_PROBE || m.rest[0] == '\0');
}

static void take(int *column, size_t i)
{
    if (*column < 0)
        *column = (int)i;
}

static bool names_image(const struct lk_list_columns *c, enum lk_list_side side)
{
    return c->of[side][LK_FIELD_PATH] >= 0 || c->of[side][LK_FIELD_NAME] >= 0 ||
           c->of[side][LK_FIELD_ID] >= 0 || c->of[side][LK_FIELD_INDEX] >= 0;
}

static void clear(struct lk_list_columns *c)
{
    c->score = c->gallery = -1;
    for (int side = 0; side < LK_N_SIDES; side++)
        for (int field = 0; field < LK_N_FIELDS; field++)
            c->of[side][field] = -1;
}

/* Columns like "casia_path" and "casia_identity" are of the real set when nothing else is, and they agree. */
static void take_foreign(struct lk_list_columns *c, const char *const *names, size_t n)
{
    char rest[MAX_NAME] = "";
    for (size_t i = 0; i < n; i++) {
        struct meaning m = understand(names[i]);
        if (m.kinds & (SIDE_PROBE | SIDE_REFERENCE | SCORE | RANK) || m.rest[0] == '\0' ||
            field_of(&m) == LK_N_FIELDS)
            continue;
        if (rest[0] != '\0' && strcmp(rest, m.rest) != 0)
            return;
        strcpy(rest, m.rest);
    }
    for (size_t i = 0; i < n && rest[0] != '\0'; i++) {
        struct meaning m = understand(names[i]);
        if (strcmp(rest, m.rest) == 0 && !(m.kinds & (SIDE_PROBE | SIDE_REFERENCE)) &&
            field_of(&m) != LK_N_FIELDS)
            take(&c->of[LK_SIDE_REFERENCE][field_of(&m)], i);
    }
}

/* One column that is no plain field of a side: true when that is settled. */
static bool take_special(struct lk_list_columns *c, const struct meaning *m, size_t i, int *distance,
                         int *gallery)
{
    if (m->kinds & SCORE)
        take(&c->score, i);
    else if (m->kinds & DISTANCE)
        take(distance, i);
    else if (m->kinds & GALLERY && m->n_words == 1)
        take(gallery, i);
    else
        return (m->kinds & RANK) != 0;
    return true;
}

static lk_status fail_missing(const char *what, const char *const *names, size_t n, lk_error *err)
{
    char all[400] = "";
    size_t len = 0;
    for (size_t i = 0; i < n && len < 300; i++)
        len += (size_t)snprintf(all + len, sizeof all - len, "%s%.40s", i > 0 ? ", " : "", names[i]);
    return lk_fail(err, LK_EFORMAT, "no column %s; there are: %s", what, all);
}

lk_status lk_list_columns_find(struct lk_list_columns *out, const char *const *names, size_t n,
                               const enum lk_list_side *sides, lk_error *err)
{
    struct lk_list_columns c;
    int distance = -1, gallery = -1;
    clear(&c);
    for (size_t i = 0; i < n; i++) {
        struct meaning m = understand(names[i]);
        enum lk_list_field field = field_of(&m);
        if (take_special(&c, &m, i, &distance, &gallery) || field == LK_N_FIELDS)
            continue;
        if (m.kinds & SIDE_PROBE)
            take(&c.of[LK_SIDE_PROBE][field], i);
        else if (m.kinds & SIDE_REFERENCE)
            take(&c.of[LK_SIDE_REFERENCE][field], i);
        else if (sides != NULL && m.rest[0] == '\0')
            take(&c.of[sides[i]][field], i);
    }
    if (!names_image(&c, LK_SIDE_REFERENCE))
        take_foreign(&c, names, n);
    if (gallery >= 0 && names_image(&c, LK_SIDE_REFERENCE))
        c.gallery = gallery;
    else if (gallery >= 0) /* "probe, gallery, score": here it is the real image */
        c.of[LK_SIDE_REFERENCE][LK_FIELD_NAME] = gallery;
    if (c.score < 0 && distance >= 0)
        return lk_fail(err, LK_EFORMAT,
                       "column '%.60s' holds distances, expected similarities (higher = more alike)",
                       names[distance]);
    if (c.score < 0)
        return fail_missing("holds the score", names, n, err);
    if (!names_image(&c, LK_SIDE_PROBE))
        return fail_missing("names the synthetic image (\"probe\")", names, n, err);
    if (!names_image(&c, LK_SIDE_REFERENCE))
        return fail_missing("names the real image (\"reference\")", names, n, err);
    *out = c;
    return LK_OK;
}

lk_status lk_list_columns_plain(struct lk_list_columns *out, size_t n, lk_error *err)
{
    LK_NEED(n == 3 || n == 4, err, LK_EFORMAT,
            "%zu values without names, expected 3 (synthetic, real, score) or 4 (and train or holdout)", n);
    clear(out);
    out->of[LK_SIDE_PROBE][LK_FIELD_PATH] = 0;
    out->of[LK_SIDE_REFERENCE][LK_FIELD_PATH] = 1;
    out->score = 2;
    out->gallery = n == 4 ? 3 : -1;
    return LK_OK;
}
