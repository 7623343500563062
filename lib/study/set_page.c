/* SPDX-License-Identifier: Apache-2.0 */
/* set_page.c - sets/NAME.html: one synthetic set with every training set that it was compared with. */
#include <string.h>

#include "study/html.h"

static void put_fact(FILE *f, const char *label, const char *value)
{
    fprintf(f, "<div><dt>%s</dt><dd>%s</dd></div>\n", label, value);
}

/* By the first matcher. */
static void put_facts(FILE *f, const json_t *m)
{
    struct lk_number a, b, c;
    char text[200];
    fputs("<dl class=\"facts\">\n", f);
    snprintf(text, sizeof text, "%s <span class=\"quiet\">with %s images</span>",
             lk_study_count_or_dash(&a, m, "units"), lk_study_count_or_dash(&b, m, "images"));
    put_fact(f, "Synthetic identities compared", text);
    uint64_t holdouts = lk_study_count_at(m, "holdouts");
    snprintf(text, sizeof text, "%s <span class=\"quiet\">of %s in the training set%s%s%s</span>",
             lk_study_count_or_dash(&a, m, "persons_each"),
             lk_study_count_or_dash(&b, m, "train_persons_given"), holdouts > 0 ? ", and as many in " : "",
             holdouts > 1 ? "each of the hold-outs: " : "",
             holdouts > 1   ? lk_count(&c, holdouts)
             : holdouts > 0 ? "the hold-out"
                            : "");
    put_fact(f, "Persons compared", text);
    snprintf(text, sizeof text, "%s <span class=\"quiet\">the largest group that shares one: %s</span>",
             lk_study_count_or_dash(&a, m, "nearest_persons"),
             lk_study_count_or_dash(&b, m, "largest_group"));
    put_fact(f, "Distinct nearest persons", text);
    snprintf(text, sizeof text, "%s <span class=\"quiet\">(AUC %s)</span>",
             lk_study_count_or_dash(&a, m, "persons_exposed"),
             lk_decimal(&b, lk_study_number_at(m, "auc/value"), 3));
    put_fact(f, "Persons exposed", text);
    snprintf(text, sizeof text, "%s, %s, %s", lk_study_count_or_dash(&a, m, "dropped_train"),
             lk_study_count_or_dash(&b, m, "dropped_holdout"),
             lk_study_count_or_dash(&c, m, "dropped_synthetic"));
    put_fact(f, "Doubles left out: training, hold-out, synthetic", text);
    put_fact(f, "Identities with copies", lk_study_count_or_dash(&a, m, "with_copies"));
    fputs("</dl>\n", f);
}

static void put_thresholds(FILE *f, const json_t *m)
{
    size_t i;
    json_t *level;
    struct lk_number a, b, c, d, e;
    if (json_array_size(json_object_get(m, "thresholds")) == 0)
        return;
    fputs("<div class=\"scroll\"><table class=\"cards\"><caption>The published attack: synthetic images with "
          "a training "
          "image at or above the threshold</caption>\n<thead><tr><th>False matches of the threshold<th "
          "class=\"n\">Score"
          "<th class=\"n\">Seen<th class=\"n chance\">By chance alone<th class=\"n chance\">Chance matches "
          "per image"
          "</tr></thead>\n<tbody>\n",
          f);
    json_array_foreach(json_object_get(m, "thresholds"), i, level) fprintf(
        f,
        "<tr><th scope=\"row\">%s<td class=\"n\" data-l=\"score\">%s<td class=\"n\" data-l=\"seen\">%s<td "
        "class=\"n "
        "chance\" data-l=\"by chance alone\">%s<td class=\"n chance\" data-l=\"chance matches each\">%s\n",
        lk_rate(&a, lk_study_number_at(level, "fmr")), lk_decimal(&b, lk_study_number_at(level, "score"), 3),
        lk_percent(&c, lk_study_number_at(level, "share")),
        lk_percent(&d, lk_study_number_at(level, "share_by_chance")),
        lk_about(&e, lk_study_number_at(level, "expected_by_chance")));
    fputs("</tbody></table></div>\n", f);
}

