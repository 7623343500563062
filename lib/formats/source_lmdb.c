/* SPDX-License-Identifier: Apache-2.0 */
/* source_lmdb.c - a face set in LMDB (HSFace) as a set of pictures, named by their keys.
 *
 * Keys are decimal numbers, values are MessagePack lists [picture, ..., label, ...]; __len__, __keys__ and
 * __classnum__ say how many there should be. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "formats/image.h"
#include "formats/lmdb_file.h"
#include "formats/msgpack.h"
#include "formats/source_backend.h"

enum { PAUSE_RECORDS = 1024 };

struct record {
    uint64_t key;
    uint64_t value; /* place in the file */
    uint32_t len;
    uint32_t label; /* number of its name */
};

struct database {
    struct lk_pieces file;
    struct record *records; /* by rising key; in the order of a part's pictures */
    size_t n, capacity;
};

/* One pass over the file. */
struct pass {
    struct lk_source_part *part;
    struct lk_map map;
    uint64_t n_other_keys, n_bad, first_bad;
    char other_key[40], bad[200];               /* the first of these */
    uint64_t said_len, said_keys, said_classes; /* UINT64_MAX = not said */
};

/* ---- records ----------------------------------------------------------------------------------- */

/* A key "0", "17", without zeros in front, below 2^63. */
static bool decimal_key(const uint8_t *key, size_t len, uint64_t *out)
{
    if (len == 0 || len > 18 || (len > 1 && key[0] == '0'))
        return false;
    uint64_t value = 0;
    for (size_t i = 0; i < len; i++) {
        if (key[i] < '0' || key[i] > '9')
            return false;
        value = 10 * value + (uint64_t)(key[i] - '0');
    }
    *out = value;
    return true;
}

static bool is_key(const uint8_t *key, size_t len, const char *name)
{
    return len == strlen(name) && memcmp(key, name, len) == 0;
}

static void take_other(struct pass *p, const uint8_t *key, size_t key_len, const uint8_t *value, size_t len)
{
    if (is_key(key, key_len, "__len__"))
        lk_msgpack_number(value, len, &p->said_len, NULL);
    else if (is_key(key, key_len, "__classnum__"))
        lk_msgpack_number(value, len, &p->said_classes, NULL);
    else if (is_key(key, key_len, "__keys__"))
        lk_msgpack_count(value, len, &p->said_keys, NULL);
    else if (p->n_other_keys++ == 0)
        snprintf(p->other_key, sizeof p->other_key, "%.*s", (int)(key_len < 32 ? key_len : 32),
                 (const char *)key);
}

static lk_status take_record(void *arg, const uint8_t *key, size_t key_len, size_t value, size_t len,
                             lk_error *err)
{
    struct pass *p = arg;
    struct database *d = p->part->state;
    const uint8_t *bytes = p->map.bytes + value;
    struct record record = {.value = value, .len = (uint32_t)len, .label = LK_NO_NAME};
    if (!decimal_key(key, key_len, &record.key)) {
        take_other(p, key, key_len, bytes, len);
        return LK_OK;
    }
    struct lk_msgpack_face face;
    lk_error why;
    if (lk_msgpack_face_parse(bytes, len, &face, &why) != LK_OK) { /* reading it will say so again */
        if (p->n_bad++ == 0) {
            p->first_bad = record.key;
            snprintf(p->bad, sizeof p->bad, "%.190s", why.text);
        }
    } else if (face.has_label) {
        char text[24];
        size_t n = (size_t)snprintf(text, sizeof text, "%" PRIu64, face.label);
        LK_TRY(lk_names_add(p->part->names, text, n, &record.label, err));
    }
    LK_TRY(lk_grow(&d->records, &d->capacity, d->n + 1, sizeof *d->records, err));
    d->records[d->n++] = record;
    if (d->n % PAUSE_RECORDS != 0)
        return LK_OK;
    lk_map_release(&p->map);
    return p->part->options->ctx != NULL ? lk_ctx_check(p->part->options->ctx, err) : LK_OK;
}

static int compare_records(const void *a, const void *b)
{
    const struct record *x = a, *y = b;
    return (x->key > y->key) - (x->key < y->key);
}

/* ---- opening ----------------------------------------------------------------------------------- */

static lk_status compare_counts(struct pass *p, size_t n_identities, lk_error *err)
{
    const struct database *d = p->part->state;
    const struct {
        const char *key, *what;
        uint64_t said, found;
    } COUNTS[] = {{"__len__", "pictures", p->said_len, d->n},
                  {"__keys__", "pictures", p->said_keys, d->n},
                  {"__classnum__", "identities", p->said_classes, n_identities}};
    for (size_t i = 0; i < sizeof COUNTS / sizeof *COUNTS; i++)
        if (COUNTS[i].said != UINT64_MAX && COUNTS[i].said != COUNTS[i].found)
            LK_TRY(lk_source_note(p->part, err, "%" PRIu64 " %s, but %s says %" PRIu64, COUNTS[i].found,
                                  COUNTS[i].what, COUNTS[i].key, COUNTS[i].said));
    if (p->n_other_keys > 0)
        LK_TRY(lk_source_note(p->part, err,
                              "%" PRIu64 " keys are no decimal numbers and are passed over (first: "
                              "%s)",
                              p->n_other_keys, p->other_key));
    if (p->n_bad > 0)
        LK_TRY(lk_source_note(p->part, err, "%" PRIu64 " values cannot be read (first: key %" PRIu64 ": %s)",
                              p->n_bad, p->first_bad, p->bad));
    return LK_OK;
}

