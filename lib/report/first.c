/* SPDX-License-Identifier: Apache-2.0 */
/* first.c - the first screen: the verdict, the numbers that carry it, and what it does not show; and the truth where
 * it is known. */
#include <math.h>
#include <string.h>

#include "report/html.h"
#include "report/report.h"

#define PERCENT "\xe2\x80\xaf%%"

static const char *const verdict_class[] = {"leak", "leak", "clear", "open", "open"};

static void tile(FILE *f, const char *label, const char *value, const char *note)
{
    fprintf(f, "<div><dt>%s</dt><dd><b>%s</b> <span>%s</span></dd></div>\n", label, value, note);
}

static const char *unit_word(const struct lk_report *r)
{
    return r->by_identity ? "synthetic identities" : "synthetic images";
}

/* "5 %" must not break. */
static void put_unbroken(FILE *f, const char *text)
{
    for (const char *at; (at = strstr(text, " %")) != NULL; text = at + 1) {
        char part[1100];
        snprintf(part, sizeof part, "%.*s", (int)(at - text), text);
        lk_html_text(f, part);
        fputs("\xc2\xa0", f);
    }
    lk_html_text(f, text);
}

/* ---- numbers ---------------------------------------------------------------------------------------- */

static void put_detectable(const struct lk_report *r, FILE *f)
{
    struct lk_number a, b, c;
    char note[400], value[80];
    const struct lk_report_power *p = &r->power;
    if (!p->measured) {
        snprintf(value, sizeof value, "%s <small>or more</small>", lk_count(&a, r->competition.resolution));
        snprintf(note, sizeof note, "%s must stand out before any can be named at this error rate; a smaller leak stays "
                 "unseen", unit_word(r));
        tile(f, "Could have been detected", value, note);
        return;
    }
    char alike[160];
    if (p->genuine)
        snprintf(alike, sizeof alike, "as alike as two photos of one person (median score %s)",
                 lk_decimal(&a, p->strength, 2));
    else
        snprintf(alike, sizeof alike, "at a score of %s", lk_decimal(&a, p->strength, 2));
    if (p->planted > 0) {
        snprintf(value, sizeof value, "%s", lk_percent(&b, (double)p->planted / (double)p->n));
        snprintf(note, sizeof note, "or more leaked %s, %s, would have been noticed with a probability of %s",
                 unit_word(r), alike, lk_percent_asked(&c, p->power));
    } else {
        snprintf(value, sizeof value, "nothing");
        snprintf(note, sizeof note, "not even a set in which all %s leak, %s, would have been noticed", unit_word(r),
                 alike);
    }
    tile(f, "Could have been detected", value, note);
}

static void put_copies_tile(const struct lk_report *r, FILE *f)
{
    struct lk_number a, b;
    char note[300];
    if (r->n_judged == 0)
        return;
    snprintf(note, sizeof note,
             "%s hold a very picture of the training set, among the %s closest pairs and all discoveries",
             unit_word(r), lk_count(&a, r->n_judged));
    tile(f, "Copies", lk_count(&b, r->n_with_copies), note);
}

static void put_tiles_with_holdout(const struct lk_report *r, FILE *f)
{
    struct lk_number a, b, c;
    char note[300], value[120];
    bool copies = r->verdict == LK_VERDICT_COPIES_SHOWN; /* then they come first */
    if (copies)
        put_copies_tile(r, f);
    snprintf(value, sizeof value, "%s <small>of %s</small>", lk_count(&a, r->competition.discoveries),
             lk_count(&b, r->n_units));
    snprintf(note, sizeof note, "%s stand out, of which on average at most %s are false", unit_word(r),
             lk_percent_asked(&c, r->competition.q));
    tile(f, "Discoveries", value, note);
    snprintf(note, sizeof note,
             "of the %s are drawn to a training person because of training; 95" PERCENT " interval %s to %s",
             unit_word(r), lk_percent(&a, fmax(r->share.low, 0)), lk_percent(&b, fmax(r->share.high, 0)));
    tile(f, "Estimated share", lk_percent(&c, fmax(r->share.value, 0)), note);
    put_detectable(r, f);
    if (!copies)
        put_copies_tile(r, f);
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
        tile(f, "Seen", lk_percent(&b, level->share), note);
        tile(f, "Chance", lk_percent(&b, level->chance), "is what chance alone gives with as many training images");
    }
    const json_t *controls = lk_report_measure(r, "L4b_controls", NULL);
    if (controls != NULL) {
        snprintf(note, sizeof note, "%s stand out against the controls: as good as the choice of controls",
                 unit_word(r));
        tile(f, "Against controls",
             lk_count(&a, (uint64_t)json_integer_value(json_object_get(controls, "discoveries"))), note);
    }
    if (r->n_pairs > 0)
        tile(f, "Closest pair", lk_decimal(&a, r->pairs[0].score, 3),
             "is the highest score of a synthetic and a training image");
    put_copies_tile(r, f);
}

/* ---- what it does not show -------------------------------------------------------------------------- */

