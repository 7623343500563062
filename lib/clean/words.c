/* SPDX-License-Identifier: Apache-2.0 */
/* words.c - what a cleaning guarantees and what it leaves, in words: with the numbers, and with what they do
 * not say. */
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "clean/clean.h"

__attribute__((format(printf, 3, 4))) static void add(char *text, size_t size, const char *format, ...)
{
    size_t len = strlen(text);
    va_list args;
    va_start(args, format);
    vsnprintf(text + len, size - len, format, args);
    va_end(args);
}

/* Rounded up: what is said must not be more than what was looked at. */
static double said(double tau)
{
    return ceil(1e4 * tau) / 1e4;
}

/* What it means to reach tau: "has an E-value of at most 0.01". */
static void name_reach(const struct lk_clean *c, char out[160])
{
    if (c->options->criterion == LK_CLEAN_EVALUE)
        snprintf(out, 160, "has an image with an E-value of at most %.3g for anyone of the training set",
                 c->tau);
    else if (c->by_controls)
        snprintf(out, 160, "scores %.4f or more with anyone of the training set", said(c->tau));
    else
        snprintf(out, 160, "is closer to anyone of the training set than to every hold-out by %.4f or more",
                 said(c->tau));
}

static void say_scope(const struct lk_clean *c, char *text, size_t size)
{
    const struct lk_audit_set *t = c->job.input.train;
    add(text, size,
        " That holds for this matcher (%s), this alignment and these references (%" PRIu64
        " images of %" PRIu32 " %s), and for nothing more.",
        c->job.of.name, t->rows, t->n_persons, t->labelled ? "persons" : "units");
    for (size_t i = 0; i < c->options->measure.n_filters; i++)
        add(text, size, "%s %s%s", i == 0 ? " Only images took part, in all sets, that meet" : " and",
            c->options->measure.filters[i], i + 1 == c->options->measure.n_filters ? "." : "");
    if (c->sum->n_not_compared > 0)
        add(text, size,
            " %" PRIu64 " images that are kept have no embedding%s, so nothing is known about them.",
            c->sum->n_not_compared, c->options->measure.n_filters > 0 ? " or do not meet the filters" : "");
}

static void say_guarantee(struct lk_clean *c)
{
    lk_clean_summary *s = c->sum;
    char reach[160], *text = s->guarantee;
    size_t size = sizeof s->guarantee;
    text[0] = '\0';
    if (isnan(c->tau)) {
        add(text, size,
            "Nothing was found at a false discovery rate of %g %%, so there is no margin to guarantee, and "
            "no sign "
            "that nothing leaked.",
            100 * c->options->measure.fdr);
        return;
    }
    name_reach(c, reach);
    if (c->n_marked > 0) {
        add(text, size,
            "No guarantee: the budget of %" PRIu64 " identities is spent, and %" PRIu64
            " that are kept still meet the criterion (a copy, or one that %s).",
            s->budget, c->n_marked, reach);
        return;
    }
    add(text, size, "No synthetic identity that is kept %s", reach);
    if (isfinite(s->closest_left))
        add(text, size, "; the closest has %.4g", s->closest_left);
    add(text, size, ".");
    say_scope(c, text, size);
}

static void say_residual(struct lk_clean *c)
{
    lk_clean_summary *s = c->sum;
    char *text = s->residual;
    size_t size = sizeof s->residual;
    const lk_clean_residual *g = &s->genuine;
    text[0] = '\0';
    if (isnan(c->tau))
        add(text, size, "Nothing was removed by the criterion, so whatever leaked is left.");
    else if (g->n == 0)
        add(text, size,
            "Leaks could not be made to try the criterion on: fewer than 30 persons that take part have "
            "two images in the training set.");
    else
        add(text, size,
            "Of %" PRIu64 " leaks made of two images of one person, the criterion misses %" PRIu64
            " (%.1f %%, 95 %% interval %.1f to %.1f).",
            g->n, g->missed, 100 * g->fnmr[0], 100 * g->fnmr[1], 100 * g->fnmr[2]);
    if (g->n > 0 && !isnan(g->share[0]))
        add(text, size,
            " With %.2f %% of the identities drawn to the training set before, leaks of %.2f %% of them "
            "(%.2f to %.2f) "
            "are to be expected among what is kept: about %.0f.",
            100 * s->views[0].share_before[0], 100 * g->share[0], 100 * g->share[1], 100 * g->share[2],
            g->share[0] * (double)s->views[0].n_before);
    if (s->n_views > 1)
        add(text, size, " Of %" PRIu64 " discoveries of the other matchers, %" PRIu64 " are kept.",
            s->second.n, s->second.missed);
}

void lk_clean_say(struct lk_clean *c)
{
    const struct lk_audit_set *s = c->job.input.synthetic;
    double closest = NAN;
    for (uint32_t p = 0; p < s->n_persons; p++) {
        const struct lk_clean_lead *lead = &c->leads.of[p];
        bool by_e = c->options->criterion == LK_CLEAN_EVALUE;
        double value = by_e ? lead->e : c->by_controls ? (double)lead->t : lead->margin;
        if (!c->removed[p] && (isnan(closest) || (by_e ? value < closest : value > closest)))
            closest = value;
    }
    c->sum->tau = c->tau;
    c->sum->closest_left = closest;
    c->sum->n_left = c->n_marked;
    say_guarantee(c);
    say_residual(c);
}
