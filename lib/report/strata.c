/* SPDX-License-Identifier: Apache-2.0 */
/* strata.c - scores against what faces are told apart by: sharpness, turn of the head, age, and the groups of a
 * labels file, of each unit's closest image. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/html.h"
#include "report/report.h"

enum { MAX_STRATA = 12, LABEL = 80 };

struct value {
    double train, holdout;
    bool found;
    size_t stratum; /* SIZE_MAX = not known */
};

struct work {
    const struct lk_report *r;
    const struct lk_face_image **image; /* of each unit; NULL = not known */
    struct value *values;
    double *sorted;
    char labels[MAX_STRATA][LABEL];
    size_t n_strata;
};

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double quantile(const double *sorted, size_t n, double p)
{
    double at = p * (double)(n - 1);
    size_t low = (size_t)at;
    return low + 1 < n ? sorted[low] + (at - (double)low) * (sorted[low + 1] - sorted[low]) : sorted[n - 1];
}

/* Quartiles of one gallery's scores within a stratum: ",q25,q50,q75". */
static void put_quartiles(const struct work *w, size_t stratum, bool holdout, FILE *f)
{
    size_t n = 0;
    for (size_t i = 0; i < w->r->n_units; i++) {
        double score = holdout ? w->values[i].holdout : w->values[i].train;
        if (w->values[i].stratum == stratum && isfinite(score))
            w->sorted[n++] = score;
    }
    if (n == 0) {
        fputs(",,,", f);
        return;
    }
    qsort(w->sorted, n, sizeof *w->sorted, by_size);
    for (int q = 1; q <= 3; q++)
        fprintf(f, ",%.6g", quantile(w->sorted, n, q / 4.0));
}

/* Tells the table of what is in w->values and w->labels, unless all are in one stratum. */
static lk_status tell(struct work *w, const char *name, const char *title, lk_strata_fn *each, void *user,
                      lk_error *err)
{
    uint64_t n[MAX_STRATA] = {0}, found[MAX_STRATA] = {0};
    size_t filled = 0;
    for (size_t i = 0; i < w->r->n_units; i++)
        if (w->values[i].stratum < w->n_strata) {
            n[w->values[i].stratum]++;
            found[w->values[i].stratum] += w->values[i].found;
        }
    for (size_t s = 0; s < w->n_strata; s++)
        filled += n[s] > 0;
    if (filled < 2)
        return LK_OK;
    char *text = NULL;
    size_t len;
    FILE *f = open_memstream(&text, &len);
    LK_NEED(f != NULL, err, LK_ENOMEM, "out of memory");
    fputs("stratum,units,discoveries,train_q25,train_median,train_q75,holdout_q25,holdout_median,holdout_q75\n", f);
    for (size_t s = 0; s < w->n_strata; s++) {
        if (n[s] == 0)
            continue;
        lk_csv_put(f, w->labels[s]);
        fprintf(f, ",%llu,%llu", (unsigned long long)n[s], (unsigned long long)found[s]);
        put_quartiles(w, s, false, f);
        put_quartiles(w, s, true, f);
        putc('\n', f);
    }
    lk_status status = fclose(f) == 0 ? each(user, name, title, text, err) : lk_fail(err, LK_ENOMEM, "out of memory");
    free(text);
    return status;
}

/* ---- numbers ---------------------------------------------------------------------------------------- */

typedef double number_fn(const struct lk_face_image *image);

static double sharpness_of(const struct lk_face_image *image)
{
    return (double)image->sharpness;
}

static double turn_of(const struct lk_face_image *image)
{
    return fabs((double)image->yaw);
}

static double age_of(const struct lk_face_image *image)
{
    return (double)image->age;
}

/* Strata below each edge, and one above the last. Labels are edges with a unit behind them. */
static lk_status by_edges(struct work *w, number_fn *number, const double *edges, size_t n_edges, const char *unit,
                          const char *name, const char *title, lk_strata_fn *each, void *user, lk_error *err)
{
    w->n_strata = n_edges + 1;
    for (size_t s = 0; s <= n_edges; s++) {
        if (s == 0)
            snprintf(w->labels[s], LABEL, "below %.3g%s", edges[0], unit);
        else if (s == n_edges)
            snprintf(w->labels[s], LABEL, "%.3g%s and more", edges[n_edges - 1], unit);
        else
            snprintf(w->labels[s], LABEL, "%.3g to %.3g%s", edges[s - 1], edges[s], unit);
    }
    for (size_t i = 0; i < w->r->n_units; i++) {
        double v = w->image[i] != NULL ? number(w->image[i]) : NAN;
        size_t s = 0;
        while (s < n_edges && v >= edges[s])
            s++;
        w->values[i].stratum = isfinite(v) ? s : SIZE_MAX;
    }
    return tell(w, name, title, each, user, err);
}

