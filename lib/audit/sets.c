/* SPDX-License-Identifier: Apache-2.0 */
/* sets.c - sets of vectors made ready: rows sorted by person, and random keys that do not depend on their
 * order. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/audit.h"
#include "stats/resample.h"

/* FNV-1a over the bytes, stirred with the seed. */
static uint64_t key_of(const char *name, uint64_t number, uint64_t seed)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (; name != NULL && *name != '\0'; name++)
        hash = (hash ^ (uint8_t)*name) * 0x100000001b3u;
    struct lk_rng rng = lk_rng_stream(seed, hash, name != NULL ? 0 : number + 1);
    return lk_rng_next(&rng);
}

uint32_t lk_audit_file_row(const struct lk_audit_set *set, uint32_t row)
{
    return set->file.row_of != NULL ? set->file.row_of[row] : row;
}

const char *lk_audit_row_path(const struct lk_audit_set *set, uint32_t row)
{
    if (set->file.faces.images == NULL)
        return NULL;
    return lk_faces_image(&set->file.faces, set->file.row_of[row])->path;
}

void lk_audit_count_left_out(const struct lk_audit_set *set, const struct lk_filters *filters,
                             struct lk_audit_left_out *out)
{
    const struct lk_faces *faces = &set->file.faces;
    *out = (struct lk_audit_left_out){.unusable = faces->checks.n_excluded};
    for (size_t i = 0; i < faces->n_images; i++) {
        out->no_face += faces->images[i].status == LK_FACE_NONE;
        out->unreadable += faces->images[i].status == LK_FACE_UNREADABLE;
        out->excluded += faces->images[i].status == LK_FACE_EXCLUDED;
    }
    for (size_t i = 0; i < filters->n; i++) {
        out->filtered += set->file.filtered[i].no + set->file.filtered[i].unknown;
        out->unknown += set->file.filtered[i].unknown;
    }
}

static const char *row_identity(const struct lk_audit_set *set, uint32_t row)
{
    if (set->file.faces.images == NULL)
        return NULL;
    return lk_faces_image(&set->file.faces, set->file.row_of[row])->identity;
}

const char *lk_audit_person_name(const struct lk_audit_set *set, uint32_t person)
{
    return row_identity(set, set->rows_of[set->start[person]]);
}

const char *lk_audit_identity_key(const struct lk_audit_set *set, uint32_t identity, char room[LK_AUDIT_KEY])
{
    uint32_t row = set->rows_of[set->start[identity]];
    const char *key = lk_audit_person_name(set, identity);
    if (key == NULL)
        key = lk_audit_row_path(set, row);
    if (key != NULL)
        return key;
    snprintf(room, LK_AUDIT_KEY, "row %" PRIu32, lk_audit_file_row(set, row));
    return room;
}

struct keyed {
    uint64_t key;
    uint32_t group, item;
};

static int by_group_and_key(const void *a, const void *b)
{
    const struct keyed *x = a, *y = b;
    if (x->group != y->group)
        return x->group < y->group ? -1 : 1;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return (x->item > y->item) - (x->item < y->item);
}

static lk_status sort_rows(struct lk_audit_set *s, lk_error *err)
{
    size_t n = s->rows > s->n_persons ? (size_t)s->rows : s->n_persons;
    struct keyed *keyed = lk_calloc(n, sizeof *keyed, err);
    if (keyed == NULL)
        return LK_ENOMEM;
    for (uint32_t i = 0; i < s->rows; i++)
        keyed[i] = (struct keyed){s->row_key[i], s->person[i], i};
    qsort(keyed, (size_t)s->rows, sizeof *keyed, by_group_and_key);
    for (uint32_t i = 0; i < s->rows; i++) {
        s->rows_of[i] = keyed[i].item;
        s->start[keyed[i].group + 1] = i + 1;
    }
    for (uint32_t p = 0; p < s->n_persons; p++)
        keyed[p] = (struct keyed){s->person_key[p], 0, p};
    qsort(keyed, s->n_persons, sizeof *keyed, by_group_and_key);
    for (uint32_t p = 0; p < s->n_persons; p++)
        s->by_key[p] = keyed[p].item;
    free(keyed);
    return LK_OK;
}

