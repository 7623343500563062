/* SPDX-License-Identifier: Apache-2.0 */
/* json.c - review.json: the numbers of a review for programs, and every case. */
#include <math.h>

#include "formats/json.h"
#include "review/stats.h"

static void set(json_t *object, const char *key, json_t *value, bool *failed)
{
    if (json_object_set_new(object, key, value) != 0)
        *failed = true;
}

static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *count(uint64_t value)
{
    return json_integer((json_int_t)value);
}

static json_t *text(const char *value)
{
    return value != NULL ? lk_json_text(value) : json_null();
}

static json_t *estimate(lk_review_estimate e)
{
    return json_pack("{s:o, s:o, s:o}", "value", number(e.value), "low", number(e.low), "high",
                     number(e.high));
}

static json_t *describe_reviewer(const lk_review_reviewer_summary *s, const struct lk_review_person *p,
                                 bool *failed)
{
    json_t *o = json_object();
    set(o, "name", text(s->name), failed);
    set(o, "answers", count(s->answers), failed);
    set(o, "of", count(s->total), failed);
    set(o, "d_prime", number(s->d_prime), failed);
    set(o, "criterion", number(s->criterion), failed);
    set(o, "mated", count(s->mated), failed);
    set(o, "mated_same", count(s->hits), failed);
    set(o, "noise", count(s->decoys), failed);
    set(o, "noise_same", count(s->false_alarms), failed);
    set(o, "easy", count(p->easy), failed);
    set(o, "easy_same", count(p->easy_same), failed);
    set(o, "repeated", count(s->n_repeated), failed);
    set(o, "consistency", number(s->consistency), failed);
    set(o, "no_face", count(s->no_face), failed);
    set(o, "child", count(s->child), failed);
    set(o, "cannot_say", count(s->cannot_say), failed);
    set(o, "median_milliseconds", number(p->milliseconds), failed);
    return o;
}

static json_t *describe_rate(const struct lk_said *said, bool *failed)
{
    json_t *o = json_object();
    set(o, "share", number(said->share), failed);
    set(o, "pairs", count(said->n_items), failed);
    set(o, "effective_answers", number(said->n), failed);
    return o;
}

static json_t *describe_case(const struct lk_review_all_item *item, json_t *answers, bool *failed)
{
    json_t *o = json_object();
    set(o, "image", text(item->path[0]), failed);
    set(o, "reference", text(item->path[1]), failed);
    set(o, "identity", text(item->name[0]), failed);
    set(o, "person", text(item->name[1]), failed);
    set(o, "score", number(item->score), failed);
    set(o, "e_value", number(item->e_value), failed);
    set(o, "discovery", json_boolean(item->discovery), failed);
    set(o, "unanimous",
        text(item->unanimous > 0   ? "same"
             : item->unanimous < 0 ? "different"
                                   : NULL),
        failed);
    set(o, "adjudicated", text(lk_review_decision_name(item->decision)), failed);
    set(o, "adjudicator_note", text(item->decision_note), failed);
    set(o, "answers", answers, failed);
    return o;
}

/* Answers of one item, one for each reviewer; null where it is missing. Given answers are sorted by item. */
static json_t *answers_of(const struct lk_review_all *all, size_t item, size_t *at)
{
    json_t *list = json_array();
    for (size_t r = 0; r < all->n_reviewers; r++) {
        while (*at < all->n_given && all->given[*at].item < item)
            (*at)++;
        bool given = *at < all->n_given && all->given[*at].item == item && all->given[*at].reviewer == r;
        json_array_append_new(list,
                              given ? text(lk_review_answer_name(all->given[*at].answer)) : json_null());
        *at += given;
    }
    return list;
}

static json_t *describe_cases(const struct lk_review_all *all, bool *failed)
{
    json_t *list = json_array();
    size_t at = 0;
    for (size_t i = 0; i < all->n_items; i++) {
        if (all->items[i].kind != LK_REVIEW_CANDIDATE)
            continue;
        json_t *entry = describe_case(&all->items[i], answers_of(all, i, &at), failed);
        if (json_array_append_new(list, entry) != 0)
            *failed = true;
    }
    return list;
}

static json_t *describe_pairs(const struct lk_review_all *all, bool *failed)
{
    json_t *o = json_object();
    for (int kind = 0; kind < LK_REVIEW_N_KINDS; kind++) {
        uint64_t n = 0;
        for (size_t i = 0; i < all->n_items; i++)
            n += all->items[i].kind == (enum lk_review_kind)kind;
        set(o, lk_review_kind_name((enum lk_review_kind)kind), count(n), failed);
    }
    return o;
}

static json_t *describe_log(const struct lk_review_all *all, bool *failed)
{
    json_t *o = json_object();
    set(o, "rows", count(all->log_rows), failed);
    set(o, "taken_back", count(all->undone), failed);
    set(o, "plan_sha256", text(all->plan_sha256), failed);
    set(o, "sha256", text(all->log_sha256), failed);
    set(o, "broken", text(all->broken[0] != '\0' ? all->broken : NULL), failed);
    return o;
}

lk_status lk_review_json(const struct lk_review_numbers *n, const char *command, json_t **out, lk_error *err)
{
    const lk_review_stats_summary *s = n->summary;
    bool failed = false;
    json_t *o = json_object(), *reviewers = json_array();
    for (size_t r = 0; r < s->n_reviewers; r++)
        json_array_append_new(reviewers, describe_reviewer(&s->reviewers[r], &n->persons[r], &failed));
    set(o, "kind", json_string("review"), &failed);
    set(o, "format", json_integer(1), &failed);
    set(o, "tool", json_sprintf("likeness %s", lk_version()), &failed);
    set(o, "command", text(command), &failed);
    set(o, "made_by", text(n->all->command), &failed);
    set(o, "seed", count(n->all->seed), &failed);
    set(o, "complete", json_boolean(s->complete), &failed);
    set(o, "closed", json_boolean(s->closed), &failed);
    set(o, "pairs", describe_pairs(n->all, &failed), &failed);
    set(o, "noise", json_string(n->noise_is_decoys ? "decoy" : "easy"), &failed);
    set(o, "reviewers", reviewers, &failed);
    set(o, "alpha", estimate(s->alpha), &failed);
    set(o, "alpha_pairs", count(n->n_alpha), &failed);
    set(o, "alpha_candidates", estimate(s->alpha_candidates), &failed);
    set(o, "alpha_candidates_pairs", count(n->n_alpha_candidates), &failed);
    set(o, "candidates_same", describe_rate(&n->candidates, &failed), &failed);
    set(o, "decoys_same", describe_rate(&n->noise, &failed), &failed);
    set(o, "mated_same", describe_rate(&n->mated, &failed), &failed);
    set(o, "theta", estimate(s->theta), &failed);
    set(o, "rule_of_three", number(s->theta_most), &failed);
    set(o, "unanimous_same", count(s->n_same), &failed);
    set(o, "unanimous_different", count(s->n_different), &failed);
    set(o, "adjudicated", count(s->n_decided), &failed);
    set(o, "adjudicated_same", count(s->n_decided_same), &failed);
    set(o, "cases", describe_cases(n->all, &failed), &failed);
    set(o, "log", describe_log(n->all, &failed), &failed);
    if (failed) {
        json_decref(o);
        return lk_fail(err, LK_ENOMEM, "out of memory");
    }
    *out = o;
    return LK_OK;
}
