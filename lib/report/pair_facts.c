/* SPDX-License-Identifier: Apache-2.0 */
/* pair_facts.c - what the sets and the reviewers say of the shown pairs: strata of both faces, what people saw. */
#include <stdlib.h>
#include <string.h>

#include "formats/filter.h"
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

/* ---- filters ---------------------------------------------------------------------------------------- */

/* The comparison over the complete sets lists pairs of images that a filter left out of the measures. */
static lk_status take_filters(struct lk_report *r, lk_error *err)
{
    struct lk_filters filters;
    size_t columns[2][LK_MAX_FILTERS];
    bool known[2];
    LK_TRY(lk_filters_read(json_object_get(json_object_get(r->measures, "filters"), "conditions"), &filters, err));
    for (int side = 0; side < 2; side++) {
        const struct lk_report_set *set = &r->sets[side == 0 ? LK_SYNTHETIC : LK_TRAINING];
        known[side] = set->open && lk_filters_find(&filters, &set->faces, columns[side], NULL) == LK_OK;
    }
    lk_status status = LK_OK;
    for (size_t i = 0; filters.n > 0 && status == LK_OK && i < r->n_pairs; i++) {
        struct lk_report_pair *pair = &r->pairs[i];
        bool passes = true;
        for (int side = 0; side < 2; side++)
            passes = passes &&
                     (!known[side] ||
                      lk_filters_pass(&filters,
                                      lk_faces_image(&r->sets[side == 0 ? LK_SYNTHETIC : LK_TRAINING].faces,
                                                     side == 0 ? pair->probe : pair->reference),
                                      columns[side]));
        if (!passes && pair->kind == NULL && (pair->kind = lk_strdup(LK_REPORT_FILTERED, err)) == NULL)
            status = LK_ENOMEM;
    }
    lk_filters_free(&filters);
    return status;
}

lk_status lk_report_pair_facts(struct lk_report *r, lk_error *err)
{
    LK_TRY(take_filters(r, err));
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
