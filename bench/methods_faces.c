/* SPDX-License-Identifier: Apache-2.0 */
/* methods_faces.c - the measures on real faces with planted leaks: methods_faces FACES [SEEDS [THREADS
 * [CASES]]]
 *
 * FACES is a labelled set that `likeness embed` made. Persons under two names are found and left out by the
 * program itself. For each seed the persons are split into training set, hold-outs and the innocent rest, one
 * image each; the leaks are another photo of persons of the training set. Prints the table of
 * bench/RESULTS.md. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/audit.h"
#include "base/pool.h"
#include "stats/resample.h"

struct bench_case {
    double share;
    unsigned holdouts;
};

struct runs {
    const struct lk_audit_set *faces;
    const uint32_t *clean; /* persons without a double */
    size_t n_clean;
    struct bench_case c;
    size_t each; /* persons of a part */
    struct outcome {
        double found, power, fdp, pi, persons, persons_fdp, unbalanced;
    } * outcomes;
};

static _Noreturn void die(const char *why)
{
    fprintf(stderr, "methods_faces: %s\n", why);
    exit(1);
}

static void *need(void *memory)
{
    if (memory == NULL)
        die("out of memory");
    return memory;
}

/* ---- parts ------------------------------------------------------------------------------------------ */

struct part {
    float *data;
    uint32_t *person; /* of the whole set */
    size_t n;
    struct lk_audit_set set;
};

static uint32_t n_images(const struct lk_audit_set *s, uint32_t person)
{
    return s->start[person + 1] - s->start[person];
}

static struct part new_part(size_t n, uint64_t dim)
{
    return (struct part){need(calloc(n * dim, sizeof(float))), need(calloc(n, sizeof(uint32_t))), 0, {0}};
}

static void add(struct part *p, const struct lk_audit_set *s, uint32_t person, uint32_t image)
{
    uint32_t row = s->rows_of[s->start[person] + image];
    memcpy(p->data + p->n * s->dim, s->data + row * s->dim, s->dim * sizeof(float));
    p->person[p->n++] = person;
}

static void close_part(struct part *p)
{
    lk_audit_set_close(&p->set);
    free(p->data);
    free(p->person);
}

static void open_part(struct part *p, const char *role, uint64_t dim, uint64_t seed)
{
    lk_error err;
    if (lk_audit_set_make(&p->set, role, p->data, p->n, dim, NULL, 0, seed, &err) != LK_OK)
        die(err.text);
}

/* ---- one run ---------------------------------------------------------------------------------------- */

static void judge(const struct lk_audit *a, const struct part *synthetic, size_t planted, struct outcome *r)
{
    double hits = 0, wrong = 0, persons_wrong = 0;
    for (size_t u = 0; u < a->n_units; u++) {
        hits += a->units[u].found && a->units[u].identity < planted;
        wrong += a->units[u].found && a->units[u].identity >= planted;
    }
    for (uint64_t i = 0; i < a->n_each; i++) {
        bool leaked = false;
        for (size_t u = 0; u < planted;
             u++) /* units and persons carry different numbers: compare rows' persons */
            leaked = leaked || synthetic->person[u] == a->persons[i].person + UINT32_C(0x80000000);
        persons_wrong += a->persons[i].q <= a->in->q && !leaked;
    }
    *r = (struct outcome){.found = hits + wrong,
                          .power = planted > 0 ? hits / (double)planted : 0,
                          .fdp = hits + wrong > 0 ? wrong / (hits + wrong) : 0,
                          .pi = a->pull.pi,
                          .persons = (double)a->reach.found,
                          .persons_fdp = a->reach.found > 0 ? persons_wrong / (double)a->reach.found : 0,
                          .unbalanced = a->unbalanced[0] != '\0'};
}

static void shuffle(uint32_t *x, size_t n, struct lk_rng *rng)
{
    for (size_t i = n; i > 1; i--) {
        size_t k = (size_t)lk_rng_below(rng, i);
        uint32_t swap = x[i - 1];
        x[i - 1] = x[k];
        x[k] = swap;
    }
}

/* Training set first, then hold-outs, then the innocent. Of persons with several images the training set
 * holds one and the leak is another. */
