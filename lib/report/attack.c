/* SPDX-License-Identifier: Apache-2.0 */
/* attack.c - the published attack beside what chance gives: thresholds, nearest scores, chance curves. */
#include <math.h>
#include <stdlib.h>

#include "report/html.h"
#include "report/report.h"

/* A figure whose table is made here and now. */
static lk_status put_figure(const struct lk_report *r, FILE *f, const char *kind, const char *name, const char *label,
                            const char *caption, lk_figure_fn *figure, lk_error *err)
{
    char *text = NULL;
    size_t len;
    FILE *to = open_memstream(&text, &len);
    LK_NEED(to != NULL, err, LK_ENOMEM, "out of memory");
    lk_status status = figure(r, to, err);
    if (fclose(to) != 0 && status == LK_OK)
        status = lk_fail(err, LK_ENOMEM, "out of memory");
    if (status == LK_OK)
        status = lk_report_chart(f, kind, name, label, caption, text, err);
    free(text);
    return status;
}

/* ---- thresholds ------------------------------------------------------------------------------------- */

static bool shows_all(const struct lk_report *r)
{
    return r->exposed && r->n_levels > 0;
}

static void put_level(const struct lk_report *r, const struct lk_report_level *level, FILE *f)
{
    struct lk_number a, b, c, d, e, g;
    bool all = shows_all(r), held = all && r->exposure.galleries[LK_EXPOSURE_HOLDOUT].given;
    fprintf(f,
            "<tr><th scope=\"row\">%s%s<td class=\"n\" data-l=\"score\">%s<td class=\"n\" data-l=\"seen in "
            "training\">%s",
            lk_rate(&a, level->fmr), level->supported ? "" : " <span class=\"quiet\">(weak)</span>",
            lk_decimal(&b, level->score, 3),
            lk_percent(&c, all ? level->all[LK_EXPOSURE_TRAIN] : level->share));
    if (held)
        fprintf(f, "<td class=\"n\" data-l=\"seen in hold-out\">%s", lk_percent(&d, level->all[LK_EXPOSURE_HOLDOUT]));
    double expected = all ? (double)r->exposure.galleries[LK_EXPOSURE_TRAIN].rows * level->fmr : level->expected;
    fprintf(f,
            "<td class=\"n chance\" data-l=\"by chance alone\">%s<td class=\"n chance\" data-l=\"chance "
            "matches each\">%s\n",
            lk_percent(&e, all ? level->all_chance : level->chance), lk_about(&g, expected));
}

