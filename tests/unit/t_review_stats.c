/* SPDX-License-Identifier: Apache-2.0 */
/* t_review_stats.c - the statistics of a review: the worked example of docs/methods.md, and a review with
 * known answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "review.h"
#include "review/stats.h"
#include "stats/agreement.h"
#include "temp.h"

static lk_error err;

static void assert_near(double got, double want, double difference)
{
    if (!(fabs(got - want) <= difference))
        fail_msg("got %.17g, expected %.17g", got, want);
}

/* docs/methods.md, "What people's answers are worth"; tests/oracle/review.py has many more. */
static void test_example(void **state)
{
    (void)state;
    static const int8_t values[12] = {6, 6, 5, 1, 0, 1, 4, 2, 3, 6, 5, 6};
    struct lk_ratings ratings = {values, 4, 3, 7};
    struct lk_alpha alpha, again;
    assert_int_equal(lk_alpha_ordinal(&ratings, 1, &alpha, &err), LK_OK);
    assert_near(alpha.value, 0.844, 0.0005);
    assert_int_equal(alpha.n_items, 4);
    assert_true(alpha.low <= alpha.value && alpha.value <= alpha.high);
    assert_int_equal(lk_alpha_ordinal(&ratings, 1, &again, &err), LK_OK);
    assert_memory_equal(&alpha, &again, sizeof alpha);
    ratings.n_levels = LK_MAX_LEVELS + 1;
    assert_int_equal(lk_alpha_ordinal(&ratings, 1, &again, &err), LK_EINVAL);

    struct lk_detection d = lk_detection_of(18, 20, 3, 20);
    assert_near(d.d_prime, 2.147, 0.0005);
    assert_near(d.criterion, -0.106, 0.0005);

    uint32_t yes[20] = {3, 3, 3, 2, 2}, looks[10] = {1, 1}, mates[10] = {3, 3, 3, 3, 3, 3, 3, 3, 2, 2},
             asked[20];
    for (int i = 0; i < 20; i++)
        asked[i] = 3;
    struct lk_said c = lk_said_of(yes, asked, 20), h = lk_said_of(looks, asked, 10),
                   m = lk_said_of(mates, asked, 10);
    assert_near(c.share, 0.2167, 0.00005);
    assert_near(h.share, 0.0667, 0.00005);
    assert_near(m.share, 0.9333, 0.00005);
    struct lk_true_share theta;
    assert_int_equal(lk_true_share_of(&c, &h, &m, 1, &theta, &err), LK_OK);
    assert_near(theta.value, 0.173, 0.0005);
    assert_near(theta.low, 0, 0);
    assert_near(theta.high, 0.416, 0.005);
    assert_near(lk_rule_of_three(120), 0.025, 1e-12);
    assert_near(lk_rule_of_three(2), 1, 0);
    assert_near(lk_rule_of_three(0), 1, 0);
}

/* Nothing answered, nobody asked. */
static void test_nothing(void **state)
{
    (void)state;
    int8_t values[6] = {-1, -1, 2, -1, -1, 2};
    struct lk_ratings ratings = {values, 3, 2, 7};
    struct lk_alpha alpha;
    assert_int_equal(lk_alpha_ordinal(&ratings, 1, &alpha, &err), LK_OK);
    assert_true(isnan(alpha.value) && isnan(alpha.low) && alpha.n_items == 0);
    ratings.n_items = 0;
    assert_int_equal(lk_alpha_ordinal(&ratings, 1, &alpha, &err), LK_OK);
    assert_true(isnan(alpha.value));
    assert_true(isnan(lk_detection_of(1, 1, 0, 0).d_prime));
    uint32_t yes[2] = {0, 0}, asked[2] = {0, 0};
    struct lk_said none = lk_said_of(yes, asked, 2);
    assert_true(isnan(none.share) && none.n_items == 0);
    struct lk_true_share theta;
    assert_int_equal(lk_true_share_of(&none, &none, &none, 1, &theta, &err), LK_OK);
    assert_true(isnan(theta.value));
}

/* What reviewer r (from 1) says of item i (from 0) of review.h: 1 is always right; 2 calls everything the
 * same but the easy pair; 3 is right, and does not judge the last candidate and the first mated pair. */
