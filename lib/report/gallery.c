/* SPDX-License-Identifier: Apache-2.0 */
/* gallery.c - the pairs on the page: the first ones as they stand, the others with their pictures kept aside
 * for gallery.js, which sorts, filters and pages them. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "formats/json.h"
#include "report/html.h"
#include "report/report.h"
#include "vision/kind.h"

#define PICTURE_HEAD "data:image/jpeg;base64,"

/* On the first page, which is also what a reader without JavaScript has. */
enum { FIRST = 24, NAME_ROOM = 26 };

/* ---- what is known of the pairs --------------------------------------------------------------------- */

/* A number that pairs are sorted by and filtered on: one of the pair, or one of each face. */
struct measure {
    const char *key, *label;
    const char *of_both; /* of two faces, which one the order goes by; NULL = a number of the pair */
    int places;          /* -1 = two significant digits */
    bool low_first;
    const char *meaning;
};

enum { SCORE, MARGIN, E_VALUE, Q, N_OF_PAIR, AGE = N_OF_PAIR, YAW, SHARPNESS, DETECTOR, N_MEASURES };

static const struct measure measures[N_MEASURES] = {
    [SCORE] =
        {"score", "score", NULL, 3, false,
         "how alike the matcher finds the two faces, at most 1; <em>reached by</em> says how many pairs of "
         "different people pass the strictest threshold that it reaches"},
    [MARGIN] = {"margin", "margin", NULL, 3, false,
                "how much closer the synthetic identity comes to the training set than to any hold-out"},
    [E_VALUE] = {"e", "E-value", NULL, -1, true,
                 "how many persons of the training set would come this close to the image by chance"},
    [Q] = {"q", "q-value", NULL, -1, true,
           "the smallest false discovery rate at which the synthetic identity is a discovery"},
    [AGE] = {"age", "age", "lower", 0, true, "years that a network estimates from the face"},
    [YAW] = {"yaw", "turn of the head", "larger", 0, true, "degrees to the side"},
    [SHARPNESS] = {"sharpness", "sharpness", "lower", -1, false, "of the aligned crop"},
    [DETECTOR] = {"detector", "detector score", "lower", 3, false,
                  "how sure the detector is of the face, 0 to 1"},
};

/* Of the pair, or of its probe (side 0) or reference (side 1). NaN = not known. */
static double value_of(const struct lk_report_pair *pair, int measure, int side)
{
    const struct lk_report_strata *face = &pair->strata[side];
    switch (measure) {
    case SCORE:
        return pair->score;
    case MARGIN:
        return pair->margin;
    case E_VALUE:
        return pair->e_value;
    case Q:
        return pair->q;
    case AGE:
        return face->age;
    case YAW:
        return face->yaw;
    case SHARPNESS:
        return face->sharpness;
    default:
        return face->detector_score;
    }
}

static bool is_known(const struct lk_report *r, int measure)
{
    for (size_t i = 0; i < r->n_pairs; i++)
        if (isfinite(value_of(&r->pairs[i], measure, 0)) || isfinite(value_of(&r->pairs[i], measure, 1)))
            return true;
    return false;
}

static const char *kind_of(const struct lk_report_pair *pair)
{
    return pair->kind;
}

static const char *reviewed_of(const struct lk_report_pair *pair)
{
    return pair->reviewed;
}

static bool any_text(const struct lk_report *r, const char *(*text_of)(const struct lk_report_pair *))
{
    for (size_t i = 0; i < r->n_pairs; i++)
        if (text_of(&r->pairs[i]) != NULL)
            return true;
    return false;
}

/* The strictest threshold that a score reaches, or NULL. */
static const struct lk_report_level *level_of(const struct lk_report *r, double score)
{
    const struct lk_report_level *reached = NULL;
    for (size_t i = 0; i < r->n_levels; i++)
        if (score >= r->levels[i].score)
            reached = &r->levels[i];
    return reached;
}

/* ---- one pair --------------------------------------------------------------------------------------- */

static bool show_pictures(const struct lk_report *r)
{
    return !r->options->no_faces && (r->sets[LK_SYNTHETIC].open || r->sets[LK_TRAINING].open);
}

