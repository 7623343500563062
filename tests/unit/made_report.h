/* SPDX-License-Identifier: Apache-2.0 */
/* made_report.h - made MEASURE, MATCH and FACES directories for the tests of the report, and reports of them. */
#ifndef LK_TESTS_MADE_REPORT_H
#define LK_TESTS_MADE_REPORT_H

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
#include "temp.h"

/* Every name and path of the made-up sets holds SECRET and what would break a page that does not escape. */
#define NASTY "SECRET</script><script>alert(1)</script>\"'&<b>"
#define NASTY_CSV "\"SECRET</script><script>alert(1)</script>\"\"'&<b>"

enum { UNITS = 60, PLANTED = 30, DIM = 4 };

static lk_ctx *ctx;

/* ---- MEASURE and MATCH directories with their FACES directories ----------------------------------------------------- */

static inline FILE *create(const char *dir, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%.3000s/%.200s", dir, name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    return f;
}

static inline void write_meta(const char *dir, json_t *meta)
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
static inline void make_faces(const char *dir, const char *picture, int with_points)
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
static inline double score_of(int unit, int holdout)
{
    if (unit < PLANTED)
        return holdout ? 0.3 : 0.8 + unit * 0.001;
    return 0.4 + ((unit + holdout) % 2 ? 0 : 0.001 * unit);
}

static inline void put_name(FILE *f, int i)
{
    char name[300];
    snprintf(name, sizeof name, NASTY "%d", i);
    putc(',', f);
    lk_csv_put(f, name);
}

static inline void put_names(FILE *f, int n, int i)
{
    for (int k = 0; k < n; k++)
        put_name(f, i);
}

static inline json_t *match_set_json(const char *path)
{
    return json_pack("{s:s, s:i, s:[], s:i, s:i, s:s}", "path", path, "rows", UNITS, "excluded", "dim", DIM,
                     "identities", UNITS, "embeddings_sha256", "cd");
}

static inline void make_match(const char *name, char paths[3][8192], int holdout)
{
    char sub[300];
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
                put_names(nearest, 4, i);
                putc('\n', nearest);
            }
        fprintf(pairs, "%d,%.9g,%d,%d", i + 1, 0.9 - 0.001 * i, i, i);
        put_names(pairs, 4, i);
        putc('\n', pairs);
    }
    fclose(nearest);
    fclose(pairs);
    write_meta(match, json_pack("{s:s, s:i, s:s, s:s, s:o, s:o, s:o, s:{}}", "kind", "match", "format", 1,
                                "command", "likeness match " NASTY, "working_directory", "/", "probes",
                                match_set_json(paths[0]), "references", match_set_json(paths[1]), "holdout",
                                holdout ? match_set_json(paths[2]) : json_null(), "outputs"));
}

static inline void write_tables(const char *dir, int holdout)
{
    FILE *f = create(dir, "identities.csv");
    fputs("identity,images,train,holdout,margin,q,discovery,person,in_degree,p_control,q_control,image,reference,"
          "image_path,reference_path,e_value,kind\n",
          f);
    for (int i = 0; i < UNITS; i++) {
        double t = score_of(i, 0), h = score_of(i, 1);
        fprintf(f, NASTY_CSV "%d\",1,%.9g", i, t);
        if (holdout)
            fprintf(f, ",%.9g,%.9g,%.9g,%d", h, t - h, i < PLANTED ? 0.03 : 1, i < PLANTED);
        else
            fputs(",,,,0", f);
        put_name(f, i);
        fprintf(f, ",1,,,%d,%d", i, i);
        put_names(f, 2, i);
        fprintf(f, ",0.001,%s\n", i < PLANTED ? "other picture" : "");
    }
    fclose(f);
    f = create(dir, "persons.csv");
    fputs("gallery,person,images,score,p,q,in_degree,image,reference,image_path\n", f);
    for (int i = 0; i < UNITS * (1 + holdout); i++) {
        fputs(i < UNITS ? "train" : "holdout1", f);
        put_name(f, i % UNITS);
        fprintf(f, ",1,%.9g,%s,1,%d,%d,x\n", score_of(i % UNITS, i >= UNITS), i < PLANTED ? "0.01,0.02" : ",", i % UNITS,
                i % UNITS);
    }
    fclose(f);
    f = create(dir, "curve.csv");
    fputs("score,train,train_low,train_high,holdout,holdout_low,holdout_high,excess,excess_low,excess_high,control\n",
          f);
    fputs("0.2,1,1,1,1,1,1,0,0,0,\n0.5,0.5,0.4,0.6,0,0,0.1,0.5,0.4,0.6,\n0.9,0,0,0.1,0,0,0.1,0,0,0,\n", f);
    fclose(f);
    f = create(dir, "pairs.csv");
    fputs("rank,score,e_value,kind,image,reference,image_path,reference_path,identity,person,flagged\n", f);
    for (int i = 0; i < UNITS; i++) {
        fprintf(f, "%d,%.9g,0.002,other picture,%d,%d", i + 1, 0.9 - 0.001 * i, i, i);
        put_names(f, 4, i);
        fputs(",1\n", f);
    }
    fclose(f);
}

static inline json_t *set_json(const char *path)
{
    return json_pack("{s:s, s:i, s:i, s:i, s:s, s:{s:s, s:s, s:s}, s:n, s:s}", "path", path, "images", UNITS, "excluded",
                     0, "identities", UNITS, "embeddings_sha256", "cd", "model", "name", "sface", "sha256", "ab",
                     "licence", "Apache-2.0", "detector", "alignment", "aligned");
}

static inline json_t *parse(const char *text)
{
    json_t *value = json_loads(text, 0, NULL);
    assert_non_null(value);
    return value;
}

