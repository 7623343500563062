/* SPDX-License-Identifier: Apache-2.0 */
/* new.c - the job behind `review new`: chooses pairs and controls, reads their pictures, makes the file. */
#include "review/new.h"

#include <math.h>
#include <stdlib.h>

#include "base/ctx.h"
#include "stats/resample.h"

enum {
    CONTEXT = 6, /* other photos of each side of a case */
    PURPOSE_MATES = 0x3a7e,
    PURPOSE_DECOYS,
    PURPOSE_EASY,
    PURPOSE_REPEATS,
};

void lk_review_new_options_init(lk_review_new_options *options)
{
    *options =
        (lk_review_new_options){.reviewers = 3, .items = 200, .controls = 0.4, .repeats = 0.1, .seed = 1};
}

struct job {
    lk_ctx *ctx;
    const lk_review_new_options *options;
    struct lk_review_sets sets;
    struct lk_review_shots *shots;
    struct lk_review_store *store;
    struct lk_review_pairs lists[LK_REVIEW_REPEAT]; /* by kind; those that are shown first, after fill() */
    size_t n[LK_REVIEW_N_KINDS];                    /* shown */
    int64_t n_items;
};

static lk_status check_options(const lk_review_new_options *o, lk_error *err)
{
    LK_NEED(o->reviewers >= 1 && o->reviewers <= LK_REVIEW_MAX_REVIEWERS, err, LK_EINVAL,
            "found %llu reviewers, expected 1 to %d", (unsigned long long)o->reviewers,
            LK_REVIEW_MAX_REVIEWERS);
    LK_NEED(o->items >= 10 && o->items <= LK_REVIEW_MAX_ITEMS, err, LK_EINVAL,
            "found %llu pairs, expected 10 to %d", (unsigned long long)o->items, LK_REVIEW_MAX_ITEMS);
    LK_NEED(o->controls >= 0.3 && o->controls <= 0.5, err, LK_EINVAL,
            "found a share of controls of %g, expected 0.3 to 0.5", o->controls);
    LK_NEED(o->repeats >= 0 && o->repeats <= 0.2, err, LK_EINVAL,
            "found a share of repeats of %g, expected 0 to 0.2", o->repeats);
    return LK_OK;
}

/* ---- choosing ------------------------------------------------------------------------------------------ */

/* A pair whose pictures were read can be shown; a mated one must be two photos, not one. */
static lk_status can_show(const struct job *job, enum lk_review_kind kind, const struct lk_review_pair *pair,
                          bool *yes, lk_error *err)
{
    bool same = false;
    *yes = lk_review_shots_has(job->shots, pair->side[0]) && lk_review_shots_has(job->shots, pair->side[1]);
    if (*yes && kind == LK_REVIEW_MATED)
        LK_TRY(lk_review_shots_same(job->shots, pair->side, &same, err));
    *yes &= !same;
    return LK_OK;
}

/* Moves the first `want` pairs of a list that can be shown to its front, reading no more pictures than
 * needed. */
static lk_status fill(struct job *job, enum lk_review_kind kind, size_t want, lk_error *err)
{
    struct lk_review_pairs *list = &job->lists[kind];
    size_t tried = 0, *n = &job->n[kind];
    while (*n < want && tried < list->n) {
        LK_TRY(lk_ctx_check(job->ctx, err));
        size_t end = list->n - tried < want - *n ? list->n : tried + want - *n;
        for (size_t i = tried; i < end; i++)
            for (int side = 0; side < 2; side++)
                LK_TRY(lk_review_shots_want(job->shots, list->pairs[i].side[side], true, err));
        LK_TRY(lk_review_shots_read(job->shots, err));
        for (; tried < end; tried++) {
            bool yes;
            LK_TRY(can_show(job, kind, &list->pairs[tried], &yes, err));
            if (yes)
                list->pairs[(*n)++] = list->pairs[tried];
        }
    }
    return LK_OK;
}

/* Decoys are chosen as candidates are: as many of the closest, of which some are drawn; the rest only
 * follows. */
static lk_status list_decoys(struct job *job, lk_error *err)
{
    struct lk_review_pairs *list = &job->lists[LK_REVIEW_DECOY];
    struct lk_rng rng = lk_rng_stream(job->options->seed, PURPOSE_DECOYS, 0);
    LK_TRY(lk_review_decoys(&job->sets, job->options->measure, list, err));
    size_t n = job->n[LK_REVIEW_CANDIDATE];
    lk_review_pairs_shuffle(list->pairs, n < list->n ? n : list->n, &rng);
    return LK_OK;
}

