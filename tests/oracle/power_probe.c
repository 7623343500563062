/* SPDX-License-Identifier: Apache-2.0 */
/* power_probe.c - runs the planting and the measures of several matchers on numbers from stdin and prints
 * what comes out; driven by power.py.
 *
 * Input is words: a measure, its parameters, its data; any number of them. Output is one line for each. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stats/power.h"
#include "stats/several.h"
#include "probe.h"

/* power Q SEED REPLICATES PLANTED UNITS HOLDOUTS GENUINE scores... genuine... */
static void power(lk_ctx *ctx)
{
    struct lk_power_run run = {.q = real()};
    run.seed = (uint64_t)real();
    run.replicates = (uint64_t)real();
    uint64_t planted = (uint64_t)real();
    run.n_units = (size_t)real();
    run.n_holdouts = (size_t)real();
    run.n_genuine = (size_t)real();
    float *scores = reals(run.n_units * (run.n_holdouts + 1)), *genuine = reals(run.n_genuine);
    run.scores = scores;
    run.genuine = genuine;
    struct lk_power_point p;
    lk_error err;
    need(lk_power(ctx, &run, planted, &p, &err), &err);
    printf("%.17g %.17g %.17g\n", p.detected, p.found, p.false_share);
    free(scores);
    free(genuine);
}

/* conjunction R N p... */
static void conjunction(void)
{
    size_t r = (size_t)real(), n = (size_t)real();
    double p[64], out;
    lk_error err;
    if (n > 64)
        die("too many");
    for (size_t i = 0; i < n; i++)
        p[i] = real();
    need(lk_partial_conjunction(p, n, r, &out, &err), &err);
    printf("%.17g\n", out);
}

/* agreement N first... second... -> first second both jaccard kappa */
static void agreement(void)
{
    size_t n = (size_t)real();
    uint8_t *found = calloc(2 * n + 1, 1);
    if (found == NULL)
        die("out of memory");
    for (size_t i = 0; i < 2 * n; i++)
        found[i] = real() != 0;
    struct lk_agreement a;
    lk_agreement(found, found + n, n, &a);
    printf("%llu %llu %llu %.17g %.17g\n", (unsigned long long)a.first, (unsigned long long)a.second,
           (unsigned long long)a.both, a.jaccard, a.kappa);
    free(found);
}

int main(void)
{
    lk_ctx_options options;
    lk_ctx *ctx;
    lk_error err;
    lk_ctx_options_init(&options);
    options.threads = 2;
    need(lk_ctx_new(&ctx, &options, &err), &err);
    char word[32];
    while (scanf("%31s", word) == 1) {
        if (strcmp(word, "power") == 0)
            power(ctx);
        else if (strcmp(word, "conjunction") == 0)
            conjunction();
        else if (strcmp(word, "agreement") == 0)
            agreement();
        else
            die("unknown measure");
    }
    lk_ctx_free(ctx);
    return 0;
}
