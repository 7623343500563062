/* SPDX-License-Identifier: Apache-2.0 */
/* embed.h - the embed job behind lk_embed: what does the embedding (tests put a fake there), and the files of
 * an unfinished run. */
#ifndef LK_VISION_EMBED_H
#define LK_VISION_EMBED_H

#include <stdbool.h>

#include "base/ctx.h"
#include "formats/faces.h"
#include "formats/source.h"
#include "vision/embedder.h"

/* ---- what turns the bytes of a picture into a vector: lk_embedder, behind function pointers ---- */

struct lk_embed_engine {
    void *arg; /* passed to open */
    lk_status (*open)(void **worker, void *arg, lk_ctx *ctx, const lk_embed_options *options, lk_error *err);
    /* Lets this first worker, and those opened like it, take pictures in groups of *n, 1 to LK_EMBED_BATCH or, on a device,
     * LK_EMBED_DEVICE_BATCH; more than one where that changes no result. Takes the time of some pictures. Without this call, one. */
    lk_status (*gather)(void *first, size_t *n, lk_error *err);
    /* For one more thread, and called from it. */
    lk_status (*open_like)(void **worker, const void *first, lk_error *err);
    /* Takes a picture; out and info may become complete only in finish, which ends every group. */
    lk_status (*take)(void *worker, const uint8_t *bytes, size_t len, lk_face_choice choice, float *out,
                      struct lk_face_image *info, lk_error *err);
    lk_status (*finish)(void *worker, lk_error *err);
    void (*about)(const void *worker, struct lk_embedder_about *out);
    void (*times)(const void *worker, struct lk_embedder_times *out);
    void (*close)(void *worker);
};

/* lk_embed with another engine. */
lk_status lk_embed_with(lk_ctx *ctx, const lk_embed_options *options, const struct lk_embed_engine *engine,
                        lk_embed_summary *out, lk_error *err);

/* ---- embed_meta.c: settings and meta.json ------------------------------------------------------------- */

#define LK_MAX_SHARDS 1000000

/* The images first .. end - 1 of a source; n_shards == 0 when these are all. */
struct lk_embed_part {
    const struct lk_source *source;
    size_t first, end;
    uint64_t shard, n_shards;
};

struct lk_embed_counts {
    uint64_t images, embedded, no_face, unreadable, excluded;
};

/* Seconds, summed over the threads. */
struct lk_embed_stages {
    double read;
    struct lk_embedder_times embedder;
    double write;
};

/* The stage that took most, as its name in meta.json, and its share of all; NULL when no time was spent. */
const char *lk_embed_bottleneck(const struct lk_embed_stages *stages, double *share);

/* What must be the same for a run to go on with, or to stand for, another one's files, named as in meta.json.
 * NULL when memory is short. */
json_t *lk_embed_settings(const struct lk_embedder_about *about, lk_face_choice choice,
                          const char *inputs_sha256, const struct lk_embed_part *part);

struct lk_embed_facts {
    const lk_embed_options *options;
    const json_t *settings;
    const struct lk_embedder_about *about;
    struct lk_embed_counts counts;
    uint64_t identities;
    double list_seconds, seconds;
    struct lk_embed_stages stages;
};
/* The member "counts" of meta.json. */
json_t *lk_embed_counts_value(const struct lk_embed_counts *counts, uint64_t identities);
/* Sets "stage_share" and "bottleneck" of meta from its "stage_seconds". */
void lk_embed_put_shares(json_t *meta);
/* meta.json but for the hashes of the tables; NULL when memory is short. */
json_t *lk_embed_meta(const struct lk_embed_facts *facts);

/* ---- embed_dir.c: a finished FACES directory as the place to write to ---------------------------------- */

/* Says in words what differs between the settings of another run and ours; `whose` are the latter ("this
 * run's"). False when nothing does. */
bool lk_embed_differs(const json_t *other, const json_t *ours, const char *whose, char *text, size_t room);

/* Looks at the finished result in dir, if any: *up_to_date when it was made with these settings and is there
 * in full (its numbers go to *counts). Refuses another result unless `replace`. */
lk_status lk_embed_judge(lk_ctx *ctx, const char *dir, const json_t *settings, size_t dim, bool replace,
                         bool *up_to_date, struct lk_embed_counts *counts, lk_error *err);

/* ---- embed_state.c: a FACES directory while it is being made ------------------------------------------
 * embeddings.part and images.part.csv grow together, state.part.json says from which settings. A run that is
 * ended in any way leaves a state from which the next one goes on after the last image that both files hold
 * in full. */

struct lk_embed_job {
    char *dir;
    int lock;               /* -1 = none */
    const json_t *settings; /* borrowed, as is part */
    const struct lk_embed_part *part;
    struct lk_str path; /* scratch */
    char *header;       /* of images.csv, with its line end */
    size_t header_len;
    size_t dim;
    FILE *vectors, *lines;
    struct lk_embed_counts done; /* what is in the files */
    uint64_t unflushed;          /* images since the last flush */
    double flushed_at;
};

/* Takes the lock of dir and finds out what to do: *up_to_date when a finished run with these settings is
 * there (its numbers are in done), else the files stand ready behind the last image of an interrupted run, or
 * at the start. Refuses a directory that holds something else, unless force. After a failure too, close it.
 */
lk_status lk_embed_job_open(struct lk_embed_job *job, lk_ctx *ctx, const char *dir, bool force,
                            const json_t *settings, const struct lk_embed_part *part, size_t dim,
                            bool *up_to_date, lk_error *err);
/* Appends the next picture; sets its row. vector is read only when it is embedded. */
lk_status lk_embed_job_add(struct lk_embed_job *job, struct lk_face_image *image, const float *vector,
                           lk_error *err);
/* Puts the files in place, and meta.json with their hashes last. */
lk_status lk_embed_job_finish(struct lk_embed_job *job, json_t *meta, lk_error *err);
void lk_embed_job_close(struct lk_embed_job *job);

#endif
