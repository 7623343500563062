/* SPDX-License-Identifier: Apache-2.0 */
/* measure_sets.c - options that `measure` and `clean` share: sets of several matchers, rates, seed. */
#include "cli.h"

enum {
    KEY_MATCHER = 0x3000,
    KEY_SYNTHETIC,
    KEY_TRAIN,
    KEY_HOLDOUT,
    KEY_CONTROL,
    KEY_FDR,
    KEY_THRESHOLDS,
    KEY_DECOYS,
    KEY_SEED,
    KEY_SAME_PERSON,
    KEY_DEVICE,
};

static const struct argp_option options[] = {
    {"synthetic", KEY_SYNTHETIC, "FACES", 0, "the generator's output", 0},
    {"train", KEY_TRAIN, "FACES", 0, "the images that the generator was trained on", 0},
    {"holdout", KEY_HOLDOUT, "FACES", 0,
     "real people whom the generator never saw; may be given several times", 0},
    {"control", KEY_CONTROL, "FACES", 0,
     "images that no generator trained on the training set made; may be given several times", 0},
    {"matcher", KEY_MATCHER, "NAME", 0,
     "the sets and thresholds that follow are those of another matcher; may be given several times", 0},
    {"fdr", KEY_FDR, "Q", 0, "share of false discoveries that is allowed (default: 0.05)", 0},
    {"decoys", KEY_DECOYS, "K", 0,
     "cut the one hold-out into K (default: as many as have the training set's size)", 0},
    {"thresholds", KEY_THRESHOLDS, "FILE", 0,
     "thresholds.json of `likeness calibrate` instead of the model's", 0},
    {"same-person", KEY_SAME_PERSON, "S", 0,
     "two names with images this close are one person; above 1: do not look (default: from the data)", 0},
    {"device", KEY_DEVICE, "NAME", 0, "compare on this device, such as cuda, in place of the processor (default: cpu)", 0},
    {"seed", KEY_SEED, "N", 0, "seed of samples, bootstraps and permutations (default: 1)", 0},
    {0},
};

void cli_init_sets(struct measure_sets *sets)
{
    *sets = (struct measure_sets){.n_matchers = 1};
    lk_measure_options_init(&sets->options);
}

static void add_set(const char **sets, size_t *n, const char *path, struct argp_state *state)
{
    if (*n == CLI_MAX_SETS)
        argp_error(state, "more than %d sets of a kind", CLI_MAX_SETS);
    sets[(*n)++] = path;
}

/* Ahead of all sets it names the first matcher. */
static void add_matcher(struct measure_sets *s, const char *name, struct argp_state *state)
{
    lk_measure_matcher *m = &s->matchers[s->n_matchers - 1];
    if (s->n_matchers > 1 || m->name != NULL || m->synthetic != NULL || m->train != NULL ||
        m->n_holdouts > 0 || m->n_controls > 0) {
        if (s->n_matchers == LK_MAX_MATCHERS)
            argp_error(state, "more than %d matchers", LK_MAX_MATCHERS);
        m = &s->matchers[s->n_matchers++];
    }
    m->name = name;
}

/* The first matcher's sets are the options' own. */
static void settle_matchers(struct measure_sets *s)
{
    lk_measure_options *o = &s->options;
    for (size_t i = 0; i < s->n_matchers; i++) {
        s->matchers[i].holdouts = s->holdouts[i];
        s->matchers[i].controls = s->controls[i];
    }
    const lk_measure_matcher *m = &s->matchers[0];
    o->name = m->name;
    o->synthetic = m->synthetic;
    o->train = m->train;
    o->holdouts = m->holdouts;
    o->n_holdouts = m->n_holdouts;
    o->controls = m->controls;
    o->n_controls = m->n_controls;
    o->thresholds = m->thresholds;
    o->others = s->matchers + 1;
    o->n_others = s->n_matchers - 1;
}

void cli_check_sets(const struct measure_sets *sets, struct argp_state *state)
{
    for (size_t i = 0; i < sets->n_matchers; i++)
        if (sets->matchers[i].synthetic == NULL || sets->matchers[i].train == NULL)
            argp_error(state, "expected --synthetic=FACES and --train=FACES%s%s",
                       i > 0 ? " behind --matcher=" : "", i > 0 ? sets->matchers[i].name : "");
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct measure_sets *s = state->input;
    size_t last = s->n_matchers - 1;
    lk_measure_matcher *m = &s->matchers[last];
    switch (key) {
    case KEY_MATCHER:
        add_matcher(s, arg, state);
        return 0;
    case KEY_SYNTHETIC:
        m->synthetic = arg;
        return 0;
    case KEY_TRAIN:
        m->train = arg;
        return 0;
    case KEY_HOLDOUT:
        add_set(s->holdouts[last], &m->n_holdouts, arg, state);
        return 0;
    case KEY_CONTROL:
        add_set(s->controls[last], &m->n_controls, arg, state);
        return 0;
    case KEY_FDR:
        s->options.fdr = cli_real(arg, 1e-9, 0.999, "--fdr", state);
        return 0;
    case KEY_DECOYS:
        s->options.decoys = cli_number(arg, 1, 10000, "--decoys", state);
        return 0;
    case KEY_THRESHOLDS:
        m->thresholds = arg;
        return 0;
    case KEY_SAME_PERSON:
        s->options.same_person = cli_real(arg, -1, 2, "--same-person", state);
        return 0;
    case KEY_SEED:
        s->options.seed = cli_number(arg, 0, INT64_MAX, "--seed", state);
        return 0;
    case KEY_DEVICE:
        s->options.device = arg;
        return 0;
    case ARGP_KEY_SUCCESS:
        settle_matchers(s);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp sets_argp = {options, parse, NULL, NULL, NULL, NULL, NULL};
