/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_plan.c - likeness plan: what a comparison will take, before it is started. */
#include <inttypes.h>
#include <stdio.h>

#include "cli.h"

enum { KEY_PROBES = 0x2001, KEY_REFERENCES, KEY_HOLDOUT, KEY_DIM, KEY_MACHINES, KEY_RANKS, KEY_PER_RANK, KEY_RATES,
       KEY_GPU, KEY_NETWORK, KEY_STORAGE, KEY_JSON };

static const struct argp_option options[] = {
    {"probes", KEY_PROBES, "M", 0, "M synthetic faces", 0},
    {"references", KEY_REFERENCES, "N", 0, "N real faces", 0},
    {"holdout", KEY_HOLDOUT, "N", 0, "and N held out (default: 0)", 0},
    {"dim", KEY_DIM, "N", 0, "vectors of N numbers (default: 512, or those of --rates)", 0},
    {"machines", KEY_MACHINES, "K", 0, "K machines like the one that was measured (default: 1)", 1},
    {"ranks", KEY_RANKS, "R", 0, "R processes on each machine (default: 1)", 1},
    {"threads-per-rank", KEY_PER_RANK, "T", 0, "T threads in each process (default: as many as were measured)", 1},
    {"rates", KEY_RATES, "FILE", 0, "what `likeness bench rates -o FILE` measured, here or elsewhere", 2},
    {"gpu-rate", KEY_GPU, "PAIRS", 0, "each process has a GPU that compares PAIRS a second", 2},
    {"network", KEY_NETWORK, "BYTES", 0, "bytes per second to and from a machine (default: 1.25e9)", 2},
    {"storage", KEY_STORAGE, "BYTES", 0,
     "bytes per second that a machine reads its inputs at (default: they lie in memory)", 2},
    {"json", KEY_JSON, NULL, 0, "print one JSON object", 3},
    {0},
};

struct plan_args {
    struct cli *cli;
    lk_plan_options options;
    uint64_t dim; /* 0 = not given */
    const char *rates;
    bool json;
};

static uint64_t rows(const char *arg, uint64_t low, const char *option, struct argp_state *state)
{
    return cli_number(arg, low, UINT64_C(1000000000000000), option, state);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct plan_args *a = state->input;
    lk_plan_options *o = &a->options;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = a->cli;
        return 0;
    case KEY_PROBES:
        o->n_probes = rows(arg, 1, "--probes", state);
        return 0;
    case KEY_REFERENCES:
        o->n_references = rows(arg, 1, "--references", state);
        return 0;
    case KEY_HOLDOUT:
        o->n_holdout = rows(arg, 0, "--holdout", state);
        return 0;
    case KEY_DIM:
        a->dim = cli_number(arg, 1, 65536, "--dim", state);
        return 0;
    case KEY_MACHINES:
        o->machines = cli_number(arg, 1, 1000000, "--machines", state);
        return 0;
    case KEY_RANKS:
        o->ranks = cli_number(arg, 1, 1000, "--ranks", state);
        return 0;
    case KEY_PER_RANK:
        o->threads = (int)cli_number(arg, 1, 4096, "--threads-per-rank", state);
        return 0;
    case KEY_RATES:
        a->rates = arg;
        return 0;
    case KEY_GPU:
        o->pairs_per_second = cli_real(arg, 1, 1e18, "--gpu-rate", state);
        return 0;
    case KEY_NETWORK:
        o->network = cli_real(arg, 1, 1e15, "--network", state);
        return 0;
    case KEY_STORAGE:
        o->storage = cli_real(arg, 1, 1e15, "--storage", state);
        return 0;
    case KEY_JSON:
        a->json = true;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "found '%s', expected options only", arg);
        return 0;
    case ARGP_KEY_END:
        if (o->n_probes == 0 || o->n_references == 0)
            argp_error(state, "expected --probes=M and --references=N");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static lk_status get_rates(struct plan_args *a, lk_error *err)
{
    if (a->rates != NULL)
        return lk_rates_read(a->rates, &a->options.rates, err);
    lk_bench_options bench;
    lk_bench_options_init(&bench);
    bench.dim = a->dim > 0 ? a->dim : bench.dim;
    cli_note(a->cli, "measuring this machine, which takes a quarter of a minute or more; `likeness bench rates -o FILE` "
                     "keeps what is found, for --rates");
    return lk_rates_measure(a->cli->ctx, &bench, &a->options.rates, err);
}

static const char *duration(double seconds, char text[32])
{
    if (seconds < 100)
        snprintf(text, 32, "%.1f s", seconds);
    else if (seconds < 5400)
        snprintf(text, 32, "%.1f min", seconds / 60);
    else if (seconds < 48 * 3600)
        snprintf(text, 32, "%.1f h", seconds / 3600);
    else
        snprintf(text, 32, "%.1f days", seconds / 86400);
    return text;
}

static const char *size(double bytes, char text[32])
{
    static const char *const units[] = {"kB", "MB", "GB", "TB", "PB"};
    int u = 0;
    for (bytes /= 1000; bytes >= 1000 && u < 4; u++)
        bytes /= 1000;
    snprintf(text, 32, "%.3g %s", bytes, units[u]);
    return text;
}

