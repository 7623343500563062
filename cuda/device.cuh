/* SPDX-License-Identifier: Apache-2.0 */
/* device.cuh - what the module's kernels and its host side share. */
#ifndef LK_CUDA_DEVICE_CUH
#define LK_CUDA_DEVICE_CUH

#include <cuda.h>
#include <cuda_runtime.h>

#include "search/device.h"

enum {
    SCAN_LISTS = 2, /* groups of warps that multiply, each with a list of what it nominates */
    SCAN_PROBES = SCAN_LISTS * LK_DEVICE_PROBE_SET, /* of a block of threads */
    SCAN_REFERENCES = LK_DEVICE_PANEL,
    SCAN_CHUNK = 128,         /* coordinates that are fetched together */
    NOMINATED_ROOM = 8 << 20, /* pairs of a lane, divided over the lists of a scan */
    FOUND_ROOM = 1 << 21,     /* that reach a floor when they are scored */
    KEPT_ROOM = 1 << 19,      /* and still do at the end of the job: more than one panel has with a block of probes */
};

/* A float by its bits. */
__host__ __device__ inline float float_of(int bits)
{
    union {
        int i;
        float f;
    } u = {bits};
    return u.f;
}

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
    return float_of(key >= 0 ? key : key ^ 0x7fffffff);
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
    unsigned long long nominated;
    unsigned found, kept, overflows;
};

struct scan_args {
    unsigned chunks; /* of SCAN_CHUNK coordinates */
    unsigned stages; /* chunks of references that shared memory has room for */
    unsigned long long first_probe, references, panels, step, first_panel, n_panels;
    unsigned n_probes;
    const float *floors; /* of the block's probes */
    const int *best;     /* struct known has the words */
    struct remainders x, y;
    /* Rows of chunks * SCAN_CHUNK bytes; scan_hopper.cu reads them by its tensor maps. */
    const int8_t *x_codes, *y_codes;
    unsigned long long probes; /* all */
    float reach, slack;
    nominee *nominated; /* room of them for each list. The lists of one half of a tile of probes follow each other */
    unsigned *counts;   /* of each list; may be more than room */
    unsigned room;
};

/* Rows as the kernels below read them: each begins on 16 bytes. */
struct row_args {
    const float *probes, *references; /* the block's; all */
    size_t dim, stride;
    double sum_slack; /* struct lk_device_setup has the words */
};

/* scan_hopper.cu, scan_ampere.cu: they nominate. limit: shared memory that a block of threads may have; scan_ampere_needs: the
 * most that it takes. */
cudaError_t scan_hopper_setup(void);
cudaError_t scan_hopper_launch(const CUtensorMap *probes, const CUtensorMap *references, const struct scan_args *args,
                               dim3 grid, cudaStream_t stream);
size_t scan_ampere_needs(void);
cudaError_t scan_ampere_setup(size_t limit);
cudaError_t scan_ampere_launch(const struct scan_args *args, dim3 grid, cudaStream_t stream);

/* score.cu */
cudaError_t score_setup(size_t limit);
/* known_floors: by what has been scored. All of n probes. */
cudaError_t floors_launch(float *floors, const float *list_floors, const float *known_floors, float floor, unsigned n,
                          cudaStream_t stream);

/* What is known of a gallery's references, and of the probes of a block. */
struct known {
    int *best;              /* of each reference: a score that some probe reaches, as a key */
    const uint8_t *classes; /* of each reference */
    int *seen;              /* LK_DEVICE_CLASSES of each probe: the best score with the class, as a key */
};

/* What of a device matters here. */
struct abilities {
    bool hopper;
    int processors;
    size_t shared_limit; /* bytes that a block of threads may ask for */
};

/* Scores what was nominated, adds to what is known, and gives out the pairs that reach a floor. grid: of the scan. */
cudaError_t score_launch(const struct scan_args *scan, dim3 grid, const struct row_args *rows, const struct abilities *device,
                         const struct known *known, struct lk_device_pair *found, struct tally *tally, cudaStream_t stream);
/* Of the pairs found, those that reach a floor now. */
cudaError_t keep_launch(struct lk_device_pair *kept, const struct lk_device_pair *found, const float *floors, const int *best,
                        struct tally *tally, cudaStream_t stream);

/* encode.cu: codes of `rows` rows, `depth` bytes each, zeros behind the `stride` numbers of a row. Scales, errors and rests
 * of each `set_rows` rows: struct lk_codes has the words. most: raised to the largest lengths, floats as their bits. */
struct lengths {
    int reach, longest;
};
struct encoding {
    const float *data;
    unsigned long long rows;
    size_t stride, depth;
    unsigned set_rows;
    int8_t *codes;
    float *scale, *error, *rest;
    struct lengths *most;
};
cudaError_t encode_launch(const struct encoding *e, cudaStream_t stream);

/* leads.cu: out[i] = what is surely no more than the r-th best score of row i with the leads; -inf where they are
 * fewer. matrix: n x n_leads. seen: NULL, or filled with what the leads say. */
cudaError_t leads_launch(float *out, float *matrix, int *seen, const float *rows, unsigned n, const float *leads,
                         unsigned n_leads, size_t stride, unsigned r, float slack, cudaStream_t stream);
/* Raises out[i] to what the r-th best class of row i says. */
cudaError_t raise_launch(float *out, const int *seen, unsigned n, unsigned r, float slack, cudaStream_t stream);
cudaError_t keys_launch(int *keys, const float *scores, unsigned n, cudaStream_t stream);

#endif
