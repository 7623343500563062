/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_measure.c - likeness measure: how much leaked, who, and how sure that is. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli.h"

enum { KEY_STRENGTH = 0x2000, KEY_MAX_SHARE, KEY_MAX_DISCOVERIES, KEY_FORCE };

static const struct argp_option options[] = {
    {"output", 'o', "DIR", 0, "folder for measures.json and the tables", 0},
    {"strength", KEY_STRENGTH, "COSINE", 0,
     "also say how many leaks of this strength would have been found; may be given several times", 0},
    {"pairs", 'k', "K", 0, "list the K closest pairs (default: 1500)", 0},
    {"max-share", KEY_MAX_SHARE, "P", 0, "exit with 10 when more than P % leaked, with 97.5 % confidence", 0},
    {"max-discoveries", KEY_MAX_DISCOVERIES, "N", 0, "exit with 10 when there are more than N discoveries",
     0},
    {"force", KEY_FORCE, NULL, 0,
     "compare sets with and without identities; replace measures made with other settings", 0},
    {0},
};

enum { MAX_STRENGTHS = 64 };

struct measure_args {
    struct cli *cli;
    struct measure_sets sets;
    lk_list_options list;
    double strengths[MAX_STRENGTHS];
    struct image_choice choice;
    double max_share; /* NaN = no limit */
    bool limited;
    uint64_t max_discoveries;
};

