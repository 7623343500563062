/* SPDX-License-Identifier: Apache-2.0 */
/* simulate.c - vectors of made people: plain ones, a dense cluster of children, hubs, pictures without a
 * face.
 *
 * The vector of an image is sqrt(g) centre + sqrt(1 - g) noise, made a unit vector, with g of a person
 * between 0.35 and 0.75, so that two images of one person have a cosine of about g. */
#include "audit/simulate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "stats/resample.h"

/* Directions that many vectors share, as one unit vector each, and how much of a centre's square lies on it.
 */
enum direction { MEAN, CHILD, JUNK, SHIFT, N_DIRECTIONS };
static const double mean_part = 0.02, hub_part = 0.5, child_part = 0.25, junk_part = 0.7;
static const double genuine_low = 0.35, genuine_high = 0.75;

/* Streams of random numbers: one for each vector and choice. */
enum stream { DIRECTIONS = 100, CENTRES, IMAGES, COUNTS, GENUINE, PLANTED };

struct maker {
    const lk_simulate_options *o;
    double *directions;     /* N_DIRECTIONS x dim */
    double *centre, *noise; /* dim */
};

/* Nearly normal: twelve 16-bit numbers added up. Exact, unlike a logarithm. */
static double nearly_normal(struct lk_rng *rng)
{
    int64_t sum = 0;
    for (int i = 0; i < 3; i++) {
        uint64_t bits = lk_rng_next(rng);
        for (int k = 0; k < 4; k++)
            sum += (int64_t)(bits >> (16 * k) & 0xffff);
    }
    return ((double)sum - 12 * 32767.5) / 65536;
}

static void normalise(double *x, uint64_t dim)
{
    double sum = 0;
    for (uint64_t i = 0; i < dim; i++)
        sum += x[i] * x[i];
    double length = sqrt(sum);
    for (uint64_t i = 0; i < dim; i++)
        x[i] /= length;
}

static void random_unit(double *x, uint64_t dim, struct lk_rng *rng)
{
    for (uint64_t i = 0; i < dim; i++)
        x[i] = nearly_normal(rng);
    normalise(x, dim);
}

/* x becomes sqrt(part) direction + sqrt(1 - part) x, of length 1. */
static void lean(double *x, const double *direction, double part, uint64_t dim)
{
    for (uint64_t i = 0; i < dim; i++)
        x[i] = sqrt(part) * direction[i] + sqrt(1 - part) * x[i];
    normalise(x, dim);
}

/* ---- persons ---------------------------------------------------------------------------------------- */

enum kind { PLAIN, CHILD_FACE, JUNK_PICTURE, HUB };

/* The first persons of every set are children, then come pictures without a face, then hubs. */
static enum kind kind_of(const struct maker *m, enum lk_sim_role role, uint64_t person, uint64_t n_persons)
{
    bool gallery = role == LK_SIM_TRAIN || role == LK_SIM_HOLDOUT;
    double n = (double)n_persons;
    uint64_t children = (uint64_t)(m->o->children * n + 0.5);
    uint64_t junk = gallery ? (uint64_t)(m->o->hubs * n + 0.5) : (uint64_t)(m->o->junk * n + 0.5);
    uint64_t hubs = gallery ? (uint64_t)(m->o->hubs * n + 0.5) : 0;
    if (person < children)
        return CHILD_FACE;
    if (person < children + junk)
        return JUNK_PICTURE;
    return person < children + junk + hubs ? HUB : PLAIN;
}

/* Random numbers of a person: those of the hold-out who are in the training set, too, have the same. */
static struct lk_rng person_rng(const struct maker *m, enum lk_sim_role role, uint64_t person,
                                enum stream stream)
{
    uint64_t n = m->o->persons;
    bool same = role == LK_SIM_HOLDOUT && person >= n - m->o->doubles && person < n;
    return lk_rng_stream(m->o->seed, stream * 16 + (uint64_t)(same ? LK_SIM_TRAIN : role), person);
}