static void put_agreement(FILE *f, const json_t *run)
{
    size_t i;
    json_t *pair;
    struct lk_number a, b, c, d, e;
    if (json_array_size(lk_study_at(run, "several/agreement")) == 0)
        return;
    fputs("<div class=\"scroll\"><table class=\"cards\"><caption>Agreement of the "
          "matchers</caption>\n<thead><tr><th>Two "
          "matchers<th class=\"n\">First finds<th class=\"n\">Second finds<th class=\"n\">Both<th "
          "class=\"n\">Jaccard index"
          "<th class=\"n\">Kappa</tr></thead>\n<tbody>\n",
          f);
    json_array_foreach(lk_study_at(run, "several/agreement"), i, pair)
    {
        fputs("<tr><th scope=\"row\">", f);
        lk_html_text(f, lk_study_text_at(pair, "first"));
        fputs(", ", f);
        lk_html_text(f, lk_study_text_at(pair, "second"));
        lk_study_cell(f, "first finds", lk_count(&a, lk_study_count_at(pair, "found_first")));
        lk_study_cell(f, "second finds", lk_count(&b, lk_study_count_at(pair, "found_second")));
        lk_study_cell(f, "both", lk_count(&c, lk_study_count_at(pair, "found_both")));
        lk_study_cell(f, "Jaccard index", lk_decimal(&d, lk_study_number_at(pair, "jaccard"), 2));
        lk_study_cell(f, "kappa", lk_decimal(&e, lk_study_number_at(pair, "kappa"), 2));
        fputs("\n", f);
    }
    fputs("</tbody></table></div>\n", f);
}

static void put_run(FILE *f, const json_t *root, const json_t *run)
{
    const json_t *m = lk_study_at(run, "matchers/0");
    const char *verdict = lk_study_text_at(m, "verdict");
    fputs("<section>\n<h2>Against ", f);
    lk_html_text(f, lk_study_text_at(run, "train"));
    fprintf(f, "</h2>\n<p><span class=\"%s tone\">", lk_study_tone(verdict));
    lk_html_text(f, verdict);
    fputs("</span></p>\n<p>", f);
    lk_html_text(f, lk_study_text_at(m, "sentence"));
    fputs("</p>\n<p><a href=\"../", f);
    lk_html_text(f, lk_study_text_at(run, "page"));
    fputs("\">Report of this run, with the closest pairs</a></p>\n", f);
    put_facts(f, m);
    put_thresholds(f, m);
    fputs("<h3>Matchers</h3>\n<p>", f);
    lk_study_put_difference(f, run);
    fputs("</p>\n<div class=\"scroll\"><table class=\"cards runs\">\n", f);
    lk_study_put_matchers_head(f);
    fputs("<tbody>\n", f);
    lk_study_put_matchers(f, root, run);
    fputs("</tbody></table></div>\n", f);
    put_agreement(f, run);
    lk_study_put_spreads(f, root, run);
    fputs("</section>\n", f);
}

lk_status lk_study_write_set_page(const json_t *root, const char *set, const char *path, lk_error *err)
{
    size_t i;
    json_t *run;
    struct lk_out out;
    LK_TRY(lk_out_open(&out, path, err));
    FILE *f = out.stream;
    bool leak = false;
    json_array_foreach(json_object_get(root, "runs"), i, run) leak =
        leak || (strcmp(lk_study_text_at(run, "synthetic"), set) == 0 &&
                 strcmp(lk_study_tone(lk_study_text_at(run, "matchers/0/verdict")), "leak") == 0);
    lk_study_page_head(f, set);
    fprintf(f, "<section class=\"verdict %s\">\n<p class=\"kicker\">Synthetic set</p>\n<h1>",
            leak ? "leak" : "open");
    lk_html_text(f, set);
    fputs(
        "</h1>\n<p class=\"caveat\"><a href=\"../study.html\">All sets of the study</a>, and how to read the "
        "numbers.</p>\n</section>\n",
        f);
    lk_study_put_filters(f, root);
    json_array_foreach(json_object_get(root, "runs"), i,
                       run) if (strcmp(lk_study_text_at(run, "synthetic"), set) == 0) put_run(f, root, run);
    lk_study_page_tail(f);
    lk_status status = lk_out_commit(&out, err);
    lk_out_abandon(&out);
    return status;
}
