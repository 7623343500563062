/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_codes_cache.c - any bytes as kept codes: as they are, and under a right hash in a whole search. */
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cpu.h"
#include "base/hash.h"
#include "search/cache.h"

enum { MOST_ROWS = 300, MOST_DIM = 64, PROBES = 9 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void check_parts(const struct lk_cache *c, size_t len)
{
    size_t end = sizeof c->head;
    for (int i = 0; i < LK_CACHE_PARTS; i++) {
        if (c->parts[i].at % LK_CACHE_ALIGNMENT != 0 || c->parts[i].at < end ||
            c->parts[i].len > len - c->parts[i].at)
            abort();
        end = c->parts[i].at + c->parts[i].len;
    }
    if (end + LK_CACHE_HASH > len)
        abort();
}

/* Unit rows that have nothing to do with the codes. */
static float *rows_of(uint64_t rows, uint64_t dim)
{
    float *data = calloc(rows * dim, sizeof *data);
    if (data == NULL)
        abort();
    for (uint64_t i = 0; i < rows; i++) {
        data[i * dim + i % dim] = i % 3 == 0 ? -0.6f : 0.6f;
        data[i * dim + (i + 1) % dim] = dim > 1 ? 0.8f : 1;
    }
    return data;
}

static void search_with(const struct lk_cache_head *head, const char *path)
{
    char rows_sha256[65] = "";
    memcpy(rows_sha256, head->rows_sha256, 64);
    float *probes = rows_of(PROBES, head->dim), *references = rows_of(head->rows, head->dim);
    struct lk_search_options options = {.dim = head->dim,
                                        .probes = {.data = probes, .rows = PROBES},
                                        .galleries = {{.data = references, .rows = head->rows}},
                                        .k = 10,
                                        .r = 2,
                                        .min_score = NAN,
                                        .cpu = head->level,
                                        .exact_pairs = 1,
                                        .caches = {{path, rows_sha256}}};
    struct lk_search_result result;
    lk_ctx_options ctx_options;
    lk_ctx_options_init(&ctx_options);
    ctx_options.threads = 1;
    lk_ctx *ctx;
    lk_error err;
    if (lk_ctx_new(&ctx, &ctx_options, &err) != LK_OK)
        abort();
    if (lk_search_run(ctx, &options, &result, &err) == LK_OK)
        lk_search_free(&result);
    lk_ctx_free(ctx);
    free(probes);
    free(references);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct lk_cache c;
    lk_error err;
    char hex[65];
    if (lk_cache_parse(bytes, len, &c, &err) != LK_OK)
        return 0;
    check_parts(&c, len);
    (void)lk_cache_check(bytes, &c, &err);
    if (c.head.rows > MOST_ROWS || c.head.dim > MOST_DIM || lk_scan_choose(c.head.level) == NULL ||
        (lk_scan_choose(c.head.level)->features & ~lk_cpu_features()) != 0)
        return 0;
    uint8_t *forged = malloc(len);
    if (forged == NULL)
        abort();
    memcpy(forged, bytes, len);
    memset(forged + offsetof(struct lk_cache_head, version), 0, sizeof c.head.version);
    strcpy((char *)forged + offsetof(struct lk_cache_head, version), lk_version());
    if (lk_hash_bytes(forged, len - LK_CACHE_HASH, hex, &err) != LK_OK)
        abort();
    memcpy(forged + len - LK_CACHE_HASH, hex, LK_CACHE_HASH);
    int fd = memfd_create("codes", MFD_CLOEXEC);
    if (fd < 0 || write(fd, forged, len) != (ssize_t)len)
        abort();
    free(forged);
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    search_with(&c.head, path);
    close(fd);
    return 0;
}
