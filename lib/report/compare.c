/* SPDX-License-Identifier: Apache-2.0 */
/* compare.c - the same by strata of faces and by several matchers. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/html.h"
#include "report/report.h"

static double number_of(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

/* ---- strata ----------------------------------------------------------------------------------------- */

struct strata_page {
    const struct lk_report *r;
    FILE *f;
    size_t n;
};

/* A best of several hold-outs lies higher. */
static void put_holdouts(const struct lk_report *r, FILE *f)
{
    struct lk_number n;
    if (r->competition.holdouts > 1)
        fprintf(f, " Of the %s hold-outs the better score is taken, which by itself lies higher.",
                lk_count(&n, r->competition.holdouts));
}

static lk_status put_stratum(void *user, const char *name, const char *title, const char *csv, lk_error *err)
{
    struct strata_page *page = user;
    char *caption = NULL;
    size_t len;
    FILE *to = open_memstream(&caption, &len);
    LK_NEED(to != NULL, err, LK_ENOMEM, "out of memory");
    fputs("<b>By ", to);
    lk_html_text(to, title);
    fputs("</b> of the closest image.", to);
    lk_status status = fclose(to) == 0 ? LK_OK : lk_fail(err, LK_ENOMEM, "out of memory");
    struct lk_str s = LK_STR_INIT;
    if (status == LK_OK)
        status = lk_str_addf(&s, err, "Scores by %s", title);
    if (status == LK_OK && page->n++ == 0) {
        fputs("<section id=\"strata\">\n<h2>By kind of face</h2>\n<p>A matcher tells children, blurred faces and heads "
              "that are turned away less well apart, so chance scores are higher there. Each line shows the middle "
              "half of the best scores, its point the median. Where training and hold-out lie alike, high scores are a "
              "property of such faces.",
              page->f);
        put_holdouts(page->r, page->f);
        fputs("</p>\n<div class=\"charts\">\n", page->f);
    }
    if (status == LK_OK)
        status = lk_report_chart(page->f, "strata", name, s.text, caption, csv, err);
    free(caption);
    lk_str_free(&s);
    return status;
}

/* A stratum that was asked for (strata.csv). */
static void put_given(const struct lk_report *r, const json_t *row, FILE *f)
{
    const char *variable = json_string_value(json_object_get(row, "variable")),
               *name = json_string_value(json_object_get(row, "stratum"));
    const json_t *pi = json_object_get(row, "pi");
    struct lk_number a, b, c;
    fputs("<tr><th scope=\"row\">", f);
    lk_html_text(f, variable != NULL ? variable : "");
    fputs(": ", f);
    lk_html_text(f, name != NULL ? name : "");
    fprintf(f, "<td class=\"n\" data-l=\"units\">%s<td class=\"n\" data-l=\"closest pairs\">%s",
            lk_count(&a, (uint64_t)number_of(row, "units")), lk_percent(&b, number_of(row, "pairs_share")));
    if (r->compared)
        fprintf(f, "<td class=\"n\" data-l=\"discoveries\">%s",
                lk_count(&a, (uint64_t)number_of(row, "discoveries")));
    if (r->compared && json_is_object(pi))
        fprintf(f, "<td class=\"n\" data-l=\"share\">%s (%s to %s)", lk_percent(&a, number_of(pi, "value")),
                lk_percent(&b, number_of(pi, "low")), lk_percent(&c, number_of(pi, "high")));
    else if (r->compared)
        fputs("<td class=\"n\" data-l=\"share\"><span class=\"quiet\">too few</span>", f);
    fputs("\n", f);
}

/* Those that the measurement was asked for, as it measured them. */
static void put_given_strata(const struct lk_report *r, const json_t *rows, FILE *f)
{
    struct lk_number n;
    fputs(
        "<section id=\"strata\">\n<h2>By kind of face</h2>\n<p>The strata that the measurement was asked for",
        f);
    fputs(r->options->no_faces ? "." : " (<code>strata.csv</code>).", f);
    fputs(" A matcher tells some kinds of faces less well apart, so a stratum with many of the closest pairs "
          "need "
          "not hold leaks.",
          f);
    if (r->compared)
        fprintf(f,
                " Discoveries are those of the whole run; the intervals of all strata hold together at 95 "
                "%%, and a "
                "stratum below %s units has none.",
                lk_count(&n, (uint64_t)number_of(json_object_get(r->measures, "strata"), "fewest_units")));
    fprintf(
        f,
        "</p>\n<div class=\"scroll\"><table class=\"cards\"><thead><tr><th scope=\"col\">Stratum<th "
        "scope=\"col\" class=\"n\">Units<th scope=\"col\" class=\"n\">Of the closest pairs%s</tr></thead>\n"
        "<tbody>\n",
        r->compared ? "<th scope=\"col\" class=\"n\">Discoveries<th scope=\"col\" class=\"n\">Share drawn"
                    : "");
    for (size_t i = 0; i < json_array_size(rows); i++)
        put_given(r, json_array_get(rows, i), f);
    fputs("</tbody></table></div>\n</section>\n", f);
}

lk_status lk_report_strata_section(const struct lk_report *r, FILE *f, lk_error *err)
{
    const json_t *given = json_object_get(json_object_get(r->measures, "strata"), "rows");
    if (json_array_size(given) > 0) {
        put_given_strata(r, given, f);
        return LK_OK;
    }
    struct strata_page page = {r, f, 0};
    LK_TRY(lk_report_strata(r, put_stratum, &page, err));
    if (page.n > 0)
        fputs("</div>\n</section>\n", f);
    return LK_OK;
}

/* ---- matchers --------------------------------------------------------------------------------------- */

