/* SPDX-License-Identifier: Apache-2.0 */
/* lists.c - what the pass collects: short lists of each probe, and the closest pairs. */
#include "search/lists.h"

#include <stdlib.h>

#include "base/mem.h"

static bool hit_before(struct lk_hit a, struct lk_hit b)
{
    return a.score != b.score ? a.score > b.score : a.row < b.row;
}

/* Moves hit up from the free place `at` to where it belongs. */
static void place(struct lk_hit *hits, uint64_t at, struct lk_hit hit)
{
    for (; at > 0 && hit_before(hit, hits[at - 1]); at--)
        hits[at] = hits[at - 1];
    hits[at] = hit;
}

/* Without regard to identities: into a free place, or into the last one's. */
void lk_list_add(struct lk_list *list, struct lk_hit hit)
{
    if (list->n < list->room)
        place(list->hits, list->n++, hit);
    else if (hit_before(hit, list->hits[list->n - 1]))
        place(list->hits, list->n - 1, hit);
}

/* An identity that was pushed out comes back only by a hit that beats the list's last, and so beats all that
 * the identity had before: forgetting it loses nothing. */
void lk_list_add_identity(struct lk_list *list, struct lk_hit hit, const uint32_t *identities)
{
    uint32_t identity = identities[hit.row];
    for (uint64_t i = 0; i < list->n; i++) {
        if (identities[list->hits[i].row] != identity)
            continue;
        if (hit_before(hit, list->hits[i]))
            place(list->hits, i, hit);
        return;
    }
    lk_list_add(list, hit);
}

/* ---- the closest k pairs --------------------------------------------------------------------------- */

static int compare_pairs(const void *a, const void *b)
{
    return lk_pair_before(a, b) ? -1 : lk_pair_before(b, a) ? 1 : 0;
}

void lk_closest_settle(struct lk_closest *closest)
{
    if (closest->n == 0)
        return;
    qsort(closest->pairs, closest->n, sizeof *closest->pairs, compare_pairs);
    if (closest->n >= closest->k) {
        closest->n = (size_t)closest->k;
        closest->full = true;
        closest->last = closest->pairs[closest->n - 1];
    }
}

/* Sorting 2 k each time k came in costs a few comparisons per pair that passes, and few pass. */
lk_status lk_closest_add(struct lk_closest *closest, const struct lk_pair *pairs, size_t n, lk_error *err)
{
    for (size_t i = 0; i < n; i++) {
        if (closest->n >= 2 * closest->k)
            lk_closest_settle(closest);
        if (closest->full && !lk_pair_before(&pairs[i], &closest->last))
            continue;
        LK_TRY(lk_grow(&closest->pairs, &closest->capacity, closest->n + 1, sizeof *closest->pairs, err));
        closest->pairs[closest->n++] = pairs[i];
    }
    return LK_OK;
}
