/* SPDX-License-Identifier: Apache-2.0 */
/* state.c - unfinished work on disk, so that a stopped or killed run goes on where it was.
 *
 * search.part is one atomic snapshot: magic, identity of inputs and settings, everything that the finished
 * probes gave, and the SHA-256 of all that, in the machine's own byte order (it never leaves the machine).
 * range.part holds the pairs of the range; the snapshot says how many of them belong to it and what they sum
 * to. */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/hash.h"
#include "search/pass.h"

static const char magic[16] = "likeness part 1";
enum { HEX = 64, SLOWDOWN = 20 }; /* saving may take a twentieth of the time */

/* ---- the spool of the range ------------------------------------------------------------------------- */

static uint64_t sum_pair(uint64_t sum, const struct lk_range_pair *pair)
{
    uint64_t words[2];
    memcpy(words, pair, sizeof words);
    for (int i = 0; i < 2; i++) {
        sum = (sum ^ words[i]) * 0x9e3779b97f4a7c15u;
        sum ^= sum >> 29;
    }
    return sum;
}

lk_status lk_spool_add(struct lk_spool *spool, const struct lk_range_pair *pairs, size_t n, lk_error *err)
{
    for (size_t i = 0; i < n; i++)
        spool->sum = sum_pair(spool->sum, &pairs[i]);
    if (n > 0 && fwrite(pairs, sizeof *pairs, n, spool->stream) != n)
        return lk_fail_sys(err, LK_EIO, "%s: cannot write", spool->path);
    spool->n += n;
    return LK_OK;
}

void lk_spool_close(struct lk_spool *spool)
{
    if (spool->stream != NULL)
        fclose(spool->stream);
    free(spool->path);
    *spool = (struct lk_spool){NULL, NULL, 0, 0};
}

static lk_status spool_open(struct lk_spool *spool, const char *work_dir, lk_error *err)
{
    spool->path = lk_path_join(work_dir, "range.part", err);
    if (spool->path == NULL)
        return LK_ENOMEM;
    int fd = lk_open_work(spool->path, O_RDWR);
    if (fd >= 0 && (spool->stream = fdopen(fd, "r+b")) == NULL)
        close(fd);
    return spool->stream != NULL ? LK_OK : lk_fail_sys(err, LK_EIO, "%s: cannot write", spool->path);
}

/* Whether the file begins with the n pairs that sum to `sum`. */
static bool spool_begins_with(const struct lk_spool *spool, uint64_t n, uint64_t sum)
{
    struct lk_range_pair pair;
    uint64_t found = 0;
    rewind(spool->stream);
    for (uint64_t i = 0; i < n; i++) {
        if (fread(&pair, sizeof pair, 1, spool->stream) != 1)
            return false;
        found = sum_pair(found, &pair);
    }
    return found == sum;
}

static lk_status spool_keep(struct lk_spool *spool, uint64_t n, uint64_t sum, lk_error *err)
{
    off_t end = (off_t)(n * sizeof(struct lk_range_pair));
    if (fflush(spool->stream) != 0 || ftruncate(fileno(spool->stream), end) != 0 ||
        fseeko(spool->stream, end, SEEK_SET) != 0)
        return lk_fail_sys(err, LK_EIO, "%s: cannot write", spool->path);
    spool->n = n;
    spool->sum = sum;
    return LK_OK;
}

/* ---- the snapshot ----------------------------------------------------------------------------------- */

struct part {
    void *bytes;
    size_t len;
};

/* Behind them lie the parts, then the best probes of all references. */
struct numbers {
    uint64_t probes_done, range_n, range_sum, exact_bin;
    uint64_t n_closest[LK_N_GALLERIES];
};

enum { MAX_PARTS = 5 * LK_N_GALLERIES };

static int list_parts(struct lk_pass *pass, uint64_t probes_done, struct part parts[MAX_PARTS])
{
    int n = 0;
    for (int g = 0; g < LK_N_GALLERIES; g++) {
        struct lk_search_gallery *out = &pass->out->galleries[g];
        size_t done = (size_t)probes_done * sizeof *out->nearest;
        parts[n++] = (struct part){out->sample, sizeof out->sample};
        parts[n++] = (struct part){out->exact, sizeof out->exact};
        parts[n++] = (struct part){pass->galleries[g].closest.pairs,
                                   pass->galleries[g].closest.n * sizeof(struct lk_pair)};
        parts[n++] = (struct part){out->nearest, done * out->n_nearest};
        parts[n++] =
            (struct part){out->identities, out->identities == out->nearest ? 0 : done * out->n_identities};
    }
    return n;
}

