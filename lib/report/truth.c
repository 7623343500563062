/* SPDX-License-Identifier: Apache-2.0 */
/* truth.c - reads the truth of a planted set and counts what was found of it. */
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "formats/csv.h"
#include "report/report.h"

struct truth_row {
    char *file, *identity, *person; /* person: the training identity it was made from; NULL = none */
    int planted;
    int seen; /* a unit was matched to it */
};

struct truth_table {
    struct truth_row *rows;
    size_t n, capacity;
};

static void truth_free(struct truth_table *t)
{
    for (size_t i = 0; i < t->n; i++) {
        free(t->rows[i].file);
        free(t->rows[i].identity);
        free(t->rows[i].person);
    }
    free(t->rows);
}

enum { T_FILE, T_IDENTITY, T_PLANTED, T_PERSON, T_COLUMNS };
static const char *const truth_columns[T_COLUMNS] = {"file", "identity", "planted", "train_identity"};

static lk_status add_row(struct truth_table *t, const struct lk_csv *csv, const size_t *column, lk_error *err)
{
    uint64_t planted;
    LK_TRY(lk_csv_u64(csv, column[T_PLANTED], &planted, err));
    LK_NEED(planted <= 1, err, LK_EFORMAT, "line %llu: planted is %llu, expected 0 or 1",
            (unsigned long long)csv->line, (unsigned long long)planted);
    LK_TRY(lk_grow(&t->rows, &t->capacity, t->n + 1, sizeof *t->rows, err));
    struct truth_row *row = &t->rows[t->n++];
    const char *person = lk_csv_field(csv, column[T_PERSON]);
    *row = (struct truth_row){.planted = (int)planted};
    row->file = lk_strdup(lk_csv_field(csv, column[T_FILE]), err);
    row->identity = lk_strdup(lk_csv_field(csv, column[T_IDENTITY]), err);
    row->person = person[0] != '\0' ? lk_strdup(person, err) : NULL;
    return row->file == NULL || row->identity == NULL || (person[0] != '\0' && row->person == NULL)
               ? LK_ENOMEM
               : LK_OK;
}

static lk_status truth_read(struct truth_table *t, const char *path, char hex[65], lk_error *err)
{
    struct lk_map map;
    struct lk_csv csv;
    LK_TRY(lk_map_open(&map, path, err));
    lk_status status = lk_hash_bytes(map.bytes, map.len, hex, err);
    if (status == LK_OK)
        status = lk_csv_open(&csv, map.bytes, map.len, err);
    if (status == LK_OK) {
        size_t column[T_COLUMNS];
        for (size_t i = 0; status == LK_OK && i < T_COLUMNS; i++)
            status = lk_csv_column(&csv, truth_columns[i], &column[i], err);
        int more = 1;
        while (status == LK_OK && (status = lk_csv_next(&csv, &more, err)) == LK_OK && more)
            status = add_row(t, &csv, column, err);
        lk_csv_close(&csv);
    }
    if (status != LK_OK)
        lk_error_prefix(err, "%s", path);
    lk_map_close(&map);
    return status;
}

static int by_file(const void *a, const void *b)
{
    return strcmp(((const struct truth_row *)a)->file, ((const struct truth_row *)b)->file);
}

static int by_identity(const void *a, const void *b)
{
    int order = strcmp(((const struct truth_row *)a)->identity, ((const struct truth_row *)b)->identity);
    return order != 0 ? order : by_file(a, b);
}

/* The first row of an identity (rows sorted by identity), or n. */
static size_t first_of_identity(const struct truth_table *t, const char *identity)
{
    size_t low = 0, high = t->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(t->rows[middle].identity, identity) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < t->n && strcmp(t->rows[low].identity, identity) == 0 ? low : t->n;
}

/* The row of a picture (rows sorted by file): its path ends in "/FILE". The longest match counts. */
static size_t row_of_path(const struct truth_table *t, const char *path)
{
    for (const char *p = path; p != NULL; p = strchr(p, '/')) {
        p += *p == '/';
        struct truth_row key = {.file = (char *)(uintptr_t)p};
        const struct truth_row *row = bsearch(&key, t->rows, t->n, sizeof *t->rows, by_file);
        if (row != NULL)
            return (size_t)(row - t->rows);
    }
    return t->n;
}

/* Marks a unit from its rows first .. : planted when any of them is; its person when all agree on one. */
static void mark_unit(struct lk_report *r, struct lk_report_unit *unit, struct truth_table *t, size_t first)
{
    const char *person = NULL;
    unit->truth = 0;
    for (size_t i = first; i < t->n; i++) {
        struct truth_row *row = &t->rows[i];
        if (i > first && (unit->identity == NULL || strcmp(row->identity, unit->identity) != 0))
            break;
        row->seen = 1;
        unit->truth |= row->planted;
        if (row->planted && person == NULL)
            person = row->person;
    }
    const char *found = unit->person;
    if (unit->truth == 1 && person != NULL && found != NULL) {
        r->truth.n_person_known++;
        r->truth.n_right_person += strcmp(person, found) == 0;
    }
}

static void count_found(struct lk_report *r, const struct truth_table *t)
{
    for (size_t i = 0; i < r->n_units; i++) {
        const struct lk_report_unit *unit = &r->units[i];
        r->truth.n_planted += unit->truth == 1;
        r->truth.n_planted_found += unit->truth == 1 && unit->discovered;
        r->truth.n_false_found += unit->truth == 0 && unit->discovered;
        r->truth.n_unknown += unit->truth < 0;
        for (size_t k = 0; k < r->n_levels; k++) {
            r->levels[k].planted += unit->truth == 1 && unit->train >= r->levels[k].score;
            r->levels[k].innocent += unit->truth == 0 && unit->train >= r->levels[k].score;
        }
    }
    for (size_t i = 0; i < t->n; i++) {
        /* An identity is absent when none of its rows was seen; its rows follow each other. */
        bool starts = i == 0 || !r->by_identity || strcmp(t->rows[i].identity, t->rows[i - 1].identity) != 0;
        r->truth.n_planted_absent += starts && t->rows[i].planted && !t->rows[i].seen;
    }
}

lk_status lk_report_judge(struct lk_report *r, lk_error *err)
{
    if (r->options->truth == NULL)
        return LK_OK;
    struct truth_table t = {NULL, 0, 0};
    lk_status status = truth_read(&t, r->options->truth, r->truth.sha256, err);
    if (status == LK_OK) {
        r->truth.given = true;
        if (t.n > 0)
            qsort(t.rows, t.n, sizeof *t.rows, r->by_identity ? by_identity : by_file);
        for (size_t i = 0; i < r->n_units; i++) {
            struct lk_report_unit *unit = &r->units[i];
            const char *path = unit->image_path;
            size_t first = t.n;
            if (unit->identity != NULL)
                first = first_of_identity(&t, unit->identity);
            else if (!r->by_identity && path != NULL)
                first = row_of_path(&t, path);
            if (first < t.n)
                mark_unit(r, unit, &t, first);
        }
        count_found(r, &t);
        if (r->n_units > 0 && r->truth.n_unknown == r->n_units)
            status = lk_fail(err, LK_EFORMAT,
                             "%s: names none of the %zu synthetic units of this report; is it another set's?",
                             r->options->truth, r->n_units);
    }
    truth_free(&t);
    return status;
}
