/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_merge.c - likeness merge: the FACES or MATCH directories of all shards to one. */
#include <stdio.h>
#include <unistd.h>

#include "cli.h"

enum { KEY_FORCE = 0x2001 };

struct args {
    struct cli *cli;
    lk_merge_options merge;
};

static const struct argp_option options[] = {
    {"output", 'o', "DIR", 0, "FACES or MATCH directory to write (required)", 1},
    {"force", KEY_FORCE, NULL, 0, "replace a finished result that was made with other settings", 1},
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
        a->merge.output = arg;
        return 0;
    case KEY_FORCE:
        a->merge.force = 1;
        return 0;
    case ARGP_KEY_ARGS:
        a->merge.shards = (const char *const *)(state->argv + state->next);
        a->merge.n_shards = (size_t)(state->argc - state->next);
        return 0;
    case ARGP_KEY_END:
        if (a->merge.n_shards == 0)
            argp_error(state, "expected the folders of all shards");
        if (a->merge.output == NULL)
            argp_error(state, "expected an output folder: -o DIR");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* Whether a folder is a shard of `likeness match`, which keeps its finds there. */
static int is_match_shard(const char *dir)
{
    char path[4096];
    int len = snprintf(path, sizeof path, "%s/search.part", dir);
    return len > 0 && (size_t)len < sizeof path && access(path, F_OK) == 0;
}

static int merge_match(struct cli *cli, const lk_merge_options *merge)
{
    lk_match_merge_options match;
    lk_match_summary summary;
    lk_error err;
    lk_match_merge_options_init(&match);
    match.shards = merge->shards;
    match.n_shards = merge->n_shards;
    match.output = merge->output;
    match.force = merge->force;
    match.command = cli->command;
    lk_status status = lk_match_merge(cli->ctx, &match, &summary, &err);
    if (status != LK_OK)
        return cli_fail(cli, status, &err);
    cli_print_match(&summary, match.output);
    return summary.n_excluded > 0 ? EXIT_SOME_UNREADABLE : EXIT_DONE;
}

int cmd_merge(struct cli *cli, int argc, char **argv)
{
    static const struct argp_child children[] = {{&common_argp, 0, "Common options:", 10}, {0}};
    static const struct argp argp = {
        options,
        parse,
        "SHARD... -o DIR",
        "Join the folders that `likeness embed --shard I/N` or `likeness match --shard I/N` made into the one "
        "that a single run would have made.\v"
        "All shards of one division are needed, each once, in any order. They are read and left as they are.\n\n"
        "Example: likeness merge part-1/ part-2/ -o faces/",
        children,
        NULL,
        NULL};
    struct args args = {.cli = cli};
    lk_merge_options_init(&args.merge);
    cli_parse(&argp, argc, argv, &args);
    int code = cli_start(cli);
    if (code != EXIT_DONE)
        return code;
    if (is_match_shard(args.merge.shards[0]))
        return merge_match(cli, &args.merge);
    args.merge.command = cli->command;
    lk_embed_summary summary;
    lk_error err;
    lk_status status = lk_merge(cli->ctx, &args.merge, &summary, &err);
    if (status != LK_OK)
        return cli_fail(cli, status, &err);
    cli_print_faces(&summary, args.merge.output);
    return summary.n_unreadable > 0 ? EXIT_SOME_UNREADABLE : EXIT_DONE;
}
