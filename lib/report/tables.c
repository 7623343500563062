/* SPDX-License-Identifier: Apache-2.0 */
/* tables.c - reads the tables of a MEASURE directory: identities, persons, curve, matchers. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/report.h"
#include "report/table.h"

struct reading {
    struct lk_report *r;
    size_t capacity;
};

static const json_t *outputs_of(const struct lk_report *r)
{
    return json_object_get(r->measures, "outputs");
}

static lk_status read_table(struct lk_report *r, const char *name, const char *const *columns, size_t n_columns,
                            size_t n_required, lk_table_row_fn *each, lk_error *err)
{
    struct lk_table t;
    struct reading reading = {r, 0};
    LK_TRY(lk_table_open(&t, r->options->measures, name, outputs_of(r), err));
    lk_status status = lk_table_read(&t, columns, n_columns, n_required, each, &reading, err);
    lk_table_close(&t);
    return status;
}

uint64_t lk_report_all_rows(const struct lk_report_set *set)
{
    return set->open ? set->faces.matrix.rows : set->rows + set->excluded + set->n_filtered;
}

/* ---- identities.csv --------------------------------------------------------------------------------- */

enum {
    I_IDENTITY,
    I_IMAGES,
    I_TRAIN,
    I_HOLDOUT,
    I_MARGIN,
    I_Q,
    I_DISCOVERY,
    I_PERSON,
    I_P_CONTROL,
    I_Q_CONTROL,
    I_IMAGE,
    I_REFERENCE,
    I_IMAGE_PATH,
    I_E_VALUE,
    I_KIND,
    I_COLUMNS
};
static const char *const identity_columns[I_COLUMNS] = {
    "identity",  "images",    "train", "holdout",   "margin",     "q",       "discovery", "person",
    "p_control", "q_control", "image", "reference", "image_path", "e_value", "kind"};

static lk_status add_unit(void *user, const struct lk_csv *csv, const size_t *column, lk_error *err)
{
    struct reading *reading = user;
    struct lk_report *r = reading->r;
    LK_TRY(lk_grow(&r->units, &reading->capacity, r->n_units + 1, sizeof *r->units, err));
    struct lk_report_unit *u = &r->units[r->n_units++];
    uint64_t discovery;
    *u = (struct lk_report_unit){.truth = -1};
    LK_TRY(lk_table_text(csv, column[I_IDENTITY], &u->identity, err));
    LK_TRY(lk_csv_u64(csv, column[I_IMAGES], &u->n_images, err));
    LK_TRY(lk_table_score(csv, column[I_TRAIN], &u->train, err));
    LK_TRY(lk_table_number(csv, column[I_HOLDOUT], &u->holdout, err));
    LK_NEED(isnan(u->holdout) || fabs(u->holdout) < 1.001, err, LK_EFORMAT,
            "line %llu: score %g, expected -1 to 1", (unsigned long long)csv->line, u->holdout);
    LK_TRY(lk_table_number(csv, column[I_MARGIN], &u->margin, err));
    LK_TRY(lk_table_number(csv, column[I_Q], &u->q, err));
    LK_TRY(lk_csv_u64(csv, column[I_DISCOVERY], &discovery, err));
    u->discovered = discovery != 0;
    LK_TRY(lk_table_text(csv, column[I_PERSON], &u->person, err));
    LK_TRY(lk_table_number(csv, column[I_P_CONTROL], &u->p_control, err));
    LK_TRY(lk_table_number(csv, column[I_Q_CONTROL], &u->q_control, err));
    LK_TRY(lk_table_row(csv, column[I_IMAGE], lk_report_all_rows(&r->sets[LK_SYNTHETIC]), &u->image, err));
    LK_TRY(lk_table_row(csv, column[I_REFERENCE], lk_report_all_rows(&r->sets[LK_TRAINING]), &u->reference,
                        err));
    LK_TRY(lk_table_text(csv, column[I_IMAGE_PATH], &u->image_path, err));
    LK_TRY(lk_table_number(csv, column[I_E_VALUE], &u->e_value, err));
    return lk_table_text(csv, column[I_KIND], &u->kind, err);
}

/* ---- persons.csv ------------------------------------------------------------------------------------ */

enum { P_GALLERY, P_PERSON, P_SCORE, P_Q, P_IN_DEGREE, P_COLUMNS };
static const char *const person_columns[P_COLUMNS] = {"gallery", "person", "score", "q", "in_degree"};

static lk_status add_person(void *user, const struct lk_csv *csv, const size_t *column, lk_error *err)
{
    struct reading *reading = user;
    struct lk_report *r = reading->r;
    LK_TRY(lk_grow(&r->persons, &reading->capacity, r->n_persons + 1, sizeof *r->persons, err));
    struct lk_report_person *p = &r->persons[r->n_persons++];
    *p = (struct lk_report_person){.in_train = strcmp(lk_csv_field(csv, column[P_GALLERY]), "train") == 0};
    LK_TRY(lk_table_score(csv, column[P_SCORE], &p->score, err));
    LK_TRY(lk_table_number(csv, column[P_Q], &p->q, err));
    LK_TRY(lk_csv_u64(csv, column[P_IN_DEGREE], &p->in_degree, err));
    return p->in_train ? lk_table_text(csv, column[P_PERSON], &p->name, err) : LK_OK;
}

