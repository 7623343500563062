/* SPDX-License-Identifier: Apache-2.0 */
/* measure_list.c - the job behind lk_measure_list: hold-out deficit and structure of somebody else's list. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "base/fs.h"
#include "formats/best_matches.h"
#include "formats/csv.h"
#include "formats/json.h"
#include "stats/deficit.h"
#include "stats/structure.h"

enum { ALL, TRAIN, HOLDOUT, N_PARTS };

/* The list with its names as numbers. */
struct numbered {
    struct lk_list_pair *pairs;    /* highest score first */
    enum lk_list_gallery *gallery; /* of each pair */
    size_t n;
    size_t n_persons;
    const char **person; /* name of each reference identity, borrowed from the list */
};

void lk_list_options_init(lk_list_options *options)
{
    *options = (lk_list_options){.holdout_share = 0.5};
}

/* ---- names to numbers --------------------------------------------------------------------------------- */

struct name {
    const char *text;
    int kind; /* names of different kinds are different things */
    size_t row;
};

static int by_name(const void *a, const void *b)
{
    const struct name *x = a, *y = b;
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    return strcmp(x->text, y->text);
}

/* Puts the number of the name of each row into the uint32_t at out + row * sizeof(struct lk_list_pair). */
static size_t number(struct name *names, size_t n, uint32_t *out, const char **text)
{
    size_t count = 0;
    qsort(names, n, sizeof *names, by_name);
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || by_name(&names[i - 1], &names[i]) != 0) {
            if (text != NULL)
                text[count] = names[i].text;
            count++;
        }
        memcpy((char *)out + names[i].row * sizeof(struct lk_list_pair), &(uint32_t){(uint32_t)(count - 1)},
               sizeof *out);
    }
    return count;
}

static int by_score(const void *a, const void *b)
{
    const struct lk_best_match *x = *(const struct lk_best_match *const *)a;
    const struct lk_best_match *y = *(const struct lk_best_match *const *)b;
    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return (x > y) - (x < y); /* the order of the file */
}

static void number_all(struct numbered *l, const struct lk_best_match *const *rows, struct name *names)
{
    for (size_t i = 0; i < l->n; i++)
        names[i] = (struct name){rows[i]->probe, 0, i};
    number(names, l->n, &l->pairs[0].probe, NULL);
    for (size_t i = 0; i < l->n; i++) /* a picture without a label is an identity of its own */
        names[i] = rows[i]->probe_identity != NULL ? (struct name){rows[i]->probe_identity, 0, i}
                                                   : (struct name){rows[i]->probe, 1, i};
    number(names, l->n, &l->pairs[0].probe_identity, NULL);
    for (size_t i = 0; i < l->n; i++) /* the galleries share no person, whatever the names */
        names[i] = (struct name){rows[i]->reference, (int)rows[i]->gallery, i};
    number(names, l->n, &l->pairs[0].reference, NULL);
    for (size_t i = 0; i < l->n; i++)
        names[i] = rows[i]->reference_identity != NULL
                       ? (struct name){rows[i]->reference_identity, 2 * (int)rows[i]->gallery, i}
                       : (struct name){rows[i]->reference, 2 * (int)rows[i]->gallery + 1, i};
    l->n_persons = number(names, l->n, &l->pairs[0].reference_identity, l->person);
}

static void numbered_free(struct numbered *l)
{
    free(l->pairs);
    free(l->gallery);
    free(l->person);
}

