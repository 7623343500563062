/* SPDX-License-Identifier: Apache-2.0 */
/* cli.h - what every sub-command shares: common options, the context, messages, exit codes.
 *
 * The command line uses the library through include/likeness.h alone. */
#ifndef LK_CLI_H
#define LK_CLI_H

#include <argp.h>
#include <stdbool.h>

#include "likeness.h"

enum {
    EXIT_DONE = 0,
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
    EXIT_SOME_UNREADABLE = 3,
    EXIT_LEAKAGE = 10,
    EXIT_INTERRUPTED = 130,
};

enum progress_mode { PROGRESS_AUTO, PROGRESS_ALWAYS, PROGRESS_NEVER };

/* Options that every command takes (common_argp), and what is made from them. */
struct cli {
    int threads;
    bool quiet;
    enum progress_mode progress;
    const char *model_dir;
    char *command; /* the whole command line, quoted for a shell; recorded in meta.json */
    lk_ctx *ctx;   /* made by cli_start */
};

struct command {
    const char *name;
    const char *summary; /* one line for `likeness help` */
    int (*run)(struct cli *cli, int argc, char **argv); /* argv[0] is "likeness NAME"; gives an exit code */
};

/* The commands, in the order of `likeness help`; ended by a NULL name. */
extern const struct command commands[];

int cmd_audit(struct cli *cli, int argc, char **argv);
int cmd_bench(struct cli *cli, int argc, char **argv);
int cmd_models(struct cli *cli, int argc, char **argv);
int cmd_info(struct cli *cli, int argc, char **argv);
int cmd_match(struct cli *cli, int argc, char **argv);
int cmd_calibrate(struct cli *cli, int argc, char **argv);
int cmd_clean(struct cli *cli, int argc, char **argv);
int cmd_duplicates(struct cli *cli, int argc, char **argv);
int cmd_embed(struct cli *cli, int argc, char **argv);
int cmd_merge(struct cli *cli, int argc, char **argv);
int cmd_review(struct cli *cli, int argc, char **argv);
int cmd_measure(struct cli *cli, int argc, char **argv);
int cmd_report(struct cli *cli, int argc, char **argv);
int cmd_person(struct cli *cli, int argc, char **argv);
int cmd_simulate(struct cli *cli, int argc, char **argv);
int cmd_plan(struct cli *cli, int argc, char **argv);
int cmd_plant(struct cli *cli, int argc, char **argv);
int cmd_power(struct cli *cli, int argc, char **argv);
int cmd_status(struct cli *cli, int argc, char **argv);
int cmd_verify(struct cli *cli, int argc, char **argv);
int cmd_purge(struct cli *cli, int argc, char **argv);
int cmd_version(struct cli *cli, int argc, char **argv);

/* Child parser with the common options; its input is the struct cli. Put
 * `{&common_argp, 0, "Common options:", 10}` in a command's argp children, and set state->child_inputs[0]
 * to the struct cli in ARGP_KEY_INIT. */
extern const struct argp common_argp;

/* The same for the options of embedding; its input is an lk_embed_options. */
extern const struct argp embed_argp;
/* The same for which images, and where to: they are its arguments. */
extern const struct argp embed_job_argp;

/* The same for comparing: the two sets are its arguments, all options but --shard; its input is an lk_match_options. */
extern const struct argp match_argp;

