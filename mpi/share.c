/* SPDX-License-Identifier: Apache-2.0 */
/* share.c - each set is hashed and looked at by one rank, which tells the others; these make sure cheaply that they see
 * the same files. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/hash.h"
#include "ranks.h"
#include "search/match.h"

enum { PIECES = 64, PIECE = 4096 };

/* What two ranks can compare without reading a file as a whole. */
struct glance {
    uint64_t bytes;
    int64_t seconds, nanoseconds; /* of its last change */
    char sample[65];              /* SHA-256 of PIECES pieces, spread evenly, the first and the last among them */
};

static lk_status sample(struct glance *out, const char *path, lk_error *err)
{
    struct lk_pieces file;
    struct lk_hash *hash = NULL;
    uint8_t piece[PIECE];
    LK_TRY(lk_pieces_open(&file, path, err));
    out->bytes = file.len;
    size_t n = file.len < PIECE ? (size_t)file.len : PIECE;
    lk_status status = lk_hash_new(&hash, err);
    for (uint64_t i = 0; status == LK_OK && i < PIECES; i++) {
        uint64_t offset = (uint64_t)((double)(file.len - n) * (double)i / (PIECES - 1));
        status = lk_pieces_read(&file, offset < file.len - n ? offset : file.len - n, piece, n, err);
        if (status == LK_OK)
            status = lk_hash_add(hash, piece, n, err);
        else
            lk_error_prefix(err, "%s", path);
    }
    if (status == LK_OK)
        status = lk_hash_end(hash, out->sample, err);
    lk_hash_free(hash);
    lk_pieces_close(&file);
    return status;
}

static lk_status glance_at(struct glance *out, const char *path, lk_error *err)
{
    struct stat st;
    *out = (struct glance){.bytes = 0};
    if (path == NULL)
        return LK_OK;
    if (stat(path, &st) != 0)
        return lk_fail_sys(err, LK_EIO, "%s: cannot open", path);
    out->seconds = st.st_mtim.tv_sec;
    out->nanoseconds = st.st_mtim.tv_nsec;
    return sample(out, path, err);
}

/* A copy that was changed at another time is hashed here, too. */
static lk_status compare(const char *path, const struct glance *here, const struct glance *there, int owner,
                         const char *sha256, lk_error *err)
{
    const char *name = path != NULL ? path : "a file of labels";
    LK_NEED(here->bytes == there->bytes, err, LK_EFORMAT,
            "%s: has %" PRIu64 " bytes here and %" PRIu64 " where rank %d is; all ranks must see the same files", name,
            here->bytes, there->bytes, owner);
    LK_NEED(strcmp(here->sample, there->sample) == 0, err, LK_EFORMAT,
            "%s: holds other bytes here than where rank %d is; all ranks must see the same files", name, owner);
    if (path == NULL || (here->seconds == there->seconds && here->nanoseconds == there->nanoseconds))
        return LK_OK;
    char hex[65];
    LK_TRY(lk_hash_file(path, hex, err));
    LK_NEED(strcmp(hex, sha256) == 0, err, LK_EFORMAT,
            "%s: has SHA-256 %.12s... here and %.12s... where rank %d is; all ranks must see the same files", name, hex,
            sha256, owner);
    return LK_OK;
}

static void send(void *bytes, size_t len, int owner)
{
    enum { MOST = 1 << 30 };
    for (char *at = bytes; len > 0;) {
        int n = len < MOST ? (int)len : MOST;
        MPI_Bcast(at, n, MPI_BYTE, owner, MPI_COMM_WORLD);
        at += n;
        len -= (size_t)n;
    }
}

static lk_status send_checks(struct lk_row_checks *checks, bool mine, int owner, lk_error *err)
{
    uint32_t *excluded = checks->excluded;
    send(checks, sizeof *checks, owner);
    size_t n = (size_t)checks->n_excluded;
    checks->excluded = excluded; /* of this process */
    if (!mine && n > 0 && (checks->excluded = lk_calloc(n, sizeof *excluded, err)) == NULL)
        return LK_ENOMEM;
    send(checks->excluded, n * sizeof *excluded, owner);
    return LK_OK;
}

/* Every rank takes part in every sending, also one that has found a difference. */
static lk_status join_set(struct ranks *r, struct lk_match_set *set, int owner, lk_error *err)
{
    bool mine = r->rank == owner;
    char *hashes[LK_MATCH_SET_FILES] = {set->embeddings_sha256, set->images_sha256};
    lk_status status = LK_OK;
    for (int i = 0; i < LK_MATCH_SET_FILES; i++) {
        struct glance here = {.bytes = 0}, there;
        char *path = NULL;
        if (status == LK_OK)
            status = lk_match_set_file(set, i, &path, err);
        if (status == LK_OK)
            status = glance_at(&here, path, err);
        if (mine && status != LK_OK)
            ranks_fail(r, err);
        there = here;
        send(&there, sizeof there, owner);
        send(hashes[i], sizeof set->embeddings_sha256, owner);
        if (status == LK_OK && !mine)
            status = compare(path, &here, &there, owner, hashes[i], err);
        free(path);
    }
    if (status != LK_OK)
        ranks_fail(r, err);
    return send_checks(&set->faces.checks, mine, owner, err);
}

lk_status ranks_join_sets(void *user, struct lk_match *match, lk_status status, lk_error *err)
{
    struct ranks *r = user;
    if (status != LK_OK && status != LK_ECANCELED)
        ranks_fail(r, err);
    int stopped = status == LK_ECANCELED, any = 0;
    MPI_Allreduce(&stopped, &any, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
    if (any) {
        lk_ctx_cancel(match->ctx);
        return lk_ctx_check(match->ctx, err);
    }
    for (uint64_t i = 0; i < LK_MATCH_SETS; i++) {
        struct lk_match_set *set = lk_match_set_of(match, i);
        if (set != NULL)
            LK_TRY(join_set(r, set, (int)lk_match_set_owner(i, (uint64_t)r->size), err));
    }
    return LK_OK;
}
