/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_audit.c - likeness audit: embed the sets, match and measure them, write the report, note what it was made from;
 * each step as its own command does it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"

enum {
    KEY_HOLDOUT = 0x2001,
    KEY_CONTROL,
    KEY_THRESHOLDS,
    KEY_CALIBRATION,
    KEY_FDR,
    KEY_SEED,
    KEY_DECOYS,
    KEY_SAME_PERSON,
    KEY_STRENGTH,
    KEY_NO_FACES,
    KEY_TRUTH,
    KEY_LIMIT,
    KEY_FORCE,
    KEY_CPU,
    KEY_DEVICE,
    KEY_CACHE,
    KEY_EXCLUDE,
    KEY_PRESET,
    KEY_TRAIN_PRESET,
    KEY_DRY_RUN
};

enum { MAX_SETS = 100, MAX_STRENGTHS = 64 };

/* Sets of one kind, as given and as what embeds them. */
struct sets {
    const char *given[MAX_SETS];
    char *faces[MAX_SETS];
    size_t n;
};

struct audit {
    struct cli *cli;
    const char *train, *synthetic, *output;
    struct sets holdouts, controls;
    double strengths[MAX_STRENGTHS];
    const char *exclude; /* list for the synthetic set */
    struct set_options synthetic_set, real_sets;
    struct image_choice choice;
    lk_embed_options embed;
    lk_match_options match;
    lk_measure_options measure;
    lk_measure_summary measured;
    lk_report_options report;
    int64_t started; /* seconds since 1970 */
    uint64_t limit;  /* discoveries allowed before exit code 10; UINT64_MAX = no limit */
    bool some_unreadable;
    lk_study_options study; /* file NULL = one audit, by options */
    bool dry_run;
    bool single; /* an option was given that a study file does not go with */
};

static const struct argp_option options[] = {
    {"train", 'T', "SET", 0, "the generator's training images: folder, FACES directory or embeddings", 1},
    {"synthetic", 'S', "SET", 0, "the synthetic images", 1},
    {"holdout", KEY_HOLDOUT, "SET", 0,
     "real people the generator never saw, same source as the training images; may be given several times", 1},
    {"control", KEY_CONTROL, "SET", 0,
     "images that no generator trained on the training images made; may be given several times", 1},
    {"exclude", KEY_EXCLUDE, "FILE", 0,
     "leave out the synthetic images of a table with the column path, as `likeness duplicates` writes", 1},
    {"preset", KEY_PRESET, "NAME", 0,
     "which published set the synthetic images are: see likeness help presets", 1},
    {"train-preset", KEY_TRAIN_PRESET, "NAME", 0, "the same for the training images and the hold-out", 1},
    {"output", 'o', "DIR", 0, "where everything goes; run again to go on after an interruption", 1},
    {"pairs", 'k', "K", 0, "closest pairs to list (default 1500)", 3},
    {"nearest", 'r', "R", 0, "closest references to list for each image (default 10)", 3},
    {"thresholds", KEY_THRESHOLDS, "FILE", 0, "thresholds.json of `likeness calibrate`", 3},
    {"fdr", KEY_FDR, "Q", 0, "false discovery rate (default 0.05)", 3},
    {"decoys", KEY_DECOYS, "K", 0,
     "cut the one hold-out into K (default: as many as have the training set's size)", 3},
    {"same-person", KEY_SAME_PERSON, "S", 0,
     "two names with images this close are one person; above 1: do not look (default: from the data)", 3},
    {"strength", KEY_STRENGTH, "COSINE", 0,
     "also say how many leaks of this strength would have been found; may be given several times", 3},
    {"seed", KEY_SEED, "N", 0, "seed of samples, bootstraps and permutations (default: 1)", 3},
    {"calibration", KEY_CALIBRATION, "FILE", 0,
     "table of `likeness calibrate --roc`, to draw genuine and impostor scores in the report", 3},
    {"no-faces", KEY_NO_FACES, NULL, 0, "a report without pictures, paths and names of persons", 3},
    {"truth", KEY_TRUTH, "FILE", 0,
     "truth.csv of `likeness plant`: print what was planted beside what was found", 3},
    {"limit", KEY_LIMIT, "N", 0, "exit with 10 when more than N synthetic identities are discoveries", 3},
    {"force", KEY_FORCE, NULL, 0, "redo steps in DIR that were made with other settings", 3},
    {"dry-run", KEY_DRY_RUN, NULL, 0,
     "with a study file: print its steps with time, memory and room on disk, and do nothing", 3},
    {"cpu", KEY_CPU, "LEVEL", 0,
     "compare with the instructions of LEVEL, as `likeness version -v` lists them (default: auto)", 3},
    {"device", KEY_DEVICE, "NAME", 0, "compare on this device, such as cuda, in place of the processor (default: cpu)", 3},
    {"cache", KEY_CACHE, NULL, 0,
     "keep the search's codes of the real faces beside their embeddings, and use kept ones", 3},
    {0},
};

