/* SPDX-License-Identifier: Apache-2.0 */
/* source_folder.c - a folder of pictures, in an order that is the same on every machine; and a single
 * picture.
 *
 * Hidden names are passed over; links to files are followed, links to folders are not, so there are no loops.
 */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "formats/image.h"
#include "formats/source_backend.h"

enum { MAX_DEPTH = 64 };

/* state of a part: the pictures' names below the folder, sorted. */
struct folder {
    struct lk_arena arena;
    char **names;
    size_t capacity;
};

/* Folders still to be read, and what was passed over in the ones read. */
struct walk {
    struct lk_source_part *part;
    struct folder *folder;
    struct pending {
        char *name; /* below the input, "" = the input itself */
        int depth;
    } * pending;
    size_t n, capacity;
    uint64_t n_others; /* files that are no pictures by their name */
    uint64_t n_folder_links;
    char *first_link;
};

static lk_status add_picture(struct walk *w, const char *name, lk_error *err)
{
    struct folder *f = w->folder;
    LK_TRY(lk_grow(&f->names, &f->capacity, w->part->n + 1, sizeof *f->names, err));
    if ((f->names[w->part->n] = lk_arena_text(&f->arena, name, strlen(name), err)) == NULL)
        return LK_ENOMEM;
    w->part->n++;
    return LK_OK;
}

static lk_status add_pending(struct walk *w, const char *name, int depth, lk_error *err)
{
    LK_NEED(depth <= MAX_DEPTH, err, LK_EFORMAT, "%s/%s: folders nested more than %d deep", w->part->path,
            name, MAX_DEPTH);
    LK_TRY(lk_grow(&w->pending, &w->capacity, w->n + 1, sizeof *w->pending, err));
    char *copy = lk_strdup(name, err);
    if (copy == NULL)
        return LK_ENOMEM;
    w->pending[w->n++] = (struct pending){copy, depth};
    return LK_OK;
}

/* Takes one entry of a folder: a folder is put off, a picture is listed. A picture name that leads nowhere is
 * listed too, so that it is reported as unreadable instead of being lost. */
static lk_status take_entry(struct walk *w, const char *name, const struct dirent *entry, int depth,
                            lk_error *err)
{
    struct stat st;
    unsigned char type = entry->d_type;
    if (type != DT_DIR && type != DT_REG) { /* a link, or unknown: ask */
        char *path = lk_path_join(w->part->path, name, err);
        if (path == NULL)
            return LK_ENOMEM;
        bool there = lstat(path, &st) == 0;
        bool link = there && S_ISLNK(st.st_mode), dangling = false;
        if (link)
            dangling = stat(path, &st) != 0;
        lk_status status = there ? LK_OK : lk_fail_sys(err, LK_EIO, "%s: cannot examine", path);
        free(path);
        LK_TRY(status);
        if (link && !dangling && S_ISDIR(st.st_mode)) {
            if (w->n_folder_links++ == 0 && (w->first_link = lk_strdup(name, err)) == NULL)
                return LK_ENOMEM;
            return LK_OK;
        }
        type = S_ISDIR(st.st_mode) ? DT_DIR : dangling || S_ISREG(st.st_mode) ? DT_REG : DT_FIFO;
    }
    if (type == DT_DIR)
        return add_pending(w, name, depth + 1, err);
    if (type == DT_REG && lk_is_picture_name(entry->d_name))
        return add_picture(w, name, err);
    w->n_others += type == DT_REG;
    return LK_OK;
}

