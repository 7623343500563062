/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_calibrate.c - likeness calibrate: accuracy, error rates and thresholds on a labelled set. */
#include <inttypes.h>
#include <stdio.h>

#include "cli.h"

struct calibrate {
    struct cli *cli;
    lk_calibrate_options options;
};

enum { KEY_PAIRS = 0x2001, KEY_FORCE_FMR };

static const struct argp_option calibrate_options[] = {
    {"pairs", KEY_PAIRS, "FILE", 0,
     "judge the pairs of this file, in the format of LFW's pairs.txt (default: all pairs)", 0},
    {"output", 'o', "FILE", 0, "write the thresholds to this file, for `likeness report --thresholds`", 0},
    {"force-fmr", KEY_FORCE_FMR, NULL, 0,
     "also give thresholds with fewer than 30 impostor errors behind them", 0},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct calibrate *c = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = c->cli;
        return 0;
    case KEY_PAIRS:
        c->options.pairs = arg;
        return 0;
    case 'o':
        c->options.output = arg;
        return 0;
    case KEY_FORCE_FMR:
        c->options.force_fmr = 1;
        return 0;
    case ARGP_KEY_ARG:
        if (c->options.faces != NULL)
            argp_error(state, "expected one FACES directory, found '%s' too", arg);
        c->options.faces = arg;
        return 0;
    case ARGP_KEY_END:
        if (c->options.faces == NULL)
            argp_error(state, "expected a FACES directory (made by `likeness embed`)");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static void print_accuracy(const lk_calibration *c)
{
    if (c->n_folds == 0)
        return;
    printf("accuracy         %.3f %% +- %.3f (mean and sample standard deviation over %d folds)\n",
           100 * c->accuracy, 100 * c->accuracy_sd, c->n_folds);
    if (c->n_missing > 0)
        printf("                 %.3f %% when the missing pairs count as judged wrongly\n",
               100 * c->accuracy_all);
}

static void print_calibration(const lk_calibration *c)
{
    printf("genuine pairs    %" PRIu64 "\n", c->n_genuine);
    printf("impostor pairs   %" PRIu64 "\n", c->n_impostor);
    printf("missing pairs    %" PRIu64 "%s\n", c->n_missing,
           c->n_missing > 0 ? " (an image has no embedding; not part of the figures below)" : "");
    print_accuracy(c);
    printf("equal error rate %.3f %%\n", 100 * c->eer);
    printf("area under ROC   %.6f\n\n", c->auc);
    if (c->n_thresholds == 0) {
        printf("No thresholds: %" PRIu64
               " impostor pairs, and a false match rate of 1e-2 needs 3000 (30 errors).\n"
               "--force-fmr gives them all the same.\n",
               c->n_impostor);
        return;
    }
    printf("     FMR   threshold   FMR there, 95 %% interval    TAR        95 %% interval          impostor "
           "pairs\n");
    for (int i = 0; i < c->n_thresholds; i++) {
        const lk_threshold *t = &c->thresholds[i];
        printf("%8.0e   %9.6f   %.2e to %.2e   %8.3f %%   %8.3f to %8.3f %%   %" PRIu64 "%s\n", t->fmr,
               t->score, t->fmr_low, t->fmr_high, 100 * t->tar, 100 * t->tar_low, 100 * t->tar_high,
               c->n_impostor, t->supported ? "" : "  (too few)");
    }
}

int cmd_calibrate(struct cli *cli, int argc, char **argv)
{
    static const struct argp_child children[] = {{&common_argp, 0, "Common options:", 10}, {0}};
    static const struct argp argp = {calibrate_options,
                                     parse,
                                     "FACES",
                                     "Measure what a score is worth on a labelled set of real faces: "
                                     "accuracy, error rates, and the thresholds that "
                                     "belong to false match rates.\vExample: likeness calibrate lfw-faces "
                                     "--pairs pairs.txt -o thresholds.json",
                                     children,
                                     NULL,
                                     NULL};
    struct calibrate c = {.cli = cli};
    lk_calibrate_options_init(&c.options);
    c.options.command = cli->command;
    cli_parse(&argp, argc, argv, &c);
    int code = cli_start(cli);
    if (code != EXIT_DONE)
        return code;
    lk_calibration result;
    lk_error err;
    lk_status status = lk_calibrate(cli->ctx, &c.options, &result, &err);
    if (status != LK_OK)
        return cli_fail(cli, status, &err);
    print_calibration(&result);
    if (c.options.output != NULL)
        cli_note(cli, "thresholds in %s", c.options.output);
    return EXIT_DONE;
}
