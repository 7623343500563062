/* SPDX-License-Identifier: Apache-2.0 */
/* fs.h - files: read whole, map, write atomically, make folders, lock an output folder. */
#ifndef LK_BASE_FS_H
#define LK_BASE_FS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/mem.h"

/* "dir/name" into a new string; a trailing '/' of dir is not doubled. */
char *lk_path_join(const char *dir, const char *name, lk_error *err);
bool lk_path_exists(const char *path);
bool lk_path_is_dir(const char *path);

/* Makes a folder and its missing parents, mode 0700. An existing folder is fine. */
lk_status lk_mkdirs(const char *path, lk_error *err);

/* Files are opened for reading by these alone: what is no regular file is refused (LK_EFORMAT) and said, and
 * opening waits for nobody, as it would with a FIFO that no one writes to. Links are followed. */
lk_status lk_open_regular(int *fd, const char *path, size_t *len, lk_error *err);
lk_status lk_stream_open(FILE **out, const char *path, lk_error *err);
/* Before a library opens a file by its name. */
lk_status lk_regular(const char *path, lk_error *err);
/* open(2) for a file of our own, made (0600) where there is none; waits for nobody either; -1 = see errno. */
int lk_open_work(const char *path, int flags);

/* Reads a regular file of at most `limit` bytes; *bytes is freed by the caller and has a NUL behind it. */
lk_status lk_file_read(const char *path, size_t limit, uint8_t **bytes, size_t *len, lk_error *err);

/* A file mapped read-only. An empty file gives bytes == NULL, len == 0. */
struct lk_map {
    const uint8_t *bytes;
    size_t len;
};
lk_status lk_map_open(struct lk_map *map, const char *path, lk_error *err);
void lk_map_close(struct lk_map *map);
/* Lets go of the pages that have been read, which count as this process's memory; they are read again from
 * the file when needed. For passes over large files. */
void lk_map_release(const struct lk_map *map);

/* A regular file that is read in pieces, from any thread. */
struct lk_pieces {
    int fd; /* -1 = not open */
    uint64_t len;
};
lk_status lk_pieces_open(struct lk_pieces *file, const char *path, lk_error *err);
/* Reads `n` bytes at `offset`; fewer is LK_EFORMAT, since the file has become shorter. Messages lack the path. */
lk_status lk_pieces_read(const struct lk_pieces *file, uint64_t offset, void *to, size_t n, lk_error *err);
void lk_pieces_close(struct lk_pieces *file);

/* A file being written beside its final place: NAME.tmp, mode 0600, made durable and renamed by commit.
 * LK_EBUSY when another run is writing it.
 * Write through `stream`; commit finds out about every earlier write error. After a failed commit, and on
 * the error path, call abandon (it removes NAME.tmp, and is harmless after commit). */
struct lk_out {
    FILE *stream;
    char *path, *tmp;
};
lk_status lk_out_open(struct lk_out *out, const char *path, lk_error *err);
lk_status lk_out_commit(struct lk_out *out, lk_error *err);
/* The same without waiting for the disk: for what is checked when it is read, and can be made again. */
lk_status lk_out_commit_soon(struct lk_out *out, lk_error *err);
void lk_out_abandon(struct lk_out *out);

/* Writes bytes as a whole file, atomically. */
lk_status lk_file_write(const char *path, const void *bytes, size_t len, lk_error *err);

/* Holds DIR/.lock against a second run until released. LK_EBUSY when another process has it. */
lk_status lk_lock_take(int *fd, const char *dir, lk_error *err);
void lk_lock_release(int fd); /* -1 is fine */

#endif
