/* SPDX-License-Identifier: Apache-2.0 */
/* labelled_bin.c - scores the pairs of an InsightFace .bin. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/pool.h"
#include "stats/labelled.h"

enum { FOLDS = 10, BLOCK = 1024 };

static const uint64_t NO_ROW = UINT64_MAX;

static const char *file_name(const char *path, size_t len, size_t *name_len)
{
    const char *slash = memrchr(path, '/', len), *name = slash != NULL ? slash + 1 : path;
    *name_len = len - (size_t)(name - path);
    return name;
}

/* Whether a path is "FOLDER/NAME#i" with this file name, and i. */
static bool picture_number(const char *path, const char *bin_path, uint64_t *number)
{
    const char *mark = strrchr(path, '#');
    if (mark == NULL || mark[1] < '0' || mark[1] > '9')
        return false;
    size_t len, bin_len;
    const char *name = file_name(path, (size_t)(mark - path), &len);
    const char *bin_name = file_name(bin_path, strlen(bin_path), &bin_len);
    if (len != bin_len || memcmp(name, bin_name, len) != 0)
        return false;
    char *end;
    errno = 0;
    *number = strtoull(mark + 1, &end, 10);
    return *end == '\0' && errno == 0;
}

/* The row of each picture. All pictures of the .bin that FACES knows must come from one such file of this
 * length. */
static lk_status find_rows(uint64_t *rows, const struct lk_faces *faces, const struct lk_bin *bin,
                           const char *path, lk_error *err)
{
    size_t n = 2 * bin->n_pairs, n_found = 0;
    const char **owners = lk_calloc(n, sizeof *owners, err); /* paths, for the message */
    if (owners == NULL)
        return LK_ENOMEM;
    for (size_t i = 0; i < n; i++)
        rows[i] = NO_ROW;
    lk_status status = LK_OK;
    for (size_t i = 0; status == LK_OK && i < faces->n_images; i++) {
        const struct lk_face_image *image = &faces->images[i];
        uint64_t number;
        if (!picture_number(image->path, path, &number))
            continue;
        if (number >= n)
            status =
                lk_fail(err, LK_EFORMAT, "%s: has %s, but %s holds %zu pictures; expected FACES made from it",
                        faces->path, image->path, path, n);
        else if (owners[number] != NULL)
            status =
                lk_fail(err, LK_EFORMAT, "%s: both %s and %s are picture %" PRIu64 " of %s, expected one",
                        faces->path, owners[number], image->path, number, path);
        else {
            owners[number] = image->path;
            if (image->row >= 0 && lk_faces_usable(faces, (uint64_t)image->row))
                rows[number] = (uint64_t)image->row;
            n_found++;
        }
    }
    free(owners);
    if (status == LK_OK && n_found == 0) {
        size_t len;
        const char *name = file_name(path, strlen(path), &len);
        status = lk_fail(err, LK_EFORMAT,
                         "%s: has no picture of %s; expected paths such as %s#0, as "
                         "`likeness embed %s` writes them",
                         faces->path, path, name, name);
    }
    return status;
}

struct scoring {
    const struct lk_faces *faces;
    const struct lk_bin *bin;
    uint64_t *rows; /* of each picture */
    int n_folds;
    struct lk_scored_pair *scored;
};

/* numpy.array_split, which scikit-learn's KFold without shuffling does too: the first n % folds parts hold
 * one more. */
static int fold_of(size_t i, size_t n, size_t folds)
{
    size_t each = n / folds, larger = n % folds, in_larger = larger * (each + 1);
    return (int)(i < in_larger ? i / (each + 1) : larger + (i - in_larger) / each);
}

static lk_status score_block(void *arg, size_t block, int worker, lk_error *err)
{
    struct scoring *s = arg;
    (void)worker, (void)err;
    for (size_t i = block * BLOCK; i < s->bin->n_pairs && i < (block + 1) * BLOCK; i++) {
        uint64_t a = s->rows[2 * i], b = s->rows[2 * i + 1];
        float score = NAN;
        if (a != NO_ROW && b != NO_ROW)
            score = lk_score(lk_matrix_row(&s->faces->matrix, a), lk_matrix_row(&s->faces->matrix, b),
                             (size_t)s->faces->matrix.dim);
        s->scored[i] =
            (struct lk_scored_pair){score, s->bin->same[i], fold_of(i, s->bin->n_pairs, (size_t)s->n_folds)};
    }
    return LK_OK;
}

lk_status lk_labelled_bin(struct lk_labelled *out, lk_ctx *ctx, const struct lk_faces *faces,
                          const struct lk_bin *bin, const char *path, double max_fmr, lk_error *err)
{
    size_t n = bin->n_pairs;
    struct scoring s = {.faces = faces, .bin = bin, .n_folds = n >= FOLDS ? FOLDS : 1};
    LK_NEED(n > 0, err, LK_EFORMAT, "%s: holds no pairs", path);
    s.rows = lk_calloc(2 * n, sizeof *s.rows, err);
    s.scored = lk_calloc(n, sizeof *s.scored, err);
    lk_status status = s.rows != NULL && s.scored != NULL ? LK_OK : LK_ENOMEM;
    if (status == LK_OK)
        status = find_rows(s.rows, faces, bin, path, err);
    if (status == LK_OK)
        status = lk_pool_for(ctx, (n + BLOCK - 1) / BLOCK, score_block, &s, err);
    if (status == LK_OK && !lk_labelled_any(s.scored, n))
        status =
            lk_fail(err, LK_EFORMAT, "%s: no pair of %s has two pictures with a face", faces->path, path);
    if (status == LK_OK)
        status = lk_labelled_list(out, s.scored, n, s.n_folds, max_fmr, err);
    free(s.rows);
    free(s.scored);
    return status;
}
