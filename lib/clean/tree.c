/* SPDX-License-Identifier: Apache-2.0 */
/* tree.c - a folder of the pictures that are kept, as copies or as hard links.
 *
 * It grows as TO.part and gets its name when it is whole; a run that was stopped goes on with what lies
 * there. */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "clean/keep.h"
#include "formats/image.h"

struct tree {
    const struct lk_keep *k;
    const char *to;
    struct lk_str part; /* TO.part */
    bool link;
    uint64_t n, n_unreadable;
};

/* ---- folders ------------------------------------------------------------------------------------------ */

/* Files below a folder. */
static lk_status count_files(const char *dir, uint64_t *n, lk_error *err)
{
    DIR *d = opendir(dir);
    if (d == NULL)
        return lk_fail_sys(err, LK_EIO, "%s: cannot be read", dir);
    lk_status status = LK_OK;
    for (const struct dirent *e; status == LK_OK && (e = readdir(d)) != NULL;) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        char *path = lk_path_join(dir, e->d_name, err);
        struct stat st;
        if (path == NULL)
            status = LK_ENOMEM;
        else if (lstat(path, &st) != 0)
            status = lk_fail_sys(err, LK_EIO, "%s: cannot be examined", path);
        else if (S_ISDIR(st.st_mode))
            status = count_files(path, n, err);
        else
            ++*n;
        free(path);
    }
    closedir(d);
    return status;
}

lk_status lk_keep_tree_check(const char *to, lk_error *err)
{
    if (!lk_path_exists(to))
        return LK_OK;
    uint64_t n = 0;
    LK_NEED(lk_path_is_dir(to), err, LK_EINVAL, "%s: is a file, expected the name of a new folder", to);
    LK_TRY(count_files(to, &n, err));
    LK_NEED(n == 0, err, LK_EINVAL, "%s: is there already and holds files; give another folder", to);
    return LK_OK;
}

static lk_status make_folder_of(const char *path, lk_error *err)
{
    const char *slash = strrchr(path, '/');
    struct lk_str dir = LK_STR_INIT;
    lk_status status = slash != NULL ? lk_str_add(&dir, path, (size_t)(slash - path), err) : LK_OK;
    if (status == LK_OK && dir.len > 0)
        status = lk_mkdirs(dir.text, err);
    lk_str_free(&dir);
    return status;
}

/* ---- one picture -------------------------------------------------------------------------------------- */

static lk_status link_picture(const char *from, const char *to, lk_error *err)
{
    if (linkat(AT_FDCWD, from, AT_FDCWD, to, AT_SYMLINK_FOLLOW) == 0)
        return LK_OK;
    struct stat a, b;
    if (errno == EEXIST && stat(from, &a) == 0 && lstat(to, &b) == 0 && a.st_dev == b.st_dev &&
        a.st_ino == b.st_ino)
        return LK_OK;
    LK_NEED(errno != EEXIST, err, LK_EINVAL, "%s: is there already and is not %s; remove it", to, from);
    LK_NEED(errno != EXDEV, err, LK_EINVAL,
            "%s: cannot be linked to %s, which is on another file system; copy the pictures instead", to,
            from);
    return lk_fail_sys(err, LK_EIO, "%s: cannot be linked to %s", to, from);
}

/* What an earlier run copied is compared, not trusted. */
static lk_status copy_picture(const char *from, const char *to, lk_error *err)
{
    uint8_t *bytes = NULL, *there = NULL;
    size_t len, n_there;
    LK_TRY(lk_file_read(from, LK_IMAGE_MAX_BYTES, &bytes, &len, err));
    lk_status status = LK_OK;
    if (lk_path_exists(to)) {
        status = lk_file_read(to, LK_IMAGE_MAX_BYTES, &there, &n_there, err);
        if (status == LK_OK && (n_there != len || memcmp(there, bytes, len) != 0))
            status =
                lk_fail(err, LK_EINVAL, "%s: is there already and is no copy of %s; remove it", to, from);
    } else {
        struct lk_out out;
        status = lk_out_open(&out, to, err);
        if (status == LK_OK) {
            if (fwrite(bytes, 1, len, out.stream) != len)
                status = lk_fail_sys(err, LK_EIO, "%s: cannot write", to);
            if (status == LK_OK)
                status = lk_out_commit_soon(&out, err);
            lk_out_abandon(&out);
        }
    }
    free(bytes);
    free(there);
    return status;
}

