/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_embed.c - likeness embed: images to a FACES directory. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"

enum { KEY_SHARD = 0x2001 };

struct args {
    struct cli *cli;
    lk_embed_options embed;
    struct set_options set;
};

static const struct argp_option options[] = {
    {"shard", KEY_SHARD, "PART", 0,
     "embed one part of the images only, such as 3/8; `likeness merge` joins the parts", 1},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct args *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->embed;
        state->child_inputs[1] = &a->set;
        state->child_inputs[2] = &a->embed;
        state->child_inputs[3] = a->cli;
        return 0;
    case KEY_SHARD:
        cli_shard(arg, &a->embed.shard, &a->embed.n_shards, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* "312 images/s; 71 % of the time went into embedding" */
static void note_speed(const struct cli *cli, const lk_embed_summary *s)
{
    static const char *const stages[][2] = {
        {"read", "reading"},        {"decode", "decoding"},  {"detect", "detecting"}, {"align", "aligning"},
        {"embed", "embedding"}, {"strata", "measuring strata"}, {"write", "writing"}};
    const char *stage = "";
    for (size_t i = 0; s->bottleneck != NULL && i < sizeof stages / sizeof *stages; i++)
        if (strcmp(s->bottleneck, stages[i][0]) == 0)
            stage = stages[i][1];
    double rate = s->seconds > 0 ? (double)(s->n_images - s->n_resumed) / s->seconds : 0;
    fflush(stdout); /* this line comes last; cli_finish_stdout sees a failure */
    if (s->bottleneck != NULL)
        cli_note(cli, "%.*f images/s; %.0f %% of the time went into %s", rate < 10 ? 1 : 0, rate,
                 100 * s->bottleneck_share, stage);
}

int cmd_embed(struct cli *cli, int argc, char **argv)
{
    static const struct argp_child children[] = {{&embed_job_argp, 0, NULL, 1},
                                                 {&set_argp, 0, "What the inputs are:", 2},
                                                 {&embed_argp, 0, "How faces become embeddings:", 3},
                                                 {&common_argp, 0, "Common options:", 10},
                                                 {0}};
    static const struct argp argp = {
        options,
        parse,
        "INPUT... -o FACES",
        "Detect, align and embed the faces of images.\v"
        "An INPUT is a folder of images, searched through, a zip or tar archive of images, a record "
        "file (train.rec), a .bin of pairs, an LMDB database, a pattern of "
        "shards "
        "such as 'set-{000..099}.tar', a list of them (@FILE), or one image (JPEG, PNG, WebP). The first "
        "folder "
        "below an INPUT names the person. An interrupted run goes on when the same command is given "
        "again.\n\n"
        "Example: likeness embed photos/ -o faces/",
        children,
        NULL,
        NULL};
    struct args args = {.cli = cli};
    lk_embed_options_init(&args.embed);
    cli_parse(&argp, argc, argv, &args);
    int code = cli_start(cli);
    if (code != EXIT_DONE)
        return code;
    cli_use_preset(cli, &args.set);
    cli_embed_set(&args.set, &args.embed);
    args.embed.command = cli->command;
    lk_embed_summary summary;
    lk_error err;
    lk_status status = lk_embed(cli->ctx, &args.embed, &summary, &err);
    if (status != LK_OK)
        return cli_fail(cli, status, &err);
    cli_print_faces(&summary, args.embed.output);
    note_speed(cli, &summary);
    return summary.n_unreadable > 0 ? EXIT_SOME_UNREADABLE : EXIT_DONE;
}
