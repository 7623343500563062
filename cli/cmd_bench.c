/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_bench.c - likeness bench: how fast this machine compares. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"

enum { KEY_PROBES = 0x2001, KEY_REFERENCES, KEY_DIM, KEY_SEED, KEY_DEVICE, KEY_CPU };

static const struct argp_option options[] = {
    {"probes", KEY_PROBES, "N", 0, "make N probes (default: 50000)", 0},
    {"references", KEY_REFERENCES, "N", 0, "make N references (default: 50000)", 0},
    {"dim", KEY_DIM, "N", 0, "make vectors of N numbers (default: 512)", 0},
    {"seed", KEY_SEED, "N", 0, "seed of made vectors (default: 1)", 0},
    {"output", 'o', "FILE", 0, "of rates: also write them as JSON, for `likeness plan --rates`", 0},
    {"pairs", 'k', "K", 0, "keep the K closest pairs (default: 1500)", 0},
    {"nearest", 'r', "R", 0, "keep the R closest of each probe (default: 10)", 0},
    {"cpu", KEY_CPU, "LEVEL", 0,
     "use the instructions of LEVEL, as `likeness version -v` lists them (default: auto)", 0},
    {"device", KEY_DEVICE, "NAME", 0, "scan on this device, such as cuda, in place of the processor (default: cpu)", 0},
    {0},
};

struct bench_args {
    struct cli *cli;
    lk_bench_options options;
    bool rates;
    const char *output;
};

static void take_argument(struct bench_args *a, const char *arg, struct argp_state *state)
{
    if (state->arg_num == 0) {
        a->rates = strcmp(arg, "rates") == 0;
        if (!a->rates && strcmp(arg, "match") != 0)
            argp_error(state, "found '%s', expected match or rates", arg);
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
    case 'o':
        a->output = arg;
        return 0;
    case 'k':
        a->options.k = cli_number(arg, 1, 1000000000, "-k", state);
        return 0;
    case 'r':
        a->options.r = cli_number(arg, 1, 65536, "-r", state);
        return 0;
    case KEY_DEVICE:
        a->options.device = strcmp(arg, "cpu") != 0 ? arg : NULL;
        return 0;
    case KEY_CPU:
        a->options.cpu = cli_cpu(arg, state);
        return 0;
    case ARGP_KEY_ARG:
        take_argument(a, arg, state);
        return 0;
    case ARGP_KEY_END:
        if (state->arg_num == 0)
            argp_error(state, "expected what to measure: match or rates");
        if (state->arg_num == 2)
            argp_error(state, "expected TRAIN behind SYNTH, or neither of them");
        if (a->output != NULL && !a->rates)
            argp_error(state, "--output goes with rates only");
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
    if (r->peak_ops > 0)
        printf("peak %.4g op/s, %.1f %% reached\n", r->peak_ops, 100 * scan / r->peak_ops);
}

static void print_rates(const lk_rates *r)
{
    printf("instructions %s\nthreads %d\ndim %" PRIu64 "\naxes %" PRIu64 "\n", r->cpu, r->threads, r->dim, r->axes);
    printf("scan %.4g pairs a second\nnominated pair %.3g s\n", r->scan, r->nominated);
    printf("nominated for each of M probes %.3g N^%.3g\nnominated for each of N references %.3g M^%.3g\n", r->per_probe,
           r->growth, r->per_reference, r->growth);
    printf("choosing axes %.3g s\npreparing a probe %.3g s\npreparing a reference %.3g s\nsampled pair %.3g s\n",
           r->basis, r->probe, r->reference, r->sample);
    printf("hashing %.4g bytes a second\nchecking a row %.3g s\nreading a row's names %.3g s\n", r->hash, r->check, r->name);
    printf("writing %.4g bytes a second\nline of a table %.3g s, %.3g bytes\n", r->write, r->line, r->line_bytes);
}

static lk_status bench_rates(const struct bench_args *a, lk_error *err)
{
    lk_rates rates;
    lk_status status = lk_rates_measure(a->cli->ctx, &a->options, &rates, err);
    if (status != LK_OK)
        return status;
    print_rates(&rates);
    return a->output != NULL ? lk_rates_write(&rates, a->output, err) : LK_OK;
}

static lk_status bench_match(const struct bench_args *a, lk_error *err)
{
    lk_bench_result result;
    lk_status status = lk_bench_match(a->cli->ctx, &a->options, &result, err);
    if (status == LK_OK)
        print_result(&result);
    return status;
}

int cmd_bench(struct cli *cli, int argc, char **argv)
{
    static const struct argp_child children[] = {{&common_argp, 0, "Common options:", 10}, {0}};
    static const struct argp argp = {
        options,
        parse,
        "match [SYNTH TRAIN]\nrates [SYNTH TRAIN]",
        "Measure how fast this machine compares every vector of SYNTH with every one of TRAIN, or what each part of "
        "that costs it.\v"
        "SYNTH and TRAIN are FACES folders or files of embeddings. Without them random vectors are made, the "
        "same for the same seed; they are the hardest case, real embeddings are faster. `rates` compares parts of "
        "chosen sizes; `likeness plan` works from what it finds.\n\n"
        "  likeness bench match\n"
        "  likeness bench rates -o rates.json\n"
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
    lk_error err;
    lk_status status = args.rates ? bench_rates(&args, &err) : bench_match(&args, &err);
    return status == LK_OK ? EXIT_DONE : cli_fail(cli, status, &err);
}
