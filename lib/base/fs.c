/* SPDX-License-Identifier: Apache-2.0 */
/* fs.c - files: read whole, map, write atomically, make folders, lock an output folder. */
#include "base/fs.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_TRIES = 100 }; /* to open a file that others put in place meanwhile */

char *lk_path_join(const char *dir, const char *name, lk_error *err)
{
    struct lk_str s = LK_STR_INIT;
    size_t len = strlen(dir);
    const char *slash = len > 0 && dir[len - 1] != '/' ? "/" : "";
    return lk_str_addf(&s, err, "%s%s%s", dir, slash, name) == LK_OK ? s.text : NULL;
}

bool lk_path_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

bool lk_path_is_dir(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

lk_status lk_mkdirs(const char *path, lk_error *err)
{
    char *part = lk_strdup(path, err);
    if (part == NULL)
        return LK_ENOMEM;
    lk_status status = LK_OK;
    for (char *p = part + 1; status == LK_OK; p++) {
        if (*p != '/' && *p != '\0')
            continue;
        char end = *p;
        *p = '\0';
        if (mkdir(part, 0700) != 0 && errno != EEXIST)
            status = lk_fail_sys(err, LK_EIO, "%s: cannot make this folder", part);
        else if (!lk_path_is_dir(part))
            status = lk_fail(err, LK_EIO, "%s: cannot make this folder: a file has its name", part);
        *p = end;
        if (end == '\0')
            break;
    }
    free(part);
    return status;
}

/* ---- reading ------------------------------------------------------------------------------------------- */

static lk_status need_regular(const char *path, const struct stat *st, lk_error *err)
{
    const char *found = S_ISDIR(st->st_mode)                           ? "folder"
                        : S_ISFIFO(st->st_mode)                        ? "FIFO"
                        : S_ISSOCK(st->st_mode)                        ? "socket"
                        : S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode) ? "device"
                                                                       : "special file";
    LK_NEED(S_ISREG(st->st_mode), err, LK_EFORMAT, "%s: expected a regular file, found a %s", path, found);
    return LK_OK;
}

lk_status lk_regular(const char *path, lk_error *err)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return lk_fail_sys(err, LK_EIO, "%s: cannot open", path);
    return need_regular(path, &st, err);
}

/* Looked at before it is opened, since opening can do something to a device, and again behind that: another
 * one may be there meanwhile. A FIFO without a writer is then not waited for, either. */
lk_status lk_open_regular(int *out, const char *path, size_t *len, lk_error *err)
{
    LK_TRY(lk_regular(path, err));
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return lk_fail_sys(err, LK_EIO, "%s: cannot open", path);
    struct stat st;
    lk_status status = fstat(fd, &st) == 0 ? need_regular(path, &st, err)
                                           : lk_fail_sys(err, LK_EIO, "%s: cannot examine", path);
    if (status != LK_OK) {
        close(fd);
        return status;
    }
    *out = fd;
    *len = (size_t)st.st_size;
    return LK_OK;
}

lk_status lk_stream_open(FILE **out, const char *path, lk_error *err)
{
    int fd = -1;
    size_t len;
    LK_TRY(lk_open_regular(&fd, path, &len, err));
    FILE *stream = fdopen(fd, "rb");
    if (stream == NULL) {
        lk_fail_sys(err, LK_EIO, "%s: cannot open", path);
        close(fd);
        return LK_EIO;
    }
    *out = stream;
    return LK_OK;
}

lk_status lk_file_read(const char *path, size_t limit, uint8_t **bytes, size_t *len, lk_error *err)
{
    int fd = -1;
    size_t size = 0;
    LK_TRY(lk_open_regular(&fd, path, &size, err));
    uint8_t *data = NULL;
    lk_status status = LK_OK;
    if (size > limit)
        status = lk_fail(err, LK_EFORMAT, "%s: %zu bytes, expected at most %zu", path, size, limit);
    else if ((data = lk_calloc(size + 1, 1, err)) == NULL)
        status = LK_ENOMEM;
    size_t got = 0;
    while (status == LK_OK && got < size) {
        ssize_t n = read(fd, data + got, size - got);
        if (n == 0)
            break; /* the file shrank while being read: what is there counts */
        if (n > 0)
            got += (size_t)n;
        else if (errno != EINTR)
            status = lk_fail_sys(err, LK_EIO, "%s: cannot read at byte %zu", path, got);
    }
    close(fd);
    if (status != LK_OK) {
        free(data);
        return status;
    }
    *bytes = data;
    *len = got;
    return LK_OK;
}

