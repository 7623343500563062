/* SPDX-License-Identifier: Apache-2.0 */
/* best_matches.c - reads lists of (synthetic, real, score) from tables and JSON. */
#include "formats/best_matches.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "formats/csv.h"

enum { MAX_JSON = 256 << 20, MAX_FIELDS = 64 };

/* ---- one pair ------------------------------------------------------------------------------------- */

static void free_match(struct lk_best_match *m)
{
    free(m->probe);
    free(m->reference);
    free(m->probe_identity);
    free(m->reference_identity);
}

static const char *text_at(const char *const *texts, int column)
{
    return column >= 0 && texts[column] != NULL && texts[column][0] != '\0' ? texts[column] : NULL;
}

static lk_status take_score(const char *text, const char *name, double *out, lk_error *err)
{
    char *end = NULL;
    double value = text != NULL ? strtod(text, &end) : NAN;
    LK_NEED(text != NULL && *end == '\0' && strspn(text, "0123456789+-.eE") == strlen(text) &&
                isfinite(value),
            err, LK_EFORMAT, "column '%.60s': '%.60s', expected a number", name, text != NULL ? text : "");
    *out = value;
    return LK_OK;
}

static lk_status take_gallery(const char *text, const char *name, enum lk_list_gallery *out, lk_error *err)
{
    static const char *const train[] = {"t", "train", "training"};
    static const char *const holdout[] = {"h", "holdout", "hold-out", "hold_out", "withheld", "test"};
    *out = LK_LIST_NOT_SAID;
    if (text == NULL)
        return LK_OK;
    for (size_t i = 0; i < sizeof train / sizeof *train; i++)
        if (strcasecmp(text, train[i]) == 0)
            *out = LK_LIST_TRAIN;
    for (size_t i = 0; i < sizeof holdout / sizeof *holdout; i++)
        if (strcasecmp(text, holdout[i]) == 0)
            *out = LK_LIST_HOLDOUT;
    LK_NEED(*out != LK_LIST_NOT_SAID, err, LK_EFORMAT,
            "column '%.60s': '%.60s', expected train or holdout (T or H)", name, text);
    return LK_OK;
}

/* A name like 54.jpg is one among many: with its identity in front it is one image. */
static lk_status take_side(const int column[LK_N_FIELDS], const char *const *texts, const char *what,
                           char **image, char **identity, lk_error *err)
{
    const char *path = text_at(texts, column[LK_FIELD_PATH]), *name = text_at(texts, column[LK_FIELD_NAME]),
               *id = text_at(texts, column[LK_FIELD_ID]), *index = text_at(texts, column[LK_FIELD_INDEX]),
               *person = text_at(texts, column[LK_FIELD_IDENTITY]);
    const char *plain = path != NULL ? path : name != NULL ? name : id != NULL ? id : index;
    LK_NEED(plain != NULL, err, LK_EFORMAT, "no name of the %s image", what);
    if (plain == name && person != NULL && strchr(name, '/') == NULL)
        *image = lk_path_join(person, name, err);
    else
        *image = lk_strdup(plain, err);
    if (*image == NULL)
        return LK_ENOMEM;
    if (person != NULL && (*identity = lk_strdup(person, err)) == NULL)
        return LK_ENOMEM;
    return LK_OK;
}

static lk_status add_match(struct lk_best_matches *list, const struct lk_list_columns *c,
                           const char *const *names, const char *const *texts, lk_error *err)
{
    struct lk_best_match m = {.probe = NULL};
    lk_status status = take_score(text_at(texts, c->score), names[c->score], &m.score, err);
    if (status == LK_OK)
        status = take_gallery(text_at(texts, c->gallery), c->gallery >= 0 ? names[c->gallery] : "",
                              &m.gallery, err);
    if (status == LK_OK)
        status = take_side(c->of[LK_SIDE_PROBE], texts, "synthetic", &m.probe, &m.probe_identity, err);
    if (status == LK_OK)
        status = take_side(c->of[LK_SIDE_REFERENCE], texts, "real", &m.reference, &m.reference_identity, err);
    if (status == LK_OK)
        status = lk_grow(&list->items, &list->capacity, list->n + 1, sizeof *list->items, err);
    if (status != LK_OK) {
        free_match(&m);
        return status;
    }
    list->items[list->n++] = m;
    list->n_train += m.gallery == LK_LIST_TRAIN;
    list->n_holdout += m.gallery == LK_LIST_HOLDOUT;
    return LK_OK;
}

void lk_best_matches_free(struct lk_best_matches *matches)
{
    for (size_t i = 0; i < matches->n; i++)
        free_match(&matches->items[i]);
    free(matches->items);
    *matches = (struct lk_best_matches){.items = NULL};
}

/* ---- tables --------------------------------------------------------------------------------------- */

static const char *const plain_names[] = {"1", "2", "3", "4"};

static bool is_number(const char *text)
{
    double ignored;
    return text[0] != '\0' && take_score(text, "", &ignored, NULL) == LK_OK;
}