static void put_matcher(const json_t *m, FILE *f)
{
    const json_t *pi = json_object_get(m, "pi");
    const char *name = json_string_value(json_object_get(m, "name")),
               *verdict = json_string_value(json_object_get(m, "verdict"));
    struct lk_number a, b, c, d, e;
    fputs("<tr><th scope=\"row\">", f);
    lk_html_text(f, name != NULL ? name : "");
    fputs("<td data-l=\"verdict\">", f);
    lk_html_text(f, verdict != NULL ? verdict : "");
    fprintf(f, "<td class=\"n\" data-l=\"discoveries\">%s of %s<td class=\"n\" data-l=\"share\">%s (%s to %s)\n",
            lk_count(&a, (uint64_t)number_of(m, "discoveries")), lk_count(&b, (uint64_t)number_of(m, "units")),
            lk_percent(&c, number_of(pi, "value")), lk_percent(&d, number_of(pi, "low")),
            lk_percent(&e, number_of(pi, "high")));
}

static void put_agreement(const struct lk_report *r, FILE *f)
{
    const json_t *agreement = lk_report_measure(r, "L9_matchers", "agreement"),
                 *joint = lk_report_measure(r, "L9_matchers", "joint");
    struct lk_number a, b, c, d;
    fprintf(f,
            "<div class=\"scroll\"><table class=\"cards\"><caption>Agreement on the %s units that all have</caption>\n<thead><tr><th "
            "scope=\"col\">Matchers<th scope=\"col\" class=\"n\">First finds<th scope=\"col\" class=\"n\">Second "
            "finds<th scope=\"col\" class=\"n\">Both<th scope=\"col\" class=\"n\">Kappa</tr></thead>\n<tbody>\n",
            lk_count(&a, r->n_common));
    for (size_t i = 0; i < json_array_size(agreement); i++) {
        const json_t *x = json_array_get(agreement, i);
        fputs("<tr><th scope=\"row\">", f);
        lk_html_text(f, json_string_value(json_object_get(x, "first")));
        fputs(", ", f);
        lk_html_text(f, json_string_value(json_object_get(x, "second")));
        fprintf(f,
                "<td class=\"n\" data-l=\"first finds\">%s<td class=\"n\" data-l=\"second finds\">%s<td class=\"n\" "
                "data-l=\"both\">%s<td class=\"n\" data-l=\"kappa\">%s\n",
                lk_count(&a, (uint64_t)number_of(x, "found_first")), lk_count(&b, (uint64_t)number_of(x, "found_second")),
                lk_count(&c, (uint64_t)number_of(x, "found_both")), lk_decimal(&d, number_of(x, "kappa"), 2));
    }
    fputs("</tbody></table></div>\n", f);
    for (size_t i = 0; i < json_array_size(joint); i++)
        fprintf(f, "%s%s units are found by at least %s of %s matchers, at a false discovery rate of %s%s",
                i == 0 ? "<p>" : "; ", lk_count(&a, (uint64_t)number_of(json_array_get(joint, i), "discoveries")),
                lk_count(&b, i + 1), lk_count(&c, r->n_matchers),
                lk_percent_asked(&d, number_of(lk_report_measure(r, "L9_matchers", NULL), "q")),
                i + 1 == json_array_size(joint) ? ".</p>\n" : "");
}

static lk_status put_pair_of_matchers(const struct lk_report *r, size_t second, FILE *f, lk_error *err)
{
    char *csv = NULL, *caption = NULL, name[100];
    size_t len;
    FILE *to = open_memstream(&csv, &len);
    LK_NEED(to != NULL, err, LK_ENOMEM, "out of memory");
    lk_status status = lk_figure_matchers(r, 0, second, to, err);
    if (fclose(to) != 0 || (to = open_memstream(&caption, &len)) == NULL) {
        free(csv);
        return lk_fail(err, LK_ENOMEM, "out of memory");
    }
    fputs("<b>Margins by ", to);
    lk_html_text(to, r->matchers[0].name);
    fputs(" (across) and ", to);
    lk_html_text(to, r->matchers[second].name);
    fputs(" (up).</b> A real leak is one for both.", to);
    if (fclose(to) != 0 && status == LK_OK)
        status = lk_fail(err, LK_ENOMEM, "out of memory");
    snprintf(name, sizeof name, "matchers-1-%zu", second + 1);
    if (status == LK_OK)
        status = lk_report_chart(f, "matchers", name, "Margins by two matchers", caption, csv, err);
    free(csv);
    free(caption);
    return status;
}

lk_status lk_report_matcher_section(const struct lk_report *r, FILE *f, lk_error *err)
{
    const json_t *list = lk_report_measure(r, "L9_matchers", "matchers");
    struct lk_number a;
    if (r->n_matchers < 2)
        return LK_OK;
    fprintf(f,
            "<section id=\"matchers\">\n<h2>Several matchers</h2>\n<p>The same pictures as %s recognisers see them. "
            "The rest of this page is about the first.</p>\n<div class=\"scroll\"><table class=\"cards\">\n<thead><tr><th "
            "scope=\"col\">Matcher<th scope=\"col\">Verdict<th scope=\"col\" class=\"n\">Discoveries<th scope=\"col\" "
            "class=\"n\">Share drawn to training</tr></thead>\n<tbody>\n",
            lk_count(&a, r->n_matchers));
    for (size_t i = 0; i < json_array_size(list); i++)
        put_matcher(json_array_get(list, i), f);
    fputs("</tbody></table></div>\n", f);
    put_agreement(r, f);
    fputs("<div class=\"charts\">\n", f);
    for (size_t i = 1; i < r->n_matchers; i++)
        LK_TRY(put_pair_of_matchers(r, i, f, err));
    fputs("</div>\n</section>\n", f);
    return LK_OK;
}
