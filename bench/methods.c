/* SPDX-License-Identifier: Apache-2.0 */
/* methods.c - the measures on simulations with known truth, over many seeds: methods [RUNS [THREADS]]
 *
 * RUNS (default 130) is the number of runs of the null case; the others take their part of it. Prints the
 * table of bench/RESULTS.md. Every run goes through the whole measurement in memory: matching, doubles, exact
 * search, intervals, tests, verdict. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/audit.h"
#include "audit/simulate.h"
#include "base/pool.h"
#include "stats/resample.h"

struct outcome {
    double raw; /* share of images above the threshold at a false match rate of 1e-4 */
    double truth, pi, covered;
    double found, power, fdp; /* discoveries; of planted; false among them */
    double score_found;       /* by score instead of margin */
    double once;              /* one unit for each person */
    double persons, persons_fdp, controlled, controlled_fdp;
    double p, p_control, p_mixing;
    double unbalanced, leak_shown, dropped;
};

struct bench_case {
    const char *name;
    double share, shift;
    uint64_t holdouts, doubles, part; /* runs: RUNS / part */
    bool keep_doubles;
};

struct runs {
    const struct bench_case *c;
    float threshold;
    struct outcome *outcomes;
    uint64_t first_seed;
};

static _Noreturn void die(const char *why)
{
    fprintf(stderr, "methods: %s\n", why);
    exit(1);
}

static lk_simulate_options settings(const struct bench_case *c, uint64_t seed)
{
    lk_simulate_options o;
    lk_simulate_options_init(&o);
    o.images = 1;
    o.share = c->share;
    o.shift = c->shift;
    o.holdouts = c->holdouts;
    o.doubles = c->doubles;
    o.seed = seed;
    return o;
}

/* ---- one run ---------------------------------------------------------------------------------------- */

static void judge(const struct lk_audit *a, const struct lk_sim *sim, float threshold, struct outcome *r)
{
    uint64_t planted = 0, hits = 0, wrong = 0, c_hits = 0, c_wrong = 0, above = 0, persons_wrong = 0;
    bool *leaked = calloc(sim->sets[LK_SIM_TRAIN].n_persons, sizeof *leaked);
    if (leaked == NULL)
        die("out of memory");
    for (size_t u = 0; u < a->n_units; u++) {
        uint32_t person = sim->planted[a->units[u].identity];
        bool is_planted = person != UINT32_MAX, controlled = a->units[u].q_control <= a->in->q;
        if (is_planted)
            leaked[person] = true;
        planted += is_planted;
        hits += is_planted && a->units[u].found;
        wrong += !is_planted && a->units[u].found;
        c_hits += is_planted && controlled;
        c_wrong += !is_planted && controlled;
    }
    for (uint64_t i = 0; i < a->n_each; i++)
        persons_wrong += a->persons[i].q <= a->in->q && !leaked[a->persons[i].person];
    free(leaked);
    for (uint64_t i = 0; i < a->probes.rows; i++)
        above += a->image_best[i] >= threshold;
    *r = (struct outcome){
        .raw = (double)above / (double)a->probes.rows,
        .truth = (double)planted / (double)a->n_units,
        .pi = a->pull.pi,
        .found = (double)(hits + wrong),
        .power = planted > 0 ? (double)hits / (double)planted : NAN,
        .fdp = hits + wrong > 0 ? (double)wrong / (double)(hits + wrong) : 0,
        .score_found = (double)a->by_score.discoveries,
        .once = (double)a->persons_once.discoveries,
        .persons = (double)a->reach.found,
        .persons_fdp = a->reach.found > 0 ? (double)persons_wrong / (double)a->reach.found : 0,
        .controlled = (double)(c_hits + c_wrong),
        .controlled_fdp = c_hits + c_wrong > 0 ? (double)c_wrong / (double)(c_hits + c_wrong) : 0,
        .p = a->pull.p_more,
        .p_control = a->controls[0].pull.p_two_sided,
        .p_mixing = a->mixing.p,
        .unbalanced = a->unbalanced[0] != '\0',
        .leak_shown = a->verdict == LK_VERDICT_LEAK_SHOWN,
        .dropped = (double)(a->doubles.dropped_train + a->doubles.dropped_holdout),
    };
    r->covered = a->pull.pi_low <= r->truth && r->truth <= a->pull.pi_high;
}