/* A first line is data when its third field is a number, or nothing in it can stand above the scores. */
static bool has_header(const struct lk_csv *csv)
{
    for (size_t i = 0; i < csv->n_columns; i++)
        if (lk_list_names_score(csv->columns[i]))
            return true;
    return csv->n_columns < 3 || !is_number(csv->columns[2]);
}

static lk_status add_line(struct lk_best_matches *list, const struct lk_csv *csv,
                          const struct lk_list_columns *c, const char *const *names, const char **texts,
                          lk_error *err)
{
    for (size_t i = 0; i < csv->n_columns; i++)
        texts[i] = lk_csv_field(csv, i);
    lk_status status = add_match(list, c, names, texts, err);
    if (status == LK_EFORMAT)
        lk_error_prefix(err, "line %" PRIu64, csv->line);
    return status;
}

static lk_status read_table(struct lk_best_matches *list, struct lk_csv *csv, const char **texts,
                            lk_error *err)
{
    struct lk_list_columns c;
    bool header = has_header(csv);
    const char *const *names = header ? (const char *const *)csv->columns : plain_names;
    lk_status status = header ? lk_list_columns_find(&c, names, csv->n_columns, NULL, err)
                              : lk_list_columns_plain(&c, csv->n_columns, err);
    if (status != LK_OK) {
        lk_error_prefix(err, "line %" PRIu64, csv->line);
        return status;
    }
    if (!header)
        LK_TRY(add_line(list, csv, &c, names, texts, err)); /* its fields are still the current record */
    for (;;) {
        int more;
        LK_TRY(lk_csv_next(csv, &more, err));
        if (!more)
            return LK_OK;
        LK_TRY(add_line(list, csv, &c, names, texts, err));
    }
}

static lk_status parse_table(const uint8_t *bytes, size_t len, struct lk_best_matches *list, lk_error *err)
{
    struct lk_csv csv = {0};
    LK_TRY(lk_csv_open(&csv, bytes, len, err));
    const char **texts = lk_calloc(csv.n_columns, sizeof *texts, err);
    lk_status status = texts != NULL ? read_table(list, &csv, texts, err) : LK_ENOMEM;
    free(texts);
    lk_csv_close(&csv);
    return status;
}

/* ---- JSON ----------------------------------------------------------------------------------------- */

/* The fields of one pair, those of the object around it in front. */
struct fields {
    const char *names[MAX_FIELDS], *texts[MAX_FIELDS];
    enum lk_list_side sides[MAX_FIELDS];
    char numbers[MAX_FIELDS][40];
    size_t n;
};

static lk_status add_field(struct fields *f, const char *name, const json_t *value, enum lk_list_side side,
                           lk_error *err)
{
    if (json_is_object(value) || json_is_array(value))
        return LK_OK;
    LK_NEED(f->n < MAX_FIELDS, err, LK_EFORMAT, "more than %d fields", MAX_FIELDS);
    size_t i = f->n++;
    f->names[i] = name;
    f->sides[i] = side;
    f->texts[i] = json_is_string(value)   ? json_string_value(value)
                  : json_is_number(value) ? f->numbers[i]
                                          : NULL;
    if (json_is_integer(value))
        snprintf(f->numbers[i], sizeof f->numbers[i], "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else if (json_is_real(value))
        snprintf(f->numbers[i], sizeof f->numbers[i], "%.17g", json_real_value(value));
    return LK_OK;
}

static lk_status add_fields(struct fields *f, json_t *object, enum lk_list_side side, lk_error *err)
{
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value) LK_TRY(add_field(f, key, value, side, err));
    return LK_OK;
}

static lk_status add_array(struct lk_best_matches *list, const json_t *array, lk_error *err)
{
    struct fields f = {.n = 0};
    struct lk_list_columns c;
    LK_TRY(lk_list_columns_plain(&c, json_array_size(array), err));
    for (size_t i = 0; i < json_array_size(array); i++) {
        const json_t *value = json_array_get(array, i);
        LK_NEED(!json_is_object(value) && !json_is_array(value), err, LK_EFORMAT,
                "value %zu is a list or an object, expected text or a number", i + 1);
        LK_TRY(add_field(&f, plain_names[i], value, LK_SIDE_PROBE, err));
    }
    return add_match(list, &c, plain_names, f.texts, err);
}

static lk_status add_object(struct lk_best_matches *list, json_t *object, json_t *around, lk_error *err)
{
    struct fields f = {.n = 0};
    struct lk_list_columns c;
    if (around != NULL)
        LK_TRY(add_fields(&f, around, LK_SIDE_PROBE, err));
    LK_TRY(add_fields(&f, object, around != NULL ? LK_SIDE_REFERENCE : LK_SIDE_PROBE, err));
    LK_TRY(lk_list_columns_find(&c, f.names, f.n, around != NULL ? f.sides : NULL, err));
    return add_match(list, &c, f.names, f.texts, err);
}

