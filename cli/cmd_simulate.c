/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_simulate.c - likeness simulate: vectors of made people with known leaks. */
#include <inttypes.h>
#include <stdio.h>

#include "cli.h"

enum {
    KEY_UNITS = 0x2001,
    KEY_PERSONS,
    KEY_HOLDOUTS,
    KEY_CONTROLS,
    KEY_IMAGES,
    KEY_DIM,
    KEY_SHARE,
    KEY_CHILDREN,
    KEY_JUNK,
    KEY_HUBS,
    KEY_SHIFT,
    KEY_DOUBLES,
    KEY_SEED,
    KEY_FORCE
};

static const struct argp_option options[] = {
    {"output", 'o', "DIR", 0, "folder for the sets and truth.csv", 0},
    {"share", KEY_SHARE, "S", 0, "share of the synthetic identities to plant (default: 0.05)", 0},
    {"identities", KEY_UNITS, "N", 0, "synthetic identities (default: 800)", 0},
    {"persons", KEY_PERSONS, "N", 0, "persons of the training set (default: 800)", 0},
    {"holdouts", KEY_HOLDOUTS, "K", 0, "the hold-out has K times as many persons (default: 1)", 0},
    {"controls", KEY_CONTROLS, "N", 0, "control identities (default: 800)", 0},
    {"images", KEY_IMAGES, "N", 0, "images of each identity, and of each person on average (default: 2)", 0},
    {"dim", KEY_DIM, "D", 0, "length of the vectors (default: 256)", 0},
    {"children", KEY_CHILDREN, "S", 0, "share of identities and persons in one dense cluster (default: 0.1)",
     0},
    {"junk", KEY_JUNK, "S", 0, "share of synthetic identities without a face (default: 0.02)", 0},
    {"hubs", KEY_HUBS, "S", 0,
     "share of persons close to everything, and as many without a face (default: 0.005)", 0},
    {"shift", KEY_SHIFT, "S", 0, "how far the hold-out is from the source of the others, 0 to 1 (default: 0)",
     0},
    {"doubles", KEY_DOUBLES, "N", 0, "persons of the hold-out who are in the training set, too (default: 0)",
     0},
    {"seed", KEY_SEED, "N", 0, "another seed, another simulation (default: 1)", 0},
    {"force", KEY_FORCE, NULL, 0, "replace an earlier simulation", 0},
    {0},
};

struct simulate_args {
    struct cli *cli;
    lk_simulate_options options;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct simulate_args *a = state->input;
    lk_simulate_options *o = &a->options;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = a->cli;
        return 0;
    case 'o':
        o->output = arg;
        return 0;
    case KEY_SHARE:
        o->share = cli_real(arg, 0, 1, "--share", state);
        return 0;
    case KEY_UNITS:
        o->units = cli_number(arg, 1, 9999999, "--identities", state);
        return 0;
    case KEY_PERSONS:
        o->persons = cli_number(arg, 1, 9999999, "--persons", state);
        return 0;
    case KEY_HOLDOUTS:
        o->holdouts = cli_number(arg, 1, 100, "--holdouts", state);
        return 0;
    case KEY_CONTROLS:
        o->controls = cli_number(arg, 0, 9999999, "--controls", state);
        return 0;
    case KEY_IMAGES:
        o->images = cli_number(arg, 1, 1000, "--images", state);
        return 0;
    case KEY_DIM:
        o->dim = cli_number(arg, 8, 65536, "--dim", state);
        return 0;
    case KEY_CHILDREN:
        o->children = cli_real(arg, 0, 1, "--children", state);
        return 0;
    case KEY_JUNK:
        o->junk = cli_real(arg, 0, 1, "--junk", state);
        return 0;
    case KEY_HUBS:
        o->hubs = cli_real(arg, 0, 0.5, "--hubs", state);
        return 0;
    case KEY_SHIFT:
        o->shift = cli_real(arg, 0, 1, "--shift", state);
        return 0;
    case KEY_DOUBLES:
        o->doubles = cli_number(arg, 0, 9999999, "--doubles", state);
        return 0;
    case KEY_SEED:
        o->seed = cli_number(arg, 0, INT64_MAX, "--seed", state);
        return 0;
    case KEY_FORCE:
        o->force = 1;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "found '%s', expected options only", arg);
        return 0;
    case ARGP_KEY_END:
        if (o->output == NULL)
            argp_error(state, "expected -o DIR: the folder to write to");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

int cmd_simulate(struct cli *cli, int argc, char **argv)
{
    static const struct argp_child children[] = {{&common_argp, 0, "Common options:", 10}, {0}};
    static const struct argp argp = {
        options,
        parse,
        NULL,
        "Make vectors of people who do not exist, with known leaks, as FACES folders that `likeness measure` "
        "takes.\v"
        "  likeness simulate --share 0.05 -o made\n"
        "  likeness measure --synthetic made/synthetic --train made/train --holdout made/holdout -o measures",
        children,
        NULL,
        NULL};
    struct simulate_args args = {.cli = cli};
    lk_simulate_options_init(&args.options);
    cli_parse(&argp, argc, argv, &args);
    int code = cli_start(cli);
    if (code != EXIT_DONE)
        return code;
    args.options.command = cli->command;
    lk_simulate_summary summary;
    lk_error err;
    lk_status status = lk_simulate(cli->ctx, &args.options, &summary, &err);
    if (status != LK_OK)
        return cli_fail(cli, status, &err);
    printf("%" PRIu64 " of %" PRIu64 " synthetic identities are planted; the truth is in %s/truth.csv\n",
           summary.n_planted, summary.n_units, args.options.output);
    return EXIT_DONE;
}
