/* SPDX-License-Identifier: Apache-2.0 */
/* scratch.c - a private temporary file that is written from start to end and then mapped. */
#include "base/scratch.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* /tmp is often memory, which is what this is to save. */
static const char *scratch_dir(void)
{
    const char *dir = getenv("TMPDIR");
    return dir != NULL && dir[0] != '\0' ? dir : "/var/tmp";
}

/* For file systems that cannot make a file without a name. */
static int open_named(const char *dir)
{
    char *path = lk_path_join(dir, "likeness-XXXXXX", NULL);
    if (path == NULL) {
        errno = ENOMEM;
        return -1;
    }
    int fd = mkostemp(path, O_CLOEXEC); /* mode 0600 */
    if (fd >= 0)
        unlink(path);
    free(path);
    return fd;
}

lk_status lk_scratch_open(struct lk_scratch *scratch, lk_error *err)
{
    const char *dir = scratch_dir();
    int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0)
        fd = open_named(dir);
    if (fd < 0)
        return lk_fail_sys(err, LK_EIO,
                           "%s: cannot make a temporary file there (set TMPDIR to another folder)", dir);
    scratch->fd = fd;
    return LK_OK;
}

lk_status lk_scratch_write(struct lk_scratch *scratch, const void *bytes, size_t len, lk_error *err)
{
    const char *at = bytes;
    while (len > 0) {
        ssize_t n = write(scratch->fd, at, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return lk_fail_sys(err, LK_EIO,
                               "%s: cannot write a temporary file there (set TMPDIR to a folder with room)",
                               scratch_dir());
        at += n;
        len -= (size_t)n;
    }
    return LK_OK;
}

lk_status lk_scratch_map(struct lk_scratch *scratch, struct lk_map *map, lk_error *err)
{
    struct stat st;
    void *p = NULL;
    if (fstat(scratch->fd, &st) != 0)
        return lk_fail_sys(err, LK_EIO, "%s: cannot examine a temporary file", scratch_dir());
    if (st.st_size > 0) {
        p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, scratch->fd, 0);
        if (p == MAP_FAILED)
            return lk_fail_sys(err, LK_EIO, "%s: cannot map a temporary file", scratch_dir());
    }
    *map = (struct lk_map){p, (size_t)st.st_size};
    lk_scratch_close(scratch);
    return LK_OK;
}

void lk_scratch_close(struct lk_scratch *scratch)
{
    if (scratch->fd >= 0)
        close(scratch->fd);
    scratch->fd = -1;
}
