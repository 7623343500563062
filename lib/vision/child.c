/* SPDX-License-Identifier: Apache-2.0 */
/* child.c - helper programs in a process group of their own, so that all of it can be stopped. */
#include "vision/child.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* Keeps the last bytes of a stream; lines become one. */
static void keep_tail(char *tail, size_t room, const char *bytes, size_t len)
{
    if (len >= room) {
        bytes += len - (room - 1);
        len = room - 1;
    }
    size_t have = strlen(tail);
    if (have + len >= room) {
        size_t drop = have + len - (room - 1);
        memmove(tail, tail + drop, have - drop + 1);
        have -= drop;
    }
    for (size_t i = 0; i < len; i++)
        tail[have + i] = bytes[i] == '\n' || bytes[i] == '\0' ? ' ' : bytes[i];
    tail[have + len] = '\0';
}

static int start(const char *const *argv, int out, pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int e = posix_spawn_file_actions_init(&actions);
    if (e != 0)
        return e;
    e = posix_spawnattr_init(&attributes);
    if (e == 0) {
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
        posix_spawn_file_actions_adddup2(&actions, out, STDERR_FILENO);
        posix_spawnattr_setpgroup(&attributes, 0);
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
        e = posix_spawnp(pid, argv[0], &actions, &attributes, (char *const *)(uintptr_t)argv, environ);
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&actions);
    return e;
}

/* Reads until the child closes its end; ends the child once when the run is cancelled. */
static void drain(const lk_ctx *ctx, int in, pid_t pid, char *output, size_t room)
{
    struct pollfd wait = {.fd = in, .events = POLLIN};
    int told = 0;
    for (;;) {
        if (lk_ctx_cancelled(ctx) && !told) {
            kill(-pid, SIGTERM);
            told = 1;
        }
        int ready = poll(&wait, 1, 100);
        if (ready == 0 || (ready < 0 && errno == EINTR))
            continue;
        char bytes[4096];
        ssize_t n = ready > 0 ? read(in, bytes, sizeof bytes) : -1;
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return;
        keep_tail(output, room, bytes, (size_t)n);
    }
}

lk_status lk_child_run(lk_ctx *ctx, const char *const *argv, char output[600], int *code, lk_error *err)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return lk_fail_sys(err, LK_EIO, "cannot make a pipe");
    output[0] = '\0';
    pid_t pid = -1;
    int e = start(argv, ends[1], &pid);
    close(ends[1]);
    int state = 127 << 8;
    if (e == 0) {
        drain(ctx, ends[0], pid, output, 600);
        while (waitpid(pid, &state, 0) < 0 && errno == EINTR)
            ;
    } else {
        strncat(output, strerror(e), 599);
    }
    close(ends[0]);
    LK_TRY(lk_ctx_check(ctx, err));
    *code = WIFEXITED(state) ? WEXITSTATUS(state) : 128 + WTERMSIG(state);
    for (size_t len = strlen(output); len > 0 && output[len - 1] == ' '; len--)
        output[len - 1] = '\0';
    return LK_OK;
}
