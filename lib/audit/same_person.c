/* SPDX-License-Identifier: Apache-2.0 */
/* same_person.c - one person under two names, in the galleries and in the synthetic set: found, listed,
 * dropped.
 *
 * A person in T and in H breaks the comparison, so both names go. Two names in one gallery are one chance
 * less than it seems: the second goes. Of two synthetic identities that are one, the second goes, because
 * units must not repeat each other. None of this looks at how close anything comes to the synthetic set, so
 * it favours neither gallery. */
#include <stdlib.h>
#include <string.h>

#include "audit/audit.h"

/* Two names in one and another's list; `late` is the one whose key comes later. */
struct pair {
    float score;
    uint32_t early, late;
};

struct names {
    size_t n;
    const float *data;
    const uint32_t *person; /* of each row */
    uint64_t rows;
    uint32_t *rank;      /* of each name in the order of keys */
    struct lk_tops tops; /* of each name the closest other names */
    struct pair *pairs;
    size_t n_pairs, capacity;
};

static void free_names(struct names *x)
{
    free(x->rank);
    free(x->pairs);
    lk_tops_free(&x->tops);
}

/* Everybody against everybody. The own name stands in the lists, too, and is passed over. */
static lk_status compare_all(struct names *x, const struct lk_audit *a, lk_error *err)
{
    struct lk_search_set set = {x->data, x->rows, x->person, (uint32_t)x->n};
    struct lk_search_result result;
    LK_TRY(lk_tops_new(&x->tops, x->n, 1, (size_t)a->in->depth, err));
    LK_TRY(lk_audit_search(a, &set, &set, 1, a->in->depth + 1, &result, err));
    const struct lk_search_gallery *found = &result.galleries[LK_GALLERY_TRAIN];
    for (uint64_t i = 0; i < x->rows; i++)
        for (uint64_t k = 0; k < found->n_identities; k++) {
            const struct lk_hit *hit = &found->identities[i * found->n_identities + k];
            if (x->person[hit->row] != x->person[i])
                lk_tops_add(&x->tops, x->person[i], 0, hit->score, x->person[hit->row]);
        }
    lk_search_free(&result);
    return LK_OK;
}

static bool lists(const struct lk_tops *tops, uint32_t of, uint32_t other)
{
    const struct lk_top *list = lk_tops_of(tops, of, 0);
    for (size_t k = 0; k < tops->depth; k++)
        if (list[k].person == other)
            return true;
    return false;
}

static lk_status collect_pairs(struct names *x, double score, lk_error *err)
{
    for (uint32_t i = 0; i < x->n; i++) {
        const struct lk_top *list = lk_tops_of(&x->tops, i, 0);
        for (size_t k = 0; k < x->tops.depth && list[k].person != LK_NO_PERSON; k++) {
            uint32_t j = list[k].person;
            if ((double)list[k].score < score || (i > j && lists(&x->tops, j, i)))
                continue;
            LK_TRY(lk_grow(&x->pairs, &x->capacity, x->n_pairs + 1, sizeof *x->pairs, err));
            bool in_order = x->rank[i] < x->rank[j];
            x->pairs[x->n_pairs++] = (struct pair){list[k].score, in_order ? i : j, in_order ? j : i};
        }
    }
    return LK_OK;
}

struct ranked {
    struct pair pair;
    uint32_t rank;
};

static int by_rank(const void *a, const void *b)
{
    uint32_t x = ((const struct ranked *)a)->rank, y = ((const struct ranked *)b)->rank;
    return (x > y) - (x < y);
}

/* Drops every name that has an earlier kept one as its double, among the pairs that `matters` lets through.
 */
static lk_status drop_late(const struct names *x, bool (*matters)(const void *, const struct pair *),
                           const void *arg, bool *dropped, lk_error *err)
{
    struct ranked *ranked = lk_calloc(x->n_pairs, sizeof *ranked, err);
    if (ranked == NULL)
        return LK_ENOMEM;
    for (size_t i = 0; i < x->n_pairs; i++)
        ranked[i] = (struct ranked){x->pairs[i], x->rank[x->pairs[i].late]};
    if (x->n_pairs > 0)
        qsort(ranked, x->n_pairs, sizeof *ranked, by_rank);
    for (size_t i = 0; i < x->n_pairs; i++) {
        const struct pair *p = &ranked[i].pair;
        if (matters(arg, p) && !dropped[p->early])
            dropped[p->late] = true;
    }
    free(ranked);
    return LK_OK;
}

