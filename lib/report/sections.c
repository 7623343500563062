/* SPDX-License-Identifier: Apache-2.0 */
/* sections.c - the parts of the page below the verdict: attack and chance, margins, left out, limits,
 * repeating. */
#include <math.h>
#include <string.h>

#include "report/assets.h"
#include "report/html.h"
#include "report/report.h"

static const char *const role_names[LK_N_SETS] = {"Synthetic", "Training", "Hold-out"};

/* A chart is drawn by the page's script; the caption and the tables beside it say the same without one. */
static void put_chart(FILE *f, const char *name, const char *label, const char *caption, const char *more)
{
    fprintf(
        f,
        "<figure><div class=\"chart\" data-chart=\"%s\" role=\"img\" aria-label=\"%s\"><noscript>The chart "
        "needs JavaScript; its numbers are in the text and the tables.</noscript></div>\n"
        "<figcaption>%s%s</figcaption></figure>\n",
        name, label, caption, more);
}

/* ---- the published attack --------------------------------------------------------------------------- */

static void put_level(const struct lk_report *r, const struct lk_report_level *level, FILE *f)
{
    struct lk_number a, b, c, d, e, g;
    fprintf(f,
            "<tr><th scope=\"row\">%s%s<td class=\"n\" data-l=\"score\">%s<td class=\"n\" data-l=\"seen in "
            "training\">%s",
            lk_rate(&a, level->fmr), level->supported ? "" : " <span class=\"quiet\">(weak)</span>",
            lk_decimal(&b, level->score, 3), lk_percent(&c, level->share[LK_TRAINING]));
    if (r->compared)
        fprintf(f, "<td class=\"n\" data-l=\"seen in hold-out\">%s",
                lk_percent(&d, level->share[LK_HOLDOUT]));
    fprintf(f,
            "<td class=\"n chance\" data-l=\"by chance alone\">%s<td class=\"n chance\" data-l=\"chance "
            "matches each\">%s\n",
            lk_percent(&e, level->chance), lk_about(&g, level->expected));
}

static void put_levels(const struct lk_report *r, FILE *f)
{
    bool weak = false;
    fputs(
        "<div class=\"scroll\"><table id=\"levels\" class=\"cards\"><caption>Synthetic images whose closest "
        "real image is at or above the threshold</caption>\n"
        "<thead><tr><th>False matches of the threshold<th class=\"n\">Score<th class=\"n\">Seen in training",
        f);
    if (r->compared)
        fputs("<th class=\"n\">Seen in hold-out", f);
    fputs("<th class=\"n chance\">By chance alone<th class=\"n chance\">Chance matches per "
          "image</tr></thead>\n<tbody>\n",
          f);
    for (size_t i = 0; i < r->n_levels; i++) {
        put_level(r, &r->levels[i], f);
        weak = weak || !r->levels[i].supported;
    }
    fputs("</tbody></table></div>\n", f);
    if (weak)
        fputs("<p class=\"note\">Weak: fewer than 30 false matches are expected among the pairs this "
              "threshold was set with, so its true rate is uncertain.</p>\n",
              f);
}

/* The words that explain the table, with this report's numbers for its strictest threshold. */
static void explain_chance(const struct lk_report *r, FILE *f)
{
    struct lk_number a, b, c, d;
    fputs("<p>The published attack takes, for every synthetic image, the most similar training image, and "
          "counts how many of these "
          "scores pass a threshold. But every synthetic image is compared with ",
          f);
    fprintf(f, "%s training images, and has that many chances to meet a look-alike. ",
            lk_count(&a, r->sets[LK_TRAINING].rows));
    if (r->n_levels > 0) {
        const struct lk_report_level *level = &r->levels[r->n_levels / 2];
        fprintf(f,
                "A threshold that <em>%s</em> pairs of different people pass is passed, without any leak, by "
                "%s training images per "
                "synthetic image on average, and by at least one for %s of them. ",
                lk_rate(&b, level->fmr), lk_about(&c, level->expected), lk_percent(&d, level->chance));
        fputs("So a share is a finding only as far as it rises above <em>by chance alone</em>", f);
        fputs(r->compared ? " and above what is seen in the hold-out, where nothing can have leaked.</p>\n"
                          : ". The chance column takes the false match rate from other pictures than these, "
                            "so it is a guide; "
                            "a hold-out would measure it here.</p>\n",
              f);
    } else {
        fputs("No thresholds are known for this matcher, so the chance level cannot be printed; "
              "<code>likeness calibrate</code> makes them.</p>\n",
              f);
    }
}

