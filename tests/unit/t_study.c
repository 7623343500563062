/* SPDX-License-Identifier: Apache-2.0 */
/* t_study.c - study files, the plan made of them, and whether matchers differ. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

#include "stats/susceptible.h"
#include "study/compare.h"
#include "study/plan.h"
#include "temp.h"

#define STUDY "[study]\noutput = out\n"
#define MATCHER "[matcher m]\nmodel = sface\n"
#define SETS "[train t]\nimages = t\nholdout = h\n[holdout h]\nimages = h\n[synthetic s]\nimages = s\n"
#define SMALL STUDY MATCHER SETS

static lk_status parse(const char *text, struct lk_study *out, lk_error *err)
{
    return lk_study_parse((const uint8_t *)text, strlen(text), out, err);
}

static void refuse(const char *text, const char *message)
{
    struct lk_study study;
    lk_error err;
    if (parse(text, &study, &err) == LK_OK)
        fail_msg("accepted, expected: %s", message);
    if (strstr(err.text, message) == NULL)
        fail_msg("says '%s', expected '%s'", err.text, message);
    assert_int_equal(study.n_sets, 0);
}

static void test_values(void **state)
{
    (void)state;
    struct lk_study s;
    lk_error err;
    const char *text =
        "\xef\xbb\xbf; a comment\n" STUDY "name: Two words ; and a comment\nseed = 7\n" MATCHER
        "aligned = yes\r\n[matcher k]\nmodel = a/b.json\nchoice=central\n"
        "[train t]\nimages = one\n   two words\n\n\tthree\nholdout = h, g\ncontrol = s\n"
        "[holdout h]\nimages=h\n[holdout g]\nfaces.m = g.npy\nfaces.k=g\n[synthetic s]\nimages = s\n"
        "duplicates = no\n[measure]\nstrength = 0.5 -0.25\nfdr=.1\nfilter = sharpness >= 0.2 ; sharp\n  group:a b!=x=y, z\n"
        "strata = feature_norm\n  group:a b\n[limits]\nshare = 2.5\n";
    if (parse(text, &s, &err) != LK_OK)
        fail_msg("%s", err.text);
    assert_string_equal(s.name.text, "Two words");
    assert_int_equal((int)s.seed.value, 7);
    assert_int_equal(s.n_matchers, 2);
    assert_int_equal((int)s.matchers[0].aligned.value, 1);
    assert_string_equal(s.matchers[1].choice.text, "central");
    const struct lk_study_set *t = &s.sets[lk_study_find_set(&s, "t")];
    assert_int_equal(t->images.n, 3);
    assert_string_equal(t->images.items[1].text, "two words");
    assert_int_equal(t->images.items[2].line, 16);
    assert_int_equal(t->holdouts.n, 2);
    assert_string_equal(t->holdouts.items[1].text, "g");
    assert_string_equal(lk_study_given_faces(&s, lk_study_find_set(&s, "g"), 0), "g.npy");
    assert_null(lk_study_given_faces(&s, lk_study_find_set(&s, "h"), 0));
    assert_int_equal(s.strengths.n, 2);
    assert_true(lk_study_fdr(&s) == 0.1);
    assert_int_equal(s.filters.n, 2);
    assert_string_equal(s.filters.items[0].text, "sharpness >= 0.2");
    assert_string_equal(s.filters.items[1].text, "group:a b!=x=y, z");
    assert_int_equal(s.strata.n, 2);
    assert_string_equal(s.strata.items[1].text, "group:a b");
    assert_true(s.max_share.value == 2.5);
    assert_int_equal(s.max_discoveries.line, 0);
    lk_study_close(&s);
}

static void test_refused(void **state)
{
    (void)state;
    refuse("", "expected output = DIR in [study]");
    refuse("output = x\n", "line 1: found a key before the first [section]");
    refuse("[study]\nnothing\n", "line 2: expected [section], key = value");
    refuse(STUDY "[study]\nseed = 1\n", "line 3: section [study] is there twice");
    refuse(STUDY "outptu = y\n",
           "line 3: [study]: unknown key 'outptu', expected one of: name, output, seed");
    refuse(STUDY "output = y\n", "line 3: [study]: output: given twice, first in line 2");
    refuse(STUDY "seed = 1.5\n", "line 3: [study]: seed: found '1.5', expected a whole number from 0 to");
    refuse(STUDY "seed = -1\n", "found '-1', expected a whole number");
    refuse(STUDY "seed =\n", "found '', expected a whole number");
    refuse(STUDY "name =\n", "found nothing behind it");
    refuse(STUDY "name = a\n  b\n", "line 4: [study]: name: takes one value, found another line");
    refuse("[study x]\noutput = o\n", "section [study x]: found a name, expected [study]");
    refuse("[stduy]\noutput = o\n", "line 1: unknown section [stduy]");
    refuse(STUDY "[matcher]\nmodel = m\n", "expected [matcher NAME]");
    refuse(STUDY "[matcher a/b]\nmodel = m\n", "expected [matcher NAME]");
    refuse(STUDY "[matcher .m]\nmodel = m\n", "expected [matcher NAME]");
    refuse(STUDY "[matcher m]\n[limits]\nshare=1\n", "line 3: the section has no keys");
    refuse(SMALL "[limits]\n", "the section has no keys");
    refuse(STUDY " [matcher m]\n", "line 3: a section's heading is indented");
    refuse(STUDY "[matcher m] model = m\n", "line 3: found text behind a section's heading");
    refuse(STUDY "[a section with a name that is longer than forty-eight bytes]\n",
           "heading of at most 48 bytes");
    refuse(
        STUDY
        "name = "
        "1234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890"
        "1234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890"
        "\n",
        "line 3: has 207 bytes, expected at most 197");
    refuse(STUDY MATCHER SETS "[holdout t]\nimages = x\n", "the name 't' is taken by the set of line 5");
    refuse(STUDY MATCHER SETS "[matcher m]\nmodel = n\n", "section [matcher m] is there twice");
    refuse(STUDY MATCHER SETS "[matcher  m]\nmodel = n\n", "[matcher m] is there twice");
    refuse(STUDY SETS, "expected at least one section [matcher NAME]");
    refuse(STUDY MATCHER "[train t]\nimages = t\n", "expected at least one section [synthetic NAME]");
    refuse(STUDY MATCHER "[train t]\nimages = t\nholdout = g\n[synthetic s]\nimages = s\n",
           "line 7: [train t]: holdout: there is no section [holdout g]");
    refuse(SMALL "[holdout u]\nimages = u\n", "nothing uses [holdout u]");
    refuse(SMALL "[calibration c]\nimages = u\n[calibration d]\nimages = u\n", "there are 2 calibrations");
    refuse(SMALL "[synthetic r]\nformat = zip\n", "[synthetic r]: expected images, or faces.m");
    refuse(SMALL "[synthetic r]\nfaces.x = zip\n", "faces.x: there is no section [matcher x]");
    refuse(SMALL "[synthetic r]\nimages = x\npreset = nobody\n", "there is none with the name 'nobody'");
    refuse(SMALL "[synthetic r]\nimages = x\nduplicates = yes\nexclude = y\n", "no other list to exclude");
    refuse(SMALL "[synthetic r]\nimages = x\nduplicates = maybe\n", "found 'maybe', expected yes or no");
    refuse(SMALL "[measure]\nstrength = 0.5 x\n", "found 'x', expected numbers from -1 to 1");
    refuse(SMALL "[measure]\nfdr = 0.7\n", "found '0.7', expected a number from 1e-06 to 0.5");
    refuse(SMALL "[measure]\nfdr = nan\n", "found 'nan'");
    refuse(SMALL "[measure]\nfilter =\n", "[measure]: filter: found nothing behind it");
    refuse(SMALL "[measure]\nfilter = sharpness>=0.1\n  adult\n", "line 14: [measure]: filter 'adult': does not begin with a known");
    refuse(SMALL "[measure]\nfilter = age>=18\n", "line 13: [measure]: 'age>=18': [matcher m] has no age = MODEL");
    refuse(SMALL "[measure]\nstrata = age\n", "[measure]: 'age': [matcher m] has no age = MODEL");
    refuse(STUDY "[matcher m]\nmodel = m\naligned = yes\n" SETS "[measure]\nstrata = yaw\n", "takes aligned images");
    refuse(SMALL "[measure]\nstrata = hair\n", "[measure]: strata 'hair': expected age, sharpness");
    refuse(SMALL "[train u]\nimages = u\n[limits]\nshare = 1\n",
           "a limit needs a hold-out, and [train u] has none");
    refuse(STUDY "[matcher m]\nchoice = cent\n" SETS, "found 'cent', expected one of: largest central");
    refuse(STUDY "[matcher m]\naligned = yes\n" SETS, "[matcher m]: expected model, since it has to embed t");
    struct lk_study study;
    lk_error err;
    assert_int_equal(lk_study_parse((const uint8_t *)"[study]\nname=a\0b\n", 17, &study, &err), LK_EFORMAT);
    assert_non_null(strstr(err.text, "line 2: holds a NUL byte"));
    /* Lists without a value, names of files, and sets that are the same. */
    refuse(STUDY MATCHER
           "[train t]\nimages = t\nholdout =\n[holdout h]\nimages = h\n[synthetic s]\nimages = s\n",
           "line 7: [train t]: holdout: found nothing behind it");
    refuse(SMALL "[measure]\nstrength =\n", "[measure]: strength: found nothing behind it");
    refuse(SMALL "[control c]\nimages =\n", "[control c]: images: found nothing behind it");
    refuse(STUDY "[matcher pairs.csv]\nmodel = sface\n" SETS, "does not end in .csv or .json");
    refuse(STUDY MATCHER
           "[train t]\nimages = t\nholdout = h\n[holdout h]\nimages = t\n[synthetic s]\nimages = s\n",
           "line 7: [train t]: holdout: h is the training set itself");
    refuse(STUDY MATCHER "[train t]\nimages = t\nholdout = h g\n[holdout h]\nfaces.m = h\n[holdout g]\n"
                         "faces.m = h\n[synthetic s]\nimages = s\n",
           "line 7: [train t]: holdout: h and g are the same set");
}