static int by_falling_score(const void *a, const void *b)
{
    const struct lk_audit_double *x = a, *y = b;
    if ((x->place == LK_IN_SYNTHETIC) != (y->place == LK_IN_SYNTHETIC))
        return x->place == LK_IN_SYNTHETIC ? 1 : -1;
    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    if (x->person[0] != y->person[0])
        return x->person[0] < y->person[0] ? -1 : 1;
    return (x->person[1] > y->person[1]) - (x->person[1] < y->person[1]);
}

/* ---- real persons ----------------------------------------------------------------------------------- */

static bool same_gallery(const void *arg, const struct pair *p)
{
    const struct lk_audit_person *persons = arg;
    return persons[p->early].gallery == persons[p->late].gallery;
}

/* Both names of a pair across galleries go, and every other name that is one person with either. */
static void drop_across(const struct lk_audit *a, const struct names *x, bool *dropped)
{
    for (size_t i = 0; i < x->n_pairs; i++)
        if (!same_gallery(a->persons, &x->pairs[i]))
            dropped[x->pairs[i].early] = dropped[x->pairs[i].late] = true;
    for (bool changed = true; changed;) {
        changed = false;
        for (size_t i = 0; i < x->n_pairs; i++) {
            const struct pair *p = &x->pairs[i];
            if (dropped[p->early] != dropped[p->late])
                dropped[p->early] = dropped[p->late] = changed = true;
        }
    }
}

static lk_status list_real(struct lk_audit *a, const struct names *x, const bool *dropped, lk_error *err)
{
    struct lk_audit_doubles *d = &a->doubles;
    for (size_t i = 0; i < x->n_pairs; i++) {
        const struct pair *p = &x->pairs[i];
        const struct lk_audit_person *e = &a->persons[p->early], *l = &a->persons[p->late];
        enum lk_audit_place place = (e->gallery == 0) != (l->gallery == 0) ? LK_ACROSS
                                    : e->gallery == 0                      ? LK_IN_TRAIN
                                                                           : LK_IN_HOLDOUT;
        if (e->gallery > l->gallery) { /* T first */
            const struct lk_audit_person *swap = e;
            e = l;
            l = swap;
        }
        LK_TRY(lk_grow(&d->pairs, &d->capacity, d->n + 1, sizeof *d->pairs, err));
        d->pairs[d->n++] = (struct lk_audit_double){place,
                                                    {e->set, l->set},
                                                    {e->person, l->person},
                                                    {dropped[e - a->persons], dropped[l - a->persons]},
                                                    p->score};
        d->found[place]++;
    }
    for (size_t i = 0; i < a->n_persons; i++)
        *(a->persons[i].gallery == 0 ? &d->dropped_train : &d->dropped_holdout) += dropped[i];
    return LK_OK;
}

static lk_status fit_strangers(struct lk_audit *a, const struct names *x, lk_error *err)
{
    float *best = lk_calloc(x->n, sizeof *best, err);
    if (best == NULL)
        return LK_ENOMEM;
    size_t n = 0;
    for (size_t i = 0; i < x->n; i++)
        if (isfinite(lk_tops_best(&x->tops, i, 0)))
            best[n++] = lk_tops_best(&x->tops, i, 0);
    lk_status status = n > 1 ? lk_doubles_fit(best, n, &a->doubles.fit, err) : LK_OK;
    free(best);
    return status;
}

/* Whether the persons that stay are mixed as chance would mix them. */
static lk_status measure_mixing(struct lk_audit *a, const struct names *x, const bool *dropped, lk_error *err)
{
    uint32_t *number = lk_calloc(x->n, sizeof *number, err), *nearest = lk_calloc(x->n, sizeof *nearest, err);
    uint8_t *in_train = lk_calloc(x->n, 1, err);
    lk_status status = number != NULL && nearest != NULL && in_train != NULL ? LK_OK : LK_ENOMEM;
    size_t n = 0;
    for (size_t i = 0; status == LK_OK && i < x->n; i++)
        number[i] = dropped[i] ? LK_NO_PERSON : (uint32_t)n++;
    for (size_t i = 0; status == LK_OK && i < x->n; i++) {
        if (dropped[i])
            continue;
        const struct lk_top *list = lk_tops_of(&x->tops, i, 0);
        uint32_t other = LK_NO_PERSON;
        for (size_t k = 0; k < x->tops.depth && other == LK_NO_PERSON; k++)
            if (list[k].person != LK_NO_PERSON)
                other = number[list[k].person];
        nearest[number[i]] = other;
        in_train[number[i]] = a->persons[i].gallery == 0;
    }
    if (status == LK_OK && n > 1) {
        status = lk_mixing(a->ctx, nearest, in_train, n, a->in->seed, &a->mixing, err);
        a->mixing_measured = status == LK_OK;
    }
    free(number);
    free(nearest);
    free(in_train);
    return status;
}

