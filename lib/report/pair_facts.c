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

/* A judged pair, by the paths of its two pictures. */
struct seen {
    const char *path[2], *words;
};

static int by_paths(const void *a, const void *b)
{
    const struct seen *x = a, *y = b;
    int order = strcmp(x->path[0], y->path[0]);
    return order != 0 ? order : strcmp(x->path[1], y->path[1]);
}

/* What was agreed on with all that is known counts before what all saw by themselves. */
static const char *words_of(const json_t *entry)
{
    const char *answer = json_string_value(json_object_get(entry, "adjudicated"));
    if (answer == NULL)
        answer = json_string_value(json_object_get(entry, "unanimous"));
    return answer == NULL                       ? "reviewers differ"
           : strcmp(answer, "same") == 0      ? "same person"
           : strcmp(answer, "different") == 0 ? "different people"
                                              : "uncertain";
}

static void take_words(struct lk_report_pair *pair, const struct seen *seen, size_t n, bool *failed)
{
    struct seen wanted = {{pair->path[0], pair->path[1]}, NULL};
    if (n == 0 || pair->path[0] == NULL || pair->path[1] == NULL || pair->reviewed != NULL)
        return;
    const struct seen *found = bsearch(&wanted, seen, n, sizeof *seen, by_paths);
    *failed = *failed || (found != NULL && (pair->reviewed = lk_strdup(found->words, NULL)) == NULL);
}

static lk_status take_review(struct lk_report *r, lk_error *err)
{
    const json_t *cases = json_object_get(r->review, "cases");
    size_t n = 0;
    bool failed = false;
    struct seen *seen = lk_calloc(json_array_size(cases), sizeof *seen, err);
    if (seen == NULL)
        return LK_ENOMEM;
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *entry = json_array_get(cases, i);
        const char *image = json_string_value(json_object_get(entry, "image")),
                   *reference = json_string_value(json_object_get(entry, "reference"));
        if (image != NULL && reference != NULL)
            seen[n++] = (struct seen){{image, reference}, words_of(entry)};
    }
    qsort(seen, n, sizeof *seen, by_paths);
    for (size_t i = 0; i < r->n_pairs; i++)
        take_words(&r->pairs[i], seen, n, &failed);
    free(seen);
    return failed ? lk_fail(err, LK_ENOMEM, "out of memory") : LK_OK;
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
