/* SPDX-License-Identifier: Apache-2.0 */
/* record_lists.c - the text files beside a record file, as tables by record. */
#include "formats/record_lists.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* ---- tables ------------------------------------------------------------------------------------ */

static int compare_entries(const void *a, const void *b)
{
    const struct lk_record_entry *x = a, *y = b;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return (x->value > y->value) - (x->value < y->value);
}

static lk_status add_entry(struct lk_record_table *t, uint64_t key, uint64_t value, lk_error *err)
{
    LK_TRY(lk_grow(&t->entries, &t->capacity, t->n + 1, sizeof *t->entries, err));
    t->entries[t->n++] = (struct lk_record_entry){key, value};
    return LK_OK;
}

/* Sorts, unless the lines were in order already, and keeps one entry of each key. */
static void settle(struct lk_record_table *t)
{
    bool rising = true;
    for (size_t i = 1; i < t->n && rising; i++)
        rising = t->entries[i - 1].key < t->entries[i].key;
    if (rising)
        return;
    qsort(t->entries, t->n, sizeof *t->entries, compare_entries);
    size_t kept = 1;
    for (size_t i = 1; i < t->n; i++)
        if (t->entries[i].key != t->entries[kept - 1].key)
            t->entries[kept++] = t->entries[i];
    t->n_twins = t->n - kept;
    t->n = kept;
}

void lk_record_table_free(struct lk_record_table *table)
{
    free(table->entries);
    *table = (struct lk_record_table){0};
}

const struct lk_record_entry *lk_record_table_find(const struct lk_record_table *table, uint64_t key)
{
    size_t low = 0, high = table->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (table->entries[middle].key < key)
            low = middle + 1;
        else
            high = middle;
    }
    return low < table->n && table->entries[low].key == key ? &table->entries[low] : NULL;
}

/* ---- lines and fields -------------------------------------------------------------------------- */

struct lines {
    const uint8_t *bytes;
    size_t len, at;  /* at: of the next line */
    uint64_t number; /* of the line last read, from 1 */
};

/* The next line that is not empty, without its end; false behind the last. */
static bool next_line(struct lines *l, size_t *start, size_t *end)
{
    while (l->at < l->len) {
        *start = l->at;
        const uint8_t *stop = memchr(l->bytes + l->at, '\n', l->len - l->at);
        *end = stop != NULL ? (size_t)(stop - l->bytes) : l->len;
        l->at = *end + (stop != NULL);
        l->number++;
        if (*end > *start && l->bytes[*end - 1] == '\r')
            (*end)--;
        if (*end > *start)
            return true;
    }
    return false;
}

/* Takes the digits at *at, at least one; false when there are none or too many. */
static bool take_digits(const uint8_t *bytes, size_t end, size_t *at, uint64_t *out)
{
    uint64_t value = 0;
    size_t i = *at;
    for (; i < end && bytes[i] >= '0' && bytes[i] <= '9'; i++)
        if (__builtin_mul_overflow(value, (uint64_t)10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(bytes[i] - '0'), &value))
            return false;
    if (i == *at)
        return false;
    *at = i;
    *out = value;
    return true;
}

/* A whole field "12" or "12.000000" as a number below 2^31; else LK_RECORD_NO_LABEL. */
static uint64_t label_field(const uint8_t *bytes, size_t start, size_t end)
{
    uint64_t value;
    if (!take_digits(bytes, end, &start, &value) || value >= (uint64_t)1 << 31)
        return LK_RECORD_NO_LABEL;
    if (start < end && bytes[start] == '.')
        for (start++; start < end && bytes[start] == '0'; start++)
            continue;
    return start == end ? value : LK_RECORD_NO_LABEL;
}

static bool is_number(const uint8_t *bytes, size_t start, size_t end)
{
    bool digits = false;
    for (; start < end; start++) {
        if (bytes[start] == '\0' || strchr("0123456789+-.eE", bytes[start]) == NULL)
            return false;
        digits |= bytes[start] >= '0' && bytes[start] <= '9';
    }
    return digits;
}

/* Where the field at `at` ends: at a tab, or at the end of the line. */
static size_t field_end(const uint8_t *bytes, size_t at, size_t end)
{
    const uint8_t *tab = memchr(bytes + at, '\t', end - at);
    return tab != NULL ? (size_t)(tab - bytes) : end;
}

