/* SPDX-License-Identifier: Apache-2.0 */
/* source.c - lists the pictures of folders in an order that is the same on every machine. */
#include "formats/source.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "formats/image.h"

enum { MAX_DEPTH = 64 };

/* Folders still to be read, and what was passed over in the ones read. */
struct walk {
    struct lk_source *source;
    struct pending {
        char *path;
        int depth;
    } *pending;
    size_t n, capacity;
    uint64_t n_others; /* files that are no pictures by their name */
};

static bool is_picture_name(const char *name)
{
    static const char *const ENDINGS[] = {".jpg", ".jpeg", ".png", ".webp"};
    size_t len = strlen(name);
    for (size_t i = 0; i < sizeof ENDINGS / sizeof *ENDINGS; i++) {
        size_t n = strlen(ENDINGS[i]);
        if (len > n && strcasecmp(name + len - n, ENDINGS[i]) == 0)
            return true;
    }
    return false;
}

/* Takes over `path`, also on failure. */
static lk_status add_item(struct lk_source *s, char *path, lk_error *err)
{
    lk_status status = lk_grow(&s->items, &s->capacity, s->n + 1, sizeof *s->items, err);
    if (status != LK_OK) {
        free(path);
        return status;
    }
    s->items[s->n++] = (struct lk_source_item){path, NULL};
    return LK_OK;
}

static lk_status add_pending(struct walk *w, char *path, int depth, lk_error *err)
{
    lk_status status = LK_OK;
    if (depth > MAX_DEPTH)
        status = lk_fail(err, LK_EFORMAT, "%s: folders nested more than %d deep", path, MAX_DEPTH);
    else
        status = lk_grow(&w->pending, &w->capacity, w->n + 1, sizeof *w->pending, err);
    if (status != LK_OK) {
        free(path);
        return status;
    }
    w->pending[w->n++] = (struct pending){path, depth};
    return LK_OK;
}

/* Takes one entry of a folder: a folder is put off, a picture is listed. A link to a folder is passed over; a
 * picture name that leads nowhere is listed, so that it is reported as unreadable instead of being lost. */
static lk_status take_entry(struct walk *w, const char *dir, const struct dirent *entry, int depth,
                            lk_error *err)
{
    char *path = lk_path_join(dir, entry->d_name, err);
    if (path == NULL)
        return LK_ENOMEM;
    struct stat st;
    unsigned char type = entry->d_type;
    if (type == DT_UNKNOWN) {
        if (lstat(path, &st) != 0) {
            lk_status status = lk_fail_sys(err, LK_EIO, "%s: cannot examine", path);
            free(path);
            return status;
        }
        type = S_ISDIR(st.st_mode)   ? DT_DIR
               : S_ISLNK(st.st_mode) ? DT_LNK
               : S_ISREG(st.st_mode) ? DT_REG
                                     : DT_FIFO;
    }
    if (type == DT_DIR)
        return add_pending(w, path, depth + 1, err);
    bool file = type == DT_REG || (type == DT_LNK && (stat(path, &st) != 0 || S_ISREG(st.st_mode)));
    if (file && is_picture_name(entry->d_name))
        return add_item(w->source, path, err);
    w->n_others += file;
    free(path);
    return LK_OK;
}

static lk_status read_folder(struct walk *w, const char *dir, int depth, lk_error *err)
{
    DIR *stream = opendir(dir);
    if (stream == NULL)
        return lk_fail_sys(err, LK_EIO, "%s: cannot read this folder", dir);
    lk_status status = LK_OK;
    while (status == LK_OK) {
        errno = 0;
        const struct dirent *entry = readdir(stream);
        if (entry == NULL) {
            if (errno != 0)
                status = lk_fail_sys(err, LK_EIO, "%s: cannot read this folder", dir);
            break;
        }
        if (entry->d_name[0] != '.')
            status = take_entry(w, dir, entry, depth, err);
    }
    closedir(stream);
    return status;
}

static int compare_items(const void *a, const void *b)
{
    return strcmp(((const struct lk_source_item *)a)->path, ((const struct lk_source_item *)b)->path);
}

