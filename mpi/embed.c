/* SPDX-License-Identifier: Apache-2.0 */
/* embed.c - likeness-mpi embed: the images in many small batches; each rank takes the next one when it is done, so that
 * a slow rank does not hold the others up; rank 0 joins them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "ranks.h"

enum { KEY_BATCHES = 0x2001, BATCHES_PER_RANK = 8 };

struct args {
    struct cli *cli;
    struct set_options set;
    lk_embed_options embed;
    uint64_t batches; /* 0 = by the number of ranks */
};

static const struct argp_option options[] = {
    {"batches", KEY_BATCHES, "N", 0, "cut the images into N batches (default: 8 for each process)", 1},
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
    case KEY_BATCHES:
        a->batches = cli_number(arg, 1, 1000000, "--batches", state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

struct job {
    struct ranks *ranks;
    struct args *args;
    struct lk_str *folders; /* of each batch */
};

static lk_status name_batches(struct job *j, lk_error *err)
{
    const struct args *a = j->args;
    if ((j->folders = lk_calloc((size_t)a->batches, sizeof *j->folders, err)) == NULL)
        return LK_ENOMEM;
    for (uint64_t i = 0; i < a->batches; i++)
        LK_TRY(lk_str_addf(&j->folders[i], err, "%s.batches/%llu-of-%llu", a->embed.output,
                           (unsigned long long)i + 1, (unsigned long long)a->batches));
    return LK_OK;
}

static lk_status embed_batches(struct job *j, lk_error *err)
{
    struct args *a = j->args;
    for (int64_t i; (i = ranks_next_batch(j->ranks)) < (int64_t)a->batches;) {
        lk_embed_summary summary;
        a->embed.output = j->folders[i].text;
        a->embed.shard = (uint64_t)i + 1;
        a->embed.n_shards = a->batches;
        LK_TRY(lk_embed(a->cli->ctx, &a->embed, &summary, err));
    }
    return LK_OK;
}

static lk_status merge(struct job *j, const char *output, lk_embed_summary *summary, lk_error *err)
{
    const struct args *a = j->args;
    const char **shards = lk_calloc((size_t)a->batches, sizeof *shards, err);
    if (shards == NULL)
        return LK_ENOMEM;
    for (uint64_t i = 0; i < a->batches; i++)
        shards[i] = j->folders[i].text;
    lk_merge_options join;
    lk_merge_options_init(&join);
    join.shards = shards;
    join.n_shards = (size_t)a->batches;
    join.output = output;
    join.force = a->embed.force;
    join.command = a->cli->command;
    lk_status status = lk_merge(a->cli->ctx, &join, summary, err);
    free(shards);
    return status;
}

/* What the batches were made of, now that they are joined. */
static void remove_batches(const struct job *j, const char *output)
{
    static const char *const names[] = {"embeddings.npy", "images.csv", "meta.json", ".lock"};
    for (uint64_t i = 0; i < j->args->batches; i++) {
        for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
            char *path = lk_path_join(j->folders[i].text, names[k], NULL);
            if (path != NULL)
                unlink(path);
            free(path);
        }
        rmdir(j->folders[i].text);
    }
    struct lk_str all = LK_STR_INIT;
    if (lk_str_addf(&all, NULL, "%s.batches", output) == LK_OK)
        rmdir(all.text);
    lk_str_free(&all);
}

static int run(struct job *j, lk_embed_summary *summary)
{
    lk_error err;
    const char *output = j->args->embed.output;
    lk_status status = name_batches(j, &err);
    if (status == LK_OK)
        status = embed_batches(j, &err);
    int code = ranks_agree(j->ranks, j->args->cli, status, &err);
    if (code != EXIT_DONE)
        return code;
    if (j->ranks->rank == 0)
        status = merge(j, output, summary, &err);
    code = ranks_agree(j->ranks, j->args->cli, status, &err);
    if (code == EXIT_DONE && j->ranks->rank == 0) {
        remove_batches(j, output);
        cli_print_faces(summary, output);
        if (summary->n_unreadable > 0)
            code = EXIT_SOME_UNREADABLE;
    }
    return code;
}

int mpi_embed(struct cli *cli, int argc, char **argv)
{
    static const struct argp_child children[] = {{&embed_job_argp, 0, NULL, 1},
                                                 {&set_argp, 0, "What the images are:", 2},
                                                 {&embed_argp, 0, "How faces become embeddings:", 3},
                                                 {&common_argp, 0, "Common options:", 10},
                                                 {0}};
    static const struct argp argp = {
        options,
        parse,
        "IMAGES... -o FACES",
        "Detect, align and embed the faces of images by all processes of an MPI job: the same tables as `likeness "
        "embed`.\v"
        "All processes must see the same files under the same paths. A job that was stopped or killed goes on when it "
        "is started again with the same number of batches.\n\n"
        "  mpirun -n 8 likeness-mpi embed photos/ -o photos.faces",
        children,
        NULL,
        NULL};
    struct args args = {.cli = cli};
    lk_embed_summary summary = {.n_images = 0};
    lk_embed_options_init(&args.embed);
    cli_parse(&argp, argc, argv, &args);
    struct ranks ranks;
    ranks_start(&ranks, cli);
    int code = cli_start(cli);
    if (code != EXIT_DONE)
        ranks_abort(&ranks, code);
    if (args.batches == 0)
        args.batches = (uint64_t)ranks.size * BATCHES_PER_RANK;
    args.embed.command = cli->command;
    cli_use_preset(cli, &args.set);
    cli_embed_set(&args.set, &args.embed);
    struct job j = {.ranks = &ranks, .args = &args};
    code = run(&j, &summary);
    for (uint64_t i = 0; j.folders != NULL && i < args.batches; i++)
        lk_str_free(&j.folders[i]);
    free(j.folders);
    ranks_end(&ranks);
    return code;
}
