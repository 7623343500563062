/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_power.c - likeness power: the smallest planted share that a run would have found. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

enum { MAX_STRENGTHS = 64 };
enum { KEY_GENUINE = 0x5001, KEY_FDR, KEY_POWER, KEY_SETS, KEY_SEED };

struct power_input {
    struct cli *cli;
    lk_power_options options;
    double strengths[MAX_STRENGTHS];
};

static const struct argp_option options[] = {
    {"strength", 's', "COSINE", 0,
     "what a leaked identity scores against the person it shows; may be given several times (default: 0.3 to "
     "0.8)",
     0},
    {"genuine", KEY_GENUINE, "FACES", 0,
     "also the scores of pairs of images of one person in this labelled set, made with the same model", 0},
    {"fdr", KEY_FDR, "Q", 0, "false discovery rate of the list of discoveries (default: 0.05)", 0},
    {"power", KEY_POWER, "P", 0, "share of planted sets that must be detected (default: 0.8)", 0},
    {"sets", KEY_SETS, "N", 0, "planted sets for each share (default: 200)", 0},
    {"seed", KEY_SEED, "N", 0, "seed of the planting (default: 1)", 0},
    {"output", 'o', "FILE", 0, "also write the numbers as JSON", 0},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct power_input *in = state->input;
    lk_power_options *o = &in->options;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = in->cli;
        return 0;
    case 's':
        if (o->n_strengths == MAX_STRENGTHS)
            argp_error(state, "--strength: at most %d of them", MAX_STRENGTHS);
        in->strengths[o->n_strengths++] = cli_real(arg, -1, 1, "--strength", state);
        return 0;
    case KEY_GENUINE:
        o->genuine = arg;
        return 0;
    case KEY_FDR:
        o->fdr = cli_real(arg, 1e-6, 0.999, "--fdr", state);
        return 0;
    case KEY_POWER:
        o->power = cli_real(arg, 0.01, 0.999, "--power", state);
        return 0;
    case KEY_SETS:
        o->replicates = cli_number(arg, 1, 1000000, "--sets", state);
        return 0;
    case KEY_SEED:
        o->seed = cli_number(arg, 0, UINT64_MAX, "--seed", state);
        return 0;
    case 'o':
        o->output = arg;
        return 0;
    case ARGP_KEY_ARG:
        if (o->match != NULL)
            argp_error(state, "found '%s', expected one MATCH directory only", arg);
        o->match = arg;
        return 0;
    case ARGP_KEY_END:
        if (o->match == NULL)
            argp_error(state, "expected the MATCH directory that `likeness match` made");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static void print_row(const lk_power_row *row, double power)
{
    char strength[32] = "genuine";
    if (!isnan(row->strength))
        snprintf(strength, sizeof strength, "%.2f", row->strength);
    if (row->planted == 0)
        printf(
            "%-9s none: with every identity leaking, %.0f %% of the sets are detected, fewer than %.0f %%\n",
            strength, 100 * row->detected, 100 * power);
    else
        printf("%-9s %.1f %% (%llu identities): detected in %.1f %% of the sets (95 %% interval %.1f to "
               "%.1f), %.0f %% of "
               "the planted found, %.1f %% of the discoveries false\n",
               strength, 100 * row->share, (unsigned long long)row->planted, 100 * row->detected,
               100 * row->detected_low, 100 * row->detected_high, 100 * row->found, 100 * row->false_share);
}

int cmd_power(struct cli *cli, int argc, char **argv)
{
    static const struct argp_child children[] = {{&common_argp, 0, "Common options:", 10}, {0}};
    static const struct argp argp = {
        options,
        parse,
        "MATCH",
        "Plant leaks into the scores of a comparison, and print the smallest share that it would have found.",
        children,
        NULL,
        NULL};
    static const double usual[] = {0.3, 0.4, 0.5, 0.6, 0.7, 0.8};
    struct power_input in = {.cli = cli};
    lk_power_options_init(&in.options);
    cli_parse(&argp, argc, argv, &in);
    in.options.strengths = in.strengths;
    in.options.command = cli->command;
    if (in.options.n_strengths == 0) {
        in.options.n_strengths = sizeof usual / sizeof *usual;
        memcpy(in.strengths, usual, sizeof usual);
    }
    int code = cli_start(cli);
    if (code != EXIT_DONE)
        return code;
    lk_error err;
    lk_power_row rows[MAX_STRENGTHS + 1];
    lk_power_summary summary;
    lk_status status = lk_measure_power(cli->ctx, &in.options, rows, &summary, &err);
    if (status != LK_OK)
        return cli_fail(cli, status, &err);
    printf("run       %llu identities, %llu discoveries left out; at a false discovery rate of %g %% at "
           "least %llu "
           "discoveries are needed\n",
           (unsigned long long)summary.n_units, (unsigned long long)summary.n_discoveries,
           100 * in.options.fdr, (unsigned long long)summary.resolution);
    printf("strength  smallest planted share that is detected\n");
    for (uint64_t i = 0; i < summary.n_rows; i++)
        print_row(&rows[i], in.options.power);
    return EXIT_DONE;
}
