/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_info.c - likeness info: what paths are, before work is spent on them. */
#include <stdio.h>
#include <stdlib.h>

#include "cli.h"

enum { KEY_JSON = 0x2001 };

struct args {
    struct cli *cli;
    lk_info_options info;
    struct set_options set;
};

static const struct argp_option options[] = {
    {"json", KEY_JSON, NULL, 0, "print a JSON object", 1},
    {"pictures", 'n', "N", 0, "look into the first N images (default 5)", 1},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct args *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->set;
        state->child_inputs[1] = a->cli;
        return 0;
    case KEY_JSON:
        a->info.json = 1;
        return 0;
    case 'n':
        a->info.n_pictures = cli_number(arg, 0, 1000000, "--pictures", state);
        return 0;
    case ARGP_KEY_ARGS:
        a->info.inputs = (const char *const *)(state->argv + state->next);
        a->info.n_inputs = (size_t)(state->argc - state->next);
        return 0;
    case ARGP_KEY_END:
        if (a->info.n_inputs == 0)
            argp_error(state, "expected at least one path");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

int cmd_info(struct cli *cli, int argc, char **argv)
{
    static const struct argp_child children[] = {
        {&set_argp, 0, "What the paths are:", 2}, {&common_argp, 0, "Common options:", 10}, {0}};
    static const struct argp argp = {
        options,
        parse,
        "PATH...",
        "Say what paths are: a set of images and of which kind, a FACES or MATCH directory, embeddings.\v"
        "Of a set of images it counts images and identities, decodes the first images and lists what is "
        "wrong "
        "with it. Several PATHs are looked at as one set, as `likeness embed` would take them.",
        children,
        NULL,
        NULL};
    struct args args = {.cli = cli};
    lk_info_options_init(&args.info);
    cli_parse(&argp, argc, argv, &args);
    int code = cli_start(cli);
    if (code != EXIT_DONE)
        return code;
    cli_use_preset(cli, &args.set);
    args.info.format = args.set.format;
    args.info.identity = args.set.identity;
    args.info.labels = args.set.labels;
    char *text;
    lk_error err;
    lk_status status = lk_info(cli->ctx, &args.info, &text, &err);
    if (status != LK_OK)
        return cli_fail(cli, status, &err);
    fputs(text, stdout);
    free(text);
    return EXIT_DONE;
}