/* Each set once for each matcher, each run by all of them. */
static void test_plan(void **state)
{
    (void)state;
    static const char *const expected[] = {
        "duplicates s", "embed m t",   "embed m h",   "embed m s",   "embed m c",   "calibrate m",
        "embed k t",    "embed k h",   "embed k s",   "match m t s", "match k t s", "measure t s",
        "report t s",   "match m t r", "match k t r", "measure t r", "report t r",  "compare"};
    struct lk_study s;
    struct lk_study_plan plan;
    lk_error err;
    const char *text =
        SMALL "duplicates = yes\n[matcher k]\nmodel=k\nthresholds=x\n[calibration c]\nimages=c\n"
              "[synthetic r]\nfaces.m=r\nfaces.k=r\ntrain=t\n";
    if (parse(text, &s, &err) != LK_OK)
        fail_msg("%s", err.text);
    assert_int_equal(lk_study_plan_make(&plan, &s, &err), LK_OK);
    assert_int_equal(plan.n, sizeof expected / sizeof *expected);
    for (size_t i = 0; i < plan.n; i++) {
        assert_string_equal(plan.steps[i].name, expected[i]);
        assert_true(plan.steps[i].matcher < s.n_matchers && plan.steps[i].set < s.n_sets);
    }
    lk_study_plan_free(&plan);
    lk_study_close(&s);
}

