/* SPDX-License-Identifier: Apache-2.0 */
/* known_report.c - a report about a MATCH directory in whose pairs everything is known that a page can show.
 *
 *   known_report MATCH KNOWN.csv PAGE.html [--no-faces]
 *
 * KNOWN.csv has a line for each pair: rank,margin,q,e_value,kind,reviewed; empty fields are not known. Strata and
 * discoveries are those of the sets. */
#include <stdlib.h>
#include <string.h>

#include "report/report.h"

static lk_status take_number(const struct lk_csv *csv, size_t column, double *out, lk_error *err)
{
    *out = NAN;
    return lk_csv_field(csv, column)[0] != '\0' ? lk_csv_double(csv, column, out, err) : LK_OK;
}

static lk_status take_text(const struct lk_csv *csv, size_t column, char **out, lk_error *err)
{
    const char *text = lk_csv_field(csv, column);
    return text[0] == '\0' || (*out = lk_strdup(text, err)) != NULL ? LK_OK : LK_ENOMEM;
}

static lk_status take_pair(struct lk_report *r, const struct lk_csv *csv, lk_error *err)
{
    uint64_t rank;
    LK_TRY(lk_csv_u64(csv, 0, &rank, err));
    if (rank < 1 || rank > r->n_pairs)
        return LK_OK;
    struct lk_report_pair *pair = &r->pairs[rank - 1];
    LK_TRY(take_number(csv, 1, &pair->margin, err));
    LK_TRY(take_number(csv, 2, &pair->q, err));
    LK_TRY(take_number(csv, 3, &pair->e_value, err));
    LK_TRY(take_text(csv, 4, &pair->kind, err));
    return take_text(csv, 5, &pair->reviewed, err);
}

static lk_status take_known(struct lk_report *r, const char *path, lk_error *err)
{
    struct lk_map map;
    struct lk_csv csv;
    LK_TRY(lk_map_open(&map, path, err));
    lk_status status = lk_csv_open(&csv, map.bytes, map.len, err);
    int more = 1;
    while (status == LK_OK && (status = lk_csv_next(&csv, &more, err)) == LK_OK && more)
        status = take_pair(r, &csv, err);
    lk_csv_close(&csv);
    lk_map_close(&map);
    return status;
}

static lk_status write_report(struct lk_report *r, const char *known, const char *page, lk_error *err)
{
    LK_TRY(lk_report_load(r, err));
    LK_TRY(lk_report_measure(r, err));
    lk_report_pair_facts(r);
    LK_TRY(take_known(r, known, err));
    LK_TRY(lk_report_pictures(r, err));
    return lk_report_write_page(r, page, err);
}

int main(int argc, char **argv)
{
    lk_error err;
    lk_ctx *ctx = NULL;
    lk_ctx_options ctx_options;
    lk_report_options options;
    if (argc < 4) {
        fprintf(stderr, "usage: known_report MATCH KNOWN.csv PAGE.html [--no-faces]\n");
        return 2;
    }
    lk_ctx_options_init(&ctx_options);
    lk_report_options_init(&options);
    options.match = argv[1];
    options.max_pairs = 1500;
    options.no_faces = argc > 4 && strcmp(argv[4], "--no-faces") == 0;
    struct lk_report r = {.options = &options};
    lk_status status = lk_ctx_new(&ctx, &ctx_options, &err);
    r.ctx = ctx;
    if (status == LK_OK)
        status = write_report(&r, argv[2], argv[3], &err);
    if (status != LK_OK)
        fprintf(stderr, "known_report: %s\n", err.text);
    lk_report_free(&r);
    lk_ctx_free(ctx);
    return status == LK_OK ? 0 : 1;
}