/* Four strata of equal size. */
static lk_status by_quartiles(struct work *w, number_fn *number, const char *name, const char *title,
                              lk_strata_fn *each, void *user, lk_error *err)
{
    size_t n = 0;
    for (size_t i = 0; i < w->r->n_units; i++) {
        double v = w->image[i] != NULL ? number(w->image[i]) : NAN;
        if (isfinite(v))
            w->sorted[n++] = v;
    }
    if (n < 8)
        return LK_OK;
    qsort(w->sorted, n, sizeof *w->sorted, by_size);
    double edges[3];
    for (int q = 0; q < 3; q++)
        edges[q] = quantile(w->sorted, n, (q + 1) / 4.0);
    return by_edges(w, number, edges, 3, "", name, title, each, user, err);
}

/* ---- groups of a labels file ------------------------------------------------------------------------ */

/* A column with more values than fit is no stratum: perhaps names. */
static lk_status by_group(struct work *w, size_t column, lk_strata_fn *each, void *user, lk_error *err)
{
    const char *group = w->r->sets[LK_SYNTHETIC].faces.group_names[column];
    w->n_strata = 0;
    for (size_t i = 0; i < w->r->n_units; i++) {
        const struct lk_face_image *image = w->image[i];
        const char *text = image != NULL && column < image->n_groups ? image->groups[column] : NULL;
        w->values[i].stratum = SIZE_MAX;
        if (text == NULL)
            continue;
        char label[LABEL];
        snprintf(label, sizeof label, "%s", text);
        size_t s = 0;
        while (s < w->n_strata && strcmp(w->labels[s], label) != 0)
            s++;
        if (s == MAX_STRATA)
            return LK_OK;
        if (s == w->n_strata)
            memcpy(w->labels[w->n_strata++], label, LABEL);
        w->values[i].stratum = s;
    }
    char name[40];
    snprintf(name, sizeof name, "strata-group-%zu", column + 1);
    return tell(w, name, group, each, user, err);
}

/* ---- all -------------------------------------------------------------------------------------------- */

static lk_status tell_all(struct work *w, lk_strata_fn *each, void *user, lk_error *err)
{
    static const double ages[] = {13, 18, 30, 45, 60}, turns[] = {10, 25, 45};
    const struct lk_report_set *s = &w->r->sets[LK_SYNTHETIC];
    LK_TRY(by_quartiles(w, sharpness_of, "strata-sharpness", "sharpness of the face", each, user, err));
    LK_TRY(by_edges(w, turn_of, turns, 3, "\xc2\xb0", "strata-turn", "turn of the head", each, user, err));
    LK_TRY(by_edges(w, age_of, ages, 5, " years", "strata-age", "estimated age", each, user, err));
    for (size_t g = 0; g < s->faces.n_groups && !w->r->options->no_faces; g++) /* a group may name persons */
        LK_TRY(by_group(w, g, each, user, err));
    return LK_OK;
}

lk_status lk_report_strata(const struct lk_report *r, lk_strata_fn *each, void *user, lk_error *err)
{
    const struct lk_report_set *s = &r->sets[LK_SYNTHETIC];
    if (!s->open)
        return LK_OK;
    struct work w = {.r = r,
                     .image = lk_calloc(r->n_units, sizeof *w.image, err),
                     .values = lk_calloc(r->n_units, sizeof *w.values, err),
                     .sorted = lk_calloc(r->n_units, sizeof *w.sorted, err)};
    lk_status status = w.image != NULL && w.values != NULL && w.sorted != NULL ? LK_OK : LK_ENOMEM;
    for (size_t i = 0; status == LK_OK && i < r->n_units; i++) {
        const struct lk_report_unit *u = &r->units[i];
        w.image[i] = lk_faces_image(&s->faces, u->image);
        w.values[i] = (struct value){u->train, u->holdout, u->discovered, SIZE_MAX};
    }
    if (status == LK_OK)
        status = tell_all(&w, each, user, err);
    free(w.image);
    free(w.values);
    free(w.sorted);
    return status;
}
