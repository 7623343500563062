/* SPDX-License-Identifier: Apache-2.0 */
/* ranks.c - starting and ending, agreement, and the two windows of rank 0. */
#include "ranks.h"

#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Threads of a rank where none are asked for: the cores that its machine's ranks share. */
static int fair_threads(const struct ranks *r)
{
    cpu_set_t cores;
    int n = sched_getaffinity(0, sizeof cores, &cores) == 0 ? CPU_COUNT(&cores) : 1;
    return n > r->node_ranks ? n / r->node_ranks : 1;
}

void ranks_start(struct ranks *r, struct cli *cli)
{
    int level;
    *r = (struct ranks){.rank = 0};
    /* calls come from the thread that has a finished block in hand, one at a time */
    MPI_Init_thread(NULL, NULL, MPI_THREAD_SERIALIZED, &level);
    MPI_Comm_rank(MPI_COMM_WORLD, &r->rank);
    MPI_Comm_size(MPI_COMM_WORLD, &r->size);
    if (level < MPI_THREAD_SERIALIZED) {
        fprintf(stderr, "likeness-mpi: error: this MPI library does not let threads call it, one at a time\n");
        MPI_Abort(MPI_COMM_WORLD, EXIT_FAILED);
    }
    MPI_Comm node;
    MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node);
    MPI_Comm_size(node, &r->node_ranks);
    MPI_Comm_free(&node);
    if (cli->threads == 0)
        cli->threads = fair_threads(r);
    cli->quiet = cli->quiet || r->rank > 0;
    MPI_Aint here = r->rank == 0;
    MPI_Win_allocate(here * (MPI_Aint)sizeof *r->next_batch, sizeof *r->next_batch, MPI_INFO_NULL, MPI_COMM_WORLD,
                     &r->next_batch, &r->counter);
    MPI_Win_allocate(here * LK_N_GALLERIES * (MPI_Aint)sizeof *r->best_floor, sizeof *r->best_floor, MPI_INFO_NULL,
                     MPI_COMM_WORLD, &r->best_floor, &r->floors);
    if (r->rank == 0)
        *r->next_batch = 0;
    for (int g = 0; g < LK_N_GALLERIES; g++) {
        r->known[g] = -INFINITY;
        r->asked[g] = MPI_REQUEST_NULL;
        if (r->rank == 0)
            r->best_floor[g] = -INFINITY;
    }
    MPI_Win_lock_all(0, r->counter);
    MPI_Win_lock_all(0, r->floors);
    MPI_Win_sync(r->counter);
    MPI_Win_sync(r->floors);
    MPI_Barrier(MPI_COMM_WORLD);
}

void ranks_end(struct ranks *r)
{
    for (int g = 0; g < LK_N_GALLERIES; g++)
        MPI_Wait(&r->asked[g], MPI_STATUS_IGNORE);
    MPI_Win_unlock_all(r->floors);
    MPI_Win_unlock_all(r->counter);
    MPI_Win_free(&r->floors);
    MPI_Win_free(&r->counter);
    MPI_Finalize();
}

void ranks_fail(const struct ranks *r, const lk_error *err)
{
    char host[MPI_MAX_PROCESSOR_NAME] = "";
    int len;
    MPI_Get_processor_name(host, &len);
    term_clear_line();
    fprintf(stderr, "likeness-mpi: error: rank %d of %d on %s: %s\n", r->rank, r->size, host, err->text);
    fflush(stderr);
    MPI_Abort(MPI_COMM_WORLD, EXIT_FAILED);
    abort();
}

int ranks_agree(struct ranks *r, struct cli *cli, lk_status status, const lk_error *err)
{
    if (status != LK_OK && status != LK_ECANCELED)
        ranks_fail(r, err);
    int mine = status == LK_ECANCELED ? EXIT_INTERRUPTED : EXIT_DONE, worst;
    MPI_Allreduce(&mine, &worst, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
    if (worst == EXIT_INTERRUPTED && r->rank == 0)
        cli_note(cli, "likeness-mpi: stopped; finished work is kept, run again to go on");
    return worst;
}

/* Tells rank 0 at most one number at a time, and learns its answer when it has come. */
float ranks_exchange(void *user, int g, float kth)
{
    struct ranks *r = user;
    int done = 0;
    MPI_Test(&r->asked[g], &done, MPI_STATUS_IGNORE); /* a null request is done */
    if (done && r->asked[g] == MPI_REQUEST_NULL) {
        r->known[g] = fmaxf(r->known[g], fmaxf(kth, r->got[g] > r->known[g] ? r->got[g] : r->known[g]));
        r->own[g] = r->known[g];
        MPI_Rget_accumulate(&r->own[g], 1, MPI_FLOAT, &r->got[g], 1, MPI_FLOAT, 0, g, 1, MPI_FLOAT, MPI_MAX, r->floors,
                            &r->asked[g]);
    }
    return r->known[g];
}

int64_t ranks_next_batch(struct ranks *r)
{
    int64_t one = 1, got;
    MPI_Fetch_and_op(&one, &got, MPI_INT64_T, 0, 0, MPI_SUM, r->counter);
    MPI_Win_flush(0, r->counter);
    return got;
}
