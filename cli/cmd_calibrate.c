/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_calibrate.c - likeness calibrate: accuracy, error rates and thresholds on a labelled set. */
#include <inttypes.h>
#include <stdio.h>

#include "cli.h"

struct calibrate {
    struct cli *cli;
    lk_calibrate_options options;
};

enum {
    KEY_PAIRS = 0x2001,
    KEY_BIN,
    KEY_TEMPLATES,
    KEY_TEMPLATE_PAIRS,
    KEY_FROM_IDENTITIES,
    KEY_SEED,
    KEY_ROC,
    KEY_FORCE_FMR
};

static const struct argp_option calibrate_options[] = {
    {"pairs", KEY_PAIRS, "FILE", 0,
     "judge the pairs of this file, in the format of LFW's pairs.txt (default: all pairs)", 0},
    {"bin", KEY_BIN, "FILE", 0,
     "judge the pairs of this InsightFace .bin, which FACES was made from, in ten folds", 0},
    {"templates", KEY_TEMPLATES, "FILE", 0,
     "compare templates of IJB-B or IJB-C: lines \"name template media\" (with --template-pairs)", 0},
    {"template-pairs", KEY_TEMPLATE_PAIRS, "FILE", 0,
     "the pairs of templates: lines \"template template label\"", 0},
    {"from-identities", KEY_FROM_IDENTITIES, NULL, 0,
     "one random impostor pair for each pair of persons, and the genuine pairs", 0},
    {"seed", KEY_SEED, "N", 0, "seed of random pairs (default: 1)", 0},
    {"roc", KEY_ROC, "FILE", 0, "write both error rates by threshold to this table, for ROC and DET curves",
     0},
    {"output", 'o', "FILE", 0, "write the thresholds to this file, for `likeness report --thresholds`", 0},
    {"force-fmr", KEY_FORCE_FMR, NULL, 0,
     "also give thresholds with fewer than 30 impostor errors behind them", 0},
    {0},
};

static void check_protocol(const lk_calibrate_options *o, const struct argp_state *state)
{
    int given = (o->pairs != NULL) + (o->bin != NULL) + (o->templates != NULL || o->template_pairs != NULL) +
                (o->from_identities != 0);
    if (given > 1)
        argp_error(state, "expected one of --pairs, --bin, --templates and --from-identities, found %d",
                   given);
    if ((o->templates != NULL) != (o->template_pairs != NULL))
        argp_error(state, "expected --templates and --template-pairs together");
}

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
    case KEY_BIN:
        c->options.bin = arg;
        return 0;
    case KEY_TEMPLATES:
        c->options.templates = arg;
        return 0;
    case KEY_TEMPLATE_PAIRS:
        c->options.template_pairs = arg;
        return 0;
    case KEY_FROM_IDENTITIES:
        c->options.from_identities = 1;
        return 0;
    case KEY_SEED:
        c->options.seed = cli_number(arg, 0, INT64_MAX, "--seed", state);
        return 0;
    case KEY_ROC:
        c->options.roc = arg;
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
        check_protocol(&c->options, state);
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

static void print_calibration(const lk_calibration *c, uint64_t seed)
{
    printf("genuine pairs    %" PRIu64 "\n", c->n_genuine);
    printf("impostor pairs   %" PRIu64 "\n", c->n_impostor);
    printf("missing pairs    %" PRIu64 "%s\n", c->n_missing,
           c->n_missing > 0 ? " (an image has no embedding; not part of the figures below)" : "");
    if (c->n_templates > 0)
        printf("templates        %" PRIu64 " with a face; %" PRIu64
               " of their images have no embedding and are not part of them\n",
               c->n_templates, c->n_images_missing);
    if (c->sampled)
        printf("random pairs     with seed %" PRIu64 "\n", seed);
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
    print_calibration(&result, c.options.seed);
    if (result.n_templates > 0)
        printf("\nThese are rates of templates, each made of several images. An audit compares single "
               "images, so\n"
               "its commands do not take these thresholds.\n");
    if (c.options.roc != NULL)
        cli_note(cli, "error rates in %s", c.options.roc);
    if (c.options.output != NULL)
        cli_note(cli, "thresholds in %s", c.options.output);
    return EXIT_DONE;
}
