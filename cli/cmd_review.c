/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_review.c - likeness review: make a blind review, and what came of it; review_serve.c shows it to
 * people. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

/* Which actions an option belongs to. */
enum { NEW = 1, SERVE = 2, STATS = 4, EXPORT = 8 };

enum { KEY_REVIEWERS = 0x9001, KEY_ITEMS, KEY_CONTROLS, KEY_REPEATS, KEY_SEED, KEY_PAIRS, KEY_PORT, KEY_LINKS, KEY_JSON };

static const struct argp_option options[] = {
    {"output", 'o', "FILE", 0,
     "new: the review to make, which is never replaced; stats: the numbers as JSON; export: the table", 0},
    {NULL, 0, NULL, 0, "Options of new:", 1},
    {"reviewers", KEY_REVIEWERS, "N", 0, "how many people review, each for themselves (default: 3)", 1},
    {"items", KEY_ITEMS, "N", 0, "pairs that each of them sees, controls included (default: 200)", 1},
    {"controls", KEY_CONTROLS, "SHARE", 0, "share of pairs whose answer is known, 0.3 to 0.5 (default: 0.4)",
     1},
    {"repeats", KEY_REPEATS, "SHARE", 0,
     "share of pairs that are shown again, counted among the controls, 0 to 0.2 (default: 0.1)", 1},
    {"pairs", KEY_PAIRS, "FILE", 0,
     "take the candidates from this table, like pairs.csv of measure or match; without it they are the "
     "discoveries, "
     "then the closest pairs",
     1},
    {"seed", KEY_SEED, "N", 0, "seed of controls, order and sides (default: 1)", 1},
    {NULL, 0, NULL, 0, "Options of serve:", 2},
    {"port", KEY_PORT, "PORT", 0,
     "listen on this port of 127.0.0.1; without it on one that belongs to the review, or on any where that is taken",
     2},
    {"links", KEY_LINKS, "FILE", 0, "print whole links; FILE holds what `review new` printed", 2},
    {NULL, 0, NULL, 0, "Options of stats:", 3},
    {"json", KEY_JSON, NULL, 0, "print the JSON instead of text", 3},
    {0},
};

struct review_input {
    struct cli *cli;
    const char *action, *file; /* the file of a review, or the folder of a measurement */
    const char *output;
    bool json;
    lk_review_new_options make;
    struct serve_options serve;
    unsigned fits;    /* actions that all options given belong to */
    const char *last; /* the option that left none */
};

/* ---- new ----------------------------------------------------------------------------------------------- */

static void print_new(const lk_review_new_options *o, const lk_review_new_summary *s,
                      char (*tokens)[LK_REVIEW_TOKEN_SIZE])
{
    printf("%s: %" PRIu64 " candidates (%" PRIu64 " discoveries), controls: %" PRIu64 " mated, %" PRIu64
           " look-alikes, %" PRIu64 " easy, %" PRIu64 " repeats\n",
           o->output, s->n_candidates, s->n_discoveries, s->n_mated, s->n_decoys, s->n_easy, s->n_repeats);
    printf("plan %s\n\nOne secret link for each person, printed only now; each goes to one person:\n",
           s->plan_sha256);
    for (uint64_t i = 0; i < o->reviewers; i++)
        printf("reviewer %-4" PRIu64 " /#%s\n", i + 1, tokens[i]);
    printf("adjudicator   /adjudicate#%s\n", tokens[o->reviewers]);
}

static int review_new(struct review_input *in)
{
    char tokens[LK_REVIEW_MAX_REVIEWERS + 1][LK_REVIEW_TOKEN_SIZE];
    lk_review_new_summary summary;
    lk_error err;
    in->make.measure = in->file;
    in->make.output = in->output;
    in->make.command = in->cli->command;
    lk_status status = lk_review_new(in->cli->ctx, &in->make, tokens, &summary, &err);
    if (status != LK_OK)
        return cli_fail(in->cli, status, &err);
    print_new(&in->make, &summary, tokens);
    if (summary.n_unreadable > 0)
        cli_note(in->cli, "%" PRIu64 " pictures could not be read; pairs with them were left out",
                 summary.n_unreadable);
    return summary.n_unreadable > 0 ? EXIT_SOME_UNREADABLE : EXIT_DONE;
}

