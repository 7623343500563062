/* SPDX-License-Identifier: Apache-2.0 */
/* npy_io.c - for npy.py: `npy_io read FILE...` writes each matrix as rows, dim and float32 data, or the
 * message; `npy_io write ROWS DIM FILE` writes a matrix of 0, 1, 2, ... */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/npy.h"

static void read_one(const char *path)
{
    struct lk_matrix m;
    lk_error err;
    if (lk_matrix_open(&m, NULL, path, &err) != LK_OK) {
        printf("refused %s\n", err.text);
        return;
    }
    printf("%" PRIu64 " %" PRIu64 "\n", m.rows, m.dim);
    fwrite(m.data, sizeof *m.data, m.rows * m.dim, stdout);
    lk_matrix_close(&m);
}

static int write_one(uint64_t rows, uint64_t dim, const char *path)
{
    lk_error err;
    FILE *f = fopen(path, "wb");
    if (f == NULL || lk_npy_write_header(f, rows, dim, &err) != LK_OK)
        return 1;
    for (uint64_t i = 0; i < rows * dim; i++)
        fwrite(&(float){(float)i}, sizeof(float), 1, f);
    return fclose(f) != 0;
}

int main(int argc, char **argv)
{
    if (argc == 5 && strcmp(argv[1], "write") == 0)
        return write_one(strtoull(argv[2], NULL, 10), strtoull(argv[3], NULL, 10), argv[4]);
    if (argc < 2 || strcmp(argv[1], "read") != 0)
        return 2;
    for (int i = 2; i < argc; i++)
        read_one(argv[i]);
    return 0;
}
