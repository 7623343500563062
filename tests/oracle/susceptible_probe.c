/* SPDX-License-Identifier: Apache-2.0 */
/* susceptible_probe.c - runs stats/susceptible.h on numbers from stdin and prints what comes out; driven by
 * susceptible.py.
 *
 * Input is words: a function, its parameters, its data; any number of them. Output is one line for each. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stats/susceptible.h"
#include "probe.h"

/* two N M a... b... -> n mean sd quantiles of each, d', KS distance */
static void two(void)
{
    size_t n = (size_t)real(), m = (size_t)real();
    float *a = reals(n), *b = reals(m);
    struct lk_described first, second;
    lk_describe(a, n, &first);
    lk_describe(b, m, &second);
    const struct lk_described *const both[] = {&first, &second};
    for (int i = 0; i < 2; i++) {
        printf("%zu %.17g %.17g", both[i]->n, both[i]->mean, both[i]->sd);
        for (int q = 0; q < LK_N_QUANTILES; q++)
            printf(" %.17g", both[i]->quantile[q]);
        putchar(' ');
    }
    printf("%.17g %.17g\n", lk_d_prime(&first, &second), lk_ks_distance(a, n, b, m));
    free(a);
    free(b);
}

/* cochran K N found... (matcher by matcher) -> q df p */
static void cochran(void)
{
    size_t k = (size_t)real(), n = (size_t)real();
    uint8_t *found = malloc(k * n + 1);
    struct lk_cochran c;
    lk_error err;
    if (found == NULL)
        die("out of memory");
    for (size_t i = 0; i < k * n; i++)
        found[i] = real() > 0;
    need(lk_cochran_q(found, k, n, &c, &err), &err);
    printf("%.17g %zu %.17g\n", c.q, c.df, c.p);
    free(found);
}

int main(void)
{
    char word[32];
    while (scanf("%31s", word) == 1) {
        if (strcmp(word, "two") == 0)
            two();
        else if (strcmp(word, "cochran") == 0)
            cochran();
        else
            die("unknown function");
    }
    return 0;
}
