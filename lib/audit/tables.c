/* SPDX-License-Identifier: Apache-2.0 */
/* tables.c - the tables of a measurement (docs/formats.md). */
#include <inttypes.h>
#include <stdlib.h>

#include "audit/audit.h"
#include "base/fs.h"
#include "formats/csv.h"

static const char *gallery_name(char name[32], uint32_t gallery)
{
    if (gallery == 0)
        return "train";
    snprintf(name, 32, "holdout%" PRIu32, gallery);
    return name;
}

/* Nine digits give back every float32. What is no number is an empty field. */
static void put_number(FILE *f, double value, int digits)
{
    putc(',', f);
    if (isfinite(value))
        fprintf(f, "%.*g", digits, value);
}

static void put_text(FILE *f, const char *text)
{
    putc(',', f);
    lk_csv_put(f, text);
}

static void put_kind(FILE *f, int8_t kind)
{
    put_text(f, kind == LK_AUDIT_NOT_READ ? NULL : lk_kind_name((enum lk_kind)kind));
}

/* The pair behind the best score in a hold-out. */
static void put_held(const struct lk_audit *a, const struct lk_audit_unit *unit, FILE *f)
{
    if (unit->held_gallery == 0) {
        fputs(",,,,,", f);
        return;
    }
    const struct lk_audit_set *s = a->in->synthetic, *h = a->persons[unit->held_gallery * a->n_each].set;
    char name[32];
    fprintf(f, ",%s,%" PRIu32 ",%" PRIu32, gallery_name(name, unit->held_gallery),
            lk_audit_file_row(s, unit->held_image), lk_audit_file_row(h, unit->held_reference));
    put_text(f, lk_audit_row_path(s, unit->held_image));
    put_text(f, lk_audit_row_path(h, unit->held_reference));
}

/* With several hold-outs the best score in each, at most so many (readers of tables have limits): "holdout"
 * is the best of them, and lies higher by itself. */
enum { MOST_LISTED = 1000 };

static size_t listed_holdouts(const struct lk_audit *a)
{
    size_t n = a->n_galleries - 1;
    return n < 2 ? 0 : n < MOST_LISTED ? n : MOST_LISTED;
}

static void put_each_holdout_names(const struct lk_audit *a, FILE *f)
{
    char name[32];
    for (size_t g = 1; g <= listed_holdouts(a); g++)
        fprintf(f, ",%s", gallery_name(name, (uint32_t)g));
    putc('\n', f);
}

static void put_each_holdout(const struct lk_audit *a, size_t unit, FILE *f)
{
    for (size_t g = 1; g <= listed_holdouts(a); g++)
        put_number(f, (double)a->scores[unit * a->n_galleries + g], 9);
}

static void write_identities(const struct lk_audit *a, FILE *f)
{
    const struct lk_audit_set *s = a->in->synthetic, *t = a->in->train;
    fputs("identity,images,train,holdout,margin,q,discovery,person,in_degree,p_control,q_control,image,"
          "reference,image_path,reference_path,e_value,kind,holdout_gallery,holdout_image,holdout_reference,"
          "holdout_image_path,holdout_reference_path",
          f);
    put_each_holdout_names(a, f);
    for (size_t u = 0; u < a->n_units; u++) {
        const struct lk_audit_unit *unit = &a->units[u];
        const struct lk_audit_person *person = &a->persons[unit->nearest];
        lk_csv_put(f, lk_audit_person_name(s, unit->identity));
        fprintf(f, ",%" PRIu32, unit->n_images);
        put_number(f, (double)unit->t, 9);
        put_number(f, (double)unit->h, 9);
        put_number(f, unit->margin, 9);
        put_number(f, unit->q, 9);
        fprintf(f, ",%d", unit->found);
        put_text(f, lk_audit_person_name(person->set, person->person));
        fprintf(f, ",%" PRIu32, unit->in_degree);
        put_number(f, unit->p_control, 9);
        put_number(f, unit->q_control, 9);
        fprintf(f, ",%" PRIu32 ",%" PRIu32, lk_audit_file_row(s, unit->image),
                lk_audit_file_row(t, unit->reference));
        put_text(f, lk_audit_row_path(s, unit->image));
        put_text(f, lk_audit_row_path(t, unit->reference));
        put_number(f, unit->e, 9);
        put_kind(f, unit->kind);
        put_held(a, unit, f);
        put_each_holdout(a, u, f);
        putc('\n', f);
    }
}

