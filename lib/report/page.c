/* SPDX-License-Identifier: Apache-2.0 */
/* page.c - the report as one HTML page that needs nothing else: its frame, and the parts in their order. */
#include <stdlib.h>
#include <string.h>

#include "report/assets.h"
#include "report/html.h"
#include "report/report.h"

/* One entry of the contents for each section that is there. */
static void put_contents(const struct lk_report *r, FILE *f)
{
    const struct {
        const char *id, *text;
        bool there;
    } entries[] = {{"compared", "Compared", true},
                   {"attack", "Attack and chance", true},
                   {"margins", "Margins", r->compared},
                   {"persons", "Persons", r->compared},
                   {"matchers", "Matchers", r->n_matchers > 1},
                   {"review", "What people saw", r->review != NULL},
                   {"pairs", "Closest pairs", true},
                   {"left-out", "Left out", true},
                   {"limits", "Limits", true},
                   {"methods", "Methods", true},
                   {"repeat", "Repeat it", true}};
    fputs("<nav aria-label=\"Contents\">", f);
    for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++)
        if (entries[i].there)
            fprintf(f, "<a href=\"#%s\">%s</a>", entries[i].id, entries[i].text);
    fputs("</nav>\n", f);
}

static void put_head(const struct lk_report *r, FILE *f)
{
    /* Only the scripts that came with the program run, known by their hashes; nothing is ever loaded. */
    fprintf(f,
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; "
            "style-src 'unsafe-inline'; "
            "script-src %s; base-uri 'none'; form-action 'none'\">\n"
            "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
            "<meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"generator\" "
            "content=\"likeness %s\">\n"
            "<title>%s \xe2\x80\x93 likeness report</title>\n<style>\n%s%s%s</style>\n</head>\n<body>\n",
            lk_asset_script_hashes, lk_version(), lk_verdict_name(r->verdict), lk_asset_page_css,
            lk_asset_parts_css, lk_asset_gallery_css);
    fputs("<header><p class=\"brand\">likeness</p><p>Does this synthetic face dataset contain real "
          "people?</p></header>\n<main>\n",
          f);
}

static lk_status put_scripts(const struct lk_report *r, FILE *f, lk_error *err)
{
    json_t *marks = lk_report_marks(r);
    LK_NEED(marks != NULL, err, LK_ENOMEM, "out of memory while making the charts");
    fputs("<script type=\"application/json\" id=\"marks\">", f);
    lk_status status = lk_html_json(f, marks, err);
    json_decref(marks);
    fputs("</script>\n", f);
    for (size_t i = 0; i < lk_n_asset_scripts; i++) {
        fputs("<script>", f);
        fwrite(lk_asset_scripts[i].text, 1, lk_asset_scripts[i].len, f);
        fputs("</script>\n", f);
    }
    return status;
}

static lk_status put_body(const struct lk_report *r, FILE *f, lk_error *err)
{
    lk_report_first_screen(r, f);
    lk_report_truth_section(r, f);
    put_contents(r, f);
    lk_report_compared_section(r, f);
    LK_TRY(lk_report_attack_section(r, f, err));
    LK_TRY(lk_report_margin_section(r, f, err));
    LK_TRY(lk_report_person_section(r, f, err));
    LK_TRY(lk_report_strata_section(r, f, err));
    LK_TRY(lk_report_matcher_section(r, f, err));
    lk_report_review_section(r, f);
    LK_TRY(lk_report_gallery(r, f, err));
    lk_report_left_out_section(r, f);
    lk_report_limits_section(r, f);
    lk_report_repeat_section(r, f);
    fprintf(f,
            "</main>\n<footer><p>Made by likeness %s. This page is one file and loads nothing. Its charts "
            "are drawn by Vega and Vega-Lite "
            "(University of Washington Interactive Data Lab, BSD licence, inside).</p></footer>\n",
            lk_version());
    return put_scripts(r, f, err);
}

lk_status lk_report_write_page(const struct lk_report *r, const char *path, lk_error *err)
{
    struct lk_out out;
    LK_TRY(lk_out_open(&out, path, err));
    put_head(r, out.stream);
    lk_status status = put_body(r, out.stream, err);
    fputs("</body>\n</html>\n", out.stream);
    if (status == LK_OK)
        status = lk_out_commit(&out, err);
    lk_out_abandon(&out);
    return status;
}
