/* SPDX-License-Identifier: Apache-2.0 */
/* labelled_pairs.c - scores the pairs that a pairs file lists. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/pool.h"
#include "stats/labelled.h"

/* An embedded image under the names that a pairs file uses. */
struct named_row {
    const char *identity;
    const char *stem; /* file name without folder and extension; not terminated */
    size_t stem_len;
    uint64_t row;
};

static int compare_names(const void *a, const void *b)
{
    const struct named_row *x = a, *y = b;
    int order = strcmp(x->identity, y->identity);
    if (order == 0)
        order = memcmp(x->stem, y->stem, x->stem_len < y->stem_len ? x->stem_len : y->stem_len);
    return order != 0 ? order : (x->stem_len > y->stem_len) - (x->stem_len < y->stem_len);
}

struct index {
    struct named_row *items;
    size_t n;
};

static lk_status index_rows(struct index *index, const struct lk_faces *faces, lk_error *err)
{
    index->items = lk_calloc((size_t)faces->matrix.rows, sizeof *index->items, err);
    if (index->items == NULL)
        return LK_ENOMEM;
    for (uint64_t row = 0; row < faces->matrix.rows; row++) {
        const struct lk_face_image *image = lk_faces_image(faces, row);
        if (image->identity == NULL || !lk_faces_usable(faces, row))
            continue;
        const char *slash = strrchr(image->path, '/'), *stem = slash != NULL ? slash + 1 : image->path;
        const char *dot = strrchr(stem, '.');
        size_t len = dot != NULL && dot > stem ? (size_t)(dot - stem) : strlen(stem);
        index->items[index->n++] = (struct named_row){image->identity, stem, len, row};
    }
    if (index->n > 0)
        qsort(index->items, index->n, sizeof *index->items, compare_names);
    return LK_OK;
}

/* The row of one side of a pair, or -1. Two images of that name are refused: which one is meant is not known.
 */
static lk_status find_row(const struct index *index, const struct lk_faces *faces, const struct lk_pair *pair,
                          int side, int64_t *row, lk_error *err)
{
    char stem[300]; /* names have at most 255 bytes */
    int len = snprintf(stem, sizeof stem, "%s_%04u", pair->name[side], pair->number[side]);
    struct named_row key = {.identity = pair->name[side], .stem = stem, .stem_len = (size_t)len};
    const struct named_row *hit =
        index->n > 0 ? bsearch(&key, index->items, index->n, sizeof key, compare_names) : NULL;
    *row = -1;
    if (hit == NULL)
        return LK_OK;
    const struct named_row *other = NULL;
    if (hit > index->items && compare_names(hit - 1, hit) == 0)
        other = hit - 1;
    else if (hit + 1 < index->items + index->n && compare_names(hit + 1, hit) == 0)
        other = hit + 1;
    LK_NEED(other == NULL, err, LK_EFORMAT, "%s: both %s and %s are image %u of '%s', expected one",
            faces->path, lk_faces_image(faces, hit->row)->path, lk_faces_image(faces, other->row)->path,
            pair->number[side], pair->name[side]);
    *row = (int64_t)hit->row;
    return LK_OK;
}

enum { BLOCK = 1024 };

struct scoring {
    const struct lk_faces *faces;
    const struct lk_pairs *pairs;
    struct index index;
    struct lk_scored_pair *scored; /* as pairs->items; score NaN = missing */
};

static lk_status score_block(void *arg, size_t block, int worker, lk_error *err)
{
    struct scoring *s = arg;
    (void)worker;
    for (size_t i = block * BLOCK; i < s->pairs->n && i < (block + 1) * BLOCK; i++) {
        const struct lk_pair *pair = &s->pairs->items[i];
        int64_t a, b;
        LK_TRY(find_row(&s->index, s->faces, pair, 0, &a, err));
        LK_TRY(find_row(&s->index, s->faces, pair, 1, &b, err));
        float score = NAN;
        if (a >= 0 && b >= 0)
            score = lk_score(lk_matrix_row(&s->faces->matrix, (uint64_t)a),
                             lk_matrix_row(&s->faces->matrix, (uint64_t)b), (size_t)s->faces->matrix.dim);
        s->scored[i] = (struct lk_scored_pair){score, pair->genuine, (int)pair->fold};
    }
    return LK_OK;
}

lk_status lk_labelled_pairs(struct lk_labelled *out, lk_ctx *ctx, const struct lk_faces *faces,
                            const struct lk_pairs *pairs, double max_fmr, lk_error *err)
{
    struct scoring s = {.faces = faces, .pairs = pairs};
    lk_status status = index_rows(&s.index, faces, err);
    if (status == LK_OK && (s.scored = lk_calloc(pairs->n, sizeof *s.scored, err)) == NULL)
        status = LK_ENOMEM;
    if (status == LK_OK)
        status = lk_pool_for(ctx, (pairs->n + BLOCK - 1) / BLOCK, score_block, &s, err);
    if (status == LK_OK && !lk_labelled_any(s.scored, pairs->n))
        status = lk_fail(err, LK_EFORMAT,
                         "%s: none of the images in the list of pairs is there; expected identities such as "
                         "'%s' with files such as %s_%04u.jpg",
                         faces->path, pairs->items[0].name[0], pairs->items[0].name[0],
                         pairs->items[0].number[0]);
    if (status == LK_OK)
        status = lk_labelled_list(out, s.scored, pairs->n, (int)pairs->folds, max_fmr, err);
    free(s.index.items);
    free(s.scored);
    return status;
}