static void write_persons(const struct lk_audit *a, FILE *f)
{
    const struct lk_audit_set *s = a->in->synthetic;
    fputs("gallery,person,images,score,p,q,in_degree,image,reference,image_path\n", f);
    for (size_t i = 0; i < a->n_persons; i++) {
        const struct lk_audit_person *p = &a->persons[i];
        bool tested = p->gallery == 0 && lk_audit_has_holdout(a);
        char name[32];
        fputs(gallery_name(name, p->gallery), f);
        put_text(f, lk_audit_person_name(p->set, p->person));
        fprintf(f, ",%" PRIu32, p->n_rows);
        put_number(f, (double)p->best, 9);
        put_number(f, tested ? p->p : NAN, 9);
        put_number(f, tested ? p->q : NAN, 9);
        fprintf(f, ",%" PRIu32 ",%" PRIu32 ",%" PRIu32, p->in_degree, lk_audit_file_row(s, p->best_row),
                lk_audit_file_row(p->set, p->set->rows_of[p->set->start[p->person]]));
        put_text(f, lk_audit_row_path(s, p->best_row));
        putc('\n', f);
    }
}

static void put_evalue(const struct lk_audit *a, size_t i, FILE *f)
{
    if (a->pair_e == NULL) {
        fputs(",,,,,", f);
        return;
    }
    const struct lk_evalue *e = &a->pair_e[i];
    fprintf(f, ",%d", e->flagged != 0);
    put_number(f, e->audit, 9);
    put_number(f, e->low, 9);
    put_number(f, e->high, 9);
    fprintf(f, ",%d", e->extrapolated != 0);
}

static void write_pairs(const struct lk_audit *a, FILE *f)
{
    const struct lk_audit_set *s = a->in->synthetic, *t = a->in->train;
    fputs("rank,score,e_value,kind,image,reference,image_path,reference_path,identity,person,flagged,e_audit,"
          "e_low,e_high,extrapolated\n",
          f);
    for (size_t i = 0; i < a->n_pairs; i++) {
        const struct lk_pair *pair = &a->pairs[i];
        uint32_t row = a->galleries[0].row[pair->reference];
        fprintf(f, "%zu", i + 1);
        put_number(f, (double)pair->score, 9);
        put_number(f, a->pair_e != NULL ? a->pair_e[i].e : NAN, 9);
        put_kind(f, a->pair_kind[i]);
        fprintf(f, ",%" PRIu32 ",%" PRIu32, lk_audit_file_row(s, pair->probe), lk_audit_file_row(t, row));
        put_text(f, lk_audit_row_path(s, pair->probe));
        put_text(f, lk_audit_row_path(t, row));
        put_text(f, lk_audit_person_name(s, s->person[pair->probe]));
        put_text(f, lk_audit_person_name(t, t->person[row]));
        put_evalue(a, i, f);
        putc('\n', f);
    }
}

static void put_interval(FILE *f, double value, struct lk_interval i)
{
    put_number(f, value, 9);
    put_number(f, i.low, 9);
    put_number(f, i.high, 9);
}

