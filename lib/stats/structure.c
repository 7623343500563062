/* SPDX-License-Identifier: Apache-2.0 */
/* structure.c - the shape of a list of pairs: in-degrees, agreement within a class, reciprocity. */
#include "stats/structure.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* Two numbers whose distinct combinations are counted. */
struct link {
    uint32_t from, to;
};

static int by_to_then_from(const void *a, const void *b)
{
    const struct link *x = a, *y = b;
    if (x->to != y->to)
        return x->to < y->to ? -1 : 1;
    return (x->from > y->from) - (x->from < y->from);
}

/* Sorts by target and drops doubles; gives the number left. */
static size_t distinct(struct link *links, size_t n)
{
    qsort(links, n, sizeof *links, by_to_then_from);
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (i == 0 || by_to_then_from(&links[kept - 1], &links[i]) != 0)
            links[kept++] = links[i];
    return kept;
}

/* ---- in-degrees --------------------------------------------------------------------------------------- */

/* links: distinct and sorted by target. */
static struct lk_degrees degrees(const struct link *links, size_t n)
{
    struct lk_degrees d = {.links = n};
    double squares = 0;
    for (size_t first = 0, end; first < n; first = end) {
        for (end = first; end < n && links[end].to == links[first].to; end++)
            ;
        uint64_t degree = end - first;
        d.n++;
        squares += (double)degree * (double)degree;
        if (degree > d.largest) {
            d.largest = degree;
            d.largest_of = links[first].to;
        }
    }
    if (n == 0)
        return d;
    d.effective = (double)n * (double)n / squares;
    d.largest_share = (double)d.largest / (double)n;
    double least = fmax(10, 10 * (double)n / (double)d.n), in_hubs = 0;
    for (size_t first = 0, end; first < n; first = end) {
        for (end = first; end < n && links[end].to == links[first].to; end++)
            ;
        if ((double)(end - first) >= least) {
            d.hubs++;
            in_hubs += (double)(end - first);
        }
    }
    d.hub_share = in_hubs / (double)n;
    return d;
}

lk_status lk_in_degrees(const struct lk_list_pair *pairs, size_t n, size_t n_identities, uint64_t *degree,
                        lk_error *err)
{
    struct link *links = lk_calloc(n, sizeof *links, err);
    if (links == NULL)
        return LK_ENOMEM;
    for (size_t i = 0; i < n; i++)
        links[i] = (struct link){pairs[i].probe_identity, pairs[i].reference_identity};
    size_t kept = distinct(links, n);
    memset(degree, 0, n_identities * sizeof *degree);
    lk_status status = LK_OK;
    for (size_t i = 0; i < kept && status == LK_OK; i++) {
        if (links[i].to < n_identities)
            degree[links[i].to]++;
        else
            status = lk_fail(err, LK_EINVAL, "structure: identity %u, expected numbers below %zu",
                             links[i].to, n_identities);
    }
    free(links);
    return status;
}

/* ---- agreement within a class ------------------------------------------------------------------------- */

/* The best row of one probe, or of one identity. */
struct best {
    uint32_t group, member, person; /* synthetic identity, probe, real identity */
    float score;
    size_t row;
};

