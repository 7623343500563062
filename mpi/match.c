/* SPDX-License-Identifier: Apache-2.0 */
/* match.c - likeness-mpi match: each rank compares all probes with its part of the real faces; rank 0 writes the tables
 * that a single process would have written. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "ranks.h"
#include "search/match.h"
#include "search/scan.h"

struct job {
    struct ranks *ranks;
    struct cli *cli;
    lk_match_options options;
    struct lk_match match;
    struct lk_str work_dir; /* of this rank, in the output folder: its unfinished work, and then its range */
    struct lk_search_result part, all;
    lk_match_summary summary;
    double start;
    int lock;
};

static lk_status work_dir_of(const struct job *j, int rank, struct lk_str *out, lk_error *err)
{
    return lk_str_addf(out, err, "%s/rank-%d-of-%d", j->options.output, rank + 1, j->ranks->size);
}

/* Rank 0 alone: takes the output folder, and looks whether all is done there. */
static lk_status begin(struct job *j, int *up_to_date, lk_error *err)
{
    enum lk_match_state state = LK_MATCH_NONE;
    struct lk_str what = LK_STR_INIT;
    LK_TRY(lk_mkdirs(j->options.output, err));
    LK_TRY(lk_lock_take(&j->lock, j->options.output, err));
    lk_status status = lk_match_meta_compare(&j->match, j->options.output, &state, &what, &j->summary, err);
    if (status == LK_OK && state == LK_MATCH_OTHER && !j->options.force)
        status = lk_fail(err, LK_EINVAL,
                         "%s: holds a finished match that differs in: %s; give another output, or --force to "
                         "replace it",
                         j->options.output, what.text);
    *up_to_date = j->summary.up_to_date = state == LK_MATCH_SAME;
    lk_str_free(&what);
    return status;
}

static lk_status search(struct job *j, struct lk_search_options *options, struct lk_str *inputs, lk_error *err)
{
    LK_TRY(lk_mkdirs(j->work_dir.text, err));
    LK_TRY(lk_match_search_options(&j->match, inputs, options, err));
    options->work_dir = j->work_dir.text;
    options->shard = (struct lk_search_shard){(uint64_t)j->ranks->rank + 1, (uint64_t)j->ranks->size};
    options->exchange = ranks_exchange;
    options->exchange_user = j->ranks;
    return lk_search_run(j->cli->ctx, options, &j->part, err);
}

/* Rank 0: the files of all ranks' ranges as one. */
static lk_status join_ranges(struct job *j, lk_error *err)
{
    int size = j->ranks->size;
    struct lk_str *paths = lk_calloc((size_t)size, sizeof *paths, err);
    const char **names = lk_calloc((size_t)size, sizeof *names, err);
    char *to = lk_path_join(j->options.output, "range.part", err);
    uint64_t found = 0;
    lk_status status = paths != NULL && names != NULL && to != NULL ? LK_OK : LK_ENOMEM;
    for (int i = 0; status == LK_OK && i < size; i++) {
        status = work_dir_of(j, i, &paths[i], err);
        if (status == LK_OK)
            status = lk_str_addz(&paths[i], "/range.part", err);
        names[i] = paths[i].text;
    }
    if (status == LK_OK)
        status = lk_search_join_ranges(j->cli->ctx, names, (size_t)size, to, &found, err);
    if (status == LK_OK && found != j->all.n_range)
        status = lk_fail(err, LK_EIO, "%s: the ranks' folders hold %llu pairs, expected %llu; do they share %s?", to,
                         (unsigned long long)found, (unsigned long long)j->all.n_range, j->options.output);
    free(j->all.range_path);
    j->all.range_path = to;
    for (int i = 0; paths != NULL && i < size; i++)
        lk_str_free(&paths[i]);
    free(paths);
    free(names);
    return status;
}

static lk_status write_all(struct job *j, lk_error *err)
{
    if (!isnan(j->options.min_score))
        LK_TRY(join_ranges(j, err));
    LK_TRY(lk_match_write(&j->match, &j->all, j->start, err));
    lk_match_summarise(&j->all, &j->summary);
    return LK_OK;
}

/* Also after a run that was killed when the tables were written. */
static void forget_work(const struct job *j)
{
    lk_search_forget(j->work_dir.text);
    rmdir(j->work_dir.text);
}