/* ---- stats and export ---------------------------------------------------------------------------------- */

static void print_estimate(const char *what, lk_review_estimate e)
{
    if (isnan(e.value))
        printf("%s: not defined\n", what);
    else
        printf("%s: %.3f (95 %% interval %.3f to %.3f)\n", what, e.value, e.low, e.high);
}

static void print_reviewer(const lk_review_reviewer_summary *r)
{
    printf("%s: %" PRIu64 " of %" PRIu64 " answers", r->name, r->answers, r->total);
    if (!isnan(r->d_prime))
        printf(", d' %.2f, criterion %.2f (the same: %" PRIu64 " of %" PRIu64 " mated, %" PRIu64
               " of %" PRIu64 " others)",
               r->d_prime, r->criterion, r->hits, r->mated, r->false_alarms, r->decoys);
    if (!isnan(r->consistency))
        printf(", %.0f %% of %" PRIu64 " repeats alike", 100 * r->consistency, r->n_repeated);
    if (r->no_face + r->child + r->cannot_say > 0)
        printf("; no face %" PRIu64 ", child %" PRIu64 ", cannot say %" PRIu64, r->no_face, r->child,
               r->cannot_say);
    putchar('\n');
}

static void print_stats(const lk_review_stats_summary *s)
{
    if (!s->complete)
        printf("The review is not finished: answers are missing.\n");
    for (size_t i = 0; i < s->n_reviewers; i++)
        print_reviewer(&s->reviewers[i]);
    print_estimate("agreement (alpha, all pairs)", s->alpha);
    print_estimate("agreement (alpha, candidates)", s->alpha_candidates);
    printf("candidates: %" PRIu64 ", the same for all reviewers %" PRIu64 ", different for all %" PRIu64
           "; adjudicated %" PRIu64 ", of them the same %" PRIu64 "\n",
           s->n_candidates, s->n_same, s->n_different, s->n_decided, s->n_decided_same);
    if (!isnan(s->said_same) && !isnan(s->decoys_same) && !isnan(s->mated_same))
        printf("called the same: candidates %.1f %%, look-alikes %.1f %%, mated %.1f %%\n",
               100 * s->said_same, 100 * s->decoys_same, 100 * s->mated_same);
    print_estimate("share of true leaks among the candidates", s->theta);
    if (!isnan(s->theta_most))
        printf(
            "no candidate is the same for all reviewers: at most %.1f %% of such pairs are (rule of three)\n",
            100 * s->theta_most);
    printf("answer log: %" PRIu64 " rows, %" PRIu64 " answers taken back, sha256 %s\n", s->log_rows,
           s->undone, s->log_sha256);
}

static int review_stats(struct review_input *in)
{
    lk_review_stats_summary summary;
    char *json = NULL;
    lk_error err;
    lk_status status = lk_review_stats(in->cli->ctx, in->file, in->output, in->cli->command, &summary,
                                       in->json ? &json : NULL, &err);
    if (status != LK_OK)
        return cli_fail(in->cli, status, &err);
    if (in->json)
        puts(json);
    else
        print_stats(&summary);
    free(json);
    if (summary.broken[0] == '\0')
        return EXIT_DONE;
    fprintf(stderr, "likeness: error: %s: %s\n", in->file, summary.broken);
    return EXIT_FAILED;
}

static int review_export(struct review_input *in)
{
    uint64_t n;
    lk_error err;
    lk_status status = lk_review_export(in->cli->ctx, in->file, in->output, &n, &err);
    if (status != LK_OK)
        return cli_fail(in->cli, status, &err);
    cli_note(in->cli, "%s: %" PRIu64 " answers", in->output, n);
    return EXIT_DONE;
}

static int review_serve(struct review_input *in)
{
    in->serve.cli = in->cli;
    in->serve.review = in->file;
    return run_review_server(&in->serve);
}

