/* SPDX-License-Identifier: Apache-2.0 */
/* match_options.c - what is compared and how, for every program that compares. */
#include <inttypes.h>
#include <stdio.h>

#include "cli.h"

enum { KEY_HOLDOUT = 0x2001, KEY_MIN_SCORE, KEY_FORCE, KEY_CPU, KEY_CACHE, KEY_DEVICE };

static const struct argp_option options[] = {
    {"holdout", KEY_HOLDOUT, "FACES", 0, "also compare with these real people, whom the generator never saw",
     0},
    {"pairs", 'k', "K", 0, "keep the K closest pairs (default: 1500)", 0},
    {"nearest", 'r', "R", 0, "keep the R closest of each synthetic face (default: 10)", 0},
    {"min-score", KEY_MIN_SCORE, "S", 0, "write every pair that scores at least S, too", 0},
    {"output", 'o', "MATCH", 0, "folder for the tables", 0},
    {"force", KEY_FORCE, NULL, 0, "replace results that were made with other inputs or settings", 0},
    {"cpu", KEY_CPU, "LEVEL", 0,
     "use the instructions of LEVEL, as `likeness version -v` lists them (default: auto)", 0},
    {"device", KEY_DEVICE, "NAME", 0, "scan on this device, such as cuda, in place of the processor (default: cpu)", 0},
    {"cache", KEY_CACHE, NULL, 0,
     "keep the search's codes of the real faces beside their embeddings, and use kept ones", 0},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    lk_match_options *o = state->input;
    switch (key) {
    case KEY_HOLDOUT:
        o->holdout = arg;
        return 0;
    case 'k':
        o->k = cli_number(arg, 1, 1000000000, "-k", state);
        return 0;
    case 'r':
        o->r = cli_number(arg, 1, 65536, "-r", state);
        return 0;
    case KEY_MIN_SCORE:
        o->min_score = cli_real(arg, -1, 1, "--min-score", state);
        return 0;
    case 'o':
        o->output = arg;
        return 0;
    case KEY_FORCE:
        o->force = 1;
        return 0;
    case KEY_CPU:
        o->cpu = cli_cpu(arg, state);
        return 0;
    case KEY_DEVICE:
        o->device = arg;
        return 0;
    case KEY_CACHE:
        o->cache = 1;
        return 0;
    case ARGP_KEY_ARG:
        if (state->arg_num == 0)
            o->probes = arg;
        else if (state->arg_num == 1)
            o->references = arg;
        else
            argp_error(state, "found a third argument '%s', expected SYNTH and TRAIN", arg);
        return 0;
    case ARGP_KEY_END:
        if (state->arg_num < 2)
            argp_error(state, "expected SYNTH and TRAIN: two FACES folders or files of embeddings");
        if (o->output == NULL)
            argp_error(state, "expected -o MATCH: the folder to write to");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp match_argp = {options, parse, NULL, NULL, NULL, NULL, NULL};

void cli_print_match(const lk_match_summary *s, const char *output)
{
    printf("%" PRIu64 " synthetic faces compared with %" PRIu64 " of the training set", s->n_probes,
           s->n_references);
    if (s->n_holdout > 0)
        printf(" and %" PRIu64 " held out", s->n_holdout);
    printf(": %" PRIu64 " pairs\n", s->n_pairs);
    if (s->n_excluded > 0)
        printf("%" PRIu64 " rows left out, being zero or not finite\n", s->n_excluded);
    printf("closest pair in the training set scores %.4f, number %" PRIu64 " scores %.4f\n", (double)s->best,
           s->n_closest, (double)s->kth);
    printf("%s in %s%s\n", s->is_shard ? "a shard for `likeness merge`" : "tables", output,
           s->up_to_date ? " (up to date, nothing was to do)" : "");
}
