/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_verify.c - likeness verify: is a folder of results still what its manifest says, and do samples come
 * out the same again? */
#include <stdio.h>

#include "cli.h"

enum { KEY_SAMPLE = 0x2001, KEY_SEED };

struct verify_input {
    struct cli *cli;
    lk_verify_options options;
};

static const struct argp_option options[] = {
    {"sample", KEY_SAMPLE, "N", 0,
     "faces of each set to embed again, and pairs of each table to score again (default: 50); 0 compares "
     "hashes only",
     0},
    {"seed", KEY_SEED, "N", 0, "seed of the choice of these (default: 1)", 0},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct verify_input *in = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = in->cli;
        return 0;
    case KEY_SAMPLE:
        in->options.sample = cli_number(arg, 0, 20000, "--sample", state);
        return 0;
    case KEY_SEED:
        in->options.seed = cli_number(arg, 0, UINT64_MAX, "--seed", state);
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

static void print_finding(void *user, const lk_finding *finding)
{
    static const char *const words[] = {
        [LK_FOUND_SAME] = "same",   [LK_FOUND_CHANGED] = "changed", [LK_FOUND_MISSING] = "missing",
        [LK_FOUND_EXTRA] = "extra", [LK_FOUND_PURGED] = "purged",   [LK_FOUND_UNCHECKED] = "not checked"};
    (void)user;
    term_clear_line();
    printf("%-11s %s: %s\n", words[finding->kind], finding->what, finding->text);
}

int cmd_verify(struct cli *cli, int argc, char **argv)
{
    static const struct argp_child children[] = {{&common_argp, 0, "Common options:", 10}, {0}};
    static const struct argp argp = {options,
                                     parse,
                                     "DIR",
                                     "Check a folder of results against its manifest.json: the hash of every "
                                     "result, input and model, and of "
                                     "sampled pictures; then embed sampled faces and score sampled pairs "
                                     "again, which must give the same bits.\v"
                                     "Exit code 0: all is as recorded; 1: something differs; 3: nothing "
                                     "differs, but something could not be "
                                     "checked, such as pictures that are not there any more.",
                                     children,
                                     NULL,
                                     NULL};
    struct verify_input in = {.cli = cli};
    lk_verify_options_init(&in.options);
    cli_parse(&argp, argc, argv, &in);
    int code = cli_start(cli);
    if (code != EXIT_DONE)
        return code;
    lk_verify_summary s;
    lk_error err;
    lk_status status = lk_verify(cli->ctx, &in.options, print_finding, cli, &s, &err);
    if (status != LK_OK)
        return cli_fail(cli, status, &err);
    if (s.n_different > 0)
        printf("%llu findings differ from the manifest\n", (unsigned long long)s.n_different);
    else if (s.n_unchecked > 0)
        printf("nothing differs, but %llu things could not be checked\n", (unsigned long long)s.n_unchecked);
    else
        printf("all is as recorded\n");
    return s.n_different > 0 ? EXIT_FAILED : s.n_unchecked > 0 ? EXIT_SOME_UNREADABLE : EXIT_DONE;
}
