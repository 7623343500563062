/* SPDX-License-Identifier: Apache-2.0 */
/* verify_vectors.c - models and pictures against the manifest, and sampled faces embedded again. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/hash.h"
#include "trust/trust.h"
#include "vision/embedder.h"
#include "vision/model.h"

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

/* What lk_model_load takes: the path of a descriptor of one's own, else the registry's name. */
static const char *name_of(const json_t *model)
{
    const char *descriptor = text_of(model, "descriptor");
    return descriptor != NULL ? descriptor : text_of(model, "name");
}

/* ---- models -------------------------------------------------------------------------------------------- */

static lk_status check_model(struct lk_verify *v, const json_t *entry, lk_error *err)
{
    const char *name = NULL, *recorded = NULL;
    char sha256[65];
    struct lk_model *model = NULL;
    lk_error why;
    LK_TRY(lk_json_string(entry, "name", 1, &name, LK_MANIFEST, err));
    LK_TRY(lk_json_string(entry, "sha256", 1, &recorded, LK_MANIFEST, err));
    lk_status status = lk_model_load(&model, v->ctx, name_of(entry), &why);
    if (status == LK_OK && !lk_model_present(model))
        status = lk_fail(&why, LK_EIO, "its file %s is not there; `likeness models fetch` gets what npm has",
                         model->path);
    if (status == LK_OK)
        status = lk_hash_file(model->path, sha256, &why);
    lk_model_free(model);
    if (status == LK_ENOMEM)
        return lk_fail(err, status, "%s", why.text);
    if (status != LK_OK)
        lk_verify_say(v, LK_FOUND_UNCHECKED, name, "model: %s", why.text);
    else if (strcmp(sha256, recorded) != 0)
        lk_verify_say(v, LK_FOUND_CHANGED, name,
                      "model: sha256 of its file is %.12s..., recorded is %.12s...", sha256, recorded);
    else
        lk_verify_say(v, LK_FOUND_SAME, name, "model: its file has the recorded hash");
    return LK_OK;
}

lk_status lk_verify_models(struct lk_verify *v, lk_error *err)
{
    size_t i;
    json_t *entry;
    json_array_foreach(json_object_get(v->manifest, "models"), i, entry) LK_TRY(check_model(v, entry, err));
    return LK_OK;
}

/* ---- sets that are FACES directories ------------------------------------------------------------------- */

typedef lk_status on_faces(struct lk_verify *v, const json_t *set, const char *place, struct lk_faces *faces,
                           lk_error *err);

/* Calls `check` for every FACES directory of the manifest that can be opened. */
static lk_status for_faces(struct lk_verify *v, on_faces *check, bool say_why_not, lk_error *err)
{
    size_t i;
    json_t *set;
    json_array_foreach(json_object_get(v->manifest, "sets"), i, set)
    {
        const char *place = NULL, *kind = NULL;
        LK_TRY(lk_json_string(set, "path", 1, &place, LK_MANIFEST, err));
        LK_TRY(lk_json_string(set, "kind", 1, &kind, LK_MANIFEST, err));
        if (strcmp(kind, "faces") != 0)
            continue;
        lk_error why = {.text = "its embeddings were purged"};
        struct lk_faces faces = {0};
        char *path = lk_trust_resolve(v->options->folder, place, err);
        if (path == NULL)
            return LK_ENOMEM;
        lk_status opened = lk_verify_purged(v, place) ? LK_EINVAL : lk_faces_open(&faces, v->ctx, path, &why);
        free(path);
        if (opened == LK_OK) {
            lk_status status = check(v, set, place, &faces, err);
            lk_faces_close(&faces);
            LK_TRY(status);
        } else if (say_why_not) {
            lk_verify_say(v, LK_FOUND_UNCHECKED, place, "its pictures and vectors: %s", why.text);
        }
    }
    return LK_OK;
}

/* ---- pictures ------------------------------------------------------------------------------------------ */

struct picture_check {
    struct lk_verify *v;
    const char *place;
    const struct lk_faces *faces;
    const json_t *recorded; /* list of {image, bytes, sha256} */
    size_t n, changed, unread;
    char first[400]; /* path of the first that changed */
};

static const char *recorded_hash(const json_t *recorded, size_t image)
{
    size_t i;
    json_t *entry;
    json_array_foreach(recorded, i, entry) if (json_integer_value(json_object_get(entry, "image")) ==
                                               (json_int_t)image) return text_of(entry, "sha256");
    return NULL;
}

