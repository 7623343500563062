/* SPDX-License-Identifier: Apache-2.0 */
/* device.cuh - what the module's kernels and its host side share. */
#ifndef LK_CUDA_DEVICE_CUH
#define LK_CUDA_DEVICE_CUH

#include <cuda.h>
#include <cuda_runtime.h>

#include "search/device.h"

enum {
    SCAN_PROBES = 128,        /* of a block of threads, 64 for each group of warps that multiplies */
    SCAN_REFERENCES = LK_DEVICE_PANEL,
    SCAN_CHUNK = 128,         /* coordinates that are fetched together */
    NOMINATED_ROOM = 8 << 20, /* pairs of a lane, divided over the blocks of threads of a scan */
    KEPT_ROOM = 2 << 20,      /* that pass the float sum */
    FOUND_ROOM = 1 << 19,     /* that reach a floor: more than one panel has with a block of probes */
};

/* Scores as whole numbers of the same order, for atomic maxima. */
__host__ __device__ inline int key_of(float score)
{
    union {
        float f;
        int i;
    } u = {score};
    return u.i >= 0 ? u.i : u.i ^ 0x7fffffff;
}

__host__ __device__ inline float score_of(int key)
{
    union {
        int i;
        float f;
    } u = {key >= 0 ? key : key ^ 0x7fffffff};
    return u.f;
}

/* What the codes of a set of rows leave out: struct lk_codes has the words. */
struct remainders {
    const float *scale, *error, *rest;
};

/* A probe of the block, and a reference. */
typedef uint2 nominee;
#define NOBODY 0xffffffffu /* in the probe's place: of a row that is not of the block */

/* How much a lane's kernels have found. */
struct tally {
    unsigned nominated, kept, found, overflows;
};

struct scan_args {
    unsigned chunks; /* of SCAN_CHUNK coordinates */
    unsigned stages; /* chunks of references that shared memory has room for */
    unsigned long long first_probe, references, panels, step, first_panel, n_panels;
    unsigned n_probes;
    const float *floors; /* of the block's probes */
    const int *best;     /* of each reference: a score that some probe reaches, as a key */
    struct remainders x, y;
    float reach, slack;
    nominee *nominated; /* room of them for each block of threads */
    unsigned *counts;   /* of each block of threads; may be more than room */
    unsigned room;
};

/* Rows as the kernels below read them: each begins on 16 bytes. */
struct row_args {
    const float *probes, *references; /* the block's; all */
    size_t dim, stride;
    double float_slack, sum_slack; /* struct lk_device_setup has the words */
};

/* scan.cu: nominates. */
cudaError_t scan_setup(void);
cudaError_t scan_launch(const CUtensorMap *probes, const CUtensorMap *references, const struct scan_args *args,
                        dim3 grid, cudaStream_t stream);

/* score.cu */
/* lead_floors, floors and list_floors: of n probes. */
cudaError_t floors_launch(float *floors, const float *list_floors, const float *lead_floors, float floor, unsigned n,
                          cudaStream_t stream);
/* Keeps the nominated pairs that may reach a floor by the float sum of their products. */
cudaError_t sift_launch(const struct scan_args *scan, unsigned slices, const struct row_args *rows, nominee *kept,
                        struct tally *tally, cudaStream_t stream);
/* Scores what was kept, raises `best`, and gives out the pairs that reach a floor. */
cudaError_t score_launch(const nominee *kept, const struct row_args *rows, const float *floors, int *best,
                         struct lk_device_pair *found, struct tally *tally, cudaStream_t stream);

/* leads.cu: out[i] = what is surely no more than the r-th best score of row i with the leads; -inf where they are
 * fewer. matrix: n x n_leads. */
cudaError_t leads_launch(float *out, float *matrix, const float *rows, unsigned n, const float *leads,
                         unsigned n_leads, size_t stride, unsigned r, float slack, cudaStream_t stream);
cudaError_t keys_launch(int *keys, const float *scores, unsigned n, cudaStream_t stream);

#endif
