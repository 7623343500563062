/* SPDX-License-Identifier: Apache-2.0 */
/* page.c - study.html: what a reader can cite, whether matchers differ, and the way to each set. */
#include <string.h>

#include "report/assets.h"
#include "study/html.h"

/* ---- the answer ---------------------------------------------------------------------------------------- */

struct tally {
    size_t runs, leaks, copies, nothing, open;
};

static struct tally count_verdicts(const json_t *root)
{
    size_t i;
    json_t *run;
    struct tally t = {0};
    json_array_foreach(json_object_get(root, "runs"), i, run)
    {
        const char *verdict = lk_study_text_at(run, "matchers/0/verdict");
        t.runs++;
        if (strcmp(verdict, lk_verdict_name(LK_VERDICT_LEAK_SHOWN)) == 0)
            t.leaks++;
        else if (strcmp(verdict, lk_verdict_name(LK_VERDICT_COPIES_SHOWN)) == 0)
            t.copies++;
        else if (strcmp(verdict, lk_verdict_name(LK_VERDICT_NOTHING_FOUND)) == 0)
            t.nothing++;
        else
            t.open++;
    }
    return t;
}

static size_t count_role(const json_t *root, const char *role)
{
    size_t i, n = 0;
    json_t *set;
    json_array_foreach(json_object_get(root, "sets"), i, set) n +=
        strcmp(lk_study_text_at(set, "role"), role) == 0;
    return n;
}

static void put_answer(const json_t *root, FILE *f)
{
    struct tally t = count_verdicts(root);
    size_t matchers = json_array_size(json_object_get(root, "matchers"));
    const char *name = lk_study_text_at(root, "name");
    size_t synthetic = count_role(root, "synthetic"), train = count_role(root, "train");
    fprintf(f, "<section class=\"verdict %s\" id=\"answer\">\n<p class=\"kicker\">Study</p>\n<h1>",
            t.leaks + t.copies > 0 ? "leak"
            : t.nothing == t.runs  ? "clear"
                                   : "open");
    lk_html_text(f, name[0] != '\0' ? name : "All sets");
    fprintf(f,
            "</h1>\n<p class=\"lead\">%zu synthetic set%s, %zu training set%s, %zu matcher%s: %zu run%s. "
            "Leak shown in "
            "%zu, copies shown in %zu, nothing found in %zu, no answer in %zu.</p>\n",
            synthetic, synthetic == 1 ? "" : "s", train, train == 1 ? "" : "s", matchers,
            matchers == 1 ? "" : "s", t.runs, t.runs == 1 ? "" : "s", t.leaks, t.copies, t.nothing, t.open);
    fputs("<p class=\"caveat\">Each run compares one synthetic set with one training set. The verdict is "
          "that of the "
          "first matcher. Nothing on this page can show that a set is free of real people: <a "
          "href=\"#limits\">what the "
          "result does not show</a>.</p>\n</section>\n<nav aria-label=\"Contents\"><a href=\"#runs\">All "
          "runs</a>"
          "<a href=\"#matchers\">Matchers</a><a href=\"#sets\">Sets</a><a href=\"#read\">How to read it</a>"
          "<a href=\"#limits\">Limits</a></nav>\n",
          f);
}

/* ---- the table to cite --------------------------------------------------------------------------------- */

/* "12 (at 0.71)": planted units that would have been found; the resolution where it was not measured. */
static void put_power(FILE *f, const json_t *m)
{
    struct lk_number a, b;
    uint64_t planted = lk_study_count_at(m, "power/planted");
    fputs("<td class=\"n\" data-l=\"would be found\">", f);
    if (json_is_object(lk_study_at(m, "power")))
        fprintf(f, "%s<span class=\"sub\">at a cosine of %s</span>",
                planted > 0 ? lk_count(&a, planted) : "not even all",
                lk_decimal(&b, lk_study_number_at(m, "power/strength"), 2));
    else
        fprintf(f, "%s<span class=\"sub\">the fewest possible</span>",
                lk_study_count_or_dash(&a, m, "resolution"));
}

