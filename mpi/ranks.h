/* SPDX-License-Identifier: Apache-2.0 */
/* ranks.h - the processes of one MPI job: who this is, agreement on success, what is shared without waiting. */
#ifndef LK_MPI_RANKS_H
#define LK_MPI_RANKS_H

#include <mpi.h>

#include "cli.h"
#include "search/search.h"

struct ranks {
    int rank, size;
    int node_ranks;  /* ranks on this machine */
    bool has_mpirun; /* of Open MPI, which started it; not srun, say */
    /* At rank 0: next batch of embed; highest k-th score of each gallery. MPI_WIN_NULL where MPI gives no windows:
     * then ranks know nothing of each other, and batches are dealt out beforehand. */
    MPI_Win counter, floors;
    int64_t dealt; /* batches that this rank has had so */
    int64_t *next_batch;
    float *best_floor;
    float known[LK_N_GALLERIES], own[LK_N_GALLERIES], got[LK_N_GALLERIES];
    MPI_Request asked[LK_N_GALLERIES]; /* under way to rank 0 */
};

/* Starts MPI, and gives this rank its share of the machine and of the talking. Behind cli_parse, whose errors end a
 * process that MPI need not know of. */
void ranks_start(struct ranks *ranks, struct cli *cli);
void ranks_end(struct ranks *ranks);

/* Ends the whole job at once, with this exit code as far as the starter passes it on. */
void ranks_abort(const struct ranks *ranks, int code) __attribute__((noreturn));

/* Says which rank failed, where and why, and what to do, and ends the whole job at once. */
void ranks_fail(const struct ranks *ranks, lk_status status, const lk_error *err) __attribute__((noreturn));

/* Every rank calls it with what became of it, and all get the worst: a failure is not left to the others to wait for.
 * A rank that fails for any reason but being stopped says so and ends the whole job at once; finished work is on
 * disk. Gives an exit code, EXIT_DONE when all are well. */
int ranks_agree(struct ranks *ranks, struct cli *cli, lk_status status, const lk_error *err);

/* An lk_search_exchange_fn; user is the struct ranks. */
float ranks_exchange(void *user, int gallery, float kth);

/* The next number from 0 that no rank has had. */
int64_t ranks_next_batch(struct ranks *ranks);

/* reduce.c: joins every rank's result at rank 0. `part` is taken apart; *out is filled at rank 0 alone, except for the
 * range, which stays in the ranks' folders; n_range counts all of it. */
lk_status ranks_reduce(struct ranks *ranks, const struct lk_search_options *options, struct lk_search_result *part,
                       struct lk_search_result *out, lk_error *err);

/* share.c: an lk_match_share.join; user is the struct ranks. */
struct lk_match;
lk_status ranks_join_sets(void *user, struct lk_match *match, lk_status status, lk_error *err);

/* The commands; they give exit codes. */
int mpi_match(struct cli *cli, int argc, char **argv);
int mpi_embed(struct cli *cli, int argc, char **argv);

#endif
