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
    /* For one more thread, and called from it. */
    lk_status (*open_like)(void **worker, const void *first, lk_error *err);
    lk_status (*embed)(void *worker, const uint8_t *bytes, size_t len, lk_face_choice choice, float *out,
                       struct lk_face_image *info, lk_error *err);
    void (*about)(const void *worker, struct lk_embedder_about *out);
    void (*close)(void *worker);
};

/* lk_embed with another engine. */
lk_status lk_embed_with(lk_ctx *ctx, const lk_embed_options *options, const struct lk_embed_engine *engine,
                        lk_embed_summary *out, lk_error *err);

/* ---- embed_state.c: a FACES directory while it is being made ------------------------------------------
 * embeddings.part and images.part.csv grow together, state.part.json says from which settings. A run that is
 * ended in any way leaves a state from which the next one goes on after the last image that both files hold
 * in full. */

struct lk_embed_counts {
    uint64_t images, embedded, no_face, unreadable, excluded;
};

struct lk_embed_job {
    char *dir;
    int lock;                      /* -1 = none */
    const json_t *settings;        /* borrowed, as is source */
    const struct lk_source *source;
    struct lk_str path; /* scratch */
    char *header;       /* of images.csv, with its line end */
    size_t header_len;
    size_t dim;
    FILE *vectors, *lines;
    struct lk_embed_counts done;   /* what is in the files */
    uint64_t unflushed;            /* images since the last flush */
    double flushed_at;
};

/* Takes the lock of dir and finds out what to do: *up_to_date when a finished run with these settings is
 * there (its numbers are in done), else the files stand ready behind the last image of an interrupted run, or
 * at the start. Refuses a directory that holds something else, unless force. settings: format, model,
 * detector, alignment, face_choice, inputs_sha256, excluded_sha256, named as in meta.json. After a failure too, close it. */
lk_status lk_embed_job_open(struct lk_embed_job *job, lk_ctx *ctx, const char *dir, bool force,
                            const json_t *settings, const struct lk_source *source, size_t dim,
                            bool *up_to_date, lk_error *err);
/* Appends the next picture; sets its row. vector is read only when it is embedded. */
lk_status lk_embed_job_add(struct lk_embed_job *job, struct lk_face_image *image, const float *vector,
                           lk_error *err);
/* Puts the files in place, and meta.json with their hashes last. */
lk_status lk_embed_job_finish(struct lk_embed_job *job, json_t *meta, lk_error *err);
void lk_embed_job_close(struct lk_embed_job *job);

#endif