static lk_status put(FILE *stream, struct lk_hash *hash, const void *bytes, size_t len, lk_error *err)
{
    if (len > 0 && fwrite(bytes, 1, len, stream) != len)
        return LK_OK; /* lk_out_commit finds the stream's error and names the file */
    return len > 0 ? lk_hash_add(hash, bytes, len, err) : LK_OK;
}

/* Other threads go on raising these: what is written is at least as good as the finished probes made it, by
 * true pairs. */
static lk_status put_best(FILE *stream, struct lk_hash *hash, const struct lk_pass_gallery *gallery,
                          lk_error *err)
{
    uint64_t some[1024];
    for (uint64_t i = 0; i < gallery->set->rows;) {
        size_t n = 0;
        for (; n < 1024 && i < gallery->set->rows; i++)
            some[n++] = atomic_load_explicit(&gallery->best[i], memory_order_relaxed);
        LK_TRY(put(stream, hash, some, n * sizeof *some, err));
    }
    return LK_OK;
}

static lk_status put_all(struct lk_pass *pass, FILE *stream, struct lk_hash *hash, lk_error *err)
{
    struct numbers numbers = {.probes_done = pass->probes_done,
                              .range_n = pass->spool.n,
                              .range_sum = pass->spool.sum,
                              .exact_bin = (uint64_t)pass->out->exact_bin};
    for (int g = 0; g < LK_N_GALLERIES; g++) {
        lk_closest_settle(&pass->galleries[g].closest);
        numbers.n_closest[g] = pass->galleries[g].closest.n;
    }
    struct part parts[MAX_PARTS];
    int n = list_parts(pass, pass->probes_done, parts);
    LK_TRY(put(stream, hash, magic, sizeof magic, err));
    LK_TRY(put(stream, hash, pass->identity, HEX, err));
    LK_TRY(put(stream, hash, &numbers, sizeof numbers, err));
    for (int i = 0; i < n; i++)
        LK_TRY(put(stream, hash, parts[i].bytes, parts[i].len, err));
    for (int g = 0; g < LK_N_GALLERIES; g++)
        LK_TRY(put_best(stream, hash, &pass->galleries[g], err));
    char hex[HEX + 1];
    LK_TRY(lk_hash_end(hash, hex, err));
    fwrite(hex, 1, HEX, stream);
    return LK_OK;
}

lk_status lk_pass_save(struct lk_pass *pass, lk_error *err)
{
    double start = lk_clock_seconds();
    if (pass->has_range && (fflush(pass->spool.stream) != 0 || fsync(fileno(pass->spool.stream)) != 0))
        return lk_fail_sys(err, LK_EIO, "%s: cannot write", pass->spool.path);
    char *path = lk_path_join(pass->options->work_dir, "search.part", err);
    if (path == NULL)
        return LK_ENOMEM;
    struct lk_out out = {NULL, NULL, NULL};
    struct lk_hash *hash = NULL;
    lk_status status = lk_hash_new(&hash, err);
    if (status == LK_OK)
        status = lk_out_open(&out, path, err);
    if (status == LK_OK)
        status = put_all(pass, out.stream, hash, err);
    if (status == LK_OK)
        status = lk_out_commit(&out, err);
    lk_out_abandon(&out);
    lk_hash_free(hash);
    free(path);
    double now = lk_clock_seconds();
    pass->next_save = now + fmax(pass->save_seconds, SLOWDOWN * (now - start));
    return status;
}

/* ---- taking up -------------------------------------------------------------------------------------- */