/* Takes "key TAB"; `what` says what stands behind it. */
static lk_status take_key(const struct lines *l, size_t *at, size_t end, uint64_t *key, const char *what,
                          lk_error *err)
{
    LK_NEED(take_digits(l->bytes, end, at, key) && *at < end && l->bytes[*at] == '\t', err, LK_EFORMAT,
            "line %" PRIu64 ": expected a number of a record, a tab and %s", l->number, what);
    (*at)++;
    return LK_OK;
}

/* ---- the files --------------------------------------------------------------------------------- */

typedef lk_status take_line_fn(struct lk_record_table *t, const struct lines *l, size_t start, size_t end,
                               lk_error *err);

static lk_status parse_lines(struct lk_record_table *out, const uint8_t *bytes, size_t len,
                             take_line_fn *take, lk_error *err)
{
    struct lk_record_table t = {0};
    struct lines l = {bytes, len, 0, 0};
    size_t start, end;
    lk_status status = LK_OK;
    while (status == LK_OK && next_line(&l, &start, &end))
        status = take(&t, &l, start, end, err);
    if (status == LK_OK && t.n == 0)
        status = lk_fail(err, LK_EFORMAT, "the list is empty");
    if (status != LK_OK) {
        lk_record_table_free(&t);
        return status;
    }
    settle(&t);
    *out = t;
    return LK_OK;
}

static lk_status take_index_line(struct lk_record_table *t, const struct lines *l, size_t start, size_t end,
                                 lk_error *err)
{
    uint64_t key = 0, offset = 0;
    LK_TRY(take_key(l, &start, end, &key, "an offset", err));
    LK_NEED(take_digits(l->bytes, end, &start, &offset) && start == end, err, LK_EFORMAT,
            "line %" PRIu64 ": expected an offset behind the tab", l->number);
    return add_entry(t, key, offset, err);
}

lk_status lk_record_index_parse(struct lk_record_table *out, const uint8_t *bytes, size_t len, lk_error *err)
{
    return parse_lines(out, bytes, len, take_index_line, err);
}

static lk_status take_path_line(struct lk_record_table *t, const struct lines *l, size_t start, size_t end,
                                lk_error *err)
{
    uint64_t key = 0;
    LK_TRY(take_key(l, &start, end, &key, "a path", err));
    size_t stop = field_end(l->bytes, start, end);
    LK_NEED(stop > start && memchr(l->bytes + start, '\0', stop - start) == NULL, err, LK_EFORMAT,
            "line %" PRIu64 ": expected a path behind the tab", l->number);
    return add_entry(t, key, start, err);
}

lk_status lk_record_paths_parse(struct lk_record_table *out, const uint8_t *bytes, size_t len, lk_error *err)
{
    return parse_lines(out, bytes, len, take_path_line, err);
}

size_t lk_record_path_length(const uint8_t *bytes, size_t len, size_t at)
{
    struct lines l = {bytes, len, at, 0};
    size_t start, end;
    return next_line(&l, &start, &end) && start == at ? field_end(bytes, at, end) - at : 0;
}

static lk_status take_label_line(struct lk_record_table *t, const struct lines *l, size_t start, size_t end,
                                 lk_error *err)
{
    size_t second = field_end(l->bytes, start, end) + 1;
    size_t second_end = second < end ? field_end(l->bytes, second, end) : end;
    size_t third = second_end + 1;
    LK_NEED(third < end, err, LK_EFORMAT, "line %" PRIu64 ": expected three fields with tabs between",
            l->number);
    uint64_t key = l->number;
    size_t label = third, label_end = field_end(l->bytes, third, end);
    if (is_number(l->bytes, second, second_end)) { /* no path: MXNet's order */
        LK_TRY(take_key(l, &start, end, &key, "a label", err));
        label = second;
        label_end = second_end;
    }
    return add_entry(t, key, label_field(l->bytes, label, label_end), err);
}

lk_status lk_record_labels_parse(struct lk_record_table *out, const uint8_t *bytes, size_t len, lk_error *err)
{
    return parse_lines(out, bytes, len, take_label_line, err);
}

lk_status lk_record_property_parse(uint64_t *identities, const uint8_t *bytes, size_t len, lk_error *err)
{
    struct lines l = {bytes, len, 0, 0};
    size_t start, end;
    uint64_t n;
    LK_NEED(next_line(&l, &start, &end) && take_digits(bytes, end, &start, &n) && start < end &&
                bytes[start] == ',',
            err, LK_EFORMAT, "expected \"identities,height,width\"");
    *identities = n;
    return LK_OK;
}
