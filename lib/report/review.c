/* SPDX-License-Identifier: Apache-2.0 */
/* review.c - what people saw who judged pairs without knowing any score: review.json read, and its section. */
#include <math.h>
#include <string.h>

#include "base/hash.h"
#include "formats/json.h"
#include "report/html.h"
#include "report/report.h"

lk_status lk_report_read_review(struct lk_report *r, lk_error *err)
{
    const char *path = r->options->review;
    if (path == NULL)
        return LK_OK;
    LK_TRY(lk_hash_file(path, r->review_sha256, err));
    LK_TRY(lk_json_read(path, &r->review, err));
    const char *kind = json_string_value(json_object_get(r->review, "kind"));
    LK_NEED(kind != NULL && strcmp(kind, "review") == 0, err, LK_EFORMAT,
            "%s: found kind '%.40s', expected 'review' as `likeness review stats` writes", path,
            kind != NULL ? kind : "(none)");
    LK_NEED(json_is_array(json_object_get(r->review, "reviewers")) &&
                json_is_array(json_object_get(r->review, "cases")),
            err, LK_EFORMAT, "%s: found no lists 'reviewers' and 'cases'", path);
    return LK_OK;
}

static double number_of(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

static void put_reviewer(const struct lk_report *r, const json_t *reviewer, size_t number, FILE *f)
{
    struct lk_number a, b, c;
    const char *name = json_string_value(json_object_get(reviewer, "name"));
    const json_t *answers = json_object_get(reviewer, "answers");
    fputs("<tr><th scope=\"row\">", f);
    if (name == NULL || r->options->no_faces) /* reviewers are persons, too */
        fprintf(f, "reviewer %zu", number);
    else
        lk_html_name(f, name, 30);
    fprintf(f,
            "<td class=\"n\" data-l=\"answers\">%.0f<td class=\"n\" data-l=\"d\xe2\x80\xb2\">%s<td class=\"n\" "
            "data-l=\"criterion\">%s<td class=\"n\" data-l=\"agrees with itself\">%s\n",
            json_number_value(answers), lk_decimal(&a, number_of(reviewer, "d_prime"), 2),
            lk_decimal(&b, number_of(reviewer, "criterion"), 2),
            lk_percent(&c, number_of(reviewer, "consistency")));
}

static void count_cases(const json_t *cases, const char *key, size_t *same, size_t *different)
{
    *same = *different = 0;
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const char *answer = json_string_value(json_object_get(json_array_get(cases, i), key));
        *same += answer != NULL && strcmp(answer, "same") == 0;
        *different += answer != NULL && strcmp(answer, "different") == 0;
    }
}

static void put_estimate(FILE *f, const char *label, const json_t *value, bool share, const char *note)
{
    struct lk_number a, b, c;
    double v = number_of(value, "value"), low = number_of(value, "low"), high = number_of(value, "high");
    fprintf(f, "<div><dt>%s</dt><dd><b>%s</b> <span>%s", label, share ? lk_percent(&a, v) : lk_decimal(&a, v, 2),
            note);
    if (!isnan(low) && !isnan(high))
        fprintf(f, "; 95\xe2\x80\xaf%% interval %s to %s", share ? lk_percent(&b, low) : lk_decimal(&b, low, 2),
                share ? lk_percent(&c, high) : lk_decimal(&c, high, 2));
    fputs("</span></dd></div>\n", f);
}

void lk_report_review_section(const struct lk_report *r, FILE *f)
{
    if (r->review == NULL)
        return;
    const json_t *cases = json_object_get(r->review, "cases"), *reviewers = json_object_get(r->review, "reviewers");
    struct lk_number a, b, c, d, e;
    size_t same, different, judged_same, judged_different;
    count_cases(cases, "unanimous", &same, &different);
    count_cases(cases, "adjudicated", &judged_same, &judged_different);
    fprintf(f,
            "<section id=\"review\">\n<h2>What people saw</h2>\n<p>%s %s judged %s pairs by eye, without "
            "knowing a score, a rank or which set a picture was from; pairs of known answer were mixed in. "
            "All agree on <em>the same person</em> in %s pairs and on <em>different persons</em> in %s.",
            lk_count(&a, json_array_size(reviewers)), json_array_size(reviewers) == 1 ? "person" : "people",
            lk_count(&b, json_array_size(cases)), lk_count(&c, same),
            lk_count(&d, different));
    if (judged_same + judged_different > 0)
        fprintf(f, " Discussed afterwards with all that is known, %s were judged the same person",
                lk_count(&e, judged_same));
    if (judged_same + judged_different > 0)
        fprintf(f, " and %s different ones.", lk_count(&e, judged_different));
    fputs("</p>\n<dl class=\"tiles\">\n", f);
    put_estimate(f, "True leaks among the reviewed", json_object_get(r->review, "theta"), true,
                 "of the reviewed pairs, corrected for how often these people take strangers for one person");
    put_estimate(f, "Agreement", json_object_get(r->review, "alpha"), false,
                 "Krippendorff\xe2\x80\x99s alpha: 1 when all always agree, 0 when as by chance");
    fputs("</dl>\n<div class=\"scroll\"><table class=\"cards\"><caption>How well each tells the pairs of known "
          "answer apart</caption>\n<thead><tr><th>Reviewer<th class=\"n\">Answers<th class=\"n\">d\xe2\x80\xb2<th "
          "class=\"n\">Criterion<th class=\"n\">Agrees with itself</tr></thead>\n<tbody>\n",
          f);
    for (size_t i = 0; i < json_array_size(reviewers); i++)
        put_reviewer(r, json_array_get(reviewers, i), i + 1, f);
    fputs("</tbody></table></div>\n<p class=\"note\">d\xe2\x80\xb2: 0 is guessing, above 2 is good. Criterion: below 0 "
          "leans towards <em>same</em>, above 0 towards <em>different</em>. Agreement of all proves single cases, "
          "not a rate.</p>\n</section>\n",
          f);
}
