/* SPDX-License-Identifier: Apache-2.0 */
/* search.h - the exact all-pairs search: every product of one pass over probes and one or two galleries.
 *
 * Results are defined by value alone, so that every engine, thread count, block size, tile order and restart
 * gives the same bytes:
 * - The score of a pair is lk_score of its two stored rows.
 * - "Closest" means: higher score, then lower probe, then lower reference.
 * - An identity's score for a probe is its best reference's; of equal ones the lowest reference stands.
 * - The sample of the histogram is drawn by seeded random numbers that know nothing of scores (sample.c), and
 *   where the exact part begins follows from the sample alone. An engine therefore knows before the pass
 * which scores it must see, and may skip every pair that is provably below all thresholds in force. */
#ifndef LK_SEARCH_SEARCH_H
#define LK_SEARCH_SEARCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/ctx.h"

enum lk_gallery { LK_GALLERY_TRAIN, LK_GALLERY_HOLDOUT, LK_N_GALLERIES };

/* Rows of one set, rows * dim floats, all finite and none longer than 2^30. identities: for each row a number
 * below n_identities; NULL = every row is its own. The search does not look at the identities of probes. */
struct lk_search_set {
    const float *data;
    uint64_t rows;
    const uint32_t *identities;
    uint32_t n_identities;
};

#define LK_SEARCH_MAX_ROWS 0xfffffff0u /* of one set; larger ones are searched in shards */
#define LK_SEARCH_MAX_K 1000000000u
#define LK_SEARCH_MAX_R 65536u

/* Where the codes of a gallery are kept for the next run (cache.h). */
struct lk_search_cache {
    const char *path;        /* NULL = they are not */
    const char *rows_sha256; /* hex, of the gallery's rows: codes of others are not taken */
};

/* A part of every gallery: of M rows those from number (index - 1) M / count up to, not including, index M /
 * count, both rounded down. A search of a part gives the products of its rows, under their numbers in the whole
 * gallery; the sample of the histogram alone is that of whole galleries, so that all parts agree on it. */
struct lk_search_shard {
    uint64_t index, count; /* index from 1; count 0 = everything */
};

/* For several processes that search parts of one comparison: takes the score of the k-th closest pair that this one
 * has found in a gallery so far (-inf before there are k) and gives the highest that any is known to have, below
 * which no pair can be among the k closest of all. Called by one thread at a time, after each block of probes; must
 * not wait. A part searched so may list fewer than its own k closest pairs, but all that matter to the whole. */
typedef float lk_search_exchange_fn(void *user, int gallery, float kth);

struct lk_search_options {
    uint64_t dim;
    struct lk_search_set probes;
    struct lk_search_set galleries[LK_N_GALLERIES]; /* the hold-out may have no rows */
    uint64_t k, r;    /* at least 1; as many as there are where there are fewer */
    double min_score; /* of the range; NaN = no range */
    /* Existing folder for search.part and range.part; NULL = no unfinished work, and no range. */
    const char *work_dir;
    /* Names the content of the inputs (their hashes); unfinished work of others is not taken up. */
    const char *inputs;
    struct lk_search_shard shard;
    lk_search_exchange_fn *exchange; /* NULL = nobody to tell */
    void *exchange_user;
    bool only_finished;  /* take up finished work of work_dir, or fail: nothing is searched */
    double save_seconds; /* unfinished work is saved this often; 0 = every 5 s */
    uint64_t block;      /* probes that a worker takes at a time; 0 = chosen */
    const char *cpu;     /* instruction set of the nominating scan by name; NULL = the best */
    const char *device;  /* module that scans in place of the processor (device.c); NULL or "cpu" = none */
    uint64_t depth;      /* axes of the nominating scan; 0 = chosen */
    uint64_t plain_work; /* below so many pairs times dim the coordinates are scanned as they are; 0 = 2^37 */
    uint64_t step;       /* from one panel of references to the next that is scanned; 0 = chosen */
    uint64_t waiting;    /* nominated pairs that a thread keeps before it scores them; 0 = chosen */
    struct lk_search_cache caches[LK_N_GALLERIES];
    uint64_t asked_from; /* so many bytes of rows, a device is asked whether they fit; 0 = 2^33 */
    uint64_t device_parts; /* that a device gets the galleries in, asked or not; 0 = as many as it needs */
    struct lk_parts *parts; /* of which the shard is one (parts.c); NULL for callers */
    uint64_t exact_pairs; /* up to so many pairs every score is counted, and nothing nominated; 0 = 2^22 */
};

struct lk_pair {
    float score;
    uint32_t probe, reference;
};

/* One end of a pair; the other end is known from the place in a table. */
struct lk_hit {
    float score;
    uint32_t row;
};