static lk_status compare_picture(void *user, const struct lk_picture_again *picture, lk_error *err)
{
    struct picture_check *c = user;
    char sha256[65];
    if (picture->bytes == NULL) {
        c->unread++;
        return LK_OK;
    }
    LK_TRY(lk_hash_bytes(picture->bytes, picture->len, sha256, err));
    const char *recorded = recorded_hash(c->recorded, picture->image);
    bool same = recorded != NULL && strcmp(recorded, sha256) == 0;
    if (!same && c->changed++ == 0)
        snprintf(c->first, sizeof c->first, "%s", c->faces->images[picture->image].path);
    c->n += same;
    return LK_OK;
}

/* Sizes first: they tell of every picture. Times of change alone prove nothing, since copying changes them.
 */
static void judge_facts(struct lk_verify *v, const char *place, const json_t *recorded,
                        const struct lk_picture_facts *now)
{
    const char *sizes = text_of(recorded, "sizes_sha256"), *times = text_of(recorded, "times_sha256");
    uint64_t missing = (uint64_t)json_integer_value(json_object_get(recorded, "missing"));
    if (now->missing == now->images && missing < now->images)
        lk_verify_say(v, LK_FOUND_UNCHECKED, place, "its %llu pictures are not there any more",
                      (unsigned long long)now->images);
    else if (now->missing > missing)
        lk_verify_say(v, LK_FOUND_CHANGED, place, "%llu of its %llu pictures are not there any more",
                      (unsigned long long)(now->missing - missing), (unsigned long long)now->images);
    else if (sizes == NULL || strcmp(sizes, now->sizes_sha256) != 0)
        lk_verify_say(v, LK_FOUND_CHANGED, place, "files of its pictures have other sizes than recorded");
    else if (times == NULL || strcmp(times, now->times_sha256) != 0)
        lk_verify_say(
            v, LK_FOUND_UNCHECKED, place,
            "files of its pictures were written since (or copied): sizes are as recorded, their bytes "
            "are compared for a sample only");
}

static lk_status check_pictures(struct lk_verify *v, const json_t *set, const char *place,
                                struct lk_faces *faces, lk_error *err)
{
    const json_t *recorded = json_object_get(set, "pictures");
    struct lk_picture_facts now;
    struct picture_check c = {
        .v = v,
        .place = place,
        .faces = faces,
        .recorded = json_object_get(json_object_get(recorded, "sample"), "pictures"),
    };
    size_t n = json_array_size(c.recorded), used = 0;
    if (!json_is_object(recorded))
        return LK_OK;
    LK_TRY(lk_picture_facts(&now, v->ctx, faces, err));
    judge_facts(v, place, recorded, &now);
    size_t *images = lk_calloc(n, sizeof *images, err);
    if (images == NULL)
        return LK_ENOMEM;
    for (size_t i = 0; i < n; i++) {
        json_int_t image = json_integer_value(json_object_get(json_array_get(c.recorded, i), "image"));
        if (image >= 0 && (uint64_t)image < faces->n_images)
            images[used++] = (size_t)image;
    }
    lk_status status = lk_pictures_again(v->ctx, faces, images, used, compare_picture, &c, NULL, err);
    free(images);
    LK_TRY(status);
    v->summary.n_pictures += c.n;
    if (c.changed > 0)
        lk_verify_say(v, LK_FOUND_CHANGED, place,
                      "%zu of %zu sampled pictures have other bytes than recorded: %s%s", c.changed, n,
                      c.first, c.changed > 1 ? ", ..." : "");
    if (c.unread > 0 && now.missing < now.images)
        lk_verify_say(v, LK_FOUND_UNCHECKED, place, "%zu of %zu sampled pictures cannot be read", c.unread,
                      n);
    return LK_OK;
}

lk_status lk_verify_pictures(struct lk_verify *v, lk_error *err)
{
    return for_faces(v, check_pictures, true, err);
}

/* ---- vectors ------------------------------------------------------------------------------------------- */

struct vector_check {
    struct lk_verify *v;
    const struct lk_faces *faces;
    lk_embedder *embedder;
    lk_face_choice choice;
    float *vector;
    size_t same, other, unread;
    double largest; /* difference of a number */
};

static lk_status compare_vector(void *user, const struct lk_picture_again *picture, lk_error *err)
{
    struct vector_check *c = user;
    size_t dim = (size_t)c->faces->matrix.dim;
    if (picture->bytes == NULL) {
        c->unread++;
        return LK_OK;
    }
    struct lk_face_image info = LK_FACE_IMAGE_INIT;
    lk_status status =
        lk_embedder_bytes(c->embedder, picture->bytes, picture->len, c->choice, c->vector, &info, err);
    bool embedded = info.status == LK_FACE_EMBEDDED;
    lk_face_image_free(&info);
    LK_TRY(status);
    const float *row = lk_matrix_row(&c->faces->matrix, (uint64_t)c->faces->images[picture->image].row);
    bool same = embedded && memcmp(c->vector, row, dim * sizeof *row) == 0;
    c->same += same;
    c->other += !same;
    for (size_t i = 0; i < dim && embedded && !same; i++)
        c->largest = fmax(c->largest, fabs((double)c->vector[i] - (double)row[i]));
    return LK_OK;
}

