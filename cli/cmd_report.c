/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_report.c - likeness report: from a MATCH directory to the page and the verdict. */
#include <stdio.h>

#include "cli.h"

enum {
    KEY_THRESHOLDS = 0x2001,
    KEY_NO_FACES,
    KEY_TRUTH,
    KEY_FDR,
    KEY_PAIRS,
    KEY_CONTACT_SHEET,
    KEY_CONTACT_ROWS
};

struct report_input {
    struct cli *cli;
    lk_report_options options;
};

static const struct argp_option options[] = {
    {"output", 'o', "FILE", 0,
     "the page to write (default: report.html); the same numbers go into FILE with .json for .html", 0},
    {"thresholds", KEY_THRESHOLDS, "FILE", 0,
     "thresholds.json of `likeness calibrate` (default: those of the model)", 0},
    {"no-faces", KEY_NO_FACES, NULL, 0, "leave out every picture, path and name of a person", 0},
    {"truth", KEY_TRUTH, "FILE", 0,
     "truth.csv of `likeness plant`: print beside the findings what was planted", 0},
    {"fdr", KEY_FDR, "Q", 0, "false discovery rate of the list of discoveries (default: 0.05)", 0},
    {"pairs", KEY_PAIRS, "N", 0, "show the N closest pairs (default: 500)", 0},
    {"contact-sheet", KEY_CONTACT_SHEET, "FILE", 0,
     "write a PNG for a paper: the shown pairs with rank and score, discoveries first", 0},
    {"contact-rows", KEY_CONTACT_ROWS, "N", 0, "rows of four pairs in it (default: 6)", 0},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct report_input *in = state->input;
    switch (key) {
    case ARGP_KEY_INIT: state->child_inputs[0] = in->cli; return 0;
    case 'o': in->options.output = arg; return 0;
    case KEY_THRESHOLDS: in->options.thresholds = arg; return 0;
    case KEY_NO_FACES: in->options.no_faces = 1; return 0;
    case KEY_TRUTH: in->options.truth = arg; return 0;
    case KEY_FDR: in->options.fdr = cli_real(arg, 1e-6, 0.999, "--fdr", state); return 0;
    case KEY_PAIRS: in->options.max_pairs = cli_number(arg, 0, 100000, "--pairs", state); return 0;
    case KEY_CONTACT_SHEET: in->options.contact_sheet = arg; return 0;
    case KEY_CONTACT_ROWS: in->options.contact_rows = cli_number(arg, 1, 100, "--contact-rows", state); return 0;
    case ARGP_KEY_ARG:
        if (in->options.match != NULL)
            argp_error(state, "found '%s', expected one MATCH directory only", arg);
        in->options.match = arg;
        return 0;
    case ARGP_KEY_END:
        if (in->options.match == NULL)
            argp_error(state, "expected the MATCH directory that `likeness match` made");
        if (in->options.no_faces && in->options.contact_sheet != NULL)
            argp_error(state,
                       "--contact-sheet shows faces, --no-faces leaves them out; expected one of them");
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

int cmd_report(struct cli *cli, int argc, char **argv)
{
    static const struct argp_child children[] = {{&common_argp, 0, "Common options:", 10}, {0}};
    static const struct argp argp = {
        options,  parse,
        "MATCH",  "Write one self-contained HTML page about a comparison, and print the verdict.",
        children, NULL,
        NULL};
    struct report_input in = {.cli = cli};
    lk_report_options_init(&in.options);
    cli_parse(&argp, argc, argv, &in);
    if (in.options.output == NULL)
        in.options.output = "report.html";
    in.options.command = cli->command;
    int code = cli_start(cli);
    if (code != EXIT_DONE)
        return code;
    lk_error err;
    lk_report_summary summary;
    lk_status status = lk_report(cli->ctx, &in.options, &summary, &err);
    if (status != LK_OK)
        return cli_fail(cli, status, &err);
    printf("%s\n", summary.sentence);
    if (in.options.truth != NULL && summary.n_planted > 0)
        printf("truth: %llu planted, %llu of them found, %llu false discoveries\n",
               (unsigned long long)summary.n_planted, (unsigned long long)summary.n_planted_found,
               (unsigned long long)summary.n_false_found);
    printf("%s\n", in.options.output);
    if (in.options.contact_sheet != NULL)
        printf("%s\n", in.options.contact_sheet);
    return EXIT_DONE;
}
