/* SPDX-License-Identifier: Apache-2.0 */
/* words.c - the verdict in two sentences for people who know no statistics. */
#include <math.h>
#include <string.h>

#include "report/html.h"
#include "report/report.h"

enum { ROOM = sizeof((struct lk_report *)0)->plain };

static const char *units(const struct lk_report *r)
{
    return r->by_identity ? "synthetic identities" : "synthetic images";
}

static void say_leak(struct lk_report *r)
{
    struct lk_number a, b, c, d, e, g;
    snprintf(r->plain, ROOM,
             "The generator reproduced people from its training set: %s of %s %s resemble one particular "
             "training person more than coincidence explains, and at most %s of such findings are expected to be "
             "false. Over the whole set, an estimated %s are that close to a training person because the "
             "generator learned from them (95 %% interval %s to %s).",
             lk_count(&a, r->competition.discoveries), lk_count(&b, r->n_units), units(r),
             lk_percent_asked(&c, r->competition.q), lk_percent(&d, fmax(r->share.value, 0)),
             lk_percent(&e, fmax(r->share.low, 0)), lk_percent(&g, fmax(r->share.high, 0)));
}

static void say_copies(struct lk_report *r)
{
    struct lk_number a, b, c, d;
    int len = snprintf(r->plain, ROOM,
                       "The synthetic set holds pictures of the training set: %s of %s %s contain one, perhaps "
                       "mirrored or slightly changed, which anybody can check by comparing the two pictures.",
                       lk_count(&a, r->n_with_copies), lk_count(&b, r->n_units), units(r));
    if (r->compared)
        snprintf(r->plain + len, ROOM - (size_t)len,
                 " By the likeness of faces alone, %s resemble one particular training person more than coincidence "
                 "explains, and at most %s of such findings are expected to be false.",
                 lk_count(&c, r->competition.discoveries), lk_percent_asked(&d, r->competition.q));
    else
        snprintf(r->plain + len, ROOM - (size_t)len,
                 " Whether it also shows training persons in new pictures cannot be told, since there are no real "
                 "people to compare with whom the generator never saw.");
}

static void say_nothing_found(struct lk_report *r)
{
    struct lk_number a, b, c, d;
    const struct lk_report_power *p = &r->power;
    snprintf(r->plain, ROOM,
             "None of the %s %s resembles a training person more than coincidence explains. Had at least %s of them "
             "(%s) been made from training persons and stayed recognisable, this check would have noticed with a "
             "probability of %s; fewer or fainter ones it can miss.",
             lk_count(&a, r->n_units), units(r), lk_percent(&b, (double)p->planted / (double)p->n),
             lk_count(&c, p->planted), lk_percent_asked(&d, p->power));
}

static void say_no_power(struct lk_report *r)
{
    struct lk_number a, b;
    const struct lk_report_power *p = &r->power;
    int len = snprintf(r->plain, ROOM,
                       "This check found nothing and could hardly have: it must not be read as \xe2\x80\x9cno leak\xe2\x80\x9d.");
    if (p->measured && p->planted > 0)
        snprintf(r->plain + len, ROOM - (size_t)len,
                 " It would have noticed a leak, with a probability of %s, only if at least %s of the %s had been made "
                 "from training persons.",
                 lk_percent_asked(&a, p->power), lk_percent(&b, (double)p->planted / (double)p->n), units(r));
    else if (p->measured)
        snprintf(r->plain + len, ROOM - (size_t)len,
                 " It would have missed a leak even if all %s %s had been made from training persons.",
                 lk_count(&a, r->n_units), units(r));
    else
        snprintf(r->plain + len, ROOM - (size_t)len,
                 " At least %s of the %s %s would have to stand out before any can be named.",
                 lk_count(&a, r->competition.resolution), lk_count(&b, r->n_units), units(r));
}

static void say_not_interpretable(struct lk_report *r)
{
    if (!r->compared)
        snprintf(r->plain, ROOM,
                 "Nothing can be concluded: without real people whom the generator never saw, a leak cannot be told "
                 "from a chance resemblance. Similar faces are listed below, but in sets of this size some are certain "
                 "to be there even if nothing leaked.");
    else
        snprintf(r->plain, ROOM,
                 "Nothing can be concluded: the comparison with people whom the generator never saw is not a fair one "
                 "here. The measurement says why, and what to do before it is repeated.");
}

void lk_report_put_plainly(struct lk_report *r)
{
    switch (r->verdict) {
    case LK_VERDICT_LEAK_SHOWN: say_leak(r); break;
    case LK_VERDICT_COPIES_SHOWN: say_copies(r); break;
    case LK_VERDICT_NOTHING_FOUND: say_nothing_found(r); break;
    case LK_VERDICT_NOT_ENOUGH_POWER: say_no_power(r); break;
    case LK_VERDICT_NOT_INTERPRETABLE: say_not_interpretable(r); break;
    }
}
