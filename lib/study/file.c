/* SPDX-License-Identifier: Apache-2.0 */
/* file.c - reads a study file: lines and sections through inih, with the limits and the line numbers that
 * inih lacks. */
#include <ini.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "study/study.h"

const char *const lk_study_role_names[LK_STUDY_N_ROLES] = {"train", "holdout", "control", "synthetic",
                                                           "calibration"};

/* inih keeps 49 bytes of a section's name and says nothing when there are more. */
enum { MOST_BYTES = 1 << 20, MOST_HEADING = 48, MOST_NAME = 40 };

struct reader {
    const uint8_t *bytes;
    size_t len, at;
    unsigned line;    /* last one handed to inih */
    bool indented;    /* that line starts with a blank */
    unsigned heading; /* line of the last section heading */
    struct lk_study *study;
    struct lk_study_place place;    /* of the section that keys go to */
    char section[MOST_HEADING + 2]; /* its heading */
    unsigned section_line;
    char kind[MOST_HEADING + 2];
    struct lk_names headings;
    lk_status status;
    lk_error *err;
};

/* ---- lines --------------------------------------------------------------------------------------------- */

/* inih is silent about a section without keys. */
static lk_status check_filled(const struct reader *r)
{
    LK_NEED(r->section_line == r->heading, r->err, LK_EINVAL, "line %u: the section has no keys, expected at least one line key = value", r->heading);
    return LK_OK;
}

static lk_status check_line(struct reader *r, const uint8_t *line, size_t len, size_t room)
{
    LK_NEED(memchr(line, '\0', len) == NULL, r->err, LK_EFORMAT, "line %u: holds a NUL byte, expected text",
            r->line);
    LK_NEED(len + 3 <= room, r->err, LK_EFORMAT, "line %u: has %zu bytes, expected at most %zu", r->line, len,
            room - 3);
    size_t blanks = 0;
    while (blanks < len && (line[blanks] == ' ' || line[blanks] == '\t'))
        blanks++;
    r->indented = blanks > 0;
    if (blanks == len || line[blanks] != '[')
        return LK_OK;
    LK_NEED(blanks == 0, r->err, LK_EFORMAT, "line %u: a section's heading is indented", r->line);
    const uint8_t *end = memchr(line, ']', len);
    LK_NEED(end != NULL && end - line - 1 <= MOST_HEADING, r->err, LK_EFORMAT,
            "line %u: expected a section's heading of at most %d bytes in square brackets", r->line,
            MOST_HEADING);
    for (size_t i = (size_t)(end - line) + 1; i < len; i++) {
        if (line[i] == ';' || line[i] == '#')
            break;
        LK_NEED(line[i] == ' ' || line[i] == '\t' || line[i] == '\r', r->err, LK_EFORMAT,
                "line %u: found text behind a section's heading", r->line);
    }
    LK_TRY(check_filled(r));
    r->heading = r->line;
    return LK_OK;
}

/* As fgets, from memory; inih's source of lines. */
static char *next_line(char *out, int room, void *user)
{
    struct reader *r = user;
    if (r->status != LK_OK || r->at == r->len)
        return NULL;
    const uint8_t *line = r->bytes + r->at, *end = memchr(line, '\n', r->len - r->at);
    size_t len = end != NULL ? (size_t)(end - line) : r->len - r->at;
    r->line++;
    r->at += len + (end != NULL);
    if (r->line == 1 && len >= 3 && memcmp(line, "\xef\xbb\xbf", 3) == 0) {
        line += 3; /* a byte order mark would hide a heading from check_line */
        len -= 3;
    }
    r->status = check_line(r, line, len, (size_t)room);
    if (r->status != LK_OK)
        return NULL;
    memcpy(out, line, len);
    out[len] = '\n';
    out[len + 1] = '\0';
    return out;
}

/* ---- sections ------------------------------------------------------------------------------------------ */

static bool good_name(const char *name)
{
    size_t len = strlen(name);
    return len > 0 && len <= MOST_NAME && name[0] != '.' &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == len;
}

static lk_status add_matcher(struct reader *r, struct lk_study_text name)
{
    struct lk_study *s = r->study;
    LK_NEED(s->n_matchers < LK_MAX_MATCHERS, r->err, LK_EINVAL, "line %u: more than %d matchers",
            r->section_line, LK_MAX_MATCHERS);
    LK_TRY(lk_grow(&s->matchers, &s->matchers_room, s->n_matchers + 1, sizeof *s->matchers, r->err));
    s->matchers[s->n_matchers] = (struct lk_study_matcher){.name = name};
    r->place.of = &s->matchers[s->n_matchers++];
    return LK_OK;
}

