/* SPDX-License-Identifier: Apache-2.0 */
/* pass.h - the state of a running pass, shared by the engine's files. */
#ifndef LK_SEARCH_PASS_H
#define LK_SEARCH_PASS_H

#include <stdio.h>

#include "search/codes.h"
#include "search/device.h"
#include "search/kernel.h"
#include "search/lists.h"

enum {
    LK_TILE = 128,      /* references whose scores against a block of probes are held at a time */
    LK_MAX_BLOCK = 256, /* probes of a block whose every pair is scored */
    LK_MAX_SCAN_BLOCK =
        1024, /* of one that is scanned: rows that several of its probes need are fetched once */
};

struct lk_pass_gallery {
    const struct lk_search_set *set; /* that is searched: the part */
    struct lk_search_set part;
    uint64_t first; /* number of its first row in the whole gallery */
    struct lk_closest closest; /* of all finished blocks */
    _Atomic float threshold;   /* of `closest`, for the workers */
    _Atomic uint64_t *best;    /* of each reference: lk_best_pack */
};

/* Where the pairs of the range are kept: records in order, with a sum over all of them to know them again. */
struct lk_spool {
    FILE *stream;
    char *path;
    uint64_t n, sum;
};

struct lk_worker {
    double *probes, *references;          /* packed: of a block, or LK_GROUP where it is scanned; LK_GROUP */
    float *scores;                        /* LK_MAX_BLOCK x LK_TILE */
    struct lk_list *nearest, *identities; /* of each probe of the block, in the gallery in hand */
    struct lk_scan_lists *lists;          /* of a block that is scanned; see fast.c */
    uint64_t most_panels; /* of a job of a module, as far as is known; 0 = nothing is */
    uint64_t scanned, nominated,
        scored; /* pairs: by codes, that passed the bound, that were scored by the definition */
};

/* The nominating scan: codes of all sets, and what is known about scores before the pass. */
struct lk_fast {
    const struct lk_scan *scan;
    struct lk_basis basis;
    struct lk_codes probes, references[LK_N_GALLERIES];
    bool cached[LK_N_GALLERIES];         /* references' codes are those of an earlier run */
    _Atomic float *best[LK_N_GALLERIES]; /* of each reference: some probe scores at least this */
    uint32_t *leads[LK_N_GALLERIES];     /* references of distinct identities that are scored first */
    uint64_t n_leads[LK_N_GALLERIES];
    double *lead_rows[LK_N_GALLERIES];   /* the leads, packed */
    uint64_t *not_leads[LK_N_GALLERIES]; /* of each panel: bits of rows that are there and no leads */
    uint64_t panel_step[LK_N_GALLERIES];
    bool waits[LK_N_GALLERIES];        /* nominated pairs wait for their scoring: fast.c */
    double slack;                      /* more than any rounding of a score */
    double fine_slack[LK_N_GALLERIES]; /* and of the product that nominated pairs are sifted by */
    /* A module does all that (device.c): best, leads, lead_rows and not_leads are not made. NULL = none. */
    const struct lk_device_module *module;
    struct lk_device *device;
    struct lk_scan rows_scan; /* how it wants codes */
};

/* What a worker found in one block, for the sink. Lists of probes go straight to the result. */
struct lk_block {
    uint64_t first, count;
    struct lk_closest closest[LK_N_GALLERIES];
    uint64_t exact[LK_N_GALLERIES][LK_SEARCH_BINS];
    struct lk_range_pair *range;
    size_t n_range, range_capacity;
};

struct lk_pass {
    lk_ctx *ctx;
    const struct lk_search_options *options;
    struct lk_search_result *out;
    struct lk_pass_gallery galleries[LK_N_GALLERIES];
    lk_kernel_fn *kernel;
    lk_pairs_fn *pairs;
    struct lk_fast *fast; /* NULL = every pair is scored */
    struct lk_worker *workers;
    float exact_score, range_score; /* lowest that count; +inf when nothing does */
    bool has_range;
    uint64_t block;       /* probes a worker takes at a time */
    uint64_t first;       /* probes that an earlier run finished */
    uint64_t probes_done; /* finished by both, all probes before it */
    _Atomic uint64_t pairs_done;
    uint64_t pairs_total;
    char identity[65]; /* of inputs and settings */
    struct lk_spool spool;
    double save_seconds, next_save;
    double started; /* when the first block was */
};

