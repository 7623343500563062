/* SPDX-License-Identifier: Apache-2.0 */
/* source_record.c - a record file (.rec) with the lists beside it as a set of pictures.
 *
 * Pictures are named by their record number ("12"), or by list.txt where that is there (DCFace), whose paths
 * then say the identity, since DCFace's records all have the label 0. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "formats/image.h"
#include "formats/source_record.h"

enum { FIRST_READ = 16 << 10, MAX_LIST = 1 << 30 };

struct records {
    struct lk_pieces file;
    struct lk_record_set set;
    struct lk_names paths; /* of list.txt: number i is picture i's; empty = pictures are named by key */
};

/* ---- the files --------------------------------------------------------------------------------- */

/* What a folder that holds a record file calls it; the last is below DCFace's own folder. */
static const char *const known_names[] = {"train.rec", "file.rec", "record/file.rec"};

static char *record_file_in(const char *dir, lk_error *err)
{
    for (size_t i = 0; i < sizeof known_names / sizeof *known_names; i++) {
        char *path = lk_path_join(dir, known_names[i], err);
        struct stat st;
        if (path == NULL || (stat(path, &st) == 0 && S_ISREG(st.st_mode)))
            return path;
        free(path);
    }
    lk_fail(err, LK_EFORMAT,
            "%s: no record file in this folder: expected train.rec, file.rec or record/file.rec", dir);
    return NULL;
}

static bool is_record_file(const struct lk_source_probe *probe)
{
    static const uint8_t MAGIC[4] = {0x0a, 0x23, 0xd7, 0xce};
    size_t len = strlen(probe->path);
    if (S_ISDIR(probe->st.st_mode)) {
        char *path = record_file_in(probe->path, NULL);
        free(path);
        return path != NULL;
    }
    return (probe->n_head >= sizeof MAGIC && memcmp(probe->head, MAGIC, sizeof MAGIC) == 0) ||
           (len > 4 && strcmp(probe->path + len - 4, ".rec") == 0);
}

/* The path of a list: the record file's with another ending, or (name) in the same folder. */
static char *list_path(const char *record_path, const char *ending, const char *name, lk_error *err)
{
    struct lk_str s = LK_STR_INIT;
    size_t len = strlen(record_path);
    const char *slash = strrchr(record_path, '/');
    if (name != NULL)
        len = slash != NULL ? (size_t)(slash + 1 - record_path) : 0;
    else if (len > 4 && strcmp(record_path + len - 4, ".rec") == 0)
        len -= 4;
    return lk_str_add(&s, record_path, len, err) == LK_OK &&
                   lk_str_addz(&s, name != NULL ? name : ending, err) == LK_OK
               ? s.text
               : NULL;
}

/* Reads a list when it is there; *bytes is NULL when it is not. */
static lk_status read_list(struct lk_source_part *part, const char *ending, const char *name, uint8_t **bytes,
                           size_t *len, lk_error *err)
{
    *bytes = NULL;
    *len = 0;
    char *path = list_path(part->path, ending, name, err);
    if (path == NULL)
        return LK_ENOMEM;
    lk_status status = lk_path_exists(path) ? lk_file_read(path, MAX_LIST, bytes, len, err) : LK_OK;
    free(path);
    return status;
}

/* ---- pictures ---------------------------------------------------------------------------------- */

struct pass {
    const struct lk_source_part *part;
    const struct lk_map *map;
};

static lk_status pause_pass(void *arg, lk_error *err)
{
    const struct pass *pass = arg;
    lk_map_release(pass->map);
    return pass->part->options->ctx != NULL ? lk_ctx_check(pass->part->options->ctx, err) : LK_OK;
}

