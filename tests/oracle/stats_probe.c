/* SPDX-License-Identifier: Apache-2.0 */
/* stats_probe.c - runs lib/stats on numbers from stdin and prints what comes out; driven by stats.py.
 *
 * Input is words: a measure, its parameters, its data; any number of them. Output is one line for each. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stats/decoys.h"
#include "stats/proportion.h"
#include "stats/roc.h"
#include "probe.h"

static uint64_t whole(void)
{
    return (uint64_t)real();
}

static void interval(struct lk_interval (*measure)(uint64_t, uint64_t, double))
{
    uint64_t k = whole(), n = whole();
    struct lk_interval i = measure(k, n, 0.95);
    printf("%.17g %.17g\n", i.low, i.high);
}

static void tail(void)
{
    uint64_t k = whole(), n = whole();
    printf("%.17g\n", lk_binomial_tail(k, n, real()));
}

/* compete Q N t... h... -> discoveries tau decoys q_value... */
static void compete(void)
{
    double q = real();
    size_t n = whole();
    float *t = reals(n), *h = reals(n);
    double *q_value = malloc(n * sizeof *q_value);
    lk_error err;
    struct lk_competition r;
    if (q_value == NULL)
        die("out of memory");
    need(lk_compete(t, h, n, q, q_value, &r, &err), &err);
    printf("%llu %.17g %llu", (unsigned long long)r.discoveries, r.tau, (unsigned long long)r.decoys);
    for (size_t i = 0; i < n; i++)
        printf(" %.17g", q_value[i]);
    putchar('\n');
    free(t);
    free(h);
    free(q_value);
}

/* roc FMR N_GENUINE N_IMPOSTOR g... i... -> eer auc score tar */
static void roc(void)
{
    double fmr = real();
    size_t n_genuine = whole(), n_impostor = whole();
    float *genuine = reals(n_genuine), *impostor = reals(n_impostor);
    lk_error err;
    struct lk_roc r;
    lk_threshold at;
    need(lk_roc_open(&r, genuine, n_genuine, n_impostor, fmr, &err), &err);
    lk_roc_add(&r, impostor, n_impostor);
    need(lk_roc_threshold(&r, fmr, &at, &err), &err);
    printf("%.17g %.17g %.17g %.17g\n", lk_roc_eer(&r), lk_roc_auc(&r), at.score, at.tar);
    lk_roc_close(&r);
    free(genuine);
    free(impostor);
}

/* folds N_FOLDS N (score genuine fold)... -> mean sd */
static void folds(void)
{
    int n_folds = (int)whole();
    size_t n = whole();
    struct lk_scored_pair *pairs = malloc((n + 1) * sizeof *pairs);
    if (pairs == NULL)
        die("out of memory");
    for (size_t i = 0; i < n; i++) {
        float score = (float)real();
        bool genuine = real() != 0;
        pairs[i] = (struct lk_scored_pair){score, genuine, (int)real()};
    }
    lk_error err;
    struct lk_accuracy a;
    need(lk_fold_accuracy(pairs, n, n_folds, NULL, &a, &err), &err);
    printf("%.17g %.17g\n", a.mean, a.sd);
    free(pairs);
}

int main(void)
{
    char word[32];
    while (scanf("%31s", word) == 1) {
        if (strcmp(word, "clopper_pearson") == 0)
            interval(lk_clopper_pearson);
        else if (strcmp(word, "wilson") == 0)
            interval(lk_wilson);
        else if (strcmp(word, "tail") == 0)
            tail();
        else if (strcmp(word, "compete") == 0)
            compete();
        else if (strcmp(word, "roc") == 0)
            roc();
        else if (strcmp(word, "folds") == 0)
            folds();
        else
            die("unknown measure");
    }
    return 0;
}