static int known_answer(int64_t r, int i)
{
    bool true_pair = i < 3 || i == 6 || i == 7;
    if (r == 2)
        return i == 10 ? -3 : 2;
    if (r == 3 && i == 5)
        return LK_REVIEW_CHILD;
    if (r == 3 && i == 6)
        return LK_REVIEW_CANNOT_SAY;
    return true_pair ? 3 : -3;
}

static void test_known_answers(void **state)
{
    (void)state;
    char tokens[REVIEW_REVIEWERS + 1][LK_REVIEW_TOKEN_SIZE];
    const char *path = temp_path("known.db");
    struct lk_review_store *store = review_make(path, 1, tokens);
    for (int64_t r = 1; r <= REVIEW_REVIEWERS; r++) {
        struct lk_review_screen screen;
        int swapped, seen = 0;
        for (int n = 0; n < REVIEW_ITEMS; n++) {
            assert_int_equal(lk_review_store_next(store, r, &screen, &err), LK_OK);
            int item = review_item_of(store, r, screen.id, &swapped);
            int answer = known_answer(r, item);
            if (r == 1 && item == 0 && seen++ > 0)
                answer = -1; /* the repeat, judged otherwise */
            assert_int_equal(lk_review_store_answer(store, r, screen.id, answer,
                                                    item == 0 ? "a, \"note\"" : NULL, 100 * n, &err),
                             LK_OK);
        }
    }
    assert_int_equal(lk_review_store_decide(store, 4, 1, LK_REVIEW_SAME, "sure", &err), LK_OK);
    lk_review_store_free(store);

    lk_ctx *ctx;
    lk_ctx_options options;
    lk_review_stats_summary s;
    char *json;
    lk_ctx_options_init(&options);
    assert_int_equal(lk_ctx_new(&ctx, &options, &err), LK_OK);
    assert_int_equal(lk_review_stats(ctx, path, temp_path("known.json"), "a test", &s, &json, &err), LK_OK);
    assert_string_equal(s.broken, "");
    assert_true(s.complete && s.closed);
    assert_int_equal(s.n_candidates, 6);
    assert_in_range(s.n_same, 2, 3); /* candidate 1, unless what reviewer 1 judged otherwise came first */
    assert_int_equal(s.n_different, 0);
    assert_int_equal(s.n_decided_same, 1);
    const lk_review_reviewer_summary *r = s.reviewers;
    assert_int_equal(r[0].hits, 2);
    assert_int_equal(r[0].false_alarms, 0);
    assert_int_equal(r[1].false_alarms, 2);
    assert_int_equal(r[2].mated, 1);
    assert_int_equal(r[2].child, 1);
    assert_int_equal(r[2].cannot_say, 1);
    struct lk_detection d = lk_detection_of(2, 2, 0, 2);
    assert_near(r[0].d_prime, d.d_prime, 0);
    assert_near(r[1].d_prime, 0, 1e-12);
    assert_near(r[0].consistency, 0, 0);
    assert_near(r[1].consistency, 1, 0);
    assert_int_equal(r[2].n_repeated, 1);
    assert_near(s.mated_same, 1, 0);
    assert_near(s.decoys_same, 1.0 / 3, 1e-15);
    assert_true(isnan(s.theta_most));
    assert_true(s.theta.low <= s.theta.value && s.theta.value <= s.theta.high);

    json_t *whole = json_loads(json, 0, NULL);
    assert_non_null(whole);
    assert_string_equal(json_string_value(json_object_get(whole, "kind")), "review");
    const json_t *first = json_array_get(json_object_get(whole, "cases"), 0);
    assert_string_equal(json_string_value(json_object_get(first, "adjudicated")), "same");
    assert_string_equal(json_string_value(json_object_get(first, "image")), "made/image.jpg");
    const json_t *last = json_array_get(json_object_get(whole, "cases"), 5);
    assert_string_equal(json_string_value(json_array_get(json_object_get(last, "answers"), 2)), "child");
    assert_true(json_is_null(json_object_get(last, "unanimous")));
    assert_int_equal(json_array_size(json_object_get(whole, "reviewers")), 3);
    json_decref(whole);
    free(json);

    uint64_t n;
    assert_int_equal(lk_review_export(ctx, path, temp_path("known.csv"), &n, &err), LK_OK);
    assert_int_equal(n, REVIEW_REVIEWERS * REVIEW_ITEMS);
    lk_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_example),
        cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_known_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