/* Other processors and other versions of ONNX Runtime may add in another order. */
static const char *reason_of(const struct lk_verify *v)
{
    json_t *versions = lk_trust_versions(), *machine = lk_trust_machine(NULL);
    const json_t *then = json_object_get(v->manifest, "versions");
    bool runtime = json_equal(json_object_get(versions, "onnxruntime"), json_object_get(then, "onnxruntime"));
    bool processor = json_equal(json_object_get(machine, "processor"),
                                json_object_get(json_object_get(v->manifest, "machine"), "processor"));
    json_decref(versions);
    json_decref(machine);
    return !runtime     ? "; ONNX Runtime has another version here than then, which may be why"
           : !processor ? "; this is another processor than then, which may be why"
                        : "";
}

static lk_status open_embedder(struct vector_check *c, const json_t *set, lk_error *why)
{
    const char *alignment = text_of(set, "alignment"), *choice = text_of(set, "face_choice");
    const json_t *model = json_object_get(set, "model"), *detector = json_object_get(set, "detector");
    struct lk_embedder_about about;
    lk_embedder_options o;
    lk_embedder_options_init(&o);
    o.model = name_of(model);
    o.detector = name_of(detector);
    o.device = text_of(set, "device");
    o.aligned = alignment != NULL && strcmp(alignment, "aligned") == 0;
    c->choice = choice != NULL && strcmp(choice, "central") == 0 ? LK_FACE_CENTRAL : LK_FACE_LARGEST;
    LK_NEED(o.model != NULL, why, LK_EINVAL, "the manifest does not say which model made them");
    LK_TRY(lk_embedder_open(&c->embedder, c->v->ctx, &o, why));
    lk_embedder_about(c->embedder, &about);
    const char *recorded = text_of(model, "sha256"), *found = text_of(detector, "sha256");
    LK_NEED(recorded != NULL && strcmp(recorded, about.model.sha256) == 0 &&
                (about.detector.name == NULL || (found != NULL && strcmp(found, about.detector.sha256) == 0)),
            why, LK_EINVAL, "the models here are not those that made them");
    LK_NEED((uint64_t)about.dim == c->faces->matrix.dim, why, LK_EINVAL,
            "the model here gives %d numbers, the file has %llu", about.dim,
            (unsigned long long)c->faces->matrix.dim);
    return LK_OK;
}

static lk_status embed_sample(struct vector_check *c, const char *place, lk_error *err)
{
    struct lk_verify *v = c->v;
    size_t n = (size_t)v->options->sample, *rows = NULL;
    lk_error why = {0};
    c->vector = lk_calloc((size_t)c->faces->matrix.dim, sizeof *c->vector, err);
    if (c->vector == NULL)
        return LK_ENOMEM;
    LK_TRY(lk_trust_sample(v->options->seed, (size_t)c->faces->matrix.rows, &n, &rows, err));
    for (size_t i = 0; i < n; i++)
        rows[i] = c->faces->image_of_row[rows[i]];
    lk_status status = lk_pictures_again(v->ctx, c->faces, rows, n, compare_vector, c, &why, err);
    free(rows);
    LK_TRY(status);
    v->summary.n_vectors += c->same;
    if (c->same > 0)
        lk_verify_say(v, LK_FOUND_SAME, place,
                      "%zu sampled faces embedded again give the same vectors, bit for bit", c->same);
    if (c->other > 0)
        lk_verify_say(
            v, LK_FOUND_CHANGED, place,
            "%zu of %zu sampled faces embedded again give other vectors, by up to %.3g in a number%s",
            c->other, n, c->largest, reason_of(v));
    if (c->unread > 0)
        lk_verify_say(v, LK_FOUND_UNCHECKED, place, "%zu of %zu sampled faces: %s", c->unread, n, why.text);
    return LK_OK;
}

static lk_status check_vectors(struct lk_verify *v, const json_t *set, const char *place,
                               struct lk_faces *faces, lk_error *err)
{
    struct vector_check c = {.v = v, .faces = faces};
    lk_error why = {0};
    lk_status status = open_embedder(&c, set, &why);
    if (status == LK_ENOMEM || status == LK_ECANCELED)
        status = lk_fail(err, status, "%s", why.text);
    else if (status != LK_OK) {
        lk_verify_say(v, LK_FOUND_UNCHECKED, place, "its vectors: %s", why.text);
        status = LK_OK;
    } else
        status = embed_sample(&c, place, err);
    lk_embedder_free(c.embedder);
    free(c.vector);
    return status;
}

lk_status lk_verify_vectors(struct lk_verify *v, lk_error *err)
{
    return for_faces(v, check_vectors, false, err);
}
