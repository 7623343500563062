/* SPDX-License-Identifier: Apache-2.0 */
/* page.c - the report as one HTML page that needs nothing else: frame, verdict, truth, what was compared. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/assets.h"
#include "report/html.h"
#include "report/report.h"

enum { VERDICT_ROOM = 1100 };

static const char *const verdict_class[] = {"leak", "leak", "clear", "open", "open"};

/* "5 %" must not break: its space becomes a no-break one (one byte becomes two; text that would not fit stays
 * as it is). */
static void keep_percents(char text[VERDICT_ROOM])
{
    size_t len = strlen(text);
    for (char *p = text; (p = strstr(p, " %")) != NULL && len + 2 < VERDICT_ROOM; p += 2, len++) {
        memmove(p + 2, p + 1, len - (size_t)(p - text));
        memcpy(p, "\xc2\xa0", 2);
    }
}

/* The sentence is "HEADLINE: rest"; on the page the headline stands alone. */
static void put_verdict(const struct lk_report *r, FILE *f)
{
    const char *colon = strstr(r->sentence, ": ");
    char headline[VERDICT_ROOM], rest[VERDICT_ROOM];
    snprintf(headline, sizeof headline, "%.*s", colon != NULL ? (int)(colon - r->sentence) : VERDICT_ROOM - 1,
             r->sentence);
    snprintf(rest, sizeof rest, "%s", colon != NULL ? colon + 2 : "");
    if (rest[0] >= 'a' && rest[0] <= 'z')
        rest[0] = (char)(rest[0] - 'a' + 'A');
    keep_percents(rest);
    fprintf(f, "<section class=\"verdict %s\" id=\"verdict\">\n<p class=\"kicker\">Verdict</p>\n<h1>",
            verdict_class[r->verdict]);
    lk_html_text(f, headline);
    fputs("</h1>\n<p class=\"lead\">", f);
    lk_html_text(f, rest);
    fputs("</p>\n", f);
}

static void tile(FILE *f, const char *label, const char *value, const char *note)
{
    fprintf(f, "<div><dt>%s</dt><dd><b>%s</b> <span>%s</span></dd></div>\n", label, value, note);
}

static const char *unit_word(const struct lk_report *r)
{
    return r->by_identity ? "synthetic identities" : "synthetic images";
}

static void put_tiles_with_holdout(const struct lk_report *r, FILE *f)
{
    struct lk_number a, b, c;
    char note[300];
    snprintf(note, sizeof note, "of %s %s; on average at most %s of such discoveries are false",
             lk_count(&a, r->n_units), unit_word(r), lk_percent_asked(&b, r->options->fdr));
    tile(f, "Discoveries", lk_count(&c, r->competition.discoveries), note);
    snprintf(note, sizeof note,
             "estimated share whose nearest real person is in training because of training; 95"
             "\xe2\x80\xaf"
             "%% interval %s to %s",
             lk_percent(&a, fmax(r->preference.pi_low, 0)), lk_percent(&b, fmax(r->preference.pi_high, 0)));
    tile(f, "Share drawn to training", lk_percent(&c, fmax(r->preference.pi, 0)), note);
    tile(f, "Resolution", lk_count(&c, r->competition.resolution),
         "is the smallest number of discoveries that one hold-out can show at this error rate");
}

/* The strictest threshold with support, or NULL. */
static const struct lk_report_level *strictest(const struct lk_report *r)
{
    for (size_t i = r->n_levels; i > 0; i--)
        if (r->levels[i - 1].supported)
            return &r->levels[i - 1];
    return NULL;
}

static void put_tiles_without_holdout(const struct lk_report *r, FILE *f)
{
    struct lk_number a, b;
    char note[300];
    const struct lk_report_level *level = strictest(r);
    if (level != NULL) {
        snprintf(note, sizeof note,
                 "of synthetic images have a training image above the threshold that %s pairs of different "
                 "people pass",
                 lk_rate(&a, level->fmr));
        tile(f, "Seen", lk_percent(&b, level->share[LK_TRAINING]), note);
        snprintf(note, sizeof note, "is what chance alone gives with %s training images",
                 lk_count(&a, r->sets[LK_TRAINING].rows));
        tile(f, "Chance", lk_percent(&b, level->chance), note);
    }
    if (r->n_pairs > 0)
        tile(f, "Closest pair", lk_decimal(&a, r->pairs[0].score, 3),
             "is the highest score of a synthetic and a training image");
}