static lk_status add_set(struct reader *r, enum lk_study_role role, struct lk_study_text name)
{
    struct lk_study *s = r->study;
    LK_NEED(s->n_sets < LK_STUDY_SETS, r->err, LK_EINVAL, "line %u: more than %d sets", r->section_line,
            LK_STUDY_SETS);
    size_t other = lk_study_find_set(s, name.text);
    LK_NEED(other == SIZE_MAX, r->err, LK_EINVAL, "line %u: the name '%s' is taken by the set of line %u",
            r->section_line, name.text, s->sets[other].name.line);
    LK_TRY(lk_grow(&s->sets, &s->sets_room, s->n_sets + 1, sizeof *s->sets, r->err));
    s->sets[s->n_sets] = (struct lk_study_set){.role = role, .name = name};
    r->place.of = &s->sets[s->n_sets++];
    return LK_OK;
}

/* "[train casia]": kind and name apart, a new set or matcher. */
static lk_status enter_section(struct reader *r, const char *heading)
{
    uint32_t number;
    size_t before = r->headings.n;
    snprintf(r->section, sizeof r->section, "%s", heading);
    r->section_line = r->heading;
    LK_NEED(heading[0] != '\0', r->err, LK_EFORMAT, "line %u: found a key before the first [section]",
            r->line);
    LK_TRY(lk_names_add(&r->headings, heading, strlen(heading), &number, r->err));
    LK_NEED(number == before, r->err, LK_EINVAL, "line %u: section [%s] is there twice", r->section_line,
            heading);
    size_t kind = strcspn(heading, " \t");
    snprintf(r->kind, sizeof r->kind, "%.*s", (int)kind, heading);
    const char *rest = heading + kind + strspn(heading + kind, " \t");
    int named = lk_study_section_named(r->kind);
    LK_NEED(named >= 0, r->err, LK_EINVAL,
            "line %u: unknown section [%s], expected study, matcher NAME, train NAME, holdout NAME, control "
            "NAME, "
            "synthetic NAME, calibration NAME, match, measure, report or limits",
            r->section_line, heading);
    LK_NEED(named || rest[0] == '\0', r->err, LK_EINVAL, "line %u: section [%s]: found a name, expected [%s]",
            r->section_line, heading, r->kind);
    LK_NEED(!named || good_name(rest), r->err, LK_EINVAL,
            "line %u: section [%s]: expected [%s NAME], the name up to %d letters, digits, '.', '_' and '-'",
            r->section_line, heading, r->kind, MOST_NAME);
    r->place = (struct lk_study_place){.study = r->study, .section = r->kind, .of = r->study};
    if (!named)
        return LK_OK;
    struct lk_study_text name = {lk_arena_text(&r->study->texts, rest, strlen(rest), r->err),
                                 r->section_line};
    if (name.text == NULL)
        return LK_ENOMEM;
    for (int role = 0; role < LK_STUDY_N_ROLES; role++)
        if (strcmp(r->kind, lk_study_role_names[role]) == 0)
            return add_set(r, (enum lk_study_role)role, name);
    return add_matcher(r, name);
}

static int take_key(void *user, const char *section, const char *name, const char *value)
{
    struct reader *r = user;
    if (r->status != LK_OK)
        return 0;
    if (r->section_line != r->heading || r->section_line == 0)
        r->status = enter_section(r, section);
    if (r->status != LK_OK)
        return 0;
    r->place.line = r->line;
    r->place.more = r->indented;
    r->status = lk_study_key(&r->place, name, value != NULL ? value : "", r->err);
    if (r->status != LK_OK)
        lk_error_prefix(r->err, "line %u: [%s]", r->line, r->section);
    return r->status == LK_OK;
}

lk_status lk_study_parse(const uint8_t *bytes, size_t len, struct lk_study *out, lk_error *err)
{
    *out = (struct lk_study){0};
    LK_NEED(len <= MOST_BYTES, err, LK_EFORMAT, "has %zu bytes, expected at most %d", len, MOST_BYTES);
    struct reader r = {.bytes = bytes, .len = len, .study = out, .err = err};
    int wrong = ini_parse_stream(next_line, &r, take_key, &r);
    lk_names_free(&r.headings);
    if (r.status == LK_OK && wrong > 0)
        r.status = lk_fail(err, LK_EFORMAT,
                           "line %d: expected [section], key = value, or a comment after ; or #", wrong);
    if (r.status == LK_OK && wrong < 0)
        r.status = lk_fail(err, LK_ENOMEM, "out of memory");
    if (r.status == LK_OK)
        r.status = check_filled(&r);
    if (r.status == LK_OK)
        r.status = lk_study_check(out, err);
    if (r.status != LK_OK)
        lk_study_close(out);
    return r.status;
}