static lk_status list_records(struct pass *p, lk_error *err)
{
    struct lk_source_part *part = p->part;
    struct database *d = part->state;
    LK_TRY(lk_lmdb_walk(p->map.bytes, p->map.len, take_record, p, err));
    LK_NEED(d->n > p->n_bad, err, LK_EFORMAT,
            "no pictures in this LMDB database: expected decimal keys with MessagePack lists, found %" PRIu64
            " other keys (first: '%s') and %" PRIu64 " other values (first: %s)",
            p->n_other_keys, p->other_key, p->n_bad, p->bad);
    qsort(d->records, d->n, sizeof *d->records, compare_records);
    if ((part->labels = lk_calloc(d->n, sizeof *part->labels, err)) == NULL)
        return LK_ENOMEM;
    for (size_t i = 0; i < d->n; i++)
        part->labels[i] = d->records[i].label;
    part->n = d->n;
    size_t n_identities = 0;
    LK_TRY(lk_names_distinct(part->names, part->labels, d->n, &n_identities, err));
    return compare_counts(p, n_identities, err);
}

/* data.mdb in a folder, else the file itself. */
static lk_status resolve(struct lk_source_part *part, lk_error *err)
{
    if (!lk_path_is_dir(part->path))
        return LK_OK;
    char *path = lk_path_join(part->path, "data.mdb", err);
    if (path == NULL)
        return LK_ENOMEM;
    free(part->path);
    part->path = path;
    return LK_OK;
}

static lk_status open_database(struct lk_source_part *part, lk_error *err)
{
    struct database *d = part->state = lk_calloc(1, sizeof *d, err);
    if (d == NULL)
        return LK_ENOMEM;
    d->file.fd = -1;
    LK_TRY(resolve(part, err));
    LK_TRY(lk_pieces_open(&d->file, part->path, err));
    struct pass p = {
        .part = part, .said_len = UINT64_MAX, .said_keys = UINT64_MAX, .said_classes = UINT64_MAX};
    LK_TRY(lk_map_open(&p.map, part->path, err));
    lk_status status = list_records(&p, err);
    lk_map_close(&p.map);
    if (status == LK_EFORMAT || status == LK_EUNSUP)
        lk_error_prefix(err, "%s", part->path);
    return status;
}

/* ---- the backend ------------------------------------------------------------------------------- */

static bool is_database(const struct lk_source_probe *probe)
{
    if (!S_ISDIR(probe->st.st_mode))
        return lk_lmdb_is(probe->head, probe->n_head);
    char *path = lk_path_join(probe->path, "data.mdb", NULL);
    bool there = path != NULL && lk_path_exists(path);
    free(path);
    return there;
}

static lk_status name_of_key(const struct lk_source_part *part, size_t index, struct lk_str *out,
                             lk_error *err)
{
    const struct database *d = part->state;
    return lk_str_addf(out, err, "%" PRIu64, d->records[index].key);
}

static bool find_key(const struct lk_source_part *part, const char *name, size_t *index)
{
    const struct database *d = part->state;
    struct record wanted = {0};
    if (!decimal_key((const uint8_t *)name, strlen(name), &wanted.key))
        return false;
    const struct record *found = bsearch(&wanted, d->records, d->n, sizeof *d->records, compare_records);
    if (found != NULL)
        *index = (size_t)(found - d->records);
    return found != NULL;
}

static lk_status read_value(const struct lk_source_part *part, size_t index, uint8_t **bytes, size_t *len,
                            lk_error *err)
{
    const struct database *d = part->state;
    const struct record *record = &d->records[index];
    LK_NEED(record->len <= LK_IMAGE_MAX_BYTES, err, LK_EFORMAT,
            "a value of %" PRIu32 " bytes, expected at most %zu", record->len, LK_IMAGE_MAX_BYTES);
    uint8_t *buffer = malloc((size_t)record->len + 1);
    LK_NEED(buffer != NULL, err, LK_ENOMEM, "out of memory: a value of %" PRIu32 " bytes", record->len);
    struct lk_msgpack_face face;
    lk_status status = lk_pieces_read(&d->file, record->value, buffer, record->len, err);
    if (status == LK_OK)
        status = lk_msgpack_face_parse(buffer, record->len, &face, err);
    if (status != LK_OK) {
        free(buffer);
        return status;
    }
    memmove(buffer, buffer + face.picture, face.picture_len);
    *bytes = buffer;
    *len = face.picture_len;
    return LK_OK;
}

static void close_database(struct lk_source_part *part)
{
    struct database *d = part->state;
    if (d == NULL)
        return;
    lk_pieces_close(&d->file);
    free(d->records);
    free(d);
}

const struct lk_source_backend lk_source_lmdb = {
    .name = "lmdb",
    .title = "LMDB database of pictures in MessagePack (HSFace)",
    .joint = "#",
    .recognise = is_database,
    .open = open_database,
    .name_of = name_of_key,
    .find = find_key,
    .read = read_value,
    .close = close_database,
};