static void make_centre(struct maker *m, enum lk_sim_role role, uint64_t person, enum kind kind)
{
    uint64_t dim = m->o->dim;
    struct lk_rng rng = person_rng(m, role, person, CENTRES);
    random_unit(m->centre, dim, &rng);
    if (kind == CHILD_FACE)
        lean(m->centre, m->directions + CHILD * dim, child_part, dim);
    else
        lean(m->centre, m->directions + MEAN * dim, kind == HUB ? hub_part : mean_part, dim);
    if (role == LK_SIM_HOLDOUT && m->o->shift > 0)
        lean(m->centre, m->directions + SHIFT * dim, m->o->shift, dim);
}

static double genuine(const struct maker *m, enum lk_sim_role role, uint64_t person)
{
    struct lk_rng rng = person_rng(m, role, person, GENUINE);
    return genuine_low + (genuine_high - genuine_low) * lk_rng_unit(&rng);
}

/* One image of the centre at hand. `image` numbers all images of the set, so that no two are alike. */
static void make_image(struct maker *m, enum lk_sim_role role, uint64_t image, enum kind kind, double g,
                       float *out)
{
    uint64_t dim = m->o->dim;
    struct lk_rng rng = lk_rng_stream(m->o->seed, IMAGES * 16 + (uint64_t)role, image);
    random_unit(m->noise, dim, &rng);
    if (kind == JUNK_PICTURE)
        lean(m->noise, m->directions + JUNK * dim, junk_part, dim);
    else
        lean(m->noise, m->centre, g, dim);
    for (uint64_t i = 0; i < dim; i++)
        out[i] = (float)m->noise[i];
}

/* ---- sets ------------------------------------------------------------------------------------------- */

static uint64_t images_of(const struct maker *m, enum lk_sim_role role, uint64_t person)
{
    if (role == LK_SIM_SYNTHETIC || role == LK_SIM_CONTROL)
        return m->o->images;
    struct lk_rng rng = lk_rng_stream(m->o->seed, COUNTS * 16 + (uint64_t)role, person);
    return 1 + lk_rng_below(&rng, 2 * m->o->images - 1); /* m->o->images on average */
}

static lk_status make_set(struct maker *m, enum lk_sim_role role, uint64_t n_persons, struct lk_sim *sim,
                          lk_error *err)
{
    struct lk_sim_set *s = &sim->sets[role];
    uint64_t dim = m->o->dim;
    for (uint64_t p = 0; p < n_persons; p++)
        s->rows += images_of(m, role, p);
    s->n_persons = (uint32_t)n_persons;
    s->data = lk_calloc((size_t)s->rows, (size_t)dim * sizeof *s->data, err);
    s->person = lk_calloc((size_t)s->rows, sizeof *s->person, err);
    if (s->data == NULL || s->person == NULL)
        return LK_ENOMEM;
    uint64_t row = 0;
    for (uint64_t p = 0; p < n_persons; p++) {
        enum lk_sim_role of = role;
        uint64_t who = p;
        if (role == LK_SIM_SYNTHETIC && sim->planted[p] != UINT32_MAX) {
            of = LK_SIM_TRAIN;
            who = sim->planted[p];
        }
        enum kind kind = kind_of(m, of, who, of == LK_SIM_TRAIN ? m->o->persons : n_persons);
        double g = genuine(m, of, who);
        make_centre(m, of, who, kind);
        for (uint64_t i = images_of(m, role, p); i-- > 0; row++) {
            make_image(m, role, row, kind, g, s->data + row * dim);
            s->person[row] = (uint32_t)p;
        }
    }
    return LK_OK;
}

/* Different persons of T, none of them a picture without a face or a hub, for the last synthetic identities.
 */
