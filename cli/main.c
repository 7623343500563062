/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - the commands of likeness, and which one is asked for. */
#include <stdio.h>
#include <string.h>

#include "cli.h"

const struct command commands[] = {
    {"audit", "do it all: embed the sets, compare and measure them, report; or a whole study", cmd_audit},
    {"status", "say where a running or stopped study is", cmd_status},
    {"models", "list the models, fetch them, test them", cmd_models},
    {"info", "say what a path is: a set of images, results, embeddings", cmd_info},
    {"embed", "detect, align and embed the faces of images", cmd_embed},
    {"merge", "join the parts that embed or match --shard made", cmd_merge},
    {"duplicates", "find pictures that a set holds more than once", cmd_duplicates},
    {"match", "compare all synthetic with all real faces, exactly", cmd_match},
    {"calibrate", "measure what a score is worth on a labelled set", cmd_calibrate},
    {"measure", "measure what leaked, with error control", cmd_measure},
    {"clean", "remove what leaked, and measure what is left", cmd_clean},
    {"report", "write the page about what was measured, and the verdict", cmd_report},
    {"review", "let people judge pairs blindly, with controls", cmd_review},
    {"power", "say how small a leak a comparison would have found", cmd_power},
    {"person", "ask whether one person is in a synthetic set", cmd_person},
    {"plant", "make a synthetic set that leaks known people", cmd_plant},
    {"simulate", "make vectors of people who do not exist, with known leaks", cmd_simulate},
    {"verify", "check a folder of results against its manifest", cmd_verify},
    {"purge", "remove biometric data from a folder of results", cmd_purge},
    {"bench", "measure how fast this machine compares", cmd_bench},
    {"plan", "say what a comparison will take, before it is started", cmd_plan},
    {"version", "print the version and where the models lie", cmd_version},
    {NULL, NULL, NULL},
};

static void print_overview(FILE *stream)
{
    fprintf(stream, "likeness %s - does this synthetic face dataset contain real people?\n\n"
                    "usage: likeness COMMAND [OPTION...] [ARGUMENT...]\n\n",
            lk_version());
    for (const struct command *c = commands; c->name != NULL; c++)
        fprintf(stream, "  %-11s %s\n", c->name, c->summary);
    fprintf(stream, "  %-11s %s\n\n", "help",
            "explain a command, or the presets: likeness help COMMAND, help presets");
    fprintf(stream, "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 done but some inputs were unreadable,\n"
                    "10 leakage above the limit asked for, 130 interrupted (run again to go on).\n"
                    "Nothing ever leaves this machine; `likeness models fetch` alone uses the network.\n");
}

static const struct command *find_command(const char *name)
{
    for (const struct command *c = commands; c->name != NULL; c++)
        if (strcmp(c->name, name) == 0)
            return c;
    return NULL;
}

static int help(struct cli *cli, int argc, char **argv)
{
    if (argc < 3) {
        print_overview(stdout);
        return cli_finish_stdout(EXIT_DONE);
    }
    if (strcmp(argv[2], "presets") == 0) {
        print_presets();
        return cli_finish_stdout(EXIT_DONE);
    }
    const struct command *c = find_command(argv[2]);
    if (c == NULL) {
        fprintf(stderr, "likeness: error: there is no command '%s'; `likeness help` lists them\n", argv[2]);
        return EXIT_USAGE;
    }
    char name[64];
    snprintf(name, sizeof name, "likeness %s", c->name);
    char ask[] = "--help";
    char *help_argv[] = {name, ask, NULL};
    return c->run(cli, 2, help_argv);
}

int main(int argc, char **argv)
{
    struct cli cli = {.command = cli_quote("likeness", argc, argv)};
    int code;
    if (argc < 2) {
        print_overview(stderr);
        code = EXIT_USAGE;
    } else if (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        code = help(&cli, argc, argv);
    } else {
        const struct command *c = find_command(strcmp(argv[1], "--version") == 0 ? "version" : argv[1]);
        if (c == NULL) {
            fprintf(stderr, "likeness: error: there is no command '%s'; `likeness help` lists them\n",
                    argv[1]);
            code = EXIT_USAGE;
        } else {
            char name[64];
            snprintf(name, sizeof name, "likeness %s", c->name);
            argv[1] = name;
            code = cli_finish_stdout(c->run(&cli, argc - 1, argv + 1));
        }
    }
    cli_end(&cli);
    return code;
}
