/* SPDX-License-Identifier: Apache-2.0 */
/* tail_probe.c - runs the tails and E-values of lib/stats on numbers from stdin and prints
 * what comes out; driven by tail.py.
 *
 * Input is words: a function, its parameters, its data; any number of them. Output is one line for each. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stats/evalue.h"
#include "stats/gpd.h"
#include "probe.h"

/* gpd SHAPE SCALE K X -> tail, prediction */
static void gpd(void)
{
    double shape = real(), scale = real(), k = real(), x = real();
    struct lk_gpd g = {shape, scale};
    printf("%.17g %.17g\n", lk_gpd_tail(g, x), lk_gpd_predict(g, k, x));
}

/* fit N x... -> shape and scale by moments, then by likelihood */
static void fit(void)
{
    size_t n = (size_t)real();
    double *x = malloc(n * sizeof *x);
    if (x == NULL)
        die("out of memory");
    for (size_t i = 0; i < n; i++)
        x[i] = real();
    struct lk_gpd m, l;
    lk_error err;
    need(lk_gpd_fit_moments(x, n, &m, &err), &err);
    need(lk_gpd_fit_likelihood(x, n, &l, &err), &err);
    printf("%.17g %.17g %.17g %.17g\n", m.shape, m.scale, l.shape, l.scale);
    free(x);
}

/* evalues PROBES K HOLDOUT REFERENCES EACH, K + 1 scores of each probe, then EACH scores of each
 * -> shape by moments and likelihood, then e, low, high, extrapolated, flagged, audit of each */
static void evalues(void)
{
    size_t probes = (size_t)real(), k = (size_t)real();
    uint64_t holdout = (uint64_t)real(), references = (uint64_t)real();
    size_t each = (size_t)real();
    float *top = malloc(probes * (k + 1) * sizeof *top);
    if (top == NULL)
        die("out of memory");
    for (size_t i = 0; i < probes * (k + 1); i++)
        top[i] = (float)real();
    struct lk_tail_levels levels;
    lk_error err;
    need(lk_tail_levels(top, probes, k, &levels, &err), &err);
    printf("%.17g %.17g", levels.shape[0].moments, levels.shape[0].likelihood);
    for (size_t i = 0; i < probes * each; i++) {
        struct lk_evalue e;
        need(lk_evalue(&levels, top + i / each * (k + 1), holdout, references, probes, real(), &e, &err),
             &err);
        printf(" %.17g %.17g %.17g %d %d %.17g", e.e, e.low, e.high, e.extrapolated, e.flagged, e.audit);
    }
    putchar('\n');
    free(top);
}

int main(void)
{
    char word[32];
    while (scanf("%31s", word) == 1) {
        if (strcmp(word, "gpd") == 0)
            gpd();
        else if (strcmp(word, "fit") == 0)
            fit();
        else if (strcmp(word, "evalues") == 0)
            evalues();
        else
            die("unknown function");
    }
    return 0;
}
