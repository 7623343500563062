/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_match.c - likeness match: compares every synthetic face with every real one, exactly. */
#include <inttypes.h>
#include <stdio.h>

#include "cli.h"

enum { KEY_HOLDOUT = 0x2001, KEY_MIN_SCORE, KEY_FORCE, KEY_CPU, KEY_CACHE, KEY_SHARD };

static const struct argp_option options[] = {
    {"holdout", KEY_HOLDOUT, "FACES", 0, "also compare with these real people, whom the generator never saw",
     0},
    {"pairs", 'k', "K", 0, "keep the K closest pairs (default: 1500)", 0},
    {"nearest", 'r', "R", 0, "keep the R closest of each synthetic face (default: 10)", 0},
    {"min-score", KEY_MIN_SCORE, "S", 0, "write every pair that scores at least S, too", 0},
    {"output", 'o', "MATCH", 0, "folder for the tables", 0},
    {"force", KEY_FORCE, NULL, 0, "replace results that were made with other inputs or settings", 0},
    {"cpu", KEY_CPU, "LEVEL", 0,
     "use the instructions of LEVEL, as `likeness version -v` lists them (default: auto)", 0},
    {"cache", KEY_CACHE, NULL, 0,
     "keep the search's codes of the real faces beside their embeddings, and use kept ones", 0},
    {"shard", KEY_SHARD, "PART", 0,
     "compare with one part of the real faces only, such as 3/8; `likeness merge` joins the parts", 0},
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
        state->child_inputs[0] = a->cli;
        return 0;
    case KEY_HOLDOUT:
        a->options.holdout = arg;
        return 0;
    case 'k':
        a->options.k = cli_number(arg, 1, 1000000000, "-k", state);
        return 0;
    case 'r':
        a->options.r = cli_number(arg, 1, 65536, "-r", state);
        return 0;
    case KEY_MIN_SCORE:
        a->options.min_score = cli_real(arg, -1, 1, "--min-score", state);
        return 0;
    case 'o':
        a->options.output = arg;
        return 0;
    case KEY_FORCE:
        a->options.force = 1;
        return 0;
    case KEY_CPU:
        a->options.cpu = cli_cpu(arg, state);
        return 0;
    case KEY_CACHE:
        a->options.cache = 1;
        return 0;
    case KEY_SHARD:
        cli_shard(arg, &a->options.shard, &a->options.n_shards, state);
        return 0;
    case ARGP_KEY_ARG:
        if (state->arg_num == 0)
            a->options.probes = arg;
        else if (state->arg_num == 1)
            a->options.references = arg;
        else
            argp_error(state, "found a third argument '%s', expected SYNTH and TRAIN", arg);
        return 0;
    case ARGP_KEY_END:
        if (state->arg_num < 2)
            argp_error(state, "expected SYNTH and TRAIN: two FACES folders or files of embeddings");
        if (a->options.output == NULL)
            argp_error(state, "expected -o MATCH: the folder to write to");
        if (a->options.cache && a->options.n_shards > 0)
            argp_error(state, "--cache keeps the codes of whole sets: it does not go with --shard");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

void cli_print_match(const lk_match_summary *s, const char *output)
{
    printf("%" PRIu64 " synthetic faces compared with %" PRIu64 " of the training set", s->n_probes,
           s->n_references);
    if (s->n_holdout > 0)
        printf(" and %" PRIu64 " held out", s->n_holdout);
    printf(": %" PRIu64 " pairs\n", s->n_pairs);
    if (s->n_excluded > 0)
        printf("%" PRIu64 " rows left out, being zero or not finite\n", s->n_excluded);
    printf("closest pair in the training set scores %.4f, number %" PRIu64 " scores %.4f\n", (double)s->best,
           s->n_closest, (double)s->kth);
    printf("%s in %s%s\n", s->is_shard ? "a shard for `likeness merge`" : "tables", output,
           s->up_to_date ? " (up to date, nothing was to do)" : "");
}

int cmd_match(struct cli *cli, int argc, char **argv)
{
    static const struct argp_child children[] = {{&common_argp, 0, "Common options:", 10}, {0}};
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
