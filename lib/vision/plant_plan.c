/* SPDX-License-Identifier: Apache-2.0 */
/* plant_plan.c - decides what a planted set holds: who leaks, how, under which name. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "vision/plant.h"

const char *const lk_plant_kind_names[LK_PLANT_N_KINDS] = {
    [LK_PLANT_COPY] = "copy",   [LK_PLANT_FLIP] = "flip",   [LK_PLANT_CROP] = "crop",
    [LK_PLANT_JPEG] = "jpeg",   [LK_PLANT_BLUR] = "blur",   [LK_PLANT_COLOUR] = "colour",
    [LK_PLANT_OTHER] = "other", [LK_PLANT_BLEND] = "blend",
};

enum { PLAIN_QUALITY = 92 };

/* ---- pictures by identity ---------------------------------------------------------------------- */

struct member {
    char *identity;
    size_t picture;
};

/* Members sorted by identity, then picture; group g is members[starts[g] .. starts[g + 1]). */
struct groups {
    struct member *members;
    size_t n_members;
    size_t *starts;
    size_t n;
};

char *lk_plant_identity(const struct lk_source *source, size_t row, lk_error *err)
{
    const char *identity = lk_source_identity(source, row);
    if (identity != NULL)
        return lk_strdup(identity, err);
    struct lk_str name = LK_STR_INIT;
    if (lk_source_name(source, row, &name, err) != LK_OK)
        return NULL;
    char *slash = strrchr(name.text, '/');
    if (slash != NULL)
        memmove(name.text, slash + 1, strlen(slash + 1) + 1);
    char *dot = strrchr(name.text, '.');
    if (dot != NULL && dot != name.text)
        *dot = '\0';
    return name.text;
}

static int by_identity(const void *a, const void *b)
{
    const struct member *x = a, *y = b;
    int order = strcmp(x->identity, y->identity);
    return order != 0 ? order : (x->picture > y->picture) - (x->picture < y->picture);
}

static void groups_free(struct groups *g)
{
    for (size_t i = 0; g->members != NULL && i < g->n_members; i++)
        free(g->members[i].identity);
    free(g->members);
    free(g->starts);
}

static lk_status groups_make(struct groups *g, const struct lk_source *source, lk_error *err)
{
    g->n_members = lk_source_count(source);
    g->members = lk_calloc(g->n_members, sizeof *g->members, err);
    g->starts = lk_calloc(g->n_members + 1, sizeof *g->starts, err);
    if (g->members == NULL || g->starts == NULL)
        return LK_ENOMEM;
    for (size_t i = 0; i < g->n_members; i++) {
        g->members[i] = (struct member){lk_plant_identity(source, i, err), i};
        if (g->members[i].identity == NULL)
            return LK_ENOMEM;
    }
    qsort(g->members, g->n_members, sizeof *g->members, by_identity);
    for (size_t i = 0; i < g->n_members; i++)
        if (i == 0 || strcmp(g->members[i].identity, g->members[i - 1].identity) != 0)
            g->starts[g->n++] = i;
    g->starts[g->n] = g->n_members;
    return LK_OK;
}

static size_t group_size(const struct groups *g, size_t group)
{
    return g->starts[group + 1] - g->starts[group];
}

/* ---- choosing ---------------------------------------------------------------------------------- */

/* 0 .. n-1 in random order (Fisher and Yates). */
static size_t *shuffled(size_t n, struct lk_rng *rng, lk_error *err)
{
    size_t *order = lk_calloc(n, sizeof *order, err);
    for (size_t i = 0; order != NULL && i < n; i++) {
        size_t j = lk_rng_below(rng, i + 1);
        order[i] = order[j];
        order[j] = i;
    }
    return order;
}

static lk_status parse_kinds(const char *text, enum lk_plant_kind *kinds, size_t *n, lk_error *err)
{
    *n = 0;
    for (const char *p = text;; p++) {
        size_t len = strcspn(p, ",");
        int kind = 0;
        while (kind < LK_PLANT_N_KINDS &&
               (strlen(lk_plant_kind_names[kind]) != len || memcmp(lk_plant_kind_names[kind], p, len) != 0))
            kind++;
        LK_NEED(kind < LK_PLANT_N_KINDS, err, LK_EINVAL,
                "kinds: found '%.*s', expected a comma list of copy, flip, crop, jpeg, blur, colour, other, "
                "blend",
                (int)(len < 40 ? len : 40), p);
        for (size_t i = 0; i < *n; i++)
            LK_NEED(kinds[i] != (enum lk_plant_kind)kind, err, LK_EINVAL, "kinds: '%s' is there twice",
                    lk_plant_kind_names[kind]);
        kinds[(*n)++] = (enum lk_plant_kind)kind;
        p += len;
        if (*p == '\0')
            return LK_OK;
    }
}