static lk_status read_folder(struct walk *w, const struct pending *from, lk_error *err)
{
    char *dir =
        *from->name != '\0' ? lk_path_join(w->part->path, from->name, err) : lk_strdup(w->part->path, err);
    if (dir == NULL)
        return LK_ENOMEM;
    struct lk_str name = LK_STR_INIT;
    DIR *stream = opendir(dir);
    lk_status status = stream != NULL ? LK_OK : lk_fail_sys(err, LK_EIO, "%s: cannot read this folder", dir);
    while (status == LK_OK &&
           (status = w->part->options->ctx != NULL ? lk_ctx_check(w->part->options->ctx, err) : LK_OK) ==
               LK_OK) {
        errno = 0;
        const struct dirent *entry = readdir(stream);
        if (entry == NULL) {
            if (errno != 0)
                status = lk_fail_sys(err, LK_EIO, "%s: cannot read this folder", dir);
            break;
        }
        if (entry->d_name[0] == '.')
            continue;
        name.len = 0;
        status = lk_str_addf(&name, err, "%s%s%s", from->name, *from->name != '\0' ? "/" : "", entry->d_name);
        if (status == LK_OK)
            status = take_entry(w, name.text, entry, from->depth, err);
    }
    if (stream != NULL)
        closedir(stream);
    lk_str_free(&name);
    free(dir);
    return status;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static lk_status walk_folder(struct walk *w, lk_error *err)
{
    LK_TRY(add_pending(w, "", 0, err));
    lk_status status = LK_OK;
    while (status == LK_OK && w->n > 0) {
        struct pending next = w->pending[--w->n];
        status = read_folder(w, &next, err);
        free(next.name);
    }
    LK_TRY(status);
    LK_NEED(w->part->n > 0, err, LK_EFORMAT,
            "%s: no pictures in this folder: expected files ending in .jpg, .jpeg, .png or .webp, found %llu "
            "other files, and %llu links to folders, which are not followed",
            w->part->path, (unsigned long long)w->n_others, (unsigned long long)w->n_folder_links);
    qsort(w->folder->names, w->part->n, sizeof *w->folder->names, compare_names);
    if (w->n_folder_links > 0)
        return lk_source_note(w->part, err, "%llu links to folders are not followed (first: %s)",
                              (unsigned long long)w->n_folder_links, w->first_link);
    return LK_OK;
}

static lk_status open_folder(struct lk_source_part *part, lk_error *err)
{
    struct walk w = {.part = part};
    part->state = w.folder = lk_calloc(1, sizeof *w.folder, err);
    if (w.folder == NULL)
        return LK_ENOMEM;
    lk_status status = walk_folder(&w, err);
    while (w.n > 0)
        free(w.pending[--w.n].name);
    free(w.pending);
    free(w.first_link);
    return status;
}

static lk_status name_in_folder(const struct lk_source_part *part, size_t index, struct lk_str *out,
                                lk_error *err)
{
    const struct folder *f = part->state;
    return lk_str_addz(out, f->names[index], err);
}

static bool find_in_folder(const struct lk_source_part *part, const char *name, size_t *index)
{
    const struct folder *f = part->state;
    char **found = bsearch(&name, f->names, part->n, sizeof *f->names, compare_names);
    if (found != NULL)
        *index = (size_t)(found - f->names);
    return found != NULL;
}

static lk_status read_in_folder(const struct lk_source_part *part, size_t index, uint8_t **bytes, size_t *len,
                                lk_error *err)
{
    const struct folder *f = part->state;
    char *path = lk_path_join(part->path, f->names[index], err);
    if (path == NULL)
        return LK_ENOMEM;
    lk_status status = lk_file_read(path, LK_IMAGE_MAX_BYTES, bytes, len, err);
    free(path);
    return status;
}

static void close_folder(struct lk_source_part *part)
{
    struct folder *f = part->state;
    if (f == NULL)
        return;
    lk_arena_free(&f->arena);
    free(f->names);
    free(f);
}

static bool is_folder(const struct lk_source_probe *probe)
{
    return S_ISDIR(probe->st.st_mode);
}

const struct lk_source_backend lk_source_folder = {
    .name = "folder",
    .title = "folder of pictures",
    .own_files = true,
    .recognise = is_folder,
    .open = open_folder,
    .name_of = name_in_folder,
    .find = find_in_folder,
    .read = read_in_folder,
    .close = close_folder,
};

/* ---- a single picture, given by its own name --------------------------------------------------- */

static bool is_file(const struct lk_source_probe *probe)
{
    return S_ISREG(probe->st.st_mode);
}

static lk_status open_picture(struct lk_source_part *part, lk_error *err)
{
    LK_NEED(!lk_path_is_dir(part->path), err, LK_EFORMAT, "%s: a folder, expected a picture", part->path);
    part->n = 1;
    return LK_OK;
}

static lk_status name_of_picture(const struct lk_source_part *part, size_t index, struct lk_str *out,
                                 lk_error *err)
{
    (void)index;
    const char *slash = strrchr(part->path, '/');
    return lk_str_addz(out, slash != NULL ? slash + 1 : part->path, err);
}

static bool find_picture(const struct lk_source_part *part, const char *name, size_t *index)
{
    (void)part, (void)name;
    *index = 0;
    return true;
}

static lk_status read_picture(const struct lk_source_part *part, size_t index, uint8_t **bytes, size_t *len,
                              lk_error *err)
{
    (void)index;
    return lk_file_read(part->path, LK_IMAGE_MAX_BYTES, bytes, len, err);
}

static void close_picture(struct lk_source_part *part)
{
    (void)part;
}

const struct lk_source_backend lk_source_picture = {
    .name = "picture",
    .title = "single picture",
    .own_files = true,
    .recognise = is_file,
    .open = open_picture,
    .name_of = name_of_picture,
    .find = find_picture,
    .read = read_picture,
    .close = close_picture,
};