static void put_truth(const struct lk_report *r, FILE *f)
{
    const struct lk_report_truth *t = &r->truth;
    struct lk_number a, b, c, d;
    if (!t->given)
        return;
    fputs("<section class=\"box\" id=\"truth\">\n<h2>Here the truth is known</h2>\n<p>This synthetic set was "
          "made by planting real persons of "
          "the training set in it. So what the audit found can be checked:</p>\n<dl class=\"tiles\">\n",
          f);
    tile(f, "Planted", lk_count(&a, t->n_planted), "leaked persons were put in");
    if (r->compared) {
        tile(f, "Found", lk_count(&b, t->n_planted_found), "of them are discoveries");
        tile(f, "Missed", lk_count(&c, t->n_planted - t->n_planted_found), "of them are not");
        tile(f, "False", lk_count(&d, t->n_false_found), "discoveries were not planted");
    }
    fputs("</dl>\n", f);
    if (t->n_person_known > 0)
        fprintf(f,
                "<p>For %s of %s planted ones the closest training image shows the very person they were "
                "made from.</p>\n",
                lk_count(&a, t->n_right_person), lk_count(&b, t->n_person_known));
    if (t->n_planted_absent > 0)
        fprintf(
            f,
            "<p>%s more were planted, but no face was found in their pictures, so they took no part.</p>\n",
            lk_count(&a, t->n_planted_absent));
    if (r->n_levels > 0) {
        fprintf(f,
                "<div class=\"scroll\"><table><caption>The published attack on the same set: %s at or above "
                "each threshold</caption>\n"
                "<thead><tr><th>Threshold<th class=\"n\">Planted, seen<th class=\"n\">Innocent, "
                "accused</tr></thead>\n<tbody>\n",
                unit_word(r));
        for (size_t i = 0; i < r->n_levels; i++)
            fprintf(f, "<tr><td>%s<td class=\"n\">%s of %s<td class=\"n\">%s of %s\n",
                    lk_rate(&a, r->levels[i].fmr), lk_count(&b, r->levels[i].planted),
                    lk_count(&c, t->n_planted), lk_count(&d, r->levels[i].innocent),
                    lk_count(&(struct lk_number){""}, r->n_units - t->n_planted - t->n_unknown));
        fputs("</tbody></table></div>\n", f);
    }
    fputs("</section>\n", f);
}

/* ---- what was compared ------------------------------------------------------------------------------ */

static const char *const role_names[LK_N_SETS] = {"Synthetic", "Training (real)", "Hold-out (real)"};

