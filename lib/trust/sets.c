/* SPDX-License-Identifier: Apache-2.0 */
/* sets.c - what the results of a folder were made from: sets of vectors and their pictures, models, files,
 * command lines and seeds, as the results themselves say it. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/hash.h"
#include "trust/trust.h"

/* ---- paths --------------------------------------------------------------------------------------------- */

lk_status lk_trust_place(const char *folder, const char *path, char **out, lk_error *err)
{
    char *file = NULL, *array = NULL, *place = NULL;
    LK_TRY(lk_vectors_split(path, &file, &array, err));
    char *root = realpath(folder, NULL), *real = realpath(file, NULL);
    lk_status status = LK_OK;
    if (root == NULL)
        status = lk_fail_sys(err, LK_EIO, "%s: cannot find this folder", folder);
    if (status == LK_OK && real != NULL) {
        struct lk_str text = LK_STR_INIT;
        size_t len = strlen(root);
        bool below = strncmp(real, root, len) == 0 && real[len] == '/';
        status = lk_str_addf(&text, err, "%s%s%s", below ? real + len + 1 : real, array[0] != '\0' ? ":" : "",
                             array);
        place = text.text;
    }
    free(root);
    free(real);
    free(file);
    free(array);
    if (status == LK_OK)
        *out = place;
    return status;
}

char *lk_trust_resolve(const char *folder, const char *place, lk_error *err)
{
    return place[0] == '/' ? lk_strdup(place, err) : lk_path_join(folder, place, err);
}

/* ---- the manifest, member by member -------------------------------------------------------------------- */

struct collecting {
    json_t *manifest;
    lk_ctx *ctx;
    const lk_manifest_options *options;
    const char *file; /* below the folder, that is read */
    const char *base; /* what relative paths in it are relative to */
};

static lk_status no_memory(lk_error *err)
{
    return lk_fail(err, LK_ENOMEM, "out of memory while making " LK_MANIFEST);
}

static lk_status append(const struct collecting *c, const char *list, json_t *value, lk_error *err)
{
    int failed = json_array_append_new(json_object_get(c->manifest, list), value);
    return failed ? no_memory(err) : LK_OK;
}

/* The entry of a list whose member `key` is that text. */
static json_t *find(const json_t *list, const char *key, const char *text)
{
    size_t i;
    json_t *entry;
    json_array_foreach(list, i, entry)
    {
        const char *value = json_string_value(json_object_get(entry, key));
        if (value != NULL && strcmp(value, text) == 0)
            return entry;
    }
    return NULL;
}

lk_status lk_trust_add_input(json_t *manifest, const char *folder, const char *path, const char *role,
                             lk_error *err)
{
    char *place = NULL, sha256[65];
    struct lk_pieces file;
    LK_TRY(lk_trust_place(folder, path, &place, err));
    LK_NEED(place != NULL, err, LK_EIO, "%s: not there any more, expected a file that was read", path);
    json_t *inputs = json_object_get(manifest, "inputs");
    lk_status status = LK_OK;
    if (find(inputs, "path", place) == NULL)
        status = lk_pieces_open(&file, path, err);
    else
        goto done;
    if (status == LK_OK) {
        lk_pieces_close(&file);
        status = lk_hash_file(path, sha256, err);
    }
    if (status == LK_OK &&
        json_array_append_new(inputs, json_pack("{s:o, s:s, s:I, s:s}", "path", lk_json_text(place), "role",
                                                role, "bytes", (json_int_t)file.len, "sha256", sha256)) != 0)
        status = no_memory(err);
done:
    free(place);
    return status;
}

/* A file of a set that lies outside the folder; those below it are outputs. */
static lk_status add_outside(const struct collecting *c, const char *place, const char *set, const char *name,
                             lk_error *err)
{
    if (place[0] != '/')
        return LK_OK;
    char *path = name != NULL ? lk_path_join(set, name, err) : lk_strdup(set, err);
    if (path == NULL)
        return LK_ENOMEM;
    lk_status status = lk_trust_add_input(c->manifest, c->options->folder, path, "embeddings", err);
    free(path);
    return status;
}