/* The histogram's numbers for readers without the chart, in steps of 0.05. */
static void put_nearest_table(const struct lk_report *r, FILE *f)
{
    enum { STEPS = 42 };
    uint64_t counts[LK_N_SETS][STEPS] = {{0}};
    int low = STEPS, high = -1;
    for (size_t i = 0; i < r->n_probes; i++)
        for (int role = LK_TRAINING; role < LK_N_SETS; role++) {
            if (!r->sets[role].given)
                continue;
            int step = (int)floor((r->probes[i].score[role] + 1.05) / 0.05 + 1e-9);
            counts[role][step]++;
            low = step < low ? step : low;
            high = step > high ? step : high;
        }
    fprintf(f,
            "<details><summary>The same as a table</summary><div class=\"scroll\"><table><thead><tr><th>Best "
            "score<th class=\"n\">Training%s</tr></thead>\n<tbody>\n",
            r->compared ? "<th class=\"n\">Hold-out" : "");
    for (int s = low; s <= high; s++) {
        struct lk_number a, b, c, d;
        fprintf(f, "<tr><td>%s to %s<td class=\"n\">%s", lk_decimal(&a, s * 0.05 - 1.05, 2),
                lk_decimal(&b, s * 0.05 - 1, 2), lk_count(&c, counts[LK_TRAINING][s]));
        if (r->compared)
            fprintf(f, "<td class=\"n\">%s", lk_count(&d, counts[LK_HOLDOUT][s]));
        fputs("\n", f);
    }
    fputs("</tbody></table></div></details>\n", f);
}

void lk_report_attack_section(const struct lk_report *r, FILE *f)
{
    fputs("<section id=\"attack\">\n<h2>The published attack, beside what chance gives</h2>\n", f);
    explain_chance(r, f);
    if (r->n_levels > 0)
        put_levels(r, f);
    fputs("<div class=\"charts\">\n", f);
    put_chart(f, "nearest", "Histogram of each synthetic image\xe2\x80\x99s best score",
              r->compared
                  ? "Each synthetic image\xe2\x80\x99s best score: among the training images (filled) and "
                    "among the hold-out (line)."
                  : "Each synthetic image\xe2\x80\x99s best score among the training images.",
              r->n_levels > 0 ? " Upright lines are the thresholds." : "");
    put_chart(f, "share", "Share of synthetic images whose best score is at or above a score",
              "Share of synthetic images with a best score this high or higher.",
              r->n_levels > 0 ? " Circles: what chance alone gives at each threshold." : "");
    fputs("</div>\n", f);
    put_nearest_table(r, f);
    fputs("</section>\n", f);
}

/* ---- margins ---------------------------------------------------------------------------------------- */

void lk_report_margin_section(const struct lk_report *r, FILE *f)
{
    if (!r->compared)
        return;
    const struct lk_competition *c = &r->competition;
    const struct lk_preference *p = &r->preference;
    struct lk_number a, b, d, e, g;
    const char *word = r->by_identity ? "identity" : "image";
    fprintf(f,
            "<section id=\"margins\">\n<h2>Training set against hold-out</h2>\n<p>The hold-out shows real "
            "people that the generator never saw. If nothing "
            "leaked, a synthetic %s is as likely to come closer to a person there as to one in the training "
            "set, and by as much. "
            "Each margin below is the best score in training minus the best score in the hold-out.</p>\n",
            word);
    fprintf(f, "<p>%s of %s come closer to the training set, %s to the hold-out", lk_count(&a, p->wins),
            lk_count(&b, p->n), lk_count(&d, p->losses));
    if (p->ties > 0)
        fprintf(f, ", %s are ties", lk_count(&e, p->ties));
    fprintf(f,
            ". A split at least this far towards training has a probability of %s if nothing leaked.</p>\n",
            lk_about(&g, p->p_value));
    put_chart(f, "margins", "Margins of the synthetic units towards training and towards the hold-out",
              "Above the line: closer to training. Below: closer to the hold-out, which only chance can "
              "cause. Without a leak both halves look alike.",
              "");
    if (!isnan(c->tau))
        fprintf(f,
                "<p>From a margin of %s on, %s synthetic %s win for the training set and %s for the "
                "hold-out: these "
                "are the discoveries, at a false discovery rate of %s.</p>\n",
                lk_decimal(&a, c->tau, 3), lk_count(&b, c->discoveries),
                r->by_identity ? "identities" : "images", lk_count(&d, c->decoys),
                lk_percent_asked(&e, c->q));
    else
        fprintf(f,
                "<p>No margin separates the two halves well enough: at a false discovery rate of %s at least "
                "%s discoveries are needed before any can be "
                "made. The largest margin towards the hold-out is %s.</p>\n",
                lk_percent_asked(&a, c->q), lk_count(&b, c->resolution), lk_decimal(&d, c->largest_decoy, 3));
    fputs("</section>\n", f);
}