static int run(struct job *j)
{
    lk_error err;
    int up_to_date = 0;
    lk_status status = lk_scan_check(j->options.cpu, &err);
    if (status == LK_OK)
        status = work_dir_of(j, j->ranks->rank, &j->work_dir, &err);
    if (status == LK_OK)
        status = lk_match_open_sets(&j->match, &err);
    if (status == LK_OK && j->ranks->rank == 0)
        status = begin(j, &up_to_date, &err);
    int code = ranks_agree(j->ranks, j->cli, status, &err);
    MPI_Bcast(&up_to_date, 1, MPI_INT, 0, MPI_COMM_WORLD);
    if (code == EXIT_DONE && up_to_date)
        forget_work(j);
    if (code != EXIT_DONE || up_to_date)
        return code;

    struct lk_str inputs = LK_STR_INIT;
    struct lk_search_options options;
    status = search(j, &options, &inputs, &err);
    code = ranks_agree(j->ranks, j->cli, status, &err);
    if (code == EXIT_DONE) {
        status = ranks_reduce(j->ranks, &options, &j->part, &j->all, &err);
        code = ranks_agree(j->ranks, j->cli, status, &err);
    }
    lk_str_free(&inputs);
    if (code != EXIT_DONE)
        return code;
    if (j->ranks->rank == 0)
        status = write_all(j, &err);
    code = ranks_agree(j->ranks, j->cli, status, &err);
    if (code == EXIT_DONE)
        forget_work(j);
    return code;
}

struct args {
    struct cli *cli;
    lk_match_options options;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct args *a = state->input;
    (void)arg;
    if (key == ARGP_KEY_INIT) {
        state->child_inputs[0] = &a->options;
        state->child_inputs[1] = a->cli;
        return 0;
    }
    if (key == ARGP_KEY_END && a->options.cache)
        argp_error(state, "--cache keeps the codes of whole sets: it does not go with several processes");
    return ARGP_ERR_UNKNOWN;
}

int mpi_match(struct cli *cli, int argc, char **argv)
{
    static const struct argp_child children[] = {
        {&match_argp, 0, NULL, 1}, {&common_argp, 0, "Common options:", 10}, {0}};
    static const struct argp argp = {
        NULL,
        parse,
        "SYNTH TRAIN",
        "Compare every face of SYNTH with every face of TRAIN, exactly, by all processes of an MPI job: the same "
        "bytes as `likeness match`.\v"
        "All processes must see the same files under the same paths. Each keeps a part of the real faces in memory. "
        "A job that was stopped or killed goes on when it is started again with as many processes.\n\n"
        "  mpirun -n 8 likeness-mpi match synth.faces train.faces --holdout others.faces -o match",
        children,
        NULL,
        NULL};
    struct args args = {.cli = cli};
    lk_match_options_init(&args.options);
    cli_parse(&argp, argc, argv, &args);
    struct ranks ranks;
    ranks_start(&ranks, cli);
    int code = cli_start(cli);
    if (code != EXIT_DONE)
        ranks_abort(&ranks, code);
    args.options.command = cli->command;
    struct job j = {.ranks = &ranks, .cli = cli, .options = args.options, .work_dir = LK_STR_INIT, .lock = -1,
                    .start = lk_clock_seconds()};
    struct lk_match_share share = {(uint64_t)ranks.rank, (uint64_t)ranks.size, ranks_join_sets, &ranks};
    j.match = (struct lk_match){.ctx = cli->ctx, .options = &j.options, .share = &share};
    code = run(&j);
    lk_match_count(&j.match, &j.summary);
    if (code == EXIT_DONE && ranks.rank == 0)
        cli_print_match(&j.summary, j.options.output);
    if (code == EXIT_DONE && j.summary.n_excluded > 0)
        code = EXIT_SOME_UNREADABLE;
    lk_lock_release(j.lock);
    lk_search_free(&j.part);
    lk_search_free(&j.all);
    lk_str_free(&j.work_dir);
    lk_match_set_close(&j.match.probes);
    for (int g = 0; g < LK_N_GALLERIES; g++)
        lk_match_set_close(&j.match.galleries[g]);
    ranks_end(&ranks);
    return code;
}
