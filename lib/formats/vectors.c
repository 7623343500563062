/* SPDX-License-Identifier: Apache-2.0 */
/* vectors.c - opens a file of embeddings by its content. */
#include "formats/vectors.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "formats/npy.h"

#define EXPECTED "expected embeddings as .npy, .npz, .fvecs, HDF5 or JSON lines"

lk_status lk_vectors_split(const char *path, char **file, char **array, lk_error *err)
{
    char *name = lk_strdup(path, err), *part = NULL;
    if (name == NULL)
        return LK_ENOMEM;
    if (!lk_path_exists(path)) {
        for (char *colon = strrchr(name, ':'); colon != NULL && part == NULL; colon = strrchr(name, ':')) {
            *colon = '\0';
            if (lk_path_exists(name) && !lk_path_is_dir(name))
                part = lk_strdup(path + (colon - name) + 1, err);
        }
        if (part == NULL)
            strcpy(name, path); /* neither is there: the message is about what was given */
    }
    if (part == NULL && (part = lk_strdup("", err)) == NULL) {
        free(name);
        return LK_ENOMEM;
    }
    *file = name;
    *array = part;
    return LK_OK;
}

static bool is_one_of(const char *name, const char *const *names)
{
    for (; *names != NULL; names++)
        if (strcasecmp(name, *names) == 0)
            return true;
    return false;
}

bool lk_is_identity_name(const char *name)
{
    static const char *const names[] = {"identity", "identities", "label",    "labels", "person",
                                        "persons",  "subject",    "subjects", "ids",    NULL};
    return is_one_of(name, names);
}

bool lk_is_path_name(const char *name)
{
    static const char *const names[] = {
        "path",     "paths",     "image_path", "image_paths", "image_name", "image_names", "file",  "files",
        "filename", "filenames", "file_name",  "file_names",  "image",      "images",      "names", NULL};
    return is_one_of(name, names);
}

lk_status lk_check_unpacked(uint64_t unpacked, uint64_t packed, lk_error *err)
{
    LK_NEED(unpacked >> 30 == 0 || unpacked / 100 <= packed, err, LK_EFORMAT,
            "%" PRIu64 " bytes would be unpacked from %" PRIu64
            ", but embeddings hardly shrink: not unpacked, lest it fill the disk",
            unpacked, packed);
    return LK_OK;
}

void lk_texts_free(struct lk_texts *texts)
{
    for (uint64_t i = 0; texts->items != NULL && i < texts->n; i++)
        free(texts->items[i]);
    free(texts->items);
    *texts = (struct lk_texts){NULL, 0};
}

void lk_vectors_close(struct lk_vectors *vectors)
{
    lk_matrix_close(&vectors->matrix);
    free(vectors->array);
    lk_texts_free(&vectors->paths);
    lk_texts_free(&vectors->identities);
    *vectors = (struct lk_vectors){.array = NULL};
}

static bool starts_with(const struct lk_map *map, size_t at, const char *magic, size_t len)
{
    return map->len >= at && map->len - at >= len && memcmp(map->bytes + at, magic, len) == 0;
}

/* HDF5 allows a block of the user's in front, of 512 bytes, 1024, 2048 and so on. */
static bool is_hdf5(const struct lk_map *map)
{
    for (size_t at = 0; at < map->len && at <= SIZE_MAX / 2; at = at == 0 ? 512 : 2 * at)
        if (starts_with(map, at, "\x89HDF\r\n\x1a\n", 8))
            return true;
    return false;
}

static bool is_json(const struct lk_map *map)
{
    size_t at = starts_with(map, 0, "\xef\xbb\xbf", 3) ? 3 : 0;
    while (at < map->len && strchr(" \t\r\n", map->bytes[at]) != NULL && map->bytes[at] != '\0')
        at++;
    return at < map->len && (map->bytes[at] == '{' || map->bytes[at] == '[');
}

static bool has_ending(const char *file, const char *ending)
{
    size_t len = strlen(file), n = strlen(ending);
    return len > n && strcasecmp(file + len - n, ending) == 0;
}

static lk_status read_npy(struct lk_map *map, lk_ctx *ctx, struct lk_vectors *out, lk_error *err)
{
    struct lk_layout layout;
    LK_TRY(lk_npy_parse(map->bytes, map->len, &layout, err));
    return lk_matrix_take(&out->matrix, map, &layout, ctx, err);
}

static lk_status read_any(struct lk_map *map, const char *file, const char *array, lk_ctx *ctx,
                          struct lk_vectors *out, lk_error *err)
{
    LK_NEED(map->len > 0, err, LK_EFORMAT, "the file is empty, " EXPECTED);
    bool npz = starts_with(map, 0, "PK\3\4", 4) || starts_with(map, 0, "PK\5\6", 4);
    bool hdf5 = is_hdf5(map);
    LK_NEED(array[0] == '\0' || npz || hdf5, err, LK_EFORMAT,
            "the array '%.100s' is asked for, but only .npz and HDF5 files hold several", array);
    if (starts_with(map, 0, "\x93NUMPY", 6))
        return read_npy(map, ctx, out, err);
    if (npz)
        return lk_npz_read(map->bytes, map->len, array, file, ctx, out, err);
    if (hdf5)
        return lk_hdf5_read(file, array, ctx, out, err);
    if (has_ending(file, ".fvecs"))
        return lk_fvecs_read(map->bytes, map->len, ctx, out, err);
    if (is_json(map))
        return lk_json_vectors_read(map->bytes, map->len, ctx, out, err);
    return lk_fail(err, LK_EFORMAT, "not a file of embeddings that is known, " EXPECTED);
}

lk_status lk_vectors_open(struct lk_vectors *out, lk_ctx *ctx, const char *file, const char *array,
                          lk_error *err)
{
    struct lk_map map;
    struct lk_vectors vectors = {.array = NULL};
    LK_TRY(lk_map_open(&map, file, err));
    lk_status status = read_any(&map, file, array, ctx, &vectors, err);
    lk_map_close(&map);
    if (status != LK_OK) {
        if (status != LK_ECANCELED)
            lk_error_prefix(err, "%s", file);
        lk_vectors_close(&vectors);
        return status;
    }
    *out = vectors;
    return LK_OK;
}
