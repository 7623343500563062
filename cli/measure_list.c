/* SPDX-License-Identifier: Apache-2.0 */
/* measure_list.c - likeness measure --list: its options, and what it prints. */
#include <math.h>
#include <stdio.h>

#include "cli.h"

enum { KEY_LIST = 0x4001, KEY_TOP, KEY_HOLDOUT_SHARE };

static const struct argp_option options[] = {
    {"list", KEY_LIST, "FILE", 0, "measure this list of (synthetic, real, score), made by whatever program",
     0},
    {"top", KEY_TOP, "N", 0, "take its N highest scores only", 0},
    {"holdout-share", KEY_HOLDOUT_SHARE, "SHARE", 0,
     "of all real persons that were searched, how many are in the hold-out (default: 0.5)", 0},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    lk_list_options *list = state->input;
    switch (key) {
    case KEY_LIST:
        list->list = arg;
        return 0;
    case KEY_TOP:
        list->top = cli_number(arg, 1, UINT32_MAX, "--top", state);
        return 0;
    case KEY_HOLDOUT_SHARE:
        list->holdout_share = cli_real(arg, 1e-6, 1 - 1e-6, "--holdout-share", state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp list_argp = {options, parse, NULL, NULL, NULL, NULL, NULL};

typedef unsigned long long ull;

static void print_degrees(const char *what, const lk_list_degrees *d)
{
    printf("%-11s%llu listed, effective number %.1f; the most linked has %llu of %llu links (%.2f %%); %llu "
           "hubs "
           "with %.1f %%\n",
           what, (ull)d->n, d->effective, (ull)d->largest, (ull)d->links, 100 * d->largest_share,
           (ull)d->hubs, 100 * d->hub_share);
}

static void print_structure(const lk_list_structure *s)
{
    printf("list       %llu pairs of %llu synthetic images of %llu identities\n", (ull)s->n_pairs,
           (ull)s->n_probes, (ull)s->n_probe_identities);
    print_degrees("persons", &s->persons);
    print_degrees("images", &s->images);
    if (s->n_classes > 0)
        printf(
            "agreement  %llu identities with several listed images: %.1f %% of their images have the "
            "commonest "
            "person;\n           pairs of images with the same person: %.2f %%, of different identities %.2f "
            "%%\n",
            (ull)s->n_classes, 100 * s->modal_share, 100 * s->pair_agreement, 100 * s->pair_chance);
    else
        printf("agreement  no identity has several listed images\n");
    printf("reciprocal %llu of %llu identities\n", (ull)s->n_reciprocal, (ull)s->n_probe_identities);
}

/* Leaks agree in the training set alone. */
static void print_part(const char *what, const lk_list_structure *s)
{
    printf("%s   %llu pairs", what, (ull)s->n_pairs);
    if (s->n_classes > 0)
        printf(", pairs of images of one identity with the same person: %.2f %%", 100 * s->pair_agreement);
    putchar('\n');
}

static void print_deficit(const char *what, const lk_list_deficit *d, double expected)
{
    printf("deficit    %s: %llu of %llu in the hold-out, %.2f %% (95 %% interval %.2f to %.2f) where chance "
           "gives "
           "%.2f %%;\n           there because of training: %.1f %% (%.1f to %.1f), p = %.3g\n",
           what, (ull)d->in_holdout, (ull)d->n, 100 * d->share, 100 * d->share_low, 100 * d->share_high,
           100 * expected, 100 * d->pi, 100 * d->pi_low, 100 * d->pi_high, d->p_value);
}

int measure_list(struct cli *cli, const lk_list_options *list)
{
    int code = cli_start(cli);
    if (code != EXIT_DONE)
        return code;
    lk_error err;
    lk_list_summary r;
    lk_status status = lk_measure_list(cli->ctx, list, &r, &err);
    if (status != LK_OK)
        return cli_fail(cli, status, &err);
    printf("scores     %.4f to %.4f, median %.4f\n", r.score_low, r.score_high, r.score_median);
    print_structure(&r.all);
    if (r.has_holdout) {
        print_part("training", &r.train);
        print_part("hold-out", &r.holdout);
        print_deficit("pairs", &r.pairs, r.holdout_share);
        print_deficit("identities", &r.identities, r.holdout_share);
    } else {
        printf("deficit    none: %s, so this list cannot say whether its\n           scores are more than "
               "chance\n",
               r.n_untold == r.all.n_pairs ? "the list does not tell the training set from a hold-out"
                                           : "some rows do not tell the training set from the hold-out");
    }
    if (r.all.hub_artefact)
        printf("hub artefact: most links go to a few persons that are close to everything; such a list shows "
               "bad "
               "pictures, not leaks\n");
    return EXIT_DONE;
}