/* sample.c: seed and size of each gallery's sample. */
void lk_pass_plan_sample(struct lk_pass *pass);
/* Draws and scores it, and chooses where the exact part of the histogram begins. */
lk_status lk_pass_sample(struct lk_pass *pass, lk_error *err);
/* Are there so many pairs that some bins need not be exact? */
bool lk_pass_is_large(const struct lk_pass *pass);
/* The lowest score that falls into a bin; -inf for the first, +inf behind the last. */
float lk_pass_bin_score(int bin);

/* block.c: all pairs of one block of probes. */
lk_status lk_pass_block(struct lk_pass *pass, struct lk_block *block, struct lk_worker *worker,
                        lk_error *err);

/* The lowest score that anything still asks for from a probe whose lists are these, in a block with these
 * closest pairs. */
float lk_pass_floor(const struct lk_pass *pass, int g, const struct lk_closest *closest,
                    const struct lk_list *nearest, const struct lk_list *identities);
/* It is the lower of these two: of what all probes of the block have in common, and of the probe's lists. */
float lk_pass_block_floor(const struct lk_pass *pass, int g, const struct lk_closest *closest);
float lk_pass_list_floor(const struct lk_pass *pass, int g, const struct lk_list *nearest,
                         const struct lk_list *identities);
/* One scored pair of probe p of the block, offered to every product. */
lk_status lk_pass_take(struct lk_pass *pass, struct lk_block *block, struct lk_worker *worker, int g,
                       uint64_t p, uint32_t reference, float score, lk_error *err);
void lk_pass_report(struct lk_pass *pass, uint64_t pairs);

/* fast.c: the same, scoring only what the scan nominates. */
/* Begin: chooses who scans; a device begins to wake. prepare does it where it was not done. */
lk_status lk_fast_begin(struct lk_pass *pass, lk_error *err);
lk_status lk_fast_prepare(struct lk_pass *pass, lk_error *err);
lk_status lk_fast_gallery(struct lk_pass *pass, struct lk_block *block, struct lk_worker *worker, int g,
                          lk_error *err);
void lk_fast_free(struct lk_fast *fast);
lk_status lk_scan_lists_new(struct lk_scan_lists **out, const struct lk_pass *pass, lk_error *err);
void lk_scan_lists_free(struct lk_scan_lists *lists);
/* prepare.c: from one panel to the next that is scanned, so that all are visited; far jumps, so that neighbours (one
 * person) are not met in a row. */
uint64_t lk_pass_step(const struct lk_pass *pass, uint64_t panels);
/* Up to `wanted` rows, spread evenly; with labels of distinct identities. Freed by the caller. */
lk_status lk_pass_leads(uint32_t **out, uint64_t *n, const struct lk_search_set *set, uint64_t wanted, lk_error *err);
/* device.c: the loading of a module; before and behind the pass; a block. */
lk_status lk_device_choose(struct lk_pass *pass, lk_error *err);
lk_status lk_device_encode(struct lk_pass *pass, lk_error *err);
lk_status lk_device_open(struct lk_pass *pass, lk_error *err);
void lk_device_close(struct lk_fast *fast);
lk_status lk_device_gallery(struct lk_pass *pass, struct lk_block *block, struct lk_worker *worker, int g,
                            lk_error *err);
/* depth.c: how many axes the scan should use. */
lk_status lk_fast_depth(struct lk_pass *pass, size_t *depth, lk_error *err);

/* state.c: unfinished work on disk. */
lk_status lk_pass_save(struct lk_pass *pass, lk_error *err);
/* Takes up what an earlier run left, if it fits; says so by a message if it does not. Opens the spool. */
lk_status lk_pass_load(struct lk_pass *pass, bool *loaded, lk_error *err);
lk_status lk_spool_add(struct lk_spool *spool, const struct lk_range_pair *pairs, size_t n, lk_error *err);
void lk_spool_close(struct lk_spool *spool);

#endif
