/* SPDX-License-Identifier: Apache-2.0 */
/* match.h - the job around the search: what comes in, the tables and meta.json that go out. */
#ifndef LK_SEARCH_MATCH_H
#define LK_SEARCH_MATCH_H

#include "formats/filter.h"
#include "search/search.h"

/* A FACES directory or a file of embeddings made ready: rows that are not finite or zero are left out, all
 * others are of unit length. */
struct lk_match_set {
    const char *role; /* "probes", "references", "holdout": its key in meta.json */
    struct lk_filter_count filtered[LK_MAX_FILTERS]; /* rows that each of the filters left out */
    struct lk_faces faces;
    struct lk_search_set set; /* the rows that take part */
    struct lk_matrix gathered; /* holds set.data when some rows are left out */
    uint32_t *row_of;         /* row in the file of each row that takes part */
    uint32_t *identities;
    uint64_t n_labels; /* distinct identities among the rows that take part */
    char embeddings_sha256[65];
    char images_sha256[65]; /* of a plain file: of the labels beside it; "" without */
    char rows_sha256[65];   /* of the rows that take part, to know their codes by */
    char *codes_path;       /* where these are kept; NULL = nowhere */
};

/* Of one comparison. */
#define LK_MATCH_MAX_SHARDS 1000000

struct lk_match;

/* For several processes that open the same sets: each looks at those that are its own (lk_match_set_owner), and join
 * tells all what was found. Called by all, whatever became of their own part, which `status` and `err` say; what it
 * gives replaces that. */
struct lk_match_share {
    uint64_t process, processes;
    lk_status (*join)(void *user, struct lk_match *match, lk_status status, lk_error *err);
    void *user;
};

struct lk_match {
    lk_ctx *ctx;
    const lk_match_options *options;
    const struct lk_match_share *share; /* NULL = this process looks at all sets */
    struct lk_match_set probes;
    struct lk_match_set galleries[LK_N_GALLERIES]; /* without a hold-out the second has no rows */
};

static inline bool lk_match_has(const struct lk_match *match, int gallery)
{
    return match->galleries[gallery].set.rows > 0;
}

/* match_sets.c */
lk_status lk_match_set_open(struct lk_match_set *set, lk_ctx *ctx, const char *role, const char *path,
                            lk_error *err);
/* Only rows that pass all filters take part. */
lk_status lk_match_set_open_filtered(struct lk_match_set *set, lk_ctx *ctx, const char *role, const char *path,
                                     const struct lk_filters *filters, lk_error *err);
/* Its parts: opens the files; hashes them and looks at all rows; takes what is to be compared. What was found is said
 * in between, by one process. Only the first closes the set when it fails. */
lk_status lk_match_set_begin(struct lk_match_set *set, lk_ctx *ctx, const char *role, const char *path, lk_error *err);
lk_status lk_match_set_look(struct lk_match_set *set, lk_ctx *ctx, lk_error *err);
lk_status lk_match_set_finish(struct lk_match_set *set, lk_ctx *ctx, const struct lk_filters *filters, lk_error *err);
/* The files whose hashes name the set: that of the embeddings, and images.csv or the labels beside a plain file; *out
 * is NULL where there is none. */
enum { LK_MATCH_SET_FILES = 2 };
lk_status lk_match_set_file(const struct lk_match_set *set, int i, char **out, lk_error *err);
/* Names the rows and the file that keeps their codes for kernel set `level`: lk_match_options.cache. */
lk_status lk_match_set_keep(struct lk_match_set *set, const char *level, lk_error *err);
void lk_match_set_close(struct lk_match_set *set);
/* Sets of other lengths or other models cannot be compared. */
lk_status lk_match_sets_agree(const struct lk_match_set *a, const struct lk_match_set *b, lk_error *err);

enum { LK_MATCH_SETS = 1 + LK_N_GALLERIES };

/* Which of `processes` looks at set number `set` (probes, training set, hold-out) for all of them. Far apart, so
 * that they are of several machines. */
static inline uint64_t lk_match_set_owner(uint64_t set, uint64_t processes)
{
    return processes < LK_MATCH_SETS ? set % processes : set * processes / LK_MATCH_SETS;
}

/* The i-th set, or NULL where there is no such set; i below LK_MATCH_SETS. */
static inline struct lk_match_set *lk_match_set_of(struct lk_match *match, uint64_t i)
{
    struct lk_match_set *set = i == 0 ? &match->probes : &match->galleries[i - 1];
    return set->faces.path != NULL ? set : NULL;
}

/* match.c, also for match_merge.c. */
lk_status lk_match_open_sets(struct lk_match *match, lk_error *err);
/* inputs: empty; it names the inputs for as long as the options are used. */
lk_status lk_match_search_options(const struct lk_match *match, struct lk_str *inputs,
                                  struct lk_search_options *out, lk_error *err);
/* Numbers of rows that took part; scores from the result. */
void lk_match_count(const struct lk_match *match, lk_match_summary *summary);
void lk_match_summarise(const struct lk_search_result *result, lk_match_summary *summary);
/* Tables and meta.json; of a shard meta.json alone, beside its unfinished work, which is the result. */
lk_status lk_match_write(const struct lk_match *match, const struct lk_search_result *result, double start,
                         lk_error *err);

/* tables.c: writes every table of the result. `written` is called with the name of each. */
typedef lk_status lk_written_fn(void *user, const char *name, lk_error *err);
lk_status lk_match_tables(const struct lk_match *match, const struct lk_search_result *result,
                          lk_written_fn *written, void *user, lk_error *err);
/* Names of all tables there can be, ended by NULL. */
extern const char *const lk_match_table_names[];

/* match_meta.c */
lk_status lk_match_meta_new(json_t **out, const struct lk_match *match, const struct lk_search_result *result,
                            double seconds, json_t *outputs, lk_error *err);
/* Compares what was asked for with a finished MATCH directory, or with that of a shard. */
enum lk_match_state {
    LK_MATCH_NONE, /* nothing finished is there */
    LK_MATCH_SAME,
    LK_MATCH_MOVED, /* the same, but made from another place, or a table is missing: made again */
    LK_MATCH_OTHER, /* other inputs or settings: `what` says which */
};
lk_status lk_match_meta_compare(const struct lk_match *match, const char *dir, enum lk_match_state *state,
                                struct lk_str *what, lk_match_summary *summary, lk_error *err);

#endif