static void open_sets(const struct lk_sim *sim, struct lk_audit_set *sets, uint64_t seed)
{
    static const char *const roles[] = {"synthetic", "train", "holdout", "control"};
    lk_error err;
    for (int i = 0; i < LK_N_SIM_ROLES; i++) {
        const struct lk_sim_set *s = &sim->sets[i];
        if (lk_audit_set_make(&sets[i], roles[i], s->data, s->rows, sim->dim, s->person, s->n_persons, seed,
                              &err) != LK_OK)
            die(err.text);
    }
}

static lk_status one_run(void *arg, size_t index, int worker, lk_error *err)
{
    struct runs *r = arg;
    (void)worker;
    lk_ctx_options ctx_options;
    lk_ctx_options_init(&ctx_options);
    ctx_options.threads = 1; /* the runs are what goes in parallel */
    lk_ctx *ctx;
    struct lk_sim sim;
    struct lk_audit_set sets[LK_N_SIM_ROLES];
    struct lk_audit audit;
    lk_simulate_options o = settings(r->c, r->first_seed + index);
    LK_TRY(lk_ctx_new(&ctx, &ctx_options, err));
    LK_TRY(lk_sim_make(&sim, &o, err));
    open_sets(&sim, sets, o.seed);
    const struct lk_audit_set *holdouts[] = {&sets[LK_SIM_HOLDOUT]}, *controls[] = {&sets[LK_SIM_CONTROL]};
    struct lk_audit_input in = {.synthetic = &sets[LK_SIM_SYNTHETIC],
                                .train = &sets[LK_SIM_TRAIN],
                                .holdouts = holdouts,
                                .n_holdouts = 1,
                                .controls = controls,
                                .n_controls = 1,
                                .q = 0.05,
                                .same_person = r->c->keep_doubles ? 2 : NAN,
                                .seed = o.seed,
                                .depth = 10,
                                .pairs = 1};
    LK_TRY(lk_audit_run(&audit, ctx, &in, err));
    judge(&audit, &sim, r->threshold, &r->outcomes[index]);
    lk_audit_free(&audit);
    for (int i = 0; i < LK_N_SIM_ROLES; i++)
        lk_audit_set_close(&sets[i]);
    lk_sim_free(&sim);
    lk_ctx_free(ctx);
    return LK_OK;
}

/* The score that one in 10,000 pairs of different people reaches: controls against the training set. */
static float threshold_of(lk_ctx *ctx, const struct bench_case *c)
{
    lk_simulate_options o = settings(c, 999);
    o.junk = o.hubs = 0; /* thresholds are made on faces */
    struct lk_sim sim;
    struct lk_search_result result;
    lk_error err;
    if (lk_sim_make(&sim, &o, &err) != LK_OK)
        die(err.text);
    const struct lk_sim_set *p = &sim.sets[LK_SIM_CONTROL], *t = &sim.sets[LK_SIM_TRAIN];
    struct lk_search_set probes = {p->data, p->rows, NULL, 0}, references = {t->data, t->rows, NULL, 0};
    if (lk_audit_search(ctx, sim.dim, &probes, &references, p->rows * t->rows / 10000, 1, &result, &err) !=
        LK_OK)
        die(err.text);
    const struct lk_search_gallery *g = &result.galleries[LK_GALLERY_TRAIN];
    float score = g->pairs[g->n_pairs - 1].score;
    lk_search_free(&result);
    lk_sim_free(&sim);
    return score;
}

/* ---- over the runs ---------------------------------------------------------------------------------- */

struct moments {
    double mean, error; /* standard error of the mean */
};

static struct moments moments_of(const struct outcome *o, size_t n, size_t offset)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++) {
        double x = *(const double *)((const char *)&o[i] + offset);
        sum += x;
        squares += x * x;
    }
    double mean = sum / (double)n;
    double variance = n > 1 ? fmax(0, (squares - (double)n * mean * mean) / ((double)n - 1)) : 0;
    return (struct moments){mean, sqrt(variance / (double)n)};
}
#define MEAN(member) moments_of(o, n, offsetof(struct outcome, member)).mean
#define ERROR(member) moments_of(o, n, offsetof(struct outcome, member)).error

