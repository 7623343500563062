/* SPDX-License-Identifier: Apache-2.0 */
/* templates.c - makes the templates of IJB-B and IJB-C from embeddings of their images. */
#include "stats/templates.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* ---- images by name ------------------------------------------------------------------------------- */

/* Length of a path without the extension of its file name. */
static size_t without_extension(const char *path, size_t len)
{
    for (size_t i = len; i-- > 1 && path[i] != '/';)
        if (path[i] == '.')
            return path[i - 1] == '/' ? len : i;
    return len;
}

/* A path without extension; its file name, the stem, starts at `stem`. */
struct named_row {
    const char *path;
    size_t stem, len;
    uint64_t row;
};

static struct named_row name_row(const char *path, size_t path_len, uint64_t row)
{
    size_t len = without_extension(path, path_len);
    const char *slash = memrchr(path, '/', len);
    return (struct named_row){path, slash != NULL ? (size_t)(slash - path) + 1 : 0, len, row};
}

static int compare_stems(const void *a, const void *b)
{
    const struct named_row *x = a, *y = b;
    size_t x_len = x->len - x->stem, y_len = y->len - y->stem;
    int order = memcmp(x->path + x->stem, y->path + y->stem, x_len < y_len ? x_len : y_len);
    return order != 0 ? order : (x_len > y_len) - (x_len < y_len);
}

struct index {
    struct named_row *items; /* by stem */
    size_t n;
};

static lk_status index_rows(struct index *index, const struct lk_faces *faces, lk_error *err)
{
    index->items = lk_calloc((size_t)faces->matrix.rows, sizeof *index->items, err);
    if (index->items == NULL)
        return LK_ENOMEM;
    for (uint64_t row = 0; row < faces->matrix.rows; row++) {
        const char *path = lk_faces_image(faces, row)->path;
        if (lk_faces_usable(faces, row))
            index->items[index->n++] = name_row(path, strlen(path), row);
    }
    if (index->n > 0)
        qsort(index->items, index->n, sizeof *index->items, compare_stems);
    return LK_OK;
}

/* Whether a path ends with a name, at the start of a folder or file name. */
static bool ends_with(const struct named_row *path, const struct named_row *name)
{
    if (name->len > path->len)
        return false;
    size_t before = path->len - name->len;
    return memcmp(path->path + before, name->path, name->len) == 0 &&
           (before == 0 || path->path[before - 1] == '/');
}