static void deal(const struct runs *r, struct lk_rng *rng, struct part *train, struct part *holdout,
                 struct part *synthetic, size_t *planted)
{
    const struct lk_audit_set *s = r->faces;
    uint32_t *order = need(calloc(r->n_clean, sizeof *order));
    size_t n = r->each, want = (size_t)(r->c.share * (double)n + 0.5);
    memcpy(order, r->clean, r->n_clean * sizeof *order);
    shuffle(order, r->n_clean, rng);
    *planted = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t images = n_images(s, order[i]), shown = (uint32_t)lk_rng_below(rng, images);
        add(train, s, order[i], shown);
        if (images < 2 || *planted == want)
            continue;
        uint32_t other = (uint32_t)lk_rng_below(rng, images - 1);
        add(synthetic, s, order[i], other + (other >= shown));
        synthetic->person[(*planted)++] =
            (uint32_t)i + UINT32_C(0x80000000); /* its number in the training set */
    }
    for (size_t i = n; i < n * (1 + r->c.holdouts); i++)
        add(holdout, s, order[i], (uint32_t)lk_rng_below(rng, n_images(s, order[i])));
    for (size_t i = n * (1 + r->c.holdouts); i < r->n_clean && synthetic->n < n; i++)
        add(synthetic, s, order[i], (uint32_t)lk_rng_below(rng, n_images(s, order[i])));
    free(order);
}

static lk_status one_run(void *arg, size_t index, int worker, lk_error *err)
{
    struct runs *r = arg;
    (void)worker;
    uint64_t dim = r->faces->dim, seed = 1 + index;
    struct lk_rng rng = lk_rng_stream(seed, 1, r->c.holdouts);
    struct part train = new_part(r->each, dim), holdout = new_part(r->each * r->c.holdouts, dim),
                synthetic = new_part(r->each, dim);
    size_t planted;
    deal(r, &rng, &train, &holdout, &synthetic, &planted);
    open_part(&train, "train", dim, seed);
    open_part(&holdout, "holdout", dim, seed);
    open_part(&synthetic, "synthetic", dim, seed);
    const struct lk_audit_set *holdouts[] = {&holdout.set};
    struct lk_audit_input in = {.synthetic = &synthetic.set,
                                .train = &train.set,
                                .holdouts = holdouts,
                                .n_holdouts = 1,
                                .q = 0.05,
                                .same_person = NAN,
                                .seed = seed,
                                .depth = 10,
                                .pairs = 1};
    lk_ctx_options ctx_options;
    lk_ctx_options_init(&ctx_options);
    ctx_options.threads = 1;
    lk_ctx *ctx;
    struct lk_audit audit;
    LK_TRY(lk_ctx_new(&ctx, &ctx_options, err));
    LK_TRY(lk_audit_run(&audit, ctx, &in, err));
    judge(&audit, &synthetic, planted, &r->outcomes[index]);
    lk_audit_free(&audit);
    lk_ctx_free(ctx);
    close_part(&train);
    close_part(&holdout);
    close_part(&synthetic);
    return LK_OK;
}

/* ---- all -------------------------------------------------------------------------------------------- */

/* The whole set, cut in two, shows its doubles to the measurement itself. */
static size_t find_clean(lk_ctx *ctx, const struct lk_audit_set *s, uint32_t *clean)
{
    uint32_t *person = need(calloc((size_t)s->rows, sizeof *person));
    float *data[2] = {need(calloc((size_t)(s->rows * s->dim), sizeof(float))),
                      need(calloc((size_t)(s->rows * s->dim), sizeof(float)))};
    uint32_t n_persons[2] = {s->n_persons / 2, s->n_persons / 2};
    struct lk_audit_set halves[2];
    bool *dropped = need(calloc(s->n_persons, sizeof *dropped));
    lk_error err;
    for (int h = 0; h < 2; h++) {
        uint64_t n = 0;
        for (uint32_t p = 0; p < n_persons[h]; p++)
            for (uint32_t i = 0; i < n_images(s, p + (h ? n_persons[0] : 0)); i++) {
                uint32_t of = p + (h ? n_persons[0] : 0), row = s->rows_of[s->start[of] + i];
                memcpy(data[h] + n * s->dim, s->data + row * s->dim, s->dim * sizeof(float));
                person[n++] = p;
            }
        if (lk_audit_set_make(&halves[h], h ? "holdout" : "train", data[h], n, s->dim, person, n_persons[h],
                              1, &err) != LK_OK)
            die(err.text);
    }
    const struct lk_audit_set *holdouts[] = {&halves[1]};
    struct lk_audit_input in = {.synthetic = &halves[0],
                                .train = &halves[0],
                                .holdouts = holdouts,
                                .n_holdouts = 1,
                                .q = 0.05,
                                .same_person = NAN,
                                .seed = 1,
                                .depth = 10,
                                .pairs = 1};
    struct lk_audit audit;
    if (lk_audit_run(&audit, ctx, &in, &err) != LK_OK)
        die(err.text);
    size_t n = 0;
    for (size_t i = 0; i < audit.doubles.n; i++) {
        const struct lk_audit_double *d = &audit.doubles.pairs[i];
        for (int k = 0; k < 2 && d->place != LK_IN_SYNTHETIC; k++) {
            uint32_t p = d->person[k] + (d->set[k] == &halves[1] ? n_persons[0] : 0);
            dropped[p] = true;
            uint32_t row = s->rows_of[s->start[p]];
            fprintf(stderr, "%s%s%s", k ? " = " : "doubles: ", lk_audit_row_path(s, row), k ? "" : "");
        }
        if (d->place != LK_IN_SYNTHETIC)
            fprintf(stderr, " (%.3f)\n", (double)d->score);
    }
    fprintf(stderr, "two names are one person from %.3f on\n", audit.doubles.score);
    for (uint32_t p = 0; p < s->n_persons; p++)
        if (!dropped[p])
            clean[n++] = p;
    lk_audit_free(&audit);
    for (int h = 0; h < 2; h++) {
        lk_audit_set_close(&halves[h]);
        free(data[h]);
    }
    free(person);
    free(dropped);
    return n;
}