struct lk_range_pair {
    uint32_t probe, gallery, reference;
    float score;
};

/* Scores in 400 bins of width 1/200: bin b holds floor(200 score + 200) == b, computed in double; what lies
 * outside of -1 .. 1 by rounding counts in the first and last bin. Up to 2^22 pairs all bins are exact;
 * beyond, those from the lowest edge on at which the sampled share from there up is at most 1e-4 (the higher
 * edge of two galleries). */
#define LK_SEARCH_BINS 400

struct lk_search_gallery {
    struct lk_pair *pairs; /* the closest k, closest first */
    uint64_t n_pairs;      /* min(k, all); of a part: its own */
    /* Of each probe p, from nearest[p * n_nearest] on: its closest references, closest first. */
    struct lk_hit *nearest;
    uint64_t n_nearest; /* min(r, rows) */
    /* The same by identity, each with its best reference; equal to nearest where there are no labels. */
    struct lk_hit *identities;
    uint64_t n_identities;           /* min(r, distinct identities) */
    struct lk_hit *best_probe;       /* of each reference; of a part: of its rows, the first of them first */
    uint64_t sample[LK_SEARCH_BINS]; /* scores of sample_size pairs drawn with replacement */
    uint64_t exact[LK_SEARCH_BINS];  /* scores of all pairs, for bins from exact_bin on; 0 below */
    uint64_t sample_seed, sample_size;
};

/* What this run took; an earlier run's part is not in it. */
struct lk_search_work {
    uint64_t axes;      /* of the nominating scan; 0 = none, every pair was scored */
    uint64_t scanned;   /* pairs whose codes were compared */
    uint64_t nominated; /* pairs that the bound let through */
    uint64_t scored;    /* pairs that were scored by the definition */
    double prepare_seconds, seconds; /* before the pass; in all */
};

struct lk_search_result {
    struct lk_search_work work;
    struct lk_search_gallery galleries[LK_N_GALLERIES];
    int exact_bin;    /* its lower edge is exact_bin / 200 - 1; LK_SEARCH_BINS = no bin is exact */
    uint64_t n_pairs; /* compared, all galleries, earlier runs included */
    uint64_t n_range; /* pairs of the range */
    char *range_path; /* where they lie until lk_search_forget; NULL without a range */
};

/* Runs the pass, or what an earlier run with the same work_dir, inputs and settings left to do. When the
 * context is cancelled, finished work is saved and LK_ECANCELED returned. */
lk_status lk_search_run(lk_ctx *ctx, const struct lk_search_options *options, struct lk_search_result *out,
                        lk_error *err);
void lk_search_free(struct lk_search_result *result);

/* Refuses a device whose module is not there; whether there is a device shows only when it is woken. */
lk_status lk_search_check_device(const char *name, lk_error *err);
/* Refuses it when it cannot be used, too; takes a good part of a second. */
lk_status lk_search_try_device(const char *name, lk_error *err);

/* Number of distinct identities among the rows of a set that has identities. */
lk_status lk_search_distinct(const struct lk_search_set *set, uint64_t *distinct, lk_error *err);
/* Part i, from 0, of the n that a shard is cut into: they have the shard's rows. */
struct lk_search_shard lk_search_shard_part(const struct lk_search_shard *shard, uint64_t i, uint64_t n);
/* The rows of a part: *first .. *first + *rows. */
void lk_search_shard_rows(const struct lk_search_shard *shard, uint64_t all, uint64_t *first, uint64_t *rows);

/* The pairs of the range in one file, written to `to`, of n files with those of parts. */
lk_status lk_search_join_ranges(lk_ctx *ctx, const char *const *paths, size_t n, const char *to, uint64_t *n_pairs,
                                lk_error *err);
/* shards.c: what searching everything would have found, of the finished work of all parts: work_dirs[i] is that of
 * part i + 1 of n. options are those of the parts, with a work_dir of its own where there is a range. */
lk_status lk_search_join(lk_ctx *ctx, const struct lk_search_options *options, const char *const *work_dirs,
                         size_t n, struct lk_search_result *out, lk_error *err);

/* Hands out the pairs of the range in the order of probe, gallery, reference. */
typedef lk_status lk_range_fn(void *user, const struct lk_range_pair *pair, lk_error *err);
lk_status lk_search_range(const struct lk_search_result *result, lk_range_fn *each, void *user,
                          lk_error *err);

/* Removes unfinished work; for when the results are written. */
void lk_search_forget(const char *work_dir);

static inline int lk_search_bin(float score)
{
    double x = 200.0 * (double)score + 200.0;
    return x < 0 ? 0 : x >= LK_SEARCH_BINS ? LK_SEARCH_BINS - 1 : (int)x;
}

#endif