/* The `top` highest rows of the list (0 = all), numbered. */
static lk_status numbered_make(struct numbered *out, const struct lk_best_matches *list, uint64_t top,
                               lk_error *err)
{
    struct numbered l = {.n = top > 0 && top < list->n ? (size_t)top : list->n};
    lk_status status = LK_ENOMEM;
    const struct lk_best_match **rows = lk_calloc(list->n, sizeof *rows, err);
    struct name *names = lk_calloc(l.n, sizeof *names, err);
    l.pairs = lk_calloc(l.n, sizeof *l.pairs, err);
    l.gallery = lk_calloc(l.n, sizeof *l.gallery, err);
    l.person = lk_calloc(l.n, sizeof *l.person, err);
    if (rows == NULL || names == NULL || l.pairs == NULL || l.gallery == NULL || l.person == NULL)
        goto done;
    for (size_t i = 0; i < list->n; i++)
        rows[i] = &list->items[i];
    qsort(rows, list->n, sizeof *rows, by_score);
    for (size_t i = 0; i < l.n; i++) {
        l.pairs[i].score = (float)rows[i]->score;
        l.gallery[i] = rows[i]->gallery;
    }
    number_all(&l, rows, names);
    status = LK_OK;
done:
    free(rows);
    free(names);
    if (status == LK_OK)
        *out = l;
    else
        numbered_free(&l);
    return status;
}

/* ---- measuring ----------------------------------------------------------------------------------------- */

static lk_list_degrees public_degrees(const struct lk_degrees *d)
{
    return (lk_list_degrees){.n = d->n,
                             .links = d->links,
                             .effective = d->effective,
                             .largest = d->largest,
                             .largest_share = d->largest_share,
                             .hubs = d->hubs,
                             .hub_share = d->hub_share};
}

static lk_status measure_part(const struct numbered *l, int part, lk_list_structure *out, lk_error *err)
{
    struct lk_list_pair *pairs = lk_calloc(l->n, sizeof *pairs, err);
    if (pairs == NULL)
        return LK_ENOMEM;
    size_t n = 0;
    for (size_t i = 0; i < l->n; i++)
        if (part == ALL || l->gallery[i] == (part == TRAIN ? LK_LIST_TRAIN : LK_LIST_HOLDOUT))
            pairs[n++] = l->pairs[i];
    struct lk_structure s;
    lk_status status = lk_structure(pairs, n, &s, err);
    if (status == LK_OK)
        *out = (lk_list_structure){.n_pairs = s.n_pairs,
                                   .n_probes = s.n_probes,
                                   .n_probe_identities = s.n_probe_identities,
                                   .n_links = s.n_identity_pairs,
                                   .images = public_degrees(&s.images),
                                   .persons = public_degrees(&s.identities),
                                   .n_classes = s.n_classes,
                                   .modal_share = s.modal_share,
                                   .pair_agreement = s.pair_agreement,
                                   .pair_chance = s.pair_chance,
                                   .n_reciprocal = s.n_reciprocal,
                                   .hub_artefact = s.hub_artefact};
    free(pairs);
    return status;
}

static lk_status measure_deficit(uint64_t n, uint64_t in_holdout, double lambda, lk_list_deficit *out,
                                 lk_error *err)
{
    struct lk_deficit d;
    LK_TRY(lk_deficit(n, in_holdout, lambda, 0.95, &d, err));
    *out = (lk_list_deficit){.n = n,
                             .in_holdout = in_holdout,
                             .share = d.h,
                             .share_low = d.h_interval.low,
                             .share_high = d.h_interval.high,
                             .pi = d.pi,
                             .pi_low = d.pi_low,
                             .pi_high = d.pi_high,
                             .p_value = d.p_value};
    return LK_OK;
}

/* Of the pairs, and of synthetic identities by their highest pair: the first, as the list is sorted. */
static lk_status measure_deficits(const struct numbered *l, double lambda, lk_list_summary *r, lk_error *err)
{
    uint64_t in_holdout = 0, identities = 0, identities_in_holdout = 0;
    uint8_t *seen = lk_calloc(l->n, 1, err); /* numbers of identities are below n */
    if (seen == NULL)
        return LK_ENOMEM;
    for (size_t i = 0; i < l->n; i++) {
        uint64_t here = l->gallery[i] == LK_LIST_HOLDOUT;
        in_holdout += here;
        if (!seen[l->pairs[i].probe_identity]) {
            seen[l->pairs[i].probe_identity] = 1;
            identities++;
            identities_in_holdout += here;
        }
    }
    free(seen);
    LK_TRY(measure_deficit(l->n, in_holdout, lambda, &r->pairs, err));
    return measure_deficit(identities, identities_in_holdout, lambda, &r->identities, err);
}

