/* SPDX-License-Identifier: Apache-2.0 */
/* labelled_templates.c - scores pairs of templates from a table that is read in small pieces. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/pool.h"
#include "stats/labelled.h"
#include "stats/templates.h"

enum { BATCH = 64 << 10, BLOCK = 1024, RELEASE_BYTES = 64 << 20 };

struct scoring {
    lk_ctx *ctx;
    struct lk_templates templates;
    const char *images_path;
    const struct lk_map *map;  /* the table of pairs */
    struct lk_ijb_pair *pairs; /* BATCH of them */
    float *scores;
    size_t n;            /* pairs that are scored now */
    uint64_t n_impostor; /* lines of the table */
    uint64_t n_missing;
    float *genuine;
    size_t n_genuine, capacity;
};

static lk_status score_block(void *arg, size_t block, int worker, lk_error *err)
{
    struct scoring *s = arg;
    const struct lk_templates *t = &s->templates;
    (void)worker;
    for (size_t i = block * BLOCK; i < s->n && i < (block + 1) * BLOCK; i++) {
        size_t at[2];
        for (int side = 0; side < 2; side++) {
            at[side] = lk_templates_find(t, s->pairs[i].template_id[side]);
            LK_NEED(at[side] != SIZE_MAX, err, LK_EFORMAT,
                    "line %" PRIu64 ": template %" PRIu32 " is not in %s", s->pairs[i].line,
                    s->pairs[i].template_id[side], s->images_path);
        }
        s->scores[i] = NAN;
        if (t->usable[at[0]] && t->usable[at[1]])
            s->scores[i] = lk_score(t->vectors + at[0] * t->dim, t->vectors + at[1] * t->dim, t->dim);
    }
    return LK_OK;
}

/* Scores the `n` pairs of the batch that are of one kind; their scores, without the missing ones, come to the
 * front. */
static lk_status score_batch(struct scoring *s, size_t n, bool genuine, lk_error *err)
{
    s->n = 0;
    for (size_t i = 0; i < n; i++)
        if (s->pairs[i].genuine == genuine)
            s->pairs[s->n++] = s->pairs[i];
    LK_TRY(lk_pool_for(s->ctx, (s->n + BLOCK - 1) / BLOCK, score_block, s, err));
    size_t kept = 0;
    for (size_t i = 0; i < s->n; i++)
        if (!isnan(s->scores[i]))
            s->scores[kept++] = s->scores[i];
    s->n_missing += s->n - kept;
    s->n = kept;
    return LK_OK;
}

static lk_status keep_genuine(struct scoring *s, lk_error *err)
{
    LK_TRY(lk_grow(&s->genuine, &s->capacity, s->n_genuine + s->n, sizeof *s->genuine, err));
    for (size_t i = 0; i < s->n; i++)
        s->genuine[s->n_genuine++] = s->scores[i];
    return LK_OK;
}

/* One pass over the table: the genuine scores are kept (roc NULL), or the impostor scores added to roc. The
 * first pass also counts the impostor pairs. */
static lk_status read_pairs(struct scoring *s, struct lk_roc *roc, lk_error *err)
{
    struct lk_ijb_pairs reader = {.bytes = s->map->bytes, .len = s->map->len};
    size_t released = 0, n;
    uint64_t passed = roc != NULL ? s->map->len : 0;
    do {
        LK_TRY(lk_ijb_pairs_next(&reader, s->pairs, BATCH, &n, err));
        for (size_t i = 0; roc == NULL && i < n; i++)
            s->n_impostor += !s->pairs[i].genuine;
        LK_TRY(score_batch(s, n, roc == NULL, err));
        if (roc == NULL)
            LK_TRY(keep_genuine(s, err));
        else
            lk_roc_add(roc, s->scores, s->n);
        if (reader.at - released >= RELEASE_BYTES) {
            lk_map_release(s->map);
            released = reader.at;
        }
        LK_TRY(lk_ctx_check(s->ctx, err));
        lk_ctx_progress(s->ctx, &(lk_progress){.stage = "calibrate",
                                               .unit = "bytes",
                                               .done = passed + reader.at,
                                               .total = 2 * (uint64_t)s->map->len});
    } while (n > 0);
    return LK_OK;
}

static lk_status measure(struct lk_labelled *r, struct scoring *s, double max_fmr, lk_error *err)
{
    s->pairs = lk_calloc(BATCH, sizeof *s->pairs, err);
    s->scores = lk_calloc(BATCH, sizeof *s->scores, err);
    if (s->pairs == NULL || s->scores == NULL)
        return LK_ENOMEM;
    LK_TRY(read_pairs(s, NULL, err));
    LK_TRY(lk_roc_open(&r->roc, s->genuine, s->n_genuine, s->n_impostor, max_fmr, err));
    LK_TRY(read_pairs(s, &r->roc, err));
    LK_NEED(r->roc.n_impostor > 0, err, LK_EFORMAT,
            "none of its impostor pairs has two templates with a face");
    r->n_missing = s->n_missing;
    r->n_templates = s->templates.n_usable;
    r->n_images_missing = s->templates.n_images_missing;
    return LK_OK;
}

lk_status lk_labelled_templates(struct lk_labelled *out, lk_ctx *ctx, const struct lk_faces *faces,
                                const struct lk_ijb_images *images, const char *images_path,
                                const struct lk_map *pairs, const char *pairs_path, double max_fmr,
                                lk_error *err)
{
    struct lk_labelled r = {.n_folds = 0};
    struct scoring s = {.ctx = ctx, .images_path = images_path, .map = pairs};
    LK_TRY(lk_templates_make(&s.templates, faces, images, images_path, err));
    lk_status status = measure(&r, &s, max_fmr, err);
    if (status != LK_OK && status != LK_ECANCELED && status != LK_ENOMEM)
        lk_error_prefix(err, "%s", pairs_path);
    lk_templates_free(&s.templates);
    free(s.pairs);
    free(s.scores);
    free(s.genuine);
    if (status == LK_OK)
        *out = r;
    else
        lk_labelled_close(&r);
    return status;
}
