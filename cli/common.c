/* SPDX-License-Identifier: Apache-2.0 */
/* common.c - what all commands share: common options, numbers, the context and Ctrl-C, errors. */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

/* ---- common options ------------------------------------------------------------------------------- */

enum { KEY_PROGRESS = 0x1001, KEY_MODEL_DIR };

static const struct argp_option common_options[] = {
    {"threads", 't', "N", 0, "use N threads (default: one per core)", 0},
    {"quiet", 'q', NULL, 0, "no progress, no notes; errors only", 0},
    {"progress", KEY_PROGRESS, "WHEN", 0, "auto (on a terminal), always or never", 0},
    {"model-dir", KEY_MODEL_DIR, "DIR", 0, "where models lie (default: ~/.cache/likeness/models)", 0},
    {0},
};

uint64_t cli_number(const char *text, uint64_t low, uint64_t high, const char *option,
                    struct argp_state *state)
{
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || value < low || value > high)
        argp_error(state, "%s: found '%s', expected a whole number from %llu to %llu", option, text,
                   (unsigned long long)low, (unsigned long long)high);
    return value;
}

double cli_real(const char *text, double low, double high, const char *option, struct argp_state *state)
{
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end != '\0' || !(value >= low && value <= high))
        argp_error(state, "%s: found '%s', expected a number from %g to %g", option, text, low, high);
    return value;
}

const char *cli_cpu(const char *text, struct argp_state *state)
{
    char names[200] = "auto";
    lk_cpu_level level;
    if (strcmp(text, "auto") == 0)
        return text;
    for (int i = 0; lk_cpu_level_at(i, &level); i++) {
        if (!level.usable)
            continue;
        if (strcmp(text, level.name) == 0)
            return text;
        size_t len = strlen(names);
        snprintf(names + len, sizeof names - len, ", %s", level.name);
    }
    argp_error(state, "--cpu: found '%s', expected one of the levels of this machine: %s", text, names);
    return NULL;
}

void cli_shard(const char *text, uint64_t *index, uint64_t *count, struct argp_state *state)
{
    const char *slash = strchr(text, '/');
    size_t len = slash != NULL ? (size_t)(slash - text) : 0;
    char number[24];
    if (len == 0 || len >= sizeof number) {
        argp_error(state, "--shard: found '%s', expected I/N, such as 3/8", text);
        return;
    }
    memcpy(number, text, len);
    number[len] = '\0';
    *count = cli_number(slash + 1, 1, 1000000, "--shard, N", state);
    *index = cli_number(number, 1, *count, "--shard, I", state);
}

