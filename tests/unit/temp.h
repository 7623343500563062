/* SPDX-License-Identifier: Apache-2.0 */
/* temp.h - a temporary folder for a unit test, removed with everything in it at the end of the program. */
#ifndef LK_TESTS_TEMP_H
#define LK_TESTS_TEMP_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char temp_root[200];

static inline int temp_remove_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st, (void)flag, (void)ftw;
    return remove(path);
}

static inline void temp_remove(void)
{
    nftw(temp_root, temp_remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

/* Path of NAME in the temporary folder; a new string in a buffer that is used again after 64 calls. */
static inline const char *temp_path(const char *name)
{
    static char paths[64][8192];
    static unsigned next;
    if (temp_root[0] == '\0') {
        const char *base = getenv("TMPDIR");
        snprintf(temp_root, sizeof temp_root, "%.150s/likeness-test-XXXXXX", base != NULL ? base : "/tmp");
        if (mkdtemp(temp_root) == NULL) {
            perror(temp_root);
            exit(1);
        }
        atexit(temp_remove);
    }
    char *path = paths[next++ % 64];
    snprintf(path, sizeof paths[0], "%s%s%s", temp_root, *name != '\0' ? "/" : "", name);
    return path;
}

/* Writes a file into the temporary folder and gives its path. */
static inline const char *temp_file(const char *name, const void *bytes, size_t len)
{
    const char *path = temp_path(name);
    FILE *f = fopen(path, "wb");
    if (f == NULL || fwrite(bytes, 1, len, f) != len || fclose(f) != 0) {
        perror(path);
        exit(1);
    }
    return path;
}

static inline const char *temp_text(const char *name, const char *text)
{
    return temp_file(name, text, strlen(text));
}

static inline const char *temp_dir(const char *name)
{
    const char *path = temp_path(name);
    if (mkdir(path, 0700) != 0) {
        perror(path);
        exit(1);
    }
    return path;
}

#endif
