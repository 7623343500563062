/* SPDX-License-Identifier: Apache-2.0 */
/* t_report.c - the report: verdict, numbers, escaping, withheld names, missing pictures, damaged tables. */
#include "made_report.h"
#include "report/html.h"

/* ---- tests -------------------------------------------------------------------------------------------- */

static void test_numbers_with_holdout(void **state)
{
    (void)state;
    lk_report_options options;
    lk_report_options_init(&options);
    options.measures = make_all("numbers", 1, 0);
    lk_report_summary s = report_ok(&options); /* verdict only */
    assert_int_equal(s.verdict, LK_VERDICT_LEAK_SHOWN);
    assert_string_equal(s.sentence, SENTENCE);
    assert_int_equal(s.n_units, UNITS);
    assert_int_equal(s.n_discoveries, PLANTED);
    assert_true(s.share == 0.5 && s.share_low == 0.3 && s.share_high == 0.7);
}

/* The page of each verdict says it, in words that promise no more than it does. */
static void test_verdicts(void **state)
{
    (void)state;
    static const struct {
        const char *name, *heading, *words;
        int holdout;
    } cases[] = {
        {"leak shown", "<h1>Leak shown</h1>", "30 of 60 synthetic identities resemble one particular training person", 1},
        {"copies shown", "<h1>Copies shown</h1>", "2 of 60 synthetic identities contain one", 1},
        {"copies shown", "<h1>Copies shown</h1>", "cannot be told", 0},
        {"nothing found", "<h1>Nothing found</h1>", "this check would have noticed", 1},
        {"not enough power", "<h1>Not enough power</h1>", "must not be read as", 1},
        {"not interpretable", "<h1>Not interpretable</h1>", "not a fair one", 1},
        {"not interpretable", "<h1>Not interpretable</h1>", "without real people whom the generator never saw", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char name[40];
        snprintf(name, sizeof name, "verdict%zu", i);
        lk_report_options options;
        lk_report_options_init(&options);
        options.measures = make_all_as(name, cases[i].holdout, 0, cases[i].name);
        options.output = temp_path("verdict.html");
        assert_string_equal(lk_verdict_name(report_ok(&options).verdict), cases[i].name);
        char *page = slurp(options.output);
        assert_non_null(strstr(page, cases[i].heading));
        if (strstr(page, cases[i].words) == NULL)
            fail_msg("'%s' is not on the page of %s", cases[i].words, cases[i].name);
        assert_non_null(strstr(page, "What this does not show"));
        free(page);
    }
}

/* The measures of NAME's measures.json, kept to the end of the program. */
static json_t *made_measures(const char *name)
{
    static json_t *whole;
    char sub[300];
    lk_error err;
    snprintf(sub, sizeof sub, "%s/measure/measures.json", name);
    json_decref(whole);
    assert_int_equal(lk_json_read(temp_path(sub), &whole, &err), LK_OK);
    return json_object_get(whole, "measures");
}

static void test_page_and_json(void **state)
{
    (void)state;
    lk_report_options options;
    lk_report_options_init(&options);
    options.measures = make_all("page", 1, 1);
    options.match = match_of("page");
    options.command = "likeness report '" NASTY "'";
    options.max_pairs = 10;
    char page_path[8192], json_path[8192];
    snprintf(page_path, sizeof page_path, "%s", temp_path("page/a.html"));
    snprintf(json_path, sizeof json_path, "%s", temp_path("page/a.json"));
    options.output = page_path;
    report_ok(&options);
    char *page = slurp(page_path);
    assert_non_null(strstr(page, "<h1>Leak shown</h1>"));
    assert_null(strstr(page, "<script>alert"));
    assert_null(strstr(page, "'&<b>"));
    assert_non_null(strstr(page, "SECRET&lt;/script&gt;&lt;script&gt;alert(1)"));
    /* the marks of the charts, what is known of the pairs, their pictures, and six scripts */
    assert_int_equal(count_of(page, "<script"), 9);
    /* Pairs 1, 3, ... name a picture that is there, the others one that is not. */
    assert_int_equal(count_of(page, "<img data-picture"), 10);
    assert_int_equal(count_of(page, "class=\"blank\""), 10);
    const char *end = strstr(page, "<script");
    for (const char *p = page; (p = strstr(p, "http")) != NULL && p < end; p++)
        assert_memory_equal(p, "http-equiv", 10); /* nothing to load */
    lk_error err;
    json_t *json;
    assert_int_equal(lk_json_read(json_path, &json, &err), LK_OK);
    assert_string_equal(json_string_value(json_object_get(json, "kind")), "report");
    assert_int_equal(json_array_size(json_object_get(json, "pairs")), 10);
    assert_int_equal(json_array_size(json_object_get(json, "discoveries")), PLANTED);
    assert_int_equal(json_array_size(json_object_get(json, "persons")), PLANTED);
    json_t *exposure = json_object_get(json, "exposure");
    json_t *level = json_array_get(json_object_get(exposure, "thresholds"), 0);
    assert_true(json_real_value(json_object_get(level, "fmr")) == 0.01);
    assert_true(fabs(json_real_value(json_object_get(level, "share_by_chance")) - (1 - pow(0.99, UNITS))) <
                1e-9);
    assert_true(fabs(json_real_value(json_object_get(level, "share_training")) - 0.5) < 1e-9);
    assert_true(json_real_value(json_object_get(level, "share_holdout")) == 0);
    json_t *pair = json_array_get(json_object_get(json, "pairs"), 0);
    assert_true(json_is_true(json_object_get(pair, "discovery")));
    assert_true(json_real_value(json_object_get(pair, "e_value")) == 0.002);
    assert_true(fabs(json_real_value(json_object_get(pair, "margin")) - 0.5) < 1e-9);
    assert_true(json_equal(json_object_get(json_object_get(json, "measured"), "measures"), made_measures("page")));
    json_decref(json);

    /* The same bytes again, with another number of threads. */
    char first[65], second[65];
    assert_int_equal(lk_hash_bytes(page, strlen(page), first, &err), LK_OK);
    lk_ctx_options ctx_options;
    lk_ctx_options_init(&ctx_options);
    ctx_options.threads = 3;
    lk_ctx *other;
    lk_report_summary summary;
    assert_int_equal(lk_ctx_new(&other, &ctx_options, &err), LK_OK);
    assert_int_equal(lk_report(other, &options, &summary, &err), LK_OK);
    lk_ctx_free(other);
    assert_int_equal(lk_hash_file(page_path, second, &err), LK_OK);
    assert_string_equal(first, second);
    free(page);
}

/* The JSON of a <script> element of the page. */
static json_t *json_in(const char *page, const char *id)
{
    char mark[100];
    snprintf(mark, sizeof mark, "id=\"%s\">", id);
    const char *from = strstr(page, mark);
    assert_non_null(from);
    from += strlen(mark);
    json_t *out = json_loadb(from, (size_t)(strstr(from, "</script>") - from), 0, NULL);
    assert_non_null(out);
    return out;
}

/* The first pairs stand in the page, the others wait in a template, and each picture is there once. */
static void test_gallery(void **state)
{
    (void)state;
    lk_report_options options;
    lk_report_options_init(&options);
    options.measures = make_all("gallery", 1, 1);
    lk_error why;
    json_t *review = json_pack("{s:s, s:[], s:[{s:s, s:s, s:n, s:s}]}", "kind", "review", "reviewers", "cases", "image",
                               NASTY "3", "reference", NASTY "3", "unanimous", "adjudicated", "same");
    options.review = temp_path("gallery.json");
    assert_int_equal(lk_json_write(options.review, review, &why), LK_OK);
    json_decref(review);
    options.output = temp_path("gallery/a.html");
    report_ok(&options);
    char *page = slurp(temp_path("gallery/a.html"));
    char *rest = strstr(page, "<template"), *pictures = strstr(page, "id=\"pair-pictures\"");
    assert_true(rest != NULL && pictures > rest);
    assert_int_equal(count_of(page, "<li><div class=\"pair\"") + count_of(page, "<li class=\"found\">"),
                     UNITS);
    assert_int_equal(count_of(page, " src=\"data:image"), 24); /* every second, of both sides */
    assert_int_equal(count_of(rest, " src=\"data:image"), 0);
    assert_int_equal(count_of(rest, "<img data-picture"), UNITS - 24);
    *strstr(pictures, "</script>") = '\0';
    assert_int_equal(count_of(pictures, "\n/9j/") + count_of(pictures, ">/9j/"), UNITS - 24);
    free(page);

    page = slurp(temp_path("gallery/a.html"));
    json_t *facts = json_in(page, "pair-facts"), *pair = json_array_get(json_object_get(facts, "pairs"), 3);
    assert_int_equal(json_array_size(json_object_get(facts, "pairs")), UNITS);
    assert_true(fabs(json_real_value(json_object_get(pair, "margin")) - (score_of(3, 0) - score_of(3, 1))) <
                1e-6);
    assert_true(json_real_value(json_object_get(pair, "q")) == 0.03);
    assert_true(json_real_value(json_object_get(pair, "e")) == 0.002);
    assert_string_equal(json_string_value(json_object_get(pair, "kind")), "other picture");
    assert_string_equal(json_string_value(json_object_get(pair, "reviewed")), "same person");
    json_t *side = json_array_get(json_object_get(pair, "sides"), 1);
    assert_true(fabs(json_real_value(json_object_get(side, "detector")) - 1) < 1e-9);
    assert_null(json_object_get(side, "age"));
    assert_int_equal(json_array_size(json_object_get(facts, "measures")), 5);
    json_decref(facts);
    free(page);
}

static void test_contact_sheet(void **state)
{
    (void)state;
    lk_report_options options;
    lk_report_options_init(&options);
    options.measures = make_all("sheet", 1, 1);
    char path[8192];
    snprintf(path, sizeof path, "%s", temp_path("sheet/sheet.png"));
    options.contact_sheet = path;
    options.contact_rows = 2;
    report_ok(&options);
    lk_error err;
    uint8_t *bytes;
    size_t len;
    struct lk_image sheet;
    assert_int_equal(lk_file_read(path, 1 << 26, &bytes, &len, &err), LK_OK);
    assert_int_equal(lk_image_decode(bytes, len, &sheet, &err), LK_OK);
    free(bytes);
    assert_int_equal(sheet.width, 32 + 4 * (2 * 224 + 4 + 32));
    assert_int_equal(sheet.height, 32 + 2 * (8 + 224 + 10 + 28 + 32));
    /* The first pair is a discovery without pictures, the second one has them: grey 120 of make_all. */
    const uint8_t *bar = sheet.rgb + 3 * (32 * sheet.width + 32), *tile = bar + 3 * 100 * sheet.width;
    assert_true(bar[0] == 169 && bar[1] == 63 && bar[2] == 34);
    assert_int_equal(tile[0], 225);
    assert_in_range(tile[3 * (2 * 224 + 4 + 32)], 118, 122);
    lk_image_free(&sheet);

    options.no_faces = 1;
    assert_fails(&options, "contact sheet");
    options.no_faces = 0;
    options.contact_rows = 101;
    assert_fails(&options, "expected 1 to 100");
}

static void test_no_faces(void **state)
{
    (void)state;
    lk_report_options options;
    lk_report_options_init(&options);
    options.measures = make_all("bare", 1, 0);
    options.match = match_of("bare");
    options.command = "likeness report '" NASTY "'";
    options.no_faces = 1;
    options.output = temp_path("bare/report.htm");
    report_ok(&options);
    char *page = slurp(temp_path("bare/report.htm")), *json = slurp(temp_path("bare/report.json"));
    assert_null(strstr(page, "SECRET"));
    assert_null(strstr(json, "SECRET"));
    assert_null(strstr(page, temp_path("")));
    assert_null(strstr(json, temp_path("")));
    assert_null(strstr(page, "data:image"));
    assert_non_null(strstr(page, "<h1>Leak shown</h1>"));
    free(page);
    free(json);
    options.measures = make_all("barer", 0, 0);
    options.match = NULL;
    options.output = temp_path("barer/report.html");
    assert_int_equal(report_ok(&options).verdict, LK_VERDICT_NOT_INTERPRETABLE);
    page = slurp(temp_path("barer/report.html"));
    assert_null(strstr(page, "SECRET"));
    assert_non_null(strstr(page, "none was given"));
    free(page);
}

static void test_without_faces_directories(void **state)
{
    (void)state;
    lk_report_options options;
    lk_report_options_init(&options);
    options.measures = make_all("gone", 1, 0);
    char old[8192];
    snprintf(old, sizeof old, "%s", temp_path("gone/SECRETsynth"));
    assert_int_equal(rename(old, temp_path("gone/moved")), 0);
    /* The training set was embedded anew since. */
    write_meta(temp_path("gone/SECRETtrain"),
               json_pack("{s:s, s:i, s:s}", "kind", "faces", "format", 1, "embeddings_sha256", "99"));
    options.output = temp_path("gone/report.html");
    assert_int_equal(report_ok(&options).n_discoveries, PLANTED);
    char *page = slurp(temp_path("gone/report.html"));
    assert_non_null(strstr(page, "no longer where it was"));
    assert_non_null(strstr(page, "made anew"));
    assert_null(strstr(page, "data:image"));
    free(page);
}

static void test_truth(void **state)
{
    (void)state;
    lk_report_options options;
    lk_report_options_init(&options);
    options.measures = make_all("truth", 1, 0);
    FILE *f = create(temp_path("truth"), "truth.csv");
    fputs("file,identity,planted,kind,train_identity,train_image,detail\n", f);
    for (int i = 0; i < UNITS + 1;
         i++) { /* the last one planted has no embedded picture; unit 0 was not planted */
        int planted = (i > 0 && i < PLANTED) || i >= UNITS;
        fputs("x/y.jpg", f);
        put_name(f, i);
        fprintf(f, ",%d,copy", planted);
        put_name(f, i == 1 ? 2 : i);
        fputs(",z.jpg,\n", f);
    }
    fclose(f);
    options.truth = temp_path("truth/truth.csv");
    options.output = temp_path("truth/report.html");
    lk_report_summary s = report_ok(&options);
    assert_int_equal(s.n_planted, PLANTED - 1);
    assert_int_equal(s.n_planted_found, PLANTED - 1);
    assert_int_equal(s.n_false_found, 1);
    char *page = slurp(temp_path("truth/report.html"));
    assert_non_null(strstr(page, "For 28 of 29 planted ones"));
    assert_non_null(strstr(page, "1 more were planted"));
    free(page);
    options.truth = temp_text("other.csv", "file,identity,planted,train_identity\na.jpg,nobody,1,x\n");
    assert_fails(&options, "names none of the 60");
    options.truth = temp_text("two.csv", "file,identity,planted,train_identity\na.jpg,nobody,2,x\n");
    assert_fails(&options, "line 2: planted is 2");
}

static void test_bad_input(void **state)
{
    (void)state;
    lk_report_options options;
    lk_report_options_init(&options);
    options.measures = temp_path("nowhere");
    assert_fails(&options, "nowhere: no finished MEASURE directory (no measures.json), expected one");
    char measures[8192];
    snprintf(measures, sizeof measures, "%s", make_all("bad", 1, 0));
    options.measures = measures;
    options.match = match_of("bad");
    static const char head[] =
        "probe,gallery,rank,score,reference,probe_path,reference_path,probe_identity,reference_identity\n";
    static const struct {
        const char *rows, *words;
    } cases[] = {
        {"", "no probes"},
        {"0,train,1,0.5,60,,,,\n", "line 2: row 60, expected less than 60"},
        {"60,train,1,0.5,0,,,,\n", "line 2: row 60"},
        {"0,train,1,nan,0,,,,\n", "line 2"},
        {"0,train,1,7,0,,,,\n", "line 2: score 7"},
        {"0,elsewhere,1,0.5,0,,,,\n", "gallery 'elsewhere'"},
        {"0,train,1,0.5,0,,,,\n", "probe 0 has no rank 1 in holdout"},
        {"0,train,1,0.5,0,,,,\n0,train,1,0.5,0,,,,\n", "a second rank 1"},
        {"1,train,1,0.5,0,,,,\n0,train,1,0.5,0,,,,\n", "rising order"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[1000];
        snprintf(text, sizeof text, "%s%s", head, cases[i].rows);
        temp_text("bad/match/nearest.csv", text);
        assert_fails(&options, cases[i].words);
        assert_fails(&options, "nearest.csv");
    }
    temp_text("bad/match/nearest.csv", "probe,score\n");
    assert_fails(&options, "gallery");
    temp_text("bad/match/meta.json", "{\"kind\": \"faces\"}");
    assert_fails(&options, "found kind 'faces'");
    options.match = NULL;
    static const struct {
        const char *name, *text, *words;
    } tables[] = {
        {"curve.csv", "score,train\n", "no column 'train_low'"},
        {"persons.csv", "gallery,person,score,q,in_degree\ntrain,x,7,,1\n", "line 2: score 7"},
        {"identities.csv",
         "identity,images,train,holdout,margin,q,discovery,person,p_control,q_control,image,reference,image_path\n",
         "no identities"},
        {"identities.csv",
         "identity,images,train,holdout,margin,q,discovery,person,p_control,q_control,image,reference,image_path\n"
         "a,1,0.5,0.4,0.1,1,0,b,,,60,0,\n",
         "line 2: row 60, expected less than 60"},
        {"measures.json", "{\"kind\": \"match\"}", "found kind 'match', expected 'measures'"},
        {"measures.json", "{\"kind\": \"measures\", \"unit\": \"image\", \"verdict\": {\"name\": \"x\", \"sentence\": \"\"}}",
         "found verdict 'x'"},
    };
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        char path[200];
        snprintf(path, sizeof path, "bad/measure/%s", tables[i].name);
        temp_text(path, tables[i].text);
        assert_fails(&options, tables[i].words);
        assert_fails(&options, tables[i].name);
    }
}

/* Curves of the calibration set are drawn from a table of error rates, and not from a few thresholds. */
static void test_calibration(void **state)
{
    (void)state;
    lk_report_options options;
    lk_report_options_init(&options);
    options.measures = make_all("calibration", 1, 0);
    options.output = temp_path("calibration/report.html");
    report_ok(&options);
    char *page = slurp(options.output);
    assert_non_null(strstr(page, "no calibration set was given"));
    free(page);
    options.calibration =
        temp_text("roc.csv", "threshold,fmr,fmr_low,fmr_high,fnmr,fnmr_low,fnmr_high\n"
                             "0.2,0.5,0,1,0,0,1\n0.4,0.2,0,1,0.1,0,1\n0.45,0.15,0,1,0.125,0,1\n"
                             "0.8,0,0,1,1,0,1\n");
    report_ok(&options);
    page = slurp(options.output);
    assert_null(strstr(page, "no calibration set was given"));
    /* The worked example of docs/methods.md, and nothing between thresholds that are far apart. */
    assert_non_null(strstr(page, "0.40,0.44,,,,0.02,0.04,%0A"));
    assert_non_null(strstr(page, "0.32,0.36,,,,,,%0A"));
    free(page);
    options.calibration = temp_text("t.json", "{\"thresholds\": [{\"fmr\": 0.01, \"score\": 0.5, \"tar\": 0.9}, {\"fmr\": "
                                              "0.1, \"score\": 0.3, \"tar\": 0.99}]}");
    report_ok(&options);
    page = slurp(options.output);
    assert_non_null(strstr(page, "too few for curves"));
    free(page);
    options.calibration = temp_text("t2.csv", "threshold,fmr,fnmr\n0.5,0.1,0\n0.4,0.2,0\n");
    assert_fails(&options, "t2.csv: score 0.4 after 0.5");
    options.calibration = temp_text("t3.csv", "threshold,fmr,fnmr\n0.5,2,0\n");
    assert_fails(&options, "shares 1 and 2");
    options.calibration = temp_text("t4.json", "{\"kind\": \"thresholds\"}");
    assert_fails(&options, "calibrate");
    options.calibration = temp_text("t5.csv", "threshold,fmr,fnmr\n0.5,0.1,0\n");
    assert_fails(&options, "1 scores, expected at least two");
}

static void test_review(void **state)
{
    (void)state;
    lk_report_options options;
    lk_report_options_init(&options);
    options.measures = make_all("review", 1, 0);
    options.output = temp_path("review/report.html");
    options.review = temp_text(
        "review.json",
        "{\"kind\": \"review\", \"format\": 1, \"reviewers\": [{\"name\": \"SECRET\", \"answers\": 40, \"d_prime\": 1.25, "
        "\"criterion\": -0.5, \"consistency\": 0.9}], \"alpha\": {\"value\": 0.71, \"low\": 0.6, \"high\": 0.8}, \"theta\": "
        "{\"value\": 0.125, \"low\": 0.05, \"high\": 0.25}, \"cases\": [{\"image\": \"SECRET1.jpg\", \"identity\": \"SECRET\", "
        "\"unanimous\": \"same\", \"adjudicated\": null}, {\"image\": \"x\", \"unanimous\": null, \"adjudicated\": "
        "\"different\"}]}");
    report_ok(&options);
    char *page = slurp(options.output);
    assert_non_null(strstr(page, "1 person judged 2 pairs"));
    assert_non_null(strstr(page, "12.5\xe2\x80\xaf%"));
    assert_non_null(strstr(page, "1.25"));
    assert_non_null(strstr(page, "SECRET"));
    free(page);
    options.no_faces = 1;
    report_ok(&options);
    page = slurp(options.output);
    char *json = slurp(temp_path("review/report.json"));
    assert_non_null(strstr(page, "reviewer 1"));
    assert_null(strstr(page, "SECRET"));
    assert_null(strstr(json, "SECRET"));
    assert_non_null(strstr(json, "\"d_prime\": 1.25"));
    free(page);
    free(json);
    options.review = temp_text("other.json", "{\"kind\": \"match\"}");
    assert_fails(&options, "expected 'review'");
}

static void test_text(void **state)
{
    (void)state;
    struct lk_number n;
    assert_string_equal(lk_count(&n, 0), "0");
    assert_string_equal(lk_count(&n, 9999), "9999");
    assert_string_equal(lk_count(&n, 490623), "490\xe2\x80\xaf"
                                              "623");
    assert_string_equal(lk_count(&n, UINT64_MAX), "18\xe2\x80\xaf"
                                                  "446\xe2\x80\xaf"
                                                  "744\xe2\x80\xaf"
                                                  "073\xe2\x80\xaf"
                                                  "709\xe2\x80\xaf"
                                                  "551\xe2\x80\xaf"
                                                  "615");
    assert_string_equal(lk_percent(&n, 1), "100\xe2\x80\xaf%");
    assert_string_equal(lk_percent(&n, 0.99991), "99.991\xe2\x80\xaf%");
    assert_string_equal(lk_percent(&n, 0.0512), "5.1\xe2\x80\xaf%");
    assert_string_equal(lk_percent(&n, NAN), "\xe2\x80\x93");
    assert_string_equal(lk_percent_asked(&n, 0.05), "5\xe2\x80\xaf%");
    assert_string_equal(lk_rate(&n, 1e-4), "1 in 10\xe2\x80\xaf"
                                           "000");
    assert_string_equal(lk_rate(&n, 0.03), "0.03");
    assert_string_equal(lk_decimal(&n, -0.25, 2), "\xe2\x88\x92"
                                                  "0.25");
    assert_string_equal(lk_about(&n, 49.06), "49");
    char *clean = lk_utf8_copy("a\xff\xc0\x80z\xc3\xa9", NULL);
    assert_string_equal(clean, "a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz\xc3\xa9");
    free(clean);

    char *text = NULL;
    size_t len;
    FILE *f = open_memstream(&text, &len);
    lk_html_text(f, "\x01<&\"'>\xe2\x80\xae\xed\xa0\x80");
    fputs("|", f);
    lk_html_name(f, "short", 10);
    fputs("|", f);
    lk_html_name(f, "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9",
                 9); /* cut between characters only */
    fclose(f);
    assert_non_null(strstr(
        text, "\xef\xbf\xbd&lt;&amp;&quot;&#39;&gt;\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd|"));
    assert_non_null(strstr(text, "|<bdi class=\"name\">short</bdi>|"));
    assert_non_null(strstr(text, ">\xc3\xa9\xe2\x80\xa6\xc3\xa9\xc3\xa9\xc3\xa9</bdi>"));
    free(text);
}

static int start(void **state)
{
    (void)state;
    lk_ctx_options options;
    lk_ctx_options_init(&options);
    options.threads = 1;
    return lk_ctx_new(&ctx, &options, NULL) == LK_OK ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    lk_ctx_free(ctx);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_with_holdout),
        cmocka_unit_test(test_verdicts),
        cmocka_unit_test(test_page_and_json),
        cmocka_unit_test(test_gallery),
        cmocka_unit_test(test_contact_sheet),
        cmocka_unit_test(test_no_faces),
        cmocka_unit_test(test_without_faces_directories),
        cmocka_unit_test(test_truth),
        cmocka_unit_test(test_bad_input),
        cmocka_unit_test(test_calibration),
        cmocka_unit_test(test_review),
        cmocka_unit_test(test_text),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
