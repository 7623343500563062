/* SPDX-License-Identifier: Apache-2.0 */
/* person.c - the job behind lk_person: is this person in the synthetic set? One p-value against persons whom
 * the generator never saw, and the closest synthetic images. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "formats/json.h"
#include "search/match.h"
#include "stats/conformal.h"
#include "vision/embedder.h"

enum { ENOUGH_PERSONS = 99 }; /* p-values down to 1 % */

struct person {
    lk_ctx *ctx;
    const lk_person_options *options;
    struct lk_match_set synthetic, holdout;
    float *photos; /* usable ones, dim numbers each */
    size_t n_photos, n_unreadable, n_no_face;
    size_t compared; /* photos, and images of each person of the hold-out, that give the p-value */
};

void lk_person_options_init(lk_person_options *options)
{
    *options = (lk_person_options){.nearest = 10, .choice = LK_FACE_CENTRAL};
}

/* ---- photos -------------------------------------------------------------------------------------------- */

static const char *recorded(const struct person *p, const char *part, const char *key)
{
    const json_t *meta = p->synthetic.faces.meta;
    return json_string_value(part == NULL ? json_object_get(meta, key)
                                          : json_object_get(json_object_get(meta, part), key));
}

/* The models that made the synthetic set's vectors, unless others are asked for; a recogniser with other
 * weights is refused. */
static lk_status open_embedder(struct person *p, lk_embedder **out, lk_error *err)
{
    const char *alignment = recorded(p, NULL, "alignment"), *made = recorded(p, "model", "sha256");
    lk_embedder_options o;
    lk_embedder_options_init(&o);
    o.model = p->options->model != NULL ? p->options->model : recorded(p, "model", "name");
    o.detector = p->options->detector != NULL ? p->options->detector : recorded(p, "detector", "name");
    o.aligned = alignment != NULL && strcmp(alignment, "aligned") == 0;
    LK_NEED(p->synthetic.faces.meta != NULL || p->options->model != NULL, err, LK_EINVAL,
            "%s does not say which model made it; name its recogniser, or give a FACES directory",
            p->options->synthetic);
    LK_TRY(lk_embedder_open(out, p->ctx, &o, err));
    struct lk_embedder_about about;
    lk_embedder_about(*out, &about);
    if ((made == NULL || strcmp(made, about.model.sha256) == 0) &&
        (uint64_t)about.dim == p->synthetic.faces.matrix.dim)
        return LK_OK;
    lk_fail(err, LK_EINVAL,
            "%s was embedded with another recogniser than %s (%.12s...); expected the same weights",
            p->options->synthetic, about.model.name, about.model.sha256);
    lk_embedder_free(*out);
    *out = NULL;
    return LK_EINVAL;
}

/* A photo that cannot be used is said in a message, and counted. */
static lk_status embed_photo(struct person *p, lk_embedder *embedder, const char *path, lk_error *err)
{
    uint8_t *bytes = NULL;
    size_t len = 0;
    lk_error why;
    lk_status status = lk_file_read(path, LK_IMAGE_MAX_BYTES, &bytes, &len, &why);
    if (status == LK_ENOMEM)
        return lk_fail(err, status, "%s", why.text);
    if (status != LK_OK) {
        lk_ctx_message(p->ctx, LK_LEVEL_WARNING, "%s", why.text);
        p->n_unreadable++;
        return LK_OK;
    }
    struct lk_face_image info = {.row = -1};
    status = lk_embedder_bytes(embedder, bytes, len, p->options->choice,
                               p->photos + p->n_photos * lk_embedder_dim(embedder), &info, err);
    free(bytes);
    if (status == LK_OK && info.status == LK_FACE_EMBEDDED) {
        p->n_photos++;
    } else if (status == LK_OK) {
        lk_ctx_message(p->ctx, LK_LEVEL_WARNING, "%s: %s; left out", path,
                       info.message != NULL ? info.message : "no face found");
        p->n_no_face += info.status == LK_FACE_NONE;
        p->n_unreadable += info.status == LK_FACE_UNREADABLE;
    }
    lk_face_image_free(&info);
    return status;
}

static lk_status embed_photos(struct person *p, lk_error *err)
{
    lk_embedder *embedder;
    p->photos =
        lk_calloc(p->options->n_photos, (size_t)p->synthetic.faces.matrix.dim * sizeof *p->photos, err);
    if (p->photos == NULL)
        return LK_ENOMEM;
    LK_TRY(open_embedder(p, &embedder, err));
    lk_status status = LK_OK;
    for (size_t i = 0; status == LK_OK && i < p->options->n_photos; i++) {
        status = lk_ctx_check(p->ctx, err);
        if (status == LK_OK)
            status = embed_photo(p, embedder, p->options->photos[i], err);
    }
    lk_embedder_free(embedder);
    LK_TRY(status);
    LK_NEED(p->n_photos > 0, err, LK_EINVAL, "none of the %zu photos shows a face that can be used",
            p->options->n_photos);
    return LK_OK;
}

