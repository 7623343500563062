/* SPDX-License-Identifier: Apache-2.0 */
/* json.c - review.json: the numbers of a review for programs, and every case. */
#include <math.h>

#include "formats/json.h"
#include "review/stats.h"

static json_t *estimate(lk_review_estimate e)
{
    return lk_json_estimate(e.value, e.low, e.high);
}

static json_t *describe_reviewer(const lk_review_reviewer_summary *s, const struct lk_review_person *p,
                                 bool *failed)
{
    json_t *o = json_object();
    lk_json_set(o, "name", lk_json_text_or_null(s->name), failed);
    lk_json_set(o, "answers", lk_json_count(s->answers), failed);
    lk_json_set(o, "of", lk_json_count(s->total), failed);
    lk_json_set(o, "d_prime", lk_json_number(s->d_prime), failed);
    lk_json_set(o, "criterion", lk_json_number(s->criterion), failed);
    lk_json_set(o, "mated", lk_json_count(s->mated), failed);
    lk_json_set(o, "mated_same", lk_json_count(s->hits), failed);
    lk_json_set(o, "noise", lk_json_count(s->decoys), failed);
    lk_json_set(o, "noise_same", lk_json_count(s->false_alarms), failed);
    lk_json_set(o, "easy", lk_json_count(p->easy), failed);
    lk_json_set(o, "easy_same", lk_json_count(p->easy_same), failed);
    lk_json_set(o, "repeated", lk_json_count(s->n_repeated), failed);
    lk_json_set(o, "consistency", lk_json_number(s->consistency), failed);
    lk_json_set(o, "no_face", lk_json_count(s->no_face), failed);
    lk_json_set(o, "child", lk_json_count(s->child), failed);
    lk_json_set(o, "cannot_say", lk_json_count(s->cannot_say), failed);
    lk_json_set(o, "median_milliseconds", lk_json_number(p->milliseconds), failed);
    return o;
}

static json_t *describe_rate(const struct lk_said *said, bool *failed)
{
    json_t *o = json_object();
    lk_json_set(o, "share", lk_json_number(said->share), failed);
    lk_json_set(o, "pairs", lk_json_count(said->n_items), failed);
    lk_json_set(o, "effective_answers", lk_json_number(said->n), failed);
    return o;
}

static json_t *describe_case(const struct lk_review_all_item *item, json_t *answers, bool *failed)
{
    json_t *o = json_object();
    lk_json_set(o, "image", lk_json_text_or_null(item->path[0]), failed);
    lk_json_set(o, "reference", lk_json_text_or_null(item->path[1]), failed);
    lk_json_set(o, "identity", lk_json_text_or_null(item->name[0]), failed);
    lk_json_set(o, "person", lk_json_text_or_null(item->name[1]), failed);
    lk_json_set(o, "score", lk_json_number(item->score), failed);
    lk_json_set(o, "e_value", lk_json_number(item->e_value), failed);
    lk_json_set(o, "discovery", json_boolean(item->discovery), failed);
    lk_json_set(o, "unanimous",
                lk_json_text_or_null(item->unanimous > 0   ? "same"
                                     : item->unanimous < 0 ? "different"
                                                           : NULL),
                failed);
    lk_json_set(o, "adjudicated", lk_json_text_or_null(lk_review_decision_name(item->decision)), failed);
    lk_json_set(o, "adjudicator_note", lk_json_text_or_null(item->decision_note), failed);
    lk_json_set(o, "answers", answers, failed);
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
        json_array_append_new(
            list, given ? lk_json_text_or_null(lk_review_answer_name(all->given[*at].answer)) : json_null());
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
        lk_json_set(o, lk_review_kind_name((enum lk_review_kind)kind), lk_json_count(n), failed);
    }
    return o;
}

static json_t *describe_log(const struct lk_review_all *all, bool *failed)
{
    json_t *o = json_object();
    lk_json_set(o, "rows", lk_json_count(all->log_rows), failed);
    lk_json_set(o, "taken_back", lk_json_count(all->undone), failed);
    lk_json_set(o, "plan_sha256", lk_json_text_or_null(all->plan_sha256), failed);
    lk_json_set(o, "sha256", lk_json_text_or_null(all->log_sha256), failed);
    lk_json_set(o, "broken", lk_json_text_or_null(all->broken[0] != '\0' ? all->broken : NULL), failed);
    return o;
}

lk_status lk_review_json(const struct lk_review_numbers *n, const char *command, json_t **out, lk_error *err)
{
    const lk_review_stats_summary *s = n->summary;
    bool failed = false;
    json_t *o = json_object(), *reviewers = json_array();
    for (size_t r = 0; r < s->n_reviewers; r++)
        json_array_append_new(reviewers, describe_reviewer(&s->reviewers[r], &n->persons[r], &failed));
    lk_json_set(o, "kind", json_string("review"), &failed);
    lk_json_set(o, "format", json_integer(1), &failed);
    lk_json_set(o, "tool", json_sprintf("likeness %s", lk_version()), &failed);
    lk_json_set(o, "command", lk_json_text_or_null(command), &failed);
    lk_json_set(o, "made_by", lk_json_text_or_null(n->all->command), &failed);
    lk_json_set(o, "seed", lk_json_count(n->all->seed), &failed);
    lk_json_set(o, "complete", json_boolean(s->complete), &failed);
    lk_json_set(o, "closed", json_boolean(s->closed), &failed);
    lk_json_set(o, "pairs", describe_pairs(n->all, &failed), &failed);
    lk_json_set(o, "noise", json_string(n->noise_is_decoys ? "decoy" : "easy"), &failed);
    lk_json_set(o, "reviewers", reviewers, &failed);
    lk_json_set(o, "alpha", estimate(s->alpha), &failed);
    lk_json_set(o, "alpha_pairs", lk_json_count(n->n_alpha), &failed);
    lk_json_set(o, "alpha_candidates", estimate(s->alpha_candidates), &failed);
    lk_json_set(o, "alpha_candidates_pairs", lk_json_count(n->n_alpha_candidates), &failed);
    lk_json_set(o, "candidates_same", describe_rate(&n->candidates, &failed), &failed);
    lk_json_set(o, "decoys_same", describe_rate(&n->noise, &failed), &failed);
    lk_json_set(o, "mated_same", describe_rate(&n->mated, &failed), &failed);
    lk_json_set(o, "theta", estimate(s->theta), &failed);
    lk_json_set(o, "rule_of_three", lk_json_number(s->theta_most), &failed);
    lk_json_set(o, "unanimous_same", lk_json_count(s->n_same), &failed);
    lk_json_set(o, "unanimous_different", lk_json_count(s->n_different), &failed);
    lk_json_set(o, "adjudicated", lk_json_count(s->n_decided), &failed);
    lk_json_set(o, "adjudicated_same", lk_json_count(s->n_decided_same), &failed);
    lk_json_set(o, "cases", describe_cases(n->all, &failed), &failed);
    lk_json_set(o, "log", describe_log(n->all, &failed), &failed);
    if (failed) {
        json_decref(o);
        return lk_fail(err, LK_ENOMEM, "out of memory");
    }
    *out = o;
    return LK_OK;
}
