/* SPDX-License-Identifier: Apache-2.0 */
/* limits.c - which runs exceed what a study file allows. */
#include <inttypes.h>
#include <stdio.h>

#include "study/compare.h"

static lk_status over(json_t *list, const char *text, lk_error *err)
{
    LK_NEED(json_array_append_new(list, json_string(text)) == 0, err, LK_ENOMEM, "study.json: out of memory");
    return LK_OK;
}

/* As in `likeness measure`, a share is exceeded when the whole interval is above it. */
static lk_status check_matcher(const struct lk_study *s, const json_t *m, const char *name, json_t *list,
                               lk_error *err)
{
    char text[200];
    uint64_t discoveries = lk_study_count_at(m, "discoveries"), copies = lk_study_count_at(m, "with_copies");
    double low = 100 * lk_study_number_at(m, "pi/low");
    if (s->max_discoveries.line > 0 && (double)discoveries > s->max_discoveries.value) {
        snprintf(text, sizeof text, "%" PRIu64 " discoveries by %s, at most %.0f were allowed", discoveries,
                 name, s->max_discoveries.value);
        LK_TRY(over(list, text, err));
    }
    if (s->max_share.line > 0 && low > s->max_share.value) {
        snprintf(text, sizeof text,
                 "at least %.2f %% drawn to the training set by %s, at most %g %% were allowed", low, name,
                 s->max_share.value);
        LK_TRY(over(list, text, err));
    }
    if (s->max_copies.line > 0 && (double)copies > s->max_copies.value) {
        snprintf(text, sizeof text, "%" PRIu64 " identities with copies by %s, at most %.0f were allowed",
                 copies, name, s->max_copies.value);
        LK_TRY(over(list, text, err));
    }
    return LK_OK;
}

lk_status lk_study_over_limits(const struct lk_study *s, const json_t *run, json_t **out, lk_error *err)
{
    json_t *list = json_array();
    lk_status status = LK_OK;
    for (size_t m = 0; status == LK_OK && m < s->n_matchers; m++)
        status = check_matcher(s, json_array_get(json_object_get(run, "matchers"), m),
                               s->matchers[m].name.text, list, err);
    if (status == LK_OK)
        *out = list;
    else
        json_decref(list);
    return status;
}