/* One identity of the set to make. */
struct person {
    bool planted;
    size_t group;
    enum lk_plant_kind kind;
};

struct cast {
    struct person *people;
    size_t n;
};

/* Planted identities: train in random order, each with the next kind; kind `other` takes the next one with
 * two pictures. */
static lk_status choose_planted(struct cast *cast, const struct groups *train,
                                const lk_plant_options *options, const enum lk_plant_kind *kinds,
                                size_t n_kinds, struct lk_rng *rng, lk_error *err)
{
    LK_NEED(options->n_planted <= train->n, err, LK_EINVAL,
            "%s: has %zu identities, expected at least the %llu that are to be planted", options->train,
            train->n, (unsigned long long)options->n_planted);
    size_t *order = shuffled(train->n, rng, err);
    bool *used = lk_calloc(train->n, sizeof *used, err);
    lk_status status = order != NULL && used != NULL ? LK_OK : LK_ENOMEM;
    for (uint64_t p = 0; p < options->n_planted && status == LK_OK; p++) {
        enum lk_plant_kind kind = kinds[p % n_kinds];
        size_t i = 0;
        while (i < train->n && (used[i] || (kind == LK_PLANT_OTHER && group_size(train, order[i]) < 2)))
            i++;
        if (i == train->n) {
            status = lk_fail(err, LK_EINVAL,
                             "%s: no identity with two pictures is left for kind 'other'; plant fewer "
                             "identities or leave out this kind",
                             options->train);
            break;
        }
        used[i] = true;
        cast->people[cast->n++] = (struct person){true, order[i], kind};
    }
    free(order);
    free(used);
    return status;
}

/* The innocent go through the same processing in turn, so that processing tells nothing. Another photo of a
 * person who is not in the training set is just a photo, hence 'copy'. */
static lk_status choose_others(struct cast *cast, const struct groups *others,
                               const lk_plant_options *options, uint64_t n, const enum lk_plant_kind *kinds,
                               size_t n_kinds, struct lk_rng *rng, lk_error *err)
{
    LK_NEED(n <= others->n, err, LK_EINVAL, "%s: has %zu identities, expected at least the %llu asked for",
            options->others, others->n, (unsigned long long)n);
    size_t *order = shuffled(others->n, rng, err);
    if (order == NULL)
        return LK_ENOMEM;
    for (uint64_t i = 0; i < n; i++) {
        enum lk_plant_kind kind = kinds[i % n_kinds];
        cast->people[cast->n++] =
            (struct person){false, order[i], kind == LK_PLANT_OTHER ? LK_PLANT_COPY : kind};
    }
    free(order);
    return LK_OK;
}

/* ---- parameters -------------------------------------------------------------------------------- */

/* Uniform in low .. low + steps / 1000 on a grid of thousandths: what truth.csv prints is exactly what was
 * done. */
static double draw(struct lk_rng *rng, double low, uint64_t steps)
{
    return low + (double)lk_rng_below(rng, steps + 1) / 1000;
}

static void draw_parameters(struct lk_plant_item *item, double alpha, struct lk_rng *rng)
{
    item->quality = PLAIN_QUALITY;
    switch (item->kind) {
    case LK_PLANT_CROP: {
        uint64_t lost = 50 + lk_rng_below(rng, 71); /* thousandths */
        item->keep = (double)(1000 - lost) / 1000;
        item->x = draw(rng, 0, lost);
        item->y = draw(rng, 0, lost);
        break;
    }
    case LK_PLANT_JPEG:
        item->quality = 20 + (int)lk_rng_below(rng, 31);
        break;
    case LK_PLANT_BLUR:
        item->sigma = draw(rng, 1, 1000);
        break;
    case LK_PLANT_COLOUR:
        for (int c = 0; c < 3; c++) {
            item->gain[c] = draw(rng, 0.85, 300);
            item->gamma[c] = draw(rng, 0.8, 400);
        }
        break;
    case LK_PLANT_BLEND:
        item->alpha = alpha;
        break;
    default:
        break;
    }
}