lk_status lk_map_open(struct lk_map *map, const char *path, lk_error *err)
{
    int fd = -1;
    size_t size = 0;
    LK_TRY(lk_open_regular(&fd, path, &size, err));
    void *p = NULL;
    if (size > 0) {
        p = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
        if (p == MAP_FAILED) {
            lk_status status = lk_fail_sys(err, LK_EIO, "%s: cannot map", path);
            close(fd);
            return status;
        }
    }
    close(fd);
    *map = (struct lk_map){p, size};
    return LK_OK;
}

void lk_map_close(struct lk_map *map)
{
    if (map->bytes != NULL)
        munmap((void *)(uintptr_t)map->bytes, map->len);
    *map = (struct lk_map){NULL, 0};
}

void lk_map_release(const struct lk_map *map)
{
    if (map->bytes != NULL)
        madvise((void *)(uintptr_t)map->bytes, map->len, MADV_DONTNEED);
}

lk_status lk_pieces_open(struct lk_pieces *file, const char *path, lk_error *err)
{
    int fd = -1;
    size_t len = 0;
    *file = (struct lk_pieces){.fd = -1};
    LK_TRY(lk_open_regular(&fd, path, &len, err));
    *file = (struct lk_pieces){fd, len};
    return LK_OK;
}

lk_status lk_pieces_read(const struct lk_pieces *file, uint64_t offset, void *to, size_t n, lk_error *err)
{
    for (size_t got = 0; got < n;) {
        ssize_t more = pread(file->fd, (char *)to + got, n - got, (off_t)(offset + got));
        LK_NEED(more != 0, err, LK_EFORMAT, "the file ends at byte %zu of %zu that lie at %llu", got, n,
                (unsigned long long)offset);
        if (more > 0)
            got += (size_t)more;
        else if (errno != EINTR)
            return lk_fail_sys(err, LK_EIO, "cannot read %zu bytes at %llu", n, (unsigned long long)offset);
    }
    return LK_OK;
}

void lk_pieces_close(struct lk_pieces *file)
{
    if (file->fd >= 0)
        close(file->fd);
    file->fd = -1;
}

/* ---- writing ------------------------------------------------------------------------------------------- */

int lk_open_work(const char *path, int flags)
{
    return open(path, flags | O_CREAT | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600);
}

/* Opens NAME.tmp for us alone: two runs that wrote into one file would spoil it, and a file that is in place
 * must never change under those who map it. The lock goes with the file, so it is taken before the file is
 * emptied, and the name is looked up again behind it: its owner may have put the file in place meanwhile. */