/* Standard error of a mean over seeds. */
static double error_of(double sum_of_squares, double mean, size_t n)
{
    return n > 1 ? sqrt(fmax(0, sum_of_squares / (double)n - mean * mean) / (double)(n - 1)) : NAN;
}

static void run_case(lk_ctx *ctx, struct runs *r, size_t seeds)
{
    lk_error err;
    double sums[7] = {0}, squares[7] = {0}, with = 0;
    r->each = r->n_clean / (2 + r->c.holdouts);
    r->outcomes = need(calloc(seeds, sizeof *r->outcomes));
    if (lk_pool_for(ctx, seeds, one_run, r, &err) != LK_OK)
        die(err.text);
    for (size_t i = 0; i < seeds; i++) {
        const struct outcome *o = &r->outcomes[i];
        const double values[7] = {o->found,   o->power,       o->fdp,       o->pi,
                                  o->persons, o->persons_fdp, o->unbalanced};
        for (int k = 0; k < 7; k++) {
            sums[k] += values[k] / (double)seeds;
            squares[k] += values[k] * values[k];
        }
        with += o->found > 0;
    }
    printf(
        "| %g %% | %u of %zu persons | %zu | %g | %.3f +- %.3f | %.3f +- %.3f | %.3f | %.1f, %.3f | %.2f |\n",
        100 * r->c.share, r->c.holdouts, r->each, seeds, with, sums[1], error_of(squares[1], sums[1], seeds),
        sums[2], error_of(squares[2], sums[2], seeds), sums[3], sums[4], sums[5], sums[6]);
    fflush(stdout);
    free(r->outcomes);
}

int main(int argc, char **argv)
{
    static const struct bench_case cases[] = {{0.05, 1}, {0.05, 3}, {0, 1},    {0, 3},
                                              {0.02, 1}, {0.02, 3}, {0.10, 3}, {0.20, 1}};
    if (argc < 2)
        die("expected FACES: a folder that `likeness embed` made of a labelled set");
    size_t seeds = argc > 2 ? (size_t)strtoul(argv[2], NULL, 10) : 20;
    lk_ctx_options options;
    lk_ctx_options_init(&options);
    options.threads = argc > 3 ? atoi(argv[3]) : 0;
    size_t n_cases = sizeof cases / sizeof cases[0],
           wanted = argc > 4 ? (size_t)strtoul(argv[4], NULL, 10) : n_cases;
    lk_ctx *ctx;
    lk_error err;
    struct lk_audit_set faces;
    if (lk_ctx_new(&ctx, &options, &err) != LK_OK ||
        lk_audit_set_open(&faces, ctx, "faces", argv[1], &(struct lk_filters){.n = 0}, 1, &err) != LK_OK)
        die(err.text);
    uint32_t *clean = need(calloc(faces.n_persons, sizeof *clean));
    struct runs r = {.faces = &faces, .clean = clean, .n_clean = find_clean(ctx, &faces, clean)};
    printf("| planted | hold-outs | runs | with discoveries | power | FDP | pi | persons found, FDP | "
           "refused as "
           "unbalanced |\n|---|---|---|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < n_cases && i < wanted; i++) {
        r.c = cases[i];
        run_case(ctx, &r, seeds);
    }
    free(clean);
    lk_audit_set_close(&faces);
    lk_ctx_free(ctx);
    return 0;
}
