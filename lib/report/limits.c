/* SPDX-License-Identifier: Apache-2.0 */
/* limits.c - what the result does not show, what it takes for granted and whether that was checked, how it was
 * computed, and how to repeat it. */
#include <math.h>
#include <string.h>

#include "report/assets.h"
#include "report/html.h"
#include "report/report.h"

/* ---- assumptions ------------------------------------------------------------------------------------ */

static const struct state {
    const char *class, *word;
} checked = {"yes", "checked"}, violated = {"no", "violated"}, missing = {"no", "missing"},
  open_ = {"unknown", "not checked"}, unknown = {"unknown", "not known"};

/* One assumption by its sentence in measures.json, with what was seen of it. */
static void put_assumption(const struct lk_report *r, FILE *f, struct state state, const char *word, const char *seen)
{
    const char *sentence = json_string_value(json_object_get(json_object_get(r->measures, "assumptions"), word));
    if (sentence == NULL)
        return;
    fprintf(f, "<li class=\"%s\"><b>%s</b> <span>", state.class, state.word);
    lk_html_text(f, sentence);
    fputs(" <i>", f);
    lk_html_text(f, seen);
    fputs("</i></span>\n", f);
}

static double number_of(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

static void put_exchangeable(const struct lk_report *r, FILE *f)
{
    const json_t *balance = json_object_get(r->measures, "balance"), *mixing = json_object_get(balance, "mixing"),
                 *controls = json_object_get(balance, "controls");
    const char *refuted = json_string_value(json_object_get(balance, "refuted"));
    char seen[600];
    int len = 0;
    if (refuted != NULL) {
        snprintf(seen, sizeof seen, "It is refuted: %s.", refuted);
        put_assumption(r, f, violated, "exchangeable", seen);
        return;
    }
    struct lk_number a, b, c, d;
    seen[0] = '\0';
    if (json_is_object(mixing))
        len = snprintf(seen, sizeof seen,
                       "Not refuted: %s of %s real persons have their nearest other person in their own set, %s are "
                       "expected (p = %s).",
                       lk_count(&a, (uint64_t)number_of(mixing, "own")), lk_count(&b, (uint64_t)number_of(mixing, "persons")),
                       lk_about(&c, number_of(mixing, "expected")), lk_about(&d, number_of(mixing, "p")));
    for (size_t i = 0; i < json_array_size(controls); i++) {
        const json_t *control = json_array_get(controls, i);
        len += snprintf(seen + len, sizeof seen - (size_t)len,
                        " Control %zu prefers the training set in %s, %s expected (p = %s).", i + 1,
                        lk_percent(&a, number_of(control, "share")), lk_percent(&b, number_of(control, "expected")),
                        lk_about(&c, number_of(control, "p")));
        if ((size_t)len >= sizeof seen - 120)
            break;
    }
    bool looked = seen[0] != '\0';
    put_assumption(r, f, looked ? checked : open_, "exchangeable",
                   looked ? seen : "Control pictures that no generator made would show it.");
}

static void put_doubles(const struct lk_report *r, FILE *f)
{
    const json_t *d = json_object_get(r->measures, "doubles");
    struct lk_number a;
    char seen[200];
    bool real = json_is_number(json_object_get(d, "score")),
         synthetic = json_is_number(json_object_get(d, "synthetic_score"));
    if (real)
        snprintf(seen, sizeof seen, "%s pairs of names across the two were found to be one person, and left out.",
                 lk_count(&a, (uint64_t)number_of(d, "pairs_across")));
    put_assumption(r, f, real ? checked : open_, "no_overlap", real ? seen : "Nothing was looked for.");
    if (synthetic)
        snprintf(seen, sizeof seen, "%s pairs of synthetic identities were found to be one; one of each was left out.",
                 lk_count(&a, (uint64_t)number_of(d, "pairs_synthetic")));
    put_assumption(r, f, synthetic ? checked : open_, "no_repeats", synthetic ? seen : "Nothing was looked for.");
}

static void put_controls(const struct lk_report *r, FILE *f)
{
    const json_t *list = lk_report_measure(r, "L4b_controls", "controls");
    bool all = true;
    if (r->n_controls == 0)
        return;
    for (size_t i = 0; i < json_array_size(list); i++)
        all = all && json_is_true(json_object_get(json_array_get(list, i), "comparable"));
    put_assumption(r, f, all ? checked : violated, "controls",
                   all ? "Each has about as many images of an identity as the synthetic set; the rest is not checked."
                       : "One has clearly more or fewer images of each identity than the synthetic set.");
}

static void put_sample(const struct lk_report *r, FILE *f)
{
    const json_t *m = json_object_get(r->measures, "matching");
    struct lk_number a, b, c;
    char seen[200];
    snprintf(seen, sizeof seen, "%s of %s persons of the training set; %s images of others were left out.",
             lk_count(&a, (uint64_t)number_of(m, "persons_each")),
             lk_count(&b, (uint64_t)number_of(m, "train_persons_given")),
             lk_count(&c, (uint64_t)number_of(m, "images_left_out")));
    put_assumption(r, f, checked, "sample", seen);
}

void lk_report_limits_section(const struct lk_report *r, FILE *f)
{
    int same = lk_report_same_making(r);
    fputs("<section id=\"limits\">\n<h2>Limits</h2>\n", f);
    fputs(lk_asset_limits_html, f);
    fputs("<h3>What it takes for granted</h3>\n<ul class=\"assumptions\">\n", f);
    if (r->compared) {
        put_exchangeable(r, f);
        put_doubles(r, f);
    } else {
        fprintf(f,
                "<li class=\"%s\"><b>%s</b> <span>A hold-out: real people from the same source whom the generator never "
                "saw. Without one nothing here separates a leak from a look-alike. Withhold 5\xe2\x80\xaf%% of the "
                "identities before training a generator.</span>\n",
                missing.class, missing.word);
    }
    put_assumption(r, f, unknown, "matcher", "One that was knows these people better than others.");
    put_assumption(r, f, same == 1 ? checked : same == 0 ? violated : unknown, "alignment",
                   same == 1   ? "The sets say so themselves."
                   : same == 0 ? "They name different models, detectors or alignments."
                               : "The sets do not say it.");
    put_controls(r, f);
    if (r->compared)
        put_sample(r, f);
    if (!r->by_identity)
        fputs("<li class=\"no\"><b>no labels</b> <span>The synthetic set has no identities, so every image counts as a "
              "person of its own; near-copies then count several times.</span>\n",
              f);
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

static void put_commands(const struct lk_report *r, FILE *f)
{
    const char *last = NULL, *measured = json_string_value(json_object_get(r->measures, "command"));
    fputs("<pre tabindex=\"0\">", f);
    /* One command may have done several steps. */
    for (size_t i = 0; i < r->n_sets; i++) {
        const char *command =
            r->sets[i].open ? json_string_value(json_object_get(r->sets[i].faces.meta, "command")) : NULL;
        if (command != NULL && (last == NULL || strcmp(command, last) != 0))
            put_command(f, last = command);
    }
    const char *matched = r->exposed ? json_string_value(json_object_get(r->exposure.meta, "command")) : NULL;
    const char *const rest[] = {matched, measured, r->options->command};
    for (size_t i = 0; i < 3; i++)
        if (rest[i] != NULL && (last == NULL || strcmp(rest[i], last) != 0))
            put_command(f, last = rest[i]);
    fputs("</pre>\n", f);
}

static void put_hash(FILE *f, const char *what, const char *more, const char *hash)
{
    if (hash == NULL || hash[0] == '\0')
        return;
    fputs("<tr><td>", f);
    lk_html_text(f, what);
    lk_html_text(f, more);
    fputs("<td><code>", f);
    lk_html_text(f, hash);
    fputs("</code>\n", f);
}

static void put_hashes_of(const json_t *outputs, const char *folder, FILE *f)
{
    const char *name;
    json_t *hash;
    json_object_foreach((json_t *)(uintptr_t)outputs, name, hash) /* only reads */
    {
        put_hash(f, folder, name, json_string_value(hash));
    }
}

static void put_hashes(const struct lk_report *r, FILE *f)
{
    fputs("<div class=\"scroll\"><table class=\"hashes\"><tbody>\n", f);
    put_hash(f, "matcher", "", lk_report_fact(r, "model", "sha256"));
    put_hash(f, "detector", "", lk_report_fact(r, "detector", "sha256"));
    for (size_t i = 0; i < r->n_sets; i++) {
        put_hash(f, r->sets[i].label, ", embeddings", r->sets[i].sha256);
        put_hash(f, r->sets[i].label, ", list of images",
                 json_string_value(json_object_get(r->sets[i].entry, "images_sha256")));
    }
    put_hash(f, "thresholds", "",
             json_string_value(json_object_get(json_object_get(r->measures, "settings"), "thresholds_sha256")));
    put_hash(f, "calibration", "", r->calibration.sha256);
    put_hash(f, "review", "", r->review_sha256);
    put_hash(f, "truth", "", r->truth.sha256);
    put_hashes_of(json_object_get(r->measures, "outputs"), "measures: ", f);
    if (r->exposed)
        put_hashes_of(json_object_get(r->exposure.meta, "outputs"), "match: ", f);
    fputs("</tbody></table></div>\n", f);
}

void lk_report_repeat_section(const struct lk_report *r, FILE *f)
{
    fputs("<section id=\"methods\">\n<h2>Methods</h2>\n", f);
    fputs(lk_asset_methods_html, f);
    fprintf(f,
            "<p class=\"note\">Random numbers start from seed %llu. Measured with %s, reported with likeness %s.</p>\n"
            "</section>\n<section id=\"repeat\">\n<h2>How to repeat it</h2>\n",
            (unsigned long long)number_of(r->measures, "seed"),
            json_is_string(json_object_get(r->measures, "tool"))
                ? json_string_value(json_object_get(r->measures, "tool"))
                : "likeness",
            lk_version());
    if (r->options->no_faces)
        fputs("<p>The command lines name folders and are withheld in this version of the report; "
              "<code>measures.json</code> and the <code>meta.json</code> of each step have them.</p>\n",
              f);
    else
        put_commands(r, f);
    fputs("<p>The same inputs give the same page, byte for byte.</p>\n<details><summary>SHA-256 of what went in, and of "
          "the tables behind this page</summary>\n",
          f);
    put_hashes(r, f);
    fputs("</details>\n</section>\n", f);
}
