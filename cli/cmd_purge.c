/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_purge.c - likeness purge: biometric data out of a folder of results, the numbers stay. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

enum { KEY_YES = 0x2001 };

struct purge_input {
    struct cli *cli;
    lk_purge_options options;
    bool yes;
};

static const struct argp_option options[] = {
    {"yes", KEY_YES, NULL, 0, "do not ask; needed where no terminal is there to ask on", 0},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct purge_input *in = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = in->cli;
        return 0;
    case KEY_YES:
        in->yes = true;
        return 0;
    case ARGP_KEY_ARG:
        if (in->options.folder != NULL)
            argp_error(state, "found '%s', expected one folder only", arg);
        in->options.folder = arg;
        return 0;
    case ARGP_KEY_END:
        if (in->options.folder == NULL)
            argp_error(state, "expected the folder that `likeness audit` made");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static void print_act(void *user, lk_purge_act act, const char *path, uint64_t bytes)
{
    (void)user;
    if (act == LK_PURGE_LEAVE)
        printf("leaves    %s, which is outside this folder\n", path);
    else if (act == LK_PURGE_REPLACE)
        printf("replaces  %s by a page without pictures, paths and names\n", path);
    else
        printf("removes   %s (%llu bytes)\n", path, (unsigned long long)bytes);
}

static void print_nothing(void *user, lk_purge_act act, const char *path, uint64_t bytes)
{
    (void)user, (void)act, (void)path, (void)bytes;
}

/* EXIT_DONE = go on. */
static int ask(const struct purge_input *in)
{
    char answer[16] = "";
    if (in->yes)
        return EXIT_DONE;
    if (!isatty(STDIN_FILENO)) {
        fprintf(stderr,
                "likeness purge: nothing was removed: expected --yes, for there is no terminal to ask on\n");
        return EXIT_USAGE;
    }
    fflush(stdout);
    fprintf(stderr, "This cannot be undone. Type yes to go on: ");
    if (fgets(answer, sizeof answer, stdin) != NULL && strcmp(answer, "yes\n") == 0)
        return EXIT_DONE;
    fprintf(stderr, "nothing was removed\n");
    return EXIT_FAILED;
}

int cmd_purge(struct cli *cli, int argc, char **argv)
{
    static const struct argp_child children[] = {{&common_argp, 0, "Common options:", 10}, {0}};
    static const struct argp argp = {options,
                                     parse,
                                     "DIR",
                                     "Remove biometric data from a folder of results: embeddings, what was "
                                     "made from them to search faster, and "
                                     "pictures. Tables and numbers stay.\v"
                                     "Only files that likeness wrote are removed, and none outside the "
                                     "folder. Tables still name persons and "
                                     "pictures.",
                                     children,
                                     NULL,
                                     NULL};
    struct purge_input in = {.cli = cli};
    lk_purge_options_init(&in.options);
    cli_parse(&argp, argc, argv, &in);
    int code = cli_start(cli);
    if (code != EXIT_DONE)
        return code;
    lk_purge_summary s;
    lk_error err;
    in.options.dry_run = 1;
    lk_status status = lk_purge(cli->ctx, &in.options, print_act, cli, &s, &err);
    if (status != LK_OK)
        return cli_fail(cli, status, &err);
    if (s.n_removed + s.n_replaced == 0)
        printf("no biometric data is left in %s\n", in.options.folder);
    code = s.n_removed + s.n_replaced > 0 ? ask(&in) : EXIT_DONE;
    if (code != EXIT_DONE)
        return code;
    in.options.dry_run = 0; /* also with nothing to remove: an interrupted purge is completed */
    status = lk_purge(cli->ctx, &in.options, print_nothing, cli, &s, &err);
    if (status != LK_OK)
        return cli_fail(cli, status, &err);
    if (s.n_removed + s.n_replaced > 0)
        printf("%llu removed, %llu replaced, %llu with numbers kept\n", (unsigned long long)s.n_removed,
               (unsigned long long)s.n_replaced, (unsigned long long)s.n_kept);
    return EXIT_DONE;
}