static lk_status open_alone(int *out, const char *tmp, lk_error *err)
{
    for (int tries = 0;; tries++) {
        int fd = lk_open_work(tmp, O_WRONLY);
        if (fd < 0 && errno == ENOENT)
            return lk_fail(err, LK_EIO, "%s: cannot write: the folder for it does not exist", tmp);
        if (fd < 0)
            return lk_fail_sys(err, LK_EIO, "%s: cannot write", tmp);
        struct stat opened, named;
        lk_status status = LK_OK;
        if (flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
            status = lk_fail(err, LK_EBUSY, "%s: another run is writing this file", tmp);
        else if (fstat(fd, &opened) != 0)
            status = lk_fail_sys(err, LK_EIO, "%s: cannot examine", tmp);
        else if (tries < MOST_TRIES &&
                 (stat(tmp, &named) != 0 || named.st_ino != opened.st_ino || named.st_dev != opened.st_dev)) {
            close(fd);
            continue;
        } else if (S_ISREG(opened.st_mode) && ftruncate(fd, 0) != 0)
            status = lk_fail_sys(err, LK_EIO, "%s: cannot write", tmp);
        if (status == LK_OK)
            *out = fd;
        else
            close(fd);
        return status;
    }
}

lk_status lk_out_open(struct lk_out *out, const char *path, lk_error *err)
{
    struct lk_str tmp = LK_STR_INIT;
    *out = (struct lk_out){NULL, NULL, NULL};
    LK_NEED(!lk_path_is_dir(path), err, LK_EIO, "%s: found a folder, expected the name of a file to write",
            path);
    out->path = lk_strdup(path, err);
    if (out->path == NULL || lk_str_addf(&tmp, err, "%s.tmp", path) != LK_OK) {
        lk_out_abandon(out);
        return LK_ENOMEM;
    }
    int fd = -1;
    lk_status status = open_alone(&fd, tmp.text, err);
    if (status != LK_OK) { /* the file may be another run's: it stays */
        lk_str_free(&tmp);
        lk_out_abandon(out);
        return status;
    }
    out->tmp = tmp.text;
    if ((out->stream = fdopen(fd, "wb")) == NULL) {
        status = lk_fail_sys(err, LK_EIO, "%s: cannot write", out->tmp);
        lk_out_abandon(out);
        close(fd);
    }
    return status;
}

static lk_status commit(struct lk_out *out, bool durable, lk_error *err)
{
    lk_status status = LK_OK;
    if (fflush(out->stream) != 0 || ferror(out->stream) || (durable && fsync(fileno(out->stream)) != 0))
        status = lk_fail_sys(err, LK_EIO, "%s: cannot write", out->path);
    if (status == LK_OK && rename(out->tmp, out->path) != 0) /* before closing, which gives up the lock */
        status = lk_fail_sys(err, LK_EIO, "%s: cannot be put in place", out->path);
    if (status == LK_OK) {
        free(out->tmp); /* renamed: abandon must not touch the name again */
        out->tmp = NULL;
        lk_out_abandon(out);
    }
    return status;
}

lk_status lk_out_commit(struct lk_out *out, lk_error *err)
{
    return commit(out, true, err);
}

lk_status lk_out_commit_soon(struct lk_out *out, lk_error *err)
{
    return commit(out, false, err);
}

void lk_out_abandon(struct lk_out *out)
{
    if (out->tmp != NULL)
        unlink(out->tmp); /* before closing, as above */
    if (out->stream != NULL)
        fclose(out->stream);
    free(out->tmp);
    free(out->path);
    *out = (struct lk_out){NULL, NULL, NULL};
}

lk_status lk_file_write(const char *path, const void *bytes, size_t len, lk_error *err)
{
    struct lk_out out;
    LK_TRY(lk_out_open(&out, path, err));
    lk_status status = LK_OK;
    if (len > 0 && fwrite(bytes, 1, len, out.stream) != len)
        status = lk_fail_sys(err, LK_EIO, "%s: cannot write", path);
    else
        status = lk_out_commit(&out, err);
    lk_out_abandon(&out);
    return status;
}

lk_status lk_lock_take(int *fd, const char *dir, lk_error *err)
{
    char *path = lk_path_join(dir, ".lock", err);
    if (path == NULL)
        return LK_ENOMEM;
    lk_status status = LK_OK;
    int lock = lk_open_work(path, O_RDWR);
    if (lock < 0)
        status = lk_fail_sys(err, LK_EIO, "%s: cannot write", path);
    else if (flock(lock, LOCK_EX | LOCK_NB) != 0)
        status =
            errno == EWOULDBLOCK
                ? lk_fail(err, LK_EBUSY,
                          "%s: another run is writing into this folder; wait for it, or give another output",
                          dir)
                : lk_fail_sys(err, LK_EIO, "%s: cannot lock", path);
    free(path);
    if (status != LK_OK) {
        if (lock >= 0)
            close(lock);
        return status;
    }
    *fd = lock;
    return LK_OK;
}

void lk_lock_release(int fd)
{
    if (fd >= 0)
        close(fd);
}
