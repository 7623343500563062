/* SPDX-License-Identifier: Apache-2.0 */
/* read_throughput.c - how fast pictures of a set are listed, read and decoded, without any network.
 *
 * usage: read_throughput THREADS ROUNDS INPUT...
 *
 * Prints the time to list the set, the memory that the list takes, and for each round pictures per second,
 * and per second of processor time: on a machine with other work that is the fairer figure. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/pool.h"
#include "formats/image.h"
#include "formats/source.h"

static void die(const lk_error *err)
{
    fprintf(stderr, "read_throughput: %s\n", err->text);
    exit(1);
}

static double cpu_seconds(void)
{
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    return (double)use.ru_utime.tv_sec + (double)use.ru_stime.tv_sec +
           1e-6 * (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec);
}

/* Peak resident memory in MB. */
static double peak_mb(void)
{
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    return (double)use.ru_maxrss / 1024;
}

static lk_status read_and_decode(void *arg, size_t index, int worker, lk_error *err)
{
    (void)worker;
    uint8_t *bytes;
    size_t len;
    struct lk_image image;
    LK_TRY(lk_source_read(arg, index, &bytes, &len, err));
    lk_status status = lk_image_decode(bytes, len, &image, err);
    free(bytes);
    if (status == LK_OK)
        lk_image_free(&image);
    return status;
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        fprintf(stderr, "usage: read_throughput THREADS ROUNDS INPUT...\n");
        return 2;
    }
    lk_ctx_options options;
    lk_ctx_options_init(&options);
    options.threads = atoi(argv[1]);
    lk_ctx *ctx;
    lk_error err;
    if (lk_ctx_new(&ctx, &options, &err) != LK_OK)
        die(&err);
    struct lk_source *source;
    double memory = peak_mb(), start = lk_clock_seconds(), cpu = cpu_seconds();
    if (lk_source_open(&source, (const char *const *)argv + 3, (size_t)argc - 3, NULL, &err) != LK_OK)
        die(&err);
    size_t n = lk_source_count(source);
    printf("%zu pictures listed in %.2f s, %.2f s of processor time, %.0f MB more at the peak\n", n,
           lk_clock_seconds() - start, cpu_seconds() - cpu, peak_mb() - memory);
    for (int round = 1; round <= atoi(argv[2]); round++) {
        start = lk_clock_seconds();
        cpu = cpu_seconds();
        if (lk_pool_for(ctx, n, read_and_decode, source, &err) != LK_OK)
            die(&err);
        printf("round %d, %s threads: %.0f pictures/s, %.0f per second of processor time\n", round, argv[1],
               (double)n / (lk_clock_seconds() - start), (double)n / (cpu_seconds() - cpu));
    }
    lk_source_close(source);
    lk_ctx_free(ctx);
    return 0;
}
