/* SPDX-License-Identifier: Apache-2.0 */
/* t_report.c - the report: numbers, escaping, withheld names, missing pictures, damaged tables. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/hash.h"
#include "formats/faces.h"
#include "formats/image.h"
#include "formats/json.h"
#include "report/html.h"
#include "temp.h"

/* Every name and path of the made-up sets holds SECRET and what would break a page that does not escape. */
#define NASTY "SECRET</script><script>alert(1)</script>\"'&<b>"
enum { UNITS = 60, PLANTED = 30, DIM = 4 };

static lk_ctx *ctx;

/* ---- a MATCH directory with its FACES directories ----------------------------------------------------- */

static FILE *create(const char *dir, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%.3000s/%.200s", dir, name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    return f;
}

static void write_meta(const char *dir, json_t *meta)
{
    char path[4096];
    lk_error err;
    assert_non_null(meta);
    snprintf(path, sizeof path, "%.3000s/meta.json", dir);
    assert_int_equal(lk_json_write(path, meta, &err), LK_OK);
    json_decref(meta);
}

/* Rows 0 .. UNITS-1 with a face each, one picture without a face, one unreadable and one
 * excluded. `picture` is what rows
 * show. */
static void make_faces(const char *dir, const char *picture, int with_points)
{
    lk_error err;
    mkdir(dir, 0700);
    FILE *f = create(dir, "embeddings.npy");
    assert_int_equal(lk_npy_write_header(f, UNITS, DIM, &err), LK_OK);
    for (int i = 0; i < UNITS; i++)
        fwrite((float[DIM]){1}, sizeof(float), DIM, f);
    fclose(f);
    f = create(dir, "images.csv");
    fprintf(f, "%s\n", lk_faces_csv_header);
    char name[300];
    for (int i = 0; i < UNITS + 3; i++) {
        snprintf(name, sizeof name, NASTY "%d", i);
        struct lk_face_image image = {.row = i < UNITS ? i : -1,
                                      .path = (char *)(uintptr_t)(i % 2 ? picture : name),
                                      .identity = name,
                                      .n_faces = i < UNITS,
                                      .width = 200,
                                      .height = 150,
                                      .norm = i < UNITS ? 1 : NAN,
                                      .sharpness = NAN,
                                      .yaw = NAN,
                                      .age = NAN};
        image.status = i < UNITS ? LK_FACE_EMBEDDED : i == UNITS       ? LK_FACE_NONE
                       : i == UNITS + 1 ? LK_FACE_UNREADABLE
                                        : LK_FACE_EXCLUDED;
        char message[] = NASTY;
        image.message = i > UNITS ? message : NULL;
        if (i < UNITS && with_points)
            image.face = (struct lk_face){
                .box = {50, 30, 100, 100}, .score = 1, .has = 7, .points = {{80, 60}, {120, 60}, {100, 80}}};
        lk_faces_csv_write(f, &image);
    }
    fclose(f);
    write_meta(dir, json_pack("{s:s, s:i, s:s, s:s, s:{s:s, s:s, s:s, s:i, s:[{s:f, s:f, s:b, s:s}, {s:f, "
                              "s:f, s:b}]}, s:n, s:s, s:s}",
                              "kind", "faces", "format", 1, "command", "likeness embed " NASTY,
                              "working_directory", temp_path(""), "model", "name", "sface", "sha256", "ab",
                              "licence", "Apache-2.0", "dim", DIM, "thresholds", "fmr", 0.01, "score", 0.5,
                              "supported", 1, "source", "made up", "fmr", 0.001, "score", 0.7, "supported", 0,
                              "detector", "alignment", "aligned", "embeddings_sha256", "cd"));
}

/* Units 0 .. PLANTED-1 are far closer to the training set; the rest alternate, with small margins. */
static double score_of(int unit, int holdout)
{
    if (unit < PLANTED)
        return holdout ? 0.3 : 0.8 + unit * 0.001;
    return 0.4 + ((unit + holdout) % 2 ? 0 : 0.001 * unit);
}

static void put_name(FILE *f, int i)
{
    char name[300];
    snprintf(name, sizeof name, NASTY "%d", i);
    putc(',', f);
    lk_csv_put(f, name);
}