/* The only member of an object that is a list of objects or arrays; NULL when there is none. */
static lk_status find_list(const json_t *object, json_t **out, lk_error *err)
{
    const char *key, *first = "";
    json_t *value;
    *out = NULL;
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        const json_t *element = json_array_get(value, 0);
        if (!json_is_object(element) && !json_is_array(element))
            continue;
        LK_NEED(*out == NULL, err, LK_EFORMAT, "both '%.60s' and '%.60s' are lists, expected one of matches",
                first, key);
        *out = value;
        first = key;
    }
    return LK_OK;
}

/* An element is a pair, or a synthetic image with the list of its references. */
static lk_status add_element(struct lk_best_matches *list, json_t *element, lk_error *err)
{
    json_t *inner = NULL;
    if (json_is_array(element))
        return add_array(list, element, err);
    LK_NEED(json_is_object(element), err, LK_EFORMAT, "neither an object nor an array");
    LK_TRY(find_list(element, &inner, err));
    if (inner == NULL)
        return add_object(list, element, NULL, err);
    for (size_t i = 0; i < json_array_size(inner); i++) {
        json_t *object = json_array_get(inner, i);
        LK_NEED(json_is_object(object), err, LK_EFORMAT, "reference %zu of its list is not an object", i + 1);
        LK_TRY(add_object(list, object, element, err));
    }
    return LK_OK;
}

static lk_status add_elements(struct lk_best_matches *list, const json_t *array, lk_error *err)
{
    for (size_t i = 0; i < json_array_size(array); i++) {
        lk_status status = add_element(list, json_array_get(array, i), err);
        if (status != LK_OK) {
            lk_error_prefix(err, "pair %zu", i + 1);
            return status;
        }
    }
    return LK_OK;
}

/* Elements of a list, or of the list in an object; an object that names an image is an element itself. */
static lk_status add_root(struct lk_best_matches *list, json_t *root, lk_error *err)
{
    json_t *inner = NULL;
    /* A single pair as an array begins with a text or a number, a list of pairs with an array or an object.
     */
    if (json_is_array(root) && json_array_size(root) > 0 && !json_is_array(json_array_get(root, 0)) &&
        !json_is_object(json_array_get(root, 0)))
        return add_array(list, root, err);
    if (json_is_array(root))
        return add_elements(list, root, err);
    LK_TRY(find_list(root, &inner, err));
    bool of_one_image = false;
    const char *key;
    json_t *value;
    json_object_foreach(root, key, value) of_one_image |=
        (json_is_string(value) || json_is_number(value)) && lk_list_names_probe(key);
    return inner != NULL && !of_one_image ? add_elements(list, inner, err) : add_element(list, root, err);
}

static lk_status parse_json(const uint8_t *bytes, size_t len, struct lk_best_matches *list, lk_error *err)
{
    LK_NEED(len <= MAX_JSON, err, LK_EFORMAT, "%zu bytes of JSON, expected at most %d; make it a CSV table",
            len, MAX_JSON);
    uint64_t line = 1;
    for (size_t at = 0;;) {
        for (; at < len && bytes[at] != 0 && strchr(" \t\r\n", bytes[at]) != NULL; at++)
            line += bytes[at] == '\n';
        if (at == len)
            return LK_OK;
        json_error_t why;
        json_t *root = json_loadb((const char *)bytes + at, len - at,
                                  JSON_REJECT_DUPLICATES | JSON_DISABLE_EOF_CHECK, &why);
        LK_NEED(root != NULL, err, LK_EFORMAT, "line %" PRIu64 ", column %d: %s",
                line + (uint64_t)(why.line - 1), why.column, why.text);
        lk_status status = add_root(list, root, err);
        json_decref(root);
        if (status != LK_OK) {
            lk_error_prefix(err, "value from line %" PRIu64, line);
            return status;
        }
        for (size_t end = at + (size_t)why.position; at < end; at++)
            line += bytes[at] == '\n';
    }
}

/* ---- a file --------------------------------------------------------------------------------------- */

lk_status lk_best_matches_parse(const uint8_t *bytes, size_t len, struct lk_best_matches *out, lk_error *err)
{
    struct lk_best_matches list = {.items = NULL};
    size_t at = len >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0 ? 3 : 0, first = at;
    while (first < len && bytes[first] != 0 && strchr(" \t\r\n", bytes[first]) != NULL)
        first++;
    bool json = first < len && (bytes[first] == '{' || bytes[first] == '[');
    lk_status status =
        json ? parse_json(bytes + at, len - at, &list, err) : parse_table(bytes, len, &list, err);
    if (status == LK_OK && list.n == 0)
        status = lk_fail(err, LK_EFORMAT, "the list is empty, expected pairs of (synthetic, real, score)");
    if (status != LK_OK) {
        lk_best_matches_free(&list);
        return status;
    }
    *out = list;
    return LK_OK;
}

lk_status lk_best_matches_read(const char *path, struct lk_best_matches *out, lk_error *err)
{
    struct lk_map map;
    LK_TRY(lk_map_open(&map, path, err));
    lk_status status = lk_best_matches_parse(map.bytes, map.len, out, err);
    lk_map_close(&map);
    if (status != LK_OK)
        lk_error_prefix(err, "%s", path);
    return status;
}