static void put_picture(const struct lk_report *r, const struct lk_report_pair *pair, int side, bool now,
                        FILE *f)
{
    size_t number = pair->picture[side];
    if (number == SIZE_MAX) {
        fputs("<span class=\"blank\">no picture</span>", f);
        return;
    }
    fprintf(f, "<img data-picture=\"%zu\" width=\"112\" height=\"112\" alt=\"%s face\"", number,
            side == 0 ? "synthetic" : "real");
    if (now)
        fprintf(f, " src=\"" PICTURE_HEAD "%s\"", r->pictures[number]);
    fputs(">", f);
}

static void put_who(const struct lk_report *r, const struct lk_report_pair *pair, int side, FILE *f)
{
    struct lk_number n;
    const char *path = pair->path[side], *slash = path != NULL ? strrchr(path, '/') : NULL;
    fprintf(f, "<p><b>%s</b> ", side == 0 ? "synthetic" : "real");
    if (r->options->no_faces || (pair->identity[side] == NULL && path == NULL))
        fprintf(f, "row %s", lk_count(&n, side == 0 ? pair->probe : pair->reference));
    else if (pair->identity[side] != NULL)
        lk_html_name(f, pair->identity[side], NAME_ROOM);
    else
        lk_html_name(f, slash != NULL ? slash + 1 : path, NAME_ROOM);
    fputs("</p>", f);
}

/* Two significant digits: 123, 0.071, 1.5e-8 with a true minus sign. gallery.js writes them alike. */
static void two_digits(struct lk_number *out, double value)
{
    if (fabs(value) >= 99.5) {
        lk_decimal(out, value, 0);
    } else if (value != 0 && fabs(value) < 1e-4) {
        char text[32];
        snprintf(text, sizeof text, "%.1e", value);
        long exponent = strtol(strchr(text, 'e') + 1, NULL, 10);
        snprintf(out->text, sizeof out->text, "%.*se\xe2\x88\x92%ld", (int)(strchr(text, 'e') - text), text,
                 -exponent);
    } else {
        snprintf(out->text, sizeof out->text, "%.2g", value);
    }
}

static void put_number(FILE *f, int measure, double value)
{
    struct lk_number n;
    if (isnan(value))
        return;
    if (measures[measure].places >= 0)
        lk_decimal(&n, value, measures[measure].places);
    else
        two_digits(&n, value);
    fprintf(f, "<span>%s %s</span> ", measures[measure].label, n.text);
}

static void put_text(FILE *f, const char *label, const char *text)
{
    if (text == NULL)
        return;
    fprintf(f, "<span class=\"tag\">%s", label);
    lk_html_text(f, text);
    fputs("</span> ", f);
}

static void put_pair(const struct lk_report *r, const struct lk_report_pair *pair, bool now, FILE *f)
{
    struct lk_number a, b;
    const struct lk_report_level *level = level_of(r, pair->score);
    fprintf(f, "<li%s>", pair->discovered ? " class=\"found\"" : "");
    if (show_pictures(r)) {
        fputs("<div class=\"pair\">", f);
        put_picture(r, pair, 1, now, f);
        put_picture(r, pair, 0, now, f);
        fputs("</div>", f);
    }
    fputs("<div class=\"pair who\">", f);
    put_who(r, pair, 1, f);
    put_who(r, pair, 0, f);
    fprintf(f, "</div><p class=\"score\"><span>#%s</span> <b>%s</b> ", lk_count(&a, pair->rank),
            lk_decimal(&b, pair->score, 3));
    if (pair->discovered)
        fputs("<em>discovery</em>", f);
    fputs("</p><p class=\"more\">", f);
    if (level != NULL)
        fprintf(f, "<span>reached by %s</span> ", lk_rate(&a, level->fmr));
    else if (r->n_levels > 0)
        fputs("<span>below all thresholds</span> ", f);
    for (int m = MARGIN; m < N_OF_PAIR; m++)
        put_number(f, m, value_of(pair, m, 0));
    put_text(f, "", pair->kind);
    put_text(f, "reviewed: ", pair->reviewed);
    fputs("</p></li>\n", f);
}

