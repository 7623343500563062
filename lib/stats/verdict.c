/* SPDX-License-Identifier: Apache-2.0 */
/* verdict.c - from the measures to one of five verdicts, and the sentence that says it. */
#include "stats/verdict.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>

static const char *units(const struct lk_evidence *e)
{
    return e->units_are_images ? "synthetic images" : "synthetic identities";
}

static lk_verdict say_no_units(char *sentence, size_t room)
{
    snprintf(sentence, room, "Not interpretable: the synthetic set has no face that could be compared.");
    return LK_VERDICT_NOT_INTERPRETABLE;
}

static lk_verdict say_no_holdout(const struct lk_evidence *e, char *sentence, size_t room)
{
    snprintf(sentence, room,
             "Not interpretable: without a hold-out, high scores between %" PRIu64 " %s and the training "
             "set cannot be told from chance; the list of closest pairs gives leads only. Give a hold-out: "
             "real people that the generator never saw, from the same source as the training set (withhold some identities before training the next "
             "generator).",
             e->n_units, units(e));
    return LK_VERDICT_NOT_INTERPRETABLE;
}

static lk_verdict say_hub(const struct lk_evidence *e, char *sentence, size_t room)
{
    snprintf(sentence, room,
             "Not interpretable: one real reference is the best match of %" PRIu64 " of the %" PRIu64 " "
             "discoveries; leaks spread over many persons, so this looks like a picture that is close to "
             "everything (misaligned, or no face). Look at it, leave it out, and run again.",
             e->hub_discoveries, e->competition.discoveries);
    return LK_VERDICT_NOT_INTERPRETABLE;
}

static lk_verdict say_few_persons(const struct lk_evidence *e, char *sentence, size_t room)
{
    snprintf(sentence, room,
             "Not interpretable: %" PRIu64 " %s stand out at a false discovery rate of %g %%, but they share "
             "their nearest real persons, and with each person counted once none is left. A few persons that "
             "leaked many times cannot be told from a few pictures that are close to everything: look at them.",
             e->competition.discoveries, units(e), 100 * e->competition.q);
    return LK_VERDICT_NOT_INTERPRETABLE;
}

static lk_verdict say_unbalanced(const struct lk_evidence *e, char *sentence, size_t room)
{
    snprintf(sentence, room,
             "Not interpretable: training set and hold-out are not exchangeable: %s. What the hold-out shows is "
             "then not what chance gives. Take a hold-out of the same source, processed in the same way.",
             e->unbalanced);
    return LK_VERDICT_NOT_INTERPRETABLE;
}

static lk_verdict say_leak(const struct lk_evidence *e, char *sentence, size_t room)
{
    const struct lk_competition *c = &e->competition;
    const struct lk_pull *p = &e->pull;
    snprintf(sentence, room,
             "Leak shown: %" PRIu64 " of %" PRIu64 " %s are closer to a person of the training set than "
             "chance explains, at a false discovery rate of %g %%. The share whose nearest real person is "
             "in the training set because of training is estimated at %.1f %% (95 %% interval %.1f to %.1f "
             "%%).",
             c->discoveries, e->n_units, units(e), 100 * c->q, 100 * fmax(p->pi, 0), 100 * fmax(p->pi_low, 0),
             100 * fmax(p->pi_high, 0));
    return LK_VERDICT_LEAK_SHOWN;
}

static lk_verdict say_too_few(const struct lk_evidence *e, char *sentence, size_t room)
{
    const struct lk_competition *c = &e->competition;
    snprintf(sentence, room,
             "Not enough power: at a false discovery rate of %g %% with %" PRIu64 " hold-out%s at least %" PRIu64 " "
             "discoveries are needed before any can be made, and only %" PRIu64 " of %" PRIu64 " %s prefer "
             "the training set. This says nothing about whether the set leaks; use more %s, more hold-outs, or "
             "a larger rate.",
             100 * c->q, c->holdouts, c->holdouts == 1 ? "" : "s", c->resolution, c->wins, e->n_units, units(e), units(e));
    return LK_VERDICT_NOT_ENOUGH_POWER;
}

/* What is certain even without a measured power: if `resolution` units had won by more than every decoy's
 * margin, the estimate at their smallest margin would have been at most 1 / (K resolution) <= q. A leak that
 * takes a decoy's place only lowers the largest decoy margin, so this also holds for leaks that are not in
 * the data. */
