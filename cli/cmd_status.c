/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_status.c - likeness status: where a running or stopped study is. */
#include <stdio.h>
#include <stdlib.h>

#include "cli.h"

struct status_args {
    struct cli *cli;
    const char *folder;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct status_args *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = a->cli;
        return 0;
    case ARGP_KEY_ARG:
        if (a->folder != NULL)
            argp_error(state, "found '%s', expected one folder", arg);
        a->folder = arg;
        return 0;
    case ARGP_KEY_END:
        if (a->folder == NULL)
            argp_error(state, "expected the output folder of a study");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

int cmd_status(struct cli *cli, int argc, char **argv)
{
    static const struct argp_child children[] = {{&common_argp, 0, "Common options:", 10}, {0}};
    static const struct argp argp = {
        NULL,
        parse,
        "DIR",
        "Say where the study is that writes into DIR: which steps are done, running, "
        "failed or waiting, and whether a process works on them.\v"
        "Example:\n  likeness status audit/",
        children,
        NULL,
        NULL};
    struct status_args args = {.cli = cli};
    cli_parse(&argp, argc, argv, &args);
    lk_study_progress progress;
    lk_error err;
    lk_status status = lk_study_where(args.folder, &progress, &err);
    if (status != LK_OK)
        return cli_fail(cli, status, &err);
    fputs(progress.text, stdout);
    free(progress.text);
    return EXIT_DONE;
}