/* ---- left out --------------------------------------------------------------------------------------- */

enum { EXAMPLES = 8 };

static void put_examples(const struct lk_report_set *set, int role, FILE *f)
{
    size_t shown = 0;
    if (set->n_no_face + set->n_unreadable + set->n_by_list == 0)
        return;
    fprintf(f, "<details><summary>%s: which, for example</summary><ul class=\"paths\">\n", role_names[role]);
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
          "are missing has been judged by the rest.</p>\n<div class=\"scroll\"><table><thead><tr><th>Set<th "
          "class=\"n\">Images<th class=\"n\">No face found"
          "<th class=\"n\">Unreadable<th class=\"n\">Excluded by a list<th class=\"n\">Empty vector<th "
          "class=\"n\">Compared</tr></thead>\n<tbody>\n",
          f);
    for (int role = 0; role < LK_N_SETS; role++) {
        const struct lk_report_set *set = &r->sets[role];
        struct lk_number a, b, c, d, e, g;
        if (!set->given)
            continue;
        if (set->open)
            fprintf(f,
                    "<tr><th scope=\"row\">%s<td class=\"n\">%s<td class=\"n\">%s<td class=\"n\">%s"
                    "<td class=\"n\">%s",
                    role_names[role], lk_count(&a, set->faces.n_images), lk_count(&b, set->n_no_face),
                    lk_count(&c, set->n_unreadable), lk_count(&g, set->n_by_list));
        else
            fprintf(f, "<tr><th scope=\"row\">%s<td class=\"n quiet\" colspan=\"4\">not known",
                    role_names[role]);
        fprintf(f, "<td class=\"n\">%s<td class=\"n\">%s\n", lk_count(&d, set->excluded),
                lk_count(&e, set->rows));
    }
    fputs("</tbody></table></div>\n", f);
    for (int role = 0; !r->options->no_faces && role < LK_N_SETS; role++)
        if (r->sets[role].open)
            put_examples(&r->sets[role], role, f);
    fputs("</section>\n", f);
}

/* ---- limits ----------------------------------------------------------------------------------------- */

static bool differ(const char *a, const char *b)
{
    return a != NULL && b != NULL && strcmp(a, b) != 0;
}

static const char *made_with(const struct lk_report_set *set, const char *of, const char *key)
{
    const json_t *meta = set->faces.meta;
    return json_string_value(json_object_get(of == NULL ? meta : json_object_get(meta, of), key));
}

int lk_report_same_making(const struct lk_report *r)
{
    const struct lk_report_set *first = NULL;
    int told = -1;
    for (int role = 0; role < LK_N_SETS; role++) {
        const struct lk_report_set *set = &r->sets[role];
        if (!set->open)
            continue;
        if (first == NULL) {
            first = set;
            continue;
        }
        told = told != 0;
        if (differ(made_with(first, "model", "sha256"), made_with(set, "model", "sha256")) ||
            differ(made_with(first, "detector", "sha256"), made_with(set, "detector", "sha256")) ||
            differ(made_with(first, NULL, "alignment"), made_with(set, NULL, "alignment")))
            told = 0;
    }
    return told;
}

static void put_assumption(FILE *f, const char *state, const char *word, const char *text)
{
    fprintf(f, "<li class=\"%s\"><b>%s</b> %s\n", state, word, text);
}