/* ---- the same for gallery.js ------------------------------------------------------------------------ */

static json_t *size_or_null(size_t value)
{
    return value != SIZE_MAX ? json_integer((json_int_t)value) : json_null();
}

static json_t *side_to_json(const struct lk_report *r, const struct lk_report_pair *pair, int side)
{
    bool bare = r->options->no_faces;
    json_t *out =
        json_pack("{s:I, s:o, s:o, s:o}", "row", (json_int_t)(side == 0 ? pair->probe : pair->reference),
                  "picture", size_or_null(pair->picture[side]), "identity",
                  lk_json_text_or_null(bare ? NULL : pair->identity[side]), "path",
                  lk_json_text_or_null(bare ? NULL : pair->path[side]));
    for (int m = N_OF_PAIR; m < N_MEASURES; m++) {
        double value = value_of(pair, m, side);
        if (isfinite(value) && json_object_set_new(out, measures[m].key, json_real(value)) != 0) {
            json_decref(out);
            return NULL;
        }
    }
    return out;
}

static json_t *pair_to_json(const struct lk_report *r, const struct lk_report_pair *pair)
{
    struct lk_number rate;
    const struct lk_report_level *level = level_of(r, pair->score);
    return json_pack(
        "{s:I, s:o, s:o, s:o, s:o, s:o, s:b, s:o, s:o, s:[o, o]}", "rank", (json_int_t)pair->rank, "score",
        lk_json_number(pair->score), "margin", lk_json_number(pair->margin), "e",
        lk_json_number(pair->e_value), "q", lk_json_number(pair->q), "level",
        level != NULL ? json_string(lk_rate(&rate, level->fmr)) : json_null(), "found", pair->discovered,
        "kind", lk_json_text_or_null(pair->kind), "reviewed", lk_json_text_or_null(pair->reviewed), "sides",
        side_to_json(r, pair, 0), side_to_json(r, pair, 1));
}

static json_t *append(json_t *list, json_t *entry)
{
    if (list == NULL) {
        json_decref(entry);
        return NULL;
    }
    if (json_array_append_new(list, entry) != 0) {
        json_decref(list);
        return NULL;
    }
    return list;
}

static json_t *measures_to_json(const struct lk_report *r)
{
    json_t *list = json_array();
    for (int m = 0; m < N_MEASURES; m++) {
        const struct measure *x = &measures[m];
        if (is_known(r, m))
            list = append(list, json_pack("{s:s, s:s, s:s?, s:i, s:b}", "key", x->key, "label", x->label,
                                          "of", x->of_both, "places", x->places, "low", x->low_first));
    }
    return list;
}

/* Kinds in the order of what they prove; what else tables say follows as it comes. */
static json_t *kinds_to_json(void)
{
    return json_pack("[s, s, s, s]", lk_kind_name(LK_KIND_SAME_PICTURE), lk_kind_name(LK_KIND_SAME_MIRRORED),
                     lk_kind_name(LK_KIND_OTHER_PICTURE), lk_kind_name(LK_KIND_UNKNOWN));
}

/* Pictures are numbered as they first appear, so those of the first page come first: how many? */
static size_t pictures_shown(const struct lk_report *r)
{
    size_t n = 0;
    for (size_t i = 0; i < r->n_pairs && i < FIRST; i++)
        for (int side = 0; side < 2; side++)
            if (r->pairs[i].picture[side] != SIZE_MAX && r->pairs[i].picture[side] >= n)
                n = r->pairs[i].picture[side] + 1;
    return n;
}

static lk_status put_facts(const struct lk_report *r, FILE *f, lk_error *err)
{
    json_t *pairs = json_array();
    for (size_t i = 0; i < r->n_pairs; i++)
        pairs = append(pairs, pair_to_json(r, &r->pairs[i]));
    json_t *facts = json_pack("{s:i, s:I, s:b, s:o, s:o, s:o}", "first", FIRST, "pictures_from",
                              (json_int_t)pictures_shown(r), "names", !r->options->no_faces, "measures",
                              measures_to_json(r), "kinds", kinds_to_json(), "pairs", pairs);
    LK_NEED(facts != NULL, err, LK_ENOMEM, "out of memory while collecting the pairs");
    fputs("<script type=\"application/json\" id=\"pair-facts\">", f);
    lk_status status = lk_html_json(f, facts, err);
    json_decref(facts);
    fputs("</script>\n", f);
    return status;
}

