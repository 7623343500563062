/* SPDX-License-Identifier: Apache-2.0 */
/* ijb.c - reads the tables of IJB-B and IJB-C. */
#include "formats/ijb.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { MAX_IMAGES = 100 * 1000 * 1000, MAX_NAME = 4096 };

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* A line without blanks at its ends. */
struct line {
    const uint8_t *start, *end;
};

/* The next line that is not empty; false at the end. */
static bool next_line(const uint8_t *bytes, size_t len, size_t *at, uint64_t *number, struct line *out)
{
    while (*at < len) {
        const uint8_t *start = bytes + *at, *stop = memchr(start, '\n', len - *at);
        *at = stop != NULL ? (size_t)(stop - bytes) + 1 : len;
        if (stop == NULL)
            stop = bytes + len;
        ++*number;
        while (start < stop && is_blank(*start))
            start++;
        while (start < stop && is_blank(stop[-1]))
            stop--;
        if (start < stop) {
            *out = (struct line){start, stop};
            return true;
        }
    }
    return false;
}

/* Takes the last field of a line, a number, and the blanks before it. */
static bool take_number(struct line *line, uint32_t *out)
{
    const uint8_t *field = line->end;
    while (field > line->start && !is_blank(field[-1]))
        field--;
    uint64_t value = 0;
    for (const uint8_t *c = field; c < line->end; c++) {
        if (*c < '0' || *c > '9')
            return false;
        value = 10 * value + (uint64_t)(*c - '0');
        if (value > UINT32_MAX)
            return false;
    }
    if (field == line->end)
        return false;
    while (field > line->start && is_blank(field[-1]))
        field--;
    line->end = field;
    *out = (uint32_t)value;
    return true;
}

/* As much of a line as a message can hold. */
static int shown(const struct line *line)
{
    return line->end - line->start < 60 ? (int)(line->end - line->start) : 60;
}

static lk_status parse_images(struct lk_ijb_images *images, const uint8_t *bytes, size_t len, lk_error *err)
{
    size_t at = 0, capacity = 0;
    uint64_t number = 0;
    struct line line;
    while (next_line(bytes, len, &at, &number, &line)) {
        struct line rest = line;
        struct lk_ijb_image image;
        bool good = take_number(&rest, &image.media) && take_number(&rest, &image.template_id);
        image.name = rest.start;
        image.name_len = (size_t)(rest.end - rest.start);
        LK_NEED(good && image.name_len > 0 && image.name_len <= MAX_NAME &&
                    memchr(image.name, '\0', image.name_len) == NULL,
                err, LK_EFORMAT,
                "line %llu: found '%.*s', expected \"name template media\" with whole numbers below 2^32",
                (unsigned long long)number, shown(&line), (const char *)line.start);
        LK_NEED(images->n < MAX_IMAGES, err, LK_EFORMAT, "line %llu: more than %d images",
                (unsigned long long)number, MAX_IMAGES);
        LK_TRY(lk_grow(&images->items, &capacity, images->n + 1, sizeof *images->items, err));
        images->items[images->n++] = image;
    }
    LK_NEED(images->n > 0, err, LK_EFORMAT, "empty, expected lines \"name template media\"");
    return LK_OK;
}

lk_status lk_ijb_images_parse(struct lk_ijb_images *out, const uint8_t *bytes, size_t len, lk_error *err)
{
    struct lk_ijb_images images = {0};
    lk_status status = parse_images(&images, bytes, len, err);
    if (status == LK_OK)
        *out = images;
    else
        lk_ijb_images_free(&images);
    return status;
}

void lk_ijb_images_free(struct lk_ijb_images *images)
{
    free(images->items);
    *images = (struct lk_ijb_images){0};
}

lk_status lk_ijb_pairs_next(struct lk_ijb_pairs *pairs, struct lk_ijb_pair *out, size_t room, size_t *n,
                            lk_error *err)
{
    struct line line;
    size_t filled = 0;
    while (filled < room && next_line(pairs->bytes, pairs->len, &pairs->at, &pairs->line, &line)) {
        struct line rest = line;
        struct lk_ijb_pair pair = {.line = pairs->line};
        uint32_t label = 0;
        bool good = take_number(&rest, &label) && take_number(&rest, &pair.template_id[1]) &&
                    take_number(&rest, &pair.template_id[0]) && rest.start == rest.end;
        LK_NEED(
            good && label <= 1, err, LK_EFORMAT,
            "line %llu: found '%.*s', expected \"template template label\" with whole numbers below 2^32 and "
            "label 0 or 1",
            (unsigned long long)pairs->line, shown(&line), (const char *)line.start);
        pair.genuine = label == 1;
        out[filled++] = pair;
    }
    *n = filled;
    return LK_OK;
}