/* What a set of images is. */
struct set_options {
    const char *format, *identity, *labels; /* NULL = not given */
    lk_preset preset;                       /* name NULL = none */
};
/* The same for these options; its input is a struct set_options. */
extern const struct argp set_argp;
/* After parsing: takes from the preset what was not given, and prints its warning. */
void cli_use_preset(struct cli *cli, struct set_options *set);
void cli_embed_set(const struct set_options *set, lk_embed_options *embed);
/* The preset of that name, or a usage error that names them. */
lk_preset cli_preset(const char *text, const char *option, struct argp_state *state);
/* What `likeness help presets` prints. */
void print_presets(void);
/* What `measure` and `clean` measure. */
enum { CLI_MAX_SETS = 100 };
struct measure_sets {
    lk_measure_options options;
    lk_measure_matcher matchers[LK_MAX_MATCHERS]; /* the last is the one whose sets are being read */
    size_t n_matchers;
    const char *holdouts[LK_MAX_MATCHERS][CLI_MAX_SETS], *controls[LK_MAX_MATCHERS][CLI_MAX_SETS];
};
void cli_init_sets(struct measure_sets *sets);
/* The same for these; its input is a struct measure_sets. After parsing, options is complete. */
extern const struct argp sets_argp;
/* A usage error when a matcher lacks a set. */
void cli_check_sets(const struct measure_sets *sets, struct argp_state *state);
/* Which images take part, and strata: for `measure`, `clean` and `audit` (choice_options.c). */
struct image_choice {
    const char *filters[LK_MAX_FILTERS], *strata[LK_MAX_STRATA];
    size_t n_filters, n_strata;
};
/* The same for these; its input is a struct image_choice. */
extern const struct argp choice_argp;
void cli_use_choice(const struct image_choice *choice, lk_measure_options *o);
/* What they made of a measurement; nothing where none were given. */
void cli_print_filters(const lk_measure_options *o, const lk_measure_summary *s);
void cli_print_strata(const lk_measure_summary *s);
/* The same for `measure --list`; its input is an lk_list_options, and measure_list does the rest. */
extern const struct argp list_argp;
int measure_list(struct cli *cli, const lk_list_options *list);

/* What `likeness review serve` does (review_serve.c). */
enum { MAX_LINKS = 8 };
struct serve_options {
    struct cli *cli;
    const char *review;
    int port; /* 0 = not given */
    const char *links[MAX_LINKS];
    size_t n_links;
};
int run_review_server(struct serve_options *serve);
/* `audit STUDY.INI`, once options are parsed and the context is made (audit_study.c). */
int audit_study(struct cli *cli, lk_study_options *options, bool dry_run);

/* Parses with argp so that errors exit with EXIT_USAGE and help goes to stdout. */
void cli_parse(const struct argp *argp, int argc, char **argv, void *input);

/* Parses a whole number or ends with a usage error that names the option. */
uint64_t cli_number(const char *text, uint64_t low, uint64_t high, const char *option,
                    struct argp_state *state);
double cli_real(const char *text, double low, double high, const char *option, struct argp_state *state);

/* "I/N" with 1 <= I <= N, or a usage error. */
void cli_shard(const char *text, uint64_t *index, uint64_t *count, struct argp_state *state);

/* The argument of --cpu, or a usage error that names the levels of this machine. */
const char *cli_cpu(const char *text, struct argp_state *state);

/* The command line as one string that a shell would read back, for meta.json; freed by cli_end. */
char *cli_quote(const char *program, int argc, char **argv);

/* Makes cli->ctx with messages and progress on stderr and Ctrl-C turned into lk_ctx_cancel. */
int cli_start(struct cli *cli);

/* Frees what cli_start and cli_quote made. */
void cli_end(struct cli *cli);

/* Prints the error of a failed call and gives the exit code that belongs to it. */
int cli_fail(const struct cli *cli, lk_status status, const lk_error *err);

/* One line on stderr, unless --quiet. */
void cli_note(const struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Prints what a MATCH directory holds (match_options.c). */
void cli_print_match(const lk_match_summary *summary, const char *output);

/* Prints what a FACES directory holds (embed_options.c). */
void cli_print_faces(const lk_embed_summary *summary, const char *output);

/* Ends stdout: EXIT_FAILED with a message when something written there got lost, else code. */
int cli_finish_stdout(int code);

/* term.c: progress and messages on the terminal. */
void term_message(void *user, lk_level level, const char *text);
void term_progress(void *user, const lk_progress *progress);
void term_clear_line(void);

#endif
