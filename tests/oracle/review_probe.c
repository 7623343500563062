/* SPDX-License-Identifier: Apache-2.0 */
/* review_probe.c - runs the statistics of a review on numbers from stdin and prints what comes out; driven by
 * review.py.
 *
 * Input is words: a measure, its parameters, its data; any number of them. Output is one line for each. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stats/agreement.h"
#include "stats/detection.h"
#include "probe.h"

/* alpha LEVELS RATERS ITEMS value... -> value low high items */
static void alpha(void)
{
    struct lk_ratings r = {.n_levels = (int)real()};
    r.n_raters = (size_t)real();
    r.n_items = (size_t)real();
    float *given = reals(r.n_items * r.n_raters);
    int8_t *values = malloc(r.n_items * r.n_raters + 1);
    struct lk_alpha a;
    lk_error err;
    if (values == NULL)
        die("out of memory");
    for (size_t i = 0; i < r.n_items * r.n_raters; i++)
        values[i] = (int8_t)given[i];
    r.values = values;
    need(lk_alpha_ordinal(&r, 1, &a, &err), &err);
    printf("%.17g %.17g %.17g %zu\n", a.value, a.low, a.high, a.n_items);
    free(values);
    free(given);
}

/* detection HITS SIGNALS FALSE_ALARMS NOISES -> d' criterion */
static void detection(void)
{
    uint64_t n[4];
    for (int i = 0; i < 4; i++)
        n[i] = (uint64_t)real();
    struct lk_detection d = lk_detection_of(n[0], n[1], n[2], n[3]);
    printf("%.17g %.17g\n", d.d_prime, d.criterion);
}

/* ITEMS yes... asked... */
static struct lk_said take_said(void)
{
    size_t n = (size_t)real();
    uint32_t *counts = malloc((2 * n + 1) * sizeof *counts);
    if (counts == NULL)
        die("out of memory");
    for (size_t i = 0; i < 2 * n; i++)
        counts[i] = (uint32_t)real();
    struct lk_said said = lk_said_of(counts, counts + n, n);
    free(counts);
    return said;
}

/* share, of candidates, decoys and mates -> value low high, then share and n of each */
static void share(void)
{
    struct lk_said said[3];
    struct lk_true_share theta;
    lk_error err;
    for (int i = 0; i < 3; i++)
        said[i] = take_said();
    need(lk_true_share_of(&said[0], &said[1], &said[2], 1, &theta, &err), &err);
    printf("%.17g %.17g %.17g", theta.value, theta.low, theta.high);
    for (int i = 0; i < 3; i++)
        printf(" %.17g %.17g", said[i].share, said[i].n);
    putchar('\n');
}

int main(void)
{
    char word[40];
    while (scanf("%39s", word) == 1) {
        if (strcmp(word, "alpha") == 0)
            alpha();
        else if (strcmp(word, "detection") == 0)
            detection();
        else if (strcmp(word, "share") == 0)
            share();
        else
            die("unknown measure");
    }
    return 0;
}