static lk_status choose_controls(struct job *job, size_t n, lk_error *err)
{
    struct lk_rng mates = lk_rng_stream(job->options->seed, PURPOSE_MATES, 0);
    struct lk_rng easy = lk_rng_stream(job->options->seed, PURPOSE_EASY, 0);
    size_t each = (2 * n + 2) / 5; /* two fifths are mated, two fifths decoys, the rest easy */
    LK_TRY(lk_review_mates(&job->sets, &mates, &job->lists[LK_REVIEW_MATED], err));
    LK_TRY(fill(job, LK_REVIEW_MATED, each, err));
    LK_TRY(list_decoys(job, err));
    LK_TRY(fill(job, LK_REVIEW_DECOY, each, err));
    size_t have = job->n[LK_REVIEW_MATED] + job->n[LK_REVIEW_DECOY], rest = n > have ? n - have : 0;
    LK_TRY(lk_review_strangers(&job->sets, 2 * rest, &easy, &job->lists[LK_REVIEW_EASY], err));
    LK_TRY(fill(job, LK_REVIEW_EASY, rest, err));
    if (job->sets.n == LK_REVIEW_FIRST_HOLDOUT)
        lk_ctx_message(
            job->ctx, LK_LEVEL_WARNING,
            "the measurement has no hold-out, so there are no look-alikes known to be innocent: the share "
            "of true leaks cannot be corrected");
    if (job->n[LK_REVIEW_MATED] < each)
        lk_ctx_message(
            job->ctx, LK_LEVEL_WARNING,
            "%zu mated pairs instead of %zu: the training set has too few persons with two readable photos",
            job->n[LK_REVIEW_MATED], each);
    return LK_OK;
}

/* Fewer candidates than asked for have fewer controls, in the same shares. */
static lk_status choose(struct job *job, lk_error *err)
{
    const lk_review_new_options *o = job->options;
    double items = (double)o->items;
    size_t want = o->items - (size_t)lround(o->controls * items);
    LK_TRY(lk_review_candidates(&job->sets, o->measure, o->pairs, &job->lists[LK_REVIEW_CANDIDATE], err));
    LK_TRY(fill(job, LK_REVIEW_CANDIDATE, want, err));
    size_t n = job->n[LK_REVIEW_CANDIDATE];
    if (n == 0) {
        const char *why = "there is none";
        lk_review_shots_failed(job->shots, &why);
        return lk_fail(err, LK_EFORMAT, "no candidate pair can be shown: %s", why);
    }
    if (n < want)
        items = floor((double)n / (1 - o->controls));
    size_t repeats = (size_t)lround(o->repeats * items), controls = (size_t)lround(o->controls * items);
    LK_TRY(choose_controls(job, controls > repeats ? controls - repeats : 0, err));
    job->n[LK_REVIEW_REPEAT] = repeats;
    return LK_OK;
}

/* ---- storing ------------------------------------------------------------------------------------------- */

/* Other photos of both sides, for the adjudicator: those of the rows after the shown one, in a circle. */
static lk_status each_context(struct job *job, const struct lk_review_pair *pair, int64_t item, lk_error *err)
{
    for (int side = 0; side < 2; side++) {
        const uint64_t *rows;
        size_t n = lk_review_face_others(&job->sets, pair->side[side], &rows), at = 0;
        while (at < n && rows[at] != pair->side[side].row)
            at++;
        for (size_t i = 1; i < n && i <= CONTEXT; i++) {
            struct lk_review_face face = {pair->side[side].set, rows[(at + i) % n]};
            int64_t picture;
            if (item == 0) {
                LK_TRY(lk_review_shots_want(job->shots, face, false, err));
                continue;
            }
            if (!lk_review_shots_has(job->shots, face))
                continue;
            LK_TRY(lk_review_shots_store(job->shots, face, job->store, &picture, err));
            LK_TRY(lk_review_store_add_context(job->store, item, side, picture,
                                               lk_review_face_image(&job->sets, face)->path, err));
        }
    }
    return LK_OK;
}

static lk_status store_pair(struct job *job, enum lk_review_kind kind, const struct lk_review_pair *pair,
                            int64_t repeats, lk_error *err)
{
    struct lk_review_item item = {.kind = kind,
                                  .repeats = repeats,
                                  .score = pair->score,
                                  .e_value = pair->e_value,
                                  .discovery = pair->discovery};
    for (int side = 0; side < 2; side++) {
        const struct lk_face_image *image = lk_review_face_image(&job->sets, pair->side[side]);
        item.path[side] = image->path;
        item.name[side] = image->identity;
        LK_TRY(lk_review_shots_store(job->shots, pair->side[side], job->store, &item.picture[side], err));
    }
    LK_TRY(lk_review_store_add_item(job->store, &item, &job->n_items, err));
    return kind == LK_REVIEW_CANDIDATE ? each_context(job, pair, job->n_items, err) : LK_OK;
}