static lk_status gather_all(const struct lk_audit *a, struct names *x, float **data, uint32_t **person,
                            lk_error *err)
{
    uint64_t dim = a->in->synthetic->dim;
    for (size_t i = 0; i < a->n_persons; i++)
        x->rows += a->persons[i].n_rows;
    size_t cells;
    LK_NEED(!lk_mul_overflows((size_t)x->rows, (size_t)dim, &cells) && x->rows <= LK_SEARCH_MAX_ROWS, err,
            LK_ENOMEM, "doubles: so many rows do not fit into memory");
    *data = lk_alloc_aligned(cells, sizeof **data, err);
    *person = lk_calloc((size_t)x->rows, sizeof **person, err);
    if (*data == NULL || *person == NULL)
        return LK_ENOMEM;
    uint64_t at = 0;
    for (size_t i = 0; i < a->n_persons; i++) {
        const struct lk_audit_person *p = &a->persons[i];
        for (uint32_t k = 0; k < p->n_rows; k++, at++) {
            uint32_t row = p->set->rows_of[p->set->start[p->person] + k];
            (*person)[at] = (uint32_t)i;
            memcpy(*data + at * dim, p->set->data + row * dim, dim * sizeof(float));
        }
    }
    x->data = *data;
    x->person = *person;
    return LK_OK;
}

/* Persons were chosen in the order of keys, gallery by gallery. */
static lk_status look(struct lk_audit *a, struct names *x, bool *dropped, lk_error *err)
{
    struct lk_audit_doubles *d = &a->doubles;
    x->rank = lk_calloc(x->n, sizeof *x->rank, err);
    if (x->rank == NULL)
        return LK_ENOMEM;
    for (uint32_t i = 0; i < x->n; i++)
        x->rank[i] = i;
    LK_TRY(compare_all(x, a, err));
    LK_TRY(fit_strangers(a, x, err));
    d->score =
        isnan(a->in->same_person) ? lk_doubles_score(&d->fit, (double)d->fit.n, 0.01) : a->in->same_person;
    d->looked = true;
    LK_TRY(collect_pairs(x, d->score, err));
    drop_across(a, x, dropped);
    LK_TRY(drop_late(x, same_gallery, a->persons, dropped, err));
    LK_TRY(list_real(a, x, dropped, err));
    return measure_mixing(a, x, dropped, err);
}

lk_status lk_audit_find_doubles(struct lk_audit *a, bool *dropped, lk_error *err)
{
    if (!lk_audit_has_holdout(a))
        return LK_OK;
    struct names x = {.n = a->n_persons};
    float *data = NULL;
    uint32_t *person = NULL;
    lk_status status = gather_all(a, &x, &data, &person, err);
    if (status == LK_OK)
        status = look(a, &x, dropped, err);
    free_names(&x);
    free(data);
    free(person);
    return status;
}

/* ---- the synthetic set ------------------------------------------------------------------------------ */

static bool always(const void *arg, const struct pair *p)
{
    (void)arg, (void)p;
    return true;
}

static lk_status list_synthetic(struct lk_audit *a, const struct names *x, const bool *dropped, lk_error *err)
{
    struct lk_audit_doubles *d = &a->doubles;
    const struct lk_audit_set *s = a->in->synthetic;
    for (size_t i = 0; i < x->n_pairs; i++) {
        const struct pair *p = &x->pairs[i];
        LK_TRY(lk_grow(&d->pairs, &d->capacity, d->n + 1, sizeof *d->pairs, err));
        d->pairs[d->n++] = (struct lk_audit_double){
            LK_IN_SYNTHETIC, {s, s}, {p->early, p->late}, {dropped[p->early], dropped[p->late]}, p->score};
    }
    d->found[LK_IN_SYNTHETIC] = x->n_pairs;
    for (size_t i = 0; i < x->n; i++)
        d->dropped_synthetic += dropped[i];
    return LK_OK;
}