static lk_status finish(struct lk_audit_set *s, const uint32_t *person, uint64_t seed, lk_error *err)
{
    s->person = lk_calloc((size_t)s->rows, sizeof *s->person, err);
    s->start = lk_calloc((size_t)s->n_persons + 1, sizeof *s->start, err);
    s->rows_of = lk_calloc((size_t)s->rows, sizeof *s->rows_of, err);
    s->person_key = lk_calloc(s->n_persons, sizeof *s->person_key, err);
    s->row_key = lk_calloc((size_t)s->rows, sizeof *s->row_key, err);
    s->by_key = lk_calloc(s->n_persons, sizeof *s->by_key, err);
    if (s->person == NULL || s->start == NULL || s->rows_of == NULL || s->person_key == NULL ||
        s->row_key == NULL || s->by_key == NULL)
        return LK_ENOMEM;
    for (uint32_t i = 0; i < s->rows; i++) {
        uint32_t p = person != NULL ? person[i] : i;
        LK_NEED(p < s->n_persons, err, LK_EINVAL, "%s: row %u is of person %u of %u", s->role, i, p,
                s->n_persons);
        s->person[i] = p;
        s->row_key[i] = key_of(lk_audit_row_path(s, i), i, seed);
        const char *name = row_identity(s, i);
        if (name != NULL)
            s->person_key[p] = key_of(name, 0, seed);
        else /* in a file a row without a name is a person of its own */
            s->person_key[p] = s->path != NULL ? s->row_key[i] : key_of(NULL, p, seed);
    }
    LK_TRY(sort_rows(s, err));
    for (uint32_t p = 0; p < s->n_persons; p++)
        LK_NEED(s->start[p + 1] > s->start[p], err, LK_EINVAL, "%s: person %u has no row", s->role, p);
    return LK_OK;
}

lk_status lk_audit_set_open(struct lk_audit_set *set, lk_ctx *ctx, const char *role, const char *path,
                            const struct lk_filters *filters, uint64_t seed, lk_error *err)
{
    *set = (struct lk_audit_set){.role = role, .path = path};
    LK_TRY(lk_match_set_open_filtered(&set->file, ctx, role, path, filters, err));
    set->data = set->file.set.data;
    set->rows = set->file.set.rows;
    set->dim = set->file.faces.matrix.dim;
    set->labelled = set->file.set.identities != NULL;
    set->n_persons = set->labelled ? set->file.set.n_identities : (uint32_t)set->rows;
    lk_status status = finish(set, set->file.set.identities, seed, err);
    if (status != LK_OK)
        lk_audit_set_close(set);
    return status;
}

lk_status lk_audit_set_make(struct lk_audit_set *set, const char *role, const float *data, uint64_t rows,
                            uint64_t dim, const uint32_t *person, uint32_t n_persons, uint64_t seed,
                            lk_error *err)
{
    *set = (struct lk_audit_set){.role = role,
                                 .data = data,
                                 .rows = rows,
                                 .dim = dim,
                                 .labelled = person != NULL,
                                 .n_persons = person != NULL ? n_persons : (uint32_t)rows};
    LK_NEED(rows > 0 && rows <= LK_SEARCH_MAX_ROWS, err, LK_EINVAL, "%s: %llu rows", role,
            (unsigned long long)rows);
    lk_status status = finish(set, person, seed, err);
    if (status != LK_OK)
        lk_audit_set_close(set);
    return status;
}

void lk_audit_set_close(struct lk_audit_set *set)
{
    free(set->person);
    free(set->start);
    free(set->rows_of);
    free(set->person_key);
    free(set->row_key);
    free(set->by_key);
    lk_match_set_close(&set->file);
    *set = (struct lk_audit_set){.role = set->role};
}