static void put_run(FILE *f, const json_t *run)
{
    struct lk_number a, b;
    const json_t *m = lk_study_at(run, "matchers/0");
    const char *verdict = lk_study_text_at(m, "verdict");
    fputs("<tr><th scope=\"row\"><a href=\"sets/", f);
    lk_html_text(f, lk_study_text_at(run, "synthetic"));
    fputs(".html\">", f);
    lk_html_text(f, lk_study_text_at(run, "synthetic"));
    fprintf(f, "</a><span class=\"sub %s tone\">%s</span>", lk_study_tone(verdict), verdict);
    fprintf(f, "<td class=\"n\" data-l=\"%s\">%s<span class=\"sub\">%s images</span>",
            strcmp(lk_study_text_at(m, "unit"), "image") == 0 ? "units" : "identities",
            lk_count(&a, lk_study_count_at(m, "units")), lk_study_count_or_dash(&b, m, "images"));
    fprintf(f, "<td class=\"n\" data-l=\"persons compared\">%s<span class=\"sub\">%s images</span>",
            lk_study_count_or_dash(&a, m, "persons_each"), lk_study_count_or_dash(&b, m, "references"));
    lk_study_cell(f, "exposed", lk_percent(&a, lk_study_number_at(m, "exposure/share")));
    fprintf(f, "<td class=\"n chance\" data-l=\"by chance\">%s",
            lk_percent(&a, lk_study_number_at(m, "exposure/share_by_chance")));
    fputs("<td class=\"n\" data-l=\"drawn to training\">", f);
    lk_study_put_share(f, lk_study_at(m, "pi"));
    lk_study_cell(f, "discoveries", lk_study_count_or_dash(&a, m, "discoveries"));
    lk_study_cell(f, "persons exposed", lk_study_count_or_dash(&a, m, "persons_exposed"));
    lk_study_cell(f, "with copies", lk_study_count_or_dash(&a, m, "with_copies"));
    lk_study_cell(f, "largest hub", lk_study_count_or_dash(&a, m, "largest_group"));
    put_power(f, m);
    if (json_is_object(lk_study_at(m, "truth")))
        fprintf(f, "<td class=\"n\" data-l=\"truth\">%s of %s<span class=\"sub\">%s false</span>",
                lk_count(&a, lk_study_count_at(m, "truth/found")),
                lk_count(&b, lk_study_count_at(m, "truth/planted")),
                lk_count(&(struct lk_number){""}, lk_study_count_at(m, "truth/false")));
    else
        fputs("<td class=\"n\" data-l=\"truth\">\xe2\x80\x93", f);
    fputs("\n", f);
}

static bool any_truth(const json_t *root)
{
    size_t i;
    json_t *run;
    json_array_foreach(json_object_get(root, "runs"), i,
                       run) if (json_is_object(lk_study_at(run, "matchers/0/truth"))) return true;
    return false;
}

/* A line above the runs of a training set. */
static void put_group(FILE *f, const json_t *root, const json_t *run, const char *before, int columns)
{
    size_t i;
    json_t *set;
    const char *train = lk_study_text_at(run, "train");
    if (strcmp(before, train) == 0)
        return;
    fprintf(f, "<tr class=\"group\"><th colspan=\"%d\" scope=\"rowgroup\">Training set ", columns);
    lk_html_text(f, train);
    json_array_foreach(json_object_get(root, "sets"), i,
                       set) if (strcmp(lk_study_text_at(set, "name"), train) ==
                                0) for (size_t k = 0; k < json_array_size(json_object_get(set, "holdouts"));
                                        k++)
    {
        fputs(k == 0 ? ", hold-out " : ", ", f);
        lk_html_text(f, json_string_value(json_array_get(json_object_get(set, "holdouts"), k)));
    }
    fputs("</tr>\n", f);
}

static void put_runs(const json_t *root, FILE *f)
{
    size_t i;
    json_t *run;
    const char *before = "";
    struct lk_number a, b;
    double fmr = lk_study_number_at(root, "runs/0/matchers/0/exposure/fmr");
    fputs("<section id=\"runs\">\n<h2>All runs</h2>\n<div class=\"scroll\"><table class=\"cards "
          "runs\"><caption>By ",
          f);
    lk_html_text(f, lk_study_text_at(root, "matchers/0/name"));
    fprintf(f, ", at a false discovery rate of %s", lk_percent_asked(&b, lk_study_number_at(root, "fdr")));
    if (!isnan(fmr))
        fprintf(f,
                "; exposed: images with a training image above the threshold that %s pairs of strangers pass",
                lk_rate(&a, fmr));
    fputs("</caption>\n<thead><tr><th>Synthetic set<th class=\"n\">Synthetic identities<th "
          "class=\"n\">Persons of each "
          "gallery<th class=\"n\">Exposed<th class=\"n chance\">By chance<th class=\"n\">Drawn to "
          "training<th class=\"n\">"
          "Discov\xc2\xad"
          "eries<th class=\"n\">Persons exposed<th class=\"n\">With copies<th class=\"n\">Largest hub<th "
          "class=\"n\">"
          "Leaks that would be found<th class=\"n\">Planted, found</tr></thead>\n<tbody>\n",
          f);
    json_array_foreach(json_object_get(root, "runs"), i, run)
    {
        put_group(f, root, run, before, 12);
        before = lk_study_text_at(run, "train");
        put_run(f, run);
    }
    fputs("</tbody></table></div>\n", f);
    if (any_truth(root))
        fputs("<p class=\"note\">Where leaks were planted, the last column says how many of them are "
              "discoveries, and "
              "how many discoveries are not.</p>\n",
              f);
    fputs("</section>\n", f);
}

/* ---- matchers ------------------------------------------------------------------------------------------ */