/* ---- which --------------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    unsigned bit;
    bool needs_output;
    int (*run)(struct review_input *in);
} actions[] = {
    {"new", NEW, true, review_new},
    {"serve", SERVE, false, review_serve},
    {"stats", STATS, false, review_stats},
    {"export", EXPORT, true, review_export},
};
enum { N_ACTIONS = sizeof actions / sizeof actions[0] };

static int find_action(const char *name)
{
    int i = 0;
    while (i < N_ACTIONS && (name == NULL || strcmp(actions[i].name, name) != 0))
        i++;
    return i;
}

static void check(struct review_input *in, struct argp_state *state)
{
    int i = find_action(in->action);
    if (i == N_ACTIONS)
        argp_error(state, "expected an action: new, serve, stats or export");
    else if ((actions[i].bit & in->fits) == 0)
        argp_error(state, "%s is no option of review %s", in->last, in->action);
    else if (in->file == NULL)
        argp_error(state, "review %s: expected %s", in->action,
                   i == 0 ? "a folder that `likeness measure` made" : "the file of a review");
    else if (actions[i].needs_output && in->output == NULL)
        argp_error(state, "review %s: expected -o FILE", in->action);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct review_input *in = state->input;
    unsigned of = NEW;
    const char *name = NULL;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = in->cli;
        return 0;
    case KEY_REVIEWERS:
        in->make.reviewers = cli_number(arg, 1, LK_REVIEW_MAX_REVIEWERS, name = "--reviewers", state);
        break;
    case KEY_ITEMS:
        in->make.items = cli_number(arg, 10, LK_REVIEW_MAX_ITEMS, name = "--items", state);
        break;
    case KEY_CONTROLS:
        in->make.controls = cli_real(arg, 0.3, 0.5, name = "--controls", state);
        break;
    case KEY_REPEATS:
        in->make.repeats = cli_real(arg, 0, 0.2, name = "--repeats", state);
        break;
    case KEY_SEED:
        in->make.seed = cli_number(arg, 0, UINT64_MAX, name = "--seed", state);
        break;
    case KEY_PAIRS:
        in->make.pairs = arg;
        name = "--pairs";
        break;
    case KEY_PORT:
        in->serve.port = (int)cli_number(arg, 1, 65535, name = "--port", state);
        of = SERVE;
        break;
    case KEY_LINKS:
        if (in->serve.n_links == MAX_LINKS)
            argp_error(state, "--links: expected at most %d files", MAX_LINKS);
        in->serve.links[in->serve.n_links++] = arg;
        name = "--links";
        of = SERVE;
        break;
    case KEY_JSON:
        in->json = true;
        name = "--json";
        of = STATS;
        break;
    case 'o':
        in->output = arg;
        name = "--output";
        of = NEW | STATS | EXPORT;
        break;
    case ARGP_KEY_ARG:
        if (in->action == NULL)
            in->action = arg;
        else if (in->file == NULL)
            in->file = arg;
        else
            argp_error(state, "found '%s', expected one file or folder", arg);
        return 0;
    case ARGP_KEY_END:
        check(in, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    if ((in->fits & of) == 0 || in->last == NULL)
        in->last = name;
    in->fits &= of;
    return 0;
}

int cmd_review(struct cli *cli, int argc, char **argv)
{
    static const struct argp_child children[] = {{&common_argp, 0, "Common options:", 10}, {0}};
    static const struct argp argp = {options,
                                     parse,
                                     "new MEASURE -o REVIEW\nserve REVIEW\nstats REVIEW\nexport REVIEW -o TABLE",
                                     "Let people judge pairs blindly: make a review of what a measurement "
                                     "found, with controls whose answer is "
                                     "known; show it to the reviewers in a browser; say what came of it; write every answer to a table."
                                     "\vA review holds faces, read again from where the measurement's FACES "
                                     "directories say that they lie, and is "
                                     "to be kept like them.",
                                     children,
                                     NULL,
                                     NULL};
    struct review_input in = {.cli = cli, .fits = NEW | SERVE | STATS | EXPORT};
    lk_review_new_options_init(&in.make);
    cli_parse(&argp, argc, argv, &in);
    int code = cli_start(cli);
    return code == EXIT_DONE ? actions[find_action(in.action)].run(&in) : code;
}
