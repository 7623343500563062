/* SPDX-License-Identifier: Apache-2.0 */
/* strata.c - synthetic identities grouped by what is known of their images, and what was found in each group.
 *
 * A variable is known before anything is compared and does not know T from H, so in every stratum T wins by
 * chance as often as in the whole. Strata are many looks at one audit: intervals and p-values of all of them
 * together are those of Bonferroni, and discoveries stay those of the whole run. */
#include <stdlib.h>
#include <string.h>

#include "audit/audit.h"
#include "stats/resample.h"

lk_status lk_audit_variable_parse(const char *text, struct lk_audit_variable *out, lk_error *err)
{
    const char *group;
    size_t len;
    struct lk_audit_variable v = {.field = LK_FIELD_AGE};
    bool known = lk_face_field_parse(text, strlen(text), &v.field, &group, &len);
    LK_NEED(known && len < sizeof v.group, err, LK_EINVAL,
            "strata '%.200s': expected age, sharpness, detector_score, feature_norm, yaw or group:NAME",
            text);
    snprintf(v.group, sizeof v.group, "%.*s", (int)len, group != NULL ? group : "");
    *out = v;
    return LK_OK;
}

const char *lk_audit_variable_text(const struct lk_audit_variable *variable,
                                   char text[LK_AUDIT_VARIABLE_TEXT])
{
    if (variable->field != LK_FIELD_GROUP)
        return lk_face_field_name(variable->field);
    snprintf(text, LK_AUDIT_VARIABLE_TEXT, "%s%s", lk_faces_csv_group, variable->group);
    return text;
}

/* ---- values of units -------------------------------------------------------------------------------- */

/* Of one variable, and of each unit its value: a number, or the name of its group. */
struct values {
    const struct lk_audit *a;
    size_t variable, column;
    double *number;
    const char **name; /* borrowed */
    size_t *stratum;   /* of each unit: its place in a->strata */
};

static const char unknown[] = "not known", several[] = "several";

static double median_of(const struct values *v, const struct lk_audit_unit *unit, double *some)
{
    const struct lk_audit_set *s = v->a->in->synthetic;
    size_t n = 0;
    for (uint32_t i = s->start[unit->identity]; i < s->start[unit->identity + 1]; i++) {
        const struct lk_face_image *image =
            lk_faces_image(&s->file.faces, lk_audit_file_row(s, s->rows_of[i]));
        double value = lk_face_number(image, v->a->in->variables[v->variable].field);
        if (!isnan(value))
            some[n++] = value;
    }
    if (n == 0)
        return NAN;
    qsort(some, n, sizeof *some, lk_double_order);
    return lk_sorted_quantile(some, n, 0.5);
}

static const char *group_of(const struct values *v, const struct lk_audit_unit *unit)
{
    const struct lk_audit_set *s = v->a->in->synthetic;
    const char *name = NULL;
    for (uint32_t i = s->start[unit->identity]; i < s->start[unit->identity + 1]; i++) {
        const char *group =
            lk_faces_image(&s->file.faces, lk_audit_file_row(s, s->rows_of[i]))->groups[v->column];
        if (group != NULL && name != NULL && strcmp(group, name) != 0)
            return several;
        name = group != NULL ? group : name;
    }
    return name != NULL ? name : unknown;
}

/* ---- strata of a variable --------------------------------------------------------------------------- */

static lk_status add(struct lk_audit *a, size_t *capacity, struct lk_audit_stratum stratum, lk_error *err)
{
    LK_NEED(a->n_strata < LK_MAX_STRATA, err, LK_EINVAL,
            "strata: more than %d in all; expected variables with fewer values", LK_MAX_STRATA);
    LK_TRY(lk_grow(&a->strata, capacity, a->n_strata + 1, sizeof *a->strata, err));
    a->strata[a->n_strata++] = stratum;
    return LK_OK;
}

