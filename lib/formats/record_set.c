/* SPDX-License-Identifier: Apache-2.0 */
/* record_set.c - finds the pictures of a record file and whose they are. */
#include "formats/record_set.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"

enum { SAMPLE = 64, PAUSE_RECORDS = 1024 };

struct maker {
    struct lk_record_set *set;
    const uint8_t *bytes;
    size_t len;
    bool labels; /* wanted */
    lk_record_pause_fn *pause;
    void *arg;
    unsigned n_steps;
    uint64_t n_integer_labels, first_bad_label;
    lk_error *err;
};

__attribute__((format(printf, 2, 3))) static void note(struct maker *m, const char *format, ...)
{
    if (m->set->n_notes == LK_RECORD_NOTES)
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(m->set->notes[m->set->n_notes++], sizeof m->set->notes[0], format, args);
    va_end(args);
}

static lk_status step(struct maker *m)
{
    return m->pause != NULL && ++m->n_steps % PAUSE_RECORDS == 0 ? m->pause(m->arg, m->err) : LK_OK;
}

/* ---- records in memory ------------------------------------------------------------------------- */

/* Labels of the record at an offset; *has_picture = something stands behind them. */
static lk_status read_head(const struct maker *m, uint64_t offset, struct lk_record_head *out,
                           bool *has_picture, lk_error *err)
{
    LK_NEED(offset < m->len, err, LK_EFORMAT, "byte %" PRIu64 " is outside the file", offset);
    struct lk_record record;
    uint8_t bytes[LK_RECORD_HEAD_BYTES];
    LK_TRY(lk_record_find(m->bytes + offset, m->len - (size_t)offset, offset, &record, NULL, err));
    size_t n = lk_record_join(m->bytes + offset, &record, bytes, sizeof bytes);
    LK_TRY(lk_record_head_parse(bytes, n, record.length, out, err));
    *has_picture = out->picture < record.length;
    return LK_OK;
}

static lk_status add_picture(struct maker *m, uint64_t offset, uint64_t key, int64_t label)
{
    struct lk_record_set *s = m->set;
    LK_NEED(key <= UINT32_MAX, m->err, LK_EUNSUP, "record number %" PRIu64 ", expected at most %u", key,
            UINT32_MAX);
    LK_TRY(lk_grow(&s->pictures, &s->capacity, s->n + 1, sizeof *s->pictures, m->err));
    s->pictures[s->n++] = (struct lk_record_picture){offset, (uint32_t)key, (int32_t)label};
    return LK_OK;
}

/* The label of a picture, which is counted when it is odd. */
static int64_t take_label(struct maker *m, uint64_t key, uint32_t bits)
{
    bool integer;
    int64_t label = lk_record_label(bits, &integer);
    m->n_integer_labels += integer;
    if (label < 0 && m->set->n_bad_labels++ == 0)
        m->first_bad_label = key;
    return label;
}

/* ---- without an index -------------------------------------------------------------------------- */

/* Lists the records as they lie in the file. What is damaged is one entry, up to where a record starts again.
 */
static lk_status scan(struct maker *m, struct lk_record_table *out)
{
    struct lk_record_table t = {0};
    uint64_t n_damaged = 0, first_damaged = 0;
    lk_status status = LK_OK;
    for (size_t at = 0; at < m->len && status == LK_OK;) {
        struct lk_record record;
        struct lk_record_trouble trouble;
        if ((status = lk_grow(&t.entries, &t.capacity, t.n + 1, sizeof *t.entries, m->err)) != LK_OK)
            break;
        t.entries[t.n] = (struct lk_record_entry){t.n, at};
        t.n++;
        if (lk_record_find(m->bytes + at, m->len - at, at, &record, &trouble, NULL) == LK_OK) {
            at += record.extent;
        } else {
            if (n_damaged++ == 0)
                first_damaged = at;
            at = lk_record_resume(m->bytes, m->len, at + (trouble.reached > 0 ? trouble.reached : 4));
        }
        status = step(m);
    }
    if (status != LK_OK) {
        lk_record_table_free(&t);
        return status;
    }
    if (n_damaged == t.n) { /* no record file at all; an empty one is said to hold no pictures */
        lk_record_table_free(&t);
        struct lk_record record;
        return m->len > 0 ? lk_record_find(m->bytes, m->len, 0, &record, NULL, m->err) : LK_OK;
    }
    if (n_damaged > 0)
        note(m,
             "%" PRIu64 " damaged places (first: byte %" PRIu64
             "); each is listed as one picture that cannot "
             "be read",
             n_damaged, first_damaged);
    *out = t;
    return LK_OK;
}