static void write_curve(const struct lk_audit *a, FILE *f)
{
    fputs("score,train,train_low,train_high,holdout,holdout_low,holdout_high,excess,excess_low,excess_high,"
          "control\n",
          f);
    for (size_t i = 0; i < a->n_curve; i++) {
        const struct lk_curve_point *p = &a->curve[i];
        fprintf(f, "%.2f", (double)p->score);
        put_interval(f, p->train, p->train_interval);
        put_interval(f, p->holdout, p->holdout_interval);
        put_interval(f, p->excess, p->excess_interval);
        put_number(f, (double)a->curve_controls[i], 9);
        putc('\n', f);
    }
}

static void write_doubles(const struct lk_audit *a, FILE *f)
{
    static const char *const places[LK_N_PLACES] = {"train", "holdout", "train-holdout", "synthetic"};
    fputs("place,score,name,other_name,dropped,other_dropped,reference,other_reference\n", f);
    for (size_t i = 0; i < a->doubles.n; i++) {
        const struct lk_audit_double *d = &a->doubles.pairs[i];
        fputs(places[d->place], f);
        put_number(f, (double)d->score, 9);
        put_text(f, lk_audit_person_name(d->set[0], d->person[0]));
        put_text(f, lk_audit_person_name(d->set[1], d->person[1]));
        fprintf(f, ",%d,%d", d->dropped[0], d->dropped[1]);
        for (int k = 0; k < 2; k++)
            fprintf(f, ",%" PRIu32,
                    lk_audit_file_row(d->set[k], d->set[k]->rows_of[d->set[k]->start[d->person[k]]]));
        putc('\n', f);
    }
}

static void write_strata(const struct lk_audit *a, FILE *f)
{
    fputs("variable,stratum,low,high,units,images,wins,losses,discoveries,decoys,pi,pi_low,pi_high,p_value,"
          "p_adjusted,pairs,pairs_share,closest_20\n",
          f);
    for (size_t i = 0; i < a->n_strata; i++) {
        const struct lk_audit_stratum *s = &a->strata[i];
        char by[LK_AUDIT_VARIABLE_TEXT];
        lk_csv_put(f, lk_audit_variable_text(&a->in->variables[s->variable], by));
        put_text(f, s->name);
        put_number(f, s->low, 9);
        put_number(f, s->high, 9);
        fprintf(f, ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64, s->units, s->images,
                s->wins, s->losses, s->found, s->decoys);
        put_number(f, s->measured ? s->pull.pi : NAN, 9);
        put_number(f, s->measured ? s->pull.pi_low : NAN, 9);
        put_number(f, s->measured ? s->pull.pi_high : NAN, 9);
        put_number(f, s->measured ? s->pull.p_more : NAN, 9);
        put_number(f, s->measured ? s->p : NAN, 9);
        fprintf(f, ",%" PRIu64, s->pairs);
        put_number(f, (double)s->pairs / (double)a->n_pairs, 9);
        fprintf(f, ",%" PRIu64 "\n", s->closest);
    }
}

static lk_status write_table(const struct lk_audit *a, const char *folder, const char *name,
                             void (*write)(const struct lk_audit *, FILE *), lk_error *err)
{
    char *path = lk_path_join(folder, name, err);
    if (path == NULL)
        return LK_ENOMEM;
    struct lk_out out;
    lk_status status = lk_out_open(&out, path, err);
    free(path);
    LK_TRY(status);
    write(a, out.stream);
    status = lk_out_commit(&out, err);
    lk_out_abandon(&out);
    return status;
}

lk_status lk_audit_write_tables(const struct lk_audit *a, const char *folder, lk_error *err)
{
    LK_TRY(write_table(a, folder, "identities.csv", write_identities, err));
    LK_TRY(write_table(a, folder, "persons.csv", write_persons, err));
    LK_TRY(write_table(a, folder, "pairs.csv", write_pairs, err));
    LK_TRY(write_table(a, folder, "curve.csv", write_curve, err));
    if (a->n_strata > 0)
        LK_TRY(write_table(a, folder, "strata.csv", write_strata, err));
    return write_table(a, folder, "doubles.csv", write_doubles, err);
}