/* One picture a line, in base64; an empty line for one that could not be made. */
static void put_pictures(const struct lk_report *r, FILE *f)
{
    if (!show_pictures(r))
        return;
    fputs("<script type=\"text/plain\" id=\"pair-pictures\" data-head=\"" PICTURE_HEAD "\">", f);
    for (size_t i = pictures_shown(r); i < r->n_pictures; i++)
        fprintf(f, "%s\n", r->pictures[i] != NULL ? r->pictures[i] : "");
    fputs("</script>\n", f);
}

/* ---- the section ------------------------------------------------------------------------------------ */

static void put_meaning(FILE *f, const char *word, const char *meaning)
{
    fprintf(f, "<div><dt>%s</dt><dd>%s</dd></div>\n", word, meaning);
}

static void put_meanings(const struct lk_report *r, FILE *f)
{
    fputs("<details class=\"meanings\"><summary>What the words and numbers mean</summary><dl>\n", f);
    for (int m = 0; m < N_MEASURES; m++)
        if (is_known(r, m))
            put_meaning(f, measures[m].label, measures[m].meaning);
    if (r->competition.discoveries > 0)
        put_meaning(f, "discovery",
                    r->by_identity
                        ? "the pair shows a discovered synthetic identity and the person it is closest to"
                        : "the pair shows a discovered synthetic image and the person it is closest to");
    if (any_text(r, kind_of))
        put_meaning(f, "kind",
                    "whether the synthetic image is the very picture of the training set, perhaps changed or "
                    "mirrored, or another one");
    if (json_array_size(json_object_get(json_object_get(r->measures, "filters"), "conditions")) > 0)
        put_meaning(f, LK_REPORT_FILTERED,
                    "one of the two images does not meet the filters: nothing was measured of the pair");
    if (any_text(r, reviewed_of))
        put_meaning(f, "reviewed", "what the reviewers saw, who knew none of these numbers");
    fputs("</dl></details>\n", f);
}

lk_status lk_report_gallery(const struct lk_report *r, FILE *f, lk_error *err)
{
    struct lk_number a, b;
    fprintf(
        f,
        "<section id=\"pairs\">\n<h2>Closest pairs</h2>\n<p>The %s most similar pairs of a real and a "
        "synthetic image, of %s in <code>pairs.csv</code>; the real one stands on the left. They are leads "
        "to look at, not proof: among so many pairs some look-alikes are certain.</p>\n",
        lk_count(&a, r->n_pairs), lk_count(&b, r->n_pairs_listed));
    if (r->options->no_faces)
        fputs("<p class=\"note\">Pictures, paths and names are withheld. Rows count from 0 in each set's "
              "<code>embeddings.npy</code>.</p>\n",
              f);
    put_meanings(r, f);
    fputs("<div id=\"gallery\">\n<ol class=\"pairs\" id=\"pair-list\">\n", f);
    for (size_t i = 0; i < r->n_pairs && i < FIRST; i++)
        put_pair(r, &r->pairs[i], true, f);
    fputs("</ol>\n</div>\n", f);
    if (r->n_pairs > FIRST)
        fprintf(
            f,
            "<noscript><p class=\"note\">These are the first %d. The others need JavaScript here, and are in "
            "<code>pairs.csv</code>.</p></noscript>\n",
            FIRST);
    fputs("<template id=\"pair-rest\">\n", f);
    for (size_t i = FIRST; i < r->n_pairs; i++)
        put_pair(r, &r->pairs[i], false, f);
    fputs("</template>\n", f);
    put_pictures(r, f);
    lk_status status = put_facts(r, f, err);
    fputs("</section>\n", f);
    return status;
}