static lk_status choose_planted(const struct maker *m, struct lk_sim *sim, lk_error *err)
{
    uint64_t units = m->o->units, n = (uint64_t)(m->o->share * (double)units + 0.5), left = 0;
    uint32_t *pool = lk_calloc((size_t)m->o->persons, sizeof *pool, err);
    sim->planted = lk_calloc((size_t)units, sizeof *sim->planted, err);
    if (pool == NULL || sim->planted == NULL) {
        free(pool);
        return LK_ENOMEM;
    }
    memset(sim->planted, 0xff, (size_t)units * sizeof *sim->planted);
    for (uint64_t p = 0; p < m->o->persons - m->o->doubles; p++) {
        enum kind kind = kind_of(m, LK_SIM_TRAIN, p, m->o->persons);
        if (kind == PLAIN || kind == CHILD_FACE)
            pool[left++] = (uint32_t)p;
    }
    lk_status status = LK_OK;
    if (n > left)
        status = lk_fail(err, LK_EINVAL,
                         "simulate: %llu leaks of different persons, but the training set has %llu",
                         (unsigned long long)n, (unsigned long long)left);
    struct lk_rng rng = lk_rng_stream(m->o->seed, PLANTED, 0);
    for (uint64_t i = 0; status == LK_OK && i < n; i++, left--) {
        uint64_t at = lk_rng_below(&rng, left);
        sim->planted[units - 1 - i] = pool[at];
        pool[at] = pool[left - 1];
    }
    free(pool);
    return status;
}

static lk_status check(const lk_simulate_options *o, lk_error *err)
{
    LK_NEED(o->dim >= 8 && o->dim <= 65536, err, LK_EINVAL,
            "simulate: vectors of %llu numbers, expected 8 to 65536", (unsigned long long)o->dim);
    LK_NEED(o->units > 0 && o->persons > 0 && o->images > 0 && o->holdouts > 0, err, LK_EINVAL,
            "simulate: identities, persons, images and hold-outs must be at least 1");
    LK_NEED(o->units < 10000000 && o->persons < 10000000 && o->images <= 1000 && o->holdouts <= 100, err,
            LK_EINVAL, "simulate: so many vectors are more than this is for");
    const double parts[] = {o->share, o->children, o->junk, o->hubs, o->shift};
    for (int i = 0; i < 5; i++)
        LK_NEED(parts[i] >= 0 && parts[i] <= 1, err, LK_EINVAL, "simulate: a share is %g, expected 0 to 1",
                parts[i]);
    LK_NEED(o->children + 2 * o->hubs <= 1 && o->children + o->junk <= 1, err, LK_EINVAL,
            "simulate: children, pictures without a face and hubs are more than all");
    LK_NEED(o->doubles <= o->persons, err, LK_EINVAL, "simulate: more doubles than persons");
    return LK_OK;
}

lk_status lk_sim_make(struct lk_sim *out, const lk_simulate_options *options, lk_error *err)
{
    LK_TRY(check(options, err));
    struct lk_sim sim = {.dim = options->dim};
    size_t dim = (size_t)options->dim;
    struct maker m = {options, lk_calloc(N_DIRECTIONS * dim, sizeof(double), err),
                      lk_calloc(dim, sizeof(double), err), lk_calloc(dim, sizeof(double), err)};
    lk_status status = m.directions != NULL && m.centre != NULL && m.noise != NULL ? LK_OK : LK_ENOMEM;
    for (uint64_t d = 0; status == LK_OK && d < N_DIRECTIONS; d++) {
        struct lk_rng rng = lk_rng_stream(options->seed, DIRECTIONS, d);
        random_unit(m.directions + d * dim, dim, &rng);
    }
    if (status == LK_OK)
        status = choose_planted(&m, &sim, err);
    const uint64_t sizes[LK_N_SIM_ROLES] = {options->units, options->persons,
                                            options->persons * options->holdouts, options->controls};
    for (int role = 0; status == LK_OK && role < LK_N_SIM_ROLES; role++)
        if (sizes[role] > 0)
            status = make_set(&m, (enum lk_sim_role)role, sizes[role], &sim, err);
    free(m.directions);
    free(m.centre);
    free(m.noise);
    if (status == LK_OK)
        *out = sim;
    else
        lk_sim_free(&sim);
    return status;
}

void lk_sim_free(struct lk_sim *sim)
{
    for (int role = 0; role < LK_N_SIM_ROLES; role++) {
        free(sim->sets[role].data);
        free(sim->sets[role].person);
    }
    free(sim->planted);
    *sim = (struct lk_sim){0};
}