/* What was taken out of the set is nobody's repeat, and nobody repeats it. */
static void forget_removed(const struct lk_audit *a, struct names *x)
{
    size_t n = 0;
    for (size_t i = 0; i < x->n_pairs; i++)
        if (!lk_audit_removed(a, x->pairs[i].early) && !lk_audit_removed(a, x->pairs[i].late))
            x->pairs[n++] = x->pairs[i];
    x->n_pairs = n;
}

/* The scale is that of real strangers: nothing is known about how alike two synthetic identities may be. */
static lk_status find_repeats(struct lk_audit *a, bool *dropped, lk_error *err)
{
    const struct lk_audit_set *s = a->in->synthetic;
    struct lk_audit_doubles *d = &a->doubles;
    if (!isnan(a->in->same_person))
        d->synthetic_score = a->in->same_person;
    else if (d->looked)
        d->synthetic_score = lk_doubles_score(&d->fit, s->n_persons, 0.01);
    else
        return LK_OK;
    d->looked_synthetic = true;
    if (d->synthetic_score > 1)
        return LK_OK;
    struct names x = {.n = s->n_persons, .data = s->data, .person = s->person, .rows = s->rows};
    x.rank = lk_calloc(x.n, sizeof *x.rank, err);
    lk_status status = x.rank != NULL ? LK_OK : LK_ENOMEM;
    for (uint32_t i = 0; status == LK_OK && i < x.n; i++)
        x.rank[s->by_key[i]] = i;
    if (status == LK_OK)
        status = compare_all(&x, a, err);
    if (status == LK_OK)
        status = collect_pairs(&x, d->synthetic_score, err);
    if (status == LK_OK)
        forget_removed(a, &x);
    if (status == LK_OK)
        status = drop_late(&x, always, NULL, dropped, err);
    if (status == LK_OK)
        status = list_synthetic(a, &x, dropped, err);
    free_names(&x);
    return status;
}

static lk_status make_units(struct lk_audit *a, const bool *dropped, lk_error *err)
{
    const struct lk_audit_set *s = a->in->synthetic;
    uint32_t *unit_of = lk_calloc(s->n_persons, sizeof *unit_of, err);
    a->units = lk_calloc(s->n_persons, sizeof *a->units, err);
    a->probe_row = lk_calloc((size_t)s->rows, sizeof *a->probe_row, err);
    a->probe_unit = lk_calloc((size_t)s->rows, sizeof *a->probe_unit, err);
    a->probes_owned = lk_alloc_aligned((size_t)(s->rows * s->dim), sizeof *a->probes_owned, err);
    lk_status status = unit_of != NULL && a->units != NULL && a->probe_row != NULL && a->probe_unit != NULL &&
                               a->probes_owned != NULL
                           ? LK_OK
                           : LK_ENOMEM;
    for (uint32_t p = 0; status == LK_OK && p < s->n_persons; p++) {
        if (dropped[p] || lk_audit_removed(a, p))
            continue;
        unit_of[p] = (uint32_t)a->n_units;
        a->units[a->n_units++] =
            (struct lk_audit_unit){.identity = p, .n_images = s->start[p + 1] - s->start[p]};
    }
    for (uint32_t i = 0; status == LK_OK && i < s->rows; i++) {
        if (dropped[s->person[i]] || lk_audit_removed(a, s->person[i]))
            continue;
        memcpy(a->probes_owned + a->probes.rows * s->dim, s->data + i * s->dim, s->dim * sizeof(float));
        a->probe_row[a->probes.rows] = i;
        a->probe_unit[a->probes.rows++] = unit_of[s->person[i]];
    }
    a->probes.data = a->probes_owned;
    free(unit_of);
    if (status == LK_OK && a->n_units == 0)
        status = lk_fail(err, LK_EINVAL, "synthetic: no identity is left to compare");
    return status;
}

lk_status lk_audit_make_units(struct lk_audit *a, lk_error *err)
{
    bool *dropped = lk_calloc(a->in->synthetic->n_persons, sizeof *dropped, err);
    if (dropped == NULL)
        return LK_ENOMEM;
    lk_status status = find_repeats(a, dropped, err);
    if (status == LK_OK)
        status = make_units(a, dropped, err);
    if (status == LK_OK && a->doubles.n > 1)
        qsort(a->doubles.pairs, a->doubles.n, sizeof *a->doubles.pairs, by_falling_score);
    free(dropped);
    return status;
}