static void check_end(const struct measure_args *a, struct argp_state *state)
{
    if (a->list.list != NULL) {
        if (a->sets.matchers[0].synthetic != NULL || a->sets.matchers[0].train != NULL ||
            a->sets.matchers[0].n_holdouts > 0)
            argp_error(state, "--list stands alone: expected no sets beside it");
        return;
    }
    cli_check_sets(&a->sets, state);
    if (a->sets.options.output == NULL)
        argp_error(state, "expected -o DIR: the folder to write to");
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct measure_args *a = state->input;
    lk_measure_options *o = &a->sets.options;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = a->cli;
        state->child_inputs[1] = &a->sets;
        state->child_inputs[2] = &a->choice;
        state->child_inputs[3] = &a->list;
        return 0;
    case 'o':
        o->output = arg;
        return 0;
    case KEY_STRENGTH:
        if (o->n_strengths == MAX_STRENGTHS)
            argp_error(state, "--strength: at most %d of them", MAX_STRENGTHS);
        a->strengths[o->n_strengths++] = cli_real(arg, -1, 1, "--strength", state);
        return 0;
    case 'k':
        o->pairs = cli_number(arg, 1, 1000000000, "-k", state);
        return 0;
    case KEY_MAX_SHARE:
        a->max_share = cli_real(arg, 0, 100, "--max-share", state) / 100;
        return 0;
    case KEY_MAX_DISCOVERIES:
        a->max_discoveries = cli_number(arg, 0, INT64_MAX, "--max-discoveries", state);
        a->limited = true;
        return 0;
    case KEY_FORCE:
        o->force = 1;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "found '%s', expected options only", arg);
        return 0;
    case ARGP_KEY_END:
        check_end(a, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static void print_matchers(const lk_measure_options *o, const lk_measure_summary *s)
{
    printf("matchers: the rest is about the first\n");
    for (size_t i = 0; i < s->n_matchers; i++) {
        const lk_matcher_summary *m = &s->matchers[i];
        printf("- %s: %s; %" PRIu64 " of %" PRIu64 " units found", m->name, lk_verdict_name(m->verdict),
               m->n_discoveries, m->n_units);
        if (!isnan(m->share))
            printf("; share drawn %.2f %% (%.2f to %.2f)", 100 * m->share, 100 * m->share_low,
                   100 * m->share_high);
        putchar('\n');
    }
    for (size_t i = 0; i < s->n_matchers; i++)
        for (size_t k = i + 1; k < s->n_matchers; k++)
            printf("- of %" PRIu64 " units that all have, %s finds %" PRIu64 ", %s %" PRIu64 ", both %" PRIu64
                   " (kappa %.2f)\n",
                   s->n_common, s->matchers[i].name, s->matchers[i].found, s->matchers[k].name,
                   s->matchers[k].found, s->matchers[i].both[k], s->matchers[i].kappa[k]);
    for (size_t r = 0; s->joined && r < s->n_matchers; r++)
        printf("- found by at least %zu of %zu at a false discovery rate of %g %%: %" PRIu64
               " (fewest possible: %" PRIu64 ")\n",
               r + 1, s->n_matchers, 100 * o->fdr, s->matchers[r].at_least, s->matchers[r].resolution);
}

static void print_summary(const lk_measure_options *o, const lk_measure_summary *s)
{
    printf("verdict: %s\n%s\n", lk_verdict_name(s->verdict), s->sentence);
    if (s->n_matchers > 1)
        print_matchers(o, s);
    if (s->n_holdouts > 0) {
        printf("compared: %" PRIu64 " units with %" PRIu64
               " persons of the training set and of each of %" PRIu64 " hold-outs; left out as "
               "doubles: %" PRIu64 "\n",
               s->n_units, s->n_persons, s->n_holdouts, s->n_dropped);
        printf("share drawn to the training set: %.2f %% (95 %% interval %.2f to %.2f)\n", 100 * s->share,
               100 * s->share_low, 100 * s->share_high);
        printf("discoveries at a false discovery rate of %g %%: %" PRIu64 " (fewest possible: %" PRIu64 ")\n",
               100 * o->fdr, s->n_discoveries, s->resolution);
        printf("persons of the training set found: %" PRIu64 "; AUC %.3f (%.3f to %.3f)\n",
               s->n_persons_found, s->auc, s->auc_low, s->auc_high);
    }
    if (s->n_holdouts > 0)
        printf("images whose closest pair has an E-value of at most 0.01: %" PRIu64
               " (by chance: %.1f); of at most 0.05 over the whole audit: %" PRIu64 "\n",
               s->n_flagged, 0.01 * (double)s->n_images, s->n_flagged_audit);
    if (s->n_judged > 0)
        printf("synthetic identities that hold a picture of the training set (proof): %" PRIu64
               "; discoveries without one (inference): %" PRIu64 "\n",
               s->n_with_copies, s->n_without_copy);
    if (o->n_controls > 0)
        printf("stand out against the controls: %" PRIu64 "\n", s->n_controlled);
    cli_print_filters(o, s);
    cli_print_strata(s);
    printf("this takes for granted:\n");
    for (int i = 0; lk_measure_assumption(i) != NULL; i++)
        printf("- %s\n", lk_measure_assumption(i));
    printf("measures in %s%s\n", o->output, s->up_to_date ? " (done before)" : "");
}

/* A limit on the share counts as exceeded when the whole interval is above it: chance alone would cross it
 * half of the time otherwise. */
static int judge_limits(const struct measure_args *a, const lk_measure_summary *s)
{
    if (a->limited && s->n_discoveries > a->max_discoveries) {
        cli_note(a->cli, "limit: %" PRIu64 " discoveries, at most %" PRIu64 " were allowed", s->n_discoveries,
                 a->max_discoveries);
        return EXIT_LEAKAGE;
    }
    if (!isnan(a->max_share) && s->share_low > a->max_share) {
        cli_note(a->cli, "limit: at least %.2f %% are drawn to the training set, at most %g %% were allowed",
                 100 * s->share_low, 100 * a->max_share);
        return EXIT_LEAKAGE;
    }
    return EXIT_DONE;
}

int cmd_measure(struct cli *cli, int argc, char **argv)
{
    static const struct argp_child children[] = {{&common_argp, 0, "Common options:", 10},
                                                 {&sets_argp, 0, "Sets and rates:", 1},
                                                 {&choice_argp, 0, "Images that take part:", 2},
                                                 {&list_argp, 0, "A list made elsewhere:", 5},
                                                 {0}};
    static const struct argp argp = {
        options,
        parse,
        NULL,
        "Measure whether, how much and which persons of a training set a synthetic set contains, against "
        "chance as "
        "real people show it whom the generator never saw.\v"
        "FACES are folders that `likeness embed` made, or files of embeddings as `likeness match` takes "
        "them.\n\n"
        "  likeness measure --synthetic made.faces --train real.faces --holdout withheld.faces -o measures",
        children,
        NULL,
        NULL};
    struct measure_args args = {.cli = cli, .max_share = NAN};
    cli_init_sets(&args.sets);
    lk_list_options_init(&args.list);
    args.sets.options.strengths = args.strengths;
    cli_parse(&argp, argc, argv, &args);
    cli_use_choice(&args.choice, &args.sets.options);
    if (args.list.list != NULL) {
        args.list.output = args.sets.options.output;
        args.list.command = cli->command;
        return measure_list(cli, &args.list);
    }
    int code = cli_start(cli);
    if (code != EXIT_DONE)
        return code;
    if ((args.limited || !isnan(args.max_share)) && args.sets.options.n_holdouts == 0) {
        fprintf(
            stderr,
            "likeness: error: a limit needs a hold-out: without one nothing is found that could exceed it\n");
        return EXIT_USAGE;
    }
    args.sets.options.command = cli->command;
    lk_measure_summary summary;
    lk_error err;
    lk_status status = lk_measure(cli->ctx, &args.sets.options, &summary, &err);
    if (status != LK_OK)
        return cli_fail(cli, status, &err);
    print_summary(&args.sets.options, &summary);
    return judge_limits(&args, &summary);
}