/* Repeats are drawn from all other items. */
static lk_status store_repeats(struct job *job, lk_error *err)
{
    size_t n = (size_t)job->n_items, *items = lk_calloc(n, sizeof *items, err);
    if (items == NULL)
        return LK_ENOMEM;
    struct lk_rng rng = lk_rng_stream(job->options->seed, PURPOSE_REPEATS, 0);
    for (size_t i = 0; i < n; i++)
        items[i] = i;
    lk_status status = LK_OK;
    for (size_t i = 0; i < job->n[LK_REVIEW_REPEAT] && i < n && status == LK_OK; i++) {
        size_t k = i + (size_t)lk_rng_below(&rng, n - i), item = items[k], kind = 0, at;
        items[k] = items[i];
        for (at = item; at >= job->n[kind]; kind++)
            at -= job->n[kind];
        status = store_pair(job, LK_REVIEW_REPEAT, &job->lists[kind].pairs[at], (int64_t)item + 1, err);
    }
    free(items);
    return status;
}

static lk_status store_all(struct job *job, lk_error *err)
{
    for (size_t i = 0; i < job->n[LK_REVIEW_CANDIDATE]; i++)
        LK_TRY(each_context(job, &job->lists[LK_REVIEW_CANDIDATE].pairs[i], 0, err));
    LK_TRY(lk_review_shots_read(job->shots, err));
    for (int kind = 0; kind < LK_REVIEW_REPEAT; kind++)
        for (size_t i = 0; i < job->n[kind]; i++)
            LK_TRY(store_pair(job, (enum lk_review_kind)kind, &job->lists[kind].pairs[i], 0, err));
    return store_repeats(job, err);
}

static void summarise(const struct job *job, lk_review_new_summary *out)
{
    const char *why;
    *out = (lk_review_new_summary){.n_candidates = job->n[LK_REVIEW_CANDIDATE],
                                   .n_mated = job->n[LK_REVIEW_MATED],
                                   .n_decoys = job->n[LK_REVIEW_DECOY],
                                   .n_easy = job->n[LK_REVIEW_EASY],
                                   .n_repeats = job->n[LK_REVIEW_REPEAT],
                                   .n_unreadable = lk_review_shots_failed(job->shots, &why)};
    for (size_t i = 0; i < job->n[LK_REVIEW_CANDIDATE]; i++)
        out->n_discoveries += job->lists[LK_REVIEW_CANDIDATE].pairs[i].discovery;
    snprintf(out->plan_sha256, sizeof out->plan_sha256, "%s", lk_review_store_plan(job->store));
}

static lk_status run(struct job *job, char (*tokens)[LK_REVIEW_TOKEN_SIZE], lk_review_new_summary *out,
                     lk_error *err)
{
    const lk_review_new_options *o = job->options;
    struct lk_review_plan plan = {.command = o->command, .seed = o->seed};
    LK_TRY(lk_review_store_create(&job->store, o->output, &plan, err));
    LK_TRY(lk_review_sets_open(&job->sets, job->ctx, o->measure, err));
    LK_TRY(lk_review_shots_new(&job->shots, job->ctx, &job->sets, err));
    LK_TRY(choose(job, err));
    LK_TRY(store_all(job, err));
    LK_TRY(lk_ctx_check(job->ctx, err));
    LK_TRY(lk_review_store_seal(job->store, (size_t)o->reviewers, tokens, err));
    summarise(job, out);
    return LK_OK;
}

lk_status lk_review_new(lk_ctx *ctx, const lk_review_new_options *options,
                        char (*tokens)[LK_REVIEW_TOKEN_SIZE], lk_review_new_summary *out, lk_error *err)
{
    struct job job = {.ctx = ctx, .options = options};
    LK_TRY(check_options(options, err));
    lk_status status = run(&job, tokens, out, err);
    for (int kind = 0; kind < LK_REVIEW_REPEAT; kind++)
        free(job.lists[kind].pairs);
    lk_review_store_free(job.store);
    lk_review_shots_free(job.shots);
    lk_review_sets_free(&job.sets);
    return status;
}
