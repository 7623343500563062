/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_version.c - likeness version: what this program is, where its models lie, which instructions it
 * compares with. */
#include <stdio.h>

#include "cli.h"

static const struct argp_option options[] = {
    {"verbose", 'v', NULL, 0, "also list the instruction sets that `likeness match` has code for", 0},
    {0},
};

struct version_args {
    struct cli *cli;
    bool verbose;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct version_args *a = state->input;
    (void)arg;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = a->cli;
        return 0;
    case 'v':
        a->verbose = true;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "expected no argument");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static void print_levels(void)
{
    lk_cpu_level level;
    printf("instruction sets for comparing, fastest first:\n");
    for (int i = 0; lk_cpu_level_at(i, &level); i++) {
        printf("  %-9s ", level.name);
        if (!level.built)
            printf("not built in: needs %s\n", level.needs);
        else if (!level.usable)
            printf("built in, but this machine lacks %s\n", level.needs);
        else if (level.chosen)
            printf("chosen: the fastest tested one that this machine has (%s)\n", level.needs);
        else
            printf("usable (%s)%s\n", level.needs, level.tested ? "" : ", but never tested: only by --cpu");
    }
}

int cmd_version(struct cli *cli, int argc, char **argv)
{
    static const struct argp_child children[] = {{&common_argp, 0, "Common options:", 10}, {0}};
    static const struct argp argp = {options,  parse, "",  "Print the version and where the models lie.",
                                     children, NULL,  NULL};
    struct version_args args = {.cli = cli};
    cli_parse(&argp, argc, argv, &args);
    int code = cli_start(cli);
    if (code != EXIT_DONE)
        return code;
    printf("likeness %s\n", lk_version());
    printf("models in %s\n", lk_ctx_model_dir(cli->ctx));
    if (args.verbose)
        print_levels();
    return EXIT_DONE;
}
