/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_clean.c - likeness clean: which synthetic identities to remove, and the set without them. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

enum {
    KEY_MARGIN = 0x2000,
    KEY_EVALUE,
    KEY_BUDGET,
    KEY_COPY,
    KEY_LINK,
    KEY_TAR,
    KEY_ZIP,
    KEY_REC,
    KEY_FORCE
};

static const struct argp_option options[] = {
    {"output", 'o', "DIR", 0,
     "folder for removal.csv, kept.csv, clean.json and the measures before and after", 0},
    {"margin", KEY_MARGIN, "M", 0,
     "instead of discoveries, remove what is closer to the training set than to the hold-out by M or more",
     0},
    {"evalue", KEY_EVALUE, "E", 0,
     "instead of discoveries, remove what has a pair with an E-value of at most E", 0},
    {"budget", KEY_BUDGET, "N", 0,
     "remove at most N identities, or N% of them, the surest first (default: all)", 0},
    {"copy", KEY_COPY, "DIR", 0, "make a folder of copies of the pictures that are kept", 0},
    {"link", KEY_LINK, "DIR", 0, "make a folder of hard links to the pictures that are kept", 0},
    {"tar", KEY_TAR, "FILE", 0, "write the archive without what is removed, as tar", 0},
    {"zip", KEY_ZIP, "FILE", 0, "write the archive without what is removed, as zip", 0},
    {"rec", KEY_REC, "FILE", 0, "write the record file without what is removed", 0},
    {"force", KEY_FORCE, NULL, 0,
     "replace earlier output files, compare sets with and without identities, and clean by a measurement "
     "that cannot "
     "be interpreted",
     0},
    {0},
};

struct clean_args {
    struct cli *cli;
    struct measure_sets sets;
    struct image_choice choice;
    lk_clean_options options;
};

/* "100" identities or "5%" of them. */
static void parse_budget(lk_clean_options *o, const char *text, struct argp_state *state)
{
    size_t len = strlen(text);
    if (len < 2 || text[len - 1] != '%') {
        o->budget = cli_number(text, 0, INT64_MAX, "--budget", state);
        return;
    }
    char number[32];
    snprintf(number, sizeof number, "%.*s", (int)len - 1, text);
    o->budget_share = cli_real(number, 0, 100, "--budget", state) / 100;
}

static void choose(lk_clean_options *o, lk_clean_criterion criterion, double limit, struct argp_state *state)
{
    if (o->criterion != LK_CLEAN_DISCOVERIES)
        argp_error(state, "found two criteria, expected one of --margin and --evalue");
    o->criterion = criterion;
    o->limit = limit;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct clean_args *a = state->input;
    lk_clean_options *o = &a->options;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = a->cli;
        state->child_inputs[1] = &a->sets;
        state->child_inputs[2] = &a->choice;
        return 0;
    case 'o':
        a->sets.options.output = arg;
        return 0;
    case KEY_MARGIN:
        choose(o, LK_CLEAN_MARGIN, cli_real(arg, 1e-6, 2, "--margin", state), state);
        return 0;
    case KEY_EVALUE:
        choose(o, LK_CLEAN_EVALUE, cli_real(arg, 1e-300, 1e6, "--evalue", state), state);
        return 0;
    case KEY_BUDGET:
        parse_budget(o, arg, state);
        return 0;
    case KEY_COPY:
        o->copy = arg;
        return 0;
    case KEY_LINK:
        o->link = arg;
        return 0;
    case KEY_TAR:
        o->tar = arg;
        return 0;
    case KEY_ZIP:
        o->zip = arg;
        return 0;
    case KEY_REC:
        o->rec = arg;
        return 0;
    case KEY_FORCE:
        a->sets.options.force = 1;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "found '%s', expected options only", arg);
        return 0;
    case ARGP_KEY_END:
        cli_check_sets(&a->sets, state);
        if (a->sets.options.output == NULL)
            argp_error(state, "expected -o DIR: the folder to write to");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static void print_share(const char *when, const double share[3])
{
    if (!isnan(share[0]))
        printf(", %s %.2f %% (%.2f to %.2f)", when, 100 * share[0], 100 * share[1], 100 * share[2]);
}

static void print_views(const lk_clean_summary *s)
{
    for (size_t i = 0; i < s->n_views; i++) {
        const lk_clean_view *v = &s->views[i];
        printf("- %s: discoveries before %" PRIu64 ", after %" PRIu64, v->name, v->found_before,
               v->found_after);
        if (i > 0)
            printf(" (of those before, %" PRIu64 " are kept)", v->found_kept);
        if (!isnan(v->share_before[0])) {
            printf("; share drawn to the training set");
            print_share("before", v->share_before);
            print_share("after", v->share_after);
        }
        putchar('\n');
    }
}

static void print_summary(const lk_clean_options *o, const lk_clean_summary *s)
{
    printf("removed: %" PRIu64 " of %" PRIu64 " identities (%" PRIu64
           " of them hold a picture of the training set); %" PRIu64 " images go, %" PRIu64
           " are kept; rounds: %" PRIu64 "\n",
           s->n_removed, s->n_identities, s->n_copies, s->n_images_removed, s->n_images_kept, s->n_rounds);
    if (s->budget < UINT64_MAX)
        printf("budget: %" PRIu64 " identities, %" PRIu64 " spent\n", s->budget, s->n_removed);
    printf("guarantee: %s\nresidual: %s\nmatchers:\n", s->guarantee, s->residual);
    print_views(s);
    printf("removal list in %s/removal.csv\n", o->measure.output);
}

int cmd_clean(struct cli *cli, int argc, char **argv)
{
    static const struct argp_child children[] = {{&common_argp, 0, "Common options:", 10},
                                                 {&sets_argp, 0, "Sets and rates:", 1},
                                                 {&choice_argp, 0, "Images that take part:", 2},
                                                 {0}};
    static const struct argp argp = {
        options,
        parse,
        NULL,
        "Remove the synthetic identities that leaked, and measure what is left. The input is never changed.\v"
        "FACES are as for `likeness measure`. The first matcher chooses; others, given behind --matcher, are "
        "measured "
        "before and after. Exit code 10: the budget is spent and identities that meet the criterion are "
        "left.\n\n"
        "  likeness clean --synthetic made.faces --train real.faces --holdout withheld.faces -o cleaned\n"
        "  likeness embed --exclude cleaned/removal.csv made -o cleaned.faces",
        children,
        NULL,
        NULL};
    struct clean_args args = {.cli = cli};
    lk_clean_options_init(&args.options);
    cli_init_sets(&args.sets);
    cli_parse(&argp, argc, argv, &args);
    cli_use_choice(&args.choice, &args.sets.options);
    int code = cli_start(cli);
    if (code != EXIT_DONE)
        return code;
    args.options.measure = args.sets.options;
    args.options.measure.command = cli->command;
    lk_clean_summary summary;
    lk_error err;
    lk_status status = lk_clean(cli->ctx, &args.options, &summary, &err);
    if (status != LK_OK)
        return cli_fail(cli, status, &err);
    print_summary(&args.options, &summary);
    return summary.n_left > 0 ? EXIT_LEAKAGE : EXIT_DONE;
}