/* Gives the sorted items from `first` on their identities; pictures of one person share one string. */
static lk_status set_identities(struct lk_source *s, size_t first, const char *input, lk_error *err)
{
    size_t skip = strlen(input);
    for (size_t i = first; i < s->n; i++) {
        const char *name = s->items[i].path + skip;
        name += strspn(name, "/");
        const char *slash = strchr(name, '/');
        if (slash == NULL)
            continue;
        size_t len = (size_t)(slash - name);
        char *previous = i > first ? s->items[i - 1].identity : NULL;
        if (previous != NULL && strlen(previous) == len && memcmp(previous, name, len) == 0) {
            s->items[i].identity = previous;
            continue;
        }
        char *identity = lk_calloc(len + 1, 1, err);
        if (identity == NULL)
            return LK_ENOMEM;
        s->items[i].identity = memcpy(identity, name, len);
    }
    return LK_OK;
}

static lk_status list_folder(struct lk_source *s, const char *input, lk_error *err)
{
    struct walk w = {.source = s};
    size_t first = s->n;
    lk_status status = read_folder(&w, input, 0, err);
    while (status == LK_OK && w.n > 0) {
        struct pending next = w.pending[--w.n];
        status = read_folder(&w, next.path, next.depth, err);
        free(next.path);
    }
    while (w.n > 0)
        free(w.pending[--w.n].path);
    free(w.pending);
    LK_TRY(status);
    LK_NEED(s->n > first, err, LK_EFORMAT,
            "%s: no pictures in this folder: expected files ending in .jpg, .jpeg, .png or .webp, found %llu "
            "others",
            input, (unsigned long long)w.n_others);
    qsort(s->items + first, s->n - first, sizeof *s->items, compare_items);
    return set_identities(s, first, input, err);
}

static lk_status list_input(struct lk_source *s, const char *input, lk_error *err)
{
    struct stat st;
    if (stat(input, &st) != 0)
        return lk_fail_sys(err, LK_EIO, "%s: cannot open", input);
    if (S_ISDIR(st.st_mode))
        return list_folder(s, input, err);
    LK_NEED(S_ISREG(st.st_mode), err, LK_EFORMAT, "%s: a special file, expected a folder or a picture",
            input);
    char *path = lk_strdup(input, err);
    return path != NULL ? add_item(s, path, err) : LK_ENOMEM;
}

static int compare_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static lk_status count_identities(struct lk_source *s, lk_error *err)
{
    char **names = NULL;
    size_t n = 0, capacity = 0;
    lk_status status = LK_OK;
    for (size_t i = 0; i < s->n && status == LK_OK; i++) {
        char *name = s->items[i].identity;
        if (name == NULL || (n > 0 && names[n - 1] == name))
            continue;
        if ((status = lk_grow(&names, &capacity, n + 1, sizeof *names, err)) == LK_OK)
            names[n++] = name;
    }
    if (n > 0)
        qsort(names, n, sizeof *names, compare_text);
    for (size_t i = 0; i < n; i++)
        s->n_identities += i == 0 || strcmp(names[i - 1], names[i]) != 0;
    free(names);
    return status;
}

lk_status lk_source_list(struct lk_source *out, const char *const *inputs, size_t n_inputs, lk_error *err)
{
    struct lk_source s = {0};
    lk_status status =
        n_inputs > 0 ? LK_OK : lk_fail(err, LK_EINVAL, "no input: expected folders or pictures");
    for (size_t i = 0; i < n_inputs && status == LK_OK; i++)
        status = list_input(&s, inputs[i], err);
    if (status == LK_OK)
        status = count_identities(&s, err);
    if (status != LK_OK) {
        lk_source_free(&s);
        return status;
    }
    *out = s;
    return LK_OK;
}

void lk_source_free(struct lk_source *source)
{
    for (size_t i = source->n; i-- > 0;) {
        struct lk_source_item *item = &source->items[i];
        if (i == 0 || item->identity != item[-1].identity) /* shared: the first of the run frees it */
            free(item->identity);
        free(item->path);
    }
    free(source->items);
    *source = (struct lk_source){0};
}

lk_status lk_source_read(const struct lk_source *source, size_t index, uint8_t **bytes, size_t *len,
                         lk_error *err)
{
    return lk_file_read(source->items[index].path, LK_IMAGE_MAX_BYTES, bytes, len, err);
}