/* Finds the pictures with the index, or without when there is none that can be read. */
static lk_status find_pictures(struct lk_source_part *part, const struct lk_map *map, bool labels,
                               lk_error *err)
{
    struct records *r = part->state;
    struct pass pass = {part, map};
    struct lk_record_table index = {0};
    uint8_t *bytes;
    size_t len;
    LK_TRY(read_list(part, ".idx", NULL, &bytes, &len, err));
    lk_status status = LK_OK;
    lk_error why;
    if (bytes != NULL && lk_record_index_parse(&index, bytes, len, &why) != LK_OK)
        status = lk_source_note(part, err,
                                "the index is damaged (%s); the records are found by their magic "
                                "numbers instead",
                                why.text);
    free(bytes);
    if (status == LK_OK && index.n_twins > 0)
        status = lk_source_note(
            part, err, "%zu lines of the index give a record number again and are left out", index.n_twins);
    if (status == LK_OK)
        status = lk_record_set_make(&r->set, map->bytes, map->len, index.n > 0 ? &index : NULL, labels,
                                    pause_pass, &pass, err);
    if (status == LK_EFORMAT || status == LK_EUNSUP)
        lk_error_prefix(err, "%s", part->path);
    lk_record_table_free(&index);
    for (size_t i = 0; i < r->set.n_notes && status == LK_OK; i++)
        status = lk_source_note(part, err, "%s", r->set.notes[i]);
    return status;
}

/* ---- names by list.txt ------------------------------------------------------------------------- */

/* Names every picture by its path in the list; a record that the list lacks keeps its number. */
static lk_status name_pictures(struct lk_source_part *part, const struct lk_record_table *list,
                               const uint8_t *bytes, size_t len, lk_error *err)
{
    struct records *r = part->state;
    size_t n_without = 0;
    for (size_t i = 0; i < r->set.n; i++) {
        const struct lk_record_entry *e = lk_record_table_find(list, r->set.pictures[i].key);
        char number[24];
        const char *name = number;
        size_t n = (size_t)snprintf(number, sizeof number, "%" PRIu32, r->set.pictures[i].key);
        uint32_t got;
        if (e != NULL) {
            name = (const char *)bytes + e->value;
            n = lk_record_path_length(bytes, len, (size_t)e->value);
        }
        n_without += e == NULL;
        LK_TRY(lk_names_add(&r->paths, name, n, &got, err));
        LK_NEED(got == i, err, LK_EFORMAT,
                "it gives the path '%.*s' to record %" PRIu32 " and record %" PRIu32, (int)n, name,
                r->set.pictures[got].key, r->set.pictures[i].key);
    }
    size_t n_lost = list->n - (r->set.n - n_without);
    if (n_without > 0)
        LK_TRY(lk_source_note(part, err, "%zu records are not in list.txt, and have no identity", n_without));
    if (n_lost > 0)
        LK_TRY(lk_source_note(part, err, "%zu lines of list.txt are about no record of this file", n_lost));
    return LK_OK;
}

/* ---- identities -------------------------------------------------------------------------------- */

/* Where records have labels that are no identities, those of the .lst are taken. */
static lk_status relabel(struct lk_source_part *part, lk_error *err)
{
    struct records *r = part->state;
    uint8_t *bytes;
    size_t len, n = 0;
    LK_TRY(read_list(part, ".lst", NULL, &bytes, &len, err));
    if (bytes == NULL)
        return LK_OK;
    struct lk_record_table list = {0};
    lk_error why;
    if (lk_record_labels_parse(&list, bytes, len, &why) != LK_OK) {
        free(bytes);
        return lk_source_note(part, err, "the .lst file is damaged: %s", why.text);
    }
    free(bytes);
    for (size_t i = 0; i < r->set.n; i++) {
        struct lk_record_picture *picture = &r->set.pictures[i];
        const struct lk_record_entry *e =
            picture->label < 0 ? lk_record_table_find(&list, picture->key) : NULL;
        if (e != NULL && e->value != LK_RECORD_NO_LABEL) {
            picture->label = (int32_t)e->value;
            n++;
        }
    }
    lk_record_table_free(&list);
    return n > 0 ? lk_source_note(part, err, "the identities of %zu records are taken from the .lst file", n)
                 : LK_OK;
}

static lk_status number_labels(struct lk_source_part *part, lk_error *err)
{
    const struct records *r = part->state;
    if ((part->labels = lk_calloc(r->set.n, sizeof *part->labels, err)) == NULL)
        return LK_ENOMEM;
    for (size_t i = 0; i < r->set.n; i++) {
        int32_t label = r->set.pictures[i].label;
        char text[16];
        part->labels[i] = LK_NO_NAME;
        if (i > 0 && label == r->set.pictures[i - 1].label)
            part->labels[i] = part->labels[i - 1];
        else if (label >= 0)
            LK_TRY(lk_names_add(part->names, text, (size_t)snprintf(text, sizeof text, "%" PRId32, label),
                                &part->labels[i], err));
    }
    return LK_OK;
}

