/* SPDX-License-Identifier: Apache-2.0 */
/* tables.c - removal.csv and kept.csv: every image of the synthetic set stands in one of them. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/fs.h"
#include "clean/clean.h"
#include "formats/csv.h"

/* Nine digits give back every float32. What is no number is an empty field. */
static void put_number(FILE *f, double value)
{
    putc(',', f);
    if (isfinite(value))
        fprintf(f, "%.9g", value);
}

static void put_text(FILE *f, const char *text)
{
    putc(',', f);
    lk_csv_put(f, text);
}

static const char *cause_name(const struct lk_clean *c, const struct lk_clean_mark *m)
{
    if (m->cause == LK_CLEAN_COPY)
        return "copy";
    return c->options->criterion == LK_CLEAN_MARGIN   ? "margin"
           : c->options->criterion == LK_CLEAN_EVALUE ? "e_value"
           : c->by_controls                           ? "control"
                                                      : "discovery";
}

/* For people, and for images.csv of a set that is embedded without these. */
static void put_reason(const struct lk_clean *c, const struct lk_clean_mark *m, FILE *f)
{
    char text[200];
    if (m->cause == LK_CLEAN_COPY)
        snprintf(text, sizeof text, "cleaned: its identity holds a picture of the training set");
    else if (c->options->criterion == LK_CLEAN_EVALUE)
        snprintf(text, sizeof text, "cleaned: E-value %.3g of its identity, at most %.3g", m->lead.e, m->tau);
    else if (c->by_controls)
        snprintf(text, sizeof text, "cleaned: score %.4f of its identity, at least %.4f against controls",
                 (double)m->lead.t, m->tau);
    else
        snprintf(text, sizeof text, "cleaned: margin %.4f of its identity, at least %.4f", m->lead.margin,
                 m->tau);
    put_text(f, text);
}

static void put_item(const struct lk_clean *c, size_t item, FILE *f)
{
    const struct lk_faces *faces = &c->job.input.synthetic->file.faces;
    const struct lk_face_image *image = faces->images != NULL ? &faces->images[item] : NULL;
    lk_csv_put(f, image != NULL ? image->path : NULL);
    put_text(f, image != NULL ? image->identity : NULL);
    putc(',', f);
    if (image == NULL)
        fprintf(f, "%zu", item);
    else if (image->row >= 0)
        fprintf(f, "%" PRId64, image->row);
}

static void put_removed(const struct lk_clean *c, size_t item, FILE *f)
{
    const struct lk_audit_set *s = c->job.input.synthetic, *t = c->job.input.train;
    uint32_t identity = c->identity_of[item];
    put_item(c, item, f);
    if (identity == LK_CLEAN_NOBODY || !c->removed[identity]) { /* a list had left it out before */
        const char *message = s->file.faces.images[item].message;
        put_text(f, message != NULL ? message : "left out when the set was embedded");
        put_text(f, "excluded");
        for (int i = 0; i < 12; i++) /* no score, and whatever belongs to one */
            putc(',', f);
        fprintf(f, "%s\n", c->sha256[item]);
        return;
    }
    const struct lk_clean_mark *m = &c->marks[identity];
    bool by_e = m->cause == LK_CLEAN_MET && c->options->criterion == LK_CLEAN_EVALUE;
    uint32_t image = by_e ? m->lead.e_image : m->lead.image;
    uint32_t reference = by_e ? m->lead.e_reference : m->lead.reference;
    put_reason(c, m, f);
    put_text(f, cause_name(c, m));
    fprintf(f, ",%" PRIu32, m->round);
    put_number(f, by_e ? (double)c->leads.t[image] : (double)m->lead.t);
    put_number(f, (double)m->lead.h);
    put_number(f, m->lead.margin);
    put_number(f, m->q);
    put_number(f, m->lead.e);
    put_text(f, lk_audit_person_name(t, t->person[reference]));
    fprintf(f, ",%" PRIu32 ",%" PRIu32, lk_audit_file_row(s, image), lk_audit_file_row(t, reference));
    put_text(f, lk_audit_row_path(s, image));
    put_text(f, lk_audit_row_path(t, reference));
    fprintf(f, ",%s\n", c->sha256[item]);
}

static void write_removal(const struct lk_clean *c, FILE *f)
{
    fputs("path,identity,row,reason,criterion,round,score,holdout,margin,q,e_value,person,image,reference,"
          "image_path,"
          "reference_path,sha256\n",
          f);
    for (size_t i = 0; i < c->n_items; i++)
        if (!lk_clean_keeps(c, i))
            put_removed(c, i, f);
}

static void write_kept(const struct lk_clean *c, FILE *f)
{
    fputs("path,identity,row,compared\n", f);
    for (size_t i = 0; i < c->n_items; i++) {
        if (!lk_clean_keeps(c, i))
            continue;
        put_item(c, i, f);
        fprintf(f, ",%d\n", c->compared[i]);
    }
}

static lk_status write_table(const struct lk_clean *c, const char *name,
                             void (*write)(const struct lk_clean *, FILE *), lk_error *err)
{
    char *path = lk_path_join(c->options->measure.output, name, err);
    if (path == NULL)
        return LK_ENOMEM;
    struct lk_out out;
    lk_status status = lk_out_open(&out, path, err);
    free(path);
    LK_TRY(status);
    write(c, out.stream);
    status = lk_out_commit(&out, err);
    lk_out_abandon(&out);
    return status;
}

lk_status lk_clean_write_tables(const struct lk_clean *c, lk_error *err)
{
    LK_TRY(write_table(c, "removal.csv", write_removal, err));
    return write_table(c, "kept.csv", write_kept, err);
}
