/* SPDX-License-Identifier: Apache-2.0 */
/* html.c - what the pages of a study share: the frame, the chart of distributions, the matchers of a run. */
#include "study/html.h"

#include <string.h>

#include "report/assets.h"

#define DASH "\xe2\x80\x93"

/* ---- the frame ----------------------------------------------------------------------------------------- */

void lk_study_page_head(FILE *f, const char *title)
{
    fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
          "'unsafe-inline'; "
          "base-uri 'none'; form-action 'none'\">\n"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
          "<meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"generator\" content=\"likeness ",
          f);
    lk_html_text(f, lk_version());
    fputs("\">\n<title>", f);
    lk_html_text(f, title);
    fprintf(f, " " DASH " likeness study</title>\n<style>\n%s%s%s</style>\n</head>\n<body>\n",
            lk_asset_page_css, lk_asset_parts_css, lk_asset_study_css);
    fputs("<header><p class=\"brand\">likeness</p><p>Do these synthetic face datasets contain real "
          "people?</p></header>\n<main>\n",
          f);
}

void lk_study_page_tail(FILE *f)
{
    fprintf(f,
            "</main>\n<footer><p>Made by likeness %s. This page is one file and loads nothing. The same "
            "numbers are "
            "in <code>study.json</code> and <code>study.csv</code>.</p></footer>\n</body>\n</html>\n",
            lk_version());
}

/* ---- small parts --------------------------------------------------------------------------------------- */

const char *lk_study_tone(const char *verdict)
{
    if (strcmp(verdict, lk_verdict_name(LK_VERDICT_LEAK_SHOWN)) == 0 ||
        strcmp(verdict, lk_verdict_name(LK_VERDICT_COPIES_SHOWN)) == 0)
        return "leak";
    return strcmp(verdict, lk_verdict_name(LK_VERDICT_NOTHING_FOUND)) == 0 ? "clear" : "open";
}

void lk_study_put_share(FILE *f, const json_t *estimate)
{
    struct lk_number value, low, high;
    double share = lk_study_number_at(estimate, "value");
    fputs(lk_percent(&value, isnan(share) ? share : fmax(share, 0)), f);
    if (!isnan(share))
        fprintf(f, "<span class=\"sub\">%s to %s</span>",
                lk_percent(&low, fmax(lk_study_number_at(estimate, "low"), 0)),
                lk_percent(&high, fmax(lk_study_number_at(estimate, "high"), 0)));
}

void lk_study_cell(FILE *f, const char *label, const char *text)
{
    fprintf(f, "<td class=\"n\" data-l=\"%s\">%s", label, text);
}

const char *lk_study_count_or_dash(struct lk_number *out, const json_t *from, const char *way)
{
    return json_is_integer(lk_study_at(from, way)) ? lk_count(out, lk_study_count_at(from, way))
                                                   : lk_decimal(out, NAN, 0);
}

/* ---- distributions ------------------------------------------------------------------------------------- */

enum { LOW = -20, HIGH = 100 }; /* hundredths on the axis */

static double place(double score)
{
    double at = (100 * score - LOW) / (HIGH - LOW) * 100;
    return fmin(fmax(at, 0), 100);
}

static void put_spread(FILE *f, const char *class, const char *label, const json_t *of)
{
    struct lk_number low, middle, high;
    double q[5];
    for (int i = 0; i < 5; i++)
        q[i] = json_number_value(json_array_get(json_object_get(of, "quantiles"), (size_t)i));
    if (lk_study_count_at(of, "n") == 0)
        return;
    fprintf(f,
            "<span>%s</span><div class=\"track %s\" role=\"img\" aria-label=\"%s: median %s, 5 to 95 %%: %s "
            "to %s\">"
            "<i class=\"far\" style=\"left:%.2f%%;width:%.2f%%\"></i><i class=\"mid\" "
            "style=\"left:%.2f%%;width:%.2f%%\">"
            "</i><i class=\"at\" style=\"left:%.2f%%\"></i></div>\n",
            label, class, label, lk_decimal(&middle, q[2], 2), lk_decimal(&low, q[0], 2),
            lk_decimal(&high, q[4], 2), place(q[0]), place(q[4]) - place(q[0]), place(q[1]),
            place(q[3]) - place(q[1]), place(q[2]));
}

static const json_t *real_pairs(const json_t *root, const json_t *run, size_t matcher)
{
    const json_t *about = json_array_get(json_object_get(root, "matchers"), matcher);
    return json_object_get(json_object_get(about, "real_pairs"), lk_study_text_at(run, "train"));
}

void lk_study_put_spreads(FILE *f, const json_t *root, const json_t *run)
{
    size_t m;
    json_t *matcher;
    fputs("<figure class=\"wide\"><div class=\"spread\">\n", f);
    json_array_foreach(json_object_get(run, "matchers"), m, matcher)
    {
        const json_t *real = real_pairs(root, run, m);
        fputs("<b>", f);
        lk_html_text(f, lk_study_text_at(matcher, "name"));
        fputs("</b>\n", f);
        put_spread(f, "impostor", "two real persons", lk_study_at(real, "impostor"));
        put_spread(f, "genuine", "one real person", lk_study_at(real, "genuine"));
        put_spread(f, "near-holdout", "synthetic, hold-out", lk_study_at(matcher, "nearest/holdout"));
        put_spread(f, "near-train", "synthetic, training", lk_study_at(matcher, "nearest/train"));
    }
    fputs("<span></span><div class=\"axis\" aria-hidden=\"true\">", f);
    for (int at = LOW; at <= HIGH; at += 20) {
        struct lk_number n;
        fprintf(f, "<span style=\"left:%.2f%%\">%s</span>", place(at / 100.0), lk_decimal(&n, at / 100.0, 1));
    }
    fputs("</div>\n</div>\n<figcaption>Scores: a line from 5 to 95 %, a bar from 25 to 75 %, a tick at the "
          "median. Of "
          "synthetic identities it is the best score with anybody in the hold-out (in each, where there are "
          "several) and in the training set. Where the two lie alike, closeness is "
          "chance.</figcaption></figure>\n",
          f);
}