static void put_matchers(const json_t *root, FILE *f)
{
    size_t i;
    json_t *run;
    fputs("<section id=\"matchers\">\n<h2>Do matchers differ in their susceptibility?</h2>\n<p>How well a "
          "matcher tells "
          "real people apart, how close it sees synthetic faces come to the training set and to people whom "
          "the "
          "generator never saw, and what it finds.</p>\n<div class=\"scroll\"><table class=\"cards runs\">\n",
          f);
    lk_study_put_matchers_head(f);
    fputs("<tbody>\n", f);
    json_array_foreach(json_object_get(root, "runs"), i, run)
    {
        fputs("<tr class=\"group\"><th colspan=\"9\" scope=\"rowgroup\">", f);
        lk_html_text(f, lk_study_text_at(run, "synthetic"));
        fputs(" with ", f);
        lk_html_text(f, lk_study_text_at(run, "train"));
        fputs("<span class=\"sub\">", f);
        lk_study_put_difference(f, run);
        fputs("</span></tr>\n", f);
        lk_study_put_matchers(f, root, run);
    }
    fputs("</tbody></table></div>\n</section>\n", f);
}

/* ---- sets, reading, limits ----------------------------------------------------------------------------- */

static void put_sets(const json_t *root, FILE *f)
{
    size_t i;
    json_t *set;
    struct lk_number n[5];
    const char *matcher = lk_study_text_at(root, "matchers/0/name");
    static const char *const keys[][2] = {{"images", "images"},
                                          {"embedded", "with a face"},
                                          {"no_face", "without"},
                                          {"unreadable", "unreadable"},
                                          {"excluded", "excluded"}};
    fputs("<section id=\"sets\">\n<h2>Sets</h2>\n<div class=\"scroll\"><table "
          "class=\"cards\"><thead><tr><th>Set<th>Role"
          "<th class=\"n\">Images<th class=\"n\">With a face<th class=\"n\">Without<th "
          "class=\"n\">Unreadable<th "
          "class=\"n\">Excluded</tr></thead>\n<tbody>\n",
          f);
    json_array_foreach(json_object_get(root, "sets"), i, set)
    {
        const json_t *counts = json_object_get(json_object_get(set, "counts"), matcher);
        bool page = strcmp(lk_study_text_at(set, "role"), "synthetic") == 0;
        fputs("<tr><th scope=\"row\">", f);
        if (page) {
            fputs("<a href=\"sets/", f);
            lk_html_text(f, lk_study_text_at(set, "name"));
            fputs(".html\">", f);
        }
        lk_html_text(f, lk_study_text_at(set, "name"));
        fprintf(f, "%s<td data-l=\"role\">%s", page ? "</a>" : "", lk_study_text_at(set, "role"));
        for (size_t k = 0; k < 5; k++)
            lk_study_cell(f, keys[k][1], lk_study_count_or_dash(&n[k], counts, keys[k][0]));
        fputs("\n", f);
    }
    fputs("</tbody></table></div>\n</section>\n", f);
}

static void put_explanations(FILE *f)
{
    fputs(
        "<section id=\"read\">\n<h2>How to read it</h2>\n<ul class=\"limits\">\n"
        "<li><b>Exposed</b> is the published attack: synthetic images with any training image above a "
        "threshold. "
        "<b>By chance</b> is what as many training images give without any leak. Only a share far above it "
        "says "
        "something, and a list is still one of leads.\n"
        "<li><b>Drawn to training</b> estimates the share of synthetic identities whose nearest real person "
        "is in the "
        "training set because of training, with its 95 % interval.\n"
        "<li><b>Discoveries</b> are the identities that leaked, at the false discovery rate of the caption; "
        "<b>persons exposed</b> are the persons of the training set that are found from their side.\n"
        "<li><b>With copies</b>: identities that hold a picture of the training set. <b>Largest hub</b>: "
        "identities "
        "that share one nearest person; a large one is an artefact more often than a leak.\n"
        "<li><b>Leaks that would be found</b>: the smallest number of leaked identities that the run detects "
        "with a "
        "probability of 80 %, at the strength below it; else the fewest discoveries that are possible.\n"
        "<li><b>d\xe2\x80\xb2</b> is the distance of two means over their joint spread, the <b>KS "
        "distance</b> the "
        "largest difference of two distribution functions. Of the nearest scores both compare training set "
        "and "
        "hold-out, one by one where there are several: 0 is chance. They are "
        "distances, not tests.\n"
        "<li><b>Cochran\xe2\x80\x99s Q</b> asks whether matchers find the same share of the same "
        "identities.\n</ul>\n"
        "</section>\n",
        f);
}

lk_status lk_study_write_page(const json_t *root, const char *path, lk_error *err)
{
    struct lk_out out;
    const char *name = lk_study_text_at(root, "name");
    LK_TRY(lk_out_open(&out, path, err));
    FILE *f = out.stream;
    lk_study_page_head(f, name[0] != '\0' ? name : "All sets");
    put_answer(root, f);
    put_runs(root, f);
    put_matchers(root, f);
    put_sets(root, f);
    put_explanations(f);
    fprintf(f, "<section id=\"limits\">\n<h2>What the result does not show</h2>\n%s</section>\n",
            lk_asset_limits_html);
    lk_study_page_tail(f);
    lk_status status = lk_out_commit(&out, err);
    lk_out_abandon(&out);
    return status;
}