/* Children, adolescents and adults for ages; else three parts with as many units. */
static lk_status add_ranges(struct lk_audit *a, const struct values *v, size_t *capacity, lk_error *err)
{
    static const char *const ages[] = {"below 13", "13 to 17", "18 and more"};
    static const char *const thirds[] = {"lowest third", "middle third", "highest third"};
    bool by_age = a->in->variables[v->variable].field == LK_FIELD_AGE;
    double bounds[4] = {NAN, 13, 18, NAN}, *sorted = lk_calloc(a->n_units, sizeof *sorted, err);
    if (sorted == NULL)
        return LK_ENOMEM;
    size_t n = 0;
    for (size_t u = 0; u < a->n_units; u++)
        if (!isnan(v->number[u]))
            sorted[n++] = v->number[u];
    if (!by_age && n > 0) {
        qsort(sorted, n, sizeof *sorted, lk_double_order);
        bounds[1] = lk_sorted_quantile(sorted, n, 1.0 / 3);
        bounds[2] = lk_sorted_quantile(sorted, n, 2.0 / 3);
    }
    free(sorted);
    size_t first = a->n_strata;
    for (int i = 0; i < 3; i++) {
        struct lk_audit_stratum s = {.variable = v->variable, .low = bounds[i], .high = bounds[i + 1]};
        snprintf(s.name, sizeof s.name, "%s", by_age ? ages[i] : thirds[i]);
        LK_TRY(add(a, capacity, s, err));
    }
    for (size_t u = 0; u < a->n_units; u++)
        v->stratum[u] = first + (v->number[u] >= bounds[1]) + (v->number[u] >= bounds[2]);
    if (n == a->n_units)
        return LK_OK;
    for (size_t u = 0; u < a->n_units; u++)
        if (isnan(v->number[u]))
            v->stratum[u] = a->n_strata;
    struct lk_audit_stratum s = {.variable = v->variable, .low = NAN, .high = NAN};
    snprintf(s.name, sizeof s.name, "%s", unknown);
    return add(a, capacity, s, err);
}

struct named {
    const char *name;
    size_t unit;
};

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct named *)a)->name, ((const struct named *)b)->name);
}

static lk_status add_groups(struct lk_audit *a, const struct values *v, size_t *capacity, lk_error *err)
{
    struct named *named = lk_calloc(a->n_units, sizeof *named, err);
    lk_status status = named != NULL ? LK_OK : LK_ENOMEM;
    for (size_t u = 0; status == LK_OK && u < a->n_units; u++)
        named[u] = (struct named){v->name[u], u};
    if (status == LK_OK)
        qsort(named, a->n_units, sizeof *named, by_name);
    for (size_t i = 0; status == LK_OK && i < a->n_units; i++) {
        if (i == 0 || strcmp(named[i].name, named[i - 1].name) != 0) {
            struct lk_audit_stratum s = {.variable = v->variable, .low = NAN, .high = NAN};
            snprintf(s.name, sizeof s.name, "%s", named[i].name);
            status = add(a, capacity, s, err);
        }
        v->stratum[named[i].unit] = a->n_strata - 1;
    }
    free(named);
    return status;
}

static lk_status divide(struct lk_audit *a, struct values *v, size_t *capacity, lk_error *err)
{
    const struct lk_audit_variable *variable = &a->in->variables[v->variable];
    LK_TRY(
        lk_face_field_find(&a->in->synthetic->file.faces, variable->field, variable->group, &v->column, err));
    if (variable->field == LK_FIELD_GROUP) {
        for (size_t u = 0; u < a->n_units; u++)
            v->name[u] = group_of(v, &a->units[u]);
        return add_groups(a, v, capacity, err);
    }
    double *some = lk_calloc((size_t)a->in->synthetic->rows, sizeof *some, err);
    if (some == NULL)
        return LK_ENOMEM;
    for (size_t u = 0; u < a->n_units; u++)
        v->number[u] = median_of(v, &a->units[u], some);
    free(some);
    return add_ranges(a, v, capacity, err);
}

/* ---- what is in them -------------------------------------------------------------------------------- */

