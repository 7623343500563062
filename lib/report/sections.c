/* SPDX-License-Identifier: Apache-2.0 */
/* sections.c - the parts of the page that are about the sets: what was compared, what was left out. */
#include <string.h>

#include "report/html.h"
#include "report/report.h"

/* ---- what was compared ------------------------------------------------------------------------------ */

static void put_label(const struct lk_report_set *set, bool real, FILE *f)
{
    fprintf(f, "%c%s%s", set->label[0] - 'a' + 'A', set->label + 1, real ? " (real)" : "");
}

static bool is_real(const struct lk_report *r, size_t i)
{
    return i >= LK_TRAINING && i < LK_FIRST_HOLDOUT + r->n_holdouts;
}

static void put_set(const struct lk_report *r, size_t i, FILE *f)
{
    const struct lk_report_set *set = &r->sets[i];
    struct lk_number n, m;
    fputs("<tr><th scope=\"row\">", f);
    put_label(set, is_real(r, i), f);
    fprintf(f, "<td class=\"n\" data-l=\"faces\">%s<td class=\"n\" data-l=\"identities\">%s",
            lk_count(&n, set->rows), set->identities > 0 ? lk_count(&m, set->identities) : "no labels");
    fprintf(f, "<td class=\"n\" data-l=\"left out\">%s<td data-l=\"from\">",
            set->open ? lk_count(&n, set->n_no_face + set->n_unreadable + set->n_by_list + set->excluded +
                                         set->n_filtered)
                      : "not known");
    if (!r->options->no_faces)
        lk_html_name(f, set->path, 44);
    else
        fputs("<span class=\"quiet\">withheld</span>", f);
    fputs("\n", f);
}

static void put_fact(FILE *f, const char *label, const char *value, const char *licence)
{
    fprintf(f, "<div><dt>%s</dt><dd>", label);
    lk_html_text(f, value != NULL ? value : "not recorded");
    if (value != NULL && licence != NULL) {
        fputs(" <span class=\"quiet\">licence ", f);
        lk_html_text(f, licence);
        fputs("</span>", f);
    }
    fputs("</dd></div>\n", f);
}

/* How the galleries were made equal, and who was left out for that. */
static void put_matching(const struct lk_report *r, FILE *f)
{
    const json_t *m = json_object_get(r->measures, "matching"), *d = json_object_get(r->measures, "doubles");
    struct lk_number a, b, c, e;
    if (!r->compared)
        return;
    fprintf(f,
            "<p>For a fair comparison the training set and %s hold-out%s were given the same number of persons: %s each "
            "(of %s in the training set).",
            r->competition.holdouts > 1 ? lk_count(&a, r->competition.holdouts) : "the",
            r->competition.holdouts > 1 ? "s" : "",
            lk_count(&b, (uint64_t)json_integer_value(json_object_get(m, "persons_each"))),
            lk_count(&c, (uint64_t)json_integer_value(json_object_get(m, "train_persons_given"))));
    if (json_is_object(d))
        fprintf(f, " One person under two names was looked for, and %s persons or identities left out for it%s.",
                lk_count(&e, (uint64_t)(json_integer_value(json_object_get(d, "dropped_train")) +
                                        json_integer_value(json_object_get(d, "dropped_holdout")) +
                                        json_integer_value(json_object_get(d, "dropped_synthetic")))),
                r->options->no_faces ? "" : " (<code>doubles.csv</code>)");
    fputs("</p>\n", f);
}

/* Which images took part, when filters chose them. */
static void put_filters(const struct lk_report *r, FILE *f)
{
    const json_t *conditions = json_object_get(json_object_get(r->measures, "filters"), "conditions");
    struct lk_number a, b;
    for (size_t i = 0; i < json_array_size(conditions); i++) {
        fputs(i == 0 ? "<p>Filters were used: only images took part, in all sets alike, that meet <code>"
                     : "</code> and <code>",
              f);
        lk_html_text(f, json_string_value(json_array_get(conditions, i)));
    }
    if (json_array_size(conditions) == 0)
        return;
    fputs("</code>. They left out", f);
    for (size_t i = 0; i < r->n_sets; i++)
        fprintf(f, "%s %s images of the %s (%s for lack of a value)", i > 0 ? "," : "",
                lk_count(&a, r->sets[i].n_filtered), i == LK_SYNTHETIC ? "synthetic set" : r->sets[i].label,
                lk_count(&b, r->sets[i].n_unvalued));
    fputs(". What is said here is said of the images that stayed.</p>\n", f);
}

