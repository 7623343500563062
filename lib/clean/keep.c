/* SPDX-License-Identifier: Apache-2.0 */
/* keep.c - opens the pictures behind the synthetic set again, and has the set written without those that are
 * removed. */
#include "clean/keep.h"

#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "formats/json.h"

static const struct lk_faces *faces_of(const struct lk_clean *c)
{
    return &c->job.input.synthetic->file.faces;
}

size_t lk_keep_n_inputs(const struct lk_keep *k)
{
    const char *path, *format;
    size_t i = 0, n;
    while (lk_source_input(k->source, i, &path, &format, &n))
        i++;
    return i;
}

bool lk_keep_input(const struct lk_keep *k, size_t index, struct lk_keep_input *out)
{
    struct lk_keep_input in = {.index = index};
    for (size_t i = 0; lk_source_input(k->source, i, &in.path, &in.format, &in.n); i++) {
        if (i == index) {
            *out = in;
            return true;
        }
        in.first += in.n;
    }
    return false;
}

bool lk_keep_unreadable(const struct lk_keep *k, size_t row)
{
    return faces_of(k->c)->images[row].status == LK_FACE_UNREADABLE;
}

char *lk_keep_place(const struct lk_keep *k, const char *to, const struct lk_keep_input *input, lk_error *err)
{
    if (lk_keep_n_inputs(k) == 1)
        return lk_strdup(to, err);
    size_t end = strlen(input->path);
    while (end > 1 && input->path[end - 1] == '/')
        end--;
    size_t start = end;
    while (start > 0 && input->path[start - 1] != '/')
        start--;
    struct lk_str name = LK_STR_INIT;
    char *place = lk_str_add(&name, input->path + start, end - start, err) == LK_OK
                      ? lk_path_join(to, name.text, err)
                      : NULL;
    lk_str_free(&name);
    return place;
}

/* ---- the source --------------------------------------------------------------------------------------- */

/* An input as embed was given it, from where embed ran. */
static char *resolve(const char *input, const char *directory, lk_error *err)
{
    bool list = input[0] == '@';
    const char *path = input + list;
    if (path[0] == '/' || !list)
        return path[0] == '/' ? lk_strdup(input, err) : lk_path_join(directory, path, err);
    struct lk_str s = LK_STR_INIT;
    return lk_str_addf(&s, err, "@%s/%s", directory, path) == LK_OK ? s.text : NULL;
}

static lk_status open_inputs(struct lk_keep *k, const json_t *inputs, const char *directory, lk_error *err)
{
    size_t n = json_array_size(inputs);
    char **paths = lk_calloc(n, sizeof *paths, err);
    lk_status status = paths != NULL ? LK_OK : LK_ENOMEM;
    for (size_t i = 0; status == LK_OK && i < n; i++) {
        const char *input = json_string_value(json_array_get(inputs, i));
        paths[i] = resolve(input != NULL ? input : "", directory, err);
        status = paths[i] != NULL ? LK_OK : LK_ENOMEM;
    }
    const struct lk_source_options options = {.ctx = k->c->ctx,
                                              .quiet = true,
                                              .format = lk_faces_inputs_format(faces_of(k->c)),
                                              .identity = {.from = LK_IDENTITY_NONE}};
    if (status == LK_OK)
        status = lk_source_open(&k->source, (const char *const *)paths, n, &options, err);
    for (size_t i = 0; paths != NULL && i < n; i++)
        free(paths[i]);
    free(paths);
    return status;
}

/* Line by line the same pictures as when they were embedded. */
static lk_status check_rows(const struct lk_keep *k, lk_error *err)
{
    const struct lk_faces *f = faces_of(k->c);
    LK_NEED(lk_source_count(k->source) == f->n_images, err, LK_EFORMAT,
            "%s: was made of %zu pictures, the inputs hold %zu now; embed them again", f->path, f->n_images,
            lk_source_count(k->source));
    struct lk_str path = LK_STR_INIT;
    lk_status status = LK_OK;
    for (size_t row = 0; status == LK_OK && row < f->n_images; row++) {
        char *expected = lk_faces_image_path(f, &f->images[row], err);
        status = expected != NULL ? lk_source_path(k->source, row, &path, err) : LK_ENOMEM;
        if (status == LK_OK && strcmp(path.text, expected) != 0)
            status = lk_fail(err, LK_EFORMAT,
                             "%s: picture %zu was %s, the inputs have %s there now; embed them again",
                             f->path, row, expected, path.text);
        free(expected);
    }
    lk_str_free(&path);
    return status;
}

static lk_status open_source(struct lk_keep *k, lk_error *err)
{
    const struct lk_faces *f = faces_of(k->c);
    const json_t *inputs = f->meta != NULL ? json_object_get(f->meta, "inputs") : NULL;
    LK_NEED(json_array_size(inputs) > 0 && f->images != NULL, err, LK_EINVAL,
            "%s: is no FACES directory, so it does not say where its pictures are; a set can only be written "
            "with them",
            f->path);
    LK_NEED(json_is_null(json_object_get(f->meta, "shard")) || json_object_get(f->meta, "shard") == NULL, err,
            LK_EINVAL, "%s: is one shard of a set; merge the shards first", f->path);
    const char *directory = "";
    LK_TRY(lk_json_string(f->meta, "working_directory", 1, &directory, f->path, err));
    return open_inputs(k, inputs, directory, err);
}

