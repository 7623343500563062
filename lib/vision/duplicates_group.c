/* SPDX-License-Identifier: Apache-2.0 */
/* duplicates_group.c - from equal and similar pairs to groups with one picture each that is kept. */
#include <stdlib.h>
#include <string.h>

#include "vision/duplicates.h"

/* ---- equal pictures -------------------------------------------------------------------------------- */

struct order {
    const struct lk_dup_record *records;
    bool by_bytes;
};

static int compare_content(const struct order *order, uint32_t a, uint32_t b)
{
    const struct lk_dup_record *x = &order->records[a], *y = &order->records[b];
    return order->by_bytes ? memcmp(x->sha256, y->sha256, sizeof x->sha256)
                           : memcmp(x->luma, y->luma, sizeof x->luma);
}

static int compare_numbers(const void *a, const void *b, void *arg)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    int c = compare_content(arg, x, y);
    return c != 0 ? c : (x > y) - (x < y);
}

lk_status lk_dup_first_equal(const struct lk_dup_record *records, uint32_t n, bool by_bytes, uint32_t *out,
                             lk_error *err)
{
    struct order order = {records, by_bytes};
    uint32_t *numbers = lk_calloc(n, sizeof *numbers, err), used = 0;
    if (numbers == NULL)
        return LK_ENOMEM;
    for (uint32_t i = 0; i < n; i++) {
        out[i] = UINT32_MAX;
        if (records[i].state == LK_DUP_SEEN && (by_bytes || !lk_thumb_flat(records[i].luma)))
            numbers[used++] = i;
    }
    qsort_r(numbers, used, sizeof *numbers, compare_numbers, &order);
    for (uint32_t k = 0; k < used; k++) {
        bool equal = k > 0 && compare_content(&order, numbers[k - 1], numbers[k]) == 0;
        out[numbers[k]] = equal ? out[numbers[k - 1]] : numbers[k];
    }
    free(numbers);
    return LK_OK;
}

/* ---- similar pictures ------------------------------------------------------------------------------ */

static int compare_pairs(const void *a, const void *b)
{
    const struct lk_dup_pair *x = a, *y = b;
    if (x->i != y->i)
        return x->i < y->i ? -1 : 1;
    if (x->j != y->j)
        return x->j < y->j ? -1 : 1;
    return x->mirrored - y->mirrored;
}

void lk_dup_groups(const uint32_t *same_bytes, const uint32_t *same_luma, uint32_t n,
                   struct lk_dup_pair *pairs, size_t n_pairs, struct lk_dup_member *out)
{
    if (n_pairs > 0)
        qsort(pairs, n_pairs, sizeof *pairs, compare_pairs);
    for (uint32_t i = 0; i < n; i++)
        out[i] = (struct lk_dup_member){.keeper = i, .kind = LK_DUP_NONE, .similarity = 1};
    /* When the pairs of i come up, those of every earlier picture are done: i is kept if none of them took
     * it. */
    for (size_t k = 0; k < n_pairs; k++) {
        const struct lk_dup_pair *pair = &pairs[k];
        struct lk_dup_member *member = &out[pair->j];
        if (out[pair->i].kind != LK_DUP_NONE)
            continue;
        if (member->kind == LK_DUP_NONE || pair->similarity > member->similarity)
            *member = (struct lk_dup_member){pair->i, pair->mirrored ? LK_DUP_MIRRORED : LK_DUP_NEAR,
                                             pair->similarity};
    }
    /* Equal pictures follow the first of them. */
    for (uint32_t i = 0; i < n; i++) {
        uint32_t twin = same_luma[i], first = same_bytes[i];
        if (twin != UINT32_MAX && twin != i)
            out[i] = out[twin].kind != LK_DUP_NONE ? out[twin] : (struct lk_dup_member){twin, LK_DUP_NEAR, 1};
        if (first != UINT32_MAX && first != i && out[first].kind == LK_DUP_NONE)
            out[i] = (struct lk_dup_member){first, LK_DUP_EXACT, 1};
        else if (first != UINT32_MAX && first != i)
            out[i] = out[first];
        if (out[i].kind != LK_DUP_NONE && same_bytes[i] == same_bytes[out[i].keeper])
            out[i].kind = LK_DUP_EXACT;
    }
}
