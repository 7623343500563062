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
    char *measures = lk_path_join(o->measures, "measures.json", err);
    if (measures == NULL)
        return LK_ENOMEM;
    lk_status status =
        lk_str_addf(text, err, "report %s %d %" PRIu64, lk_version(), o->no_faces, o->max_pairs);
    if (status == LK_OK)
        status = add_file(text, measures, err);
    free(measures);
    LK_TRY(status);
    LK_TRY(add_match(text, o->match, err));
    if (o->calibration != NULL)
        LK_TRY(add_file(text, o->calibration, err));
    if (o->truth != NULL)
        LK_TRY(add_file(text, o->truth, err));
    return LK_OK;
}

/* What the page is made from; strings belong to it. */
struct parts {
    char *measures, *match, *page, *json, *roc;
};

static lk_status find_parts(struct parts *p, const struct lk_study *s, const struct lk_study_step *step,
                            lk_error *err)
{
    p->measures = lk_study_run_path(s, step->train, step->synthetic, "measure", err);
    p->match = lk_study_match_dir(s, step->train, step->synthetic, 0, err);
    p->page = lk_study_run_path(s, step->train, step->synthetic, "report.html", err);
    p->json = lk_study_run_path(s, step->train, step->synthetic, "report.json", err);
    p->roc = lk_study_calibration_file(s, 0, "roc.csv", err);
    return p->measures != NULL && p->match != NULL && p->page != NULL && p->json != NULL && p->roc != NULL
               ? LK_OK
               : LK_ENOMEM;
}

lk_status lk_study_report(struct lk_study_job *job, const struct lk_study_step *step, char key[65],
                          struct lk_study_note *note, lk_error *err)
{
    const struct lk_study *s = job->study;
    struct lk_str text = LK_STR_INIT;
    struct parts p = {0};
    lk_report_options options;
    bool finished = false;
    lk_status status = find_parts(&p, s, step, err);
    lk_report_options_init(&options);
    if (status == LK_OK) {
        options.measures = p.measures;
        options.match = p.match;
        options.output = p.page;
        options.calibration = lk_path_exists(p.roc) ? p.roc : NULL;
        options.no_faces = s->no_faces.value != 0;
        options.max_pairs = (uint64_t)lk_study_value(s->shown_pairs, (double)options.max_pairs);
        options.truth = lk_study_planted_from(s, step->train, step->synthetic)
                            ? s->sets[step->synthetic].truth.text
                            : NULL;
        options.command = job->options->command;
        status = describe(&text, &options, err);
    }
    if (status == LK_OK)
        status = lk_study_finished(&text, (const char *const[]){p.page, p.json, NULL}, key, &finished, err);
    if (status == LK_OK && !finished) {
        lk_report_summary done;
        status = lk_report(job->ctx, &options, &done, err);
        if (status == LK_OK)
            snprintf(note->text, sizeof note->text, "%s", p.page);
    }
    lk_str_free(&text);
    free(p.measures);
    free(p.match);
    free(p.page);
    free(p.json);
    free(p.roc);
    return status;
}