/* Others in random order, so that nobody is blended with twice before everybody was. */
struct partners {
    const struct groups *others;
    size_t *order, next;
};

/* A picture of somebody else in others. */
static size_t draw_partner(struct partners *partners, const struct person *person, struct lk_rng *rng)
{
    const struct groups *others = partners->others;
    size_t group = partners->order[partners->next++ % others->n];
    if (!person->planted && group == person->group)
        group = partners->order[partners->next++ % others->n];
    return others->members[others->starts[group] + lk_rng_below(rng, group_size(others, group))].picture;
}

static lk_status add_person(struct lk_plant_plan *plan, const struct person *person,
                            const struct groups *train, struct partners *partners, double alpha,
                            struct lk_rng *rng, lk_error *err)
{
    const struct groups *from = person->planted ? train : partners->others;
    const struct member *members = from->members + from->starts[person->group];
    size_t n = group_size(from, person->group);
    if (person->kind == LK_PLANT_OTHER)
        n /= 2; /* the first half leaks and leaves the training set, the rest stays there */
    plan->n_names++;
    LK_TRY(lk_grow(&plan->items, &plan->capacity, plan->n + n, sizeof *plan->items, err));
    for (size_t i = 0; i < n; i++) {
        struct lk_plant_item *item = &plan->items[plan->n++];
        *item = (struct lk_plant_item){.name = plan->n_names, .number = i + 1, .planted = person->planted,
                                       .source = members[i].picture, .kind = person->kind};
        draw_parameters(item, alpha, rng);
        if (person->kind == LK_PLANT_BLEND)
            item->partner = draw_partner(partners, person, rng);
        if (person->kind == LK_PLANT_OTHER) {
            plan->moved[item->source] = true;
            plan->n_moved++;
        }
    }
    return LK_OK;
}

static lk_status make(struct lk_plant_plan *plan, struct cast *cast, struct groups *train,
                      struct groups *others, const lk_plant_options *options, lk_error *err)
{
    enum lk_plant_kind kinds[LK_PLANT_N_KINDS];
    size_t n_kinds;
    LK_TRY(parse_kinds(options->kinds, kinds, &n_kinds, err));
    uint64_t n_others = options->n_others > 0 ? options->n_others : others->n;
    bool blends = false;
    for (size_t i = 0; i < n_kinds; i++)
        blends = blends || kinds[i] == LK_PLANT_BLEND;
    LK_NEED(!blends || others->n >= 2, err, LK_EINVAL, "%s: has one identity, expected two for kind 'blend'",
            options->others);
    cast->people = lk_calloc(train->n + others->n, sizeof *cast->people, err);
    if (cast->people == NULL)
        return LK_ENOMEM;
    struct lk_rng rng = lk_rng_seed(options->seed);
    LK_TRY(choose_planted(cast, train, options, kinds, n_kinds, &rng, err));
    plan->n_planted = cast->n;
    LK_TRY(choose_others(cast, others, options, n_others, kinds, n_kinds, &rng, err));
    size_t *order = shuffled(cast->n, &rng, err);
    struct partners partners = {.others = others, .order = blends ? shuffled(others->n, &rng, err) : NULL};
    lk_status status = order != NULL && (partners.order != NULL || !blends) ? LK_OK : LK_ENOMEM;
    for (size_t i = 0; i < cast->n && status == LK_OK; i++)
        status = add_person(plan, &cast->people[order[i]], train, &partners, options->alpha, &rng, err);
    free(order);
    free(partners.order);
    return status;
}

lk_status lk_plant_plan_make(struct lk_plant_plan *plan, const struct lk_source *train,
                             const struct lk_source *others, const lk_plant_options *options, lk_error *err)
{
    *plan = (struct lk_plant_plan){0};
    struct groups t = {0}, o = {0};
    struct cast cast = {0};
    plan->moved = lk_calloc(lk_source_count(train), sizeof *plan->moved, err);
    lk_status status = plan->moved != NULL ? groups_make(&t, train, err) : LK_ENOMEM;
    if (status == LK_OK)
        status = groups_make(&o, others, err);
    if (status == LK_OK)
        status = make(plan, &cast, &t, &o, options, err);
    free(cast.people);
    groups_free(&t);
    groups_free(&o);
    if (status != LK_OK)
        lk_plant_plan_free(plan);
    return status;
}

void lk_plant_plan_free(struct lk_plant_plan *plan)
{
    free(plan->items);
    free(plan->moved);
    *plan = (struct lk_plant_plan){0};
}