/* p-value of the Kolmogorov-Smirnov test of uniformity (Kolmogorov's series with Stephens's correction). */
static double ks(const struct outcome *o, size_t n, size_t offset)
{
    double *x = calloc(n, sizeof *x), d = 0, p = 0;
    if (x == NULL)
        die("out of memory");
    for (size_t i = 0; i < n; i++)
        x[i] = *(const double *)((const char *)&o[i] + offset);
    qsort(x, n, sizeof *x, lk_double_order);
    for (size_t i = 0; i < n; i++)
        d = fmax(d, fmax(x[i] - (double)i / (double)n, (double)(i + 1) / (double)n - x[i]));
    free(x);
    double t = d * (sqrt((double)n) + 0.12 + 0.11 / sqrt((double)n));
    for (int k = 1; k < 100; k++)
        p += 2 * (k % 2 ? 1 : -1) * exp(-2.0 * k * k * t * t);
    return fmin(1, fmax(0, p));
}

static void print_row(const struct bench_case *c, const struct outcome *o, size_t n)
{
    size_t with = 0;
    for (size_t i = 0; i < n; i++)
        with += o[i].found > 0;
    printf("| %s | %zu | %.3f | %.4f +- %.4f | %.3f | %zu | ", c->name, n, MEAN(raw), MEAN(pi) - MEAN(truth),
           ERROR(pi), MEAN(covered), with);
    if (c->share > 0)
        printf("%.3f | %.3f +- %.3f | ", MEAN(power), MEAN(fdp), ERROR(fdp));
    else
        printf("- | %.3f +- %.3f | ", MEAN(fdp), ERROR(fdp));
    printf("%.1f | %.1f, %.3f | %.1f, %.3f | %.2f |\n", MEAN(score_found), MEAN(persons), MEAN(persons_fdp),
           MEAN(controlled), MEAN(controlled_fdp), MEAN(unbalanced));
    fflush(stdout);
}

static void run_case(lk_ctx *ctx, const struct bench_case *c, size_t n, uint64_t first_seed)
{
    struct runs r = {c, threshold_of(ctx, c), calloc(n, sizeof *r.outcomes), first_seed};
    lk_error err;
    if (r.outcomes == NULL)
        die("out of memory");
    if (lk_pool_for(ctx, n, one_run, &r, &err) != LK_OK)
        die(err.text);
    print_row(c, r.outcomes, n);
    if (c->share <= 0 && c->shift <= 0)
        fprintf(stderr,
                "%s: Kolmogorov-Smirnov p of the p-values: preference %.3f, control %.3f, mixing %.3f; "
                "persons left out %.1f\n",
                c->name, ks(r.outcomes, n, offsetof(struct outcome, p)),
                ks(r.outcomes, n, offsetof(struct outcome, p_control)),
                ks(r.outcomes, n, offsetof(struct outcome, p_mixing)),
                moments_of(r.outcomes, n, offsetof(struct outcome, dropped)).mean);
    free(r.outcomes);
}

int main(int argc, char **argv)
{
    static const struct bench_case cases[] = {
        {"5 %, one hold-out", 0.05, 0, 1, 0, 2, false},
        {"nothing planted, one hold-out", 0, 0, 1, 0, 1, false},
        {"nothing planted, three hold-outs", 0, 0, 3, 0, 4, false},
        {"1 %, one hold-out", 0.01, 0, 1, 0, 6, false},
        {"2 %, one hold-out", 0.02, 0, 1, 0, 4, false},
        {"2 %, three hold-outs", 0.02, 0, 3, 0, 6, false},
        {"5 %, three hold-outs", 0.05, 0, 3, 0, 6, false},
        {"10 %, one hold-out", 0.10, 0, 1, 0, 4, false},
        {"5 %, 20 persons in T and in H", 0.05, 0, 1, 20, 6, false},
        {"5 %, pictures without a face kept", 0.05, 0, 1, 0, 6, true},
        {"nothing planted, shifted hold-out", 0, 0.2, 1, 0, 12, false},
    };
    size_t runs = argc > 1 ? (size_t)strtoul(argv[1], NULL, 10) : 130;
    lk_ctx_options options;
    lk_ctx_options_init(&options);
    options.threads = argc > 2 ? atoi(argv[2]) : 0;
    lk_ctx *ctx;
    lk_error err;
    if (lk_ctx_new(&ctx, &options, &err) != LK_OK)
        die(err.text);
    printf("| case | runs | images above the 1e-4 threshold | pi: bias | coverage | runs with discoveries | "
           "power | FDP | "
           "discoveries by score | persons, their FDP | against controls, FDP | refused as unbalanced |\n"
           "|---|---|---|---|---|---|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t n = (runs + cases[i].part - 1) / cases[i].part;
        run_case(ctx, &cases[i], n, 1000 * (i + 1));
    }
    lk_ctx_free(ctx);
    return 0;
}