void lk_study_close(struct lk_study *s)
{
    for (size_t i = 0; i < s->n_sets; i++) {
        free(s->sets[i].images.items);
        free(s->sets[i].faces.items);
        free(s->sets[i].holdouts.items);
        free(s->sets[i].controls.items);
        free(s->sets[i].train.items);
        free(s->sets[i].planted_from.items);
    }
    free(s->sets);
    free(s->matchers);
    free(s->strengths.items);
    free(s->file);
    free(s->folder);
    lk_arena_free(&s->texts);
    *s = (struct lk_study){0};
}

/* ---- paths --------------------------------------------------------------------------------------------- */

/* Relative paths are those below the study file. */
static lk_status settle(struct lk_study *s, struct lk_study_text *path, lk_error *err)
{
    bool list = path->text != NULL && path->text[0] == '@'; /* a list of shards */
    if (path->text == NULL || path->text[list] == '/')
        return LK_OK;
    struct lk_str full = LK_STR_INIT;
    lk_status status = lk_str_addf(&full, err, "%s%s%s%s", list ? "@" : "", s->folder,
                                   s->folder[strlen(s->folder) - 1] == '/' ? "" : "/", path->text + list);
    if (status == LK_OK && (path->text = lk_arena_text(&s->texts, full.text, full.len, err)) == NULL)
        status = LK_ENOMEM;
    lk_str_free(&full);
    return status;
}

static lk_status settle_set(struct lk_study *s, struct lk_study_set *set, lk_error *err)
{
    struct lk_study_text *const single[] = {&set->labels, &set->exclude, &set->truth, &set->pairs, &set->bin};
    for (size_t i = 0; i < sizeof single / sizeof *single; i++)
        LK_TRY(settle(s, single[i], err));
    for (size_t i = 0; i < set->images.n; i++)
        LK_TRY(settle(s, &set->images.items[i], err));
    for (size_t i = 1; i < set->faces.n; i += 2)
        LK_TRY(settle(s, &set->faces.items[i], err));
    return LK_OK;
}

static lk_status settle_all(struct lk_study *s, const char *path, lk_error *err)
{
    s->file = realpath(path, NULL);
    if (s->file == NULL || (s->folder = lk_strdup(s->file, err)) == NULL)
        return lk_fail_sys(err, LK_EIO, "cannot find its folder");
    char *slash = strrchr(s->folder, '/');
    slash[slash == s->folder] = '\0';
    LK_TRY(settle(s, &s->output, err));
    for (size_t i = 0; i < s->n_sets; i++)
        LK_TRY(settle_set(s, &s->sets[i], err));
    for (size_t m = 0; m < s->n_matchers; m++) {
        struct lk_study_matcher *matcher = &s->matchers[m];
        struct lk_study_text *const models[] = {&matcher->model, &matcher->detector, &matcher->age};
        for (size_t i = 0; i < 3; i++) /* a registry name, or the path of a descriptor */
            if (models[i]->text != NULL &&
                (strchr(models[i]->text, '/') != NULL ||
                 (strlen(models[i]->text) > 5 &&
                  strcmp(models[i]->text + strlen(models[i]->text) - 5, ".json") == 0)))
                LK_TRY(settle(s, models[i], err));
        LK_TRY(settle(s, &matcher->thresholds, err));
    }
    return LK_OK;
}

lk_status lk_study_open(struct lk_study *out, const char *path, lk_error *err)
{
    uint8_t *bytes = NULL;
    size_t len = 0;
    LK_TRY(lk_file_read(path, MOST_BYTES, &bytes, &len, err));
    lk_status status = lk_study_parse(bytes, len, out, err);
    free(bytes);
    if (status == LK_OK) {
        status = settle_all(out, path, err);
        if (status == LK_OK)
            status = lk_study_check_files(out, err);
        if (status != LK_OK)
            lk_study_close(out);
    }
    if (status != LK_OK)
        lk_error_prefix(err, "%s", path);
    return status;
}