/* ---- curve.csv -------------------------------------------------------------------------------------- */

static const char *const curve_columns[LK_N_CURVE] = {
    "score",        "train",  "train_low",  "train_high",  "holdout", "holdout_low",
    "holdout_high", "excess", "excess_low", "excess_high", "control"};

static lk_status add_point(void *user, const struct lk_csv *csv, const size_t *column, lk_error *err)
{
    struct reading *reading = user;
    struct lk_report *r = reading->r;
    LK_TRY(lk_grow(&r->curve, &reading->capacity, r->n_curve + 1, sizeof *r->curve, err));
    struct lk_report_curve *point = &r->curve[r->n_curve++];
    for (size_t i = 0; i < LK_N_CURVE; i++)
        LK_TRY(lk_table_number(csv, column[i], &point->at[i], err));
    LK_NEED(isfinite(point->at[LK_AT]) && (r->n_curve == 1 || point->at[LK_AT] > point[-1].at[LK_AT]), err,
            LK_EFORMAT, "line %llu: score %g, expected rising ones", (unsigned long long)csv->line,
            point->at[LK_AT]);
    return LK_OK;
}

/* ---- matchers.csv ----------------------------------------------------------------------------------- */

enum { OF_EACH = 3 };

static lk_status add_common(void *user, const struct lk_csv *csv, const size_t *column, lk_error *err)
{
    struct reading *reading = user;
    struct lk_report *r = reading->r;
    size_t n = r->n_common + 1;
    for (size_t i = 0; i < r->n_matchers; i++) {
        struct lk_report_matcher *m = &r->matchers[i];
        size_t c[OF_EACH] = {reading->capacity, reading->capacity, reading->capacity};
        LK_TRY(lk_grow(&m->margin, &c[0], n, sizeof *m->margin, err));
        LK_TRY(lk_grow(&m->p, &c[1], n, sizeof *m->p, err));
        LK_TRY(lk_grow(&m->discovered, &c[2], n, sizeof *m->discovered, err));
        uint64_t discovery;
        LK_TRY(lk_table_number(csv, column[OF_EACH * i], &m->margin[n - 1], err));
        LK_TRY(lk_table_number(csv, column[OF_EACH * i + 1], &m->p[n - 1], err));
        LK_TRY(lk_csv_u64(csv, column[OF_EACH * i + 2], &discovery, err));
        m->discovered[n - 1] = discovery != 0;
        if (i + 1 == r->n_matchers)
            reading->capacity = c[0];
    }
    r->n_common = n;
    return LK_OK;
}

static lk_status read_matchers(struct lk_report *r, lk_error *err)
{
    static const char *const kinds[OF_EACH] = {"margin", "p", "discovery"};
    const json_t *list = lk_report_measure(r, "L9_matchers", "matchers");
    size_t n = json_array_size(list);
    if (n == 0)
        return LK_OK;
    LK_NEED(n <= LK_MAX_MATCHERS, err, LK_EFORMAT, "measures.json: %zu matchers, expected at most %d", n,
            LK_MAX_MATCHERS);
    char columns[OF_EACH * LK_MAX_MATCHERS][100];
    const char *names[OF_EACH * LK_MAX_MATCHERS];
    for (size_t i = 0; i < n; i++) {
        r->matchers[i].name = json_string_value(json_object_get(json_array_get(list, i), "name"));
        LK_NEED(r->matchers[i].name != NULL, err, LK_EFORMAT, "measures.json: matcher %zu has no name", i);
        for (size_t k = 0; k < OF_EACH; k++) {
            names[OF_EACH * i + k] = columns[OF_EACH * i + k];
            snprintf(columns[OF_EACH * i + k], sizeof columns[0], "%s:%.80s", kinds[k], r->matchers[i].name);
        }
    }
    r->n_matchers = n;
    return read_table(r, "matchers.csv", names, OF_EACH * n, OF_EACH * n, add_common, err);
}

lk_status lk_report_read_tables(struct lk_report *r, lk_error *err)
{
    LK_TRY(read_table(r, "identities.csv", identity_columns, I_COLUMNS, I_E_VALUE, add_unit, err));
    LK_NEED(r->n_units > 0, err, LK_EFORMAT, "%s/identities.csv: no identities, expected at least one",
            r->options->measures);
    LK_TRY(read_table(r, "persons.csv", person_columns, P_COLUMNS, P_COLUMNS, add_person, err));
    LK_TRY(read_table(r, "curve.csv", curve_columns, LK_N_CURVE, LK_N_CURVE, add_point, err));
    return read_matchers(r, err);
}

void lk_report_free_tables(struct lk_report *r)
{
    for (size_t i = 0; i < r->n_units; i++) {
        free(r->units[i].identity);
        free(r->units[i].person);
        free(r->units[i].image_path);
        free(r->units[i].kind);
    }
    for (size_t i = 0; i < r->n_persons; i++)
        free(r->persons[i].name);
    for (size_t i = 0; i < r->n_matchers; i++) {
        free(r->matchers[i].margin);
        free(r->matchers[i].p);
        free(r->matchers[i].discovered);
    }
    free(r->units);
    free(r->persons);
    free(r->curve);
}