/* ---- matchers of a run --------------------------------------------------------------------------------- */

void lk_study_put_matchers_head(FILE *f)
{
    fputs("<thead><tr><th>Matcher<th class=\"n\">Equal error rate<th class=\"n\">One person, two persons"
          "<th class=\"n\">d\xe2\x80\xb2, real pairs<th class=\"n\">Nearest in training, in hold-out"
          "<th class=\"n\">d\xe2\x80\xb2, nearest<th class=\"n\">KS distance<th class=\"n\">Drawn to training"
          "<th class=\"n\">Discoveries</tr></thead>\n",
          f);
}

static void put_matcher(FILE *f, const json_t *root, const json_t *run, size_t m)
{
    struct lk_number a, b, c;
    char text[120];
    const json_t *matcher = json_array_get(json_object_get(run, "matchers"), m),
                 *real = real_pairs(root, run, m);
    const json_t *about = json_array_get(json_object_get(root, "matchers"), m);
    fputs("<tr><th scope=\"row\">", f);
    lk_html_text(f, lk_study_text_at(matcher, "name"));
    lk_study_cell(f, "equal error rate", lk_percent(&a, lk_study_number_at(about, "eer")));
    snprintf(text, sizeof text, "%s <span class=\"sub\">%s</span>",
             lk_decimal(&a, lk_study_number_at(real, "genuine/mean"), 3),
             lk_decimal(&b, lk_study_number_at(real, "impostor/mean"), 3));
    lk_study_cell(f, "one person, two", text);
    lk_study_cell(f, "d\xe2\x80\xb2, real pairs", lk_decimal(&a, lk_study_number_at(real, "d_prime"), 2));
    snprintf(text, sizeof text, "%s <span class=\"sub\">%s</span>",
             lk_decimal(&a, lk_study_number_at(matcher, "nearest/train/quantiles/2"), 3),
             lk_decimal(&b, lk_study_number_at(matcher, "nearest/holdout/quantiles/2"), 3));
    lk_study_cell(f, "nearest, hold-out", text);
    lk_study_cell(f, "d\xe2\x80\xb2, nearest",
                  lk_decimal(&a, lk_study_number_at(matcher, "nearest/d_prime"), 2));
    lk_study_cell(f, "KS distance", lk_decimal(&b, lk_study_number_at(matcher, "nearest/ks"), 3));
    fputs("<td class=\"n\" data-l=\"drawn to training\">", f);
    lk_study_put_share(f, lk_study_at(matcher, "pi"));
    lk_study_cell(f, "discoveries", lk_study_count_or_dash(&c, matcher, "discoveries"));
    fputs("\n", f);
}

void lk_study_put_matchers(FILE *f, const json_t *root, const json_t *run)
{
    for (size_t m = 0; m < json_array_size(json_object_get(run, "matchers")); m++)
        put_matcher(f, root, run, m);
}

void lk_study_put_difference(FILE *f, const json_t *run)
{
    struct lk_number a;
    double p = lk_study_number_at(run, "cochran/p"), low = 2, high = -2;
    size_t i, n = json_array_size(json_object_get(run, "matchers"));
    json_t *pair;
    if (isnan(p))
        return;
    json_array_foreach(lk_study_at(run, "several/agreement"), i, pair)
    {
        double kappa = lk_study_number_at(pair, "kappa");
        low = kappa < low ? kappa : low;
        high = kappa > high ? kappa : high;
    }
    uint64_t found = 0;
    for (i = 0; i < n; i++)
        found += lk_study_count_at(json_array_get(json_object_get(run, "matchers"), i), "discoveries");
    if (found == 0) {
        fputs("No matcher finds any.", f);
        return;
    }
    bool differ = p < 0.05;
    fprintf(f, "The matchers find %s of the synthetic identities (Cochran\xe2\x80\x99s Q, p %s%s).",
            differ ? "different shares" : "shares that do not differ by more than chance",
            p < 0.001 ? "" : "= ", lk_about(&a, p));
    if (high >= low) {
        struct lk_number b;
        fprintf(f, " They agree with a kappa of %s", lk_decimal(&a, low, 2));
        if (high > low)
            fprintf(f, " to %s", lk_decimal(&b, high, 2));
        fputs(".", f);
    }
    const json_t *joint = json_array_get(lk_study_at(run, "several/joint"), n > 0 ? n - 1 : 0);
    if (joint != NULL) {
        struct lk_number b;
        fprintf(f, " All %zu find %s (fewest possible: %s).", n,
                lk_count(&a, lk_study_count_at(joint, "discoveries")),
                lk_count(&b, lk_study_count_at(joint, "resolution")));
    }
}
