/* SPDX-License-Identifier: Apache-2.0 */
/* ranks.c - starting and ending, agreement, and the two windows of rank 0. */
#include "ranks.h"

#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "devices.h"

/* Threads of a rank where none are asked for: the cores that its machine's ranks share. */
static int fair_threads(const struct ranks *r)
{
    cpu_set_t cores;
    int n = sched_getaffinity(0, sizeof cores, &cores) == 0 ? CPU_COUNT(&cores) : 1;
    return n > r->node_ranks ? n / r->node_ranks : 1;
}

static bool open_window(struct ranks *r, int n, size_t size, void *base, MPI_Win *window)
{
    MPI_Aint bytes = r->rank == 0 ? n * (MPI_Aint)size : 0;
    int code = MPI_Win_allocate(bytes, (int)size, MPI_INFO_NULL, MPI_COMM_WORLD, base, window), worst;
    MPI_Allreduce(&code, &worst, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
    if (worst != MPI_SUCCESS)
        *window = MPI_WIN_NULL;
    return worst == MPI_SUCCESS;
}

/* Some MPI libraries have no one-sided communication between machines of an ordinary network: Open MPI 4 as Debian sets
 * it up. All results come without it, a little later. */
static void open_windows(struct ranks *r, const struct cli *cli)
{
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    bool open = open_window(r, 1, sizeof *r->next_batch, &r->next_batch, &r->counter);
    if (open && !open_window(r, LK_N_GALLERIES, sizeof *r->best_floor, &r->best_floor, &r->floors)) {
        MPI_Win_free(&r->counter);
        open = false;
    }
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_ARE_FATAL);
    if (!open) {
        cli_note(cli, "likeness-mpi: this MPI has no one-sided communication between these machines: work is dealt out "
                      "beforehand, and ranks do not tell each other what they have found so far");
        return;
    }
    if (r->rank == 0)
        *r->next_batch = 0;
    for (int g = 0; r->rank == 0 && g < LK_N_GALLERIES; g++)
        r->best_floor[g] = -INFINITY;
    MPI_Win_lock_all(0, r->counter);
    MPI_Win_lock_all(0, r->floors);
    MPI_Win_sync(r->counter);
    MPI_Win_sync(r->floors);
}

/* At every start Open MPI loads and asks the libraries of all networks, for 0.2 s. Processes that are all on one machine
 * need none, so it gets the layer that does without, unless the user has chosen one. */
static void spare_networks(void)
{
    const char *all = getenv("OMPI_COMM_WORLD_SIZE"), *here = getenv("OMPI_COMM_WORLD_LOCAL_SIZE");
    if (all != NULL && here != NULL && strcmp(all, here) == 0)
        setenv("OMPI_MCA_pml", "ob1", 0);
}

void ranks_start(struct ranks *r, struct cli *cli)
{
    int level;
    spare_networks();
    *r = (struct ranks){.counter = MPI_WIN_NULL, .floors = MPI_WIN_NULL, .has_mpirun = getenv("OMPI_COMM_WORLD_SIZE") != NULL};
    /* calls come from the thread that has a finished block in hand, one at a time */
    MPI_Init_thread(NULL, NULL, MPI_THREAD_SERIALIZED, &level);
    MPI_Comm_rank(MPI_COMM_WORLD, &r->rank);
    MPI_Comm_size(MPI_COMM_WORLD, &r->size);
    if (level < MPI_THREAD_SERIALIZED) {
        fprintf(stderr, "likeness-mpi: error: this MPI library does not let threads call it, one at a time\n");
        ranks_abort(r, EXIT_FAILED);
    }
    MPI_Comm node;
    MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node);
    int node_rank;
    MPI_Comm_rank(node, &node_rank);
    MPI_Comm_size(node, &r->node_ranks);
    MPI_Comm_free(&node);
    devices_share(node_rank, r->node_ranks, DEVICES_OF_DRIVER);
    if (cli->threads == 0)
        cli->threads = fair_threads(r);
    cli->quiet = cli->quiet || r->rank > 0;
    for (int g = 0; g < LK_N_GALLERIES; g++) {
        r->known[g] = -INFINITY;
        r->asked[g] = MPI_REQUEST_NULL;
    }
    open_windows(r, cli);
    MPI_Barrier(MPI_COMM_WORLD);
}

void ranks_end(struct ranks *r)
{
    for (int g = 0; g < LK_N_GALLERIES; g++)
        MPI_Wait(&r->asked[g], MPI_STATUS_IGNORE);
    if (r->counter != MPI_WIN_NULL) {
        MPI_Win_unlock_all(r->floors);
        MPI_Win_unlock_all(r->counter);
        MPI_Win_free(&r->floors);
        MPI_Win_free(&r->counter);
    }
    MPI_Finalize();
}

/* What befalls one rank often befalls all at once, a full disk say, and the mpirun of Open MPI 4 crashes now and then on what
 * several MPI_Abort tell it. It ends the job as well when a rank is gone with a code that is not zero. */
void ranks_abort(const struct ranks *r, int code)
{
    fflush(stderr);
    if (!r->has_mpirun)
        MPI_Abort(MPI_COMM_WORLD, code);
    _exit(code);
}

void ranks_fail(const struct ranks *r, lk_status status, const lk_error *err)
{
    char host[MPI_MAX_PROCESSOR_NAME] = "";
    int len;
    MPI_Get_processor_name(host, &len);
    term_clear_line();
    fprintf(stderr, "likeness-mpi: error: rank %d of %d on %s: %s%s\n", r->rank, r->size, host, err->text,
            status == LK_EIO ? "; put that right and start the job again: it goes on where it was" : "");
    ranks_abort(r, EXIT_FAILED);
}

int ranks_agree(struct ranks *r, struct cli *cli, lk_status status, const lk_error *err)
{
    if (status != LK_OK && status != LK_ECANCELED)
        ranks_fail(r, status, err);
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
    if (r->floors == MPI_WIN_NULL)
        return kth;
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
    if (r->counter == MPI_WIN_NULL)
        return r->rank + r->size * r->dealt++;
    MPI_Fetch_and_op(&one, &got, MPI_INT64_T, 0, 0, MPI_SUM, r->counter);
    MPI_Win_flush(0, r->counter);
    return got;
}
