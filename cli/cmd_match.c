/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_match.c - likeness match: compares every synthetic face with every real one, exactly. */
#include "cli.h"

enum { KEY_SHARD = 0x2001 };

static const struct argp_option options[] = {
    {"shard", KEY_SHARD, "PART", 0,
     "compare with one part of the real faces only, such as 3/8; `likeness merge` joins the parts", 2},
    {0},
};

struct match_args {
    struct cli *cli;
    lk_match_options options;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct match_args *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->options;
        state->child_inputs[1] = a->cli;
        return 0;
    case KEY_SHARD:
        cli_shard(arg, &a->options.shard, &a->options.n_shards, state);
        return 0;
    case ARGP_KEY_END:
        if (a->options.cache && a->options.n_shards > 0)
            argp_error(state, "--cache keeps the codes of whole sets: it does not go with --shard");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

int cmd_match(struct cli *cli, int argc, char **argv)
{
    static const struct argp_child children[] = {
        {&match_argp, 0, NULL, 1}, {&common_argp, 0, "Common options:", 10}, {0}};
    static const struct argp argp = {
        options,
        parse,
        "SYNTH TRAIN",
        "Compare every face of SYNTH with every face of TRAIN, exactly, and write the closest pairs.\v"
        "SYNTH, TRAIN and the hold-out are FACES folders that `likeness embed` made, or files with one "
        "embedding per row: .npy, .npz, .fvecs, HDF5, JSON lines. FILE:ARRAY names one of several arrays.\n\n"
        "  likeness match synth.faces train.faces --holdout others.faces -o match",
        children,
        NULL,
        NULL};
    struct match_args args = {.cli = cli};
    lk_match_options_init(&args.options);
    cli_parse(&argp, argc, argv, &args);
    int code = cli_start(cli);
    if (code != EXIT_DONE)
        return code;
    args.options.command = cli->command;
    lk_match_summary summary;
    lk_error err;
    lk_status status = lk_match(cli->ctx, &args.options, &summary, &err);
    if (status != LK_OK)
        return cli_fail(cli, status, &err);
    cli_print_match(&summary, args.options.output);
    return summary.n_excluded > 0 ? EXIT_SOME_UNREADABLE : EXIT_DONE;
}
