/* SPDX-License-Identifier: Apache-2.0 */
/* lists_probe.c - runs the measures of lists of pairs on numbers from stdin and prints what comes out; driven
 * by lists.py.
 *
 * Input is words: a measure, its parameters, its data; any number of them. Output is one line for each. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stats/deficit.h"
#include "stats/structure.h"
#include "probe.h"

/* deficit N IN_HOLDOUT LAMBDA */
static void deficit(void)
{
    uint64_t n = (uint64_t)real(), in_holdout = (uint64_t)real();
    struct lk_deficit d;
    lk_error err;
    need(lk_deficit(n, in_holdout, real(), 0.95, &d, &err), &err);
    printf("%.17g %.17g %.17g %.17g %.17g %.17g %.17g\n", d.h, d.h_interval.low, d.h_interval.high, d.pi,
           d.pi_low, d.pi_high, d.p_value);
}

static void print_degrees(const struct lk_degrees *d)
{
    printf(" %llu %llu %.17g %llu %u %.17g %llu %.17g", (unsigned long long)d->n,
           (unsigned long long)d->links, d->effective, (unsigned long long)d->largest, d->largest_of,
           d->largest_share, (unsigned long long)d->hubs, d->hub_share);
}

/* structure N (probe probe_identity reference reference_identity score)... */
static void structure(void)
{
    size_t n = (size_t)real();
    struct lk_list_pair *pairs = malloc((n + 1) * sizeof *pairs);
    if (pairs == NULL)
        die("out of memory");
    for (size_t i = 0; i < n; i++) {
        pairs[i].probe = (uint32_t)real();
        pairs[i].probe_identity = (uint32_t)real();
        pairs[i].reference = (uint32_t)real();
        pairs[i].reference_identity = (uint32_t)real();
        pairs[i].score = (float)real();
    }
    struct lk_structure s;
    lk_error err;
    need(lk_structure(pairs, n, &s, &err), &err);
    printf("%llu %llu %llu %llu %.17g %.17g %.17g %llu %d", (unsigned long long)s.n_probes,
           (unsigned long long)s.n_probe_identities, (unsigned long long)s.n_identity_pairs,
           (unsigned long long)s.n_classes, s.modal_share, s.pair_agreement, s.pair_chance,
           (unsigned long long)s.n_reciprocal, s.hub_artefact);
    print_degrees(&s.images);
    print_degrees(&s.identities);
    putchar('\n');
    free(pairs);
}

int main(void)
{
    char word[32];
    while (scanf("%31s", word) == 1) {
        if (strcmp(word, "deficit") == 0)
            deficit();
        else if (strcmp(word, "structure") == 0)
            structure();
        else
            die("unknown measure");
    }
    return 0;
}
