/* SPDX-License-Identifier: Apache-2.0 */
/* table.c - study.csv: one line for each run and matcher. */
#include <string.h>

#include "formats/csv.h"
#include "study/compare.h"

/* Column, and where it is: in the matcher's part of the run, or in the real pairs of the training set. */
static const struct {
    const char *name, *way;
} columns[] = {
    {"verdict", "verdict"},
    {"units", "units"},
    {"images", "images"},
    {"references", "references"},
    {"persons_each", "persons_each"},
    {"holdouts", "holdouts"},
    {"exposure_fmr", "exposure/fmr"},
    {"exposure_share", "exposure/share"},
    {"exposure_by_chance", "exposure/share_by_chance"},
    {"pi", "pi/value"},
    {"pi_low", "pi/low"},
    {"pi_high", "pi/high"},
    {"p_value", "p_value"},
    {"discoveries", "discoveries"},
    {"resolution", "resolution"},
    {"persons_exposed", "persons_exposed"},
    {"with_copies", "with_copies"},
    {"auc", "auc/value"},
    {"nearest_persons", "nearest_persons"},
    {"largest_group", "largest_group"},
    {"power_strength", "power/strength"},
    {"power_planted", "power/planted"},
    {"nearest_train_median", "nearest/train/quantiles/2"},
    {"nearest_holdout_median", "nearest/holdout/quantiles/2"},
    {"nearest_d_prime", "nearest/d_prime"},
    {"nearest_ks", "nearest/ks"},
    {"planted", "truth/planted"},
    {"planted_found", "truth/found"},
    {"false_found", "truth/false"},
};
static const struct {
    const char *name, *way;
} real_columns[] = {
    {"genuine_mean", "genuine/mean"}, {"genuine_sd", "genuine/sd"}, {"impostor_mean", "impostor/mean"},
    {"impostor_sd", "impostor/sd"},   {"real_d_prime", "d_prime"},
};
enum { N_COLUMNS = sizeof columns / sizeof *columns, N_REAL = sizeof real_columns / sizeof *real_columns };

static void put(FILE *f, const json_t *value)
{
    putc(',', f);
    if (json_is_string(value))
        lk_csv_put(f, json_string_value(value));
    else if (json_is_integer(value))
        fprintf(f, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else if (json_is_real(value))
        fprintf(f, "%.9g", json_real_value(value));
}

static void write_line(const json_t *root, const json_t *run, size_t matcher, FILE *f)
{
    const json_t *m = json_array_get(json_object_get(run, "matchers"), matcher);
    const json_t *about = json_array_get(json_object_get(root, "matchers"), matcher);
    const json_t *real =
        json_object_get(json_object_get(about, "real_pairs"), lk_study_text_at(run, "train"));
    lk_csv_put(f, lk_study_text_at(run, "synthetic"));
    put(f, json_object_get(run, "train"));
    put(f, json_object_get(m, "name"));
    for (size_t c = 0; c < N_COLUMNS; c++)
        put(f, lk_study_at(m, columns[c].way));
    for (size_t c = 0; c < N_REAL; c++)
        put(f, lk_study_at(real, real_columns[c].way));
    put(f, json_object_get(about, "eer"));
    put(f, lk_study_at(run, "cochran/p"));
    putc('\n', f);
}

lk_status lk_study_write_table(const json_t *root, const char *path, lk_error *err)
{
    struct lk_out out;
    LK_TRY(lk_out_open(&out, path, err));
    FILE *f = out.stream;
    fputs("synthetic,train,matcher", f);
    for (size_t c = 0; c < N_COLUMNS; c++)
        fprintf(f, ",%s", columns[c].name);
    for (size_t c = 0; c < N_REAL; c++)
        fprintf(f, ",%s", real_columns[c].name);
    fputs(",eer,cochran_p\n", f);
    const json_t *runs = json_object_get(root, "runs");
    for (size_t i = 0; i < json_array_size(runs); i++) {
        const json_t *run = json_array_get(runs, i);
        for (size_t m = 0; m < json_array_size(json_object_get(run, "matchers")); m++)
            write_line(root, run, m, f);
    }
    lk_status status = lk_out_commit(&out, err);
    lk_out_abandon(&out);
    return status;
}