static lk_status measure(const struct numbered *l, const lk_list_options *options, lk_list_summary *out,
                         lk_error *err)
{
    lk_list_summary r = {.score_low = l->pairs[l->n - 1].score,
                         .score_median = l->pairs[l->n / 2].score,
                         .score_high = l->pairs[0].score,
                         .holdout_share = options->holdout_share};
    uint64_t told = 0;
    for (size_t i = 0; i < l->n; i++)
        told += l->gallery[i] != LK_LIST_NOT_SAID;
    r.n_untold = l->n - told;
    r.has_holdout = told == l->n;
    LK_TRY(measure_part(l, ALL, &r.all, err));
    if (r.has_holdout) {
        LK_TRY(measure_part(l, TRAIN, &r.train, err));
        LK_TRY(measure_part(l, HOLDOUT, &r.holdout, err));
        LK_TRY(measure_deficits(l, options->holdout_share, &r, err));
    }
    *out = r;
    return LK_OK;
}

/* ---- writing ------------------------------------------------------------------------------------------- */

static json_t *real_or_null(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *degrees_json(const lk_list_degrees *d)
{
    return json_pack("{s:I,s:I,s:o,s:I,s:o,s:I,s:o}", "listed", (json_int_t)d->n, "links",
                     (json_int_t)d->links, "effective", real_or_null(d->effective), "largest",
                     (json_int_t)d->largest, "largest_share", real_or_null(d->largest_share), "hubs",
                     (json_int_t)d->hubs, "hub_share", real_or_null(d->hub_share));
}

static json_t *structure_json(const lk_list_structure *s)
{
    return json_pack("{s:I,s:I,s:I,s:I,s:o,s:o,s:I,s:o,s:o,s:o,s:I,s:b}", "pairs", (json_int_t)s->n_pairs,
                     "probes", (json_int_t)s->n_probes, "synthetic_identities",
                     (json_int_t)s->n_probe_identities, "links", (json_int_t)s->n_links, "images",
                     degrees_json(&s->images), "persons", degrees_json(&s->persons), "classes",
                     (json_int_t)s->n_classes, "modal_share", real_or_null(s->modal_share), "pair_agreement",
                     real_or_null(s->pair_agreement), "pair_chance", real_or_null(s->pair_chance),
                     "reciprocal", (json_int_t)s->n_reciprocal, "hub_artefact", s->hub_artefact);
}

static json_t *deficit_json(const lk_list_deficit *d)
{
    return json_pack("{s:I,s:I,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "n", (json_int_t)d->n, "in_holdout",
                     (json_int_t)d->in_holdout, "share", real_or_null(d->share), "share_low",
                     real_or_null(d->share_low), "share_high", real_or_null(d->share_high), "pi",
                     real_or_null(d->pi), "pi_low", real_or_null(d->pi_low), "pi_high",
                     real_or_null(d->pi_high), "p_value", real_or_null(d->p_value));
}

static lk_status write_json(const char *dir, const lk_list_options *options, const lk_list_summary *r,
                            lk_error *err)
{
    json_t *value = json_pack(
        "{s:s,s:i,s:s,s:o,s:o,s:I,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "kind", "list", "format", 1, "tool",
        lk_version(), "command", options->command != NULL ? lk_json_text(options->command) : json_null(),
        "list", lk_json_text(options->list), "top", (json_int_t)options->top, "scores",
        json_pack("{s:f,s:f,s:f}", "low", r->score_low, "median", r->score_median, "high", r->score_high),
        "all", structure_json(&r->all), "train", r->has_holdout ? structure_json(&r->train) : json_null(),
        "holdout", r->has_holdout ? structure_json(&r->holdout) : json_null(), "holdout_share",
        r->has_holdout ? json_real(r->holdout_share) : json_null(), "deficit_pairs",
        r->has_holdout ? deficit_json(&r->pairs) : json_null(), "deficit_identities",
        r->has_holdout ? deficit_json(&r->identities) : json_null());
    LK_NEED(value != NULL, err, LK_ENOMEM, "out of memory while writing list.json");
    char *path = lk_path_join(dir, "list.json", err);
    lk_status status = path != NULL ? lk_json_write(path, value, err) : LK_ENOMEM;
    free(path);
    json_decref(value);
    return status;
}

struct person {
    uint64_t degree;
    uint32_t number;
};

static int by_degree(const void *a, const void *b)
{
    const struct person *x = a, *y = b;
    if (x->degree != y->degree)
        return x->degree > y->degree ? -1 : 1;
    return (x->number > y->number) - (x->number < y->number);
}

/* list_persons.csv: every listed person, most linked first. */
static lk_status write_persons(const char *dir, const struct numbered *l, lk_error *err)
{
    static const char *const galleries[] = {"train", "holdout"};
    lk_status status = LK_ENOMEM;
    struct lk_out out = {.stream = NULL};
    uint64_t *degree = lk_calloc(l->n_persons, sizeof *degree, err);
    struct person *persons = lk_calloc(l->n_persons, sizeof *persons, err);
    float *best = lk_calloc(l->n_persons, sizeof *best, err);
    enum lk_list_gallery *gallery = lk_calloc(l->n_persons, sizeof *gallery, err);
    char *path = lk_path_join(dir, "list_persons.csv", err);
    if (degree == NULL || persons == NULL || best == NULL || gallery == NULL || path == NULL)
        goto done;
    if ((status = lk_in_degrees(l->pairs, l->n, l->n_persons, degree, err)) != LK_OK ||
        (status = lk_out_open(&out, path, err)) != LK_OK)
        goto done;
    for (size_t i = l->n; i-- > 0;) { /* the highest comes last */
        best[l->pairs[i].reference_identity] = l->pairs[i].score;
        gallery[l->pairs[i].reference_identity] = l->gallery[i];
    }
    for (size_t i = 0; i < l->n_persons; i++)
        persons[i] = (struct person){degree[i], (uint32_t)i};
    qsort(persons, l->n_persons, sizeof *persons, by_degree);
    fprintf(out.stream, "person,gallery,in_degree,best_score\n");
    for (size_t i = 0; i < l->n_persons; i++) {
        uint32_t p = persons[i].number;
        lk_csv_put(out.stream, l->person[p]);
        fprintf(out.stream, ",%s,%llu,%.9g\n", gallery[p] >= 0 ? galleries[gallery[p]] : "",
                (unsigned long long)degree[p], (double)best[p]);
    }
    status = lk_out_commit(&out, err);
done:
    lk_out_abandon(&out);
    free(degree);
    free(persons);
    free(best);
    free(gallery);
    free(path);
    return status;
}

lk_status lk_measure_list(lk_ctx *ctx, const lk_list_options *options, lk_list_summary *out, lk_error *err)
{
    LK_NEED(options->list != NULL, err, LK_EINVAL, "measure: no list was given");
    LK_NEED(options->holdout_share > 0 && options->holdout_share < 1, err, LK_EINVAL,
            "measure: the hold-out has the share %g of all persons, expected between 0 and 1",
            options->holdout_share);
    struct lk_best_matches list;
    LK_TRY(lk_best_matches_read(options->list, &list, err));
    struct numbered l = {.pairs = NULL};
    lk_list_summary r;
    lk_status status = LK_OK;
    if (list.n == 0 || list.n > UINT32_MAX)
        status =
            lk_fail(err, LK_EFORMAT, "%s: %zu pairs, expected from 1 to 2^32 - 1", options->list, list.n);
    if (status == LK_OK)
        status = numbered_make(&l, &list, options->top, err);
    if (status == LK_OK)
        status = measure(&l, options, &r, err);
    if (status == LK_OK)
        status = lk_ctx_check(ctx, err);
    if (status == LK_OK && options->output != NULL && (status = lk_mkdirs(options->output, err)) == LK_OK &&
        (status = write_persons(options->output, &l, err)) == LK_OK)
        status = write_json(options->output, options, &r, err);
    numbered_free(&l);
    lk_best_matches_free(&list);
    if (status == LK_OK)
        *out = r;
    return status;
}
