/* SPDX-License-Identifier: Apache-2.0 */
/* pairs.c - reads LFW's pairs.txt. */
#include "formats/pairs.h"

#include <stdlib.h>
#include <string.h>

#include "base/fs.h"

enum { MAX_FOLDS = 1000, MAX_PAIRS = 10 * 1000 * 1000, MAX_NAME = 255, MAX_FIELDS = 4 };

/* A walk over the lines of a text that is cut into strings in place. */
struct lines {
    char *at, *end;
    size_t number; /* of the line last taken, from 1 */
};

struct line {
    char *fields[MAX_FIELDS];
    size_t n; /* MAX_FIELDS + 1 when there are more */
};

/* Takes the next line that is not empty; false at the end. */
static bool next_line(struct lines *lines, struct line *out)
{
    while (lines->at < lines->end) {
        char *start = lines->at, *stop = memchr(start, '\n', (size_t)(lines->end - start));
        if (stop == NULL)
            stop = lines->end;
        lines->at = stop < lines->end ? stop + 1 : stop;
        lines->number++;
        *stop = '\0'; /* text has a NUL of its own behind its end */
        if (stop > start && stop[-1] == '\r')
            stop[-1] = '\0';
        const char *between = strchr(start, '\t') != NULL ? "\t" : " ";
        char *rest = start;
        out->n = 0;
        for (char *field; (field = strsep(&rest, between)) != NULL;) {
            if (*field == '\0')
                continue;
            if (out->n < MAX_FIELDS)
                out->fields[out->n] = field;
            if (++out->n > MAX_FIELDS)
                break;
        }
        if (out->n > 0)
            return true;
    }
    return false;
}

static bool parse_number(const char *text, uint32_t max, uint32_t *out)
{
    uint32_t value = 0;
    if (*text == '\0')
        return false;
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9')
            return false;
        uint32_t digit = (uint32_t)(*text - '0');
        if (value > (max - digit) / 10)
            return false;
        value = 10 * value + digit;
    }
    *out = value;
    return true;
}

static lk_status parse_head(struct lines *lines, struct lk_pairs *pairs, uint32_t *each, lk_error *err)
{
    struct line head;
    LK_NEED(next_line(lines, &head), err, LK_EFORMAT, "empty, expected a list of pairs like LFW's pairs.txt");
    bool good = head.n == 2 && parse_number(head.fields[0], MAX_FOLDS, &pairs->folds) &&
                parse_number(head.fields[1], MAX_PAIRS, each);
    if (head.n == 1) {
        pairs->folds = 1;
        good = parse_number(head.fields[0], MAX_PAIRS, each);
    }
    LK_NEED(
        good && pairs->folds > 0 && *each > 0, err, LK_EFORMAT,
        "line %zu: expected the number of folds (1 to %d) and of pairs of each kind, as in LFW's pairs.txt",
        lines->number, MAX_FOLDS);
    LK_NEED((uint64_t)pairs->folds * *each * 2 <= MAX_PAIRS, err, LK_EFORMAT,
            "line %zu: %u folds of 2 x %u pairs, expected at most %d pairs in all", lines->number,
            pairs->folds, *each, MAX_PAIRS);
    return LK_OK;
}

static lk_status parse_pair(struct lines *lines, bool genuine, uint32_t fold, struct lk_pair *out,
                            lk_error *err)
{
    struct line line;
    const char *expected = genuine ? "\"name i j\"" : "\"name1 i name2 j\"";
    LK_NEED(next_line(lines, &line), err, LK_EFORMAT, "ends after line %zu, in fold %u; expected %s",
            lines->number, fold + 1, expected);
    char **f = line.fields;
    struct lk_pair pair = {.name = {f[0], f[genuine ? 0 : 2]}, .fold = fold, .genuine = genuine};
    bool good = line.n == (genuine ? 3 : 4) && parse_number(f[1], UINT32_MAX, &pair.number[0]) &&
                parse_number(f[genuine ? 2 : 3], UINT32_MAX, &pair.number[1]);
    LK_NEED(good, err, LK_EFORMAT, "line %zu: %s%zu fields, expected %s with whole numbers i and j",
            lines->number, line.n > MAX_FIELDS ? "more than " : "",
            line.n > MAX_FIELDS ? (size_t)MAX_FIELDS : line.n, expected);
    for (int side = 0; side < 2; side++)
        LK_NEED(strlen(pair.name[side]) <= MAX_NAME, err, LK_EFORMAT,
                "line %zu: a name of %zu bytes, expected at most %d", lines->number, strlen(pair.name[side]),
                MAX_NAME);
    *out = pair;
    return LK_OK;
}

static lk_status parse_all(struct lines *lines, struct lk_pairs *pairs, lk_error *err)
{
    uint32_t each = 0;
    struct line line;
    LK_TRY(parse_head(lines, pairs, &each, err));
    size_t total = 2 * (size_t)pairs->folds * each, capacity = 0;
    while (pairs->n < total) { /* grows with the lines that are there, not with what the head promises */
        LK_TRY(lk_grow(&pairs->items, &capacity, pairs->n + 1, sizeof *pairs->items, err));
        size_t in_fold = pairs->n % (2 * (size_t)each);
        LK_TRY(parse_pair(lines, in_fold < each, (uint32_t)(pairs->n / (2 * (size_t)each)),
                          &pairs->items[pairs->n], err));
        pairs->n++;
    }
    LK_NEED(!next_line(lines, &line), err, LK_EFORMAT,
            "line %zu: more lines than the %zu pairs that line 1 promises", lines->number, total);
    return LK_OK;
}

lk_status lk_pairs_parse(struct lk_pairs *out, const uint8_t *bytes, size_t len, lk_error *err)
{
    LK_NEED(len == 0 || memchr(bytes, '\0', len) == NULL, err, LK_EFORMAT,
            "holds a NUL byte, expected a text like LFW's pairs.txt");
    struct lk_pairs pairs = {.text = lk_calloc(len + 1, 1, err)};
    if (pairs.text == NULL)
        return LK_ENOMEM;
    if (len > 0)
        memcpy(pairs.text, bytes, len);
    struct lines lines = {.at = pairs.text, .end = pairs.text + len};
    lk_status status = parse_all(&lines, &pairs, err);
    if (status != LK_OK) {
        lk_pairs_free(&pairs);
        return status;
    }
    *out = pairs;
    return LK_OK;
}

lk_status lk_pairs_read(struct lk_pairs *out, const char *path, lk_error *err)
{
    uint8_t *bytes;
    size_t len;
    LK_TRY(lk_file_read(path, (size_t)1 << 30, &bytes, &len, err));
    lk_status status = lk_pairs_parse(out, bytes, len, err);
    if (status != LK_OK)
        lk_error_prefix(err, "%s", path);
    free(bytes);
    return status;
}

void lk_pairs_free(struct lk_pairs *pairs)
{
    free(pairs->items);
    free(pairs->text);
    *pairs = (struct lk_pairs){0};
}