static void print_text(const struct plan_args *a, const lk_plan *p)
{
    const lk_plan_options *o = &a->options;
    const lk_rates *r = &o->rates;
    char text[32];
    int threads = o->threads > 0 ? o->threads : r->threads;
    printf("%" PRIu64 " probes, %" PRIu64 " references", o->n_probes, o->n_references);
    if (o->n_holdout > 0)
        printf(" and %" PRIu64 " held out", o->n_holdout);
    printf(" of %" PRIu64 " numbers: %.4g pairs\n", r->dim, p->pairs);
    printf("%" PRIu64 " machine%s, %" PRIu64 " process%s on each, %d thread%s in each\n", o->machines,
           o->machines == 1 ? "" : "s", o->ranks, o->ranks == 1 ? "" : "es", threads, threads == 1 ? "" : "s");
    printf("rates of %d thread%s, %s, %" PRIu64 " axes", r->threads, r->threads == 1 ? "" : "s", r->cpu, r->axes);
    if (o->pairs_per_second > 0)
        printf("; %.4g pairs a second by the GPU of each process", o->pairs_per_second);
    putchar('\n');
    if (p->pieces > 1)
        printf("the references must be cut into %" PRIu64 " sets, compared one after another\n", p->pieces);
    printf("\nreading, hashing, checking  %s\n", duration(p->read, text));
    printf("preparing                   %s\n", duration(p->prepare, text));
    printf("comparing                   %s, %.4g pairs a second\n", duration(p->compare, text), p->pairs / p->compare);
    printf("saving unfinished work      %s\n", duration(p->save, text));
    printf("joining                     %s\n", duration(p->join, text));
    printf("writing tables              %s\n", duration(p->write, text));
    printf("in all                      %s\n\n", duration(p->seconds, text));
    printf("memory of a process         %s", size(p->memory, text));
    printf(", and %s of its files where there is room\n", size(p->mapped, text));
    printf("sent to the first process   %s\n", size(p->sent, text));
    printf("unfinished work             %s of each process at its end", size(p->checkpoint, text));
    printf(", %s written by all\n", size(p->saved, text));
    printf("results                     %s\n", size(p->results, text));
}

static void print_json(const struct plan_args *a, const lk_plan *p)
{
    const lk_plan_options *o = &a->options;
    const lk_rates *r = &o->rates;
    printf("{\"probes\": %" PRIu64 ", \"references\": %" PRIu64 ", \"holdout\": %" PRIu64 ", \"dim\": %" PRIu64
           ", \"machines\": %" PRIu64 ", \"ranks\": %" PRIu64 ", \"threads\": %d,\n",
           o->n_probes, o->n_references, o->n_holdout, r->dim, o->machines, o->ranks,
           o->threads > 0 ? o->threads : r->threads);
    printf(" \"measured\": {\"cpu\": \"%s\", \"threads\": %d, \"axes\": %" PRIu64 "}, \"gpu_pairs_per_second\": %.9g,\n",
           r->cpu, r->threads, r->axes, o->pairs_per_second);
    printf(" \"network\": %.9g, \"storage\": %.9g, \"processes\": %" PRIu64 ", \"pieces\": %" PRIu64
           ", \"pairs\": %.9g,\n",
           o->network, o->storage, p->processes, p->pieces, p->pairs);
    printf(" \"seconds\": {\"read\": %.9g, \"prepare\": %.9g, \"compare\": %.9g, \"save\": %.9g, \"join\": %.9g, "
           "\"write\": %.9g, \"all\": %.9g},\n",
           p->read, p->prepare, p->compare, p->save, p->join, p->write, p->seconds);
    printf(" \"bytes\": {\"memory\": %.0f, \"mapped\": %.0f, \"sent\": %.0f, \"checkpoint\": %.0f, \"saved\": %.0f, "
           "\"results\": %.0f}}\n",
           p->memory, p->mapped, p->sent, p->checkpoint, p->saved, p->results);
}

int cmd_plan(struct cli *cli, int argc, char **argv)
{
    static const struct argp_child children[] = {{&common_argp, 0, "Common options:", 10}, {0}};
    static const struct argp argp = {
        options,
        parse,
        "--probes=M --references=N",
        "Say what comparing M synthetic with N real faces will take: time, memory, network, disk.\v"
        "Nothing is compared. The figures follow from rates that `likeness bench rates` measures in a quarter of a "
        "minute, or that this command measures itself when --rates is not given, with random vectors, the hardest "
        "case. For more than one process they are those of likeness-mpi.\n\n"
        "  likeness plan --probes 500000 --references 490623\n"
        "  likeness bench rates synth.faces train.faces -o rates.json\n"
        "  likeness plan --rates rates.json --probes 500000 --references 400000000 --machines 16",
        children,
        NULL,
        NULL};
    struct plan_args args = {.cli = cli};
    lk_plan_options_init(&args.options);
    cli_parse(&argp, argc, argv, &args);
    int code = cli_start(cli);
    if (code != EXIT_DONE)
        return code;
    lk_error err;
    lk_plan plan;
    lk_status status = get_rates(&args, &err);
    if (status == LK_OK && args.dim > 0 && args.dim != args.options.rates.dim) {
        fprintf(stderr, "likeness: error: %s: measured with vectors of %" PRIu64 " numbers, --dim asks for %" PRIu64
                        "; measure again with `likeness bench rates --dim %" PRIu64 "`\n",
                args.rates, args.options.rates.dim, args.dim, args.dim);
        return EXIT_FAILED;
    }
    if (status == LK_OK)
        status = lk_plan_match(&args.options, &plan, &err);
    if (status != LK_OK)
        return cli_fail(cli, status, &err);
    if (args.json)
        print_json(&args, &plan);
    else
        print_text(&args, &plan);
    return EXIT_DONE;
}
