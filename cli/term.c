/* SPDX-License-Identifier: Apache-2.0 */
/* term.c - progress and messages on the terminal: one line, rewritten, with rate and time left. */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"

/* The state of the one progress line. Callbacks come one at a time, so it needs no lock. */
static struct {
    char stage[32];
    double start;  /* of this stage */
    double shown;  /* when the line was last drawn */
    bool on_line;  /* the cursor stands behind a progress line */
} line;

static double now_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void term_clear_line(void)
{
    if (line.on_line) {
        fputs(isatty(STDERR_FILENO) ? "\r\033[K" : "\n", stderr);
        line.on_line = false;
    }
}

void term_message(void *user, lk_level level, const char *text)
{
    const struct cli *cli = user;
    if (cli->quiet && level == LK_LEVEL_NOTE)
        return;
    term_clear_line();
    fprintf(stderr, "%s%s\n", level == LK_LEVEL_WARNING ? "warning: " : "", text);
}

/* 1234567 -> "1.23 M". */
static void format_count(char *out, size_t room, double value)
{
    static const char units[] = " kMGTP";
    size_t u = 0;
    while (value >= 9999.5 && u + 2 < sizeof units) {
        value /= 1000;
        u++;
    }
    if (u == 0)
        snprintf(out, room, "%.*f", value < 100 && value != (double)(long)value ? 1 : 0, value);
    else
        snprintf(out, room, "%.*f %c", value < 100 ? 1 : 0, value, units[u]);
}

static void format_duration(char *out, size_t room, double seconds)
{
    long s = (long)(seconds + 0.5);
    if (s < 60)
        snprintf(out, room, "%ld s", s);
    else if (s < 3600)
        snprintf(out, room, "%ld min %02ld s", s / 60, s % 60);
    else
        snprintf(out, room, "%ld h %02ld min", s / 3600, s / 60 % 60);
}

/* Starts after a second, draws at most six times a second, ends each stage with a full line. */
void term_progress(void *user, const lk_progress *p)
{
    (void)user;
    double now = now_seconds();
    if (strcmp(line.stage, p->stage) != 0) {
        snprintf(line.stage, sizeof line.stage, "%s", p->stage);
        line.start = line.shown = now;
    }
    double elapsed = now - line.start;
    bool last = p->done >= p->total;
    if (!last && (elapsed < 1.0 || now - line.shown < 1.0 / 6))
        return;
    line.shown = now;
    char done[32], total[32], rate[32], left[32];
    format_count(done, sizeof done, (double)p->done);
    format_count(total, sizeof total, (double)p->total);
    double per_second = elapsed > 0 ? (double)(p->done - p->resumed) / elapsed : 0;
    format_count(rate, sizeof rate, per_second);
    format_duration(left, sizeof left,
                    last ? elapsed : (double)(p->total - p->done) / (per_second > 0 ? per_second : 1));
    term_clear_line();
    if (p->n_steps > 0)
        fprintf(stderr, "[%llu/%llu %s] ", (unsigned long long)p->step, (unsigned long long)p->n_steps, p->step_name);
    fprintf(stderr, "%s: %s of %s %s (%.0f %%), %s/s, %s %s", p->stage, done, total, p->unit,
            p->total > 0 ? 100.0 * (double)p->done / (double)p->total : 100.0, rate, left,
            last ? "in all" : "left");
    if (p->figure_name != NULL)
        fprintf(stderr, ", %s %.3f", p->figure_name, p->figure);
    line.on_line = true;
    if (last) {
        fputc('\n', stderr);
        line.on_line = false;
        line.stage[0] = '\0';
    }
    fflush(stderr);
}