static error_t parse_common(int key, char *arg, struct argp_state *state)
{
    struct cli *cli = state->input;
    switch (key) {
    case 't':
        cli->threads = (int)cli_number(arg, 1, 4096, "--threads", state);
        return 0;
    case 'q':
        cli->quiet = true;
        return 0;
    case KEY_PROGRESS:
        if (strcmp(arg, "auto") == 0)
            cli->progress = PROGRESS_AUTO;
        else if (strcmp(arg, "always") == 0)
            cli->progress = PROGRESS_ALWAYS;
        else if (strcmp(arg, "never") == 0)
            cli->progress = PROGRESS_NEVER;
        else
            argp_error(state, "--progress: found '%s', expected auto, always or never", arg);
        return 0;
    case KEY_MODEL_DIR:
        cli->model_dir = arg;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp common_argp = {common_options, parse_common, NULL, NULL, NULL, NULL, NULL};

void cli_parse(const struct argp *argp, int argc, char **argv, void *input)
{
    argp_err_exit_status = EXIT_USAGE;
    error_t e = argp_parse(argp, argc, argv, 0, NULL, input);
    if (e != 0) {
        fprintf(stderr, "likeness: error: %s\n", strerror(e));
        exit(EXIT_FAILED);
    }
}

/* ---- the context, Ctrl-C, errors -------------------------------------------------------------------- */

static lk_ctx *volatile interrupted_ctx; /* what the signal handler cancels */

static void on_interrupt(int signal_number)
{
    /* The first Ctrl-C stops cleanly; SA_RESETHAND makes a second one kill. */
    (void)signal_number;
    if (interrupted_ctx != NULL)
        lk_ctx_cancel(interrupted_ctx);
}

/* ../share/likeness beside the program's folder, where an installation and a build folder have it; NULL = the
 * library's default. */
static const char *data_dir_beside_program(char path[4096])
{
    const char *given = getenv("LIKENESS_DATA_DIR");
    ssize_t len = given != NULL && given[0] != '\0' ? -1 : readlink("/proc/self/exe", path, 4000);
    if (len <= 0)
        return NULL;
    path[len] = '\0';
    char *slash = strrchr(path, '/');
    if (slash == NULL || len > 3900)
        return NULL;
    strcpy(slash, "/../share/likeness/models");
    if (access(path, R_OK | X_OK) != 0)
        return NULL;
    *strrchr(path, '/') = '\0';
    return path;
}

int cli_start(struct cli *cli)
{
    char data_dir[4096];
    lk_ctx_options options;
    lk_ctx_options_init(&options);
    options.threads = cli->threads;
    options.model_dir = cli->model_dir;
    options.data_dir = data_dir_beside_program(data_dir);
    options.message = term_message;
    options.user = cli;
    bool show = cli->progress == PROGRESS_ALWAYS || (cli->progress == PROGRESS_AUTO && isatty(STDERR_FILENO));
    if (show && !cli->quiet)
        options.progress = term_progress;
    lk_error err;
    lk_status status = lk_ctx_new(&cli->ctx, &options, &err);
    if (status != LK_OK)
        return cli_fail(cli, status, &err);
    interrupted_ctx = cli->ctx;
    struct sigaction action = {.sa_handler = on_interrupt, .sa_flags = (int)SA_RESETHAND};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    signal(SIGXFSZ, SIG_IGN); /* a file size limit shall be a write error with a message, not a kill */
    return EXIT_DONE;
}

int cli_fail(const struct cli *cli, lk_status status, const lk_error *err)
{
    (void)cli;
    term_clear_line();
    fprintf(stderr, "likeness: %s: %s\n", status == LK_ECANCELED ? "stopped" : "error", err->text);
    return status == LK_ECANCELED ? EXIT_INTERRUPTED : EXIT_FAILED;
}

void cli_note(const struct cli *cli, const char *format, ...)
{
    if (cli->quiet)
        return;
    va_list args;
    va_start(args, format);
    term_clear_line();
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
}

int cli_finish_stdout(int code)
{
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "likeness: error: standard output: %s\n", strerror(errno));
        return code == EXIT_DONE ? EXIT_FAILED : code;
    }
    return code;
}

char *cli_quote(const char *program, int argc, char **argv)
{
    size_t room = strlen(program) + 1;
    for (int i = 0; i < argc; i++)
        room += 4 * strlen(argv[i]) + 3;
    char *text = malloc(room), *p = text;
    if (text == NULL)
        return NULL;
    for (int i = 0; i < argc; i++) {
        const char *word = i == 0 ? program : argv[i];
        static const char plain[] =
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./-+=:,@%";
        bool quote = word[0] == '\0' || word[strspn(word, plain)] != '\0';
        if (i > 0)
            *p++ = ' ';
        if (quote)
            *p++ = '\'';
        for (; *word != '\0'; word++) {
            if (*word == '\'')
                p = stpcpy(p, "'\\'");
            *p++ = *word;
        }
        if (quote)
            *p++ = '\'';
    }
    *p = '\0';
    return text;
}

void cli_end(struct cli *cli)
{
    interrupted_ctx = NULL;
    lk_ctx_free(cli->ctx);
    free(cli->command);
}
