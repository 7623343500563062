/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_measure.c - likeness measure: measures leakage; so far in somebody else's list only. */
#include "cli.h"

struct measure_input {
    struct cli *cli;
    lk_list_options list;
};

static const struct argp_option options[] = {
    {"output", 'o', "DIR", 0, "write list.json and list_persons.csv into DIR", 0},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct measure_input *in = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = in->cli;
        state->child_inputs[1] = &in->list;
        return 0;
    case 'o':
        in->list.output = arg;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "found '%s', expected options only", arg);
        return 0;
    case ARGP_KEY_END:
        if (in->list.list == NULL)
            argp_error(state, "expected --list FILE");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

int cmd_measure(struct cli *cli, int argc, char **argv)
{
    static const struct argp_child children[] = {
        {&common_argp, 0, "Common options:", 10}, {&list_argp, 0, "A list made elsewhere:", 5}, {0}};
    static const struct argp argp = {
        options,  parse, "",  "Measure what a list of closest pairs says, whoever made it.",
        children, NULL,  NULL};
    struct measure_input in = {.cli = cli};
    lk_list_options_init(&in.list);
    cli_parse(&argp, argc, argv, &in);
    in.list.command = cli->command;
    return measure_list(cli, &in.list);
}