static lk_status check_property(struct lk_source_part *part, lk_error *err)
{
    const struct records *r = part->state;
    size_t n_identities;
    LK_TRY(lk_names_distinct(part->names, part->labels, r->set.n, &n_identities, err));
    uint8_t *bytes;
    size_t len;
    uint64_t said;
    LK_TRY(read_list(part, NULL, "property", &bytes, &len, err));
    if (bytes == NULL)
        return LK_OK;
    lk_error why;
    lk_status status = lk_record_property_parse(&said, bytes, len, &why);
    free(bytes);
    if (status != LK_OK)
        return lk_source_note(part, err, "the property file is damaged: %s", why.text);
    return said == n_identities
               ? LK_OK
               : lk_source_note(part, err, "%zu identities, but the property file says %" PRIu64,
                                n_identities, said);
}

/* ---- the backend ------------------------------------------------------------------------------- */

/* What list.txt says; no entries when it is not there. */
struct path_list {
    uint8_t *bytes;
    size_t len;
    struct lk_record_table table;
};

static lk_status read_paths(struct lk_source_part *part, struct path_list *out, lk_error *err)
{
    LK_TRY(read_list(part, NULL, "list.txt", &out->bytes, &out->len, err));
    if (out->bytes == NULL)
        return LK_OK;
    lk_status status = lk_record_paths_parse(&out->table, out->bytes, out->len, err);
    if (status == LK_EFORMAT)
        lk_error_prefix(err, "%s: list.txt beside it", part->path);
    return status;
}

static lk_status open_with(struct lk_source_part *part, const struct path_list *paths, lk_error *err)
{
    struct records *r = part->state;
    struct lk_map map;
    LK_TRY(lk_pieces_open(&r->file, part->path, err));
    LK_TRY(lk_map_open(&map, part->path, err));
    lk_status status = find_pictures(part, &map, paths->table.n == 0, err);
    lk_map_close(&map);
    LK_TRY(status);
    part->n = r->set.n;
    if (paths->table.n > 0) {
        status = name_pictures(part, &paths->table, paths->bytes, paths->len, err);
        if (status == LK_EFORMAT)
            lk_error_prefix(err, "%s: list.txt beside it", part->path);
        return status;
    }
    if (r->set.n_bad_labels > 0)
        LK_TRY(relabel(part, err));
    LK_TRY(number_labels(part, err));
    return check_property(part, err);
}

static lk_status open_records(struct lk_source_part *part, lk_error *err)
{
    if (lk_path_is_dir(part->path)) {
        char *path = record_file_in(part->path, err);
        if (path == NULL)
            return LK_EFORMAT;
        free(part->path);
        part->path = path;
    }
    struct records *r = part->state = lk_calloc(1, sizeof *r, err);
    if (r == NULL)
        return LK_ENOMEM;
    r->file.fd = -1;
    struct path_list paths = {0};
    lk_status status = read_paths(part, &paths, err);
    if (status == LK_OK)
        status = open_with(part, &paths, err);
    lk_record_table_free(&paths.table);
    free(paths.bytes);
    return status;
}

static lk_status name_of_record(const struct lk_source_part *part, size_t index, struct lk_str *out,
                                lk_error *err)
{
    const struct records *r = part->state;
    if (r->paths.n > 0)
        return lk_str_addz(out, lk_names_text(&r->paths, (uint32_t)index), err);
    return lk_str_addf(out, err, "%" PRIu32, r->set.pictures[index].key);
}

static bool find_record(const struct lk_source_part *part, const char *name, size_t *index)
{
    const struct records *r = part->state;
    if (r->paths.n > 0) {
        uint32_t number = lk_names_find(&r->paths, name, strlen(name));
        *index = number;
        return number != LK_NO_NAME;
    }
    char *end, again[24];
    uint64_t key = strtoull(name, &end, 10);
    snprintf(again, sizeof again, "%" PRIu64, key);
    return strcmp(name, again) == 0 && lk_record_set_find(&r->set, key, index);
}

