/* SPDX-License-Identifier: Apache-2.0 */
/* measure.c - from each image's closest references to units, thresholds beside chance, discoveries and the
 * verdict. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/report.h"
#include "stats/chance.h"
#include "stats/verdict.h"

/* Bootstrap and verdict are part of the results: a fixed seed, printed in the report. */
enum { SEED = 1 };

/* ---- units ------------------------------------------------------------------------------------------ */

struct member {
    const char *identity; /* NULL = its own unit */
    size_t probe;
};

static int by_identity(const void *a, const void *b)
{
    const struct member *x = a, *y = b;
    if (x->identity != NULL && y->identity != NULL) {
        int order = strcmp(x->identity, y->identity);
        if (order != 0)
            return order;
    } else if (x->identity != y->identity) {
        return x->identity == NULL ? -1 : 1;
    }
    return (x->probe > y->probe) - (x->probe < y->probe);
}

/* Joins the images of an identity by the maximum, per gallery. */
static void add_to_unit(struct lk_report *r, struct lk_report_unit *unit, size_t probe)
{
    const struct lk_report_probe *p = &r->probes[probe];
    if (unit->n_images == 0 || p->score[LK_TRAINING] > unit->score[LK_TRAINING]) {
        unit->best = probe;
        unit->score[LK_TRAINING] = p->score[LK_TRAINING];
    }
    if (unit->n_images == 0 || p->score[LK_HOLDOUT] > unit->score[LK_HOLDOUT])
        unit->score[LK_HOLDOUT] = p->score[LK_HOLDOUT];
    unit->n_images++;
}

static lk_status make_units(struct lk_report *r, lk_error *err)
{
    struct member *members = lk_calloc(r->n_probes, sizeof *members, err);
    r->units = lk_calloc(r->n_probes, sizeof *r->units, err);
    if (members == NULL || r->units == NULL) {
        free(members);
        return LK_ENOMEM;
    }
    for (size_t i = 0; i < r->n_probes; i++)
        members[i] = (struct member){r->probes[i].identity, i};
    qsort(members, r->n_probes, sizeof *members, by_identity);
    for (size_t i = 0; i < r->n_probes; i++) {
        const char *identity = members[i].identity;
        bool same = i > 0 && identity != NULL && members[i - 1].identity != NULL &&
                    strcmp(identity, members[i - 1].identity) == 0;
        if (!same) {
            r->units[r->n_units++] = (struct lk_report_unit){
                .identity = identity, .score = {NAN, NAN, NAN}, .q = NAN, .truth = -1};
            r->by_identity = r->by_identity || identity != NULL;
        }
        r->probes[members[i].probe].unit = r->n_units - 1;
        add_to_unit(r, &r->units[r->n_units - 1], members[i].probe);
    }
    free(members);
    return LK_OK;
}

/* ---- the published attack beside chance ------------------------------------------------------------- */

static void measure_levels(struct lk_report *r)
{
    for (size_t k = 0; k < r->n_levels; k++) {
        struct lk_report_level *level = &r->levels[k];
        level->expected = lk_chance_expected(r->sets[LK_TRAINING].rows, level->fmr);
        level->chance = lk_chance_any(r->sets[LK_TRAINING].rows, level->fmr);
        for (int role = LK_TRAINING; role < LK_N_SETS; role++) {
            uint64_t n = 0;
            for (size_t i = 0; i < r->n_probes; i++)
                n += r->probes[i].score[role] >= level->score;
            level->count[role] = n;
            level->share[role] = r->sets[role].given ? (double)n / (double)r->n_probes : NAN;
        }
    }
}

/* ---- training set against hold-out ------------------------------------------------------------------ */

struct margins {
    float *t, *h;
    double *q;
};

