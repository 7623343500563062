/* SPDX-License-Identifier: Apache-2.0 */
/* read_set.c - how long a set of pictures takes to open and in how much memory, and how fast its pictures are read
 * and decoded by one thread.
 *
 * usage: read_set SET [PICTURES]
 *
 * PICTURES (0 unless given) are read from the start, and over again when there are fewer. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "formats/image.h"
#include "formats/source.h"

static void die(const lk_error *err)
{
    fprintf(stderr, "read_set: %s\n", err->text);
    exit(1);
}

static long peak_mb(void)
{
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    return use.ru_maxrss / 1024;
}

static double cpu_seconds(void)
{
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    return (double)use.ru_utime.tv_sec + (double)use.ru_stime.tv_sec +
           1e-6 * (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec);
}

static void read_pictures(const struct lk_source *source, size_t n)
{
    double start = lk_clock_seconds(), cpu = cpu_seconds();
    lk_error err;
    for (size_t i = 0; i < n; i++) {
        uint8_t *bytes;
        size_t len;
        struct lk_image image = {0};
        if (lk_source_read(source, i % lk_source_count(source), &bytes, &len, &err) != LK_OK ||
            lk_image_decode(bytes, len, &image, &err) != LK_OK)
            die(&err);
        lk_image_free(&image);
        free(bytes);
    }
    printf("%zu pictures read and decoded: %.0f per second, %.0f per second of one core, peak %ld MB\n", n,
           (double)n / (lk_clock_seconds() - start), (double)n / (cpu_seconds() - cpu), peak_mb());
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: read_set SET [PICTURES]\n");
        return 2;
    }
    struct lk_source *source;
    lk_error err;
    const char *inputs[] = {argv[1]};
    double start = lk_clock_seconds(), cpu = cpu_seconds();
    if (lk_source_open(&source, inputs, 1, NULL, &err) != LK_OK)
        die(&err);
    printf("%zu pictures of %zu identities opened in %.2f s (%.2f s of one core), peak %ld MB\n",
           lk_source_count(source), lk_source_identities(source), lk_clock_seconds() - start, cpu_seconds() - cpu,
           peak_mb());
    for (size_t i = 0; lk_source_problem(source, i) != NULL; i++)
        printf("%s\n", lk_source_problem(source, i));
    if (argc > 2)
        read_pictures(source, strtoul(argv[2], NULL, 10));
    lk_source_close(source);
    return 0;
}
