/* SPDX-License-Identifier: Apache-2.0 */
/* spread.c - how a matcher scores pairs of real images: of one person, of two. */
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "formats/faces.h"
#include "stats/susceptible.h"
#include "study/compare.h"

/* Ten pairs of a person, so that nobody with many images stands for all; pairs of two persons in all. */
enum { PAIRS_EACH = 10, IMPOSTORS = 100 * 1000 };

/* Usable rows by person. */
struct people {
    struct lk_names names;
    uint32_t *person;      /* of each row; LK_NO_NAME = not usable, or no label */
    uint32_t *start, *row; /* rows of person p: row[start[p] .. start[p + 1]] */
    uint32_t n_persons;
    uint64_t n_rows;
};

static void people_free(struct people *p)
{
    lk_names_free(&p->names);
    free(p->person);
    free(p->start);
    free(p->row);
}

/* Where there are no labels every image is a person. */
static lk_status number_rows(struct people *p, const struct lk_faces *faces, lk_error *err)
{
    for (uint64_t r = 0; r < faces->matrix.rows; r++) {
        const struct lk_face_image *image = lk_faces_image(faces, r);
        p->person[r] = LK_NO_NAME;
        if (!lk_faces_usable(faces, r))
            continue;
        if (faces->n_identities == 0)
            p->person[r] = p->n_persons++;
        else if (image != NULL && image->identity != NULL)
            LK_TRY(lk_names_add(&p->names, image->identity, strlen(image->identity), &p->person[r], err));
    }
    if (faces->n_identities > 0)
        p->n_persons = (uint32_t)p->names.n;
    return LK_OK;
}

static lk_status sort_people(struct people *p, const struct lk_faces *faces, lk_error *err)
{
    uint64_t rows = faces->matrix.rows;
    p->person = lk_calloc(rows, sizeof *p->person, err);
    if (p->person == NULL)
        return LK_ENOMEM;
    LK_TRY(number_rows(p, faces, err));
    p->start = lk_calloc((size_t)p->n_persons + 2, sizeof *p->start, err);
    p->row = lk_calloc(rows, sizeof *p->row, err);
    if (p->start == NULL || p->row == NULL)
        return LK_ENOMEM;
    for (uint64_t r = 0; r < rows; r++)
        if (p->person[r] != LK_NO_NAME)
            p->start[p->person[r] + 2]++;
    for (uint32_t i = 2; i < p->n_persons + 2; i++)
        p->start[i] += p->start[i - 1];
    for (uint64_t r = 0; r < rows; r++)
        if (p->person[r] != LK_NO_NAME)
            p->row[p->start[p->person[r] + 1]++] = (uint32_t)r;
    p->n_rows = p->start[p->n_persons];
    return LK_OK;
}

static float score(const struct lk_faces *faces, uint32_t a, uint32_t b)
{
    uint64_t dim = faces->matrix.dim;
    return lk_score(faces->matrix.data + a * dim, faces->matrix.data + b * dim, dim);
}

/* All pairs of a person, or random ones where there are more than PAIRS_EACH. */
static size_t score_person(const struct people *p, const struct lk_faces *faces, uint32_t person,
                           struct lk_rng *rng, float *out)
{
    const uint32_t *rows = p->row + p->start[person];
    uint32_t n = p->start[person + 1] - p->start[person];
    size_t done = 0;
    if (n < 2)
        return 0;
    if ((uint64_t)n * (n - 1) / 2 <= PAIRS_EACH) {
        for (uint32_t x = 1; x < n; x++)
            for (uint32_t y = 0; y < x; y++)
                out[done++] = score(faces, rows[x], rows[y]);
        return done;
    }
    for (; done < PAIRS_EACH; done++) {
        uint64_t x = lk_rng_below(rng, n), y = lk_rng_below(rng, n - 1);
        out[done] = score(faces, rows[x], rows[y + (y >= x)]);
    }
    return done;
}

/* Two random images of different persons, again and again. */
static size_t score_impostors(const struct people *p, const struct lk_faces *faces, struct lk_rng *rng,
                              float *out)
{
    if (p->n_persons < 2)
        return 0;
    size_t done = 0;
    for (int tries = 0; done < IMPOSTORS && tries < 20 * IMPOSTORS; tries++) {
        uint32_t a = p->row[lk_rng_below(rng, p->n_rows)], b = p->row[lk_rng_below(rng, p->n_rows)];
        if (p->person[a] != p->person[b])
            out[done++] = score(faces, a, b);
    }
    return done;
}

static lk_status score_pairs(const struct people *p, const struct lk_faces *faces, uint64_t seed, lk_ctx *ctx,
                             json_t **out, lk_error *err)
{
    struct lk_rng rng = lk_rng_seed(seed);
    struct lk_described genuine, impostor;
    float *scores = lk_calloc((size_t)p->n_persons, PAIRS_EACH * sizeof *scores, err);
    float *others = lk_calloc(IMPOSTORS, sizeof *others, err);
    size_t n = 0;
    lk_status status = scores != NULL && others != NULL ? LK_OK : LK_ENOMEM;
    for (uint32_t i = 0; status == LK_OK && i < p->n_persons; i++) {
        n += score_person(p, faces, i, &rng, scores + n);
        if (i % 1024 == 0)
            status = lk_ctx_check(ctx, err);
    }
    if (status == LK_OK) {
        json_t *same = lk_study_described(scores, n, &genuine);
        json_t *different = lk_study_described(others, score_impostors(p, faces, &rng, others), &impostor);
        *out = json_pack("{s:o, s:o, s:o}", "genuine", same, "impostor", different, "d_prime",
                         lk_study_real(lk_d_prime(&genuine, &impostor)));
        if (*out == NULL)
            status = lk_fail(err, LK_ENOMEM, "out of memory");
    }
    free(scores);
    free(others);
    return status;
}

lk_status lk_study_real_pairs(struct lk_study_job *job, size_t matcher, size_t train, json_t **out,
                              lk_error *err)
{
    struct lk_faces faces = {0};
    struct people people = {0};
    char *path = lk_study_faces_dir(job->study, matcher, train, err);
    lk_status status = path != NULL ? lk_faces_open(&faces, job->ctx, path, err) : LK_ENOMEM;
    bool opened = status == LK_OK;
    if (opened)
        status = lk_faces_ready(&faces, job->ctx, err);
    if (status == LK_OK)
        status = sort_people(&people, &faces, err);
    if (status == LK_OK)
        status =
            score_pairs(&people, &faces, (uint64_t)lk_study_value(job->study->seed, 1), job->ctx, out, err);
    people_free(&people);
    if (opened)
        lk_faces_close(&faces);
    free(path);
    return status;
}