/* ---- what is asked for --------------------------------------------------------------------------------- */

static lk_status check_kinds(const struct lk_keep *k, const char *option, bool (*fits)(const char *format),
                             const char *expected, lk_error *err)
{
    struct lk_keep_input in;
    for (size_t i = 0; lk_keep_input(k, i, &in); i++)
        LK_NEED(fits(in.format), err, LK_EINVAL, "%s: the pictures come from %s (%s), expected %s", option,
                in.path, in.format, expected);
    return LK_OK;
}

static bool is_files(const char *format)
{
    return strcmp(format, lk_source_folder.name) == 0 || strcmp(format, lk_source_picture.name) == 0;
}

static bool is_archive(const char *format)
{
    return strcmp(format, lk_source_archive.name) == 0;
}

static bool is_record(const char *format)
{
    return strcmp(format, lk_source_record.name) == 0;
}

/* Where one input goes: nowhere that is taken, by another input or by a file that need not be replaced. */
static lk_status check_place(const struct lk_keep *k, const char *place, const struct lk_keep_input *in,
                             struct lk_names *places, lk_error *err)
{
    size_t before = places->n;
    uint32_t number;
    LK_TRY(lk_names_add(places, place, strlen(place), &number, err));
    LK_NEED(places->n > before, err, LK_EINVAL,
            "%s: several inputs would be written there; expected inputs of different names", place);
    LK_TRY(lk_keep_protect_input(place, in->path, err));
    LK_NEED(is_files(in->format) || k->c->options->measure.force || !lk_path_exists(place), err, LK_EINVAL,
            "%s: is there already; give another output, or --force to replace it", place);
    return LK_OK;
}

static lk_status check_places(const struct lk_keep *k, const char *to, lk_error *err)
{
    struct lk_names places = {0};
    struct lk_keep_input in;
    lk_status status = LK_OK;
    for (size_t i = 0; status == LK_OK && lk_keep_input(k, i, &in); i++) {
        char *place = lk_keep_place(k, to, &in, err);
        status = place != NULL ? check_place(k, place, &in, &places, err) : LK_ENOMEM;
        free(place);
    }
    lk_names_free(&places);
    return status;
}

static lk_status check_one(const struct lk_keep *k, const char *to, const char *option,
                           bool (*fits)(const char *format), const char *expected, lk_error *err)
{
    if (to == NULL)
        return LK_OK;
    LK_TRY(lk_keep_protect(k->c, to, err));
    LK_TRY(check_kinds(k, option, fits, expected, err));
    if (fits == is_files)
        LK_TRY(lk_keep_tree_check(to, err));
    return check_places(k, to, err);
}

static bool wants_set(const lk_clean_options *o)
{
    return o->copy != NULL || o->link != NULL || o->tar != NULL || o->zip != NULL || o->rec != NULL;
}

static lk_status check_outputs(const struct lk_keep *k, lk_error *err)
{
    const lk_clean_options *o = k->c->options;
    LK_TRY(check_one(k, o->copy, "copy", is_files, "folders or single pictures", err));
    LK_TRY(check_one(k, o->link, "link", is_files, "folders or single pictures", err));
    LK_TRY(check_one(k, o->tar, "tar", is_archive, "archives", err));
    LK_TRY(check_one(k, o->zip, "zip", is_archive, "archives", err));
    return check_one(k, o->rec, "rec", is_record, "record files", err);
}

lk_status lk_clean_check_outputs(const struct lk_clean *c, lk_error *err)
{
    LK_TRY(lk_keep_protect(c, c->options->measure.output, err));
    if (!wants_set(c->options))
        return LK_OK;
    struct lk_keep k = {.c = c};
    LK_TRY(open_source(&k, err));
    lk_status status = check_rows(&k, err);
    if (status == LK_OK)
        status = check_outputs(&k, err);
    lk_source_close(k.source);
    return status;
}

static lk_status write_sets(const struct lk_keep *k, lk_error *err)
{
    const lk_clean_options *o = k->c->options;
    LK_TRY(check_rows(k, err));
    if (o->copy != NULL)
        LK_TRY(lk_keep_tree(k, o->copy, false, err));
    if (o->link != NULL)
        LK_TRY(lk_keep_tree(k, o->link, true, err));
    if (o->tar != NULL)
        LK_TRY(lk_keep_archives(k, o->tar, false, err));
    if (o->zip != NULL)
        LK_TRY(lk_keep_archives(k, o->zip, true, err));
    return o->rec != NULL ? lk_keep_records(k, o->rec, err) : LK_OK;
}

lk_status lk_clean_write_sets(const struct lk_clean *c, lk_error *err)
{
    if (!wants_set(c->options))
        return LK_OK;
    LK_NEED(c->sum->n_images_kept > 0, err, LK_EINVAL, "clean: no picture is left to write");
    struct lk_keep k = {.c = c};
    LK_TRY(open_source(&k, err));
    lk_status status = write_sets(&k, err);
    lk_source_close(k.source);
    return status;
}
