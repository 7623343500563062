/* SPDX-License-Identifier: Apache-2.0 */
/* summary.c - what a finished study found, in a few lines. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "formats/json.h"
#include "study/compare.h"

static lk_status add_matcher(struct lk_str *text, const json_t *m, lk_error *err)
{
    double share = lk_study_number_at(m, "pi/value");
    LK_TRY(lk_str_addf(text, err, "  %-16s %s; %" PRIu64 " of %" PRIu64 " found", lk_study_text_at(m, "name"),
                       lk_study_text_at(m, "verdict"), lk_study_count_at(m, "discoveries"),
                       lk_study_count_at(m, "units")));
    if (!isnan(share))
        LK_TRY(lk_str_addf(text, err, "; share drawn %.1f %% (%.1f to %.1f)", 100 * share,
                           100 * lk_study_number_at(m, "pi/low"), 100 * lk_study_number_at(m, "pi/high")));
    if (json_is_object(lk_study_at(m, "truth")))
        LK_TRY(lk_str_addf(text, err, "; truth: %" PRIu64 " of %" PRIu64 " planted found, %" PRIu64 " false",
                           lk_study_count_at(m, "truth/found"), lk_study_count_at(m, "truth/planted"),
                           lk_study_count_at(m, "truth/false")));
    return lk_str_addz(text, "\n", err);
}

static lk_status add_run(struct lk_str *text, const json_t *run, lk_study_summary *out, lk_error *err)
{
    size_t i, len = strlen(out->exceeded);
    json_t *matcher;
    LK_TRY(lk_str_addf(text, err, "%s with %s\n", lk_study_text_at(run, "synthetic"),
                       lk_study_text_at(run, "train")));
    json_array_foreach(json_object_get(run, "matchers"), i, matcher) LK_TRY(add_matcher(text, matcher, err));
    out->n_runs++;
    if (json_array_size(json_object_get(run, "over_limits")) == 0)
        return LK_OK;
    out->n_exceeded++;
    snprintf(out->exceeded + len, sizeof out->exceeded - len, "%s%s with %s: %s", len > 0 ? "; " : "",
             lk_study_text_at(run, "synthetic"), lk_study_text_at(run, "train"),
             lk_study_text_at(run, "over_limits/0"));
    return LK_OK;
}

lk_status lk_study_summarise(const struct lk_study *s, lk_study_summary *out, lk_error *err)
{
    size_t i;
    json_t *root = NULL, *run, *filter;
    struct lk_str text = LK_STR_INIT;
    char *path = lk_path_join(s->output.text, "study.json", err);
    lk_status status = path != NULL ? lk_json_read(path, &root, err) : LK_ENOMEM;
    json_array_foreach(json_object_get(root, "filters"), i, filter)
    {
        if (status == LK_OK)
            status = lk_str_addf(&text, err, "%s%s%s", i == 0 ? "filters, on all sets alike: " : " and ",
                                 json_string_value(filter),
                                 i + 1 == json_array_size(json_object_get(root, "filters")) ? "\n" : "");
    }
    json_array_foreach(json_object_get(root, "runs"), i, run) if (status == LK_OK) status =
        add_run(&text, run, out, err);
    json_decref(root);
    free(path);
    if (status == LK_OK)
        out->text = text.text;
    else
        lk_str_free(&text);
    return status;
}