void lk_report_compared_section(const struct lk_report *r, FILE *f)
{
    const char *alignment = lk_report_fact(r, NULL, "alignment"),
               *detector = lk_report_fact(r, "detector", "name"),
               *tool = json_string_value(json_object_get(r->measures, "tool"));
    bool aligned = alignment != NULL && strcmp(alignment, "aligned") == 0;
    fputs("<section id=\"compared\">\n<h2>What was compared</h2>\n<div class=\"scroll\"><table "
          "class=\"cards\">\n<thead><tr><th scope=\"col\">Set<th scope=\"col\" class=\"n\">Faces<th scope=\"col\" "
          "class=\"n\">Identities<th scope=\"col\" class=\"n\">Left out<th scope=\"col\">From</tr></thead>\n<tbody>\n",
          f);
    for (size_t i = 0; i < r->n_sets; i++)
        put_set(r, i, f);
    if (r->n_holdouts == 0)
        fputs("<tr><th scope=\"row\">Hold-out (real)<td colspan=\"4\" class=\"quiet\">none was given\n", f);
    fputs("</tbody></table></div>\n", f);
    put_matching(r, f);
    put_filters(r, f);
    fputs("<dl class=\"facts\">\n", f);
    put_fact(f, "Matcher", lk_report_fact(r, "model", "name"), lk_report_fact(r, "model", "licence"));
    put_fact(f, "Detector", detector == NULL && aligned ? "none: the pictures were crops already" : detector,
             lk_report_fact(r, "detector", "licence"));
    put_fact(f, "Alignment", aligned ? "as given" : alignment, NULL);
    put_fact(f, "Measured with", tool, NULL);
    fputs("</dl>\n", f);
    for (size_t i = 0; i < r->n_sets; i++)
        if (!r->sets[i].open) {
            fputs("<p class=\"note\">", f);
            put_label(&r->sets[i], false, f);
            fputs(": no pictures and no counts of images without a face, because ", f);
            /* The reason may name a file. */
            lk_html_text(f, r->options->no_faces ? "its FACES directory could not be used"
                                                 : r->sets[i].closed_because);
            fputs(".</p>\n", f);
        }
    fputs("</section>\n", f);
}

/* ---- left out --------------------------------------------------------------------------------------- */

enum { EXAMPLES = 8 };

static void put_examples(const struct lk_report_set *set, FILE *f)
{
    size_t shown = 0;
    if (set->n_no_face + set->n_unreadable + set->n_by_list == 0)
        return;
    fputs("<details><summary>", f);
    put_label(set, false, f);
    fputs(": which, for example</summary><ul class=\"paths\">\n", f);
    for (size_t i = 0; i < set->faces.n_images && shown < EXAMPLES; i++) {
        const struct lk_face_image *image = &set->faces.images[i];
        if (image->status == LK_FACE_EMBEDDED)
            continue;
        fputs("<li>", f);
        lk_html_name(f, image->path, 60);
        fputs(" <span>", f);
        lk_html_text(f, image->message != NULL            ? image->message
                        : image->status == LK_FACE_NONE ? "no face found"
                                                        : "unreadable");
        fputs("</span>\n", f);
        shown++;
    }
    fputs("</ul></details>\n", f);
}

void lk_report_left_out_section(const struct lk_report *r, FILE *f)
{
    fputs("<section id=\"left-out\">\n<h2>Left out</h2>\n<p>These pictures took no part. An image without a "
          "face is never compared; a set where many "
          "are missing has been judged by the rest.</p>\n<div class=\"scroll\"><table "
          "class=\"cards\"><thead><tr><th "
          "scope=\"col\">Set<th scope=\"col\" class=\"n\">Images<th scope=\"col\" class=\"n\">No face found"
          "<th scope=\"col\" class=\"n\">Unreadable<th scope=\"col\" class=\"n\">Excluded by a list<th "
          "scope=\"col\" "
          "class=\"n\">Empty vector<th scope=\"col\" class=\"n\">By a filter<th scope=\"col\" "
          "class=\"n\">Left</tr></thead>\n<tbody>\n",
          f);
    for (size_t i = 0; i < r->n_sets; i++) {
        const struct lk_report_set *set = &r->sets[i];
        struct lk_number a, b, c, d, e, g, h;
        fputs("<tr><th scope=\"row\">", f);
        put_label(set, false, f);
        if (set->open)
            fprintf(f,
                    "<td class=\"n\" data-l=\"images\">%s<td class=\"n\" data-l=\"no face\">%s<td class=\"n\" "
                    "data-l=\"unreadable\">%s<td class=\"n\" data-l=\"by a list\">%s",
                    lk_count(&a, set->faces.n_images), lk_count(&b, set->n_no_face), lk_count(&c, set->n_unreadable),
                    lk_count(&g, set->n_by_list));
        else
            fputs("<td class=\"n quiet\" colspan=\"4\">not known", f);
        fprintf(f,
                "<td class=\"n\" data-l=\"empty vector\">%s<td class=\"n\" data-l=\"by a filter\">%s<td "
                "class=\"n\" data-l=\"left\">%s\n",
                lk_count(&d, set->excluded), lk_count(&h, set->n_filtered), lk_count(&e, set->rows));
    }
    fputs("</tbody></table></div>\n", f);
    for (size_t i = 0; !r->options->no_faces && i < r->n_sets; i++)
        if (r->sets[i].open)
            put_examples(&r->sets[i], f);
    fputs("</section>\n", f);
}
