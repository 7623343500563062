/* SPDX-License-Identifier: Apache-2.0 */
/* reduce.c - the results of all ranks joined at rank 0, by reductions that know the order of scores and rows.
 *
 * Every list has the length it has in the whole comparison; places that a rank cannot fill hold `nothing`, behind
 * everything. The operators take no argument of their own, hence the one static. */
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ranks.h"
#include "search/lists.h"

enum { CHUNK_BYTES = 1 << 26 }; /* of one reduction */

static const struct lk_hit no_hit = {-INFINITY, UINT32_MAX};
static const struct lk_pair no_pair = {-INFINITY, UINT32_MAX, UINT32_MAX};

static struct {
    size_t room; /* entries of one list */
    const uint32_t *identities; /* NULL = every row is its own */
    struct lk_pair *pairs;      /* room entries of scratch */
} reducing;

/* ---- operators -------------------------------------------------------------------------------------- */

static void join_hits(void *in, void *inout, int *len, MPI_Datatype *type)
{
    (void)type;
    const struct lk_hit *from = in;
    struct lk_hit *to = inout;
    for (int i = 0; i < *len; i++, from += reducing.room, to += reducing.room) {
        struct lk_list list = {to, 0, reducing.room};
        while (list.n < list.room && to[list.n].row != UINT32_MAX)
            list.n++;
        for (size_t k = 0; k < reducing.room && from[k].row != UINT32_MAX; k++) {
            if (reducing.identities != NULL)
                lk_list_add_identity(&list, from[k], reducing.identities);
            else
                lk_list_add(&list, from[k]);
        }
    }
}

static void join_pairs(void *in, void *inout, int *len, MPI_Datatype *type)
{
    (void)type;
    const struct lk_pair *from = in;
    struct lk_pair *to = inout;
    for (int i = 0; i < *len; i++, from += reducing.room, to += reducing.room) {
        size_t a = 0, b = 0;
        for (size_t k = 0; k < reducing.room; k++)
            reducing.pairs[k] = lk_pair_before(&from[a], &to[b]) ? from[a++] : to[b++];
        memcpy(to, reducing.pairs, reducing.room * sizeof *to);
    }
}

/* Reduces n lists of `room` entries of `size` bytes each, in place at rank 0. */
static void reduce(const struct ranks *r, void *lists, uint64_t n, size_t room, size_t size, MPI_User_function *op)
{
    MPI_Datatype entry, list;
    MPI_Op operator;
    MPI_Type_contiguous((int)size, MPI_BYTE, &entry);
    MPI_Type_contiguous((int)room, entry, &list);
    MPI_Type_commit(&list);
    MPI_Op_create(op, 1, &operator);
    uint64_t step = CHUNK_BYTES / (room * size) + 1;
    reducing.room = room;
    for (uint64_t at = 0; at < n; at += step) {
        char *from = (char *)lists + at * room * size;
        int count = (int)(n - at < step ? n - at : step);
        MPI_Reduce(r->rank == 0 ? MPI_IN_PLACE : from, from, count, list, operator, 0, MPI_COMM_WORLD);
    }
    MPI_Op_free(&operator);
    MPI_Type_free(&list);
    MPI_Type_free(&entry);
}

/* ---- one gallery ------------------------------------------------------------------------------------ */

/* n lists of `had` hits become lists of `room`. */
static lk_status widen(struct lk_hit **lists, uint64_t n, uint64_t had, uint64_t room, lk_error *err)
{
    if (had == room)
        return LK_OK;
    struct lk_hit *wide = lk_calloc((size_t)(n * room), sizeof *wide, err);
    if (wide == NULL)
        return LK_ENOMEM;
    for (uint64_t i = 0; i < n; i++)
        for (uint64_t k = 0; k < room; k++)
            wide[i * room + k] = k < had ? (*lists)[i * had + k] : no_hit;
    free(*lists);
    *lists = wide;
    return LK_OK;
}

