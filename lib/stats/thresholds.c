/* SPDX-License-Identifier: Apache-2.0 */
/* thresholds.c - lists of thresholds in thresholds.json and in model descriptors: read and written. */
#include "stats/thresholds.h"

#include <math.h>
#include <string.h>

#include "formats/json.h"

static lk_status read_one(const json_t *item, lk_threshold *out, const char *where, lk_error *err)
{
    lk_threshold t = {.fmr_low = NAN, .fmr_high = NAN, .tar = NAN, .tar_low = NAN, .tar_high = NAN};
    LK_NEED(json_is_object(item), err, LK_EFORMAT, "%s: an entry of \"thresholds\" is not an object", where);
    LK_TRY(lk_json_real(item, "fmr", 1, &t.fmr, where, err));
    LK_TRY(lk_json_real(item, "score", 1, &t.score, where, err));
    LK_NEED(t.fmr > 0 && t.fmr < 1, err, LK_EFORMAT, "%s: \"fmr\" is %g, expected between 0 and 1", where,
            t.fmr);
    /* Rounding may put the score of equal vectors a little above 1, and the threshold is the next number. */
    LK_NEED(fabs(t.score) <= 1.001, err, LK_EFORMAT, "%s: \"score\" is %g, expected a cosine", where,
            t.score);
    struct {
        const char *key;
        double *value;
    } rates[] = {{"fmr_low", &t.fmr_low},
                 {"fmr_high", &t.fmr_high},
                 {"tar", &t.tar},
                 {"tar_low", &t.tar_low},
                 {"tar_high", &t.tar_high}};
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        LK_TRY(lk_json_real(item, rates[i].key, 0, rates[i].value, where, err));
        LK_NEED(isnan(*rates[i].value) || (*rates[i].value >= 0 && *rates[i].value <= 1), err, LK_EFORMAT,
                "%s: \"%s\" is %g, expected 0 to 1", where, rates[i].key, *rates[i].value);
    }
    const json_t *supported = json_object_get(item, "supported");
    LK_NEED(supported == NULL || json_is_boolean(supported), err, LK_EFORMAT,
            "%s: \"supported\" is neither true nor false", where);
    t.supported = supported == NULL || json_is_true(supported);
    *out = t;
    return LK_OK;
}

lk_status lk_thresholds_from_json(struct lk_threshold_list *out, const json_t *object, int required,
                                  const char *where, lk_error *err)
{
    const json_t *list = json_object_get(object, "thresholds");
    struct lk_threshold_list r = {.n = 0};
    if (!required && (list == NULL || json_is_null(list))) {
        *out = r;
        return LK_OK;
    }
    LK_NEED(json_is_array(list), err, LK_EFORMAT, "%s: expected a list \"thresholds\"", where);
    size_t n = json_array_size(list), room = sizeof r.items / sizeof *r.items;
    LK_NEED(n <= room, err, LK_EFORMAT, "%s: %zu thresholds, expected at most %zu", where, n, room);
    for (size_t i = 0; i < n; i++) {
        LK_TRY(read_one(json_array_get(list, i), &r.items[i], where, err));
        LK_NEED(i == 0 || (r.items[i].fmr < r.items[i - 1].fmr && r.items[i].score >= r.items[i - 1].score),
                err, LK_EFORMAT, "%s: thresholds %zu and %zu: expected falling rates and rising scores",
                where, i, i + 1);
        r.n++;
    }
    *out = r;
    return LK_OK;
}

lk_status lk_thresholds_for_images(const json_t *object, const char *where, lk_error *err)
{
    const char *protocol = "";
    LK_TRY(lk_json_string(object, "protocol", 0, &protocol, where, err));
    LK_NEED(strcmp(protocol, "templates") != 0, err, LK_EFORMAT,
            "%s: its thresholds are for templates of several images, expected some for single images, which "
            "is what "
            "an audit compares",
            where);
    return LK_OK;
}

lk_status lk_thresholds_read(struct lk_threshold_list *out, const char *path, lk_error *err)
{
    json_t *object = NULL;
    const char *kind = "";
    LK_TRY(lk_json_read(path, &object, err));
    lk_status status = lk_json_string(object, "kind", 1, &kind, path, err);
    if (status == LK_OK && strcmp(kind, "thresholds") != 0)
        status = lk_fail(err, LK_EFORMAT, "%s: \"kind\" is \"%.60s\", expected \"thresholds\"", path, kind);
    if (status == LK_OK)
        status = lk_thresholds_for_images(object, path, err);
    if (status == LK_OK)
        status = lk_thresholds_from_json(out, object, 1, path, err);
    json_decref(object);
    return status;
}

/* JSON has no NaN: what is not known is left out. */
static int set_real(json_t *object, const char *key, double value)
{
    return isnan(value) ? 0 : json_object_set_new(object, key, json_real(value));
}

json_t *lk_thresholds_to_json(const lk_threshold *items, int n)
{
    json_t *list = json_array();
    for (int i = 0; i < n; i++) {
        const lk_threshold *t = &items[i];
        json_t *item = json_object();
        int failed = set_real(item, "fmr", t->fmr) | set_real(item, "score", t->score) |
                     set_real(item, "fmr_low", t->fmr_low) | set_real(item, "fmr_high", t->fmr_high) |
                     set_real(item, "tar", t->tar) | set_real(item, "tar_low", t->tar_low) |
                     set_real(item, "tar_high", t->tar_high) |
                     json_object_set_new(item, "supported", json_boolean(t->supported));
        failed |= json_array_append_new(list, item);
        if (failed != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}
