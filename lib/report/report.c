/* SPDX-License-Identifier: Apache-2.0 */
/* report.c - lk_report: load, measure, make pictures, write the page and its JSON. */
#include "report/report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void lk_report_options_init(lk_report_options *options)
{
    *options = (lk_report_options){.fdr = 0.05, .max_pairs = 500, .contact_rows = 6};
}

/* "report.html" -> "report.json"; any other name gets ".json" behind it. */
static char *json_path(const char *page, lk_error *err)
{
    struct lk_str s = LK_STR_INIT;
    size_t len = strlen(page), stem = len;
    if (len > 5 && strcmp(page + len - 5, ".html") == 0)
        stem = len - 5;
    else if (len > 4 && strcmp(page + len - 4, ".htm") == 0)
        stem = len - 4;
    if (lk_str_add(&s, page, stem, err) != LK_OK || lk_str_addz(&s, ".json", err) != LK_OK)
        lk_str_free(&s);
    return s.text;
}

static lk_status write_outputs(struct lk_report *r, lk_error *err)
{
    const char *page = r->options->output;
    lk_report_pair_facts(r);
    LK_TRY(lk_report_pictures(r, err));
    char *json = json_path(page, err);
    if (json == NULL)
        return LK_ENOMEM;
    lk_status status = lk_report_write_json(r, json, err);
    if (status == LK_OK)
        status = lk_report_write_page(r, page, err);
    free(json);
    return status;
}

static void summarise(const struct lk_report *r, lk_report_summary *out)
{
    *out = (lk_report_summary){.verdict = r->verdict,
                               .n_units = r->n_units,
                               .share = NAN,
                               .share_low = NAN,
                               .share_high = NAN,
                               .n_planted = r->truth.n_planted,
                               .n_planted_found = r->truth.n_planted_found,
                               .n_false_found = r->truth.n_false_found};
    snprintf(out->sentence, sizeof out->sentence, "%s", r->sentence);
    if (r->compared) {
        out->n_discoveries = r->competition.discoveries;
        out->share = r->preference.pi;
        out->share_low = r->preference.pi_low;
        out->share_high = r->preference.pi_high;
    }
}

lk_status lk_report(lk_ctx *ctx, const lk_report_options *options, lk_report_summary *out, lk_error *err)
{
    LK_NEED(options->match != NULL, err, LK_EINVAL, "report: no MATCH directory was given");
    LK_NEED(options->fdr > 0 && options->fdr < 1, err, LK_EINVAL,
            "report: false discovery rate %g, expected between 0 and 1", options->fdr);
    LK_NEED(!options->no_faces || options->contact_sheet == NULL, err, LK_EINVAL,
            "report: a contact sheet shows faces, which are to be left out");
    struct lk_report r = {.ctx = ctx, .options = options};
    lk_status status = lk_report_load(&r, err);
    if (status == LK_OK)
        status = lk_report_measure(&r, err);
    if (status == LK_OK)
        status = lk_report_judge(&r, err);
    if (status == LK_OK)
        status = lk_ctx_check(ctx, err);
    if (status == LK_OK && options->output != NULL)
        status = write_outputs(&r, err);
    if (status == LK_OK && options->contact_sheet != NULL)
        status = lk_report_contact_sheet(&r, options->contact_sheet, err);
    if (status == LK_OK)
        summarise(&r, out);
    lk_report_free(&r);
    return status;
}
