/* SPDX-License-Identifier: Apache-2.0 */
/* replay.c - runs a fuzz target over every file of folders: its corpus is a test without a fuzzer. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static int compare_names(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int replay_file(const char *dir, const char *name)
{
    lk_error err;
    uint8_t *bytes = NULL, *exact;
    size_t len = 0;
    char *path = lk_path_join(dir, name, &err);
    if (path == NULL || lk_file_read(path, (size_t)1 << 24, &bytes, &len, &err) != LK_OK) {
        fprintf(stderr, "%s\n", err.text);
        free(path);
        return 1;
    }
    printf("%s\n", path);
    fflush(stdout); /* the last line names the file when the target crashes */
    exact = malloc(len > 0 ? len : 1); /* without the NUL that lk_file_read puts behind */
    if (exact == NULL)
        abort();
    LLVMFuzzerTestOneInput(memcpy(exact, bytes, len), len);
    free(exact);
    free(bytes);
    free(path);
    return 0;
}

int main(int argc, char **argv)
{
    int failed = 0, n_files = 0;
    for (int i = 1; i < argc; i++) {
        struct dirent **names;
        int n = scandir(argv[i], &names, NULL, compare_names);
        if (n < 0) {
            perror(argv[i]);
            return 1;
        }
        for (int k = 0; k < n; k++) {
            if (names[k]->d_name[0] != '.') {
                failed += replay_file(argv[i], names[k]->d_name);
                n_files++;
            }
            free(names[k]);
        }
        free(names);
    }
    if (n_files == 0)
        fprintf(stderr, "no files to replay\n");
    return failed > 0 || n_files == 0;
}