/* ---- the hold-out -------------------------------------------------------------------------------------- */

/* Number of the person of each row of the hold-out that takes part. */
static uint32_t person_of(const struct lk_search_set *set, uint64_t row)
{
    return set->identities != NULL ? set->identities[row] : (uint32_t)row;
}

/* The more images of a person are compared, the closer the closest comes: as many of each person of the
 * hold-out as photos, and only persons who have so many. Fewer photos are compared where too few persons
 * would be left. */
static lk_status choose_compared(struct person *p, lk_error *err)
{
    const struct lk_search_set *set = &p->holdout.set;
    size_t n_persons = set->identities != NULL ? set->n_identities : (size_t)set->rows;
    uint32_t *images = lk_calloc(n_persons, sizeof *images, err);
    if (images == NULL)
        return LK_ENOMEM;
    for (uint64_t i = 0; i < set->rows; i++)
        images[person_of(set, i)]++;
    size_t enough = n_persons < ENOUGH_PERSONS ? n_persons : ENOUGH_PERSONS;
    for (p->compared = p->n_photos; p->compared > 1; p->compared--) {
        size_t persons = 0;
        for (size_t i = 0; i < n_persons; i++)
            persons += images[i] >= p->compared;
        if (persons >= enough)
            break;
    }
    free(images);
    return LK_OK;
}

/* Best score of each person of the hold-out who has enough images, over the first `compared` of them. */
static lk_status holdout_scores(struct person *p, float **out, size_t *n, lk_error *err)
{
    const struct lk_search_set *set = &p->holdout.set;
    size_t n_persons = set->identities != NULL ? set->n_identities : (size_t)set->rows, kept = 0;
    struct lk_search_options o = {
        .dim = p->synthetic.faces.matrix.dim, .probes = p->synthetic.set, .k = 1, .r = 1, .min_score = NAN};
    o.galleries[LK_GALLERY_TRAIN] = p->holdout.set;
    struct lk_search_result result;
    LK_TRY(lk_search_run(p->ctx, &o, &result, err));
    float *best = lk_calloc(n_persons, sizeof *best, err);
    uint32_t *images = lk_calloc(n_persons, sizeof *images, err);
    if (best != NULL && images != NULL) {
        for (uint64_t i = 0; i < set->rows; i++) {
            uint32_t who = person_of(set, i);
            float score = result.galleries[LK_GALLERY_TRAIN].best_probe[i].score;
            if (images[who] < p->compared)
                best[who] = images[who] == 0 || score > best[who] ? score : best[who];
            images[who]++;
        }
        for (size_t i = 0; i < n_persons; i++)
            if (images[i] >= p->compared)
                best[kept++] = best[i];
    }
    lk_search_free(&result);
    free(images);
    if (images == NULL || best == NULL) {
        free(best);
        return LK_ENOMEM;
    }
    *out = best;
    *n = kept;
    return LK_OK;
}

/* ---- the synthetic set --------------------------------------------------------------------------------- */