static void count(struct lk_audit *a, const struct values *v)
{
    for (size_t u = 0; u < a->n_units; u++) {
        struct lk_audit_stratum *s = &a->strata[v->stratum[u]];
        const struct lk_audit_unit *unit = &a->units[u];
        s->units++;
        s->images += unit->n_images;
        s->wins += unit->margin > 0;
        s->losses += unit->margin < 0;
        s->found += unit->found;
        s->decoys += -unit->margin >= a->competition.tau; /* false when either is NaN */
    }
    for (size_t i = 0; i < a->n_pairs; i++) {
        struct lk_audit_stratum *s = &a->strata[v->stratum[a->probe_unit[a->pair_probe[i]]]];
        s->pairs++;
        s->closest += i < LK_AUDIT_CLOSEST;
    }
}

/* The lists of one stratum's units. */
static lk_status lists_of(const struct lk_audit *a, const size_t *stratum, size_t which, struct lk_tops *out,
                          lk_error *err)
{
    size_t each = a->tops.n_galleries * a->tops.depth, n = 0;
    LK_TRY(lk_tops_new(out, (size_t)a->strata[which].units, a->tops.n_galleries, a->tops.depth, err));
    for (size_t u = 0; u < a->n_units; u++)
        if (stratum[u] == which)
            memcpy(out->top + n++ * each, a->tops.top + u * each, each * sizeof *out->top);
    return LK_OK;
}

static lk_status pull_of(struct lk_audit *a, const size_t *stratum, size_t which, const uint64_t *sizes,
                         lk_error *err)
{
    struct lk_audit_stratum *s = &a->strata[which];
    struct lk_tops tops;
    struct lk_votes votes = {0};
    LK_TRY(lists_of(a, stratum, which, &tops, err));
    lk_status status = lk_votes_new(&votes, &tops, sizes, err);
    if (status == LK_OK)
        status = lk_pull_within(a->ctx, &votes, 0.025 / (double)a->n_measured, a->in->seed, &s->pull, err);
    if (status == LK_OK)
        s->p = fmin(1, s->pull.p_more * (double)a->n_measured);
    lk_votes_free(&votes);
    lk_tops_free(&tops);
    return status;
}

static lk_status measure(struct lk_audit *a, const size_t *stratum, size_t first, size_t end, lk_error *err)
{
    uint64_t *sizes = lk_calloc(a->n_galleries, sizeof *sizes, err);
    lk_status status = sizes != NULL ? LK_OK : LK_ENOMEM;
    for (size_t g = 0; status == LK_OK && g < a->n_galleries; g++)
        sizes[g] = a->n_each;
    for (size_t i = first; status == LK_OK && i < end; i++)
        if (a->strata[i].measured)
            status = pull_of(a, stratum, i, sizes, err);
    free(sizes);
    return status;
}

static lk_status break_down(struct lk_audit *a, struct values *v, size_t *ends, size_t *stratum,
                            lk_error *err)
{
    size_t capacity = 0;
    for (size_t i = 0; i < a->in->n_variables; i++) {
        v->variable = i;
        v->stratum = stratum + i * a->n_units;
        LK_TRY(divide(a, v, &capacity, err));
        ends[i] = a->n_strata;
        count(a, v);
    }
    for (size_t i = 0; i < a->n_strata; i++) {
        struct lk_audit_stratum *s = &a->strata[i];
        s->measured = lk_audit_has_holdout(a) && s->units >= LK_AUDIT_STRATUM_MIN;
        a->n_measured += s->measured;
    }
    for (size_t i = 0; i < a->in->n_variables; i++)
        LK_TRY(measure(a, stratum + i * a->n_units, i > 0 ? ends[i - 1] : 0, ends[i], err));
    return LK_OK;
}

lk_status lk_audit_break_down(struct lk_audit *a, lk_error *err)
{
    size_t n = a->in->n_variables;
    if (n == 0)
        return LK_OK;
    size_t *ends = lk_calloc(n, sizeof *ends, err),
           *stratum = lk_calloc(n * a->n_units, sizeof *stratum, err);
    struct values v = {.a = a,
                       .number = lk_calloc(a->n_units, sizeof *v.number, err),
                       .name = lk_calloc(a->n_units, sizeof *v.name, err)};
    lk_status status = ends != NULL && stratum != NULL && v.number != NULL && v.name != NULL
                           ? break_down(a, &v, ends, stratum, err)
                           : LK_ENOMEM;
    free(ends);
    free(stratum);
    free(v.number);
    free(v.name);
    return status;
}
