/* SPDX-License-Identifier: Apache-2.0 */
/* pair_facts.c - what the sets and the reviewers say of the shown pairs: strata of both faces, what people saw. */
#include <stdlib.h>
#include <string.h>

#include "report/report.h"

static void take_strata(const struct lk_report_set *set, uint64_t row, struct lk_report_strata *out)
{
    const struct lk_face_image *image = set->open ? lk_faces_image(&set->faces, row) : NULL;
    if (image == NULL)
        return;
    out->age = image->age;
    out->yaw = image->yaw;
    out->sharpness = image->sharpness;
    /* Nothing was detected in a picture that came aligned. */
    out->detector_score = image->face.score > 0 ? image->face.score : NAN;
}

/* ---- reviewers -------------------------------------------------------------------------------------- */

struct seen {
    int64_t probe, reference;
    const char *words;
};

static int by_rows(const void *a, const void *b)
{
    const struct seen *x = a, *y = b;
    if (x->probe != y->probe)
        return x->probe < y->probe ? -1 : 1;
    return (x->reference > y->reference) - (x->reference < y->reference);
}

/* What was agreed on with all that is known counts before what all saw by themselves. */
static const char *words_of(const json_t *entry)
{
    const char *answer = json_string_value(json_object_get(entry, "adjudicated"));
    if (answer == NULL)
        answer = json_string_value(json_object_get(entry, "unanimous"));
    return answer == NULL                    ? "reviewers differ"
           : strcmp(answer, "same") == 0 ? "same person"
                                         : "different people";
}

static lk_status take_review(struct lk_report *r, lk_error *err)
{
    const json_t *cases = json_object_get(r->review, "cases");
    size_t n = json_array_size(cases);
    struct seen *seen = lk_calloc(n, sizeof *seen, err);
    lk_status status = seen != NULL ? LK_OK : LK_ENOMEM;
    for (size_t i = 0; status == LK_OK && i < n; i++) {
        const json_t *entry = json_array_get(cases, i), *image = json_object_get(entry, "image"),
                     *reference = json_object_get(entry, "reference");
        seen[i] = (struct seen){json_is_integer(image) ? json_integer_value(image) : -1,
                                json_is_integer(reference) ? json_integer_value(reference) : -1, words_of(entry)};
    }
    if (status == LK_OK)
        qsort(seen, n, sizeof *seen, by_rows);
    for (size_t i = 0; status == LK_OK && i < r->n_pairs; i++) {
        struct lk_report_pair *pair = &r->pairs[i];
        struct seen wanted = {(int64_t)pair->probe, (int64_t)pair->reference, NULL};
        const struct seen *found = bsearch(&wanted, seen, n, sizeof *seen, by_rows);
        if (found != NULL && pair->reviewed == NULL && (pair->reviewed = lk_strdup(found->words, err)) == NULL)
            status = LK_ENOMEM;
    }
    free(seen);
    return status;
}

lk_status lk_report_pair_facts(struct lk_report *r, lk_error *err)
{
    for (size_t i = 0; i < r->n_pairs; i++) {
        take_strata(&r->sets[LK_SYNTHETIC], r->pairs[i].probe, &r->pairs[i].strata[0]);
        take_strata(&r->sets[LK_TRAINING], r->pairs[i].reference, &r->pairs[i].strata[1]);
    }
    return r->review != NULL ? take_review(r, err) : LK_OK;
}

void lk_report_pair_free(struct lk_report_pair *pair)
{
    for (int side = 0; side < 2; side++) {
        free(pair->path[side]);
        free(pair->identity[side]);
    }
    free(pair->kind);
    free(pair->reviewed);
}
