/* SPDX-License-Identifier: Apache-2.0 */
/* vectors_hdf5.c - reads an HDF5 file through a process of its own, which may crash without harm. */
#include "formats/vectors_hdf5.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static const rlim_t most_memory = (rlim_t)4 << 30; /* of the reading process, beyond what this one has */

static void close_scratches(struct lk_hdf5_scratches *s)
{
    lk_scratch_close(&s->data);
    lk_scratch_close(&s->paths);
    lk_scratch_close(&s->identities);
}

/* Bytes of address space in use, or 0 when the system does not say. */
static rlim_t space_in_use(void)
{
    unsigned long pages = 0;
    FILE *f = fopen("/proc/self/statm", "re");
    if (f == NULL)
        return 0;
    if (fscanf(f, "%lu", &pages) != 1)
        pages = 0;
    fclose(f);
    return (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE);
}

/* In the child: it may neither outlive its parent, leave a core file with embeddings, nor eat all memory. */
static void confine(rlim_t in_use)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    signal(SIGINT, SIG_IGN); /* the parent decides, and ends this process */
    static const int ends[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTERM};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        signal(ends[i], SIG_DFL); /* the parent's handlers must not run in here */
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    if (in_use > 0)
        setrlimit(RLIMIT_AS, &(struct rlimit){in_use + most_memory, in_use + most_memory});
}

/* Waits for the end; ends the child when the run is cancelled. Gives its exit state. */
static int await(pid_t pid, const struct lk_hdf5_result *shared, lk_ctx *ctx)
{
    int state = 0;
    for (;;) {
        pid_t done = waitpid(pid, &state, WNOHANG);
        if (done == pid || (done < 0 && errno != EINTR))
            return state;
        if (lk_ctx_cancelled(ctx))
            kill(pid, SIGKILL);
        lk_matrix_progress(ctx, atomic_load(&shared->done), shared->total);
        usleep(2000);
    }
}

static lk_status read_apart(const char *path, const char *array, struct lk_hdf5_scratches *scratches,
                            struct lk_hdf5_result *shared, lk_ctx *ctx, lk_error *err)
{
    rlim_t in_use = space_in_use();
    pid_t pid = fork();
    if (pid < 0)
        return lk_fail_sys(err, LK_EIO, "cannot start a process for reading it");
    if (pid == 0) {
        confine(in_use);
        lk_hdf5_read_here(path, array, scratches, shared);
        _exit(0);
    }
    int state = await(pid, shared, ctx);
    LK_TRY(lk_ctx_check(ctx, err));
    LK_NEED(shared->finished, err, LK_EFORMAT,
            "the HDF5 library crashed on it (%s %d): the file is probably damaged",
            WIFSIGNALED(state) ? "signal" : "exit code",
            WIFSIGNALED(state) ? WTERMSIG(state) : WEXITSTATUS(state));
    if (shared->status != LK_OK) {
        shared->err.text[sizeof shared->err.text - 1] = '\0';
        return lk_fail(err, shared->status, "%s", shared->err.text);
    }
    return LK_OK;
}

/* ---- what was read -------------------------------------------------------------------------------- */

static lk_status take_texts(struct lk_scratch *scratch, uint64_t rows, struct lk_texts *out, lk_error *err)
{
    struct lk_map map = {NULL, 0};
    struct lk_texts texts = {NULL, rows};
    LK_TRY(lk_scratch_map(scratch, &map, err));
    lk_status status =
        (texts.items = lk_calloc((size_t)rows, sizeof *texts.items, err)) != NULL ? LK_OK : LK_ENOMEM;
    size_t at = 0;
    for (uint64_t i = 0; status == LK_OK && i < rows; i++) {
        const uint8_t *end = at < map.len ? memchr(map.bytes + at, 0, map.len - at) : NULL;
        if (end == NULL)
            status = lk_fail(err, LK_EINTERNAL, "the labels were not handed over in full");
        else if (end > map.bytes + at &&
                 (texts.items[i] = lk_strdup((const char *)map.bytes + at, err)) == NULL)
            status = LK_ENOMEM;
        at = end != NULL ? (size_t)(end - map.bytes) + 1 : at;
    }
    lk_map_close(&map);
    if (status == LK_OK)
        *out = texts;
    else
        lk_texts_free(&texts);
    return status;
}

lk_status lk_hdf5_take(struct lk_hdf5_scratches *scratches, const struct lk_hdf5_result *result,
                       const char *where, lk_ctx *ctx, struct lk_vectors *out, lk_error *err)
{
    struct lk_map map = {NULL, 0};
    const struct lk_layout *l = &result->layout;
    LK_TRY(lk_scratch_map(&scratches->data, &map, err));
    if (map.len != l->rows * l->dim * (uint64_t)l->item_bytes) {
        lk_map_close(&map);
        return lk_fail(err, LK_EINTERNAL, "the numbers were not handed over in full");
    }
    LK_TRY(lk_matrix_take(&out->matrix, &map, l, ctx, err));
    if (result->has_paths)
        LK_TRY(take_texts(&scratches->paths, l->rows, &out->paths, err));
    if (result->has_identities)
        LK_TRY(take_texts(&scratches->identities, l->rows, &out->identities, err));
    if (result->left_aside[0] != '\0')
        lk_ctx_message(
            ctx, LK_LEVEL_NOTE,
            "%s: dataset '%s' is left aside: expected texts or whole numbers, one for each row, and one "
            "such dataset",
            where, result->left_aside);
    out->array = lk_strdup(result->array, err);
    return out->array != NULL ? LK_OK : LK_ENOMEM;
}

lk_status lk_hdf5_read(const char *path, const char *array, lk_ctx *ctx, struct lk_vectors *out,
                       lk_error *err)
{
    struct lk_hdf5_scratches scratches = {LK_SCRATCH_INIT, LK_SCRATCH_INIT, LK_SCRATCH_INIT};
    struct lk_hdf5_result *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        return lk_fail_sys(err, LK_ENOMEM, "no memory for reading it");
    lk_status status = lk_scratch_open(&scratches.data, err);
    if (status == LK_OK)
        status = lk_scratch_open(&scratches.paths, err);
    if (status == LK_OK)
        status = lk_scratch_open(&scratches.identities, err);
    if (status == LK_OK)
        status = read_apart(path, array, &scratches, shared, ctx, err);
    if (status == LK_OK)
        status = lk_hdf5_take(&scratches, shared, path, ctx, out, err);
    close_scratches(&scratches);
    munmap(shared, sizeof *shared);
    return status;
}
