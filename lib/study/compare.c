/* SPDX-License-Identifier: Apache-2.0 */
/* compare.c - the last step of a study: its table and its pages. */
#include <stdlib.h>

#include "base/fs.h"
#include "formats/json.h"
#include "study/compare.h"

static lk_status write_set_pages(const struct lk_study *s, const json_t *root, lk_error *err)
{
    char *folder = lk_path_join(s->output.text, "sets", err);
    lk_status status = folder != NULL ? lk_mkdirs(folder, err) : LK_ENOMEM;
    for (size_t i = 0; status == LK_OK && i < s->n_sets; i++) {
        struct lk_str path = LK_STR_INIT;
        if (s->sets[i].role != LK_STUDY_SYNTHETIC)
            continue;
        status = lk_str_addf(&path, err, "%s/%s.html", folder, s->sets[i].name.text);
        if (status == LK_OK)
            status = lk_study_write_set_page(root, s->sets[i].name.text, path.text, err);
        lk_str_free(&path);
    }
    free(folder);
    return status;
}

lk_status lk_study_compare(struct lk_study_job *job, lk_error *err)
{
    const struct lk_study *s = job->study;
    json_t *root = NULL;
    char *json = lk_path_join(s->output.text, "study.json", err);
    char *csv = lk_path_join(s->output.text, "study.csv", err);
    char *page = lk_path_join(s->output.text, "study.html", err);
    lk_status status = json != NULL && csv != NULL && page != NULL ? LK_OK : LK_ENOMEM;
    if (status == LK_OK)
        status = lk_study_gather(job, &root, err);
    if (status == LK_OK)
        status = write_set_pages(s, root, err);
    if (status == LK_OK)
        status = lk_study_write_table(root, csv, err);
    if (status == LK_OK)
        status = lk_study_write_page(root, page, err);
    if (status == LK_OK)
        status = lk_json_write(json, root, err);
    json_decref(root);
    free(json);
    free(csv);
    free(page);
    return status;
}