static void put_levels(const struct lk_report *r, FILE *f)
{
    bool weak = false, held = shows_all(r) && r->exposure.galleries[LK_EXPOSURE_HOLDOUT].given;
    fprintf(f,
            "<div class=\"scroll\"><table id=\"levels\" class=\"cards\"><caption>Synthetic images whose closest "
            "real image is at or above the threshold, %s</caption>\n"
            "<thead><tr><th scope=\"col\">False matches of the threshold<th scope=\"col\" class=\"n\">Score<th "
            "scope=\"col\" class=\"n\">Seen in training",
            r->exposed ? "over the complete sets" : "among the persons that took part");
    if (held)
        fprintf(f, "<th scope=\"col\" class=\"n\">Seen in %shold-out", r->n_holdouts > 1 ? "the first " : "");
    fputs("<th scope=\"col\" class=\"n chance\">By chance alone<th scope=\"col\" class=\"n chance\">Chance matches per "
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

/* The words that explain the table, with this report's numbers for a middle threshold. */
static void explain_chance(const struct lk_report *r, FILE *f)
{
    struct lk_number a, b, c, d;
    uint64_t references = r->exposed ? r->exposure.galleries[LK_EXPOSURE_TRAIN].rows
                                     : (uint64_t)json_integer_value(lk_report_measure(r, "L0_exposure", "references"));
    fprintf(f,
            "<p>The published attack takes, for every synthetic image, the most similar training image, and "
            "counts how many of these scores pass a threshold. But every synthetic image is compared with %s training "
            "images, and has that many chances to meet a look-alike. ",
            lk_count(&a, references));
    if (r->n_levels == 0) {
        fputs("No thresholds are known for this matcher, so the chance level cannot be printed; "
              "<code>likeness calibrate</code> makes them.</p>\n",
              f);
        return;
    }
    const struct lk_report_level *level = &r->levels[r->n_levels / 2];
    fprintf(f,
            "A threshold that <em>%s</em> pairs of different people pass is passed, without any leak, by "
            "%s training images per synthetic image on average, and by at least one for %s of them. ",
            lk_rate(&b, level->fmr), lk_about(&c, (double)references * level->fmr),
            lk_percent(&d, r->exposed ? level->all_chance : level->chance));
    fputs("So a share is a finding only as far as it rises above <em>by chance alone</em>", f);
    fputs(r->compared ? " and above what is seen in the hold-out, where nothing can have leaked.</p>\n"
                      : ". The chance column takes the false match rate from other pictures than these, "
                        "so it is a guide; "
                        "a hold-out would measure it here.</p>\n",
          f);
}

/* ---- figures ---------------------------------------------------------------------------------------- */

static void put_caption(const struct lk_report *r, char *text, size_t room)
{
    snprintf(text, room,
             "<b>Nearest scores.</b> Each synthetic %s\xe2\x80\x99s best score among the training persons%s%s.%s%s %s",
             r->by_identity ? "identity" : "image", r->compared ? ", among as many hold-out persons" : "",
             r->n_controls > 0 ? "; and that of the controls among the training persons" : "",
             r->n_levels > 0 ? " Dashed lines are thresholds, named by their false match rates." : "",
             r->exposed && r->exposure.has_strangers
                 ? " Behind them all pairs with a hold-out image, which are strangers: the best of many scores lies to the "
                   "right of a single one."
                 : "",
             r->calibration.given && r->calibration.is_curve
                 ? "Grey areas: pairs of one person, and of different persons, in the calibration set, where its table holds "
                   "most of them. What lies behind is drawn to the height of the picture, not to scale."
             : r->calibration.given
                 ? "The calibration file holds a few thresholds only, too few for curves of genuine and impostor pairs."
                 : "Curves of genuine and impostor pairs are left out: no calibration set was given "
                   "(<code>likeness calibrate --roc</code>).");
}

lk_status lk_report_attack_section(const struct lk_report *r, FILE *f, lk_error *err)
{
    char caption[1000];
    fputs("<section id=\"attack\">\n<h2>The published attack, beside what chance gives</h2>\n", f);
    explain_chance(r, f);
    if (r->n_levels > 0)
        put_levels(r, f);
    put_caption(r, caption, sizeof caption);
    LK_TRY(put_figure(r, f, "nearest", "nearest-scores",
                      "Histogram of best scores in the training set and in the hold-out", caption, lk_figure_nearest,
                      err));
    fputs("<div class=\"charts\">\n", f);
    LK_TRY(put_figure(r, f, "curves", "chance-curves", "Shares at or above a score",
                      r->compared
                          ? "<b>Chance curves.</b> Share with a best score this high or higher, in training and in the "
                            "hold-out, with 95\xe2\x80\xaf% bands. The hold-out is what chance gives with these faces."
                          : "<b>Share at or above a score</b>, with its 95\xe2\x80\xaf% band. Without a hold-out nothing "
                            "shows how much of it is chance.",
                      lk_figure_curves, err));
    if (r->compared)
        LK_TRY(put_figure(r, f, "excess", "excess", "Excess of the training set over the hold-out",
                          "<b>Excess over chance.</b> The two curves\xe2\x80\x99 difference with its 95\xe2\x80\xaf% "
                          "band. Above zero, the training set attracts more than chance does.",
                          lk_figure_curves, err));
    fputs("</div>\n</section>\n", f);
    return LK_OK;
}

/* ---- margins ---------------------------------------------------------------------------------------- */

static void explain_discoveries(const struct lk_report *r, FILE *f)
{
    const struct lk_competition *c = &r->competition;
    struct lk_number a, b, d, e;
    if (!isnan(c->tau))
        fprintf(f,
                "<p>From a margin of %s on, %s synthetic %s win for the training set and %s for a hold-out: these "
                "are the discoveries, at a false discovery rate of %s.</p>\n",
                lk_decimal(&a, c->tau, 3), lk_count(&b, c->discoveries), r->by_identity ? "identities" : "images",
                lk_count(&d, c->decoys), lk_percent_asked(&e, c->q));
    else
        fprintf(f,
                "<p>No margin separates the two halves well enough: at a false discovery rate of %s at least "
                "%s discoveries are needed before any can be "
                "made. The largest margin towards a hold-out is %s.</p>\n",
                lk_percent_asked(&a, c->q), lk_count(&b, c->resolution), lk_decimal(&d, c->largest_decoy, 3));
}

lk_status lk_report_margin_section(const struct lk_report *r, FILE *f, lk_error *err)
{
    if (!r->compared)
        return LK_OK;
    const json_t *l3 = lk_report_measure(r, "L3_preference", NULL);
    struct lk_number a, b, d, e, g;
    uint64_t ties = (uint64_t)json_integer_value(json_object_get(l3, "ties"));
    const char *word = r->by_identity ? "identity" : "image";
    fprintf(f,
            "<section id=\"margins\">\n<h2>Training set against hold-out</h2>\n<p>%s real "
            "people whom the generator never saw. If nothing "
            "leaked, a synthetic %s is as likely to come closest to a person there as to one in the training "
            "set, and by as much. Its margin is its best score less its second best over these galleries, each of %s "
            "persons.</p>\n",
            r->competition.holdouts > 1 ? "The hold-outs show" : "The hold-out shows", word,
            lk_count(&a, (uint64_t)json_integer_value(
                             json_object_get(json_object_get(r->measures, "matching"), "persons_each"))));
    fprintf(f, "<p>%s of %s come closest to the training set, %s to a hold-out", lk_count(&a, r->competition.wins),
            lk_count(&b, r->n_units), lk_count(&d, r->competition.losses));
    if (ties > 0)
        fprintf(f, ", %s are ties", lk_count(&e, ties));
    fprintf(f,
            ". A split at least this far towards training has a probability of %s if nothing leaked.</p>\n",
            lk_about(&g, r->share_p));
    LK_TRY(put_figure(r, f, "margins", "margins",
                      "Margins of the synthetic units towards training and towards the hold-out",
                      "<b>Margins.</b> Above the line: closest to training. Below: closest to a hold-out, which only "
                      "chance can cause. Without a leak both halves look alike. The upright line is where discoveries "
                      "begin.",
                      lk_figure_margins, err));
    explain_discoveries(r, f);
    fputs("</section>\n", f);
    return LK_OK;
}

/* ---- the person side -------------------------------------------------------------------------------- */

static void put_rates(const struct lk_report *r, FILE *f)
{
    const json_t *rates = lk_report_measure(r, "L7_persons", "rates");
    fputs("<div class=\"scroll\"><table><caption>Share of training persons found, by the share of hold-out persons "
          "found by mistake</caption>\n<thead><tr><th scope=\"col\">By mistake<th scope=\"col\" class=\"n\">Found<th "
          "scope=\"col\" class=\"n\">95\xe2\x80\xaf% interval</tr></thead>\n<tbody>\n",
          f);
    for (size_t i = 0; i < json_array_size(rates); i++) {
        const json_t *rate = json_array_get(rates, i), *tpr = json_object_get(rate, "tpr");
        struct lk_number a, b, c, d;
        const json_t *low = json_object_get(tpr, "low"), *high = json_object_get(tpr, "high");
        fprintf(f, "<tr><th scope=\"row\">%s%s<td class=\"n\">%s<td class=\"n\">%s to %s\n",
                lk_percent_asked(&a, json_number_value(json_object_get(rate, "fpr"))),
                json_is_true(json_object_get(rate, "supported")) ? "" : " <span class=\"quiet\">(weak)</span>",
                lk_percent(&b, json_number_value(json_object_get(tpr, "value"))),
                lk_percent(&c, json_is_number(low) ? json_number_value(low) : NAN),
                lk_percent(&d, json_is_number(high) ? json_number_value(high) : NAN));
    }
    fputs("</tbody></table></div>\n", f);
}

lk_status lk_report_person_section(const struct lk_report *r, FILE *f, lk_error *err)
{
    struct lk_number a, b, c, d, e;
    if (!r->compared)
        return LK_OK;
    const json_t *l7 = lk_report_measure(r, "L7_persons", NULL);
    fprintf(f,
            "<section id=\"persons\">\n<h2>The persons</h2>\n<p>The other way round: how close does each real person "
            "come to the synthetic set? A training person comes closer than a hold-out person in %s of all such pairs "
            "of persons (area under the curve %s, 95\xe2\x80\xaf%% interval %s to %s; 0.5 is chance). %s persons of the "
            "training set stand out at a false discovery rate of %s.</p>\n",
            lk_percent(&a, r->auc.value), lk_decimal(&b, r->auc.value, 3), lk_decimal(&c, r->auc.low, 3),
            lk_decimal(&d, r->auc.high, 3), lk_count(&e, (uint64_t)json_integer_value(json_object_get(l7, "discoveries"))),
            lk_percent_asked(&(struct lk_number){""}, json_number_value(json_object_get(l7, "q"))));
    put_rates(r, f);
    fputs("<div class=\"charts\">\n", f);
    LK_TRY(put_figure(r, f, "roc", "person-roc", "Share of training persons found against hold-out persons found",
                      "<b>Who is found.</b> Training persons found against hold-out persons found by mistake, on "
                      "logarithmic axes, where the persons who matter most stand on the left. The grey line is chance.",
                      lk_figure_roc, err));
    LK_TRY(put_figure(r, f, "in_degree", "in-degree", "How many synthetic units have one and the same nearest person",
                      r->by_identity
                          ? "<b>How many share a person.</b> Real persons by the number of synthetic identities whose "
                            "nearest person they are. Leaks are near one to one; a few persons with very many are "
                            "pictures that are close to everything."
                          : "<b>How many share a picture.</b> Real persons by the number of synthetic images whose "
                            "nearest person they are. A few with very many are pictures that are close to everything.",
                      lk_figure_in_degree, err));
    fputs("</div>\n</section>\n", f);
    return LK_OK;
}