static lk_status add_model(const struct collecting *c, const json_t *meta, const char *part, const char *task,
                           lk_error *err)
{
    const json_t *model = json_object_get(meta, part);
    const char *sha256 = json_string_value(json_object_get(model, "sha256"));
    const char *descriptor = json_string_value(json_object_get(model, "descriptor"));
    if (sha256 == NULL || find(json_object_get(c->manifest, "models"), "sha256", sha256) != NULL)
        return LK_OK;
    json_t *entry = json_pack("{s:s, s:s}", "task", task, "sha256", sha256);
    static const char *const copied[] = {"name", "licence", "descriptor"};
    for (size_t i = 0; i < sizeof copied / sizeof *copied; i++) {
        json_t *value = json_object_get(model, copied[i]);
        json_object_set_new(entry, copied[i], value != NULL ? json_incref(value) : json_null());
    }
    LK_TRY(append(c, "models", entry, err));
    if (descriptor != NULL && lk_path_exists(descriptor))
        return lk_trust_add_input(c->manifest, c->options->folder, descriptor, "descriptor", err);
    return LK_OK;
}

/* ---- pictures ------------------------------------------------------------------------------------------ */

static lk_status add_sampled(void *user, const struct lk_picture_again *picture, lk_error *err)
{
    char sha256[65];
    if (picture->bytes == NULL)
        return LK_OK;
    LK_TRY(lk_hash_bytes(picture->bytes, picture->len, sha256, err));
    int failed = json_array_append_new(user, json_pack("{s:I, s:I, s:s}", "image", (json_int_t)picture->image,
                                                       "bytes", (json_int_t)picture->len, "sha256", sha256));
    return failed ? no_memory(err) : LK_OK;
}

static lk_status describe_pictures(const struct collecting *c, const struct lk_faces *faces, json_t **out,
                                   lk_error *err)
{
    struct lk_picture_facts facts;
    size_t n = (size_t)c->options->sample, *images = NULL;
    json_t *sampled = json_array();
    if (sampled == NULL)
        return no_memory(err);
    lk_status status = lk_picture_facts(&facts, c->ctx, faces, err);
    if (status == LK_OK)
        status = lk_trust_sample(c->options->seed, faces->n_images, &n, &images, err);
    if (status == LK_OK)
        status = lk_pictures_again(c->ctx, faces, images, n, add_sampled, sampled, NULL, err);
    free(images);
    if (status != LK_OK) {
        json_decref(sampled);
        return status;
    }
    json_t *inputs = json_object_get(faces->meta, "inputs");
    json_t *digest = json_object_get(faces->meta, "inputs_sha256");
    *out = json_pack("{s:O?, s:O?, s:I, s:I, s:I, s:s, s:s, s:{s:I, s:o}}", "inputs", inputs, "inputs_sha256",
                     digest, "images", (json_int_t)facts.images, "files", (json_int_t)facts.files, "missing",
                     (json_int_t)facts.missing, "sizes_sha256", facts.sizes_sha256, "times_sha256",
                     facts.times_sha256, "sample", "seed", (json_int_t)c->options->seed, "pictures", sampled);
    return *out != NULL ? LK_OK : no_memory(err);
}

/* ---- sets ---------------------------------------------------------------------------------------------- */

/* A FACES directory: `path` leads to it from here. */
static lk_status add_faces(const struct collecting *c, const char *path, const char *place,
                           const struct lk_faces *faces, lk_error *err)
{
    static const char *const copied[] = {"model", "detector", "alignment", "face_choice", "device"};
    static const char *const names[] = {"embeddings.npy", "images.csv", "meta.json"};
    json_t *pictures = NULL;
    LK_TRY(describe_pictures(c, faces, &pictures, err));
    json_t *entry = json_pack("{s:o, s:s}", "path", lk_json_text(place), "kind", "faces");
    for (size_t i = 0; i < sizeof copied / sizeof *copied; i++) {
        const json_t *value = json_object_get(faces->meta, copied[i]);
        json_t *copy = value != NULL ? json_deep_copy(value) : json_null();
        json_object_del(copy, "thresholds"); /* long, and in meta.json */
        json_object_set_new(entry, copied[i], copy);
    }
    json_object_set_new(entry, "pictures", pictures);
    LK_TRY(append(c, "sets", entry, err));
    LK_TRY(add_model(c, faces->meta, "model", "recognise", err));
    LK_TRY(add_model(c, faces->meta, "detector", "detect", err));
    LK_TRY(add_model(c, faces->meta, "age_model", "age", err));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        LK_TRY(add_outside(c, place, path, names[i], err));
    const char *labels = json_string_value(json_object_get(faces->meta, "labels"));
    const char *here = json_string_value(json_object_get(faces->meta, "working_directory"));
    if (labels == NULL)
        return LK_OK;
    char *file = labels[0] == '/' || here == NULL ? lk_strdup(labels, err) : lk_path_join(here, labels, err);
    if (file == NULL)
        return LK_ENOMEM;
    lk_status status = LK_OK;
    if (lk_path_exists(file))
        status = lk_trust_add_input(c->manifest, c->options->folder, file, "labels", err);
    free(file);
    return status;
}

