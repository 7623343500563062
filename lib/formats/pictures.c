/* SPDX-License-Identifier: Apache-2.0 */
/* pictures.c - finds the container in a picture's path, keeps it open, and reads the picture. */
#include "formats/pictures.h"

#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "formats/image.h"
#include "formats/source_backend.h"

struct lk_pictures {
    lk_ctx *ctx;
    struct lk_names names; /* identities, which nobody asks for */
    struct container {
        char *path, *format; /* format: "" = recognised */
        bool open;
        lk_error why; /* when it is not */
        struct lk_source_part part;
    } * *containers; /* pointers: parts stay where they are */
    size_t n, capacity;
};

lk_status lk_pictures_new(struct lk_pictures **out, lk_ctx *ctx, lk_error *err)
{
    struct lk_pictures *p = lk_calloc(1, sizeof *p, err);
    if (p == NULL)
        return LK_ENOMEM;
    p->ctx = ctx;
    *out = p;
    return LK_OK;
}

void lk_pictures_free(struct lk_pictures *pictures)
{
    if (pictures == NULL)
        return;
    for (size_t i = 0; i < pictures->n; i++) {
        struct container *c = pictures->containers[i];
        if (c->open)
            lk_source_part_close(&c->part);
        free(c->path);
        free(c->format);
        free(c);
    }
    free(pictures->containers);
    lk_names_free(&pictures->names);
    free(pictures);
}

int lk_picture_place_compare(const struct lk_picture_place *a, const struct lk_picture_place *b)
{
    int order = (a->container > b->container) - (a->container < b->container);
    return order != 0 ? order : (a->row > b->row) - (a->row < b->row);
}

static lk_status add_container(struct lk_pictures *p, const char *path, const char *format, lk_error *err)
{
    LK_TRY(lk_grow(&p->containers, &p->capacity, p->n + 1, sizeof(struct container *), err));
    struct container *c = lk_calloc(1, sizeof *c, err);
    if (c == NULL)
        return LK_ENOMEM;
    p->containers[p->n++] = c;
    if ((c->path = lk_strdup(path, err)) == NULL ||
        (c->format = lk_strdup(format != NULL ? format : "", err)) == NULL)
        return LK_ENOMEM;
    const struct lk_source_options options = {.ctx = p->ctx, .format = format};
    lk_status status = lk_source_part_open(&c->part, path, &options, &p->names, &c->why);
    c->open = status == LK_OK;
    if (status == LK_ENOMEM || status == LK_ECANCELED) {
        if (err != NULL)
            *err = c->why;
        return status;
    }
    return LK_OK;
}

static lk_status get_container(struct lk_pictures *p, const char *path, const char *format, size_t *index,
                               lk_error *err)
{
    *index = 0;
    while (*index < p->n && (strcmp(p->containers[*index]->path, path) != 0 ||
                             strcmp(p->containers[*index]->format, format != NULL ? format : "") != 0))
        ++*index;
    if (*index == p->n)
        LK_TRY(add_container(p, path, format, err));
    const struct container *c = p->containers[*index];
    if (!c->open && err != NULL)
        *err = c->why;
    return c->open ? LK_OK : c->why.code;
}

/* Tries the joint of one kind in the path: what stands before it must exist, and hold what stands behind. */
static lk_status try_joint(struct lk_pictures *p, const char *path, const char *format, const char *joint,
                           struct lk_picture_place *place, bool *found, lk_error *err)
{
    for (const char *at = strstr(path, joint); at != NULL; at = strstr(at + 1, joint)) {
        if (at == path)
            continue;
        struct lk_str container = LK_STR_INIT;
        LK_TRY(lk_str_add(&container, path, (size_t)(at - path), err));
        bool there = lk_path_exists(container.text);
        lk_status status = there ? get_container(p, container.text, format, &place->container, err) : LK_OK;
        lk_str_free(&container);
        LK_TRY(status);
        if (!there)
            continue;
        const struct lk_source_part *part = &p->containers[place->container]->part;
        *found = part->backend->find(part, at + strlen(joint), &place->row);
        if (*found)
            return LK_OK;
        lk_fail(err, LK_EFORMAT, "%s: not in this %s any more", path, part->backend->title);
    }
    return LK_OK;
}

lk_status lk_pictures_find(struct lk_pictures *pictures, const char *path, const char *format,
                           struct lk_picture_place *place, lk_error *err)
{
    struct lk_picture_place out = {.container = SIZE_MAX};
    bool found = lk_path_exists(path);
    lk_fail(err, LK_EIO, "%s: no such file, nor a container of pictures before its end", path);
    lk_error why = {0};
    for (size_t i = 0; !found && lk_source_kind(i) != NULL; i++) {
        const struct lk_source_backend *kind = lk_source_kind(i);
        if (kind->joint == NULL || (format != NULL && strcmp(format, kind->name) != 0))
            continue;
        lk_status status = try_joint(pictures, path, format, kind->joint, &out, &found, &why);
        if (why.code != LK_OK && !found && err != NULL)
            *err = why;
        LK_TRY(status);
    }
    if (!found)
        return why.code != LK_OK ? why.code : LK_EIO;
    *place = out;
    return LK_OK;
}

lk_status lk_pictures_read(const struct lk_pictures *pictures, const char *path,
                           const struct lk_picture_place *place, uint8_t **bytes, size_t *len, lk_error *err)
{
    if (place->container == SIZE_MAX)
        return lk_file_read(path, LK_IMAGE_MAX_BYTES, bytes, len, err);
    const struct lk_source_part *part = &pictures->containers[place->container]->part;
    lk_status status = part->backend->read(part, place->row, bytes, len, err);
    if (status != LK_OK)
        lk_error_prefix(err, "%s", path);
    return status;
}