static void put_not_shown(const struct lk_report *r, FILE *f)
{
    struct lk_number a, b;
    const json_t *matching = json_object_get(r->measures, "matching");
    uint64_t each = (uint64_t)json_integer_value(json_object_get(matching, "persons_each")),
             given = (uint64_t)json_integer_value(json_object_get(matching, "train_persons_given"));
    fputs("<div class=\"notshown\">\n<h2>What this does not show</h2>\n<ul>\n", f);
    if (r->compared && r->competition.discoveries > 0)
        fprintf(f,
                "<li>Which of the discoveries are the false ones. Up to %s of them are expected to be; a single pair is "
                "no proof until people have looked at it.\n",
                lk_percent_asked(&a, r->competition.q));
    fputs("<li>That the set is free of other real people. Another matcher, or somebody who knows the generator, may "
          "find more.\n",
          f);
    if (r->compared && each < given)
        fprintf(f, "<li>Anything about the %s of %s training persons who took no part in the comparison.\n",
                lk_count(&a, given - each), lk_count(&b, given));
    fputs("<li>Anything about privacy in the formal sense (differential privacy), or whether a use is lawful.\n</ul>\n"
          "<p><a href=\"#limits\">More on its limits, and what it takes for granted</a></p>\n</div>\n",
          f);
}

void lk_report_first_screen(const struct lk_report *r, FILE *f)
{
    char name[80];
    snprintf(name, sizeof name, "%s", lk_verdict_name(r->verdict));
    if (name[0] >= 'a' && name[0] <= 'z')
        name[0] = (char)(name[0] - 'a' + 'A');
    fprintf(f,
            "<section class=\"verdict %s\" id=\"verdict\">\n<p class=\"kicker\">Verdict</p>\n<h1>%s</h1>\n<p "
            "class=\"lead\">",
            verdict_class[r->verdict], name);
    put_unbroken(f, r->plain);
    fputs("</p>\n<dl class=\"tiles\">\n", f);
    if (r->compared)
        put_tiles_with_holdout(r, f);
    else
        put_tiles_without_holdout(r, f);
    fputs("</dl>\n", f);
    put_not_shown(r, f);
    fputs("<p class=\"exact\"><b>In the words of the measurement.</b> ", f);
    put_unbroken(f, r->sentence);
    fputs("</p>\n</section>\n", f);
}

/* ---- truth ------------------------------------------------------------------------------------------ */

static void put_truth_levels(const struct lk_report *r, FILE *f)
{
    struct lk_number a, b, c, d, e;
    const struct lk_report_truth *t = &r->truth;
    fprintf(f,
            "<div class=\"scroll\"><table><caption>The published attack on the same set: %s at or above "
            "each threshold</caption>\n"
            "<thead><tr><th scope=\"col\">Threshold<th scope=\"col\" class=\"n\">Planted, seen<th scope=\"col\" "
            "class=\"n\">Innocent, accused</tr></thead>\n<tbody>\n",
            unit_word(r));
    for (size_t i = 0; i < r->n_levels; i++)
        fprintf(f, "<tr><th scope=\"row\">%s<td class=\"n\">%s of %s<td class=\"n\">%s of %s\n",
                lk_rate(&a, r->levels[i].fmr), lk_count(&b, r->levels[i].planted), lk_count(&c, t->n_planted),
                lk_count(&d, r->levels[i].innocent), lk_count(&e, r->n_units - t->n_planted - t->n_unknown));
    fputs("</tbody></table></div>\n", f);
}

void lk_report_truth_section(const struct lk_report *r, FILE *f)
{
    const struct lk_report_truth *t = &r->truth;
    struct lk_number a, b;
    if (!t->given)
        return;
    fputs("<section class=\"box\" id=\"truth\">\n<h2>Here the truth is known</h2>\n<p>This synthetic set was "
          "made by planting real persons of "
          "the training set in it. So what the audit found can be checked:</p>\n<dl class=\"tiles\">\n",
          f);
    tile(f, "Planted", lk_count(&a, t->n_planted), "leaked persons took part");
    if (r->compared) {
        tile(f, "Found", lk_count(&a, t->n_planted_found), "of them are discoveries");
        tile(f, "Missed", lk_count(&a, t->n_planted - t->n_planted_found), "of them are not");
        tile(f, "False", lk_count(&a, t->n_false_found), "discoveries were not planted");
    }
    fputs("</dl>\n", f);
    if (t->n_person_known > 0)
        fprintf(f,
                "<p>For %s of %s planted ones the closest training image shows the very person they were "
                "made from.</p>\n",
                lk_count(&a, t->n_right_person), lk_count(&b, t->n_person_known));
    if (t->n_planted_absent > 0)
        fprintf(f,
                "<p>%s more were planted, but took no part: no face was found in their pictures, or they were "
                "left out as doubles.</p>\n",
                lk_count(&a, t->n_planted_absent));
    if (r->n_levels > 0)
        put_truth_levels(r, f);
    fputs("</section>\n", f);
}
