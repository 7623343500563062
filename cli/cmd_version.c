/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_version.c - likeness version: what this program is, and where its models lie. */
#include <stdio.h>

#include "cli.h"

static error_t parse(int key, char *arg, struct argp_state *state)
{
    (void)arg;
    if (key == ARGP_KEY_INIT) {
        state->child_inputs[0] = state->input;
        return 0;
    }
    if (key == ARGP_KEY_ARG)
        argp_error(state, "expected no argument");
    return ARGP_ERR_UNKNOWN;
}

int cmd_version(struct cli *cli, int argc, char **argv)
{
    static const struct argp_child children[] = {{&common_argp, 0, "Common options:", 10}, {0}};
    static const struct argp argp = {NULL, parse, "", "Print the version and where the models lie.",
                                     children, NULL, NULL};
    cli_parse(&argp, argc, argv, cli);
    int code = cli_start(cli);
    if (code != EXIT_DONE)
        return code;
    printf("likeness %s\n", lk_version());
    printf("models in %s\n", lk_ctx_model_dir(cli->ctx));
    return EXIT_DONE;
}