static void put_set(const struct lk_report *r, int role, FILE *f)
{
    const struct lk_report_set *set = &r->sets[role];
    struct lk_number n;
    fprintf(f, "<tr><th scope=\"row\">%s", role_names[role]);
    if (!set->given) {
        fputs("<td colspan=\"4\" class=\"quiet\">none was given\n", f);
        return;
    }
    fprintf(f, "<td class=\"n\" data-l=\"faces compared\">%s<td class=\"n\" data-l=\"identities\">%s",
            lk_count(&n, set->rows),
            set->identities > 0 ? lk_count(&(struct lk_number){""}, set->identities) : "no labels");
    fprintf(f, "<td class=\"n\" data-l=\"left out\">%s<td data-l=\"from\">",
            set->open ? lk_count(&n, set->n_no_face + set->n_unreadable + set->n_by_list + set->excluded)
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

static void put_compared(const struct lk_report *r, FILE *f)
{
    const char *alignment = lk_report_fact(r, NULL, "alignment"),
               *detector = lk_report_fact(r, "detector", "name");
    bool aligned = alignment != NULL && strcmp(alignment, "aligned") == 0;
    fputs("<section id=\"compared\">\n<h2>What was compared</h2>\n<div class=\"scroll\"><table "
          "class=\"cards\">\n<thead><tr><th>Set<th class=\"n\">Faces compared"
          "<th class=\"n\">Identities<th class=\"n\">Left out<th>From</tr></thead>\n<tbody>\n",
          f);
    for (int role = 0; role < LK_N_SETS; role++)
        put_set(r, role, f);
    fputs("</tbody></table></div>\n<dl class=\"facts\">\n", f);
    put_fact(f, "Matcher", lk_report_fact(r, "model", "name"), lk_report_fact(r, "model", "licence"));
    put_fact(f, "Detector", detector == NULL && aligned ? "none: the pictures were crops already" : detector,
             lk_report_fact(r, "detector", "licence"));
    put_fact(f, "Alignment", aligned ? "as given" : alignment, NULL);
    put_fact(f, "Thresholds", r->thresholds_from, NULL);
    put_fact(f, "Made with likeness", lk_version(), NULL);
    fputs("</dl>\n", f);
    for (int role = 0; role < LK_N_SETS; role++)
        if (r->sets[role].given && !r->sets[role].open) {
            fprintf(f,
                    "<p class=\"note\">%s set: no pictures and no counts of images without a face, because ",
                    role_names[role]);
            /* The reason may name a file. */
            lk_html_text(f, r->options->no_faces ? "its FACES directory could not be used"
                                                 : r->sets[role].closed_because);
            fputs(".</p>\n", f);
        }
    fputs("</section>\n", f);
}

/* ---- the frame -------------------------------------------------------------------------------------- */

static void put_contents(const struct lk_report *r, FILE *f)
{
    fputs("<nav aria-label=\"Contents\"><a href=\"#compared\">Compared</a><a href=\"#attack\">Attack and "
          "chance</a>",
          f);
    if (r->compared)
        fputs("<a href=\"#margins\">Margins</a>", f);
    fputs(
        "<a href=\"#pairs\">Closest pairs</a><a href=\"#left-out\">Left out</a><a href=\"#limits\">Limits</a>"
        "<a href=\"#repeat\">Repeat it</a></nav>\n",
        f);
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
    json_t *figures = lk_report_figures(r);
    LK_NEED(figures != NULL, err, LK_ENOMEM, "out of memory while making the charts");
    fputs("<script type=\"application/json\" id=\"figures\">", f);
    lk_status status = lk_html_json(f, figures, err);
    json_decref(figures);
    fputs("</script>\n", f);
    for (size_t i = 0; i < lk_n_asset_scripts; i++) {
        fputs("<script>", f);
        fwrite(lk_asset_scripts[i].text, 1, lk_asset_scripts[i].len, f);
        fputs("</script>\n", f);
    }
    return status;
}

lk_status lk_report_write_page(const struct lk_report *r, const char *path, lk_error *err)
{
    struct lk_out out;
    LK_TRY(lk_out_open(&out, path, err));
    FILE *f = out.stream;
    put_head(r, f);
    put_verdict(r, f);
    fputs("<dl class=\"tiles\">\n", f);
    if (r->compared)
        put_tiles_with_holdout(r, f);
    else
        put_tiles_without_holdout(r, f);
    fputs("</dl>\n<p class=\"caveat\">This holds for one matcher and these sets. Nothing on this page can "
          "show that a set is free of real people: "
          "<a href=\"#limits\">what the result does not show</a>.</p>\n</section>\n",
          f);
    put_truth(r, f);
    put_contents(r, f);
    put_compared(r, f);
    lk_report_attack_section(r, f);
    lk_report_margin_section(r, f);
    lk_status status = lk_report_gallery(r, f, err);
    lk_report_left_out_section(r, f);
    lk_report_limits_section(r, f);
    lk_report_repeat_section(r, f);
    fprintf(f,
            "</main>\n<footer><p>Made by likeness %s. This page is one file and loads nothing. Its charts "
            "are drawn by Vega and Vega-Lite "
            "(University of Washington Interactive Data Lab, BSD licence, inside).</p></footer>\n",
            lk_version());
    if (status == LK_OK)
        status = put_scripts(r, f, err);
    fputs("</body>\n</html>\n", f);
    if (status == LK_OK)
        status = lk_out_commit(&out, err);
    lk_out_abandon(&out);
    return status;
}
