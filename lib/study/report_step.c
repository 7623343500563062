/* SPDX-License-Identifier: Apache-2.0 */
/* report_step.c - the page of one run, about the first matcher. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/fs.h"
#include "base/hash.h"
#include "formats/json.h"
#include "study/plan.h"

/* The tables of the match, by their hashes. */
static lk_status add_match(struct lk_str *text, const char *match, lk_error *err)
{
    json_t *meta = NULL;
    char *path = lk_path_join(match, "meta.json", err);
    lk_status status = path != NULL ? lk_json_read(path, &meta, err) : LK_ENOMEM;
    if (status == LK_OK) {
        char *tables = json_dumps(json_object_get(meta, "outputs"), JSON_COMPACT | JSON_SORT_KEYS);
        status = lk_str_addz(text, tables != NULL ? tables : "", err);
        free(tables);
    }
    json_decref(meta);
    free(path);
    return status;
}

static lk_status add_file(struct lk_str *text, const char *path, lk_error *err)
{
    char hex[65];
    LK_TRY(lk_hash_file(path, hex, err));
    return lk_str_addf(text, err, " %s", hex);
}

static lk_status describe(struct lk_str *text, const lk_report_options *o, lk_error *err)
{
    LK_TRY(lk_str_addf(text, err, "report %s %.17g %d %" PRIu64, lk_version(), o->fdr, o->no_faces,
                       o->max_pairs));
    LK_TRY(add_match(text, o->match, err));
    if (o->thresholds != NULL)
        LK_TRY(add_file(text, o->thresholds, err));
    if (o->truth != NULL)
        LK_TRY(add_file(text, o->truth, err));
    return LK_OK;
}

lk_status lk_study_report(struct lk_study_job *job, const struct lk_study_step *step, char key[65],
                          struct lk_study_note *note, lk_error *err)
{
    const struct lk_study *s = job->study;
    struct lk_str text = LK_STR_INIT;
    lk_report_options options;
    bool finished = false;
    char *match = lk_study_match_dir(s, step->train, step->synthetic, 0, err);
    char *page = lk_study_run_path(s, step->train, step->synthetic, "report.html", err);
    char *json = lk_study_run_path(s, step->train, step->synthetic, "report.json", err);
    char *thresholds = lk_study_thresholds_file(s, 0, err);
    lk_status status =
        match != NULL && page != NULL && json != NULL && thresholds != NULL ? LK_OK : LK_ENOMEM;
    lk_report_options_init(&options);
    if (status == LK_OK) {
        options.match = match;
        options.output = page;
        options.thresholds = thresholds[0] != '\0' ? thresholds : NULL;
        options.fdr = lk_study_fdr(s);
        options.no_faces = s->no_faces.value != 0;
        options.max_pairs = (uint64_t)lk_study_value(s->shown_pairs, (double)options.max_pairs);
        options.truth = lk_study_planted_from(s, step->train, step->synthetic)
                            ? s->sets[step->synthetic].truth.text
                            : NULL;
        options.command = job->options->command;
        status = describe(&text, &options, err);
    }
    if (status == LK_OK)
        status = lk_study_finished(&text, (const char *const[]){page, json, NULL}, key, &finished, err);
    if (status == LK_OK && !finished) {
        lk_report_summary done;
        status = lk_report(job->ctx, &options, &done, err);
        if (status == LK_OK)
            snprintf(note->text, sizeof note->text, "%s", page);
    }
    lk_str_free(&text);
    free(match);
    free(page);
    free(json);
    free(thresholds);
    return status;
}
