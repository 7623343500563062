/* SPDX-License-Identifier: Apache-2.0 */
/* source_bin.c - InsightFace's .bin of pictures in pairs as a set of pictures, named by number, without
 * identities. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "formats/image.h"
#include "formats/insightface_bin.h"
#include "formats/source_backend.h"

struct pairs_file {
    struct lk_pieces file;
    struct lk_bin bin;
};

static bool is_bin(const struct lk_source_probe *probe)
{
    size_t len = strlen(probe->path);
    if (!S_ISREG(probe->st.st_mode))
        return false;
    return (probe->n_head >= 3 && probe->head[0] == 0x80 && probe->head[1] >= 2 && probe->head[1] <= 5) ||
           (len > 4 && strcmp(probe->path + len - 4, ".bin") == 0);
}

static lk_status open_bin(struct lk_source_part *part, lk_error *err)
{
    struct pairs_file *p = part->state = lk_calloc(1, sizeof *p, err);
    if (p == NULL)
        return LK_ENOMEM;
    p->file.fd = -1;
    LK_TRY(lk_pieces_open(&p->file, part->path, err));
    struct lk_map map;
    LK_TRY(lk_map_open(&map, part->path, err));
    lk_status status = lk_bin_parse(&p->bin, map.bytes, map.len, err);
    lk_map_close(&map);
    if (status != LK_OK)
        lk_error_prefix(err, "%s", part->path);
    part->n = 2 * p->bin.n_pairs;
    return status;
}

static lk_status name_of_picture(const struct lk_source_part *part, size_t index, struct lk_str *out,
                                 lk_error *err)
{
    (void)part;
    return lk_str_addf(out, err, "%zu", index);
}

static bool find_picture(const struct lk_source_part *part, const char *name, size_t *index)
{
    char again[24];
    uint64_t number = strtoull(name, NULL, 10);
    snprintf(again, sizeof again, "%" PRIu64, number);
    *index = (size_t)number;
    return strcmp(name, again) == 0 && number < part->n;
}

static lk_status read_picture(const struct lk_source_part *part, size_t index, uint8_t **bytes, size_t *len,
                              lk_error *err)
{
    const struct pairs_file *p = part->state;
    const struct lk_bin_picture *picture = &p->bin.pictures[index];
    LK_NEED(picture->len <= LK_IMAGE_MAX_BYTES, err, LK_EFORMAT,
            "a picture of %zu bytes, expected at most %zu", picture->len, LK_IMAGE_MAX_BYTES);
    uint8_t *buffer = malloc(picture->len + 1);
    LK_NEED(buffer != NULL, err, LK_ENOMEM, "out of memory: a picture of %zu bytes", picture->len);
    *len = picture->len;
    lk_status status = lk_pieces_read(&p->file, picture->offset, buffer, picture->len, err);
    if (status == LK_OK && picture->latin1)
        status = lk_bin_latin1(buffer, len, picture->offset, err);
    if (status != LK_OK) {
        free(buffer);
        return status;
    }
    *bytes = buffer;
    return LK_OK;
}

static void close_bin(struct lk_source_part *part)
{
    struct pairs_file *p = part->state;
    if (p == NULL)
        return;
    lk_pieces_close(&p->file);
    lk_bin_free(&p->bin);
    free(p);
}

const struct lk_source_backend lk_source_bin = {
    .name = "bin",
    .title = "pairs of pictures of InsightFace (.bin)",
    .joint = "#",
    .recognise = is_bin,
    .open = open_bin,
    .name_of = name_of_picture,
    .find = find_picture,
    .read = read_picture,
    .close = close_bin,
};