static lk_status compare(struct lk_report *r, struct margins *m, lk_error *err)
{
    size_t n = r->n_units;
    m->t = lk_calloc(n, sizeof *m->t, err);
    m->h = lk_calloc(n, sizeof *m->h, err);
    m->q = lk_calloc(n, sizeof *m->q, err);
    if (m->t == NULL || m->h == NULL || m->q == NULL)
        return LK_ENOMEM;
    for (size_t i = 0; i < n; i++) {
        m->t[i] = (float)r->units[i].score[LK_TRAINING];
        m->h[i] = (float)r->units[i].score[LK_HOLDOUT];
    }
    LK_TRY(lk_preference(m->t, m->h, n, 0.5, SEED, &r->preference, err));
    LK_TRY(lk_compete(m->t, m->h, n, r->options->fdr, m->q, &r->competition, err));
    r->compared = true;
    for (size_t i = 0; i < n; i++) {
        r->units[i].q = m->q[i];
        r->units[i].discovered =
            (double)m->t[i] - (double)m->h[i] >= r->competition.tau; /* false when tau is NaN */
    }
    return LK_OK;
}

static int by_probe(const void *key, const void *element)
{
    uint64_t row = *(const uint64_t *)key, other = ((const struct lk_report_probe *)element)->row;
    return (row > other) - (row < other);
}

/* A pair belongs to a discovery when it is of a discovered unit and of the person who is closest to that
 * unit. */
static void mark_pairs(struct lk_report *r)
{
    for (size_t i = 0; i < r->n_pairs; i++) {
        struct lk_report_pair *pair = &r->pairs[i];
        const struct lk_report_probe *p =
            bsearch(&pair->probe, r->probes, r->n_probes, sizeof *r->probes, by_probe);
        if (p == NULL || !r->units[p->unit].discovered)
            continue;
        const struct lk_report_probe *best = &r->probes[r->units[p->unit].best];
        pair->discovered = best->person != NULL && pair->identity[1] != NULL
                               ? strcmp(best->person, pair->identity[1]) == 0
                               : best->reference == pair->reference;
    }
}

static int by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* The most discoveries that have one and the same training image as their best match. */
static lk_status largest_hub(const struct lk_report *r, uint64_t *out, lk_error *err)
{
    uint64_t *references = lk_calloc(r->n_units, sizeof *references, err);
    if (references == NULL)
        return LK_ENOMEM;
    size_t n = 0;
    for (size_t i = 0; i < r->n_units; i++)
        if (r->units[i].discovered)
            references[n++] = r->probes[r->units[i].best].reference;
    qsort(references, n, sizeof *references, by_number);
    uint64_t largest = 0;
    for (size_t i = 0, run = 0; i < n; i++) {
        run = i > 0 && references[i] == references[i - 1] ? run + 1 : 1;
        largest = run > largest ? run : largest;
    }
    free(references);
    *out = largest;
    return LK_OK;
}

/* Without labels every image is its own identity. */
static struct lk_gallery_size size_of(const struct lk_report_set *set)
{
    return (struct lk_gallery_size){set->identities > 0 ? set->identities : set->rows, set->rows};
}

static lk_status judge(struct lk_report *r, lk_error *err)
{
    struct lk_evidence evidence = {
        .n_units = r->n_units, .units_are_images = !r->by_identity, .has_holdout = r->compared};
    if (r->compared) {
        evidence.train = size_of(&r->sets[LK_TRAINING]);
        evidence.holdout = size_of(&r->sets[LK_HOLDOUT]);
        evidence.preference = r->preference;
        evidence.competition = r->competition;
        LK_TRY(largest_hub(r, &evidence.hub_discoveries, err));
    }
    r->verdict = lk_judge(&evidence, r->sentence, sizeof r->sentence);
    return LK_OK;
}

lk_status lk_report_measure(struct lk_report *r, lk_error *err)
{
    LK_TRY(make_units(r, err));
    measure_levels(r);
    if (r->sets[LK_HOLDOUT].given) {
        struct margins m = {NULL, NULL, NULL};
        lk_status status = compare(r, &m, err);
        free(m.t);
        free(m.h);
        free(m.q);
        LK_TRY(status);
    }
    mark_pairs(r);
    return judge(r, err);
}