static int by_score(const void *a, const void *b)
{
    const lk_person_match *x = a, *y = b;
    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

/* Closest first, each synthetic image once; gives the number left. */
static size_t join(lk_person_match *m, size_t n)
{
    size_t kept = 0;
    qsort(m, n, sizeof *m, by_score);
    for (size_t i = 0; i < n; i++) {
        bool known = false;
        for (size_t j = 0; j < kept && !known; j++)
            known = m[j].row == m[i].row;
        if (!known)
            m[kept++] = m[i];
    }
    return kept;
}

static lk_status name_matches(struct person *p, lk_person_result *r, lk_error *err)
{
    for (size_t i = 0; i < r->n_matches; i++) {
        const struct lk_face_image *image = lk_faces_image(&p->synthetic.faces, r->matches[i].row);
        if (image == NULL)
            continue;
        if ((r->matches[i].path = lk_strdup(image->path, err)) == NULL)
            return LK_ENOMEM;
        if (image->identity != NULL && (r->matches[i].identity = lk_strdup(image->identity, err)) == NULL)
            return LK_ENOMEM;
    }
    return LK_OK;
}

/* Fills the matches, and the person's score. */
static lk_status search_synthetic(struct person *p, lk_person_result *r, lk_error *err)
{
    uint64_t nearest = p->options->nearest > 0 ? p->options->nearest : 1;
    struct lk_search_options o = {
        .dim = p->synthetic.faces.matrix.dim, .k = 1, .r = nearest, .min_score = NAN};
    o.probes = (struct lk_search_set){.data = p->photos, .rows = p->n_photos};
    o.galleries[LK_GALLERY_TRAIN] = p->synthetic.set;
    o.galleries[LK_GALLERY_TRAIN].identities = NULL; /* images are listed */
    struct lk_search_result result;
    LK_TRY(lk_search_run(p->ctx, &o, &result, err));
    const struct lk_search_gallery *g = &result.galleries[LK_GALLERY_TRAIN];
    lk_status status = LK_OK;
    r->score = -INFINITY;
    r->matches = lk_calloc(p->n_photos * (size_t)g->n_nearest, sizeof *r->matches, err);
    if (r->matches == NULL)
        status = LK_ENOMEM;
    for (size_t i = 0; status == LK_OK && i < p->n_photos * (size_t)g->n_nearest; i++) {
        const struct lk_hit *hit = &g->nearest[i];
        r->matches[i] = (lk_person_match){.row = p->synthetic.row_of[hit->row], .score = hit->score};
        if (i / (size_t)g->n_nearest < p->compared)
            r->score = fmax(r->score, hit->score);
    }
    if (status == LK_OK) {
        r->n_matches = join(r->matches, p->n_photos * (size_t)g->n_nearest);
        if (r->n_matches > p->options->nearest)
            r->n_matches = p->options->nearest;
        status = name_matches(p, r, err);
    }
    lk_search_free(&result);
    return status;
}

/* ---- the result ---------------------------------------------------------------------------------------- */

static lk_status write_json(const lk_person_options *o, const lk_person_result *r, lk_error *err)
{
    json_t *list = json_array();
    for (size_t i = 0; i < r->n_matches; i++) {
        const lk_person_match *m = &r->matches[i];
        json_array_append_new(
            list, json_pack("{s:I,s:f,s:o,s:o}", "row", (json_int_t)m->row, "score", m->score, "path",
                            m->path != NULL ? lk_json_text(m->path) : json_null(), "identity",
                            m->identity != NULL ? lk_json_text(m->identity) : json_null()));
    }
    json_t *value = json_pack(
        "{s:s,s:i,s:s,s:o,s:I,s:I,s:I,s:I,s:I,s:I,s:f,s:f,s:o}", "kind", "person", "format", 1, "tool",
        lk_version(), "command", o->command != NULL ? lk_json_text(o->command) : json_null(), "photos",
        (json_int_t)r->n_photos, "used", (json_int_t)r->n_used, "compared", (json_int_t)r->n_compared,
        "synthetic", (json_int_t)r->n_synthetic, "persons", (json_int_t)r->n_persons, "at_least_as_close",
        (json_int_t)r->n_at_least, "score", r->score, "p", r->p, "closest", list);
    LK_NEED(value != NULL, err, LK_ENOMEM, "out of memory while writing %s", o->output);
    lk_status status = lk_json_write(o->output, value, err);
    json_decref(value);
    return status;
}

static lk_status measure(struct person *p, lk_person_result *r, lk_error *err)
{
    float *others = NULL;
    LK_TRY(lk_match_set_open(&p->synthetic, p->ctx, "synthetic", p->options->synthetic, err));
    LK_TRY(lk_match_set_open(&p->holdout, p->ctx, "holdout", p->options->holdout, err));
    LK_TRY(lk_match_sets_agree(&p->synthetic, &p->holdout, err));
    LK_TRY(embed_photos(p, err));
    LK_TRY(choose_compared(p, err));
    LK_TRY(search_synthetic(p, r, err));
    LK_TRY(holdout_scores(p, &others, &r->n_persons, err));
    float mine = (float)r->score;
    lk_status status = lk_conformal(&mine, 1, others, r->n_persons, &r->p, err);
    for (size_t i = 0; i < r->n_persons; i++)
        r->n_at_least += others[i] >= mine;
    free(others);
    LK_TRY(status);
    r->n_photos = p->options->n_photos;
    r->n_used = p->n_photos;
    r->n_no_face = p->n_no_face;
    r->n_unreadable = p->n_unreadable;
    r->n_compared = p->compared;
    r->n_synthetic = p->synthetic.set.rows;
    return p->options->output != NULL ? write_json(p->options, r, err) : LK_OK;
}

void lk_person_result_free(lk_person_result *result)
{
    for (size_t i = 0; result->matches != NULL && i < result->n_matches; i++) {
        free(result->matches[i].path);
        free(result->matches[i].identity);
    }
    free(result->matches);
    result->matches = NULL;
    result->n_matches = 0;
}

lk_status lk_person(lk_ctx *ctx, const lk_person_options *options, lk_person_result *out, lk_error *err)
{
    LK_NEED(options->synthetic != NULL && options->holdout != NULL && options->n_photos > 0, err, LK_EINVAL,
            "person: expected photos, a synthetic set and a hold-out");
    struct person p = {.ctx = ctx, .options = options};
    lk_person_result r = {.matches = NULL};
    lk_status status = measure(&p, &r, err);
    lk_match_set_close(&p.synthetic);
    lk_match_set_close(&p.holdout);
    free(p.photos);
    if (status == LK_OK)
        *out = r;
    else
        lk_person_result_free(&r);
    return status;
}