#define SENTENCE "Some words about 30 of 60 at 5 %."

/* measures.json with one of the five verdicts. */
static inline void write_measures(const char *dir, char paths[3][8192], int holdout, const char *verdict)
{
    json_t *m = json_pack(
        "{s:s, s:i, s:s, s:s, s:s, s:{s:s, s:s}, s:s, s:i, s:i, s:{s:o, s:o, s:o, s:[]}, s:o, s:o, s:o, s:o, s:o, s:{}}",
        "kind", "measures", "format", 1, "tool", "likeness x", "command", "likeness measure " NASTY,
        "working_directory", "/", "verdict", "name", verdict, "sentence", SENTENCE, "unit", "identity", "units", UNITS,
        "seed", 1, "sets", "synthetic", set_json(paths[0]), "train", set_json(paths[1]), "holdouts",
        holdout ? json_pack("[o]", set_json(paths[2])) : json_array(), "controls", "matching",
        parse("{\"galleries\": 2, \"persons_each\": 60, \"train_persons_given\": 90, \"images_left_out\": 0}"),
        "doubles", json_null(), "balance",
        holdout ? parse("{\"refuted\": null, \"mixing\": {\"persons\": 120, \"own\": 61, \"expected\": 59.5, \"p\": 0.4}, "
                        "\"controls\": []}")
                : json_null(),
        "measures",
        parse("{\"L0_exposure\": {\"references\": 60, \"images\": 60, \"pairs\": 60, \"thresholds\": ["
              "{\"fmr\": 0.001, \"score\": 0.7, \"supported\": false, \"share\": 0.5, \"expected_by_chance\": 0.06, "
              "\"share_by_chance\": 0.0582},"
              "{\"fmr\": 0.01, \"score\": 0.5, \"supported\": true, \"share\": 0.5, \"expected_by_chance\": 0.6, "
              "\"share_by_chance\": 0.453}]},"
              "\"L8_kinds\": {\"closest_pairs\": {\"same picture\": 2, \"not read\": 10}, \"identities_with_copies\": 2}}"),
        "assumptions",
        parse("{\"exchangeable\": \"Training set and hold-out are of the same source.\", \"matcher\": \"The recogniser "
              "was not trained on it.\", \"alignment\": \"All were aligned alike.\"}"),
        "outputs");
    assert_non_null(m);
    if (holdout) {
        json_t *measures = json_object_get(m, "measures");
        json_object_set_new(measures, "L3_preference",
                            parse("{\"wins\": 45, \"losses\": 15, \"ties\": 0, \"pi\": {\"value\": 0.5, \"low\": 0.3, "
                                  "\"high\": 0.7}, \"p_value\": 0.0001}"));
        json_object_set_new(measures, "L4_discoveries",
                            parse("{\"q\": 0.05, \"holdouts\": 1, \"resolution\": 20, \"wins\": 45, \"losses\": 15, "
                                  "\"tau\": 0.5, \"discoveries\": 30, \"decoys\": 0, \"largest_decoy\": 0.05}"));
        json_object_set_new(measures, "L7_persons",
                            parse("{\"auc\": {\"value\": 0.75, \"low\": 0.6, \"high\": 0.9}, \"rates\": [{\"fpr\": 0.01, "
                                  "\"tpr\": {\"value\": 0.5, \"low\": 0.3, \"high\": 0.7}, \"supported\": false}], "
                                  "\"roc\": [{\"fpr\": 0, \"tpr\": 0, \"score\": null}, {\"fpr\": 1, \"tpr\": 1, \"score\": "
                                  "0.4}], \"q\": 0.05, \"discoveries\": 30}"));
        json_object_set_new(measures, "L10_power",
                            parse("{\"power\": 0.8, \"rows\": [{\"genuine\": true, \"strength\": 0.65, \"planted\": 21, "
                                  "\"units\": 60}]}"));
    }
    char path[8300];
    lk_error err;
    snprintf(path, sizeof path, "%s/measures.json", dir);
    assert_int_equal(lk_json_write(path, m, &err), LK_OK);
    json_decref(m);
}

/* Everything below the folder NAME: sets, match/, measure/, whose path it gives. */
static inline const char *make_all_as(const char *name, int holdout, int with_points, const char *verdict)
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
    make_match(name, paths, holdout);
    snprintf(sub, sizeof sub, "%s/measure", name);
    const char *measure = temp_dir(sub);
    write_tables(measure, holdout);
    write_measures(measure, paths, holdout, verdict);
    return measure;
}

static inline const char *make_all(const char *name, int holdout, int with_points)
{
    return make_all_as(name, holdout, with_points, holdout ? "leak shown" : "not interpretable");
}

static inline char *slurp(const char *path)
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

static inline const char *match_of(const char *name)
{
    static char path[8192];
    char sub[300];
    snprintf(sub, sizeof sub, "%s/match", name);
    snprintf(path, sizeof path, "%s", temp_path(sub));
    return path;
}

static inline lk_report_summary report_ok(const lk_report_options *options)
{
    lk_error err = {0};
    lk_report_summary summary;
    if (lk_report(ctx, options, &summary, &err) != LK_OK)
        fail_msg("%s", err.text);
    return summary;
}

static inline void assert_fails(const lk_report_options *options, const char *with_words)
{
    lk_error err = {0};
    lk_report_summary summary;
    assert_int_not_equal(lk_report(ctx, options, &summary, &err), LK_OK);
    if (strstr(err.text, with_words) == NULL)
        fail_msg("'%s' does not hold '%s'", err.text, with_words);
}

static inline size_t count_of(const char *text, const char *part)
{
    size_t n = 0;
    for (const char *p = text; (p = strstr(p, part)) != NULL; p += strlen(part))
        n++;
    return n;
}

#endif