/* ---- does the index fit? ----------------------------------------------------------------------- */

static bool is_record(const struct maker *m, uint64_t offset, size_t *end)
{
    struct lk_record record;
    if (offset >= m->len ||
        lk_record_find(m->bytes + offset, m->len - (size_t)offset, offset, &record, NULL, NULL) != LK_OK)
        return false;
    *end = (size_t)offset + record.extent;
    return true;
}

/* Says with a note when it does not: most of a sample is no record, or records follow behind the last. */
static bool index_fits(struct maker *m, const struct lk_record_table *index)
{
    size_t n_sample = index->n < SAMPLE ? index->n : SAMPLE, n_inside = 0, n_records = 0, end = 0;
    for (size_t i = 0; i < n_sample; i++) {
        uint64_t offset = index->entries[i * (index->n - 1) / (n_sample > 1 ? n_sample - 1 : 1)].value;
        n_inside += offset < m->len;
        n_records += is_record(m, offset, &end);
    }
    if (2 * n_records < n_inside || n_inside == 0) {
        note(m,
             "the index does not fit: of %zu entries tried, %zu point into the file and %zu at a record; the "
             "records are found by their magic numbers instead",
             n_sample, n_inside, n_records);
        return false;
    }
    uint64_t last = 0;
    for (size_t i = 0; i < index->n; i++)
        if (index->entries[i].value > last)
            last = index->entries[i].value;
    if (is_record(m, last, &end) && is_record(m, end, &end)) {
        note(m,
             "the index leaves records out (at byte %zu and behind); the records are found by their magic "
             "numbers instead",
             end);
        return false;
    }
    return true;
}

/* ---- pictures and labels ----------------------------------------------------------------------- */

/* Lists the records from `first` on with their labels, except for those that hold no picture. */
static lk_status label_each(struct maker *m, const struct lk_record_table *records, size_t first,
                            uint64_t end_key)
{
    for (size_t i = first; i < records->n && records->entries[i].key < end_key; i++) {
        uint64_t key = records->entries[i].key, offset = records->entries[i].value;
        struct lk_record_head head;
        bool has_picture = false;
        lk_status status = read_head(m, offset, &head, &has_picture, NULL);
        if (status != LK_OK || has_picture)
            LK_TRY(add_picture(m, offset, key, status == LK_OK ? take_label(m, key, head.labels[0]) : -1));
        LK_TRY(step(m));
    }
    return LK_OK;
}

static bool whole_label(uint32_t bits, uint64_t *out)
{
    bool integer;
    int64_t label = lk_record_label(bits, &integer);
    *out = (uint64_t)label;
    return label >= 0 && !integer;
}

/* Gives the pictures of one identity record their label; false when the record is not sound. */
static bool label_range(struct maker *m, uint64_t offset, size_t *n_labelled)
{
    struct lk_record_head range, picture;
    bool has_picture = false;
    uint64_t start, end, label;
    size_t i, first;
    if (read_head(m, offset, &range, &has_picture, NULL) != LK_OK || has_picture || range.flag < 2 ||
        !whole_label(range.labels[0], &start) || !whole_label(range.labels[1], &end) || start >= end ||
        !lk_record_set_find(m->set, start, &first) ||
        read_head(m, m->set->pictures[first].offset, &picture, &has_picture, NULL) != LK_OK || !has_picture ||
        !whole_label(picture.labels[0], &label))
        return false;
    for (i = first; i < m->set->n && m->set->pictures[i].key < end; i++) {
        if (m->set->pictures[i].label >= 0)
            return false;
        m->set->pictures[i].label = (int32_t)label;
    }
    *n_labelled += i - first;
    return true;
}

/* Lists the pictures of keys below pictures_end by the identity records that follow; *sound = that was
 * possible, else nothing is listed. */
