/* SPDX-License-Identifier: Apache-2.0 */
/* load.c - reads what a report is about: measures.json, its tables, the MATCH directory and the files beside
 * them. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "formats/json.h"
#include "report/report.h"
#include "stats/chance.h"

const json_t *lk_report_measure(const struct lk_report *r, const char *measure, const char *key)
{
    const json_t *of = json_object_get(json_object_get(r->measures, "measures"), measure);
    const json_t *value = key != NULL ? json_object_get(of, key) : of;
    return json_is_null(value) ? NULL : value;
}

/* Numbers of measures.json that are not there are NaN, or 0 where they count. */
static double real_of(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

static uint64_t count_of(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_integer(value) && json_integer_value(value) > 0 ? (uint64_t)json_integer_value(value) : 0;
}

static struct lk_estimate estimate_of(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return (struct lk_estimate){real_of(value, "value"), real_of(value, "low"), real_of(value, "high")};
}

static lk_status read_verdict(struct lk_report *r, const char *where, lk_error *err)
{
    const json_t *verdict = json_object_get(r->measures, "verdict");
    const char *name = NULL, *unit = NULL;
    LK_TRY(lk_json_string(verdict, "name", 1, &name, where, err));
    LK_TRY(lk_json_string(verdict, "sentence", 1, &r->sentence, where, err));
    LK_TRY(lk_json_string(r->measures, "unit", 1, &unit, where, err));
    r->by_identity = strcmp(unit, "identity") == 0;
    for (int v = LK_VERDICT_LEAK_SHOWN; v <= LK_VERDICT_NOT_INTERPRETABLE; v++)
        if (strcmp(name, lk_verdict_name((lk_verdict)v)) == 0) {
            r->verdict = (lk_verdict)v;
            return LK_OK;
        }
    return lk_fail(err, LK_EFORMAT, "%s: found verdict '%.40s', expected one of the five", where, name);
}

/* ---- thresholds ----------------------------------------------------------------------------------- */

static int by_falling_fmr(const void *a, const void *b)
{
    double x = ((const struct lk_report_level *)a)->fmr, y = ((const struct lk_report_level *)b)->fmr;
    return (x < y) - (x > y);
}

static lk_status read_levels(struct lk_report *r, const char *where, lk_error *err)
{
    const json_t *list = lk_report_measure(r, "L0_exposure", "thresholds");
    size_t n = json_array_size(list);
    LK_NEED(n <= 64, err, LK_EFORMAT, "%s: %zu thresholds, expected at most 64", where, n);
    if ((r->levels = lk_calloc(n, sizeof *r->levels, err)) == NULL)
        return LK_ENOMEM;
    for (size_t i = 0; i < n; i++) {
        const json_t *entry = json_array_get(list, i), *supported = json_object_get(entry, "supported");
        struct lk_report_level *level = &r->levels[i];
        *level = (struct lk_report_level){.fmr = real_of(entry, "fmr"),
                                          .score = real_of(entry, "score"),
                                          .supported = supported == NULL || json_is_true(supported),
                                          .tar = real_of(entry, "tar"),
                                          .share = real_of(entry, "share"),
                                          .expected = real_of(entry, "expected_by_chance"),
                                          .chance = real_of(entry, "share_by_chance"),
                                          .all = {NAN, NAN},
                                          .all_chance = NAN};
        LK_NEED(
            level->fmr > 0 && level->fmr < 1 && level->score >= -1 && level->score <= 1, err, LK_EFORMAT,
            "%s: threshold %zu has fmr %g and score %g, expected fmr between 0 and 1 and score from -1 to 1",
            where, i, level->fmr, level->score);
    }
    r->n_levels = n;
    qsort(r->levels, n, sizeof *r->levels, by_falling_fmr);
    return LK_OK;
}

/* ---- measures --------------------------------------------------------------------------------------- */

static void read_competition(struct lk_report *r)
{
    const json_t *l3 = lk_report_measure(r, "L3_preference", NULL),
                 *l4 = lk_report_measure(r, "L4_discoveries", NULL);
    r->compared = l4 != NULL;
    r->competition = (struct lk_competition){.n = r->n_units,
                                             .wins = count_of(l4, "wins"),
                                             .losses = count_of(l4, "losses"),
                                             .holdouts = count_of(l4, "holdouts"),
                                             .q = real_of(l4, "q"),
                                             .tau = real_of(l4, "tau"),
                                             .discoveries = count_of(l4, "discoveries"),
                                             .decoys = count_of(l4, "decoys"),
                                             .resolution = count_of(l4, "resolution"),
                                             .largest_decoy = real_of(l4, "largest_decoy")};
    r->share = estimate_of(l3, "pi");
    r->share_p = real_of(l3, "p_value");
    r->auc = estimate_of(lk_report_measure(r, "L7_persons", NULL), "auc");
}

/* The same choice as the verdict's: genuine pairs where there are any, else the weakest leak that would have been
 * found, else the strongest. */
static void read_power(struct lk_report *r)
{
    const json_t *rows = lk_report_measure(r, "L10_power", "rows"), *row;
    size_t i;
    json_array_foreach((json_t *)(uintptr_t)rows, i, row) /* only reads */
    {
        struct lk_report_power p = {.measured = true,
                                    .genuine = json_is_true(json_object_get(row, "genuine")),
                                    .strength = real_of(row, "strength"),
                                    .power = real_of(lk_report_measure(r, "L10_power", NULL), "power"),
                                    .planted = count_of(row, "planted"),
                                    .n = count_of(row, "units")};
        bool found = p.planted > 0, was_found = r->power.planted > 0;
        if (!r->power.measured || (!r->power.genuine && (found != was_found ? found
                                                         : found ? p.strength < r->power.strength
                                                                 : p.strength > r->power.strength)))
            r->power = p;
    }
}

static void read_kinds(struct lk_report *r)
{
    const json_t *kinds = lk_report_measure(r, "L8_kinds", NULL), *pairs = json_object_get(kinds, "closest_pairs");
    uint64_t listed = count_of(lk_report_measure(r, "L0_exposure", NULL), "pairs"),
             unread = count_of(pairs, "not read");
    r->n_judged = listed > unread ? listed - unread : 0;
    r->n_with_copies = count_of(kinds, "identities_with_copies");
}

/* ---- the complete sets ------------------------------------------------------------------------------ */

static lk_status same_set(const struct lk_report *r, const char *key, const struct lk_report_set *set, lk_error *err)
{
    const char *matched =
        json_string_value(json_object_get(json_object_get(r->exposure.meta, key), "embeddings_sha256"));
    LK_NEED(matched == NULL || set->sha256 == NULL || strcmp(matched, set->sha256) == 0, err, LK_EINVAL,
            "%s: its %s are not the %s of %s; expected a MATCH directory of the same sets", r->options->match, key,
            set->label, r->options->measures);
    return LK_OK;
}

static lk_status read_exposure(struct lk_report *r, lk_error *err)
{
    if (r->options->match == NULL)
        return LK_OK;
    LK_TRY(lk_exposure_open(&r->exposure, r->options->match, err));
    r->exposed = true;
    LK_TRY(same_set(r, "probes", &r->sets[LK_SYNTHETIC], err));
    LK_TRY(same_set(r, "references", &r->sets[LK_TRAINING], err));
    const struct lk_exposure *e = &r->exposure;
    for (size_t k = 0; k < r->n_levels; k++) {
        struct lk_report_level *level = &r->levels[k];
        level->all_chance = lk_chance_any(e->galleries[LK_EXPOSURE_TRAIN].rows, level->fmr);
        for (int g = 0; g < LK_N_EXPOSURE; g++) {
            uint64_t n = 0;
            for (size_t i = 0; i < e->n_probes; i++)
                n += e->probes[i].score[g] >= level->score;
            if (e->galleries[g].given)
                level->all[g] = (double)n / (double)e->n_probes;
        }
    }
    return LK_OK;
}

static lk_status read_measures(struct lk_report *r, const char *path, lk_error *err)
{
    LK_NEED(lk_path_exists(path), err, LK_EIO,
            "%s: no finished MEASURE directory (no measures.json), expected one as `likeness measure` writes",
            r->options->measures);
    LK_TRY(lk_json_read(path, &r->measures, err));
    const char *kind = json_string_value(json_object_get(r->measures, "kind"));
    LK_NEED(kind != NULL && strcmp(kind, "measures") == 0, err, LK_EFORMAT,
            "%s: found kind '%s', expected 'measures' as `likeness measure` writes", path,
            kind != NULL ? kind : "(none)");
    LK_TRY(read_verdict(r, path, err));
    return read_levels(r, path, err);
}

lk_status lk_report_load(struct lk_report *r, lk_error *err)
{
    char *path = lk_path_join(r->options->measures, "measures.json", err);
    if (path == NULL)
        return LK_ENOMEM;
    lk_status status = read_measures(r, path, err);
    free(path);
    LK_TRY(status);
    LK_TRY(lk_report_load_sets(r, err));
    LK_TRY(lk_report_read_tables(r, err));
    read_competition(r);
    read_power(r);
    read_kinds(r);
    LK_TRY(read_exposure(r, err));
    LK_TRY(lk_report_read_pairs(r, err));
    LK_TRY(lk_report_read_calibration(r, err));
    return lk_report_read_review(r, err);
}

void lk_report_free(struct lk_report *r)
{
    if (r->exposed)
        lk_exposure_close(&r->exposure);
    lk_report_close_sets(r);
    lk_report_free_tables(r);
    lk_report_free_pairs(r);
    free(r->levels);
    free(r->calibration.score);
    free(r->calibration.genuine);
    free(r->calibration.impostor);
    json_decref(r->review);
    json_decref(r->measures);
}