static void add_set(struct sets *sets, const char *path, struct argp_state *state)
{
    if (sets->n == MAX_SETS)
        argp_error(state, "more than %d sets of a kind", MAX_SETS);
    sets->given[sets->n++] = path;
}

/* Options of the measures; others are left to parse. */
static error_t parse_measure(struct audit *a, int key, char *arg, struct argp_state *state)
{
    lk_measure_options *m = &a->measure;
    switch (key) {
    case KEY_FDR:
        m->fdr = cli_real(arg, 1e-6, 0.5, "--fdr", state);
        return 0;
    case KEY_SEED:
        m->seed = cli_number(arg, 0, INT64_MAX, "--seed", state);
        return 0;
    case KEY_DECOYS:
        m->decoys = cli_number(arg, 1, 10000, "--decoys", state);
        return 0;
    case KEY_SAME_PERSON:
        m->same_person = cli_real(arg, -1, 2, "--same-person", state);
        return 0;
    case KEY_STRENGTH:
        if (m->n_strengths == MAX_STRENGTHS)
            argp_error(state, "--strength: at most %d of them", MAX_STRENGTHS);
        a->strengths[m->n_strengths++] = cli_real(arg, -1, 1, "--strength", state);
        return 0;
    case KEY_THRESHOLDS:
        m->thresholds = arg;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* A study file says all that the options of a single audit would. */
static void check_study_options(const struct audit *a, struct argp_state *state)
{
    lk_embed_options untouched;
    lk_embed_options_init(&untouched);
    untouched.force = a->embed.force;
    if (a->single || a->choice.n_filters + a->choice.n_strata > 0 ||
        memcmp(&untouched, &a->embed, sizeof untouched) != 0)
        argp_error(
            state,
            "a study file says what is audited: expected no options beside --force, --dry-run and common "
            "ones");
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct audit *a = state->input;
    bool option = key != ARGP_KEY_ARG && key < ARGP_KEY_END;
    a->single = a->single || (option && key != KEY_FORCE && key != KEY_DRY_RUN);
    switch (key) {
    case 'T':
        a->train = arg;
        return 0;
    case 'S':
        a->synthetic = arg;
        return 0;
    case KEY_PRESET:
        a->synthetic_set.preset = cli_preset(arg, "--preset", state);
        return 0;
    case KEY_TRAIN_PRESET:
        a->real_sets.preset = cli_preset(arg, "--train-preset", state);
        return 0;
    case KEY_EXCLUDE:
        a->exclude = arg;
        return 0;
    case KEY_HOLDOUT:
        add_set(&a->holdouts, arg, state);
        return 0;
    case KEY_CONTROL:
        add_set(&a->controls, arg, state);
        return 0;
    case 'o':
        a->output = arg;
        return 0;
    case 'k':
        a->match.k = a->measure.pairs = cli_number(arg, 1, UINT64_C(100000000), "--pairs", state);
        return 0;
    case 'r':
        a->match.r = cli_number(arg, 1, 10000, "--nearest", state);
        return 0;
    case KEY_CALIBRATION:
        a->report.calibration = arg;
        return 0;
    case KEY_NO_FACES:
        a->report.no_faces = 1;
        return 0;
    case KEY_TRUTH:
        a->report.truth = arg;
        return 0;
    case KEY_LIMIT:
        a->limit = cli_number(arg, 0, UINT64_MAX - 1, "--limit", state);
        return 0;
    case KEY_FORCE:
        a->embed.force = a->match.force = a->measure.force = a->study.force = 1;
        return 0;
    case KEY_DRY_RUN:
        a->dry_run = true;
        return 0;
    case ARGP_KEY_ARG:
        if (a->study.file != NULL)
            argp_error(state, "found '%s', expected one study file", arg);
        a->study.file = arg;
        return 0;
    case KEY_CPU:
        a->match.cpu = cli_cpu(arg, state);
        return 0;
    case KEY_DEVICE:
        a->match.device = arg;
        return 0;
    case KEY_CACHE:
        a->match.cache = 1;
        return 0;
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->embed;
        state->child_inputs[1] = a->cli;
        state->child_inputs[2] = &a->choice;
        return 0;
    case ARGP_KEY_END:
        if (a->study.file != NULL) {
            check_study_options(a, state);
            return 0;
        }
        if (a->dry_run)
            argp_error(state, "--dry-run needs a study file");
        if (a->train == NULL || a->synthetic == NULL || a->output == NULL)
            argp_error(state, "expected --train SET, --synthetic SET and -o DIR");
        return 0;
    default:
        return parse_measure(a, key, arg, state);
    }
}

static char *join(const char *dir, const char *name)
{
    size_t len = strlen(dir);
    char *path = malloc(len + strlen(name) + 2);
    if (path != NULL)
        sprintf(path, "%s%s%s", dir, len > 0 && dir[len - 1] == '/' ? "" : "/", name);
    return path;
}

/* Whether a name, perhaps with ":ARRAY" behind it, is that of a file of embeddings. */
static bool names_embeddings(const char *set)
{
    static const char *const endings[] = {".npy", ".npz", ".fvecs", ".h5", ".hdf5", ".jsonl"};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        for (const char *at = strstr(set, endings[i]); at != NULL; at = strstr(at + 1, endings[i])) {
            char behind = at[strlen(endings[i])];
            if (at > set && (behind == '\0' || behind == ':'))
                return true;
        }
    return false;
}

/* A set that holds embeddings already: a FACES directory or a file of embeddings. */
static bool is_embedded(const char *set)
{
    if (names_embeddings(set))
        return true;
    char *npy = join(set, "embeddings.npy");
    bool found = npy != NULL && access(npy, F_OK) == 0;
    free(npy);
    return found;
}

/* Embeds one set into OUTPUT/NAME unless it is embedded already; *faces is what match takes (freed by the
 * caller). */
static int embed_set(struct audit *a, const char *set, const char *name, char **faces)
{
    bool excludes = a->exclude != NULL && set == a->synthetic;
    if (is_embedded(set) && excludes) {
        lk_error err;
        snprintf(err.text, sizeof err.text,
                 "%.900s holds embeddings already: --exclude comes too late for it", set);
        return cli_fail(a->cli, LK_EINVAL, &err);
    }
    if (is_embedded(set)) {
        *faces = strdup(set);
        return *faces != NULL ? EXIT_DONE : EXIT_FAILED;
    }
    *faces = join(a->output, name);
    if (*faces == NULL)
        return EXIT_FAILED;
    lk_embed_options options_here = a->embed;
    options_here.inputs = &set;
    options_here.n_inputs = 1;
    options_here.output = *faces;
    options_here.exclude = excludes ? a->exclude : NULL;
    cli_embed_set(set == a->synthetic ? &a->synthetic_set : &a->real_sets, &options_here);
    lk_embed_summary summary;
    lk_error err;
    lk_status status = lk_embed(a->cli->ctx, &options_here, &summary, &err);
    if (status != LK_OK)
        return cli_fail(a->cli, status, &err);
    char excluded[40] = "";
    if (summary.n_excluded > 0)
        snprintf(excluded, sizeof excluded, ", %llu excluded", (unsigned long long)summary.n_excluded);
    cli_note(a->cli, "%s: %llu images, %llu with a face, %llu without, %llu unreadable%s%s", name,
             (unsigned long long)summary.n_images, (unsigned long long)summary.n_embedded,
             (unsigned long long)summary.n_no_face, (unsigned long long)summary.n_unreadable, excluded,
             summary.up_to_date ? " (done before)" : "");
    a->some_unreadable = a->some_unreadable || summary.n_unreadable > 0;
    return EXIT_DONE;
}

static int match_sets(struct audit *a, const char *match_dir)
{
    a->match.output = match_dir;
    lk_match_summary summary;
    lk_error err;
    lk_status status = lk_match(a->cli->ctx, &a->match, &summary, &err);
    if (status != LK_OK)
        return cli_fail(a->cli, status, &err);
    cli_note(a->cli, "match: %llu pairs compared, closest %.3f%s", (unsigned long long)summary.n_pairs,
             (double)summary.best, summary.up_to_date ? " (done before)" : "");
    a->some_unreadable = a->some_unreadable || summary.n_excluded > 0;
    return EXIT_DONE;
}

static int measure_sets(struct audit *a, const char *measure_dir)
{
    lk_measure_options *m = &a->measure;
    m->synthetic = a->match.probes;
    m->train = a->match.references;
    m->holdouts = (const char *const *)a->holdouts.faces;
    m->n_holdouts = a->holdouts.n;
    m->controls = (const char *const *)a->controls.faces;
    m->n_controls = a->controls.n;
    m->output = measure_dir;
    m->device = a->match.device;
    cli_use_choice(&a->choice, m);
    const lk_measure_summary *s = &a->measured;
    lk_error err;
    lk_status status = lk_measure(a->cli->ctx, m, &a->measured, &err);
    if (status != LK_OK)
        return cli_fail(a->cli, status, &err);
    cli_note(a->cli, "measure: %llu units, %llu persons each, %llu left out as doubles%s",
             (unsigned long long)s->n_units, (unsigned long long)s->n_persons,
             (unsigned long long)s->n_dropped, s->up_to_date ? " (done before)" : "");
    return EXIT_DONE;
}

static int write_report(struct audit *a, const char *match_dir, const char *measure_dir, const char *page)
{
    a->report.match = match_dir;
    a->report.measures = measure_dir;
    a->report.output = page;
    lk_report_summary summary;
    lk_error err;
    lk_status status = lk_report(a->cli->ctx, &a->report, &summary, &err);
    if (status != LK_OK)
        return cli_fail(a->cli, status, &err);
    printf("verdict: %s\n%s\n", lk_verdict_name(summary.verdict), summary.sentence);
    if (a->report.truth != NULL)
        printf("truth:   %llu of %llu planted identities found, %llu of the discoveries were not planted\n",
               (unsigned long long)summary.n_planted_found, (unsigned long long)summary.n_planted,
               (unsigned long long)summary.n_false_found);
    cli_print_filters(&a->measure, &a->measured);
    cli_print_strata(&a->measured);
    printf("report:  %s\n", page);
    if (summary.n_discoveries > a->limit) {
        cli_note(a->cli, "%llu discoveries, more than the limit of %llu",
                 (unsigned long long)summary.n_discoveries, (unsigned long long)a->limit);
        return EXIT_LEAKAGE;
    }
    return a->some_unreadable ? EXIT_SOME_UNREADABLE : EXIT_DONE;
}

/* Into OUTPUT/NAME, or OUTPUT/NAME-1 ... where there can be several. */
static int embed_sets(struct audit *a, struct sets *sets, const char *name, bool numbered)
{
    int code = EXIT_DONE;
    for (size_t i = 0; code == EXIT_DONE && i < sets->n; i++) {
        char folder[40];
        snprintf(folder, sizeof folder, numbered || i > 0 ? "%s-%zu" : "%s", name, i + 1);
        code = embed_set(a, sets->given[i], folder, &sets->faces[i]);
    }
    return code;
}

static void free_sets(struct sets *sets)
{
    for (size_t i = 0; i < sets->n; i++)
        free(sets->faces[i]);
}

/* The last step: what all this was made from, for `likeness verify` and `likeness purge`. */
static int write_manifest(struct audit *a, int code)
{
    const char *inputs[] = {a->measure.thresholds, a->report.calibration, a->report.truth, a->exclude};
    lk_manifest_options o;
    lk_manifest_summary summary;
    lk_error err;
    lk_manifest_options_init(&o);
    o.folder = a->output;
    o.inputs = inputs;
    o.n_inputs = sizeof inputs / sizeof *inputs;
    o.cpu = a->match.cpu;
    o.started = a->started;
    o.command = a->cli->command;
    lk_status status = lk_manifest(a->cli->ctx, &o, &summary, &err);
    return status == LK_OK ? code : cli_fail(a->cli, status, &err);
}

static int run_steps(struct audit *a)
{
    char *train = NULL, *synthetic = NULL;
    char *match_dir = join(a->output, "match"), *measure_dir = join(a->output, "measure"),
         *page = join(a->output, "report.html");
    int code = match_dir != NULL && measure_dir != NULL && page != NULL ? EXIT_DONE : EXIT_FAILED;
    if (code == EXIT_DONE)
        code = embed_set(a, a->train, "train", &train);
    if (code == EXIT_DONE)
        code = embed_sets(a, &a->holdouts, "holdout", false);
    if (code == EXIT_DONE)
        code = embed_sets(a, &a->controls, "control", true);
    if (code == EXIT_DONE)
        code = embed_set(a, a->synthetic, "synthetic", &synthetic);
    if (code == EXIT_DONE) {
        a->match.probes = synthetic;
        a->match.references = train;
        a->match.holdout = a->holdouts.n > 0 ? a->holdouts.faces[0] : NULL;
        code = match_sets(a, match_dir);
    }
    if (code == EXIT_DONE)
        code = measure_sets(a, measure_dir);
    if (code == EXIT_DONE)
        code = write_report(a, match_dir, measure_dir, page);
    if (code == EXIT_DONE || code == EXIT_SOME_UNREADABLE || code == EXIT_LEAKAGE)
        code = write_manifest(a, code);
    free(train);
    free(synthetic);
    free_sets(&a->holdouts);
    free_sets(&a->controls);
    free(match_dir);
    free(measure_dir);
    free(page);
    return code;
}

int cmd_audit(struct cli *cli, int argc, char **argv)
{
    static const struct argp_child children[] = {
        {&embed_argp, 0, "How faces become embeddings:", 2},
        {&common_argp, 0, "Common options:", 10},
        {&choice_argp, 0, "Images that take part in the measures:", 2},
        {0}};
    static const struct argp argp = {
        options,
        parse,
        "[STUDY.INI]",
        "Ask whether a synthetic face dataset contains the people its generator was trained on: embed all "
        "sets, compare everything exactly, measure what leaked, and write DIR/report.html with the tables beside "
        "it. Or do a whole study: many sets, several matchers, as a study file says.\v"
        "Example:\n  likeness audit --train real/ --holdout withheld/ --synthetic made/ -o audit/\n\n"
        "A set is a folder of images (one folder per person, or flat), a FACES directory or a file of "
        "embeddings (.npy, .npz, .fvecs, .h5, .jsonl). "
        "Without a hold-out the audit lists leads but can show no leak: withhold about 5 % of the persons "
        "before training.\n\n"
        "  likeness audit study.ini --dry-run",
        children,
        NULL,
        NULL};
    struct audit a = {.cli = cli, .limit = UINT64_MAX, .started = (int64_t)time(NULL)};
    lk_embed_options_init(&a.embed);
    lk_match_options_init(&a.match);
    lk_measure_options_init(&a.measure);
    lk_report_options_init(&a.report);
    a.measure.strengths = a.strengths;
    lk_study_options_init(&a.study);
    cli_parse(&argp, argc, argv, &a);
    a.embed.command = a.match.command = a.measure.command = a.report.command = cli->command;
    int code = cli_start(cli);
    if (code != EXIT_DONE)
        return code;
    if (a.study.file != NULL)
        return audit_study(cli, &a.study, a.dry_run);
    cli_use_preset(cli, &a.synthetic_set);
    cli_use_preset(cli, &a.real_sets);
    lk_error err;
    lk_status status = lk_match_check_device(a.match.device, &err); /* before hours of embedding */
    return status == LK_OK ? run_steps(&a) : cli_fail(cli, status, &err);
}