static lk_status label_ranges(struct maker *m, const struct lk_record_table *records, uint64_t pictures_end,
                              uint64_t identities_end, bool *sound)
{
    size_t i = 1, n_labelled = 0;
    for (; i < records->n && records->entries[i].key < pictures_end; i++)
        LK_TRY(add_picture(m, records->entries[i].value, records->entries[i].key, -1));
    *sound = i < records->n && m->set->n > 0;
    for (; *sound && i < records->n && records->entries[i].key < identities_end; i++) {
        *sound = label_range(m, records->entries[i].value, &n_labelled);
        LK_TRY(step(m));
    }
    *sound = *sound && n_labelled == m->set->n;
    if (!*sound)
        m->set->n = 0;
    return LK_OK;
}

/* Is the first record InsightFace's, which says where pictures and identities end? */
static bool is_head_record(const struct maker *m, const struct lk_record_table *records,
                           uint64_t *pictures_end, uint64_t *identities_end)
{
    struct lk_record_head head;
    bool has_picture = false;
    if (records->entries[0].key != 0 ||
        read_head(m, records->entries[0].value, &head, &has_picture, NULL) != LK_OK || has_picture ||
        head.flag == 0 || !whole_label(head.labels[0], pictures_end) || *pictures_end < 2)
        return false;
    if (head.flag < 2 || !whole_label(head.labels[1], identities_end))
        *identities_end = 0;
    return true;
}

/* Lists the pictures of records that were found or are in the index. */
static lk_status list_pictures(struct maker *m, const struct lk_record_table *records, bool indexed)
{
    uint64_t pictures_end = UINT64_MAX, identities_end = 0;
    bool has_head = is_head_record(m, records, &pictures_end, &identities_end), sound = false;
    size_t first = has_head ? 1 : 0;
    m->set->has_head = has_head;
    for (size_t i = first; indexed && !m->labels && i < records->n && records->entries[i].key < pictures_end;
         i++)
        LK_TRY(add_picture(m, records->entries[i].value, records->entries[i].key, -1));
    if (indexed && !m->labels)
        sound = true;
    else if (has_head && indexed && identities_end > pictures_end)
        LK_TRY(label_ranges(m, records, pictures_end, identities_end, &sound));
    if (!sound)
        LK_TRY(label_each(m, records, first, indexed ? pictures_end : UINT64_MAX));
    if (has_head && m->set->n != pictures_end - 1)
        note(m, "%zu pictures, but the first record says %" PRIu64, m->set->n, pictures_end - 1);
    return LK_OK;
}

static void note_labels(struct maker *m)
{
    if (m->set->n_bad_labels > 0)
        note(m,
             "%" PRIu64 " records have a label that is no whole number from 0 to 2147483647 (first: record "
             "%" PRIu64 "): no identity",
             m->set->n_bad_labels, m->first_bad_label);
    if (m->n_integer_labels > 0)
        note(m, "%" PRIu64 " labels are stored as integers where float32 is expected; taken as integers",
             m->n_integer_labels);
}

static lk_status make(struct maker *m, const struct lk_record_table *index)
{
    struct lk_record_table found = {0};
    bool indexed = index != NULL && index->n > 0 && index_fits(m, index);
    if (!indexed)
        LK_TRY(scan(m, &found));
    const struct lk_record_table *records = indexed ? index : &found;
    lk_status status = records->n > 0 ? list_pictures(m, records, indexed) : LK_OK;
    lk_record_table_free(&found);
    LK_TRY(status);
    LK_NEED(m->set->n > 0, m->err, LK_EFORMAT, "no pictures in this record file of %zu bytes", m->len);
    note_labels(m);
    return LK_OK;
}

lk_status lk_record_set_make(struct lk_record_set *out, const uint8_t *bytes, size_t len,
                             const struct lk_record_table *index, bool labels, lk_record_pause_fn *pause,
                             void *arg, lk_error *err)
{
    struct lk_record_set set = {0};
    struct maker m = {
        .set = &set, .bytes = bytes, .len = len, .labels = labels, .pause = pause, .arg = arg, .err = err};
    lk_status status = make(&m, index);
    if (status != LK_OK) {
        lk_record_set_free(&set);
        return status;
    }
    *out = set;
    return LK_OK;
}

void lk_record_set_free(struct lk_record_set *set)
{
    free(set->pictures);
    *set = (struct lk_record_set){0};
}

bool lk_record_set_find(const struct lk_record_set *set, uint64_t key, size_t *picture)
{
    size_t low = 0, high = set->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (set->pictures[middle].key < key)
            low = middle + 1;
        else
            high = middle;
    }
    *picture = low;
    return low < set->n && set->pictures[low].key == key;
}