/* docs/methods.md, "Do matchers differ in their susceptibility?" */
static void test_worked_example(void **state)
{
    (void)state;
    float first[] = {0.9f, 0.7f, 0.5f, 0.3f}, second[] = {0.4f, 0.3f, 0.2f, 0.1f};
    struct lk_described a, b;
    struct lk_cochran c;
    lk_error err;
    lk_describe(first, 4, &a);
    lk_describe(second, 4, &b);
    assert_true(fabs(a.mean - 0.6) < 1e-7 && fabs(b.mean - 0.25) < 1e-7);
    assert_true(fabs(a.sd * a.sd - 0.0667) < 5e-5 && fabs(b.sd * b.sd - 0.0167) < 5e-5);
    assert_true(fabs(lk_d_prime(&a, &b) - 1.715) < 5e-4);
    assert_true(lk_ks_distance(first, 4, second, 4) == 0.75);
    static const uint8_t found[] = {1, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0};
    assert_int_equal(lk_cochran_q(found, 3, 6, &c, &err), LK_OK);
    assert_true(fabs(c.q - 6.5) < 1e-12 && c.df == 2 && fabs(c.p - 0.039) < 5e-4);
    assert_int_equal(lk_cochran_q(found, 1, 6, &c, &err), LK_EINVAL);
    lk_describe(first, 0, &a);
    assert_true(isnan(a.mean) && isnan(lk_d_prime(&a, &b)) && isnan(lk_ks_distance(first, 0, second, 4)));
}

