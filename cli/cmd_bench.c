/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_bench.c - likeness bench: how fast this machine compares. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"

enum { KEY_PROBES = 0x2001, KEY_REFERENCES, KEY_DIM, KEY_SEED, KEY_CPU };

static const struct argp_option options[] = {
    {"probes", KEY_PROBES, "N", 0, "make N probes (default: 50000)", 0},
    {"references", KEY_REFERENCES, "N", 0, "make N references (default: 50000)", 0},
    {"dim", KEY_DIM, "N", 0, "make vectors of N numbers (default: 512)", 0},
    {"seed", KEY_SEED, "N", 0, "seed of made vectors (default: 1)", 0},
    {"pairs", 'k', "K", 0, "keep the K closest pairs (default: 1500)", 0},
    {"nearest", 'r', "R", 0, "keep the R closest of each probe (default: 10)", 0},
    {"cpu", KEY_CPU, "LEVEL", 0,
     "use the instructions of LEVEL, as `likeness version -v` lists them (default: auto)", 0},
    {0},
};

struct bench_args {
    struct cli *cli;
    lk_bench_options options;
};

static void take_argument(struct bench_args *a, const char *arg, struct argp_state *state)
{
    if (state->arg_num == 0) {
        if (strcmp(arg, "match") != 0)
            argp_error(state, "found '%s', expected match", arg);
    } else if (state->arg_num == 1) {
        a->options.probes = arg;
    } else if (state->arg_num == 2) {
        a->options.references = arg;
    } else {
        argp_error(state, "found '%s' behind SYNTH and TRAIN, expected no more", arg);
    }
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct bench_args *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = a->cli;
        return 0;
    case KEY_PROBES:
        a->options.n_probes = cli_number(arg, 1, 4000000000u, "--probes", state);
        return 0;
    case KEY_REFERENCES:
        a->options.n_references = cli_number(arg, 1, 4000000000u, "--references", state);
        return 0;
    case KEY_DIM:
        a->options.dim = cli_number(arg, 1, 65536, "--dim", state);
        return 0;
    case KEY_SEED:
        a->options.seed = cli_number(arg, 0, UINT64_MAX, "--seed", state);
        return 0;
    case 'k':
        a->options.k = cli_number(arg, 1, 1000000000, "-k", state);
        return 0;
    case 'r':
        a->options.r = cli_number(arg, 1, 65536, "-r", state);
        return 0;
    case KEY_CPU:
        a->options.cpu = cli_cpu(arg, state);
        return 0;
    case ARGP_KEY_ARG:
        take_argument(a, arg, state);
        return 0;
    case ARGP_KEY_END:
        if (state->arg_num == 0)
            argp_error(state, "expected what to measure: match");
        if (state->arg_num == 2)
            argp_error(state, "expected TRAIN behind SYNTH, or neither of them");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* One line for each figure: a name, a value, and where it helps what that means. */
static void print_result(const lk_bench_result *r)
{
    double pairs = (double)r->n_pairs, rate = pairs / r->seconds;
    double scan = 2 * (double)r->axes * (double)r->n_scanned / (r->seconds - r->prepare_seconds);
    printf("instructions %s\nthreads %d\n", r->cpu, r->threads);
    printf("probes %" PRIu64 "\nreferences %" PRIu64 "\ndim %" PRIu64 "\naxes %" PRIu64 "\n", r->n_probes,
           r->n_references, r->dim, r->axes);
    printf("seconds %.3f\npreparing %.3f\n", r->seconds, r->prepare_seconds);
    printf("pairs per second %.4g\n", rate);
    printf("equivalent TFLOP/s %.3f\n", 2e-12 * (double)r->dim * rate);
    printf("scanned %.4f %%\nnominated %.4f %%\nscored %.4f %%\n", 100 * (double)r->n_scanned / pairs,
           100 * (double)r->n_nominated / pairs, 100 * (double)r->n_scored / pairs);
    printf("scan %.4g op/s\n", scan);
    printf("peak %.4g op/s, %.1f %% reached\n", r->peak_ops, 100 * scan / r->peak_ops);
}

int cmd_bench(struct cli *cli, int argc, char **argv)
{
    static const struct argp_child children[] = {{&common_argp, 0, "Common options:", 10}, {0}};
    static const struct argp argp = {
        options,
        parse,
        "match [SYNTH TRAIN]",
        "Measure how fast this machine compares every vector of SYNTH with every one of TRAIN.\v"
        "SYNTH and TRAIN are FACES folders or files of embeddings. Without them random vectors are made, the "
        "same for "
        "the "
        "same seed; they are the hardest case, real embeddings are faster.\n\n"
        "  likeness bench match\n"
        "  likeness bench match synth.faces train.faces --threads 1",
        children,
        NULL,
        NULL};
    struct bench_args args = {.cli = cli};
    lk_bench_options_init(&args.options);
    cli_parse(&argp, argc, argv, &args);
    int code = cli_start(cli);
    if (code != EXIT_DONE)
        return code;
    lk_bench_result result;
    lk_error err;
    lk_status status = lk_bench_match(cli->ctx, &args.options, &result, &err);
    if (status != LK_OK)
        return cli_fail(cli, status, &err);
    print_result(&result);
    return EXIT_DONE;
}
