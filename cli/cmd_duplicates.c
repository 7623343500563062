/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_duplicates.c - likeness duplicates: pictures that a set holds more than once. */
#include <inttypes.h>
#include <stdio.h>

#include "cli.h"

enum { KEY_MIN_SIMILARITY = 0x2001, KEY_NO_MIRRORED };

struct args {
    struct cli *cli;
    lk_duplicates_options duplicates;
    struct set_options set;
};

static const struct argp_option options[] = {
    {"output", 'o', "FILE", 0, "table to write, for example duplicates.csv (required)", 1},
    {"min-similarity", KEY_MIN_SIMILARITY, "S", 0,
     "how alike a picture must be to the one that is kept, 0.8 to 1 (default 0.95)", 1},
    {"no-mirrored", KEY_NO_MIRRORED, NULL, 0, "do not look for mirrored pictures", 1},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct args *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->set;
        state->child_inputs[1] = a->cli;
        return 0;
    case 'o':
        a->duplicates.output = arg;
        return 0;
    case KEY_MIN_SIMILARITY:
        a->duplicates.min_similarity = cli_real(arg, 0.8, 1, "--min-similarity", state);
        return 0;
    case KEY_NO_MIRRORED:
        a->duplicates.no_mirrored = 1;
        return 0;
    case ARGP_KEY_ARGS:
        a->duplicates.inputs = (const char *const *)(state->argv + state->next);
        a->duplicates.n_inputs = (size_t)(state->argc - state->next);
        return 0;
    case ARGP_KEY_END:
        if (a->duplicates.n_inputs == 0)
            argp_error(state, "expected at least one folder, archive or image to look through");
        if (a->duplicates.output == NULL)
            argp_error(state, "expected an output file: -o duplicates.csv");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static void print_summary(const lk_duplicates_summary *s, const lk_duplicates_options *o)
{
    printf("%" PRIu64 " images", s->n_images);
    if (s->n_identities > 0)
        printf(" of %" PRIu64 " identities", s->n_identities);
    printf("\n%10" PRIu64 " exact duplicates: the same bytes as the picture that is kept\n", s->n_exact);
    printf("%10" PRIu64 " near duplicates: the same picture, encoded again, scaled or slightly changed\n",
           s->n_near);
    if (!o->no_mirrored)
        printf("%10" PRIu64 " mirrored duplicates\n", s->n_mirrored);
    uint64_t others = s->n_exact + s->n_near + s->n_mirrored;
    if (s->n_across > 0)
        printf("%10" PRIu64 " of these under another identity than the picture that is kept\n", s->n_across);
    if (s->n_flat > 0)
        printf("%10" PRIu64 " almost without contrast: looked at for exact duplicates alone\n", s->n_flat);
    if (s->n_unreadable > 0)
        printf("%10" PRIu64 " unreadable\n", s->n_unreadable);
    printf("%10" PRIu64 " groups, in %s; %" PRIu64 " images are left without the duplicates\n", s->n_groups,
           o->output, s->n_images - others);
}

int cmd_duplicates(struct cli *cli, int argc, char **argv)
{
    static const struct argp_child children[] = {
        {&set_argp, 0, "What the inputs are:", 2}, {&common_argp, 0, "Common options:", 10}, {0}};
    static const struct argp argp = {
        options,
        parse,
        "INPUT... -o duplicates.csv",
        "Find pictures that a set holds more than once: the same bytes, the same picture encoded again, "
        "scaled, slightly cropped or brighter, or mirrored. Nothing is changed or deleted.\v"
        "An INPUT is what `likeness embed` takes. Of each group the first picture, in the set's order, is "
        "marked to be kept; `likeness embed --exclude` leaves out the others. An interrupted run goes on "
        "when the same command is given again.\n\n"
        "Example: likeness duplicates made/ -o duplicates.csv\n"
        "         likeness embed made/ --exclude duplicates.csv -o faces/",
        children,
        NULL,
        NULL};
    struct args args = {.cli = cli};
    lk_duplicates_options_init(&args.duplicates);
    cli_parse(&argp, argc, argv, &args);
    int code = cli_start(cli);
    if (code != EXIT_DONE)
        return code;
    cli_use_preset(cli, &args.set);
    args.duplicates.format = args.set.format;
    args.duplicates.identity = args.set.identity;
    args.duplicates.labels = args.set.labels;
    lk_duplicates_summary summary;
    lk_error err;
    lk_status status = lk_duplicates(cli->ctx, &args.duplicates, &summary, &err);
    if (status != LK_OK)
        return cli_fail(cli, status, &err);
    print_summary(&summary, &args.duplicates);
    return summary.n_unreadable > 0 ? EXIT_SOME_UNREADABLE : EXIT_DONE;
}