static lk_verdict say_none(const struct lk_evidence *e, char *sentence, size_t room)
{
    const struct lk_competition *c = &e->competition;
    snprintf(sentence, room,
             "Not enough power to rule a leak out: none of %" PRIu64 " %s is a discovery at a false "
             "discovery rate of %g %%, but how weak a leak this run would have found has not been "
             "measured. Only this is certain: %" PRIu64 " or more (%.2g %%) that win by more than %.3f, "
             "the largest margin of the hold-out, would have been found.",
             e->n_units, units(e), 100 * c->q, c->resolution,
             100 * (double)c->resolution / (double)e->n_units, c->largest_decoy);
    return LK_VERDICT_NOT_ENOUGH_POWER;
}

static const char *alike(const struct lk_evidence_power *p, char text[160])
{
    if (p->genuine)
        snprintf(text, 160, "as alike as two images of one person of the training set (median cosine %.2f)", p->strength);
    else
        snprintf(text, 160, "at a cosine of %.2f", p->strength);
    return text;
}

static lk_verdict say_blind(const struct lk_evidence *e, char *sentence, size_t room)
{
    const struct lk_evidence_power *p = &e->power;
    char text[160], needed[120];
    if (p->planted > 0)
        snprintf(needed, sizeof needed, "only if %.2g %% of the %s had leaked", 100 * (double)p->planted / (double)p->n,
                 units(e));
    else
        snprintf(needed, sizeof needed, "not even if all %s had leaked", units(e));
    snprintf(sentence, room,
             "Not enough power: none of %" PRIu64 " %s is a discovery at a false discovery rate of %g %%, but leaks %s "
             "would have been found with a probability of %.0f %% %s. This says nothing about whether the set leaks; use "
             "more %s, more hold-outs, or a better recogniser.",
             e->n_units, units(e), 100 * e->competition.q, alike(p, text), 100 * p->power, needed, units(e));
    return LK_VERDICT_NOT_ENOUGH_POWER;
}

static lk_verdict say_nothing_found(const struct lk_evidence *e, char *sentence, size_t room)
{
    const struct lk_evidence_power *p = &e->power;
    char text[160];
    snprintf(sentence, room,
             "Nothing found: none of %" PRIu64 " %s is a discovery at a false discovery rate of %g %%, and at least %.2g %% "
             "leaked ones (%" PRIu64 ") %s would have been found with a probability of %.0f %%. Fewer or weaker leaks than "
             "that, and leaks that another recogniser would see, are not ruled out.",
             e->n_units, units(e), 100 * e->competition.q, 100 * (double)p->planted / (double)p->n, p->planted,
             alike(p, text), 100 * p->power);
    return LK_VERDICT_NOTHING_FOUND;
}

static lk_verdict say_found_none(const struct lk_evidence *e, char *sentence, size_t room)
{
    if (e->competition.not_enough_power)
        return say_too_few(e, sentence, room);
    if (!e->power.measured)
        return say_none(e, sentence, room);
    bool enough = e->power.planted > 0 && 2 * e->power.planted <= e->power.n;
    return enough ? say_nothing_found(e, sentence, room) : say_blind(e, sentence, room);
}

static lk_verdict judge_scores(const struct lk_evidence *e, char *sentence, size_t room)
{
    if (e->n_units == 0)
        return say_no_units(sentence, room);
    if (!e->has_holdout)
        return say_no_holdout(e, sentence, room);
    if (e->unbalanced != NULL)
        return say_unbalanced(e, sentence, room);
    if (e->competition.discoveries > 0) {
        if (2 * e->hub_discoveries > e->competition.discoveries)
            return say_hub(e, sentence, room);
        if (e->persons_once == 0)
            return say_few_persons(e, sentence, room);
        return say_leak(e, sentence, room);
    }
    return say_found_none(e, sentence, room);
}

static lk_verdict say_copies(const struct lk_evidence *e, char *sentence, size_t room)
{
    int len = snprintf(sentence, room,
                       "Copies shown: %" PRIu64 " of %" PRIu64 " %s hold a picture of the training set (%" PRIu64
                       " different ones, perhaps mirrored or changed a little); compare them by eye. By the scores "
                       "alone: ",
                       e->copies.identities, e->n_units, units(e), e->copies.references);
    if (len > 0 && (size_t)len < room)
        judge_scores(e, sentence + len, room - (size_t)len);
    return LK_VERDICT_COPIES_SHOWN;
}

lk_verdict lk_judge(const struct lk_evidence *e, char *sentence, size_t room)
{
    return e->copies.identities > 0 && e->n_units > 0 ? say_copies(e, sentence, room)
                                                      : judge_scores(e, sentence, room);
}
