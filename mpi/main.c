/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - likeness-mpi: the two long steps of an audit by many processes, under mpirun or srun. */
#include <stdio.h>
#include <string.h>

#include "ranks.h"

static const char usage[] =
    "usage: mpirun -n N likeness-mpi match SYNTH TRAIN [--holdout FACES] -o MATCH\n"
    "       mpirun -n N likeness-mpi embed IMAGES... -o FACES\n\n"
    "Does what `likeness match` and `likeness embed` do, by N processes that share a folder: the same bytes.\n"
    "`likeness-mpi COMMAND --help` lists the options.\n";

int main(int argc, char **argv)
{
    bool match = argc > 1 && strcmp(argv[1], "match") == 0, embed = argc > 1 && strcmp(argv[1], "embed") == 0;
    if (!match && !embed) {
        bool asked = argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0);
        fputs(usage, asked ? stdout : stderr);
        return asked ? EXIT_DONE : EXIT_USAGE;
    }
    struct cli cli = {.command = cli_quote("likeness-mpi", argc, argv)};
    char name[] = "likeness-mpi match";
    strcpy(name + strlen("likeness-mpi "), argv[1]);
    argv[1] = name;
    int code = match ? mpi_match(&cli, argc - 1, argv + 1) : mpi_embed(&cli, argc - 1, argv + 1);
    code = cli_finish_stdout(code);
    cli_end(&cli);
    return code;
}