static json_t *set_json(const char *path)
{
    return json_pack("{s:s, s:i, s:[], s:i, s:i, s:s}", "path", path, "rows", UNITS, "excluded", "dim", DIM,
                     "identities", UNITS, "embeddings_sha256", "cd");
}

/* Everything below the folder NAME; gives the MATCH directory. */
static const char *make_match(const char *name, int holdout, int with_points)
{
    char sub[300];
    temp_dir(name);
    struct lk_image image;
    lk_error err;
    assert_int_equal(lk_image_new(&image, 300, 200, &err), LK_OK);
    memset(image.rgb, 120, 300 * 200 * 3);
    uint8_t *bytes;
    size_t len;
    assert_int_equal(lk_image_encode_jpeg(&image, 90, &bytes, &len, &err), LK_OK);
    lk_image_free(&image);
    snprintf(sub, sizeof sub, "%s/SECRET.jpg", name);
    char picture[8192];
    snprintf(picture, sizeof picture, "%s", temp_file(sub, bytes, len));
    free(bytes);
    static const char *const sets[] = {"SECRETsynth", "SECRETtrain", "SECREThold"};
    char paths[3][8192];
    for (int i = 0; i < 3; i++) {
        snprintf(sub, sizeof sub, "%s/%s", name, sets[i]);
        snprintf(paths[i], sizeof paths[i], "%s", temp_path(sub));
        make_faces(paths[i], picture, with_points);
    }
    snprintf(sub, sizeof sub, "%s/match", name);
    const char *match = temp_dir(sub);
    FILE *nearest = create(match, "nearest.csv"), *pairs = create(match, "pairs.csv");
    fputs("probe,gallery,rank,score,reference,probe_path,reference_path,probe_identity,reference_identity\n",
          nearest);
    fputs("rank,score,probe,reference,probe_path,reference_path,probe_identity,reference_identity\n", pairs);
    for (int i = 0; i < UNITS; i++) {
        for (int g = 0; g <= holdout; g++)
            for (int rank = 1; rank <= 2; rank++) {
                fprintf(nearest, "%d,%s,%d,%.9g,%d", i, g ? "holdout" : "train", rank,
                        score_of(i, g) - 0.01 * (rank - 1), i);
                for (int k = 0; k < 4; k++)
                    put_name(nearest, i);
                putc('\n', nearest);
            }
        fprintf(pairs, "%d,%.9g,%d,%d", i + 1, 0.9 - 0.001 * i, i, i);
        for (int k = 0; k < 4; k++)
            put_name(pairs, i);
        putc('\n', pairs);
    }
    fclose(nearest);
    fclose(pairs);
    write_meta(match, json_pack("{s:s, s:i, s:s, s:s, s:o, s:o, s:o, s:{s:s}}", "kind", "match", "format", 1,
                                "command", "likeness match " NASTY, "working_directory", "/", "probes",
                                set_json(paths[0]), "references", set_json(paths[1]), "holdout",
                                holdout ? set_json(paths[2]) : json_null(), "outputs", "pairs.csv", "ef"));
    return match;
}

static char *slurp(const char *path)
{
    uint8_t *bytes;
    size_t len;
    lk_error err;
    assert_int_equal(lk_file_read(path, 50 << 20, &bytes, &len, &err), LK_OK);
    assert_true(len < 5 << 20);
    char *text = strdup((char *)bytes);
    free(bytes);
    return text;
}

static lk_report_summary report_ok(const lk_report_options *options)
{
    lk_error err = {0};
    lk_report_summary summary;
    if (lk_report(ctx, options, &summary, &err) != LK_OK)
        fail_msg("%s", err.text);
    return summary;
}

static void assert_fails(const lk_report_options *options, const char *with_words)
{
    lk_error err = {0};
    lk_report_summary summary;
    assert_int_not_equal(lk_report(ctx, options, &summary, &err), LK_OK);
    if (strstr(err.text, with_words) == NULL)
        fail_msg("'%s' does not hold '%s'", err.text, with_words);
}

static size_t count_of(const char *text, const char *part)
{
    size_t n = 0;
    for (const char *p = text; (p = strstr(p, part)) != NULL; p += strlen(part))
        n++;
    return n;
}

