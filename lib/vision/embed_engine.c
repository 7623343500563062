/* SPDX-License-Identifier: Apache-2.0 */
/* embed_engine.c - lk_embed: the embed job with lk_embedder as its engine. */
#include <string.h>

#include "vision/embed.h"

static lk_status open_embedder(void **worker, void *arg, lk_ctx *ctx, const lk_embed_options *options,
                               lk_error *err)
{
    (void)arg;
    lk_embedder_options o;
    lk_embedder_options_init(&o);
    o.model = options->model;
    o.detector = options->detector;
    o.aligned = options->aligned;
    o.age_model = options->age_model;
    o.device = options->device;
    lk_embedder *embedder;
    LK_TRY(lk_embedder_open(&embedder, ctx, &o, err));
    *worker = embedder;
    return LK_OK;
}

static lk_status open_embedder_like(void **worker, const void *first, lk_error *err)
{
    lk_embedder *embedder;
    LK_TRY(lk_embedder_open_like(&embedder, first, err));
    *worker = embedder;
    return LK_OK;
}

static lk_status gather(void *first, size_t *n, lk_error *err)
{
    return lk_embedder_gather(first, n, err);
}

static lk_status take_bytes(void *worker, const uint8_t *bytes, size_t len, lk_face_choice choice, float *out,
                            struct lk_face_image *info, lk_error *err)
{
    return lk_embedder_take(worker, bytes, len, choice, out, info, err);
}

static lk_status finish_group(void *worker, lk_error *err)
{
    return lk_embedder_finish(worker, err);
}

static void about_embedder(const void *worker, struct lk_embedder_about *out)
{
    lk_embedder_about(worker, out);
}

static void times_of_embedder(const void *worker, struct lk_embedder_times *out)
{
    lk_embedder_times(worker, out);
}

static void close_embedder(void *worker)
{
    lk_embedder_free(worker);
}

void lk_embed_options_init(lk_embed_options *options)
{
    memset(options, 0, sizeof *options);
    options->choice =
        LK_FACE_CENTRAL; /* datasets put their person in the middle; bystanders stand larger at the edge */
}

lk_status lk_embed(lk_ctx *ctx, const lk_embed_options *options, lk_embed_summary *out, lk_error *err)
{
    static const struct lk_embed_engine engine = {.open = open_embedder,
                                                  .open_like = open_embedder_like,
                                                  .gather = gather,
                                                  .take = take_bytes,
                                                  .finish = finish_group,
                                                  .about = about_embedder,
                                                  .times = times_of_embedder,
                                                  .close = close_embedder};
    return lk_embed_with(ctx, options, &engine, out, err);
}
