/* SPDX-License-Identifier: Apache-2.0 */
/* devices.c - the ranks of a machine take its devices in turn. */
#include "devices.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VISIBLE "CUDA_VISIBLE_DEVICES"

static int count_folders(const char *path)
{
    DIR *folder = opendir(path);
    int n = 0;
    for (struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;)
        n += entry->d_name[0] != '.';
    if (folder != NULL)
        closedir(folder);
    return n;
}

static int count_words(const char *list)
{
    int n = 1;
    for (const char *at = list; (at = strchr(at, ',')) != NULL; at++)
        n++;
    return n;
}

/* Word number i, from 0, of a list with commas. */
static void use_word(const char *list, int i)
{
    for (; i > 0; i--)
        list = strchr(list, ',') + 1;
    char *word = strndup(list, strcspn(list, ","));
    if (word != NULL)
        setenv(VISIBLE, word, 1);
    free(word);
}

void devices_share(int rank, int ranks, const char *driver_folder)
{
    const char *visible = getenv(VISIBLE);
    int n = visible != NULL ? count_words(visible) : count_folders(driver_folder);
    if (ranks < 2 || n < 2)
        return;
    char number[16];
    snprintf(number, sizeof number, "%d", rank % n);
    if (visible != NULL)
        use_word(visible, rank % n);
    else
        setenv(VISIBLE, number, 1);
}