/* Reads the whole record at an offset, of which only the first part says how long it is. */
static lk_status read_record(const struct lk_pieces *file, uint64_t offset, uint8_t **bytes,
                             struct lk_record *record, lk_error *err)
{
    LK_NEED(offset < file->len, err, LK_EFORMAT,
            "the record is outside the file: at byte %" PRIu64 " of %" PRIu64, offset, file->len);
    uint64_t left = file->len - offset;
    for (size_t want = FIRST_READ;;) {
        size_t take = left < want ? (size_t)left : want;
        struct lk_record_trouble trouble;
        uint8_t *buffer = malloc(take);
        LK_NEED(buffer != NULL, err, LK_ENOMEM, "out of memory: a record of %zu bytes", take);
        lk_status status = lk_pieces_read(file, offset, buffer, take, err);
        if (status == LK_OK) {
            status = lk_record_find(buffer, take, offset, record, &trouble, err);
            if (status == LK_OK) {
                *bytes = buffer;
                return LK_OK;
            }
        } else {
            trouble.need = 0;
        }
        free(buffer);
        if (trouble.need <= take || take == left)
            return status;
        LK_NEED(trouble.need <= LK_IMAGE_MAX_BYTES, err, LK_EFORMAT,
                "a record of at least %zu bytes, expected at most %zu", trouble.need, LK_IMAGE_MAX_BYTES);
        want = trouble.need > 2 * take ? trouble.need : 2 * take;
    }
}

/* Turns the record in *bytes into the picture in it, in place. */
static lk_status cut_picture(const struct lk_record_picture *picture, const struct lk_record *record,
                             uint8_t *bytes, size_t *len, lk_error *err)
{
    struct lk_record_head head;
    uint8_t first[LK_RECORD_HEAD_BYTES];
    size_t n = lk_record_join(bytes, record, first, sizeof first);
    LK_TRY(lk_record_head_parse(first, n, record->length, &head, err));
    LK_NEED(head.picture < record->length, err, LK_EFORMAT, "the record holds no picture");
    bool integer;
    int64_t label = lk_record_label(head.labels[0], &integer);
    LK_NEED(label < 0 || picture->label < 0 || label == picture->label, err, LK_EFORMAT,
            "the record has the label %" PRId64 ", but lies among those of identity %" PRId32, label,
            picture->label);
    lk_record_join(bytes, record, bytes, record->length); /* each part moves towards the start */
    *len = record->length - head.picture;
    memmove(bytes, bytes + head.picture, *len);
    return LK_OK;
}

static lk_status read_picture(const struct lk_source_part *part, size_t index, uint8_t **bytes, size_t *len,
                              lk_error *err)
{
    const struct records *r = part->state;
    const struct lk_record_picture *picture = &r->set.pictures[index];
    uint8_t *buffer = NULL;
    struct lk_record record;
    LK_TRY(read_record(&r->file, picture->offset, &buffer, &record, err));
    lk_status status = cut_picture(picture, &record, buffer, len, err);
    if (status != LK_OK) {
        free(buffer);
        return status;
    }
    *bytes = buffer;
    return LK_OK;
}

const struct lk_record_set *lk_source_record_set(const struct lk_source_part *part)
{
    const struct records *r = part->state;
    return &r->set;
}

bool lk_source_record_listed(const struct lk_source_part *part)
{
    const struct records *r = part->state;
    return r->paths.n > 0;
}

lk_status lk_source_record_payload(const struct lk_source_part *part, size_t index, uint8_t **bytes,
                                   size_t *len, lk_error *err)
{
    const struct records *r = part->state;
    uint8_t *buffer = NULL;
    struct lk_record record;
    LK_TRY(read_record(&r->file, r->set.pictures[index].offset, &buffer, &record, err));
    *len = lk_record_join(buffer, &record, buffer, record.length); /* each part moves towards the start */
    *bytes = buffer;
    return LK_OK;
}

static void close_records(struct lk_source_part *part)
{
    struct records *r = part->state;
    if (r == NULL)
        return;
    lk_pieces_close(&r->file);
    lk_record_set_free(&r->set);
    lk_names_free(&r->paths);
    free(r);
}

const struct lk_source_backend lk_source_record = {
    .name = "rec",
    .title = "record file of MXNet and InsightFace (.rec)",
    .joint = "#",
    .recognise = is_record_file,
    .open = open_records,
    .name_of = name_of_record,
    .find = find_record,
    .read = read_picture,
    .close = close_records,
};