/* The row of an image, or -1. */
static lk_status find_row(const struct index *index, const struct lk_ijb_image *image, const char *faces_path,
                          int64_t *row, lk_error *err)
{
    struct named_row name = name_row((const char *)image->name, image->name_len, 0);
    size_t low = 0, high = index->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_stems(&index->items[middle], &name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    const struct named_row *hit = NULL;
    for (size_t i = low; i < index->n && compare_stems(&index->items[i], &name) == 0; i++) {
        if (!ends_with(&index->items[i], &name))
            continue;
        LK_NEED(hit == NULL, err, LK_EFORMAT, "%s: both %s and %s are image '%.*s', expected one", faces_path,
                hit->path, index->items[i].path, (int)image->name_len, (const char *)image->name);
        hit = &index->items[i];
    }
    *row = hit != NULL ? (int64_t)hit->row : -1;
    return LK_OK;
}

/* ---- templates ------------------------------------------------------------------------------------ */

/* A line of the table; in the order of template, media, line. */
struct member {
    uint32_t template_id, media;
    size_t line;
    int64_t row; /* -1 = missing */
};

static int compare_members(const void *a, const void *b)
{
    const struct member *x = a, *y = b;
    if (x->template_id != y->template_id)
        return x->template_id < y->template_id ? -1 : 1;
    if (x->media != y->media)
        return x->media < y->media ? -1 : 1;
    return (x->line > y->line) - (x->line < y->line);
}

static lk_status find_members(struct member *members, struct lk_templates *t, const struct lk_faces *faces,
                              const struct lk_ijb_images *images, const char *path, lk_error *err)
{
    struct index index = {0};
    lk_status status = index_rows(&index, faces, err);
    for (size_t i = 0; status == LK_OK && i < images->n; i++) {
        members[i] = (struct member){images->items[i].template_id, images->items[i].media, i, -1};
        status = find_row(&index, &images->items[i], faces->path, &members[i].row, err);
        t->n_images_missing += members[i].row < 0;
    }
    free(index.items);
    LK_TRY(status);
    LK_NEED(t->n_images_missing < images->n, err, LK_EFORMAT,
            "%s: none of the images in %s is there; expected paths that end with names such as '%.*s'",
            faces->path, path, (int)images->items[0].name_len, (const char *)images->items[0].name);
    qsort(members, images->n, sizeof *members, compare_members);
    return LK_OK;
}

/* Sums `n` members of one template: over media the mean of its images. Returns whether there was one. */
static bool sum_media(const struct member *members, size_t n, const struct lk_matrix *matrix, double *sum,
                      double *media)
{
    size_t dim = (size_t)matrix->dim;
    bool any = false;
    memset(sum, 0, dim * sizeof *sum);
    for (size_t i = 0; i < n;) {
        uint32_t id = members[i].media;
        size_t count = 0;
        memset(media, 0, dim * sizeof *media);
        for (; i < n && members[i].media == id; i++) {
            if (members[i].row < 0)
                continue;
            const float *vector = lk_matrix_row(matrix, (uint64_t)members[i].row);
            for (size_t d = 0; d < dim; d++)
                media[d] += (double)vector[d];
            count++;
        }
        for (size_t d = 0; count > 0 && d < dim; d++)
            sum[d] += media[d] / (double)count;
        any |= count > 0;
    }
    return any;
}

/* Writes a vector at unit length; false when it has none. */
static bool write_unit(float *out, const double *sum, size_t dim)
{
    double squares = 0;
    for (size_t d = 0; d < dim; d++)
        squares += sum[d] * sum[d];
    double length = sqrt(squares);
    for (size_t d = 0; length > 0 && d < dim; d++)
        out[d] = (float)(sum[d] / length);
    return length > 0;
}

static lk_status fill(struct lk_templates *t, const struct member *members, size_t n,
                      const struct lk_matrix *matrix, lk_error *err)
{
    for (size_t i = 0; i < n; i++)
        t->n += i == 0 || members[i].template_id != members[i - 1].template_id;
    size_t numbers;
    LK_NEED(!lk_mul_overflows(t->n, t->dim, &numbers), err, LK_ENOMEM, "%zu templates do not fit into memory",
            t->n);
    t->ids = lk_calloc(t->n, sizeof *t->ids, err);
    t->usable = lk_calloc(t->n, sizeof *t->usable, err);
    t->vectors = lk_calloc(numbers, sizeof *t->vectors, err);
    double *sums = lk_calloc(2 * t->dim, sizeof *sums, err);
    if (t->ids == NULL || t->usable == NULL || t->vectors == NULL || sums == NULL) {
        free(sums);
        return LK_ENOMEM;
    }
    size_t at = 0;
    for (size_t i = 0; i < n; at++) {
        size_t first = i;
        t->ids[at] = members[i].template_id;
        while (i < n && members[i].template_id == t->ids[at])
            i++;
        t->usable[at] = sum_media(members + first, i - first, matrix, sums, sums + t->dim) &&
                        write_unit(t->vectors + at * t->dim, sums, t->dim);
        t->n_usable += t->usable[at];
    }
    free(sums);
    return LK_OK;
}

lk_status lk_templates_make(struct lk_templates *out, const struct lk_faces *faces,
                            const struct lk_ijb_images *images, const char *path, lk_error *err)
{
    struct lk_templates t = {.dim = (size_t)faces->matrix.dim};
    struct member *members = lk_calloc(images->n, sizeof *members, err);
    if (members == NULL)
        return LK_ENOMEM;
    lk_status status = find_members(members, &t, faces, images, path, err);
    if (status == LK_OK)
        status = fill(&t, members, images->n, &faces->matrix, err);
    free(members);
    if (status == LK_OK)
        *out = t;
    else
        lk_templates_free(&t);
    return status;
}

void lk_templates_free(struct lk_templates *templates)
{
    free(templates->ids);
    free(templates->usable);
    free(templates->vectors);
    *templates = (struct lk_templates){0};
}

size_t lk_templates_find(const struct lk_templates *templates, uint32_t id)
{
    size_t low = 0, high = templates->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (templates->ids[middle] < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < templates->n && templates->ids[low] == id ? low : SIZE_MAX;
}
