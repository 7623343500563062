/* SPDX-License-Identifier: Apache-2.0 */
/* html.c - text that comes from data, made safe for a page: escaping, eliding, numbers for people. */
#include "report/html.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define REPLACEMENT "\xef\xbf\xbd"
#define DASH "\xe2\x80\x93"
#define THIN "\xe2\x80\xaf" /* narrow no-break space */
#define MINUS "\xe2\x88\x92"
#define ELLIPSIS "\xe2\x80\xa6"

/* Length of the valid UTF-8 sequence at p (NUL-terminated), or 0. Overlong forms and surrogates are not
 * valid. */
static size_t sequence(const unsigned char *p)
{
    static const struct {
        unsigned char lead_low, lead_high, second_low, second_high;
        size_t len;
    } forms[] = {{0x00, 0x7f, 0, 0, 1},       {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
                 {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
                 {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4}};
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        if (p[0] < forms[i].lead_low || p[0] > forms[i].lead_high)
            continue;
        if (forms[i].len > 1 && (p[1] < forms[i].second_low || p[1] > forms[i].second_high))
            return 0;
        for (size_t k = 2; k < forms[i].len; k++)
            if (p[k] < 0x80 || p[k] > 0xbf)
                return 0;
        return forms[i].len;
    }
    return 0;
}

/* C0 and C1 control characters, and the direction overrides that could make a name read as another. */
static int is_control(const unsigned char *p, size_t len)
{
    if (len == 1)
        return p[0] < 0x20 || p[0] == 0x7f;
    if (len == 2)
        return p[0] == 0xc2 && p[1] < 0xa0;
    return len == 3 && p[0] == 0xe2 &&
           ((p[1] == 0x80 && p[2] >= 0xaa && p[2] <= 0xae) || (p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9));
}

static size_t put_one(FILE *f, const unsigned char *p)
{
    size_t len = sequence(p);
    if (len == 0 || is_control(p, len)) {
        fputs(REPLACEMENT, f);
        return len == 0 ? 1 : len;
    }
    switch (p[0]) {
    case '&': fputs("&amp;", f); break;
    case '<': fputs("&lt;", f); break;
    case '>': fputs("&gt;", f); break;
    case '"': fputs("&quot;", f); break;
    case '\'': fputs("&#39;", f); break;
    default: fwrite(p, 1, len, f);
    }
    return len;
}

static void put_bytes(FILE *f, const char *text, size_t len)
{
    const unsigned char *p = (const unsigned char *)text, *end = p + len;
    while (p < end)
        p += put_one(f, p);
}

void lk_html_text(FILE *f, const char *text)
{
    put_bytes(f, text, strlen(text));
}

/* Moves `at` to the start of the character it points into. */
static size_t character_start(const char *text, size_t at)
{
    while (at > 0 && ((unsigned char)text[at] & 0xc0) == 0x80)
        at--;
    return at;
}

void lk_html_name(FILE *f, const char *text, size_t room)
{
    size_t len = strlen(text);
    fputs("<bdi class=\"name\"", f);
    if (len <= room) {
        fputs(">", f);
        put_bytes(f, text, len);
    } else {
        /* The end of a path tells more than its start. */
        size_t head = character_start(text, room / 3),
               tail = character_start(text, len - (room - room / 3 - 1));
        fputs(" title=\"", f);
        put_bytes(f, text, len);
        fputs("\">", f);
        put_bytes(f, text, head);
        fputs(ELLIPSIS, f);
        put_bytes(f, text + tail, len - tail);
    }
    fputs("</bdi>", f);
}

lk_status lk_html_json(FILE *f, const json_t *value, lk_error *err)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_REAL_PRECISION(9));
    LK_NEED(text != NULL, err, LK_ENOMEM, "out of memory while writing the charts' numbers");
    for (const char *p = text; *p != '\0'; p++) {
        if (*p == '<' || *p == '>' || *p == '&')
            fprintf(f, "\\u%04x", (unsigned)*p);
        else
            fputc(*p, f);
    }
    free(text);
    return LK_OK;
}

char *lk_utf8_copy(const char *bytes, lk_error *err)
{
    struct lk_str s = LK_STR_INIT;
    const unsigned char *p = (const unsigned char *)bytes;
    lk_status status = lk_str_add(&s, "", 0, err);
    while (status == LK_OK && *p != '\0') {
        size_t len = sequence(p);
        status = len > 0 ? lk_str_add(&s, (const char *)p, len, err) : lk_str_addz(&s, REPLACEMENT, err);
        p += len > 0 ? len : 1;
    }
    if (status != LK_OK)
        lk_str_free(&s);
    return s.text;
}

/* ---- numbers ---------------------------------------------------------------------------------------- */

static const char *dash(struct lk_number *out)
{
    strcpy(out->text, DASH);
    return out->text;
}

const char *lk_count(struct lk_number *out, uint64_t value)
{
    char digits[24];
    int len = snprintf(digits, sizeof digits, "%llu", (unsigned long long)value);
    char *p = out->text;
    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0 && len > 4)
            p = stpcpy(p, THIN);
        *p++ = digits[i];
    }
    *p = '\0';
    return out->text;
}

const char *lk_percent(struct lk_number *out, double share)
{
    if (isnan(share))
        return dash(out);
    double v = 100 * share;
    /* Close to the ends more digits are needed so that "100 %" is only said of all. */
    double gap = fmin(fabs(v), fabs(100 - v));
    int places = gap == 0 ? 0 : gap < 0.1 ? 3 : gap < 1 ? 2 : 1;
    snprintf(out->text, sizeof out->text, "%s%.*f" THIN "%%", v < 0 ? MINUS : "", places, fabs(v));
    return out->text;
}

const char *lk_percent_asked(struct lk_number *out, double share)
{
    snprintf(out->text, sizeof out->text, "%.4g" THIN "%%", 100 * share);
    return out->text;
}

const char *lk_rate(struct lk_number *out, double rate)
{
    if (!(rate > 0 && rate <= 1))
        return lk_decimal(out, rate, 3);
    double every = 1 / rate;
    double nearest = round(every);
    if (nearest > 1e15 || fabs(every - nearest) > 1e-6 * every) {
        snprintf(out->text, sizeof out->text, "%.3g", rate);
    } else {
        struct lk_number n;
        stpcpy(stpcpy(out->text, "1 in "), lk_count(&n, (uint64_t)nearest)); /* 15 digits at most */
    }
    return out->text;
}

const char *lk_decimal(struct lk_number *out, double value, int places)
{
    if (isnan(value))
        return dash(out);
    snprintf(out->text, sizeof out->text, "%s%.*f", value < 0 ? MINUS : "", places, fabs(value));
    return out->text;
}

const char *lk_about(struct lk_number *out, double value)
{
    if (isnan(value))
        return dash(out);
    if (value >= 100 && value < 1e15)
        return lk_count(out, (uint64_t)(value + 0.5));
    if (value > 0 && value < 0.001)
        return strcpy(out->text, "< 0.001");
    snprintf(out->text, sizeof out->text, "%.2g", value);
    return out->text;
}