/* ---- tests -------------------------------------------------------------------------------------------- */

static void test_numbers_with_holdout(void **state)
{
    (void)state;
    lk_report_options options;
    lk_report_options_init(&options);
    options.match = make_match("numbers", 1, 0);
    lk_report_summary s = report_ok(&options); /* verdict only */
    assert_int_equal(s.verdict, LK_VERDICT_LEAK_SHOWN);
    assert_int_equal(s.n_units, UNITS);
    assert_int_equal(s.n_discoveries, PLANTED);
    assert_true(fabs(s.share - 0.5) <
                1e-9);  /* 30 planted and half of the other 30 prefer training: p = 45 / 60 */
    options.fdr = 0.01; /* 100 finds would be needed */
    s = report_ok(&options);
    assert_int_equal(s.verdict, LK_VERDICT_NOT_ENOUGH_POWER);
    assert_int_equal(s.n_discoveries, 0);
    assert_null(strstr(s.sentence, "no leak"));
}

static void test_page_and_json(void **state)
{
    (void)state;
    lk_report_options options;
    lk_report_options_init(&options);
    options.match = make_match("page", 1, 1);
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
    /* the figures' numbers, those of the pairs, their pictures, and six scripts */
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
    json_t *level = json_array_get(json_object_get(json, "thresholds"), 0);
    assert_true(fabs(json_real_value(json_object_get(level, "expected_by_chance")) - UNITS * 0.01) < 1e-9);
    assert_true(fabs(json_real_value(json_object_get(level, "share_by_chance")) - (1 - pow(0.99, UNITS))) <
                1e-9);
    assert_true(fabs(json_real_value(json_object_get(level, "share_training")) - 0.5) < 1e-9);
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
    options.match = make_match("gallery", 1, 1);
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
    /* Of a MATCH directory the margin is known, not the E-value; the detector's score stands in images.csv.
     */
    assert_true(fabs(json_real_value(json_object_get(pair, "margin")) - (score_of(3, 0) - score_of(3, 1))) <
                1e-6);
    assert_true(json_is_real(json_object_get(pair, "q")));
    assert_true(json_is_null(json_object_get(pair, "e")));
    assert_true(json_is_null(json_object_get(pair, "kind")));
    json_t *side = json_array_get(json_object_get(pair, "sides"), 1);
    assert_true(fabs(json_real_value(json_object_get(side, "detector")) - 1) < 1e-9);
    assert_null(json_object_get(side, "age"));
    assert_int_equal(json_array_size(json_object_get(facts, "measures")), 4);
    json_decref(facts);
    free(page);
}

static void test_contact_sheet(void **state)
{
    (void)state;
    lk_report_options options;
    lk_report_options_init(&options);
    options.match = make_match("sheet", 1, 1);
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
    /* The first pair is a discovery without pictures, the second one has them: grey 120 of make_match. */
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
    options.match = make_match("bare", 1, 0);
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
    options.match = make_match("barer", 0, 0);
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
    options.match = make_match("gone", 1, 0);
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
    options.match = make_match("truth", 1, 0);
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
    options.match = temp_path("nowhere");
    assert_fails(&options, "nowhere: no finished MATCH directory (no meta.json), expected one");
    char match[8192];
    snprintf(match, sizeof match, "%s", make_match("bad", 1, 0));
    options.match = match;
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
    options.thresholds = temp_text("t.json", "{\"kind\": \"thresholds\"}");
    assert_fails(&options, "calibrate");
    options.thresholds = temp_text("t2.json", "{\"thresholds\": [{\"fmr\": 2, \"score\": 0.5}]}");
    assert_fails(&options, "threshold 0 has fmr 2");
    options.thresholds = NULL;
    temp_text("bad/match/meta.json", "{\"kind\": \"faces\"}");
    assert_fails(&options, "found kind 'faces'");
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
        cmocka_unit_test(test_page_and_json),
        cmocka_unit_test(test_gallery),
        cmocka_unit_test(test_contact_sheet),
        cmocka_unit_test(test_no_faces),
        cmocka_unit_test(test_without_faces_directories),
        cmocka_unit_test(test_truth),
        cmocka_unit_test(test_bad_input),
        cmocka_unit_test(test_text),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