static lk_status reduce_lists(const struct ranks *r, const struct lk_search_options *o, int g,
                              struct lk_search_gallery *part, lk_error *err)
{
    const struct lk_search_set *set = &o->galleries[g];
    uint64_t probes = o->probes.rows, distinct = set->rows;
    bool labelled = set->identities != NULL;
    if (labelled)
        LK_TRY(lk_search_distinct(set, &distinct, err));
    if (part->identities == part->nearest) { /* also in a part without any row */
        part->identities = NULL;
        part->n_identities = 0;
    }
    uint64_t nearest = o->r < set->rows ? o->r : set->rows, identities = o->r < distinct ? o->r : distinct;
    LK_TRY(widen(&part->nearest, probes, part->n_nearest, nearest, err));
    part->n_nearest = nearest;
    reducing.identities = NULL;
    reduce(r, part->nearest, probes, (size_t)nearest, sizeof *part->nearest, join_hits);
    if (labelled) {
        LK_TRY(widen(&part->identities, probes, part->n_identities, identities, err));
        reducing.identities = set->identities;
        reduce(r, part->identities, probes, (size_t)identities, sizeof *part->identities, join_hits);
    } else
        part->identities = part->nearest;
    part->n_identities = identities;
    return LK_OK;
}

static lk_status reduce_pairs(const struct ranks *r, const struct lk_search_options *o, int g,
                              struct lk_search_gallery *part, lk_error *err)
{
    uint64_t all = o->probes.rows * o->galleries[g].rows, room = o->k < all ? o->k : all;
    struct lk_pair *pairs = lk_calloc((size_t)room, sizeof *pairs, err);
    reducing.pairs = lk_calloc((size_t)room, sizeof *pairs, err);
    if (pairs == NULL || reducing.pairs == NULL) {
        free(pairs);
        free(reducing.pairs);
        return LK_ENOMEM;
    }
    for (uint64_t i = 0; i < room; i++)
        pairs[i] = i < part->n_pairs ? part->pairs[i] : no_pair;
    free(part->pairs);
    part->pairs = pairs;
    part->n_pairs = room;
    reduce(r, pairs, 1, (size_t)room, sizeof *pairs, join_pairs);
    free(reducing.pairs);
    return LK_OK;
}

/* The best probes of each rank's own references, one behind the other. */
static lk_status gather_best(const struct ranks *r, const struct lk_search_options *o, int g,
                             struct lk_search_gallery *part, lk_error *err)
{
    struct lk_hit *all = part->best_probe;
    if (r->rank == 0 && (all = lk_calloc((size_t)o->galleries[g].rows, sizeof *all, err)) == NULL)
        return LK_ENOMEM;
    const uint64_t step = CHUNK_BYTES / sizeof *all;
    for (int rank = 0; rank < r->size; rank++) {
        struct lk_search_shard shard = {(uint64_t)rank + 1, (uint64_t)r->size};
        uint64_t first, rows;
        lk_search_shard_rows(&shard, o->galleries[g].rows, &first, &rows);
        if (rank == 0 && r->rank == 0 && rows > 0)
            memcpy(all, part->best_probe, (size_t)rows * sizeof *all);
        for (uint64_t at = 0; rank > 0 && (r->rank == 0 || r->rank == rank) && at < rows; at += step) {
            int bytes = (int)((rows - at < step ? rows - at : step) * sizeof *all);
            if (r->rank == 0)
                MPI_Recv(all + first + at, bytes, MPI_BYTE, rank, g, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
            else
                MPI_Send(all + at, bytes, MPI_BYTE, 0, g, MPI_COMM_WORLD);
        }
    }
    if (r->rank == 0) {
        free(part->best_probe);
        part->best_probe = all;
    }
    return LK_OK;
}

static void reduce_sum(const struct ranks *r, uint64_t *values, int n)
{
    MPI_Reduce(r->rank == 0 ? MPI_IN_PLACE : values, values, n, MPI_UINT64_T, MPI_SUM, 0, MPI_COMM_WORLD);
}

lk_status ranks_reduce(struct ranks *r, const struct lk_search_options *o, struct lk_search_result *part,
                       struct lk_search_result *out, lk_error *err)
{
    for (int g = 0; g < LK_N_GALLERIES; g++) {
        if (o->galleries[g].rows == 0)
            continue;
        LK_TRY(reduce_lists(r, o, g, &part->galleries[g], err));
        LK_TRY(reduce_pairs(r, o, g, &part->galleries[g], err));
        LK_TRY(gather_best(r, o, g, &part->galleries[g], err));
        reduce_sum(r, part->galleries[g].exact, LK_SEARCH_BINS);
    }
    reduce_sum(r, &part->n_pairs, 1);
    reduce_sum(r, &part->n_range, 1);
    *out = *part;
    *part = (struct lk_search_result){.exact_bin = 0};
    return LK_OK;
}