/* The closest pairs' arrays are given their size, then all parts are copied in. */
static lk_status take_parts(struct lk_pass *pass, const struct numbers *numbers, const uint8_t *bytes,
                            size_t len, bool *fits, lk_error *err)
{
    for (int g = 0; g < LK_N_GALLERIES; g++) {
        struct lk_closest *closest = &pass->galleries[g].closest;
        *fits = numbers->n_closest[g] <= closest->k && numbers->n_closest[g] <= len / sizeof(struct lk_pair);
        if (!*fits)
            return LK_OK;
        LK_TRY(lk_grow(&closest->pairs, &closest->capacity, (size_t)numbers->n_closest[g],
                       sizeof *closest->pairs, err));
        closest->n = (size_t)numbers->n_closest[g];
    }
    struct part parts[MAX_PARTS];
    int n = list_parts(pass, numbers->probes_done, parts);
    size_t total = 0;
    for (int i = 0; i < n; i++)
        total += parts[i].len;
    for (int g = 0; g < LK_N_GALLERIES; g++)
        total += pass->galleries[g].set->rows * sizeof(uint64_t);
    *fits = total == len;
    for (int i = 0; *fits && i < n; bytes += parts[i].len, i++)
        if (parts[i].len > 0)
            memcpy(parts[i].bytes, bytes, parts[i].len);
    for (int g = 0; g < LK_N_GALLERIES; g++) {
        struct lk_pass_gallery *gallery = &pass->galleries[g];
        for (uint64_t i = 0; *fits && i < gallery->set->rows; i++, bytes += sizeof(uint64_t)) {
            uint64_t best;
            memcpy(&best, bytes, sizeof best);
            atomic_store_explicit(&gallery->best[i], best, memory_order_relaxed);
        }
        if (!*fits)
            gallery->closest.n = 0;
        lk_closest_settle(&gallery->closest);
        atomic_store(&gallery->threshold, lk_closest_threshold(&gallery->closest));
    }
    return LK_OK;
}

/* *why: NULL when the snapshot was taken up, else why not. */
static lk_status take_snapshot(struct lk_pass *pass, const struct lk_map *map, const char **why,
                               lk_error *err)
{
    struct numbers numbers;
    size_t head = sizeof magic + HEX + sizeof numbers;
    *why = "is damaged";
    if (map->len < head + HEX || memcmp(map->bytes, magic, sizeof magic) != 0)
        return LK_OK;
    char hex[HEX + 1];
    LK_TRY(lk_hash_bytes(map->bytes, map->len - HEX, hex, err));
    if (memcmp(hex, map->bytes + map->len - HEX, HEX) != 0)
        return LK_OK;
    if (memcmp(map->bytes + sizeof magic, pass->identity, HEX) != 0) {
        *why = "belongs to other inputs or settings";
        return LK_OK;
    }
    memcpy(&numbers, map->bytes + sizeof magic + HEX, sizeof numbers);
    if (numbers.probes_done > pass->options->probes.rows || numbers.exact_bin > LK_SEARCH_BINS)
        return LK_OK;
    if (pass->has_range && !spool_begins_with(&pass->spool, numbers.range_n, numbers.range_sum)) {
        *why = "does not fit the range.part beside it";
        return LK_OK;
    }
    bool fits;
    LK_TRY(take_parts(pass, &numbers, map->bytes + head, map->len - head - HEX, &fits, err));
    if (!fits)
        return LK_OK;
    if (pass->has_range)
        LK_TRY(spool_keep(&pass->spool, numbers.range_n, numbers.range_sum, err));
    pass->first = pass->probes_done = numbers.probes_done;
    pass->out->exact_bin = (int)numbers.exact_bin;
    *why = NULL;
    return LK_OK;
}

lk_status lk_pass_load(struct lk_pass *pass, bool *loaded, lk_error *err)
{
    *loaded = false;
    const char *work_dir = pass->options->work_dir;
    if (work_dir == NULL)
        return LK_OK;
    if (pass->has_range)
        LK_TRY(spool_open(&pass->spool, work_dir, err));
    char *path = lk_path_join(work_dir, "search.part", err);
    if (path == NULL)
        return LK_ENOMEM;
    lk_status status = LK_OK;
    if (lk_path_exists(path)) {
        struct lk_map map;
        const char *why = NULL;
        status = lk_map_open(&map, path, err);
        if (status == LK_OK) {
            status = take_snapshot(pass, &map, &why, err);
            lk_map_close(&map);
        }
        if (status == LK_OK && why != NULL && pass->options->only_finished)
            status = lk_fail(err, LK_EFORMAT, "%s: %s", path, why);
        else if (status == LK_OK && why != NULL)
            lk_ctx_message(pass->ctx, LK_LEVEL_WARNING, "%s: %s; the search starts from the beginning", path,
                           why);
        *loaded = status == LK_OK && why == NULL;
    }
    free(path);
    if (status == LK_OK && pass->has_range && !*loaded)
        status = spool_keep(&pass->spool, 0, 0, err);
    return status;
}

void lk_search_forget(const char *work_dir)
{
    static const char *const names[] = {"search.part", "range.part",
                                        "search.part.tmp"}; /* the last after a kill */
    for (int i = 0; i < 3; i++) {
        char *path = lk_path_join(work_dir, names[i], NULL);
        if (path != NULL)
            unlink(path);
        free(path);
    }
}