static lk_status add_opened(const struct collecting *c, const char *path, const char *place, lk_error *err)
{
    struct lk_faces faces = {0};
    LK_TRY(lk_faces_open(&faces, c->ctx, path, err));
    lk_status status;
    if (faces.meta != NULL) {
        status = add_faces(c, path, place, &faces, err);
    } else {
        status =
            append(c, "sets", json_pack("{s:o, s:s}", "path", lk_json_text(place), "kind", "vectors"), err);
        if (status == LK_OK)
            status = add_outside(c, place, faces.file, NULL, err);
        if (status == LK_OK && faces.labels != NULL)
            status = add_outside(c, place, faces.labels, NULL, err);
    }
    lk_faces_close(&faces);
    return status;
}

/* Adds a set once. A FACES directory without its embeddings was purged: nothing can be said of it. */
static lk_status add_set(const struct collecting *c, const char *place, lk_error *err)
{
    if (find(json_object_get(c->manifest, "sets"), "path", place) != NULL)
        return LK_OK;
    char *path = lk_trust_resolve(c->options->folder, place, err), *vectors = NULL;
    if (path == NULL || (vectors = lk_path_join(path, "embeddings.npy", err)) == NULL) {
        free(path);
        return LK_ENOMEM;
    }
    lk_status status = LK_OK;
    if (!lk_path_is_dir(path) || lk_path_exists(vectors))
        status = add_opened(c, path, place, err);
    free(vectors);
    free(path);
    return status;
}

/* A set that a comparison used, as its meta.json or measures.json tells it; null and a set of made vectors,
 * which has no path, are passed over. */
static lk_status add_use(const struct collecting *c, const char *role, const json_t *set, lk_error *err)
{
    const char *path = json_string_value(json_object_get(set, "path"));
    json_t *sha256 = json_object_get(set, "embeddings_sha256");
    if (path == NULL)
        return LK_OK;
    char *place = NULL, *whole = path[0] == '/' ? lk_strdup(path, err) : lk_path_join(c->base, path, err);
    if (whole == NULL)
        return LK_ENOMEM;
    lk_status status = lk_trust_place(c->options->folder, whole, &place, err);
    if (status == LK_OK && place == NULL)
        lk_ctx_message(c->ctx, LK_LEVEL_WARNING, "%s: %s is not there any more: its scores cannot be checked",
                       c->file, whole);
    if (status == LK_OK && place != NULL)
        status = add_set(c, place, err);
    if (status == LK_OK)
        status =
            append(c, "uses",
                   json_pack("{s:s, s:s, s:o, s:O?}", "file", c->file, "role", role, "set",
                             place != NULL ? lk_json_text(place) : json_null(), "embeddings_sha256", sha256),
                   err);
    free(place);
    free(whole);
    return status;
}

static lk_status add_uses(const struct collecting *c, const char *role, const json_t *list, lk_error *err)
{
    size_t i;
    json_t *set;
    json_array_foreach(list, i, set) LK_TRY(add_use(c, role, set, err));
    return LK_OK;
}

/* ---- pages --------------------------------------------------------------------------------------------- */

/* Where a file or folder that a result names lies; NULL = it names none, or that is gone. */
static lk_status place_named(const struct collecting *c, const json_t *named, char **place, lk_error *err)
{
    const char *path = json_string_value(named);
    *place = NULL;
    if (path == NULL)
        return LK_OK;
    char *whole = path[0] == '/' ? lk_strdup(path, err) : lk_path_join(c->base, path, err);
    lk_status status = whole != NULL ? lk_trust_place(c->options->folder, whole, place, err) : LK_ENOMEM;
    free(whole);
    return status;
}

/* How a page was made: lk_purge makes it again, without faces. */
static lk_status add_report(const struct collecting *c, const json_t *made, lk_error *err)
{
    static const char *const parts[] = {"measures", "match", "review", "calibration", "truth"};
    if (!json_is_object(made))
        return LK_OK; /* made without faces */
    json_t *entry = json_pack("{s:s%+, s:O?}", "page", c->file, strlen(c->file) - strlen("json"), "html",
                              "max_pairs", json_object_get(made, "max_pairs"));
    lk_status status = entry != NULL ? LK_OK : no_memory(err);
    for (size_t i = 0; status == LK_OK && i < sizeof parts / sizeof *parts; i++) {
        char *place = NULL;
        status = place_named(c, json_object_get(made, parts[i]), &place, err);
        if (status == LK_OK && i > 1 && place != NULL && place[0] == '/')
            status = lk_trust_add_input(c->manifest, c->options->folder, place, "option", err);
        json_object_set_new(entry, parts[i], place != NULL ? lk_json_text(place) : json_null());
        free(place);
    }
    if (status == LK_OK)
        return append(c, "reports", entry, err);
    json_decref(entry);
    return status;
}