static double at(const json_t *of, const char *key)
{
    return json_number_value(json_object_get(of, key));
}

/* docs/methods.md, the example: one hold-out, and two of which "holdout" is the best. */
static void test_nearest(void **state)
{
    (void)state;
    lk_error err;
    json_t *spread = NULL, *known = NULL;
    const char *folder = temp_dir("nearest");
    temp_text("nearest/identities.csv",
              "identity,train,holdout,discovery\na,0.9,0.4,1\nb,0.7,0.3,0\nc,0.5,0.2,0\n"
              "d,0.3,0.1,0\n");
    assert_int_equal(lk_study_nearest(folder, NULL, true, &spread, &known, &err), LK_OK);
    assert_float_equal(at(spread, "d_prime"), 1.7146, 1e-4);
    assert_float_equal(at(spread, "ks"), 0.75, 1e-9);
    assert_true(json_is_null(json_object_get(spread, "holdouts")));
    json_decref(spread);
    json_decref(known);

    temp_text("nearest/identities.csv",
              "identity,train,holdout,discovery,holdout1,holdout2\na,0.9,0.5,1,0.4,0.5\nb,0.7,0.4,0,0.3,0.4\n"
              "c,0.5,0.3,0,0.2,0.3\nd,0.3,0.2,0,0.1,0.2\n");
    assert_int_equal(lk_study_nearest(folder, NULL, true, &spread, &known, &err), LK_OK);
    assert_float_equal(at(spread, "d_prime"), 1.4655, 1e-4);
    assert_float_equal(at(spread, "ks"), 0.625, 1e-6);
    assert_float_equal(at(json_object_get(spread, "holdout"), "n"), 8, 0);
    assert_float_equal(at(json_object_get(spread, "holdout"), "mean"), 0.3, 1e-7);
    const json_t *each = json_object_get(spread, "holdouts");
    assert_int_equal(json_array_size(each), 2);
    assert_float_equal(at(json_array_get(each, 0), "d_prime"), 1.7146, 1e-4);
    assert_float_equal(at(json_array_get(each, 1), "d_prime"), 1.2247, 1e-4);
    assert_float_equal(at(json_array_get(each, 1), "ks"), 0.5, 1e-6);
    json_decref(spread);
    json_decref(known);

    temp_text("nearest/identities.csv",
              "identity,train,holdout,discovery\na,0.9,,\nb,0.7,,\n"); /* no hold-out */
    assert_int_equal(lk_study_nearest(folder, NULL, true, &spread, &known, &err), LK_OK);
    assert_true(json_is_null(json_object_get(spread, "d_prime")));
    assert_float_equal(at(json_object_get(spread, "train"), "mean"), 0.8, 1e-7);
    json_decref(spread);
    json_decref(known);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),         cmocka_unit_test(test_refused), cmocka_unit_test(test_plan),
        cmocka_unit_test(test_worked_example), cmocka_unit_test(test_nearest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