void lk_report_limits_section(const struct lk_report *r, FILE *f)
{
    int same = lk_report_same_making(r);
    fputs("<section id=\"limits\">\n<h2>What the result does not show</h2>\n", f);
    fputs(lk_asset_limits_html, f);
    fputs("<h3>What it takes for granted</h3>\n<ul class=\"assumptions\">\n", f);
    if (r->compared) {
        struct lk_number a, b;
        const struct lk_report_set *t = &r->sets[LK_TRAINING], *h = &r->sets[LK_HOLDOUT];
        bool labels = t->identities > 0 && h->identities > 0;
        uint64_t n_t = labels ? t->identities : t->rows, n_h = labels ? h->identities : h->rows;
        fprintf(
            f,
            "<li class=\"%s\"><b>%s</b> Training set and hold-out are of the same size: %s against %s %s.\n",
            n_t == n_h ? "yes" : "unknown", n_t == n_h ? "checked" : "look", lk_count(&a, n_t),
            lk_count(&b, n_h), labels ? "identities" : "faces");
        put_assumption(f, "unknown", "not checked",
                       "Training set and hold-out are drawn from the same kind of people and pictures. If "
                       "they differ, one of them can be closer "
                       "to everything; control pictures that no generator made would show it.");
        put_assumption(
            f, "unknown", "not checked",
            "No person is in both the training set and the hold-out, also not under another name.");
    } else {
        put_assumption(
            f, "no", "missing",
            "A hold-out: real people from the same source whom the generator never saw. Without one nothing "
            "here separates a leak "
            "from a look-alike. Withhold 5\xe2\x80\xaf% of the identities before training a generator.");
    }
    put_assumption(f, "unknown", "not known",
                   "The matcher was not itself trained on the training set alone. One that was knows these "
                   "people better than others.");
    put_assumption(f, "unknown", "not checked",
                   "The synthetic set holds no picture twice under different identities.");
    if (!r->by_identity)
        put_assumption(f, "no", "no labels",
                       "The synthetic set has no identities, so every image counts as a person of its own; "
                       "near-copies then count several times.");
    put_assumption(f,
                   same == 1   ? "yes"
                   : same == 0 ? "no"
                               : "unknown",
                   same == 1   ? "checked"
                   : same == 0 ? "not met"
                               : "not known",
                   "All sets were detected, aligned and embedded in the same way by the same model.");
    fputs("</ul>\n</section>\n", f);
}

/* ---- how to repeat it ------------------------------------------------------------------------------- */

static void put_command(FILE *f, const char *command)
{
    if (command == NULL)
        return;
    lk_html_text(f, command);
    fputs("\n", f);
}

static void put_hash(FILE *f, const char *what, const char *hash)
{
    if (hash == NULL)
        return;
    fprintf(f, "<tr><td>%s<td><code>", what);
    lk_html_text(f, hash);
    fputs("</code>\n", f);
}

void lk_report_repeat_section(const struct lk_report *r, FILE *f)
{
    static const char *const vectors[LK_N_SETS] = {"synthetic, embeddings.npy", "training, embeddings.npy",
                                                   "hold-out, embeddings.npy"};
    fputs("<section id=\"repeat\">\n<h2>How to repeat it</h2>\n", f);
    if (r->options->no_faces) {
        fputs("<p>The command lines name folders and are withheld in this version of the report; "
              "<code>meta.json</code> of each step has them.</p>\n",
              f);
    } else {
        fputs("<pre tabindex=\"0\">", f);
        for (int role = 0; role < LK_N_SETS; role++)
            if (r->sets[role].open)
                put_command(f, json_string_value(json_object_get(r->sets[role].faces.meta, "command")));
        put_command(f, json_string_value(json_object_get(r->meta, "command")));
        put_command(f, r->options->command);
        fputs("</pre>\n", f);
    }
    fputs("<p>The same inputs give the same page, byte for byte. SHA-256 of what went in:</p>\n<div "
          "class=\"scroll\"><table class=\"hashes\"><tbody>\n",
          f);
    put_hash(f, "matcher", lk_report_fact(r, "model", "sha256"));
    put_hash(f, "detector", lk_report_fact(r, "detector", "sha256"));
    for (int role = 0; role < LK_N_SETS; role++)
        put_hash(f, vectors[role], r->sets[role].sha256);
    const json_t *outputs = json_object_get(r->meta, "outputs");
    put_hash(f, "pairs.csv", json_string_value(json_object_get(outputs, "pairs.csv")));
    put_hash(f, "nearest.csv", json_string_value(json_object_get(outputs, "nearest.csv")));
    fputs("</tbody></table></div>\n", f);
    if (r->compared)
        fprintf(
            f,
            "<p class=\"note\">Intervals: 95\xe2\x80\xaf%%, bootstrap with %d replicates, seed %llu.</p>\n",
            LK_BOOTSTRAP_REPLICATES, (unsigned long long)r->preference.seed);
    fputs("</section>\n", f);
}