static int by_member_best_first(const void *a, const void *b)
{
    const struct best *x = a, *y = b;
    if (x->member != y->member)
        return x->member < y->member ? -1 : 1;
    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

static int by_group_then_person(const void *a, const void *b)
{
    const struct best *x = a, *y = b;
    if (x->group != y->group)
        return x->group < y->group ? -1 : 1;
    return (x->person > y->person) - (x->person < y->person);
}

static int by_person(const void *a, const void *b)
{
    const struct best *x = a, *y = b;
    return (x->person > y->person) - (x->person < y->person);
}

/* Keeps the best row of each member, at the front; gives their number. */
static size_t best_rows(struct best *rows, size_t n)
{
    qsort(rows, n, sizeof *rows, by_member_best_first);
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (i == 0 || rows[i].member != rows[kept - 1].member)
            rows[kept++] = rows[i];
    return kept;
}

static double pairs_of(double n)
{
    return n * (n - 1) / 2;
}

/* rows: the best row of each probe. */
static void agreement(struct best *rows, size_t n, struct lk_structure *r)
{
    double within = 0, within_same = 0, same = 0, modal = 0;
    qsort(rows, n, sizeof *rows, by_group_then_person);
    for (size_t first = 0, end; first < n; first = end) {
        size_t commonest = 0;
        double agree = 0;
        for (end = first; end < n && rows[end].group == rows[first].group;) {
            size_t run = end;
            while (end < n && rows[end].group == rows[first].group && rows[end].person == rows[run].person)
                end++;
            commonest = end - run > commonest ? end - run : commonest;
            agree += pairs_of((double)(end - run));
        }
        size_t size = end - first;
        within += pairs_of((double)size);
        within_same += agree;
        if (size >= 2) {
            r->n_classes++;
            modal += (double)commonest / (double)size;
        }
    }
    qsort(rows, n, sizeof *rows, by_person);
    for (size_t first = 0, end; first < n; first = end) {
        for (end = first; end < n && rows[end].person == rows[first].person; end++)
            ;
        same += pairs_of((double)(end - first));
    }
    double across = pairs_of((double)n) - within;
    r->modal_share = r->n_classes > 0 ? modal / (double)r->n_classes : NAN;
    r->pair_agreement = within > 0 ? within_same / within : NAN;
    r->pair_chance = across > 0 ? (same - within_same) / across : NAN;
}

/* ---- reciprocity --------------------------------------------------------------------------------------- */

static int by_member(const void *a, const void *b)
{
    const struct best *x = a, *y = b;
    return (x->member > y->member) - (x->member < y->member);
}

/* outward: best row of each synthetic identity (its number as member); inward: best row of each person (its
 * number as member, the synthetic identity as person), sorted by member. */
static uint64_t reciprocal(const struct best *outward, size_t n_outward, const struct best *inward,
                           size_t n_inward)
{
    uint64_t count = 0;
    for (size_t i = 0; i < n_outward; i++) {
        struct best key = {.member = outward[i].person};
        const struct best *back = bsearch(&key, inward, n_inward, sizeof *inward, by_member);
        count += back != NULL && back->person == outward[i].member;
    }
    return count;
}

lk_status lk_structure(const struct lk_list_pair *pairs, size_t n, struct lk_structure *out, lk_error *err)
{
    struct lk_structure r = {.n_pairs = n, .modal_share = NAN, .pair_agreement = NAN, .pair_chance = NAN};
    for (size_t i = 0; i < n; i++)
        LK_NEED(!isnan(pairs[i].score), err, LK_EINVAL, "structure: the score of row %zu is not a number", i);
    lk_status status = LK_ENOMEM;
    struct link *links = lk_calloc(n, sizeof *links, err);
    struct best *probes = lk_calloc(n, sizeof *probes, err), *outward = lk_calloc(n, sizeof *outward, err);
    struct best *inward = lk_calloc(n, sizeof *inward, err);
    if (links == NULL || probes == NULL || outward == NULL || inward == NULL)
        goto done;
    for (size_t i = 0; i < n; i++) {
        const struct lk_list_pair *p = &pairs[i];
        links[i] = (struct link){p->probe_identity, p->reference};
        probes[i] = (struct best){p->probe_identity, p->probe, p->reference_identity, p->score, i};
        outward[i] = (struct best){0, p->probe_identity, p->reference_identity, p->score, i};
        inward[i] = (struct best){0, p->reference_identity, p->probe_identity, p->score, i};
    }
    r.images = degrees(links, distinct(links, n));
    for (size_t i = 0; i < n; i++)
        links[i] = (struct link){pairs[i].probe_identity, pairs[i].reference_identity};
    r.n_identity_pairs = distinct(links, n);
    r.identities = degrees(links, r.n_identity_pairs);
    r.n_probes = best_rows(probes, n);
    agreement(probes, r.n_probes, &r);
    r.n_probe_identities = best_rows(outward, n);
    r.n_reciprocal = reciprocal(outward, r.n_probe_identities, inward, best_rows(inward, n));
    r.hub_artefact =
        r.identities.links >= 10 && (r.identities.largest_share > 0.5 || r.identities.hub_share > 0.5);
    *out = r;
    status = LK_OK;
done:
    free(links);
    free(probes);
    free(outward);
    free(inward);
    return status;
}
