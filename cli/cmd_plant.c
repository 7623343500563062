/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_plant.c - likeness plant: a synthetic set with known leaks. */
#include <inttypes.h>
#include <stdio.h>

#include "cli.h"

enum { KEY_TRAIN = 0x2001, KEY_OTHERS, KEY_N_OTHERS, KEY_KINDS, KEY_ALPHA, KEY_SEED, KEY_FORCE };

struct args {
    struct cli *cli;
    lk_plant_options plant;
};

static const struct argp_option options[] = {
    {"output", 'o', "DIR", 0, "folder to make: images/ and truth.csv (required)", 1},
    {"train", KEY_TRAIN, "DIR", 0, "images of the training set, a folder for each person or flat (required)",
     1},
    {"others", KEY_OTHERS, "DIR", 0, "images of other people, the innocent rest (required)", 1},
    {"number", 'n', "N", 0, "plant N identities of the training set (default: 10)", 1},
    {"n-others", KEY_N_OTHERS, "N", 0, "use N identities of the others (default: all)", 1},
    {"kinds", KEY_KINDS, "LIST", 0, "how, in turn: copy,flip,crop,jpeg,blur,colour (default), other, blend",
     1},
    {"alpha", KEY_ALPHA, "A", 0, "weight of the training image in blends (default: 0.5)", 1},
    {"seed", KEY_SEED, "S", 0, "the same seed gives the same set (default: 1)", 1},
    {"force", KEY_FORCE, NULL, 0, "replace a planted set made with other settings", 1},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct args *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = a->cli;
        return 0;
    case 'o':
        a->plant.output = arg;
        return 0;
    case 'n':
        a->plant.n_planted = cli_number(arg, 0, UINT32_MAX, "--number", state);
        return 0;
    case KEY_TRAIN:
        a->plant.train = arg;
        return 0;
    case KEY_OTHERS:
        a->plant.others = arg;
        return 0;
    case KEY_N_OTHERS:
        a->plant.n_others = cli_number(arg, 1, UINT32_MAX, "--n-others", state);
        return 0;
    case KEY_KINDS:
        a->plant.kinds = arg;
        return 0;
    case KEY_ALPHA:
        a->plant.alpha = cli_real(arg, 0, 1, "--alpha", state);
        return 0;
    case KEY_SEED:
        a->plant.seed = cli_number(arg, 0, UINT64_MAX, "--seed", state);
        return 0;
    case KEY_FORCE:
        a->plant.force = 1;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "found '%s', expected options only", arg);
        return 0;
    case ARGP_KEY_END:
        if (a->plant.train == NULL || a->plant.others == NULL || a->plant.output == NULL)
            argp_error(state, "expected --train DIR, --others DIR and -o DIR");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

int cmd_plant(struct cli *cli, int argc, char **argv)
{
    static const struct argp_child children[] = {{&common_argp, 0, "Common options:", 10}, {0}};
    static const struct argp argp = {
        options,
        parse,
        "--train DIR --others DIR -o DIR",
        "Make a synthetic set that leaks known people of a training set.\v"
        "Identities of the training set, changed a little, are mixed with those of the others, which "
        "undergo the same changes; names and order tell nothing, truth.csv tells all. Kind 'other' uses "
        "other photos of a person: they must not be in the training set then, so DIR/train/ links to the "
        "pictures that stay in it; audit against that folder.\n\n"
        "Example: likeness plant --train train/ --others rest/ -n 20 -o planted/",
        children,
        NULL,
        NULL};
    struct args args = {.cli = cli};
    lk_plant_options_init(&args.plant);
    cli_parse(&argp, argc, argv, &args);
    int code = cli_start(cli);
    if (code != EXIT_DONE)
        return code;
    args.plant.command = cli->command;
    lk_plant_summary summary;
    lk_error err;
    lk_status status = lk_plant(cli->ctx, &args.plant, &summary, &err);
    if (status != LK_OK)
        return cli_fail(cli, status, &err);
    printf("%s/images: %" PRIu64 " identities planted from %s, %" PRIu64 " others\n", args.plant.output,
           summary.n_planted, args.plant.train, summary.n_others);
    printf("%s/truth.csv says which\n", args.plant.output);
    return EXIT_DONE;
}