/* ---- what each result says ----------------------------------------------------------------------------- */

/* Every whole number whose name ends in "seed", by its path through the objects. */
static lk_status collect_seeds(json_t *seeds, const json_t *object, const char *path, lk_error *err)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        struct lk_str name = LK_STR_INIT;
        size_t len = strlen(key);
        LK_TRY(lk_str_addf(&name, err, "%s%s%s", path, path[0] != '\0' ? "." : "", key));
        lk_status status = LK_OK;
        if (json_is_object(value))
            status = collect_seeds(seeds, value, name.text, err);
        else if (json_is_integer(value) && len >= 4 && strcmp(key + len - 4, "seed") == 0 &&
                 json_object_set(seeds, name.text, value) != 0)
            status = no_memory(err);
        lk_str_free(&name);
        LK_TRY(status);
    }
    return LK_OK;
}

static lk_status collect_making(const struct collecting *c, const json_t *json, lk_error *err)
{
    json_t *seeds = json_object(), *command = json_object_get(json, "command");
    lk_status status = seeds != NULL ? collect_seeds(seeds, json, "", err) : no_memory(err);
    if (status == LK_OK && json_object_size(seeds) > 0 &&
        json_object_set(json_object_get(c->manifest, "seeds"), c->file, seeds) != 0)
        status = no_memory(err);
    json_decref(seeds);
    if (status == LK_OK && json_is_string(command))
        status = append(c, "commands", json_pack("{s:s, s:O}", "file", c->file, "command", command), err);
    return status;
}

static lk_status collect_file(struct collecting *c, const json_t *json, lk_error *err)
{
    const char *kind = json_string_value(json_object_get(json, "kind"));
    const char *base = json_string_value(json_object_get(json, "working_directory"));
    if (kind == NULL)
        return LK_OK;
    if (base != NULL)
        c->base = base;
    LK_TRY(collect_making(c, json, err));
    if (strcmp(kind, "report") == 0)
        return add_report(c, json_object_get(json, "made_from"), err);
    if (strcmp(kind, "faces") == 0) {
        const char *slash = strrchr(c->file, '/');
        char *place = slash != NULL ? strndup(c->file, (size_t)(slash - c->file)) : strdup(".");
        lk_status status = place != NULL ? add_set(c, place, err) : no_memory(err);
        free(place);
        return status;
    }
    if (strcmp(kind, "match") == 0) {
        static const char *const roles[] = {"probes", "references", "holdout"};
        for (size_t i = 0; i < sizeof roles / sizeof *roles; i++)
            LK_TRY(add_use(c, roles[i], json_object_get(json, roles[i]), err));
    }
    if (strcmp(kind, "measures") == 0) {
        json_t *filters = json_object_get(json_object_get(json, "settings"), "filters");
        if (json_array_size(filters) > 0 &&
            json_object_set(json_object_get(c->manifest, "filters"), c->file, filters) != 0)
            return no_memory(err);
        const json_t *sets = json_object_get(json, "sets");
        LK_TRY(add_use(c, "synthetic", json_object_get(sets, "synthetic"), err));
        LK_TRY(add_use(c, "train", json_object_get(sets, "train"), err));
        LK_TRY(add_uses(c, "holdout", json_object_get(sets, "holdouts"), err));
        LK_TRY(add_uses(c, "control", json_object_get(sets, "controls"), err));
    }
    return LK_OK;
}

/* Whether a file says how it was made: the last ones of their folders, not the state of unfinished work. */
static bool is_about(const char *path)
{
    static const char *const names[] = {"meta.json", "measures.json", "report.json"};
    const char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

lk_status lk_trust_collect(json_t *manifest, lk_ctx *ctx, const lk_manifest_options *options,
                           const struct lk_inventory *inventory, lk_error *err)
{
    char *here = getcwd(NULL, 0);
    LK_NEED(here != NULL, err, LK_EIO, "the working directory is not there any more");
    lk_status status = LK_OK;
    for (size_t i = 0; i < inventory->n && status == LK_OK; i++) {
        json_t *json = NULL;
        struct collecting c = {manifest, ctx, options, inventory->files[i].path, here};
        if (!is_about(c.file))
            continue;
        char *path = lk_path_join(options->folder, c.file, err);
        status = path != NULL ? lk_json_read(path, &json, err) : LK_ENOMEM;
        if (status == LK_OK)
            status = collect_file(&c, json, err);
        json_decref(json);
        free(path);
    }
    free(here);
    return status;
}