/* Below TO.part as it was below the input; of several inputs each has a folder of its name. */
static lk_status place_of(const struct tree *t, const struct lk_keep_input *in, size_t row,
                          struct lk_str *out, lk_error *err)
{
    struct lk_str name = LK_STR_INIT;
    bool picture = strcmp(in->format, lk_source_picture.name) == 0;
    char *folder = picture ? lk_strdup(t->part.text, err) : lk_keep_place(t->k, t->part.text, in, err);
    lk_status status = folder != NULL ? lk_source_name(t->k->source, row, &name, err) : LK_ENOMEM;
    out->len = 0;
    if (status == LK_OK)
        status = lk_str_addf(out, err, "%s/%s", folder, name.text);
    lk_str_free(&name);
    free(folder);
    return status;
}

static lk_status put_picture(struct tree *t, const struct lk_keep_input *in, size_t row, struct lk_str *from,
                             struct lk_str *to, lk_error *err)
{
    LK_TRY(lk_source_path(t->k->source, row, from, err));
    LK_TRY(place_of(t, in, row, to, err));
    if (lk_keep_unreadable(t->k, row) && access(from->text, R_OK) != 0) {
        t->n_unreadable++;
        return LK_OK;
    }
    LK_TRY(make_folder_of(to->text, err));
    LK_TRY(t->link ? link_picture(from->text, to->text, err) : copy_picture(from->text, to->text, err));
    t->n++;
    return LK_OK;
}

/* ---- the whole ---------------------------------------------------------------------------------------- */

static lk_status put_all(struct tree *t, lk_error *err)
{
    struct lk_str from = LK_STR_INIT, to = LK_STR_INIT;
    struct lk_keep_input in;
    lk_status status = LK_OK;
    for (size_t i = 0; status == LK_OK && lk_keep_input(t->k, i, &in); i++)
        for (size_t row = in.first; status == LK_OK && row < in.first + in.n; row++) {
            if (!lk_keep_row(t->k, row))
                continue;
            status = lk_ctx_check(t->k->c->ctx, err);
            if (status == LK_OK)
                status = put_picture(t, &in, row, &from, &to, err);
            lk_ctx_progress(t->k->c->ctx, &(lk_progress){.stage = t->link ? "link" : "copy",
                                                         .unit = "pictures",
                                                         .done = t->n + t->n_unreadable,
                                                         .total = t->k->c->sum->n_images_kept});
        }
    lk_str_free(&from);
    lk_str_free(&to);
    return status;
}

/* On disk before it has its name. */
static lk_status finish(const struct tree *t, lk_error *err)
{
    uint64_t n = 0;
    LK_TRY(count_files(t->part.text, &n, err));
    LK_NEED(
        n == t->n, err, LK_EINVAL,
        "%s: holds %llu files, %llu are kept: others lie there, from another run perhaps; remove that folder",
        t->part.text, (unsigned long long)n, (unsigned long long)t->n);
    int fd = open(t->part.text, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || syncfs(fd) != 0) {
        lk_status status = lk_fail_sys(err, LK_EIO, "%s: cannot be written", t->part.text);
        if (fd >= 0)
            close(fd);
        return status;
    }
    close(fd);
    return rename(t->part.text, t->to) == 0 ? LK_OK
                                            : lk_fail_sys(err, LK_EIO, "%s: cannot be put in place", t->to);
}

lk_status lk_keep_tree(const struct lk_keep *k, const char *to, bool link, lk_error *err)
{
    struct tree t = {.k = k, .to = to, .link = link};
    size_t len = strlen(to);
    while (len > 1 && to[len - 1] == '/')
        len--;
    lk_status status = lk_str_add(&t.part, to, len, err);
    if (status == LK_OK)
        status = lk_str_addz(&t.part, ".part", err);
    if (status == LK_OK)
        status = lk_mkdirs(t.part.text, err);
    if (status == LK_OK)
        status = put_all(&t, err);
    if (status == LK_OK)
        status = finish(&t, err);
    if (status == LK_OK && t.n_unreadable > 0)
        lk_ctx_message(k->c->ctx, LK_LEVEL_WARNING, "%s: %llu pictures that cannot be read are not there", to,
                       (unsigned long long)t.n_unreadable);
    lk_str_free(&t.part);
    return status;
}
