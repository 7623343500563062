/* SPDX-License-Identifier: Apache-2.0 */
/* choice_options.c - options that `measure`, `clean` and `audit` share: which images take part, and by what the
 * result is broken down. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "cli.h"

enum { KEY_FILTER = 0x5000, KEY_STRATA };

static const struct argp_option options[] = {
    {"filter", KEY_FILTER, "CONDITION", 0,
     "only images that meet it take part, in all sets: 'age>=18', 'yaw<=45', 'group:NAME=VALUE', ...; may be "
     "given several times",
     0},
    {"strata", KEY_STRATA, "COLUMN", 0,
     "break down by age, sharpness, detector_score, feature_norm, yaw or group:NAME; may be given several "
     "times",
     0},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct image_choice *c = state->input;
    switch (key) {
    case KEY_FILTER:
        if (c->n_filters == LK_MAX_FILTERS)
            argp_error(state, "--filter: at most %d of them", LK_MAX_FILTERS);
        c->filters[c->n_filters++] = arg;
        return 0;
    case KEY_STRATA:
        if (c->n_strata == LK_MAX_STRATA)
            argp_error(state, "--strata: at most %d of them", LK_MAX_STRATA);
        c->strata[c->n_strata++] = arg;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp choice_argp = {options, parse, NULL, NULL, NULL, NULL, NULL};

void cli_use_choice(const struct image_choice *choice, lk_measure_options *o)
{
    o->filters = choice->filters;
    o->n_filters = choice->n_filters;
    o->strata = choice->strata;
    o->n_strata = choice->n_strata;
}

void cli_print_filters(const lk_measure_options *o, const lk_measure_summary *s)
{
    if (o->n_filters == 0)
        return;
    printf("filters, on all sets alike:");
    for (size_t i = 0; i < o->n_filters; i++)
        printf("%s %s", i > 0 ? " and" : "", o->filters[i]);
    printf("; they leave out %" PRIu64 " of %" PRIu64 " images, %" PRIu64 " of them for lack of a value\n",
           s->n_filtered, s->n_read, s->n_unknown);
}

void cli_print_strata(const lk_measure_summary *s)
{
    if (s->n_strata == 0)
        return;
    printf("strata: intervals hold for all of them together, discoveries are those of the whole run\n");
    for (size_t i = 0; i < s->n_strata; i++) {
        const lk_stratum_summary *x = &s->strata[i];
        printf("- %s %s: %" PRIu64 " units, %" PRIu64 " of the %" PRIu64 " closest pairs", x->by, x->name,
               x->n_units, x->n_closest, s->closest_of);
        if (s->n_holdouts > 0)
            printf(", %" PRIu64 " discoveries", x->n_discoveries);
        if (!isnan(x->share))
            printf("; share drawn %.2f %% (%.2f to %.2f)", 100 * x->share, 100 * x->share_low,
                   100 * x->share_high);
        putchar('\n');
    }
}
